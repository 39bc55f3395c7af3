"""How often `ag.compare` names the mistake in a hand-written backward pass, and at what cost.

    python -m benchmarks.diagnosis [--cases 500] [--rng 0] [--json FILE]

With N cases: N single mistakes in float64 and N in float32, N / 5 handed over as functions, N / 2
pairs of mistakes, N random arrays, N right gradients with 10 % noise, and 2 N right gradients in
each precision; and how the time grows with the steps of a recurrence. Then the models of
`benchmarks/families.py`: N / 10 wrong lines in each, and 4 N right passes in other words. Exit
code 1 if a goal is missed; `--misses 20` prints what was not named; `--only families` leaves the
networks out. See `benchmarks/mistakes.py` for what is planted in networks and what counts as its
place, `benchmarks/edits.py` and `benchmarks/edited.py` for the models.

A mistake counts as *named* if its own kind, at a right place, is among the findings of equal rank
at the top of a gradient that is wrong, in the layer nearest the cost that has one. *Equal*: not
so, but a kind that is the same function on that network is. *Place wrong*: the kind, elsewhere.
For wrong forward values the entries of the values count too.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite.diagnosis import points
from benchmarks import edited, edits, families
from benchmarks.by_hand import Arrays, Problem, backward, random_problem
from benchmarks.mistakes import KINDS
from benchmarks.planting import Case, cases, pair

OUTCOMES = ("named", "equal", "place wrong", "other kind", "unknown", "agrees", "raised")


@dataclass(frozen=True)
class Record:
    """What became of one case. `said`: the kinds and places at the top; `again`: whether
    what is wrong further from the cost is named too, or said to be to check again."""

    description: str
    kind: str
    places: list[str]
    outcome: str
    said: list[str]
    seconds: float
    again: bool = False


def findings(report: Any, names: Iterable[str]) -> list[Any]:
    """The findings of equal rank at the top, of each of these entries that the report has."""
    found = []
    for name in names:
        try:
            entry = report[name]
        except KeyError:
            continue
        found += [f for f in entry.findings if f.rank == entry.findings[0].rank]
    return found


def judge(case: Case) -> Record:
    """Hand the case to `ag.compare` and see what it says."""
    J, gradients, values = case.build()
    start = time.perf_counter()
    try:
        report = ag.compare(J, gradients, values)
    except Exception as error:  # a crash is an outcome, and the other cases still count
        said = [f"{type(error).__name__}: {error}"[:200]]
        seconds = time.perf_counter() - start
        return Record(case.description, case.kind, sorted(case.places), "raised", said, seconds)
    seconds = time.perf_counter() - start
    looked_at = case.first_wrong()
    if case.kind == "forward-differs":
        looked_at = [*(values or {}), *gradients]
    top = findings(report, looked_at)
    if any(case.is_kind(f.kind, f.where) for f in top):
        outcome = "named"
    elif any(case.is_equal(f.kind, f.where) for f in top):
        outcome = "equal"
    elif any(f.kind == case.kind for f in top):
        outcome = "place wrong"
    elif report.ok:
        outcome = "agrees"
    else:
        outcome = "unknown" if all(f.kind == "unknown" for f in top) else "other kind"
    said = sorted({f"{f.kind} at {f.where}" for f in top})
    rest = [name for name in case.wrong if name not in looked_at]
    explained = all(f.kind != "unknown" for name in rest for f in findings(report, [name]))
    again = "again" in str(report) or explained
    where = sorted(case.places)
    return Record(case.description, case.kind, where, outcome, said, seconds, again)


def confusion(records: list[Record], title: str) -> None:
    """One line for each kind planted: how often what became of it, and what was said instead."""
    counts = Counter(record.outcome for record in records)
    print(f"\n{title}")
    print(f"{'planted':<26}{'n':>5}{'named':>7}{'equal':>7}  otherwise said")
    for kind in KINDS:
        own = [record for record in records if record.kind == kind]
        outcomes = Counter(record.outcome for record in own)
        instead: Counter[str] = Counter()
        for record in own:
            if record.outcome not in ("named", "equal"):
                kinds = sorted({text.split(" at ")[0] for text in record.said})
                plain = record.outcome in ("agrees", "raised", "unknown")
                text = record.outcome if plain else " = ".join(kinds[:3])
                instead[text + " (place)" * (record.outcome == "place wrong")] += 1
        said = ", ".join(f"{text} {n}" for text, n in instead.most_common(4))
        if own:
            print(f"{kind:<26}{len(own):>5}{outcomes['named']:>7}{outcomes['equal']:>7}  {said}")
    print(", ".join(f"{outcome} {counts[outcome]}" for outcome in OUTCOMES))


def share(records: list[Record], *outcomes: str) -> float:
    return sum(record.outcome in outcomes for record in records) / max(1, len(records))


def shares(records: list[Record], title: str) -> dict[str, float]:
    named, equal = share(records, "named"), share(records, "named", "equal")
    seconds = np.median([record.seconds for record in records])
    print(
        f"{title}: {named:.1%} named, {equal:.1%} with equal kinds, of {len(records)}; "
        f"{1000 * seconds:.0f} ms in the middle"
    )
    return {"named": named, "named or equal": equal, "cases": len(records)}


def random_gradients(
    rng: np.random.Generator, dtype: Any, noise: str
) -> tuple[Problem, Arrays, Arrays | None]:
    """A network's J, with right gradients, these with noise, or random arrays in their place."""
    problem = random_problem(rng, dtype)
    gradients, inner, values = backward(problem)
    if problem.mean == "cost" and rng.random() < 0.3:
        gradients |= inner
    for name, g in gradients.items():
        normal = rng.normal(size=g.shape).astype(dtype)
        if noise == "random":
            gradients[name] = normal
        elif noise == "noise":
            gradients[name] = g * (1 + normal / 10)
    return problem, gradients, values if rng.random() < 0.3 else None


def false_alarms(count: int, rng: np.random.Generator, noise: str) -> dict[str, Any]:
    """Random arrays and noise have to be unknown: every wrong entry, with no other finding."""
    alarms: Counter[str] = Counter()
    clean = 0
    for _ in range(count):
        problem, gradients, values = random_gradients(rng, np.float64, noise)
        try:
            report = ag.compare(problem.tape(), gradients, values)
            said = {f.kind for name in gradients for f in report[name].findings}
        except Exception as error:  # counted as an alarm
            said = {type(error).__name__}
        clean += said == {"unknown"}
        alarms.update(said - {"unknown"})
    others = ", ".join(f"{kind} {n}" for kind, n in alarms.most_common(6))
    print(f"{noise}: unknown {clean} of {count}  {others}")
    return {"unknown": clean, "of": count, "instead": dict(alarms)}


def agreement(count: int, rng: np.random.Generator, dtype: Any) -> dict[str, int]:
    """Right gradients, written by hand, have to agree."""
    right = 0
    for _ in range(count):
        problem, gradients, values = random_gradients(rng, dtype, "")
        try:
            right += ag.compare(problem.tape(), gradients, values).ok
        except Exception as error:
            print(f"  raised {type(error).__name__}: {error}"[:100])
    print(f"right gradients, {np.dtype(dtype)}: agree {right} of {count}")
    return {"agree": right, "of": count}


def seconds_taken(sizes: tuple[int, ...], m: int, rng: np.random.Generator) -> dict[str, float]:
    """The time for right gradients, for a named mistake, and for one that nothing explains."""
    problem = Problem(
        sizes=sizes,
        activations=("sigmoid", "softmax"),
        loss="cross_entropy",
        batch_axis=1,
        decay=0.0,
        cancelled=True,
        mean="cost",
        X=rng.normal(size=(sizes[0], m)),
        Y=np.eye(sizes[-1])[rng.integers(sizes[-1], size=m)].T,
    )
    problem = problem.elsewhere(rng)
    right = backward(problem)[0]
    noisy = {name: g * (1 + rng.normal(size=g.shape) / 10) for name, g in right.items()}
    given = {
        "right": right,
        "derivative-dropped": backward(problem, {("dZ", 1): "dA"})[0],
        "sign": backward(problem, {("dA", 2): "-W.T @ dZ"})[0],
        "unknown": noisy,
    }
    taken = {}
    for name, gradients in given.items():
        J, start = problem.tape(), time.perf_counter()
        ag.compare(J, gradients)
        taken[name] = time.perf_counter() - start
    texts = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in taken.items())
    print(f"{'-'.join(map(str, sizes))}, {m} samples: {texts}")
    return taken


def seconds_of_steps(steps: int, rng: np.random.Generator) -> dict[str, float]:
    """The time for a recurrence, h = tanh(x U + h W + b), that uses its parameters at each step."""
    U, W, b = (
        ag.Tensor(rng.normal(size=shape) / 4, requires_grad=True, name=name)
        for name, shape in (("U", (4, 16)), ("W", (16, 16)), ("b", (16,)))
    )
    X, h = rng.normal(size=(steps, 8, 4)), rng.normal(size=(1, 16))
    for t in range(steps):
        h = np.tanh((X[t] @ U + h @ W + b).named(f"z{t + 1}")).named(f"h{t + 1}")
    J = np.sum(h * h) / 16
    right = dict(zip("UWb", ag.gradients(J, [U, W, b]), strict=True))
    taken = {}
    for name, given in {
        "right": right,
        "sign": right | {"W": -right["W"]},
        "unknown": {key: rng.normal(size=g.shape) for key, g in right.items()},
    }.items():
        start = time.perf_counter()
        report = ag.compare(J, given)
        taken[name] = time.perf_counter() - start
        if "stopped" in str(report):
            name += " (stopped)"
        print(f"{steps} time steps, {name}: {taken[name.split()[0]]:.2f} s")
    return taken


def pairs(count: int, rng: np.random.Generator) -> tuple[dict[str, Any], list[Record]]:
    """Two mistakes at once: is the nearer one named, and what of the rest?"""
    records = [judge(pair(rng)) for _ in range(count)]
    found = shares(records, "two mistakes, the one nearer the cost")
    found["check again"] = sum(record.again for record in records) / max(1, count)
    print(f"  the rest named too, or said to be to check again: {found['check again']:.1%}")
    return found, records


def measure(n: int, seed: int) -> tuple[dict[str, Any], dict[str, list[Record]]]:
    """Everything, with n cases; what is printed is what is returned."""
    rngs = [np.random.default_rng(part) for part in np.random.SeedSequence(seed).spawn(8)]
    skipped: Counter[str] = Counter()
    single = {
        "float64": (n, cases(rngs[0], np.float64, skipped)),
        "float32": (n, cases(rngs[1], np.float32, skipped)),
        "functions": (n // 5, cases(rngs[2], np.float64, skipped, functions=True)),
    }
    summary: dict[str, Any] = {}
    records: dict[str, list[Record]] = {}
    for name, (count, found) in single.items():
        records[name] = [judge(case) for case in islice(found, count)]
        confusion(records[name], f"{count} single mistakes, {name}")
    print(f"\nnot planted: {', '.join(f'{why} {count}' for why, count in skipped.items())}")
    for name in single:
        summary[name] = shares(records[name], f"single mistakes, {name}")
    summary["pairs"], records["pairs"] = pairs(n // 2, rngs[3])
    for noise, rng in (("random", rngs[4]), ("noise", rngs[5])):
        summary[noise] = false_alarms(n, rng, noise)
    for dtype in (np.float64, np.float32):
        summary[f"right {dtype.__name__}"] = agreement(2 * n, rngs[6], dtype)
    for sizes in ((64, 30, 10), (784, 30, 10)):
        summary["-".join(map(str, sizes))] = seconds_taken(sizes, 500, rngs[7])
    for steps in (10, 50, 200):
        summary[f"{steps} time steps"] = seconds_of_steps(steps, rngs[7])
    return summary, records


def judge_edit(case: edited.Case) -> Record:
    """Hand a wrong line of a model to `ag.compare` and see what it says."""
    J = case.problem.tape()
    start = time.process_time()
    try:
        report = ag.compare(J, case.gradients)
        outcome, said = edited.outcome(case, report, J)
    except Exception as error:  # a crash is an outcome
        outcome, said = "raised", [f"{type(error).__name__}: {error}"[:200]]
    seconds = time.process_time() - start
    places = sorted(case.same[0].target)
    return Record(case.text, case.same[0].what, places, outcome, said, seconds)


def measure_families(n: int, seed: int) -> tuple[dict[str, Any], dict[str, list[Record]]]:
    """For each family: n wrong lines, and how many are named, with kind, place and text."""
    summary: dict[str, Any] = {}
    records: dict[str, list[Record]] = {}
    print(f"\n{'family':<45}{'n':>5}{'named':>7}{'text':>6}{'place':>6}{'kind':>6}", end="")
    print(f"{'unknown':>9}{'agrees':>8}{'raised':>8}   seconds in the middle")
    for number, family in enumerate(families.FAMILIES):
        rng = np.random.default_rng([seed, number])
        own = [judge_edit(case) for case in islice(edited.cases(family, rng), n)]
        counts = Counter(record.outcome for record in own)
        seconds = float(np.median([record.seconds for record in own]))
        shown = [counts[key] for key in ("named", "text", "place", "other kind")]
        shown += [counts[key] for key in ("unknown", "agrees", "raised")]
        print(f"{family.name:<45}{n:>5}", end="")
        print("{:>7}{:>6}{:>6}{:>6}{:>9}{:>8}{:>8}".format(*shown), f"  {seconds:.2f}")
        wrong = n - counts["agrees"] - counts["raised"]
        summary[family.name] = {"named": counts["named"] / n, "rejected": wrong / n, "cases": n}
        records[family.name] = own
    return summary, records


def same_in_other_words(count: int, rng: np.random.Generator) -> dict[str, int]:
    """Right backward passes of all families, written in different ways, have to agree."""
    right = 0
    for number in range(count):
        family = families.FAMILIES[number % len(families.FAMILIES)]
        problem = families.random_problem(family, rng)
        code = compile(edits.in_other_words(problem, rng), "backward", "exec")
        gradients, inner = problem.gradients(code)
        if rng.random() < 0.3:
            gradients |= inner
        try:
            right += ag.compare(problem.tape(), gradients).ok
        except Exception as error:  # counted as an alarm
            print(f"  {family.name}: {type(error).__name__}: {error}"[:100])
    print(f"right passes of all families, in other words: agree {right} of {count}")
    return {"agree": right, "of": count}


def missed_families(summary: dict[str, Any]) -> list[str]:
    """The goals that the families did not reach, in words."""
    missed = []
    for family in families.FAMILIES:
        found = summary[family.name]
        if found["named"] < 0.95:
            missed.append(f"{family.name}: named {found['named']:.0%}")
        if found["rejected"] < 0.995:
            missed.append(f"{family.name}: {1 - found['rejected']:.1%} not rejected")
    if summary["other words"]["agree"] < summary["other words"]["of"]:
        missed.append("a right pass in other words called wrong")
    return missed


def missed_goals(summary: dict[str, Any]) -> list[str]:
    """The goals that were not reached, in words."""
    least = (("float64", 0.95), ("float32", 0.90), ("pairs", 0.80))
    missed = [
        f"{name}: named < {goal:.0%}" for name, goal in least if summary[name]["named"] < goal
    ]
    for name in ("random", "noise"):
        if summary[name]["unknown"] < summary[name]["of"]:
            missed.append(f"{name}: a false alarm")
    for name in ("right float64", "right float32"):
        if summary[name]["agree"] < summary[name]["of"]:
            missed.append(f"{name}: called wrong")
    for name, limit in (("64-30-10", 2), ("784-30-10", 10), ("200 time steps", 60)):
        if max(summary[name].values()) > limit:
            missed.append(f"{name}: more than {limit} s")
    return missed


def main() -> int:
    summary_first = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=summary_first)
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--rng", type=int, default=0)
    parser.add_argument("--only", choices=["networks", "families"], help="leave the others out")
    parser.add_argument("--json", help="write every case and the summary to this file")
    parser.add_argument("--misses", type=int, default=0, help="print so many cases not named")
    args = parser.parse_args()
    points.FAILURES_SHOW = True  # a mistake that cannot be made on a tape is not to fail on it
    summary, records, missed = {}, {}, []
    if args.only != "families":
        summary, records = measure(args.cases, args.rng)
        missed = missed_goals(summary)
    if args.only != "networks":
        found, more = measure_families(max(1, args.cases // 10), args.rng)
        rng = np.random.default_rng([args.rng, len(more)])
        found["other words"] = same_in_other_words(4 * args.cases, rng)
        summary, records, missed = summary | found, records | more, missed + missed_families(found)
    every = [record for found in records.values() for record in found]
    wrong = [record for record in every if record.outcome not in ("named", "equal")]
    for record in wrong[: args.misses]:
        print(f"\n{record.outcome}: {record.kind} at {record.places}\n  {record.description}")
        print(f"  said: {', '.join(record.said)}")
    if args.json:
        listed = {name: [asdict(record) for record in found] for name, found in records.items()}
        with open(args.json, "w") as file:
            json.dump({"summary": summary, "records": listed}, file, indent=1)
    print("\n" + ("not reached: " + "; ".join(missed) if missed else "all goals reached"))
    return bool(missed)


if __name__ == "__main__":
    raise SystemExit(main())
