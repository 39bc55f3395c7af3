"""Programs as data: inputs, constants, and steps that are lines of NumPy.

The same text runs on arrays and on Tensors.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite.functions.special import special
from benchmarks.layouts import layout_of, lying, written

CALLS = 3  # each program comes with so many sets of data
DEFAULTS = {"axis": None, "ddof": 0, "keepdims": False}  # of reductions: not written out
MOVES, CONSTANT = "moves", "constant"  # what PyTorch need not know: see Entry
EXACT, RESULT, OPERANDS, SLOPE, SOLVED = range(5)  # what is rounded: nothing, its result, what it
# sums up or takes as well, and its derivative too, because it is a difference from 1; SOLVED: all
# of it, multiples of 1/8 as well, because an elimination divides
Chosen = tuple[tuple[Any, ...], dict[str, Any]]  # operands, arguments


@dataclass(frozen=True)
class Entry:
    """One kind of step: how it is written (the first way also on arrays), drawn, and judged.

    weight: how often it is drawn. rounds: how much of it PyTorch may round otherwise than NumPy.
    domain: conditions on its operands. gap: distances from where its derivative jumps.
    """

    spellings: tuple[str, ...]
    choose: Callable[[Any], Chosen]
    torch: Callable[..., Any] | str
    weight: float = 1.0
    rounds: int = EXACT
    domain: Callable[..., tuple[Any, ...]] = lambda *_: ()
    gap: Callable[..., Any] | None = None
    name: str = ""


@dataclass(frozen=True)
class Step:
    """One line: which kind of step, on which values (names) and numbers, how spelled."""

    entry: Entry
    operands: tuple[Any, ...]
    arguments: dict[str, Any] = field(default_factory=dict)
    spelling: int = 0
    name: str | None = None  # what the user calls it: `.named(...)`

    def expression(self, spelling: int) -> str:
        """The line's right-hand side."""
        operands = [text(x) for x in self.operands]
        arguments = {key: text(value) for key, value in self.arguments.items()}
        options = "".join(
            f", {key}={arguments[key]}"
            for key, default in DEFAULTS.items()
            if self.arguments.get(key, default) is not default
        )
        template = self.entry.spellings[spelling]
        every = ", ".join(operands)
        line = template.format(*operands, y="{y}", all=every, options=options, **arguments)
        return line.replace("(, ", "(")


@dataclass(frozen=True)
class Constant:
    """An array that the program uses without being given it; with a name, a Tensor of this name."""

    array: np.ndarray
    name: str | None = None


@dataclass(frozen=True)
class Program:
    """inputs: for each CALLS arrays, or floats. returns: the names of what it returns. cost: the
    scalar among its values whose gradient is taken, if there is one.
    """

    inputs: dict[str, tuple[Any, ...]]
    constants: dict[str, Constant]
    steps: dict[str, Step]
    returns: tuple[str, ...]
    cost: str | None

    def source(self, tensors: bool = True, returns: Iterable[str] | None = None) -> str:
        """The function as Python: for Tensors as it was drawn, for arrays without names."""
        lines = [f"def f({', '.join(self.inputs)}):"]
        for y, step in self.steps.items():
            line = step.expression(step.spelling if tensors else 0)
            if "{y}" in line:
                line = line.replace("{y}", y)
            elif tensors and step.name is not None:
                line = f"{y} = ({line}).named({step.name!r})"
            else:
                line = f"{y} = {line}"
            lines.append(f"    {line}")
        lines.append(f"    return {', '.join(self.returns if returns is None else returns)}")
        return "\n".join(lines) + "\n"

    def function(self, returns: Iterable[str] | None = None) -> Callable[..., Any]:
        """The program on Tensors, which may return something else than it does."""
        names = namespace()
        for name, constant in self.constants.items():
            if constant.name is None:
                names[name] = constant.array
            else:
                names[name] = ag.Tensor(constant.array, name=constant.name)
        exec(self.source(returns=returns), names)
        return names["f"]

    def values(self, call: int) -> dict[str, Any]:
        """Every value, computed by NumPy."""
        names = namespace()
        names |= {name: constant.array for name, constant in self.constants.items()}
        every = [*self.inputs, *self.steps]
        exec(self.source(tensors=False, returns=every), names)
        with np.errstate(all="ignore"):
            results = names["f"](*self.arguments(call))
        results = results if len(every) > 1 else (results,)
        return {
            name: x if type(x) is float else np.asarray(x)
            for name, x in zip(every, results, strict=True)
        }

    def arguments(self, call: int) -> list[Any]:
        """Arrays of the caller's own, in the layout that they were drawn with."""
        return [_copy(values[call]) for values in self.inputs.values()]

    def differentiable(self) -> tuple[int, ...]:
        """The positions of the inputs that gradients are taken for: arrays of floats."""
        return tuple(k for k, data in enumerate(self.inputs.values()) if is_variable(data[0]))

    def listing(self, call: int = 0) -> str:
        """The program as a script's first lines: constants, function, inputs."""
        body = self.source()
        lines = ["import numpy as np", "import autograd_lite as ag"]
        lines += ["from scipy import special"] * ("special." in body) + [""]
        for name, constant in self.constants.items():
            array = text(constant.array)
            tensor = f"ag.Tensor({array}, name={constant.name!r})"
            lines.append(f"{name} = {array if constant.name is None else tensor}")
        own = [f for f in (cube, assigned, through) if f"{f.__name__}(" in body]
        lines[2:2] = ["from typing import Any"] * bool(own)
        for function in own:
            lines += ["", inspect.getsource(inspect.unwrap(function))]
        lines += [body]
        lines += [f"{name} = {text(values[call])}" for name, values in self.inputs.items()]
        return "\n".join(lines)


def is_variable(x: Any) -> bool:
    """Whether gradients are taken for an input."""
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"


def namespace() -> dict[str, Any]:
    own = {"cube": cube, "assigned": assigned, "through": through}
    return {"np": np, "ag": ag, "special": special, **own}


def _copy(x: Any) -> Any:
    """x in memory of its own, laid out alike."""
    return lying(x, layout_of(x)) if isinstance(x, np.ndarray) else x


def text(x: Any) -> str:
    """A value as Python."""
    if isinstance(x, str | None | bool):
        return str(x)
    if isinstance(x, np.ndarray):
        name = x.dtype.name
        dtype = "" if name in ("float64", "int64", "bool") else f", np.{name}"
        inner = str(x.tolist()) if x.size else ""
        made = f"np.array({inner}{dtype})" if x.size else f"np.zeros({x.shape}, np.{name})"
        return written(made, x, layout_of(x))
    if isinstance(x, np.generic):
        return f"np.{x.dtype}({x.item()!r})"
    if isinstance(x, Index):
        return ", ".join(map(text, x.items)) + "," * (len(x.items) == 1 and x.comma) or "()"
    if isinstance(x, slice):
        start, stop = ("" if n is None else str(n) for n in (x.start, x.stop))
        return f"{start}:{stop}" + (f":{x.step}" if x.step is not None else "")
    if x is Ellipsis:
        return "..."
    if isinstance(x, int | float) and (x < 0 or str(x)[0] == "-"):
        return f"({x!r})"
    if isinstance(x, type):
        return x.__name__ if x in (float, int, bool) else f"np.{x.__name__}"
    return repr(x)


@dataclass(frozen=True)
class Index:
    """What stands between brackets."""

    items: tuple[Any, ...]
    comma: bool = False


@ag.differentiable(lambda g, y, x, by: g * (3 * by * x * x))
def cube(x: Any, by: float) -> Any:
    """An operation of the user's own."""
    return by * x**3


def assigned(x: Any, index: Any, value: Any) -> Any:
    """A copy of x with the value at the index."""
    y = x.copy()
    y[index] = value
    return y


def through(x: Any, order: Any, view: Any, value: Any) -> Any:
    """A copy of x with the value written into what may be a view of it: that depends on memory."""
    y = x.copy(order)
    view(y)[...] = value
    return y


def pruned(program: Program) -> Program:
    """Without steps, inputs and constants that nothing needs. One array of floats stays."""
    needed = {*program.returns, program.cost}
    steps = {}
    for y, step in reversed(program.steps.items()):
        if y in needed:
            steps[y] = step
            needed |= {x for x in step.operands if isinstance(x, str)}
    inputs = {name: values for name, values in program.inputs.items() if name in needed}
    if not any(is_variable(values[0]) for values in inputs.values()):
        arrays = [n for n, values in program.inputs.items() if is_variable(values[0])]
        inputs |= {name: program.inputs[name] for name in arrays[:1]}
    constants = {name: c for name, c in program.constants.items() if name in needed}
    return Program(inputs, constants, dict(reversed(steps.items())), program.returns, program.cost)


class Unfit(Exception):
    """What was drawn does not fit: it cannot be computed, or is no test of anything."""
