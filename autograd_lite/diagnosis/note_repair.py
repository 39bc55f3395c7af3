"""What is wrong with a claim: the smallest edit of it that makes it hold; and its derived form."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

from autograd_lite.algebra.evaluation import evaluate
from autograd_lite.algebra.notation import PLAIN, Style, letters_of
from autograd_lite.algebra.tree import Derivative, Expression, Symbol, symbols
from autograd_lite.derivation.deriving import Deriver
from autograd_lite.derivation.named_tape import NamedTape
from autograd_lite.diagnosis.drawings import Drawings, instances
from autograd_lite.diagnosis.edits import Expr, Scope, edits
from autograd_lite.diagnosis.formula_source import FormulaTrees
from autograd_lite.formula.elaboration import Env
from autograd_lite.formula.naming import letter_and_step, names_in, nodes, taken_apart
from autograd_lite.formula.plan import NoteClaim, NotePlan
from autograd_lite.formula.shapes import is_number, settled
from autograd_lite.formula.syntax import BigOperator, Chain, Name, Num, Scripted, Sum
from autograd_lite.graph import steps as record
from autograd_lite.tensor import Tensor

MOST_EDITS = 3000
NEAREST = 12  # names that may be missing in a claim, its own first
MOST_FROM_OTHERS = 20
REPAIR_SECONDS = 1.0  # for one claim, at most


def repair(plan: NotePlan, drawings: Drawings, claim: NoteClaim) -> tuple[str, str] | None:
    """The first edit of the right side with which the claim holds, in words; and the claim then."""
    world = drawings.worlds[0]
    letters = next(instances(world, claim), {})

    def number(node: Any) -> bool:
        env = Env(dict(letters))
        try:
            return is_number(world.elaborator(node, env))
        except (ValueError, LookupError):
            return False

    source = claim.statement.passage.source.text

    def product(node: Any) -> Any:
        try:
            return world.elaborator.as_product(node, Env(dict(letters)))
        except (ValueError, LookupError):
            return None

    trees = FormulaTrees(source, number, product)
    try:
        tree = trees.read(claim.right)
    except (ValueError, AttributeError):
        return None
    names = list(_names_of_the_note(plan, trees, claim))
    scope = Scope(
        write=trees.write,
        names=names[:NEAREST],
        counts=[Expr("name", label=c, origin=Name(0, 0, c)) for c in _counts(plan)],
        pieces=_pieces_of(plan, trees, claim),
        alike=lambda name: [*_other_layers(name, trees), *names],
    )
    until = time.monotonic() + REPAIR_SECONDS
    for n, (kind, words, result) in enumerate(_edited(tree, scope)):
        if n > MOST_EDITS or time.monotonic() > until:
            return None
        try:
            edited = replace(claim, right=trees.node(result))
        except (ValueError, KeyError, IndexError):
            continue
        if drawings.holds(edited):
            text = f"{claim.left_text} {claim.relation} {trees.write(result)}"
            return f"{kind}: {words}", text
    return None


def _edited(tree: Expr, scope: Scope) -> Iterator[tuple[str, str, Expr]]:
    """Small edits: slips, letters that are meant throughout, and what is missing, in this order."""
    for edit in edits(tree, scope, ranks=(1, 2)):
        words = edit.words
        if edit.kind in ("operation", "product"):
            words = words.replace("*", "the elementwise product").replace("@", "the matrix product")
        yield _CALLED.get(edit.kind, edit.kind), words, edit.result
    for old in {p for p in tree.parts() if p.kind == "name"}:
        for new in scope.alike(old):
            if new != old:
                words = f"{new.label} belongs there, not {old.label}, throughout"
                yield "a letter or layer", words, _replaced(tree, old, new)
    for edit in edits(tree, scope, ranks=(3,)):
        if edit.kind == "expression" and not edit.path:
            continue  # another formula altogether
        kind = _CALLED.get(edit.kind, edit.kind)
        kind = "a factor, as a derivative is" if edit.kind == "factor" else kind
        yield kind, edit.words, edit.result


def _replaced(tree: Expr, old: Expr, new: Expr) -> Expr:
    if tree == old:
        return new
    return replace(tree, children=tuple(_replaced(x, old, new) for x in tree.children))


def _pieces_of(plan: NotePlan, trees: FormulaTrees, claim: NoteClaim) -> list[Expr]:
    """What other claims have on their right side, and its terms: one may be missing here."""
    found: dict[Expr, None] = {}
    for other in plan.claims:
        if other is not claim and other.statement.passage.source is claim.statement.passage.source:
            for part in trees.read(other.right).parts():
                if part.kind in ("matmul", "multiply", "call", "transpose"):
                    found.setdefault(part)
        if len(found) > MOST_FROM_OTHERS:
            break
    return list(found)[:MOST_FROM_OTHERS]


_CALLED = {"too much": "a term or factor", "number": "a factor", "sign": "a sign"}
_CALLED |= {"transpose": "a transpose", "product": "the order or a transpose", "factor": "a factor"}
_CALLED |= {"term": "a term", "name": "a letter or layer", "order": "the order", "power": "a power"}
_CALLED |= {"index": "an index", "function": "a function", "operation": "an operation"}


def _names_of_the_note(plan: NotePlan, trees: FormulaTrees, claim: NoteClaim) -> Iterator[Expr]:
    """The names of the note, each as it is written somewhere, those of the claim first."""
    seen: set[str] = set()
    chain = Chain(0, 0, (claim.left, claim.right), ("=",))
    for part in (chain, *(s.chain for s in plan.read.statements)):
        for name in names_in(part):
            text = trees.shown(name.node)
            if name.operations or text in seen or not text or name.letter not in plan.letters:
                continue
            seen.add(text)
            if len(seen) > 40:
                return
            yield Expr("name", label=text, origin=name.node)


def _counts(plan: NotePlan) -> list[str]:
    """Letters of sizes that stand in formulas as numbers, as m does."""
    found: dict[str, None] = {}
    for statement in plan.read.statements:
        for node in nodes(statement.chain):
            if isinstance(node, BigOperator) and isinstance(node.high, Name):
                found.setdefault(node.high.text)
            if isinstance(node, Name) and node.text in ("m", "N"):
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
            text = trees.shown(node)
            opening = {"[": "[]", "(": "()"}.get(script.mark, "{}")
            shown = f"{found.letter if found else text}^{opening[0]}{raw}{opening[1]}"
            yield Expr("name", label=shown, origin=replace(node, scripts=tuple(scripts)))


# The derived form


def derived_form(plan: NotePlan, world: Any, claim: NoteClaim) -> str:
    """The right side by derivation, if the left is a derivative of a number by a letter."""
    for letters in instances(world, claim):
        if letters:
            return ""  # a family: the form of one layer is not that of all
        try:
            world.closed = False
            side = world.elaborator(claim.left, Env(dict(letters)))
            world.close()
            left = settled(side)
            if not isinstance(left, Derivative) or left.of.shape or left.at != (None, None):
                return ""
            J, variable = evaluate(left.of, world.value, True), world.value(left.wrt)
            return _derived_text(plan, world, left, J, variable)
        except (ValueError, LookupError, ArithmeticError, ImportError, AssertionError):
            return ""
    return ""


def _derived_text(plan: NotePlan, world: Any, left: Derivative, J: Any, variable: Any) -> str:
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
    count = world.sizes[counts[0]].value if counts else 0
    notation = replace(PLAIN, count=counts[0]) if counts else PLAIN
    cost = left.of.label if isinstance(left.of, Symbol) else plan.cost
    return Style(notation=notation, letters=letters_of(cost), count=count)(rhs)
