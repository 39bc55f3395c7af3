"""What a note's check found: each claim with its verdict, and the whole as text and as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from autograd_lite.diagnosis.drawings import AMBIGUOUS, HOLDS, MISFIT, UNDEFINED, WRONG
from autograd_lite.formula.tokens import FormulaError


@dataclass
class Judged:
    """A claim with its verdict.

    text: as it is written; reading: as it was read; verdict: holds, wrong, does not conform,
    undefined or ambiguous; silent: whether it conforms somewhere and is wrong there, so that only a
    comparison of numbers shows it; cause: what is wrong; correct: the form that holds, checked.
    """

    file: str
    line: int
    text: str
    reading: str = ""
    verdict: str = HOLDS
    silent: bool = False
    cause: str = ""
    correct: str = ""
    remarks: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return dict(vars(self))


@dataclass
class NoteReport:
    """The claims of a note, judged; true if all hold and everything was read.

    claims: in order. unread: what states something and could not be read, as errors with their
    places. problems: definitions that do not fit. passed: how many formulas state nothing.
    """

    name: str
    claims: list[Judged]
    unread: list[FormulaError]
    problems: list[str]
    passed: int
    stated: int
    said: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return not self.unread and all(c.verdict == HOLDS for c in self.claims)

    @property
    def summary(self) -> str:
        """One line: how much was read, judged and passed over."""
        counts = {v: sum(c.verdict == v for c in self.claims) for v in (HOLDS, WRONG, MISFIT, UNDEFINED, AMBIGUOUS)}
        said = ", ".join(f"{n} {v if v != HOLDS or n == 1 else 'hold'}" for v, n in counts.items() if n) or "none"
        unread = f"; {len(self.unread)} not read" if self.unread else ""
        return f"{self.name}: {self.stated} statements, {len(self.claims)} claims: {said}{unread}; {self.passed} formulas state nothing"

    def __str__(self) -> str:
        lines = [self.summary, *self.said]
        for c in self.claims:
            silent = ", silent" if c.silent else ""
            lines.append(f"{c.file}:{c.line}: {c.text}: {c.verdict}{silent}")
            for label, text in (("read as", c.reading), ("cause", c.cause), ("right", c.correct)):
                if text:
                    lines.append(f"    {label}: {text}")
            lines += [f"    {remark}" for remark in c.remarks]
        lines += [f"{p}" for p in self.problems]
        lines += [str(error) for error in self.unread]
        return "\n".join(lines)

    __repr__ = __str__
