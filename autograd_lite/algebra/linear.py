"""Expressions that are linear in a column: the matrix that stands before it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from autograd_lite.algebra.matrices import (
    UNITY,
    ZERO,
    NoMatrix,
    added,
    diagonal,
    divided_by,
    is_by_element,
    is_entry,
    is_op,
    is_sum,
    links,
    multiplied,
    scaled_by,
    times,
    transposition,
    unit_matrix,
)
from autograd_lite.algebra.tree import (
    Apply,
    Expression,
    Symbol,
    number,
    product,
    replaced,
    symbols,
    terms,
)


def pulled_out(e: Expression, v: Symbol) -> Expression:
    """M of an expression that is M v: a column or a scalar in which v occurs once in each term.

    Raises NoMatrix where it is not written so.

    >>> from autograd_lite.algebra.notation import TEXT
    >>> from autograd_lite.algebra.tree import elementwise
    >>> x, v = (Symbol("value", name, 0, (3, 1)) for name in "xv")
    >>> A = Symbol("value", "A", 0, (3, 3))
    >>> TEXT(pulled_out(elementwise(np.multiply, x, product(A, v)), v))
    'diag(x) A'
    """
    if e == ZERO:
        return ZERO
    if not v.shape:
        return replaced(e, v, UNITY)
    if v.shape[0] == 1:  # a row is a column, transposed
        column = replace(v, shape=v.shape[::-1])
        return pulled_out(replaced(e, v, transposition(column)), column)
    if e == v:
        return unit_matrix(v.shape[0])
    if is_sum(e) or is_op(e, np.negative):
        return _by_term(e, lambda x: pulled_out(x, v) if occurs_in(v, x) else ZERO)
    if is_op(e, np.multiply, np.divide):
        a, factor = _with_and_without(e, v)
        return _scaled_rows(factor, pulled_out(a, v), a)
    if is_op(e, np.transpose) and (other := turned(e.arguments[0])) != e:
        return pulled_out(other, v)
    if is_entry(e):
        return pulled_out(e.arguments[0], v)
    if is_op(e, np.dot):
        return _from_product(links(e), v)
    raise NoMatrix(f"{v.label} cannot be taken out")


def occurs_in(v: Symbol, e: Expression) -> bool:
    """Whether an expression depends on a letter."""
    return v in symbols(e)


def _by_term(e: Expression, of: Callable[[Expression], Expression]) -> Expression:
    """The sum of what becomes of each term."""
    return functools.reduce(added, [scaled_by(number(sign), of(x)) for sign, x in terms(e)])


def _with_and_without(e: Apply, v: Symbol) -> tuple[Expression, Expression]:
    """What has v in a product or quotient, and what that is multiplied by."""
    a, b = e.arguments
    if occurs_in(v, b) and is_op(e, np.multiply):
        a, b = b, a
    if occurs_in(v, b):
        raise NoMatrix(f"{v.label} is multiplied by itself, or divides")
    return a, b if is_op(e, np.multiply) else divided_by(UNITY, b)


def _scaled_rows(factor: Expression, m: Expression, a: Expression) -> Expression:
    """factor ∘ (M v) as a matrix times v."""
    if not factor.shape:
        return scaled_by(factor, m)
    if not a.shape:
        return multiplied([factor, m])
    return multiplied([diagonal(factor), m])


def _from_product(chain: list[Expression], v: Symbol) -> Expression:
    at = [k for k, x in enumerate(chain) if occurs_in(v, x)]
    if len(at) != 1:
        raise NoMatrix(f"{v.label} occurs {len(at)} times in a product")
    left, link, right = chain[: at[0]], chain[at[0]], chain[at[0] + 1 :]
    if not right:
        return multiplied([*left, pulled_out(link, v)])
    if link.shape[0] == 1:
        flipped = [transposition(x) for x in reversed(right)]
        return multiplied([*left, *flipped, pulled_out(turned(link), v)])
    if link.shape[1] == 1:  # a column times a scalar
        return scaled_by(multiplied(right), multiplied([*left, pulled_out(link, v)]))
    u = functools.reduce(product, right)
    return multiplied([*left, _applied(link, u, v)])


def _applied(e: Expression, u: Expression, v: Symbol) -> Expression:
    """M of E u = M v, where the matrix E is linear in v."""
    if not occurs_in(v, e):
        return ZERO
    if is_sum(e) or is_op(e, np.negative):
        return _by_term(e, lambda x: _applied(x, u, v))
    if is_op(e, np.diagflat):
        return multiplied([diagonal(u), pulled_out(e.arguments[0], v)])
    if is_op(e, np.transpose) and (other := turned(e.arguments[0])) != e:
        return _applied(other, u, v)
    if is_op(e, np.dot):
        return _from_product([*links(e), u], v)
    if is_op(e, np.multiply, np.divide):
        return _hadamard_applied(*_with_and_without(e, v), u, v)
    raise NoMatrix(f"{v.label} cannot be taken out")


def _hadamard_applied(a: Expression, factor: Expression, u: Expression, v: Symbol) -> Expression:
    """M of (A ∘ F) u = M v, where A is linear in v."""
    if not factor.shape:
        return scaled_by(factor, _applied(a, u, v))
    if not a.shape:
        return multiplied([factor, u, pulled_out(a, v)])
    if not occurs_in(v, a):
        return ZERO
    if is_sum(a) or is_op(a, np.negative):
        return _by_term(a, lambda x: _hadamard_applied(x, factor, u, v))
    if is_op(a, np.multiply, np.divide):
        inner, other = _with_and_without(a, v)
        return _hadamard_applied(inner, times(other, factor), u, v)
    chain = links(a)
    cut = next((k for k, x in enumerate(chain) if x.shape[1] == 1), len(chain))
    if cut + 1 >= len(chain):
        raise NoMatrix(f"{v.label} cannot be taken out")
    column = functools.reduce(product, chain[: cut + 1])
    row = turned(functools.reduce(product, chain[cut + 1 :]))
    if occurs_in(v, column):  # ((v wᵀ) ∘ F) u = v ∘ (F (w ∘ u))
        inside = multiplied([factor, multiplied([diagonal(row), u])])
        return multiplied([diagonal(inside), pulled_out(column, v)])
    return multiplied([diagonal(column), factor, diagonal(u), pulled_out(row, v)])


def turned(e: Expression) -> Expression:
    """The transpose, pushed down to the letters."""
    if is_by_element(e):
        arguments = tuple(turned(a) if a.shape else a for a in e.arguments)
        return Apply(e.op, arguments, e.shape[::-1], e.static, e.mark)
    if is_op(e, np.dot):
        return functools.reduce(product, [turned(x) for x in reversed(links(e))])
    return transposition(e)
