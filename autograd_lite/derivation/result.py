"""What a derivation is: its lines, and the closed form for each tensor that was asked for."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.derivation.closed import ClosedForm

MOST = 200  # lines that are printed; of more, the first and the last


@dataclass(frozen=True)
class Line:
    """One line of a derivation: `lhs = rhs`.

    shape: of both sides. note: what to know about it. error: the largest deviation of the printed
    expression from the tape, relative to the tape's largest value, over both points. latex: the
    line in LaTeX. steps: how it came about. kind: whether the left side is a `gradient`, a large
    `part` of one, or the `value` of a tensor.
    """

    lhs: str
    rhs: str
    shape: tuple[int, ...]
    note: str
    error: float
    latex: str
    steps: tuple[str, ...] = ()
    kind: str = "gradient"

    def __str__(self) -> str:
        return f"{self.lhs} = {self.rhs}"


class Derivation:
    """The `lines` of a derivation, from the cost down; a notebook shows it typeset.

    forms: by the name of each tensor that was asked for, its derivative as one closed formula.
    Where one was asked for, `formula`, `source` and calls are those of its form.
    """

    def __init__(
        self,
        lines: Callable[[], list[Line]],
        header: str = "",
        latex: Sequence[str] = (),
        forms: Callable[[], dict[str, ClosedForm]] = dict,
    ) -> None:
        self._lines = lines
        self.header = header
        self._latex = latex  # each line with its shape, note and steps
        self._forms = forms

    @functools.cached_property
    def lines(self) -> list[Line]:
        """The lines, from the cost down; of a formula, the steps to the gradients of a scalar."""
        return self._lines()

    @functools.cached_property
    def forms(self) -> dict[str, ClosedForm]:
        """The closed forms, by name; found when they are first asked for."""
        return self._forms()

    def _form(self) -> ClosedForm:
        if len(self.forms) != 1:
            raise ValueError(f"there are {len(self.forms)} closed forms: see .forms[name]")
        return next(iter(self.forms.values()))

    @property
    def formula(self) -> str:
        """The closed form as one line of text: `(A + Aᵀ) x`."""
        return self._form().formula

    @property
    def shape(self) -> tuple[Any, ...]:
        """The shape of the closed form's value."""
        return self._form().shape

    @property
    def source(self) -> str:
        """A NumPy function of the closed form's letters."""
        return self._form().source

    def __call__(self, **values: Any) -> np.ndarray:
        """The closed form's value at these values of its letters."""
        return self._form()(**values)

    def __str__(self) -> str:
        width = max([41, *(_width(str(line)) + 2 for line in self.lines)])
        shapes = max([0, *(len(str(line.shape)) for line in self.lines)]) + 3
        text = []
        for line in self.lines:
            equation = str(line) + " " * (width - _width(str(line)))
            text.append(f"{equation}{line.shape!s:{shapes}}{line.note}".rstrip())
            text[-1] += "".join(f"\n    {step}" for step in line.steps)
        more = f"… {len(text) - MOST} more lines: see .lines"
        return "\n".join([*filter(None, [self.header]), *folded(text, more)])

    __repr__ = __str__

    def latex(self) -> str:
        """The lines as an `aligned` environment, for LaTeX's math mode."""
        rows = folded(self._latex, r"&\ldots")
        return "\\begin{aligned}\n" + " \\\\[4pt]\n".join(rows) + "\n\\end{aligned}"

    def _repr_latex_(self) -> str:
        return f"$$\n{self.latex()}\n$$"


def folded(lines: Sequence[str], more: str) -> list[str]:
    """The lines; of more than MOST, the first and the last, with `more` between them."""
    if len(lines) <= MOST:
        return list(lines)
    return [*lines[: MOST // 2], more, *lines[-MOST // 2 :]]


def _width(text: str) -> int:
    """How many columns a text takes: an arrow over a letter takes none."""
    return sum(not unicodedata.combining(c) for c in text)


class FormulaDerivation(Derivation):
    """The derivation of a formula that was given as text; printed, it is a note to be checked.

    note: its declarations and definitions. remarks: how it was read. shapes: those of its letters.
    lines: the steps, where it is a scalar. meanings: what a note says of the signs in a text.
    """

    def __init__(
        self,
        note: Sequence[str],
        remarks: Sequence[str],
        shapes: Mapping[str, tuple[Any, ...]],
        lines: Callable[[], list[Line]],
        forms: Callable[[], dict[str, ClosedForm]],
        steps: bool,
        meanings: Callable[[str], list[str]],
    ) -> None:
        super().__init__(lines, forms=forms)
        self.note, self.remarks, self.shapes = list(note), list(remarks), dict(shapes)
        self.steps, self.meanings = steps, meanings

    def __str__(self) -> str:
        *before, formula = self.note
        lines = self.lines if self.steps else []
        names = [str(line) for line in lines if line.kind == "value"]  # in which J is written
        slopes = [str(line) for line in lines if line.kind != "value"]
        said = [*names, formula, *slopes, *(form.statement for form in self.forms.values())]
        return "\n".join([*before, *self.meanings("\n".join(said)), *said])

    __repr__ = __str__

    def latex(self) -> str:
        """The closed form in LaTeX; where there are several, with what each is, in `aligned`."""
        forms = list(self.forms.values())
        if len(forms) == 1:
            return forms[0].latex()
        rows = " \\\\[4pt]\n".join(f"{form.lhs[1]} &= {form.latex()}" for form in forms)
        return f"\\begin{{aligned}}\n{rows}\n\\end{{aligned}}"
