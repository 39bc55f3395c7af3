"""From syntax to expressions with shapes, in one drawing of a note.

Juxtaposition is the matrix product, or a product with a number; what does not fit raises
NotConforming, a name without meaning Undefined, and what can be read in two ways Ambiguous.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np

from autograd_lite.algebra.notation import RELATIONS as COMPARISONS
from autograd_lite.algebra.tree import (
    Apply,
    Blocks,
    Element,
    Expression,
    Index,
    Number,
    Ones,
    Symbol,
    only,
    transposed,
)
from autograd_lite.algebra.tree import Derivative as DerivativeOf
from autograd_lite.algebra.tree import Total as SumOver
from autograd_lite.formula.naming import Key, Named, key_of, letter_and_step, nodes, subsets, taken_apart
from autograd_lite.formula.plan import COSTS, Definition
from autograd_lite.formula.shapes import (
    ONE,
    NotConforming,
    Size,
    is_number,
    is_one,
    is_soft,
    joined,
    literal,
    matrix_shape,
    same,
    written_shape,
)
from autograd_lite.formula.syntax import (
    FUNCTIONS,
    Bracket,
    Call,
    Chain,
    Derivative,
    Dots,
    Grid,
    Name,
    Num,
    Prefixed,
    Product,
    Quotient,
    Reduction,
    Script,
    Scripted,
    Total,
)
from autograd_lite.formula.tokens import FormulaError
from autograd_lite.formula.vocabulary import (
    ELEMENTWISE,
    Drawn,
    Slope,
    diag,
    logdet,
    trace,
    vec,
)
from autograd_lite.formula.world import COUNTS, ELEMENTS, Ambiguous, Entry, Undefined, World


@dataclass
class Env:
    """What letters stand for at one place: numbers of layers, indices of elements, parameters."""

    letters: dict[str, int] = field(default_factory=dict)
    axes: dict[str, Index] = field(default_factory=dict)
    parameters: dict[str, Expression] = field(default_factory=dict)
    free: bool = True  # whether a new index may be met here

    def next_axis(self) -> int:
        return 1 + max((i.axis for i in self.axes.values()), default=-1)


class Elaborator:
    """Reads syntax with the names and sizes of one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.remarks: dict[str, None] = {}
        self.layout = world.plan.conventions.get("layout", "mixed")
        self.broadcasting = world.plan.conventions.get("broadcasting", "") != "none"

    def __call__(self, node: Any, env: Env) -> Expression:
        return _READERS[type(node)](self, node, env)

    def remark(self, said: str) -> None:
        self.remarks.setdefault(said)

    def error(self, said: str, node: Any) -> FormulaError:
        return FormulaError(said, self.world.source, node.start)

    def definition(self, definition: Definition, letters: dict[str, int]) -> Expression:
        """What a definition's name stands for."""
        env = Env(dict(letters))
        elements = [
            x.text for s in definition.name.indices if s.kind == "_" for x in s.items
            if isinstance(x, Name) and x.text in ELEMENTS and x.text not in letters
        ]  # fmt: skip
        for k, letter in enumerate(elements):
            env.axes[letter] = Index(letter, k, 1, self.world.opened(letter))  # type: ignore[arg-type]
        meaning = self(definition.meaning, env)
        if not elements:
            return meaning
        if not is_number(meaning):
            raise NotConforming(f"an element is a number, and this is {written_shape(matrix_shape(meaning))}")
        counts = [env.axes[x].count for x in elements]
        shape: Any = (counts[0], counts[1] if len(counts) > 1 else ONE)
        return Apply(gathered, (meaning,), shape, {"shape": shape})

    # Shapes

    def fits(self, a: tuple[Any, Any], b: tuple[Any, Any], said: str) -> None:
        """Join two shapes, or say that they differ."""
        if not (joined(a[0], b[0]) and joined(a[1], b[1])):
            raise NotConforming(f"{said}, and is {written_shape(a)}")

    def together(self, a: Expression, b: Expression, sign: str) -> tuple[Any, ...]:
        """The shape of a and b element by element; repeating one of them is a remark."""
        if is_number(a) or is_number(b):
            shape = matrix_shape(b if is_number(a) else a)
            number = a if is_number(a) else b
            if sign in "+−" and not is_number(a if number is b else b) and not _constant(number):
                self.broadcast(number, shape)
            return shape
        (r1, c1), (r2, c2) = matrix_shape(a), matrix_shape(b)
        self._orient(a, b)
        shape, repeated = [], False
        for d1, d2 in ((r1, r2), (c1, c2)):
            if is_one(d1) != is_one(d2) and not (self._open(d1) or self._open(d2)):
                repeated = True
                shape.append(d2 if is_one(d1) else d1)
            elif is_soft(d1) != is_soft(d2) and sign in "+−" and d1 is c1 and not is_one(d1) and not is_one(d2):
                joined(d1 if is_soft(d1) else d2, ONE)
                repeated = True
                shape.append(d2 if is_one(d1) else d1)
            elif joined(d1, d2):
                shape.append(d1)
            else:
                raise NotConforming(
                    f"{written_shape((r1, c1))} {sign} {written_shape((r2, c2))}: {_differ(d1, d2)}"
                )
        if repeated:
            smaller = a if any(is_one(x) and not is_one(y) for x, y in ((r1, r2), (c1, c2))) else b
            self.broadcast(smaller, tuple(shape))
        return tuple(shape)

    def _open(self, d: Any) -> bool:
        return d.root.value is None

    def _orient(self, a: Expression, b: Expression) -> None:
        """A bias of an undeclared shape: a row where samples are rows."""
        if not self.world.plan.rows:
            return
        for x, y in ((a, b), (b, a)):
            r, c = matrix_shape(x)
            if isinstance(x, Symbol) and is_soft(r) and is_soft(c) and not is_number(y):
                joined(r, ONE)
                joined(c, matrix_shape(y)[1])

    def broadcast(self, e: Expression, shape: tuple[Any, ...]) -> None:
        if not self.broadcasting:
            raise NotConforming(
                f"{written_shape(matrix_shape(e))} beside {written_shape(shape)}: "
                "broadcasting is not written (front matter: `broadcasting: none`)"
            )
        name = e.label if isinstance(e, Symbol) else written_shape(matrix_shape(e))
        self.remark(f"{name} is repeated to {written_shape(shape)} (broadcasting)")

    # Sums and products

    def number(self, node: Num, env: Env) -> Expression:
        if node.bold:
            size = self.world.opened("length of ones")
            ones = Ones((size, ONE))  # type: ignore[arg-type]
            return ones if node.value == 1 else self.scaled(Number(node.value), ones)
        return Number(node.value)

    def total(self, node: Total, env: Env) -> Expression:
        sign, first = node.terms[0]
        e = self(first, env)
        if sign < 0:
            e = Number(-e.value) if isinstance(e, Number) else Apply(np.negative, (e,), e.shape)
        for sign, term in node.terms[1:]:
            x = self(term, env)
            shape = self.together(e, x, "+" if sign > 0 else "−")
            e = Apply(np.add if sign > 0 else np.subtract, (e, x), shape)
        return e

    def product(self, node: Product, env: Env) -> Expression:
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

    def _ones_or(self, node: Any, env: Env, left: Expression | None) -> Expression:
        """A factor; a 1 after a matrix is a column of ones."""
        plain = isinstance(node, Num) and node.value == 1 and not node.bold
        if plain and left is not None and not is_number(left):
            rows, columns = matrix_shape(left)
            if not is_one(columns):
                return Ones((columns, ONE))  # type: ignore[arg-type]
        return self(node, env)

    def multiply(self, sign: str, a: Expression, b: Expression) -> Expression:
        if sign == "/":
            return self.divided(a, b)
        if sign in ("∘", "⊙", "*"):
            return Apply(np.multiply, (a, b), self.together(a, b, sign))
        if len(b.shape) == 4 or len(a.shape) == 4:
            return self.contracted(a, b)
        if is_number(a) or is_number(b):
            return self.scaled(a, b)
        if sign == "⊗":
            return self.outer(a, b)
        (r1, c1), (r2, c2) = matrix_shape(a), matrix_shape(b)
        if sign == "×" and same(r1, r2) and same(c1, c2) and not same(r1, c1):
            return Apply(np.multiply, (a, b), self.together(a, b, sign))
        if sign == "·" and is_one(c1) and is_one(c2) and not is_one(r2) and same(r1, r2):
            self.remark("· between two columns is their inner product")
            return self.inner(a, b)
        if all(map(is_soft, (r1, c1, r2, c2))):
            for size in (r1, c1, r2, c2):
                joined(size, ONE)
            return self.scaled(a, b)
        linked = self.chained(a, b)
        return self.matrix_product(a, b) if linked is None else linked

    def chained(self, a: Expression, b: Expression) -> Expression | None:
        """∂C/∂a ∂a/∂z where no layout says how Jacobians stand: a sum over all that a has."""
        if "layout" in self.world.plan.conventions or not isinstance(b, DerivativeOf):
            return None
        end = _chain_end(a)
        if end is None or not isinstance(b.of, Symbol) or end.number != b.of.number:
            return None
        self.remark("derivatives side by side are read as the chain rule")
        return self.contracted(a, b)

    def contracted(self, a: Expression, b: Expression) -> Expression:
        """A product with a derivative of a matrix: the sum over both of its indices."""
        a, b = _full(a), _full(b)
        if is_number(a) or is_number(b):
            return Apply(np.multiply, (a, b), a.shape if is_number(b) else b.shape)
        if len(b.shape) != 4:
            raise NotConforming(f"{_sizes(a)} times {_sizes(b)}")
        above: Any = b.shape[:2]
        mine: Any = a.shape[-2:]
        self.fits(mine, above, f"the derivative is of something {written_shape(above)}")
        return Apply(np.tensordot, (a, b), (*a.shape[:-2], *b.shape[2:]), {"axes": 2})

    def matrix_product(self, a: Expression, b: Expression) -> Expression:
        (r1, c1), (r2, c2) = matrix_shape(a), matrix_shape(b)
        if not joined(c1, r2):
            raise NotConforming(
                f"{written_shape((r1, c1))} times {written_shape((r2, c2))}: {_differ(c1, r2)}"
            )
        shape: Any = (r1, c2)
        product = Apply(np.dot, (a, b), shape)
        return Apply(only, (product,), ()) if is_number(product) else product

    def inner(self, a: Expression, b: Expression) -> Expression:
        return self.matrix_product(self.turned(a), b)

    def outer(self, a: Expression, b: Expression) -> Expression:
        meaning = self.world.plan.conventions.get("⊗", "outer")
        if meaning == "outer":
            return self.matrix_product(a, self.turned(b))
        if meaning in ("elementwise", "hadamard"):
            return Apply(np.multiply, (a, b), self.together(a, b, "⊗"))
        (r1, c1), (r2, c2) = matrix_shape(a), matrix_shape(b)
        raise NotConforming(f"⊗ as {meaning!r} of {r1} × {c1} and {r2} × {c2} is not read")

    def scaled(self, a: Expression, b: Expression) -> Expression:
        if isinstance(a, Number) and isinstance(b, Number):
            return Number(a.value * b.value)
        shape = b.shape if is_number(a) else a.shape
        return Apply(np.multiply, (a, b), shape)

    def divided(self, a: Expression, b: Expression) -> Expression:
        if isinstance(a, Number) and isinstance(b, Number) and b.value:
            if isinstance(a.value, Fraction) and isinstance(b.value, Fraction):
                return Number(a.value / b.value)
        if is_number(b):
            return Apply(np.divide, (a, b), a.shape)
        return Apply(np.divide, (a, b), self.together(a, b, "/"))

    def quotient(self, node: Quotient, env: Env) -> Expression:
        return self.divided(self(node.above, env), self(node.below, env))

    def turned(self, e: Expression) -> Expression:
        """The transpose; of a number, itself."""
        return e if is_number(e) and not isinstance(e, Ones) else transposed(e)

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
        return self.entries(tuple((x,) for x in node.parts) if node.kind == "(" else (node.parts,), env)

    def norm(self, x: Expression) -> Expression:
        if is_number(x):
            return Apply(np.absolute, (x,), ())
        square = Apply(np.square, (x,), x.shape)
        return Apply(np.sqrt, (self.sum_all(square),), ())

    def sum_all(self, x: Expression) -> Expression:
        if is_number(x):
            return x
        return Apply(np.sum, (x,), (), {"axis": (-2, -1)}, (-2, -1))

    def condition(self, chain: Chain, env: Env) -> Expression:
        """[a > b]: 1 where it holds, otherwise 0."""
        if len(chain.relations) != 1 or chain.relations[0] not in _COMPARED:
            raise self.error("one comparison in brackets: [z > 0]", chain)
        a, b = (self(x, env) for x in chain.parts)
        return Apply(_COMPARED[chain.relations[0]], (a, b), self.together(a, b, "="))

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
            if len(row) < 2 or not isinstance(row[1], Chain):
                raise self.error("a case needs its condition: x, z > 0", row[0])
            holds = self.condition(row[1], env)
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
        if any(isinstance(x, Dots) for row in rows for x in row):
            raise self.error("a matrix with … is not evaluated: write its element, (f(j))_j", rows[0][0])
        cells = tuple(tuple(self(x, env) for x in row) for row in rows)
        heights, widths = [], []
        for row in cells:
            for x in row[1:]:
                if not joined(matrix_shape(x)[0], matrix_shape(row[0])[0]):
                    raise NotConforming("the entries of a row are not equally high")
            heights.append(matrix_shape(row[0])[0])
            widths.append([matrix_shape(x)[1] for x in row])
        if any(len(row) != len(widths[0]) for row in widths):
            raise NotConforming("the rows of a matrix are not equally long")
        for row in widths[1:]:
            if not all(map(joined, row, widths[0])):
                raise NotConforming("the entries of a column are not equally wide")
        shape: Any = (self.added(heights), self.added(widths[0]))
        return Blocks(cells, shape) if shape != (ONE, ONE) else cells[0][0]

    def added(self, sizes: list[Any]) -> Size:
        if len(sizes) == 1:
            return sizes[0]
        if all(map(is_one, sizes)):
            return literal(len(sizes))
        for size in sizes:
            if size.root.value is None:
                size.root.value = self.world.drawing.size()
        n = sum(size.root.value for size in sizes)
        return Size("+".join(map(str, sizes)), n)

    # Names

    def name(self, node: Name | Scripted, env: Env) -> Expression:
        """A letter with its scripts, or scripts after anything else."""
        found = taken_apart(node)
        if found is None:
            return self.with_scripts(self(node.base, env), node.scripts, env, node)  # type: ignore[union-attr]
        if found.letter == "e" and not self.known(Key("e"), env) and isinstance(node, Scripted):
            return self.exponential(node, env)
        e, rest = self.resolved(found, env)
        return self.with_scripts(e, (*rest, *found.operations), env, node)

    def exponential(self, node: Scripted, env: Env) -> Expression:
        script = node.scripts[0]
        if script.kind != "^" or len(script.items) != 1:
            raise Undefined("e is not defined here")
        x = self(script.items[0], env)
        return self.with_scripts(Apply(np.exp, (x,), x.shape), node.scripts[1:], env, node)

    def known(self, key: Key, env: Env) -> Expression | None:
        if not key.low and not key.high and key.letter in env.parameters:
            return env.parameters[key.letter]
        entry = self.world.find(key)
        return None if entry is None else entry.symbol

    def resolved(self, name: Named, env: Env) -> tuple[Expression, tuple[Script, ...]]:
        """What a name stands for, and the scripts that are not part of it."""
        if not name.indices and (simple := self.simple(name, env)) is not None:
            return simple, ()
        outside = "family"
        for chosen, rest in subsets(name.indices):
            for key in self.keys(name.letter, chosen, env):
                e = self.known(key, env)
                if e is not None:
                    self._choice(name, chosen, rest, env)
                    return e, rest
        special = self.special(name, env)
        if special is not None:
            return special
        if self.belongs_to_family(name, env):
            key = key_of(name.letter, name.indices, lambda x: self.world.part(x, env.letters))
            if not self.world.closed and self.world.precedes(key):
                return self.world.undeclared(key).symbol, ()
            raise Undefined(f"{key} does not exist: {outside_of(name.letter)}")
        return self.new(name, env, outside)

    def keys(self, letter: str, chosen: tuple[Script, ...], env: Env) -> list[Key]:
        """The key of a name, and those with its last lowered letters as elements."""
        return [key_of(letter, chosen, lambda x: self.world.part(x, env.letters))]

    def _choice(self, name: Named, chosen: Any, rest: Any, env: Env) -> None:
        """Nothing to decide where only one reading exists."""

    def simple(self, name: Named, env: Env) -> Expression | None:
        """An index, a number of a layer, a size, or a parameter, by its letter alone."""
        letter = name.letter
        if letter in env.parameters:
            return env.parameters[letter]
        if letter in env.axes:
            return env.axes[letter]
        if letter in env.letters:
            return Number(Fraction(env.letters[letter]))
        if self.world.find(Key(letter)) is None:
            if letter in self.world.sizes or letter in self.world.plan.sizes or self.world.depth_of(letter):
                return self.size_as_number(letter)
            if letter == "π":
                return Number(float(np.pi))
        return None

    def size_as_number(self, letter: str) -> Expression:
        self.world.named_size(letter)
        return Symbol("size", letter, 0, ())

    def special(self, name: Named, env: Env) -> tuple[Expression, tuple[Script, ...]] | None:
        """Names with a meaning of their own: dZ, 1_m, I, e_i, δ_ij, a sample x^{(i)}, a size."""
        readers = (self.gradient_name, self.sample, self.constant, self.a_size, self.last_layer)
        for reader in readers:
            found = reader(name, env)
            if found is not None:
                return found
        return None

    def gradient_name(self, name: Named, env: Env) -> tuple[Expression, tuple[Script, ...]] | None:
        """dZ: the gradient of the cost by Z, or m times it where the note means that."""
        letter = name.letter
        if len(letter) < 2 or letter[0] != "d" or letter[1] in "′_":
            return None
        of = replace(name, letter=letter[1:])
        cost = self.cost(env)
        try:
            variable, rest = self.resolved(of, env)
        except Undefined:
            return None
        if not isinstance(variable, Symbol):
            return None
        shape: Any = variable.shape
        e: Expression = DerivativeOf(cost, variable, shape)
        if self.world.gradients == "m" and self.is_intermediate(variable):
            e = Apply(np.multiply, (self.count(), e), shape)
        return e, rest

    def is_intermediate(self, variable: Symbol) -> bool:
        """Whether a name is computed, as Z and A are."""
        return self.world.by_number[variable.number].meaning is not None

    def count(self) -> Expression:
        return self.size_as_number("m")

    def cost(self, env: Env) -> Expression:
        """J: as the note defines it, or a drawn function of what nothing else uses."""
        letter = self.world.plan.cost
        found = self.known(Key(letter), env)
        if found is not None:
            return found
        total = self.summed_loss(letter, env)
        if total is not None:
            return total
        return self.implicit_cost(letter)

    def summed_loss(self, letter: str, env: Env) -> Expression | None:
        """The sum that J takes the mean of, for a loss ℒ(a, y) that is differentiated itself."""
        for definition in self.world.plan.definitions:
            for node in nodes(definition.meaning):
                if isinstance(node, Reduction) and node.kind == "Σ" and isinstance(node.body, Call):
                    called = taken_apart(node.body.function)
                    if called and called.letter == letter:
                        return self.reduction(node, Env())
        return None

    def implicit_cost(self, letter: str) -> Expression:
        """A drawn function of the last names, for a note that does not say what J is."""
        world = self.world
        if Key(letter) in world.entries:
            return world.entries[Key(letter)].symbol
        for definition in world.plan.definitions:
            if not definition.parameters:
                self.instances(definition)
        used = {s.number for e in world.by_number if e.meaning is not None for s in _symbols(e.meaning)}
        ends = [e.symbol for e in world.by_number if e.meaning is not None and e.symbol.number not in used]
        if not ends:
            raise Undefined(f"{letter} is not defined, and nothing is that it could depend on")
        total: Expression | None = None
        for end in ends:
            f = world.drawn(Key(f"{letter} of {end.label}"), True)
            x = Apply(f, (end,), ())
            total = x if total is None else Apply(np.add, (total, x), ())
        assert total is not None
        entry = world._entry(Key(letter), (ONE, ONE))
        entry.meaning = total
        self.remark(f"{letter} is not defined: it is taken for any function of {', '.join(e.label for e in ends)}")
        return entry.symbol

    def instances(self, definition: Definition) -> None:
        """Make all names of one definition."""
        letters = sorted({
            step[0] for s in definition.name.indices for x in s.items
            if (step := letter_and_step(x)) and step[0] in self.world.plan.families
        })  # fmt: skip
        for values in self.world_ranges(letters, definition.statement):
            def value(x: Any, values: dict[str, int] = values) -> Any:
                return self.world.part(x, values)

            scripts = tuple(
                s for s in definition.name.indices
                if not (s.kind == "_" and all(isinstance(x, Name) and x.text in ELEMENTS and x.text not in values for x in s.items))
            )  # fmt: skip
            self.world.find(key_of(definition.name.letter, scripts, value))

    def world_ranges(self, letters: list[str], statement: Any) -> list[dict[str, int]]:
        found: list[dict[str, int]] = [{}]
        for letter in letters:
            low, high = self.world.bounds(letter, statement)
            found = [{**f, letter: n} for f in found for n in range(low, high + 1)]
        return found

    def sample(self, name: Named, env: Env) -> tuple[Expression, tuple[Script, ...]] | None:
        """x^{(i)}: a column of X, or a row as a column where samples are rows."""
        marked = [s for s in name.indices if s.kind == "^" and s.mark == "("]
        letter = name.letter
        if len(marked) != 1 or not letter[:1].islower():
            return None
        others = tuple(s for s in name.indices if s is not marked[0])
        for chosen, rest in subsets(others):
            key = key_of(letter.upper(), chosen, lambda x: self.world.part(x, env.letters))
            e = self.known(key, env)
            if e is not None:
                return self.column(e, marked[0], env), rest
        return None

    def column(self, e: Expression, script: Script, env: Env) -> Expression:
        rows, columns = matrix_shape(e)
        if self.world.plan.rows:
            index = self.index(script.items[0], rows, env)
            return self._part(e, index, None, columns)
        index = self.index(script.items[0], columns, env)
        return self._part(e, None, index, rows)

    def _part(self, e: Expression, row: Any, column: Any, size: Any) -> Expression:
        if is_one(size):
            one = Number(Fraction(1))
            return Element(e, row or one, column or one, ())
        return Element(e, row, column, (size, ONE))  # type: ignore[arg-type]

    def constant(self, name: Named, env: Env) -> tuple[Expression, tuple[Script, ...]] | None:
        """𝟏_m, I, I_n, e_i, δ_ij."""
        letter = name.letter
        lowered = [x for s in name.indices if s.kind == "_" for x in s.items]
        if letter == "𝟏":
            return self.ones(lowered, env), ()
        if letter == "δ" and len(lowered) == 2:
            a, b = (self.index(x, None, env) for x in lowered)
            return Apply(np.equal, (a, b), ()), tuple(s for s in name.indices if s.kind == "^")
        if letter == "I" and len(lowered) <= 1:
            size = self.world.size(lowered[0], env.letters) if lowered else self.world.opened("size of I")
            shape: Any = (size, size)
            return Apply(identity_matrix, (), shape, {"shape": shape}), ()
        if letter == "e" and len(lowered) == 1:
            size = self.world.opened("size of e")
            i = self.index(lowered[0], size, env)
            shape = (size, ONE)
            return Apply(unit_vector, (i,), shape, {"shape": shape}), ()
        return None

    def ones(self, sizes: list[Any], env: Env) -> Expression:
        if len(sizes) == 1 and isinstance(sizes[0], Product):
            sizes = [x for _, x in sizes[0].factors]
        found = [self.world.size(x, env.letters) for x in sizes]
        shape: Any = (*found, ONE)[:2] if found else (self.world.opened("length of ones"), ONE)
        return Ones(shape)

    def a_size(self, name: Named, env: Env) -> tuple[Expression, tuple[Script, ...]] | None:
        key = self.world.size_key(name, env.letters)
        if key in self.world.sizes or key.replace("[", "^").replace("]", "") in self.world.plan.sizes:
            return self.size_as_number(key), ()
        return None

    def last_layer(self, name: Named, env: Env) -> tuple[Expression, tuple[Script, ...]] | None:
        """A name whose layer is left out, as in ∇_a C: that of the last layer."""
        if any(s.kind == "^" for s in name.indices):
            return None
        last = self.world.last(name.letter)
        if last is None:
            return None
        self.remark(f"{name.letter} without a layer is read as {name.letter} of the last one")
        return last.symbol, name.indices

    def belongs_to_family(self, name: Named, env: Env) -> bool:
        """Whether the note has names like this one, only not for this layer."""
        for script in name.indices:
            for item in script.items:
                step = letter_and_step(item)
                if isinstance(item, Num) or (step and (step[0] in env.letters or self.world.depth_of(step[0]))):
                    plan = self.world.plan
                    if any(d.name.letter == name.letter for d in (*plan.definitions, *plan.declarations)):
                        return not self._is_element_number(item)
        return False

    def _is_element_number(self, item: Any) -> bool:
        return False

    def new(self, name: Named, env: Env, outside: str) -> tuple[Expression, tuple[Script, ...]]:
        """A letter that the note does not define or declare: a leaf, where it may be one."""
        world = self.world
        part_of: list[Script] = []
        rest: list[Script] = []
        for script in name.indices:
            words = [letter_and_step(x) for x in script.items]
            raised = script.kind == "^" and (
                script.mark or any(w and (w[0] in env.letters or world.depth_of(w[0])) for w in words)
            )
            element = script.kind == "_" and all(
                w is not None and w[0] in ELEMENTS and w[0] not in env.letters for w in words
            )
            if raised or (script.kind == "_" and not element):
                part_of.append(script)
            else:
                rest.append(script)
        key = key_of(name.letter, part_of, lambda x: world.part(x, env.letters))
        if name.letter in COUNTS and not name.indices:
            return self.size_as_number(name.letter), ()
        if world.closed:
            raise Undefined(f"{key} is not defined or declared{self._near(name.letter)}")
        return world.undeclared(key).symbol, tuple(rest)

    def _near(self, letter: str) -> str:
        from difflib import get_close_matches

        near = get_close_matches(letter, sorted(self.world.plan.letters), 1, 0.3)
        swapped = letter.swapcase()
        near = [swapped] if swapped in self.world.plan.letters else near
        return f" (is {near[0]} meant?)" if near else ""

    # Scripts

    def with_scripts(
        self, e: Expression, scripts: tuple[Script, ...], env: Env, node: Any
    ) -> Expression:
        lowered: list[Any] = []
        pending: list[Script] = []
        for script in scripts:
            if script.kind == "_":
                lowered += script.items
            else:
                pending.append(script)
        transposes = [s for s in pending if s.kind == "ᵀ"]
        before = scripts.index(transposes[0]) if transposes else len(scripts)
        at_once = [x for n, s in enumerate(scripts) if s.kind == "_" and n < before for x in s.items]
        if at_once and len(at_once) == len(lowered):
            e = self.element(e, lowered, env, node)
            lowered = []
        for script in pending:
            e = self.raised(e, script, env, node)
        return self.element(e, lowered, env, node) if lowered else e

    def raised(self, e: Expression, script: Script, env: Env, node: Any) -> Expression:
        if script.kind == "ᵀ":
            return self.transposed_one(e, node)
        if script.kind == "′":
            if self.world.plan.conventions.get("′", self.world.plan.conventions.get("'")) == "transpose":
                return self.turned(e)
            raise Undefined("′ after something that is no function (front matter: `′: transpose`)")
        if script.mark == "−ᵀ" or script.raw == "−ᵀ":
            return self.turned(self.inverse(e))
        if not script.items:
            raise Undefined(f"^{script.raw} has no meaning here")
        if script.mark == "(":
            return self.column(e, script, env)
        if script.mark == "[":
            raise Undefined(f"^[{script.raw}] after something that has no layers")
        return self.power(e, script, env)

    def transposed_one(self, e: Expression, node: Any) -> Expression:
        if isinstance(e, Number) and e.value == 1:
            return transposed(self.number(Num(0, 0, Fraction(1), True), Env()))
        return self.turned(e)

    def power(self, e: Expression, script: Script, env: Env) -> Expression:
        exponent = self(script.items[0], env)
        if all(is_soft(d) or is_one(d) for d in matrix_shape(e)) and script.mark != "∘":
            for size in matrix_shape(e):
                joined(size, ONE)
        n = exponent.value if isinstance(exponent, Number) else None
        if n == -1 and not is_number(e) and script.mark != "∘":
            return self.inverse(e)
        if is_number(e) or script.mark == "∘":
            if isinstance(e, Number) and n is not None and n == int(n) and abs(n) < 40 and e.value:
                return Number(e.value ** int(n))
            if not is_number(exponent):
                return Apply(np.power, (e, exponent), exponent.shape)
            if n == 2:
                return Apply(np.square, (e,), e.shape)
            return Apply(np.power, (e, exponent), e.shape)
        rows, columns = matrix_shape(e)
        if _norm_of(e) is not None:
            return Apply(np.power, (e, exponent), e.shape)
        if not same(rows, columns) or n is None or n != int(n) or not 0 < n < 10:
            if n == 2 and not same(rows, columns):
                self.remark("the square of something that is no square matrix is taken element by element")
                return Apply(np.square, (e,), e.shape)
            raise NotConforming(f"a power of {written_shape((rows, columns))}: only square matrices have them")
        result = e
        for _ in range(int(n) - 1):
            result = self.matrix_product(result, e)
        return result

    def inverse(self, e: Expression) -> Expression:
        if is_number(e):
            return self.divided(Number(Fraction(1)), e)
        rows, columns = matrix_shape(e)
        if not joined(rows, columns):
            raise NotConforming(f"the inverse of {written_shape((rows, columns))}, which is not square")
        return Apply(np.linalg.inv, (e,), e.shape)

    def element(self, e: Expression, lowered: list[Any], env: Env, node: Any) -> Expression:
        """W_ij, a_i; of a matrix with one index a row or a column, where the note says which."""
        if len(lowered) == 1 and isinstance(lowered[0], Product):
            lowered = [x for _, x in lowered[0].factors]
        if len(lowered) > 2:
            raise NotConforming(f"{len(lowered)} indices of a matrix")
        rows, columns = matrix_shape(e)
        one = Number(Fraction(1))
        if len(lowered) == 2:
            row = self.index(lowered[0], rows, env)
            return Element(e, row, self.index(lowered[1], columns, env), ())
        (item,) = lowered
        if is_one(columns) or is_soft(columns):
            joined(columns, ONE)
            return Element(e, self.index(item, rows, env), one, ())
        if is_one(rows):
            return Element(e, one, self.index(item, columns, env), ())
        letter = e.label if isinstance(e, Symbol) else "it"
        chosen = self.world.plan.conventions.get(f"{letter}_{_text(item)}")
        chosen = chosen or self.world.plan.conventions.get(f"{letter}_j")
        if chosen == "column":
            return self._part(e, None, self.index(item, columns, env), rows)
        if chosen == "row":
            return self._part(e, self.index(item, rows, env), None, columns)
        raise Ambiguous(
            f"{letter}_{_text(item)} of a matrix {written_shape((rows, columns))} may be a row or a column: "
            f"say which in the front matter, `{letter}_j: column`, or write {letter}_{{ij}}"
        )

    def index(self, node: Any, size: Any, env: Env) -> Expression:
        """An index: a number, a letter that is bound, or a new one that goes over all of `size`."""
        if isinstance(node, str):
            node = Name(0, 0, node)
        name = taken_apart(node)
        letter = name.letter if name and not name.indices and not name.operations else None
        if letter and letter not in env.axes and letter not in env.letters:
            n = self.world.number(node, env.letters)
            if n is not None and letter not in ELEMENTS:
                return Number(Fraction(n))
            if len(letter.rstrip("′")) > 1:
                raise Undefined(f"the index {letter} means nothing here")
            if not env.free:
                raise Undefined(f"the index {letter} is bound nowhere")
            count = size if size is not None else self.world.opened(letter)
            env.axes[letter] = Index(letter, env.next_axis(), 1, count)
            return env.axes[letter]
        if letter and letter in env.axes:
            index = env.axes[letter]
            if size is not None and not joined(index.count, size) and index.low == 1 and not _bounded(index):
                raise NotConforming(f"{letter} goes to {index.count} and to {size}: {_differ(index.count, size)}")
            return index
        return self(node, env)

    # Functions

    def call(self, node: Call, env: Env) -> Expression:
        function = node.function
        scripts: tuple[Script, ...] = ()
        name = taken_apart(function)
        if name is None:
            return self.times(function, node, env)
        value = self.value_of(name, env)
        if value is not None:
            if name.letter in COSTS and is_number(value) and self._names_only(node):
                return value
            if self._is_sample(node, env):
                mark = Script(node.start, node.end, "^", "(", node.arguments, "")
                return self.column(value, mark, env)
            return self.times(function, node, env)
        arguments, options = self.arguments(node, env)
        powers = tuple(s for s in name.operations if s.kind == "^")
        e = self.applied(name, arguments, options, env, node)
        return self.with_scripts(e, (*scripts, *powers), env, node)

    def _names_only(self, node: Call) -> bool:
        return all(taken_apart(x) is not None for x in node.arguments)

    def _is_sample(self, node: Call, env: Env) -> bool:
        (first, *rest) = node.arguments
        return not rest and isinstance(first, Name) and first.text in env.letters and not node.spaced

    def times(self, function: Any, node: Call, env: Env) -> Expression:
        if len(node.arguments) != 1:
            raise Undefined("brackets with a comma after something that is no function")
        factors = (("", function), ("", node.arguments[0]))
        return self.product(Product(node.start, node.end, factors), env)

    def value_of(self, name: Named, env: Env) -> Expression | None:
        """The value of a name that stands before brackets, if it has one."""
        if name.letter in FUNCTIONS and not name.indices:
            return None
        if not name.indices:
            simple = self.simple(name, env)
            if simple is not None and not self._is_function(name, env):
                return simple
        if self._is_function(name, env):
            return None
        for chosen, rest in subsets(name.indices):
            key = key_of(name.letter, chosen, lambda x: self.world.part(x, env.letters))
            e = self.known(key, env)
            if e is not None:
                return self.with_scripts(e, rest, env, name.node)
        return None

    def _is_function(self, name: Named, env: Env) -> bool:
        key = key_of(name.letter.rstrip("′"), name.indices, lambda x: self.world.part(x, env.letters))
        return self.world.function(key) is not None or key in self.world.functions

    def arguments(self, node: Call, env: Env) -> tuple[list[Expression], dict[str, Any]]:
        positional, options = [], {}
        for x in node.arguments:
            if isinstance(x, Chain) and x.relations == ("=",) and isinstance(x.parts[0], Name):
                options[x.parts[0].text] = x.parts[1]
            else:
                positional.append(self(x, env))
        return positional, options

    def prefixed(self, node: Prefixed, env: Env) -> Expression:
        name = taken_apart(node.function)
        assert name is not None
        e = self.applied(name, [self(node.argument, env)], {}, env, node)
        powers = tuple(s for s in name.operations if s.kind == "^")
        return self.with_scripts(e, powers, env, node)

    def applied(
        self, name: Named, arguments: list[Expression], options: dict[str, Any], env: Env, node: Any
    ) -> Expression:
        """A function of arguments: known by name, defined in the note, or drawn."""
        letter = name.letter.rstrip("′")
        primes = len(name.letter) - len(letter) + sum(s.kind == "′" for s in name.operations)
        powers = [s for s in name.indices if s.kind == "^" and not s.mark and not self._layered(s, env)]
        scripts = tuple(s for s in name.indices if s not in powers)
        key = key_of(letter, scripts, lambda x: self.world.part(x, env.letters))
        if not arguments:
            raise self.error(f"{key} of nothing", node)
        e = self._applied(key, letter, primes, arguments, options, env, node)
        return self.with_scripts(e, tuple(powers), env, node)

    def _layered(self, script: Script, env: Env) -> bool:
        return any(
            (step := letter_and_step(x)) and (step[0] in env.letters or self.world.depth_of(step[0]))
            for x in script.items
        )

    def _applied(
        self, key: Key, letter: str, primes: int, arguments: list[Expression],
        options: dict[str, Any], env: Env, node: Any,
    ) -> Expression:  # fmt: skip
        defined = self.world.function(key)
        if defined is not None:
            return self.inlined(defined, primes, arguments, key)
        if letter in ELEMENTWISE and not key.low and not key.high:
            (x,) = arguments[:1]
            f: Any = ELEMENTWISE[letter]
            if len(arguments) > 1:
                raise self.error(f"{letter} of {len(arguments)} arguments", node)
            return Apply(Slope(f, primes) if primes else f, (x,), x.shape)
        if letter in FUNCTIONS and not primes:
            return self.of_a_matrix(letter, arguments, options, env, node)
        return self.open_function(key, letter, primes, arguments)

    def open_function(
        self, key: Key, letter: str, primes: int, arguments: list[Expression]
    ) -> Expression:
        scalar = letter in COSTS and not (letter == "f" and primes)
        f = self.world.drawn(key, scalar)
        if scalar and not primes:
            return Apply(f, tuple(arguments), ())
        if primes and len(arguments) > 1:
            raise Undefined(f"{key}′ of several arguments: write ∂{key}/∂…")
        shape: Any = arguments[0].shape
        for x in arguments[1:]:
            shape = self.together(arguments[0], x, "∘")
        return Apply(Slope(f, primes) if primes else f, tuple(arguments), shape)

    def inlined(
        self, defined: tuple[Definition, dict[str, int]], primes: int,
        arguments: list[Expression], key: Key,
    ) -> Expression:  # fmt: skip
        """A function of the note's own: its body at these arguments."""
        definition, letters = defined
        if len(arguments) != len(definition.parameters):
            raise NotConforming(f"{key} takes {len(definition.parameters)} arguments, not {len(arguments)}")
        if not primes:
            env = Env(dict(letters), {}, dict(zip(definition.parameters, arguments, strict=True)), False)
            return self(definition.meaning, env)
        if len(arguments) > 1:
            raise Undefined(f"{key}′ of several arguments: write ∂{key}/∂…")
        f = self.as_operation(key, definition, letters)
        return Apply(Slope(f, primes, str(key)), tuple(arguments), arguments[0].shape)

    def as_operation(self, key: Key, definition: Definition, letters: dict[str, int]) -> Any:
        """The note's function as one of NumPy's kind, of one number at a time."""
        if key not in self.world.functions:
            parameter = Symbol("parameter", definition.parameters[0], 0, ())
            env = Env(dict(letters), {}, {definition.parameters[0]: parameter}, False)
            body = self(definition.meaning, env)
            self.world.functions[key] = Defined(str(key), body, self.world)  # type: ignore[assignment]
        return self.world.functions[key]

    def of_a_matrix(
        self, letter: str, arguments: list[Expression], options: dict[str, Any], env: Env, node: Any
    ) -> Expression:
        reader = _MATRIX_FUNCTIONS.get(letter)
        if reader is None:
            raise self.error(f"{letter} is not evaluated here", node)
        return reader(self, arguments, options)

    def softmax(self, arguments: list[Expression], options: dict[str, Any]) -> Expression:
        from autograd_lite import rules

        (x,) = arguments
        rows, _ = matrix_shape(x)
        axis = (-1,) if is_one(rows) or self.world.plan.rows else (-2,)
        return Apply(rules.softmax_, (x,), x.shape, {"axis": axis}, axis)

    def logsumexp(self, arguments: list[Expression], options: dict[str, Any]) -> Expression:
        (x,) = arguments
        exps = self.sum_over(Apply(np.exp, (x,), x.shape), None)
        return Apply(np.log, (exps,), exps.shape)

    def sum_over(self, x: Expression, axis: int | None) -> Expression:
        """A sum over rows (0), columns (1), or everything."""
        rows, columns = matrix_shape(x)
        if axis is None or is_number(x):
            return self.sum_all(x)
        if axis % 2 == 0:
            return self.matrix_product(Ones((ONE, rows)), x)  # type: ignore[arg-type]
        return self.matrix_product(x, Ones((columns, ONE)))  # type: ignore[arg-type]

    def summing(self, arguments: list[Expression], options: dict[str, Any]) -> Expression:
        x = arguments[0]
        axis = options.get("axis")
        n = self.world.number(axis, {}) if axis is not None else None
        if axis is not None and n is None:
            raise self.error("axis is 0 or 1", axis)
        if axis is not None and "keepdims" not in options:
            self.remark("a sum over an axis is read with keepdims=True")
        return self.sum_over(x, n)

    def mean(self, arguments: list[Expression], options: dict[str, Any]) -> Expression:
        total = self.summing(arguments, options)
        (r1, c1), (r2, c2) = matrix_shape(arguments[0]), matrix_shape(total)
        for before, after in ((r1, r2), (c1, c2)):
            if not is_one(before) and is_one(after):
                total = self.divided(total, self.size_expression(before))
        return total

    def size_expression(self, size: Any) -> Expression:
        shape: Any = (size, ONE)
        return Apply(np.sum, (Ones(shape),), (), {"axis": (-2, -1)}, (-2, -1))

    def largest(self, arguments: list[Expression], options: dict[str, Any], op: Any) -> Expression:
        if len(arguments) == 2:
            a, b = arguments
            return Apply({"max": np.maximum, "min": np.minimum}[op], (a, b), self.together(a, b, "∘"))
        (x,) = arguments
        f = {"max": np.max, "min": np.min}[op]
        return x if is_number(x) else Apply(f, (x,), (), {"axis": (-2, -1)}, (-2, -1))

    def squared(self, x: Expression, what: str) -> None:
        if not joined(*matrix_shape(x)):
            raise NotConforming(f"{what} of {written_shape(matrix_shape(x))}, which is not square")

    def of_square(self, f: Any, arguments: list[Expression]) -> Expression:
        (x,) = arguments
        if is_number(x):
            return x
        self.squared(x, f.__name__)
        return Apply(f, (x,), ())

    def diagonal(self, arguments: list[Expression], options: dict[str, Any]) -> Expression:
        if len(arguments) > 1:
            raise NotConforming("diag of several arguments: write them as a vector")
        (x,) = arguments
        rows, columns = matrix_shape(x)
        if is_one(columns) or is_one(rows):
            size = rows if is_one(columns) else columns
            return Apply(diag, (x,), (size, size))
        self.squared(x, "the diagonal")
        return Apply(diag, (x,), (rows, ONE))

    def stacked(self, arguments: list[Expression], options: dict[str, Any]) -> Expression:
        (x,) = arguments
        rows, columns = matrix_shape(x)
        for size in (rows, columns):
            if size.root.value is None:
                size.root.value = self.world.drawing.size()
        n = rows.root.value * columns.root.value
        return Apply(vec, (x,), (Size(f"{rows} {columns}", n), ONE))

    # Sums over indices

    def reduction(self, node: Reduction, env: Env) -> Expression:
        if not node.indices:
            return self.bare_sum(node, env)
        env = replace(env, letters=dict(env.letters), axes=dict(env.axes))
        first, rest = node.indices[0], node.indices[1:]
        inner = replace(node, indices=rest) if rest else None
        if self.numbers(first.text, node):
            return self.unrolled(node, first.text, inner, env)
        letter = first.text
        low = self.world.number(node.low, env.letters) if node.low is not None else 1
        if low is None:
            low = 1
        count: Any = self.world.opened(letter)
        if node.high is not None:
            count = self.bound(node.high, low, env)
        env.letters.pop(letter, None)
        index = Index(letter, env.next_axis(), low, count)
        env.axes[letter] = index
        if inner is not None:
            body = self.reduction(inner, env)
        else:
            body = self(node.body, env)
            if node.condition is not None:
                body = self.scaled(self.condition(node.condition, env), body)
        if node.high is None and count.root.value is None and not _depends(body, index):
            raise Undefined(f"the sum over {letter} has no range")
        op = {"Σ": np.sum, "Π": np.prod, "max": np.max, "min": np.min}[node.kind]
        low_text = None if node.high is None else str(low)
        high_text = None if node.high is None else str(count)
        return SumOver(op, index, body, body.shape, (low_text, high_text))

    def bound(self, node: Any, low: int, env: Env) -> Size:
        if low == 1:
            size = self.world.size(node, env.letters)
            bounded = Size(size.name, size.value, size.literal)
            return bounded if size.value is not None else size
        n = self.world.number(node, env.letters)
        n = self.world.size(node, env.letters).value if n is None else n
        return Size(str(n), (n or 0) - low + 1)

    def numbers(self, letter: str, node: Reduction) -> bool:
        """Whether an index numbers names, as layers and samples, rather than elements."""
        if letter in self.world.plan.families:
            for x in nodes(node.body):
                name = taken_apart(x) if isinstance(x, Scripted) else None
                for script in name.indices if name else ():
                    if any((s := letter_and_step(i)) and s[0] == letter for i in script.items):
                        if script.kind == "^" or not self._has_elements(name):
                            return True
        return False

    def _has_elements(self, name: Any) -> bool:
        key = Key(name.letter)
        return self.world.find(key) is not None

    def unrolled(self, node: Reduction, letter: str, inner: Any, env: Env) -> Expression:
        """A sum over names: each written out."""
        low, high = self.world.bounds(letter, None)
        if node.low is not None and node.high is not None:
            ends = []
            for end in (node.low, node.high):
                n = self.world.number(end, env.letters)
                ends.append(self.world.size(end, env.letters).value if n is None else n)
            low, high = ends  # type: ignore[assignment]
        total: Expression | None = None
        for n in range(low, high + 1):
            here = replace(env, letters={**env.letters, letter: n}, axes=dict(env.axes))
            x = self.reduction(inner, here) if inner else self(node.body, here)
            if total is None:
                total = x
            elif node.kind == "Σ":
                total = Apply(np.add, (total, x), self.together(total, x, "+"))
            else:
                total = self.multiply("", total, x)
        return Number(Fraction(0)) if total is None else total

    def bare_sum(self, node: Reduction, env: Env) -> Expression:
        """Σ without an index: over samples, elements, or whatever index is bound nowhere."""
        letters: dict[str, None] = {}
        for x in nodes(node.body):
            name = taken_apart(x)
            for script in name.indices if name else ():
                for item in script.items:
                    step = letter_and_step(item)
                    if step and step[0] not in env.letters and step[0] not in env.axes:
                        numbering = step[0] in self.world.plan.families and not self.world.depth_of(step[0])
                        if numbering or (script.kind == "_" and step[0] in ELEMENTS):
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

    # Derivatives

    def derivative(self, node: Derivative, env: Env) -> Expression:
        if not node.wrt:
            raise Undefined("a gradient without its variable: ∇_W J")
        if node.of is None:
            raise self.error("nothing follows that is differentiated", node)
        slope = self.of_a_function(node, env)
        if slope is not None:
            return slope
        e = self.differentiated(node.of, env)
        for variable, order in node.wrt:
            for _ in range(order):
                e = self.by(e, variable, env, node.sign)
        return e

    def of_a_function(self, node: Derivative, env: Env) -> Expression | None:
        """∂σ/∂Z, of a function without its argument: σ′(Z)."""
        name = taken_apart(node.of)
        if name is None or len(node.wrt) != 1 or self.value_of(name, env) is not None:
            return None
        letter = name.letter
        key = key_of(letter, name.indices, lambda x: self.world.part(x, env.letters))
        is_known = letter in ELEMENTWISE or key in self.world.functions or self.world.function(key)
        if not is_known:
            return None
        if letter in COSTS:
            return None
        x = self(node.wrt[0][0], env)
        return self.applied(replace(name, letter=letter + "′"), [x], {}, env, node)

    def differentiated(self, node: Any, env: Env) -> Expression:
        """What stands above the bar; a cost that is not defined is one of the note's own."""
        name = taken_apart(node)
        if name is not None and not name.operations and name.letter in COSTS:
            if not name.indices and self.simple(name, env) is None and self.world.find(Key(name.letter)) is None:
                total = self.summed_loss(name.letter, env)
                return total if total is not None else self.implicit_cost(name.letter)
        if isinstance(node, Call) and (called := taken_apart(node.function)) is not None:
            if called.letter in COSTS and self.world.find(Key(called.letter)) is None:
                key = Key(called.letter)
                if self.world.function(key) is None and key not in self.world.functions:
                    return self.implicit_cost(called.letter)
        return self(node, env)

    def by(self, e: Expression, variable: Any, env: Env, sign: str) -> Expression:
        wrt, at, flipped = self.variable(variable, env)
        layout = "denominator" if sign in ("d", "D") else self.layout
        above, below = matrix_shape(e), matrix_shape(wrt)
        given: Any = tuple(at)
        whole = [n for x, n in zip(at, below, strict=True) if x is None]
        if any(x is not None for x in at):
            below = (whole[0], ONE) if whole else (ONE, ONE)
        shape = self.derivative_shape(above if not is_number(e) else (), below, layout)
        found: Expression = DerivativeOf(e, wrt, shape, given, layout)  # type: ignore[arg-type]
        return self.turned(found) if flipped else found

    def derivative_shape(self, above: tuple[Any, ...], below: tuple[Any, ...], layout: str) -> Any:
        if not above and all(map(is_one, below)):
            return ()
        if not above:
            return below[::-1] if layout == "numerator" else below
        if all(map(is_one, below)):
            turned = layout == "denominator" and any(map(is_one, above))
            return above[::-1] if turned else above
        if any(map(is_one, above)) and any(map(is_one, below)):
            m = above[0] if is_one(above[1]) else above[1]
            n = below[0] if is_one(below[1]) else below[1]
            return (n, m) if layout == "denominator" else (m, n)
        return (*above, *below)

    def variable(self, node: Any, env: Env) -> tuple[Symbol, list[Expression | None], bool]:
        """What a derivative is by: a letter, an element, a row or a column of it, or a transpose."""
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


# Operations of the tree that only notes have


def gathered(x: Any, shape: tuple[int, ...]) -> Any:
    """What depends on indices as a column, or as a matrix."""
    rows, columns = (*shape, 1, 1)[:2]
    if not shape:
        return np.reshape(x, ())
    full = np.broadcast_to(x, (columns, rows) if columns > 1 or np.ndim(x) > 1 else (rows,))
    return np.reshape(full, (rows, 1)) if np.ndim(full) == 1 else np.transpose(full)


def identity_matrix(shape: tuple[int, ...]) -> Any:
    """I."""
    return np.eye(shape[0]) if shape else np.ones(())


def unit_vector(i: Any, shape: tuple[int, ...]) -> Any:
    """e_i."""
    rows = np.arange(1, (shape or (1,))[0] + 1).reshape(-1, 1)
    return np.equal(rows, np.asarray(i)[..., None, None] if np.ndim(i) else i) * 1.0


class Defined:
    """A function that the note defines, of one number at a time."""

    def __init__(self, name: str, body: Expression, world: World) -> None:
        self.__name__, self.body, self.world = name, body, world

    def __call__(self, x: Any) -> Any:
        from autograd_lite.algebra.evaluation import evaluate
        from autograd_lite.formula.shapes import settled

        def value(s: Symbol) -> Any:
            return x if s.kind == "parameter" else self.world.value(s)

        return evaluate(settled(self.body), value, True)


def _truth(e: Expression) -> Expression:
    return Apply(np.greater, (e, Number(Fraction(1, 2))), e.shape)


def _constant(e: Expression) -> bool:
    """Whether a number is one that stands in the note, or a size."""
    from autograd_lite.algebra.tree import symbols

    return not any(s.kind == "value" for s in symbols(e))


def _symbols(e: Expression) -> list[Symbol]:
    from autograd_lite.algebra.tree import symbols

    return symbols(e)


def _differ(a: Any, b: Any) -> str:
    def shown(size: Any) -> str:
        root = size.root
        return root.name if root.literal else f"{root.name} = {root.value}"

    return f"{shown(a)} ≠ {shown(b)}" if same(a, b) is False else "they differ"


def _sizes(e: Expression) -> str:
    return " × ".join(map(str, e.shape)) or "a number"


def _text(node: Any) -> str:
    step = letter_and_step(node)
    if step:
        return step[0] + (f"{step[1]:+d}" if step[1] else "")
    return str(node.value) if isinstance(node, Num) else "i"


def _chain_end(e: Expression) -> Symbol | None:
    if isinstance(e, DerivativeOf) and e.at == (None, None):
        return e.wrt
    if isinstance(e, Apply) and e.op is np.tensordot:
        return _chain_end(e.arguments[1])
    return None


def _full(e: Expression) -> Expression:
    """A derivative with all of its indices side by side."""
    if isinstance(e, DerivativeOf) and e.at == (None, None) and not is_number(e.wrt):
        above = () if is_number(e.of) else matrix_shape(e.of)
        shape: Any = (*above, *matrix_shape(e.wrt)) if above else matrix_shape(e.wrt)
        return replace(e, shape=shape, layout="full")
    return e


def _norm_of(e: Expression) -> Any:
    return None


def _bounded(index: Index) -> bool:
    return False


def _depends(e: Expression, index: Index) -> bool:
    from autograd_lite.algebra.tree import children

    return e == index or any(_depends(x, index) for x in children(e))


def outside_of(letter: str) -> str:
    return f"the note has {letter} for other layers only"


_COMPARED: dict[str, Any] = {text: op for op, (text, _) in COMPARISONS.items()}
_MATRIX_FUNCTIONS: dict[str, Callable[..., Expression]] = {
    "softmax": Elaborator.softmax,
    **dict.fromkeys(("logsumexp", "LSE"), Elaborator.logsumexp),
    "sum": Elaborator.summing,
    "mean": Elaborator.mean,
    "diag": Elaborator.diagonal,
    "vec": Elaborator.stacked,
    **dict.fromkeys(("tr", "trace"), lambda self, a, o: self.of_square(trace, a)),
    "det": lambda self, a, o: self.of_square(np.linalg.det, a),
    "logdet": lambda self, a, o: self.of_square(logdet, a),
    "inv": lambda self, a, o: self.inverse(a[0]),
    "norm": lambda self, a, o: self.norm(a[0]),
    "transpose": lambda self, a, o: self.turned(a[0]),
    **dict.fromkeys(("dot", "matmul"), lambda self, a, o: self.multiply("@", *a)),
    "multiply": lambda self, a, o: self.multiply("∘", *a),
    "outer": lambda self, a, o: self.outer(*a),
    **dict.fromkeys(("max", "maximum"), lambda self, a, o: self.largest(a, o, "max")),
    **dict.fromkeys(("min", "minimum"), lambda self, a, o: self.largest(a, o, "min")),
}
_READERS: dict[type, Callable[..., Expression]] = {
    Num: Elaborator.number,
    Name: Elaborator.name,
    Scripted: Elaborator.name,
    Total: Elaborator.total,
    Product: Elaborator.product,
    Quotient: Elaborator.quotient,
    Bracket: Elaborator.bracket,
    Grid: Elaborator.grid,
    Call: Elaborator.call,
    Prefixed: Elaborator.prefixed,
    Reduction: Elaborator.reduction,
    Derivative: Elaborator.derivative,
}
_ = Drawn, Entry
