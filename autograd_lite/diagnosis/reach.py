"""What the edits of a statement may use: the variables before it, and what stands around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from autograd_lite.diagnosis.edits import BINARY, Expr, Scope
from autograd_lite.diagnosis.own_code import OwnCode, Statement
from autograd_lite.diagnosis.python_source import read_python, write_python
from autograd_lite.diagnosis.watching import TooLong, limited

PIECES = (*BINARY, "negative", "transpose", "compare", "call", "index")
MOST_NAMES, MOST_PIECES, MOST_COUNTS = 40, 60, 6


class Reach:
    """The variables, counts and expressions in reach of a statement.

    variables: their values before it. any_name: whether any of them may be meant by a name,
    because the statement raised an error; otherwise those of the same shape.
    """

    def __init__(
        self, code: OwnCode, statement: Statement, variables: Mapping[str, Any], any_name: bool
    ) -> None:
        self.code, self.statement, self.any_name = code, statement, any_name
        names = code.functions[statement.function].__globals__
        self.variables = {**names, **variables}
        self.shapes = {
            name: _kind_of_variable(v) for name, v in variables.items() if _is_numeric(v)
        }
        self.names = [Expr("name", label=name) for name in self.shapes][:MOST_NAMES]
        self._dimensions: dict[Expr, int | None] = {}

    def scope(self) -> Scope:
        """As the table of edits asks for it."""
        axes = [(name, k) for name, (shape, _) in self.shapes.items() for k in range(len(shape))]
        counts = [read_python(f"{name}.shape[{k}]") for name, k in axes[:MOST_COUNTS]]
        pieces = self._pieces()
        return Scope(write_python, self.names, counts, pieces, self.alike, self.dimensions)

    def alike(self, name: Expr) -> list[Expr]:
        """The variables that may stand for one; of `x.shape`, each with the same attribute."""
        base, dot, attribute = name.label.partition(".")
        if dot:
            others = self.alike(Expr("name", label=base))
            return [Expr("name", label=f"{other.label}.{attribute}") for other in others]
        if self.any_name:
            return self.names
        like = self.shapes.get(base)
        return [other for other in self.names if like and self.shapes[other.label] == like]

    def dimensions(self, e: Expr) -> int | None:
        """How many axes the value of an expression has; None if it cannot be computed."""
        if e not in self._dimensions:
            try:
                with limited():
                    value = eval(f"({write_python(e)})", dict(self.variables))
                self._dimensions[e] = np.ndim(value)
            except (Exception, TooLong):
                self._dimensions[e] = None
        return self._dimensions[e]

    def _pieces(self) -> list[Expr]:
        """Expressions of the same function, those of near statements first."""
        mine = [s for s in self.code.statements if s.function == self.statement.function]
        mine.sort(key=lambda s: abs(s.number - self.statement.number))
        parts = (part for s in mine for part in s.expr.parts() if part.kind in PIECES)
        return list(dict.fromkeys(parts))[:MOST_PIECES]


def _is_numeric(value: Any) -> bool:
    return isinstance(value, np.ndarray | float | int) and not isinstance(value, bool)


def _kind_of_variable(value: Any) -> tuple[tuple[int, ...], bool]:
    """What variables that may be taken for each other have in common."""
    return np.shape(value), isinstance(value, int)
