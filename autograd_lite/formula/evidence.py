"""What the letters of a note are, by how it uses them: layers, indices, costs, vectors, sizes."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Iterator
from fractions import Fraction
from typing import Any

from autograd_lite.formula.naming import (
    NameParts,
    function_and_arguments,
    letter_and_step,
    names_in,
    taken_apart,
    written_key,
)
from autograd_lite.formula.statements import NoteStatement
from autograd_lite.formula.syntax import (
    BigOperator,
    Bracket,
    Call,
    Chain,
    Differentiation,
    Name,
    Num,
    Product,
    Quotient,
    Script,
    Scripted,
    nodes,
)
from autograd_lite.formula.tokens import FUNCTION_WORDS

LAYERS = ("l", "ℓ")
ELEMENTS = set("ijknpqrsabuvm") | {f"{c}′" for c in "ijknpq"}  # letters that may be indices
COSTS = ("J", "𝒥", "L", "ℒ", "C", "𝒞", "E", "ℰ", "loss", "cost", "ℓ", "Loss", "Cost", "ξ", "f", "F")
COSTS_AND_LOSSES = (*COSTS, "l")  # l is one where it is differentiated or called


def families_of(
    statements: list[NoteStatement],
) -> tuple[dict[str, tuple[Any, Any] | None], set[str]]:
    """The letters that number names, with the range that the note says, if it does.

    And the letters that are indices of elements where they stand below.
    """
    ranged, summed = _said_ranges(statements), _sums(statements)
    numbering, below = _numbering_letters(statements, set(ranged))
    found = dict.fromkeys(numbering)
    numbers = {  # b ∈ ℝ numbers nothing
        name.letter
        for s in statements
        if s.kind == "declaration" and (name := taken_apart(s.chain.parts[0])) is not None
        if isinstance(field_ := s.chain.parts[1], Name) and field_.text in ("ℝ", "R")
    }
    numbers |= _sizes_declared(statements)  # x^{(m)} of m samples is the last one
    found = {x: None for x in found if x not in numbers}
    whole = {x: r for x, r in ranged.items() if _is_simple(r)}
    ends = ranged | first_layers(statements) | summed | whole
    return {x: ends.get(x) for x in found}, (ELEMENTS - below) | (set(summed) - set(found))


def first_layers(statements: list[NoteStatement]) -> dict[str, tuple[Any, Any]]:
    """Where the layers begin, from 2 on, for letters of families whose first name is an input's.

    `a^1 = x` beside `a^l = …` says it.
    """
    bases: dict[str, int] = {}
    families: list[tuple[str, str]] = []
    for statement in (s for s in statements if s.kind == "equality"):
        for this, other in itertools.permutations(statement.chain.parts[:2]):
            name = taken_apart(this)
            items = [x for s in name.indices for x in s.items] if name else []
            if name is None or name.operations or len(items) != 1:
                continue
            step = letter_and_step(items[0])
            if isinstance(items[0], Num) and isinstance(other, Name):
                bases[name.letter] = int(items[0].value)
            elif step and step[0] in LAYERS and this is statement.chain.parts[0]:
                families.append((name.letter, step[0]))
    return {
        letter: (Num(0, 0, Fraction(bases[name] + 1)), Name(0, 0, "L"))
        for name, letter in families
        if bases.get(name, 0) > 0
    }


def _sizes_declared(statements: list[NoteStatement]) -> set[str]:
    """The letters that are sizes in declarations, by themselves."""
    shapes = [s.chain.parts[1] for s in statements if s.kind == "declaration"]
    return {
        x.text
        for shape in shapes
        if isinstance(shape, Scripted)
        for script in shape.scripts
        for item in script.items
        for x in ([f for _, f in item.factors] if isinstance(item, Product) else [item])
        if isinstance(x, Name)
    }


def _said_ranges(statements: list[NoteStatement]) -> dict[str, tuple[Any, Any]]:
    """What is said of each letter; a range from 1 to L rather than one to L − 1."""
    found: dict[str, tuple[Any, Any]] = {}
    for r in (r for s in statements for r in s.ranges):
        known = found.get(r.letter)
        if known is None or (_is_simple((r.low, r.high)) and not _is_simple(known)):
            found[r.letter] = r.low, r.high
    return found


def _is_simple(ends: tuple[Any, Any]) -> bool:
    whole = all(isinstance(x, Name | Num) for x in ends)
    return whole and any(isinstance(x, Num) for x in ends)


def _sums(statements: list[NoteStatement]) -> dict[str, tuple[Any, Any]]:
    """The bounds of the sums over each letter; 1 to T rather than t to T or 1 to t − 1."""
    sums = [n for s in statements for n in nodes(s.chain) if isinstance(n, BigOperator)]
    bounded = [n for n in sums if n.low is not None and n.high is not None]
    bounded.sort(key=lambda n: _is_simple((n.low, n.high)))
    return {index.text: (n.low, n.high) for n in bounded for index in n.indices}


def _numbering_letters(
    statements: list[NoteStatement], ranged: set[str]
) -> tuple[list[str], set[str]]:
    """The letters that number names, in brackets above or with a step, l − 1; those that do below.

    A letter below that is none of these is an index of elements, as i is in w_i beside y^{(i)}.
    """
    found: dict[str, None] = {}
    below: set[str] = set()
    for statement in statements:
        said = taken_apart(statement.chain.parts[0])
        ranging = ranged if statement.kind == "declaration" else ()
        scripts = [(s, name) for name in names_in(statement.chain) for s in name.indices]
        raised = {_single(s)[0] for s, _ in scripts if s.mark == "("} - set(ranging)
        for script, name in scripts:
            letter, step = _single(script)
            own = {*raised, *ranging} if said and name.node is said.node else set()
            numbers = letter in LAYERS or step or letter in own - raised
            if script.kind == "_" and (numbers or letter in own):
                below.add(letter)  # L_i = ℒ(a^{(i)}, y^{(i)})
            if numbers or (script.kind == "^" and script.mark):
                found.setdefault(letter)
    found.pop("", None)
    return list(found), below


def _single(script: Script) -> tuple[str, int]:
    """The small letter that is alone in a script, with its step; no letter otherwise."""
    step = letter_and_step(script.items[0]) if len(script.items) == 1 else None
    return step if step and step[0].islower() and len(step[0]) == 1 else ("", 0)


def shapes_by_use(chains: list[Chain], numbering: Collection[str]) -> dict[str, str]:
    """What the use of undeclared small letters tells: `vector` or `matrix`."""
    found: dict[str, str] = {}

    def tell(letter: str, what: str) -> None:
        if found.get(letter) != "matrix":
            found[letter] = what

    turned = {id(x) for chain in chains for x in _transposed_in(chain)}
    for chain in chains:
        for name in names_in(chain):
            elements = _elements(name, numbering)
            if elements:
                tell(name.letter, "matrix" if elements > 1 else "vector")
            if name.bold or id(name.node) in turned:
                layered = any(s.kind == "^" for s in name.indices)
                tell(name.letter, "matrix" if layered and name.letter in "wuv" else "vector")
        for node in nodes(chain):
            if isinstance(node, Bracket) and node.kind == "‖" and (n := taken_apart(node.parts[0])):
                tell(n.letter, "vector")
    return found | _vectors_of_matrices(chains, numbering)


def _vectors_of_matrices(chains: list[Chain], numbering: Collection[str]) -> dict[str, str]:
    """The letters y with one index, beside a matrix Y, whose element y_ij is."""
    written = {n.text for chain in chains for n in nodes(chain) if isinstance(n, Name)}
    single = (n.letter for c in chains for n in names_in(c) if _elements(n, numbering) == 1)
    return {x: "vector" for x in single if x.islower() and x.upper() in written}


def _transposed_in(chain: Chain) -> Iterator[Any]:
    """The names that are transposed, in brackets or without."""
    for node in nodes(chain):
        if isinstance(node, Scripted) and any(s.kind == "ᵀ" for s in node.scripts):
            base = node.base
            inside = base.parts if isinstance(base, Bracket) else (node,)
            yield from inside[:1]


def _elements(name: NameParts, numbering: Collection[str]) -> int:
    """How many letters below a name are indices of elements."""
    below = [s for s in name.indices if s.kind == "_"]
    below = [s for s in below if s.mark == "["] or below  # h in W_{h[i, j]} is a label
    items = [x for s in below for x in s.items if isinstance(x, Name)]
    letters = [x.text.rstrip("′") for x in items if x.text not in numbering]
    return sum(len(x) == 1 and x.islower() for x in letters)


def cost_of(chains: list[Chain]) -> str:
    """The letter that is differentiated most."""
    counts: Counter[str] = Counter()
    for chain in chains:
        for node in nodes(chain):
            if isinstance(node, Differentiation) and node.of is not None:
                name = taken_apart(function_and_arguments(node.of)[0])
                if name and name.letter in COSTS:
                    counts[name.letter] += 1
    defined = [
        n.letter for c in chains if (n := taken_apart(function_and_arguments(c.parts[0])[0]))
    ]
    for letter in COSTS:
        if letter in defined:
            counts[letter] += 1
    return counts.most_common(1)[0][0] if counts else "J"


def has_rows(chains: list[Chain]) -> bool:
    """Whether weights stand to the right of data: X W."""
    right = left = 0
    for chain in chains:
        for node in nodes(chain):
            if isinstance(node, Product) and len(node.factors) == 2:
                names = [taken_apart(x) for _, x in node.factors]
                if all(names):
                    is_weight = [n.letter[0] in "WwΘ" and not n.operations for n in names if n]
                    turned = bool(names[0] and names[0].operations)  # Xᵀ w
                    right += is_weight == [False, True] and not turned
                    left += is_weight == [True, False] or (is_weight == [False, True] and turned)
    return right > left


def speaks_of_softmax(node: Any) -> bool:
    """Whether this is the function's name, or e^x over a sum of such."""
    if isinstance(node, Quotient) and isinstance(node.below, BigOperator):
        above, below = taken_apart(node.above), taken_apart(node.below.body)
        return above is not None and below is not None and above.letter == below.letter == "e"
    return isinstance(node, Name) and node.text == "softmax"


def names_of_softmax(chains: list[Chain]) -> set[str]:
    """The letters f of f(z)_i = e^{z_i} / Σ_j e^{z_j}."""
    found = set()
    for chain in chains:
        if any(isinstance(x, Quotient) and speaks_of_softmax(x) for x in chain.parts):
            found |= {letter for x in chain.parts if (letter := called_with_an_index(x))}
    return found - FUNCTION_WORDS | ({"σ"} & found)


def called_with_an_index(node: Any) -> str:
    """The letter f of f(z)_i; nothing for another expression."""
    if not (isinstance(node, Scripted) and isinstance(node.base, Call)):
        return ""
    name = taken_apart(node.base.function)
    return name.letter if name and not name.operations and node.scripts[0].kind == "_" else ""


def sizes_in_use(statements: list[NoteStatement]) -> set[str]:
    """The names in declarations, as bounds of sums, and as the ends of ranges."""
    uses: list[Any] = []
    for statement in statements:
        parts = list(nodes(statement.chain))
        uses += parts if statement.kind == "declaration" else ()
        highs = [x.high for x in parts if isinstance(x, BigOperator)]
        uses += [*highs, *(term for x in highs for _, term in getattr(x, "terms", ()))]
        uses += [r.high for r in statement.ranges]
    return {written_key(name) for name in map(taken_apart, uses) if name is not None}
