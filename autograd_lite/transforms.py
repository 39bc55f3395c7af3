"""Functions into functions: gradients, Jacobians, Hessians, products with them.

Arrays in, arrays out. Inside another transform, or on Tensors, results are Tensors on the outer
tape, so that transforms nest. Arguments are arrays, numbers, or lists, tuples and dicts of them;
the result has the argument's structure.
"""

from __future__ import annotations

import copy
import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from autograd_lite import errors, rules
from autograd_lite.tensor import Tensor, constant, is_tracing, recording
from autograd_lite.walk import pull, reachable


class _Depth(threading.local):
    inside = 0  # how many transforms are at work in this thread


_depth = _Depth()


@contextmanager
def at_work(variables: Sequence[Tensor] = ()) -> Iterator[None]:
    """What runs here is differentiated: transforms inside give Tensors, not arrays."""
    _depth.inside += 1
    try:
        with recording(variables):
            yield
    finally:
        _depth.inside -= 1


# Lists, tuples and dicts of arrays


def flatten(tree: Any) -> list[Any]:
    """The leaves of nested lists, tuples and dicts, in order."""
    leaves, stack = [], [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            stack.extend(reversed(node.values()))
        elif isinstance(node, list | tuple):
            stack.extend(reversed(node))
        else:
            leaves.append(node)
    return leaves


def unflatten(tree: Any, leaves: Iterator[Any]) -> Any:
    """`tree` with its leaves replaced, in order."""
    if isinstance(tree, dict):
        items = {key: unflatten(node, leaves) for key, node in tree.items()}
        return items if type(tree) is dict else with_items(tree, items)
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(unflatten(node, leaves) for node in tree))
    if isinstance(tree, list | tuple):
        return type(tree)(unflatten(node, leaves) for node in tree)
    return next(leaves)


def with_items(tree: dict[Any, Any], items: dict[Any, Any]) -> dict[Any, Any]:
    """A dict of a kind of its own (ordered, with a default) with these items."""
    new = copy.copy(tree)
    new.clear()
    for key, value in items.items():
        new[key] = value
    return new


def map_leaves(function: Callable[..., Any], tree: Any) -> Any:
    """The same structure, with function(leaf) in the place of each leaf."""
    return unflatten(tree, iter([function(leaf) for leaf in flatten(tree)]))


def _variable(x: Any) -> Tensor:
    """A fresh variable for an argument; one from a Tensor stays on the outer tape."""
    if isinstance(x, Tensor):
        if x.dtype.kind != "f":
            raise TypeError(f"{errors.described(x)} of {x.dtype} cannot be differentiated")
        variable = rules.identity(x)
        variable._needs = True
        return variable
    if type(x) is int:
        x = float(x)
    array = np.asarray(x)
    errors.refuse_masks(x, "an argument")
    if array.dtype.kind != "f":
        raise TypeError(
            f"an argument of {array.dtype} and shape {array.shape} cannot be differentiated: "
            "only floats can. Write 1.0 for 1, or use x.astype(float)."
        )
    return Tensor(array, requires_grad=True)


def on_tape(y: Any) -> Tensor:
    """A value of f, once it is a Tensor: anything else has lost its gradient on the way."""
    if not isinstance(y, Tensor):
        raise TypeError(
            f"the function returned {type(y).__name__}, not a Tensor: its gradient is cut (by "
            ".data or float(t), perhaps). Use operations on Tensors; a constant is ag.Tensor(3.0)."
        )
    return y


def _warn_of_captured(values: list[Tensor], oldest: int) -> None:
    """Say which Tensors, made before this order, lose the gradient that they require."""
    captured = {}
    for t in reachable(values, lambda x: x._needs and x._order >= oldest):
        for x in t._inputs if t._order >= oldest else (t,):
            if type(x) is Tensor and x._needs and x._order < oldest:
                captured[x._order] = errors.described(x)
    if captured:
        errors.warn(
            f"the function uses {', '.join(captured.values())} from outside, which requires a "
            "gradient and gets none here: arrays come out of this transform. Make it an argument, "
            "or write .detach() where it is constant; of ag.Tensor(x) instead of x, what comes out "
            "is on the tape, and has its gradient."
        )


class _Run:
    """One run of f with the arguments `argnums` replaced by variables."""

    def __init__(self, f: Callable[..., Any], args: Sequence[Any], argnums: Any) -> None:
        several = isinstance(argnums, tuple | list)
        chosen = tuple(argnums) if several else (argnums,)
        for k in chosen:
            if not isinstance(k, int | np.integer):
                raise TypeError(f"argnums={argnums!r}: give a position, or a tuple of positions")
            if not -len(args) <= k < len(args):
                raise IndexError(f"argnums={argnums}, but f was called with {len(args)} arguments")
        self.on_tape = (
            _depth.inside > 0
            or is_tracing()
            or any(isinstance(x, Tensor) for k in chosen for x in flatten(args[k]))
        )
        arguments = list(args)
        for k in chosen:
            arguments[k] = map_leaves(_variable, arguments[k])
        self.variables = tuple(arguments[k] for k in chosen) if several else arguments[chosen[0]]
        self.leaves = flatten(self.variables)
        with at_work(self.leaves):
            self.value = map_leaves(on_tape, f(*arguments))
        if not self.on_tape and self.leaves:
            _warn_of_captured(flatten(self.value), min(x._order for x in self.leaves))

    def pull(self, y: Tensor, v: Any, on_tape: bool | None = None) -> Any:
        """The gradients of <v, y>, in the structure of the variables."""
        on_tape = self.on_tape if on_tape is None else on_tape
        return unflatten(
            self.variables, iter(pull(y, self.leaves, cotangent(y, v, on_tape), on_tape))
        )

    def out(self, t: Tensor) -> Any:
        return t if self.on_tape else t._data.copy()

    def array(self) -> Tensor:
        """The value, if it is one array; otherwise an error."""
        if not isinstance(self.value, Tensor):
            raise TypeError(
                f"the function returned a {type(self.value).__name__}: a product with its "
                "derivative needs one array as its value, or use ag.jacobian"
            )
        return self.value

    def scalar(self) -> Tensor:
        """The value, if f is a cost; otherwise an error."""
        y = self.value
        if not isinstance(y, Tensor) or y.size != 1:
            shape = y.shape if isinstance(y, Tensor) else type(y).__name__
            raise ValueError(
                f"a gradient needs a function with one number as its value, not {shape}: "
                "reduce it, as with np.sum, or use ag.jacobian"
            )
        return y


def cotangent(y: Tensor, v: Any, on_tape: bool) -> Any:
    """v as what arrives at y: of y's shape and dtype."""
    if isinstance(v, Tensor) and not on_tape:
        v = v._data
    if not isinstance(v, Tensor):
        errors.refuse_masks(v, "the gradient that arrives")
        v = np.array(v, dtype=y.dtype)
    if v.shape != y.shape:
        raise ValueError(f"expected an array of shape {y.shape}, the value's, not {v.shape}")
    return constant(v) if on_tape else v


def _inner(trees: Any, others: Any) -> Tensor:
    """The sum of all products of corresponding entries."""
    return sum(np.sum(a * b) for a, b in zip(flatten(trees), flatten(others), strict=True))


def _like(tree: Any, other: Any, what: str) -> Any:
    """`other` as Tensors in the order of `tree`, once it has its structure, keys and shapes."""
    if isinstance(tree, dict) and isinstance(other, dict) and tree.keys() == other.keys():
        return [_like(node, other[key], what) for key, node in tree.items()]
    nested = isinstance(tree, list | tuple)
    if nested and isinstance(other, list | tuple) and len(tree) == len(other):
        return [_like(*pair, what) for pair in zip(tree, other, strict=True)]
    if nested or isinstance(tree, dict) or np.shape(tree) != np.shape(other):
        shapes = [[np.shape(x) for x in flatten(t)] for t in (other, tree)]
        raise ValueError(f"{what} has shapes {shapes[0]}, the argument {shapes[1]}")
    errors.refuse_masks(other, what)
    return constant(other)


def _check_function(f: Any) -> None:
    if not callable(f):
        raise TypeError(
            f"this takes a function of arrays, not a {type(f).__name__}. "
            "The gradients of a Tensor J are ag.gradients(J, [W])"
        )


def grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """The gradient of a scalar function with respect to its argument(s) `argnums`.

    A Tensor from outside that f uses and that requires a gradient is constant here; a warning
    names it.

    >>> grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
    array([2., 4.])
    >>> grad(lambda x: x * grad(lambda y: x + y)(1.0))(5.0)
    array(1.)
    """
    both = value_and_grad(f, argnums)
    return functools.wraps(f)(lambda *args: both(*args)[1])


def value_and_grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """The value of a scalar function and its gradient, in one run.

    >>> value_and_grad(lambda p: p["w"] * p["b"])({"w": 2.0, "b": 3.0})
    (array(6.), {'w': array(3.), 'b': array(2.)})
    """
    _check_function(f)

    @functools.wraps(f)
    def wrapped(*args: Any) -> Any:
        run = _Run(f, args, argnums)
        J = run.scalar()
        return run.out(J), run.pull(J, np.ones(J.shape))

    return wrapped


def vjp(f: Callable[..., Any], *args: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """The value of f, and its pullback: v of the value's shape → vᵀ·(∂f/∂args), for each argument.

    >>> y, pullback = vjp(lambda W, x: W @ x, np.eye(2), np.array([1.0, 2.0]))
    >>> pullback(np.array([1.0, 0.0]))
    (array([[1., 2.],
           [0., 0.]]), array([1., 0.]))
    """
    _check_function(f)
    run = _Run(f, args, tuple(range(len(args))))
    y = run.array()

    def pullback(v: Any) -> tuple[Any, ...]:
        return run.pull(y, v, run.on_tape or isinstance(v, Tensor) or _depth.inside > 0)

    return run.out(y), pullback


def jvp(f: Callable[..., Any], args: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """The value of f at `args`, and its directional derivative along `tangents`.

    args, tangents: sequences of the same structure and shapes.

    >>> jvp(np.sin, (0.0,), (2.0,))
    (array(0.), array(2.))
    """
    _check_function(f)
    if not all(isinstance(x, list | tuple) for x in (args, tangents)):
        raise TypeError("args and tangents are tuples, as in ag.jvp(f, (x,), (v,))")
    run = _Run(f, args, tuple(range(len(args))))
    along = _like(run.variables, tuple(tangents), "the tangent")
    y = run.array()
    # The pullback is linear in what arrives: its own derivative is the directional one.
    arriving = Tensor(np.zeros(y.shape, y.dtype), requires_grad=True)
    with at_work():
        back = _inner(run.pull(y, arriving, on_tape=True), along)
    (tangent,) = pull(
        back, [arriving], cotangent(back, np.ones(back.shape), run.on_tape), run.on_tape
    )
    return run.out(y), tangent


def jacobian(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """∂f/∂x, of shape f(x).shape + x.shape; nested where f's value or x is.

    >>> jacobian(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    _check_function(f)

    def wrapped(*args: Any) -> Any:
        run = _Run(f, args, argnums)

        def rows(y: Tensor) -> Any:
            units = np.eye(y.size).reshape(y.size, *y.shape)
            pulled = [flatten(run.pull(y, unit)) for unit in units]
            parts = [
                np.stack([row[k] for row in pulled]).reshape(y.shape + x.shape)
                if pulled
                else np.zeros(y.shape + x.shape, x.dtype)
                for k, x in enumerate(run.leaves)
            ]
            return unflatten(run.variables, iter(parts))

        return map_leaves(rows, run.value)

    return wrapped


def hessian(f: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    """∂²f/∂x² of a scalar function, of shape x.shape + x.shape; nested where x is.

    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """
    return jacobian(grad(f, argnums), argnums)


def hvp(f: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    """The Hessian of a scalar function times a vector, without the Hessian: hvp(f)(x, v).

    >>> hvp(lambda x: np.sum(x**3))(np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    array([6., 0.])
    """
    _check_function(f)

    def wrapped(*args: Any) -> Any:
        if len(args) < 2:
            raise TypeError("hvp(f) takes the arguments of f, and then the vector: hvp(f)(x, v)")
        *at, v = args
        run = _Run(f, at, argnums)
        J = run.scalar()
        with at_work():
            slope = _inner(
                run.pull(J, np.ones(J.shape), on_tape=True), _like(run.variables, v, "the vector")
            )
        return run.pull(slope, np.ones(slope.shape))

    return wrapped
