"""What a user sees, written down: `python -m benchmarks.behaviour AFTER.json`.

    python -m benchmarks.behaviour BEFORE.json
    python -m benchmarks.behaviour AFTER.json --against BEFORE.json --only calls commands

A record maps a key that can be read to what was seen: a call of a public name to its result, its
warnings or its error; a command to its exit code, what it printed and the files it wrote; an
example of README or a cell of a notebook to its output. Two records made on one machine, before and
after the package was rearranged, show what that changed: each difference is printed, and the exit
code is 1 if there is one. What may differ is left out: addresses, durations, folders, the modules
where things live, the package's own lines in a traceback. Nothing here names a module that is not
public.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import difflib
import doctest
import hashlib
import importlib
import inspect
import io
import json
import os
import pickle
import re
import shlex
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import autograd_lite as ag
import nn

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = {
    "PYTHONHASHSEED": "0", "NO_COLOR": "1", "COLUMNS": "100", "MPLBACKEND": "Agg",
    "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT),
    "SOURCE_DATE_EPOCH": "0", "PYTHONIOENCODING": "utf-8",
}  # fmt: skip
Seen = Iterator[tuple[str, str]]

# Of these modules, what is documented; of the packages, what their `__all__` names.
PUBLIC = {
    "nn.datasets": "CsvError breast_cancer csv digits iris mean_and_scale one_hot planar split "
    "standardize standardized",
    "nn.initialisers": "BY_NAME glorot he small",
    "nn.losses": "BY_NAME Loss binary_cross_entropy binary_cross_entropy_with_logits cross_entropy "
    "cross_entropy_with_logits half_squared_error",
    "nn.optimizers": "Adam BY_NAME GradientDescent Momentum Optimizer",
    "nn.closed_form": "compare_training forward gradients relative_error tape_gradients",
    "nn.plots": "decision_boundary history",
    **dict.fromkeys(("autograd_lite", "nn", "nn.documents"), ""),
}

# The arrays that operations are tried on: i holds whole numbers, k truths, n nothing.
ARRAYS: dict[str, np.ndarray] = {
    "a": np.array([[0.5, -1.25, 2.0], [-0.75, 1.5, 0.25]]),
    "b": np.array([1.5, 0.5, 2.5]),
    "m": np.array([[1.0, -0.5], [0.25, 2.0], [-1.5, 0.75]]),
    "c": np.linspace(-1.0, 1.2, 12).reshape(2, 3, 2),
    "s": np.array(0.7),
}
CONSTANTS = {
    "i": np.array([1, 0, 1]),
    "k": np.array([[True, False, True], [False, False, True]]),
    "n": np.zeros((0, 3)),
}
# Separated by two spaces or more: every operation that a Tensor takes, and ways to write it.
OPERATIONS = """
a + b  a - b  a * b  a / b  b ** a  a ** 2  a ** 3.0  2 ** a  1 - a  3 / b  -a  +a  abs(a)  a @ m
np.maximum(a, b)  np.minimum(a, b)  np.maximum(a, 0)  np.negative(a)  np.exp(a)  np.expm1(a)
np.log(b)  np.log1p(b)  np.sqrt(b)  np.square(a)  np.tanh(a)  np.sin(a)  np.cos(a)  np.abs(a)
np.where(a > b, a, b)  np.where(k, a, 0.0)  np.clip(a, -0.5, 0.5)  a.clip(min=0.1)  a.dot(m)
np.clip(a, -b, b)  np.dot(b, b)  np.matmul(c.mT, m)  b @ m  c @ a[:, :2]  m @ a  np.sum(a)
np.sum(a, axis=0)  a.sum(axis=-1, keepdims=True)  np.mean(a)  a.mean(1)  np.max(a)  a.min(axis=0)
np.var(a)  np.var(a, axis=1, ddof=1)  np.std(a)  a.std(axis=0)  a.reshape(3, 2)  np.ravel(c)
np.squeeze(a[None])  np.expand_dims(b, 0)  a.T  c.mT  np.transpose(c, (1, 2, 0))
np.swapaxes(c, 0, 2)  np.moveaxis(c, 0, -1)  np.broadcast_to(b, (2, 3))  a.astype(np.float32)
ag.relu(a)  ag.sigmoid(a)  ag.softplus(a)  ag.logsumexp(a)  ag.logsumexp(a, axis=1, keepdims=True)
ag.softmax(a)  ag.softmax(a, axis=0)  ag.log_softmax(a)  np.concatenate([a, b[None]])
np.stack([a, a * 2], axis=1)  np.einsum("ij,jk->ik", a, m)  np.einsum("ij,j->", a, b)  a[1]  a[k]
a[:, i]  a[..., None, 1:]  a[a.argmax(axis=0), [0, 1, 2]]  c[0, ::-1]  a * (a > b)  np.sign(a) * a
a * np.floor(b)  s * a  s ** 2  a * n  n.sum() + s  a.relu()  a.sigmoid()  b.log()  b.sqrt()
a.exp()  a.tanh()  a * a.detach()  np.vstack([a, b])  np.outer(b, b)  np.cumsum(a)  np.prod(a)
a // b  a % b  np.linalg.norm(a)  np.arctan(a)  np.sort(a)  a[i, i]  a @ a  a + c  np.round(a)
"""
WAYS = {
    "value": "f(*tensors)",
    "gradient": "ag.grad(cost, which)(*arrays)",
    "second": "ag.hessian(cost)(*arrays)",
    "product": "ag.hvp(cost)(*arrays, arrays[0])",
    "forward": "ag.jvp(f, arrays, arrays)",
    "compiled": "ag.compile(ag.value_and_grad(cost, which))(*arrays)",
    "code": "ag.compile(ag.value_and_grad(cost, which)).source(*arrays)",
    "tape": "ag.tape(cost(*tensors))",
    "drawn": "ag.draw(cost(*tensors)).source",
    "derived": "ag.derive(cost(*tensors))",
    "backward": "cost(*tensors).backward(); [t.grad for t in tensors]",
    "float32": "ag.grad(cost, which)(*[x.astype(np.float32) for x in arrays])",
}

# Gradients by hand, as `autograd-lite compare` takes them, and what is changed in them.
BY_HAND = """\
import numpy as np

def gradients(X, Y, parameters):
    W1, b1, W2, b2 = (parameters[name] for name in ("W1", "b1", "W2", "b2"))
    m = X.shape[1]
    Z1 = W1 @ X + b1
    A1 = np.tanh(Z1)
    A2 = 1 / (1 + np.exp(-(W2 @ A1 + b2)))
    dZ2 = (A2 - Y) / m
    dW2, db2 = dZ2 @ A1.T, dZ2.sum(axis=1, keepdims=True)
    dA1 = W2.T @ dZ2
    dZ1 = dA1 * (1 - A1**2)
    dW1, db1 = dZ1 @ X.T, dZ1.sum(axis=1, keepdims=True)
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}
"""
PLANTED = {
    "right": ("", ""),
    "slope": (" * (1 - A1**2)", ""),
    "slope_of_sigmoid": ("(1 - A1**2)", "A1 * (1 - A1)"),
    "slope_at_Z": ("(1 - A1**2)", "(1 - Z1**2)"),
    "slope_unsquared": ("(1 - A1**2)", "(1 - A1)"),
    "slope_twice": ("(A2 - Y) / m", "(A2 - Y) / m * A2 * (1 - A2)"),
    "transpose": ('"W1": dW1', '"W1": dW1.T'),
    "sum": ("db1 = dZ1 @ X.T, dZ1.sum(axis=1, keepdims=True)", "db1 = dZ1 @ X.T, dZ1"),
    "mean": ("dZ2.sum(", "dZ2.mean("),
    "axis": ("dZ1.sum(axis=1", "dZ1.sum(axis=0"),
    "dimension": ("dZ2.sum(axis=1, keepdims=True)", "dZ2.sum(axis=1)"),
    "number": (" / m", ""),
    "factor": (" / m", " / (2 * m)"),
    "sign": ("(A2 - Y)", "(Y - A2)"),
    "sign_of_one": ('"b1": db1', '"b1": -db1'),
    "before_activation": ("dZ2 @ A1.T", "dZ2 @ Z1.T"),
    "unexplained": ('"W2": dW2', '"W2": np.cos(dW2)'),
    "one_entry": ("    return", "    dW1[0, 1] += 0.01\n    return"),
    "nan": ("    return", "    dW1[0, 1] = np.nan\n    return"),
    "more": ('"b2": db2', '"b2": db2, "dA1": dA1, "dZ1": dA1, "dZ2": dZ2'),
    "less": ('{"W1": dW1, "b1": db1, "W2": dW2, ', "{"),
    "unknown": ('"b2": db2', '"b3": db2'),
    "list": ('{"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}', "[dW1, db1]"),
    "raises": ("dW1, db1 = dZ1 @ X.T", "dW1, db1 = dZ1 @ X"),
    "elsewhere": ("def gradients", "def gradient"),
}
ACTIVATIONS = ["identity", "sigmoid", "tanh", "relu", "softplus", "sin", "softmax"]
MODELS = ["layers", "recurrent", "classes"]
NOTATIONS = ["plain", "000", "001", "002", "003", "004"]

# Also separated by two spaces or more. The names are those of `names` below.
CALLS = """
x  x.grad  x.shape, x.ndim, x.size, x.dtype, x.name, x.requires_grad  len(x)  x.numpy()  x.T
x.op, (x * 2).op  float(x)  float(x[0, 0])  bool(x)  int(ag.Tensor(3.7))  f"{x[0, 0]:.2f}"  list(x)
x.item()  x[0, 1].item()  x.tolist()  x.copy()  x.detach()  x.named("n")  x[9]  x["no"]  x.no
x.backward()  J.backward(); J.backward(); x.grad  J.backward(); x.zero_grad(); x.grad
J.backward(x)  (x * 2).backward(np.ones((2, 3))); x.grad  (x * 2).backward(np.ones(3))  x[0, 0] = 1
x.data[0, 0] = 5  x.data = np.ones(3)  x.data = x.data * 2; J.backward(); x.grad  x += 1; x
x.sort()  x.cumsum()  x.prod()  x.flatten()  x.repeat(2)  x.fill(1)  x.imag  x.view()  x.base
x == 1  x < y  ag.Tensor("text")  ag.Tensor([1, 2], requires_grad=True)  ag.Tensor([1j])
ag.Tensor(None)  ag.Tensor([[1], [2, 3]])  ag.Tensor([1, 2])
ag.Tensor([1.0], dtype="int8", requires_grad=True)  ag.Tensor(np.ma.masked_array([1.0], [True]))
ag.Tensor([1.0], name=3)  ag.Tensor(x)  x + "text"  x @ x  x + np.ones(4)  x + None
np.add(x, 1, out=np.ones((2, 3)))  np.fft.fft(x)  np.asarray(x)  hash(x) == hash(x)  x in [x]
np.add.reduce(x)  np.exp(x, where=k)  x ** x  x.astype(int)  [*J]  ag.no_such_name  nn.no_such_name
ag.__version__, nn.__version__  sorted(dir(ag))  ag.is_tracing()  ag.grad(square)(3.0)
ag.grad(square)(3)  ag.grad(square, 1)(3.0)  ag.grad(3)  ag.grad(square)("x")
ag.grad(lambda p: p["u"] * p["v"])({"u": 2.0, "v": 3.0})  ag.grad(lambda v: v * 2)(b)
ag.grad(lambda v: 3.0)(1.0)  ag.grad(ag.grad(lambda v: v**3))(2.0)  ag.value_and_grad(square)(3.0)
ag.jacobian(lambda v: v * v)(b)  ag.jacobian(lambda v, w: v * w, (0, 1))(b, b)  ag.jacobian(4)
ag.hessian(lambda v: np.sum(v**3))(b)  ag.hvp(lambda v: np.sum(v**3))(b, b)  ag.hvp(square)(b)
ag.jvp(np.tanh, (b,), (b,))  ag.jvp(np.tanh, (b,), (a,))  ag.vjp(np.tanh, b)[1](b)  ag.vjp(3, b)
ag.gradients(J, [x, y])  ag.gradients(J, [ag.Tensor(1.0)])  ag.gradients(x, [x])
ag.gradients(3, [])  ag.gradients(x * y, [x], np.ones((2, 3)))
ag.gradients(J, [x], create_graph=True)  within(ag.no_grad, lambda: x * 2)
ag.no_grad()(lambda v: v * 2)(x)  within(ag.no_grad, J.backward)
within(ag.detect_anomalies, lambda: np.log(x * 0))  within(ag.detect_anomalies, lambda: x * 2)
within(ag.detect_anomalies, lambda: np.sum(np.sqrt(x * 0)).backward())
ag.differentiable(lambda g, y, v: 2 * g * v)(lambda v: v * v)(x)  ag.differentiable(3)(np.tanh)
ag.check_gradients(cube(3), a)  ag.check_gradients(cube(2), a)
ag.check_gradients(cube(3), a, order=1)  ag.check_gradients(np.abs, a * 0)
ag.check_gradients(lambda v: v @ m, a)  ag.check_gradients(3, a)
ag.check_gradients(lambda v: np.sum(v.data), a)  ag.check_gradients(square, a, order=0)
ag.compile(square)(a)  ag.compile(square)  ag.compile(3)
ag.compile(lambda v: v if v > 0 else -v)(2.0)  ag.compile(lambda v: v.item())(s)
ag.compile(lambda v: v.data)(s)  ag.compile(lambda v: float(v))(s)
ag.compile(lambda v: np.random.rand() * v)(s)  ag.compile(lambda v, o: v)(s, object())
ag.compile(square).source(a)  ag.compile(square, reuse_outputs=True).source(a)
ag.compile(square)()  ag.compile(square).unchecked(a)(a)
ag.compile(lambda v: [v + i for i in range(3)])(a)
ag.compile(lambda v: ag.guard(lambda w: None, v) or v * 2)(s)  ag.guard(lambda v: None, x)
ag.compile(lambda v: {"u": v, "w": (v, 3)})(b)  [ag.compile(square)(np.ones(n)) for n in range(3)]
ag.tape(J)  ag.tape(J)._repr_html_()  len(ag.tape(J)), ag.tape(J, most=3)  ag.tape(3)  ag.tape(x)
ag.draw(J)  ag.draw(J)._repr_mimebundle_()  ag.draw(3)  ag.draw(J, most=1)  ag.draw(J, groups=[x])
ag.draw(J, report=3)  ag.draw(J, groups={"both": [x, y]}).source  ag.draw(x * 2).source
ag.draw(J).save("picture.bmp")  ag.draw(J).save("no/such/folder.dot")  ag.derive(x)  ag.derive(3)
ag.derive(J, x)  ag.derive(J, [y], steps=True)  ag.derive(J, notation="007")
ag.derive(J, [ag.Tensor(1.0)])  ag.compare(J, {"x": a})  ag.compare(J, {x: 2 * a, "dy": a * 0})
ag.compare(J, {})  ag.compare(J, [a])  ag.compare(J, {"no": a})  ag.compare(J, {"x": "text"})
ag.compare(3, {"x": a})  ag.compare(x, {"x": a})  ag.compare(J, {"x": a}, values={"T": a})
ag.compare(J, {"x": lambda y: y}).entries  compared("slope").entries
compared("slope").ok, list(compared("slope"))
compared("slope", values={"A1": np.zeros((4, 7)), "Z1": np.zeros((4, 7))})
ag.draw(J, report=ag.compare(J, {x: a, y: a})).source
ag.draw(J, report=ag.compare(J, {x: a, y: a}), most=2).source
nn.Network([2, 3, 1], ["tanh", "sigmoid"], rng=0, batch_axis=0, dtype="float32").parameters()
nn.Network([2], [])  nn.Network([2, 1], ["no"])  nn.Network([2, 1], "tanh")
nn.Network([2, 0], ["tanh"])  nn.Network([2, 1], ["tanh", "tanh"])  nn.Network(3, ["tanh"])
nn.Network([2, 1], ["tanh"], dtype=int)  nn.Network([2, 1], ["tanh"], batch_axis=2)
nn.Network([2, 1], [lambda Z: 3], rng=0)(np.ones((2, 1)))
nn.Network([2, 1], [np.sum], rng=0)(np.ones((2, 1)))
nn.Network([2, 1], [np.sin], rng=0).save("n.npz")  net  net.L, net.sizes, net.activations
net.parameters()  net(X)  net(X.T)  net(X[:, 0])  net("text")  net.forward(X)
net.forward(X).layers  net.set_parameters({"W1": np.ones((3, 4))})  net.set_parameters({"W9": 1})
net.set_parameters({"b1": np.full((4, 1), np.nan)})  reloaded(net)  nn.Network.load("no.npz")
nn.Network.load(README)  nn.closed_form.relative_error(a, a + 1e-9)
nn.closed_form.gradients(arrays_of(net), X, Y, ["tanh", "sigmoid"], "binary_cross_entropy")
nn.closed_form.tape_gradients(net, X, Y, nn.losses.binary_cross_entropy)
nn.closed_form.forward(arrays_of(net), X, ["tanh", "sigmoid"])  nn.datasets.one_hot([0, 2, 1])
nn.datasets.planar(40, rng=0)  nn.datasets.planar(40, 0, 0)  nn.datasets.planar(-1)
nn.datasets.iris()  nn.datasets.iris("setosa")  nn.datasets.iris("rose")  nn.datasets.digits()
nn.datasets.breast_cancer()  nn.datasets.csv("no.csv", "y")  nn.datasets.csv(README, "y")
nn.datasets.one_hot([0.5])  nn.datasets.split(X, Y, test=0.3, rng=0)
nn.datasets.split(X, Y, test=2)  nn.datasets.split(X, Y[:, :3])  nn.datasets.standardize(X)
nn.datasets.standardize(X, X[:, :2])  nn.datasets.mean_and_scale(X)
nn.datasets.standardized(X, X[:, :1], X[:, 1:2])  nn.fit(net, X, Y, 3, adam, epochs=1)
nn.fit(net, X, Y, bce, adam, epochs=5), net.parameters()  nn.fit(net, X, Y, bce, adam, epochs=-1)
nn.fit(net, X, Y[:, :2], bce, adam, epochs=1)  nn.fit(net, X, Y, bce, "adam", epochs=1)
nn.fit(net, X, Y, bce, adam, epochs=2, batch_size=3, shuffle=True, rng=0).loss, arrays_of(net)
nn.fit(net, X, Y, bce, adam, epochs=2, batch_size=0)  nn.fit(net, X, 2 * Y, bce, adam, epochs=1)
nn.fit(net, X, Y, bce, adam, epochs=3, compile=False).loss
nn.fit(net, X * np.inf, Y, bce, adam, 1)
nn.fit(net, X, Y, mse, nn.optimizers.GradientDescent(1e300), epochs=9)
nn.fit(trained("identity"), X, Y, mse, nn.optimizers.GradientDescent(1e300), epochs=9)
nn.evaluate(net, X, Y, bce)
nn.fit(net, X, Y, bce, adam, epochs=1, progress=lambda *told: print(*told))
nn.evaluate(net, X, X, bce)  nn.History()  nn.History([0.7, 0.5], [0.5, 1.0])
nn.History([0.5, 0.7], [None, None]).learned  nn.optimizers.Adam(-1)
nn.optimizers.Adam(0.1, beta1=2)  nn.optimizers.Momentum("fast")  adam.rate, adam.beta1, adam.beta2
nn.optimizers.Momentum(0.1, momentum=1.5)  nn.plots.history(nn.History([0.7], [None])).get_ylabel()
nn.plots.decision_boundary(net, X, Y)  nn.documents.document("009")
nn.documents.document("002").title
[(e.label, e.printed, e.verdict) for e in nn.documents.document("004").entries]
nn.initialisers.small(random, 3, 2)  nn.documents.NUMBERS
"""

PICKLED = """
x  net  adam  bce  nn.History([0.7], [None])  ag.relu  ag.softmax  nn.Network
nn.optimizers.Momentum(0.1)  ag.TracingError("no")  J  nn.datasets.planar(4, rng=0)
compared("slope")  nn.initialisers.he  nn.documents.check("002", networks=3)[0]  ag.derive(J)
ag.draw(J)  ag.tape(J)  net.forward(X)
"""

# `&&` joins commands in one folder. Every file of gradients by hand is compared as well.
COMMANDS = """
--help  --version  no-such-command  train --help  check --help  compare --help  derive --help
draw --help  train --no-such-option  train --epochs 50
train --epochs 50 --rng 3 --optimizer adam --rate 0.05
train --epochs 20 --save net.npz --plot picture.png && draw net.npz && draw net.npz --layers 3,1
train --data iris --epochs 30 --batch-size 16 --progress
train --data iris --target setosa --epochs 9  train --data iris --target rose
train --data iris --layers 4,3,1  train --data breast_cancer --epochs 9
train --data digits --epochs 2 --batch-size all --optimizer momentum --test 0.5
train --data kinds.csv --target kind --epochs 20 --batch-axis 0 --save net.npz --plot curves.svg
train --data numbers.csv --target y --epochs 20 --activations tanh,identity --layers 2,3,1
train --data kinds.csv  train --data kinds.csv --target no  train --data bad.csv --target y
train --data ragged.csv --target y  train --data empty.csv --target y
train --data no.csv --target y  train --data .  train --target y  train --rate fast
train --rate 1e9 --epochs 50  train --rate=-1  train --layers 2,x,1  train --layers 3,1
train --activations tanh  train --activations tanh,no  train --loss no
train --loss cross_entropy --layers 2,3,2 --epochs 20  train --loss half_squared_error
train --epochs -1  train --epochs 0  train --batch-size 0  train --test 1.5
train --plot picture.xyz  train --save no/such/net.npz  train --save same --plot same
train --data kinds.csv --target kind --save kinds.csv
train --loss binary_cross_entropy --activations tanh,relu  train --progress=  check --document 009
check --json no/such.json  check --misprints --document 002 --rng 1  draw
draw --values --samples 2  draw --no-backward --layers 3,4,4,2 --batch-axis 0
draw --layers 3,4,4,4,2 --most 20  draw --most 1  draw --output graph.dot  draw --output graph.svg
draw --output graph.png  draw --output graph.pdf  draw --output graph.bmp  draw no.npz
draw numbers.csv  draw --samples 0  derive  derive --steps  derive --latex  derive --notation 000
derive --notation 001 --steps  derive --notation 002  derive --notation 003 --latex
derive --notation 004 --layers 3,3,2,1  derive --notation 005  derive --layers 3,4,2 --batch-axis 0
derive --layers 4,3 --loss cross_entropy_with_logits
derive --loss half_squared_error --notation 003  derive --samples 0
derive --notation 001 --loss cross_entropy --layers 2,3  compare no.py  compare .
compare numbers.csv  compare right.py --layers 2,4,1 --activations tanh,sigmoid
compare right.py --samples 0  compare slope.py --layers 3,4
compare right.py --loss half_squared_error  check --json all.json --report page.html
"""
INPUTS = {
    "kinds.csv": "u,v,kind\n"
    + "".join(f"{n % 7},{n * n % 5},{'oak' if n % 7 > n * n % 5 else 'ash'}\n" for n in range(40)),
    "numbers.csv": "u,v,y\n" + "".join(f"{n / 8},{n % 3},{n / 4 - n % 3}\n" for n in range(40)),
    "bad.csv": "u,y\n1,0\nmany,1\n",
    "ragged.csv": "u,y\n1,0\n2\n",
    "empty.csv": "",
    "matplotlibrc": "svg.hashsalt: the same in every run\n",
}


# What a name means in CALLS, beside those of `names`.
def square(v: Any) -> Any:
    """Σ v²."""
    return np.sum(v * v)


def cube(factor: float) -> Any:
    """v³, with a rule that has this factor, of which 3 is the right one."""
    return ag.differentiable(lambda g, y, v: g * factor * v * v)(lambda v: v * v * v)


def within(context: Any, call: Callable[[], Any]) -> Any:
    """What a call gives within a context."""
    with context():
        return call()


def trained(last: str = "sigmoid") -> Any:
    """A 3-4-2 network with its samples, `X` and `Y`."""
    random = np.random.default_rng(5)
    net: Any = nn.Network([3, 4, 2], ["tanh", last], rng=1)
    net.X, net.Y = random.normal(size=(3, 7)), random.integers(2, size=(2, 7)).astype(float)
    return net


def compared(plant: str, **options: Any) -> Any:
    """The report on the gradients by hand with something planted into them."""
    net, defined = trained(), dict[str, Any]()
    exec(BY_HAND.replace(*PLANTED[plant]), defined)
    J = nn.losses.binary_cross_entropy(net(net.X), net.Y)
    return ag.compare(J, defined["gradients"](net.X, net.Y, arrays_of(net)), **options)


def model(kind: str) -> Any:
    """The cost of one hidden layer, of a recurrence of two steps, or of a choice of classes."""
    random = np.random.default_rng(3)
    if kind == "layers":
        net = nn.Network([3, 4, 1], ["sigmoid", "sigmoid"], rng=2)
        return nn.losses.binary_cross_entropy(net(random.normal(size=(3, 1))), [[1.0]])
    if kind == "classes":
        net = nn.Network([3, 4, 3], ["tanh", "softmax"], rng=2, batch_axis=0)
        X = random.normal(size=(5, 3))
        return nn.losses.cross_entropy(net(X), np.eye(3)[[0, 1, 2, 1, 0]], batch_axis=0)
    U, W, b = (
        ag.Tensor(random.normal(size=shape), requires_grad=True, name=name)
        for name, shape in {"U": (4, 3), "W": (4, 4), "b": (4, 1)}.items()
    )
    H = ag.Tensor(np.zeros((4, 5)), name="H0")
    for t in (1, 2):
        x = ag.Tensor(random.normal(size=(3, 5)), name=f"X{t}")
        H = np.tanh((U @ x + W @ H + b).named(f"Z{t}")).named(f"H{t}")
    return np.mean(np.square(H))


def cost_of(activation: str, loss: str) -> Any:
    """A network's cost, and every gradient."""
    net = nn.Network([3, 2], [activation], rng=0, initialiser="glorot")
    f = net.forward(np.linspace(-1, 1, 12).reshape(3, 4))
    chosen = nn.losses.BY_NAME[loss]
    J = chosen((f.Z if loss.endswith("_logits") else f.A)[1], np.eye(2)[:, [0, 1, 1, 0]])
    J.backward()
    return J, f.A[1], {name: p.grad for name, p in net.parameters().items()}


def stepped(optimizer: str, **options: Any) -> Any:
    """The parameter after three steps of the same gradient, and what is remembered."""
    p = ag.Tensor([1.0, -2.0], requires_grad=True, name="p")
    chosen = nn.optimizers.BY_NAME[optimizer](0.1, **options)
    for _ in range(3):
        chosen.step({"p": p}, {"p": np.array([0.5, 0.25])})
    return p, chosen.state([p])


def pickled(value: Any) -> Any:
    """The value, there and back."""
    return pickle.loads(pickle.dumps(value))


def reloaded(net: Any) -> Any:
    """The network, saved and loaded."""
    net.save("net.npz")
    return arrays_of(nn.Network.load("net.npz")), nn.Network.load("net.npz")


def arrays_of(net: Any) -> dict[str, np.ndarray]:
    """The parameters' arrays by name."""
    return {name: p.numpy() for name, p in net.parameters().items()}


def names() -> dict[str, Any]:
    """Everything that a call may name, made anew."""
    net, a = trained(), ARRAYS["a"].copy()
    x = ag.Tensor(a, requires_grad=True, name="x")
    y = ag.Tensor(a[::-1] + 1, requires_grad=True, name="y")
    optimizer = nn.optimizers.Adam(0.1)
    losses = {"bce": nn.losses.binary_cross_entropy, "mse": nn.losses.half_squared_error}
    own = {"x": x, "y": y, "J": np.sum(x * y), "net": net, "X": net.X, "Y": net.Y}
    own |= {"adam": optimizer, "README": ROOT / "README.md", "random": np.random.default_rng(0)}
    return {**globals(), **ARRAYS, **CONSTANTS, **losses, **own, "a": a, "__name__": "calls"}


def spaced(table: str) -> list[str]:
    """The entries of a table that stand on lines of their own or two spaces apart."""
    return [entry for entry in re.split(r"\n|  +", table) if entry]


def calls() -> Seen:
    """Every call of the tables, with what it gives."""
    for text in spaced(CALLS):
        yield text, attempt(text, names())
    for text in spaced(OPERATIONS):
        used = [name for name in ARRAYS if re.search(rf"(?<![.\w]){name}(?!\w)", text)]
        arrays = [ARRAYS[name] for name in used]
        for way, call in WAYS.items():
            known = {**globals(), **CONSTANTS, "arrays": arrays, "which": tuple(range(len(used)))}
            f = eval(f"lambda {', '.join(used)}: {text}", known)
            known |= {"f": f, "cost": eval("lambda *t: np.sum(np.sin(f(*t)))", known | {"f": f})}
            known["tensors"] = [ag.Tensor(ARRAYS[u], requires_grad=True, name=u) for u in used]
            yield f"{text}: {way}", attempt(call, known)
    options = ["", ", values=True", ", backward=False", ", most=4"]
    for text in (
        *(f"compared({plant!r})" for plant in PLANTED),
        *(f"ag.draw(model({kind!r}){o}).source" for kind in MODELS for o in options),
        *(f"ag.tape(model({kind!r}))" for kind in MODELS),
        *(
            f"ag.derive(model({kind!r}), notation={notation!r}{end}"
            for kind in MODELS
            for notation in NOTATIONS
            for end in (")", ", steps=True)", ").latex()")
        ),
        *(f"cost_of({a!r}, {loss!r})" for a in ACTIVATIONS for loss in nn.losses.BY_NAME),
        *(f"stepped({name!r})" for name in nn.optimizers.BY_NAME),
        *(f"nn.initialisers.{name}(random, 3, 2)" for name in nn.initialisers.BY_NAME),
        *(f"pickled({value})" for value in spaced(PICKLED)),
    ):
        yield text, attempt(text, names())
    for module, listed in PUBLIC.items():
        owner = importlib.import_module(module)
        for name in listed.split() or sorted(owner.__all__):
            yield f"help of {module}.{name}", plain(described(getattr(owner, name)))


def described(thing: Any) -> str:
    """What `help` says of a public name: its signature and docstring, and those of its members."""
    if inspect.ismodule(thing):
        return inspect.getdoc(thing) or ""
    if not callable(thing):
        return shown(thing)
    try:
        said = f"{inspect.signature(thing)}\n{inspect.getdoc(thing)}"
    except ValueError:
        said = str(inspect.getdoc(thing))
    if inspect.isclass(thing):
        for name in dir(thing):
            member = getattr(thing, name)
            if not name.startswith("_") and getattr(np.ndarray, name, None) is not member:
                said += f"\n\n.{name} {described(member)}"
    return said


def attempt(text: str, known: dict[str, Any]) -> str:
    """What statements print and warn of, and the value of the last or its error."""
    *statements, last = ast.parse(text).body
    printed = io.StringIO()
    with warnings.catch_warnings(record=True) as warned, contextlib.redirect_stdout(printed):
        warnings.simplefilter("always")
        try:
            exec(compile(ast.Module(statements, []), "<call>", "exec"), known)
            if isinstance(last, ast.Expr):
                result = shown(eval(compile(ast.Expression(last.value), "<call>", "eval"), known))
            else:
                exec(compile(ast.Module([last], []), "<call>", "exec"), known)
                result = "done"
        except Exception as error:
            result = "".join(traceback.format_exception_only(error)).rstrip()
    said = [f"{w.category.__name__}: {w.message}" for w in warned]
    return plain("\n".join(filter(None, [printed.getvalue(), *said, result])))


def shown(value: Any) -> str:
    """A value as a person would want to see it, arrays to the last digit."""
    if isinstance(value, str):
        return value
    if isinstance(value, np.ndarray):
        exact = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()[:16]
        return f"{value!r}  # {value.dtype} {value.shape}" + f" {exact}" * (value.size > 100)
    if isinstance(value, ag.Tensor):
        return f"{value!r}  # {value.name} {value.requires_grad}\n{shown(value.numpy())}"
    if isinstance(value, dict):
        return "\n".join(f"{shown(k)}: {shown(v)}" for k, v in value.items())
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return f"{type(value).__name__}\n" + "\n".join(map(shown, value))
    text, other = repr(value), str(value)
    return text if text == other else f"{text}\n{other}"


def commands() -> Seen:
    """Every command of the table in a process and a folder of its own."""
    network = "--layers 3,4,2 --activations tanh,sigmoid"
    for line in [*spaced(COMMANDS), *(f"compare {name}.py {network}" for name in PLANTED)]:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            for name, text in INPUTS.items():
                (folder / name).write_text(text)
            for name, change in PLANTED.items():
                (folder / f"{name}.py").write_text(BY_HAND.replace(*change))
            before = {file.name: file.read_bytes() for file in folder.iterdir()}
            said = []
            for command in line.split(" && "):
                arguments = [sys.executable, "-m", "nn", *shlex.split(command)]
                done = subprocess.run(
                    arguments, cwd=folder, capture_output=True, text=True, check=False
                )
                said += [f"exit {done.returncode}\n{done.stdout}--- stderr\n{done.stderr}"]
            yield line, plain("\n".join(said), place)
            for file in sorted(folder.iterdir()):
                if file.is_file() and before.get(file.name) != file.read_bytes():
                    yield f"{line} → {file.name}", plain(contents(file), place)


def contents(file: Path) -> str:
    """What a file holds: text as it is, arrays, or the sha256 of anything else."""
    if file.suffix == ".npz":  # which also holds the time
        return shown(dict(np.load(file)))
    if file.suffix == ".pdf":  # the same
        return str(file.read_bytes()[:5])
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return f"sha256 {hashlib.sha256(file.read_bytes()).hexdigest()}"
    return text.replace("><", ">\n<") if file.suffix in (".html", ".svg") else text


class _Examples(doctest.DocTestRunner):
    """Keeps what every example gives, right or wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, str] = {}

    def report_start(self, out: Any, test: Any, example: Any) -> None:
        """Say nothing."""

    def report_success(self, out: Any, test: Any, example: Any, got: str) -> None:
        self.seen[f"{len(self.seen) + 1}: {example.source.rstrip()}"] = plain(got)

    report_failure = report_success

    def report_unexpected_exception(self, out: Any, test: Any, example: Any, exc_info: Any) -> None:
        self.report_success(out, test, example, "".join(traceback.format_exception(*exc_info)))


def examples() -> Seen:
    """Every example of README, with what it gives."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    runner = _Examples()
    runner.run(doctest.DocTestParser().get_doctest(text, {}, "README.md", None, 0))
    yield from runner.seen.items()


def notebooks() -> Seen:
    """The text that every cell of every notebook shows, run in a new kernel."""
    import nbclient
    import nbformat

    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        here = {"metadata": {"path": str(ROOT)}}
        nbclient.NotebookClient(
            notebook, timeout=300, allow_errors=True, resources=here, record_timing=False
        ).execute()
        for k, cell in enumerate(notebook.cells):
            if cell.cell_type == "code":
                yield f"{path.stem}, cell {k}", plain("".join(map(_output, cell.outputs)))


def _output(output: Any) -> str:
    if output.output_type == "stream":
        return str(output.text)
    if output.output_type == "error":
        return f"{output.ename}: {output.evalue}\n"
    parts = sorted(output.data.items())
    return "".join(f"{kind}: {text}\n" for kind, text in parts if kind != "image/png")


KINDS: dict[str, Callable[[], Seen]] = {
    "calls": calls,
    "commands": commands,
    "examples": examples,
    "notebooks": notebooks,
}
VARIES = {
    r'  File "[^"]*/(?:autograd_lite|nn|doctest\.py|runpy\.py)\b[^"]*", line .*\n(?:    .*\n)*': "",
    r"(?:ROOT/)?\b(autograd_lite|nn)/[\w/]+\.py:\d+": r"\1/….py:…",
    r"\b(autograd_lite|nn)(?:\.\w+)+\.(_?[A-Z]\w*)": r"\1.\2",
    r"\b0x[0-9a-f]{6,}": "0x…",
    r"\b\d+(?:\.\d+)?(?= ?(?:s|ms|µs|seconds|minutes)\b)": "…",
}


def plain(text: str, place: str = os.curdir) -> str:
    """The text without what legitimately differs from run to run, or where a module has moved."""
    for path, short in ((str(ROOT), "ROOT"), (os.path.realpath(place), "FOLDER")):
        text = text.replace(path, short)
    for pattern, replacement in VARIES.items():
        text = re.sub(pattern, replacement, text)
    return text


def record(kinds: list[str]) -> dict[str, str]:
    """Everything of these kinds that a user sees, by a key that says what it is."""
    seen: dict[str, str] = {}
    digits = np.printoptions(floatmode="unique", linewidth=100, threshold=100)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), digits:
        for kind in kinds:
            seen |= {f"{kind}: {key}": text for key, text in KINDS[kind]()}
    return seen


def differences(before: dict[str, str], after: dict[str, str]) -> Iterator[str]:
    """A unified diff for each key whose text changed, came or went."""
    for key in dict.fromkeys([*before, *after]):
        old, new = (record.get(key, "(nothing)").splitlines() for record in (before, after))
        if old != new:
            lines = difflib.unified_diff(old, new, key, key, lineterm="", n=2)
            yield "\n".join(line if len(line) < 400 else f"{line[:400]}…" for line in lines)


def main() -> int:
    """Record, write and compare; the exit code is 1 if something differs."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("file", type=Path, metavar="AFTER.json", help="where to write the record")
    parser.add_argument("--against", type=Path, metavar="BEFORE.json", help="an earlier record")
    parser.add_argument("--only", nargs="+", choices=KINDS, default=[*KINDS], help="these kinds")
    options = parser.parse_args()
    if not os.environ.items() >= ENVIRONMENT.items():
        command = [sys.executable, "-m", "benchmarks.behaviour", *sys.argv[1:]]
        return subprocess.run(command, env=os.environ | ENVIRONMENT, check=False).returncode
    seen = record(options.only)
    options.file.write_text(json.dumps(seen, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    for kind in options.only:
        print(f"{kind}: {sum(key.startswith(f'{kind}: ') for key in seen)}")
    if options.against is None:
        return 0
    before = json.loads(options.against.read_text(encoding="utf-8"))
    chosen = {k: text for k, text in before.items() if k.split(": ")[0] in options.only}
    found = list(differences(chosen, seen))
    print("\n\n".join([*found, f"{len(found)} of {len(chosen | seen)} differ"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
