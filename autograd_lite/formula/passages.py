"""Where a note's formulas stand: in Markdown, LaTeX, notebooks and plain text.

A `Note` has its passages of mathematics in order, each with its place and the section that it
stands in, the macros that it defines, and the conventions of its front matter. Prose is passed
over.
"""

from __future__ import annotations

import json
import os
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from autograd_lite.extras import needed
from autograd_lite.formula.tokens import FormulaError, Macro, TextSource, macros_in

LARGEST = 2_000_000  # characters of a note
Section = tuple[str, ...]  # headings from the outermost in, and the column of a table


@dataclass(frozen=True)
class Passage:
    """A piece of mathematics, `source.text[start:end]`; latex: of LaTeX, or plain text."""

    source: TextSource
    start: int
    end: int
    section: Section = ()
    latex: bool = True
    around: str = ""  # the paragraph that it stands in
    unclosed: bool = False  # a display that goes on to the end of what it stands in
    column: int = 0  # of a table, from 1 on

    @property
    def text(self) -> str:
        """The mathematics as it is written."""
        return self.source.text[self.start : self.end]

    @property
    def line(self) -> int:
        """The line on which it begins."""
        return self.source.place(self.start)[0]


@dataclass
class Note:
    """What was found in a note: its passages, macros, and the conventions of its front matter."""

    name: str
    sources: list[TextSource]
    passages: list[Passage] = field(default_factory=list)
    macros: dict[str, Macro] = field(default_factory=dict)
    conventions: dict[str, str] = field(default_factory=dict)


def note_at(where: str | os.PathLike[str]) -> Note:
    """The note in a file, or in a text with a line break or a sign that no path has.

    Raises OSError for a file that cannot be read, FormulaError for one that is no note.
    """
    text = os.fspath(where)
    if isinstance(where, str) and (set(text) & set("\n=$∂∈") and not os.path.exists(text)):
        kind = ".md" if "$" in text or "\\[" in text or "\\begin" in text else ".txt"
        return note_of(text, "note", ".tex" if "\\begin{document}" in text else kind)
    with open(where, encoding="utf-8-sig", errors="surrogateescape", newline=None) as file:
        content = file.read(LARGEST + 1)
    if (strange := _NO_TEXT.search(content)) is not None:
        byte = ord(strange[0]) & 0xFF  # as `surrogateescape` keeps it
        said = f"this is no text in UTF-8: the byte 0x{byte:02X}"
        raise FormulaError(said, TextSource(text, content), strange.start())
    return note_of(content, text, os.path.splitext(text)[1].lower())


_NO_TEXT = re.compile("[\x00\udc80-\udcff]")


def note_of(text: str, name: str, kind: str = ".md") -> Note:
    """The note that a text is: `.md`, `.tex`, `.ipynb`, or anything else for plain text."""
    if len(text) > LARGEST:
        said = f"a note of more than {LARGEST:,} characters: split it into several"
        raise FormulaError(said, TextSource(name, text[:1000]), 0)
    if kind == ".ipynb":
        return _notebook(text, name)
    source = TextSource(name, text)
    conventions, start = _front_matter(source)
    note = Note(name, [source], macros=macros_in(text), conventions=conventions)
    readers = {".md": _markdown, ".markdown": _markdown, ".tex": _tex}
    note.passages = list(readers.get(kind, _plain_lines)(source, start))
    return note


def _notebook(text: str, name: str) -> Note:
    try:
        cells = json.loads(text)["cells"]
        texts = [
            (n, "".join(cell["source"])) for n, cell in enumerate(cells, 1)
            if cell["cell_type"] == "markdown"
        ]  # fmt: skip
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FormulaError("this is no notebook", TextSource(name, text[:1000]), 0) from error
    note = Note(name, [TextSource(name, "")] if not texts else [])
    for n, content in texts:
        source = TextSource(f"{name}, cell {n}", content)
        note.sources.append(source)
        note.macros |= macros_in(content)
        conventions, start = _front_matter(source) if not note.passages else ({}, 0)
        note.conventions |= conventions
        note.passages += _markdown(source, start)
    return note


_KEY = re.compile(r"\s*([^:\s][^:]*?)\s*:\s*(.*?)\s*$")


def _front_matter(source: TextSource) -> tuple[dict[str, str], int]:
    """The lines `key: value` between two lines `---` at the top, and where they end."""
    text = source.text
    if not text.startswith("---\n"):
        return {}, 0
    end = text.find("\n---", 3)
    if end < 0:
        return {}, 0
    found = {}
    for line in text[4:end].splitlines():
        match = _KEY.match(line)
        if match and not line.lstrip().startswith("#"):
            found[match[1]] = match[2].strip("\"'")
    after = text.find("\n", end + 1)
    return found, len(text) if after < 0 else after + 1


# Mathematics in running text

_OPENINGS = re.compile(
    r"\\begin\{(equation|align|alignat|gather|multline|eqnarray|flalign|displaymath|math)(\*?)\}"
    r"|\$\$|\\\[|\\\(|\$`|\$|(`+)|\\(.)",
    re.DOTALL,
)
_CLOSINGS = {"$$": "$$", "\\[": "\\]", "\\(": "\\)", "$`": "`$", "$": "$"}


def _mathematics(text: str, start: int, end: int, code: bool = True) -> Iterator[tuple[int, int]]:
    """From where to where mathematics stands in a part of a text.

    code: whether backticks are around code, which is passed over; in LaTeX they open a quotation.
    """
    at = start
    while (match := _OPENINGS.search(text, at, end)) is not None:
        opening, at = match[0], match.end()
        if match[3] and code:
            closed = text.find(match[3], at, end)
            at = at if closed < 0 else closed + len(match[3])
        elif match[1]:
            ending = f"\\end{{{match[1]}{match[2]}}}"
            stop = text.find(ending, at, end)
            if stop >= 0:
                yield match.start(), stop + len(ending)
                at = stop + len(ending)
            else:
                yield match.start(), -1
        elif opening in _CLOSINGS:
            closing = _closed(text, at, end, _CLOSINGS[opening])
            if closing is not None:
                if text[at:closing].strip():
                    yield at, closing
                at = closing + len(_CLOSINGS[opening])
            elif opening in ("$$", "\\["):
                yield match.start(), -1


def _closed(text: str, start: int, end: int, closing: str) -> int | None:
    """Where mathematics that begins at `start` ends. A single dollar ends in its paragraph."""
    at = start
    if closing == "$":
        blank = text.find("\n\n", start, end)
        end = blank if blank >= 0 else end
    while (stop := text.find(closing, at, end)) >= 0:
        if closing[0] == "\\" or text[stop - 1] != "\\":
            return stop
        at = stop + 1
    return None


def _markdown(source: TextSource, start: int) -> Iterator[Passage]:
    text = source.text
    starts = [0, *(m.end() for m in re.finditer("\n", text)), len(text) + 1]
    first = text.count("\n", 0, start)
    lines_before = "\n" * first
    tokens = _parser().parse(lines_before + text[start:] if start else text)
    headings = [n for n, token in enumerate(tokens) if token.type == "heading_open"]
    sections = _sections((int(tokens[n].tag[1:]), tokens[n + 1].content) for n in headings)
    at = 0
    for n, token in enumerate(tokens):
        at += token.type == "heading_open"
        if token.map is None:
            continue
        low, high = starts[token.map[0]], min(starts[token.map[1]], len(text))
        path = sections[at]
        if token.type == "fence" and token.info.strip() == "math":
            low, high = starts[token.map[0] + 1], starts[token.map[1] - 1]
            yield Passage(source, low, high, path, True, "")
        elif token.type == "inline" and not _in_table(tokens, n):
            for a, b in _mathematics(text, low, high):
                yield _passage_at(source, a, b, path, text[low:high])
        elif token.type == "math":
            for a, b in _mathematics(text, low, high):
                yield _passage_at(source, a, b, path)
        elif token.type == "tr_open":
            yield from _row(source, low, high, path)


def _sections(headings: Iterable[tuple[int, str]]) -> list[Section]:
    """The section before all headings and after each, of a level and a title: two may be alike."""
    path: list[tuple[int, str]] = []
    found: list[Section] = [()]
    for n, (level, title) in enumerate(headings):
        path = [x for x in path if x[0] < level] + [(level, f"{n}. {title}")]
        found.append(tuple(title for _, title in path))
    return found


def _passage_at(source: TextSource, a: int, b: int, section: Section, around: str = "") -> Passage:
    """A passage; one that is not closed has no end."""
    return Passage(source, a, max(a, b), section, True, around, b < 0)


def _in_table(tokens: list[Any], n: int) -> bool:
    return n > 0 and tokens[n - 1].type in ("td_open", "th_open")


def _row(source: TextSource, low: int, high: int, section: Section) -> Iterator[Passage]:
    """The formulas of a table's row; each column is a section of its own."""
    text = source.text
    line = text[low:high]
    for a, b in _mathematics(text, low, high):
        column = len(re.findall(r"(?<!\\)\|", line[: a - low].lstrip().removeprefix("|")))
        path = (*section, f"column {column + 1}")
        yield Passage(source, a, b, path, True, line, column=column + 1)


def _parser() -> Any:
    """Markdown with tables, and with mathematics on lines of its own as blocks."""
    needed("markdown_it", "notes in Markdown need markdown-it-py", "notes")
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable("table")
    also: Any = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    parser.block.ruler.before("fence", "math", _math_block, also)
    return parser


_BLOCK = re.compile(r"\$\$|\\\[|\\begin\{([a-z]+\*?)\}")


def _math_block(state: Any, start: int, end: int, silent: bool) -> bool:
    """A rule for markdown-it: `$$` and its kin at the start of a line, up to where they end."""
    line = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]]
    match = _BLOCK.match(line)
    if match is None:
        return False
    closing = {"$$": "$$", "\\[": "\\]"}.get(match[0]) or f"\\end{{{match[1]}}}"
    last, found = start, line.find(closing, match.end()) >= 0
    while not found and last + 1 < end:
        last += 1
        found = closing in state.src[state.bMarks[last] : state.eMarks[last]]
    if not found:
        return False
    if silent:
        return True
    token = state.push("math", "", 0)
    token.map = [start, last + 1]
    state.line = last + 1
    return True


_HEADING_LEVELS = ("chapter", "section", "subsection", "subsubsection", "paragraph")
_HEADING = re.compile(rf"\\({'|'.join(_HEADING_LEVELS)})\*?\{{([^}}]*)\}}")


def _tex(source: TextSource, start: int) -> Iterator[Passage]:
    text = re.sub(r"(?<!\\)%.*", lambda m: " " * len(m[0]), source.text)
    text = re.sub(r"\\begin\{verbatim\}.*?\\end\{verbatim\}",
                  lambda m: re.sub(r"[^\n]", " ", m[0]), text, flags=re.DOTALL)  # fmt: skip
    body = text.find("\\begin{document}")
    headings = list(_HEADING.finditer(text))
    sections = _sections((_HEADING_LEVELS.index(m[1]), m[2]) for m in headings)
    for a, b in _mathematics(text, max(start, body), len(text), code=False):
        section = sections[bisect_left(headings, a, key=re.Match.start)]
        low, high = text.rfind("\n\n", 0, a) + 1, text.find("\n\n", b)
        around = text[low : high if high >= 0 else len(text)]
        yield _passage_at(source, a, b, section, around if len(around) < 5000 else "")


def _plain_lines(source: TextSource, start: int) -> Iterator[Passage]:
    """Every line is a passage, joined with those that go on from it; `#` begins a heading."""
    at, open_line = start, None
    section: Section = ()
    for whole in source.text[start:].splitlines(keepends=True):
        line = whole if whole.lstrip().startswith("#") else re.split(r"\s#", whole)[0]  # a comment
        text = line.strip()
        low, at = at, at + len(whole)
        if text.startswith("#"):
            section = (text.lstrip("# "),)
        elif text and text[0] in "=+−-·" and open_line is not None and len(text) > 1:
            open_line = (open_line[0], low + len(line.rstrip()))
            continue
        if open_line is not None:
            yield Passage(source, *open_line, section, False, "")
            open_line = None
        if text and not text.startswith("#"):
            open_line = (low + line.index(text[0]), low + len(line.rstrip()))
    if open_line is not None:
        yield Passage(source, *open_line, section, False, "")
