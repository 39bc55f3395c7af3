"""Formulas as trees that can be edited: from syntax to `Expr` and back, and to text.

Which products are of matrices and which of numbers, and whether X (a) is one, is not in the syntax:
`is_number` and `as_product` say it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

from autograd_lite.diagnosis.edits import BINARY, Expr
from autograd_lite.formula.syntax import (
    BigOperator,
    Bracket,
    Call,
    Chain,
    Dots,
    Grid,
    Name,
    Num,
    Prefixed,
    Product,
    Quotient,
    Script,
    Scripted,
    Sum,
)
from autograd_lite.formula.tokens import TextSource

_WRITTEN = dict(zip(BINARY, (" + ", " − ", " ∘ ", " / ", "^", " "), strict=True))
_COMPARISONS = {"≤": "<=", "≥": ">=", "=": "==", "≠": "!="}
_BINDS = {
    "add": 1,
    "subtract": 1,
    "negative": 1,
    "multiply": 2,
    "divide": 2,
    "matmul": 2,
    "other": 2,
}


class FormulaTrees:
    """The adapter for one text: `source` gives what stands between two characters of it."""

    def __init__(
        self,
        source: TextSource,
        is_number: Callable[[Any], bool] = lambda node: False,
        as_product: Callable[[Any], Any] = lambda node: None,
        dot_is_elementwise: bool = False,
    ) -> None:
        self.elementwise = ("∘", "⊙", "*", "·") if dot_is_elementwise else ("∘", "⊙", "*")
        self.source, self.is_number, self.as_product = source, is_number, as_product

    def read(self, node: Any) -> Expr:
        """The tree of a part of a formula."""
        product = self.as_product(node)
        if product is not None:
            return self.product(product)
        reader = _EXPR_READERS.get(type(node))
        return reader(self, node) if reader else self.opaque(node)

    def opaque(self, node: Any) -> Expr:
        """A name, or what is edited as a whole: a derivative, a letter with its indices."""
        return Expr("name", label=self.shown(node), origin=node)

    def shown(self, node: Any) -> str:
        """How it is written, on one line."""
        text = self.source.part(node.start, node.end)
        return text + "}" * (text.count("{") - text.count("}"))  # W^{[l] of W^{[l]\top}

    def number(self, node: Num) -> Expr:
        if node.bold:
            return self.opaque(node)
        return Expr("number", label=node.value, origin=node)

    def scripted(self, node: Scripted) -> Expr:
        *before, last = node.scripts
        inner = replace(node, scripts=tuple(before), end=last.start - 1) if before else node.base
        if last.kind == "ᵀ":
            end = before[-1].end if before else node.base.end
            inner = replace(inner, end=end) if before else inner
            return Expr("transpose", (self.read(inner),), origin=node)
        if (
            last.kind == "^"
            and not last.mark
            and len(last.items) == 1
            and not isinstance(node.base, Name)
        ) and isinstance(last.items[0], Num):
            return Expr("power", (self.read(inner), self.read(last.items[0])), origin=node)
        return self.opaque(node)

    def total(self, node: Sum) -> Expr:
        (sign, first), *rest = node.terms
        e = self.read(first)
        e = Expr("negative", (e,), origin=node) if sign < 0 else e
        for sign, term in rest:
            e = Expr("add" if sign > 0 else "subtract", (e, self.read(term)), origin=node)
        return e

    def product(self, node: Product) -> Expr:
        (_, first), *rest = self._spread(node.factors)
        e, number = self.read(first), self.is_number(first)
        for sign, factor in rest:
            ones = isinstance(factor, Num) and factor.value == 1 and not number and sign != "/"
            x = self.opaque(factor) if ones else self.read(factor)
            scalar = not ones and self.is_number(factor)
            if sign == "/":
                kind = "divide"
            elif sign in self.elementwise or number or scalar:
                kind = "multiply"
            else:
                kind = "matmul"
            e = Expr(kind, (e, x), origin=sign if number or scalar else None)
            number = number and scalar
        return e

    def _spread(self, factors: Any) -> list[tuple[str, Any]]:
        found: list[tuple[str, Any]] = []
        for sign, x in factors:
            parts = self.as_product(x)
            found += (
                [(sign, x)] if parts is None else [(sign, parts.factors[0][1]), parts.factors[1]]
            )
        return found

    def quotient(self, node: Quotient) -> Expr:
        return Expr("divide", (self.read(node.above), self.read(node.below)), origin=node)

    def bracket(self, node: Bracket) -> Expr:
        if node.kind == "√":
            return Expr("call", (self.read(node.parts[0]),), ("sqrt",), node)
        if node.kind in ("(", "[", "⦃", "{") and len(node.parts) == 1:
            part = node.parts[0]
            if isinstance(part, Chain) and len(part.parts) == 2:
                label = _COMPARISONS.get(part.relations[0], part.relations[0])
                return Expr("compare", tuple(map(self.read, part.parts)), label, node)
            if not isinstance(part, Chain):
                return self.read(part)
        return Expr("other", tuple(map(self.read, node.parts)), node.kind, node)

    def grid(self, node: Grid) -> Expr:
        cells = [x for row in node.rows for x in row]
        if any(isinstance(x, Chain | Dots) for x in cells):
            return self.opaque(node)
        return Expr("other", tuple(map(self.read, cells)), "⟦", node)

    def call(self, node: Call) -> Expr:
        chains = [x for x in node.arguments if isinstance(x, Chain)]
        if any(x.relations != ("=",) or not isinstance(x.parts[0], Name) for x in chains):
            return self.opaque(node)
        given = [x for x in node.arguments if not isinstance(x, Chain)]
        values = [self.setting(x.parts[1]) for x in chains]
        label = (self.function(node), *(x.parts[0].text for x in chains))
        return Expr("call", (*map(self.read, given), *values), label, node)

    def setting(self, node: Any) -> Expr:
        """What a keyword is given: True or False, or a number."""
        truth = {"True": True, "False": False}.get(getattr(node, "text", ""))
        return self.read(node) if truth is None else Expr("constant", label=truth)

    def function(self, node: Call | Prefixed) -> str:
        """The name of what is called: sin for \\sin."""
        name = node.function
        return name.text if isinstance(name, Name) else self.shown(name)

    def prefixed(self, node: Prefixed) -> Expr:
        return Expr("call", (self.read(node.argument),), (self.function(node),), node)

    def reduction(self, node: BigOperator) -> Expr:
        return Expr("other", (self.read(node.body),), "Σ", node)

    # Back

    def node(self, e: Expr) -> Any:
        """The syntax of a tree, for reading it with shapes."""
        children = [self.node(c) for c in e.children]
        if e.kind == "number":
            return Num(0, 0, Fraction(e.label) if not isinstance(e.label, float) else e.label)
        if e.kind == "name" and e.origin is not None:
            return e.origin
        if e.kind in ("add", "subtract"):
            return Sum(0, 0, ((1, children[0]), (1 if e.kind == "add" else -1, children[1])))
        if e.kind == "negative":
            return Sum(0, 0, ((-1, children[0]),))
        if e.kind in ("multiply", "matmul", "divide"):
            sign = {"multiply": "∘", "matmul": "", "divide": "/"}[e.kind]
            return Product(
                0, 0, (("", _closed_node(children[0])), (sign, _closed_node(children[1])))
            )
        if e.kind == "transpose":
            return Scripted(0, 0, _closed_node(children[0]), (Script(0, 0, "ᵀ"),))
        if e.kind == "power":
            return Scripted(
                0, 0, _closed_node(children[0]), (Script(0, 0, "^", "∘", (children[1],)),)
            )
        if e.kind == "constant":
            return Name(0, 0, str(e.label))
        if e.kind == "call":
            return self._call_node(e, children)
        return self._other_node(e, children)

    def _other_node(self, e: Expr, children: list[Any]) -> Any:
        if e.kind == "compare":
            sign = next((x for x, text in _COMPARISONS.items() if text == e.label), str(e.label))
            return Bracket(0, 0, "[", (Chain(0, 0, tuple(children), (sign,)),))
        if e.kind == "other" and isinstance(e.origin, BigOperator):
            return replace(e.origin, body=_closed_node(children[0]))
        if e.kind == "other" and isinstance(e.origin, Grid):
            cells = iter(children)
            rows = tuple(tuple(next(cells) for _ in row) for row in e.origin.rows)
            return replace(e.origin, rows=rows)
        if e.kind == "other" and isinstance(e.origin, Bracket):
            return replace(e.origin, parts=tuple(children))
        raise ValueError(f"{e.kind} has no place in a formula")

    def _call_node(self, e: Expr, children: list[Any]) -> Any:
        name, *keywords = e.label
        function: Any = Name(0, 0, name)
        if isinstance(e.origin, Prefixed | Call) and self.function(e.origin) == name:
            function = e.origin.function
        first = len(children) - len(keywords)
        given = (
            Chain(0, 0, (Name(0, 0, key), x), ("=",))
            for key, x in zip(keywords, children[first:], strict=True)
        )
        return Call(0, 0, function, (*children[:first], *given))

    def write(self, e: Expr) -> str:
        """The tree as plain text, with the letters of the note."""
        return self._write(e)[0]

    def _write(self, e: Expr) -> tuple[str, int]:
        if e.kind == "number":
            return str(e.label).replace("-", "−"), 9
        if e.kind == "name":
            return str(e.label), 9
        if e.kind in ("add", "subtract", "multiply", "divide", "matmul"):
            level = _BINDS[e.kind]
            sign = " " if e.kind == "multiply" and self._scales(e) else _WRITTEN[e.kind]
            return self._within(e.children[0], level) + sign + self._within(
                e.children[1], level + 1
            ), level
        if e.kind == "negative":
            return f"−{self._within(e.children[0], 2)}", 1
        if e.kind == "transpose":
            return f"{self._within(e.children[0], 4)}ᵀ", 4
        if e.kind == "power":
            return f"{self._within(e.children[0], 4)}^{self._within(e.children[1], 4)}", 4
        if e.kind == "compare":
            return f"[{self.write(e.children[0])} {e.label} {self.write(e.children[1])}]", 9
        keywords = e.label[1:] if e.kind == "call" else ()
        before = [""] * (len(e.children) - len(keywords)) + [f"{key}=" for key in keywords]
        parts = zip(before, map(self.write, e.children), strict=True)
        inside = ", ".join(key + text for key, text in parts)
        if e.kind == "constant":
            return str(e.label), 9
        if e.kind == "call":
            return f"{e.label[0]}({inside})", 9
        if isinstance(e.origin, BigOperator):
            start = self.source.part(e.origin.start, e.origin.body.start) or e.label
            return f"{start} {self._within(e.children[0], 2)}", 2
        if isinstance(e.origin, Grid):
            cells = map(self.write, e.children)
            rows = [", ".join(next(cells) for _ in row) for row in e.origin.rows]
            return f"⟦{'; '.join(rows)}⟧", 9
        pair = {"‖": "‖‖", "|": "||", "⟨": "⟨⟩", "[": "[]"}.get(e.label, "()")
        return f"{pair[0]}{inside}{pair[1]}", 9

    def _within(self, e: Expr, least: int) -> str:
        text, binds = self._write(e)
        return text if binds >= least else f"({text})"

    def _scales(self, e: Expr) -> bool:
        return e.origin in ("", "·", "×") or any(c.kind == "number" for c in e.children)


def _closed_node(node: Any) -> Any:
    return Bracket(0, 0, "(", (node,)) if isinstance(node, Sum | Product | Quotient) else node


_EXPR_READERS: dict[type, Callable[..., Expr]] = {
    Num: FormulaTrees.number,
    Scripted: FormulaTrees.scripted,
    Sum: FormulaTrees.total,
    Product: FormulaTrees.product,
    Quotient: FormulaTrees.quotient,
    Bracket: FormulaTrees.bracket,
    Grid: FormulaTrees.grid,
    Call: FormulaTrees.call,
    Prefixed: FormulaTrees.prefixed,
    BigOperator: FormulaTrees.reduction,
}
