"""NumPy's elementwise functions that have forms of their own."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_lite.functions.forms import handles
from autograd_lite.tensor import Tensor, constant, operands, record


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
