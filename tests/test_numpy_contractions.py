"""Products and convolutions are NumPy's in value, and differentiable, however they are called."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from builders import normal, scalar

import autograd_lite as ag
from autograd_lite.functions import contractions
from autograd_lite.tensor import HANDLERS

SQUARE, ROWS, COLUMNS = (2, 2), (2, 3), (3, 2)
MODES = ("full", "same", "valid")

# how it is written: a function of operands, and lists of their shapes
EINSUMS = {
    "implied": (lambda a, b: np.einsum("ij,jk", a, b), [(ROWS, COLUMNS)]),
    "spaces": (lambda a, b: np.einsum(" i j , j k -> k i ", a, b), [(ROWS, COLUMNS)]),
    "ellipsis": (
        lambda a, b: np.einsum("...ij,...jk", a, b),
        [(ROWS, COLUMNS), ((4, 2, 3), COLUMNS), ((5, 1, 2, 3), (4, 3, 2)), ((4, 2, 3), (1, 3, 2))],
    ),
    "ellipsis in between": (
        lambda a, b: np.einsum("i...j,...j->j...i", a, b),
        [((2, 4, 3), (4, 3)), ((2, 5, 4, 3), (4, 3)), (ROWS, (3,))],
    ),
    "ellipsis of one": (lambda a, b: np.einsum("...i,i", a, b), [(ROWS, (3,)), ((3,), (3,))]),
    "ellipsis summed over nothing": (lambda a: np.einsum("i...->i", a), [((3,),)]),
    "only ellipses": (lambda a, b: np.einsum("...,...", a, b), [(ROWS, (3,)), ((), ROWS)]),
    "no indices": (lambda a, b: np.einsum(",ij->ji", a, b), [((), ROWS)]),
    "one operand": (lambda a: np.einsum("ij->", a), [(ROWS,), ((0, 3),)]),
    "diagonal": (lambda a: np.einsum("ii->i", a), [(SQUARE,), ((0, 0),), ((1, 1),)]),
    "trace": (lambda a: np.einsum("ii", a), [(SQUARE,), ((0, 0),)]),
    "of each matrix": (lambda a: np.einsum("...ii", a), [((4, 2, 2),), ((3, 4, 2, 2),)]),
    "first two": (lambda a: np.einsum("iij->j", a), [((2, 2, 3),)]),
    "apart": (lambda a: np.einsum("iji->ji", a), [((2, 3, 2),)]),
    "three alike": (lambda a: np.einsum("iii->i", a), [((3, 3, 3),)]),
    "two pairs": (lambda a: np.einsum("jiji->ij", a), [((2, 3, 2, 3),)]),
    "repeated and shared": (lambda a, b: np.einsum("ii,ij->j", a, b), [(SQUARE, ROWS)]),
    "one of length one": (lambda a, b: np.einsum("ij,ij->i", a, b), [(ROWS, (2, 1))]),
    "an operand twice": (lambda a: np.einsum("ij,kj->ik", a, a), [(ROWS,)]),
    "lists": (
        lambda a, b: np.einsum(a, [0, 1], b, [1, 2], [2, 0]),
        [(ROWS, COLUMNS)],
    ),
    "lists, implied": (lambda a, b: np.einsum(a, [1, 30], b, (30, 0)), [(ROWS, COLUMNS)]),
    "lists with ellipsis": (
        lambda a, b: np.einsum(a, [..., 0, 1], b, [..., 1, 2], [..., 2, 0]),
        [(ROWS, COLUMNS), ((4, 2, 3), COLUMNS)],
    ),
    "lists, repeated": (lambda a: np.einsum(a, [0, 0, 1], [1]), [((2, 2, 3),)]),
    **{
        f"optimize={how}": (
            lambda a, b, c, how=how: np.einsum("ij,...jk,kl->...il", a, b, c, optimize=how),
            [(ROWS, COLUMNS, ROWS), (ROWS, (4, 3, 2), ROWS)],
        )
        for how in (True, False, "greedy", "optimal", ["einsum_path", (1, 2), (0, 1)])
    },
}
AXES = [0, 1, 2, ([], []), (0, 1), ([1, 0], [-1, 1])]
PRODUCTS = {
    "outer": (np.outer, [(ROWS, (2,)), ((), (3,)), ((0,), (3,))]),
    "inner": (np.inner, [((3,), (3,)), (ROWS, (4, 2, 3)), ((), ROWS), (ROWS, ()), ((0,), (0,))]),
    "vdot": (np.vdot, [(ROWS, COLUMNS), ((), ()), ((3,), (3, 1))]),
    "vecdot": (np.vecdot, [((3,), (3,)), ((4, 2, 3), (2, 3)), ((4, 1, 3), (2, 3)), (ROWS, (3,))]),
    "vecdot of columns": (
        lambda a, b: np.vecdot(a, b, axis=0),
        [((3, 2), (3, 2)), ((3, 4, 2), (3, 2)), ((3,), (3, 2))],
    ),
    "matvec": (np.matvec, [(ROWS, (3,)), ((4, 2, 3), (3,)), (ROWS, (4, 3)), ((4, 2, 3), (4, 3))]),
    "vecmat": (np.vecmat, [((2,), ROWS), ((2,), (4, 2, 3)), ((4, 2), ROWS), ((4, 2), (4, 2, 3))]),
    "kron": (np.kron, [(ROWS, SQUARE), ((3,), ROWS), (ROWS, ()), ((2, 1, 3), (2, 2)), ((), ())]),
    "cross": (np.cross, [((3,), (3,)), ((2, 3), (2, 3)), ((4, 2, 3), (2, 3)), ((3,), (2, 3))]),
    **{
        f"cross of axes {chosen}": (
            lambda a, b, chosen=chosen: np.cross(a, b, **chosen),
            [((3, 3, 3), (3, 3, 3))],
        )
        for chosen in ({"axis": 0}, {"axisa": 0, "axisb": -1, "axisc": 0}, {"axisc": 1})
    },
    **{
        f"tensordot of {axes}": (
            lambda a, b, axes=axes: np.tensordot(a, b, axes),
            [((3, 3, 3), (3, 3, 3))],
        )
        for axes in AXES
    },
    "tensordot, of nothing": (lambda a, b: np.tensordot(a, b, 1), [((2, 0), (0, 3)), ((0,), (0,))]),
    "dot of many axes": (np.dot, [((2, 4, 3), (5, 3, 2)), ((2, 4, 3), (3,)), ((3,), (2, 3, 2))]),
    **{
        f"{f.__name__} of all pairs": (
            f.outer,
            [(ROWS, (2,)), ((), ROWS), (ROWS, ()), ((0,), (2,))],
        )
        for f in (np.add, np.subtract, np.multiply, np.divide, np.maximum)
    },
    "with numbers": (lambda a: np.add.outer(a, 2.0) * np.multiply.outer([1, 2, 3], a), [((3,),)]),
    "polyval": (np.polyval, [((3,), ROWS), ((1,), ()), ((0,), (2,)), ((2, 3), (3,))]),
    "polyval of a list": (lambda x: np.polyval([x[0], 2, x[1] * x[0]], x), [((3,),)]),
    "vander": (np.vander, [((3,),), ((1,),), ((0,),)]),
    **{
        f"vander of {n} and {increasing}": (
            lambda x, n=n, increasing=increasing: np.vander(x, n, increasing),
            [((3,),)],
        )
        for n, increasing in itertools.product((0, 1, 2, 4), (False, True))
    },
}
LENGTHS = [((n,), (k,)) for n, k in ((5, 3), (5, 2), (2, 5), (3, 5), (3, 3), (1, 3), (4, 1))]
CONVOLUTIONS = {
    f"{f.__name__}, {mode}": (lambda a, v, f=f, mode=mode: f(a, v, mode), LENGTHS)
    for f in (np.convolve, np.correlate)
    for mode in (*MODES, 0, 1, 2)
} | {
    "convolve as it is": (np.convolve, [*LENGTHS, ((), (3,)), ((), ())]),
    "correlate as it is": (np.correlate, LENGTHS),
}
CASES = [
    pytest.param(f, shapes, id=f"{name} {shapes}")
    for name, (f, every) in (EINSUMS | PRODUCTS | CONVOLUTIONS).items()
    for shapes in every
]


@pytest.mark.parametrize("dtype", [float, np.float32])
@pytest.mark.parametrize(("f", "shapes"), CASES)
def test_values_are_numpys(f, shapes, dtype):
    arrays = [normal(*shape, seed=k).astype(dtype) for k, shape in enumerate(shapes)]
    expected = np.asarray(f(*arrays))
    y = f(*[ag.Tensor(a, requires_grad=True) for a in arrays])
    assert (y.shape, y.dtype) == (expected.shape, expected.dtype)
    few = 1e2 * np.finfo(dtype).eps
    np.testing.assert_allclose(y.data, expected, rtol=few, atol=few)
    np.testing.assert_array_equal(ag.compile(f)(*arrays), y.data)
    for k in range(len(arrays)):  # one Tensor among arrays
        mixed = [ag.Tensor(a) if k == i else a for i, a in enumerate(arrays)]
        np.testing.assert_array_equal(f(*mixed).data, y.data)


@pytest.mark.parametrize(("f", "shapes"), CASES)
def test_gradients(f, shapes):
    arrays = [normal(*shape, seed=k) for k, shape in enumerate(shapes)]
    J = scalar(f, arrays)
    ag.check_gradients(J, *arrays, order=2)
    every = tuple(range(len(arrays)))
    compiled = ag.compile(ag.grad(J, every))(*arrays)
    for g, expected in zip(compiled, ag.grad(J, every)(*arrays), strict=True):
        np.testing.assert_allclose(g, expected, rtol=1e-13, atol=1e-14)


def test_every_function_of_the_family_is_here():
    ours = {f for f, handler in HANDLERS.items() if handler.__module__ == contractions.__name__}
    tried = set()

    class Noted(np.ndarray):
        def __array_function__(self, function, types, args, kwargs):
            tried.add(function)
            return super().__array_function__(function, types, args, kwargs)

        def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
            tried.add(ufunc)
            inputs = [x.view(np.ndarray) if isinstance(x, Noted) else x for x in inputs]
            return getattr(ufunc, method)(*inputs, **kwargs)

    for f, every in PRODUCTS.values():
        f(*[normal(*shape).view(Noted) for shape in every[0]])
    for f in (np.convolve, np.correlate, np.polyadd, np.polysub):
        f(normal(3).view(Noted), normal(2))
    for f in (np.polyder, np.polyint):
        f(normal(3).view(Noted))
    assert ours - tried == set()


def test_products_of_truth_values_and_integers_are_numpys():
    a, b = np.array([[1, 2], [3, 4]]), np.array([True, False])
    for f in (np.inner, np.outer, np.kron, np.matvec, np.vecdot, np.multiply.outer):
        for x, y in ((a, b), (b, b), (a, a)):
            if f is not np.matvec or x is a:
                made, expected = f(ag.Tensor(x), ag.Tensor(y)), f(x, y)
                np.testing.assert_array_equal(made.data, expected)
                assert made.dtype == expected.dtype


x = ag.Tensor(np.ones((2, 3)), requires_grad=True, name="x")
v = ag.Tensor(np.ones(3), requires_grad=True, name="v")


@pytest.mark.parametrize(
    ("f", "error", "said"),
    [
        (lambda: np.einsum("ij->j", x, out=np.ones(3)), TypeError, "not take out=: write y = np"),
        (lambda: np.einsum("ij->j", x, dtype=float), TypeError, "not take dtype=: write .astype"),
        (lambda: np.einsum("ij->j", x, order="F"), TypeError, "does not take order="),
        (lambda: np.einsum("ij,jk", x), ValueError, "'ij,jk' is for 2 operands, not 1"),
        (lambda: np.einsum("ijk", x), ValueError, "'ijk' does not name the axes of x (2, 3)"),
        (lambda: np.einsum("i", x), ValueError, "'i' does not name the axes of x (2, 3)"),
        (lambda: np.einsum("...ijk", x), ValueError, "does not name the axes of x (2, 3)"),
        (lambda: np.einsum("...i->i", x), ValueError, "the output of '...i->i' needs a '...'"),
        (lambda: np.einsum("ii", x), ValueError, "the axes 'i' of x (2, 3) differ in length"),
        (lambda: np.einsum("ij->k", x), ValueError, "'k' which never appeared"),
        (lambda: np.einsum("ij->ii", x), ValueError, "output subscript 'i' multiple times"),
        (lambda: np.einsum("ij,kj", x, np.ones((2, 4))), ValueError, "could not be broadcast"),
        (lambda: np.einsum(x, [0, -1]), TypeError, "a list of integers below 52"),
        (lambda: np.einsum(x, "ij"), TypeError, "a list of integers below 52"),
        (lambda: np.einsum(x, 0), TypeError, "a list of integers below 52"),
        (lambda: np.tensordot(x, x, 1), ValueError, "x (2, 3) and x (2, 3) along axes (1,)"),
        (lambda: np.tensordot(x, x, 3), ValueError, "axis"),
        (lambda: np.inner(x, np.ones(2)), ValueError, "their lengths differ"),
        (lambda: np.outer(x, x, out=np.ones((6, 6))), TypeError, "does not take these: out"),
        (lambda: np.vecdot(v, np.ones(2)), ValueError, "3 ≠ 2"),
        (lambda: np.vecdot(v, 2.0), ValueError, "np.vecdot of (): it needs 1 or more axes"),
        (lambda: np.matvec(v, v), ValueError, "np.matvec of v (3,): it needs 2 or more axes"),
        (lambda: np.vecdot(v, v, keepdims=True), TypeError, "does not take these: keepdims"),
        (lambda: np.matvec(x, v, out=np.ones(2)), TypeError, "write `c = np.matvec(...)`"),
        (lambda: np.add.outer(v, v, dtype=float), TypeError, "np.add.outer"),
        (lambda: np.cross(x[:, :2], x), ValueError, "(Of two: a[0] * b[1] - a[1] * b[0])"),
        (lambda: np.convolve(x, v), ValueError, "np.convolve of x (2, 3): it needs one axis"),
        (lambda: np.correlate(v, v[:0]), ValueError, "it needs one axis, and an entry in it"),
        (lambda: np.convolve(v, v, "all"), ValueError, "'valid', 'same' or 'full', not 'all'"),
        (lambda: np.polyval(v, np.poly1d([1, 2])), TypeError, "takes no polynomial for x"),
        (lambda: np.vander(x), ValueError, "np.vander of x (2, 3): it needs one axis"),
    ],
)
def test_what_does_not_fit_is_said(f, error, said):
    with pytest.raises(error) as caught:
        f()
    assert said in str(caught.value)
