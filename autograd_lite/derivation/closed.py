"""Closed forms: a recorded derivative, read as one expression of the tensors that have names.

A gradient is a part of the recorded graph. Read down to the letters, brought into matrix form and
shortened, it is what a person would write. A Jacobian is read off the gradient for any v that
arrives, which is linear in v; so is the Hessian, off the gradient of the gradient.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.algebra.evaluation import evaluate
from autograd_lite.algebra.linear import pulled_out
from autograd_lite.algebra.matrices import (
    ZERO,
    identity_matrix,
    is_op,
    matrix_shape,
    transposition,
)
from autograd_lite.algebra.matrix_form import in_matrices
from autograd_lite.algebra.notation import Notation, Style, in_latex, letters_of
from autograd_lite.algebra.reading import Reader
from autograd_lite.algebra.shortening import Shortener
from autograd_lite.algebra.tree import Expression, Part, Symbol, symbols
from autograd_lite.derivation.named_tape import NamedTape, is_data
from autograd_lite.derivation.naming import Names, with_names
from autograd_lite.derivation.source import function_source, identifier
from autograd_lite.errors import described
from autograd_lite.graph import Step
from autograd_lite.graph import steps as record
from autograd_lite.tensor import Tensor, tracing
from autograd_lite.walk import by_needs, gradients, reachable


@dataclass(frozen=True)
class ClosedForm:
    """A derivative as one formula, that can be called.

    kind: `gradient`, `hessian`, `jacobian`, or a `product` with a direction. expression: in matrix
    form; names: what letters in it stand for, `where …`. inputs: its letters. shape: of what it
    gives. conditions: what was assumed of the data, in words. error: its largest deviation from the
    tape, relative to the largest value.
    """

    kind: str
    lhs: tuple[str, str]  # as text, and in LaTeX
    expression: Expression
    names: Names
    inputs: tuple[Symbol, ...]
    shape: tuple[Any, ...]
    conditions: tuple[str, ...]
    error: float
    styles: tuple[Style, Style]  # as text, and in LaTeX

    def _written(self, latex: bool) -> str:
        style = self.styles[latex]
        where = [f"{style(name)} = {style(meaning)}" for name, meaning in self.names]
        joint = r" \quad\text{where } " if latex else "   where "
        return style(self.expression) + (joint + ", ".join(where) if where else "")

    @property
    def formula(self) -> str:
        """As one line of text: `Xᵀ (p − y)   where p = σ(X w)`."""
        return self._written(latex=False)

    def latex(self) -> str:
        """As LaTeX, for its math mode."""
        return self._written(latex=True)

    def __str__(self) -> str:
        return f"{self.lhs[0]} = {self.formula}"

    @property
    def source(self) -> str:
        """A function of the formula's letters that gives the value, in NumPy."""
        return self.source_in("numpy")

    def source_in(self, library: str) -> str:
        """The same for `numpy`, `torch` or `jax`. Vectors are 1-d arrays."""
        return function_source(self.expression, self.names, self.inputs, self.kind, library)

    def __call__(self, **values: Any) -> np.ndarray:
        """The value at these values of the letters; TypeError where one is missing or unknown."""
        letters = {s.label: identifier(s.label) for s in self.inputs}
        if values.keys() != letters.keys():
            raise TypeError(f"{self.kind}({', '.join(letters)}) was given {', '.join(values)}")
        namespace: dict[str, Any] = {}
        exec(self.source, namespace)
        arrays = {letters[k]: np.asarray(x, dtype=float) for k, x in values.items()}
        return np.asarray(namespace[self.kind](**arrays))


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


def gradient_form(tape: NamedTape, x: Step, style: Callable[[bool], Style]) -> ClosedForm:
    """The closed form of the gradient by x."""
    step = tape.recorded.gradients[x.number]
    lhs = _both(style, tape.symbol(x.number, "gradient"))
    return _form(tape, "gradient", read(tape, step), step, lhs, style)


def _both(style: Callable[[bool], Style], symbol: Symbol) -> tuple[str, str]:
    return style(False)(symbol), style(True)(symbol)


def _form(
    tape: NamedTape,
    kind: str,
    raw: Expression,
    step: Step,
    lhs: tuple[str, str],
    style: Callable[[bool], Style],
    v: Symbol | None = None,
) -> ClosedForm:
    """The shortest form that has the tape's values at both points; its transpose times v, if given.

    Raises ArithmeticError where none has.
    """
    taken = {s.label for s in symbols(raw)} | {*tape.labels.values()}
    problem: ArithmeticError | None = None
    for e, names, conditions in _candidates(tape, raw, taken):
        try:
            error = max(_deviation(tape, e, names, step, v, point) for point in range(2))
        except ArithmeticError as found:
            problem = found
            continue
        inside = [s for part in (*[m for _, m in names], e) for s in symbols(part)]
        inputs = sorted({s for s in inside if s.kind == "value"}, key=lambda s: s.number)
        shape = step.shape if v is None else (*tape.recorded.cost.shape, *step.shape)
        said = tuple(
            "".join(p if isinstance(p, str) else style(False)(p) for p in c) for c in conditions
        )
        styles = style(False), style(True)
        return ClosedForm(kind, lhs, e, names, tuple(inputs), shape, said, error, styles)
    raise ArithmeticError(f"no closed form of {lhs[0]} has the values of the tape") from problem


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
    if not np.allclose(evaluate(e, _value_of(tape, 0, [])), 1, rtol=0, atol=1e-6):
        return None
    rows = e.shape[1] == 1
    return f"the {'rows' if rows else 'columns'} of ", data, " sum to 1"


def _value_of(tape: NamedTape, point: int, names: Names) -> Callable[[Symbol], Any]:
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
        found = np.asarray(evaluate(e, _value_of(tape, point, names)))
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


# Jacobians and Hessians


def hessian_form(J: Tensor, x: Tensor, notation: Notation) -> ClosedForm:
    """The Hessian of J by a vector; of a matrix, what the second derivative is in a direction V.

    Raises NoMatrix where it has no matrix form.
    """
    cost, name = J.name or "J", x.name or "x"
    style = functools.partial(Style, notation=notation, letters=letters_of(cost))
    if not _leads_to(J, x):
        raise ValueError(f"{described(x)} is not on the tape of {described(J)}")
    with tracing():
        (slope,) = gradients(J, [x], create_graph=True)
    if len(matrix_shape(x.shape)) < 2 or 1 in matrix_shape(x.shape):
        top, bottom = f"∂²{cost}", f"∂{name}²"
        lhs = (
            f"{top}/{bottom}",
            rf"\frac{{\partial^2 {in_latex(cost)}}}{{\partial {in_latex(name)}^2}}",
        )
        return _linear_form("hessian", slope, x, lhs, style)
    return _product_form(slope, x, (f"d²{cost}", rf"\mathrm{{d}}^2 {in_latex(cost)}"), style)


def jacobian_form(y: Tensor, x: Tensor, notation: Notation) -> ClosedForm:
    """The Jacobian ∂y/∂x of a vector by a vector, or the derivative of y in a direction V of x."""
    label, name = y.name or "y", x.name or "x"
    style = functools.partial(Style, notation=notation)
    if all(len(s) < 2 or 1 in s for s in (matrix_shape(y.shape), matrix_shape(x.shape))):
        lhs = (
            f"∂{label}/∂{name}",
            rf"\frac{{\partial {in_latex(label)}}}{{\partial {in_latex(name)}}}",
        )
        return _linear_form("jacobian", y, x, lhs, style)
    u = Tensor(_arriving(y, 2), requires_grad=True, name="u")
    with tracing():
        (slope,) = gradients(y, [x], gradient=u, create_graph=True)
    return _product_form(slope, u, (f"d{label}", rf"\mathrm{{d}}{in_latex(label)}"), style)


def _linear_form(
    kind: str, y: Tensor, x: Tensor, lhs: tuple[str, str], style: Callable[[bool], Style]
) -> ClosedForm:
    """∂y/∂x, the transpose of the matrix before v in the gradient, for any v that arrives at y."""
    if not _leads_to(y, x):
        return _zero(kind, y, x, lhs, style)
    tape, v = _tape_for_any(y, x, "vudz")
    step = tape.recorded.gradients[tape.recorded.wrt[0].number]
    matrix = transposition(pulled_out(read(tape, step), v))
    return _form(tape, kind, matrix, step, lhs, style, v)


def _product_form(
    y: Tensor, x: Tensor, of: tuple[str, str], style: Callable[[bool], Style]
) -> ClosedForm:
    """The gradient of y by x for a direction V that arrives at y: `d²J[V]`."""
    if not _leads_to(y, x):
        return _zero("product", y, x, (f"{of[0]}[V]", f"{of[1]}[V]"), style)
    tape, v = _tape_for_any(y, x, "VUDZ")
    step = tape.recorded.gradients[tape.recorded.wrt[0].number]
    lhs = f"{of[0]}[{v.label}]", f"{of[1]}[{v.label}]"
    return _form(tape, "product", read(tape, step), step, lhs, style)


def _leads_to(y: Tensor, x: Tensor) -> bool:
    return any(t is x for t in reachable([y], by_needs))


def _zero(
    kind: str, y: Tensor, x: Tensor, lhs: tuple[str, str], style: Callable[[bool], Style]
) -> ClosedForm:
    shape = x.shape if kind == "product" else (*y.shape, *x.shape)
    return ClosedForm(kind, lhs, ZERO, [], (), shape, (), 0.0, (style(False), style(True)))


def _arriving(y: Tensor, rng: int) -> np.ndarray:
    return np.random.default_rng(rng).standard_normal(y.shape).astype(y.dtype)


def _tape_for_any(y: Tensor, x: Tensor, letters: str) -> tuple[NamedTape, Symbol]:
    """The tape of the gradient of y by x, and the letter for what arrives at y."""
    recorded = record(y, [x], gradient=_arriving(y, 1))
    start = recorded.gradients[recorded.cost.number]
    taken = {s.label for s in recorded}
    start.label = next((c for c in letters if c not in taken), letters[0] + "′")
    tape = NamedTape(recorded)
    return tape, in_matrices(tape.symbol(start.number))  # type: ignore[return-value]
