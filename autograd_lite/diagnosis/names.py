"""What tensors are called in reports: by their names, or by how they are computed."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from autograd_lite import rules
from autograd_lite.diagnosis.points import Paths
from autograd_lite.graph import Step

REARRANGEMENTS = (np.transpose, np.reshape, np.broadcast_to, rules.astype, rules.identity)
PRODUCTS = (np.dot, np.matmul)
UNCHANGED = (*REARRANGEMENTS, np.add, np.sum)  # what arrives goes on through these as it is
INFIX: dict[Any, str] = {
    np.add: "+",
    np.subtract: "−",
    np.multiply: "∘",
    np.divide: "/",
    np.dot: "@",
    np.matmul: "@",
}
WORDS = {  # what the result of an operation is called
    "add": "sum",
    "subtract": "difference",
    "multiply": "product",
    "dot": "product",
    "matmul": "product",
    "divide": "quotient",
    "power": "power",
    "negative": "negative",
    "getitem": "part",
    "max": "maximum",
    "min": "minimum",
    "std": "standard deviation",
    "var": "variance",
}
ARRIVING = "dout"  # what arrives at the output of a layer, which has no loss and no labels
NESTED, MOST_LETTERS = 3, 40  # a description: operations in each other, letters


class TensorNames:
    """What the tensors on a tape are called."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self._names: dict[int, str] = {}

    def name(self, step: Step) -> str:
        """The name of the tensor, or of what it is a view of, or a description."""
        if step.number not in self._names:
            self._names[step.number] = self._named(self.source(step))
        return self._names[step.number]

    def _named(self, source: Step) -> str:
        if source.label:
            return source.label
        if source.op is None:
            use = self._first_use.get(source.number)
            on_way = use is not None and use.number in self.paths.uses
            user = self.paths.down_from(use).label if use and on_way else None
            return f"the array {source.shape} in {user}" if user else f"the array {source.shape}"
        written = self._written(source, NESTED)
        if written and len(written) <= MOST_LETTERS:
            return written
        what = f"the {WORDS.get(source.name, source.name)}{_over_axes(source)}"
        below = self.paths.down_from(source)
        if below is not source and below.label:
            return f"{what} in {below.label}"
        return f"{what} {source.shape}"

    def place(self, step: Step) -> str:
        """Its name; and if it has none, the tensor with a name that it goes into as well."""
        name, source, below = self.name(step), self.source(step), self.paths.down_from(step).label
        has_own = source.label or source.op is None
        return name if has_own or not below else f"{name}, in {below}"

    def gradient(self, step: Step) -> str:
        """What its gradient is called: `dZ1`, or `the gradient of the sum over axis 1 of Z1`."""
        below = step
        while not below.label and self.paths.only_use(below):
            ((t, k),) = self.paths.uses[below.number]
            if t.op not in UNCHANGED and (t.op, k) != (np.subtract, 0):
                break
            below = t
        return gradient_of(below.label or self.name(step))

    def source(self, step: Step) -> Step:
        """What a transpose, reshape or cast without a name is taken of."""
        while not step.label and step.op in REARRANGEMENTS and isinstance(step.inputs[0], Step):
            step = step.inputs[0]
        return step

    def below(self, step: Step) -> str:
        """The name of the next tensor before the cost that has one, or a description."""
        below = self.paths.down_from(step)
        return self.name(step) if below is self.paths.cost else below.label or self.name(step)

    @cached_property
    def _first_use(self) -> dict[int, Step]:
        used = (
            (x.number, t)
            for t in reversed(self.paths.steps)
            for x in t.inputs
            if isinstance(x, Step)
        )
        return dict(used)

    def _written(self, step: Any, depth: int) -> str | None:
        """An operation as it is written, with its operands; None if they are too deep."""
        if not isinstance(step, Step):
            return f"{step:g}" if isinstance(step, int | float) else None
        if not step.label and step.op is np.transpose and len(step.shape) == 2:
            turned = self._written(step.inputs[0], depth)
            return f"{turned}.T" if turned else None
        source = self.source(step)
        if source.label or source.op is None:
            return source.label or f"the array {source.shape}"
        parts = [self._written(x, depth - 1) for x in source.inputs] if depth else []
        if source.op is rules.getitem and parts:
            return _indexed_part(source, parts[0])
        if not parts or not all(parts):
            return None
        return _in_words(source, [part for part in parts if part])


def _in_words(step: Step, parts: list[str]) -> str | None:
    """An operation on operands that are written already."""
    first = parts[0]
    if step.op in INFIX:
        if any(part.startswith("the ") and " of " in part for part in parts):
            return None  # in words, which would end anywhere
        scaled = step.op is np.multiply and not isinstance(step.inputs[0], Step)
        return f"({first} {parts[1]})" if scaled else f"({first} {INFIX[step.op]} {parts[1]})"
    if step.op is np.negative:
        return f"(−{first})"
    if step.op is np.square or (step.op is np.power and step.inputs[1] == 2):
        return f"{first}²"
    if len(parts) == 1 and "axis" in step.static and step.value.size < step.inputs[0].value.size:
        return f"the {WORDS.get(step.name, step.name)}{_over_axes(step)} of {first}"
    if len(parts) == 1 and isinstance(step.op, np.ufunc):
        return f"{step.name}({bare(first)})"
    return None


def _over_axes(step: Step) -> str:
    """The axes of a reduction that leaves some."""
    axes = step.static.get("axis")
    if not isinstance(axes, tuple) or not axes or not step.shape or step.value.size == 1:
        return ""
    named = " and ".join(map(str, axes))
    return f" over {'axis' if len(axes) == 1 else 'axes'} {named}"


def _indexed_part(step: Step, of: str | None) -> str | None:
    """An indexed part of an array."""
    index = step.static["index"]
    if of is None:
        return None
    if all(isinstance(i, slice | int | type(None) | type(...)) for i in index):
        return f"{of}[{', '.join(map(_index_text, index))}]"
    return f"the rows of {of}"


def _index_text(i: Any) -> str:
    """One index, as Python writes it."""
    if not isinstance(i, slice):
        return "..." if i is ... else str(i)
    ends = ["" if end is None else str(end) for end in (i.start, i.stop)]
    return ":".join([*ends, *([] if i.step is None else [str(i.step)])])


def bare(written: str) -> str:
    """A sum, product or quotient without the brackets around it: `x @ w` of `(x @ w)`."""
    return written[1:-1] if written.startswith("(") and written.endswith(")") else written


def gradient_of(name: str) -> str:
    """What the gradient of what is called so is called: `dZ1`, or `the gradient of (x @ w)`."""
    return f"d{name}" if name.isidentifier() else f"the gradient of {name}"


def listed(names: list[str]) -> str:
    """Names in words: `z1, z2 and z3`, of many the first and the last."""
    if len(names) > 4:
        return f"{names[0]}, {names[1]}, … {names[-1]}"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
