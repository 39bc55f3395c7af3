"""Where and why a hand-derived gradient is wrong: `compare` and how it judges.

The search runs the backward pass again with one deliberate mistake at one place, and compares the
result with all the gradients that were handed in. A mistake has to explain those that differ and
must not touch those that agree. Then the next mistake is searched for, on top of the first.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np

from autograd_lite.diagnosis.claims import Claim, read_claims, read_values, recorded_cost
from autograd_lite.diagnosis.coincidences import coincidences
from autograd_lite.diagnosis.conclusions import (
    gradient_of_step_before,
    guess_from_shape,
    mark_convention,
    only_rounded,
    unknown,
    worst_entry,
)
from autograd_lite.diagnosis.layout import Layout
from autograd_lite.diagnosis.points import Array, Paths, Point, points, unless_it_fails
from autograd_lite.diagnosis.report import Entry, Finding, Report
from autograd_lite.diagnosis.search import Progress, Search, Trial, findings
from autograd_lite.diagnosis.tolerances import (
    FiveDigits,
    Tolerances,
    close,
    relative_error,
    rounding_of_copies,
)
from autograd_lite.graph import replay, steps
from autograd_lite.tensor import Tensor

OTHER_POINTS = 3  # where functions are called as well as at the recorded point
MOST_FINDINGS = 10
MOST_SECONDS = 30.0  # for the search, which on a tape of thousands of steps would take hours
QUICK_SECONDS = 1.0


def compare(
    J: Tensor,
    gradients: Mapping[Any, Any],
    values: Mapping[Any, Any] | None = None,
    *,
    quick: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Judge hand-derived gradients of a cost, and name the mistake in those that are wrong.

    J: the cost, a scalar Tensor. gradients: by Tensor or name (`"W1"` or `"dW1"`), of parameters
    and of tensors in between: arrays, or functions whose parameters name what they are called
    with: `W2`, `A1` a value on the tape, `dZ2` the right gradient ∂J/∂Z2, so that each function is
    judged by itself. They are called at the recorded point and at random parameters near it.
    values: your own forward values, by Tensor or name: a wrong one is found first.

    Returns a Report: `.ok`, `report["W1"].verdict`, `report["W1"].findings`, a table as text. The
    findings are mistakes of the table in `autograd_lite.diagnosis.mistakes`; a gradient that none
    of them gives is `unknown`. On a long tape the search stops after half a minute, after a second
    if `quick` or if four digits are right, and says what it tried. progress: a function that is
    told now and then how much of the search is done, and of how much.
    Where all arrays agree, `.notes` say which mistakes would not show with these numbers, because
    a matrix is symmetric, or there is one sample.
    Raises KeyError for a name that is not on the tape, with those that are; ValueError for nothing
    to compare; TypeError for what is not real numbers.

    >>> rng = np.random.default_rng(0)
    >>> X, Y = rng.normal(size=(2, 400)), (rng.random((1, 400)) < 0.5).astype(float)
    >>> W1, W2 = Tensor(rng.normal(size=(4, 2)), True, "W1"), Tensor(np.ones((1, 4)), True, "W2")
    >>> b1, b2 = Tensor(np.zeros((4, 1)), True, "b1"), Tensor(np.zeros((1, 1)), True, "b2")
    >>> A1 = np.tanh((W1 @ X + b1).named("Z1")).named("A1")
    >>> A2 = ((W2 @ A1 + b2).named("Z2")).sigmoid().named("A2")
    >>> J = -np.mean(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))
    >>> dZ2 = (A2.data - Y) / 400
    >>> dW2, db2 = dZ2 @ A1.data.T, dZ2.sum(axis=1, keepdims=True)
    >>> dZ1 = W2.data.T @ dZ2
    >>> dW1, db1 = dZ1 @ X.T, dZ1.sum(axis=1, keepdims=True)
    >>> print(compare(J, {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}))
    W2   (1, 4)  agrees
    b2   (1, 1)  agrees
    W1   (4, 2)  differs  derivative-dropped at Z1: this is the gradient without tanh′(Z1).
                          Multiply dA1 by 1 − A1∘A1.
    b1   (4, 1)  differs  derivative-dropped at Z1 (the same mistake explains it)
    """
    recorded = recorded_cost(J)
    paths = Paths(recorded)
    claims = read_claims(paths, gradients)
    with np.errstate(all="ignore"):
        some_call = any(callable(claim.source) for claim in claims)
        at = points(paths, OTHER_POINTS if some_call else 0)
        tolerances = Tolerances(at[0])
        forward, own_values = _forward(paths, {} if values is None else values, tolerances)
        for claim in claims:
            claim.evaluate(at)
            _first_verdict(claim, at, tolerances)
        if not all(claim.settled for claim in claims):
            nearly = all(claim.settled or _nearly_right(claim, at[0]) for claim in claims)
            seconds = QUICK_SECONDS if quick or nearly else MOST_SECONDS
            _judge(claims, at, tolerances, forward, own_values, seconds, progress)
        agree = [c for c in claims if c.entry.verdict == "agrees" and not callable(c.source)]
        notes = coincidences(Layout(at[0]), agree) if len(agree) == len(claims) else []
        notes += _drowned(claims, tolerances)
    ordered = sorted(claims, key=lambda c: (c.entry.verdict != "shape", *_from_the_cost(paths, c)))
    report = Report([*forward, *(c.entry for c in ordered)])
    report.notes = notes
    return report


def findings_for(right: Array, wrong: Array, name: str = "x") -> list[Finding]:
    """What a single wrong gradient looks like beside the right one, known to five digits or more.

    Only mistakes that the array itself shows are found: transposed, reshaped, a sign, a factor, a
    part that is zero. The list is empty where none fits.

    >>> W = np.arange(1.0, 5.0).reshape(2, 2)
    >>> for finding in findings_for(W, -W, "argument 0"):
    ...     print(finding)
    sign at argument 0: its sign is wrong. Multiply it by −1.
    """
    x = Tensor(np.zeros(np.shape(right)), requires_grad=True, name=name)
    recorded = steps(np.sum(x * right))
    (point,), step = points(Paths(recorded), 0), recorded.step(x)
    claim = Claim(step, wrong, Entry(name, step.shape, None, step), [np.asarray(wrong, float)])

    trials = Search(Layout(point), [point], [claim], FiveDigits(), on="whole").trials()
    return findings(trials, claim, MOST_FINDINGS)


def _from_the_cost(paths: Paths, claim: Claim) -> tuple[int, bool, int]:
    """From the cost down; parameters before the activation that the same operation uses."""
    step = claim.step
    return -paths.position(step), step.op is not None, step.number


def _first_verdict(claim: Claim, at: list[Point], tolerances: Tolerances) -> None:
    """Shape, then finite numbers, then whether it agrees at every point."""
    entry, step = claim.entry, claim.step
    if claim.settled:
        return
    right = at[0].gradients[step.number]
    given = claim.given[0]
    pairs = [(a, p.gradients[step.number]) for a, p in zip(claim.given, at, strict=False)]
    if any(array.shape != there.shape for array, there in pairs):
        entry.verdict, entry.error = "shape", math.inf
    else:
        entry.error = max(relative_error(array, there) for array, there in pairs)
        agree = all(close(array, there, tolerances(step, there, array)) for array, there in pairs)
        entry.verdict = "agrees" if agree else "differs"
    for array, whose in ((given, ""), (right, " of the gradient on the tape: look there first")):
        bad = ~np.isfinite(array)
        if bad.any():
            entry.error = math.inf
            entry.verdict = "shape" if entry.verdict == "shape" else "differs"
            place = [int(i) for i in np.argwhere(bad)[0]]
            text = f"{np.sum(bad)} of {bad.size} numbers are nan or inf, the first at {place}"
            entry.findings = [unknown(entry.label, f"{text}{whose}.")]
    claim.settled = entry.verdict == "agrees" or (math.isinf(entry.error) and bool(entry.findings))


def _nearly_right(claim: Claim, point: Point) -> bool:
    """Whether so many digits are right that a formula is hardly wrong: no long search then."""
    return claim.entry.error <= rounding_of_copies(point.gradients[claim.step.number])


def _drowned(claims: list[Claim], tolerances: Tolerances) -> list[str]:
    """A note on gradients that rounding alone changes by more than two right ones may differ."""
    off = {c.entry.label: by for c in claims if (by := tolerances.drowned(c.step)) is not None}
    if not off:
        return []
    label, by = max(off.items(), key=lambda pair: pair[1])
    return [
        f"Rounding alone changes d{label} by {by:.2g} at these numbers: there is a kink right "
        "there, or what is left of numbers that cancel. Try random numbers."
    ]


# Your own forward values


def _forward(
    paths: Paths, values: Mapping[Any, Any], tolerances: Tolerances
) -> tuple[list[Entry], list[Array] | None]:
    """The entries for forward values in the tape's order; and the values of all steps, if wrong.

    Those follow from the wrong values that were handed in, as far as they are the first.
    """
    entries: list[Entry] = []
    put: dict[int, Array] = {}
    recorded = paths.recorded
    current = [s.value for s in recorded]
    said: Finding | None = None
    for label, step, array in read_values(paths, values):
        right = step.value
        entry = Entry(label, step.shape, array, step, forward=True)
        entries.append(entry)
        if array.shape != step.shape:
            entry.verdict, entry.error = "shape", math.inf
            entry.findings = [guess_from_shape(entry, array)]
            continue
        entry.error = relative_error(array, right)
        if close(array, right, tolerances(step, right, array, forward=True)):
            continue
        entry.verdict = "differs"
        if rounded := only_rounded(label, array, right):
            entry.findings = [rounded]
            continue
        follows = current[step.number]
        if not (said and close(array, follows, tolerances(step, follows, array, forward=True))):
            what = f"{label} is not what the tape has, {worst_entry(array, right)}."
            mend = f" Mend the forward formula of {label} first."
            said = Finding("forward-differs", label, 1, what + mend, entry.error, 1)
            if np.isfinite(array).all():
                put[step.number] = array.astype(right.dtype)
                current = replay(recorded, {}, lambda s, _: put.get(s.number))
        entry.findings = [said]
    return entries, current if put else None


# Gradients


def _judge(
    claims: list[Claim],
    at: list[Point],
    tolerances: Tolerances,
    forward: list[Entry],
    own_values: list[Array] | None,
    seconds: float,
    progress: Progress | None,
) -> None:
    """Explain what differs: all arrays jointly, each function of gradients by itself."""
    layout = Layout(at[0])
    search = partial(
        Search,
        layout,
        tolerances=tolerances,
        seconds=seconds,
        start=time.monotonic(),
        progress=progress,
    )
    jointly = [c for c in claims if c.given and not c.cut]
    for group in [jointly, *([c] for c in claims if c.given and c.cut)]:
        here = [Point(p.paths, p.values) for p in at]
        if own_values and group is jointly:
            here = [Point(layout.paths, own_values)]
            said = next(e.findings[0] for e in forward if e.verdict == "differs")
            _follow(group, here[0], tolerances, [said])
        if all(callable(c.source) for c in group):  # a random point first: it has no coincidences
            here = [*here[1:], here[0]]
            for claim in group:
                claim.given = [*claim.given[1:], claim.given[0]]
        if not all(claim.settled for claim in group):
            _explain(search(here, group))
    mark_convention(claims, MOST_FINDINGS)


def _follow(
    claims: Iterable[Claim], point: Point, tolerances: Callable[..., float], why: list[Finding]
) -> None:
    """Settle what is right but for a mistake that is known."""
    for claim in claims:
        if not claim.settled:
            right = point.gradients[claim.step.number]
            if close(claim.given[0], right, tolerances(claim.step, right, claim.given[0])):
                claim.entry.findings, claim.settled = list(why), True


def _explain(search: Search) -> None:
    """Settle every claim: by mistakes as far as some explain it, and then as unknown."""
    with unless_it_fails():
        _explain_by_mistakes(search)
    while still := [c for c in search.claims.values() if not c.settled]:
        _give_up(search, still)


def _explain_by_mistakes(search: Search) -> None:
    """Mistake after mistake, from the cost down, each judged with the ones before it made."""
    claims = sorted(search.claims.values(), key=lambda c: _from_the_cost(search.paths, c))
    made: list[Trial] = []
    while still := [c for c in claims if not c.settled]:
        for claim in still:
            reached = (t for t in made if not t.local and search.reaches(t.place.x, claim.step))
            claim.entry.after = next((t.place.where for t in reached), None)
        trials = search.trials()
        if trials:
            made.append(_settle(search, still, trials))
        elif made or not _is_step_before(search, still):
            _give_up(search, still)


def _settle(search: Search, still: list[Claim], trials: list[Trial]) -> Trial:
    """Make the best mistake that explains the first claim, and say so wherever it explains one."""
    first = next(c for c in still if any(c in t.explained for t in trials))
    best = next(t for t in trials if first in t.explained)
    for claim in best.explained:
        claim.entry.findings = findings(trials, claim, MOST_FINDINGS)
    search.apply(best)
    return best


def _is_step_before(search: Search, still: list[Claim]) -> bool:
    """Whether an older gradient is added to the right one; if so, all claims are settled."""
    with unless_it_fails():
        cost, allowance = search.layout.cost_name, search.tolerances.allowance
        finding = gradient_of_step_before(search.at[0], still, cost, allowance)
        if finding:
            for claim in still:
                claim.entry.findings, claim.settled = [finding], True
            return True
    return False


def _give_up(search: Search, still: list[Claim]) -> None:
    """Say of what nothing explains that it is unknown, until others may be explained."""
    point = search.at[0]
    for claim in still:
        step, entry = claim.step, claim.entry
        right, given = point.gradients[step.number], claim.given[0]
        claim.settled = True
        if given.shape != right.shape:
            use = next(iter(search.paths.uses[step.number]), None)
            entry.findings = [guess_from_shape(entry, given, use[0] if use else None)]
            continue
        why = "no single mistake that is known gives this"
        if search.stopped:
            why = f"the search was stopped after {search.seconds:g} s, before all was tried "
            why += f"({search.what_was_tried()})"
        advice = f"{why}; {worst_entry(given, right)}."
        nothing = unknown(entry.label, advice, relative_error(given, right))
        entry.findings = [only_rounded(entry.label, given, right) or nothing]
        if step.op is not None:  # what follows from it may be right
            point.change(step, given - right)
            _follow(still, point, search.tolerances, entry.findings)
            return
