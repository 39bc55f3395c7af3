"""Derivations as text: every claim of a note judged on drawn sizes, its right form and its cause."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np

from autograd_lite.algebra.evaluation import evaluate
from autograd_lite.algebra.tree import Expression, Number
from autograd_lite.formula.elaboration import Elaborator, Env
from autograd_lite.formula.naming import letter_and_step, names_in, nodes
from autograd_lite.formula.passages import Note, note_at
from autograd_lite.formula.plan import Claim, Plan, planned
from autograd_lite.formula.shapes import NotConforming, is_number, joined, matrix_shape, settled, written_shape
from autograd_lite.formula.statements import read
from autograd_lite.formula.syntax import Chain, Derivative, Name, Reduction
from autograd_lite.formula.tokens import FormulaError
from autograd_lite.formula.world import Ambiguous, Drawing, Undefined, World

TOLERANCE = 1e-8  # of two sides, relative to the largest component
PATTERNS = ("different", "different", "equal", "pairs", *(f"one {n}" for n in range(1, 7)), "different", "different")
_DEPTHS = (3, 2, 2, 3, 2, 3, 1, 4, 2, 3, 4, 2)
HOLDS, WRONG, MISFIT, UNDEFINED, AMBIGUOUS = (
    "holds", "wrong", "does not conform", "undefined", "ambiguous",
)  # fmt: skip


@dataclass
class Judged:
    """A claim with its verdict.

    text: as it is written; reading: as it was read; verdict: holds, wrong, does not conform,
    undefined or ambiguous; silent: whether it conforms somewhere and is wrong there, so that only a
    comparison of numbers shows it; cause: what is wrong; correct: the form that holds, checked.
    """

    file: str
    line: int
    text: str
    reading: str = ""
    verdict: str = HOLDS
    silent: bool = False
    cause: str = ""
    correct: str = ""
    remarks: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return dict(vars(self))


@dataclass
class Outcome:
    """What became of a claim in the drawings: how often right, wrong, not conforming, and why."""

    right: int = 0
    wrong: int = 0
    misfit: int = 0
    why: str = ""
    undefined: str = ""
    ambiguous: str = ""
    unread: FormulaError | None = None
    remarks: dict[str, None] = field(default_factory=dict)
    at: set[str] = field(default_factory=set)
    skipped: str = ""
    undecided: int = 0

    @property
    def verdict(self) -> str:
        if self.ambiguous:
            return AMBIGUOUS
        if self.undefined:
            return UNDEFINED
        if self.wrong:
            return WRONG
        if self.misfit:
            return MISFIT
        if not self.right:
            return UNDEFINED
        return HOLDS


class Drawings:
    """The worlds on which the claims of a note are judged."""

    def __init__(self, plan: Plan, rng: int, gradients: str = "plain") -> None:
        self.plan, self.rng = plan, rng
        self.problems: dict[str, None] = {}
        self.worlds = [self._world(n, p, gradients) for n, p in enumerate(PATTERNS)]

    def _world(self, n: int, pattern: str, gradients: str, positive: bool = False) -> World:
        rng = np.random.default_rng([self.rng, n, positive])
        world = World(self.plan, Drawing(_DEPTHS[n], 1 + _DEPTHS[n] % 4, pattern, rng), gradients)
        world.positive = positive
        for definition in self.plan.definitions:
            if definition.parameters:
                continue
            try:
                world.elaborator.instances(definition)
            except (NotConforming, Undefined, Ambiguous, FormulaError) as error:
                self.problems.setdefault(f"line {definition.statement.line}: {error}")
        world.close()
        return world

    def outcome(self, claim: Claim, layout: str | None = None) -> Outcome:
        """Judge a claim on every world."""
        found = Outcome()
        for n, world in enumerate(self.worlds):
            if layout is not None:
                world.elaborator.layout = layout
            for _ in range(3):
                again = self._on(world, claim, found)
                if not again:
                    break
                world = self.worlds[n] = self._world(n, PATTERNS[n], world.gradients, True)
            else:
                found.undecided += 1
            if layout is not None:
                world.elaborator.layout = self.plan.conventions.get("layout", "mixed")
            if found.unread or found.ambiguous:
                break
        return found

    def _on(self, world: World, claim: Claim, found: Outcome) -> bool:
        """Judge on one world; whether a value was not finite, so that it must be drawn again."""
        before = found.right, found.wrong, found.misfit
        for letters in instances(world, claim):
            said = ", ".join(f"{k} = {v}" for k, v in letters.items())
            try:
                left, right = elaborated(world, claim, letters)
                difference = compared(world, left, right, claim.relation)
            except (NotConforming, IndexError) as error:
                found.misfit += 1
                found.why = found.why or str(error)
            except Undefined as error:
                if letters and "does not exist" in str(error):
                    found.skipped = str(error)
                    continue
                found.undefined = found.undefined or str(error)
            except Ambiguous as error:
                found.ambiguous = str(error)
            except FormulaError as error:
                found.unread = error
            except (ValueError, np.linalg.LinAlgError, TypeError) as error:
                found.misfit += 1
                found.why = found.why or str(error).partition("\n")[0]
            else:
                if difference is None:
                    found.right, found.wrong, found.misfit = before
                    return True
                if difference <= TOLERANCE:
                    found.right += 1
                else:
                    found.wrong += 1
                    found.at.add(said)
        if world is self.worlds[0]:
            found.remarks |= world.elaborator.remarks
        world.elaborator.remarks.clear()
        return False


def instances(world: World, claim: Claim) -> Iterator[dict[str, int]]:
    """The numbers of layers for which a claim stands."""
    letters = numbering(world.plan, claim)
    ranges = []
    for letter in letters:
        low, high = world.bounds(letter, claim.statement)
        ranges.append(range(low, high + 1))
    for values in product(*ranges):
        chosen = dict(zip(letters, values, strict=True))
        if all(_condition(world, c, chosen) for c in claim.statement.conditions):
            yield chosen


def numbering(plan: Plan, claim: Claim) -> list[str]:
    """The letters of a claim that number its names and are bound by no sum in it."""
    chain = Chain(0, 0, (claim.left, claim.right), ("=",))
    bound = {i.text for n in nodes(chain) if isinstance(n, Reduction) for i in n.indices}
    found: dict[str, None] = {}
    for name in names_in(chain):
        for script in name.indices:
            for item in script.items:
                for node in nodes(item):
                    step = letter_and_step(node)
                    if step and step[0] in plan.families and step[0] not in bound:
                        found.setdefault(step[0])
    return sorted(found)


def _condition(world: World, chain: Chain, letters: dict[str, int]) -> bool:
    values = [world.number(x, letters) for x in chain.parts]
    compare = {"<": np.less, ">": np.greater, "≤": np.less_equal, "≥": np.greater_equal, "≠": np.not_equal}
    for a, b, relation in zip(values, values[1:], chain.relations, strict=False):
        if a is not None and b is not None and not compare[relation](a, b):
            return False
    return True


def elaborated(world: World, claim: Claim, letters: dict[str, int]) -> tuple[Expression, Expression]:
    """Both sides of a claim, settled; NotConforming where their shapes differ."""
    read: Elaborator = world.elaborator
    env = Env(dict(letters))
    world.closed = False
    left = read(claim.left, env)
    world.close()
    world.closed = True
    right = read(claim.right, env)
    world.close()
    a, b = matrix_shape(left), matrix_shape(right)
    zero = isinstance(right, Number) and (right.value == 0 or claim.relation != "=")
    if not zero and (len(left.shape) == 4 or len(right.shape) == 4):
        if len(left.shape) != len(right.shape):
            raise NotConforming("the two sides have different numbers of indices")
    elif not zero and is_number(left) != is_number(right):
        raise NotConforming(f"{written_shape(a)} on the left, {written_shape(b)} on the right")
    elif not zero and not (joined(a[0], b[0]) and joined(a[1], b[1])):
        raise NotConforming(f"{written_shape(a)} on the left, {written_shape(b)} on the right")
    return settled(left), settled(right)


def compared(world: World, left: Expression, right: Expression, relation: str) -> float | None:
    """How far the sides are apart, relative to the larger; None where one is not finite."""
    with np.errstate(all="ignore"):
        a, b = (np.asarray(getattr(v, "data", v), dtype=float) for v in (
            evaluate(left, world.value), evaluate(right, world.value)))  # fmt: skip
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return None
    if relation in _ORDERS:
        return 0.0 if _ORDERS[relation](a, b).all() else 1.0
    if a.shape != b.shape:
        a, b = np.broadcast_arrays(*_aligned(a, b, left, right))
    scale = max(np.max(np.abs(a), initial=0.0), np.max(np.abs(b), initial=0.0))
    return float(np.max(np.abs(a - b), initial=0.0) / scale) if scale > 1e-12 else 0.0


def _aligned(a: Any, b: Any, left: Expression, right: Expression) -> tuple[Any, Any]:
    if not left.shape and right.shape and a.ndim:
        a = a[..., None, None]
    if not right.shape and left.shape and b.ndim:
        b = b[..., None, None]
    return a, b


_ORDERS: dict[str, Any] = {"<": np.less, ">": np.greater, "≤": np.less_equal, "≥": np.greater_equal}


@dataclass
class NoteReport:
    """The claims of a note, judged; true if all hold and everything was read.

    claims: in order. unread: what states something and could not be read, as errors with their
    places. problems: definitions that do not fit. passed: how many formulas state nothing.
    """

    name: str
    claims: list[Judged]
    unread: list[FormulaError]
    problems: list[str]
    passed: int
    stated: int

    def __bool__(self) -> bool:
        return not self.unread and all(c.verdict == HOLDS for c in self.claims)

    @property
    def summary(self) -> str:
        """One line: how much was read, judged and passed over."""
        counts = {v: sum(c.verdict == v for c in self.claims) for v in (HOLDS, WRONG, MISFIT, UNDEFINED, AMBIGUOUS)}
        said = ", ".join(f"{n} {v if v != HOLDS or n == 1 else 'hold'}" for v, n in counts.items() if n) or "none"
        unread = f"; {len(self.unread)} not read" if self.unread else ""
        return f"{self.name}: {self.stated} statements, {len(self.claims)} claims: {said}{unread}; {self.passed} formulas state nothing"

    def __str__(self) -> str:
        lines = [self.summary]
        for c in self.claims:
            silent = ", silent" if c.silent else ""
            lines.append(f"{c.file}:{c.line}: {c.text}: {c.verdict}{silent}")
            for label, text in (("read as", c.reading), ("cause", c.cause), ("right", c.correct)):
                if text:
                    lines.append(f"    {label}: {text}")
            lines += [f"    {remark}" for remark in c.remarks]
        lines += [f"{p}" for p in self.problems]
        lines += [str(error) for error in self.unread]
        return "\n".join(lines)

    __repr__ = __str__


def check_derivation(note: str | os.PathLike[str], rng: int = 0) -> NoteReport:
    """Judge every claim of a note."""
    return checked_note(note_at(note), rng)


def checked_note(note: Note, rng: int = 0) -> NoteReport:
    """Judge a note that was opened."""
    plan = planned(read(note))
    drawings = Drawings(plan, rng)
    claims, unread = [], list(plan.unread)
    for claim in plan.claims:
        outcome = drawings.outcome(claim)
        if outcome.unread is not None:
            unread.append(outcome.unread)
            continue
        source = claim.statement.passage.source
        judged = Judged(source.name, source.place(claim.left.start)[0], claim.text)
        judged.verdict = outcome.verdict
        judged.silent = outcome.verdict == WRONG
        judged.cause = outcome.ambiguous or outcome.undefined or outcome.why or outcome.skipped
        judged.remarks = [*claim.statement.remarks, *outcome.remarks]
        claims.append(judged)
    stated = len(plan.read.statements) + len(plan.unread)
    return NoteReport(note.name, claims, unread, list(drawings.problems), plan.passed, stated)


_ = Derivative, Name
