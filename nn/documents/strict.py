"""Matrices without broadcasting, so that formulas mean no more than what is written.

`A @ B` is a matrix product and must conform; `+`, `-`, `*` (the Hadamard product) and `/` need
equal shapes. A number may stand beside a matrix (2 A, 1 − A), as documents write it.
"""

from typing import Any

import numpy as np


class NotConforming(ValueError):
    """The shapes of a formula do not fit; the message gives them."""


class Undefined(LookupError):
    """A formula uses a symbol, or an index, that the document never defines."""


class Strict(np.ndarray):
    """A NumPy array whose operations raise `NotConforming` where NumPy would broadcast.

    >>> column, row = strict([[1.0], [2.0]]), strict([[3.0, 4.0]])
    >>> column @ row
    Strict([[3., 4.],
            [6., 8.]])
    >>> column + row
    Traceback (most recent call last):
    nn.documents.strict.NotConforming: (2, 1) + (1, 2)
    """

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if method == "__call__":
            _conform(ufunc, inputs)
        plain = [x.view(np.ndarray) if isinstance(x, Strict) else x for x in inputs]
        if "out" in options:
            options["out"] = tuple(
                x.view(np.ndarray) if isinstance(x, Strict) else x for x in options["out"]
            )
        result = getattr(ufunc, method)(*plain, **options)
        return result.view(Strict) if isinstance(result, np.ndarray) else result


SIGNS = {"add": "+", "subtract": "-", "multiply": "∘", "divide": "/", "matmul": "@"}


def _conform(ufunc: Any, inputs: tuple[Any, ...]) -> None:
    """Raise NotConforming unless the shapes of the operands fit."""
    shapes = [np.shape(x) for x in inputs]
    if ufunc.__name__ == "matmul":
        (rows, inner), (inner_too, columns) = _matrices(shapes)
        if inner != inner_too:
            raise NotConforming(
                f"({rows}, {inner}) @ ({inner_too}, {columns}): {inner} ≠ {inner_too}"
            )
    elif len({shape for shape in shapes if shape}) > 1:
        sign = SIGNS.get(ufunc.__name__, ufunc.__name__)
        raise NotConforming(f" {sign} ".join(map(str, shapes)))


def _matrices(shapes: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    if any(len(shape) != 2 for shape in shapes):
        raise NotConforming(f"{shapes[0]} @ {shapes[1]}: a matrix product takes two matrices")
    return shapes


def strict(value: Any) -> Strict:
    """`value` as a `Strict` array; shapes stay as they are."""
    return np.asarray(value).view(Strict)
