"""The tape as a printable table, a row for each step, and its backward pass rule by rule."""

from __future__ import annotations

import html
from dataclasses import dataclass

import numpy as np

from autograd_lite.algebra.notation import in_latex
from autograd_lite.algebra.reading import RuleTexts
from autograd_lite.graph import Step, steps
from autograd_lite.tensor import Tensor
from autograd_lite.views.texts import (
    clean,
    name_or_formula,
    number_text,
    settings,
    short,
    step_formula,
)

COLUMNS = ("#", "name", "operation", "inputs", "shape", "value", "gradient")


def tape(J: Tensor, most: int = 60) -> Tape:
    """The tape of J as a table: a row for each step, in order, each after its inputs.

    J: any Tensor. most: how many rows to show; a longer tape shows its first and last rows, and a
    line says how many are left out. Gradients are shown where they are kept: at leaves after
    `J.backward()`, and at every tensor after `J.backward(retain_grads=True)`. The result shows
    itself in a notebook.

    >>> W = Tensor([[1.0, 2.0]], requires_grad=True, name="W")
    >>> J = np.sum((2 * W).named("Z")).named("J")
    >>> J.backward()
    >>> print(tape(J))
     #  name  operation  inputs  shape   value   gradient
    %0  W     leaf               (1, 2)  [1, 2]  [2, 2]
    %1  Z     multiply   2, %0   (1, 2)  [2, 4]
    %2        sum        %1      (1, 1)  [6]
    %3  J     reshape    %2      ()      6
    """
    if not isinstance(J, Tensor):
        raise TypeError(f"a tape belongs to a Tensor, not to {type(J).__name__}")
    if most < 2:
        raise ValueError(f"most={most}: a tape is shown in 2 rows or more")
    return Tape(steps(J).steps, most)


class Tape:
    """The table that `ag.tape` returns: `print` it, or let a notebook show it.

    rows: the rows shown, tuples of text in the order of COLUMNS; None marks the gap.
    """

    def __init__(self, recorded: list[Step], most: int = 60) -> None:
        self.J = recorded[-1].tensor
        self.length = len(recorded)
        self.left_out = max(len(recorded) - most, 0)
        head = most // 2 if self.left_out else len(recorded)
        self.rows: list[tuple[str, ...] | None] = [row(s) for s in recorded[:head]]
        if self.left_out:
            self.rows.append(None)
            self.rows.extend(row(s) for s in recorded[head + self.left_out :])

    def __len__(self) -> int:
        return self.length

    def backward(self) -> list[RuleRun]:
        """The rules of J's backward pass in the order in which they run, from J to the leaves.

        J is a scalar, as for `J.backward()`; ValueError otherwise.

        >>> W = Tensor([[1.0, 2.0]], requires_grad=True, name="W")
        >>> Z = (3 * W).named("Z")
        >>> for run in tape(np.sum(Z * Z).named("J")).backward()[-2:]:
        ...     print(f"{run.operation}: the gradient of {run.input} is {run.rule}", run.gradient)
        Z ∘ Z: the gradient of Z is g ∘ Z [[3. 6.]]
        Z = 3 W: the gradient of W is 3 g [[18. 36.]]
        """
        leaves = [s.tensor for s in steps(self.J) if s.op is None and s.tensor.requires_grad]
        recorded = steps(self.J, leaves)
        texts, latex = RuleTexts(recorded), RuleTexts(recorded, latex=True)
        top = in_latex(recorded.cost.label or "J")
        return [
            RuleRun(
                operation=(f"{name_or_formula(s)} = " if s.label else "") + step_formula(s),
                output=name_or_formula(s),
                input=name_or_formula(x),
                rule=_with_g(texts(s, k), "∘"),
                latex=rf"\frac{{\partial {top}}}{{\partial {_below(x)}}} = "
                + _with_g(latex(s, k), r"\circ"),
                value=x.value,
                arriving=recorded.gradients[s.number].value,
                gradient=recorded.contributions[s.number, k].value,
            )
            for s in reversed(recorded.steps)
            for k, x in enumerate(s.inputs)
            if (s.number, k) in recorded.contributions
        ]

    @property
    def _gap(self) -> str:
        return f"… {self.left_out} of {self.length} rows are left out: tape(J, most={self.length})"

    @property
    def _columns(self) -> list[int]:
        """The columns to show: that of the gradients only if one is kept."""
        kept = any(r[-1] for r in self.rows if r)
        return list(range(len(COLUMNS) if kept else len(COLUMNS) - 1))

    def __str__(self) -> str:
        shown = [COLUMNS, *(r for r in self.rows if r)]
        width = {k: max(len(r[k]) for r in shown) for k in self._columns}
        lines = []
        for r in (COLUMNS, *self.rows):
            if r is None:
                lines.append(self._gap)
                continue
            cells = [r[k].ljust(width[k]) if k else r[k].rjust(width[k]) for k in self._columns]
            lines.append("  ".join(cells).rstrip())
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        style = 'style="text-align:left"'
        head = "".join(f"<th {style}>{html.escape(COLUMNS[k])}</th>" for k in self._columns)
        lines = [f"<table><thead><tr>{head}</tr></thead><tbody>"]
        for r in self.rows:
            if r is None:
                span = len(self._columns)
                lines.append(f'<tr><td colspan="{span}" {style}>{html.escape(self._gap)}</td></tr>')
                continue
            cells = "".join(f"<td {style}>{html.escape(r[k])}</td>" for k in self._columns)
            lines.append(f"<tr>{cells}</tr>")
        return "\n".join([*lines, "</tbody></table>"])


@dataclass(frozen=True, eq=False)
class RuleRun:
    """One rule of a backward pass, with its numbers: the gradient of one input of one operation.

    operation: the operation as a formula, `A1 = tanh(Z1)`. output, input: its result and the input,
    by name or formula. rule: the gradient of the input in terms of g, the gradient that arrives at
    the output, as text; latex: the same as an equation, ∂J/∂Z1 = g ∘ …. value: the input's value.
    arriving: the value of g. gradient: the result of the rule, broadcasting undone; the gradient of
    the input is the sum of these over all its uses.
    """

    operation: str
    output: str
    input: str
    rule: str
    latex: str
    value: np.ndarray
    arriving: np.ndarray
    gradient: np.ndarray


def _below(step: Step) -> str:
    """A step in LaTeX as the denominator of a derivative: in brackets if it is a formula."""
    text = name_or_formula(step, latex=True)
    return text if step.label else f"({text})"


def _with_g(rule: str | None, times: str) -> str:
    """The text of a rule with the g in front that `∘ …` leaves out."""
    return f"g {rule}" if rule and rule.startswith(times) else rule or "g"


def row(step: Step) -> tuple[str, ...]:
    """The cells of one step."""
    return (
        f"%{step.number}",
        clean(step.label or ""),
        " ".join([clean(step.name), *settings(step)]),
        ", ".join(f"%{x.number}" if isinstance(x, Step) else number_text(x) for x in step.inputs),
        str(step.shape),
        short(step.value),
        "" if step.tensor.grad is None else short(step.tensor.grad),
    )
