"""Where a mistake can be made, and what it has at hand there to make it with."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any, NamedTuple

import numpy as np

from autograd_lite import rules
from autograd_lite.diagnosis.layout import Function, Layout, Way
from autograd_lite.diagnosis.names import ARRIVING, PRODUCTS, gradient_of
from autograd_lite.diagnosis.points import Array, Point
from autograd_lite.graph import Step
from autograd_lite.walk import undo_broadcast

NEARBY = 40
MOST_COMPONENTS = 10**7  # of a product that a mistake makes


class Idea(NamedTuple):
    """One wrong array that a mistake gives.

    make: the array, or a function that gives it, called before the next idea is asked for; None
    where it cannot be formed. advice: what to do about it. kind: where the mistake is called
    otherwise than its entry in the table says. of: the array that is taken by mistake. where: the
    quantity whose formula is wrong, if it is not that of the place.
    """

    make: Array | Callable[..., Array | None] | None
    advice: str
    kind: str | None = None
    of: Step | None = None
    where: str | None = None

    @property
    def array(self) -> Array | None:
        """The array."""
        return self.make() if callable(self.make) else self.make


class Reduction(NamedTuple):
    """A sum of `inner` over axes, multiplied by `factor` entry by entry; it is the gradient of
    `to`, or a part of that.
    """

    inner: Array
    axes: tuple[int, ...]
    factor: Array
    to: Step

    @property
    def factor_shape(self) -> tuple[int, ...]:
        """The shape of the sum, with the axes kept."""
        return tuple(1 if i in self.axes else n for i, n in enumerate(self.inner.shape))


@dataclass
class Place:
    """Where a mistake can be made: the gradient of x, as far as it comes through argument k of t.

    on: the kind of place, as in an entry of the table. x, t: steps (t is None for the gradient as
    a whole; k is None for all arguments that are x). function: what is known of an elementwise
    function. output, labels: what the cost compares, read as `reading` says. given: the array
    handed in for x, if one was.
    """

    on: str
    layout: Layout
    point: Point
    x: Step
    t: Any = None
    k: Any = 0
    way: Way = ()
    function: Any = None
    output: Step | None = None
    labels: Step | None = None
    reading: str | None = None
    given: Array | None = None

    @property
    def part(self) -> Any:
        """Which contribution to the gradient of x is replaced."""
        if self.way:
            return "way", tuple((t.number, k) for t, k in self.way)
        if self.t is None or self.layout.paths.only_use(self.x):
            return "all"
        if self.function is not None and not self.function.single:
            return "all"
        return (self.t.number, self.k)

    @property
    def g(self) -> Array:
        """What arrives at t; for a gradient as a whole, that gradient."""
        return self.point.gradients[(self.t or self.x).number]

    @property
    def right(self) -> Array:
        """The right contribution."""
        return contribution(self.point, self.x, self.part)

    @property
    def others(self) -> Array:
        """What comes to x otherwise than through this part."""
        return self.point.gradients[self.x.number] - self.right

    @property
    def leaf(self) -> bool:
        """Whether x is a leaf, so that nothing follows from its gradient."""
        return self.x.op is None

    def value(self, step: Step) -> Array:
        """The value of a step at this point."""
        return self.point.values[step.number]

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
    def called(self) -> str:
        """The name of the function that gives t."""
        return str((self.function or self.t).name)

    @property
    def mixed(self) -> str:
        """What t is called, the result of a function that mixes entries."""
        return self.function.a_name if self.function else self.layout.name(self.t)

    def pulled(self, g: Array) -> Array:
        """What comes to x if g arrives at t."""
        if self.function is not None:
            return self.function.pulled(self.point, g)
        return self.point.contribution(self.t, self.k, g)

    @property
    def in_a_layer(self) -> bool:
        """Whether what stands for the labels is what arrives at the output of a layer."""
        return self.labels is not None and self.labels.tensor.name == ARRIVING

    def key(self, array: Step) -> Any:
        """What an array at hand has in common with the one that is as far on at other steps."""
        layout, number = self.layout, self.layout.number(array)
        return layout.form(array), number and number - layout.number(self.t or self.x)

    @property
    def form(self) -> Any:
        """What places of the same form have in common: the operation, and the names but for
        their numbers."""
        layout = self.layout
        t = layout.form(self.t) if self.t else None
        way = tuple(layout.form(t) for t, _ in self.way)
        return self.on, layout.form(self.x), t, self.k, way, self.reading

    # In words

    @property
    def where(self) -> str:
        """The name of x."""
        return self.layout.name(self.x)

    @property
    def dx(self) -> str:
        """The gradient of x."""
        return gradient_of(self.where)

    @property
    def dt(self) -> str:
        """What arrives."""
        if self.on == "mixing" and self.function is not None:
            return self.function.da
        return self.layout.gradient(self.t) if self.t else self.dx

    @property
    def formula(self) -> str:
        """The rule of a product or a sum, as a person writes it: `dZ2 @ A1.T`."""
        if self.on == "product":
            return f"{self.dt} @ {self.name}.T" if self.k == 0 else f"{self.name}.T @ {self.dt}"
        if self.on == "hadamard":
            return f"{self.dt} ∘ {self.name}"
        axes = self.summed
        return f"{self.dt}.sum(axis={axes[0] if len(axes) == 1 else tuple(axes)}, keepdims=True)"

    @property
    def what(self) -> str:
        """What is replaced: the gradient, or what comes through one use or on one way."""
        if self.way:
            return f"the part of {self.dx} through {self.layout.way_text(self.x, self.way)}"
        if self.on == "use":
            return f"the part of {self.dx} through {self.layout.below(self.t)}"
        return self.dx

    @property
    def line(self) -> str:
        """The right line: `dW2 = dZ2 @ A1.T`."""
        return f"{self.dx} = {self.formula}"

    # What may have been taken by mistake

    @property
    def arrays(self) -> list[Step]:
        """The arrays at hand, of many those nearby: of a recurrence, of this step and the next."""
        found = self.layout.arrays
        if self.layout.recurs:
            here = self.layout.number(self.t or self.x)
            of = [(s, self.layout.number(s)) for s in found]
            found = [s for s, n in of if abs(n - here) <= 1 or not n or not here]
        return self._nearest(found, lambda step: step.number)

    @property
    def functions(self) -> list[Function]:
        """The elementwise functions, on a long tape those nearby."""
        return self._nearest(self.layout.functions, lambda f: f.a.number)

    def _nearest(self, candidates: list[Any], number: Callable[[Any], int]) -> list[Any]:
        if len(candidates) <= NEARBY:
            return candidates
        here = (self.t or self.x).number
        return sorted(candidates, key=lambda c: abs(number(c) - here))[:NEARBY]

    @property
    def operands(self) -> list[Step]:
        """What the gradient of x is multiplied by or divided by, entry by entry, on its way."""
        found: dict[int, Step] = {}
        for t in self._on_the_way:
            if isinstance(t.op, np.ufunc) and t.op not in PRODUCTS:
                found |= {s.number: s for s in (*t.inputs, t) if isinstance(s, Step)}
        return [s for s in found.values() if self.fits(s)]

    @property
    def _on_the_way(self) -> list[Step]:
        return [t for t, _ in self.way] or self.layout.onwards(self.x, self.t)

    def divides(self, u: Step) -> bool:
        """Whether the gradient of x is divided by u, rather than multiplied."""
        return any(
            (t.op is np.divide and t.inputs[1] is u) or (t.op is np.sqrt and t is u)
            for t in self._on_the_way
        )

    def fits(self, array: Step) -> bool:
        """Whether an array can be multiplied into the gradient of x entry by entry."""
        v = array.value
        return v.dtype.kind == "f" and v.size > 1 and broadcast(v, self.x.shape) is not None

    @property
    def ways(self) -> list[Way]:
        """The ways on from x that are places of their own, and on which something arrives."""
        uses = self.layout.paths.uses[self.x.number]
        single = [((t, k),) for t, k in uses] if len(uses) > 1 else []
        ways = [way for block in self.layout.blocks(self.x)[-1:] for way in block] or single
        some = [dataclasses.replace(self, way=way) for way in ways]
        return [p.way for p in some if np.any(contribution(self.point, self.x, p.part))]

    @property
    def ones_through(self) -> Array:
        """What arrives at x if ones arrive at t."""
        return self.point.contribution(self.t, self.k, np.ones_like(self.g))

    def instead_of(
        self, u: Step, shape: tuple[int, ...] | None = None
    ) -> Iterator[tuple[str, Array, Step | None]]:
        """What may stand for u: another array at hand, or its own sum or difference written
        wrongly. Each with its text, its value, and the array it is."""
        layout, shape = self.layout, shape or self.x.shape
        for array in self.arrays:
            v, step = self.value(array), layout.number(array) == layout.number(self.t or self.x)
            if array is u or v.size < 2 or broadcast(v, shape) is None:
                continue
            if step or not layout.recurs or layout.form(array) == layout.form(u):
                yield layout.name(array), v, array
        if u.op in (np.add, np.subtract):
            yield from self._sums_instead_of(u)

    def _sums_instead_of(self, u: Step) -> Iterator[tuple[str, Array, Step | None]]:
        """What may stand for a sum or difference: the other one, a term alone, another term."""
        layout, (a, b), plus = self.layout, u.inputs, u.op is np.add
        x, y = (self.value(i) if isinstance(i, Step) else i for i in (a, b))
        s, t = (layout.name(i) if isinstance(i, Step) else f"{i:g}" for i in (a, b))
        yield f"{s} {'−' if plus else '+'} {t}", x - y if plus else x + y, None
        for text, v in ((s, x), (t, y), (f"−{t}", -y)):
            if np.size(v) > 1:
                yield text, v, None
        for array in self.arrays:
            w = self.value(array)
            if w.shape == u.shape and array not in (a, b):
                name, sign = layout.name(array), "+" if plus else "−"
                yield f"{name} {sign} {t}", w + y if plus else w - y, array
                yield f"{s} {sign} {name}", x + w if plus else x - w, array

    @property
    def reduction(self) -> Reduction | None:
        """The one sum on the way to x, if what follows it is multiplied in entry by entry."""
        key = ("reduction", self.x.number, self.part, self.t.number)
        if key not in self.point.kept:
            self.point.kept[key] = self._reduction()
        return self.point.kept[key]

    def _reduction(self) -> Reduction | None:
        way = self.way or ((self.t, self.k),)
        g, found = self.point.gradients[way[-1][0].number], None
        after: list[tuple[Step, int]] = []
        for t, k in reversed(way):
            raw, to = self.point.rule(t, k, g), t.inputs[k]
            g = undo_broadcast(raw, to.value, t.tensor, k)
            if raw.shape != to.shape:
                if found or raw.ndim != g.ndim:
                    return None
                found, after = (raw, to), []
            elif found:
                after.append((t, k))
        if found is None:
            return None
        factor: Array = np.ones(found[1].shape, found[0].dtype)
        for t, k in after:
            factor = self.point.contribution(t, k, factor)
        axes = tuple(i for i, n in enumerate(found[0].shape) if n != found[1].shape[i])
        whole = hadamard(found[0].sum(axis=axes, keepdims=True), factor)
        same = whole is not None and whole.shape == g.shape and np.allclose(whole, g, rtol=1e-6)
        return Reduction(found[0], axes, factor, found[1]) if same else None

    # A product: the other operand, and the rule with whatever stands in for g and the operand

    @property
    def other(self) -> Step:
        """The other operand."""
        return self.t.inputs[1 - self.k]

    @property
    def o(self) -> Array:
        """The value of the other operand."""
        return self.value(self.other)

    @property
    def name(self) -> str:
        """The name of the other operand."""
        return self.layout.name(self.other)

    def times(self, g: Array, o: Array, turned: bool = True) -> Array | None:
        """g @ oᵀ or oᵀ @ g, whichever is the rule here; without the transpose if not `turned`."""
        if o.ndim < 2 or g.ndim < 2:
            return None
        o = o.mT if turned else o
        return matrix_product(g, o) if self.k == 0 else matrix_product(o, g)

    # A sum that undoes broadcasting

    @property
    def summed(self) -> list[int]:
        """The axes of what arrives that are summed to reach x's shape."""
        extra = self.g.ndim - len(self.x.shape)
        return [
            k
            for k, n in enumerate(self.g.shape)
            if k < extra or (self.x.shape[k - extra] == 1 and n != 1)
        ]

    def fitted(self, array: Array) -> Array:
        """The array with broadcasting undone, where that gives the shape of x."""
        if array.shape != self.x.shape and self.t is not None:
            try:
                return undo_broadcast(array, self.x.value, self.t.tensor, self.k)
            except ValueError:
                return array
        return array


def places_at(
    layout: Layout, point: Point, x: Step, given: Array | None, repeated: bool = False
) -> Iterator[Place]:
    """The places where a mistake in the gradient of x can be made; given: what was handed in.

    repeated: also those that are of interest only as one of several of the same form.
    """
    at = partial(Place, layout=layout, point=point, x=x, given=given)
    uses = layout.paths.uses[x.number]
    if x.label or x.op is None:
        yield at("whole")
    for f in layout.functions_of.get(x.number, ()):
        yield at("function", t=f.a, k=f.k, function=f)
    if x.number in layout.softmaxes:
        softmax = layout.softmaxes[x.number]
        yield at("mixing", t=softmax.a, function=softmax)
    for t, k in uses:
        for on in _ways_of_use(layout, x, t, k):
            yield at(on, t=t, k=k)
    yield from _uses_as_places(at, uses, repeated)
    yield from _ways_as_places(at, layout, x)
    for a, y in layout.outputs:
        for function, reading in _starts_of_the_pass(layout, x, a):
            yield at("loss", function=function, output=a, labels=y, reading=reading)


def _uses_as_places(
    at: Callable[..., Place], uses: list[tuple[Step, int]], repeated: bool
) -> Iterator[Place]:
    """Each of several uses; of one operation that uses x twice, both at once."""
    times = Counter(t.number for t, _ in uses)
    through = {t.number: (t, k) for t, k in uses}
    if len(through) > 1:
        for t, k in through.values():
            yield at("use", t=t, k=k if times[t.number] == 1 else None)
    elif len(uses) > 1 or repeated:
        yield from (at("use", t=t, k=k) for t, k in uses)


def _ways_as_places(at: Callable[..., Place], layout: Layout, x: Step) -> Iterator[Place]:
    """Each of several ways on from x that a person may write as terms of one line."""
    for ways in layout.blocks(x):
        if any(len(way) > 1 for way in ways) and not _leaves_step(layout, x, ways):
            places = (at("way", t=way[-1][0], k=way[-1][1], way=way) for way in ways)
            yield from (place for place in places if np.any(place.right))


def _leaves_step(layout: Layout, x: Step, ways: list[Way]) -> bool:
    """Whether ways lead on to other steps of a recurrence, which no one line does."""
    return layout.recurs and any(
        layout.number(t) != layout.number(x) for way in ways for t, _ in way
    )


def _ways_of_use(layout: Layout, x: Step, t: Step, k: int) -> Iterator[str]:
    """The kinds of place that argument k of t is."""
    if t.op in PRODUCTS:
        yield "product"
        return
    if t.op is np.multiply and isinstance(t.inputs[1 - k], Step):
        yield "hadamard"
    elif layout.mixes(t, k):
        yield "mixing"
    if x.shape != t.shape and (t.op is np.broadcast_to or isinstance(t.op, np.ufunc)):
        yield "sum"
    if t.op in (np.max, np.min, np.where) and x.shape != ():
        yield "choice"
    if t.name in ("getitem", "windows"):
        yield "index"
    if t.op in (np.transpose, np.reshape):
        yield "order"


def _starts_of_the_pass(
    layout: Layout, x: Step, a: Step
) -> Iterator[tuple[Function | None, str | None]]:
    """How a person begins at x, where the cost compares a: the function passed, and a's reading."""
    if x is a:
        yield None, None
        made = layout.only_array(a) or any(f.a is a for f in layout.functions)
        if not made:  # a may be logits
            yield None, "sigmoid"
            yield None, "softmax"
        return
    function = next((f for f in layout.functions_of.get(x.number, ()) if f.a is a), None)
    if function or (x in a.inputs and layout.only_array(a)):
        yield function, None


def keyed(ideas: Iterator[Idea], place: Place) -> Iterator[tuple[Any, Idea]]:
    """The ideas, each with what it has in common with the same idea at places of the same form."""
    seen: Counter[Any] = Counter()
    for idea in ideas:
        of = None if idea.of is None else place.key(idea.of)
        seen[of] += 1
        yield (of, seen[of]), idea


def contribution(point: Point, x: Step, part: Any) -> Array:
    """The right contribution to the gradient of x: all of it, that of one use, or (None) zero."""
    if part is None:
        return np.zeros_like(point.gradients[x.number])
    if part == "all":
        return point.gradients[x.number]
    if part[0] == "way":
        key = (x.number, part)
        if key not in point.kept:
            edges = [(point.paths.steps[number], k) for number, k in reversed(part[1])]
            g = point.gradients[edges[0][0].number]
            for t, k in edges:
                g = point.contribution(t, k, g)
            point.kept[key] = g
        return point.kept[key]
    key = (x.number, part)  # one operation may use both x and another that is used elsewhere
    if key not in point.kept:
        number, k = part
        t = point.paths.steps[number]
        arguments = [k] if k is not None else [i for i, a in enumerate(t.inputs) if a is x]
        parts = [point.contribution(t, i, point.gradients[number]) for i in arguments]
        point.kept[key] = sum(parts[1:], start=parts[0])
    return point.kept[key]


def matrix_product(a: Array, b: Array) -> Array | None:
    """a @ b, where the shapes conform; not for each pair of very many samples."""
    if a.shape[-1] != b.shape[-2] or prod(a.shape[:-1]) * b.shape[-1] > MOST_COMPONENTS:
        return None
    try:
        return a @ b
    except ValueError:  # stacks that do not fit
        return None


def hadamard(a: Array, b: Array) -> Array | None:
    """a ∘ b, where the shapes fit."""
    try:
        return a * b
    except ValueError:
        return None


def broadcast(a: Array, shape: tuple[int, ...]) -> Array | None:
    """a stretched to the shape, where it can be."""
    if a.shape == shape:
        return a
    try:
        return np.broadcast_to(a, shape)
    except ValueError:
        return None


def proportional(a: Array, b: Array) -> bool:
    """Whether a is a multiple of b, and not zero."""
    size = float(np.sum(b * b))
    if a.size < 2 or not size or not np.any(a):
        return False
    return bool(np.allclose(a, float(np.sum(a * b)) / size * b, rtol=1e-4, atol=1e-12))
