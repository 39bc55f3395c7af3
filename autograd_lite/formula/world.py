"""One drawing of a note: sizes and values for its letters, and what its names stand for.

Names are made when something refers to them. A definition is read when its name is first needed, so
that the order of a note does not matter; sizes that are not declared follow from the definitions.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from operator import mul
from typing import Any

import numpy as np

from autograd_lite.algebra.evaluation import evaluate
from autograd_lite.algebra.tree import (
    Apply,
    Derivative,
    Element,
    Expression,
    Symbol,
    children,
    rebuilt,
)
from autograd_lite.formula.naming import (
    Key,
    KeyPart,
    NameParts,
    key_of,
    letter_and_step,
    taken_apart,
)
from autograd_lite.formula.plan import Declaration, Definition, NotePlan
from autograd_lite.formula.shapes import (
    ONE,
    NotConforming,
    Size,
    joined,
    literal,
    matrix_shape,
    settled,
    settled_shape,
)
from autograd_lite.formula.syntax import Name, Num, Script, Sum
from autograd_lite.formula.tokens import FormulaError
from autograd_lite.formula.vocabulary import Drawn, SlopeOf
from autograd_lite.tensor import Tensor

MOST_NAMES_OF_A_NOTE = 2_000


class Undefined(LookupError):
    """A name, or one of a family's, that the note does not define."""


class Outside(Undefined):
    """A name of a family, for a layer that there is not."""


class Unfit(Undefined):
    """A name whose definition does not fit, so that nothing can be said of what uses it.

    of: in what it does not fit.
    """

    def __init__(self, key: Key, of: NotConforming) -> None:
        super().__init__(f"{key} is defined by what does not conform: {of}")
        self.of = of


class Ambiguous(ValueError):
    """What can be read in two ways, with how to choose."""


@dataclass
class NameEntry:
    """A name in one drawing: its symbol, what it stands for if it is defined, and its value."""

    symbol: Symbol
    meaning: Expression | None = None
    declared: str = "real"
    unsaid: bool = False  # whether nothing in the note says what it is, or one like it
    guessed: bool = False  # whether it is a cost that is any function of several names
    value: Any = None
    copy_of: Symbol | None = None  # whose value it has, as a letter that depends on nothing
    ready: Expression | None = None


@dataclass
class SizeDrawing:
    """How sizes are drawn: depth of the layers, and `size(n)` for the n-th size that is met."""

    depth: int
    steps: int
    pattern: str  # different, equal, or the number of the size that is 1
    rng: np.random.Generator
    met: int = 0
    _pool: list[int] = field(default_factory=list)

    def size(self) -> int:
        """The next size."""
        self.met += 1
        if self.pattern == "equal":
            return 3
        if self.pattern == "large":
            return _PRIMES[(self.met - 1) % len(_PRIMES)]
        if self.pattern == "pairs":
            return 2 + self.met % 2
        if self.pattern == f"one {self.met}":
            return 1
        if not self._pool:
            low = 2 if self.met < 6 else 7
            self._pool = [int(n) for n in self.rng.permutation(np.arange(low, low + 5))]
        return self._pool.pop()


class World:
    """One drawing of a note's sizes and values."""

    def __init__(
        self,
        plan: NotePlan,
        drawing: SizeDrawing,
        reader: Callable[[World], Any],
        gradients: str = "plain",
        softmax: str = "columns",
        square: str = "real",
        sigma: str = "logistic",
        open_functions: str = "",
        partials: str = "total",
    ) -> None:
        self.plan, self.drawing = plan, drawing
        self.softmax = plan.conventions.get("softmax", softmax)  # along columns, or rows
        self.sigma = sigma  # what σ without an index is, where σ(z)_i is softmax
        self.open_functions = open_functions  # what functions are that the note leaves open
        self.square = square  # how square matrices of real numbers are drawn: real, or symmetric
        self.gradients = gradients  # plain, or `m`: dZ stands for m ∂J/∂Z
        self.source = plan.read.note.sources[0]  # of what is read now, for its errors
        self.entries: dict[Key, NameEntry] = {}
        self.by_number: list[NameEntry] = []
        self.sizes: dict[str, Size] = {}
        self.functions: dict[Key, Drawn] = {}
        self.meanings: dict[Expression, NameEntry] | None = None
        self.open: list[Size] = []
        self.unsaid: list[Size] = []  # those of names that only claims speak of
        self.given: set[str] = set()  # the letters of sizes that were open
        self.busy: set[Key] = set()
        self.of_columns: set[str] = set()  # letters defined column by column
        self.closed = False  # whether sizes are fixed and no name may be new
        self.partials = partials
        self.definitions = _by_letter(plan.definitions)
        self.declarations = _by_letter(plan.declarations)
        self.elaborator = reader(self)
        self.positive = False  # whether undeclared letters are drawn from (0, 1)

    # Sizes

    def size(self, node: Any, letters: dict[str, int] | None = None, least: int = 1) -> Size:
        """The size that an expression of a shape or a bound is; at least `least`."""
        if isinstance(node, Num):
            if node.value not in range(1, LARGEST_SIZE + 1):
                said = f"a size is a whole number from 1 to {LARGEST_SIZE:,}"
                raise FormulaError(said, self.source, node.start)
            return literal(int(node.value))
        name = taken_apart(node)
        if name is not None and not name.operations:
            if name.letter in (letters or {}) and not name.indices:
                n = letters[name.letter]  # type: ignore[index]
                return Size(name.letter, n)
            return self.named_size(self.size_key(name, letters or {}))
        n = self.number(node, letters or {})
        if n is None and isinstance(node, Sum):
            terms = [(sign, self.size(x, letters).value) for sign, x in node.terms]
            n = sum(sign * value for sign, value in terms if value is not None)
        if n is None or not least <= n <= LARGEST_SIZE:
            raise FormulaError("a size is a number, a letter, or n + 1", self.source, node.start)
        return Size(str(n), n)

    def key(self, letter: str, scripts: Iterable[Script], letters: dict[str, int]) -> Key:
        """The key of a name with these scripts, for these numbers of layers."""
        return key_of(letter, scripts, lambda x: self.part(x, letters))

    def size_key(self, name: NameParts, letters: dict[str, int]) -> str:
        return str(self.key(name.letter, name.indices, letters))

    def named_size(self, key: str) -> Size:
        if key not in self.sizes:
            given = self.plan.sizes.get(key.replace("[", "^").replace("]", ""), None)
            given = self.plan.sizes.get(key, given)
            if given is None and key[-1:].isdigit():  # S_3, where S_L is given
                keys = {self.size_key(name, {}): n for name, n in self.plan.sized if name.indices}
                given = keys.get(key)
            if given is None and key == "L":
                given = self.drawing.depth + self.plan.first_layer - 1
            elif given is None and key == "T":
                given = self.drawing.steps
            said = {*self.plan.sizes_said, *itertools.chain(*self.plan.at_least)}
            if given is None and re.split(r"[_\[]", key)[0] not in said:
                self.sizes[key] = self.opened(key)
                self.unsaid.append(self.sizes[key])
            else:
                drawn = Size(key, self._drawn_size(key) if given is None else given)
                self.sizes[key] = ONE if given == 1 else drawn
        return self.sizes[key].root

    def meet(self, count: Any, size: Any) -> bool:
        """Whether an index that goes to a count goes over a size, after joining the two.

        What only claims speak of is no size that has a name elsewhere: it is drawn.
        """
        if size.root.name in self.sizes:
            for unsaid in (x for x in self.unsaid if x.root is count.root is not size.root):
                unsaid.root.value = unsaid.root.value or self.drawing.size()
        return joined(count, size)

    def _drawn_size(self, key: str) -> int:
        n = self.drawing.size()
        for large, small in self.plan.at_least:
            other = self.sizes.get(small if key == large else large)
            if key in (large, small) and other is not None and other.value is not None:
                n = max(n, other.value) if key == large else min(n, other.value)
        return n

    def depth_of(self, letter: str) -> bool:
        """Whether a letter is where a family of names ends, as L."""
        if letter == "L" and "L" not in self.plan.letters and self.plan.cost != "L":
            return True
        return any(
            isinstance(high, Name) and high.text == letter
            for high in (self.plan.extent(x, None)[1] for x in self.plan.families)
        )

    def number(self, node: Any, letters: dict[str, int]) -> int | None:
        """The whole number that an index or a bound is; None if it is none."""
        if isinstance(node, Num):
            return int(node.value) if node.value == int(node.value) else None
        if isinstance(node, Sum):
            numbers = [self.number(x, letters) for _, x in node.terms]
            signs = [sign for sign, _ in node.terms]
            known = [n for n in numbers if n is not None]
            return sum(map(mul, signs, known)) if len(known) == len(numbers) else None
        if isinstance(node, Name) and node.text in letters:
            return letters[node.text]
        name = taken_apart(node)
        if name is not None and not name.operations:
            key = self.size_key(name, letters)
            if key in self.sizes or key in self.plan.sizes or self.depth_of(key):
                return self.named_size(key).value
        return None

    def part(self, node: Any, letters: dict[str, int]) -> KeyPart:
        """What an index of a name is: a number where it has one, otherwise as it is written."""
        step = letter_and_step(node)
        if step is not None and (step[0] in letters or self.depth_of(step[0])):
            n = self.number(node, letters)
            if n is not None:
                return n
        if isinstance(node, Num) and node.value == int(node.value):
            return int(node.value)
        if step is not None:
            return step[0] + (f"{step[1]:+d}" if step[1] else "")
        name = taken_apart(node)
        if name is not None:
            return self.size_key(name, letters)
        return "?"

    def opened(self, name: str, soft: bool = False) -> Size:
        """A size that equations decide."""
        size = Size(name, soft=soft)
        self.open.append(size)
        return size

    def close(self) -> None:
        """Give every size that is still open its number."""
        for size in self.open:
            root = size.root
            if root.value is None and root.soft:
                joined(root, ONE)
            elif root.value is None:
                root.value = self.drawing.size()
                taken = (self.sizes.keys(), self.plan.letters, self.given)
                free = (c for c in _SIZE_LETTERS if not any(c in names for names in taken))
                root.name = next(free, root.name)
                self.given.add(root.name)
        self.open.clear()

    # Names

    def find(self, key: Key) -> NameEntry | None:
        """What a key stands for: a name that was met, that is defined, or declared."""
        if key in self.entries:
            return self.entries[key]
        if len(self.entries) > MOST_NAMES_OF_A_NOTE:
            raise Undefined(f"more than {MOST_NAMES_OF_A_NOTE} names: the note is too large")
        best: tuple[Definition, dict[str, int]] | None = None
        for definition in self.definitions[key.letter]:
            letters = self.match(definition.name, key, definition.statement)
            if letters is not None and (best is None or len(letters) < len(best[1])):
                best = definition, letters
        declared = self.declaration(key)
        if best is not None and not best[0].parameters:
            return self._defined(key, *best, declared)
        is_value = best is not None and best[0].name.letter in self.plan.bare & _COST_LETTERS
        if best is not None and is_value:
            return self._defined(key, *best, declared)
        if declared is not None:
            return self._leaf(key, *declared)
        return None

    def function(self, key: Key) -> tuple[Definition, dict[str, int]] | None:
        """The definition of a function by this name."""
        for definition in self.definitions[key.letter]:
            if definition.parameters:
                letters = self.match(definition.name, key, definition.statement)
                if letters is not None:
                    return definition, letters
        return None

    def declaration(self, key: Key) -> tuple[Declaration, dict[str, int]] | None:
        found = None
        for declaration in self.declarations[key.letter]:
            letters = self.match(declaration.name, key, declaration.statement, False)
            if letters is not None and (found is None or declaration.shape is not None):
                found = declaration, letters
        return found

    def match(
        self, name: NameParts, key: Key, statement: Any, elements: bool = True
    ) -> dict[str, int] | None:
        """The numbers with which a name of the note, of the key's letter, is the key; or None."""
        low = [x for s in name.indices if s.kind == "_" for x in self._items(s)]
        high = [x for s in name.indices if s.kind == "^" for x in s.items]
        if elements:
            low = [x for x in low if not self.plan.is_element(x, name.letter)]
        if len(low) != len(key.low) or len(high) != len(key.high):
            return None
        letters: dict[str, int] = {}
        for item, part in zip((*low, *high), (*key.low, *key.high), strict=True):
            if not self._fits(item, part, letters):
                return None
        inside = all(self._reaches(x, n, statement) for x, n in letters.items())
        return letters if inside else None

    def _fits(self, item: Any, part: KeyPart, letters: dict[str, int]) -> bool:
        """Whether one index of a name is this part of a key, for the numbers of its letters."""
        if isinstance(item, str):
            return item == part
        step = letter_and_step(item)
        if step and step[0] in self.plan.families and isinstance(part, int):
            return letters.setdefault(step[0], part - step[1]) == part - step[1]
        return self.part(item, {}) == part

    def _reaches(self, letter: str, n: int, statement: Any) -> bool:
        low, high = self.bounds(letter, statement)
        return low <= n <= high

    def _items(self, script: Script) -> tuple[Any, ...]:
        """The lowered parts of a name, `hh` as one."""
        words = all(isinstance(x, Name) and x.text not in self.plan.families for x in script.items)
        if (
            len(script.items) > 1
            and words
            and "," not in script.raw
            and not all(self.plan.is_element(x, "") for x in script.items)
        ):
            return (script.raw,)
        return script.items

    def has_elements(self, script: Script, letter: str) -> bool:
        """Whether what is lowered are indices of elements, all of it."""
        return script.kind == "_" and all(self.plan.is_element(x, letter) for x in script.items)

    def bounds(self, letter: str, statement: Any) -> tuple[int, int]:
        """From where to where a letter goes in this drawing."""
        low, high = self.plan.extent(letter, statement)
        first, last = self.end(low, {}), self.end(high, {})
        if isinstance(high, Num) == isinstance(low, Num):
            return min(first, last), max(first, last)
        down = isinstance(high, Num)  # l = L − 1, …, 1 may be empty, and l = 2, …, L − 1
        return (last, first) if down else (first, last)

    def end(self, node: Any, letters: dict[str, int]) -> int:
        """The number at which a range begins or ends."""
        n = self.number(node, letters)
        return int(self.size(node, letters).value or 0) if n is None else n

    def ranges(self, letters: Sequence[str], statement: Any) -> Iterator[dict[str, int]]:
        """The numbers of these letters, in every combination."""
        ends = [self.bounds(letter, statement) for letter in letters]
        for values in itertools.product(*(range(low, high + 1) for low, high in ends)):
            yield dict(zip(letters, values, strict=True))

    def precedes(self, key: Key) -> bool:
        """Whether a name is the one before the first of its family, as A[0] is."""
        after = Key(key.letter, _next(key.low), _next(key.high))
        for definition in self.definitions[key.letter]:
            if self.match(definition.name, after, definition.statement) is not None:
                return True
        return False

    def has(self, letter: str) -> bool:
        """Whether a letter with other layers is known."""
        return any(key.letter == letter for key in self.entries)

    def last(self, letter: str) -> NameEntry | None:
        """The name of the last layer, for a letter that has only names with one."""
        for definition in self.definitions[letter]:
            raised = [x for s in definition.name.indices if s.kind == "^" for x in s.items]
            if len(raised) == 1:
                step = letter_and_step(raised[0])
                if step and step[0] in self.plan.families:
                    return self.find(
                        Key(letter, (), (self.bounds(step[0], definition.statement)[1],))
                    )
        return None

    def last_met(self, letter: str) -> NameEntry | None:
        """The name of the last layer that was met."""
        met = {key.high: e for key, e in self.entries.items() if key.letter == letter and key.high}
        numbered = {high[0]: e for high, e in met.items() if isinstance(high[0], int)}
        return numbered.get(max(numbered, default=0))

    def new_entry(self, key: Key, shape: tuple[Any, ...], label: str = "") -> NameEntry:
        """A name of its own, with this shape."""
        symbol = Symbol("value", label or str(key), len(self.by_number), shape)
        entry = NameEntry(symbol)
        self.by_number.append(entry)
        self.entries[key] = entry
        return entry

    def _leaf(self, key: Key, declaration: Declaration, letters: dict[str, int]) -> NameEntry:
        entry = self.new_entry(key, self.declared_shape(declaration, letters))
        entry.declared = declaration.values
        hot = self.plan.conventions.get(str(key), "")
        entry.declared = hot if hot in ("one-hot", "binary") else entry.declared
        return entry

    def declared_shape(self, declaration: Declaration, letters: dict[str, int]) -> tuple[Any, Any]:
        if declaration.shape is None:  # η > 0, or x > 0 of each x_i
            letter = declaration.name.letter
            return self.undeclared_shape(letter) if letter in self.plan.evidence else (ONE, ONE)
        return self.shape(declaration.shape, letters, declaration.statement)

    def shape(self, sizes: Any, letters: dict[str, int], statement: Any) -> tuple[Any, Any]:
        """Rows and columns, from the expressions of a shape."""
        if len(sizes) > 2:
            said = "more than two sizes: a note has matrices only"
            raise FormulaError(said, statement.passage.source, statement.start)
        found = [self.size(x, letters) for x in sizes]
        if prod(x.root.value or 1 for x in found) > MOST_ELEMENTS:
            said = f"a matrix of more than {MOST_ELEMENTS:,} elements"
            raise FormulaError(said, statement.passage.source, statement.start)
        return (*found, ONE, ONE)[0], (*found, ONE, ONE)[1]

    def undeclared_shape(self, letter: str) -> tuple[Size, Size]:
        """Open sizes: of a matrix for a capital letter, of a column or a number for a small one."""
        stem = letter.rstrip("′")
        kind = self.plan.evidence.get(letter, "")
        if (stem[:1].isupper() and stem[:1] not in "LJCE") or kind == "matrix":
            return self.opened(f"rows of {letter}"), self.opened(f"columns of {letter}")
        size = self.opened(f"size of {letter}", soft=kind != "vector")
        row = self.plan.rows and stem[:1] in "bcβ"  # a bias may be a row
        return size, self.opened(f"columns of {letter}", soft=True) if row else ONE

    def held_copy(self, symbol: Symbol) -> Symbol:
        """A letter with the value of another one, that depends on nothing."""
        if symbol.kind != "value":
            return symbol
        key = Key(symbol.label, (), ("held", symbol.number))
        entry = self.entries.get(key)
        if entry is None:
            entry = self.new_entry(key, symbol.shape, symbol.label)
            entry.copy_of = symbol
        return entry.symbol

    def number_called(self, letter: str) -> Symbol:
        """A number that stands for every value of a letter, in what is said of functions."""
        key = Key(letter, (), ("any",))
        entry = self.entries.get(key) or self.new_entry(key, (ONE, ONE), letter)
        return entry.symbol

    def undeclared(self, key: Key) -> NameEntry:
        """A leaf for a letter that the note uses without saying what it is."""
        entry = self.new_entry(key, self.undeclared_shape(key.letter))
        said = "elements" not in key.high and any(
            d.name.letter == key.letter for d in self.plan.named
        )
        entry.unsaid = not said
        return entry

    def _defined(
        self,
        key: Key,
        definition: Definition,
        letters: dict[str, int],
        declared: tuple[Declaration, dict[str, int]] | None,
    ) -> NameEntry:
        if key in self.busy:
            raise Undefined(f"{key} is defined by itself")
        self.busy.add(key)
        outer, self.source = self.source, definition.statement.passage.source
        try:
            meaning = self.elaborator.definition(definition, letters)
        except NotConforming as error:
            raise Unfit(key, error) from error
        finally:
            self.busy.discard(key)
            self.source = outer
        if isinstance(meaning, Symbol) and meaning.kind == "value":
            self.entries[key] = self.by_number[meaning.number]
            return self.entries[key]
        shape = matrix_shape(meaning)
        entry = self.new_entry(key, shape)
        entry.meaning = meaning
        if declared is not None and declared[0].shape is not None:
            wanted = self.declared_shape(*declared)
            self.elaborator.fits(shape, wanted, f"{key} was declared as {wanted[0]} × {wanted[1]}")
        return entry

    def drawn(self, key: Key, scalar: bool) -> Drawn:
        """The function that stands for one that the note leaves open."""
        if key not in self.functions:
            self.functions[key] = Drawn(str(key), scalar, self.drawing.rng)
        return self.functions[key]

    def left_open(self, left: Expression, right: Expression, numeric: bool) -> str:
        """What decides whether these can be equal, and is not said in the note; if there is such.

        It is a function on one side alone, one that is called by a word, such as rank, which has a
        meaning elsewhere, or how one letter depends on another. numeric: whether the right side is
        numbers that were computed, which the values of letters decide.
        """
        if said := self._dependence_left_open(left, right):
            return said
        if name := self._function_left_open(left, right):
            return f"{name} is"
        leaves = [self.leaves_in(side) for side in (left, right)]
        apart = sorted(leaves[0] | leaves[1]) if not leaves[0] & leaves[1] and all(leaves) else []
        if letter := next((e.symbol.label for n in apart if (e := self.by_number[n]).unsaid), ""):
            return f"{letter} is in the letters of the other side"
        a, b = self.drawn_in(left, right), self.drawn_in(right, left)
        letters = {name: re.split(r"[_\[]", name)[0] for name in a | b}
        words = {name for name, x in letters.items() if len(x) > 2 and x not in _COST_LETTERS}
        if name := min((a ^ b) | words, default=""):
            return f"{name} is"
        values = (self.by_number[n].symbol for n in sorted(leaves[0]) if numeric)
        label = next((s.label for s in values), "")
        return label and f"the value of {label} is"

    def _function_left_open(self, left: Expression, right: Expression) -> str:
        """A function of which the note claims something, or a cost of several names."""
        both = self.functions_in(self._applied(left) | self._applied(right))
        claimed = {f for f in both if re.split(r"[_\[]", f)[0] in self.plan.claimed_functions}
        numbers = self.numbers_in(left) | self.numbers_in(right)
        guessed = {e.symbol.label for n in numbers if (e := self.by_number[n]).guessed}
        return min(claimed | guessed, default="")

    def _dependence_left_open(self, left: Expression, right: Expression) -> str:
        """The first derivative of a letter by another one, of which the note says nothing."""
        for d in _all_derivatives(left, right):
            of = d.of.of if isinstance(d.of, Element) else d.of
            ends = (of, d.wrt) if isinstance(of, Symbol) else (d.wrt,)
            unsaid = any(self.by_number[x.number].unsaid for x in ends if x.kind == "value")
            if unsaid and d.wrt.number not in self.numbers_in(of):
                what = of.label if isinstance(of, Symbol) else "what is differentiated"
                return f"{what} is as a function of {d.wrt.label}"
        return ""

    def reached(self, e: Expression, but: Iterable[int] = ()) -> Iterator[Expression]:
        """All parts of an expression, and of what the names in it stand for, `but` for some."""
        waiting, seen = [e], set(but)
        while waiting:
            x = waiting.pop()
            yield x
            waiting += children(x)
            if isinstance(x, Symbol) and x.kind == "value" and x.number not in seen:
                seen.add(x.number)
                meaning = self.by_number[x.number].meaning
                waiting += [] if meaning is None else [meaning]

    def numbers_in(self, e: Expression) -> set[int]:
        """The numbers of all names on which an expression depends."""
        symbols = (x for x in self.reached(e) if isinstance(x, Symbol))
        return {x.number for x in symbols if x.kind == "value"}

    def leaves_in(self, e: Expression) -> set[int]:
        """The numbers of the names that are drawn on which an expression depends."""
        entries = (self.by_number[n] for n in self.numbers_in(e))
        drawn = (entry.copy_of or entry.symbol for entry in entries if entry.meaning is None)
        reached = itertools.chain.from_iterable(map(self.numbers_in, drawn))
        return {n for n in reached if self.by_number[n].meaning is None}

    def drawn_in(self, e: Expression, other: Expression) -> set[str]:
        """The functions that the note leaves open on which an expression depends.

        Without derivatives, only those of arguments of which they are not taken in the other one.
        """
        values, others = (self._applied(x) for x in (e, other))
        if not any(isinstance(x, Derivative) or _is_slope(x) for x in values | others):
            values -= others
        return self.functions_in(values)

    def functions_in(self, values: set[Expression]) -> set[str]:
        """The functions that the note leaves open which are applied in these."""
        ops = (x.op for x in values if isinstance(x, Apply))
        functions = (op.f if isinstance(op, SlopeOf) else op for op in ops)
        return {f.__name__.partition(" ")[0] for f in functions if isinstance(f, Drawn)}

    def _applied(self, e: Expression) -> set[Expression]:
        return {x for x in self.reached(e) if isinstance(x, Apply | Derivative)}

    # Values

    def value(self, symbol: Symbol) -> Any:
        """The value of a symbol: a Tensor, on one tape with all others."""
        if symbol.kind == "size":
            return float(self.named_size(symbol.label).value or 0)
        entry = self.by_number[symbol.number]
        if entry.value is None:
            if entry.copy_of is not None:
                data = self.value(entry.copy_of).data
                entry.value = Tensor(data, requires_grad=True, name=symbol.label)
            elif entry.meaning is None:
                entry.value = Tensor(self._draw(entry), requires_grad=True, name=symbol.label)
            else:
                entry.ready = self._shared(settled(entry.meaning), entry)
                value = self.evaluated(entry.ready)
                own = settled_shape(entry.symbol.shape)
                if np.shape(value) != own:  # what is left of the axes of indices
                    value = np.reshape(value, own)
                if not isinstance(value, Tensor):
                    value = Tensor(np.asarray(value, dtype=float), requires_grad=True)
                entry.value = value.named(symbol.label)
        return entry.value

    def evaluated(self, e: Expression) -> Any:
        """The value of what a name stands for, on the tape."""
        return evaluate(e, self.value, True)

    def _shared(self, e: Expression, of: NameEntry) -> Expression:
        """The expression with names for its parts that are defined: Z for W X."""
        if self.meanings is None:
            self.meanings = {}
            for entry in self.by_number:
                if isinstance(entry.meaning, Apply):
                    self.meanings.setdefault(settled(entry.meaning), entry)
        found = self.meanings.get(e)
        if (
            found is not None
            and found is not of
            and of.symbol.number not in self.numbers_in(found.symbol)
        ):
            return replace(found.symbol, shape=settled_shape(found.symbol.shape))
        if isinstance(e, Derivative):
            return e
        return rebuilt(e, [self._shared(x, of) for x in children(e)])

    @staticmethod
    def is_square(entry: NameEntry) -> bool:
        """Whether real numbers are drawn for a matrix that is square whatever the sizes are."""
        rows, columns = matrix_shape(entry.symbol)
        drawn = entry.meaning is None and entry.declared == "real"
        return drawn and rows.root is columns.root and rows.root is not ONE.root

    def _draw(self, entry: NameEntry) -> Any:
        rng, shape = self.drawing.rng, settled_shape(entry.symbol.shape)
        kind = self.square if self.is_square(entry) else entry.declared
        if kind == "real" and self.plan.softmax and entry.symbol.label[:1] in "yYtT" and shape:
            kind = "one-hot"
        if kind == "one-hot" and shape:
            rows = self.plan.rows
            length, count = (shape[1], shape[0]) if rows else shape
            hot = np.eye(length)[rng.integers(0, length, size=count)]
            return hot if rows else hot.T
        if kind == "binary":
            return rng.integers(0, 2, size=shape).astype(float)
        if kind == "unit":
            return rng.uniform(0.1, 0.9, size=shape)
        if kind == "positive":
            return rng.uniform(0.5, 2.0, size=shape)
        if kind == "symmetric":
            a = rng.normal(size=shape)
            return a @ a.T + shape[0] * np.eye(shape[0]) if len(shape) == 2 else abs(a) + 1
        return rng.uniform(0.1, 0.9, size=shape) if self.positive else rng.normal(size=shape)


def _by_letter(named: list[Any]) -> defaultdict[str, list[Any]]:
    """What declares or defines names, by their letters."""
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for one in named:
        found[one.name.letter].append(one)
    return found


def _is_slope(x: Expression) -> bool:
    return isinstance(x, Apply) and isinstance(x.op, SlopeOf)


def _all_derivatives(*expressions: Expression) -> Iterator[Any]:
    waiting = list(expressions)
    while waiting:
        x = waiting.pop()
        if isinstance(x, Derivative):
            yield x
        waiting += children(x)


def _next(parts: tuple[KeyPart, ...]) -> tuple[KeyPart, ...]:
    return tuple(x + 1 if isinstance(x, int) else x for x in parts)


_SIZE_LETTERS = "pqrsuvdefgh"
_PRIMES = (5, 7, 11, 13, 17, 19, 23, 29)
LARGEST_SIZE = 10_000
MOST_ELEMENTS = 100_000
COUNTS = {"m", "N"}  # the number of samples, where a note does not say what it is
_COST_LETTERS = {"J", "𝒥", "L", "ℒ", "C", "𝒞", "E", "ℰ", "loss", "cost", "f", "F"}
