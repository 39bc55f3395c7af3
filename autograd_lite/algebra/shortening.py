"""The shortest form of an expression of matrices: laws, and a choice among the forms they give.

Laws that always help (an inverse beside its matrix) are applied where a product is built. Where a
law may make a form longer (a common factor, a product multiplied out, σ for exp), both forms are
kept until their length decides.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import combinations
from typing import Any

import numpy as np

from autograd_lite import rules
from autograd_lite.algebra.matrices import (
    UNITY,
    ZERO,
    added,
    along_axes,
    conforming,
    diagonal,
    diagonal_of,
    divided_by,
    entry,
    inverted,
    is_by_element,
    is_entry,
    is_identity,
    is_op,
    is_sum,
    links,
    multiplied,
    ones,
    product_by_element,
    repeats,
    scaled_by,
    shape_in_matrices,
    times,
    trace_of,
    transposed_count,
    transposition,
    unit_matrix,
    unscaled,
)
from autograd_lite.algebra.notation import TEXT
from autograd_lite.algebra.simplification import (
    ARITHMETIC,
    arithmetic,
    forms,
    from_sympy,
    in_sympy,
    letter_of,
    sympy,
)
from autograd_lite.algebra.tree import (
    Apply,
    Expression,
    Number,
    Ones,
    Shape,
    Symbol,
    all_parts,
    elementwise,
    factors,
    number,
    only,
    product,
    replaced,
    terms,
)

_UNITY: Expression = UNITY
MOST_SUMMANDS = 40  # of a product that is multiplied out
BUDGET = 250  # sums for which all groupings are tried; after that, forms are as they come
MOST_NESTED = 40  # expressions within expressions that are made shorter
_TOKEN = re.compile(r"\w+′*|[^\s\w(){}]|(?<=\w)\(")  # brackets count where they call
Term = tuple[Expression, list[Expression]]  # a scalar, and the factors of a product


@functools.lru_cache(maxsize=20_000)
def length(e: Expression) -> int:
    """How many signs, letters and calls are written; grouping brackets are free."""
    return len(_TOKEN.findall(TEXT(e)))


class Shortener:
    """Finds the shortest form of expressions in matrix form.

    is_one: whether all elements of an expression are known to be 1.
    """

    def __init__(self, is_one: Callable[[Expression], bool] = lambda e: False) -> None:
        self.is_one = is_one
        self.done: dict[Expression, Expression] = {}
        self.depth = 0
        self.budget = BUDGET
        self.multiplying = False  # what is multiplied out is not multiplied out again

    def shortest(self, e: Expression) -> Expression:
        """The shortest form found, also with softmax in the place of exp throughout."""
        short = self(e)
        best = short
        for x in dict.fromkeys(all_parts(short)):
            if is_op(x, np.exp) and x.shape:
                best = min([best, self._with_softmax(short, x)], key=length)
        return best

    def _with_softmax(self, e: Expression, x: Apply) -> Expression:
        """The expression with S softmax(z) for x = exp(z), where it has a sum S of x."""
        best = e
        for total in dict.fromkeys(all_parts(e)):
            axis = _sum_axis(total, x)
            if axis is None:
                continue
            letter = Symbol("sum", "S", 0, total.shape)
            softmax = along_axes(rules.softmax_, x.arguments[0], axis)
            rest = replaced(replaced(e, total, letter), x, times(letter, softmax))
            if total.shape not in ((), x.shape):
                continue
            short = replaced(self(rest), letter, total)
            best = min([best, short], key=length)
        return best

    def __call__(self, e: Expression) -> Expression:
        """The shortest form found, of the same shape; or the number 0."""
        if self.depth > MOST_NESTED:
            return e
        if e not in self.done:
            self.depth += 1
            result = self._region(e) if _is_arithmetic(e) else self._structure(e)
            if e.shape and self.is_one(result):
                result = Ones(e.shape)
            result = _in_shape(result, shape_in_matrices(e.shape))
            self.done[e] = self.done[result] = result
            self.depth -= 1
        return self.done[e]

    # Products and functions of matrices

    def _structure(self, e: Expression) -> Expression:
        if not isinstance(e, Apply):
            return e
        if e.op is np.dot:
            return self._product(e)
        arguments = tuple(map(self, e.arguments))
        if ZERO in arguments and e.op in _LAWS:
            return ZERO
        if e.op in _LAWS:
            new: Expression = _LAWS[e.op](*arguments)
        elif is_by_element(e):
            new = _applied_to(Apply(e.op, arguments, e.shape, e.static, e.mark))
        else:
            return Apply(e.op, arguments, e.shape, e.static, e.mark)
        return self(new) if new != e else new

    def _product(self, e: Apply) -> Expression:
        new = multiplied([self(x) for x in links(e)])
        scalar, rest = unscaled(new)
        if scalar != UNITY and not isinstance(scalar, Number):
            return self(new)
        sums = any(is_sum(_unturned(x)) for x in links(rest))
        expanded = self._multiplied_out(new) if sums else None
        diagonals = multiplied([self._as_products(x) if x.shape else x for x in links(new)])
        return min([new, expanded or new, diagonals], key=length)

    def _multiplied_out(self, e: Expression) -> Expression | None:
        expanded = [] if self.multiplying or self.budget <= 0 else list(self._terms(e))
        if not 0 < len(expanded) <= MOST_SUMMANDS:
            return None
        self.multiplying = True
        try:
            return self._collected(self._merged(expanded))
        finally:
            self.multiplying = False

    def _terms(self, e: Expression) -> Iterator[Term]:
        """The terms of an expression when it is multiplied out."""
        for sign, term in terms(e):
            scalar, rest = unscaled(term)
            scalar = scaled_by(number(sign), scalar)
            if is_op(rest, np.transpose):
                for own, chain in self._terms(rest.arguments[0]):
                    yield scaled_by(scalar, own), [transposition(x) for x in chain[::-1]]
            elif is_sum(rest):
                for own, chain in self._terms(rest):
                    yield scaled_by(scalar, own), chain
            elif e.shape and not rest.shape:
                yield scalar, [Ones(e.shape)]
            else:
                yield from self._distributed(scalar, links(rest))

    def _distributed(self, scalar: Expression, chain: list[Expression]) -> list[Term]:
        """A product of sums as a sum of products."""
        done: list[Term] = [(scalar, [])]
        for link in chain:
            parts = list(self._terms(link)) if is_sum(_unturned(link)) else [(UNITY, [link])]
            done = [(scaled_by(s, t), [*c, *d]) for s, c in done for t, d in parts]
            if len(done) > MOST_SUMMANDS:
                break
        return done

    def _merged(self, parts: list[Term]) -> Expression:
        """The sum of scalars times products, equal products once; what is transposed comes last."""
        total: dict[Expression, Expression] = {}
        for scalar, chain in parts:
            own, body = unscaled(multiplied(chain))
            scalar = scaled_by(scalar, own)
            total[body] = added(total[body], scalar) if body in total else scalar
        merged = [scaled_by(self(scalar), body) for body, scalar in total.items()]
        return _sum_in_order(merged)

    # Common factors

    def _collected(self, e: Expression) -> Expression:
        """A sum of products with common factors before or after brackets, where that is shorter."""
        scalar, best = unscaled(e)
        best = self._with_one_diagonal(best)
        while is_sum(best) and self.budget > 0:
            self.budget -= 1
            shorter = min(self._groupings(best), key=length, default=best)
            if shorter is best or length(shorter) > length(best):
                break
            best = shorter  # of one length: the form with brackets, which has fewer terms
        return scaled_by(scalar, best)

    def _with_one_diagonal(self, e: Expression) -> Expression:
        """diag(a + b) for diag(a) + diag(b)."""
        parts = [(number(sign), *unscaled(term)) for sign, term in terms(e)]
        diagonals = [x for x in parts if is_op(x[2], np.diagflat)]
        if len(diagonals) < 2:
            return e
        insides: list[Any] = [x for _, _, x in diagonals]
        columns = [
            scaled_by(a, scaled_by(b, x.arguments[0]))
            for (a, b, _), x in zip(diagonals, insides, strict=True)
        ]
        rest = [scaled_by(a, scaled_by(b, x)) for a, b, x in parts if (a, b, x) not in diagonals]
        one = diagonal(self(functools.reduce(added, columns)))
        return _sum_in_order([one, *rest])

    def _groupings(self, e: Expression) -> Iterator[Expression]:
        """The sum with the factors that two of its terms share taken out."""
        parts: list[Term] = []
        for sign, term in terms(e):
            scalar, rest = unscaled(term)
            parts.append((scaled_by(number(sign), scalar), links(rest)))
        seen = set()
        for (_, a), (_, b) in combinations(parts, 2):
            for last in (False, True):
                k = _common(a, b, last)
                common = tuple(a[len(a) - k :] if last else a[:k])
                if k and (last, common) not in seen:
                    seen.add((last, common))
                    yield self._grouped(parts, list(common), last)

    def _grouped(self, parts: list[Term], common: list[Expression], last: bool) -> Expression:
        k, place = len(common), -1
        inside: list[Expression] = []
        others: list[Expression] = []
        for scalar, chain in parts:
            own, rest = (chain[len(chain) - k :], chain[: len(chain) - k]) if last else (
                chain[:k], chain[k:]
            )  # fmt: skip
            if own != common:
                others.append(scaled_by(scalar, functools.reduce(product, chain)))
                continue
            place = len(others) if place < 0 else place
            side = common[0].shape[0] if last else common[-1].shape[1]
            body = functools.reduce(product, rest) if rest else unit_matrix(side)
            inside.append(scaled_by(scalar, body))
        bracket = self(_sum_in_order(inside))
        grouped = multiplied([bracket, *common] if last else [*common, bracket])
        others.insert(place, grouped)
        return functools.reduce(added, others)

    # Regions of scalar algebra

    def _region(self, e: Expression) -> Expression:
        letters: dict[Expression, Any] = {}
        written = self._in_sympy(e, letters)
        ways = [written]
        for x in list(letters):
            ways += self._other_letters(x, written, letters)
        names = list(letters)
        found = [_conform(from_sympy(form, names), e.shape) for way in ways for form in forms(way)]
        best = min(found, key=length, default=e)
        return min([*self._rewritten(best), best], key=length)

    def _rewritten(self, e: Expression) -> Iterator[Expression]:
        """Other forms of a region: collected, multiplied out, transposed."""
        e = self._as_products(e)
        yield self._collected(e)
        yield _with_a_minus_inside(e)
        if is_by_element(e):
            turned = transposition(e)
            yield Apply(np.transpose, (turned,), e.shape) if e.shape else e
        if any(is_sum(_unturned(x)) for _, term in terms(e) for x in links(unscaled(term)[1])):
            yield self._multiplied_out(e) or e

    def _as_products(self, e: Expression) -> Expression:
        """diag(v) A for v 1ᵀ ∘ A, in each term of a sum."""
        parts = (scaled_by(number(sign), self._term_as_product(x)) for sign, x in terms(e))
        return _sum_in_order(parts)

    def _term_as_product(self, e: Expression) -> Expression:
        """A term without v 1ᵀ and 1 wᵀ as elementwise factors, and without A ∘ I."""
        scalar, body = unscaled(e)
        coefficient, above, below = factors(body)
        above = [self._collected(self._as_products(x)) if is_sum(x) else x for x in above]
        scalar = scaled_by(number(coefficient), scalar)
        if any(map(is_identity, above)) and len(above) > 1:  # A ∘ I = diag(diag(A))
            others = (x for x in above if not is_identity(x))
            matrix = functools.reduce(divided_by, below, functools.reduce(times, others, _UNITY))
            column = self(Apply(diagonal_of, (matrix,), (e.shape[0], 1)))
            return scaled_by(scalar, diagonal(column))
        if not any(_side(x) is not None for x in (*above, *below)):
            return scaled_by(scalar, above[0]) if len(above) == 1 and not below else e
        left = right = rest = _UNITY
        for x, op in [*((x, times) for x in above), *((x, divided_by) for x in below)]:
            side = _side(x)
            if side is None:
                rest = op(rest, x)
            elif side[0]:
                left = op(left, side[1])
            else:
                right = op(right, side[1])
        return scaled_by(scalar, self._between(left, rest, right, e.shape))

    def _between(self, v: Expression, e: Expression, w: Expression, shape: Shape) -> Expression:
        """diag(v) E diag(w), or v wᵀ where E is 1."""
        rows, columns = shape
        if isinstance(e, Number):
            column = Ones((rows, 1)) if v == UNITY else self(v)
            row = Ones((columns, 1)) if w == UNITY else self(w)
            return scaled_by(e, multiplied([column, transposition(row)]))
        left = [] if v == UNITY else [diagonal(self(v))]
        right = [] if w == UNITY else [diagonal(self(w))]
        return multiplied([*left, e, *right])

    def _other_letters(
        self, x: Expression, written: Any, letters: dict[Expression, Any]
    ) -> Iterator[Any]:
        """The region with another letter in the place of one: σ or softmax for exp, …"""
        if not isinstance(x, Apply) or not x.arguments:
            return
        u, letter = x.arguments[0], letters[x]
        if is_op(x, np.absolute):  # |u| = sign(u) u
            sign = self._letter(elementwise(np.sign, u), letters)
            yield written.subs(letter, sign * self._in_sympy(u, letters))
        elif is_op(x, np.greater):
            yield _with_one_step(x, written, letters)
        elif is_op(x, *_QUOTIENTS):  # sinh(u) = tanh(u) cosh(u)
            a, b = (self._letter(elementwise(op, u), letters) for op in _QUOTIENTS[x.op])
            yield written.subs(letter, a * b)
        elif is_op(x, rules.sigmoid):
            minus = self(elementwise(np.negative, u))
            other = self._letter(elementwise(rules.sigmoid, minus), letters)
            yield written.subs(letter, 1 - other)
        elif is_op(x, np.exp):
            yield from self._with_sigmoid(u, letter, written, letters)
            for y in list(letters) if x.shape else []:
                axis = _sum_axis(y, x)
                if axis is not None:
                    p = self._letter(along_axes(rules.softmax_, u, axis), letters)
                    yield written.subs(letter, p * letters[y])

    def _with_sigmoid(
        self, u: Expression, letter: Any, written: Any, letters: dict[Expression, Any]
    ) -> Iterator[Any]:
        """The region with σ(u) or σ(−u) for exp(u), if it has one of them or 1 + exp(u) below."""
        opposite = self(elementwise(np.negative, u))
        plus, minus = (elementwise(rules.sigmoid, v) for v in (u, opposite))
        present = {v for v in (plus, minus) if v in letters and written.has(letters[v])}
        bottom = sympy().fraction(sympy().together(written))[1]
        if present or (bottom.has(letter) and bottom.subs(letter, -1) == 0):
            for v in present or (plus, minus):
                s = self._letter(v, letters)
                yield written.subs(letter, s / (1 - s) if v == plus else (1 - s) / s)

    def _letter(self, e: Expression, letters: dict[Expression, Any]) -> Any:
        return letters.setdefault(e, letter_of(len(letters)))

    def _in_sympy(self, e: Expression, letters: dict[Expression, Any]) -> Any:
        written = in_sympy(e, lambda part: self._in_sympy(part, letters))
        if written is not None:
            return written
        shorter = self(e) if isinstance(e, Apply) else e
        if shorter is not e and (_is_arithmetic(shorter) or not isinstance(shorter, Apply)):
            return self._in_sympy(shorter, letters)
        if is_op(shorter, np.dot):
            return self._chain_in_sympy(links(shorter), letters)
        if is_op(shorter, np.exp, rules.sigmoid):
            u = shorter.arguments[0]
            minus = elementwise(shorter.op, self(elementwise(np.negative, u)))
            if is_op(shorter, np.exp) and minus in letters:  # exp(−u) = 1 / exp(u)
                return 1 / letters[minus]
            if is_op(shorter, rules.sigmoid) and _minus_in_front(u):  # σ(−u) = 1 − σ(u)
                return 1 - self._letter(minus, letters)
        return self._letter(shorter, letters)

    def _chain_in_sympy(self, chain: list[Expression], letters: dict[Expression, Any]) -> Any:
        """A product; diag(v) A is (v 1ᵀ) ∘ A."""
        first, last = chain[0], chain[-1]
        rows, columns = first.shape[0], last.shape[1]
        scale = sympy().Integer(1)
        if is_op(first, np.diagflat):
            column = product(first.arguments[0], Ones((1, columns)))
            scale, chain = scale * self._letter(column, letters), chain[1:]
        if is_op(last, np.diagflat) and chain:
            row = product(Ones((rows, 1)), transposition(last.arguments[0]))
            scale, chain = scale * self._letter(row, letters), chain[:-1]
        if not chain:
            return scale
        rest = functools.reduce(product, chain)
        side = _side(rest)
        if side is not None and _is_arithmetic(side[1]):
            return scale * self._repeated_in_sympy(side, rest.shape, letters)
        if len(chain) == 1 and _is_arithmetic(rest):
            return scale * self._in_sympy(rest, letters)
        return scale * self._letter(rest, letters)

    def _repeated_in_sympy(
        self, side: tuple[bool, Expression], shape: Shape, letters: dict[Expression, Any]
    ) -> Any:
        """f(v) 1ᵀ as f(v 1ᵀ), and likewise for rows."""
        inner: dict[Expression, Any] = {}
        written = self._in_sympy(side[1], inner)
        back = {}
        for x, letter in inner.items():
            column = [x if x.shape else repeats(x, side[1].shape)]
            chain = [*column, Ones((1, shape[1]))]
            if not side[0]:
                chain = [Ones((shape[0], 1)), transposition(column[0])]
            back[letter] = self._letter(x if not x.shape else multiplied(chain), letters)
        return written.subs(back, simultaneous=True)


_QUOTIENTS: dict[Any, tuple[Any, Any]] = {np.sinh: (np.tanh, np.cosh), np.sin: (np.tan, np.cos)}


def _is_arithmetic(e: Expression) -> bool:
    """Whether an expression is + − × ÷ or a power, element by element."""
    return isinstance(e, Number | Ones) or (is_op(e, *ARITHMETIC, np.power) and arithmetic(e))


def _with_a_minus_inside(e: Expression) -> Expression:
    """a (c − b) for −a (b − c)."""
    coefficient, above, below = factors(e)
    k = next((k for k, x in enumerate(above) if is_op(x, np.subtract)), None)
    if coefficient >= 0 or k is None:
        return e
    parts = [scaled_by(number(-sign), x) for sign, x in terms(above[k])]
    above[k] = _sum_in_order(parts)
    body = functools.reduce(divided_by, below, functools.reduce(times, above))
    return scaled_by(number(-coefficient), body)


def _unturned(e: Expression) -> Expression:
    """What is transposed, where that is written."""
    return e.arguments[0] if is_op(e, np.transpose) else e


def _minus_in_front(e: Expression) -> bool:
    """Whether a minus stands in front."""
    coefficient, *_ = factors(e)
    return bool(coefficient < 0)


def _sum_in_order(parts: Iterable[Expression]) -> Expression:
    """Their sum, as a person orders it."""
    return functools.reduce(added, sorted(parts, key=_place_in_sum))


def _place_in_sum(term: Expression) -> tuple[bool, int]:
    """Which terms of a sum come first: those without a minus, those less transposed."""
    scalar, rest = unscaled(term)
    negative = isinstance(scalar, Number) and scalar.value < 0
    return negative, sum(is_op(x, np.transpose) for x in links(rest))


def _side(e: Expression) -> tuple[bool, Expression] | None:
    """v of v 1ᵀ, with True; v of 1 vᵀ, with False; also where they are added or multiplied."""
    chain = links(e)
    if len(chain) > 1 and isinstance(chain[-1], Ones) and chain[-1].shape[0] == 1:
        return True, functools.reduce(product, chain[:-1])
    if len(chain) > 1 and isinstance(chain[0], Ones) and chain[0].shape[1] == 1:
        return False, transposition(functools.reduce(product, chain[1:]))
    if not is_by_element(e):
        return None
    arguments = e.arguments
    sides = [None if not a.shape else _side(a) for a in arguments]
    kinds = {None if s is None else s[0] for a, s in zip(arguments, sides, strict=True) if a.shape}
    if len(kinds) != 1 or None in kinds:
        return None
    inner = [a if s is None else s[1] for a, s in zip(arguments, sides, strict=True)]
    return kinds.pop() is True, elementwise(e.op, *inner)


def _with_one_step(x: Apply, written: Any, letters: dict[Expression, Any]) -> Any:
    """[u > 0]² = [u > 0], and [u > 0] max(0, u) = max(0, u)."""
    u, low = x.arguments
    step = letters[x]
    shorter = written.replace(
        lambda e: e.is_Pow and e.base == step and e.exp.is_positive, lambda e: step
    )
    same = {elementwise(np.maximum, low, u), elementwise(np.maximum, u, low)}
    same |= {elementwise(rules.relu, u)} if low == ZERO else set()
    for y in same & {*letters}:
        shorter = shorter.subs(step * letters[y], letters[y])
    return shorter


def _sum_axis(e: Expression, x: Expression) -> tuple[int, ...] | None:
    """Along which axis x is summed to give e, if that is what e is."""
    chain = links(e.arguments[0] if is_entry(e) else e)
    if chain.count(x) != 1 or not all(isinstance(y, Ones) or y == x for y in chain):
        return None
    at = chain.index(x)
    return (1,) if len(chain) - at > at + 1 else (0,)


def _common(a: list[Expression], b: list[Expression], last: bool) -> int:
    """How many factors two products share at their beginning, or at their end."""
    k = 0
    for x, y in zip(a[::-1] if last else a, b[::-1] if last else b, strict=False):
        if x != y:
            break
        k += 1
    return k


def _conform(e: Expression, shape: Shape) -> Expression:
    """What comes back from scalar algebra, in matrix form again."""
    if isinstance(e, Apply) and _is_arithmetic(e) and e.shape:
        arguments = [_conform(a, e.shape) if a.shape else a for a in e.arguments]
        has_identity = any(is_identity(unscaled(term)[1]) for _, term in terms(e))
        if is_sum(e) and (has_identity or not all(a.shape or a in _PLAIN for a in arguments)):
            arguments = [a if a.shape else scaled_by(a, ones(e.shape)) for a in arguments]
        e = conforming(Apply(e.op, tuple(arguments), e.shape, e.static, e.mark))
    return _in_shape(e, shape)


_PLAIN = {UNITY, number(-1)}  # in a sum of matrices, 1 is written for a matrix of ones


def _in_shape(e: Expression, shape: Shape) -> Expression:
    return e if e == ZERO or e.shape == shape else repeats(e, shape)


def _applied_to(e: Apply) -> Expression:
    """A function of each element: transposes and ones move out of it."""
    arguments = tuple(map(_without_ones, e.arguments))
    e = Apply(e.op, arguments, np.broadcast_shapes(*[a.shape for a in arguments]), e.static, e.mark)
    matrices = [a for a in arguments if a.shape]
    if matrices and all(is_op(a, np.transpose) for a in matrices):
        inner = tuple(transposition(a) if a.shape else a for a in e.arguments)
        return Apply(np.transpose, (Apply(e.op, inner, e.shape[::-1], e.static, e.mark),), e.shape)
    if len(e.arguments) == 1:
        (x,) = e.arguments
        if is_op(x, _INVERSE_FUNCTIONS.get(e.op)):
            return x.arguments[0]
        if e.op is np.sqrt and (inside := _squared(x)) is not None:
            return along_axes(np.linalg.norm, inside, None)
        if is_op(x, rules.log_softmax_) and e.op is np.exp:
            return along_axes(rules.softmax_, x.arguments[0], x.static["axis"])
        if e.op is np.exp:
            return _softmax(x) or e
        side = _side(x)
        if side is not None:
            inside = Apply(e.op, (side[1],), side[1].shape)
            if side[0]:
                return multiplied([inside, Ones((1, e.shape[1]))])
            return multiplied([Ones((e.shape[0], 1)), transposition(inside)])
    return e


def _squared(e: Expression) -> Expression | None:
    """v of vᵀ v, or A of tr(Aᵀ A)."""
    chain = links(e.arguments[0]) if is_entry(e) or is_op(e, np.trace) else []
    half = len(chain) // 2
    first, second = chain[:half], chain[half:]
    if not chain or first != [transposition(x) for x in reversed(second)]:
        return None
    same = is_entry(e) or transposed_count(second) <= transposed_count(first)
    return functools.reduce(product, second if same else first)


def _without_ones(e: Expression) -> Expression:
    """The scalar that a matrix has everywhere."""
    scalar, rest = unscaled(e)
    return scalar if isinstance(rest, Ones) else e


def _softmax(x: Expression) -> Expression | None:
    """exp(z − log Σ exp(z)) is softmax(z)."""
    for sign, part in terms(x):
        scalar, rest = unscaled(part)
        inner: Any = next((y for y in (scalar, *links(rest)) if _is_logsumexp(y)), None)
        if sign == -1 and inner is not None:
            whole: Apply = inner.arguments[0] if is_entry(inner) else inner
            z: Expression = whole.arguments[0]
            if x == elementwise(np.subtract, z, part):
                return along_axes(rules.softmax_, z, whole.static["axis"])
    return None


def _is_logsumexp(e: Expression) -> bool:
    return is_op(e, rules.logsumexp_) or (is_entry(e) and _is_logsumexp(e.arguments[0]))


_INVERSE_FUNCTIONS: dict[Any, Any] = {np.exp: np.log, np.log: np.exp}


def _determinant(x: Expression) -> Expression:
    scalar, rest = unscaled(x)
    if scalar != UNITY:
        n = number(x.shape[0])
        return times(elementwise(np.power, scalar, n), _determinant(rest))
    if is_op(x, np.transpose):
        return _determinant(transposition(x))
    if is_op(x, np.linalg.inv):
        return divided_by(UNITY, _determinant(inverted(x)))
    return UNITY if is_identity(x) else Apply(np.linalg.det, (x,), ())


def _trace(x: Expression) -> Expression:
    if is_sum(x):
        a, b = map(_trace, x.arguments)
        return Apply(x.op, (a, b), ())
    return trace_of(x)


def _diagonal_of(x: Expression) -> Expression:
    """diag(A), the same for Aᵀ."""
    scalar, rest = unscaled(x)
    if is_op(rest, np.diagflat):
        return scaled_by(scalar, rest.arguments[0])
    if is_identity(rest):
        return scaled_by(scalar, Ones((x.shape[0], 1)))
    chain = links(rest)
    cut = next((k for k, link in enumerate(chain) if link.shape[1] == 1), len(chain))
    if cut + 1 < len(chain):  # diag(a bᵀ) = a ∘ b
        column, row = (
            functools.reduce(product, part) for part in (chain[: cut + 1], chain[cut + 1 :])
        )
        return scaled_by(scalar, product_by_element(column, transposition(row)))
    turned = transposition(rest)
    rest = min([rest, turned], key=lambda e: sum(is_op(link, np.transpose) for link in links(e)))
    return scaled_by(scalar, Apply(diagonal_of, (rest,), (x.shape[0], 1)))


_LAWS: dict[Any, Callable[..., Expression]] = {
    np.transpose: transposition,
    np.linalg.inv: inverted,
    np.linalg.det: _determinant,
    np.trace: _trace,
    only: entry,
    np.diagflat: diagonal,
    diagonal_of: _diagonal_of,
}
