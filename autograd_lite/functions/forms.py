"""What all handlers share: how one is entered, and how NumPy's many ways of calling become one."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autograd_lite import rules
from autograd_lite.errors import described
from autograd_lite.tensor import HANDLERS, Tensor, constant, record, seen_through


def handles(*functions: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """What these NumPy functions do when a Tensor is among their arguments."""

    def decorate(handler: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            HANDLERS[function] = handler
        return handler

    return decorate


def in_place(what: str, instead: str) -> TypeError:
    """The error where something would write into an array."""
    return TypeError(f"{what} writes in place, which a tape cannot undo: write {instead}")


def axes_of(x: Any, axis: Any) -> tuple[int, ...]:
    """`axis` as a tuple of non-negative ints, all of them for None."""
    n = x.ndim if isinstance(x, Tensor) else np.ndim(x)
    if axis is None:
        return tuple(range(n))
    try:
        return normalize_axis_tuple(axis, n)
    except np.exceptions.AxisError:
        raise np.exceptions.AxisError(
            f"axis {axis} is out of bounds for {described(x)}, which has {n}"
        ) from None


def line_of(x: Any, axis: Any, number: bool = False) -> tuple[Any, int]:
    """x, its axis a non-negative int; x as one row without an axis, or if a number may be."""
    x = constant(x)
    axis = None if axis is None else operator.index(axis)
    if axis is None or (number and not x.ndim and axis in (0, -1)):
        return reshaped_to(x, (x.size,)), 0
    return x, axes_of(x, axis)[0]


def checked_ndim(name: str, x: Any, ndim: int) -> Any:
    """x, if it has so many axes: one for a vector, two for a matrix."""
    x = constant(x)
    if x.ndim < ndim:
        raise ValueError(f"np.{name} of {described(x)}: it needs {ndim} or more axes")
    return x


def without_axes(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """x without these axes of length one."""
    return reshaped_to(x, tuple(n for k, n in enumerate(x.shape) if k not in axes))


def reshaped_to(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """x in this shape; x itself where it has it."""
    return x if x.shape == shape else record(np.reshape, (x,), {"shape": shape})


def cast(x: Any, dtype: Any, casting: Any = "unsafe") -> Any:
    """x in this dtype, if the rule allows it; x itself where it has it."""
    return x if x.dtype == dtype else HANDLERS[np.astype](x, dtype, casting=casting)


def shares_memory(y: Any, x: Any) -> bool:
    """Whether y is x, or a view of it."""
    return y is x or any(behind is x for behind in seen_through(y))


def own(y: Any, x: Any) -> Any:
    """y where NumPy's result has memory of its own: a copy, if y is x or a view of it."""
    return copied(y) if shares_memory(y, x) else y


def copied(x: Any, order: Any = "K") -> Tensor:
    """x with memory of its own, that lies as NumPy's copy does."""
    y = record(rules.identity, (x,))
    if not hasattr(y._data, "stands_in"):
        y._data = y._data.copy(order)
    return y


# What the options that are refused would do, and what to write instead.
INSTEAD = {
    "out": "it writes in place, which a tape cannot undo. Write `y = np.{0}(...)`",
    "dtype": "write t.astype(dtype)",
    "mean": "leave it out, and the mean is computed",
    "weights": "repeat the entries, or leave it out",
    "order": "it is for arrays with fields, and a Tensor holds numbers",
    "fweights": "it takes arrays: t.data of a Tensor",
    "aweights": "it takes arrays: t.data of a Tensor",
    "q": "it takes numbers: t.data of a Tensor",
}


def refuse(name: str, **options: Any) -> None:
    """Raise TypeError for an option that was given and is not taken; it says what to write."""
    for option, value in options.items():
        if value is not None and value is not np._NoValue:
            raise TypeError(
                f"np.{name} on a Tensor takes no {option}=: {INSTEAD[option].format(name)}"
            )
