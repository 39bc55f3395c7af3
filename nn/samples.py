"""Where samples come from: one door for all kinds of them that are not in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from nn import chunks as in_parts
from nn.arrays import is_frame
from nn.chunks import Chunks


def in_chunks(X: Any, Y: Any, batch_axis: int) -> Chunks | None:
    """X and Y as Chunks; None if X is simply in memory.

    X may be a memory map, a Dask array, `Chunks`, or an iterable of batches: then Y is None, and
    each batch is a pair of samples and labels, or samples alone.

    >>> in_chunks(np.ones((2, 3)), np.ones((1, 3)), batch_axis=1)
    >>> in_chunks(lambda: iter([np.ones((2, 3))]), None, batch_axis=1)
    Chunks(samples: not counted, batch_axis=1)
    """
    if isinstance(X, Chunks):
        return X if Y is None else in_parts.paired(X, _like(X, Y))
    if type(X).__module__.partition(".")[0] == "dask":
        from nn.cluster import dask_chunks

        return dask_chunks(X, Y, batch_axis)
    if in_parts.memory_map(X) is not None and X.ndim > 1:
        return in_parts.slices(X, Y, batch_axis)
    if _is_iterable_of_batches(X, Y):
        if Y is not None:
            raise TypeError("X is an iterable of batches: let each be a pair (X, Y), and Y be None")
        return in_parts.iterated(X, batch_axis)
    return None


def _like(X: Chunks, Y: Any) -> Chunks:
    """The labels in the chunks of the samples, if they are not in chunks yet."""
    if isinstance(Y, Chunks):
        return Y
    if X.widths is None:
        raise TypeError("X is an iterable of batches: let each be a pair (X, Y), and Y be None")
    m = sum(X.widths)
    return in_parts.slices(in_parts.labels_of_all(Y, m, X.batch_axis), None, X.batch_axis, X.widths)


def _is_iterable_of_batches(X: Any, Y: Any) -> bool:
    if isinstance(X, list | tuple):  # (of numbers, perhaps)
        return Y is None and bool(X) and all(isinstance(b, tuple) and len(b) == 2 for b in X)
    if callable(X) or isinstance(X, Iterator):
        return True
    is_array = hasattr(X, "__array__") or hasattr(X, "toarray") or is_frame(X)
    return isinstance(X, Iterable) and not is_array and not isinstance(X, str | range)
