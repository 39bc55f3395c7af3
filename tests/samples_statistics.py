"""Samples of products, running sums, differences, orders and statistics."""

from __future__ import annotations

import numpy as np

from autograd_lite.functions import statistics

_rng = np.random.default_rng(13)
A = _rng.normal(size=(2, 3))
B = _rng.normal(size=(2, 3))
C = _rng.normal(size=(2, 3, 2))
_mask = np.array([[True, False, True], [True, True, False]])


def _holes(a):
    """a without the numbers that are not in the mask."""
    return np.where(_mask, a, np.nan)


SAMPLES = {
    np.prod: [
        (np.prod, (A,)),
        (lambda a: a.prod(axis=-1), (A,)),
        (lambda a: np.prod(a, axis=(0, 2), keepdims=True), (C,)),
        (lambda a: np.prod(a, axis=0, initial=2.0, where=_mask), (A,)),
        (lambda a: np.multiply.reduce(a), (A,)),
        (lambda a: np.nanprod(_holes(a), axis=1), (A,)),
    ],
    np.cumsum: [
        (np.cumsum, (A,)),
        (lambda a: a.cumsum(axis=1), (A,)),
        (lambda a: np.add.accumulate(a), (A,)),
        (lambda a: np.nancumsum(_holes(a), axis=0), (A,)),
        (lambda a: np.cumulative_sum(a, axis=1, include_initial=True), (A,)),
    ],
    np.cumprod: [
        (np.cumprod, (A,)),
        (lambda a: a.cumprod(axis=1), (C,)),
        (lambda a: np.multiply.accumulate(a), (A,)),
    ],
    statistics.recurrence: [
        (lambda a, b: statistics.recurrence(a, b, axis=1), (A, B)),
        (lambda a, b: statistics.recurrence(a, b, axis=0), (C, C[::-1])),
    ],
    np.nanmax: [(lambda a: np.nanmax(_holes(a), axis=1), (A,)), (np.nanmax, (A,))],
    np.nanmin: [(lambda a: np.nanmin(_holes(a), axis=1, keepdims=True), (A,))],
    np.partition: [
        (lambda a: np.partition(a, 1), (A,)),
        (lambda a: np.partition(a, (0, 2), axis=None), (A,)),
    ],
}

COMPOSED = {  # of operations that have samples of their own
    "sort": [
        (np.sort, (A,)),
        (lambda a: np.sort(a, axis=None), (A,)),
        (lambda a: np.sort(a, axis=1, stable=True), (C,)),
    ],
    "median": [(np.median, (A,)), (lambda a: np.median(a, axis=1), (A,))],
    "quantile": [
        (lambda a: np.quantile(a, [0.2, 0.7], axis=1, keepdims=True), (A,)),
        (lambda a: np.percentile(a, 40, axis=(0, 2)), (C,)),
        (lambda a: np.nanpercentile(a, 40, axis=1), (A,)),
        (lambda a: np.nanmedian(_holes(a), axis=0), (A,)),
    ],
    "differences": [
        (lambda a: np.diff(a, n=2, append=0.5), (A,)),
        (lambda a: np.ediff1d(a, to_begin=1.0), (A,)),
        (lambda a: np.gradient(a, axis=1, edge_order=2), (A,)),
        (lambda a: np.trapezoid(a, dx=0.5), (A,)),
    ],
    "running extremes": [
        (lambda a: np.maximum.accumulate(a, 1), (A,)),
        (lambda a: np.minimum.accumulate(a), (C,)),
    ],
    "reduceat": [
        (lambda a: np.add.reduceat(a, [0, 2], axis=1), (A,)),
        (lambda a: np.add.reduceat(a, [1, 0, 0]), (A,)),
    ],
    "statistics": [
        (lambda a: np.average(a, axis=1, weights=[1.0, 2.0, 3.0]), (A,)),
        (lambda a: np.cov(a), (A,)),
        (lambda a: np.corrcoef(a, rowvar=False), (np.vstack([A, B]),)),
        (lambda a: np.ptp(a, axis=0), (A,)),
        (lambda a: np.nanvar(_holes(a), axis=1), (A,)),
        (np.nanstd, (A,)),
        (lambda a: np.std(a, where=_mask, correction=1), (A,)),
        (lambda a: np.mean(a, axis=0, where=_mask), (A,)),
        (lambda a: np.logaddexp.reduce(a, axis=1), (A,)),
    ],
}
