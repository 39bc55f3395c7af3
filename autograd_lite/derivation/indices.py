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

MOST_PRODUCTS = 200  # of what is multiplied out


@dataclass(frozen=True, eq=False)
class Bound:
    """The label of one sum: two sums over i have two."""

    label: str


OWN_ROWS, OWN_COLUMNS = Bound("its rows"), Bound("its columns")  # of a part, where it stands
Label = Index | Bound


@dataclass(frozen=True)
class Labelled:
    """A matrix with labels for its rows and columns; a column has one, a number none.

    below: whether it divides.
    """

    matrix: Expression
    labels: tuple[Label, ...]
    below: bool = False

    def aligned(self, labels: tuple[Label, ...]) -> Expression:
        """The matrix, as it stands beside one that has these labels."""
        turned = len(labels) == 2 and self.labels[:1] == labels[1:]
        return transposed(self.matrix) if turned else self.matrix

    def relabelled(self, new: Mapping[Label, Label]) -> Labelled:
        """With other labels; where the two of a matrix become one, its diagonal."""
        labels = tuple(new.get(x, x) for x in self.labels)
        if len(labels) < 2 or labels[0] != labels[1]:
            return replace(self, labels=labels)
        column = Apply(diagonal_of, (self.matrix,), (self.matrix.shape[0], 1))
        return replace(self, matrix=column, labels=labels[:1])


@dataclass(frozen=True)
class Contraction:
    """A product of matrices, summed over some of their labels, with a sign."""

    sign: int
    factors: tuple[Labelled, ...]
    summed: tuple[Label, ...] = ()

    def relabelled(self, new: Mapping[Label, Label]) -> Contraction:
        """With other labels."""
        factors = tuple(f.relabelled(new) for f in self.factors)
        return Contraction(self.sign, factors, tuple(new.get(x, x) for x in self.summed))

    def copied(self) -> Contraction:
        """With labels of its own for its sums, so that it can be multiplied by itself."""
        return self.relabelled({s: Bound(s.label) for s in self.summed})

    def contracted(self) -> Contraction:
        """With its sums taken, those with few labels first; what leaves no matrix waits."""
        factors, waiting = self.factors, list(self.summed)
        while waiting:
            s = min(waiting, key=lambda s: len(_joined_with(s, factors)))
            if len(_joined_with(s, factors)) > 2:
                break
            waiting.remove(s)
            joined = _sum_of_product([f for f in factors if s in f.labels], s)
            factors = (*(f for f in factors if s not in f.labels), joined)
        return replace(self, factors=factors, summed=tuple(waiting))


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
    return _in_its_shape(_one_matrix(_products(e), e), e.shape, e) if _has_indices(e) else e


def _has_indices(e: Expression) -> bool:
    return any(isinstance(x, Index | Element | Total) for x in all_parts(e))


def _products(e: Expression, new: Mapping[Label, Label] | None = None) -> list[Contraction]:
    """A part as a sum of products, with other labels for some."""
    return [t.relabelled(new or {}) for t in _read_products(e)]


def _read_products(e: Expression) -> list[Contraction]:
    if not _has_indices(e):
        return _sole(_index_free(e))
    if isinstance(e, Named):
        return _products(e.meaning)
    if isinstance(e, Element):
        return _of_element(e)
    if isinstance(e, Total):
        return _of_total(e)
    if isinstance(e, Apply):
        reader = _SUMS.get(e.op, _from_free_indices if e.mark == AXES else _operation_on)
        return reader(e)
    said = " as a number: give 1, 2, … a letter, c in Σ_i c_i w_i" if isinstance(e, Index) else ""
    raise NoMatrix(f"{TEXT(e)} has no form in matrices{said}")


def _sole(f: Labelled) -> list[Contraction]:
    return [Contraction(1, (f,))]


def _index_free(e: Expression) -> Labelled:
    """A part without indices."""
    if len(e.shape) > 2:
        raise NoMatrix(f"{TEXT(e)} has {len(e.shape)} axes, and a matrix has two")
    labels = tuple(x for x, n in zip((OWN_ROWS, OWN_COLUMNS), e.shape, strict=False) if n > 1)
    if labels == (OWN_COLUMNS,):
        e = transposed(e)
    return Labelled(e if labels or not e.shape else Apply(only, (e,), ()), labels)


# Labels


def _labels(factors: Iterable[Labelled]) -> tuple[Label, ...]:
    """All labels, those of a matrix first."""
    ordered = sorted(factors, key=lambda f: -len(f.labels))
    return tuple(dict.fromkeys(x for f in ordered for x in f.labels))


def _labels_of_sum(terms: Iterable[Contraction]) -> tuple[Label, ...]:
    return _labels(f for t in terms for f in t.factors)


def _in_its_shape(f: Labelled, shape: Shape, e: Expression) -> Expression:
    """A matrix that has no labels but its own, in this shape; e is where it stands."""
    letters = [x.label for x in f.labels if x not in (OWN_ROWS, OWN_COLUMNS)]
    if letters:
        raise NoMatrix(
            f"{TEXT(e)} depends on {' and '.join(letters)}, and has no form in matrices: "
            f"sum over it, Σ_{letters[0]}, or leave the index out"
        )
    return stretched(f.aligned((OWN_ROWS, OWN_COLUMNS)), shape)


# Sums of products


def _one_matrix(terms: list[Contraction], e: Expression) -> Labelled:
    """A sum of products as one matrix; e is what it is, for an error."""
    terms = [t.contracted() for t in terms]
    labels = _labels_of_sum(terms)
    if len(labels) > 2:
        letters = ", ".join(dict.fromkeys(x.label for x in labels))
        raise NoMatrix(
            f"{TEXT(e)} depends on {letters} at once, and a matrix has two axes: sum over one of "
            "them where it stands with one other, or write this part with matrices"
        )
    values = [(t.sign, _product_of(t.factors, labels)) for t in terms]
    (sign, total), *others = values
    if sign < 0:
        total = Apply(np.negative, (total,), total.shape)
    for sign, value in others:
        total = elementwise(np.add if sign > 0 else np.subtract, total, value)
    return Labelled(total, labels)


def _product_of(factors: Iterable[Labelled], labels: tuple[Label, ...]) -> Expression:
    """The product of factors at each element of the matrix that has these labels."""
    ordered = sorted(factors, key=lambda f: len(f.labels) > 0)  # numbers stand before matrices
    above = [f.aligned(labels) for f in ordered if not f.below]
    below = [f.aligned(labels) for f in ordered if f.below]
    value = functools.reduce(_by_element, above or [number(1)])
    return functools.reduce(functools.partial(elementwise, np.divide), below, value)


def _by_element(a: Expression, b: Expression) -> Expression:
    """a times b at each element; of a column and a row, x yᵀ."""
    for x, y in ((a, b), (b, a)):
        if x.shape[1:] == (1,) and y.shape[:1] == (1,):
            return product(x, y)
    return elementwise(np.multiply, a, b)


def _times(a: list[Contraction], b: list[Contraction]) -> list[Contraction]:
    """The product of two sums; what is no matrix is multiplied out."""
    a, b = _collected(a), _collected(b)
    if len(a) * len(b) > MOST_PRODUCTS:
        raise NoMatrix(f"a product of sums has over {MOST_PRODUCTS} terms: name a part of it")
    return [
        Contraction(x.sign * y.sign, x.factors + y.factors, x.summed + y.summed)
        for x in a
        for y in b
    ]


def _fits_a_matrix(terms: Iterable[Contraction]) -> bool:
    return len(_labels_of_sum(t.contracted() for t in terms)) <= 2


def _collected(terms: list[Contraction]) -> list[Contraction]:
    """The same sum, as one factor where it is a matrix."""
    if len(terms) > 1 and _fits_a_matrix(terms):
        return _sole(_one_matrix(terms, number(0)))
    return terms


def _total_over(terms: list[Contraction], label: Label, count: int) -> list[Contraction]:
    """The sum over a label; what does not have it is repeated."""
    bound = Bound(label.label)
    found = []
    for t in (t.relabelled({label: bound}) for t in terms):
        if any(bound in f.labels for f in t.factors):
            found.append(replace(t, summed=(*t.summed, bound)))
        else:
            found.append(replace(t, factors=(Labelled(number(count), ()), *t.factors)))
    return found


def _joined_with(s: Label, factors: Iterable[Labelled]) -> tuple[Label, ...]:
    """The other labels of the factors that have s."""
    return tuple(x for x in _labels(f for f in factors if s in f.labels) if x != s)


def _sum_of_product(factors: list[Labelled], s: Label) -> Labelled:
    """The sum over s of a product of factors that all have it, and two other labels at most."""
    beside = _joined_with(s, factors)
    if beside:
        is_left = [beside[0] in f.labels or len(f.labels) < len(beside) for f in factors]
    else:
        is_left = [True] * (len(factors) - 1) + [False]
    left = [f for f, here in zip(factors, is_left, strict=True) if here]
    right = [f for f, here in zip(factors, is_left, strict=True) if not here]
    n = factors[0].matrix.shape[factors[0].labels.index(s)]
    a = _product_of(left, (*beside[:1], s)) if left else Ones((n, 1))
    b = _product_of(right, (s, *beside[1:])) if right else Ones((n, 1))
    if beside:
        return Labelled(product(a, b), beside)
    return Labelled(Apply(only, (product(transposed(a), b),), ()), ())


# Elements, and what is made of the values over an index


def _of_element(e: Element) -> list[Contraction]:
    terms = _products(e.of)
    new: dict[Label, Label] = {}
    if e.column is None:  # a row is taken as a column
        new[OWN_COLUMNS] = OWN_ROWS
    for axis, (own, at) in enumerate(((OWN_ROWS, e.row), (OWN_COLUMNS, e.column))):
        size = _size(e.of, axis)
        if isinstance(at, Index) and (at.low, at.count) == (1, size):
            new[own] = at
        elif isinstance(at, Number) and 1 < size and at.value in range(1, size + 1):
            unit = Labelled(unit_column(int(at.value), size), (own,))  # w_2 = e_2ᵀ w
            terms = _total_over(_times(_sole(unit), terms), own, size)
        elif at is not None and (at, size) != (number(1), 1):
            raise NoMatrix(
                f"{TEXT(e)} does not go over {TEXT(e.of)} from its first element to its last, here "
                f"{size}: write it with a matrix, D w for differences, or say with shapes= how "
                "many elements there are"
            )
    return [t.relabelled(new) for t in terms]


def _size(e: Expression, axis: int) -> int:
    return e.shape[axis] if e.shape else 1


def _of_total(e: Total) -> list[Contraction]:
    terms = _products(e.body)
    if e.op is np.sum:
        return _total_over(terms, e.index, e.index.count)
    f = _one_matrix(terms, e.body)
    if e.index in f.labels:
        f = _reduced(e.op, f, e.index)
    elif e.op is np.prod:
        f = replace(f, matrix=elementwise(np.power, f.matrix, number(e.index.count)))
    return _sole(f)


def _reduced(op: Callable[..., Any], f: Labelled, label: Label) -> Labelled:
    """A function of the values along one label, such as the largest of them."""
    axis = f.labels.index(label)
    shape: Shape = tuple(1 if k == axis else n for k, n in enumerate(f.matrix.shape))
    static = {"axis": (axis,), "keepdims": True}
    matrix: Expression = Apply(op, (f.matrix,), shape, static, (axis,))
    if len(f.labels) == 1:
        return Labelled(Apply(only, (matrix,), ()), ())
    return Labelled(matrix if axis else transposed(matrix), (f.labels[1 - axis],))


def _from_free_indices(e: Apply) -> list[Contraction]:
    """What depends on free indices as a column of elements, a matrix, or columns side by side."""
    (x,) = e.arguments
    own = (OWN_COLUMNS,) if x.shape else (OWN_ROWS, OWN_COLUMNS)
    free = [i for i in _labels_of_sum(_products(x)) if isinstance(i, Index)]
    return _products(x, {i: own[i.axis] for i in free if i.axis < len(own)})


# Operations


def _operation_on(e: Apply) -> list[Contraction]:
    """An operation on each element, along an axis, or on matrices as a whole."""
    factors = [_one_matrix(_products(a), a) for a in e.arguments]
    if is_by_element(e) or isinstance(e.op, SlopeOf):
        labels = _one_matrix([Contraction(1, (f,)) for f in factors], e).labels
        values = tuple(f.aligned(labels) for f in factors)
        shape = np.broadcast_shapes(*(v.shape for v in values))
        return _sole(Labelled(Apply(e.op, values, shape, e.static, e.mark), labels))
    if e.op in (np.max, np.min, *_SOFT):
        return _sole(_along_own_axes(e, factors[0]))
    shapes = (a.shape for a in e.arguments)
    values = tuple(_in_its_shape(f, s, e) for f, s in zip(factors, shapes, strict=True))
    return _sole(_index_free(replace(e, arguments=values)))


def _along_own_axes(e: Apply, f: Labelled) -> Labelled:
    """A function along its own axes of a part that may depend on an index too."""
    for label in ((OWN_ROWS, OWN_COLUMNS)[axis % 2] for axis in e.static["axis"]):
        if label in f.labels and e.op not in _SOFT:
            f = _reduced(e.op, f, label)
        elif label in f.labels:
            at = (f.labels.index(label),)
            f = replace(f, matrix=Apply(e.op, (f.matrix,), f.matrix.shape, {"axis": at}, at))
        elif e.op in _SOFT:
            raise NoMatrix(f"{TEXT(e)} is of one number: write 1")
    return f


_SOFT = (rules.softmax_, rules.log_softmax_)


def _minus(e: Expression) -> list[Contraction]:
    return [replace(t, sign=-t.sign) for t in _products(e)]


def _square_of(e: Apply) -> list[Contraction]:
    """The square at each element; ‖x‖², and a sum that is no matrix, multiplied out."""
    (x,) = e.arguments
    if is_op(x, np.sqrt):
        return _products(x.arguments[0])
    terms = _products(x)
    if not _fits_a_matrix(terms):
        return _times(terms, [t.copied() for t in terms])
    f = _one_matrix(terms, x)
    return _sole(replace(f, matrix=elementwise(np.square, f.matrix)))


def _divided(e: Apply) -> list[Contraction]:
    a, b = e.arguments
    below = replace(_one_matrix(_products(b), b), below=True)
    return _times(_products(a), _sole(below))


def _matrix_product(e: Apply) -> list[Contraction]:
    a, b = e.arguments
    s = Bound("a sum of products")
    left, right = _products(a, {OWN_COLUMNS: s}), _products(b, {OWN_ROWS: s})
    return _total_over(_times(left, right), s, _size(a, 1))


def _over_own_axes(e: Apply) -> list[Contraction]:
    terms = _products(e.arguments[0])
    for axis in e.static["axis"]:
        terms = _total_over(terms, (OWN_ROWS, OWN_COLUMNS)[axis % 2], _size(e.arguments[0], axis))
    return terms


def _of_trace(e: Apply) -> list[Contraction]:
    (x,) = e.arguments
    return _total_over(_products(x, {OWN_COLUMNS: OWN_ROWS}), OWN_ROWS, _size(x, 0))


def _of_unit_vector(e: Apply) -> list[Contraction]:
    return _sole(Labelled(_delta(e.arguments[0], _size(e, 0), e), (OWN_ROWS, e.arguments[0])))


def _delta(i: Any, n: int, e: Expression) -> Expression:
    """I, for an index that goes over all of it."""
    if isinstance(i, Index) and (i.low, i.count) == (1, n):
        return unit_matrix(n)
    raise NoMatrix(
        f"{TEXT(e)} has no form in matrices: give the numbers that it is a letter, M in "
        "Σ_ij M_ij A_ij"
    )


def _of_relation(e: Apply) -> list[Contraction]:
    """[i = j] and [i ≠ j] of two indices; a relation between values is one of each element."""
    i, j = e.arguments
    if not isinstance(i, Index) and not isinstance(j, Index):
        return _operation_on(e)
    if e.op not in (np.equal, np.not_equal) or not isinstance(i, Index):
        return _sole(Labelled(_delta(None, 0, e), ()))
    unit = Labelled(_delta(j, i.count, e), (i, j)) if i != j else Labelled(number(1), ())
    one = _sole(Labelled(number(1), ()))
    return _sole(unit) if e.op is np.equal else [*one, Contraction(-1, (unit,))]


_EXCHANGED: dict[Label, Label] = {OWN_ROWS: OWN_COLUMNS, OWN_COLUMNS: OWN_ROWS}
_SUMS: dict[Any, Callable[[Apply], list[Contraction]]] = {
    np.add: lambda e: [*_products(e.arguments[0]), *_products(e.arguments[1])],
    np.subtract: lambda e: [*_products(e.arguments[0]), *_minus(e.arguments[1])],
    np.negative: lambda e: _minus(e.arguments[0]),
    np.multiply: lambda e: _times(*map(_products, e.arguments)),
    np.divide: _divided,
    np.square: _square_of,
    np.dot: _matrix_product,
    np.transpose: lambda e: _products(e.arguments[0], _EXCHANGED),
    only: lambda e: _products(e.arguments[0]),
    np.sum: _over_own_axes,
    matrix_trace: _of_trace,
    unit_vector: _of_unit_vector,
    **dict.fromkeys(RELATIONS, _of_relation),
}
