"""From any expression of arrays with at most two axes to its matrix form: `in_matrices`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from autograd_lite import rules
from autograd_lite.algebra.matrices import (
    UNITY,
    NoMatrix,
    along_axes,
    conforming,
    diagonal,
    diagonal_of,
    entry,
    inverted,
    is_by_element,
    is_op,
    multiplied,
    repeats,
    shape_in_matrices,
    times,
    transposition,
)
from autograd_lite.algebra.tree import (
    Apply,
    Expression,
    Named,
    Number,
    Ones,
    Shape,
    Symbol,
    only,
    unit_vector,
)


def own_name(op: Any) -> str:
    """The name of an operation of `autograd_lite.functions`, which is loaded later than this."""
    module = str(getattr(op, "__module__", ""))
    return op.__name__ if module.startswith("autograd_lite.functions.") else ""


def in_matrices(e: Expression) -> Expression:
    """An expression of arrays with at most two axes in matrix form: a vector is a column.

    Raises NoMatrix where there is none.
    """
    done: dict[int, tuple[Expression, Expression]] = {}

    def convert(e: Expression) -> Expression:
        if id(e) not in done:
            done[id(e)] = e, _in_matrices(e, convert)
        return done[id(e)][1]

    return convert(e)


def _in_matrices(e: Expression, convert: Callable[[Expression], Expression]) -> Expression:
    if isinstance(e, Symbol):
        return replace(e, shape=shape_in_matrices(e.shape))
    if isinstance(e, Number):
        return Number(e.value)
    if isinstance(e, Ones):
        return Ones(shape_in_matrices(e.shape)) if shape_in_matrices(e.shape) else UNITY
    if isinstance(e, Named):
        return convert(e.meaning)
    if not isinstance(e, Apply):
        raise NoMatrix("what has indices has no form as matrices")
    shape = shape_in_matrices(e.shape)
    if not e.static:
        e = replace(e, mark=None)  # two that do the same are equal
    conversion = _CONVERSIONS.get(e.op) or _OWN.get(own_name(e.op))
    if conversion is not None:
        return conversion(e, shape, convert)
    arguments = [convert(a) for a in e.arguments]
    if is_by_element(e):
        filled = [
            _stretched_to(x, a.shape, e.shape) for x, a in zip(arguments, e.arguments, strict=True)
        ]
        return conforming(Apply(e.op, tuple(filled), shape, e.static, e.mark))
    if e.op in _OF_MATRICES or own_name(e.op) == "logabsdet":
        return Apply(e.op, tuple(arguments), shape, e.static, e.mark)
    if e.op in _ALONG and len(arguments) == 1 and arguments[0].shape:
        return along_axes(e.op, arguments[0], e.static["axis"], e.static.get("ddof", 0))
    raise NoMatrix(f"{e.op.__name__} has no form as matrices")


def _stretched_to(x: Expression, was: Shape, target: Shape) -> Expression:
    """An argument of an elementwise operation, filled to the shape that NumPy gives the result."""
    if not x.shape:
        return x
    if len(was) == 1 and len(target) == 2:
        x = transposition(x)
    return repeats(x, shape_in_matrices(target))


def _of_product(e: Apply, shape: Shape, convert: Callable[..., Expression]) -> Expression:
    a, b = (convert(x) for x in e.arguments)
    if len(e.shape) > 2 or not all(len(x.shape) == 2 for x in e.arguments):
        raise NoMatrix("a product of stacked matrices has no form as matrices")
    if not a.shape or not b.shape:
        return times(a, b)
    e = Apply(np.dot, (a, b), (a.shape[0], b.shape[1]))
    return e if shape else entry(e)


def _of_reshape(e: Apply, shape: Shape, convert: Callable[..., Expression]) -> Expression:
    x = e.arguments[0]
    if is_op(x, rules.scatter_add) and len(e.shape) == 2 and _is_diagonal(x.static, e.shape[0]):
        return diagonal(convert(x.arguments[0]))
    if not all(max(s, default=1) == prod(s) == prod(e.shape) for s in (x.shape, e.shape)):
        raise NoMatrix(f"a reshape from {x.shape} to {e.shape} has no form as matrices")
    inner = convert(x)
    return inner if inner.shape == shape else transposition(inner)


def _is_diagonal(static: Any, n: int) -> bool:
    """Whether an index takes the diagonal out of the n² entries of a square matrix."""
    *rest, entries = static["index"]
    if not isinstance(entries, slice) or any(i is not Ellipsis for i in rest):
        return False
    return entries.indices(n * n) == (0, n * n, n + 1) or (
        entries.indices(n * n)[::2] == (0, n + 1) and len(range(*entries.indices(n * n))) == n
    )


_NO_INDEX = "x[…] has no form as matrices, and neither has the derivative of a product Π"


def _of_getitem(e: Apply, shape: Shape, convert: Callable[..., Expression]) -> Expression:
    x, *at = e.arguments
    flat = is_op(x, np.reshape) and len(x.shape) == 1 and len(x.arguments[0].shape) == 2
    if flat and _is_diagonal(e.static, round(x.shape[0] ** 0.5)):
        matrix = convert(x.arguments[0])
        return Apply(diagonal_of, (matrix,), shape)
    if not at and prod(x.shape) == prod(e.shape) == 1:
        return convert(x)
    raise NoMatrix(_NO_INDEX)


def _of_scatter(e: Apply, shape: Shape, convert: Callable[..., Expression]) -> Expression:
    if prod(e.shape) != 1 or len(e.arguments) > 1:
        raise NoMatrix(_NO_INDEX)
    return convert(e.arguments[0])


def _of_sum(e: Apply, shape: Shape, convert: Callable[..., Expression]) -> Expression:
    x = convert(e.arguments[0])
    if not x.shape:
        return x
    if len(e.arguments[0].shape) == 1 or 0 in e.static["axis"]:
        x = multiplied([Ones((1, x.shape[0])), x])
    if x.shape and len(e.arguments[0].shape) == 2 and 1 in e.static["axis"]:
        x = multiplied([x, Ones((x.shape[1], 1))])
    return x


def _of_transpose(e: Apply, shape: Shape, convert: Callable[..., Expression]) -> Expression:
    return transposition(convert(e.arguments[0]))


def _of_cofactors(e: Apply, shape: Shape, convert: Callable[..., Expression]) -> Expression:
    x = convert(e.arguments[0])
    return times(Apply(np.linalg.det, (x,), ()), transposition(inverted(x)))


def _of_broadcast(e: Apply, shape: Shape, convert: Callable[..., Expression]) -> Expression:
    (x,) = e.arguments
    return repeats(_stretched_to(convert(x), x.shape, e.shape), shape)


_CONVERSIONS: dict[Any, Callable[..., Expression]] = {
    np.dot: _of_product,
    np.matmul: _of_product,
    np.reshape: _of_reshape,
    rules.getitem: _of_getitem,
    rules.scatter_add: _of_scatter,
    np.sum: _of_sum,
    np.transpose: _of_transpose,
    np.broadcast_to: _of_broadcast,
    only: lambda e, shape, convert: convert(e.arguments[0]),
    unit_vector: lambda e, shape, convert: e,
}
_OWN: dict[str, Callable[..., Expression]] = {"cofactors": _of_cofactors}
_OF_MATRICES: set[Any] = {np.linalg.inv, np.linalg.pinv, np.linalg.det, np.trace}
_OF_MATRICES |= {np.eye, np.diagflat, diagonal_of}
_ALONG: set[Any] = {np.mean, np.max, np.min, np.prod, np.var, np.std, np.linalg.norm}
_ALONG |= {rules.logsumexp_, rules.softmax_, rules.log_softmax_}
