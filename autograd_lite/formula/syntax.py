"""From tokens to syntax, without shapes: a parser by precedence, written by hand.

From loose to tight: relations, sums, products (every sign alike, left to right), signs and
functions without brackets, scripts. Every token is used, or is a FormulaError at its place.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from autograd_lite.formula.tokens import FUNCTION_WORDS, FormulaError, TextSource, Token

DEEPEST = 60  # brackets within brackets
HIGHEST_ORDER = 4
MOST_TERMS = 150  # of a sum, or factors of a product


@dataclass(frozen=True, slots=True)
class SyntaxNode:
    """A part of a formula, from the character `start` of its source to `end`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Num(SyntaxNode):
    """A number."""

    value: Fraction | float
    bold: bool = False  # a vector or matrix of it


@dataclass(frozen=True, slots=True)
class Name(SyntaxNode):
    """A letter or word."""

    text: str
    bold: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Script(SyntaxNode):
    """What is raised (`^`) or lowered (`_`), in `[`, `(` or no brackets; or `ᵀ`, or `′`.

    items: lowered indices `ij` are two; raw: as it was written, without spaces.
    """

    kind: str
    mark: str = ""
    items: tuple[Any, ...] = ()
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Scripted(SyntaxNode):
    """Something with scripts, in their order."""

    base: Any
    scripts: tuple[Script, ...]


@dataclass(frozen=True, slots=True)
class Call(SyntaxNode):
    """`f(x, y)`; or a product, which only its letters tell: `a (1 − a)`."""

    function: Any
    arguments: tuple[Any, ...]
    brackets: str = "("
    spaced: bool = False


@dataclass(frozen=True, slots=True)
class Sum(SyntaxNode):
    """A sum: each term with its sign, 1 or −1."""

    terms: tuple[tuple[int, Any], ...]


@dataclass(frozen=True, slots=True)
class Product(SyntaxNode):
    """Factors, from left to right, each with the sign before it: `` (none), ·, ×, ∘, ⊗, /, @."""

    factors: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Quotient(SyntaxNode):
    """A fraction with a bar."""

    above: Any
    below: Any


@dataclass(frozen=True, slots=True)
class Bracket(SyntaxNode):
    """Something in brackets of a kind: ( [ ⦃ | ‖ ⟨ √; several parts where there are commas."""

    kind: str
    parts: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Grid(SyntaxNode):
    """Rows of cells; a kind of `cases` has a condition in each second cell."""

    rows: tuple[tuple[Any, ...], ...]
    kind: str = "matrix"


@dataclass(frozen=True, slots=True)
class BigOperator(SyntaxNode):
    """Σ, Π, max or min of the body over indices, from `low` to `high` where these are given."""

    kind: str
    indices: tuple[Name, ...]
    low: Any
    high: Any
    condition: Any
    body: Any


@dataclass(frozen=True, slots=True)
class Differentiation(SyntaxNode):
    """∂of/∂wrt, each `wrt` with how often; `of` is None for an operator. sign: ∂, ∇, d or D."""

    of: Any
    wrt: tuple[tuple[Any, int], ...]
    sign: str = "∂"


@dataclass(frozen=True, slots=True)
class Differential(SyntaxNode):
    """∂x, half of a derivative: above or below a fraction's bar."""

    of: Any
    order: int


@dataclass(frozen=True, slots=True)
class Prefixed(SyntaxNode):
    """A function applied without brackets: log x."""

    function: Any
    argument: Any


@dataclass(frozen=True, slots=True)
class Dots(SyntaxNode):
    """An ellipsis."""


@dataclass(frozen=True, slots=True)
class Chain(SyntaxNode):
    """Parts with relations between them: a = b = c."""

    parts: tuple[Any, ...]
    relations: tuple[str, ...]


RELATION_SIGNS = {
    "=",
    "≠",
    "<",
    ">",
    "≤",
    "≥",
    "∈",
    "≈",
    ":=",
    "≡",
    "∝",
    "←",
    "→",
    "⇒",
    "⟺",
    "~",
    "+=",
}
RELATION_SIGNS |= {"⊂", "−=", ":"}
_TIMES = {"·", "×", "∘", "⊙", "*", "⊗", "@", "/"}
_CLOSING = {"(": ")", "[": "]", "⦃": "⦄", "⟨": "⟩", "⟦": "⟧", "|": "|", "‖": "‖", "{": "}"}
_MATRICES = {
    "matrix",
    "bmatrix",
    "pmatrix",
    "vmatrix",
    "Vmatrix",
    "Bmatrix",
    "array",
    "smallmatrix",
}
_SUBSCRIPTS = set("abcdijklmnpqrstuvz")  # a run of three or more with another is a word
_ROWS = {"aligned", "split", "gathered", "alignedat"}
_LAYERS = "lℓLktTin"
LINEAR = {"tr", "det", "vec", "diag"}  # functions without brackets that take the product after them
_LIBRARIES = {"np", "numpy", "torch", "tf", "jnp", "math"}
RESERVED = _LIBRARIES | {"axis", "keepdims", "True", "False", "otherwise"}
_STARTS = {"(", "[", "⟦", "⦃", "⟨", "{", "∂", "∇", "√", "frac", "sqrt", "bold", "…", "binom"}
_STARTS |= {"underbrace", "overbrace", "underset", "overset", "stackrel"}


class Parser:
    """Reads the tokens of one formula. `split` says into which names a run of letters falls."""

    def __init__(
        self,
        source: TextSource,
        tokens: Sequence[Token],
        latex: bool = True,
        split: Callable[[str], Sequence[str]] = list,
        known: Collection[str] = (),
    ) -> None:
        self.source, self.list, self.latex = source, list(tokens), latex
        self.split, self.known = split, known
        self.at = self.depth = 0
        self.closing: list[str] = []
        self.in_cells = False  # whether & parts the cells of a matrix
        self.calls = True  # whether brackets after a name may be its arguments
        self.remarks: list[str] = []

    # Tokens

    @property
    def token(self) -> Token:
        return self.list[min(self.at, len(self.list) - 1)]

    def peek(self, ahead: int = 1) -> Token:
        return self.list[min(self.at + ahead, len(self.list) - 1)]

    def take(self) -> Token:
        token = self.token
        self.at += 1
        return token

    def sees(self, *signs: str) -> bool:
        return self.token.kind == "sign" and self.token.text in signs

    def accept(self, *signs: str) -> Token | None:
        return self.take() if self.sees(*signs) else None

    def expect(self, sign: str) -> Token:
        if not self.sees(sign):
            raise self.unexpected(f"{_quoted(sign)}")
        return self.take()

    def error(self, said: str, at: int | None = None) -> FormulaError:
        return FormulaError(said, self.source, self.token.start if at is None else at)

    def unexpected(self, wanted: str) -> FormulaError:
        token = self.token
        if token.kind == "end":
            return self.error(f"the formula ends where {wanted} should follow")
        return self.error(f"{_quoted(token.text)} stands where {wanted} should")

    @property
    def last(self) -> int:
        """Where the token before this one ends."""
        return self.list[self.at - 1].end if self.at else self.token.start

    # From loose to tight

    def whole(self) -> Any:
        """The formula, to its last token."""
        found = self.relation()
        if self.token.kind != "end":
            raise self.unexpected("the end of the formula, or a sign such as + or =")
        return found

    def relation(self) -> Any:
        start = self.token.start
        parts, relations = [self.total()], []
        while self.token.kind == "sign" and self.token.text in RELATION_SIGNS:
            relations.append(self.take().text)
            self.accept("&")
            parts.append(self.total())
        return Chain(start, self.last, tuple(parts), tuple(relations)) if relations else parts[0]

    def total(self) -> Any:
        """A sum."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.error(f"brackets are nested more than {DEEPEST} deep")
        start, terms, sign = self.token.start, [], 1
        while self.sees("+", "−") or (self.sees("&") and not self.in_cells):
            sign = -sign if self.take().text == "−" else sign
        terms.append((sign, self.product()))
        while self.sees("+", "−", "±") or (self.sees("&") and not self.in_cells):
            if self.accept("&"):
                if self.token.kind == "sign" and self.token.text in RELATION_SIGNS:
                    break
                continue
            sign = -1 if self.take().text == "−" else 1
            while self.sees("+", "−", "&"):
                sign = -sign if self.take().text == "−" else sign
            terms.append((sign, self.product()))
            if len(terms) > MOST_TERMS:
                raise self.error(f"a sum of more than {MOST_TERMS} terms")
        self.depth -= 1
        return terms[0][1] if terms == [(1, terms[0][1])] else Sum(start, self.last, tuple(terms))

    def product(self) -> Any:
        start = self.token.start
        factors = [("", self.signed())]
        while True:
            if self.token.kind == "sign" and self.token.text in _TIMES:
                sign = self.take().text
                self.accept("&")
                factor = self.signed()
                if sign == "/":
                    self.refuse_slash(factors[-1][1], factor)
                factors.append((sign, factor))
            elif self.starts():
                factors.append(("", self.factor()))
            else:
                break
            if len(factors) > MOST_TERMS:
                raise self.error(f"a product of more than {MOST_TERMS} factors")
        factors = self.applied(factors)
        return factors[0][1] if len(factors) == 1 else Product(start, self.last, tuple(factors))

    def applied(self, factors: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
        """Operators, ∂/∂W, are applied to all that follows them in a product."""
        for n in range(len(factors) - 2, -1, -1):
            sign, operator = factors[n]
            if isinstance(operator, Differentiation) and operator.of is None:
                rest = factors[n + 1 :]
                of = (
                    rest[0][1]
                    if len(rest) == 1
                    else Product(rest[0][1].start, self.last, tuple(rest))
                )
                factors = [*factors[:n], (sign, replace(operator, of=of, end=self.last))]
        return factors

    def refuse_slash(self, above: Any, below: Any) -> None:
        """`1/2m` may be (1/2) m or 1/(2 m)."""
        if self.token.spaced or self.token.kind not in ("word", "number"):
            return
        if isinstance(below, Num | Name | Scripted):
            a, b, c = (self.written(x) for x in (above, below, self.token))
            raise self.error(f"{a}/{b}{c} may be ({a}/{b}) {c} or {a}/({b} {c}): write one of them")

    def written(self, node: Any) -> str:
        """A part as it stands in the source."""
        return self.source.text[node.start : node.end]

    def starts(self) -> bool:
        """Whether the next token may begin a factor."""
        token = self.token
        if token.kind in ("number", "word"):
            return True
        if token.kind != "sign":
            return False
        if token.text in ("|", "‖"):
            return token.text not in self.closing
        return token.text in _STARTS or token.text.startswith(("accent", "begin"))

    def signed(self) -> Any:
        """A factor after a sign, which may be negative: δ ∘ −1."""
        start = self.token.start
        if self.accept("−"):
            return Sum(start, self.last, ((-1, self.signed()),))
        self.accept("+")
        return self.factor()

    def factor(self) -> Any:
        if not self.starts():
            raise self.unexpected("a letter, a number or a bracket")
        token = self.token
        if token.kind == "word":
            return self.word()
        node = self.scripted(self.atom())
        base = node.base if isinstance(node, Scripted) else node
        if token.text == "{" and isinstance(base, Name) and self.calls and self.sees("("):
            spaced = self.token.spaced
            arguments = self.arguments()
            node = self.scripted(Call(node.start, self.last, node, arguments, "(", spaced))
        return node

    def word(self) -> Any:
        """A name with its scripts, its arguments, or what is special to some words."""
        self._split()
        token = self.token
        if token.text in ("∑", "∏") or (token.text in ("Σ", "Π") and self._is_sum()):
            self.take()
            return self.reduction({"∑": "Σ", "∏": "Π"}.get(token.text, token.text))
        if token.text in _LIBRARIES and self.peek().text == ".":
            self.at += 2
            token = self.token
            if token.text not in FUNCTION_WORDS:
                raise self.error(f"{token.text} of NumPy is not read in formulas")
        if token.text in ("d", "D") and token.text not in self.known and self.is_operator():
            return self.derived()
        if token.text.startswith("d") and (found := self.differential_quotient()) is not None:
            return self.scripted(found)
        if token.text in ("max", "min") and self.peek().text == "_":
            return self.reduction(self.take().text)
        name = Name(token.start, token.end, self.take().text)
        if name.text == "Δ" and "Δ" not in self.known:
            name = self.change(name)
        return self.named(name)

    def change(self, delta: Name) -> Name:
        """ΔW, which is one name where Δ alone is none."""
        at = self.at + self.sees("bold")
        if self.list[at].kind != "word" or self.list[at].text in FUNCTION_WORDS:
            return delta
        self.at = at
        self._split()
        token = self.take()
        return Name(delta.start, token.end, f"Δ{token.text}")

    def _is_sum(self) -> bool:
        """Whether Σ is a sum sign: unless it is a name of the note's, or has a range."""
        if self.token.text not in self.known:
            return True
        return self.peek().text == "_" and any(
            t.text == "=" for t in self.list[self.at : self.at + 6]
        )

    def _split(self) -> None:
        """Replace a run of letters by the names that it consists of."""
        token = self.token
        names = [token.text] if len(token.text) == 1 else list(self.split(token.text))
        if len(names) < 2:
            return
        at, parts = token.start, []
        for n, name in enumerate(names):
            parts.append(Token("word", name, at, at + len(name), token.spaced and not n))
            at += len(name)
        self.list[self.at : self.at + 1] = parts

    def named(self, name: Any) -> Any:
        """What may follow a name: scripts, then arguments, then scripts of the result."""
        text = name.text if isinstance(name, Name) else ""
        if (
            self.token.kind == "number"
            and not self.token.spaced
            and text not in FUNCTION_WORDS
            and self.token.start == name.end
            and "." not in self.token.text
        ):
            name = self._with_digits(name)
        node = self.scripted(name)
        if (self.calls and self.sees("(")) or (text in FUNCTION_WORDS and self.sees("(", "[", "⦃")):
            spaced, opening = self.token.spaced, self.token.text
            arguments = self.arguments()
            node = Call(node.start, self.last, node, arguments, opening, spaced)
            return self.scripted(node)
        if text in FUNCTION_WORDS and (self.starts() or self.sees("−")):
            argument = self.product() if text in LINEAR else self.argument_of_function()
            return Prefixed(node.start, self.last, node, argument)
        return node

    def _with_digits(self, name: Name) -> Any:
        """`W1` is W with the index 1; `W1,1[2]` has two."""
        token = self.take()
        items: list[Any] = [Num(token.start, token.end, self.digits(token))]
        raw = token.text
        while (
            self.sees(",")
            and self.peek().kind == "number"
            and not (self.token.spaced or self.peek().spaced)
            and self.peek(2).text in ("[", "(", "^")
            and not self.peek(2).spaced
        ):
            self.take()
            token = self.take()
            items.append(Num(token.start, token.end, self.digits(token)))
            raw += "," + token.text
        script = Script(items[0].start, self.last, "_", "", tuple(items), raw)
        return Scripted(name.start, self.last, name, (script,))

    def argument_of_function(self) -> Any:
        """What a function without brackets takes: one factor, with the number before it."""
        start = self.token.start
        if self.accept("−"):
            return Sum(start, self.last, ((-1, self.argument_of_function()),))
        factor = self.factor()
        if isinstance(factor, Num) and self.token.kind == "word":
            product = ("", factor), ("", self.factor())
            return Product(start, self.last, product)
        return factor

    # Scripts

    def scripted(self, base: Any) -> Any:
        """Scripts after what was read, if there are any."""
        scripts: list[Script] = list(base.scripts) if isinstance(base, Scripted) else []
        inner = base.base if isinstance(base, Scripted) else base
        before = len(scripts)
        while (found := self.script(inner, scripts)) is not None:
            scripts += found
            if len(scripts) > 20:
                raise self.error("more than 20 scripts")
        if len(scripts) == before:
            return base
        return Scripted(base.start, self.last, inner, tuple(scripts))

    def script(self, base: Any, before: list[Script]) -> list[Script] | None:
        token = self.token
        if token.kind != "sign":
            return None
        if token.text == "{" and self.peek().text == "}":  # {}^T, which only spaces
            self.at += 2
            return []
        if token.text in ("^", "_"):
            self.take()
            return self.script_items(token.text)
        if token.text in ("ᵀ", "′"):
            self.take()
            return [Script(token.start, token.end, token.text)]
        if token.text == "*" and self.latex and self.peek(-1).text == "^":
            return None
        if token.text == "." and not token.spaced and not self.peek().spaced:
            return self.attribute()
        if isinstance(base, Name) and base.text not in FUNCTION_WORDS and not token.spaced:
            return self.layer_in_line(before)
        return None

    def attribute(self) -> list[Script] | None:
        """`.T`, as in NumPy."""
        if self.peek().text in ("T", "mT"):
            start = self.take().start
            self.take()
            return [Script(start, self.last, "ᵀ")]
        return None

    def layer_in_line(self, before: list[Script]) -> list[Script] | None:
        """`W[l]`, `W{[l]}`, `a_j[l](i)`: a raised index that stands on the line."""
        braces = self.sees("{")
        first = self.peek(1 if braces else 0)
        sample = first.text == "(" and (braces or any(s.mark == "[" for s in before))
        if first.text != "[" and not sample:
            return None
        at = self.at + braces
        words: list[str] = []
        while self.peek(1 + braces + len(words)).text not in ("]", ")") and len(words) < 4:
            words.append(self.peek(1 + braces + len(words)).text)
        after = 1 + braces + len(words)
        closed = self.peek(after).text == _CLOSING[first.text]
        if not (closed and _is_layer(words) and (not braces or self.peek(after + 1).text == "}")):
            return None
        if self.latex:
            self.remarks.append(f"{first.text}{''.join(words)}] is read as a raised index")
        self.at = at
        found = [self.marked("^")]
        if braces:
            self.expect("}")
        return found

    def script_items(self, kind: str) -> list[Script]:
        """What follows ^ or _: one token, or a group that may hold several scripts."""
        start = self.token.start
        if not self.accept("{"):
            return self.single_script(kind, start)
        found: list[Script] = []
        while not self.accept("}"):
            if self.token.kind == "end":
                raise self.unexpected("}")
            found.append(self.script_item(kind))
            if len(found) > 12:
                raise self.error("more than 12 scripts in one group", start)
        return found

    def single_script(self, kind: str, start: int) -> list[Script]:
        if self.sees("[", "("):
            if kind == "_" and self.sees("("):
                self.expect("(")
                items = self.indices(")")
                self.expect(")")
                return [
                    Script(start, self.last, "_", "", items, self.raw(start + 1, self.last - 1))
                ]
            return [self.marked(kind)]
        if self.sees("′", "ᵀ"):
            return [Script(start, self.token.end, self.take().text)]
        if kind == "^":
            self._first_character()
        if self.token.kind == "word" and self.token.text in ("T", "t") and kind == "^":
            self.take()
            return [Script(start, self.last, "ᵀ")]
        if self.sees("−") and self.peek().kind in ("number", "word"):  # e^-z
            self.take()
            inner = self._bare()
            item: Any = Sum(start, self.last, ((-1, inner),))
        elif self.sees("*", "∘", "⊙"):
            self.take()
            if self.token.kind == "number" and kind == "^":  # x^∘2
                item = self._bare()
                return [Script(start, self.last, "^", "∘", (item,), self.raw(start, self.last))]
            return [Script(start, self.last, kind, "*", (), "*")]
        else:
            item = self._bare(split=kind == "_")
        items = item if isinstance(item, tuple) else (item,)
        return [Script(start, self.last, kind, "", items, self.raw(start, self.last))]

    def _bare(self, split: bool = False) -> Any:
        """One token, or one character of it in LaTeX, as a script or an argument."""
        self._first_character()
        token = self.token
        if token.kind == "number":
            self.take()
            return Num(token.start, token.end, self.digits(token))
        if token.kind == "word":
            self.take()
            if split and not self.latex and len(token.text) > 1 and token.text.isascii():
                return self.letters(token)
            name = Name(token.start, token.end, token.text)
            if self.token.kind == "number" and self.token.start == token.end and not self.latex:
                return self._with_digits(name)
            return self.layered(name)
        if token.kind == "text":
            self.take()
            return Name(token.start, token.end, token.text)
        return self.atom()

    def _first_character(self) -> None:
        """In LaTeX, x^10 is x¹0: the rest of a word or number goes on after the script."""
        token = self.token
        if (
            token.kind in ("number", "word")
            and len(token.text) > 1
            and self.latex
            and self.written(token) == token.text
        ):
            if token.kind == "number" and not token.text.isdecimal():
                raise self.error(f"of {token.text} LaTeX takes {token.text[0]}: write braces")
            middle = token.start + 1
            self.list[self.at : self.at + 1] = [
                Token(token.kind, token.text[0], token.start, middle, token.spaced),
                Token(token.kind, token.text[1:], middle, token.end),
            ]

    def layered(self, name: Any) -> Any:
        """Primes and raised layers right after a name that is itself a script: a_k′, W_{n[l]}."""
        if self.sees("′") and not self.latex and not self.token.spaced:
            return name
        return name

    def letters(self, token: Token) -> tuple[Any, ...]:
        """The indices `ij` of a word, one letter each; W_{new} has a label."""
        if len(token.text) > 2 and not set(token.text.lower()) <= _SUBSCRIPTS:
            return (Name(token.start, token.end, token.text),)
        return tuple(
            Name(token.start + n, token.start + n + 1, c) for n, c in enumerate(token.text)
        )

    def marked(self, kind: str) -> Script:
        """`[l]` or `(l)`."""
        start, opening = self.token.start, self.take().text
        items = self.indices(_CLOSING[opening])
        inside = self.raw(start + 1, self.last)
        self.expect(_CLOSING[opening])
        return Script(start, self.last, kind, opening, items, inside)

    def raw(self, start: int, end: int) -> str:
        """How a script is written, without spaces and braces."""
        words = [t.text for t in self.list if start <= t.start and t.end <= end]
        return "".join(w for w in words if w not in ("{", "}", "bold"))

    def script_item(self, kind: str) -> Script:
        start = self.token.start
        if self.sees("[", "(", "⦃"):
            return self.marked(kind)
        if self.sees("′", "ᵀ"):
            return Script(start, self.token.end, self.take().text)
        if (
            self.token.text in ("T", "t")
            and self.token.kind == "word"
            and kind == "^"
            and self.peek().text == "}"
        ):
            self.take()
            return Script(start, self.last, "ᵀ")
        if self.sees("*", "∘", "⊙", "+") and self.peek().text == "}":
            self.take()
            return Script(start, self.last, kind, "*", (), "*")
        if self.sees("∘", "⊙"):
            self.take()
            item = self._bare()
            return Script(start, self.last, "^", "∘", (item,), self.raw(start, self.last))
        if kind == "^" and self.sees("−") and self.peek().text in ("ᵀ", "T"):
            self.at += 2
            return Script(start, self.last, "^", "−ᵀ", (), "−ᵀ")
        if self.sees("^"):  # ^{[l]^T}
            self.take()
            above = self.script_items("^")
            if len(above) != 1:
                raise self.error("one script above a script, as in ^{[l]^T}", start)
            return above[0]
        items = self.indices("}", raised=kind == "^")
        return Script(start, self.last, kind, "", items, self.raw(start, self.last))

    def indices(self, closing: str, raised: bool = False) -> tuple[Any, ...]:
        """A list of indices: `ij`, `i, j`, `l − 1`, `k′n′`."""
        found: list[Any] = []
        outer, self.closing = self.closing, [*self.closing, closing]
        calls, self.calls = self.calls, False
        while not self.sees(closing):
            if self.accept(",", ";", "gap"):
                continue
            item = self.index_item() if not raised else self.relation()
            found += item if isinstance(item, list) else [item]
            if raised and self.sees("[", "(", "⦃", "ᵀ", "′"):
                break
            if self.token.kind == "end":
                raise self.unexpected(_quoted(closing))
        self.closing, self.calls = outer, calls
        return tuple(found)

    def index_item(self) -> Any:
        """An index, with what is added to it; letters side by side are several."""
        token = self.token
        if token.kind == "text":
            self.take()
            return Name(token.start, token.end, token.text)
        if token.kind == "word" and token.text.isascii() and len(token.text) > 1:
            if self.peek().kind != "sign" or self.peek().text in (",", "}", ")", "]"):
                self.take()
                return list(self.letters(token))
            self.list[self.at : self.at + 1] = [
                Token("word", c, token.start + n, token.start + n + 1)
                for n, c in enumerate(token.text)
            ]
        found = self.index_total()
        if self.token.kind == "sign" and self.token.text in RELATION_SIGNS:
            relations, parts = [], [found]
            while self.token.kind == "sign" and self.token.text in RELATION_SIGNS:
                relations.append(self.take().text)
                parts.append(self.total())
                if self.accept("…"):
                    parts[-1] = (parts[-1], self.total())
                elif self.sees(",") and self.peek().text == "…":
                    self.at += 2
                    self.accept(",")
                    parts[-1] = (parts[-1], self.total())
            return Chain(found.start, self.last, tuple(parts), tuple(relations))
        return found

    def index_total(self) -> Any:
        start, sign = self.token.start, -1 if self.accept("−") else 1
        terms = [(sign, self.index_factor())]
        while self.sees("+", "−"):
            sign = -1 if self.take().text == "−" else 1
            terms.append((sign, self.index_factor()))
        return (
            terms[0][1] if terms[0][0] == 1 == len(terms) else Sum(start, self.last, tuple(terms))
        )

    def index_factor(self) -> Any:
        if not self.starts() or (self.sees("[") and False):
            raise self.unexpected("an index")
        node = self.scripted(self.atom())
        if self.accept("×", "·"):
            return Product(node.start, self.last, (("", node), ("×", self.index_factor())))
        return node

    # Atoms

    def atom(self) -> Any:
        token = self.token
        if token.kind == "number":
            self.take()
            return Num(token.start, token.end, self.digits(token))
        if token.kind == "word":
            self.take()
            return Name(token.start, token.end, token.text)
        reader = _ATOMS.get(token.text.partition(" ")[0]) if token.kind == "sign" else None
        if reader is None:
            raise self.unexpected("a letter, a number or a bracket")
        return reader(self)

    def digits(self, token: Token) -> Fraction | float:
        """The number that a token is; of a sensible size."""
        text = token.text.replace("−", "-")
        _, _, power = text.lower().partition("e")
        if len(text) > 40 or abs(int(power or 0)) > 100:
            raise self.error("a number of more than 40 digits", token.start)
        value = Fraction(text)
        small = value.denominator < 10**9 and abs(value.numerator) < 10**15
        return value if small else float(value)

    def bracketed(self) -> Any:
        """Anything in brackets, with commas and semicolons between its parts."""
        start, opening = self.token.start, self.take().text
        closing = _CLOSING[opening]
        outer, self.closing = self.closing, [closing]
        calls, self.calls = self.calls, True
        rows: list[list[Any]] = [[]]
        while not self.sees(closing):
            if self.accept(";", "\\\\"):
                rows.append([])
            elif self.accept(",", "gap", "&"):
                continue
            elif self.sees("…"):
                rows[-1].append(Dots(self.token.start, self.take().end))
            else:
                rows[-1].append(self.relation())
                if opening in ("(", "[") and self.sees("|"):
                    self.take()
            if self.token.kind == "end" or (
                self.token.text in _CLOSING.values()
                and not self.sees(closing)
                and not self.starts()
            ):
                raise self.unexpected(_quoted(closing))
            if sum(map(len, rows)) > MOST_TERMS:
                raise self.error(f"more than {MOST_TERMS} entries in one bracket")
        self.take()
        self.closing, self.calls = outer, calls
        if not any(rows):
            raise self.error("an empty bracket", start)
        if opening == "⟦" or len(rows) > 1:
            return Grid(start, self.last, tuple(tuple(row) for row in rows))
        return Bracket(start, self.last, opening, tuple(rows[0]))

    def arguments(self) -> tuple[Any, ...]:
        """What a function is called with; a semicolon parts arguments as a comma does."""
        found = self.bracketed()
        return found.parts if isinstance(found, Bracket) else sum(found.rows, ())

    def group(self) -> Any:
        """A LaTeX group, or braces in plain text: what is in them."""
        if not self.latex:
            return self.bracketed()
        self.expect("{")
        outer, self.closing = self.closing, ["}"]
        if self.sees("}"):
            raise self.error("an empty group")
        found = self.relation()
        self.expect("}")
        self.closing = outer
        return found

    def between(self) -> Any:
        """|x| or ‖x‖."""
        start, sign = self.token.start, self.take().text
        outer, self.closing = self.closing, [*self.closing, sign]
        found = self.total()
        self.expect(sign)
        self.closing = outer
        return Bracket(start, self.last, sign, (found,))

    def argument(self, half: bool = False) -> Any:
        """The argument of \\frac and its kin; half: it may be half of a derivative, ∂x."""
        if self.sees("{"):
            start = self.token.start
            self.take()
            outer, self.closing = self.closing, ["}"]
            calls, self.calls = self.calls, True
            is_half = half and (self.sees("∂") or self._is_d())
            found = self.halved() if is_half else self.relation()
            self.expect("}")
            self.closing, self.calls = outer, calls
            return replace(found, start=start, end=self.last) if isinstance(found, Num) else found
        return self._bare()

    def fraction(self) -> Any:
        start = self.take().start
        at, tokens = self.at, list(self.list)
        above = self.argument(half=True)
        if isinstance(above, Differential):
            outer, self._below = self._below, True
            below = self.argument(half=True)
            self._below = outer
            if _halves(below):
                return self.derivative(above, below, start)
            if self.list[at].text == "∂" or self.list[at + 1].text == "∂":
                raise self.error("∂ above a bar alone: a derivative is ∂…/∂…", above.start)
            self.at, self.list = at, tokens  # d was no sign of a differential
            above = self.argument()
        return Quotient(start, self.last, above, self.argument())

    def _is_d(self) -> bool:
        """Whether the group that begins here is a differential written with d."""
        token = self.token
        if token.kind == "sign" and token.text == "bold":
            return False
        if token.kind != "word" or not token.text.startswith("d") or token.text in FUNCTION_WORDS:
            return False
        if token.text == "d":
            return "d" not in self.known and self.peek().text not in ("_", "ᵀ")
        return len(token.text) == 2 or token.text[1:] in self.known

    def _d(self) -> None:
        """Step over ∂ or d, of which the rest of the word stays."""
        token = self.token
        if token.text.startswith("d") and len(token.text) > 1:
            rest = Token("word", token.text[1:], token.start + 1, token.end)
            self.list[self.at : self.at + 1] = [
                Token("word", "d", token.start, token.start + 1),
                rest,
            ]
        self.take()

    def halved(self) -> Any:
        """∂… within a fraction: to the end of the group."""
        start = self.token.start
        parts = []
        while self.sees("∂") or self._is_d():
            parts.append(self.differential(whole=True))
        if len(parts) == 1:
            return parts[0]
        return Product(start, self.last, tuple(("", part) for part in parts))

    def differential(self, whole: bool = False) -> Differential:
        start = self.token.start
        self._d()
        order = 1
        if self.accept("^"):
            number = self.one_raised()
            if not isinstance(number, Num):
                raise self.error("the order of a derivative is a number")
            order = self.order(number.value)
        of = None
        if self.starts() or self.sees("−"):
            of = self._differentiated(whole)
        return Differential(start, self.last, of, order)

    def one_raised(self) -> Any:
        """What stands raised alone; None where that is nothing, or more."""
        items = [item for script in self.script_items("^") for item in script.items]
        return items[0] if len(items) == 1 else None

    def order(self, value: Any) -> int:
        """The order of a derivative."""
        if value not in range(1, HIGHEST_ORDER + 1):
            raise self.error(f"derivatives are read up to order {HIGHEST_ORDER}")
        return int(value)

    def _differentiated(self, whole: bool) -> Any:
        calls, self.calls = self.calls, self.calls and not self._below
        of = self.product() if whole and not self._below else self.factor()
        self.calls = calls
        return of

    _below = False

    def quotient_of_differentials(self) -> Any:
        """∂J/∂W on one line, or ∂ with a lowered variable: ∂_W J."""
        start = self.token.start
        if self.peek().text == "_":
            return self.derived()
        above = self.differential()
        if self.sees("/") and (self.peek().text == "∂"):
            self.take()
            return self.derivative(above, self.denominators("∂"), start)
        if self.sees("/") and self.peek().text == "(":
            raise self.error("after ∂…/ a ∂… must follow")
        return above

    def differential_quotient(self) -> Any:
        """dJ/dW on one line; None where the word that begins with d is a name."""
        if not self._is_d() or self.token.text in self.known:
            return None
        at, tokens = self.at, list(self.list)
        try:
            start = self.token.start
            above = self.differential()
            if self.accept("/") and self._is_d():
                return self.derivative(above, self.denominators("d"), start)
        except FormulaError:
            pass
        self.at, self.list = at, tokens
        return None

    def denominators(self, sign: str) -> Any:
        start, found = self.token.start, []
        self._below = True
        while self.sees("∂") if sign == "∂" else self._is_d():
            found.append(("", self.differential()))
            if sign == "d":
                break
        self._below = False
        return found[0][1] if len(found) == 1 else Product(start, self.last, tuple(found))

    def derivative(self, above: Differential, below: Any, start: int) -> Differentiation:
        """∂ⁿf/∂x∂y from its halves; the order is no power of the variable."""
        halves = [below] if isinstance(below, Differential) else [half for _, half in below.factors]
        if not all(isinstance(half, Differential) and half.of is not None for half in halves):
            raise self.error("what is it a derivative by? ∂…/∂W", start)
        wrt = tuple(_ordered(half.of, above.order if len(halves) == 1 else 2) for half in halves)
        if above.order == 1 and len(halves) == 1:
            wrt = ((halves[0].of, 1),)
        if sum(n for _, n in wrt) != above.order:
            raise self.error(
                f"∂ is of order {above.order} above and {sum(n for _, n in wrt)} below", start
            )
        return Differentiation(start, self.last, above.of, wrt)

    def is_operator(self) -> bool:
        """Whether `d` or `D` has a lowered variable and something after it: d_x f."""
        return self.peek().text == "_" and self.peek(2).text not in ("[",)

    def derived(self) -> Any:
        """∂_x f, ∇_W J, d_u f, D_u x: an operator with its variable below."""
        token = self.take()
        order, wrt = 1, []
        while self.sees("^", "_"):
            kind = self.take().text
            if kind == "^":
                item = self.one_raised()
                order = self.order(item.value) if isinstance(item, Num) else 1
            elif self.accept("{", "("):
                wrt.append((self.total(), 1))
                while self.accept(","):
                    wrt.append((self.total(), 1))
                self.expect("}") if self.sees("}") else self.expect(")")
            else:
                wrt.append((self._variable(), 1))
        if order > 1 and len(wrt) == 1:
            wrt = [(wrt[0][0], order)]
        of = self.operand() if self.starts() or self.sees("−") else None
        return Differentiation(token.start, self.last, of, tuple(wrt), token.text)

    def _variable(self) -> Any:
        """The variable of d_x, d_w_j: a name with one lowered index."""
        if self.sees("bold"):
            return self.styled()
        name = self._bare()
        if not self.latex and isinstance(name, Name):
            return self.scripted(name)
        return name

    def operand(self) -> Any:
        """What an operator is applied to: one factor."""
        if self.accept("−"):
            return Sum(self.token.start, self.last, ((-1, self.operand()),))
        return self.factor()

    def root(self) -> Any:
        start, token = self.token.start, self.take()
        if token.text == "√":
            self.depth += 1
            if self.depth > DEEPEST:
                raise self.error(f"roots are nested more than {DEEPEST} deep")
            inside = self.factor()
            self.depth -= 1
            return Bracket(start, self.last, "√", (inside,))
        if self.sees("["):
            raise self.error("only square roots are read: write a power")
        return Bracket(start, self.last, "√", (self.argument(),))

    def styled(self) -> Any:
        """\\mathbf and its kin: a number or a letter in a style of its own."""
        start = self.take().start
        braces = self.accept("{")
        if self.token.text in ("d", "D") and not braces and self.is_operator():
            return self.derived()
        if self.sees("bold") or self.token.text.startswith("accent"):
            node = self.atom()
        elif braces or self.token.kind == "sign":
            node = self.factor() if self.token.kind != "word" else self._styled_name()
        else:
            node = self._bare()
        if braces:
            if self.token.kind == "word":  # \mathbf{ab}
                raise self.error("one letter in a style at a time")
            self.expect("}")
        if isinstance(node, Num):
            return replace(node, start=start, end=self.last, bold=True)
        return self.named(self._bold(node)) if isinstance(node, Name | Scripted) else node

    def _styled_name(self) -> Any:
        self._split()
        token = self.take()
        return self.scripted(Name(token.start, token.end, token.text))

    def _bold(self, node: Any) -> Any:
        if isinstance(node, Name):
            return replace(node, bold=True)
        if isinstance(node.base, Name):
            return replace(node, base=replace(node.base, bold=True))
        return node

    def accented(self) -> Any:
        start, mark = self.token.start, self.take().text.split()[1]
        node = self.argument()
        base = node.base if isinstance(node, Scripted) else node
        if not isinstance(base, Name):
            raise self.error("an accent over something that is no letter", start)
        text = f"{base.text}{mark}"
        named = Name(start, self.last, _normalized(text), base.bold)
        return self.named(replace(node, base=named) if isinstance(node, Scripted) else named)

    def braced(self) -> Any:
        """\\underbrace{x}_{…}: x."""
        kind = self.take().text
        if kind in ("underset", "overset", "stackrel"):
            self.argument()
            return self.argument()
        node = self.argument()
        while self.sees("_", "^"):
            self.take()
            if self.accept("{"):
                self._skip_group()
            else:
                self.take()
        return node

    def _skip_group(self) -> None:
        depth = 1
        while depth:
            token = self.take()
            if token.kind == "end":
                raise self.unexpected("}")
            depth += (token.text == "{") - (token.text == "}")

    def ellipsis(self) -> Dots:
        token = self.take()
        return Dots(token.start, token.end)

    def environment(self) -> Any:
        start, kind = self.token.start, self.take().text.removeprefix("begin ")
        if kind not in _MATRICES | _ROWS | {"cases"}:
            raise self.error(f"the environment {kind!r} is not known here", start)
        outer, self.closing = self.closing, []
        rows: list[list[Any]] = [[]]
        was, self.in_cells = self.in_cells, kind not in _ROWS
        while not self.sees(f"end {kind}"):
            if self.token.kind == "end":
                raise self.unexpected(f"\\end{{{kind}}}")
            if self.accept("\\\\"):
                rows.append([])
            elif self.accept("&", "gap", ","):
                continue
            elif self.sees("|") and self.peek().text in ("&", "\\\\", f"end {kind}"):
                rows[-1].append(Dots(self.token.start, self.take().end))  # a column as a line
            elif self.token.kind == "text":
                token = self.take()
                if token.text.rstrip(",. ") in ("otherwise", "else", "sonst"):
                    rows[-1].append(Name(token.start, token.end, "otherwise"))
            elif self.token.text in ("otherwise", "if", "for"):
                token = self.take()
                if token.text == "otherwise":
                    rows[-1].append(Name(token.start, token.end, "otherwise"))
            else:
                rows[-1].append(self.relation())
        self.take()
        self.closing, self.in_cells = outer, was
        cells = tuple(tuple(row) for row in rows if row)
        if not cells or len(cells) * max(map(len, cells)) > 400:
            raise self.error("a matrix without entries, or with more than 400", start)
        if kind in _ROWS and len(cells) == len(cells[0]) == 1:
            return cells[0][0]
        return Grid(start, self.last, cells, "cases" if kind == "cases" else kind)

    def reduction(self, kind: str) -> Any:
        """Σ or Π with its indices, bounds and body."""
        start = self.list[self.at - 1].start
        indices: list[Name] = []
        low = high = condition = None
        while self.sees("_", "^"):
            lowered = self.take().text == "_"
            group = self.accept("{", "(")
            closing = _CLOSING[group.text] if group else ""
            if not lowered:
                high = self.total() if group else self._bare()
            else:
                items = self.indices(closing) if group else _tuple(self._bare(split=True))
                for item in items:
                    if isinstance(item, Chain):
                        indices, low, high, condition = self._bounds(item, indices, high)
                    elif isinstance(item, Name):
                        primes = ""
                        while not group and self.sees("′") and not self.token.spaced:
                            primes += self.take().text
                        indices.append(replace(item, text=item.text + primes))
                    elif isinstance(_primed(item), Name):
                        indices.append(_primed(item))
                    else:
                        raise self.error("an index of a sum is a letter", item.start)
            if closing:
                self.expect(closing)
        if not self.starts() and not self.sees("−", "+"):
            raise self.unexpected("what is summed")
        body = self.body()
        return BigOperator(start, self.last, kind, tuple(indices), low, high, condition, body)

    def _bounds(self, chain: Chain, indices: list[Name], high: Any) -> tuple[Any, ...]:
        """`i = 1`, `i = 1 … m`, `i ≠ j`, `1 ≤ i ≤ m`, `i ∈ S`."""
        first, low, condition = _primed(chain.parts[0]), None, None
        if isinstance(first, Name) and chain.relations == ("=",):
            indices = [*indices, first]
            low = chain.parts[1]
            if isinstance(low, tuple):
                low, high = low
        elif chain.relations in (("≤", "≤"), ("<", "<")) and isinstance(chain.parts[1], Name):
            indices, low, high = [*indices, chain.parts[1]], first, chain.parts[2]
        elif isinstance(first, Name) and chain.relations in (
            ("≠",),
            ("<",),
            (">",),
            ("≤",),
            ("≥",),
        ):
            indices, condition = [*indices, first], chain
        elif isinstance(first, Name) and chain.relations == ("∈",):
            raise self.error("a sum over a set: write its range, i = 1, …, m", chain.start)
        else:
            raise self.error("the bounds of a sum: i = 1 below and m above", chain.start)
        return indices, low, high, condition

    def body(self) -> Any:
        if self.accept("−"):
            return Sum(self.token.start, self.last, ((-1, self.body()),))
        self.accept("+")
        return self.product()


_ATOMS: dict[str, Callable[[Parser], Any]] = {
    **dict.fromkeys(("(", "[", "⟦", "⦃", "⟨"), Parser.bracketed),
    **dict.fromkeys(("|", "‖"), Parser.between),
    **dict.fromkeys(("√", "sqrt"), Parser.root),
    **dict.fromkeys(("underbrace", "overbrace", "underset", "overset", "stackrel"), Parser.braced),
    "{": Parser.group,
    "frac": Parser.fraction,
    "bold": Parser.styled,
    "accent": Parser.accented,
    "begin": Parser.environment,
    "∂": Parser.quotient_of_differentials,
    "∇": Parser.derived,
    "…": Parser.ellipsis,
}


def _is_layer(words: list[str]) -> bool:
    """Whether this may number a layer: l, 3, l − 1, 3z."""
    if len(words) == 1:
        return words[0][:1].isdigit() or words[0] in _LAYERS + "ij"
    if len(words) == 2:
        return words[0].isdigit() and words[1].isalpha()
    return len(words) == 3 and words[0] in _LAYERS and words[1] in "+−" and words[2].isdigit()


def _halves(node: Any) -> bool:
    """Whether this is ∂x, or ∂x ∂y."""
    if isinstance(node, Product):
        return all(isinstance(x, Differential) and x.of is not None for _, x in node.factors)
    return isinstance(node, Differential) and node.of is not None


def _primed(node: Any) -> Any:
    """An index with primes, n′, as one name."""
    if (
        isinstance(node, Scripted)
        and isinstance(node.base, Name)
        and all(s.kind == "′" for s in node.scripts)
    ):
        return replace(node.base, text=node.base.text + "′" * len(node.scripts))
    return node


def _quoted(text: str) -> str:
    return f"{text!r}" if text else "the end"


def _tuple(x: Any) -> tuple[Any, ...]:
    return x if isinstance(x, tuple) else (x,)


def _normalized(text: str) -> str:
    import unicodedata

    return unicodedata.normalize("NFC", text)


def _ordered(of: Any, order: int) -> tuple[Any, int]:
    """∂x² below the bar: x, twice. A raised number there is the order."""
    if isinstance(of, Scripted) and of.scripts and order > 1:
        last = of.scripts[-1]
        if (
            last.kind == "^"
            and not last.mark
            and len(last.items) == 1
            and isinstance(last.items[0], Num)
        ):
            n = int(last.items[0].value)
            rest = of.scripts[:-1]
            return (replace(of, scripts=rest) if rest else of.base), n
    return of, 1
