"""The chain rule in reverse: one walk over the tape, which also undoes broadcasting."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush
from operator import attrgetter
from typing import Any, Literal, overload

import numpy as np

from autograd_lite import errors
from autograd_lite.rules import RULES, ForEvery
from autograd_lite.tensor import (
    ASSIGNED,
    NOTHING,
    Tensor,
    _state,
    check_current,
    constant,
    gradients_noted,
    is_tracing,
    recalled,
    recording,
    settle,
)

by_order = attrgetter("_order")
by_needs = attrgetter("_needs")


def reachable(roots: Iterable[Tensor], follow: Callable[[Tensor], Any]) -> list[Tensor]:
    """The roots and all that they were made from, where `follow` says so, in the tape's order."""
    found = {t._order: t for t in roots}
    stack = list(found.values())
    while stack:
        t = stack.pop()
        if ASSIGNED:
            settle(t)
        for x in t._inputs:
            if type(x) is Tensor and x._order not in found and follow(x):
                found[x._order] = x
                stack.append(x)
    return sorted(found.values(), key=by_order)


def recorded_for(*roots: Tensor) -> list[Tensor]:
    """Everything recorded that the roots were made from, constants and masks too, in order."""
    return reachable(roots, lambda x: True)


def differentiate(
    J: Tensor,
    gradient: Any,
    keep: Callable[[Tensor, Any], None],
    leads: set[int] | None = None,
    on_tape: bool = False,
    ran: Callable[[Tensor, int, Any, Any], None] | None = None,
) -> None:
    """Go from J down the tape; `keep(t, g)` is called with each tensor and its whole gradient.

    leads: only go where these orders are (see `leading`), and keep every tensor on the way. None:
    go everywhere, and keep the leaves.
    on_tape: the rules are handed Tensors, so that g is a Tensor too, itself recorded.
    ran: called after each rule: with the tensor whose rule it is, the argument's number, what the
    rule contributed to the argument's gradient, and that gradient so far.
    """
    watch = _state.watch
    bound = any((on_tape, watch, ASSIGNED))  # what rules are handed is not what is at hand
    arrived = {J._order: (J, gradient)}  # by order: a tensor, and what has arrived so far
    latest_first = [-J._order] if J._op else []
    while latest_first:
        t, g = arrived.pop(-heappop(latest_first))
        if leads is not None:
            keep(t, g)
        y: Any = t._data
        inputs: Any = t._saved
        rules, static, k = RULES[t._op], t._static, -1  # type: ignore[index]
        if bound or type(rules) is ForEvery:
            rules, y, inputs, static = _bound(t, on_tape, watch)
        for x in t._inputs:
            k += 1
            if type(x) is not Tensor or not x._needs:
                continue
            order = x._order
            if leads is not None and order not in leads:
                continue
            rule = rules[k]
            if rule is None:
                continue
            new = rule(g, y, *inputs, **static) if static else rule(g, y, *inputs)
            if new.shape != x._data.shape or new.dtype is not x._data.dtype:
                new = undo_broadcast(new, x._data, t, k)
            contribution = new
            if order in arrived:
                new = arrived[order][1] + new
            elif x._op is not None:
                heappush(latest_first, -order)
            if type(new) not in ARRAYS:
                new = np.asarray(new)
            arrived[order] = (x, new)
            if ran:
                ran(t, k, contribution, new)
    for t, g in arrived.values():  # the leaves: nothing lies beyond them
        keep(t, g)


ARRAYS = frozenset((np.ndarray, Tensor))


def _bound(t: Tensor, on_tape: bool, watch: Any) -> tuple[Any, Any, Sequence[Any], dict[str, Any]]:
    """The rules of t's operation, and what they are handed after g: y, the inputs, static."""
    y: Any = t._data
    rules, inputs, static = RULES[t._op], t._saved, t._static  # type: ignore[index]
    if ASSIGNED:
        settle(t)
    if on_tape:
        check_unchanged(t)
        y, inputs = t, t._inputs
        if ASSIGNED:
            y, inputs = recalled(t), tuple(map(recalled, inputs))
    if type(rules) is ForEvery:
        rules, inputs, static = rules.bound(inputs, static), (), NOTHING
    if watch:
        rules = [rule and watch(rule, t, k) for k, rule in enumerate(rules)]
    return rules, y, inputs, static


def leading(J: Tensor, wanted: set[int]) -> set[int]:
    """The orders of the tensors on the way from J to what is wanted."""
    leads: set[int] = set()
    for t in reachable([J], by_needs):
        if t._order in wanted or any(type(x) is Tensor and x._order in leads for x in t._inputs):
            leads.add(t._order)
    return leads


def undo_broadcast(g: Any, x: np.ndarray, t: Tensor, argument: int) -> Any:
    """g in the shape and dtype of x: summed over the axes along which x was stretched."""
    shape, given, extra = x.shape, g.shape, g.ndim - x.ndim
    if given != shape:
        if extra >= 0:
            axes = *range(extra), *[k for k, n in enumerate(shape, extra) if n != given[k]]
            total = np.sum if type(g) is Tensor else np.add.reduce
            g = total(g, axis=axes, keepdims=True)
            g = g.reshape(g.shape[extra:]) if extra else g
        if g.shape != shape:
            raise ValueError(
                f"the rule of {t._op.__name__} for argument {argument} gave a gradient of shape "  # type: ignore[union-attr]
                f"{given}, but the argument has shape {shape}"
            )
    return g if g.dtype == x.dtype else g.astype(x.dtype)


def check_unchanged(t: Tensor) -> None:
    """Rules on Tensors read the tensors' present data: it must be what the tape saw."""
    for x, saved in zip(t._inputs, t._saved, strict=True):
        if type(x) is Tensor and x._data is not saved:
            raise ValueError(
                f"the data of {errors.described(x)} was replaced after {t._op.__name__} used it: "  # type: ignore[union-attr]
                "higher derivatives need the tape at today's values. Compute the cost again first."
            )


def seed(J: Any, gradient: Any, on_tape: bool = False) -> Any:
    """The gradient that arrives at J: ones for a scalar, otherwise what the caller gives."""
    if not isinstance(J, Tensor):
        raise TypeError(f"a gradient starts from a Tensor, not from {type(J).__name__}")
    if not J._needs:
        raise ValueError(
            f"{errors.described(J)} does not depend on any Tensor with requires_grad=True "
            "(or was computed inside no_grad)"
        )
    if ASSIGNED:
        check_current(J)
    if gradient is None:
        if J._data.size != 1:
            raise ValueError(
                f"{errors.described(J)} is not a scalar: pass the gradient that arrives at it "
                f"(shape {J.shape}), or reduce it first, as in np.sum(...)"
            )
        gradient = J._data.copy()
        gradient.fill(1)
    elif not (on_tape and isinstance(gradient, Tensor)):
        values = gradient._data if isinstance(gradient, Tensor) else gradient
        errors.refuse_masks(values, "the gradient that arrives")
        gradient = np.array(values, dtype=J.dtype)
    if gradient.shape != J.shape:
        raise ValueError(
            f"the gradient has shape {gradient.shape}, but {errors.described(J)} has {J.shape}"
        )
    return constant(gradient) if on_tape else gradient


class Owner:
    """Makes gradients the caller's own: writable, contiguous, sharing memory with nothing."""

    def __init__(self) -> None:
        self.given: dict[int, np.ndarray] = {}

    def own(self, g: np.ndarray) -> np.ndarray:
        """g itself where nobody else has it, otherwise a copy."""
        flags = g.flags
        if (
            g.base is not None
            or not (flags.writeable and flags.c_contiguous)
            or id(g) in self.given
        ):
            g = np.array(g, order="C")
        self.given[id(g)] = g
        return g


def backward(J: Tensor, gradient: Any, retain_grads: bool) -> None:
    """See Tensor.backward."""
    owner = Owner()

    def keep(t: Tensor, g: np.ndarray) -> None:
        t.grad = owner.own(g) if t.grad is None or t._op else np.asarray(t.grad + g)

    start = seed(J, gradient)
    leads = {t._order for t in reachable([J], by_needs)} if retain_grads else None
    differentiate(J, start, keep, leads)


@overload
def gradients(
    J: Tensor, wrt: Sequence[Tensor], gradient: Any = None, create_graph: Literal[False] = False
) -> list[np.ndarray]: ...
@overload
def gradients(
    J: Tensor, wrt: Sequence[Tensor], gradient: Any = None, *, create_graph: Literal[True]
) -> list[Tensor]: ...
@overload
def gradients(
    J: Tensor, wrt: Sequence[Tensor], gradient: Any = None, create_graph: bool = False
) -> list[Any]: ...
def gradients(
    J: Tensor,
    wrt: Sequence[Tensor],
    gradient: Any = None,
    create_graph: bool = False,
) -> list[Any]:
    """The gradients of J with respect to tensors on its tape, leaves or not.

    J: a scalar, or any tensor together with the `gradient` that arrives at it (J's shape).
    Returns a list of arrays of the tensors' shapes; with create_graph (and while tracing) of
    Tensors, on the tape themselves, so that they can be differentiated again. Raises ValueError
    for a tensor that is not on J's tape, or that needs no gradient, naming it.

    >>> x = Tensor(3.0, requires_grad=True, name="x")
    >>> (slope,) = gradients(x**3, [x], create_graph=True)
    >>> gradients(slope, [x])
    [array(18.)]
    """
    if isinstance(wrt, Tensor):
        raise TypeError(f"wrt is a list of Tensors: ag.gradients(J, [{wrt.name or 't'}])")
    wrt = list(wrt)
    create_graph = create_graph or is_tracing()
    start = seed(J, gradient, create_graph)
    check_need(wrt)
    found = arriving(J, wrt, start, create_graph)
    if any(t._order not in found for t in wrt):
        check_on_tape(J, wrt)
    return with_zeros(found, wrt, create_graph)


def pull(J: Tensor, wrt: Sequence[Tensor], start: Any, on_tape: bool = False) -> list[Any]:
    """The gradients of J with respect to `wrt`, for what arrives at J; zeros where none flows."""
    return with_zeros(arriving(J, wrt, start, on_tape), wrt, on_tape)


def arriving(J: Tensor, wrt: Sequence[Tensor], start: Any, on_tape: bool) -> dict[int, Any]:
    """What arrives at `wrt`, by order, where anything does."""
    owner = Owner()
    found: dict[int, Any] = {}
    wanted = {t._order for t in wrt}
    noted = gradients_noted() if on_tape else None

    def keep(t: Tensor, g: Any) -> None:
        if noted is not None:
            noted.setdefault(g._order, t)
        if t._order in wanted:
            found[t._order] = g if on_tape else owner.own(g)

    if J._needs:
        with recording():
            differentiate(J, start, keep, leading(J, wanted), on_tape)
    return found


def with_zeros(found: dict[int, Any], wrt: Sequence[Tensor], on_tape: bool) -> list[Any]:
    """What was found for each of `wrt`, an array of its own; zeros where nothing was."""
    result: list[Any] = []
    given: set[int] = set()
    for t in wrt:
        g = found.get(t._order)
        if g is None:
            g = np.zeros(t.shape, t.dtype)
            g = Tensor(g) if on_tape else g
        elif t._order in given and not on_tape:
            g = g.copy()
        given.add(t._order)
        result.append(g)
    return result


def check_need(wrt: Sequence[Any]) -> None:
    """Raise, naming it, where a gradient is asked for with respect to what needs none."""
    for t in wrt:
        if not isinstance(t, Tensor):
            raise TypeError(f"gradients are with respect to Tensors, not {type(t).__name__}")
        if not t._needs:
            raise ValueError(
                f"{errors.described(t)} needs no gradient: make it with requires_grad=True"
            )


def check_on_tape(J: Tensor, wrt: Sequence[Tensor]) -> None:
    """Raise, naming it, where a gradient is asked for that the tape of J cannot give."""
    check_need(wrt)
    everything = {t._order for t in recorded_for(J)}
    for t in wrt:
        if t._order not in everything:
            raise ValueError(
                f"{errors.described(t)} is not on the tape of {errors.described(J)}: "
                "it was not used to compute it"
            )
