"""NumPy's products: those of vectors are recorded as products of matrices, with reshapes."""

from __future__ import annotations

import math
import string
from typing import Any

import numpy as np

from autograd_lite import rules
from autograd_lite.errors import described, operation_error
from autograd_lite.functions.forms import axes_of, handles, reshaped_to, without_axes
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
    axis = max(b.ndim - 2, 0)
    if a.shape[-1] != b.shape[axis]:
        raise operation_error(np.dot, (a, b), ValueError())
    return _np_tensordot(a, b, (-1, axis))


@handles(np.tensordot)
def _np_tensordot(a: Any, b: Any, axes: Any = 2) -> Tensor:
    a, b = constant(a), constant(b)
    if np.ndim(axes) == 0:
        axes = range(a.ndim - axes, a.ndim), range(axes)
    summed_a, summed_b = axes_of(a, axes[0]), axes_of(b, axes[1])
    sizes = [a.shape[k] for k in summed_a]
    if sizes != [b.shape[k] for k in summed_b]:
        raise ValueError(
            f"the product of {described(a)} and {described(b)} along axes {summed_a} of the one "
            f"and {summed_b} of the other: their lengths differ"
        )
    kept_a = tuple(k for k in range(a.ndim) if k not in summed_a)
    kept_b = tuple(k for k in range(b.ndim) if k not in summed_b)
    rows, columns = [a.shape[k] for k in kept_a], [b.shape[k] for k in kept_b]
    n = math.prod(sizes)
    left = reshaped_to(_permuted(a, kept_a + summed_a), (math.prod(rows), n))
    right = reshaped_to(_permuted(b, summed_b + kept_b), (n, math.prod(columns)))
    return reshaped_to(record(np.dot, (left, right)), (*rows, *columns))


def _permuted(x: Tensor, order: tuple[int, ...]) -> Tensor:
    """x with its axes in this order; x itself where they are."""
    if order == tuple(range(x.ndim)):
        return x
    return record(np.transpose, (x,), {"axes": order})


@handles(np.einsum)
def _np_einsum(*arguments: Any, optimize: Any = False, **options: Any) -> Tensor:
    for name in options:
        known = {"out": "y = np.einsum(...)", "dtype": ".astype(...) of operands or result"}
        instead = known.get(name, "np.einsum without it")
        raise TypeError(f"np.einsum on a Tensor does not take {name}=: write {instead}")
    text, arrays = _subscripts(arguments)
    tensors = [constant(x) for x in arrays]
    terms, output = _all_written(text, tensors)
    diagonals = [_with_each_axis_once(x, term) for x, term in zip(tensors, terms, strict=True)]
    static: dict[str, Any] = {"subscripts": f"{','.join(term for _, term in diagonals)}->{output}"}
    if optimize:
        static["optimize"] = tuple(optimize) if isinstance(optimize, list) else optimize
    return record(rules.einsum, tuple(x for x, _ in diagonals), static)


def _subscripts(arguments: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """The subscripts as one text, and the arrays: `a, [0, 1], b, [1, 2], [0, 2]` has both."""
    if isinstance(arguments[0], str):
        return arguments[0].replace(" ", ""), arguments[1:]
    letters: dict[Any, str] = dict(enumerate(string.ascii_uppercase + string.ascii_lowercase))
    letters[...] = "..."
    try:
        terms = ["".join(letters[i] for i in term) for term in arguments[1::2]]
        output = ["".join(letters[i] for i in arguments[-1])] if len(arguments) % 2 else []
    except (KeyError, TypeError):
        raise TypeError(
            "np.einsum takes subscripts as in np.einsum('ij,jk->ik', a, b), or after each array a "
            "list of integers below 52 and perhaps an Ellipsis: np.einsum(a, [0, 1], b, [1, 2])"
        ) from None
    return "->".join([",".join(terms), *output]), arguments[: len(terms) * 2 : 2]


def _all_written(text: str, tensors: list[Tensor]) -> tuple[list[str], str]:
    """One letter for each axis of each tensor, and those of the output: nothing is implied."""
    written, arrow, output = text.partition("->")
    terms = written.split(",")
    if len(terms) != len(tensors):
        raise ValueError(f"np.einsum: {text!r} is for {len(terms)} operands, not {len(tensors)}")
    letters = written.replace(",", "").replace("...", "")
    rest = [
        x.ndim - len(term.replace("...", "")) if "..." in term else 0
        for x, term in zip(tensors, terms, strict=True)
    ]
    unused = [i for i in string.ascii_letters if i not in text]
    dots = "".join(unused[: max(0, *rest)])  # what "..." stands for; in a term, the last n of it
    terms = [t.replace("...", dots[len(dots) - n :]) for t, n in zip(terms, rest, strict=True)]
    for x, term in zip(tensors, terms, strict=True):
        if len(term) != x.ndim:
            raise ValueError(f"np.einsum: {text!r} does not name the axes of {described(x)}")
    if not arrow:
        output = "..." + "".join(i for i in sorted(set(letters)) if letters.count(i) == 1)
    if dots and "..." not in output:
        raise ValueError(f"np.einsum: the output of {text!r} needs a '...' as well")
    return terms, output.replace("...", dots)


def _with_each_axis_once(x: Tensor, term: str) -> tuple[Tensor, str]:
    """x with one axis for each letter: where axes share one, the entries at equal places.

    With these axes made into one, the diagonal is a slice of it.
    """
    for letter in sorted(i for i in set(term) if term.count(i) > 1):
        axes = tuple(k for k, i in enumerate(term) if i == letter)
        rest = tuple(k for k, i in enumerate(term) if i != letter)
        n, m = x.shape[axes[0]], len(axes)
        if any(x.shape[k] != n for k in axes):
            raise ValueError(f"np.einsum: the axes {letter!r} of {described(x)} differ in length")
        flat = reshaped_to(_permuted(x, rest + axes), (*[x.shape[k] for k in rest], n**m))
        x = flat[..., :: sum(n**k for k in range(m))]
        term = "".join(term[k] for k in rest) + letter
    return x, term
