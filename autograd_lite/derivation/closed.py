"""Closed forms: a recorded derivative, read as one expression of the tensors that have names.

A gradient is a part of the recorded graph. Read down to the letters, brought into matrix form and
shortened, it is what a person would write. A Jacobian is read off the gradient for any v that
arrives, which is linear in v; so is the Hessian, off the gradient of the gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.algebra.evaluation import evaluate
from autograd_lite.algebra.linear import pulled_out
from autograd_lite.algebra.matrices import (
    ZERO,
    NoMatrix,
    identity_matrix,
    is_op,
    matrix_shape,
    repeats,
    transposition,
)
from autograd_lite.algebra.matrix_form import in_matrices
from autograd_lite.algebra.notation import Style
from autograd_lite.algebra.reading import Reader
from autograd_lite.algebra.shortening import Shortener
from autograd_lite.algebra.tree import Expression, Part, Symbol, symbols
from autograd_lite.derivation.named_tape import NamedTape, is_data
from autograd_lite.derivation.naming import Names, with_names
from autograd_lite.graph import Step

DIRECTION = "V"


@dataclass(frozen=True)
class ClosedForm:
    """A derivative as one formula.

    expression: in matrix form; names: what letters in it stand for, `where …`. conditions: what was
    assumed of the data. error: its largest deviation from the tape, relative to the largest value.
    """

    lhs: tuple[str, str]  # as text, and in LaTeX
    expression: Expression
    names: Names
    conditions: tuple[tuple[Part, ...], ...]
    error: float
    text_style: Style
    latex_style: Style

    def written(self, latex: bool) -> str:
        """The formula, with what its letters stand for."""
        style = self.latex_style if latex else self.text_style
        where = [f"{style(name)} = {style(meaning)}" for name, meaning in self.names]
        joint = r" \quad\text{where } " if latex else "   where "
        return style(self.expression) + (joint + ", ".join(where) if where else "")

    @property
    def formula(self) -> str:
        """As one line of text: `Xᵀ (p − y)   where p = σ(X w)`."""
        return self.written(latex=False)

    def latex(self) -> str:
        """As LaTeX, for its math mode."""
        return self.written(latex=True)

    def __str__(self) -> str:
        return f"{self.lhs[0]} = {self.formula}"


def read(tape: NamedTape, step: Step) -> Expression:
    """A step as one expression of the tensors that have names, in matrix form."""

    def letter(s: Step) -> Expression | None:
        if s.op is None and not s.label and _is_identity(s.value):
            return identity_matrix(len(s.value))
        if s.number in tape.known:
            return tape.known[s.number]
        given = s.op is not None and (s.is_gradient or s.number in tape.given)
        return None if given or s.number not in tape.labels else tape.symbol(s.number)

    return in_matrices(Reader(letter, tape.inactive)(step))


def _is_identity(a: np.ndarray) -> bool:
    return a.ndim == 2 and len(a) > 1 and np.array_equal(a, np.eye(len(a)))


def gradient_form(
    tape: NamedTape, number: int, lhs: tuple[str, str], styles: tuple[Style, Style]
) -> ClosedForm:
    """The closed form of the gradient by the forward step with this number."""
    step = tape.recorded.gradients[number]
    shape = matrix_shape(step.shape)
    return _form(tape, read(tape, step), lambda e, point: np.reshape(e, shape), step, lhs, styles)


def linear_form(
    tape: NamedTape, number: int, v: Symbol, lhs: tuple[str, str], styles: tuple[Style, Style]
) -> ClosedForm:
    """The matrix M where the gradient by the step with this number is M v; its transpose is ∂y/∂x.

    Raises NoMatrix where there is none.
    """
    step = tape.recorded.gradients[number]
    matrix = pulled_out(read(tape, step), v)

    return _form(tape, transposition(matrix), None, step, lhs, styles, v)


def _form(
    tape: NamedTape,
    raw: Expression,
    arranged: Any,
    step: Step,
    lhs: tuple[str, str],
    styles: tuple[Style, Style],
    v: Symbol | None = None,
) -> ClosedForm:
    """The shortest form that has the tape's values at both points."""
    taken = {s.label for s in symbols(raw)} | {*tape.labels.values()}
    errors: list[ArithmeticError] = []
    for e, names, conditions in _candidates(tape, raw, taken):
        try:
            error = max(_deviation(tape, e, names, step, v, point) for point in range(2))
        except ArithmeticError as problem:
            errors.append(problem)
            continue
        return ClosedForm(lhs, e, names, conditions, error, *styles)
    raise ArithmeticError(f"no closed form of {lhs[0]} has the values of the tape") from errors[-1]


def _candidates(
    tape: NamedTape, raw: Expression, taken: Collection[str]
) -> Iterator[tuple[Expression, Names, tuple[Any, ...]]]:
    conditions: dict[tuple[Part, ...], None] = {}

    def is_one(e: Expression) -> bool:
        condition = _condition(tape, e)
        if condition is not None:
            conditions[condition] = None
        return condition is not None

    short = Shortener(is_one)(raw)
    yield *with_names(short, taken), tuple(conditions)
    yield short, [], tuple(conditions)
    yield Shortener()(raw), [], ()
    yield raw, [], ()


def _condition(tape: NamedTape, e: Expression) -> tuple[Part, ...] | None:
    """What is assumed where a sum of data is taken to be 1, as it is on this tape."""
    inside = symbols(e)
    if not (is_op(e, np.dot) and len(inside) == 1 and inside[0].kind == "value"):
        return None
    (data,) = inside
    if not is_data(tape.recorded[data.number]):
        return None
    if not np.allclose(evaluate(e, _values(tape, 0)), 1, rtol=0, atol=1e-6):
        return None
    rows = e.shape[1] == 1
    return f"the {'rows' if rows else 'columns'} of ", data, " sum to 1"


def _values(tape: NamedTape, point: int, names: Names = []) -> Callable[[Symbol], Any]:
    meanings = dict(names)

    def value(s: Symbol) -> Any:
        if s in meanings:
            return evaluate(meanings[s], value)
        return np.reshape(tape.points[point][s.number], s.shape)

    return value


def _deviation(
    tape: NamedTape, e: Expression, names: Names, step: Step, v: Symbol | None, point: int
) -> float:
    """How far the value of a form is from the tape's; ArithmeticError if it is another."""
    expected = tape.points[point][step.number].reshape(matrix_shape(step.shape))
    with np.errstate(all="ignore"):
        found = np.asarray(evaluate(e, _values(tape, point, names)))
        if v is not None:
            arriving = np.reshape(tape.points[point][v.number], v.shape)
            found = np.transpose(found) @ arriving if found.ndim else found * arriving
    if e != ZERO and found.shape != expected.shape:
        raise ArithmeticError(f"shapes {found.shape} and {expected.shape}")
    scale = float(np.max(np.abs(expected), initial=0))
    error = float(np.max(np.abs(found - expected), initial=0))
    eps = float(np.finfo(expected.dtype).eps)
    if not error <= eps**0.5 * scale + 1e3 * eps:
        raise ArithmeticError(f"it differs by {error:.1e} where the largest value is {scale:.1e}")
    return error / scale if scale else error
