"""The first wrong line of a user's function, and the edit of it that makes every result right.

`Repairer` runs the function as it is, told of every statement's value, and finds the statements
that may be wrong: those that lead to a wrong result and not only from right values. Then it edits
them, one edit at a time, the likeliest first, and runs each; what is right at every sample is a
repair. It runs the user's code hundreds of times: `in_own_process` refuses the harm it could do.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autograd_lite.diagnosis.edits import Edit, Expr, Scope, edits
from autograd_lite.diagnosis.hand_written import HandWritten
from autograd_lite.diagnosis.influence import influences
from autograd_lite.diagnosis.own_code import OwnCode, Statement, called_names
from autograd_lite.diagnosis.own_process import in_own_process
from autograd_lite.diagnosis.python_source import write_python
from autograd_lite.diagnosis.reach import Reach
from autograd_lite.diagnosis.report import Repair, SourceLine
from autograd_lite.diagnosis.samples import samples
from autograd_lite.diagnosis.watching import (
    STOPPED,
    Sample,
    Watched,
    limited,
    mark_of,
    quietly,
)

MOST_NEAR = 4  # how many times a group of suspects is edited before others are looked at
MOST_FIRST = 6  # edits that help, after which a second one is tried
Changes = dict[int, Expr]  # statements' numbers, and what is put in their place


@dataclass(frozen=True)
class Candidate:
    """An edit of a statement, with the changes that it makes together with those before it.

    is_expected: whether the statement then has the value that is expected of it.
    """

    number: int
    edit: Edit
    changes: Changes
    is_expected: bool = False


def diagnosed(
    code: HandWritten, wrt: Sequence[str] | None, seconds: float, raised: bool = False
) -> tuple[SourceLine | None, Repair | None]:
    """The first wrong line of the function that computes the gradients, and its repair.

    The search runs in a process of its own, and ends after so many seconds of computing, or four
    times as many on the clock; what it found until then counts. Both are None where the source is
    not at hand, where a system cannot fork, and where the function does there what is refused, or
    an error that it does not raise here (`raised`: it does).
    """

    def work(send: Callable[[Any], None]) -> None:
        shared = called_names(code.forward) if code.backward else frozenset[str]()
        until = time.process_time() + seconds
        function = code.backward or code.forward
        repairer = Repairer(function, samples(code, wrt), until, shared)
        if repairer.found.stopped_at is not None and not raised:
            return
        send(repairer.located())
        send(repairer.repair())

    sent = in_own_process(work, 4 * seconds)
    return (*sent, None, None)[:2]


class Repairer:
    """The search for the wrong statement of a function and for its repair.

    until: the process time at which it ends.

    without: functions that are right because the forward pass uses them too.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        samples: Iterable[Sample],
        until: float,
        without: frozenset[str] = frozenset(),
    ) -> None:
        self.code = OwnCode(function, without)
        self.until = until
        with quietly():
            self.others = iter(samples)
            self.sample = next(self.others)
            self.drawn: list[Sample] = []
            self._look({})
        self.marks = {mark_of(g) for gs in self.sample.known.values() for g in gs.all}

    # Which statement

    def _look(self, changes: Changes) -> None:
        """See what is wrong, and what each statement has to do with it."""
        self.found = Watched(self.code, self.sample, changes)
        self.influences = influences(self.code, self.sample, self.found, changes)
        self.scopes: dict[int, Scope] = {}

    def suspects(self) -> list[list[Statement]]:
        """The statements in groups, the likeliest first, each from its end back."""
        found, groups = self.found, dict[tuple[Any, ...], list[Statement]]()
        for s in self.code.statements[::-1]:
            influence = self.influences[s.number]
            overlap = sum(influence.overlap < limit for limit in (0.9, 0.4))
            key = s.number != found.stopped_at, not influence.covers, overlap
            plain = s.number in found.right or s.returns_names
            groups.setdefault((*key, plain), []).append(s)
        return [groups[key] for key in sorted(groups)]

    def located(self) -> SourceLine:
        """The first wrong line as it can be told without a repair."""
        found = self.found
        if found.stopped_at is not None:
            number, words = found.stopped_at, "raises an error."
        elif found.first_wrong is not None:
            number = found.first_wrong.number
            right = _shown(found.first_wrong.expected.totals[0])
            words = f"is the first value that is not right: {found.first_wrong.name} is {right}."
        else:
            number = self.suspects()[0][0].number
            words = "is the likeliest to be wrong: it changes what is wrong, and little else."
        line = self.code.statements[number].line
        return SourceLine(self.code.file, line, self.code.text_of_line(line), words)

    # Which edit

    def repair(self) -> Repair | None:
        """The first edit found that makes every result right, or two of them."""
        with quietly():
            return self._repair()

    def _repair(self) -> Repair | None:
        """One edit near the first wrong value, near the wrong results, or anywhere; or two, the
        first of which helps."""
        for tried in (self._near, self._near_results, self._far):
            better: list[tuple[int, Candidate]] = []
            if found := self._single({}, tried, better):
                return self._as_repair(found.changes, [found])
            for _, first in sorted(better, key=lambda one: -one[0])[:MOST_FIRST]:
                if then := self._single(first.changes, self._near, []):
                    return self._as_repair(then.changes, [first, then])
        return None

    def _as_repair(self, changes: Changes, made: Sequence[Candidate]) -> Repair:
        numbers = tuple(self.code.line_of_change(one.number, one.edit.path) for one in made)
        words = tuple(f"{one.edit.words}." for one in made)
        kinds = tuple(one.edit.kind for one in made)
        diff, source = self.code.diff(changes), self.code.source(changes)
        return Repair(self.code.file, numbers, words, diff, kinds, source)

    def _single(
        self,
        made: Changes,
        tried: Callable[[Changes], Iterator[list[Candidate]]],
        better: list[tuple[int, Candidate]],
    ) -> Candidate | None:
        """One more edit after those that were made; those that help a little go to `better`."""
        self._look(made)
        second: Candidate | None = None
        right_before = sum(self.found.verdict.values())
        for same in tried(made):
            if time.process_time() > self.until:
                break
            verdict = self._run(same[0].changes, self.sample)
            if verdict and all(verdict.values()):
                for one in same:
                    if all(self._is_right(one.changes, sample) for sample in self._others()):
                        if self._keeps_what_is_right(one.changes):
                            return one
                        second = second or one
            elif sum(verdict.values()) + same[0].is_expected > right_before:
                better.append((sum(verdict.values()), same[0]))
        return second

    # Edits that have the same value on the first sample come together, the simplest first.

    def _near(self, made: Changes) -> Iterator[list[Candidate]]:
        """The edits of the likeliest statements: the simple ones of each group of suspects before
        what is missing in it, and first those to the value that is expected."""
        groups = self.suspects()
        for group, rank in self._passes(groups)[:MOST_NEAR]:
            if group is groups[0]:
                yield from self._to_expected(group, made, (rank,))
            yield from self._of_group(group, made, rank)
        yield from self._to_expected(groups[0], made, (1, 2, 3, 4))

    def _near_results(self, made: Changes) -> Iterator[list[Candidate]]:
        """The same by what the statements have to do with the results: a variable may have a name
        that says it is another gradient than it is."""
        if self.found.first_wrong is not None:
            self.found.first_wrong = None
            self.influences = influences(self.code, self.sample, self.found, made)
            yield from self._near(made)

    def _far(self, made: Changes) -> Iterator[list[Candidate]]:
        """All other edits."""
        groups = self.suspects()
        everything = [s for group in groups for s in group]
        yield from self._to_expected(everything, made, (1, 2, 3))
        for group, rank in self._passes(groups)[MOST_NEAR:]:
            yield from self._of_group(group, made, rank)
        yield from self._of_group(everything, made, 4)

    def _passes(self, groups: list[list[Statement]]) -> list[tuple[list[Statement], int]]:
        pairs = sorted(itertools.product(range(len(groups)), (1, 2, 3)), key=sum)
        return [(groups[k], rank) for k, rank in pairs]

    def _of_group(
        self, group: Sequence[Statement], made: Changes, rank: int
    ) -> Iterator[list[Candidate]]:
        for statement in group:
            yield from self._tries(statement, made, rank)

    def _to_expected(
        self, statements: Sequence[Statement], made: Changes, ranks: Sequence[int]
    ) -> Iterator[list[Candidate]]:
        """The edits after which a statement has the value that is expected of it."""
        for statement in statements:
            variables, expected = self.found.expected(statement) or ({}, ())
            marks = {mark_of(array) for array in expected}
            for rank in ranks if marks else ():
                found = self._by_mark(statement, made, rank, [variables])
                for same in (same for mark, same in found if mark and mark[0] in marks):
                    yield [replace(one, is_expected=True) for one in same]

    def _tries(self, statement: Statement, made: Changes, rank: int) -> Iterator[list[Candidate]]:
        """The edits of a statement that change its value, those to a known value first."""
        before = self.found.before[statement.number]
        old = self._mark(statement, made.get(statement.number, statement.expr), before)
        found = [(m, same) for m, same in self._by_mark(statement, made, rank, before) if m != old]
        known = [bool(mark) and all(m in self.marks for m in mark) for mark, _ in found]
        yield from (same for (_, same), first in zip(found, known, strict=True) if first)
        yield from (same for (_, same), first in zip(found, known, strict=True) if not first)

    def _by_mark(
        self, statement: Statement, made: Changes, rank: int, before: Sequence[dict[str, Any]]
    ) -> list[tuple[tuple[Any, ...], list[Candidate]]]:
        """The edits of one rank that can be computed, by their value before these variables."""
        expr = made.get(statement.number, statement.expr)
        found: dict[Any, list[Candidate]] = {}
        for edit in edits(expr, self._scope(statement), statement.role, (rank,)):
            mark = self._mark(statement, edit.result, before)
            if mark is not None:
                one = Candidate(statement.number, edit, {**made, statement.number: edit.result})
                found.setdefault(mark or edit, []).append(one)
        for same in found.values():
            same.sort(key=lambda one: len(write_python(one.edit.result)))
        return [(() if isinstance(mark, Edit) else mark, same) for mark, same in found.items()]

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
        except (Exception, *STOPPED):
            return None

    def _run(self, changes: Changes, sample: Sample) -> Mapping[Any, bool]:
        try:
            with limited():
                return sample.judge(sample.run(self.code.edited(changes)))
        except (Exception, *STOPPED):
            return {}

    def _others(self) -> Iterator[Sample]:
        """The other samples, which are drawn when they are first asked for."""
        yield from self.drawn
        for sample in self.others:
            self.drawn.append(sample)
            yield sample

    def _is_right(self, changes: Changes, sample: Sample) -> bool:
        verdict = self._run(changes, sample)
        return bool(verdict) and all(verdict.values())

    def _keeps_what_is_right(self, changes: Changes) -> bool:
        """Whether no statement that sets a known gradient right is made to set it wrong."""
        after = Watched(self.code, self.sample, changes)
        return after.first_wrong is None or after.first_wrong.number not in self.found.right

    def _scope(self, statement: Statement) -> Scope:
        """What an edit of the statement may use."""
        if statement.number not in self.scopes:
            before = self.found.before[statement.number]
            raised = statement.number == self.found.stopped_at
            reach = Reach(self.code, statement, before[-1] if before else {}, raised)
            self.scopes[statement.number] = reach.scope()
        return self.scopes[statement.number]

    def _globals(self, statement: Statement) -> dict[str, Any]:
        return self.code.functions[statement.function].__globals__


def _shown(right: Any) -> str:
    """A gradient in a line: its numbers if they are few."""
    array = np.asarray(right)
    if array.size > 6:
        return f"an array {array.shape} that begins with {array.ravel()[0]:.4g}"
    return np.array2string(array, precision=4, separator=", ").replace("\n", "")
