"""Item assignment, and NumPy's functions that write into an array: recorded as new values.

A tensor that is assigned to goes on as a new value, and so does what it is a view of. What was
computed from it before keeps what it used: see `settle` in `autograd_lite.tensor`.
"""

from __future__ import annotations

import functools
import operator
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_lite import errors, rules
from autograd_lite.functions.forms import cast, handles, reshaped_to
from autograd_lite.tensor import (
    ASSIGNED,
    Tensor,
    _made,
    _state,
    check_current,
    check_memory_known,
    constant,
    index_of,
    operands,
    record,
    settle,
    view_of,
    writes_of,
)


@handles(operator.setitem)
def assign(t: Tensor, index: Any, value: Any) -> None:
    """`t[index] = value`: t goes on as a new value; inside no_grad a leaf gets new data."""
    (value,) = operands((value,))
    leaf = t._op is None and t._needs
    if leaf and not (_state.gradients or _state.tracing):
        t._data = _assigned(t, index, value)._data
    elif leaf:
        raise TypeError(
            f"{errors.described(t)}[...] = ... would write into a leaf that requires a gradient: "
            "write t = t.copy() first, or use np.where(mask, new, t), np.concatenate or np.stack."
        )
    elif _is_kept(t):
        raise TypeError(
            f"{errors.described(t)}[...] = ... inside no_grad, on what was computed outside it: "
            "its gradient would be wrong. Write t = t.copy() first."
        )
    else:
        reassign(t, lambda old: _assigned(old, index, value), _known_place(index))


def _is_kept(t: Tensor) -> bool:
    """Whether t may not go on: a leaf that requires a gradient, or inside no_grad on a tape."""
    if t._op is None:
        return t._needs
    return not _state.gradients and (t._needs or not _state.tracing)


def _known_place(index: Any) -> Any:
    """An index as a tuple, if it is a basic one: the memory that it stands for is known."""
    items = index if isinstance(index, tuple) else (index,)
    return items if rules.is_basic(items) else None


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


# How a tensor goes on


def reassign(t: Tensor, make: Callable[[Tensor], Tensor], place: Any = None) -> None:
    """Let t go on as `make(t as it was)`; place: the basic index that it differs at, if known.

    What t is a view of goes on as well. Other views of that are not current any more: `settle`
    raises where one is used. ValueError for a view of a leaf that requires a gradient, and for
    one that was made inside no_grad, without the gradient that its base has. TracingError while
    tracing, for what was there before: an argument, say.
    """
    check_memory_known()
    check_current(t)
    chain, gone = _written_with(t, place)
    olds = []
    for x, op, static in chain:
        old = _as_it_is(x)
        if op is None:
            new = make(old)
        else:
            part, index = _THROUGH[op](old, t, static)
            new = record(rules.setitem, (old, part), {"index": index})
        for slot in ("_data", "_op", "_inputs", "_saved", "_static", "_needs", "_order"):
            setattr(x, slot, getattr(new, slot))
        x._before = old
        olds.append(old)
        t = x
    for k, (x, _, static) in enumerate(chain):
        if k + 1 < len(chain):
            x._view = (olds[k + 1], *chain[k + 1][1:])
        olds[k]._writes = writes_of(x)
        x._writes.append((t._order, static.get("index")))
        x._current = t._order
        ASSIGNED[id(olds[k])] = weakref.ref(olds[k], functools.partial(ASSIGNED.pop, id(olds[k])))
    for base, index in gone:
        base._writes.append((t._order, index))
    _settle_since(min(old._order for old in olds), t)


Written = list[tuple[Tensor, Any, dict[str, Any]]]


def _written_with(t: Tensor, place: Any) -> tuple[Written, list[tuple[Tensor, Any]]]:
    """What a write into t at this place changes: t, what t is a view of, what that is a view of.

    Each comes with the operation and the arguments that made the one before it a view; the last
    is apart, with its index, if nothing but views is left of it.
    """
    chain: Written = [(t, None, {"index": place})]
    gone = []
    while (view := view_of(chain[-1][0])) is not None:
        base, op, static = view
        newest = base._writes.newest() if hasattr(base, "_writes") else base
        if newest is None and op in _THROUGH and view_of(base) is None:
            gone.append((base, static.get("index")))
            break
        cut = base._needs and not chain[-1][0]._needs
        if newest is None or cut or _is_kept(newest) or op not in _THROUGH:
            raise ValueError(
                f"{errors.described(t)}[...] = ... would write into {errors.described(base)} as "
                "well, whose view it is. Write t = t.copy() first."
            )
        chain.append((newest, op, static))
    for x, _, _ in chain:
        if x._order < _state.since:
            name, what = x.name or "t", f"{errors.described(x)}[...] = ..."
            raise errors.side_effect(what, f"write {name} = {name}.copy() first")
    return chain, gone


def _settle_since(order: int, t: Tensor) -> None:
    """Settle what t was made of since then: so it does not lead back to t, and is freed with t."""
    stack, seen = [t], {t._order}
    while stack:
        x = stack.pop()
        settle(x)
        for z in x._inputs:
            if type(z) is Tensor and z._order > order and z._order not in seen:
                seen.add(z._order)
                stack.append(z)


def _as_it_is(t: Tensor) -> Tensor:
    """A tensor that stays what t is now, with t's order."""
    old = _made(t._data, t._op, t._inputs, t._saved, t._static, t._needs)
    for slot in ("_order", "_before", "_current", "_view", "_writes"):
        if hasattr(t, slot):
            setattr(old, slot, getattr(t, slot))
    return old


# What is written into x, and where, when a view that this operation made of x is written into.
_THROUGH: dict[Any, Callable[[Tensor, Tensor, dict[str, Any]], tuple[Tensor, Any]]] = {
    rules.getitem: lambda x, view, static: (view, static["index"]),
    np.reshape: lambda x, view, static: (view.reshape(x.shape), (...,)),
    np.transpose: lambda x, view, static: (view.transpose(rules.inverse(static["axes"])), (...,)),
}
