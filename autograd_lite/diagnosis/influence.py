"""Which statements of a function can be what is wrong: each is disturbed, to see what it changes.

A statement whose value is wrong changes, when disturbed, what is wrong in the results, all of it,
and little else. This needs no analysis of the text, and sees through loops, views and calls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.diagnosis.edits import Expr
from autograd_lite.diagnosis.hand_written import own_copy
from autograd_lite.diagnosis.own_code import OwnCode
from autograd_lite.diagnosis.points import Array
from autograd_lite.diagnosis.watching import STOPPED, Sample, Watched, limited

DISTURBED_BY = 1e-3


@dataclass(frozen=True)
class Influence:
    """What disturbing a statement changes. covers: all that is wrong. overlap: the share of what
    is wrong or changes that is both."""

    covers: bool
    overlap: float


UNKNOWN = Influence(True, 0.5)  # of a statement that could not be disturbed


def influences(
    code: OwnCode, sample: Sample, found: Watched, changes: Mapping[int, Expr]
) -> dict[int, Influence]:
    """The influence of each statement on the first wrong value, or else on the results.

    An error in the run as it is leaves nothing to compare: every influence is unknown.
    """
    plain, _ = _observed(code, sample, found, changes, None)
    if plain is None:
        return {s.number: UNKNOWN for s in code.statements}
    wrong = _wrong(plain, sample, found)
    result = {}
    own = {f.__name__ for f in code.functions[1:]}
    for s in code.statements:
        if s.reads & own:  # what it hands to them cannot be disturbed
            result[s.number] = UNKNOWN
            continue
        changed, disturbed = _observed(code, sample, found, changes, s.number)
        if changed is None or not disturbed:
            result[s.number] = UNKNOWN
            continue
        reached = [_differs(a, b) for a, b in zip(plain, changed, strict=True)]
        flat = np.concatenate([np.ravel(r) for r in reached])
        both, either = np.sum(flat & wrong), np.sum(flat | wrong)
        covers = bool(both >= 0.99 * np.sum(wrong))
        result[s.number] = Influence(covers, float(both / either) if either else 0.0)
    return result


def _observed(
    code: OwnCode,
    sample: Sample,
    found: Watched,
    changes: Mapping[int, Expr],
    disturbed: int | None,
) -> tuple[list[Any] | None, bool]:
    """The first wrong value, or the results, while one statement is disturbed; None: an error."""
    followed, happened = [], False
    rng, first = np.random.default_rng(0), found.first_wrong

    def part_of(value: Any) -> Any:
        """A copy of what the first wrong statement sets wrong."""
        parts = list(code.statements[first.number].quantities(value)) if first else []
        return own_copy(parts[first.part][-1]) if first else None

    def see(number: int, value: Any, variables: Mapping[str, Any]) -> Any:
        nonlocal happened
        if first and number == first.number:
            followed.append(part_of(value))
        if number != disturbed:
            return value
        paths = [()]
        if code.statements[number].is_return and code.statements[number].function == 0:
            paths = found.wrong  # the others are right as they are returned
        new = value
        for path in paths:
            new = _disturbed(new, rng, path)
        happened = happened or new is not value
        if first and number == first.number:
            followed[-1] = part_of(new)
        return new

    try:
        with limited():
            returned = sample.run(code.watched(see, changes))
        if first:
            return [followed[first.run]], happened
        return [at_path(returned, path) for path in found.verdict], happened
    except (Exception, *STOPPED):
        return None, False


def _disturbed(value: Any, rng: np.random.Generator, path: tuple[Any, ...] = ()) -> Any:
    """The value with a little noise in what is at the path, where that is made of floats."""
    if path:
        key, *rest = path
        new = value.copy() if isinstance(value, dict) else list(value)
        new[key] = _disturbed(value[key], rng, tuple(rest))
        return new if isinstance(value, dict) else type(value)(new)
    if isinstance(value, np.ndarray | float) and np.asarray(value).dtype.kind == "f":
        noise = 1 + DISTURBED_BY * rng.normal(size=np.shape(value))
        return value * noise + DISTURBED_BY * DISTURBED_BY * noise
    if type(value) is tuple or type(value) is list:
        parts = [_disturbed(v, rng) for v in value]
        changed = any(a is not b for a, b in zip(parts, value, strict=True))
        return type(value)(parts) if changed else value
    return value


def _wrong(plain: Sequence[Any], sample: Sample, found: Watched) -> Array:
    """Which numbers of what is observed are wrong."""
    if found.first_wrong:
        masks = [_differs(plain[0], g) for g in found.first_wrong.expected.all]
        nearest: Array = min(masks, key=np.sum)
        return np.ravel(nearest)
    pairs = zip(plain, found.verdict, strict=True)
    return np.concatenate([np.ravel(_differs(a, sample.right[path])) for a, path in pairs])


def _differs(a: Any, b: Any) -> Array:
    """Where two values differ; in all of a where the shapes do."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    if a.shape != b.shape:
        return np.ones(a.shape, bool)
    scale = np.max(np.abs(b), initial=0) or 1
    return ~(np.abs(a - b) <= 1e-9 * scale)


def at_path(value: Any, path: Sequence[Any]) -> Any:
    """What stands at a path of positions and keys in what a function returned."""
    for key in path:
        value = value[key]
    return value
