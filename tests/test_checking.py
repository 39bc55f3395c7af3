"""check_gradients: right functions pass, and every kind of wrong rule is caught and located."""

from __future__ import annotations

import numpy as np
import pytest
from builders import normal

import autograd_lite as ag
from autograd_lite.diagnosis.checking import ENTRIES, Slope


def tanh_with(rule):
    @ag.differentiable(rule)
    def tanh(x):
        return np.tanh(x)

    return tanh


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (np.tanh, (normal(3, 4),)),
        (lambda x, y: np.exp(x) / y, (normal(3, seed=1), np.array([2.0, -1.0, 0.5]))),
        (lambda p: p["W"] @ p["b"][0], ({"W": normal(2, 3, seed=2), "b": [np.ones(3)]},)),
        (lambda x: np.sum(np.where(x > 0.1, x**3, -x)), (normal(20, seed=3),)),
        (lambda x: np.log(x) * 1e8, (np.array([1e-3, 1.0, 1e3]),)),
        (lambda x: 1e-9 * np.sin(x), (np.array([1.0, 2.0]),)),
        (lambda x: np.sum(x * 0.0), (np.ones(3),)),
        (ag.softmax, (normal(2, 5, seed=4) * 5,)),
        (np.sqrt, (np.array([1e-4, 1.0]),)),
        (lambda w: ag.grad(lambda x: np.sum(np.tanh(w * x)))(0.3), (normal(3, seed=5),)),
        (lambda w: ag.hessian(lambda x: np.sum(np.sin(w * x)))(np.ones(3)), (normal(3, seed=6),)),
    ],
)
def test_right_functions_pass_at_three_orders(f, args):
    report = ag.check_gradients(f, *args, order=3)
    assert report.ok
    assert {slope.cause for _, slope in report.slopes} <= {"agrees", "rounding"}
    assert len(report.slopes) == 6
    assert repr(report) == str(report), "a notebook and a prompt show its lines"


@pytest.mark.parametrize("scale", [1e-3, 1, 5, 20, 1000])
@pytest.mark.parametrize("seed", range(5))
def test_a_float32_tanh_is_never_called_wrong(scale, seed):
    x = (np.random.default_rng(seed).normal(size=(4, 5)) * scale).astype(np.float32)
    assert ag.check_gradients(np.tanh, x).ok
    assert ag.check_gradients(lambda x: np.tanh(x.astype(np.float32)), x).ok
    assert ag.check_gradients(lambda x: np.tanh(x.astype(np.float32)).astype(float), x).ok


def test_a_kink_is_no_wrong_formula_and_is_noted():
    for f in (ag.relu, np.abs, lambda x: np.maximum(x, 0.0), lambda x: np.clip(x, 0.0, 5.0)):
        report = ag.check_gradients(f, np.array([0.0, 1.0, -1.0]))
        assert report.ok
        assert report.kinks
        assert "a kink: there is no derivative right here" in str(report)
    wrong_at_the_kink = ag.differentiable(lambda g, y, x: g * (x > 0) + 5 * g * (x == 0))(
        lambda x: np.maximum(x, 0)
    )
    with pytest.raises(ag.GradientError):
        ag.check_gradients(wrong_at_the_kink, np.array([0.0, 1.0]))


@pytest.mark.parametrize(
    "rule",
    [
        lambda g, y, x: 1.001 * g * (1 - y * y),
        lambda g, y, x: -g * (1 - y * y),
        lambda g, y, x: g * (1 - y),
        lambda g, y, x: g,
        lambda g, y, x: g * (1 - np.tanh(y) ** 2),
        lambda g, y, x: 0 * x + np.sum(g * (1 - y * y)),
        lambda g, y, x: g * (1 - y * y) * float("nan"),
    ],
    ids=["0.1 % off", "sign", "wrong formula", "dropped", "at the value", "summed", "nan"],
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_wrong_rule_is_caught_at_its_worst_entry(rule, dtype, rng):
    x = rng.normal(size=(2, 3)).astype(dtype)
    with pytest.raises(ag.GradientError) as caught:
        ag.check_gradients(lambda x: np.sum(tanh_with(rule)(x)), x)
    report = caught.value.report
    assert not report.ok
    order, argument, index, slope = report.worst
    assert (order, argument) == (1, "argument 0")
    assert slope.cause == "wrong formula"
    np.testing.assert_allclose(slope.numeric, 1 - np.tanh(float(x[index])) ** 2, rtol=1e-7)
    assert f"worst entry: order 1, argument 0{list(index)}" in str(report)
    assert len(slope.sweep) == 8


def test_a_jump_of_the_gradient_is_a_kink():
    """Also where it shows at small steps only, beside a slope that is steep."""

    def f(x):
        return np.sum(30 * x**3 + np.maximum(x, 0.2) ** 2)

    report = ag.check_gradients(f, np.array([0.2, 0.7]), order=2)
    assert report.ok
    assert {slope.cause for k, slope in report.slopes if k == 2} == {"kink"}


def test_an_error_at_second_order_only_is_caught():
    def derivative(factor):
        @ag.differentiable(lambda g, y, x: g * (-2 * factor * np.tanh(x) * y))
        def slope(x):
            return 1 - np.tanh(x) ** 2

        return slope

    x = np.array([0.3, -0.7])
    right, wrong = derivative(1.0), derivative(1.001)
    assert ag.check_gradients(tanh_with(lambda g, y, x: g * right(x)), x).ok
    bad = tanh_with(lambda g, y, x: g * wrong(x))
    assert ag.check_gradients(bad, x, order=1).ok
    with pytest.raises(ag.GradientError) as caught:
        ag.check_gradients(bad, x)
    assert caught.value.report.worst[0] == 2


def test_every_entry_of_a_value_counts_with_a_weight_of_its_own():
    mixed = ag.differentiable(lambda g, y, x: np.mean(g) + 0 * g)(lambda x: 1.0 * x)
    assert ag.check_gradients(lambda x: np.sum(mixed(x)), np.ones(3)).ok  # as it happens
    with pytest.raises(ag.GradientError):
        ag.check_gradients(mixed, np.ones(3))
    half_square = ag.differentiable(lambda g, y, x: g * mixed(x))(lambda x: x * x / 2)
    assert ag.check_gradients(half_square, np.ones(3), order=1).ok
    with pytest.raises(ag.GradientError):
        ag.check_gradients(lambda x: np.sum(half_square(x)), np.ones(3), order=2)


def test_the_argument_is_named_and_large_ones_are_searched(rng):
    @ag.differentiable(lambda g, y, x, place: g * 1.0, None)
    def wrong_in_one_place(x, place):
        y = x.copy()
        y[12, 34] *= 3
        return y

    x = {"W": [rng.normal(size=(60, 50))]}
    with pytest.raises(ag.GradientError) as caught:
        ag.check_gradients(lambda b, p: wrong_in_one_place(p["W"][0], 0.0) + b, 1.0, x)
    _, argument, index, slope = caught.value.report.worst
    assert (argument, index) == ("argument 1['W'][0]", (12, 34))
    assert slope.tape / slope.numeric == pytest.approx(1 / 3)


def test_findings_say_what_the_mistake_looks_like(rng):
    def product_with(rule):
        return ag.differentiable(rule, lambda g, y, a, b: a.mT @ g)(lambda a, b: a @ b)

    square, b = rng.normal(size=(3, 3)), rng.normal(size=(3, 3))
    for rule, kind in (
        (lambda g, y, a, b: (g @ b.mT).mT, "transposed"),
        (lambda g, y, a, b: -(g @ b.mT), "sign"),
        (lambda g, y, a, b: 2 * (g @ b.mT), "factor-two"),
    ):
        with pytest.raises(ag.GradientError) as caught:
            ag.check_gradients(product_with(rule), square, b)
        assert kind in [finding.kind for finding in caught.value.report.findings]
        assert f"looks like {kind}" in str(caught.value)


@pytest.mark.parametrize(("more", "found"), [(0, ["sign"]), (1, [])])
def test_findings_need_every_entry(more, found):
    wrong = ag.differentiable(lambda g, y, x: -g)(lambda x: 1.0 * x)
    with pytest.raises(ag.GradientError) as caught:
        ag.check_gradients(wrong, normal(ENTRIES + more))
    assert [finding.kind for finding in caught.value.report.findings] == found


def test_what_cannot_be_checked_is_said():
    with pytest.raises(TypeError, match="returned ndarray, not a Tensor: its gradient is cut"):
        ag.check_gradients(lambda x: np.tanh(x.data), np.ones(2))
    with pytest.raises(TypeError, match="an argument of int64 cannot be differentiated"):
        ag.check_gradients(np.tanh, np.arange(2))
    noise = np.random.default_rng(0)
    with pytest.raises(ValueError, match="another value each time: fix its randomness"):
        ag.check_gradients(lambda x: x * noise.normal(), np.ones(2))


def test_the_arguments_are_left_alone(rng):
    x = rng.normal(size=5)
    before = x.copy()
    ag.check_gradients(np.tanh, x)
    np.testing.assert_array_equal(x, before)
    assert x.flags.writeable


@pytest.mark.parametrize(
    ("f", "x", "message"),
    [
        (np.tanh, np.nan, "the function is nan"),
        (np.log, -1.0, "the function is nan"),
        (np.exp, 1000.0, "the function is inf"),
        (np.sqrt, 0.0, "its derivative of order 1 is inf"),
    ],
)
def test_what_is_not_finite_is_not_called_right(f, x, message):
    for argument in (np.array([x, 1.0]), x):
        with pytest.raises(ValueError, match=f"{message} at these arguments: nothing can be"):
            ag.check_gradients(f, argument, order=1)


@pytest.mark.parametrize("order", [0, -1, "2", 1.5])
def test_an_order_below_one_checks_nothing(order):
    with pytest.raises(ValueError, match="order=.*: it must be a whole number, 1 or more"):
        ag.check_gradients(np.tanh, 0.5, order=order)


def test_the_scale_of_a_slope_is_the_size_of_what_is_added_up():
    for order, slope in ag.check_gradients(lambda x: 5 * x * x, 3.0, order=1).slopes:
        assert order == 1
        assert slope.scale == pytest.approx(abs(slope.tape), rel=1e-12)


# On both sides of every threshold


def slope(error=0.0, doubt=0.0, left=1.0, right=1.0, noise=0.0, scale=1.0, ratio=1.0):
    """A tape off by `error` from a numeric slope of 1; the sweep grows by `ratio` at each step."""
    sweep = [(10.0**-k, ratio**k) for k in range(1, 9)]
    return Slope(1.0 + error, 1.0, doubt, left, right, noise, scale, sweep)


@pytest.mark.parametrize(
    ("how", "cause"),
    [
        ({"error": 0.9e-7}, "agrees"),
        ({"error": -0.9e-7}, "agrees"),
        ({"error": 1.1e-7}, "wrong formula"),
        ({"error": 0.9e-6, "scale": 10}, "agrees"),  # of what is added up, not of the sum
        ({"error": 1.1e-6, "scale": 10}, "wrong formula"),
        ({"error": 1.1e-7, "doubt": 1e-8}, "rounding"),
        ({"error": 0.9e-5, "doubt": 1e-6}, "rounding"),
        ({"error": 1.2e-5, "doubt": 1e-6}, "wrong formula"),
        ({"error": 1e-3, "doubt": 0.0099}, "rounding"),
        ({"error": 1e-3, "doubt": 0.0101}, "undecided"),
        ({"error": 1e-3, "doubt": 0.099, "scale": 10}, "rounding"),
        ({"error": 1e-3, "doubt": 0.101, "scale": 10}, "undecided"),
        ({"error": -0.3, "left": 0.5, "right": 1.2}, "kink"),
        ({"error": -0.3, "left": 1.2, "right": 0.5}, "kink"),
        ({"error": -0.3, "left": 0.5, "right": 1.2, "noise": 0.06}, "kink"),
        ({"error": -0.3, "left": 0.5, "right": 1.2, "noise": 0.08}, "wrong formula"),
        ({"error": -0.005, "left": 0.9895, "right": 1.0}, "kink"),
        ({"error": -0.005, "left": 0.9905, "right": 1.0}, "wrong formula"),
        ({"error": -0.25, "left": 0.5, "right": 1.0, "noise": 0.05}, "wrong formula"),
        ({"error": 2**-9, "doubt": (2**-9 - 1e-7) / 10}, "rounding"),
        ({"error": -0.3, "left": 0.8, "right": 1.2}, "wrong formula"),  # outside the two slopes
        ({"error": 0.3, "left": 0.8, "right": 1.2}, "wrong formula"),
        ({"error": 0.3, "ratio": 8.1}, "kink"),
        ({"error": 0.3, "ratio": 12.4}, "kink"),
        ({"error": 0.3, "ratio": 7.9}, "wrong formula"),
        ({"error": 0.3, "ratio": 12.6}, "wrong formula"),
        ({"error": np.nan}, "wrong formula"),
        ({"error": np.inf}, "wrong formula"),
    ],
)
def test_the_cause_of_a_difference(how, cause):
    assert slope(**how).cause == cause


def test_where_rounding_drowns_the_slope_nothing_is_decided():
    x = np.array([0.3, -0.7])
    report = ag.check_gradients(lambda x: np.sum(x) + 1e16, x, order=1)
    assert {s.cause for _, s in report.slopes} == {"undecided"}
    assert report.ok
    assert "order 1: undecided" in str(report)
    unknown = Slope(np.nan, np.nan, np.inf, 0.0, 0.0, 0.0, 1.0, [(0.1, 1.0)])
    assert unknown.cause == "undecided"


def test_a_slope_that_rounding_blurs_is_called_rounding():
    x = np.array([0.3, -0.7])
    report = ag.check_gradients(lambda x: np.sum(np.tanh(x)) + 1e7, x, order=1)
    assert {s.cause for _, s in report.slopes} <= {"rounding", "agrees"}
    wrong = tanh_with(lambda g, y, x: g * (1.01 - y * y))
    with pytest.raises(ag.GradientError):
        ag.check_gradients(lambda x: np.sum(wrong(x)) + 1e7, x, order=1)
