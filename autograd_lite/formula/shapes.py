"""Sizes of matrices: numbers, letters with drawn values, and open ones that equations decide.

Every expression of a note is a matrix: a number is 1 × 1, a vector a column.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from autograd_lite.algebra.tree import (
    Apply,
    Expression,
    Index,
    Named,
    Number,
    Ones,
    Total,
    children,
    rebuilt,
)


class NotConforming(ValueError):
    """Shapes that do not fit together, which the message names."""


class Size:
    """One size. Equations join open ones (`joined`); `soft` ones are 1 if nothing else decides.

    A literal 1 makes a number of a matrix or is repeated along its axis; a letter that happens to
    have the value 1 does not.
    """

    __slots__ = ("_in", "literal", "name", "soft", "value")

    def __init__(
        self, name: str, value: int | None = None, literal: bool = False, soft: bool = False
    ) -> None:
        self.name, self.value, self.literal, self.soft = name, value, literal, soft
        self._in: Size | None = None

    @property
    def root(self) -> Size:
        """The size that this one has become."""
        size = self
        while size._in is not None:
            size = size._in
        return size

    def __str__(self) -> str:
        return self.root.name

    __repr__ = __str__


ONE = Size("1", 1, literal=True)


def literal(n: int) -> Size:
    """A size that is a number in the note."""
    return ONE if n == 1 else Size(str(n), n, literal=True)


def joined(a: Any, b: Any) -> bool:
    """Make two sizes one, if they can be: whether they are equal now.

    >>> n, m, open = Size("n", 3), Size("m", 4), Size("?")
    >>> joined(open, n), joined(open, m), joined(n, Size("k", 3))
    (True, False, True)
    """
    a, b = a.root, b.root
    if a is b:
        return True
    if a.value is not None and b.value is not None:
        return bool(a.value == b.value)
    if a.value is not None:
        a, b = b, a
    if b.value is None:
        if b.soft and not a.soft:
            a, b = b, a
        b.soft = a.soft and b.soft
    a._in = b
    return True


def same(a: Any, b: Any) -> bool:
    """Whether two sizes are one by what the note says, not by chance."""
    a, b = a.root, b.root
    return a is b or (a.literal and b.literal and a.value == b.value)


def is_one(size: Any) -> bool:
    """Whether a size is a 1 that stands in the note."""
    root = size.root
    return bool(root.literal and root.value == 1)


def is_soft(size: Any) -> bool:
    """Whether a size is open, and 1 if nothing else decides."""
    root = size.root
    return root.value is None and bool(root.soft)


def matrix_shape(e: Expression) -> tuple[Any, Any]:
    """Rows and columns of an expression; a number has one of each."""
    shape: tuple[Any, ...] = e.shape
    return (shape[0], shape[1]) if len(shape) == 2 else (ONE, ONE)


def is_number(e: Expression) -> bool:
    """Whether an expression is a number: 1 × 1 by what the note says."""
    shape: tuple[Any, ...] = e.shape
    return not shape or (len(shape) == 2 and all(map(is_one, shape)))


def written_shape(shape: tuple[Any, ...]) -> str:
    """`h × m`; `1 × 1` is a number."""
    return " × ".join(map(str, shape)) if shape and not all(map(is_one, shape)) else "a number"


def differ(a: Any, b: Any) -> str:
    """Why two sizes are not one, in words: n = 2 ≠ m = 3."""

    def shown(size: Any) -> str:
        root = size.root
        return root.name if root.literal else f"{root.name} = {root.value}"

    return f"{shown(a)} ≠ {shown(b)}" if same(a, b) is False else "they differ"


def settled_shape(shape: tuple[Any, ...]) -> tuple[int, ...]:
    """The numbers, when every size has one; () for a number."""
    if not shape or (len(shape) == 2 and all(map(is_one, shape))):
        return ()
    return tuple(n if isinstance(n, int) else int(n.root.value) for n in shape)


def settled(e: Expression) -> Expression:
    """The expression with numbers for sizes."""
    new = rebuilt(e, [settled(x) for x in children(e)])
    if isinstance(new, Number | Named):
        return new
    if isinstance(new, Index):
        return _settled_index(new)
    if isinstance(new, Ones):
        return Ones(settled_shape(new.shape) or (1, 1))
    if isinstance(new, Total):
        new = replace(new, index=_settled_index(new.index))
    shape = settled_shape(new.shape)
    if isinstance(new, Apply) and "shape" in new.static:
        return replace(new, shape=shape, static={**new.static, "shape": shape})
    return replace(new, shape=shape)


def _settled_index(index: Index) -> Index:
    count: Any = index.count
    return index if isinstance(count, int) else replace(index, count=int(count.root.value))
