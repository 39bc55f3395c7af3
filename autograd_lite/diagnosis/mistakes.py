"""The table of deliberate mistakes: each changes the formula of one gradient in one place.

A mistake belongs to an operation, not to a layer: to a product, an elementwise function, a sum
that undoes broadcasting, the cost, or the gradient as a whole. Each entry is a kind, where it
applies, and a function that yields the wrong arrays it can give, with one line of advice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autograd_lite.diagnosis.places import Idea, Mistake, Place, broadcast, hadamard, product
from autograd_lite.diagnosis.points import Array

TABLE: list[Mistake] = []


def mistake(kind: str, on: str, **how: bool) -> Callable[[Any], Any]:
    """Enter what follows into the table, at each of the places in `on`."""

    def enter(ideas: Callable[[Place], Iterator[Idea]]) -> Callable[[Place], Iterator[Idea]]:
        TABLE.extend(Mistake(kind, where, ideas, **how) for where in on.split())
        return ideas

    return enter


# An elementwise function, a = f(z): dz = da ∘ f′(z)


@mistake("derivative-dropped", on="function")
def dropped(e: Place) -> Iterator[Idea]:
    f = e.function
    yield Idea(
        e.g,
        f"this is the gradient without {f.name}′({e.where}). "
        f"Multiply d{e.layout.name(f.a)} by {f.formula}.",
    )


@mistake("derivative-twice", on="function")
def twice(e: Place) -> Iterator[Idea]:
    s = e.function.slope(e.point)
    yield Idea(e.g * s * s, f"{e.function.name}′({e.where}) is multiplied in twice. Once is right.")


@mistake("derivative-at-activation", on="function")
def at_activation(e: Place) -> Iterator[Idea]:
    f = e.function
    a = e.value(f.a)
    yield Idea(
        e.g * f.slope(e.point, a),
        f"{f.name}′ is taken at {e.layout.name(f.a)}: take it at {e.where}, {f.formula}.",
    )


@mistake("derivative-of-other-layer", on="function")
def of_other_layer(e: Place) -> Iterator[Idea]:
    f = e.function
    mend = f"Use {f.name}′({e.where}), {f.formula}."
    for other in e.functions:
        if other.a is not f.a and broadcast(e.value(other.z), e.x.shape) is not None:
            advice = f"the derivative is that of {other.text}. {mend}"
            yield Idea(e.g * other.slope(e.point), advice)
    for array in e.arrays:
        v, name = e.value(array), e.layout.name(array)
        if array in (f.a, f.z) or e.layout.is_parameter(array) or broadcast(v, e.x.shape) is None:
            continue
        yield Idea(
            e.g * f.slope(e.point, v), f"{f.name}′({name}) stands for {f.name}′({e.where}). {mend}"
        )
        if f.of_value:
            yield Idea(e.g * f.of_value(v), f"{name} stands for {e.layout.name(f.a)}. {mend}")


@mistake("derivative-mixed", on="function")
def mixed(e: Place) -> Iterator[Idea]:
    f, a = e.function, e.value(e.function.a)
    forms = {
        "sigmoid": [("a(1 − a′)", lambda b: a * (1 - b)), ("a′(1 − a)", lambda b: b * (1 - a))],
        "tanh": [("1 − a a′", lambda b: 1 - a * b)],
    }.get(f.like or "", [])
    for text, form in forms:
        for other in e.arrays:
            b = e.value(other)
            if other in (f.a, f.z) or e.layout.is_parameter(other):
                continue
            if broadcast(b, a.shape) is not None:
                names = f"a = {e.layout.name(f.a)}, a′ = {e.layout.name(other)}"
                yield Idea(
                    e.g * form(b),
                    f"two layers are mixed in one factor, {text} with {names}. It is {f.formula}.",
                )


SLOPES: dict[str, Callable[[Array, Array], Array]] = {
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
    f = e.function
    z, a, s = e.value(f.z), e.value(f.a), f.slope(e.point)
    names = f"a = {e.layout.name(f.a)}, z = {e.where}"
    for text, formula in SLOPES.items():
        yield Idea(
            e.g * formula(z, a),
            f"the derivative of {f.name} is taken as {text} ({names}). It is {f.formula}.",
        )
    yield Idea(e.g / s, f"{f.name}′ is divided by, not multiplied with.")
    if f.of_value:
        wrong = f"{f.formula} is taken with {e.where} in the place of {e.layout.name(f.a)}"
        yield Idea(e.g * f.of_value(z), f"{wrong}.")
        yield Idea(e.g * f.of_value(z), f"{wrong}.", "preactivation-used")


@mistake("factor-missing", on="function")
def arriving_missing(e: Place) -> Iterator[Idea]:
    f = e.function
    yield Idea(
        np.array(f.slope(e.point)),
        f"this is {f.name}′({e.where}) alone. Multiply it by d{e.layout.name(f.a)}.",
    )


@mistake("product-confused", on="function")
def slope_in_product(e: Place) -> Iterator[Idea]:
    f = e.function
    s = f.slope(e.point)
    advice = f"∘, not a matrix product: d{e.layout.name(f.a)} ∘ {f.name}′({e.where})."
    if s.ndim < 2:
        return
    for left, right in ((e.g, s), (s, e.g), (e.g, s.mT), (s.mT, e.g), (e.g.mT, s), (s, e.g.mT)):
        yield Idea(product(left, right), advice)


@mistake("precision", on="function")
def at_kink(e: Place) -> Iterator[Idea]:
    f, z = e.function, e.value(e.function.z)
    at_zero = z == 0
    if at_zero.any():
        for slope in (1.0, 0.5, 0.0):
            yield Idea(
                np.where(at_zero, e.g * slope, e.right).astype(e.g.dtype),
                f"a kink: {np.sum(at_zero)} of {e.where} are exactly 0, where this has "
                f"{f.name}′ = {slope:g}, and the tape another choice. Neither is wrong.",
            )


# A softmax, or any function of one array that keeps its shape and mixes its entries


@mistake("softmax-elementwise", on="mixing")
def softmax_elementwise(e: Place) -> Iterator[Idea]:
    y = e.value(e.t)
    name = e.layout.name(e.t)
    mend = f"It is {name} ∘ ({e.dt} − Σ {e.dt} ∘ {name})."
    yield Idea(
        e.g * y * (1 - y),
        f"{e.t.name} is not elementwise: {name}(1 − {name}) is only its diagonal. {mend}",
    )
    yield Idea(e.g * y, f"the sum over the other outputs is left out. {mend}")


@mistake("derivative-dropped", on="mixing")
def mixing_dropped(e: Place) -> Iterator[Idea]:
    yield Idea(e.g, f"this is {e.dt}, without the derivative of {e.t.name}.")


@mistake("derivative-twice", on="mixing")
def mixing_twice(e: Place) -> Iterator[Idea]:
    again = e.point.contribution(e.t, e.k, e.right)
    yield Idea(again, f"the derivative of {e.t.name} is multiplied in twice. Once is right.")


@mistake("derivative-wrong-formula", on="mixing")
def mixing_wrong_formula(e: Place) -> Iterator[Idea]:
    z, y = e.value(e.x), e.value(e.t)
    name = e.layout.name(e.t)
    for text, formula in SLOPES.items():
        if text != "a(1 − a)":
            yield Idea(
                e.g * formula(z, y),
                f"the derivative of {e.t.name} is taken as {text} (a = {name}, z = {e.where}), "
                "elementwise.",
            )
    for axis in range(y.ndim):
        yield Idea(
            y * (e.g - np.sum(e.g * y, axis=axis, keepdims=True)),
            f"the sum in the derivative of {e.t.name} runs along axis {axis}.",
        )


# A matrix product t = x @ o or o @ x


@mistake("wrong-weight", on="product")
def other_operand(e: Place) -> Iterator[Idea]:
    source = e.layout.source(e.other)
    for array in e.arrays:
        if array is e.other or array is source:
            continue
        o, name = e.value(array), e.layout.name(array)
        if source.op is None and source.tensor.requires_grad:
            kind = "wrong-weight" if e.layout.is_parameter(array) else "wrong-activation"
        else:
            pre = any(f.z is array and f.a is source for f in e.layout.functions)
            kind = "preactivation-used" if pre else "wrong-activation"
            kind = "wrong-weight" if e.layout.is_parameter(array) else kind
        yield Idea(e.times(e.g, o), f"{name} stands for {e.name}: {e.dx} = {e.formula()}.", kind)
        if array is not e.x:
            yield Idea(
                e.times(e.g, o, turned=False),
                f"{name}, not transposed, stands for {e.name}.T: {e.dx} = {e.formula()}.",
                kind,
            )


@mistake("weight-not-transposed", on="product")
def not_transposed(e: Place) -> Iterator[Idea]:
    kind = None if e.layout.is_parameter(e.layout.source(e.other)) else "transposed"
    yield Idea(
        e.times(e.g, e.o, turned=False),
        f"{e.name} is not transposed: {e.dx} = {e.formula()}.",
        kind,
    )


@mistake("transposed", on="product")
def arriving_transposed(e: Place) -> Iterator[Idea]:
    if e.g.ndim > 1:
        advice = f"{e.dt} is transposed: {e.dx} = {e.formula()}."
        yield Idea(e.times(e.g.mT, e.o), advice)
        yield Idea(e.times(e.g.mT, e.o, turned=False), advice)


@mistake("convention", on="product")
def other_order(e: Place) -> Iterator[Idea]:
    if e.g.ndim > 1 and e.o.ndim > 1:
        advice = (
            "this is the formula for samples laid out the other way (rows for columns): "
            f"{e.dx} = {e.formula()}."
        )
        for o in (e.o, e.o.mT):
            wrong = product(o, e.g) if e.k == 0 else product(e.g, o)
            yield Idea(wrong, advice)
            yield Idea(wrong, advice, "product-confused")


@mistake("reshaped", on="product")
def operand_reshaped(e: Place) -> Iterator[Idea]:
    if e.o.ndim == 2 and e.g.ndim == 2:
        yield Idea(
            e.times(e.g, e.o.reshape(e.o.T.shape), turned=False),
            f"{e.name} is reshaped where it must be transposed: {e.dx} = {e.formula()}.",
        )
        yield Idea(
            e.times(e.g.T.reshape(e.g.shape), e.o),
            f"{e.dt} is reshaped where it must be transposed: {e.dx} = {e.formula()}.",
        )


@mistake("factor-missing", on="product")
def operand_missing(e: Place) -> Iterator[Idea]:
    advice = f"{e.name} is left out of the chain: {e.dx} = {e.formula()}."
    axis = -1 if e.k == 0 else -2
    yield Idea(broadcast(e.g, e.x.shape), advice)
    total = e.g.sum(axis=axis, keepdims=True)
    yield Idea(broadcast(total, e.x.shape), advice)
    if e.leaf and total.mT.shape != total.shape:
        yield Idea(total, advice)


@mistake("product-confused", on="product")
def entrywise(e: Place) -> Iterator[Idea]:
    advice = f"a matrix product, not ∘: {e.dx} = {e.formula()}."
    if e.g.ndim != 2 or e.o.ndim != 2:
        return
    for g in (e.g, e.g.T):
        for o in (e.o, e.o.T):
            array = hadamard(g, o)
            yield Idea(array, advice)
            if array is not None and array.shape != e.x.shape:
                for axis in (0, 1):
                    total = array.sum(axis=axis, keepdims=True)
                    yield Idea(broadcast(total, e.x.shape), advice)


@mistake("copied-index", on="product")
def copied_index(e: Place) -> Iterator[Idea]:
    """One row or column of a weight matrix stands for another one."""
    if not e.layout.is_parameter(e.layout.source(e.other)) or e.o.ndim != 2 or e.leaf:
        return
    right = np.array(e.right)
    units = -1 if e.k == 0 else -2  # the axis of x that counts the units this product multiplies
    n, outputs = e.x.shape[units], e.g.shape[units]
    own = f"{e.name}[:, {{}}]" if e.k == 1 else f"{e.name}[{{}}]"
    other = f"{e.name}[{{}}]" if e.k == 1 else f"{e.name}[:, {{}}]"
    for j in range(n) if n <= 12 else e.layout.alone.get(n, ()):
        for i in range(n):
            if i != j:
                wrong = right.copy()
                np.moveaxis(wrong, units, 0)[j] = np.moveaxis(right, units, 0)[i]
                yield Idea(wrong, f"{own.format(i)} stands where {own.format(j)} belongs.")
    for j in range(outputs if outputs <= 64 else 0):
        for i in range(outputs):
            if i != j:
                o = e.o.copy()
                if e.k == 1:
                    o[j] = e.o[i]
                else:
                    o[:, j] = e.o[:, i]
                yield Idea(
                    e.times(e.g, o), f"{other.format(i)} stands where {other.format(j)} belongs."
                )


@mistake("stale-weights", on="product", adds=True, free=True)
def stale_weights(e: Place) -> Iterator[Idea]:
    source = e.layout.source(e.other)
    if e.layout.is_parameter(source) and not e.leaf and source.number in e.point.gradients:
        gradient = e.point.gradients[e.other.number]
        wrong = e.times(e.g, -gradient)
        yield Idea(
            wrong,
            f"{e.name} was updated before it was used: {e.dx} needs the {e.name} of the forward "
            "pass. (Rate of the update: {factor}.)",
        )


@mistake("one-sample", on="product")
def one_sample(e: Place) -> Iterator[Idea]:
    if not e.leaf or e.g.ndim < 2:
        return
    for which, part in (("last", slice(-1, None)), ("first", slice(0, 1))):
        at = (..., part) if e.k == 0 else (..., part, slice(None))
        yield Idea(
            e.times(e.g[at], e.o[at]),
            f"only the {which} sample is in {e.dx}: add up over all of them, {e.formula()}.",
        )


@mistake("derivative-dropped", on="product")
def arriving_before_slope(e: Place) -> Iterator[Idea]:
    yield from _other_arriving(e, lambda g: e.times(g, e.o))


def _other_arriving(e: Place, form: Callable[[Array], Array | None]) -> Iterator[Idea]:
    """In the gradient of a leaf: dA in the place of dZ, or f′ once more."""
    f = e.layout.function_of(e.layout.down(e.t))
    if e.leaf and f is not None:
        da, dz = f"d{e.layout.name(f.a)}", f"d{e.layout.name(f.z)}"
        yield Idea(
            form(e.point.gradients[f.a.number]),
            f"{da} stands for {dz} in {e.dx}: it lacks {f.name}′({e.layout.name(f.z)}).",
        )
        yield Idea(
            form(e.g * f.slope(e.point)),
            f"{f.name}′({e.layout.name(f.z)}) is multiplied in twice in {e.dx}.",
            "derivative-twice",
        )


# A sum that undoes broadcasting, as the gradient of a bias has


@mistake("bias-not-summed", on="sum")
def not_summed(e: Place) -> Iterator[Idea]:
    yield Idea(e.g, f"{e.dt} is not summed over the samples: {e.dx} = {e.layout.sum_text(e)}.")


@mistake("bias-wrong-axis", on="sum")
def wrong_axis(e: Place) -> Iterator[Idea]:
    right = e.layout.undone(e)
    for axis in range(e.g.ndim):
        if axis not in right or len(right) > 1:
            advice = f"summed over axis {axis}: {e.dx} = {e.layout.sum_text(e)}."
            total = e.g.sum(axis=axis, keepdims=True)
            yield Idea(total, advice)
            yield Idea(np.squeeze(total, axis), advice)
            if total.size == e.right.size:
                yield Idea(total.reshape(e.x.shape), advice)
            yield Idea(broadcast(total, e.x.shape), advice)


@mistake("bias-summed-over-all", on="sum")
def summed_over_all(e: Place) -> Iterator[Idea]:
    total = e.g.sum()
    advice = f"all of {e.dt} is summed to one number: {e.dx} = {e.layout.sum_text(e)}."
    yield Idea(np.full(e.x.shape, total), advice)
    yield Idea(np.asarray(total), advice)
    yield Idea(np.full((1,) * e.g.ndim, total), advice)


@mistake("bias-times-activation", on="sum")
def times_activation(e: Place) -> Iterator[Idea]:
    mend = f"{e.dx} = {e.layout.sum_text(e)}, without it: the derivative of Z by a bias is 1."
    for array in e.arrays:
        if array.shape and not e.layout.is_parameter(array):
            v, name = e.value(array), e.layout.name(array)
            wrong = hadamard(e.g, v)
            if wrong is not None and wrong.shape == e.g.shape:
                yield Idea(e.fitted(wrong), f"{name} is multiplied into {e.dx}. {mend}")
            if v.ndim == e.g.ndim == 2:
                for product_ in (product(e.g, v.T), product(v.T, e.g)):
                    yield Idea(product_, f"{name} is multiplied into {e.dx}. {mend}")
                    if product_ is not None:
                        yield Idea(
                            e.fitted(product_),
                            f"{name} is multiplied into {e.dx} before the sum. {mend}",
                        )


@mistake("one-sample", on="sum")
def one_sample_of_sum(e: Place) -> Iterator[Idea]:
    for axis in e.layout.undone(e):
        for which, part in (("last", slice(-1, None)), ("first", slice(0, 1))):
            yield Idea(
                e.fitted(e.g[(slice(None),) * axis + (part,)]),
                f"only the {which} sample is in {e.dx}: {e.dx} = {e.layout.sum_text(e)}.",
            )


@mistake("derivative-dropped", on="sum")
def sum_before_slope(e: Place) -> Iterator[Idea]:
    yield from _other_arriving(e, e.fitted)


# A Hadamard product t = x ∘ o


@mistake("factor-missing", on="hadamard")
def hadamard_missing(e: Place) -> Iterator[Idea]:
    yield Idea(e.fitted(e.g), f"{e.name} is left out: {e.dx} = {e.dt} ∘ {e.name}.")
    yield Idea(e.fitted(np.array(e.o)), f"{e.dt} is left out: {e.dx} = {e.dt} ∘ {e.name}.")


@mistake("wrong-activation", on="hadamard")
def hadamard_other(e: Place) -> Iterator[Idea]:
    for array in e.arrays:
        wrong = hadamard(e.g, e.value(array)) if array is not e.other else None
        if wrong is not None and wrong.shape == e.g.shape:
            name = e.layout.name(array)
            pre = any(f.z is array and f.a is e.other for f in e.layout.functions)
            kind = "preactivation-used" if pre else None
            kind = "wrong-weight" if e.layout.is_parameter(array) else kind
            yield Idea(e.fitted(wrong), f"{name} stands for {e.name}.", kind)


@mistake("product-confused", on="hadamard")
def hadamard_as_product(e: Place) -> Iterator[Idea]:
    if e.g.ndim == e.o.ndim == 2:
        for left, right in ((e.g, e.o), (e.g, e.o.T), (e.o, e.g), (e.o.T, e.g)):
            yield Idea(
                product(left, right), f"∘, not a matrix product: {e.dx} = {e.dt} ∘ {e.name}."
            )


# The cost: the derivative of the loss at the output, or past the output's own function


LOSSES: dict[str, Callable[[Array, Array], Array]] = {
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


@mistake("loss-derivative", on="loss")
def loss_derivative(e: Place) -> Iterator[Idea]:
    a, y, name = e.compared()
    for text, form in LOSSES.items():
        yield Idea(
            np.asarray(form(a, y)),
            f"the derivative of the loss is taken as {text} (a = {name}, y the labels): "
            f"this is not the derivative of {e.layout.cost_name} by {e.where}.",
        )
    if e.function is not None:
        slope = e.function.slope(e.point)
        yield Idea((a - y) * slope * slope, "(a − y) is multiplied by the derivative twice.")


@mistake("output-not-loss", on="loss")
def output_not_loss(e: Place) -> Iterator[Idea]:
    a, _, name = e.compared()
    advice = f"this starts from {name} itself: begin with ∂J/∂{name}, the derivative of the loss."
    yield Idea(np.ones_like(a), advice)
    yield Idea(np.array(a), advice)
    if e.function is not None:
        yield Idea(np.array(e.function.slope(e.point)), advice)
        yield Idea(a * e.function.slope(e.point), advice)


# The gradient as a whole


@mistake("scale", on="whole use")
def scaled(e: Place) -> Iterator[Idea]:
    yield Idea(e.right, "")  # kinds and words depend on the factor


@mistake("transposed", on="whole use")
def transposed(e: Place) -> Iterator[Idea]:
    if e.right.ndim >= 2:
        yield Idea(e.right.mT, f"{e.dx} is transposed: transpose it back, to {e.x.shape}.")


@mistake("reshaped", on="whole use")
def reshaped(e: Place) -> Iterator[Idea]:
    right = e.right
    if right.ndim == 2:
        advice = f"{e.dx} was reshaped where it must be transposed: .T, not .reshape."
        yield Idea(right.T.reshape(right.shape), advice)
        yield Idea(right.reshape(right.T.shape).T, advice)
        yield Idea(right.reshape(right.T.shape), advice)


@mistake("shape", on="whole")
def squeezed(e: Place) -> Iterator[Idea]:
    if e.given is not None and e.given.shape != e.x.shape and e.given.size == e.g.size:
        keep = " (keepdims=True keeps the axis of a sum)" if e.given.ndim < e.g.ndim else ""
        if e.given.ndim != e.g.ndim:
            yield Idea(
                e.g.reshape(e.given.shape),
                f"the numbers are right, the shape {e.given.shape} is not: "
                f"make it {e.x.shape}{keep}.",
            )


@mistake("one-sample", on="whole")
def one_sample_only(e: Place) -> Iterator[Idea]:
    for axis, n in enumerate(e.g.shape):
        if n in e.layout.samples and not e.leaf:
            for which, i in (("last", n - 1), ("first", 0)):
                alone = np.zeros_like(e.g)
                at = (slice(None),) * axis + (i,)
                alone[at] = e.g[at]
                yield Idea(alone, f"only the {which} sample reaches {e.dx}: use all {n}.")


@mistake("part-zero", on="whole")
def end_missing(e: Place) -> Iterator[Idea]:
    for axis, n in enumerate(e.g.shape if not e.leaf else ()):
        for i in (0, n - 1) if n > 1 else ():
            part = e.g.copy()
            part[(slice(None),) * axis + (i,)] = 0
            yield Idea(
                part, f"index {i} along axis {axis} of {e.dx} was never written: it is zero."
            )


@mistake("part-zero", on="whole")
def part_zero(e: Place) -> Iterator[Idea]:
    for length, empty in e.layout.empty:
        for axis, n in enumerate(e.g.shape):
            if n == length:
                part = e.g.copy()
                part[(slice(None),) * axis + (list(empty),)] = 0
                shown = ", ".join(map(str, empty[:6])) + (", …" if len(empty) > 6 else "")
                rows = {0: "row", 1: "column"}.get(axis, "part") if e.g.ndim > 1 else "entry"
                many = f"{rows}s {shown} were" if len(empty) > 1 else f"{rows} {shown} was"
                yield Idea(part, f"{many} never written to {e.dx}: they are zero.")
    if e.given is not None and e.given.shape == e.g.shape:
        part = np.where(e.given == 0, 0, e.g)
        yield Idea(
            part, f"{np.sum(e.given == 0)} entries of {e.dx} were never written: they are 0."
        )


@mistake("regularisation", on="whole", adds=True, free=True)
def regularisation_extra(e: Place) -> Iterator[Idea]:
    if e.leaf:
        yield Idea(
            np.array(e.value(e.x)),
            f"{{factor}} times {e.where} is added, an L2 term that {e.layout.cost_name} does not "
            "have: take it out here, or put it into the cost.",
        )


@mistake("accumulated", on="whole", adds=True)
def accumulated(e: Place) -> Iterator[Idea]:
    older = e.x.tensor.grad
    if older is not None:
        yield Idea(older, f"{e.dx} is added to an older gradient: start from zero (zero_grad).")


# One of several uses of a tensor


@mistake("path-missing", on="use")
def path_missing(e: Place) -> Iterator[Idea]:
    through = e.layout.below(e.t)
    advice = (
        f"{e.where} is used {len(e.layout.paths.uses[e.x.number])} times: add the path through "
    )
    yield Idea(np.zeros_like(e.right), f"{advice}{through}.")


@mistake("path-missing", on="whole")
def cut_off(e: Place) -> Iterator[Idea]:
    """What comes before x adds nothing to a parameter that is used after x as well."""
    if not e.leaf and e.layout.leads_to_shared(e.x):
        yield Idea(
            np.zeros_like(e.right),
            f"{e.dx} is taken as zero, so that nothing flows back through {e.where}: "
            "add the path through it.",
        )


@mistake("regularisation", on="use", free=True)
def regularisation_scaled(e: Place) -> Iterator[Idea]:
    if e.leaf and e.layout.proportional(e.right, e.value(e.x)):
        advice = f"the L2 term of {e.where} is {{factor}} times as large as it is in the cost."
        yield Idea(e.right, advice)


@mistake("regularisation", on="use")
def regularisation_missing(e: Place) -> Iterator[Idea]:
    if e.leaf and e.layout.proportional(e.right, e.value(e.x)):
        yield Idea(
            np.zeros_like(e.right),
            f"the L2 term is missing: its derivative, a multiple of {e.where}, is to be added.",
        )
