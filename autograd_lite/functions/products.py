"""NumPy's products: those of vectors are recorded as products of matrices, with reshapes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_lite import rules
from autograd_lite.errors import operation_error
from autograd_lite.functions.forms import handles, reshaped_to, without_axes
from autograd_lite.tensor import Tensor, constant, record


@handles(np.matmul)
def _np_matmul(a: Any, b: Any) -> Tensor:
    a, b = constant(a), constant(b)
    if a.ndim == b.ndim == 2:
        return record(np.dot, (a, b))
    if not (a.ndim and b.ndim) or a.shape[-1] != b.shape[max(b.ndim - 2, 0)]:
        raise operation_error(np.matmul, (a, b), ValueError())
    left, right = a, b
    if a.ndim == 1:
        left = reshaped_to(a, (1, *a.shape))
    if b.ndim == 1:
        right = reshaped_to(b, (*b.shape, 1))
    y = record(np.dot if left.ndim == right.ndim == 2 else np.matmul, (left, right))
    lost = [y.ndim - 2] * (a.ndim == 1) + [y.ndim - 1] * (b.ndim == 1)
    return without_axes(y, tuple(lost)) if lost else y


@handles(np.dot)
def _np_dot(a: Any, b: Any) -> Tensor:
    a, b = constant(a), constant(b)
    if not a.ndim or not b.ndim:
        return a * b
    if a.ndim <= 2 and b.ndim <= 2:
        return _np_matmul(a, b)
    columns = np.moveaxis(b, -2, 0) if b.ndim > 2 else b
    n, *rest = columns.shape
    if a.shape[-1] != n:
        raise operation_error(np.dot, (a, b), ValueError())
    rows = reshaped_to(a, (math.prod(a.shape[:-1]), n))
    y = record(np.dot, (rows, reshaped_to(columns, (n, math.prod(rest)))))
    return reshaped_to(y, (*a.shape[:-1], *rest))


@handles(np.einsum)
def _np_einsum(subscripts: Any, *arrays: Any) -> Tensor:
    form = subscripts.replace(" ", "") if isinstance(subscripts, str) else ""
    if not form or "." in form:
        raise TypeError("np.einsum on Tensors takes subscripts as in 'ij,jk->ik', all written out")
    operands, arrow, output = form.partition("->")
    if not arrow:
        letters = operands.replace(",", "")
        output = "".join(i for i in sorted(set(letters)) if letters.count(i) == 1)
    for term in operands.split(","):
        if len(set(term)) < len(term):
            raise TypeError(f"np.einsum on Tensors takes no index twice in one operand: {term!r}")
    tensors = tuple(constant(x) for x in arrays)
    return record(rules.einsum, tensors, {"subscripts": f"{operands}->{output}"})
