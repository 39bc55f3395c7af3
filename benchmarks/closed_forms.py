"""Closed forms of derivatives that are known, next to SymPy's matrix derivatives.

    python -m benchmarks.closed_forms [--all]

For `benchmarks.known_derivatives`: the share that has the known value at random arrays, the share
that is also not longer than 1.3 times the known form (letters, signs and pairs of brackets), and
the median and longest time. SymPy differentiates the same expressions (`expr.diff(X)`), each for at
most 20 seconds; what it leaves as an array, or as an unevaluated derivative, is no closed form.
--all: each formula with its form. Exit code 1 if one of ours is wrong or takes a second.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

import autograd_lite as ag
from autograd_lite import rules
from autograd_lite.algebra.matrix_form import in_matrices, own_name
from autograd_lite.algebra.shortening import Shortener
from autograd_lite.algebra.tree import Apply, Expression, Number, Ones, Symbol, only
from autograd_lite.derivation.closed import Subject
from autograd_lite.derivation.formulas import FormulaOnTape
from autograd_lite.graph import steps
from benchmarks.known_derivatives import ALL, Known, drawn, expected, signs

LONGEST = 20  # seconds for SymPy


@dataclass(frozen=True)
class Result:
    """What came out: the form as text, whether it is right and as short as the known one."""

    text: str
    right: bool
    short: bool
    seconds: float


def ours(case: Known) -> Result:
    """The closed form of `ag.derive`."""
    start = time.perf_counter()
    derived = ag.derive(case.formula, case.wrt, **case.options)
    text = derived.formula
    seconds = time.perf_counter() - start
    (form,) = derived.forms.values()
    values = drawn(case, derived.shapes, np.random.default_rng(3))
    letters = {s.label for s in (*form.inputs, *form.others)}
    found = derived(**{k: x for k, x in values.items() if k in letters})
    return judged(case, text, found, values, seconds)


def judged(case: Known, text: str, found: Any, values: dict[str, Any], seconds: float) -> Result:
    """What was found beside what is known: its value, and its length."""
    known = expected(case, values)
    same = np.size(found) == np.size(known)
    right = same and bool(np.allclose(np.reshape(found, np.shape(known)), known))
    return Result(text, right, right and signs(text) <= 1.3 * signs(case.known), seconds)


def sympys(case: Known) -> Result:
    """The derivative that SymPy finds; raises where it finds none."""
    formula = FormulaOnTape(case.formula, case.options.get("shapes"), case.options.get("assume"))
    x = formula.letters[case.wrt]
    formula.cost.name = None
    arriving = None if formula.cost.ndim == 0 else np.ones(formula.cost.shape)
    tape = formula.named(steps(formula.cost, [x], gradient=arriving))
    forward = Subject(tape, tape.recorded.cost, formula.name).read()
    values = drawn(case, formula.shapes, np.random.default_rng(3))
    sizes = {n: _length(values, formula, n) for n in formula.sizes}
    write = InSymPy(sizes)
    written = write(Shortener()(in_matrices(forward)))
    start = time.perf_counter()
    with at_most(LONGEST):
        by = write.symbols.get(case.wrt, sp.Symbol(case.wrt))
        derivative = written.diff(by)
        if case.options.get("order") == 2:
            derivative = derivative.diff(by)
        seconds = time.perf_counter() - start
        found = _value(derivative, values, write.symbols)
    text = str(derivative)
    for sign, plain in (("**(-1)", "⁻¹"), ("**", "^"), (".T", "ᵀ"), ("*", " ")):
        text = text.replace(sign, plain)
    return judged(case, text, found, values, seconds)


def _length(values: dict[str, Any], formula: FormulaOnTape, n: int) -> int:
    letter = formula.sizes[n]
    for name, shape in formula.shapes.items():
        if letter in shape:
            return int(np.shape(values[name])[shape.index(letter)])
    return n


def _value(derivative: Any, values: dict[str, Any], symbols: dict[str, Any]) -> Any:
    """The derivative at these values; TypeError where it is no matrix."""
    arrays = {}
    for name, symbol in symbols.items():
        array = np.asarray(values[name], dtype=float)
        arrays[symbol] = sp.ImmutableMatrix(array.reshape(symbol.shape))
    if derivative.has(sp.Derivative):
        raise TypeError("it is left as a derivative")
    scalars = [s for s in derivative.free_symbols if isinstance(s, sp.Symbol) and s.name in values]
    numbers = {s: float(values[s.name]) for s in scalars}
    result = derivative.subs(arrays).subs(numbers).doit()
    if hasattr(result, "as_explicit"):
        result = result.as_explicit()
    return np.array(result.tolist() if hasattr(result, "tolist") else result, dtype=float)


@contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """Raise TimeoutError after so many seconds."""

    def stop(*_: Any) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


class InSymPy:
    """An expression in matrix form as SymPy's matrix expression, at the sizes of the values."""

    def __init__(self, sizes: dict[int, int]) -> None:
        self.sizes = sizes
        self.symbols: dict[str, Any] = {}

    def __call__(self, e: Expression) -> Any:
        shape = [self.sizes.get(n, n) for n in e.shape]
        if isinstance(e, Symbol):
            if not shape:
                return sp.Symbol(e.label)
            return self.symbols.setdefault(e.label, sp.MatrixSymbol(e.label, *shape))
        if isinstance(e, Number):
            return sp.nsimplify(e.value)
        if isinstance(e, Ones):
            return sp.OneMatrix(*shape)
        assert isinstance(e, Apply)
        if e.op is np.eye:
            return sp.Identity(shape[0])
        parts = [self(x) for x in e.arguments]
        if e.op in _OPERATIONS:
            return _OPERATIONS[e.op](*parts)
        if e.op in (np.multiply, np.divide, np.power, np.square):
            return _elementwise(e, parts)
        if own_name(e.op) == "logabsdet":
            return sp.log(sp.Determinant(parts[0]))
        f = _FUNCTIONS[e.op]
        return parts[0].applyfunc(f) if e.shape else f(parts[0])


def _elementwise(e: Apply, parts: list[Any]) -> Any:
    a, b = (*parts, 2)[:2]
    matrices = [bool(x.shape) for x in e.arguments]
    if e.op in (np.power, np.square):
        return sp.HadamardPower(a, b) if matrices[0] else a**b
    if all(matrices) and len(matrices) == 2:
        b = b if e.op is np.multiply else sp.HadamardPower(b, -1)
        return sp.HadamardProduct(a, b)
    return a * b if e.op is np.multiply else a / b


_OPERATIONS: dict[Any, Callable[..., Any]] = {
    np.dot: lambda a, b: a * b,
    np.add: lambda a, b: a + b,
    np.subtract: lambda a, b: a - b,
    np.negative: lambda a: -a,
    np.transpose: lambda a: a.T,
    only: lambda a: sp.Trace(a),
    np.linalg.inv: lambda a: a.I,
    np.trace: sp.Trace,
    np.linalg.det: sp.Determinant,
    np.diagflat: sp.DiagMatrix,
    np.linalg.norm: lambda a: sp.sqrt(sp.Trace(a.T * a)),
}
_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.exp: sp.exp,
    np.log: sp.log,
    np.tanh: sp.tanh,
    np.sqrt: sp.sqrt,
    np.sign: sp.sign,
    np.absolute: sp.Abs,
    rules.sigmoid: lambda z: 1 / (1 + sp.exp(-z)),
}


def measured(find: Callable[[Known], Result], case: Known) -> Result | str:
    """What came out, or why nothing did."""
    try:
        return find(case)
    except Exception as error:  # of SymPy, anything
        return f"{type(error).__name__}: {error}"[:70]


def report(name: str, results: list[Result | str]) -> str:
    """A row of the table."""
    found = [r for r in results if isinstance(r, Result)]
    right, short = (sum(getattr(r, k) for r in found) for k in ("right", "short"))
    times = [1000 * r.seconds for r in found if r.right] or [0.0]
    n = len(results)
    return (
        f"{name:14}{right:4} of {n} right{short:5} as short"
        f"{statistics.median(times):8.0f} ms{max(times):8.0f} ms at most"
    )


def main() -> int:
    """Print the table; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true", help="each formula with its form")
    options = parser.parse_args()
    _ = ag.derive("xᵀ x", "x").formula  # loads SymPy
    mine = [measured(ours, case) for case in ALL]
    theirs = [measured(sympys, case) for case in ALL]
    for case, a, b in zip(ALL, mine, theirs, strict=True):
        if options.all or isinstance(a, str) or not a.short:
            print(f"{case.formula}  by {case.wrt}:  {a if isinstance(a, str) else a.text}")
            print(f"    SymPy: {b if isinstance(b, str) else (b.right, b.text[:70])}")
    print(report("autograd-lite", mine))
    print(report("SymPy", theirs))
    good = all(isinstance(r, Result) and r.right and r.seconds < 1 for r in mine)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
