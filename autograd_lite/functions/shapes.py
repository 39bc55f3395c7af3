"""NumPy's functions that move entries: reshapes, transposes, concatenation."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from autograd_lite import rules
from autograd_lite.errors import described
from autograd_lite.functions.forms import (
    axes_of,
    cast,
    copied,
    handles,
    own,
    reshaped_to,
    shares_memory,
    without_axes,
)
from autograd_lite.tensor import (
    HANDLERS,
    Tensor,
    check_memory_known,
    constant,
    in_memory,
    record,
)


@handles(np.reshape)
def _np_reshape(x: Any, shape: Any, order: str = "C", *, copy: Any = None) -> Tensor:
    x, asked = constant(x), shape
    sizes = tuple(shape) if np.iterable(shape) else (shape,)
    try:
        shape = tuple(operator.index(n) for n in sizes)
    except TypeError:
        raise TypeError(
            f"np.reshape of {described(x)} to {asked}: a shape is made of integers"
        ) from None
    if -1 in shape:
        rest = math.prod(n for n in shape if n != -1)
        if shape.count(-1) > 1 or not rest or x.size % rest:
            raise ValueError(
                f"np.reshape of {described(x)} to {asked}: one -1 may stand for the length that "
                f"makes {x.size} elements, and here no length, or any, does"
            )
        shape = tuple(x.size // rest if n == -1 else n for n in shape)
    if order not in ("C", "F"):
        raise TypeError(
            f"a Tensor takes order='C' or 'F', not {order!r}: how it lies in memory is no part of "
            "it"
        )
    y = reshaped_to(x, shape) if order == "C" else reshaped_to(x.T, shape[::-1]).T
    if copy is False:
        check_memory_known()
    if copy is False and not shares_memory(y, x):
        raise ValueError(
            f"np.reshape of {described(x)} to {asked} with copy=False: as it lies in memory, it "
            "has to be copied"
        )
    return own(y, x) if copy else y


@handles(np.ravel)
def _np_ravel(x: Any, order: str = "C") -> Tensor:
    y = _np_reshape(x, (constant(x).size,), order)
    return y if in_memory(y).flags.contiguous else copied(y)


@handles(np.copy)
def _np_copy(a: Any, order: str = "K", subok: bool = False) -> Tensor:
    return copied(constant(a), order)


@handles(np.squeeze)
def _np_squeeze(x: Any, axis: Any = None) -> Tensor:
    x = constant(x)
    axes = [k for k, n in enumerate(x.shape) if n == 1] if axis is None else axes_of(x, axis)
    for k in axes:
        if x.shape[k] != 1:
            raise ValueError(f"np.squeeze: axis {k} of {x.shape} has length {x.shape[k]}, not 1")
    return without_axes(x, tuple(axes))


@handles(np.expand_dims)
def _np_expand_dims(x: Any, axis: Any) -> Tensor:
    x = constant(x)
    ndim = x.ndim + (len(axis) if isinstance(axis, Sequence) else 1)
    axes, rest = normalize_axis_tuple(axis, ndim), iter(x.shape)
    return reshaped_to(x, tuple(1 if k in axes else next(rest) for k in range(ndim)))


@handles(np.transpose)
def _np_transpose(x: Any, axes: Any = None) -> Tensor:
    x = constant(x)
    order = tuple(range(x.ndim))[::-1] if axes is None else normalize_axis_tuple(axes, x.ndim)
    return record(np.transpose, (x,), {"axes": order})


@handles(np.swapaxes)
def _np_swapaxes(x: Any, axis1: int, axis2: int) -> Tensor:
    x = constant(x)
    order = list(range(x.ndim))
    i, j = normalize_axis_index(axis1, x.ndim), normalize_axis_index(axis2, x.ndim)
    order[i], order[j] = j, i
    return record(np.transpose, (x,), {"axes": tuple(order)})


@handles(np.matrix_transpose)
def _np_matrix_transpose(x: Any) -> Tensor:
    return constant(x).mT


@handles(np.moveaxis)
def _np_moveaxis(x: Any, source: Any, destination: Any) -> Tensor:
    x = constant(x)
    source, destination = axes_of(x, source), axes_of(x, destination)
    if len(source) != len(destination):
        raise ValueError(f"np.moveaxis of {len(source)} axes to {len(destination)} places")
    order = [k for k in range(x.ndim) if k not in source]
    for place, k in sorted(zip(destination, source, strict=True)):
        order.insert(place, k)
    return record(np.transpose, (x,), {"axes": tuple(order)})


@handles(np.broadcast_to)
def _np_broadcast_to(x: Any, shape: Any) -> Tensor:
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    return record(np.broadcast_to, (constant(x),), {"shape": shape})


@handles(np.concatenate)
def _np_concatenate(
    arrays: Any, axis: int | None = 0, *, dtype: Any = None, casting: str = "same_kind"
) -> Tensor:
    tensors = [constant(x) for x in arrays]
    if dtype is not None:
        tensors = [cast(x, dtype, casting) for x in tensors]
    if axis is None:
        tensors, axis = [x.ravel() for x in tensors], 0
    axis = normalize_axis_index(axis, tensors[0].ndim)
    return record(rules.concatenate, tuple(tensors), {"axis": axis})


@handles(np.stack)
def _np_stack(
    arrays: Any, axis: int = 0, *, dtype: Any = None, casting: str = "same_kind"
) -> Tensor:
    tensors = [constant(x) for x in arrays]
    if dtype is not None:
        tensors = [cast(x, dtype, casting) for x in tensors]
    axis = normalize_axis_index(axis, tensors[0].ndim + 1)
    return record(rules.stack, tuple(tensors), {"axis": axis})


HANDLERS[np.shape] = lambda x: x.shape
HANDLERS[np.ndim] = lambda x: x.ndim
HANDLERS[np.size] = lambda x, axis=None: x.size if axis is None else x.shape[axis]


@handles(np.astype)
def _np_astype(
    x: Any, dtype: Any, /, *, casting: Any = "unsafe", copy: bool = True, device: Any = None
) -> Tensor:
    x = constant(x)
    if not np.can_cast(x.dtype, dtype, casting):
        raise TypeError(
            f"{described(x)} of {x.dtype} is not cast to {np.dtype(dtype)} where "
            f"casting={casting!r}"
        )
    if not copy and x.dtype == dtype:
        return x
    return record(rules.astype, (x,), {"dtype": np.dtype(dtype)})
