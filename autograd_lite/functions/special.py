"""scipy.special: its ufuncs, where SciPy is installed.

SciPy's functions in Python turn what they are given into arrays, so a Tensor refuses them. Of these
ag.softmax, ag.log_softmax and ag.logsumexp are here. (scipy.linalg has no ufuncs: what is written
instead of its functions stands in `unusual`.)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_lite.rules import RULES, Rule
from autograd_lite.tensor import HANDLERS, operands, record

try:
    from scipy import special
except ImportError:
    special = None


def _of_order(name: str) -> Rule:
    """The rule of an argument before the last, by which nobody differentiates: it says so."""

    def rule(*_: Any) -> Any:
        raise TypeError(
            f"scipy.special.{name} has no derivative for the arguments before its last one: make "
            "them numbers or arrays, or .detach() the Tensors"
        )

    return rule


def both_zero(x: Any, y: Any) -> Any:
    """Where 0 · log 0 stands, which is 0, with derivatives 0."""
    return (x == 0) & (y == 0)


def _beta_part(g: Any, x: Any, a: Any, b: Any) -> Any:
    return g * (special.digamma(x) - special.digamma(a + b))


def _gamma_density(g: Any, a: Any, x: Any) -> Any:
    return g * np.exp(special.xlogy(a - 1, x) - x - special.gammaln(a))


def _beta_density(g: Any, a: Any, b: Any, x: Any) -> Any:
    a, b = a + 0 * x, b + 0 * x  # in the dtype of x
    logarithm = special.xlogy(a - 1, x) + special.xlog1py(b - 1, -x) - special.betaln(a, b)
    return g * np.exp(logarithm)


def _neighbours(f: Any, v: Any, x: Any, sign: int = 1) -> Any:
    """The half of f for the order below, and of f for the order above: Bessel functions' slopes."""
    return (f(v - 1, x) + sign * f(v + 1, x)) / 2


_STEEP = 2 / math.sqrt(math.pi)
_BELL = math.sqrt(2 * math.pi)


def expn_before(n: Any, x: Any) -> Any:
    """The exponential integral of order n - 1, which SciPy has not below 0."""
    return np.where(
        n > 0, special.expn(np.maximum(n - 1, 0), x), np.exp(-x) * (1 + x) / np.square(x)
    )


# The rules of the functions of scipy.special, by their names there.
_RULES: dict[str, Any] = {
    # The error function, and the normal distribution
    "erf": (lambda g, y, x: g * (_STEEP * np.exp(-x * x)),),
    "erfc": (lambda g, y, x: -g * (_STEEP * np.exp(-x * x)),),
    "erfcx": (lambda g, y, x: g * (2 * x * y - _STEEP),),
    "erfi": (lambda g, y, x: g * (_STEEP * np.exp(x * x)),),
    "erfinv": (lambda g, y, x: g * (np.exp(y * y) / _STEEP),),
    "erfcinv": (lambda g, y, x: -g * (np.exp(y * y) / _STEEP),),
    "dawsn": (lambda g, y, x: g * (1 - 2 * x * y),),
    "ndtr": (lambda g, y, x: g * (np.exp(-x * x / 2) / _BELL),),
    "log_ndtr": (lambda g, y, x: g * (np.exp(-x * x / 2 - y) / _BELL),),
    "ndtri": (lambda g, y, x: g * (np.exp(y * y / 2) * _BELL),),
    # The gamma function
    "gamma": (lambda g, y, x: g * (y * special.digamma(x)),),
    "gammaln": (lambda g, y, x: g * special.digamma(x),),
    "loggamma": (lambda g, y, x: g * special.digamma(x),),
    "rgamma": (lambda g, y, x: -g * (y * special.digamma(x)),),
    "digamma": (lambda g, y, x: g * special.zeta(2, x),),
    "beta": (
        lambda g, y, a, b: _beta_part(g * y, a, a, b),
        lambda g, y, a, b: _beta_part(g * y, b, a, b),
    ),
    "betaln": (
        lambda g, y, a, b: _beta_part(g, a, a, b),
        lambda g, y, a, b: _beta_part(g, b, a, b),
    ),
    "gammainc": (_of_order("gammainc"), lambda g, y, a, x: _gamma_density(g, a, x)),
    "gammaincc": (_of_order("gammaincc"), lambda g, y, a, x: _gamma_density(-g, a, x)),
    "betainc": (*2 * (_of_order("betainc"),), lambda g, y, a, b, x: _beta_density(g, a, b, x)),
    "betaincc": (*2 * (_of_order("betaincc"),), lambda g, y, a, b, x: _beta_density(-g, a, b, x)),
    "gammasgn": (),
    # Hurwitz's zeta: special.zeta(x, q) calls it. Of two, it is the derivative of digamma.
    "_zeta": (_of_order("zeta"), lambda g, y, x, q: -g * (x * special.zeta(x + 1, q))),
    # Exponential integrals; the slope of spence at 1 is nan
    "exp1": (lambda g, y, x: -g * np.exp(-x) / x,),
    "expi": (lambda g, y, x: g * np.exp(x) / x,),
    "expn": (_of_order("expn"), lambda g, y, n, x: -g * expn_before(n, x)),
    "spence": (lambda g, y, x: g * np.log(x) / (1 - x),),
    # The logistic function, exponentials and logarithms
    "expit": (lambda g, y, x: g * (y * (1 - y)),),
    "logit": (lambda g, y, x: g / (x * (1 - x)),),
    "log_expit": (lambda g, y, x: g * special.expit(-x),),
    "exp2": (lambda g, y, x: g * (y * math.log(2)),),
    "exp10": (lambda g, y, x: g * (y * math.log(10)),),
    "expm1": (lambda g, y, x: g * (y + 1),),
    "log1p": (lambda g, y, x: g / (1 + x),),
    "cosm1": (lambda g, y, x: -g * np.sin(x),),
    "cbrt": (lambda g, y, x: g / (3 * y * y),),
    # Entropies. The slope of entr at 0 is ∞, as PyTorch has it.
    "xlogy": (
        lambda g, y, a, b: g * np.log(b + both_zero(a, b)),
        lambda g, y, a, b: g * (a / (b + both_zero(a, b))),
    ),
    "xlog1py": (
        lambda g, y, a, b: g * np.log1p(b + both_zero(a, 1 + b)),
        lambda g, y, a, b: g * (a / (1 + b + both_zero(a, 1 + b))),
    ),
    "entr": (lambda g, y, x: -g * (np.log(x) + 1),),
    "rel_entr": (lambda g, y, a, b: g * (np.log(a / b) + 1), lambda g, y, a, b: -g * (a / b)),
    "kl_div": (lambda g, y, a, b: g * np.log(a / b), lambda g, y, a, b: g * (1 - a / b)),
    # Bessel functions of the first and second kind, and modified ones
    "j0": (lambda g, y, x: -g * special.j1(x),),
    "j1": (lambda g, y, x: g * _neighbours(special.jv, 1, x, -1),),
    "y0": (lambda g, y, x: -g * special.y1(x),),
    "y1": (lambda g, y, x: g * _neighbours(special.yv, 1, x, -1),),
    "jv": (_of_order("jv"), lambda g, y, v, x: g * _neighbours(special.jv, v, x, -1)),
    "yv": (_of_order("yv"), lambda g, y, v, x: g * _neighbours(special.yv, v, x, -1)),
    "yn": (_of_order("yn"), lambda g, y, n, x: g * _neighbours(special.yn, n, x, -1)),
    "i0": (lambda g, y, x: g * special.i1(x),),
    "i1": (lambda g, y, x: g * _neighbours(special.iv, 1, x),),
    "i0e": (lambda g, y, x: g * (special.i1e(x) - np.sign(x) * y),),
    "i1e": (lambda g, y, x: g * (_neighbours(special.ive, 1, x) - np.sign(x) * y),),
    "iv": (_of_order("iv"), lambda g, y, v, x: g * _neighbours(special.iv, v, x)),
    "ive": (
        _of_order("ive"),
        lambda g, y, v, x: g * (_neighbours(special.ive, v, x) - np.sign(x) * y),
    ),
    "k0": (lambda g, y, x: -g * special.k1(x),),
    "k1": (lambda g, y, x: -g * _neighbours(special.kv, 1, x),),
    "k0e": (lambda g, y, x: g * (y - special.k1e(x)),),
    "k1e": (lambda g, y, x: g * (y - _neighbours(special.kve, 1, x)),),
    "kv": (_of_order("kv"), lambda g, y, v, x: -g * _neighbours(special.kv, v, x)),
    "kve": (_of_order("kve"), lambda g, y, v, x: g * (y - _neighbours(special.kve, v, x))),
    "kn": (_of_order("kn"), lambda g, y, n, x: -g * _neighbours(special.kn, n, x)),
    # A loss
    "huber": (
        lambda g, y, delta, r: g * np.maximum(np.abs(r) - delta, 0),
        lambda g, y, delta, r: g * np.clip(r, -delta, delta),
    ),
}


def _recording(op: Any) -> Callable[..., Any]:
    """The handler of a ufunc. A number is float64 where SciPy makes it so, beside float32 too."""
    least = np.dtype(op.types[0][0])

    def handler(*inputs: Any) -> Any:
        if any(type(x) in (int, float) for x in inputs):
            dtype = np.result_type(least, *(x.dtype for x in inputs if hasattr(x, "dtype")))
            inputs = tuple(np.asarray(x, dtype) if type(x) in (int, float) else x for x in inputs)
        return record(op, operands(inputs))

    return handler


if special:
    for _name, _rule in _RULES.items():
        _ufunc = getattr(special, _name, None) or getattr(special._ufuncs, _name, None)
        if isinstance(_ufunc, np.ufunc):
            RULES[_ufunc] = _rule
            HANDLERS[_ufunc] = _recording(_ufunc)
