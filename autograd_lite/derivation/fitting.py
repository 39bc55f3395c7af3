"""A notation fitted to one tape: how its lines look; an error where its cost is of another kind."""

from __future__ import annotations

import importlib
import re
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from autograd_lite.algebra.notation import PLAIN, Notation, Style, letters_of
from autograd_lite.algebra.simplification import Simplifier, split
from autograd_lite.algebra.tree import (
    Named,
    Part,
    Quantity,
    Symbol,
    elementwise,
    flipped,
    number,
    substituted,
    symbols,
    without,
)
from autograd_lite.derivation.named_tape import NamedTape
from autograd_lite.graph import Step, Steps

# Modules that bring notations: each has a dictionary NOTATIONS, by name. They use the engine, which
# imports none of them; so that `derive(J, notation="001")` works without an import of theirs, they
# are loaded here when a notation is asked for by name.
PLUG_INS = ("nn.documents.notations",)


def notation_named(name: str) -> Notation:
    """The notation of this name; ValueError, with the names that there are, if it is none."""
    if name == PLAIN.name:
        return PLAIN
    known = {PLAIN.name: PLAIN}
    for module in PLUG_INS:
        known |= importlib.import_module(module).NOTATIONS
    if not isinstance(name, str) or name not in known:
        raise ValueError(f"notation={name!r}: there are {', '.join(known)}")
    return known[name]


def fitted(notation: Notation, tape: NamedTape) -> Writing:
    """The notation for one tape; ValueError where the tape is not of its kind."""
    return InLetters(notation, tape) if notation.letters else Writing(notation, tape)


class Writing:
    """How the lines of one tape are written: in its own names, with the signs of a notation."""

    def __init__(self, notation: Notation, tape: NamedTape) -> None:
        self.notation = notation
        self.tape = tape
        self.names = letters_of(tape.recorded.cost.label or "J")

    @property
    def header(self) -> str:
        """What stands above the lines."""
        return self.notation.about

    def rewritten(self, quantities: list[Quantity]) -> list[Quantity]:
        """The lines as the notation has them."""
        return quantities

    def value(self, s: Symbol, point: int) -> Any:
        """The value of a symbol at one of the tape's points."""
        return self.tape.value(s, point)

    def style(self, latex: bool) -> Style:
        """The writer of its expressions."""
        return Style(latex, self.notation, self.names, sizes=self.tape.sizes)


_NAME = re.compile(r"([WbZA])(\d+)|([XY])")


class InLetters(Writing):
    """How the lines of a network are written: in a notation's own letters."""

    def __init__(self, notation: Notation, tape: NamedTape) -> None:
        super().__init__(notation, tape)
        recorded = tape.recorded
        by_name = {label: recorded[n] for n, label in tape.labels.items()}
        layers = max((int(n[1:]) for n in by_name if n[0] in "WZA" and n[1:].isdigit()), default=0)
        if not layers or "Y" not in by_name:
            raise self._misfit("no tensors on its tape have the names W1, b1, Z1, A1, …, X, Y")
        if f"A{layers}" not in by_name:
            raise self._misfit(f"A{layers} is not on its tape (is the loss one of logits?)")
        last, Y = by_name[f"A{layers}"], by_name["Y"]
        if last.shape != Y.shape or last.value.ndim != 2:
            raise self._misfit(f"A{layers} {last.shape} and Y {Y.shape} are not like matrices")
        columns = _samples_are_columns(recorded)
        outputs, self.samples = last.shape if columns else last.shape[::-1]
        self.layers = layers
        self.flips = columns != notation.columns
        self._check(last, Y, outputs)

    def _misfit(self, reason: str) -> ValueError:
        return ValueError(f"notation {self.notation.name!r} does not fit this cost: {reason}")

    def _check(self, last: Step, Y: Step, outputs: int) -> None:
        """Raise where the cost is not one that the notation is for."""
        name, recorded = last.label, self.tape.recorded
        if self.notation.one_sample and self.samples != 1:
            raise self._misfit(f"the document treats one sample, and {name} has {self.samples}")
        if self.notation.one_output and outputs != 1:
            raise self._misfit(f"the document has a single output, and {name} has {outputs}")
        around = _reached(recorded.cost, last)
        if around:
            raise self._misfit(
                f"the document's cost depends on the parameters through {name} only, and this one "
                f"also reaches {around} in another way"
            )
        g = recorded.gradients.get(last.number)
        if self.notation.output and g is not None:
            (words, of), point = self.notation.output, self.tape.points[1]
            with np.errstate(all="ignore"):
                expected = of(point[last.number], point[Y.number])
            if not np.allclose(point[g.number], expected, rtol=1e-4):
                raise self._misfit(f"the document's loss has ∂C/∂{name} = {words}")

    @property
    def header(self) -> str:
        if self.notation.one_sample:
            return self.notation.about
        return f"{self.notation.about}; {self.notation.count} = {self.samples}"

    def rewritten(self, quantities: list[Quantity]) -> list[Quantity]:
        for s in [s for q in quantities for s in (q.symbol, *symbols(q.rhs))]:
            if not _NAME.fullmatch(s.label):
                raise self._misfit(
                    f"its letters are W1, b1, Z1, A1, …, X and Y, and {s.label} {s.shape} is not "
                    "one of them"
                )
        if self.flips:
            quantities = [_transposed_line(q) for q in quantities]
        if "σ′" in self.notation.letters:
            quantities = [self._with_slope(q) for q in quantities]
        if "m∂" in self.notation.letters:
            quantities = [self._of_loss(q) for q in quantities]
        return self._inserted(quantities) if self.notation.written_out else quantities

    def _layer(self, s: Symbol) -> tuple[str, int]:
        """The letter and the number of the layer; X is A of layer 0."""
        found = _NAME.fullmatch(s.label)
        if found is None or found[3] == "Y":
            return "Y", 0
        return ("A", 0) if found[3] else (found[1], int(found[2]))

    def _with_slope(self, q: Quantity) -> Quantity:
        """∂C/∂Z = ∂C/∂A ∘ σ′(Z), with a note of what σ′(Z) is."""
        letter, layer = self._layer(q.symbol)
        is_last = layer == self.layers
        if q.symbol.kind != "gradient" or letter != "Z" or (self.notation.written_out and is_last):
            return q
        arriving = next((s for s in symbols(q.rhs) if s.kind == "gradient"), None)
        rest = without(q.rhs, arriving) if arriving else None
        if arriving is None or rest is None or self._layer(arriving) != ("A", layer):
            return q
        own = is_last and "last σ′" in self.notation.letters
        slope = replace(q.symbol, kind="last slope" if own else "slope")
        pair = (arriving, Named(slope, rest))
        rhs = elementwise(np.multiply, *(pair[::-1] if self.notation.slope_first else pair))
        return replace(q, rhs=rhs, note=(*q.note, *(("; ",) if q.note else ()), slope, " = ", rest))

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

    def value(self, s: Symbol, point: int) -> Any:
        of_loss = s.kind == "loss"
        own = replace(s, kind="gradient" if of_loss else s.kind, flipped=False)
        value = self.tape.value(own, point) * (self.samples if of_loss else 1)
        return value.T if s.flipped else value

    def style(self, latex: bool) -> Style:
        def letters(s: Symbol, latex: bool) -> tuple[str, int]:
            if not _NAME.fullmatch(s.label):  # the cost, or a function
                return self.names(s, latex)
            return self.notation.letter(s.kind, *self._layer(s), latex)

        sizes = {self.samples: self.notation.count}
        return Style(latex, self.notation, letters, self.samples, sizes=sizes)


def _transposed_line(q: Quantity) -> Quantity:
    """The line for samples as rows where it was for columns, or the other way round."""
    words = {"columns": "rows", "rows": "columns"}

    def turned(sentence: tuple[Part, ...]) -> tuple[Part, ...]:
        return tuple(
            re.sub("columns|rows", lambda m: words[m[0]], p) if isinstance(p, str) else flipped(p)
            for p in sentence
        )

    symbol = replace(q.symbol, shape=q.symbol.shape[::-1], flipped=not q.symbol.flipped)
    return Quantity(symbol, flipped(q.rhs), turned(q.note), tuple(map(turned, q.steps)))


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
