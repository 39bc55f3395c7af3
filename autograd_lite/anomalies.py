"""Finds the operation at which the first nan or infinity appeared, forward or in a gradient."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from autograd_lite import errors, tensor
from autograd_lite.tensor import Tensor

_lock = threading.Lock()
_contexts = 0  # in all threads
_unwatched = tensor._made
_SELECTED_AWAY = (
    "If np.where selects this away, the gradient is nan all the same: it arrives here as 0, and "
    "0·∞ is nan. Give the operation a harmless argument where it is not selected: "
    "np.where(c, f(np.where(c, x, 1.0)), other)."
)


@contextmanager
def detect_anomalies() -> Iterator[None]:
    """Within this context (and thread) the first tensor that becomes nan or infinite is an error.

    The FloatingPointError names the tensor or the gradient, the operation, its operands, and the
    line that recorded it. An infinity that was there before may pass through (-inf as a mask), a
    nan may not. Compiled functions are not watched.

    A gradient of 0 times an infinite slope is nan, as for `np.where(x >= 0, x, sqrt(-x))` at 0.
    That is IEEE arithmetic; to avoid it, every rule would have to mask its product, which costs one
    pass over the array for each operation.

    >>> x = Tensor([4.0, 0.0], requires_grad=True, name="x")
    >>> with detect_anomalies():
    ...     np.sum(np.sqrt(x)).backward()
    Traceback (most recent call last):
    FloatingPointError: the gradient of x (2,) became infinite in the rule of sqrt...
    """
    global _contexts
    with _lock:
        _contexts += 1
        tensor._made = _watched  # swapped, so that it costs nothing while nobody watches
    try:
        with tensor._set(recorded_at={}, watch=watched_rule), np.errstate(all="ignore"):
            yield
    finally:
        with _lock:
            _contexts -= 1
            if not _contexts:
                tensor._made = _unwatched


def _watched(
    y: Any, op: Any, inputs: Any, saved: Any, static: dict[str, Any], needs: bool
) -> Tensor:
    t = _unwatched(y, op, inputs, saved, static, needs)
    recorded_at = tensor._state.recorded_at
    if recorded_at is not None and op is not None and not hasattr(t._data, "stands_in"):
        frame = errors.outside(sys._getframe(1))
        recorded_at[t._order] = (frame.f_code.co_filename, frame.f_lineno)
        became = _became(t._data, saved)
        if became:
            raise _anomaly("the value", became, t, t._data, inputs, saved, _SELECTED_AWAY)
    return t


def watched_rule(rule: Callable[..., Any], t: Tensor, argument: int) -> Callable[..., Any]:
    """The rule of t for this argument, whose result must not become nan or infinite."""

    def watched(g: Any, y: Any, *inputs: Any, **static: Any) -> Any:
        with tensor._set(recorded_at=None):
            new = rule(g, y, *inputs, **static)
        array, arriving = _array(new), _array(g)
        became = _became(array, (arriving, t._data, *t._saved))
        if became:
            of = t._inputs[argument]
            zero = np.any(arriving == 0) and became == "nan"
            why = _SELECTED_AWAY if zero else ""
            raise _anomaly(
                f"the gradient of {errors.described(of)}",
                became,
                t,
                array,
                ("arriving", *t._inputs),
                (arriving, *t._saved),
                why,
            )
        return new

    return watched


def _array(x: Any) -> np.ndarray:
    return x._data if type(x) is Tensor else np.asarray(x)


def _became(y: np.ndarray, before: Any) -> str | None:
    """What y became: nan, or infinite although all that went in was finite; else None."""
    if y.dtype.kind != "f" or np.isfinite(y).all():
        return None
    if np.isnan(y).any():
        return "nan"
    finite = all(np.isfinite(x).all() for x in map(np.asarray, before) if x.dtype.kind in "fiub")
    return "infinite" if finite else None


def _anomaly(
    what: str, became: str, t: Tensor, result: np.ndarray, inputs: Any, values: Any, why: str
) -> FloatingPointError:
    """The error, which says what became nan or infinite, by which operation and line, from what."""
    name = t._op.__name__ if t._op else "leaf"
    called = f" of {t.name}" if t.name and what == "the value" else ""
    where = "in" if what == "the value" else "in the rule of"
    place = tensor._state.recorded_at and tensor._state.recorded_at.get(t._order)
    lines = [
        f"{what}{called} became {became} {where} {name}, recorded at "
        + (errors.place_of(*place) if place else "a line before detect_anomalies began")
    ]
    bad = np.isnan(result) if became == "nan" else np.isinf(result)
    at = np.argwhere(bad)
    lines.append(f"{len(at)} of {result.size} entries of the result {result.shape} are {became}:")
    for index in map(tuple, at[:3].tolist()):
        entries = []
        for x, value in zip(inputs, map(np.asarray, values), strict=True):
            label = x if type(x) is str else getattr(x, "name", None) or "input"
            entries.append(f"{label} {value.shape}" + _entry(value, result.shape, index))
        lines.append(f"  at {list(index)}: " + ", ".join(entries))
    if any(np.isnan(x).any() for x in map(np.asarray, values) if x.dtype.kind == "f"):
        lines.append("What went in holds a nan already: look at how it was made.")
    elif why:
        lines.append(why)
    return FloatingPointError("\n".join(lines))


def _entry(value: np.ndarray, shape: tuple[int, ...], index: tuple[int, ...]) -> str:
    """The entry of an operand behind this entry of the result, if the operation is elementwise."""
    try:
        return f" = {np.broadcast_to(value, shape)[index]:.6g}"
    except ValueError:
        return ""
