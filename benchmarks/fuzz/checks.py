"""What is asked of a program: its parts, each judged by PyTorch or by the eager run."""

from __future__ import annotations

import collections
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import autograd_lite as ag
from benchmarks.fuzz import judging
from benchmarks.fuzz.drafts import quiet
from benchmarks.fuzz.programs import CALLS, Program, is_variable

SMALL = 8  # elements of an input, for a Hessian
SHORT = 25  # steps, for what is compiled at second order


@dataclass(frozen=True)
class Mismatch:
    """Which part of which program is wrong, and how."""

    part: str
    kind: str  # "differs", or the name of the exception
    what: str


class Differs(Exception):
    """Two results that should be the same are not."""


@dataclass
class Count:
    """What was seen."""

    programs: int = 0
    steps: int = 0
    compared: collections.Counter[str] = field(default_factory=collections.Counter)
    skipped: collections.Counter[str] = field(default_factory=collections.Counter)
    bits: int = 0  # compiled results that are eager's to the last bit
    found: list[tuple[int, Mismatch]] = field(default_factory=list)

    def add(self, other: Count) -> None:
        """Take another count's into this one."""
        self.programs += other.programs
        self.steps += other.steps
        self.compared += other.compared
        self.skipped += other.skipped
        self.bits += other.bits
        self.found += other.found


# The parts. Each raises Differs, or whatever the library raises, or Skipped.


class Case:
    """A program with what several parts need of it."""

    def __init__(self, program: Program, count: Count) -> None:
        self.program, self.count = program, count
        self.judge = judging.Judge(program)
        self.cost = program.cost or ""
        self.places = program.differentiable()
        self.inputs = [list(program.inputs)[k] for k in self.places]
        self.function = functools.cache(program.function)

    def tensors(self, call: int) -> list[Any]:
        """The arguments as Tensors."""
        return [
            ag.Tensor(x, requires_grad=is_variable(x)) if isinstance(x, np.ndarray) else x
            for x in self.program.arguments(call)
        ]

    @property
    def of_cost(self) -> Callable[..., Any]:
        """The program as a cost."""
        return self.function((self.cost,))

    def of_list(self, arrays: list[Any], *others: Any) -> Any:
        """The cost as a function of a list of variables, and of the other inputs."""
        left = [iter(others), iter(arrays)]
        order = range(len(self.program.inputs))
        return self.of_cost(*(next(left[k in self.places]) for k in order))

    def listed(self, arguments: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """The program's arguments as those of `of_list`."""
        arrays = [arguments[k] for k in self.places]
        return arrays, [x for k, x in enumerate(arguments) if k not in self.places]

    def along(self) -> list[np.ndarray]:
        """A direction: fixed numbers of the inputs' shapes and dtypes."""
        data = [self.program.inputs[name][0] for name in self.inputs]
        return [np.asarray(np.cos(np.arange(x.size) + 2.0).reshape(x.shape), x.dtype) for x in data]

    def compare(self, part: str, quantity: judging.Quantity, results: Sequence[Any]) -> None:
        """Raise Differs where PyTorch says otherwise."""
        right = self.judge.says(quantity)
        self.count.compared[part] += 1
        wrong = right.differs(results)
        if wrong:
            raise Differs(wrong)


def _several(result: Any) -> tuple[Any, ...]:
    return result if isinstance(result, tuple) else (result,)


def values(case: Case) -> None:
    """The values, of NumPy's dtype and shape."""
    names = case.program.returns
    results = [t.data for t in _several(case.function(names)(*case.tensors(0)))]
    known = case.judge.known(0)
    for name, x in zip(names, results, strict=True):
        if (x.dtype, x.shape) != (known[name].dtype, known[name].shape):
            raise Differs(
                f"{name} is {x.dtype} {x.shape}; by NumPy {known[name].dtype} {known[name].shape}"
            )
    case.compare("values", judging.values(names), results)


def gradient(case: Case) -> None:
    """`value_and_grad`, and `backward`, which has to give the same."""
    data = case.program.arguments(0)
    J, gradients = ag.value_and_grad(case.of_cost, case.places)(*data)
    for k, g in zip(case.places, gradients, strict=True):
        if g.dtype != data[k].dtype:
            raise Differs(f"the gradient of a {data[k].dtype} input is {g.dtype}")
    case.compare("gradient", judging.gradient(case.cost, case.inputs), [J, *gradients])
    tensors = case.tensors(0)
    cost = case.of_cost(*tensors)
    if cost.requires_grad:
        cost.backward()
        for k, g in zip(case.places, gradients, strict=True):
            other = tensors[k].grad
            if other is not None and not np.array_equal(other, g, equal_nan=True):
                raise Differs(f"backward() gives\n{other!r}\nvalue_and_grad\n{g!r}")


def jvp(case: Case) -> None:
    """The directional derivative of one of the returned values."""
    known = case.judge.known(0)
    floats = [n for n in case.program.returns if known[n].dtype.kind == "f"]
    if not floats:
        return
    name, data = floats[-1], case.program.arguments(0)
    f = case.function((name,))

    def of_arrays(*arrays: Any) -> Any:
        arguments = list(data)
        for k, x in zip(case.places, arrays, strict=True):
            arguments[k] = x
        return f(*arguments)

    _, tangent = ag.jvp(of_arrays, case.listed(data)[0], case.along())
    case.compare("jvp", judging.jvp(name, case.inputs, case.along()), [tangent])


def hvp(case: Case) -> None:
    """The Hessian for all inputs times a vector."""
    arrays, others = case.listed(case.program.arguments(0))
    result = ag.hvp(case.of_list)(arrays, *others, case.along())
    case.compare("hvp", judging.hvp(case.cost, case.inputs, case.along()), result)


def hessian(case: Case) -> None:
    """The Hessian for small inputs."""
    arrays, others = case.listed(case.program.arguments(0))
    if sum(x.size for x in arrays) <= SMALL and len(case.program.steps) <= SHORT:
        rows = ag.hessian(case.of_list)(arrays, *others)
        blocks = [x for row in rows for x in row]
        case.compare("hessian", judging.hessian(case.cost, case.inputs), blocks)


def compiled_values(case: Case) -> None:
    """The compiled program returns what it does eagerly."""
    names = case.program.returns
    f = case.function(names)
    compiled = ag.compile(f)

    def eager(*arguments: Any) -> Any:
        tensors = [ag.Tensor(x) if isinstance(x, np.ndarray) else x for x in arguments]
        return [t.data for t in _several(f(*tensors))]

    _calls(case, lambda *x: list(_several(compiled(*x))), eager, judging.values(names))


def compiled_gradient(case: Case) -> None:
    """The compiled gradient is eager's."""
    eager = ag.value_and_grad(case.of_cost, case.places)
    compiled = ag.compile(ag.value_and_grad(case.of_cost, case.places))
    flat = lambda f: lambda *x: (lambda J, gradients: [J, *gradients])(*f(*x))
    quantity = judging.gradient(case.cost, case.inputs)
    _calls(case, flat(compiled), flat(eager), quantity)


def compiled_hvp(case: Case) -> None:
    """The compiled product of a Hessian and a vector is eager's."""
    if len(case.program.steps) > SHORT:
        return
    eager, compiled = ag.hvp(case.of_list), ag.compile(ag.hvp(case.of_list))

    def flat(f: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            arrays, others = case.listed(arguments)
            return f(arrays, *others, case.along())

        return call

    quantity = judging.hvp(case.cost, case.inputs, case.along())
    _calls(case, flat(compiled), flat(eager), quantity)


def _calls(
    case: Case,
    compiled: Callable[..., list[Any]],
    eager: Callable[..., list[Any]],
    quantity: judging.Quantity,
) -> None:
    """Call with all sets of data and the first again, and only then look at the results."""
    results, copies = [], []
    order = [*range(CALLS), 0]
    for call in order:
        given, before = case.program.arguments(call), case.program.arguments(call)
        result = compiled(*given)
        for x, y in zip(given, before, strict=True):
            if not np.array_equal(x, y, equal_nan=True):
                raise Differs(f"call {call} wrote into its argument: {y!r} became {x!r}")
        for k, x in enumerate(result):
            if any(isinstance(y, np.ndarray) and np.may_share_memory(x, y) for y in given):
                raise Differs(f"call {call} returned memory of its argument")
            if any(np.may_share_memory(x, y) for y in result[:k]):
                raise Differs(f"call {call} returned two arrays in one memory")
            if not x.flags.writeable:
                raise Differs(f"call {call} returned a read-only array")
        results.append(result)
        copies.append([x.copy() for x in result])
    for result, copy in zip(results, copies, strict=True):
        for x, y in zip(result, copy, strict=True):
            if not np.array_equal(x, y, equal_nan=True):
                raise Differs(f"a later call wrote into a result: {y!r} became {x!r}")
    for call, result in zip(order[:CALLS], results, strict=False):
        _same(case, call, result, eager(*case.program.arguments(call)), quantity)
    for x, y in zip(results[0], results[-1], strict=True):
        if not np.array_equal(x, y, equal_nan=True):
            raise Differs(f"two calls with the same data gave\n{x!r}\n{y!r}")


def _same(
    case: Case, call: int, compiled: list[Any], eager: list[Any], quantity: judging.Quantity
) -> None:
    for x, y in zip(compiled, eager, strict=True):
        if (x.dtype, x.shape) != (y.dtype, y.shape):
            raise Differs(f"compiled {x.dtype} {x.shape}, eager {y.dtype} {y.shape}")
    case.count.compared["compiled"] += 1
    if all(np.array_equal(x, y, equal_nan=True) for x, y in zip(compiled, eager, strict=True)):
        case.count.bits += 1
        return
    # (Eager is judged elsewhere. Here it is what compiled has to be, but for rounding.)
    tolerances = case.judge.allows(quantity, call, eager)
    for k, (x, y, tolerance) in enumerate(zip(compiled, eager, tolerances, strict=True)):
        if not np.allclose(x.astype(float), y, rtol=0, atol=tolerance, equal_nan=True):
            raise Differs(f"call {call}, number {k}: compiled\n{x!r}\neager\n{y!r}")


PARTS: dict[str, Callable[[Case], None]] = {
    "values": values,
    "gradient": gradient,
    "jvp": jvp,
    "hvp": hvp,
    "hessian": hessian,
    "compiled values": compiled_values,
    "compiled gradient": compiled_gradient,
    "compiled hvp": compiled_hvp,
}


def check(program: Program, count: Count, only: str | None = None) -> list[Mismatch]:
    """What is wrong with a program; each part is looked at once."""
    with quiet():
        found, case = [], Case(program, count)
    for part, function in PARTS.items():
        if only not in (None, part) or (program.cost is None and "values" not in part):
            continue
        try:
            with quiet():
                function(case)
        except judging.Skipped as reason:
            count.skipped[f"{part}: {reason}"] += 1
        except Differs as difference:
            found.append(Mismatch(part, "differs", str(difference)))
        except Exception as error:
            found.append(Mismatch(part, type(error).__name__, f"{type(error).__name__}: {error}"))
    return found
