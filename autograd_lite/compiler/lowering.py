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
from autograd_lite.tensor import Tensor, _state, check_memory_known, next_order, tracing
from autograd_lite.walk import reachable

Op = Callable[..., Any]


@dataclass(eq=False, slots=True)
class Node:
    """A value: what an operation makes of its inputs, or (`op` is None) something given.

    constant: the array (or Python number) that it always is; tensor: the captured Tensor whose
    array it is at each call. Without either it is an argument. check: what a guard, a node without
    a value, calls with its inputs. axes: for each input of a user's operation, its axes on the
    tape, the outermost in memory first.
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
    axes: tuple[tuple[int, ...], ...] = ()


def is_elementwise(op: Any) -> bool:
    """Whether each entry of the result is made of the corresponding entries of the inputs."""
    return op is np.where or (isinstance(op, np.ufunc) and op.signature is None and op.nout == 1)


def _numpys_mean(x: Any, axis: Any, keepdims: bool) -> Any:
    total = np.sum(x, axis=axis, keepdims=True)
    return total / rules.count(x, total)


def _numpys_var(x: Any, axis: Any, keepdims: bool, ddof: int = 0) -> Any:
    total = np.sum(np.square(x - _numpys_mean(x, axis, True)), axis=axis, keepdims=True)
    return total / max(rules.count(x, total) - ddof, 0)


def _numpys_clip(x: Any, low: Any, high: Any) -> Any:
    x = x if type(low) is float and low == -math.inf else np.maximum(x, low)
    return x if type(high) is float and high == math.inf else np.minimum(x, high)


# What NumPy's own composite functions do. (Each is used only where it gives the same bits.)
BODIES: dict[Op, Op] = {
    np.mean: _numpys_mean,
    np.var: _numpys_var,
    np.std: lambda x, axis, keepdims, ddof=0: np.sqrt(_numpys_var(x, axis, keepdims, ddof)),
    np.clip: _numpys_clip,
}

REDUCTIONS: set[Op] = {np.sum, np.max, np.min, np.any, np.all}
VIEWS = {np.reshape, np.transpose, np.broadcast_to}
# Known to be the same each time; another operation may be anything, a random one too.
PURE = {rules.astype, rules.concatenate, rules.stack}
PURE |= {rules.getitem, rules.setitem, rules.scatter_add, rules.written_last}


def is_pure(op: Any) -> bool:
    """Whether an operation is known to give the same each time."""
    numpys = f"{getattr(op, '__module__', None)}.".startswith("numpy.")
    return op in PURE or numpys or isinstance(op, np.ufunc)


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
            if type(y) is not Tensor or y.dtype != t.dtype:
                return None
            steps = reachable([y], lambda x: x._order > start)
            if not _is_what_runs(body, t, steps):
                return None
        except errors.NoMemory:
            raise
        except Exception:  # a body written for arrays may raise anything at all when given Tensors
            return None
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
        node = self.make(op, inputs, t._static, t.shape, t.dtype)
        if not (is_pure(op) or op.__module__.startswith("autograd_lite.")):
            check_memory_known()  # what a user's operation makes of an array may depend on it
            node.axes = tuple(_axes_in_memory(np.asarray(x)) for x in t._saved)
        return node

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
        node = Node(op, inputs, static, shape, dtype)
        for identity in IDENTITIES.get(op, ()):
            simpler = identity(self, node)
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
        return self._keep(key, node)


def _axes_in_memory(x: np.ndarray) -> tuple[int, ...]:
    """The axes of what NumPy makes of x entry by entry, the outermost in memory first."""
    strides = np.nditer([x, None], ["zerosize_ok"]).operands[1].strides
    return tuple(sorted(range(x.ndim), key=lambda axis: -strides[axis]))


def _sums_as_floats(t: Tensor) -> bool:
    """Whether a mean or variance is one of integers, which NumPy adds up as floats."""
    return t._op in BODIES and t._op is not np.clip and t._inputs[0].dtype.kind != "f"


def _is_what_runs(body: Op, t: Tensor, steps: list[Tensor]) -> bool:
    """Whether what the body records gives what t's operation computes, and again the same.

    Those of the engine do; any other is tried at random values, where it may take other steps.
    """
    op: Any = t._op
    if _sums_as_floats(t):
        return False
    if body in BODIES.values() or op.__module__ == rules.__name__:
        return True
    rng = np.random.default_rng(0)
    values = [_sample(x, rng) if type(x) is Tensor else x for x in t._inputs]
    with tracing(), np.errstate(all="ignore"):
        start = next_order()
        y = body(*[Tensor(x) if isinstance(x, np.ndarray) else x for x in values], **t._static)
        others = reachable([y], lambda x: x._order > start)
        if [x._op for x in others if x._op] != [x._op for x in steps if x._op]:
            return False
        return np.array_equal(y._data, op.forward(*values, **t._static))  # (nan is not like nan)


def _sample(x: Tensor, rng: np.random.Generator) -> np.ndarray:
    if _state.stand_ins and not isinstance(x._data, StandIn):
        return x._data  # a constant
    values = np.asarray(rng.uniform(0.1, 0.9, x.shape))
    return (values if x.dtype.kind == "f" else np.rint(values)).astype(x.dtype)


# Exact identities: by operation, functions that are given a node of it before it is kept, and find
# a simpler one, or None.


def _is_alike(x: Node, node: Node) -> bool:
    return x.shape == node.shape and x.dtype == node.dtype


def _is_exact(x: Node, node: Node) -> bool:
    """Whether x = −z is the number −z in the node's arithmetic: of unsigned integers it is not."""
    return x.dtype.kind == "f" or x.dtype == node.dtype


def _without_neutral(lowering: Lowering, node: Node) -> Node | None:
    """x · 1, 1 · x, x / 1, x¹, x + (−0), x − 0."""
    x, y = node.inputs
    neutral = NEUTRAL[node.op]  # type: ignore[index]
    if _is_alike(x, node) and _is_all(y, neutral):
        return x
    commutes = node.op in (np.add, np.multiply)
    return y if commutes and _is_alike(y, node) and _is_all(x, neutral) else None


def _negated(lowering: Lowering, node: Node) -> Node | None:
    """−(−x), −|x|."""
    (x,) = node.inputs
    if x.op is np.negative:
        return x.inputs[0]
    if x.op is np.absolute and node.dtype.kind == "f":
        minus_one = lowering.constant(np.array(-1, node.dtype))
        return lowering.make(np.copysign, (x.inputs[0], minus_one), {}, node.shape, node.dtype)
    return None


def _added_or_subtracted(lowering: Lowering, node: Node) -> Node | None:
    """x + (−y), x − (−y)."""
    x, y = node.inputs
    if y.op is not np.negative or not _is_exact(y, node):
        return None
    opposite = np.subtract if node.op is np.add else np.add
    return lowering.make(opposite, (x, y.inputs[0]), {}, node.shape, node.dtype)


def _added_to_negative(lowering: Lowering, node: Node) -> Node | None:
    """(−x) + y."""
    x, y = node.inputs
    if x.op is not np.negative or not _is_exact(x, node):
        return None
    return lowering.make(np.subtract, (y, x.inputs[0]), {}, node.shape, node.dtype)


def _negative_by_constant(lowering: Lowering, node: Node) -> Node | None:
    """(−x) · c, (−x) / c."""
    x, c = node.inputs
    if x.op is not np.negative or not isinstance(c.constant, np.ndarray) or c.dtype.kind != "f":
        return None
    inputs = x.inputs[0], lowering.constant(np.asarray(-c.constant))
    return lowering.make(node.op, inputs, node.static, node.shape, node.dtype)  # type: ignore[arg-type]


def _unchanged(lowering: Lowering, node: Node) -> Node | None:
    """A reshape to the shape it has, a cast to its dtype, a reduction of one element each.

    (np.sum makes 0.0 of −0.0.)
    """
    x = node.inputs[0]
    return x if _is_alike(x, node) else None


def _repeated(lowering: Lowering, node: Node) -> Node | None:
    """A reshape of a reshape, a broadcast of a broadcast."""
    x = node.inputs[0]
    if x.op is not node.op:
        return None
    return lowering.make(node.op, x.inputs, node.static, node.shape, node.dtype)  # type: ignore[arg-type]


def _transposed_twice(lowering: Lowering, node: Node) -> Node | None:
    """A transpose of a transpose, and one that leaves the axes where they are."""
    (x,) = node.inputs
    axes = node.static["axes"]
    if x.op is np.transpose:
        axes = tuple(x.static["axes"][k] for k in axes)
        return lowering.make(np.transpose, x.inputs, {"axes": axes}, node.shape, node.dtype)
    return x if axes == tuple(range(len(axes))) else None


# (-0.0 + 0.0 is 0.0, so that 0.0 does change something.)
NEUTRAL: dict[Op, Any] = {np.multiply: 1, np.divide: 1, np.power: 1, np.add: -0.0, np.subtract: 0.0}
Identity = Callable[[Lowering, Node], Node | None]
IDENTITIES: dict[Op, tuple[Identity, ...]] = {
    np.add: (_without_neutral, _added_or_subtracted, _added_to_negative),
    np.subtract: (_without_neutral, _added_or_subtracted),
    np.multiply: (_without_neutral, _negative_by_constant),
    np.divide: (_without_neutral, _negative_by_constant),
    np.power: (_without_neutral,),
    np.negative: (_negated,),
    np.reshape: (_unchanged, _repeated),
    np.broadcast_to: (_unchanged, _repeated),
    np.transpose: (_transposed_twice,),
    rules.astype: (_unchanged,),
    **dict.fromkeys(REDUCTIONS, (_unchanged,)),
}


def _is_all(x: Node, number: Any) -> bool:
    """Whether a constant is this number all over, 0.0 and -0.0 told apart."""
    value = x.constant
    if not isinstance(value, np.ndarray) or not value.size or not (value == number).all():
        return False
    return value.dtype.kind != "f" or bool((np.signbit(value) == np.signbit(number)).all())


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


def needed_for(ends: Iterable[Node]) -> list[Node]:
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
