"""Random programs: a table of everything that a Tensor takes, and what is drawn from it.

A program is data: inputs, constants, and steps that are lines of NumPy. The same text runs on
arrays and on Tensors; what PyTorch does for each step stands in the table, so that it can judge.
"""

from __future__ import annotations

import contextlib
import inspect
import math
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import autograd_lite as ag

CALLS = 3  # each program comes with so many sets of data
LARGEST = 1e3  # of the entries of any value
SIZE = 100  # of any value
GAP = 1e-3  # how far values stay from a kink or a jump that they do not hit exactly
DEFAULTS = {"axis": None, "ddof": 0, "keepdims": False}  # of reductions: not written out
NAMES = [
    *("W₁", "x²", "ℒ", "ϵ", "ε", "µ", "μ", "∂J/∂Z", "ﬁ", "Z1", "A", "J", "v1", "x0", "t_1", "dZ1"),
    *(
        "np",
        "def",
        "empty",
        "multiply",
        "lambda",
        "None",
        "OTHER",
        "a b",
        "2",
        "",
        "\n",
        "'",
        "µ_1",
    ),
]


@ag.differentiable(lambda g, y, x, by: g * (3 * by * x * x))
def cube(x: Any, by: float) -> Any:
    """An operation of the user's own."""
    return by * x**3


@dataclass(frozen=True)
class Step:
    """One line: which entry of the table, on which values (names) and numbers, how spelled."""

    entry: str
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
        template = TABLE[self.entry].spellings[spelling]
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
    """inputs: CALLS arrays or floats for each. returns: the names of what it returns. cost: the
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
        """The positions of the inputs that gradients are taken for."""
        return tuple(
            k for k, values in enumerate(self.inputs.values()) if isinstance(values[0], np.ndarray)
        )

    def listing(self, call: int = 0) -> str:
        """The program as a script's first lines: constants, function, inputs."""
        body = self.source()
        lines = ["import numpy as np", "import autograd_lite as ag", ""]
        for name, constant in self.constants.items():
            array = text(constant.array)
            tensor = f"ag.Tensor({array}, name={constant.name!r})"
            lines.append(f"{name} = {array if constant.name is None else tensor}")
        if "cube(" in body:
            lines += ["", inspect.getsource(inspect.unwrap(cube))]
        lines += [body]
        lines += [f"{name} = {text(values[call])}" for name, values in self.inputs.items()]
        return "\n".join(lines)


def namespace() -> dict[str, Any]:
    return {"np": np, "ag": ag, "cube": cube}


def _copy(x: Any) -> Any:
    """x in memory of its own, laid out alike."""
    if not isinstance(x, np.ndarray):
        return x
    if x.flags.c_contiguous or x.flags.f_contiguous:
        return x.copy("K")
    return scattered(x)


def scattered(x: np.ndarray) -> np.ndarray:
    """x as every second entry of a larger array."""
    return np.repeat(x, 2, -1)[..., ::2] if x.ndim else x.copy()


def text(x: Any) -> str:
    """A value as Python."""
    if isinstance(x, str | None | bool):
        return str(x)
    if isinstance(x, np.ndarray):
        dtype = "" if x.dtype in (float, int, bool) else f", np.{x.dtype}"
        inner = str(x.tolist()) if x.size else ""
        made = f"np.array({inner}{dtype})" if x.size else f"np.zeros({x.shape}, np.{x.dtype})"
        if x.flags.c_contiguous or not x.size:
            return made
        return (
            f"np.asfortranarray({made})"
            if x.flags.f_contiguous
            else f"np.repeat({made}, 2, -1)[..., ::2]"
        )
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


# Drawing


class Draft:
    """A program in the making, with its values for every set of data."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.inputs: dict[str, tuple[Any, ...]] = {}
        self.constants: dict[str, Constant] = {}
        self.steps: dict[str, Step] = {}
        self.values: list[dict[str, Any]] = [namespace() for _ in range(CALLS)]
        self.used: set[str] = set()
        mode = rng.choice(["float64", "float32", "mixed"], p=[0.6, 0.2, 0.2])
        self.dtypes = ["float64", "float32"] if mode == "mixed" else [mode]
        self.sizes = list(rng.choice([1, 2, 3, 4, 5], size=rng.integers(1, 4)))
        if self.chance(0.05):
            self.sizes.append(0)

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

    def data(self, shape: tuple[int, ...], dtype: Any, layout: int | None = None) -> np.ndarray:
        """An array in some layout: rows first, columns first, or with holes."""
        kind = self.rng.random()
        if kind < 0.85:
            x = self.rng.normal(size=shape)
        elif kind < 0.95:
            x = self.rng.uniform(0.5, 2.0, size=shape)
        else:
            x = self.rng.integers(-2, 3, size=shape)  # zeros, ties
        x = np.asarray(x, dtype)
        layout = self.rng.choice(3, p=[0.6, 0.2, 0.2]) if layout is None else layout
        return (x, x.copy("F"), scattered(x))[int(layout)]

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
        name = f"c{len(self.constants)}"
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
        made = self.add(Step(self.one(["square", "absolute", "exp"]), (self.pick(),)))
        return self.add(Step("add", (made, self.one([0.5, 1, 0.25]))))

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
        entry = TABLE[step.entry]
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
        self.used |= {x for x in step.operands if isinstance(x, str)}
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
        spelling = int(self.rng.integers(len(spellings)))
        in_place = "{y}" in spellings[spelling]
        first = operands[0]
        if in_place and not (
            first in self.steps and callable(TABLE[self.steps[first].entry].torch)
        ):
            spelling, in_place = 0, False  # only what was computed: a leaf is not written to
        name = self.one(NAMES) if self.chance(0.1) and not in_place else None
        return Step(entry, operands, arguments, spelling, name)


class Unfit(Exception):
    """What was drawn does not fit: it cannot be computed, or is no test of anything."""


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
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        while True:
            with contextlib.suppress(Unfit):
                return _drawn(rng, steps)


def _drawn(rng: np.random.Generator, steps: int) -> Program:
    draft = Draft(rng)
    for k in range(int(rng.integers(1, 4))):
        shape, dtype = draft.shape(), draft.dtype()
        draft.inputs[f"x{k}"] = tuple(draft.data(shape, dtype) for _ in range(CALLS))
    if draft.chance(0.15):
        floats = rng.choice([-1, 1], CALLS) * rng.uniform(0.5, 2, CALLS)
        draft.inputs["s"] = tuple(float(x) for x in floats)
    for name, values in draft.inputs.items():
        for call in range(CALLS):
            draft.values[call][name] = values[call]
    longest = int(rng.choice([8, 24, steps], p=[0.5, 0.35, 0.15]))
    for _ in range(int(rng.integers(1, min(longest, steps) + 1))):
        draft.draw()
    cost = _cost(draft)
    names = draft.names()
    returns = [cost] + [draft.one(names) for _ in range(int(rng.integers(0, 4)))]
    program = Program(draft.inputs, draft.constants, draft.steps, tuple(returns), cost)
    return pruned(program) if draft.chance(0.5) else program


def _cost(draft: Draft) -> str:
    """The sum of what nothing has used yet, brought to one number each."""
    floats = [n for n in draft.steps if draft.of(n).dtype.kind == "f"]
    loose = [n for n in floats if n not in draft.used][-6:] or floats[-1:] or [draft.pick()]
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


def pruned(program: Program) -> Program:
    """Without steps, inputs and constants that nothing needs. One input stays."""
    needed = {*program.returns, program.cost}
    steps = {}
    for y, step in reversed(program.steps.items()):
        if y in needed:
            steps[y] = step
            needed |= {x for x in step.operands if isinstance(x, str)}
    inputs = {name: values for name, values in program.inputs.items() if name in needed}
    if not any(isinstance(values[0], np.ndarray) for values in inputs.values()):
        arrays = [n for n, v in program.inputs.items() if isinstance(v[0], np.ndarray)]
        inputs |= {name: program.inputs[name] for name in arrays[:1]}
    constants = {name: c for name, c in program.constants.items() if name in needed}
    return Program(inputs, constants, dict(reversed(steps.items())), program.returns, program.cost)


# How operands and arguments are chosen

Chosen = tuple[tuple[Any, ...], dict[str, Any]]


def unary(d: Draft) -> Chosen:
    return (d.pick(),), {}


def of_positive(d: Draft) -> Chosen:
    return (d.positive(),), {}


def any_kind(d: Draft) -> Chosen:
    return (d.pick("fffbi"),), {}


def pair(d: Draft) -> Chosen:
    a = d.pick()
    b = d.other(a)
    return ((b, a) if d.chance(0.4) else (a, b)), {}


def quotient(d: Draft) -> Chosen:
    if d.chance(0.5):
        b = d.positive()
        a = d.other(b)
        return (a, b), {}
    a = d.pick()
    return (a, d.other(a)), {}


def powers(d: Draft) -> Chosen:
    how = d.rng.random()
    if how < 0.4:
        return (d.pick(), d.one([2, 3, 4, 1, 0, 2.0, 3.0, 5])), {}
    if how < 0.6:
        return (d.positive(), d.one([-1, 0.5, -2, 1.5, -0.5, 2, np.float64(0.3)])), {}
    if how < 0.75:
        return (d.one([2, 2.0, 0.5, 3, np.float64(1.5)]), d.pick()), {}
    a = d.positive()
    return (a, d.other(a)), {}


def booleans(d: Draft) -> Chosen:
    a = d.pick("b")
    return (a, d.mask(d.of(a).shape)), {}


def one_boolean(d: Draft) -> Chosen:
    return (d.pick("b"),), {}


def choice(d: Draft) -> Chosen:
    a = d.pick()
    condition = d.mask(d.of(a).shape) if d.chance(0.85) else a
    b = d.other(a)
    return (condition, *((b, a) if d.chance(0.5) else (a, b))), {}


def bounds(d: Draft) -> Chosen:
    x = d.pick()
    how = d.rng.random()
    if how < 0.5:
        low, high = d.one([(-1.0, 1.0), (-0.5, 2), (0, 1), (None, 0.5), (-0.5, None), (1.0, -1.0)])
        return (x, low, high), {}
    low, high = d.other(x), d.other(x)
    return (x, *d.one([(low, high), (None, high), (low, None)])), {}


def axes(d: Draft, ndim: int, several: bool = True) -> Any:
    """An axis, several, or all of them."""
    if not ndim or d.chance(0.25):
        return None
    chosen = d.rng.permutation(ndim)[: int(d.rng.integers(1, ndim + 1))]
    signed = tuple(int(k - ndim if d.chance(0.4) else k) for k in chosen)
    return signed if several and d.chance(0.5) else signed[0]


def reduction(d: Draft) -> Chosen:
    x = d.pick()
    return (x,), {"axis": axes(d, d.of(x).ndim), "keepdims": d.chance(0.4)}


def reduction_of_any(d: Draft) -> Chosen:
    x = d.pick("fffb")
    return (x,), {"axis": axes(d, d.of(x).ndim), "keepdims": d.chance(0.4)}


def reduction_of_booleans(d: Draft) -> Chosen:
    x = d.pick("b")
    return (x,), {"axis": axes(d, d.of(x).ndim), "keepdims": d.chance(0.4)}


def spread(d: Draft) -> Chosen:
    operands, arguments = reduction(d)
    return operands, arguments | {"ddof": d.one([0, 0, 1])}


def position(d: Draft) -> Chosen:
    x = d.pick()
    return (x,), {"axis": axes(d, d.of(x).ndim, several=False), "keepdims": d.chance(0.3)}


def along(d: Draft) -> Chosen:
    x = d.pick(where=lambda x: x.ndim > 0 and x.size > 0)
    axis = axes(d, d.of(x).ndim)
    return (x,), {"axis": -1 if axis is None else axis}


def new_shape(d: Draft) -> Chosen:
    x = d.pick("fffbi")
    size, shape = d.of(x).size, []
    rest = size
    while rest > 1 and len(shape) < 4:
        n = int(d.one([n for n in range(1, rest + 1) if rest % n == 0]))
        shape.append(n)
        rest //= n
    shape += [rest] if rest != 1 or d.chance(0.3) else []
    if shape and size and d.chance(0.3):
        shape[int(d.rng.integers(len(shape)))] = -1
    return (x,), {"shape": shape[0] if len(shape) == 1 and d.chance(0.5) else tuple(shape)}


def same_size(d: Draft) -> Chosen:
    x = d.pick()
    return (x, d.pick(where=lambda y: y.size == d.of(x).size)), {}


def permutation(d: Draft) -> Chosen:
    x = d.pick("fffb", lambda x: x.ndim > 0)
    ndim = d.of(x).ndim
    order = d.rng.permutation(ndim) - (ndim if d.chance(0.2) else 0)
    return (x,), {"axes": tuple(int(k) for k in order)}


def two_axes(d: Draft) -> Chosen:
    x = d.pick(where=lambda x: x.ndim > 0)
    n = d.of(x).ndim
    i, j = (int(k) for k in d.rng.integers(-n, n, size=2))
    return (x,), {"i": i, "j": j}


def several_axes(d: Draft) -> Chosen:
    x = d.pick(where=lambda x: x.ndim > 1)
    n = d.of(x).ndim
    i, j = (tuple(int(k) for k in d.rng.permutation(n)[:2]) for _ in range(2))
    return (x,), {"i": i, "j": j}


def matrices(d: Draft) -> Chosen:
    return (d.pick("fffb", lambda x: x.ndim > 1),), {}


def ones(d: Draft) -> Chosen:
    x = d.pick(where=lambda x: 1 in x.shape)
    places = [k for k, n in enumerate(d.of(x).shape) if n == 1]
    axis = tuple(places) if d.chance(0.3) else d.one(places)
    return (x,), {"axis": None if d.chance(0.3) else axis}


def new_axes(d: Draft) -> Chosen:
    x = d.pick()
    n = d.of(x).ndim
    if d.chance(0.7):
        return (x,), {"axis": int(d.rng.integers(-n - 1, n + 1))}
    return (x,), {"axis": tuple(int(k) for k in d.rng.permutation(n + 2)[:2])}


def wider(d: Draft) -> Chosen:
    x = d.pick()
    shape = [int(d.one([*d.sizes, 2])) if n == 1 and d.chance(0.6) else n for n in d.of(x).shape]
    if d.chance(0.4):
        shape.insert(0, int(d.one([*d.sizes, 2])))
    return (x,), {"shape": tuple(shape)}


def index_item(d: Draft, n: int) -> Any:
    """What may stand for one axis of length n."""
    how = d.rng.random()
    if how < 0.3 and n:
        return int(d.rng.integers(-n, n))
    if how < 0.8 or not n:
        start, stop = (d.one([None, *range(-n, n + 1)]) for _ in range(2))
        return slice(start, stop, d.one([None, None, 1, 2, -1, -1, -2]))
    places = d.rng.integers(-n, n, size=int(d.rng.integers(1, 5)))
    return places if d.chance(0.7) else places.tolist()


def brackets(d: Draft) -> Chosen:
    x = d.pick("ffffb")
    shape = d.of(x).shape
    how = d.rng.random()
    if how < 0.08:
        return (x,), {"index": Index((d.rng.random(shape) < 0.6,))}
    if how < 0.16 and shape:
        return (x,), {
            "index": Index((d.rng.random(shape[:1]) < 0.6, *([slice(1, None)] * (len(shape) > 1))))
        }
    if how < 0.24 and len(shape) > 1:
        size = (int(d.rng.integers(1, 4)),)
        arrays = [d.rng.integers(-n, n, size=size) for n in shape if n]
        arrays[0] = arrays[0][:, None] if arrays and d.chance(0.3) else arrays[0]
        return (x,), {"index": Index(tuple(arrays))}
    if how < 0.3 and shape and shape[0]:
        return (x,), {"index": Index((d.rng.integers(-shape[0], shape[0], size=(2, 2)),))}
    items: list[Any] = [index_item(d, n) for n in shape[: int(d.rng.integers(len(shape) + 1))]]
    if d.chance(0.25):  # the rest from the end
        rest = shape[len(items) :]
        last = int(d.rng.integers(len(rest) + 1))
        items += [..., *(index_item(d, n) for n in rest[len(rest) - last :])]
    if d.chance(0.2):
        items.insert(int(d.rng.integers(len(items) + 1)), None)
    return (x,), {"index": Index(tuple(items), d.chance(0.3))}


def positions(d: Draft) -> Chosen:
    """An index that is itself a value."""
    places = d.pick("i")
    largest = max(int(values[places].max(initial=0)) for values in d.values)
    smallest = min(int(values[places].min(initial=0)) for values in d.values)
    return (
        d.pick(where=lambda x: x.ndim > 0 and -x.shape[0] <= smallest <= largest < x.shape[0]),
        places,
    ), {}


def product(d: Draft) -> Chosen:
    a = d.pick(where=lambda x: x.ndim > 0)
    shape = d.of(a).shape
    n, new = shape[-1], int(d.one([*d.sizes, 2]))
    if d.chance(0.45):
        pairs = lambda x: x.ndim > 0 and x.shape[-2:][0] == n
        return (a, d.pick(where=pairs)), {}
    if d.chance(0.5):
        batch = shape[:-2] if d.chance(0.3) else ()
        right = (n,) if d.chance(0.25) else (*batch, n, new)
        return (a, d.constant(d.data(right, d.dtype()))), {}
    rows = shape[-2:][0]
    left = (rows,) if d.chance(0.25) else (new, rows)
    return (d.constant(d.data(left, d.dtype())), a), {}


def product_of_value(d: Draft) -> Chosen:
    operands, arguments = product(d)
    if operands[0] in d.constants:  # an array's own method would ask for the Tensor's array
        raise Unfit
    return operands, arguments


def contraction(d: Draft) -> Chosen:
    letters: dict[str, int] = {}
    terms, operands = [], []
    for k in range(int(d.rng.choice([1, 2, 3], p=[0.2, 0.6, 0.2]))):
        name = d.pick(where=lambda x: 0 < x.ndim < 4) if k == 0 or d.chance(0.5) else ""
        if not name:
            chosen = [i for i in letters if d.chance(0.6)]
            shape = [letters[i] if d.chance(0.9) else 1 for i in chosen]
            shape += [int(d.one(d.sizes))] * d.chance(0.4)
            name = d.constant(d.data(tuple(shape), d.dtype()))
        term = ""
        for n in d.of(name).shape:
            known = [i for i, m in letters.items() if m == n and i not in term]
            fresh = next(i for i in "ijklmnopq" if i not in letters and i not in term)
            letter = d.one(known) if known and d.chance(0.8) else fresh
            letters.setdefault(letter, n)
            term += letter
        terms.append(term)
        operands.append(name)
    subscripts = ",".join(terms)
    if d.chance(0.75):
        output = [i for i in letters if d.chance(0.5)]
        subscripts += "->" + "".join(output[int(k)] for k in d.rng.permutation(len(output)))
    return tuple(operands), {"subscripts": repr(subscripts)}


def row(d: Draft) -> Chosen:
    a = d.pick("fffb", where=lambda x: x.ndim > 0)
    shape = d.of(a).shape
    axis = int(d.rng.integers(-len(shape), len(shape)))
    fits = lambda x: (
        x.ndim == len(shape)
        and all(
            m == n
            for k, (m, n) in enumerate(zip(x.shape, shape, strict=True))
            if k != axis % len(shape)
        )
    )
    parts = [a]
    for _ in range(int(d.rng.integers(0, 4))):
        if d.chance(0.7):
            parts.append(d.pick("fffb", fits))
        else:
            new = list(shape)
            new[axis] = int(d.one([1, 2, shape[axis]]))
            parts.append(d.constant(d.data(tuple(new), d.dtype())))
    order = d.rng.permutation(len(parts))
    return tuple(parts[int(k)] for k in order), {"axis": None if d.chance(0.1) else axis}


def pile(d: Draft) -> Chosen:
    a = d.pick()
    shape = d.of(a).shape
    parts = [a]
    for _ in range(int(d.rng.integers(0, 3))):
        alike = d.chance(0.7)
        parts.append(
            d.pick("fffb", lambda x: x.shape == shape)
            if alike
            else d.constant(d.data(shape, d.dtype()))
        )
    return tuple(parts), {"axis": int(d.rng.integers(-len(shape) - 1, len(shape) + 1))}


def cast(d: Draft) -> Chosen:
    x = d.pick("fffbi")
    return (x,), {"dtype": d.one([float, np.float32, np.float64, d.dtype().type, int, bool])}


# PyTorch's side. Where a step only moves entries, or has no gradient, NumPy says where they go and
# what they are; PyTorch does the calculus.

MOVES, CONSTANT = "moves", "constant"


def folded(x: Any, axis: Any) -> tuple[Any, list[int], list[int]]:
    """x with the reduced axes as one, at its end; the axes that stay, and those that go."""
    gone = range(x.ndim) if axis is None else np.atleast_1d(axis)
    gone = sorted(int(k) % max(x.ndim, 1) for k in gone)
    kept = [k for k in range(x.ndim) if k not in gone]
    shape = [x.shape[k] for k in kept]
    return x.permute(kept + gone).reshape(*shape, math.prod(x.shape[k] for k in gone)), kept, gone


def reduced(function: Callable[..., Any]) -> Callable[..., Any]:
    """A reduction of the last axis as one of any axes."""

    def torch_reduction(x: Any, axis: Any, keepdims: bool, **extra: Any) -> Any:
        flat, _, gone = folded(x, axis)
        y = function(flat, **extra)
        shape = [1 if k in gone else n for k, n in enumerate(x.shape)]
        return y.reshape(shape) if keepdims else y

    return torch_reduction


def normalized(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function along the last axis as one along any axes."""

    def torch_normalized(x: Any, axis: Any) -> Any:
        flat, kept, gone = folded(x, axis)
        y = function(flat).reshape([x.shape[k] for k in (*kept, *gone)])
        return y.permute([int(k) for k in np.argsort(kept + gone)])

    return torch_normalized


def t(name: str, *arguments: Any) -> Callable[..., Any]:
    """PyTorch's function of this name, looked up when it is called."""

    def call(*operands: Any, **named: Any) -> Any:
        import torch

        function: Any = torch
        for part in name.split("."):
            function = getattr(function, part)
        return function(*operands, *arguments, **named)

    return call


def torch_dot(a: Any, b: Any) -> Any:
    import torch

    if not a.ndim or not b.ndim:
        return a * b
    return torch.tensordot(a, b, dims=([a.ndim - 1], [max(b.ndim - 2, 0)]))


def torch_clip(x: Any, low: Any, high: Any) -> Any:
    import torch

    # (Given bounds of more axes than x, its gradient fails.)
    bounds = [torch.zeros(()) if b is None else b for b in (low, high)]
    x, *bounds = torch.broadcast_tensors(x, *bounds)
    low, high = (None if b is None else c for b, c in zip((low, high), bounds, strict=True))
    return torch.clamp(x, low, high)


def torch_where(condition: Any, a: Any, b: Any) -> Any:
    import torch

    return torch.where(condition != 0, a, b)


def torch_einsum(*operands: Any, subscripts: str) -> Any:
    import torch

    return torch.einsum(subscripts.strip("'"), *operands)


@dataclass(frozen=True)
class Entry:
    """One kind of step: how it is written (the first way also on arrays), drawn, and judged.

    weight: how often it is drawn. rounds: whether its result, or also what it sums up, is rounded.
    domain: conditions on its operands. gap: distances from where its derivative jumps.
    """

    spellings: tuple[str, ...]
    choose: Callable[[Draft], Chosen]
    torch: Callable[..., Any] | str
    weight: float = 1.0
    rounds: str = ""  # "result" or "inside"
    domain: Callable[..., tuple[Any, ...]] = lambda *_: ()
    gap: Callable[..., Any] | None = None


def _function(name: str, torch: Any = None, **extra: Any) -> Entry:
    """An elementwise function of one argument."""
    method = name in ("exp", "log", "sqrt", "tanh")
    spellings = (f"np.{name}({{0}})", f"{{0}}.{name}()") if method else (f"np.{name}({{0}})",)
    return Entry(spellings, **{"choose": unary, "torch": t(name), "rounds": "result"} | extra)


def _operator(symbol: str, name: str, **extra: Any) -> Entry:
    """An operator, NumPy's function of that meaning, and the operator in place."""
    spellings = (
        f"{{0}} {symbol} {{1}}",
        f"np.{name}({{0}}, {{1}})",
        f"{{y}} = {{0}}; {{y}} {symbol}= {{1}}",
    )
    torch = {"power": "pow"}.get(name, name)
    return Entry(spellings, **{"choose": pair, "torch": t(torch), "rounds": "result"} | extra)


def _reduction(name: str, torch: Any, also: tuple[str, ...] = (), **extra: Any) -> Entry:
    spellings = [
        *(f"np.{n}({{0}}{{options}})" for n in (name, *also)),
        f"{{0}}.{name}({{options}})",
    ]
    extra = {"choose": reduction, "rounds": "inside"} | extra
    return Entry(
        tuple(spellings), torch=torch if isinstance(torch, str) else reduced(torch), **extra
    )


def _moves(*spellings: str, choose: Callable[[Draft], Chosen] = any_kind, **extra: Any) -> Entry:
    return Entry(spellings, choose, MOVES, **extra)


difference = lambda a, b: np.subtract(a, b, dtype=float)
to_extreme = lambda extreme: lambda x, axis, keepdims: extreme(x, axis=axis, keepdims=True) - x

COMPARISONS = dict(
    zip(
        ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"],
        ["==", "!=", "<", "<=", ">", ">="],
        strict=True,
    )
)
LOGIC = {"bitwise_and": "&", "bitwise_or": "|", "bitwise_xor": "^"}
LOGIC |= dict.fromkeys(["logical_and", "logical_or", "logical_xor"], "")

TABLE = {
    # Elementwise
    "add": _operator("+", "add", weight=2),
    "subtract": _operator("-", "subtract", weight=2),
    "multiply": _operator("*", "multiply", weight=3),
    "divide": _operator(
        "/", "divide", choose=quotient, weight=1.5, domain=lambda a, b: (np.all(np.abs(b) > 0.1),)
    ),
    "power": _operator(
        "**",
        "power",
        choose=powers,
        weight=1.5,
        domain=lambda a, b: (np.all(np.abs(b) < 6), np.ndim(b) == 0 or np.all(a > 0.05)),
    ),
    "maximum": Entry(("np.maximum({0}, {1})",), pair, t("maximum"), gap=difference),
    "minimum": Entry(("np.minimum({0}, {1})",), pair, t("minimum"), gap=difference),
    "negative": Entry(("-{0}", "np.negative({0})"), unary, t("neg")),
    "positive": Entry(("+{0}",), unary, MOVES, weight=0.3),
    "absolute": Entry(
        ("np.abs({0})", "abs({0})", "np.absolute({0})"), unary, t("abs"), gap=lambda x: x
    ),
    "exp": _function("exp"),
    "expm1": _function("expm1", weight=0.5),
    "log": _function("log", choose=of_positive),
    "log1p": _function("log1p", choose=of_positive, weight=0.5),
    "sqrt": _function("sqrt", choose=of_positive),
    "square": _function("square"),
    "tanh": _function("tanh", weight=1.5),
    "sin": _function("sin", weight=1.5),
    "cos": _function("cos"),
    "relu": Entry(("ag.relu({0})", "{0}.relu()"), unary, t("relu"), gap=lambda x: x),
    "sigmoid": Entry(("ag.sigmoid({0})", "{0}.sigmoid()"), unary, t("sigmoid"), rounds="result"),
    "softplus": Entry(
        ("ag.softplus({0})",), unary, t("nn.functional.softplus", 1, 100), rounds="result"
    ),
    "cube": Entry(
        ("cube({0}, by={by})",),
        lambda d: ((d.pick(),), {"by": d.one([2.0, 0.5, 1.0])}),
        lambda x, by: by * x * x * x,
        rounds="result",
    ),
    # Choice, comparison
    "where": Entry(("np.where({0}, {1}, {2})",), choice, torch_where, weight=1.5),
    "clip": Entry(
        ("np.clip({0}, {1}, {2})", "{0}.clip({1}, {2})", "np.clip({0}, min={1}, max={2})"),
        bounds,
        torch_clip,
        weight=1.5,
        gap=lambda x, low, high: np.concatenate(
            [np.ravel(difference(x, b)) for b in (low, high) if b is not None]
        ),
    ),
    **{
        name: Entry(
            (f"{{0}} {symbol} {{1}}", f"np.{name}({{0}}, {{1}})"),
            pair,
            CONSTANT,
            weight=0.35,
            gap=difference,
        )
        for name, symbol in COMPARISONS.items()
    },
    **{
        name: Entry(
            (f"np.{name}({{0}}, {{1}})", *([f"{{0}} {symbol} {{1}}"] * bool(symbol))),
            booleans,
            CONSTANT,
            weight=0.25,
        )
        for name, symbol in LOGIC.items()
    },
    "invert": Entry(("~{0}", "np.invert({0})"), one_boolean, CONSTANT, weight=0.25),
    "logical_not": Entry(("np.logical_not({0})",), one_boolean, CONSTANT, weight=0.25),
    **{
        name: Entry((f"np.{name}({{0}})",), unary, CONSTANT, weight=0.25, gap=gap)
        for name, gap in {
            "sign": lambda x: x,
            "floor": lambda x: x - np.rint(x),
            "ceil": lambda x: x - np.rint(x),
            "trunc": lambda x: x - np.rint(x),
            "rint": lambda x: x - np.floor(x) - 0.5,
            **dict.fromkeys(("isnan", "isinf", "isfinite")),
        }.items()
    },
    # Reductions
    "sum": _reduction("sum", lambda x: x.sum(-1), choose=reduction_of_any, weight=2),
    "mean": _reduction("mean", lambda x: x.mean(-1), weight=1.5),
    "max": _reduction(
        "max", lambda x: x.amax(-1), also=("amax",), rounds="", gap=to_extreme(np.max)
    ),
    "min": _reduction(
        "min", lambda x: x.amin(-1), also=("amin",), rounds="", gap=to_extreme(np.min)
    ),
    "var": _reduction("var", lambda x, ddof: x.var(-1, correction=ddof), choose=spread),
    "std": _reduction(
        "std",
        lambda x, ddof: x.std(-1, correction=ddof),
        choose=spread,
        gap=lambda x, axis, keepdims, ddof: np.std(x, axis=axis),
    ),
    "any": _reduction("any", CONSTANT, choose=reduction_of_booleans, weight=0.3),
    "all": _reduction("all", CONSTANT, choose=reduction_of_booleans, weight=0.3),
    "argmax": _reduction("argmax", CONSTANT, choose=position, weight=0.4),
    "argmin": _reduction("argmin", CONSTANT, choose=position, weight=0.4),
    "logsumexp": Entry(
        ("ag.logsumexp({0}{options})",),
        reduction,
        reduced(t("logsumexp", -1)),
        rounds="inside",
        domain=lambda x: (x.size > 0,),
    ),
    "softmax": Entry(
        ("ag.softmax({0}, axis={axis})",), along, normalized(t("softmax", -1)), rounds="inside"
    ),
    "log_softmax": Entry(
        ("ag.log_softmax({0}, axis={axis})",),
        along,
        normalized(t("log_softmax", -1)),
        rounds="inside",
    ),
    # Shape
    "reshape": _moves(
        "np.reshape({0}, {shape})", "{0}.reshape({shape})", choose=new_shape, weight=3
    ),
    "reshape as": _moves("{0}.reshape(np.shape({1}))", choose=same_size, weight=0.5),
    "ravel": _moves("np.ravel({0})", "{0}.ravel()", "{0}.flatten()"),
    "transpose": _moves("{0}.T", "np.transpose({0})", "{0}.transpose()", weight=2.5),
    "permute": _moves(
        "np.transpose({0}, {axes})", "{0}.transpose({axes})", choose=permutation, weight=1.5
    ),
    "matrix transpose": _moves("{0}.mT", "np.matrix_transpose({0})", choose=matrices),
    "swapaxes": _moves("np.swapaxes({0}, {i}, {j})", "{0}.swapaxes({i}, {j})", choose=two_axes),
    "moveaxis": _moves("np.moveaxis({0}, {i}, {j})", choose=two_axes),
    "move axes": _moves("np.moveaxis({0}, {i}, {j})", choose=several_axes, weight=0.5),
    "squeeze": _moves(
        "np.squeeze({0}, axis={axis})", "{0}.squeeze({axis})", choose=ones, weight=1.5
    ),
    "expand_dims": _moves("np.expand_dims({0}, {axis})", choose=new_axes),
    "broadcast_to": _moves("np.broadcast_to({0}, {shape})", choose=wider, weight=1.5),
    "index": _moves("{0}[{index}]", choose=brackets, weight=6),
    "index by a value": _moves("{0}[{1}]", choose=positions, weight=0.6),
    "concatenate": _moves(
        "np.concatenate([{all}], axis={axis})",
        "np.concatenate(({all},), {axis})",
        choose=row,
        weight=2,
    ),
    "stack": _moves("np.stack([{all}], axis={axis})", choose=pile, weight=1.5),
    # Products
    "matmul": Entry(
        ("{0} @ {1}", "np.matmul({0}, {1})", "{y} = {0}; {y} @= {1}"),
        product,
        t("matmul"),
        rounds="inside",
        weight=3,
    ),
    "dot": Entry(("np.dot({0}, {1})",), product, torch_dot, rounds="inside", weight=1.5),
    "method dot": Entry(
        ("{0}.dot({1})",),
        product_of_value,
        torch_dot,
        rounds="inside",
        weight=0.5,
    ),
    "einsum": Entry(
        ("np.einsum({subscripts}, {all})",), contraction, torch_einsum, rounds="inside", weight=3
    ),
    # Types and constants like a value
    "astype": Entry(
        ("{0}.astype({dtype})",),
        cast,
        lambda x, dtype: x,
        rounds="result",
        weight=0.7,
        gap=lambda x, dtype: x - np.rint(x) if dtype in (int, bool) else 0,
    ),
    "ones_like": Entry(("np.ones_like({0})",), unary, CONSTANT, weight=0.2),
    "zeros_like": Entry(("np.zeros_like({0})",), unary, CONSTANT, weight=0.2),
    "size": Entry(
        ("{0} / np.size({0})",), unary, lambda x: x / x.numel(), rounds="result", weight=0.2
    ),
    "ndim": Entry(
        ("{0} * np.ndim({0})",), unary, lambda x: x * x.ndim, rounds="result", weight=0.2
    ),
}
ENTRIES = list(TABLE)
WEIGHTS = np.array([entry.weight for entry in TABLE.values()])
WEIGHTS /= WEIGHTS.sum()
