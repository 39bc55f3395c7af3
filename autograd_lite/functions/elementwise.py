"""NumPy's elementwise functions that have forms of their own."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from autograd_lite.functions.forms import cast, handles, refuse
from autograd_lite.rules import RULES, operation
from autograd_lite.tensor import HANDLERS, Tensor, constant, operands, record

RULES[np.sinc] = (lambda g, y, x: g * sinc_slope(x, order=1),)
RULES[np.i0] = (lambda g, y, x: g * i0_slope(x, order=1),)


@operation(lambda g, y, x: g)
def fraction(x: Any) -> Any:
    """What stands after the point, with the sign of x: the first result of np.modf."""
    return np.modf(x)[0]


@operation()
def exponent(x: Any) -> Any:
    """The power of two in x = mantissa · 2ⁿ: the second result of np.frexp."""
    return np.frexp(x)[1]


@operation(lambda g, y, x, order: g * sinc_slope(x, order=order + 1))
def sinc_slope(x: Any, order: int) -> Any:
    """A derivative of sinc, ∫₀¹ (πt)ⁿ cos(πxt + nπ/2) dt: near 0 its series, elsewhere by parts."""
    z = math.pi * x
    near = np.abs(z) < order + 1
    small, large = np.where(near, z, 0), np.where(near, order + 1, z)
    series, by_parts = 0 * z, np.sin(large) / large
    for k in range(3 * order + 11, (order + 1) // 2 - 1, -1):
        term = (-1) ** k / ((2 * k + 1) * math.factorial(2 * k - order))
        series = series * (small * small) + term
    for n in range(1, order + 1):
        by_parts = (np.sin(large + n * (math.pi / 2)) - n * by_parts) / large
    return math.pi**order * np.where(near, series * small if order % 2 else series, by_parts)


@operation(lambda g, y, x, order: g * i0_slope(x, order=order + 1))
def i0_slope(x: Any, order: int) -> Any:
    """A derivative of i0, ∫₀^π cosⁿt exp(x cos t) dt / π: midpoints, exact as far as i0 goes."""
    total = np.zeros(x.shape, x.dtype if x.dtype.kind == "f" else float)
    for k in range(64):
        c = math.cos((2 * k + 1) * math.pi / 256)
        total += (np.sinh(c * x) if order % 2 else np.cosh(c * x)) * (c**order / 64)
    return total


@handles(np.power)
def _np_power(a: Any, b: Any) -> Any:
    if type(b) in (int, float) and b == 2:
        return record(np.square, (constant(a),))
    if not isinstance(a, Tensor) and isinstance(b, Tensor):
        a = np.asarray(a, b.dtype if type(a) in (int, float) else None)
    return record(np.power, operands((a, b)))


@handles(np.where)
def _np_where(*arguments: Any) -> Tensor:
    if len(arguments) != 3:
        raise TypeError("np.where on Tensors takes a condition and two choices")
    condition, a, b = operands(arguments)
    if isinstance(condition, Tensor) and condition.dtype.kind != "b":
        condition = condition != 0
    return record(np.where, (condition, a, b))


@handles(np.clip)
def _np_clip(x: Any, a_min: Any = None, a_max: Any = None, **bounds: Any) -> Tensor:
    low, high = bounds.pop("min", a_min), bounds.pop("max", a_max)
    if bounds:
        raise TypeError(f"np.clip got an unexpected keyword argument {next(iter(bounds))!r}")
    low, high = (-math.inf if low is None else low), (math.inf if high is None else high)
    return record(np.clip, operands((constant(x), low, high)))


@handles(np.divmod)
def _np_divmod(a: Any, b: Any) -> tuple[Tensor, Tensor]:
    inputs = operands((a, b))
    return record(np.floor_divide, inputs), record(np.remainder, inputs)


@handles(np.modf)
def _np_modf(x: Any) -> tuple[Tensor, Tensor]:
    part = record(fraction, (constant(x),))
    return part, record(np.trunc, (cast(constant(x), part.dtype),))


@handles(np.frexp)
def _np_frexp(x: Any) -> tuple[Tensor, Tensor]:
    n = record(exponent, (constant(x),))
    return record(np.ldexp, (x, -n)), n


@handles(np.ldexp)
def _np_ldexp(x: Any, n: Any) -> Tensor:
    return record(np.ldexp, (constant(x), constant(n)))  # (2 stays an integer)


HANDLERS[np.sinc] = lambda x: record(np.sinc, (constant(x),))
HANDLERS[np.i0] = lambda x: record(np.i0, (constant(x),))
HANDLERS[np.real] = lambda val: val
HANDLERS[np.imag] = lambda val: constant(np.zeros(val.shape, val.dtype))


@handles(np.round, np.around)
def _np_round(a: Any, decimals: int = 0, out: None = None) -> Tensor:
    refuse("round", out=out)
    return record(np.round, (constant(a),), {"decimals": operator.index(decimals)})


@handles(np.fix)
def _np_fix(x: Any, out: None = None) -> Tensor:
    refuse("fix", out=out)
    return record(np.trunc, (constant(x),))
