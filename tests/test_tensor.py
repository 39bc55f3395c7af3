"""The tape's semantics: what is recorded, whose gradient is whose, and what is refused."""

from __future__ import annotations

import copy
import os
import pickle
import platform
import subprocess
import sys
import threading
import warnings
from collections import OrderedDict, defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import autograd_lite as ag
from autograd_lite import tensor
from autograd_lite.functions import FAMILIES
from autograd_lite.tensor import HANDLERS


def leaf(*values, name=None):
    return ag.Tensor(np.array(values), requires_grad=True, name=name)


# Gradients


def test_backward_adds_into_leaves_and_only_into_leaves():
    x = leaf(1.0, 2.0)
    y = x * x
    J = np.sum(y)
    J.backward()
    J.backward()
    np.testing.assert_array_equal(x.grad, [4, 8])
    assert y.grad is None
    x.zero_grad()
    assert x.grad is None


def test_the_gradient_of_a_leaf_is_what_arrives():
    x = leaf(1.0, 2.0)
    x.backward([3.0, 4.0])
    np.testing.assert_array_equal(x.grad, [3, 4])
    np.testing.assert_array_equal(ag.gradients(x, [x], gradient=[5.0, 6.0])[0], [5, 6])


def test_retain_grads_keeps_every_gradient_apart():
    x = leaf(1.0, 2.0)
    y = x + 0.0
    z = y + 0.0
    J = np.sum(z)
    J.backward(retain_grads=True)
    for t in (x, y, z, J):
        np.testing.assert_array_equal(t.grad, np.ones(t.shape))
        assert t.grad.flags.writeable
    assert not any(np.shares_memory(a.grad, b.grad) for a, b in ((x, y), (y, z), (x, z)))
    J.backward(retain_grads=True)
    np.testing.assert_array_equal(y.grad, [1, 1])
    np.testing.assert_array_equal(x.grad, [2, 2])


def test_gradients_are_the_callers_own():
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    given = np.ones(2)
    (a + b).backward(given)
    assert not np.shares_memory(a.grad, b.grad)
    assert not np.shares_memory(a.grad, given)
    W = ag.Tensor(np.ones((2, 3)), requires_grad=True)
    for y in (W.T, W.reshape(3, 2), np.broadcast_to(W, (2, 3)), np.sum(W, axis=0)):
        W.zero_grad()
        y.backward(np.ones(y.shape))
        assert W.grad.flags.carray
        W.grad += 1.0


def test_gradients_of_a_tensor_and_of_its_view_are_apart():
    W = ag.Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    for view in (W.reshape(3, 2), W.T, W[:], W[None], np.broadcast_to(W, (1, 2, 3))):
        J = np.sum(np.tanh(view) ** 2)
        for asked in ([view, W], [W, view], [W, W], [view, view]):
            found = ag.gradients(J, asked)
            assert not np.shares_memory(*found)
            assert all(g.flags.carray for g in found)


@pytest.mark.parametrize(("narrow", "wide"), [(np.float32, np.float64), (np.float64, np.float32)])
def test_a_gradient_has_its_tensors_dtype(narrow, wide):
    W = ag.Tensor([1.0, 2.0], requires_grad=True, dtype=narrow)
    Z = W.astype(wide)
    dW, dZ = ag.gradients(np.sum(Z * Z), [W, Z])
    assert (dW.dtype, dZ.dtype) == (narrow, wide)
    np.testing.assert_array_equal(dW, [2, 4])


def test_what_is_constant_has_no_gradient():
    assert ag.grad(lambda x: x > 0)(1.0) == 0
    assert ag.grad(lambda x: ag.Tensor(3.0))(1.0) == 0


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0,)])
def test_arrays_without_elements(shape):
    for f in (np.sum, np.tanh, np.ravel, np.transpose, ag.softplus, lambda x: x[:0] * 2):
        x = ag.Tensor(np.ones(shape), requires_grad=True)
        y = f(x)
        y.backward(np.ones(y.shape))
        np.testing.assert_array_equal(x.grad, np.ones(shape), strict=True)
    x = ag.Tensor(np.ones((3, 0)), requires_grad=True)
    np.mean(x, axis=0).backward(np.ones(0))
    np.testing.assert_array_equal(x.grad, np.ones((3, 0)), strict=True)


def test_a_rule_cannot_hand_out_what_it_keeps_nor_write_into_the_walk():
    kept = np.ones(2)

    @ag.differentiable(lambda g, y, x: kept)
    def f(x):
        return x.copy()

    x = leaf(1.0, 2.0)
    np.sum(f(x)).backward()
    x.grad += 1
    np.testing.assert_array_equal(kept, [1, 1])

    def writing(g, y, x):
        g *= 2
        return g

    @ag.differentiable(writing)
    def h(x):
        return x.copy()

    with pytest.raises(ValueError):  # noqa: PT011  # the words are NumPy's
        np.sum(h(x)).backward()

    @ag.differentiable(lambda g, y, x: g)
    def in_place(x):
        x += 1
        return x

    with pytest.raises(ValueError):  # noqa: PT011  # the words are NumPy's
        in_place(x)
    np.testing.assert_array_equal(x.data, [1, 2])


def test_a_users_function_neither_locks_nor_shares_arrays():
    buffer = np.array([2.0, 3.0])

    @ag.differentiable(lambda g, y, x: g * y)
    def f(x):
        return buffer

    plain = np.ones(2)
    assert f(plain) is not buffer
    plain[0] = 5  # not read-only from now on
    x = leaf(1.0, 2.0)
    J = np.sum(f(x))
    buffer[:] = 7
    J.backward()
    np.testing.assert_array_equal(x.grad, [2, 3])


def test_a_number_that_arrives_twice_is_still_an_array():
    x = ag.Tensor(np.float32(2.0), requires_grad=True)
    for expected in (4, 8):
        (x * x).backward()
        assert type(x.grad) is np.ndarray
        assert x.grad.dtype == np.float32
        assert x.grad == expected


def test_gradients_of_intermediates_and_of_what_nothing_flows_to():
    x = leaf(1.0, 2.0, name="x")
    z = np.tanh(x).named("z")
    J = np.sum(z * z) + np.sum((x > 0) * 1.0)
    dz, dx = ag.gradients(J, [z, x])
    np.testing.assert_allclose(dz, 2 * z.data)
    np.testing.assert_allclose(dx, 2 * z.data * (1 - z.data**2))
    other = leaf(1.0, name="other")
    with pytest.raises(ValueError, match=r"other \(1,\) is not on the tape of \(\)"):
        ag.gradients(J, [other])
    X = ag.Tensor([1.0], name="X")
    with pytest.raises(ValueError, match=r"X \(1,\) needs no gradient: make it with"):
        ag.gradients(np.sum(X * x), [X])


def test_an_unused_argument_gets_zeros():
    gx, gy = ag.grad(lambda x, y: np.sum(x), (0, 1))(np.ones(2), np.ones(3))
    np.testing.assert_array_equal(gx, [1, 1])
    np.testing.assert_array_equal(gy, [0, 0, 0])
    assert gy.flags.writeable


@given(
    hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=4),
    st.sampled_from([np.add, np.multiply, np.maximum, np.divide, np.power]),
)
def test_broadcasting_is_undone(shapes, op):
    (p, q), out = shapes.input_shapes, shapes.result_shape
    rng = np.random.default_rng(3)
    a, b, g = rng.uniform(1, 2, p), rng.uniform(1, 2, q), rng.normal(size=out)
    one, two = ag.Tensor(a, requires_grad=True), ag.Tensor(b, requires_grad=True)
    op(one, two).backward(g)
    # The judge: the same with everything stretched by hand, then counted back.
    A, B = np.broadcast_to(a, out), np.broadcast_to(b, out)
    full = {
        np.add: (g, g),
        np.multiply: (g * B, g * A),
        np.maximum: (g * (A > B), g * (B > A)),
        np.divide: (g / B, -g * A / B**2),
        np.power: (g * B * A ** (B - 1), g * A**B * np.log(A)),
    }[op]
    for t, whole in zip((one, two), full, strict=True):
        lead = whole.ndim - t.ndim
        axes = tuple(range(lead)) + tuple(
            k + lead for k, n in enumerate(t.shape) if n == 1 and whole.shape[k + lead] != 1
        )
        expected = whole.sum(axis=axes).reshape(t.shape)
        assert t.grad.shape == t.shape
        np.testing.assert_allclose(t.grad, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", [dict, OrderedDict, lambda items: defaultdict(list, items)])
def test_gradients_have_the_structure_of_an_argument_which_stays_what_it_was(kind):
    tree = kind({"b": np.array([1.0, 2.0]), "a": [np.array(3.0), (4.0,)]})
    before = copy.deepcopy(tree)
    g = ag.grad(lambda p: np.sum(p["b"] * p["b"]) + p["a"][0] * p["a"][1][0])(tree)
    assert type(g) is type(tree)
    assert str(g) == str(kind({"b": np.array([2.0, 4.0]), "a": [np.array(4.0), (np.array(3.0),)]}))
    assert str(tree) == str(before)


def test_what_gradients_are_asked_for_may_be_given_one_by_one():
    x, y = leaf(2.0), leaf(3.0)
    assert ag.gradients(np.sum(x * y), (t for t in (x, y))) == [3, 2]


# Size


def test_a_chain_of_a_million_operations():
    x = leaf(1.0)
    y = x
    for _ in range(1_000_000):
        y = y + 0.0
    y.backward([1.0])
    np.testing.assert_array_equal(x.grad, [1.0])
    y.named("y")
    assert repr(copy.deepcopy(y)) == "Tensor([1.], requires_grad=True, name='y')"
    del y


def test_sixty_doublings_and_ten_thousand_uses():
    x = y = leaf(1.0)
    for _ in range(60):
        y = y + y
    y.backward([1.0])
    assert x.grad[0] == 2.0**60
    x.zero_grad()
    total = x
    for _ in range(10_000):
        total = total + x
    total.backward([1.0])
    assert x.grad[0] == 10_001


LEFT_FOR_THE_COLLECTOR = """
import gc
import numpy as np
import autograd_lite as ag

gc.collect()
gc.disable()
x = ag.Tensor([1.0, 2.0], requires_grad=True)
J = np.sum(np.tanh(x) * x)
J.backward(retain_grads=True)
ag.gradients(J, [x], create_graph=True)
del J, x
print(gc.collect())
"""


def test_nothing_is_left_for_the_collector():
    # In a process of its own: what other threads of the tests leave behind is not ours.
    code = [sys.executable, "-c", LEFT_FOR_THE_COLLECTOR]
    assert subprocess.check_output(code, text=True).split() == ["0"]


# Higher order


def test_third_derivative_of_tanh():
    d3 = ag.grad(ag.grad(ag.grad(np.tanh)))
    for x in np.linspace(-3, 3, 13):
        y = np.tanh(x)
        assert abs(d3(x) - (1 - y * y) * (6 * y * y - 2)) < 1e-12


def two_layer_cost():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(2, 30)), (rng.random((1, 30)) < 0.5) * 1.0
    start = {
        "W1": rng.normal(size=(4, 2)),
        "b1": rng.normal(size=(4, 1)),
        "W2": rng.normal(size=(1, 4)),
        "b2": rng.normal(size=(1, 1)),
    }

    def cost(p):
        A2 = ag.sigmoid(p["W2"] @ np.tanh(p["W1"] @ X + p["b1"]) + p["b2"])
        return -np.mean(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))

    return cost, start


def test_hessian_of_a_network():
    cost, start = two_layer_cost()
    H, gradient = ag.hessian(cost)(start), ag.grad(cost)
    sizes = {k: v.size for k, v in start.items()}
    full = np.block([[H[a][b].reshape(sizes[a], sizes[b]) for b in start] for a in start])
    assert np.abs(full - full.T).max() < 1e-12
    h, columns = 1e-5, []
    for name, value in start.items():
        for i in np.ndindex(value.shape):
            ends = []
            for step in (h, -h):
                moved = {k: v.copy() for k, v in start.items()}
                moved[name][i] += step
                ends.append(np.concatenate([g.ravel() for g in gradient(moved).values()]))
            columns.append((ends[0] - ends[1]) / (2 * h))
    np.testing.assert_allclose(full, np.stack(columns, axis=1), atol=1e-6)
    v = {k: np.random.default_rng(1).normal(size=x.shape) for k, x in start.items()}
    Hv = ag.hvp(cost)(start, v)
    flat = np.concatenate([x.ravel() for x in v.values()])
    product = np.concatenate([x.ravel() for x in Hv.values()])
    np.testing.assert_allclose(product, full @ flat, rtol=1e-12, atol=1e-14)


def test_directions_are_matched_by_name_not_by_order():
    def f(p):
        return np.sum(p["a"] ** 3) + np.sum(p["b"][0] ** 2)

    at = {"a": np.array([2.0]), "b": [np.array([1.0])]}
    v = {"b": [np.array([0.0])], "a": np.array([1.0])}
    Hv = ag.hvp(f)(at, v)
    assert (Hv["a"].item(), Hv["b"][0].item()) == (12, 0)
    assert ag.jvp(f, (at,), (v,))[1] == 12
    for wrong in ({"a": v["a"]}, {"a": v["a"], "c": v["b"]}, {"a": v["a"], "b": []}, v["a"]):
        with pytest.raises(ValueError, match="the vector has shapes"):
            ag.hvp(f)(at, wrong)


def test_perturbations_are_not_confused():
    assert ag.grad(lambda x: x * ag.grad(lambda y: x + y)(1.0))(5.0) == 1.0
    assert ag.grad(lambda x: x * ag.grad(lambda y: x * y)(1.0))(5.0) == 10.0
    assert ag.grad(lambda x: ag.jvp(lambda y: x * y * y, (3.0,), (1.0,))[1])(5.0) == 6.0
    assert ag.jvp(lambda x: x * ag.grad(lambda y: x * y)(1.0), (5.0,), (1.0,))[1] == 10.0

    def through_a_pullback(x):
        _, pullback = ag.vjp(lambda y: y * y * x, x)
        return pullback(1.0)[0]

    assert ag.grad(through_a_pullback)(3.0) == 12.0  # d/dx of 2x·x


@pytest.mark.parametrize("power", [2, 3, 4, 2.0, np.array(3.0), np.float64(3)])
def test_integer_powers_at_zero(power):
    def f(x):
        return np.sum(x**power)

    x = np.array([0.0, 2.0])
    for order in range(1, 6):
        f = ag.grad(f)
        coefficient = np.prod([float(power) - k for k in range(order)])
        expected = coefficient * np.where(
            float(power) - order > 0, x ** max(float(power) - order, 0), 1.0
        )
        np.testing.assert_allclose(f(x), expected, atol=1e-12)
        total = f
        f = lambda x, total=total: np.sum(total(x))


def test_kinks_and_ties_to_third_order():
    def derivatives(f, x):
        out = []
        for _ in range(3):
            f = ag.grad(lambda x, f=f: np.sum(f(x)))
            out.append(f(x).tolist())
        return out

    x = np.array([-1.0, 0.0, 2.0])
    assert derivatives(ag.relu, x) == [[0, 0, 1], [0, 0, 0], [0, 0, 0]]
    assert derivatives(np.abs, x) == [[-1, 0, 1], [0, 0, 0], [0, 0, 0]]
    assert derivatives(lambda x: ag.relu(x) ** 3, x) == [[0, 0, 12], [0, 0, 12], [0, 0, 6]]
    assert derivatives(lambda x: np.clip(x, -1.0, 0.0) ** 2, x) == [[-2, 0, 0], [2, 2, 0], [0] * 3]
    ties = np.array([1.0, 3.0, 3.0])
    assert derivatives(lambda x: np.max(x) ** 2, ties)[0] == [0, 3, 3]
    assert ag.grad(lambda x: np.sum(np.maximum(x, 3.0)))(ties).tolist() == [0, 0.5, 0.5]
    assert ag.grad(lambda x: np.sum(np.minimum(x, x)))(ties).tolist() == [1, 1, 1]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_stable_far_out(dtype):
    x = ag.Tensor(np.array([-1000, 0, 1000], dtype), requires_grad=True)
    for f, value, slope in (
        (ag.sigmoid, [0, 0.5, 1], [0, 0.25, 0]),
        (ag.softplus, [0, np.log(2), 1000], [0, 0.5, 1]),
        (ag.relu, [0, 0, 1000], [0, 0, 1]),
        (ag.softmax, [0, 0, 1], [0, 0, 0]),
        (ag.log_softmax, [-2000, -1000, 0], [1, 1, -2]),
        (ag.logsumexp, 1000, [0, 0, 1]),
    ):
        x.zero_grad()
        y = f(x)
        y.backward(np.ones(y.shape))
        np.testing.assert_allclose(y.data, value, rtol=1e-6)
        np.testing.assert_allclose(x.grad, slope, atol=1e-6)
        assert y.dtype == x.grad.dtype == dtype
    # relative accuracy in the tail, where 1 - σ or a tanh form would have lost every digit
    small = ag.sigmoid(np.array([-30.0, -300.0]))
    np.testing.assert_allclose(small, np.exp([-30.0, -300.0]), rtol=1e-12)


def test_mixed_derivatives_of_a_power_at_exponent_zero():
    def f(p):
        return p[0] ** p[1]

    log = np.log(2.0)  # of a^b: b(b - 1)a^(b-2), a^(b-1)(1 + b log a), a^b log² a
    for b in (0.0, 1.0, 3.0):
        mixed = 2 ** (b - 1) * (1 + b * log)
        expected = [[b * (b - 1) * 2 ** (b - 2), mixed], [mixed, 2**b * log**2]]
        np.testing.assert_allclose(ag.hessian(f)(np.array([2.0, b])), expected, rtol=1e-14)
    H = ag.hessian(f)(np.zeros(2))
    assert np.isfinite(H).all()
    np.testing.assert_array_equal(H, H.T)


# What is recorded, and where


def test_no_grad_is_per_thread_and_exception_safe():
    x = leaf(1.0)
    seen = {}
    with ag.no_grad():
        thread = threading.Thread(target=lambda: seen.update(other=(x * 2).requires_grad))
        thread.start()
        thread.join()
        seen["here"] = (x * 2).requires_grad
    assert seen == {"other": True, "here": False}
    with pytest.raises(RuntimeError), ag.no_grad(), ag.no_grad():
        raise RuntimeError
    assert (x * 2).requires_grad
    with ag.no_grad():
        assert ag.grad(lambda x: x * x)(3.0) == 6


def test_a_gradient_asked_for_inside_no_grad_can_be_differentiated():
    x = leaf(2.0)
    J = np.sum(x**3)
    with ag.no_grad():
        (slope,) = ag.gradients(J, [x], create_graph=True)
    assert ag.gradients(slope, [x], [1.0])[0] == 12


def test_in_place_operators():
    W = leaf(1.0, 2.0, name="W")
    before, alias = W.data, W
    J = np.sum(W * W)
    J.backward()
    with pytest.raises(ValueError, match=r"W -= rate \* W.grad"):
        W -= 0.1 * W.grad
    with ag.no_grad():
        W -= 0.5 * W.grad
    assert W is alias
    assert W.requires_grad
    np.testing.assert_array_equal(W.data, [0, 0])
    np.testing.assert_array_equal(before, [1, 2])
    narrow = ag.Tensor([1.0], requires_grad=True, dtype=np.float32)
    with ag.no_grad():
        narrow -= np.array([0.5])
        with pytest.raises(ValueError, match=r"the result has shape \(2,\)"):
            narrow += np.ones(2)
    assert narrow.dtype == np.float32
    y = x = leaf(1.0)
    y = y * 2
    y += x
    y.backward([1.0])
    assert x.grad == [3.0]
    with pytest.raises(TypeError, match=r"np.where\(mask, new, t\)"):
        W[0] = 1
    array = np.ones(2)
    with pytest.raises(TypeError, match=r"`a = a \+ t` for `a \+= t`"):
        array += W


def test_the_tape_keeps_the_arrays_that_it_saw():
    source = np.array([1.0, 2.0])
    W = ag.Tensor(source, requires_grad=True)
    X = np.array([3.0, 4.0])
    J = np.sum(W * X)
    source[:] = 0
    X[:] = 0
    W.data = [5.0, 6.0]
    J.backward()
    np.testing.assert_array_equal(W.grad, [3, 4])
    K = np.sum(W * W)
    W.data = [7.0, 8.0]
    np.testing.assert_array_equal(ag.gradients(K, [W])[0], [10, 12])
    with pytest.raises(ValueError, match="was replaced after multiply used it"):
        ag.gradients(K, [W], create_graph=True)
    for t in (W, W * 2):
        assert not t.data.flags.writeable
    with pytest.raises(ValueError, match="is the result of multiply"):
        (W * 2).data = [1.0, 2.0]
    with pytest.raises(ValueError, match=r"new data has shape \(3,\), not \(2,\)"):
        W.data = [1.0, 2.0, 3.0]
    mine = W.numpy()
    mine[0] = 100
    assert W.data[0] == 7


def test_what_a_view_is_a_view_of_is_read_only_too():
    W = ag.Tensor(np.ones((2, 3)), requires_grad=True)
    for t in (W.T, (W * 2).T, W[:1], np.broadcast_to(W, (4, 2, 3))):
        array = t.data
        while array is not None:
            assert not array.flags.writeable
            array = array.base


def test_integers_carry_no_gradient():
    x = leaf(1.5, 2.5)
    whole = x.astype(int)
    assert not whole.requires_grad
    assert whole._inputs  # a replay at other values needs it
    np.sum(x * whole).backward()
    np.testing.assert_array_equal(x.grad, [1, 2])


def test_comparisons_need_no_gradient_and_are_recorded():
    x = leaf(1.0, -1.0)
    for y in (x > 0, x == x, np.sign(x), np.floor(x), x.argmax(), ~(x > 0), (x > 0) & (x < 2)):
        assert isinstance(y, ag.Tensor)
        assert not y.requires_grad
        assert y._inputs
    assert not (ag.Tensor([1.0]) > 0)._inputs


def test_what_was_recorded_while_a_function_was_compiled_has_no_value():
    kept = []
    ag.compile(lambda x: kept.append(x.transpose()) or x)(np.ones(2))
    with pytest.raises(TypeError, match="never computed"):
        kept[0][0].item()


# As NumPy


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_operators_with_numbers_arrays_and_scalars(dtype):
    a = np.array([[1.0, 2.0], [3.0, 4.0]], dtype)
    t = ag.Tensor(a, requires_grad=True)
    for f in (
        lambda x: 2 + x - 1,
        lambda x: 3 / x * 2,
        lambda x: 2**x,
        lambda x: a - x,
        lambda x: a @ x,
        lambda x: x @ a[0],
        lambda x: [[1, 2], [3, 4]] * x,
        lambda x: -x + +x,
        lambda x: x / np.float32(2),
        lambda x: np.float64(2) * x,
        lambda x: x[..., ::-1].swapaxes(0, 1).squeeze(),
    ):
        y = f(t)
        np.testing.assert_array_equal(y.data, f(a))
        assert y.dtype == f(a).dtype


def test_what_is_asked_about_a_tensor_is_answered_as_about_its_array():
    a = np.arange(6.0, dtype=np.float32).reshape(2, 3)
    t = ag.Tensor(a, requires_grad=True)
    assert np.shape(t) == t.shape == (2, 3)
    assert np.ndim(t) == t.ndim == 2
    assert (np.size(t), np.size(t, 0), np.size(t, axis=-1)) == (6, 2, 3)
    for f in (np.zeros_like, np.ones_like):
        np.testing.assert_array_equal(f(t).data, f(a), strict=True)
        assert not f(t).requires_grad


@pytest.mark.parametrize("keepdims", [True, np.True_, 1, False, np.False_, 0])
def test_any_truth_keeps_dimensions(keepdims):
    a = np.arange(6.0).reshape(2, 3)
    for f in (np.sum, np.mean, np.max, np.min, np.var, np.std, np.any, np.all):
        expected = f(a, -1, keepdims=bool(keepdims))
        method = getattr(leaf(*a), f.__name__)
        for y in (f(leaf(*a), -1, keepdims=keepdims), method(-1, keepdims=keepdims)):
            np.testing.assert_array_equal(y.data, expected, strict=True)


@pytest.mark.parametrize(
    "index",
    [[], [[]], True, np.True_, np.int64(-1), (None, [0, 0], ..., [1, 1]), ((0, 0), 1), ([], 0)],
    ids=repr,
)
def test_odd_indices(index):
    a = np.arange(6.0).reshape(2, 3)
    x = ag.Tensor(a, requires_grad=True)
    y = x[index]
    np.testing.assert_array_equal(y.data, a[index], strict=True)
    g = np.random.default_rng(0).normal(size=y.shape)
    y.backward(g)
    expected = np.zeros_like(a)
    np.add.at(expected, index, g)
    np.testing.assert_array_equal(x.grad, expected)


def test_an_index_that_changes_later_is_not_the_tapes():
    x, index = leaf(1.0, 2.0, 3.0), np.array([0, 0, 2])
    y = x[index]
    index[:] = 1
    y.backward(np.ones(3))
    np.testing.assert_array_equal(x.grad, [2, 0, 1])


def test_axes_move_as_numpys_do():
    a = np.arange(24.0).reshape(1, 2, 3, 4)
    for pair in (((0, 1), (-1, 0)), ((3, 0, 1), (0, 2, 1)), (-1, 0), ((2, 1), (0, 1))):
        y = np.moveaxis(ag.Tensor(a), *pair)
        np.testing.assert_array_equal(y.data, np.moveaxis(a, *pair), strict=True)


def test_any_number_is_a_condition():
    x = leaf(-1.0, 0.0, 0.5)
    y = np.where(x, x * 2, 7.0)
    np.testing.assert_array_equal(y.data, [-2, 7, 1])
    y.backward(np.ones(3))
    np.testing.assert_array_equal(x.grad, [2, 0, 2])


def test_lists_of_numbers_have_a_softmax():
    for f in (ag.softmax, ag.log_softmax, ag.logsumexp, ag.sigmoid, ag.relu, ag.softplus):
        np.testing.assert_array_equal(f([1.0, 2.0]), f(np.array([1.0, 2.0])))


def test_looks_and_behaves_as_numpy():
    t = ag.Tensor([[1.0, 2.0], [3.0, 4.0]], name="W", requires_grad=True)
    assert repr(t).replace("\n", "").replace(" ", "") == (
        "Tensor([[1.,2.],[3.,4.]],requires_grad=True,name='W')"
    )
    assert (t.shape, t.ndim, t.size, len(t), np.shape(t)) == ((2, 2), 2, 4, 2, (2, 2))
    assert [row.shape for row in t] == [(2,), (2,)]
    assert f"{t[0, 1]:.2f}" == "2.00"
    assert float(t[0, 0]) == 1 == int(t[0, 0]) == t[0, 0].item()
    assert t in {t}
    assert len({t, t + 0}) == 2
    again, buffers = pickle.loads(pickle.dumps(t)), []
    pickle.dumps(t, protocol=5, buffer_callback=buffers.append)
    assert all(buffer.raw().readonly for buffer in buffers)
    assert buffers
    assert again.name == "W"
    assert again.requires_grad
    assert t.detach().requires_grad is False
    assert ag.Tensor([1]).dtype.kind == "i"
    if t[0, 0] < 2:
        pass
    else:
        pytest.fail("the truth value of one element is its own")


# What is refused, and how


@pytest.mark.parametrize(
    ("wrong", "kind", "message"),
    [
        (
            lambda: ag.Tensor(np.ones((3, 4)), name="W2") @ ag.Tensor(np.ones((3, 5)), name="A1"),
            ValueError,
            "W2 (3, 4) @ A1 (3, 5): 4 ≠ 3. W2.T @ A1 would fit",
        ),
        (
            lambda: ag.Tensor(np.ones((3, 4)), name="Z1") + ag.Tensor(np.ones((1, 3)), name="b1"),
            ValueError,
            "Z1 (3, 4) + b1 (1, 3): 4 ≠ 3 along axis 1. b1.T (3, 1) would fit",
        ),
        (lambda: ag.Tensor([1, 2], requires_grad=True, name="n"), TypeError, "only floats can"),
        (lambda: ag.Tensor(["a"]), TypeError, "a Tensor holds real numbers"),
        (lambda: ag.Tensor([1j]), TypeError, "a Tensor holds real numbers"),
        (lambda: leaf(1.0, 2.0).backward(), ValueError, "(2,) is not a scalar: pass the gradient"),
        (lambda: leaf(1.0, 2.0).backward([1.0]), ValueError, "the gradient has shape (1,)"),
        (lambda: ag.Tensor(1.0).backward(), ValueError, "does not depend on any Tensor"),
        (lambda: np.fft.fft(leaf(1.0)), TypeError, "np.fft.fft of (1,): a spectrum is complex"),
        (lambda: np.gcd(leaf(0.5), 1), TypeError, "np.gcd has no rule"),
        (lambda: np.einsum("ii", leaf(1.0)), ValueError, "'ii' does not name the axes of (1,)"),
        (lambda: np.einsum("...i->i", leaf([1.0])), ValueError, "needs a '...' as well"),
        (lambda: np.linalg.inv(leaf(1.0)), np.linalg.LinAlgError, "inv((1,)): 1-dimensional"),
        (lambda: np.asarray(leaf(1.0)), TypeError, "Use t.data for the array"),
        (lambda: np.array([leaf(1.0), leaf(1.0)]), TypeError, "Use t.data for the array"),
        (lambda: np.ones(2).dot(leaf(1.0, 2.0)), TypeError, "Use t.data for the array"),
        (lambda: np.float64(leaf(1.0, 2.0)), TypeError, "Use t.data for the array"),
        (
            lambda: np.subtract.accumulate(leaf(1.0)),
            TypeError,
            "np.subtract.accumulate has no rule",
        ),
        (lambda: np.add(leaf(1.0), 1, where=[True]), TypeError, "does not take where="),
        (lambda: bool(leaf(1.0, 2.0)), ValueError, "the truth value of (2,) is ambiguous"),
        (lambda: leaf(1.0) + "a", TypeError, "unsupported operand"),
        (lambda: ag.grad(lambda x: x)(np.ones(2)), ValueError, "one number as its value, not (2,)"),
        (lambda: ag.grad(lambda x: x.data)(1.0), TypeError, "returned ndarray, not a Tensor"),
        (lambda: ag.grad(lambda x: float(x) ** 2)(1.0), TypeError, "its gradient is cut"),
        (lambda: leaf(1.0, 2.0, name="x") @ np.ones(3), ValueError, "x (2,) @ (3,): 2 ≠ 3"),
        (lambda: leaf(1.0, name="x") @ 3, ValueError, "x (1,) @ (): a matrix product needs"),
        (lambda: leaf([1.0, 2.0]).swapaxes(0, 5), ValueError, "axis 5 is out of bounds"),
        (lambda: np.moveaxis(leaf([1.0]), (0, 1), (0,)), ValueError, "of 2 axes to 1 places"),
        (
            lambda: np.dot(leaf(*np.ones((2, 2, 3)), name="A"), np.ones((2, 4, 2))),
            ValueError,
            "A (2, 2, 3) @ (2, 4, 2): 3 ≠ 4.",
        ),
        (lambda: ag.Tensor([1, 2]) ** -1, ValueError, "(2,) ** -1: Integers to negative"),
        (lambda: ag.vjp(lambda x: (x, x), 1.0), TypeError, "returned a tuple: a product with"),
        (
            lambda: ag.jvp(lambda x: {"a": x}, (1.0,), (1.0,)),
            TypeError,
            "returned a dict: a product with",
        ),
        (lambda: ag.gradients(np.sum(leaf(1.0)), leaf(1.0)), TypeError, "ag.gradients(J, [t])"),
        (lambda: ag.grad(np.sum)(np.arange(3)), TypeError, "cannot be differentiated"),
        (lambda: ag.grad(np.sum, 1)(1.0), IndexError, "f was called with 1 arguments"),
        (lambda: ag.hvp(np.sum)(np.ones(2), np.ones(3)), ValueError, "the vector has shapes"),
        (lambda: ag.hvp(np.sum)(np.ones(2)), TypeError, "and then the vector: hvp(f)(x, v)"),
        (lambda: ag.jvp(np.sin, 1.0, 1.0), TypeError, "tuples, as in ag.jvp(f, (x,), (v,))"),
        (lambda: ag.jvp(np.sin, np.ones(1), np.ones(1)), TypeError, "args and tangents are tuples"),
        (lambda: ag.grad(np.sum, "x")(1.0), TypeError, "argnums='x': give a position"),
        (lambda: ag.grad(np.sum, 0.0)(1.0), TypeError, "argnums=0.0: give a position"),
        (lambda: ag.grad(leaf(1.0)), TypeError, "a function of arrays, not a Tensor"),
        (lambda: ag.hessian(leaf(1.0)), TypeError, "are ag.gradients(J, [W])"),
        (lambda: ag.hvp(3), TypeError, "a function of arrays, not a int"),
        (lambda: ag.jacobian(3), TypeError, "a function of arrays, not a int"),
        (lambda: ag.vjp(3, 1.0), TypeError, "a function of arrays, not a int"),
        (lambda: ag.jvp(3, (1.0,), (1.0,)), TypeError, "a function of arrays, not a int"),
        (lambda: ag.Tensor(1.0, name=3), TypeError, "a Tensor's name is a string, not int: name=3"),
        (lambda: leaf(1.0).named(3), TypeError, "a Tensor's name is a string"),
        (lambda: ag.Tensor([[1.0], [2.0, 3.0]]), ValueError, "rows of a Tensor have different"),
        (lambda: setattr(leaf(1.0), "data", [1j]), TypeError, "real numbers, not complex128"),
        (lambda: setattr(leaf(1.0), "data", "x"), TypeError, "real numbers, not <U1"),
        (lambda: ag.Tensor([1j], dtype=float), TypeError, "real numbers, not complex128"),
        (lambda: np.sum([leaf(1.0)]), TypeError, "np.stack makes one Tensor of a list of them"),
        (
            lambda: ag.differentiable(lambda g, y, x: g)(lambda x: None)(leaf(1.0)),
            TypeError,
            "it returned a NoneType, not an array: mind its return",
        ),
        (
            lambda: leaf(1.0).tobytes(),
            AttributeError,
            "write t.data.tobytes",
        ),
        (lambda: leaf(1.0).weight, AttributeError, "'Tensor' object has no attribute 'weight'"),
        (
            lambda: np.sum(leaf(1.0, name="x"), axis=3),
            ValueError,
            "axis 3 is out of bounds for x (1,)",
        ),
        (lambda: ag.softmax(leaf(1.0), axis=(0, 2)), ValueError, "bounds for (1,), which has 1"),
        (lambda: ag.differentiable(), TypeError, "one rule for each argument"),
        (
            lambda: ag.differentiable(lambda g, y, x: g, None),
            TypeError,
            "the rule for argument 0 takes 3 arguments, but each of 2 rules",
        ),
    ],
)
def test_messages(wrong, kind, message):
    with pytest.raises(kind) as caught:
        wrong()
    assert message in str(caught.value)


def test_a_rule_of_the_wrong_shape_is_named():
    @ag.differentiable(lambda g, y, x: np.ones((3, 1)))
    def f(x):
        return x * 1.0

    with pytest.raises(ValueError, match=r"rule of f for argument 0 .* shape \(3, 1\)"):
        np.sum(f(ag.Tensor(np.ones((1, 3)), requires_grad=True))).backward()

    with pytest.raises(TypeError, match="f was given 2 arguments and has 1 rules"):
        f(leaf(1.0), leaf(1.0))


def test_every_handler_is_called_by_numpys_own_name():
    t = ag.Tensor(np.ones((2, 2)), requires_grad=True)
    extra = {np.where: (t > 0, t, t), np.power: (t, 2), np.matmul: (t, t), np.dot: (t, t)}
    extra |= {np.concatenate: ([t, t],), np.stack: ([t, t],), np.reshape: (t, 4)}
    extra |= {np.einsum: ("ij,jk", t, t), np.tensordot: (t, t)}
    extra |= {np.broadcast_to: (t, (3, 2, 2)), np.expand_dims: (t, 0)}
    extra |= {np.swapaxes: (t, 0, 1), np.moveaxis: (t, 0, 1), np.clip: (t, 0, 1)}
    extra |= {np.divmod: (t, 2), np.ldexp: (t, 2), np.select: ([t > 0], [t])}
    extra |= {np.piecewise: (t, [t > 0], [np.exp]), np.interp: (t, [0, 2], [1, 3])}
    extra |= {np.astype: (t, np.float32)}
    extra |= dict.fromkeys((np.isclose, np.allclose, np.array_equal), (t, t))
    for function, handler in list(HANDLERS.items()):
        if handler.__module__.split(".")[-1] in (*FAMILIES, "unusual"):
            continue  # loaded by an earlier test; each family has tests of its own
        arguments = extra.get(function, (t,))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # np.fix is, in new NumPys
            result, expected = function(*arguments), function(*arrays_in(arguments))
        for ours, right in zip(arrays_in([result]), [expected], strict=True):
            np.testing.assert_array_equal(ours, right)


def arrays_in(tree):
    """The arrays of Tensors, also within lists and tuples."""
    if isinstance(tree, list | tuple):
        return type(tree)(arrays_in(x) for x in tree)
    return tree.data if isinstance(tree, ag.Tensor) else tree


# The public names


@pytest.mark.parametrize("name", ag.__all__)
def test_every_public_name_is_there_each_time(name):
    assert getattr(ag, name) is getattr(ag, name)
    assert callable(getattr(ag, name))


ARGUMENTS = {
    "argpartition": (1,),
    "astype": (np.float32,),
    "backward": (np.ones((2, 2)),),
    "choose": ([10.0, 20.0],),
    "clip": (1, 2),
    "compress": ([True, False], 1),
    "dot": (np.eye(2),),
    "named": ("Z",),
    "repeat": (2,),
    "reshape": (4,),
    "searchsorted": (2.5,),
    "swapaxes": (0, 1),
    "take": (0,),
}
RECEIVERS = {
    "choose": np.array([1, 0]),
    "item": np.array([3.0]),
    "searchsorted": np.array([1.0, 2.0, 3.0]),
}


@pytest.mark.parametrize("name", [name for name in dir(ag.Tensor) if not name.startswith("_")])
def test_what_dir_lists_works_as_numpys_does(name):
    array = RECEIVERS.get(name, np.array([[1.0, 4.0], [3.0, 2.0]]))
    x = ag.Tensor(array, requires_grad=array.dtype.kind == "f")
    found = getattr(x, name)
    if callable(found):
        found = found(*ARGUMENTS.get(name, ()))
    if hasattr(array, name) and name != "data":  # (an array's .data is its memory)
        expected = getattr(array, name)
        if callable(expected):
            expected = expected(*ARGUMENTS.get(name, ()))
        if name == "flat":
            found, expected = np.stack(list(found)), np.array(list(expected))
        for ours, right in zip(arrays_in([found]), [expected], strict=True):
            np.testing.assert_array_equal(ours, right)


@pytest.mark.parametrize("name", [name for name in dir(np.ndarray) if not name.startswith("_")])
def test_what_arrays_have_is_listed_or_refused_in_words(name):
    x = leaf(1.0, 2.0, name="x")
    assert dir(x) == dir(ag.Tensor)
    if name not in dir(x):
        with pytest.raises(AttributeError, match=rf"\.{name}\b"):
            getattr(x, name)


@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "var", "std", "any", "all"])
@pytest.mark.parametrize("options", [{}, {"axis": 0}, {"axis": 1, "keepdims": True}])
def test_a_reduction_has_the_shape_that_the_arrays_method_gives(name, options):
    array = np.array([[0.0, 2.0], [3.0, 5.0]])
    expected = getattr(array, name)(**options)
    found = getattr(ag.Tensor(array), name)(**options)
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found.numpy(), expected)


@pytest.mark.parametrize("name", ["var", "std"])
def test_a_spread_takes_ddof_as_numpys_does(name):
    array = np.array([1.0, 2.0, 4.0])
    found = getattr(ag.Tensor(array), name)(ddof=1)
    np.testing.assert_allclose(found.numpy(), getattr(array, name)(ddof=1), rtol=1e-15)
    assert found.numpy() != getattr(array, name)()


def test_operators_and_methods_say_whose_they_are():
    assert ag.Tensor.exp.__doc__ == ag.Tensor([1.0]).exp.__doc__ == "As np.exp."
    assert ag.Tensor.relu.__doc__ == "As ag.relu."
    assert ag.Tensor.__add__.__doc__ == "As np.add."
    assert ag.Tensor.__abs__.__doc__ == "As np.abs."


FAULTS = """
import resource
import numpy as np
import autograd_lite

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    [np.ones(1 << 17) for _ in range(10)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

print(faults(), faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another allocator")
def test_memory_that_is_freed_is_kept_for_the_next_step():
    """Ten arrays of 1 MB: the kernel gives their pages once, not at every step."""
    own = {k: v for k, v in os.environ.items() if not k.startswith("MALLOC_")}  # Dask sets some
    run = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, check=True, env=own)
    first, second = map(int, run.stdout.split())
    assert second < first / 10


def test_families_are_loaded_once_by_many_threads():
    """Each thread finds the handler, also while another one loads it."""
    program = """
import sys, threading
import numpy as np, autograd_lite as ag
sys.setswitchinterval(1e-6)
functions = [np.cumsum, np.fft.fftshift, np.flip, np.linalg.inv, np.i0, np.diff, np.kron] * 3
results, start = {}, threading.Barrier(len(functions))
def run(k):
    t = ag.Tensor(np.eye(2), requires_grad=True)
    start.wait()
    try:
        results[k] = type(functions[k](*[t] * (1 + (functions[k] is np.kron)))).__name__
    except Exception as error:
        results[k] = repr(error)
threads = [threading.Thread(target=run, args=(k,)) for k in range(len(functions))]
[t.start() for t in threads]
[t.join() for t in threads]
assert set(results.values()) == {"Tensor"}, results
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_thread_waits_for_the_family_that_another_one_loads(monkeypatch):
    started, asked = threading.Event(), threading.Event()

    def load():
        started.set()
        asked.wait(0.2)
        monkeypatch.setitem(HANDLERS, load, len)

    monkeypatch.setattr(tensor, "LATER", [load])
    other = threading.Thread(target=tensor.handler_of, args=(load,))
    other.start()
    started.wait()
    found = tensor.handler_of(load)
    asked.set()
    other.join()
    assert found is len


def test_a_family_that_failed_to_load_is_loaded_later(monkeypatch):
    done = []

    def load():
        done.append(None)
        if len(done) == 1:
            raise MemoryError
        monkeypatch.setitem(HANDLERS, load, len)

    monkeypatch.setattr(tensor, "LATER", [load])
    with pytest.raises(MemoryError):
        tensor.handler_of(load)
    assert tensor.handler_of(load) is len
    assert tensor.LATER == []


def test_the_readers_own_error_is_the_cause():
    with pytest.raises(TypeError, match="does not take these") as caught:
        np.apply_along_axis(lambda line, k: line, 0, ag.Tensor(np.ones((2, 2))))
    assert "<lambda>" in str(caught.value.__cause__)
