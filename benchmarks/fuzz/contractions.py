"""NumPy's further products, and convolutions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.fuzz.operations import Choose, t
from benchmarks.fuzz.programs import OPERANDS, RESULT, Chosen, Entry, Unfit

Fits = Callable[[np.ndarray], bool]


def second(d: Any, shape: tuple[int, ...], fits: Fits | None = None) -> str:
    """Another value that fits, or a constant of this shape."""
    if d.chance(0.5):
        return d.pick(where=fits or (lambda x: x.shape == shape))
    return d.constant(d.data(shape, d.dtype()))


def either_order(d: Any, a: str, b: str) -> tuple[str, str]:
    return (b, a) if d.chance(0.3) else (a, b)


def two_small(d: Any) -> Chosen:
    a = d.pick(where=lambda x: x.size <= 20)
    b = second(d, d.shape(), lambda x: x.size <= 20)
    return either_order(d, a, b), {}


def outer_of(d: Any) -> Chosen:
    if d.chance(0.1):
        return (d.pick(), d.number()), {}
    return two_small(d)


def quotient_of(d: Any) -> Chosen:
    return (d.pick(where=lambda x: x.size <= 20), d.positive()), {}


def same_last(d: Any) -> Chosen:
    a = d.pick(where=lambda x: x.ndim > 0)
    n = d.of(a).shape[-1]
    shape = (*d.shape()[:2], n)
    return either_order(d, a, second(d, shape, lambda x: x.ndim > 0 and x.shape[-1] == n)), {}


def same_count(d: Any) -> Chosen:
    a = d.pick()
    n = d.of(a).size
    return (a, second(d, (n,), lambda x: x.size == n)), {}


def vectors(d: Any) -> Chosen:
    a = d.pick(where=lambda x: x.ndim > 0)
    shape = d.of(a).shape
    k = int(d.rng.integers(len(shape))) if d.chance(0.3) else len(shape) - 1
    axis = k - len(shape)
    batch = d.fitting(shape[:k] + shape[k + 1 :])
    if len(batch) < -axis - 1:
        raise Unfit
    place = len(batch) + axis + 1
    other = d.constant(d.data((*batch[:place], shape[k], *batch[place:]), d.dtype()))
    return either_order(d, a, other), {"axis": axis}


def matrix_and_vector(d: Any) -> Chosen:
    A = d.pick(where=lambda x: x.ndim > 1)
    *batch, _, n = d.of(A).shape
    return (A, second(d, (*d.fitting(tuple(batch)), n))), {}


def vector_and_matrix(d: Any) -> Chosen:
    A = d.pick(where=lambda x: x.ndim > 1)
    *batch, n, _ = d.of(A).shape
    return (second(d, (*d.fitting(tuple(batch)), n)), A), {}


def vectors_of_three(d: Any) -> Chosen:
    shape = (*d.shape()[:2], 3)
    found = [n for n in d.names() if d.of(n).dtype.kind == "f" and d.of(n).shape[-1:] == (3,)]
    if found:
        a = d.one(found)
        shape = (*d.fitting(d.of(a).shape[:-1]), 3)
    else:
        a = d.add_any("multiply", d.pick(where=lambda x: x.ndim == 0), d.constant(np.ones(shape)))
    return either_order(d, a, d.constant(d.data(shape, d.dtype()))), {}


def axes_of_both(d: Any) -> Chosen:
    a = d.pick()
    shape = d.of(a).shape
    if d.chance(0.3):
        n = int(d.rng.integers(len(shape) + 1))
        return (a, second(d, shape[len(shape) - n :] + d.shape()[:1])), {"axes": n}
    chosen = [int(k) for k in d.rng.permutation(len(shape))[: int(d.rng.integers(3))]]
    order = [int(k) for k in d.rng.permutation(len(chosen))]
    there = d.shape()[:1] + tuple(shape[chosen[k]] for k in order)
    first = len(there) - len(chosen)
    places = [first + order.index(k) for k in range(len(chosen))]
    here = [k - len(shape) if d.chance(0.4) else k for k in chosen]
    return (a, d.constant(d.data(there, d.dtype()))), {"axes": (tuple(here), tuple(places))}


def lists_of_axes(d: Any) -> Chosen:
    a = d.pick(where=lambda x: 0 < x.ndim < 4)
    here = [int(k) for k in d.rng.permutation(d.of(a).ndim)]
    shared = here[: int(d.rng.integers(1, len(here) + 1))]
    there = [*shared, 7]
    sizes = dict(zip(here, d.of(a).shape, strict=True))
    b = d.constant(d.data(tuple(sizes.get(k, 2) for k in there), d.dtype()))
    output = [k for k in (*here, 7) if d.chance(0.5)]
    return (a, b), {"here": here, "there": there, "output": output}


def lines(d: Any) -> Chosen:
    line = lambda x: x.ndim == 1 and x.size > 0
    a = d.pick(where=line)
    b = second(d, (int(d.one([1, 2, 3, 4])),), line)
    return either_order(d, a, b), {"mode": d.one(["full", "same", "valid"])}


def polynomial(d: Any) -> Chosen:
    p = second(d, (int(d.one([1, 2, 3])),), lambda x: x.ndim == 1 and x.size < 5)
    return (p, d.pick()), {}


def powers_of_line(d: Any) -> Chosen:
    x = d.pick(where=lambda x: x.ndim == 1)
    return (x,), {"N": d.one([None, 1, 2, 3]), "increasing": d.chance(0.5)}


def two_lines(d: Any) -> Chosen:
    return lines(d)[0], {}


def times(d: Any) -> Chosen:
    x = d.pick(where=lambda x: x.ndim == 1 and x.size > 0)
    return (x,), {"m": d.one([1, 2])}


# PyTorch's side


def torch_termwise(sign: int) -> Callable[..., Any]:
    def torch_sum(a: Any, b: Any) -> Any:
        n = max(len(a), len(b))
        a, b = (t("nn.functional.pad")(x, (n - len(x), 0)) for x in (a, b))
        return a + sign * b

    return torch_sum


def torch_polyder(p: Any, m: int) -> Any:
    for _ in range(m):
        p = p[:-1] * p.new_tensor(range(len(p) - 1, 0, -1))
    return p


def torch_polyint(p: Any, m: int) -> Any:
    import torch

    for _ in range(m):
        p = torch.cat([p / torch.arange(len(p), 0, -1), torch.zeros(1, dtype=p.dtype)])
    return p


def torch_outer(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda a, b: function(a.reshape((*a.shape, *[1] * b.ndim)), b)


def torch_cross(a: Any, b: Any) -> Any:
    import torch

    return torch.linalg.cross(*torch.broadcast_tensors(a, b))


def torch_tensordot(a: Any, b: Any, axes: Any) -> Any:
    import torch

    return torch.tensordot(a, b, dims=axes)


def torch_einsum_of_lists(a: Any, b: Any, here: Any, there: Any, output: Any) -> Any:
    import torch

    return torch.einsum(a, here, b, there, output)


def torch_convolve(a: Any, v: Any, mode: str) -> Any:
    """The sum of a, shifted and scaled by each entry of v."""
    import torch

    if len(v) > len(a):
        a, v = v, a
    pad = torch.nn.functional.pad
    y = sum(v[k] * pad(a, (k, len(v) - 1 - k)) for k in range(len(v)))
    start = {"full": 0, "same": (len(v) - 1) // 2, "valid": len(v) - 1}[mode]
    return y[start : start + {"full": len(y), "same": len(a)}.get(mode, len(a) - len(v) + 1)]


def torch_correlate(a: Any, v: Any, mode: str) -> Any:
    if len(v) > len(a):
        return torch_correlate(v, a, mode).flip(0)
    return torch_convolve(a, v.flip(0), mode)


def torch_polyval(p: Any, x: Any) -> Any:
    y = 0 * x
    for k in range(len(p)):
        y = y * x + p[k]
    return y


def torch_vander(x: Any, N: int | None, increasing: bool) -> Any:
    """(torch.vander has no derivative: it writes over what that would need.)"""
    import torch

    powers = torch.arange(len(x) if N is None else N)
    return x[:, None] ** (powers if increasing else powers.flip(0))


def torch_kron(a: Any, b: Any) -> Any:
    """PyTorch's, which takes no matrix whose memory is in another order."""
    return t("kron")(a.contiguous(), b.contiguous())


def product(line: str, choose: Choose, torch: Callable[..., Any], **extra: Any) -> Entry:
    return Entry((line,), choose, torch, rounds=OPERANDS, weight=0.4, **extra)


TABLE: dict[str, Entry] = {
    "outer": product(
        "np.outer({0}, {1})", two_small, lambda a, b: a.reshape(-1, 1) * b.reshape(-1)
    ),
    **{
        f"{name} of all pairs": Entry(
            (f"np.{name}.outer({{0}}, {{1}})",),
            quotient_of if name == "divide" else outer_of,
            torch_outer(t(name)),
            rounds=RESULT,
            weight=0.2,
        )
        for name in ("add", "subtract", "multiply", "divide")
    },
    "inner": product("np.inner({0}, {1})", same_last, t("inner")),
    "vdot": product(
        "np.vdot({0}, {1})", same_count, lambda a, b: (a.reshape(-1) * b.reshape(-1)).sum()
    ),
    "vecdot": product(
        "np.vecdot({0}, {1}, axis={axis})", vectors, lambda a, b, axis: (a * b).sum(axis)
    ),
    "matvec": product(
        "np.matvec({0}, {1})", matrix_and_vector, lambda a, b: (a @ b[..., None])[..., 0]
    ),
    "vecmat": product(
        "np.vecmat({0}, {1})", vector_and_matrix, lambda a, b: (a[..., None, :] @ b)[..., 0, :]
    ),
    "kron": product("np.kron({0}, {1})", two_small, torch_kron),
    "cross": product("np.cross({0}, {1})", vectors_of_three, torch_cross),
    "tensordot": product("np.tensordot({0}, {1}, {axes})", axes_of_both, torch_tensordot),
    "einsum of lists": product(
        "np.einsum({0}, {here}, {1}, {there}, {output})", lists_of_axes, torch_einsum_of_lists
    ),
    "convolve": product("np.convolve({0}, {1}, {mode!r})", lines, torch_convolve),
    "correlate": product("np.correlate({0}, {1}, {mode!r})", lines, torch_correlate),
    "polyval": product("np.polyval({0}, {1})", polynomial, torch_polyval),
    "polyadd": product("np.polyadd({0}, {1})", two_lines, torch_termwise(1)),
    "polysub": product("np.polysub({0}, {1})", two_lines, torch_termwise(-1)),
    "polyder": product("np.polyder({0}, {m})", times, torch_polyder),
    "polyint": product("np.polyint({0}, {m})", times, torch_polyint),
    "vander": product("np.vander({0}, {N}, increasing={increasing})", powers_of_line, torch_vander),
}
