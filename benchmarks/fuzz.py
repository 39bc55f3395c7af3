"""Random programs, eagerly, compiled and at second order, against PyTorch and against each other.

    python -m benchmarks.fuzz --programs 20000 --seed 0
    python -m benchmarks.fuzz --seed 0 --only 1234          # one of them again, with its listing

Each program is drawn from the table of everything that a Tensor takes (`benchmarks.programs`), with
three sets of data. PyTorch judges its values, its gradient, `jvp`, `hvp` and, if it is small, a
Hessian. Compiled, values, gradient and `hvp` have to be those of eager in four calls; later calls
leave earlier results alone, and arguments stay as they were. A mismatch is shrunk and printed as
code that runs. Exit code 1 if there is one.
"""

from __future__ import annotations

import argparse
import collections
import functools
import multiprocessing
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

import autograd_lite as ag
from benchmarks import judging
from benchmarks.judging import MISSING, Skipped
from benchmarks.programs import CALLS, TABLE, Constant, Program, Step, draw, pruned, scattered

SMALL = 8  # elements of an input, for a Hessian
SHORT = 25  # steps, for what is compiled at second order
SHOWN = 10  # mismatches that are shrunk


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
        self.places = program.differentiable()  # of the arrays among the inputs
        self.inputs = [list(program.inputs)[k] for k in self.places]
        self.function = functools.cache(program.function)

    def tensors(self, call: int) -> list[Any]:
        """The arguments as Tensors."""
        return [
            ag.Tensor(x, requires_grad=True) if isinstance(x, np.ndarray) else x
            for x in self.program.arguments(call)
        ]

    @property
    def of_cost(self) -> Callable[..., Any]:
        """The program as a cost."""
        return self.function((self.cost,))

    def of_list(self, arrays: list[Any], *floats: float) -> Any:
        """The cost as a function of a list of arrays, and of the floats."""
        left = [iter(floats), iter(arrays)]
        order = range(len(self.program.inputs))
        return self.of_cost(*(next(left[k in self.places]) for k in order))

    def listed(self, arguments: Sequence[Any]) -> tuple[list[Any], list[float]]:
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
    arrays, floats = case.listed(case.program.arguments(0))
    result = ag.hvp(case.of_list)(arrays, *floats, case.along())
    case.compare("hvp", judging.hvp(case.cost, case.inputs, case.along()), result)


def hessian(case: Case) -> None:
    """The Hessian for small inputs."""
    arrays, floats = case.listed(case.program.arguments(0))
    if sum(x.size for x in arrays) <= SMALL and len(case.program.steps) <= SHORT:
        rows = ag.hessian(case.of_list)(arrays, *floats)
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
            arrays, floats = case.listed(arguments)
            return f(arrays, *floats, case.along())

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
        for x in result:
            if any(isinstance(y, np.ndarray) and np.may_share_memory(x, y) for y in given):
                raise Differs(f"call {call} returned memory of its argument")
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
    tolerances = case.judge.says(quantity, call).tolerance
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
    found, case = [], Case(program, count)
    for part, function in PARTS.items():
        if only not in (None, part) or (program.cost is None and "values" not in part):
            continue
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                function(case)
        except Skipped as reason:
            count.skipped[f"{part}: {reason}"] += 1
        except Differs as difference:
            found.append(Mismatch(part, "differs", str(difference)))
        except Exception as error:
            found.append(Mismatch(part, type(error).__name__, f"{type(error).__name__}: {error}"))
    return found


# Shrinking


def shrunk(program: Program, mismatch: Mismatch, patience: int = 1500) -> Program:
    """A smaller program with a mismatch of the same part and kind."""

    def fails(candidate: Program) -> bool:
        try:
            for call in range(CALLS):
                if not all(np.isfinite(x).all() for x in candidate.values(call).values()):
                    return False
        except Exception:
            return False
        found = check(candidate, Count(), mismatch.part)
        return any(m.kind == mismatch.kind for m in found)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        progress = True
        while progress:
            progress = False
            for candidate in simpler(program):
                patience -= 1
                if patience < 0:
                    return program
                if weight(candidate) < weight(program) and fails(candidate):
                    program, progress = candidate, True
                    break
    return program


def weight(program: Program) -> tuple[int, ...]:
    """What is to become smaller, the most important first."""
    arrays = [values[0] for values in program.inputs.values()]
    arrays += [constant.array for constant in program.constants.values()]
    return (
        len(program.steps),
        len(program.inputs) + len(program.constants),
        len(program.returns),
        sum(np.size(x) for x in arrays),
        len(program.source()) + sum(c.name is not None for c in program.constants.values()),
        len(program.listing()),
    )


def simpler(program: Program) -> Iterator[Program]:
    """Programs with something left out, the boldest first. Some of them do not run."""
    known = [program.values(call) for call in range(CALLS)]
    names = list(program.steps)
    for y in names[:-1] if program.cost == names[-1:] else names:  # stop early
        x = known[0][y]
        if program.cost is None:
            yield pruned(replace(program, returns=(y,)))
        elif x.dtype.kind == "f":
            if x.shape == () and y != program.cost:
                yield pruned(replace(program, returns=(y,), cost=y))
            steps = program.steps | {
                "J": Step("sum", (y,), {"axis": None, "keepdims": False}),
            }
            yield pruned(replace(program, steps=steps, returns=("J",), cost="J"))
    if program.cost is not None:
        yield pruned(replace(program, cost=None))
    for y in program.returns:
        if len(program.returns) > 1:
            yield pruned(replace(program, returns=(y,)))
    for y in names[::-1]:  # an input in the place of a step
        if known[0][y].dtype.kind != "f" or (y == program.cost or y in program.returns):
            continue
        name = (
            f"x{len(program.inputs)}_"
            if f"x{len(program.inputs)}" in program.inputs
            else f"x{len(program.inputs)}"
        )
        inputs = program.inputs | {name: tuple(values[y].copy() for values in known)}
        steps = {n: step for n, step in program.steps.items() if n != y}
        yield pruned(_renamed(replace(program, inputs=inputs, steps=steps), y, name))
    for y, step in program.steps.items():  # another value in the place of a step
        earlier = [*program.inputs, *names[: names.index(y)]]
        alike = [n for n in earlier if _alike(known[0][n], known[0][y])]
        for n in [n for n in alike if n in step.operands] + alike[:2]:
            steps = {m: s for m, s in program.steps.items() if m != y}
            yield pruned(_renamed(replace(program, steps=steps), y, n))
    for y, step in program.steps.items():
        for other in _simpler_steps(step):
            yield pruned(replace(program, steps=program.steps | {y: other}))
    yield from _simpler_data(program)


def _alike(x: Any, y: np.ndarray) -> bool:
    return isinstance(x, np.ndarray) and (x.shape, x.dtype) == (y.shape, y.dtype)


def _renamed(program: Program, old: str, new: str) -> Program:
    def name(x: Any) -> Any:
        return new if isinstance(x, str) and x == old else x

    steps = {
        y: replace(step, operands=tuple(map(name, step.operands)))
        for y, step in program.steps.items()
    }
    returns, cost = tuple(map(name, program.returns)), name(program.cost)
    return replace(program, steps=steps, returns=returns, cost=cost)


def _simpler_steps(step: Step) -> Iterator[Step]:
    if step.name is not None:
        yield replace(step, name=None)
    if step.spelling:
        yield replace(step, spelling=0)
    if (
        len(step.operands) > 1
        and "{all}" in TABLE[step.entry].spellings[0]
        and step.entry != "einsum"
    ):
        for k in range(len(step.operands)):
            yield replace(step, operands=step.operands[:k] + step.operands[k + 1 :])
    for key, plain in {"keepdims": False, "axis": None, "ddof": 0}.items():
        if step.arguments.get(key, plain) != plain:
            yield replace(step, arguments=step.arguments | {key: plain})
    for k, x in enumerate(step.operands):
        if (
            isinstance(x, str)
            and x[0] in "cs"
            and step.entry not in ("einsum", "concatenate", "stack")
        ):
            yield replace(step, operands=(*step.operands[:k], 2.0, *step.operands[k + 1 :]))


def _simpler_data(program: Program) -> Iterator[Program]:
    names = list(program.inputs)
    for k, old in enumerate(names):  # one input for two
        for new in names[:k]:
            yield pruned(_renamed(program, old, new))
    sizes = {n for v in program.inputs.values() for n in np.shape(v[0])}
    sizes |= {n for c in program.constants.values() for n in c.array.shape}
    for n in sorted(sizes, reverse=True):
        for m in (1, 2, n - 1):
            if 0 < m < n:
                yield _resized(program, n, m)
    for name, constant in program.constants.items():
        if constant.name is not None:
            yield replace(program, constants=program.constants | {name: Constant(constant.array)})
    for change in (np.ascontiguousarray, lambda x: x.astype(float), lambda x: np.round(x, 1)):
        whole = lambda x, change=change: (
            np.asarray(change(x)).reshape(x.shape)
            if isinstance(x, np.ndarray) and x.dtype.kind == "f"
            else x
        )
        for name, data in program.inputs.items():
            yield replace(program, inputs=program.inputs | {name: tuple(map(whole, data))})
        for name, constant in program.constants.items():
            new = replace(constant, array=whole(constant.array))
            yield replace(program, constants=program.constants | {name: new})


def _resized(program: Program, n: int, m: int) -> Program:
    """Every axis of length n cut to m."""

    def cut(x: Any) -> Any:
        if not isinstance(x, np.ndarray):
            return x
        part = np.asarray(x[tuple(slice(m) if size == n else slice(None) for size in x.shape)])
        if x.flags.c_contiguous:
            return part.copy("C")
        return part.copy("F") if x.flags.f_contiguous else scattered(part)

    def shape(value: Any) -> Any:
        return tuple(m if k == n else k for k in value) if isinstance(value, tuple) else value

    steps = {
        y: replace(s, arguments=s.arguments | {"shape": shape(s.arguments["shape"])})
        if "shape" in s.arguments
        else s
        for y, s in program.steps.items()
    }
    return replace(
        program,
        inputs={name: tuple(map(cut, data)) for name, data in program.inputs.items()},
        constants={k: replace(c, array=cut(c.array)) for k, c in program.constants.items()},
        steps=steps,
    )


# Command


def script(program: Program, mismatch: Mismatch) -> str:
    """A program as code that runs, and shows what was found."""
    lines = [program.listing(), f"inputs = ({', '.join(program.inputs)},)"]
    part = mismatch.part.removeprefix("compiled ")
    arrays = [n for n, v in program.inputs.items() if isinstance(v[0], np.ndarray)]
    if part in ("jvp", "hvp", "hessian"):
        order = [f"p[{arrays.index(n)}]" if n in arrays else n for n in program.inputs]
        lines.append(f"g = lambda p: f({', '.join(order)})")
        lines.append(f"p = [{', '.join(arrays)}]")
        lines.append(
            "u = [np.asarray(np.cos(np.arange(x.size) + 2).reshape(x.shape), x.dtype) for x in p]"
        )
    run = {
        "values": "(f)(*inputs)",
        "gradient": f"(ag.value_and_grad(f, {program.differentiable()}))(*inputs)",
        "jvp": "(lambda p, u: ag.jvp(g, (p,), (u,)))(p, u)",
        "hvp": "(ag.hvp(g))(p, u)",
        "hessian": "(ag.hessian(g))(p)",
    }[part]
    if part == "values":
        lines.append(
            "print(f(*[ag.Tensor(x) if isinstance(x, np.ndarray) else x for x in inputs]))"
        )
    else:
        lines.append(f"print({run})")
    if mismatch.part.startswith("compiled"):
        lines.append(f"print(ag.compile{run})")
    return "\n".join(lines)


def run(seed: int, numbers: range) -> Count:
    """Draw and check these programs."""
    count = Count()
    for number in numbers:
        program = draw(seed, number)
        count.programs += 1
        count.steps += len(program.steps)
        count.found += [(number, mismatch) for mismatch in check(program, count)]
    return count


def _chunk(task: tuple[int, range]) -> Count:
    judging.torch.set_num_threads(1)
    return run(*task)


def _tasks(seed: int, programs: int) -> list[tuple[int, range]]:
    return [(seed, range(k, min(k + 50, programs))) for k in range(0, programs, 50)]


def _results(tasks: list[tuple[int, range]], jobs: int) -> Iterator[Count]:
    if jobs == 1:
        yield from map(_chunk, tasks)
        return
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap(_chunk, tasks)


def show(seed: int, number: int, mismatch: Mismatch) -> None:
    """Print a mismatch, shrunk."""
    program = shrunk(draw(seed, number), mismatch)
    again = [m for m in check(program, Count(), mismatch.part) if m.kind == mismatch.kind]
    (now, *_) = [*again, mismatch]  # (what reads memory that nobody wrote may be right by chance)
    print(f"\n== {now.part}, {now.kind}: program {number}, shrunk to {len(program.steps)} steps")
    print(script(program, now))
    print("# " + now.what.replace("\n", "\n# "))


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--programs", type=int, default=1000, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    parser.add_argument(
        "--only", type=int, metavar="K", help="this program alone, with its listing"
    )
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes (default 1)")
    parser.add_argument("--show", type=int, default=SHOWN, metavar="N", help="mismatches to shrink")
    options = parser.parse_args(arguments)
    if judging.torch is None:
        print(MISSING, file=sys.stderr)
        return 2
    start, total = time.perf_counter(), Count()
    if options.only is not None:
        print(draw(options.seed, options.only).listing())
        total.add(run(options.seed, range(options.only, options.only + 1)))
    else:
        tasks = _tasks(options.seed, options.programs)
        for count in _results(tasks, options.jobs):
            before = total.programs // 1000
            total.add(count)
            if total.programs // 1000 > before:
                seconds = time.perf_counter() - start
                print(
                    f"{total.programs} programs, {len(total.found)} mismatches, {seconds:.0f} s",
                    file=sys.stderr,
                )
    seconds = time.perf_counter() - start
    parts = collections.Counter((m.part, m.kind) for _, m in total.found)
    shown: collections.Counter[tuple[str, str]] = collections.Counter()
    for number, mismatch in total.found:
        each = max(1, options.show // max(len(parts), 1))
        if shown[mismatch.part, mismatch.kind] < each:
            shown[mismatch.part, mismatch.kind] += 1
            show(options.seed, number, mismatch)
    print(report(total, seconds))
    for (part, kind), n in parts.most_common():
        numbers = [str(k) for k, m in total.found if (m.part, m.kind) == (part, kind)]
        print(f"    {n} × {part}, {kind}: --only {' '.join(numbers[:12])}{' …' * (n > 12)}")
    return 1 if total.found else 0


def report(count: Count, seconds: float) -> str:
    """A few lines of what was compared."""
    compared = ", ".join(f"{n} {part}" for part, n in count.compared.items() if part != "compiled")
    wrong = len({number for number, _ in count.found})
    skipped = ", ".join(f"{n} {why}" for why, n in count.skipped.most_common())
    each = 1e3 * seconds / max(count.programs, 1)
    return (
        f"{count.programs} programs of {count.steps / max(count.programs, 1):.1f} steps, "
        f"{wrong} with a mismatch ({seconds:.0f} s, {each:.0f} ms each)\n"
        f"    against PyTorch: {compared}\n"
        f"    compiled against eager: {count.compared['compiled']} calls, {count.bits} of them "
        f"the same to the last bit\n"
        f"    not comparable: {skipped or 'none'}"
    )


if __name__ == "__main__":
    sys.exit(main())
