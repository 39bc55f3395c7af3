"""Models that students derive: each a forward pass and its backward pass in plain NumPy, as text.

The forward text runs on arrays and on Tensors; what it assigns gets its name on the tape, `z[t]`
the name z3. The backward text is written by hand, in one style or several: nothing here uses the
library's rules. `d` before a name is its gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np

import autograd_lite as ag
from benchmarks.by_hand import Arrays, sigmoid

Draw = Callable[[np.random.Generator], dict[str, Any]]


@dataclass(frozen=True)
class Family:
    """draw: parameters and data at random sizes. parameters, series: names; a series has a value
    for each step. backward: the pass, in each style that it is written in."""

    name: str
    parameters: tuple[str, ...]
    series: tuple[str, ...]
    draw: Draw
    forward: str
    backward: tuple[str, ...]


@dataclass(frozen=True)
class Problem:
    """A family with numbers, and the style in which its backward pass is written."""

    family: Family
    data: dict[str, Any] = field(repr=False)
    style: int = 0

    @property
    def parameters(self) -> tuple[str, ...]:
        return self.family.parameters

    @property
    def text(self) -> str:
        return self.family.backward[self.style]

    def elsewhere(self, rng: np.random.Generator) -> Problem:
        """The same problem with other parameters, of the same shapes."""
        moved = dict(self.data)
        for name in self.parameters:
            scale = 0.3 * np.std(self.data[name]) + 0.1
            moved[name] = self.data[name] + rng.normal(0, scale, self.data[name].shape)
        return replace(self, data=moved)

    def tape(self) -> Any:
        """The cost J on the library's tape."""
        given = dict(self.data)
        for name in self.parameters:
            given[name] = ag.Tensor(given[name], requires_grad=True, name=name)
        J = self.run(self.family.forward, given, {"sigmoid": ag.sigmoid})["J"]
        return J.named("J")

    def values(self) -> Names:
        """All that the forward pass assigns, in plain NumPy."""
        return self.run(self.family.forward, dict(self.data), {"sigmoid": sigmoid})

    def run(self, text: Any, names: dict[str, Any], tools: dict[str, Any]) -> Names:
        """The names after the text, or code, has run with these before it."""
        env = Names(names)
        for name in self.family.series:
            env.setdefault(name, Series(name))
            env.setdefault(f"d{name}", Series(f"d{name}"))
        code = compiled(text) if isinstance(text, str) else text
        with np.errstate(all="ignore"):
            exec(code, {"np": np, "placed": placed, "put": put, **tools}, env)
        return env

    def gradients(self, text: Any = None) -> tuple[Arrays, Arrays]:
        """What the backward pass gives: the gradients of the parameters, and those in between."""
        values = self.values()
        env = self.run(self.text if text is None else text, copied(values), {"sigmoid": sigmoid})
        wanted = {name: np.asarray(env[f"d{name}"], float) for name in self.parameters}
        return wanted, dict(in_between(env, values, self.data))


class Names(dict[str, Any]):
    """Names that a text assigns to: a Tensor gets its name with that."""

    def __setitem__(self, name: str, value: Any) -> None:
        if isinstance(value, ag.Tensor) and not value.name and name != "J":
            value.named(name)
        super().__setitem__(name, value)


class Series(dict[int, Any]):
    """A value for each step: what is assigned to z[3] is called z3. Before the first it is zero."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def __setitem__(self, step: int, value: Any) -> None:
        if isinstance(value, ag.Tensor) and not value.name:
            value.named(f"{self.name}{step}")
        super().__setitem__(step, value)


@cache
def compiled(text: str) -> Any:
    return compile(text, text, "exec")


def copied(values: Names) -> dict[str, Any]:
    """The names in a dict of their own; series are copied, so that a text may add to them."""
    result: dict[str, Any] = {}
    for name, value in values.items():
        result[name] = value
        if isinstance(value, Series):
            result[name] = Series(name)
            result[name].update(value)
    return result


def in_between(env: Names, values: Names, data: dict[str, Any]) -> Iterator[tuple[str, np.ndarray]]:
    """The gradients of what the forward pass computed, under its names on the tape."""
    for name, value in values.items():
        d = env.get(f"d{name}")
        if isinstance(value, Series):
            for step, there in value.items():
                given = d.get(step) if isinstance(d, dict) else None
                if given is not None and np.shape(given) == np.shape(there) and step:
                    yield f"{name}{step}", np.asarray(given, float)
        elif d is None or name in data:
            continue
        elif np.shape(d) == np.shape(value):
            yield name, np.asarray(d, float)


def placed(part: np.ndarray, index: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Zeros with the part added at an index; what repeats adds up."""
    total = np.zeros(shape)
    np.add.at(total, index, part)
    return total


def put(part: np.ndarray, index: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Zeros with the part written at an index: what repeats overwrites."""
    total = np.zeros(shape)
    total[index] = part
    return total


def sizes(rng: np.random.Generator, count: int, low: int = 2, high: int = 7) -> list[int]:
    """Different sizes; one time in five all equal, where a mistake may hold by luck."""
    if rng.random() < 0.2:
        return [int(rng.integers(3, 5))] * count
    return [int(n) for n in rng.permutation(np.arange(low, high + 1))[:count]]


def weights(rng: np.random.Generator, **shapes: tuple[int, ...]) -> Arrays:
    return {
        name: rng.normal(size=shape) / (np.sqrt(shape[0]) if len(shape) > 1 else 2)
        for name, shape in shapes.items()
    }


# Regression of classes


def _classes(rng: np.random.Generator) -> dict[str, Any]:
    n, C = sizes(rng, 2, 3, 6)
    m = int(rng.integers(7, 11))
    y = rng.integers(C, size=m)
    return {
        "X": rng.normal(size=(m, n)),
        "Y": np.eye(C)[y],
        "m": m,
        "decay": 0.3,
        **weights(rng, W=(n, C), b=(1, C)),
    }


SOFTMAX = Family(
    "softmax regression with L2",
    ("W", "b"),
    (),
    _classes,
    """
S = X @ W + b
E = np.exp(S)
P = E / np.sum(E, axis=1, keepdims=True)
J = -np.sum(Y * np.log(P)) / m + decay / 2 * np.sum(W * W)
""",
    (
        """
dS = (P - Y) / m
dW = X.T @ dS + decay * W
db = np.sum(dS, axis=0, keepdims=True)
""",
        """
dP = -Y / P / m
dS = P * (dP - np.sum(dP * P, axis=1, keepdims=True))
dW = X.T @ dS + decay * W
db = np.sum(dS, axis=0, keepdims=True)
""",
    ),
)

SVM = Family(
    "multiclass SVM with L2",
    ("W", "b"),
    (),
    _classes,
    """
S = X @ W + b
own = np.sum(Y * S, axis=1, keepdims=True)
M = np.maximum(S - own + 1, 0)
J = np.sum((1 - Y) * M) / m + decay / 2 * np.sum(W * W)
""",
    (
        """
active = (1 - Y) * (M > 0)
dS = (active - Y * np.sum(active, axis=1, keepdims=True)) / m
dW = X.T @ dS + decay * W
db = np.sum(dS, axis=0, keepdims=True)
""",
        """
dM = (1 - Y) / m
dD = dM * (M > 0)
down = -np.sum(dD, axis=1, keepdims=True)
dS = dD + down * Y
dW = X.T @ dS + decay * W
db = np.sum(dS, axis=0, keepdims=True)
""",
    ),
)


# Normalization


def _normalization(rng: np.random.Generator) -> dict[str, Any]:
    n, k = sizes(rng, 2, 3, 6)
    m = int(rng.integers(7, 11))
    return {
        "X": rng.normal(size=(m, n)),
        "Y": rng.normal(size=(m, k)),
        "m": m,
        "k": k,
        "gamma": rng.normal(size=(1, k)) / 2 + 1,
        **weights(rng, W=(n, k), beta=(1, k)),
    }


def _normalized(axis: int, n: str) -> tuple[str, tuple[str, ...]]:
    """The forward pass, and the backward pass in stages and in closed form."""
    forward = f"""
Z = X @ W
mu = np.mean(Z, axis={axis}, keepdims=True)
xc = Z - mu
var = np.mean(xc**2, axis={axis}, keepdims=True)
std = np.sqrt(var + 1e-5)
xhat = xc / std
H = gamma * xhat + beta
A = np.tanh(H)
J = np.sum((A - Y)**2) / (2 * m)
"""
    start = """
dA = (A - Y) / m
dH = dA * (1 - A**2)
dgamma = np.sum(dH * xhat, axis=0, keepdims=True)
dbeta = np.sum(dH, axis=0, keepdims=True)
dxhat = dH * gamma
"""
    stages = f"""
dstd = -np.sum(dxhat * xc, axis={axis}, keepdims=True) / std**2
dvar = dstd / (2 * std)
dxc = dxhat / std + 2 / {n} * xc * dvar
dmu = -np.sum(dxc, axis={axis}, keepdims=True)
dZ = dxc + dmu / {n}
dW = X.T @ dZ
"""
    merged = f"""
dvar = np.sum(dxhat * xc, axis={axis}, keepdims=True) * -0.5 / std**3
dmu = np.sum(dxhat, axis={axis}, keepdims=True) * -1 / std
dZ = dxhat / std + dvar * 2 * xc / {n} + dmu / {n}
dW = X.T @ dZ
"""
    closed = f"""
total = np.sum(dxhat, axis={axis}, keepdims=True)
along = np.sum(dxhat * xhat, axis={axis}, keepdims=True)
dZ = ({n} * dxhat - total - xhat * along) / ({n} * std)
dW = X.T @ dZ
"""
    return forward, (start + stages, start + merged, start + closed)


def _norm(name: str, axis: int, n: str) -> Family:
    forward, backward = _normalized(axis, n)
    return Family(
        name,
        ("W", "gamma", "beta"),
        (),
        _normalization,
        forward,
        backward,
    )


BATCH_NORM, LAYER_NORM = _norm("batch normalization", 0, "m"), _norm("layer normalization", 1, "k")


# Recurrences


def _sequence(rng: np.random.Generator) -> dict[str, Any]:
    n, k, q = sizes(rng, 3, 2, 6)
    T, m = int(rng.integers(3, 6)), int(rng.integers(6, 9))
    return {
        "T": T,
        "m": m,
        "n": n,
        "k": k,
        "q": q,
        "X": rng.normal(size=(T + 1, m, n)),
        "Y": rng.normal(size=(T + 1, m, q)),
        "h": _start("h", np.zeros((m, k))),
    }


def _start(name: str, zero: np.ndarray) -> Series:
    series = Series(name)
    series[0] = zero
    return series


def _rnn(rng: np.random.Generator) -> dict[str, Any]:
    d = _sequence(rng)
    n, k, q = d["n"], d["k"], d["q"]
    return {**d, **weights(rng, U=(n, k), W=(k, k), b=(1, k), V=(k, q), c=(1, q))}


RNN = Family(
    "RNN",
    ("U", "W", "b", "V", "c"),
    ("z", "h", "o"),
    _rnn,
    """
J = 0
for t in range(1, T + 1):
    z[t] = X[t] @ U + h[t - 1] @ W + b
    h[t] = np.tanh(z[t])
    o[t] = h[t] @ V + c
    J = J + np.sum((o[t] - Y[t])**2) / (2 * m)
""",
    (
        """
dU, dW, db = np.zeros_like(U), np.zeros_like(W), np.zeros_like(b)
dV, dc = np.zeros_like(V), np.zeros_like(c)
later = np.zeros((m, k))
for t in range(T, 0, -1):
    do[t] = (o[t] - Y[t]) / m
    dV += h[t].T @ do[t]
    dc += np.sum(do[t], axis=0, keepdims=True)
    dh[t] = do[t] @ V.T + later
    dz[t] = dh[t] * (1 - h[t]**2)
    dU += X[t].T @ dz[t]
    dW += h[t - 1].T @ dz[t]
    db += np.sum(dz[t], axis=0, keepdims=True)
    later = dz[t] @ W.T
""",
    ),
)


def _gates(rng: np.random.Generator) -> dict[str, Any]:
    d = _sequence(rng)
    n, k, q = d["n"], d["k"], d["q"]
    return {
        **d,
        "c": _start("c", np.zeros((d["m"], k))),
        **weights(rng, U=(n, 4 * k), W=(k, 4 * k), b=(1, 4 * k), V=(k, q)),
    }


LSTM = Family(
    "LSTM",
    ("U", "W", "b", "V"),
    ("a", "i", "f", "o", "g", "c", "s", "h", "e"),
    _gates,
    """
J = 0
for t in range(1, T + 1):
    a[t] = X[t] @ U + h[t - 1] @ W + b
    i[t] = sigmoid(a[t][:, :k])
    f[t] = sigmoid(a[t][:, k:2 * k])
    o[t] = sigmoid(a[t][:, 2 * k:3 * k])
    g[t] = np.tanh(a[t][:, 3 * k:])
    c[t] = f[t] * c[t - 1] + i[t] * g[t]
    s[t] = np.tanh(c[t])
    h[t] = o[t] * s[t]
    e[t] = h[t] @ V - Y[t]
    J = J + np.sum(e[t]**2) / (2 * m)
""",
    (
        """
dU, dW, db, dV = np.zeros_like(U), np.zeros_like(W), np.zeros_like(b), np.zeros_like(V)
later, later_c = np.zeros((m, k)), np.zeros((m, k))
for t in range(T, 0, -1):
    de[t] = e[t] / m
    dV += h[t].T @ de[t]
    dh[t] = de[t] @ V.T + later
    do[t] = dh[t] * s[t]
    ds[t] = dh[t] * o[t]
    dc[t] = ds[t] * (1 - s[t]**2) + later_c
    di[t] = dc[t] * g[t]
    df[t] = dc[t] * c[t - 1]
    dg[t] = dc[t] * i[t]
    dai = di[t] * i[t] * (1 - i[t])
    daf = df[t] * f[t] * (1 - f[t])
    dao = do[t] * o[t] * (1 - o[t])
    dag = dg[t] * (1 - g[t]**2)
    da[t] = np.concatenate([dai, daf, dao, dag], axis=1)
    dU += X[t].T @ da[t]
    dW += h[t - 1].T @ da[t]
    db += np.sum(da[t], axis=0, keepdims=True)
    later = da[t] @ W.T
    later_c = dc[t] * f[t]
""",
    ),
)


def _gru(rng: np.random.Generator) -> dict[str, Any]:
    d = _sequence(rng)
    n, k, q = d["n"], d["k"], d["q"]
    shapes = {f"U{g}": (n, k) for g in "zrn"} | {f"W{g}": (k, k) for g in "zrn"}
    return {**d, **weights(rng, **shapes, **{f"b{g}": (1, k) for g in "zrn"}, V=(k, q))}


GRU = Family(
    "GRU",
    ("Uz", "Wz", "bz", "Ur", "Wr", "br", "Un", "Wn", "bn", "V"),
    ("az", "z", "ar", "r", "p", "an", "g", "h", "e"),
    _gru,
    """
J = 0
for t in range(1, T + 1):
    az[t] = X[t] @ Uz + h[t - 1] @ Wz + bz
    z[t] = sigmoid(az[t])
    ar[t] = X[t] @ Ur + h[t - 1] @ Wr + br
    r[t] = sigmoid(ar[t])
    p[t] = r[t] * h[t - 1]
    an[t] = X[t] @ Un + p[t] @ Wn + bn
    g[t] = np.tanh(an[t])
    h[t] = (1 - z[t]) * g[t] + z[t] * h[t - 1]
    e[t] = h[t] @ V - Y[t]
    J = J + np.sum(e[t]**2) / (2 * m)
""",
    (
        """
dUz, dWz, dbz = np.zeros_like(Uz), np.zeros_like(Wz), np.zeros_like(bz)
dUr, dWr, dbr = np.zeros_like(Ur), np.zeros_like(Wr), np.zeros_like(br)
dUn, dWn, dbn = np.zeros_like(Un), np.zeros_like(Wn), np.zeros_like(bn)
dV, later = np.zeros_like(V), np.zeros((m, k))
for t in range(T, 0, -1):
    de[t] = e[t] / m
    dV += h[t].T @ de[t]
    dh[t] = de[t] @ V.T + later
    dg[t] = dh[t] * (1 - z[t])
    dz[t] = dh[t] * (h[t - 1] - g[t])
    dan[t] = dg[t] * (1 - g[t]**2)
    dUn += X[t].T @ dan[t]
    dWn += p[t].T @ dan[t]
    dbn += np.sum(dan[t], axis=0, keepdims=True)
    dp[t] = dan[t] @ Wn.T
    dr[t] = dp[t] * h[t - 1]
    dar[t] = dr[t] * r[t] * (1 - r[t])
    dUr += X[t].T @ dar[t]
    dWr += h[t - 1].T @ dar[t]
    dbr += np.sum(dar[t], axis=0, keepdims=True)
    daz[t] = dz[t] * z[t] * (1 - z[t])
    dUz += X[t].T @ daz[t]
    dWz += h[t - 1].T @ daz[t]
    dbz += np.sum(daz[t], axis=0, keepdims=True)
    later = dh[t] * z[t] + dp[t] * r[t] + dar[t] @ Wr.T + daz[t] @ Wz.T
""",
    ),
)


# Convolution: by im2col, and by sliding windows with max pooling


def _images(rng: np.random.Generator) -> dict[str, Any]:
    C, F = sizes(rng, 2, 2, 4)
    m, q = int(rng.integers(3, 6)), int(rng.integers(2, 4))
    s = int(rng.choice([4, 6])) + 1  # the result of a filter of two is even
    o = s - 1
    return {
        "m": m,
        "C": C,
        "F": F,
        "s": s,
        "o": o,
        "q": q,
        "X": rng.normal(size=(m, C, s, s)),
        "Y": rng.normal(size=(m, q)),
        **weights(rng, K=(F, C, 2, 2), b=(1, F, 1, 1), V=(F * (o // 2) ** 2, q), c=(1, q)),
    }


_POOL = """
R = np.maximum(H, 0)
G = R.reshape(m, F, o // 2, 2, o // 2, 2)
P = np.max(G, axis=(3, 5))
flat = P.reshape(m, -1)
Q = flat @ V + c
J = np.sum((Q - Y)**2) / (2 * m)
"""
_UNPOOL = """
dQ = (Q - Y) / m
dV = flat.T @ dQ
dc = np.sum(dQ, axis=0, keepdims=True)
dflat = dQ @ V.T
dP = dflat.reshape(P.shape)
top = P[:, :, :, None, :, None]
there = dP[:, :, :, None, :, None]
share = (G == top) / np.sum(G == top, axis=(3, 5), keepdims=True)
dG = there * share
dR = dG.reshape(R.shape)
dH = dR * (H > 0)
db = np.sum(dH, axis=(0, 2, 3), keepdims=True)
"""
WINDOWS = Family(
    "convolution by sliding windows, max pooling",
    ("K", "b", "V", "c"),
    (),
    _images,
    "view = np.lib.stride_tricks.sliding_window_view(X, (2, 2), axis=(2, 3))\n"
    "H = np.einsum('ncijpq,fcpq->nfij', view, K) + b" + _POOL,
    (_UNPOOL + "dK = np.einsum('ncijpq,nfij->fcpq', view, dH)\n",),
)
IM2COL = Family(
    "convolution by im2col, two layers",
    ("K", "b", "K2", "V"),
    (),
    lambda rng: _two_layers(rng),
    """
at = (slice(None), slice(None), rows, columns)
M1 = X[at]
C1 = M1.transpose(0, 3, 2, 1).reshape(m * o * o, C * 4)
H = C1 @ K + b
R = np.maximum(H, 0)
I2 = R.reshape(m, o, o, F).transpose(0, 3, 1, 2)
M2 = I2[(slice(None), slice(None), rows2, columns2)]
C2 = M2.transpose(0, 3, 2, 1).reshape(m * o2 * o2, F * 4)
N = C2 @ K2
A = np.tanh(N)
S = np.sum(A.reshape(m, o2 * o2, G), axis=1)
Q = S @ V
J = np.sum((Q - Y)**2) / (2 * m)
""",
    (
        """
dQ = (Q - Y) / m
dV = S.T @ dQ
dS = dQ @ V.T
dA = np.repeat(dS, o2 * o2, axis=0)
dN = dA * (1 - A**2)
dK2 = C2.T @ dN
dC2 = dN @ K2.T
dM2 = dC2.reshape(m, o2 * o2, 4, F).transpose(0, 3, 2, 1)
dI2 = placed(dM2, (slice(None), slice(None), rows2, columns2), I2.shape)
dR = dI2.transpose(0, 2, 3, 1).reshape(R.shape)
dH = dR * (H > 0)
dK = C1.T @ dH
db = np.sum(dH, axis=0, keepdims=True)
""",
    ),
)


def _two_layers(rng: np.random.Generator) -> dict[str, Any]:
    C, F, G, q = sizes(rng, 4, 2, 5)
    m, s = int(rng.integers(3, 5)), int(rng.integers(4, 6))
    o, o2 = s - 1, s - 2
    rows, columns = _patches(o)
    rows2, columns2 = _patches(o2)
    return {
        "m": m,
        "C": C,
        "F": F,
        "G": G,
        "o": o,
        "o2": o2,
        "rows": rows,
        "columns": columns,
        "rows2": rows2,
        "columns2": columns2,
        "X": rng.normal(size=(m, C, s, s)),
        "Y": rng.normal(size=(m, q)),
        **weights(rng, K=(4 * C, F), b=(1, F), K2=(4 * F, G), V=(G, q)),
    }


def _patches(o: int) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of each of the four places in each window of two by two."""
    i, j = np.divmod(np.arange(o * o), o)
    p, q = np.divmod(np.arange(4), 2)
    return p[:, None] + i, q[:, None] + j


# Attention, embeddings, generative models


def _attention(rng: np.random.Generator) -> dict[str, Any]:
    m, T, n = int(rng.integers(2, 4)), int(rng.integers(4, 6)), int(rng.integers(3, 6))
    k = int(rng.choice([2, 3]))
    return {
        "m": m,
        "T": T,
        "n": n,
        "k": k,
        "X": rng.normal(size=(m, T, n)),
        "Y": rng.normal(size=(m, T, n)),
        "mask": np.where(np.tril(np.ones((T, T))) > 0, 0.0, -1e9),
        "root": float(np.sqrt(k)),
        **weights(rng, Wq=(n, 2 * k), Wk=(n, 2 * k), Wv=(n, 2 * k), Wo=(2 * k, n)),
    }


ATTENTION = Family(
    "attention, masked, two heads",
    ("Wq", "Wk", "Wv", "Wo"),
    (),
    _attention,
    """
Q = (X @ Wq).reshape(m, T, 2, k).transpose(0, 2, 1, 3)
K = (X @ Wk).reshape(m, T, 2, k).transpose(0, 2, 1, 3)
V = (X @ Wv).reshape(m, T, 2, k).transpose(0, 2, 1, 3)
S = Q @ K.transpose(0, 1, 3, 2) / root + mask
E = np.exp(S)
A = E / np.sum(E, axis=-1, keepdims=True)
O = A @ V
C = O.transpose(0, 2, 1, 3).reshape(m, T, 2 * k)
R = C @ Wo
J = np.sum((R - Y)**2) / (2 * m)
""",
    (
        """
dR = (R - Y) / m
dWo = np.sum(C.transpose(0, 2, 1) @ dR, axis=0)
dC = dR @ Wo.T
dO = dC.reshape(m, T, 2, k).transpose(0, 2, 1, 3)
dA = dO @ V.transpose(0, 1, 3, 2)
dV = A.transpose(0, 1, 3, 2) @ dO
dS = A * (dA - np.sum(dA * A, axis=-1, keepdims=True))
dQ = dS @ K / root
dK = dS.transpose(0, 1, 3, 2) @ Q / root
dq = dQ.transpose(0, 2, 1, 3).reshape(m * T, 2 * k)
dk = dK.transpose(0, 2, 1, 3).reshape(m * T, 2 * k)
dv = dV.transpose(0, 2, 1, 3).reshape(m * T, 2 * k)
flat = X.reshape(m * T, n)
dWq = flat.T @ dq
dWk = flat.T @ dk
dWv = flat.T @ dv
""",
    ),
)


def _skip_gram(rng: np.random.Generator) -> dict[str, Any]:
    v, n = int(rng.integers(5, 8)), int(rng.integers(3, 5))
    m, k = int(rng.integers(8, 12)), 2
    return {
        "m": m,
        "k": k,
        "center": rng.integers(v, size=m),
        "context": rng.integers(v, size=m),
        "noise": rng.integers(v, size=(m, k)),
        **weights(rng, E=(v, n), D=(v, n)),
    }


SKIP_GRAM = Family(
    "skip-gram, repeated rows",
    ("E", "D"),
    (),
    _skip_gram,
    """
H = E[center]
B = D[context]
N = D[noise]
s = np.sum(H * B, axis=1)
r = np.sum(H[:, None, :] * N, axis=2)
p = sigmoid(s)
q = sigmoid(-r)
J = -(np.sum(np.log(p)) + np.sum(np.log(q))) / m
""",
    (
        """
ds = (p - 1) / m
dr = (1 - q) / m
dH = ds[:, None] * B + np.sum(dr[:, :, None] * N, axis=1)
dB = ds[:, None] * H
dN = dr[:, :, None] * H[:, None, :]
dE = np.zeros_like(E)
np.add.at(dE, center, dH)
dD = np.zeros_like(D)
np.add.at(dD, context, dB)
np.add.at(dD, noise, dN)
""",
    ),
)


def _vae(rng: np.random.Generator) -> dict[str, Any]:
    n, k, l = sizes(rng, 3, 2, 6)
    m = int(rng.integers(6, 10))
    return {
        "m": m,
        "X": rng.uniform(0.1, 0.9, size=(m, n)),
        "noise": rng.normal(size=(m, l)),
        **weights(rng, W=(n, k), b=(1, k), Wm=(k, l), Ws=(k, l), V=(l, k), c=(1, k), U=(k, n)),
    }


VAE = Family(
    "VAE",
    ("W", "b", "Wm", "Ws", "V", "c", "U"),
    (),
    _vae,
    """
Z = X @ W + b
H = np.tanh(Z)
mu = H @ Wm
s = H @ Ws
sigma = np.exp(s / 2)
z = mu + sigma * noise
B = z @ V + c
G = np.maximum(B, 0)
R = G @ U
A = sigmoid(R)
fit = -np.sum(X * np.log(A) + (1 - X) * np.log(1 - A)) / m
KL = np.sum(np.exp(s) + mu**2 - 1 - s) / (2 * m)
J = fit + KL
""",
    (
        """
dR = (A - X) / m
dU = G.T @ dR
dG = dR @ U.T
dB = dG * (B > 0)
dV = z.T @ dB
dc = np.sum(dB, axis=0, keepdims=True)
dz = dB @ V.T
dmu = dz + mu / m
dsigma = dz * noise
ds = dsigma * sigma / 2 + (np.exp(s) - 1) / (2 * m)
dWm = H.T @ dmu
dWs = H.T @ ds
dH = dmu @ Wm.T + ds @ Ws.T
dZ = dH * (1 - H**2)
dW = X.T @ dZ
db = np.sum(dZ, axis=0, keepdims=True)
""",
    ),
)


def _factorization(rng: np.random.Generator) -> dict[str, Any]:
    u, i, k = sizes(rng, 3, 3, 7)
    return {
        "decay": 0.2,
        "X": rng.normal(size=(u, i)),
        "mask": (rng.random((u, i)) < 0.6).astype(float),
        **weights(rng, U=(u, k), V=(i, k), b=(u, 1), c=(1, i)),
    }


FACTORIZATION = Family(
    "matrix factorization",
    ("U", "V", "b", "c"),
    (),
    _factorization,
    """
P = U @ V.T + b + c
R = mask * (P - X)
J = np.sum(R**2) / 2 + decay / 2 * (np.sum(U * U) + np.sum(V * V))
""",
    (
        """
dP = mask * R
dU = dP @ V + decay * U
dV = dP.T @ U + decay * V
db = np.sum(dP, axis=1, keepdims=True)
dc = np.sum(dP, axis=0, keepdims=True)
""",
    ),
)


def _gaussian(rng: np.random.Generator) -> dict[str, Any]:
    n, k, q = sizes(rng, 3, 2, 6)
    m = int(rng.integers(7, 11))
    return {
        "m": m,
        "X": rng.normal(size=(m, n)),
        "Y": rng.normal(size=(m, q)),
        **weights(rng, W=(n, k), b=(1, k), Wm=(k, q), bm=(1, q), Ws=(k, q), bs=(1, q)),
    }


GAUSSIAN = Family(
    "Gaussian likelihood",
    ("W", "b", "Wm", "bm", "Ws", "bs"),
    (),
    _gaussian,
    """
Z = X @ W + b
H = sigmoid(Z)
mu = H @ Wm + bm
s = H @ Ws + bs
r = Y - mu
v = np.exp(2 * s)
J = np.sum(s + r**2 / (2 * v)) / m
""",
    (
        """
dr = r / v / m
dmu = -dr
dv = -r**2 / (2 * v**2) / m
ds = 1 / m + dv * 2 * v
dWm = H.T @ dmu
dbm = np.sum(dmu, axis=0, keepdims=True)
dWs = H.T @ ds
dbs = np.sum(ds, axis=0, keepdims=True)
dH = dmu @ Wm.T + ds @ Ws.T
dZ = dH * H * (1 - H)
dW = X.T @ dZ
db = np.sum(dZ, axis=0, keepdims=True)
""",
        """
dmu = (mu - Y) / v / m
ds = (1 - r**2 / v) / m
dWm = H.T @ dmu
dbm = np.sum(dmu, axis=0, keepdims=True)
dWs = H.T @ ds
dbs = np.sum(ds, axis=0, keepdims=True)
dH = dmu @ Wm.T + ds @ Ws.T
dZ = dH * H * (1 - H)
dW = X.T @ dZ
db = np.sum(dZ, axis=0, keepdims=True)
""",
    ),
)

FAMILIES = (
    *(SOFTMAX, SVM, BATCH_NORM, LAYER_NORM, RNN, LSTM, GRU, IM2COL, WINDOWS, ATTENTION),
    *(SKIP_GRAM, VAE, FACTORIZATION, GAUSSIAN),
)


def random_problem(family: Family, rng: np.random.Generator) -> Problem:
    style = int(rng.integers(len(family.backward)))
    return Problem(family, family.draw(rng), style)
