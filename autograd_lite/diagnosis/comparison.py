"""Where and why a hand-derived gradient is wrong: `compare` and how it judges.

The backward pass is run again with one deliberate mistake at one place, and what that gives is
compared with what was handed in, all entries jointly: a mistake has to explain what differs and to
leave alone what agrees. Then the next mistake is looked for, with the first one made.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from autograd_lite.diagnosis.claims import Claim, find_step, numbers, read_claims, recorded_cost
from autograd_lite.diagnosis.layout import Layout
from autograd_lite.diagnosis.points import Array, Paths, Point, points, unless_it_fails
from autograd_lite.diagnosis.report import Entry, Finding, Report
from autograd_lite.diagnosis.search import Search, Trial, close, findings, largest
from autograd_lite.graph import Step, Steps, replay, steps
from autograd_lite.tensor import Tensor

OTHER_POINTS = 3  # where functions are called as well as at the recorded point
MOST_FINDINGS = 10
MOST_SECONDS = 30.0  # for the search, which on a tape of thousands of steps would take hours


def compare(
    J: Tensor,
    gradients: Mapping[Any, Any],
    values: Mapping[Any, Any] | None = None,
) -> Report:
    """Judge hand-derived gradients of a cost, and name the mistake in those that are wrong.

    J: the cost, a scalar Tensor. gradients: by Tensor or name (`"W1"` or `"dW1"`), of parameters
    and of tensors in between: arrays, or functions whose parameters name what they are called
    with: `W2`, `A1` a value on the tape, `dZ2` the right gradient ∂J/∂Z2, so that each function is
    judged by itself. They are called at the recorded point and at random parameters near it.
    values: your own forward values, by Tensor or name: a wrong one is found first.

    Returns a Report: `.ok`, `report["W1"].verdict`, `report["W1"].findings`, a table as text. It
    looks for the mistakes of `autograd_lite.diagnosis.mistakes`. A gradient that none of them gives
    is `unknown`, and so is what half a minute of search on a long tape does not find, and that is
    said. Raises KeyError for a name that is not on the tape and says which are, ValueError
    for nothing to compare, TypeError for what is not real numbers.

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
        at = points(recorded, {}, OTHER_POINTS if some_call else 0)
        tolerances = Tolerances(at[0])
        forward, put = _forward(recorded, {} if values is None else values, tolerances)
        for claim in claims:
            claim.evaluate(at)
            _first_verdict(claim, at, tolerances)
        _judge(claims, at, tolerances, forward, put)
    ordered = sorted(claims, key=lambda c: (c.entry.verdict != "shape", *_from_the_cost(paths, c)))
    return Report([*forward, *(c.entry for c in ordered)])


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
    point = Point(Paths(recorded), [s.value for s in recorded])
    step = recorded.step(x)
    claim = Claim(step, wrong, Entry(name, step.shape, None, step), [np.asarray(wrong, float)])

    def five_digits(step: Step, predicted: Array, given: Array) -> float:
        return max(1e-5 * largest(predicted), 1e-300)

    trials = Search(Layout(point), [point], [claim], five_digits, on="whole").trials()
    return findings(trials, claim, MOST_FINDINGS)


# The order, and the tolerances


def _from_the_cost(paths: Paths, claim: Claim) -> tuple[int, bool, int]:
    """From the cost down; parameters before the activation that the same operation uses."""
    step = claim.step
    return -paths.position(step), step.op is not None, step.number


class Tolerances:
    """By how much two right computations of a gradient may differ.

    Every operation is rounded once more, at random, and the backward pass run again: the deviation
    is what rounding gives on this tape. n numbers added up in another order deviate √n times as
    much, n the longest axis; `32 + 4√n` times that is allowed.
    """

    def __init__(self, point: Point) -> None:
        rng = np.random.default_rng(0)
        longest = max((n for s in point.paths.steps for n in s.shape), default=1)
        self.allowance = 32 + 4 * math.sqrt(longest)
        self.point = point
        self.noisy: list[Point] = []
        for _ in range(3):
            with unless_it_fails():
                self.noisy.append(point.noisy(rng))
        self._known: dict[tuple[int, bool], tuple[float, float]] = {}
        self.coarse = False  # whether what was handed in may be copied or computed less finely

    def __call__(self, step: Step, predicted: Array, given: Array, forward: bool = False) -> float:
        """How far `given` may be from `predicted`, as the gradient (or value) of the step."""
        relative, floor = self._of(step.number, forward)
        if predicted.dtype.kind == given.dtype.kind == "f":
            coarser = float(np.finfo(given.dtype).eps / np.finfo(predicted.dtype).eps)
            relative, floor = relative * max(1.0, coarser), floor * max(1.0, coarser)
        if self.coarse:
            relative = max(relative, _fine(predicted))
        return max(relative * largest(predicted), floor, 1e-300)

    @contextmanager
    def coarsely(self) -> Iterator[None]:
        """For arrays that were copied by hand, differenced, or computed in another precision."""
        self.coarse = True
        try:
            yield
        finally:
            self.coarse = False

    def _of(self, number: int, forward: bool) -> tuple[float, float]:
        """Relative to the largest number; and absolute, for what is nothing but rounding."""
        key = (number, forward)
        if key not in self._known:
            kept = "values" if forward else "gradients"
            right = getattr(self.point, kept)[number]
            off = [largest(getattr(other, kept)[number] - right) for other in self.noisy]
            noise = max(off, default=0.0)
            scale, eps = largest(right), float(np.finfo(right.dtype).eps)
            relative = self.allowance * max(noise / scale if scale > 8 * noise else 0, eps)
            floor = 8 * eps * scale if scale > 8 * noise else self.allowance * noise
            self._known[key] = relative, floor
        return self._known[key]


def _fine(array: Array) -> float:
    """A relative deviation so small that it comes from no formula."""
    return 1e-4 if np.finfo(array.dtype).eps < 1e-10 else 1e-3


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
        entry.error = max(
            largest(array - there) / (largest(there) or 1.0) for array, there in pairs
        )
        agree = all(close(array, there, tolerances(step, there, array)) for array, there in pairs)
        entry.verdict = "agrees" if agree else "differs"
    for array, whose in ((given, ""), (right, " of the gradient on the tape: look there first")):
        bad = ~np.isfinite(array)
        if bad.any():
            entry.error = math.inf
            entry.verdict = "shape" if entry.verdict == "shape" else "differs"
            place = [int(i) for i in np.argwhere(bad)[0]]
            text = f"{np.sum(bad)} of {bad.size} numbers are nan or inf, the first at {place}"
            entry.findings = [Finding("unknown", entry.label, 1, f"{text}{whose}.", math.inf, 1)]
    claim.settled = entry.verdict == "agrees" or (math.isinf(entry.error) and bool(entry.findings))


# Your own forward values


def _forward(
    recorded: Steps, values: Mapping[Any, Any], tolerances: Tolerances
) -> tuple[list[Entry], dict[int, Array]]:
    """The entries for forward values in the tape's order, and the first wrong ones, by number."""
    if not isinstance(values, Mapping):
        raise TypeError(f'values are a dict, as in {{"Z1": Z1}}, not {type(values).__name__}')
    given: dict[int, tuple[Step, Array]] = {}
    for key, source in values.items():
        step = find_step(recorded, key, "")
        if step.number in given:
            raise ValueError(f"the value of {step.label or step.name} is given twice")
        given[step.number] = (step, numbers(source, f"the value of {step.label or step.name}"))
    entries: list[Entry] = []
    put: dict[int, Array] = {}
    current = [s.value for s in recorded]
    said: Finding | None = None
    for number, (step, array) in sorted(given.items()):
        entry = Entry(step.label or step.name, step.shape, array, step, forward=True)
        entries.append(entry)
        if array.shape != step.shape:
            entry.verdict, entry.error = "shape", math.inf
            entry.findings = [_shape_guess(entry, array, None)]
            continue
        entry.error = largest(array - step.value) / (largest(step.value) or 1.0)
        if close(array, step.value, tolerances(step, step.value, array, forward=True)):
            continue
        entry.verdict = "differs"
        if entry.error <= _fine(step.value):
            entry.findings = [_precision(entry, entry.error, array, step.value)]
            continue
        if said is None or not close(
            array, current[number], tolerances(step, current[number], array, forward=True)
        ):
            label = entry.label
            what = f"{label} is not what the tape has, {_worst(array, step.value)}."
            mend = f" Mend the forward formula of {label} first."
            said = Finding("forward-differs", label, 1, what + mend, entry.error, 1)
            if np.isfinite(array).all():
                put[number] = array.astype(step.value.dtype)
                current = replay(recorded, {}, lambda s, _: put.get(s.number))
        entry.findings = [said]
    return entries, put


def _worst(given: Array, right: Array) -> str:
    """The entry that deviates most, its value and the right one."""
    place = np.unravel_index(np.argmax(np.abs(given - right)), right.shape)
    shown = f" at {[int(i) for i in place]}" if place else ""
    return f"most{shown}: {given[place]:.6g} where {right[place]:.6g} is right"


# Gradients


def _judge(
    claims: list[Claim],
    at: list[Point],
    tolerances: Tolerances,
    forward: list[Entry],
    put: dict[int, Array],
) -> None:
    """Explain what differs: all arrays jointly, each function of gradients by itself."""
    if all(claim.settled for claim in claims):
        return
    layout, until = Layout(at[0]), time.monotonic() + MOST_SECONDS
    jointly = [c for c in claims if not c.cut]
    paths = at[0].paths
    for group in [jointly, *([c] for c in claims if c.cut)]:
        here = [Point(p.paths, p.values) for p in at]
        if put and group is jointly:
            values = replay(paths.recorded, {}, lambda s, _: put.get(s.number))
            here = [Point(paths, values)]
            said = next(e.findings[0] for e in forward if e.verdict == "differs")
            _follow(group, here[0], tolerances, [said])
        group = [c for c in group if c.given]
        if all(callable(c.source) for c in group):  # a random point first: it has no coincidences
            here = here[1:] + here[:1]
            for claim in group:
                claim.given = claim.given[1:] + claim.given[:1]
        if not all(claim.settled for claim in group):
            search = Search(layout, here, group, tolerances, until=until)
            with unless_it_fails():
                _explain(search)
            while still := [c for c in group if not c.settled]:
                _give_up(search, still)
    _rows_for_columns(claims)


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
    """Mistake after mistake, from the cost down, each judged with the ones before it made."""
    claims = sorted(search.claims.values(), key=lambda c: _from_the_cost(search.paths, c))
    made: list[Trial] = []
    while still := [c for c in claims if not c.settled]:
        for claim in still:
            reached = (t for t in made if not t.local and search.reaches(t.place.x, claim.step))
            claim.entry.after = next((t.place.where for t in reached), None)
        trials = search.trials()
        if not trials:
            with search.tolerances.coarsely():
                trials = search.trials()
        if trials:
            first = next(c for c in still if any(c in t.explained for t in trials))
            best = next(t for t in trials if first in t.explained)
            for claim in best.explained:
                claim.entry.findings = findings(trials, claim, MOST_FINDINGS)
            search.apply(best)
            made.append(best)
            continue
        if not made:
            with unless_it_fails():
                if _step_before(search, still):
                    return
        if not _give_up(search, still):
            return


def _step_before(search: Search, still: list[Claim]) -> bool:
    """Whether the gradient at the parameters before the last update is added to the right one.

    Before an update with rate η they were θ + η d, if d is what is added; so d has to be the
    gradient there. One number, η, has to explain all of them.
    """
    point, leaves = search.at[0], [c for c in still if c.step.op is None]
    parameters = [s for s in search.paths.down if s.op is None]
    if len(leaves) < len(parameters) or any(c.given[0].shape != c.step.shape for c in leaves):
        return False
    added = {c.step.number: c.given[0] - point.gradients[c.step.number] for c in leaves}
    if not any(np.any(d) for d in added.values()):
        return False

    def off(rate: float) -> Array:
        before = {n: point.values[n] + rate * d for n, d in added.items()}
        there = Point(search.paths, replay(search.paths.recorded, before)).gradients
        return np.concatenate([np.ravel(there[n] - d) for n, d in added.items()]).astype(float)

    scale = largest(np.concatenate([np.ravel(d) for d in added.values()]))
    fine = search.tolerances.allowance * float(np.finfo(point.paths.cost.value.dtype).eps) * scale
    last, rate = 0.0, 1e-3
    last_off, now = off(last), off(rate)
    for _ in range(20):
        slope = (now - last_off) / (rate - last) if rate != last else np.zeros_like(now)
        size = float(slope @ slope)
        if not (np.isfinite(size) and size) or largest(now) <= fine:
            break
        last, last_off, rate = rate, now, rate - float(now @ slope) / size
        now = off(rate)
    if not (largest(now) <= 30 * fine and rate > 0 and now.size > 2):
        return False
    advice = (
        f"the gradient of the step before (rate {rate:.4g}) is added: start each step from zero "
        "(zero_grad)."
    )
    cost = search.layout.cost_name
    finding = Finding("accumulated", cost, 1, advice, largest(now) / scale, 1)
    for claim in still:
        claim.entry.findings, claim.settled = [finding], True
    return True


def _give_up(search: Search, still: list[Claim]) -> bool:
    """Say of what nothing explains that it is unknown; whether others may now be explained."""
    point = search.at[0]
    for claim in still:
        right, given, entry = point.gradients[claim.step.number], claim.given[0], claim.entry
        claim.settled = True
        if given.shape != right.shape:
            use = next(iter(search.paths.uses[claim.step.number]), None)
            entry.findings = [_shape_guess(entry, given, use[0] if use else None)]
            continue
        error = largest(given - right) / (largest(right) or 1.0)
        if error <= _fine(right):
            entry.findings = [_precision(entry, error, given, right)]
        else:
            known = "no single mistake that is known gives this"
            if search.stopped:
                known = f"the search was stopped after {MOST_SECONDS:g} s, before all was tried"
            advice = f"{known}; {_worst(given, right)}."
            entry.findings = [Finding("unknown", entry.label, 1, advice, error, 1)]
        if claim.step.op is not None:  # what follows from it may be right
            point.change(claim.step, given - right)
            _follow(still, point, search.tolerances, entry.findings)
            return True
    return False


def _precision(entry: Entry, error: float, given: Array, right: Array) -> Finding:
    digits = -math.log10(max(error, 1e-16))
    advice = (
        f"equal to {digits:.0f} digits, {_worst(given, right)}: rounding (of what "
        "was copied or differenced) or a kink, not a formula."
    )
    return Finding("precision", entry.label, 1, advice, error, 1)


def _shape_guess(entry: Entry, given: Array, use: Step | None) -> Finding:
    """What the shape alone says of an array whose numbers fit nothing."""
    shape = entry.shape
    if given.shape == shape[::-1]:
        kind, text = "transposed", "it may be transposed"
    elif use is not None and given.shape == use.shape and isinstance(use.op, np.ufunc):
        kind, text = "bias-not-summed", "it may not have been summed over the samples"
    elif given.size == math.prod(shape):
        kind, text = "shape", "an axis may have been lost in a sum: keepdims=True keeps it"
    else:
        what = "this value" if entry.forward else "a gradient of this array"
        kind, text = "shape", f"it cannot be {what}"
    advice = f"the shape is {given.shape} where {shape} is right; {text}. The numbers fit nothing."
    return Finding(kind, entry.label, 1, advice, math.inf, 1)


def _symmetric(array: Array) -> bool:
    return array.shape == array.T.shape and np.array_equal(array, array.T)


def _rows_for_columns(claims: list[Claim]) -> None:
    """Everything transposed is no mistake but another convention."""
    wrong = [c for c in claims if c.entry.verdict != "agrees"]
    turned = [c for c in wrong if any(f.kind == "transposed" for f in c.entry.best)]
    same = [c for c in claims if c not in wrong and _symmetric(c.given[0])]
    if not turned or len(turned) + len(same) < max(2, len(claims)):
        return
    for claim in turned:
        first = claim.entry.findings[0]
        advice = "right where samples are rows and not columns, or the reverse: all are transposed."
        claim.entry.findings.insert(1, dataclasses.replace(first, kind="convention", advice=advice))
        del claim.entry.findings[MOST_FINDINGS:]
