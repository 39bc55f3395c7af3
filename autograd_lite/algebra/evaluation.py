"""The value of an expression: of arrays, or of Tensors, whose tape then gives its derivatives.

What depends on indices has an axis for each of them before its own, so that a sum over indices is
one NumPy call, and an element with free indices has all of its values at once.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from autograd_lite import rules
from autograd_lite.algebra.tree import (
    AXES,
    Apply,
    Blocks,
    Derivative,
    Element,
    Expression,
    Index,
    Named,
    Number,
    Ones,
    Symbol,
    Total,
    as_mask,
)
from autograd_lite.tensor import Tensor
from autograd_lite.walk import pull, seed

_STACKED: dict[Any, Callable[..., Any]] = {np.dot: np.matmul, np.transpose: np.matrix_transpose}


def evaluate(
    e: Expression,
    values: Callable[[Symbol], Any],
    on_tape: bool = False,
    known: dict[Expression, Any] | None = None,
) -> Any:
    """The value of an expression, given that of each symbol.

    on_tape: whether derivatives in it can be differentiated again. known: a dictionary that keeps
    the value of each operation, so that one that is written twice is done once. Raises IndexError
    for an element that does not exist, and what NumPy raises where shapes do not fit.
    """

    def part(x: Expression) -> Any:
        return evaluate(x, values, on_tape, known)

    if isinstance(e, Symbol):
        return values(e)
    if isinstance(e, Number | Ones | Index):
        return _without_symbols(e)
    if isinstance(e, Named):
        return part(e.meaning)
    if isinstance(e, Derivative):
        at = [x and evaluate(x, values) for x in e.at]
        return _derivative(e, evaluate(e.of, values, True), values(e.wrt), at, on_tape)
    if isinstance(e, Element):
        return _element(e, part(e.of), *(x and part(x) for x in (e.row, e.column)))
    if isinstance(e, Total):
        return _over_index(e, part(e.body))
    if isinstance(e, Blocks):
        return _blocks([[part(x) for x in row] for row in e.rows], e)
    if known is not None and e in known:
        return known[e]
    value = _operated(e, [_lifted(part(a), a, e) for a in e.arguments])
    if known is not None:
        known[e] = value
    return value


def _without_symbols(e: Number | Ones | Index) -> Any:
    if isinstance(e, Number):
        return float(e.value)
    if isinstance(e, Ones):
        return np.ones(e.shape)
    return np.arange(e.low, e.low + e.count).reshape((e.count,) + (1,) * e.axis)


def _operated(e: Apply, arguments: list[Any]) -> Any:
    if e.op is as_mask:
        return as_mask(*arguments)
    if e.op in (rules.getitem, rules.scatter_add):  # of arrays, at whole numbers or masks
        x, *at = map(np.asarray, arguments)
        arguments = [x, *(i.astype(int) if i.dtype.kind == "f" else i for i in at)]
    if e.op is rules.setitem:  # into what may have been simplified to a number
        arguments = [np.broadcast_to(arguments[0], e.shape), *arguments[1:]]
    op = e.op
    are_matrices = all(len(a.shape) == 2 for a in e.arguments)
    if op in _STACKED and are_matrices and any(np.ndim(v) > 2 for v in arguments):
        op = _STACKED[op]
    value = op(*arguments, **e.static)
    is_truth = getattr(value, "dtype", np.dtype(float)).kind == "b"  # [x > 0] is 1 or 0
    return value * 1.0 if is_truth else value


def _lifted(value: Any, argument: Expression, of: Expression) -> Any:
    """A number that depends on indices, beside a matrix: its axes are all before those of a shape.

    Without indices, NumPy's broadcasting does it.
    """
    missing = len(of.shape) - len(argument.shape)
    takes_axes = isinstance(of, Apply) and of.mark == AXES
    if missing > 0 and not argument.shape and np.ndim(value) and not takes_axes:
        return value[(..., *[None] * missing)]
    return value


def _element(e: Element, x: Any, row: Any, column: Any) -> Any:
    if not e.of.shape:  # a number has one element
        x = _as_matrix(x)
    *before, rows, columns = x.shape
    matrix = f"of a {rows} × {columns} matrix"
    row = _from_zero(row, rows, "row", matrix)
    column = _from_zero(column, columns, "column", matrix)
    more = 2 * (e.shape != ())
    at: list[Any] = [
        np.arange(n).reshape((n,) + (1,) * (len(before) - 1 - k + more))
        for k, n in enumerate(before)
    ]
    for index, size in ((row, rows), (column, columns)):
        if index is None:
            at.append(np.arange(size).reshape(size, 1))
        else:
            at.append(index[(..., *[None] * more)] if index.ndim else index)
    return x[tuple(at)]


def _from_zero(index: Any, size: int, what: str, of: str) -> Any:
    """An index that counts from 1 as whole numbers that count from 0; None for none."""
    if index is None:
        return None
    numbers = np.asarray(index.data if isinstance(index, Tensor) else index)
    if (wrong := numbers[numbers != np.floor(numbers)]).size:
        raise IndexError(f"the index {wrong[0]:.3g} is no whole number")
    if (out := numbers[(numbers < 1) | (numbers > size)]).size:
        raise IndexError(f"{what} {out[0]:.0f} {of}")
    return numbers.astype(int) - 1


def _over_index(e: Total, x: Any) -> Any:
    axis = -1 - e.index.axis - len(e.shape)
    depends = np.ndim(x) >= -axis and np.shape(x)[axis] == e.index.count
    if depends:
        return e.op(x, axis=(axis,), keepdims=True)
    if e.op is np.sum:
        return x * float(e.index.count)
    return x**e.index.count if e.op is np.prod else x


def _derivative(e: Derivative, of: Any, wrt: Any, at: list[Any], on_tape: bool) -> Any:
    """∂of/∂wrt: an array with the indices of `of`, then the shapes as the layout says."""
    if not isinstance(wrt, Tensor) or not wrt.requires_grad:
        raise ValueError(f"{e.wrt.label} is not a variable: nothing is differentiated by it")
    above, below = e.of.shape, wrt.shape
    stack = np.shape(of)[: np.ndim(of) - len(above)]
    if not isinstance(of, Tensor) or not of.requires_grad:
        full: Any = np.zeros((*stack, *above, *below))
    elif of.shape == ():
        full = pull(of, [wrt], seed(of, None, on_tape), on_tape)[0]
    else:
        rows = []
        for k in range(of.size):
            arriving = np.zeros(of.size)
            arriving[k] = 1.0
            start = seed(of, arriving.reshape(of.shape), on_tape)
            rows.append(pull(of, [wrt], start, on_tape)[0])
        full = np.reshape(np.stack(rows), (*stack, *above, *below))
    if any(x is not None for x in at):
        full, below = _by_an_element(full, len(stack), above, below, at)
    return arranged(full, above, below, e.layout)


def _by_an_element(full: Any, stack: int, above: Any, below: Any, at: list[Any]) -> Any:
    """The part of a derivative that is by one element, or by a row or a column as a column."""
    if below == ():
        full, below = full[..., None, None], (1, 1)
    whole = next((n for x, n in zip(at, below, strict=True) if x is None), None)
    own = len(above) + (0 if whole is None else 2)
    index: list[Any] = []
    for k, n in enumerate(np.shape(full)[: stack + len(above)]):
        index.append(np.arange(n).reshape((n,) + (1,) * (stack - 1 - k + own)))
    for x, n in zip(at, below, strict=True):
        if x is None:
            index.append(np.arange(n).reshape(n, 1))
        else:
            place = _from_zero(x, n, "there is no element", f"of {n}")
            index.append(place[(..., *[None] * own)] if place.ndim else place)
    return full[tuple(index)], () if whole is None else (whole, 1)


def arranged(full: Any, above: Any, below: Any, layout: str) -> Any:
    """A derivative of shape `above` + `below` as a matrix, by layout."""
    if layout == "full":
        return full
    if not above or not below:
        turned = layout == "numerator" if below else layout == "denominator" and 1 in above
        return np.matrix_transpose(full) if turned and (above or below) else full
    if 1 in above and 1 in below:
        before = np.shape(full)[: np.ndim(full) - 4]
        jacobian = np.reshape(full, (*before, prod(above), prod(below)))
        return np.matrix_transpose(jacobian) if layout == "denominator" else jacobian
    return full


def _blocks(rows: list[list[Any]], e: Blocks) -> Any:
    """Numbers and matrices side by side, and rows of them below each other."""
    shapes = [[c.shape or (1, 1) for c in row] for row in e.rows]
    values = [
        [x if c.shape else _as_matrix(x) for x, c in zip(row, cells, strict=True)]
        for row, cells in zip(rows, e.rows, strict=True)
    ]
    stack = np.broadcast_shapes(*[np.shape(x)[:-2] for row in values for x in row])
    joined = []
    for row, own in zip(values, shapes, strict=True):
        full = [
            np.broadcast_to(x, (*stack, *s)) if np.shape(x) != (*stack, *s) else x
            for x, s in zip(row, own, strict=True)
        ]
        joined.append(np.concatenate(full, axis=-1) if len(full) > 1 else full[0])
    return np.concatenate(joined, axis=-2) if len(joined) > 1 else joined[0]


def _as_matrix(x: Any) -> Any:
    """A number, or one for each index, as matrices of one element."""
    return (x if isinstance(x, Tensor) else np.asarray(x))[..., None, None]
