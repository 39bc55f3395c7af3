"""The backward pass of a recorded cost at one point, open to changes: what a comparison runs.

`Paths` says where gradients flow. `Values` are those of every step at one point; they pull any
change of one gradient down to the tensors that were asked about, linearly. `Point` adds the
gradients there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from typing import Any

import numpy as np

from autograd_lite.graph import Step, Steps, replay
from autograd_lite.rules import RULES
from autograd_lite.walk import undo_broadcast

Array = np.ndarray

Passed = tuple[Step, list[tuple[int, int]], list[int]]

FAILURES_SHOW = False  # for tests: that no idea is lost to a mistake of our own


@contextmanager
def unless_it_fails() -> Iterator[None]:
    """What cannot be computed on this tape is no explanation: the search goes on without it."""
    try:
        yield
    except Exception:
        if FAILURES_SHOW:
            raise


class Paths:
    """Where the gradient of a cost flows: `uses[x]` are the (step, argument) pairs that use x."""

    def __init__(self, recorded: Steps) -> None:
        self.recorded = recorded
        self.steps = recorded.steps
        self.cost = recorded.cost
        self.uses: dict[int, list[tuple[Step, int]]] = {self.cost.number: []}
        self.edges: dict[int, list[tuple[int, Step]]] = {}  # arguments that a gradient flows to
        for t in reversed(self.steps):
            if t.number in self.uses:
                inputs = enumerate(t.inputs if t.op is not None else ())
                self.edges[t.number] = [(k, x) for k, x in inputs if self.flows(t, k)]
                for k, x in self.edges[t.number]:
                    self.uses.setdefault(x.number, []).append((t, k))
        self.down = [s for s in reversed(self.steps) if s.number in self.uses]
        self._place = {s.number: place for place, s in enumerate(self.down)}
        self._plans: dict[Any, Any] = {}
        self._walks: dict[Any, list[Passed]] = {}
        self._leads: dict[frozenset[int], set[int]] = {}

    @staticmethod
    def flows(t: Step, k: int) -> bool:
        """Whether a gradient flows from t to its argument k."""
        x = t.inputs[k]
        return isinstance(x, Step) and x.tensor.requires_grad and RULES[t.op][k] is not None  # type: ignore[index]

    def last_use(self, number: int) -> int:
        """The step with which the gradient of a step is complete; of the cost, the cost."""
        return self.uses[number][-1][0].number if self.uses[number] else number

    def walk(self, wanted: frozenset[int], cut: frozenset[int]) -> list[Passed]:
        """The steps that a gradient passes on its way to `wanted`, from the cost: each with the
        arguments it goes to, and those of `wanted` that are complete then."""
        key = (wanted, cut)
        if key not in self._walks:
            leads = self.leading(wanted)
            complete: dict[int, list[int]] = {}
            for number in wanted:
                complete.setdefault(self.last_use(number), []).append(number)
            self._walks[key] = []
            for t in self.down:
                if t.number in leads:
                    edges = [(k, i.number) for k, i in self.edges[t.number]]
                    below = [(k, i) for k, i in edges if i in leads and i not in cut]
                    self._walks[key].append((t, below, complete.get(t.number, [])))
        return self._walks[key]

    def position(self, x: Step) -> int:
        """How near the cost the gradient of x is: where the first named result of it stands."""
        return min((self.down_from(t).number for t, _ in self.uses[x.number]), default=10**9)

    def down_from(self, step: Step) -> Step:
        """The next tensor with a name towards the cost, as long as there is only one way on."""
        while not step.label and self.only_use(step):
            step = self.uses[step.number][0][0]
        return step

    def only_use(self, x: Step) -> bool:
        """Whether there is just one path on which a gradient reaches x."""
        return len(self.uses.get(x.number, ())) == 1

    def reached(
        self, x: Step, wanted: frozenset[int], cut: frozenset[int] = frozenset()
    ) -> set[int]:
        """Those of `wanted` whose gradient depends on that of x, x included."""
        found = {number for _, _, number, done in self.plan(x, wanted, cut) if done}
        return found | ({x.number} & wanted)

    def leading(self, wanted: frozenset[int]) -> set[int]:
        """The steps from which a gradient can reach one that is wanted."""
        if wanted not in self._leads:
            leads = set(wanted)
            for t in self.steps:
                if any(isinstance(i, Step) and i.number in leads for i in t.inputs):
                    leads.add(t.number)
            self._leads[wanted] = leads
        return self._leads[wanted]

    def plan(
        self, x: Step, wanted: frozenset[int], cut: frozenset[int] = frozenset()
    ) -> list[tuple[Step, int, int, bool]]:
        """The arguments through which x leads to `wanted`, in order: step, argument, its number,
        and whether a wanted one is complete with it. Nothing flows into what is `cut`."""
        key = (x.number, wanted, cut)
        if key in self._plans:
            return self._plans[key]
        leads = self.leading(wanted)
        below, edges = {x.number}, []
        for t in self.down[self._place[x.number] :]:
            if t.number not in below:
                continue
            for k, i in self.edges[t.number]:
                if i.number in leads and i.number not in cut:
                    below.add(i.number)
                    edges.append((t, k, i.number))
        last = {number: e for e, (_, _, number) in enumerate(edges)}
        plan = [
            (t, k, number, number in wanted and last[number] == e)
            for e, (t, k, number) in enumerate(edges)
        ]
        self._plans[key] = plan
        return plan


class Values:
    """The values of every step at one point, and what the rules give there."""

    def __init__(self, paths: Paths, values: list[Array]) -> None:
        self.paths = paths
        self.values = values

    def contribution(self, t: Step, k: int, g: Array) -> Array:
        """What the rule of t gives for its argument k when g arrives, broadcasting undone."""
        return np.asarray(undo_broadcast(self.rule(t, k, g), t.inputs[k].value, t.tensor, k))

    def rule(self, t: Step, k: int, g: Array, y: Any = None, inputs: Any = None) -> Array:
        """The rule itself, if need be with another value y or other inputs of the operation."""
        y = self.values[t.number] if y is None else y
        inputs = self.arguments(t) if inputs is None else inputs
        return RULES[t.op][k](np.asarray(g), y, *inputs, **t.static)  # type: ignore[index]

    def arguments(self, t: Step) -> list[Any]:
        """The values of the operation's inputs."""
        return [self.values[x.number] if isinstance(x, Step) else x for x in t.inputs]

    def pull(
        self, x: Step, start: Array, wanted: frozenset[int], cut: frozenset[int] = frozenset()
    ) -> Iterator[tuple[int, Array]]:
        """What `start`, as the gradient of x, gives for each of `wanted`, the nearest first."""
        parts: dict[int, Array] = {x.number: start}
        if x.number in wanted:
            yield x.number, start
        for t, k, number, done in self.paths.plan(x, wanted, cut):
            new = self.contribution(t, k, parts[t.number])
            parts[number] = parts[number] + new if number in parts else new
            if done:
                yield number, parts[number]


class Point(Values):
    """The values at one point and the gradients of the cost, with the changes made so far.

    `gradients` maps step numbers to arrays; `changes` are arrays added to the gradient of a step.
    """

    def __init__(self, paths: Paths, values: list[Array]) -> None:
        super().__init__(paths, values)
        self.changes: dict[int, Array] = {}
        self.gradients: dict[int, Array] = {}
        self.kept: dict[Any, Any] = {}  # what is computed more than once
        self.fixed: dict[Any, Any] = {}  # … and depends on the values alone
        self.run()

    def change(self, x: Step, delta: Array) -> None:
        """From now on the gradient of x is off by delta."""
        self.changes[x.number] = self.changes.get(x.number, 0) + delta
        self.run()

    def rerun(
        self,
        wrong: Mapping[int, Callable[[Point], Array]],
        wanted: frozenset[int],
        cut: frozenset[int] = frozenset(),
        ends: Callable[[int, Array], bool] = lambda number, gradient: False,
    ) -> tuple[Point, dict[int, Array]]:
        """The backward pass with a mistake at several places, each made with the others above it.

        wrong: by step number, what is added to its gradient, told from the point as it is so far.
        ends: told of every gradient of `wanted` that has changed, as soon as it is complete;
        whether the pass may end there.
        Returns the point with the changed gradients on the way to `wanted`, and what was added.
        """
        new = copy(self)
        new.gradients, new.kept = dict(self.gradients), {}
        off: dict[int, Array] = {}
        added: dict[int, Array] = {}
        for t, edges, complete in self.paths.walk(wanted, cut):
            n = t.number
            if n in wrong:
                added[n] = wrong[n](new)
                off[n] = off[n] + added[n] if n in off else added[n]
                new.gradients[n] = self.gradients[n] + off[n]
            for k, i in edges if n in off else ():
                more = self.contribution(t, k, off[n])
                off[i] = off[i] + more if i in off else more
                new.gradients[i] = self.gradients[i] + off[i]
            known = [i for i in complete if i in off and i not in wrong]
            known += [n] if n in wrong and n in wanted else []
            if any(ends(i, new.gradients[i]) for i in known):
                break
        return new, added

    def run(self) -> None:
        """The whole backward pass, changes included."""
        self.kept.clear()
        cost = self.paths.cost
        g: dict[int, Array] = {cost.number: np.ones(cost.shape, cost.value.dtype)}
        for t in self.paths.down:
            if t.number in self.changes:
                g[t.number] = g[t.number] + self.changes[t.number]
            for k, x in self.paths.edges[t.number]:
                new = self.contribution(t, k, g[t.number])
                g[x.number] = g[x.number] + new if x.number in g else new
        self.gradients = g


class RoundedPoint(Point):
    """A point at which every operation, forward and backward, is rounded once more, at random."""

    def __init__(self, point: Point, rng: np.random.Generator) -> None:
        self.rng = rng
        values = list(point.values)
        for t in point.paths.steps:
            if t.op is not None:
                values[t.number] = self.rounded(t.run(values))
        super().__init__(point.paths, values)

    def rounded(self, value: Array) -> Array:
        if value.dtype.kind != "f":
            return value
        rounding = np.finfo(value.dtype).eps * self.rng.uniform(-1, 1, value.shape)
        return np.asarray(value * (1 + rounding), value.dtype)

    def contribution(self, t: Step, k: int, g: Array) -> Array:
        return self.rounded(super().contribution(t, k, g))


def points(paths: Paths, others: int) -> list[Point]:
    """The recorded point and random ones near it, without those where the tape does not run."""
    return [Point(paths, [s.value for s in paths.steps]), *nearby(paths, others)]


def nearby(paths: Paths, most: int) -> Iterator[Point]:
    """Random points near the recorded one, without those where the tape does not run."""
    rng = np.random.default_rng(0)
    leaves = [s for s in paths.steps if s.op is None and s.number in paths.uses]
    for _ in range(most):
        perturbed = {
            s.number: s.value + rng.normal(0, 0.2 * (np.std(s.value) + 0.5), s.shape)
            for s in leaves
        }
        with unless_it_fails():  # a shape may hold at the recorded point only
            yield Point(paths, replay(paths.recorded, perturbed))
