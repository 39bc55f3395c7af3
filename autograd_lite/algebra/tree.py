"""Expressions of matrices, as a small tree that does not depend on any tape.

What is printed is what is evaluated: `notation` writes this tree, `evaluation` computes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np

Shape = tuple[int, ...]
AXES = "axes of indices"  # the mark of an operation that makes rows and columns of them


@dataclass(frozen=True)
class Symbol:
    """A letter for what belongs to a step: by kind its `value`, the `gradient` of J by it, …

    flipped: whether it stands for the transpose. properties: what is known of a matrix:
    `symmetric`, `orthogonal`, …
    """

    kind: str
    label: str
    number: int
    shape: Shape
    flipped: bool = False
    properties: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Number:
    """A constant."""

    value: Fraction | float
    shape: Shape = ()


@dataclass(frozen=True)
class Ones:
    """A vector or matrix of ones: a product with it is a sum, or repeats a row or column."""

    shape: Shape


@dataclass(frozen=True)
class Apply:
    """An operation on expressions; `mark` tells apart two that differ in static arguments only."""

    op: Callable[..., Any]
    arguments: tuple[Any, ...]
    shape: Shape
    static: Mapping[str, Any] = field(default_factory=dict, compare=False)
    mark: Any = None


@dataclass(frozen=True)
class Named:
    """An expression that is written as a letter, as σ′(Z) is for 1 − A ∘ A."""

    name: Symbol
    meaning: Expression

    @property
    def shape(self) -> Shape:
        """The shape of the meaning."""
        return self.meaning.shape


@dataclass(frozen=True)
class Index:
    """An index, free or of a sum: its letter, and its values low, low + 1, … on an axis of its own.

    What depends on indices has an axis for each, before the axes of its shape; `axis` is the place
    of this one, counted from the last.
    """

    label: str
    axis: int
    low: int
    count: int
    shape: Shape = ()


@dataclass(frozen=True)
class Element:
    """An element of a matrix, counted from 1; a row or a column, as a column, where one is None."""

    of: Expression
    row: Expression | None
    column: Expression | None
    shape: Shape


@dataclass(frozen=True)
class Total:
    """What `op` (np.sum, np.prod, np.max, np.min) makes of the body's values over an index."""

    op: Callable[..., Any]
    index: Index
    body: Expression
    shape: Shape
    bounds: tuple[Any, Any] = (None, None)  # as they are written


@dataclass(frozen=True)
class Derivative:
    """The derivative of an expression by a letter on the tape.

    at: the row and the column of the one element that it is taken by, if it is; a column or a row
    of them, where one is None. layout: `numerator`, `denominator` or `mixed` (Jacobians as
    numerator, gradients as denominator), which says how the two shapes become one; `full` leaves
    them side by side.
    """

    of: Expression
    wrt: Symbol
    shape: Shape
    at: tuple[Expression | None, Expression | None] = (None, None)
    layout: str = "mixed"


@dataclass(frozen=True)
class Blocks:
    """A matrix written out: rows of numbers, or of matrices that fit together."""

    rows: tuple[tuple[Any, ...], ...]
    shape: Shape


Expression = Symbol | Number | Ones | Apply | Named | Index | Element | Total | Derivative | Blocks
Part = str | Expression  # of a sentence about expressions


@dataclass(frozen=True)
class Quantity:
    """A line of a derivation: a letter, what it equals, a note, and the steps to it."""

    symbol: Symbol
    rhs: Expression
    note: tuple[Part, ...] = ()
    steps: tuple[tuple[Part, ...], ...] = ()


def number(value: Any) -> Number:
    """A Python number, as a fraction where it is one with a small denominator.

    >>> number(0.005).value, number(1e-12).value
    (Fraction(1, 200), 1e-12)
    """
    if isinstance(value, Fraction):
        return Number(value if value.denominator < 10**15 else float(value))
    value = value.item() if isinstance(value, np.ndarray | np.generic) else value
    if isinstance(value, float) and not np.isfinite(value):
        return Number(value)
    fraction = Fraction(value).limit_denominator(100_000)
    return Number(fraction if float(fraction) == float(value) else float(value))


def elementwise(op: Callable[..., Any], *arguments: Expression) -> Apply:
    """An operation on each element, with broadcasting."""
    return Apply(op, arguments, np.broadcast_shapes(*[a.shape for a in arguments]))


def product(a: Expression, b: Expression) -> Expression:
    """The matrix product of two matrices."""
    return Apply(np.dot, (a, b), (a.shape[0], b.shape[1]))


def transposed(a: Expression) -> Expression:
    """The transpose of a matrix."""
    if isinstance(a, Apply) and a.op is np.transpose and len(a.shape) == 2:
        inner: Expression = a.arguments[0]
        return inner
    if isinstance(a, Ones):
        return Ones(a.shape[::-1])
    return Apply(np.transpose, (a,), a.shape[::-1])


def reshaped(a: Expression, shape: Shape) -> Expression:
    """a in another shape. A vector is a column: (1, n) of it is its transpose."""
    if a.shape == shape:
        return a
    if len(a.shape) == 1 and a.shape != (1,) and shape == (1, *a.shape):
        return transposed(reshaped(a, (*a.shape, 1)))
    if len(shape) == 1 and a.shape == (1, *shape):
        a = transposed(a)
    return Apply(np.reshape, (a,), shape, {"shape": shape}, shape)


def stretched(a: Expression, shape: Shape) -> Expression:
    """a, repeated to fill `shape`; a matrix by products with ones, as one writes it."""
    if a.shape == shape:
        return a
    if len(shape) == len(a.shape) == 2 and a.shape != (1, 1):
        if a.shape[0] != shape[0]:
            a = product(Ones((shape[0], 1)), a)
        if a.shape[1] != shape[1]:
            a = product(a, Ones((1, shape[1])))
        return a
    return Apply(np.broadcast_to, (a,), shape, {"shape": shape}, shape)


def summed(a: Expression, axis: tuple[int, ...], shape: Shape) -> Expression:
    """The sum over these axes, which stay with length one; of a matrix by products with ones."""
    if len(a.shape) == 2:
        if 0 in axis and a.shape[0] > 1:
            a = product(Ones((1, a.shape[0])), a)
        if 1 in axis and a.shape[1] > 1:
            a = product(a, Ones((a.shape[1], 1)))
        return a
    return Apply(np.sum, (a,), shape, {"axis": axis, "keepdims": True}, axis)


def as_mask(x: Any) -> Any:
    """Numbers 0 and 1, which masks are in expressions, as a mask again: for an index."""
    return np.asarray(x) != 0


def only(x: Any) -> Any:
    """The number in a matrix of one row and one column."""
    return x[..., 0, 0]


def unit_vector(i: Any, shape: Shape) -> Any:
    """e_i, a column; or a stack of them, one for each value of an index."""
    rows = np.arange(1, (shape or (1,))[0] + 1).reshape(-1, 1)
    return np.equal(rows, np.asarray(i)[..., None, None] if np.ndim(i) else i) * 1.0


def children(e: Expression) -> tuple[Expression, ...]:
    """The expressions that this one consists of."""
    if isinstance(e, Apply):
        return e.arguments
    if isinstance(e, Named):
        return (e.meaning,)
    if isinstance(e, Element):
        return tuple(x for x in (e.of, e.row, e.column) if x is not None)
    if isinstance(e, Total):
        return (e.body,)
    if isinstance(e, Derivative):
        return (e.of, e.wrt, *(x for x in e.at if x is not None))
    return tuple(x for row in e.rows for x in row) if isinstance(e, Blocks) else ()


def rebuilt(e: Expression, new: Sequence[Any]) -> Expression:
    """The same expression with other children."""
    if isinstance(e, Apply):
        return replace(e, arguments=tuple(new))
    if isinstance(e, Named):
        return replace(e, meaning=new[0])
    if isinstance(e, Element):
        rest = iter(new[1:])
        row = None if e.row is None else next(rest)
        return replace(e, of=new[0], row=row, column=None if e.column is None else next(rest))
    if isinstance(e, Total):
        return replace(e, body=new[0])
    if isinstance(e, Derivative):
        at = iter(new[2:])
        places = [None if x is None else next(at) for x in e.at]
        return replace(e, of=new[0], wrt=new[1], at=(places[0], places[1]))
    if isinstance(e, Blocks):
        cells = iter(new)
        return replace(e, rows=tuple(tuple(next(cells) for _ in row) for row in e.rows))
    return e


def all_parts(e: Expression) -> Iterator[Expression]:
    """The expression and all that it consists of, in order of appearance."""
    yield e
    for x in children(e):
        yield from all_parts(x)


def symbols(e: Expression) -> list[Symbol]:
    """Every symbol of an expression, in order of appearance, repeated ones too."""
    return [x for x in all_parts(e) if isinstance(x, Symbol)]


def terms(e: Expression, sign: int = 1) -> list[tuple[int, Expression]]:
    """What is added and subtracted, in order, with its sign."""
    if isinstance(e, Apply) and e.op in (np.add, np.subtract):
        a, b = e.arguments
        return terms(a, sign) + terms(b, sign if e.op is np.add else -sign)
    if isinstance(e, Apply) and e.op is np.negative:
        return terms(e.arguments[0], -sign)
    return [(sign, e)]


def factors(e: Expression) -> tuple[Any, list[Expression], list[Expression]]:
    """What is multiplied: the product of the numbers, and what stands above and below the line."""
    if isinstance(e, Number):
        return e.value, [], []
    if isinstance(e, Apply):
        if e.op is np.negative or (e.op is np.broadcast_to and isinstance(e.arguments[0], Number)):
            coefficient, above, below = factors(e.arguments[0])
            return (-coefficient if e.op is np.negative else coefficient), above, below
        if e.op is np.multiply or e.op is np.divide:
            (c, above, below), (d, more, less) = map(factors, e.arguments)
            if e.op is np.multiply:
                return c * d, above + more, below + less
            if d:
                return c / d, above + less, below + more
        exponent = e.arguments[1] if e.op is np.power else number(2)
        if e.op in (np.square, np.power) and isinstance(exponent, Number):
            n: Any = exponent.value
            if n == int(n) and 0 < abs(n) < 100:
                c, above, below = factors(e.arguments[0])
                above, below = above * abs(int(n)), below * abs(int(n))
                if c or n > 0:
                    return c ** int(n), *((above, below) if n > 0 else (below, above))
    return Fraction(1), [e], []


def without(e: Expression, factor: Expression) -> Expression | None:
    """What is multiplied with this factor; None where it is none, or the only one."""
    coefficient, above, below = factors(e)
    if above.count(factor) != 1 or len(above) + len(below) < 2:
        return None
    above.remove(factor)
    rest: Expression = Number(coefficient)
    for x in above:
        rest = x if rest == Number(Fraction(1)) else elementwise(np.multiply, rest, x)
    for x in below:
        rest = elementwise(np.divide, rest, x)
    return rest


def substituted(e: Expression, new: Callable[[Symbol], Expression | None]) -> Expression:
    """The expression with others in the place of its symbols, where `new` gives one."""
    if isinstance(e, Symbol):
        return new(e) or e
    return rebuilt(e, [substituted(a, new) for a in children(e)])


def replaced(e: Expression, old: Expression, new: Expression) -> Expression:
    """The expression with one of its parts, wherever it occurs, replaced by another."""
    if e == old:
        return new
    return rebuilt(e, [replaced(x, old, new) for x in children(e)]) if children(e) else e


def flipped(e: Expression) -> Expression:
    """The expression for samples as rows where it was for columns: every matrix transposed.

    >>> W = Symbol("value", "W", 0, (4, 2))
    >>> X = Symbol("value", "X", 1, (2, 5))
    >>> e = flipped(product(W, X))
    >>> e.shape, [x.label for x in e.arguments]
    ((5, 4), ['X', 'W'])
    """
    shape = e.shape[::-1]
    if isinstance(e, Symbol):
        return replace(e, shape=shape, flipped=not e.flipped)
    if isinstance(e, Named):
        return Named(replace(e.name, flipped=not e.name.flipped), flipped(e.meaning))
    if isinstance(e, Number):
        return e
    if isinstance(e, Ones):
        return Ones(shape)
    if not isinstance(e, Apply):
        raise ValueError("an expression with indices cannot be written with samples as rows")
    arguments = tuple(map(flipped, e.arguments))
    if e.op is np.dot:
        return product(*arguments[::-1])
    if e.op is np.transpose:
        return transposed(arguments[0])
    static = dict(e.static)
    if "axis" in static and len(e.shape) == 2:
        static["axis"] = tuple(1 - k for k in static["axis"])
    elif e.op in (np.reshape, np.broadcast_to) and e.shape.count(1) == len(e.shape):
        static["shape"] = shape
    elif "axis" in static or e.op in (np.reshape, np.broadcast_to):
        raise ValueError(f"{e.op.__name__} cannot be written with rows and columns exchanged")
    return Apply(e.op, arguments, shape, static, (e.mark, "flipped"))
