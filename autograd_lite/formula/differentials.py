"""Derivatives as they are written: ∂J/∂W, ∂²f/∂x∂y, dJ/dW, ∇_W J, D_u x."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from autograd_lite.formula.scripts import ScriptReader
from autograd_lite.formula.syntax import (
    Differential,
    Differentiation,
    Name,
    Num,
    Product,
    Quotient,
    Scripted,
    Sum,
)
from autograd_lite.formula.tokens import FUNCTION_WORDS, FormulaError

HIGHEST_ORDER = 4


class DifferentialReader(ScriptReader):
    """Reads fractions, and what else may be a derivative."""

    def fraction(self) -> Any:
        """\\frac{…}{…}: a derivative, if both parts are differentials."""
        start = self.take().start
        at, tokens = self.at, list(self.list)
        above = self.half()
        if isinstance(above, Differential):
            below = self.half(below=True)
            if _are_differentials(below):
                return self.derivative(above, below, start)
            if self.list[at].text == "∂" or self.list[at + 1].text == "∂":
                raise self.error("∂ above a bar alone: a derivative is ∂…/∂…", above.start)
            self.at, self.list = at, tokens  # d was no sign of a differential
            above = self.argument()
        below = self.argument()
        return Quotient(start, self.last, above, below)

    def half(self, below: bool = False) -> Any:
        """The argument of \\frac, which may be half of a derivative: ∂x, or ∂x ∂y below."""
        start = self.peek().start
        if not (self.sees("{") and (self.peek().text == "∂" or self._is_d(1))):
            return self.argument()
        self.take()
        with self.reading(closing=("}",), calls=True):
            parts = []
            while self.sees("∂") or self._is_d():
                parts.append(self.differential(self.factor if below else self.product))
            self.expect("}")
        return parts[0] if len(parts) == 1 else _side_by_side(start, self.last - 1, parts)

    def argument(self) -> Any:
        """The argument of a command: what is in braces, or one token."""
        start = self.token.start
        if not self.accept("{"):
            return self.bare()
        with self.reading(closing=("}",), calls=True):
            found = self.relation()
            self.expect("}")
        return replace(found, start=start, end=self.last) if isinstance(found, Num) else found

    def on_one_line(self) -> Any:
        """∂J/∂W on one line, or ∂ with a lowered variable: ∂_W J."""
        start = self.token.start
        if self.peek().text == "_":
            return self.derived()
        above = self.differential(self.factor)
        if self.sees("/") and self.peek().text == "∂":
            self.take()
            return self.derivative(above, self.denominators("∂"), start)
        if self.sees("/") and self.peek().text == "(":
            raise self.error("after ∂…/ a ∂… must follow")
        return above

    def quotient_of_d(self) -> Any:
        """dJ/dW on one line; None where the word that begins with d is a name."""
        if not self._is_d() or self.token.text in self.known:
            return None
        at, tokens = self.at, list(self.list)
        try:
            start = self.token.start
            above = self.differential(self.factor)
            if self.accept("/") and self._is_d():
                return self.derivative(above, self.denominators("d"), start)
        except FormulaError:
            pass
        self.at, self.list = at, tokens
        return None

    def denominators(self, sign: str) -> Any:
        """What stands after the slash: brackets that follow are no arguments of it."""
        start, found = self.token.start, []
        with self.reading(calls=False):
            while self.sees("∂") if sign == "∂" else self._is_d():
                found.append(self.differential(self.factor))
                if sign == "d":
                    break
        return found[0] if len(found) == 1 else _side_by_side(start, self.last, found)

    def differential(self, what: Any) -> Differential:
        """∂x, where `what` reads the x."""
        start = self.token.start
        self._take_d()
        order = 1
        if self.accept("^"):
            number = self.one_raised()
            if not isinstance(number, Num):
                raise self.error("the order of a derivative is a number")
            order = self.order(number.value)
        of = what() if self.starts() or self.sees("−") else None
        return Differential(start, self.last, of, order)

    def _is_d(self, ahead: int = 0) -> bool:
        """Whether a differential that is written with d begins here."""
        token = self.peek(ahead)
        if token.kind != "word" or not token.text.startswith("d") or token.text in FUNCTION_WORDS:
            return False
        if token.text == "d":
            return "d" not in self.known and self.peek(ahead + 1).text not in ("_", "ᵀ")
        return len(token.text) == 2 or token.text[1:] in self.known

    def _take_d(self) -> None:
        """Step over ∂ or d, of which the rest of the word stays."""
        token = self.token
        if token.text.startswith("d") and len(token.text) > 1:
            self.replaced(*token.pieces("d", token.text[1:]))
        self.take()

    def derivative(self, above: Differential, below: Any, start: int) -> Differentiation:
        """∂ⁿf/∂x∂y from its halves; the order is no power of the variable."""
        if not _are_differentials(below):
            raise self.error("what is it a derivative by? ∂…/∂W", start)
        halves = [half for _, half in below.factors] if isinstance(below, Product) else [below]
        wrt = tuple(_ordered(half.of, above.order if len(halves) == 1 else 2) for half in halves)
        if above.order == 1 and len(halves) == 1:
            wrt = ((halves[0].of, 1),)
        if (total := sum(n for _, n in wrt)) != above.order:
            raise self.error(f"∂ is of order {above.order} above and {total} below", start)
        return Differentiation(start, self.last, above.of, wrt)

    def one_raised(self) -> Any:
        """What stands raised alone; None where that is nothing, or more."""
        items = [item for script in self.script_items("^") for item in script.items]
        return items[0] if len(items) == 1 else None

    def order(self, value: Any) -> int:
        """The order of a derivative."""
        if value not in range(1, HIGHEST_ORDER + 1):
            raise self.error(f"derivatives are read up to order {HIGHEST_ORDER}")
        return int(value)

    # Operators

    def is_operator(self) -> bool:
        """Whether `d` or `D` has a lowered variable and something after it: d_x f."""
        return self.peek().text == "_" and self.peek(2).text != "["

    def derived(self) -> Differentiation:
        """∂_x f, ∇_W J, d_u f, D_u x: an operator with its variable below."""
        token = self.take()
        order, wrt = 1, []
        while self.sees("^", "_"):
            if self.take().text == "^":
                item = self.one_raised()
                order = self.order(item.value) if isinstance(item, Num) else 1
            elif self.accept("{", "("):
                wrt.append((self.total(), 1))
                while self.accept(","):
                    wrt.append((self.total(), 1))
                self.expect("}") if self.sees("}") else self.expect(")")
            else:
                wrt.append((self.variable(), 1))
        if order > 1 and len(wrt) == 1:
            wrt = [(wrt[0][0], order)]
        of = self.operand() if self.starts() or self.sees("−") else None
        return Differentiation(token.start, self.last, of, tuple(wrt), token.text)

    def variable(self) -> Any:
        """The variable of d_x, d_w_j: a name with one lowered index."""
        if self.sees("bold"):
            return self.atom()
        name = self.bare()
        return self.scripted(name) if not self.latex and isinstance(name, Name) else name

    def operand(self) -> Any:
        """What an operator is applied to: one factor."""
        if self.accept("−"):
            return Sum(self.token.start, self.last, ((-1, self.operand()),))
        return self.factor()


def _side_by_side(start: int, end: int, parts: list[Differential]) -> Product:
    return Product(start, end, tuple(("", part) for part in parts))


def _are_differentials(node: Any) -> bool:
    """Whether this is ∂x, or ∂x ∂y."""
    parts = [x for _, x in node.factors] if isinstance(node, Product) else [node]
    return all(isinstance(x, Differential) and x.of is not None for x in parts)


def _ordered(of: Any, order: int) -> tuple[Any, int]:
    """∂x² below the bar: x, twice. A raised number there is the order."""
    if isinstance(of, Scripted) and of.scripts and order > 1:
        *rest, last = of.scripts
        number = last.items[0] if len(last.items) == 1 else None
        if last.kind == "^" and not last.mark and isinstance(number, Num):
            base = replace(of, scripts=tuple(rest)) if rest else of.base
            return base, int(number.value)
    return of, 1
