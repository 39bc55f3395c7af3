"""np.linalg, on matrices that are far from singular and whose eigenvalues are apart.

Where the sign of a vector is free, its square is judged.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.fuzz.operations import matrices, product, reduced, reduction, t
from benchmarks.fuzz.programs import CONSTANT, MOVES, SOLVED, Chosen, Entry, Unfit

if TYPE_CHECKING:
    from benchmarks.fuzz.drafts import Draft

APART = 0.1  # eigenvalues, singular values


def of_values(d: Draft) -> Chosen:
    return (d.pick(where=lambda x: x.ndim > 1 and 0 < min(x.shape[-2:]) and x.size < 40),), {}


def positive_definite(d: Draft) -> str:
    """A Aᵀ, with other numbers added to each entry of its diagonal."""
    (x,), _ = of_values(d)
    gram = d.add_any("matmul", x, d.add_any("matrix transpose", x))
    n = d.of(gram).shape[-1]
    return d.add_any("add", gram, d.constant(np.diag(np.arange(1, n + 1)).astype(d.of(x).dtype)))


def of_definite(d: Draft) -> Chosen:
    return (positive_definite(d),), {}


def regular(d: Draft) -> str:
    """A square matrix that has an inverse."""
    square = lambda x: x.ndim > 1 and x.shape[-1] == x.shape[-2] > 0 and is_regular(x)[0]
    try:
        return d.pick(where=square) if d.chance(0.5) else positive_definite(d)
    except Unfit:
        return positive_definite(d)


def of_regular(d: Draft) -> Chosen:
    return (regular(d),), {}


def is_regular(x: Any, *_: Any) -> tuple[Any, ...]:
    s = np.linalg.svdvals(x)
    return (bool(np.all(s[..., -1] > APART) and np.all(s[..., 0] < 50 * s[..., -1])),)


def has_values_apart(x: Any) -> tuple[Any, ...]:
    s = np.linalg.svdvals(x)
    apart = np.all(s[..., :-1] - s[..., 1:] > APART)
    return (*is_regular(x), bool(apart))


def begins_regular(x: Any) -> tuple[Any, ...]:
    return is_regular(x[..., :, : min(x.shape[-2:])])


def system(d: Draft) -> Chosen:
    a = regular(d)
    n = d.of(a).shape[-1]
    shape = (n,) if d.chance(0.4) else (n, int(d.one([1, 2])))
    return (a, d.constant(d.data(shape, d.dtype()))), {}


def flat_system(d: Draft) -> Chosen:
    a, b = system(d)[0]
    if d.of(a).ndim > 2:
        raise Unfit
    return (a, b), {}


def vector_system(d: Draft) -> Chosen:
    (a, b), _ = flat_system(d)
    if d.of(b).ndim > 1:
        raise Unfit
    return (a, b), {}


def of_flat_regular(d: Draft) -> Chosen:
    a = regular(d)
    if d.of(a).ndim > 2:
        raise Unfit
    return (a,), {}


def over_determined(d: Draft) -> Chosen:
    a = d.pick(where=lambda x: x.ndim == 2 and min(x.shape) > 0)
    shape = d.of(a).shape[:1] + (() if d.chance(0.4) else (2,))
    return (a, d.constant(d.data(shape, d.dtype()))), {}


def along_axis(d: Draft) -> Chosen:
    x = d.pick(where=lambda x: x.ndim > 0 and x.size > 0)
    n = d.of(x).ndim
    return (x,), {
        "axis": int(d.rng.integers(-n, n)),
        "p": d.one(["1", "3", "2.5", "np.inf", "0.5"]),
    }


def by_one_axis(d: Draft) -> Chosen:
    operands, arguments = reduction(d)
    if isinstance(arguments["axis"], tuple):
        raise Unfit
    return operands, arguments


def of_order(d: Draft) -> Chosen:
    p = d.one(["'fro'", "'nuc'", "2", "-2", "1", "-1", "np.inf"])
    return of_values(d)[0], {"p": p}


def power(d: Draft) -> Chosen:
    return (regular(d),), {"n": d.one([-2, -1, 0, 1, 2, 3])}


def chain(d: Draft) -> Chosen:
    a = d.pick(where=lambda x: x.ndim == 2)
    k, n = int(d.one(d.sizes)), d.of(a).shape[1]
    last = (k,) if d.chance(0.3) else (k, 3)
    return (a, *(d.constant(d.data(shape, d.dtype())) for shape in ((n, k), last))), {}


def order(p: str) -> Any:
    return p.strip("'") if "'" in p else float(p.removeprefix("np."))


def torch_vector_norm(x: Any, axis: Any, p: str) -> Any:
    return t("linalg.vector_norm")(x, order(p), axis)


def torch_chain(*arrays: Any) -> Any:
    return functools.reduce(t("matmul"), arrays)


def torch_product_with(name: str) -> Any:
    return lambda a, b: t("matmul")(t(name)(a), b)


def linalg(call: str, choose: Any, torch: Any, domain: Any = is_regular, **extra: Any) -> Entry:
    extra = {"rounds": SOLVED, "weight": 0.3} | extra
    return Entry((f"np.linalg.{call}",), choose, torch, domain=domain, **extra)


far_from_zero = lambda x: (np.all(np.abs(x) > 0.02),)
euclidean = reduced(lambda x: t("linalg.vector_norm")(x, 2, -1))


def vectors_of_three(d: Draft) -> Chosen:
    a = d.pick(where=lambda x: x.ndim > 0 and x.shape[-1] == 3)
    return (a, d.constant(d.data((3,), d.dtype()))), {}


def two_vectors(d: Draft) -> Chosen:
    a = d.pick(where=lambda x: x.ndim == 1 and x.size < 10)
    return (a, d.constant(d.data((int(d.one(d.sizes)),), d.dtype()))), {}


def of_same_length(d: Draft) -> Chosen:
    a = d.pick(where=lambda x: x.ndim > 0)
    return (a, d.constant(d.data(d.of(a).shape[-1:], d.dtype()))), {}


def for_tensordot(d: Draft) -> Chosen:
    a = d.pick(where=lambda x: x.ndim > 0)
    return (a, d.constant(d.data((d.of(a).shape[-1], 2), d.dtype()))), {}


anything = lambda *_: ()
TABLE: dict[str, Entry] = {
    "inv": linalg("inv({0})", of_regular, t("linalg.inv"), weight=0.6),
    "det": linalg("det({0})", of_regular, t("linalg.det")),
    "logabsdet": linalg("slogdet({0})[1]", of_regular, lambda x: t("linalg.slogdet")(x)[1]),
    "sign of det": linalg("slogdet({0})[0]", of_regular, CONSTANT, weight=0.1),
    "solve": linalg("solve({0}, {1})", system, torch_product_with("linalg.inv"), weight=0.6),
    "tensorsolve": linalg(
        "tensorsolve({0}, {1})", vector_system, torch_product_with("linalg.inv"), weight=0.1
    ),
    "tensorinv": linalg("tensorinv({0}, 1)", of_flat_regular, t("linalg.inv"), weight=0.1),
    "pinv": linalg("pinv({0})", of_values, t("linalg.pinv")),
    "lstsq": linalg("lstsq({0}, {1})[0]", over_determined, torch_product_with("linalg.pinv")),
    "cond": linalg("cond({0})", of_values, t("linalg.cond"), has_values_apart),
    "matrix_rank": linalg("matrix_rank({0})", of_values, CONSTANT, weight=0.1),
    # Decompositions
    "cholesky": linalg("cholesky({0})", of_definite, t("linalg.cholesky")),
    "eigvalsh": linalg("eigvalsh({0})", of_definite, t("linalg.eigvalsh"), has_values_apart),
    "eigenvectors": linalg(
        "eigh({0})[1] ** 2",
        of_definite,
        lambda x: t("linalg.eigh")(x)[1] ** 2,
        has_values_apart,
    ),
    "svdvals": linalg("svdvals({0})", of_values, t("linalg.svdvals"), has_values_apart),
    **{
        f"svd, {k}": linalg(
            f"svd({{0}}, full_matrices=False)[{k}] ** 2",
            of_values,
            lambda x, k=k: t("linalg.svd")(x, full_matrices=False)[k] ** 2,
            has_values_apart,
            weight=0.15,
        )
        for k in range(3)
    },
    **{
        f"qr, {k}": linalg(
            f"qr({{0}})[{k}] ** 2",
            of_values,
            lambda x, k=k: t("linalg.qr")(x)[k] ** 2,
            begins_regular,
            weight=0.15,
        )
        for k in range(2)
    },
    # Norms
    "norm": linalg("norm({0}{options})", by_one_axis, euclidean, far_from_zero, weight=0.6),
    "norm of an order": linalg(
        "norm({0}, {p}, {axis})", along_axis, torch_vector_norm, far_from_zero
    ),
    "vector_norm": linalg("vector_norm({0}{options})", reduction, euclidean, far_from_zero),
    "matrix_norm": linalg(
        "matrix_norm({0}, ord={p})",
        of_order,
        lambda x, p: t("linalg.matrix_norm")(x, order(p)),
        lambda x: (*has_values_apart(x), *far_from_zero(x)),
    ),
    # Products
    "matrix_power": linalg(
        "matrix_power({0}, {n})", power, lambda x, n: t("linalg.matrix_power")(x, n)
    ),
    "multi_dot": linalg("multi_dot([{all}])", chain, torch_chain, lambda *_: ()),
    "linalg.matmul": linalg("matmul({0}, {1})", product, t("matmul"), lambda *_: (), weight=0.2),
    "linalg.matrix_transpose": linalg(
        "matrix_transpose({0})", matrices, MOVES, lambda *_: (), rounds=0, weight=0.2
    ),
    "linalg.trace": linalg(
        "trace({0})", of_values, lambda x: x.diagonal(dim1=-2, dim2=-1).sum(-1), anything
    ),
    "linalg.diagonal": linalg("diagonal({0})", of_values, MOVES, anything, rounds=0),
    "linalg.outer": linalg("outer({0}, {1})", two_vectors, t("outer"), anything),
    "linalg.cross": linalg(
        "cross({0}, {1})",
        vectors_of_three,
        lambda a, b: t("linalg.cross")(a, b.expand_as(a)),
        anything,
    ),
    "linalg.vecdot": linalg(
        "vecdot({0}, {1})", of_same_length, lambda a, b: (a * b).sum(-1), anything
    ),
    "linalg.tensordot": linalg("tensordot({0}, {1}, axes=1)", for_tensordot, t("matmul"), anything),
}
