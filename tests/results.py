"""What tests ask of two results: the same numbers, and arrays that are the caller's own."""

from __future__ import annotations

import numpy as np

import autograd_lite as ag
from autograd_lite.transforms import flatten


def arrays_of(result):
    """Every array in a result, in order."""
    leaves = flatten(result)
    return [x.data if isinstance(x, ag.Tensor) else np.asarray(x) for x in leaves]


def assert_same(compiled, eager):
    one, two = arrays_of(compiled), arrays_of(eager)
    assert len(one) == len(two)
    for a, b in zip(one, two, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_array_equal(a, b)


def assert_own(results, *others):
    """Arrays that are the caller's: writable, contiguous, sharing memory with nothing."""
    found = arrays_of(results)
    assert all(isinstance(x, np.ndarray | ag.Tensor) for x in flatten(results))
    for k, a in enumerate(found):
        assert type(a) is np.ndarray
        assert a.flags.writeable
        assert a.flags.c_contiguous
        assert a.base is None
        for b in (*found[:k], *others):
            assert not np.shares_memory(a, b)
