"""A place in a list of tokens: what is seen there, what is taken, and errors at it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

from autograd_lite.formula.tokens import FormulaError, TextSource, Token

DEEPEST = 60  # brackets within brackets
CLOSING = {"(": ")", "[": "]", "⦃": "⦄", "⟨": "⟩", "⟦": "⟧", "|": "|", "‖": "‖", "{": "}"}
OPENS = set(CLOSING) - {"|", "‖"}
CLOSES = {CLOSING[sign] for sign in OPENS}
RELATION_SIGNS = set("=≠<>≤≥∈∋≈≡∝←→⇒⟺~⊂:") | {":=", "+=", "−="}
_STARTS = {"(", "[", "⟦", "⦃", "⟨", "{", "∂", "∇", "√", "frac", "sqrt", "bold", "…", "binom"}
_STARTS |= {"underbrace", "overbrace", "underset", "overset", "stackrel"}


class TokenReader:
    """Reads the tokens of one formula. `split` says into which names a run of letters falls.

    closing: the signs that end what is being read. calls: whether brackets after a name may be its
    arguments. in_cells: whether & parts the cells of a matrix.
    """

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
        self.closing: tuple[str, ...] = ()
        self.in_cells = False
        self.calls = True
        self.remarks: list[str] = []

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

    def sees_relation(self) -> bool:
        return self.token.kind == "sign" and self.token.text in RELATION_SIGNS

    def accept(self, *signs: str) -> Token | None:
        return self.take() if self.sees(*signs) else None

    def expect(self, sign: str) -> Token:
        if not self.sees(sign):
            raise self.unexpected(in_quotes(sign))
        return self.take()

    def starts(self) -> bool:
        """Whether the next token may begin a factor."""
        token = self.token
        if token.kind in ("number", "word"):
            return token.text not in self.closing
        if token.kind != "sign":
            return False
        if token.text in ("|", "‖"):
            return token.text not in self.closing
        return token.text in _STARTS or token.text.startswith(("accent", "begin"))

    def replaced(self, *tokens: Token) -> None:
        """Put others in the place of the next token."""
        self.list[self.at : self.at + 1] = tokens

    @contextmanager
    def reading(self, **how: Any) -> Iterator[None]:
        """Read a part in another way: with other `closing`, `calls` or `in_cells`; one deeper."""
        outer = {name: getattr(self, name) for name in ("depth", *how)}
        vars(self).update(how, depth=self.depth + 1)
        if self.depth > DEEPEST:
            raise self.error(f"brackets are nested more than {DEEPEST} deep")
        try:
            yield
        finally:
            vars(self).update(outer)

    @property
    def last(self) -> int:
        """Where the token before this one ends."""
        return self.list[self.at - 1].end if self.at else self.token.start

    def written(self, node: Any) -> str:
        """A part as it stands in the source."""
        return self.source.text[node.start : node.end]

    def raw(self, start: int, end: int) -> str:
        """How a script is written, without spaces and braces."""
        words = [t.text for t in self.list if start <= t.start and t.end <= end]
        return "".join(w for w in words if w not in ("{", "}", "bold"))

    def digits(self, token: Token) -> Fraction | float:
        """The number that a token is; of a sensible size."""
        text = token.text.replace("−", "-")
        _, _, power = text.lower().partition("e")
        if len(text) > 40 or abs(int(power or 0)) > 100:
            raise self.error("a number of more than 40 digits", token.start)
        value = Fraction(text)
        small = value.denominator < 10**9 and abs(value.numerator) < 10**15
        return value if small else float(value)

    def error(self, said: str, at: int | None = None) -> FormulaError:
        return FormulaError(said, self.source, self.token.start if at is None else at)

    def unexpected(self, wanted: str) -> FormulaError:
        token = self.token
        if token.kind == "end":
            return self.error(f"the formula ends where {wanted} should follow")
        return self.error(f"{in_quotes(token.text)} stands where {wanted} should")

    # What the parser reads, from loose to tight

    def relation(self) -> Any:
        raise NotImplementedError

    def total(self) -> Any:
        raise NotImplementedError

    def product(self) -> Any:
        raise NotImplementedError

    def factor(self) -> Any:
        raise NotImplementedError

    def atom(self) -> Any:
        raise NotImplementedError


def in_quotes(text: str) -> str:
    """A sign in a message."""
    return f"{text!r}" if text else "the end"
