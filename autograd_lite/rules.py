"""The calculus: one table that gives each operation its derivative rules, one for each argument.

A rule is one line of plain NumPy, `rule(g, y, *inputs, **static)`: `g` is the gradient that arrives
at the output `y`. Handed arrays it computes the gradient; handed Tensors it records it, so that the
gradient can itself be differentiated, drawn, printed and compiled.

Rules leave two things to the walk: they never undo broadcasting, and they may return a gradient of
any float dtype. They keep float32 as float32: plain numbers stay Python numbers.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from autograd_lite.numpy._functions import Pointwise

Rule = Callable[..., Any]
RULES: dict[Callable[..., Any], Any] = {}  # operation: (rule or None, for each argument)


class ForEvery:
    """One rule for any number of arguments, in two steps: `parts(inputs, **static)` does once what
    all share, and returns `part(g, y, position)`. So n arguments take n steps, not n².
    """

    def __init__(self, parts: Callable[..., Rule]) -> None:
        self.parts = parts

    def __getitem__(self, position: int) -> Rule:
        return lambda g, y, *inputs, **static: self.parts(inputs, **static)(g, y, position)

    def bound(self, inputs: Sequence[Any], static: dict[str, Any]) -> list[Rule]:
        """The rules of one step, for each argument: they take g and y alone."""
        part = self.parts(inputs, **static)
        return [functools.partial(part, position=k) for k in range(len(inputs))]


def operation(*rules: Rule | ForEvery | None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a function of arrays an operation with these rules: Tensors record it.

    Positional arguments are the inputs, keyword arguments are static. An underscore at the end of
    its name tells it from what users call, and does not belong to the operation's name.
    """

    def decorate(forward: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(forward)
        def op(*inputs: Any, **static: Any) -> Any:
            for x in inputs:
                if type(x) is not np.ndarray and hasattr(x, "_record"):  # a Tensor
                    return x._record(op, inputs, static)
            return forward(*inputs, **static)

        op.__name__ = forward.__name__.removesuffix("_")
        op.forward = forward  # type: ignore[attr-defined]
        RULES[op] = rules[0] if rules and isinstance(rules[0], ForEvery) else rules
        return op

    return decorate


def pointwise(rule: Rule) -> Callable[[Callable[[Any], Any]], Pointwise]:
    """An operation of one argument, element by element, as type checkers see it."""
    return operation(rule)


# Elementwise, two arguments. Where a and b tie, the gradient is shared equally.
RULES[np.add] = (lambda g, y, a, b: g, lambda g, y, a, b: g)
RULES[np.subtract] = (lambda g, y, a, b: g, lambda g, y, a, b: -g)
RULES[np.multiply] = (lambda g, y, a, b: g * b, lambda g, y, a, b: g * a)
RULES[np.divide] = (lambda g, y, a, b: g / b, lambda g, y, a, b: -(g * y) / b)
RULES[np.maximum] = (
    lambda g, y, a, b: g * (a > b) + g / 2 * (a == b),
    lambda g, y, a, b: g * (b > a) + g / 2 * (a == b),
)
RULES[np.minimum] = (
    lambda g, y, a, b: g * (a < b) + g / 2 * (a == b),
    lambda g, y, a, b: g * (b < a) + g / 2 * (a == b),
)
RULES[np.fmax] = (
    lambda g, y, a, b: g * ((a > b) | np.isnan(b)) + g / 2 * (a == b),
    lambda g, y, a, b: g * ((b > a) | np.isnan(a)) + g / 2 * (a == b),
)
RULES[np.fmin] = (
    lambda g, y, a, b: g * ((a < b) | np.isnan(b)) + g / 2 * (a == b),
    lambda g, y, a, b: g * ((b < a) | np.isnan(a)) + g / 2 * (a == b),
)
# At a = 0, where b = 0 or a log would give nan, 0·0⁰ and log 1 do not: integer powers are right to
# every order. (A number b has no derivative of its own, and needs no mask of a.)
RULES[np.power] = RULES[np.float_power] = (
    lambda g, y, a, b: g * (b * a ** (b - 1 + zero_power(a, b))),
    lambda g, y, a, b: g * (y * np.log(a + (a == 0))),
)
RULES[np.remainder] = (lambda g, y, a, b: g, lambda g, y, a, b: -g * np.floor_divide(a, b))
RULES[np.fmod] = (lambda g, y, a, b: g, lambda g, y, a, b: -g * np.rint((a - y) / b))
# Where a = b = 0, all derivatives of hypot and arctan2 are 0. Where a = b = ±∞, both have a half.
RULES[np.hypot] = (
    lambda g, y, a, b: per_length(g, y) * a,
    lambda g, y, a, b: per_length(g, y) * b,
)
RULES[np.arctan2] = (
    lambda g, y, a, b: per_length(per_length(g, np.hypot(a, b)) * b, np.hypot(a, b)),
    lambda g, y, a, b: per_length(per_length(-g, np.hypot(a, b)) * a, np.hypot(a, b)),
)
# Signs and steps have no derivative: copysign(a, b) is ±a, 0 at a = 0; nextafter rounds a.
RULES[np.copysign] = (lambda g, y, a, b: g * (np.sign(a) * np.sign(y)), None)
RULES[np.heaviside] = (None, lambda g, y, x, at_zero: g * (x == 0))
RULES[np.nextafter] = (lambda g, y, a, b: g, None)
RULES[np.ldexp] = (lambda g, y, x, n: np.ldexp(g, n), None)

# Elementwise, one argument. abs′(0) = 0.
RULES[np.negative] = (lambda g, y, x: -g,)
RULES[np.exp] = (lambda g, y, x: g * y,)
RULES[np.expm1] = (lambda g, y, x: g * (y + 1),)
RULES[np.log] = (lambda g, y, x: g / x,)
RULES[np.log1p] = (lambda g, y, x: g / (1 + x),)
RULES[np.sqrt] = (lambda g, y, x: g / (2 * y),)
RULES[np.square] = (lambda g, y, x: g * (2 * x),)
RULES[np.absolute] = (lambda g, y, x: g * np.sign(x),)
RULES[np.tanh] = (lambda g, y, x: g * (1 - y * y),)
RULES[np.sin] = (lambda g, y, x: g * np.cos(x),)
RULES[np.cos] = (lambda g, y, x: -g * np.sin(x),)
RULES[np.tan] = (lambda g, y, x: g * (1 + y * y),)
RULES[np.positive] = RULES[np.conjugate] = (lambda g, y, x: g,)
RULES[np.fabs] = RULES[np.absolute]
RULES[np.reciprocal] = (lambda g, y, x: -g * (y * y),)
RULES[np.cbrt] = (lambda g, y, x: g / (3 * y * y),)
RULES[np.exp2] = (lambda g, y, x: g * (y * math.log(2)),)
RULES[np.log2] = (lambda g, y, x: g / (x * math.log(2)),)
RULES[np.log10] = (lambda g, y, x: g / (x * math.log(10)),)
RULES[np.sinh] = (lambda g, y, x: g * np.cosh(x),)
RULES[np.cosh] = (lambda g, y, x: g * np.sinh(x),)
RULES[np.arcsin] = (lambda g, y, x: g / np.sqrt((1 - x) * (1 + x)),)
RULES[np.arccos] = (lambda g, y, x: -g / np.sqrt((1 - x) * (1 + x)),)
RULES[np.arctan] = (lambda g, y, x: g / (1 + x * x),)
RULES[np.arcsinh] = (lambda g, y, x: g / np.hypot(1, x),)
RULES[np.arccosh] = (lambda g, y, x: g / (np.sqrt(x - 1) * np.sqrt(x + 1)),)
RULES[np.arctanh] = (lambda g, y, x: g / ((1 - x) * (1 + x)),)
RULES[np.degrees] = RULES[np.rad2deg] = (lambda g, y, x: g * (180 / math.pi),)
RULES[np.radians] = RULES[np.deg2rad] = (lambda g, y, x: g * (math.pi / 180),)

# Choice. Each entry of clip belongs to one of the three: to x also on its bounds, and to high where
# low > high, as NumPy has it.
RULES[np.where] = (
    None,
    lambda g, y, c, a, b: np.where(c, g, 0),
    lambda g, y, c, a, b: np.where(c, 0, g),
)
RULES[np.clip] = (
    lambda g, y, x, low, high: g * ((x >= low) & (x <= high)),
    lambda g, y, x, low, high: g * ((x < low) & (low <= high)),
    lambda g, y, x, low, high: g * ((x > high) | (low > high)),
)

# Matrix products: np.dot is the two-dimensional one, np.matmul the batched one.
RULES[np.dot] = (lambda g, y, a, b: g.dot(b.T), lambda g, y, a, b: a.T.dot(g))
RULES[np.matmul] = (lambda g, y, a, b: g @ b.mT, lambda g, y, a, b: a.mT @ g)

# Reductions, recorded with keepdims. Ties in max and min share the gradient equally.
RULES[np.sum] = (lambda g, y, x, axis, keepdims: np.broadcast_to(g, x.shape),)
RULES[np.mean] = (lambda g, y, x, axis, keepdims: np.broadcast_to(over(g, count(x, y)), x.shape),)
RULES[np.max] = RULES[np.min] = (
    lambda g, y, x, axis, keepdims: (
        g * (x == y) / np.sum((x == y).astype(counter(g, x.size)), axis=axis, keepdims=True)
    ),
)
RULES[np.var] = (
    lambda g, y, x, axis, keepdims, ddof=0: over(
        g * (x - np.mean(x, axis=axis, keepdims=True)), max(count(x, y) - ddof, 0) / 2
    ),
)
# Where all entries are equal, std has a kink, as abs at 0: its derivatives are 0 there. PyTorch's
# and (for one entry) autograd's are as well, JAX's are nan.
RULES[np.std] = (
    lambda g, y, x, axis, keepdims, ddof=0: over(
        np.where(y == 0, 0, g) * (x - np.mean(x, axis=axis, keepdims=True)) / (y + (y == 0)),
        max(count(x, y) - ddof, 0),
    ),
)

# Shape. The walk undoes broadcasting, also the one that was asked for.
RULES[np.reshape] = (lambda g, y, x, shape: g.reshape(x.shape),)
RULES[np.transpose] = (lambda g, y, x, axes: np.transpose(g, inverse(axes)),)
RULES[np.broadcast_to] = (lambda g, y, x, shape: g,)

# No gradient flows through these: they are constant wherever they have a derivative.
for constant in (
    *(np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal),
    *(np.logical_and, np.logical_or, np.logical_xor, np.logical_not),
    *(np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert),
    *(np.sign, np.floor, np.ceil, np.rint, np.trunc, np.isnan, np.isinf, np.isfinite),
    *(np.floor_divide, np.round, np.signbit, np.spacing),
    *(np.argmax, np.argmin, np.any, np.all),
):
    RULES[constant] = ()


def count(x: Any, y: Any) -> int:
    """How many elements of x were reduced to one of y."""
    return x.size // max(y.size, 1)


def over(g: Any, n: float) -> Any:
    """g / n, also where n is beyond float16, as g is."""
    if n > 65504 and g.dtype.itemsize == 2:
        return (g.astype(np.float32) / n).astype(g.dtype)
    return g / n


def counter(g: Any, n: int) -> Any:
    """The dtype of g, or a wider one if that cannot count to n."""
    if g.dtype.itemsize > 4 or n <= 2048:
        return g.dtype
    if n > 2**24:
        return np.dtype(np.float64)
    return np.promote_types(g.dtype, np.float32)


def largest(x: Any) -> float:
    """The largest finite number of x's dtype, or of float64 if x holds integers or is a number."""
    dtype = np.dtype(getattr(x, "dtype", float))
    return float(np.finfo(dtype if dtype.kind == "f" else float).max)


def finite(x: Any) -> Any:
    """x, with the largest numbers there are for ±∞, so that a difference is not ∞ − ∞."""
    if isinstance(x, int | float):
        return max(-largest(x), min(x, largest(x)))
    return np.clip(x, -largest(x), largest(x))


def per_length(g: Any, r: Any) -> Any:
    """g / r, and 0 where the length r is 0, as its derivatives of every order are there."""
    return np.where(r == 0, 0, g) / (r + (r == 0))


def zero_power(a: Any, b: Any) -> Any:
    """Where a ** b is 0⁰, or for a number b any a⁰."""
    return b == 0 if isinstance(b, int | float) else (b == 0) & (a == 0)


def inverse(axes: Sequence[int]) -> tuple[int, ...]:
    """The permutation that undoes `axes`."""
    return tuple(sorted(range(len(axes)), key=axes.__getitem__))


def index_along(x: Any, axis: int, index: Any) -> Any:
    """`x[index]` along this axis."""
    return x[(slice(None),) * axis + (index,)]


@operation(lambda g, y, x: g)
def identity(x: Any) -> Any:
    """x itself, as a new entry of the tape."""
    return x


@operation(lambda g, y, x, dtype: g)
def astype(x: Any, dtype: Any) -> Any:
    """x in another dtype; the gradient comes back in that of x."""
    return x.astype(dtype)


@pointwise(lambda g, y, x: g * (x > 0))
def relu(x: Any) -> Any:
    """max(x, 0) elementwise; its derivative at 0 is 0.

    >>> relu(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """
    return np.maximum(x, 0)


@pointwise(lambda g, y, x: g * (y * (1 - y)))
def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)) elementwise, exact to the last digits in both tails: nothing overflows.

    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    return np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))


@pointwise(lambda g, y, x: g * sigmoid(x))
def softplus(x: Any) -> Any:
    """log(1 + exp(x)) elementwise, without overflow; its derivative is the sigmoid.

    >>> softplus(np.array([-1000.0, 1000.0]))
    array([   0., 1000.])
    """
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


# log(exp(a) + exp(b)) is b + softplus(a − b).
RULES[np.logaddexp] = (
    lambda g, y, a, b: g * sigmoid(finite(a) - finite(b)),
    lambda g, y, a, b: g * sigmoid(finite(b) - finite(a)),
)
RULES[np.logaddexp2] = (
    lambda g, y, a, b: g * sigmoid((finite(a) - finite(b)) * math.log(2)),
    lambda g, y, a, b: g * sigmoid((finite(b) - finite(a)) * math.log(2)),
)


# A row of −∞ is −∞ with derivatives 0, ∞ in a row makes it ∞ and has the derivative 1. (PyTorch and
# JAX have these values, and nan for the derivatives.)
@operation(lambda g, y, x, axis: g * np.exp(np.clip(x, -math.inf, largest(x)) - finite(y)))
def logsumexp_(x: Any, axis: tuple[int, ...]) -> Any:
    """log(sum(exp(x))) along these axes, which stay with length one."""
    most = np.max(x, axis=axis, keepdims=True)
    total = np.sum(np.exp(x - finite(most)), axis=axis, keepdims=True)
    return most + np.log(np.maximum(total, 1))  # 1 is the most's own part: total is 0 only of −∞


# Of a row of −∞, and with ∞ in it, there is no softmax: nan, as PyTorch and JAX have it.
@operation(lambda g, y, x, axis: y * (g - np.sum(g * y, axis=axis, keepdims=True)))
def softmax_(x: Any, axis: tuple[int, ...]) -> Any:
    """exp(x) / sum(exp(x)) along these axes."""
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


@operation(lambda g, y, x, axis: g - np.exp(y) * np.sum(g, axis=axis, keepdims=True))
def log_softmax_(x: Any, axis: tuple[int, ...]) -> Any:
    """log(softmax(x)) along these axes, exact where the softmax underflows."""
    shifted = x - np.max(x, axis=axis, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


def _parts(arrays: Sequence[Any], axis: int) -> Rule:
    """The parts of g that belong to arrays concatenated along `axis`."""
    starts = [0, *itertools.accumulate(x.shape[axis] for x in arrays)]
    pieces = [slice(*ends) for ends in itertools.pairwise(starts)]
    return lambda g, y, position: index_along(g, axis, pieces[position])


@operation(ForEvery(_parts))
def concatenate(*arrays: Any, axis: int) -> Any:
    """The arrays one after the other along an axis."""
    return np.concatenate(arrays, axis=axis)


@operation(ForEvery(lambda arrays, axis: lambda g, y, position: index_along(g, axis, position)))
def stack(*arrays: Any, axis: int) -> Any:
    """The arrays side by side along a new axis."""
    return np.stack(arrays, axis=axis)


def _einsum_part(
    g: Any, arrays: Sequence[Any], position: int, subscripts: str, optimize: Any = None
) -> Any:
    """The gradient of one operand: g with all other operands, summed to its indices."""
    operands, output = subscripts.split("->")
    own, others = operands.split(",")[position], operands.split(",")
    del others[position]
    kept = [i for i in own if i in output or any(i in other for other in others)]
    rest = [x for k, x in enumerate(arrays) if k != position]
    form = f"{','.join([output, *others])}->{''.join(kept)}"
    how = {"optimize": True} if optimize else {}  # a path that was given is for the forward alone
    part = einsum(g, *rest, subscripts=form, **how)
    sizes = iter(part.shape)  # an index that only this operand has was summed away
    part = part.reshape(tuple(next(sizes) if i in kept else 1 for i in own))
    return np.broadcast_to(part, np.broadcast_shapes(part.shape, arrays[position].shape))


@operation(
    ForEvery(
        lambda arrays, **static: lambda g, y, position: _einsum_part(g, arrays, position, **static)
    )
)
def einsum(*arrays: Any, subscripts: str, optimize: Any = False) -> Any:
    """np.einsum, of subscripts that are written out: `ij,jk->ik`, each index once in a term."""
    return np.asarray(np.einsum(subscripts, *arrays, optimize=optimize))


class Slot(int):
    """In an index that was recorded: the place of the index Tensor with this number."""


_ARRAYS = (np.ndarray, Slot, bool, np.bool)


def is_basic(index: tuple[Any, ...]) -> bool:
    """Whether an index gives a view: no array is in it, nor a sequence or a truth value."""
    for i in index:
        if isinstance(i, _ARRAYS) or not (
            i is None or i is Ellipsis or isinstance(i, slice) or hasattr(i, "__index__")
        ):
            return False
    return True


def _filled(index: tuple[Any, ...], at: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(at[i] if type(i) is Slot else i for i in index)


@operation(lambda g, y, x, *at, index: scatter_add(g, *at, shape=x.shape, index=index))
def getitem(x: Any, *at: Any, index: tuple[Any, ...]) -> Any:
    """`x[index]`; index arrays that are Tensors come as inputs, with a Slot where they belong."""
    return x[_filled(index, at)]


@operation(lambda g, y, x, *at, shape, index: getitem(g, *at, index=index))
def scatter_add(x: Any, *at: Any, shape: tuple[int, ...], index: tuple[Any, ...]) -> Any:
    """Zeros of `shape` with x added at `index`; places that repeat add up."""
    total = np.zeros(shape, x.dtype)
    index = _filled(index, at)
    if any(isinstance(i, np.ndarray | list | tuple) for i in index):
        np.add.at(total, index, x)
    else:  # nothing repeats, and this takes a twentieth of the time
        total[index] = x
    return total


def _written(g: Any, *at: Any, index: tuple[Any, ...]) -> Any:
    """The part of g that belongs to what was written at `index`."""
    part = getitem(g, *at, index=index)
    if is_basic(index):
        return part
    return np.where(written_last(*at, shape=g.shape, index=index), part, 0)


@operation(
    lambda g, y, x, v, *at, index: setitem(g, 0, *at, index=index),
    lambda g, y, x, v, *at, index: _written(g, *at, index=index),
)
def setitem(x: Any, v: Any, *at: Any, index: tuple[Any, ...]) -> Any:
    """x with v at `index`, as after `x[index] = v`; of places that repeat, the last one counts."""
    new = x.copy("K")  # it lies in memory as x does
    new[_filled(index, at)] = v
    return new


@operation()
def written_last(*at: Any, shape: tuple[int, ...], index: tuple[Any, ...]) -> Any:
    """Which of the entries that are written at `index` are not written over by a later one."""
    index, places = _filled(index, at), np.zeros(shape, int)
    numbers = np.arange(places[index].size).reshape(places[index].shape)
    places[index] = numbers
    return places[index] == numbers
