"""Dask arrays as samples in chunks (extra `big`), and sums over chunks where the chunks are.

With a client of dask.distributed, a chunk is worked on by the worker that holds it: what the work
needs besides the chunk is sent once for each sum, and the results are added in a tree.
"""

from __future__ import annotations

import functools
import itertools
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from autograd_lite.extras import needed
from nn.arrays import Array
from nn.chunks import Change, Chunk, Chunks, Piece, changed, labels_of_all, widths_kept

BRANCHES = 4  # of the tree, at each level


def dask_chunks(X: Any, Y: Any, batch_axis: int) -> DaskChunks:
    """X, a Dask array, and Y, one or any labels, as Chunks. Raises for what is not in chunks."""
    da = _dask("dask.array")
    if not isinstance(X, da.Array):
        raise TypeError(f"X is a Dask {type(X).__name__}: give X.to_dask_array(lengths=True)")
    widths = _chunk_widths(X, "X", batch_axis)
    if Y is not None and not isinstance(Y, da.Array):
        Y = labels_of_all(Y, sum(widths), batch_axis)
        Y = da.from_array(Y, _chunks(Y.shape, widths, batch_axis))
        if client_at_work() is not None:
            Y = Y.persist()  # sent once, not for each step
    if Y is not None:
        if Y.ndim == 2 and Y.shape[-batch_axis] == 1 != sum(widths):  # a column
            Y = Y.ravel()
        n = sum(_chunk_widths(Y, "Y", batch_axis))
        if n != sum(widths):
            raise ValueError(f"X has {sum(widths)} samples and Y {n}: give a label for each sample")
        Y = Y.rechunk(_chunks(Y.shape, widths, batch_axis))
    return DaskChunks(X, Y, batch_axis)


def client_at_work() -> Any:
    """The client of dask.distributed that there is; None if there is none."""
    distributed = sys.modules.get("distributed")  # (or nobody can have made a client)
    try:
        return distributed and distributed.get_client()
    except ValueError:
        return None


class DaskChunks(Chunks):
    """The chunks of a Dask array and of its labels."""

    def __init__(self, X: Any, Y: Any, batch_axis: int) -> None:
        self.X, self.Y = X, Y
        self._sent: tuple[Any, Any] | None = None  # what the workers have, and Dask's name for it
        self._futures: list[Any] | None = None  # of the chunks of X, if workers hold them
        self._held: dict[int, str] = {}  # the addresses of these workers
        super().__init__(batch_axis, self._read, X.chunks[-batch_axis])

    @property
    def is_elsewhere(self) -> bool:
        return client_at_work() is not None

    @property
    def given(self) -> Any:
        return self.X

    def _read(self, order: Iterable[int] | None, of: str) -> Iterator[Chunk]:
        # (In this thread, unless there is a cluster: each thread keeps memory that it has freed.)
        scheduler = "synchronous" if client_at_work() is None else None
        for chunk in self._delayed(order, of):
            try:
                X, Y = _dask("dask").compute(chunk.X, chunk.Y, scheduler=scheduler)
            except (TypeError, ValueError) as error:
                raise type(error)(f"{chunk.place}: {error}") from error
            chunk = chunk._replace(X=X, Y=Y)
            del X, Y
            yield chunk
            del chunk

    def _delayed(self, order: Iterable[int] | None, of: str = "XY") -> Iterator[Chunk]:
        """The chunks as Dask's promises of them."""
        assert self.widths is not None
        starts = [*itertools.accumulate(self.widths, initial=0)]
        blocks = [
            [None] * len(self.widths) if array is None or name not in of else _blocks(array)
            for name, array in (("X", self.X), ("Y", self.Y))
        ]
        for i in range(len(self.widths)) if order is None else order:
            yield Chunk(blocks[0][i], blocks[1][i], self.widths[i], i, starts[i])

    def alone(self, of: str) -> Chunks:
        return DaskChunks(getattr(self, of), None, self.batch_axis)

    def mapped(
        self,
        change: Change,
        labels: Change | None = None,
        kept: Callable[[int, int], int] = lambda start, width: width,
    ) -> Chunks:
        assert self.widths is not None
        widths = widths_kept(self.widths, kept)
        X, Y = (
            array if array is None or function is None else self._changed(array, function, widths)
            for array, function in ((self.X, change), (self.Y, labels))
        )
        return DaskChunks(X, Y, self.batch_axis)

    def _changed(self, array: Any, change: Change, widths: Sequence[int]) -> Any:
        """A Dask array of what `change` makes of each chunk, as many samples as `widths` says."""
        assert self.widths is not None
        dask, da, axis = _dask("dask"), _dask("dask.array"), -self.batch_axis
        one = change(0, np.zeros(_with_samples(array.shape, 1, self.batch_axis), array.dtype))
        starts = itertools.accumulate(self.widths, initial=0)
        once = dask.delayed(change, pure=False, traverse=False)  # (it may be a whole network)
        parts = [
            da.from_delayed(
                dask.delayed(changed)(once, start, block, self.batch_axis),
                _with_samples(one.shape, width, self.batch_axis),
                meta=one[:0],
            )
            for start, block, width in zip(starts, _blocks(array), widths, strict=False)
        ]
        return da.concatenate(parts, axis=axis)

    def _for_pieces(self, order: Iterable[int] | None) -> Iterator[Chunk]:
        if client_at_work() is None:
            return self.read(order)
        self._settle()
        return (chunk for chunk in self._delayed(order) if chunk.width)

    def _settle(self) -> None:
        """Move the labels to the workers that hold their samples, if these are held, once."""
        distributed, da = _dask("distributed"), _dask("dask.array")
        if self._futures is not None:
            return
        by_key = {future.key: future for future in distributed.futures_of(self.X)}
        keys = [block.key for block in _blocks(self.X)]
        self._futures = [by_key[key] for key in keys] if by_key.keys() >= set(keys) else []
        if self.Y is None or not self._futures:
            return
        assert self.widths is not None
        there = [
            da.from_delayed(
                _dask("dask").delayed(_beside)(y, x),
                _with_samples(self.Y.shape, width, self.batch_axis),
                self.Y.dtype,
            )
            for x, y, width in zip(_blocks(self.X), _blocks(self.Y), self.widths, strict=True)
        ]
        self.Y = da.concatenate(there, axis=-self.batch_axis).persist()

    def total(
        self,
        part: Callable[..., Any],
        add: Callable[[Any, Any], Any],
        shared: Sequence[Any] = (),
        pieces: Iterable[Piece] | None = None,
    ) -> Any:
        client = client_at_work()
        if client is None:
            return super().total(part, add, shared, pieces)
        pieces = [*(self.pieces(None) if pieces is None else pieces)]
        if not pieces:
            raise ValueError("X has 0 samples")
        try:
            while True:
                places = self._places(client)
                future = self._tree(client, part, add, shared, pieces, places)
                if _waited(client, future, set(places.values())):
                    return future.result()
        except _dask("distributed").CancelledError as error:
            raise RuntimeError(
                f"what a worker held was lost, and nothing says how to compute it again "
                f"({error}): make X of files or of functions, not of data that was scattered"
            ) from error

    def _places(self, client: Any) -> dict[int, str]:
        """The worker that holds the samples of a chunk, by its number, for those that are held."""
        futures, alive = self._futures or [], client.nthreads()
        if len(self._held) < len(futures) or not alive.keys() >= set(self._held.values()):
            held = client.who_has(futures)
            found = {i: held.get(future.key) for i, future in enumerate(futures)}
            self._held = {i: workers[0] for i, workers in found.items() if workers}
        return self._held

    def _tree(
        self,
        client: Any,
        part: Any,
        add: Any,
        shared: Sequence[Any],
        pieces: list[Piece],
        places: dict[int, str],
    ) -> Any:
        """The promise of a sum, every chunk's part by the worker that holds it.

        All of it is one graph of functions without side effects: where a worker dies, the scheduler
        has what was lost computed again, and every part is added once.
        """
        dask = _dask("dask")
        if self._sent is None or self._sent[0] is not part:
            self._sent = part, client.submit(_same, part, pure=False)
        there = [dask.delayed(_same, pure=False)(value) for value in shared]
        nodes = []
        for chunk, columns, ends in pieces:
            place = places.get(chunk.number)
            with dask.annotate(workers=[place]) if place else nullcontext():
                work = dask.delayed(_of_piece, pure=False)
                nodes.append(work(self._sent[1], *chunk, columns, ends, *there))
        while len(nodes) > 1:
            groups = [nodes[i : i + BRANCHES] for i in range(0, len(nodes), BRANCHES)]
            nodes = [dask.delayed(_added, pure=False)(add, *group) for group in groups]
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1PB"}):
            return client.compute(nodes[0])


def _beside(labels: Array, samples: Array) -> Array:
    """The labels, on the worker that has the samples, which are larger."""
    return labels


def _same(value: Any) -> Any:
    return value


def _waited(client: Any, future: Any, workers: set[str]) -> bool:
    """Wait for the future; False if one of these workers has died, on which its parts wait."""
    while not future.done():
        try:
            future.result(timeout=1)
        except TimeoutError:
            if not client.nthreads().keys() >= workers:
                return False
    return True


def _of_piece(part: Any, *piece_and_shared: Any) -> Any:
    """What a worker does with a piece: the first entries are those of a Chunk and a Piece."""
    n = len(Chunk._fields)
    chunk, (columns, ends, *shared) = piece_and_shared[:n], piece_and_shared[n:]
    return part(Piece(Chunk(*chunk), columns, ends), *shared)


def _added(add: Callable[[Any, Any], Any], *parts: Any) -> Any:
    return functools.reduce(add, parts)


def _dask(module: str) -> Any:
    return needed(module, "Dask arrays need Dask", "big")


def _blocks(array: Any) -> list[Any]:
    """The chunks of a Dask array as Dask's promises of them."""
    blocks: list[Any] = array.to_delayed(optimize_graph=False).ravel().tolist()
    return blocks


def _chunk_widths(array: Any, name: str, batch_axis: int) -> tuple[int, ...]:
    """The numbers of samples in its chunks. Raises ValueError unless they are known and whole."""
    if any(np.isnan(width) for axis in array.chunks for width in axis):
        raise ValueError(
            f"the chunks of {name} have unknown sizes: call {name} = {name}.compute_chunk_sizes()"
        )
    axis = range(array.ndim)[-batch_axis]
    if any(len(widths) > 1 for k, widths in enumerate(array.chunks) if k != axis):
        features = {k: -1 for k in range(array.ndim) if k != axis}
        raise ValueError(
            f"{name} {array.shape} is chunked along its features: a chunk must hold whole samples "
            f"(batch_axis={batch_axis}). {name}.rechunk({features}) does that"
        )
    widths: tuple[int, ...] = array.chunks[axis]
    return widths


def _with_samples(shape: Sequence[int], width: Any, batch_axis: int) -> tuple[Any, ...]:
    """This shape with so many samples."""
    return (*shape[:-1], width) if batch_axis == 1 else (width, *shape[1:])


def _chunks(shape: Sequence[int], widths: Sequence[int], batch_axis: int) -> tuple[Any, ...]:
    """Dask's chunks of such an array: so many samples in each, all features."""
    features: list[Any] = [(n,) for n in shape]
    return _with_samples(features, tuple(widths), batch_axis)
