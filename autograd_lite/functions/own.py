"""What NumPy lacks: softmax and its kin, and operations of one's own."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from autograd_lite import rules
from autograd_lite.functions.forms import axes_of, without_axes
from autograd_lite.rules import RULES, Rule
from autograd_lite.tensor import Tensor

if TYPE_CHECKING:
    from autograd_lite.numpy._functions import OwnOperation
else:  # who asks for the types of `differentiable` while it runs
    OwnOperation = Callable[..., Any]

Axis = int | tuple[int, ...]


@overload
def softmax(x: Tensor, axis: Axis = -1) -> Tensor: ...
@overload
def softmax(x: Any, axis: Axis = -1) -> NDArray[Any]: ...
def softmax(x: Any, axis: Axis = -1) -> Any:
    """exp(x) / sum(exp(x)) along `axis`, without overflow.

    >>> softmax(Tensor([1000.0, 1000.0]))
    Tensor([0.5, 0.5])
    """
    return rules.softmax_(x, axis=axes_of(x, axis))


@overload
def log_softmax(x: Tensor, axis: Axis = -1) -> Tensor: ...
@overload
def log_softmax(x: Any, axis: Axis = -1) -> NDArray[Any]: ...
def log_softmax(x: Any, axis: Axis = -1) -> Any:
    """log(softmax(x)) along `axis`, exact where the softmax underflows.

    >>> log_softmax(Tensor([0.0, 1000.0]))
    Tensor([-1000.,     0.])
    """
    return rules.log_softmax_(x, axis=axes_of(x, axis))


@overload
def logsumexp(x: Tensor, axis: Axis | None = None, keepdims: bool = False) -> Tensor: ...
@overload
def logsumexp(x: Any, axis: Axis | None = None, keepdims: bool = False) -> NDArray[Any]: ...
def logsumexp(x: Any, axis: Axis | None = None, keepdims: bool = False) -> Any:
    """log(sum(exp(x))) along `axis`, without overflow.

    >>> f"{logsumexp(Tensor([1000.0, 1000.0])):.6f}"
    '1000.693147'
    """
    axes = axes_of(x, axis)
    y = rules.logsumexp_(x, axis=axes)
    if keepdims:
        return y
    return without_axes(y, axes) if isinstance(y, Tensor) else np.squeeze(y, axes)


def differentiable(
    *argument_rules: Rule | None,
) -> Callable[[Callable[..., Any]], OwnOperation]:
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

    def decorate(function: Callable[..., Any]) -> OwnOperation:
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
            if not isinstance(y, np.ndarray) or hasattr(y, "stands_in"):
                return y
            return y.copy()  # it may keep what it returns

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
