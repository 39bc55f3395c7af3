"""The table of deliberate mistakes: each changes the formula of one gradient in one place.

A mistake belongs to an operation, not to a layer: to a product, an elementwise function, a sum
that undoes broadcasting, the cost, or the gradient as a whole. Each entry is a kind, where it
applies, and a function that yields the wrong arrays it can give, with one line of advice.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite import rules
from autograd_lite.diagnosis.factors import Factors
from autograd_lite.diagnosis.layout import Formula, numbered
from autograd_lite.diagnosis.names import ARRIVING, PRODUCTS, bare, gradient_of, listed
from autograd_lite.diagnosis.places import (
    Idea,
    Place,
    broadcast,
    contribution,
    hadamard,
    matrix_product,
    proportional,
)
from autograd_lite.diagnosis.points import Array
from autograd_lite.graph import Step


@dataclass(frozen=True)
class Mistake:
    """An entry of the table: a mistake, and what the search has to know of it.

    kind: what findings call it. on: the kind of place. ideas: yields the wrong arrays. They stand
    in the place of the right contribution, or (adds) are added to it.

    A factor that comes with the mistake counts as a mistake of its own, unless it may be any number
    (free), any above zero (positive), or, in the formula for one sample, the 1/m of the cost
    (per_sample). by_factor: only the factor is wrong, and tells the kinds and the advice.

    omits: something is left out, so that an array of zeros says something. zeros: what it leaves
    out is exactly 0, which nothing is by accident. alone: made in several lines, it is several
    mistakes. patience: after how many entries that do not fit an idea is given up, if none has
    fitted.
    """

    kind: str
    on: str
    ideas: Callable[[Place], Iterator[Idea]]
    adds: bool = False
    free: bool = False
    positive: bool = False
    per_sample: bool = False
    by_factor: Callable[[float, Factors, Place], Iterator[tuple[str, str]]] | None = None
    omits: bool = False
    alone: bool = False
    zeros: bool = False
    patience: int = 2

    def idea(self, place: Place, number: int) -> Idea | None:
        """The idea of this number, as it is at the place; None if there are not so many."""
        return next(itertools.islice(self.ideas(place), number, None), None)


TABLE: list[Mistake] = []
PLACES = (
    *("function", "mixing", "product", "sum", "hadamard", "choice", "index", "order"),
    *("loss", "whole", "use", "way"),
)


def mistake(kind: str, on: str, **how: Any) -> Callable[[Any], Any]:
    """Enter what follows into the table, at each of the places in `on`."""

    if unknown := set(on.split()) - set(PLACES):
        raise ValueError(f"on={on!r}: {', '.join(unknown)} is no kind of place")

    def enter(ideas: Callable[[Place], Iterator[Idea]]) -> Callable[[Place], Iterator[Idea]]:
        TABLE.extend(Mistake(kind, where, ideas, **how) for where in on.split())
        return ideas

    return enter


# ∘ taken for @, in each order, either factor transposed.
AS_MATRICES: tuple[Callable[[Array, Array], Array | None], ...] = (
    lambda a, b: matrix_product(a, b),
    lambda a, b: matrix_product(b, a),
    lambda a, b: matrix_product(a, b.mT),
    lambda a, b: matrix_product(b.mT, a),
    lambda a, b: matrix_product(a.mT, b),
    lambda a, b: matrix_product(b, a.mT),
)
# @ taken for ∘, either factor transposed.
ENTRY_BY_ENTRY: tuple[Callable[[Array, Array], Array | None], ...] = (
    lambda a, b: hadamard(a, b),
    lambda a, b: hadamard(a, b.mT),
    lambda a, b: hadamard(a.mT, b),
    lambda a, b: hadamard(a.mT, b.mT),
)
ENDS = (("last", slice(-1, None)), ("first", slice(0, 1)))  # what a loop over samples may keep


# An elementwise function, a = f(z): dz = da ∘ f′(z)


@mistake("derivative-dropped", on="function")
def dropped(e: Place) -> Iterator[Idea]:
    """da stands for dz = da ∘ f′(z)."""
    f = e.function
    yield Idea(
        lambda: e.g,
        f"this is the gradient without {f.prime}. Multiply {f.da} by {f.formula}.",
    )


@mistake("derivative-twice", on="function")
def twice(e: Place) -> Iterator[Idea]:
    """da ∘ f′(z) ∘ f′(z)."""
    s = e.function.slope(e.point)
    yield Idea(lambda: e.g * s * s, f"{e.function.prime} is multiplied in twice. Once is right.")


@mistake("derivative-at-activation", on="function")
def at_activation(e: Place) -> Iterator[Idea]:
    """f′(a) stands for f′(z)."""
    f = e.function
    a = e.value(f.a)
    yield Idea(
        lambda: e.g * f.slope(e.point, a),
        f"{f.name}′ is taken at {f.a_name}: take it at {e.where}, {f.formula}.",
    )


@mistake("derivative-of-other-layer", on="function")
def of_other_layer(e: Place) -> Iterator[Idea]:
    """f′ is that of another layer, or taken at another layer's array."""
    f = e.function
    mend = f"Use {f.prime}, {f.formula}."
    for other in e.functions:
        if other.a is not f.a and broadcast(e.value(other.z), e.x.shape) is not None:
            advice = f"the derivative is that of {other.text}, {other.formula}. {mend}"
            yield Idea(lambda other=other: e.g * other.slope(e.point), advice, of=other.a)
    for array in _other_values(e):
        v, name = e.value(array), e.layout.name(array)
        yield Idea(
            lambda v=v: e.g * f.slope(e.point, v),
            f"{f.name}′({bare(name)}) stands for {f.prime}. {mend}",
            of=array,
        )
        if f.of_value:
            advice = f"{name} stands for {f.a_name}. {mend}"
            yield Idea(lambda v=v: e.g * f.of_value(v), advice, of=array)


@mistake("derivative-mixed", on="function")
def mixed(e: Place) -> Iterator[Idea]:
    """f′ by the value a, with that of another layer in one of its factors."""
    f, a = e.function, e.value(e.function.a)
    forms = {
        "sigmoid": [("a(1 − a′)", lambda b: a * (1 - b)), ("a′(1 − a)", lambda b: b * (1 - a))],
        "tanh": [("1 − a a′", lambda b: 1 - a * b)],
    }.get(f.like or "", [])
    for text, form in forms:
        for other in _other_values(e):
            names = f"a = {f.a_name}, a′ = {e.layout.name(other)}"
            yield Idea(
                lambda form=form, other=other: e.g * form(e.value(other)),
                f"two layers are mixed in one factor, {text} with {names}. It is {f.formula}.",
                of=other,
            )


def _other_values(e: Place) -> Iterator[Step]:
    """What may stand for the a or z of a function: no parameter, and of a shape that fits."""
    for array in e.arrays:
        if array in (e.function.a, e.function.z) or e.layout.is_parameter(array):
            continue
        if broadcast(e.value(array), e.x.shape) is not None:
            yield array


SLOPES: dict[str, Formula] = {
    "1 − a²": lambda z, a: 1 - a * a,
    "a(1 − a)": lambda z, a: a * (1 - a),
    "1 − a": lambda z, a: 1 - a,
    "a": lambda z, a: a,
    "a²": lambda z, a: a * a,
    "1 + a²": lambda z, a: 1 + a * a,
    "1 + a": lambda z, a: 1 + a,
    "a(1 + a)": lambda z, a: a * (1 + a),
    "(1 − a)²": lambda z, a: (1 - a) ** 2,
    "a²(1 − a)": lambda z, a: a * a * (1 - a),
    "a(1 − a)²": lambda z, a: a * (1 - a) ** 2,
    "a(1 − a²)": lambda z, a: a * (1 - a * a),
    "a(1 − 2a)": lambda z, a: a * (1 - 2 * a),
    "a − 1": lambda z, a: a - 1,
    "√(1 − a²)": lambda z, a: np.sqrt(np.maximum(1 - a * a, 0)),
    "(1 − a²)²": lambda z, a: (1 - a * a) ** 2,
    "1 − |a|": lambda z, a: 1 - np.abs(a),
    "z": lambda z, a: z,
    "1 − z²": lambda z, a: 1 - z * z,
    "z(1 − z)": lambda z, a: z * (1 - z),
    "1 − z": lambda z, a: 1 - z,
    "[z > 0]": lambda z, a: z > 0,
    "[a > 0]": lambda z, a: a > 0,
    "[z < 0]": lambda z, a: z < 0,
    "[z > 1]": lambda z, a: z > 1,
    "[z > 0] a": lambda z, a: (z > 0) * a,
    "[z > 0] + 0.01 [z ≤ 0]": lambda z, a: np.where(z > 0, 1, np.asarray(0.01, z.dtype)),
    "[z > 0] + [z ≤ 0] exp z": lambda z, a: np.exp(np.minimum(z, 0)),
    "sign z": lambda z, a: np.sign(z),
    "σ(z)": lambda z, a: 1 / (1 + np.exp(-z)),
    "σ(a)": lambda z, a: 1 / (1 + np.exp(-a)),
    "σ(z)(1 − σ(z))": lambda z, a: 1 / (1 + np.exp(-z)) / (1 + np.exp(z)),
    "1 − σ(z)": lambda z, a: 1 / (1 + np.exp(z)),
    "tanh z": lambda z, a: np.tanh(z),
    "1 − tanh² z": lambda z, a: 1 - np.tanh(z) ** 2,
    "1 − tanh z": lambda z, a: 1 - np.tanh(z),
    "cos z": lambda z, a: np.cos(z),
    "sin z": lambda z, a: np.sin(z),
    "exp z": lambda z, a: np.exp(z),
    "exp −z": lambda z, a: np.exp(-z),
    "1/z": lambda z, a: 1 / z,
    "1/(1 + exp z)²": lambda z, a: 1 / (1 + np.exp(z)) ** 2,
    "1/(1 + z²)": lambda z, a: 1 / (1 + z * z),
    "softplus z": lambda z, a: np.logaddexp(0, z),
}


@mistake("derivative-wrong-formula", on="function")
def wrong_formula(e: Place) -> Iterator[Idea]:
    """f′ is another formula of the table, divided by, or taken at z where a belongs."""
    f = e.function
    z, a, s = e.value(f.z), e.value(f.a), f.slope(e.point)
    names = f"a = {f.a_name}, z = {e.where}"
    for text, formula in SLOPES.items():
        yield Idea(
            lambda formula=formula: _unless_left_out(e.g, formula(z, a)),
            f"the derivative of {f.name} is taken as {text} ({names}). It is {f.formula}.",
        )
    yield Idea(lambda: e.g / s, f"{f.name}′ is divided by, not multiplied with.")
    if f.of_value:
        wrong = f"{f.formula} is taken with {e.where} in the place of {f.a_name}"
        yield Idea(lambda: e.g * f.of_value(z), f"{wrong}.")
        yield Idea(lambda: e.g * f.of_value(z), f"{wrong}.", "preactivation-used")


def _unless_left_out(g: Array, slope: Array) -> Array | None:
    """g ∘ slope; None where that is g, and the mistake one that leaves the derivative out."""
    return None if np.all(slope == 1) else g * slope


@mistake("factor-missing", on="function")
def arriving_missing(e: Place) -> Iterator[Idea]:
    """f′(z) alone, without da."""
    f = e.function
    yield Idea(
        lambda: np.array(f.slope(e.point)),
        f"this is {f.prime} alone. Multiply it by {f.da}.",
    )


@mistake("product-confused", on="function")
def slope_in_product(e: Place) -> Iterator[Idea]:
    """da @ f′(z) stands for da ∘ f′(z)."""
    f = e.function
    s = f.slope(e.point)
    advice = f"∘, not a matrix product: {f.da} ∘ {f.prime}."
    for multiply in AS_MATRICES if s.ndim > 1 else ():
        yield Idea(lambda multiply=multiply: multiply(e.g, s), advice)


@mistake("precision", on="function")
def at_kink(e: Place) -> Iterator[Idea]:
    """Right too: another slope where the function has a kink."""
    f, z = e.function, e.value(e.function.z)
    at_zero = z == 0
    if at_zero.any():
        for slope in (1.0, 0.5, 0.0):
            yield Idea(
                lambda slope=slope: np.where(at_zero, e.g * slope, e.right).astype(e.g.dtype),
                f"a kink: {np.sum(at_zero)} of {e.where} are exactly 0, where this has "
                f"{f.name}′ = {slope:g}, and the tape another choice. Neither is wrong.",
            )


# A softmax, or any function of one array that keeps its shape and mixes its entries


@mistake("softmax-elementwise", on="mixing")
def softmax_elementwise(e: Place) -> Iterator[Idea]:
    """The derivative of a softmax, as if each output came from one input."""
    y = e.value(e.t)
    name = e.mixed
    mend = f"It is {name} ∘ ({e.dt} − Σ {e.dt} ∘ {name})."
    yield Idea(
        lambda: e.g * y * (1 - y),
        f"{e.called} is not elementwise: {name}(1 − {name}) is only its diagonal. {mend}",
    )
    yield Idea(lambda: e.g * y, f"the sum over the other outputs is left out. {mend}")


@mistake("derivative-dropped", on="mixing")
def mixing_dropped(e: Place) -> Iterator[Idea]:
    """What arrives, as if the function were the identity."""
    yield Idea(lambda: e.g, f"this is {e.dt}, without the derivative of {e.called}.")


@mistake("derivative-twice", on="mixing")
def mixing_twice(e: Place) -> Iterator[Idea]:
    """The rule is applied to its own result."""
    advice = f"the derivative of {e.called} is multiplied in twice. Once is right."
    yield Idea(lambda: e.pulled(e.right), advice)


@mistake("derivative-wrong-formula", on="mixing")
def mixing_wrong_formula(e: Place) -> Iterator[Idea]:
    """The derivative of an elementwise function, or a softmax along another axis."""
    z, y = e.value(e.x), e.value(e.t)
    name = e.mixed
    for text, formula in SLOPES.items():
        if text not in ("a(1 − a)", "a"):
            yield Idea(
                lambda formula=formula: _unless_left_out(e.g, formula(z, y)),
                f"the derivative of {e.called} is taken as {text} (a = {name}, z = {e.where}), "
                "elementwise.",
            )
    for axis in range(y.ndim):
        yield Idea(
            lambda axis=axis: y * (e.g - np.sum(e.g * y, axis=axis, keepdims=True)),
            f"the sum in the derivative of {e.called} runs along axis {axis}.",
        )
    yield Idea(
        lambda: y * (e.g - np.sum(e.g * y)) if y.ndim > 1 else None,
        f"the sum in the derivative of {e.called} runs over all entries.",
    )


# A matrix product t = x @ o or o @ x


@mistake("wrong-weight", on="product")
def other_operand(e: Place) -> Iterator[Idea]:
    """Another array in the place of the other operand."""
    source, own, line = e.layout.source(e.other), e.name, e.line
    for array in e.arrays:
        if array is e.other or array is source:
            continue
        o, name, kind = e.value(array), e.layout.name(array), _kind_of_other(e, array, source)
        advice = f"{name} stands for {own}: {line}."
        yield Idea(lambda o=o: e.times(e.g, o), advice, kind, of=array)
        if array is not e.x:
            yield Idea(
                lambda o=o: e.times(e.g, o, turned=False),
                f"{name}, not transposed, stands for {own}.T: {line}.",
                kind,
                of=array,
            )


def _kind_of_other(e: Place, array: Step, right: Step) -> str:
    """What it is called when an array stands in the place of the right one."""
    if e.layout.is_parameter(array):
        return "wrong-weight"
    before = any(f.a is right for f in e.layout.functions_of.get(array.number, ()))
    return "preactivation-used" if before else "wrong-activation"


@mistake("weight-not-transposed", on="product")
def not_transposed(e: Place) -> Iterator[Idea]:
    """The other operand without its transpose."""
    kind = None if e.layout.is_parameter(e.layout.source(e.other)) else "transposed"
    yield Idea(
        lambda: e.times(e.g, e.o, turned=False), f"{e.name} is not transposed: {e.line}.", kind
    )


@mistake("transposed", on="product")
def arriving_transposed(e: Place) -> Iterator[Idea]:
    """What arrives is transposed."""
    if e.g.ndim > 1:
        advice = f"{e.dt} is transposed: {e.line}."
        yield Idea(lambda: e.times(e.g.mT, e.o), advice)
        yield Idea(lambda: e.times(e.g.mT, e.o, turned=False), advice)


@mistake("convention", on="product")
def other_order(e: Place) -> Iterator[Idea]:
    """The operands of the product stand in the other order."""
    if e.g.ndim > 1 and e.o.ndim > 1:
        laid_out = "this is the formula for samples laid out the other way (rows for columns)"
        ways = ((None, laid_out), ("product-confused", "the factors are exchanged"))
        for o in (e.o, e.o.mT):
            for kind, said in ways:
                advice = f"{said}: {e.line}."
                if e.k == 0:
                    yield Idea(lambda o=o: matrix_product(o, e.g), advice, kind)
                else:
                    yield Idea(lambda o=o: matrix_product(e.g, o), advice, kind)


@mistake("reshaped", on="product")
def operand_reshaped(e: Place) -> Iterator[Idea]:
    """A reshape stands for a transpose."""
    if e.o.ndim == 2 and e.g.ndim == 2:
        yield Idea(
            lambda: e.times(e.g, e.o.reshape(e.o.T.shape), turned=False),
            f"{e.name} is reshaped where it must be transposed: {e.line}.",
        )
        yield Idea(
            lambda: e.times(e.g.T.reshape(e.g.shape), e.o),
            f"{e.dt} is reshaped where it must be transposed: {e.line}.",
        )


@mistake("factor-missing", on="product")
def operand_missing(e: Place) -> Iterator[Idea]:
    """What arrives, without the other operand."""
    advice = f"{e.name} is left out of the chain: {e.line}."
    axis = -1 if e.k == 0 else -2
    yield Idea(lambda: broadcast(e.g, e.x.shape), advice)
    yield Idea(lambda: broadcast(e.g.sum(axis=axis, keepdims=True), e.x.shape), advice)
    if e.g.ndim > len(e.x.shape):
        batched = f"{e.line} is not summed over the first axis."
        yield Idea(lambda: e.times(e.g, e.o), batched, "not-summed")
        for k in range(e.g.ndim):
            advice = f"the sum over the first axis runs over axis {k}: {e.line}."
            yield Idea(lambda k=k: _sum(e.times(e.g, e.o), k), advice, "wrong-axis")
            both = lambda k=k: _sum(hadamard(e.o.mT, e.g) if e.k else None, k)
            yield Idea(both, f"a matrix product, not ∘: {e.line}.", "product-confused")
    if e.leaf:
        yield Idea(lambda: e.g.sum(axis=axis, keepdims=True), advice)
        yield Idea(lambda: e.g, advice)
        advice = f"{e.dt} is left out of the chain: {e.line}."
        yield Idea(lambda: e.o.mT, advice)
        yield Idea(lambda: e.o.reshape(-1, e.o.shape[-1]).T, advice)


@mistake("product-confused", on="product")
def entrywise(e: Place) -> Iterator[Idea]:
    """∘ stands for the matrix product."""
    advice = f"a matrix product, not ∘: {e.line}."
    if e.g.ndim != 2 or e.o.ndim != 2:
        return
    for multiply in ENTRY_BY_ENTRY:
        yield Idea(lambda multiply=multiply: multiply(e.g, e.o), advice)
        for axis in (0, 1):
            yield Idea(
                lambda multiply=multiply, axis=axis: _summed(multiply(e.g, e.o), axis, e.x.shape),
                advice,
            )


def _sum(array: Array | None, axis: int) -> Array | None:
    return None if array is None or axis >= array.ndim else array.sum(axis=axis)


def _summed(array: Array | None, axis: int, shape: tuple[int, ...]) -> Array | None:
    """The sum over an axis stretched to the shape; of an array that has it already, None."""
    if array is None or array.shape == shape:
        return None
    return broadcast(array.sum(axis=axis, keepdims=True), shape)


@mistake("copied-index", on="product", patience=1)
def copied_index(e: Place) -> Iterator[Idea]:
    """One row or column of a weight matrix stands for another one."""
    if not e.layout.is_parameter(e.layout.source(e.other)) or e.o.ndim != 2 or e.leaf:
        return
    units = -1 if e.k == 0 else -2  # the axis of x that counts the units this product multiplies
    n, outputs = e.x.shape[units], e.g.shape[units]
    own = f"{e.name}[:, {{}}]" if e.k == 1 else f"{e.name}[{{}}]"
    other = f"{e.name}[{{}}]" if e.k == 1 else f"{e.name}[:, {{}}]"
    for j in range(n) if n <= 12 else e.layout.alone.get(n, ()):
        for i in range(n):
            if i != j:
                advice = f"{own.format(i)} stands where {own.format(j)} belongs."
                yield Idea(lambda i=i, j=j: _copied(e.right, units, i, j), advice)
    for j in range(outputs if outputs <= 64 else 0):
        for i in range(outputs):
            if i != j:
                advice = f"{other.format(i)} stands where {other.format(j)} belongs."
                yield Idea(lambda i=i, j=j: e.times(e.g, _copied(e.o, 1 - e.k, i, j)), advice)


def _copied(array: Array, axis: int, i: int, j: int) -> Array:
    """The array with its part i along an axis in the place of part j as well."""
    copy = array.copy()
    np.moveaxis(copy, axis, 0)[j] = np.moveaxis(array, axis, 0)[i]
    return copy


@mistake("stale-weights", on="product", adds=True, free=True, positive=True)
def stale_weights(e: Place) -> Iterator[Idea]:
    """The weights after their update stand for those of the forward pass."""
    source = e.layout.source(e.other)
    if e.layout.is_parameter(source) and not e.leaf and source.number in e.point.gradients:
        yield Idea(
            lambda: e.times(e.g, -e.point.gradients[e.other.number]),
            f"{e.name} was updated before it was used: {e.dx} needs the {e.name} of the forward "
            "pass. (Rate of the update: {factor}.)",
        )


@mistake("one-sample", on="product")
def one_sample(e: Place) -> Iterator[Idea]:
    """A loop keeps the product of one sample."""
    if not e.leaf or e.g.ndim < 2:
        return
    for which, part in ENDS:
        at = (..., part) if e.k == 0 else (..., part, slice(None))
        yield Idea(
            lambda at=at: e.times(e.g[at], e.o[at]),
            f"only the {which} sample is in {e.dx}: add up over all of them, {e.formula}.",
        )


# A sum that undoes broadcasting, as the gradient of a bias has


@mistake("bias-not-summed", on="sum")
def not_summed(e: Place) -> Iterator[Idea]:
    """What arrives, without the sum."""
    yield Idea(lambda: e.g, f"{e.dt} is not summed over the samples: {e.line}.")


@mistake("bias-wrong-axis", on="sum")
def wrong_axis(e: Place) -> Iterator[Idea]:
    """The sum over another axis."""
    right = e.summed
    for axis in range(e.g.ndim):
        if axis not in right or len(right) > 1:
            advice = f"summed over axis {axis}: {e.line}."
            yield Idea(lambda axis=axis: e.g.sum(axis=axis, keepdims=True), advice)
            yield Idea(lambda axis=axis: e.g.sum(axis=axis), advice)
            if e.g.size == e.g.shape[axis] * e.right.size:
                yield Idea(lambda axis=axis: e.g.sum(axis=axis).reshape(e.x.shape), advice)
            yield Idea(
                lambda axis=axis: broadcast(e.g.sum(axis=axis, keepdims=True), e.x.shape), advice
            )


@mistake("bias-summed-over-all", on="sum")
def summed_over_all(e: Place) -> Iterator[Idea]:
    """The sum over all axes."""
    advice = f"all of {e.dt} is summed to one number: {e.line}."
    yield Idea(lambda: np.full(e.x.shape, e.g.sum()), advice)
    yield Idea(lambda: np.asarray(e.g.sum()), advice)
    yield Idea(lambda: np.full((1,) * e.g.ndim, e.g.sum()), advice)


@mistake("bias-times-activation", on="sum")
def times_activation(e: Place) -> Iterator[Idea]:
    """The sum of a product, as in the gradient of a weight."""
    mend = f"{e.line}, without it: the derivative of Z by a bias is 1."
    for array in e.arrays:
        if array.shape and not e.layout.is_parameter(array):
            v, name = e.value(array), e.layout.name(array)
            if broadcast(v, e.g.shape) is not None:
                advice = f"{name} is multiplied into {e.dx}. {mend}"
                yield Idea(lambda v=v: e.fitted(e.g * v), advice, of=array)
            if v.ndim == e.g.ndim == 2:
                for multiply in AS_MATRICES[2:4]:
                    both = lambda multiply=multiply, v=v: multiply(e.g, v)
                    yield Idea(both, f"{name} is multiplied into {e.dx}. {mend}", of=array)
                    advice = f"{name} is multiplied into {e.dx} before the sum. {mend}"
                    sum_of = lambda both=both: None if (p := both()) is None else e.fitted(p)
                    yield Idea(sum_of, advice, of=array)


@mistake("one-sample", on="sum")
def one_sample_of_sum(e: Place) -> Iterator[Idea]:
    """A loop keeps the term of one sample."""
    for axis in e.summed:
        for which, part in ENDS:
            yield Idea(
                lambda axis=axis, part=part: e.fitted(e.g[_along(axis, part)]),
                f"only the {which} sample is in {e.dx}: {e.line}.",
            )


@mistake("derivative-dropped", on="product sum")
def before_slope(e: Place) -> Iterator[Idea]:
    """In the gradient of a leaf: dA stands for dZ, or f′ is multiplied in once more."""
    f = e.layout.function_after(e.t)
    if not e.leaf or f is None:
        return

    def taken(g: Array) -> Array | None:
        return e.times(g, e.o) if e.on == "product" else e.fitted(g)

    z_name = e.layout.name(f.z)
    yield Idea(
        lambda: taken(e.point.gradients[f.a.number]),
        f"{f.da} stands for {gradient_of(z_name)} in {e.dx}: it lacks {f.prime}.",
    )
    yield Idea(
        lambda: taken(e.g * f.slope(e.point)),
        f"{f.prime} is multiplied in twice in {e.dx}.",
        "derivative-twice",
    )


# A Hadamard product t = x ∘ o


@mistake("factor-missing", on="hadamard")
def hadamard_missing(e: Place) -> Iterator[Idea]:
    """One of the two factors alone."""
    yield Idea(lambda: e.fitted(e.g), f"{e.name} is left out: {e.line}.")
    alone = lambda: e.fitted(np.array(np.broadcast_to(e.o, e.g.shape)))
    yield Idea(alone, f"{e.dt} is left out: {e.line}.")


@mistake("wrong-activation", on="hadamard")
def hadamard_other(e: Place) -> Iterator[Idea]:
    """Another array in the place of the other factor."""
    for name, v, of in e.instead_of(e.other, e.g.shape):
        kind = None if of is None else _kind_of_other(e, of, e.other)
        advice = f"{name} stands for {e.name}: {e.line}."
        yield Idea(lambda v=v: e.fitted(e.g * v), advice, kind, of=of)


@mistake("product-confused", on="hadamard")
def hadamard_as_product(e: Place) -> Iterator[Idea]:
    """@ stands for ∘."""
    if e.g.ndim == e.o.ndim == 2:
        for multiply in AS_MATRICES[:4]:
            advice = f"∘, not a matrix product: {e.line}."
            yield Idea(lambda multiply=multiply: multiply(e.g, e.o), advice)


# Several factors, or a sum, in one line: what a person merges


@mistake("factor-missing", on="whole use way")
def merged_factor(e: Place) -> Iterator[Idea]:
    """A factor of the formula is left out, or stands there once too often, or alone."""
    for u in e.operands if not e.leaf else ():
        v, name = e.value(u), e.layout.name(u)
        if not np.any(v):  # with zeros it is as a term that is left out
            continue
        for power, text in ((v, name), (v * v, f"{name}²")):
            advice = f"{text} is a factor of {e.what} too often."
            yield Idea(lambda power=power: e.right * power, advice, of=u)
        if np.all(v):
            yield Idea(
                lambda v=v: e.right / v, f"{name} is left out as a factor of {e.what}.", of=u
            )
            advice = f"{name} is a divisor of {e.what} where it must be a factor."
            yield Idea(lambda v=v: e.right / (v * v), advice, of=u)
        alone = f"this is {name} alone: what arrives is left out of {e.what}."
        yield Idea(lambda v=v: np.array(np.broadcast_to(v, e.x.shape)), alone, of=u)


@mistake("wrong-activation", on="whole use way")
def merged_other(e: Place) -> Iterator[Idea]:
    """Another array in the place of a factor or divisor."""
    covered = e.on == "use" and e.t.op in (np.multiply, *PRODUCTS)
    for u in e.operands if not (e.leaf or covered) else ():
        v, name, divides = e.value(u), e.layout.name(u), e.divides(u)
        for other, w, of in e.instead_of(u) if np.all(v) else ():
            advice = f"{other} stands for {name} in {e.what}."
            kind = None if of is None else _kind_of_other(e, of, u)
            if not divides:
                yield Idea(lambda v=v, w=w: e.right / v * w, advice, kind, of=of)
            elif np.all(w):
                yield Idea(lambda v=v, w=w: e.right * v / w, advice, kind, of=of)
                yield Idea(lambda v=v, w=w: e.right * (v / w) ** 2, advice, kind, of=of)
                yield Idea(lambda v=v, w=w: e.right * (v / w) ** 3, advice, kind, of=of)


@mistake("wrong-axis", on="sum way")
def merged_axis(e: Place) -> Iterator[Idea]:
    """A sum in the formula runs over another axis, or is left out."""
    if (r := e.reduction) is None or len(r.axes) != 1:
        return
    right, total, where = r.axes[0], lambda: e.reduction or r, e.layout.name(r.to)
    line = e.layout.gradient(r.to)
    for axis in range(r.inner.ndim):
        if axis != right:
            advice = f"the sum in {line} runs over axis {axis}: sum over axis {right}."
            for u in (None, *(a for a in e.layout.reduced if a.shape == r.factor_shape)):
                for power in (1, 2, 3) if u is not None else (0,):
                    k = 1.0 if u is None else e.value(u) ** power
                    moved = lambda k=k, axis=axis: hadamard(
                        (total().inner * k).sum(axis=axis, keepdims=True), total().factor / k
                    )
                    yield Idea(moved, advice, where=where)
            if e.on == "sum":
                alone = lambda axis=axis: total().inner.sum(axis=axis, keepdims=True)
                yield Idea(alone, advice, where=where)
                yield Idea(lambda axis=axis: total().inner.sum(axis=axis), advice, where=where)
    advice = f"the sum over axis {right} in {line} is left out: sum it."
    whole = lambda: hadamard(total().inner, total().factor)
    yield Idea(whole, advice, "not-summed", where=where)


@mistake("factor-missing", on="sum way")
def summand(e: Place) -> Iterator[Idea]:
    """A factor inside of a sum is left out, or stands there too often, or is another."""
    if (r := e.reduction) is None:
        return

    def summed(inner: Array) -> Array:
        return inner.sum(axis=r.axes, keepdims=True) * (e.reduction or r).factor

    inner, where = lambda: (e.reduction or r).inner, e.layout.name(r.to)
    line = e.layout.gradient(r.to)
    steps = [t for t, _ in e.way or ((e.t, e.k),)]
    inside = {s.number: s for t in steps for s in (*t.inputs, t) if isinstance(s, Step)}
    for u in inside.values():
        v, name = e.value(u), e.layout.name(u)
        if v.shape != r.inner.shape or v.dtype.kind != "f":
            continue
        advice = f"{name} is a factor too often inside of the sum in {line}."
        yield Idea(lambda v=v: summed(inner() * v), advice, of=u, where=where)
        if np.all(v):
            advice = f"{name} is left out inside of the sum in {line}."
            yield Idea(lambda v=v: summed(inner() / v), advice, of=u, where=where)
            for other, w, of in e.instead_of(u, r.inner.shape):
                advice = f"{other} stands for {name} inside of the sum in {line}."
                yield Idea(
                    lambda v=v, w=w: summed(inner() / v * w),
                    advice,
                    "wrong-activation",
                    of=of,
                    where=where,
                )
    arriving = e.point.gradients
    for d in e.layout.named_gradients(r.inner.shape):
        g = arriving[d.number]
        if np.all(g):
            advice = f"d{d.label} is left out inside of the sum in {line}."
            yield Idea(
                lambda d=d: summed(inner() / e.point.gradients[d.number]), advice, of=d, where=where
            )


# A choice, t = max(x, axis) or where(c, x, y); parts of x; the axes of x in another order


@mistake("mask-missing", on="choice")
def mask_missing(e: Place) -> Iterator[Idea]:
    """What arrives goes to every entry, or to those that were not chosen."""
    chosen = e.t.op.__name__
    n = max(1, math.prod(e.x.shape) // max(1, math.prod(e.t.shape)))
    everywhere = lambda: np.array(np.broadcast_to(e.g, np.broadcast_shapes(e.g.shape, e.x.shape)))
    mend = f"{e.dt} belongs to the entries that {chosen} chose."
    yield Idea(lambda: everywhere(), f"the mask of {chosen} is left out of {e.what}: {mend}")
    advice = f"{e.dt} is shared by all {n} entries, without the mask of {chosen}: {mend}"
    yield Idea(lambda: everywhere() / n, advice)
    yield Idea(
        lambda: np.where(e.ones_through != 0, 0, everywhere()),
        f"the mask of {chosen} is inverted in {e.what}: {mend}",
        "mask-inverted",
    )


@mistake("overwritten", on="index")
def index_overwritten(e: Place) -> Iterator[Idea]:
    """Entries that an index takes several times are written, not added up."""
    where = np.zeros(e.x.shape, int)
    where.ravel()[:] = np.arange(where.size)
    taken = np.asarray(e.t.op(where, *e.point.arguments(e.t)[1:], **e.t.static)).ravel()
    if len(np.unique(taken)) == taken.size and e.part == "all":
        return
    reached = np.isin(where, taken)
    advice = (
        f"{e.where} is taken at some places several times, and what comes from each overwrites "
        f"what came before in {e.dx}: add it up (np.add.at)."
    )

    def written(order: slice) -> Array:
        total = np.zeros(math.prod(e.x.shape), e.g.dtype)
        total[taken[order]] = e.g.ravel()[order]
        return total.reshape(e.x.shape)

    for order in (slice(None), slice(None, None, -1)):
        yield Idea(lambda order=order: written(order), advice)
        if e.part != "all":
            others = lambda order=order: written(order) - np.where(reached, e.others, 0)
            yield Idea(others, advice)


@mistake("wrong-order", on="order")
def axes_in_another_order(e: Place) -> Iterator[Idea]:
    """A reshape for a transpose, or axes permuted in another way, on the way back to x."""
    top, between = e.layout.rearranged_to(e.x)
    whose = "what arrives" if top is e.x else e.layout.gradient(top)
    advice = (
        f"its entries are in another order: {e.dx} is {whose} with the axes transposed and "
        "reshaped back. A reshape alone keeps the order in memory."
    )
    for start in (top, *between):
        for axes in itertools.permutations(range(len(start.shape))) if len(start.shape) < 6 else ():
            if math.prod(start.shape) == math.prod(e.x.shape) > 1:
                yield Idea(
                    lambda start=start, axes=axes: (
                        e.point.gradients[start.number].transpose(axes).reshape(e.x.shape)
                    ),
                    advice,
                )


@mistake("flipped", on="whole")
def reversed_along(e: Place) -> Iterator[Idea]:
    """The right numbers, in reverse order along axes, or with the axes permuted."""
    n = len(e.x.shape)
    if n < 2 or not (n > 2 or e.leaf):
        return
    for count in (1, 2):
        for axes in itertools.combinations(range(n), count):
            advice = f"{e.dx} is reversed along axis {' and '.join(map(str, axes))}: flip it back."
            yield Idea(lambda axes=axes: np.flip(e.right, axes), advice)
    for axes in itertools.permutations(range(n)) if 2 < n < 5 else ():
        if list(axes) != sorted(axes):
            advice = f"the axes of {e.dx} are in another order: transpose it back, to {e.x.shape}."
            yield Idea(lambda axes=axes: e.right.transpose(axes), advice, "transposed")


# The cost: the derivative of the loss at the output, or past the output's own function


LOSSES: dict[str, Formula] = {
    "a − y": lambda a, y: a - y,
    "(a − y)/(a(1 − a))": lambda a, y: (a - y) / (a * (1 - a)),
    "−y/a": lambda a, y: -y / a,
    "(1 − y)/(1 − a)": lambda a, y: (1 - y) / (1 - a),
    "y/a": lambda a, y: y / a,
    "−y/a − (1 − y)/(1 − a)": lambda a, y: -y / a - (1 - y) / (1 - a),
    "y/(1 − a)": lambda a, y: y / (1 - a),
    "(1 − y)/a": lambda a, y: (1 - y) / a,
    "−y/a + (1 − y)/a": lambda a, y: (1 - 2 * y) / a,
    "−y/(1 − a) + (1 − y)/a": lambda a, y: -y / (1 - a) + (1 - y) / a,
    "(a − y)a": lambda a, y: (a - y) * a,
    "(a − y)(1 − a)": lambda a, y: (a - y) * (1 - a),
    "(a − y)a(1 − a)": lambda a, y: (a - y) * a * (1 - a),
    "(a − y)y": lambda a, y: (a - y) * y,
    "(a − y)²": lambda a, y: (a - y) ** 2,
    "(a − y)²/2": lambda a, y: (a - y) ** 2 / 2,
    "|a − y|": lambda a, y: np.abs(a - y),
    "sign(a − y)": lambda a, y: np.sign(a - y),
    "a + y": lambda a, y: a + y,
    "a y": lambda a, y: a * y,
    "log a": lambda a, y: np.log(a),
    "−y log a": lambda a, y: -y * np.log(a),
    "−y log a − (1 − y) log(1 − a)": lambda a, y: -y * np.log(a) - (1 - y) * np.log(1 - a),
    "y": lambda a, y: y,
    "1 − y": lambda a, y: 1 - y,
    "2a − y": lambda a, y: 2 * a - y,
    "a − y/2": lambda a, y: a - y / 2,
    "a² − y": lambda a, y: a * a - y,
    "(a − y)/a": lambda a, y: (a - y) / a,
    "a − y²": lambda a, y: a - y * y,
    "a² − y²": lambda a, y: a * a - y * y,
    "(a − y)³": lambda a, y: (a - y) ** 3,
}


@mistake("loss-derivative", on="loss", per_sample=True)
def loss_derivative(e: Place) -> Iterator[Idea]:
    """Another formula of the table for the derivative of the loss."""
    if e.in_a_layer:
        return
    a, y, name = e.compared()
    for text, form in LOSSES.items():
        yield Idea(
            lambda form=form: np.asarray(form(a, y)),
            f"the derivative of the loss is taken as {text} (a = {name}, y the labels): "
            f"this is not the derivative of {e.layout.cost_name} by {e.where}.",
        )
    if e.function is not None:
        slope = e.function.slope(e.point)
        yield Idea(
            lambda: (a - y) * slope * slope, "(a − y) is multiplied by the derivative twice."
        )


@mistake("output-not-loss", on="loss", per_sample=True)
def output_not_loss(e: Place) -> Iterator[Idea]:
    """The pass starts from the output, or from its slope, without the loss."""
    a, _, name = e.compared()
    first = ARRIVING if e.in_a_layer else f"∂J/∂{name}, the derivative of the loss"
    advice = f"this starts from {name} itself: begin with {first}."
    yield Idea(lambda: np.ones_like(a), advice)
    yield Idea(lambda: np.array(a), advice)
    if e.function is not None:
        yield Idea(lambda: np.array(e.function.slope(e.point)), advice)
        yield Idea(lambda: a * e.function.slope(e.point), advice)


# The gradient as a whole


def _by_factor(factor: float, factors: Factors, e: Place) -> Iterator[tuple[str, str]]:
    """The kinds of mistake that a factor alone may be, each with its advice."""
    it = "it" if e.on == "whole" else e.what
    if factor == -1:
        whose = "its sign" if e.on == "whole" else f"the sign of {it}"
        yield "sign", f"{whose} is wrong. Multiply it by −1."
        return
    size = abs(factor)
    sign = " And its sign is wrong." if factor < 0 else ""
    for m in factors.samples:
        if size not in (m, 1 / m):
            continue
        if size == m:
            text = f"{it} is m = {m} times too large: the mean over the samples is meant."
            yield "missing-mean", f"{text} Divide by {m}.{sign}"
        else:
            text = f"{it} is divided by m = {m} once too often."
            yield "extra-mean", f"{text} Multiply by {m}.{sign}"
        if not e.leaf:
            outside = "outside" if size > 1 else "inside"
            text = f"right where 1/m stands {outside} of it; in this cost it does not."
            yield "convention", text + sign
    if size == 2:
        yield "factor-two", f"{it} is twice what it should be. Divide by 2.{sign}"
    if size == 0.5:
        text = f"{it} is half of what it should be. Multiply by 2.{sign}"
        yield "factor-two", text
        yield "scale", text
    if size >= 2 and size == int(size) and size <= 100:
        yield "accumulated", f"{it} is added {size:g} times: start it from zero each time.{sign}"
    if size not in (2, 0.5):
        yield "scale", f"{it} is {factors.text(factor)} times what it should be."


@mistake("scale", on="whole use way", by_factor=_by_factor)
def factor_wrong(e: Place) -> Iterator[Idea]:
    """The right contribution: only a factor is wrong, and says what it means."""
    yield Idea(lambda: e.right, "")


@mistake("transposed", on="whole use")
def gradient_transposed(e: Place) -> Iterator[Idea]:
    """The transpose of the right gradient."""
    if len(e.x.shape) >= 2:
        yield Idea(lambda: e.right.mT, f"{e.dx} is transposed: transpose it back, to {e.x.shape}.")


@mistake("reshaped", on="whole use")
def gradient_reshaped(e: Place) -> Iterator[Idea]:
    """A reshape of the right gradient, where its transpose is meant."""
    if len(e.x.shape) == 2:
        advice = f"{e.dx} was reshaped where it must be transposed: .T, not .reshape."
        yield Idea(lambda: e.right.T.reshape(e.x.shape), advice)
        yield Idea(lambda: e.right.reshape(e.x.shape[::-1]).T, advice)
        yield Idea(lambda: e.right.reshape(e.x.shape[::-1]), advice)


@mistake("shape", on="whole")
def squeezed(e: Place) -> Iterator[Idea]:
    """The right numbers in another number of dimensions."""
    given = e.given
    if given is not None and given.ndim != e.g.ndim and given.size == e.g.size:
        keep = " (keepdims=True keeps the axis of a sum)" if given.ndim < e.g.ndim else ""
        yield Idea(
            lambda: e.g.reshape(given.shape),
            f"the numbers are right, the shape {given.shape} is not: make it {e.x.shape}{keep}.",
        )


@mistake("one-sample", on="whole")
def one_sample_only(e: Place) -> Iterator[Idea]:
    """All samples but one are zero."""
    for axis, n in enumerate(e.g.shape):
        if n in e.layout.samples and not e.leaf:
            for which, _ in ENDS:
                rest = slice(0, n - 1) if which == "last" else slice(1, None)
                advice = f"only the {which} sample reaches {e.dx}: use all {n}."
                yield Idea(lambda axis=axis, rest=rest: _zero_at(e.g, axis, rest), advice)


@mistake("part-zero", on="whole", omits=True, zeros=True)
def end_missing(e: Place) -> Iterator[Idea]:
    """The first or the last part along an axis is zero."""
    for axis, n in enumerate(e.g.shape if not e.leaf else ()):
        for i in (0, n - 1) if n > 1 else ():
            advice = f"index {i} along axis {axis} of {e.dx} was never written: it is zero."
            yield Idea(lambda axis=axis, i=i: _zero_at(e.g, axis, i), advice)


@mistake("part-zero", on="whole", omits=True, zeros=True)
def part_zero(e: Place) -> Iterator[Idea]:
    """Zero where what was handed in has rows, columns or entries that are zero."""
    for length, empty in e.layout.empty:
        for axis, n in enumerate(e.g.shape):
            if n == length:
                shown = ", ".join(map(str, empty[:6])) + (", …" if len(empty) > 6 else "")
                rows = {0: "row", 1: "column"}.get(axis, "part") if e.g.ndim > 1 else "entry"
                many = f"{rows}s {shown} were" if len(empty) > 1 else f"{rows} {shown} was"
                advice = f"{many} never written to {e.dx}: they are zero."
                yield Idea(lambda axis=axis, empty=empty: _zero_at(e.g, axis, list(empty)), advice)
    if e.given is not None and e.given.shape == e.g.shape and np.any(e.given):
        yield Idea(
            lambda: np.where(e.given == 0, 0, e.g),
            f"{np.sum(e.given == 0)} entries of {e.dx} were never written: they are 0.",
        )


@mistake("part-zero", on="whole", omits=True, zeros=True, alone=True)
def all_zero(e: Place) -> Iterator[Idea]:
    """A gradient that stayed as it began."""
    if e.leaf and e.given is not None and not np.any(e.given):
        yield Idea(lambda: np.zeros_like(e.g), f"{e.dx} was never written: all of it is zero.")


def _along(axis: int, index: Any) -> tuple[Any, ...]:
    """The index that takes a part along one axis."""
    return (slice(None),) * axis + (index,)


def _zero_at(array: Array, axis: int, index: Any) -> Array:
    """The array with a part along one axis set to zero."""
    part = array.copy()
    part[_along(axis, index)] = 0
    return part


@mistake("regularisation", on="whole", adds=True, free=True, omits=True)
def regularisation_extra(e: Place) -> Iterator[Idea]:
    """A multiple of the parameter is added."""
    if e.leaf:
        yield Idea(
            lambda: np.array(e.value(e.x)),
            f"{{factor}} times {e.where} is added, an L2 term that {e.layout.cost_name} does not "
            "have: take it out here, or put it into the cost.",
        )


@mistake("accumulated", on="whole", adds=True)
def accumulated(e: Place) -> Iterator[Idea]:
    """The gradient kept in `.grad` is added."""
    older = e.x.tensor.grad
    if older is not None:
        yield Idea(
            lambda: older, f"{e.dx} is added to an older gradient: start from zero (zero_grad)."
        )


# One of several uses of a tensor


@mistake("path-missing", on="use", omits=True)
def path_missing(e: Place) -> Iterator[Idea]:
    """What comes through this use is left out."""
    times, through = len(e.layout.paths.uses[e.x.number]), e.layout.below(e.t)
    advice = f"{e.where} is used {times} times: add the path through {through}."
    if times == 1:
        advice = f"{e.where} is taken as constant: add the path through {through}."
    yield Idea(lambda: np.zeros_like(e.right), advice)


@mistake("path-missing", on="way", omits=True)
def way_missing(e: Place) -> Iterator[Idea]:
    """What comes on one way is left out, as if what it passes were constant."""
    through = e.layout.way_text(e.x, e.way)
    yield Idea(
        lambda: np.zeros_like(e.right),
        f"{through} depends on {e.where} too, and is taken as constant: add the path through it.",
    )


@mistake("path-missing", on="whole", omits=True)
def ways_missing(e: Place) -> Iterator[Idea]:
    """What comes on several ways is left out; or all but one, which has the wrong sign."""
    ways = {e.layout.way_text(e.x, way): dataclasses.replace(e, way=way) for way in e.ways}
    for kept, place in ways.items():
        rest = listed(sorted((name for name in ways if name != kept), key=numbered))
        kept_alone = lambda place=place: contribution(e.point, e.x, place.part)
        advice = f"{e.dx} has the path through {kept} alone: add what comes through {rest}."
        if len(ways) > 2:
            yield Idea(kept_alone, advice)
            rest_turned = lambda kept_alone=kept_alone: 2 * kept_alone() - e.right
            advice = f"the sign of all in {e.dx} but what comes through {kept} is wrong."
            yield Idea(rest_turned, advice, "sign")
        wrong_sign = lambda kept_alone=kept_alone: -kept_alone()
        yield Idea(wrong_sign, f"{advice} And the sign of what is there is wrong.")


@mistake("overwritten", on="whole", omits=True)
def overwritten(e: Place) -> Iterator[Idea]:
    """Of several uses, only what comes through one is kept."""
    uses = e.layout.paths.uses[e.x.number]
    for t, k in uses if len(uses) > 1 else ():
        advice = f"only the path through {e.layout.below(t)} is in {e.dx}: {e.where} is used "
        advice += f"{len(uses)} times. Add up what comes from each: {e.dx} += …, not =."
        part = lambda t=t, k=k: contribution(e.point, e.x, (t.number, k))
        yield Idea(part, advice, None if e.leaf else "path-missing", of=t)


@mistake("exchanged", on="whole")
def exchanged(e: Place) -> Iterator[Idea]:
    """The gradient of another tensor was handed in for this one."""
    for other in e.layout.asked:
        if other is not e.x:
            name = e.layout.name(other)
            advice = f"this is d{name}: it was exchanged, or handed in under the wrong name."
            yield Idea(lambda other=other: e.point.gradients[other.number], advice, of=other)
            if len(other.shape) == 2 and min(other.shape) > 1:
                advice = f"this is d{name}, transposed: it was exchanged with it."
                turned = lambda other=other: e.point.gradients[other.number].T
                yield Idea(turned, advice, of=other)


@mistake("exchanged", on="whole")
def parts_exchanged(e: Place) -> Iterator[Idea]:
    """The gradients of two parts of x, as gates are, stand in each other's place."""
    uses = [(t, k) for t, k in e.layout.paths.uses[e.x.number] if t.op is rules.getitem]
    for (s, j), (t, k) in itertools.combinations(uses, 2):
        if s.shape == t.shape:

            def turned(s: Step = s, j: int = j, t: Step = t, k: int = k) -> Array:
                point, gs = e.point, [e.point.gradients[u.number] for u in (s, t)]
                off = gs[1] - gs[0]
                return e.g + point.contribution(s, j, off) - point.contribution(t, k, off)

            names = f"{e.layout.below(s)} and {e.layout.below(t)}"
            yield Idea(turned, f"the parts of {e.dx} for {names} are exchanged.")


@mistake("path-missing", on="whole", omits=True)
def cut_off(e: Place) -> Iterator[Idea]:
    """Nothing flows back through x."""
    if not e.leaf and e.x is not e.layout.paths.cost:
        yield Idea(
            lambda: np.zeros_like(e.right),
            f"{e.dx} is taken as zero, as if {e.where} were constant, so that nothing flows back "
            f"through {e.where}: add the path through it.",
        )


@mistake("regularisation", on="use", free=True)
def regularisation_constant(e: Place) -> Iterator[Idea]:
    """λ is added in the place of λ W."""
    if e.leaf and proportional(e.right, e.value(e.x)):
        text = f"{{factor}} is added in the place of that times {e.where}: {e.where} is left out."
        yield Idea(lambda: np.ones_like(e.right), text)


@mistake("regularisation", on="use", free=True, omits=True)
def regularisation_scaled(e: Place) -> Iterator[Idea]:
    """The L2 term with another factor."""
    if e.leaf and proportional(e.right, e.value(e.x)):
        advice = f"the L2 term of {e.where} is {{factor}} times as large as it is in the cost."
        yield Idea(lambda: e.right, advice)


@mistake("regularisation", on="use", omits=True)
def regularisation_missing(e: Place) -> Iterator[Idea]:
    """The L2 term is left out."""
    if e.leaf and proportional(e.right, e.value(e.x)):
        yield Idea(
            lambda: np.zeros_like(e.right),
            f"the L2 term is missing: its derivative, a multiple of {e.where}, is to be added.",
        )
