"""What stands raised or lowered after a part of a formula: indices, layers, powers, ᵀ and ′."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from autograd_lite.formula.syntax import Bracket, Chain, Name, Num, Product, Script, Scripted, Sum
from autograd_lite.formula.token_reader import CLOSING, TokenReader, in_quotes
from autograd_lite.formula.tokens import FUNCTION_WORDS, Token

MOST_SCRIPTS = 20
_LAYERS = "lℓLktTin"
_SUBSCRIPTS = set("abcdijklmnpqrstuvz")  # a run of three or more with another is a word
_GOING_ON = ("_", "+", "−", "/", "·", "×")
_POWER_SIGNS = ("*", "∘", "⊙")


class ScriptReader(TokenReader):
    """Reads scripts."""

    def scripted(self, base: Any) -> Any:
        """Scripts after what was read, if there are any."""
        scripts: list[Script] = list(base.scripts) if isinstance(base, Scripted) else []
        inner = base.base if isinstance(base, Scripted) else base
        before = len(scripts)
        while (found := self.script(inner, scripts)) is not None:
            scripts += found
            if len(scripts) > MOST_SCRIPTS:
                raise self.error(f"more than {MOST_SCRIPTS} scripts")
        if len(scripts) == before:
            return base
        return Scripted(base.start, self.last, inner, tuple(scripts))

    def script(self, base: Any, before: list[Script]) -> list[Script] | None:
        token = self.token
        if token.kind != "sign":
            return None
        if token.text == "{" and self.peek().text == "}":  # {}^T, which only spaces
            self.at += 2
            return []
        if token.text in ("^", "_"):
            self.take()
            return self.script_items(token.text)
        if token.text in ("ᵀ", "′"):
            self.take()
            return [Script(token.start, token.end, token.text)]
        if token.text == "." and not token.spaced and self.peek().text in ("T", "mT"):
            self.at += 2  # as in NumPy
            return [Script(token.start, self.last, "ᵀ")]
        if isinstance(base, Name) and base.text not in FUNCTION_WORDS and not token.spaced:
            return self.script_in_line(before)
        return None

    def script_in_line(self, before: list[Script]) -> list[Script] | None:
        """`W[l]`, `W{[l]}`, `a_j[l](i)`: a raised index on the line; `S[i, k]`: an element."""
        braces = self.sees("{")
        opening = self.peek(int(braces)).text
        sample = opening == "(" and (braces or any(s.mark == "[" for s in before))
        if opening != "[" and not sample:
            return None
        words: list[str] = []
        while (word := self.peek(1 + braces + len(words)).text) not in ("]", ")", ""):
            words.append(word)
        after = 1 + braces + len(words)
        if self.peek(after).text != CLOSING[opening]:
            return None
        if _is_element(words) and not braces:
            self.remarks.append(f"[{''.join(words)}] is read as lowered indices")
            found = self.marked("_")
            return [replace(found, mark="")]
        if not (_is_layer(words) and (not braces or self.peek(after + 1).text == "}")):
            return None
        if self.latex:
            self.remarks.append(f"{opening}{''.join(words)}] is read as a raised index")
        self.at += braces
        found = self.marked("^")
        if braces:
            self.expect("}")
        return [found]

    def with_digits(self, name: Name) -> Scripted:
        """`W1` is W with the index 1; `W1,1[2]` has two."""
        token = self.take()
        items: list[Any] = [Num(token.start, token.end, self.digits(token))]
        raw = token.text
        while (
            self.sees(",")
            and self.peek().kind == "number"
            and not (self.token.spaced or self.peek().spaced)
            and self.peek(2).text in ("[", "(", "^")
            and not self.peek(2).spaced
        ):
            self.take()
            token = self.take()
            items.append(Num(token.start, token.end, self.digits(token)))
            raw += "," + token.text
        script = Script(items[0].start, self.last, "_", "", tuple(items), raw)
        return Scripted(name.start, self.last, name, (script,))

    # After ^ or _

    def script_items(self, kind: str) -> list[Script]:
        """What follows ^ or _: one token, or a group that may hold several scripts."""
        start = self.token.start
        if not self.accept("{"):
            return [self.single_script(kind)]
        found: list[Script] = []
        while not self.accept("}"):
            if self.token.kind == "end":
                raise self.unexpected("}")
            found.append(self.script_in_group(kind))
            if len(found) > MOST_SCRIPTS:
                raise self.error(f"more than {MOST_SCRIPTS} scripts in one group", start)
        return found

    def single_script(self, kind: str) -> Script:
        start = self.token.start
        if kind == "_" and self.accept("("):
            items = self.indices(")")
            self.expect(")")
            return Script(start, self.last, "_", "", items, self.raw(start + 1, self.last - 1))
        if kind == "^":
            self.first_character()
        known = self.known_script(kind, ends=True)
        if known is not None:
            return known
        if self.sees("−") and self.peek().kind in ("number", "word"):  # e^-z
            self.take()
            item: Any = Sum(start, self.last, ((-1, self.bare()),))
        else:
            item = self.bare(split=kind == "_")
        if kind == "^" and isinstance(item, Bracket) and item.kind == "(" and len(item.parts) == 1:
            item = item.parts[0]  # A^(l−1) + B, e^(a + b)/2
        items = item if isinstance(item, tuple) else (item,)
        return Script(start, self.last, kind, "", items, self.raw(items[0].start, items[-1].end))

    def script_in_group(self, kind: str) -> Script:
        start = self.token.start
        known = self.known_script(kind, ends=self.peek().text == "}")
        if known is not None:
            return known
        if kind == "^" and self.sees("−") and self.peek().text in ("ᵀ", "T"):
            self.at += 2
            return Script(start, self.last, "^", "−ᵀ", (), "−ᵀ")
        if self.accept("^"):  # ^{[l]^T}
            above = self.script_items("^")
            if len(above) != 1:
                raise self.error("one script above a script, as in ^{[l]^T}", start)
            return above[0]
        items = self.indices("}", raised=kind == "^")
        return Script(start, self.last, kind, "", items, self.raw(start, self.last))

    def known_script(self, kind: str, ends: bool) -> Script | None:
        """A script with brackets or a meaning of its own: [l], ′, T, ∘2. ends: it stands alone."""
        start = self.token.start
        if self.sees("[", "(", "⦃") and not (kind == "^" and self._goes_on(ends)):
            return self.marked(kind)
        if self.sees("′", "ᵀ"):
            return Script(start, self.token.end, self.take().text)
        if kind == "^" and ends and self.token.kind == "word" and self.token.text in ("T", "t"):
            self.take()
            return Script(start, self.last, "ᵀ")
        if self.sees(*_POWER_SIGNS) and self.peek().kind == "number":
            self.take()
            item = self.bare()
            return Script(start, self.last, "^", "∘", (item,), self.raw(start, self.last))
        if ends and self.accept(*_POWER_SIGNS, "+"):
            return Script(start, self.last, kind, "*", (), "*")
        return None

    def _goes_on(self, ends: bool) -> bool:
        """Whether brackets here are the first part of an exponent: e^{(a + b)/2}, e^{(x)_i}.

        Without braces, the number of a layer `ends` the script: A^[l−1] + B.
        """
        depth, ahead, words = 1, 1, []
        while depth and (token := self.peek(ahead)).kind != "end":
            text = token.text if token.kind == "sign" else ""
            depth += (text in ("(", "[")) - (text in (")", "]"))
            words.append(token.text)
            ahead += 1
        if ends and self.sees("[") and _is_layer(words[:-1]):
            return False
        return self.peek(ahead).kind == "sign" and self.peek(ahead).text in _GOING_ON

    def marked(self, kind: str) -> Script:
        """`[l]` or `(l)`."""
        start, opening = self.token.start, self.take().text
        items = self.indices(CLOSING[opening])
        inside = self.raw(start + 1, self.last)
        self.expect(CLOSING[opening])
        return Script(start, self.last, kind, opening, items, inside)

    def bare(self, split: bool = False) -> Any:
        """One token, or one character of it in LaTeX, as a script or an argument."""
        self.first_character()
        token = self.token
        if token.kind == "word":
            self.take()
            if split and not self.latex and len(token.text) > 1 and token.text.isascii():
                return self.letters(token)
            name = Name(token.start, token.end, token.text)
            digits = self.token.kind == "number" and self.token.start == token.end
            return self.with_digits(name) if digits and not self.latex else name
        if token.kind == "text":
            self.take()
            return Name(token.start, token.end, token.text)
        return self.atom()

    def first_character(self) -> None:
        """In LaTeX, x^10 is x¹0: the rest of a word or number goes on after the script."""
        token = self.token
        several = token.kind in ("number", "word") and len(token.text) > 1 and not token.whole
        if several and self.latex:
            if token.kind == "number" and not token.text.isdecimal():
                raise self.error(f"of {token.text} LaTeX takes {token.text[0]}: write braces")
            self.replaced(*token.pieces(token.text[0], token.text[1:]))

    # Indices

    def letters(self, token: Token) -> tuple[Name, ...]:
        """The indices `ij` of a word, one letter each; W_{new} has a label."""
        if len(token.text) > 2 and not set(token.text.lower()) <= _SUBSCRIPTS:
            return (Name(token.start, token.end, token.text),)
        return tuple(Name(t.start, t.end, t.text) for t in token.pieces(*token.text))

    def indices(self, closing: str, raised: bool = False) -> tuple[Any, ...]:
        """A list of indices, `ij`, `i, j`, `l − 1`, `k′n′`, up to a bracket, as in `h[i, j]`."""
        found: list[Any] = []
        with self.reading(closing=(*self.closing, closing), calls=False):
            while not self.sees(closing):
                if self.accept(",", ";", "gap", "∀"):
                    continue
                item = self.relation() if raised else self.index_item()
                found += item if isinstance(item, tuple) else (item,)
                if self.sees("[", *(("(", "⦃", "ᵀ", "′") if raised else ())):
                    break
                if self.token.kind == "end":
                    raise self.unexpected(in_quotes(closing))
        return tuple(found)

    def index_item(self) -> Any:
        """An index, with what is added to it; letters side by side are several."""
        token = self.token
        if token.kind == "text" or (token.whole and _is_run(token)):
            self.take()
            return Name(token.start, token.end, token.text)
        if _is_run(token):
            if self.peek().kind != "sign" or self.peek().text in (",", "}", ")", "]"):
                return self.letters(self.take())
            self.replaced(*token.pieces(*token.text))
        found = self.index_total()
        relations: list[str] = []
        parts: list[Any] = [found]
        while self.sees_relation():
            relations.append(self.take().text)
            parts.append(self.index_bound())
        return Chain(found.start, self.last, tuple(parts), tuple(relations)) if relations else found

    def index_bound(self) -> Any:
        """What an index is said to be: 1; or the two ends of 1, …, m."""
        low = self.total()
        if self.sees(",") and self.peek().text == "…":
            self.take()
        if not self.accept("…"):
            return low
        self.accept(",")
        return low, self.total()

    def index_total(self) -> Any:
        start, sign = self.token.start, -1 if self.accept("−") else 1
        terms = [(sign, self.index_factor())]
        while self.sees("+", "−"):
            sign = -1 if self.take().text == "−" else 1
            terms.append((sign, self.index_factor()))
        plain = len(terms) == 1 and terms[0][0] == 1
        return terms[0][1] if plain else Sum(start, self.last, tuple(terms))

    def index_factor(self) -> Any:
        if not self.starts():
            raise self.unexpected("an index")
        node = self.atom()
        node = node if self.sees("[") else self.scripted(node)
        if self.accept("×", "·"):
            return Product(node.start, self.last, (("", node), ("×", self.index_factor())))
        return node


def _is_run(token: Token) -> bool:
    """Whether these are several letters."""
    return token.kind == "word" and token.text.isascii() and len(token.text) > 1


def _is_layer(words: list[str]) -> bool:
    """Whether this may number a layer: l, 3, l − 1, 3z."""
    if len(words) == 1:
        return words[0][:1].isdigit() or words[0] in _LAYERS + "ij"
    if len(words) == 2:
        return words[0].isdigit() and words[1].isalpha()
    return len(words) == 3 and words[0] in _LAYERS and words[1] in "+−" and words[2].isdigit()


def _is_element(words: list[str]) -> bool:
    """Whether these are two indices with a comma, as NumPy writes an element: i, y_i."""
    short = all(len(w) == 1 or w.isdigit() for w in words)
    return short and words.count(",") == 1 and words[0] != "," != words[-1]
