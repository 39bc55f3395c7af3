"""The samples of a training, cut into batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from nn.arrays import Array
from nn.chunks import strips, taken
from nn.losses import Right

Count = Callable[[Array, Array], Right | None]  # of outputs and labels


class Batch(NamedTuple):
    """Samples, their labels, and an array for the network's outputs."""

    X: Array
    Y: Array
    outputs: Array


class Batches:
    """The samples of a training, cut into batches, each in one piece of memory.

    `Y` holds the labels in the order of the epoch, `outputs` the network's outputs for them.
    """

    def __init__(
        self,
        X: Array,
        Y: Array,
        batch_axis: int,
        outputs: int,
        size: int,
        rng: np.random.Generator | None,
    ) -> None:
        """`rng` draws an order for each epoch; None keeps the given order."""
        m = X.shape[-batch_axis]
        shape = (outputs, m) if batch_axis == 1 else (m, outputs)
        self.rng, self.Y, self.outputs = rng, Y, np.empty(shape, Y.dtype)
        parts = strips(slice(0, m), size)

        def cut(samples: Array) -> list[Array]:
            return [taken(samples, part, batch_axis) for part in parts]

        if rng is None:
            pieces = [[np.ascontiguousarray(a) for a in cut(samples)] for samples in (X, Y)]
        else:  # sample after sample, so that reordering them is fast
            first = [np.moveaxis(a, -batch_axis, 0) for a in (X, Y)]
            self.sorted = [np.ascontiguousarray(a) for a in first]
            self.shuffled = [np.empty_like(a) for a in self.sorted]
            laid_out = [np.moveaxis(a, 0, -batch_axis) for a in self.shuffled]
            self.Y = laid_out[1]
            pieces = [cut(a) for a in laid_out]
        self.batches = [Batch(*part) for part in zip(*pieces, cut(self.outputs), strict=True)]
        self.shares = [batch.Y.shape[batch_axis] / m for batch in self.batches]
        self.size, self.count = size, len(self.batches)

    def examples(self) -> list[Batch]:
        """Batches of each size that there is."""
        return [self.batches[0], self.batches[-1]]

    def epoch(self) -> tuple[Batches]:
        """All batches, in the order of the next epoch."""
        self.shuffle()
        return (self,)

    def right(self, count: Count) -> Right | None:
        """How many outputs are right, once they are there."""
        return count(self.outputs, self.Y)

    def shuffle(self) -> None:
        """Put the samples into the order of the next epoch."""
        if self.rng is not None:
            order = self.rng.permutation(len(self.sorted[0]))
            for samples, out in zip(self.sorted, self.shuffled, strict=True):
                samples.take(order, 0, out, "clip")  # ("raise" would need another buffer)
