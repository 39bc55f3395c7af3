"""A formula as one line of plain text, for a terminal: LaTeX in the signs that a keyboard has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from autograd_lite.formula.tokens import FormulaError, Lexer, Macro, TextSource, Token

_SPACED = set("+−∘⊙⊗·×*=≠<>≤≥∈→⇒⟺≈:") | {":="}
_AFTER = {",": ", ", ";": "; ", "&": ", ", "\\\\": "; ", "gap": "  "}
_POWERS = {"T": "ᵀ", "t": "ᵀ", "ᵀ": "ᵀ", "−1": "⁻¹", "−T": "⁻ᵀ", "−ᵀ": "⁻ᵀ"}
_TRANSPOSED = re.compile(r"(?<=.)\s*ᵀ$|(?<=[\])])\s*[Tt]$")
_SMALL = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_MATRIX = {"begin": "⟦", "end": "⟧"}


def plain_text(text: str, macros: Mapping[str, Macro] | None = None) -> str:
    r"""A formula on one line; one that cannot be read stays as it is written.

    >>> plain_text(r"\frac{\partial J}{\partial W^{[\ell]}} = \frac12 (A-Y) {X}^T")
    '∂J/∂W^[ℓ] = 1/2 (A − Y) Xᵀ'
    """
    try:
        tokens = Lexer(TextSource("formula", text), macros=macros).tokens()
    except FormulaError:
        return " ".join(text.split())
    return " ".join(_Line([t for t in tokens if t.kind != "end"]).until("").split())


class _Line:
    """What is written from tokens, from left to right."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens, self.at = tokens, 0

    def until(self, closing: str) -> str:
        """All up to a closing brace, or to the end."""
        written = ""
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            self.at += 1
            if closing and token.kind == "sign" and token.text == closing:
                break
            piece = self.piece(token)
            written += " " * self.parted(written[-1:], piece[:1], token) + piece
        return written.strip()

    def parted(self, before: str, after: str, token: Token) -> bool:
        """Whether a space stands between two characters."""
        if after == "∂":
            return before.strip() not in ("", "(", "[", "/", "⟦")
        if before.isalnum() and token.kind != "sign":
            return after.isalnum()
        return before in (")", "]", "⟧", "ᵀ", "′", "}") and after.isalnum() and after != "ᵀ"

    def piece(self, token: Token) -> str:
        """What one token stands for, with its arguments."""
        kind, _, of = token.text.partition(" ")
        if token.kind != "sign":
            return token.text
        if token.text == "frac":
            above, below = self.argument(), self.argument()
            return f"{_bracketed(above)}/{_bracketed(below)} "
        if token.text in ("sqrt", "√"):
            root = self.index_of_root()
            inside = self.argument()
            return f"{root}√{inside}" if len(inside) == 1 else f"{root}√({inside})"
        if token.text == "binom":
            return f"binom({self.argument()}, {self.argument()})"
        if token.text in ("underset", "overset", "stackrel"):
            self.argument()
            below = self.argument()
            return f" {below} " if below in _SPACED else below
        if token.text in ("underbrace", "overbrace"):
            return self.argument()
        if token.text in ("^", "_"):
            return self.script(token.text)
        if token.text == "{":
            return self.until("}")
        if kind in _MATRIX:
            return _MATRIX[kind]
        if kind == "accent":
            return self.argument() + of
        if kind == "bold":
            return ""
        if token.text == "−" and self.is_prefix():
            return "−"
        if token.text in _SPACED:
            return f" {token.text} "
        return _AFTER.get(token.text, {"⦃": "{", "⦄": "}"}.get(token.text, token.text))

    def script(self, sign: str) -> str:
        """What stands above or below, after its sign."""
        script = self.argument()
        for wide in (" + ", " − ", ", "):
            script = script.replace(wide, wide.strip())
        if script.startswith("["):
            script = script.replace(" ", "")
        if sign == "^" and script in _POWERS:
            return _POWERS[script]
        layer = _TRANSPOSED.sub("", script)  # A^{[l]T}
        after = "ᵀ" if layer != script else ""
        return sign + (layer if _needs_no_braces(layer) else f"{{{layer}}}") + after

    def index_of_root(self) -> str:
        """The 3 of a third root."""
        if self.at == len(self.tokens) or self.tokens[self.at].text != "[":
            return ""
        self.at += 1
        return self.until("]").translate(_SMALL)

    def argument(self) -> str:
        """A group in braces, or one character: ^tH is t above, and H."""
        if self.at == len(self.tokens):
            return ""
        token = self.tokens[self.at]
        if token.kind in ("word", "number") and not token.whole and len(token.text) > 1:
            self.tokens[self.at] = replace(token, text=token.text[1:])
            return token.text[0]
        self.at += 1
        return self.piece(token).strip()

    def is_prefix(self) -> bool:
        """Whether the sign just read stands before what it belongs to."""
        before = self.tokens[self.at - 2] if self.at > 1 else None
        return before is None or (before.kind == "sign" and before.text in "([{=,+−·×⊙∘⊗|⦃&")


def _needs_no_braces(script: str) -> bool:
    inside = script[1:-1] if script[:1] + script[-1:] in ("[]", "()") else script
    return (inside.isalnum() and len(inside) == 1) or inside == "′" or script.startswith("[")


def _bracketed(text: str) -> str:
    """In brackets, if it is more than one thing."""
    depth, apart = 0, False
    for c in text:
        depth += (c in "([{⟦") - (c in ")]}⟧")
        apart = apart or (depth == 0 and c in " /")
    return f"({text})" if apart else text
