"""Derivations as people write them: every claim of `notes/` gets the verdict that stands beside it.

A comment on the line where a claim begins says what is expected of it; several claims of a line are
separated by semicolons, in their order:

    $$ dW = dZ X^T, \\quad db = dZ $$ <!-- holds; does not conform: no *sum* over the samples -->

In LaTeX the comment begins with `%`, in plain text with `#`. The cause that is given has a marked
word: one of several, where several repairs are equally small. A claim without a comment, and a
comment without a claim, are differences too. What does not conform, unless sizes happen to be
equal, is wrong there, and silent.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import pytest

import autograd_lite as ag
from autograd_lite.diagnosis.notes import checked_note
from autograd_lite.formula.passages import note_of

pytestmark = pytest.mark.long

NOTES = sorted((Path(__file__).parent / "notes").iterdir())
VERDICTS = ("holds", "wrong", "does not conform", "undefined", "ambiguous", "unread")
EXPECTED = re.compile(rf"(?:<!--|%|#)\s*((?:{'|'.join(VERDICTS)})\b.*?)\s*(?:-->|$)")

Place = tuple[str, int]  # file, or cell of a notebook, and line


@dataclass(frozen=True)
class Expected:
    """What a note's comment says of one claim."""

    place: Place
    verdict: str
    words: tuple[str, ...] = ()  # of which the cause has one


@dataclass(frozen=True)
class Got:
    """What the checker says of one claim."""

    place: Place
    verdict: str
    cause: str = ""
    silent: bool = False
    text: str = ""
    reading: str = ""

    def __str__(self) -> str:
        lines = [f"{self.verdict}{', silent' * self.silent}: {self.text}"]
        lines += [f"{name}: {x}" for name in ("reading", "cause") if (x := getattr(self, name))]
        return "\n        ".join(lines)


def texts(path: Path) -> dict[str, str]:
    """The text of a note; of a notebook, those of its Markdown cells."""
    content = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return {str(path): content}
    return {
        f"{path}, cell {number}": "".join(cell["source"])
        for number, cell in enumerate(json.loads(content)["cells"], 1)
        if cell["cell_type"] == "markdown"
    }


def expected(path: Path) -> list[Expected]:
    """What the comments of a note say, in order."""
    found = []
    for name, text in texts(path).items():
        for number, line in enumerate(text.splitlines(), 1):
            for comment in EXPECTED.findall(line):
                for part in re.split(r";\s*", comment):
                    verdict, _, cause = part.partition(":")
                    words = tuple(re.findall(r"\*(.+?)\*", cause))
                    found.append(Expected((name, number), verdict.strip(), words))
    return found


def got(path: Path) -> list[Got]:
    """What the checker says of the claims of a note, and of what it could not read."""
    report = ag.check_derivation(path)
    claims = [
        Got((c.file, c.line), c.verdict, c.cause, c.silent, c.text, c.reading)
        for c in report.claims
    ]
    unread = [Got((u.source.name, u.line), "unread", u.said, text=u.shown) for u in report.unread]
    return claims + unread


def difference(wanted: Expected | None, found: Got | None) -> str | None:
    """In what the two differ, if they do."""
    if found is None:
        return f"{wanted.verdict} was expected, and nothing is claimed"
    if wanted is None:
        return f"nothing was expected, got {found}"
    silent = wanted.verdict == "does not conform" and found.verdict == "wrong" and found.silent
    if wanted.verdict != found.verdict and not silent:
        return f"{wanted.verdict} was expected, got {found}"
    if wanted.words and not any(word.lower() in found.cause.lower() for word in wanted.words):
        return f"the cause should speak of {' or '.join(wanted.words)}, got {found}"
    return None


def differences(wanted: list[Expected], found: list[Got]) -> list[str]:
    """Line by line, so that one surprise does not shift all that follow."""
    every = []
    for place in sorted({claim.place for claim in [*wanted, *found]}):
        pairs = zip_longest(
            [claim for claim in wanted if claim.place == place],
            [claim for claim in found if claim.place == place],
        )
        said = [difference(*pair) for pair in pairs]
        every += [f"{Path(place[0]).name}:{place[1]}: {text}" for text in said if text]
    return every


@pytest.mark.parametrize("path", NOTES, ids=lambda path: path.name)
def test_every_claim_gets_its_verdict(path):
    found = differences(expected(path), got(path))
    assert not found, f"{len(found)} of {path.name}\n" + "\n".join(found)


@pytest.mark.parametrize("path", NOTES, ids=lambda path: path.name)
def test_what_is_given_as_right_holds_in_its_place(path):
    """It is in the language of the note, and holds where it replaces the claim."""
    claims = ag.check_derivation(path).claims
    failing = sum(claim.verdict != "holds" for claim in claims)
    for claim in claims:
        signs = set("ᵀ∘⊙−∂²½") if claim.passage.latex else {"\\"}  # of the other language
        assert signs.isdisjoint(claim.correct), claim.correct
        parts = [re.sub(r"\\?\s+", r"\\s+", re.escape(x)) for x in claim.text.split(" = ")]
        note, passage = claim.passage.source.text, claim.passage
        pattern = re.compile(r"[\s&]*=[\s&]*".join(parts) + r"(?!\^)")
        found = pattern.search(note, passage.start, passage.end)
        if found and claim.correct and path.suffix != ".ipynb":
            mended = note[: found.start()] + claim.correct + note[found.end() :]
            again = checked_note(note_of(mended, str(path), path.suffix), repairs=False)
            assert len(again.claims) == len(claims)
            assert sum(c.verdict != "holds" for c in again.claims) < failing, claim.correct


def test_the_library_has_every_verdict_and_every_format():
    verdicts = [claim.verdict for path in NOTES for claim in expected(path)]
    assert set(verdicts) == set(VERDICTS)
    assert {path.suffix for path in NOTES} == {".md", ".tex", ".txt", ".ipynb"}
    assert all(expected(path) for path in NOTES)
    assert len(NOTES) >= 40


HERE = ("note.md", 3)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ([], [Got(HERE, "holds")]),
        ([Expected(HERE, "holds")], []),
        ([Expected(HERE, "holds")], [Got(HERE, "wrong")]),
        ([Expected(HERE, "holds")], [Got(("note.md", 4), "holds")]),
        ([Expected(HERE, "wrong", ("sign", "minus"))], [Got(HERE, "wrong", "a factor 2")]),
        ([Expected(HERE, "does not conform")], [Got(HERE, "wrong")]),
        ([Expected(HERE, "holds"), Expected(HERE, "wrong")], [Got(HERE, "holds")] * 2),
    ],
)
def test_a_difference_is_seen(wanted, found):
    assert differences(wanted, found)
    assert not differences(wanted, [Got(e.place, e.verdict, "".join(e.words)) for e in wanted])
