"""What assembles arrays, cuts them and rearranges them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.fuzz.operations import Choose, moves, new_shape, pile, same_size
from benchmarks.fuzz.programs import CONSTANT, OPERANDS, Chosen, Entry

if TYPE_CHECKING:
    from benchmarks.fuzz.drafts import Draft

AXIS = [0, -1, 1, 0]
ANY_AXIS = [None, *AXIS]


def with_options(ndim: int = 0, **options: Any) -> Choose:
    """A value, and one of several for each argument; what does not fit is drawn again."""

    def choose(d: Draft) -> Chosen:
        x = d.pick("fffb", lambda x: x.ndim >= ndim)
        return (x,), {name: d.one(values) for name, values in options.items()}

    return choose


def matrix(d: Draft) -> Chosen:
    return (d.pick(where=lambda x: x.ndim == 2),), {}


def with_constant(d: Draft) -> Chosen:
    x = d.pick()
    c = d.constant(d.data(d.fitting(d.of(x).shape), d.of(x).dtype))
    return ((x, c) if d.chance(0.5) else (c, x)), {}


def inserted(d: Draft) -> Chosen:
    x = d.pick(where=lambda x: x.ndim > 0)
    value = d.constant(d.data(d.one([(), (1,), d.of(x).shape]), d.of(x).dtype))
    return (x, value), {"i": d.one([0, 1, -1, [0, 0]]), "axis": d.one(ANY_AXIS)}


def indices(d: Draft) -> Chosen:
    x = d.pick(where=lambda x: x.ndim > 0 and x.size > 0)
    shape = list(d.of(x).shape)
    axis = int(d.rng.integers(-len(shape), len(shape)))
    n, shape[axis] = shape[axis], int(d.one([1, 2, 3]))
    return (x,), {"i": d.rng.integers(-n, n, size=shape), "axis": axis}


def chosen(d: Draft) -> Chosen:
    condition = d.pick("b")
    shape = d.of(condition).shape
    a, b = d.pick(where=lambda x: x.shape == shape), d.constant(d.data(shape, d.dtype()))
    return (condition, *((a, b) if d.chance(0.5) else (b, a))), {}


def several_choices(d: Draft) -> Chosen:
    operands, _ = pile(d)
    shape = d.of(operands[0]).shape
    return operands, {"i": d.rng.integers(0, len(operands), size=shape)}


def part(d: Draft) -> Chosen:
    x = d.pick()
    return (x,), {"c": d.rng.random(d.of(x).shape) < 0.6}


def between(d: Draft) -> Chosen:
    operands, _ = with_constant(d)
    last = max(d.of(x).ndim for x in operands)
    return operands, {
        "num": d.one([1, 2, 3, 5]),
        "endpoint": d.chance(0.7),
        "axis": d.one([0, last, -1]),
    }


def between_positive(d: Draft) -> Chosen:
    x = d.positive()
    c = d.constant(d.rng.uniform(0.5, 2, d.of(x).shape).astype(d.of(x).dtype))
    return (x, c), {"num": d.one([1, 2, 3, 5]), "endpoint": d.chance(0.7)}


# PyTorch's side


def filled(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that moves entries and puts zeros: NumPy says where."""

    def torch_filled(x: Any, **arguments: Any) -> Any:
        import torch

        places = function(np.arange(1, x.numel() + 1).reshape(tuple(x.shape)), *arguments.values())
        return torch.cat([x.new_zeros(1), x.reshape(-1)])[torch.tensor(places)]

    return torch_filled


def torch_trace(x: Any, k: int) -> Any:
    return x.diagonal(k).sum(-1)


def torch_choose(condition: Any, a: Any, b: Any) -> Any:
    import torch

    return torch.where(condition != 0, b, a)


def torch_linspace(a: Any, b: Any, num: int, endpoint: bool, axis: int = 0) -> Any:
    import torch

    a, b = torch.broadcast_tensors(a, b)
    steps = [k / max(num - endpoint, 1) for k in range(num)]
    return torch.stack([a + (b - a) * step for step in steps], axis)


def torch_geomspace(a: Any, b: Any, num: int, endpoint: bool) -> Any:
    return torch_linspace(a.log(), b.log(), num, endpoint).exp()


def piles(name: str) -> Entry:
    return moves(f"np.{name}([{{all}}])", f"np.{name}(({{all}},))", choose=pile, weight=0.4)


def pieces(name: str, ndim: int, *axis: str) -> Entry:
    """One of the arrays that an array is split into."""
    arguments = ", ".join(["{0}", "{at}", *axis])
    options = {"at": [1, 2, [1], [1, 2]], "i": [0, -1], "axis": AXIS}
    return moves(f"np.{name}({arguments})[{{i}}]", choose=with_options(ndim, **options), weight=0.4)


def turns(spelling: str, *others: str, ndim: int = 0, **options: Any) -> Entry:
    return moves(spelling, *others, choose=with_options(ndim, **options), weight=0.4)


def fills(name: str, function: Callable[..., Any], ndim: int, **options: Any) -> Entry:
    names = "".join(f", {{{option}}}" for option in options)
    choose = with_options(ndim, **options)
    return Entry((f"np.{name}({{0}}{names})",), choose, filled(function), weight=0.4)


def of_entries(entry: Entry) -> Entry:
    """A step on values with entries alone: without any, NumPy takes some that are not there."""
    return replace(entry, domain=lambda x: (x.size > 0,))


K = [0, 1, -1]
TABLE: dict[str, Entry] = {
    **{name: piles(name) for name in ("vstack", "hstack", "dstack", "column_stack")},
    "block": moves("np.block([[{all}], [{all}]])", choose=pile, weight=0.4),
    "append": moves("np.append({0}, {1})", choose=same_size, weight=0.4),
    "insert": moves("np.insert({0}, {i}, {1}, {axis})", choose=inserted, weight=0.4),
    **{
        f"atleast_{n}d": moves(f"np.atleast_{n}d({{0}})", f"np.atleast_{n}d({{0}}, 0)[0]")
        for n in (1, 2, 3)
    },
    "split": pieces("split", 1, "{axis}"),
    "array_split": pieces("array_split", 1, "{axis}"),
    "hsplit": pieces("hsplit", 1),
    "vsplit": pieces("vsplit", 2),
    "dsplit": pieces("dsplit", 3),
    "unstack": turns("np.unstack({0}, axis={axis})[{i}]", ndim=1, axis=AXIS, i=[0, -1]),
    "delete": turns("np.delete({0}, {i}, {axis})", i=[0, -1, [0, 0], [0, 1]], axis=ANY_AXIS),
    "repeat": turns(
        "np.repeat({0}, {n}, {axis})",
        "{0}.repeat({n}, axis={axis})",
        n=[1, 2, 2, 0, [2], [1, 2], [0, 2, 1]],
        axis=ANY_AXIS,
    ),
    "tile": turns("np.tile({0}, {n})", n=[2, (2,), (1, 2), (2, 1, 1), 1, 0]),
    "resize": of_entries(
        turns("np.resize({0}, {shape})", ndim=0, shape=[3, (2, 2), (1, 5), (4,), (2, 3)])
    ),
    "meshgrid": moves(
        "np.meshgrid({0}, {1})[0] + 0 * np.meshgrid({1}, {0}, indexing='ij')[1]",
        choose=same_size,
        weight=0.2,
    ),
    "broadcast_arrays": moves("np.broadcast_arrays({0}, {1})[0]", choose=with_constant, weight=0.4),
    "pad": fills("pad", np.pad, 0, width=[1, (0, 2), ((1, 0),), 0]),
    "pad by its entries": turns(
        "np.pad({0}, {width}, {mode})",
        width=[1, (0, 2), ((1, 0),), 3],
        mode=["'edge'", "'reflect'", "'symmetric'", "'wrap'"],
    ),
    "roll": turns("np.roll({0}, {n}, {axis})", n=[1, -1, 2, 0, 5], axis=ANY_AXIS),
    "roll axes": turns("np.roll({0}, (1, -1), (0, 1))", ndim=2),
    "flip": turns("np.flip({0}, {axis})", axis=[*ANY_AXIS, (0, 1)]),
    "flipud": turns("np.flipud({0})", ndim=1),
    "fliplr": turns("np.fliplr({0})", ndim=2),
    "rot90": turns("np.rot90({0}, {k}, {axes})", ndim=2, k=[1, 2, 3, -1], axes=[(0, 1), (-1, 0)]),
    "rollaxis": turns("np.rollaxis({0}, {k}, {to})", ndim=1, k=AXIS, to=[0, 1, 2, -1]),
    "columns first": moves(
        "np.reshape({0}, {shape}, order='F')", "{0}.reshape({shape}, order='F')", choose=new_shape
    ),
    "ravel columns": turns("np.ravel({0}, 'F')", "{0}.ravel(order='F')", "{0}.flatten('F')"),
    "tril": fills("tril", np.tril, 1, k=K),
    "triu": fills("triu", np.triu, 1, k=K),
    "diag": fills("diag", np.diag, 1, k=K),
    "diagflat": fills("diagflat", np.diagflat, 0, k=K),
    "diagonal": turns(
        "np.diagonal({0}, {k}, {i}, {j})",
        "{0}.diagonal({k}, {i}, {j})",
        ndim=2,
        k=K,
        i=[0, -1],
        j=[1, 2],
    ),
    "trace": Entry(
        ("np.trace({0}, {k})", "{0}.trace({k})"),
        with_options(2, k=K),
        torch_trace,
        weight=0.4,
        rounds=OPERANDS,
    ),
    **{
        name: moves(f"{{0}}[np.{name}({{0}})]", choose=matrix, weight=0.2)
        for name in ("diag_indices_from", "tril_indices_from", "triu_indices_from")
    },
    "take": of_entries(
        turns(
            "np.take({0}, {i}, {axis})",
            "{0}.take({i}, {axis})",
            "np.take({0}, {i}, axis={axis}, mode='wrap')",
            i=[0, -1, [0, 0, 1], [[0, 1], [-1, 0]]],
            axis=ANY_AXIS,
        ),
    ),
    "take_along_axis": moves("np.take_along_axis({0}, {i}, {axis})", choose=indices, weight=0.4),
    "compress": of_entries(
        turns(
            "np.compress({c}, {0}, {axis})",
            "{0}.compress({c}, {axis})",
            c=[[True], [True, False, True], [0, 1]],
            axis=ANY_AXIS,
        ),
    ),
    "extract": moves("np.extract({c}, {0})", choose=part, weight=0.4),
    "choose": Entry(
        ("np.choose({0}, [{1}, {2}])",),
        chosen,
        torch_choose,
        weight=0.4,
    ),
    "choose by numbers": moves("np.choose({i}, [{all}])", choose=several_choices, weight=0.4),
    "windows": turns(
        "np.lib.stride_tricks.sliding_window_view({0}, {n}, {axis})",
        ndim=1,
        n=[1, 2, 2, (2, 2), (3,)],
        axis=[0, -1, (0, 1), (1, 0), (0, 0)],
    ),
    "linspace": Entry(
        ("np.linspace({0}, {1}, {num}, {endpoint}, axis={axis})",),
        between,
        torch_linspace,
        weight=0.4,
        rounds=OPERANDS,
    ),
    "logspace": Entry(
        ("np.logspace({0}, {1}, {num}, {endpoint}, axis={axis})",),
        between,
        lambda *operands, **arguments: 10 ** torch_linspace(*operands, **arguments),
        weight=0.3,
        rounds=OPERANDS,
    ),
    "geomspace": Entry(
        ("np.geomspace({0}, {1}, {num}, {endpoint})",),
        between_positive,
        torch_geomspace,
        weight=0.3,
        rounds=OPERANDS,
    ),
    "full_like": Entry(
        ("np.full_like({0}, {x})",), with_options(x=[0.5, -2.0, 3]), CONSTANT, weight=0.2
    ),
    "empty_like": Entry(
        ("np.ones_like(np.empty_like({0}))",), with_options(), CONSTANT, weight=0.1
    ),
    "copy": moves("np.copy({0})", "{0}.copy()", weight=0.3),
}
