"""Nodes as plain NumPy source: which buffer each value lives in, and one line for each operation.

A buffer is used again as soon as what it holds is spent, an operation writes into an input that
dies there, and what the function returns is written straight into fresh arrays.
"""

from __future__ import annotations

import builtins
import keyword
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_lite.lowering import REDUCTIONS, VIEWS, Node, is_elementwise
from autograd_lite.rules import Slot, astype, concatenate, getitem, scatter_add, stack
from autograd_lite.tracing import called

REDUCE = {np.sum: "add", np.max: "maximum", np.min: "minimum", np.any: "logical_or"}
REDUCE[np.all] = "logical_and"
KEYWORD_OUT = {np.maximum, np.minimum}  # NumPy wants `out` by name here; elsewhere that is slower
PRINTED = 16  # constants of so many elements are printed in the source


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

    A `guard` is no value.
    """
    op: Any = node.op
    if op is None:
        return "guard" if node.check else "given"
    if op in VIEWS or (op is getitem and not _is_fancy(node)):
        return "view"
    if op in (np.dot, np.matmul, concatenate, stack) or op in REDUCTIONS:
        return "written"
    return "written" if is_elementwise(op) and op is not np.where else "made"


def _is_argument(node: Node) -> bool:
    return kind(node) == "given" and node.constant is None and node.tensor is None


def _in_rows(node: Node) -> bool:
    """Whether an array is known to lie in memory row by row."""
    if isinstance(node.constant, np.ndarray):
        return node.constant.flags.c_contiguous
    return kind(node) == "written"


def _is_fancy(node: Node) -> bool:
    index = node.static["index"]
    return len(node.inputs) > 1 or any(isinstance(i, np.ndarray | bool) for i in index)


class Plan:
    """Where each value lives.

    block: of a node that is written into a kept buffer. fresh: the nodes that are written into an
    array of their own, for the caller. follows: a node whose value is overwritten → by which.
    """

    def __init__(self, nodes: list[Node], outputs: list[Node], keep_outputs: bool) -> None:
        self.nodes = nodes
        self.blocks: list[Block] = []
        self.block: dict[Node, Block] = {}
        self.follows: dict[Node, Node] = {}
        self.memory: dict[Node, tuple[Node, ...]] = {}  # whose memory a node's value may be in
        self.fresh = {n for n in outputs if kind(n) == "written"}
        for node in nodes:
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

    def _memory(self, node: Node) -> tuple[Node, ...]:
        how = kind(node)
        if how in ("given", "made", "guard"):
            return ()
        if how == "written":
            return (node,)
        return tuple({s: None for x in node.inputs for s in self.memory[x]})

    def _assign(self, keep_outputs: bool) -> None:
        free: list[Block] = []
        for position, node in enumerate(self.nodes):
            dying = [
                s
                for s in {s: None for x in node.inputs for s in self.memory[x]}
                if self.last[s] == position and s in self.block and s not in self.fresh
            ]
            if kind(node) == "written":
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
            free.extend(self.block[s] for s in dying)
            if node in self.block and self.last[node] < position and node not in self.fresh:
                free.append(self.block[node])

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

    def _taken(self, node: Node, free: list[Block]) -> Block:
        """The free block that fits best; made larger if none is large enough."""
        need = math.prod(node.shape) * node.dtype.itemsize
        if not free:
            return self._new(node)
        fitting = [b for b in free if b.nbytes >= need]
        block = min(fitting, key=_nbytes) if fitting else max(free, key=_nbytes)
        if block.nbytes < need:
            block.size = -(-need // block.dtype.itemsize)
        free.remove(block)
        return block


def _nbytes(block: Block) -> int:
    return block.nbytes


class Checked(str):
    """A line that only looks whether the arguments are right."""

    __slots__ = ()


class Names:
    """Names for a program's variables, each once, and each one that Python takes."""

    def __init__(self) -> None:
        self.taken = {*keyword.kwlist, *dir(builtins)}

    def new(self, wish: str) -> str:
        wish = re.sub(r"\W", "_", wish.replace("′", "_")) or "x"
        if wish[0].isdigit():
            wish = "_" + wish
        name, k = wish, 1
        while name in self.taken:
            k += 1
            name = f"{wish}_{k}"
        self.taken.add(name)
        return name


class Source:
    """The source of a program, piece by piece; `given` are the objects that it refers to."""

    def __init__(self, plan: Plan, outputs: list[Node]) -> None:
        self.plan, self.outputs = plan, outputs
        self.names = Names()
        self.given: dict[str, Any] = {}
        self.imports: set[str] = set()
        self.methods: dict[str, str] = {}  # NumPy's bound methods, as add_reduce = add.reduce
        self.constants: list[str] = []
        self.buffers: list[str] = []
        self.body: list[str] = []
        self.name: dict[Node, str] = {}
        self.static_views: list[str] = []
        self.dtypes: dict[np.dtype, str] = {}
        self.users: dict[Node, int] = {}
        for node in plan.nodes:
            for x in node.inputs:
                self.users[x] = self.users.get(x, 0) + 1
        for node in outputs:
            self.users[node] = self.users.get(node, 0) + 2
        for node in plan.nodes:
            self._reserve(node)

    def library(self, name: str) -> str:
        """A name of NumPy's that the program imports."""
        self.imports.add(name)
        self.names.taken.add(name)
        return name

    def give(self, wish: str, value: Any) -> str:
        """A name for an object that cannot be written down."""
        for name, given in self.given.items():
            if given is value:
                return name
        name = self.names.new(wish)
        self.given[name] = value
        return name

    # Values

    def write(self) -> None:
        """Name every value and write the line that computes it."""
        self._name_buffers()
        for node in self.plan.nodes:
            how = kind(node)
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

    def _reserve(self, node: Node) -> None:
        """Take the names of functions before variables do."""
        op: Any = node.op
        if op in REDUCTIONS:
            ufunc = self.library(REDUCE[op])
            self.methods[f"{ufunc}_reduce"] = f"{ufunc}.reduce"
            self.names.taken.add(f"{ufunc}_reduce")
        elif op is np.dot:
            pass
        elif op in (concatenate, stack) or (
            op is not np.dot
            and kind(node) in ("written", "made")
            and (isinstance(op, np.ufunc) or getattr(op, "__module__", None) == "numpy")
        ):
            self.library(op.__name__)

    def _name_buffers(self) -> None:
        """A kept buffer has the names of all the values that it holds, one after another."""
        plan, spare = self.plan, {}
        for node in plan.nodes:
            block = plan.block.get(node)
            if block is None:
                continue
            last = node
            if not node.name and node.op in (np.dot, np.matmul) and node in plan.follows:
                last = plan.follows[node]  # W1 @ X is the beginning of Z1
            key = (block, node.shape, node.dtype)
            views = block.views.setdefault((node.shape, node.dtype), [])
            if last in self.name:
                self.name[node] = self.name[last]
            elif last.name:
                self.name[last] = self.name[node] = self.names.new(last.name)
                views.append(self.name[node])
            else:
                if key not in spare:
                    spare[key] = self.names.new("t")
                    views.append(spare[key])
                self.name[node] = spare[key]
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
        block.size = -(-block.nbytes // 8) * 8 // block.dtype.itemsize  # room for any dtype
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
        check = self.give(called(node.check), node.check)
        text = f"{check}({', '.join(self.name[x] for x in node.inputs)})"
        self.body.append(Checked(text) if all(map(_is_argument, node.inputs)) else text)

    def _write_constant(self, node: Node) -> str:
        value = node.constant
        short = {0.0: "zero", 1.0: "one", -1.0: "minus_one", 2.0: "two", 0.5: "half"}
        number = value.item() if value.ndim == 0 else math.nan
        if value.size <= PRINTED and np.isfinite(value).all():
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
        if self._is_static(x):
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
        return f"{base}[{self._index(node)}]", "_part"

    def _is_static(self, node: Node) -> bool:
        """Whether the array is the same object at each call."""
        while kind(node) == "view":
            node = node.inputs[0]
        return node in self.plan.block or (node.op is None and node.constant is not None)

    def _index(self, node: Node) -> str:
        parts = []
        for i in node.static["index"]:
            if type(i) is Slot:
                parts.append(self.name[node.inputs[1 + i]])
            elif i is Ellipsis:
                parts.append("...")
            elif isinstance(i, slice):
                step = "" if i.step is None else f":{i.step}"
                bounds = ("" if b is None else str(b) for b in (i.start, i.stop))
                parts.append(":".join(bounds) + step)
            elif isinstance(i, np.ndarray):
                parts.append(self.give("index", i))
            else:
                parts.append(repr(int(i) if isinstance(i, np.integer) else i))
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
            x.shape == node.shape and _in_rows(x) for x in node.inputs
        )

    def _call(self, node: Node, out: str | None) -> str:
        op: Any = node.op
        inputs = [self.name[x] for x in node.inputs]
        if op in REDUCTIONS:
            return self._reduction(node, inputs[0], out or self._empty(node))
        if op in (concatenate, stack):
            function = self.library(op.__name__)
            text = f"{function}(({', '.join(inputs)},), {node.static['axis']}"
            return f"{text}, {out})" if out else f"{text})"
        text = f"{op.__name__}({', '.join(inputs)}"
        if op is np.dot:  # as a method it takes a sixth less time
            text = f"{inputs[0]}.dot({inputs[1]}"
        if out is None:
            return f"{text})"
        return f"{text}, out={out})" if op in KEYWORD_OUT else f"{text}, {out})"

    def _reduction(self, node: Node, x: str, out: str) -> str:
        axes, keepdims = node.static["axis"], node.static["keepdims"]
        everything = len(axes) == len(node.inputs[0].shape)
        axis = None if everything else axes[0] if len(axes) == 1 else axes
        text = f"{REDUCE[node.op]}_reduce({x}, {axis}"  # type: ignore[index]
        return f"{text}, None, {out}, True)" if keepdims else f"{text}, None, {out})"

    def _write_made(self, node: Node) -> None:
        """An operation that makes its own array: choices, casts, indexing by arrays, a user's."""
        op: Any = node.op
        inputs = [self.name[x] for x in node.inputs]
        static = node.static
        if op is np.where:
            text = f"where({', '.join(inputs)})"
        elif op is astype:
            text = f"{inputs[0]}.astype({self.dtype(node.dtype, '') or 'float'})"
        elif op is getitem:
            text = f"{inputs[0]}[{self._index(node)}]"
        else:
            numpys = getattr(op, "__module__", None) == "numpy"
            function = op.__name__ if numpys else self.give(op.__name__, op)
            if op is not scatter_add and not numpys:
                # A user's function: it gets arrays of its own, in case it keeps or returns them.
                inputs = [
                    name
                    if x.constant is not None and type(x.constant) is not np.ndarray
                    else f"{name}.copy()"
                    for name, x in zip(inputs, node.inputs, strict=True)
                ]
            options = [f"{key}={self._static(value)}" for key, value in static.items()]
            text = f"{function}({', '.join(inputs + options)})"
        if not node.shape or op not in (np.where, astype, getitem, scatter_add):
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
        lines = [f"# {line}" for line in title]
        if self.imports:
            lines += _wrapped(f"from numpy import {', '.join(sorted(self.imports))}")
        lines += [f"{name} = {method}" for name, method in sorted(self.methods.items())]
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


def _wrapped(text: str) -> Sequence[str]:
    if len(text) <= 100:
        return [text]
    start, names = text.split(" import ")
    parts = names.split(", ")
    lines, line = [f"{start} import ("], "   "
    for part in parts:
        if len(line) + len(part) > 96:
            lines.append(line)
            line = "   "
        line += f" {part},"
    return [*lines, line, ")"]
