"""What is wrong with a claim: the smallest edit of it that makes it hold; and its derived form."""

from __future__ import annotations

import functools
import itertools
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from autograd_lite.algebra.evaluation import evaluate
from autograd_lite.algebra.notation import PLAIN, Style, letters_of
from autograd_lite.algebra.tree import (
    Apply,
    Derivative,
    Expression,
    Index,
    Number,
    Symbol,
    symbols,
)
from autograd_lite.derivation.deriving import Deriver, derive
from autograd_lite.derivation.named_tape import NamedTape
from autograd_lite.diagnosis.comparison import compare
from autograd_lite.diagnosis.drawings import Drawings, components, elaborated, instances, rounding
from autograd_lite.diagnosis.edits import Expr, Scope, edits, slopes_of
from autograd_lite.diagnosis.formula_source import FormulaTrees
from autograd_lite.diagnosis.report import Entry, Finding
from autograd_lite.formula.elaboration import Env
from autograd_lite.formula.naming import letter_and_step, names_in, taken_apart
from autograd_lite.formula.plain import plain_text
from autograd_lite.formula.plan import NoteClaim, NotePlan
from autograd_lite.formula.shapes import is_number, settled
from autograd_lite.formula.statements import formula
from autograd_lite.formula.syntax import (
    BigOperator,
    Differentiation,
    Name,
    Num,
    Scripted,
    Sum,
    nodes,
)
from autograd_lite.formula.tokens import FormulaError
from autograd_lite.formula.world import World
from autograd_lite.graph import steps as record
from autograd_lite.tensor import Tensor

MOST_EDITS = 3000
NEAREST = 20  # names that may be missing in a claim, its own first
MOST_FROM_OTHERS = 30
REPAIR_SECONDS = 3.0  # for one claim: of computing, so that what is found does not depend on load
NOTE_SECONDS = 8.0  # for all claims of a note together
LEAST_SECONDS = 0.01  # less than this is not worth while


@dataclass
class RepairTime:
    """The time for the repairs of a note: each claim may take a third of what is left.

    `until` is when the present one must end, `ran_out` whether it did.
    """

    left: float = field(default_factory=lambda: NOTE_SECONDS)
    until: float = 0.0
    ran_out: bool = False

    @contextmanager
    def share(self) -> Iterator[None]:
        """The time of one claim."""
        began, self.ran_out = time.process_time(), False
        share = min(REPAIR_SECONDS, self.left / 3)
        self.until = began + (share if share > LEAST_SECONDS else 0.0)
        yield
        self.left -= time.process_time() - began

    def is_over(self) -> bool:
        """Whether the present claim must end; `ran_out` then says so."""
        self.ran_out = self.ran_out or time.process_time() > self.until
        return self.ran_out


class Repaired(NamedTuple):
    """What is wrong with a claim, in words.

    text: the claim as it holds, where that is known; changed: from where to where in it.
    """

    cause: str
    text: str = ""
    changed: tuple[tuple[int, int], ...] = ()


class Repairs:
    """The edits of one claim, and which of them makes it hold."""

    def __init__(
        self,
        plan: NotePlan,
        drawings: Drawings,
        claim: NoteClaim,
        reading: dict[str, str],
        clock: RepairTime,
    ) -> None:
        self.drawings, self.claim, self.reading, self.clock = drawings, claim, reading, clock
        self.world = drawings.worlds[0]
        self.letters = next(instances(self.world, claim), {})
        self.trees = trees = FormulaTrees(
            claim.statement.passage.source,
            claim.statement.passage.latex,
            self._is_number,
            self._product,
            reading.get("dot") == "elementwise",
        )
        self.tree = tree = trees.read(claim.right)
        drawn = {key.letter for key in self.world.entries}
        names = list(_names_of_the_note(plan, trees, claim, drawn))
        calls = list(dict.fromkeys(p for p in tree.parts() if p.kind == "call"))
        counts = [Expr("name", label=c, origin=Name(0, 0, c)) for c in _counts(plan)]
        derivatives = list(_derivatives_of_the_note(plan, trees))

        def alike(name: Expr) -> list[Expr]:
            own = derivatives if name in derivatives else counts if name in counts else []
            return [*_other_layers(name, trees), *(own or names)]

        self.derivatives = derivatives
        self.scope = Scope(
            write=self.told,
            names=[*names[:NEAREST], *calls],
            counts=counts,
            pieces=_pieces_of(plan, trees, claim),
            alike=alike,
        )

    def told(self, e: Expr) -> str:
        """A tree in a sentence: as plain text."""
        text = self.trees.write(e)
        macros = self.drawings.plan.read.note.macros
        return plain_text(text, macros) if self.trees.latex else text

    def _is_number(self, node: Any) -> bool:
        try:
            return is_number(self.world.elaborator(node, Env(dict(self.letters))))
        except (ValueError, LookupError):
            return False

    def _product(self, node: Any) -> Any:
        """What is called as a product, where the note gives the letter before it a value."""
        try:
            return self.world.elaborator.as_product(node, Env(dict(self.letters)))
        except (ValueError, LookupError):
            return None

    def of_another(self) -> Repaired | None:
        """Whose numbers these are, where the right side is numbers alone."""
        others = self.derivatives if rounding(self.claim) else []
        for other in others:
            if self.drawings.holds(replace(self.claim, left=other.origin)):
                return Repaired(f"another derivative: these are the numbers of {self.told(other)}")
        return None

    def first(self, found: Iterator[tuple[str, str, Expr]]) -> Repaired | None:
        """The first of these with which the claim holds."""
        claim, own = self.claim, Expr("name", label=self.claim.left_text)
        is_used = own in self.tree.parts()
        for kind, words, result in itertools.islice(found, MOST_EDITS):
            if self.clock.is_over():
                return None
            try:
                edited = replace(claim, right=self.trees.node(result))
            except (ValueError, KeyError, IndexError):
                continue
            says = is_used or own not in result.parts()  # more than dZ = dZ
            if says and self.drawings.holds(edited, **self.reading):
                return Repaired(f"{kind}: {words}", *self._written(result))
        return None

    def _written(self, result: Expr) -> tuple[str, tuple[tuple[int, int], ...]]:
        """The claim with another right side; nothing if that is not read as it is meant."""
        right, changed = self.trees.write_changed(result, self.tree)
        if not reads_back(self.drawings, self.claim, right, **self.reading):
            return "", ()
        before = f"{self.claim.left_text} {self.claim.relation} "
        return before + right, tuple((len(before) + a, len(before) + b) for a, b in changed)


def reads_back(drawings: Drawings, claim: NoteClaim, right: str, **reading: str) -> bool:
    """Whether a claim holds with another right side, which is read as a line of its note."""
    latex, note = claim.statement.passage.latex, drawings.plan.read.note
    try:
        node = formula(right, drawings.plan.letters, latex, note.macros)
    except FormulaError:
        return False
    return drawings.holds(replace(claim, right=node), **reading)


def repair(
    plan: NotePlan, drawings: Drawings, claim: NoteClaim, clock: RepairTime, **reading: str
) -> Repaired | None:
    """What is wrong with the right side; and the claim as it holds, if an edit says it.

    A slip comes first, then what would have to be symmetric or diagonal, the mistakes in a backward
    pass that `compare` knows, and at last what may be missing. `clock` ends the search.
    """
    if clock.is_over():
        return None
    try:
        repairs = Repairs(plan, drawings, claim, reading, clock)
    except (ValueError, AttributeError):
        return None
    slip = repairs.of_another() or repairs.first(_slips(repairs.tree, repairs.scope, repairs.trees))
    if slip is not None:
        return slip
    if clock.ran_out:
        return None
    letters = drawings.square_letters(claim)
    if letters and drawings.symmetric.holds(claim, **reading):
        return Repaired(f"it holds where {' and '.join(letters)} is symmetric, and not otherwise")
    if _only_on_diagonal(drawings, claim):
        return Repaired(_DIAGONAL)
    mistake = known_mistake(drawings, claim)
    if mistake is not None and mistake.kind.startswith(("derivative", "path")):
        return Repaired(str(mistake))
    found = repairs.first(_missing(repairs.tree, repairs.scope))
    return Repaired(str(mistake)) if found is None and mistake is not None else found


def _only_on_diagonal(drawings: Drawings, claim: NoteClaim) -> bool:
    """Whether a square matrix is claimed that is right on its diagonal and zero beside it."""
    seen = False
    for world in drawings.worlds[:3]:
        for letters in instances(world, claim):
            try:
                a, b = (components(world, x) for x in elaborated(world, claim, letters))
            except (ValueError, LookupError, ArithmeticError, TypeError, AttributeError):
                return False
            if a.shape != b.shape or a.ndim != 2 or a.shape[0] != a.shape[1]:
                return False
            if not np.allclose(b, np.diag(np.diag(a)), rtol=1e-8, atol=1e-10):
                return False
            seen = seen or not np.allclose(a, b)
    return seen


def known_mistake(drawings: Drawings, claim: NoteClaim) -> Finding | None:
    """What `compare` finds in a gradient that is claimed, on the first world on which it fails."""
    for world, letters in ((w, x) for w in drawings.worlds for x in instances(w, claim)):
        try:
            entry = _on_tape(world, *elaborated(world, claim, letters))
        except (ValueError, LookupError, ArithmeticError, TypeError, AttributeError):
            return None
        if entry is None:
            return None
        if entry.verdict != "agrees":
            named = {e.symbol.label for e in world.by_number}
            return _best([f for f in entry.findings if f.rank == 1], named)
    return None


def _best(findings: list[Finding], named: set[str]) -> Finding | None:
    """The finding that says most with the letters of the note, without what has no letter there."""
    told: list[tuple[bool, bool, int, Finding]] = []
    for f in findings:
        sentences = f.advice.split(". ")
        kept = [s for s in sentences[1:] if not _UNNAMED.search(s)]
        says = f.where in named
        if f.kind not in _UNTOLD and (says or f.kind.startswith("derivative")):
            found = replace(f, advice=". ".join([sentences[0], *kept]).rstrip(".") + ".")
            told.append((f.kind != "path-missing", not says, len(told), found))
    return min(told)[-1] if told else None


def _on_tape(world: Any, left: Expression, right: Expression) -> Entry | None:
    """What the right side is as the gradient that the left side is; None if that is none."""
    scale: Expression = Number(Fraction(1))
    if isinstance(left, Apply) and left.op is np.multiply and left.arguments[0].shape == ():
        scale, left = left.arguments  # m ∂J/∂Z
    if not (isinstance(left, Derivative) and is_number(left.of)):
        return None
    indices = [x for x in left.at if isinstance(x, Index)]
    if left.at != (None, None) and len(indices) != 1:
        return None
    J, wrt = evaluate(left.of, world.value, True), world.value(left.wrt)
    value = components(world, right)
    if value.size != wrt.size:
        return None
    given = value.reshape(wrt.shape) / float(evaluate(scale, world.value))
    return compare(J, {wrt: given}).entries[0]


def _slips(tree: Expr, scope: Scope, trees: FormulaTrees) -> Iterator[tuple[str, str, Expr]]:
    """What is often written by mistake, a factor left out, and letters taken for others."""
    slips = edits(tree, replace(scope, names=()), ranks=(1, 2))
    for edit in sorted(slips, key=lambda edit: edit.kind != "mask"):
        words = edit.words
        if edit.kind in ("operation", "product"):
            words = words.replace("*", "the elementwise product").replace("@", "the matrix product")
        if (edit.kind, edit.rank) != ("term", 2):
            yield _CALLED.get(edit.kind, edit.kind), words, edit.result
    yield from _throughout(tree, scope)
    for part in tree.parts():
        for new, words in _other_forms(part):
            yield (
                "a derivative",
                words.format(*map(scope.write, (new, part))),
                _replaced(tree, {part: new}),
            )
    yield from _with_sum_over(tree)
    for part in tree.parts():
        factors = _chain_of(part)
        for other in itertools.permutations(factors) if 2 < len(factors) < 5 else ():
            new = functools.reduce(lambda a, b: Expr("matmul", (a, b)), other)
            words = f"{scope.write(new)} belongs there, not {scope.write(part)}"
            yield "the order", words, _replaced(tree, {part: new})
    letters = sorted({x for p in tree.parts() for x in _indices_of(p)})
    for a, b in itertools.combinations(letters, 2):
        words = f"the indices {a} and {b} are exchanged"
        yield "the indices", words, _with_indices(tree, {a: b, b: a}, trees)


def _chain_of(e: Expr) -> list[Expr]:
    """The factors of a product of matrices."""
    if e.kind != "matmul":
        return [e]
    return [*_chain_of(e.children[0]), *_chain_of(e.children[1])]


def _indices_of(e: Expr) -> list[str]:
    """The letters below a name."""
    scripts = e.origin.scripts if isinstance(e.origin, Scripted) and e.kind == "name" else ()
    return [x.text for s in scripts if s.kind == "_" for x in s.items if isinstance(x, Name)]


def _with_indices(e: Expr, by: dict[str, str], trees: FormulaTrees) -> Expr:
    """The expression with other letters below its names."""
    if not _indices_of(e):
        return replace(e, children=tuple(_with_indices(x, by, trees) for x in e.children))
    scripts = []
    for s in e.origin.scripts:
        if s.kind == "_":
            items = tuple(
                replace(x, text=by.get(x.text, x.text)) if isinstance(x, Name) else x
                for x in s.items
            )
            s = replace(s, items=items, raw="".join(by.get(c, c) for c in s.raw))
        scripts.append(s)
    other = replace(e.origin, scripts=tuple(scripts))
    return trees.with_scripts(other)


def _throughout(tree: Expr, scope: Scope) -> Iterator[tuple[str, str, Expr]]:
    """Letters taken for others, or exchanged, or with their transpose, wherever they stand."""
    letters = list(dict.fromkeys(p for p in tree.parts() if p.kind == "name"))
    for old in letters:
        for new in scope.alike(old):
            if new != old:
                words = f"{scope.write(new)} belongs there, not {scope.write(old)}, throughout"
                yield "a letter or layer", words, _replaced(tree, {old: new})
    for a, b in itertools.combinations(letters, 2):
        words = f"{scope.write(a)} and {scope.write(b)} are exchanged"
        yield "a letter or layer", words, _replaced(tree, {a: b, b: a})
    for a in letters:
        turned = Expr("transpose", (a,))
        words = f"{scope.write(a)} and its transposes are exchanged"
        yield "transposes", words, _replaced(tree, {turned: a, a: turned})


def _other_forms(part: Expr) -> Iterator[tuple[Expr, str]]:
    """The derivative of another function, as t(1 − t) is for 1 − t²; diag(x) for x xᵀ, or x."""
    if part.kind in ("multiply", "subtract"):
        for name in dict.fromkeys(p for p in part.parts() if p.kind in ("name", "call")):
            square = Expr("multiply", (name, name))
            forms = [*slopes_of(name), Expr("subtract", (Expr("number", label=1), square))]
            if part in forms:
                for form in forms:
                    yield form, "{} belongs there, the derivative of another function, not {}"
    if part.kind == "matmul" and part.children[1] == Expr("transpose", part.children[:1]):
        yield Expr("call", part.children[:1], ("diag",)), "{} belongs there, not {}"


def _with_sum_over(tree: Expr) -> Iterator[tuple[str, str, Expr]]:
    """A sum over an index that is left out."""
    for letter in sorted({x for p in tree.parts() for x in _indices_of(p)}):
        total = BigOperator(0, 0, "Σ", (Name(0, 0, letter),), None, None, None, Name(0, 0, ""))
        whole = Expr("other", (tree,), f"Σ_{letter}", total)
        yield "a sum", f"the sum over {letter} is missing", whole


def _missing(tree: Expr, scope: Scope) -> Iterator[tuple[str, str, Expr]]:
    """What is in reach and is missing, and what stands elsewhere."""
    for part in dict.fromkeys(p for p in tree.parts() if p.kind == "name"):
        for factor in (*slopes_of(part), *scope.names):
            new = Expr("multiply", (part, factor))
            words = f"the factor {scope.write(factor)} of {scope.write(part)} is missing"
            yield "a factor", words, _replaced(tree, {part: new})
    for edit in edits(tree, scope, ranks=(2, 3)):
        if edit.kind == "expression" and not edit.path:
            continue  # another formula altogether
        kind = _CALLED.get(edit.kind, edit.kind)
        kind = "a factor, as a derivative is" if (edit.kind, edit.rank) == ("factor", 3) else kind
        yield kind, edit.words, edit.result


def _replaced(tree: Expr, by: dict[Expr, Expr]) -> Expr:
    if tree in by:
        return by[tree]
    return replace(tree, children=tuple(_replaced(x, by) for x in tree.children))


def _pieces_of(plan: NotePlan, trees: FormulaTrees, claim: NoteClaim) -> list[Expr]:
    """What other claims have on their right side, and its terms: one may be missing here."""
    found: dict[Expr, None] = {}
    claims = [(c.right, c.statement) for c in plan.claims if c is not claim]
    for right, statement in [*claims, *((d.meaning, d.statement) for d in plan.definitions)]:
        if statement.passage.source is claim.statement.passage.source:
            for part in trees.read(right).parts():
                if part.kind in ("matmul", "multiply", "call", "transpose"):
                    found.setdefault(part)
    return list(found)[:MOST_FROM_OTHERS]


_DIAGONAL = (
    "the derivative of an elementwise function: only the diagonal is right, and what is beside it "
    "is not zero, since each element depends on all"
)
_UNTOLD = ("unknown", "factor", "scale")  # kinds of findings that tell no cause
_UNNAMED = re.compile(r"\bthe [a-z]+ in ")  # the product in H
_CALLED = {
    "mask": "a comparison",
    "too much": "a term or factor",
    "number": "a factor",
    "sign": "a sign",
}
_CALLED |= {"transpose": "a transpose", "product": "the order or a transpose", "factor": "a factor"}
_CALLED |= {"term": "a term", "name": "a letter or layer", "order": "the order", "power": "a power"}
_CALLED |= {"index": "an index", "function": "a function", "operation": "an operation"}


def _names_of_the_note(
    plan: NotePlan, trees: FormulaTrees, claim: NoteClaim, letters: set[str]
) -> Iterator[Expr]:
    """The names of the note, each as it is written somewhere, those of the claim first."""
    seen: set[str] = set()
    for part in (claim.chain, *(s.chain for s in plan.read.statements)):
        for name in names_in(part):
            text = trees.shown(name.node)
            known = name.letter in plan.letters or name.letter in letters
            if name.operations or text in seen or len(text.strip("\\")) == 0 or not known:
                continue
            seen.add(text)
            if len(seen) > 40:
                return
            yield Expr("name", label=text, origin=name.node)


def _derivatives_of_the_note(plan: NotePlan, trees: FormulaTrees) -> Iterator[Expr]:
    """The derivatives that the claims speak of, each once."""
    every = [n for c in plan.claims for x in (c.left, c.right) for n in nodes(x)]
    found = [trees.opaque(n) for n in every if isinstance(n, Differentiation) and n.of is not None]
    yield from dict.fromkeys(found)


def _counts(plan: NotePlan) -> list[str]:
    """Letters of sizes that stand in formulas as numbers, as m does."""
    found: dict[str, None] = {}
    for statement in plan.read.statements:
        for node in nodes(statement.chain):
            if isinstance(node, BigOperator) and isinstance(node.high, Name):
                found.setdefault(node.high.text)
            stands = (
                statement.kind != "declaration" and getattr(node, "text", "") in plan.size_letters
            )
            if isinstance(node, Name) and (node.text in ("m", "N") or stands):
                found.setdefault(node.text)
    return list(found)


def _other_layers(name: Expr, trees: FormulaTrees) -> Iterator[Expr]:
    """The same letter of the next and of the last layer."""
    node = name.origin
    found = taken_apart(node) if isinstance(node, Scripted) else None
    for k, script in enumerate(node.scripts if found else ()):
        step = letter_and_step(script.items[0]) if len(script.items) == 1 else None
        if step is None or script.kind not in ("_", "^"):
            continue
        for by in (-1, 1):
            n = step[1] + by
            letter = Name(0, 0, step[0])
            item = (
                letter
                if not n
                else Sum(0, 0, ((1, letter), (1 if n > 0 else -1, Num(0, 0, Fraction(abs(n))))))
            )
            raw = step[0] + (f"{n:+d}".replace("-", "−") if n else "")
            scripts = list(node.scripts)
            scripts[k] = replace(script, items=(item,), raw=raw)
            other = replace(node, scripts=tuple(scripts))
            yield trees.with_scripts(other)


# The derived form


def derived_form(plan: NotePlan, world: World, claim: NoteClaim) -> Iterator[str]:
    """Right sides by derivation, if the left is a derivative of what the note gives a value.

    By the names of the note where it is of a number: `∂J/∂Z Xᵀ`. Then its closed form.
    """
    node, passage = claim.left, claim.statement.passage
    if any(instances(world, claim)):
        return  # a family: the form of one layer is not that of all
    trees = FormulaTrees(passage.source, passage.latex)
    try:
        world.closed = False
        side = world.elaborator(claim.left, Env({}))
        world.close()
        left = settled(side)
    except (ValueError, LookupError):
        return
    if not isinstance(left, Derivative) or left.at != (None, None):
        return
    with suppress(ValueError, LookupError, ArithmeticError, ImportError, AssertionError):
        if not left.of.shape:
            J, variable = evaluate(left.of, world.value, True), world.value(left.wrt)
            if text := _derived_text(plan, trees, world, left, J, variable):
                yield text
    with suppress(ValueError, LookupError, ArithmeticError, ImportError, TypeError):
        if isinstance(node, Differentiation) and sum(n for _, n in node.wrt) == 1:
            yield _closed_form(plan, trees, world, node.of, left)


def _derived_text(
    plan: NotePlan, trees: FormulaTrees, world: World, left: Derivative, J: Any, variable: Any
) -> str:
    if not isinstance(J, Tensor) or not isinstance(variable, Tensor):
        return ""
    tape = NamedTape(record(J, [variable]))
    number = tape.recorded.wrt[0].number
    rhs: Expression | None = None
    for quantity in Deriver(tape).quantities():
        if quantity.symbol.kind == "gradient" and quantity.symbol.number == number:
            rhs = quantity.rhs
    known = {e.symbol.label for e in world.by_number}
    if rhs is None or any(s.label not in known or s.number in tape.given for s in symbols(rhs)):
        return ""
    counts = [c for c in _counts(plan) if c in world.sizes]
    count = world.sizes[counts[0]].root.value if counts else 0
    notation = replace(PLAIN, count=counts[0]) if counts else PLAIN
    cost = left.of.label if isinstance(left.of, Symbol) else plan.cost
    letters = letters_of(cost, _own_letters(plan, trees, world))
    return Style(trees.latex, notation, letters, count or 0)(rhs)


def _own_letters(plan: NotePlan, trees: FormulaTrees, world: World) -> dict[str, str]:
    """How the note writes its names."""
    named = [d for d in plan.named if d.statement.passage.source is trees.source]
    return {_label_of(world, d): trees.shown(d.name.node) for d in named}


def _closed_form(
    plan: NotePlan, trees: FormulaTrees, world: World, of: Any, left: Derivative
) -> str:
    """The closed form of a derivative, from the text of what is differentiated."""
    macros = plan.read.note.macros
    inside = [x for x in world.reached(left.of, [left.wrt.number]) if isinstance(x, Symbol)]
    used = {x.label: x for x in inside if x.kind == "value"}
    lines = [trees.shown(of)]
    for d in reversed(plan.definitions):
        if d.parameters or _label_of(world, d) in used.keys() - {left.wrt.label}:
            source, name = d.statement.passage.source, d.statement.chain.parts[0]
            texts = (source.part(x.start, x.end) for x in (name, d.meaning))
            lines.insert(0, " = ".join(texts))
    if len(lines) > 1 and isinstance(left.of, Symbol):
        del lines[-1]  # its definition is the line before
    leaf = [x for x in used.values() if x == left.wrt or world.by_number[x.number].meaning is None]
    shapes = {x.label: _in_letters(world.by_number[x.number].symbol.shape) for x in leaf}
    text = "\n".join(plain_text(line, macros) for line in lines)
    found = derive(text, left.wrt.label, shapes=shapes)
    (form,) = found.forms.values()
    letters = letters_of(plan.cost, _own_letters(plan, trees, world))
    plain, latex = (replace(style, letters=letters) for style in form.styles)
    own = replace(form, names=[], styles=(plain, latex))  # whose names are the note's
    return own.written(trees.latex)


def _label_of(world: World, named: Any) -> str:
    """The name of what is declared or defined, as a world has it."""
    return str(world.key(named.name.letter, named.name.indices, {}))


def _in_letters(shape: Any) -> tuple[str | int, ...]:
    """The sizes of a leaf, one of a vector."""
    sizes = [x.root for x in shape]
    kept = sizes[:1] if len(sizes) == 2 and sizes[1].literal and sizes[1].value == 1 else sizes
    return tuple(x.value if x.literal else x.name for x in kept)
