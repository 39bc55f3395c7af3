"""Plants the mistakes in networks with data, and says of each which others are the same function.

Two mistakes that give the same numbers at two points cannot be told apart, so the kind and place
of either is right; which are so is found by planting all of them and comparing the numbers.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np

from benchmarks.by_hand import Arrays, Edits, Problem, backward, central_differences, random_problem
from benchmarks.mistakes import KINDS, MISTAKES, UNPLANTED, Mistake
from benchmarks.several_uses import penalised, residual, shared, tied


@dataclass(frozen=True)
class Plant:
    """One mistake at one place of one author's pass. No `places`: there is no one place."""

    kind: str
    description: str
    places: frozenset[str]
    give: Callable[[Problem], tuple[Arrays, Arrays, Arrays]]
    shaped: bool = False
    edits: Edits = field(default_factory=dict)


def plants(problem: Problem) -> list[Plant]:
    """Every mistake of the table at every layer of this author's pass, and the few others."""
    found = []
    for mistake in MISTAKES:
        layers = [l for l in range(problem.L, 0, -1) if mistake.applies(problem, l)]
        where = [[l] for l in layers] if mistake.spread != "all" else []
        where += [layers] if mistake.spread != "one" and len(layers) > 1 else []
        for chosen in where:
            edits = mistake.edits(problem, chosen)
            places = frozenset().union(*(mistake.places(problem, l) for l in chosen))
            found.append(line_plant(mistake.kind, edits, places, mistake.shaped))
    return found + other_plants(problem)


def line_plant(kind: str, edits: Edits, places: frozenset[str], shaped: bool = False) -> Plant:
    first = list(edits)[: 2 if len({line for line, _ in edits}) > 1 else 1]
    text = "; ".join(f"{line} of layer {l} = {edits[line, l]}" for line, l in first)
    text += ", and so in every layer" if len({l for _, l in edits}) > 1 else ""
    return Plant(kind, text, places, lambda at: backward(at, edits), shaped, edits)


def other_plants(problem: Problem) -> list[Plant]:
    """What is no wrong line: another step's gradient, another precision, another convention."""

    def added(at: Problem) -> tuple[Arrays, Arrays, Arrays]:
        now, inner, values = backward(at)
        before = backward(replace(at, parameters=at.older))[0]
        return {name: now[name] + before[name] for name in now}, inner, values

    def rounded(dtype: type) -> Callable[[Problem], tuple[Arrays, Arrays, Arrays]]:
        def give(at: Problem) -> tuple[Arrays, Arrays, Arrays]:
            gradients, _, values = backward(at.astype(dtype))
            cast = {name: g.astype(at.X.dtype) for name, g in gradients.items()}
            return cast, {}, {name: v.astype(at.X.dtype) for name, v in values.items()}

        return give

    def differences(at: Problem) -> tuple[Arrays, Arrays, Arrays]:
        step = 1e-3 if at.X.dtype == np.float64 else 3e-2
        return central_differences(at, step), {}, {}

    def per_sample(at: Problem) -> tuple[Arrays, Arrays, Arrays]:
        return backward(replace(at, mean="gradient"))

    def turned(at: Problem) -> tuple[Arrays, Arrays, Arrays]:
        gradients, _, values = backward(at)
        return {name: g.T for name, g in gradients.items()}, {}, values

    anywhere: frozenset[str] = frozenset()
    found = [
        Plant("precision", "the pass in float16", anywhere, rounded(np.float16)),
        Plant("precision", "central differences with a coarse step", anywhere, differences),
        Plant("convention", "dZ and dA without 1/m, dW and db with it", anywhere, per_sample),
        Plant("convention", "rows for columns: each gradient transposed", anywhere, turned, True),
    ]
    if problem.X.dtype == np.float64:
        found.append(Plant("precision", "the pass in float32", anywhere, rounded(np.float32)))
    if problem.kink:
        edits = {
            ("dZ", l): "dA * (Z >= 0)"
            for l in range(1, problem.L + 1)
            if problem.activations[l - 1] == "relu"
        }
        found.append(line_plant("precision", edits, anywhere))
    else:
        found.append(Plant("accumulated", "added to the last step's gradient", anywhere, added))
    return found


@dataclass(frozen=True)
class Case:
    """A mistake to be named. `equivalents`: (kind, place) that are the same function here.

    `build()` gives J on the tape, the wrong gradients by name, and the forward values or None.
    `wrong`: the names of the gradients that are wrong.
    """

    description: str
    kind: str
    places: frozenset[str]
    equivalents: frozenset[tuple[str, str]]
    build: Callable[[], tuple[Any, Arrays, Arrays | None]]
    wrong: tuple[str, ...]

    def first_wrong(self) -> list[str]:
        """The wrong gradients of the layer nearest the cost that has any."""
        layer = lambda name: int("".join(filter(str.isdigit, name)) or 0)
        last = max(map(layer, self.wrong))
        return [name for name in self.wrong if layer(name) == last]

    def is_kind(self, kind: str, where: str) -> bool:
        """Whether this is the planted kind, at a right place."""
        same = {place for other, place in self.equivalents if other == self.kind}
        return kind == self.kind and (not self.places or where in self.places | same)

    def is_equal(self, kind: str, where: str) -> bool:
        """Whether this is the planted kind or one that is the same function."""
        return self.is_kind(kind, where) or (kind, where) in self.equivalents


def distance(given: Arrays, other: Arrays) -> float:
    """The largest difference over the largest value, of the worst array; inf for other shapes."""
    worst = 0.0
    for name, array in given.items():
        if name not in other or np.shape(other[name]) != np.shape(array):
            return np.inf
        size = max(float(np.max(np.abs(array))), float(np.max(np.abs(other[name]))))
        worst = max(worst, float(np.max(np.abs(array - other[name]))) / (size or 1))
    return worst


class NotThere(Exception):
    """The line cannot be written here, or is no mistake here; the message says which."""


def planted(plant: Plant, problem: Problem, with_inner: bool = False) -> Arrays:
    """The gradients that the mistake gives, those of Z and A among them if asked for."""
    try:
        with np.errstate(all="ignore"):
            wrong, inner, _ = plant.give(problem)
            right, right_inner, _ = backward(problem)
    except (NameError, ValueError, IndexError) as error:
        raise NotThere("does not conform") from error
    right_shapes = all(wrong[name].shape == right[name].shape for name in wrong)
    if with_inner and all(inner[name].shape == right_inner[name].shape for name in inner):
        wrong, right = {**wrong, **inner}, {**right, **right_inner}
    if not right_shapes and not plant.shaped:
        raise NotThere("does not conform")
    if not all(np.all(np.isfinite(array)) for array in wrong.values()):
        raise NotThere("is not finite")
    least = 1e-9 if problem.X.dtype == np.float64 else 1e-4
    if distance(wrong, right) < (1e-15 if plant.kind == "precision" else least):
        raise NotThere("is no mistake here")
    return wrong


def differing(wrong: Arrays, right: Arrays, dtype: Any) -> tuple[str, ...]:
    least = 1e-9 if dtype == np.float64 else 1e-4
    names = [name for name in wrong if distance({name: wrong[name]}, right) > least]
    return tuple(names or wrong)


FACTORS = {
    "sign": lambda c, m: c == -1,
    "factor-two": lambda c, m: c in (2, 0.5),
    "accumulated": lambda c, m: c in range(2, 11),
    "missing-mean": lambda c, m: c == m,
    "extra-mean": lambda c, m: c == 1 / m,
    "scale": lambda c, m: c not in (1, -1, 0),
}


def constants(problem: Problem, wrong: Arrays) -> list[Plant]:
    """The kinds that name a constant factor, at every line, if one factor is all that is wrong."""
    right, inner, _ = backward(problem)
    right |= inner
    ratios = []
    for name in [n for n in wrong if np.shape(right.get(n)) == wrong[n].shape]:
        there = np.abs(right[name]) > 1e-9 * np.max(np.abs(right[name]))
        ratios.append(wrong[name][there] / right[name][there])
    ratio = np.concatenate([*ratios, np.ones(1)])
    c = ratio[np.argmax(np.abs(ratio - 1))]
    if not np.all((np.abs(ratio - 1) < 1e-9) | (np.abs(ratio - c) < 1e-9 * abs(c))) or c == 1:
        return []
    named = (-1, 2, 0.5, *range(3, 11), problem.m, 1 / problem.m)
    c = next((float(x) for x in named if abs(x - c) < 1e-9 * abs(x)), float(c))
    found = []
    for kind in [kind for kind, fits in FACTORS.items() if fits(c, problem.m)]:
        for l, line in product(range(problem.L, 0, -1), ("loss", "dZ", "dW", "db", "dA")):
            mistake = Mistake(kind, {line: f"{c!r} * ({{{line}}})"})
            if mistake.applies(problem, l):
                found.append(
                    line_plant(kind, mistake.edits(problem, [l]), mistake.places(problem, l))
                )
    return found


@dataclass(frozen=True)
class Catalogue:
    """All mistakes of a problem, in every author's habits, with the numbers they give there."""

    here: Problem
    there: Problem
    entries: list[tuple[Plant, Problem, Arrays, Arrays]]


def catalogue(problem: Problem, rng: np.random.Generator) -> Catalogue:
    here = problem.astype(float)
    entries = []
    for habit in here.habits():
        for plant in plants(habit):
            entries += numbers(plant, habit)
    return Catalogue(here, here.elsewhere(rng), entries)


def numbers(plant: Plant, problem: Problem) -> list[tuple[Plant, Problem, Arrays, Arrays]]:
    """What the mistake gives there: one entry, or none where it cannot be written."""
    if plant.kind in ("precision", "forward-differs"):
        return []
    try:
        with np.errstate(all="ignore"):
            wrong, inner, _ = plant.give(problem)
    except (NameError, ValueError, IndexError):
        return []
    return [(plant, problem, wrong, inner)]


def same_function(plant: Plant, all_of: Catalogue, with_inner: bool) -> frozenset[tuple[str, str]]:
    """The other (kind, place) whose mistakes give these numbers, here and at a second point."""
    if plant.kind in ("precision", "forward-differs"):
        return frozenset()
    here, there = all_of.here, all_of.there
    given = planted(plant, here, with_inner)
    given_there = planted(plant, there, with_inner)
    entries = list(all_of.entries)
    for habit in here.habits():
        for other in constants(habit, given) if habit.mean == "cost" else []:
            entries += numbers(other, habit)
    found = set()
    for other, habit, wrong, inner in entries:
        if same(given, {**wrong, **inner} if with_inner else wrong):
            own = replace(there, cancelled=habit.cancelled, mean=habit.mean)
            wrong, inner, _ = other.give(own)
            if same(given_there, {**wrong, **inner} if with_inner else wrong):
                found |= {(other.kind, place) for place in other.places or {""}}
    return frozenset(found)


def same(given: Arrays, other: Arrays) -> bool:
    return all(distance({name: given[name]}, other) < 1e-9 for name in given)


def make_case(plant: Plant, problem: Problem, all_of: Catalogue, rng: np.random.Generator) -> Case:
    """The case of one plant; three in ten also hand over dZ and dA, or the forward values."""
    convention = plant.kind == "convention" and not plant.shaped
    with_inner = convention or (problem.mean == "cost" and rng.random() < 0.3)
    wrong = planted(plant, problem, with_inner)
    values = plant.give(problem)[2] or None
    if plant.kind != "forward-differs" and rng.random() < 0.7:
        values = None
    right, inner, _ = backward(replace(problem, mean="cost"))
    equivalents = same_function(plant, all_of, with_inner)
    if plant.shaped:
        names = differing(wrong, {**right, **inner}, problem.X.dtype)
        equivalents |= {("shape", name) for name in names}
        equivalents |= {(plant.kind, name) for name in names}
    return Case(
        f"{plant.description} [{problem.title}]",
        plant.kind,
        plant.places,
        equivalents,
        lambda: (problem.tape(), wrong, values),
        differing(wrong, {**right, **inner}, problem.X.dtype),
    )


def cases(
    rng: np.random.Generator, dtype: Any = float, skipped: Counter[str] | None = None
) -> Iterator[Case]:
    """Cases without end, every kind as often as every other: at each step the rarest so far.

    `skipped` counts the mistakes that could not be planted, by why.
    """
    skipped = Counter() if skipped is None else skipped
    seen = Counter({kind: 0 for kind in KINDS if kind not in UNPLANTED})
    while True:
        problem = random_problem(rng, dtype)
        all_of = catalogue(problem, rng)
        by_kind: dict[str, list[Plant]] = {}
        for plant in plants(problem):
            by_kind.setdefault(plant.kind, []).append(plant)
        wanted = sorted(seen, key=lambda kind: (seen[kind], rng.random()))[:8]
        for kind in wanted:
            if kind == "path-missing":
                found = path_cases(rng, dtype)
                seen[kind] += 1
                yield found[rng.integers(len(found))]
                continue
            candidates = by_kind.get(kind, [])
            for index in rng.permutation(len(candidates)):
                try:
                    case = make_case(candidates[index], problem, all_of, rng)
                except NotThere as why:
                    skipped[str(why)] += 1
                    continue
                seen[kind] += 1
                yield case
                break


def pair(rng: np.random.Generator, dtype: Any = float) -> Case:
    """Two mistakes at once. The case is the one nearer the cost, and `wrong` what shows it alone.

    The layer nearest the cost that is wrong shows the nearer mistake only, and some other
    gradient shows the second: otherwise nothing that is handed over could tell the two apart.
    """
    order = ("loss", "dZ", "dW", "db", "dA")
    while True:
        problem = random_problem(rng, dtype)
        lines = [p for p in plants(problem) if len({l for _, l in p.edits}) == 1 and not p.shaped]
        lines = [p for p in lines if not {line for line, _ in p.edits} & {"Z", "A"}]
        first, second = (lines[i] for i in rng.integers(len(lines), size=2))
        depth = lambda p: min((-l, order.index(line)) for line, l in p.edits)
        if depth(first) >= depth(second) or set(first.edits) & set(second.edits):
            continue
        both = line_plant(first.kind, {**first.edits, **second.edits}, first.places)
        try:
            alone, wrong = planted(first, problem), planted(both, problem)
        except NotThere:
            continue
        right, _, _ = backward(problem)
        names = differing(wrong, right, problem.X.dtype)
        description = f"{first.description}; and {second.description} [{problem.title}]"
        equivalents = same_function(first, catalogue(problem, rng), False)
        build = lambda problem=problem, wrong=wrong: (problem.tape(), wrong, None)
        case = Case(description, first.kind, first.places, equivalents, build, names)
        shown = case.first_wrong()
        least = 1e-9 if dtype == np.float64 else 1e-4
        only = all(distance({name: wrong[name]}, alone) < least for name in shown)
        if only and distance(wrong, alone) > least:
            return case


def path_cases(rng: np.random.Generator, dtype: Any = float) -> list[Case]:
    """One of several uses left out: a residual, a shared weight, a tied one, a penalty on A1."""
    found = []
    for network in (residual, shared, tied, penalised):
        tape, right, wrongs = network(lambda *shape: rng.normal(size=shape).astype(dtype))
        for text, place, wrong in wrongs:
            build = lambda tape=tape, given={**right, **wrong}: (tape(), given, None)
            places = frozenset(place.split())
            title = f"{text} [{network.__name__} network, {np.dtype(dtype)}]"
            found.append(Case(title, "path-missing", places, frozenset(), build, tuple(wrong)))
    return found
