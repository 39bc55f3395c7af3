"""Versions side by side: a section that declares or defines anew what another one did.

Sections of a note go on from each other. Where one contradicts those before it, as a table of two
conventions does, it begins a version of its own, which shares only the sections that it stands in.
"""

from __future__ import annotations

import re
from dataclasses import replace

from autograd_lite.formula.naming import function_and_arguments, taken_apart
from autograd_lite.formula.passages import Section
from autograd_lite.formula.statements import NoteStatement, ReadNote
from autograd_lite.formula.syntax import Differentiation, Name, Scripted, nodes

_UNSEEN = re.compile(r"\\(?:mathbf|boldsymbol|bm|vec)\b|[{}\s]")  # in the letters of a name
REDEFINED = 2  # names that a section must define anew to be a version of its own


def versions(read: ReadNote) -> list[tuple[ReadNote, set[int]]]:
    """What is read with each version, and which of its statements are judged there (by place)."""
    sections: dict[Section, list[NoteStatement]] = {}
    by_row = _tables_by_row(read.statements)
    for statement in read.statements:
        sections.setdefault(_section(statement, by_row), []).append(statement)
    groups: list[list[Section]] = [[]]
    hidden: list[set[str]] = [set()]  # names of outer sections that are others in this version
    for section in sections:
        own = sections[section]
        beside = [s for path in groups[-1] if not _contains(path, section) for s in sections[path]]
        outer = [p for p in sections if p != section and _contains(p, section)]
        above = [s for path in outer for s in sections[path]]
        shadows = _contradicts(own, above)
        is_row = section[:-1] in by_row
        if is_row or shadows or _contradicts(own, beside) or _stands_alone(own, above, beside):
            groups.append(outer)
            hidden.append(
                {_head(s)[1] for s in own if s.kind != "inequality"} if shadows else set()
            )
        groups[-1].append(section)
    return _statements_of(read, by_row, sections, groups, hidden)


def _tables_by_row(statements: list[NoteStatement]) -> set[Section]:
    """The sections whose tables define a name anew in another row: each row is a version."""
    said: dict[tuple[Section, str], tuple[int, str]] = {}
    found: set[Section] = set()
    for s in statements:
        section, name = s.passage.section, _head(s)[1]
        if s.passage.column and name and s.kind == "equality" and _is_forward(s):
            line, rest = said.setdefault((section, name), (s.line, _rest(s)))
            if line != s.line and rest != _rest(s):
                found.add(section[:-1])
    return found


def _section(s: NoteStatement, by_row: set[Section]) -> Section:
    section = s.passage.section
    is_row = s.passage.column and section[:-1] in by_row
    return (*section[:-1], f"row {s.line}") if is_row else section


def _statements_of(
    read: ReadNote,
    by_row: set[Section],
    sections: dict[Section, list[NoteStatement]],
    groups: list[list[Section]],
    hidden: list[set[str]],
) -> list[tuple[ReadNote, set[int]]]:
    """The statements of each group, without the names that are others in it."""
    found: list[tuple[ReadNote, set[int]]] = []
    judged: set[Section] = set()
    for n, group in enumerate(groups):
        own = {id(s) for path in group if path not in judged for s in sections[path]}
        judged |= set(group)
        others = hidden[n] - {""}
        statements = [
            s
            for s in read.statements
            if _section(s, by_row) in group and (id(s) in own or _head(s)[1] not in others)
        ]
        part = replace(read, statements=statements)
        if n:
            part = replace(part, unread=[], passed=0)
        found.append((part, own))
    return found


def _contains(outer: Section, inner: Section) -> bool:
    return inner[: len(outer)] == outer


def _contradicts(statements: list[NoteStatement], before: list[NoteStatement]) -> bool:
    known = {_head(s): _rest(s) for s in reversed(before)}
    redefined = 0
    for s in statements:
        head = _head(s)
        if head[1] and head in known and known[head] != _rest(s):
            if s.kind == "declaration":
                return True
            redefined += _is_forward(s)
    return redefined >= REDEFINED


def _stands_alone(
    own: list[NoteStatement], above: list[NoteStatement], beside: list[NoteStatement]
) -> bool:
    """Whether a section says of a name what another one does not, and needs nothing of others."""
    said = {_head(s) for s in own if s.kind != "inequality"}
    names = {name for _, name in said if name}
    others = {_head(s) for s in beside if s.kind == "declaration"}
    if not any(("declaration", x) in others and ("declaration", x) not in said for x in names):
        return False
    letters = {_letter_of(name) for name in names | {_head(s)[1] for s in above}}
    known = {_letter_of(_head(s)[1]) for s in beside} - letters
    used = {n.text for s in own for n in nodes(s.chain) if isinstance(n, Name)}
    return not used & known


def _letter_of(name: str) -> str:
    return re.split(r"[_^]", name)[0]


def _head(s: NoteStatement) -> tuple[str, str]:
    """What is declared or defined; nothing for other statements."""
    first = function_and_arguments(s.chain.parts[0])[0]
    name = taken_apart(first)
    if name is None or name.operations or s.kind == "inequality":
        return s.kind, ""
    return s.kind, _UNSEEN.sub("", s.passage.source.text[first.start : first.end])


def _rest(s: NoteStatement) -> str:
    last = s.chain.parts[-1]
    return "".join(s.passage.source.text[last.start : last.end].split())


def _is_forward(s: NoteStatement) -> bool:
    """Whether a definition speaks of no derivative."""
    for node in nodes(s.chain):
        if isinstance(node, Differentiation):
            return False
        if isinstance(node, Scripted) and any(x.kind == "′" for x in node.scripts):
            return False
        if isinstance(node, Name) and node.text[:1] in "dδΔ" and len(node.text) <= 2:
            return False
    return True
