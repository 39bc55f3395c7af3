r"""From characters to tokens: LaTeX and plain Unicode give the same ones, each with its place.

`\partial`, `∂` are one sign; `W^{⊤}`, `Wᵀ` are one; commands that only change how things look
(sizes, colours, spacing) give no token. What has no meaning in a formula is a FormulaError.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from autograd_lite.algebra.notation import commands
from autograd_lite.files import excerpt

LONGEST_FORMULA = 20_000  # characters
MOST_EXPANSIONS = 500  # of macros, in one formula


@dataclass(frozen=True)
class TextSource:
    """A text, the name under which errors refer to it, and how its lines are counted."""

    name: str
    text: str = field(repr=False)

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(i + 1 for i, c in enumerate(self.text) if c == "\n")]

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of a character, both from 1.

        >>> TextSource("note", "ab\\ncd").place(4)
        (2, 2)
        """
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of a line, from 1."""
        start = self._starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start : end if end >= 0 else None]

    def part(self, start: int, end: int) -> str:
        """What stands between two characters, on one line, with all of the macro it begins in."""
        text = self.text[start:end]
        if text.count("}") > text.count("{"):
            macro = _OPEN_MACRO.search(self.text, max(0, start - 200), start)
            text = (macro[0] if macro else "") + text
        return " ".join(text.split())


_OPEN_MACRO = re.compile(r"\\[A-Za-z]+\s*(?:\{[^{}]*\}\s*)*\{\s*$")


class FormulaError(ValueError):
    """A formula that cannot be read. `.line`, `.column`: the place; `.said`: the message alone.

    `.undefined`: that it is a definition with a letter that means nothing. As text: file, line and
    column, the message, and the line with a caret below the place.
    """

    def __init__(self, said: str, source: TextSource, start: int) -> None:
        self.said, self.source, self.undefined = said, source, False
        self.line, self.column = source.place(start)
        super().__init__(f"{source.name}:{self.line}:{self.column}: {said}\n{self.shown}")

    @property
    def shown(self) -> str:
        """The line, or the part of it around the place, with a caret below it."""
        text = self.source.line(self.line)
        first = max(0, self.column - 61)
        part = text[first : first + 100]
        part = "".join(c if c.isprintable() else "�" for c in part)
        before = part[: self.column - 1 - first]
        width = sum(
            0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF")
            for c in before
        )
        return f"    {part}\n    {' ' * width}^"


@dataclass(frozen=True, slots=True)
class Token:
    """kind: number, word (letters), sign, text (prose), or end. spaced: whether space precedes.

    whole: whether it is one name or number, as in \\mathrm{in}, whatever its characters are.
    """

    kind: str
    text: str
    start: int
    end: int
    spaced: bool = False
    whole: bool = False

    def pieces(self, *texts: str) -> list[Token]:
        """Tokens for the parts of this one, each with its place, where the source has them."""
        at, found = self.start, []
        as_written = self.end - self.start == len(self.text)
        for n, text in enumerate(texts):
            start, end = (at, at + len(text)) if as_written else (self.start, self.end)
            kind = "number" if text[0].isdigit() else "word"
            found.append(Token(kind, text, start, end, self.spaced and not n))
            at += len(text)
        return found


@dataclass(frozen=True, slots=True)
class Macro:
    """What a command of the note's own stands for: `#1` is its first argument."""

    arguments: int
    body: str


FUNCTION_WORDS = {
    *("exp", "log", "ln", "sin", "cos", "tan", "tanh", "sinh", "cosh", "arctan", "sigmoid"),
    *("softplus", "relu", "max", "min", "abs", "sqrt", "softmax", "logsumexp", "sign", "sum"),
    *("tr", "det", "vec", "diag", "mean", "log2", "logdet", "arcsin", "arccos", "argmax", "sgn"),
    *("trace", "norm", "dot", "multiply", "square", "maximum", "minimum", "matmul", "inv"),
    *("transpose", "outer", "power", "erf", "cot", "sec", "csc", "coth", "LSE", "ReLU", "rank"),
}

# Commands that LaTeX has and the table of notations need not write

_COMMANDS_OF = {  # a sign: the names of commands for it
    "∑": "sum",
    "∏": "prod",
    "/": "oslash div",
    "‖": "lVert rVert | Vert",
    "|": "lvert rvert vert mid",
    "…": "dots cdots vdots ddots dotsc dotsb mathellipsis",
    "≤": "leqslant le",
    "≥": "geqslant ge",
    "≠": "ne",
    "<": "lt",
    ">": "gt",
    "·": "bullet",
    "*": "ast star",
    "∘": "hadamard",
    "⊙": "bigodot",
    "⊗": "bigotimes",
    "ᵀ": "intercal transp T trans transpose",
    "ε": "varepsilon",
    "φ": "varphi",
    "θ": "vartheta",
    "ρ": "varrho",
    "ς": "varsigma",
    ":=": "coloneqq",
    "≡": "triangleq",
    "←": "gets",
    "→": "mapsto rightarrow longrightarrow",
    "⇒": "implies Longrightarrow therefore",
    "⟺": "Leftrightarrow",
    "⦃": "lbrace {",
    "⦄": "rbrace }",
    "[": "lbrack",
    "]": "rbrack",
    "⟦": "llbracket",
    "⟧": "rrbracket",
    "≈": "simeq cong",
    "~": "sim",
    "i": "i imath",
    "j": "jmath",
    ":": "colon",
    "∞": "infin",
    "∋": "ni owns",
    "ℝ": "Re reals Reals R",
    "⊂": "subset",
    "¬": "lnot",
    "softmax": "softmax",
    "σ": "sigmoid",
    "relu": "relu ReLU",
    "tr": "tr Tr trace",
    "diag": "diag",
    "max": "sup",
    "h": "hbar",
    "∩": "cap",
    "\\\\": "\\ cr newline tabularnewline",
    "⟨": "lang",
    "⟩": "rang",
    "∖": "smallsetminus setminus",
    "∧": "wedge land",
    "∨": "vee",
}
_SYNONYMS = {name: sign for sign, names in _COMMANDS_OF.items() for name in names.split()}
_FUNCTION_WORDS = {"arcsin", "arccos", "cot", "sec", "csc", "coth", "dim", "ker", "Pr", "argmax"}
COMMANDS = commands() | _SYNONYMS | {f: f for f in _FUNCTION_WORDS}
_ALIKE = {  # a sign or letter: the characters that are read as it
    "−": "-–",
    "·": "⋅∙•",
    "*": "∗",
    "ᵀ": "⊺⊤",
    "′": "’'‘",
    "…": "⋯⋮⋱",
    "‖": "∥",
    ":=": "≔",
    "≡": "≜",
    "⇒": "⟹",
    "|": "∣",
    "/": "÷∕⁄",
    "∘": "◦",
    "⊙": "⨀",
    "⟨": "〈",
    "⟩": "〉",
    "⟺": "⇔",
    "𝟏": "𝟙𝟭",
    "ℒ": "𝓛",
    "𝒥": "𝓙",
    "ε": "ϵ",
    "φ": "ϕ",
    "θ": "ϑ",
    "←": "⟵",
    "Δ": "∆",
    "μ": "µ",
    "Ω": "Ω",
    "h": "ℎ",
    "i": "ı",
    ":": "：",
    ",": "，",
    "(": "（",
    ")": "）",
}
CHARACTERS = {c: sign for sign, characters in _ALIKE.items() for c in characters}
_SIGN_CHARACTERS = set("+−·×∘⊙⊗/^_()[]{}⟦⟧⦃⦄|‖⟨⟩,;&=≠<>≤≥∈∋∂∇…′ᵀ@:≈⇒⟺→←∝≡~!*.∀∞±√⊂∖∩∧∨¬%?")
_PAIRS = (":=", "**", "<=", ">=", "!=", "==", "->", "=>", "+=", "−=", "..", ".…", "||")
_PAIRED = {"<=": "≤", ">=": "≥", "!=": "≠", "==": "=", "->": "→", "=>": "⇒", "**": "^", "..": "…"}
_PAIRED |= {".…": "…", "||": "‖"}
_DOUBLE = {"″": "′′", "‴": "′′′", "½": "1/2", "¼": "1/4", "¾": "3/4"}
_SPACES = {",", ";", ":", "!", " ", ">", "enspace", "thinspace", "medspace", "thickspace"}
_SPACES |= {"negthinspace", "hfill", "hfil", "nobreak", "linebreak", "allowbreak", "space"}
_GAPS = {"quad", "qquad"}
_IGNORED = {"left", "right", "middle", "displaystyle", "textstyle", "scriptstyle", "limits"}
_IGNORED |= {"nolimits", "nonumber", "notag", "small", "large", "Large", "LARGE", "normalsize"}
_IGNORED |= {"scriptsize", "footnotesize", "tiny", "huge", "Huge", "bf", "cal"}
_IGNORED |= {"mathstrut", "strut", "null", "boldmath", "centering", "noindent", "hline", "qed"}
_IGNORED |= {f"{size}{side}" for size in ("big", "Big", "bigg", "Bigg") for side in ("", *"lrm")}
_DROPPED = {"label": 1, "tag": 1, "color": 1, "hspace": 1, "vspace": 1, "phantom": 1, "vphantom": 1}
_DROPPED |= {"hphantom": 1, "textcolor": 1, "colorbox": 1, "definecolor": 3, "cssId": 1, "class": 1}
_DROPPED |= {"style": 1, "mathchoice": 0, "ref": 1, "eqref": 1, "cite": 1, "footnote": 1, "kern": 0}
_DROPPED |= {
    "htmlClass": 1,
    "href": 1,
    "url": 1,
    "tag*": 1,
    "hskip": 0,
    "pagecolor": 1,
    "toggle": 0,
}
_FONTS = {"rm", "sf", "tt", "it"}  # for all that follows in a group
_PROSE = {"text", "textrm", "mbox", "textbf", "textit", "textnormal", "hbox", "intertext", "emph"}
_PROSE |= {"textsf", "texttt", "textsc", "shortintertext"}
_UPRIGHT = {"mathrm", "operatorname", "operatorname*", "mathop", "mathsf", "mathtt", "mathit"}
_STYLES = {
    "mathbf",
    "boldsymbol",
    "bm",
    "pmb",
    "vec",
    "symbf",
    "overrightarrow",
    "bold",
    "mathbfit",
}
_PLAIN_STYLES = {"mathnormal", "mathord", "mathbin", "mathrel", "boxed", "cancel", "overline"}
_PLAIN_STYLES |= {"mathstrut", "smash", "underline", "ensuremath", "mathclose", "mathopen", "fbox"}
_PLAIN_STYLES |= {"bbox", "xcancel", "bcancel", "mathinner", "displaylines", "substack"}
_ACCENTS = {
    "hat": "\u0302",
    "bar": "\u0304",
    "tilde": "\u0303",
    "dot": "\u0307",
    "widehat": "\u0302",
}
_ACCENTS |= {"widetilde": "\u0303", "ddot": "\u0308", "check": "\u030c", "breve": "\u0306"}
_SCRIPT = dict(zip("LJECRNZ", "ℒ𝒥ℰ𝒞ℛ𝒩𝒵", strict=True))
_BOARD = {"R": "ℝ", "N": "ℕ", "Z": "ℤ", "E": "𝔼", "1": "𝟏", "C": "ℂ", "I": "𝟏", "P": "ℙ"}
CONSTRUCTS = {"frac", "sqrt", "binom", "underbrace", "overbrace", "underset", "overset", "stackrel"}
_FRACTIONS = {"dfrac": "frac", "tfrac": "frac", "cfrac": "frac", "dv": "frac", "nicefrac": "frac"}
_FRACTIONS |= {"sfrac": "frac"}


class Lexer:
    """The tokens of one formula: `source.text[start:end]`.

    latex: whether single letters are names (`xy` is x y) and `%` begins a comment.
    """

    def __init__(
        self,
        source: TextSource,
        start: int = 0,
        end: int | None = None,
        macros: Mapping[str, Macro] | None = None,
    ) -> None:
        self.source = source
        end = len(source.text) if end is None else end
        if end - start > LONGEST_FORMULA:
            said = f"a formula of {end - start:,} characters; at most {LONGEST_FORMULA:,} are read"
            raise FormulaError(said, source, start)
        self.text = source.text[start:end]
        self.places: Sequence[int] = range(start, end + 1)  # where each character begins
        self.ends: Sequence[int] = range(start + 1, end + 2)  # and ends: a macro's, where it does
        if macros:
            self._expand(macros)
        self.at = 0
        self.in_bars = False  # whether a | is open, so that || closes one and opens another

    def error(self, said: str, at: int) -> FormulaError:
        """An error at a character of what is lexed."""
        return FormulaError(said, self.source, self.places[min(at, len(self.places) - 1)])

    def _expand(self, macros: Mapping[str, Macro]) -> None:
        """Replace macros by their bodies, a bounded number of times."""
        first, at, expanded = self.places[0], 0, 0
        while (at := self.text.find("\\", at)) >= 0:
            name = _command_at(self.text, at)
            if name in _DEFINITIONS:
                at = max(at + 1, _definition_at(self.text, at)[2])
                continue
            if name not in macros:
                at += 1 + max(1, len(name))
                continue
            self._expand_one(name, macros[name], at)
            expanded += 1
            if len(self.text) > LONGEST_FORMULA or expanded > MOST_EXPANSIONS:
                grows = f"the macro \\{name} grows without end"
                said = f"{grows}: no more than {MOST_EXPANSIONS} are expanded"
                raise FormulaError(said, self.source, first)

    def _expand_one(self, name: str, macro: Macro, at: int) -> None:
        """Replace one macro. Its arguments keep their places; the rest has that of the whole."""
        after, arguments = at + 1 + len(name), []
        for _ in range(macro.arguments):
            if after >= len(self.text):
                raise self.error(f"\\{name} takes {macro.arguments} arguments", at)
            argument, after = _argument_at(self.text, after)
            in_braces = self.text[:after][-1:] == "}" and argument not in ("}", "\\}")
            end = after - in_braces
            arguments.append(slice(end - len(argument), end))
        texts, starts, ends = [self.text[:at]], list(self.places[:at]), list(self.ends[:at])
        body = f"{macro.body} " if macro.body[-1:].isalpha() else macro.body
        for piece in re.split(r"(#\d)", body):
            n = int(piece[1]) if piece[:1] == "#" and piece[1:].isdigit() else 0
            if 0 < n <= len(arguments):
                texts.append(self.text[arguments[n - 1]])
                starts += self.places[arguments[n - 1]]
                ends += self.ends[arguments[n - 1]]
            else:
                texts.append(piece)
                starts += [self.places[at]] * len(piece)
                ends += [self.ends[after - 1]] * len(piece)
        self.text = "".join([*texts, self.text[after:]])
        self.places, self.ends = [*starts, *self.places[after:]], [*ends, *self.ends[after:]]

    def tokens(self) -> list[Token]:
        """All of them, the last an end."""
        found: list[Token] = []
        spaced = False
        for kind, text, start, stop in self._raw():
            if kind == "space":
                spaced = True
                continue
            end, whole = self.ends[max(start, stop - 1)], self.text[start] == "\\"
            found.append(Token(kind, text, self.places[start], end, spaced, whole))
            spaced = False
        end = self.places[len(self.text)] if self.places else 0
        return [*found, Token("end", "", end, end, True)]

    def _raw(self) -> Iterator[tuple[str, str, int, int]]:
        while self.at < len(self.text):
            start, c = self.at, self.text[self.at]
            if c.isspace() or c == "~":
                self.at += 1
                yield "space", " ", start, self.at
            elif c == "\\":
                yield from self._command()
            elif c == "{" and (alone := _BRACKET_IN_BRACES.match(self.text, start)):
                self.at = alone.end()
                yield "sign", alone[1], start, self.at
            elif c in "%#":  # a comment
                newline = self.text.find("\n", start)
                self.at = len(self.text) if newline < 0 else newline
            elif c.isascii() and c.isdigit():
                yield self._number()
            else:
                yield from self._character(c)

    def _number(self) -> tuple[str, str, int, int]:
        start, text = self.at, self.text
        at = start
        while at < len(text) and text[at].isascii() and text[at].isdigit():
            at += 1
        if text[at : at + 1] == "." and text[at + 1 : at + 2].isdigit():
            at += 1
            while at < len(text) and text[at].isdigit():
                at += 1
        if text[at : at + 1] in ("e", "E") and text[at + 1 : at + 3].lstrip("+-−")[:1].isdigit():
            at += 2
            while at < len(text) and text[at].isdigit():
                at += 1
        self.at = at
        return "number", text[start:at], start, at

    def _character(self, c: str) -> Iterator[tuple[str, str, int, int]]:
        start = self.at
        two = self.text[start : start + 2].replace("-", "−")
        if two in _PAIRS and not (two == "||" and self.in_bars):
            self.at += 2
            if two == "..":
                self.at += len(self.text[self.at :]) - len(self.text[self.at :].lstrip(".…"))
            yield "sign", _PAIRED.get(two, two), start, self.at
            return
        if c in _DOUBLE:
            self.at += 1
            expanded = _DOUBLE[c]
            if c.isnumeric():
                yield "number", expanded, start, self.at
            else:
                for sign in expanded:
                    yield "sign", sign, start, self.at
            return
        if (script := _script(c)) is not None:
            yield from self._scripts(script[0])
            return
        c = CHARACTERS.get(c, c)
        if c in _SIGN_CHARACTERS or c == ":=":
            self.at += 1
            self.in_bars ^= c == "|"
            yield "sign", c, start, self.at
        elif c in "ΣΠ∑∏":
            self.at += 1
            yield "word", c, start, self.at
        elif c.isalpha() or c in "𝟏":
            yield self._word()
        else:
            raise self.error(_meaningless(self.text[start]), start)

    def _word(self) -> tuple[str, str, int, int]:
        """A run of Latin letters; any other letter alone. Accents belong to the letter before."""
        start, text = self.at, self.text
        at = start + 1
        if text[start].isascii():
            while at < len(text) and text[at].isascii() and text[at].isalpha():
                at += 1
        while at < len(text) and unicodedata.combining(text[at]):
            at += 1
        self.at = at
        word = CHARACTERS.get(text[start:at], text[start:at])
        bare = unicodedata.normalize("NFD", word)
        if len(bare) == 2 and bare[1] == "\u20d7":  # an arrow over a letter is a style
            word = bare[0]
        return "word", unicodedata.normalize("NFC", word), start, at

    def _scripts(self, kind: str) -> Iterator[tuple[str, str, int, int]]:
        """Raised or lowered characters, `⁽ˡ⁻¹⁾`, as a group after ^ or _."""
        start, run = self.at, ""
        while self.at < len(self.text):
            script = _script(self.text[self.at])
            if script is None or script[0] != kind:
                break
            run += script[1]
            self.at += 1
        if run in ("T", "t") and kind == "^":
            yield "sign", "ᵀ", start, self.at
            return
        if run[-1] in "Tt" and len(run) > 1 and kind == "^" and run[:-1] not in "−-":
            yield from self._group(kind, run[:-1], start)
            yield "sign", "ᵀ", self.at - 1, self.at
            return
        yield from self._group(kind, run, start)

    def _group(self, kind: str, run: str, start: int) -> Iterator[tuple[str, str, int, int]]:
        yield "sign", kind, start, start + 1
        yield "sign", "{", start, start + 1
        for i, c in enumerate(run):
            sort = "number" if c.isdigit() else "word" if c.isalpha() else "sign"
            yield sort, CHARACTERS.get(c, c), start + i, start + i + 1
        yield "sign", "}", start + len(run) - 1, start + len(run)

    def _command(self) -> Iterator[tuple[str, str, int, int]]:
        start = self.at
        name = _command_at(self.text, start)
        if not name:
            raise self.error("a backslash with nothing after it", start)
        self.at = start + 1 + len(name)
        if name == "operatorname" and self.text[self.at : self.at + 1] == "*":
            self.at += 1
        if name in _SPACES:
            gap = self.text.startswith("\\;" * 3, start) and name == ";"
            yield ("sign", "gap", start, self.at) if gap else ("space", " ", start, self.at)
        elif name in _GAPS:
            yield "sign", "gap", start, self.at
        elif name in _DEFINITIONS:
            self.at = max(_definition_at(self.text, start)[2], self.at)
        elif name in _FONTS and (word := _WORD_IN_FONT.match(self.text, self.at)):  # {\rm in}
            self.at = word.end()
            yield "word", word[1], start, self.at
        elif name in _IGNORED | _FONTS:
            self.at += name in ("left", "right", "middle") and self.text.startswith(".", self.at)
        elif name in _PROSE:
            text, self.at = _argument_at(self.text, self.at)
            text = text.strip()
            yield _kind_of_prose(text), text, start, self.at
        elif name in ("begin", "end"):
            text, self.at = _argument_at(self.text, self.at)
            if name == "begin" and text.rstrip("*") in ("array", "alignat", "tabular"):
                _, self.at = _argument_at(self.text, self.at)
            yield "sign", f"{name} {text.strip().rstrip('*')}", start, self.at
        elif name in _DROPPED:
            for _ in range(_DROPPED[name]):
                _, self.at = _argument_at(self.text, self.at)
            if name in ("kern", "hskip"):
                self._length()
        else:
            yield from self._meaning(name, start)

    def _length(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in "0123456789.-emptxu ":
            self.at += 1

    def _meaning(self, name: str, start: int) -> Iterator[tuple[str, str, int, int]]:
        if name in _UPRIGHT:
            yield from self._upright(start)
        elif name in ("mathcal", "mathscr", "mathfrak", "mathbb", "mathds", "Bbb"):
            text, self.at = _argument_at(self.text, self.at)
            table = _BOARD if name[-2:] in ("bb", "ds") else _SCRIPT
            letter = table.get(text.strip(), text.strip())
            if not letter.isalnum():
                raise self.error(f"\\{name} of {excerpt(letter)!r}, which is no letter", start)
            yield "word", letter, start, self.at
        elif name in _STYLES:
            yield "sign", "bold", start, self.at
        elif name in _ACCENTS:
            yield "sign", f"accent {_ACCENTS[name]}", start, self.at
        elif name in _PLAIN_STYLES:
            self._open(self.at)
        elif name in CONSTRUCTS or name in _FRACTIONS:
            yield "sign", _FRACTIONS.get(name, name), start, self.at
        elif name in COMMANDS:
            sign = COMMANDS[name]
            if sign == "\\\\" and (skip := _ROW_SKIP.match(self.text, self.at)):
                self.at = skip.end()  # \\[1ex]
            is_word = (sign.isalpha() or sign in "∑∏") and sign != "ᵀ"
            yield "word" if is_word else "sign", sign, start, self.at
        else:
            known = f"the command \\{excerpt(name)} is not known here"
            raise self.error(f"{known}; \\newcommand{{\\{excerpt(name)}}}{{…}} would say it", start)

    def _open(self, at: int) -> None:
        """Take the braces away from around an argument that may be a whole statement."""
        inside, after = _argument_at(self.text, at)
        if self.text[at : at + 1] == "{" and self.text[after - 1] == "}":
            self.text = f"{self.text[:at]} {inside} {self.text[after:]}"

    def _upright(self, start: int) -> Iterator[tuple[str, str, int, int]]:
        at = self.at
        text, self.at = _argument_at(self.text, at)
        if self.text.startswith("\\mathtt", start) and not text.isalnum():  # np.sum(
            self.at = at
            self._open(at)
            return
        word = text.strip()
        for old in ("\\,", "\\;", "\\!", "\\ ", "{", "}", "-", " "):
            word = word.replace(old, "")
        if word.startswith("\\") and word[1:] in COMMANDS:
            word = COMMANDS[word[1:]]
        if word in ("T", "t"):
            yield "word", word, start, self.at
        elif word and (word.isalnum() or word in COMMANDS.values()):
            kind = "number" if word.isdigit() else "word" if word.isalnum() else "sign"
            yield kind, word, start, self.at
        else:
            yield "text", text.strip(), start, self.at


def _kind_of_prose(text: str) -> str:
    return "number" if text.isdigit() else "word" if text in FUNCTION_WORDS else "text"


def _command_at(text: str, at: int) -> str:
    """The name of the command whose backslash stands here: letters, or one other character."""
    end = at + 1
    while end < len(text) and text[end].isascii() and text[end].isalpha():
        end += 1
    return text[at + 1 : max(end, at + 2)]


def _argument_at(text: str, at: int) -> tuple[str, int]:
    """The argument of a command: a group without its braces, or one character; and what follows."""
    while at < len(text) and text[at].isspace():
        at += 1
    if text[at : at + 1] == "[":
        at = text.find("]", at) + 1 or len(text)
    if text[at : at + 1] == "\\":
        return "\\" + _command_at(text, at), at + 1 + len(_command_at(text, at))
    if text[at : at + 1] != "{":
        return text[at : at + 1], at + 1
    depth, start = 0, at + 1
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == "{":
            depth += 1
        elif text[at] == "}":
            depth -= 1
            if not depth:
                return text[start:at], at + 1
        at += 1
    return text[start:], len(text)


def _script(c: str) -> tuple[str, str] | None:
    """`^` or `_`, and the plain character, of a raised or lowered one."""
    if c.isascii():
        return None
    if c == "⊤":
        return None
    kind, _, plain = unicodedata.decomposition(c).partition(" ")
    if kind not in ("<super>", "<sub>") or " " in plain:
        return None
    return ("^" if kind == "<super>" else "_"), CHARACTERS.get(
        chr(int(plain, 16)), chr(int(plain, 16))
    )


def _meaningless(c: str) -> str:
    name = unicodedata.name(c, "a control character").lower()
    shown = f"{c!r} " if c.isprintable() else ""
    return f"the character {shown}(U+{ord(c):04X}, {name}) has no meaning in a formula"


_DEFINITIONS = {"newcommand", "renewcommand", "providecommand", "def", "gdef", "edef"}
_DEFINITIONS |= {"DeclareMathOperator"}
_WORD_IN_FONT = re.compile(r"\s*([A-Za-z]+)")
_BRACKET_IN_BRACES = re.compile(r"\{\s*([()\[\]])\s*\}")  # {(}, for its size
_ROW_SKIP = re.compile(r"\*?(?:\s*\[\s*[+-]?[\d.]+\s*[a-z]{2}\s*\])?")


def macros_in(text: str) -> dict[str, Macro]:
    r"""The macros that a text defines, for its formulas.

    >>> macros_in(r"\newcommand{\dd}[2]{\frac{\partial #1}{\partial #2}} \def\w{\mathbf w}")["dd"]
    Macro(arguments=2, body='\\frac{\\partial #1}{\\partial #2}')
    """
    found: dict[str, Macro] = {}
    at = 0
    while (at := text.find("\\", at)) >= 0:
        kind = _command_at(text, at)
        at += 1 + max(1, len(kind))
        if kind in _DEFINITIONS:
            name, macro, after = _definition_at(text, at - 1 - len(kind))
            if name and name != kind:
                found[name] = macro
                at = after
    return found


def _definition_at(text: str, at: int) -> tuple[str, Macro, int]:
    """The name and the macro that the command whose backslash stands here defines; what follows."""
    kind = _command_at(text, at)
    at += 1 + len(kind)
    name, after = _argument_at(text, at + (text[at : at + 1] == "*"))
    count, after = _macro_parameters(text, after)
    body, after = _argument_at(text, after)
    if kind == "DeclareMathOperator":
        body = rf"\operatorname{{{body}}}"
    return name.strip().removeprefix("\\"), Macro(count, body[:LONGEST_FORMULA]), after


def _macro_parameters(text: str, at: int) -> tuple[int, int]:
    """How many arguments a definition names, `[2]` or `#1#2`, and where its body begins."""
    if text[at : at + 1] == "[":
        end = text.find("]", at)
        written = text[at + 1 : end]
        return (int(written) if written.isdigit() and len(written) == 1 else 0), end + 1
    count = 0
    while text[at : at + 1] == "#":
        count, at = count + 1, at + 2
    return count, at
