"""Every rule of the table, at first, second and third order, and replayed at other values."""

from __future__ import annotations

import numpy as np
import pytest
from builders import normal, of_the_table, scalar
from samples import CASES, SAMPLES

import autograd_lite as ag
from autograd_lite.graph import replay, steps
from autograd_lite.rules import RULES

pytestmark = pytest.mark.filterwarnings("error")
by_name = pytest.mark.parametrize(
    ("f", "arrays"), [pytest.param(f, arrays, id=name) for name, f, arrays in CASES]
)


def numeric(f, arrays, k, h=1e-6):
    """Central differences of a scalar function of arrays."""
    result = np.zeros(arrays[k].shape)
    for i in np.ndindex(result.shape):
        values = []
        for step in (h, -h):
            moved = [a.copy() for a in arrays]
            moved[k][i] += step
            values.append(f(*[ag.Tensor(a) for a in moved]).item())
        result[i] = (values[0] - values[1]) / (2 * h)
    return result


def test_every_rule_has_a_sample():
    ours = {op for op, r in RULES.items() if r and of_the_table(op)}
    assert ours - SAMPLES.keys() == set()
    assert SAMPLES.keys() - ours == set()


@by_name
def test_first_order(f, arrays):
    J = scalar(f, arrays)
    before = [a.copy() for a in arrays]
    gradients = ag.grad(J, tuple(range(len(arrays))))(*arrays)
    for k, g in enumerate(gradients):
        assert g.shape == arrays[k].shape
        np.testing.assert_allclose(g, numeric(J, arrays, k), rtol=1e-6, atol=1e-8)
        np.testing.assert_array_equal(arrays[k], before[k])
    for k, g in enumerate(gradients):
        assert g.flags.writeable
        assert g.flags.c_contiguous
        for other in (*gradients[:k], *arrays):
            assert not np.shares_memory(g, other)


@pytest.mark.parametrize("order", [2, 3])
@by_name
def test_higher_order(f, arrays, order):
    J = scalar(f, arrays)
    for _ in range(order - 1):
        J = projected(J, arrays)
    for k in range(len(arrays)):
        tape = ag.grad(J, k)(*arrays)
        np.testing.assert_allclose(tape, numeric(J, arrays, k), rtol=2e-5, atol=1e-6)


def projected(J, arrays):
    """The gradient of J along a fixed random direction: a scalar function again."""
    directions = [normal(*a.shape, seed=5 + k) for k, a in enumerate(arrays)]

    def slope(*args):
        gradients = ag.grad(J, tuple(range(len(args))))(*args)
        return sum(np.sum(g * d) for g, d in zip(gradients, directions, strict=True))

    return slope


@by_name
def test_replay_equals_recording_afresh(f, arrays):
    J = scalar(f, arrays)
    tensors = [ag.Tensor(a, requires_grad=True) for a in arrays]
    recorded = steps(J(*tensors), tensors)
    for seed in range(3):
        moved = [np.abs(a) * np.exp(normal(*a.shape, seed=seed)) * np.sign(a) for a in arrays]
        if any((a > 0).all() for a in arrays):
            flipped = moved
        else:
            flipped = [m * np.sign(normal(*m.shape, seed=9)) for m in moved]
        fresh = [ag.Tensor(a, requires_grad=True) for a in flipped]
        expected = J(*fresh)
        values = replay(recorded, dict(zip(tensors, flipped, strict=True)))
        np.testing.assert_array_equal(values[recorded.cost.number], expected.data)
        for t, g in zip(tensors, ag.gradients(expected, fresh), strict=True):
            np.testing.assert_array_equal(values[recorded.gradient(t).number], g)


@by_name
def test_float32_stays_float32(f, arrays):
    tensors = [ag.Tensor(a.astype(np.float32), requires_grad=True) for a in arrays]
    y = f(*tensors)
    if f(*[ag.Tensor(a) for a in arrays]).dtype == y.dtype:  # astype
        return
    assert y.dtype == np.float32
    recorded = steps(y, tensors, gradient=np.ones(y.shape))
    wide = [s for s in recorded if s.value.dtype == np.float64]
    assert wide == []
