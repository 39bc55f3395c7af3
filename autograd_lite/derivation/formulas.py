"""A formula as text on a tape, at sizes that are letters: `derive("xᵀ A x", wrt="x")`.

The text is read as a note is (`formula`), with sizes that are prime and share no factor with its
numbers, so that 1/13 in a result is 1/m. A result is checked at other sizes and values too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain, count, islice
from typing import Any

import numpy as np

from autograd_lite.algebra.evaluation import evaluate
from autograd_lite.algebra.matrices import NoMatrix
from autograd_lite.algebra.matrix_form import in_matrices
from autograd_lite.algebra.tree import Expression, Symbol, symbols
from autograd_lite.derivation.closed import ClosedForm, On, with_sizes
from autograd_lite.derivation.indices import without_indices
from autograd_lite.derivation.letters import (
    LETTERS,
    Shapes,
    assume_samples,
    assume_shapes,
    before_brackets,
    ends_of_sums,
    has_weights,
    numbers_in,
)
from autograd_lite.derivation.named_tape import NamedTape
from autograd_lite.formula.elaboration import Elaborator
from autograd_lite.formula.evidence import COSTS
from autograd_lite.formula.naming import Key, names_in, taken_apart
from autograd_lite.formula.passages import note_of
from autograd_lite.formula.plan import NotePlan, planned
from autograd_lite.formula.shapes import Size, settled, settled_shape
from autograd_lite.formula.statements import formula, read
from autograd_lite.formula.syntax import Chain
from autograd_lite.formula.world import COUNTS, NameEntry, SizeDrawing, Undefined, World
from autograd_lite.graph import Steps
from autograd_lite.tensor import Tensor

SMALLEST = 11  # size that is a letter; a depth of 2 is none
PROPERTIES: dict[str, frozenset[str]] = {
    "positive": frozenset({"positive"}),
    "symmetric": frozenset({"symmetric"}),
    "positive definite": frozenset({"symmetric", "definite"}),
    "diagonal": frozenset({"symmetric", "diagonal"}),
    "orthogonal": frozenset({"orthogonal"}),
    "one-hot": frozenset({"rows sum to 1"}),
    "one-hot columns": frozenset({"columns sum to 1"}),
    "sums to 1": frozenset({"columns sum to 1"}),
}


class FormulaOnTape:
    """A formula at drawn sizes and values.

    cost: its value; letters: the Tensors of its letters, by name; sizes: the letters of sizes, by
    number; shapes: those of `letters`, in letters of sizes.
    """

    def __init__(
        self,
        text: str,
        shapes: Shapes | None = None,
        assume: Mapping[str, str] | None = None,
        draw: int = 0,
        largest_first: bool = True,
    ) -> None:
        self.properties = _properties(assume or {})
        note, self.name, self.written = _note(text, shapes or {})
        plan = planned(read(note_of(note, "formula", ".txt" if "\\" not in note else ".md")))
        if plan.unread:
            raise plan.unread[0]
        assume_shapes(plan)
        self.samples = assume_samples(plan, shapes or {})
        drawing = _Primes(2, 3, "different", np.random.default_rng(draw))
        drawing.primes = _primes(text, draw, largest_first)
        self.world = _World(plan, drawing, self.properties)
        try:
            self._meet_letters(plan, shapes or {})
            entry = self.world.find(Key(self.name))
        except (Undefined, IndexError, RecursionError) as error:
            raise ValueError(f"{text!r} cannot be read: {error}") from error
        if entry is None:
            raise ValueError(f"{text!r} is no formula")
        self.entry = entry
        self.world.close()
        self.cost = self._finite()
        self.sizes: dict[int, str] = {}
        self.letters: dict[str, Tensor] = {}
        self.shapes: dict[str, tuple[str | int, ...]] = {}
        self._name_sizes()
        self._name_leaves()

    def _meet_letters(self, plan: NotePlan, shapes: Shapes) -> None:
        """Make sizes and leaves of the letters that would be read as something else."""
        world = self.world
        for size in (str(n) for shape in shapes.values() for n in shape):
            if not size.isdigit():
                world.named_size(size)
        ends = [x for d in plan.definitions for x in ends_of_sums(d.meaning)]
        products = before_brackets(plan)  # `A (x + y)`
        for letter in (x for x in (*ends, *products) if world.find(Key(x)) is None):
            if letter in ends or letter in COUNTS:
                world.named_size(letter)
            else:
                world.undeclared(Key(letter))

    def _finite(self) -> Tensor:
        """The value at the first kind of values at which it is finite."""
        with np.errstate(all="ignore"):
            for kind in ("normal", "unit", "definite", "fraction"):
                for _ in range(3):
                    self.world.draw_again(kind)
                    value = self._value()
                    if not np.isfinite(value.data).all():
                        break
                else:
                    return value
        raise ValueError(f"{self.name} is not finite at any values that were tried: say more of "
                         "its letters with assume=")  # fmt: skip

    def _value(self) -> Tensor:
        try:
            value: Tensor = self.world.value(self.entry.symbol)
        except (IndexError, ValueError) as error:
            raise self.world.indices or error from None
        return value

    def _name_sizes(self) -> None:
        """Letters for the sizes of the leaves: those of the text, and free ones for the rest."""
        leaves = [e for e in self.world.by_number if e.meaning is None]
        roots: list[Any] = [size for e in leaves for size in e.symbol.shape]
        named = {int(size.value or 0): key for key, size in self.world.sizes.items()}
        taken = {*named.values(), *(e.symbol.label for e in leaves)}
        letters = (c + suffix for suffix in ("", "₁", "₂", "₃") for c in LETTERS)
        free = (letter for letter in letters if letter not in taken)
        for size in (x.root for x in roots):
            if size.value not in named:
                named[size.value] = size.name if size.literal else next(free)
        self.sizes = {n: c for n, c in named.items() if n >= SMALLEST and not c.isdigit()}

    def _name_leaves(self) -> None:
        """The Tensors of the letters, and their shapes; a vector has one size."""
        for e in self.world.by_number:
            if e.meaning is not None:
                continue
            self.letters[e.symbol.label] = self.world.value(e.symbol)
            shape = settled_shape(e.symbol.shape)
            kept = shape[:1] if len(shape) == 2 and shape[1] == 1 else shape
            self.shapes[e.symbol.label] = tuple(self.sizes.get(n, n) for n in kept)

    @property
    def remarks(self) -> list[str]:
        """What was read in a way that the text does not say."""
        return list(self.world.elaborator.remarks)

    @property
    def said_of_samples(self) -> str:
        """`; x_i is a row of X`, for each matrix that the text has by its rows or columns alone."""
        parts = ([*name.split("_"), said] for name, said in self.samples.items())
        return "".join(f"; {x.lower()}_{i} is a {said} of {x}" for x, i, said in parts)

    @property
    def note(self) -> list[str]:
        """The lines of a note that says what the formula is; softmax is of rows where it was."""
        declared = []
        for letter, shape in self.shapes.items():
            sizes = f"^{{{' × '.join(map(str, shape))}}}" if shape else ""
            known = self.properties.get(letter, frozenset())
            base = "𝕊" if "symmetric" in known else "ℝ"
            declared.append(f"{letter} ∈ {base}{sizes}")
        rows = self.world.plan.softmax and (self.world.softmax == "rows" or self.world.plan.rows)
        matter = [f"{name}: {said}" for name, said in self.samples.items()]
        matter += ["softmax: rows"] if rows else []
        matter = ["---", *matter, "---"] if matter else []
        return [*matter, ", ".join(declared), *self.written]

    def in_letters(self, form: ClosedForm, x: str) -> ClosedForm:
        """A closed form with letters for the sizes in its shape, and what defined letters mean."""
        form = self._with_definitions(form)
        if form.kind in ("gradient", "product"):
            return replace(form, shape=self.shapes[x])
        shape = tuple(self.sizes.get(n, n) for n in form.shape if n > 1)
        return replace(form, shape=shape)

    def _with_definitions(self, form: ClosedForm) -> ClosedForm:
        entries = {e.symbol.label: e for e in self.world.by_number if e.meaning is not None}
        names = list(form.names)
        waiting = [s for s in form.inputs if s.label in entries]
        inputs = [s for s in form.inputs if s.label not in entries]
        while waiting:
            name = waiting.pop()
            meant: Any = entries[name.label].meaning
            meaning = with_sizes(in_matrices(without_indices(settled(meant))), self.sizes)
            names.insert(0, (name, meaning))
            inside = {s.label: s for s in symbols(meaning) if s.kind == "value"}
            known = {s.label for s in (*inputs, *waiting, *(n for n, _ in names))}
            new = [s for s in inside.values() if s.label not in known]
            waiting += [s for s in new if s.label in entries]
            inputs += [s for s in new if s.label not in entries]
        return replace(form, names=names, inputs=tuple(inputs))

    def on(self, x: str) -> On:
        """The formula and one of its letters, and how their tape is read."""
        return On(self.cost, self.letters[x], self.name, self.named)

    def named(self, recorded: Steps) -> NamedTape:
        """A recorded tape with the letters' sizes, properties, and other values."""
        rng = np.random.default_rng(7)
        fresh = {
            s.number: self.world.values_like(s.tensor, rng)
            for s in recorded
            if s.op is None and s.tensor.requires_grad and not s.is_gradient
        }
        return NamedTape(recorded, fresh, self.sizes, self.properties)


def _properties(assume: Mapping[str, str]) -> dict[str, frozenset[str]]:
    for letter, said in assume.items():
        if said not in PROPERTIES:
            raise ValueError(f"assume: {letter} {said!r}: there are {', '.join(PROPERTIES)}")
    return {letter: PROPERTIES[said] for letter, said in assume.items()}


def _note(text: str, shapes: Shapes) -> tuple[str, str, list[str]]:
    """The formula as a note, its name, and the lines of the text, of which the last has a name."""
    *before, last = [line.strip() for line in text.strip().splitlines()] or [""]
    syntax = formula(last)
    sizes = {n for shape in shapes.values() for n in shape} | {*ends_of_sums(syntax)}
    numbers = {x: () for x in numbers_in(syntax) if x not in sizes} | dict(shapes)
    if isinstance(syntax, Chain):
        name = taken_apart(syntax.parts[0])
        if name is None or syntax.relations != ("=",):
            raise ValueError(f"{last!r} is a statement: a formula, or a name = a formula")
        label = str(name.letter)
    else:
        used = {x.letter for x in names_in(syntax)}
        label = next(c for c in COSTS if c not in used)
        last = f"{label} = {last}"
    declarations = [
        f"{letter} ∈ ℝ^{{{' × '.join(map(str, sizes))}}}" if sizes else f"{letter} ∈ ℝ"
        for letter, sizes in numbers.items()
    ]
    lines = [*declarations, *before, last]
    if "\\" in text:
        lines = [f"$$ {line} $$" for line in lines]
    return "\n\n".join(lines) + "\n", label, [*before, last]


def _primes(text: str, draw: int, largest_first: bool) -> Iterator[int]:
    """Primes that no number of the text, nor those just below it, has for a factor.

    Two draws share none.
    """
    numbers = [int(n) for n in re.findall(r"\d+", text)]
    near = [m for n in numbers for m in (n, n - 1, n - 2) if m > 0]
    primes = (
        p for p in count(SMALLEST) if all(p % k for k in range(2, p)) and all(m % p for m in near)
    )
    own = islice(primes, draw, None, 2)
    first = list(islice(own, 6))
    return chain(reversed(first) if largest_first else first, own)


class _Primes(SizeDrawing):
    primes: Iterator[int]

    def size(self) -> int:
        self.met += 1
        return next(self.primes)


class _World(World):
    """A world whose sizes are letters on the tape, and whose values have what is assumed."""

    def __init__(
        self, plan: NotePlan, drawing: SizeDrawing, properties: Mapping[str, frozenset[str]]
    ) -> None:
        super().__init__(
            plan, drawing, Elaborator, softmax="rows" if has_weights(plan) else "columns"
        )
        self.properties = properties
        self.kind = "normal"
        self.counts: dict[str, Tensor] = {}
        self.known: dict[Expression, Any] = {}
        self.indices: NoMatrix | None = None  # why indices are left

    def named_size(self, key: str) -> Size:
        """A size; T and L are sizes as others where they number no steps and no layers."""
        if key not in self.sizes and key in ("L", "T") and not self.plan.families:
            self.sizes[key] = Size(key, self.drawing.size())
        return super().named_size(key)

    def value(self, symbol: Symbol) -> Any:
        if symbol.kind != "size":
            return super().value(symbol)
        if symbol.label not in self.counts:
            n = self.named_size(symbol.label).value
            self.counts[symbol.label] = Tensor(float(n or 0), requires_grad=True, name=symbol.label)
        return self.counts[symbol.label]

    def evaluated(self, e: Expression) -> Any:
        """On a tape where what is written twice, as σ(X w), is one step, which has one name."""
        try:
            e = without_indices(e)
        except NoMatrix as error:
            self.indices = self.indices or error
        return evaluate(e, self.value, True, self.known)

    def draw_again(self, kind: str) -> None:
        self.kind = kind
        self.known.clear()
        for entry in self.by_number:
            entry.value = None

    def values_like(self, t: Tensor, rng: np.random.Generator) -> Any:
        """Other values for a leaf; a size stays what it is."""
        if t.name in self.counts:
            return t.data
        known = next((e for e in self.by_number if e.value is t), None)
        if known is None:  # a direction
            return rng.standard_normal(t.shape)
        return self._values(known, rng)

    def _draw(self, entry: NameEntry) -> Any:
        return self._values(entry, self.drawing.rng)

    def _values(self, entry: NameEntry, rng: np.random.Generator) -> Any:
        shape = settled_shape(entry.symbol.shape)
        known = self.properties.get(entry.symbol.label, frozenset())
        n = shape[0] if shape else 1
        values = rng.uniform(0.3, 1.5, size=shape)
        if self.kind == "normal" and not known & {"positive", "definite"}:
            values = rng.standard_normal(shape) / (shape[1] ** 0.5 if len(shape) == 2 else 1)
        if self.kind == "fraction":
            values = rng.uniform(0.1, 0.9, size=shape)
        square = len(shape) == 2 and shape[0] == shape[1]
        if square and (self.kind == "definite" or "definite" in known):
            values = np.eye(n) + 0.3 * rng.standard_normal(shape) / n**0.5
        if "symmetric" in known or entry.declared == "symmetric":
            values = (values + np.transpose(values)) / 2
        if "diagonal" in known:
            values = np.diag(np.diag(values))
        if "orthogonal" in known:
            values = np.linalg.qr(rng.standard_normal(shape))[0]
        if known & {"rows sum to 1", "columns sum to 1"}:
            values = np.abs(values) + 0.1
            axis = 1 if "rows sum to 1" in known and shape[1] > 1 else 0
            values = values / np.sum(values, axis, keepdims=True)
        return values


def formula_on_tapes(
    text: str,
    shapes: Shapes | None = None,
    assume: Mapping[str, str] | None = None,
    largest_first: bool = True,
) -> list[FormulaOnTape]:
    """A formula at two draws of sizes and values.

    largest_first: whether sizes that are met first are the largest, so that the X ∈ ℝ^{m × n} of
    XᵀX is tall.
    """
    try:
        return [FormulaOnTape(text, shapes, assume, draw, largest_first) for draw in range(2)]
    except RecursionError as error:
        raise ValueError(f"{text!r} cannot be read: is Σ a sum over nothing?") from error
