"""Samples that are not all in memory: `fit`, `evaluate`, `predict`, `standardize` and `split` read
them chunk by chunk.

- A memory map, as of np.load(..., mmap_mode="r"), is read some 32 MB at a time.
- Batches are made by a function, or are a list, or an iterable: pairs (X, Y), and Y is None where
  one passes X and Y. Each is a step of training, unless `batch_size` cuts them anew. What can be
  read only once, as a generator, trains one epoch.
- A Dask array (extra `big`) is read in its chunks, which must hold whole samples.

Batches of `batch_size` samples are cut from all samples in their order, across chunks;
`batch_size=None` makes one step of all. With `shuffle`, `rng` draws an order of the chunks, and of
the samples within each: a file that is sorted by class should be shuffled once before. Samples are
checked when they are read; where one is wrong, the error names the chunk, and the network is as it
was. Batch normalization needs batches that are in one place, and small enough.

With a client of dask.distributed at work, a batch of a Dask array stays where it is: each worker
computes the gradient of the chunks that it holds, the parameters are sent once for each step, and
the gradients are added in a tree. If a worker dies, its part is computed again. The steps are those
of one machine; so a step is shared by as many workers as its batch has chunks. (The noise of
dropout is another one than in memory.)

>>> import nn
>>> X, Y = nn.datasets.planar(400)
>>> def batches():
...     for start in range(0, 400, 50):
...         yield X[:, start : start + 50], Y[:, start : start + 50]
>>> net = nn.Network([2, 4, 1], ["tanh", "sigmoid"], rng=0)
>>> nn.fit(net, batches, None, nn.losses.binary_cross_entropy, nn.optimizers.Adam(0.1), epochs=20)
History(20 epochs: loss 0.829 → 0.264, metric 0.485 → 0.9175)
"""

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

    >>> import numpy as np
    >>> in_chunks(np.ones((2, 3)), np.ones((1, 3)), batch_axis=1)
    >>> in_chunks(lambda: iter([np.ones((2, 3))]), None, batch_axis=1)
    Chunks(samples: not counted, batch_axis=1)
    """
    if isinstance(X, Chunks):
        return X if Y is None else in_parts.paired(X, _like(X, Y))
    if type(X).__module__.partition(".")[0] == "dask":
        from nn.cluster import dask_chunks

        return dask_chunks(X, Y, batch_axis)
    if in_parts.memory_map(X) is not None and X.ndim > 1 and not hasattr(X, "mask"):
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
