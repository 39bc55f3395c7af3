"""The parts of a formula as it is written, without shapes: what `parsing` makes of its tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache, cached_property
from typing import Any


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


@dataclass(frozen=True)
class Chain(SyntaxNode):
    """Parts with relations between them: a = b = c."""

    parts: tuple[Any, ...]
    relations: tuple[str, ...]

    @cached_property
    def within(self) -> tuple[Any, ...]:
        """The chain and all parts of it, which are asked for again and again."""
        return tuple(_walked(self, True))


def nodes(node: Any, scripts: bool = True) -> Iterator[Any]:
    """A part of a formula and all parts of it; without scripts, only what has its own value."""
    return iter(node.within) if scripts and isinstance(node, Chain) else _walked(node, scripts)


def _walked(node: Any, scripts: bool) -> Iterator[Any]:
    waiting = [node]
    while waiting:
        x = waiting.pop()
        if isinstance(x, tuple):
            waiting.extend(x)
        elif isinstance(x, SyntaxNode) and (scripts or not isinstance(x, Script)):
            yield x
            waiting.extend([getattr(x, f) for f in inner_fields(x)])


def words(node: Any) -> Any:
    """A part of a formula without its place: equal, and of one hash, where the same is written."""
    if isinstance(node, tuple):
        return tuple(map(words, node))
    if isinstance(node, SyntaxNode):
        return type(node), *(words(getattr(node, f)) for f in inner_fields(node))
    return type(node), node


def inner_fields(node: SyntaxNode) -> tuple[str, ...]:
    """The fields of a node apart from its place."""
    kind: Any = type(node)
    return _inner_fields(kind)


@cache
def _inner_fields(kind: Any) -> tuple[str, ...]:
    return tuple(f for f in kind.__dataclass_fields__ if f not in ("start", "end"))
