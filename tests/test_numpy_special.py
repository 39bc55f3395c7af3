"""scipy.special on Tensors: SciPy's values, right gradients, also where 0 · log 0 stands."""

from __future__ import annotations

import numpy as np
import pytest
from samples_special import SAMPLES

import autograd_lite as ag

special = pytest.importorskip("scipy.special")


@pytest.mark.parametrize("name", [f.__name__ for f in SAMPLES if isinstance(f, np.ufunc)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_values_are_scipys(name, dtype):
    (f, arrays), *_ = SAMPLES[getattr(special, name)]
    arrays = [x.astype(dtype) for x in arrays]
    y, right = f(*[ag.Tensor(x) for x in arrays]), f(*arrays)
    np.testing.assert_array_equal(y.data, right)
    assert y.dtype == right.dtype


@pytest.mark.parametrize("f", [special.xlogy, special.xlog1py])
def test_zero_times_log_zero(f):
    x, y = np.array([0.0, 0.0, 2.0]), np.array([0.0, 3.0, 5.0])
    y = y - (f is special.xlog1py)
    dx, dy = ag.grad(lambda x, y: np.sum(f(x, y)), (0, 1))(x, y)
    np.testing.assert_allclose(dx, [0, np.log(3), np.log(5)])
    np.testing.assert_allclose(dy, [0, 0, 0.4])
    np.testing.assert_allclose(ag.grad(lambda y: np.sum(f(0.0, y)))(y), 0)


@pytest.mark.parametrize("f", [special.i0, special.i1, special.i0e, special.erf, special.dawsn])
def test_on_both_sides_of_zero(f):
    ag.check_gradients(f, np.array([-1.3, -0.2, 0.4]), order=3)


@pytest.mark.parametrize("f", [special.gammainc, special.gammaincc, special.iv, special.ive])
def test_an_order_has_no_gradient_and_says_so(f):
    with pytest.raises(TypeError, match=rf"scipy\.special\.{f.__name__} has no derivative"):
        ag.grad(lambda a: np.sum(f(a, 1.5)))(np.array([1.0, 2.0]))


def test_what_has_no_rule_is_refused_by_name():
    t = ag.Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(TypeError, match="j0 has no rule"):
        special.j0(t)
    with pytest.raises(TypeError, match="a Tensor is not an array"):
        special.logsumexp(t)
    linalg = pytest.importorskip("scipy.linalg")
    with pytest.raises(TypeError, match="a Tensor is not an array"):
        linalg.expm(ag.Tensor(np.eye(2), requires_grad=True))


def test_ours_are_scipys():
    x = np.random.default_rng(0).normal(size=(2, 3))
    for name in ("softmax", "log_softmax", "logsumexp"):
        right = getattr(special, name)(x, axis=1)
        np.testing.assert_allclose(getattr(ag, name)(ag.Tensor(x), axis=1).data, right)
