"""PyTorch's value and derivatives of a random program, and how far rounding can move them.

The program runs three times: as it is, and twice with the result of every step that rounds off by
up to four units in the last place (equal values by equal amounts, so that ties stay ties), and with
its derivative for each operand off by as much, also where the result is exact, as that of x / x is.
How far an answer moves is what no two right programs need agree on; nothing else is allowed for.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.fuzz.programs import (
    CONSTANT,
    EXACT,
    MOVES,
    OPERANDS,
    SLOPE,
    SOLVED,
    Program,
    Step,
    is_variable,
    namespace,
)

try:
    import torch
except ImportError:
    torch = None  # type: ignore[assignment]

MISSING = 'PyTorch is the judge here and is not installed: pip install torch, or ".[bench]"'
NOISE = 4  # units in the last place
ALLOWED = 10  # times what noise moves
LARGEST = 1e6


class Skipped(Exception):
    """The answer is not finite, too large, or moves too far under rounding, to judge by it."""


class JudgeError(Exception):
    """PyTorch, or what is written here for it, failed."""


@dataclass(frozen=True)
class Judged:
    """Arrays, and how far from each of their entries another right program may be."""

    arrays: list[np.ndarray]
    tolerance: list[float]

    def differs(self, others: Sequence[Any]) -> str:
        """What is wrong with these arrays; nothing: they agree."""
        for k, (right, tolerance, x) in enumerate(
            zip(self.arrays, self.tolerance, others, strict=True)
        ):
            x = np.asarray(x)
            if x.shape != right.shape:
                return f"number {k} has shape {x.shape}, not {right.shape}"
            if x.size and not (np.abs(x.astype(float) - right).max() <= tolerance):
                return (
                    f"number {k} is\n{x!r}\nPyTorch has\n{right!r}\n"
                    f"(rounding explains {tolerance:.1e})"
                )
        return ""


Quantity = Callable[[dict[str, Any]], list[Any]]


class Judge:
    """PyTorch's runs of one program, and what they say."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.known = functools.cache(program.values)
        self.runs = functools.cache(self._runs)
        floats = [x.dtype for x in self.known(0).values() if isinstance(x, np.ndarray)]
        floats += [c.array.dtype for c in program.constants.values()]
        self.eps = float(max(np.finfo(d).eps for d in floats if d.kind == "f"))

    def allows(self, quantity: Quantity, call: int, arrays: Sequence[np.ndarray]) -> list[float]:
        """How far from these arrays others may be. Without PyTorch: half of the digits."""
        if torch is not None:
            return self.says(quantity, call).tolerance
        largest = max([1.0, *(float(np.abs(x.astype(float)).max(initial=0)) for x in arrays)])
        return [np.sqrt(self.eps) * largest] * len(arrays)

    def _runs(self, call: int) -> list[dict[str, Any]]:
        return [_run(self.program, self.known(call), call, phase) for phase in (None, 0.3, 1.7)]

    def says(self, quantity: Quantity, call: int = 0) -> Judged:
        """What a quantity is: a function of all values of the program to tensors."""
        if torch is None:
            raise Skipped("PyTorch is not installed")
        try:
            found = [quantity(values) for values in self.runs(call)]
        except Skipped:
            raise
        except Exception as error:
            raise JudgeError(f"{type(error).__name__} in the judge: {error}") from error
        runs = [[x.detach().numpy(force=True).astype(float) for x in run] for run in found]
        largest = max([1.0, *(float(np.abs(x).max(initial=0)) for x in runs[0])])
        if not largest <= LARGEST:
            raise Skipped("not finite, or larger than 1e6")
        tolerance = []
        for x, *noisy in zip(*runs, strict=True):
            moved = max(float(np.abs(x - y).max(initial=0)) for y in noisy)
            if not moved <= np.sqrt(self.eps) * largest:
                raise Skipped("moved by rounding")
            least = (ALLOWED + len(self.program.steps)) * self.eps * largest
            tolerance.append(ALLOWED * moved + least)
        return Judged(runs[0], tolerance)


def _run(program: Program, known: dict[str, Any], call: int, phase: float | None) -> dict[str, Any]:
    """Every value as PyTorch computes it, with leaves for the inputs."""
    values: dict[str, Any] = {}
    for name, data in program.inputs.items():
        x = data[call]
        values[name] = _tensor(x) if isinstance(x, np.ndarray) else x
        if is_variable(x):
            values[name].requires_grad_()
    for name, constant in program.constants.items():
        values[name] = _tensor(constant.array)
    arrays = known | {name: constant.array for name, constant in program.constants.items()}
    for y, step in program.steps.items():
        operands = [values[x] if isinstance(x, str) else x for x in step.operands]
        given = [arrays[x] if isinstance(x, str) else x for x in step.operands]
        values[y] = _step(step, operands, given, known[y], phase)
    return values


def _tensor(x: Any) -> Any:
    return torch.from_numpy(np.array(x, order="C"))


def _dtype(x: np.dtype) -> Any:
    return getattr(torch, "bool" if x.kind == "b" else str(x))


def _step(
    step: Step, operands: list[Any], given: list[Any], known: np.ndarray, phase: float | None
) -> Any:
    """The step on PyTorch's operands; `given` and `known` are NumPy's operands and result."""
    entry = step.entry
    if entry.gap and phase is None:
        plain = [x.detach().numpy() if isinstance(x, torch.Tensor) else x for x in operands]
        if not np.array_equal(_at_kink(step, plain), _at_kink(step, given)):
            raise Skipped("at a kink that rounding misses")
    dtype = _dtype(known.dtype)
    if entry.torch is CONSTANT or known.dtype.kind != "f":
        return _constant(step, operands).to(dtype)
    if entry.torch is MOVES:
        return _moved(step, operands, given, dtype)
    assert callable(entry.torch)
    operands = [_cast(x, dtype) for x in operands]
    if phase is not None and entry.rounds >= OPERANDS:
        terms = max((x.numel() for x in operands if x is not None), default=1)
        noisy = functools.partial(_noisy, terms=terms, exact=entry.rounds != SOLVED)
        operands = [x if x is None else noisy(x, phase + k) for k, x in enumerate(operands)]
    if phase is not None and entry.rounds != EXACT:
        operands = [x if x is None else _sloped(x, phase + k) for k, x in enumerate(operands)]
    y = entry.torch(*operands, **step.arguments)
    if tuple(y.shape) != known.shape:
        name = entry.name
        raise AssertionError(f"PyTorch's {name} has shape {tuple(y.shape)}, not {known.shape}")
    y = y.to(dtype)
    if phase is None or entry.rounds == EXACT:
        return y
    if entry.rounds == SLOPE:  # as 1 - y² is: off by some units of 1
        y = y + NOISE * torch.finfo(dtype).eps * torch.sin(operands[0] + phase)
    return _noisy(y, phase, exact=entry.rounds != SOLVED)


def _at_kink(step: Step, operands: list[Any]) -> np.ndarray:
    assert step.entry.gap
    return np.asarray(step.entry.gap(*operands, **step.arguments)) == 0


def _cast(x: Any, dtype: Any) -> Any:
    if x is None:
        return None
    return x.to(dtype) if isinstance(x, torch.Tensor) else torch.tensor(x, dtype=dtype)


def _noisy(y: Any, phase: float, terms: int = 1, exact: bool = True) -> Any:
    """y, off by some units in the last place; but multiples of 1/8 are `exact`, and may tie.

    Roundings of many terms in a row add up as a random walk does: to the root of their number.
    """
    x = y.detach()
    size = NOISE * math.sqrt(terms) * torch.finfo(y.dtype).eps
    if exact:
        size = size * (x * 8 != torch.round(x * 8))
    return y * (1 + size * torch.sin(x * 12345.678 + phase))


def _sloped(x: Any, phase: float) -> Any:
    """x itself, with a derivative that is off by some units in the last place."""
    same = x.detach()
    return same + (x - same) * (1 + NOISE * torch.finfo(x.dtype).eps * float(np.sin(7 * phase)))


def _arrays(step: Step, arrays: list[Any]) -> Any:
    """The step by NumPy, on other operands than its own."""
    names = {f"operand_{k}": x for k, x in enumerate(arrays)}
    line = Step(step.entry, tuple(names), step.arguments).expression(0)
    return np.asarray(eval(line, namespace() | names))


def _constant(step: Step, operands: list[Any]) -> Any:
    plain = [x.detach().numpy() if isinstance(x, torch.Tensor) else x for x in operands]
    return _tensor(_arrays(step, plain))


def _moved(step: Step, operands: list[Any], given: list[Any], dtype: Any) -> Any:
    """A step that only moves entries: NumPy says where each comes from."""
    places, start = [], 0
    for k, x in enumerate(operands):
        if step.entry.name == "index by a value" and k == 1:
            places.append(x.detach().numpy())
        else:
            numbers = np.empty_like(given[k], int)  # they lie in memory as the operand does
            numbers[...] = np.arange(start, start + x.numel()).reshape(tuple(x.shape))
            places.append(numbers)
            start += x.numel()
    moving = operands[:1] if step.entry.name == "index by a value" else operands
    flat = torch.cat([x.to(dtype).reshape(-1) for x in moving])
    return flat[_tensor(_arrays(step, places))]


# Quantities


def values(names: Sequence[str]) -> Quantity:
    """Some values."""
    return lambda v: [torch.as_tensor(v[name]) for name in names]


def gradient(cost: str, inputs: Sequence[str]) -> Quantity:
    """The cost, and its gradient for each input."""
    return lambda v: [v[cost], *_gradient(v[cost], [v[x] for x in inputs])]


def _gradient(y: Any, leaves: list[Any], arriving: Any = None, graph: bool = False) -> list[Any]:
    if not y.requires_grad:
        return [torch.zeros_like(x) for x in leaves]
    found = torch.autograd.grad(
        y, leaves, arriving, retain_graph=True, create_graph=graph, allow_unused=True
    )
    return [torch.zeros_like(x) if g is None else g for g, x in zip(found, leaves, strict=True)]


def jvp(name: str, inputs: Sequence[str], tangents: Sequence[np.ndarray]) -> Quantity:
    """The directional derivative of a value."""

    def quantity(v: dict[str, Any]) -> list[Any]:
        y = v[name]
        arriving = torch.zeros_like(y, requires_grad=True)
        back = _gradient(y, [v[x] for x in inputs], arriving, graph=True)
        slope = sum((g * _tensor(d)).sum() for g, d in zip(back, tangents, strict=True))
        return _gradient(slope, [arriving])

    return quantity


def hvp(cost: str, inputs: Sequence[str], along: Sequence[np.ndarray]) -> Quantity:
    """The Hessian for all inputs, times a vector."""

    def quantity(v: dict[str, Any]) -> list[Any]:
        leaves = [v[x] for x in inputs]
        gradients = _gradient(v[cost], leaves, graph=True)
        slope = sum((g * _tensor(d)).sum() for g, d in zip(gradients, along, strict=True))
        return _gradient(slope, leaves)

    return quantity


def hessian(cost: str, inputs: Sequence[str]) -> Quantity:
    """The Hessian for all inputs, block by block."""

    def quantity(v: dict[str, Any]) -> list[Any]:
        leaves = [v[x] for x in inputs]
        blocks = []
        for g, x in zip(_gradient(v[cost], leaves, graph=True), leaves, strict=True):
            rows = [_gradient(one, leaves, graph=True) for one in g.reshape(-1)]
            for k, y in enumerate(leaves):
                row = [r[k].detach() for r in rows] or [torch.zeros((0, *y.shape), dtype=x.dtype)]
                blocks.append(torch.stack(row).reshape(x.shape + y.shape))
        return blocks

    return quantity
