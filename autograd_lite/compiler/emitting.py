"""Nodes as plain NumPy source: which buffer each value lives in, and one line for each operation.

A buffer is used again as soon as what it holds is spent, an operation writes into an input that
dies there, and what the function returns is written straight into fresh arrays.
"""

from __future__ import annotations

import bisect
import builtins
import keyword
import math
import operator
import textwrap
import unicodedata
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_lite.compiler.lowering import REDUCTIONS, VIEWS, Node, is_elementwise, is_pure
from autograd_lite.compiler.tracing import name_of
from autograd_lite.rules import (
    Slot,
    astype,
    concatenate,
    einsum,
    getitem,
    inverse,
    scatter_add,
    setitem,
    stack,
)

REDUCE = {np.sum: "add", np.max: "maximum", np.min: "minimum", np.any: "logical_or"}
REDUCE[np.all] = "logical_and"
KEYWORD_OUT = {np.maximum, np.minimum}  # NumPy wants `out` by name here; elsewhere that is slower
PRINTED = 16  # constants of so many elements are printed in the source
EXACT = {
    "bool",
    "float16",
    "float32",
    "float64",
    *(f"{u}int{n}" for u in ("", "u") for n in (8, 16, 32, 64)),
}


@dataclass(eq=False, slots=True)
class Block:
    """Memory for one value after another: room for `size` elements of `dtype`."""

    dtype: np.dtype
    size: int
    views: dict[tuple[tuple[int, ...], np.dtype], list[str]] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize


def kind(node: Node) -> str:
    """How a value comes about: it is `given`, a `view`, `written` into an array, or `made`.

    A `guard` is no value. (Where NumPy copies, a Plan corrects `view` to `made`.)
    """
    op: Any = node.op
    if op is None:
        return "guard" if node.check else "given"
    if op in VIEWS or (op is getitem and not _is_fancy(node)):
        return "view"
    if op in (np.dot, np.matmul, concatenate, stack) or op in REDUCTIONS:
        return "written"
    return "written" if is_elementwise(op) and op is not np.where else "made"


def _is_numpys(op: Any) -> bool:
    return getattr(np, op.__name__, None) is op


def _is_argument(node: Node) -> bool:
    return kind(node) == "given" and node.constant is None and node.tensor is None


Strides = tuple[int, ...]


def in_rows(node: Node) -> Strides:
    """The strides of an array like this one that lies in memory row by row."""
    strides, step = [], node.dtype.itemsize
    for n in reversed(node.shape):
        strides.append(step)
        step *= max(n, 1)
    return tuple(reversed(strides))


def strides_of_view(node: Node, strides: Strides) -> Strides | None:
    """The strides of a view of an array with these strides; None if NumPy makes a copy instead.

    NumPy itself is asked, on an array of the same strides that is never read.
    """
    (x,) = node.inputs
    if node.op is np.reshape and strides == in_rows(x):
        return in_rows(node)
    base = np.lib.stride_tricks.as_strided(np.empty(1, x.dtype), x.shape, strides)
    try:
        if node.op is np.reshape:
            return np.reshape(base, node.shape, copy=False).strides
        if node.op is np.transpose:
            return base.transpose(node.static["axes"]).strides
        if node.op is np.broadcast_to:
            return np.broadcast_to(base, node.shape).strides
        return base[(*_view_index(node),)].strides
    except ValueError:
        return None


def _view_index(node: Node) -> tuple[Any, ...]:
    """A basic index as one that leaves an array in every case: `x[0]` of a vector is a number."""
    index = node.static["index"]
    return index if node.shape or Ellipsis in index else (*index, Ellipsis)


def _is_fancy(node: Node) -> bool:
    index = node.static["index"]
    return len(node.inputs) > 1 or any(isinstance(i, np.ndarray | bool | np.bool) for i in index)


def _is_printed(value: np.ndarray) -> bool:
    """Whether a constant is written out in the source, row by row."""
    return bool(value.size <= PRINTED and value.dtype.name in EXACT and np.isfinite(value).all())


class Plan:
    """Where each value lives.

    kind: how each comes about. strides: of a value whose place in memory is known. block: of a node
    that is written into a kept buffer. fresh: the nodes that are written into an array of their
    own, for the caller. follows: a node whose value is overwritten → by which.
    """

    def __init__(self, nodes: list[Node], outputs: list[Node], keep_outputs: bool) -> None:
        self.nodes = nodes
        self.blocks: list[Block] = []
        self.block: dict[Node, Block] = {}
        self.follows: dict[Node, Node] = {}
        self.memory: dict[Node, tuple[Node, ...]] = {}  # whose memory a node's value may be in
        self.kind: dict[Node, str] = {}
        self.strides: dict[Node, Strides | None] = {}
        self.fresh = {n for n in outputs if kind(n) == "written"}
        for node in nodes:
            self._look(node)
            self.memory[node] = self._memory(node)
        self.last = dict.fromkeys(nodes, -1)
        for position, node in enumerate(nodes):
            for x in node.inputs:
                for source in self.memory[x]:
                    self.last[source] = position
        for node in outputs:
            for source in self.memory[node]:
                self.last[source] = len(nodes)
        self._assign(keep_outputs)

    def _look(self, node: Node) -> None:
        """Find out how a node comes about, and how it lies in memory."""
        how, strides = kind(node), None
        if how == "written":
            strides = in_rows(node)
        elif isinstance(node.constant, np.ndarray):
            strides = in_rows(node) if _is_printed(node.constant) else node.constant.strides
        elif how == "view" and (of := self.strides[node.inputs[0]]) is not None:
            strides = strides_of_view(node, of)
            if strides is None:
                how, strides = "made", in_rows(node)
        self.kind[node], self.strides[node] = how, strides

    def _memory(self, node: Node) -> tuple[Node, ...]:
        how = self.kind[node]
        if how == "written":
            return (node,)
        return self.memory[node.inputs[0]] if how == "view" else ()

    def lies_in_rows(self, node: Node) -> bool:
        """Whether an array is known to lie in memory row by row."""
        return self.strides[node] == in_rows(node)

    def _assign(self, keep_outputs: bool) -> None:
        free = _Free()
        for position, node in enumerate(self.nodes):
            dying = [
                s
                for s in {s: None for x in node.inputs for s in self.memory[x]}
                if self.last[s] == position and s in self.block and s not in self.fresh
            ]
            if self.kind[node] == "written":
                if node in self.fresh:
                    if keep_outputs:
                        self.block[node] = self._new(node)
                else:
                    before = self._overwritten(node, dying)
                    if before is not None:
                        self.block[node] = self.block[before]
                        self.follows[before] = node
                        dying.remove(before)
                    else:
                        self.block[node] = self._taken(node, free)
            for s in dying:
                free.add(self.block[s])
            if node in self.block and self.last[node] < position and node not in self.fresh:
                free.add(self.block[node])

    def _overwritten(self, node: Node, dying: list[Node]) -> Node | None:
        """An input that the operation may write its result over."""
        if not is_elementwise(node.op):
            return None
        for before in dying:
            readers = [x for x in node.inputs if before in self.memory[x]]
            if all(
                x.shape == node.shape and x.dtype == node.dtype and self._in_order(x)
                for x in readers
            ):
                return before
        return None

    def _in_order(self, node: Node) -> bool:
        """Whether the value fills its buffer from its start, row by row."""
        while node.op is np.reshape:
            (node,) = node.inputs
        return node in self.block

    def _new(self, node: Node) -> Block:
        block = Block(node.dtype, math.prod(node.shape))
        self.blocks.append(block)
        return block

    def _taken(self, node: Node, free: _Free) -> Block:
        """The free block that fits best; made larger if none is large enough."""
        need = math.prod(node.shape) * node.dtype.itemsize
        block = free.take(need)
        if block is None:
            return self._new(node)
        if block.nbytes < need:
            block.size = -(-need // block.dtype.itemsize)
        return block


class _Free:
    """Blocks that hold nothing, by size; of equal ones the one that was added first comes first."""

    def __init__(self) -> None:
        self.sizes: list[int] = []  # sorted, each once
        self.blocks: dict[int, deque[Block]] = {}

    def add(self, block: Block) -> None:
        size = block.nbytes
        if not self.blocks.get(size):
            self.blocks[size] = deque()
            bisect.insort(self.sizes, size)
        self.blocks[size].append(block)

    def take(self, need: int) -> Block | None:
        """The smallest block with room for so many bytes, or else the largest; None without any."""
        if not self.sizes:
            return None
        at = min(bisect.bisect_left(self.sizes, need), len(self.sizes) - 1)
        blocks = self.blocks[self.sizes[at]]
        block = blocks.popleft()
        if not blocks:
            del self.sizes[at]
        return block


class Checked(str):
    """A line that only looks whether the arguments are right."""

    __slots__ = ()


class Names:
    """Names for a program's variables, each once, and each one that Python takes."""

    def __init__(self) -> None:
        self.taken = {*keyword.kwlist, *dir(builtins)}
        self.count: dict[str, int] = {}

    def new(self, wish: str) -> str:
        """The name that is wished for, or one like it that nothing else has."""
        name = wish = identifier(wish)
        k = self.count.get(wish, 1)
        while name in self.taken:
            k += 1
            name = f"{wish}_{k}"
        self.count[wish] = k
        self.taken.add(name)
        return name


def identifier(text: str) -> str:
    """The identifier closest to a text, in the form (NFKC) in which Python compares them."""
    text = unicodedata.normalize("NFKC", text)
    name = "".join(c if f"_{c}".isidentifier() else "_" for c in text) or "x"
    name = unicodedata.normalize("NFKC", name if name.isidentifier() else f"_{name}")
    return name if name.isidentifier() and unicodedata.is_normalized("NFKC", name) else "x"


class Source:
    """The source of a program, piece by piece; `given` are the objects that it refers to."""

    def __init__(self, plan: Plan, outputs: list[Node]) -> None:
        self.plan, self.outputs = plan, outputs
        self.names = Names()
        self.given: dict[str, Any] = {}
        self.given_names: dict[int, str] = {}
        self.imports: dict[str, str] = {}  # of NumPy's: what they are called here
        self.reductions: dict[str, str] = {}  # what a ufunc's reduce is called: add: add_reduce
        self.constants: list[str] = []
        self.buffers: list[str] = []
        self.body: list[str] = []
        self.name: dict[Node, str] = {}
        self.static_views: list[str] = []
        self.static: set[Node] = set()  # views that are the same array at each call
        self.dtypes: dict[np.dtype, str] = {}
        self.users: dict[Node, int] = {}
        for node in plan.nodes:
            for x in node.inputs:
                self.users[x] = self.users.get(x, 0) + 1
        self.users.update(dict.fromkeys(outputs, 2))  # the caller too: more than one
        for node in plan.nodes:
            self._function(node)

    def library(self, name: str) -> str:
        """What something of NumPy's, which the program imports, is called in it."""
        if name not in self.imports:
            self.imports[name] = self.names.new(name)
        return self.imports[name]

    def reduction(self, ufunc: str) -> str:
        """What the reduce method of a ufunc is called in the program."""
        if ufunc not in self.reductions:
            self.reductions[ufunc] = self.names.new(f"{ufunc}_reduce")
            self.library(ufunc)
        return self.reductions[ufunc]

    def give(self, wish: str, value: Any) -> str:
        """A name for an object that cannot be written down."""
        name = self.given_names.get(id(value))
        if name is None:
            name = self.given_names[id(value)] = self.names.new(wish)
            self.given[name] = value
        return name

    # Values

    def write(self) -> None:
        """Name every value and write the line that computes it."""
        self._name_buffers()
        for node in self.plan.nodes:
            how = self.plan.kind[node]
            if how == "given":
                self._write_given(node)
            elif how == "view":
                self._write_view(node)
            elif how == "guard":
                self._write_guard(node)
            elif how == "written":
                self._write_call(node)
            else:
                self._write_made(node)

    def _function(self, node: Node) -> str:
        """What the function that computes a node is called; NumPy's are named before variables."""
        op: Any = node.op
        if op in REDUCTIONS:
            return self.reduction(REDUCE[op])
        if op in (concatenate, stack):
            return self.library(op.__name__)
        if op is None or op is np.dot or self.plan.kind[node] == "view":
            return ""
        if op in (astype, getitem) or op in VIEWS:
            return ""
        return self.library(op.__name__) if _is_numpys(op) else self.give(op.__name__, op)

    def _name_buffers(self) -> None:
        """A kept buffer has the names of all the values that it holds, one after another."""
        plan = self.plan
        spare: dict[Any, str] = {}
        for node in plan.nodes:
            block = plan.block.get(node)
            if block is None:
                continue
            last = node
            if not node.name and node.op in (np.dot, np.matmul) and node in plan.follows:
                last = plan.follows[node]  # W1 @ X is the beginning of Z1
                if (last.shape, last.dtype) != (node.shape, node.dtype):
                    last = node
            key = (block, node.shape, node.dtype)
            if node in self.name:  # it continues a product
                continue
            if last.name:
                name = self.names.new(last.name)
            elif key in spare:
                self.name[last] = self.name[node] = spare[key]
                continue
            else:
                name = spare[key] = self.names.new("t")
            block.views.setdefault(key[1:], []).append(name)
            self.name[last] = self.name[node] = name
        for block in plan.blocks:
            self._write_block(block)

    def _write_block(self, block: Block) -> None:
        views = list(block.views.items())
        (shape, dtype), names = views[0]
        whole = len(views) == 1 and math.prod(shape) == block.size
        empty = self.library("empty")
        if whole:
            self.buffers.append(f"{' = '.join(names)} = {empty}({shape}{self.dtype(dtype)})")
            return
        name = self.names.new("buffer")
        block.size = -(-block.nbytes // 16) * 16 // block.dtype.itemsize  # room for any dtype
        self.buffers.append(f"{name} = {empty}({block.size}{self.dtype(block.dtype)})")
        for (shape, dtype), names in views:
            text = name
            if dtype != block.dtype:
                text += f".view({self.dtype(dtype, '') or 'float'})"
            text += f"[:{math.prod(shape)}].reshape({shape})"
            self.buffers.append(f"{' = '.join(names)} = {text}")

    def dtype(self, dtype: np.dtype, before: str = ", ") -> str:
        """A dtype as an argument; nothing for float64, which is NumPy's default."""
        if dtype.name == "float64":
            return ""
        return before + ("bool" if dtype.name == "bool" else self.library(dtype.name))

    def dtype_object(self, dtype: np.dtype) -> str:
        """A name for a dtype as arrays carry it."""
        if dtype not in self.dtypes:
            self.dtypes[dtype] = self.names.new(f"{dtype.name}_")
            text = f'{self.dtypes[dtype]} = {self.library("dtype")}("{dtype.name}")'
            self.constants.append(text)
        return self.dtypes[dtype]

    def _write_given(self, node: Node) -> None:
        if node.constant is not None:
            if not isinstance(node.constant, np.ndarray):
                self.name[node] = self._static(node.constant)
            else:
                self.name[node] = self._write_constant(node)
        elif node.tensor is not None:
            tensor = self.give((node.name or "captured") + "_tensor", node.tensor)
            self.name[node] = self.names.new(node.name or "captured")
            self.body.append(f"{self.name[node]} = {tensor}._data  # {node.shape}, as it is now")

    def _write_guard(self, node: Node) -> None:
        check = self.give(name_of(node.check), node.check)
        text = f"{check}({', '.join(self.name[x] for x in node.inputs)})"
        self.body.append(Checked(text) if all(map(_is_argument, node.inputs)) else text)

    def _write_constant(self, node: Node) -> str:
        value = node.constant
        short = {0.0: "zero", 1.0: "one", -1.0: "minus_one", 2.0: "two", 0.5: "half"}
        number = value.item() if value.ndim == 0 else math.nan
        if _is_printed(value):
            name = self.names.new(node.name or short.get(number, "c"))
            array = self.library("array")
            self.constants.append(f"{name} = {array}({value.tolist()!r}{self.dtype(value.dtype)})")
            if value.shape != np.array(value.tolist()).shape:
                self.constants[-1] += f".reshape({value.shape})"
            return name
        name = self.give(node.name or "c", value)
        about = "a constant" if value.ndim == 0 else "an array that was captured, copied"
        self.constants.append(f"# {name}: {value.shape} {value.dtype}, {about}")
        return name

    def _write_view(self, node: Node) -> None:
        x = node.inputs[0]
        text, suffix = self._view(node, self.name[x])
        if x in self.plan.block or x in self.static or x.constant is not None:
            self.static.add(node)
            base = self.name[x]
            key = f"{base}{suffix}"
            self.name[node] = self.names.new(node.name or key)
            self.static_views.append(f"{self.name[node]} = {text}")
        elif self.users.get(node, 0) == 1 and node.op is np.transpose:
            self.name[node] = text
        else:
            self.name[node] = self.names.new(node.name or f"{self.name[x]}{suffix}")
            self.line(f"{self.name[node]} = {text}", node)

    def _view(self, node: Node, base: str) -> tuple[str, str]:
        """A view as an expression, and what it adds to the name."""
        if node.op is np.transpose:
            axes = node.static["axes"]
            if axes == tuple(range(len(axes)))[::-1]:
                return f"{base}.T", "_T"
            return f"{base}.transpose({axes})", "_transposed"
        if node.op is np.reshape:
            return f"{base}.reshape({node.shape})", "_reshaped"
        if node.op is np.broadcast_to:
            return f"{self.library('broadcast_to')}({base}, {node.shape})", "_broadcast"
        return f"{base}[{self._index(node, _view_index(node))}]", "_part"

    def _index(self, node: Node, index: tuple[Any, ...]) -> str:
        parts = []
        for i in index:
            if type(i) is Slot:
                parts.append(self.name[node.inputs[1 + i]])
            elif i is Ellipsis:
                parts.append("...")
            elif isinstance(i, slice):
                step = "" if i.step is None else f":{operator.index(i.step)}"
                bounds = ("" if b is None else str(operator.index(b)) for b in (i.start, i.stop))
                parts.append(":".join(bounds) + step)
            elif isinstance(i, np.ndarray):
                parts.append(self.give("index", i))
            else:
                truth = i is None or isinstance(i, bool | np.bool)
                parts.append(
                    str(None if i is None else bool(i)) if truth else str(operator.index(i))
                )
        return ", ".join(parts) if parts else "()"

    # Operations

    def line(self, text: str, node: Node) -> None:
        self.body.append(f"{text}  # {node.shape}")

    def _write_call(self, node: Node) -> None:
        """An operation that writes into a kept buffer, or into a fresh array for the caller."""
        target = self.name.get(node)
        if target is not None:
            self.line(self._call(node, target), node)
            return
        self.name[node] = self.names.new(node.name or "result")
        target = None if self._is_contiguous(node) else self._empty(node)
        self.line(f"{self.name[node]} = {self._call(node, target)}", node)

    def _empty(self, node: Node) -> str:
        return f"{self.library('empty')}({node.shape}{self.dtype(node.dtype)})"

    def _is_contiguous(self, node: Node) -> bool:
        """Whether the operation by itself makes an array, row by row (0-d ones become numbers)."""
        if not node.shape:
            return False
        if node.op is np.dot:
            return True
        # Where the inputs disagree about the order of memory, NumPy takes that of rows.
        return is_elementwise(node.op) and any(
            x.shape == node.shape and self.plan.lies_in_rows(x) for x in node.inputs
        )

    def _call(self, node: Node, out: str | None) -> str:
        op: Any = node.op
        inputs = [self.name[x] for x in node.inputs]
        if op in REDUCTIONS:
            return self._reduction(node, inputs[0], out or self._empty(node))
        if op in (concatenate, stack):
            text = f"{self._function(node)}(({', '.join(inputs)},), {node.static['axis']}"
            return f"{text}, {out})" if out else f"{text})"
        text = f"{self._function(node)}({', '.join(inputs)}"
        if op is np.dot:  # as a method it takes a sixth less time
            text = f"{inputs[0]}.dot({inputs[1]}"
        if out is None:
            return f"{text})"
        return f"{text}, out={out})" if op in KEYWORD_OUT else f"{text}, {out})"

    def _reduction(self, node: Node, x: str, out: str) -> str:
        axes, keepdims = node.static["axis"], node.static["keepdims"]
        everything = len(axes) == len(node.inputs[0].shape)
        axis = None if everything else axes[0] if len(axes) == 1 else axes
        text = f"{self._function(node)}({x}, {axis}"
        return f"{text}, None, {out}, True)" if keepdims else f"{text}, None, {out})"

    def _write_made(self, node: Node) -> None:
        """An operation that makes its own array: choices, casts, indexing by arrays, a user's."""
        op: Any = node.op
        inputs = [self.name[x] for x in node.inputs]
        static = node.static
        if op in VIEWS:  # NumPy copies
            text, _ = self._view(node, inputs[0])
        elif op is np.where:
            text = f"{self._function(node)}({', '.join(inputs)})"
        elif op is astype:
            text = f"{inputs[0]}.astype({self.dtype(node.dtype, '') or 'float'})"
        elif op is getitem:
            text = f"{inputs[0]}[{self._index(node, static['index'])}]"
        else:
            function = self._function(node)
            if not (is_pure(op) or (op is einsum and len(inputs) > 1)):
                # A user's function: it gets arrays of its own, in case it keeps or returns them.
                # (einsum of one array may be a view of it.)
                axes = node.axes or ((),) * len(inputs)
                inputs = [
                    name
                    if x.constant is not None and type(x.constant) is not np.ndarray
                    else _copy_in_order(name, axes_)
                    for name, x, axes_ in zip(inputs, node.inputs, axes, strict=True)
                ]
            options = [f"{key}={self._static(value)}" for key, value in static.items()]
            text = f"{function}({', '.join(inputs + options)})"
        if not node.shape or op not in (np.where, astype, getitem, scatter_add, setitem, *VIEWS):
            text = f"{self.library('asarray')}({text})"
        self.name[node] = self.names.new(node.name or "t")
        self.line(f"{self.name[node]} = {text}", node)

    def _static(self, value: Any) -> str:
        if type(value) in (int, bool, str, type(None)) or (
            type(value) is float and math.isfinite(value)
        ):
            return repr(value)
        if isinstance(value, tuple) and all(type(v) is int for v in value):
            return repr(value)
        return self.give("static", value)

    # What the function returns

    def results(self) -> list[str]:
        """An expression for each output: an array that is the caller's own."""
        seen: set[Node] = set()
        texts = []
        for node in self.outputs:
            own = node in self.plan.fresh and node not in seen
            seen.add(node)
            texts.append(self.name[node] if own else f"{self.name[node]}.copy()")
        return texts

    def text(
        self,
        function: str,
        signature: str,
        unpack: list[str],
        returns: str,
        title: list[str],
        trusting: bool = False,
    ) -> str:
        """The whole program; a trusting one takes its arguments without a check."""
        lines = [f"# {one_line(line)}" for line in title]
        if self.imports:
            imports = [k if k == v else f"{k} as {v}" for k, v in sorted(self.imports.items())]
            lines += _from_numpy(imports)
        for ufunc, name in sorted(self.reductions.items()):
            lines.append(f"{name} = {self.imports[ufunc]}.reduce")
        if self.constants:
            lines += ["", *self.constants]
        if self.buffers:
            lines += ["", "# Kept from call to call. A buffer has a name for each value in turn."]
            lines += [*self.buffers, *self.static_views]
        elif self.static_views:
            lines += ["", *self.static_views]
        lines += ["", "", f"def {function}({signature}):"]
        lines += [
            f"    {line}"
            for line in (*unpack, *self.body, f"return {returns}")
            if not (trusting and isinstance(line, Checked))
        ]
        return "\n".join(lines) + "\n"


def _copy_in_order(name: str, axes: tuple[int, ...]) -> str:
    """A copy that lies in memory with its axes in this order, the outermost first."""
    if axes == tuple(range(len(axes))):
        return f"{name}.copy()"
    return f"{name}.transpose({axes}).copy().transpose({inverse(axes)})"


def one_line(text: str) -> str:
    """The text as part of a comment: what cannot be printed, a line's end too, is replaced."""
    return "".join(c if c.isprintable() else "�" for c in text)


def _from_numpy(names: list[str]) -> list[str]:
    """The line that imports these, or the lines, where one would be too long."""
    whole = f"from numpy import {', '.join(names)}"
    if len(whole) <= 100:
        return [whole]
    body = textwrap.wrap(f"{', '.join(names)},", 96)
    return ["from numpy import (", *(f"    {line}" for line in body), ")"]
