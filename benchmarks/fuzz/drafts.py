"""Random programs, drawn step by step together with their values for every set of data."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.fuzz.programs import (
    CALLS,
    Constant,
    Program,
    Step,
    Unfit,
    is_variable,
    namespace,
    pruned,
)
from benchmarks.fuzz.table import TABLE
from benchmarks.layouts import LAYOUTS, lying

LARGEST = 1e3  # of the entries of any value
SIZE = 100  # of any value
GAP = 1e-3  # how far values stay from a kink or a jump that they do not hit exactly
DRAWN = [layout for layout in LAYOUTS if layout != "other byte order"]  # (PyTorch has none)
ENTRIES = list(TABLE)
WEIGHTS = np.array([entry.weight for entry in TABLE.values()])
WEIGHTS /= WEIGHTS.sum()
NAMES = [  # of Tensors, as people and mischief write them
    *("W₁", "x²", "ℒ", "ϵ", "ε", "µ", "μ", "µ_1", "∂J/∂Z", "ﬁ", "Z1", "A", "J", "v1", "x0", "t_1"),
    *("dZ1", "np", "def", "empty", "multiply", "lambda", "None", "2", "OTHER", "'", "a b", "\n"),
    "",
]


class Draft:
    """A program in the making, with its values for every set of data."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.inputs: dict[str, tuple[Any, ...]] = {}
        self.constants: dict[str, Constant] = {}
        self.steps: dict[str, Step] = {}
        self.values: list[dict[str, Any]] = [namespace() for _ in range(CALLS)]
        self.used: set[str] = set()
        self.on_tape: set[str] = set()  # what is a Tensor whichever inputs are plain arrays
        self.made = 0  # constants, those that were not used included
        mode = rng.choice(["float64", "float32", "mixed"], p=[0.6, 0.2, 0.2])
        self.dtypes = ["float64", "float32"] if mode == "mixed" else [mode]
        self.sizes = list(rng.choice([1, 2, 3, 4, 5], size=rng.integers(1, 4)))
        if self.chance(0.05):
            self.sizes.append(0)
        self.ties = 0.7 if self.chance(0.15) else 0.05  # how often data are small whole numbers

    # Choices

    def chance(self, p: float) -> bool:
        """Whether something of probability p happens."""
        return bool(self.rng.random() < p)

    def one(self, of: Any) -> Any:
        """One of several things."""
        return of[int(self.rng.integers(len(of)))]

    def dtype(self) -> Any:
        """A float dtype of this program."""
        return np.dtype(self.one(self.dtypes))

    def shape(self) -> tuple[int, ...]:
        """A shape from this program's sizes."""
        ndim = int(self.rng.choice(5, p=[0.08, 0.27, 0.4, 0.2, 0.05]))
        shape = tuple(int(self.one(self.sizes)) for _ in range(ndim))
        return shape if math.prod(shape) <= SIZE else shape[:2]

    def data(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """An array in some layout."""
        x: Any
        if self.chance(self.ties):
            x = self.rng.integers(-2, 3, size=shape)
        elif self.chance(0.1):
            x = self.rng.uniform(0.5, 2.0, size=shape)
        else:
            x = self.rng.normal(size=shape)
        return lying(np.asarray(x, dtype), "rows" if self.chance(0.5) else self.one(DRAWN))

    # Values

    def of(self, name: str) -> np.ndarray:
        """A value for the first set of data."""
        return self.values[0][name]

    def names(self) -> list[str]:
        """The arrays among inputs and steps."""
        return [n for n in (*self.inputs, *self.steps) if isinstance(self.of(n), np.ndarray)]

    def pick(self, kinds: str = "f", where: Callable[[np.ndarray], bool] = lambda x: True) -> str:
        """An earlier value of this kind of dtype; rather a late one."""
        found = [n for n in self.names() if self.of(n).dtype.kind in kinds and where(self.of(n))]
        if not found:
            raise Unfit
        return self.one(found[-5:] if self.chance(0.6) else found)

    def constant(self, array: np.ndarray) -> str:
        """A new constant; now and then a Tensor of some name."""
        self.made += 1
        name = f"c{self.made}"
        tensor = self.one(NAMES) if self.chance(0.15) else None
        self.constants[name] = Constant(array, tensor)
        for values in self.values:
            values[name] = array
        return name

    def number(self) -> Any:
        """A number as people write it, or an input that is a float."""
        floats = [name for name, values in self.inputs.items() if type(values[0]) is float]
        if floats and self.chance(0.5):
            return self.one(floats)
        number = self.one([2, 3, -1, 1, 0, 0.5, -1.5, 1.0, 2.0, 0.1, -0.0])
        if self.chance(0.2):
            return self.one([np.float64(1.25), np.float32(0.75), np.int64(2), np.float64(-0.3)])
        return number

    def fitting(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """A shape that broadcasts with this one."""
        shape = tuple(1 if self.chance(0.25) else n for n in shape)
        if self.chance(0.3):
            shape = shape[int(self.rng.integers(len(shape) + 1)) :]
        elif self.chance(0.15) and len(shape) < 4:
            shape = (int(self.one([*self.sizes, 2])), *shape)
        return shape

    def other(self, name: str) -> Any:
        """A second operand for an elementwise operation: a value, a number, a constant."""
        how = self.rng.random()
        if how < 0.08:
            return name
        if how < 0.45:
            kinds = "fffb"[int(self.rng.integers(4))]
            return self.pick(kinds, lambda x: _broadcast(x.shape, self.of(name).shape))
        if how < 0.7:
            return self.number()
        dtype = (
            self.dtype() if self.chance(0.85) else np.dtype(self.one(["int64", "bool", "int32"]))
        )
        array = self.data(self.fitting(self.of(name).shape), dtype)
        return self.constant(array)

    def positive(self) -> str:
        """A value that is well above zero; made if there is none."""
        above = lambda n: all((v[n] > 0.1).all() for v in self.values)
        found = [n for n in self.names() if self.of(n).dtype.kind == "f" and above(n)]
        if found and self.chance(0.5):
            return self.one(found)
        made = self.add_any(self.one(["square", "absolute", "exp"]), self.pick())
        return self.add_any("add", made, self.one([0.5, 1, 0.25]))

    def mask(self, shape: tuple[int, ...]) -> str:
        """A condition that broadcasts with this shape."""
        fits = lambda x: _broadcast(x.shape, shape)
        if self.chance(0.6) and any(
            self.of(n).dtype == bool and fits(self.of(n)) for n in self.names()
        ):
            return self.pick("b", fits)
        return self.constant(self.rng.random(self.fitting(shape)) < 0.5)

    # Steps

    def add(self, step: Step) -> str:
        """Append a step, if it has values fit for a program; otherwise raise Unfit."""
        entry = step.entry
        y = f"v{len(self.steps)}"
        code = compile(step.expression(0), "<step>", "eval")
        results = []
        for values in self.values:
            operands = [_value(values, x) for x in step.operands]
            if not all(entry.domain(*operands)):
                raise Unfit
            try:
                result = np.asarray(eval(code, values))
                if entry.gap and not _apart(entry.gap(*operands, **step.arguments)):
                    raise Unfit
            except (ValueError, IndexError, TypeError):
                raise Unfit from None
            if result.size > SIZE or result.ndim > 5:
                raise Unfit
            if not np.isfinite(result).all() or (np.abs(result, dtype=float) > LARGEST).any():
                raise Unfit
            results.append(result)
        if len({r.shape for r in results}) > 1:
            raise Unfit
        for values, result in zip(self.values, results, strict=True):
            values[y] = result
        self.steps[y] = step
        if self.on_tape & set(filter(_is_name, step.operands)):
            self.on_tape.add(y)
        self.used |= set(filter(_is_name, step.operands))
        return y

    def add_any(self, entry: str, *operands: Any, **arguments: Any) -> str:
        """Append a step in any spelling."""
        return self.add(self.spelled(entry, operands, arguments))

    def draw(self) -> None:
        """Add one step of the table; where what was drawn does not fit, try again."""
        while True:
            entry = str(self.rng.choice(ENTRIES, p=WEIGHTS))
            before = len(self.constants)
            try:
                operands, arguments = TABLE[entry].choose(self)
                self.add(self.spelled(entry, operands, arguments))
                return
            except Unfit:
                for name in list(self.constants)[before:]:
                    if name not in self.used:
                        del self.constants[name]
                        for values in self.values:
                            del values[name]

    def spelled(self, entry: str, operands: tuple[Any, ...], arguments: dict[str, Any]) -> Step:
        """A step in one of its spellings, perhaps with a name."""
        spellings = TABLE[entry].spellings
        if not self.on_tape & set(filter(_is_name, operands)):
            return Step(TABLE[entry], operands, arguments)  # plain arrays lack what Tensors have
        spelling = int(self.rng.integers(len(spellings)))
        in_place = "{y}" in spellings[spelling]
        first = operands[0]
        computed = first in self.on_tape and first in self.steps
        if in_place and not (computed and callable(self.steps[first].entry.torch)):
            spelling, in_place = 0, False  # a leaf is not written to, nor an array by a Tensor
        name = self.one(NAMES) if self.chance(0.1) and not in_place else None
        return Step(TABLE[entry], operands, arguments, spelling, name)


def _is_name(x: Any) -> bool:
    return isinstance(x, str)


def _value(values: dict[str, Any], x: Any) -> Any:
    return values[x] if isinstance(x, str) else x


def _broadcast(*shapes: tuple[int, ...]) -> bool:
    try:
        return math.prod(np.broadcast_shapes(*shapes)) <= SIZE
    except ValueError:
        return False


def _apart(distance: Any) -> bool:
    """Whether every distance from a kink is nothing or enough."""
    distance = np.abs(np.asarray(distance, float))
    return bool(((distance == 0) | (distance > GAP)).all())


def draw(seed: int, number: int, steps: int = 60) -> Program:
    """The program with this number: up to `steps` steps, and what makes a cost of their values."""
    rng = np.random.default_rng([seed, number])
    with quiet():
        while True:
            draft = started(rng)
            longest = int(rng.choice([8, 24, steps], p=[0.5, 0.35, 0.15]))
            for _ in range(int(rng.integers(1, min(longest, steps) + 1))):
                draft.draw()
            with contextlib.suppress(Unfit):
                return finished(draft)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without warnings: what is not finite is left out by looking at it."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def started(rng: np.random.Generator) -> Draft:
    """A draft with inputs, and no steps yet."""
    draft = Draft(rng)
    for k in range(int(rng.integers(1, 4))):
        shape, dtype = draft.shape(), draft.dtype()
        draft.inputs[f"x{k}"] = tuple(draft.data(shape, dtype) for _ in range(CALLS))
    if draft.chance(0.15):
        floats = rng.choice([-1, 1], CALLS) * rng.uniform(0.5, 2, CALLS)
        draft.inputs["s"] = tuple(float(x) for x in floats)
    if draft.chance(0.15):
        shape = draft.shape()
        draft.inputs["i"] = tuple(rng.integers(-1, 2, size=shape) for _ in range(CALLS))
    if draft.chance(0.15):
        shape = draft.shape()
        draft.inputs["m"] = tuple(np.asarray(rng.random(shape) < 0.5) for _ in range(CALLS))
    for name, values in draft.inputs.items():
        for call in range(CALLS):
            draft.values[call][name] = values[call]
        if is_variable(values[0]):
            draft.on_tape.add(name)
    return draft


def finished(draft: Draft, *also: str) -> Program:
    """The draft with a cost, and a few other values that it returns: `also`, and any."""
    cost = _cost(draft)
    names = [name for name in draft.names() if name in draft.on_tape]
    returns = [cost, *also] + [draft.one(names) for _ in range(int(draft.rng.integers(0, 4)))]
    program = Program(draft.inputs, draft.constants, draft.steps, tuple(returns), cost)
    return pruned(program) if draft.chance(0.5) else program


def _cost(draft: Draft) -> str:
    """The sum of what nothing has used yet, brought to one number each."""
    floats = [n for n in draft.names() if n in draft.on_tape and draft.of(n).dtype.kind == "f"]
    loose = [n for n in floats if n in draft.steps and n not in draft.used][-6:] or floats[-1:]
    total = None
    for name in loose:
        with contextlib.suppress(Unfit):
            number = _as_number(draft, name)
            total = number if total is None else draft.add_any("add", total, number)
    if total is None:
        raise Unfit
    return total


def _as_number(draft: Draft, name: str) -> str:
    x = draft.of(name)
    how = draft.one(["sum", "weighted", "squared", "mean", "sine"]) if x.size else "sum"
    if how == "weighted":
        name = draft.add_any("multiply", name, draft.constant(draft.data(x.shape, x.dtype)))
    elif how == "squared":
        name = draft.add_any("multiply", name, name)
    elif how == "sine":
        name = draft.add_any("sin", name)
    if draft.of(name).ndim or draft.chance(0.2):
        entry = "mean" if how == "mean" else "sum"
        name = draft.add_any(entry, name, axis=None, keepdims=draft.chance(0.1))
    return name
