"""NumPy's reductions: `axis` becomes a tuple, `keepdims` true, and a reshape drops the axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_lite.errors import described
from autograd_lite.functions.forms import axes_of, without_axes
from autograd_lite.tensor import HANDLERS, Tensor, constant, record


def _reduction(op: Callable[..., Any], *options: str) -> None:
    def handler(x: Any, axis: Any = None, *, keepdims: Any = False, **extra: Any) -> Tensor:
        for name in extra:
            if name not in options:
                raise TypeError(f"np.{op.__name__} got an unexpected keyword argument {name!r}")
        x, static = constant(x), {k: v for k, v in extra.items() if v}
        axes = axes_of(x, axis)
        if op in (np.max, np.min) and any(x.shape[k] == 0 for k in axes):
            raise ValueError(
                f"np.{op.__name__} of {described(x)} along axis {axis}: there is nothing to choose "
                "from. Leave out what is empty"
            )
        y = record(op, (x,), {"axis": axes, "keepdims": True, **static})
        return y if keepdims else without_axes(y, axes)

    HANDLERS[op] = handler


_op: Callable[..., Any]
for _op in (np.sum, np.mean, np.max, np.min, np.any, np.all):
    _reduction(_op)
for _op in (np.var, np.std):
    _reduction(_op, "ddof")
HANDLERS[np.amax], HANDLERS[np.amin] = HANDLERS[np.max], HANDLERS[np.min]


def _position_of(op: Callable[..., Any]) -> None:
    def handler(x: Any, axis: int | None = None, *, keepdims: bool = False) -> Tensor:
        return record(op, (constant(x),), {"axis": axis, "keepdims": bool(keepdims)})

    HANDLERS[op] = handler


_position_of(np.argmax)
_position_of(np.argmin)
