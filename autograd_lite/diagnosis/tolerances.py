"""How far apart two right computations of the same gradient may be."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from autograd_lite.diagnosis.points import Array, Point, RoundedPoint, unless_it_fails
from autograd_lite.graph import Step


def max_norm(array: Array) -> float:
    """The largest absolute value; 0 for an empty array."""
    return max(float(array.max()), -float(array.min())) if array.size else 0.0


def nearly_equal(array: Array, right: Array) -> bool:
    """Whether two arrays have the same shape, and nearly the same numbers."""
    return array.shape == right.shape and max_norm(array - right) <= 1e-5 * max_norm(right)


def close(given: Array, predicted: Array, tolerance: float) -> bool:
    """Whether two arrays have the same shape, and no entry differs by more than the tolerance."""
    return given.shape == predicted.shape and bool(max_norm(given - predicted) <= tolerance)


def relative_error(given: Array, right: Array) -> float:
    """The largest deviation, relative to the largest number of the right array."""
    return max_norm(given - right) / (max_norm(right) or 1.0)


def rounding_of_copies(array: Array) -> float:
    """A relative deviation so small that it comes from no formula, but from digits left out."""
    return 1e-4 if array.dtype.itemsize >= 8 else 1e-3


# Of the largest number: two gradients that are further apart are not one that is rounded.
MOST_ROUNDED = 0.01


class Tolerances:
    """By how much two right computations of a gradient may differ.

    Every operation is rounded once more, at random, and the backward pass run again: the deviation
    is what rounding gives on this tape. n numbers added up in another order deviate √n times as
    much, n the longest axis; `32 + 4√n` times that is allowed, and never more than a hundredth:
    at a kink, rounding alone turns a slope around.
    """

    def __init__(self, point: Point) -> None:
        rng = np.random.default_rng(0)
        longest = max((n for s in point.paths.steps for n in s.shape), default=1)
        self.allowance = 32 + 4 * math.sqrt(longest)
        self.point = point
        self.rounded: list[Point] = []
        for _ in range(3):
            with unless_it_fails():
                self.rounded.append(RoundedPoint(point, rng))
        self._known: dict[tuple[int, bool], tuple[float, float, float]] = {}
        self._sizes: dict[bool, float] = {}
        self.coarse = False  # whether what was handed in may be copied or computed less finely

    def __call__(self, step: Step, predicted: Array, given: Array, forward: bool = False) -> float:
        """How far `given` may be from `predicted`, as the gradient (or value) of the step."""
        fine = self.fine(step, predicted, given, forward)
        return (
            max(rounding_of_copies(predicted) * max_norm(predicted), fine) if self.coarse else fine
        )

    def fine(self, step: Step, predicted: Array, given: Array, forward: bool = False) -> float:
        """The same, where nothing was copied by hand."""
        relative, floor, most = self._of(step.number, forward)
        if predicted.dtype.kind == given.dtype.kind == "f":
            coarser = float(np.finfo(given.dtype).eps / np.finfo(predicted.dtype).eps)
            relative, floor = relative * max(1.0, coarser), floor * max(1.0, coarser)
        size = max_norm(predicted)
        return max(min(max(relative * size, floor), max(MOST_ROUNDED * size, most)), 1e-300)

    def drowned(self, step: Step) -> float | None:
        """By how much rounding alone changes the gradient of a step, where that is too much."""
        relative, floor, most = self._of(step.number, False)
        size = max_norm(self.point.gradients[step.number])
        allowed = max(relative * size, floor)
        return allowed / self.allowance if allowed > max(MOST_ROUNDED * size, most) else None

    @contextmanager
    def coarsely(self) -> Iterator[None]:
        """For arrays that were copied by hand, differenced, or computed in another precision."""
        self.coarse = True
        try:
            yield
        finally:
            self.coarse = False

    def _of(self, number: int, forward: bool) -> tuple[float, float, float]:
        """Relative to the largest number; absolute, for what is nothing but rounding; and what
        rounding cannot exceed on this tape, at numbers as large as there are.
        """
        key = (number, forward)
        if key not in self._known:
            kept = "values" if forward else "gradients"
            right = getattr(self.point, kept)[number]
            off = [max_norm(getattr(other, kept)[number] - right) for other in self.rounded]
            noise = max(off, default=0.0)
            scale, eps = max_norm(right), float(np.finfo(right.dtype).eps)
            relative, floor = eps, self.allowance * noise
            if scale > 8 * noise:
                relative, floor = max(noise / scale, eps), 8 * eps * scale
            self._known[key] = self.allowance * relative, floor, eps**0.5 * self._largest(forward)
        return self._known[key]

    def _largest(self, forward: bool) -> float:
        """The largest number among all values, or all gradients."""
        if forward not in self._sizes:
            arrays = self.point.values if forward else self.point.gradients.values()
            sizes = (max_norm(x) for x in arrays if x.dtype.kind == "f")
            self._sizes[forward] = max(sizes, default=0.0)
        return self._sizes[forward]


class FiveDigits(Tolerances):
    """For gradients that are known to five digits, whatever the tape rounds."""

    def __init__(self) -> None:
        self.coarse = False

    def __call__(self, step: Step, predicted: Array, given: Array, forward: bool = False) -> float:
        return max(1e-5 * max_norm(predicted), 1e-300)

    fine = __call__
