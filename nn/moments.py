"""Mean and standard deviation of samples that are read chunk by chunk."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np

from nn.arrays import Array, as_numbers
from nn.chunks import Chunks, Piece


class Moments(NamedTuple):
    """The number of samples, and of each feature the mean, the sum of squares around it, the least
    and the largest value."""

    m: int
    mean: Array
    squares: Array
    least: Array
    most: Array


def _moments_of(piece: Piece, batch_axis: int) -> Moments:
    X = as_numbers(piece.chunk.X, "X").astype(float, copy=False)
    m = X.shape[batch_axis]
    of: Any = {"axis": batch_axis, "keepdims": True}
    with np.errstate(all="ignore"):  # `standardized` finds it
        return Moments(m, X.mean(**of), m * X.var(**of), X.min(**of), X.max(**of))


def _both(a: Moments, b: Moments) -> Moments:
    """The moments of the samples of both. Source: Chan, Golub and LeVeque, "Updating formulae and
    a pairwise algorithm for computing sample variances", 1979."""
    m, change = a.m + b.m, b.mean - a.mean
    with np.errstate(all="ignore"):
        return Moments(
            m,
            a.mean + change * (b.m / m),
            a.squares + b.squares + np.square(change) * (a.m * b.m / m),
            np.minimum(a.least, b.least),
            np.maximum(a.most, b.most),
        )


def mean_and_scale_of(chunks: Chunks) -> tuple[Array, Array]:
    """Each feature's mean and standard deviation; 1 for the deviation of a constant feature."""
    found = chunks.total(functools.partial(_moments_of, batch_axis=chunks.batch_axis), _both)
    scale = np.sqrt(found.squares / found.m)
    return found.mean, np.where(found.least == found.most, 1.0, scale)
