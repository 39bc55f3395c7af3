"""Sums, products and the like of expressions with shapes: what fits, and what is repeated.

What does not fit raises NotConforming.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np

from autograd_lite.algebra.tree import (
    Apply,
    Derivative,
    Element,
    Expression,
    Index,
    Number,
    Ones,
    Symbol,
    only,
    symbols,
    transposed,
    unit_vector,
)
from autograd_lite.formula.shapes import (
    ONE,
    NotConforming,
    Size,
    differ,
    is_number,
    is_one,
    is_soft,
    joined,
    literal,
    matrix_shape,
    same,
    written_shape,
)
from autograd_lite.formula.tokens import FormulaError
from autograd_lite.formula.world import World


@dataclass
class Env:
    """What letters stand for at one place: numbers of layers, indices of elements, parameters."""

    letters: dict[str, int] = field(default_factory=dict)
    axes: dict[str, Index] = field(default_factory=dict)
    parameters: dict[str, Expression] = field(default_factory=dict)
    free: bool = True  # whether a new index may be met here

    def next_axis(self) -> int:
        return 1 + max((i.axis for i in self.axes.values()), default=-1)


class Operations:
    """Operations on expressions, in one drawing of a note."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.remarks: dict[str, None] = {}
        self.layout = world.plan.conventions.get("layout", "mixed")
        self.dot = "inner"  # what · between two columns is: `inner`, or `elementwise`
        self.partials = world.partials  # or `direct` of definitions and f(x, h), `calls` of f(x, h)
        self.terms = "total"  # or `step`: ∂l/∂h_t as a term by itself is that within one step
        self.step: Collection[Any] = ()  # the derivatives that are now read so, in words
        self.broadcasting = world.plan.conventions.get("broadcasting", "") != "none"

    def remark(self, said: str) -> None:
        self.remarks.setdefault(said)

    @contextmanager
    def reading(self, **how: Any) -> Iterator[None]:
        """Read in another way: with another `layout`, `dot`, `partials` or `terms`."""
        usual = {name: getattr(self, name) for name in how}
        vars(self).update(how)
        try:
            yield
        finally:
            vars(self).update(usual)

    def error(self, said: str, node: Any) -> FormulaError:
        return FormulaError(said, self.world.source, node.start)

    def fits(self, a: tuple[Any, Any], b: tuple[Any, Any], said: str) -> None:
        """Join two shapes, or say that they differ."""
        if not (joined(a[0], b[0]) and joined(a[1], b[1])):
            raise NotConforming(f"{said}, and is {written_shape(a)}")

    def together(self, a: Expression, b: Expression, sign: str) -> tuple[Any, ...]:
        """The shape of a and b element by element; repeating one of them is a remark."""
        if is_number(a) or is_number(b):
            shape = matrix_shape(b if is_number(a) else a)
            number = a if is_number(a) else b
            if sign in "+−" and not is_number(a if number is b else b) and not _constant(number):
                self.broadcast(number, shape)
            return shape
        (r1, c1), (r2, c2) = matrix_shape(a), matrix_shape(b)
        self._orient(a, b)
        found: list[Any] = []
        repeated = False
        for d1, d2 in ((r1, r2), (c1, c2)):
            if is_one(d1) != is_one(d2):
                other = d2 if is_one(d1) else d1
                if is_soft(other):
                    joined(other, ONE)
                repeated = repeated or not is_one(other)
                found.append(other)
            elif joined(d1, d2):
                found.append(d1)
            else:
                raise NotConforming(
                    f"{written_shape((r1, c1))} {sign} {written_shape((r2, c2))}: {differ(d1, d2)}"
                )
        if repeated:
            smaller = a if any(is_one(x) and not is_one(y) for x, y in ((r1, r2), (c1, c2))) else b
            self.broadcast(smaller, tuple(found))
        return tuple(found)

    def _orient(self, a: Expression, b: Expression) -> None:
        """A bias of an undeclared shape: a row where samples are rows."""
        if not self.world.plan.rows:
            return
        for x, y in ((a, b), (b, a)):
            r, c = matrix_shape(x)
            if isinstance(x, Symbol) and is_soft(r) and is_soft(c) and not is_number(y):
                joined(r, ONE)
                joined(c, matrix_shape(y)[1])

    def broadcast(self, e: Expression, shape: tuple[Any, ...]) -> None:
        if not self.broadcasting:
            raise NotConforming(
                f"{written_shape(matrix_shape(e))} beside {written_shape(shape)}: "
                "broadcasting is not written (front matter: `broadcasting: none`)"
            )
        name = e.label if isinstance(e, Symbol) else written_shape(matrix_shape(e))
        self.remark(f"{name} is repeated to {written_shape(shape)} (broadcasting)")

    def multiply(self, sign: str, a: Expression, b: Expression) -> Expression:
        if sign == "/":
            return self.divided(a, b)
        if sign in ("∘", "⊙", "*"):
            return Apply(np.multiply, (a, b), self.together(a, b, sign))
        if len(b.shape) == 4 or len(a.shape) == 4:
            return self.contracted(a, b)
        if sign == "⊗":
            return self.outer(a, b)
        if is_number(a) or is_number(b):
            return self.scaled(a, b)
        elementwise = self.of_columns(sign, a, b)
        if elementwise is not None:
            return elementwise
        linked = self.chained(a, b)
        return self.matrix_product(a, b) if linked is None else linked

    def of_columns(self, sign: str, a: Expression, b: Expression) -> Expression | None:
        """Products that are none of matrices: × of equal shapes, · of columns, those of numbers."""
        (r1, c1), (r2, c2) = matrix_shape(a), matrix_shape(b)
        if sign == "×" and same(r1, r2) and same(c1, c2) and not same(r1, c1):
            return Apply(np.multiply, (a, b), self.together(a, b, sign))
        if sign == "·" and same(r1, r2) and same(c1, c2) and not is_one(r2):
            return self.of_equals(a, b)
        if is_soft(r1) and is_one(c1) and not is_one(r2) and not is_soft(r2):
            joined(r1, ONE)  # η W
            return self.scaled(a, b)
        columns = is_one(c1) and is_one(c2) and r1.root.value is r2.root.value is None
        if columns or all(map(is_soft, (r1, c1, r2, c2))):
            for size in (r1, c1, r2, c2):
                joined(size, ONE)
            return self.scaled(a, b)
        return None

    def of_equals(self, a: Expression, b: Expression) -> Expression | None:
        """a · b of equal shapes: of two columns, or element by element where that is tried."""
        columns = is_one(matrix_shape(a)[1])
        if self.dot == "elementwise" and (columns or self.broadcasting):
            self.remark("· between equal shapes is read element by element")
            return Apply(np.multiply, (a, b), self.together(a, b, "∘"))
        if columns:
            self.remark("· between two columns is their inner product")
        return self.inner(a, b) if columns else None

    def chained(self, a: Expression, b: Expression) -> Expression | None:
        """∂C/∂a ∂a/∂z where no layout makes ∂C/∂a a row: a sum over all that a has."""
        layout = self.world.plan.conventions.get("layout", "mixed")
        if layout != "mixed" or not isinstance(b, Derivative) or b.layout == "denominator":
            return None
        if _chain_end(a) is None or b.at != (None, None) or is_number(b.of):
            return None
        self.remark("derivatives side by side are read as the chain rule")
        return self.contracted(a, b)

    def contracted(self, a: Expression, b: Expression) -> Expression:
        """A product with a derivative of a matrix: the sum over both of its indices.

        ∂J/∂X V, of a matrix J, is how J changes with X in the direction V.
        """
        a, b = _unfolded(a), _unfolded(b)
        if is_number(a) or is_number(b):
            return Apply(np.multiply, (a, b), a.shape if is_number(b) else b.shape)
        if self.layout == "denominator" and len(a.shape) == 4 and _chain_end(b) is not None:
            a, b = b, a  # ∂L/∂X = ∂Z/∂X ∂L/∂Z
        if len(a.shape) == 4 and len(b.shape) == 2:
            below: Any = a.shape[2:]
            self.fits(
                matrix_shape(b), below, f"the derivative is by something {written_shape(below)}"
            )
            return Apply(np.tensordot, (a, b), a.shape[:2], {"axes": 2})
        if len(b.shape) != 4:
            raise NotConforming(f"{_sizes(a)} times {_sizes(b)}")
        above: Any = b.shape[:2]
        mine: Any = a.shape[-2:]
        self.fits(mine, above, f"the derivative is of something {written_shape(above)}")
        return Apply(np.tensordot, (a, b), (*a.shape[:-2], *b.shape[2:]), {"axes": 2})

    def matrix_product(self, a: Expression, b: Expression) -> Expression:
        (r1, c1), (r2, c2) = matrix_shape(a), matrix_shape(b)
        if not joined(c1, r2):
            raise NotConforming(
                f"{written_shape((r1, c1))} times {written_shape((r2, c2))}: {differ(c1, r2)}"
            )
        if isinstance(b, Apply) and b.op is unit_vector and isinstance(a, Symbol):
            column: Any = (r1, ONE)
            return Element(a, None, b.arguments[0], column)  # W e_i
        shape: Any = (r1, c2)
        product = Apply(np.dot, (a, b), shape)
        return Apply(only, (product,), ()) if is_number(product) else product

    def inner(self, a: Expression, b: Expression) -> Expression:
        return self.matrix_product(self.turned(a), b)

    def outer(self, a: Expression, b: Expression) -> Expression:
        meaning = self.world.plan.conventions.get("⊗", "outer")
        if is_number(a) or is_number(b):
            return self.scaled(a, self.turned(b) if meaning == "outer" else b)
        if meaning == "outer":
            return self.matrix_product(a, self.turned(b))
        if meaning in ("elementwise", "hadamard"):
            return Apply(np.multiply, (a, b), self.together(a, b, "⊗"))
        (r1, c1), (r2, c2) = matrix_shape(a), matrix_shape(b)
        raise NotConforming(f"⊗ as {meaning!r} of {r1} × {c1} and {r2} × {c2} is not read")

    def scaled(self, a: Expression, b: Expression) -> Expression:
        if isinstance(a, Number) and isinstance(b, Number):
            return Number(a.value * b.value)
        shape = b.shape if is_number(a) else a.shape
        return Apply(np.multiply, (a, b), shape)

    def divided(self, a: Expression, b: Expression) -> Expression:
        if (
            isinstance(a, Number)
            and isinstance(b, Number)
            and b.value
            and isinstance(a.value, Fraction)
            and isinstance(b.value, Fraction)
        ):
            return Number(a.value / b.value)
        if is_number(b):
            return Apply(np.divide, (a, b), a.shape)
        return Apply(np.divide, (a, b), self.together(a, b, "/"))

    def turned(self, e: Expression) -> Expression:
        """The transpose; of a number, itself."""
        return e if is_number(e) and not isinstance(e, Ones) else transposed(e)

    def norm_of_kind(self, x: Expression, kind: str, node: Any) -> Expression:
        """‖x‖₁ and ‖x‖₂ of a vector, ‖X‖_F."""
        if kind == "1" and is_one(matrix_shape(x)[1]):
            return self.sum_all(Apply(np.absolute, (x,), x.shape))
        if kind == "F" or (kind == "2" and is_one(matrix_shape(x)[1])):
            return self.norm(x)
        raise self.error("a norm is ‖x‖, ‖x‖_1 or ‖x‖_2 of a vector, or ‖X‖_F", node)

    def norm(self, x: Expression) -> Expression:
        if is_number(x):
            return Apply(np.absolute, (x,), ())
        square = Apply(np.square, (x,), x.shape)
        return Apply(np.sqrt, (self.sum_all(square),), ())

    def sum_all(self, x: Expression) -> Expression:
        if is_number(x):
            return x
        return Apply(np.sum, (x,), (), {"axis": (-2, -1)}, (-2, -1))

    def sum_over(self, x: Expression, axis: int | None) -> Expression:
        """A sum over rows (0), columns (1), or everything."""
        rows, columns = matrix_shape(x)
        if axis is None or is_number(x):
            return self.sum_all(x)
        if axis % 2 == 0:
            return self.matrix_product(Ones((ONE, rows)), x)  # type: ignore[arg-type]
        return self.matrix_product(x, Ones((columns, ONE)))  # type: ignore[arg-type]

    def inverse(self, e: Expression) -> Expression:
        if is_number(e):
            return self.divided(Number(Fraction(1)), e)
        rows, columns = matrix_shape(e)
        if not joined(rows, columns):
            raise NotConforming(
                f"the inverse of {written_shape((rows, columns))}, which is not square"
            )
        return Apply(np.linalg.inv, (e,), e.shape)

    def added(self, sizes: list[Any]) -> Size:
        if len(sizes) == 1:
            return sizes[0]
        if all(map(is_one, sizes)):
            return literal(len(sizes))
        for size in sizes:
            if size.root.value is None:
                size.root.value = self.world.drawing.size()
        n = sum(size.root.value for size in sizes)
        return Size("+".join(map(str, sizes)), n)

    def squared(self, x: Expression, what: str) -> None:
        if not joined(*matrix_shape(x)):
            raise NotConforming(f"{what} of {written_shape(matrix_shape(x))}, which is not square")

    def size_expression(self, size: Any) -> Expression:
        shape: Any = (size, ONE)
        return Apply(np.sum, (Ones(shape),), (), {"axis": (-2, -1)}, (-2, -1))

    def derivative_shape(self, above: tuple[Any, ...], below: tuple[Any, ...], layout: str) -> Any:
        if not above and all(map(is_one, below)):
            return ()
        if not above:
            return below[::-1] if layout == "numerator" else below
        if all(map(is_one, below)):
            turned = layout == "denominator" and any(map(is_one, above))
            return above[::-1] if turned else above
        if any(map(is_one, above)) and any(map(is_one, below)):
            m = above[0] if is_one(above[1]) else above[1]
            n = below[0] if is_one(below[1]) else below[1]
            return (n, m) if layout == "denominator" else (m, n)
        return (*above, *below)

    def __call__(self, node: Any, env: Env) -> Expression:
        """The expression that a part of a formula is; `elaboration.Elaborator` says how."""
        raise NotImplementedError


def _constant(e: Expression) -> bool:
    """Whether a number is one that stands in the note, or a size."""
    return not any(s.kind == "value" for s in symbols(e))


def _sizes(e: Expression) -> str:
    return " × ".join(map(str, e.shape)) or "a number"


def _chain_end(e: Expression) -> Symbol | None:
    if isinstance(e, Derivative) and e.at == (None, None):
        return e.wrt
    if isinstance(e, Apply) and e.op is np.tensordot:
        return _chain_end(e.arguments[1])
    return None


def _unfolded(e: Expression) -> Expression:
    """A derivative with all of its indices side by side."""
    if isinstance(e, Derivative) and e.at == (None, None) and not is_number(e.wrt):
        above = () if is_number(e.of) else matrix_shape(e.of)
        shape: Any = (*above, *matrix_shape(e.wrt)) if above else matrix_shape(e.wrt)
        return replace(e, shape=shape, layout="full")
    return e
