"""The table of everything that a Tensor takes: how a step is written, drawn, and judged."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.fuzz.programs import (
    CONSTANT,
    EXACT,
    MOVES,
    OPERANDS,
    RESULT,
    SLOPE,
    Chosen,
    Entry,
    Index,
    Unfit,
)

if TYPE_CHECKING:
    from benchmarks.fuzz.drafts import Draft

Choose = Callable[[Any], Chosen]

# How operands and arguments are chosen


def unary(d: Draft) -> Chosen:
    return (d.pick(),), {}


def of_positive(d: Draft) -> Chosen:
    return (d.positive(),), {}


def any_kind(d: Draft) -> Chosen:
    return (d.pick("fffbi"),), {}


def pair(d: Draft) -> Chosen:
    a = d.pick()
    b = d.other(a)
    return ((b, a) if d.chance(0.4) else (a, b)), {}


def quotient(d: Draft) -> Chosen:
    if d.chance(0.5):
        b = d.positive()
        a = d.other(b)
        return (a, b), {}
    a = d.pick()
    return (a, d.other(a)), {}


def powers(d: Draft) -> Chosen:
    how = d.rng.random()
    if how < 0.4:
        return (d.pick(), d.one([2, 3, 4, 1, 0, 2.0, 3.0, 5])), {}
    if how < 0.6:
        return (d.positive(), d.one([-1, 0.5, -2, 1.5, -0.5, 2, np.float64(0.3)])), {}
    if how < 0.75:
        return (d.one([2, 2.0, 0.5, 3, np.float64(1.5)]), d.pick()), {}
    a = d.positive()
    return (a, d.other(a)), {}


def booleans(d: Draft) -> Chosen:
    a = d.pick("b")
    return (a, d.mask(d.of(a).shape)), {}


def one_boolean(d: Draft) -> Chosen:
    return (d.pick("b"),), {}


def choice(d: Draft) -> Chosen:
    a = d.pick()
    condition = d.mask(d.of(a).shape) if d.chance(0.85) else a
    b = d.other(a)
    return (condition, *((b, a) if d.chance(0.5) else (a, b))), {}


def bounds(d: Draft) -> Chosen:
    x = d.pick()
    how = d.rng.random()
    if how < 0.5:
        low, high = d.one([(-1.0, 1.0), (-0.5, 2), (0, 1), (None, 0.5), (-0.5, None), (1.0, -1.0)])
        return (x, low, high), {}
    low, high = d.other(x), d.other(x)
    return (x, *d.one([(low, high), (None, high), (low, None)])), {}


def axes(d: Draft, ndim: int, several: bool = True) -> Any:
    """An axis, several, or all of them."""
    if not ndim or d.chance(0.25):
        return None
    chosen = d.rng.permutation(ndim)[: int(d.rng.integers(1, ndim + 1))]
    signed = tuple(int(k - ndim if d.chance(0.4) else k) for k in chosen)
    return signed if several and d.chance(0.5) else signed[0]


def reduction(d: Draft) -> Chosen:
    x = d.pick()
    return (x,), {"axis": axes(d, d.of(x).ndim), "keepdims": d.chance(0.4)}


def reduction_of_any(d: Draft) -> Chosen:
    x = d.pick("fffb")
    return (x,), {"axis": axes(d, d.of(x).ndim), "keepdims": d.chance(0.4)}


def reduction_of_booleans(d: Draft) -> Chosen:
    x = d.pick("b")
    return (x,), {"axis": axes(d, d.of(x).ndim), "keepdims": d.chance(0.4)}


def spread(d: Draft) -> Chosen:
    operands, arguments = reduction(d)
    return operands, arguments | {"ddof": d.one([0, 0, 1])}


def position(d: Draft) -> Chosen:
    x = d.pick()
    return (x,), {"axis": axes(d, d.of(x).ndim, several=False), "keepdims": d.chance(0.3)}


def along(d: Draft) -> Chosen:
    x = d.pick(where=lambda x: x.ndim > 0 and x.size > 0)
    axis = axes(d, d.of(x).ndim)
    return (x,), {"axis": -1 if axis is None else axis}


def new_shape(d: Draft) -> Chosen:
    x = d.pick("fffbi")
    size = rest = d.of(x).size
    shape: list[int] = []
    while rest > 1 and len(shape) < 4:
        n = int(d.one([n for n in range(1, rest + 1) if rest % n == 0]))
        shape.append(n)
        rest //= n
    shape += [rest] if rest != 1 or d.chance(0.3) else []
    if shape and size and d.chance(0.3):
        shape[int(d.rng.integers(len(shape)))] = -1
    return (x,), {"shape": shape[0] if len(shape) == 1 and d.chance(0.5) else tuple(shape)}


def same_size(d: Draft) -> Chosen:
    x = d.pick()
    return (x, d.pick(where=lambda y: y.size == d.of(x).size)), {}


def permutation(d: Draft) -> Chosen:
    x = d.pick("fffb", lambda x: x.ndim > 0)
    ndim = d.of(x).ndim
    order = d.rng.permutation(ndim) - (ndim if d.chance(0.2) else 0)
    return (x,), {"axes": tuple(int(k) for k in order)}


def two_axes(d: Draft) -> Chosen:
    x = d.pick(where=lambda x: x.ndim > 0)
    n = d.of(x).ndim
    i, j = (int(k) for k in d.rng.integers(-n, n, size=2))
    return (x,), {"i": i, "j": j}


def several_axes(d: Draft) -> Chosen:
    x = d.pick(where=lambda x: x.ndim > 1)
    n = d.of(x).ndim
    i, j = (tuple(int(k) for k in d.rng.permutation(n)[:2]) for _ in range(2))
    return (x,), {"i": i, "j": j}


def matrices(d: Draft) -> Chosen:
    return (d.pick("fffb", lambda x: x.ndim > 1),), {}


def ones(d: Draft) -> Chosen:
    x = d.pick(where=lambda x: 1 in x.shape)
    places = [k for k, n in enumerate(d.of(x).shape) if n == 1]
    axis = tuple(places) if d.chance(0.3) else d.one(places)
    return (x,), {"axis": None if d.chance(0.3) else axis}


def new_axes(d: Draft) -> Chosen:
    x = d.pick()
    n = d.of(x).ndim
    if d.chance(0.7):
        return (x,), {"axis": int(d.rng.integers(-n - 1, n + 1))}
    return (x,), {"axis": tuple(int(k) for k in d.rng.permutation(n + 2)[:2])}


def wider(d: Draft) -> Chosen:
    x = d.pick()
    shape = [int(d.one([*d.sizes, 2])) if n == 1 and d.chance(0.6) else n for n in d.of(x).shape]
    if d.chance(0.4):
        shape.insert(0, int(d.one([*d.sizes, 2])))
    return (x,), {"shape": tuple(shape)}


def index_item(d: Draft, n: int) -> Any:
    """What may stand for one axis of length n."""
    how = d.rng.random()
    if how < 0.3 and n:
        return int(d.rng.integers(-n, n))
    if how < 0.8 or not n:
        start, stop = (d.one([None, *range(-n, n + 1)]) for _ in range(2))
        return slice(start, stop, d.one([None, None, 1, 2, -1, -1, -2]))
    places = d.rng.integers(-n, n, size=int(d.rng.integers(1, 5)))
    return places if d.chance(0.7) else places.tolist()


def brackets(d: Draft) -> Chosen:
    x = d.pick("ffffb")
    shape = d.of(x).shape
    how = d.rng.random()
    if how < 0.08:
        return (x,), {"index": Index((d.rng.random(shape) < 0.6,))}
    if how < 0.16 and shape:
        return (x,), {
            "index": Index((d.rng.random(shape[:1]) < 0.6, *([slice(1, None)] * (len(shape) > 1))))
        }
    if how < 0.24 and len(shape) > 1 and all(shape):
        size = (int(d.rng.integers(1, 4)),)
        arrays = [d.rng.integers(-n, n, size=size) for n in shape]
        arrays[0] = arrays[0][:, None] if d.chance(0.3) else arrays[0]
        return (x,), {"index": Index(tuple(arrays))}
    if how < 0.3 and shape and shape[0]:
        return (x,), {"index": Index((d.rng.integers(-shape[0], shape[0], size=(2, 2)),))}
    items: list[Any] = [index_item(d, n) for n in shape[: int(d.rng.integers(len(shape) + 1))]]
    if d.chance(0.25):  # the rest from the end
        rest = shape[len(items) :]
        last = int(d.rng.integers(len(rest) + 1))
        items += [..., *(index_item(d, n) for n in rest[len(rest) - last :])]
    if d.chance(0.2):
        items.insert(int(d.rng.integers(len(items) + 1)), None)
    return (x,), {"index": Index(tuple(items), d.chance(0.3))}


def positions(d: Draft) -> Chosen:
    """An index that is itself a value."""
    places = d.pick("i")
    largest = max(int(values[places].max(initial=0)) for values in d.values)
    smallest = min(int(values[places].min(initial=0)) for values in d.values)
    return (
        d.pick(where=lambda x: x.ndim > 0 and -x.shape[0] <= smallest <= largest < x.shape[0]),
        places,
    ), {}


def product(d: Draft) -> Chosen:
    a = d.pick(where=lambda x: x.ndim > 0)
    shape = d.of(a).shape
    n, new = shape[-1], int(d.one([*d.sizes, 2]))
    if d.chance(0.45):
        pairs = lambda x: x.ndim > 0 and x.shape[-2:][0] == n
        return (a, d.pick(where=pairs)), {}
    if d.chance(0.5):
        batch = shape[:-2] if d.chance(0.3) else ()
        right = (n,) if d.chance(0.25) else (*batch, n, new)
        return (a, d.constant(d.data(right, d.dtype()))), {}
    rows = shape[-2:][0]
    left = (rows,) if d.chance(0.25) else (new, rows)
    return (d.constant(d.data(left, d.dtype())), a), {}


def product_of_value(d: Draft) -> Chosen:
    operands, arguments = product(d)
    if operands[0] in d.constants:  # an array's own method would ask for the Tensor's array
        raise Unfit
    return operands, arguments


def contraction(d: Draft) -> Chosen:
    letters: dict[str, int] = {}
    terms, operands = [], []
    for k in range(int(d.rng.choice([1, 2, 3], p=[0.2, 0.6, 0.2]))):
        name = d.pick(where=lambda x: 0 < x.ndim < 4) if k == 0 or d.chance(0.5) else ""
        if not name:
            chosen = [i for i in letters if d.chance(0.6)]
            shape = [letters[i] if d.chance(0.9) else 1 for i in chosen]
            shape += [int(d.one(d.sizes))] * d.chance(0.4)
            name = d.constant(d.data(tuple(shape), d.dtype()))
        term = ""
        for n in d.of(name).shape:
            twice = d.chance(0.15)
            known = [i for i, m in letters.items() if m == n and (twice or i not in term)]
            fresh = next(i for i in "ijklmnopq" if i not in letters and i not in term)
            letter = d.one(known) if known and d.chance(0.8) else fresh
            letters.setdefault(letter, n)
            term += letter
        terms.append(term)
        operands.append(name)
    subscripts = ",".join(terms)
    if d.chance(0.75):
        output = [i for i in letters if d.chance(0.5)]
        subscripts += "->" + "".join(output[int(k)] for k in d.rng.permutation(len(output)))
    once = [i for i in letters if all(term.count(i) < 2 for term in terms)]
    if once and d.chance(0.2):
        subscripts = subscripts.replace(d.one(once), "...")
    return tuple(operands), {"subscripts": repr(subscripts)}


def row(d: Draft) -> Chosen:
    a = d.pick("fffb", where=lambda x: x.ndim > 0)
    shape = d.of(a).shape
    axis = int(d.rng.integers(-len(shape), len(shape)))
    fits = lambda x: (
        x.ndim == len(shape)
        and all(
            m == n
            for k, (m, n) in enumerate(zip(x.shape, shape, strict=True))
            if k != axis % len(shape)
        )
    )
    parts = [a]
    for _ in range(int(d.rng.integers(0, 4))):
        if d.chance(0.7):
            parts.append(d.pick("fffb", fits))
        else:
            new = list(shape)
            new[axis] = int(d.one([1, 2, shape[axis]]))
            parts.append(d.constant(d.data(tuple(new), d.dtype())))
    order = d.rng.permutation(len(parts))
    return tuple(parts[int(k)] for k in order), {"axis": None if d.chance(0.1) else axis}


def pile(d: Draft) -> Chosen:
    a = d.pick()
    shape = d.of(a).shape
    parts = [a]
    for _ in range(int(d.rng.integers(0, 3))):
        alike = d.chance(0.7)
        parts.append(
            d.pick("fffb", lambda x: x.shape == shape)
            if alike
            else d.constant(d.data(shape, d.dtype()))
        )
    return tuple(parts), {"axis": int(d.rng.integers(-len(shape) - 1, len(shape) + 1))}


def cast(d: Draft) -> Chosen:
    x = d.pick("fffbi")
    return (x,), {"dtype": d.one([float, np.float32, np.float64, d.dtype().type, int, bool])}


# PyTorch's side. Where a step only moves entries, or has no gradient, NumPy says where they go and
# what they are; PyTorch does the calculus.


def folded(x: Any, axis: Any) -> tuple[Any, list[int], list[int]]:
    """x with the reduced axes as one, at its end; the axes that stay, and those that go."""
    axes = range(x.ndim) if axis is None else np.atleast_1d(axis)
    gone = sorted(int(k) % max(x.ndim, 1) for k in axes)
    kept = [k for k in range(x.ndim) if k not in gone]
    shape = [x.shape[k] for k in kept]
    return x.permute(kept + gone).reshape(*shape, math.prod(x.shape[k] for k in gone)), kept, gone


def reduced(function: Callable[..., Any]) -> Callable[..., Any]:
    """A reduction of the last axis as one of any axes."""

    def torch_reduction(x: Any, axis: Any, keepdims: bool, **extra: Any) -> Any:
        flat, _, gone = folded(x, axis)
        y = function(flat, **extra)
        shape = [1 if k in gone else n for k, n in enumerate(x.shape)]
        return y.reshape(shape) if keepdims else y

    return torch_reduction


def normalized(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function along the last axis as one along any axes."""

    def torch_normalized(x: Any, axis: Any) -> Any:
        flat, kept, gone = folded(x, axis)
        y = function(flat).reshape([x.shape[k] for k in (*kept, *gone)])
        return y.permute([int(k) for k in np.argsort(kept + gone)])

    return torch_normalized


def t(name: str, *arguments: Any) -> Callable[..., Any]:
    """PyTorch's function of this name, looked up when it is called."""

    def call(*operands: Any, **named: Any) -> Any:
        import torch

        function: Any = torch
        for part in name.split("."):
            function = getattr(function, part)
        return function(*operands, *arguments, **named)

    return call


def torch_dot(a: Any, b: Any) -> Any:
    import torch

    if not a.ndim or not b.ndim:
        return a * b
    return torch.tensordot(a, b, dims=([a.ndim - 1], [max(b.ndim - 2, 0)]))


def torch_clip(x: Any, low: Any, high: Any) -> Any:
    """One of the three everywhere, x on its bounds, high where they cross.

    (The gradient of torch.clamp is lost where the bounds meet, and fails for bounds of more axes.)
    """
    import torch

    y = x if low is None else torch.where(x < low, low, x)
    if high is None:
        return y
    crossed = False if low is None else low > high
    return torch.where((x > high) | crossed, high, y)


def torch_where(condition: Any, a: Any, b: Any) -> Any:
    import torch

    return torch.where(condition != 0, a, b)


def torch_einsum(*operands: Any, subscripts: str) -> Any:
    import torch

    return torch.einsum(subscripts.strip("'"), *operands)


def function(
    name: str, choose: Choose = unary, weight: float = 1.0, rounds: int = RESULT, **extra: Any
) -> Entry:
    """An elementwise function of one argument."""
    method = name in ("exp", "log", "sqrt", "tanh")
    spellings = (f"np.{name}({{0}})", f"{{0}}.{name}()") if method else (f"np.{name}({{0}})",)
    return Entry(spellings, choose, t(name), weight, rounds, **extra)


def operator(symbol: str, name: str, choose: Choose = pair, **extra: Any) -> Entry:
    """An operator, NumPy's function of that meaning, and the operator in place."""
    spellings = (
        f"{{0}} {symbol} {{1}}",
        f"np.{name}({{0}}, {{1}})",
        f"{{y}} = {{0}}; {{y}} {symbol}= {{1}}",
    )
    torch = t("pow" if name == "power" else name)
    return Entry(spellings, choose, torch, rounds=RESULT, **extra)


def reduction_of(
    *names: str,
    torch: Callable[..., Any] | str,
    choose: Choose = reduction,
    rounds: int = OPERANDS,
    **extra: Any,
) -> Entry:
    """A reduction of NumPy's by these names; the first is a method's too."""
    spellings = [f"np.{name}({{0}}{{options}})" for name in names]
    spellings.append(f"{{0}}.{names[0]}({{options}})")
    judge = torch if isinstance(torch, str) else reduced(torch)
    return Entry(tuple(spellings), choose, judge, rounds=rounds, **extra)


def moves(*spellings: str, choose: Choose = any_kind, **extra: Any) -> Entry:
    return Entry(spellings, choose, MOVES, **extra)


difference = lambda a, b: np.subtract(a, b, dtype=float)
to_extreme = lambda extreme: lambda x, axis, keepdims: extreme(x, axis=axis, keepdims=True) - x

COMPARISONS = dict(
    zip(
        ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"],
        ["==", "!=", "<", "<=", ">", ">="],
        strict=True,
    )
)
LOGIC = {"bitwise_and": "&", "bitwise_or": "|", "bitwise_xor": "^"}
LOGIC |= dict.fromkeys(["logical_and", "logical_or", "logical_xor"], "")

TABLE: dict[str, Entry] = {
    # Elementwise
    "add": operator("+", "add", weight=2),
    "subtract": operator("-", "subtract", weight=2),
    "multiply": operator("*", "multiply", weight=3),
    "divide": operator(
        "/", "divide", choose=quotient, weight=1.5, domain=lambda a, b: (np.all(np.abs(b) > 0.1),)
    ),
    "power": operator(
        "**",
        "power",
        choose=powers,
        weight=1.5,
        domain=lambda a, b: (
            np.all(np.abs(b) < 6),
            np.ndim(b) == 0 or np.all(a > 0.05),
            # PyTorch's ∂/∂a is constant there, so that its ∂²/∂a∂b is 0 and not 1/a.
            not isinstance(b, np.ndarray) or np.all(b != 0),
        ),
    ),
    "maximum": Entry(("np.maximum({0}, {1})",), pair, t("maximum"), gap=difference),
    "minimum": Entry(("np.minimum({0}, {1})",), pair, t("minimum"), gap=difference),
    "negative": Entry(("-{0}", "np.negative({0})"), unary, t("neg")),
    "positive": Entry(("+{0}",), unary, MOVES, weight=0.3),
    "absolute": Entry(
        ("np.abs({0})", "abs({0})", "np.absolute({0})"), unary, t("abs"), gap=lambda x: x
    ),
    "exp": function("exp"),
    "expm1": function("expm1", weight=0.5),
    "log": function("log", choose=of_positive),
    "log1p": function("log1p", choose=of_positive, weight=0.5),
    "sqrt": function("sqrt", choose=of_positive),
    "square": function("square"),
    "tanh": function("tanh", weight=1.5, rounds=SLOPE),
    "sin": function("sin", weight=1.5),
    "cos": function("cos"),
    "relu": Entry(("ag.relu({0})", "{0}.relu()"), unary, t("relu"), gap=lambda x: x),
    "sigmoid": Entry(("ag.sigmoid({0})", "{0}.sigmoid()"), unary, t("sigmoid"), rounds=SLOPE),
    "softplus": Entry(
        ("ag.softplus({0})",), unary, t("nn.functional.softplus", 1, 100), rounds=SLOPE
    ),
    "cube": Entry(
        ("cube({0}, by={by})",),
        lambda d: ((d.pick(),), {"by": d.one([2.0, 0.5, 1.0])}),
        lambda x, by: by * x * x * x,
        rounds=RESULT,
    ),
    # Choice, comparison
    "where": Entry(("np.where({0}, {1}, {2})",), choice, torch_where, weight=1.5),
    "clip": Entry(
        ("np.clip({0}, {1}, {2})", "{0}.clip({1}, {2})", "np.clip({0}, min={1}, max={2})"),
        bounds,
        torch_clip,
        weight=1.5,
        gap=lambda x, low, high: np.concatenate(
            [np.ravel(difference(x, b)) for b in (low, high) if b is not None]
        ),
    ),
    **{
        name: Entry(
            (f"{{0}} {symbol} {{1}}", f"np.{name}({{0}}, {{1}})"),
            pair,
            CONSTANT,
            weight=0.35,
            gap=difference,
        )
        for name, symbol in COMPARISONS.items()
    },
    **{
        name: Entry(
            (f"np.{name}({{0}}, {{1}})", *([f"{{0}} {symbol} {{1}}"] * bool(symbol))),
            booleans,
            CONSTANT,
            weight=0.25,
        )
        for name, symbol in LOGIC.items()
    },
    "invert": Entry(("~{0}", "np.invert({0})"), one_boolean, CONSTANT, weight=0.25),
    "logical_not": Entry(("np.logical_not({0})",), one_boolean, CONSTANT, weight=0.25),
    **{
        name: Entry((f"np.{name}({{0}})",), unary, CONSTANT, weight=0.25, gap=gap)
        for name, gap in {
            "sign": lambda x: x,
            "floor": lambda x: x - np.rint(x),
            "ceil": lambda x: x - np.rint(x),
            "trunc": lambda x: x - np.rint(x),
            "rint": lambda x: x - np.floor(x) - 0.5,
            **dict.fromkeys(("isnan", "isinf", "isfinite")),
        }.items()
    },
    # Reductions
    "sum": reduction_of("sum", torch=lambda x: x.sum(-1), choose=reduction_of_any, weight=2),
    "mean": reduction_of("mean", torch=lambda x: x.mean(-1), weight=1.5),
    "max": reduction_of(
        "max", "amax", torch=lambda x: x.amax(-1), rounds=EXACT, gap=to_extreme(np.max)
    ),
    "min": reduction_of(
        "min", "amin", torch=lambda x: x.amin(-1), rounds=EXACT, gap=to_extreme(np.min)
    ),
    "var": reduction_of("var", torch=lambda x, ddof: x.var(-1, correction=ddof), choose=spread),
    "std": reduction_of(
        "std",
        torch=lambda x, ddof: x.std(-1, correction=ddof),
        choose=spread,
        gap=lambda x, axis, keepdims, ddof: np.std(x, axis=axis),
    ),
    "any": reduction_of("any", torch=CONSTANT, choose=reduction_of_booleans, weight=0.3),
    "all": reduction_of("all", torch=CONSTANT, choose=reduction_of_booleans, weight=0.3),
    "argmax": reduction_of("argmax", torch=CONSTANT, choose=position, weight=0.4),
    "argmin": reduction_of("argmin", torch=CONSTANT, choose=position, weight=0.4),
    "logsumexp": Entry(
        ("ag.logsumexp({0}{options})",),
        reduction,
        reduced(t("logsumexp", -1)),
        rounds=OPERANDS,
        domain=lambda x: (x.size > 0,),
    ),
    "softmax": Entry(
        ("ag.softmax({0}, axis={axis})",), along, normalized(t("softmax", -1)), rounds=SLOPE
    ),
    "log_softmax": Entry(
        ("ag.log_softmax({0}, axis={axis})",),
        along,
        normalized(t("log_softmax", -1)),
        rounds=SLOPE,
    ),
    # Shape
    "reshape": moves(
        "np.reshape({0}, {shape})", "{0}.reshape({shape})", choose=new_shape, weight=3
    ),
    "reshape as": moves("{0}.reshape(np.shape({1}))", choose=same_size, weight=0.5),
    "ravel": moves("np.ravel({0})", "{0}.ravel()", "{0}.flatten()"),
    "transpose": moves("{0}.T", "np.transpose({0})", "{0}.transpose()", weight=2.5),
    "permute": moves(
        "np.transpose({0}, {axes})", "{0}.transpose({axes})", choose=permutation, weight=1.5
    ),
    "matrix transpose": moves("{0}.mT", "np.matrix_transpose({0})", choose=matrices),
    "swapaxes": moves("np.swapaxes({0}, {i}, {j})", "{0}.swapaxes({i}, {j})", choose=two_axes),
    "moveaxis": moves("np.moveaxis({0}, {i}, {j})", choose=two_axes),
    "move axes": moves("np.moveaxis({0}, {i}, {j})", choose=several_axes, weight=0.5),
    "squeeze": moves(
        "np.squeeze({0}, axis={axis})", "{0}.squeeze({axis})", choose=ones, weight=1.5
    ),
    "expand_dims": moves("np.expand_dims({0}, {axis})", choose=new_axes),
    "broadcast_to": moves("np.broadcast_to({0}, {shape})", choose=wider, weight=1.5),
    "index": moves("{0}[{index}]", choose=brackets, weight=6),
    "index by a value": moves("{0}[{1}]", choose=positions, weight=0.6),
    "concatenate": moves(
        "np.concatenate([{all}], axis={axis})",
        "np.concatenate(({all},), {axis})",
        choose=row,
        weight=2,
    ),
    "stack": moves("np.stack([{all}], axis={axis})", choose=pile, weight=1.5),
    # Products
    "matmul": Entry(
        ("{0} @ {1}", "np.matmul({0}, {1})", "{y} = {0}; {y} @= {1}"),
        product,
        t("matmul"),
        rounds=OPERANDS,
        weight=3,
    ),
    "dot": Entry(("np.dot({0}, {1})",), product, torch_dot, rounds=OPERANDS, weight=1.5),
    "method dot": Entry(
        ("{0}.dot({1})",),
        product_of_value,
        torch_dot,
        rounds=OPERANDS,
        weight=0.5,
    ),
    "einsum": Entry(
        ("np.einsum({subscripts}, {all})", "np.einsum({subscripts}, {all}, optimize=True)"),
        contraction,
        torch_einsum,
        rounds=OPERANDS,
        weight=3,
    ),
    # Types and constants like a value
    "astype": Entry(
        ("{0}.astype({dtype})", "np.astype({0}, {dtype})"),
        cast,
        lambda x, dtype: x,
        rounds=RESULT,
        weight=0.7,
        gap=lambda x, dtype: x - np.rint(x) if dtype in (int, bool) else 0,
    ),
    "ones_like": Entry(("np.ones_like({0})",), unary, CONSTANT, weight=0.2),
    "zeros_like": Entry(("np.zeros_like({0})",), unary, CONSTANT, weight=0.2),
    "size": Entry(
        ("{0} / np.size({0})",), unary, lambda x: x / x.numel(), rounds=RESULT, weight=0.2
    ),
    "ndim": Entry(("{0} * np.ndim({0})",), unary, lambda x: x * x.ndim, rounds=RESULT, weight=0.2),
}
