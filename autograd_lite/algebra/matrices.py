"""Matrix form: scalars of shape () and matrices alone, a vector as a column, nothing broadcast.

`in_matrices` brings an expression into it. The functions below build what is in it, by the laws of
matrices that always make an expression shorter.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from math import prod
from typing import Any, TypeGuard

import numpy as np

from autograd_lite import rules
from autograd_lite.algebra.reading import ZERO
from autograd_lite.algebra.tree import (
    AXES,
    Apply,
    Expression,
    Number,
    Ones,
    Shape,
    Symbol,
    elementwise,
    factors,
    number,
    only,
    product,
    unit_vector,
)

UNITY = number(1)


class NoMatrix(ValueError):
    """An expression has no matrix form: arrays of three axes, indices."""


# Single matrices


def unit_matrix(n: int) -> Expression:
    """I of n rows."""
    return Apply(np.eye, (), (n, n), {"N": n}, n) if n > 1 else UNITY


def unit_column(k: int, n: int) -> Expression:
    """e_k of n elements."""
    shape = (n, 1)
    return Apply(unit_vector, (number(k),), shape, {"shape": shape}, AXES)


def entry(e: Expression) -> Expression:
    """The one element of a (1, 1) product, as a scalar."""
    return Apply(only, (e,), ()) if e.shape else e


def is_entry(e: Any) -> TypeGuard[Apply]:
    """Whether an expression is a product that is a scalar."""
    return is_op(e, only)


def diagonal(v: Expression) -> Expression:
    """diag(v) of a column v."""
    scalar, rest = unscaled(v)
    if isinstance(rest, Ones):
        return scaled_by(scalar, unit_matrix(v.shape[0]))
    matrix = Apply(np.diagflat, (rest,), (v.shape[0], v.shape[0])) if v.shape else v
    return scaled_by(scalar, matrix)


def diagonal_of(x: Any) -> Any:
    """The diagonal of a matrix, as a column."""
    return np.diagonal(x)[:, None]


def is_op(e: Any, *ops: Any) -> TypeGuard[Apply]:
    """Whether an expression is one of these operations."""
    return isinstance(e, Apply) and e.op in ops


def is_sum(e: Any) -> TypeGuard[Apply]:
    """Whether it is a sum or a difference."""
    return is_op(e, np.add, np.subtract)


def is_identity(e: Any) -> TypeGuard[Apply]:
    """Whether it is I."""
    return is_op(e, np.eye)


def repeats(e: Expression, shape: Shape) -> Expression:
    """A scalar, row or column repeated to fill a shape, as a product with ones."""
    if e.shape == shape or not shape:
        return e
    if not e.shape:
        return scaled_by(e, ones(shape))
    if e.shape[0] != shape[0]:
        e = multiplied([Ones((shape[0], 1)), e])
    if e.shape[1] != shape[1]:
        e = multiplied([e, Ones((1, shape[1]))])
    return e


def ones(shape: Shape) -> Expression:
    """A matrix of ones, as 1 1ᵀ."""
    if 1 in shape:
        return Ones(shape)
    return product(Ones((shape[0], 1)), Ones((1, shape[1])))


def is_by_element(e: Any) -> TypeGuard[Apply]:
    """Whether an operation is done for each element; its arguments are scalars or of its shape."""
    return isinstance(e, Apply) and (isinstance(e.op, np.ufunc) or e.op in _ELEMENTWISE)


def conforming(e: Expression) -> Expression:
    """A sum in which a scalar that is no number is repeated to the shape of what it is added to."""
    if is_sum(e) and e.shape:
        filled = [a if isinstance(a, Number) else repeats(a, e.shape) for a in e.arguments]
        return Apply(e.op, tuple(filled), e.shape)
    return e


_ELEMENTWISE = {rules.relu, rules.sigmoid, rules.softplus, np.where, np.clip}


def shape_in_matrices(shape: Shape) -> Shape:
    """The shape in matrix form of what has this shape."""
    if prod(shape) == 1:
        return ()
    if len(shape) == 1:
        return (*shape, 1)
    if len(shape) > 2:
        raise NoMatrix(f"an array of shape {shape} is no matrix")
    return shape


# Scalars in front


def unscaled(e: Expression) -> tuple[Expression, Expression]:
    """The scalar factor of a matrix, and the rest; for a scalar, the number in front of it."""
    if isinstance(e, Number):
        return e, UNITY
    coefficient, above, below = factors(e)
    scalar: Expression = number(coefficient)
    rest: list[Expression] = []
    inner: list[Expression] = []
    for x in above:
        if not e.shape or x.shape:
            rest.append(x)
        else:
            scalar = times(scalar, x)
    for x in below:
        if not e.shape or x.shape:
            inner.append(x)
        else:
            scalar = divided_by(scalar, x)
    if scalar == UNITY:
        return UNITY, e
    if not rest and not inner:
        return scalar, UNITY if not e.shape else Ones(e.shape)
    body = functools.reduce(times, rest or [UNITY])
    return scalar, functools.reduce(divided_by, inner, body)


def scaled_by(scalar: Expression, e: Expression) -> Expression:
    """A scalar times an expression: numbers are multiplied."""
    if isinstance(scalar, Number):
        if scalar == UNITY:
            return e
        if scalar.value == 0:
            return ZERO
        own, rest = unscaled_number(e)
        value = scalar.value * own.value
        if value == 1:
            return rest
        return times(number(value), rest) if rest != UNITY else number(value)
    own, rest = unscaled_number(scalar)
    if own == UNITY and not isinstance(e, Number):
        return times(scalar, e)
    return scaled_by(own, scaled_by(e, rest) if isinstance(e, Number) else times(rest, e))


def added(a: Expression, b: Expression) -> Expression:
    """The sum of two; what has a minus in front is subtracted."""
    if ZERO in (a, b):
        return b if a == ZERO else a
    scalar, rest = unscaled_number(b)
    if isinstance(b, Number) and not a.shape:
        return elementwise(np.add, a, b)
    if scalar.value < 0:
        return elementwise(np.subtract, a, scaled_by(number(-scalar.value), rest))
    return elementwise(np.add, a, b)


def unscaled_number(e: Expression) -> tuple[Number, Expression]:
    """The number in front of an expression, and the rest."""
    if isinstance(e, Number):
        return e, UNITY
    if is_op(e, np.multiply) and isinstance(e.arguments[0], Number):
        return e.arguments
    if is_op(e, np.negative):
        own, rest = unscaled_number(e.arguments[0])
        return number(-own.value), rest
    return UNITY, e


def times(a: Expression, b: Expression) -> Expression:
    """The product of each pair of elements, or of a scalar and a matrix, which stands behind it."""
    if ZERO in (a, b):
        return ZERO
    if a == UNITY:
        return b
    if b == UNITY:
        return a
    if a.shape and not b.shape:
        a, b = b, a
    return elementwise(np.multiply, a, b)


def divided_by(a: Expression, b: Expression) -> Expression:
    """The quotient of each pair of elements, or by a scalar."""
    return a if b == UNITY else elementwise(np.divide, a, b)


# Products


def links(e: Expression) -> list[Expression]:
    """The factors of a matrix product, from left to right."""
    if is_op(e, np.dot):
        return [x for a in e.arguments for x in links(a)]
    return [e]


def multiplied(matrices: Iterable[Expression]) -> Expression:
    """The product of matrices in normal form: scalars in front, what is next to its inverse gone.

    >>> x, A = Symbol("value", "x", 0, (3, 1)), Symbol("value", "A", 1, (3, 3))
    >>> from autograd_lite.algebra.notation import TEXT
    >>> TEXT(multiplied([x, transposition(x), inverted(A), A, x]))
    '(xᵀ x) x'
    """
    matrices = list(matrices)
    if ZERO in matrices:
        return ZERO
    scalar: Expression = UNITY
    chain: list[Expression] = []
    rows = next((x.shape[0] for x in matrices if x.shape), 1)
    for matrix in matrices:
        if not matrix.shape:
            scalar = scaled_by(scalar, matrix)
            continue
        own, rest = unscaled(matrix)
        scalar = scaled_by(own, scalar) if isinstance(own, Number) else scaled_by(scalar, own)
        for link in links(rest) if rest.shape else []:
            scalar = _appended(chain, link, scalar)
    if not chain:
        return scaled_by(scalar, unit_matrix(rows))
    segments: list[list[Expression]] = [[]]
    for link in chain:
        segments[-1].append(link)
        if link.shape[1] == 1:
            segments.append([])
    if not segments[-1]:
        del segments[-1]
    kept: list[Expression] = []
    for segment in segments:
        if segment[0].shape[0] == segment[-1].shape[1] == 1:
            scalar = scaled_by(scalar, scalar_product(segment))
        elif is_op(segment[0], np.diagflat) and segment[-1].shape[1] == 1 < len(segment):
            rest = functools.reduce(product, segment[1:])
            kept.append(product_by_element(segment[0].arguments[0], rest))
        elif is_op(segment[-1], np.diagflat) and segment[0].shape[0] == 1 < len(segment):
            rest = transposition(functools.reduce(product, segment[:-1]))
            kept.append(transposition(product_by_element(rest, segment[-1].arguments[0])))
        else:
            kept += segment
    return scaled_by(scalar, functools.reduce(product, kept)) if kept else scalar


def _appended(chain: list[Expression], link: Expression, scalar: Expression) -> Expression:
    """Append a factor to a product, where it may meet its inverse; returns the scalar."""
    if isinstance(link, Ones) and 1 not in link.shape:
        scalar = _appended(chain, Ones((link.shape[0], 1)), scalar)
        link = Ones((1, link.shape[1]))
    while chain:
        met = _met(chain[-1], link)
        if met is None:
            break
        chain.pop()
        own, met = unscaled(met)
        scalar = scaled_by(own, scalar)
        if not met.shape or is_identity(met):
            return scalar if met == UNITY or is_identity(met) else scaled_by(scalar, met)
        *before, link = links(met)
        for x in before:
            scalar = _appended(chain, x, scalar)
    chain.append(link)
    return scalar


def _met(a: Expression, b: Expression) -> Expression | None:
    """What two factors side by side are together, where that is simpler."""
    if is_identity(a) or is_identity(b):
        return b if is_identity(a) else a
    if isinstance(a, Ones) and a.shape[0] == 1:
        return _ones_times(b)
    if isinstance(b, Ones) and b.shape[1] == 1:
        total = _ones_times(transposition(a))
        return None if total is None else transposition(total)
    if _are_inverse(a, b):
        return unit_matrix(a.shape[0])
    if is_op(a, np.diagflat):
        v = a.arguments[0]
        if is_op(b, np.diagflat):
            return diagonal(product_by_element(v, b.arguments[0]))
        return product_by_element(v, b) if b.shape[1] == 1 else None
    if is_op(b, np.diagflat) and a.shape[0] == 1:
        return transposition(product_by_element(transposition(a), b.arguments[0]))
    return None


def _ones_times(b: Expression) -> Expression | None:
    """1ᵀ B, where that is simpler."""
    if isinstance(b, Ones) and b.shape[1] == 1:
        return number(b.shape[0])
    if is_op(b, diagonal_of):
        return trace_of(b.arguments[0])
    if is_op(b, np.diagflat):
        return transposition(b.arguments[0])
    inner, turned = (b.arguments[0], True) if is_op(b, np.transpose) else (b, False)
    along_rows = turned or 1 in inner.shape  # a vector has one sum
    if (
        (has_property(inner, "columns sum to 1") and (not turned or 1 in inner.shape))
        or (has_property(inner, "rows sum to 1") and along_rows)
        or (is_op(inner, rules.softmax_) and inner.static["axis"] == (int(turned),))
    ):
        return Ones((1, b.shape[1])) if b.shape[1] > 1 else UNITY
    return None


def _are_inverse(a: Expression, b: Expression) -> bool:
    """Whether a b = I."""
    for x, y in ((a, b), (b, a)):
        inner = x.arguments[0] if is_op(x, np.transpose) else x
        if is_op(inner, np.linalg.inv) and inverted(x) == y:
            return True
        if has_property(x, "orthogonal") and y == transposition(x):
            return True
    return False


def product_by_element(a: Expression, b: Expression) -> Expression:
    """The product of each pair of elements; ones leave the other as it is."""
    (s, a), (t, b) = unscaled(a), unscaled(b)
    body = b if isinstance(a, Ones) else a if isinstance(b, Ones) else times(a, b)
    return scaled_by(s, scaled_by(t, body) if isinstance(t, Number) else times(t, body))


def scalar_product(segment: list[Expression]) -> Expression:
    """A product of shape (1, 1) as a scalar, the same for it and its transpose."""
    if isinstance(segment[0], Ones) and len(segment) == 3 and isinstance(segment[2], Ones):
        coefficient, above, below = factors(segment[1])
        if len(above) > 1 and not below:  # 1ᵀ (A ∘ B) 1 = tr(Aᵀ B)
            rest = functools.reduce(times, above[1:])
            return scaled_by(
                number(coefficient), trace_of(multiplied([transposition(above[0]), rest]))
            )
    if isinstance(segment[-1], Ones) and len(segment) == 2:
        segment = [transposition(x) for x in reversed(segment)]
    if isinstance(segment[0], Ones) and len(segment) == 2:
        coefficient, above, below = factors(segment[1])
        if len(above) > 1 and not below:  # 1ᵀ (a ∘ b) = aᵀ b
            rest = functools.reduce(times, above[1:])
            return scaled_by(number(coefficient), multiplied([transposition(above[0]), rest]))
    turned = [transposition(x) for x in reversed(segment)]
    if any(is_op(x, np.multiply) for x in turned):
        turned = segment
    pair = sorted([segment, turned], key=lambda chain: (transposed_count(chain), repr_of(chain)))
    return entry(functools.reduce(product, pair[0]))


def transposed_count(chain: Iterable[Expression]) -> int:
    """How many transposes are written."""
    return sum(is_op(x, np.transpose) for x in chain)


def repr_of(e: Any) -> tuple[Any, ...]:
    """A key by which expressions are ordered."""
    if isinstance(e, list):
        return tuple(map(repr_of, e))
    if isinstance(e, Symbol):
        return (e.label, e.kind, str(e.number))
    if isinstance(e, Apply):
        return (e.op.__name__, *map(repr_of, e.arguments))
    return (str(e),)


# Transposes, inverses, traces


def transposition(e: Expression) -> Expression:
    """The transpose, pushed into products; of what is symmetric, itself."""
    if not e.shape or is_op(e, np.eye, np.diagflat) or has_property(e, "symmetric"):
        return e
    if isinstance(e, Ones):
        return Ones(e.shape[::-1])
    if is_op(e, np.transpose):
        inner: Expression = e.arguments[0]
        return inner
    if is_op(e, np.dot):
        return functools.reduce(product, [transposition(x) for x in reversed(links(e))])
    scalar, rest = unscaled(e)
    if scalar != UNITY:
        return scaled_by(scalar, transposition(rest))
    if is_op(e, np.linalg.inv) and transposition(e.arguments[0]) == e.arguments[0]:
        return e
    if is_by_element(e):
        flipped = tuple(map(transposition, e.arguments))
        if _written_transposes(flipped) <= _written_transposes(e.arguments):
            return Apply(e.op, flipped, e.shape[::-1], e.static, e.mark)
    return Apply(np.transpose, (e,), e.shape[::-1])


def _written_transposes(arguments: Iterable[Any]) -> int:
    return sum(
        is_op(a, np.transpose) + (_written_transposes(a.arguments) if isinstance(a, Apply) else 0)
        for a in arguments
    )


def has_property(e: Expression, name: str) -> bool:
    """Whether a letter is known to be `symmetric`, `orthogonal`, …"""
    return isinstance(e, Symbol) and name in e.properties


def inverted(e: Expression) -> Expression:
    """The inverse, pushed into products of square matrices."""
    if is_op(e, np.linalg.inv):
        inner: Expression = e.arguments[0]
        return inner
    if is_identity(e):
        return e
    if has_property(e, "orthogonal"):
        return transposition(e)
    if is_op(e, np.diagflat):
        v: Expression = e.arguments[0]
        return diagonal(divided_by(UNITY, v))
    if is_op(e, np.transpose):
        return transposition(inverted(e.arguments[0]))
    scalar, rest = unscaled(e)
    if scalar != UNITY:
        return scaled_by(divided_by(UNITY, scalar), inverted(rest))
    chain = links(e)
    if len(chain) > 1 and all(x.shape[0] == x.shape[1] for x in chain):
        return functools.reduce(product, [inverted(x) for x in reversed(chain)])
    return Apply(np.linalg.inv, (e,), e.shape)


def trace_of(e: Expression) -> Expression:
    """The trace of a product, which may be rotated and transposed."""
    scalar, rest = unscaled(e)
    if scalar != UNITY:
        return scaled_by(scalar, trace_of(rest))
    if is_identity(e):
        return number(e.shape[0])
    if is_op(e, np.diagflat):
        return multiplied([Ones((1, e.shape[0])), e.arguments[0]])
    chain = links(e)
    for k, x in enumerate(chain):
        if x.shape[0] == 1:
            return multiplied(chain[k:] + chain[:k])
    turned = [transposition(x) for x in reversed(chain)]
    rotations = [c[k:] + c[:k] for c in (chain, turned) for k in range(len(chain))]
    first = min(rotations, key=lambda c: (transposed_count(c), repr_of(c)))
    return Apply(np.trace, (functools.reduce(product, first),), ())


# Functions along an axis


def along_axes(op: Any, x: Expression, axis: tuple[int, ...] | None, ddof: int = 0) -> Expression:
    """A function along one or both axes of a matrix: a reduction, or a softmax."""
    axis = None if axis is None else tuple(sorted(k % 2 for k in axis))
    every = axis is None or {*axis} >= {k for k in (0, 1) if x.shape[k] > 1}
    if op is np.linalg.norm and every:
        return Apply(op, (x,), (), {"axis": None, "keepdims": False}, None)
    if op in (rules.softmax_, rules.log_softmax_):
        return Apply(op, (x,), x.shape, {"axis": axis}, axis)
    axis = (0, 1) if axis is None or every else axis
    shape = tuple(1 if k in axis else n for k, n in enumerate(x.shape))
    static: dict[str, Any] = {"axis": axis}
    if op is not rules.logsumexp_:
        static["keepdims"] = True
    if ddof:
        static["ddof"] = ddof
    result = Apply(op, (x,), shape, static, (axis, ddof))
    return entry(result) if every else result
