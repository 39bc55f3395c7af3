"""The search for a mistake makes each mistake of the table and compares what it gives.

What a mistake changes is pulled down to the entries below it. A fit counts if it would hardly come
about by accident; it may be off by a factor, if that is a number with a name.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from typing import Any

import numpy as np

from autograd_lite.diagnosis.claims import Claim
from autograd_lite.diagnosis.factors import Factors
from autograd_lite.diagnosis.layout import Layout, numbered
from autograd_lite.diagnosis.mistakes import TABLE, Mistake
from autograd_lite.diagnosis.names import listed
from autograd_lite.diagnosis.places import (
    Idea,
    Place,
    broadcast,
    contribution,
    keyed,
    places_at,
)
from autograd_lite.diagnosis.points import Array, Point, unless_it_fails
from autograd_lite.diagnosis.probes import Probe, probe, tangents
from autograd_lite.diagnosis.report import Finding
from autograd_lite.diagnosis.tolerances import close, max_norm, nearly_equal
from autograd_lite.graph import Step

SIMPLE = 10  # plain factors are tried first: −1, 2, ½, m, 1/m; one is no accident among so few
REPEATED = (-1.0, 2.0, 0.5)  # the factors that are tried at every step
MOST_PATIENCE = max(mistake.patience for mistake in TABLE)
FEW = 6  # places at which a repeated mistake may begin anywhere; of more, at the first
BY_ACCIDENT = 1e-4  # what is likelier than this to fit by accident counts for nothing


Progress = Callable[[int, int], None]
IdeaAt = Callable[[], Idea | None]


class Search:
    """One search through the table for entries judged jointly.

    claims: the entries; cut: gradients that they were handed, so that nothing above reaches them.
    `at` are the points; changes found are made there. on: search only these places. seconds: after
    how many from `start` (time.monotonic) it stops, as `stopped` then says. progress: told how much
    is done, and of how much.
    """

    def __init__(
        self,
        layout: Layout,
        at: list[Point],
        claims: list[Claim],
        tolerances: Any,
        on: str | None = None,
        seconds: float = math.inf,
        start: float = 0.0,
        progress: Progress | None = None,
    ) -> None:
        self.layout, self.at, self.tolerances, self.on = layout, at, tolerances, on
        self.seconds, self.until, self.stopped = seconds, start + seconds, False
        self.progress = progress
        self.paths = layout.paths
        layout.asked = [c.step for c in claims]
        self.claims = {c.step.number: c for c in claims}
        self.cut = frozenset().union(*(c.cut for c in claims))
        self.wanted = frozenset(self.claims)
        self.factors = Factors(layout)
        self.probes: dict[int, Probe] = {}  # by claim
        self.tangents: dict[int, dict[int, Array]] = {}  # by step; where they fail, none
        self.along_all: tuple[dict[int, Array], float] = {}, 0.0
        self.seen: set[int] = set()  # the tensors at which all was tried
        self.forms = (0, 0)  # of place, at which repeated mistakes were tried, and how many are
        self.tried = 0  # how many mistakes: a fit by accident is so many times as likely

    def trials(self) -> list[Trial]:
        """All mistakes that explain an open claim and contradict no settled one, the best first.

        If none explains all but rounding, those are returned that explain what digits left out by
        hand may have changed.
        """
        with self.tolerances.coarsely():
            found = self.all_trials()
        return [trial for trial in found if trial.exact] or found

    def all_trials(self) -> list[Trial]:
        """The mistakes that explain something, as far as it may have been copied by hand."""
        unsettled = {n for n, c in self.claims.items() if not c.settled}
        self.look_at_rows()
        tried: list[Trial] = []
        self.look_along(unsettled)
        for number, x in enumerate(both_ends_first(self.paths.down)):
            self.tell(number, len(self.paths.down))
            tried += self.trials_at(x, unsettled)
            if self.late():
                break
            self.seen.add(x.number)
        found = self.ranked(tried, len(unsettled))
        if not any(trial.rank == 1 for trial in found):
            found = self.ranked(tried + list(self.repeated(unsettled)), len(unsettled))
        down = {x.number: number for number, x in enumerate(self.paths.down)}

        def simplest(t: Trial) -> tuple[Any, ...]:
            # Of places that give the same, the one furthest from the cost reads best; there, a
            # plain factor reads better than another formula that comes to the same.
            leaf, number = t.place.leaf, down[t.place.x.number]
            other = t.mistake.by_factor is None
            return t.rank, leaf, number if leaf else -number, other, TABLE.index(t.mistake)

        return sorted(found, key=simplest)

    def ranked(self, tried: list[Trial], most: int) -> list[Trial]:
        """Those that fit by no accident, each with its rank; most: how many claims are open."""
        found = [trial for trial in tried if not trial.accidental]
        for trial in found:
            trial.rank = trial.changes + most - len(trial.explained)
        self.rank_repeated(found, most)
        return found

    def repeated(self, unsettled: set[int]) -> Iterator[Trial]:
        """The mistakes made at every step or in every layer, or from some on: at places of the
        same form."""
        groups: dict[Any, list[Place]] = {}
        may_be: dict[int, bool] = {}
        for x in self.paths.down if self.on is None else ():
            if self.paths.reached(x, self.wanted, self.cut) & unsettled:
                may_be[x.number] = self.spreads(x, unsettled)
                for place in self.places(x, repeated=True):
                    groups.setdefault(place.form, []).append(place)
        named_first = sorted(groups.values(), key=lambda ps: not (ps[0].leaf or ps[0].x.label))
        self.along_all = {}, 0.0
        with unless_it_fails():
            self.along_all = self.look_along_all()
        for number, places in enumerate(named_first):
            self.forms = number, len(named_first)
            self.tell(*self.forms)
            wrong = [place for place in places if may_be[place.x.number]]
            right = [place for place in places if not may_be[place.x.number]]
            found: list[Trial] = []
            for mistake in TABLE if len(wrong) > 1 else ():
                if mistake.on == places[0].on and not self.late():
                    with unless_it_fails():
                        found += self.repeat(mistake, wrong, right)
            yield from found
            if any(t.changes == 1 and len(t.explained) == len(unsettled) for t in found):
                break

    def repeat(self, mistake: Mistake, places: list[Place], right: list[Place]) -> Iterator[Trial]:
        """Make the mistake at all these places at once, or from some on, idea after idea."""
        # Most are contradicted at the first of many places: ideas are asked for as far as a pass
        # comes.
        ideas = [cache(partial(_by_key, mistake, place)) for place in places]
        few = len(places) <= FEW
        factors = REPEATED if mistake.by_factor else (1.0,)
        for key in ideas[len(places) // 2]():
            every: list[tuple[Place, IdeaAt]] = [
                (p, partial(_of_key, by, key)) for p, by in zip(places, ideas, strict=True)
            ]
            same = [(p, idea) for p, idea in every if idea() is not None] if few else every
            starts = range(len(same) - 1 if few else 1)
            for factor, start in itertools.product(factors, starts):
                if not self.late():
                    with unless_it_fails():
                        all_on = Repeated(self, mistake, same[start:], every, right, factor)
                        fit = (t for t in all_on.down_to_some() if t.fits(np.zeros(0)))
                        yield from itertools.islice(fit, 1)

    def trials_at(self, x: Step, unsettled: set[int]) -> list[Trial]:
        """The mistakes in the gradient of x that explain something."""
        reached = self.paths.reached(x, self.wanted, self.cut)
        if not reached & unsettled:
            return []
        own, spreads = x.number in unsettled, self.spreads(x, unsettled)
        alone = own and len(reached) > 1
        found: list[Trial] = []
        for place in self.places(x) if spreads or own else ():
            for mistake in TABLE:
                if mistake.on == place.on and not self.late():
                    found += self.try_mistake(mistake, place, spreads, own, alone)
        return found

    def spreads(self, x: Step, unsettled: set[int]) -> bool:
        """Whether nothing that is known to be right follows from the gradient of x."""
        if self.paths.reached(x, self.wanted, self.cut) <= unsettled:
            return True
        point = self.at[0]
        below = point.pull(x, point.gradients[x.number], self.wanted, self.cut)
        return not any(number not in unsettled and np.any(pulled) for number, pulled in below)

    def tell(self, done: int, of: int) -> None:
        """Tell how much is done."""
        if self.progress is not None:
            self.progress(done, of)

    def what_was_tried(self) -> str:
        """As far as the search came, in words."""
        tensors, (forms, all_forms) = len(self.paths.down), self.forms
        said = f"{self.tried} mistakes, in the gradients of {len(self.seen)} of {tensors} tensors"
        repeated = f"; repeated in {forms} of {all_forms} kinds of lines" if all_forms else ""
        return f"{said}{repeated}"

    def late(self) -> bool:
        """Whether the time is over."""
        self.stopped = self.stopped or time.monotonic() > self.until
        return self.stopped

    @staticmethod
    def rank_repeated(trials: list[Trial], most: int) -> None:
        """One mistake made in several lines, each the last of its chain, counts as one."""
        groups: dict[Any, list[Trial]] = {}
        for trial in trials:
            if trial.place.leaf and not trial.mistake.alone:
                for kind, _ in trial.kinds:
                    groups.setdefault((kind, trial.factor), []).append(trial)
        for group in groups.values():
            explained = {id(claim) for trial in group for claim in trial.explained}
            for trial in group:
                trial.rank = min(trial.rank, trial.changes + most - len(explained))

    def places(self, x: Step, repeated: bool = False) -> Iterator[Place]:
        """The places where mistakes in the gradient of x are looked for."""
        own = self.claims.get(x.number)
        given = own.given[0] if own is not None and own.given else None
        for place in places_at(self.layout, self.at[0], x, given, repeated):
            if self.on in (None, place.on):
                yield place

    def try_mistake(
        self, mistake: Mistake, place: Place, spreads: bool, own: bool, alone: bool
    ) -> list[Trial]:
        """Make the mistake at the place, idea after idea, and keep what explains something.

        spreads: what follows from the gradient may be wrong as well. own: it was handed in, and
        is not explained; alone: so that it may be wrong by itself.
        """
        found: list[Trial] = []
        with unless_it_fails():
            for number, idea in enumerate(mistake.ideas(place)):
                with unless_it_fails():
                    array = _shaped(place, idea.array)
                    if array is not None:
                        follows = spreads and not place.leaf and array.shape == place.x.shape
                        ways = [False] if follows else []
                        if own and (alone or not follows):
                            ways.append(True)
                        trials = [Trial(self, mistake, place, number, idea, way) for way in ways]
                        found += [trial for trial in trials if trial.fits(array)]
        return found

    def look_along(self, unsettled: set[int]) -> None:
        """Probe what is open: a number for each claim that a mistake has to change it by."""
        point, rng = self.at[0], np.random.default_rng(0)
        fit = [c for n in sorted(unsettled) if (c := self.claims[n]).given[0].shape == c.step.shape]
        self.probes = {
            c.step.number: probe(c, point.gradients[c.step.number], self.tolerances, rng)
            for c in fit
        }
        self.tangents = {}
        of: dict[int, list[int]] = {}
        for x in self.paths.down:
            if time.monotonic() > self.until - self.seconds / 2:  # mistakes are to be tried as well
                return
            of[x.number] = self.nearest(x, unsettled)
        starts = {number: {number: p.direction} for number, p in self.probes.items()}
        with unless_it_fails():
            self.tangents = tangents(point, starts, of, self.cut)
        point.kept.clear()

    def look_along_all(self) -> tuple[dict[int, Array], float]:
        """The tangents along all probes at once, each counted by its noise, and what has to change
        along them; by as many as there are probes it may be off."""
        starts = {n: {0: p.direction / (p.noise or 1.0)} for n, p in self.probes.items()}
        of = dict.fromkeys((x.number for x in self.paths.down), (0,))
        moved = tangents(self.at[0], starts, of, self.cut)
        off = sum(p.off / (p.noise or 1.0) for p in self.probes.values())
        return {number: u[0] for number, u in moved.items() if u}, off

    def nearest(self, x: Step, among: set[int]) -> list[int]:
        """The claims that a mistake at x is compared with first: as many as may miss it."""
        below = (n for _, _, n, done in self.paths.plan(x, self.wanted, self.cut) if done)
        numbers = itertools.chain([x.number], below)
        return list(itertools.islice((n for n in numbers if n in among), MOST_PATIENCE))

    def snapped(self, number: int, rest: Array) -> Array:
        """What stays of a gradient: nothing, where it is only rounding."""
        right, step = self.at[0].gradients[number], self.claims[number].step
        noise = self.tolerances.fine(step, right, right)
        return rest if max_norm(rest) > noise else np.zeros_like(right)

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
            wrong = np.abs(given - right) > self.tolerances.fine(claim.step, right, given)
            for axis, n in enumerate(right.shape):
                others = tuple(k for k in range(right.ndim) if k != axis)
                zero = np.all(given == 0, axis=others) & np.any(right != 0, axis=others)
                if 0 < zero.sum() < n:
                    self.layout.empty.append((n, tuple(map(int, np.flatnonzero(zero)))))
                rows = np.flatnonzero(np.any(wrong, axis=others))
                if len(rows) == 1:
                    self.layout.alone.setdefault(n, set()).add(int(rows[0]))

    def apply(self, trial: Trial) -> None:
        """Make the mistake for good: what is judged next is judged with it."""
        for claim in trial.explained:
            claim.settled = True
        if trial.local:
            return
        for point in self.at:
            for number, delta in trial.deltas(point).items():
                point.change(self.paths.steps[number], delta)


class Trial:
    """One mistake made at one place: what it gives, and which claims that explains.

    number, idea: which of the mistake's ideas. local: only the array itself is wrong, not what
    follows from it. Where it `fits`: factor, by what the mistaken formula is multiplied as well;
    explained, the claims; error, the largest deviation left; rank, how many changes it takes.
    """

    def __init__(
        self, search: Search, mistake: Mistake, place: Place, number: int, idea: Idea, local: bool
    ) -> None:
        self.search, self.mistake, self.place = search, mistake, place
        self.number, self.idea, self.local = number, idea, local
        self.part = None if mistake.adds else place.part  # the contribution that it replaces
        self.known_factor: float | None = None  # the first claim that fits tells it
        self.explained: list[Claim] = []
        self.error = 0.0
        self.exact = True  # whether it explains all but rounding
        self.changed = 0  # how many numbers it explains that are not right
        self.accident = 0.0  # log10 of how likely the fit is by accident
        self.rank = 0

    def fits(self, array: Array) -> bool:
        """Whether it explains something and contradicts nothing, at every point."""
        search = self.search
        search.tried += 1
        if self.mistake.per_sample:  # with the mean, it is as plain
            search.tried += len(search.factors.samples)
        if not (self.promising(array) and self.worth_trying(array)):
            return False
        return self.agrees(array) and bool(self.explained) and self.holds_elsewhere()

    def worth_trying(self, array: Array) -> bool:
        """Whether the array is not right, and not one that many others would be."""
        stands_for_right = not (self.mistake.by_factor or self.mistake.adds)
        if stands_for_right and nearly_equal(array, self.place.right):
            return False
        return self.mistake.omits or bool(np.any(array))  # times zero, all look the same

    def promising(self, array: Array) -> bool:
        """Whether it may explain one of the claims that it reaches first, as the probes tell."""
        x = self.place.x
        if self.mistake.free or array.shape != x.shape or not self.search.tangents:
            return True
        length = 1e3 * float(np.finfo(x.value.dtype).eps) * norm(array)
        nearest = 1 if self.local else self.mistake.patience  # of a claim at x, that is itself
        for p, u, size, need, rounding in self.needs()[:nearest]:
            have, rounding = float(np.vdot(array, u)), rounding + size * length
            if abs(have - need) <= p.noise + rounding and not self.mistake.by_factor:
                return True
            if abs(have) > p.fine + rounding:
                uncertain = (p.noise + rounding) / abs(have)
                if self.allowed(need / have, uncertain) is not None:
                    return True
        return False

    def needs(self) -> list[tuple[Probe, Array, float, float, float]]:
        """For each probe of x: its tangent and that one's length, what a mistake has to give along
        it, and how much of that is rounding."""
        point, x, search = self.place.point, self.place.x, self.search
        key = ("needs", x.number, self.part)
        if key not in point.kept:
            part, eps = contribution(point, x, self.part), float(np.finfo(x.value.dtype).eps)
            rounding = 1e3 * eps * norm(part)
            seen = [(search.probes[n], u, norm(u)) for n, u in search.tangents[x.number].items()]
            point.kept[key] = [
                (p, u, size, p.off + float(np.vdot(part, u)), rounding * size)
                for p, u, size in seen
            ]
        return point.kept[key]

    def agrees(self, array: Array) -> bool:
        """Whether the array, pulled down unless only it is wrong, contradicts no claim."""
        search, x, point = self.search, self.place.x, self.place.point
        below: Iterable[tuple[int, Array]] = [(x.number, array)]
        if not self.local:
            below = point.pull(x, array.astype(x.value.dtype), search.wanted, search.cut)
        rests, misses = self.rests(), 0
        for number, pulled in below:
            claim = search.claims[number]
            if claim.settled:  # nothing flows there, or it would not be tried
                right = point.gradients[number]
                if max_norm(pulled) > search.tolerances.fine(claim.step, right, right):
                    return False
            elif not self.check(claim, rests[number], pulled):
                misses += 1
                right = point.gradients[number]
                if close(claim.given[0], right, search.tolerances(claim.step, right, right)):
                    return False  # it was right, but for the digits left out
                if misses >= self.mistake.patience and not self.explained:
                    return False
        return True

    def rests(self) -> dict[int, Array]:
        """What stays of each gradient further down without the right contribution."""
        point, x, search = self.place.point, self.place.x, self.search
        key = ("rests", x.number, self.part, search.cut)
        if key not in point.kept:
            start = contribution(point, x, self.part)
            point.kept[key] = {
                number: search.snapped(number, point.gradients[number] - pulled)
                for number, pulled in point.pull(x, start, search.wanted, search.cut)
            }
        return point.kept[key]

    def check(self, claim: Claim, rest: Array, pulled: Array) -> bool:
        """Compare with one claim; the first that fits also gives the factor."""
        given = claim.given[0]
        if given.shape != pulled.shape:
            return False
        if rest.shape != pulled.shape:  # it can only stand for the whole gradient
            if self.part != "all":
                return False
            rest = np.zeros(pulled.shape, rest.dtype)
        size = float(np.vdot(pulled, pulled))
        if not math.isfinite(size):
            return False
        factor = self.known_factor
        if factor is None and size > 0:
            scale = np.asarray(max(max_norm(given), max_norm(rest)), rest.dtype)
            uncertain = self.search.tolerances(claim.step, scale, given)
            slope = float(np.vdot(pulled, given - rest)) / size
            factor = self.allowed(slope, uncertain * math.sqrt(pulled.size / size))
            if factor is None:
                return False
        predicted = rest + pulled * (factor or 0.0)
        tolerance = self.search.tolerances(claim.step, predicted, given)
        deviation = max_norm(given - predicted)
        if not deviation <= tolerance or not self.note(claim, deviation, tolerance):
            return False
        self.known_factor = factor
        return True

    def note(self, claim: Claim, deviation: float, tolerance: float) -> bool:
        """Note that a claim is explained, and how unlikely that is to be an accident."""
        given, right = claim.given[0], self.place.point.gradients[claim.step.number]
        error = deviation / (max(max_norm(given), max_norm(right)) or 1.0)
        smallest = float(np.finfo(given.dtype).eps)
        changed = given.size
        if right.shape == given.shape:
            off = np.abs(given - right) > 2 * tolerance
            changed = int(np.sum(off))
            if self.mistake.zeros and not np.any(given[off]):
                error = smallest = 1e-10
        if not changed:
            return False
        self.exact &= deviation <= self.search.tolerances.fine(claim.step, given, given)
        self.changed += changed
        self.accident += changed * math.log10(min(1.0, 2 * max(error, smallest)))
        self.error = max(self.error, error)
        self.explained.append(claim)
        return True

    def allowed(self, slope: float, uncertain: float) -> float | None:
        """The factor, if it is one that the mistake may have."""
        if not math.isfinite(slope):
            return None
        if self.mistake.free:
            size = slope if self.mistake.positive else abs(slope)
            return slope if size > uncertain else None
        if abs(slope - 1) <= uncertain:
            return None if self.mistake.by_factor else 1.0
        return self.search.factors.nearest(slope, uncertain)

    def wrong(self, point: Point) -> Array | None:
        """What the mistake makes of the contribution that it is about, at a point."""
        idea = self.mistake.idea(dataclasses.replace(self.place, point=point), self.number)
        array = None if idea is None else idea.array  # which is made when it is read
        return None if array is None else self.factor * array

    def delta(self, point: Point) -> Array | None:
        """What the mistake adds to the gradient of its place; None if the shape is another."""
        wrong = self.wrong(point)
        part = contribution(point, self.place.x, self.part)
        wrong = None if wrong is None else broadcast(wrong, part.shape)
        return None if wrong is None else (wrong - part).astype(part.dtype)

    def deltas(self, point: Point) -> dict[int, Array]:
        """What it adds to gradients at a point, by step number."""
        delta = self.delta(point)
        return {} if delta is None else {self.place.x.number: delta}

    def holds_elsewhere(self) -> bool:
        """Whether functions are explained at the other points too."""
        for p, point in enumerate(self.search.at[1:], 1):
            claims = [c for c in self.explained if len(c.given) > p]
            predicted = self.predicted(point) if claims else {}
            for claim in claims:
                given, right = claim.given[p], predicted.get(claim.step.number)
                if right is None or not close(
                    given, right, 10 * self.search.tolerances(claim.step, right, given)
                ):
                    return False
        return True

    def predicted(self, point: Point) -> dict[int, Array | None]:
        """The gradients that the mistake gives at a point."""
        delta, x = self.delta(point), self.place.x
        if delta is None:  # of another shape: it replaces the gradient
            return {x.number: self.wrong(point)}
        pulled = {x.number: delta}
        if not self.local:
            pulled = dict(point.pull(x, delta, self.search.wanted, self.search.cut))
        return {n: point.gradients[n] + d for n, d in pulled.items()}

    # What is said of it

    @property
    def factor(self) -> float:
        """By what the mistaken formula is multiplied as well."""
        return 1.0 if self.known_factor is None else self.known_factor

    @property
    def plain(self) -> bool:
        """Whether the factor belongs to the mistake."""
        mean = self.mistake.per_sample and self.search.factors.is_mean(self.factor)
        return self.factor == 1 or self.mistake.free or mean

    @property
    def accidental(self) -> bool:
        """Whether one of all the mistakes tried may well fit like this by accident."""
        factors, tried, accident = self.search.factors, float(self.search.tried), self.accident
        if self.mistake.free:  # one number was spent on the factor
            accident *= (self.changed - 1) / self.changed
        if not self.plain:
            simple = self.mistake.by_factor and factors.is_simple(self.factor)
            tried = SIMPLE if simple else tried * len(factors)
        return accident + math.log10(tried) > math.log10(BY_ACCIDENT)

    @property
    def changes(self) -> int:
        """How many changes to the right formulas it is."""
        if self.mistake.by_factor:
            return 2 if self.factor < 0 and self.factor != -1 else 1
        return 1 if self.plain else 2

    @property
    def kinds(self) -> list[tuple[str, str]]:
        """The kinds of mistake that it may be, each with its advice."""
        factors = self.search.factors
        if self.mistake.by_factor:
            return list(self.mistake.by_factor(self.factor, factors, self.place))
        shown = factors.text(self.factor)
        more = "" if self.plain else f" And it is {shown} times what that gives."
        advice = self.idea.advice.replace("{factor}", shown)
        return [(self.idea.kind or self.mistake.kind, advice + more)]


class Repeated(Trial):
    """One mistake made at places of the same form, each with those above it made already.

    same: the places, from the cost down, and what gives the mistake's idea there, None if it has
    none. every: those, and what it has at places above them; right: places that must be right.
    """

    def __init__(
        self,
        search: Search,
        mistake: Mistake,
        same: list[tuple[Place, IdeaAt]],
        every: list[tuple[Place, IdeaAt]],
        right: list[Place],
        factor: float,
    ) -> None:
        place, idea = same[len(same) // 2]
        super().__init__(search, mistake, place, 0, idea(), False)  # type: ignore[arg-type]
        self.known_factor = factor
        self.all, self.every, self.right = same, every, right
        self.same: dict[int, list[tuple[Place, IdeaAt]]] = {}
        for place, one in same:
            self.same.setdefault(place.x.number, []).append((place, one))

    def down_to_some(self) -> Iterator[Repeated]:
        """It, and it with fewer places further down, as far as a look does not exclude them.

        The pass below the last place is right, so that each place adds what it does along the
        probes whatever is made below it: one pass tells of all.
        """
        search, x = self.search, self.place.x
        along, need = search.along_all
        passed: list[tuple[Place, Array]] = []
        contradicts: list[int] = []

        def ends(number: int, predicted: Array) -> bool:
            if number in search.claims and self.contradicts(number, predicted):
                contradicts.append(number)
            return bool(contradicts)

        last = self.all[-1][0].x.number
        early = {n for n in search.wanted if search.paths.last_use(n) > last}
        self.made(self.place.point, frozenset(early.union(self.same)), ends, passed)
        have, rounding = 0.0, 0.0
        fit: list[int] = [] if contradicts or along else [len(passed)]
        eps = 1e3 * float(np.finfo(x.value.dtype).eps)
        for n, (place, added) in enumerate(passed, 1):
            if place.x.number in along:
                u = along[place.x.number]
                have += float(np.vdot(added, u))
                rounding += eps * norm(added) * norm(u)
            if n > 1 and abs(have - need) <= len(search.probes) + rounding:
                fit.append(n)
        search.tried += len(passed)
        made = [(place, idea) for place, idea in self.all if idea() is not None] if fit else []
        for n in reversed(fit):
            yield Repeated(search, self.mistake, made[:n], self.every, self.right, self.factor)

    def promising(self, array: Array) -> bool:
        return True

    def worth_trying(self, array: Array) -> bool:
        return True

    def agrees(self, array: Array) -> bool:
        """Whether the pass with all of the mistakes contradicts no claim."""
        search, point = self.search, self.place.point
        new = self.made(point, search.wanted)[0]
        for number, claim in search.claims.items():
            predicted = new.gradients[number]
            if predicted is point.gradients[number] or not claim.given:
                continue
            if self.contradicts(number, predicted):
                return False
            if not claim.settled:
                given = claim.given[0]
                tolerance = search.tolerances(claim.step, predicted, given)
                self.note(claim, max_norm(predicted - given), tolerance)
        return True

    def contradicts(self, number: int, predicted: Array) -> bool:
        """Whether a claim is not what the pass gives."""
        claim, right = self.search.claims[number], self.place.point.gradients[number]
        if claim.settled:
            fine = self.search.tolerances.fine(claim.step, right, right)
            return not close(predicted, right, fine)
        if not claim.given:
            return False
        tolerance = self.search.tolerances(claim.step, predicted, claim.given[0])
        return not close(predicted, claim.given[0], tolerance)

    def made(
        self,
        point: Point,
        wanted: frozenset[int],
        ends: Callable[[int, Array], bool] = lambda number, gradient: False,
        passed: list[tuple[Place, Array]] | None = None,
    ) -> tuple[Point, dict[int, Array]]:
        """The point with the mistake made at all places, as far as wanted, and what that added.

        passed: is told what each place added, in order, as far as the pass came.
        """
        wrong = {n: partial(self._change, same, passed=passed) for n, same in self.same.items()}
        return point.rerun(wrong, wanted, self.search.cut, ends)

    def _change(
        self,
        same: list[tuple[Place, IdeaAt]],
        point: Point,
        passed: list[tuple[Place, Array]] | None = None,
    ) -> Array:
        """What the mistake adds to the gradient of one step, as the point is so far."""
        g = point.gradients[same[0][0].x.number]
        total = np.zeros_like(g)
        for place, idea_at in same:
            idea = idea_at()
            if idea is None:
                continue
            was, place.point = place.point, point  # which the idea reads what arrives from
            try:
                right = contribution(point, place.x, None if self.mistake.adds else place.part)
                array = idea.array
            finally:
                place.point = was
            array = None if array is None else broadcast(array, right.shape)
            added = np.zeros_like(g) if array is None else self.factor * array - right
            total = total + added
            if passed is not None:
                passed.append((place, added))
        return total.astype(g.dtype)

    def deltas(self, point: Point) -> dict[int, Array]:
        return self.made(point, self.search.wanted)[1]

    def predicted(self, point: Point) -> dict[int, Array | None]:
        return dict(self.made(point, self.search.wanted)[0].gradients)

    @property
    def kinds(self) -> list[tuple[str, str]]:
        """The kinds of mistake that it may be, with the places in words."""
        words = "at every step" if self.search.layout.recurs else "in every layer"
        named = self.named([place for place, _ in self.all])
        every = self.named([*self.right, *(p for p, idea in self.every if idea() is not None)])
        to_the_last = named[-1] == every[-1]
        if named[0] != every[0]:
            words += f" from {named[0]}" + " on" * to_the_last
        if not to_the_last:
            words += f" up to {named[-1]}"
        return [
            (kind, f"{advice} So it is {words}: {listed(named)}.") for kind, advice in super().kinds
        ]

    def named(self, places: Iterable[Place]) -> list[str]:
        """The places by name, a use of a leaf by what it is used in, in the order of numbers."""
        below = self.search.layout.below
        names = [below(p.t) if p.leaf and p.t else p.where for p in places]
        return sorted(dict.fromkeys(names), key=numbered)


def _by_key(mistake: Mistake, place: Place) -> dict[Any, Idea]:
    """The mistake's ideas at a place, by what they have in common with those at other places."""
    return dict(keyed(mistake.ideas(place), place))


def _of_key(ideas: Callable[[], dict[Any, Idea]], key: Any) -> Idea | None:
    """The one idea of this key, if there is one."""
    return ideas().get(key)


def norm(array: Array) -> float:
    """The length of all numbers as one vector."""
    return math.sqrt(float(np.vdot(array, array)))


def _shaped(place: Place, array: Array | None) -> Array | None:
    """The array in the shape to be compared; None if there is none."""
    if array is not None and array.shape != place.x.shape and place.part != "all":
        return broadcast(array, place.x.shape)  # NumPy adds the other parts to it
    return array


def both_ends_first(items: Sequence[Any]) -> list[Any]:
    """The last, the first, the last but one, …: near the leaves it is cheap, at the cost likely."""
    half = (len(items) + 1) // 2
    pairs = itertools.zip_longest(reversed(items[len(items) - half :]), items[: len(items) - half])
    return [x for pair in pairs for x in pair][: len(items)]


def findings(trials: list[Trial], claim: Claim, most: int) -> list[Finding]:
    """What explains one claim, the simplest first; one finding for each kind and place."""
    found: dict[tuple[str, str], Finding] = {}
    for trial in trials:
        if claim in trial.explained:
            for kind, advice in trial.kinds:
                where = trial.idea.where or trial.place.layout.place(trial.place.x)
                found.setdefault(
                    (kind, where),
                    Finding(kind, where, trial.factor, advice, trial.error, trial.rank),
                )
    first = {(f.kind, f.rank): f for f in reversed(found.values())}
    # Of one rank, every kind comes before a second place of the same kind.
    order = sorted(found.values(), key=lambda f: (f.rank, first[f.kind, f.rank] is not f))
    return order[:most]
