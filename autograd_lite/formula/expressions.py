"""One formula, without a note around it: from its text to an expression with shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from autograd_lite.algebra.tree import Expression, symbols
from autograd_lite.formula.elaboration import Elaborator
from autograd_lite.formula.naming import Key
from autograd_lite.formula.passages import note_of
from autograd_lite.formula.plan import planned
from autograd_lite.formula.shapes import settled
from autograd_lite.formula.statements import read
from autograd_lite.formula.world import SizeDrawing, Unfit, World

RESULT = "result"


@dataclass(frozen=True)
class FormulaRead:
    """A formula as an expression, for one drawing of sizes.

    expression: with numbers for sizes. shapes: rows and columns of each letter, and those of the
    formula under "", as letters or numbers. world: gives the value of each symbol, as a Tensor on
    one tape (`world.value`), and the names and sizes of the drawing.
    """

    expression: Expression
    shapes: dict[str, tuple[str, str]]
    world: World


def read_formula(
    text: str, shapes: Mapping[str, Sequence[str | int]] | None = None, rng: int = 0
) -> FormulaRead:
    """Read a formula, in plain text or LaTeX; shapes that are not given follow from it.

    shapes: of letters, as in {"X": ("m", "n"), "y": ("m",), "s": ()}. Raises FormulaError where
    the text cannot be read, NotConforming where shapes do not fit, Undefined for a sum without a
    range and its like.

    >>> found = read_formula("xᵀ A x")
    >>> found.shapes
    {'x': ('p', '1'), 'A': ('p', 'p'), '': ('1', '1')}
    >>> read_formula("A (X w)", {"X": ("m", "n")}).shapes["w"]
    ('n', '1')
    """
    latex = "\\" in text
    lines = [f"{name} ∈ ℝ^{{{'×'.join(map(str, s)) or '1'}}}" for name, s in (shapes or {}).items()]
    lines.append(f"{RESULT} = {text}")
    whole = "\n\n".join(f"${line}$" for line in lines) if latex else "\n".join(lines)
    plan = planned(read(note_of(whole, "formula", ".tex" if latex else ".txt")))
    if plan.unread:
        raise plan.unread[0]
    generator = np.random.default_rng(rng)
    world = World(plan, SizeDrawing(3, 3, "different", generator), Elaborator)
    try:
        entry = world.find(Key(RESULT))
    except Unfit as error:
        raise error.of from None
    world.close()
    if entry is None or entry.meaning is None:
        raise ValueError(f"{text!r} is no formula")
    used = {s.number for s in symbols(entry.meaning) if s.kind == "value"}
    named = {e.symbol.label: e.symbol.shape for e in world.by_number if e.symbol.number in used}
    found = {name: _as_text(shape) for name, shape in named.items()}
    return FormulaRead(settled(entry.meaning), found | {"": _as_text(entry.symbol.shape)}, world)


def _as_text(shape: tuple[object, ...]) -> tuple[str, str]:
    rows, columns = (*map(str, shape), "1", "1")[:2]
    return rows, columns
