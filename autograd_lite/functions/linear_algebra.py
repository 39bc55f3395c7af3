"""np.linalg: inverses, determinants, decompositions, norms.

A decomposition is one operation, whose output has all factors, one below the other.
A matrix of which only one triangle is read (cholesky, eigh, eigvalsh) is taken to be symmetric, and
so is its gradient: that of λ is v vᵀ, as textbooks, PyTorch and JAX have it. Central differences
that move one entry alone see a function of the triangle (HIPS/autograd has its gradient for eigh):
check such functions at (A + Aᵀ) / 2.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import linalg
from numpy.lib.array_utils import normalize_axis_tuple

from autograd_lite.errors import described
from autograd_lite.functions.forms import handles, reshaped_to, without_axes
from autograd_lite.rules import RULES, operation
from autograd_lite.tensor import HANDLERS, _state, constant, is_tracing, record

# Inverses and determinants. A singular matrix has no inverse: LinAlgError, also where a rule needs
# it. But det has a gradient there, its cofactors (PyTorch has 0); the second needs an inverse.
RULES[linalg.inv] = (lambda g, y, x: -(y.mT @ g @ y.mT),)
RULES[linalg.det] = (lambda g, y, x: for_entries(g) * cofactors(x),)
RULES[linalg.solve] = (
    lambda g, y, a, b: -(linalg.solve(a.mT, g) @ y.mT),
    lambda g, y, a, b: linalg.solve(a.mT, g),
)
# The rank is taken to stay what it is: where it changes, pinv and lstsq jump.
RULES[linalg.pinv] = (
    lambda g, y, x, **_: (
        (g.mT - x @ (y @ g.mT)) @ (y @ y.mT)
        + y.mT @ (y @ (g.mT - (g.mT @ y) @ x))
        - y.mT @ g @ y.mT
    ),
)

# At 0 the norm has a kink, as abs: its derivatives are 0 there, to every order.
RULES[linalg.norm] = (
    lambda g, y, x, axis, keepdims: np.where(y == 0, 0, g) * (x / (y + (y == 0))),
)

# Eigenvalues and singular values that repeat share the gradient as the vectors that NumPy chose
# for them do. See also `inverse_or_zero`.
RULES[linalg.eigvalsh] = (lambda g, y, x, UPLO: _scaled(linalg.eigh(x, UPLO), g),)
RULES[linalg.svdvals] = (lambda g, y, x: _scaled(linalg.svd(x, full_matrices=False), g),)


def _scaled(parts: Any, g: Any) -> Any:
    """The decomposition with g for its values: U diag(g) Vᵀ."""
    left, right = (parts[1], parts[1].mT) if len(parts) == 2 else (parts[0], parts[2])
    return (left * as_rows(g)) @ right


def for_entries(x: Any) -> Any:
    """One number for each matrix, to be multiplied by all its entries."""
    return x.reshape((*x.shape, 1, 1))


def as_rows(x: Any) -> Any:
    """A vector for each matrix, as a row: a number for each column."""
    return x.reshape((*x.shape[:-1], 1, x.shape[-1]))


def as_columns(x: Any) -> Any:
    """A vector for each matrix, as a column."""
    return x.reshape((*x.shape, 1))


@operation(lambda g, y, d, scale: -g * (y * y), None)
def inverse_or_zero(d: Any, scale: Any) -> Any:
    """1 / d, and 0 where d is 0 up to the rounding of numbers that add up to `scale`.

    Vectors of a value that repeats are any basis of their space, and have no derivative: they are
    taken not to turn within it. (PyTorch and JAX have nan there.)
    """
    none = np.abs(d) <= 8 * float(np.finfo(d.dtype).eps) * scale  # LAPACKs differ by some units
    return np.where(none, 0, 1 / (d + none))


@operation(
    lambda g, y, x: (
        np.sum(g * y, axis=(-2, -1), keepdims=True) * linalg.inv(x).mT - y @ g.mT @ linalg.inv(x).mT
    )
)
def cofactors(x: Any) -> Any:
    """det(x) x⁻ᵀ, which a singular x has too (but there its own rule has no inverse)."""
    try:
        return linalg.det(x)[..., None, None] * linalg.inv(x).mT
    except linalg.LinAlgError:
        U, s, Vh = linalg.svd(x)
        others = np.where(np.eye(s.shape[-1], dtype=bool), 1, s[..., None, :])
        values = linalg.det(U @ Vh)[..., None] * np.prod(others, axis=-1)
        return (U * values[..., None, :].astype(x.dtype)) @ Vh


@operation(lambda g, y, x: for_entries(g) * linalg.inv(x).mT)
def logabsdet(x: Any) -> Any:
    """log |det(x)|, the second result of slogdet."""
    return linalg.slogdet(x)[1]


@operation(lambda g, y, x, k: lower(g, k=k))
def lower(x: Any, k: int) -> Any:
    """The entries below the diagonal with number k, or on it."""
    return np.tril(x, k)


def _cholesky_rule(g: Any, y: Any, x: Any) -> Any:
    half = y.mT @ g
    half = (lower(half, k=0) + lower(half, k=-1)) / 2
    s = linalg.solve(y.mT, linalg.solve(y.mT, half).mT)
    return (s + s.mT) / 2


RULES[linalg.cholesky] = (_cholesky_rule,)


def _eigh_rule(g: Any, y: Any, x: Any, UPLO: Any) -> Any:
    w, V = y[..., 0, :], y[..., 1:, :]
    size = for_entries(np.sum(np.abs(w), axis=-1))
    turned = V.mT @ g[..., 1:, :] * inverse_or_zero(as_rows(w) - as_columns(w), size)
    s = (V @ turned + V * g[..., :1, :]) @ V.mT
    return (s + s.mT) / 2


@operation(_eigh_rule)
def eigh_(x: Any, UPLO: Any) -> Any:
    """Eigenvalues, and below them the eigenvectors."""
    w, V = linalg.eigh(x, UPLO)
    return np.concatenate([w[..., None, :], V], axis=-2)


def _svd_rule(g: Any, y: Any, x: Any) -> Any:
    m, n = x.shape[-2:]
    U, s, V = y[..., :m, :], y[..., m, :], y[..., m + 1 :, :]
    gU, gV = g[..., :m, :], g[..., m + 1 :, :]
    row, column = as_rows(s), as_columns(s)
    size = for_entries(np.sum(s, axis=-1))
    turned = inverse_or_zero(row - column, size) * inverse_or_zero(row + column, 0)
    u, v = U.mT @ gU, V.mT @ gV
    inner = turned * (u - u.mT) * row + column * (turned * (v - v.mT))
    left = U @ inner + U * g[..., m : m + 1, :]
    if m > n:
        left = left + (gU - U @ u) * inverse_or_zero(row, 0)
    result = left @ V.mT
    return result if m >= n else result + U @ ((gV - V @ v) * inverse_or_zero(row, 0)).mT


@operation(_svd_rule)
def svd_(x: Any) -> Any:
    """U, below it the singular values, below them V."""
    U, s, Vh = linalg.svd(x, full_matrices=False)
    return np.concatenate([U, s[..., None, :], Vh.mT], axis=-2)


def _qr_rule(g: Any, y: Any, x: Any) -> Any:
    m = x.shape[-2]
    Q, R = y[..., :m, :], y[..., m:, :]
    s = R @ g[..., m:, :].mT - g[..., :m, :].mT @ Q
    s = lower(s, k=0) + lower(s, k=-1).mT
    return linalg.solve(R, (g[..., :m, :] + Q @ s).mT).mT


@operation(_qr_rule)
def qr_(x: Any) -> Any:
    """Q, and below it R."""
    return np.concatenate(linalg.qr(x), axis=-2)


def _of_first(g: Any, y: Any, a: Any, b: Any, rcond: Any) -> Any:
    p = linalg.pinv(a)
    left = p.mT @ g
    return (b - a @ y) @ (p @ left).mT + p.mT @ y @ (g - a.mT @ left).mT - left @ y.mT


@operation(_of_first, lambda g, y, a, b, rcond: linalg.pinv(a).mT @ g)
def lstsq_(a: Any, b: Any, rcond: Any) -> Any:
    """The x for which ‖a x − b‖ is least."""
    return linalg.lstsq(a, b, rcond)[0]


@operation()
def constant_part(*arrays: Any, function: Callable[..., Any], part: Any, **options: Any) -> Any:
    """What a function returns, or a part of it, without gradient."""
    result = function(*arrays, **options)
    return result if part is None else result[part]


# What NumPy returns where it returns several

EighResult: Any = type(linalg.eigh(np.eye(1)))
QRResult: Any = type(linalg.qr(np.eye(1)))
SlogdetResult: Any = type(linalg.slogdet(np.eye(1)))
SVDResult: Any = type(linalg.svd(np.eye(1)))


@handles(linalg.inv)
def _np_inv(a: Any) -> Any:
    return record(linalg.inv, (constant(a),))


@handles(linalg.det)
def _np_det(a: Any) -> Any:
    return record(linalg.det, (constant(a),))


@handles(linalg.slogdet)
def _np_slogdet(a: Any) -> Any:
    x: Any = constant(a)
    sign = constant_part(x, function=linalg.slogdet, part=0)
    return SlogdetResult(sign, logabsdet(x))


@handles(linalg.solve)
def _np_solve(a: Any, b: Any) -> Any:
    a, b = constant(a), constant(b)
    if b.ndim != 1:
        return record(linalg.solve, (a, b))
    y = record(linalg.solve, (a, reshaped_to(b, (b.size, 1))))
    return without_axes(y, (y.ndim - 1,))


@handles(linalg.tensorinv)
def _np_tensorinv(a: Any, ind: int = 2) -> Any:
    x: Any = constant(a)
    if ind <= 0:
        raise ValueError("Invalid ind argument.")
    first, last = x.shape[:ind], x.shape[ind:]
    flat = reshaped_to(x, (math.prod(first), math.prod(last)))
    return reshaped_to(_np_inv(flat), (*last, *first))


@handles(linalg.tensorsolve)
def _np_tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    x: Any = constant(a)
    b = constant(b)
    order = [k for k in range(x.ndim) if k not in (axes or ())]
    x = np.transpose(x, (*order, *(axes or ())))
    shape = x.shape[b.ndim - x.ndim :]
    flat = reshaped_to(x, (math.prod(shape), math.prod(shape)))
    return reshaped_to(_np_solve(flat, reshaped_to(b, (b.size,))), shape)


@handles(linalg.pinv)
def _np_pinv(a: Any, rcond: Any = None, hermitian: bool = False, **rtol: Any) -> Any:
    if any(np.ndim(x) for x in (rcond, *rtol.values())):
        raise TypeError("np.linalg.pinv on a Tensor takes one number for rcond or rtol")
    rcond = {} if rcond is None else {"rcond": rcond}
    return record(linalg.pinv, (constant(a),), {"hermitian": bool(hermitian)} | rcond | rtol)


@handles(linalg.lstsq)
def _np_lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    """Where the rank is too small NumPy has no residuals. Compiled, it is taken to be full."""
    a, b = constant(a), constant(b)
    columns = reshaped_to(b, (b.size, 1)) if b.ndim == 1 else b
    x = lstsq_(a, columns, rcond=rcond)
    rank = constant_part(a, columns, function=linalg.lstsq, part=2, rcond=rcond)
    m, n = a.shape
    if m > n and (is_tracing() or rank.item() == n):
        residuals = np.sum(np.square(columns - a @ x), axis=0)
    else:
        residuals = constant(np.zeros(0, x.dtype))
    return without_axes(x, (1,)) if b.ndim == 1 else x, residuals, rank, _np_svdvals(a)


@handles(linalg.matrix_rank)
def _np_matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, **rtol: Any) -> Any:
    options = {"tol": tol, "hermitian": hermitian, **rtol}
    return constant_part(constant(A), function=linalg.matrix_rank, part=None, **options)


# Decompositions


@handles(linalg.cholesky)
def _np_cholesky(a: Any, /, *, upper: bool = False) -> Any:
    x: Any = constant(a)
    return record(linalg.cholesky, (x.mT,)).mT if upper else record(linalg.cholesky, (x,))


@handles(linalg.eigh)
def _np_eigh(a: Any, UPLO: Any = "L") -> Any:
    y = record(eigh_, (constant(a),), {"UPLO": UPLO.upper()})
    return EighResult(y[..., 0, :], y[..., 1:, :])


@handles(linalg.eigvalsh)
def _np_eigvalsh(a: Any, UPLO: Any = "L") -> Any:
    return record(linalg.eigvalsh, (constant(a),), {"UPLO": UPLO.upper()})


@handles(linalg.svdvals)
def _np_svdvals(x: Any, /) -> Any:
    return record(linalg.svdvals, (constant(x),))


@handles(linalg.svd)
def _np_svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    x: Any = constant(a)
    if hermitian:
        raise TypeError("np.linalg.svd on a Tensor does not take hermitian=True: leave it out")
    if not compute_uv:
        return _np_svdvals(x)
    m, n = x.shape[-2:] if x.ndim > 1 else (0, 0)
    if full_matrices and m != n:
        if x._needs and _state.gradients:
            raise TypeError(
                f"np.linalg.svd of {described(x)}: only the first {min(m, n)} columns of U and V "
                "have a gradient, the rest is any basis: write full_matrices=False"
            )
        return SVDResult(*[constant_part(x, function=linalg.svd, part=k) for k in range(3)])
    y = record(svd_, (x,))
    return SVDResult(y[..., :m, :], y[..., m, :], y[..., m + 1 :, :].mT)


@handles(linalg.qr)
def _np_qr(a: Any, mode: Any = "reduced") -> Any:
    """A wide matrix is decomposed by its left square: R = [R₁, Qᵀ A₂]."""
    x: Any = constant(a)
    if x.ndim < 2:
        return linalg.qr(np.zeros(x.shape), mode)  # NumPy's error
    m, n = x.shape[-2:]
    if mode not in ("reduced", "r") and not (mode == "complete" and m <= n):
        raise TypeError(f"np.linalg.qr on a Tensor does not take mode={mode!r}: write 'reduced'")
    y: Any = record(qr_, (x[..., :, :m] if n > m else x,))
    Q, R = y[..., :m, :], y[..., m:, :]
    if n > m:
        R = np.concatenate([R, Q.mT @ x[..., :, m:]], axis=-1)
    return R if mode == "r" else QRResult(Q, R)


# Norms


def _vector_norm(x: Any, p: Any, axis: int, keepdims: bool) -> Any:
    a = np.abs(x)
    if p == math.inf:
        return _largest(a, axis, keepdims)
    if p == -math.inf:
        return np.min(a, axis=axis, keepdims=keepdims)
    if p == 0:
        return np.sum((x != 0).astype(x.dtype), axis=axis, keepdims=keepdims)
    if p == 1:
        return np.sum(a, axis=axis, keepdims=keepdims)
    if isinstance(p, str):
        raise ValueError(f"Invalid norm order '{p}' for vectors")
    total = np.sum(a ** float(p), axis=axis, keepdims=keepdims)
    root = (total + (total == 0)) ** (1 / float(p))  # 0 has the norm 0, and no slope
    return root if p < 0 else np.where(total == 0, 0, root)


def _largest(x: Any, axis: int, keepdims: bool) -> Any:
    """The largest of numbers that are not negative: 0 of none."""
    return (np.max if x.shape[axis] else np.sum)(x, axis=axis, keepdims=keepdims)


def _smallest(x: Any, axis: int, keepdims: bool) -> Any:
    return np.min(x, axis=axis, keepdims=keepdims)


def _total(x: Any, axis: int, keepdims: bool) -> Any:
    return np.sum(x, axis=axis, keepdims=keepdims)


_OF_VALUES = {"nuc": _total, 2: _largest, -2: _smallest}
_OF_SUMS = {
    1: (_largest, 0),
    -1: (_smallest, 0),
    math.inf: (_largest, 1),
    -math.inf: (_smallest, 1),
}


def _matrix_norm(x: Any, p: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    if p in _OF_VALUES:
        y = _OF_VALUES[p](_np_svdvals(np.moveaxis(x, axes, (-2, -1))), -1, False)
    elif p in _OF_SUMS:
        extreme, along = _OF_SUMS[p]
        sums = np.sum(np.abs(x), axis=axes[along], keepdims=True)
        y = without_axes(extreme(sums, axes[1 - along], True), axes)
    else:
        raise ValueError("Invalid norm order for matrices.")
    shape = tuple(1 if k in axes else n for k, n in enumerate(x.shape))
    return reshaped_to(y, shape) if keepdims else y


@handles(linalg.norm)
def _np_norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    x = constant(x)
    x = x if x.dtype.kind == "f" else x.astype(float)
    if axis is None:
        axes = tuple(range(x.ndim))
        euclidean = ord is None or (len(axes) == 2 and ord in ("f", "fro"))
        euclidean = euclidean or (len(axes) == 1 and ord == 2)
    else:
        axes = normalize_axis_tuple(operator.index(axis) if np.ndim(axis) == 0 else axis, x.ndim)
        axis = axes
        euclidean = ord is None or ord in {1: (2,), 2: ("f", "fro")}.get(len(axes), ())
    if euclidean and (axis is None or len(axes) < 3):
        y = record(linalg.norm, (x,), {"axis": axis, "keepdims": True})
        return y if keepdims else without_axes(y, axes)
    if len(axes) == 1:
        return _vector_norm(x, ord, axes[0], keepdims)
    if len(axes) == 2:
        return _matrix_norm(x, ord, axes, keepdims)
    raise ValueError("Improper number of dimensions to norm.")


@handles(linalg.vector_norm)
def _np_vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    x = constant(x)
    if isinstance(axis, int):
        return _np_norm(x, ord, axis, keepdims)
    axes = tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim)
    kept = tuple(k for k in range(x.ndim) if k not in axes)
    rows: Any = np.transpose(x, (*axes, *kept))
    rest = tuple(x.shape[k] for k in kept)
    y = _np_norm(reshaped_to(rows, (math.prod(x.shape[k] for k in axes), *rest)), ord, axis=0)
    return np.expand_dims(y, axes) if keepdims else y


@handles(linalg.matrix_norm)
def _np_matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    return _np_norm(x, ord, (-2, -1), keepdims)


@handles(linalg.cond)
def _np_cond(x: Any, p: Any = None) -> Any:
    """Of a zero matrix it is ∞ and its slope nan, as PyTorch's; where p needs the inverse of a
    singular matrix, there is an error."""
    x = constant(x)
    if p is not None and p not in (2, -2):
        return _np_matrix_norm(x, ord=p) * _np_matrix_norm(_np_inv(x), ord=p)
    s: Any = _np_svdvals(x)
    with np.errstate(all="ignore"):
        y = s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    return np.where(np.isnan(y) & ~np.any(np.isnan(x), axis=(-2, -1)), math.inf, y)


# Products


@handles(linalg.matrix_power)
def _np_matrix_power(a: Any, n: Any) -> Any:
    x, n = constant(a), operator.index(n)
    if n < 0:
        x, n = _np_inv(x), -n
    if n == 0:
        return constant(linalg.matrix_power(np.ones(x.shape, x.dtype), 0))
    power: Any = x
    result: Any = None
    if n == 3:
        return (x @ x) @ x
    while True:  # as NumPy does it: what bits of n are set
        if n & 1:
            result = power if result is None else result @ power
        n >>= 1
        if not n:
            return result
        power = power @ power


@handles(linalg.multi_dot)
def _np_multi_dot(arrays: Any) -> Any:
    """In the order that takes the fewest multiplications."""
    tensors = [constant(x) for x in arrays]
    if len(tensors) < 2:
        raise ValueError("Expecting at least two arrays.")
    first, last = tensors[0], tensors[-1]
    sizes = [first.shape[0] if first.ndim > 1 else 1]
    sizes += [x.shape[0] for x in tensors[1:]]
    sizes += [last.shape[1] if last.ndim > 1 else 1]

    @functools.cache
    def cheapest(i: int, j: int) -> tuple[int, int]:
        """The multiplications of the product of i to j, and where to split it."""
        here = sizes[i] * sizes[j + 1]
        cost = lambda k: cheapest(i, k)[0] + cheapest(k + 1, j)[0] + here * sizes[k + 1]
        return min(((cost(k), k) for k in range(i, j)), default=(0, i))

    def product(i: int, j: int) -> Any:
        if i == j:
            return tensors[i]
        k = cheapest(i, j)[1]
        return np.dot(product(i, k), product(k + 1, j))

    return product(0, len(tensors) - 1)


@handles(linalg.matmul)
def _np_linalg_matmul(x1: Any, x2: Any, /) -> Any:
    return HANDLERS[np.matmul](x1, x2)


@handles(linalg.matrix_transpose)
def _np_linalg_matrix_transpose(x: Any, /) -> Any:
    return constant(x).mT


# What NumPy's own np.trace, … do, along the axes that np.linalg has for them.


@handles(linalg.trace)
def _np_linalg_trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    options = {} if dtype is None else {"dtype": dtype}
    return np.trace(x, offset, -2, -1, **options)


@handles(linalg.diagonal)
def _np_linalg_diagonal(x: Any, /, *, offset: int = 0) -> Any:
    return np.diagonal(x, offset, -2, -1)


@handles(linalg.outer)
def _np_linalg_outer(x1: Any, x2: Any, /) -> Any:
    x1, x2 = constant(x1), constant(x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ValueError(
            "Input arrays must be one-dimensional, but they are "
            f"x1.ndim={x1.ndim} and x2.ndim={x2.ndim}."
        )
    return np.outer(x1, x2)


@handles(linalg.cross)
def _np_linalg_cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    x1, x2 = constant(x1), constant(x2)
    if x1.shape[axis] != 3 or x2.shape[axis] != 3:
        raise ValueError(
            "Both input arrays must be (arrays of) 3-dimensional vectors, "
            f"but they are {x1.shape[axis]} and {x2.shape[axis]} dimensional instead."
        )
    return np.cross(x1, x2, axis=axis)


@handles(linalg.vecdot)
def _np_linalg_vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    product: Any = np.vecdot
    return product(constant(x1), constant(x2), axis=axis)


@handles(linalg.tensordot)
def _np_linalg_tensordot(x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
    x1, x2 = constant(x1), constant(x2)
    return np.tensordot(x1, x2, axes)


def _complex_values(function: Callable[..., Any], instead: str) -> None:
    def handler(a: Any) -> Any:
        raise TypeError(
            f"np.linalg.{function.__name__} of {described(a)}: its values are complex, and a "
            f"Tensor holds real numbers. Of a symmetric matrix: np.linalg.{instead}"
        )

    HANDLERS[function] = handler


_complex_values(linalg.eig, "eigh")
_complex_values(linalg.eigvals, "eigvalsh")
