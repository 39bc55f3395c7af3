"""The derivation that a person would write, from the recorded tape: `derive`.

The gradient graph is cut at the quantities that have names, each piece is made shorter by algebra,
and every line is evaluated as it is printed and compared with the tape before it is shown.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from autograd_lite import rules
from autograd_lite.algebra.evaluation import evaluate
from autograd_lite.algebra.matrices import NoMatrix, is_by_element, is_op, is_sum
from autograd_lite.algebra.matrix_form import in_matrices
from autograd_lite.algebra.notation import TEXT, Notation, Style, letters_of
from autograd_lite.algebra.reading import Reader
from autograd_lite.algebra.shortening import Shortener
from autograd_lite.algebra.simplification import (
    ARITHMETIC,
    Simplifier,
    cost,
    split,
    sympy,
)
from autograd_lite.algebra.tree import (
    Apply,
    Expression,
    Ones,
    Part,
    Quantity,
    Symbol,
    all_parts,
    children,
    elementwise,
    factors,
    substituted,
    symbols,
    without,
)
from autograd_lite.derivation.closed import ClosedForm, On, closed_form, together, with_sizes
from autograd_lite.derivation.fitting import Writing, fitted, notation_named
from autograd_lite.derivation.formulas import formula_on_tapes
from autograd_lite.derivation.letters import shapes_of_numbered
from autograd_lite.derivation.named_tape import NamedTape
from autograd_lite.derivation.result import Derivation, FormulaDerivation, Line
from autograd_lite.graph import Step
from autograd_lite.graph import steps as record
from autograd_lite.tensor import Tensor
from autograd_lite.walk import by_needs, reachable, seed


def derive(
    J: Tensor | str,
    wrt: Iterable[Any] | Tensor | str | None = None,
    notation: str | Notation = "plain",
    steps: bool = False,
    *,
    order: int = 1,
    shapes: Mapping[str, Sequence[str | int]] | None = None,
    assume: Mapping[str, str] | None = None,
    broadcasting: str = "none",
) -> Derivation:
    """The gradients of J in matrix form, as one would derive them by hand, from its tape.

    J: a scalar. wrt: tensors on its tape (None: every leaf that requires a gradient). The lines use
    the tensors' names; what needs a name and has none is called T1, T2, … notation: `plain`, a
    document, `000` to `004`, or a `Notation` of your own. steps: also how each line came about.
    order: 2 for closed forms of second derivatives: the Hessian by a vector, `d²J[V]` by a matrix.
    broadcasting: `none`, where lines conform as matrices, or `numpy`, where what NumPy repeats is
    not written.

    Every line is evaluated as printed and compared with the tape, at the tape's values and at a
    fresh point where nothing is saturated; ArithmeticError if one does not agree. Raises ValueError
    for a tensor that is not on the tape, or a cost that the document does not treat, TypeError for
    what is said of letters where J is a tensor, and ImportError where SymPy (the extra `derive`) is
    missing.

    >>> W = Tensor([[1.0, 2.0]], requires_grad=True, name="W")
    >>> X, Y = Tensor([[1.0, 2.0], [0.5, 0.2]], name="X"), Tensor([[1.0, 3.0]], name="Y")
    >>> A = np.tanh(W @ X).named("A")
    >>> print(derive(np.sum(np.square(A - Y)) / 2, [W]))
    ∂J/∂A = A − Y                            (1, 2)
    ∂J/∂W = (∂J/∂A ∘ (1 − A ∘ A)) Xᵀ         (1, 2)

    Its `formula` is a gradient as one closed form, checked as the lines are.

    >>> derive(np.sum(np.square(W @ X - Y)) / 2, [W]).formula
    '(W X − Y) Xᵀ'

    J may be text instead: a formula as in a note, after definitions on lines of their own. Then wrt
    are letters. shapes: those that are not to be guessed, `{"X": ("m", "n"), "λ": ()}`. assume:
    what is known of letters, `{"A": "symmetric"}` (positive, positive definite, diagonal,
    orthogonal, one-hot, one-hot columns, sums to 1). A vector has a Jacobian ∂y/∂x, with a row for
    each element of y. Results are checked at other sizes, and against central differences.

    Sums over indices are read too, each over all of a row or a column; x_i is a row of X where it
    is used as a vector, x^{(i)} a column. ValueError, which says where, for x_{i+1} and for what
    would need arrays of three axes.

    >>> derive("1/m Σ_{i=1}^m (wᵀ x_i − y_i)²", wrt="w").formula
    '2 Xᵀ (X w − y) / m'
    >>> d = derive("1/2 xᵀ A x", wrt="x")
    >>> d.formula, d.shape
    ('1/2 (A + Aᵀ) x', ('n',))
    >>> derive("1/2 xᵀ A x", wrt="x", assume={"A": "symmetric"}).formula
    'A x'
    >>> d(A=np.eye(2), x=np.array([1.0, 2.0]))
    array([1., 2.])
    """
    sympy()
    if broadcasting not in ("none", "numpy"):
        raise ValueError(f"broadcasting={broadcasting!r}: there are none, numpy")
    strict = broadcasting == "none"
    chosen = notation if isinstance(notation, Notation) else notation_named(notation)
    if isinstance(J, str):
        return derive_text(J, wrt, chosen, steps, order, shapes, assume, strict)
    given = " and ".join(k for k, x in (("shapes", shapes), ("assume", assume)) if x is not None)
    if given:
        raise TypeError(
            f"{given}: said of the letters of a formula, derive('xᵀ A x', …); a Tensor has the "
            "shape and the values that are on its tape"
        )
    seed(J, None)  # raises where J has no gradient
    if wrt is None:
        wrt = [t for t in reachable([J], by_needs) if t._op is None]
    wrt = [wrt] if isinstance(wrt, Tensor) else list(wrt)
    with np.errstate(all="ignore"):
        recorded = record(J, wrt)
    tape = NamedTape(recorded)
    writing = fitted(chosen, tape)
    quantities = writing.rewritten(Deriver(tape, chosen.cancels).quantities())
    label = recorded.cost.label or "J"
    labels = [s.label or "" for s in recorded.wrt]

    def forms() -> dict[str, ClosedForm]:
        style = style_for(chosen, label)
        pairs = zip(labels, wrt, strict=True)
        return {x: closed_form([On(J, t, label)], style, order) for x, t in pairs}

    return written(quantities, writing, steps, forms, strict)


def style_for(notation: Notation, cost: str) -> Callable[[bool], Style]:
    """The writer of closed forms: with the signs of a notation, in the tape's own letters."""
    return functools.partial(
        Style, notation=replace(notation, letters={}), letters=letters_of(cost)
    )


def derive_text(
    text: str,
    wrt: Any,
    notation: Notation,
    steps: bool,
    order: int,
    shapes: Mapping[str, Sequence[str | int]] | None,
    assume: Mapping[str, str] | None,
    strict: bool,
) -> Derivation:
    """The derivation of a formula: see `derive`."""
    asked = [wrt] if isinstance(wrt, str) else list(wrt or ())
    shapes = shapes_of_numbered(text, asked, shapes)
    first, second = formula_on_tapes(text, shapes, assume)
    letters = asked if wrt is not None else list(first.letters)
    unknown = [x for x in (*letters, *(assume or {})) if x not in first.letters]
    if unknown:
        said = ", ".join(map(str, unknown))
        known = ", ".join(first.letters) + first.said_of_samples
        raise ValueError(f"{said} is no letter of the formula: there are {known}")
    style = style_for(notation, first.name)

    def lines() -> list[Line]:
        if first.cost.ndim:
            return []
        tape = first.named(record(first.cost, [first.letters[x] for x in letters]))
        quantities = Deriver(tape, notation.cancels).quantities(with_cost=bool(tape.given))
        writing = Writing(replace(notation, letters={}), tape)
        return written(quantities, writing, steps, dict, strict).lines

    def form(x: str) -> ClosedForm:
        try:
            return first.in_letters(closed_form([first.on(x), second.on(x)], style, order), x)
        except ArithmeticError:  # an inverse that there is not, at these sizes: XᵀX of a wide X
            others = formula_on_tapes(text, shapes, assume, largest_first=False)
            pairs = [tape.on(x) for tape in others]
            return others[0].in_letters(closed_form(pairs, style, order), x)

    def forms() -> dict[str, ClosedForm]:
        try:
            return {x: form(x) for x in letters}
        except (NoMatrix, ArithmeticError) as error:
            raise first.world.indices or error from None

    note, meanings = first.note, notation.meanings
    return FormulaDerivation(note, first.remarks, first.shapes, lines, forms, steps, meanings)


# What they say


class Deriver:
    """Finds the lines: those that are asked for, and those of the letters in them."""

    def __init__(self, tape: NamedTape, cancels: bool = True) -> None:
        self.tape = tape
        self.cancels = cancels
        self.found: dict[tuple[str, int], Quantity] = {}
        self.read: dict[Symbol, Any] = {}
        self.left_out: dict[Symbol, list[Expression]] = {}

    def quantities(self, with_cost: bool = False) -> list[Quantity]:
        """In order: names that were given, then gradients from the cost down.

        with_cost: also what J is in those names, between them.
        """
        recorded = self.tape.recorded
        waiting = [self.tape.symbol(s.number, "gradient") for s in recorded.wrt]
        waiting += [self.tape.symbol(recorded.cost.number)] if with_cost else []
        while waiting:
            symbol = waiting.pop()
            key = symbol.kind, symbol.number
            if key not in self.found:
                self.found[key] = quantity = self._quantity(symbol)
                for part in (quantity.rhs, *quantity.note):
                    waiting += (
                        [] if isinstance(part, str) else filter(self._has_line, symbols(part))
                    )
        return list(self._in_order())

    def _has_line(self, s: Symbol) -> bool:
        given = s.number in self.tape.given and self.tape.recorded[s.number].op is not None
        return s.kind in ("gradient", "part") or (s.kind == "value" and given)

    def _in_order(self) -> Iterator[Quantity]:
        """Names first; then gradients from the cost down, each leaf's as soon as it can be."""
        kinds: dict[str, list[tuple[str, int]]] = {"value": [], "part": [], "leaf": [], "inner": []}
        for key in sorted(self.found):
            is_leaf = self.tape.recorded[key[1]].op is None
            kinds[("leaf" if is_leaf else "inner") if key[0] == "gradient" else key[0]].append(key)
        yield from (self.found[key] for key in kinds["value"])
        missing: dict[tuple[str, int], set[tuple[str, int]]] = {}
        users: dict[tuple[str, int], list[tuple[str, int]]] = {}
        for key in (*kinds["part"], *kinds["leaf"]):
            inside = symbols(self.found[key].rhs)
            needs = {(s.kind, s.number) for s in inside if s.kind in ("gradient", "part")}
            missing[key] = needs
            for need in needs:
                users.setdefault(need, []).append(key)
        at_once = [key for key, needs in missing.items() if not needs]
        for key in (*at_once, *reversed(kinds["inner"])):
            ready = [key]
            for done in ready:  # grows while it is gone through
                yield self.found[done]
                for user in users.get(done, ()):
                    missing[user].discard(done)
                    if not missing[user]:
                        ready.append(user)

    def _quantity(self, symbol: Symbol) -> Quantity:
        raw, rhs, conditions = self._read(symbol)
        note: list[tuple[Part, ...]] = []
        steps = self._origin(symbol, raw) + self._without_guards(symbol)
        while (gone := self._shorter(symbol, rhs)) is not None:
            symbol_gone, rhs_gone, new, more = gone
            slope = self._slope(rhs, symbol_gone)
            if slope is not None and cost(rhs_gone):
                note.append((*slope, " cancels"))
            steps.append(("insert ", symbol_gone, " = ", rhs_gone))
            steps += self._without_guards(symbol_gone)
            rhs = new
            conditions += more
        if TEXT(rhs) != TEXT(raw):
            steps.append(("cancellation: " if note else "shorter: ", symbol, " = ", rhs))
        note += [*dict.fromkeys(conditions), *self._summing(rhs)]
        joined = [part for item in note for part in ("; ", *item)][1:]
        return Quantity(symbol, rhs, tuple(joined), tuple(steps))

    def _shorter(self, symbol: Symbol, rhs: Expression) -> Any:
        """The line with one of its gradients written out, if that makes it shorter.

        Returns the gradient, what it is, the new line and its conditions.
        """
        if not self.cancels or symbol.kind != "gradient" or cost(rhs) == 0:
            return None
        for s in dict.fromkeys(symbols(rhs)):
            if s.kind != "gradient":
                continue
            _, alone, conditions = self._read(s)
            if isinstance(alone, Symbol):
                continue
            new, more = self._simplified(substituted(rhs, {s: alone}.get))
            if cost(new) <= cost(rhs):
                return s, alone, new, conditions + more
        return None

    def _read(self, symbol: Symbol) -> tuple[Expression, Expression, list[tuple[Part, ...]]]:
        """A quantity as the rules gave it, as algebra makes it, and what that assumes."""
        if symbol not in self.read:
            root = self.tape.step(symbol)
            raw: Expression | None = None
            if symbol.kind == "gradient":
                raw = self.tape.arriving(root, symbol.number)
            if raw is None:
                reader = Reader(lambda step: self._symbol(step, symbol), self.tape.inactive)
                raw = with_sizes(reader(root), self.tape.sizes)
                self.left_out[symbol] = reader.left_out
            self.read[symbol] = raw, *self._simplified(raw, symbol)
        return self.read[symbol]

    def _simplified(
        self, e: Expression, of: Symbol | None = None
    ) -> tuple[Expression, list[tuple[Part, ...]]]:
        """The shorter expression, and what that assumes; what a letter is does not use it."""
        known = {x: y for x, y in self.tape.inverses.items() if of not in symbols(y)}
        simplify = Simplifier(self.tape.is_one, known)
        return simplify(e), simplify.conditions

    def _symbol(self, step: Step, of: Symbol) -> Expression | None:
        tape = self.tape
        if not step.is_gradient or step.op is None:
            known = tape.letter(step) or (tape.twin(step) if step.op else None)
            return None if known is None or of in symbols(known) else known
        arriving = tape.arriving(step, of.number if of.kind == "gradient" else -1)
        if arriving is not None:
            return arriving
        if step.number in tape.parts and step.number != of.number:
            return tape.symbol(step.number, "part")
        return tape.twin(step)

    # What is said about them

    def _slope(self, rhs: Expression, gone: Symbol) -> tuple[Part, ...] | None:
        """`σ′ = …`: the factor of a gradient that is written out."""
        step = self.tape.recorded[gone.number]
        rest = without(rhs, gone)
        if rest is None or step.op in (*ARITHMETIC, np.power):
            return None
        name = Symbol("slope", step.name, gone.number, gone.shape)
        return name, " = ", rest

    def _summing(self, rhs: Expression) -> list[tuple[Part, ...]]:
        _, body = split(rhs)
        if not (isinstance(body, Apply) and body.op in (np.dot, np.sum)):
            return []
        left, right = body.arguments if body.op is np.dot else (body, body)
        if isinstance(right, Ones) and right.shape[1] == 1:
            axis, length = 1, right.shape[0]
        elif isinstance(left, Ones) and left.shape[0] == 1:
            axis, length = 0, left.shape[1]
        else:
            return []
        samples = (axis, length) in self.tape.data_lengths
        return [("sum over samples",) if samples else (f"sum over axis {axis}",)]

    def _without_guards(self, symbol: Symbol) -> list[tuple[Part, ...]]:
        guards = dict.fromkeys(self.left_out.get(symbol, ()))
        return [("left out, as it is not active: ", guard) for guard in guards]

    def _origin(self, symbol: Symbol, raw: Expression) -> list[tuple[Part, ...]]:
        """The forward lines that this one differentiates, and what the chain rule gives."""
        if symbol.kind != "gradient":
            return []
        tape, recorded = self.tape, self.tape.recorded
        users = dict.fromkeys(s.number for s in symbols(raw) if s.kind == "gradient")
        steps: list[tuple[Part, ...]] = []
        forward = users or [recorded.cost.number]
        for n in (n for n in forward if recorded[n].op is not None):  # J may be a leaf
            reader = Reader(tape.letter)
            name = tape.symbol(n) if n in tape.labels else Symbol("value", "J", n, ())
            steps.append(("forward: ", name, " = ", reader(recorded[n])))
        for n in users:
            arriving = tape.symbol(n, "gradient")
            slope = self._slope(raw, arriving)
            if slope is not None:
                chain = elementwise(np.multiply, arriving, slope[0])  # type: ignore[arg-type]
                steps.append(("chain rule: ", symbol, " = ", chain))
                return [*steps, ("local derivative: ", *slope)]
        return [*steps, ("chain rule: ", symbol, " = ", raw)]


# What is printed


def written(
    quantities: list[Quantity],
    writing: Writing,
    with_steps: bool,
    forms: Callable[[], dict[str, ClosedForm]],
    strict: bool = True,
) -> Derivation:
    """The lines, each evaluated as it is printed and compared with the tape."""
    text, latex = writing.style(latex=False), writing.style(latex=True)
    lines, rows = [], []
    for q in quantities:
        if strict and not writing.notation.letters:
            q = replace(q, rhs=conforming_line(q.rhs))
        error = max(checked(q, writing, text, point) for point in range(2))
        steps = q.steps if with_steps else ()
        lines.append(
            Line(
                text(q.symbol),
                text(q.rhs),
                q.symbol.shape,
                together(q.note, text),
                error,
                f"{latex(q.symbol)} = {latex(q.rhs)}",
                tuple(together(step, text) for step in steps),
                q.symbol.kind,
            )
        )
        shape = str(q.symbol.shape).replace(" ", r"\,")
        note = together(q.note, latex)
        row = rf"{latex(q.symbol)} &= {latex(q.rhs)} && {shape}" + (f" && {note}" if note else "")
        below = [rf"&\quad {together(step, latex)}" for step in steps]
        rows.append(" \\\\\n".join([row, *below]))
    if latex.count > 1:
        rows.insert(0, f"{latex.notation.count} &= {latex.count}")
    tape = writing.tape
    used = dict.fromkeys(s for q in quantities for s in symbols(q.rhs))
    nameless = [s for s in used if s.number in tape.given and tape.recorded[s.number].op is None]
    given = ", ".join(f"{text(s)} {s.shape}" for s in nameless if s.kind == "value")
    header = filter(None, [writing.header, given and f"Without a name: {given}"])
    return Derivation(lambda: lines, "\n".join(header), rows, forms)


def conforming_line(e: Expression) -> Expression:
    """An expression of matrices alone: what NumPy would repeat is repeated by products with ones.

    Indices that take a diagonal, or the one element that there is, are no longer written.
    """
    indexed = any(is_op(x, rules.getitem, rules.scatter_add) for x in all_parts(e))
    try:
        if indexed:
            return Shortener().shortest(in_matrices(e))
        return in_matrices(e) if _repeats(e, whole=True) else e
    except NoMatrix:
        return e


def _is_one_number(e: Expression) -> bool:
    """Whether it is one number, such as ∂J/∂T1, that is no constant; repeated, perhaps."""
    _, above, below = factors(e)
    inside = [x.arguments[0] if is_op(x, np.broadcast_to) else x for x in (*above, *below)]
    return bool(inside) and all(math.prod(x.shape) == 1 for x in inside)


def _repeats(e: Expression, whole: bool = False) -> bool:
    """Whether a matrix in an expression is broadcast to another shape.

    So is a number in a sum or a product of matrices, or where a matrix is a `whole` line.
    """
    parts = children(e)
    matrices = [x for x in parts if math.prod(x.shape) > 1] if is_op(e, np.dot) else []
    if math.prod(e.shape) > 1:
        matrices += parts if is_sum(e) else [e] if whole else []
    if any(map(_is_one_number, matrices)):
        return True
    if is_by_element(e):
        shapes = {a.shape for a in parts if math.prod(a.shape) > 1}
        return len(shapes | {e.shape}) > 1 or any(map(_repeats, parts))
    return any(map(_repeats, parts))


def checked(q: Quantity, writing: Writing, style: Style, point: int) -> float:
    """The error of a line; ArithmeticError if the printed expression is not what the tape has."""

    def value(s: Symbol) -> Any:
        x = writing.value(s, point)
        return np.reshape(x, s.shape) if np.size(x) == math.prod(s.shape) else x

    expected = np.asarray(value(q.symbol))
    if not np.isfinite(expected).all():
        raise ArithmeticError(f"{style(q.symbol)} is not finite on this tape: nothing to compare")
    between: dict[Expression, Any] = {}
    with np.errstate(all="ignore"):
        found = np.asarray(evaluate(q.rhs, value, known=between))
    if found.size == expected.size:
        found = found.reshape(expected.shape)
    eps = float(np.finfo(expected.dtype).eps) if expected.dtype.kind == "f" else 1e-16
    deviation = scale = 0.0
    if expected.size:
        deviation = float(np.max(np.abs(np.subtract(found, expected, dtype=float))))
        scale = float(np.max(np.abs(expected)))
    arriving = [value(s) for s in symbols(q.rhs) if s.kind not in ("value", "size")]
    parts = [x for x in (*arriving, *between.values()) if np.isfinite(x).all()]
    seeded = point == 0 or not arriving  # ∂J/∂J is 1
    noise = max([seeded, *(np.max(np.abs(x), initial=0.0) for x in parts)])
    allowed = eps**0.5 * scale + 1e3 * eps * noise  # all digits may cancel
    fits = np.broadcast_shapes(found.shape, expected.shape) == expected.shape
    if not (fits and deviation <= allowed):
        raise ArithmeticError(
            f"the line {style(q.symbol)} = {style(q.rhs)} does not hold: it differs from the "
            f"tape by {deviation:.1e} where the largest value is {scale:.1e}"
        )
    return deviation / scale if scale else deviation
