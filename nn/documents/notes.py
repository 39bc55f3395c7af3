r"""Documents as notes: the formulas of a Markdown file, and what is to be learnt from each.

A section `# …` holds what the formulas after it are about: declarations and the forward pass, which
may begin with conventions of its own. The same heading once more goes back to it.
A section `## …` is one formula, called by its heading, as it is printed; below it, items:

    - misprint, silent            its verdict, `holds` if there is none
    - right: $…$                  the form that holds
    - elsewhere: $…$              the form of another place, with which it is at odds
    - why: …                      in words
    - by hand: …                  why the printed form is not what is judged
    - meaning: $…$                what is judged in its place; without it, an `Entry` of the
                                  document's module

`ag.check_derivation` reads and judges all of them; no number is computed here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import autograd_lite as ag

SECTION = re.compile(r"^(##?) (.*)\n", re.MULTILINE)
OVERRIDE = re.compile(r"\s*(?:\w+: \w+\n)+")
ITEM = re.compile(r"^- (?:(\w[\w ]*): )?((?:.*\n)(?:  .*\n)*)", re.MULTILINE)


@dataclass(frozen=True)
class Reading:
    """A formula to be read, after what it is about; and the forms that it is compared with.

    `meaning` is judged in the place of what is printed, if that cannot be read.
    """

    about: str
    printed: str
    right: str = ""
    elsewhere: str = ""
    meaning: str = ""

    def judged(self, text: str, rng: int = 0) -> Judgement:
        """What becomes of `text`, read after what it is about."""
        before = f"{self.about}\n"
        report = ag.check_derivation(f"{before}{text}\n", rng, repairs=False)
        return Judgement(report, before.count("\n"), text)


@dataclass(frozen=True)
class Judgement:
    """What a note's check says about the formulas below a line."""

    report: Any
    below: int
    source: str

    @cached_property
    def claims(self) -> list[Any]:
        return [c for c in self.report.claims if c.line > self.below]

    @cached_property
    def unread(self) -> list[str]:
        return [error.said for error in self.report.unread if error.line > self.below]

    @property
    def setting_problem(self) -> str:
        """What cannot be read in what the formulas are about."""
        return "; ".join(str(e) for e in self.report.unread if e.line <= self.below)

    @property
    def text(self) -> str:
        """What was read, with its formulas as plain text."""
        formulas = iter([text for line, text in self.report.formulas if line > self.below])
        parts = ((words, next(formulas, "") if f else "") for words, f in _pieces(self.source))
        return " ".join("".join(x for part in parts for x in part).split())

    @property
    def states_something(self) -> bool:
        return bool(self.claims) or any(line > self.below for line in self.report.defining)

    @property
    def holds(self) -> bool:
        """Whether it was read, states something, and is right everywhere."""
        right = all(c.verdict == "holds" for c in self.claims)
        read = not self.unread and not self.setting_problem
        return right and read and self.states_something

    @property
    def by_definition(self) -> bool:
        """Whether it only defines, or repeats what was defined, or is about a name of its own."""
        alone = any(line > self.below for line in self.report.unused)
        return self.holds and (alone or all(c.defined for c in self.claims))

    @property
    def undefined(self) -> bool:
        """Whether it uses what does not exist."""
        if any(e.undefined for e in self.report.unread if e.line > self.below):
            return True
        return any(c.verdict in ("undefined", "ambiguous") for c in self.claims)

    @property
    def silent(self) -> bool:
        return any(c.silent for c in self.claims)

    @property
    def error(self) -> float | None:
        """The largest difference of two sides."""
        return max((c.error for c in self.claims if c.error is not None), default=None)

    @property
    def tried(self) -> str:
        """How often it was right, or wrong, or why it has no value."""
        return "; ".join(dict.fromkeys([*(c.tried for c in self.claims), *self.unread]))


def plain(text: str) -> str:
    """A text with its formulas in the signs of a terminal."""
    return Reading("\\begin{document}", text).judged(text).text


def verdict_of(reading: Reading, rng: int = 0) -> tuple[str, Judgement, Judgement | None]:
    """The verdict on a printed formula, and what was found of it and of the right form."""
    printed = reading.judged(reading.meaning or reading.printed, rng)
    right = reading.judged(reading.right, rng) if reading.right else None
    if printed.setting_problem or not (printed.states_something or printed.unread):
        return "error", printed, right
    if printed.holds:
        other = reading.elsewhere and not reading.judged(reading.elsewhere, rng).holds
        settled = "definition" if printed.by_definition else "holds"
        return "convention" if other else settled, printed, right
    if printed.undefined:
        return "undefined", printed, right
    return "misprint" if right is not None and right.holds else "false", printed, right


@dataclass(frozen=True)
class NoteSection:
    """A section of a note: its heading, the text below it, and its items."""

    heading: str
    text: str
    items: dict[str, str]


def sections(note: str) -> Iterator[tuple[str, NoteSection]]:
    """Every formula's section, with what it is about."""
    found = [*SECTION.finditer(note), None]
    about: dict[str, str] = {}
    name = ""
    for match, after in pairwise(found):
        assert match is not None
        body = note[match.end() : after.start() if after else len(note)]
        if match[1] == "#":
            name = match[2]
            own = OVERRIDE.match(body)
            kept = front_matter(note) + (own[0] if own else "")
            start = f"---\n{kept}---\n\\begin{{document}}\n"  # as LaTeX, which needs no extra
            about.setdefault(name, start + body[own.end() if own else 0 :])
            continue
        first = ITEM.search(body)
        items = {m[1] or "": " ".join(m[2].split()) for m in ITEM.finditer(body)}
        yield (
            about[name],
            NoteSection(match[2], body[: first.start() if first else None], items),
        )


def conventions(note: str) -> dict[str, str]:
    """The lines of the front matter."""
    return dict(line.split(": ", 1) for line in front_matter(note).splitlines())


def front_matter(note: str) -> str:
    return note.split("---\n", 2)[1] if note.startswith("---\n") else ""


def mathematics(text: str) -> str:
    r"""A text as one formula, the words in it as `\text{…}`."""
    parts = []
    for words, formula in _pieces(text):
        parts += [rf"\text{{{words}}}"] if words.strip() else []
        parts += [formula] if formula else []
    return " ".join(parts)


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """The words before each formula, and the formula without its dollars."""
    for piece in re.finditer(r"([^$]*)(?:(\$\$?)(.+?)\2)?", " ".join(text.split())):
        yield piece[1], (piece[3] or "").strip()
