"""What numbers and shapes say by themselves, where no mistake of the table is tried."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from autograd_lite.diagnosis.claims import Claim
from autograd_lite.diagnosis.points import Array, Point
from autograd_lite.diagnosis.report import Entry, Finding
from autograd_lite.diagnosis.tolerances import max_norm, relative_error, rounding_of_copies
from autograd_lite.graph import Step, replay


def worst_entry(given: Array, right: Array) -> str:
    """The entry that deviates most, its value and the right one."""
    place = np.unravel_index(np.argmax(np.abs(given - right)), right.shape)
    shown = f" at {[int(i) for i in place]}" if place else ""
    return f"most{shown}: {given[place]:.6g} where {right[place]:.6g} is right"


def unknown(label: str, advice: str, error: float = math.inf) -> Finding:
    """The finding for what nothing explains; advice: the reason."""
    return Finding("unknown", label, 1, advice, error, 1)


def only_rounded(label: str, given: Array, right: Array) -> Finding | None:
    """The finding for an array too nearly right for a wrong formula; None for any other."""
    error = relative_error(given, right)
    if error > rounding_of_copies(right) or math.isnan(error):
        return None
    digits = -math.log10(max(error, 1e-16))  # 0: a function that is wrong at other points only
    advice = (
        f"equal to {digits:.0f} digits, {worst_entry(given, right)}: rounding (of what was "
        "copied or differenced), a kink, or an ε that only one of the two has; not a formula."
    )
    return Finding("precision", label, 1, advice, error, 1)


def guess_from_shape(entry: Entry, given: Array, use: Step | None = None) -> Finding:
    """What the shape alone says of an array whose numbers fit nothing; use: where it is used."""
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


def gradient_of_step_before(
    point: Point, claims: list[Claim], cost: str, allowance: float
) -> Finding | None:
    """The finding that the gradient of the step before is added to the right one, where it is.

    Before an update with rate η they were θ + η d, if d is what is added; so d has to be the
    gradient there. One number, η, has to explain all of them.
    """
    leaves = [c for c in claims if c.step.op is None]
    parameters = [s for s in point.paths.down if s.op is None]
    if len(leaves) < len(parameters) or any(c.given[0].shape != c.step.shape for c in leaves):
        return None
    added = {c.step.number: c.given[0] - point.gradients[c.step.number] for c in leaves}
    if not any(np.any(d) for d in added.values()):
        return None

    def off(rate: float) -> Array:
        before = {n: point.values[n] + rate * d for n, d in added.items()}
        there = Point(point.paths, replay(point.paths.recorded, before)).gradients
        return np.concatenate([np.ravel(there[n] - d) for n, d in added.items()]).astype(float)

    scale = max_norm(np.concatenate([np.ravel(d) for d in added.values()]))
    fine = allowance * float(np.finfo(point.paths.cost.value.dtype).eps) * scale
    rate, left = _root(off, fine)
    if not (max_norm(left) <= 30 * fine and rate > 0 and left.size > 2):
        return None
    advice = (
        f"the gradient of the step before (rate {rate:.4g}) is added: start each step from zero "
        "(zero_grad)."
    )
    return Finding("accumulated", cost, 1, advice, max_norm(left) / scale, 1)


def _root(off: Callable[[float], Array], fine: float) -> tuple[float, Array]:
    """The small number at which a vector is nearly zero, by secants, and the vector there."""
    last, rate = 0.0, 1e-3
    last_off, now = off(last), off(rate)
    for _ in range(20):
        slope = (now - last_off) / (rate - last) if rate != last else np.zeros_like(now)
        size = float(slope @ slope)
        if not (np.isfinite(size) and size) or max_norm(now) <= fine:
            break
        last, last_off, rate = rate, now, rate - float(now @ slope) / size
        now = off(rate)
    return rate, now


def mark_convention(claims: list[Claim], most: int) -> None:
    """Where every gradient is transposed, say that it may be a convention, in `most` findings."""
    wrong = [c for c in claims if c.entry.verdict != "agrees"]
    turned = [c for c in wrong if any(f.kind == "transposed" for f in c.entry.best)]
    same = [c for c in claims if c not in wrong and _symmetric(c.given[0])]
    if not turned or len(turned) + len(same) < max(2, len(claims)):
        return
    for claim in turned:
        first = claim.entry.findings[0]
        advice = "right where samples are rows and not columns, or the reverse: all are transposed."
        convention = dataclasses.replace(first, kind="convention", advice=advice)
        claim.entry.findings = [first, convention, *claim.entry.findings[1:]][:most]


def _symmetric(array: Array) -> bool:
    return array.shape == array.T.shape and np.array_equal(array, array.T)
