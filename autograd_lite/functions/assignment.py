"""Item assignment, and NumPy's functions that write into an array: recorded as new values."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from autograd_lite import errors, rules
from autograd_lite.functions.forms import cast, handles, reshaped_to
from autograd_lite.tensor import Tensor, _state, constant, index_of, operands, reassign, record


@handles(operator.setitem)
def assign(t: Tensor, index: Any, value: Any) -> None:
    """`t[index] = value`: t goes on as a new value; inside no_grad a leaf gets new data."""
    (value,) = operands((value,))
    off, leaf = not (_state.gradients or _state.tracing), t._op is None and t._needs
    if off and leaf:
        t._data = _assigned(t, index, value)._data
    elif leaf:
        raise TypeError(
            f"{errors.described(t)}[...] = ... would write into a leaf that requires a gradient: "
            "write t = t.copy() first, or use np.where(mask, new, t), np.concatenate or np.stack."
        )
    elif off and t._op is not None:
        raise TypeError(
            f"{errors.described(t)}[...] = ... inside no_grad, on what was computed outside it: "
            "its gradient would be wrong. Write t = t.copy() first."
        )
    else:
        reassign(t, lambda old: _assigned(old, index, value), _known_place(index))


def _known_place(index: Any) -> Any:
    """An index as a tuple, if it is a basic one: the memory that it stands for is known."""
    items = index if isinstance(index, tuple) else (index,)
    basic = all(isinstance(i, int | slice | None) or i is Ellipsis for i in items)
    return items if basic and not any(isinstance(i, bool) for i in items) else None


def _assigned(x: Tensor, index: Any, value: Any) -> Tensor:
    mask = isinstance(index, Tensor) and index.dtype.kind == "b"
    if mask and np.size(value) == 1 and index.shape == x.shape[: index.ndim]:
        return _chosen(x, index, value)  # its shapes do not depend on the mask
    items, at = index_of(index)
    if isinstance(value, Tensor) and value.ndim:  # NumPy takes more axes of length one in front
        extra = max(value.ndim - _part(x, items, at).ndim, 0)
        if set(value.shape[:extra]) <= {1}:
            value = reshaped_to(value, value.shape[extra:])
    return record(rules.setitem, (x, value, *at), {"index": items})


def _part(x: Tensor, items: Any, at: list[Tensor]) -> np.ndarray:
    """The entries that an index stands for."""
    return np.asarray(rules.getitem(x._data, *[i._data for i in at], index=items))


def _chosen(x: Tensor, mask: Tensor, value: Any) -> Tensor:
    """`x[mask] = value` of one number."""
    mask = reshaped_to(mask, mask.shape + (1,) * (x.ndim - mask.ndim))
    if isinstance(value, Tensor):
        value = reshaped_to(value, ())
    if np.result_type(x.dtype, getattr(value, "dtype", value)) != x.dtype:
        value = cast(constant(value), x.dtype)
    return record(np.where, (mask, value, x))


def _at(ufunc: np.ufunc) -> None:
    @handles(ufunc.at)
    def handler(t: Any, index: Any, value: Any) -> None:
        if not isinstance(t, Tensor):
            raise TypeError(
                f"np.{ufunc.__name__}.at writes into an array, where a Tensor would lose its "
                "gradient: let it write into a Tensor that was computed"
            )
        items, at = index_of(index)
        static = {"shape": t.shape, "index": items}
        parts = np.broadcast_to(constant(value), _part(t, items, at).shape)
        added = record(rules.scatter_add, (parts, *at), static)
        assign(t, ..., ufunc(t, added))


_at(np.add)
_at(np.subtract)
