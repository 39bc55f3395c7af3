"""The search for the mistake: every one of the table is made, and what it gives compared.

What a mistake changes is pulled down to the entries below it. A fit counts if it would hardly come
about by accident; it may be off by a factor, if that is a number with a name.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.diagnosis.layout import Layout
from autograd_lite.diagnosis.mistakes import TABLE
from autograd_lite.diagnosis.places import Idea, Mistake, Place, broadcast, contribution
from autograd_lite.diagnosis.points import Array, Point, unless_it_fails
from autograd_lite.diagnosis.report import Finding
from autograd_lite.graph import Step

SIMPLE = 10  # plain factors are tried first: −1, 2, ½, m, 1/m; one is no accident among so few
NOTHING = ("path-missing", "part-zero", "regularisation")  # kinds that leave something out
BY_ACCIDENT = 1e-4  # what is likelier than this to fit by accident counts for nothing


@dataclass(eq=False)
class Trial:
    """A mistake that explains something: where, which, by what factor, and what it explains."""

    place: Place
    on: str
    mistake: Mistake
    idea: int  # which of the ideas of the mistake
    kinds: list[tuple[str, str]]  # kind and advice
    factor: float
    changes: int
    local: bool  # only the array itself is wrong, not what follows from it
    explained: list[Any]
    error: float
    accident: float  # log10 of how likely a single try would fit by accident
    rank: int = 0

    @property
    def part(self) -> Any:
        """The contribution that the mistake replaces."""
        return None if self.mistake.adds else self.place.part


class Search:
    """One search through the table for entries judged jointly.

    claims: the entries (comparison.Claim); cut: gradients that they were handed, so that nothing
    above reaches them. `at` are the points; changes found are made there. on: search only these
    places. until: when to stop (time.monotonic), as `stopped` then says.
    """

    def __init__(
        self,
        layout: Layout,
        at: list[Point],
        claims: list[Any],
        tolerances: Any,
        on: str | None = None,
        until: float = math.inf,
    ) -> None:
        self.layout, self.at, self.tolerances, self.on = layout, at, tolerances, on
        self.until, self.stopped = until, False
        self.paths = layout.paths
        self.claims = {c.step.number: c for c in claims}
        self.cut = frozenset().union(*(c.cut for c in claims))
        self.wanted = frozenset(self.claims)
        self.constants = Constants(layout)
        self.tried = 0  # how many mistakes: a fit by accident is so many times as likely

    def trials(self) -> list[Trial]:
        """All mistakes that explain an open claim and contradict no settled one."""
        open_ = {n for n, c in self.claims.items() if not c.settled}
        point = self.at[0]
        found: list[Trial] = []
        self.look_at_rows()
        for x in both_ends_first(self.paths.down):
            reached = self.paths.reached(x, self.wanted, self.cut)
            if not reached & open_:
                continue
            spreads = not any(  # what a mistake here would change is not known to be right
                number not in open_ and np.any(pulled)
                for number, pulled in point.pull(
                    x, point.gradients[x.number], self.wanted, self.cut
                )
            )
            own = self.claims.get(x.number)
            if not spreads and (own is None or own.settled):
                continue
            for on, place in self.layout.places(x, self.place):
                for mistake in TABLE if self.on in (None, on) else ():
                    if mistake.on == on and not self.late():
                        found += self.try_mistake(mistake, on, place, spreads, reached)
            if self.late():
                break
        found = [trial for trial in found if not self.accidental(trial)]
        for trial in found:
            trial.rank = trial.changes + len(open_) - len(trial.explained)
        self.rank_repeated(found, len(open_))
        order = {id(mistake): number for number, mistake in enumerate(TABLE)}
        down = {x.number: number for number, x in enumerate(self.paths.down)}

        def simplest(t: Trial) -> tuple[Any, ...]:
            # Of places that give the same, the one furthest from the cost reads best; there, a
            # plain factor reads better than another formula that comes to the same.
            leaf, number = t.place.leaf, down[t.place.x.number]
            other = t.mistake.kind != "scale"
            return t.rank, leaf, number if leaf else -number, other, order[id(t.mistake)]

        return sorted(found, key=simplest)

    def late(self) -> bool:
        """Whether the time is over."""
        self.stopped = self.stopped or time.monotonic() > self.until
        return self.stopped

    def accidental(self, trial: Trial) -> bool:
        """Whether one of all the mistakes tried may well fit like this by accident."""
        tried: float = self.tried
        mean = trial.on == "loss" and self.constants.is_mean(trial.factor)
        if trial.factor != 1 and not mean and not trial.mistake.free:
            plain = trial.mistake.kind == "scale" and self.constants.is_simple(trial.factor)
            tried = SIMPLE if plain else tried * len(self.constants)
        return trial.accident + math.log10(tried) > math.log10(BY_ACCIDENT)

    @staticmethod
    def rank_repeated(trials: list[Trial], most: int) -> None:
        """One mistake made in several lines, each the last of its chain, counts as one."""
        groups: dict[Any, list[Trial]] = {}
        for trial in trials:
            if trial.place.leaf:
                for kind, _ in trial.kinds:
                    groups.setdefault((kind, trial.factor), []).append(trial)
        for group in groups.values():
            explained = {id(claim) for trial in group for claim in trial.explained}
            for trial in group:
                trial.rank = min(trial.rank, trial.changes + most - len(explained))

    def place(
        self, x: Step, t: Step | None = None, k: int = 0, f: Any = None, **more: Any
    ) -> Place:
        own = self.claims.get(x.number)
        given = own.given[0] if own is not None and own.given else None
        function = more.pop("function", f)
        return Place(self.layout, self.at[0], x, t, k, function, given=given, **more)

    def try_mistake(
        self, mistake: Mistake, on: str, place: Place, spreads: bool, reached: set[int]
    ) -> Iterator[Trial]:
        """Make the mistake at the place, idea after idea, and keep what explains something."""
        with unless_it_fails():
            for number, idea in enumerate(mistake.ideas(place)):
                with unless_it_fails():
                    yield from list(
                        self.try_idea(mistake, on, place, spreads, reached, number, idea)
                    )

    def try_idea(
        self,
        mistake: Mistake,
        on: str,
        place: Place,
        spreads: bool,
        reached: set[int],
        number: int,
        idea: Idea,
    ) -> Iterator[Trial]:
        x, array = place.x, idea.array
        own = self.claims.get(x.number)
        mine = own is not None and not own.settled
        if array is not None and array.shape != x.shape and place.part != "all":
            array = broadcast(array, x.shape)  # NumPy adds the other parts to it
        if array is None:
            return
        fits = array.shape == x.shape
        if mistake.kind != "scale" and not mistake.adds and _same(array, place.right):
            return  # here it is no mistake
        if not np.any(array) and (idea.kind or mistake.kind) not in NOTHING:
            return  # whatever is multiplied by zero looks the same
        ways = []  # whether only the array itself is wrong, or what follows from it as well
        if not place.leaf and spreads and fits:
            ways.append(False)
        if mine and (place.leaf or not ways or len(reached) > 1):
            ways.append(True)
        for local in ways:
            self.tried += 1
            if on == "loss":  # with 1/m, the mean of the cost, it is as plain
                self.tried += len(self.constants.samples)
            fit = _Fit(self, mistake, on, place, local)
            if fit.run(array):
                trial = fit.trial(number, idea.kind or mistake.kind, idea.advice)
                if self.holds_elsewhere(trial):
                    yield trial

    def snapped(self, number: int, rest: Array) -> Array:
        """What stays of a gradient: nothing, where it is only rounding."""
        right, step = self.at[0].gradients[number], self.claims[number].step
        return rest if largest(rest) > self.tolerances(step, right, right) else np.zeros_like(right)

    def uncertain(self, claim: Any, rest: Array) -> float:
        """How far off the numbers that a factor is read from may be."""
        scale = np.asarray(max(largest(claim.given[0]), largest(rest)), rest.dtype)
        return self.tolerances(claim.step, scale, claim.given[0])

    def reaches(self, x: Step, below: Step) -> bool:
        """Whether the gradient of x has a part in that of `below`."""
        return below.number in self.paths.reached(x, self.wanted, self.cut)

    def look_at_rows(self) -> None:
        """Note rows and columns that were handed in as zero, or that alone are wrong."""
        self.layout.empty, self.layout.alone = [], {}
        for number, claim in self.claims.items():
            right = self.at[0].gradients[number]
            if claim.settled or not claim.given or claim.given[0].shape != right.shape:
                continue
            given = claim.given[0]
            wrong = np.abs(given - right) > self.tolerances(claim.step, right, given)
            for axis, n in enumerate(right.shape):
                others = tuple(k for k in range(right.ndim) if k != axis)
                zero = np.all(given == 0, axis=others) & np.any(right != 0, axis=others)
                if 0 < zero.sum() < n:
                    self.layout.empty.append((n, tuple(map(int, np.flatnonzero(zero)))))
                rows = np.flatnonzero(np.any(wrong, axis=others))
                if len(rows) == 1:
                    self.layout.alone.setdefault(n, set()).add(int(rows[0]))

    def wrong(self, trial: Trial, point: Point) -> Array | None:
        """What the mistake makes of the contribution that it is about, at a point."""
        place = dataclasses.replace(trial.place, point=point)
        for number, idea in enumerate(trial.mistake.ideas(place)):
            if number == trial.idea:
                return None if idea.array is None else trial.factor * idea.array
        return None

    def delta(self, trial: Trial, point: Point) -> Array | None:
        """What the mistake adds to the gradient of its place; None if the shape is another."""
        wrong = self.wrong(trial, point)
        part = contribution(point, trial.place.x, trial.part)
        wrong = None if wrong is None else broadcast(wrong, part.shape)
        return None if wrong is None else (wrong - part).astype(part.dtype)

    def holds_elsewhere(self, trial: Trial) -> bool:
        """Whether functions are explained at the other points too."""
        for p, point in enumerate(self.at[1:], 1):
            claims = [c for c in trial.explained if len(c.given) > p]
            if not claims:
                continue
            delta, x = self.delta(trial, point), trial.place.x
            if delta is None:  # of another shape: it replaces the gradient
                predicted = {x.number: self.wrong(trial, point)}
            else:
                pulled = {x.number: delta}
                if not trial.local:
                    pulled = dict(point.pull(x, delta, self.wanted, self.cut))
                predicted = {n: point.gradients[n] + d for n, d in pulled.items()}
            for claim in claims:
                given, right = claim.given[p], predicted.get(claim.step.number)
                if right is None or not close(
                    given, right, 10 * self.tolerances(claim.step, right, given)
                ):
                    return False
        return True

    def apply(self, trial: Trial) -> None:
        """Make the mistake for good: what is judged next is judged with it."""
        for claim in trial.explained:
            claim.settled = True
        if trial.local:
            return
        for point in self.at:
            delta = self.delta(trial, point)
            if delta is not None:
                point.change(trial.place.x, delta)


class _Fit:
    """One wrong array, pulled down and compared with what was handed in."""

    def __init__(
        self, search: Search, mistake: Mistake, on: str, place: Place, local: bool
    ) -> None:
        self.search, self.mistake, self.on = search, mistake, on
        self.place, self.local = place, local
        self.plain = mistake.kind == "scale"  # nothing but a factor
        self.factor: float | None = None
        self.explained: list[Any] = []
        self.error = 0.0
        self.patience = 1 if mistake.kind == "copied-index" else 2
        self.changed = 0  # how many numbers it explains that are not right
        self.accident = 0.0  # log10 of how likely the fit is by accident

    def run(self, array: Array) -> bool:
        """Whether it explains something and contradicts nothing."""
        search, x, point = self.search, self.place.x, self.place.point
        part = None if self.mistake.adds else self.place.part
        if self.local:
            claim = search.claims[x.number]
            right = point.gradients[x.number]
            rest = search.snapped(x.number, right - contribution(point, x, part))
            if part == "all":
                rest = np.zeros(array.shape, right.dtype)
            if rest.shape != array.shape:
                return False
            return self.check(claim, rest, array) and bool(self.explained)
        below = self.below(part)
        misses = 0
        for number, pulled in point.pull(x, array.astype(x.value.dtype), search.wanted, search.cut):
            claim = search.claims[number]
            if claim.settled:  # nothing flows there, or it would not be tried
                right = point.gradients[number]
                if largest(pulled) > search.tolerances(claim.step, right, right):
                    return False
                continue
            if not self.check(claim, below[number], pulled):
                misses += 1
                if misses >= self.patience and not self.explained:
                    return False
        return bool(self.explained)

    def below(self, part: Any) -> dict[int, Array]:
        """What stays of each gradient further down without the right contribution."""
        point, x, search = self.place.point, self.place.x, self.search
        key = (x.number, part, search.cut)
        if key not in point.pulled:
            start = contribution(point, x, part)
            rests = {}
            for number, pulled in point.pull(x, start, search.wanted, search.cut):
                right = point.gradients[number]
                rests[number] = search.snapped(number, right - pulled)
            point.pulled[key] = rests
        return point.pulled[key]

    def check(self, claim: Any, rest: Array, pulled: Array) -> bool:
        """Compare with one claim; the first that fits also gives the factor."""
        given = claim.given[0]
        if given.shape != pulled.shape:
            return False
        size = float(np.vdot(pulled, pulled))
        if not math.isfinite(size):
            return False
        factor = self.factor
        if factor is None and size > 0:
            factor = self.allowed(
                float(np.vdot(pulled, given - rest)) / size,
                self.search.uncertain(claim, rest) * math.sqrt(pulled.size / size),
            )
            if factor is None:
                return False
        predicted = rest + pulled * (factor or 0.0)
        tolerance = self.search.tolerances(claim.step, predicted, given)
        deviation = largest(given - predicted)
        if not deviation <= tolerance:
            return False
        return self.fits(claim, factor if size > 0 else self.factor, deviation, tolerance)

    def fits(self, claim: Any, factor: float | None, deviation: float, tolerance: float) -> bool:
        """Note that a claim is explained, and how unlikely that is to be an accident."""
        given, right = claim.given[0], self.place.point.gradients[claim.step.number]
        changed = given.size
        if right.shape == given.shape:
            changed = int(np.sum(np.abs(given - right) > 2 * tolerance))
        if not changed:
            return False
        error = deviation / (max(largest(given), largest(right)) or 1.0)
        smallest = float(np.finfo(given.dtype).eps)
        if self.mistake.kind == "part-zero" and right.shape == given.shape:
            off = np.abs(given - right) > 2 * tolerance
            if not np.any(given[off]):  # nothing is exactly zero by accident
                error = smallest = 1e-10
        self.changed += changed
        self.accident += changed * math.log10(min(1.0, 2 * max(error, smallest)))
        self.error = max(self.error, error)
        self.factor = factor
        self.explained.append(claim)
        return True

    def allowed(self, slope: float, uncertain: float) -> float | None:
        """The factor, if it is one that a mistake may have."""
        if not math.isfinite(slope):
            return None
        if self.mistake.free:
            rate = self.mistake.kind == "stale-weights"
            return slope if (slope > uncertain if rate else abs(slope) > uncertain) else None
        if abs(slope - 1) <= uncertain:
            return None if self.plain else 1.0
        return self.search.constants.nearest(slope, uncertain)

    def trial(self, number: int, kind: str, advice: str) -> Trial:
        """What was found: which of the ideas, and what to say of it."""
        factor = 1.0 if self.factor is None else self.factor
        constants = self.search.constants
        accident = self.accident
        if self.mistake.free:  # one number was spent on the factor
            accident *= (self.changed - 1) / self.changed
        if self.plain:
            changes, kinds = constants.as_mistake(factor, self.place, self.explained, self.local)
        else:
            given = factor == 1 or self.mistake.free
            if self.on == "loss":  # the mean of the cost is no part of the formula for one sample
                given = given or constants.is_mean(factor)
            changes = 1 if given else 2
            shown = constants.text(factor)
            advice = advice.replace("{factor}", shown)
            if changes > 1:
                advice += f" And it is {shown} times what that gives."
            kinds = [(kind, advice)]
        return Trial(
            self.place,
            self.on,
            self.mistake,
            number,
            kinds,
            factor,
            changes,
            self.local,
            self.explained,
            self.error,
            accident,
        )


class Constants:
    """What a factor may be: sizes on the tape, their products, ratios of small integers."""

    def __init__(self, layout: Layout) -> None:
        self.samples = layout.samples
        sizes = {n for s in layout.paths.steps for n in s.shape if n > 1} | self.samples
        self.known: dict[float, str] = {}
        for n in sorted(sizes, key=lambda n: (n not in self.samples, n)):
            name = f"m = {n}" if n in self.samples else f"n = {n}"
            self._enter(n, name)
            self._enter(1 / n, f"1/{n}" + (" (1/m)" if n in self.samples else ""))
            if n > 2:
                self._enter(n / (n - 1), f"{n}/{n - 1}")
                self._enter((n - 1) / n, f"{n - 1}/{n}")
                self._enter(n - 1, f"{n - 1}")
                self._enter(1 / (n - 1), f"1/{n - 1}")
        for n in sorted(sizes):
            for m in sorted(sizes):
                self._enter(n * m, f"{n}·{m}")
                self._enter(1 / (n * m), f"1/({n}·{m})")
                self._enter(n / m, f"{n}/{m}")
        for p in range(1, 13):
            for q in range(1, 13):
                self._enter(p / q, f"{p}/{q}" if q > 1 and math.gcd(p, q) == 1 else f"{p / q:g}")
        self.values = np.array(sorted(self.known))

    def _enter(self, value: float, name: str) -> None:
        self.known.setdefault(float(value), name)
        for m in (0.5, 2):
            if name.startswith(("m", "1/")):
                self.known.setdefault(m * value, f"{m * value:g}")

    def __len__(self) -> int:
        return 2 * len(self.known)

    def nearest(self, slope: float, uncertain: float) -> float | None:
        """The constant that this is, with either sign."""
        k = int(np.argmin(np.abs(self.values - abs(slope))))
        value = float(self.values[k])
        return math.copysign(value, slope) if abs(value - abs(slope)) <= uncertain else None

    def is_simple(self, factor: float) -> bool:
        return factor in (-1.0, 2.0, 0.5) or any(factor in (m, 1 / m) for m in self.samples)

    def is_mean(self, factor: float) -> bool:
        return any(factor == 1 / m for m in self.samples)

    def text(self, factor: float) -> str:
        name = self.known.get(abs(factor), f"{abs(factor):.6g}")
        return ("−" if factor < 0 else "") + name

    def as_mistake(
        self, factor: float, place: Place, explained: list[Any], local: bool
    ) -> tuple[int, list[tuple[str, str]]]:
        """How many changes a plain factor is, and the kinds of mistake that it may be."""
        size = abs(factor)
        sign = " And its sign is wrong." if factor < 0 else ""
        found: list[tuple[str, str]] = []
        if factor == -1:
            return 1, [("sign", "its sign is wrong. Multiply it by −1.")]
        for m in self.samples:
            if size == m:
                text = f"it is m = {m} times too large: the mean over the samples is meant."
                found.append(("missing-mean", f"{text} Divide by {m}.{sign}"))
            elif size == 1 / m:
                text = f"it is divided by m = {m} once too often."
                found.append(("extra-mean", f"{text} Multiply by {m}.{sign}"))
            else:
                continue
            if not place.leaf:
                outside = "outside" if size > 1 else "inside"
                text = f"right where 1/m stands {outside} of it; in this cost it does not."
                found.append(("convention", text + sign))
        if size == 2:
            found.append(("factor-two", f"it is twice what it should be. Divide by 2.{sign}"))
        if size == 0.5:
            text = f"it is half of what it should be. Multiply by 2.{sign}"
            found += [("factor-two", text), ("scale", text)]
        if size >= 2 and size == int(size) and size <= 100:
            text = f"it is added {size:g} times: start it from zero each time.{sign}"
            found.append(("accumulated", text))
        if size not in (2, 0.5):
            text = f"it is {self.text(factor)} times what it should be."
            found.append(("scale", text))
        return 1 + (factor < 0), found


def both_ends_first(items: Sequence[Any]) -> list[Any]:
    """The last, the first, the last but one, …: near the leaves it is cheap, at the cost likely."""
    half = (len(items) + 1) // 2
    pairs = itertools.zip_longest(reversed(items[len(items) - half :]), items[: len(items) - half])
    return [x for pair in pairs for x in pair][: len(items)]


def largest(array: Array) -> float:
    """The largest absolute value; 0 for an empty array."""
    return max(float(array.max()), -float(array.min())) if array.size else 0.0


def _same(array: Array, right: Array) -> bool:
    return array.shape == right.shape and largest(array - right) <= 1e-5 * largest(right)


def close(given: Array, predicted: Array, tolerance: float) -> bool:
    return given.shape == predicted.shape and bool(largest(given - predicted) <= tolerance)


def findings(trials: list[Trial], claim: Any, most: int) -> list[Finding]:
    """What explains one claim, the simplest first; one finding for each kind and place."""
    found: dict[tuple[str, str], Finding] = {}
    for trial in trials:
        if claim in trial.explained:
            for kind, advice in trial.kinds:
                where = trial.place.where
                found.setdefault(
                    (kind, where),
                    Finding(kind, where, trial.factor, advice, trial.error, trial.rank),
                )
    kinds: set[tuple[str, int]] = set()
    first: list[Finding] = []  # every kind comes before a second place of the same kind
    more: list[Finding] = []
    for finding in found.values():
        (more if (finding.kind, finding.rank) in kinds else first).append(finding)
        kinds.add((finding.kind, finding.rank))
    return sorted(first + more, key=lambda finding: finding.rank)[:most]
