"""Cases of the families: a wrong line, the gradients that it gives, and what has to be said of it.

Edits that give the same numbers at two points cannot be told apart, so the answer to any of them
is right. An answer is right if kind, place and text are: the place is what the line computes, or
what it passes on the way there; the text names what was edited, and that it is so at every step.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.graph import steps
from benchmarks.by_hand import Arrays
from benchmarks.edits import ANSWERS, Edit, edits, given
from benchmarks.families import Family, Problem, random_problem
from benchmarks.planting import LEAST, distance

EVERY = re.compile("every step|each step|everywhere")


@dataclass(frozen=True)
class Case:
    """Wrong gradients, and the edits that give them: what is planted first, then its equals."""

    problem: Problem
    same: tuple[Edit, ...]
    gradients: Arrays
    wrong: tuple[str, ...]

    @property
    def text(self) -> str:
        return self.same[0].text


@dataclass(frozen=True)
class Numbers:
    edit: Edit
    gradients: Arrays
    inner: Arrays
    mark: np.ndarray  # projections at two points, by which equal ones are found


def cases(family: Family, rng: np.random.Generator, each: int = 5) -> Iterator[Case]:
    """Cases without end, every way of editing as often as every other."""
    seen: Counter[str] = Counter()
    while True:
        problem = random_problem(family, rng)
        numbers = all_numbers(problem, rng)
        by_what: dict[str, list[Numbers]] = {}
        for n in numbers:
            by_what.setdefault(n.edit.what, []).append(n)
        for what in sorted(by_what, key=lambda what: (seen[what], rng.random()))[:each]:
            chosen = by_what[what][rng.integers(len(by_what[what]))]
            seen[what] += 1
            yield case_of(chosen, numbers, problem, rng)


def all_numbers(problem: Problem, rng: np.random.Generator) -> list[Numbers]:
    """What every edit gives, without those that are no mistake here."""
    there = problem.elsewhere(rng)
    right, inner = problem.gradients()
    directions = {name: rng.normal(size=g.size) for name, g in (right | inner).items()}
    own = mark(right, right, directions)
    found = []
    for edit in edits(problem, rng):
        here = given(problem, edit)
        if here is None or differing(here[0], right) == ():
            continue
        two = given(there, edit)
        second = own if two is None else mark(two[0], right, directions)
        both = np.concatenate([mark(here[0], right, directions), second])
        found.append(Numbers(edit, *here, both))
    return found


def mark(gradients: Arrays, like: Arrays, directions: Arrays) -> np.ndarray:
    """A number for each gradient that is another for nearly every other array."""
    return np.array(
        [
            float(g.ravel() @ directions[name]) if g.size == like[name].size else g.sum()
            for name, g in gradients.items()
        ]
    )


def case_of(
    chosen: Numbers, numbers: list[Numbers], problem: Problem, rng: np.random.Generator
) -> Case:
    equal = [n.edit for n in numbers if n is not chosen and close(n.mark, chosen.mark)]
    right, inner = problem.gradients()
    wrong, between = dict(chosen.gradients), chosen.inner
    if rng.random() < 0.3:
        wrong |= between
    names = differing(wrong, {**right, **inner})
    return Case(problem, (chosen.edit, *equal), wrong, names)


def close(a: np.ndarray, b: np.ndarray) -> bool:
    return bool(np.all(np.abs(a - b) <= 1e-9 * (np.abs(a) + np.abs(b)) + 1e-13))


def differing(wrong: Arrays, right: Arrays) -> tuple[str, ...]:
    """The names of the gradients that are not right."""
    least = LEAST["float64"]
    return tuple(name for name, g in wrong.items() if distance({name: g}, right) > least)


# What has to be said


def outcome(case: Case, report: Any, J: Any) -> tuple[str, list[str]]:
    """What became of a case, and what was said of it."""
    if report.ok:
        return "agrees", []
    wrong = [e for e in report if e.verdict != "agrees"]
    texts = [str(f) for e in wrong[:1] for f in e.findings[:3]]
    said = [f for e in wrong for f in shown(e)]
    if all(f.kind == "unknown" for f in said):
        return "unknown", texts
    order = ("named", "text", "place", "other kind")
    paths = Between(J)
    results = [answer(edit, f, paths) for edit in case.same for f in said]
    return min(results, key=order.index), texts


def shown(entry: Any) -> list[Any]:
    """What is printed for an entry: the findings of the best rank, and the second explanation."""
    return [f for f in entry.findings if f.rank == entry.findings[0].rank]


def answer(edit: Edit, finding: Any, paths: "Between") -> str:
    """How far a finding says what was done: named, or what of it is not right."""
    kinds, words = ANSWERS[edit.what]
    if finding.kind not in kinds.split():
        return "other kind"
    if not at_place(edit, finding, paths):
        return "place"
    text = f"{finding.where}: {finding.advice}"
    there = stems(text) | set(re.findall(r"\w+", text))
    of = {name for name in edit.subject if name in paths.stems}
    of = set() if edit.what in ("axis", "not summed", "power") or "zero" in text else of
    says = re.search(words, f"{finding.kind} {text}") and (not of or of & there)
    summed = finding.where == "J" or edit.target & set(paths.parameters)  # over all the steps
    if edit.every and not summed and not EVERY.search(text):
        return "text"
    if edit.step and not re.search(rf"(?<!\d){edit.step}(?!\d)", text):
        return "text"
    return "named" if says else "text"


def at_place(edit: Edit, finding: Any, paths: "Between") -> bool:
    places = set(edit.target)
    for target in edit.target:
        places |= paths.between(target, edit.used)
    if edit.what in ("factor", "name", "step", "transpose", "order", "product", "rearranged"):
        places |= edit.subject
    if " " in finding.where:  # it has no name, and stands in what its gradient comes from
        places |= edit.used
    return not places or bool(places & stems(finding.where))


def stems(text: str) -> set[str]:
    """The names in a text, with and without the number of a step."""
    words = set(re.findall(r"[A-Za-z_]\w*", text))
    words |= {w[1:] for w in words if w[0] == "d"}
    return words | {w.rstrip("0123456789") for w in words}


class Between:
    """What stands on the tape between two names."""

    def __init__(self, J: Any) -> None:
        recorded = steps(J)
        self.label = {s.number: s.label for s in recorded if s.label}
        self.stems = {name.rstrip("0123456789") for name in self.label.values()}
        self.stems |= set(self.label.values())
        self.parameters = [s.label for s in recorded if s.op is None and s.label]
        self.before: dict[int, set[int]] = {}
        for s in recorded:
            of = [i.number for i in s.inputs if hasattr(i, "number")]
            self.before[s.number] = set(of).union(*(self.before[i] for i in of))
        self.number = {name: number for number, name in self.label.items()}

    def between(self, target: str, used: frozenset[str]) -> set[str]:
        """The names between a quantity and the gradients that its own is computed from."""
        x = self.number.get(target, self.number.get(f"{target}2"))
        found = set()
        for name in used or {"J"}:
            end = self.number.get(name, self.number.get(f"{name}2"))
            if x is None or end is None:
                continue
            for n in self.before[end]:
                if x in self.before[n] and n in self.label:
                    found.add(self.label[n].rstrip("0123456789"))
            if name == "J":
                found.add("J")
        return found
