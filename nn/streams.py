"""The batches of samples that are read chunk by chunk, in each epoch again."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from nn.arrays import Array
from nn.batches import Batch, Count
from nn.chunks import Piece, strip_width, strips, taken
from nn.evaluation import SamplesInChunks, right_in
from nn.losses import Right
from nn.network import Network
from nn.sums import Gathered


class Some(NamedTuple):
    """Some batches of an epoch, with the labels and the outputs of all of them."""

    batches: list[Batch]
    Y: Array
    outputs: Array

    def right(self, count: Count) -> Right | None:
        """How many outputs are right, once they are there."""
        return count(self.outputs, self.Y)


class Summed(NamedTuple):
    """A batch in pieces, the only one in a list."""

    batches: list[Gathered]

    def right(self, count: Count) -> Right | None:
        """How many outputs are right: counted where they were computed."""
        return right_in(self.batches[0].sums)


class Streamed:
    """The batches of an epoch, as they are read; used as nn.batches.Batches is.

    Batches that are small are put together here, as arrays. The pieces of larger ones stay where
    they are: those of many chunks, or of a cluster.
    """

    def __init__(
        self,
        samples: SamplesInChunks,
        net: Network,
        size: int | None,
        rng: np.random.Generator | None,
    ) -> None:
        """`size=None`: each chunk is a batch. `rng` draws the order."""
        self.samples, self.net, self.rng = samples, net, rng
        strip = strip_width(net.sizes)
        self.in_pieces = size is None or size > strip or samples.chunks.is_elsewhere
        self.size = size
        self.room = size if size is None or self.in_pieces else strip // size * size
        self.widths: list[int] = []
        m = math.inf if samples.chunks.widths is None else sum(samples.chunks.widths)
        self.count = m / (strip if size is None else min(size, strip))

    @property
    def shares(self) -> list[float]:
        """The share of each batch of the last epoch in its samples."""
        m = sum(self.widths)
        return [width / m for width in self.widths]

    def examples(self) -> list[Batch]:
        """A batch like the others, for tracing: samples that are all 0, and the first labels."""
        chunk, net = self.samples.chunks.first("Y"), self.net
        m = min(chunk.width, self.size or chunk.width, strip_width(net.sizes))
        shape = (*net.shapes[0], m) if net.batch_axis == 1 else (m, *net.shapes[0])
        labels = taken(chunk.Y, slice(0, m), net.batch_axis)
        chunk = chunk._replace(X=np.zeros(shape, net.dtype), Y=labels, width=m)
        return self._cut(*self._arrays(iter([Piece(chunk, slice(0, m), True)]))).batches[:1]

    def epoch(self) -> Iterator[Some | Summed]:
        """The batches in the order of the next epoch, some at a time."""
        self.widths = []
        for pieces in _together(self.samples.chunks.pieces(self.room, self.rng)):
            if self.in_pieces:
                batch = Gathered(pieces)
                yield Summed([batch])
                self.widths.append(batch.sums["samples"])
            else:
                some = self._cut(*self._arrays(pieces))
                self.widths += [batch.Y.shape[self.net.batch_axis] for batch in some.batches]
                yield some
                del some
        if not self.widths:  # whoever makes the batches has made none this time
            raise ValueError("X has 0 samples")

    def _arrays(self, pieces: Iterator[Piece]) -> tuple[Array, Array]:
        """The samples and labels of these pieces, checked."""
        axis, parts = -self.net.batch_axis, []
        for piece in pieces:
            parts += [(some.X.data, some.Y.data) for some in self.samples.reader(piece)]
            del piece
        if len(parts) == 1:
            return parts[0]
        X, Y = (np.concatenate(arrays, axis) for arrays in zip(*parts, strict=True))
        return X, Y

    def _cut(self, X: Array, Y: Array) -> Some:
        """Batches of the size that was asked for; the last one may be smaller."""
        axis, n, m = self.net.batch_axis, self.net.sizes[-1], Y.shape[self.net.batch_axis]
        outputs = np.empty((n, m) if axis == 1 else (m, n), Y.dtype)
        batches = []
        for part in strips(slice(0, m), self.size or m):
            x, y = (np.ascontiguousarray(taken(array, part, axis)) for array in (X, Y))
            batches.append(Batch(x, y, taken(outputs, part, axis)))
        return Some(batches, Y, outputs)


def _together(pieces: Iterator[Piece]) -> Iterator[Iterator[Piece]]:
    """The pieces of each batch, which are to be taken before the next batch is asked for."""
    held = [*itertools.islice(pieces, 1)]
    while held:  # (by nobody while the next one is read)
        yield _of_a_batch(held, pieces)
        held += itertools.islice(pieces, 1)


def _of_a_batch(held: list[Piece], others: Iterator[Piece]) -> Iterator[Piece]:
    """The piece that is held and those that follow it, as far as the last of the batch."""
    ends = False
    while held and not ends:
        ends = held[0].ends
        yield held.pop()
        if not ends:
            held += itertools.islice(others, 1)
