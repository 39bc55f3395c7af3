"""What stands on a tape, as far as a mistake needs to know: names, products, elementwise functions,
parameters, the number of samples, the output and its labels. All of it is read off the operations
or measured on their rules; nothing knows of layers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np

from autograd_lite import rules
from autograd_lite.diagnosis.points import Array, Paths, Point
from autograd_lite.graph import Step

VIEWS = (np.transpose, np.reshape, np.broadcast_to, rules.astype, rules.identity)
PRODUCTS = (np.dot, np.matmul)
ARITHMETIC = (np.add, np.subtract, np.multiply, np.divide, np.negative)


class Function:
    """An elementwise function a = f(z) on the tape: one operation, or several without a name.

    name: `tanh`. formula: its derivative as a person writes it. like: the known function whose
    derivative it has. of_value: that derivative from a value in a's place, where it is made so.
    """

    def __init__(self, layout: Layout, z: Step, a: Step, inside: list[Step], k: int) -> None:
        self.z, self.a, self.inside, self.k = z, a, inside, k
        self.op = a.op if len(inside) == 1 else None
        self.paths = layout.paths
        self.single = len(inside) == 1
        point = layout.point
        zs, s, v = layout.name(z), self.slope(point), point.values
        known: list[tuple[str, Array, str, Callable[[Array], Array] | None]] = [
            ("identity", np.ones_like(s), "1", None),
            ("sigmoid", (y := v[a.number]) * (1 - y), "{a}∘(1 − {a})", lambda y: y * (1 - y)),
            ("tanh", 1 - y * y, "1 − {a}∘{a}", lambda y: 1 - y * y),
            ("relu", (x := v[z.number]) > 0, "[{z} > 0]", None),
            ("softplus", rules.sigmoid(x), "σ({z})", None),
            ("exp", y, "{a}", lambda y: y),
            ("square", 2 * x, "2 {z}", None),
            ("sin", np.cos(x), "cos {z}", None),
        ]
        self.like: str | None = None
        self.of_value: Callable[[Array], Array] | None = None
        formula = None
        for like, slope, text, of_value in known:
            if np.allclose(s, slope, rtol=1e-4, atol=1e-6):
                self.like, formula, self.of_value = like, text, of_value
                break
        self.name = a.name if self.single else self.like or "f"
        self.formula = (formula or f"{self.name}′({{z}})").format(a=layout.name(a), z=zs)
        self.text = f"{self.name} at {zs}"

    def slope(self, point: Point, z: Array | None = None) -> Array:
        """f′ at its own z, or at another array of a shape that fits."""
        key = ("slope", self.a.number)
        if z is None and key in point.kept:
            return point.kept[key]
        if self.single:
            at = point.values[self.z.number] if z is None else z
            inputs = point.arguments(self.a)
            inputs[self.k] = at
            y = point.values[self.a.number] if z is None else self.a.op(*inputs, **self.a.static)  # type: ignore[misc]
            s = point.rule(self.a, self.k, np.ones(np.shape(y), self.a.value.dtype), y, inputs)
        else:
            values = list(point.values)
            if z is not None:
                values[self.z.number] = np.broadcast_to(z, self.z.shape)
                for t in self.inside:
                    values[t.number] = t.run(values)
            other = Point.__new__(Point)
            other.paths, other.values, other.kept = self.paths, values, {}
            ones = np.ones(self.a.shape, self.a.value.dtype)
            ((_, s),) = list(other.pull(self.a, ones, frozenset({self.z.number})))
        if z is None:
            point.kept[key] = s
        return s


class Layout:
    """What mistakes can be made with: see the module. `point` is the recorded one."""

    def __init__(self, point: Point) -> None:
        self.point = point
        self.paths: Paths = point.paths
        self._mixes: dict[tuple[int, int], bool] = {}
        self.empty: list[tuple[int, tuple[int, ...]]] = []  # rows handed in as zero: length, which
        self.alone: dict[int, set[int]] = {}  # by length: rows that are wrong and no others
        self.cost_name = self.paths.cost.label or "the cost"

    # Names

    def name(self, step: Step) -> str:
        """The tensor's name, of what it is a view of, or a description."""
        source = self.source(step)
        if source.label:
            return source.label
        if source.op is None:
            return f"the leaf {source.shape}"
        below = self.down(source)
        if below is not source and below.label:
            return f"the {source.name} in {below.label}"
        return f"the {source.name} {source.shape}"

    def source(self, step: Step) -> Step:
        """What a transpose, reshape or cast without a name is taken of."""
        while not step.label and step.op in VIEWS and isinstance(step.inputs[0], Step):
            step = step.inputs[0]
        return step

    def down(self, step: Step) -> Step:
        """The next tensor with a name, as long as there is only one way on."""
        return self.paths.down_from(step)

    def below(self, step: Step) -> str:
        return self.down(step).label or f"({step.name})"

    # What there is

    def is_parameter(self, step: Step) -> bool:
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
        found = []
        for a in self.paths.down:
            if a.op is None or not a.shape:
                continue
            single = self._single(a)
            if single is not None:
                z, k = single
                if self._elementwise(a, k):
                    found.append(Function(self, z, a, [a], k))
            elif a.label:
                several = self._several(a)
                if several is not None:
                    found.append(Function(self, several[0], a, several[1], 0))
        inner = {t.number for f in found if not f.single for t in f.inside}
        return [f for f in found if not f.single or f.a.number not in inner]

    def _single(self, a: Step) -> tuple[Step, int] | None:
        """The one array that an operation is a function of, and which argument it is."""
        steps = [(x, k) for k, x in enumerate(a.inputs) if isinstance(x, Step)]
        if len(steps) != 1 or a.op in (*VIEWS, *ARITHMETIC):
            return None
        x, k = steps[0]
        return (x, k) if self.paths.flows(a, k) and x.shape == a.shape else None

    def _elementwise(self, a: Step, k: int) -> bool:
        g = np.random.default_rng(0).normal(size=a.shape).astype(a.value.dtype)
        alone = self.point.rule(a, k, np.ones(a.shape, a.value.dtype))
        return np.allclose(self.point.rule(a, k, g), g * alone, rtol=1e-4, atol=1e-12)

    def _several(self, a: Step) -> tuple[Step, list[Step]] | None:
        """z and the operations between, where a is an elementwise function of one named tensor."""
        inside, stack, ends = {a.number: a}, [a], {}
        while stack:
            for x in stack.pop().inputs:
                if not isinstance(x, Step) or x.number in inside:
                    continue
                if x.label or x.op is None:
                    ends[x.number] = x
                elif x.shape == a.shape and (
                    isinstance(x.op, np.ufunc) or x.op in (np.where, np.clip)
                ):
                    inside[x.number] = x
                    stack.append(x)
                else:
                    return None
        if len(ends) != 1:
            return None
        (z,) = ends.values()
        if z.shape != a.shape or z.number not in self.paths.uses:
            return None
        if any(t.number not in inside for t, _ in self.paths.uses[z.number]):
            return None
        if not isinstance(a.op, np.ufunc) and a.op not in (np.where, np.clip):
            return None
        return z, sorted(inside.values(), key=lambda t: t.number)

    def function_of(self, z: Step) -> Function | None:
        return next((f for f in self.functions if f.z is z), None)

    def mixes(self, t: Step, k: int) -> bool:
        """Whether t is a function of one array that keeps its shape and mixes its entries."""
        if (t.number, k) not in self._mixes:
            mixes = self._single(t) is not None and bool(t.shape) and not self._elementwise(t, k)
            self._mixes[t.number, k] = mixes
        return self._mixes[t.number, k]

    @cached_property
    def samples(self) -> set[int]:
        """How many are added up: over the samples in the gradients of parameters, or in a mean."""
        found = set()
        for x in self.paths.down:
            for t, k in self.paths.uses[x.number]:
                times = math.prod(t.shape) // max(math.prod(x.shape), 1)
                if t.op in PRODUCTS and self.source(x).op is None:
                    contracted = t.shape[-1] if k == 0 else t.shape[-2]
                    repeated = math.prod(t.shape[:-2]) // max(math.prod(x.shape[:-2]), 1)
                    found |= {contracted, repeated, contracted * repeated}
                elif x.op is None and isinstance(t.op, np.ufunc) and t.op not in PRODUCTS:
                    found.add(times)
                elif t.op is np.mean:
                    found.add(math.prod(x.shape) // max(math.prod(t.shape), 1))
        return {m for m in found if m > 1}

    @cached_property
    def outputs(self) -> list[tuple[Step, Step]]:
        """What the cost compares with labels, and those: a constant first used once it is there."""
        found = []
        first: dict[int, int] = {}
        for t in reversed(self.paths.steps):
            for x in t.inputs:
                if isinstance(x, Step):
                    first[x.number] = t.number
        for y in self.paths.steps:
            if y.op is not None or y.number in self.paths.uses or not y.shape:
                continue
            before = [
                s
                for s in self.paths.down
                if s.shape == y.shape and s.number < first.get(y.number, 0) and s.op is not None
            ]
            named = [s for s in before if s.label] or [s for s in before if self._single(s)]
            if named:
                found.append((named[0], y))
        return found

    @cached_property
    def _shared(self) -> frozenset[int]:
        """The leaves that are used more than once, as weights are in every step of a recurrence."""
        uses = self.paths.uses
        return frozenset(s.number for s in self.paths.down if not s.op and len(uses[s.number]) > 1)

    # Small questions

    def leads_to_shared(self, x: Step) -> bool:
        return x.number in self.paths.leading(self._shared)

    def proportional(self, a: Array, b: Array) -> bool:
        size = float(np.sum(b * b))
        if a.size < 2 or not size or not np.any(a):
            return False
        return bool(np.allclose(a, float(np.sum(a * b)) / size * b, rtol=1e-4, atol=1e-12))

    def undone(self, e: Any) -> list[int]:
        """The axes of what arrives that are summed to reach x's shape."""
        extra = e.g.ndim - len(e.x.shape)
        return [
            k
            for k, n in enumerate(e.g.shape)
            if k < extra or (e.x.shape[k - extra] == 1 and n != 1)
        ]

    def sum_text(self, e: Any) -> str:
        axes = self.undone(e)
        return f"{e.dt}.sum(axis={axes[0] if len(axes) == 1 else tuple(axes)}, keepdims=True)"

    # Where mistakes can be made

    def places(self, x: Step, on: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
        """The places at the gradient of x: what kind of place, and `on(...)` of its parts."""
        uses = self.paths.uses[x.number]
        if x.label or x.op is None:
            yield "whole", on(x)
        for f in self.functions:
            if f.z is x:
                yield "function", on(x, f.a, f.k, f)
        for t, k in uses:
            if t.op in PRODUCTS:
                yield "product", on(x, t, k)
            elif t.op is np.multiply and isinstance(t.inputs[1 - k], Step):
                yield "hadamard", on(x, t, k)
            elif self.mixes(t, k):
                yield "mixing", on(x, t, k)
            stretched = t.op is np.broadcast_to or isinstance(t.op, np.ufunc)
            if x.shape != t.shape and stretched and t.op not in PRODUCTS:
                yield "sum", on(x, t, k)
        through = {t.number: t for t, _ in uses}
        if len(through) > 1:
            for t in through.values():
                yield "use", on(x, t, None)
        elif len(uses) > 1:
            for t, k in uses:
                yield "use", on(x, t, k)
        for a, y in self.outputs:
            function = next((f for f in self.functions if f.a is a), None)
            single = self._single(a)
            past = function.z if function else single[0] if single else None
            if x is a:
                readings = [None] if past is not None else [None, "sigmoid", "softmax"]
                for reading in readings:
                    yield "loss", on(x, output=a, labels=y, reading=reading)
            elif x is past:
                yield "loss", on(x, function=function, output=a, labels=y)
