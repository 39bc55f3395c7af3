"""Random programs: compositions, indices and axes, against central differences and each other.

Every test draws shapes, values and the program itself; the judge never uses a rule of the table.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import autograd_lite as ag
from autograd_lite.graph import replay, steps

few = settings(max_examples=40, deadline=None, derandomize=True)

# Smooth at every real number and tame in value, so that differences of any composition are exact
# to about 1e-7.
UNARY = {
    "tanh": np.tanh,
    "sin": np.sin,
    "cos": np.cos,
    "sigmoid": ag.sigmoid,
    "softplus": ag.softplus,
    "square of tanh": lambda x: np.square(np.tanh(x)),
    "root": lambda x: np.sqrt(1 + x * x),
    "logarithm": lambda x: np.log1p(np.exp(np.sin(x))),
    "cube": lambda x: np.sin(x) ** 3,
    "inverse": lambda x: (1 + x**2) ** -1,
    "reciprocal": lambda x: 1 / (2 + np.cos(x)),
    "softmax": lambda x: ag.softmax(x, axis=-1),
    "log_softmax": lambda x: ag.log_softmax(x, axis=0),
    "centred": lambda x: x - np.mean(x, axis=-1, keepdims=True),
    "spread": lambda x: x / np.sqrt(1 + np.var(x, axis=0, keepdims=True)),
    "summed": lambda x: np.sum(np.sin(x), axis=(0, -1), keepdims=True),
    "logsumexp": lambda x: ag.logsumexp(x, axis=1, keepdims=True),
    "turned": lambda x: np.tanh(x.T).T,
    "rolled": lambda x: np.concatenate([x[1:], x[:1]], axis=0),
    "repeated": lambda x: x[np.zeros(x.shape[0], int)] + x,
    "masked": lambda x: np.where(np.arange(x.shape[-1]) % 2 == 0, x, np.sin(x)),
}
BINARY = {
    "sum": np.add,
    "difference": np.subtract,
    "product": lambda a, b: np.tanh(a) * b,
    "quotient": lambda a, b: a / (2 + np.sin(b)),
    "power": lambda a, b: (1.5 + np.sin(a)) ** np.tanh(b),
    "gram": lambda a, b: np.tanh(a @ b.T) @ b,
    "einsum": lambda a, b: np.einsum("ij,kj->ij", a, np.sin(b)),
    "stacked": lambda a, b: np.stack([a, a * 2], axis=-1).mean(axis=-1) + b,
}
M, N = 3, 4


@st.composite
def programs(draw):
    """What to do to a list of values, by name: each step appends a value made of earlier ones."""
    lines, made = [], 2
    for _ in range(draw(st.integers(2, 7))):
        if draw(st.booleans()):
            lines.append((draw(st.sampled_from(sorted(UNARY))), draw(st.integers(0, made - 1))))
        else:
            pair = draw(st.integers(0, made - 1)), draw(st.integers(0, made - 1))
            lines.append((draw(st.sampled_from(sorted(BINARY))), *pair))
        made += 1
    return lines


def run(program, a, b):
    """The value of a program: every line's, summed with fixed weights."""
    values = [a, b]
    for name, *at in program:
        y = (UNARY | BINARY)[name](*(values[k] for k in at))
        values.append(np.broadcast_to(y, (M, N)))
    weights = np.cos(np.arange(M * N)).reshape(M, N)
    return sum(np.sum(np.tanh(y) * weights) for y in values)


def directions(seed):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(M, N)) for _ in range(2)]


def slope(f, points, along, h=1e-3):
    """A central difference of fourth order."""

    def at(t):
        return float(f(*(ag.Tensor(p + t * d) for p, d in zip(points, along, strict=True))))

    return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)


@few
@given(programs(), st.integers(0, 2**20))
def test_random_programs_to_third_order(program, seed):
    points, along = directions(seed), [d / 5 for d in directions(seed + 1)]
    f = lambda a, b: run(program, a, b)
    for order in range(3):
        gradients = ag.grad(f, (0, 1))(*points)
        assert all(g.dtype == float and g.flags.carray for g in gradients)
        tape = sum(float(np.sum(g * d)) for g, d in zip(gradients, along, strict=True))
        scale = sum(float(np.abs(g * d).sum()) for g, d in zip(gradients, along, strict=True))
        assert tape == pytest.approx(slope(f, points, along), rel=1e-5, abs=1e-6 * (1 + scale))
        f = projected(f, [d / 5 for d in directions(seed + 2 + order)])


def projected(f, along):
    """The derivative of f along fixed directions, a scalar function again."""

    def derivative(a, b):
        pairs = zip(ag.grad(f, (0, 1))(a, b), along, strict=True)
        return sum(np.sum(g * d) for g, d in pairs)

    return derivative


@few
@given(programs(), st.integers(0, 2**20))
def test_random_programs_replay_and_stay_float32(program, seed):
    leaves = [ag.Tensor(p, requires_grad=True) for p in directions(seed)]
    recorded = steps(run(program, *leaves), leaves)
    moved = directions(seed + 1)
    fresh = [ag.Tensor(p, requires_grad=True) for p in moved]
    J = run(program, *fresh)
    values = replay(recorded, dict(zip(leaves, moved, strict=True)))
    assert values[recorded.cost.number] == J.data
    expected = ag.gradients(J, fresh)
    for t, g in zip(leaves, expected, strict=True):
        np.testing.assert_array_equal(values[recorded.gradient(t).number], g)
    assert not np.shares_memory(*expected)

    # weights and masks of the judge are float64: what flows from float32 alone must be float32
    narrow = [ag.Tensor(p.astype(np.float32), requires_grad=True) for p in moved]
    for g, wide in zip(ag.gradients(run(program, *narrow), narrow), expected, strict=True):
        assert g.dtype == np.float32
        np.testing.assert_allclose(g, wide, rtol=0.01, atol=1e-4 * (1 + np.abs(wide).max()))


shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3)


@given(st.data(), shapes)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_any_index_of_any_shape(data, shape):
    """Against counting: the gradient of x[index] adds g where NumPy itself finds each entry."""
    index = data.draw(
        st.one_of(
            hnp.basic_indices(shape, allow_newaxis=True),
            hnp.arrays(bool, shape),
            *([hnp.integer_array_indices(shape)] if shape and 0 not in shape else []),
        )
    )
    numbers = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    x = ag.Tensor(numbers * 0.5, requires_grad=True)
    y = x[index]
    np.testing.assert_array_equal(y.data, (numbers * 0.5)[index])
    g = np.random.default_rng(0).normal(size=y.shape)
    y.backward(g)
    where = np.asarray(numbers[index]).ravel()
    expected = np.bincount(where, g.ravel(), minlength=numbers.size).reshape(shape)
    assert x.grad.shape == shape
    np.testing.assert_allclose(x.grad, expected, rtol=1e-14)
    (twice,) = ag.gradients(np.sum(x[index] ** 2), [x], create_graph=True)
    counted = np.bincount(where, minlength=numbers.size).reshape(shape)
    np.testing.assert_allclose(ag.gradients(np.sum(twice), [x])[0], 2.0 * counted)


@given(st.data(), hnp.array_shapes(min_dims=0, max_dims=4, max_side=3), st.booleans())
@settings(max_examples=120, deadline=None, derandomize=True)
def test_any_axis_of_every_reduction(data, shape, keepdims):
    """Against one direction's central difference, and NumPy's own value and shape."""
    axes = st.one_of(
        st.none(), hnp.valid_tuple_axes(len(shape)), *([st.integers(-len(shape), -1)] * bool(shape))
    )
    axis = data.draw(axes)
    rng = np.random.default_rng(1)
    a, d = (
        rng.permutation(np.arange(1.0, 1 + np.prod(shape))).reshape(shape),
        rng.normal(size=shape),
    )
    for f in (np.sum, np.mean, np.max, np.min, np.var, np.std, ag.logsumexp):
        y = f(ag.Tensor(a), axis=axis, keepdims=keepdims)
        reduced = f(a, axis=axis, keepdims=keepdims)
        assert y.shape == np.shape(reduced)
        np.testing.assert_allclose(y.data, reduced, rtol=1e-14)
        if f is np.std and not np.all(reduced):
            continue  # of equals: there the deviation has no derivative
        w = rng.normal(size=y.shape)
        value = lambda t, f=f, w=w: float(np.sum(w * f(a + t * d, axis=axis, keepdims=keepdims)))
        x = ag.Tensor(a, requires_grad=True)
        f(x, axis=axis, keepdims=keepdims).backward(w)
        difference = (value(1e-5) - value(-1e-5)) / 2e-5
        assert np.sum(x.grad * d) == pytest.approx(difference, rel=1e-6, abs=1e-6)


@given(st.data())
@settings(max_examples=80, deadline=None, derandomize=True)
def test_any_two_shapes_that_matmul_takes(data):
    shapes = data.draw(
        hnp.mutually_broadcastable_shapes(signature=np.matmul.signature, max_dims=2, max_side=3)
    )
    rng = np.random.default_rng(2)
    a, b = (rng.normal(size=shape) for shape in shapes.input_shapes)
    x, z = ag.Tensor(a, requires_grad=True), ag.Tensor(b, requires_grad=True)
    y = x @ z
    np.testing.assert_allclose(y.data, a @ b, rtol=1e-12, atol=1e-14)
    w, da, db = rng.normal(size=y.shape), rng.normal(size=a.shape), rng.normal(size=b.shape)
    y.backward(w)
    # a product is linear in each factor: no differences are needed
    assert np.sum(x.grad * da) == pytest.approx(np.sum(w * (da @ b)), rel=1e-9, abs=1e-12)
    assert np.sum(z.grad * db) == pytest.approx(np.sum(w * (a @ db)), rel=1e-9, abs=1e-12)
