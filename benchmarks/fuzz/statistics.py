"""Products, running sums, differences, orders and statistics."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.fuzz.operations import TABLE as CORE
from benchmarks.fuzz.operations import (
    axes,
    folded,
    position,
    quotient,
    reduced,
    reduction,
    reduction_of,
    t,
    to_extreme,
    unary,
)
from benchmarks.fuzz.programs import (
    CONSTANT,
    EXACT,
    MOVES,
    OPERANDS,
    RESULT,
    Chosen,
    Entry,
)

if TYPE_CHECKING:
    from benchmarks.fuzz.drafts import Draft


# How operands and arguments are chosen


def line(d: Draft) -> Chosen:
    """A value with entries along one axis, or as one line."""
    x = d.pick(where=lambda x: x.size > 0)
    return (x,), {"axis": axes(d, d.of(x).ndim, several=False)}


def true_axis(d: Draft, least: int = 1) -> Chosen:
    x = d.pick(where=lambda x: x.ndim > 0 and min(x.shape) >= least)
    return (x,), {"axis": int(d.rng.integers(-d.of(x).ndim, d.of(x).ndim))}


def partition(d: Draft) -> Chosen:
    operands, arguments = true_axis(d)
    n = d.of(operands[0]).shape[arguments["axis"]]
    return operands, arguments | {"kth": int(d.rng.integers(-n, n))}


def fractions(d: Draft) -> Chosen:
    operands, arguments = reduction(d)
    if not d.of(operands[0]).size:
        operands = (d.pick(where=lambda x: x.size > 0),)
        arguments |= {"axis": None}
    return operands, arguments | {"q": d.one([0.5, 0.25, 0.8, [0.125, 0.75]])}


def chosen(d: Draft) -> Chosen:
    """A reduction of what a mask chooses."""
    operands, arguments = reduction(d)
    shape = d.of(operands[0]).shape
    return (operands[0], d.constant(np.asarray(d.rng.random(shape) < 0.7))), arguments


def weighted(d: Draft) -> Chosen:
    x = d.pick(where=lambda x: x.size > 0)
    shape = d.of(x).shape
    arguments = {"axis": axes(d, len(shape)), "keepdims": d.chance(0.3)}
    return (x, d.constant(np.asarray(d.rng.uniform(0.5, 2, shape), d.of(x).dtype))), arguments


def samples(d: Draft) -> Chosen:
    """One or two axes of samples, several of them."""
    return (d.pick(where=lambda x: 1 <= x.ndim <= 2 and x.shape[-1] > 1),), {}


def sorted_and(d: Draft) -> Chosen:
    """A sorted vector, and what to look for in it."""
    x = d.pick(where=lambda x: x.ndim == 1)
    return (d.add_any("sort", x, axis=-1), d.pick()), {}


def places(d: Draft) -> Chosen:
    """Whole numbers from 0 on, and a weight for each."""
    x = d.pick(where=lambda x: x.ndim == 1)
    return (x,), {"places": d.rng.integers(0, 4, d.of(x).shape)}


def two_slices(d: Draft) -> Chosen:
    operands, arguments = true_axis(d)
    n = d.of(operands[0]).shape[arguments["axis"]]
    return operands, arguments | {"i": int(d.rng.integers(0, n))}


# PyTorch's side


def torch_reduceat(x: Any, axis: Any, i: int) -> Any:
    parts = x.narrow(axis, 0, max(i, 1)), x.narrow(axis, i, x.shape[axis] - i)
    return t("stack")([part.sum(axis) for part in parts], dim=axis)


def torch_cumsum(x: Any, axis: Any) -> Any:
    return t("cumsum")(*_line_of(x, axis))


def torch_cumprod(x: Any, axis: Any) -> Any:
    """Product by product: the derivatives of torch.cumprod divide by x, which may be almost 0."""
    x, axis = _line_of(x, axis)
    found = list(itertools.accumulate(x.unbind(axis), t("mul")))
    return t("stack")(found, dim=axis) if found else x


def _line_of(x: Any, axis: Any) -> tuple[Any, int]:
    """x as one line where the axis is None."""
    return (x.reshape(-1), 0) if axis is None else (x, axis)


def torch_sort(x: Any, axis: Any) -> Any:
    x, axis = _line_of(x, axis)
    return x.sort(dim=axis).values


def torch_partition(x: Any, axis: Any, kth: Any) -> Any:
    """The entries where NumPy puts them."""
    import torch

    order = x.detach().argsort(dim=axis, stable=True)
    parted = torch.from_numpy(np.partition(x.detach().numpy(), kth, axis=axis))
    ranks = parted.argsort(dim=axis, stable=True).argsort(dim=axis)
    return x.gather(axis, order.gather(axis, ranks))


def torch_quantile(x: Any, axis: Any, keepdims: Any, q: Any) -> Any:
    import torch

    flat, _, gone = folded(x, axis)
    y = torch.quantile(flat, torch.tensor(q, dtype=x.dtype), dim=-1)
    shape = [1 if k in gone else n for k, n in enumerate(x.shape)]
    return y.reshape([*np.shape(q), *shape]) if keepdims else y


def torch_median(x: Any, axis: Any, keepdims: Any) -> Any:
    return torch_quantile(x, axis, keepdims, 0.5)


def masked(instead: float, function: Callable[..., Any]) -> Callable[..., Any]:
    """A reduction with a number where a mask is false."""

    def torch_masked(x: Any, mask: Any, axis: Any, keepdims: Any) -> Any:
        import torch

        return reduced(function)(torch.where(mask != 0, x, instead), axis, keepdims)

    return torch_masked


def torch_average(x: Any, w: Any, axis: Any, keepdims: Any) -> Any:
    total = reduced(lambda x: x.sum(-1))
    return total(x * w, axis, keepdims) / total(w, axis, keepdims)


def torch_bincount(x: Any, places: Any) -> Any:
    import torch

    return torch.zeros(5, dtype=x.dtype).index_add(0, torch.from_numpy(places), x)


def torch_gradient(x: Any, axis: Any, edge: int = 1) -> Any:
    return t("gradient")(x, dim=axis, edge_order=edge)[0]


def ranks(x: Any, **_: Any) -> Any:
    """How far the entries are from each other: equal ones count, whose order is open."""
    gaps = np.diff(np.sort(x, axis=None))
    return np.where(gaps == 0, 1e-9, gaps)


def at_ends(x: Any, v: Any) -> Any:
    return np.subtract.outer(np.ravel(x), np.ravel(v))


prod = lambda x: x.prod(-1)
total = lambda x: x.sum(-1)


TABLE: dict[str, Entry] = {
    "prod": reduction_of("prod", torch=prod),
    "cumsum": Entry(
        ("np.cumsum({0}, axis={axis})", "{0}.cumsum({axis})"),
        line,
        torch_cumsum,
        rounds=OPERANDS,
    ),
    "cumprod": Entry(
        ("np.cumprod({0}, axis={axis})", "{0}.cumprod(axis={axis})"),
        line,
        torch_cumprod,
        rounds=OPERANDS,
    ),
    "cumulative_sum": Entry(
        ("np.cumulative_sum({0}, axis={axis})", "np.add.accumulate({0}, {axis})"),
        true_axis,
        torch_cumsum,
        rounds=OPERANDS,
        weight=0.5,
    ),
    "cumulative_prod": Entry(
        ("np.cumulative_prod({0}, axis={axis})", "np.multiply.accumulate({0}, {axis})"),
        true_axis,
        torch_cumprod,
        rounds=OPERANDS,
        weight=0.5,
    ),
    **{
        f"{name}.reduce": Entry(
            (f"np.{name}.reduce({{0}}, axis={{axis}}, keepdims={{keepdims}})",),
            reduction,
            torch if isinstance(torch, str) else reduced(torch),
            rounds=rounds,
            weight=0.3,
            gap=gap,
            domain=lambda x: (x.size > 0,),
        )
        for name, torch, rounds, gap in [
            ("add", total, OPERANDS, None),
            ("multiply", prod, OPERANDS, None),
            ("maximum", lambda x: x.amax(-1), EXACT, to_extreme(np.max)),
            ("minimum", lambda x: x.amin(-1), EXACT, to_extreme(np.min)),
            ("logaddexp", t("logsumexp", -1), OPERANDS, None),
            ("logical_and", CONSTANT, EXACT, None),
            ("logical_or", CONSTANT, EXACT, None),
        ]
    },
    "nansum": Entry(
        ("np.nansum({0}{options})",), reduction, reduced(total), rounds=OPERANDS, weight=0.3
    ),
    "nanprod": Entry(
        ("np.nanprod({0}{options})",), reduction, reduced(prod), rounds=OPERANDS, weight=0.3
    ),
    **{
        f"nan{name}": replace(
            CORE[name], spellings=(f"np.nan{name}({{0}}{{options}})",), weight=0.3
        )
        for name in ("mean", "var", "std", "max", "min")
    },
    "nancumsum": Entry(
        ("np.nancumsum({0}, {axis})",), line, torch_cumsum, rounds=OPERANDS, weight=0.3
    ),
    "nancumprod": Entry(
        ("np.nancumprod({0}, {axis})",), line, torch_cumprod, rounds=OPERANDS, weight=0.3
    ),
    "nanmedian": Entry(
        ("np.nanmedian({0}{options})",),
        reduction,
        torch_median,
        rounds=OPERANDS,
        weight=0.3,
        domain=lambda x: (x.size > 0,),
        gap=ranks,
    ),
    "nanargmax": Entry(("np.nanargmax({0}{options})",), position, CONSTANT, weight=0.2),
    "nanargmin": Entry(("np.nanargmin({0}{options})",), position, CONSTANT, weight=0.2),
    **{
        f"{name} where": Entry(
            (f"np.{name}({{0}}, axis={{axis}}, keepdims={{keepdims}}, where={{1}})",),
            chosen,
            masked(neutral, function),
            rounds=OPERANDS,
            weight=0.3,
        )
        for name, neutral, function in (("sum", 0.0, total), ("prod", 1.0, prod))
    },
    "diff": Entry(
        ("np.diff({0}, axis={axis})",),
        true_axis,
        lambda x, axis: t("diff")(x, dim=axis),
        rounds=RESULT,
    ),
    "ediff1d": Entry(
        ("np.ediff1d({0})",), unary, lambda x: x.reshape(-1).diff(), rounds=RESULT, weight=0.5
    ),
    "gradient": Entry(
        ("np.gradient({0}, axis={axis})",), lambda d: true_axis(d, 2), torch_gradient, rounds=RESULT
    ),
    "trapezoid": Entry(
        ("np.trapezoid({0}, axis={axis})",),
        true_axis,
        lambda x, axis: t("trapezoid")(x, dim=axis),
        rounds=OPERANDS,
        weight=0.5,
    ),
    "ptp": Entry(
        ("np.ptp({0}{options})",),
        reduction,
        reduced(lambda x: x.amax(-1) - x.amin(-1)),
        rounds=RESULT,
        weight=0.5,
        gap=lambda x, axis, keepdims: np.concatenate(
            [np.ravel(to_extreme(f)(x, axis, keepdims)) for f in (np.max, np.min)]
        ),
    ),
    "average": Entry(
        ("np.average({0}, axis={axis}, weights={1}, keepdims={keepdims})",),
        weighted,
        torch_average,
        rounds=OPERANDS,
        weight=0.7,
    ),
    "sort": Entry(("np.sort({0}, axis={axis})",), line, torch_sort, gap=ranks),
    "partition": Entry(
        ("np.partition({0}, {kth}, axis={axis})",), partition, torch_partition, gap=ranks
    ),
    "median": Entry(
        ("np.median({0}{options})",),
        reduction,
        torch_median,
        rounds=OPERANDS,
        gap=ranks,
        domain=lambda x: (x.size > 0,),
    ),
    "quantile": Entry(
        ("np.quantile({0}, {q}, axis={axis}, keepdims={keepdims})",),
        fractions,
        torch_quantile,
        rounds=OPERANDS,
        gap=ranks,
    ),
    "nanquantile": Entry(
        ("np.nanquantile({0}, {q}, axis={axis}, keepdims={keepdims})",),
        fractions,
        torch_quantile,
        rounds=OPERANDS,
        gap=ranks,
        weight=0.3,
    ),
    "percentile": Entry(
        (
            "np.percentile({0}, 25, axis={axis}, keepdims={keepdims})",
            "np.nanpercentile({0}, 25, axis={axis}, keepdims={keepdims})",
        ),
        reduction,
        lambda x, axis, keepdims: torch_quantile(x, axis, keepdims, 0.25),
        rounds=OPERANDS,
        gap=ranks,
        domain=lambda x: (x.size > 0,),
        weight=0.5,
    ),
    "cov": Entry(("np.cov({0})",), samples, lambda x: t("cov")(x), rounds=OPERANDS, weight=0.7),
    "corrcoef": Entry(
        ("np.corrcoef({0})",),
        samples,
        lambda x: t("corrcoef")(x),
        rounds=OPERANDS,
        weight=0.5,
        domain=lambda x: (np.all(np.std(x, axis=-1) > 0.1), x.ndim == 2, x.shape[-1] > 2),
    ),
    "bincount": Entry(
        ("np.bincount({places}, {0}, 5)", "np.bincount({places}, weights={0}, minlength=5)"),
        places,
        torch_bincount,
        rounds=OPERANDS,
        weight=0.3,
        domain=lambda x: (x.size > 0,),
    ),
    **{
        f"running {name}imum": Entry(
            (f"np.{name}imum.accumulate({{0}}, {{axis}})",),
            true_axis,
            lambda x, axis, name=name: t(f"cum{name}")(x, dim=axis).values,
            gap=ranks,
            weight=0.4,
        )
        for name in ("max", "min")
    },
    "reduceat": Entry(
        ("np.add.reduceat({0}, [0, {i}], axis={axis})",),
        two_slices,
        torch_reduceat,
        rounds=OPERANDS,
        weight=0.4,
    ),
    "apply_along_axis": Entry(
        ("np.apply_along_axis(np.cumsum, {axis}, {0})",),
        true_axis,
        torch_cumsum,
        rounds=OPERANDS,
        weight=0.2,
    ),
    "apply_over_axes": Entry(
        ("np.apply_over_axes(np.sum, {0}, [{axis}])",),
        true_axis,
        lambda x, axis: x.sum(axis, keepdim=True),
        rounds=OPERANDS,
        weight=0.2,
    ),
    "real_if_close": Entry(("np.real_if_close({0})",), unary, MOVES, weight=0.1),
    # No gradient
    "angle": Entry(("np.angle({0})",), unary, CONSTANT, gap=lambda x: x, weight=0.2),
    "isin": Entry(("np.isin({0}, {1})",), quotient, CONSTANT, gap=at_ends, weight=0.2),
    **{
        name: Entry((f"np.{name}({{0}})",), unary, CONSTANT, weight=0.1)
        for name in ("isneginf", "isposinf", "isreal", "iscomplex")
    },
    "argsort": Entry(
        ("np.argsort({0}, axis={axis})", "{0}.argsort({axis})"),
        line,
        CONSTANT,
        gap=ranks,
        weight=0.4,
    ),
    "argpartition": Entry(
        ("np.argpartition({0}, {kth}, axis={axis})", "{0}.argpartition({kth}, {axis})"),
        partition,
        CONSTANT,
        gap=ranks,
        weight=0.2,
    ),
    "lexsort": Entry(("np.lexsort({0})",), samples, CONSTANT, gap=ranks, weight=0.2),
    "searchsorted": Entry(
        ("np.searchsorted({0}, {1})", "{0}.searchsorted({1})"),
        sorted_and,
        CONSTANT,
        gap=at_ends,
        weight=0.2,
    ),
    "digitize": Entry(("np.digitize({1}, {0})",), sorted_and, CONSTANT, gap=at_ends, weight=0.2),
    "count_nonzero": Entry(
        ("np.count_nonzero({0}, axis={axis})",),
        line,
        CONSTANT,
        gap=lambda x, axis: x,
        weight=0.2,
    ),
    "isclose": Entry(
        ("np.isclose({0}, {1})",), quotient, CONSTANT, gap=lambda a, b: a - b, weight=0.2
    ),
}
