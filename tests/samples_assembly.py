"""Samples of the functions that assemble, cut and rearrange arrays."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from autograd_lite.functions import assembly

_rng = np.random.default_rng(12)
V, M, N = _rng.normal(size=3), _rng.normal(size=(3, 4)), _rng.normal(size=(3, 4))
P = _rng.uniform(0.5, 2.0, size=3)

SAMPLES = {
    np.linspace: [
        (lambda a, b: np.linspace(a, b, 5), (M, N)),
        (lambda a: np.linspace(0.5, a, 4, endpoint=False, axis=-1), (V,)),
        (lambda a, b: np.linspace(a, b, 3, axis=1), (M, V[:, None])),
        (lambda a, b: np.linspace(a, b, 1), (V, V[:1])),
    ],
    np.geomspace: [
        (lambda a, b: np.geomspace(a, b, 5), (P, P[::-1].copy())),
        (lambda a, b: np.geomspace(-a, -b, 4, endpoint=False, axis=-1), (P, P[:1])),
        (lambda a: np.geomspace(2.0, a, 3, dtype=a.dtype), (P,)),
    ],
    assembly.windows: [
        (lambda a: sliding_window_view(a, (2, 3)), (M,)),
        (lambda a: sliding_window_view(a, 2, axis=0)[::2], (M,)),
        (lambda a: sliding_window_view(a, (2, 2), axis=(1, 1)), (M,)),
    ],
    assembly.overlap_add: [
        (
            lambda a: assembly.overlap_add(a, shape=(3, 4), axes=(1, 0)),
            (_rng.normal(size=(2, 2, 3, 2)),),
        ),
        (
            lambda a: assembly.overlap_add(a, shape=(4,), axes=(0, 0)),
            (_rng.normal(size=(2, 2, 2)),),
        ),
    ],
}

COMPOSED = {  # of operations that have samples of their own
    "functions of lines": [
        (lambda a: np.apply_along_axis(np.cumsum, 0, a), (_rng.normal(size=(2, 3)),)),
        (lambda a: np.apply_along_axis(np.outer, 1, a, [1.0, 2.0]), (_rng.normal(size=(2, 3)),)),
        (lambda a: np.apply_over_axes(np.sum, a * a, [0, -1]), (_rng.normal(size=(2, 3, 2)),)),
    ],
}
