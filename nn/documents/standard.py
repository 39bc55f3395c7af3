"""Random networks to try formulas on, the usual forward passes, and helpers for formulas.

The networks are small and of every kind that matters: depths 1 to 5; distinct widths, so that a
transposed or misindexed formula cannot fit by accident; equal widths, width 1 and one sample, for
which a wrong formula may fit.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from .passes import Keep


def logistic(z: Any) -> Any:
    """1 / (1 + e⁻ᶻ)."""
    return 1 / (1 + np.exp(-z))


# name: (g, g′), which work on real and complex arrays and on Tensors (g) alike
ACTIVATIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "linear": (lambda z: 1.0 * z, lambda z: 0.0 * z + 1),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "logistic": (logistic, lambda z: logistic(z) * (1 - logistic(z))),
    "softplus": (lambda z: np.log(1 + np.exp(z)), logistic),
    "relu": (lambda z: np.maximum(z, 0.0), lambda z: 1.0 * (z > 0)),
}

# name: (the loss of each component, its derivative by the output)
LOSSES: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    "half squared error": (lambda a, y: 0.5 * (a - y) ** 2, lambda a, y: a - y),
    "cross-entropy": (
        lambda a, y: -(y * np.log(a) + (1 - y) * np.log(1 - a)),
        lambda a, y: (a - y) / (a * (1 - a)),
    ),
}

HIDDEN = ("tanh", "logistic", "softplus", "relu")
OUTPUTS = (
    ("logistic", "cross-entropy"),
    ("linear", "half squared error"),
    ("tanh", "half squared error"),
    ("logistic", "half squared error"),
)
# gone through in turn, as are depths and outputs: their numbers, 7, 5 and 4, have no common factor
KINDS = (
    "distinct widths",
    "one sample",
    "distinct widths",
    "equal widths",
    "width 1",
    "square",  # as many samples as units
    "scalars",
)


def networks(
    rng: np.random.Generator | int,
    count: int = 1,
    *,
    depths: Sequence[int] = (1, 2, 3, 4, 5),
    outputs: int | None = None,
    samples: int | None = None,
    hidden: Sequence[str] = HIDDEN,
    output: Sequence[tuple[str, str]] = OUTPUTS,
    batch_axis: int = 1,
    first: int = 0,
) -> Iterator[SimpleNamespace]:
    """Random networks with data, each with these attributes.

    first and L (numbers of the input layer and of the last), m (samples), n[l] (widths), W[l],
    b[l], X, Y, g[l], g_prime[l], loss, loss_prime (of each component), kind, activations. W starts
    at `first` + 1; `outputs` and `samples` fix n[L] and m; depths, hidden
    activations and (output activation, loss) pairs are gone through in turn. `batch_axis=0` gives
    X of shape (m, n), W of (n_in, n_out), b of (1, n_out) in place of (n, m), (n_out, n_in),
    (n_out, 1).

    >>> net = next(networks(0, depths=[3], outputs=1))
    >>> net.L, net.kind, net.W[3].shape == (1, net.n[2]), net.Y.shape == (1, net.m)
    (3, 'distinct widths', True, True)
    """
    rng = np.random.default_rng(rng)
    for i in range(count):
        depth, kind = depths[i % len(depths)], KINDS[i % len(KINDS)]
        widths, m = _widths(rng, kind, depth, outputs, samples)
        last, loss = output[i % len(output)]
        names = [*(str(rng.choice(hidden)) for _ in range(depth - 1)), last]
        net = _random_network(rng, widths, m, names, loss, first)
        net.kind = kind
        yield net if batch_axis == 1 else _rows(net)


def _widths(
    rng: np.random.Generator, kind: str, depth: int, outputs: int | None, samples: int | None
) -> tuple[list[int], int]:
    """Widths from the input on, and the number of samples."""
    if kind in ("distinct widths", "one sample"):
        *widths, m = (int(n) for n in rng.permutation(np.arange(2, depth + 4))[: depth + 2])
    else:
        n = 1 if kind in ("width 1", "scalars") else int(rng.integers(2, 5))
        widths = [n] * (depth + 1)
        m = n if kind in ("square", "scalars") else n + 1
    if kind == "one sample":
        m = 1
    if outputs is not None:
        widths[-1] = outputs
    return widths, m if samples is None else samples


def _random_network(
    rng: np.random.Generator, widths: list[int], m: int, names: list[str], loss: str, first: int
) -> SimpleNamespace:
    """A network whose pre-activations keep away from the kink of a relu."""
    depth, L = len(widths) - 1, first + len(widths) - 1
    W, b, A = {}, {}, rng.normal(size=(widths[0], m))
    X = A
    for layer, (n_in, n_out, name) in enumerate(
        zip(widths[:-1], widths[1:], names, strict=True), first + 1
    ):
        Z = np.zeros((n_out, m))
        while (name == "relu" and np.min(np.abs(Z)) < 1e-3) or layer not in W:
            W[layer] = rng.normal(size=(n_out, n_in)) / np.sqrt(n_in)
            b[layer] = rng.normal(size=(n_out, 1)) / 2
            Z = W[layer] @ A + b[layer]
        A = ACTIVATIONS[name][0](Z)
    cross = loss == "cross-entropy"
    Y = rng.integers(0, 2, size=A.shape).astype(float) if cross else rng.normal(size=A.shape)
    value, derivative = LOSSES[loss]
    return SimpleNamespace(
        first=first, L=L, m=m, n=dict(enumerate(widths, first)), W=W, b=b, X=X, Y=Y,
        activations=names,
        g={first + i: ACTIVATIONS[names[i - 1]][0] for i in range(1, depth + 1)},
        g_prime={first + i: ACTIVATIONS[names[i - 1]][1] for i in range(1, depth + 1)},
        loss=value, loss_prime=derivative,
    )  # fmt: skip


def _rows(net: SimpleNamespace) -> SimpleNamespace:
    """The same network with samples as rows."""
    net.W, net.b = ({layer: x.T for layer, x in p.items()} for p in (net.W, net.b))
    net.X, net.Y = net.X.T, net.Y.T
    return net


def columns(net: SimpleNamespace, keep: Keep) -> None:
    """The forward pass with samples as columns: A0, W1, b1, Z1, A1, …, losses, J.

    `Z[l] = W[l] A[l−1] + b[l] 1 (1 × m)`, `A[l] = g[l](Z[l])`, J = (1/m) Σ of the losses (1 × m).
    """
    ones = np.ones((1, net.m))
    A = keep("A0", net.X)
    for l in range(1, net.L + 1):
        Z = keep(f"Z{l}", keep(f"W{l}", net.W[l]) @ A + keep(f"b{l}", net.b[l]) @ ones)
        A = keep(f"A{l}", net.g[l](Z))
    losses = keep("losses", np.sum(net.loss(A, net.Y), axis=0, keepdims=True))
    keep("J", np.sum(losses) / net.m)


def one_sample(net: SimpleNamespace, keep: Keep) -> Any:
    """The forward pass of one sample, a column: a0, W1, b1, z1, a1, …; returns a[L].

    z[l] = W[l] a[l−1] + b[l], a[l] = g[l](z[l]).
    """
    a = keep(f"a{net.first}", net.X)
    for l in range(net.first + 1, net.L + 1):
        z = keep(f"z{l}", keep(f"W{l}", net.W[l]) @ a + keep(f"b{l}", net.b[l]))
        a = keep(f"a{l}", net.g[l](z))
    return a


def layers(v: Any) -> Iterable[int]:
    """1, …, L: the layers that have parameters."""
    return range(1, v.L + 1)


def hidden(v: Any) -> Iterable[int]:
    """1, …, L − 1."""
    return range(1, v.L)


def last(v: Any) -> Iterable[int]:
    """L alone."""
    return [v.L]


def once(v: Any) -> Iterable[tuple[()]]:
    """A formula without a layer: tried once on each network."""
    return [()]


def column(M: Any, i: int) -> Any:
    """Column i of M, counted from 0, as a matrix: what belongs to one sample, or to one input."""
    return M[:, i : i + 1]


def matrix(rows: int, columns: int, component: Callable[[int, int], Any]) -> np.ndarray:
    """The matrix that a document gives component by component, j and k counted from 0.

    >>> matrix(2, 3, lambda j, k: 10 * j + k)
    array([[ 0.,  1.,  2.],
           [10., 11., 12.]])
    """
    return np.array([[component(j, k) for k in range(columns)] for j in range(rows)], dtype=float)
