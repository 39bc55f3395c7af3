"""NumPy's functions that assemble arrays, cut them and rearrange them: reshapes, slices, indices.

Where entries go by a pattern of NumPy's own (`pad`, `delete`, `insert`, …), NumPy itself is asked
what it makes of the positions.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple
from numpy.lib.stride_tricks import sliding_window_view

from autograd_lite import rules
from autograd_lite.errors import described
from autograd_lite.functions.forms import (
    axes_of,
    cast,
    checked_ndim,
    copied,
    handles,
    in_place,
    line_of,
    own,
    refuse,
    reshaped_to,
)
from autograd_lite.rules import RULES, index_along, operation
from autograd_lite.tensor import HANDLERS, VIEW_MAKERS, Tensor, constant, operands, record

# Equal steps: each takes its share of both ends.
RULES[np.linspace] = (
    lambda g, y, a, b, num, endpoint, axis: np.sum(g * (1 - way(g, endpoint, axis)), axis),
    lambda g, y, a, b, num, endpoint, axis: np.sum(g * way(g, endpoint, axis), axis),
)
RULES[np.geomspace] = (
    lambda g, y, a, b, endpoint, axis, **_: np.sum(g * y * (1 - way(g, endpoint, axis)), axis) / a,
    lambda g, y, a, b, endpoint, axis, **_: np.sum(g * y * way(g, endpoint, axis), axis) / b,
)


def way(g: Any, endpoint: bool, axis: int) -> Any:
    """The numbers from 0 to 1 in as many equal steps as g has entries along this axis."""
    n = g.shape[axis]
    steps = (np.arange(n) / max(n - endpoint, 1)).astype(g.dtype)
    return steps.reshape((n,) + (1,) * (len(g.shape) - axis - 1))


@operation(lambda g, y, x, shape, axes: overlap_add(g, shape=x.shape, axes=axes))
def windows(x: Any, shape: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    """Every window of this shape along these axes, as new last axes: a view of x."""
    return np.lib.stride_tricks.sliding_window_view(x, shape, axes)


VIEW_MAKERS.add(windows)


@operation(lambda g, y, x, shape, axes: windows(g, shape=x.shape[len(shape) :], axes=axes))
def overlap_add(x: Any, shape: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    """Zeros of `shape` with the windows x added where each was taken from."""
    total, places = np.zeros(shape, x.dtype), x.shape[: len(shape)]
    for offset in np.ndindex(x.shape[len(shape) :]):
        start = [0] * len(shape)
        for axis, k in zip(axes, offset, strict=True):
            start[axis] += k
        total[tuple([slice(k, k + n) for k, n in zip(start, places, strict=True)])] += x[
            (..., *offset)
        ]
    return total


# What all share


def _asked(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """What NumPy's function makes of plain values, often of positions in an array."""
    for x in (*arguments, *named.values()):
        if isinstance(x, Tensor):
            raise TypeError(
                f"np.{function.__name__} on a Tensor takes plain values for its other arguments, "
                f"not the Tensor {described(x)}: pass its .data"
            )
    return function(*arguments, **named)


def _spread(x: Tensor, narrow: Sequence[int], wide: Sequence[int], shape: Sequence[int]) -> Any:
    """x in a shape with axes of length one, these repeated, and all in another shape."""
    x = record(np.broadcast_to, (reshaped_to(x, tuple(narrow)),), {"shape": tuple(wide)})
    return reshaped_to(x, tuple(shape))


# Joining


def _with_ndim(x: Any, ndim: int) -> Any:
    """x with at least so many axes: up to two are put first, the third one last."""
    x = constant(x)
    shape = (1,) * (min(ndim, 2) - x.ndim) + x.shape
    return reshaped_to(x, shape + (1,) * (ndim - len(shape)))


def _at_least(function: Callable[..., Any], ndim: int) -> None:
    def handler(*arrays: Any) -> Any:
        raised = tuple(_with_ndim(x, ndim) for x in arrays)
        return raised if len(raised) > 1 else raised[0]

    HANDLERS[function] = handler


for _ndim, _function in enumerate((np.atleast_1d, np.atleast_2d, np.atleast_3d), 1):
    _at_least(_function, _ndim)


@handles(np.vstack)
def _np_vstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    return np.concatenate([_with_ndim(x, 2) for x in tup], 0, dtype=dtype, casting=casting)


@handles(np.hstack)
def _np_hstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    tensors = [_with_ndim(x, 1) for x in tup]
    return np.concatenate(tensors, int(tensors[0].ndim > 1), dtype=dtype, casting=casting)


@handles(np.dstack)
def _np_dstack(tup: Any) -> Any:
    return np.concatenate([_with_ndim(x, 3) for x in tup], 2)


@handles(np.column_stack)
def _np_column_stack(tup: Any) -> Any:
    tensors = [constant(x) for x in tup]
    return np.concatenate([x if x.ndim > 1 else reshaped_to(x, (x.size, 1)) for x in tensors], 1)


@handles(np.append)
def _np_append(arr: Any, values: Any, axis: int | None = None) -> Any:
    return np.concatenate([constant(arr), constant(values)], axis)


@handles(np.block)
def _np_block(arrays: Any) -> Any:
    def leaves(tree: Any, depth: int) -> Iterator[tuple[int, Any]]:
        if type(tree) is not list:
            yield depth, constant(tree)
        elif not tree:
            raise ValueError("np.block: a list of blocks is empty")
        else:
            for branch in tree:
                yield from leaves(branch, depth + 1)

    depths, tensors = zip(*leaves(arrays, 0), strict=True)
    deepest = depths[0]
    if set(depths) != {deepest}:
        raise ValueError(f"np.block: lists are nested to depths {sorted(set(depths))}, not to one")
    ndim = max(deepest, *(x.ndim for x in tensors))

    def joined(tree: Any, depth: int) -> Any:
        if depth == deepest:
            x = constant(tree)
            return reshaped_to(x, (1,) * (ndim - x.ndim) + x.shape)
        return np.concatenate([joined(x, depth + 1) for x in tree], depth - deepest)

    return own(joined(arrays, 0), arrays)


# Cutting


@handles(np.array_split)
def _np_array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    return _pieces(np.array_split, ary, indices_or_sections, axis)


@handles(np.split)
def _np_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    return _pieces(np.split, ary, indices_or_sections, axis)


@handles(np.hsplit)
def _np_hsplit(ary: Any, indices_or_sections: Any) -> Any:
    return _pieces(np.split, checked_ndim("hsplit", ary, 1), indices_or_sections, np.ndim(ary) > 1)


@handles(np.vsplit)
def _np_vsplit(ary: Any, indices_or_sections: Any) -> Any:
    return _pieces(np.split, checked_ndim("vsplit", ary, 2), indices_or_sections, 0)


@handles(np.dsplit)
def _np_dsplit(ary: Any, indices_or_sections: Any) -> Any:
    return _pieces(np.split, checked_ndim("dsplit", ary, 3), indices_or_sections, 2)


def _pieces(split: Callable[..., Any], x: Any, sections: Any, axis: int) -> Any:
    """Slices along an axis."""
    x, axis = line_of(x, axis)
    parts = _asked(split, np.arange(x.shape[axis]), sections)
    return [index_along(x, axis, slice(*(p[0], p[-1] + 1) if p.size else (0, 0))) for p in parts]


@handles(np.unstack)
def _np_unstack(x: Any, /, *, axis: int = 0) -> Any:
    x, axis = line_of(x, axis)
    return tuple(index_along(x, axis, k) for k in range(x.shape[axis]))


@handles(np.delete)
def _np_delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    x, axis = line_of(arr, axis)
    return index_along(x, axis, _asked(np.delete, np.arange(x.shape[axis]), obj))


@handles(np.insert)
def _np_insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    (x, axis), v = line_of(arr, axis), constant(values)
    old, new = np.arange(x.size), np.arange(x.size, x.size + v.size)
    found = _asked(np.insert, old.reshape(x.shape), obj, new.reshape(v.shape), axis)
    every = np.concatenate([x.ravel(), cast(v, x.dtype).ravel()])
    return reshaped_to(every[found.ravel()], found.shape)


# Repeating


@handles(np.repeat)
def _np_repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    x, axis = line_of(a, axis, number=True)
    n, before, after = x.shape[axis], x.shape[:axis], x.shape[axis + 1 :]
    if isinstance(repeats, int) and repeats >= 0:
        wide = (*before, n, repeats, *after)
        y = _spread(x, (*before, n, 1, *after), wide, (*before, n * repeats, *after))
        return own(y, a)
    return index_along(x, axis, _asked(np.repeat, np.arange(n), repeats))


@handles(np.tile)
def _np_tile(A: Any, reps: Any) -> Any:
    x: Any = constant(A)
    times = tuple(operator.index(k) for k in (reps if np.iterable(reps) else (reps,)))
    ndim = max(x.ndim, len(times))
    times = (1,) * (ndim - len(times)) + times
    lengths = (1,) * (ndim - x.ndim) + x.shape
    pairs = list(zip(times, lengths, strict=True))
    narrow = [m for n in lengths for m in (1, n)]
    wide = [m for pair in pairs for m in pair]
    return own(_spread(x, narrow, wide, [math.prod(pair) for pair in pairs]), x)


@handles(np.resize)
def _np_resize(a: Any, new_shape: Any) -> Any:
    x: Any = constant(a)
    found = _asked(np.resize, np.arange(x.size), new_shape)
    if not x.size:
        return constant(np.zeros(found.shape, x.dtype))
    return reshaped_to(x.ravel()[found.ravel()], found.shape)


@handles(np.meshgrid)
def _np_meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    if indexing not in ("xy", "ij"):
        raise ValueError(f"np.meshgrid: indexing is 'xy' or 'ij', not {indexing!r}")
    places = list(range(len(xi)))
    if indexing == "xy":
        places[:2] = places[:2][::-1]
    rows = [constant(x).ravel() for x in xi]
    grids = [
        reshaped_to(x, tuple(x.size if j == k else 1 for j in range(len(xi))))
        for k, x in zip(places, rows, strict=True)
    ]
    grids = grids if sparse else _np_broadcast_arrays(*grids)
    return tuple(map(copied, grids)) if copy else tuple(grids)


@handles(np.broadcast_arrays)
def _np_broadcast_arrays(*args: Any, subok: bool = False) -> Any:
    tensors = [constant(x) for x in args]
    shape = np.broadcast_shapes(*(x.shape for x in tensors))
    return tuple(x if x.shape == shape else np.broadcast_to(x, shape) for x in tensors)


# Padding


@handles(np.pad)
def _np_pad(array: Any, pad_width: Any, mode: Any = "constant", **options: Any) -> Any:
    x: Any = constant(array)
    if mode == "empty" or callable(mode):
        raise TypeError(
            "np.pad on a Tensor takes no mode 'empty', whose entries are undefined, and no "
            "function, which would write in place: use np.concatenate"
        )
    if options.get("reflect_type") == "odd":
        raise TypeError(
            "np.pad on a Tensor takes no reflect_type='odd': use np.concatenate of "
            "2 * x[:1] - x[n:0:-1], x, and 2 * x[-1:] - x[-2:-n-2:-1]"
        )
    frame = _asked(np.pad, np.zeros(x.shape, x.dtype), pad_width, mode, **options)
    widths = _pairs(pad_width, x.ndim)
    if mode == "constant":
        inner = tuple(slice(w[0], w[0] + n) for w, n in zip(widths, x.shape, strict=True))
        y = record(rules.scatter_add, (x,), {"shape": frame.shape, "index": inner})
        return y + frame if np.any(options.get("constant_values", 0)) else y
    for axis, width in enumerate(widths):
        if mode in ("edge", "reflect", "symmetric", "wrap"):
            x = index_along(x, axis, np.pad(np.arange(x.shape[axis]), width, mode))
        elif any(width):
            before, after = _ends(x, axis, width, mode, **options)
            x = np.concatenate([before, x, after], axis)
    return own(x, array)


def _ends(
    x: Tensor, axis: int, width: Any, mode: str, end_values: Any = 0, stat_length: Any = None
) -> Any:
    """What np.pad computes to put before x along this axis, and after it."""
    n, ends = x.shape[axis], []
    for k in (0, 1):
        shape = (*x.shape[:axis], width[k], *x.shape[axis + 1 :])
        if mode == "linear_ramp":
            far, edge = _pairs(end_values, x.ndim)[axis][k], index_along(x, axis, -k)
            ramp = np.linspace(far, edge, width[k], endpoint=False, dtype=x.dtype, axis=axis)
            ends.append(np.flip(ramp, axis) if k else ramp)
        else:
            length = _pairs(stat_length, x.ndim)[axis][k]
            length = n if length is None else min(n, length)
            part = index_along(x, axis, slice(n - length, n) if k else slice(length))
            value = _PAD_VALUES[mode](part, axis=axis, keepdims=True)
            value = np.rint(value) if x.dtype.kind in "iu" else value
            ends.append(np.broadcast_to(cast(value, x.dtype), shape))
    return ends


_PAD_VALUES: dict[str, Callable[..., Any]] = {
    "maximum": np.max,
    "mean": np.mean,
    "median": np.median,
    "minimum": np.min,
}


def _pairs(values: Any, ndim: int) -> Any:
    """What np.pad is told, as one pair for each axis: before and after."""
    if isinstance(values, dict):
        by_axis = {axis % ndim: np.broadcast_to(pair, 2) for axis, pair in values.items()}
        values = [by_axis.get(k, (0, 0)) for k in range(ndim)]
    pairs = np.broadcast_to(np.asarray(values), (ndim, 2))
    return pairs if np.size(values) <= 2 else pairs.tolist()  # numbers as np.pad takes them


# Turning


@handles(np.flip)
def _np_flip(m: Any, axis: Any = None) -> Any:
    x: Any = constant(m)
    axes = axes_of(x, axis)
    return x[tuple(slice(None, None, -1 if k in axes else None) for k in range(x.ndim))]


@handles(np.flipud)
def _np_flipud(m: Any) -> Any:
    return np.flip(checked_ndim("flipud", m, 1), 0)


@handles(np.fliplr)
def _np_fliplr(m: Any) -> Any:
    return np.flip(checked_ndim("fliplr", m, 2), 1)


@handles(np.rot90)
def _np_rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    x = checked_ndim("rot90", m, 2)
    axes, turns = normalize_axis_tuple(axes, x.ndim), operator.index(k) % 4
    if len(axes) != 2:
        raise ValueError(f"np.rot90 turns two axes, not {len(axes)}")
    if turns == 2:
        return np.flip(x, axes)
    if turns == 0:
        return x
    if turns == 1:
        return np.swapaxes(np.flip(x, axes[1]), *axes)
    return np.flip(np.swapaxes(x, *axes), axes[1])


@handles(np.rollaxis)
def _np_rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    x: Any = constant(a)
    axis, place = normalize_axis_index(axis, x.ndim), start + x.ndim * (start < 0)
    if not 0 <= place <= x.ndim:
        raise np.exceptions.AxisError(f"np.rollaxis of {described(x)}: start={start}")
    return np.moveaxis(x, axis, place - (axis < place))


@handles(np.roll)
def _np_roll(a: Any, shift: Any, axis: Any = None) -> Any:
    x: Any = constant(a)
    if axis is None:
        return reshaped_to(_np_roll(reshaped_to(x, (x.size,)), shift, 0), x.shape)
    pairs = np.broadcast(shift, axis)
    if pairs.ndim > 1:
        raise ValueError("np.roll: shift and axis are numbers or sequences of numbers")
    for by, k in pairs:
        (along,) = axes_of(x, int(k))
        cut = -int(by) % max(x.shape[along], 1)
        if cut:
            parts = [index_along(x, along, slice(cut, None)), index_along(x, along, slice(cut))]
            x = np.concatenate(parts, along)
    return own(x, a)


# Diagonals and triangles


def _triangle(x: Any, k: int) -> np.ndarray:
    """Where the last two axes are not above the diagonal k."""
    m, n = x.shape[-2:] if x.ndim > 1 else 2 * x.shape
    return np.tri(m, n, k, bool)


@handles(np.tril)
def _np_tril(m: Any, k: int = 0) -> Any:
    x = checked_ndim("tril", m, 1)
    return np.where(_triangle(x, k), x, np.zeros((), x.dtype))


@handles(np.triu)
def _np_triu(m: Any, k: int = 0) -> Any:
    x = checked_ndim("triu", m, 1)
    return np.where(_triangle(x, k - 1), np.zeros((), x.dtype), x)


@handles(np.diagonal)
def _np_diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    x = checked_ndim("diagonal", a, 2)
    x = np.moveaxis(x, normalize_axis_tuple((axis1, axis2), x.ndim), (-2, -1))
    *rest, m, n = x.shape
    start, length = _diagonal(m, n, operator.index(offset))
    rows = reshaped_to(x, (*rest, m * n))
    return rows[..., start : start + length * (n + 1) : n + 1]


def _diagonal(m: int, n: int, offset: int) -> tuple[int, int]:
    """Where a diagonal of an (m, n) matrix begins in its row of entries, and how long it is."""
    start = offset if offset >= 0 else -offset * n
    return start, max(0, min(m + min(offset, 0), n - max(offset, 0)))


@handles(np.trace)
def _np_trace(
    a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None
) -> Any:
    refuse("trace", out=out)
    x = np.diagonal(constant(a), offset, axis1, axis2)
    return np.sum(x if dtype is None else cast(x, dtype), axis=-1)


@handles(np.diag)
def _np_diag(v: Any, k: int = 0) -> Any:
    x: Any = constant(v)
    if x.ndim == 2:
        return np.diagonal(x, k)
    if x.ndim != 1:
        raise ValueError(f"np.diag of {described(x)}: a vector or a matrix has a diagonal")
    k = operator.index(k)
    n = x.size + abs(k)
    start, _ = _diagonal(n, n, k)
    place = (slice(start, start + x.size * (n + 1), n + 1),)
    return reshaped_to(record(rules.scatter_add, (x,), {"shape": (n * n,), "index": place}), (n, n))


@handles(np.diagflat)
def _np_diagflat(v: Any, k: int = 0) -> Any:
    return np.diag(constant(v).ravel(), k)


@handles(np.diag_indices_from)
def _np_diag_indices_from(arr: Any) -> Any:
    return np.diag_indices_from(np.broadcast_to(0, arr.shape))


@handles(np.tril_indices_from)
def _np_tril_indices_from(arr: Any, k: int = 0) -> Any:
    return np.tril_indices_from(np.broadcast_to(0, arr.shape), k)


@handles(np.triu_indices_from)
def _np_triu_indices_from(arr: Any, k: int = 0) -> Any:
    return np.triu_indices_from(np.broadcast_to(0, arr.shape), k)


# Choosing


@handles(np.take)
def _np_take(
    a: Any, indices: Any, axis: int | None = None, out: Any = None, mode: Any = "raise"
) -> Any:
    refuse("take", out=out)
    x, axis = line_of(a, axis, number=True)
    return own(index_along(x, axis, _within(indices, x.shape[axis], mode)), a)


def _within(places: Any, n: int, mode: Any) -> Any:
    """Places among n, brought there as `mode` says."""
    if not isinstance(places, Tensor):
        return np.take(np.arange(n), places, mode=mode)
    if mode == "clip":
        return np.clip(places, 0, n - 1)
    if mode == "wrap":
        return places - (n * np.floor(places / n)).astype(int)
    return places


@handles(np.take_along_axis)
def _np_take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    x, axis = line_of(arr, axis)
    places = indices if isinstance(indices, Tensor) else np.asarray(indices)
    if places.ndim != x.ndim:
        raise ValueError(
            f"np.take_along_axis: the indices {places.shape} and {described(x)} have to have as "
            "many dimensions"
        )
    index: list[Any] = list(np.ogrid[tuple(slice(n) for n in x.shape)])
    index[axis] = places
    return x[tuple(index)]


@handles(np.compress)
def _np_compress(condition: Any, a: Any, axis: int | None = None, out: Any = None) -> Any:
    refuse("compress", out=out)
    x, axis = line_of(a, axis, number=True)
    chosen = (condition if isinstance(condition, Tensor) else np.asarray(condition)) != 0
    if chosen.ndim != 1:
        raise ValueError(f"np.compress: the condition has one dimension, not {chosen.ndim}")
    return index_along(index_along(x, axis, slice(chosen.size)), axis, chosen)


@handles(np.extract)
def _np_extract(condition: Any, arr: Any) -> Any:
    row = condition if isinstance(condition, Tensor) else np.asarray(condition)
    return np.compress(row.ravel(), constant(arr).ravel())


@handles(np.choose)
def _np_choose(a: Any, choices: Any, out: Any = None, mode: Any = "raise") -> Any:
    refuse("choose", out=out)
    given = operands([choices[k] for k in range(len(choices))])
    dtype = np.result_type(*(x.dtype if isinstance(x, Tensor) else x for x in given))
    every = np.stack(np.broadcast_arrays(*(cast(constant(x), dtype) for x in given)))
    n = len(every)
    if not isinstance(a, Tensor):
        a = np.choose(a, list(range(n)), mode=mode)
    elif mode == "raise":
        a = np.where(a < 0, n, a)  # counting from the end is no choice
    else:
        a = _within(a, n, mode)
    return every[(a, *np.ogrid[tuple(slice(m) for m in every.shape[1:])])]


# Functions of lines


@handles(np.apply_along_axis)
def _np_apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any
) -> Any:
    x, axis = line_of(arr, axis)
    lines: Any = np.moveaxis(x, axis, -1)
    rest = lines.shape[:-1]
    if 0 in rest:
        raise ValueError(f"np.apply_along_axis of {described(x)}: there is no line in it")
    values = [constant(func1d(lines[k], *args, **kwargs)) for k in np.ndindex(rest)]
    y: Any = np.stack(values).reshape(rest + values[0].shape)
    own = range(len(rest), y.ndim)
    return np.moveaxis(y, tuple(own), tuple(range(axis, axis + len(own))))


@handles(np.apply_over_axes)
def _np_apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Any:
    y: Any = constant(a)
    for axis in axes_of(y, axes if np.ndim(axes) else (axes,)):
        reduced = func(y, axis)
        y = reduced if reduced.ndim == y.ndim else np.expand_dims(reduced, axis)
    return y


# Windows


@handles(sliding_window_view)
def _np_sliding_window_view(
    x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Any:
    x = constant(x)
    if writeable:
        raise TypeError("sliding_window_view of a Tensor cannot be written into")
    shape = tuple(window_shape) if np.iterable(window_shape) else (window_shape,)
    axes = range(x.ndim) if axis is None else normalize_axis_tuple(axis, x.ndim, "axis", True)
    return record(windows, (x,), {"shape": shape, "axes": tuple(axes)})


# Steps between two values, and arrays like another


@handles(np.linspace)
def _np_linspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    *,
    device: Any = None,
) -> Any:
    start, stop = operands((start, stop))
    y: Any = record(np.linspace, (start, stop), _steps(start, stop, num, endpoint, axis))
    if dtype is not None:
        y = cast(np.floor(y) if np.issubdtype(dtype, np.integer) else y, dtype)
    steps = num - bool(endpoint)
    return (y, (stop - start) / steps if steps > 0 else math.nan) if retstep else y


@handles(np.logspace)
def _np_logspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    start, stop, base = operands((start, stop, base))
    if np.ndim(base):
        tensors = [constant(x) for x in (start, stop, base)]
        ndim = max(x.ndim for x in tensors)
        start, stop, base = (reshaped_to(x, (1,) * (ndim - x.ndim) + x.shape) for x in tensors)
        base = np.expand_dims(base, axis)
    y = np.power(base, _np_linspace(start, stop, num, endpoint, axis=axis))
    return y if dtype is None else cast(y, dtype)


@handles(np.geomspace)
def _np_geomspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: bool = True,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    start, stop = operands((start, stop))
    static = _steps(start, stop, num, endpoint, axis)
    if dtype is not None:
        static["dtype"] = np.dtype(dtype)
    return record(np.geomspace, (start, stop), static)


def _steps(start: Any, stop: Any, num: Any, endpoint: Any, axis: int) -> dict[str, Any]:
    axis = normalize_axis_index(axis, max(np.ndim(start), np.ndim(stop)) + 1)
    return {"num": operator.index(num), "endpoint": bool(endpoint), "axis": axis}


@handles(np.full_like)
def _np_full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    *,
    device: Any = None,
    shape: Any = None,
) -> Any:
    x: Any = constant(a)
    shape, dtype = x.shape if shape is None else shape, dtype or x.dtype
    if isinstance(fill_value, Tensor):
        return copied(np.broadcast_to(cast(fill_value, dtype), shape))
    return constant(np.full(shape, fill_value, dtype))


# (What is undefined cannot be compiled: np.empty_like is zeros.)
for _like, _value in ((np.zeros_like, 0), (np.ones_like, 1), (np.empty_like, 0)):
    HANDLERS[_like] = lambda a, *args, value=_value, **options: _np_full_like(
        a, value, *args, **options
    )


# What writes in place


def _refuse(function: Callable[..., Any], instead: str) -> None:
    def refusing(*_: Any, **__: Any) -> Any:
        raise in_place(f"np.{function.__name__}", instead)

    HANDLERS[function] = refusing


@handles(np.fill_diagonal)
def _fill_diagonal(a: Tensor, val: Any, wrap: bool = False) -> None:
    if wrap:
        raise in_place("np.fill_diagonal(wrap=True)", "t[rows, columns] = value")
    if a.ndim < 2 or (a.ndim > 2 and len(set(a.shape)) > 1):
        raise ValueError(
            f"{described(a)} has no diagonal to fill: it needs two axes, or equal ones"
        )
    n = min(a.shape)
    a[(np.arange(n),) * a.ndim] = np.resize(val, n) if np.size(val) != 1 else np.reshape(val, ())


_refuse(np.put_along_axis, "np.where(mask, new, t), with np.put_along_axis of a mask, an array")
_refuse(np.put, "np.where(mask, new, t), with np.put of a mask, an array")
_refuse(np.place, "np.where(mask, new, t)")
_refuse(np.putmask, "np.where(mask, new, t)")
