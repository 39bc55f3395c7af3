"""Elementwise functions of NumPy: their values, options, operators, and where no derivative is."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from builders import normal

import autograd_lite as ag
from autograd_lite.functions import elementwise

INF, NAN = math.inf, math.nan
SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, 0.5, 2.75, -3.2, 1e-30, 1e30, INF, -INF, NAN])
ONE = (
    *("sinh", "cosh", "tan", "arcsin", "arccos", "arctan", "arcsinh", "arccosh"),
    *("arctanh", "log2", "log10", "exp2", "sinc", "degrees", "rad2deg", "radians"),
    *("deg2rad", "fabs", "reciprocal", "cbrt", "real", "imag", "conjugate", "conj"),
    *("i0", "spacing", "signbit", "around", "round", "fix", "positive", "absolute"),
)
TWO = (
    *("arctan2", "hypot", "logaddexp", "logaddexp2", "remainder", "mod", "fmod", "floor_divide"),
    *("fmax", "fmin", "copysign", "heaviside", "nextafter"),
)
SEVERAL = {"modf": 1, "frexp": 1, "divmod": 2}


def same(ours, right):
    """Equal values, dtypes, shapes and signs of zero."""
    assert type(ours) is ag.Tensor
    right = np.asarray(right)
    assert (ours.dtype, ours.shape) == (right.dtype, right.shape)
    np.testing.assert_array_equal(ours.data, right)
    if right.dtype.kind == "f":
        np.testing.assert_array_equal(np.signbit(ours.data), np.signbit(right))


@pytest.fixture(autouse=True)
def quiet():
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


DATA = [
    SPECIAL,
    SPECIAL.astype(np.float32),
    np.array(0.3),
    np.zeros((0, 2)),
    np.arange(-2, 4).reshape(2, 3),
    np.float32(1.5),
]


@pytest.mark.parametrize("x", DATA, ids=lambda x: f"{x.dtype}{x.shape}")
@pytest.mark.parametrize("name", ONE)
def test_values_of_one(name, x):
    function = getattr(np, name)
    same(function(ag.Tensor(x)), function(np.asarray(x)))
    if np.asarray(x).dtype.kind == "f":
        same(function(ag.Tensor(x, requires_grad=True)), function(np.asarray(x)))


@pytest.mark.parametrize("x", DATA, ids=lambda x: f"{x.dtype}{x.shape}")
@pytest.mark.parametrize("name", TWO)
def test_values_of_two(name, x):
    function, x = getattr(np, name), np.asarray(x)
    for other in (x, 2, -0.5, np.float32(0.75), np.asarray(x).T[..., None], x[None]):
        same(function(ag.Tensor(x), other), function(x, other))
        same(function(other, ag.Tensor(x)), function(other, x))
        if not isinstance(other, int | float):
            same(function(ag.Tensor(x), ag.Tensor(other)), function(x, other))


@pytest.mark.parametrize("x", DATA, ids=lambda x: f"{x.dtype}{x.shape}")
@pytest.mark.parametrize("name", SEVERAL)
def test_values_of_several_results(name, x):
    function, x = getattr(np, name), np.asarray(x)
    others = ((), (2,), (x,))[1:] if SEVERAL[name] == 2 else ((),)
    for other in others:
        results = function(ag.Tensor(x), *other)
        assert type(results) is tuple
        for ours, right in zip(results, function(x, *other), strict=True):
            same(ours, right)


def test_operators():
    x, z = normal(2, 3), np.array([0.7, -1.3, 2.0])
    t, u = ag.Tensor(x, requires_grad=True), ag.Tensor(z)
    for ours, right in [
        (t % u, x % z),
        (t % 2, x % 2),
        (5 % t, 5 % x),
        (z % t, z % x),
        (t // u, x // z),
        (2 // t, 2 // x),
        (divmod(t, u)[0], divmod(x, z)[0]),
        (divmod(2, t)[1], divmod(2, x)[1]),
        (round(t), np.round(x)),
        (round(t, 2), np.round(x, 2)),
        (np.round(t, decimals=1, out=None), np.round(x, 1)),
    ]:
        same(ours, right)
    t = t * 1
    t %= 1
    same(t, x % 1)
    with pytest.raises(TypeError, match="unsupported operand"):
        t % "a"


def test_a_leaf_is_changed_in_place_without_a_tape_only():
    W = ag.Tensor([2.5, -1.0], requires_grad=True)
    leaf = W
    with pytest.raises(ValueError, match="%= ... would replace a leaf"):
        W %= 2
    with ag.no_grad():
        W %= 2
        W //= 0.5
    assert W is leaf
    np.testing.assert_array_equal(W.data, [1.0, 2.0])


# Where there is no derivative


def slopes(f, *values):
    """The derivative for each number, and each second one in its own direction."""
    first = ag.grad(f, tuple(range(len(values))))(*map(np.array, values))
    second = [ag.hvp(f, k)(*map(np.array, values), np.array(1.0)) for k in range(len(values))]
    return [float(g) for g in first], [float(h) for h in second]


@pytest.mark.parametrize(
    ("f", "values", "first", "second"),
    [
        (np.absolute, [0.0], [0], [0]),
        (np.fabs, [0.0], [0], [0]),
        (np.hypot, [0.0, 0.0], [0, 0], [0, 0]),
        (np.hypot, [3e200, 4e200], [0.6, 0.8], None),
        (np.arctan2, [0.0, 0.0], [0, 0], [0, 0]),
        (np.arctan2, [1e-200, 1e-200], [5e199, -5e199], None),
        (np.fmax, [1.0, 1.0], [0.5, 0.5], [0, 0]),
        (np.fmin, [1.0, 1.0], [0.5, 0.5], [0, 0]),
        (np.fmax, [NAN, 1.0], [0, 1], [0, 0]),
        (np.fmin, [1.0, NAN], [1, 0], [0, 0]),
        (np.logaddexp, [-INF, -INF], [0.5, 0.5], [0, 0]),
        (np.logaddexp, [-INF, 1.0], [0, 1], [0, 0]),
        (np.logaddexp, [INF, 1.0], [1, 0], [0, 0]),
        (np.logaddexp, [1000.0, 1000.0], [0.5, 0.5], [0.25, 0.25]),
        (np.logaddexp2, [-INF, -INF], [0.5, 0.5], [0, 0]),
        (np.logaddexp2, [-INF, 1.0], [0, 1], [0, 0]),
        (np.copysign, [0.0, -1.0], [0, 0], [0, 0]),
        (np.copysign, [2.0, -0.0], [-1, 0], [0, 0]),
        (np.heaviside, [0.0, 0.5], [0, 1], [0, 0]),
        (np.heaviside, [2.0, 0.5], [0, 0], [0, 0]),
        (np.sinc, [0.0], [0], [-(math.pi**2) / 3]),
        (np.sinc, [1e-8], [-(math.pi**2) / 3 * 1e-8], [-(math.pi**2) / 3]),
        (np.sinc, [3.0], [-1 / 3], [2 / 9]),
        (np.i0, [0.0], [0], [0.5]),
        (np.i0, [1e-8], [0.5e-8], [0.5]),
        (np.float_power, [0.0, 2.0], [0, 0], [2, 0]),
        (np.float_power, [0.0, 1.0], [1, 0], [0, 0]),
        (np.arcsinh, [1e200], [1e-200], None),
        (np.arccosh, [1e200], [1e-200], None),
        (np.arcsin, [1.0], [INF], None),
        (np.arccosh, [1.0], [INF], None),
        (np.cbrt, [0.0], [INF], None),
        (lambda x: np.nan_to_num(x, nan=3.0), [NAN], [0], [0]),
        (lambda x: x * np.floor_divide(x, 2.0), [5.0], [2], [0]),
        (lambda x: x * np.round(x), [2.6], [3], [0]),
        (lambda x: np.real(x) * np.imag(x), [2.6], [0], [0]),
    ],
)
def test_derivatives_at_points_of_their_own(f, values, first, second):
    ours = slopes(lambda *x: f(*x) * 1.0, *values) if second is not None else None
    if ours is None:
        g = ag.grad(f, tuple(range(len(values))))(*map(np.array, values))
        ours = [float(x) for x in g], None
    np.testing.assert_allclose(ours[0], first, rtol=1e-14)
    if second is not None:
        np.testing.assert_allclose(ours[1], second, rtol=1e-14, atol=1e-300)


def test_no_warning_where_impossible_states_are_added_up():
    a = np.array([-INF, -INF, 0.0, -800.0])
    with np.errstate(all="raise", under="ignore"):
        g = ag.grad(lambda a, b: np.sum(np.exp(np.logaddexp(a, b))), (0, 1))(a, a[::-1].copy())
    np.testing.assert_array_equal(g[0], [0, 0, 1, 0])


@pytest.mark.parametrize("order", range(6))
def test_every_derivative_of_sinc_and_i0(order):
    special = pytest.importorskip("scipy.special")
    nodes, weights = special.roots_legendre(200)
    t = (nodes + 1) / 2
    x = np.concatenate([np.linspace(-9, 9, 400), [1e-9, 0.3, order / math.pi, 1e-3]])
    z = math.pi * x[:, None] * t
    right = (weights / 2 * (math.pi * t) ** order * np.cos(z + order * math.pi / 2)).sum(1)
    scale = math.pi**order / (order + 1)
    np.testing.assert_allclose(
        elementwise.sinc_slope(x, order=order), right, rtol=0, atol=1e-13 * scale
    )
    x = np.concatenate([x, [30.0, 250.0, -600.0, 700.0]])
    k = np.arange(order + 1)  # by I₀′ = I₁, Iₙ′ = (Iₙ₋₁ + Iₙ₊₁)/2
    right = (special.binom(order, k) * special.ive(np.abs(order - 2 * k), x[:, None])).sum(1)
    right = right / 2**order * np.exp(np.abs(x))
    np.testing.assert_allclose(elementwise.i0_slope(x, order=order), right, rtol=2e-12)


# Options


def test_dtype_and_options_without_effect():
    x = normal(2, 3)
    t = ag.Tensor(x, requires_grad=True)
    same(np.exp(t, dtype=np.float32), np.exp(x, dtype=np.float32))
    same(np.add(t, 1, dtype="float32"), np.add(x, 1, dtype="float32"))
    same(np.multiply(ag.Tensor([1, 2]), 3, dtype=float), np.multiply([1, 2], 3, dtype=float))
    same(np.exp(t, where=True, dtype=None, out=None, casting="same_kind"), np.exp(x))
    np.sum(np.exp(t, dtype=np.float32)).backward()
    np.testing.assert_allclose(t.grad, np.exp(x), rtol=1e-6)
    assert t.grad.dtype == float


t = ag.Tensor([1.5, 2.0], requires_grad=True)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: np.exp(t, out=np.zeros(2)), r"np.exp\(..., out=\) writes in place"),
        (lambda: np.divide(1, t, out=np.zeros(2), where=[True, False]), r"np.where\(mask, np.div"),
        (lambda: np.exp(t, where=[True, False]), r"where=: write np.where\(mask, np.exp"),
        (lambda: np.exp(t, casting="unsafe"), "does not take casting="),
        (lambda: np.add(t, 1, dtype=int), "does not take dtype=int"),
        (lambda: np.less(t, 1, dtype=float), "np.less on a Tensor does not take dtype=float64"),
        (lambda: np.modf(t, out=(np.zeros(2), np.zeros(2))), r"np.modf\(..., out=\)"),
        (lambda: np.round(t, 1, np.zeros(2)), "np.round on a Tensor takes no out=: it writes"),
        (lambda: np.fix(t, out=np.zeros(2)), "np.fix on a Tensor takes no out=: it writes"),
        (lambda: np.gcd(t, 2), "np.gcd has no rule"),
    ],
)
def test_refused_by_name(call, message):
    with pytest.raises(TypeError, match=message):
        call()
