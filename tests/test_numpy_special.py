"""scipy.special on Tensors: SciPy's values, right gradients, also where 0 · log 0 stands."""

from __future__ import annotations

import math

import numpy as np
import pytest
from samples_special import SAMPLES

import autograd_lite as ag

special = pytest.importorskip("scipy.special")


@pytest.mark.parametrize("name", [f.__name__ for f in SAMPLES if isinstance(f, np.ufunc)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_values_are_scipys(name, dtype):
    (f, arrays), *_ = SAMPLES[getattr(special, name, None) or getattr(special._ufuncs, name)]
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


@pytest.mark.parametrize(
    "f", [special.gammainc, special.gammaincc, special.iv, special.ive, special.kv]
)
def test_an_order_has_no_gradient_and_says_so(f):
    with pytest.raises(TypeError, match=rf"scipy\.special\.{f.__name__} has no derivative"):
        ag.grad(lambda a: np.sum(f(a, 1.5)))(np.array([1.0, 2.0]))


def test_what_has_no_rule_is_refused_by_name():
    t = ag.Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(TypeError, match=r"scipy\.special\.wofz has no rule"):
        special.wofz(t)
    with pytest.raises(TypeError, match=r"scipy\.special\.zeta has no rule"):
        special.zeta(t)


# What SciPy computes in Python, and what its refusal says to write instead.
INSTEAD = {
    "special.softmax(t, axis=0)": "ag.softmax(t, axis=0)",
    "special.log_softmax(t, axis=0)": "ag.log_softmax(t, axis=0)",
    "special.logsumexp(t, axis=0)": "ag.logsumexp(t, axis=0)",
    "special.polygamma(2, t)": "(-1) ** (2 + 1) * math.factorial(2) * special.zeta(2 + 1, t)",
    "special.multigammaln(t, 3)": (
        "3 * (3 - 1) / 4 * np.log(np.pi) + sum(special.gammaln(t - k / 2) for k in range(3))"
    ),
    "linalg.solve_triangular(t, b, lower=True)": "np.linalg.solve(np.tril(t), b)",
    "linalg.cho_solve((t, True), b)": "np.linalg.solve(t.T, np.linalg.solve(t, b))",
    "linalg.expm(t)": "expm(t)",
    "linalg.norm(t)": "np.linalg.norm(t)",
}


@ag.differentiable(lambda g, y, A: expm(np.block([[A.T, g], [0 * A, A.T]]))[: len(A), len(A) :])
def expm(A):
    return pytest.importorskip("scipy.linalg").expm(A)


@pytest.mark.parametrize("call", INSTEAD)
def test_what_scipy_does_in_python_is_refused_by_name_with_what_to_write(call):
    linalg = pytest.importorskip("scipy.linalg")
    x = np.tril(np.random.default_rng(0).uniform(1.5, 2.5, size=(3, 3)))
    x = x + 1.5 if "gamma" in call else x
    scope = {"special": special, "linalg": linalg, "np": np, "ag": ag, "math": math, "expm": expm}
    scope["b"] = np.array([1.0, -2.0, 0.5])
    with pytest.raises(TypeError, match=rf"scipy\.{call.split('(')[0]}: a Tensor .* (Write|Make)"):
        eval(call, scope | {"t": ag.Tensor(x, requires_grad=True)})
    instead = lambda t: eval(INSTEAD[call], scope | {"t": t})
    np.testing.assert_allclose(instead(ag.Tensor(x)).data, eval(call, scope | {"t": x}), rtol=1e-12)
    ag.check_gradients(instead, x, order=2)


def test_ours_are_scipys():
    x = np.random.default_rng(0).normal(size=(2, 3))
    for name in ("softmax", "log_softmax", "logsumexp"):
        right = getattr(special, name)(x, axis=1)
        np.testing.assert_allclose(getattr(ag, name)(ag.Tensor(x), axis=1).data, right)
