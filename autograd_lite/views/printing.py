"""The tape as a printable table, a row for each step; its passes step by step, with numbers."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autograd_lite import terminal
from autograd_lite.algebra.evaluation import evaluate
from autograd_lite.algebra.notation import TEXT, in_latex
from autograd_lite.algebra.reading import RuleTexts
from autograd_lite.algebra.tree import Apply, Expression, symbols
from autograd_lite.graph import Step, Steps, steps
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
        runs = []
        for s in reversed(recorded.steps):
            for k, x in enumerate(s.inputs):
                rule = texts.expression(s, k)
                if rule is None or not isinstance(x, Step):
                    continue
                sign, parts = _factors_of(rule)
                runs.append(
                    RuleRun(
                        operation=_equation(s),
                        output=name_or_formula(s),
                        input=name_or_formula(x),
                        rule=_with_g(texts(s, k), "∘"),
                        latex=rf"\frac{{\partial {top}}}{{\partial {_below_in_latex(x)}}} = "
                        + _with_g(latex(s, k), r"\circ"),
                        value=x.value,
                        result=f"∂J/∂{_below(name_or_formula(x))}",
                        operands=_with_values(parts, recorded, _below(name_or_formula(s))),
                        sign=sign,
                        arriving=recorded.gradients[s.number].value,
                        gradient=recorded.contributions[s.number, k].value,
                    )
                )
        return runs

    def forward(self) -> list[OperationRun]:
        """The operations of the forward pass, in the order in which they ran.

        >>> W = Tensor([[1.0, 2.0]], requires_grad=True, name="W")
        >>> for run in tape((np.tanh(3 * W) @ W.T).named("z")).forward():
        ...     print(run.operation, "|", *(operand.text for operand in run.operands))
        3 W | 3 W
        tanh(3 W) | 3 W
        Wᵀ | W
        z = ‹%2› Wᵀ | tanh(3 W) Wᵀ
        """
        return [
            OperationRun(
                operation=_equation(s),
                latex=_equation(s, latex=True),
                output=name_or_formula(s),
                operands=tuple(map(_operand, s.inputs)),
                sign=_PRODUCTS.get(s.op, ""),
                value=s.value,
            )
            for s in steps(self.J).steps
            if s.op
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
        shown = [[r[k] for k in self._columns] for r in self.rows if r]
        lines = terminal.table([COLUMNS[k] for k in self._columns], shown, right=1)
        if None in self.rows:
            lines.insert(self.rows.index(None) + len(lines) - len(shown), self._gap)
        return terminal.wrapped_lines(lines)

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
class Operand:
    """What goes into an operation or a rule: its text, its value, and where that comes from."""

    text: str
    value: np.ndarray
    source: str


@dataclass(frozen=True, eq=False)
class OperationRun:
    """One operation of a forward pass, with its numbers.

    operation: as a formula, `Z1 = W1 X + b1`; latex: the same. output: its name or formula. sign:
    of a product, `·` of matrices and `∘` by element.
    """

    operation: str
    latex: str
    output: str
    operands: tuple[Operand, ...]
    sign: str
    value: np.ndarray


@dataclass(frozen=True, eq=False)
class RuleRun:
    """One rule of a backward pass, with its numbers: the gradient of one input of one operation.

    operation: the operation as a formula, `A1 = tanh(Z1)`. output, input: its result and the input,
    by name or formula. rule: the gradient of the input in terms of g, the gradient that arrives at
    the output, as text; latex: the same as an equation, ∂J/∂Z1 = g ∘ …; result: its left side as
    text. value: the input's value. operands: the two factors of a rule that is a product, with its
    sign, `·` of matrices and `∘` by element; else what the rule names. arriving: the value of g.
    gradient: the result of the rule, broadcasting undone; the gradient of the input is the sum of
    these over all its uses.
    """

    operation: str
    output: str
    input: str
    rule: str
    latex: str
    result: str
    value: np.ndarray
    operands: tuple[Operand, ...]
    sign: str
    arriving: np.ndarray
    gradient: np.ndarray


def _below(name: str) -> str:
    """A name or a formula as the denominator of a derivative: a formula is in brackets.

    >>> _below("W1"), _below("W1 X")
    ('W1', '(W1 X)')
    """
    return f"({name})" if " " in name else name


def _equation(step: Step, latex: bool = False) -> str:
    """What a step computes, `Z1 = W1 X + b1`."""
    name = f"{name_or_formula(step, latex)} = " if step.label else ""
    return name + step_formula(step, latex)


def _operand(x: Step | float) -> Operand:
    """An input of an operation, as it is named there."""
    if not isinstance(x, Step):
        return Operand(number_text(x), np.asarray(x), "")
    return Operand(name_or_formula(x), x.value, _source(x))


def _source(step: Step) -> str:
    """Where the value of a step of the forward pass comes from."""
    if step.op is None:
        return "a parameter" if step.tensor.requires_grad else "given"
    return f"from {_equation(step)}" if step.label else "from an operation before"


_PRODUCTS = {np.matmul: "·", np.dot: "·", np.multiply: "∘"}


def _factors_of(rule: Expression) -> tuple[str, list[Expression]]:
    """The sign and the two factors of a rule that is a product, or everything that it names."""
    if isinstance(rule, Apply) and rule.op in _PRODUCTS:
        return _PRODUCTS[rule.op], list(rule.arguments)
    return "", list(dict.fromkeys(symbols(rule)))


def _with_values(parts: Sequence[Expression], recorded: Steps, output: str) -> tuple[Operand, ...]:
    """The parts of a rule with their values. output: what g is the gradient of."""
    operands = []
    for part in parts:
        named = [recorded[s.number] for s in symbols(part)]
        said = [f"from ∂J/∂{output}" if s.is_gradient else _source(s) for s in named]
        value = evaluate(part, lambda s: recorded[s.number].value)
        operands.append(Operand(TEXT(part), np.asarray(value), ", ".join(dict.fromkeys(said))))
    return tuple(operands)


def _below_in_latex(step: Step) -> str:
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
