"""scipy.special: its ufuncs, where SciPy is installed.

SciPy's other functions turn what they are given into arrays, so a Tensor refuses them. Of these
ag.softmax, ag.log_softmax and ag.logsumexp are here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_lite.rules import RULES, Rule, operation
from autograd_lite.tensor import HANDLERS, operands, record

try:
    from scipy import special
except ImportError:
    special = None


def _of_order(name: str) -> Rule:
    """The rule of an argument by which nobody differentiates: it says so."""

    def rule(*_: Any) -> Any:
        raise TypeError(
            f"scipy.special.{name} has no derivative for its first argument: make that a number "
            "or an array, or .detach() the Tensor"
        )

    return rule


def both_zero(x: Any, y: Any) -> Any:
    """Where 0 · log 0 stands, which is 0, with derivatives 0."""
    return (x == 0) & (y == 0)


@operation(lambda g, y, x, n: g * polygamma(x, n=n + 1))
def polygamma(x: Any, n: int) -> Any:
    """The derivative of digamma of this order."""
    return np.asarray(special.polygamma(n, x)).astype(x.dtype)


_STEEP = 2 / math.sqrt(math.pi)
_BELL = math.sqrt(2 * math.pi)


def _rules(s: Any) -> dict[str, Any]:
    """The rules of the functions in s, by their names there."""
    beta = lambda g, x, a, b: g * (s.digamma(x) - s.digamma(a + b))
    return {
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
        "gamma": (lambda g, y, x: g * (y * s.digamma(x)),),
        "gammaln": (lambda g, y, x: g * s.digamma(x),),
        "loggamma": (lambda g, y, x: g * s.digamma(x),),
        "rgamma": (lambda g, y, x: -g * (y * s.digamma(x)),),
        "digamma": (lambda g, y, x: g * polygamma(x, n=1),),
        "beta": (
            lambda g, y, a, b: beta(g * y, a, a, b),
            lambda g, y, a, b: beta(g * y, b, a, b),
        ),
        "betaln": (lambda g, y, a, b: beta(g, a, a, b), lambda g, y, a, b: beta(g, b, a, b)),
        "gammainc": (
            _of_order("gammainc"),
            lambda g, y, a, x: g * np.exp((a - 1) * np.log(x) - x - s.gammaln(a)),
        ),
        "gammaincc": (
            _of_order("gammaincc"),
            lambda g, y, a, x: -g * np.exp((a - 1) * np.log(x) - x - s.gammaln(a)),
        ),
        # The logistic function, exponentials and logarithms
        "expit": (lambda g, y, x: g * (y * (1 - y)),),
        "logit": (lambda g, y, x: g / (x * (1 - x)),),
        "log_expit": (lambda g, y, x: g * s.expit(-x),),
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
        # Bessel functions, modified ones, of the first kind
        "i0": (lambda g, y, x: g * s.i1(x),),
        "i1": (lambda g, y, x: g * ((s.i0(x) + s.iv(2, x)) / 2),),
        "i0e": (lambda g, y, x: g * (s.i1e(x) - np.sign(x) * y),),
        "i1e": (lambda g, y, x: g * ((s.i0e(x) + s.ive(2, x)) / 2 - np.sign(x) * y),),
        "iv": (
            _of_order("iv"),
            lambda g, y, v, x: g * ((s.iv(v - 1, x) + s.iv(v + 1, x)) / 2),
        ),
        "ive": (
            _of_order("ive"),
            lambda g, y, v, x: g * ((s.ive(v - 1, x) + s.ive(v + 1, x)) / 2 - np.sign(x) * y),
        ),
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
    for _name, _rule in _rules(special).items():
        _ufunc = getattr(special, _name, None)
        if isinstance(_ufunc, np.ufunc):
            RULES[_ufunc] = _rule
            HANDLERS[_ufunc] = _recording(_ufunc)
