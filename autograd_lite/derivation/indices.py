"""Formulas with indices as formulas of matrices: `without_indices`.

Σ_i Σ_j A_ij x_i x_j is xᵀ A x. A part is read as a sum of products of matrices whose axes have
labels: indices, or the rows and the columns of the part itself. A sum over an index joins the
factors that have it in one matrix product, as long as two other labels are left at most.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autograd_lite import rules
from autograd_lite.algebra.matrices import (
    NoMatrix,
    diagonal_of,
    is_by_element,
    is_op,
    unit_column,
    unit_matrix,
)
from autograd_lite.algebra.notation import RELATIONS, TEXT
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

MOST_TERMS = 200  # of what is multiplied out


@dataclass(frozen=True, eq=False)
class Bound:
    """The label of one sum: two sums over i have two."""

    label: str


ROWS, COLUMNS = Bound("its rows"), Bound("its columns")  # of a part, where it stands
Label = Index | Bound


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
    """An expression with the same value at its sizes, in which matrices stand for elements.

    Raises NoMatrix, in words for a reader, where three indices meet before one of them is summed
    over, and where an index does not go over all of a row or a column.

    >>> from autograd_lite.algebra.tree import Symbol
    >>> A, x = Symbol("value", "A", 0, (3, 3)), Symbol("value", "x", 1, (3, 1))
    >>> i, j = Index("i", 0, 1, 3), Index("j", 1, 1, 3)
    >>> xi, xj = (Element(x, index, number(1), ()) for index in (i, j))
    >>> body = elementwise(np.multiply, Element(A, i, j, ()), elementwise(np.multiply, xi, xj))
    >>> TEXT(without_indices(Total(np.sum, i, Total(np.sum, j, body, ()), ())))
    'xᵀ A x'
    """
    return _in_its_shape(_as_matrix(_terms(e), e), e) if _has_indices(e) else e


def _has_indices(e: Expression) -> bool:
    return any(isinstance(x, Index | Element | Total) for x in all_parts(e))


def _terms(e: Expression) -> list[Term]:
    """A part as a sum of products."""
    if not _has_indices(e):
        return _sole(_whole(e))
    if isinstance(e, Named):
        return _terms(e.meaning)
    if isinstance(e, Element):
        return _of_element(e)
    if isinstance(e, Total):
        return _of_total(e)
    if isinstance(e, Apply):
        reader = _SUMS.get(e.op, _gathered if e.mark == AXES else _operated)
        return reader(e)
    said = " as a number: give 1, 2, … a letter, c in Σ_i c_i w_i" if isinstance(e, Index) else ""
    raise NoMatrix(f"{TEXT(e)} has no form in matrices{said}")


def _sole(f: Factor) -> list[Term]:
    return [Term(1, (f,))]


def _whole(e: Expression) -> Factor:
    """A part without indices."""
    labels = tuple(x for x, n in zip((ROWS, COLUMNS), e.shape, strict=False) if n > 1)
    if labels == (COLUMNS,):
        e = transposed(e)
    return Factor(e if labels or not e.shape else Apply(only, (e,), ()), labels)


# Labels


def _labels(factors: Iterable[Factor]) -> tuple[Label, ...]:
    """All labels, those of a matrix first."""
    ordered = sorted(factors, key=lambda f: -len(f.labels))
    return tuple(dict.fromkeys(x for f in ordered for x in f.labels))


def _labels_of_sum(terms: Iterable[Term]) -> tuple[Label, ...]:
    return _labels(f for t in terms for f in t.factors)


def _relabelled(t: Term, new: Mapping[Any, Label]) -> Term:
    """The term with other labels; of a matrix whose two labels become one, the diagonal."""
    factors = []
    for f in t.factors:
        labels = tuple(new.get(x, x) for x in f.labels)
        if len(labels) == 2 and labels[0] == labels[1]:
            column = Apply(diagonal_of, (f.matrix,), (f.matrix.shape[0], 1))
            factors.append(replace(f, matrix=column, labels=labels[:1]))
        else:
            factors.append(replace(f, labels=labels))
    return Term(t.sign, tuple(factors), tuple(new.get(x, x) for x in t.summed))


def _aligned(f: Factor, labels: tuple[Label, ...]) -> Expression:
    """The matrix of a factor, as it stands beside a matrix that has these labels."""
    turned = len(labels) == 2 and f.labels[:1] == labels[1:]
    return transposed(f.matrix) if turned else f.matrix


def _in_its_shape(f: Factor, e: Expression) -> Expression:
    """The matrix of a part that has no labels but its own, and the part's shape."""
    letters = [x.label for x in f.labels if x not in (ROWS, COLUMNS)]
    if letters:
        raise NoMatrix(
            f"{TEXT(e)} depends on {' and '.join(letters)}, and has no form in matrices: "
            f"sum over it, Σ_{letters[0]}, or leave the index out"
        )
    return stretched(_aligned(f, (ROWS, COLUMNS)), e.shape)


# Sums of products


def _as_matrix(terms: list[Term], e: Expression) -> Factor:
    """A sum of products as one matrix; e is what it is, for an error."""
    terms = [_contracted(t) for t in terms]
    labels = _labels_of_sum(terms)
    if len(labels) > 2:
        letters = ", ".join(dict.fromkeys(x.label for x in labels))
        raise NoMatrix(
            f"{TEXT(e)} depends on {letters} at once, and a matrix has two axes: sum over one of "
            "them where it stands with one other, or write this part with matrices"
        )
    values = [(t.sign, _multiplied(t.factors, labels)) for t in terms]
    (sign, total), *others = values
    if sign < 0:
        total = Apply(np.negative, (total,), total.shape)
    for sign, value in others:
        total = elementwise(np.add if sign > 0 else np.subtract, total, value)
    return Factor(total, labels)


def _multiplied(factors: Iterable[Factor], labels: tuple[Label, ...]) -> Expression:
    """The product of factors at each element of the matrix that has these labels."""
    ordered = sorted(factors, key=lambda f: len(f.labels) > 0)  # numbers stand before matrices
    above = [_aligned(f, labels) for f in ordered if not f.below]
    below = [_aligned(f, labels) for f in ordered if f.below]
    value = functools.reduce(_by_element, above or [number(1)])
    return functools.reduce(functools.partial(elementwise, np.divide), below, value)


def _by_element(a: Expression, b: Expression) -> Expression:
    """a times b at each element; of a column and a row, x yᵀ."""
    for x, y in ((a, b), (b, a)):
        if x.shape[1:] == (1,) and y.shape[:1] == (1,):
            return product(x, y)
    return elementwise(np.multiply, a, b)


def _times(a: list[Term], b: list[Term]) -> list[Term]:
    """The product of two sums; what is no matrix is multiplied out."""
    a, b = _collected(a), _collected(b)
    if len(a) * len(b) > MOST_TERMS:
        raise NoMatrix(f"a product of sums has more than {MOST_TERMS} terms: name a part of it")
    return [Term(x.sign * y.sign, x.factors + y.factors, x.summed + y.summed) for x in a for y in b]


def _is_matrix(terms: Iterable[Term]) -> bool:
    return len(_labels_of_sum(map(_contracted, terms))) <= 2


def _collected(terms: list[Term]) -> list[Term]:
    """The same sum, as one factor where it is a matrix."""
    if len(terms) > 1 and _is_matrix(terms):
        return _sole(_as_matrix(terms, number(0)))
    return terms


def _copied(t: Term) -> Term:
    """The same term, with labels of its own for its sums."""
    return _relabelled(t, {s: Bound(s.label) for s in t.summed})


def _summed(terms: list[Term], label: Label, count: int) -> list[Term]:
    """The sum over a label; what does not have it is repeated."""
    bound = Bound(label.label)
    found = []
    for t in (_relabelled(t, {label: bound}) for t in terms):
        if any(bound in f.labels for f in t.factors):
            found.append(replace(t, summed=(*t.summed, bound)))
        else:
            found.append(replace(t, factors=(Factor(number(count), ()), *t.factors)))
    return found


def _contracted(t: Term) -> Term:
    """A product whose sums are taken, those with few labels first; what leaves no matrix waits."""
    factors, waiting = t.factors, list(t.summed)
    while waiting:
        s = min(waiting, key=lambda s: len(_beside(s, factors)))
        if len(_beside(s, factors)) > 2:
            break
        waiting.remove(s)
        joined = _joined([f for f in factors if s in f.labels], s)
        factors = (*(f for f in factors if s not in f.labels), joined)
    return replace(t, factors=factors, summed=tuple(waiting))


def _beside(s: Label, factors: Iterable[Factor]) -> tuple[Label, ...]:
    """The other labels of the factors that have s."""
    return tuple(x for x in _labels(f for f in factors if s in f.labels) if x != s)


def _joined(factors: list[Factor], s: Label) -> Factor:
    """The sum over s of a product of factors that all have it, and two other labels at most."""
    beside = _beside(s, factors)
    if beside:
        is_left = [beside[0] in f.labels or len(f.labels) < len(beside) for f in factors]
    else:
        is_left = [True] * (len(factors) - 1) + [False]
    left = [f for f, here in zip(factors, is_left, strict=True) if here]
    right = [f for f, here in zip(factors, is_left, strict=True) if not here]
    n = factors[0].matrix.shape[factors[0].labels.index(s)]
    a = _multiplied(left, (*beside[:1], s)) if left else Ones((n, 1))
    b = _multiplied(right, (s, *beside[1:])) if right else Ones((n, 1))
    if beside:
        return Factor(product(a, b), beside)
    return Factor(Apply(only, (product(transposed(a), b),), ()), ())


# Elements, and what is made of the values over an index


def _of_element(e: Element) -> list[Term]:
    terms = _terms(e.of)
    new: dict[Label, Label] = {} if e.column else {COLUMNS: ROWS}  # a row is taken as a column
    for axis, (own, at) in enumerate(((ROWS, e.row), (COLUMNS, e.column))):
        size = _size(e.of, axis)
        if isinstance(at, Index) and (at.low, at.count) == (1, size):
            new[own] = at
        elif isinstance(at, Number) and 1 < size and at.value in range(1, size + 1):
            unit = Factor(unit_column(int(at.value), size), (own,))  # w_2 = e_2ᵀ w
            terms = _summed(_times(_sole(unit), terms), own, size)
        elif at is not None and (at, size) != (number(1), 1):
            raise NoMatrix(
                f"{TEXT(e)} does not go over {TEXT(e.of)} from its first element to its last, here "
                f"{size}: write it with a matrix, D w for differences, or say with shapes= how "
                "many elements there are"
            )
    return [_relabelled(t, new) for t in terms]


def _size(e: Expression, axis: int) -> int:
    return e.shape[axis] if e.shape else 1


def _of_total(e: Total) -> list[Term]:
    terms = _terms(e.body)
    if e.op is np.sum:
        return _summed(terms, e.index, e.index.count)
    f = _as_matrix(terms, e.body)
    if e.index in f.labels:
        f = _reduced(e.op, f, e.index)
    elif e.op is np.prod:
        f = replace(f, matrix=elementwise(np.power, f.matrix, number(e.index.count)))
    return _sole(f)


def _reduced(op: Callable[..., Any], f: Factor, label: Label) -> Factor:
    """A function of the values along one label, such as the largest of them."""
    axis = f.labels.index(label)
    shape: Shape = tuple(1 if k == axis else n for k, n in enumerate(f.matrix.shape))
    static = {"axis": (axis,), "keepdims": True}
    matrix: Expression = Apply(op, (f.matrix,), shape, static, (axis,))
    if len(f.labels) == 1:
        return Factor(Apply(only, (matrix,), ()), ())
    return Factor(matrix if axis else transposed(matrix), (f.labels[1 - axis],))


def _gathered(e: Apply) -> list[Term]:
    """What depends on free indices as a column of elements, a matrix, or columns side by side."""
    (x,) = e.arguments
    own = (COLUMNS,) if x.shape else (ROWS, COLUMNS)
    terms = _terms(x)
    free = (i for i in _labels_of_sum(terms) if isinstance(i, Index) and i.axis < len(own))
    new = {i: own[i.axis] for i in free}
    return [_relabelled(t, new) for t in terms]


# Operations


def _operated(e: Apply) -> list[Term]:
    """An operation on each element, along an axis, or on matrices as a whole."""
    factors = [_as_matrix(_terms(a), a) for a in e.arguments]
    if is_by_element(e) or isinstance(e.op, SlopeOf):
        labels = _as_matrix([Term(1, (f,)) for f in factors], e).labels
        values = tuple(_aligned(f, labels) for f in factors)
        shape = np.broadcast_shapes(*(v.shape for v in values))
        return _sole(Factor(Apply(e.op, values, shape, e.static, e.mark), labels))
    if e.op in (np.max, np.min, *_SOFT):
        return _sole(_along(e, factors[0]))
    values = tuple(_in_its_shape(f, a) for f, a in zip(factors, e.arguments, strict=True))
    return _sole(_whole(replace(e, arguments=values)))


def _along(e: Apply, f: Factor) -> Factor:
    """A function along its own axes of a part that may depend on an index too."""
    for label in ((ROWS, COLUMNS)[axis % 2] for axis in e.static["axis"]):
        if label in f.labels and e.op not in _SOFT:
            f = _reduced(e.op, f, label)
        elif label in f.labels:
            at = (f.labels.index(label),)
            f = replace(f, matrix=Apply(e.op, (f.matrix,), f.matrix.shape, {"axis": at}, at))
        elif e.op in _SOFT:
            raise NoMatrix(f"{TEXT(e)} is of one number: write 1")
    return f


_SOFT = (rules.softmax_, rules.log_softmax_)


def _negated(e: Expression) -> list[Term]:
    return [replace(t, sign=-t.sign) for t in _terms(e)]


def _squared(e: Apply) -> list[Term]:
    """The square at each element; ‖x‖², and a sum that is no matrix, multiplied out."""
    (x,) = e.arguments
    if is_op(x, np.sqrt):
        return _terms(x.arguments[0])
    terms = _terms(x)
    if not _is_matrix(terms):
        return _times(terms, [_copied(t) for t in terms])
    f = _as_matrix(terms, x)
    return _sole(replace(f, matrix=elementwise(np.square, f.matrix)))


def _divided(e: Apply) -> list[Term]:
    a, b = e.arguments
    below = replace(_as_matrix(_terms(b), b), below=True)
    return _times(_terms(a), _sole(below))


def _of_product(e: Apply) -> list[Term]:
    a, b = e.arguments
    s = Bound("a sum of products")
    left = [_relabelled(t, {COLUMNS: s}) for t in _terms(a)]
    return _summed(_times(left, [_relabelled(t, {ROWS: s}) for t in _terms(b)]), s, _size(a, 1))


def _turned(e: Apply) -> list[Term]:
    return [_relabelled(t, {ROWS: COLUMNS, COLUMNS: ROWS}) for t in _terms(e.arguments[0])]


def _of_sum(e: Apply) -> list[Term]:
    terms = _terms(e.arguments[0])
    for axis in e.static["axis"]:
        terms = _summed(terms, (ROWS, COLUMNS)[axis % 2], _size(e.arguments[0], axis))
    return terms


def _of_trace(e: Apply) -> list[Term]:
    (x,) = e.arguments
    return _summed([_relabelled(t, {COLUMNS: ROWS}) for t in _terms(x)], ROWS, _size(x, 0))


def _of_unit_vector(e: Apply) -> list[Term]:
    return _sole(Factor(_delta(e.arguments[0], _size(e, 0), e), (ROWS, e.arguments[0])))


def _delta(i: Any, n: int, e: Expression) -> Expression:
    """I, for an index that goes over all of it."""
    if isinstance(i, Index) and (i.low, i.count) == (1, n):
        return unit_matrix(n)
    raise NoMatrix(
        f"{TEXT(e)} has no form in matrices: give the numbers that it is a letter, M in "
        "Σ_ij M_ij A_ij"
    )


def _of_relation(e: Apply) -> list[Term]:
    """[i = j] and [i ≠ j] of two indices; a relation between values is one of each element."""
    i, j = e.arguments
    if not isinstance(i, Index) and not isinstance(j, Index):
        return _operated(e)
    if e.op not in (np.equal, np.not_equal) or not isinstance(i, Index):
        return _sole(Factor(_delta(None, 0, e), ()))
    unit = Factor(_delta(j, i.count, e), (i, j)) if i != j else Factor(number(1), ())
    one = _sole(Factor(number(1), ()))
    return _sole(unit) if e.op is np.equal else [*one, Term(-1, (unit,))]


_SUMS: dict[Any, Callable[[Apply], list[Term]]] = {
    np.add: lambda e: [*_terms(e.arguments[0]), *_terms(e.arguments[1])],
    np.subtract: lambda e: [*_terms(e.arguments[0]), *_negated(e.arguments[1])],
    np.negative: lambda e: _negated(e.arguments[0]),
    np.multiply: lambda e: _times(*map(_terms, e.arguments)),
    np.divide: _divided,
    np.square: _squared,
    np.dot: _of_product,
    np.transpose: _turned,
    only: lambda e: _terms(e.arguments[0]),
    np.sum: _of_sum,
    matrix_trace: _of_trace,
    unit_vector: _of_unit_vector,
    **dict.fromkeys(RELATIONS, _of_relation),
}
