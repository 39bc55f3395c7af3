"""The gradients of a function against central differences: `check_gradients`.

A few random directions tell whether anything is wrong; only then is the worst entry looked for.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_lite import errors
from autograd_lite.diagnosis.comparison import findings_for
from autograd_lite.errors import GradientError
from autograd_lite.tensor import Tensor
from autograd_lite.terminal import wrapped_lines
from autograd_lite.transforms import at_work, flatten, grad, on_tape, unflatten
from autograd_lite.walk import recorded_for

STEPS = tuple(10.0**-k for k in range(1, 9))
PROJECTIONS = 2  # random directions for each order
JUMP = 5  # the smallest steps, at which a jump is all that shows
ENTRIES = 500  # up to this many entries are differenced one by one to find the worst


@dataclass
class Slope:
    """A derivative along one direction: what the tape says, and what differences say.

    doubt: how far off `numeric` may be, by its own sweep. left, right: one-sided slopes at the
    smallest step that rounding allows, which makes them uncertain by `noise`. scale: the size of
    what is added up. sweep: (step, central difference) for each step.
    """

    tape: float
    numeric: float
    doubt: float
    left: float
    right: float
    noise: float
    scale: float
    sweep: list[tuple[float, float]]

    @property
    def error(self) -> float:
        """How far apart the two are."""
        return abs(self.tape - self.numeric)

    @property
    def cause(self) -> str:
        """`agrees`, `rounding`, `kink`, `undecided` (rounding drowns it) or `wrong formula`."""
        if not np.isfinite(self.tape):
            return "wrong formula" if np.isfinite(self.numeric) else "undecided"
        exact = 1e-7 * max(abs(self.numeric), self.scale)
        if self.error <= exact:
            return "agrees"
        low, high = sorted((self.left, self.right))
        bend = high - low > max(0.01 * max(abs(low), abs(high)), 10 * self.noise)
        if bend and low - exact <= self.tape <= high + exact:
            return "kink"
        if self.jumps:
            return "kink"
        if self.error > exact + 10 * self.doubt:
            return "wrong formula"
        return "rounding" if self.doubt < 0.01 * self.scale else "undecided"

    @property
    def jumps(self) -> bool:
        """Whether the differences grow as the steps shrink: the function itself jumps here."""
        # (Rounding makes them grow as well, but not evenly, and with either sign.)
        last = [difference for _, difference in self.sweep[-JUMP:]]
        return all(8 < b / a < 12.5 if a else False for a, b in itertools.pairwise(last))


@dataclass
class CheckReport:
    """What `check_gradients` found.

    ok: no wrong formula (a kink, where no derivative exists, is no wrong formula, and is noted).
    slopes: (order, Slope) for each random direction. worst: where a formula is wrong, the order,
    argument, index and Slope of the entry that is furthest off. findings: what the mistake looks
    like, most likely first.
    """

    ok: bool = True
    slopes: list[tuple[int, Slope]] = field(default_factory=list)
    worst: tuple[int, str, tuple[int, ...], Slope] | None = None
    findings: Sequence[Any] = ()

    @property
    def kinks(self) -> int:
        """Directions along which the function has a kink right at the point."""
        return sum(slope.cause == "kink" for _, slope in self.slopes)

    def __str__(self) -> str:
        lines = []
        for order in sorted({order for order, _ in self.slopes}):
            slopes = [slope for k, slope in self.slopes if k == order]
            worst = max(slopes, key=lambda s: s.error)
            causes = ", ".join(sorted({s.cause for s in slopes}))
            lines.append(
                f"order {order}: {causes}; along a random direction the tape gives "
                f"{worst.tape:.7g}, differences {worst.numeric:.7g}"
            )
        if self.kinks:
            lines.append(
                "a kink: there is no derivative right here; the tape's lies between the slopes"
            )
        if self.worst:
            order, argument, index, slope = self.worst
            lines.append(
                f"worst entry: order {order}, {argument}{list(index)}: tape {slope.tape:.9g}, "
                f"differences {slope.numeric:.9g} ({slope.cause})"
            )
            lines.append("  step      difference        off by")
            lines += [f"  {h:<8.0e}  {d:<16.9g}  {abs(d - slope.tape):.1e}" for h, d in slope.sweep]
            lines += [f"looks like {finding}" for finding in self.findings]
        return wrapped_lines(lines)

    __repr__ = __str__


def check_gradients(
    f: Callable[..., Any], *args: Any, order: int = 2, rng: int | np.random.Generator = 0
) -> CheckReport:
    """Compare the gradients of f with central differences, up to `order` times differentiated.

    args: float arrays, or lists, tuples and dicts of them. f's value may have any shape: if not a
    scalar, a random combination of its entries is differentiated. float32 is checked in float64:
    it is the formula that is checked.
    Returns the report, or raises GradientError, which carries it as `.report`. Raises ValueError
    where f or its gradient is not finite at args: nothing could be compared there.

    >>> check_gradients(np.tanh, np.array([0.5, -1.0]), order=1)
    order 1: agrees; along a random direction the tape gives -0.07302865, differences -0.07302865
    """
    if type(order) is not int or order < 1:
        raise ValueError(f"order={order!r}: it must be a whole number, 1 or more")
    rng = np.random.default_rng(rng)
    point = [_float64(x) for x in flatten(args)]

    def value(*leaves: Any) -> Tensor:
        with at_work():
            return on_tape(f(*unflatten(args, iter(leaves))))

    with np.errstate(all="ignore"):
        y = value(*[Tensor(x, requires_grad=True) for x in point])
        coarsest = max(
            (np.finfo(t.dtype).eps for t in recorded_for(y) if t.dtype.kind == "f"),
            default=np.finfo(float).eps,
        )
        weights = rng.normal(size=y.shape) if y.size > 1 else np.ones(y.shape)
        scalar = _combination(lambda *leaves: [value(*leaves)], [weights])
        _check_finite([y.data], "the function")
        report = CheckReport()
        for k in range(1, order + 1):
            gradient = grad(scalar, tuple(range(len(point))))
            recorded = gradient(*point)
            for _ in range(PROJECTIONS):
                direction = [rng.normal(size=x.shape) for x in point]
                slope = _slope(scalar, point, direction, recorded, coarsest)
                report.slopes.append((k, slope))
                if slope.cause == "wrong formula":
                    _locate(report, k, scalar, point, args, recorded, coarsest)
                    raise GradientError(report)
            _check_finite(recorded, f"its derivative of order {k}")
            scalar = _combination(gradient, [rng.normal(size=x.shape) for x in point])
    return report


def _check_finite(arrays: Sequence[np.ndarray], what: str) -> None:
    """Raise where nothing can be compared: no difference of infinities is a slope."""
    for y in arrays:
        if not np.isfinite(y).all():
            raise ValueError(
                f"{what} is {y[~np.isfinite(y)][0]} at these arguments: nothing can be compared "
                "there. Choose arguments at which it is finite."
            )


def _float64(x: Any) -> np.ndarray:
    array = np.asarray(float(x) if type(x) is int else x)
    errors.refuse_masks(x, "an argument")
    if array.dtype.kind != "f":
        raise TypeError(f"an argument of {array.dtype} cannot be differentiated: only floats can")
    return np.asarray(np.multiply(array, 1, dtype=float))  # it lies as f's own results do


def _combination(f: Callable[..., Any], weights: list[np.ndarray]) -> Callable[..., Any]:
    """The scalar function <weights, f>, where f gives several arrays."""

    def scalar(*leaves: Any) -> Any:
        return sum(np.sum(y * w) for y, w in zip(f(*leaves), weights, strict=True))

    return scalar


def _slope(
    scalar: Callable[..., Any],
    point: Sequence[np.ndarray],
    direction: Sequence[np.ndarray],
    gradients: Sequence[np.ndarray],
    eps: float,
) -> Slope:
    """The derivative of `scalar` along a direction, by the tape and by differences."""
    products = [g * d for g, d in zip(gradients, direction, strict=True)]

    def along(t: float) -> float:
        moved = [  # in memory as x is: what is a view of what in f may depend on it
            np.add(x, t * d, out=np.empty_like(x)) for x, d in zip(point, direction, strict=True)
        ]
        y = scalar(*map(Tensor, moved))
        return float(y)

    here = along(0.0)
    if here != along(0.0):
        raise ValueError("the function gives another value each time: fix its randomness first")
    # Rounding changes the value as if each x were off by eps·x, and the value itself by eps·value.
    moved_by = sum(float(np.abs(x * g).sum()) for x, g in zip(point, gradients, strict=True))
    moved_by = moved_by if np.isfinite(moved_by) else 0.0
    sweep, noise = [], []
    for h in STEPS:
        near, far = along(h) - along(-h), along(2 * h) - along(-2 * h)
        sweep.append((h, (8 * near - far) / (12 * h)))
        noise.append(float(eps) * (max(abs(here), abs(along(h))) + moved_by) / h)
    largest = max((float(np.abs(x).max()) for x in point if x.size), default=1.0)
    h = max(h for h in STEPS if h <= 10 * eps**0.5 * max(1.0, largest))
    changes = [
        (abs(a - b) + n, k)
        for k, ((_, a), (_, b), n) in enumerate(zip(sweep, sweep[1:], noise[1:], strict=False), 1)
        if np.isfinite(a) and np.isfinite(b)
    ]
    doubt, best = min(changes, default=(np.inf, 0))
    return Slope(
        float(sum(p.sum() for p in products)),
        sweep[best][1],
        float(doubt),
        (here - along(-h)) / h,
        (along(h) - here) / h,
        dict(zip(STEPS, noise, strict=True))[h],
        float(np.sqrt(sum(np.sum(p * p) for p in products))),
        sweep,
    )


def _locate(
    report: CheckReport,
    order: int,
    scalar: Callable[..., Any],
    point: Sequence[np.ndarray],
    args: Any,
    recorded: Sequence[np.ndarray],
    eps: float,
) -> None:
    """Find the entry that is worst, and what the wrong gradient looks like."""
    report.ok = False
    paths = _paths(args)
    entries = [(k, i) for k, x in enumerate(point) for i in np.ndindex(x.shape)]

    def probe(chosen: Sequence[tuple[int, tuple[int, ...]]]) -> Slope:
        direction = [np.zeros(x.shape) for x in point]
        signs = np.random.default_rng(len(chosen)).choice([-1.0, 1.0], len(chosen))
        for (k, i), sign in zip(chosen, signs * signs[0], strict=True):  # of one entry it is 1
            direction[k][i] = sign
        return _slope(scalar, point, direction, recorded, eps)

    while len(entries) > ENTRIES:  # keep the half that is further off
        halves = entries[: len(entries) // 2], entries[len(entries) // 2 :]
        entries = max(halves, key=lambda half: probe(half).error)
    slopes = [probe([entry]) for entry in entries]
    worst = max(
        range(len(entries)), key=lambda n: (slopes[n].cause == "wrong formula", slopes[n].error)
    )
    k, index = entries[worst]
    report.worst = (order, paths[k], index, slopes[worst])
    if sum(argument == k for argument, _ in entries) == point[k].size:
        right = np.zeros(point[k].shape)
        for (argument, i), slope in zip(entries, slopes, strict=True):
            if argument == k:
                right[i] = slope.numeric
        report.findings = findings_for(right, recorded[k], paths[k])


def _paths(args: Any) -> list[str]:
    """How each leaf of the arguments is called: `argument 0`, `argument 1['W']`."""

    def walk(tree: Any, path: str) -> list[str]:
        if isinstance(tree, dict):
            return [p for key, node in tree.items() for p in walk(node, f"{path}[{key!r}]")]
        if isinstance(tree, list | tuple):
            return [p for k, node in enumerate(tree) for p in walk(node, f"{path}[{k}]")]
        return [path]

    return [p for k, arg in enumerate(args) for p in walk(arg, f"argument {k}")]
