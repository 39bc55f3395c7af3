"""How expressions are written: as text or LaTeX, with letters that no name can break out of."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import isinf
from typing import Any

import numpy as np

from autograd_lite import rules
from autograd_lite.algebra.tree import (
    Apply,
    Blocks,
    Derivative,
    Element,
    Expression,
    Index,
    Named,
    Number,
    Ones,
    Shape,
    Symbol,
    Total,
    elementwise,
    factors,
    only,
    product,
    terms,
    unit_vector,
)

# Names


_GREEK = {
    unicodedata.lookup(
        f"GREEK {'SMALL' if name.islower() else 'CAPITAL'} LETTER "
        + name.upper().replace("LAMBDA", "LAMDA")
    ): name
    for name in (
        *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"),
        *("lambda", "mu", "nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi"),
        *("omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Phi", "Psi", "Omega"),
    )
}
_LATEX = {
    **{c: "\\" + c for c in "&%$#_{}"},
    "\\": r"\backslash ",
    "~": r"\sim ",
    "^": r"\wedge ",
    "<": "< ",  # with a space it can open no HTML tag
    "…": r"\ldots ",
    "′": "'",
    "`": "'",
}
LONGEST = 40


def plain(name: str) -> str:
    """A user's name as it stands in text: one line, not endless, in ‹ › unless it is a plain word.

    >>> plain("W1"), plain("a + b"), plain("x" * 10_000)
    ('W1', '‹a + b›', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…xxxxxxxx')
    """
    name = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in name)
    name = " ".join(name.split())
    if len(name) > LONGEST:
        name = f"{name[: LONGEST - 9]}…{name[-8:]}"
    word = name.translate(str.maketrans("", "", "_′…[](){}"))
    return name if word.isalnum() else f"‹{name}›"


def in_latex(name: str) -> str:
    r"""A user's name in LaTeX's math mode, from which it cannot break out.

    >>> print(in_latex("W1"), in_latex("theta"), in_latex("loss"), in_latex(r"\input{x}$"))
    W_{1} \theta \mathrm{loss} \backslash \mathrm{input}\{x\}\$
    """
    name = plain(name).strip("‹›")
    stem = name.rstrip("′")
    primes = "'" * (len(name) - len(stem))
    letters = stem.rstrip("0123456789")
    digits = stem[len(letters) :]
    letters = letters[:-1] if digits and letters.endswith("_") and len(letters) > 1 else letters
    index = f"_{{{digits}}}" if digits and letters else digits
    if letters in _GREEK or letters in _GREEK.values():
        return "\\" + _GREEK.get(letters, letters) + index + primes
    return _escaped(letters) + index + primes


def _escaped(text: str) -> str:
    out, run = [], ""
    for c in (*text, ""):
        if c.isalnum() and c not in _GREEK and c:
            run += c
            continue
        if run:
            out.append(run if len(run) == 1 and run.isascii() else rf"\mathrm{{{run}}}")
            run = ""
        known = "\\" + _GREEK[c] + " " if c in _GREEK else _LATEX.get(c, c)
        out.append(r"\ " if c == " " else known)
    return "".join(out)


# Notations

SUM, TIMES, PRODUCT, POSTFIX, ATOM = range(1, 6)  # how tightly an expression binds

Pair = tuple[str, str]  # as text, and in LaTeX
_SIGNS = {"value": "", "gradient": "∂", "loss": "m∂", "slope": "σ′", "last slope": "last σ′"}


@dataclass(frozen=True)
class Notation:
    r"""A way to write a derivation, as data: letters, signs, and the costs that it is for.

    What is written is a pair of strings, text and LaTeX. `Notation()` is the plain notation, which
    writes the tape's own names; one with `letters` is for the tape of a network, whose tensors have
    the names X, W1, b1, Z1, A1, …, Y.

    name, about: the name in error messages, and the line above a derivation.
    letters: how `W`, `b`, `Z`, `A`, `Y` are written, and under `∂` a gradient. `ℓ` stands for the
    number of the layer, `@` in a gradient for what it is taken by; `∂Z` is an exception for one
    letter. Optional: under `m∂` the gradients of each sample's own loss, m times those of the cost,
    for `Z` and `A`; under `σ′` the slope at a `Z`, under `last σ′` that of the last layer.
    hadamard, product, outer, transpose: the signs, with their spaces. An `outer` product is a
    column times a row. bare_transpose: whether text has no parentheses in Aᵀ.
    ones, row_of_ones, count: a column and a row of ones, in which @ stands for their length, and
    the letter for the number of samples.
    first: the number of the input layer. columns: whether samples are columns.
    one_sample, one_output: whether the cost must have only one.
    loss, output: the name of the loss that it is for, and ∂C/∂A of it, in words and as a function
    of A and Y; by default any loss.
    cancels: whether a gradient is left out where that makes a line shorter. slope_first: whether
    the slope stands before the gradient. written_out: whether ∂C/∂A is always written out.

    Raises TypeError for a sign or a letter that is no pair of strings, ValueError for `letters`
    without one of W, b, Z, A, Y and ∂.

    >>> import autograd_lite as ag
    >>> W = ag.Tensor([[1.0, 2.0]], requires_grad=True, name="W")
    >>> X = ag.Tensor([[1.0], [3.0]], name="X")
    >>> dots = ag.Notation(hadamard=(" ⊙ ", r" \odot "), transpose=("'", "'"))
    >>> print(ag.derive(np.sum(np.tanh(W @ X).named("A")), notation=dots))
    ∂J/∂W = (1 − A ⊙ A) X'                   (1, 2)
    """

    name: str = "plain"
    about: str = ""
    letters: Mapping[str, Pair] = field(default_factory=dict, hash=False)
    hadamard: Pair = (" ∘ ", r" \circ ")
    product: Pair = (" ", " ")
    outer: Pair = ("", "")
    transpose: Pair = ("ᵀ", r"^{\top}")
    bare_transpose: bool = False
    ones: Pair = ("1", r"\mathbf{1}")
    row_of_ones: Pair = ("1ᵀ", r"\mathbf{1}^{\top}")
    count: str = "m"
    first: int = 0
    columns: bool = True
    one_sample: bool = False
    one_output: bool = False
    loss: str = ""
    output: tuple[str, Callable[[Any, Any], Any]] | None = None
    cancels: bool = True
    slope_first: bool = False
    written_out: bool = False

    def __post_init__(self) -> None:
        signs = ("hadamard", "product", "outer", "transpose", "ones", "row_of_ones")
        for key, pair in {**{sign: getattr(self, sign) for sign in signs}, **self.letters}.items():
            if not (isinstance(pair, tuple) and len(pair) == 2 and {*map(type, pair)} == {str}):
                raise TypeError(
                    f"notation {self.name!r}: {key} is {pair!r}, and must be a pair of strings, as "
                    r"text and in LaTeX: (' ∘ ', r' \circ ')"
                )
        missing = [k for k in ("W", "b", "Z", "A", "Y", "∂") if k not in self.letters]
        if self.letters and missing:
            raise ValueError(f"notation {self.name!r} has no letters for {', '.join(missing)}")

    def meanings(self, text: str) -> list[str]:
        """What a note says of the letters that stand for ones in a text: `J_n = 1_{n×1}`."""
        if self.ones[0].startswith(("1", "𝟏")):
            return []
        before, _, after = map(re.escape, self.ones[0].partition("@"))
        lengths = dict.fromkeys(re.findall(rf"(?<!\w){before}(\d+|\w){after}", text))
        return [f"{self.ones[0].replace('@', n)} = 1_{{{n}×1}}" for n in lengths]

    def letter(self, kind: str, of: str, layer: int, latex: bool) -> tuple[str, int]:
        """How the `kind` of W, b, Z, A or Y is written in a layer, and how tightly that binds."""
        own, sign = self.letters[of][latex], _SIGNS[kind]
        text = (self.letters.get(sign + of) or self.letters[sign])[latex]
        text = text.replace("@", own).replace("ℓ", str(layer + self.first))
        indexed = kind == "value" and "ℓ" in own and (latex or not self.bare_transpose)
        return text, POSTFIX if indexed or kind in ("gradient", "loss") else ATOM


PLAIN = Notation()


def letters_of(
    cost: str, own: Mapping[str, str] | None = None
) -> Callable[[Symbol, bool], tuple[str, int]]:
    """The letters of a tape: names as they are, ∂J/∂Z1 for gradients, σ′ for a derivative.

    own: how a note writes some of them.
    """

    def letters(s: Symbol, latex: bool) -> tuple[str, int]:
        name, top = (
            (own or {}).get(x) or (in_latex if latex else plain)(x) for x in (s.label, cost)
        )
        if s.kind == "gradient":
            if latex:
                return rf"\frac{{\partial {top}}}{{\partial {name}}}", POSTFIX
            return f"∂{top}/∂{name}", POSTFIX
        if s.kind == "slope":
            return function_name(s.label, latex) + ("'" if latex else "′"), ATOM
        return name, POSTFIX if latex and "^" in name else ATOM

    return letters


_LETTERS = letters_of("J")


# Writing


@dataclass(frozen=True)
class Style:
    """A writer of expressions: in one notation, as text or as LaTeX.

    letters: the text of a symbol, and how tightly it binds. count: the number that is written as
    the notation's letter where it divides (`m` for 400). least: ATOM for parentheses around
    everything that consists of parts. sizes: the letters of lengths, where ones are of a length.
    """

    latex: bool = False
    notation: Notation = PLAIN
    letters: Callable[[Symbol, bool], tuple[str, int]] = _LETTERS
    count: int = 0
    least: int = 0  # how tightly an argument must bind to need no parentheses
    sizes: Mapping[int, str] = field(default_factory=dict)

    @property
    def times(self) -> str:
        """The sign between factors."""
        return self.notation.hadamard[self.latex]

    def __call__(self, e: Expression) -> str:
        return self.write(e)[0]

    def write(self, e: Expression) -> tuple[str, int]:
        """The text of an expression, and how tightly it binds."""
        if isinstance(e, Symbol):
            return self.letters(e, self.latex)
        if isinstance(e, Named):
            return self.write(e.name)
        if isinstance(e, Number):
            return self.constant(e.value), ATOM if e.value >= 0 else SUM
        if isinstance(e, Ones):
            return self.ones(e.shape), ATOM
        if not isinstance(e, Apply):
            return self.indexed(e)
        if e.op in (np.add, np.subtract):
            return self.sum(e), SUM
        if e.op in (np.multiply, np.divide, np.negative, np.square, np.power):
            return self.quotient(e)
        if e.op in (np.broadcast_to, np.reshape, only):
            return self.write(e.arguments[0])
        if e.op is unit_vector:
            index = self(e.arguments[0])
            return f"e_{index}" if len(index) == 1 else f"e_{{{index}}}", ATOM
        if e.op in (np.dot, np.matmul):
            return self.matrix_product(*e.arguments), PRODUCT
        if e.op is np.transpose and e.shape == e.arguments[0].shape[::-1]:
            (x,), sign = e.arguments, self.notation.transpose[self.latex]
            if isinstance(x, Apply) and x.op is np.linalg.inv and sign in _INVERSE_TRANSPOSE:
                return self.within(x.arguments[0], ATOM) + _INVERSE_TRANSPOSE[sign], POSTFIX
            return self.within(x, ATOM) + sign, POSTFIX
        if e.op in _INVERSES:
            return self.within(e.arguments[0], ATOM) + _INVERSES[e.op][self.latex], POSTFIX
        return self.function(e)

    def within(self, e: Expression, least: int) -> str:
        """The text, in parentheses where it binds less tightly."""
        text, binds = self.write(e)
        return text if binds >= max(least, self.least) else self.parenthesised(text)

    def indexed(self, e: Expression) -> tuple[str, int]:
        """What has indices, and derivatives of expressions."""
        if isinstance(e, Index):
            return (in_latex if self.latex else plain)(e.label), ATOM
        if isinstance(e, Element):
            places = [":" if x is None else self(x) for x in (e.row, e.column)]
            if isinstance(e.column, Number) and e.of.shape[1:] in ((1,), ()):
                places = places[:1]
            joined = ("" if all(len(x) == 1 for x in places) and ":" not in places else ",").join(
                places
            )
            index = joined if len(joined) == 1 else f"{{{joined}}}"
            return f"{self.within(e.of, ATOM)}_{index}", ATOM
        if isinstance(e, Total):
            sign = _TOTALS[e.op][self.latex]
            low, high = e.bounds
            below = str(e.index.label) + ("" if low is None else f"={low}")
            above = "" if high is None else f"^{{{high}}}"
            return f"{sign}_{{{below}}}{above} {self.within(e.body, TIMES)}", TIMES
        if isinstance(e, Derivative):
            above = self.within(e.of, ATOM)
            below = self.within(e.wrt, ATOM)
            if e.at != (None, None):
                below = self.indexed(Element(e.wrt, *e.at, ()))[0]
            if self.latex:
                return rf"\frac{{\partial {above}}}{{\partial {below}}}", POSTFIX
            return f"∂{above}/∂{below}", POSTFIX
        assert isinstance(e, Blocks)
        return self.blocks(e), ATOM

    def blocks(self, e: Blocks) -> str:
        """A matrix, entry by entry."""
        rows = [[self(x) for x in row] for row in e.rows]
        if self.latex:
            inside = r" \\ ".join(" & ".join(row) for row in rows)
            return rf"\begin{{bmatrix}} {inside} \end{{bmatrix}}"
        return f"⟦{'; '.join(', '.join(row) for row in rows)}⟧"

    def parenthesised(self, text: str) -> str:
        return rf"\left({text}\right)" if self.latex and r"\frac" in text else f"({text})"

    def constant(self, value: Any) -> str:
        minus, value = ("-" if self.latex else "−") if value < 0 else "", abs(value)
        if isinstance(value, float):
            text, _, power = f"{value:.6g}".partition("e")
            if isinf(value):
                return minus + (r"\infty" if self.latex else "∞")
            if not power:
                return minus + text
            if self.latex:
                return minus + (rf"{text} \cdot " if text != "1" else "") + f"10^{{{int(power)}}}"
            return f"{minus}{text}e{int(power)}".replace("e-", "e−")
        if value.denominator > 100_000:
            return minus + self.constant(float(value))
        top, bottom = str(value.numerator), str(value.denominator)
        if self.count > 1 and value * self.count == 1:
            bottom = self.notation.count
        elif self.count > 4 and value * self.count == 2:
            top, bottom = "2", self.notation.count
        if bottom == "1":
            return minus + top
        return minus + (rf"\frac{{{top}}}{{{bottom}}}" if self.latex else f"{top}/{bottom}")

    def ones(self, shape: Shape) -> str:
        """A column or a row of ones; of more, the number that each of its entries is."""
        first, last = _is_single(shape[0]), _is_single(shape[-1])
        if not (first or last):
            return "1"
        row = first and not last
        sign = (self.notation.row_of_ones if row else self.notation.ones)[self.latex]
        length = shape[-1] if row else shape[0]
        return sign.replace("@", self.sizes.get(length, str(length)))

    def factor(self, e: Expression, least: int) -> str:
        """A factor after no matrix: there a column of ones is bold, as 1 is a number."""
        column = isinstance(e, Ones) and _is_single(e.shape[-1]) and not _is_single(e.shape[0])
        if column and not self.latex and self.notation.ones[0] == "1":
            return "𝟏"
        return self.within(e, least)

    def matrix_product(self, left: Expression, right: Expression) -> str:
        left, right = map(_as_product, (left, right))
        outer = self.notation.outer[self.latex]
        row = isinstance(right, Apply) and right.op is np.transpose and right.arguments[0]
        if outer and row and left.shape[1] == right.shape[0] == 1:
            return self.factor(left, PRODUCT) + outer + self.within(row, POSTFIX)
        product = self.notation.product[self.latex]
        return self.factor(left, PRODUCT) + product + self.within(right, PRODUCT)

    def sum(self, e: Expression) -> str:
        text = ""
        for sign, term in terms(e):
            coefficient, *_ = factors(term)
            negative = coefficient < 0
            if negative:
                term = elementwise(np.negative, term)
            minus = (sign < 0) != negative
            symbol = ("-" if self.latex else "−") if minus else "+"
            body = self.within(term, TIMES)
            text += f" {symbol} {body}" if text else (symbol + body if minus else body)
        return text

    def irreducible(self, e: Apply) -> tuple[str, int]:
        """A power that is not a whole number, or a division by zero."""
        a, b = e.arguments
        if e.op is not np.power:
            return f"{self.within(a, TIMES)} / {self.within(b, POSTFIX)}", TIMES
        sign = self.times.strip() if a.shape else ""  # of each element
        exponent, binds = self.write(b)
        if sign and binds < ATOM:
            exponent = self.parenthesised(exponent)
        short = not (sign or self.latex) and binds >= ATOM and "/" not in exponent
        inside = f"{sign} {exponent}" if sign and self.latex else sign + exponent
        return f"{self.within(a, ATOM)}^{inside if short else f'{{{inside}}}'}", ATOM

    def quotient(self, e: Apply) -> tuple[str, int]:
        """Everything that is multiplied and divided: coefficient, numerator, denominator."""
        coefficient, above, below = factors(e)
        if above == [e]:
            return self.irreducible(e)
        if not below:
            return self.joined(coefficient, above)
        bottom, binds = self.joined(Fraction(1), below)
        if self.latex:
            top, _ = self.joined(Fraction(1), above)
            text = rf"\frac{{{top}}}{{{bottom}}}"
            return (text, TIMES) if coefficient == 1 else self.scaled(coefficient, text)
        top, _ = self.joined(coefficient, above)
        if len(above) == 1 and coefficient == 1:
            top = self.factor(above[0], TIMES)
        return f"{top} / {bottom if binds >= POSTFIX else self.parenthesised(bottom)}", TIMES

    def scaled(self, coefficient: Any, text: str) -> tuple[str, int]:
        if coefficient == -1:
            return ("-" if self.latex else "−") + text, SUM
        return f"{self.constant(coefficient)} {text}", TIMES if coefficient > 0 else SUM

    def joined(self, coefficient: Any, above: list[Expression]) -> tuple[str, int]:
        if not above:
            return self.constant(coefficient), ATOM if coefficient >= 0 else SUM
        powers: dict[Expression, int] = {}
        for x in above:
            powers[x] = powers.get(x, 0) + 1
        if len(powers) == 1 and powers[above[0]] == 1:
            if coefficient == 1:
                return self.write(above[0])
            return self.scaled(coefficient, self.factor(above[0], TIMES))
        if len(powers) == 1 and coefficient == 1 and (not above[0].shape or len(above) > 2):
            return self.power(above[0], len(above)), POSTFIX
        text, scalar = "", True
        ordered = sorted(powers.items(), key=lambda item: bool(item[0].shape))  # numbers first
        for k, (x, n) in enumerate(ordered):
            last = scalar and text and n == 1 and k == len(ordered) - 1 and x.shape
            own = self.factor(x, PRODUCT) if last else self.power(x, n)
            text += ("" if not text else " " if scalar else self.times) + own
            scalar = not x.shape
        return (text, TIMES) if coefficient == 1 else self.scaled(coefficient, text)

    def power(self, x: Expression, n: int) -> str:
        if n == 1:
            return self.within(x, POSTFIX)
        if x.shape and n == 2:
            return self.times.join([self.within(x, POSTFIX)] * n)
        base, hadamard = self.within(x, ATOM), bool(x.shape)
        if self.latex:
            return f"{base}^{{{self.times.strip() + ' ' if hadamard else ''}{n}}}"
        return f"{base}^{self.times.strip()}{n}" if hadamard else base + _raised(n)

    def index(self, index: tuple[Any, ...]) -> str:
        """As in Python; index arrays are not written out."""
        shown = []
        for i in index:
            if isinstance(i, slice):
                ends = [i.start, i.stop] if i.step is None else [i.start, i.stop, i.step]
                shown.append(":".join("" if n is None else str(n) for n in ends))
            else:
                shown.append(str(i) if type(i) is int else "…")
        text = ", ".join(shown)
        return f"[{text.replace('…', _LATEX['…'])}]" if self.latex else f"[{text}]"

    def function(self, e: Apply) -> tuple[str, int]:
        inside = [self(a) for a in e.arguments]
        if e.op in RELATIONS:
            relation = RELATIONS[e.op][self.latex]
            return f"[{inside[0]} {relation} {inside[1]}]", ATOM
        if e.op is np.absolute:
            return f"|{inside[0]}|", ATOM
        if e.op is np.linalg.norm and e.static["axis"] is None:
            return (rf"\lVert {inside[0]} \rVert" if self.latex else f"‖{inside[0]}‖"), ATOM
        if e.op is np.sum:
            body = self.within(e.arguments[0], PRODUCT)
            everything = len(e.static["axis"]) == len(e.arguments[0].shape)
            axes = "" if everything else "_" + ",".join(map(str, e.static["axis"]))
            return (rf"\sum{axes} {body}" if self.latex else f"Σ{axes} {body}"), TIMES
        if e.op is rules.getitem:
            return self.within(e.arguments[0], ATOM) + self.index(e.static["index"]), ATOM
        if e.op is rules.scatter_add:
            inside = [inside[0], self.index(e.static["index"])]
        if e.op is rules.setitem:
            inside = [inside[0], self.index(e.static["index"]), inside[1]]
        if e.op is rules.einsum:
            arrow = r" \to " if self.latex else "→"
            inside.insert(0, e.static["subscripts"].replace("->", arrow))
        if e.op.__name__ in _COMPOSED:
            return _COMPOSED[e.op.__name__][self.latex].replace("@", inside[0]), ATOM
        name = function_name(e.op.__name__, self.latex)
        if not e.arguments:
            return name, ATOM
        if "keepdims" in e.static and 1 < e.shape.count(1) + 1 <= len(e.shape):
            name += "_" + ",".join(map(str, e.static["axis"]))
        joined = ", ".join(inside)
        if self.latex:
            return rf"{name}\left({joined}\right)", ATOM
        return f"{name}({joined})", ATOM


_TOTALS: dict[Any, Pair] = {
    np.sum: ("Σ", r"\sum"),
    np.prod: ("Π", r"\prod"),
    np.max: ("max", r"\max"),
    np.min: ("min", r"\min"),
}
_INVERSES: dict[Any, Pair] = {np.linalg.inv: ("⁻¹", "^{-1}"), np.linalg.pinv: ("⁺", "^{+}")}
_INVERSE_TRANSPOSE = {"ᵀ": "⁻ᵀ", r"^{\top}": r"^{-\top}"}
RELATIONS: dict[Any, tuple[str, str]] = {
    np.greater: (">", ">"),
    np.greater_equal: ("≥", r"\geq"),
    np.less: ("<", "<"),
    np.less_equal: ("≤", r"\leq"),
    np.equal: ("=", "="),
    np.not_equal: ("≠", r"\neq"),
}
_FUNCTIONS = {"sigmoid": ("σ", r"\sigma"), "maximum": ("max", r"\max"), "minimum": ("min", r"\min")}
_FUNCTIONS |= {"trace": ("tr", r"\operatorname{tr}")}
_FUNCTIONS |= dict.fromkeys(("eye", "identity_matrix"), ("I", "I"))
_FUNCTIONS |= dict.fromkeys(("diagflat", "diagonal_of"), ("diag", r"\operatorname{diag}"))
_FUNCTIONS |= {f: (f, "\\" + f) for f in ("exp", "log", "tanh", "sin", "cos", "max", "min", "det")}
_FUNCTIONS |= {"matrix_trace": ("tr", r"\operatorname{tr}")}
_FUNCTIONS |= {f: (f, "\\" + f) for f in ("tan", "sinh", "cosh", "arctan", "ln", "lim", "arg")}
_COMPOSED = {"logabsdet": ("log(|det(@)|)", r"\log\left(|\det\left(@\right)|\right)")}
# Signs that are read as well as written, beside those that a Notation has
SIGNS: dict[str, str] = {
    "∂": "partial",
    "∇": "nabla",
    "Σ": "sum",
    "Π": "prod",
    "∈": "in",
    "∀": "forall",
    "…": "ldots",
    "·": "cdot",
    "×": "times",
    "∘": "circ",
    "⊙": "odot",
    "⊗": "otimes",
    "‖": "Vert",
    "⟨": "langle",
    "⟩": "rangle",
    "∞": "infty",
    "ℓ": "ell",
    "′": "prime",
    "≈": "approx",
    "∝": "propto",
    "→": "to",
    "←": "leftarrow",
    "⇒": "Rightarrow",
    "≡": "equiv",
    "ᵀ": "top",
    "±": "pm",
    "⟺": "iff",
}


def _is_single(length: Any) -> bool:
    """Whether a length is 1. (In what was read from a note it may be a letter.)"""
    return str(length) == "1"


def _as_product(e: Expression) -> Expression:
    """A matrix of ones as 𝟏 1ᵀ: alone, in a sum or element by element, it is the number 1."""
    if isinstance(e, Ones) and not any(map(_is_single, e.shape)):
        return product(Ones((e.shape[0], 1)), Ones((1, e.shape[1])))
    return e


def function_name(name: str, latex: bool) -> str:
    """How a function is called in a formula.

    >>> function_name("sigmoid", False), function_name("relu", True)
    ('σ', '\\\\operatorname{relu}')
    """
    if name in _FUNCTIONS:
        return _FUNCTIONS[name][latex]
    name = plain(name)
    return (rf"\operatorname{{{name}}}" if name.isalnum() else _escaped(name)) if latex else name


def commands() -> dict[str, str]:
    """What is read for the commands of LaTeX that are written here: by name, without backslash.

    >>> [commands()[name] for name in ("alpha", "circ", "leq", "log")]
    ['α', '∘', '≤', 'log']
    """
    table = {name: sign for sign, name in _GREEK.items()}
    table |= {name: sign for sign, name in SIGNS.items()}
    pairs = [*RELATIONS.values(), *_FUNCTIONS.values()]
    return table | {latex[1:]: text for text, latex in pairs if latex[0] == "\\"} | {"sigma": "σ"}


def _raised(n: int) -> str:
    return str(n).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


TEXT = Style()
LATEX = Style(latex=True)
