"""Document 002: gradient descent and back-propagation for deep learning models; its procedure.

The formulas are in `document_002.md`.
"""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from .. import datasets, losses
from ..network import Network
from .checker import from_note
from .procedures import ByLayer, Run, beside_the_tape, by_layer, by_name
from .standard import logistic

RATE = 0.5


def update(net: Any, W: ByLayer, b: ByLayer, alpha: float) -> tuple[ByLayer, ByLayer]:
    """Equations 1 and 2 after one pass forward and back: W_old, b_old → W_new, b_new.

    `net` gives L, X (n^0 × 1) and Y (n^L × 1). The formulas are those of the document, corrected.
    """
    a = {0: np.asarray(net.X)}
    for l in range(1, net.L + 1):
        a[l] = logistic(W[l] @ a[l - 1] + b[l])
    dz = {net.L: (a[net.L] - np.asarray(net.Y)) * a[net.L] * (1 - a[net.L])}
    for l in range(net.L - 1, 0, -1):
        dz[l] = (W[l + 1].T @ dz[l + 1]) * (a[l] * (1 - a[l]))
    W_new = {l: W[l] - alpha * (dz[l] @ a[l - 1].T) for l in W}
    b_new = {l: b[l] - alpha * dz[l] for l in b}
    return W_new, b_new


def run(rng: int = 0, updates: int = 500) -> Run:
    """Equations 1 and 2 again and again, three layers, on the first of the digits."""
    X, Y = datasets.digits()
    X, Y = X[:, :1] / 16, Y[:, :1]
    net = Network([64, 12, 8, 10], ["sigmoid"] * 3, rng=rng)
    start = by_layer(net)

    def by_hand() -> Iterator[dict[str, np.ndarray]]:
        W, b = start
        for _ in range(updates):
            W, b = update(SimpleNamespace(L=3, X=X, Y=Y), W, b, RATE)
            yield by_name(W, b)

    what = "equations 1 and 2, three layers, one digit"
    loss = losses.half_squared_error
    return beside_the_tape("002", what, by_hand(), net, X, Y, loss, rate=RATE, epochs=updates)


DOCUMENT = from_note("002", run=run)
