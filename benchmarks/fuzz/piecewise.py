"""Functions that are put together of pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.fuzz.operations import t, torch_where, unary
from benchmarks.fuzz.programs import OPERANDS, RESULT, Chosen, Entry

if TYPE_CHECKING:
    from benchmarks.fuzz.drafts import Draft

WEIGHT = 0.3


def two_cases(d: Draft) -> Chosen:
    a = d.pick()
    first, second = d.mask(d.of(a).shape), d.mask(d.of(a).shape)
    return (first, second, a, d.other(a)), {"default": d.one([0, 0.5])}


def mask_of_all(d: Draft) -> Chosen:
    a = d.pick()
    return (a,), {"mask": np.asarray(d.rng.random(d.of(a).shape) < 0.5)}


def points(d: Draft) -> Chosen:
    """Where to interpolate, at which points, and between which values."""
    n = int(d.rng.integers(2, 5))
    values = lambda x: x.shape == (n,)
    fp = d.pick(where=values) if d.chance(0.5) else d.constant(d.data((n,), d.dtype()))
    xp = d.constant(np.cumsum(d.rng.uniform(0.3, 1.0, n)) - 1)
    return (d.pick(), xp, fp), {"left": d.one([None, 0.5]), "right": d.one([None, -1.0])}


def torch_select(first: Any, second: Any, a: Any, b: Any, default: Any) -> Any:
    import torch

    return torch_where(first, a, torch_where(second, b, torch.full_like(a, default)))


def torch_interp(x: Any, xp: Any, fp: Any, left: Any, right: Any) -> Any:
    import torch

    at = torch.clamp(torch.searchsorted(xp, x.detach(), right=True) - 1, 0, len(xp) - 2)
    slope = (fp[1:] - fp[:-1]) / (xp[1:] - xp[:-1])
    y = fp[at] + slope[at] * (x - xp[at])
    y = torch.where(x < xp[0], fp[0] if left is None else left, y)
    return torch.where(x > xp[-1], fp[-1] if right is None else right, y)


def torch_piecewise(x: Any, mask: Any) -> Any:
    import torch

    return torch.where(torch.from_numpy(mask), torch.sin(x), 0.5)


TABLE: dict[str, Entry] = {
    "select": Entry(
        ("np.select([{0}, {1}], [{2}, {3}], {default})",),
        two_cases,
        torch_select,
        weight=WEIGHT,
    ),
    "piecewise": Entry(
        ("np.piecewise({0}, [{mask}], [np.sin, 0.5])",),
        mask_of_all,
        torch_piecewise,
        weight=WEIGHT,
        rounds=RESULT,
    ),
    "interp": Entry(
        ("np.interp({0}, {1}, {2}, {left}, {right})",),
        points,
        torch_interp,
        weight=WEIGHT,
        rounds=OPERANDS,
        gap=lambda x, xp, fp, left, right: np.subtract.outer(x, xp),
        domain=lambda x, xp, fp: (x.size > 0,),
    ),
    "nan_to_num": Entry(("np.nan_to_num({0})",), unary, t("nan_to_num"), weight=WEIGHT),
    "unwrap": Entry(
        ("np.unwrap({0})",),
        lambda d: ((d.pick(where=lambda x: x.ndim > 0),), {}),
        lambda x: x,
        weight=WEIGHT,
        domain=lambda x: (np.abs(x).max(initial=0) < 1.5,),
    ),
}
