"""Where a mistake can be made, and what it has at hand there to make it with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from autograd_lite import rules
from autograd_lite.diagnosis.layout import Function, Layout
from autograd_lite.diagnosis.points import Array, Point
from autograd_lite.graph import Step
from autograd_lite.walk import undo_broadcast

NEARBY = 40


class Idea(NamedTuple):
    """A wrong array (None: it cannot be formed here), what to do about it, and if not the
    table's, its kind."""

    array: Array | None
    advice: str
    kind: str | None = None


@dataclass
class Place:
    """Where a mistake can be made: the gradient of x, as far as it comes through argument k of t.

    x, t: steps (t is None for the gradient as a whole; k is None for all arguments that are x).
    function: what is known of an elementwise function. output, labels: what the cost compares,
    read as `reading` says. given: the array handed in for x, if one was.
    """

    layout: Layout
    point: Point
    x: Step
    t: Any = None
    k: Any = 0
    function: Any = None
    output: Step | None = None
    labels: Step | None = None
    reading: str | None = None
    given: Array | None = None

    @property
    def part(self) -> Any:
        """Which contribution to the gradient of x is replaced."""
        if self.t is None or self.layout.paths.only_use(self.x):
            return "all"
        if self.function is not None and not self.function.single:
            return "all"
        return (self.t.number, self.k)

    @property
    def where(self) -> str:
        return self.layout.name(self.x)

    @property
    def g(self) -> Array:
        """What arrives at t; for a gradient as a whole, that gradient."""
        return self.point.gradients[(self.t or self.x).number]

    @property
    def right(self) -> Array:
        """The right contribution."""
        return contribution(self.point, self.x, self.part)

    def value(self, step: Step) -> Array:
        return self.point.values[step.number]

    @property
    def leaf(self) -> bool:
        return self.x.op is None

    @property
    def dx(self) -> str:
        where = self.where
        return f"d{where}" if where.isidentifier() else f"the gradient of {where}"

    @property
    def dt(self) -> str:
        return f"d{self.layout.below(self.t)}" if self.t else self.dx

    def compared(self) -> tuple[Array, Array, str]:
        """What the cost compares (a logit is read as what it stands for), the labels, its name."""
        assert self.output is not None
        assert self.labels is not None
        a, name = self.value(self.output), self.layout.name(self.output)
        if self.reading == "sigmoid":
            a, name = rules.sigmoid(a), f"σ({name})"
        elif self.reading == "softmax":
            axis = 1 if a.ndim > 1 and a.shape[0] in self.layout.samples else 0
            a, name = rules.softmax_(a, axis=(axis,)), f"softmax({name})"
        return a, self.value(self.labels), name

    @property
    def arrays(self) -> list[Step]:
        """What may have been taken by mistake: the arrays at hand, on a long tape those nearby."""
        return self._nearest(self.layout.arrays, lambda step: step.number)

    @property
    def functions(self) -> list[Function]:
        """Likewise the elementwise functions."""
        return self._nearest(self.layout.functions, lambda f: f.a.number)

    def _nearest(self, candidates: list[Any], number: Callable[[Any], int]) -> list[Any]:
        if len(candidates) <= NEARBY:
            return candidates
        here = (self.t or self.x).number
        return sorted(candidates, key=lambda c: abs(number(c) - here))[:NEARBY]

    # A product: the other operand, and the rule with whatever stands in for g and the operand.

    @property
    def other(self) -> Step:
        return self.t.inputs[1 - self.k]

    @property
    def o(self) -> Array:
        return self.value(self.other)

    @property
    def name(self) -> str:
        return self.layout.name(self.other)

    def times(self, g: Array, o: Array, turned: bool = True) -> Array | None:
        """g @ oᵀ or oᵀ @ g, whichever is the rule here; without the transpose if not `turned`."""
        if o.ndim < 2 or g.ndim < 2:
            return None
        o = o.mT if turned else o
        return product(g, o) if self.k == 0 else product(o, g)

    def formula(self, other: str | None = None, turned: bool = True) -> str:
        """The rule as a person writes it."""
        other = (other or self.name) + (".T" if turned else "")
        return f"{self.dt} @ {other}" if self.k == 0 else f"{other} @ {self.dt}"

    def fitted(self, array: Array) -> Array:
        """The array with broadcasting undone, where that gives the shape of x."""
        if array.shape != self.x.shape and self.t is not None:
            try:
                return undo_broadcast(array, self.x.shape, self.t.tensor, self.k)
            except ValueError:
                return array
        return array


def contribution(point: Point, x: Step, part: Any) -> Array:
    """The right contribution to the gradient of x: all of it, that of one use, or (None) zero."""
    if part is None:
        return np.zeros_like(point.gradients[x.number])
    if part == "all":
        return point.gradients[x.number]
    key = (x.number, part)  # one operation may use both x and another that is used elsewhere
    if key not in point.kept:
        number, k = part
        t = point.paths.steps[number]
        arguments = [k] if k is not None else [i for i, a in enumerate(t.inputs) if a is x]
        parts = [point.contribution(t, i, point.gradients[number]) for i in arguments]
        point.kept[key] = sum(parts[1:], start=parts[0])
    return point.kept[key]


def product(a: Array, b: Array) -> Array | None:
    return a @ b if a.shape[-1] == b.shape[-2] else None


def broadcast(a: Array, shape: tuple[int, ...]) -> Array | None:
    try:
        return np.broadcast_to(a, shape)
    except ValueError:
        return None


def hadamard(a: Array, b: Array) -> Array | None:
    try:
        return a * b
    except ValueError:
        return None


@dataclass(frozen=True)
class Mistake:
    """An entry of the table. adds: its array is added to the right gradient, not put in its place.
    free: any factor fits, as a rate of learning does."""

    kind: str
    on: str
    ideas: Callable[[Place], Iterator[Idea]]
    adds: bool = False
    free: bool = False
