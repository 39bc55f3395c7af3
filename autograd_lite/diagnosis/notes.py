"""Derivations as text: every claim of a note judged on drawn sizes; its cause and right form."""

from __future__ import annotations

import os
from itertools import combinations
from typing import Any

import numpy as np

from autograd_lite.algebra.tree import symbols
from autograd_lite.diagnosis.drawings import (
    AMBIGUOUS,
    HOLDS,
    MISFIT,
    UNDEFINED,
    WRONG,
    Drawings,
    Outcome,
    derivatives_alone,
    elaborated,
    instances,
)
from autograd_lite.diagnosis.formula_source import FormulaTrees
from autograd_lite.diagnosis.note_repair import (
    Repaired,
    RepairTime,
    derived_form,
    reads_back,
    repair,
)
from autograd_lite.diagnosis.note_report import AS_READ, Judged, NoteReport
from autograd_lite.formula.passages import Note, note_at
from autograd_lite.formula.plain import plain_text
from autograd_lite.formula.plan import NoteClaim, NotePlan, planned, repeats_definition, unused
from autograd_lite.formula.scopes import versions
from autograd_lite.formula.shapes import written_shape
from autograd_lite.formula.statements import read
from autograd_lite.formula.syntax import Call, Differentiation, Name, Num, Product, nodes
from autograd_lite.formula.tokens import FUNCTION_WORDS, FormulaError
from autograd_lite.formula.world import World


def check_derivation(
    note: str | os.PathLike[str], rng: int = 0, repairs: bool = True
) -> NoteReport:
    r"""Judge every claim of a note: a path, or the text itself, in Markdown, LaTeX or plain text.

    Sizes and values are drawn several times, the definitions of the note are evaluated on a tape,
    and both sides of each claim are compared. What is read, and how, is in the project's README.
    rng: the seed of what is drawn. repairs: whether what is wrong gets its cause and right form,
    which takes longer than the verdict. Raises OSError for a file that cannot be read, ImportError
    where markdown-it-py (the extra `notes`) is missing for a note in Markdown.

    >>> report = check_derivation(
    ...     "X ∈ ℝ^{m×n}, y ∈ ℝ^m, w ∈ ℝ^n\n"
    ...     "J = ½ ‖X w − y‖²\n"
    ...     "∂J/∂w = Xᵀ (X w − y)\n"
    ...     "∂J/∂w = X (X w − y)\n"
    ... )
    >>> [claim.verdict for claim in report.claims], bool(report)
    (['holds', 'wrong'], False)
    >>> print(report.claims[1].correct)
    ∂J/∂w = Xᵀ (X w − y)
    """
    return checked_note(note_at(note), rng, repairs)


@np.errstate(all="ignore")  # a value that is not finite is drawn again
def checked_note(note: Note, rng: int = 0, repairs: bool = True) -> NoteReport:
    """Judge a note that was opened."""
    claims: list[Judged] = []
    unread: dict[str, FormulaError] = {}
    said: dict[str, None] = {}
    clock = RepairTime() if repairs else None
    whole = read(note)
    defining: set[int] = set()
    alone: set[int] = set()
    drawn: list[World] = []
    passed = 0
    for part, own in versions(whole):
        plan = planned(part)
        plan.claims = [claim for claim in plan.claims if id(claim.statement) in own]
        judge = Judge(plan, rng, clock)
        errors = [
            *plan.unread,
            *judge.drawings.problems.values(),
            *(o.unread for o in judge.outcomes if o.unread is not None),
        ]
        unread |= {str(error): error for error in errors}
        for claim, outcome in zip(plan.claims, judge.outcomes, strict=True):
            if outcome.unread is None:
                claims.append(judge.judged(claim, outcome))
        said |= dict.fromkeys(judge.said)
        defining |= {named.statement.line for named in plan.named} | plan.asides
        alone |= unused(plan)
        drawn.append(judge.drawings.worlds[0])
        passed += plan.passed
    stated = len(whole.statements) + len(whole.unread)
    return NoteReport(
        note, claims, list(unread.values()), list(said), stated, passed, defining, alone, drawn
    )


class Judge:
    """The claims of a note with their outcomes, causes and right forms."""

    def __init__(self, plan: NotePlan, rng: int, clock: RepairTime | None) -> None:
        self.plan, self.clock = plan, clock  # without a clock, nothing is repaired
        self.said: list[str] = []  # about the note as a whole
        self.drawings = Drawings(plan, rng)
        self.outcomes = self._outcomes(self.drawings)
        self._try_others()
        self._large: World | None = None

    def _outcomes(self, drawings: Drawings) -> list[Outcome]:
        return [self._outcome(drawings, claim) for claim in self.plan.claims]

    def _outcome(self, drawings: Drawings, claim: NoteClaim) -> Outcome:
        """The outcome in the usual reading, or in one of the others, if it holds there alone."""
        outcome = drawings.outcome(claim)
        if outcome.verdict in (HOLDS, AMBIGUOUS) or outcome.unread is not None:
            return outcome
        options = self._other_readings(claim)
        every = (dict(c) for n in range(len(options)) for c in combinations(options.items(), n + 1))
        for reading in every:
            if drawings.holds(claim, **reading):
                other = drawings.outcome(claim, **reading)
                if "layout" in reading:
                    other.remarks.setdefault("holds in denominator layout")
                return other
        if "dot" in options and outcome.misfit:
            other = drawings.outcome(claim, dot="elementwise")
            return other if other.verdict == WRONG and not other.misfit else outcome
        if outcome.verdict == WRONG and drawings.leave_functions_open:
            usual = drawings.usual_functions.items()
            if name := next((f for f, other in usual if other.holds(claim)), ""):
                outcome.undefined = f"it holds where the function that is left open is {name}"
        return outcome

    def _other_readings(self, claim: NoteClaim) -> dict[str, str]:
        """What else the claim may mean: the layout of Jacobians, the dot, partial derivatives."""
        parts = list(nodes(claim.chain))
        products = [n.factors for n in parts if isinstance(n, Product)]
        derivatives = [n for n in parts if isinstance(n, Differentiation)]
        found: dict[str, str] = {}
        if derivatives and "layout" not in self.plan.conventions:
            found["layout"] = "denominator"
        if any(sign == "·" for factors in products for sign, _ in factors):
            found["dot"] = "elementwise"
        chains = (sum(isinstance(x, Differentiation) for _, x in factors) for factors in products)
        if any(map(_is_of_a_call, derivatives)):
            found["partials"] = "calls"
        elif any(n > 1 for n in chains):
            found["partials"] = "direct"
        if derivatives_alone(claim.right):
            found["terms"] = "step"
        return found

    def _try_others(self) -> None:
        """What a note as a whole may mean: taken so where more of its claims then hold."""
        names = {n.text for c in self.plan.claims for n in nodes(c.chain) if isinstance(n, Name)}
        cost = self.plan.cost
        others: list[tuple[dict[str, str], str]] = []
        if any(len(n) > 1 and n[0] == "d" and n not in FUNCTION_WORDS for n in names):
            said = f"here dZ is m ∂{cost}/∂Z, and so for all that has samples; dW is ∂{cost}/∂W"
            others.append(({"gradients": "m"}, said))
        if self.plan.softmax and "softmax" not in self.plan.conventions:
            others.append(({"softmax": "rows"}, "softmax is read along each row"))
        if "σ" in self.plan.names_of_softmax:
            others.append(({"sigma": "softmax"}, "σ is read as softmax"))
        if any(_is_of_a_call(n) for d in self.plan.definitions for n in nodes(d.meaning)):
            said = "∂f(x, h)/∂h is read with the other arguments of f held fixed"
            others.append(({"partials": "calls"}, said))
        for options, said in others:
            if all(o.verdict == HOLDS for o in self.outcomes):
                return
            other = self.drawings.other(**options)
            outcomes = self._outcomes(other)
            if _held(outcomes) > _held(self.outcomes):
                self.drawings, self.outcomes = other, outcomes
                self.said.append(said)

    def judged(self, claim: NoteClaim, outcome: Outcome) -> Judged:
        """A claim with what is said about it."""
        source = claim.statement.passage.source
        passage = claim.statement.passage
        first = claim.left.start == claim.statement.chain.parts[0].start >= passage.start
        begins = claim.left if first else claim.right
        found = Judged(source.name, source.place(begins.start)[0], claim.text)
        found.passage = passage
        found.verdict = outcome.verdict
        found.silent = outcome.verdict == WRONG
        found.remarks = [*claim.statement.remarks, *outcome.remarks]
        found.tried, found.error = outcome.tried, outcome.error
        found.defined = repeats_definition(self.plan, claim)
        if outcome.empty and not isinstance(claim.right, Num):
            found.remarks.append("both sides are 0 wherever this was tried")
        found.reading = self.reading(claim) if self.clock else ""
        found.cause = outcome.ambiguous or outcome.undefined
        if not found.cause and outcome.verdict == UNDEFINED:
            found.cause = outcome.why or outcome.skipped or "its values are not finite"
        if outcome.verdict in (WRONG, MISFIT):
            found.cause = outcome.why
            if claim.relation == "=" and self.clock is not None:
                with self.clock.share():
                    found.cause, found.correct, found.changed = self.mended(
                        claim, outcome, self.clock
                    )
                if self.clock.ran_out:
                    found.remarks.append("the time for finding a small edit of it ran out")
        return found

    def reading(self, claim: NoteClaim) -> str:
        """The claim as it was read: every bracket and product sign, the shape of each letter."""
        world = self.drawings.worlds[0]
        for letters in instances(world, claim):
            try:
                left, right = elaborated(world, claim, letters)
            except (ValueError, LookupError):
                continue
            used = dict.fromkeys(
                s.number for e in (left, right) for s in symbols(e) if s.kind == "value"
            )
            names = [world.by_number[n].symbol for n in used]
            shapes = ", ".join(f"{s.label}: {written_shape(s.shape)}" for s in names)
            at = ", ".join(f"{k} = {n}" for k, n in letters.items())
            text = f"{AS_READ(left)} {claim.relation} {AS_READ(right)}"
            return text + (f", for {at}" if at else "") + (f", with {shapes}" if shapes else "")
        trees = FormulaTrees(claim.statement.passage.source)
        try:
            both = [trees.write(trees.read(x)) for x in (claim.left, claim.right)]
        except (ValueError, AttributeError, TypeError):
            return ""
        return plain_text(f"{both[0]} {claim.relation} {both[1]}", self.plan.read.note.macros)

    def mended(self, claim: NoteClaim, outcome: Outcome, clock: RepairTime) -> Repaired:
        """What is wrong, and the form that holds."""
        why = outcome.why if outcome.misfit else ""
        repaired = repair(self.plan, self.drawings, claim, clock, **outcome.reading)
        if repaired is None:
            return Repaired(why, self.derived(claim))
        cause = repaired.cause + (f" ({why})" if outcome.verdict == MISFIT and why else "")
        if repaired.text:
            return repaired._replace(cause=cause)
        return Repaired(cause, self.derived(claim))

    def derived(self, claim: NoteClaim) -> str:
        """The claim with a right side by `derive`, where the left is a derivative by a letter."""
        if self._large is None:
            self._large = self.drawings.world(0, "large")
        found = derived_form(self.plan, self._large, claim)
        text = next((x for x in found if reads_back(self.drawings, claim, x)), "")
        return f"{claim.left_text} = {text}" if text else ""


def _is_of_a_call(node: Any) -> bool:
    return isinstance(node, Differentiation) and isinstance(node.of, Call)


def _held(outcomes: list[Outcome]) -> int:
    return sum(o.verdict == HOLDS for o in outcomes)
