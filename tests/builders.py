"""What several tests are about: small networks, their samples, and arrays drawn from a seed."""

from __future__ import annotations

import inspect

import numpy as np

import autograd_lite as ag
import nn
from autograd_lite.compiler import compiling
from autograd_lite.transforms import map_leaves


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def positive(*shape, seed=0):
    return np.random.default_rng(seed).uniform(0.5, 2.0, size=shape)


def scalar(f, arrays):
    """A generic scalar function of f: every entry counts, with another weight each."""
    y = f(*[ag.Tensor(a) for a in arrays])
    weights = normal(*y.shape, seed=1)
    return lambda *args: np.sum(np.sin(f(*args)) * weights)


def values(net):
    """The parameters of a network as arrays, by name."""
    return {name: parameter.numpy() for name, parameter in net.parameters().items()}


def small_network(sizes=(2, 4, 1), output="sigmoid", rng=2, **options):
    """A tanh network: 2-4-1 for the planar points, if nothing else is said."""
    activations = ["tanh"] * (len(sizes) - 2) + [output]
    return nn.Network(list(sizes), activations, rng=rng, **options)


def hidden_layer():
    """The tensors of one tanh layer on five samples, by name."""
    rng = np.random.default_rng(0)
    X = ag.Tensor(rng.normal(size=(2, 5)), name="X")
    W1 = ag.Tensor(rng.normal(size=(4, 2)), requires_grad=True, name="W1")
    b1 = ag.Tensor(np.zeros((4, 1)), requires_grad=True, name="b1")
    Z1 = (W1 @ X + b1).named("Z1")
    A1 = np.tanh(Z1).named("A1")
    return {"X": X, "W1": W1, "b1": b1, "Z1": Z1, "A1": A1}


def network_and_samples(sizes=(3, 4, 2), m=5, activations=("tanh", "sigmoid"), dtype=float):
    """A network, its parameters as arrays, and random samples with one-hot labels."""
    rng = np.random.default_rng(0)
    net = nn.Network(list(sizes), list(activations), rng=1, dtype=dtype)
    X = rng.normal(size=(sizes[0], m)).astype(dtype)
    Y = np.eye(sizes[-1], dtype=dtype)[:, rng.integers(sizes[-1], size=m)]
    return net, values(net), X, Y


def cost_and_values(dtype=float, second="tanh", decay=0.0, m=7):
    """J of a 3-4-4-2 network, written out, and the value of everything in it, by name.

    tanh, `second` and sigmoid, binary cross-entropy, m samples as columns.
    """
    rng = np.random.default_rng(1)
    X = rng.normal(size=(3, m)).astype(dtype)
    Y = (rng.random((2, m)) < 0.5).astype(dtype)
    t = {}
    A = ag.Tensor(X, name="X")
    for l, (n_in, n_out) in enumerate([(3, 4), (4, 4), (4, 2)], 1):
        W = t[f"W{l}"] = ag.Tensor(rng.normal(size=(n_out, n_in)), True, f"W{l}", dtype)
        b = t[f"b{l}"] = ag.Tensor(rng.normal(size=(n_out, 1)), True, f"b{l}", dtype)
        Z = t[f"Z{l}"] = (W @ A + b).named(f"Z{l}")
        f = ag.sigmoid if l == 3 or (l == 2 and second == "sigmoid") else np.tanh
        A = t[f"A{l}"] = f(Z).named(f"A{l}")
    labels = ag.Tensor(Y, name="Y")
    J = -np.sum(labels * np.log(A) + (1 - labels) * np.log(1 - A)) / m
    if decay:
        J = J + decay / 2 * sum(np.sum(t[f"W{l}"] ** 2) for l in (1, 2, 3))
    return J.named("J"), {name: x.numpy() for name, x in t.items()} | {"X": X, "Y": Y, "m": m}


def of_the_table(op):
    """Whether an operation is the library's: a function of NumPy's or SciPy's, or of its own."""
    module = getattr(op, "__module__", "").split(".")[0]
    code = getattr(inspect.unwrap(op), "__code__", None)
    of_an_example = code is not None and "<doctest" in code.co_filename  # in a docstring
    return isinstance(op, np.ufunc) or (module in ("numpy", ag.__name__) and not of_an_example)


def compile_as_if_in_rows(monkeypatch, in_rows=True):
    """Break what is compiled: arguments are taken to lie in rows, or as those of the first call."""
    written = compiling._Compiler._written
    rows = lambda x: x.copy("C") if in_rows and isinstance(x, np.ndarray) else x
    traced = lambda self, *arguments: written(self, *map_leaves(rows, arguments))
    monkeypatch.setattr(compiling._Compiler, "_written", traced)
    monkeypatch.setattr(compiling._Writer, "_lies", lambda self, name, x: "True")
