"""What a note's statements are to each other: which define, which declare, which claim.

The first equation of a new name defines it, wherever it stands; every other one is a claim. The
letters that number layers, steps and samples are told from those of elements and sizes here.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from autograd_lite.formula.naming import (
    Named,
    called,
    letter_and_step,
    names_in,
    nodes,
    taken_apart,
)
from autograd_lite.formula.statements import Range, Read, Statement
from autograd_lite.formula.syntax import (
    FUNCTIONS,
    Bracket,
    Call,
    Chain,
    Derivative,
    Name,
    Num,
    Product,
    Quotient,
    Reduction,
    Scripted,
)
from autograd_lite.formula.tokens import FormulaError

LAYERS = ("l", "ℓ")
COSTS = ("J", "𝒥", "L", "ℒ", "C", "𝒞", "E", "ℰ", "loss", "cost", "ℓ", "Loss", "Cost", "f", "F")
_SETS = {"ℝ", "ℕ", "ℤ", "𝕊", "ℂ", "S", "R"}


@dataclass(frozen=True)
class Declaration:
    """A name's shape, in expressions of sizes, and its kind of values."""

    name: Named
    shape: tuple[Any, ...] | None
    values: str  # real, binary, one-hot, unit, positive, symmetric
    statement: Statement


@dataclass(frozen=True)
class Definition:
    """A name with what it stands for; `parameters` of a function, `elements` of one by indices."""

    name: Named
    meaning: Any
    statement: Statement
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True)
class Claim:
    """Two sides that are to be equal (or in another relation), and where that stands."""

    left: Any
    right: Any
    relation: str
    statement: Statement
    number: int = 0

    @property
    def text(self) -> str:
        """The two sides as they are written."""
        source = self.statement.passage.source.text
        a, b = (" ".join(source[x.start : x.end].split()) for x in (self.left, self.right))
        return f"{a} {self.relation} {b}"


@dataclass
class Plan:
    """A note, sorted; see the module."""

    read: Read
    declarations: list[Declaration] = field(default_factory=list)
    definitions: list[Definition] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    unread: list[FormulaError] = field(default_factory=list)
    passed: int = 0
    families: dict[str, tuple[Any, Any] | None] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    evidence: dict[str, str] = field(default_factory=dict)
    rows: bool = False  # whether samples are rows
    cost: str = "J"
    letters: set[str] = field(default_factory=set)  # that the note uses for values
    softmax: bool = False

    @property
    def conventions(self) -> dict[str, str]:
        """The front matter."""
        return self.read.note.conventions

    def extent(self, letter: str, statement: Statement | None) -> tuple[Any, Any]:
        """From where to where a letter that numbers goes: as said beside, before, or anywhere."""
        for r in reversed(statement.ranges if statement else ()):
            if r.letter == letter:
                return r.low, r.high
        found = self.families.get(letter)
        if found is not None:
            return found
        default = {"t": "T", "i": "m", "n": "N"}.get(letter, "L")
        return Num(0, 0, 1), Name(0, 0, default)  # type: ignore[arg-type]


def planned(read: Read) -> Plan:
    """The plan of a note that was read."""
    plan = Plan(read, unread=list(read.unread), passed=read.passed)
    chains = [s.chain for s in read.statements]
    plan.families = _families(read.statements)
    plan.evidence = _evidence(chains, plan.families)
    plan.softmax = any(
        isinstance(n, Name) and n.text == "softmax" for chain in chains for n in nodes(chain)
    )
    plan.cost = _cost(chains)
    plan.rows = plan.conventions.get("samples", "") == "rows" or _has_rows(chains)
    for statement in read.statements:
        try:
            _sort(plan, statement)
        except FormulaError as error:
            plan.unread.append(error)
    plan.letters = {d.name.letter for d in (*plan.declarations, *plan.definitions)}
    return plan


def _families(statements: list[Statement]) -> dict[str, tuple[Any, Any] | None]:
    """The letters that number names, with the range that the note says, if it does."""
    found: dict[str, tuple[Any, Any] | None] = {}
    ranged = {r.letter: (r.low, r.high) for s in statements for r in s.ranges}
    summed: dict[str, tuple[Any, Any]] = {}
    lowered: Counter[str] = Counter()
    stepping: set[str] = set()
    for statement in statements:
        for node in nodes(statement.chain):
            if isinstance(node, Reduction) and node.high is not None and node.low is not None:
                for index in node.indices:
                    summed[index.text] = (node.low, node.high)
        for name in names_in(statement.chain):
            for script in name.indices:
                for item in script.items:
                    step = letter_and_step(item)
                    if step is None or not step[0].islower() or len(step[0]) > 1:
                        continue
                    if script.kind == "^" and (script.mark or step[0] in LAYERS or step[1]):
                        found.setdefault(step[0], None)
                    elif script.kind == "_" and len(script.items) == 1:
                        lowered[step[0]] += 1
                        if step[1]:
                            stepping.add(step[0])
        if statement.kind == "declaration" and (name := taken_apart(statement.chain.parts[0])):
            for script in name.indices:
                for item in script.items:
                    if isinstance(item, Name) and item.text in ranged:
                        found.setdefault(item.text, None)
    for letter in (*LAYERS, *stepping):
        if lowered[letter]:
            found.setdefault(letter, None)
    return {x: ranged.get(x) or summed.get(x) for x in found}


def _evidence(chains: list[Chain], families: dict[str, Any]) -> dict[str, str]:
    """What the use of undeclared small letters tells: `vector` or `matrix`."""
    found: dict[str, str] = {}

    def tell(letter: str, what: str) -> None:
        if found.get(letter) != "matrix":
            found[letter] = what

    for chain in chains:
        for name in names_in(chain):
            elements = 0
            for script in name.indices:
                if script.kind == "_":
                    elements += sum(
                        isinstance(x, Name) and len(x.text.rstrip("′")) == 1
                        and x.text.islower() and x.text not in families
                        for x in script.items
                    )  # fmt: skip
            if elements:
                tell(name.letter, "matrix" if elements > 1 else "vector")
            if name.bold or any(s.kind == "ᵀ" for s in name.operations):
                layered = any(s.kind == "^" for s in name.indices)
                tell(name.letter, "matrix" if layered and name.letter in "wuv" else "vector")
        for node in nodes(chain):
            if isinstance(node, Bracket) and node.kind == "‖" and (n := taken_apart(node.parts[0])):
                tell(n.letter, "vector")
    return found


def _cost(chains: list[Chain]) -> str:
    """The letter that is differentiated most."""
    counts: Counter[str] = Counter()
    for chain in chains:
        for node in nodes(chain):
            if isinstance(node, Derivative) and node.of is not None:
                name = taken_apart(called(node.of)[0])
                if name and name.letter in COSTS:
                    counts[name.letter] += 1
    defined = [n.letter for c in chains if (n := taken_apart(called(c.parts[0])[0]))]
    for letter in COSTS:
        if letter in defined:
            counts[letter] += 1
    return counts.most_common(1)[0][0] if counts else "J"


def _has_rows(chains: list[Chain]) -> bool:
    """Whether weights stand to the right of data: X W."""
    right = left = 0
    for chain in chains:
        for node in nodes(chain):
            if isinstance(node, Product) and len(node.factors) == 2:
                names = [taken_apart(x) for _, x in node.factors]
                if all(names):
                    is_weight = [n.letter[0] in "WwΘ" and not n.operations for n in names if n]
                    right += is_weight == [False, True]
                    left += is_weight == [True, False]
    return right > left


# Sorting


def _sort(plan: Plan, statement: Statement) -> None:
    chain = statement.chain
    if statement.kind == "declaration":
        plan.declarations.append(_declaration(plan, statement))
    elif statement.kind == "inequality":
        name = taken_apart(chain.parts[0])
        if name and len(chain.parts) == 2 and isinstance(chain.parts[1], Num) and not name.operations:
            if not _defined(plan, name) and chain.relations[0] in (">", "≥"):
                plan.declarations.append(Declaration(name, None, "positive", statement))
                return
        for a, b, relation in zip(chain.parts, chain.parts[1:], chain.relations, strict=False):
            plan.claims.append(Claim(a, b, relation, statement))
    else:
        _equality(plan, statement)


def _equality(plan: Plan, statement: Statement) -> None:
    parts = list(statement.chain.parts)
    first, arguments = called(parts[0])
    name = taken_apart(first)
    if name is None or name.operations:
        flipped = taken_apart(parts[1]) if len(parts) == 2 else None
        if flipped and not flipped.operations and not _defined(plan, flipped):
            if not isinstance(parts[0], Derivative) and not any(isinstance(n, Derivative) for n in nodes(parts[0])):
                plan.definitions.append(Definition(flipped, parts[0], statement))
                return
        name = None
    if name is not None and _updates(name, parts[1]):
        plan.passed += 1
        return
    if name is not None and isinstance(parts[1], Num) and not arguments and _is_size(plan, name):
        plan.sizes[_size_key(name)] = int(parts[1].value)
        return
    parameters = _parameters(arguments)
    new = name is not None and not _defined(plan, name) and not _is_gradient_name(plan, name)
    if arguments and parameters is None:
        new = False
    if name is not None and arguments and name.letter.endswith("′"):
        new = False
    if new and name is not None:
        plan.definitions.append(Definition(name, parts[1], statement, parameters or ()))
        parts = parts[1:] if len(parts) > 2 else []
    for a, b in zip(parts, parts[1:], strict=False):
        plan.claims.append(Claim(a, b, "=", statement))


def _parameters(arguments: tuple[Any, ...]) -> tuple[str, ...] | None:
    """The parameters of f(x, y) = …; None where one is no letter."""
    found = []
    for x in arguments:
        name = taken_apart(x)
        if name is None or name.operations:
            return None
        found.append(_size_key(name))
    return tuple(found)


def _pattern(plan: Plan, name: Named) -> tuple[Any, ...]:
    """A name with its numbering letters as such: two definitions of one pattern are of one name."""
    parts: list[Any] = []
    for script in name.indices:
        for item in script.items:
            step = letter_and_step(item)
            if step and step[0] in plan.families:
                parts.append((script.kind, "*", step[1]))
            elif step and script.kind == "_" and len(step[0]) == 1 and step[0] in "ijknpqrs":
                parts.append((script.kind, "·"))
            else:
                parts.append((script.kind, script.raw))
    return name.letter, tuple(parts)


def _defined(plan: Plan, name: Named) -> bool:
    pattern = _pattern(plan, name)
    return any(_pattern(plan, d.name) == pattern for d in plan.definitions)


def _is_gradient_name(plan: Plan, name: Named) -> bool:
    """`dZ`: the gradient by Z."""
    letter = name.letter
    known = {d.name.letter for d in (*plan.declarations, *plan.definitions)}
    return len(letter) > 1 and letter[0] == "d" and (letter[1:] in known or len(letter) == 2)


def _updates(name: Named, meaning: Any) -> bool:
    """W = W − α dW."""
    same = {str(_size_key(name))}
    for node in nodes(meaning):
        other = taken_apart(node) if isinstance(node, Name | Scripted) else None
        if other and other.letter == name.letter and _size_key(other) in same:
            if len(other.indices) == len(name.indices):
                return True
    return False


def _size_key(name: Named) -> str:
    return name.letter + "".join(f"{s.kind}{s.raw}" for s in name.indices)


def _is_size(plan: Plan, name: Named) -> bool:
    """Whether a name is used as a size or as a bound."""
    for statement in plan.read.statements:
        for node in nodes(statement.chain):
            uses = [node.high] if isinstance(node, Reduction) else []
            if statement.kind == "declaration":
                uses = [node]
            for use in uses:
                other = taken_apart(use) if use is not None else None
                if other and _size_key(other) == _size_key(name):
                    return True
        if any(r.high is not None and (n := taken_apart(r.high)) and _size_key(n) == _size_key(name)
               for r in statement.ranges):  # fmt: skip
            return True
    return False


# Declarations


def _declaration(plan: Plan, statement: Statement) -> Declaration:
    left, right = statement.chain.parts[:2]
    name = taken_apart(left)
    source = statement.passage.source
    if name is None or name.operations:
        raise FormulaError("what is declared is a name: X ∈ ℝ^{n×m}", source, left.start)
    if statement.chain.relations[0] == ":":
        return Declaration(name, _shape_of(right), "real", statement)
    base, shape = right, None
    if isinstance(right, Scripted):
        base = right.base
        raised = [s for s in right.scripts if s.kind == "^" and s.items]
        if len(raised) > 1 or any(s.kind == "ᵀ" for s in right.scripts):
            raise FormulaError("a shape is written ℝ^{n×m}", source, right.start)
        if raised:
            shape = _shape_of(*raised[0].items)
    values = _values(base, statement, name)
    if values is None:
        raise FormulaError(
            "this set is not known here: there are ℝ^{n×m}, {0,1}^{n×m}, (0,1)^n and 𝕊^n", source,
            right.start,
        )  # fmt: skip
    if values == "symmetric" and shape and len(shape) == 1:
        shape = (shape[0], shape[0])
    return Declaration(name, shape or (), values, statement)


def _shape_of(*items: Any) -> tuple[Any, ...]:
    """The sizes in `n × m`."""
    if len(items) == 1 and isinstance(items[0], Product):
        if all(sign in ("×", "", "*", "·") for sign, _ in items[0].factors[1:]):
            if any(sign == "×" for sign, _ in items[0].factors[1:]):
                return tuple(factor for _, factor in items[0].factors)
    return items


def _values(base: Any, statement: Statement, name: Named) -> str | None:
    around = statement.passage.around.lower()
    if isinstance(base, Name) and base.text in _SETS:
        return "symmetric" if base.text in ("𝕊", "S") else "real"
    if isinstance(base, Bracket) and base.kind in ("⦃", "{"):
        numbers = [x.value for x in base.parts if isinstance(x, Num)]
        if numbers == [0, 1]:
            hot = "one-hot" in around or "one hot" in around
            return "one-hot" if hot else "binary"
        return "binary" if not numbers else "real"
    if isinstance(base, Bracket) and base.kind in ("(", "[") and len(base.parts) == 2:
        return "unit"
    return None


__all__ = ["COSTS", "FUNCTIONS", "Claim", "Declaration", "Definition", "Plan", "Quotient", "Range", "planned"]
_ = Call
