"""What a note's check found: each claim with its verdict, and the whole as text, JSON and HTML."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from html import escape
from typing import Any

from autograd_lite.algebra.notation import ATOM, POSTFIX, Notation, Style
from autograd_lite.diagnosis.drawings import AMBIGUOUS, HOLDS, MISFIT, UNDEFINED, WRONG
from autograd_lite.formula.passages import Note, Passage
from autograd_lite.formula.plain import plain_text
from autograd_lite.formula.shapes import written_shape
from autograd_lite.formula.tokens import FormulaError
from autograd_lite.formula.world import World
from autograd_lite.terminal import width, wrapped_lines


def _as_written(s: Any, latex: bool) -> tuple[str, int]:
    return s.label, ATOM


AS_READ = Style(notation=Notation(product=(" · ", r" \cdot ")), letters=_as_written, least=POSTFIX)
VERDICTS_OF_CLAIMS = (HOLDS, WRONG, MISFIT, UNDEFINED, AMBIGUOUS)


@dataclass
class Judged:
    """A claim with its verdict.

    file, line: where it begins. text: as it is written. reading: as it was read, with every bracket
    and product sign, and the shapes of its letters. verdict: holds, wrong, does not conform,
    undefined or ambiguous. silent: it conforms somewhere and is wrong there, so that only a
    comparison of numbers shows it. cause: what is wrong with it. correct: a form that holds, itself
    checked; changed: the parts of it that are new, from where to where. remarks: what was read in a
    way that should be known. passage: where it stands.
    """

    file: str
    line: int
    text: str
    reading: str = ""
    verdict: str = HOLDS
    silent: bool = False
    cause: str = ""
    correct: str = ""
    changed: tuple[tuple[int, int], ...] = ()
    remarks: list[str] = field(default_factory=list)
    passage: Passage | None = field(default=None, repr=False)
    tried: str = ""
    error: float | None = None
    defined: bool = False

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        apart = ("passage", "tried", "error", "defined", "changed")
        return {key: value for key, value in vars(self).items() if key not in apart}

    @property
    def said(self) -> list[tuple[str, str]]:
        """What is said about it, each with its heading."""
        rows = [("read as", self.reading), ("cause", self.cause), ("right", self.correct)]
        return [row for row in rows if row[1]] + [("remark", remark) for remark in self.remarks]

    @property
    def correct_html(self) -> str:
        """The form that holds, with what is new in it marked."""
        parts, at = [], 0
        for start, end in self.changed:
            parts += [escape(self.correct[at:start]), "<mark>", escape(self.correct[start:end])]
            parts.append("</mark>")
            at = end
        return "".join([*parts, escape(self.correct[at:])])


@dataclass
class NoteReport:
    """The claims of a note, judged; true if all hold and everything was read.

    claims: in order. unread: what states something and could not be read, as errors with their
    places, definitions that do not fit among it. said: what the note as a whole was taken to mean.
    stated, passed: how many statements there are, and how many formulas state nothing. defining:
    the lines of declarations, definitions, assignments, and matrices that are drawn with dots;
    unused: those of names that nothing else mentions. drawn: the first drawing of each version.
    """

    note: Note
    claims: list[Judged]
    unread: list[FormulaError]
    said: list[str]
    stated: int
    passed: int
    defining: set[int] = field(default_factory=set)
    unused: set[int] = field(default_factory=set)
    drawn: list[World] = field(default_factory=list, repr=False)

    def __bool__(self) -> bool:
        return not self.unread and all(c.verdict == HOLDS for c in self.claims)

    @property
    def summary(self) -> str:
        """One line: how much was read, judged and passed over."""
        counts = {v: sum(c.verdict == v for c in self.claims) for v in VERDICTS_OF_CLAIMS}
        plural = {HOLDS: "hold", MISFIT: "do not conform"}
        kinds = [f"{n} {plural.get(v, v) if n > 1 else v}" for v, n in counts.items() if n]
        statements = f"{self.stated} statement{'s' * (self.stated != 1)}"
        line = f"{self.note.name}: {statements}, {len(self.claims)} of them claims"
        line += f": {', '.join(kinds)}" if kinds else ""
        line += f"; {len(self.unread)} not read" if self.unread else ""
        passed = "1 formula states" if self.passed == 1 else f"{self.passed} formulas state"
        return f"{line}; {passed} nothing"

    @property
    def formulas(self) -> list[tuple[int, str]]:
        """Every formula as a line of plain text, with the line of the note that it begins on."""
        return [(p.line, plain_text(p.text, self.note.macros)) for p in self.note.passages]

    @property
    def names(self) -> dict[str, tuple[str, str]]:
        r"""The shape of each name, and what it is defined to be; layers as [1], [2], …

        >>> import autograd_lite as ag
        >>> report = ag.check_derivation("X ∈ ℝ^{m×n}, w ∈ ℝ^n\nz = X w")
        >>> report.names["X"], report.names["z"]
        (('m × n', ''), ('m × 1', 'X · w'))
        """
        entries = [entry for world in self.drawn for entry in world.by_number]
        return {
            e.symbol.label: (written_shape(e.symbol.shape), AS_READ(e.meaning) if e.meaning else "")
            for e in entries
        }

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it: the claims, and apart from them what could not be read."""
        unread = [
            {"file": e.source.name, "line": e.line, "column": e.column, "said": e.said}
            for e in self.unread
        ]
        return {"claims": [c.as_dict() for c in self.claims], "unread": unread}

    def __str__(self) -> str:
        lines = [self.summary, *self.said]
        for c in self.claims:
            silent = ", silent" if c.silent else ""
            lines.append(f"{c.file}:{c.line}: {c.verdict}{silent}: {c.text}")
            for heading, text in c.said:
                lines.append(f"    {heading}: {text}")
                if heading == "right":
                    lines += _marks(lines[-1], c)
        return "\n".join([wrapped_lines(lines), *map(str, self.unread)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = []
        for c in self.claims:
            texts = [(h, c.correct_html if h == "right" else escape(t)) for h, t in c.said]
            said = "".join(f"<br><small>{h}: {text}</small>" for h, text in texts)
            verdict = c.verdict + (", silent" if c.silent else "")
            cells = (f"{c.line}", escape(verdict), f"<code>{escape(c.text)}</code>{said}")
            rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
        more = [escape(str(x)) for x in (*self.said, *self.unread)]
        after = "".join(f"<pre>{text}</pre>" for text in more)
        return f"<p>{escape(self.summary)}</p><table>{''.join(rows)}</table>{after}"


def _marks(line: str, claim: Judged) -> list[str]:
    """A line with signs below what is new in the form that holds, if that fits on one line."""
    if not claim.changed or len(line) > (width() or len(line)):
        return []
    first = len(line) - len(claim.correct)
    new = {first + k for start, end in claim.changed for k in range(start, end)}
    shown = [k for k, c in enumerate(line) if not unicodedata.combining(c)]  # the hat of x̂ is above
    return ["".join("^" if k in new else " " for k in shown).rstrip()]
