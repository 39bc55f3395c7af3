"""Every formula of the documents on many more networks than the tests take, and how long it takes.

    python -m benchmarks.documents

For each of two seeds, every formula: those that are read on newly drawn sizes and values, those
that are written in Python on 140 networks (every depth with every kind four times). Then
`autograd-lite check` as it is, timed. Then 1,000 times (`--mutants N`) one token of a formula that
holds is changed at random: an index, a layer, a sign, an operator, a transpose, a factor. After a
change the formula should hold no longer, unless it means the same: the side that was changed has
the value that it had. The other survivors are printed, to be read. Exit code 1 if a verdict is not
as recorded, or a formula that holds or a corrected form is off by more than 1e-10, or more than 2 %
of the changes survive; the time is reported beside its limit, 60 s on 2 cores, and does not fail a
machine that is busy.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from autograd_lite.formula.tokens import Lexer, TextSource
from nn import documents
from nn.documents.checked import everything
from nn.documents.notes import Reading, verdict_of

SEEDS, NETWORKS, SECONDS, MUTANTS, SURVIVING = (1, 2), 140, 60, 1000, 0.02
CLAIMING = ("holds", "convention")
HOLDING = (*CLAIMING, "definition")


def measure(number: str, seed: int) -> bool:
    """Check one document and print a line; whether all is as recorded and exact."""
    start = time.perf_counter()
    results = documents.check(number, rng=seed, networks=NETWORKS)
    seconds = time.perf_counter() - start
    holding = [r.printed_error for r in results if r.verdict in HOLDING]
    errors = [e for e in holding + [r.corrected_error for r in results] if e is not None]
    judges, silent = max(r.judges_error for r in results), sum(r.silent for r in results)
    verdicts = ", ".join(f"{n} {v}" for v, n in Counter(r.verdict for r in results).most_common())
    print(
        f"{number} seed {seed}: {len(results)} formulas ({verdicts}; {silent} silent), "
        f"largest error of what holds {max(errors):.0e}, of central differences {judges:.0e}, "
        f"{seconds:.0f} s"
    )
    drifted = [r for r in results if r.drifted]
    for r in drifted:
        print(f"    {r.label}: {r.verdict}, recorded {r.recorded}; {r.shapes}")
    return not drifted and max(errors) <= 1e-10


SAYING = re.compile(r"[=>:]|\\in\b")  # what a formula that says something has
CHANGES: dict[str, tuple[str, ...]] = {
    "+": ("-",),
    "−": ("+",),
    "∘": ("+",),
    "⊙": ("+",),
    "×": ("+",),
    "ᵀ": ("{2}",),
    **dict.fromkeys("ijknp", tuple("ijknp")),
    "∑": (r"\prod",),
    "log": (r"\exp",),
    "σ": (r"\tanh",),
    "T": ("{-1}",),
    "t": ("{-1}",),
    **dict.fromkeys("WAZHXYbazyJC", tuple("WAZHXYbazyJC")),
}


def mutated(printed: str, rng: np.random.Generator) -> str | None:
    """A text with one token of one of its formulas changed; None where it has no other."""
    formulas = [m for m in re.finditer(r"\$+([^$]+)\$+", printed) if SAYING.search(m[1])]
    if not formulas:
        return None
    at = formulas[rng.integers(len(formulas))].span(1)
    latex = printed[slice(*at)]
    tokens = Lexer(TextSource("formula", latex)).tokens()
    token = tokens[rng.integers(len(tokens))]
    others = [x for x in CHANGES.get(token.text, ()) if x != token.text]
    if token.kind == "number" and token.text.isdigit():
        others = [str(int(token.text) + 1)]
    if not others:
        return None
    new = others[rng.integers(len(others))]
    return f"{printed[: at[0]]}{latex[: token.start]}{new} {latex[token.end :]}{printed[at[1] :]}"


def sides(text: str) -> list[str]:
    """What its formulas have between signs of equality that are in no bracket."""
    found = []
    for formula in re.findall(r"\$\$?(.+?)\$\$?", text, re.DOTALL):
        depth, start = 0, 0
        for at, sign in enumerate(formula):
            depth += (sign in "{[(") - (sign in ")]}")
            if sign == "=" and depth == 0:
                found.append(formula[start:at])
                start = at + 1
        found.append(formula[start:])
    return found


def means_the_same(reading: Reading, printed: str) -> bool:
    """Whether the side that was changed has the value that it had."""
    pairs = zip(sides(reading.printed), sides(printed), strict=False)
    changed = [reading.judged(f"${old} = {new}$") for old, new in pairs if old != new]
    return bool(changed) and all(same.holds and not same.by_definition for same in changed)


def mutants(count: int, rng: np.random.Generator) -> Iterator[tuple[str, str, str]]:
    """Where a formula stands, it with one token changed, and what that did to it.

    That is: noticed, the same in meaning, or survived. A definition may say anything; it is a claim
    that is changed.
    """
    entries = [
        (number, entry)
        for number in documents.NUMBERS
        for entry in documents.document(number).entries
        if not entry.by_hand and entry.verdict in CLAIMING
    ]
    while count:
        number, entry = entries[rng.integers(len(entries))]
        assert entry.reading is not None
        printed = mutated(entry.reading.printed, rng)
        if printed is None:
            continue
        count -= 1
        verdict, *_ = verdict_of(replace(entry.reading, printed=printed))
        outcome = "noticed"
        if verdict == entry.verdict:
            same = means_the_same(entry.reading, printed)
            outcome = "the same in meaning" if same else "survived"
        yield f"{number} {entry.label}", printed, outcome


def survive(count: int) -> bool:
    """Change formulas, print those that hold all the same; whether they are few."""
    outcomes: Counter[str] = Counter()
    for place, printed, outcome in mutants(count, np.random.default_rng(0)):
        outcomes[outcome] += 1
        if outcome == "survived":
            print(f"{place} still holds: {' '.join(printed.split())}")
    print(f"{count} changes of one token: {', '.join(f'{n} {x}' for x, n in outcomes.items())}")
    return outcomes["survived"] <= SURVIVING * count


def main() -> int:
    """Measure everything; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=MUTANTS, metavar="N")
    parser.add_argument("--only-mutants", action="store_true")
    options = parser.parse_args()
    if options.only_mutants:
        return 0 if survive(options.mutants) else 1
    missed = sum(not measure(number, seed) for seed in SEEDS for number in documents.NUMBERS)
    start = time.perf_counter()
    checked = everything()
    seconds = time.perf_counter() - start
    print(checked.summary)
    limit = "within" if seconds <= SECONDS else "OVER"
    print(f"autograd-lite check: {seconds:.0f} s, {limit} the limit of {SECONDS} s")
    few = survive(options.mutants)
    return 0 if not missed and checked.as_recorded and few else 1


if __name__ == "__main__":
    sys.exit(main())
