"""NumPy's elementwise functions that have forms of their own."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from autograd_lite import rules
from autograd_lite.functions.forms import cast, handles
from autograd_lite.tensor import HANDLERS, Tensor, constant, operands, record, writes_in_place


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
    part = record(rules.fraction, (constant(x),))
    return part, record(np.trunc, (cast(constant(x), part.dtype),))


@handles(np.frexp)
def _np_frexp(x: Any) -> tuple[Tensor, Tensor]:
    n = record(rules.exponent, (constant(x),))
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
    if out is not None:
        raise writes_in_place("np.round")
    return record(np.round, (constant(a),), {"decimals": operator.index(decimals)})


@handles(np.fix)
def _np_fix(x: Any, out: None = None) -> Tensor:
    if out is not None:
        raise writes_in_place("np.fix")
    return record(np.trunc, (constant(x),))
