"""From passages of mathematics to statements: declarations, definitions and claims, ranges."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from autograd_lite.formula.parsing import RESERVED, Parser
from autograd_lite.formula.passages import Note, Passage
from autograd_lite.formula.syntax import Chain, Name, Script, SyntaxNode, inner_fields, nodes
from autograd_lite.formula.token_reader import CLOSES, OPENS, RELATION_SIGNS
from autograd_lite.formula.tokens import (
    FUNCTION_WORDS,
    FormulaError,
    Lexer,
    Macro,
    TextSource,
    Token,
)

MOST_STATEMENTS = 1000
LONGEST_LINK = 80  # characters between a condition and the formula that it is said of
_ENVIRONMENTS = {
    "align",
    "aligned",
    "gather",
    "gathered",
    "equation",
    "multline",
    "eqnarray",
    "split",
}
_WITH_COMMENTS = {"matrix", "pmatrix", "bmatrix", "array"}
_ALIGNED = {"[", "l", "c", "r", "]", "\\\\", "&"}  # \begin{pmatrix*}[l]
_ENVIRONMENTS |= {"alignat", "alignedat", "displaymath", "math", "flalign", "subequations"}
_SEPARATORS = {",", ";", "gap", "⇒", "⟺", "."}
_GOES_ON = {"+", "−", "·", "×", "∘", "⊙"}  # at the start of a row
_INDEX_LETTERS = set("ijlℓt")  # l = L, i = j beside a statement are conditions
_ASSIGNMENTS = {"+=", "−=", "←"}
_PASSED = {"≈", "∝", "→", "~", "⊂", "+=", "−="}  # what states no equality
_WORDS = {"for", "where", "and", "with", "so", "then", "hence", "if", "when", "thus", "all", "or"}
_WORDS |= {"symmetric", "positive", "definite", "invertible", "diagonal", "orthogonal", "any"}
_WORDS |= {"For", "Let", "let", "is", "every", "each"}
_TITLE = re.compile("[A-Z][a-z]{3,}")


@dataclass(frozen=True)
class Range:
    """`for l = 1, …, L`: the letter, and where it begins and ends (which may be downwards)."""

    letter: str
    low: Any
    high: Any


@dataclass(frozen=True)
class NoteStatement:
    """A chain of relations, where it stands, and for which indices.

    kind: `equality`, `declaration`, `inequality`. ranges, conditions: what is said beside it.
    """

    kind: str
    chain: Chain
    passage: Passage
    start: int
    end: int
    ranges: tuple[Range, ...] = ()
    conditions: tuple[Chain, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """As it is written, on one line."""
        return " ".join(self.passage.source.text[self.start : self.end].split())

    @property
    def line(self) -> int:
        """The line on which it begins."""
        return self.passage.source.place(self.start)[0]


@dataclass
class ReadNote:
    """What was read: statements in order, what could not be read, and how much was passed over."""

    note: Note
    statements: list[NoteStatement] = field(default_factory=list)
    unread: list[FormulaError] = field(default_factory=list)
    passed: int = 0
    assigned: set[int] = field(default_factory=set)  # the lines of W += ΔW

    def pass_over(self, passage: Passage, part: Sequence[Token]) -> None:
        """Count a relation that states nothing."""
        self.passed += 1
        if not _ASSIGNMENTS.isdisjoint(t.text for t in part):
            self.assigned.add(passage.source.place(part[0].start)[0])


def read(note: Note) -> ReadNote:
    """The statements of a note."""
    found = ReadNote(note)
    lexed: list[tuple[Passage, list[Token]]] = []
    for passage in note.passages:
        if passage.unclosed:
            continue
        try:
            lexer = Lexer(passage.source, passage.start, passage.end, note.macros)
            lexed.append((passage, lexer.tokens()))
        except FormulaError as error:
            signs = ("=", "\\in") if passage.latex else ("=",)
            prose = not passage.latex and _is_prose(passage.text)
            if any(sign in passage.text for sign in signs) and not prose:
                found.unread.append(error)
            else:
                found.passed += 1
    names = {text for _, tokens in lexed for text in _words_as_names(tokens)}
    pieces = _continued([(passage, _statement_tokens(tokens, names)) for passage, tokens in lexed])
    words = _vocabulary(pieces)
    found.unread += [
        FormulaError("this is not closed", p.source, p.start) for p in note.passages if p.unclosed
    ]
    known: list[Range] = []
    leading: list[Chain] = []  # conditions that stand right before a passage: when i ≠ j: …
    source, end = note.sources[0], 0
    for passage, parts in pieces:
        if len(found.statements) > MOST_STATEMENTS:
            said = f"a note of more than {MOST_STATEMENTS} statements: split it into several"
            found.unread.append(FormulaError(said, passage.source, passage.start))
            break
        between = passage.source.text[end : passage.start] if passage.source is source else "."
        source, end = passage.source, passage.end
        linked = len(between) < LONGEST_LINK and "." not in between
        leading = _read_passage(found, passage, parts, words, known, leading if linked else [])
    return found


def _continued(
    pieces: list[tuple[Passage, list[list[Token]]]],
) -> list[tuple[Passage, list[list[Token]]]]:
    """A display that begins with = goes on from the right side of the one before."""
    found: list[tuple[Passage, list[list[Token]]]] = []
    last: list[Token] = []
    for passage, parts in pieces:
        if parts and parts[0][0].text == "=" and last and found[-1][0].source is passage.source:
            parts = [last + parts[0], *parts[1:]]
        if parts and (at := _last_relation(parts[-1])) is not None:
            last = parts[-1][at + 1 :]
        found.append((passage, parts))
    return found


def _as_error(problem: Exception, passage: Passage) -> FormulaError:
    if isinstance(problem, FormulaError):
        return problem
    return FormulaError("this formula is nested too deeply", passage.source, passage.start)


def _is_prose(text: str) -> bool:
    words = [w for w in text.split() if w.isascii() and w.isalpha() and len(w) > 2]
    return sum(w not in FUNCTION_WORDS | _WORDS for w in words) > 2


def _words_as_names(tokens: list[Token]) -> Iterator[str]:
    r"""Words that are written as prose and are names, by where they stand: \text{loss} = …"""
    for n, token in enumerate(tokens):
        if token.kind == "text" and token.text.isalnum() and token.text not in _WORDS:
            before, after = tokens[n - 1].text if n else "", tokens[n + 1]
            called = after.text == "(" and not after.spaced
            if before in ("_", "^") or called or after.text in ("=", ":=", "∈"):
                yield token.text


def _statement_tokens(tokens: Sequence[Token], names: Collection[str]) -> list[list[Token]]:
    """The tokens of each statement: rows that go on are joined, commas outside brackets part."""
    named = [replace(t, kind="word") if t.kind == "text" and t.text in names else t for t in tokens]
    named = _without_comments(named)
    joined: list[list[Token]] = []
    for row in _display_rows(named):
        first = next((t for t in row if t.text not in ("&", "gap")), row[0])
        goes_on = first.kind == "sign" and first.text in RELATION_SIGNS | _GOES_ON
        if goes_on and joined and not (first.text == "−" and _relation(row)):
            joined[-1] += row
        else:
            joined.append(row)
    return [piece for row in joined for piece in _split(row)]


def _without_comments(tokens: list[Token]) -> list[Token]:
    """The tokens without environments that hold nothing but prose, beside an equation."""
    found: list[Token] = []
    emptied = -1
    for token in tokens:
        found.append(token)
        if token.text == "}" and emptied == len(found) - 1 and found[-2].text == "{":
            del found[-2:]  # of \\textcolor
            emptied = len(found)
        kind, _, name = token.text.partition(" ") if token.kind == "sign" else ("", "", "")
        if kind == "end" and name in _WITH_COMMENTS:
            opens = [n for n, t in enumerate(found) if t.text == f"begin {name}"]
            inside = found[opens[-1] + 1 : -1] if opens else []
            if inside and all(t.kind == "text" or t.text in _ALIGNED for t in inside):
                del found[opens[-1] :]
                emptied = len(found)
    return found


def _display_rows(tokens: Sequence[Token]) -> list[list[Token]]:
    """The rows of a display, apart at its environments and at line breaks outside of brackets."""
    rows: list[list[Token]] = [[]]
    depth = environments = 0
    for token in tokens:
        sign = token.text if token.kind == "sign" else ""
        kind, _, name = sign.partition(" ")
        depth += (sign in OPENS) - (sign in CLOSES)
        is_break = sign == "\\\\" and depth <= 0 and environments <= 0
        if is_break or name in _ENVIRONMENTS:
            rows.append([])
            depth = depth if name else 0
        elif token.kind != "end":
            environments += (kind == "begin") - (kind == "end")
            rows[-1].append(token)
    return [row for row in rows if row]


def _relation(tokens: Iterable[Token]) -> bool:
    """Whether a relation stands outside of brackets."""
    return _last_relation(tokens) is not None


def _last_relation(tokens: Iterable[Token]) -> int | None:
    """Where the last relation outside of brackets stands."""
    depth, found = 0, None
    for n, t in enumerate(tokens):
        depth += (t.text in OPENS) - (t.text in CLOSES) if t.kind == "sign" else 0
        if not depth and t.kind == "sign" and t.text in RELATION_SIGNS:
            found = n
    return found


def _split(row: list[Token]) -> list[list[Token]]:
    """Parts between commas, words and gaps outside of brackets; `1, …, m` stays together."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for n, token in enumerate(row):
        after = row[n + 1] if n + 1 < len(row) else token
        if token.kind == "sign":
            depth += (token.text in OPENS) - (token.text in CLOSES)
            depth += token.text.startswith("begin ") - token.text.startswith("end ")
        if depth > 0:
            parts[-1].append(token)
        elif token.kind == "sign" and token.text == "&":
            before = parts[-1][-1] if parts[-1] else token
            if not ({after.text, before.text} & (RELATION_SIGNS | {"+", "−", "&"})) and parts[-1]:
                parts.append([])
        elif _is_word(token):
            parts += [[token], []]
        elif token.text == ":" and len(parts[-1]) == 3 and _relation(parts[-1]):
            parts[-1].append(token)
            parts.append([])
        elif token.kind == "sign" and token.text in _SEPARATORS and not _is_attribute(token, after):
            parts.append([])
        else:
            parts[-1].append(token)
    return _with_ranges([p for p in parts if p])


def _is_word(token: Token) -> bool:
    """Whether a token is prose."""
    return (
        token.kind == "text" or token.text == "∀" or (token.kind == "word" and token.text in _WORDS)
    )


def _is_attribute(token: Token, after: Token) -> bool:
    """np.sum, W.T: a full stop that ends no sentence."""
    return token.text == "." and not after.spaced and after is not token


def _with_ranges(parts: list[list[Token]]) -> list[list[Token]]:
    """`i = 1` `…` `m` becomes one part again."""
    joined: list[list[Token]] = []
    for n, part in enumerate(parts):
        if (
            joined
            and _relation(joined[-1])
            and not _is_dots(part)
            and _leads_to_dots(parts[n : n + 2])
        ):
            continue  # N − 1 in l = N, N − 1, …, 1
        if joined and (_is_dots(part) or _is_dots(joined[-1][-1:])) and _relation(joined[-1]):
            joined[-1] = joined[-1] + part
        elif joined and len(joined[-1]) == 3 and len(part) == 1 and part[0].kind == "number":
            numbered = joined[-1][1].text == "=" and joined[-1][2].kind == "number"
            joined[-1:] = [joined[-1] + part] if numbered else [joined[-1], part]  # j = 1, 2
        else:
            joined.append(part)
    return joined


def _leads_to_dots(parts: list[list[Token]]) -> bool:
    """Whether this is no statement, and dots follow."""
    return len(parts) == 2 and not _relation(parts[0]) and _is_dots(parts[1])


def _is_dots(part: Sequence[Token]) -> bool:
    return len(part) == 1 and part[0].text == "…"


def _vocabulary(pieces: Iterable[tuple[Passage, list[list[Token]]]]) -> set[str]:
    """Words that the note uses as names: they stand alone before a sign such as =."""
    words: set[str] = set()
    for _, parts in pieces:
        for part in parts:
            heads = [t for t in part if t.kind == "word"]
            signs = [t.text for t in part if t.kind == "sign"]
            if part and part[0].kind == "word" and heads[0] is part[0]:
                rest = part[1].text if len(part) > 1 else ""
                if part[0].text in ("d", "D") and rest == "_":  # d_x f
                    continue
                if (
                    rest in RELATION_SIGNS or rest in ("_", "^", "(", "[", "′") or part[1:2] == []
                ) and (
                    len(part[0].text) == 1 or (signs and rest in RELATION_SIGNS | {"_", "^", "("})
                ):
                    words.add(part[0].text)
    return words - FUNCTION_WORDS - RESERVED


def splitter(words: Collection[str], latex: bool) -> Any:
    """How a run of letters falls into names.

    >>> splitter({"W", "x", "loss"}, latex=False)("Wx"), splitter((), latex=True)("xlogy")
    (['W', 'x'], ['x', 'log', 'y'])
    >>> splitter((), latex=False)("rate")
    ['rate']
    """
    known = FUNCTION_WORDS | RESERVED | set(words)

    def split(word: str) -> list[str]:
        if word in known or not word.isascii() or (word[0] == "d" and len(word) == 2):
            return [word]
        found: list[str] = []
        at = 0
        while at < len(word):
            length = next((n for n in range(min(12, len(word) - at), 1, -1)
                           if word[at : at + n] in known), 1)  # fmt: skip
            if length == 1 and not latex and word[at] not in known:
                return [word]
            found.append(word[at : at + length])
            at += length
        return found

    return split


def _read_passage(
    found: ReadNote, passage: Passage, parts: list[list[Token]], words: set[str],
    known: list[Range], leading: list[Chain],
) -> list[Chain]:  # fmt: skip
    """Add the statements of one passage, under what was said before it; what is said for the next.

    known: the ranges that hold from here on.
    """
    here = StatementsOfPassage(leading)
    ranges: list[Range] = []
    waiting: list[list[Token]] = []  # names before `∈`
    for part in parts:
        if part[0].kind == "text" or (len(part) == 1 and part[0].text in _WORDS | {"∀"}):
            waiting = []
            continue
        is_case = len(part) == 4 and part[-1].text == ":"  # i = j: …
        part = _bare(part)
        if not _relation(part):
            waiting.append(part)
            found.passed += len(parts) == 1
            continue
        if part[0].kind == "sign" and part[0].text in RELATION_SIGNS - {"=", ":="}:  # < 10⁻⁵
            found.passed += 1
            continue
        try:
            statement, extent = _statement(passage, part, words)
        except (FormulaError, RecursionError) as problem:
            error = _as_error(problem, passage)
            if not passage.latex and _is_prose(passage.text):
                found.passed += 1
            else:
                found.unread.append(error)
            waiting = []
            continue
        if isinstance(extent, Range):
            ranges.append(extent)
        elif statement is None:
            found.pass_over(passage, part)
        elif is_case or _is_condition(statement, here.found):
            here.restrict(statement.chain, is_case)
        else:
            here.add(*_of_others(statement, waiting, passage, words, found), statement)
        waiting = []
    letters = {r.letter for r in ranges}
    known[:] = [r for r in known if r.letter not in letters] + ranges
    found.statements += [replace(s, ranges=tuple(known)) for s in here.found]
    return [] if here.found else here.leading


@dataclass
class StatementsOfPassage:
    """The statements of a passage, each under its conditions.

    A condition is said of the statements before it, up to the condition before; one that stands
    before all of them, or before a colon, of those that follow.
    """

    leading: list[Chain]
    found: list[NoteStatement] = field(default_factory=list)
    since: int = 0  # of which the next condition is said
    after_condition: bool = False

    def add(self, *statements: NoteStatement) -> None:
        """Statements, under the conditions before them and below their letters."""
        if self.after_condition:
            self.since, self.after_condition = len(self.found), False
        for s in statements:
            below = tuple(x.items[0] for x in nodes(s.chain) if _is_index_with_condition(x))
            chain = _without_conditions(s.chain) if below else s.chain
            self.found.append(replace(s, chain=chain, conditions=(*self.leading, *below)))

    def restrict(self, condition: Chain, is_case: bool) -> None:
        """A condition."""
        if is_case or not self.found:
            self.leading = [*self.leading, condition] if self.after_condition else [condition]
        else:
            self.found[self.since :] = [
                replace(s, conditions=(*s.conditions, condition)) for s in self.found[self.since :]
            ]
        self.after_condition = True


def _bare(part: list[Token]) -> list[Token]:
    """A part without the brackets around all of it, ∀ or a title before it, a colon after it."""
    if part[0].text == "∀":
        part = part[1:] or part
    if len(part) > 5 and part[0].text == "(" and part[2].text == ")" and part[3].kind == "word":
        part = part[3:] if _TITLE.fullmatch(part[1].text) else part  # (Mean) μ = …
    while len(part) > 1 and part[-1].text == ":":  # Backwards:
        part = part[:-1]
    while len(part) > 2 and part[0].text + part[-1].text in ("()", "{}") and _relation(part[1:-1]):
        part = part[1:-1]
    return part


def _is_condition(statement: NoteStatement, before: list[NoteStatement]) -> bool:
    """`i ≠ j`, `l < L` beside a statement; `i = j` and `i ≠ j` anywhere."""
    first = statement.chain.parts[0]
    if all(isinstance(x, Name) and x.text in ("i", "j", "k") for x in statement.chain.parts):
        return True
    index = isinstance(first, Name) and first.text in _INDEX_LETTERS
    if not before or (statement.kind != "inequality" and not index):
        return False
    return all(
        isinstance(x, SyntaxNode) and type(x).__name__ in ("Name", "Num", "Sum")
        for x in statement.chain.parts
    )


def _is_index_with_condition(node: Any) -> bool:
    """a_{j ≠ i}: an index, and what is said of it."""
    items = node.items if isinstance(node, Script) and node.kind == "_" else ()
    chain = items[0] if len(items) == 1 else None
    return isinstance(chain, Chain) and all(isinstance(x, Name) for x in chain.parts)


def _without_conditions(node: Any) -> Any:
    """The same with a_j for a_{j ≠ i}."""
    if isinstance(node, tuple):
        return tuple(map(_without_conditions, node))
    if _is_index_with_condition(node):
        index = node.items[0].parts[0]
        return replace(node, items=(index,), raw=index.text)
    if not isinstance(node, SyntaxNode):
        return node
    return replace(node, **{f: _without_conditions(getattr(node, f)) for f in inner_fields(node)})


def _of_others(
    statement: NoteStatement,
    waiting: list[list[Token]],
    passage: Passage,
    words: set[str],
    found: ReadNote,
) -> list[NoteStatement]:
    """`W, V ∈ ℝ^{n×m}`: the same declaration for the names before it."""
    if statement.kind != "declaration":
        return []
    others = []
    for part in waiting:
        try:
            name = _parsed(passage, part, words)
        except FormulaError as error:
            found.unread.append(error)
            continue
        parts = (name, *statement.chain.parts[1:])
        others.append(replace(statement, chain=replace(statement.chain, parts=parts)))
    return others


def _parsed(passage: Passage, part: Sequence[Token], words: set[str]) -> Any:
    return _parser_of(passage, part, words).whole()


def _parser_of(passage: Passage, part: Sequence[Token], words: set[str]) -> Parser:
    end = Token("end", "", part[-1].end, part[-1].end, True)
    split = splitter(words, passage.latex)
    return Parser(passage.source, [*part, end], passage.latex, split, words)


def _statement(
    passage: Passage, part: list[Token], words: set[str]
) -> tuple[NoteStatement | None, Range | None]:
    """The statement that these tokens are, or the range; neither if they state nothing."""
    if any(t.text == "…" for t in part) and (extent := _range(passage, part, words)) is not None:
        return None, extent
    part = [replace(t, text="∈") if t.text == "∋" else t for t in part]
    relations = [t.text for t in part if t.kind == "sign" and t.text in RELATION_SIGNS]
    if _states_nothing(part, set(relations)):
        return None, None
    parser = _parser_of(passage, part, words)
    chain = parser.whole()
    if not isinstance(chain, Chain):
        return None, None
    if getattr(getattr(chain.parts[0], "base", None), "text", "") == "ℝ":  # ℝⁿ ∋ x
        chain = replace(chain, parts=chain.parts[::-1])
    if "∈" in chain.relations or chain.relations == (":",):
        kind = "declaration"
    elif set(chain.relations) <= {"=", ":=", "≡"}:
        kind = "equality"
    elif set(chain.relations) <= {"<", ">", "≤", "≥", "≠"}:
        kind = "inequality"
    elif "←" in chain.relations or set(chain.relations) & _PASSED:
        return None, None
    else:
        said = f"a statement with the relations {' and '.join(chain.relations)}: write two of them"
        raise FormulaError(said, passage.source, chain.start)
    remarks = tuple(dict.fromkeys(parser.remarks))
    return NoteStatement(kind, chain, passage, part[0].start, part[-1].end, remarks=remarks), None


def _states_nothing(part: list[Token], relations: set[str]) -> bool:
    """Whether this is no equation, as a ≈ b; or t = 1, 2, …"""
    is_open = [t.kind for t in part[:-1]] == ["word", "sign", "number"] and _is_dots(part[-1:])
    return is_open or bool(_PASSED & relations and not {"=", "∈", ":=", "≡"} & relations)


def _range(passage: Passage, part: list[Token], words: set[str]) -> Range | None:
    """`l = 1, …, L`, `l ∈ {1, …, L}`, `l = L, L − 1, …, 1`."""
    texts = [t.text for t in part]
    if part[0].kind != "word" or len(part) < 4 or texts[1] not in ("=", "∈"):
        return None
    inside = part[2:]
    if inside[0].text in ("⦃", "{", "[") and inside[-1].text in ("⦄", "}", "]"):
        inside = inside[1:-1]
    dots = next((n for n, t in enumerate(inside) if t.text == "…"), None)
    if dots is None or dots == 0 or dots + 1 >= len(inside):
        return None
    before, after = inside[:dots], inside[dots + 1 :]
    first = []
    for token in before:
        if token.text == ",":
            break
        first.append(token)
    commas = [n for n, t in enumerate(after) if t.text == ","]
    after = after[commas[-1] + 1 :] if commas else after
    if not first or not after:
        return None
    try:
        return Range(part[0].text, _parsed(passage, first, words), _parsed(passage, after, words))
    except FormulaError:
        return None


def formula(
    text: str,
    words: Collection[str] = (),
    latex: bool | None = None,
    macros: Mapping[str, Macro] | None = None,
) -> Any:
    """The syntax of one formula, in plain text or LaTeX: a Chain where it has relations."""
    source = TextSource("formula", text)
    latex = "\\" in text if latex is None else latex
    tokens = Lexer(source, macros=macros).tokens()
    return Parser(source, tokens, latex, splitter(words, latex), words).whole()
