"""`check_backward`: the gradients that a reader's own functions compute, judged and explained."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from autograd_lite.diagnosis.arguments import names_of
from autograd_lite.diagnosis.comparison import compare
from autograd_lite.diagnosis.hand_written import HandWritten, OnArrays, OnTensors
from autograd_lite.diagnosis.points import Array
from autograd_lite.diagnosis.repair import diagnosed
from autograd_lite.diagnosis.report import Entry, Finding, Report
from autograd_lite.diagnosis.search import Progress
from autograd_lite.graph import steps

LONGEST_SEARCH = 10**6  # of a search


def check_backward(
    forward: Callable[..., Any],
    backward: Callable[..., Any] | None = None,
    args: Any = (),
    *,
    wrt: str | Sequence[str] | None = None,
    reference: Callable[..., Any] | tuple[Callable[..., Any], Callable[..., Any]] | None = None,
    rng: int | np.random.Generator = 0,
    seconds: float = 5.0,
    quick: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Judge the gradients that a function computes, and name the mistake in those that are wrong.

    With a backward: `out, cache = forward(*args)` and `grads = backward(dout, cache)`, where dout
    is drawn at random; several outputs come before the cache, and each has its dout. Without one:
    `J, grads = forward(*args)`, or `J, dW, db`. The functions run as they are, on arrays. What is
    right comes from a second run of forward on Tensors, which `np.zeros` and its kin make there;
    both runs draw the same numbers from np.random.

    args: a tuple, or a dict by parameter: float arrays, lists and dicts of them, anything else.
    grads: a dict by name ("W1" or "dW1"), or the gradients of the arrays in args, in order; None
    for one that has no gradient. wrt: the names of the arguments whose gradients are returned,
    where that is not clear. reference: another forward, which says what is right in its place, or
    both (forward, backward): whatever gradient it returns is asked of yours, and missing otherwise.

    Where something is wrong and the source of the function is at hand, edits of its own lines are
    tried, each run on these arguments and on others, for so many `seconds` of computing at most
    (0: none), in a process of its own. Python's functions that write, remove or rename files, start
    processes or open connections are refused there, and a run that calls one does not count: what
    calls them in each run has no repair. The report then has the `repair`, or else the line that is
    the `first_wrong`. An error that the function raises has the repair as a note.

    quick, progress: of the search for the mistake, as in `ag.compare`.

    Where everything agrees, but these numbers would hide a mistake (a symmetric matrix does, a ReLU
    of positive numbers, or an array of ones), the functions are tried on others, and `.notes` say
    what came of it.

    Returns what `ag.compare` returns: the report is true if everything agrees.
    `.raise_if_wrong()` makes a test of it. Raises ValueError or TypeError where nothing can be
    compared, KeyError for the gradient of what is no argument, and says why.

    >>> def affine_forward(x, w, b):
    ...     return x @ w + b, (x, w)
    >>> def affine_backward(dout, cache):
    ...     x, w = cache
    ...     return dout @ w.T, x.T @ dout, -dout.sum(axis=0)
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> args = rng.normal(size=(4, 3)), rng.normal(size=(3, 2)), rng.normal(size=2)
    >>> print(check_backward(affine_forward, affine_backward, args))
    x   (4, 3)  agrees
    w   (3, 2)  agrees
    b   (2,)    differs  sign at b: its sign is wrong. Multiply it by −1.
    line 3  the minus before dout.sum(axis=0) is too much.
      - return dout @ w.T, x.T @ dout, -dout.sum(axis=0)
      + return dout @ w.T, x.T @ dout, dout.sum(axis=0)
    """
    if not isinstance(seconds, int | float | np.number) or not 0 <= seconds <= LONGEST_SEARCH:
        raise ValueError(f"seconds={seconds!r}: it must be a number from 0 to {LONGEST_SEARCH}")
    wrt = names_of(wrt)
    code = HandWritten(forward, backward, args, reference, rng)
    try:
        plain = code.on_arrays()
    except Exception as error:
        if seconds > 0:
            _, repair = diagnosed(code, wrt, seconds, raised=True)
            for line in repair.lines() if repair else ():
                error.add_note(line)
        raise
    asked = code.asked() if wrt is None else []
    given = dict.fromkeys(asked) | code.arguments.whose(plain.gradients, wrt, code.who)
    compared = partial(_compared, quick=quick, progress=progress)
    report, recorded = compared(code, plain, given)
    drawn = {*given, *(name for name in recorded.used if code.arguments.keeps(name))}
    says_little = report.notes or any(map(_all_equal, map(code.arguments.array, drawn)))
    if report.ok and says_little:
        report.notes = _elsewhere(code, compared, wrt, drawn, report.notes)
    report.entries += _entries_left_out(code, given, recorded)
    report.notes += _notes(code, plain.gradients, given, recorded.used)
    if seconds > 0 and not (report.ok or report.only_rounded):
        report.first_wrong, report.repair = diagnosed(code, wrt, seconds)
    return report


def _compared(
    code: HandWritten, plain: OnArrays, given: Mapping[str, Any], **search: Any
) -> tuple[Report, OnTensors]:
    """The comparison of the gradients that were returned, and the run that says what is right."""
    recorded = code.on_tensors(plain, given)
    returned = {recorded.variables[name]: g for name, g in given.items() if g is not None}
    return compare(recorded.J, returned, **search), recorded


def _elsewhere(
    code: HandWritten,
    compared: Callable[..., tuple[Report, OnTensors]],
    wrt: Sequence[str] | None,
    names: Collection[str],
    notes: list[str],
) -> list[str]:
    """The notes on numbers that hide mistakes, or what other numbers in those arrays show.

    compared: `_compared`, as quick as was asked for. names: of the arrays; labels and masks, whose
    gradients nobody returns, stay as they are.
    """
    paths = code.arguments.paths
    rng = np.random.default_rng(0)
    for draw in (
        lambda x: rng.normal(size=x.shape).astype(x.dtype),
        lambda x: (x * rng.uniform(0.5, 1.5, x.shape)).astype(x.dtype),  # what must be positive
    ):
        instead = {paths[n]: draw(code.arguments.array(n)) for n in paths if n in names}
        # The user's functions: they may not allow these.
        with suppress(Exception), warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            other = code.with_arrays(instead)
            plain = other.on_arrays()
            given = other.arguments.whose(plain.gradients, wrt, code.who)
            report, _ = compared(other, plain, given)
            for wrong in (entry for entry in report if entry.verdict != "agrees"):
                said = f"Right on these numbers alone: with others, d{wrong.label} is wrong."
                return [said, str(wrong.findings[0])]
            if not report.notes:
                return []
    return notes


def _all_equal(x: Array) -> bool:
    """Whether a factor or a term x may stand in the wrong place of a formula, and not show."""
    return x.size > 0 and bool(np.ptp(x) == 0) and (x.size > 1 or x.item() in (0, 1))


def _entries_left_out(
    code: HandWritten, given: Mapping[str, Any], recorded: OnTensors
) -> list[Entry]:
    """The entries of gradients that are not zero, and were not returned."""
    entries = []
    for name in (name for name, g in given.items() if g is None and name in recorded.used):
        step = steps(recorded.J).step(recorded.variables[name])
        said = f"{code.who} returned no gradient of {name}, on which the cost depends."
        finding = Finding("missing", name, 1, said, math.inf, 1)
        entries.append(Entry(name, step.shape, None, step, "missing", math.inf, [finding]))
    return entries


def _notes(
    code: HandWritten, returned: Any, given: Mapping[str, Any], used: Collection[str]
) -> list[str]:
    """What gradients in a row were taken for, where that may be in doubt, and what has none."""
    names = [*code.arguments.paths, *code.arguments.numbers]
    whose = [name for name in names if given.get(name) is not None]
    left = [name for name in code.arguments.paths if name in used and name not in given]
    notes = []
    unlike = any(np.shape(given[name]) != code.arguments.array(name).shape for name in whose)
    if not isinstance(returned, Mapping) and (left or unlike or len(whose) < len(given)):
        taken = f"what {code.who} returned was taken for the gradients of {', '.join(whose)}"
        notes.append(taken)
    if left:
        notes.append(f"not compared: {', '.join(left)}")
    return notes
