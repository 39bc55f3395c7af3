"""How names are written and told apart: `W_1`, `W^{[l]}`, `h_{t−1}`, `a'`.

A key is the letter, its primes, and what stands below and above it that belongs to the name. A
layer's number is a number in it, so that `W^{[l-1]}` for l = 3 and `W^{[2]}` are one name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations
from typing import Any

from autograd_lite.formula.syntax import (
    Call,
    Chain,
    Name,
    Num,
    Script,
    Scripted,
    Sum,
    SyntaxNode,
    nodes,
)

KeyPart = int | str


@dataclass(frozen=True)
class Key:
    """A name: its letter with primes, what is lowered, what is raised."""

    letter: str
    low: tuple[KeyPart, ...] = ()
    high: tuple[KeyPart, ...] = ()

    def __str__(self) -> str:
        below = "_" + ",".join(map(str, self.low)) if self.low else ""
        above = "".join(f"[{x}]" for x in self.high)
        return f"{self.letter}{below}{above}"

    @property
    def numbers(self) -> list[int]:
        """Of layers and steps."""
        return [x for x in (*self.low, *self.high) if isinstance(x, int)]

    def latex(self) -> str:
        """In LaTeX, before letters are escaped."""
        return str(self)


@dataclass(frozen=True)
class NameParts:
    """A name taken apart: letter, primes, index-like scripts, and those of operations, in order."""

    letter: str
    indices: tuple[Script, ...]
    operations: tuple[Script, ...]
    bold: bool
    node: Any


def taken_apart(node: Any) -> NameParts | None:
    """The parts of a name with scripts; None if it is no name."""
    if isinstance(node, Name):
        return NameParts(node.text, (), (), node.bold, node)
    if not (isinstance(node, Scripted) and isinstance(node.base, Name)):
        return None
    primes = 0
    indices: list[Script] = []
    operations: list[Script] = []
    for script in node.scripts:
        if script.kind == "′" and not operations:
            primes += 1
        elif script.kind in ("_", "^") and not operations and script.mark != "∘" and script.items:
            indices.append(script)
        elif script.kind in ("_", "^") and operations and script.kind == "^" and script.mark:
            indices.append(script)  # Wᵀ[l]
        else:
            operations.append(script)
    letter = node.base.text + "′" * primes
    return NameParts(letter, tuple(indices), tuple(operations), node.base.bold, node)


def digits_apart(index: Any) -> tuple[Any, ...]:
    """The indices in W_12, which are two."""
    number = index.value if isinstance(index, Num) else 0
    if not (10 < number < 100 and number == int(number) and number % 10):
        return (index,)
    return tuple(replace(index, value=Fraction(int(n))) for n in str(int(number)))


def written_key(name: NameParts) -> str:
    """A name as it is written, `W_1` for W with a lowered 1."""
    return name.letter + "".join(f"{s.kind}{s.raw}" for s in name.indices)


def subsets(scripts: tuple[Script, ...]) -> Iterator[tuple[tuple[Script, ...], tuple[Script, ...]]]:
    """Which scripts belong to the name and which do not, from all to none."""
    numbers = range(len(scripts))
    for size in range(len(scripts), -1, -1):
        for chosen in combinations(numbers, size):
            yield (
                tuple(scripts[n] for n in chosen),
                tuple(scripts[n] for n in numbers if n not in chosen),
            )


def key_of(letter: str, scripts: Iterable[Script], value: Callable[[Any], KeyPart]) -> Key:
    """The key of a name with these scripts; `value` says what an index is, a number or a word."""
    low: list[KeyPart] = []
    high: list[KeyPart] = []
    for script in scripts:
        parts = [value(x) for x in script.items]
        if script.kind == "_":
            joined = len(script.items) > 1 and all(isinstance(p, str) for p in parts)
            low += [script.raw] if joined and "," not in script.raw else parts
        else:
            high += parts
    return Key(letter, tuple(low), tuple(high))


def letter_and_step(node: Any) -> tuple[str, int] | None:
    """`l − 1` as the letter l and −1; None for another expression."""
    if isinstance(node, Name):
        return node.text, 0
    if isinstance(node, Sum) and len(node.terms) == 2:
        (sign, letter), (step_sign, step) = node.terms
        if sign == 1 and isinstance(letter, Name) and isinstance(step, Num):
            return letter.text, step_sign * int(step.value)
        if step_sign == 1 and sign == 1 and isinstance(step, Name) and isinstance(letter, Num):
            return step.text, int(letter.value)
    return None


def function_and_arguments(node: Any) -> tuple[Any, tuple[Any, ...]]:
    """The name of `f(x)` and its arguments; a name alone has none."""
    if isinstance(node, Call):
        return node.function, node.arguments
    return node, ()


def names_in(chain: Chain) -> Iterator[NameParts]:
    """Every name of a chain, outermost first."""
    inner: set[int] = set()
    for node in nodes(chain):
        if isinstance(node, Scripted) and isinstance(node.base, Name):
            inner.add(id(node.base))
    for node in nodes(chain):
        if id(node) not in inner and (found := taken_apart(node)) is not None:
            yield found


def differences(first: Any, last: Any) -> list[tuple[int, Any]] | None:
    """Where two expressions differ, if only in that the first has whole numbers there."""
    if isinstance(first, Num) and first != last and first.value == int(first.value):
        if not isinstance(last, Num) or last.value != first.value:
            return [(int(first.value), last)]
        return []
    if isinstance(first, tuple) and isinstance(last, tuple) and len(first) == len(last):
        parts = [differences(a, b) for a, b in zip(first, last, strict=True)]
    elif type(first) is type(last) and isinstance(first, SyntaxNode):
        fields = [f for f in first.__dataclass_fields__ if f not in ("start", "end", "raw")]
        parts = [differences(getattr(first, f), getattr(last, f)) for f in fields]
    else:
        return [] if first == last else None
    return None if any(p is None for p in parts) else [d for p in parts for d in p or ()]


def counted(first: Any, last: Any, n: int) -> Any:
    """The expression between two such, with `n` where they differ."""
    if isinstance(first, Num) and (not isinstance(last, Num) or last.value != first.value):
        return replace(first, value=Fraction(n))
    if isinstance(first, tuple):
        return tuple(counted(a, b, n) for a, b in zip(first, last, strict=True))
    if isinstance(first, SyntaxNode):
        fields = [f for f in first.__dataclass_fields__ if f not in ("start", "end", "raw")]
        return replace(
            first, **{f: counted(getattr(first, f), getattr(last, f), n) for f in fields}
        )
    return first
