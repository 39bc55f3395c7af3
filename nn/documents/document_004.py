"""Document 004: Backpropagation ("learning") algorithm derivation; its algorithms, run.

The formulas are in `document_004.md`; here are the algorithms, and the meaning of the formulas that
are not read. Layer 1 is the input, so W^2, …, W^L and b^2, …, b^L.
"""

from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from .. import datasets, losses
from ..network import Network
from .checker import Entry, Setting, from_note
from .passes import Keep, Pass
from .procedures import ByLayer, Run, beside_the_tape, by_layer, by_name
from .standard import column, logistic, networks, once, one_sample
from .strict import strict

# --- what the formulas are tried on --------------------------------------------------------------


def from_layer_1(net: SimpleNamespace, keep: Keep) -> None:
    """a^1 = x, z^l = W^l a^(l−1) + b^l, a^l = σ(z^l), δ = y − a^L, C = ½ ‖δ‖²."""
    delta = keep("delta", net.Y - one_sample(net, keep))
    keep("C", 0.5 * np.sum(delta * delta))


def classifiers(rng: np.random.Generator, count: int) -> Iterator[SimpleNamespace]:
    """One sample, logistic throughout, layers 1 to L, a label for each output unit."""
    output = [("logistic", "half squared error")]
    nets = networks(rng, count, samples=1, hidden=["logistic"], output=output, first=1)
    for net in nets:
        net.Y = np.eye(net.n[net.L])[:, [rng.integers(net.n[net.L])]]
        yield net


NETWORK = Setting(from_layer_1, classifiers)
ETA = 0.5


def outer(u: Any, w: Any) -> Any:
    """u ⊗ v = u vᵗ."""
    return u @ w.T


def ones(n: int) -> Any:
    """1⃗."""
    return strict(np.ones((n, 1)))


def from_2(v: Any) -> range:
    """2, …, L: the layers that have parameters."""
    return range(2, v.L + 1)


def slope_along(v: Pass, W: Any, b: Any) -> Any:
    """dC/dt at t = 0 for weights W^l + t W[l] and biases b^l + t b[l], by the complex step."""
    h, net = 1e-30, SimpleNamespace(**vars(v.net))
    net.W = {l: np.asarray(v.net.W[l] + 1j * h * W[l]) for l in W}
    net.b = {l: np.asarray(v.net.b[l] + 1j * h * b[l]) for l in b}
    return np.imag(Pass(from_layer_1, net).C) / h


# --- The algorithms ------------------------------------------------------------------------------


def feedforward(x: Any, W: ByLayer, b: ByLayer) -> list[Any]:
    """The activations of layers 1 to L, in a list."""
    A = [strict(x)]
    for l in sorted(W):
        A.append(logistic(strict(W[l]) @ A[-1] + strict(b[l])))
    return A


def slope_of(a: Any) -> Any:
    """a ⊙ (1⃗ − a)."""
    return a * (ones(len(a)) - a)


def backpropagate(
    y: Any,
    A: list[Any],
    W: ByLayer,
    b: ByLayer,
    eta: float,
    first: Callable[[Any, Any], Any] = lambda a, a_before: slope_of(a),
    others: Callable[[Any], Any] = slope_of,
) -> None:
    """Backpropagate(y, A), line by line; changes W and b in place of their old values.

    `first` and `others` are the two slopes, corrected; the entries also try them as printed.
    (W^l)ᵗ is read before W^l changes. The last turn, l = 2, would make a d_z C for layer 1, which
    nothing reads; it is computed all the same.
    """
    L = len(A)
    a, a_before = A[L - 1], A[L - 2]
    da = a - strict(y)
    dz = da * first(a, a_before)
    for l in range(L, 1, -1):
        a_before = A[l - 2]
        delta_b = -eta * dz
        delta_W = -eta * outer(dz, a_before)
        da = strict(W[l]).T @ dz
        dz = da * others(a_before)
        b[l] = b[l] + np.asarray(delta_b)
        W[l] = W[l] + np.asarray(delta_W)


def train(X: Any, Y: Any, W: ByLayer, b: ByLayer, eta: float) -> Iterator[int]:
    """Train(x_1, …, x_n, y_1, …, y_n): one sample after the other, in order.

    X and Y have a column for each sample; W and b, by layer from 2 on, get their new values.
    Yields the number of each sample, from 0, when its update is done.
    """
    for i in range(np.shape(X)[1]):
        A = feedforward(column(X, i), W, b)
        backpropagate(column(Y, i), A, W, b, eta)
        yield i


def classify(X: Any, W: ByLayer, b: ByLayer) -> Any:
    """arg max a^L for each column of X."""
    return np.array(
        [int(np.argmax(feedforward(column(X, i), W, b)[-1])) for i in range(np.shape(X)[1])]
    )


def run(rng: int = 0, samples: int = 1797) -> Run:
    """Train on the digits, 64-16-10, one sample at a time in order."""
    X, Y = datasets.digits()
    X, Y = X[:, :samples] / 16, Y[:, :samples]
    net = Network([64, 16, 10], ["sigmoid"] * 2, rng=rng)
    start = by_layer(net, first=1)

    def by_hand() -> Iterator[dict[str, np.ndarray]]:
        W, b = start
        for _ in train(X, Y, W, b, ETA):
            yield by_name(W, b, first=1)

    return beside_the_tape(
        "004", "Train on the digits, one after the other", by_hand(), net, X, Y,
        losses.half_squared_error, rate=ETA, epochs=1, batch_size=1,
    )  # fmt: skip


# --- The formulas that are not read --------------------------------------------------------------

any_layer = partial(Entry, over=from_2)
BY_HAND = [
    Entry(
        "descent",
        over=once,
        shapes="the slope of C along the step, all layers together",
        equals=lambda p: (
            -sum(np.sum(np.square(p.d("C", f"{x}{l}"))) for x in "Wb" for l in from_2(p))
        ),
        formula=lambda v: slope_along(
            v,
            {l: -v.d("C", f"W{l}") for l in from_2(v)},
            {l: -v.d("C", f"b{l}") for l in from_2(v)},
        ),
    ),
    Entry(
        "induction",
        shapes="n × 1",
        equals=lambda p, l: p.d("C", f"b{l}") if l > 1 else np.zeros((p.n[1], 1)),
        over=lambda v: range(v.L, 0, -1),
        formula=lambda v, l: v.d("C", f"z{l}"),
    ),
    Entry(
        "Backpropagate, last turn",
        over=once,
        shapes="n^1 × 1",
        equals=lambda p: p.d("C", "a1"),
        formula=lambda v: v.d("C", "z1"),
    ),
    Entry(
        "Train, A",
        shapes="n^l × 1, every element of A",
        equals="a{l}",
        over=lambda v: range(1, v.L + 1),
        formula=lambda v, l: feedforward(v.net.X, v.net.W, v.net.b)[l - 1],
        elsewhere=lambda v, l: feedforward(v.net.X, v.net.W, v.net.b)[1:][l - 1],
    ),
]

DOCUMENT = from_note("004", BY_HAND, setting=NETWORK, run=run)
