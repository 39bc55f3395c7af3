"""Expressions made shorter: elementwise regions as scalar algebra (SymPy), products by a few laws.

In a region every array is one letter, because the same formula holds at each element. Matrix
products, transposes and sums stay as they are, but for numbers, which move to the front.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np

from autograd_lite import rules
from autograd_lite.algebra.tree import (
    Apply,
    Expression,
    Number,
    Ones,
    Shape,
    Symbol,
    elementwise,
    number,
    product,
    reshaped,
    stretched,
    symbols,
    transposed,
)
from autograd_lite.extras import needed

ARITHMETIC: dict[Any, Callable[..., Any]] = {  # what SymPy, too, has signs for
    np.add: lambda a, b: a + b,
    np.subtract: lambda a, b: a - b,
    np.multiply: lambda a, b: a * b,
    np.divide: lambda a, b: a / b,
    np.negative: lambda a: -a,
    np.square: lambda a: a**2,
}
_LINEAR = (np.sum, np.reshape, np.transpose, rules.getitem, rules.scatter_add)
_MANY = 12  # letters in a region, from which on it is no longer factored


def sympy() -> Any:
    """SymPy, or one line that says how to get it."""
    return needed("sympy", "derivations need SymPy", "derive")


def arithmetic(e: Expression) -> bool:
    """Whether an expression is + − × ÷ or a power of its arguments, element by element."""
    if not isinstance(e, Apply):
        return isinstance(e, Number | Ones)
    if e.op is np.power:
        n = e.arguments[1]
        power: Any = n.value if isinstance(n, Number) else 0.5
        return power == int(power) and abs(power) < 100
    return e.op in ARITHMETIC or repeated(e) is not None


def repeated(e: Expression) -> Expression | None:
    """The expression that this one only repeats or reshapes along axes of length one, if any."""
    if not isinstance(e, Apply):
        return None
    if e.op is np.broadcast_to or (e.op is np.reshape and e.shape.count(1) == len(e.shape)):
        inner: Expression = e.arguments[0]
        return inner
    left: Expression
    right: Expression
    if e.op is np.dot:
        left, right = e.arguments
        if isinstance(right, Ones) and right.shape[0] == 1:
            return left
        if isinstance(left, Ones) and left.shape[1] == 1:
            return right
    return None


def cost(e: Expression) -> int:
    """How many operations are written."""
    if not isinstance(e, Apply):
        return 0
    inside = sum(cost(a) for a in e.arguments)
    if e.op is np.power and isinstance(e.arguments[1], Number):
        n: Any = e.arguments[1].value
        return inside + max(abs(int(n)) - 1, 1)
    return inside + (e.op not in (np.broadcast_to, np.reshape, np.transpose))


class Simplifier:
    """Makes one expression shorter; `conditions` then says what was assumed of the data.

    is_one: for an expression, the condition under which all of its elements are 1, if it was
    verified, otherwise None. inverses: for an expression, another one that it equals.
    """

    def __init__(
        self,
        is_one: Callable[[Expression], Any] = lambda e: None,
        inverses: Mapping[Expression, Expression] | None = None,
    ) -> None:
        self.is_one = is_one
        self.inverses = inverses or {}
        self.conditions: list[Any] = []
        self.done: dict[Expression, Expression] = {}

    def __call__(self, e: Expression) -> Expression:
        if e not in self.done:
            result = self._region(e) if arithmetic(e) else self._structure(e)
            self.done[e] = self.done[result] = result
        return self.done[e]

    def _structure(self, e: Expression) -> Expression:
        if not isinstance(e, Apply):
            return e
        arguments = [self(a) for a in e.arguments]
        coefficient: Any = Fraction(1)
        if e.op in (np.dot, np.matmul, *_LINEAR):
            for k, a in enumerate(arguments[: 1 if e.op in _LINEAR else 2]):
                factor, arguments[k] = split(a)
                coefficient *= factor
        new: Expression
        if e.op is np.dot and any(map(_consists_of_sizes, arguments)):
            return self(scaled(coefficient, elementwise(np.multiply, *arguments)))
        if e.op is np.dot:
            count, new = _chain([*_factors(arguments[0]), *_factors(arguments[1])])
            coefficient *= count
        elif e.op is np.transpose and len(e.shape) == 2:
            new = _transposed(arguments[0])
        else:
            new = Apply(e.op, tuple(arguments), e.shape, e.static, e.mark)
        condition = self.is_one(new)
        if condition:
            self.conditions.append(condition)
            new = Ones(e.shape)
        return scaled(coefficient, new)

    def _region(self, e: Expression) -> Expression:
        letters: dict[Expression, Any] = {}
        written = self._in_sympy(e, letters)
        found = [written]
        for x in [x for x in letters if x in self.inverses]:
            other = self._in_sympy(self.inverses[x], letters)
            found.append(written.subs(letters[x], other))
        shortest = [from_sympy(f, list(letters)) for f in map(_shortest, found) if f is not None]
        return filled(min(shortest, key=cost), e.shape) if shortest else e

    def inverse(self, e: Expression, name: Symbol) -> tuple[Expression, Expression] | None:
        """The one thing without a name in an expression, and what that is by the expression's name.

        A = 1 / (1 + u) gives u and (1 − A) / A. None where there is no such thing, or several.
        """
        letters: dict[Expression, Any] = {}
        written = self._in_sympy(e, letters)
        if len(letters) != 1 or isinstance(next(iter(letters)), Symbol):
            return None
        (x, letter), y = next(iter(letters.items())), letter_of(1)
        top, bottom = sympy().fraction(sympy().together(written))
        equation = sympy().Poly(top - y * bottom, letter)
        if equation.degree() != 1:
            return None
        slope, constant = equation.all_coeffs()
        return x, from_sympy(_shortest(-constant / slope), [x, name])

    def _in_sympy(self, e: Expression, letters: dict[Expression, Any]) -> Any:
        inner = repeated(e)
        if inner is not None:
            return self._in_sympy(inner, letters)
        written = in_sympy(e, lambda part: self._in_sympy(part, letters))
        if written is not None:
            return written
        shorter = self(e) if isinstance(e, Apply) else e
        if shorter is not e and arithmetic(shorter):
            return self._in_sympy(shorter, letters)
        if shorter not in letters:
            letters[shorter] = letter_of(len(letters))
        return letters[shorter]


def in_sympy(e: Expression, part: Callable[[Expression], Any]) -> Any:
    """A constant, or arithmetic on what `part` gives for its arguments; None for anything else."""
    if isinstance(e, Number) and np.isfinite(float(e.value)):
        exact = isinstance(e.value, Fraction)
        return sympy().Rational(*(e.value.as_integer_ratio() if exact else [repr(e.value)]))
    if isinstance(e, Ones):
        return sympy().Integer(1)
    if not isinstance(e, Apply) or not arithmetic(e):
        return None
    if e.op is np.power:
        return part(e.arguments[0]) ** int(e.arguments[1].value)
    return ARITHMETIC[e.op](*map(part, e.arguments)) if e.op in ARITHMETIC else None


# Matrix products


def split(e: Expression) -> tuple[Any, Expression]:
    """The number in front, and the rest."""
    if isinstance(e, Apply) and e.op is np.multiply and isinstance(e.arguments[0], Number):
        rest: Expression = e.arguments[1]
        if rest.shape == e.shape:
            return e.arguments[0].value, rest
    return Fraction(1), e


def scaled(coefficient: Any, e: Expression) -> Expression:
    """An expression with a number in front."""
    return e if coefficient == 1 else elementwise(np.multiply, number(coefficient), e)


def filled(e: Expression, shape: Shape) -> Expression:
    """An expression in this shape, which it had before algebra made it smaller."""
    if e.shape == shape:
        return e
    if isinstance(e, Number):
        return scaled(e.value, Ones(shape))
    if prod(e.shape) == prod(shape):
        return reshaped(e, shape)
    coefficient, e = split(e)
    return scaled(coefficient, stretched(e, shape))


def _consists_of_sizes(e: Expression) -> bool:
    """Whether a matrix is one number, made of letters for sizes: 1/m."""
    inside = symbols(e)
    return e.shape == (1, 1) and bool(inside) and all(s.kind == "size" for s in inside)


def _factors(e: Expression) -> list[Expression]:
    if isinstance(e, Apply) and e.op is np.dot:
        return _factors(e.arguments[0]) + _factors(e.arguments[1])
    return [e]


def _chain(matrices: list[Expression]) -> tuple[int, Expression]:
    """The product of matrices as a number and a rest, as 1ᵀ 1 = n where ones stand side by side."""
    count, chain = 1, [matrices[0]]
    for b in matrices[1:]:
        a = chain[-1]
        if isinstance(a, Ones) and isinstance(b, Ones):
            count *= a.shape[1]
            chain[-1] = Ones((a.shape[0], b.shape[1]))
        elif b != Ones((1, 1)):
            chain.append(b)
    if len(chain) > 1 and chain[0] == Ones((1, 1)):
        del chain[0]
    return count, functools.reduce(product, chain)


def _transposed(e: Expression) -> Expression:
    parts = _factors(e)
    return functools.reduce(product, [transposed(x) for x in reversed(parts)])


# Scalar algebra


@functools.cache
def letter_of(n: int) -> Any:
    """The letter that SymPy has for the n-th expression of a region."""
    return sympy().Symbol(f"x{n}")


@functools.lru_cache(maxsize=10_000)
def forms(e: Any) -> list[Any]:
    """Ways to write a rational expression of letters; none if it is not finite."""
    sp = sympy()
    if e.has(sp.zoo, sp.nan, sp.oo):
        return []
    if len(e.free_symbols) > _MANY:
        return [e]
    cancelled = sp.cancel(e)
    return [sp.factor_terms(cancelled), sp.factor_terms(e), sp.factor(cancelled), e, cancelled]


@functools.lru_cache(maxsize=10_000)
def _shortest(e: Any) -> Any:
    """The form of a rational expression with the fewest operations; None if it is not finite."""
    last = max(map(_index, e.free_symbols), default=0)
    dummies: list[Expression] = [Symbol("value", "", n, ()) for n in range(last + 1)]
    return min(forms(e), key=lambda form: cost(from_sympy(form, dummies)), default=None)


def from_sympy(e: Any, letters: list[Expression]) -> Expression:
    """A rational expression of SymPy's with expressions for its letters, by `letter_of`."""
    if e.is_Symbol:
        return letters[_index(e)]
    if e.is_Rational:
        return number(Fraction(int(e.p), int(e.q)))
    if e.is_Add:
        content, rest = e.primitive()
        plain, factored = _added(e, letters), _added(rest, letters)
        if content == 1 or cost(plain) < cost(factored) + 1:
            return plain
        return scaled(Fraction(int(content.p), int(content.q)), factored)
    return _multiplied(e, letters)


def _index(e: Any) -> int:
    return int(e.name[1:])


def _first(e: Any) -> int:
    return min(map(_index, e.free_symbols), default=-1)


def _added(e: Any, letters: list[Expression]) -> Expression:
    def order(term: Any) -> tuple[Any, ...]:
        return term.could_extract_minus_sign(), _first(term)

    total: Expression | None = None
    for term in sorted(e.args, key=order):
        negative = term.could_extract_minus_sign()
        x = from_sympy(-term if negative else term, letters)
        if total is None:
            total = scaled(-1, x) if negative else x
        else:
            total = elementwise(np.subtract if negative else np.add, total, x)
    assert total is not None
    return total


def _multiplied(e: Any, letters: list[Expression]) -> Expression:
    coefficient, powers = _primitive(e)
    above = _joined([(base, n) for base, n in powers if n > 0], letters)
    below = _joined([(base, -n) for base, n in powers if n < 0], letters)
    value = Fraction(int(coefficient.p), int(coefficient.q))
    if below is None:
        return number(value) if above is None else scaled(value, above)
    if above is None:
        return elementwise(np.divide, number(value), below)
    return scaled(value, elementwise(np.divide, above, below))


def _primitive(e: Any) -> tuple[Any, list[tuple[Any, int]]]:
    """The number in front of a product, and its factors as bases and exponents, numerator first.

    A sum has no common factor left, a constant in it is positive, and −(Y − A) is A − Y.
    """
    coefficient, rest = e.as_coeff_Mul()
    powers: list[tuple[Any, int]] = []
    for factor in rest.as_ordered_factors():
        base, exponent = factor.as_base_exp()
        if base.is_Add:
            content, base = base.primitive()
            if base.as_coeff_Add()[0] < 0:
                content, base = -content, -base
            coefficient *= content**exponent
        powers.append((base, int(exponent)))
    powers.sort(key=lambda power: power[1] < 0)
    if coefficient < 0:
        for k, (base, n) in enumerate(powers):
            if base.is_Add and n % 2 and base.as_coeff_Add()[0] == 0 and _has_minus(base):
                powers[k] = (-base, n)
                return -coefficient, powers
    return coefficient, powers


def _joined(powers: list[tuple[Any, int]], letters: list[Expression]) -> Expression | None:
    """The product of these powers, as a person orders them; None where there are none."""
    joined: Expression | None = None
    for base, n in sorted(powers, key=lambda power: _place(power[0], letters)):
        x = from_sympy(base, letters)
        x = x if n == 1 else elementwise(np.power, x, number(n))
        joined = x if joined is None else elementwise(np.multiply, joined, x)
    return joined


def _has_minus(e: Any) -> bool:
    return any(term.could_extract_minus_sign() for term in e.args)


def _place(base: Any, letters: list[Expression]) -> tuple[int, int]:
    """Where a factor stands: what arrives first, then differences, letters, and 1 − letters."""
    arriving = any(
        s.kind != "value" for x in base.free_symbols for s in symbols(letters[_index(x)])
    )
    if base.is_Symbol:
        group = 0 if arriving else 2
    else:
        group = 3 if arriving or len(base.free_symbols) == 1 else 1
    return group, _first(base)
