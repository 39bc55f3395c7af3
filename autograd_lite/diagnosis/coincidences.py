"""What right gradients do not show: mistakes that give the same numbers on these numbers only.

A symmetric matrix is its own transpose, a ReLU of positive numbers has slope 1 everywhere, one
sample is its own mean. Each such mistake is made; it counts if it changes nothing here and does
change something at random parameters of the same shapes.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from autograd_lite.diagnosis.claims import Claim
from autograd_lite.diagnosis.layout import Layout
from autograd_lite.diagnosis.mistakes import TABLE, Mistake
from autograd_lite.diagnosis.names import PRODUCTS
from autograd_lite.diagnosis.places import Idea, Place, places_at
from autograd_lite.diagnosis.points import Point, nearby, unless_it_fails
from autograd_lite.diagnosis.tolerances import nearly_equal
from autograd_lite.graph import Step, replay

MOST_NOTES = 3
LONGEST_TAPE = 1000  # steps, on which it is looked for
SIZES, NUMBERS = "Try widths 3, 4, 5 and random numbers.", "Try random numbers."
# What cannot be told apart, by the kind of the mistake and of the place; at which numbers it can.
ALIKE: dict[tuple[str, str], tuple[Callable[[Place, Idea], str], str]] = {
    ("weight-not-transposed", "product"): (
        lambda e, _: f"{e.name}.T from {e.name} in {e.line}",
        SIZES,
    ),
    ("wrong-weight", "product"): (
        lambda e, idea: f"{e.name} from {e.layout.name(idea.of)} in {e.line}",  # type: ignore[arg-type]
        SIZES,
    ),
    ("derivative-dropped", "function"): (
        lambda e, _: f"{e.function.prime} from 1 in {_line(e)}",
        NUMBERS,
    ),
}


def _line(e: Place) -> str:
    """The right line through an elementwise function: `dZ1 = dA1 ∘ relu′(Z1)`."""
    return f"{e.dx} = {e.function.da} ∘ {e.function.prime}"


def coincidences(layout: Layout, claims: Sequence[Claim]) -> list[str]:
    """A line for each of the classic mistakes that these right gradients may have in them."""
    here, asked = layout.point, [claim.step for claim in claims]
    if len(layout.paths.recorded.steps) > LONGEST_TAPE:
        return []
    found = list(_of_sizes(layout))
    zero = [x for x in asked if not here.gradients[x.number].any()]
    unseen: list[Unseen] = []
    with unless_it_fails():
        unseen += _of_values(layout, frozenset(x.number for x in asked))
    for other in _other_points(here) if zero or unseen else ():
        names = [layout.gradient(x) for x in zero if other.gradients[x.number].any()]
        if names:
            found.append(
                f"{', '.join(names)}: zero here, whatever the formula is. Try random numbers."
            )
        with unless_it_fails():
            found += (mistake.note for mistake in unseen if mistake.shows(other))
    return list(dict.fromkeys(found))[:MOST_NOTES]


def _other_points(here: Point) -> Iterator[Point]:
    """A point near this one, and one at normal random numbers, where the tape runs there."""
    yield from nearby(here.paths, 1)
    rng, paths = np.random.default_rng(0), here.paths
    leaves = [x for x in paths.down if x.op is None]
    with unless_it_fails():
        drawn = {x.number: rng.normal(size=x.shape).astype(x.value.dtype) for x in leaves}
        yield Point(paths, replay(paths.recorded, drawn))


class Unseen(NamedTuple):
    """A mistake that changes nothing at a place, as its numbers are: the idea of that number."""

    mistake: Mistake
    place: Place
    number: int
    idea: Idea

    def shows(self, other: Point) -> bool:
        """Whether it changes something at another point."""
        there = replace(self.place, point=other)
        idea = self.mistake.idea(there, self.number)
        return idea is not None and _gives_right(idea, there) is False

    @property
    def note(self) -> str:
        """What is said of it."""
        alike, mend = ALIKE[self.mistake.kind, self.mistake.on]
        return f"These numbers cannot tell {alike(self.place, self.idea)}. {mend}"


def _of_values(layout: Layout, wanted: frozenset[int]) -> Iterator[Unseen]:
    """The mistakes that change nothing at these values."""
    classic = [m for m in TABLE if (m.kind, m.on) in ALIKE]
    for x in layout.paths.down:
        if not layout.paths.reached(x, wanted):
            continue
        for place in places_at(layout, layout.point, x, None):
            if not place.right.any():
                continue
            for mistake in (m for m in classic if m.on == place.on):
                for number, idea in enumerate(mistake.ideas(place)):
                    if _gives_right(idea, place):
                        yield Unseen(mistake, place, number, idea)


def _gives_right(idea: Idea, place: Place) -> bool | None:
    """Whether a mistake gives what is right; None where that cannot be told."""
    array = idea.array
    if array is None or not (np.isfinite(array).all() and np.isfinite(place.right).all()):
        return None
    return nearly_equal(array, place.right)


def _of_sizes(layout: Layout) -> Iterator[str]:
    """Sizes that say nothing: of a weight, or of the samples over which the cost is a mean."""
    products = list(_products_with_parameters(layout))
    summed = {t.shape[-1] if k == 0 else t.shape[-2] for t, k in products}
    for x in dict.fromkeys(layout.source(t.inputs[k]) for t, k in products):
        if x.shape == (1, 1):
            yield f"{layout.name(x)} is 1 × 1: it shows no transpose and no order. {SIZES}"
    for m in filter(None, dict.fromkeys(map(_averaged, layout.paths.down))):
        if m == 1 and summed == {1}:
            yield "There is one sample: neither 1/m nor a sum over samples shows. Try 7."
        elif m > 1:
            yield from _of_samples(layout, m, [t for t, _ in products])


def _products_with_parameters(layout: Layout) -> Iterator[tuple[Step, int]]:
    """The products in which a parameter is a factor, each with which factor it is."""
    for x in layout.paths.down:
        for t, k in layout.paths.uses[x.number]:
            if t.op in PRODUCTS and layout.is_parameter(layout.source(x)):
                yield t, k


def _of_samples(layout: Layout, m: int, products: list[Step]) -> Iterator[str]:
    """A number of samples that is another size of the same array, too."""
    arrays = [x for x in layout.paths.down if x.op is None] + products
    if any(x.shape.count(m) > 1 for x in arrays):
        sizes = {n for x in arrays for n in x.shape}
        other = next(n for n in itertools.count(m + 1) if n not in sizes)
        yield (
            f"The mean is over {m}, and {m} is a width too: a division by the wrong one does not "
            f"show. Try {other} samples."
        )


def _averaged(t: Step) -> int | None:
    """Over how many t, the cost or a step on the way there, takes a mean; None if over none."""
    if t.op is np.mean and not t.shape:
        (x,) = t.inputs
        return math.prod(x.shape)
    return t.static.get("m")
