"""Random programs with item assignment, aliases and views: `python -m benchmarks.assignments`.

Each is text that runs on arrays, on Tensors and in PyTorch, whose views are NumPy's. On Tensors it
must give NumPy's value and PyTorch's gradients, or be refused; and it may be refused only where an
alias matters, which a run shows that takes copies for views.
"""

from __future__ import annotations

import argparse
import collections
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite.graph import replay, steps
from benchmarks.layouts import LAYOUTS, layout_of, lying

try:
    import torch
except ImportError:
    torch = None  # type: ignore[assignment]

ROWS, COLUMNS = 3, 4
SHAPES = ((ROWS, COLUMNS), (COLUMNS,))
VIEWS = {  # of a matrix: the shape, and how it is written
    "{}[1]": (COLUMNS,),
    "{}[-1]": (COLUMNS,),
    "{}[:, 2]": (ROWS,),
    "{}[1:]": (ROWS - 1, COLUMNS),
    "{}[:-1]": (ROWS - 1, COLUMNS),
    "{}[:, 1:3]": (ROWS, 2),
    "{}[0, 1:]": (COLUMNS - 1,),
    "{}.T": (COLUMNS, ROWS),
    "{}.reshape(-1)": (ROWS * COLUMNS,),
    "{}.ravel()": (ROWS * COLUMNS,),
    "{}.reshape(4, 3)": (COLUMNS, ROWS),
    "{}[:2].T.reshape(2, 2, 2)": (2, 2, 2),
    "{}[None]": (1, ROWS, COLUMNS),
}
COPIES = {
    "{}[[0, 2, 0]]": (ROWS, COLUMNS),
    "{}.flatten()": (ROWS * COLUMNS,),
    "{}.T.reshape(-1)": (ROWS * COLUMNS,),
    "{}[:, 1].ravel()": (ROWS,),
}
PARTS = [*VIEWS][:7]  # what is assigned to
JOINED = [form for form in VIEWS | COPIES if "reshape" in form or "ravel" in form]  # views or not
FANCY = {"[[0, 2]]": (2, COLUMNS), "[[0, 0, 1], [1, 1, 2]]": (3,), "[:, [1, 1]]": (ROWS, 2)}

REPEATED = ("[[0, 0, 1], [1, 1, 2]]", "[:, [1, 1]]")


@dataclass
class Program:
    """The lines of a function of A (3, 4), B (3, 4) and u (4,) that returns a number."""

    lines: list[str]

    def function(self, of: dict[str, Any]) -> Callable[..., Any]:
        """The function, in which `of` are the names that are not NumPy's."""
        source = "\n    ".join(["def f(A, B, u):", *self.lines])
        names = dict(of)
        exec(source, names)
        return names["f"]

    def with_copies(self) -> Program:
        """The program in which every view is a copy."""
        views = [re.escape(form).replace(r"\{\}", "(v[0-9]+)") for form in VIEWS]
        view = re.compile(rf"(v[0-9]+) = ({'|'.join(views)})$")
        return Program([f"{x}.copy()" if view.match(x) else x for x in self.lines])


def drawn(rng: np.random.Generator, length: int) -> Program:
    """A random program of so many lines."""
    first = "A * 1.5" if rng.random() < 0.5 else "zeros((3, 4))"  # constants have views as well
    lines = [f"v0 = {first}", "v1 = np.tanh(B)", "v2 = u * u"]
    shapes = {"v0": SHAPES[0], "v1": SHAPES[0], "v2": SHAPES[1]}

    def one(items: Any) -> Any:
        items = list(items)
        return items[int(rng.integers(len(items)))]

    def of(shape: tuple[int, ...]) -> str:
        """An expression of this shape: a value, a view of one, a number."""
        found = [v for v, s in shapes.items() if s == shape]
        matrices = [v for v, s in shapes.items() if s == SHAPES[0]]
        found += [
            form.format(m) for form, s in (VIEWS | COPIES).items() for m in matrices if s == shape
        ]
        how = rng.random()
        if how < 0.2 or not found:
            return "0.5"
        return one(found) if how < 0.9 else f"{one(found)} * {one(found)}"

    def new(expression: str, shape: tuple[int, ...]) -> str:
        name = f"v{len(shapes)}"
        shapes[name] = shape
        return f"{name} = {expression}"

    for _ in range(length):
        matrix = one([v for v, s in shapes.items() if s == SHAPES[0]])
        any_name = one(shapes)
        how = rng.random()
        if how < 0.08:
            lines.append(new("zeros((3, 4))", SHAPES[0]))
        elif how < 0.15:
            lines.append(new(any_name, shapes[any_name]))
        elif how < 0.35:
            form = one(VIEWS | COPIES)
            lines.append(new(form.format(matrix), (VIEWS | COPIES)[form]))
        elif how < 0.45:
            lines.append(new(f"np.tanh({any_name}) * {of(shapes[any_name])}", shapes[any_name]))
        elif how < 0.48:
            lines.append(new(f"np.sum({matrix} * 0.5, axis=0)", SHAPES[1]))
        elif how < 0.53:
            part = one([f"[...] = {of(shapes[any_name])}", "[:1] = 0.5", "[1:] = 0.25"])
            lines.append(f"{any_name}{part}")
        elif how < 0.60:
            lines.append(
                f"{matrix}[{matrix} > {one([-0.2, 0.1, 0.4])}] = {one(['0.3', 'u[1]', '0'])}"
            )
        elif how < 0.64:
            form = one(JOINED)
            lines.append(f"{form.format(matrix)}[...] = {of((VIEWS | COPIES)[form])}")
        elif how < 0.69:
            index = one(FANCY)
            lines.append(f"{matrix}{index} = {of(FANCY[index])}")
        elif how < 0.76:
            part = one(PARTS)
            lines.append(f"{part.format(matrix)} += {of(VIEWS[part])}")
        else:
            part = one(PARTS)
            lines.append(f"{part.format(matrix)} = {of(VIEWS[part])}")
    used = dict.fromkeys(one(shapes) for _ in range(5))
    weights = {SHAPES[0]: "B", SHAPES[1]: "u"}
    total = " + ".join(f"np.sum({weights.get(shapes[v], 1.5)} * {v} * {v})" for v in used)
    return Program([*lines, f"return {total}"])


def data(rng: np.random.Generator) -> list[np.ndarray]:
    """A, B and u: each lies in memory in one of the ways in which an array may."""
    layouts = rng.choice(["rows", *LAYOUTS], 3)
    shapes = ((ROWS, COLUMNS), (ROWS, COLUMNS), (COLUMNS,))
    return [lying(rng.normal(size=s), k) for s, k in zip(shapes, layouts, strict=True)]


def on_arrays(program: Program, arrays: list[np.ndarray]) -> float:
    f = program.function({"np": np, "zeros": np.zeros})
    return float(f(*arrays))


def differences(program: Program, arrays: list[np.ndarray], h: float = 1e-6) -> list[np.ndarray]:
    """The gradients by central differences."""
    result = []
    for k, x in enumerate(arrays):
        slope, layout = np.zeros(x.shape), layout_of(x)
        if layout == "stretched":  # read-only; NumPy's results lie in rows, as those of rows do
            layout = "rows"
        for i in np.ndindex(x.shape):
            values = []
            for step in (h, -h):
                moved = list(arrays)
                moved[k] = lying(x, layout)
                moved[k][i] += step
                values.append(on_arrays(program, moved))
            slope[i] = (values[0] - values[1]) / (2 * h)
        result.append(slope)
    return result


def in_torch(program: Program, arrays: list[np.ndarray]) -> list[np.ndarray] | None:
    """The gradients by PyTorch, whose views are as NumPy's are; None where it refuses.

    It refuses what was used before it was written into, and parts that overlap, not always though:
    then it reads what it has written already, and its value is another. Where an index repeats, it
    hands the gradient to values that were written over.
    """
    if torch is None:
        return None

    if any(f"{index} =" in line for line in program.lines for index in REPEATED):
        return None

    class Functions:
        tanh, sum = torch.tanh, torch.sum

    class Array(torch.Tensor):
        copy = torch.Tensor.clone

        def flatten(self) -> Any:
            return self.reshape(-1).clone()

    zeros = lambda shape: torch.zeros(shape, dtype=torch.float64).as_subclass(Array)
    f = program.function({"np": Functions, "zeros": zeros})
    leaves = [torch.tensor(lying(x, "rows"), requires_grad=True) for x in arrays]
    try:
        J = f(*[(x * 1).as_subclass(Array) for x in leaves])
        (J + sum(0 * x.sum() for x in leaves)).backward()
    except RuntimeError as error:
        if not any(said in str(error) for said in IN_TORCH):
            raise
        return None
    if not np.isclose(J.item(), on_arrays(program, arrays), rtol=1e-12):
        return None
    return [np.zeros(x.shape) if x.grad is None else x.grad.numpy() for x in leaves]


def on_tensors(program: Program) -> Callable[..., Any]:
    return program.function({"np": np, "zeros": lambda shape: ag.Tensor(np.zeros(shape))})


IN_TORCH = (
    "modified by an inplace operation",
    "refer to a single memory location",
    "a leaf Variable that requires grad",
)
REFUSALS = ("shares its memory with what was assigned", "a leaf that requires a gradient")


def _refused(error: ValueError) -> bool:
    return any(said in str(error) for said in REFUSALS)


def judged(program: Program, arrays: list[np.ndarray], thorough: bool = True) -> str:
    """`right`, `refused`, `needless` (refused, although no alias matters), or what is wrong.

    If not thorough, only the value and the gradient are looked at.
    """
    value, f = on_arrays(program, arrays), on_tensors(program)
    try:
        got, slopes = ag.value_and_grad(f, (0, 1, 2))(*arrays)
    except ValueError as error:
        if not _refused(error):
            return f"error: {error}"
        same = on_arrays(program.with_copies(), arrays) == value
        return "needless" if same else "refused"
    except TypeError as error:
        return f"error: {error}"
    if not np.allclose(got, value, rtol=1e-12):
        return f"wrong value: {got}, not {value}"
    right = differences(program, arrays)
    if not _alike(slopes, right, 1e-4):
        return "wrong gradient"
    return (further(program, arrays, slopes) if thorough else "") or "right"


def further(program: Program, arrays: list[np.ndarray], slopes: Any) -> str:
    """What is wrong in PyTorch, compiled, in float32, replayed, at second order, drawn, derived."""
    f = on_tensors(program)
    by_torch = in_torch(program, arrays)
    if by_torch is not None and not _alike(slopes, by_torch, 1e-9):
        return "not what PyTorch has"
    if not _same_compiled(f, arrays):
        return "wrong compiled"
    narrow = [lying(x.astype(np.float32), layout_of(x)) for x in arrays]
    single = ag.grad(f, (0, 1, 2))(*narrow)
    if {x.dtype for x in single} != {np.dtype(np.float32)} or not _alike(slopes, single, 1e-3):
        return "wrong in float32"
    try:
        ag.check_gradients(f, *arrays, order=2)
    except ag.GradientError as error:
        return f"wrong at second order: {error}"
    except ValueError as error:  # without gradients, lines on which nothing depends count too
        if not _refused(error):
            raise
    leaves = [ag.Tensor(x, True, name) for x, name in zip(arrays, "ABu", strict=True)]
    J = f(*leaves)
    reached = [t for t in leaves if t in {s.tensor for s in steps(J)}]
    if not reached:
        return ""
    recorded = steps(J, reached)
    moved = [x * 0.9 + 0.05 for x in arrays]
    there = {t: m for t, m in zip(leaves, moved, strict=True) if t in set(reached)}
    values = replay(recorded, there)
    if not np.isclose(values[recorded.cost.number], on_arrays(program, moved), rtol=1e-12):
        return "wrong replayed"
    for shown in (ag.draw(J).source, str(ag.tape(J)), str(ag.derive(J, wrt=reached))):
        assert shown
    return ""


def _same_compiled(f: Callable[..., Any], arrays: list[np.ndarray]) -> bool:
    """Whether f's gradients are those of the tape, or refused, in whichever order arrays lie."""
    eager = ag.grad(f, (0, 1, 2))
    compiled = ag.compile(eager)

    def gradients(of: Callable[..., Any], at: list[np.ndarray]) -> Any:
        try:
            return of(*at)
        except ValueError as error:
            if not _refused(error):
                raise
            return None

    for at in (arrays, [lying(x, "columns") for x in arrays], arrays):
        ours, theirs = gradients(compiled, at), gradients(eager, at)
        if (ours is None) != (theirs is None) or (ours and not _alike(ours, theirs, 1e-9)):
            return False
    return True


def _alike(some: Any, others: Any, tolerance: float) -> bool:
    pairs = zip(some, others, strict=True)
    return all(np.allclose(a, b, rtol=tolerance, atol=tolerance) for a, b in pairs)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.assignments", description=__doc__)
    parser.add_argument("--programs", type=int, default=500)
    parser.add_argument("--lines", type=int, default=7)
    parser.add_argument("--rng", type=int, default=0)
    options = parser.parse_args(arguments)
    found: collections.Counter[str] = collections.Counter()
    for seed in range(options.programs):
        rng = np.random.default_rng([options.rng, seed])
        program = drawn(rng, int(rng.integers(1, options.lines + 1)))
        verdict = judged(program, data(rng))
        found[verdict if verdict in ("right", "refused", "needless") else "wrong"] += 1
        if verdict not in ("right", "refused", "needless"):
            print(f"program {seed}: {verdict}\n    " + "\n    ".join(program.lines))
    print(dict(found))
    return 1 if found["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
