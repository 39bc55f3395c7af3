"""Names for what occurs more than once in a formula: `where p = σ(X w)`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from autograd_lite import rules
from autograd_lite.algebra.shortening import length
from autograd_lite.algebra.tree import Apply, Expression, Symbol, all_parts, replaced, symbols

MOST_MEANINGS = 4
_FREE_LETTERS = {0: "αβγκτ", 1: "ruqsgh", 2: "RUQSGH"}  # by the axes that are longer than one
_PROBABILITIES = {1: "p", 2: "P"}

Meanings = list[tuple[Symbol, Expression]]


def with_names(e: Expression, taken: Collection[str]) -> tuple[Expression, Meanings]:
    """The expression with letters for its parts that occur twice, where that makes it shorter.

    taken: letters that mean something else. The names come in an order in which each uses only
    those before it.
    """
    parts = [e]
    names: list[Symbol] = []
    while len(names) < MOST_MEANINGS:
        best = max(_gains(parts), key=lambda pair: pair[0], default=(0, e))
        if best[0] <= 0:
            break
        part = best[1]
        name = Symbol(
            "name", _letter(part, {*taken, *(n.label for n in names)}), len(names), part.shape
        )
        parts = [replaced(x, part, name) for x in parts] + [part]
        names.append(name)
    return parts[0], _in_order_of_use(list(zip(names, parts[1:], strict=True)))


def _gains(parts: list[Expression]) -> Iterator[tuple[int, Expression]]:
    """By how much a name would shorten the formula, for each part that occurs twice."""
    inside = (x for whole in parts for x in all_parts(whole))
    counts = Counter(x for x in inside if isinstance(x, Apply) and x.arguments)
    for x, n in counts.items():
        size = length(x)
        if n > 1 and size > 3:
            yield (n - 1) * size - n - 5, x  # `where`, the name, = and a comma are written too


def _letter(part: Expression, taken: Collection[str]) -> str:
    axes = sum(n > 1 for n in part.shape)
    wanted = _FREE_LETTERS[axes]
    if isinstance(part, Apply) and part.op in (rules.sigmoid, rules.softmax_):
        wanted = _PROBABILITIES.get(axes, "") + wanted
    for suffix in ("", *"₁₂₃₄₅₆₇₈₉"):
        for letter in wanted:
            if letter + suffix not in taken:
                return letter + suffix
    raise ValueError("no letter is left to name a part of this formula")


def _in_order_of_use(names: Meanings) -> Meanings:
    ordered: Meanings = []
    while names:
        waiting = {name for name, _ in names}
        ready = [(n, e) for n, e in names if not waiting & set(symbols(e))]
        ordered += ready
        names = [pair for pair in names if pair not in ready]
    return ordered
