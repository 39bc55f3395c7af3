"""The first wrong line of a user's function, and the edit of it that makes every result right.

`Repairer` runs the function as it is, told of every statement's value, and finds the statements
that may be wrong: those that lead to a wrong result and not only from right values. Then it edits
them, one edit at a time, the likeliest first, and runs each; what is right at every sample is a
repair. It runs the user's code hundreds of times: `in_own_process` does so where no harm is done.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_lite.diagnosis.edits import BINARY, Edit, Expr, Scope, edits
from autograd_lite.diagnosis.influence import influences
from autograd_lite.diagnosis.own_code import OwnCode, Statement
from autograd_lite.diagnosis.python_source import read_python, write_python
from autograd_lite.diagnosis.watching import (
    Sample,
    TooLong,
    Watched,
    copied,
    limited,
    mark_of,
    quietly,
)

PIECES = (*BINARY, "negative", "transpose", "compare", "call", "index")
MOST_NAMES, MOST_PIECES = 40, 60
Changes = dict[int, Expr]  # statements' numbers, and what is put in their place


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
        with quietly():
            self.found = Watched(self.code, samples[0], {})
            self.influences = influences(self.code, samples[0], self.found)
        self.marks = {mark_of(g) for gs in samples[0].known.values() for g in gs.all}

    # Which statement

    def suspects(self) -> list[list[Statement]]:
        """The statements in groups, the likeliest first, each from its end back."""
        found, groups = self.found, dict[tuple[Any, ...], list[Statement]]()
        for s in self.code.statements[::-1]:
            influence = self.influences[s.number]
            overlap = sum(influence.overlap < limit for limit in (0.9, 0.4))
            key = s.number != found.stopped_at, not influence.covers, overlap
            groups.setdefault((*key, s.number in found.right), []).append(s)
        return [groups[key] for key in sorted(groups)]

    def located(self) -> FirstWrong:
        """The first wrong line as it can be told without a repair."""
        found = self.found
        if found.stopped_at is not None:
            number, words = found.stopped_at, "raises an error"
        elif found.first_wrong is not None:
            number = found.first_wrong.number
            words = "is the first whose value is not right; the lines before it are"
        else:
            number = self.suspects()[0][0].number
            words = "is the likeliest to be wrong: what it changes is what is wrong"
        statement = self.code.statements[number]
        return FirstWrong(self.code.file, statement.line, statement.text, words)

    # Which edit

    def repair(self) -> Repair | None:
        """The first edit found that makes every result right, or two of them."""
        with quietly():
            return self._repair()

    def _repair(self) -> Repair | None:
        better: list[tuple[int, Changes, Edit]] = []
        found = self._single({}, better)
        if found:
            return self._as_repair(found[0], [found[1]])
        for _, changes, first in sorted(better, key=lambda one: -one[0])[:8]:
            then = self._single(changes, [])
            if then:
                return self._as_repair(then[0], [first, then[1]])
        return None

    def _as_repair(self, changes: Changes, made: Sequence[Edit]) -> Repair:
        lines = tuple(self.code.line_of_change(n) for n in sorted(changes))
        words = "; ".join(dict.fromkeys(edit.words for edit in made))
        kinds = tuple(edit.kind for edit in made)
        diff, source = self.code.diff(changes), self.code.source(changes)
        return Repair(self.code.file, lines, diff, words, kinds, source)

    def _single(
        self, made: Changes, better: list[tuple[int, Changes, Edit]]
    ) -> tuple[Changes, Edit] | None:
        """One more edit after those that were made; those that help a little go to `better`."""
        second: tuple[Changes, Edit] | None = None
        right_before = sum(self.found.verdict.values())
        for changes, edit in self._candidates(made):
            if time.monotonic() > self.until:
                break
            verdict = self._run(changes, self.samples[0])
            if verdict and all(verdict.values()):
                if all(self._is_right(changes, sample) for sample in self.samples[1:]):
                    if self._keeps_what_is_right(changes):
                        return changes, edit
                    second = second or (changes, edit)
            elif sum(verdict.values()) > right_before:
                better.append((sum(verdict.values()), changes, edit))
        return second

    def _candidates(self, made: Changes) -> Iterator[tuple[Changes, Edit]]:
        """Edits, the likeliest first: those that give a statement the value that is expected,
        then the simple ones of each group of suspects before what is missing in it."""
        groups = self.suspects()
        everything = [s for group in groups for s in group]
        passes = sorted(itertools.product(range(len(groups)), (1, 2, 3)), key=sum)
        yield from self._to_expected(everything, made, (1, 2, 3))
        for group, rank in passes[:4]:
            yield from self._of_group(groups[group], made, rank)
        yield from self._to_expected(everything, made, (4,))
        for group, rank in passes[4:]:
            yield from self._of_group(groups[group], made, rank)
        yield from self._of_group(everything, made, 4)

    def _of_group(
        self, group: Sequence[Statement], made: Changes, rank: int
    ) -> Iterator[tuple[Changes, Edit]]:
        for statement in group:
            yield from self._tries(statement, made, rank)

    def _to_expected(
        self, statements: Sequence[Statement], made: Changes, ranks: Sequence[int]
    ) -> Iterator[tuple[Changes, Edit]]:
        """The edits after which a statement has the value that is expected of it."""
        for statement in statements:
            variables, expected = self.found.expected(statement) or ({}, ())
            marks = {mark_of(array) for array in expected}
            expr = made.get(statement.number, statement.expr)
            scope = self._scope(statement) if marks else None
            for edit in edits(expr, scope, statement.role, ranks) if scope else ():
                new = self._mark(statement, edit.result, [variables])
                if new and new[0] in marks:
                    yield {**made, statement.number: edit.result}, edit

    def _tries(
        self, statement: Statement, made: Changes, rank: int
    ) -> Iterator[tuple[Changes, Edit]]:
        """The edits of a statement that change its value, those to a known value first."""
        before = self.found.before[statement.number]
        expr = made.get(statement.number, statement.expr)
        old = self._mark(statement, expr, before)
        later = []
        for edit in edits(expr, self._scope(statement), statement.role, (rank,)):
            new = self._mark(statement, edit.result, before)
            changes = {**made, statement.number: edit.result}
            if new is None or (new == old and new != ()):
                continue  # it cannot be computed, or is the same
            if new and all(mark in self.marks for mark in new):
                yield changes, edit
            else:
                later.append((changes, edit))
        yield from later

    def _mark(
        self, statement: Statement, expr: Expr, before: Sequence[dict[str, Any]]
    ) -> tuple[Any, ...] | None:
        """What tells the values of a statement's expression apart; () unknown, None: an error."""
        was = statement.expr
        if not before or was.label != expr.label or expr.kind != was.kind:
            return ()
        if expr.kind == "assign" and expr.children[:-1] != was.children[:-1]:
            return ()
        value = expr
        if expr.kind == "assign" or statement.is_return:
            value = expr.children[-1]
        try:
            names = self._globals(statement)
            with limited():
                code = compile(f"({write_python(value)})", "<edit>", "eval")
                return tuple(mark_of(eval(code, {**names, **variables})) for variables in before)
        except (Exception, TooLong):
            return None

    def _run(self, changes: Changes, sample: Sample) -> Mapping[Any, bool]:
        self.runs += 1
        try:
            with limited():
                return sample.judge(self.code.edited(changes)(*copied(sample.arguments)))
        except (Exception, TooLong):
            return {}

    def _is_right(self, changes: Changes, sample: Sample) -> bool:
        verdict = self._run(changes, sample)
        return bool(verdict) and all(verdict.values())

    def _keeps_what_is_right(self, changes: Changes) -> bool:
        """Whether no statement that sets a known gradient right is made to set it wrong."""
        after = Watched(self.code, self.samples[0], changes)
        return after.first_wrong is None or after.first_wrong.number not in self.found.right

    # What an edit may use

    def _scope(self, statement: Statement) -> Scope:
        before = self.found.before[statement.number]
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
            base, dot, attribute = name.label.partition(".")
            if dot:
                others = alike(Expr("name", label=base))
                return [Expr("name", label=f"{n.label}.{attribute}") for n in others]
            if statement.number == self.found.stopped_at:
                return names
            if name.label not in shapes:
                return []
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
            with limited():
                value = eval(f"({write_python(e)})", {**self._globals(statement), **variables})
                return np.ndim(value)
        except (Exception, TooLong):
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
                if part.kind in PIECES:
                    pieces.setdefault(part)
        return list(pieces)[:MOST_PIECES]
