"""Elements, rows and columns, powers and transposes: what scripts after an expression mean."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import numpy as np

from autograd_lite.algebra.notation import RELATIONS
from autograd_lite.algebra.tree import (
    Apply,
    Element,
    Expression,
    Index,
    Number,
    Symbol,
    transposed,
)
from autograd_lite.formula.naming import (
    counted,
    differences,
    digits_apart,
    letter_and_step,
    taken_apart,
)
from autograd_lite.formula.operations import Env, Operations
from autograd_lite.formula.shapes import (
    ONE,
    NotConforming,
    differ,
    is_number,
    is_one,
    is_soft,
    joined,
    matrix_shape,
    same,
    written_shape,
)
from autograd_lite.formula.syntax import (
    Chain,
    Dots,
    Name,
    Num,
    Product,
    Script,
)
from autograd_lite.formula.world import Ambiguous, Undefined


class Indexing(Operations):
    """Reads scripts."""

    def with_scripts(self, e: Expression, scripts: tuple[Script, ...], env: Env) -> Expression:
        lowered: list[Any] = []
        pending: list[Script] = []
        for script in scripts:
            if script.kind == "_" and not script.items:
                raise Undefined(f"_{script.raw} after something that is no name")
            if script.kind == "_":
                lowered += script.items
            else:
                pending.append(script)
        transposes = [s for s in pending if s.kind == "ᵀ"]
        before = scripts.index(transposes[0]) if transposes else len(scripts)
        at_once = [
            x for n, s in enumerate(scripts) if s.kind == "_" and n < before for x in s.items
        ]
        if at_once and len(at_once) == len(lowered) and (len(lowered) < 2 or not transposes):
            e = self.element(e, lowered, env)
            lowered = []
        for script in pending:
            e = self.raised(e, script, env)
        return self.element(e, lowered, env) if lowered else e

    def raised(self, e: Expression, script: Script, env: Env) -> Expression:
        if script.kind == "ᵀ":
            return self.transposed_one(e)
        if script.kind == "′":
            if (
                self.world.plan.conventions.get("′", self.world.plan.conventions.get("'"))
                == "transpose"
            ):
                return self.turned(e)
            raise Undefined("′ after something that is no function (front matter: `′: transpose`)")
        if script.mark == "−ᵀ" or script.raw == "−ᵀ":
            return self.turned(self.inverse(e))
        if not script.items:
            raise Undefined(f"^{script.raw} has no meaning here")
        if script.mark == "(" and not (is_number(e) and isinstance(script.items[0], Num)):
            return self.column(e, script, env)
        if script.mark == "[":
            raise Undefined(f"^[{script.raw}] after something that has no layers")
        return self.power(e, script, env)

    def transposed_one(self, e: Expression) -> Expression:
        if isinstance(e, Number) and e.value == 1:
            return transposed(self(Num(0, 0, Fraction(1), True), Env()))
        return self.turned(e)

    def power(self, e: Expression, script: Script, env: Env) -> Expression:
        exponent = self(script.items[0], env)
        if all(is_soft(d) or is_one(d) for d in matrix_shape(e)) and script.mark != "∘":
            for size in matrix_shape(e):
                joined(size, ONE)
        n = exponent.value if isinstance(exponent, Number) else None
        if is_number(e) or script.mark == "∘":
            return self.of_each(e, exponent, n)
        return self.inverse(e) if n == -1 else self.of_a_square(e, n)

    def of_each(self, e: Expression, exponent: Expression, n: Any) -> Expression:
        """The power of each element."""
        if isinstance(e, Number) and n is not None and n == int(n) and abs(n) < 40 and e.value:
            return Number(e.value ** int(n))
        if not is_number(exponent):
            return Apply(np.power, (e, exponent), exponent.shape)
        return (
            Apply(np.square, (e,), e.shape) if n == 2 else Apply(np.power, (e, exponent), e.shape)
        )

    def of_a_square(self, e: Expression, n: Any) -> Expression:
        """The power of a square matrix; the square of anything else is that of its elements."""
        rows, columns = matrix_shape(e)
        if not same(rows, columns) or n is None or n != int(n) or not 0 < n < 10:
            if n == 2 and not same(rows, columns):
                self.remark(
                    "the square of something that is no square matrix is taken element by element"
                )
                return Apply(np.square, (e,), e.shape)
            raise NotConforming(
                f"a power of {written_shape((rows, columns))}: only square matrices have them"
            )
        result = e
        for _ in range(int(n) - 1):
            result = self.matrix_product(result, e)
        return result

    def column(self, e: Expression, script: Script, env: Env) -> Expression:
        rows, columns = matrix_shape(e)
        samples = rows if self.world.plan.rows else columns
        step = letter_and_step(script.items[0])
        if is_one(columns) and step and self._goes_over(step[0], rows, env):
            return self.element(e, [script.items[0]], env)  # y^{(i)}, where there is one y
        if samples.root.value is None and step and step[0] in self.world.plan.families:
            joined(samples, self.world.size(self.world.plan.extent(step[0], None)[1]))
        if self.world.plan.rows:
            index = self.index(script.items[0], rows, env)
            return self._part(e, index, None, columns)
        index = self.index(script.items[0], columns, env)
        return self._part(e, None, index, rows)

    def _goes_over(self, letter: str, size: Any, env: Env) -> bool:
        """Whether an index is said to go from 1 to this size."""
        if letter in env.axes:
            return str(env.axes[letter].count) == str(size)
        if letter not in self.world.plan.families:
            return False
        return str(self.world.size(self.world.plan.extent(letter, None)[1])) == str(size)

    def _part(self, e: Expression, row: Any, column: Any, size: Any) -> Expression:
        if is_one(size):
            one = Number(Fraction(1))
            return Element(e, row or one, column or one, ())
        return Element(e, row, column, (size, ONE))  # type: ignore[arg-type]

    def without_dots(self, entries: tuple[Any, ...], env: Env) -> tuple[Any, ...]:
        """x_1, x_2, …, x_n: what differs between the entries is counted up."""
        at = [n for n, x in enumerate(entries) if isinstance(x, Dots)]
        if not at:
            return entries
        if len(at) > 1 or not 0 < at[0] < len(entries) - 1:
            raise self.error(DOTS, entries[at[0]])
        before, after = entries[at[0] - 1], entries[at[0] + 1]
        steps = differences(before, after)
        ends = {(a, self.world.end(b, env.letters)) for a, b in steps} if steps else set()
        if len(ends) != 1:
            raise self.error(DOTS, entries[at[0]])
        ((low, high),) = ends
        between = tuple(counted(before, after, n) for n in range(low + 1, high))
        if high < low:
            return entries[: max(1, at[0] - (low - high))]
        last = (counted(before, after, high),) if high > low else ()
        return (*entries[: at[0]], *between, *last, *entries[at[0] + 2 :])

    def element(self, e: Expression, lowered: list[Any], env: Env) -> Expression:
        """W_ij, a_i; of a matrix with one index a row or a column, where the note says which."""
        if len(lowered) == 1 and isinstance(lowered[0], Product):
            lowered = [x for _, x in lowered[0].factors]
        if len(lowered) > 2:
            raise NotConforming(f"{len(lowered)} indices of a matrix")
        rows, columns = matrix_shape(e)
        one = Number(Fraction(1))
        if not any(is_one(x) or is_soft(x) for x in (rows, columns)):
            lowered = [y for x in lowered for y in digits_apart(x)]  # W_12
        if len(lowered) == 2:
            row = self.index(lowered[0], rows, env)
            return Element(e, row, self.index(lowered[1], columns, env), ())
        (item,) = lowered
        letter = label_letter(e) or "it"
        conventions = self.world.plan.conventions
        chosen = conventions.get(f"{letter}_{_text(item)}", conventions.get(f"{letter}_j"))
        if not chosen and (is_one(columns) or is_soft(columns)):
            joined(columns, ONE)
            return Element(e, self.index(item, rows, env), one, ())
        if not chosen and is_one(rows):
            return Element(e, one, self.index(item, columns, env), ())
        chosen = chosen or ("column" if letter in self.world.of_columns else None)
        if chosen == "column":
            return self._part(e, None, self.index(item, columns, env), rows)
        if chosen == "row":
            return self._part(e, self.index(item, rows, env), None, columns)
        raise Ambiguous(
            f"{letter}_{_text(item)} of a matrix {written_shape((rows, columns))} may be a row or "
            f"a column: say which in the front matter, `{letter}_j: column`, or write "
            f"{letter}_{{ij}}"
        )

    def index(self, node: Any, size: Any, env: Env) -> Expression:
        """An index: a number, a letter that is bound, or a new one that goes over all of `size`."""
        if isinstance(node, str):
            node = Name(0, 0, node)
        name = taken_apart(node)
        letter = name.letter if name and not name.indices and not name.operations else None
        if letter and letter not in env.axes and letter not in env.letters:
            n = self.world.number(node, env.letters)
            if n is not None and not self.world.plan.may_be_an_index(letter):
                return Number(Fraction(n))
            if len(letter.rstrip("′")) > 1:
                raise Undefined(f"the index {letter} means nothing here")
            if not env.free:
                raise Undefined(f"the index {letter} is bound nowhere")
            count: Any = size if size is not None else self.world.opened(letter)
            env.axes[letter] = Index(letter, env.next_axis(), 1, count)
            return env.axes[letter]
        if letter and letter in env.axes:
            index = env.axes[letter]
            if size is not None and not self.world.meet(index.count, size) and index.low == 1:
                raise NotConforming(
                    f"{letter} goes to {index.count} and to {size}: {differ(index.count, size)}"
                )
            return index
        return _in_range(self(node, env), size)

    def condition(self, chain: Chain, env: Env) -> Expression:
        """[a > b]: 1 where it holds, otherwise 0."""
        if len(chain.relations) != 1 or chain.relations[0] not in COMPARISONS:
            raise self.error("one comparison in brackets: [z > 0]", chain)
        a, b = (self(x, env) for x in chain.parts)
        return Apply(COMPARISONS[chain.relations[0]], (a, b), self.together(a, b, "="))


COMPARISONS: dict[str, Any] = {text: op for op, (text, _) in RELATIONS.items()}


def _text(node: Any) -> str:
    step = letter_and_step(node)
    if step:
        return step[0] + (f"{step[1]:+d}" if step[1] else "")
    return str(node.value) if isinstance(node, Num) else "i"


DOTS = "… stands between entries that differ in a number alone: x_1, …, x_n"


def _in_range(index: Expression, size: Any) -> Expression:
    """An index, unless it is a number beyond the only element."""
    if isinstance(index, Number) and size is not None and is_one(size) and index.value != 1:
        raise IndexError(f"element {index.value} of one")
    return index


def label_letter(e: Expression) -> str:
    """The letter of a name, without its indices and layers; nothing for another expression."""
    return re.split(r"[_\[]", e.label)[0] if isinstance(e, Symbol) else ""
