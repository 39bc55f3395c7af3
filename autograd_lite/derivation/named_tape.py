"""A recorded tape in which each step that a derivation refers to has a name.

It has values at two points: the tape's own, and a fresh one where nothing is saturated. What holds
at both is algebra, not chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from autograd_lite import rules
from autograd_lite.algebra.evaluation import evaluate
from autograd_lite.algebra.matrices import unit_column, unit_matrix
from autograd_lite.algebra.notation import RELATIONS
from autograd_lite.algebra.reading import Reader, inactive, is_constant, static_mark
from autograd_lite.algebra.simplification import Simplifier, arithmetic
from autograd_lite.algebra.tree import (
    Apply,
    Expression,
    Ones,
    Part,
    Symbol,
    elementwise,
    number,
    reshaped,
    symbols,
    transposed,
)
from autograd_lite.graph import Step, Steps, replay

LARGE = 40  # operations, from which on something without a name gets one
SMALL = 3  # operations that are written out wherever they are used


class NamedTape:
    """A recorded tape with names for what lines refer to, and values to check them with.

    labels: the names, by number; of `given` ones by this class. parts: names of gradient steps that
    are no tensor's, because they are large. known: expressions for steps without a name.

    fresh: values of leaves for the second point, if not any will do. sizes: letters for numbers
    that are the sizes of arrays, and of nothing else. properties: what is known of letters.
    """

    def __init__(
        self,
        recorded: Steps,
        fresh: Mapping[int, Any] | None = None,
        sizes: Mapping[int, str] | None = None,
        properties: Mapping[str, frozenset[str]] | None = None,
    ) -> None:
        self.recorded = recorded
        self.sizes, self.properties = sizes or {}, properties or {}
        with np.errstate(all="ignore"):
            other = fresh_point(recorded) if fresh is None else replay(recorded, fresh)
        self.points = [[s.value for s in recorded], other]
        self.inactive = inactive(recorded, self.points)
        self.labels = {s.number: s.label for s in recorded if s.label}
        self.first = first_of_its_kind(recorded)
        self.parts: dict[int, str] = {}
        self.given: set[int] = set()
        self.known: dict[int, Expression] = {}
        self.data_lengths = {  # axis and length of the matrices of data that have a name
            (axis, n)
            for s in recorded
            if s.label and is_data(s) and s.value.ndim == 2
            for axis, n in enumerate(s.shape)
        }
        self.whose: dict[int, list[int]] = {}  # by gradient step: the tensors whose it is
        for n, g in recorded.gradients.items():
            if n != recorded.cost.number:
                self.whose.setdefault(g.number, []).append(n)
        self._recognise()
        self._name_the_rest()
        named = (n for n in self.labels if recorded[n].op and not recorded[n].is_gradient)
        self.computed = {self.first[n]: n for n in named}
        self.inverses = self._inverses()

    def _recognise(self) -> None:
        """Find what a named tensor is the reshape of, and data that are other data, or 1 − them.

        What is computed from data alone is not on the tape: its values tell what it is.
        """
        data: dict[Any, Expression] = {}
        for s in sorted(self.recorded, key=lambda s: s.label is None):
            if s.label and not s.is_gradient and s.op is np.reshape:
                x = s.inputs[0]
                if x.op and not x.label and s.value.squeeze().shape == x.value.squeeze().shape:
                    self.known[x.number] = reshaped(self.symbol(s.number), x.shape)
            if not is_data(s):
                continue
            known = data.get((s.shape, s.value.tobytes())) if not s.label else None
            if known is not None:
                self.known[s.number] = known
            if known is not None or is_constant(s):
                continue
            if not s.label and _is_identity(s.value):
                self.known[s.number] = unit_matrix(len(s.value))
                continue
            if not s.label and (k := _number_of_unit_vector(s.value)):
                e = unit_column(k, s.value.size)
                is_row = s.shape == (1, s.value.size)
                self.known[s.number] = transposed(e) if is_row else reshaped(e, s.shape)
                continue
            if not s.label:
                self.given.add(s.number)
                self.labels[s.number] = ""
            name, v = self.symbol(s.number), s.value
            data.setdefault((s.shape, v.tobytes()), name)
            if v.ndim == 2:
                data.setdefault((v.T.shape, v.T.tobytes()), transposed(name))
            if v.dtype.kind == "f":
                complement = elementwise(np.subtract, number(1), name)
                data.setdefault((s.shape, (1 - v).tobytes()), complement)

    def _name_the_rest(self) -> None:
        """Give T1, T2, … to what has no name and is too large to write out wherever it is used."""
        sizes: dict[int, int] = {}  # operations that are written for a step
        products: set[int] = set()  # steps that are written with a matrix product or a sum in them
        asked = set(self.recorded.wrt)
        used = {x for s in self.recorded if s.is_gradient for x in s.inputs if isinstance(x, Step)}
        for s in self.recorded:
            inputs = [x.number for x in s.inputs if isinstance(x, Step)]
            size = 1 + sum(sizes[n] for n in inputs)
            product = s.op in _STRUCTURAL or not products.isdisjoint(inputs)
            most = LARGE
            if s in used and s.op not in RELATIONS:
                most = 0 if product else SMALL
            if self._is_letter(s, size, 0 if s in asked else most):
                size, product = 0, False
            sizes[s.number] = size
            if product:
                products.add(s.number)
        taken = {label[:1] for label in self.labels.values()}
        letter = next(c for c in "TUVPQ" if c not in taken)
        self.labels |= {n: f"{letter}{k}" for k, n in enumerate(sorted(self.given), 1)}

    def _is_letter(self, s: Step, size: int, most: int) -> bool:
        """Whether a step is written as a letter; it gets one if its size is more than `most`."""
        if s.number in self.labels or s.number in self.known or is_constant(s):
            return True
        if s.is_gradient:
            return self._is_gradient_letter(s, size)
        if s.op is None or size > most:
            self.given.add(s.number)
            return True
        return False

    def _is_gradient_letter(self, s: Step, size: int) -> bool:
        """Whether a gradient step is that of a tensor with a name, ∂J/∂A, or a part of one, S1."""
        whose = self.whose.get(s.number)
        if whose and self.recorded[whose[-1]].op:
            if whose[-1] in self.labels:
                return True
            if size > LARGE:
                self.given.add(whose[-1])
                return True
        if size > 2 * LARGE:
            self.parts[s.number] = f"S{len(self.parts) + 1}"
        return s.number in self.parts

    def _inverses(self) -> dict[Expression, Expression]:
        """Expressions by a name: exp(−Z) is (1 − A) / A where A = 1 / (1 + exp(−Z))."""
        found: dict[Expression, Expression] = {}
        for n in self.labels:
            if self.recorded[n].op in (np.add, np.subtract, np.multiply, np.divide):
                e = Reader(self.letter)(self.recorded[n])
                pair = Simplifier().inverse(e, self.symbol(n)) if arithmetic(e) else None
                if pair is not None:
                    found.setdefault(*pair)
        return found

    def symbol(self, n: int, kind: str = "value") -> Symbol:
        """The letter of a tensor, of the gradient by it, or of a part of a large gradient."""
        label = self.parts[n] if kind == "part" else self.labels[n]
        known = self.properties.get(label, frozenset()) if kind == "value" else frozenset()
        return Symbol(kind, label, n, self.recorded[n].shape, properties=known)

    def letter(self, step: Step) -> Expression | None:
        """What is written for the value of a forward step, if it has a name."""
        if step.number in self.labels:
            return self.symbol(step.number)
        return self.known.get(step.number)

    def arriving(self, step: Step, below: int) -> Symbol | None:
        """The gradient that a step is, if it is that of a named tensor with a number above this."""
        named = [
            n
            for n in self.whose.get(step.number, ())
            if n > below and n in self.labels and self.recorded[n].op
        ]
        return self.symbol(min(named), "gradient") if named else None

    def twin(self, step: Step) -> Expression | None:
        """The letter of what a step computes again: a rule may take cos(Z) where A is cos(Z)."""
        same = self.computed.get(self.first[step.number])
        return None if same in (None, step.number) else self.symbol(same)

    def step(self, symbol: Symbol) -> Step:
        """The step whose value a symbol stands for."""
        of = self.recorded[symbol.number]
        return self.recorded.gradients[of.number] if symbol.kind == "gradient" else of

    def value(self, symbol: Symbol, point: int) -> Any:
        """The value of a symbol at one of the points."""
        if symbol.kind == "size":
            return float(next(n for n, letter in self.sizes.items() if letter == symbol.label))
        return self.points[point][self.step(symbol).number]

    def is_one(self, e: Expression) -> tuple[Part, ...] | None:
        """The condition on the data, if this is a sum of data and 1 everywhere."""
        inside = symbols(e)
        if not (isinstance(e, Apply) and e.op in (np.dot, np.sum) and inside):
            return None
        if any(s.kind != "value" or not is_data(self.recorded[s.number]) for s in inside):
            return None
        if not np.allclose(evaluate(e, lambda s: self.value(s, 0)), 1, rtol=0, atol=1e-6):
            return None
        left, right = e.arguments if e.op is np.dot else (None, None)
        if isinstance(left, Ones) and isinstance(right, Symbol):
            return "the columns of ", right, " sum to 1"
        if isinstance(right, Ones) and isinstance(left, Symbol):
            return "the rows of ", left, " sum to 1"
        return e, " = 1"


_STRUCTURAL = {
    *(np.dot, np.matmul, np.sum, np.mean, np.max, np.min, np.var, np.std),
    *(rules.logsumexp_, rules.softmax_, rules.log_softmax_, rules.concatenate, rules.stack),
}


def _is_identity(a: np.ndarray) -> bool:
    return a.ndim == 2 and len(a) > 1 and np.array_equal(a, np.eye(len(a)))


def _number_of_unit_vector(a: np.ndarray) -> int:
    """k, where the array is e_k, a column or a row; 0 for any other."""
    is_one = np.count_nonzero(a) == np.count_nonzero(a == 1) == 1
    return int(np.argmax(a)) + 1 if is_one and max(a.shape, default=0) == a.size > 1 else 0


def is_data(s: Step) -> bool:
    """Whether a step is a leaf that requires no gradient."""
    return s.op is None and not s.tensor.requires_grad


def first_of_its_kind(recorded: Steps) -> list[int]:
    """For each step, the number of the first that computes the same from the same."""
    found: dict[Any, int] = {}
    first: list[int] = []
    for s in recorded:
        inputs = tuple(("step", first[x.number]) if isinstance(x, Step) else x for x in s.inputs)
        key = (s.op, inputs, static_mark(s)) if s.op else s.number
        first.append(found.setdefault(key, s.number))
    return first


def fresh_point(recorded: Steps) -> list[Any]:
    """Values of all steps at other parameters, none saturated; what was finite still is."""
    leaves = [s for s in recorded if s.op is None and s.tensor.requires_grad and not s.is_gradient]
    rng = np.random.default_rng(0)
    best = None
    with np.errstate(all="ignore"):
        for scale in (1.0, 0.3, 0.1, 0.03, 0.01, 1e-3, 1e-4):
            fresh = {s.number: scale * rng.standard_normal(s.shape) for s in leaves}
            near = {
                s.number: s.value * (1 + scale * rng.uniform(-0.5, 0.5, s.shape)) for s in leaves
            }
            for values in (fresh, near):
                point = replay(recorded, values)
                if all(map(_as_finite, point, (s.value for s in recorded))):
                    if not _saturated(recorded, point):
                        return point
                    best = best or point
    if best is None:
        raise ValueError(
            "no other values of the parameters were found at which everything on this tape is "
            "finite, so that the derivation could not be checked"
        )
    return best


def _as_finite(x: Any, was: Any) -> bool:
    return x.dtype.kind != "f" or bool((np.isfinite(x) | ~np.isfinite(was)).all())


def _saturated(recorded: Steps, point: list[Any]) -> bool:
    for s in recorded:
        y = point[s.number]
        if s.op is np.tanh and (np.abs(y) > 0.999).any():
            return True
        if s.op is rules.sigmoid and (np.abs(y - 0.5) > 0.499).any():
            return True
        if s.op is rules.softmax_ and (y < 1e-4).any():
            return True
    return False
