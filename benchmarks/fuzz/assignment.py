"""Item assignment into copies. (`python -m benchmarks.assignments` has aliases and views too.)"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.fuzz.operations import brackets
from benchmarks.fuzz.programs import Chosen, Entry, Unfit

if TYPE_CHECKING:
    from benchmarks.fuzz.drafts import Draft


def part_and_value(d: Draft) -> Chosen:
    """An index into a value, and what has the shape of that part, or broadcasts to it."""
    (x,), arguments = brackets(d)
    if d.of(x).dtype.kind != "f" or not d.of(x).ndim:
        raise Unfit
    try:
        shape = d.of(x)[arguments["index"].items].shape
    except IndexError:
        raise Unfit from None
    if d.chance(0.3):
        return (x, d.number()), arguments
    fits = lambda v: v.shape == shape[len(shape) - v.ndim :]
    if d.chance(0.5):
        return (x, d.pick("fb", where=fits)), arguments
    return (
        x,
        d.constant(d.data(shape[int(d.rng.integers(len(shape) + 1)) :], d.dtype())),
    ), arguments


def mask_and_number(d: Draft) -> Chosen:
    x = d.pick(where=lambda x: x.ndim > 0)
    leading = lambda m: 0 < m.ndim and m.shape == d.of(x).shape[: m.ndim]
    return (x, d.pick("b", leading), d.number()), {}


def torch_assigned(x: Any, value: Any, index: Any) -> Any:
    """Which entry of the value each entry of x takes: NumPy itself is asked."""
    import torch

    taken = np.full(tuple(x.shape), -1)
    shape = taken[index.items].shape
    taken[index.items] = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    value = torch.as_tensor(value).to(x.dtype).expand(shape).reshape(-1)
    if not value.numel():
        return x
    at = torch.from_numpy(taken)
    return torch.where(at >= 0, value[at.clamp(min=0)], x)


def torch_masked(x: Any, mask: Any, number: Any) -> Any:
    import torch

    mask = mask.bool().reshape(tuple(mask.shape) + (1,) * (x.ndim - mask.ndim))
    return torch.where(mask, torch.as_tensor(number).to(x.dtype), x)


TABLE: dict[str, Entry] = {
    "item assignment": Entry(
        ("assigned({0}, np.s_[{index}], {1})",), part_and_value, torch_assigned, weight=3
    ),
    "assignment by a mask": Entry(
        ("assigned({0}, {1}, {2})",), mask_and_number, torch_masked, weight=1
    ),
}
