"""Arrays from outside: read as numbers, and checked, with errors that name what does not fit."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

import autograd_lite as ag
from autograd_lite.errors import refuse_masks
from autograd_lite.files import excerpt

Array = NDArray[Any]
Shape = tuple[int, ...]


def check_finite(name: str, array: Array) -> None:
    """Raise ValueError, naming the array, if it holds nan or infinity."""
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds values that are not finite numbers")


def as_numbers(value: Any, name: str) -> Array:
    """The value as an array of real numbers, in which nan stands for what is missing.

    It may be anything that NumPy takes, a Tensor, or a column or a frame of pandas or Polars (rows
    are samples). Raises TypeError or ValueError, naming it, or the column.

    >>> as_numbers([[1, None], [3, 4]], "X")
    array([[ 1., nan],
           [ 3.,  4.]])
    """
    if isinstance(value, ag.Tensor):
        return value.numpy()
    if is_frame(value):
        named = [(column, f"column {column!r} of {name}") for column in column_names(value, name)]
        return np.stack([_numbers(_array(value[c], said), said) for c, said in named], axis=1)
    return _numbers(_array(value, name), name)


def as_labels(value: Any, name: str) -> Array:
    """The value as an array of numbers or of words; a single column has one axis.

    Raises TypeError or ValueError, naming it, also if labels are missing.

    >>> as_labels(["cat", "dog"], "Y")
    array(['cat', 'dog'], dtype='<U3')
    """
    if is_frame(value) and len(columns := column_names(value, name)) == 1:
        value = value[columns[0]]
    if isinstance(value, ag.Tensor) or is_frame(value):
        return as_numbers(value, name)
    array = _array(value, name)
    if array.dtype.kind == "O":
        missing = sum(_is_missing(entry) for entry in array.flat)
        if missing:
            raise ValueError(f"{name} has {missing} missing labels: leave these samples out")
        if all(isinstance(entry, str) for entry in array.flat):
            array = array.astype(str)
    return array.astype(str) if array.dtype.kind in "UT" else _numbers(array, name)


def is_frame(value: Any) -> bool:
    """True for a table with named columns, as those of pandas and Polars."""
    return hasattr(value, "columns") and hasattr(value, "to_numpy")


def column_names(frame: Any, name: str) -> list[str]:
    """The names of a frame's columns. Raises ValueError if it has none, or two of one name."""
    columns = list(frame.columns)
    if not columns or len(set(columns)) < len(columns):
        raise ValueError(f"{name} needs columns, each with a name of its own: it has {columns}")
    return columns


def missing_values(counts: dict[str, int]) -> str:
    """How many values are missing, in words, and what to do.

    >>> missing_values({"age": 3, "fare": 0, "class": 1})
    'missing values: 3 in age, 1 in class. Leave these samples out, or fill them in'
    """
    shown = [f"{count} in {place}" for place, count in counts.items() if count]
    return f"missing values: {excerpt(', '.join(shown))}. Leave these samples out, or fill them in"


def _array(value: Any, name: str) -> Array:
    """The value as NumPy reads it. Raises for what it would misread."""
    if type(value) is np.ndarray:
        return value
    if hasattr(value, "toarray"):
        raise TypeError(f"{name} is a sparse matrix: give {name}.toarray(), if memory can hold it")
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"{name} is ragged: its rows are not all of one length") from None
    refuse_masks(value, name)
    return array


def _numbers(array: Array, name: str) -> Array:
    """The array with real numbers in it: objects are read one by one, if each is a number."""
    if array.dtype.kind == "O" and array.ndim:
        entries = [math.nan if _is_missing(entry) else entry for entry in array.flat]
        if all(isinstance(entry, numbers.Real) for entry in entries):
            return np.array(entries, dtype=float).reshape(array.shape)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} has dtype {array.dtype}: it must hold real numbers")
    return array


def _is_missing(entry: Any) -> bool:
    """True for None, nan, and what pandas writes for a missing value."""
    if entry is None or type(entry).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(entry, float) and math.isnan(entry)


def check_samples(
    name: str, shape: Shape, sample: Shape, what: str, batch_axis: int, flat: bool = False
) -> None:
    """Raise ValueError, with the likely fix, unless this is the shape of an array of samples.

    `sample` is the shape of one of them, of so many inputs or outputs (`what`). They may be `flat`.
    """
    n = math.prod(sample)
    of_one = shape[:-1] if batch_axis == 1 else shape[1:]
    if shape and (of_one == sample or (flat and of_one == (n,))):
        return
    turned = shape[:0:-1] if batch_axis == 1 else shape[-2::-1]
    hint = f" {name}.T would fit." if len(shape) == 2 and turned == sample else ""
    one = ", ".join(map(str, sample))
    right = f"({one}, m)" if batch_axis == 1 else f"(m, {one})"
    raise ValueError(
        f"{name} {shape}: this network has {one.replace(', ', ' × ')} {what}, so with "
        f"batch_axis={batch_axis} {name} is {right}.{hint}"
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


def finite_samples(
    name: str,
    array: Array,
    dtype: DTypeLike,
    batch_axis: int,
    columns: Sequence[str] | None = None,
) -> Array:
    """A copy of the samples in this dtype.

    Raises ValueError for infinite values, and for missing ones (nan), counted for each feature by
    its name in `columns`, or its number from 1.
    """
    with np.errstate(over="ignore"):  # what is too large for float32 is infinite, so found here
        converted = array.astype(dtype)
    if np.isfinite(converted).all():
        return converted
    missing = np.isnan(converted)
    if missing.any():
        counts = missing.sum(axis=-batch_axis).ravel().tolist()
        places = columns or [f"feature {j}" for j in range(1, len(counts) + 1)]
        found = dict(zip(places, counts, strict=True))
        raise ValueError(f"{name} has {missing_values(found)}")
    entry = first_entry(name, converted, ~np.isfinite(converted))
    raise ValueError(f"{entry}: samples must be finite numbers")


def is_count(value: Any, least: int = 1) -> bool:
    """True for a whole number that is not less than this, of Python's or NumPy's."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return whole and bool(value >= least)


def checked_count(name: str, value: Any, least: int = 1) -> int:
    """The value, if it is a whole number and not less than this. Raises ValueError, naming it."""
    if not is_count(value, least):
        raise _wrong(name, value, f"a whole number, {least} or more")
    return int(value)


def checked_number(name: str, value: Any, needs: str = "a number") -> float:
    """The value as a Python float. Raises ValueError, naming it."""
    if isinstance(value, np.ndarray) and value.shape == ():
        value = value[()]
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise _wrong(name, value, needs)
    try:
        return float(value)
    except OverflowError:
        raise _wrong(name, value, f"{needs}, one that a float can hold") from None


def checked_positive(name: str, value: Any) -> float:
    """The value, if it is more than 0 and finite. Raises ValueError, naming it."""
    needs = "a positive number"
    number = checked_number(name, value, needs)
    if not 0 < number < math.inf:
        raise _wrong(name, value, needs)
    return number


def checked_fraction(name: str, value: Any) -> float:
    """The value, if it is at least 0 and less than 1. Raises ValueError, naming it."""
    needs = "at least 0 and less than 1"
    number = checked_number(name, value, needs)
    if not 0 <= number < 1:
        raise _wrong(name, value, needs)
    return number


def _wrong(name: str, value: Any, needs: str) -> ValueError:
    try:
        shown = f"{value!r:.100}"
    except ValueError:  # an int of so many digits that Python does not print it
        shown = f"a number of type {type(value).__name__}"
    return ValueError(f"{name}={shown}: it must be {needs}")
