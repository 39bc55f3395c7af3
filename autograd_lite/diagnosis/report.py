"""What a comparison found: a verdict on each entry, and the mistake that explains it."""

from __future__ import annotations

import html
import json
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from autograd_lite.errors import GradientError
from autograd_lite.graph import Step
from autograd_lite.tensor import Tensor
from autograd_lite.terminal import wrapped_lines

MOST_LINES = 4  # for an entry, one for each kind; `findings` has them all


@dataclass(frozen=True)
class Finding:
    """One mistake that gives the numbers that were handed in.

    kind: its name, as in `transposed`. where: the quantity whose formula is wrong, `Z1` for a wrong
    line dZ1 = …. factor: what the mistaken formula is multiplied by as well (1: nothing).
    advice: one line, with the numbers put in. error: the largest deviation left, relative to the
    largest number. rank: how many changes to the right formulas it takes, every entry that it
    leaves unexplained counted as one more; the simplest come first.
    """

    kind: str
    where: str
    factor: float
    advice: str
    error: float
    rank: int

    def __str__(self) -> str:
        return f"{self.kind} at {self.where}: {self.advice}"


@dataclass(eq=False)
class Entry:
    """The verdict on one array that was handed in.

    label: its tensor's name. shape: the shape it should have. given: the array handed in (None if
    it is missing, or a function raised). verdict: `agrees`, `differs`, `shape` or `missing`.
    error: its largest deviation relative to the largest number of the right one. findings: see
    Finding; the best come first. step: its place on the tape. forward: whether it is a value
    rather than a gradient.
    after: the place of a mistake nearer the cost, to be mended before this entry is looked at.
    """

    label: str
    shape: tuple[int, ...]
    given: np.ndarray | None
    step: Step
    verdict: str = "agrees"
    error: float = 0.0
    findings: list[Finding] = field(default_factory=list)
    forward: bool = False
    after: str | None = None

    @property
    def tensor(self) -> Tensor:
        """The Tensor whose value or gradient this is."""
        return self.step.tensor

    @property
    def best(self) -> list[Finding]:
        """The findings of the first one's rank: equally simple, and equally right."""
        return [f for f in self.findings if f.rank == self.findings[0].rank]

    def as_dict(self) -> dict[str, Any]:
        """What can be written as JSON: no arrays, and None for an error that is not finite."""
        return {
            "name": self.label,
            "shape": list(self.shape),
            "verdict": self.verdict,
            "forward": self.forward,
            "error": self.error if math.isfinite(self.error) else None,
            "after": self.after,
            "findings": [
                {"kind": f.kind, "where": f.where, "advice": f.advice, "rank": f.rank}
                for f in self.findings
            ],
        }

    def __repr__(self) -> str:
        found = ", ".join(f"{f.kind} at {f.where}" for f in self.findings)
        return f"Entry({self.label} {self.shape}: {self.verdict}{found and ': ' + found})"


@dataclass(frozen=True)
class SourceLine:
    """A line of the user's own code: where it stands, its text, and what is said of it."""

    file: str
    number: int
    text: str
    words: str

    def lines(self) -> list[str]:
        """As it is printed."""
        return [f"{_shown_place(self.file, self.number)}  {self.text}", f"  {self.words}"]


@dataclass(frozen=True)
class Repair:
    """Edits of the user's own code after which every gradient is right, at other values too.

    numbers: those of the lines in the file, that of the first edit first. words: what was
    wrong, for each. diff: with - before the old lines and + before the new. kinds: those of the
    table of edits. source: the file's text with them; the file itself is left as it is.
    """

    file: str
    numbers: tuple[int, ...]
    words: tuple[str, ...]
    diff: str
    kinds: tuple[str, ...]
    source: str = field(repr=False)

    def lines(self) -> list[str]:
        """As it is printed."""
        pairs = zip(self.numbers, self.words, strict=True)
        said = [f"{_shown_place(self.file, number)}  {words}" for number, words in pairs]
        return said + [f"  {line}" for line in self.diff.split("\n")]

    def as_dict(self) -> dict[str, Any]:
        """What can be written as JSON."""
        both = {"lines": list(self.numbers), "words": list(self.words)}
        return {"file": self.file, **both, "diff": self.diff, "kinds": list(self.kinds)}


def _shown_place(file: str, line: int) -> str:
    """A line of a file, or of what was typed or stands in a notebook."""
    typed = file.startswith("<") or "ipykernel" in file
    return f"line {line}" if typed else f"{os.path.basename(file)}:{line}"


class Report(Sequence[Entry]):
    """The entries of a comparison, in the order in which they should be looked at.

    It is a sequence of Entry; `report["W1"]` finds one by name, `report[W1]` by its Tensor. It
    prints as a table, and shows itself as one in a notebook.

    Where the user's own code is at hand, `first_wrong` is the line that is the first to go wrong,
    and `repair` the edit that makes every gradient right; None where none was found. notes: what
    was not compared, and what was taken for what.
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = list(entries)
        self.first_wrong: SourceLine | None = None
        self.repair: Repair | None = None
        self.notes: list[str] = []

    @property
    def ok(self) -> bool:
        """Whether everything agrees."""
        return all(entry.verdict == "agrees" for entry in self.entries)

    @property
    def only_rounded(self) -> bool:
        """Whether digits are all that is wrong, and no formula."""
        first = [entry.findings[0] for entry in self.entries if entry.findings]
        return bool(first) and all(finding.kind == "precision" for finding in first)

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __getitem__(self, key: str | Tensor | int) -> Entry:  # type: ignore[override]
        """By name ("W1" or "dW1"), Tensor or position; a gradient goes before a forward value."""
        if isinstance(key, int):
            return self.entries[key]
        for names in ([key], [key[1:]] if isinstance(key, str) and key.startswith("d") else []):
            for entry in sorted(self.entries, key=lambda entry: entry.forward):
                if entry.tensor is key or (isinstance(key, str) and entry.label in names):
                    return entry
        called = repr(key) if isinstance(key, str) else getattr(key, "name", None)
        known = ", ".join(entry.label for entry in self.entries)
        raise KeyError(f"{called} was not compared. These were: {known}")

    def __bool__(self) -> bool:
        return self.ok

    def raise_if_wrong(self) -> None:
        """Raise ag.GradientError, which carries this report, unless everything agrees."""
        if not self.ok:
            raise GradientError(self)

    raise_for_mismatch = raise_if_wrong  # the name that it had in version 0.1

    def score(self) -> float:
        """The share of the gradients that are right, from 0 to 1; forward values do not count."""
        right = [entry.verdict == "agrees" for entry in self.entries if not entry.forward]
        return sum(right) / len(right) if right else 1.0

    def to_json(self) -> str:
        """The report as JSON: `ok`, `score`, the entries with their findings, the notes, the first
        wrong line and its repair, and the text."""
        entries = [entry.as_dict() for entry in self.entries]
        whole = {"ok": self.ok, "score": self.score(), "entries": entries, "notes": self.notes}
        first, repair = self.first_wrong, self.repair
        whole["first_wrong"] = asdict(first) if first else None
        whole["repair"] = repair.as_dict() if repair else None
        whole["text"] = "\n".join(self._lines())
        return json.dumps(whole, ensure_ascii=False, allow_nan=False)

    def rows(self) -> list[tuple[str, str, str, list[str]]]:
        """Label, shape, verdict and the lines that explain it, for every entry."""
        said: set[Finding] = set()
        result = []
        for entry in self.entries:
            label = entry.label + (" (value)" if entry.forward else "")
            result.append((label, str(entry.shape), entry.verdict, _explained(entry, said)))
        return result

    def __str__(self) -> str:
        return wrapped_lines(self._lines())

    def _lines(self) -> list[str]:
        rows = self.rows()
        label = max((len(row[0]) for row in rows), default=0)
        shape = max((len(row[1]) for row in rows), default=0)
        lines = []
        for name, size, verdict, why in rows:
            start = f"{name:<{label}}   {size:<{shape}}  "
            lines.append(f"{start}{verdict:<7}  {why[0] if why else ''}".rstrip())
            lines += [f"{'':<{len(start) + 9}}{more}" for more in why[1:]]
        return lines + self.notes + self.in_source() + self.advice()

    def in_source(self) -> list[str]:
        """What is said of the user's own code."""
        if self.repair is not None:
            return self.repair.lines()
        return self.first_wrong.lines() if self.first_wrong is not None else []

    def advice(self) -> list[str]:
        """What to do next, where more than one thing is wrong or nothing explains it."""
        if self.repair is not None or self.only_rounded:
            return []
        first = [entry.findings[0] for entry in self.entries if entry.findings]
        known = [f for f in first if f.kind not in ("unknown", "precision")]
        if known and len({(f.kind, f.where) for f in first}) > 1:
            place = f"{known[0].kind} at {known[0].where}"
            return [f"More than this is wrong: mend {place} first, then compare again."]
        if first and not known and all(entry.step.op is None for entry in self.entries):
            return ["Hand in dZ and dA of each layer as well: the first wrong one is then named."]
        return []

    def __repr__(self) -> str:
        return f"<comparison of {len(self)}: {'all agree' if self.ok else 'not all agree'}>"

    def _repr_html_(self) -> str:
        colours = {
            "agrees": "#2e7d32",
            "differs": "#c62828",
            "shape": "#ad6800",
            "missing": "#ad6800",
        }
        cell = '<td style="text-align:left;white-space:nowrap'
        body = "".join(
            f'<tr>{cell}"><b>{html.escape(name)}</b></td>{cell}">{html.escape(size)}</td>'
            f'{cell};color:{colours[verdict]}">{verdict}</td>'
            f'<td style="text-align:left">{"<br>".join(map(html.escape, why))}</td></tr>'
            for name, size, verdict, why in self.rows()
        )
        code = html.escape("\n".join(self.in_source()))
        after = "".join(f"<p>{html.escape(line)}</p>" for line in self.notes)
        after += f'<pre style="text-align:left">{code}</pre>' if code else ""
        after += "".join(f"<p>{html.escape(line)}</p>" for line in self.advice())
        return f"<table>{body}</table>{after}"


def _explained(entry: Entry, said: set[Finding]) -> list[str]:
    """The lines for one entry, one for each kind; what an earlier entry said is referred to."""
    lines: list[str] = []
    kinds: dict[str, Finding] = {}
    for finding in entry.best:
        kinds.setdefault(finding.kind, finding)
    advised = {(f.where, f.advice): f for f in reversed(kinds.values())}
    for finding in reversed(advised.values()):  # of two kinds with one advice, the first
        if finding in said and not lines:
            lines = [f"{finding.kind} at {finding.where} (the same mistake explains it)"]
            break
        if len(lines) < MOST_LINES:
            lines.append(("or " if lines else "") + str(finding))
        said.add(finding)
    if entry.after and lines and "(the same" not in lines[0]:
        lines.append(f"(look at this again after mending {entry.after})")
    return lines
