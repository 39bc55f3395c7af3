"""What the engine says when something does not fit: names, shapes, and what to do next."""

from __future__ import annotations

import dis
import functools
import os
import sys
from collections.abc import Callable
from types import BuiltinFunctionType, CodeType, MethodWrapperType, ModuleType
from typing import Any


class GradientError(AssertionError):
    """A gradient that was checked is wrong. `.report` says where, and by how much."""

    def __init__(self, report: Any) -> None:
        super().__init__(str(report))
        self.report = report


class TracingError(RuntimeError):
    """A value was asked for while only the computation is being recorded."""


class NoMemory(Exception):
    """How an array lies in memory was asked for of what only stands in for one."""


_PACKAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "")


def place(frame: Any = None) -> str:
    """File, line and text of the caller's line outside this package."""
    frame = outside(frame or sys._getframe(1))
    return place_of(frame.f_code.co_filename, frame.f_lineno)


def outside(frame: Any) -> Any:
    """The first frame, from this one on, that is not this package's own."""
    while frame.f_back and is_own(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def is_own(file: str) -> bool:
    """Whether a file of code is this package's own."""
    return os.path.abspath(file).startswith(_PACKAGE)


def place_of(file: str, line: int) -> str:
    """File, line and its text."""
    import linecache

    text = linecache.getline(file, line).strip()
    return f"{file}:{line}" + (f": {text}" if text else "")


def taken_into(frame: Any) -> str | None:
    """What takes a Tensor for a number at this frame's instruction, if it goes on computing.

    `r[0] = t`, `math.exp(t)`, and on an array `r.fill(t)` and `r.__setitem__(0, t)`, do; `float(t)`
    is asked for. None also where the instruction does not tell.
    """
    function = called(frame)
    if function is None:
        name, callee = _instruction(frame.f_code, frame.f_lasti)
        return None if callee else name
    if hasattr(function, "typecode"):  # the class array.array
        return "array.array"
    if not isinstance(function, BuiltinFunctionType | MethodWrapperType):
        return None
    owner, module = function.__self__, (getattr(function, "__module__", None) or "").lstrip("_")
    if owner is None or isinstance(owner, ModuleType):
        known = module.split(".")[0] in ("math", "cmath", "struct", "numpy", "operator")
        known = known and not function.__name__.startswith("is")  # math.isnan: nothing is lost
        return f"{module}.{function.__name__}" if known else None
    if hasattr(owner, "accumulate"):  # a ufunc, as in np.sum(array, initial=t)
        return f"numpy.{getattr(owner, '__name__', '')}.{function.__name__}"
    is_array = hasattr(owner, "__array__") or hasattr(owner, "typecode")
    return f".{function.__name__}" if is_array else None


def called(frame: Any) -> Any:
    """The function that this frame calls; None where its instruction does not tell."""
    _, callee = _instruction(frame.f_code, frame.f_lasti)
    scope = {**frame.f_builtins, **frame.f_globals, **frame.f_locals}
    function = scope.get(callee[0]) if callee else None
    for attribute in callee[1:]:
        function = getattr(function, attribute, None)
    return function


@functools.lru_cache(1024)
def _instruction(code: CodeType, at: int) -> tuple[str | None, tuple[str, ...]]:
    """An item assignment by name, or a call with the dotted name of what is called."""
    # (Where a function in Python is called, `at` is behind the instruction, in what it caches.)
    before = [step for step in dis.get_instructions(code) if step.offset <= at]
    if not before:
        return None, ()
    step = before.pop()
    if step.opname.startswith("STORE_S"):  # STORE_SUBSCR, STORE_SLICE
        return "an item assignment into an array", ()
    start = step.positions and (step.positions.lineno, step.positions.col_offset)
    if not step.opname.startswith("CALL") or not start or None in start:
        return None, ()
    callee = [
        x
        for x in before
        if x.positions
        and (x.positions.lineno, x.positions.col_offset) == start
        and x.opname not in _SILENT
    ]
    loads = all(x.opname.startswith("LOAD_") and isinstance(x.argval, str) for x in callee)
    return ("call", tuple(x.argval for x in callee)) if callee and loads else (None, ())


_SILENT = (
    *("CACHE", "PUSH_NULL", "PRECALL", "NOT_TAKEN", "RESUME", "KW_NAMES"),
    # What f(*a, **k) does with a and k:
    *("BUILD_TUPLE", "BUILD_MAP", "BUILD_CONST_KEY_MAP", "DICT_MERGE", "LOAD_CONST"),
)


def gradient_lost(t: Any, taken: str, frame: Any) -> TypeError:
    """The value of a Tensor that is differentiated would go on without its gradient."""
    module, _, function = taken.partition(".")
    if module in ("math", "cmath") and function in dir(sys.modules["numpy"]):
        instead = f"np.{function}(t)"
    elif "assignment" in taken or taken == ".fill":
        instead = "np.stack or np.concatenate of the Tensors, or np.where,"
    else:
        instead = "the Tensor itself in NumPy's functions (np.exp for math.exp)"
    return TypeError(
        f"{taken} of {described(t)} would lose its gradient, at {place(frame)}\n"
        f"Use {instead} to keep it; t.item() or t.data is the value without a gradient."
    )


def warn(message: str) -> None:
    """Warn at the caller's line outside this package; once for each line and message."""
    import warnings

    frame = outside(sys._getframe(1))
    registry = frame.f_globals.setdefault("__warningregistry__", {})
    warnings.warn_explicit(
        message, UserWarning, frame.f_code.co_filename, frame.f_lineno, registry=registry
    )


def no_value(what: str, instead: str = "use np.where for a choice") -> TracingError:
    """`what` would freeze a value into what is traced."""
    return TracingError(
        f"{what} asks for a Tensor's value while the computation is being traced, at {place()}\n"
        f"What depends on it would be frozen at this value: {instead}, "
        "or take this line out of the traced function."
    )


def side_effect(
    what: str,
    instead: str = "gradients come from ag.gradients(J, [W]) or ag.value_and_grad",
) -> TracingError:
    """`what` changes something in place while the computation is being traced."""
    return TracingError(
        f"{what} changes a Tensor in place, which tracing cannot repeat, at {place()}\n"
        f"Return new values instead; {instead}."
    )


def refuse_masks(x: Any, what: str) -> None:
    """Raise ValueError for a masked array, or rows of them: NumPy drops the mask without a word.

    >>> import numpy as np
    >>> refuse_masks(np.ma.array([1.0, 2.0], mask=[0, 1]), "X")
    Traceback (most recent call last):
    ValueError: X is a masked array (np.ma), and its mask would be lost. Say what is to stand ...
    """
    if isinstance(x, list | tuple):
        for row in x:
            refuse_masks(row, what)
    elif hasattr(x, "filled") and hasattr(x, "mask"):  # (numpy.ma itself is loaded when used)
        raise ValueError(
            f"{what} is a masked array (np.ma), and its mask would be lost. Say what is to stand "
            "there: .filled(0.0), or .data for what is under the mask"
        )


def described(x: Any) -> str:
    """`W2 (3, 4)`, or `(3, 4)` for a tensor without a name, or the number itself."""
    shape = getattr(x, "shape", None)
    if shape is None:
        return repr(x)
    return f"{x.name} {shape}" if getattr(x, "name", None) else f"{shape}"


def kind_of(x: Any) -> str:
    """What something is by its type.

    >>> kind_of(3), kind_of([])
    ('an int', 'a list')
    """
    name = type(x).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def not_a_name(name: Any) -> TypeError:
    """A name that could not be printed."""
    return TypeError(f"a Tensor's name is a string, not {type(name).__name__}: name={name!r}")


SYMBOLS = {
    "add": "+",
    "subtract": "-",
    "multiply": "*",
    "divide": "/",
    "dot": "@",
    "matmul": "@",
    "power": "**",
    "less": "<",
    "less_equal": "<=",
    "greater": ">",
    "greater_equal": ">=",
    "equal": "==",
    "not_equal": "!=",
}


def operation_error(op: Callable[..., Any], inputs: Any, error: Exception) -> Exception:
    """The error of a NumPy call, with the tensors' names and shapes, and a likely fix."""
    name = op.__name__
    if name not in SYMBOLS or len(inputs) != 2:
        shown = ", ".join(described(x) for x in inputs)
        return type(error)(f"{name}({shown}): {error}")
    a, b = inputs
    shown = f"{described(a)} {SYMBOLS[name]} {described(b)}"
    p, q = getattr(a, "shape", ()), getattr(b, "shape", ())
    if name in ("dot", "matmul"):
        if not p or not q:
            return type(error)(
                f"{shown}: a matrix product needs at least one dimension on each side"
            )
        if len(p) > 1 and len(q) > 1:
            if p[-1] != q[-2]:
                return ValueError(f"{shown}: {p[-1]} ≠ {q[-2]}.{_product_that_fits(a, b)}")
            return ValueError(f"{shown}: the batch shapes {p[:-2]} and {q[:-2]} do not broadcast")
        return ValueError(f"{shown}: {p[-1]} ≠ {q[-2] if len(q) > 1 else q[0]}")
    if isinstance(error, ValueError) and p and q and p != q:
        reason = "the shapes do not broadcast"
        for back, (m, n) in enumerate(zip(reversed(p), reversed(q), strict=False), 1):
            if m != n and 1 not in (m, n):
                reason = f"{m} ≠ {n} along axis {max(len(p), len(q)) - back}"
                break
        return ValueError(f"{shown}: {reason}.{_transpose_that_fits(a, b)}")
    return type(error)(f"{shown}: {error}")


def _name_or(x: Any, otherwise: str) -> str:
    return getattr(x, "name", None) or otherwise


def _product_that_fits(a: Any, b: Any) -> str:
    (m, n), (p, q) = a.shape[-2:], b.shape[-2:]
    left, right = _name_or(a, "a"), _name_or(b, "b")
    for fits, text in (
        (m == p, f"{left}.mT @ {right}" if a.ndim > 2 else f"{left}.T @ {right}"),
        (n == q, f"{left} @ {right}.mT" if b.ndim > 2 else f"{left} @ {right}.T"),
        (q == m, f"{right} @ {left}"),
    ):
        if fits:
            return f" {text} would fit"
    return ""


def _transpose_that_fits(a: Any, b: Any) -> str:
    for x, other, otherwise in ((b, a, "b"), (a, b, "a")):
        flipped = x.shape[::-1]
        if len(flipped) == 2 and all(
            m == n or 1 in (m, n)
            for m, n in zip(reversed(flipped), reversed(other.shape), strict=False)
        ):
            return f" {_name_or(x, otherwise)}.T {flipped} would fit"
    return ""
