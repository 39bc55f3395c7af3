"""NumPy's further products, composed of elementwise and matrix products; and convolutions."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_lite.errors import described
from autograd_lite.functions.forms import axes_of, checked_ndim, handles, reshaped_to, without_axes
from autograd_lite.rules import RULES, index_along
from autograd_lite.tensor import HANDLERS, Tensor, constant, record

# Each is recorded in NumPy's own default mode: a convolution wherever the two lines overlap, a
# correlation of a line with one that is not longer, where they overlap fully. Their derivatives
# are each other.
RULES[np.convolve] = (lambda g, y, a, v: np.correlate(g, v), lambda g, y, a, v: np.correlate(g, a))
RULES[np.correlate] = (lambda g, y, a, v: np.convolve(g, v), lambda g, y, a, v: np.correlate(a, g))


@handles(np.outer)
def _np_outer(a: Any, b: Any) -> Tensor:
    a, b = constant(a), constant(b)
    return reshaped_to(a, (a.size, 1)) * reshaped_to(b, (1, b.size))


@handles(np.inner)
def _np_inner(a: Any, b: Any) -> Any:
    a, b = constant(a), constant(b)
    return np.tensordot(a, b, (-1, -1)) if a.ndim and b.ndim else a * b


@handles(np.vdot)
def _np_vdot(a: Any, b: Any) -> Any:
    return np.dot(constant(a).ravel(), constant(b).ravel())


@handles(np.vecdot)
def _np_vecdot(x1: Any, x2: Any, axis: int = -1) -> Tensor:
    a, b = (np.moveaxis(checked_ndim("vecdot", x, 1), axis, -1) for x in (x1, x2))
    y: Any = np.expand_dims(a, -2) @ np.expand_dims(b, -1)
    return without_axes(y, (y.ndim - 2, y.ndim - 1))


@handles(np.matvec)
def _np_matvec(x1: Any, x2: Any) -> Tensor:
    y = checked_ndim("matvec", x1, 2) @ np.expand_dims(checked_ndim("matvec", x2, 1), -1)
    return without_axes(y, (y.ndim - 1,))


@handles(np.vecmat)
def _np_vecmat(x1: Any, x2: Any) -> Tensor:
    y: Any = np.expand_dims(checked_ndim("vecmat", x1, 1), -2) @ checked_ndim("vecmat", x2, 2)
    return without_axes(y, (y.ndim - 2,))


@handles(np.kron)
def _np_kron(a: Any, b: Any) -> Tensor:
    a, b = constant(a), constant(b)
    ndim = max(a.ndim, b.ndim)
    p, q = ((1,) * (ndim - x.ndim) + x.shape for x in (a, b))
    blocks = reshaped_to(a, tuple(k for n in p for k in (n, 1))) * reshaped_to(
        b, tuple(k for n in q for k in (1, n))
    )
    return reshaped_to(blocks, tuple(m * n for m, n in zip(p, q, strict=True)))


@handles(np.cross)
def _np_cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    if axis is not None:
        axisa = axisb = axisc = axis
    (a0, a1, a2), (b0, b1, b2) = _components(a, axisa), _components(b, axisb)
    return np.stack([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0], axis=axisc)


def _components(x: Any, axis: int) -> list[Tensor]:
    x = checked_ndim("cross", x, 1)
    (k,) = axes_of(x, axis)
    if x.shape[k] != 3:
        raise ValueError(
            f"np.cross on a Tensor is of vectors of three numbers, and {described(x)} has "
            f"{x.shape[k]} along axis {axis}. (Of two: a[0] * b[1] - a[1] * b[0])"
        )
    return [index_along(x, k, i) for i in range(3)]


def _vectors(name: str, a: Any, v: Any, mode: Any) -> tuple[Tensor, Tensor, str]:
    """Two arrays of one axis, and the mode by its name."""
    lines = [constant(x) for x in (a, v)]
    for x in lines:
        if x.ndim != 1 or not x.size:
            raise ValueError(f"np.{name} of {described(x)}: it needs one axis, and an entry in it")
    modes = {0: "valid", 1: "same", 2: "full"}
    mode = modes.get(mode, mode)
    if mode not in modes.values():
        raise ValueError(f"np.{name}: mode is 'valid', 'same' or 'full', not {mode!r}")
    return lines[0], lines[1], mode


@handles(np.convolve)
def _np_convolve(a: Any, v: Any, mode: Any = "full") -> Tensor:
    a, v = (np.expand_dims(x, 0) if np.ndim(x) == 0 else x for x in (a, v))
    a, v, mode = _vectors("convolve", a, v, mode)
    if v.size > a.size:
        a, v = v, a
    if mode == "valid":
        return record(np.correlate, (a, v[::-1]))
    y = record(np.convolve, (a, v))
    start = (v.size - 1) // 2
    return y if mode == "full" else y[start : start + a.size]


@handles(np.correlate)
def _np_correlate(a: Any, v: Any, mode: Any = "valid") -> Tensor:
    a, v, mode = _vectors("correlate", a, v, mode)
    if v.size > a.size:
        return _np_correlate(v, a, mode)[::-1]
    return record(np.correlate, (a, v)) if mode == "valid" else _np_convolve(a, v[::-1], mode)


@handles(np.polyval)
def _np_polyval(p: Any, x: Any) -> Tensor:
    if isinstance(x, np.poly1d):
        raise TypeError("np.polyval on a Tensor takes no polynomial for x")
    coefficients = p if isinstance(p, list | tuple) else constant(p)
    x = constant(x)
    y = constant(np.zeros(x.shape, x.dtype))
    for k in range(len(coefficients)):
        y = y * x + constant(coefficients[k])
    return y


# Polynomials, as vectors of their coefficients, the highest first


def _coefficients(name: str, p: Any) -> Any:
    if isinstance(p, np.poly1d):
        raise TypeError(f"np.{name} on a Tensor takes vectors of coefficients, not np.poly1d")
    x = constant(p)
    if x.ndim > 1:
        raise ValueError(f"np.{name} of {described(x)}: coefficients have one axis")
    return reshaped_to(x, (x.size,))


def _termwise(function: Callable[..., Any], op: np.ufunc) -> None:
    def handler(a1: Any, a2: Any) -> Any:
        a, b = (_coefficients(function.__name__, x) for x in (a1, a2))
        n = max(a.size, b.size)
        return op(*(np.pad(x, (n - x.size, 0)) for x in (a, b)))

    HANDLERS[function] = handler


_termwise(np.polyadd, np.add)
_termwise(np.polysub, np.subtract)


@handles(np.polyder)
def _np_polyder(p: Any, m: int = 1) -> Any:
    y = _coefficients("polyder", p)
    for _ in range(operator.index(m)):
        y = y[:-1] * np.arange(y.size - 1, 0, -1)
    return y


@handles(np.polyint)
def _np_polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    y, m = _coefficients("polyint", p), operator.index(m)
    last = np.broadcast_to(_coefficients("polyint", 0.0 if k is None else k), (m,))
    for i in range(m):
        y = np.concatenate([y / np.arange(y.size, 0, -1), last[i : i + 1]])
    return y


@handles(np.vander)
def _np_vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    x = constant(x)
    if x.ndim != 1:
        raise ValueError(f"np.vander of {described(x)}: it needs one axis")
    count = len(x) if N is None else N
    dtype = np.promote_types(x.dtype, int)
    columns = [constant(np.ones(x.shape, dtype))]
    while len(columns) < count:
        columns.append(columns[-1] * x)
    if count < 1:
        return constant(np.zeros((len(x), 0), dtype))
    return np.stack(columns if increasing else columns[::-1], axis=1)
