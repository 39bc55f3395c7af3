"""What a Tensor does where no rule is called: every attribute of arrays, every refusal by name."""

from __future__ import annotations

import re

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.functions.unusual import _REFUSED

X = np.array([[0.3, -1.2, 2.0], [0.8, 0.3, -0.4]])


def tensor():
    return ag.Tensor(X, requires_grad=True, name="t")


# Every public attribute of arrays. What works gives what NumPy gives, by these calls:
_VALUES = "T mT dtype itemsize nbytes ndim shape size device real imag"
_METHODS = """all any argmax argmin argsort conj conjugate copy cumprod cumsum diagonal flatten max
    mean min nonzero prod ravel round squeeze std sum trace transpose var"""
WORKS = {
    **dict.fromkeys(_VALUES.split(), None),
    **dict.fromkeys(_METHODS.split(), ()),
    "argpartition": (1,),
    "astype": (np.float32,),
    "choose": ([0.5, 1.5],),  # of whole numbers
    "clip": (-0.5, 0.5),
    "compress": ([True, False],),
    "dot": (X.T,),
    "repeat": (2,),
    "reshape": (3, 2),
    "searchsorted": (0.5,),  # of a vector
    "swapaxes": (0, 1),
    "take": ([0, 2],),
}
# What is refused, and what stands in the error.
_OF_MEMORY = "base byteswap ctypes flags getfield setfield setflags strides to_device view"
REFUSED = {
    **dict.fromkeys(["fill", "partition", "put", "resize", "sort"], "writes in place, .*: write "),
    **dict.fromkeys(["dump", "dumps", "tobytes", "tofile", "tolist"], r"write t\.data\.\w+\(\)"),
    **dict.fromkeys(_OF_MEMORY.split(), r"lies in memory, .*: write t\.data\."),
}
OTHERWISE = {"data", "flat", "item"}  # tested below
GONE = {"itemset", "newbyteorder", "ptp", "tostring"}  # from later versions of NumPy
PUBLIC = [name for name in dir(np.ndarray) if not name.startswith("_") and name not in GONE]


def test_the_tables_have_every_attribute():
    assert {*WORKS, *REFUSED, *OTHERWISE} >= set(PUBLIC)
    assert not WORKS.keys() & REFUSED.keys()


@pytest.mark.parametrize("name", [name for name in PUBLIC if name in WORKS])
def test_an_attribute_works_as_numpys(name):
    x = {"choose": np.array([1, 0]), "searchsorted": np.array([0.1, 0.7])}.get(name, X)
    t = ag.Tensor(x, requires_grad=x.dtype.kind == "f")
    ours, right = getattr(t, name), getattr(x, name)
    if WORKS[name] is not None:
        ours, right = ours(*WORKS[name]), right(*WORKS[name])
    several = isinstance(ours, tuple) and isinstance(ours[0], ag.Tensor)
    for y, z in zip(ours, right, strict=True) if several else [(ours, right)]:
        np.testing.assert_array_equal(y.data if isinstance(y, ag.Tensor) else y, z)
        assert getattr(y, "dtype", None) == getattr(z, "dtype", None)


@pytest.mark.parametrize("name", [name for name in PUBLIC if name in REFUSED])
def test_an_attribute_is_refused_and_says_what_to_do(name):
    with pytest.raises(AttributeError, match=rf"the array method \.{name} .*{REFUSED[name]}"):
        getattr(tensor(), name)
    assert not hasattr(tensor(), name)


def test_attributes_that_do_their_own():
    t = tensor()
    assert isinstance(t.data, np.ndarray)
    assert [x.item() for x in t.flat] == X.ravel().tolist()
    np.testing.assert_array_equal(ag.grad(lambda x: sum(x.flat))(X), np.ones((2, 3)))
    assert t[0, 0].item() == X[0, 0]
    with pytest.raises(ag.TracingError, match="tolist"):
        ag.compile(lambda x: np.sum(x) * len(x.tolist()))(X)


# Every operator of arrays: it works, or Python says that there is none.
def test_every_operator():
    t, whole = tensor(), ag.Tensor([1, 2])
    for name in ("__add__", "__mod__", "__floordiv__", "__divmod__", "__pow__", "__lt__"):
        ours, right = getattr(t, name)(2.0), getattr(X, name)(2.0)
        for y, z in zip(ours, right, strict=True) if name == "__divmod__" else [(ours, right)]:
            np.testing.assert_array_equal(y.data, z)
    assert (0.3 in t, 5.0 in t) == (True, False)
    for f in (lambda: whole << 1, lambda: range(whole[0])):
        with pytest.raises(TypeError):
            f()


# Functions that are refused, each by its name.
CALLS = {
    "histogram2d": lambda t: np.histogram2d(t[0], t[1]),
    "histogramdd": lambda t: np.histogramdd(t),
    **dict.fromkeys(
        ("intersect1d", "setdiff1d", "setxor1d", "union1d", "polymul", "polydiv"),
        lambda t, f: f(t[0], t[1]),
    ),
    "polyfit": lambda t: np.polyfit([0.0, 1.0, 2.0], t[0], 1),
}


@pytest.mark.parametrize("name", [name for name in _REFUSED if hasattr(np, name)])
def test_a_function_is_refused_by_name(name):
    f = getattr(np, name)
    call = CALLS.get(name, lambda t, f=f: f(t))
    arguments = (tensor(), f) if call.__code__.co_argcount == 2 else (tensor(),)
    with pytest.raises(TypeError, match=rf"np\.{name} of a Tensor " + re.escape(_REFUSED[name])):
        call(*arguments)


def test_what_the_refusals_say_to_write():
    t, x = tensor(), X[0]
    one, other = t[0], t[1]
    places = np.unique(X[1], return_index=True)[1]
    np.testing.assert_array_equal(other[places].data, np.unique(X[1]))
    np.testing.assert_array_equal(one[np.isin(one, other)].data, np.intersect1d(*X))
    np.testing.assert_allclose(np.convolve(one, other).data, np.polymul(*X))
    line = np.linalg.lstsq(np.vander(x, 2), other)[0]
    np.testing.assert_allclose(line.data, np.polyfit(x, X[1], 1))
    ag.check_gradients(lambda x, y: np.linalg.lstsq(np.vander(x, 2), y)[0], *X)
    p = np.array([1.0])
    for k in range(3):
        p = np.convolve(p, np.stack([1.0, -one[k]]))
    np.testing.assert_allclose(p.data, np.poly(x))
    edges = np.array([-2.0, 0.0, 1.0, 3.0])
    counts = np.bincount(np.digitize(x, edges), np.ones(3), len(edges))[1:]
    np.testing.assert_array_equal(counts, np.histogram(x, edges)[0])


# What makes an array of a Tensor is named, also where it is written in Python.
MAKES_AN_ARRAY = {
    "np.array([s, s])": ("np.array", "np.stack"),
    "np.asarray(t)": ("np.asarray", "the Tensor itself"),
    "np.ascontiguousarray(t)": ("np.ascontiguousarray", "the Tensor itself"),
    "np.require(t)": ("np.require", "the Tensor itself"),
    "np.asarray_chkfinite(t)": ("np.asarray_chkfinite", "the Tensor itself"),
    "np.arange(s)": ("np.arange", "step * np.arange(n)"),
    "np.full(3, s)": ("np.full", "np.broadcast_to(t, shape)"),
    "np.kaiser(4, s)": ("np.kaiser", "np.i0(beta"),
    "np.lib.stride_tricks.as_strided(t, (1, 1), (8, 8))": ("as_strided", "sliding_window_view(t"),
    "np.r_[t, t]": ("np.r_", "np.concatenate"),
    "np.c_[t, t]": ("np.c_", "np.column_stack"),
    "np.random.default_rng(0).normal(t)": ("", "np.stack"),
    "(lambda: np.full(3, s))()": ("np.full", "np.broadcast_to(t, shape)"),
}


@pytest.mark.parametrize("text", MAKES_AN_ARRAY)
def test_what_makes_an_array_of_a_tensor_is_named(text):
    name, instead = MAKES_AN_ARRAY[text]
    told = rf"{re.escape(name)}.*a Tensor is not an array.*{re.escape(instead)}"
    scope = {"np": np, "t": tensor(), "s": ag.Tensor(0.5, requires_grad=True)}
    with pytest.raises(TypeError, match=told):
        eval(text, scope)


def test_a_list_of_tensors_is_an_operand():
    def f(x):
        a, b = x[0, 0], x[1, 1]
        return np.append([a, 2.0], x) * [1.0, b, *x.ravel()] + np.outer(x[0, :2], [[a], [b]]).sum()

    x = ag.Tensor(X)
    right = np.append([X[0, 0], 2.0], X) * [1.0, X[1, 1], *X.ravel()]
    right = right + np.outer(X[0, :2], [X[0, 0], X[1, 1]]).sum()
    np.testing.assert_allclose(f(x).data, right)
    ag.check_gradients(f, X, order=2)


# Running extremes and sums of slices


@pytest.mark.parametrize("op", [np.maximum, np.minimum])
def test_running_extremes_at_ties_and_nan(op):
    x = np.array([1.0, 1.0, 0.0, np.nan, 2.0])
    np.testing.assert_array_equal(op.accumulate(ag.Tensor(x)).data, op.accumulate(x))
    g = ag.grad(lambda x: np.sum(op.accumulate(x) * [1.0, 10.0, 100.0]))(np.ones(3))
    np.testing.assert_array_equal(g, [1.0, 10.0, 100.0])  # each to the last of those that tie


@pytest.mark.parametrize("indices", [[0], [1, 2], [2, 0, 1], [0, 0, 2], np.array([1, 1])])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_reduceat_is_numpys(indices, axis):
    x = np.random.default_rng(0).normal(size=(3, 4))
    ours = np.add.reduceat(ag.Tensor(x), indices, axis)
    np.testing.assert_allclose(ours.data, np.add.reduceat(x, indices, axis), rtol=1e-14)
    with pytest.raises(IndexError, match="out-of-bounds"):
        np.add.reduceat(ag.Tensor(x), [7])


@pytest.mark.parametrize("m", [0, 1, 3])
def test_polynomials_are_numpys(m):
    p, q = np.array([2.0, -1.0, 0.5]), np.array([0.3, 4.0])
    t = ag.Tensor(p)
    np.testing.assert_array_equal(np.polyadd(t, q).data, np.polyadd(p, q))
    np.testing.assert_array_equal(np.polysub(q, t).data, np.polysub(q, p))
    np.testing.assert_array_equal(np.polyder(t, m).data, np.polyder(p, m))
    np.testing.assert_allclose(np.polyint(t, m).data, np.polyint(p, m))
    np.testing.assert_allclose(np.polyint(t, 2, [1.0, 2.0]).data, np.polyint(p, 2, [1.0, 2.0]))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_signs_and_kinds_are_plain(dtype):
    x = np.array([1.5, -2.0, 0.0, -0.0, np.inf, -np.inf, np.nan], dtype)
    t = ag.Tensor(x, requires_grad=True)
    for f in (np.angle, np.isposinf, np.isneginf, np.isreal, np.iscomplex):
        y, right = f(t), f(x)
        np.testing.assert_array_equal(y.data, right)
        assert (y.dtype, y.requires_grad) == (right.dtype, False)
    np.testing.assert_array_equal(np.angle(t, deg=True).data, np.angle(x, deg=True))
    np.testing.assert_array_equal(np.isin(t, [1.5, 0.0]).data, np.isin(x, [1.5, 0.0]))
    assert (np.isrealobj(t), np.iscomplexobj(t), np.real_if_close(t) is t) == (True, False, True)


def test_a_plain_array_is_clipped_between_tensors():
    a, low, high = np.array([0.0, 1.0, 5.0]), ag.Tensor([0.5] * 3, requires_grad=True), 4.0
    y = a.clip(low, high)
    np.testing.assert_array_equal(y.data, [0.5, 1, 4])
    np.testing.assert_array_equal(ag.gradients(y.sum(), [low])[0], [1, 0, 0])
    with pytest.raises(TypeError, match="clip on a Tensor does not take these: out"):
        a.clip(low, high, out=a)
