"""Samples of item assignment."""

from __future__ import annotations

import numpy as np

from autograd_lite import rules

_rng = np.random.default_rng(23)
A = _rng.normal(size=(2, 3))
B = _rng.normal(size=(2, 3))


def assigned(index, value):
    """The function that copies an array and assigns `value(array)` to the index of the copy."""

    def f(*arrays):
        t = arrays[0] * arrays[0]
        t[index(t) if callable(index) else index] = value(*arrays)
        return t

    return f


def _added(a, b):
    t = a * b
    t[:, 1] += b[:, 0]
    np.add.at(t, (0, np.array([1, 1])), a[1, :2])
    np.subtract.at(t, 1, b[0, 0])
    return t


def _of_no_gradient(a):
    t = np.zeros_like(a)
    t[0] = a[1]
    t[1, ::-1] = a[0]
    return t


SAMPLES = {
    rules.setitem: [
        (assigned(0, lambda a: a[1] * 2), (A,)),
        (assigned((..., 1), lambda a, b: b[:, :1].T), (A, B)),
        (assigned((slice(None), [0, 2, 0]), lambda a, b: b), (A, B)),
        (assigned(([0, 0, 1], [1, 1, 2]), lambda a, b: b[0]), (A, B)),
        (assigned(lambda t: (t.argmax(axis=0), [0, 1, 2]), lambda a: a[0] ** 2), (A,)),
        (assigned(A > 0, lambda a: a[0, 0]), (A,)),
        (assigned(A > 0.1, lambda a: a[A > 0.1] * 2), (A,)),
        (assigned(slice(None, None, -1), lambda a: a), (A,)),
    ],
}
COMPOSED = {
    "assignment by a mask": [
        (assigned(lambda t: t > 0.5, lambda a: 0), (A,)),
        (assigned(lambda t: t[:, 0] > 0.5, lambda a: a[0, 0]), (A,)),
    ],
    "adding in place": [(_added, (A, B))],
    "assembling": [(_of_no_gradient, (A,))],
}
