"""What a note's statements are to each other: which define, which declare, which claim.

The first equation of a new name defines it, wherever it stands; every other one is a claim. The
letters that number layers, steps and samples are told from those of elements and sizes here.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from autograd_lite.files import excerpt
from autograd_lite.formula.evidence import (
    COSTS,
    ELEMENTS,
    cost_of,
    families_of,
    first_layers,
    has_rows,
    names_of_softmax,
    shapes_by_use,
    sizes_in_use,
    speaks_of_softmax,
)
from autograd_lite.formula.naming import (
    NameParts,
    digits_apart,
    function_and_arguments,
    letter_and_step,
    names_in,
    taken_apart,
    written_key,
)
from autograd_lite.formula.statements import NoteStatement, ReadNote
from autograd_lite.formula.syntax import (
    BigOperator,
    Bracket,
    Call,
    Chain,
    Differentiation,
    Dots,
    Grid,
    Name,
    Num,
    Product,
    Script,
    Scripted,
    nodes,
    words,
)
from autograd_lite.formula.tokens import FormulaError

MOST_DEFINITIONS = 300
_SETS = {"ℝ", "ℕ", "ℤ", "𝕊", "ℂ", "S", "R"}


@dataclass(frozen=True)
class Declaration:
    """A name's shape, in expressions of sizes, and its kind of values."""

    name: NameParts
    shape: tuple[Any, ...] | None
    values: str  # real, binary, one-hot, unit, positive, symmetric
    statement: NoteStatement


@dataclass(frozen=True)
class Definition:
    """A name with what it stands for; `parameters` of a function."""

    name: NameParts
    meaning: Any
    statement: NoteStatement
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True)
class NoteClaim:
    """Two sides that are to be equal (or in another relation), and where that stands."""

    left: Any
    right: Any
    relation: str
    statement: NoteStatement

    @property
    def text(self) -> str:
        """The two sides as they are written."""
        right = self.statement.passage.source.part(self.right.start, self.right.end)
        return f"{self.left_text} {self.relation} {right}"

    @cached_property
    def chain(self) -> Chain:
        """The two sides as one part of a formula."""
        return Chain(self.left.start, self.right.end, (self.left, self.right), (self.relation,))

    @cached_property
    def indices(self) -> set[tuple[str, str, str]]:
        """A name's letter, `^` or `_`, and a letter in that script which no sum binds."""
        sums = [n for n in nodes(self.chain) if isinstance(n, BigOperator)]
        bound = {i.text for n in sums for i in n.indices}
        scripts = ((name, s) for name in names_in(self.chain) for s in name.indices)
        steps = ((name, s, letter_and_step(x)) for name, s in scripts for x in nodes(s.items))
        return {(n.letter, s.kind, x[0]) for n, s, x in steps if x and x[0] not in bound}

    @property
    def left_text(self) -> str:
        """The left side as it is written."""
        return self.statement.passage.source.part(self.left.start, self.left.end)


@dataclass
class NotePlan:
    """A note, sorted; see the module."""

    read: ReadNote
    declarations: list[Declaration] = field(default_factory=list)
    definitions: list[Definition] = field(default_factory=list)
    claims: list[NoteClaim] = field(default_factory=list)
    unread: list[FormulaError] = field(default_factory=list)
    passed: int = 0
    families: dict[str, tuple[Any, Any] | None] = field(default_factory=dict)
    elements: set[str] = field(default_factory=set)  # letters that are indices, below
    sizes: dict[str, int] = field(default_factory=dict)
    sized: list[tuple[NameParts, int]] = field(default_factory=list)  # the same, as names
    evidence: dict[str, str] = field(default_factory=dict)
    rows: bool = False  # whether samples are rows
    cost: str = "J"
    letters: set[str] = field(default_factory=set)  # that the note uses for values
    claimed_functions: set[str] = field(default_factory=set)  # h, where h(x) = a is claimed
    size_letters: set[str] = field(default_factory=set)  # as they are written
    bare: set[str] = field(default_factory=set)  # names that stand without arguments
    mentioned: set[str] = field(default_factory=set)
    wholes: set[str] = field(default_factory=set)  # letters that stand with nothing below
    labels: set[tuple[str, str]] = field(default_factory=set)  # (a, z) where a_z is a name
    softmax: bool = False
    names_of_softmax: set[str] = field(default_factory=set)  # σ, where σ(z)_i is said to be one
    sizes_in_use: set[str] = field(default_factory=set)  # in shapes, bounds and ranges
    sizes_said: set[str] = field(default_factory=set)  # letters of those not only in claims
    first_layer: int = 1  # 2 where a^1 is the input
    asides: set[int] = field(default_factory=set)  # lines of assignments, and of drawn matrices
    at_least: list[tuple[str, str]] = field(default_factory=list)  # m ≥ n, of two sizes
    numbers: dict[str, set[Any]] = field(default_factory=dict)  # 0 and 1, of t = 0 and t = 1

    @property
    def named(self) -> list[Declaration | Definition]:
        """Everything that declares or defines a name."""
        return [*self.definitions, *self.declarations]

    @property
    def conventions(self) -> dict[str, str]:
        """The front matter."""
        return self.read.note.conventions

    def may_be_an_index(self, letter: str) -> bool:
        """Whether a letter is one that stands for indices, here or by custom."""
        return letter in ELEMENTS or letter in self.elements

    def numbered_below(self, letter: str) -> bool:
        """Whether the names of a letter have their number below, as h_t; W_{ij} has elements."""
        for name in (d.name for d in self.named):
            if name.letter == letter:
                for script in name.indices:
                    steps = map(letter_and_step, script.items if script.kind == "_" else ())
                    if any(
                        s and s[0] in self.families and s[0] not in self.elements for s in steps
                    ):
                        return True
        return False

    def is_element(self, node: Any, letter: str) -> bool:
        """Whether what stands below a letter is an index of elements."""
        step = letter_and_step(node) if not isinstance(node, str) else None
        return (
            step is not None and step[0] in self.elements and (letter, step[0]) not in self.labels
        )

    def extent(self, letter: str, statement: NoteStatement | None) -> tuple[Any, Any]:
        """From where to where a letter that numbers goes: as said beside, before, or anywhere."""
        for r in reversed(statement.ranges if statement else ()):
            if r.letter == letter:
                return r.low, r.high
        found = self.families.get(letter)
        if found is not None:
            return found
        default = {"t": "T", "i": "m", "n": "N"}.get(letter, "L")
        return Num(0, 0, Fraction(1)), Name(0, 0, default)


def planned(read: ReadNote) -> NotePlan:
    """The plan of a note that was read."""
    plan = NotePlan(read, unread=list(read.unread), passed=read.passed)
    plan.asides |= read.assigned
    chains = [s.chain for s in read.statements]
    plan.families, plan.elements = families_of(read.statements)
    lows = [int(low.value) for low, _ in first_layers(read.statements).values()]
    plan.first_layer = max(lows, default=1)
    plan.evidence = shapes_by_use(chains, plan.families.keys() - plan.elements)
    plan.softmax = any(map(speaks_of_softmax, (n for chain in chains for n in nodes(chain))))
    plan.names_of_softmax = names_of_softmax(chains)
    plan.cost = cost_of(chains)
    plan.sizes_in_use = sizes_in_use(read.statements)
    plan.rows = plan.conventions.get("samples", "") == "rows" or has_rows(chains)
    _check_conventions(plan)
    for letter, number in filter(None, map(_numbered, chains)):
        plan.numbers.setdefault(letter, set()).add(number)
    for statement in read.statements:
        name = taken_apart(statement.chain.parts[0])
        if name is not None and not name.operations and statement.kind != "inequality":
            plan.letters.add(name.letter)
    for statement in read.statements:
        if len(plan.definitions) > MOST_DEFINITIONS:
            said = f"a note of more than {MOST_DEFINITIONS} definitions: split it into several"
            plan.unread.append(FormulaError(said, statement.passage.source, statement.start))
            plan.definitions.clear()
            plan.claims.clear()
            break
        try:
            _sort(plan, statement)
        except FormulaError as error:
            plan.unread.append(error)
    _label_by_names(plan, chains)
    _label_samples(plan)
    plan.size_letters = _size_letters(plan)
    plan.claimed_functions = _claimed_functions(plan, chains)
    plan.sizes_said = _sizes_said(plan)
    plan.mentioned = {n.text for c in chains for n in nodes(c) if isinstance(n, Name)}
    plan.wholes = {n.letter for c in chains for n in names_in(c) if not _lowered(n)}
    plan.letters |= {d.name.letter for d in plan.named}
    plan.bare = _without_arguments(chains)
    return plan


def _label_by_names(plan: NotePlan, chains: list[Chain]) -> None:
    """W_f is a name, and not a row of W, where f is a name of the note and W is none."""
    letters = {d.name.letter for d in plan.named if not any(s.kind == "_" for s in d.name.indices)}
    defined = {d.name.letter for d in plan.definitions if not d.parameters}
    bound = {i.text for c in chains for n in nodes(c) if isinstance(n, BigOperator)
             for i in n.indices}  # fmt: skip
    for name in (name for c in chains for name in names_in(c)):
        lowered = [x for s in name.indices if s.kind == "_" for x in s.items]
        for item in lowered if name.letter not in letters and len(lowered) == 1 else ():
            if isinstance(item, Name) and item.text in defined - bound:
                plan.labels.add((name.letter, item.text))


def _label_samples(plan: NotePlan) -> None:
    """In a^1 = x_i, x_i is a sample, where a has elements."""
    for d in plan.definitions:
        part = taken_apart(d.meaning)
        items = _lowered(part) if part and not (part.operations or _lowered(d.name)) else ()
        if d.name.letter in plan.evidence and len(items) == 1 and isinstance(items[0], Name):
            plan.labels.add((part.letter, items[0].text))  # type: ignore[union-attr]


def _claimed_functions(plan: NotePlan, chains: list[Chain]) -> set[str]:
    """The letters h of which h(x) = a is claimed, and which nothing else is put into."""
    calls: dict[str, set[Any]] = {}
    for call in (x for chain in chains for x in nodes(chain) if isinstance(x, Call)):
        calls.setdefault(_base_text(call.function), set()).add(words(call.arguments))
    claimed = {_base_text(c.left.function) for c in plan.claims if isinstance(c.left, Call)}
    return {letter for letter in claimed if letter and len(calls[letter]) == 1}


def _without_arguments(chains: list[Chain]) -> set[str]:
    """The names that are used without arguments."""
    parts = [x for chain in chains for x in nodes(chain)]
    called = {id(x) for call in parts if isinstance(call, Call) for x in nodes(call.function)}
    return {x.text for x in parts if isinstance(x, Name) and id(x) not in called}


def _sizes_said(plan: NotePlan) -> set[str]:
    """The letters of the sizes that declarations, definitions and ranges of names speak of."""
    said = [d.statement for d in plan.declarations]
    for d in plan.definitions:
        said.append(replace(d.statement, chain=replace(d.statement.chain, parts=(d.meaning,))))
    ends = {x.text for ends in plan.families.values() for x in nodes(ends) if isinstance(x, Name)}
    return ends | {re.split(r"[_^]", key)[0] for key in sizes_in_use(said)}


def _size_letters(plan: NotePlan) -> set[str]:
    """The letters in the shapes of declarations, as they are written."""
    sizes = [x for d in plan.declarations for x in nodes(d.shape or ())]
    names = filter(None, map(taken_apart, sizes))
    return {written_key(name) for name in names if not name.operations} - set(plan.families)


_CHOICES = {
    "layout": {"numerator", "denominator", "mixed"},
    "broadcasting": {"none", "numpy"},
    "samples": {"rows", "columns"},
    "softmax": {"rows", "columns"},
    "d": {"componentwise", "jacobian"},
    "⊗": {"outer", "elementwise"},
    "′": {"transpose", "derivative"},
    "'": {"transpose", "derivative"},
}
_PAGES = {"post", "page", "default", "home", "single", "article"}  # layouts of web sites


def _check_conventions(plan: NotePlan) -> None:
    """The cost, as the front matter says it; an error for a convention whose value is not known."""
    for key, value in list(plan.conventions.items()):
        if key == "layout" and value in _PAGES:
            del plan.conventions[key]
        elif value == "cost":
            plan.cost = key
        elif (of := re.fullmatch(r"gradient of (\S+)", value)) and key[:1] == "d":
            plan.cost = of[1]
        elif key in _CHOICES and value not in _CHOICES[key]:
            source = plan.read.note.sources[0]
            said = f"{key}: {excerpt(value)!r} is none of {', '.join(sorted(_CHOICES[key]))}"
            plan.unread.append(FormulaError(said, source, max(0, source.text.find(f"{key}:"))))


# Sorting


def _sort(plan: NotePlan, statement: NoteStatement) -> None:
    chain = statement.chain
    if statement.kind == "declaration" and len(chain.parts) > 2 and "=" in chain.relations:
        _equality_in_a_set(plan, statement)
        return
    if statement.kind == "declaration" and _is_value(chain):
        plan.claims.append(NoteClaim(chain.parts[0], chain.parts[1], "∈", statement))
    elif statement.kind == "declaration" and _is_index_in_a_set(chain):
        plan.passed += 1
    elif statement.kind == "declaration":
        found = _declaration(statement)
        if found.shape and _declared(plan, found.name) and found.values == "real":
            shape = chain.parts[1]  # said again: a claim
            plan.claims.append(NoteClaim(chain.parts[0], shape, "∈", statement))
            return
        plan.declarations.append(found)
        _note_labels(plan, found.name, None)
    elif statement.kind == "inequality":
        _inequality(plan, statement)
    elif _is_case(plan, chain) or _is_expectation(plan, chain):
        plan.passed += 1
    elif (shape := _pictured(chain.parts[0], chain.parts[-1])) is not None:
        _picture(plan, statement, shape)
    else:
        _equality(plan, statement)


def _picture(plan: NotePlan, statement: NoteStatement, shape: tuple[Any, ...]) -> None:
    """A matrix that is drawn: its shape is declared, unless it was, or is another in each layer."""
    name = taken_apart(statement.chain.parts[0])
    said = name is not None and (_declared(plan, name) or _defined(plan, name))
    if said and not any(isinstance(x, Dots) for x in nodes(statement.chain)):
        _equality(plan, statement)
        return
    plan.passed += 1
    plan.asides.add(statement.line)
    if name and shape and not (_raised_in(name) or said):
        plan.declarations.append(Declaration(name, shape, "real", statement))
        _note_labels(plan, name, None)


def _is_value(chain: Chain) -> bool:
    """Whether a shape is claimed of a derivative, a product or Xᵀ, and not declared of a name."""
    left, right = chain.parts[:2]
    of_reals = isinstance(right, Scripted) and _base_text(right) in ("ℝ", "R")
    transposed = isinstance(left, Scripted) and any(s.kind == "ᵀ" for s in left.scripts)
    return of_reals and (transposed or isinstance(left, Differentiation | Product | Call))


def _is_index_in_a_set(chain: Chain) -> bool:
    """`for all i ∈ C`, `(i, j) ∈ C × C`."""
    left, right = chain.parts[:2]
    if isinstance(left, Bracket):
        return all(isinstance(x, Name) and x.text in ELEMENTS for x in left.parts)
    is_index = isinstance(left, Name) and left.text in ELEMENTS
    return is_index and isinstance(right, Name | Scripted) and _base_text(right) not in _SETS


def _base_text(node: Any) -> str:
    return getattr(getattr(node, "base", node), "text", "")


def _inequality(plan: NotePlan, statement: NoteStatement) -> None:
    """η > 0 declares, m ≥ n is assumed; what has a derivative in it is claimed."""
    chain = statement.chain
    name = taken_apart(chain.parts[0])
    if (
        (name and len(chain.parts) == 2 and isinstance(chain.parts[1], Num) and not name.operations)
        and not _defined(plan, name)
        and chain.relations[0] in (">", "≥")
    ):
        plan.declarations.append(Declaration(name, None, "positive", statement))
        return
    if not any(isinstance(n, Differentiation) for n in nodes(chain)):
        plan.passed += 1  # an assumption
        if len(chain.parts) == 2 and all(isinstance(x, Name) for x in chain.parts):
            a, b = (x.text for x in chain.parts)
            plan.at_least.append((a, b) if chain.relations[0] in (">", "≥") else (b, a))
        return
    for a, b, relation in zip(chain.parts, chain.parts[1:], chain.relations, strict=False):
        plan.claims.append(NoteClaim(a, b, relation, statement))


def _numbered(chain: Chain) -> tuple[str, Fraction | float] | None:
    """The letter and the number of t = 1, or of t_ij = 1."""
    name = taken_apart(chain.parts[0])
    if name is None or name.operations or len(chain.parts) != 2:
        return None
    items = [getattr(x, "text", "") for s in name.indices for x in s.items]
    number = chain.parts[1]
    if not isinstance(number, Num) or not all(len(x) == 1 and x.islower() for x in items):
        return None
    return name.letter, number.value


def _is_case(plan: NotePlan, chain: Chain) -> bool:
    """t = 1, where t = 0 stands elsewhere: what it may be, which says nothing of what it is."""
    found = _numbered(chain)
    return found is not None and len(plan.numbers.get(found[0], ())) > 1


def _is_expectation(plan: NotePlan, chain: Chain) -> bool:
    """E[x] = 1, where E is no cost: what is random has no value."""
    factors = (pair for n in nodes(chain) if isinstance(n, Product)
               for pair in itertools.pairwise(x for _, x in n.factors))  # fmt: skip
    letters = {_base_text(a) for a, b in factors if isinstance(b, Bracket) and b.kind == "["}
    return "𝔼" in letters or ("E" in letters and plan.cost != "E")


def _pictured(left: Any, right: Any) -> tuple[Any, ...] | None:
    """The shape of a matrix that is drawn with elements of its own: the last one's indices.

    It is () where these say nothing. None: this is no such picture.
    """
    whole = taken_apart(left)
    turned = isinstance(right, Scripted) and all(s.kind == "ᵀ" for s in right.scripts)
    right = right.base if turned else right
    while isinstance(right, Bracket) and len(right.parts) == 1:
        right = right.parts[0]
    rows = right.rows if isinstance(right, Grid) else (getattr(right, "parts", ()),)
    if whole is None or whole.operations or not isinstance(right, Grid | Bracket):
        return None
    cells = [x for row in rows for x in row]
    parts = [_part_drawn(x, whole) for x in cells if not isinstance(x, Dots)]
    if None in parts or not parts:
        return None
    return _shape_drawn(rows, len(cells), parts, isinstance(right, Bracket), turned)


def _shape_drawn(
    rows: Any, cells: int, places: list[Any], is_list: bool, turned: bool
) -> tuple[Any, ...] | None:
    """The shape of what is drawn so; None where elements stand in another order."""
    shape = places[-1]
    counted: list[Any] = [(n,) for n in range(1, cells + 1)]
    if len(shape) == 2:
        counted = [(n, m) for n, row in enumerate(rows, 1) for m in range(1, len(row) + 1)]
    drawn = [tuple(getattr(x, "value", 0) for x in place) for place in places]
    if len(places) == cells and drawn != counted:
        return None
    if is_list or not all(places):
        return ()  # x = (x_1, …, x_n) is a column, or a row
    if len(shape) == 1:
        one = Num(0, 0, Fraction(1))
        shape = (one, *shape) if len(rows) == 1 else (*shape, one)
    return shape[::-1] if turned else shape


def _part_drawn(cell: Any, whole: NameParts) -> tuple[Any, ...] | None:
    """The indices of an element of a name, `x_12` of X; () for another part; None for no part."""
    part = taken_apart(cell)
    if part is None or part.letter not in (whole.letter, whole.letter.lower()) or not part.indices:
        return None
    label, below = _lowered(whole), _lowered(part)
    if _raised_in(part) != _raised_in(whole) or words(below[: len(label)]) != words(label):
        return () if _layers(part) == _layers(whole) else None
    return tuple(y for x in below[len(label) :] for y in digits_apart(x))


def _lowered(name: NameParts) -> tuple[Any, ...]:
    return tuple(x for s in name.indices if s.kind == "_" for x in s.items)


def _raised_in(name: NameParts) -> list[str]:
    return [s.raw for s in name.indices if s.kind == "^"]


def _layers(name: NameParts) -> list[str]:
    """What stands in square brackets above a name."""
    return [s.raw for s in name.indices if s.mark == "["]


def _equality_in_a_set(plan: NotePlan, statement: NoteStatement) -> None:
    """`Z = Y ∈ ℝ^{n×m}` declares both, and is an equation."""
    chain = statement.chain
    at = chain.relations.index("∈")
    if not at or at + 2 < len(chain.parts) or set(chain.relations[:at]) - {"=", ":=", "≡"}:
        said = "a set stands at the end of a chain of equations: Z = Y ∈ ℝ^{n×m}"
        raise FormulaError(said, statement.passage.source, chain.start)
    equal = replace(chain, parts=chain.parts[: at + 1], relations=chain.relations[:at])
    for part in chain.parts[: at + 1]:
        pair = replace(chain, parts=(part, chain.parts[at + 1]), relations=("∈",))
        plan.declarations.append(_declaration(replace(statement, chain=pair)))
    _equality(plan, replace(statement, chain=equal))


def _equality(plan: NotePlan, statement: NoteStatement) -> None:
    """The first equation of a name defines it; all other links of a chain are claims."""
    parts = list(statement.chain.parts)
    first, arguments = function_and_arguments(parts[0])
    name = taken_apart(first)
    if name is not None and name.letter in COSTS and any(isinstance(x, Dots) for x in arguments):
        arguments = ()  # L(x_1, …, x_T) is L
    if name is None or name.operations:
        if not _flipped(plan, statement):
            _add_claims(plan, parts, statement)
        return
    if name.letter in plan.families and not (name.indices or name.letter in plan.sizes_in_use):
        plan.passed += 1  # l = L, said of what stands beside it
    elif _consists_of_itself(plan, name, parts[1]):
        _add_claims(plan, parts, statement)
    elif _updates(plan, name, parts[1]):
        _self_reference(plan, name, arguments, statement)
    elif isinstance(parts[1], Num) and not arguments and _is_size(plan, name):
        plan.sizes[written_key(name)] = int(parts[1].value)
        plan.sized.append((name, int(parts[1].value)))
    else:
        parameters = _parameters_of(name, arguments, parts[1])
        if _is_new(plan, name) and (parameters is not None or not arguments):
            plan.definitions.append(Definition(name, parts[1], statement, parameters or ()))
            _note_labels(plan, name, parts[1])
            parts = parts[1:] if len(parts) > 2 else []
        _add_claims(plan, parts, statement)


def _is_size(plan: NotePlan, name: NameParts) -> bool:
    """Whether a name is a size: n, or n^{[L]} where there is n^{[l]}."""
    raised = [s.kind for s in name.indices]
    for key in plan.sizes_in_use:
        letter, *others = re.split(r"[_^]", key)
        if key == written_key(name) or (others and raised and letter == name.letter):
            return True
    return False


def _self_reference(
    plan: NotePlan, name: NameParts, arguments: tuple[Any, ...], statement: NoteStatement
) -> None:
    """W = W − α dW is an update, which states nothing; A (B + C) = A B + A C is a claim."""
    terms = [x for _, x in getattr(statement.chain.parts[1], "terms", ())]
    steps = any(isinstance(n, Name) for x in terms[1:] for n in nodes(x))
    first = taken_apart(function_and_arguments(terms[0])[0]) if steps else None
    depends, on = function_and_arguments(statement.chain.parts[1])
    of_itself = bool(on) and not arguments and _base_text(depends) == name.letter  # C = C(a)
    if of_itself or (first is not None and written_key(first) == written_key(name)):
        plan.passed += 1
        plan.asides.add(statement.line)
    elif arguments and _parameters_of(name, arguments, statement.chain.parts[1]) is None:
        _add_claims(plan, list(statement.chain.parts), statement)
    elif arguments or not any(d.name.letter == name.letter for d in plan.named):
        source = statement.passage.source
        raise FormulaError(f"{name.letter} is defined by itself", source, statement.start)
    else:
        plan.passed += 1
        plan.asides.add(statement.line)


def _add_claims(plan: NotePlan, parts: list[Any], statement: NoteStatement) -> None:
    for a, b in itertools.pairwise(parts):
        plan.claims.append(NoteClaim(a, b, "=", statement))


def _declared(plan: NotePlan, name: NameParts) -> bool:
    """Whether the shape of this very name was declared."""
    written = words(name.node)
    return any(written == words(d.name.node) for d in plan.declarations if d.shape)


def _consists_of_itself(plan: NotePlan, name: NameParts, meaning: Any) -> bool:
    """W = [w_1, w_2], of a matrix that was declared, in its columns or elements."""
    if not (_declared(plan, name) and isinstance(meaning, Grid | Bracket | Scripted)):
        return False
    for node in nodes(meaning, scripts=False):
        part = taken_apart(node) if isinstance(node, Scripted) else None
        if (
            part
            and part.letter in (name.letter, name.letter.lower())
            and any(s.kind == "_" for s in part.indices)
        ):
            return _raised_in(part) == [s.raw for s in name.indices]
    return False


def unused(plan: NotePlan) -> set[int]:
    """The lines that declare or define a name of no family, which nothing else mentions."""
    chains = [s.chain for s in plan.read.statements]
    parts = (x for c in chains for x in nodes(c) if isinstance(x, Name | Scripted))
    uses = Counter(map(words, parts))
    found: set[int] = set()
    for d in plan.named:
        numbered = any(
            step and step[0] in plan.families
            for script in d.name.indices
            for step in map(letter_and_step, script.items)
        )
        if not numbered and uses[words(d.name.node)] == 1:
            found.add(d.statement.line)
    return found


def repeats_definition(plan: NotePlan, claim: NoteClaim) -> bool:
    """Whether a claim says what a definition says, in the same words."""
    left, right = words(claim.left), words(claim.right)
    return any(
        words(d.statement.chain.parts[0]) == left and words(d.meaning) == right
        for d in plan.definitions
    )


def _is_new(plan: NotePlan, name: NameParts) -> bool:
    return not (_defined(plan, name) or _is_gradient_name(plan, name))


def _flipped(plan: NotePlan, statement: NoteStatement) -> bool:
    """W X + b = Z, where Z is new: whether it was taken as its definition."""
    parts = statement.chain.parts
    name = taken_apart(parts[1]) if len(parts) == 2 else None
    if name is None or name.operations or _defined(plan, name) or name.letter in ("I", "𝟏"):
        return False
    for node in nodes(parts[0]):
        if isinstance(node, Differentiation) or getattr(node, "text", "") == name.letter:
            return False
    plan.definitions.append(Definition(name, parts[0], statement))
    return True


def _note_labels(plan: NotePlan, name: NameParts, meaning: Any) -> None:
    """Tell a_z, where z is part of the name, from a_i, an element for each i."""
    used = set()
    for node in (x for x in nodes(meaning) if isinstance(x, Scripted) and _base_text(x)):
        letter = _base_text(node)  # of 1_{n×1} there is none
        below = (item for s in node.scripts if s.kind == "_" for item in nodes(s.items))
        used |= {
            x.text for x in below if isinstance(x, Name) and (letter, x.text) not in plan.labels
        }
    for script in name.indices:
        for item in script.items if script.kind == "_" else ():
            if isinstance(item, Name) and item.text not in used and item.text not in plan.families:
                plan.labels.add((name.letter, item.text))


def _parameters_of(
    name: NameParts, arguments: tuple[Any, ...], meaning: Any
) -> tuple[str, ...] | None:
    """The parameters of f(x, y) = …; None where this defines no function, as g(Z) = A does not."""
    found = []
    cost = name.letter in COSTS
    used = {n.text for n in nodes(meaning) if isinstance(n, Name)}
    for x in arguments:
        parameter = taken_apart(x)
        if parameter is None or parameter.operations or name.letter.endswith("′"):
            return None
        if not cost and (parameter.indices or parameter.letter.rstrip("′") not in used):
            return None
        found.append(written_key(parameter))
    return tuple(found)


def _pattern(plan: NotePlan, name: NameParts) -> tuple[Any, ...]:
    """A name with its numbering letters as such: two definitions of one pattern are of one name."""
    parts: list[Any] = []
    for script in name.indices:
        for item in script.items:
            step = letter_and_step(item)
            if script.kind == "_" and plan.is_element(item, name.letter):
                parts.append((script.kind, "·"))
            elif step and step[0] in plan.families:
                parts.append((script.kind, "*", step[1]))
            else:
                parts.append((script.kind, script.raw))
    return name.letter, tuple(parts)


def _defined(plan: NotePlan, name: NameParts) -> bool:
    if _is_column(plan, name):
        return True
    pattern = _pattern(plan, name)
    if any(
        _pattern(plan, d.name) == pattern or _of_family(plan, name, d) for d in plan.definitions
    ):
        return True
    whole = replace(name, indices=tuple(s for s in name.indices if s.kind == "^" or _is_label(s)))
    if len(whole.indices) == len(name.indices):
        return any(_without_elements(plan, d.name) == pattern for d in plan.definitions)
    pattern = _pattern(plan, whole)  # an element of what is defined or declared
    return any(_pattern(plan, d.name) == pattern for d in plan.named)


def _is_label(script: Script) -> bool:
    """W_{new}: what stands below is part of the name, and no index."""
    item = script.items[0] if len(script.items) == 1 else None
    return isinstance(item, Name) and item.text.isalpha() and len(item.text) > 1


def _without_elements(plan: NotePlan, name: NameParts) -> tuple[Any, ...] | None:
    """The pattern of y where y_i is defined for each i."""
    letter, parts = _pattern(plan, name)
    kept = tuple(p for p in parts if p[1:] != ("·",))
    return (letter, kept) if len(kept) < len(parts) else None


def _is_column(plan: NotePlan, name: NameParts) -> bool:
    """x^{(i)}, where X is a matrix of the note's: its column."""
    raised = sum(s.kind == "^" for s in name.indices)
    if not any(s.mark == "(" for s in name.indices) or name.letter.upper() == name.letter:
        return False
    return any(
        d.name.letter == name.letter.upper() and sum(s.kind == "^" for s in d.name.indices) < raised
        for d in plan.named
    )


def _of_family(plan: NotePlan, name: NameParts, definition: Definition) -> bool:
    """Whether a name of one layer, A^{[L]} or A^{[2]}, is one of a family that is defined."""
    family = definition.name
    if family.letter != name.letter or len(family.indices) != len(name.indices) or not name.indices:
        return False
    for one, other in zip(name.indices, family.indices, strict=True):
        if one.kind != other.kind or len(one.items) != len(other.items):
            return False
        for a, b in zip(one.items, other.items, strict=True):
            step = letter_and_step(b)
            element = other.kind == "_" and plan.is_element(b, family.letter)
            if step and step[0] in plan.families and not element:
                low, _ = plan.extent(step[0], definition.statement)
                if isinstance(a, Num) and isinstance(low, Num) and a.value < low.value + step[1]:
                    return False
                if not isinstance(a, Num) and letter_and_step(a) is None:
                    return False
            elif words(a) != words(b):
                return False
    return True


def _is_gradient_name(plan: NotePlan, name: NameParts) -> bool:
    """`dZ`: the gradient by Z."""
    letter = name.letter
    known = {d.name.letter for d in plan.named}
    return len(letter) > 1 and letter[0] == "d" and (letter[1:] in known or len(letter) == 2)


def _updates(plan: NotePlan, name: NameParts, meaning: Any) -> bool:
    """W = W − α dW; not J = J_nᵀ x, where J_n is a name of its own."""
    known = {written_key(d.name) for d in plan.named if d.name.indices}
    names = [
        (node, other)
        for node in nodes(meaning, scripts=False)
        if isinstance(node, Name | Scripted) and (other := taken_apart(node)) is not None
    ]
    own = {
        id(node.base)
        for node, other in names
        if isinstance(node, Scripted) and written_key(other) in known
    }
    return any(
        id(node) not in own
        and other.letter == name.letter
        and written_key(other) == written_key(name)
        and len(other.indices) == len(name.indices)
        for node, other in names
    )


# Declarations


def _declaration(statement: NoteStatement) -> Declaration:
    left, right = statement.chain.parts[:2]
    name = taken_apart(left)
    source = statement.passage.source
    if name is None or name.operations:
        raise FormulaError("what is declared is a name: X ∈ ℝ^{n×m}", source, left.start)
    if statement.chain.relations[0] == ":":
        return Declaration(name, shape_of(right), "real", statement)
    base, shape = right, None
    if isinstance(right, Scripted):
        base, shape = right.base, raised_shape(right, source)
    values = _values(base, statement, shape)
    if values is None:
        raise FormulaError(
            "this set is not known here: there are ℝ^{n×m}, {0,1}^{n×m}, (0,1)^n and 𝕊^n", source,
            right.start,
        )  # fmt: skip
    if values == "symmetric" and shape and len(shape) == 1:
        shape = (shape[0], shape[0])
    return Declaration(name, shape or (), values, statement)


def raised_shape(node: Scripted, source: Any) -> tuple[Any, ...] | None:
    """The sizes above a set: ℝ^{n×m}."""
    raised = [s.items for s in node.scripts if s.kind == "^" and s.items]
    for s in (s for s in node.scripts if s.kind == "ᵀ"):  # no set is transposed: ℝ^T has size T
        raised.append((Name(s.start, s.end, "T"),) if source.part(s.start, s.end) == "T" else ())
    if len(raised) > 1 or () in raised:
        raise FormulaError("a shape is written ℝ^{n×m}", source, node.start)
    return shape_of(*raised[0]) if raised else None


def shape_of(*items: Any) -> tuple[Any, ...]:
    """The sizes in `n × m`."""
    if (
        len(items) == 1
        and isinstance(items[0], Product)
        and all(sign in ("×", "", "*", "·") for sign, _ in items[0].factors[1:])
        and any(sign == "×" for sign, _ in items[0].factors[1:])
    ):
        return tuple(factor for _, factor in items[0].factors)
    return items


def _same_text(a: Any, b: Any) -> bool:
    """Whether two sizes are written alike."""
    x, y = taken_apart(a), taken_apart(b)
    if x is not None and y is not None:
        return written_key(x) == written_key(y)
    return isinstance(a, Num) and isinstance(b, Num) and a.value == b.value


def _values(base: Any, statement: NoteStatement, shape: tuple[Any, ...] | None) -> str | None:
    passage = statement.passage
    around = (passage.around if passage.latex else passage.source.line(statement.line)).lower()
    if isinstance(base, Name) and base.text in _SETS:
        square = shape is not None and len(shape) == 2 and _same_text(*shape)
        symmetric = base.text in ("𝕊", "S") or ("symmetric" in around and square)
        return "symmetric" if symmetric else "real"
    if isinstance(base, Bracket) and base.kind in ("⦃", "{"):
        numbers = [x.value for x in base.parts if isinstance(x, Num)]
        if numbers == [0, 1]:
            hot = "one-hot" in around or "one hot" in around
            return "one-hot" if hot else "binary"
        return "binary" if not numbers else "real"
    if isinstance(base, Bracket) and base.kind in ("(", "[") and len(base.parts) == 2:
        return "unit"
    return None
