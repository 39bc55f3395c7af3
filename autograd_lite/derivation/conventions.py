"""The letters and conventions of the documents, as maps of letters, factors and transposes.

Each takes the one derivation, says where a cost or a network is not of the document's kind, and
gives it the document's look. `plain` leaves it as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np

from autograd_lite.algebra.notation import ATOM, LATEX, POSTFIX, TEXT, Style, letters_of
from autograd_lite.algebra.simplification import Simplifier, split
from autograd_lite.algebra.tree import (
    Apply,
    Part,
    Quantity,
    Symbol,
    called,
    elementwise,
    flipped,
    number,
    substituted,
    symbols,
    without,
)
from autograd_lite.graph import Step, Steps


class Convention:
    """The plain notation: the tape's own names."""

    cancels = True  # whether a gradient is left out where writing it out makes a line shorter

    @property
    def header(self) -> str:
        """What stands above the lines."""
        return ""

    def fitted(
        self, labels: Mapping[int, str], recorded: Steps, point: Sequence[np.ndarray]
    ) -> Convention:
        """The convention for one tape; ValueError where the tape is not of its kind."""
        return self

    def rewritten(self, quantities: list[Quantity]) -> list[Quantity]:
        """The lines in this convention."""
        return quantities

    def value(self, s: Symbol, of: Callable[[Symbol], Any]) -> Any:
        """The value of one of its symbols, given those of the tape's."""
        return of(s)

    def style(self, cost: str, latex: bool) -> Style:
        """How it is written."""
        return replace(LATEX if latex else TEXT, letters=letters_of(cost))


def convention(name: str) -> Convention:
    """The convention of this name."""
    if name == "plain":
        return Convention()
    if name not in DOCUMENTS:
        known = ", ".join(["plain", *DOCUMENTS])
        raise ValueError(f"notation={name!r}: there are {known}")
    return DOCUMENTS[name]


Letters = Callable[[str, str, int, bool], tuple[str, int]]  # kind, letter, layer, LaTeX?
_NAME = re.compile(r"([WbZA])(\d+)|([XY])")


@dataclass(frozen=True)
class Document(Convention):
    """A document's letters and convention.

    columns: samples are columns. one_sample, one_output, mean: what it treats. output: ∂C/∂A of
    its loss. slopes: whether σ′(Z) is a letter. written_out: whether ∂C/∂A is never a letter.
    """

    name: str
    about: str
    spelled: Letters
    text: Style
    latex: Style
    columns: bool = True
    one_sample: bool = False
    one_output: bool = False
    mean: bool = False
    output: tuple[str, Callable[[Any, Any], Any]] | None = None
    cancels: bool = False
    slopes: bool = True
    slope_first: bool = False
    written_out: bool = False
    # what `fitted` finds
    labels: Mapping[int, str] = field(default_factory=dict)
    layers: int = 0
    samples: int = 0
    flips: bool = False

    @property
    def header(self) -> str:
        count = f"; {self.text.letter} = {self.samples}" if not self.one_sample else ""
        return f"Document {self.name}: {self.about}{count}"

    def fitted(
        self, labels: Mapping[int, str], recorded: Steps, point: Sequence[np.ndarray]
    ) -> Document:
        by_name = {label: recorded[n] for n, label in labels.items()}
        layers = max((int(n[1:]) for n in by_name if n[0] in "WZA" and n[1:].isdigit()), default=0)
        if not layers or "Y" not in by_name:
            raise self._misfit("no tensors on its tape have the names W1, b1, Z1, A1, …, X, Y")
        if f"A{layers}" not in by_name:
            raise self._misfit(f"A{layers} is not on its tape (is the loss one of logits?)")
        last, Y = by_name[f"A{layers}"], by_name["Y"]
        if last.shape != Y.shape or last.value.ndim != 2:
            raise self._misfit(f"A{layers} {last.shape} and Y {Y.shape} are not like matrices")
        columns = _samples_are_columns(recorded)
        outputs, samples = last.shape if columns else last.shape[::-1]
        found = replace(
            self, labels=labels, layers=layers, samples=samples, flips=columns != self.columns
        )
        found._check(recorded, last, Y, outputs, point)
        return found

    def _misfit(self, reason: str) -> ValueError:
        return ValueError(f"notation {self.name!r} does not fit this cost: {reason}")

    def _check(
        self, recorded: Steps, last: Step, Y: Step, outputs: int, point: Sequence[np.ndarray]
    ) -> None:
        name = last.label
        if self.one_sample and self.samples != 1:
            raise self._misfit(f"the document treats one sample, and {name} has {self.samples}")
        if self.one_output and outputs != 1:
            raise self._misfit(f"the document has a single output, and {name} has {outputs}")
        around = _reached(recorded.cost, last)
        if around:
            raise self._misfit(
                f"the document's cost depends on the parameters through {name} only, and this one "
                f"also reaches {around} in another way"
            )
        g = recorded.gradients.get(last.number)
        if self.output and g is not None:
            formula, of = self.output
            with np.errstate(all="ignore"):
                expected = of(point[last.number], point[Y.number])
            if not np.allclose(point[g.number], expected, rtol=1e-4):
                raise self._misfit(f"the document's loss has ∂C/∂{name} = {formula}")

    def rewritten(self, quantities: list[Quantity]) -> list[Quantity]:
        for s in [s for q in quantities for s in (q.symbol, *symbols(q.rhs))]:
            if not _NAME.fullmatch(s.label):
                raise self._misfit(
                    f"its letters are W1, b1, Z1, A1, …, X and Y, and {s.label} {s.shape} is not "
                    "one of them"
                )
        lines = [self._named(q) for q in quantities]
        if self.mean:
            lines = [self._of_loss(q) for q in lines]
        if self.written_out:
            lines = self._inserted(lines)
        return lines

    def _layer(self, s: Symbol) -> tuple[str, int]:
        """The letter and the number of the layer; X is A of layer 0."""
        found = _NAME.fullmatch(s.label)
        if found is None or found[3] == "Y":
            return "Y", 0
        return ("A", 0) if found[3] else (found[1], int(found[2]))

    def _named(self, q: Quantity) -> Quantity:
        """Samples as columns or rows as the document has them; σ′(Z) as a letter."""
        symbol, rhs, note = q.symbol, q.rhs, q.note
        if self.flips:
            symbol, rhs = flipped(symbol), flipped(rhs)  # type: ignore[assignment]
            note = _flipped(note)
            q = replace(q, steps=tuple(map(_flipped, q.steps)))
        letter, layer = self._layer(symbol)
        if symbol.kind != "gradient" or letter != "Z" or not self.slopes:
            return replace(q, symbol=symbol, rhs=rhs, note=note)
        if self.written_out and layer == self.layers:
            return replace(q, symbol=symbol, rhs=rhs, note=note)
        arriving = next((s for s in symbols(rhs) if s.kind == "gradient"), None)
        rest = without(rhs, arriving) if arriving else None
        if arriving is None or rest is None or self._layer(arriving) != ("A", layer):
            return replace(q, symbol=symbol, rhs=rhs, note=note)
        slope = Symbol("slope", symbol.label, symbol.number, symbol.shape)
        factor = Apply(called, (rest,), rest.shape, mark=slope)
        pair = (factor, arriving) if self.slope_first else (arriving, factor)
        note = (*note, *(("; ",) if note else ()), slope, " = ", rest)
        return replace(q, symbol=symbol, rhs=elementwise(np.multiply, *pair), note=note)

    def _of_loss(self, q: Quantity) -> Quantity:
        """∂𝓛/∂Z = m ∂J/∂Z: the gradient of each sample's own loss."""
        if q.symbol.label == f"A{self.layers}" and q.symbol.kind == "gradient":
            share, _ = split(q.rhs)
            if abs(share) * self.samples not in (Fraction(1, 2), 1, 2):
                raise self._misfit(
                    f"the document's cost is a mean over samples, 1/m Σ 𝓛, and here "
                    f"∂J/∂{q.symbol.label} has no factor 1/{self.samples}"
                )

        def of_loss(s: Symbol) -> Symbol | None:
            inner = s.kind == "gradient" and self._layer(s)[0] in "ZA"
            return replace(s, kind="loss") if inner else None

        share = number(Fraction(1, self.samples))
        rhs = substituted(q.rhs, lambda s: (n := of_loss(s)) and elementwise(np.multiply, share, n))
        symbol = of_loss(q.symbol)
        if symbol is not None:
            rhs = elementwise(np.multiply, number(self.samples), rhs)
        return replace(q, symbol=symbol or q.symbol, rhs=Simplifier()(rhs))

    def _inserted(self, lines: list[Quantity]) -> list[Quantity]:
        """Without the lines of ∂C/∂A, which are written out where they are used."""
        known = {q.symbol: q.rhs for q in lines if self._layer(q.symbol)[0] == "A"}
        kept = []
        for q in lines:
            if q.symbol not in known:
                rhs = substituted(q.rhs, known.get)
                inserted = [("insert ", s, " = ", known[s]) for s in symbols(q.rhs) if s in known]
                kept.append(replace(q, rhs=rhs, steps=(*q.steps, *inserted)))
        return kept

    def value(self, s: Symbol, of: Callable[[Symbol], Any]) -> Any:
        plain = replace(s, kind="gradient" if s.kind == "loss" else s.kind, flipped=False)
        value = of(plain) * (self.samples if s.kind == "loss" else 1)
        return value.T if s.flipped else value

    def style(self, cost: str, latex: bool) -> Style:
        def letters(s: Symbol, latex: bool) -> tuple[str, int]:
            kind = s.kind
            if not _NAME.fullmatch(s.label):  # the cost, or a function
                return letters_of(cost)(s, latex)
            letter, layer = self._layer(s)
            if kind == "slope" and layer == self.layers:
                kind = "last slope"
            return self.spelled(kind, letter, layer, latex)

        return replace(self.latex if latex else self.text, letters=letters, count=self.samples)


def _flipped(note: tuple[Part, ...]) -> tuple[Part, ...]:
    words = {"columns": "rows", "rows": "columns"}
    return tuple(
        re.sub("columns|rows", lambda m: words[m[0]], p) if isinstance(p, str) else flipped(p)
        for p in note
    )


def _samples_are_columns(recorded: Steps) -> bool:
    """Whether weights stand on the left of what they are multiplied with."""
    for s in recorded:
        if s.op is np.dot and not s.is_gradient:
            for k, x in enumerate(s.inputs):
                if re.fullmatch(r"W\d+", x.label or ""):
                    return k == 0
    return True


def _reached(cost: Step, last: Step) -> str | None:
    """A parameter that the cost depends on in another way than through the last activation."""
    stack, seen = [cost], {last.number}
    while stack:
        s = stack.pop()
        if s.number in seen:
            continue
        seen.add(s.number)
        if s.op is None and s.tensor.requires_grad:
            return s.label or "a parameter"
        stack += [x for x in s.inputs if isinstance(x, Step)]
    return None


# Letters


def _letters_000(kind: str, letter: str, layer: int, latex: bool) -> tuple[str, int]:
    if letter == "Y":
        return (r"\vec{y}" if latex else "y⃗"), ATOM
    arrow = (r"\vec{b}" if latex else "b⃗") if letter == "b" else letter
    name = f"{arrow}^{{[{layer}]}}" if latex else f"{arrow}^[{layer}]"
    if "slope" in kind:
        return (rf"{{G^{{[{layer}]}}}}'({name})" if latex else f"G^[{layer}]′({name})"), ATOM
    if kind in ("gradient", "loss"):
        top = {"gradient": ("𝓙", r"\mathcal{J}"), "loss": ("𝓛", r"\mathcal{L}")}[kind][latex]
        text = rf"\frac{{\partial {top}}}{{\partial {name}}}" if latex else f"∂{top}/∂{name}"
        return text, POSTFIX
    return name, POSTFIX if latex else ATOM


def _letters_001(kind: str, letter: str, layer: int, latex: bool) -> tuple[str, int]:
    if letter == "Y":
        return "Y", ATOM
    above = f"^{{({layer})}}" if latex else f"^({layer})"
    if kind == "gradient" and letter in "AZ":
        greek = {"A": ("Δ", r"\Delta"), "Z": ("H", "H")}[letter][latex]
        return greek + above, POSTFIX
    name = letter + above
    if kind == "gradient":
        return (rf"\frac{{\partial J}}{{\partial {name}}}" if latex else f"∂J/∂{name}"), POSTFIX
    return name, POSTFIX


def _letters_002(kind: str, letter: str, layer: int, latex: bool) -> tuple[str, int]:
    if letter == "Y":
        return "y", ATOM
    small = letter.lower() if letter in "AZ" else letter
    name = f"{small}^{{{layer}}}" if latex else f"{small}^{layer}"
    if "slope" in kind:
        return (rf"\sigma'({name})" if latex else f"σ′({name})"), ATOM
    if kind == "gradient":
        return (rf"\frac{{\partial C}}{{\partial {name}}}" if latex else f"∂C/∂{name}"), POSTFIX
    return name, POSTFIX


def _letters_003(kind: str, letter: str, layer: int, latex: bool) -> tuple[str, int]:
    if letter == "Y":
        return "y", ATOM
    small = letter.lower() if letter in "AZ" else letter
    name = f"{small}^{{[{layer}]}}" if latex else f"{small}^[{layer}]"
    if "slope" in kind:
        which = "o" if kind == "last slope" else "h"
        return (f"g_{which}'({name})" if latex else f"g_{which}′({name})"), ATOM
    if kind == "gradient":
        return (f"g^{{[{layer}{small}]}}" if latex else f"g^[{layer}{small}]"), POSTFIX
    return name, POSTFIX


def _letters_004(kind: str, letter: str, layer: int, latex: bool) -> tuple[str, int]:
    """The document's layers begin at 1, the input: its W^2 leads from layer 1 to layer 2."""
    small = letter.lower() if letter in "AZY" else letter
    arrow = rf"\vec{{{small}}}" if latex and letter != "W" else small
    if letter == "Y":
        return arrow, ATOM
    name = f"{arrow}^{{{layer + 1}}}" if latex else f"{arrow}^{layer + 1}"
    if "slope" in kind:
        return (rf"\vec{{\sigma}}'({name})" if latex else f"σ′({name})"), ATOM
    if kind == "gradient":
        d = "D" if letter == "W" else r"\vec{d}" if latex else "d"
        return f"{d}_{{{name}}} C", POSTFIX
    return name, POSTFIX


_SQUARED = lambda A, Y: A - Y
_CROSS_ENTROPY = lambda A, Y: (A - Y) / (A * (1 - A))

DOCUMENTS: dict[str, Document] = {
    d.name: d
    for d in (
        Document(
            "000",
            "∂𝓛/∂Z = m ∂𝓙/∂Z and ∂𝓛/∂A = m ∂𝓙/∂A, A^[0] = X",
            _letters_000,
            replace(TEXT, ones=lambda s: "1_{m×1}" if s[-1] == 1 else "1_{1×m}"),
            replace(
                LATEX,
                transpose="^{T}",
                ones=lambda s: (
                    r"\mathbf{1}_{m\times 1}" if s[-1] == 1 else r"\mathbf{1}_{1\times m}"
                ),
            ),
            one_output=True,
            mean=True,
        ),
        Document(
            "001",
            "Δ = ∂J/∂A, H = ∂J/∂Z, J_m is a column of ones, A^(0) = X",
            _letters_001,
            replace(
                TEXT,
                times=" ⊙ ",
                transpose="ᵗ",
                ones=lambda s: "J_m" if s[-1] == 1 else "J_mᵗ",
            ),
            replace(
                LATEX,
                times=r" \odot ",
                transpose="^{t}",
                ones=lambda s: "J_{m}" if s[-1] == 1 else "J_{m}^{t}",
            ),
            cancels=True,
            slopes=False,
        ),
        Document(
            "002",
            "one sample, a^0 = x",
            _letters_002,
            TEXT,
            replace(LATEX, transpose="^{T}"),
            one_sample=True,
            output=("a − y, that of ½ (a − y)²", _SQUARED),
            written_out=True,
        ),
        Document(
            "003",
            "one sample, a row, a^[0] = x",
            _letters_003,
            replace(TEXT, product=" · "),
            replace(LATEX, product=r" \cdot ", transpose="^{T}"),
            columns=False,
            one_sample=True,
            output=("(a − y) / (a (1 − a)), that of the cross-entropy", _CROSS_ENTROPY),
            slope_first=True,
        ),
        Document(
            "004",
            "one sample, the input is layer 1, a^1 = x",
            _letters_004,
            replace(TEXT, times=" ⊙ ", transpose="ᵗ", outer=" ⊗ "),
            replace(LATEX, times=r" \odot ", transpose="^{t}", outer=r" \otimes "),
            one_sample=True,
            output=("a − y, that of ½ ‖y − a‖²", _SQUARED),
        ),
    )
}
