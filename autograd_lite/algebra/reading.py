"""From recorded steps to expressions; and the rule that ran at each edge, as a short text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import isinf, prod
from typing import Any

import numpy as np

from autograd_lite import rules
from autograd_lite.algebra.notation import RELATIONS, TIMES, Notation, Style
from autograd_lite.algebra.tree import (
    Apply,
    Expression,
    Number,
    Symbol,
    as_mask,
    elementwise,
    number,
    reshaped,
    stretched,
    summed,
    transposed,
    without,
)
from autograd_lite.graph import Step, Steps

ZERO = number(0)


def is_constant(step: Step) -> bool:
    """Whether a step is written as a number: an array without a name that repeats one."""
    if step.op is not None or step.label or step.tensor.requires_grad or not step.value.size:
        return False
    return bool((step.value == step.value.flat[0]).all())


class Reader:
    """Turns steps into expressions, down to the steps for which `symbol` gives one.

    inactive: what replaces a step that makes no difference, by its number: see `inactive`.
    """

    def __init__(
        self,
        symbol: Callable[[Step], Expression | None],
        inactive: Mapping[int, int | Number] | None = None,
    ) -> None:
        self.symbol = symbol
        self.inactive = inactive or {}
        self.read: dict[int, Expression] = {}
        self.left_out: list[Expression] = []  # what made no difference

    def __call__(self, root: Step) -> Expression:
        """The expression of a step; without recursion, as tapes can be long."""
        stack = [root]
        while stack:
            step = stack[-1]
            if step.number in self.read:
                stack.pop()
                continue
            known = None if step is root else self.symbol(step)
            if known is not None:
                self.read[step.number] = known
                continue
            waiting = [x for x in step.inputs if isinstance(x, Step) and x.number not in self.read]
            if waiting:
                stack.extend(reversed(waiting))
            else:
                self.read[step.number] = self._translated(step)
        return self.read[root.number]

    def _translated(self, step: Step) -> Expression:
        if step.op is None:
            if is_constant(step):
                return stretched(number(step.value.flat[0]), step.shape)
            raise LookupError(f"{step!r} has no letter")
        inputs = [self.read[x.number] if isinstance(x, Step) else number(x) for x in step.inputs]
        if step.op in (rules.getitem, rules.scatter_add):
            inputs[1:] = [_as_index(x, e) for x, e in zip(step.inputs[1:], inputs[1:], strict=True)]
        if step.number in self.inactive:
            kept = self.inactive[step.number]
            self.left_out.append(Apply(step.op, tuple(inputs), step.shape))
            return inputs[kept] if isinstance(kept, int) else kept
        translation = _TRANSLATIONS.get(step.op) or _OF_FAMILIES.get(_path(step.op))
        translated = translation(step, *inputs) if translation else None
        if translated is not None:
            return stretched(translated, step.shape)
        if step.op is np.multiply and ZERO in inputs:
            return ZERO
        if step.op is np.add and ZERO in inputs:
            return stretched(inputs[inputs[0] == ZERO], step.shape)
        return Apply(step.op, tuple(inputs), step.shape, step.static, static_mark(step))


def _as_index(x: Any, e: Expression) -> Expression:
    """The expression of an index: a mask stays one."""
    is_mask = isinstance(x, Step) and x.value.dtype.kind == "b"
    return Apply(as_mask, (e,), e.shape) if is_mask else e


def static_mark(step: Step) -> Any:
    """A value that two steps share if their static arguments are equal; index arrays never are."""
    mark = tuple(sorted(step.static.items()))
    try:
        hash(mark)
    except TypeError:
        return step.number
    return mark


def _mean(step: Step, x: Expression) -> Expression:
    share = number(Fraction(step.value.size, prod(x.shape)))
    return elementwise(np.multiply, share, summed(x, step.static["axis"], step.shape))


def _transpose(step: Step, x: Expression) -> Expression:
    axes = step.static["axes"]
    if axes == (1, 0):
        return transposed(x)
    if axes == tuple(range(len(axes))):
        return x
    return Apply(np.transpose, (x,), step.shape, step.static, axes)


def _inverse(a: Expression) -> Expression:
    if isinstance(a, Apply) and a.op is np.transpose and a.shape == a.arguments[0].shape[::-1]:
        return transposed(_inverse(a.arguments[0]))
    return Apply(np.linalg.inv, (a,), a.shape)


def _cofactors(step: Step, a: Expression) -> Expression | None:
    """det(A) A⁻ᵀ of one matrix, where there is an inverse."""
    if len(step.shape) > 2 or np.linalg.matrix_rank(step.value) < len(step.value):
        return None
    det = Apply(np.linalg.det, (a,), (), mark=())
    return elementwise(np.multiply, det, transposed(_inverse(a)))


def _solve(step: Step, a: Expression, b: Expression) -> Expression:
    product = np.dot if len(step.shape) == 2 else np.matmul
    return Apply(product, (_inverse(a), b), step.shape)


def _where(step: Step, c: Expression, a: Expression, b: Expression) -> Expression:
    values = [x.value if isinstance(x, Step) else x for x in step.inputs[1:]]
    if not all(np.isfinite(v).all() for v in values):  # 0 times these is not 0
        return Apply(np.where, (c, a, b), step.shape)
    chosen, other = elementwise(np.multiply, c, a), elementwise(np.subtract, number(1), c)
    if b == ZERO:
        return chosen
    other = elementwise(np.multiply, other, b)
    return other if a == ZERO else elementwise(np.add, chosen, other)


def _compare(step: Step, a: Expression, b: Expression) -> Expression:
    for x in (a, b):
        if isinstance(x, Number) and isinstance(x.value, float) and isinf(x.value):
            return number(int(step.value.all()))
    return elementwise(step.op, a, b)  # type: ignore[arg-type]


def _or(step: Step, a: Expression, b: Expression) -> Expression:
    both = elementwise(np.multiply, a, b)
    return elementwise(np.subtract, elementwise(np.add, a, b), both)


def _only(step: Step, x: Expression, *at: Expression) -> Expression:
    """The one element of an array, an array of one element, or v[:, None]."""
    index = step.static["index"]
    one = prod(x.shape) == step.value.size == 1
    whole = prod(x.shape) == step.value.size and all(map(_takes_all, index))
    if at or not (one or whole):
        return Apply(step.op, (x, *at), step.shape, step.static, static_mark(step))  # type: ignore[arg-type]
    return reshaped(x, step.shape)


def _takes_all(i: Any) -> bool:
    """Whether an index keeps all of an axis in order, or makes one."""
    return i is None or i is Ellipsis or (isinstance(i, slice) and (i.step or 1) > 0)


def _ldexp(step: Step, x: Expression, n: Expression) -> Expression:
    return elementwise(np.multiply, x, elementwise(np.power, number(2), n))


_TRANSLATIONS: dict[Any, Callable[..., Expression | None]] = {
    rules.identity: lambda step, x: x,
    rules.astype: lambda step, x, *_: x,
    np.positive: lambda step, x: x,
    np.conjugate: lambda step, x: x,
    np.broadcast_to: lambda step, x: x,
    np.reshape: lambda step, x: reshaped(x, step.shape),
    np.sum: lambda step, x: summed(x, step.static["axis"], step.shape),
    np.mean: _mean,
    np.transpose: _transpose,
    np.linalg.inv: lambda step, a: _inverse(a),
    np.linalg.solve: _solve,
    np.where: _where,
    np.ldexp: _ldexp,
    rules.getitem: _only,
    rules.scatter_add: _only,
    np.bitwise_and: lambda step, a, b: elementwise(np.multiply, a, b),
    np.logical_and: lambda step, a, b: elementwise(np.multiply, a, b),
    np.bitwise_or: _or,
    np.logical_or: _or,
    np.invert: lambda step, a: elementwise(np.subtract, number(1), a),
    np.logical_not: lambda step, a: elementwise(np.subtract, number(1), a),
}
# Operations of modules that are loaded late, by their names.
_OF_FAMILIES: dict[str, Callable[..., Expression | None]] = {
    "autograd_lite.functions.linear_algebra.cofactors": _cofactors,
}


def _path(op: Callable[..., Any]) -> str:
    return f"{getattr(op, '__module__', '')}.{op.__name__}"


_TRANSLATIONS.update(dict.fromkeys(RELATIONS, _compare))


# The rule at an edge


_TIGHT = Notation(hadamard=("∘", r" \circ "))  # an edge of a drawing has little room for text


class RuleTexts:
    """The text of the rule that ran at each edge of a recorded graph.

    `texts(step, argument)` is the rule of the forward step for the sake of this argument, None
    where none ran. `g` is the gradient that arrives; `∘ …` stands for g ∘ …. A tensor without a
    name is written out if it is short, or called as in a rule: y the step's value, x (or a, b, …)
    its inputs; or u, v, … if some tensor of the graph has that name.

    >>> import autograd_lite as ag
    >>> from autograd_lite.graph import steps
    >>> X = ag.Tensor(np.ones((2, 3)), name="X")
    >>> W1 = ag.Tensor(np.ones((4, 2)), requires_grad=True, name="W1")
    >>> b1 = ag.Tensor(np.zeros((4, 1)), requires_grad=True, name="b1")
    >>> A1 = np.tanh(W1 @ X + b1).named("A1")
    >>> recorded = steps(np.sum(A1), [W1, b1])
    >>> texts = RuleTexts(recorded)
    >>> texts(recorded.step("A1"), 0)
    '∘ (1 − A1∘A1)'
    >>> add = recorded.step("A1").inputs[0]
    >>> texts(add, 0), texts(add, 1), texts(add.inputs[0], 0), texts(add.inputs[0], 1)
    ('g', 'g 1', 'g Xᵀ', None)
    >>> RuleTexts(recorded, latex=True)(add.inputs[0], 0)
    'g X^{\\\\top}'
    """

    def __init__(self, recorded: Steps, latex: bool = False) -> None:
        self.recorded = recorded
        self.style = Style(latex, _TIGHT)
        self.inactive = inactive(recorded, [[s.value for s in recorded]])
        self.names = {s.label for s in recorded if s.label}

    def __call__(self, step: Step, argument: int) -> str | None:
        e = self.expression(step, argument)
        return None if e is None else self._without_g(e, self._arriving(step))

    def _arriving(self, step: Step) -> Symbol:
        return Symbol("rule", "g", self.recorded.gradients[step.number].number, step.shape)

    def expression(self, step: Step, argument: int) -> Expression | None:
        """The rule as an expression of g and of the letters that the text has."""
        result = self.recorded.contributions.get((step.number, argument))
        if result is None:
            return None
        g = self._arriving(step)
        if result.number == g.number:
            return g
        inputs = [x.number for x in step.inputs if isinstance(x, Step)]
        letters = dict(zip(inputs, "x" if len(inputs) == 1 else "abcdefgh", strict=False))
        letters[step.number] = "y"
        free = (c for c in "uvstpq" if c not in self.names)
        letters = {n: next(free, "·") if c in self.names else c for n, c in letters.items()}

        def symbol(s: Step) -> Expression | None:
            if s.number == g.number:
                return g
            if (s.is_gradient and s.op) or (s.label is None and s.op in RELATIONS):
                return None
            if is_constant(s) or _is_short(s):
                return None
            return Symbol("rule", s.label or letters.get(s.number, "·"), s.number, s.shape)

        return Reader(symbol, self.inactive)(result)

    def _without_g(self, e: Expression, g: Symbol) -> str:
        rest = without(e, g)
        if rest is None or not g.shape:
            return self.style(e)
        return f"{self.style.times.strip()} {self.style.within(rest, TIMES)}"


_WRITTEN_OUT = {np.add, np.subtract, np.multiply, np.divide, np.negative, np.log, np.exp}


def _is_short(s: Step) -> bool:
    """Whether a step is one plain operation on what has a name, as 1 − A, and needs no letter."""
    return (
        s.label is None
        and s.op in _WRITTEN_OUT
        and all(not isinstance(x, Step) or x.label is not None for x in s.inputs)
    )


def inactive(recorded: Steps, points: list[list[Any]]) -> dict[int, int | Number]:
    """What replaces the steps that make no difference at any of these points, by their number.

    A guard against saturation is max, min, clip or a comparison with a constant within 1e-6 of 0 or
    1, or beyond 1e38, which a person would not write: its input (by position) or 1 replaces it, and
    0 a tie that never occurs.
    """
    found: dict[int, int | Number] = {}
    for s in recorded:
        values = [point[s.number] for point in points]
        if s.op is np.equal:
            if not any(v.any() for v in values):
                found[s.number] = ZERO
        elif s.op in RELATIONS:
            if any(map(_guards, s.inputs)) and all(v.all() for v in values):
                found[s.number] = number(1)
        elif s.op in (np.maximum, np.minimum, np.clip):
            x, *bounds = s.inputs
            if not isinstance(x, Step) or not all(map(_guards, bounds)):
                continue
            if all(np.array_equal(p[x.number], v) for p, v in zip(points, values, strict=True)):
                found[s.number] = 0
    return found


def _guards(c: Any) -> bool:
    return not isinstance(c, Step) and (
        0 < abs(c) <= 1e-6 or 0 < abs(1 - c) <= 1e-6 or abs(c) > 1e38
    )
