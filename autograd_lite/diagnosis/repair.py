"""The first wrong line of a user's function, and the edit of it that makes every result right.

`Repairer` runs the function as it is, told of every statement's value, and finds the statements
that may be wrong: those that lead to a wrong result and not only from right values. Then it edits
them, one edit at a time, the likeliest first, and runs each; what is right at every sample is a
repair. It runs the user's code hundreds of times: `in_own_process` does so where no harm is done.
"""

from __future__ import annotations

import contextlib
import copy
import signal
import time
import types
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_lite.diagnosis.edits import Edit, Expr, Scope, edits
from autograd_lite.diagnosis.own_code import OwnCode, Statement
from autograd_lite.diagnosis.python_source import read_python, write_python

Array = np.ndarray
SECONDS_A_RUN = 1.0  # an edited loop may never end
MOST_KEPT = 3  # variables of the first runs of a statement, and of the last
MOST_NAMES, MOST_PIECES = 24, 60


@dataclass(frozen=True)
class Sample:
    """What a function is run on, and how its result is judged.

    arguments: copied for each run. judge: from what was returned to which results are right.
    known: by the name of a quantity of the forward pass, its gradients: one for each tensor that
    was called so, and each contribution to it.
    """

    arguments: tuple[Any, ...]
    judge: Callable[[Any], Mapping[Any, bool]]
    known: Mapping[str, Sequence[Array]] = field(default_factory=dict)


@dataclass(frozen=True)
class Repair:
    """Edits of a user's function after which every result is right.

    lines: their numbers in the file. diff: with - before the old lines and + before the new.
    words: what was wrong. kinds: those of the table of edits. source: the file's text with them.
    """

    file: str
    lines: tuple[int, ...]
    diff: str
    words: str
    kinds: tuple[str, ...]
    source: str = field(repr=False)

    def __str__(self) -> str:
        return f"{self.words}\n{self.diff}"


@dataclass(frozen=True)
class FirstWrong:
    """The first line whose value is not right: its file, number and text, and what is known."""

    file: str
    line: int
    text: str
    words: str

    def __str__(self) -> str:
        name = self.file.replace("\\", "/").split("/")[-1]
        return f"{name}:{self.line}  {self.text}\n{self.words}"


@dataclass
class _Seen:
    """What one statement did in a run: its values, and the variables before some of them."""

    values: list[Any] = field(default_factory=list)
    before: list[dict[str, Any]] = field(default_factory=list)

    def add(self, value: Any, variables: Mapping[str, Any]) -> None:
        if len(self.before) > MOST_KEPT:
            self.before.pop()
        if len(self.values) < 1000:
            self.values.append(_copied(value))
        self.before.append({k: _copied(v) for k, v in variables.items() if k != "__see__"})


class _TooLong(BaseException):
    """A run that takes too long; no user's `except Exception` catches it."""


class Repairer:
    """The search for the wrong statement of a function and for its repair, until a time.

    without: functions that are right because the forward pass uses them too.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        samples: Sequence[Sample],
        until: float,
        without: frozenset[str] = frozenset(),
    ) -> None:
        self.code = OwnCode(function, without)
        self.samples = samples
        self.until = until
        self.runs = 0
        self.seen: dict[int, _Seen] = {s.number: _Seen() for s in self.code.statements}
        self.verdict, self.stopped_at = self._watch()
        self.flow = _Flow(self.code, self.seen)
        self.values = _Marks(g for gs in samples[0].known.values() for g in gs)
        self.named = _named_verdicts(self.code, self.seen, samples[0].known)

    def _watch(self) -> tuple[Mapping[Any, bool], int | None]:
        """Run the function as it is; which results are right, and the statement that raised."""

        def see(number: int, value: Any, variables: Mapping[str, Any]) -> Any:
            self.seen[number].add(value, variables)
            return value

        function = self.code.watched(see)
        try:
            with _limited():
                return self.samples[0].judge(function(*_copied(self.samples[0].arguments))), None
        except Exception as error:
            number, variables = self.code.raised_at(error) or (None, {})
            if number is not None:
                self.seen[number].add(None, variables)
            return {}, number

    # Which statement

    def suspects(self) -> list[list[Statement]]:
        """The statements in groups, the likeliest first, each in the order of the text."""
        everything = self.code.statements
        wrong = [key for key, right in self.verdict.items() if not right]
        leads = [self.flow.leading_to(key) for key in wrong] or [{s.number for s in everything}]
        to_all, to_some = set.intersection(*leads), set.union(*leads)
        right = {n for n, verdict in self.named.items() if verdict}
        groups = []
        if self.stopped_at is not None:
            groups.append({self.stopped_at})
            groups.append(self.flow.before(self.stopped_at, set()))
        elif (first := self.first_wrong()) is not None:
            groups.append(self.flow.before(first.number, right))
        groups += [to_all - right, to_some - right, to_some, {s.number for s in everything}]
        result, placed = [], set[int]()
        for group in groups:
            result.append([s for s in everything if s.number in group - placed])
            placed |= group
        return [group for group in result if group]

    def first_wrong(self) -> Statement | None:
        """The first statement that sets a quantity whose gradient is known, to another value."""
        for s in self.code.statements:
            if self.named.get(s.number) is False:
                return s
        return None

    def located(self) -> FirstWrong | None:
        """The first wrong line as it can be told without a repair."""
        statement = self.first_wrong()
        words = "is the first whose value is not right; those above it are"
        if self.stopped_at is not None:
            statement, words = self.code.statements[self.stopped_at], "raises an error"
        if statement is None:
            return None
        return FirstWrong(self.code.file, statement.line, statement.text, words)

    # Which edit

    def repair(self) -> Repair | None:
        """The first edit found that makes every result right, or two of them."""
        right_now = sum(self.verdict.values())
        better: list[tuple[int, dict[int, Expr], Edit]] = []
        found = self._single({}, better, right_now)
        if found is None:
            better.sort(key=lambda one: -one[0])
            for _, changes, first in better[:8]:
                then = self._single(changes, [], right_now)
                if then:
                    return self._as_repair(then[0], [first, then[1]])
            return None
        return self._as_repair(found[0], [found[1]])

    def _as_repair(self, changes: Mapping[int, Expr], made: Sequence[Edit]) -> Repair:
        lines = tuple(self.code.line_of_change(n) for n in sorted(changes))
        words = "; ".join(dict.fromkeys(edit.words for edit in made))
        kinds = tuple(edit.kind for edit in made)
        diff, source = self.code.diff(changes), self.code.source(changes)
        return Repair(self.code.file, lines, diff, words, kinds, source)

    def _single(
        self,
        made: dict[int, Expr],
        better: list[tuple[int, dict[int, Expr], Edit]],
        right_now: int,
    ) -> tuple[dict[int, Expr], Edit] | None:
        """One more edit after those that were made."""
        for group in self.suspects():
            for ranks in ((1,), (2,), (3,)):
                for statement in group:
                    for changes, edit in self._tries(statement, made, ranks):
                        if time.monotonic() > self.until:
                            return None
                        verdict = self._run(changes, self.samples[0])
                        if all(verdict.values()) and verdict:
                            if all(self._right(changes, s) for s in self.samples[1:]):
                                return changes, edit
                        elif sum(verdict.values()) > right_now:
                            better.append((sum(verdict.values()), changes, edit))
        return None

    def _tries(
        self, statement: Statement, made: dict[int, Expr], ranks: Sequence[int]
    ) -> Iterator[tuple[dict[int, Expr], Edit]]:
        """The edits of a statement that change its value, those to a known value first."""
        expr = made.get(statement.number, statement.expr)
        old = self._mark(statement, expr)
        later = []
        for edit in edits(expr, self._scope(statement), statement.role, ranks):
            new = self._mark(statement, edit.result)
            changes = {**made, statement.number: edit.result}
            if new is None or (new == old and new != ()):
                continue  # it cannot be computed, or is the same
            if new and all(mark in self.values for mark in new):
                yield changes, edit
            else:
                later.append((changes, edit))
        yield from later

    def _mark(self, statement: Statement, expr: Expr) -> tuple[Any, ...] | None:
        """What tells the values of a statement's expression apart; () unknown, None: an error."""
        seen = self.seen[statement.number]
        if not seen.before or statement.expr.label != expr.label:
            return ()
        value, target = expr, statement.expr
        if expr.kind == "assign":
            if expr.children[:-1] != target.children[:-1]:
                return ()
            value = expr.children[-1]
        elif statement.is_return and expr.kind == "other":
            (value,) = expr.children
        return self._evaluated(value, statement)

    def _evaluated(self, value: Expr, statement: Statement) -> tuple[Any, ...] | None:
        try:
            names = self._globals(statement)
            with _limited():
                code = compile(write_python(value), "<edit>", "eval")
                seen = self.seen[statement.number].before
                return tuple(_mark_of(eval(code, {**names, **before})) for before in seen)
        except (Exception, _TooLong):
            return None

    def _run(self, changes: Mapping[int, Expr], sample: Sample) -> Mapping[Any, bool]:
        self.runs += 1
        try:
            with _limited():
                function = self.code.edited(changes)
                return sample.judge(function(*_copied(sample.arguments)))
        except (Exception, _TooLong):
            return {}

    def _right(self, changes: Mapping[int, Expr], sample: Sample) -> bool:
        verdict = self._run(changes, sample)
        return bool(verdict) and all(verdict.values())

    # What an edit may use

    def _scope(self, statement: Statement) -> Scope:
        before = self.seen[statement.number].before
        variables = before[-1] if before else {}
        usable = {n: v for n, v in variables.items() if isinstance(v, np.ndarray | float | int)}
        usable = {n: v for n, v in usable.items() if not isinstance(v, bool)}
        names = [Expr("name", label=n) for n in usable][:MOST_NAMES]
        whole = {n for n, v in usable.items() if isinstance(v, int)}
        shapes = {n: np.shape(v) for n, v in usable.items()}
        axes = {(n, k): size for n, s in shapes.items() for k, size in enumerate(s)}
        counts = [read_python(f"{n}.shape[{k}]") for (n, k) in axes]

        known: dict[Expr, int | None] = {}

        def alike(name: Expr) -> list[Expr]:
            if name.label not in shapes:
                return names if name.label not in self._globals(statement) | variables else []
            is_whole = name.label in whole
            return [
                n
                for n in names
                if shapes[n.label] == shapes[name.label] and (n.label in whole) == is_whole
            ]

        def dimensions(e: Expr) -> int | None:
            if e.kind == "name":
                return len(shapes[e.label]) if e.label in shapes else None
            if e not in known:
                known[e] = self._dimensions(e, statement, variables)
            return known[e]

        return Scope(
            write_python,
            names,
            counts[:6],
            self._pieces(statement),
            alike,
            dimensions,
        )

    def _dimensions(
        self, e: Expr, statement: Statement, variables: Mapping[str, Any]
    ) -> int | None:
        try:
            with _limited():
                value = eval(write_python(e), {**self._globals(statement), **variables})
                return np.ndim(value)
        except (Exception, _TooLong):
            return None

    def _globals(self, statement: Statement) -> dict[str, Any]:
        return self.code.functions[statement.function].__globals__

    def _pieces(self, statement: Statement) -> list[Expr]:
        """Expressions of the same function, those of near statements first."""
        mine = [s for s in self.code.statements if s.function == statement.function]
        mine.sort(key=lambda s: abs(s.number - statement.number))
        pieces: dict[Expr, None] = {}
        for s in mine:
            for part in s.expr.parts():
                if part.kind not in ("name", "number", "assign", "other", "slice", "tuple"):
                    if part.kind not in ("constant", "nothing"):
                        pieces.setdefault(part)
        return list(pieces)[:MOST_PIECES]


# Dataflow


class _Flow:
    """Which statements may lead to which, by the names that they use and set."""

    def __init__(self, code: OwnCode, seen: Mapping[int, _Seen]) -> None:
        self.code = code
        self.ran = {n for n, s in seen.items() if s.values} | {
            s.number for s in code.statements if s.value is None
        }

    def before(self, number: int, right: set[int]) -> set[int]:
        """The statement and those that lead to it, not past the ones that are right."""
        found, waiting = {number}, [self.code.statements[number]]
        while waiting:
            s = waiting.pop()
            for other in self._sources(s):
                if other.number not in found | right:
                    found.add(other.number)
                    waiting.append(other)
        return found

    def leading_to(self, key: Any) -> set[int]:
        """The statements that lead to a result, by its position or name in what is returned."""
        starts = [s for s in self.code.statements if s.function == 0 and s.is_return]
        found: set[int] = set()
        for s in starts:
            names = self.code.names_of_result(s, key)
            found.add(s.number)
            for other in self.code.statements:
                if other.function == 0 and other.writes & names:
                    if not self.code.sets_another_key(other, key):
                        found |= self.before(other.number, set())
        return found

    def _sources(self, s: Statement) -> list[Statement]:
        called = {f.__name__: k for k, f in enumerate(self.code.functions)}
        inside = {called[name] for name in s.reads if name in called}
        return [
            other
            for other in self.code.statements
            if (other.function == s.function and other.writes & s.reads) or other.function in inside
        ]


# Values


class _Marks:
    """A set of arrays, looked up by value."""

    def __init__(self, arrays: Iterator[Array]) -> None:
        self.marks = {_mark_of(a) for a in arrays}

    def __contains__(self, mark: object) -> bool:
        return mark in self.marks


_PROBES: dict[int, Array] = {}


def _mark_of(value: Any) -> Any:
    """Something that is equal for equal values: its shape, and one number to nine digits."""
    if isinstance(value, tuple | list):
        return tuple(map(_mark_of, value))
    if not isinstance(value, np.ndarray | np.generic | int | float):
        return str(type(value)), repr(value)[:200]
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        return array.shape, array.dtype.kind
    if array.size not in _PROBES:
        _PROBES[array.size] = np.random.default_rng(array.size).normal(size=array.size)
    number = float(array.ravel() @ _PROBES[array.size])
    return array.shape, f"{number:.9e}"


def _copied(value: Any) -> Any:
    """A copy that an edited function may write into."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, tuple) and type(value) is tuple:
        return tuple(map(_copied, value))
    if isinstance(value, list):
        return [_copied(v) for v in value]
    if isinstance(value, dict):
        return {k: _copied(v) for k, v in value.items()}
    if isinstance(value, int | float | str | np.generic | types.FunctionType | types.ModuleType):
        return value
    try:
        return copy.deepcopy(value)
    except Exception:
        return value


def _named_verdicts(
    code: OwnCode, seen: Mapping[int, _Seen], known: Mapping[str, Sequence[Array]]
) -> dict[int, bool]:
    """Of the statements that set a quantity whose gradient is known: whether they set it right."""
    verdicts: dict[int, bool] = {}
    for s in code.statements:
        expected = known.get(_quantity(s.sets, known), ())
        values = [v for v in seen[s.number].values if isinstance(v, np.ndarray)]
        values = [v for v in values if v.any()]
        if expected and values:
            judged = [_is_one_of(v, expected) for v in values]
            if None not in judged:
                verdicts[s.number] = all(judged)
    return verdicts


def _quantity(name: str | None, known: Mapping[str, Any]) -> str:
    """The quantity whose gradient a name says it is: `var` for dvar, d_var, grad_var, var_grad."""
    if name:
        for start in ("d", "d_", "dl_d", "dL_d", "dJ_d", "grad_", "g_", "grad", "delta_"):
            if name.startswith(start) and name[len(start) :] in known:
                return name[len(start) :]
        for end in ("_grad", "_g", "_bar", "_delta"):
            if name.endswith(end) and name[: -len(end)] in known:
                return name[: -len(end)]
    return ""


def _is_one_of(value: Array, expected: Sequence[Array]) -> bool | None:
    """Whether it is one of these gradients; None: up to a factor that may be a convention."""
    for g in expected:
        for right in (g, g.T):
            if value.shape == right.shape and np.allclose(value, right, 1e-7, 1e-12):
                return True
    for g in expected:
        if value.shape == g.shape and g.any():
            factor = np.vdot(g, value) / np.vdot(g, g)
            usual = min(abs(abs(factor) - f) for f in (1, 2, 0.5)) < 1e-6
            if not usual and np.allclose(value, factor * g, 1e-7, 1e-12):
                return None
    return False


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    """Run the user's code: for a limited time, without warnings."""

    def stop(*_: Any) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, SECONDS_A_RUN)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
