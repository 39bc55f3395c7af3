"""The tape as a table, and the short texts (names, operations, values) that views of it share."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.algebra.notation import LATEX, TEXT, in_latex
from autograd_lite.algebra.reading import Reader, RuleTexts, is_constant
from autograd_lite.algebra.tree import Symbol
from autograd_lite.graph import Step, steps
from autograd_lite.rules import Slot
from autograd_lite.tensor import Tensor

COLUMNS = ("#", "name", "operation", "inputs", "shape", "value", "gradient")


def tape(J: Tensor, most: int = 60) -> Tape:
    """The tape of J as a table: a row for each step, in order, each after its inputs.

    J: any Tensor. most: at most this many rows are shown, the first and the last; a line says how
    many are left out. A gradient stands where one is kept: at leaves after `J.backward()`, and at
    every tensor after `J.backward(retain_grads=True)`. The result shows itself in a notebook.

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

    rows: what is shown, as tuples of text in the order of the columns; None for the gap.
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
                operation=f"{called(s)} = {formula(s)}" if s.label else formula(s),
                output=called(s),
                input=called(x),
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
        """The gradient's only if one is kept."""
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
    """A rule as it ran in a backward pass, for the sake of one input of one operation.

    operation: what was computed, as in `A1 = tanh(Z1)`. output, input: its result and the input, by
    name or formula. rule: the gradient of the input by g, the gradient that arrives at the result,
    as text; latex: the same as a line, ∂J/∂Z1 = g ∘ …. value: the input's. arriving: the value of
    g. gradient: what the rule gives, broadcasting undone; it is added to what other rules gave.
    """

    operation: str
    output: str
    input: str
    rule: str
    latex: str
    value: np.ndarray
    arriving: np.ndarray
    gradient: np.ndarray


def formula(step: Step, latex: bool = False) -> str:
    """What a step computes, by the names of its inputs, or `%3` for one that is a longer story."""

    def nameless(x: Any) -> bool:
        return isinstance(x, Step) and x.label is None and not is_constant(x)

    def symbol(s: Step) -> Symbol | None:
        short_story = s.op is not None and not any(map(nameless, s.inputs))
        return None if (nameless(s) and short_story) or is_constant(s) else _symbol(s)

    return (LATEX if latex else TEXT)(Reader(symbol)(step) if step.op else _symbol(step))


def called(step: Step, latex: bool = False) -> str:
    """The name of a step, or what it computes."""
    return (LATEX if latex else TEXT)(_symbol(step)) if step.label else formula(step, latex)


def _symbol(step: Step) -> Symbol:
    return Symbol("value", step.label or f"%{step.number}", step.number, step.shape)


def _below(step: Step) -> str:
    """A step as it stands below the line of a derivative, in LaTeX."""
    return called(step, latex=True) if step.label else f"({called(step, latex=True)})"


def _with_g(rule: str | None, times: str) -> str:
    """A rule that may begin with `∘ …`, for g ∘ …"""
    return f"g {rule}" if rule and rule.startswith(times) else rule or "g"


def row(step: Step) -> tuple[str, ...]:
    """The cells of one step."""
    return (
        f"%{step.number}",
        clean(step.label or ""),
        " ".join([clean(step.name), *settings(step)]),
        ", ".join(f"%{x.number}" if isinstance(x, Step) else number(x) for x in step.inputs),
        str(step.shape),
        short(step.value),
        "" if step.tensor.grad is None else short(step.tensor.grad),
    )


def settings(step: Step) -> list[str]:
    """The static arguments that the shapes do not already tell, as `axis=(0,)`."""
    ndim = step.inputs[0].value.ndim if step.inputs and isinstance(step.inputs[0], Step) else 0
    shown = []
    for key, value in step.static.items():
        every_axis = key in ("axis", "axes") and np.size(value) == ndim <= 2
        if not (key in ("keepdims", "shape") or every_axis):
            shown.append(f"{key}={plain(value)}")
    return shown


def plain(value: Any) -> str:
    """A static argument as text that is the same in every run (no memory address)."""
    if isinstance(value, tuple):
        return "(" + ", ".join(plain(v) for v in value) + ("," if len(value) == 1 else "") + ")"
    if isinstance(value, slice):
        parts = ("" if v is None else plain(v) for v in (value.start, value.stop))
        return ":".join(parts) + ("" if value.step is None else f":{plain(value.step)}")
    if isinstance(value, np.ndarray):
        return short(value)
    if isinstance(value, Slot):  # an index that is an input
        return "·"
    if value is None or value is Ellipsis or isinstance(value, bool | int | float | str | np.dtype):
        return clean(str(value) if not isinstance(value, str) else repr(value))
    return f"<{type(value).__name__}>"


def number(x: Any, digits: int = 4) -> str:
    """A number with at most so many significant digits, `1`, `0.1234` or `1.234e-05`; no -0."""
    return f"{x + 0.0:.{digits}g}" if isinstance(x, float | np.floating) else str(x)


def short(array: np.ndarray, most: int = 4, digits: int = 4) -> str:
    """The elements one after the other; the first three only, where there are more than `most`.

    >>> short(np.array(0.5)), short(np.eye(2)), short(np.arange(9.0) / 7)
    ('0.5', '[1, 0, 0, 1]', '[0, 0.1429, 0.2857, …]')
    """
    if array.ndim == 0:
        return number(array[()], digits)
    first = array.flat if array.size <= most else array.flat[:3]
    shown = [number(x, digits) for x in first]
    return "[" + ", ".join(shown if array.size <= most else [*shown, "…"]) + "]"


def clean(text: Any, longest: int = 40) -> str:
    """The text on one line, printable, and cut where it is longer than `longest`."""
    one = " ".join(str(text)[: 8 * longest].split())
    one = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in one)
    return one if len(one) <= longest else one[: longest - 1] + "…"
