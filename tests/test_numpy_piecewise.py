"""Functions that are put together of pieces: values as NumPy's, gradients as differences."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from builders import normal
from test_numpy_elementwise import same

import autograd_lite as ag

INF, NAN = math.inf, math.nan
A, B = normal(2, 3, seed=1), normal(2, 3, seed=2)
MASK = np.array([[True, False, True], [False, False, True]])
ROW = np.array([False, True, True])
F32 = A.astype(np.float32)
XP, FP = np.array([-1.5, -0.4, 0.3, 0.9, 1.1]), normal(5, seed=3)
ANGLES = np.cumsum(np.array([[0.3, 2.9, 2.8, -3.0], [1.0, -2.0, 3.0, 3.1]]), axis=1)

# A function of arrays, and where to try it: every array is a variable.
CASES = {
    "select": (lambda a, b: np.select([a > 0.5, b > 0], [a * b, b]), (A, B)),
    "select, default": (lambda a: np.select([MASK, ROW], [a, -a], default=2.5), (A,)),
    "select, broadcast": (lambda a, b: np.select([ROW, MASK], [b, a], -1), (A, B[:, :1])),
    "select, arrays": (lambda a: np.select([a > 0, MASK], [a, B], B), (A,)),
    "select, numbers": (lambda a: np.select([a > 0, MASK], [1, 2.5], 0) * a, (A,)),
    "select, 0-d": (lambda a: np.select([a > 0], [a * a]), (A[0, 0],)),
    "piecewise": (lambda a: np.piecewise(a, [a < 0, a >= 0], [np.sin, lambda x: x**3]), (A,)),
    "piecewise, rest": (lambda a: np.piecewise(a, [a < -1, a > 1], [-1, 1, np.square]), (3 * A,)),
    "piecewise, none": (lambda a: np.piecewise(a, [MASK], [np.exp]), (A,)),
    "piecewise, one": (lambda a: np.piecewise(a, a < 0, [np.exp, 0.5]), (A[0],)),
    "piecewise, list": (lambda a: np.piecewise(a, [True, False], [np.exp, 0.5]), (A[0, :2],)),
    "piecewise, overlap": (lambda a: np.piecewise(a, [MASK, ROW & MASK], [np.exp, np.sin]), (A,)),
    "piecewise, arguments": (
        lambda a, b: np.piecewise(a, [MASK], [lambda x, n, m: x * n * m], b, m=3),
        (A, np.array(2.0)),
    ),
    "piecewise, root": (lambda a: np.piecewise(a, [a > 0], [np.sqrt, 0.0]), (np.append(B[0], -1),)),
    "piecewise, 0-d": (lambda a: np.piecewise(a, [a < 0, a > 0], [np.exp, np.sin]), (A[0, 1],)),
    "interp": (np.interp, (A, XP, FP)),
    "interp, ends": (lambda x, fp: np.interp(x, XP, fp, left=-3, right=0.5), (3 * A, FP)),
    "interp, end Tensors": (lambda x, end: np.interp(x, XP, FP, end, 2 * end), (3 * A, FP[0])),
    "interp, values": (lambda fp: np.interp(A, XP, fp), (FP,)),
    "interp, points": (lambda xp: np.interp([0.0, 0.35, 1.0], xp, FP), (XP,)),
    "interp, period": (lambda x, fp: np.interp(x, XP, fp, period=2.3), (5 * A, FP)),
    "interp, points in a period": (lambda x, xp: np.interp(x, xp, FP, period=-2.3), (A, XP)),
    "interp, 0-d": (lambda x, fp: np.interp(x, XP, fp), (A[0, 0], FP)),
    "interp, one point": (lambda x, fp: np.interp(x, [0.2], fp) * 1.0, (A, FP[:1])),
    "nan_to_num": (lambda a: np.nan_to_num(np.where(MASK, a, NAN), nan=2.0), (A,)),
    "nan_to_num, infinities": (
        lambda a: np.nan_to_num(np.where(MASK, a, [INF, -INF, NAN]), True, 1, 2, -3),
        (A,),
    ),
    "unwrap": (np.unwrap, (ANGLES,)),
    "unwrap, options": (lambda p: np.unwrap(p, 2.0, axis=0, period=4.0), (3 * ANGLES,)),
}


@pytest.mark.parametrize("case", CASES)
def test_values_and_gradients(case):
    f, arrays = CASES[case]
    right = f(*arrays)
    same(f(*[ag.Tensor(x, requires_grad=True) for x in arrays]), right)
    weights = normal(*np.shape(right), seed=8)
    ag.check_gradients(lambda *x: np.sum(np.sin(f(*x)) * weights), *arrays, order=2)


@pytest.mark.parametrize("case", [c for c in CASES if "piecewise" not in c])
def test_compiled(case):
    f, arrays = CASES[case]
    J = lambda *x: np.sum(np.sin(f(*x)))
    places = tuple(range(len(arrays)))
    for ours, right in zip(
        ag.compile(ag.grad(J, places))(*arrays), ag.grad(J, places)(*arrays), strict=True
    ):
        np.testing.assert_allclose(ours, right, rtol=1e-14, atol=1e-14)


def test_compiled_pieces_by_masks_that_are_known():
    f = lambda a: np.piecewise(a, [MASK], [np.exp, np.sin])
    np.testing.assert_array_equal(ag.compile(f)(A), f(A))
    with pytest.raises(ag.TracingError, match=r"boolean index.*\n.*np.where"):
        ag.compile(CASES["piecewise"][0])(A)


VALUES = {
    "float32": lambda t, x: (np.select([x > 0], [t], 0.5), np.select([x > 0], [x], 0.5)),
    "promoted": lambda t, x: (np.select([MASK], [t], 2 * A), np.select([MASK], [x], 2 * A)),
    "numbers alone": lambda t, x: (np.select([t > 0], [1]), np.select([x > 0], [1])),
    "booleans": lambda t, x: (
        np.select([t > 0], [True], False),
        np.select([x > 0], [True], False),
    ),
    "piecewise of float32": lambda t, x: (
        np.piecewise(t, [t > 0], [A[0, 0], np.exp]),
        np.piecewise(x, [x > 0], [A[0, 0], np.exp]),
    ),
    "piecewise of integers": lambda t, x: (
        np.piecewise(ag.Tensor([1, 2]), [[True, False]], [0.7, 1.7]),
        np.piecewise(np.array([1, 2]), [[True, False]], [0.7, 1.7]),
    ),
    "interp of float32": lambda t, x: (np.interp(t, XP, FP), np.interp(x, XP, FP)),
    "interp on points, outside, nan": lambda t, x: (
        np.interp([-9, *XP, INF, -INF, NAN], ag.Tensor(XP), FP),
        np.interp([-9, *XP, INF, -INF, NAN], XP, FP),
    ),
    "interp of repeated points": lambda t, x: (
        np.interp([0.0, 0.5, 1.0, 2.0, 3.0], ag.Tensor([0.0, 1.0, 1.0, 2.0, 2.0]), FP),
        np.interp([0.0, 0.5, 1.0, 2.0, 3.0], [0.0, 1.0, 1.0, 2.0, 2.0], FP),
    ),
    "interp at nothing": lambda t, x: (
        np.interp(np.zeros((0, 2)), XP, ag.Tensor(FP)),
        np.interp(np.zeros((0, 2)), XP, FP),
    ),
    "nan_to_num of float32": lambda t, x: (
        np.nan_to_num(ag.Tensor(np.float32([INF, -INF, NAN, 1]))),
        np.nan_to_num(np.float32([INF, -INF, NAN, 1])),
    ),
    "nan_to_num of integers": lambda t, x: (np.nan_to_num(ag.Tensor([1, 2])), np.array([1, 2])),
    "unwrap of float32": lambda t, x: (np.unwrap(9 * t), np.unwrap(9 * x)),
}


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("case", VALUES)
def test_values(case):
    same(*VALUES[case](ag.Tensor(F32, requires_grad=True), F32))


def test_interp_at_its_points():
    """The slope is that of the piece to the right, at the last point to the left, outside 0."""
    slopes = np.diff(FP) / np.diff(XP)
    g = ag.grad(lambda x: np.sum(np.interp(x, XP, FP)))(np.concatenate([[-2.0], XP, [2.0]]))
    np.testing.assert_allclose(g, [0, *slopes, slopes[-1], 0])


t = ag.Tensor([1.0, 2.0], requires_grad=True)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: np.select([t > 0], [t, t]), ValueError, "as many conditions as choices: 1 ≠ 2"),
        (lambda: np.select([t], [t]), TypeError, "number 0 is of float64"),
        (lambda: np.piecewise(t, [t > 0], [1, 2, 3]), ValueError, "3 functions for 1 conditions"),
        (lambda: np.piecewise(t, [[True]], [1]), ValueError, "a condition has shape (1,)"),
        (lambda: np.interp(t, [0.0, 1.0], [1.0]), ValueError, "(2,) and (1,)"),
        (lambda: np.interp(t, [], []), ValueError, "as many values as points"),
        (lambda: np.interp(t, [0.0], [1.0], period=0), ValueError, "must be a non-zero value"),
        (lambda: np.nan_to_num(t, copy=False), TypeError, "copy=False) writes in place"),
        (lambda: np.nan_to_num(t, nan=t), TypeError, "takes a number as nan="),
    ],
)
def test_refused_by_name(call, kind, message):
    with pytest.raises(kind, match=re.escape(message)):
        call()
