"""ag.compile: the same numbers as eager, whatever is given; what it owns; what it refuses."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
import warnings
from collections import OrderedDict, namedtuple

import numpy as np
import pytest
from builders import network_and_samples, normal, scalar
from results import arrays_of, assert_own, assert_same
from samples import CASES

import autograd_lite as ag
import nn
from autograd_lite.compiler import compiling

pytestmark = pytest.mark.filterwarnings("error")
by_name = pytest.mark.parametrize(
    ("f", "arrays"), [pytest.param(f, arrays, id=name) for name, f, arrays in CASES]
)


def moved(arrays, seed):
    rng = np.random.default_rng(seed)
    return [np.asarray(a * np.exp(rng.normal(size=a.shape))) for a in arrays]


# The same numbers


@by_name
def test_value_and_gradients_are_those_of_eager_at_any_values(f, arrays):
    every = tuple(range(len(arrays)))
    eager = ag.value_and_grad(scalar(f, arrays), every)
    compiled = ag.compile(eager)
    for seed in range(3):
        at = moved(arrays, seed)
        before = [a.copy() for a in at]
        result = compiled(*at)
        assert_same(result, eager(*at))
        assert_own(result, *at)
        for a, b in zip(at, before, strict=True):
            np.testing.assert_array_equal(a, b)


@by_name
def test_the_operation_by_itself(f, arrays):
    compiled = ag.compile(lambda *args: f(*args))
    for seed in range(2):
        at = moved(arrays, seed)
        result = compiled(*at)
        assert_same(result, f(*[ag.Tensor(a) for a in at]))
        assert_own(result, *at)


@by_name
def test_second_order(f, arrays):
    J = scalar(f, arrays)
    eager = ag.grad(lambda x: np.sum(np.sin(ag.grad(lambda y: J(y, *arrays[1:]))(x))))
    compiled = ag.compile(eager)
    for seed in range(2):
        (x,) = moved(arrays[:1], seed)
        assert_same(compiled(x), eager(x))


@by_name
def test_float32_and_arrays_in_any_order_of_memory(f, arrays):
    eager = ag.value_and_grad(scalar(f, arrays), tuple(range(len(arrays))))
    compiled = ag.compile(eager)
    narrow = [a.astype(np.float32) for a in arrays]
    assert_same(compiled(*narrow), eager(*narrow))
    for layout in (np.asfortranarray, lambda a: np.repeat(a, 2, -1)[..., ::2] if a.ndim else a):
        at = [layout(a) for a in moved(arrays, 5)]
        result = compiled(*at)
        assert_own(result, *at)
        for a, b in zip(arrays_of(result), arrays_of(eager(*at)), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-300)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("m", [1, 5])
@pytest.mark.parametrize(
    ("activation", "output", "loss"),
    [
        ("tanh", "sigmoid", "binary_cross_entropy"),
        ("sigmoid", "sigmoid", "binary_cross_entropy_with_logits"),
        ("relu", "softmax", "cross_entropy"),
        ("softplus", "softmax", "cross_entropy_with_logits"),
        ("sin", "identity", "half_squared_error"),
    ],
)
def test_networks(activation, output, loss, m, dtype):
    net, P, X, Y = network_and_samples((3, 4, 2), m, (activation, output), dtype)
    cost = getattr(nn.losses, loss)

    def J(parameters, X, Y):
        f = net.forward(X, parameters)
        return cost(f.Z[2] if cost.takes_logits else f.A[2], Y)

    eager = ag.value_and_grad(J)
    compiled = ag.compile(eager)
    for scale in (1, 30, 1000):  # saturated, too
        at = {name: (scale * p).astype(dtype) for name, p in P.items()}
        result = compiled(at, X, Y)
        assert_same(result, eager(at, X, Y))
        assert list(result[1]) == list(P)
        assert_own(result, *at.values(), X, Y)


def test_a_hessian_and_a_product_with_it():
    f = lambda x: np.sum(np.tanh(x) ** 3) + np.prod(np.ones(2)) * np.sum(x[1:] * x[:-1])
    x, v = np.array([0.3, -0.8, 1.2]), np.array([1.0, 2.0, -1.0])
    assert_same(ag.compile(ag.hessian(f))(x), ag.hessian(f)(x))
    assert_same(ag.compile(ag.hvp(f))(x, v), ag.hvp(f)(x, v))
    assert_same(ag.compile(ag.jacobian(np.tanh))(x), ag.jacobian(np.tanh)(x))
    assert_same(
        ag.compile(lambda x, v: ag.jvp(np.tanh, (x,), (v,)))(x, v), ag.jvp(np.tanh, (x,), (v,))
    )


def test_masks_follow_the_values():
    f = lambda x: np.where(x > 0, x * x, -x) * (x < 2)
    compiled = ag.compile(f)
    for x in (np.array([1.0, -1.0, 3.0]), np.array([-1.0, 1.0, -3.0])):
        assert_same(compiled(x), f(ag.Tensor(x)))


def test_a_whole_training_step():
    net, P, X, Y = network_and_samples()

    def step(parameters, velocity, rate, X, Y):
        cost = lambda p: nn.losses.binary_cross_entropy(net.forward(X, p).A[2], Y)
        J, gradients = ag.value_and_grad(cost)(parameters)
        velocity = {k: 0.9 * velocity[k] + gradients[k] for k in gradients}
        return J, {k: parameters[k] - rate * velocity[k] for k in parameters}, velocity

    compiled = ag.compile(step)
    V = {k: np.zeros_like(p) for k, p in P.items()}
    ours, eager = (P, V), ({k: ag.Tensor(p) for k, p in P.items()}, V)
    for k in range(4):
        rate = 0.5 / (k + 1)  # a float is an argument: no new trace
        J, *ours = compiled(*ours, rate, X, Y)
        K, *eager = step(*eager, rate, ag.Tensor(X), ag.Tensor(Y))
        assert_same(J, K)
    assert_same(ours, eager)
    assert len(compiled.source.__self__.programs) == 1


UNARY = [
    *(np.tanh, np.exp, np.sin, np.abs, np.square, ag.sigmoid, ag.relu),
    *(lambda x: -x, lambda x: x.T, lambda x: x * 1 + 0, lambda x: x[::-1]),
    *(lambda x: x.reshape(-1).reshape(4, 4), lambda x: np.where(x > 0, x, 0.1 * x)),
    *(lambda x: np.sum(x, axis=0, keepdims=True) + x, lambda x: np.mean(x, 1, keepdims=True) * x),
    *(lambda x: ag.softmax(x, axis=0), lambda x: np.clip(x, -1, 1), lambda x: x[[0, 1, 1, 3]]),
    *(lambda x: np.max(x, axis=1, keepdims=True) - x, lambda x: np.concatenate([x[2:], x[:2]])),
]
BINARY = [
    *(np.add, np.subtract, np.multiply, np.maximum),
    *(lambda a, b: a @ b / 4, lambda a, b: a.T @ b / 4, lambda a, b: a / (1 + b * b)),
]


@pytest.mark.parametrize("seed", range(25))
def test_random_programs(seed):
    draw = np.random.default_rng(seed)
    plan, outputs = [], draw.integers(3, 20, size=3)
    for n in range(3, 20):
        some = UNARY if draw.random() < 0.5 else BINARY
        plan.append((some[draw.integers(len(some))], draw.integers(n, size=1 + (some is BINARY))))

    def program(x, y, z):
        v = [x, y, z]
        for f, at in plan:
            v.append(f(*(v[k] for k in at)))
        return [v[k] for k in outputs]

    def both(x, y, z):
        cost = lambda *args: sum(np.sum(np.sin(v)) for v in program(*args))
        return program(x, y, z), ag.value_and_grad(cost, (0, 1, 2))(x, y, z)

    with np.errstate(all="ignore"):
        for reuse in (False, True):
            compiled = ag.compile(both, reuse_outputs=reuse)
            for _ in range(2):
                at = [draw.normal(size=(4, 4)) for _ in range(3)]
                before = [a.copy() for a in at]
                ours, eager = compiled(*at), both(*[ag.Tensor(a) for a in at])
                for a, b in zip(arrays_of(ours), arrays_of(eager), strict=True):
                    np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-300)
                assert_same(at, before)
                if not reuse:
                    assert_own(ours, *at)


# What it is given and what it returns


def test_nested_containers_keep_their_kinds():
    Pair = namedtuple("Pair", "a b")

    def f(tree, *, scale):
        a, (b, c) = tree["a"], tree["rest"]
        return Pair([a + b, {"c": (c * scale,)}], None), 3, "text", a.shape, np.arange(2)

    compiled = ag.compile(f)
    tree = OrderedDict(a=np.ones(2), rest=(np.ones(2), np.float32(2)))
    result = compiled(tree, scale=3.0)
    assert type(result) is tuple
    assert type(result[0]) is Pair
    assert result[0].b is None
    assert result[1:4] == (3, "text", (2,))
    np.testing.assert_array_equal(result[0].a[0], [2, 2])
    assert result[0].a[1]["c"][0] == 6
    result[4][0] = 9
    assert compiled(tree, scale=3.0)[4][0] == 0
    assert_same(compiled(tree, scale=4.0), f(tree, scale=4.0))


def test_static_arguments_differ_by_value():
    compiled = ag.compile(lambda x, axis, name: np.sum(x, axis=axis) + len(name or ""))
    x = np.arange(6.0).reshape(2, 3)
    assert_same(compiled(x, 0, None), np.sum(x, 0))
    assert_same(compiled(x, 1, "ab"), np.sum(x, 1) + 2)
    assert_same(compiled(x, 0, None), np.sum(x, 0))
    assert len(compiled.source.__self__.programs) == 2


def test_any_name_will_do():
    def f(t, add, *, exp, named):
        return np.exp(exp) * t + add["dot"] - named

    compiled = ag.compile(f)
    x = np.ones(2)
    for _ in range(2):
        result = compiled(x, {"dot": x}, exp=x, named=2.0)
        assert_same(result, np.exp(x) * x + x - 2)
    np.testing.assert_array_equal(ag.compile(lambda x, k: x[k])(x, np.int64(1)), 1)
    assert compiled(x, {"dot": x}, named=1.0, exp=x).shape == (2,)
    with pytest.raises(TypeError, match="x: compiled code takes real numbers, not complex128"):
        ag.compile(lambda x: x)(np.ones(2) * 1j)


def test_a_float_keeps_to_the_precision_of_the_arrays():
    wide = np.array([1 / 3, 2.0])
    compiled = ag.compile(lambda x, rate: x * rate)
    assert compiled(np.float32([1, 2]), 0.1).dtype == np.float32
    assert_same(compiled(np.float32([1, 2]), 0.3), np.float32([1, 2]) * 0.3)
    assert_same(compiled(wide, 0.3), wide * 0.3)
    mixed = ag.compile(lambda x, rate: (x * rate, wide * rate))
    for rate in (0.1, 0.2, 0.1):
        narrow = np.float32([1, 2])
        assert_same(mixed(narrow, rate), (narrow * rate, wide * rate))
    narrowed = ag.compile(lambda x, rate: np.where(x > 0.5, x.astype(np.float32), rate))
    for rate in (0.1, 0.2):
        assert_same(narrowed(wide, rate), np.where(wide > 0.5, wide.astype(np.float32), rate))


def test_what_is_nearly_an_array():
    class Odd(np.ndarray):
        pass

    compiled = ag.compile(lambda x: x * 2.0)
    plain = np.array([1.0, 2.0])
    for x in (plain.view(Odd), plain.astype(">f8"), np.float64(3), plain[::-1]):
        assert_same(compiled(x), np.asarray(x, dtype=float) * 2)
    assert_same(compiled(np.array([1, 2])), np.array([2.0, 4.0]))


def test_results_are_the_callers_own():
    compiled = ag.compile(lambda x, y: (x, x.T, x @ y, (x @ y).T, x[0], np.sum(x), x))
    x, y = np.ones((2, 3)), np.ones((3, 2))
    first = compiled(x, y)
    kept = [a.copy() for a in arrays_of(first)]
    assert_own(first, x, y)
    for a in arrays_of(compiled(x + 1, y)):
        a[...] = -1
    for a, b in zip(arrays_of(first), kept, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(x, 1)
    x.flags.writeable = False
    assert_same(compiled(x, y), first)


def test_reuse_outputs():
    compiled = ag.compile(lambda x: (x * 2, x + 1), reuse_outputs=True)
    assert "overwritten" in compiled.source(np.ones(2))
    first = compiled(np.ones(2))
    second = compiled(np.zeros(2))
    assert second[0] is first[0]
    np.testing.assert_array_equal(first[0], 0)
    # What it overwrites may be its own argument, also by way of a view.
    step = ag.compile(lambda p, q: (q + 1, p * 10, p[::-1] - q), reuse_outputs=True)
    p, q = np.arange(3.0), np.ones(3)
    expected = p, q
    for _ in range(3):
        p, q, r = step(p, q)
        a, b = expected
        expected = b + 1, a * 10
        np.testing.assert_array_equal(p, expected[0])
        np.testing.assert_array_equal(q, expected[1])
        np.testing.assert_array_equal(r, a[::-1] - b)
    x, _ = compiled(p)
    np.testing.assert_array_equal(compiled(x[::-1])[0], expected[0][::-1] * 4)


def test_captured_tensors_are_read_anew_and_arrays_are_constants():
    W = ag.Tensor([1.0, 2.0], name="W")
    A = np.array([10.0, 20.0])
    compiled = ag.compile(lambda x: W * x + A)
    x = np.ones(2)
    np.testing.assert_array_equal(compiled(x), [11, 22])
    W.data = np.array([3.0, 4.0])
    A[:] = 0
    np.testing.assert_array_equal(compiled(x), [13, 24])
    assert "W = W_tensor._data" in compiled.source(x)
    assert "array([10.0, 20.0])" in compiled.source(x)
    large = np.arange(100.0)
    source = ag.compile(lambda x: x + large).source(large)
    assert "(100,) float64, an array that was captured, copied" in source


def test_a_captured_result_is_not_computed_again():
    W = ag.Tensor([2.0], requires_grad=True)
    A = np.tanh(W).detach()
    compiled = ag.compile(lambda x: x * A)
    assert "tanh" not in compiled.source(np.ones(1))
    assert_same(compiled(np.ones(1)), np.tanh([2.0]))


# Tapes that go on


def test_inside_a_transform_f_itself_runs():
    f = ag.compile(lambda x: np.sum(np.sin(x) * x))
    x = np.array([0.5, 1.5])
    f(x)
    np.testing.assert_allclose(ag.grad(f)(x), np.cos(x) * x + np.sin(x))
    np.testing.assert_allclose(ag.compile(ag.grad(f))(x), np.cos(x) * x + np.sin(x))
    W = ag.Tensor(x, requires_grad=True)
    captured = ag.compile(lambda y: np.sum(W * y))
    captured(x)
    with pytest.warns(UserWarning, match="from outside"):  # W is constant to this transform
        np.testing.assert_array_equal(ag.grad(lambda v: captured(x) * v)(1.0), np.sum(x * x))


def test_a_captured_tensor_stays_on_an_outer_tape():
    W, x = ag.Tensor([1.0, 2.0], requires_grad=True), np.array([0.5, 1.5])
    captured = ag.compile(lambda y: np.sum(W * W * y))
    captured(x)

    def outer(v):
        (slope,) = ag.gradients(captured(x), [W], create_graph=True)
        return np.sum(slope * v)

    with pytest.warns(UserWarning, match="from outside"):  # W is constant to this transform
        np.testing.assert_array_equal(ag.grad(outer)(np.ones(2)), 2 * W.data * x)


def test_a_tensor_that_requires_a_gradient_keeps_its_tape():
    W = ag.Tensor([1.0, 2.0], requires_grad=True)
    f = ag.compile(lambda W: np.sum(W * W))
    for _ in range(2):
        W.zero_grad()
        f(W).backward()
        np.testing.assert_array_equal(W.grad, [2, 4])
    assert "The tape of a Tensor that requires a gradient goes on" in f.source(W)
    with ag.no_grad():
        assert type(f(W)) is np.ndarray
    assert f(ag.Tensor([3.0])) == 9


def test_a_step_on_tensors_that_takes_its_own_gradients():
    net, _, X, Y = network_and_samples()

    def step(parameters, X, Y):
        J = nn.losses.binary_cross_entropy(net.forward(X, parameters).A[2], Y)
        gradients = ag.gradients(J, list(parameters.values()))
        return J, dict(zip(parameters, gradients, strict=True))

    arguments = net.parameters(), ag.Tensor(X, name="X"), ag.Tensor(Y, name="Y")
    compiled = ag.compile(step)
    for _ in range(2):
        assert_same(compiled(*arguments), step(*arguments))
        for t in arguments[0].values():
            t.data = t.data * 1.1
    assert "dot(" in compiled.source(*arguments)


# The user's own operations


def test_a_users_operation_that_cannot_be_traced_is_called():
    calls = []

    @ag.differentiable(lambda g, y, x, k: g * 2 * x * k, None)
    def odd(x, k):
        calls.append(type(x))
        total = np.empty(x.shape)
        for i in np.ndindex(x.shape):
            total[i] = x[i] * x[i] * float(k)
        return total

    eager = ag.value_and_grad(lambda x: np.sum(odd(np.tanh(x), 3)))
    compiled = ag.compile(eager)
    for seed in range(3):
        x = np.random.default_rng(seed).normal(size=(2, 3))
        assert_same(compiled(x), eager(x))
        assert x.flags.writeable
    assert "odd(t.copy(), 3)" in compiled.source(x)
    before = len(calls)
    compiled(x)
    assert calls[before:] == [np.ndarray]


def test_a_users_operation_may_return_what_it_was_given_or_keep_it():
    kept = []

    @ag.differentiable(lambda g, y, x: g)
    def same(x):
        kept.append(np.asarray(x))
        return kept[-1]

    f = lambda x: np.exp(same(np.exp(x))) + np.cos(np.sin(x))
    compiled = ag.compile(f)
    x = np.ones(3)
    result = compiled(x)
    assert_same(result, f(ag.Tensor(x)))
    mine = kept[-1].copy()
    assert_own(compiled(x + 1), kept[-2])
    np.testing.assert_array_equal(kept[-2], mine)


def test_a_random_operation_stays_random():
    rng = np.random.default_rng(0)

    @ag.differentiable(lambda g, y, x: g)
    def noisy(x):
        return x + rng.normal(size=x.shape)

    compiled = ag.compile(lambda x: noisy(x))
    x = np.zeros(4)
    assert not np.array_equal(compiled(x), compiled(x))


DEFINED_IN_PART = {
    "between -1 and 1": lambda x: np.sqrt(1 - x * x),
    "between 0 and 1": lambda x: np.log(x) * np.log(1 - x),
    "above 0": np.log,
    "above 0.05": lambda x: np.sqrt(x - 0.05),
    "below 1": lambda x: np.log(1 - x),
}


@pytest.mark.parametrize("name", DEFINED_IN_PART)
def test_an_operation_is_tried_where_it_is_defined(name):
    """It is taken apart if it computes of Tensors what it does of arrays, and not if it does not:
    which only numbers show, and no nan does.
    """
    f = DEFINED_IN_PART[name]
    same = ag.differentiable(None)(lambda x: f(x))
    odd = ag.differentiable(None)(lambda x: f(x) * (1 if isinstance(x, np.ndarray) else 2))
    x = np.full(3, 0.5)
    for operation, called in ((same, False), (odd, True)):
        compiled = ag.compile(lambda x, operation=operation: operation(x))
        assert_same(compiled(x), f(x))
        assert ("x.copy()" in compiled.source(x)) == called


def test_an_operation_that_is_not_defined_where_it_is_tried_is_called():
    odd = ag.differentiable(None)(lambda x: np.sqrt(x - 1) * (1 if type(x) is np.ndarray else 2))
    x = np.array([1.5, 2.0])
    assert_same(ag.compile(lambda x: odd(x))(x), np.sqrt(x - 1))


def test_an_operation_that_overflows_where_it_is_tried_is_taken_apart():
    steep = ag.differentiable(None)(lambda x: 1 / (1 + np.exp(9999 * x)))
    compiled, x = ag.compile(lambda x: steep(x)), np.array([-1.0])
    assert_same(compiled(x), np.array([1.0]))
    assert "x.copy()" not in compiled.source(x)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.int64, np.uint16])
def test_an_operation_is_tried_on_zeros_and_ones(dtype):
    odd = ag.differentiable(None)(lambda x: x == 0 if isinstance(x, np.ndarray) else x < 0)
    x = np.array([0, 1, 0, 1]).astype(dtype)
    assert_same(ag.compile(lambda x: odd(x))(x), x == 0)


def test_an_operation_that_needs_values_is_traced_with_them():
    @ag.differentiable(lambda g, y, A: -(y.mT @ g @ y.mT))
    def inverse(A):
        if abs(np.linalg.det(np.asarray(A))) < 1e-9:
            raise ValueError("singular")
        return np.linalg.inv(np.asarray(A))

    eager = ag.value_and_grad(lambda A: np.sum(inverse(A) @ A.T))
    A = np.array([[2.0, 1.0], [0.5, 3.0]])
    assert_same(ag.compile(eager)(A), eager(A))


# What is refused


def test_randomness_is_refused_and_its_line_named():
    rng = np.random.default_rng(0)

    def f(x):
        mask = rng.random(3)
        return x * mask  # here it goes in

    with pytest.raises(ag.TracingError, match=r"test_compiling.py:\d+: return x \* mask"):
        ag.compile(f)(np.ones(3))
    with pytest.raises(ag.TracingError, match=r"x \+ rng.random\(\)"):
        ag.compile(lambda x: x + rng.random())(np.ones(3))
    with pytest.raises(ag.TracingError, match="recorded different values"):
        ag.compile(lambda x: (x, rng.random()))(np.ones(3))
    with pytest.raises(ag.TracingError, match=r"ag.Tensor\(rng.random\(3\)\)"):
        ag.compile(lambda x: x + ag.Tensor(rng.random(3)))(np.ones(3))
    with pytest.raises(ag.TracingError, match="recorded different values"):
        ag.compile(lambda x: x[: rng.integers(1, 100)])(np.ones(200))
    for one, two in ((ag.Tensor(1.0), ag.Tensor(2.0)), (ag.Tensor(2.0), 2.0), (2.0, 2)):
        captured = itertools.cycle([one, two])
        with pytest.raises(ag.TracingError, match="recorded different values"):
            ag.compile(lambda x, captured=captured: x * next(captured))(np.ones(1))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x if np.sum(x) > 0 else -x,
        lambda x: x * x[0].item(),
        lambda x: x * x.data,
        lambda x: x * float(x[0]),
        lambda x: x + ag.Tensor(x),
        lambda x: x[x > 0],
        lambda x: np.sum(x).backward(),
    ],
)
def test_values_are_out_of_reach_and_the_line_is_named(f):
    with pytest.raises(ag.TracingError, match=r"test_compiling.py:\d+"):
        ag.compile(f)(np.ones(3))


def test_a_loop_over_rows_is_unrolled_for_the_shape_at_hand():
    def f(x):
        first, *others = x
        return np.sum(first * sum(np.tanh(row) for row in others))

    both = ag.value_and_grad(f)
    run = ag.compile(both)
    for shape in ((3, 2), (3, 2), (5, 2), (4,)):
        x = normal(*shape, seed=shape[0])
        value, gradient = run(x)
        expected, right = both(x)
        np.testing.assert_allclose(value, expected, rtol=1e-13)
        np.testing.assert_allclose(gradient, right, rtol=1e-12)
    with pytest.raises(TypeError, match="0-dimensional"):
        ag.compile(lambda x: list(x))(1.0)


def test_assignments_to_tensors_are_refused():
    W = ag.Tensor([1.0], requires_grad=True, name="W")

    def assigns(x):
        W.data = np.zeros(1)
        return x

    def updates(x):
        with ag.no_grad():
            V = W
            V -= x
        return x

    for f in (assigns, updates):
        with pytest.raises(ag.TracingError, match="in place"):
            ag.compile(f)(np.ones(1))
    np.testing.assert_array_equal(W.data, [1])


def test_what_is_kept_from_a_trace_has_no_value():
    kept = []

    def keeps(x):
        kept.append(x * 2)
        return x + (kept[0] if len(kept) > 1 else kept[-1])

    with pytest.raises(ag.TracingError):
        ag.compile(keeps)(np.ones(3))
    for ask in (lambda t: t.item(), lambda t: float(t), lambda t: bool(t)):
        with pytest.raises(TypeError, match="never computed"):
            ask(kept[0][0])
    assert "stands in" in repr(kept[0].data)
    assert np.isnan(kept[0].numpy()).all()


def test_what_a_function_may_return():
    with pytest.raises(TypeError, match="returns a set"):
        ag.compile(lambda x: {1})(np.ones(2))
    with pytest.raises(TypeError, match="takes a function"):
        ag.compile(3)


def test_errors_of_f_are_its_own():
    with pytest.raises(ValueError, match=r"\(2, 3\) @ X \(2, 3\)|W \(2, 3\) @ X"):
        ag.compile(lambda W, X: W @ X)(np.ones((2, 3)), np.ones((2, 3)))


# Signatures and threads


def test_a_new_shape_is_traced_anew_and_an_old_one_is_not():
    traced = []

    def f(x):
        traced.append(x.shape)
        return x + 1

    compiled = ag.compile(f)
    for n in (2, 3, 2, 3):
        assert compiled(np.ones(n)).shape == (n,)
    assert compiled(np.ones(2, np.float32)).dtype == np.float32
    assert traced == [(2,), (2,), (3,), (3,), (2,), (2,)]


def test_many_signatures_warn():
    compiled = ag.compile(lambda x: x + 1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for n in range(1, compiling.SIGNATURES + 1):
            compiled(np.ones(n))
        assert not caught
        compiled(np.ones(99))
    assert len(caught) == 1
    assert "17 signatures" in str(caught[0].message)
    assert caught[0].filename == __file__


def test_threads_do_not_share_buffers():
    f = lambda x: np.sum(np.tanh(np.tanh(x @ x) @ x) @ x)
    compiled = ag.compile(ag.value_and_grad(f))
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=(40, 40)) / 6 for _ in range(4)]
    expected = [ag.value_and_grad(f)(x) for x in inputs]
    wrong = []

    def work(k):
        for _ in range(60):
            J, g = compiled(inputs[k])
            if J != expected[k][0] or not np.array_equal(g, expected[k][1]):
                wrong.append(k)

    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
        [t.start() for t in threads]
        [t.join() for t in threads]
    finally:
        sys.setswitchinterval(switch)
    assert wrong == []


LEFT_BEHIND = """
import gc
import numpy as np
import autograd_lite as ag

compiled = ag.compile(lambda x: np.sum(np.tanh(x)))
compiled(np.ones(3))
compiled(np.ones(4))
gc.disable()
gc.collect()
for _ in range(5):
    compiled(np.ones(3))
print(gc.collect(), ag.is_tracing())
"""


def test_nothing_is_left_behind():
    # In a process of its own: what other threads of the tests leave behind is not ours.
    printed = subprocess.check_output([sys.executable, "-c", LEFT_BEHIND], text=True)
    assert printed.split() == ["0", "False"]


# The code


def test_the_source_reads_as_backpropagation():
    net, P, X, Y = network_and_samples()
    cost = lambda parameters, X, Y: nn.losses.binary_cross_entropy_with_logits(
        net.forward(X, parameters).Z[2], Y
    )
    source = ag.compile(ag.value_and_grad(cost)).source(P, X, Y)
    for line in (
        "W1.dot(X, Z1)  # (4, 5)",
        "add(Z1, b1, Z1)  # (4, 5)",
        "tanh(Z1, A1)  # (4, 5)",
        "W2.dot(A1, Z2)  # (2, 5)",
        "dZ2)  # (2, 5)",
        "dW2 = dZ2.dot(A1_T)  # (2, 4)",
        "W2.T.dot(dZ2, dA1)  # (4, 5)",
        "db2 = add_reduce(dZ2, 1, None, empty((2, 1)), True)  # (2, 1)",
        "dW1 = dZ1.dot(X.T)  # (4, 3)",
        "return (J, {'W1': dW1, 'b1': db1, 'W2': dW2, 'b2': db2})",
    ):
        assert line in source
    assert source.count("tanh(") == 1


def test_small_constants_are_called_by_their_names():
    source = ag.compile(lambda x: (x * 0.5 + 2.0) * x / (x * x + 1.0) + 3.0).source(np.ones(2))
    for line in ("half = array(0.5)", "two = array(2.0)", "one = array(1.0)", "c = array(3.0)"):
        assert line in source.splitlines()


def test_what_a_program_imports_stands_in_order():
    lines = ag.compile(lambda x: np.max(x) * np.sum(x)).source(np.ones(2)).splitlines()
    assert [line for line in lines if "_reduce = " in line] == [
        "add_reduce = add.reduce",
        "maximum_reduce = maximum.reduce",
    ]
    (imports,) = [line for line in lines if line.startswith("from numpy import")]
    names = imports.removeprefix("from numpy import ").split(", ")
    assert names == sorted(names)


def test_the_source_can_be_pasted():
    source = ag.compile(ag.value_and_grad(lambda w: np.sum(np.tanh(w * 3)))).source(np.ones(2))
    namespace = {"OTHER": None}
    exec(source, namespace)
    function = namespace["compiled"]
    assert_same(
        function(np.ones(2)), ag.value_and_grad(lambda w: np.sum(np.tanh(w * 3)))(np.ones(2))
    )


def test_without_the_check():
    compiled = ag.compile(ag.value_and_grad(lambda p: np.sum(np.tanh(p["w"] * p["rate"]))))
    first = {"w": np.ones(2), "rate": np.float64(2)}
    fast = compiled.unchecked(first)
    for k in range(3):
        p = {"w": np.arange(2.0) + k, "rate": np.array(0.1 * k)}
        result = fast(p)
        assert_same(result, compiled(p))
        assert_own(result, *p.values())
    assert fast is not compiled.unchecked(first)


def operations(source):
    """The names of the operations that run, in order."""
    lines = source.split("\n\n\n")[1].split("\n")
    steps = [line.strip() for line in lines if "  # (" in line]
    return [line.split("= ")[-1].split("(")[0] for line in steps]


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda x: x * 1 + -0.0, []),
        (lambda x: 1.0 * x / 1 - 0.0, []),
        (lambda x: np.negative(-x), []),
        (lambda x: x.T.T, []),
        (lambda x: x.reshape(6).reshape(3, 2).reshape(2, 3), []),
        (lambda x: x.astype(float), []),
        (lambda x: x + (-x), ["subtract"]),
        (lambda x: x - (-x), ["add"]),
        (lambda x: (-x) + np.exp(x), ["exp", "subtract"]),
        (lambda x: (-x) / 2.0, ["divide"]),
        (lambda x: np.exp(x) + np.exp(x), ["exp", "add"]),
        (lambda x: (np.exp(x), x * 2)[1], ["multiply"]),
        (lambda x: x * np.broadcast_to(np.sum(x), x.shape), ["add_reduce", "multiply"]),
        (lambda x: x + np.sqrt(np.float64(4.0) * np.ones(3)), ["add"]),
        (lambda x: np.sum(x), ["add_reduce"]),
        (lambda x: np.mean(x) * 1, ["add_reduce", "divide"]),
        (lambda x: np.clip(x, None, 0.5), ["minimum"]),
        (lambda x: np.clip(x, 0.5, None), ["maximum"]),
    ],
)
def test_identities(f, expected):
    x = np.arange(6.0).reshape(2, 3) - 2
    compiled = ag.compile(f)
    assert operations(compiled.source(x)) == expected
    assert_same(compiled(x), f(ag.Tensor(x)))


def test_an_identity_does_not_change_dtype_or_shape():
    whole = np.arange(3)
    assert_same(ag.compile(lambda x: x * 1.0)(whole), whole * 1.0)
    assert_same(
        ag.compile(lambda x: x + np.zeros((2, 3), int))(whole), whole + np.zeros((2, 3), int)
    )


def test_what_two_broadcast_values_make_is_broadcast():
    def f(x):
        a, b = np.broadcast_to(np.sum(x), (2, 3)), np.broadcast_to(np.max(x), (2, 3))
        return a * b + 1, np.where(np.broadcast_to(x[0] > 1, (2, 3)), b, 0.0)

    x = np.arange(3.0)
    assert_same(ag.compile(f)(x), f(ag.Tensor(x)))


def test_a_reduction_with_two_uses_runs_once():
    x = np.arange(6.0).reshape(2, 3)
    source = ag.compile(ag.value_and_grad(lambda x: np.sum(np.max(x, 1)) + np.max(x))).source(x)
    assert operations(source).count("maximum_reduce") == 2


def test_buffers_are_used_again():
    def chain(x):
        for _ in range(50):
            x = np.tanh(x @ x)
        return np.sum(x)

    x = np.eye(4) / 2
    source = ag.compile(chain).source(x)
    assert source.count("empty((4, 4))") == 2
    assert_same(ag.compile(chain)(x), chain(ag.Tensor(x)))


def test_a_buffer_is_not_overwritten_while_a_view_of_it_is_needed():
    def f(x):
        a = np.exp(x)
        b = a.T
        c = np.sin(a) + 1
        return (c + b) * a[::-1].T, (np.sin(x) * 2).T, np.cos(np.tanh(x) * 3) + 1

    x = np.random.default_rng(0).normal(size=(3, 3))
    assert_same(ag.compile(f)(x), f(ag.Tensor(x)))


@pytest.mark.parametrize(
    "f", [np.linalg.inv, np.linalg.det, np.linalg.cholesky, np.linalg.eigvalsh]
)
def test_numpys_linear_algebra_is_known_to_be_pure(f):
    """It is computed once, and needs no copies of its inputs."""
    compiled, x = ag.compile(lambda t: np.sum(f(t) + f(t))), np.eye(2) * 2
    assert float(compiled(x)) == np.sum(f(x) + f(x))
    assert compiled.source(x).count(f"{f.__name__}(") == 1
    assert ".copy()" not in compiled.source(x)
