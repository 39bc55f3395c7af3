"""NumPy's functions on Tensors, and the functions that NumPy lacks.

Each handler brings NumPy's many ways of calling into the one form that the rules know: `axis` a
tuple of non-negative ints, `keepdims` true, one-dimensional products as two-dimensional ones.
"""

from __future__ import annotations

import functools
import inspect
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from autograd_lite import rules
from autograd_lite.errors import described, operation_error
from autograd_lite.rules import RULES, Rule
from autograd_lite.tensor import HANDLERS, Tensor, constant, operands, record


def handles(*functions: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """What these NumPy functions do when a Tensor is among their arguments."""

    def decorate(handler: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            HANDLERS[function] = handler
        return handler

    return decorate


def _axes(x: Any, axis: Any) -> tuple[int, ...]:
    n = x.ndim if isinstance(x, Tensor) else np.ndim(x)
    if axis is None:
        return tuple(range(n))
    try:
        return normalize_axis_tuple(axis, n)
    except np.exceptions.AxisError:
        raise np.exceptions.AxisError(
            f"axis {axis} is out of bounds for {described(x)}, which has {n}"
        ) from None


def _without(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """x without these axes of length one."""
    return _reshape(x, tuple(n for k, n in enumerate(x.shape) if k not in axes))


def _reshape(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    return x if x.shape == shape else record(np.reshape, (x,), {"shape": shape})


# Reductions


def _reduction(op: Callable[..., Any], *options: str) -> None:
    def handler(x: Any, axis: Any = None, *, keepdims: Any = False, **extra: Any) -> Tensor:
        for name in extra:
            if name not in options:
                raise TypeError(f"np.{op.__name__} got an unexpected keyword argument {name!r}")
        x, static = constant(x), {k: v for k, v in extra.items() if v}
        axes = _axes(x, axis)
        if op in (np.max, np.min) and any(x.shape[k] == 0 for k in axes):
            raise ValueError(
                f"np.{op.__name__} of {described(x)} along axis {axis}: there is nothing to choose "
                "from. Leave out what is empty"
            )
        y = record(op, (x,), {"axis": axes, "keepdims": True, **static})
        return y if keepdims else _without(y, axes)

    HANDLERS[op] = handler


_op: Callable[..., Any]
for _op in (np.sum, np.mean, np.max, np.min, np.any, np.all):
    _reduction(_op)
for _op in (np.var, np.std):
    _reduction(_op, "ddof")
HANDLERS[np.amax], HANDLERS[np.amin] = HANDLERS[np.max], HANDLERS[np.min]


def _position_of(op: Callable[..., Any]) -> None:
    def handler(x: Any, axis: int | None = None, *, keepdims: bool = False) -> Tensor:
        return record(op, (constant(x),), {"axis": axis, "keepdims": bool(keepdims)})

    HANDLERS[op] = handler


_position_of(np.argmax)
_position_of(np.argmin)


# Shape


@handles(np.reshape)
def _np_reshape(x: Any, shape: Any) -> Tensor:
    x, asked = constant(x), shape
    sizes = tuple(shape) if np.iterable(shape) else (shape,)
    try:
        shape = tuple(operator.index(n) for n in sizes)
    except TypeError:
        raise TypeError(
            f"np.reshape of {described(x)} to {asked}: a shape is made of integers"
        ) from None
    if -1 in shape:
        rest = math.prod(n for n in shape if n != -1)
        if shape.count(-1) > 1 or not rest or x.size % rest:
            raise ValueError(
                f"np.reshape of {described(x)} to {asked}: one -1 may stand for the length that "
                f"makes {x.size} elements, and here no length, or any, does"
            )
        shape = tuple(x.size // rest if n == -1 else n for n in shape)
    return _reshape(x, shape)


@handles(np.ravel)
def _np_ravel(x: Any) -> Tensor:
    return _reshape(constant(x), (constant(x).size,))


@handles(np.squeeze)
def _np_squeeze(x: Any, axis: Any = None) -> Tensor:
    x = constant(x)
    axes = [k for k, n in enumerate(x.shape) if n == 1] if axis is None else _axes(x, axis)
    for k in axes:
        if x.shape[k] != 1:
            raise ValueError(f"np.squeeze: axis {k} of {x.shape} has length {x.shape[k]}, not 1")
    return _without(x, tuple(axes))


@handles(np.expand_dims)
def _np_expand_dims(x: Any, axis: Any) -> Tensor:
    x = constant(x)
    ndim = x.ndim + (len(axis) if isinstance(axis, Sequence) else 1)
    axes, rest = normalize_axis_tuple(axis, ndim), iter(x.shape)
    return _reshape(x, tuple(1 if k in axes else next(rest) for k in range(ndim)))


@handles(np.transpose)
def _np_transpose(x: Any, axes: Any = None) -> Tensor:
    x = constant(x)
    order = tuple(range(x.ndim))[::-1] if axes is None else normalize_axis_tuple(axes, x.ndim)
    return record(np.transpose, (x,), {"axes": order})


@handles(np.swapaxes)
def _np_swapaxes(x: Any, axis1: int, axis2: int) -> Tensor:
    x = constant(x)
    order = list(range(x.ndim))
    i, j = normalize_axis_index(axis1, x.ndim), normalize_axis_index(axis2, x.ndim)
    order[i], order[j] = j, i
    return record(np.transpose, (x,), {"axes": tuple(order)})


@handles(np.matrix_transpose)
def _np_matrix_transpose(x: Any) -> Tensor:
    return constant(x).mT


@handles(np.moveaxis)
def _np_moveaxis(x: Any, source: Any, destination: Any) -> Tensor:
    x = constant(x)
    source, destination = _axes(x, source), _axes(x, destination)
    if len(source) != len(destination):
        raise ValueError(f"np.moveaxis of {len(source)} axes to {len(destination)} places")
    order = [k for k in range(x.ndim) if k not in source]
    for place, k in sorted(zip(destination, source, strict=True)):
        order.insert(place, k)
    return record(np.transpose, (x,), {"axes": tuple(order)})


@handles(np.broadcast_to)
def _np_broadcast_to(x: Any, shape: Any) -> Tensor:
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    return record(np.broadcast_to, (constant(x),), {"shape": shape})


@handles(np.concatenate)
def _np_concatenate(arrays: Any, axis: int | None = 0) -> Tensor:
    tensors = [constant(x) for x in arrays]
    if axis is None:
        tensors, axis = [x.ravel() for x in tensors], 0
    axis = normalize_axis_index(axis, tensors[0].ndim)
    return record(rules.concatenate, tuple(tensors), {"axis": axis})


@handles(np.stack)
def _np_stack(arrays: Any, axis: int = 0) -> Tensor:
    tensors = [constant(x) for x in arrays]
    axis = normalize_axis_index(axis, tensors[0].ndim + 1)
    return record(rules.stack, tuple(tensors), {"axis": axis})


HANDLERS[np.shape] = lambda x: x.shape
HANDLERS[np.ndim] = lambda x: x.ndim
HANDLERS[np.size] = lambda x, axis=None: x.size if axis is None else x.shape[axis]
HANDLERS[np.zeros_like] = lambda x: constant(np.zeros(x.shape, x.dtype))
HANDLERS[np.ones_like] = lambda x: constant(np.ones(x.shape, x.dtype))


# Products


@handles(np.matmul)
def _np_matmul(a: Any, b: Any) -> Tensor:
    a, b = constant(a), constant(b)
    if a.ndim == b.ndim == 2:
        return record(np.dot, (a, b))
    if not (a.ndim and b.ndim) or a.shape[-1] != b.shape[max(b.ndim - 2, 0)]:
        raise operation_error(np.matmul, (a, b), ValueError())
    left, right = a, b
    if a.ndim == 1:
        left = _reshape(a, (1, *a.shape))
    if b.ndim == 1:
        right = _reshape(b, (*b.shape, 1))
    y = record(np.dot if left.ndim == right.ndim == 2 else np.matmul, (left, right))
    lost = [y.ndim - 2] * (a.ndim == 1) + [y.ndim - 1] * (b.ndim == 1)
    return _without(y, tuple(lost)) if lost else y


@handles(np.dot)
def _np_dot(a: Any, b: Any) -> Tensor:
    a, b = constant(a), constant(b)
    if not a.ndim or not b.ndim:
        return a * b
    if a.ndim <= 2 and b.ndim <= 2:
        return _np_matmul(a, b)
    n = b.shape[-2] if b.ndim > 1 else b.shape[0]
    if a.shape[-1] != n:
        raise operation_error(np.dot, (a, b), ValueError())
    rest = b.shape[:-2] + b.shape[-1:] if b.ndim > 1 else ()
    columns = np.moveaxis(b, -2, 0) if b.ndim > 1 else b
    rows = math.prod(a.shape[:-1])
    y = record(
        np.dot,
        (_reshape(a, (rows, a.shape[-1])), _reshape(columns, (n, math.prod(rest)))),
    )
    return _reshape(y, a.shape[:-1] + rest)


@handles(np.einsum)
def _np_einsum(subscripts: Any, *arrays: Any) -> Tensor:
    form = subscripts.replace(" ", "") if isinstance(subscripts, str) else ""
    if not form or "." in form:
        raise TypeError("np.einsum on Tensors takes subscripts as in 'ij,jk->ik', all written out")
    operands, arrow, output = form.partition("->")
    if not arrow:
        letters = operands.replace(",", "")
        output = "".join(i for i in sorted(set(letters)) if letters.count(i) == 1)
    for term in operands.split(","):
        if len(set(term)) < len(term):
            raise TypeError(f"np.einsum on Tensors takes no index twice in one operand: {term!r}")
    tensors = tuple(constant(x) for x in arrays)
    return record(rules.einsum, tensors, {"subscripts": f"{operands}->{output}"})


# Elementwise functions with forms of their own


@handles(np.power)
def _np_power(a: Any, b: Any) -> Any:
    if type(b) in (int, float) and b == 2:
        return record(np.square, (constant(a),))
    if not isinstance(a, Tensor) and isinstance(b, Tensor):
        a = np.asarray(a, b.dtype if type(a) in (int, float) else None)
    return record(np.power, operands((a, b)))


@handles(np.where)
def _np_where(*arguments: Any) -> Tensor:
    if len(arguments) != 3:
        raise TypeError("np.where on Tensors takes a condition and two choices")
    condition, a, b = operands(arguments)
    if isinstance(condition, Tensor) and condition.dtype.kind != "b":
        condition = condition != 0
    return record(np.where, (condition, a, b))


@handles(np.clip)
def _np_clip(x: Any, a_min: Any = None, a_max: Any = None, **bounds: Any) -> Tensor:
    low, high = bounds.pop("min", a_min), bounds.pop("max", a_max)
    if bounds:
        raise TypeError(f"np.clip got an unexpected keyword argument {next(iter(bounds))!r}")
    low, high = (-math.inf if low is None else low), (math.inf if high is None else high)
    return record(np.clip, operands((constant(x), low, high)))


# What NumPy lacks


def softmax(x: Any, axis: int | tuple[int, ...] = -1) -> Any:
    """exp(x) / sum(exp(x)) along `axis`, without overflow.

    >>> softmax(Tensor([1000.0, 1000.0]))
    Tensor([0.5, 0.5])
    """
    return rules.softmax_(x, axis=_axes(x, axis))


def log_softmax(x: Any, axis: int | tuple[int, ...] = -1) -> Any:
    """log(softmax(x)) along `axis`, exact where the softmax underflows.

    >>> log_softmax(Tensor([0.0, 1000.0]))
    Tensor([-1000.,     0.])
    """
    return rules.log_softmax_(x, axis=_axes(x, axis))


def logsumexp(x: Any, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Any:
    """log(sum(exp(x))) along `axis`, without overflow.

    >>> f"{logsumexp(Tensor([1000.0, 1000.0])):.6f}"
    '1000.693147'
    """
    axes = _axes(x, axis)
    y = rules.logsumexp_(x, axis=axes)
    if keepdims:
        return y
    return _without(y, axes) if isinstance(y, Tensor) else np.squeeze(y, axes)


def differentiable(*argument_rules: Rule | None) -> Callable[[Callable[..., Any]], Any]:
    """Make a function of arrays an operation: one rule for each argument, None for no gradient.

    A rule is `rule(g, y, *arguments, **static)` in plain NumPy: `g` has the shape of the value `y`,
    the result the shape of its argument, or one that broadcasting made of it. Positional arguments
    are arrays or numbers, keyword arguments are static. The function and its rules are handed
    read-only arrays, and what they return is copied; a rule that works on Tensors can be
    differentiated again.

    >>> @differentiable(lambda g, y, x: g * 3 * x * x)
    ... def cube(x):
    ...     return x**3
    >>> x = Tensor([2.0], requires_grad=True)
    >>> cube(x).backward([1.0])
    >>> x.grad
    array([12.])
    """
    if not argument_rules or not all(rule is None or callable(rule) for rule in argument_rules):
        raise TypeError(
            "differentiable takes one rule for each argument, as in "
            "@ag.differentiable(lambda g, y, x: g * y), or None where no gradient flows"
        )
    for k, rule in enumerate(argument_rules):
        if rule and _takes(rule) < 2 + len(argument_rules):
            raise TypeError(
                f"the rule for argument {k} takes {_takes(rule)} arguments, but each of "
                f"{len(argument_rules)} rules is called with g, y and all "
                f"{len(argument_rules)} arguments"
            )

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def forward(*inputs: Any, **static: Any) -> Any:
            if len(inputs) != len(argument_rules):
                raise TypeError(
                    f"{function.__name__} was given {len(inputs)} arguments and has "
                    f"{len(argument_rules)} rules: one rule for each positional argument"
                )
            y = function(*_read_only(inputs), **static)
            if y is None or isinstance(y, str | list | tuple | dict):
                raise TypeError(f"it returned a {type(y).__name__}, not an array: mind its return")
            return y.copy() if isinstance(y, np.ndarray) else y  # it may keep what it returns

        op = rules.operation(*argument_rules)(forward)
        RULES[op] = tuple(rule and _protected(rule) for rule in argument_rules)
        return op

    return decorate


def _read_only(values: Sequence[Any]) -> list[Any]:
    """Views of arrays that cannot be written into; anything else as it is."""
    given = list(values)
    for k, x in enumerate(given):
        if isinstance(x, np.ndarray):
            given[k] = x = x.view()
            x.flags.writeable = False
    return given


def _takes(rule: Rule) -> float:
    """How many positional arguments a rule can take."""
    kinds = [p.kind for p in inspect.signature(rule).parameters.values()]
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        return math.inf
    return sum(kind is not inspect.Parameter.KEYWORD_ONLY for kind in kinds)


def _protected(rule: Rule) -> Rule:
    """A user's rule that can neither write into the walk's arrays nor hand out one it keeps."""

    @functools.wraps(rule)
    def protected(g: Any, *rest: Any, **static: Any) -> Any:
        if isinstance(g, Tensor):
            return rule(g, *rest, **static)
        return np.array(rule(*_read_only((g, *rest)), **static))

    return protected
