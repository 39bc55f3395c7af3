"""From tokens to syntax, without shapes: a parser by precedence, written by hand.

From loose to tight: relations, sums, products (every sign alike, left to right), signs and
functions without brackets, scripts. Every token is used, or is a FormulaError at its place.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from autograd_lite.formula.differentials import DifferentialReader
from autograd_lite.formula.syntax import (
    BigOperator,
    Bracket,
    Call,
    Chain,
    Differential,
    Differentiation,
    Dots,
    Grid,
    Name,
    Num,
    Prefixed,
    Product,
    Scripted,
    Sum,
)
from autograd_lite.formula.token_reader import CLOSES, CLOSING, OPENS, in_quotes
from autograd_lite.formula.tokens import FUNCTION_WORDS

MOST_TERMS = 150  # of a sum, or factors of a product
MOST_CELLS = 400
_TIMES = {"·", "×", "∘", "⊙", "*", "⊗", "@", "/"}
_MATRICES = {f"{kind}matrix" for kind in ("", *"bpvVB", "small")} | {"array", "cases"}
_ROWS = {"aligned", "split", "gathered", "alignedat"}
_OF_PRODUCTS = {"tr", "det", "vec", "diag"}  # without brackets they take the product after them
_LIBRARIES = {"np", "numpy", "torch", "tf", "jnp", "math"}
_LAST_CASE = ("otherwise", "else", "sonst")
RESERVED = _LIBRARIES | {"axis", "keepdims", "True", "False", "otherwise"}


class Parser(DifferentialReader):
    """Reads one formula."""

    def whole(self) -> Any:
        """The formula, to its last token."""
        found = self.relation()
        if self.token.kind != "end":
            raise self.unexpected("the end of the formula, or a sign such as + or =")
        return found

    def relation(self) -> Any:
        start = self.token.start
        parts, relations = [self.total()], []
        while self.sees_relation():
            relations.append(self.take().text)
            self.accept("&")
            parts.append(self.total())
        return Chain(start, self.last, tuple(parts), tuple(relations)) if relations else parts[0]

    def total(self) -> Any:
        """A sum."""
        start, sign = self.token.start, 1
        while self.sees("+", "−") or self._sees_tab():
            sign = -sign if self.take().text == "−" else sign
        terms = [(sign, self.product())]
        while self.sees("+", "−", "±") or self._sees_tab():
            if self.accept("&"):
                if self.sees_relation():
                    break
                continue
            sign = -1 if self.take().text == "−" else 1
            while self.sees("+", "−", "&"):
                sign = -sign if self.take().text == "−" else sign
            terms.append((sign, self.product()))
            if len(terms) > MOST_TERMS:
                raise self.error(f"a sum of more than {MOST_TERMS} terms")
        return terms[0][1] if terms == [(1, terms[0][1])] else Sum(start, self.last, tuple(terms))

    def _sees_tab(self) -> bool:
        """Whether an & of aligned equations stands here, which means nothing."""
        return self.sees("&") and not self.in_cells

    def product(self) -> Any:
        start = self.token.start
        self._open_braces(first=True)
        factors = [("", self.signed())]
        while True:
            if self._sees_product_sign():
                sign = self.take().text.replace(".", "·")
                self.accept("&")
                factor = self.signed()
                if sign == "/":
                    self.refuse_slash(factors[-1][1], factor)
                if sign == "/" and isinstance(above := factors[-1][1], Differential):
                    factors[-1] = factors[-1][0], self.derivative(above, factor, above.start)
                    continue
                factors.append((sign, factor))
            elif self.starts():
                self._open_braces()
                factors.append(("", self.factor()))
            else:
                break
            if len(factors) > MOST_TERMS:
                raise self.error(f"a product of more than {MOST_TERMS} factors")
        factors = self.applied(factors)
        return factors[0][1] if len(factors) == 1 else Product(start, self.last, tuple(factors))

    def _open_braces(self, first: bool = False) -> None:
        r"""Take the braces away from a sum beside other factors: {a + b} c prints a + b c."""
        if not (self.latex and self.sees("{")):
            return
        depth, end, parts = 1, self.at + 1, False
        while depth and self.list[end].kind != "end":
            text = self.list[end].text if self.list[end].kind == "sign" else ""
            parts = parts or (depth == 1 and text in ("+", "−") and end > self.at + 1)
            depth += (text in OPENS) - (text in CLOSES)
            end += 1
        after = self.list[min(end, len(self.list) - 1)]
        joins = after.kind in ("word", "number") or after.text in ("(", "[", "frac")
        if not depth and parts and (joins or not first):
            said = self.source.part(self.token.start, self.list[end - 1].end)
            self.remarks.append(f"braces are not printed: {said} is read without them")
            del self.list[end - 1], self.list[self.at]

    def _sees_product_sign(self) -> bool:
        """Whether a sign of a product follows; a full stop between two factors is one: x.y"""
        after = self.peek()
        if self.sees(*_TIMES):
            return after.text not in self.closing
        joins = self.sees(".") and not self.token.spaced and not after.spaced
        return joins and (after.kind in ("word", "number") or after.text in ("frac", "(", "bold"))

    def applied(self, factors: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
        """Operators, ∂/∂W, are applied to all that follows them in a product."""
        for n in range(len(factors) - 2, -1, -1):
            sign, operator = factors[n]
            if isinstance(operator, Differentiation) and operator.of is None:
                of = first = factors[n + 1][1]
                if len(factors) > n + 2:
                    of = Product(first.start, self.last, tuple(factors[n + 1 :]))
                factors = [*factors[:n], (sign, replace(operator, of=of, end=self.last))]
        return factors

    def refuse_slash(self, above: Any, below: Any) -> None:
        """`1/2m` may be (1/2) m or 1/(2 m)."""
        if self.token.spaced or self.token.kind not in ("word", "number"):
            return
        if isinstance(below, Num | Name | Scripted):
            a, b, c = (self.written(x) for x in (above, below, self.token))
            raise self.error(f"{a}/{b}{c} may be ({a}/{b}) {c} or {a}/({b} {c}): write one of them")

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
            return self.scripted(self.called(node))
        return node

    # Words

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
            at = self.at
            if (operator := self.derived()).of is not None:
                return operator
            self.at = at  # the name D_h, with nothing after it
        if token.text.startswith("d") and (found := self.quotient_of_d()) is not None:
            return self.scripted(found)
        if token.text in ("max", "min") and self.peek().text == "_":
            return self.reduction(self.take().text)
        name = Name(token.start, token.end, self.take().text)
        return self.named(self.change(name) if name.text == "Δ" else name)

    def change(self, delta: Name) -> Name:
        """ΔW, which is one name where Δ alone is none."""
        at = self.at + self.sees("bold")
        token = self.list[at]
        if "Δ" in self.known or token.kind != "word" or token.text in FUNCTION_WORDS:
            return delta
        self.at = at
        self._split()
        token = self.take()
        return Name(delta.start, token.end, f"Δ{token.text}")

    def _is_sum(self) -> bool:
        """Whether Σ is a sum sign: unless it is a name of the note's, or has a range."""
        if self.token.text not in self.known:
            return True
        ahead = [self.peek(n).text for n in range(1, 6)]
        return ahead[:2] == ["_", "{"] and "=" in ahead

    def _split(self) -> None:
        """Replace a run of letters by the names that it consists of."""
        token = self.token
        names = [token.text] if len(token.text) == 1 else list(self.split(token.text))
        if len(names) > 1:
            self.replaced(*token.pieces(*names))

    def named(self, name: Any) -> Any:
        """What may follow a name: scripts, then arguments, then scripts of the result."""
        text = name.text if isinstance(name, Name) else ""
        is_function, token = text in FUNCTION_WORDS, self.token
        if (
            not is_function
            and token.kind == "number"
            and (token.start, token.spaced) == (name.end, False)
            and "." not in token.text
        ):
            name = self.with_digits(name)
        node = self.scripted(name)
        if (self.calls and self.sees("(")) or (is_function and self.sees("(", "[", "⦃")):
            return self.scripted(self.called(node))
        if is_function and (self.starts() or self.sees("−")):
            argument = self.argument_of(text)
            return Prefixed(node.start, self.last, node, argument)
        return node

    def called(self, function: Any) -> Call:
        """The function with the arguments that follow; a semicolon parts them as a comma does."""
        spaced, opening = self.token.spaced, self.token.text
        found = self.bracketed()
        arguments = found.parts if isinstance(found, Bracket) else sum(found.rows, ())
        return Call(function.start, self.last, function, arguments, opening, spaced)

    def argument_of(self, function: str) -> Any:
        """What a function without brackets takes: tr and its like a product, up to the next."""
        if function not in _OF_PRODUCTS:
            return self.factor_of_function()
        with self.reading(closing=(*self.closing, *_OF_PRODUCTS)):
            return self.product()

    def factor_of_function(self) -> Any:
        """One factor, with the number before it."""
        start = self.token.start
        if self.accept("−"):
            return Sum(start, self.last, ((-1, self.factor_of_function()),))
        factor = self.factor()
        if isinstance(factor, Num) and self.token.kind == "word":
            return Product(start, self.last, (("", factor), ("", self.factor())))
        return factor

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

    def bracketed(self) -> Any:
        """Anything in brackets, with commas and semicolons between its parts."""
        start, opening = self.token.start, self.take().text
        closing = CLOSING[opening]
        bar = opening in ("(", "[") and self._has_one_bar()
        with self.reading(closing=(closing, *"|" * bar), calls=True):
            rows = self.rows_until(closing, bar)
        self.take()
        if not any(rows):
            raise self.error("an empty bracket", start)
        if opening == "⟦" or len(rows) > 1:
            return Grid(start, self.last, tuple(map(tuple, rows)))
        return Bracket(start, self.last, opening, tuple(rows[0]))

    def _has_one_bar(self) -> bool:
        """Whether a | stands alone up to the closing bracket, as in p(x | y)."""
        depth, at, bars = 1, self.at, 0
        while depth and at < len(self.list):
            text = self.list[at].text if self.list[at].kind == "sign" else ""
            depth += (text in OPENS) - (text in CLOSES)
            bars += text == "|"
            at += 1
        return bars == 1

    def rows_until(self, closing: str, bar: bool) -> list[list[Any]]:
        """Parts between commas, in rows between semicolons; bar: p(x | y) has two parts."""
        rows: list[list[Any]] = [[]]
        while not self.sees(closing):
            if self.accept(";", "\\\\"):
                rows.append([])
            elif self.accept(",", "gap", "&"):
                continue
            elif self.sees("…"):
                rows[-1].append(self.ellipsis())
            else:
                rows[-1].append(self.relation())
                if bar:
                    self.accept("|")
            other = self.token.text in CLOSING.values() and not self.sees(closing)
            if self.token.kind == "end" or (other and not self.starts()):
                raise self.unexpected(in_quotes(closing))
            if sum(map(len, rows)) > MOST_TERMS:
                raise self.error(f"more than {MOST_TERMS} entries in one bracket")
        return rows

    def group(self) -> Any:
        """A LaTeX group, or braces in plain text: what is in them."""
        if not self.latex:
            return self.bracketed()
        self.expect("{")
        with self.reading(closing=("}",)):
            if self.sees("}"):
                raise self.error("an empty group")
            found = self.relation()
            self.expect("}")
        return found

    def between(self) -> Bracket:
        """|x| or ‖x‖."""
        start, sign = self.token.start, self.take().text
        with self.reading(closing=(*self.closing, sign)):
            found = self.total()
            self.expect(sign)
        return Bracket(start, self.last, sign, (found,))

    def root(self) -> Bracket:
        start, token = self.token.start, self.take()
        if token.text == "sqrt" and self.sees("["):
            raise self.error("only square roots are read: write a power")
        with self.reading():
            inside = self.argument() if token.text == "sqrt" else self.factor()
        return Bracket(start, self.last, "√", (inside,))

    def styled(self) -> Any:
        """\\mathbf and its kin: a number or a letter in a style of its own."""
        start = self.take().start
        if self.sees("{") and self.peek().text in ("d", "D") and self.peek(2).text == "}":
            self.list[self.at : self.at + 3] = [self.peek()]  # \vec{d}_x f is \vec d_x f
        braces = self.accept("{")
        if self.token.text in ("d", "D") and not braces and self.is_operator():
            return self.derived()
        if self.sees("bold") or self.token.text.startswith("accent"):
            node = self.atom()
        elif not braces and self.token.kind != "sign":
            node = self.bare()
        elif self.token.kind == "word":
            self._split()
            token = self.take()
            node = self.scripted(Name(token.start, token.end, token.text))
        else:
            node = self.factor()
        if braces:
            if self.token.kind == "word":  # \mathbf{ab}
                raise self.error("one letter in a style at a time")
            self.expect("}")
        if isinstance(node, Num):
            return replace(node, start=start, end=self.last, bold=True)
        return self.named(_bold(node)) if isinstance(node, Name | Scripted) else node

    def accented(self) -> Any:
        start, mark = self.token.start, self.take().text.split()[1]
        node = self.argument()
        base = node.base if isinstance(node, Scripted) else node
        if not isinstance(base, Name):
            raise self.error("an accent over something that is no letter", start)
        text = unicodedata.normalize("NFC", base.text + mark)
        named = Name(start, self.last, text, base.bold)
        return self.named(replace(node, base=named) if isinstance(node, Scripted) else named)

    def braced(self) -> Any:
        """\\underbrace{x}_{…}: x."""
        if self.take().text in ("underset", "overset", "stackrel"):
            self.argument()
            return self.argument()
        node = self.argument()
        while self.accept("_", "^"):
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

    # Matrices and cases

    def environment(self) -> Any:
        start, kind = self.token.start, self.take().text.removeprefix("begin ")
        if kind not in _MATRICES | _ROWS:
            raise self.error(f"the environment {kind!r} is not known here", start)
        rows: list[list[Any]] = [[]]
        with self.reading(closing=(), in_cells=kind not in _ROWS):
            while not self.sees(f"end {kind}"):
                if self.token.kind == "end":
                    raise self.unexpected(f"\\end{{{kind}}}")
                if self.accept("\\\\"):
                    rows.append([])
                else:
                    rows[-1] += self.cell(kind)
        self.take()
        cells = tuple(tuple(row) for row in rows if row)
        if not cells or len(cells) * max(map(len, cells)) > MOST_CELLS:
            raise self.error(f"a matrix without entries, or with more than {MOST_CELLS}", start)
        if kind in _ROWS and len(cells) == len(cells[0]) == 1:
            return cells[0][0]
        return Grid(start, self.last, cells, kind)

    def cell(self, kind: str) -> list[Any]:
        """What stands next in a row: an entry, or nothing."""
        token = self.token
        if self.accept("&", "gap", ","):
            return []
        if self.sees("|") and self.peek().text in ("&", "\\\\", f"end {kind}"):
            return [self.ellipsis()]  # a column as a line
        word = token.text.rstrip(",. ")
        if token.kind == "text" or word in ("otherwise", "if", "for"):
            self.take()
            last = word in _LAST_CASE
            return [Name(token.start, token.end, "otherwise")] if last else []
        return [self.relation()]

    # Sums and their like

    def reduction(self, kind: str) -> BigOperator:
        """Σ or Π with its indices, bounds and body."""
        start = self.list[self.at - 1].start
        found = BigOperator(start, start, kind, (), None, None, None, None)
        while self.sees("_", "^"):
            lowered = self.take().text == "_"
            group = self.accept("{", "(")
            closing = CLOSING[group.text] if group else ""
            if not lowered:
                found = replace(found, high=self.total() if group else self.bare())
            elif group:
                for item in self.indices(closing):
                    found = self.with_index(found, item)
            else:
                found = self.with_bare_indices(found)
            if closing:
                self.expect(closing)
        if not self.starts() and not self.sees("−", "+"):
            raise self.unexpected("what is summed")
        return replace(found, body=self.body(), end=self.last)

    def with_bare_indices(self, found: BigOperator) -> BigOperator:
        """Σ_ij, Σ_n′."""
        item = self.bare(split=True)
        for one in item if isinstance(item, tuple) else (item,):
            primes = ""
            while self.sees("′") and not self.token.spaced:
                primes += self.take().text
            named = replace(one, text=one.text + primes) if isinstance(one, Name) else one
            found = self.with_index(found, named)
        return found

    def with_index(self, found: BigOperator, item: Any) -> BigOperator:
        """One index more: `i`, `i = 1`, `i = 1 … m`, `i ≠ j`, `1 ≤ i ≤ m`."""
        if not isinstance(item, Chain):
            index = _primed(item)
            if not isinstance(index, Name):
                raise self.error("an index of a sum is a letter", item.start)
            return replace(found, indices=(*found.indices, index))
        first, relations = _primed(item.parts[0]), item.relations
        if relations in (("≤", "≤"), ("<", "<")) and isinstance(item.parts[1], Name):
            indices = (*found.indices, item.parts[1])
            return replace(found, indices=indices, low=first, high=item.parts[2])
        if not isinstance(first, Name) or len(relations) > 1:
            raise self.error("the bounds of a sum: i = 1 below and m above", item.start)
        if first.text not in (index.text for index in found.indices):  # k = 1, k ≠ i
            found = replace(found, indices=(*found.indices, first))
        if relations == ("=",):
            low = item.parts[1]
            low, high = low if isinstance(low, tuple) else (low, found.high)
            return replace(found, low=low, high=high)
        if relations[0] in "≠<>≤≥":
            return replace(found, condition=item)
        if relations == ("∈",):
            raise self.error("a sum over a set: write its range, i = 1, …, m", item.start)
        raise self.error("the bounds of a sum: i = 1 below and m above", item.start)

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
    "∂": Parser.on_one_line,
    "∇": Parser.derived,
    "…": Parser.ellipsis,
}


def _bold(node: Any) -> Any:
    if isinstance(node, Name):
        return replace(node, bold=True)
    if isinstance(node.base, Name):
        return replace(node, base=replace(node.base, bold=True))
    return node


def _primed(node: Any) -> Any:
    """An index with primes, n′, as one name."""
    if (
        isinstance(node, Scripted)
        and isinstance(node.base, Name)
        and all(s.kind == "′" for s in node.scripts)
    ):
        return replace(node.base, text=node.base.text + "′" * len(node.scripts))
    return node
