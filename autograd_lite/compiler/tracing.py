"""One run of a function that is to be compiled, on stand-ins for its arrays, recorded.

Only what is constant needs its values, so everything that depends on an argument is an array of
which only shape and dtype are known. That costs no time for arithmetic and no memory.
"""

from __future__ import annotations

import dis
import functools
import inspect
import math
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite import errors, rules
from autograd_lite.errors import TracingError
from autograd_lite.tensor import Tensor, _state, constant, next_order, tracing
from autograd_lite.transforms import flatten, unflatten
from autograd_lite.walk import reachable


class NoValue(TypeError):
    """A value was asked for of what only stands in for an array."""


class StandIn(np.ndarray):
    """An array of a shape and a dtype whose entries mean nothing: all are one and the same."""

    stands_in = True

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        elementwise = method == "__call__" and ufunc.signature is None and ufunc.nout == 1
        if not elementwise or kwargs:
            return _stand_ins(getattr(ufunc, method)(*_as_arrays(inputs), **_as_arrays(kwargs)))
        arrays = [x if isinstance(x, np.ndarray) else np.asarray(x) for x in inputs]
        kinds = [
            type(x) if type(x) in (int, float) else a.dtype
            for x, a in zip(inputs, arrays, strict=True)
        ]
        shapes = {a.shape for a in arrays}
        shape = shapes.pop() if len(shapes) == 1 else np.broadcast_shapes(*shapes)
        return stand_in(shape, ufunc.resolve_dtypes((*kinds, None))[-1])

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function is np.dot:
            a, b = args
            if a.ndim == b.ndim == 2 and a.shape[1] == b.shape[0]:
                return stand_in((a.shape[0], b.shape[1]), np.promote_types(a.dtype, b.dtype))
        return _stand_ins(function(*_as_arrays(args), **_as_arrays(kwargs)))

    def __getitem__(self, index: Any) -> Any:
        return _stand_ins(_as_arrays(self)[_as_arrays(index)])

    def dot(self, other: Any, out: Any = None) -> Any:
        """As np.dot."""
        return np.dot(self, other)

    def astype(self, dtype: Any, *_: Any, **__: Any) -> Any:
        """As NumPy's."""
        return stand_in(self.shape, np.dtype(dtype))

    def copy(self, order: Any = "C") -> Any:
        """An array that may be written to, and does not look like a value."""
        return np.full(self.shape, math.nan if self.dtype.kind == "f" else 0, self.dtype)

    def _no_value(self, *_: Any, **__: Any) -> Any:
        raise NoValue(
            "this was recorded while a function was compiled, and never computed: "
            "a compiled function hands out values only by returning them"
        )

    __bool__ = __int__ = __float__ = __index__ = item = tolist = _no_value

    def __repr__(self) -> str:
        return f"<stands in for {self.shape} {self.dtype}>"

    __str__ = __repr__


def stand_in(shape: tuple[int, ...], dtype: np.dtype) -> StandIn:
    """A stand-in for an array of this shape and dtype."""
    return np.ndarray.__new__(StandIn, shape, dtype, _one(dtype), 0, (0,) * len(shape))


@functools.cache
def _one(dtype: np.dtype) -> np.ndarray:
    one = np.ones((), dtype)
    one.flags.writeable = False
    return one


def _as_arrays(tree: Any) -> Any:
    """Arrays of NumPy's own type for stand-ins, also within tuples and lists."""
    if isinstance(tree, StandIn):
        return tree.view(np.ndarray)
    if type(tree) in (tuple, list):
        return type(tree)(_as_arrays(x) for x in tree)
    return {k: _as_arrays(x) for k, x in tree.items()} if type(tree) is dict else tree


def _stand_ins(result: Any) -> Any:
    if isinstance(result, np.ndarray | np.generic):
        return stand_in(result.shape, result.dtype)
    if isinstance(result, bool):  # np.array_equal and its kin
        raise NoValue("the values of arrays cannot be compared while a function is traced")
    return type(result)(map(_stand_ins, result)) if type(result) in (tuple, list) else result


Check = Callable[..., Any]
Guard = tuple[Check, tuple[Tensor, ...]]


def guard(check: Check, *tensors: Any) -> None:
    """Call `check(*arrays)` with the values of these, now and wherever this is compiled.

    check: a function of arrays that raises if they are wrong. It must neither keep nor change
    them. tensors: Tensors, arrays or numbers. A compiled function calls check as soon as the
    values are known; where only the computation is recorded, nothing is checked.

    >>> def check_positive(A):
    ...     if A.min() <= 0:
    ...         raise ValueError("log needs positive numbers")
    >>> def f(x):
    ...     guard(check_positive, x)
    ...     return np.log(x)
    >>> f(Tensor([-1.0]))
    Traceback (most recent call last):
    ValueError: log needs positive numbers
    """
    if not _state.tracing:
        check(*[x.data if type(x) is Tensor else np.asarray(x) for x in tensors])
    elif _state.guards is not None:
        of_operation = StandIn if _state.stand_ins else np.ndarray  # which is given arrays
        if any(isinstance(x, of_operation) for x in tensors):
            raise TracingError(
                f"guard({name_of(check)}, ...) within an operation of one's own cannot be "
                f"compiled, at {errors.place()}\nCall guard before the operation, with its Tensors."
            )
        _state.guards.append((check, tuple(constant(x) for x in tensors)))


@dataclass(slots=True)
class Trace:
    """One run of f on Tensors: what it was given, returned and guarded, whose gradient is what."""

    start: int
    arguments: list[Any]
    result: Any
    gradient_of: dict[int, Tensor]
    guards: list[Guard]

    def results(self) -> list[Tensor]:
        """The Tensors in what f returned."""
        return [x for x in flatten(self.result) if type(x) is Tensor]

    def tensors(self) -> list[Tensor]:
        """What was recorded for the result and for the guards, in order."""
        roots = [*self.results(), *(t for _, guarded in self.guards for t in guarded)]
        return reachable(roots, lambda x: x._order >= self.start)

    def differentiated_by(self) -> set[int]:
        """The orders of what f itself takes gradients with respect to."""
        found: set[int] = set()
        for t in self.gradient_of.values():
            while t._op is rules.identity:  # a transform's own variable
                (t,) = t._inputs
            found.add(t._order)
        return found


def trace(
    f: Callable[..., Any], args: Any, kwargs: Any, names: list[str], floats_vary: bool
) -> Trace:
    """Run f on Tensors in the place of arrays (and, if they vary, of floats), and once more.

    names: what the arguments are called, in order. Raises TracingError where f asks for a value,
    or where the two runs differ in something that would be constant. Within `with_stand_ins(True)`
    it raises other errors where values are needed, or how they lie in memory.
    """

    def run() -> Trace:
        return _run(f, args, kwargs, names, floats_vary)

    a, b = run(), run()
    different = _difference(a, b)
    if different is False:
        return b
    where = _line_of(different._order, run, b.start) if isinstance(different, Tensor) else ""
    raise TracingError(
        f"two runs of {name_of(f)} with the same arguments recorded different values{where}\n"
        "Compiled, they would be frozen. Draw random numbers outside and pass them as an argument."
    )


def _run(
    f: Callable[..., Any],
    args: Any,
    kwargs: Any,
    names: list[str],
    floats_vary: bool,
) -> Trace:
    gradient_of: dict[int, Tensor] = {}
    guards: list[Guard] = []
    start = next_order()
    arguments: list[Any] = []
    leaves = flatten((args, kwargs))
    for leaf, name in zip(leaves, names, strict=True):
        array = leaf._data if type(leaf) is Tensor else leaf
        if type(leaf) is float and floats_vary:
            array = np.array(leaf, precision(leaves))
        if isinstance(array, np.ndarray):
            if array.dtype.kind not in "fiub":
                raise TypeError(f"{name}: compiled code takes real numbers, not {array.dtype}")
            t = Tensor(0.0 if _state.stand_ins else array, name=getattr(leaf, "name", None) or name)
            t._needs = type(leaf) is Tensor and leaf._needs
            if _state.stand_ins:
                t._data = stand_in(array.shape, array.dtype)
            leaf = t
        arguments.append(leaf)
    args, kwargs = unflatten((args, kwargs), iter(arguments))
    with tracing(gradient_of, guards), np.errstate(all="ignore"):
        result = f(*args, **kwargs)
    for x in flatten(result):
        if not isinstance(x, Tensor | np.ndarray | np.generic | int | float | str | None):
            raise TypeError(
                f"{name_of(f)} returns a {type(x).__name__}; a compiled function returns arrays, "
                "numbers, or lists, tuples and dicts of them"
            )
    return Trace(start, arguments, result, gradient_of, guards)


def precision(leaves: list[Any]) -> np.dtype:
    """The float dtype of the arrays; float64 without any or with several."""
    dtypes = {x.dtype for x in leaves if isinstance(x, np.ndarray | Tensor) and x.dtype.kind == "f"}
    return dtypes.pop() if len(dtypes) == 1 else np.dtype(float)


def name_of(f: Any) -> str:
    """The name of a function."""
    return getattr(f, "__name__", type(f).__name__)


def _difference(a: Trace, b: Trace) -> Tensor | bool | None:
    """The first tensor of b that is not what it was in a; False if the traces agree."""
    place: dict[int, int] = {}
    one, two = a.tensors(), b.tensors()
    for k, (t, u) in enumerate(zip(one, two, strict=False)):
        place[t._order] = place[u._order] = k
        if t is not u and not _same_step(t, u, a.start, place):
            return u
    if len(one) != len(two) or _constants(a.result) != _constants(b.result):
        return None
    if _guarded(a, place) != _guarded(b, place):
        return None
    return False


def _guarded(trace: Trace, place: dict[int, int]) -> list[Any]:
    """The guards of a trace as something to compare: each check, and the places of its tensors."""
    return [
        (_identity(check), [place.get(t._order, t._order) for t in tensors])
        for check, tensors in trace.guards
    ]


def _identity(check: Check) -> Any:
    """What a check is; a function that each run defines anew is its code and what it captured."""
    if isinstance(check, functools.partial):
        return _identity(check.func), frozen(check.args), frozen(check.keywords)
    if inspect.isfunction(check):
        captured = [cell.cell_contents for cell in check.__closure__ or ()]
        return check.__code__, frozen([captured, check.__defaults__, check.__kwdefaults__])
    return check


def _same_step(t: Tensor, u: Tensor, start: int, place: dict[int, int]) -> bool:
    """Whether two tensors of two traces were made alike."""
    if getattr(t._op, "__name__", "") != getattr(u._op, "__name__", ""):
        return False
    if t._op is None:
        return isinstance(t._data, StandIn) or (t._order >= start and _equal(t._data, u._data))
    if len(t._inputs) != len(u._inputs) or frozen(t._static) != frozen(u._static):
        return False
    for x, y in zip(t._inputs, u._inputs, strict=True):
        if type(x) is not type(y):
            return False
        if type(x) is not Tensor:
            if not _equal(np.asarray(x), np.asarray(y)):
                return False
        elif x is not y and place.get(x._order, -1) != place.get(y._order, -2):
            return False
    return True


def _equal(a: np.ndarray, b: np.ndarray) -> bool:
    return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=True)


def _constants(result: Any) -> Any:
    leaves = [None if type(x) is Tensor else frozen(x) for x in flatten(result)]
    return leaves, repr(unflatten(result, iter(["" for _ in leaves])))


def frozen(static: Any) -> Any:
    """Static arguments as something that can be compared and hashed."""
    if type(static) is float:
        return float, static.hex()  # 0.0 and -0.0 are two numbers, and nan is itself
    if isinstance(static, dict):
        return tuple((key, frozen(value)) for key, value in static.items())
    if isinstance(static, tuple | list):
        return tuple(frozen(value) for value in static)
    if isinstance(static, slice):
        return ("slice", static.start, static.stop, static.step)
    if isinstance(static, np.ndarray):
        return (static.dtype, static.shape, static.tobytes())
    try:
        hash(static)
    except TypeError:
        return ("object", id(static))
    return (type(static), static)


# What f reads from around it

FUNCTIONS = types.FunctionType | types.MethodType | functools.partial


@dataclass(frozen=True, slots=True)
class Read:
    """A variable or an attribute that a function reads, and what it is at present.

    It is kept in a cell of a closure, or under its name in a dict: a module's, or an object's.
    """

    name: str
    holder: Any
    value: Any

    @property
    def in_cell(self) -> bool:
        """Whether the holder is a cell."""
        return isinstance(self.holder, types.CellType)


@functools.lru_cache(maxsize=1024)
def _loads(code: types.CodeType, method: bool) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """The variables from outside that code reads: (kind, name, attributes read from it) each.

    The kinds are "cell", "global" and, of a method, "self".
    """
    found: dict[tuple[str, str, tuple[str, ...]], None] = {}
    loads = {"LOAD_DEREF": "cell", "LOAD_CLASSDEREF": "cell", "LOAD_GLOBAL": "global"}
    source: tuple[str, str] | None = None
    attributes: list[str] = []

    def note() -> None:
        if source is not None:
            found[(*source, tuple(attributes))] = None

    for instruction in dis.get_instructions(code):
        opname, value = instruction.opname, instruction.argval
        if source is not None and opname in ("LOAD_ATTR", "LOAD_METHOD"):
            attributes.append(value)
            continue
        note()
        source, attributes = None, []
        last = value[-1] if isinstance(value, tuple) and value else value
        if opname in loads and (loads[opname] == "global" or value in code.co_freevars):
            source = loads[opname], value
        elif method and opname.startswith("LOAD_FAST") and last == code.co_varnames[0]:
            source = "self", last
    note()
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            for kind, name, attributes_ in _loads(inner, False):
                if kind == "global" or name in code.co_freevars:
                    found[kind, name, attributes_] = None
    return tuple(found)


def surroundings(f: Any) -> Iterable[Read]:
    """What f, and functions that it was given or finds in its own module, read from outside.

    Variables of enclosing functions and of the module, and attributes read straight from them.
    Modules and classes are not among them.
    """
    reads: dict[tuple[int, str], Read] = {}
    seen: set[int] = set()
    stack = [f]

    def note(name: str, holder: Any, value: Any, reader: types.FunctionType) -> None:
        """Remember what is read; a function is read itself."""
        if not isinstance(value, types.ModuleType | type) and not _is_engines(reader):
            reads[id(holder), name] = Read(name, holder, value)
        handed = _is_engines(reader) or (
            isinstance(holder, types.CellType) and isinstance(value, FUNCTIONS)
        )
        if callable(value) and (handed or _package(value) == _package(reader)):
            stack.append(value)

    while stack:
        g = stack.pop()
        if id(g) in seen:
            continue
        seen.add(id(g))
        if isinstance(g, functools.partial):
            stack += [g.func, *g.args, *g.keywords.values()]
        for function, itself in _functions(g):
            for read in _reads(function, itself):
                note(*read, function)
    return reads.values()


def _functions(g: Any) -> Iterator[tuple[types.FunctionType, Any]]:
    """The Python functions that run when g is called, with what they are methods of."""
    itself = None
    if isinstance(g, types.MethodType):
        g, itself = g.__func__, g.__self__
    elif not isinstance(g, types.FunctionType):
        g, itself = type(g).__call__, g
    for _ in range(100):  # a wrapper may hold on to itself
        if isinstance(g, types.FunctionType):
            yield g, itself
        g = getattr(g, "__wrapped__", None)
        if g is None:
            return


def _reads(function: types.FunctionType, itself: Any) -> Iterator[tuple[str, Any, Any]]:
    """(name, holder, value) of what one function reads."""
    code = function.__code__
    cells = dict(zip(code.co_freevars, function.__closure__ or (), strict=True))
    method = itself is not None and code.co_argcount > 0
    for kind, name, attributes in _loads(code, method):
        if kind == "cell":
            try:
                value = cells[name].cell_contents
            except ValueError:  # nothing is in it yet
                continue
            yield name, cells[name], value
        elif kind == "self":
            value = itself
        elif name in function.__globals__ and not _is_engines(function):
            value = function.__globals__[name]
            yield name, function.__globals__, value
        else:
            continue
        for attribute in attributes:
            holder = getattr(value, "__dict__", None)
            if type(holder) is not dict or attribute not in holder or _is_engines(function):
                break
            value = holder[attribute]
            if callable(value) and not isinstance(value, Tensor):
                break  # what is called, not what is read
            yield attribute, holder, value


def _is_engines(function: types.FunctionType) -> bool:
    return _package(function) == "autograd_lite"


def _package(g: Any) -> str | None:
    """The top-level package that a Python function, or the class of an object, was written in."""
    for function, _ in _functions(g):
        return str(function.__globals__.get("__name__", "")).partition(".")[0]
    return None


def _line_of(order: int, run: Callable[[], Trace], start: int) -> str:
    """The line that records the tensor with this order, in a trace that begins at `start`."""
    found: list[str] = []

    def watch(frame: Any, event: str, value: Any) -> None:
        if event != "return" or found:
            return
        if frame.f_code is Tensor.__init__.__code__:
            value = frame.f_locals["self"]
        if type(value) is Tensor and value._order == again:
            found.append(errors.place(frame))

    again = next_order() + 1 + order - start
    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        run()
    finally:
        sys.setprofile(before)
    return f", at {found[0]}" if found else ""
