"""Formulas with indices as formulas of matrices: `without_indices`.

Σ_i Σ_j A_ij x_i x_j is xᵀ A x. Each part is a sum of products of matrices whose axes have labels:
indices, or the rows and columns of the part itself. A sum over an index joins the factors that have
it, in a matrix product where they have two other labels, so that no array of three axes is needed.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autograd_lite import rules
from autograd_lite.algebra.matrices import (
    NoMatrix,
    diagonal_of,
    is_by_element,
    unit_column,
    unit_matrix,
)
from autograd_lite.algebra.notation import TEXT
from autograd_lite.algebra.tree import (
    AXES,
    Apply,
    Element,
    Expression,
    Index,
    Named,
    Number,
    Ones,
    Shape,
    Total,
    all_parts,
    elementwise,
    number,
    only,
    product,
    stretched,
    transposed,
    unit_vector,
)
from autograd_lite.formula.vocabulary import SlopeOf, matrix_trace

Label = Hashable  # an Index, ROWS or COLUMNS, or an object of its own for what is summed over
ROWS, COLUMNS = "rows", "columns"


@dataclass(frozen=True)
class Factor:
    """A matrix with labels for its rows and columns; a column has one, a number none.

    below: whether it divides.
    """

    matrix: Expression
    labels: tuple[Label, ...]
    below: bool = False


@dataclass(frozen=True)
class Term:
    """A product of factors, summed over some labels, with a sign."""

    sign: int
    factors: tuple[Factor, ...]
    summed: tuple[Label, ...] = ()


def without_indices(e: Expression) -> Expression:
    """The expression in matrices, with the same value at the sizes that it has.

    Raises NoMatrix, with words for a reader, where three indices meet that are not summed over, or
    an index does not go over all of a row or a column.

    >>> from autograd_lite.algebra.tree import Symbol
    >>> A, x = Symbol("value", "A", 0, (3, 3)), Symbol("value", "x", 1, (3, 1))
    >>> i, j = Index("i", 0, 1, 3), Index("j", 1, 1, 3)
    >>> xi, xj = (Element(x, index, number(1), ()) for index in (i, j))
    >>> body = elementwise(np.multiply, Element(A, i, j, ()), elementwise(np.multiply, xi, xj))
    >>> TEXT(without_indices(Total(np.sum, i, Total(np.sum, j, body, ()), ())))
    'xᵀ A x'
    """
    if not _has_indices(e):
        return e
    return _filled(_single(_terms(e), e), e)


def _has_indices(e: Expression) -> bool:
    return any(isinstance(x, Index | Element | Total) for x in all_parts(e))


def _terms(e: Expression) -> list[Term]:
    """A part as a sum of products."""
    if not _has_indices(e):
        return [Term(1, (_whole(e),))]
    if isinstance(e, Named):
        return _terms(e.meaning)
    if isinstance(e, Element):
        return _of_element(e)
    if isinstance(e, Total):
        return _of_total(e)
    if not isinstance(e, Apply):
        said = ", as a number: give 1, 2, … a letter, as in Σ_i c_i w_i"
        raise NoMatrix(f"{TEXT(e)} has no form as matrices{said if isinstance(e, Index) else ''}")
    if e.op in _SUMS:
        return _SUMS[e.op](e)
    return _gathered(e) if e.mark == AXES else [Term(1, (_operated(e),))]


def _whole(e: Expression) -> Factor:
    """A part without indices."""
    shape = e.shape
    if not shape:
        return Factor(e, ())
    labels = tuple(x for x, n in zip((ROWS, COLUMNS), shape, strict=True) if n > 1)
    if not labels:
        return Factor(Apply(only, (e,), ()), ())
    return Factor(e if shape[0] > 1 else transposed(e), labels)


# What becomes of labels


def _labels(factors: Iterable[Factor]) -> tuple[Label, ...]:
    """All labels, those of a matrix first."""
    ordered = sorted(factors, key=lambda f: -len(f.labels))
    return tuple(dict.fromkeys(x for f in ordered for x in f.labels))


def _open(terms: Iterable[Term]) -> tuple[Label, ...]:
    """The labels that are not summed over, and those whose sums wait."""
    return _labels(f for t in terms for f in t.factors)


def _relabelled(terms: list[Term], new: Mapping[Label, Label]) -> list[Term]:
    """Other labels; of a matrix whose two labels become one, the diagonal."""

    def relabelled(f: Factor) -> Factor:
        labels = tuple(new.get(x, x) for x in f.labels)
        if len(labels) == 2 and labels[0] == labels[1]:
            column = Apply(diagonal_of, (f.matrix,), (f.matrix.shape[0], 1))
            return replace(f, matrix=column, labels=labels[:1])
        return replace(f, labels=labels)

    return [replace(t, factors=tuple(map(relabelled, t.factors))) for t in terms]


def _aligned(f: Factor, labels: tuple[Label, ...]) -> Expression:
    """The matrix of a factor as it stands beside one that has these labels."""
    if len(labels) == 2 and f.labels and f.labels != labels and f.labels[0] == labels[1]:
        return transposed(f.matrix)
    return f.matrix


def _filled(f: Factor, e: Expression) -> Expression:
    """The matrix of a part, in its own shape."""
    _refuse(e, [x for x in f.labels if x not in (ROWS, COLUMNS)])
    matrix = _aligned(f, (ROWS, COLUMNS))
    return matrix if matrix.shape == e.shape else stretched(matrix, e.shape)


def _refuse(e: Expression, labels: list[Label]) -> None:
    if labels:
        letters = [x.label for x in labels if isinstance(x, Index)]
        raise NoMatrix(
            f"{TEXT(e)} depends on {' and '.join(letters)}, over which it has no form as matrices: "
            f"sum over it, Σ_{(letters or 'i')[0]} …"
        )


# Sums of products as matrices


def _single(terms: list[Term], e: Expression) -> Factor:
    """A sum of products as one matrix, which is what e is."""
    terms = [_contracted(t) for t in terms]
    labels = _open(terms)
    if len(labels) > 2:
        letters = sorted({x.label for x in all_parts(e) if isinstance(x, Index)})
        raise NoMatrix(
            f"{TEXT(e)} depends on more than two of {', '.join(letters)} at once, and a matrix has "
            "two: sum over one of them first, or write that part with matrices"
        )
    values = [_multiplied(t.factors, labels) for t in terms]
    total = values[0] if terms[0].sign > 0 else _negative(values[0])
    for t, value in zip(terms[1:], values[1:], strict=True):
        total = elementwise(np.add if t.sign > 0 else np.subtract, total, value)
    return Factor(total, labels)


def _negative(e: Expression) -> Expression:
    return Apply(np.negative, (e,), e.shape)


def _multiplied(factors: Iterable[Factor], labels: tuple[Label, ...]) -> Expression:
    """The product of factors at each element of the matrix that has these labels."""
    numbers = sorted(factors, key=lambda f: bool(f.labels))
    above = [_aligned(f, labels) for f in numbers if not f.below]
    below = [_aligned(f, labels) for f in numbers if f.below]
    value = functools.reduce(_each, above or [number(1)])
    return functools.reduce(functools.partial(elementwise, np.divide), below, value)


def _each(a: Expression, b: Expression) -> Expression:
    """a times b at each element; of a column and a row, x yᵀ."""
    for x, y in ((a, b), (b, a)):
        if x.shape[1:] == (1,) and y.shape[:1] == (1,):
            return product(x, y)
    return elementwise(np.multiply, a, b)


def _times(a: list[Term], b: list[Term]) -> list[Term]:
    """The product of two sums, each as one factor where it is a matrix."""
    return [
        Term(x.sign * y.sign, x.factors + y.factors, x.summed + y.summed)
        for x in _collected(a)
        for y in _collected(b)
    ]


def _collected(terms: list[Term]) -> list[Term]:
    """The same sum, as one factor where it is a matrix."""
    if len(terms) == 1 or len(_open(map(_contracted, terms))) > 2:
        return terms
    return [Term(1, (_single(terms, number(0)),))]


def _summed(terms: list[Term], label: Label, count: int) -> list[Term]:
    """The sum over a label; what does not have it is repeated."""
    bound = object()  # two sums over i are over different labels
    found = []
    for t in _relabelled(terms, {label: bound}):
        if any(bound in f.labels for f in t.factors):
            found.append(replace(t, summed=(*t.summed, bound)))
        else:
            found.append(replace(t, factors=(Factor(number(count), ()), *t.factors)))
    return found


def _contracted(t: Term) -> Term:
    """A product in which sums are taken, where they leave a matrix: first those with few labels."""
    factors, waiting = t.factors, list(t.summed)
    while waiting:
        s = min(waiting, key=lambda s: len(_around(factors, s)))
        if len(_around(factors, s)) > 2:
            break
        waiting.remove(s)
        mine = [f for f in factors if s in f.labels]
        factors = (*(f for f in factors if s not in f.labels), _joined(mine, s))
    return replace(t, factors=factors, summed=tuple(waiting))


def _around(factors: Iterable[Factor], s: Label) -> list[Label]:
    return [x for x in _labels(f for f in factors if s in f.labels) if x != s]


def _joined(factors: list[Factor], s: Label) -> Factor:
    """The sum over s of a product of factors that all have it, and two other labels at most."""
    around = _around(factors, s)
    if around:
        first = [around[0] in f.labels or len(f.labels) < len(around) for f in factors]
    else:
        first = [k + 1 < len(factors) for k in range(len(factors))]
    left, right = (
        [f for f, is_first in zip(factors, first, strict=True) if is_first == side]
        for side in (True, False)
    )
    n = next(f.matrix.shape[f.labels.index(s)] for f in factors)
    a = _multiplied(left, (*around[:1], s)) if left else Ones((n, 1))
    b = _multiplied(right, (s, *around[1:])) if right else Ones((n, 1))
    value = product(a if around else transposed(a), b)
    return Factor(value if around else Apply(only, (value,), ()), tuple(around))


# What each kind of part is


def _of_element(e: Element) -> list[Term]:
    terms = _terms(e.of)
    new: dict[Label, Label] = {} if e.column else {COLUMNS: ROWS}  # a row is taken as a column
    for axis, (own, at) in enumerate(zip((ROWS, COLUMNS), (e.row, e.column), strict=True)):
        size = _size(e.of, axis)
        if isinstance(at, Number) and size > 1 and at.value in range(1, size + 1):
            terms = _at_a_number(terms, own, at, size)
        elif isinstance(at, Index) and (at.low, at.count) == (1, size):
            new[own] = at
        elif at is not None and size > 1:
            raise NoMatrix(
                f"{TEXT(e)} does not go over all of {TEXT(e.of)}, from the first to the last, here "
                f"{size}: write it as a product with a matrix, as D w for differences, or say with "
                "shapes= how many there are"
            )
    return _relabelled(terms, new)


def _size(e: Expression, axis: int) -> int:
    return e.shape[axis] if e.shape else 1


def _at_a_number(terms: list[Term], own: Label, at: Number, size: int) -> list[Term]:
    """w_2 = e_2ᵀ w."""
    e = Factor(unit_column(int(at.value), size), (own,))
    return _summed(_times([Term(1, (e,))], terms), own, size)


def _of_total(e: Total) -> list[Term]:
    terms = _terms(e.body)
    if e.op is np.sum:
        return _summed(terms, e.index, e.index.count)
    f = _single(terms, e.body)
    if e.index in f.labels:
        f = _reduced(e.op, f, e.index)
    elif e.op is np.prod:
        f = replace(f, matrix=elementwise(np.power, f.matrix, number(e.index.count)))
    return [Term(1, (f,))]


def _reduced(op: Callable[..., Any], f: Factor, label: Label) -> Factor:
    """A function of the values along one label, such as the largest."""
    axis = f.labels.index(label)
    shape: Shape = tuple(1 if k == axis else n for k, n in enumerate(f.matrix.shape))
    static = {"axis": (axis,), "keepdims": True}
    matrix: Expression = Apply(op, (f.matrix,), shape, static, (axis,))
    if len(f.labels) == 1:
        return Factor(Apply(only, (matrix,), ()), ())
    return Factor(matrix if axis else transposed(matrix), (f.labels[1 - axis],))


def _gathered(e: Apply) -> list[Term]:
    """What depends on indices as a matrix, a column of elements, or columns side by side."""
    (x,) = e.arguments
    terms = _terms(x)
    names = (COLUMNS,) if x.shape else (ROWS, COLUMNS)
    free = [i for i in _open(terms) if isinstance(i, Index)]
    return _relabelled(terms, {i: names[i.axis] for i in free})


def _operated(e: Apply) -> Factor:
    """An operation on matrices, or on each element of them."""
    factors = [_single(_terms(a), a) for a in e.arguments]
    if is_by_element(e) or isinstance(e.op, SlopeOf):
        labels = _labels(factors)
        if len(labels) > 2:
            _single([Term(1, tuple(factors))], e)
        values = [_aligned(f, labels) for f in factors]
        shape = np.broadcast_shapes(*(v.shape for v in values))
        return Factor(Apply(e.op, tuple(values), shape, e.static, e.mark), labels)
    if e.op in _ALONG:
        return _along(e, factors[0])
    values = [_filled(f, a) for f, a in zip(factors, e.arguments, strict=True)]
    return _whole(replace(e, arguments=tuple(values)))


def _along(e: Apply, f: Factor) -> Factor:
    """A function along axes of a part."""
    for axis in e.static["axis"]:
        label = (ROWS, COLUMNS)[axis % 2]
        if label not in f.labels:
            continue
        if e.op in (np.max, np.min):
            f = _reduced(e.op, f, label)
        else:
            at = (f.labels.index(label),)
            f = replace(f, matrix=Apply(e.op, (f.matrix,), f.matrix.shape, {"axis": at}, at))
    return f


def _square(e: Apply) -> list[Term]:
    """The square of a matrix by element; of a sum with more labels, multiplied out."""
    terms = _terms(e.arguments[0])
    if len(_open(map(_contracted, terms))) > 2:
        return _times(terms, terms)
    return [Term(1, (_operated(e),))]


def _negated(terms: list[Term]) -> list[Term]:
    return [replace(t, sign=-t.sign) for t in terms]


def _quotient(e: Apply) -> list[Term]:
    a, b = e.arguments
    below = replace(_single(_terms(b), b), below=True)
    return _times(_terms(a), [Term(1, (below,))])


def _of_dot(e: Apply) -> list[Term]:
    s = object()
    a, b = e.arguments
    terms = _times(_relabelled(_terms(a), {COLUMNS: s}), _relabelled(_terms(b), {ROWS: s}))
    return _summed(terms, s, _size(a, 1))


def _of_sum(e: Apply) -> list[Term]:
    terms = _terms(e.arguments[0])
    for axis in e.static["axis"]:
        terms = _summed(terms, (ROWS, COLUMNS)[axis % 2], _size(e.arguments[0], axis))
    return terms


def _of_trace(e: Apply) -> list[Term]:
    s, x = object(), e.arguments[0]
    return _summed(_relabelled(_terms(x), {ROWS: s, COLUMNS: s}), s, _size(x, 0))


def _of_unit_vector(e: Apply) -> list[Term]:
    (i,) = e.arguments
    if not isinstance(i, Index) or (i.low, i.count) != (1, _size(e, 0)):
        raise NoMatrix(f"{TEXT(e)} does not go over all of its elements")
    return [Term(1, (Factor(unit_matrix(i.count), (ROWS, i)),))]


def _of_equality(e: Apply) -> list[Term]:
    """[i = j], or [i ≠ j], of two indices."""
    i, j = e.arguments
    if not (isinstance(i, Index) and isinstance(j, Index) and (i.low, i.count) == (j.low, j.count)):
        return [Term(1, (_operated(e),))]
    equal = Factor(number(1), ()) if i == j else Factor(unit_matrix(i.count), (i, j))
    if e.op is np.equal:
        return [Term(1, (equal,))]
    return [Term(1, (Factor(number(1), ()),)), Term(-1, (equal,))]


_TURNED: dict[Label, Label] = {ROWS: COLUMNS, COLUMNS: ROWS}
_SUMS: dict[Any, Callable[[Apply], list[Term]]] = {
    np.add: lambda e: [*_terms(e.arguments[0]), *_terms(e.arguments[1])],
    np.subtract: lambda e: [
        *_terms(e.arguments[0]),
        *_negated(_terms(e.arguments[1])),
    ],
    np.negative: lambda e: _negated(_terms(e.arguments[0])),
    np.multiply: lambda e: _times(*map(_terms, e.arguments)),
    np.divide: _quotient,
    np.square: _square,
    np.dot: _of_dot,
    np.transpose: lambda e: _relabelled(_terms(e.arguments[0]), _TURNED),
    only: lambda e: _terms(e.arguments[0]),
    np.sum: _of_sum,
    matrix_trace: _of_trace,
    unit_vector: _of_unit_vector,
    np.equal: _of_equality,
    np.not_equal: _of_equality,
}
_ALONG = (np.max, np.min, rules.softmax_, rules.log_softmax_)
