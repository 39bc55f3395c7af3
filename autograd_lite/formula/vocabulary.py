"""Functions that formulas know by name, functions that a note leaves open, and derivatives of both.

A function is one operation of the tree: it has a `__name__`, under which it is printed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_lite import rules
from autograd_lite.tensor import Tensor
from autograd_lite.walk import pull, seed

ELEMENTWISE: dict[str, Callable[..., Any]] = {
    "exp": np.exp,
    "log": np.log,
    "ln": np.log,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "tanh": np.tanh,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "arctan": np.arctan,
    "log2": np.log2,
    "σ": rules.sigmoid,
    "sigmoid": rules.sigmoid,
    "softplus": rules.softplus,
    "relu": rules.relu,
    "ReLU": rules.relu,
    "abs": np.absolute,
    "sqrt": np.sqrt,
    "sign": np.sign,
    "sgn": np.sign,
    "square": np.square,
    "arcsin": np.arcsin,
    "arccos": np.arccos,
}


def matrix_trace(x: Any) -> Any:
    """The sum of the diagonal."""
    return np.trace(x, axis1=-2, axis2=-1)


def logdet(x: Any) -> Any:
    """The logarithm of the absolute value of the determinant."""
    return np.linalg.slogdet(x)[1]


def diag(x: Any) -> Any:
    """The matrix with these numbers on its diagonal, or the diagonal of a matrix as a column."""
    rows, columns = np.shape(x)[-2:]
    if 1 in (rows, columns):
        column = x if columns == 1 else np.matrix_transpose(x)
        return column * np.eye(rows * columns)
    return np.diagonal(x, axis1=-2, axis2=-1)[..., None]


def vec(x: Any) -> Any:
    """The columns of a matrix below each other."""
    rows, columns = np.shape(x)[-2:]
    return np.reshape(np.matrix_transpose(x), (*np.shape(x)[:-2], rows * columns, 1))


class SlopeOf:
    """The derivative of a function of one number, or the n-th, element by element.

    >>> SlopeOf(np.sin, 2)(np.array([1.0])).round(4), SlopeOf(np.sin).__name__
    (array([-0.8415]), 'sin′')
    """

    def __init__(self, f: Callable[..., Any], order: int = 1, name: str = "") -> None:
        self.f, self.order = f, order
        self.__name__ = (name or _called(f)) + "′" * order

    def __call__(self, x: Any) -> Any:
        at = x if isinstance(x, Tensor) and x.requires_grad else None
        t: Any = Tensor(np.asarray(getattr(x, "data", x), dtype=float), requires_grad=True)
        t = at if at is not None else t
        y: Any = self.f(t)
        for _ in range(self.order):
            if not isinstance(y, Tensor) or not y.requires_grad:
                return np.zeros(np.shape(x))
            ones = np.ones(y.shape)
            y = pull(y, [t], seed(y, ones, True), True)[0]
        return y if at is not None else getattr(y, "data", y)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SlopeOf) and (self.f, self.order) == (other.f, other.order)

    def __hash__(self) -> int:
        return hash((self.f, self.order))


def _called(f: Callable[..., Any]) -> str:
    return {"sigmoid": "σ"}.get(f.__name__, f.__name__)


class Drawn:
    """A smooth function that the note leaves open, with coefficients that were drawn.

    A `scalar` one, such as a loss, has one number for all elements of its arguments.
    """

    def __init__(self, name: str, scalar: bool, rng: np.random.Generator) -> None:
        self.__name__, self.scalar = name, scalar
        self._a = rng.uniform(0.5, 1.5, size=6)

    def __call__(self, *arguments: Any) -> Any:
        a = self._a
        x = arguments[0]
        if not self.scalar:
            y = a[0] * np.tanh(a[1] * x + a[2]) + a[3] * x
            for k, other in enumerate(arguments[1:]):
                y = y + np.sin(a[4] * x + a[5] * other + k)
            return y
        total: Any = 0.0
        for k, x in enumerate(arguments):
            phase = np.arange(1, np.size(x) + 1).reshape(np.shape(x)) / np.size(x)
            each = a[k % 6] * x * x + np.sin(a[1] * x + phase)
            if k and np.shape(x) == np.shape(arguments[0]):
                each = each + a[2] * arguments[0] * x
            total = total + (np.sum(each, axis=(-2, -1)) if np.ndim(x) >= 2 else each)
        return total


def gathered(x: Any, shape: tuple[int, ...]) -> Any:
    """What depends on indices as a column, or as a matrix."""
    rows, columns = (*shape, 1, 1)[:2]
    if not shape:
        return np.reshape(x, ())
    x = np.reshape(x, np.shape(x)[-2:])  # sums leave axes of length one before
    return np.transpose(np.broadcast_to(x, (columns, rows)))


def side_by_side(x: Any, shape: tuple[int, ...]) -> Any:
    """Columns that depend on an index, as one matrix."""
    rows, columns = (*shape, 1, 1)[:2]
    x = np.reshape(x, np.shape(x)[-3:])
    return np.transpose(np.reshape(np.broadcast_to(x, (columns, rows, 1)), (columns, rows)))


def identity_matrix(shape: tuple[int, ...]) -> Any:
    """I."""
    return np.eye(shape[0]) if shape else np.ones(())
