"""NumPy's products, running sums, differences, orders and statistics."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autograd_lite import rules
from autograd_lite.errors import described, no_value
from autograd_lite.functions.forms import axes_of, handles, line_of, refuse, reshaped_to
from autograd_lite.functions.own import logsumexp
from autograd_lite.functions.reductions import (
    mean_where,
    position_of,
    reduction,
    root,
    var_where,
)
from autograd_lite.rules import RULES, index_along, operation
from autograd_lite.tensor import HANDLERS, Tensor, constant, is_tracing, operands, record

# Rules. What multiplies is never divided by, so that zeros are right at every order.


def reverse(x: Any, axis: int) -> Any:
    """x from its end to its beginning."""
    return index_along(x, axis, slice(None, None, -1))


def late(x: Any, axis: int, first: float) -> Any:
    """x one place later: what came before each entry, and this number before the first."""
    n = x.shape[axis]
    start = np.full((*x.shape[:axis], 1, *x.shape[axis + 1 :]), first, x.dtype)
    return index_along(np.concatenate([start, x], axis=axis), axis, slice(n))


def discounted(g: Any, a: Any, axis: int) -> Any:
    """The gradient of a recurrence for b: r[k] = a[k + 1] · r[k + 1] + g[k]."""
    backwards = late(reverse(a, axis), axis, 0), reverse(g, axis)
    return reverse(recurrence(*backwards, axis=axis), axis)


@operation(
    lambda g, y, a, b, axis: discounted(g, a, axis) * late(y, axis, 0),
    lambda g, y, a, b, axis: discounted(g, a, axis),
)
def recurrence(a: Any, b: Any, axis: int) -> Any:
    """y[k] = a[k] · y[k - 1] + b[k] along an axis, from y[-1] = 0 on."""
    y = np.array(b)
    front, steps = np.moveaxis(y, axis, 0), np.moveaxis(a, axis, 0)
    for k in range(1, len(front)):
        front[k] += steps[k] * front[k - 1]
    return y


def others(x: Any, axes: tuple[int, ...]) -> Any:
    """The product of all other entries along these axes, for each entry of x."""
    if not axes:
        return 1
    axis, *rest = axes
    before = np.cumprod(late(x, axis, 1), axis=axis)
    after = reverse(np.cumprod(late(reverse(x, axis), axis, 1), axis=axis), axis)
    beside = before * after
    return beside * others(np.prod(x, axis=axis, keepdims=True), tuple(rest)) if rest else beside


RULES[np.prod] = (lambda g, y, x, axis, keepdims: g * others(x, axis),)
RULES[np.cumsum] = (lambda g, y, x, axis: reverse(np.cumsum(reverse(g, axis), axis=axis), axis),)
RULES[np.cumprod] = (lambda g, y, x, axis: discounted(g, x, axis) * late(y, axis, 1),)

# As those of max and min; of nothing but nan, the derivatives are 0.
RULES[np.nanmax] = RULES[np.nanmin] = (
    lambda g, y, x, axis, keepdims: (
        g
        * (x == y)
        / np.maximum(np.sum((x == y).astype(rules.counter(g, x.size)), axis=axis, keepdims=True), 1)
    ),
)
# Where entries tie, any of the orders is right.
RULES[np.partition] = (lambda g, y, x, axis, kth: np.take_along_axis(g, arrival(x, y, axis), axis),)

_op: Callable[..., Any]
for _op in (
    *(np.argsort, np.argpartition, np.lexsort, np.searchsorted, np.digitize, np.count_nonzero),
    *(np.nanargmax, np.nanargmin, np.isclose, np.bincount, np.argwhere),
    *(np.angle, np.isin, np.isneginf, np.isposinf),
):
    RULES[_op] = ()


def arrival(x: Any, y: Any, axis: int) -> Any:
    """Where each entry of x stands in y, which has the same ones along the axis."""
    ranks = np.argsort(np.argsort(x, axis=axis, stable=True), axis=axis)
    return np.take_along_axis(np.argsort(y, axis=axis, stable=True), ranks, axis)


# Products and running sums

reduction(np.prod, "dtype", "out", "keepdims", "initial", "where", neutral=1)


def _running(op: Callable[..., Any]) -> Callable[..., Any]:
    def handler(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
        refuse(op.__name__, out=out)
        x, axis = line_of(a, axis)
        y = record(op, (x if dtype is None else x.astype(dtype),), {"axis": axis})
        return y if dtype is None or y.dtype == dtype else y.astype(dtype)

    HANDLERS[op] = handler
    return handler


_cumsum, _cumprod = _running(np.cumsum), _running(np.cumprod)


def _cumulative(function: Callable[..., Any], op: Callable[..., Any], first: int) -> None:
    def handler(
        x: Any,
        /,
        *,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        include_initial: bool = False,
    ) -> Any:
        refuse(function.__name__, out=out)
        x = constant(x)
        if axis is None and x.ndim != 1:
            raise ValueError(f"np.{function.__name__} of {described(x)}: say along which axis")
        y, axis = line_of(op(x, axis=axis, dtype=dtype), axis)
        if not include_initial:
            return y
        start = np.full((*y.shape[:axis], 1, *y.shape[axis + 1 :]), first, y.dtype)
        return np.concatenate([start, y], axis=axis)

    HANDLERS[function] = handler


_cumulative(np.cumulative_sum, np.cumsum, 0)
_cumulative(np.cumulative_prod, np.cumprod, 1)


# Ufuncs' own reductions, whose axis is 0 if nothing is said


def _reduce(op: Callable[..., Any]) -> Callable[..., Any]:
    def handler(
        x: Any,
        axis: Any = 0,
        dtype: Any = None,
        out: Any = None,
        keepdims: Any = False,
        **extra: Any,
    ) -> Any:
        refuse(op.__name__, out=out)
        x = constant(x)
        x = x if dtype is None else x.astype(dtype)
        axis = () if not x.ndim and axis in (0, -1) else axis
        return op(x, axis=axis, keepdims=keepdims, **extra)

    return handler


REDUCED_BY: dict[np.ufunc, Callable[..., Any]] = {
    np.add: np.sum,
    np.multiply: np.prod,
    np.maximum: np.max,
    np.minimum: np.min,
    np.logical_and: np.all,
    np.logical_or: np.any,
    np.logaddexp: logsumexp,
}
for _ufunc, _op in REDUCED_BY.items():
    HANDLERS[_ufunc.reduce] = _reduce(_op)

for _ufunc, _run in ((np.add, _cumsum), (np.multiply, _cumprod)):
    HANDLERS[_ufunc.accumulate] = lambda x, axis=0, dtype=None, out=None, run=_run: run(
        x, axis, dtype, out
    )


@operation()
def latest(x: Any, op: Any, axis: int) -> Any:
    """Where the running maximum or minimum stands: of entries that tie, at the last."""
    n = x.shape[axis]
    places = np.arange(n).reshape((n,) + (1,) * (x.ndim - axis - 1))
    new = (x == op.accumulate(x, axis)) | np.isnan(x)
    return np.maximum.accumulate(np.where(new, places, 0), axis)


def _running_extreme(op: Any) -> None:
    """Ties go to the last entry, as in PyTorch's cummax."""

    def handler(x: Any, axis: Any = 0, dtype: Any = None, out: Any = None) -> Any:
        refuse(f"{op.__name__}.accumulate", out=out, dtype=dtype)
        x, axis = line_of(x, axis)
        return np.take_along_axis(x, latest(x, op=op, axis=axis), axis)

    HANDLERS[op.accumulate] = handler


_running_extreme(np.maximum)
_running_extreme(np.minimum)


@handles(np.add.reduceat)
def _np_add_reduceat(
    x: Any, indices: Any, axis: Any = 0, dtype: Any = None, out: Any = None
) -> Any:
    """The entries of every slice, and then to each slice its own."""
    refuse("add.reduceat", out=out, dtype=dtype)
    x, axis = line_of(x, axis)
    starts = np.asarray(indices)
    np.add.reduceat(np.zeros(x.shape[axis]), starts)  # NumPy says what is wrong with them
    stops = np.maximum([*starts[1:], x.shape[axis]], starts + 1)
    pieces = [np.arange(i, j) for i, j in zip(starts, stops, strict=True)]
    before = (slice(None),) * axis
    entries = x[(*before, np.concatenate(pieces))]
    slices = np.repeat(np.arange(len(starts)), stops - starts)
    shape = (*x.shape[:axis], len(starts), *x.shape[axis + 1 :])
    return rules.scatter_add(entries, shape=shape, index=(*before, slices))


# Without what is not a number


def _without_nan(function: Callable[..., Any], op: Callable[..., Any], instead: float) -> None:
    def handler(a: Any, *arguments: Any, **options: Any) -> Any:
        x = constant(a)
        refuse(function.__name__, out=options.get("out", (*arguments, None, None, None)[2]))
        return op(np.where(np.isnan(x), instead, x), *arguments, **options)

    HANDLERS[function] = handler


_without_nan(np.nansum, np.sum, 0)
_without_nan(np.nanprod, np.prod, 1)
_without_nan(np.nancumsum, np.cumsum, 0)
_without_nan(np.nancumprod, np.cumprod, 1)
position_of(np.nanargmax)
position_of(np.nanargmin)


def _nan_extreme(op: Callable[..., Any], plain: Callable[..., Any]) -> None:
    reduction(op, "out", "keepdims", "initial", "where")
    whole = HANDLERS[op]

    def handler(a: Any, axis: Any = None, *more: Any, **options: Any) -> Any:
        if {"initial", "where"} & options.keys() or len(more) > 2:
            raise TypeError(
                f"np.{op.__name__} on a Tensor takes neither initial= nor where=: write "
                f"np.{plain.__name__} of np.where(np.isnan(t), ...)"
            )
        return whole(a, axis, *more, **options)

    HANDLERS[op] = handler


_nan_extreme(np.nanmax, np.max)
_nan_extreme(np.nanmin, np.min)


def _nan_moment(function: Callable[..., Any], plain: Callable[..., Any], *names: str) -> None:
    """The mean and its kin of the entries that are numbers: those of a plain one with a mask."""

    def handler(a: Any, axis: Any = None, *more: Any, where: Any = True, **options: Any) -> Any:
        x = constant(a)
        options.update(zip(names, more, strict=False))
        refuse(function.__name__, out=options.pop("out", None), mean=options.pop("mean", None))
        dtype = options.pop("dtype", None)
        correction = options.pop("correction", np._NoValue)
        if correction is not np._NoValue:
            if options.get("ddof"):
                raise ValueError("ddof and correction can't be provided simultaneously.")
            options["ddof"] = correction
        x = x if dtype is None else x.astype(dtype)
        mask = np.logical_and(~np.isnan(x), True if where is np._NoValue else where)
        if plain is np.mean:
            return mean_where(x, mask, axis, **options)
        y = var_where(x, mask, axis, none=math.nan, **options)
        return root(y) if plain is np.std else y

    HANDLERS[function] = handler


_nan_moment(np.nanmean, np.mean, "dtype", "out", "keepdims")
_nan_moment(np.nanvar, np.var, "dtype", "out", "ddof", "keepdims")
_nan_moment(np.nanstd, np.std, "dtype", "out", "ddof", "keepdims")


# Differences and integrals


def part(x: Any, axis: int, start: int | None, stop: int | None) -> Any:
    """x[start:stop] along an axis."""
    return index_along(x, axis, slice(start, stop))


@handles(np.diff)
def _np_diff(
    a: Any, n: int = 1, axis: int = -1, prepend: Any = np._NoValue, append: Any = np._NoValue
) -> Any:
    if n < 0:
        raise ValueError(f"np.diff takes n of 0 or more, not {n}")
    x: Any = constant(a)
    pieces: list[Any] = [constant(z) for z in (prepend, x, append) if z is not np._NoValue]
    if not n:
        return x
    x, axis = line_of(x, axis)
    one = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
    pieces = [z if z.ndim else np.broadcast_to(z, one) for z in pieces]
    x = np.concatenate(pieces, axis=axis) if len(pieces) > 1 else x
    step = np.not_equal if x.dtype.kind == "b" else np.subtract
    for _ in range(n):
        x = step(part(x, axis, 1, None), part(x, axis, None, -1))
    return x


@handles(np.ediff1d)
def _np_ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    x, _ = line_of(ary, None)
    middle = part(x, 0, 1, None) - part(x, 0, None, -1)
    ends = [None if z is None else np.ravel(constant(z)) for z in (to_begin, to_end)]
    for z in ends:
        if z is not None and not np.can_cast(z.dtype, x.dtype, "same_kind"):
            raise TypeError(f"np.ediff1d of {x.dtype}: {z.dtype} does not fit to its ends")
    pieces = [z for z in (ends[0], middle, ends[1]) if z is not None]
    pieces = [z if z.dtype == x.dtype else z.astype(x.dtype) for z in pieces]
    return np.concatenate(pieces) if len(pieces) > 1 else middle


@handles(np.trapezoid)
def _np_trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    y, axis = line_of(y, axis)
    d = dx
    if x is not None:
        x = constant(x)
        d = np.diff(x, axis=axis if x.ndim > 1 else 0)
        if x.ndim == 1:
            d = reshaped_to(d, tuple(d.size if k == axis else 1 for k in range(y.ndim)))
    return np.sum(d * (part(y, axis, 1, None) + part(y, axis, None, -1)) / 2.0, axis=axis)


def _spacings(f: Any, axes: tuple[int, ...], given: tuple[Any, ...]) -> list[Any]:
    """For each axis the distance of its samples, or a vector of them."""
    if len(given) == 1 and not np.ndim(given[0]):
        given *= len(axes)
    if len(given) not in (0, len(axes)):
        raise TypeError(f"np.gradient along {len(axes)} axes takes as many spacings, or one")
    spacings: list[Any] = []
    for axis, x in zip(axes, given or (1.0,) * len(axes), strict=True):
        if np.ndim(x):
            x = x if isinstance(x, Tensor) else np.asarray(x)
            if x.ndim != 1 or len(x) != f.shape[axis]:
                raise ValueError(
                    f"np.gradient of {described(f)} along axis {axis}: the places of its samples "
                    f"are a vector of {f.shape[axis]}, not {x.shape}"
                )
            x = np.diff(x.astype(float) if x.dtype.kind in "iu" else x)
            if isinstance(x, np.ndarray) and (x == x[0]).all():
                x = x[0]
        spacings.append(x)
    return spacings


def _slopes(f: Any, axis: int, h: Any, edge_order: int) -> Any:
    """np.gradient along one axis: central differences, and one-sided ones at the ends."""
    at = lambda k: part(f, axis, k, k + 1 or None)
    beside = lambda x: x.reshape(tuple(-1 if k == axis else 1 for k in range(f.ndim)))
    before, here, after = part(f, axis, None, -2), part(f, axis, 1, -1), part(f, axis, 2, None)
    if np.ndim(h):
        p, q = h[:-1], h[1:]
        a, b, c = -q / (p * (p + q)), (q - p) / (p * q), p / (q * (p + q))
        inner = beside(a) * before + beside(b) * here + beside(c) * after
        first, last = (h[0], h[1]), (h[-1], h[-2])
    else:
        inner = (after - before) / (2.0 * h)
        first = last = (h, h)
    if edge_order == 1:
        ends = (at(1) - at(0)) / first[0], (at(-1) - at(-2)) / last[0]
    elif np.ndim(h):
        (p, q), (r, s) = first, last
        ends = (
            -(2.0 * p + q) / (p * (p + q)) * at(0)
            + (p + q) / (p * q) * at(1)
            + -p / (q * (p + q)) * at(2),
            r / (s * (s + r)) * at(-3)
            + -(r + s) / (s * r) * at(-2)
            + (2.0 * r + s) / (r * (s + r)) * at(-1),
        )
    else:
        ends = (
            -1.5 / h * at(0) + 2.0 / h * at(1) + -0.5 / h * at(2),
            0.5 / h * at(-3) + -2.0 / h * at(-2) + 1.5 / h * at(-1),
        )
    y = np.concatenate([ends[0], inner, ends[1]], axis=axis)
    return y.astype(f.dtype) if y.dtype != f.dtype and f.dtype.kind == "f" else y


@handles(np.gradient)
def _np_gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    f = constant(f)
    f = f if f.dtype.kind == "f" else f.astype(float)
    axes = axes_of(f, axis)
    if edge_order not in (1, 2):
        raise ValueError(f"np.gradient takes an edge_order of 1 or 2, not {edge_order}")
    for k in axes:
        if f.shape[k] <= edge_order:
            raise ValueError(
                f"np.gradient of {described(f)}: axis {k} needs {edge_order + 1} samples or more"
            )
    spacings = _spacings(f, axes, varargs)
    slopes = [_slopes(f, k, h, edge_order) for k, h in zip(axes, spacings, strict=True)]
    return slopes[0] if len(slopes) == 1 else tuple(slopes)


# Orders


def _kept(**options: Any) -> dict[str, Any]:
    """The options that were given."""
    return {name: value for name, value in options.items() if value is not None}


@handles(np.sort)
def _np_sort(
    a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> Any:
    refuse("sort", order=order)
    x, axis = line_of(a, axis)
    return np.take_along_axis(x, np.argsort(x, axis=axis, kind=kind, stable=stable), axis)


@handles(np.argsort)
def _np_argsort(
    a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> Any:
    refuse("argsort", order=order)
    x, axis = line_of(a, axis)
    return record(np.argsort, (x,), {"axis": axis, **_kept(kind=kind, stable=stable)})


def _parting(op: Callable[..., Any]) -> None:
    def handler(
        a: Any, kth: Any, axis: Any = -1, kind: str = "introselect", order: Any = None
    ) -> Any:
        refuse(op.__name__, order=order)
        x, axis = line_of(a, axis)
        places = tuple(map(operator.index, kth)) if np.iterable(kth) else operator.index(kth)
        return record(op, (x,), {"axis": axis, "kth": places})

    HANDLERS[op] = handler


_parting(np.partition)
_parting(np.argpartition)


@handles(np.lexsort)
def _np_lexsort(keys: Any, axis: int = -1) -> Any:
    keys = keys if isinstance(keys, Tensor) else np.stack([constant(k) for k in keys])
    return record(np.lexsort, (keys,), {"axis": axis})


@handles(np.searchsorted)
def _np_searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    a = constant(a)
    a = a if sorter is None else a[sorter if isinstance(sorter, Tensor) else np.asarray(sorter)]
    return record(np.searchsorted, operands((a, v)), {"side": side})


@handles(np.digitize)
def _np_digitize(x: Any, bins: Any, right: bool = False) -> Any:
    return record(np.digitize, operands((x, constant(bins))), {"right": bool(right)})


def _without_values(name: str) -> None:
    """Raise where the shape of a result would depend on values that are out of reach."""
    if is_tracing():
        raise no_value(name)


@handles(np.argwhere)
def _np_argwhere(a: Any) -> Any:
    _without_values("np.argwhere")
    return record(np.argwhere, (constant(a),))


@handles(np.flatnonzero)
def _np_flatnonzero(a: Any) -> Any:
    _without_values("np.flatnonzero")
    return np.argwhere(np.ravel(a))[:, 0]


@handles(np.nonzero)
def _np_nonzero(a: Any) -> tuple[Tensor, ...]:
    _without_values("np.nonzero")
    if not a.ndim:
        raise ValueError("np.nonzero of a 0-dimensional Tensor: write t != 0")
    places: Any = np.argwhere(a)
    return tuple(places[:, k] for k in range(a.ndim))


@handles(np.count_nonzero)
def _np_count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    x = constant(a)
    static = {"axis": axes_of(x, axis), "keepdims": bool(keepdims)}
    return record(np.count_nonzero, (x,), static)


@handles(np.bincount)
def _np_bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    if isinstance(x, Tensor):
        _without_values("np.bincount")
    if weights is None:
        return record(np.bincount, (x,), {"minlength": minlength})
    places = constant(x)
    n = np.bincount(places.data if isinstance(x, Tensor) else x, minlength=minlength).size
    weights = constant(weights).astype(float)
    if weights.shape != places.shape:
        raise ValueError(f"np.bincount of {described(places)} with weights {described(weights)}")
    return rules.scatter_add(weights, places, shape=(n,), index=(rules.Slot(0),))


# Comparisons of whole arrays: plain values, as those of entries


@handles(np.isclose)
def _np_isclose(a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False) -> Any:
    return record(np.isclose, operands((a, b, rtol, atol)), {"equal_nan": bool(equal_nan)})


@handles(np.isin)
def _np_isin(
    element: Any,
    test_elements: Any,
    assume_unique: bool = False,
    invert: bool = False,
    *,
    kind: Any = None,
) -> Any:
    given = constant(element), constant(test_elements)
    return record(np.isin, given, {"assume_unique": assume_unique, "invert": bool(invert)})


def _plain(op: Callable[..., Any]) -> None:
    def handler(x: Any, out: Any = None) -> Any:
        refuse(op.__name__, out=out)
        return record(op, (constant(x),))

    HANDLERS[op] = handler


_plain(np.isneginf)
_plain(np.isposinf)


@handles(np.angle)
def _np_angle(z: Any, deg: bool = False) -> Any:
    """0 or π: a sign."""
    return record(np.angle, (constant(z),), {"deg": bool(deg)})


# A Tensor is real.
HANDLERS[np.real_if_close] = lambda a, tol=100: a
HANDLERS[np.isreal] = lambda x: constant(np.ones(x.shape, bool))
HANDLERS[np.iscomplex] = lambda x: constant(np.zeros(x.shape, bool))
HANDLERS[np.isrealobj] = lambda x: True
HANDLERS[np.iscomplexobj] = lambda x: False


@handles(np.allclose)
def _np_allclose(*arguments: Any, **options: Any) -> bool:
    return bool(np.all(np.isclose(*arguments, **options)))


@handles(np.array_equal)
def _np_array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> bool:
    a, b = constant(a1), constant(a2)
    if a.shape != b.shape:
        return False
    same = a == b
    return bool(np.all(same | (np.isnan(a) & np.isnan(b)) if equal_nan else same))


@handles(np.array_equiv)
def _np_array_equiv(a1: Any, a2: Any) -> bool:
    a, b = constant(a1), constant(a2)
    try:
        np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        return False
    return bool(np.all(a == b))


# Statistics


@handles(np.ptp)
def _np_ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    refuse("ptp", out=out)
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


@handles(np.average)
def _np_average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: Any = False
) -> Any:
    x = constant(a)
    if weights is None:
        y = np.mean(x, axis=axis, keepdims=keepdims)
        total: Any = np.full(y.shape, x.size / max(y.size, 1), y.dtype)
    else:
        w = _weights(x, constant(weights), axis)
        kinds = (x.dtype, w.dtype) + ((np.dtype(float),) if x.dtype.kind in "iub" else ())
        dtype = np.result_type(*kinds)
        x, w = (z if z.dtype == dtype else z.astype(dtype) for z in (x, w))
        total = np.sum(w, axis=axis, keepdims=keepdims)
        if not is_tracing() and (total == 0).data.any():
            raise ZeroDivisionError("np.average: the weights sum to zero")
        y = np.sum(x * w, axis=axis, keepdims=keepdims) / total
    if not returned:
        return y
    return y, constant(total if total.shape == y.shape else np.broadcast_to(total, y.shape))


def _weights(x: Any, w: Any, axis: Any) -> Any:
    """The weights in a shape that broadcasts with x."""
    if w.shape == x.shape:
        return w
    if axis is None:
        raise TypeError(
            f"np.average of {described(x)} with weights {described(w)}: say along which axis"
        )
    axes = normalize_axis_tuple(axis, x.ndim)
    if w.shape != tuple(x.shape[k] for k in axes):
        raise ValueError(
            f"np.average of {described(x)} along axis {axis}: weights {described(w)} do not fit"
        )
    w = np.transpose(w, np.argsort(axes).tolist())
    return reshaped_to(w, tuple(n if k in axes else 1 for k, n in enumerate(x.shape)))


def _rows(x: Any, dtype: Any, columns: bool) -> Any:
    """x as rows, one for each variable; or it has them as columns."""
    if x.ndim > 2:
        raise ValueError(f"np.cov of {described(x)}: it takes at most two dimensions")
    x = x if x.dtype == dtype else x.astype(dtype)
    rows = reshaped_to(x, (1,) * (2 - x.ndim) + x.shape)
    return rows.T if columns else rows


@handles(np.cov)
def _np_cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    given = [constant(z) for z in (m, y) if z is not None]
    dtype = np.result_type(*(z.dtype for z in given), float) if dtype is None else dtype
    x = _rows(given[0], dtype, not rowvar and given[0].ndim != 1)
    if y is not None:
        turned = not rowvar and given[1].ndim == 2 and len(given[1]) != 1
        x = np.concatenate([x, _rows(given[1], dtype, turned)], axis=0)
    if ddof is None:
        ddof = 0 if bias else 1
    for name, given_weights in {"fweights": fweights, "aweights": aweights}.items():
        refuse("cov", **{name: given_weights if isinstance(given_weights, Tensor) else None})
    w, freedom = _weights_of_samples(x.shape[1], ddof, fweights, aweights)
    x = x - np.average(x, axis=1, weights=w)[:, None]
    other = x if w is None else x * w
    c = np.dot(x, other.T) * np.true_divide(1, freedom)
    return np.squeeze(c if c.dtype == dtype else c.astype(dtype))


def _weights_of_samples(n: int, ddof: int, fweights: Any, aweights: Any) -> tuple[Any, Any]:
    """Both kinds of weights in one, and by what the sum of squares is divided."""
    # NumPy checks them, and says what is wrong.
    np.cov(np.zeros((1, n)), fweights=fweights, aweights=aweights, bias=True)
    a: Any = 1.0 if aweights is None else np.asarray(aweights, float)
    w = a if fweights is None else np.asarray(fweights, float) * a
    if aweights is None and fweights is None:
        return None, max(n - ddof, 0.0)
    total = w.sum()
    return w, max(total - ddof * (1 if aweights is None else (w * a).sum() / total), 0.0)


@handles(np.corrcoef)
def _np_corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    c = np.cov(x, y, rowvar, dtype=dtype)
    if not c.ndim:
        return c / c
    places = np.arange(len(c))
    deviations = np.sqrt(c[places, places])
    return np.clip(c / deviations[:, None] / deviations[None, :], -1, 1)


def _lines(x: Any, axis: Any) -> tuple[Tensor, tuple[int, ...]]:
    """x with the reduced axes as one, in front; and its shape where they are kept."""
    axes = axes_of(x, axis)
    kept = [k for k in range(x.ndim) if k not in axes]
    shape = tuple(x.shape[k] for k in kept)
    n = math.prod(x.shape[k] for k in axes)
    lines: Any = np.transpose(x, (*axes, *kept))
    return reshaped_to(lines, (n, *shape)), tuple(
        1 if k in axes else n for k, n in enumerate(x.shape)
    )


def _or_nan(y: Any, s: Any) -> Any:
    """y, and where the sorted s has a nan, which stands at its end, that nan."""
    return np.where(np.isnan(s[-1]), s[-1], y) if s.dtype.kind == "f" else y


def _between(a: Any, b: Any, t: Any) -> Any:
    """From a to b, as NumPy goes there."""
    d = b - a
    if type(t) is float:
        return b - d * (1 - t) if t >= 0.5 else a + d * t
    return np.where(t >= 0.5, b - d * (1 - t), a + d * t)


@handles(np.median)
def _np_median(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: Any = False
) -> Any:
    refuse("median", out=out)
    lines, shape = _lines(constant(a), axis)
    s, n = np.sort(lines, axis=0), len(lines)
    y = np.mean(s[(n - 1) // 2 : n // 2 + 1] if n else s, axis=0)
    y = _or_nan(y, s) if n else y
    return reshaped_to(y, shape) if keepdims else y


def _fraction(name: str, x: Any, q: Any) -> Any:
    """q from 0 to 1, in the dtype in which NumPy computes."""
    refuse(name, q=q if isinstance(q, Tensor) else None)
    if "percentile" not in name:
        return np.asarray(q)
    return np.asarray(np.true_divide(q, x.dtype.type(100) if x.dtype.kind == "f" else 100))


def _gathered(s: Any, places: Any) -> Any:
    """The entries of the sorted s at these places, other ones in every line."""
    return s[(places, *np.ogrid[tuple(map(slice, s.shape[1:]))])]


@handles(np.nanmedian)
def _np_nanmedian(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: Any = False
) -> Any:
    refuse("nanmedian", out=out)
    lines, shape = _lines(constant(a), axis)
    s = np.sort(lines, axis=0)
    dtype = rules.counter(s, len(s)) if s.dtype.kind == "f" else float
    middle = (np.sum(~np.isnan(s), axis=0) - 1).astype(dtype) / 2
    low, high = np.floor(middle).astype(int), np.ceil(middle).astype(int)
    y = (_gathered(s, low) + _gathered(s, high)) / 2
    return reshaped_to(y, shape) if keepdims else y


quantile: Callable[..., Any] = np.quantile


def _of_sorted(s: Any, fraction: Any, method: str, q: Any, name: str) -> Any:
    """The quantiles of lines that are sorted."""
    n = len(s)
    # Of 0, 1, ..., n - 1 the quantile says which entries it is made of.
    at = np.asarray(quantile(np.arange(n), fraction, method=method))
    if at.dtype.kind == "i":
        y = s[at]
    else:
        low = np.floor(at).astype(int)
        t: Any = (at - low).reshape(at.shape + (1,) * (s.ndim - 1))
        t = float(t.item()) if type(q) in (int, float) else t.astype(fraction.dtype)
        y = _between(s[low], s[np.minimum(low + 1, n - 1)], t)
    return _or_nan(y, s)


def _of_sorted_numbers(s: Any, fraction: Any, method: str, q: Any, name: str) -> Any:
    """The quantiles of what in sorted lines is a number: nan stands at their end."""
    if method != "linear":
        raise TypeError(f'np.{name} on a Tensor takes method="linear" alone, not {method!r}')
    np.quantile([0.0], fraction)  # NumPy says what is wrong with it
    count = np.sum(~np.isnan(s), axis=0)
    at = (count - 1).astype(np.result_type(fraction, 1.0)) * fraction.reshape(
        fraction.shape + (1,) * (s.ndim - 1)
    )
    low = np.floor(at)
    t = at - low
    if type(q) in (int, float):
        t = t.astype(s.dtype if s.dtype.kind == "f" else float)
    places = low.astype(int)
    high = np.where(places + 1 < count, places + 1, np.maximum(count - 1, 0))
    return _between(_gathered(s, places), _gathered(s, high), t)


def _quantile(function: Callable[..., Any], of_sorted: Callable[..., Any]) -> None:
    name = function.__name__

    def handler(
        a: Any,
        q: Any,
        axis: Any = None,
        out: Any = None,
        overwrite_input: bool = False,
        method: str = "linear",
        keepdims: Any = False,
        *,
        weights: Any = None,
    ) -> Any:
        refuse(name, out=out, weights=weights)
        x = constant(a)
        fraction = _fraction(name, x, q)
        lines, shape = _lines(x, axis)
        y = of_sorted(np.sort(lines, axis=0), fraction, method, q, name)
        return reshaped_to(y, fraction.shape + shape) if keepdims else y

    HANDLERS[function] = handler


_quantile(np.quantile, _of_sorted)
_quantile(np.percentile, _of_sorted)
_quantile(np.nanquantile, _of_sorted_numbers)
_quantile(np.nanpercentile, _of_sorted_numbers)
