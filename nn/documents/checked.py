"""Everything that can be checked about the documents: `everything` computes it in one go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from nn import closed_form, documents
from nn.documents import Document, Result
from nn.documents.declarations import Conflict, conflicts
from nn.documents.procedures import Run

VERDICTS = {
    "holds": "right on every network that was tried",
    "definition": "it says what its letters stand for, and holds by that",
    "misprint": "as printed it does not conform, or is wrong; the corrected form holds",
    "undefined": "it uses a symbol or an index that does not exist",
    "false": "a claim that a counterexample refutes",
    "error": "could not be judged",
    "convention": "right where it stands, at odds with another place or document",
}
WRONG = ("misprint", "undefined", "false", "error")
PLURALS = {
    "holds": "hold",
    "definition": "by definition",
    "misprint": "misprints",
    "convention": "conventions",
}


@dataclass(frozen=True)
class Checked:
    """The results: of formulas, of procedures, of gradients in training; and what was left out."""

    documents: Sequence[Document]
    results: Sequence[Result]
    runs: Sequence[Run]
    training: Sequence[closed_form.Row]
    skipped: Sequence[str]

    @property
    def as_recorded(self) -> bool:
        """True if every result is the recorded one and every comparison agrees."""
        return (
            not any(result.drifted or result.verdict == "error" for result in self.results)
            and all(run.agrees for run in self.runs)
            and all(row.agrees for row in self.training)
        )

    @cached_property
    def conflicts(self) -> Sequence[Conflict]:
        """Where the documents differ in what they declare."""
        return list(conflicts({d.number: d.note for d in self.documents if d.note}))

    def differences(self, missing: str) -> tuple[list[str], list[list[str]]]:
        """The numbers of the documents, and for each conflict the fact and what each of them has.

        missing: what stands for one that says nothing of it.
        """
        numbers = [document.number for document in self.documents]
        rows = [[c.fact, *(c.found.get(n, missing) for n in numbers)] for c in self.conflicts]
        return numbers, rows

    def counts(self) -> tuple[list[str], list[tuple[Document, list[int], int]]]:
        """The verdicts that occur; for each document, the number of each and of the silent ones."""
        count = Counter((r.document, r.verdict) for r in self.results)
        silent = Counter(r.document for r in self.results if r.silent)
        verdicts = [v for v in VERDICTS if any(count[d.number, v] for d in self.documents)]
        rows = [
            (d, [count[d.number, v] for v in verdicts], silent[d.number]) for d in self.documents
        ]
        return verdicts, rows

    @property
    def summary(self) -> str:
        """One line: how many formulas, of which verdict, and whether that is as recorded."""
        count = Counter(result.verdict for result in self.results)
        silent = sum(result.silent for result in self.results)
        said = [f"{n} {PLURALS.get(v, v)}" for v in VERDICTS if (n := count[v])]
        drifted = sum(result.drifted for result in self.results)
        line = (
            f"{len(self.results)} formulas: {', '.join(said)}; {silent} of the wrong are silent; "
        )
        if written := sum(bool(result.by_hand) for result in self.results):
            line += f"{written} were written by hand; "
        line += "all as recorded" if not drifted else f"{drifted} NOT as recorded"
        apart = sum(not run.agrees for run in self.runs)
        apart += sum(not row.agrees for row in self.training)
        return line + (f"; {apart} comparisons too far apart" if apart else "")


def everything(numbers: Iterable[str] | None = None, rng: int = 0, networks: int = 35) -> Checked:
    """Check these documents; by default all five, and the gradients of networks in training.

    A part whose data is not installed is left out, and `skipped` says so. Raises KeyError for an
    unknown number.
    """
    chosen = [documents.document(number) for number in numbers or documents.NUMBERS]
    results = documents.check(chosen, rng, networks)
    skipped: list[str] = []

    def attempt(compute: Callable[[], Any]) -> Any:
        try:
            return compute()
        except ImportError as problem:
            skipped.append(str(problem))
            return None

    runs = [attempt(lambda d=d: d.run(rng)) for d in chosen if d.run is not None]  # type: ignore[misc]
    training = None if numbers else attempt(lambda: closed_form.compare_training(rng))
    return Checked(chosen, results, [r for r in runs if r], training or [], sorted(set(skipped)))
