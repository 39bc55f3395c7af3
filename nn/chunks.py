"""Samples in chunks: what is larger than memory is read one chunk after another."""

from __future__ import annotations

import itertools
import mmap
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from nn.arrays import Array, as_labels, as_numbers, is_frame

CHUNK_BYTES = 2**25  # of a memory map, counted in float64, are read at a time
STRIP_BYTES = 2**22  # of the values of all layers, for samples that are computed at a time
Columns = slice | Array  # samples of a chunk: some in a row, or by their numbers
Change = Callable[[int, Array], Array]  # of a chunk, given the number of its first sample


class Chunk(NamedTuple):
    """Samples, their labels (None if there are none), how many, the number of the chunk, and that
    of its first sample."""

    X: Any
    Y: Any
    width: int
    number: int
    start: int

    @property
    def place(self) -> str:
        """The number of the chunk, counted from 1, and its samples, as a slice."""
        return f"chunk {self.number + 1}, samples {self.start}:{self.start + self.width}"


_HAS_SAMPLES = attrgetter("width")


class Piece(NamedTuple):
    """Some samples of a chunk, in this order; `ends` is True for the last piece of a batch."""

    chunk: Chunk
    columns: Columns
    ends: bool


class Chunks:
    """Samples in chunks along their axis: the last one for `batch_axis=1`, the first one for 0.

    A chunk is read when its turn comes, and again each time. Iterating gives the samples of each
    chunk, or pairs of samples and labels; np.asarray gives all samples, if memory can hold them.

    `reader(order, of)` gives the chunks in this order, by number from 0, or as they come (None).
    `of` says which arrays are needed, "X", "Y" or "XY"; the others may be None. `widths` are the
    numbers of samples, None if they are not known. What can be read but `once` comes in its own
    order, with all arrays.
    """

    def __init__(
        self,
        batch_axis: int,
        reader: Callable[[Iterable[int] | None, str], Iterator[Chunk]],
        widths: Sequence[int] | None = None,
        once: bool = False,
    ) -> None:
        self.batch_axis, self.reader, self.widths, self.once = batch_axis, reader, widths, once
        self._unread = reader(None, "XY") if once else None

    def read(self, order: Iterable[int] | None = None, of: str = "XY") -> Iterator[Chunk]:
        """The chunks that are not empty. Raises ValueError if they cannot be read again."""
        if not self.once:
            return filter(_HAS_SAMPLES, self.reader(order, of))
        if self._unread is None:
            self.check_again("this is the second reading")
        chunks, self._unread = self._unread, None
        assert chunks is not None
        return filter(_HAS_SAMPLES, chunks)

    def check_again(self, why: str) -> None:
        """Raise ValueError if these can be read only once, where more is needed."""
        if self.once:
            raise ValueError(
                f"{why}, but these batches can be read only once, as those of every generator: "
                "give the function that makes them, not called, or a list of them"
            )

    def first(self, of: str = "XY") -> Chunk:
        """The first chunk. Raises ValueError if there are no samples at all."""
        chunks = self.read(of=of)
        chunk = next(chunks, None)
        if chunk is None:
            raise ValueError("X has 0 samples")
        if self.once:
            self._unread = itertools.chain([chunk], chunks)
        return chunk

    def __iter__(self) -> Iterator[Any]:
        for chunk in self.read():
            yield chunk.X if chunk.Y is None else (chunk.X, chunk.Y)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.concatenate([chunk.X for chunk in self.read(of="X")], axis=-self.batch_axis)

    def __repr__(self) -> str:
        count = "not counted" if self.widths is None else sum(self.widths)
        return f"{type(self).__name__}(samples: {count}, batch_axis={self.batch_axis})"

    @property
    def is_elsewhere(self) -> bool:
        """True if `total` works on the chunks where they are, in other processes."""
        return False

    @property
    def given(self) -> Any:
        """The samples in the kind of array that they came in, as far as it fits them."""
        return self

    def alone(self, of: str) -> Chunks:
        """The samples, "X", or the labels, "Y", in the place of the samples."""

        def reader(order: Iterable[int] | None, _: str) -> Iterator[Chunk]:
            for chunk in self.read(order, of):
                yield chunk._replace(X=getattr(chunk, of), Y=None)
                del chunk  # before the next one is read

        return Chunks(self.batch_axis, reader, self.widths, self.once)

    def mapped(
        self,
        change: Change,
        labels: Change | None = None,
        kept: Callable[[int, int], int] = lambda start, width: width,
    ) -> Chunks:
        """What these functions make of samples and labels, chunk by chunk, when they are read.

        `kept(start, width)` says how many samples of a chunk they leave.
        """

        def reader(order: Iterable[int] | None, of: str) -> Iterator[Chunk]:
            for chunk in self.read(order, of):
                X, Y = (
                    array
                    if array is None or function is None
                    else changed(function, chunk.start, array, self.batch_axis)
                    for array, function in ((chunk.X, change), (chunk.Y, labels))
                )
                chunk = chunk._replace(X=X, Y=Y, width=kept(chunk.start, chunk.width))
                del X, Y
                yield chunk
                del chunk

        widths = None if self.widths is None else widths_kept(self.widths, kept)
        return Chunks(self.batch_axis, reader, widths, self.once)

    def pieces(self, size: int | None, rng: np.random.Generator | None = None) -> Iterator[Piece]:
        """The samples of an epoch, cut into batches of `size`; None: each chunk is a batch.

        `rng` draws an order of the chunks, and of the samples in each; None keeps the given order.
        The pieces of a batch may come from several chunks.
        """
        order = None
        if rng is not None and self.widths is not None:
            order = rng.permutation(len(self.widths)).tolist()
        room = size
        for chunk in self._for_pieces(order):
            drawn = None if rng is None else rng.permutation(chunk.width)
            start, width = 0, chunk.width
            while start < width:
                stop = width if room is None else min(width, start + room)
                left = room and room - (stop - start)
                columns = slice(start, stop) if drawn is None else drawn[start:stop]
                yield Piece(chunk, columns, not left)
                start, room = stop, left or size
            del chunk

    def _for_pieces(self, order: Iterable[int] | None) -> Iterator[Chunk]:
        return self.read(order)

    def total(
        self,
        part: Callable[..., Any],
        add: Callable[[Any, Any], Any],
        shared: Sequence[Any] = (),
        pieces: Iterable[Piece] | None = None,
    ) -> Any:
        """The sum of `part(piece, *shared)` over these pieces, or over all chunks."""
        found = None
        for piece in self.pieces(None) if pieces is None else pieces:
            one = part(piece, *shared)
            found = one if found is None else add(found, one)
            del piece, one
        if found is None:
            raise ValueError("X has 0 samples")
        return found


def widths_kept(widths: Sequence[int], kept: Callable[[int, int], int]) -> list[int]:
    """How many samples of each chunk are left, as `Chunks.mapped` takes it.

    >>> widths_kept([4, 2], lambda start, width: width - start // 4)
    [4, 1]
    """
    starts = itertools.accumulate(widths, initial=0)
    return [kept(start, width) for start, width in zip(starts, widths, strict=False)]


def slices(X: Array, Y: Any, batch_axis: int, widths: Sequence[int] | None = None) -> Chunks:
    """The chunks of arrays that are copied one at a time: of memory maps."""
    m = X.shape[-batch_axis]
    labels = None if Y is None else labels_of_all(Y, m, batch_axis)
    if widths is None:
        width = max(CHUNK_BYTES * m // (8 * max(X.size, 1)), 1)
        widths = [min(width, m - start) for start in range(0, m, width)]
    stops = [*itertools.accumulate(widths)]

    def reader(order: Iterable[int] | None, of: str) -> Iterator[Chunk]:
        for i in range(len(widths)) if order is None else order:
            part = slice(stops[i] - widths[i], stops[i])
            samples, some = (
                None if array is None or name not in of else _copied(array, part, batch_axis)
                for name, array in (("X", X), ("Y", labels))
            )
            chunk = Chunk(samples, some, widths[i], i, part.start)
            del samples, some
            yield chunk
            del chunk

    return Chunks(batch_axis, reader, widths)


def iterated(batches: Any, batch_axis: int) -> Chunks:
    """The chunks of an iterable, or of a function that returns one.

    It gives batches: arrays of samples, or pairs of samples and labels. An iterator, as a generator
    is, can be read only once.
    """

    def reader(order: Iterable[int] | None, of: str) -> Iterator[Chunk]:
        start = 0
        for number, batch in enumerate(batches() if callable(batches) else batches):
            chunk = _batch(batch, batch_axis, number, start)
            start += chunk.width
            del batch
            yield chunk
            del chunk

    return Chunks(batch_axis, reader, once=isinstance(batches, Iterator))


def paired(X: Chunks, Y: Chunks) -> Chunks:
    """Samples and labels that are in the same chunks."""
    if X.widths is None or X.widths != Y.widths:
        raise ValueError(f"X, {X!r}, and Y, {Y!r}, are not in the same chunks")

    def reader(order: Iterable[int] | None, of: str) -> Iterator[Chunk]:
        order = None if order is None else [*order]
        if of == "Y":
            yield from (chunk._replace(X=None, Y=chunk.X) for chunk in Y.read(order, "X"))
            return
        labels = Y.read(order, "X")
        for chunk in X.read(order, "X"):
            yield chunk if of == "X" else chunk._replace(Y=next(labels).X)
            del chunk

    return Chunks(X.batch_axis, reader, X.widths)


def strips(columns: Columns, width: int) -> list[Columns]:
    """These samples of a chunk, no more than so many at a time.

    >>> strips(slice(2, 7), 3)
    [slice(2, 5, None), slice(5, 7, None)]
    """
    if isinstance(columns, slice):
        starts = range(columns.start, columns.stop, width)
        return [slice(start, min(start + width, columns.stop)) for start in starts]
    return [columns[start : start + width] for start in range(0, len(columns), width)]


def strip_width(sizes: Sequence[int]) -> int:
    """How many samples a network of these sizes is to compute at a time."""
    return max(STRIP_BYTES // (8 * sum(sizes)), 256)


def taken(array: Array, columns: Columns, batch_axis: int) -> Array:
    """These samples of an array."""
    return array[..., columns] if batch_axis == 1 else array[columns]


def labels_of_all(Y: Any, m: int, batch_axis: int) -> Array:
    """The labels of m samples as an array, the samples along the last axis, or the first one.

    >>> labels_of_all([["a"], ["b"]], 2, batch_axis=1)
    array(['a', 'b'], dtype='<U1')
    """
    labels = as_labels(Y, "Y")
    if is_frame(Y) and labels.ndim == 2 and batch_axis == 1:
        labels = labels.T
    if labels.ndim == 2 and labels.shape[-batch_axis] != m and 1 in labels.shape:
        labels = labels.ravel()
    n = labels.shape[-batch_axis] if labels.ndim else 1
    if n != m:
        raise ValueError(f"X has {m} samples and Y {n}: give a label for each sample")
    return labels


def changed(change: Change, start: int, array: Array, batch_axis: int) -> Array:
    """What `change` makes of a chunk. A TypeError or ValueError says which samples these are."""
    try:
        return change(start, array)
    except (TypeError, ValueError) as error:
        stop = start + array.shape[-batch_axis]
        raise type(error)(f"samples {start}:{stop}: {error}") from None


def memory_map(array: Any) -> np.memmap[Any, Any] | None:
    """The memory map that the array is a part of, if it is one."""
    found = None
    while isinstance(array, np.ndarray):
        found = array if isinstance(array, np.memmap) else found
        array = array.base
    return found if isinstance(array, mmap.mmap) else None


def _copied(array: Array, part: slice, batch_axis: int) -> Array:
    """A part of an array, in memory. The pages of a file that were read are given back."""
    there = taken(array, part, batch_axis)
    copy, pages = np.empty(there.shape, there.dtype), _pages(array)
    for rows in strips(slice(0, len(there)), len(there) // 16 + 1):
        copy[rows] = there[rows]
        if pages is not None:
            pages.madvise(mmap.MADV_DONTNEED)
    return copy


def _pages(array: Any) -> mmap.mmap | None:
    """The file that the array is mapped from, if its pages can be read again."""
    mapped = memory_map(array)
    # (Those of mode "c" may hold what is in no file.)
    if mapped is None or mapped.mode == "c" or not hasattr(mmap, "MADV_DONTNEED"):
        return None
    while isinstance(array, np.ndarray):
        array = array.base
    assert isinstance(array, mmap.mmap)
    return array


def _batch(batch: Any, batch_axis: int, number: int, start: int) -> Chunk:
    """A batch as a chunk. Raises TypeError or ValueError, with its number, if it is none."""
    X, Y = batch if isinstance(batch, tuple | list) and len(batch) == 2 else (batch, None)
    try:
        array = as_numbers(X, "X")
        if array.ndim < 2:
            raise ValueError(f"X {array.shape} is no batch: give a pair of arrays (X, Y)")
        array = array.T if is_frame(X) and batch_axis == 1 else array
        width = array.shape[-batch_axis]
        labels = None if Y is None else labels_of_all(Y, width, batch_axis)
    except (TypeError, ValueError) as error:
        raise type(error)(f"batch {number + 1}: {error}") from None
    return Chunk(array, labels, width, number, start)
