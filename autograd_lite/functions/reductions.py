"""NumPy's reductions: `axis` becomes a tuple, `keepdims` true, and a reshape drops the axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_lite.errors import described
from autograd_lite.functions.forms import axes_of, refuse, without_axes
from autograd_lite.tensor import HANDLERS, constant, record


def reduction(op: Callable[..., Any], *names: str, neutral: Any = None) -> None:
    """Give a reduction its handler.

    names: the options after `axis`, in the order in which NumPy takes them. neutral: what stands
    where `where` is false, if there is such a number.
    """

    def handler(x: Any, axis: Any = None, *more: Any, keepdims: Any = False, **extra: Any) -> Any:
        x = constant(x)
        if more:
            extra.update(zip(names, more, strict=False))
            keepdims = extra.pop("keepdims", keepdims)
        if extra and (extra.keys() != {"ddof"} or "ddof" not in names):
            for name in extra:
                if name not in names:
                    raise TypeError(f"np.{op.__name__} got an unexpected keyword argument {name!r}")
            return _with_options(op, neutral, x, axis, keepdims, **extra)
        axes = axes_of(x, axis)
        if op in (np.max, np.min) and any(x.shape[k] == 0 for k in axes):
            raise ValueError(
                f"np.{op.__name__} of {described(x)} along axis {axis}: there is nothing to choose "
                "from. Leave out what is empty"
            )
        static = {"ddof": extra["ddof"]} if extra.get("ddof") else {}
        y = record(op, (x,), {"axis": axes, "keepdims": True, **static})
        return y if keepdims else without_axes(y, axes)

    HANDLERS[op] = handler


def _with_options(
    op: Callable[..., Any],
    neutral: Any,
    x: Any,
    axis: Any,
    keepdims: Any,
    *,
    dtype: Any = None,
    out: Any = None,
    initial: Any = None,
    where: Any = True,
    mean: Any = None,
    correction: Any = None,
    **ddof: Any,
) -> Any:
    """A reduction with what is seldom asked for, as a composition."""
    refuse(op.__name__, out=out, mean=mean)
    if dtype is not None:
        x = x.astype(dtype)
    if correction is not None and correction is not np._NoValue:
        if ddof.get("ddof"):
            raise ValueError("ddof and correction can't be provided simultaneously.")
        ddof = {"ddof": correction}
    if initial is np._NoValue:
        initial = None
    if where is True or where is np._NoValue:
        y = _from(op, x, axis, keepdims, initial, ddof)
    else:
        mask = np.broadcast_to(where, x.shape)
        if op is np.mean:
            y = mean_where(x, mask, axis, keepdims)
        elif op in (np.var, np.std):
            y = var_where(x, mask, axis, keepdims, **ddof)
            y = root(y) if op is np.std else y
        elif neutral is None and initial is None:
            raise ValueError(
                f"np.{op.__name__} with where= needs initial=, the value where nothing is chosen"
            )
        else:
            x = np.where(mask, x, initial if neutral is None else neutral)
            y = _from(op, x, axis, keepdims, initial, ddof)
    return y if dtype is None or y.dtype == dtype else y.astype(dtype)


JOINS = {np.sum: np.add, np.max: np.maximum, np.min: np.minimum, np.prod: np.multiply}


def _from(op: Callable[..., Any], x: Any, axis: Any, keepdims: Any, initial: Any, ddof: Any) -> Any:
    """The reduction, from an initial value on if there is one."""
    if initial is None:
        return HANDLERS[op](x, axis, keepdims=keepdims, **ddof)
    if op in (np.max, np.min) and not x.size:
        initial = constant(initial).astype(x.dtype)
        return np.broadcast_to(initial, np.any(x, axis=axis, keepdims=bool(keepdims)).shape)
    return JOINS[op](HANDLERS[op](x, axis, keepdims=keepdims), initial)


def _widened(x: Any) -> Any:
    """x as floats of 32 bits or more, as NumPy adds them up for a mean."""
    if x.dtype.kind == "f" and x.dtype != np.float16:
        return x
    return x.astype(np.float32 if x.dtype == np.float16 else float)


def mean_where(x: Any, mask: Any, axis: Any = None, keepdims: Any = False) -> Any:
    """The mean of the entries where mask is true."""
    options = {"axis": axis, "keepdims": bool(keepdims)}
    wide = _widened(x)
    y = np.sum(np.where(mask, wide, 0), **options) / np.sum(mask, **options).astype(wide.dtype)
    return y.astype(x.dtype) if x.dtype == np.float16 else y


def var_where(
    x: Any, mask: Any, axis: Any = None, keepdims: Any = False, ddof: Any = 0, none: float = 0
) -> Any:
    """The variance of the entries where mask is true; of too few, something divided by none."""
    options = {"axis": axis, "keepdims": bool(keepdims)}
    wide = _widened(x)
    squares = np.square(np.where(mask, wide - mean_where(wide, mask, axis, True), 0))
    count = np.sum(mask, **options).astype(wide.dtype)
    y = np.sum(squares, **options) / np.where(count > ddof, count - ddof, none)
    return y.astype(x.dtype) if x.dtype == np.float16 else y


def root(v: Any) -> Any:
    """√v, with the derivative 0 at 0, as std has it where all entries are equal."""
    zero = v == 0
    return np.where(zero, 0, np.sqrt(np.where(zero, 1, v)))


reduction(np.sum, "dtype", "out", "keepdims", "initial", "where", neutral=0)
reduction(np.mean, "dtype", "out", "keepdims", "where")
reduction(np.max, "out", "keepdims", "initial", "where")
reduction(np.min, "out", "keepdims", "initial", "where")
reduction(np.any, "out", "keepdims", "where", neutral=False)
reduction(np.all, "out", "keepdims", "where", neutral=True)
for _op in (np.var, np.std):
    reduction(_op, "dtype", "out", "ddof", "keepdims", "where", "mean", "correction")
HANDLERS[np.amax], HANDLERS[np.amin] = HANDLERS[np.max], HANDLERS[np.min]


def position_of(op: Callable[..., Any]) -> None:
    """Give the search for an extreme its handler."""

    def handler(x: Any, axis: int | None = None, out: Any = None, *, keepdims: Any = False) -> Any:
        refuse(op.__name__, out=out)
        return record(op, (constant(x),), {"axis": axis, "keepdims": bool(keepdims)})

    HANDLERS[op] = handler


position_of(np.argmax)
position_of(np.argmin)
