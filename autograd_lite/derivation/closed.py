"""Closed forms: a recorded derivative, read as one expression of the tensors that have names.

A gradient is a part of the recorded graph. Read down to the letters, brought into matrix form and
shortened, it is what a person would write. A Jacobian is read off the gradient for any v that
arrives, which is linear in v; so is the Hessian, off the gradient of the gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np

from autograd_lite.algebra.evaluation import evaluate
from autograd_lite.algebra.linear import pulled_out
from autograd_lite.algebra.matrices import (
    UNITY,
    ZERO,
    NoMatrix,
    divided_by,
    is_op,
    scaled_by,
    shape_in_matrices,
    times,
    transposition,
)
from autograd_lite.algebra.matrix_form import in_matrices
from autograd_lite.algebra.notation import Style, in_latex
from autograd_lite.algebra.reading import Reader
from autograd_lite.algebra.shortening import Shortener
from autograd_lite.algebra.tree import (
    Apply,
    Expression,
    Number,
    Ones,
    Part,
    Symbol,
    children,
    rebuilt,
    symbols,
)
from autograd_lite.derivation.named_tape import NamedTape, is_data
from autograd_lite.derivation.naming import Meanings, with_names
from autograd_lite.derivation.source import function_source, python_name
from autograd_lite.graph import Step, Steps, replay
from autograd_lite.graph import steps as record
from autograd_lite.tensor import Tensor, tracing
from autograd_lite.walk import by_needs, gradients, reachable

MOST_WRITTEN_OUT = 3_000  # of a closed form before it is shortened
DEEPEST_STEP = 100  # operations one within the other


@dataclass(frozen=True, repr=False)
class ClosedForm:
    """A derivative as one formula, that can be called.

    kind: `gradient`, `hessian`, `jacobian`, or a `product` with a direction. expression: in matrix
    form; names: what letters in it stand for, `where …`. inputs: its letters; others: more letters
    of the tape. sizes: numbers for which letters stand. shape: of what it gives. conditions: what
    was assumed of the data, in words. error: its largest deviation from the tape, relative to the
    largest value.
    """

    kind: str
    lhs: tuple[str, str]  # as text, and in LaTeX
    expression: Expression
    names: Meanings
    inputs: tuple[Symbol, ...]
    others: tuple[Symbol, ...]
    shape: tuple[Any, ...]
    conditions: tuple[str, ...]
    error: float
    styles: tuple[Style, Style]  # as text, and in LaTeX
    sizes: Mapping[str, int] = field(default_factory=dict)
    claim: str = ""  # what a note says it is, with a sign for =

    def written(self, latex: bool) -> str:
        """As one line of text, or as LaTeX."""
        style = self.styles[latex]
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

    __repr__ = __str__

    @property
    def statement(self) -> str:
        """As a note says it."""
        return f"{self.claim or self.lhs[0] + ' ='} {self.formula}"

    @property
    def source(self) -> str:
        """A function of the formula's letters that gives the value, in NumPy."""
        return self.source_in("numpy")

    def source_in(self, library: str) -> str:
        """The same for `numpy`, `torch` or `jax`. Vectors are 1-d arrays."""
        return function_source(
            self.expression, self.names, self.inputs, self.kind, library, self.others, self.sizes
        )

    def __call__(self, **values: Any) -> np.ndarray:
        """The value at these values of the letters; TypeError where one is missing or unknown."""
        namespace: dict[str, Any] = {}
        exec(self.source, namespace)
        function = namespace[self.kind]
        needed = function.__code__.co_varnames[: function.__code__.co_argcount]
        arrays = {python_name(k): np.asarray(x, dtype=float) for k, x in values.items()}
        known = {*needed, *(python_name(s.label) for s in (*self.inputs, *self.others))}
        if not (arrays.keys() <= known and arrays.keys() >= {*needed}):
            raise TypeError(f"{self.kind}({', '.join(needed)}) was given {', '.join(arrays)}")
        return np.asarray(function(**{k: arrays[k] for k in needed}))


def together(parts: Iterable[Part], style: Style) -> str:
    """Words and expressions, one after the other."""
    return "".join(
        (rf"\text{{{p}}}" if style.latex else p) if isinstance(p, str) else style(p) for p in parts
    )


# Where a derivative is on a tape


@dataclass(frozen=True)
class Subject:
    """A derivative on a tape: the step that it is, or that it gives for a v that arrives.

    of: the name of what is differentiated, which is written out.
    """

    tape: NamedTape
    step: Step
    of: str
    v: Symbol | None = None

    def read(self) -> Expression:
        """The step as one expression of the tensors that have names, in matrix form."""
        tape = self.tape

        def letter(s: Step) -> Expression | None:
            if s.number in tape.known:
                return tape.known[s.number]
            given = s.op is not None and (s.is_gradient or s.number in tape.given)
            given = given or s.label == self.of
            return None if given or s.number not in tape.labels else tape.symbol(s.number)

        self._check_size(letter)
        whole = tape.symbol(self.step.number) if self.step.label and not self.step.op else None
        e = in_matrices(whole or Reader(letter, tape.inactive)(self.step))
        e = with_sizes(e, tape.sizes)
        return e if self.v is None else transposition(pulled_out(e, self.v))

    def _check_size(self, letter: Callable[[Step], Any]) -> None:
        """Raise NoMatrix where the step would be endless, or nearly so, if it is written out."""
        sizes: dict[int, int] = {}
        depths: dict[int, int] = {}
        for s in self.tape.recorded:
            inputs = [x.number for x in s.inputs if isinstance(x, Step)]
            if s is not self.step and letter(s) is not None:
                inputs = []
            sizes[s.number] = 1 + sum(sizes[n] for n in inputs)
            depths[s.number] = 1 + max((depths[n] for n in inputs), default=0)
        n = self.step.number
        if sizes[n] > MOST_WRITTEN_OUT or depths[n] > DEEPEST_STEP:
            raise NoMatrix(
                f"a derivative of {self.of} is too long to be written out ({sizes[n]:.3g} "
                'operations): name tensors on the way, t.named("Z"), or see .lines'
            )

    def values(self, point: int, names: Meanings) -> Callable[[Symbol], Any]:
        """The value of each letter at a point, by its label."""
        meanings = {s.label: meaning for s, meaning in names}
        numbers = {label: n for n, label in self.tape.labels.items()}
        sizes = {letter: n for n, letter in self.tape.sizes.items()}

        def value(s: Symbol) -> Any:
            if s.kind == "name":
                return evaluate(meanings[s.label], value)
            if s.kind == "size":
                return float(sizes[s.label])
            return np.reshape(self.tape.points[point][numbers[s.label]], s.shape)

        return value

    def deviation(self, e: Expression, names: Meanings, point: int) -> float:
        """How far the value of a form is from the tape's; ArithmeticError if it is another."""
        expected = self.tape.points[point][self.step.number].reshape(
            shape_in_matrices(self.step.shape)
        )
        with np.errstate(all="ignore"):
            found = np.asarray(evaluate(e, self.values(point, names)))
            if self.v is not None:
                arriving = np.ravel(self.tape.points[point][self.v.number])
                found = np.transpose(found) @ arriving if found.ndim else found * arriving[0]
                found = np.reshape(found, expected.shape) if found.size == expected.size else found
        if e != ZERO and found.shape != expected.shape:
            raise ArithmeticError(f"shapes {found.shape} and {expected.shape}")
        scale = float(np.max(np.abs(expected), initial=0))
        error = float(np.max(np.abs(found - expected), initial=0))
        eps = float(np.finfo(expected.dtype).eps)
        if not error <= eps**0.5 * scale + 1e3 * eps:
            said = f"it differs by {error:.1e} where the largest value is {scale:.1e}"
            raise ArithmeticError(said)
        return error / scale if scale else error

    def check_differences(self) -> None:
        """Compare the step with central differences; ArithmeticError if they differ."""
        recorded = self.tape.recorded
        (x,) = recorded.wrt
        start = recorded.gradients[recorded.cost.number].value
        direction = np.random.default_rng(5).standard_normal(x.shape)
        step = 1e-5 * max(1.0, float(np.max(np.abs(x.value))))
        leaves = {s.number: s.value for s in recorded if s.op is None and s.tensor.requires_grad}
        ahead, behind = (
            replay(recorded, leaves | {x.number: x.value + h * direction})[recorded.cost.number]
            for h in (step, -step)
        )
        found = float(np.sum(start * (ahead - behind))) / (2 * step)
        expected = float(np.sum(self.step.value * direction))
        size = float(np.sum(np.abs(self.step.value * direction)))
        noise = float(np.sum(np.abs(start * ahead))) * 1e-10
        if not abs(found - expected) <= 1e-5 * size + noise:
            raise ArithmeticError(f"the tape has {expected:.6g}, central differences {found:.6g}")


def with_sizes(e: Expression, sizes: Mapping[int, str]) -> Expression:
    """The expression with letters for the sizes in its numbers: 1/m for 1/13."""
    if not sizes:
        return e
    if isinstance(e, Symbol) and e.label in sizes.values() and not e.shape:
        return Symbol("size", e.label, 0, ())
    if isinstance(e, Number) and isinstance(e.value, Fraction):
        result: Expression = UNITY
        value = e.value
        for size, letter in sizes.items():
            symbol = Symbol("size", letter, 0, ())
            while value and value.numerator % size == 0:
                result, value = times(result, symbol), value / size
            while value.denominator % size == 0:
                result, value = divided_by(result, symbol), value * size
        return scaled_by(Number(value), result)
    return rebuilt(e, [with_sizes(x, sizes) for x in children(e)]) if children(e) else e


def resized(e: Expression, size: Callable[[int], int]) -> Expression:
    """The expression at other sizes."""
    shape = tuple(map(size, e.shape))
    if isinstance(e, Ones | Symbol):
        return replace(e, shape=shape)
    if isinstance(e, Apply):
        static = {k: size(x) if k == "N" else x for k, x in e.static.items()}
        if "shape" in static:
            static["shape"] = shape
        arguments = tuple(resized(x, size) for x in e.arguments)
        return Apply(e.op, arguments, shape, static, e.mark)
    return e


# Closed forms


def checked_form(
    kind: str,
    subjects: Sequence[Subject],
    lhs: tuple[str, str],
    style: Callable[[bool], Style],
) -> ClosedForm:
    """The shortest form of a derivative that has the values of its tapes, all at other sizes.

    Raises NoMatrix where it has no matrix form, and ArithmeticError where no form has the values.
    """
    first, *others = subjects
    for subject in others:
        subject.check_differences()
    tape = first.tape
    raw = first.read()
    taken = {s.label for s in symbols(raw)} | {*tape.labels.values(), *tape.sizes.values()}
    problem: ArithmeticError | None = None
    for e, names, conditions in _candidates(tape, raw, taken):
        try:
            error = max(first.deviation(e, names, point) for point in range(2))
            for other in others:
                error = max(error, _deviation_at(other, first, e, names))
        except ArithmeticError as found:
            problem = found
            continue
        text, latex = (replace(style(x), sizes=tape.sizes) for x in (False, True))
        said = tuple(together(parts, text) for parts in conditions)
        letters = _letters_of(first, e, names)
        form = ClosedForm(kind, lhs, e, names, *letters, said, error, (text, latex))
        return replace(form, sizes={letter: n for n, letter in tape.sizes.items()})
    raise ArithmeticError(f"no closed form of {lhs[0]} has the values of the tape") from problem


def _letters_of(
    subject: Subject, e: Expression, names: Meanings
) -> tuple[tuple[Symbol, ...], tuple[Symbol, ...], tuple[Any, ...]]:
    """The letters of a form, all of its tape's, and the shape of what it gives."""
    tape, shape = subject.tape, subject.step.shape
    inside = [s for part in (*(meaning for _, meaning in names), e) for s in symbols(part)]
    inputs = {s.label: s for s in sorted(inside, key=lambda s: s.number) if s.kind == "value"}
    leaves = [tape.symbol(s.number) for s in tape.recorded if s.op is None and s.label]
    others: Any = tuple(map(in_matrices, leaves))
    if subject.v is not None:
        shape = (*tape.recorded.cost.shape, *shape)
    return tuple(inputs.values()), others, shape


def _deviation_at(other: Subject, first: Subject, e: Expression, names: Meanings) -> float:
    letters = first.tape.sizes
    sizes = {letter: n for n, letter in other.tape.sizes.items()}
    size = lambda n: sizes[letters[n]] if n in letters else n
    turned: Any = [(resized(name, size), resized(meaning, size)) for name, meaning in names]
    return other.deviation(resized(e, size), turned, 0)


def _candidates(
    tape: NamedTape, raw: Expression, taken: Collection[str]
) -> Iterator[tuple[Expression, Meanings, tuple[Any, ...]]]:
    conditions: dict[tuple[Part, ...], None] = {}

    def is_one(e: Expression) -> bool:
        condition = _sum_that_is_one(tape, e)
        if condition is not None:
            conditions[condition] = None
        return condition is not None

    short = _shortened(Shortener(is_one), raw, tape)
    yield *with_names(short, taken), tuple(conditions)
    yield short, [], tuple(conditions)
    yield _shortened(Shortener(), raw, tape), [], ()
    yield raw, [], ()


def _shortened(shorten: Shortener, e: Expression, tape: NamedTape) -> Expression:
    """The shortest form; sums of ones are sizes too."""
    short = shorten.shortest(e)
    lettered = with_sizes(short, tape.sizes)
    return short if lettered == short else shorten(lettered)


def _sum_that_is_one(tape: NamedTape, e: Expression) -> tuple[Part, ...] | None:
    """What is assumed where a sum of data is taken to be 1, as it is on this tape."""
    inside = symbols(e)
    if not (is_op(e, np.dot) and len(inside) == 1 and inside[0].kind == "value"):
        return None
    (data,) = inside
    if data.number not in tape.labels or not is_data(tape.recorded[data.number]):
        return None
    value = np.reshape(tape.points[0][data.number], data.shape)
    if not np.allclose(evaluate(e, lambda s: value), 1, rtol=0, atol=1e-6):
        return None
    return f"the {'rows' if e.shape[1] == 1 else 'columns'} of ", data, " sum to 1"


# Gradients, Jacobians and Hessians


@dataclass(frozen=True)
class On:
    """Tensors y and x on a tape, what y is called, and how their tape is read."""

    y: Tensor
    x: Tensor
    of: str
    named: Callable[[Steps], NamedTape] = NamedTape


def closed_form(on: Sequence[On], style: Callable[[bool], Style], order: int = 1) -> ClosedForm:
    """The closed form of a first or second derivative of y by x.

    on: y and x on one tape, or on several at other sizes. Raises ValueError for the second
    derivative of what is no scalar.
    """
    if order == 1:
        return (jacobian_form if on[0].y.ndim else gradient_form)(on, style)
    if order != 2:
        raise ValueError(f"order={order!r}: first derivatives are of order 1, second of order 2")
    if on[0].y.size != 1:
        raise ValueError(
            f"{on[0].of} {on[0].y.shape} is not a scalar: second derivatives are of scalars"
        )
    return hessian_form(on, style)


def gradient_form(on: Sequence[On], style: Callable[[bool], Style]) -> ClosedForm:
    """The gradient of a scalar y by x."""
    subjects = []
    for pair in on:
        tape = pair.named(record(pair.y, [pair.x]))
        step = tape.recorded.gradients[tape.recorded.wrt[0].number]
        subjects.append(Subject(tape, step, pair.of))
    x = tape.recorded.wrt[0]
    symbol = Symbol("gradient", x.label or "x", x.number, ())
    lhs = style(False)(symbol), style(True)(symbol)
    return checked_form("gradient", subjects, lhs, style)


def hessian_form(on: Sequence[On], style: Callable[[bool], Style]) -> ClosedForm:
    """The Hessian of y by a vector x; by a matrix, the second derivative in a direction V."""
    cost, name = on[0].of, on[0].x.name or "x"
    slopes = []
    for pair in on:
        with tracing():
            (slope,) = gradients(pair.y, [pair.x], create_graph=True)
        slopes.append(replace(pair, y=slope))
    if _is_matrix(on[0].x):
        form = _product_form(slopes, (f"d²{cost}", rf"\mathrm{{d}}^2 {in_latex(cost)}"), style)
        v = _direction(form)
        return replace(form, claim=f"∂tr({v}ᵀ ∂{cost}/∂{name})/∂{name} =")
    fraction = rf"\frac{{\partial^2 {in_latex(cost)}}}{{\partial {in_latex(name)}^2}}"
    return _linear_form("hessian", slopes, (f"∂²{cost}/∂{name}²", fraction), style)


def jacobian_form(on: Sequence[On], style: Callable[[bool], Style]) -> ClosedForm:
    """The Jacobian ∂y/∂x of a vector by a vector, or the derivative of y in a direction V of x."""
    label, name = on[0].of, on[0].x.name or "x"
    if not (_is_matrix(on[0].y) or _is_matrix(on[0].x)):
        fraction = rf"\frac{{\partial {in_latex(label)}}}{{\partial {in_latex(name)}}}"
        return _linear_form("jacobian", on, (f"∂{label}/∂{name}", fraction), style)
    slopes = []
    for pair in on:
        u = Tensor(_arriving(pair.y, 2), requires_grad=True, name="u′")
        with tracing():
            (slope,) = gradients(pair.y, [pair.x], gradient=u, create_graph=True)
        slopes.append(On(slope, u, pair.of, pair.named))
    form = _product_form(slopes, (f"d{label}", rf"\mathrm{{d}}{in_latex(label)}"), style)
    return replace(form, claim=f"∂{label}/∂{name} {_direction(form)} =")


def _direction(form: ClosedForm) -> str:
    return form.lhs[0].partition("[")[2].rstrip("]")


def _is_matrix(t: Tensor) -> bool:
    return 1 not in (shape_in_matrices(t.shape) or (1,))


def _linear_form(
    kind: str, on: Sequence[On], lhs: tuple[str, str], style: Callable[[bool], Style]
) -> ClosedForm:
    """∂y/∂x, the transpose of the matrix before v in the gradient, for any v that arrives at y."""
    if not _leads_to(on[0]):
        return _zero(kind, on[0], lhs, style)
    subjects = [_for_any(pair, "vudz", pulled=True) for pair in on]
    return checked_form(kind, subjects, lhs, style)


def _product_form(
    on: Sequence[On], of: tuple[str, str], style: Callable[[bool], Style]
) -> ClosedForm:
    """The gradient of y by x for a direction V that arrives at y: `d²J[V]`."""
    if not _leads_to(on[0]):
        return _zero("product", on[0], (f"{of[0]}[V]", f"{of[1]}[V]"), style)
    subjects = [_for_any(pair, "VUDZ", pulled=False) for pair in on]
    recorded = subjects[0].tape.recorded
    letter = recorded.gradients[recorded.cost.number].label
    return checked_form("product", subjects, (f"{of[0]}[{letter}]", f"{of[1]}[{letter}]"), style)


def _leads_to(on: On) -> bool:
    return any(t is on.x for t in reachable([on.y], by_needs))


def _zero(kind: str, on: On, lhs: tuple[str, str], style: Callable[[bool], Style]) -> ClosedForm:
    shape = on.x.shape if kind == "product" else (*on.y.shape, *on.x.shape)
    return ClosedForm(kind, lhs, ZERO, [], (), (), shape, (), 0.0, (style(False), style(True)))


def _arriving(y: Tensor, rng: int) -> np.ndarray:
    return np.random.default_rng(rng).standard_normal(y.shape).astype(y.dtype)


def _for_any(on: On, letters: str, pulled: bool) -> Subject:
    """The gradient of y by x for any v that arrives at y."""
    recorded = record(on.y, [on.x], gradient=_arriving(on.y, 1))
    start = recorded.gradients[recorded.cost.number]
    taken = {s.label for s in recorded}
    start.label = next((c for c in letters if c not in taken), letters[0] + "′")
    tape = on.named(recorded)
    v: Any = in_matrices(tape.symbol(start.number))
    step = recorded.gradients[recorded.wrt[0].number]
    return Subject(tape, step, on.of, v if pulled else None)
