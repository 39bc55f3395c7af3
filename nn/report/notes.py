"""The page of a note: the note itself, rendered, with every claim marked (`page_of`)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from autograd_lite.extras import needed
from nn.report import filled_page
from nn.report.markup import Markup, markup, math, tag

NOTE_LEAD = "Derivations as text: every claim judged on drawn sizes."
_PLACE = "\ue000{}\ue001"  # private characters, which no Markdown changes
_PLACES = re.compile("\ue000(\\d+)\ue001")


def page_of(reports: Sequence[Any]) -> str:
    """The page for reports of `ag.check_derivation`, as HTML.

    Raises ImportError, with the command to type, where a library is missing.
    """
    for module, extra in (
        ("markdown_it", "notes"),
        ("latex2mathml", "report"),
        ("fontTools", "report"),
    ):
        needed(module, f"the page of a note needs {module}", extra)
    sections = [(f"note-{n}", report.note.name, _note(report)) for n, report in enumerate(reports)]
    return filled_page(sections, "Derivations, checked", NOTE_LEAD)


def _note(report: Any) -> Markup:
    parts: list[Any] = [tag("p", report.summary, class_="outcome" if report else "alarm")]
    parts += [tag("p", said) for said in report.said]
    for source in report.note.sources:
        parts.append(_rendered(source, report))
    parts += [tag("pre", str(error), class_="alarm") for error in report.unread]
    return markup(parts)


def _rendered(source: Any, report: Any) -> Markup:
    """A text with its mathematics as MathML, and what is said about its claims below each."""
    text, at = [], 0
    passages = [p for p in report.note.passages if p.source is source]
    for n, passage in enumerate(passages):
        start, end = passage.start, passage.end
        while start > at and source.text[start - 1] in "$":
            start -= 1
        while source.text[end : end + 1] == "$":
            end += 1
        text += [source.text[at:start], _PLACE.format(n)]
        at = end
    text.append(source.text[at:])
    joined = "".join(text)
    if source.name.endswith((".txt", ".tex")):
        html = str(tag("pre", joined))
    else:
        from markdown_it import MarkdownIt

        html = MarkdownIt("commonmark", {"html": False}).enable("table").render(joined)

    def replaced(match: re.Match[str]) -> str:
        number = int(match[1])
        return _passage(passages[number], report) if number < len(passages) else ""

    return Markup(_PLACES.sub(replaced, html))


def _passage(passage: Any, report: Any) -> str:
    own = [c for c in report.claims if c.passage is passage]
    shown = (
        math(passage.text, passage.text, "inline") if passage.latex else tag("code", passage.text)
    )
    return str(markup([shown, map(_claim, own)]))


def _claim(claim: Any) -> Markup:
    words = [claim.verdict, *(["silent"] if claim.silent else [])]
    badges = [tag("span", word, class_=f"badge {_CLASSES.get(word, 'misprint')}") for word in words]
    rows = [[tag("dt", heading), tag("dd", text)] for heading, text in claim.said]
    content = tag("dl", rows, class_="legend")
    inside = tag("summary", badges, " ", tag("code", claim.text))
    return tag("details", inside, content, class_="claim")


_CLASSES = {
    "holds": "holds",
    "silent": "silent",
    "undefined": "undefined",
    "ambiguous": "convention",
}
