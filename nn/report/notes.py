"""The page of a note: the note itself, rendered, with every claim marked (`page_of`)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from autograd_lite.extras import needed
from nn.report import filled_page
from nn.report.markup import Markup, markup, math, tag

NOTE_LEAD = "Derivations as text: every claim judged on drawn sizes."
_PLACE = "\ue000{}\ue001"  # private characters, which no Markdown changes
_PLACES = re.compile("\ue000(\\d+)\ue001")
_PRIVATE = dict.fromkeys((0xE000, 0xE001))
_PRE = '<pre class="scroll">'
_LINE = re.compile(".+")
_TEXT = re.compile(r"<(p|h\d)>(.*?)</\1>", re.DOTALL)
_BLOCK = re.compile(r"<(p|h\d)>.*?</\1>|<t[dh]\b[^>]*>.*?(?=</t[dh]>)", re.DOTALL)
_OPENS, _CLOSES = re.compile(r"(\$\$|\$`?|\\[\[(])$"), re.compile(r"\$\$|`?\$|\\[\])]")
_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---[^\n]*\n?", re.DOTALL)
_COMMENT = re.compile("<!--.*?-->", re.DOTALL)
_NOT_SHOWN = re.compile(r"(?<!\\)%.*|\\(label|tag)\{[^}]*\}|\\(nonumber|notag)\b")
_ARGUMENT = r"\s*\{((?:[^{}]|\{[^{}]*\})*)\}"
_LONGEST = 10_000
_CLASSES = {
    "holds": "holds",
    "silent": "silent",
    "undefined": "undefined",
    "ambiguous": "convention",
}


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
    return markup([
        tag("p", report.summary, class_="outcome" if report else "alarm"),
        [tag("p", said) for said in report.said],
        [tag("div", _rendered(source, report), class_="note") for source in report.note.sources],
        [tag("pre", str(error), class_="alarm scroll") for error in report.unread],
    ])  # fmt: skip


def _rendered(source: Any, report: Any) -> Markup:
    """A text with its mathematics as MathML, and below each block what is said of its claims."""
    macros = report.note.macros
    own = [
        (passage, plain)
        for passage, (_, plain) in zip(report.note.passages, report.formulas, strict=True)
        if passage.source is source
    ]
    text, displays = _with_places(source.text, [passage for passage, _ in own])
    formulas = [
        _formula(passage.text, plain, passage.latex, macros, display)
        for (passage, plain), display in zip(own, displays, strict=True)
    ]
    claims = [
        markup(_claim(claim, macros) for claim in report.claims if claim.passage is passage)
        for passage, _ in own
    ]
    if source.name.endswith((".txt", ".tex")):
        lines = _with_formulas(markup(text), _LINE, formulas, claims, ("</pre>", _PRE))
        return Markup(f"{_PRE}{lines}</pre>".replace(f"{_PRE}</pre>", ""))
    front, text = _FRONT_MATTER.match(text), _FRONT_MATTER.sub("", _COMMENT.sub("", text))
    blocks = _with_formulas(_from_markdown(text), _BLOCK, formulas, claims)
    return markup(
        [front and tag("pre", front[1]), _with_formulas(blocks, _PLACES, formulas, claims)]
    )


def _with_places(text: str, passages: Sequence[Any]) -> tuple[str, list[str]]:
    """A text with a place for each formula and its delimiters, and how each is displayed."""
    parts, displays, at = [], [], 0
    for n, passage in enumerate(passages):
        before, closes = text[at : passage.start], _CLOSES.match(text, passage.end)
        opens = _OPENS.search(before) if closes else None
        delimiter = opens[0] if opens else ""
        apart = delimiter in ("$$", "\\[") or passage.text.startswith("\\begin")
        displays.append("block" if apart else "inline")
        parts += [before.removesuffix(delimiter).translate(_PRIVATE), _PLACE.format(n)]
        at = closes.end() if opens and closes else passage.end
    return "".join([*parts, text[at:].translate(_PRIVATE)]), displays


def _from_markdown(text: str) -> str:
    """Markdown as HTML: headings below that of the section, and boxes that scroll."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.add_render_rule("image", lambda _, tokens, at, *more: markup(f"[{tokens[at].content}]"))
    tokens = parser.parse(text)
    for token in tokens:
        if token.type.startswith("heading"):
            token.tag = f"h{min(int(token.tag[1]) + 2, 6)}"
        token.hidden = False  # as paragraphs are in lists
    html = str(parser.renderer.render(tokens, parser.options, {}))
    html = re.sub(r"<table>.*?</table>", r'<div class="scroll">\g<0></div>', html, flags=re.DOTALL)
    return _TEXT.sub(r'<\1><span class="scroll">\2</span></\1>', html)


def _with_formulas(
    html: str,
    blocks: re.Pattern[str],
    formulas: Sequence[Markup],
    claims: Sequence[Markup],
    around: tuple[str, str] = ("", ""),
) -> Markup:
    """HTML with formulas in their places, and after each block its claims, with what is around."""

    def filled(block: re.Match[str]) -> str:
        said = "".join(claims[int(n)] for n in _PLACES.findall(block[0]))
        inside = _PLACES.sub(lambda place: formulas[int(place[1])], block[0])
        return inside + (said.join(around) if said else "")

    return Markup(blocks.sub(filled, html))


def _formula(
    text: str, plain: str, latex: bool, macros: Mapping[str, Any], display: str = "inline"
) -> Markup:
    """A formula as MathML where its LaTeX is understood, and otherwise as plain text."""
    if not latex:
        return tag("code", text)
    shown = math(_expanded(_NOT_SHOWN.sub("", text), macros), plain, display)
    return tag("span", shown, class_="scroll formula") if display == "block" else shown


def _expanded(latex: str, macros: Mapping[str, Any]) -> str:
    """LaTeX without the macros of its note, those of later lines first: they use the earlier."""
    for name in reversed(list(macros)):
        used = rf"\\{re.escape(name)}(?![a-zA-Z])" + _ARGUMENT * macros[name].arguments
        if len(latex) < _LONGEST:  # macros that use one another may grow without end
            latex = re.sub(used, partial(_body, macros[name]), latex)
    return latex


def _body(macro: Any, use: re.Match[str]) -> str:
    """The body of a macro with the arguments of its use, and none for those that it has not."""
    arguments = {f"#{n}": text for n, text in enumerate(use.groups(), 1)}
    return re.sub(r"#\d", lambda sign: arguments.get(sign[0], ""), macro.body)


def _right(claim: Any, macros: Mapping[str, Any]) -> Markup:
    """The form that holds, in plain text with what is new in it marked."""
    if claim.passage.latex:
        return _formula(claim.correct, claim.correct, True, macros, "block")
    return tag("code", Markup(claim.correct_html))


def _claim(claim: Any, macros: Mapping[str, Any]) -> Markup:
    words = [claim.verdict, *(["silent"] if claim.silent else [])]
    badges = [tag("span", word, class_=f"badge {_CLASSES.get(word, 'misprint')}") for word in words]
    rows = [
        [tag("dt", heading), tag("dd", _right(claim, macros) if heading == "right" else text)]
        for heading, text in claim.said
    ]
    return tag(
        "details",
        tag(
            "summary",
            badges,
            " ",
            _formula(claim.text, claim.text, claim.passage.latex, macros),
            class_="scroll",
        ),
        tag("dl", rows, class_="legend"),
        class_="claim",
        open=None if claim.verdict == "holds" else "",
    )
