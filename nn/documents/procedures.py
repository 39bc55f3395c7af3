"""Runs a document's procedure by its own formulas, side by side with `nn.fit` on the tape.

Both start from the same parameters; after every update all parameters are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import optimizers
from ..arrays import Array
from ..network import Network
from ..training import fit

ByLayer = dict[int, Array]
Updates = Iterator[Mapping[str, Array]]

TRAJECTORY_TOLERANCE = 1e-12


@dataclass(frozen=True)
class Run:
    """The outcome of a procedure: the number of updates, and how far apart the two ways were.

    `difference` is the largest difference of any parameter after any update, relative to the
    largest component of that parameter, or to 1 if that is smaller. `loss` is J of the first and
    of the last epoch.
    """

    document: str
    what: str
    updates: int
    difference: float
    loss: tuple[float, float]

    @property
    def agrees(self) -> bool:
        """True if the two stayed together over the whole run."""
        return self.difference <= TRAJECTORY_TOLERANCE


def beside_the_tape(
    document: str,
    what: str,
    by_hand: Updates,
    net: Network,
    X: Array,
    Y: Array,
    loss: Callable[..., Any],
    rate: float,
    epochs: int,
    batch_size: int | None = None,
) -> Run:
    """Train `net` with `nn.fit` and gradient descent, and compare each update with one by hand.

    `by_hand` yields all parameters by the network's names after each update, and must make as
    many updates as `fit` does: ValueError otherwise.
    """
    pace = _SideBySide(rate, iter(by_hand))
    history = fit(net, X, Y, loss, pace, epochs, batch_size=batch_size, progress=False)
    if next(pace.by_hand, None) is not None:
        raise ValueError(f"{document}: by hand there are more updates than the {pace.updates}")
    return Run(document, what, pace.updates, pace.difference, (history.loss[0], history.loss[-1]))


def by_layer(net: Network, first: int = 0) -> tuple[ByLayer, ByLayer]:
    """W and b of a network by the number of the layer, where the input is layer `first`."""
    values = {name: parameter.numpy() for name, parameter in net.parameters().items()}
    numbers = range(1, net.L + 1)
    return (
        {l + first: values[f"W{l}"] for l in numbers},
        {l + first: values[f"b{l}"] for l in numbers},
    )


def by_name(W: ByLayer, b: ByLayer, first: int = 0) -> dict[str, Array]:
    """The same by the network's names: W1, b1, W2, …"""
    return {f"{x}{l - first}": p[l] for x, p in (("W", W), ("b", b)) for l in p}


class _SideBySide(optimizers.GradientDescent):
    """Gradient descent that compares its parameters with those by hand after every step."""

    def __init__(self, rate: float, by_hand: Updates) -> None:
        super().__init__(rate)
        self.by_hand, self.updates, self.difference = by_hand, 0, 0.0

    def step(self, parameters: Any, gradients: Any = None) -> None:
        super().step(parameters, gradients)
        self.updates += 1
        hand = next(self.by_hand, None)
        if hand is None:
            raise ValueError(f"by hand there are only {self.updates - 1} updates")
        for name, parameter in parameters.items():
            apart = np.abs(parameter.data - hand[name]).max()
            self.difference = max(self.difference, apart / max(1, np.abs(hand[name]).max()))
