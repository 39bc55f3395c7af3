"""Arrays from outside: read as numbers, and checked, with errors that name what does not fit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

import autograd_lite as ag
from autograd_lite.errors import refuse_masks

Array = NDArray[Any]


def check_finite(name: str, array: Array) -> None:
    """Raise ValueError, naming the array, if it holds nan or infinity."""
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds values that are not finite numbers")


def as_numbers(value: ArrayLike | ag.Tensor, name: str) -> Array:
    """The value as an array of real numbers. Raises TypeError or ValueError, naming it."""
    if isinstance(value, ag.Tensor):
        return value.numpy()
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"{name} is ragged: its rows are not all of one length") from None
    if type(value) is not np.ndarray:
        refuse_masks(value, name)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} has dtype {array.dtype}: it must hold real numbers")
    return array


def check_samples(name: str, shape: tuple[int, ...], n: int, what: str, batch_axis: int) -> None:
    """Raise ValueError, with the likely fix, unless there are samples of n values each."""
    if len(shape) == 2 and shape[1 - batch_axis] == n:
        return
    hint = f" {name}.T would fit." if len(shape) == 2 and shape[batch_axis] == n else ""
    right = f"({n}, m)" if batch_axis == 1 else f"(m, {n})"
    raise ValueError(
        f"{name} {shape}: this network has {n} {what}, so with batch_axis={batch_axis} {name} is "
        f"{right}.{hint}"
    )


def checked_batch_axis(batch_axis: int) -> int:
    """The batch axis, if it is 0 or 1; else an error that says what these mean."""
    if batch_axis not in (0, 1):
        raise ValueError(f"batch_axis={batch_axis!r}: 1 if samples are columns, 0 if they are rows")
    return int(batch_axis)


def first_entry(name: str, values: Array, wrong: Array) -> str:
    """The first entry that is wrong, in words: `Y[0, 3] is 2.0`."""
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    return f"{name}{list(place)} is {values[place]}"
