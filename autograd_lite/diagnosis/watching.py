"""One run of a user's function, statement by statement, beside the gradients that are known."""

from __future__ import annotations

import contextlib
import random
import signal
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_lite.diagnosis.edits import Expr
from autograd_lite.diagnosis.hand_written import own_copy
from autograd_lite.diagnosis.own_code import OwnCode, Statement
from autograd_lite.diagnosis.own_process import Refused, unless_refused
from autograd_lite.diagnosis.points import Array

SECONDS_A_RUN = 1.0  # an edited loop may never end
MOST_KEPT = 6  # of a statement's runs, those whose variables are kept


@dataclass
class Gradients:
    """What is known of the gradients of the tensors of one name: those of J by each of them, and
    the contributions of which they are the sums."""

    totals: list[Array] = field(default_factory=list)
    contributions: list[Array] = field(default_factory=list)

    @property
    def all(self) -> list[Array]:
        """The gradients and the contributions."""
        return self.totals + self.contributions

    def parts(self, part_of: Callable[[Array], Array], shape: tuple[int, ...]) -> Gradients:
        """The same part of each that has this shape."""
        both = (self.totals, self.contributions)
        return Gradients(*([part_of(g) for g in gs if g.shape == shape] for gs in both))

    def judged(self, value: Array, any_shape: bool) -> bool | None:
        """Whether a value is one of the gradients; None: a contribution, or up to a transpose or
        a factor that may be a convention, or of another shape that is allowed."""
        if any_shape and value.shape not in {g.shape for g in self.all}:
            return None
        if any(_equal_arrays(value, g) for g in self.totals):
            return True
        if any(_proportional(value, g) for g in self.all):
            return None
        return (
            None if value.ndim > 1 and any(_equal_arrays(value.T, g) for g in self.all) else False
        )


def _equal_arrays(a: Array, b: Array) -> bool:
    return a.shape == b.shape and np.allclose(a, b, 1e-7, 1e-12)


def _proportional(value: Array, g: Array) -> bool:
    """Whether it is a gradient up to a factor, other than the −1, 2 and ½ of mistakes."""
    if value.shape != g.shape or not g.any():
        return False
    factor = np.vdot(g, value) / np.vdot(g, g)
    usual = min(abs(factor - f) for f in (-1, 2, 0.5, -2, -0.5)) < 1e-6
    return not usual and bool(np.allclose(value, factor * g, 1e-7, 1e-12))


@dataclass(frozen=True)
class Sample:
    """What a function is run on, and how its result is judged.

    run: from a function to what it returns, on arguments that are fresh for each run. judge: from
    that to which results are right, by their path: positions in tuples, keys of dicts. right: what
    they should be, by path. known: the gradients of the quantities of the forward pass, by name.
    """

    run: Callable[[Callable[..., Any]], Any]
    judge: Callable[[Any], Mapping[Any, bool]]
    right: Mapping[Any, Any] = field(default_factory=dict)
    known: Mapping[str, Gradients] = field(default_factory=dict)


@dataclass(frozen=True)
class WrongValue:
    """The first value that is none of the gradients expected there.

    number, run: the statement that set it, and in which of its runs. part: which of several that
    it sets. name: of the gradient, as ∂J/∂var. variables: those in reach before.
    """

    number: int
    run: int
    part: int
    name: str
    variables: dict[str, Any]
    expected: Gradients


class Watched:
    """A run of the code, with some statements changed, on a sample.

    verdict: which results are right; empty if it raised. stopped_at: the statement that raised.
    before: by statement, the variables in reach before some of its runs. runs: how many there were.
    right: the statements that set a quantity to its known gradient each time, until something was
    wrong. first_wrong: where one was first set to anything else.
    """

    def __init__(self, code: OwnCode, sample: Sample, changes: Mapping[int, Expr]) -> None:
        self.code, self.sample = code, sample
        self.before: dict[int, list[dict[str, Any]]] = {s.number: [] for s in code.statements}
        self.runs = dict.fromkeys(self.before, 0)
        self.last: dict[int, Any] = {}
        self.first_wrong: WrongValue | None = None
        self.stopped_at: int | None = None
        self.verdict: Mapping[Any, bool] = {}
        self.variables: dict[str, Any] = {}
        self._judged: dict[int, bool | None] = {}
        self._random = random.Random(0)
        try:
            with limited():
                self.verdict = sample.judge(sample.run(code.watched(self._see, changes)))
        except (Exception, TooLong) as error:
            self._stopped(error)
        unsettled = {s.number for path in self.wrong for s in code.setters_of_result(path)}
        self.right = {n for n, judged in self._judged.items() if judged} - unsettled

    @property
    def wrong(self) -> list[Any]:
        """The paths of the results that are not right."""
        return [path for path, right in self.verdict.items() if not right]

    def _see(self, number: int, value: Any, variables: dict[str, Any]) -> Any:
        variables = {k: v for k, v in variables.items() if k != "__see__"}
        self._keep(number, variables)
        self.last[number] = own_copy(value)
        if self.code.statements[number].is_return and not self.code.statements[number].function:
            self.variables = variables
        if self.first_wrong is None:
            self._judge(number, value, variables)
        return value

    def _keep(self, number: int, variables: dict[str, Any]) -> None:
        """Keep the variables of the first run and of some others, drawn evenly."""
        kept, count = self.before[number], self.runs[number]
        self.runs[number] += 1
        place = count if count < MOST_KEPT else self._random.randint(1, count)
        if place < MOST_KEPT:
            kept[place : place + 1] = [own_copy(variables)]

    def _judge(self, number: int, value: Any, variables: dict[str, Any]) -> None:
        """Compare what a statement sets with the gradients of the quantity of that name."""
        statement = self.code.statements[number]
        for k, name, part, gradients in self._claims(number, value, variables):
            judged = gradients.judged(part, statement.in_loop or statement.function > 0)
            if judged is False:
                run = self.runs[number] - 1
                self.first_wrong = WrongValue(
                    number, run, k, f"∂J/∂{name}", own_copy(variables), gradients
                )
                self._judged.pop(number, None)
            elif self._judged.get(number, True) is not None:
                self._judged[number] = judged

    def _claims(
        self, number: int, value: Any, variables: dict[str, Any]
    ) -> Iterator[tuple[int, str, Array, Gradients]]:
        """What a statement sets, and the gradients of the quantity of that name, or their part."""
        statement = self.code.statements[number]
        for k, (name, index, part) in enumerate(statement.quantities(value)):
            gradients = self.sample.known.get(quantity(name, self.sample.known))
            if gradients is None or not isinstance(part, np.ndarray | float) or not np.any(part):
                continue
            if self.code.is_changed_later(statement, name, index):
                continue
            if index is not None:
                reach = self.code.functions[statement.function].__globals__ | variables
                shape = getattr(variables.get(name), "shape", ())
                gradients = gradients.parts(self._part(index, name, reach), shape)
            if gradients.totals:
                yield k, quantity(name, self.sample.known), np.asarray(part), gradients

    def _part(self, index: Any, name: str, reach: dict[str, Any]) -> Callable[[Array], Array]:
        code = self.code.code_of(index)
        return lambda g: np.asarray(eval(code, {**reach, name: g}))

    def _stopped(self, error: BaseException) -> None:
        number, variables = self.code.raised_at(error) or (None, {})
        self.stopped_at = number
        if number is not None:
            self._keep(number, variables)

    def expected(self, statement: Statement) -> tuple[dict[str, Any], Sequence[Array]] | None:
        """The variables before a statement, and what its value must be one of, where it is known:
        because it is the first wrong one, or sets or adds to a result once."""
        first = self.first_wrong
        if first is not None and first.number == statement.number:
            return first.variables, first.expected.all
        value, sign = self.last.get(statement.number), {"=": 0, "+=": 1, "-=": -1}
        once = self.runs[statement.number] == 1 == len(statement.writes)
        if not once or statement.expr.label not in sign:
            return None
        for path in self.wrong:
            if statement in self.code.setters_of_result(path) and path in self.sample.right:
                right, final = self.sample.right[path], self.variables.get(min(statement.writes))
                arrays = [x for x in (right, final, value) if isinstance(x, np.ndarray | float)]
                if len(arrays) == 3 and len(set(map(np.shape, arrays))) == 1:
                    by = sign[statement.expr.label]
                    wanted = value + by * (right - final) if by else right
                    return self.before[statement.number][0], [wanted]
        return None


def quantity(name: str, known: Mapping[str, Any]) -> str:
    """The quantity whose gradient a name says it is, or nothing.

    >>> [quantity(name, {"var": [], "W": []}) for name in ("dvar", "grad_W", "W_grad", "var", "x")]
    ['var', 'W', 'W', '', '']
    """
    for start in ("d", "d_", "dl_d", "dL_d", "dJ_d", "grad_", "g_", "grad", "delta_"):
        if name.startswith(start) and name[len(start) :] in known:
            return name[len(start) :]
    for end in ("_grad", "_g", "_bar", "_delta"):
        if name.endswith(end) and name[: -len(end)] in known:
            return name[: -len(end)]
    return ""


# Running a user's code


class TooLong(BaseException):
    """A run that takes too long; no user's `except Exception` catches it."""


STOPPED = (TooLong, Refused)  # the ways in which a run is ended from outside


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Run a user's code many times: without warnings, ready to be stopped by `limited`."""

    def stop(*_: Any) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, stop)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """Run the user's code for a limited time, within `quietly`; raises one of STOPPED."""
    signal.setitimer(signal.ITIMER_REAL, SECONDS_A_RUN)
    try:
        with unless_refused():
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


_PROBES: dict[int, Array] = {}


def mark_of(value: Any) -> Any:
    """What is equal for equal values: the type, or shape and one number to nine digits."""
    if isinstance(value, dict):
        value = list(value.items())
    if isinstance(value, tuple | list):
        return tuple(map(mark_of, value))
    if not isinstance(value, np.ndarray | np.generic | int | float):
        return str(type(value)), repr(value)[:200]
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        return array.shape, array.dtype.kind
    if array.size not in _PROBES:
        _PROBES[array.size] = np.random.default_rng(array.size).normal(size=array.size)
    return array.shape, f"{float(array.ravel() @ _PROBES[array.size]):.9e}"
