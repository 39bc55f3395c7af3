"""What stands on a tape: names, elementwise functions, parameters, samples, the output and labels.

A mistake is made of these. All of it is read off the operations or measured on their rules;
nothing knows of layers.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np

from autograd_lite import rules
from autograd_lite.diagnosis.names import (
    PRODUCTS,
    REARRANGEMENTS,
    TensorNames,
    bare,
    gradient_of,
)
from autograd_lite.diagnosis.points import Array, Point, Values
from autograd_lite.graph import Step

NO_FUNCTIONS = (*REARRANGEMENTS, np.add, np.subtract, np.multiply, np.divide, np.negative)
MOST_OPERATIONS = 4  # on from a tensor, whose operands may be in its gradient's formula
MOST_WAYS, MOST_STEPS = 6, 30  # of a formula that merges several steps into one line

Way = tuple[tuple[Step, int], ...]  # the uses on a way towards the cost: step, argument
Formula = Callable[[Array, Array], Array]  # of z and a = f(z), or of two other arrays
# The derivatives that a person knows, of z and a = f(z): the function's name, how the derivative is
# written, and the derivative. Where it is written with a alone, another value may stand for a.
KNOWN_SLOPES: tuple[tuple[str, str, Formula], ...] = (
    ("identity", "1", lambda z, a: np.ones_like(z)),
    ("sigmoid", "{a}∘(1 − {a})", lambda z, a: a * (1 - a)),
    ("tanh", "1 − {a}∘{a}", lambda z, a: 1 - a * a),
    ("relu", "[{z} > 0]", lambda z, a: z > 0),
    ("softplus", "σ({bare})", lambda z, a: rules.sigmoid(z)),
    ("exp", "{a}", lambda z, a: a),
    ("square", "2 {z}", lambda z, a: 2 * z),
    ("sin", "cos {z}", lambda z, a: np.cos(z)),
)


class Function:
    """An elementwise function a = f(z) on the tape: one operation, or several without a name.

    name: `tanh`. prime: `tanh′(Z1)`. da: what arrives, `dA1`. formula: its derivative as a person
    writes it. like: the known function whose derivative it has. of_value: that derivative from a
    value in a's place, where it is made so.
    """

    def __init__(self, layout: Layout, z: Step, a: Step, inside: list[Step], k: int) -> None:
        self.z, self.a, self.inside, self.k = z, a, inside, k
        self.single = len(inside) == 1
        self.like: str | None = None
        self.of_value: Callable[[Array], Array] | None = None
        point = layout.point
        s, z_value, a_value = self.slope(point), point.values[z.number], point.values[a.number]
        written = ""
        for like, text, slope in KNOWN_SLOPES:
            if np.allclose(s, slope(z_value, a_value), rtol=1e-4, atol=1e-6):
                self.like, written = like, text
                if "{a}" in text:
                    self.of_value = lambda value, slope=slope: slope(value, value)
                break
        self.name = a.name if self.single else self.like or "f"
        z_name = bare(layout.name(z))
        unnamed = not self.single and not a.label
        self.a_name = f"{self.name}({z_name})" if unnamed else layout.name(a)
        self.da = gradient_of(self.a_name)
        self.prime = f"{self.name}′({z_name})"
        self.formula = written.format(a=self.a_name, z=layout.name(z), bare=z_name) or self.prime
        if unnamed and not self.like:
            self.formula += f", where {self.a_name} is {layout.name(a)}"
        self.text = f"{self.name} at {layout.name(z)}"

    def slope(self, point: Point, z: Array | None = None) -> Array:
        """f′ at its own z, or at another array of a shape that fits."""
        if z is not None:
            return self._slope_at(point, z)
        key = ("slope", self.a.number)
        if key not in point.fixed:
            point.fixed[key] = self._slope_at(point, None)
        return point.fixed[key]

    def _slope_at(self, point: Point, z: Array | None) -> Array:
        ones = np.ones(self.a.shape, self.a.value.dtype)
        if self.single:
            inputs = point.arguments(self.a)
            y = point.values[self.a.number]
            if z is not None:
                inputs[self.k] = z
                y = self.a.op(*inputs, **self.a.static)  # type: ignore[misc]
                ones = np.ones(np.shape(y), self.a.value.dtype)
            return point.rule(self.a, self.k, ones, y, inputs)
        values = list(point.values)
        if z is not None:
            values[self.z.number] = np.broadcast_to(z, self.z.shape)
            for t in self.inside:
                values[t.number] = t.run(values)
        elsewhere = Values(point.paths, values)
        ((_, s),) = elsewhere.pull(self.a, ones, frozenset({self.z.number}))
        return s


class Softmax:
    """A softmax that is written out, a = e / Σ e with e = exp z or exp(z − max z)."""

    name, single = "softmax", False

    def __init__(self, layout: Layout, z: Step, a: Step) -> None:
        self.z, self.a = z, a
        self.a_name = a.label or f"softmax({bare(layout.name(z))})"
        self.da = gradient_of(self.a_name)

    def pulled(self, point: Point, g: Array) -> Array:
        """What arrives at z if g arrives at a."""
        ((_, pulled),) = point.pull(self.a, g, frozenset({self.z.number}))
        return pulled


class Layout(TensorNames):
    """What stands on the tape of a recorded point, for mistakes to be made of."""

    def __init__(self, point: Point) -> None:
        super().__init__(point.paths)
        self.point = point
        self._mixes: dict[tuple[int, int], bool] = {}
        self._blocks: dict[int, list[list[Way]]] = {}
        self._numbers: dict[int, int] = {}
        self.empty: list[tuple[int, tuple[int, ...]]] = []  # rows handed in as zero: length, which
        self.alone: dict[int, set[int]] = {}  # by length: rows that are wrong and no others
        self.asked: list[Step] = []  # whose gradients were handed in
        self.cost_name = self.paths.cost.label or "the cost"

    # What is of the same form: the same operation at another step, or in another layer

    def form(self, step: Step) -> Any:
        """What a step has in common with those that stand for it at other steps or in layers."""
        if step.label:
            return step.op, numbered(step.label)[0]
        if step.op is None:
            return None, step.number if step.number in self.paths.uses else step.shape
        sources = [self.source(x) for x in step.inputs if isinstance(x, Step)]
        with_parameters = tuple(self.form(x) for x in sources if self.is_parameter(x))
        below = self.paths.down_from(step)
        name = below.label if below is not self.paths.cost else None  # the last step leads there
        return step.op, with_parameters, numbered(name or "")[0]

    def number(self, step: Step) -> int:
        """The number in the step's name, or in that of what it leads to, or is used with."""
        if step.number not in self._numbers:
            self._numbers[step.number] = self._number(step)
        return self._numbers[step.number]

    def _number(self, step: Step) -> int:
        if step.label:
            return numbered(step.label)[1]
        t = self._first_use.get(step.number, step) if step.op is None else step
        below = self.paths.down_from(t).label if t.number in self.paths.uses else None
        near = [i.label for i in t.inputs if isinstance(i, Step) and i.label]
        return max([numbered(label)[1] for label in [below or "", *near]])

    @cached_property
    def recurs(self) -> bool:
        """Whether a parameter is used again and again by the same operation, as at each step."""
        for x in self.paths.down:
            if x.op is None:
                forms = [self.form(t) for t, _ in self.paths.uses[x.number]]
                if len(forms) > len(set(forms)):
                    return True
        return False

    # What there is

    def is_parameter(self, step: Step) -> bool:
        """Whether it is a leaf that a gradient reaches."""
        return step.op is None and step.number in self.paths.uses

    @cached_property
    def arrays(self) -> list[Step]:
        """What a person has at hand: named arrays, leaves, functions and what they are of."""
        ends = {s.number for f in self.functions for s in (f.a, f.z)}
        return [
            s
            for s in self.paths.steps
            if (s.label or s.op is None or s.number in ends)
            and s.value.dtype.kind == "f"
            and s.value.ndim
            and s is not self.paths.cost
            and np.ptp(s.value) > 0  # zeros or ones in a product make another mistake of it
        ]

    @cached_property
    def functions(self) -> list[Function]:
        """The elementwise functions, those nearest the cost first."""
        found = [f for a in self.paths.down if a.op is not None and a.shape for f in self._made(a)]
        named = [f for f in found if not f.single and f.a.label and not self.only_array(f.a)]
        inner = {t.number for f in named for t in f.inside}
        return [f for f in found if not f.single or f.a.number not in inner]

    def _made(self, a: Step) -> Iterator[Function]:
        """The elementwise functions that give a: of several operations, and of its own."""
        if a.number in self._composed:
            z, inside = self._composed[a.number]
            f = Function(self, z, a, inside, 0)
            if a.label or np.ptp(f.slope(self.point)) > 0:  # otherwise it is a factor
                yield f
        single = self.only_array(a)
        if single is not None:
            z, k = single
            if self._elementwise(a, k):
                yield Function(self, z, a, [a], k)

    def only_array(self, a: Step) -> tuple[Step, int] | None:
        """The one array that an operation is a function of, and which argument it is."""
        steps = [(x, k) for k, x in enumerate(a.inputs) if isinstance(x, Step)]
        if len(steps) != 1 or a.op in NO_FUNCTIONS:
            return None
        x, k = steps[0]
        return (x, k) if self.paths.flows(a, k) and x.shape == a.shape else None

    def _elementwise(self, a: Step, k: int) -> bool:
        """Whether the rule of a multiplies what arrives by one number for each entry."""
        g = np.random.default_rng(0).normal(size=a.shape).astype(a.value.dtype)
        alone = self.point.rule(a, k, np.ones(a.shape, a.value.dtype))
        return np.allclose(self.point.rule(a, k, g), g * alone, rtol=1e-4, atol=1e-12)

    @cached_property
    def _composed(self) -> dict[int, tuple[Step, list[Step]]]:
        """Functions of several operations, as 1 / (1 + exp(−z)): z and these, by the number of a.

        They depend on z alone, z goes nowhere else, and nothing of them goes on but a.
        """
        origin: dict[int, Step] = {}  # what each step is an elementwise function of, or itself
        inside: dict[int, dict[int, Step]] = {}
        for t in self.paths.steps:
            of = [x if x.label else origin[x.number] for x in t.inputs if self._varies(x)]
            z = of[0] if of and _entry_by_entry(t) and all(x is of[0] for x in of) else t
            origin[t.number] = z if z.shape == t.shape else t
            if origin[t.number] is not t:
                inside.setdefault(z.number, {})[t.number] = t
        found = {}
        for number, through in inside.items():
            uses = self.paths.uses
            ends = [
                t
                for t in through.values()
                if t.number in uses and any(u.number not in through for u, _ in uses[t.number])
            ]
            whole = all(u.number in through for u, _ in uses.get(number, ()))
            if len(through) > 1 and len(ends) == 1 and whole and number in uses:
                found[ends[0].number] = self.paths.steps[number], list(through.values())
        return found

    @cached_property
    def softmaxes(self) -> dict[int, Softmax]:
        """The softmaxes that are written out, by the step that is their argument."""
        found = {}
        for a in self.paths.down:
            e = a.inputs[0] if a.op is np.divide else None
            if isinstance(e, Step) and e.op is np.exp and e.shape == a.shape:
                z = e.inputs[0]
                if z.op is np.subtract and not z.label and self._largest(z.inputs[1], z.inputs[0]):
                    z = z.inputs[0]
                if self._is_softmax(z, e, a):
                    found[z.number] = Softmax(self, z, a)
        return found

    def _largest(self, x: Any, of: Any) -> bool:
        """Whether x is the maximum of an array along axes, or of all of it."""
        return isinstance(x, Step) and self.source(x).op is np.max and of in self.source(x).inputs

    def _is_softmax(self, z: Step, e: Step, a: Step) -> bool:
        """Whether a is the softmax of z along an axis, and nothing else comes of z."""
        if z.number not in self.paths.uses or z.shape != a.shape:
            return False
        axes = range(a.value.ndim)
        same = any(np.allclose(rules.softmax_(z.value, axis=(k,)), a.value, 1e-4) for k in axes)
        between = [t for t, _ in self.paths.uses[z.number] + self.paths.uses[e.number]]
        return same and all(
            t.op in (np.subtract, np.max, np.exp, np.sum, np.divide) for t in between
        )

    def _varies(self, x: Any) -> bool:
        """Whether an input is an array, and not one number that is constant."""
        return isinstance(x, Step) and (
            x.op is not None or x.value.size != 1 or x.number in self.paths.uses
        )

    def function_of(self, z: Step) -> Function | None:
        """The elementwise function that z is the argument of."""
        return next(iter(self.functions_of.get(z.number, ())), None)

    def function_after(self, step: Step) -> Function | None:
        """The first elementwise function on the one way on from a step, of a name at the latest."""
        while not (f := self.function_of(step)):
            if step.label or not self.paths.only_use(step):
                return None
            step = self.paths.uses[step.number][0][0]
        return f

    @cached_property
    def functions_of(self) -> dict[int, list[Function]]:
        """The elementwise functions by the step that is their argument."""
        found: dict[int, list[Function]] = {}
        for f in self.functions:
            found.setdefault(f.z.number, []).append(f)
        return found

    def mixes(self, t: Step, k: int) -> bool:
        """Whether t is a function of one array that keeps its shape and mixes its entries."""
        if (t.number, k) not in self._mixes:
            one = self.only_array(t) is not None and bool(t.shape)
            self._mixes[t.number, k] = one and not self._elementwise(t, k)
        return self._mixes[t.number, k]

    @cached_property
    def samples(self) -> set[int]:
        """How many are added up: over the samples in the gradients of parameters, or in a mean."""
        found = set()
        for x in self.paths.down:
            for t, k in self.paths.uses[x.number]:
                if t.op in PRODUCTS and self.source(x).op is None:
                    contracted = t.shape[-1] if k == 0 else t.shape[-2]
                    repeated = math.prod(t.shape[:-2]) // max(math.prod(x.shape[:-2]), 1)
                    found |= {contracted, repeated, contracted * repeated}
                elif x.op is None and isinstance(t.op, np.ufunc) and t.op not in PRODUCTS:
                    found.add(math.prod(t.shape) // max(math.prod(x.shape), 1))
                elif t.op is np.mean:
                    found.add(math.prod(x.shape) // max(math.prod(t.shape), 1))
        return {m for m in found if m > 1}

    @cached_property
    def outputs(self) -> list[tuple[Step, Step]]:
        """What the cost compares with labels, and those: a constant first used once it is there."""
        found = []
        first = {number: t.number for number, t in self._first_use.items()}
        for y in self.paths.steps:
            if y.op is not None or y.number in self.paths.uses or not y.shape:
                continue
            before = [
                s
                for s in self.paths.down
                if s.shape == y.shape and s.number < first.get(y.number, 0) and s.op is not None
            ]
            named = [s for s in before if s.label] or [s for s in before if self.only_array(s)]
            if named:
                found.append((named[0], y))
        return found

    def blocks(self, x: Step) -> list[list[Way]]:
        """The ways from x to where they all have joined again: each its uses, from x on.

        Where they part again there, also those to the next such place. Empty where there is one
        way only, or more than a person would write in one line.
        """
        if x.number not in self._blocks:
            found: list[list[Way]] = []
            end: Step | None = x
            while end is not None and not self.paths.only_use(end):
                end = self._joined(end)
                ways = list(itertools.islice(self._ways(x, end), MOST_WAYS + 1)) if end else []
                if not end or len(ways) > MOST_WAYS:
                    break
                found.append(ways)
            self._blocks[x.number] = found
        return self._blocks[x.number]

    @cached_property
    def reduced(self) -> list[Step]:
        """Arrays that a formula may have in front of a sum or inside of it."""
        return [
            s
            for s in self.paths.steps
            if 1 in s.shape
            and s.value.size > 1
            and s.value.dtype.kind == "f"
            and np.all(s.value)
            and s.op is not None
        ]

    def named_gradients(self, shape: tuple[int, ...]) -> list[Step]:
        """The tensors with a name and this shape that a gradient reaches."""
        return [s for s in self.paths.down if s.label and s.shape == shape]

    def rearranged_to(self, x: Step) -> tuple[Step, list[Step]]:
        """What x becomes by transposes and reshapes alone, and what it is on the way."""
        between: list[Step] = []
        top = x
        while self.paths.only_use(top) and self.paths.uses[top.number][0][0].op in (
            np.transpose,
            np.reshape,
        ):
            top = self.paths.uses[top.number][0][0]
            between.append(top)
        return top, between[:-1]

    def onwards(self, x: Step, t: Step | None) -> list[Step]:
        """The operations that use x, and those that use what they give, a few steps on."""
        found: dict[int, Step] = {}
        waiting = [t] if t else [t for t, _ in self.paths.uses[x.number]]
        while waiting and len(found) < MOST_OPERATIONS:
            step = waiting.pop(0)
            if step.shape == x.shape and step.number not in found:
                found[step.number] = step
                waiting += [after for after, _ in self.paths.uses[step.number]]
        return list(found.values())

    def _joined(self, x: Step) -> Step | None:
        """The first step that every gradient passes on its way to x."""
        waiting, steps = [t.number for t, _ in self.paths.uses[x.number]], self.paths.steps
        heapq.heapify(waiting)
        for _ in range(MOST_STEPS):
            if not waiting:
                break
            t = heapq.heappop(waiting)
            while waiting and waiting[0] == t:
                heapq.heappop(waiting)
            if not waiting:
                return steps[t]
            for after, _ in self.paths.uses[t]:
                heapq.heappush(waiting, after.number)
        return None

    def _ways(self, x: Step, end: Step) -> Iterator[Way]:
        for t, k in self.paths.uses[x.number]:
            if t is end:
                yield ((t, k),)
            elif t.number < end.number:
                yield from (((t, k), *rest) for rest in self._ways(t, end))

    def way_text(self, x: Step, way: Way) -> str:
        """What is passed on one way and not on all: `mu and var`."""
        single: list[Way] = [((t, k),) for t, k in self.paths.uses[x.number]]
        block = next((ways for ways in self.blocks(x) if way in ways), single)
        ways = [{t.number for t, _ in w} for w in block]
        common = set.intersection(*ways)
        own = [t for t, _ in way if t.number not in common]
        names = [t.label for t in own if t.label] or [self.name(t) for t in own[-1:]]
        only = [n for n in names if n]
        return " and ".join(only) if only else f"{self.below(way[-1][0])} directly"


def numbered(label: str) -> tuple[str, int]:
    """A name without its number, and the number: `z12` is z, 12."""
    stem = label.rstrip("0123456789")
    return stem, int(label[len(stem) :] or 0)


def _entry_by_entry(t: Step) -> bool:
    """Whether an operation is one that NumPy applies to each entry."""
    return isinstance(t.op, np.ufunc) or t.op in (np.where, np.clip)
