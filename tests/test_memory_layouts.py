"""Arrays in any layout in memory: the tape and what is compiled give NumPy's numbers."""

from __future__ import annotations

import numpy as np
import pytest
from builders import normal
from results import assert_own, assert_same

import autograd_lite as ag
import nn
from benchmarks.layouts import LAYOUTS, layout_of, lying

CUBE = normal(2, 3, 4)


@ag.differentiable(lambda g, y, x: g * 2 * (y != 0))
def own(x):
    """An operation that cannot be traced, and writes through what may be a view."""
    y = np.asarray(x) * 2
    y.reshape(-1)[::5] = 0
    return y


# Results that lie in memory as their operands do, or in an order of their own.
RESULTS = {
    "x * 2": lambda x: x * 2,
    "x.T * 2": lambda x: x.T * 2,
    "x + x.transpose(0, 2, 1)": lambda x: x[:, :2, :2] + x[:, :2, :2].transpose(0, 2, 1),
    "x[:, [2, 0]]": lambda x: x[:, [2, 0]],
    "x[::-1, 1:] * 2": lambda x: x[::-1, 1:] * 2,
    "where": lambda x: np.where(x > 0, x, 0.1),
    "sum": lambda x: np.sum(x, axis=1),
    "concatenate": lambda x: np.concatenate([x, x * 3]),
    "np.copy": np.copy,
    "x.copy()": lambda x: x.copy(),
    "x.copy('F')": lambda x: x.copy("F"),
    "einsum": lambda x: np.einsum("ijk,ljk->kil", x, x),
    "matmul": lambda x: x.swapaxes(1, 2) @ x,
    "broadcast": lambda x: np.broadcast_to(x[0], (2, 3, 4)) + x.T.mean(),
    "an operation of one's own": lambda x: own(x.T * 3),
}
VIEWS = {
    "reshape(-1)": lambda h: h.reshape(-1),
    "T.reshape(-1)": lambda h: h.T.reshape(-1),
    "reshape of one order": lambda h: np.reshape(h, -1, order="F"),
    "ravel": lambda h: h.ravel(),
    "T.ravel": lambda h: h.T.ravel(),
    "part.ravel": lambda h: h[:, 0].ravel(),
    "part.reshape(-1)": lambda h: h[:1].reshape(-1),
    "flatten": lambda h: h.flatten(),
    "T": lambda h: h.T[0],
    "axes joined": lambda h: h.reshape(h.shape[0], -1)[:, 1],
    "an axis put in": lambda h: h[:, None].reshape(-1, *h.shape[1:])[0],
}


def writes(result, view):
    """A function that assigns to what may be a view of a result, and returns the result."""

    def f(x):
        h = result(x)
        view(h)[1:] = 7.0
        view(h)[:1] = x[0, 0, 0] * 5
        return h

    return f


@pytest.mark.parametrize("result", RESULTS)
@pytest.mark.parametrize("view", VIEWS)
def test_what_is_written_through_views(result, view):
    f = writes(RESULTS[result], VIEWS[view])
    weights = np.cos(np.arange(f(CUBE).size)).reshape(f(CUBE).shape)
    cost = lambda x: np.sum(f(x) * weights)
    compiled, of_cost = ag.compile(f), ag.compile(ag.value_and_grad(cost))
    for layout in LAYOUTS:
        x = lying(CUBE, layout)
        right = f(x)
        np.testing.assert_allclose(f(ag.Tensor(x)).data, right, rtol=1e-13)
        np.testing.assert_allclose(compiled(x), right, rtol=1e-13)
        assert_own(compiled(x), x)
        J, slope = of_cost(x)
        np.testing.assert_allclose(J, cost(x), rtol=1e-12)
        assert_own(slope, x)
        if layout == "stretched":  # all rows move with the first
            slope = np.concatenate([slope.sum(0, keepdims=True), 0 * slope[1:]])
        np.testing.assert_allclose(slope, differences(cost, x, layout), rtol=1e-6, atol=1e-7)


def differences(cost, x, layout):
    """The gradient by central differences, at arrays in the same layout."""
    slope = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        values = []
        for h in (1e-5, -1e-5):
            moved = np.array(x)
            moved[i] += h
            values.append(cost(lying(moved, layout)))
        slope[i] = (values[0] - values[1]) / 2e-5
    return slope


def test_a_program_is_kept_for_each_layout_where_views_are_written_through():
    f = writes(RESULTS["x * 2"], VIEWS["reshape(-1)"])
    compiled = ag.compile(f)
    rows, columns = lying(CUBE, "rows"), lying(CUBE, "columns")
    assert "x.strides == (96, 32, 8)" in compiled.source(rows)
    assert "x.strides == (8, 16, 48)" in compiled.source(columns)
    assert "strides" not in ag.compile(lambda x: (x * 2).reshape(-1).copy().T.ravel()).source(rows)
    for x in (rows, columns, rows):
        np.testing.assert_array_equal(compiled.unchecked(rows)(x), f(x))


@pytest.mark.parametrize("holder", ["a variable", "a dict"])
def test_a_captured_tensor_may_lie_otherwise_at_the_next_call(holder):
    W = ag.Tensor(CUBE)
    kept = {"W": W}
    scaled = {"a variable": lambda x: W * x, "a dict": lambda x: kept["W"] * x}[holder]
    f = writes(scaled, VIEWS["reshape(-1)"])
    compiled = ag.compile(f)
    x = np.broadcast_to(3.0, CUBE.shape)
    for layout in ("rows", "columns", "axes turned", "rows"):
        W.data = lying(CUBE, layout)
        right = writes(lambda x, W=W: W.data * x, VIEWS["reshape(-1)"])(x)
        np.testing.assert_array_equal(compiled(x), right)


def ways_to_write_into_an_argument():
    def item(x):
        x[0] = 5.0
        return x * 2

    def part(x):
        row = x[0]
        row[1:] = 5.0
        return x * 2

    def joined(x):
        x.reshape(-1)[0] = 5.0
        return x * 2

    return [item, part, joined]


@pytest.mark.parametrize("f", ways_to_write_into_an_argument(), ids=lambda f: f.__name__)
def test_what_would_write_into_an_argument_is_refused(f):
    """NumPy would change the caller's array, and with it other arguments that share its memory."""
    x = lying(CUBE, "rows")
    for compiled in (ag.compile(f), ag.compile(lambda x: np.sum(f(x)))):
        with pytest.raises(ag.TracingError, match=r"(?s)x \(2, 3, 4\)\[...\] = .*write x = x.copy"):
            compiled(x)
    np.testing.assert_array_equal(x, CUBE)
    copies = ag.compile(lambda x: f(x.copy()))
    np.testing.assert_array_equal(copies(x), f(x.copy()))


def test_what_would_write_into_a_captured_tensor_is_refused():
    kept = ag.Tensor(np.zeros(3), name="kept")

    def f(x):
        kept[1] = np.sum(x)
        return kept * 2

    with pytest.raises(ag.TracingError, match=r"kept \(3,\)\[...\] = ... changes a Tensor in pl"):
        ag.compile(f)(CUBE)
    np.testing.assert_array_equal(kept.data, 0)


def test_arguments_that_share_memory():
    def f(x, y):
        h = x * 2
        h.T.reshape(-1)[:2] = y[0, 0, 0]
        h[1] = y[0]
        return h, h * y

    compiled = ag.compile(f)
    whole = normal(4, 5, 6, seed=3)
    for x, y in (
        (CUBE, CUBE),
        (CUBE, CUBE[::-1]),
        (CUBE.T.copy().T, CUBE),
        (whole[:2, :3, :4], whole[1:3, 1:4, 1:5]),
        (whole[1:3, :3, :4].swapaxes(0, 0), whole[2:0:-1, :3, 3::-1]),
        (np.broadcast_to(whole[0, :3, :4], CUBE.shape), whole[:2, :3, :4]),
    ):
        before = x.copy(), y.copy()
        assert_own(compiled(x, y), x, y)
        for ours, theirs in zip(compiled(x, y), f(x, y), strict=True):
            np.testing.assert_array_equal(ours, theirs)
        np.testing.assert_array_equal(x, before[0])
        np.testing.assert_array_equal(y, before[1])


@pytest.mark.parametrize("reuse", [False, True])
def test_nobody_else_holds_what_a_program_keeps(reuse):
    """What is returned may be written into, and given back in any form."""

    def f(x, y):
        h = x * 2
        h.reshape(-1)[1:3] = y.T.reshape(-1)[1:3]
        return h, h.T, np.sum(h, axis=0), x, y.reshape(-1)

    compiled = ag.compile(f, reuse_outputs=reuse)
    for layout in LAYOUTS:
        x, y = lying(CUBE, layout), lying(CUBE[::-1], layout)
        for _ in range(2):
            results, right = compiled(x, y), f(x, y)
            for ours, theirs in zip(results, right, strict=True):
                np.testing.assert_array_equal(ours, theirs)
            given = results[0], results[1].T
            right = f(*[lying(array, layout_of(array)) for array in given])
            again = compiled(*given)
            for ours, theirs in zip(again, right, strict=True):
                np.testing.assert_array_equal(ours, theirs)
            for array in again if reuse else (*results, *again):
                array[...] = 99.0


@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (1, 1), (1,)])
def test_numbers_and_nothing(shape):
    def f(x):
        h = x * 2
        h.reshape(-1)[:1] = 5.0
        h.T[...] = h.T * 3
        return h, np.sum(h)

    compiled = ag.compile(f)
    of_cost = ag.value_and_grad(lambda x: f(x)[1])
    compiled_cost = ag.compile(of_cost)
    for layout in LAYOUTS:
        x = lying(np.asarray(normal(*shape) if shape else 0.3), layout)
        assert_same(compiled(x), f(ag.Tensor(x)))
        assert_same(compiled_cost(x), of_cost(x))
        if shape:  # (NumPy makes numbers of arrays without axes)
            np.testing.assert_array_equal(compiled(x)[0], f(x)[0])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_tensor_lies_as_numpys_results_do(layout, dtype):
    """So does its gradient have the machine's byte order, as every result of NumPy's has."""
    x = lying(CUBE.astype(dtype), layout)
    assert layout_of(lying(CUBE, layout)) == layout
    t = ag.Tensor(x, requires_grad=True)
    assert (t * 2).data.strides == (x * 2).strides
    assert np.copy(t).data.strides == np.copy(x).strides
    np.testing.assert_array_equal(t.data, x)
    assert not np.shares_memory(t.data, x)
    J = np.sum(t * t)
    J.backward()
    assert t.dtype == t.grad.dtype == np.dtype(dtype)
    assert_own([t.grad] if t.grad.flags.c_contiguous else [t.grad.T], x)
    np.testing.assert_array_equal(t.grad, 2 * x)


def test_an_operation_is_not_taken_apart_by_numbers_that_hide_what_it_does():
    @ag.differentiable(None)
    def odd(x):
        y = x * 1
        first = y[0]
        first *= 3  # of a Tensor a new one: NumPy's y changes, that of the tape does not
        return y

    def f(x):
        h = x * 0
        h[0] = 0.0
        return odd(h + x)

    compiled = ag.compile(f)
    for x in (np.zeros((2, 3)), np.ones((2, 3))):
        assert_same(compiled(x), f(ag.Tensor(x)))


def test_gradients_are_checked_where_the_arguments_lie():
    def f(x):
        h = x * x
        h[:, 1].ravel()[...] = h[:, 0]  # a view if x lies in columns
        return np.sum(h * np.arange(6.0).reshape(2, 3))

    for layout in LAYOUTS:
        ag.check_gradients(f, lying(normal(2, 3), layout))


@pytest.mark.parametrize("layout", ["rows", "columns", "stretched", "backwards"])
def test_training_that_writes_through_views(layout):
    """Steps on the tape and compiled ones give the same costs and parameters."""

    def activation(Z):
        A = np.tanh(Z.T).T
        A.reshape(-1)[:3] = 0.25
        return A

    def loss(A, Y):
        D = Y * -1
        D.reshape(-1)[:2] = 0.0
        return np.sum((A + D) ** 2)

    X, Y = lying(normal(3, 40), layout), lying(normal(2, 40, seed=1), layout)
    trained = []
    for compiled in (False, True):
        net = nn.Network([3, 4, 2], [activation, "identity"], rng=0)
        for name, W in net.parameters().items():
            net.set_parameters({name: lying(W.data, "columns")})
        history = nn.fit(
            net, X, Y, loss, nn.optimizers.Adam(0.01), epochs=20, batch_size=8, compile=compiled
        )
        assert history.compiled == compiled
        trained.append((history.loss, {k: p.data for k, p in net.parameters().items()}))
    (costs, parameters), (others, theirs) = trained
    np.testing.assert_allclose(costs, others, rtol=1e-12)
    for name, W in parameters.items():
        np.testing.assert_allclose(W, theirs[name], rtol=1e-11)
