"""What all handlers share: how one is entered, and how NumPy's many ways of calling become one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autograd_lite.errors import described
from autograd_lite.tensor import HANDLERS, Tensor, record


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


def without_axes(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """x without these axes of length one."""
    return reshaped_to(x, tuple(n for k, n in enumerate(x.shape) if k not in axes))


def reshaped_to(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """x in this shape; x itself where it has it."""
    return x if x.shape == shape else record(np.reshape, (x,), {"shape": shape})


def cast(x: Any, dtype: Any, casting: Any = "unsafe") -> Any:
    """x in this dtype, if the rule allows it; x itself where it has it."""
    return x if x.dtype == dtype else HANDLERS[np.astype](x, dtype, casting=casting)


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
