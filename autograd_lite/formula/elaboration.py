"""From syntax to expressions with shapes, in one drawing of a note.

Juxtaposition is the matrix product, or a product with a number; what does not fit raises
NotConforming, a name without meaning Undefined, and what can be read in two ways Ambiguous.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from autograd_lite.algebra.tree import (
    Apply,
    Blocks,
    Derivative,
    Element,
    Expression,
    Index,
    Number,
    Ones,
    Symbol,
    Total,
    children,
    substituted,
    symbols,
)
from autograd_lite.formula.evidence import COSTS_AND_LOSSES, called_with_an_index
from autograd_lite.formula.functions import Functions
from autograd_lite.formula.indexing import DOTS
from autograd_lite.formula.naming import Key, NameParts, letter_and_step, taken_apart
from autograd_lite.formula.operations import Env
from autograd_lite.formula.shapes import (
    ONE,
    NotConforming,
    Size,
    is_number,
    is_one,
    is_soft,
    joined,
    matrix_shape,
    same,
)
from autograd_lite.formula.syntax import (
    BigOperator,
    Bracket,
    Call,
    Chain,
    Differential,
    Differentiation,
    Dots,
    Grid,
    Name,
    Num,
    Prefixed,
    Product,
    Quotient,
    Scripted,
    Sum,
    nodes,
    words,
)
from autograd_lite.formula.vocabulary import (
    ELEMENTWISE,
    diag,
)
from autograd_lite.formula.world import Undefined

MOST_NAMES_WITHIN_A_STEP = 1000  # where each is written out in each place


class Elaborator(Functions):
    """Reads syntax with the names and sizes of one world."""

    def __call__(self, node: Any, env: Env) -> Expression:
        return _READERS[type(node)](self, node, env)

    def number(self, node: Num, env: Env) -> Expression:
        if node.bold:
            size = self.world.opened("length of ones")
            return self.repeated(node, Ones((size, ONE)))  # type: ignore[arg-type]
        return Number(node.value)

    def repeated(self, node: Num, ones: Expression) -> Expression:
        """A vector or matrix of one number."""
        return ones if node.value == 1 else self.scaled(Number(node.value), ones)

    def total(self, node: Sum, env: Env) -> Expression:
        if any(isinstance(x, Dots) for _, x in node.terms):
            node = replace(node, terms=self.series(node, env))
        sign, first = node.terms[0]
        e = self(first, env)
        if sign < 0:
            e = Number(-e.value) if isinstance(e, Number) else Apply(np.negative, (e,), e.shape)
        for sign, term in node.terms[1:]:
            x = self(term, env)
            shape = self.together(e, x, "+" if sign > 0 else "−")
            e = Apply(np.add if sign > 0 else np.subtract, (e, x), shape)
        return e

    def series(self, node: Sum, env: Env) -> tuple[tuple[int, Any], ...]:
        """x_1 + … + x_n, written out; every sign after the first is that before the dots."""
        first, *others = (sign for sign, _ in node.terms)
        if len(set(others)) > 1:
            raise self.error("one sign stands before … and after it", node)
        parts = self.without_dots(tuple(x for _, x in node.terms), env)
        return ((first, parts[0]), *((others[0], x) for x in parts[1:]))

    def product(self, node: Product, env: Env) -> Expression:
        if any(isinstance(x, Dots) for _, x in node.factors):
            parts = self.without_dots(tuple(x for _, x in node.factors), env)
            sign = node.factors[-1][0]
            node = replace(node, factors=tuple((sign, x) for x in parts))
        node = replace(node, factors=tuple(self.spread(node.factors, env)))
        signs = {sign for sign, _ in node.factors[1:]}
        e = self._ones_or(node.factors[0][1], env, None)
        mixed = False
        for n, (sign, factor) in enumerate(node.factors[1:]):
            x = self._ones_or(factor, env, e if sign in ("", "·", "×", "@") else None)
            before = e
            e = self.multiply(sign, e, x)
            mixed = mixed or (n > 0 and not is_number(before) and not is_number(x))
        if mixed and signs & {"∘", "⊙", "*"} and signs & {"", "·", "×", "@"}:
            self.remark("∘ and matrix products are read from left to right")
        return e

    def spread(self, factors: Any, env: Env) -> Iterator[tuple[str, Any]]:
        """The factors, with X (a) as two of them where X has a value."""
        for n, (sign, factor) in enumerate(factors):
            if _is_one(factor) and n + 1 < len(factors) and _is_row_of_ones(factors[n + 1][1]):
                factor = replace(factor, bold=True)  # 1 1ᵀ is a matrix
            parts = self.as_product(factor, env)
            if parts is None:
                yield sign, factor
            else:
                (_, first), second = parts.factors
                yield sign, first
                yield second

    def _ones_or(self, node: Any, env: Env, left: Expression | None) -> Expression:
        """A factor; a 1 after a matrix is a column of ones."""
        plain = isinstance(node, Num) and node.value == 1 and not node.bold
        if plain and left is not None and not is_number(left):
            _, columns = matrix_shape(left)
            if not is_one(columns):
                return Ones((columns, ONE))  # type: ignore[arg-type]
        return self(node, env)

    def quotient(self, node: Quotient, env: Env) -> Expression:
        return self.divided(self(node.above, env), self(node.below, env))

    def bracket(self, node: Bracket, env: Env) -> Expression:
        if node.kind == "√":
            x = self(node.parts[0], env)
            return Apply(np.sqrt, (x,), x.shape)
        if node.kind == "|":
            x = self(node.parts[0], env)
            return Apply(np.absolute, (x,), x.shape)
        if node.kind == "‖":
            return self.norm(self(node.parts[0], env))
        if node.kind == "⟨":
            if len(node.parts) != 2:
                raise self.error("⟨x, y⟩ has two parts", node)
            a, b = (self(x, env) for x in node.parts)
            if is_one(matrix_shape(a)[1]) and is_one(matrix_shape(b)[1]):
                return self.inner(a, b)
            return self.sum_all(Apply(np.multiply, (a, b), self.together(a, b, "∘")))
        if len(node.parts) == 1:
            (part,) = node.parts
            if isinstance(part, Chain):
                return self.condition(part, env)
            return self(part, env)
        return self.entries(
            tuple((x,) for x in node.parts) if node.kind == "(" else (node.parts,), env
        )

    def grid(self, node: Grid, env: Env) -> Expression:
        if node.kind == "cases":
            return self.cases(node, env)
        return self.entries(node.rows, env)

    def cases(self, node: Grid, env: Env) -> Expression:
        """Conditions in turn; the last may be `otherwise`."""
        result: Expression | None = None
        for row in reversed(node.rows):
            value = self(row[0], env)
            last = len(row) < 2 or (isinstance(row[1], Name) and row[1].text == "otherwise")
            if result is None and last:
                result = value
                continue
            condition = row[1] if len(row) > 1 else None
            if isinstance(condition, Bracket) and len(condition.parts) == 1:
                condition = condition.parts[0]
            if not isinstance(condition, Chain):
                raise self.error("a case needs its condition: x, z > 0", row[0])
            holds = self.condition(condition, env)
            other = result if result is not None else Number(Fraction(0))
            shape = self.together(value, other, "∘")
            whole = Apply(np.multiply, (holds, value), shape)
            shape = self.together(holds, whole, "∘")
            arguments = (_truth(holds), value, other)
            result = Apply(np.where, arguments, shape)
        if result is None:
            raise self.error("cases without a case", node)
        return result

    def entries(self, rows: tuple[tuple[Any, ...], ...], env: Env) -> Expression:
        """A matrix from its entries, which may be matrices themselves."""
        rows = self.written_out(rows, env)
        cells = tuple(tuple(self(x, env) for x in row) for row in rows)
        for size in (size for row in cells for x in row for size in matrix_shape(x)):
            if is_soft(size):
                joined(size, ONE)  # letters in a matrix are numbers
        heights, widths = [], []
        for row in cells:
            for x in row[1:]:
                if not joined(matrix_shape(x)[0], matrix_shape(row[0])[0]):
                    raise NotConforming("the entries of a row are not equally high")
            heights.append(matrix_shape(row[0])[0])
            widths.append([matrix_shape(x)[1] for x in row])
        if any(len(row) != len(widths[0]) for row in widths):
            raise NotConforming("the rows of a matrix are not equally long")
        for sizes in widths[1:]:
            if not all(map(joined, sizes, widths[0])):
                raise NotConforming("the entries of a column are not equally wide")
        shape: Any = (self.added(heights), self.added(widths[0]))
        return Blocks(cells, shape) if shape != (ONE, ONE) else cells[0][0]

    def written_out(
        self, rows: tuple[tuple[Any, ...], ...], env: Env
    ) -> tuple[tuple[Any, ...], ...]:
        """The rows with what an ellipsis stands for, between the entries around it."""
        whole = [bool(row) and all(isinstance(x, Dots) for x in row) for row in rows]
        rows = tuple(
            row if only_dots else self.without_dots(row, env)
            for row, only_dots in zip(rows, whole, strict=True)
        )
        if any(whole):
            marked = tuple(row[0] if dots else row for row, dots in zip(rows, whole, strict=True))
            rows = self.without_dots(marked, env)
        return rows

    def misplaced(self, node: Any, env: Env) -> Expression:
        what = "a relation" if isinstance(node, Chain) else "∂ without what it is divided by"
        raise self.error(f"{what} stands where a value should", node)

    def dots(self, node: Dots, env: Env) -> Expression:
        raise self.error(DOTS, node)

    def name(self, node: Name | Scripted, env: Env) -> Expression:
        """A letter with its scripts, or scripts after anything else."""
        found = taken_apart(node)
        if found is None:
            base, scripts = node.base, node.scripts  # type: ignore[union-attr]
            if isinstance(base, Num) and scripts[0].kind == "_":  # 1_{1×m}
                constant = self.repeated(base, self.ones(list(scripts[0].items), env))
                return self.with_scripts(constant, scripts[1:], env)
            if isinstance(base, Call) and (parts := self.as_product(node, env)) is not None:
                return self(parts, env)
            if (letter := called_with_an_index(node)) in self.world.plan.names_of_softmax:
                self.remark(f"{letter}(…)_i is read as softmax")
                base = replace(base, function=Name(base.start, base.start, "softmax"))
            if isinstance(base, Bracket) and base.kind == "‖" and scripts[0].kind == "_":
                kind = scripts[0].raw.removeprefix("_")
                norm = self.norm_of_kind(self(base.parts[0], env), kind, node)
                return self.with_scripts(norm, scripts[1:], env)
            return self.with_scripts(self(base, env), scripts, env)
        if self.is_exponential(found, env):
            return self.exponential(node, env)
        e, rest = self.resolved(found, env)
        return self.with_scripts(e, (*rest, *found.operations), env)

    def reduction(self, node: BigOperator, env: Env) -> Expression:
        if not node.indices:
            return self.bare_sum(node, env)
        outer, env = env, replace(env, letters=dict(env.letters), axes=dict(env.axes))
        first, rest = node.indices[0], node.indices[1:]
        inner = replace(node, indices=rest) if rest else None
        if self.numbers(first.text, node):
            return self.unrolled(node, first.text, inner, outer)
        letter = first.text
        low = self._low_end(node, env)
        count: Any = None if node.high is None else self.bound(node.high, low, env)
        count = self.world.opened(letter) if count is None else count
        env.letters.pop(letter, None)
        index = Index(letter, env.next_axis(), low, count)
        env.axes[letter] = index
        if inner is not None:
            body = self.reduction(inner, env)
        else:
            body = self(node.body, env)
            if node.condition is not None:
                self.meet_indices(node.condition, count, env)
                body = self.scaled(self.condition(node.condition, env), body)
        outer.axes = {**env.axes, **outer.axes}  # p_j in the sum over k
        if outer.axes[letter] is index:
            del outer.axes[letter]
        if inner is None and not _depends(body, index) and not is_number(body) and node.kind == "Σ":
            total = self._sum_over_axis(body, count, letter)
            if total is not None:
                return total
        if node.high is None and count.root.value is None and not _depends(body, index):
            raise Undefined(f"the sum over {letter} has no range")
        op: Any = {"Σ": np.sum, "Π": np.prod, "max": np.max, "min": np.min}[node.kind]
        low_text = None if node.high is None else str(low)
        high_text = None if node.high is None else str(count)
        return Total(op, index, body, body.shape, (low_text, high_text))

    def meet_indices(self, condition: Chain, count: Any, env: Env) -> None:
        """The indices that a condition meets first, as i in the sum over k ≠ i."""
        for x in condition.parts:
            if not (isinstance(x, Name) and self.world.plan.may_be_an_index(x.text) and env.free):
                continue
            known = self.simple(NameParts(x.text, (), (), False, x), env)
            if known is None and self.world.find(Key(x.text)) is None:
                self.index(x, count, env)

    def _low_end(self, node: BigOperator, env: Env) -> int:
        low = self.world.number(node.low, env.letters) if node.low is not None else 1
        return 1 if low is None else low

    def _sum_over_axis(self, body: Expression, count: Any, letter: str) -> Expression | None:
        """Σ_i dZ, in which no i stands: over the axis of dZ that is as long, if there is one."""
        for axis, size in enumerate(matrix_shape(body)):
            if same(size, count) or size.root.name == count.root.name:
                axes = ["rows", "columns"]
                self.remark(f"the sum over {letter} is read as that over {axes[axis]}")
                return self.sum_over(body, axis)
        return None

    def bound(self, node: Any, low: int, env: Env) -> Size:
        if low == 1:
            size = self.world.size(node, env.letters)
            bounded = Size(size.name, size.value, size.literal)
            return bounded if size.value is not None else size
        n = self.world.number(node, env.letters)
        n = self.world.size(node, env.letters, least=low).value if n is None else n
        return Size(str(n), (n or 0) - low + 1)

    def numbers(self, letter: str, node: BigOperator) -> bool:
        """Whether an index numbers names, as layers and samples, rather than elements."""
        if letter in self.world.plan.families:
            for x in nodes(node.body):
                name = taken_apart(x) if isinstance(x, Scripted) else None
                for script in name.indices if name else ():
                    here = [i for i in script.items if (letter_and_step(i) or "")[:1] == (letter,)]
                    below = script.kind == "_" and self._is_element(here, name)
                    if here and not below:
                        return True
        return False

    def _is_element(self, items: list[Any], name: Any) -> bool:
        """Whether what stands below a name is an index of elements, of what has no numbers."""
        key = Key(name.letter)  # of E = Σ_t E_t, E is no whole
        whole = key not in self.world.busy and self.world.find(key) is not None
        return whole or all(self.world.plan.is_element(x, name.letter) for x in items)

    def unrolled(self, node: BigOperator, letter: str, inner: Any, env: Env) -> Expression:
        """A sum over names: each written out."""
        low, high = self.world.bounds(letter, None)
        if node.low is not None and node.high is not None:
            low, high = (self.world.end(x, env.letters) for x in (node.low, node.high))
        total: Expression | None = None
        for n in range(low, high + 1):
            here = replace(env, letters={**env.letters, letter: n}, axes=dict(env.axes))
            x = self.reduction(inner, here) if inner else self(node.body, here)
            env.axes = {**here.axes, **env.axes}  # as in `reduction`
            if total is None:
                total = x
            elif node.kind == "Σ":
                total = Apply(np.add, (total, x), self.together(total, x, "+"))
            else:
                total = self.multiply("", total, x)
        return Number(Fraction(0)) if total is None else total

    def bare_sum(self, node: BigOperator, env: Env) -> Expression:
        """Σ without an index: over samples, elements, or whatever index is bound nowhere."""
        letters: dict[str, None] = {}
        for x in nodes(node.body):
            name = taken_apart(x)
            for script in name.indices if name else ():
                for item in script.items:
                    step = letter_and_step(item)
                    if step and step[0] not in env.letters and step[0] not in env.axes:
                        numbering = step[0] in self.world.plan.families and not self.world.depth_of(
                            step[0]
                        )
                        if numbering or (
                            script.kind == "_" and self.world.plan.may_be_an_index(step[0])
                        ):
                            letters.setdefault(step[0])
        if letters:
            names = tuple(Name(node.start, node.start, x) for x in letters)
            self.remark(f"Σ is read as the sum over {', '.join(letters)}")
            return self.reduction(replace(node, indices=names), env)
        x = self(node.body, env)
        if is_number(x):
            return x
        rows, columns = matrix_shape(x)
        if is_one(columns) or is_one(rows):
            return self.sum_all(x)
        self.remark("Σ without an index is read as the sum over samples")
        return self.sum_over(x, 0 if self.world.plan.rows else 1)

    def derivative(self, node: Differentiation, env: Env) -> Expression:
        if not node.wrt:
            return self.gradient_of_cost(node, env)
        if node.of is None:
            raise self.error("nothing follows that is differentiated", node)
        slope = self.of_a_function(node, env)
        if slope is not None:
            return slope
        e = self.differentiated(node.of, env)
        if self.step and words(node) in self.step:
            e = self.within_a_step(e, self.variable(node.wrt[0][0], env)[0])
        for variable, order in node.wrt:
            for _ in range(order):
                e = self.by(e, variable, env, node.sign)
        return e

    def gradient_of_cost(self, node: Differentiation, env: Env) -> Expression:
        """∇W, of a letter that is no function: the gradient of the cost by it."""
        name = taken_apart(node.of)
        if name is None or name.letter in COSTS_AND_LOSSES or self.value_of(name, env) is None:
            raise Undefined("a gradient without its variable: ∇_W J")
        self.remark(f"∇{name.letter} is read as the gradient of {self.world.plan.cost} by it")
        return self.by(self.cost(env), node.of, env, node.sign)

    def of_a_function(self, node: Differentiation, env: Env) -> Expression | None:
        """∂σ/∂Z, of a function without its argument: σ′(Z)."""
        name = taken_apart(node.of)
        if name is None or len(node.wrt) != 1 or self.value_of(name, env) is not None:
            return None
        letter = name.letter
        key = self.world.key(letter, name.indices, env.letters)
        is_known = letter in ELEMENTWISE or key in self.world.functions or self.world.function(key)
        if not is_known or letter in COSTS_AND_LOSSES:
            return None
        x = self(node.wrt[0][0], env)
        return self.applied(replace(name, letter=letter + "′"), [x], {}, env, node)

    def differentiated(self, node: Any, env: Env) -> Expression:
        """What stands above the bar; a cost that is not defined is one of the note's own."""
        name = taken_apart(node.function if isinstance(node, Call) else node)
        if name is None or name.letter not in COSTS_AND_LOSSES:
            return self(node, env)
        key = Key(name.letter)
        if self.world.find(key) is not None:
            return self(node, env)
        if isinstance(node, Call):
            known = self.world.function(key) is not None or key in self.world.functions
            return self(node, env) if known else self.implicit_cost(name.letter)
        alone = not (name.operations or name.indices) and self.simple(name, env) is None
        return self.undefined_cost(name.letter) if alone else self(node, env)

    def by(self, e: Expression, variable: Any, env: Env, sign: str) -> Expression:
        wrt, at, flipped = self.variable(variable, env, sign == "∇")
        if self.partials == "direct" or (self.partials == "calls" and not isinstance(e, Symbol)):
            e, wrt = self.held(e, wrt)
        componentwise = self.world.plan.conventions.get("d") == "componentwise"
        layout = {"D": "denominator", "d": "mixed" if componentwise else "denominator"}.get(
            sign, self.layout
        )
        above, below = matrix_shape(e), matrix_shape(wrt)
        given: Any = tuple(at)
        whole = [n for x, n in zip(at, below, strict=True) if x is None]
        if any(x is not None for x in at):
            below = (whole[0], ONE) if whole else (ONE, ONE)
        shape = self.derivative_shape(above if not is_number(e) else (), below, layout)
        found: Expression = Derivative(e, wrt, shape, given, layout)
        if sign in ("d", "∂") and componentwise:
            one_for_one = len(shape) == 2 and not any(map(is_one, shape)) and not is_number(e)
            column: Any = (*shape[:1], ONE)
            return Apply(diag, (found,), column) if one_for_one else found
        return self.turned(found) if flipped else found

    def within_a_step(self, e: Expression, wrt: Symbol) -> Expression:
        """What e is with the names of all other steps held fixed: h_4 for the derivative by h_3."""
        steps = {entry.symbol.number: key.numbers for key, entry in self.world.entries.items()}
        here = steps.get(wrt.number, [])
        if len(here) != 1:
            return e
        left = iter(range(MOST_NAMES_WITHIN_A_STEP))

        def fixed(s: Expression) -> Expression:
            if not isinstance(s, Symbol) or s.kind != "value" or s.number == wrt.number:
                return s
            meaning = self.world.by_number[s.number].meaning
            if meaning is None or wrt.number not in self.world.numbers_in(s):
                return s
            if len(steps.get(s.number, [])) == 1 and steps[s.number] != here:
                return self.world.held_copy(s)
            if next(left, None) is None:
                raise Undefined("a derivative within one step, of too many names")
            return substituted(meaning, fixed)

        self.remark("a derivative that is a term by itself is read within one step")
        return substituted(e, fixed)

    def held(self, e: Expression, wrt: Symbol) -> tuple[Expression, Symbol]:
        """The two of a direct derivative: of what e is said to be, where wrt stands in it.

        All letters there are held fixed but this one. Of a cost, a derivative is always total.
        """
        body: Expression = e
        of = e.of if isinstance(e, Element) else e  # x̂_i is an element of what x̂ is said to be
        if isinstance(of, Symbol) and of.kind == "value":
            meaning = self.world.by_number[of.number].meaning
            is_cost = of.label in COSTS_AND_LOSSES or of.label == self.world.plan.cost
            if meaning is None or is_cost:
                return e, wrt
            body = replace(e, of=meaning) if isinstance(e, Element) else meaning
        if wrt not in symbols(body):
            return e, wrt
        self.remark("∂ of a definition is read with its other letters held fixed")
        return substituted(body, self.world.held_copy), self.world.held_copy(wrt)

    def variable(
        self, node: Any, env: Env, of_last: bool = False
    ) -> tuple[Symbol, list[Expression | None], bool]:
        """What a derivative is by: a letter, an element, a row or column of it, or a transpose.

        of_last: whether a without a layer is that of the last one, as in ∇_a C.
        """
        if of_last and isinstance(node, Name):
            last = None if self.known(Key(node.text), env) else self.world.last_met(node.text)
            if last is not None:
                return last.symbol, [None, None], False
        e = self(node, env)
        if isinstance(e, Apply) and e.op is np.transpose:
            inner = e.arguments[0]
            if isinstance(inner, Symbol):
                return inner, [None, None], True
        if isinstance(e, Symbol) and e.kind == "value":
            return e, [None, None], False
        if isinstance(e, Element) and isinstance(e.of, Symbol) and e.of.kind == "value":
            if is_number(e.of):
                return e.of, [None, None], False
            return e.of, [e.row, e.column], False
        raise Undefined("a derivative is by a letter, or by an element of one")


def _is_one(node: Any) -> bool:
    return isinstance(node, Num) and node.value == 1


def _is_row_of_ones(node: Any) -> bool:
    return isinstance(node, Scripted) and _is_one(node.base) and node.scripts[0].kind == "ᵀ"


def _truth(e: Expression) -> Expression:
    return Apply(np.greater, (e, Number(Fraction(1, 2))), e.shape)


def _depends(e: Expression, index: Index) -> bool:
    return e == index or any(_depends(x, index) for x in children(e))


_READERS: dict[type, Callable[..., Expression]] = {
    Num: Elaborator.number,
    Name: Elaborator.name,
    Scripted: Elaborator.name,
    Sum: Elaborator.total,
    Product: Elaborator.product,
    Quotient: Elaborator.quotient,
    Bracket: Elaborator.bracket,
    Grid: Elaborator.grid,
    Dots: Elaborator.dots,
    Chain: Elaborator.misplaced,
    Differential: Elaborator.misplaced,
    Call: Elaborator.call,
    Prefixed: Elaborator.prefixed,
    BigOperator: Elaborator.reduction,
    Differentiation: Elaborator.derivative,
}
