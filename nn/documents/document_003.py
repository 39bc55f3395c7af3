"""Document 003: back propagation in a 4-3-2-1 logistic network, one sample as a row.

The formulas are in `document_003.md`; here are its procedure, and the meaning of two of them.
"""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from .. import datasets, losses
from ..network import Network
from .checker import Entry, Setting, from_note
from .passes import Keep
from .procedures import ByLayer, Run, beside_the_tape, by_layer, by_name
from .standard import layers, logistic, networks, once


def row_forward(net: SimpleNamespace, keep: Keep) -> None:
    """z[l] = a[l−1] W[l] + b[l], a[l] = g(z[l]), one row each; ℒ is the cross-entropy."""
    a = keep("a0", net.X)
    for l in range(1, net.L + 1):
        z = keep(f"z{l}", a @ keep(f"W{l}", net.W[l]) + keep(f"b{l}", net.b[l]))
        a = keep(f"a{l}", logistic(z))
    keep("ℒ", -np.sum((1 - net.y) * np.log(1 - a) + net.y * np.log(a)))


def rows(rng: np.random.Generator, count: int) -> Iterator[SimpleNamespace]:
    """Networks of any depth and width for one row and one output."""
    for net in networks(
        rng, count, outputs=1, samples=1, batch_axis=0,
        hidden=["logistic"], output=[("logistic", "cross-entropy")],
    ):  # fmt: skip
        net.y, net.alpha = net.Y, float(rng.uniform(0.1, 1))
        yield net


def g_a(v: Any, l: int) -> Any:
    """g[la] by the document's own recursion, 1 × n[l]."""
    if l == v.L:
        return (v.a[l] - v.y) / (v.a[l] * (1 - v.a[l]))
    return g_z(v, l + 1) @ v.W[l + 1].T


def g_z(v: Any, l: int) -> Any:
    """g[lz], 1 × n[l]."""
    return v.a[l] * (1 - v.a[l]) * g_a(v, l)


def loss(y: Any, y_hat: Any) -> Any:
    """ℒ(ŷ, y)."""
    return -((1 - y) * np.log(1 - y_hat) + y * np.log(y_hat)).item()


BY_HAND = [
    Entry(
        "continuous",
        over=once,
        shapes="for 0 < ŷ < 1, where the logistic function lies; at 0 and 1 it is not",
        equals="ℒ",
        formula=lambda v: sum(loss(v.y, v.a[v.L] + h) for h in (-1e-9, 1e-9)) / 2,
    ),
    Entry(
        "ℒ, arguments",
        over=layers,
        shapes="what the biases do to ℒ",
        equals="∂ℒ/∂b{l}",
        formula=g_z,
        elsewhere=lambda v, l: np.zeros((1, v.n[l])),
    ),
]


def row_updates(
    W: ByLayer, b: ByLayer, X: Any, y: Any, alpha: float, epochs: int
) -> Iterator[dict[str, Any]]:
    """The gradients g[lW], g[lb] and the update for one row after the other, again and again."""
    for i in list(range(len(X))) * epochs:
        a = {0: X[i : i + 1]}
        for l in (1, 2, 3):
            a[l] = logistic(a[l - 1] @ W[l] + b[l])
        slope = {l: a[l] * (1 - a[l]) for l in (1, 2, 3)}
        g3a = (a[3] - y[i : i + 1]) / (a[3] * (1 - a[3]))
        gz = {3: slope[3] * g3a}
        for l in (2, 1):
            gz[l] = slope[l] * (gz[l + 1] @ W[l + 1].T)
        W = {l: W[l] - alpha * (a[l - 1].T @ gz[l]) for l in W}
        b = {l: b[l] - alpha * gz[l] for l in b}
        yield by_name(W, b)


def run(rng: int = 0, epochs: int = 20, kind: str = "versicolor", alpha: float = 0.1) -> Run:
    """The network 4-3-2-1 on iris, one kind against the others, one flower at a time in order."""
    X, Y = datasets.iris(kind, batch_axis=0)
    X = datasets.standardize(X, batch_axis=0)
    net = Network([4, 3, 2, 1], ["sigmoid"] * 3, rng=rng, batch_axis=0)
    what, loss = f"4-3-2-1 on iris, {kind} or not, row by row", losses.binary_cross_entropy
    by_hand = row_updates(*by_layer(net), X, Y, alpha, epochs)
    return beside_the_tape(
        "003", what, by_hand, net, X, Y, loss, rate=alpha, epochs=epochs, batch_size=1
    )


DOCUMENT = from_note("003", BY_HAND, setting=Setting(row_forward, rows), run=run)
