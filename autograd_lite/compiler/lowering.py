"""A traced computation in its shortest form: composite operations are taken apart, what is computed
twice is computed once, and a short table of exact identities is applied. `emitting` writes it out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite import errors, rules
from autograd_lite.compiler.tracing import StandIn, frozen
from autograd_lite.errors import TracingError
from autograd_lite.tensor import Tensor, next_order, tracing
from autograd_lite.walk import reachable

Op = Callable[..., Any]


@dataclass(eq=False, slots=True)
class Node:
    """A value: what an operation makes of its inputs, or (`op` is None) something given.

    constant: the array (or Python number) that it always is; tensor: the captured Tensor whose
    array it is at each call. Without either it is an argument. check: what a guard, a node without
    a value, calls with its inputs.
    """

    op: Op | None
    inputs: tuple[Node, ...]
    static: dict[str, Any]
    shape: tuple[int, ...]
    dtype: np.dtype
    name: str | None = None
    constant: Any = None
    tensor: Tensor | None = None
    number: float = -1
    check: Op | None = None


def is_elementwise(op: Any) -> bool:
    """Whether each entry of the result is made of the corresponding entries of the inputs."""
    return op is np.where or (isinstance(op, np.ufunc) and op.signature is None and op.nout == 1)


def _mean(x: Any, axis: Any, keepdims: bool) -> Any:
    total = np.sum(x, axis=axis, keepdims=True)
    return total / rules.count(x, total)


def _var(x: Any, axis: Any, keepdims: bool, ddof: int = 0) -> Any:
    total = np.sum(np.square(x - _mean(x, axis, True)), axis=axis, keepdims=True)
    return total / max(rules.count(x, total) - ddof, 0)


def _clip(x: Any, low: Any, high: Any) -> Any:
    x = x if type(low) is float and low == -math.inf else np.maximum(x, low)
    return x if type(high) is float and high == math.inf else np.minimum(x, high)


# What NumPy's own composite functions do. (Each is used only where it gives the same bits.)
BODIES: dict[Op, Op] = {
    np.mean: _mean,
    np.var: _var,
    np.std: lambda x, axis, keepdims, ddof=0: np.sqrt(_var(x, axis, keepdims, ddof)),
    np.clip: _clip,
}

REDUCTIONS = {np.sum, np.max, np.min, np.any, np.all}
VIEWS = {np.reshape, np.transpose, np.broadcast_to}
# Known to be the same each time; another operation may be anything, a random one too.
PURE = {rules.astype, rules.concatenate, rules.stack, rules.getitem, rules.scatter_add}


def is_pure(op: Any) -> bool:
    """Whether an operation is known to give the same each time."""
    return op in PURE or getattr(op, "__module__", None) == "numpy" or isinstance(op, np.ufunc)


class Lowering:
    """Turns Tensors on a tape into Nodes. What was there before `start` is captured."""

    def __init__(self, start: int) -> None:
        self.start = start
        self.nodes: dict[int, Node] = {}  # by the Tensors' orders
        self.known: dict[Any, Node] = {}  # by what they compute
        self.kept: list[Node] = []  # so that an id stays one node's

    def argument(self, t: Tensor) -> Node:
        """The node of an argument of the traced function."""
        node = self.nodes[t._order] = Node(None, (), {}, t.shape, t.dtype, t.name)
        return node

    def read(self, tensors: Iterable[Tensor]) -> None:
        """Make nodes of these, which come after what they were made from."""
        for t in tensors:
            self.of(t)

    def of(self, t: Tensor) -> Node:
        """The node of a Tensor all of whose inputs have been read."""
        node = self.nodes.get(t._order)
        if node is None:
            if t._order < self.start:
                if isinstance(t._data, StandIn):
                    raise TracingError(
                        f"{errors.described(t)} was kept from an earlier run of the function: "
                        "compiled, it has no value. Pass what is kept as an argument, return it."
                    )
                node = Node(None, (), {}, t.shape, t.dtype, t.name, tensor=t)
            elif t._op is None:
                node = self.constant(t._data)
            else:
                node = self._expanded(t) or self._as_it_is(t)
            if t.name and not node.name:
                node.name = t.name
            self.nodes[t._order] = node
        return node

    def guard(self, check: Op, tensors: Iterable[Tensor]) -> Node:
        """The node that calls check: right after the last of the values that it is given."""
        inputs = tuple(self.of(t) for t in tensors)
        number = max((x.number for x in inputs), default=-1.0) + 0.5
        return Node(None, inputs, {}, (), np.dtype(bool), number=number, check=check)

    def constant(self, value: Any) -> Node:
        """The node of an array that is always the same."""
        key = None
        if value.size <= 1 << 16:
            key = ("constant", value.dtype, value.shape, value.tobytes())
            if key in self.known:
                return self.known[key]
        node = Node(None, (), {}, value.shape, value.dtype, constant=value)
        return self._keep(key, node)

    def _keep(self, key: Any, node: Node) -> Node:
        node.number = len(self.kept)
        self.kept.append(node)
        if key is not None:
            self.known[key] = node
        return node

    def _expanded(self, t: Tensor) -> Node | None:
        """The node of what the body of t's operation computes, if the body can be traced."""
        body = getattr(t._op, "forward", None)
        if t.dtype.itemsize > 2:  # NumPy's own means of float16 add up in float32
            body = BODIES.get(t._op, body)  # type: ignore[arg-type]
        if body is None or t._op in PURE:
            return None
        start = next_order()
        try:
            with tracing():
                y = body(*t._inputs, **t._static)
            if type(y) is not Tensor or y.dtype != t.dtype or not _is_what_runs(body, t):
                return None
        except Exception:  # a body written for arrays may raise anything at all when given Tensors
            return None
        steps = reachable([y], lambda x: x._order > start)
        if any(x._op is t._op for x in steps):
            return None
        for x in steps:
            self.of(x)
        return self.nodes[y._order]

    def _as_it_is(self, t: Tensor) -> Node:
        op: Any = t._op
        inputs = tuple(
            self.of(x) if type(x) is Tensor else self._number(x, op, t._saved) for x in t._inputs
        )
        if op is np.where:
            inputs = (inputs[0], *(self._cast(x, t.dtype) for x in inputs[1:]))
        return self.make(op, inputs, t._static, t.shape, t.dtype)

    def _number(self, x: Any, op: Op, operands: tuple[Any, ...]) -> Node:
        """A Python number: for NumPy's functions the array that it acts as, which is faster."""
        if is_elementwise(op):
            kinds = [a.dtype if isinstance(a, np.ndarray) else a for a in operands]
            try:
                return self.constant(np.array(x, np.result_type(*kinds)))
            except OverflowError:
                pass
        return Node(None, (), {}, (), np.asarray(x).dtype, constant=x)

    def _cast(self, x: Node, dtype: np.dtype) -> Node:
        if isinstance(x.constant, np.ndarray) and not x.shape:
            return self.constant(x.constant.astype(dtype))
        return x

    def _uniform(self, x: Node) -> Node:
        """A constant that is one number all over is that number."""
        value = x.constant
        if isinstance(value, np.ndarray) and value.size and value.ndim:
            first = value[(0,) * value.ndim]
            if not any(value.strides) or _is_all(x, first):
                return self.constant(np.asarray(first))
        return x

    def make(
        self, op: Op, inputs: tuple[Node, ...], static: dict[str, Any], shape: Any, dtype: np.dtype
    ) -> Node:
        """The node of an operation: one that exists already, a simpler one, or a new one."""
        if is_elementwise(op):
            # Broadcasting an input is left to the operation; if that is not enough, its result is
            # broadcast, which computes less.
            inputs = tuple(self._uniform(_before_broadcasting(x)) for x in inputs)
            natural = np.broadcast_shapes(*(x.shape for x in inputs))
            if natural != shape:
                small = self.make(op, inputs, static, natural, dtype)
                return self.make(np.broadcast_to, (small,), {"shape": shape}, shape, dtype)
        simpler = self._simpler(op, inputs, static, shape, dtype)
        if simpler is not None:
            return simpler
        key = None
        if is_pure(op):
            if all(x.constant is not None for x in inputs):
                with np.errstate(all="ignore"):
                    return self.constant(np.asarray(op(*[x.constant for x in inputs], **static)))
            key = (op, tuple(id(x) for x in inputs), frozen(static))
            if key in self.known:
                return self.known[key]
        return self._keep(key, Node(op, inputs, static, shape, dtype))

    def _simpler(
        self, op: Op, inputs: tuple[Node, ...], static: dict[str, Any], shape: Any, dtype: np.dtype
    ) -> Node | None:
        """The table of exact identities."""

        def unchanged(x: Node) -> bool:
            return x.shape == shape and x.dtype == dtype

        x, y = inputs[0], inputs[-1]
        neutral = NEUTRAL.get(op)
        if neutral is not None:
            if unchanged(x) and _is_all(y, neutral):  # x · 1, x / 1, x + (-0), x - 0
                return x
            if op in COMMUTES and unchanged(y) and _is_all(x, neutral):
                return y
        if op is np.negative:
            if x.op is np.negative:  # -(-x)
                return x.inputs[0]
            if x.op is np.absolute and dtype.kind == "f":  # -|x|
                return self.make(
                    np.copysign, (x.inputs[0], self.constant(np.array(-1, dtype))), {}, shape, dtype
                )
        exact = y.dtype.kind == "f" or y.dtype == dtype  # an unsigned -y is not the number -y
        if op in (np.add, np.subtract) and y.op is np.negative and exact:  # x + (-y), x - (-y)
            other = np.subtract if op is np.add else np.add
            return self.make(other, (x, y.inputs[0]), {}, shape, dtype)
        exact = x.dtype.kind == "f" or x.dtype == dtype
        if op is np.add and x.op is np.negative and exact:  # (-x) + y
            return self.make(np.subtract, (y, x.inputs[0]), {}, shape, dtype)
        if op in (np.multiply, np.divide) and x.op is np.negative and _is_float(y):  # (-x) / c
            opposite = self.constant(np.asarray(-y.constant))
            return self.make(op, (x.inputs[0], opposite), static, shape, dtype)
        if op in (np.reshape, np.broadcast_to) or (op is rules.astype and x.dtype == dtype):
            if unchanged(x):
                return x
            if x.op is op:  # a reshape of a reshape
                return self.make(op, x.inputs, static, shape, dtype)
        if op is np.transpose:
            axes = static["axes"]
            if x.op is np.transpose:
                axes = tuple(x.static["axes"][k] for k in axes)
                return self.make(np.transpose, x.inputs, {"axes": axes}, shape, dtype)
            if axes == tuple(range(len(axes))):
                return x
        if op in REDUCTIONS and unchanged(x):  # one element each (np.sum makes 0.0 of -0.0)
            return x
        return None


def _sums_as_floats(t: Tensor) -> bool:
    """Whether a mean or variance is one of integers, which NumPy adds up as floats."""
    return t._op in BODIES and t._op is not np.clip and t._inputs[0].dtype.kind != "f"


def _is_what_runs(body: Op, t: Tensor) -> bool:
    """Whether what the body records gives what t's operation computes, and again the same.

    Those of the engine do; any other is tried at random values.
    """
    op: Any = t._op
    if _sums_as_floats(t):
        return False
    if body in BODIES.values() or op.__module__ == rules.__name__:
        return True
    rng = np.random.default_rng(0)
    values = [_sample(x, rng) if type(x) is Tensor else x for x in t._inputs]
    with tracing(), np.errstate(all="ignore"):
        y = body(*[Tensor(x) if isinstance(x, np.ndarray) else x for x in values], **t._static)
        return np.array_equal(y._data, op.forward(*values, **t._static), equal_nan=True)


def _sample(x: Tensor, rng: np.random.Generator) -> np.ndarray:
    if not isinstance(x._data, StandIn):
        return x._data.copy()
    return np.asarray(rng.uniform(0.1, 0.9, x.shape) * (1 if x.dtype.kind == "f" else 2)).astype(
        x.dtype
    )


# (-0.0 + 0.0 is 0.0, so that 0.0 does change something.)
NEUTRAL: dict[Op, Any] = {np.multiply: 1, np.divide: 1, np.power: 1, np.add: -0.0, np.subtract: 0.0}
COMMUTES = {np.add, np.multiply}


def _is_all(x: Node, number: Any) -> bool:
    """Whether a constant is this number all over, 0.0 and -0.0 told apart."""
    value = x.constant
    if not isinstance(value, np.ndarray) or not value.size or not (value == number).all():
        return False
    return value.dtype.kind != "f" or bool((np.signbit(value) == np.signbit(number)).all())


def _is_float(x: Node) -> bool:
    return isinstance(x.constant, np.ndarray) and x.dtype.kind == "f"


def _before_broadcasting(x: Node) -> Node:
    """x before it was stretched, or given leading axes of length one."""
    while True:
        if x.op is np.reshape:
            (source,) = x.inputs
            if x.shape != (1,) * (len(x.shape) - len(source.shape)) + source.shape:
                return x
        elif x.op is not np.broadcast_to:
            return x
        x = x.inputs[0]


def needed(ends: Iterable[Node]) -> list[Node]:
    """The outputs and guards, and what they are made from, in the order of the tape."""
    found = {id(node): node for node in ends}
    stack = list(found.values())
    while stack:
        for x in stack.pop().inputs:
            if id(x) not in found:
                found[id(x)] = x
                stack.append(x)
    return sorted(found.values(), key=lambda node: node.number)


def without_reshapes_of_sums(nodes: list[Node], outputs: list[Node]) -> None:
    """A reduction that keeps its axes, only to lose them in a reshape, does not keep them."""
    users: dict[int, int] = {}
    for node in [*(x for n in nodes for x in n.inputs), *outputs]:
        users[id(node)] = users.get(id(node), 0) + 1
    for node in nodes:
        if node.op is not np.reshape:
            continue
        (x,) = node.inputs
        if x.op not in REDUCTIONS or users[id(x)] > 1:
            continue
        axes = x.static["axis"]
        if node.shape == tuple(n for k, n in enumerate(x.shape) if k not in axes):
            node.op, node.inputs = x.op, x.inputs
            node.static = {**x.static, "keepdims": False}
            node.name = node.name or x.name
