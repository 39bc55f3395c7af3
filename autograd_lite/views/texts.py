"""Short texts for a step of a tape: its name, formula and settings, on one printable line each.

The table and the picture take their words from here, so that a step reads the same in both.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite import errors
from autograd_lite.algebra.notation import LATEX, TEXT
from autograd_lite.algebra.reading import Reader, is_constant
from autograd_lite.algebra.tree import Symbol
from autograd_lite.graph import Step
from autograd_lite.rules import Slot


def step_formula(step: Step, latex: bool = False) -> str:
    """What a step computes, written with its inputs' names.

    An input without a name is written out if its own inputs have names, else as its number, `%3`.
    """

    def nameless(x: Any) -> bool:
        return isinstance(x, Step) and x.label is None and not is_constant(x)

    def symbol(s: Step) -> Symbol | None:
        written_out = s.op is not None and not any(map(nameless, s.inputs))
        return None if (nameless(s) and written_out) or is_constant(s) else step_symbol(s)

    return (LATEX if latex else TEXT)(Reader(symbol)(step) if step.op else step_symbol(step))


def name_or_formula(step: Step, latex: bool = False) -> str:
    """The name of a step, or what it computes."""
    if step.label is None:
        return step_formula(step, latex)
    return (LATEX if latex else TEXT)(step_symbol(step))


def step_symbol(step: Step) -> Symbol:
    """A step as one symbol of a formula: its name, or its number."""
    return Symbol("value", step.label or f"%{step.number}", step.number, step.shape)


def short_name(x: Any) -> str:
    """An input as it stands inside an operation: a number, a name, or `·` for a nameless result."""
    if not isinstance(x, Step):
        return number_text(x)
    return clean(x.label, 12) if x.label else "·"


def operation_lines(s: Step) -> list[str]:
    """The lines of an operation's node: `W1 @ X`, `+`, `2 * ·`, `tanh`, `sum axis=(0,)`."""
    numbers = any(not isinstance(x, Step) for x in s.inputs)
    symbol = errors.SYMBOLS.get(s.name)
    if symbol and len(s.inputs) == 2:
        if s.name in ("add", "multiply") and not numbers:
            return [symbol]
        return [f"{short_name(s.inputs[0])} {symbol} {short_name(s.inputs[1])}"]
    name = clean(s.name)
    if numbers or (2 < len(s.inputs) <= 4 and any(x.label for x in s.inputs)):
        name = f"{name}({', '.join(short_name(x) for x in s.inputs)})"
    return [name, *settings(s)]


def settings(step: Step) -> list[str]:
    """The static arguments that the shapes alone do not show, such as `axis=(0,)`."""
    ndim = step.inputs[0].value.ndim if step.inputs and isinstance(step.inputs[0], Step) else 0
    shown = []
    for key, value in step.static.items():
        every_axis = key in ("axis", "axes") and np.size(value) == ndim <= 2
        if not (key in ("keepdims", "shape") or every_axis):
            shown.append(f"{key}={setting_text(value)}")
    return shown


def setting_text(value: Any) -> str:
    """A static argument as text without memory addresses, so that it is the same in every run."""
    if isinstance(value, tuple):
        inside = ", ".join(map(setting_text, value))
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if isinstance(value, slice):
        parts = ("" if v is None else setting_text(v) for v in (value.start, value.stop))
        return ":".join(parts) + ("" if value.step is None else f":{setting_text(value.step)}")
    if isinstance(value, np.ndarray):
        return short(value)
    if isinstance(value, Slot):  # an index that is an input
        return "·"
    if value is None or value is Ellipsis or isinstance(value, bool | int | float | str | np.dtype):
        return clean(str(value) if not isinstance(value, str) else repr(value))
    return f"<{type(value).__name__}>"


def number_text(x: Any, digits: int = 4) -> str:
    """A number with at most `digits` significant digits, `1`, `0.1234` or `1.234e-05`; no -0."""
    return f"{x + 0.0:.{digits}g}" if isinstance(x, float | np.floating) else str(x)


def short(array: np.ndarray, most: int = 4, digits: int = 4) -> str:
    """The elements in order; only the first three if there are more than `most`.

    >>> short(np.array(0.5)), short(np.eye(2)), short(np.arange(9.0) / 7)
    ('0.5', '[1, 0, 0, 1]', '[0, 0.1429, 0.2857, …]')
    """
    if array.ndim == 0:
        return number_text(array[()], digits)
    first = array.flat if array.size <= most else array.flat[:3]
    shown = [number_text(x, digits) for x in first]
    return "[" + ", ".join(shown if array.size <= most else [*shown, "…"]) + "]"


def clean(text: Any, longest: int = 40) -> str:
    """The text on one line, in printable characters, cut to the length `longest`."""
    one = " ".join(str(text)[: 8 * longest].split())
    one = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in one)
    return one if len(one) <= longest else one[: longest - 1] + "…"
