"""Schedules of the learning rate: functions of the epoch, from 1, that give a factor of the rate.

Any function of this kind is one; these are the common ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from nn.arrays import checked_count

Schedule = Callable[[int], float]


def stepwise(every: int, factor: float = 0.1) -> Schedule:
    """The rate is multiplied by `factor` after each `every` epochs; as PyTorch's StepLR.

    >>> [stepwise(every=2, factor=0.5)(epoch) for epoch in (1, 2, 3, 4, 5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """
    checked_count("every", every)
    return lambda epoch: float(factor ** ((epoch - 1) // every))


def cosine(epochs: int, least: float = 0.0) -> Schedule:
    """Half a cosine, from 1 in the first epoch down to `least` after `epochs` of them.

    Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017; as
    PyTorch's CosineAnnealingLR.

    >>> [round(cosine(epochs=4)(epoch), 2) for epoch in (1, 2, 3, 4, 5, 6)]
    [1.0, 0.85, 0.5, 0.15, 0.0, 0.0]
    """
    checked_count("epochs", epochs)
    done = lambda epoch: min((epoch - 1) / epochs, 1)
    return lambda epoch: least + (1 - least) * (1 + math.cos(math.pi * done(epoch))) / 2


def warm_up(epochs: int, then: Schedule = lambda epoch: 1.0) -> Schedule:
    """Equal steps from 1 / epochs to 1, and from there on another schedule, from its beginning.

    >>> [warm_up(2, then=stepwise(every=1, factor=0.5))(epoch) for epoch in (1, 2, 3, 4)]
    [0.5, 1.0, 1.0, 0.5]
    """
    checked_count("epochs", epochs, least=0)
    return lambda epoch: epoch / epochs if epoch <= epochs else then(epoch - epochs)
