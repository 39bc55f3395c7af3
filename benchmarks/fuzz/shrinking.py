"""A mismatch in a few lines: whatever can be left out of its program is."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.fuzz.checks import Count, Mismatch, check
from benchmarks.fuzz.drafts import quiet
from benchmarks.fuzz.programs import (
    CALLS,
    DEFAULTS,
    Constant,
    Program,
    Step,
    is_variable,
    pruned,
)
from benchmarks.fuzz.table import TABLE
from benchmarks.layouts import layout_of, lying

ALL = {"axis": None, "keepdims": False}  # of a sum


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

    with quiet():
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
    for y in program.steps:  # stop early
        x = known[0][y]
        if program.cost is None:
            yield pruned(replace(program, returns=(y,)))
        elif x.dtype.kind == "f":
            if x.shape == ():
                yield pruned(replace(program, returns=(y,), cost=y))
            steps = program.steps | {"J": Step(TABLE["sum"], (y,), ALL)}
            yield pruned(replace(program, steps=steps, returns=("J",), cost="J"))
    yield pruned(replace(program, cost=None))
    for y in program.returns:
        yield pruned(replace(program, returns=(y,)))
    yield from _fewer_steps(program, known)
    for y, step in program.steps.items():
        for other in _simpler_steps(step):
            yield pruned(replace(program, steps=program.steps | {y: other}))
    yield from _simpler_data(program)


def _fewer_steps(program: Program, known: list[dict[str, Any]]) -> Iterator[Program]:
    """Programs with an input or another value in the place of a step."""
    names = list(program.steps)
    new = next(n for n in (f"x{k}" for k in itertools.count()) if n not in program.inputs)
    for y in names[::-1]:
        steps = {n: step for n, step in program.steps.items() if n != y}
        without = replace(program, steps=steps)
        if y not in (program.cost, *program.returns):
            data = tuple(values[y].copy() for values in known)
            given = replace(without, inputs=program.inputs | {new: data})
            yield pruned(_renamed(given, y, new))
        earlier = [*program.inputs, *names[: names.index(y)]]
        alike = [n for n in earlier if _alike(known[0][n], known[0][y])]
        for n in [n for n in alike if n in program.steps[y].operands] + alike[:2]:
            yield pruned(_renamed(without, y, n))


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
        and "{all}" in step.entry.spellings[0]
        and step.entry.name != "einsum"
    ):
        for k in range(len(step.operands)):
            yield replace(step, operands=step.operands[:k] + step.operands[k + 1 :])
    for key, plain in DEFAULTS.items():
        if step.arguments.get(key, plain) != plain:
            yield replace(step, arguments=step.arguments | {key: plain})
    for k, x in enumerate(step.operands):
        if (
            isinstance(x, str)
            and x[0] in "cs"
            and step.entry.name not in ("einsum", "concatenate", "stack")
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
            changed = {name: replace(constant, array=whole(constant.array))}
            yield replace(program, constants=program.constants | changed)


def _resized(program: Program, n: int, m: int) -> Program:
    """Every axis of length n cut to m."""

    def cut(x: Any) -> Any:
        if not isinstance(x, np.ndarray):
            return x
        part = np.asarray(x[tuple(slice(m) if size == n else slice(None) for size in x.shape)])
        return lying(part, layout_of(x))

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


def script(program: Program, mismatch: Mismatch) -> str:
    """A program as code that runs, and shows what was found."""
    lines = [program.listing(), f"inputs = ({', '.join(program.inputs)},)"]
    part = mismatch.part.removeprefix("compiled ")
    arrays = [name for name, data in program.inputs.items() if is_variable(data[0])]
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
