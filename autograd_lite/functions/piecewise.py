"""NumPy's functions that are put together of pieces: chosen, interpolated, replaced, compared."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from autograd_lite import rules
from autograd_lite.errors import described
from autograd_lite.functions.forms import cast, handles
from autograd_lite.rules import RULES
from autograd_lite.tensor import Tensor, constant, operands, record

# What is replaced is constant; what is shifted by whole periods is not.
RULES[np.nan_to_num] = (lambda g, y, x, nan, posinf, neginf: np.where(np.isfinite(x), g, 0),)
RULES[np.unwrap] = (lambda g, y, p, discont, axis, period: g,)


@handles(np.select)
def _np_select(condlist: Any, choicelist: Any, default: Any = 0) -> Tensor:
    if not len(condlist) or len(condlist) != len(choicelist):
        raise ValueError(
            f"np.select takes as many conditions as choices: {len(condlist)} ≠ {len(choicelist)}"
        )
    conditions = [constant(c) for c in condlist]
    for k, c in enumerate(conditions):
        if c.dtype.kind != "b":
            raise TypeError(f"np.select takes boolean conditions: number {k} is of {c.dtype}")
    given = operands((*choicelist, default))
    dtype = np.result_type(*[x.dtype if isinstance(x, Tensor) else x for x in given])
    *choices, y = [x if isinstance(x, Tensor) else constant(np.asarray(x, dtype)) for x in given]
    for c, x in zip(reversed(conditions), reversed(choices), strict=True):
        y = record(np.where, (c, x, y))
    return cast(y, dtype)


@handles(np.piecewise)
def _np_piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Tensor:
    x = constant(x)
    conditions = _conditions(x, condlist)
    if len(funclist) == len(conditions) + 1:
        otherwise = conditions[0]
        for c in conditions[1:]:
            otherwise = otherwise | c
        conditions.append(~otherwise)
    if len(funclist) != len(conditions):
        raise ValueError(
            f"np.piecewise takes one function for each condition, and one for the rest: "
            f"{len(funclist)} functions for {len(conditions)} conditions"
        )
    y = constant(np.zeros(x.shape, x.dtype))
    for c, function in zip(conditions, funclist, strict=True):
        part = x[c]
        if part.size:
            new = constant(function(part, *args, **kw) if callable(function) else function)
            new = record(np.broadcast_to, (cast(new, x.dtype),), {"shape": part.shape})
            masks, index = ((c,), rules.Slot(0)) if isinstance(c, Tensor) else ((), c)
            placed = rules.scatter_add(new, *masks, shape=x.shape, index=(index,))
            y = record(np.where, operands((c, placed, y)))
    return y


def _conditions(x: Tensor, condlist: Any) -> list[Any]:
    """The masks of np.piecewise: a list of them, or one alone."""
    if isinstance(condlist, list | tuple):
        alone = x.ndim and not isinstance(condlist[0], list | np.ndarray | Tensor)
    else:
        alone = np.ndim(condlist) <= x.ndim
    conditions = []
    for c in [condlist] if alone else condlist:
        c = c if isinstance(c, Tensor) else np.asarray(c)
        if c.shape != x.shape:
            raise ValueError(f"np.piecewise of {described(x)}: a condition has shape {c.shape}")
        conditions.append(c if c.dtype.kind == "b" else c != 0)
    return conditions


@handles(np.interp)
def _np_interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Tensor:
    x, xp, fp = (cast(constant(z), float) for z in (x, xp, fp))
    if xp.ndim != 1 or xp.shape != fp.shape or not xp.size:
        raise ValueError(
            f"np.interp takes as many values as points, in vectors: {xp.shape} and {fp.shape}"
        )
    if period is not None:
        if period == 0:
            raise ValueError("np.interp: period must be a non-zero value")
        left = right = None
        period = abs(period)
        x, xp = x % period, xp % period
        order = np.argsort(xp)
        xp, fp = xp[order], fp[order]
        xp = np.concatenate((xp[-1:] - period, xp, xp[:1] + period))
        fp = np.concatenate((fp[-1:], fp, fp[:1]))
    at: Any = np.maximum(np.searchsorted(xp, x, side="right") - 1, 0)
    y = fp[at]
    if xp.size > 1:
        width = xp[1:] - xp[:-1]
        slope = (fp[1:] - fp[:-1]) / (width + (width == 0))
        y = slope[np.minimum(at, xp.size - 2)] * (np.clip(x, xp[0], xp[-1]) - xp[at]) + y
    y = y if left is None else np.where(x < xp[0], left, y)
    return y if right is None else np.where(x > xp[-1], right, y)


@handles(np.nan_to_num)
def _np_nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Tensor:
    if not copy:
        raise TypeError("np.nan_to_num(..., copy=False) writes in place: leave copy out")
    static = {"nan": nan, "posinf": posinf, "neginf": neginf}
    for name, value in static.items():
        if isinstance(value, Tensor) or np.ndim(value):
            raise TypeError(f"np.nan_to_num on a Tensor takes a number as {name}=")
    return record(np.nan_to_num, (constant(x),), static)


@handles(np.unwrap)
def _np_unwrap(
    p: Any, discont: float | None = None, axis: int = -1, *, period: float = 2 * np.pi
) -> Tensor:
    static = {"discont": discont, "axis": operator.index(axis), "period": period}
    return record(np.unwrap, (constant(p),), static)
