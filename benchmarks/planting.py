"""Plants the mistakes in networks with data, and says of each which others are the same function.

Two mistakes that give the same numbers at two points cannot be told apart, so the kind and place
of either is right; which are so is found by planting all of them and comparing the numbers.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np

from benchmarks.by_hand import Arrays, Edits, Problem, backward, central_differences, random_problem
from benchmarks.mistakes import KINDS, MISTAKES, UNPLANTED, Mistake
from benchmarks.several_uses import penalised, recurrent, residual, shared, tied


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
            gradients = backward(at.astype(dtype))[0]
            return {name: g.astype(at.X.dtype) for name, g in gradients.items()}, {}, {}

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
        difference = float(np.max(np.abs(array - other[name])))
        if not np.isfinite(difference):
            return np.inf
        size = max(float(np.max(np.abs(array))), float(np.max(np.abs(other[name]))))
        worst = max(worst, difference / (size or 1))
    return worst


# By how much, relative to the largest value, a mistake has to change something to be one.
LEAST = {"float64": 1e-9, "float32": 1e-4}


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
    least = 1e-15 if plant.kind == "precision" else LEAST[problem.X.dtype.name]
    if distance(wrong, right) < least:
        raise NotThere("is no mistake here")
    return wrong


def differing(wrong: Arrays, right: Arrays, dtype: Any) -> tuple[str, ...]:
    least = LEAST[np.dtype(dtype).name]
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
    for name in [n for n in wrong if n in right and right[n].shape == wrong[n].shape]:
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
            try:
                planted(other, habit, with_inner)
                again = planted(other, own, with_inner)
            except NotThere:
                continue
            if same(given_there, again):
                found |= {(other.kind, place) for place in other.places or {""}}
    return frozenset(found)


def same(given: Arrays, other: Arrays) -> bool:
    return all(distance({name: given[name]}, other) < 1e-9 for name in given)


def make_case(plant: Plant, problem: Problem, all_of: Catalogue, rng: np.random.Generator) -> Case:
    """The case of one plant; three in ten also hand over dZ and dA, or the forward values."""
    convention = plant.kind == "convention" and not plant.shaped
    with_inner = convention or (problem.mean == "cost" and rng.random() < 0.3)
    wrong = planted(plant, problem, with_inner)
    with_values = plant.kind == "forward-differs" or rng.random() < 0.3
    values = (plant.give(problem)[2] or None) if with_values else None
    gradients, inner, _ = backward(replace(problem, mean="cost"))
    names = differing(wrong, {**gradients, **inner}, problem.X.dtype)
    equivalents = same_function(plant, all_of, with_inner)
    if plant.shaped:
        equivalents |= {(kind, name) for kind in ("shape", plant.kind) for name in names}
    return Case(
        description=f"{plant.description} [{problem.title}]",
        kind=plant.kind,
        places=plant.places,
        equivalents=equivalents,
        build=lambda: (problem.tape(), wrong, values),
        wrong=names,
    )


def as_functions(plant: Plant, problem: Problem, names: Iterable[str]) -> dict[str, Any]:
    """The wrong gradients as functions of the parameters, which each runs the whole pass."""
    arguments = ", ".join(problem.parameters)

    def function(name: str) -> Any:
        def at(*arrays: np.ndarray) -> np.ndarray:
            moved = dict(zip(problem.parameters, arrays, strict=True))
            return plant.give(replace(problem, parameters=moved))[0][name]

        return eval(f"lambda {arguments}: at({arguments})", {"at": at})

    return {name: function(name) for name in names}


def cases(
    rng: np.random.Generator,
    dtype: Any = float,
    skipped: Counter[str] | None = None,
    functions: bool = False,
) -> Iterator[Case]:
    """Cases without end, every kind as often as every other: at each step the rarest so far.

    `skipped` counts the mistakes that could not be planted, by why. `functions`: the gradients
    are handed over as functions of the parameters, the few kinds left out that are none.
    """
    skipped = Counter() if skipped is None else skipped
    seen = Counter({kind: 0 for kind in KINDS if kind not in UNPLANTED})
    if functions:
        seen = Counter({kind: 0 for kind in seen if kind not in ("path-missing", "precision")})
    while True:
        problem = random_problem(rng, dtype)
        all_of = catalogue(problem, rng)
        by_kind = plants_by_kind(problem)
        for kind in sorted(seen, key=lambda kind: (seen[kind], rng.random()))[:8]:
            if kind == "path-missing":
                found = path_cases(rng, dtype)
                seen[kind] += 1
                yield found[rng.integers(len(found))]
                continue
            candidates = by_kind.get(kind, [])
            for index in rng.permutation(len(candidates)):
                plant = candidates[index]
                try:
                    case = make_case(plant, problem, all_of, rng)
                except NotThere as why:
                    skipped[str(why)] += 1
                    continue
                if functions and plant.edits:
                    given = as_functions(plant, problem, problem.parameters)
                    values = case.build()[2]
                    build = lambda p=problem, g=given, v=values: (p.tape(), g, v)
                    case = replace(case, build=build)
                seen[kind] += 1
                yield case
                break


def plants_by_kind(problem: Problem) -> dict[str, list[Plant]]:
    by_kind: dict[str, list[Plant]] = {}
    for plant in plants(problem):
        by_kind.setdefault(plant.kind, []).append(plant)
    return by_kind


def pair(rng: np.random.Generator, dtype: Any = float) -> Case:
    """Two mistakes at once, of one line each; the case is the one nearer the cost.

    The layer nearest the cost that is wrong shows the nearer mistake only, and some other
    gradient shows the second: otherwise nothing that is handed over could tell the two apart.
    """
    while True:
        problem = random_problem(rng, dtype)
        local = {
            kind: [plant for plant in found if len(plant.edits) == 1 and not plant.shaped]
            for kind, found in plants_by_kind(problem).items()
            if kind not in ("precision", "forward-differs")
        }
        kinds = [kind for kind, found in local.items() if found]
        two = [local[kinds[i]] for i in rng.integers(len(kinds), size=2)]
        first, second = (found[rng.integers(len(found))] for found in two)
        case = pair_case(first, second, problem, rng)
        if case:
            return case


def pair_case(
    first: Plant, second: Plant, problem: Problem, rng: np.random.Generator
) -> Case | None:
    order = ("loss", "dZ", "dW", "db", "dA")
    depth = [min((-l, order.index(line)) for line, l in p.edits) for p in (first, second)]
    if depth[0] >= depth[1]:
        return None
    edits = {**first.edits, **second.edits}
    both = line_plant(first.kind, edits, first.places)
    dtype = problem.X.dtype
    try:
        alone, wrong = planted(first, problem), planted(both, problem)
        equivalents = same_function(first, catalogue(problem, rng), False)
    except NotThere:
        return None
    case = Case(
        description=f"{first.description}; and {second.description} [{problem.title}]",
        kind=first.kind,
        places=first.places,
        equivalents=equivalents,
        build=lambda: (problem.tape(), wrong, None),
        wrong=differing(wrong, backward(problem)[0], dtype),
    )
    shown = {name: wrong[name] for name in case.first_wrong()}
    least = LEAST[dtype.name]
    return case if distance(shown, alone) < least < distance(wrong, alone) else None


def path_cases(rng: np.random.Generator, dtype: Any = float) -> list[Case]:
    """One of several uses left out: a residual, a shared weight, a tied one, a penalty on A1."""
    found = []
    for network in (residual, shared, recurrent, tied, penalised):
        tape, right, wrongs = network(lambda *shape: rng.normal(size=shape).astype(dtype))
        for text, place, wrong in wrongs:
            build = lambda tape=tape, given={**right, **wrong}: (tape(), given, None)
            places = frozenset(place.split())
            title = f"{text} [{network.__name__} network, {np.dtype(dtype)}]"
            found.append(Case(title, "path-missing", places, frozenset(), build, tuple(wrong)))
    return found
