"""Derivations as people write them: every claim of `notes/` gets the verdict that stands beside it.

A comment on the line where a claim begins says what is expected of it; several claims of a line are
separated by semicolons, in their order:

    $$ dW = dZ X^T, \\quad db = dZ $$ <!-- holds; does not conform: no *sum* over the samples -->

In LaTeX the comment begins with `%`, in plain text with `#`. The cause that is given has the marked
word. A claim without a comment, and a comment without a claim, are differences too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import pytest

import autograd_lite as ag

NOTES = sorted((Path(__file__).parent / "notes").iterdir())
VERDICTS = ("holds", "wrong", "does not conform", "undefined", "ambiguous", "unread")
EXPECTED = re.compile(rf"(?:<!--|%|#)\s*((?:{'|'.join(VERDICTS)})\b.*?)\s*(?:-->|\\n\",?$|\",?$|$)")


@dataclass(frozen=True)
class Expected:
    """What a note's comment says of one claim."""

    line: int
    verdict: str
    word: str  # of the cause, or ""


@dataclass(frozen=True)
class Got:
    """What the checker says of one claim."""

    line: int
    verdict: str
    cause: str
    text: str
    reading: str


def expected(note: str) -> list[Expected]:
    """What the comments of a note say, in order."""
    found = []
    for number, line in enumerate(note.splitlines(), 1):
        for comment in EXPECTED.findall(line):
            for part in re.split(r";\s*", comment):
                verdict, _, cause = part.partition(":")
                word = re.search(r"\*(.+?)\*", cause)
                found.append(Expected(number, verdict.strip(), word[1] if word else ""))
    return found


def got(path: Path) -> list[Got]:
    """What the checker says of a note, in order of lines."""
    report = ag.check_derivation(path)
    claims = [Got(c.line, c.verdict, c.cause or "", c.text, c.reading) for c in report.claims]
    unread = [Got(u.line, "unread", u.message, u.text, "") for u in report.unread]
    return sorted(claims + unread, key=lambda claim: claim.line)


def difference(wanted: Expected | None, found: Got | None) -> str | None:
    """In what the two differ, if they do."""
    if found is None:
        return f"{wanted.line}: {wanted.verdict} was expected, and nothing is claimed"
    said = f"\n    {found.text}\n    read as  {found.reading}\n    cause    {found.cause}"
    if wanted is None:
        return f"{found.line}: nothing was expected, got {found.verdict}{said}"
    if wanted.verdict != found.verdict:
        return f"{found.line}: {wanted.verdict} was expected, got {found.verdict}{said}"
    if wanted.word.lower() not in found.cause.lower():
        return f"{found.line}: the cause should speak of “{wanted.word}”{said}"
    return None


def differences(wanted: list[Expected], found: list[Got]) -> list[str]:
    """Line by line, so that one surprise does not shift all that follow."""
    every = []
    for line in sorted({claim.line for claim in [*wanted, *found]}):
        pairs = zip_longest(
            [claim for claim in wanted if claim.line == line],
            [claim for claim in found if claim.line == line],
        )
        every += [said for pair in pairs if (said := difference(*pair))]
    return every


@pytest.mark.parametrize("path", NOTES, ids=lambda path: path.name)
def test_every_claim_gets_its_verdict(path):
    wanted = expected(path.read_text(encoding="utf-8"))
    assert wanted
    found = differences(wanted, got(path))
    assert not found, f"{len(found)} of {path.name}\n" + "\n".join(found)


def test_the_library_has_every_verdict_and_every_format():
    verdicts = [e.verdict for path in NOTES for e in expected(path.read_text(encoding="utf-8"))]
    assert {verdict: verdicts.count(verdict) > 1 for verdict in VERDICTS} == dict.fromkeys(
        VERDICTS, True
    )
    assert {path.suffix for path in NOTES} == {".md", ".tex", ".txt", ".ipynb"}
    assert len(NOTES) >= 40


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ([], [Got(3, "holds", "", "", "")]),
        ([Expected(3, "holds", "")], []),
        ([Expected(3, "holds", "")], [Got(3, "wrong", "", "", "")]),
        ([Expected(3, "holds", "")], [Got(4, "holds", "", "", "")]),
        ([Expected(3, "wrong", "sign")], [Got(3, "wrong", "a factor 2", "", "")]),
        ([Expected(3, "holds", ""), Expected(3, "wrong", "")], [Got(3, "holds", "", "", "")] * 2),
    ],
)
def test_a_difference_is_seen(wanted, found):
    assert differences(wanted, found)
    assert not differences(wanted, [Got(e.line, e.verdict, e.word, "", "") for e in wanted])
