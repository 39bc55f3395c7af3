"""Formulas as trees that can be edited: from syntax to `Expr` and back, and to text.

Which products are of matrices and which of numbers, and whether X (a) is one, is not in the syntax:
`is_number` and `as_product` say it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

from autograd_lite.algebra.notation import function_name, in_latex
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

_BETWEEN = dict(zip(BINARY, (" + ", " − ", " ∘ ", " / ", "^", " "), strict=True))
_IN_LATEX = {" − ": " - ", " ∘ ": r" \circ ", " ⊙ ": r" \odot "}
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
    """The adapter for one text: `source` gives what stands between two characters of it.

    latex: whether trees are written in LaTeX, with the signs of the text.
    """

    def __init__(
        self,
        source: TextSource,
        latex: bool = False,
        is_number: Callable[[Any], bool] = lambda node: False,
        as_product: Callable[[Any], Any] = lambda node: None,
        dot_is_elementwise: bool = False,
    ) -> None:
        self.elementwise = ("∘", "⊙", "*", "·") if dot_is_elementwise else ("∘", "⊙", "*")
        self.source, self.is_number, self.as_product = source, is_number, as_product
        self.latex = latex
        self.marked: set[Any] = set()
        dotted = "⊙" in source.text or r"\odot" in source.text
        self.signs = _BETWEEN | ({"multiply": " ⊙ "} if dotted else {})
        if latex:
            self.signs = {kind: _IN_LATEX.get(sign, sign) for kind, sign in self.signs.items()}

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

    def with_scripts(self, node: Scripted) -> Expr:
        """A letter whose scripts are others than those in the text."""
        base = getattr(node.base, "text", "")
        written = [in_latex(base) if self.latex else base]
        for s in node.scripts:
            opening, closing = {"[": ("[", "]"), "(": ("(", ")")}.get(s.mark, ("{", "}"))
            if s.kind not in ("_", "^"):
                written.append({"ᵀ": r"^{\top}", "′": "'"}[s.kind] if self.latex else s.kind)
            elif self.latex:
                inside = s.raw.replace("−", "-")
                inside = f"{opening}{inside}{closing}" if s.mark else inside
                written.append(f"{s.kind}{{{inside}}}")
            else:
                written.append(f"{s.kind}{opening}{s.raw}{closing}")
        return Expr("name", label="".join(written), origin=node)

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
        """The tree as text, in the language and with the letters of the note."""
        return self._write(e)[0]

    def write_changed(self, e: Expr, old: Expr) -> tuple[str, list[tuple[int, int]]]:
        """The tree as text, and from where to where it is another than `old`."""
        self.marked = set(_changed(old, e))
        pieces = re.split(f"([{_MARKS}])", self.write(e))
        self.marked = set()
        text, opened, found = "", [], []
        for piece in pieces:
            if piece == _MARKS[0]:
                opened.append(len(text))
            elif piece == _MARKS[1]:
                found.append((opened.pop(), len(text)))
            else:
                text += piece
        return text, found

    def _write(self, e: Expr) -> tuple[str, int]:
        text, binds = _EXPR_WRITERS.get(e.kind, FormulaTrees.grouped)(self, e)
        return self._with_mark(text, id(e)), binds

    def _with_mark(self, text: str, key: Any) -> str:
        return f"{_MARKS[0]}{text}{_MARKS[1]}" if key in self.marked else text

    def word(self, e: Expr) -> tuple[str, int]:
        return str(e.label), 9

    def constant(self, e: Expr) -> tuple[str, int]:
        text = str(e.label)
        if not self.latex:
            return text.replace("-", "−"), 9
        above, _, below = text.partition("/")
        return (rf"\frac{{{above}}}{{{below}}}" if below else text), 9

    def binary(self, e: Expr) -> tuple[str, int]:
        (a, b), level = e.children, _BINDS[e.kind]
        if e.kind == "multiply" and b.kind == "number" != a.kind:
            a, b = b, a  # 2 x
        if e.kind == "divide" and self.latex:
            return rf"\frac{{{self.write(a)}}}{{{self.write(b)}}}", 9
        scales = e.kind == "multiply" and self._scales(e)
        sign = " " if scales else self.signs[e.kind]
        sign = f" {self._with_mark(sign.strip(), (id(e), 'sign'))} " if sign.strip() else sign
        first = level + (a.kind == "divide" and sign == " ")  # not 1 / m A
        return self._within(a, first) + sign + self._within(b, level + 1), level

    def negated(self, e: Expr) -> tuple[str, int]:
        return ("-" if self.latex else "−") + self._within(e.children[0], 2), 1

    def transposed(self, e: Expr) -> tuple[str, int]:
        text = self._within(e.children[0], 4)
        return (rf"{self._base(text)}^\top" if self.latex else f"{text}ᵀ"), 4

    def raised(self, e: Expr) -> tuple[str, int]:
        text, power = self._within(e.children[0], 4), self._within(e.children[1], 4)
        return (f"{self._base(text)}^{{{power}}}" if self.latex else f"{text}^{power}"), 4

    @staticmethod
    def _base(text: str) -> str:
        """What is raised in LaTeX, where a letter has one exponent."""
        free = text.startswith("(") or _NEEDS_NO_BRACES.fullmatch(text)
        return text if free else f"{{{text}}}"

    def compared(self, e: Expr) -> tuple[str, int]:
        return f"[{self.write(e.children[0])} {e.label} {self.write(e.children[1])}]", 9

    def called(self, e: Expr) -> tuple[str, int]:
        keywords = e.label[1:]
        before = [""] * (len(e.children) - len(keywords)) + [f"{key}=" for key in keywords]
        parts = zip(before, map(self.write, e.children), strict=True)
        return f"{self._name_of(e)}({', '.join(key + text for key, text in parts)})", 9

    def _name_of(self, call: Expr) -> str:
        """A function as the note calls it; in LaTeX with its command."""
        name = str(call.label[0])
        node = call.origin
        if isinstance(node, Prefixed | Call) and self.function(node) == name:
            return self.shown(node.function) or name
        return function_name(name, True) if self.latex else name

    def grouped(self, e: Expr) -> tuple[str, int]:
        """What stands in brackets of its own kind, and sums."""
        if isinstance(e.origin, BigOperator):
            start = self.source.part(e.origin.start, e.origin.body.start) or e.label
            return f"{start} {self._within(e.children[0], 2)}", 2
        if isinstance(e.origin, Grid):
            cells = map(self.write, e.children)
            rows = [[next(cells) for _ in row] for row in e.origin.rows]
            if self.latex:
                lines = r" \\ ".join(map(" & ".join, rows))
                return rf"\begin{{bmatrix}} {lines} \end{{bmatrix}}", 9
            return f"⟦{'; '.join(map(', '.join, rows))}⟧", 9
        pairs = _LATEX_BRACKETS if self.latex else _BRACKETS
        opening, closing = pairs.get(str(e.label), ("(", ")"))
        return f"{opening}{', '.join(map(self.write, e.children))}{closing}", 9

    def _within(self, e: Expr, least: int) -> str:
        text, binds = self._write(e)
        return text if binds >= least else f"({text})"

    def _scales(self, e: Expr) -> bool:
        return e.origin in ("", "·", "×") or any(c.kind == "number" for c in e.children)


def _changed(old: Expr, new: Expr) -> Iterator[Any]:
    """What marks the parts of a tree that are others than in an old one, or only their signs."""
    if old == new:
        return
    signs = {old.kind, new.kind} <= {"add", "subtract"}
    alike = signs or (old.kind, old.label) == (new.kind, new.label)
    if not (alike and new.children and len(old.children) == len(new.children)):
        yield id(new)
        return
    if old.kind != new.kind:
        yield id(new), "sign"
    for pair in zip(old.children, new.children, strict=True):
        yield from _changed(*pair)


def _closed_node(node: Any) -> Any:
    return Bracket(0, 0, "(", (node,)) if isinstance(node, Sum | Product | Quotient) else node


_NEEDS_NO_BRACES = re.compile(r"[^\W\d_](_(\w|\{\w+\}))?|\\\w+\([^()]*\)")
_MARKS = "\ue000\ue001"  # private characters, around what has changed
_BRACKETS = {"‖": ("‖", "‖"), "|": ("|", "|"), "⟨": ("⟨", "⟩"), "[": ("[", "]")}
_LATEX_BRACKETS = _BRACKETS | {"‖": (r"\|", r"\|"), "⟨": (r"\langle ", r"\rangle")}
_EXPR_WRITERS: dict[str, Callable[..., tuple[str, int]]] = {
    "name": FormulaTrees.word,
    "number": FormulaTrees.constant,
    "constant": FormulaTrees.word,
    "negative": FormulaTrees.negated,
    "transpose": FormulaTrees.transposed,
    "power": FormulaTrees.raised,
    "compare": FormulaTrees.compared,
    "call": FormulaTrees.called,
    **dict.fromkeys(("add", "subtract", "multiply", "divide", "matmul"), FormulaTrees.binary),
}
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
