"""Item assignment into copies. (`python -m benchmarks.assignments` has aliases and views too.)"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.fuzz.operations import brackets, moves
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


WRITTEN = [  # views, or copies: NumPy decides by how y lies in memory
    *("y", "y.reshape(-1)", "y.ravel()", "y.T.reshape(-1)", "y.T.ravel()", "y.T", "y.flatten()"),
    *("np.ravel(y, 'F')", "y[::-1].reshape(-1)", "y[..., ::2].reshape(-1)", "y[..., :1].ravel()"),
    *("y[None].reshape(-1)", "y.swapaxes(0, -1).reshape(-1)", "np.expand_dims(y, 1)", "np.flip(y)"),
    *("y.copy().reshape(-1)", "(y * 1).T.reshape(-1)", "np.rollaxis(y, -1).reshape(-1)"),
]
SIMPLE = {  # steps that are one operation, as all that are a ufunc of NumPy's
    *("where", "sum", "max", "min", "any", "all", "astype", "index", "einsum", "dot"),
    *("reshape", "transpose", "permute", "swapaxes", "moveaxis", "broadcast_to", "concatenate"),
    *("stack", "item assignment", "assignment through a view"),
}
PARTS = ["", "[:1]", "[1:]", "[::2]", "[::-1]"]


def lying_as_in_numpy(d: Draft) -> set[str]:
    """The steps whose values are known to lie in memory on the tape as they do in NumPy.

    Functions that are put together of others give the numbers of NumPy's, in an order of their own.
    """
    found: set[str] = set()
    for y, step in d.steps.items():
        simple = step.entry.name in SIMPLE or isinstance(
            getattr(np, step.entry.name, None), np.ufunc
        )
        if simple and {x for x in step.operands if x in d.steps} <= found:
            found.add(y)
    return found


def view_and_value(d: Draft) -> Chosen:
    """What may be a view of a copy of a value, and what broadcasts to it."""
    x = d.pick(where=lambda x: x.ndim > 0)
    if x not in d.on_tape:
        raise Unfit
    known = x in d.inputs or x in lying_as_in_numpy(d)
    order = d.one("CFKKKK" if known else "CF")
    view = d.one(WRITTEN) + d.one(PARTS)
    shape = eval(view, {"np": np, "y": d.of(x)}).shape
    value = d.data(shape[int(d.rng.integers(len(shape) + 1)) :], d.of(x).dtype)
    alike = lambda v: v.shape == shape and v.dtype == d.of(x).dtype
    operand = d.pick(where=alike) if d.chance(0.3) else d.constant(value)
    return (x, operand), {"order": f"{order!r}", "view": view}


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
    "assignment through a view": moves(
        "through({0}, {order}, lambda y: {view}, {1})", choose=view_and_value, weight=6
    ),
    "assignment by a mask": Entry(
        ("assigned({0}, {1}, {2})",), mask_and_number, torch_masked, weight=1
    ),
}
