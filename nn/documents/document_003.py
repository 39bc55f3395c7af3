"""Document 003: back propagation in a 4-3-2-1 logistic network, one sample as a row.

Its letters: a[l], z[l], b[l] are rows, W[l] is n[l−1] × n[l] with columns W1[l], W2[l] …, and
g[lx] is the gradient of the loss ℒ by x of layer l. It has no equation numbers: a label is the
left-hand side, and a number in brackets tells which `=` of a chain. What it writes for whole layers
is tried on rows of any width and depth, what it writes for single weights on its own network.
"""

import re
from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from .. import datasets, losses
from ..network import Network
from .checker import Document, Entry, Setting
from .passes import Keep
from .procedures import ByLayer, Run, beside_the_tape, by_layer, by_name
from .standard import (
    column,
    hidden,
    last,
    last_above_hidden,
    layers,
    logistic,
    networks,
    once,
    undefined,
)
from .strict import Undefined

# The forward pass and the networks


def row_forward(net: SimpleNamespace, keep: Keep) -> None:
    """z[l] = a[l−1] W[l] + b[l], a[l] = g(z[l]), one row each; ℒ is the cross-entropy."""
    a = keep("a0", net.X)
    for l in range(1, net.L + 1):
        z = keep(f"z{l}", a @ keep(f"W{l}", net.W[l]) + keep(f"b{l}", net.b[l]))
        a = keep(f"a{l}", logistic(z))
    keep("ℒ", -np.sum((1 - net.y) * np.log(1 - a) + net.y * np.log(a)))


def its_network(rng: np.random.Generator, count: int) -> Iterator[SimpleNamespace]:
    """The network 4-3-2-1 of the document with random parameters and one random sample.

    >>> net = next(its_network(np.random.default_rng(0), 1))
    >>> [net.W[l].shape for l in (1, 2, 3)]
    [(4, 3), (3, 2), (2, 1)]
    """
    n = dict(enumerate([4, 3, 2, 1]))
    for _ in range(count):
        yield SimpleNamespace(
            L=3, n=n, X=rng.normal(size=(1, 4)), y=rng.integers(0, 2, size=(1, 1)).astype(float),
            W={l: rng.normal(size=(n[l - 1], n[l])) for l in (1, 2, 3)},
            b={l: rng.normal(size=(1, n[l])) for l in (1, 2, 3)},
            alpha=float(rng.uniform(0.1, 1)),
        )  # fmt: skip


def rows(rng: np.random.Generator, count: int) -> Iterator[SimpleNamespace]:
    """Networks of any depth and width for one row and one output."""
    for net in networks(
        rng, count, outputs=1, samples=1, batch_axis=0,
        hidden=["logistic"], output=[("logistic", "cross-entropy")],
    ):  # fmt: skip
        net.y, net.alpha = net.Y, float(rng.uniform(0.1, 1))
        yield net


ITS_NETWORK = Setting(row_forward, its_network)
ROWS = Setting(row_forward, rows)


# Elements by the names that the document gives them: "W2,1[3]", "a1[2]", "ℒ"

ELEMENT = r"([aWzbgα])(\d(?:,\d)?)?\[(\w+)\]"


def located(name: str) -> tuple[str, tuple[int, ...]]:
    """The array that holds an element, and where.

    >>> located("W2,1[3]"), located("a1[2]"), located("ℒ")
    (('W3', (1, 0)), ('a2', (0, 0)), ('ℒ', ()))
    """
    if name == "ℒ":
        return name, ()
    match = re.fullmatch(ELEMENT, name)
    if match is None or match[2] is None:
        raise Undefined(f"{name}: not an element of this document")
    index = tuple(int(i) - 1 for i in match[2].split(","))
    return match[1] + match[3], index if len(index) == 2 else (0, *index)


def at(v: Any, name: str) -> Any:
    """The value of an element."""
    array, index = located(name)
    return v.value(array)[index]


def d(v: Any, of: str, wrt: str) -> Any:
    """The derivative of an element, or of ℒ, by an element."""
    (y, i), (x, j) = located(of), located(wrt)
    return v.d(y, x)[(*i, *j)]


def value(name: str) -> Callable[[Any], Any]:
    """What a formula for an element claims to equal."""
    return lambda p: at(p, name)


def derivative(of: str, wrt: str) -> Callable[[Any], Any]:
    """What a formula for a derivative claims to equal."""
    return lambda p: d(p, of, wrt)


def by_weight_column(l: int, j: int) -> Callable[[Any], Any]:
    """∂ℒ/∂Wj[l], n[l−1] × 1."""
    return lambda p: column(p.d("ℒ", f"W{l}"), j - 1)


def stacked(v: Any, *names: str) -> Any:
    """The derivatives of ℒ by these elements, one below the other."""
    return np.array([[d(v, "ℒ", name)] for name in names])


# What the formulas are made of


def weighted(v: Any, l: int, j: int) -> Any:
    """W1,j[l] a1[l−1] + W2,j[l] a2[l−1] + … + bj[l], written out."""
    terms = [at(v, f"W{i},{j}[{l}]") * at(v, f"a{i}[{l - 1}]") for i in range(1, v.n[l - 1] + 1)]
    return sum(terms) + at(v, f"b{j}[{l}]")


def times_column(v: Any, l: int, j: int) -> Any:
    """a[l−1] Wj[l], a number."""
    return (v.a[l - 1] @ column(v.W[l], j - 1))[0, 0]


def g_a(v: Any, l: int) -> Any:
    """g[la] by the document's own recursion, 1 × n[l]."""
    if l == v.L:
        return (v.a[l] - v.y) / (v.a[l] * (1 - v.a[l]))
    return g_z(v, l + 1) @ v.W[l + 1].T


def g_z(v: Any, l: int) -> Any:
    """g[lz], 1 × n[l]."""
    return v.a[l] * (1 - v.a[l]) * g_a(v, l)


def slope_at(v: Any, name: str) -> Any:
    """g′ at an element of z."""
    z = at(v, name)
    return np.exp(-z) / (1 + np.exp(-z)) ** 2


# LaTeX of what is printed: elements, derivatives, rows ⟦x, y⟧ and columns ⟦x; y⟧

SYMBOLS = {
    "ℒ": r"\mathcal{L}", "ŷ": r"\hat{y}", "∂": r"\partial ", "·": r"\cdot", "∘": r"\circ",
    "ᵀ": "^T", "α": r"\alpha ", "×": r"\times", "−": "-", "½": r"\tfrac12 ", "ₕ": "_h",
    "ₒ": "_o", "′": "'", "²": "^2", "log": r"\log ", "…": r"\dots",
}  # fmt: skip


def latex(text: str) -> str:
    r"""The same formula in LaTeX.

    >>> latex("∂ℒ/∂W1,1[2] = a1[1] · g[2z]")
    '\\frac{\\partial \\mathcal{L}}{\\partial W_{1,1}^{[2]}} = a_{1}^{[1]} \\cdot g^{[2z]}'
    """
    quantity = r"(?:ℒ|[aWzbgα][\d,]*\[\w+\])"
    text = re.sub(rf"([∂d]{quantity}?)/([∂d]{quantity})", r"\\frac{\1}{\2}", text)
    text = re.sub(r"1/\((1 [−+] e\^−\w+\[\d\])\)", r"\\frac{1}{\1}", text)
    text = re.sub(r"\^(−z\d\[\d\]|−2)", r"^{\1}", text)

    def element(match: re.Match[str]) -> str:
        below = f"_{{{match[2]}}}" if match[2] else ""
        whole = f"{match[1]}{below}^{{[{match[3]}]}}"
        return f"{{{whole}}}^T" if match[4] else whole

    def matrix(match: re.Match[str]) -> str:
        body = match[1].replace("; ", r" \\ ").replace(", ", " & ")
        return rf"\begin{{bmatrix}}{body}\end{{bmatrix}}"

    text = re.sub("⟦(.*?)⟧", matrix, re.sub(ELEMENT + "(ᵀ)?", element, text))
    for symbol, command in SYMBOLS.items():
        text = text.replace(symbol, command)
    return text


def entry(label: str, printed: str, over: Any = once, corrected: str = "", **rest: Any) -> Entry:
    """An entry with its LaTeX."""
    rest = {"printed_latex": latex(printed), "corrected_latex": latex(corrected)} | rest
    return Entry(label, printed, over=over, corrected=corrected, **rest)


def claim(label: str, printed: str, corrected: str = "", **rest: Any) -> Entry:
    """An entry for what is said in words."""
    texts = {
        "printed_latex": rf"\text{{{printed}}}",
        "corrected_latex": rf"\text{{{corrected}}}" if corrected else "",
    }
    return entry(label, printed, corrected=corrected, **texts, **rest)


# What holds of a whole layer is tried on rows of any width and depth

layered = partial(entry, over=layers, setting=ROWS)
top_layer = partial(entry, over=last, setting=ROWS)

SIGN = (
    "The logistic function has 1 + e^−z: only then is a between 0 and 1, and its derivative "
    "a(1 − a), as used below."
)


def activation(j: int, l: int) -> Entry:
    """aj[l] = 1/(1 − e^−z), as all six are printed."""
    name, g = f"z{j}[{l}]", "gₒ" if l == 3 else "gₕ"
    return entry(
        f"a{j}[{l}]",
        f"a{j}[{l}] = {g}({name}) = 1/(1 − e^−{name})",
        equals=value(f"a{j}[{l}]"),
        formula=lambda v: 1 / (1 - np.exp(-at(v, name))),
        silent=True,
        corrected=f"a{j}[{l}] = 1/(1 + e^−{name})",
        corrected_formula=lambda v: 1 / (1 + np.exp(-at(v, name))),
        why=SIGN,
    )


def written_out(j: int, l: int, n: int) -> Entry:
    """zj[l] as a sum over the n units below."""
    terms = " + ".join(f"W{i},{j}[{l}] a{i}[{l - 1}]" for i in range(1, n + 1))
    return entry(
        f"z{j}[{l}] (1)",
        f"z{j}[{l}] = {terms} + b{j}[{l}]",
        equals=value(f"z{j}[{l}]"),
        formula=lambda v: weighted(v, l, j),
    )


def with_column(j: int, l: int) -> Entry:
    """zj[l] = a[l−1] Wj[l] + bj[l]."""
    return entry(
        f"z{j}[{l}] (2)",
        f"z{j}[{l}] = a[{l - 1}] W{j}[{l}] + b{j}[{l}]",
        equals=value(f"z{j}[{l}]"),
        formula=lambda v: times_column(v, l, j) + at(v, f"b{j}[{l}]"),
    )


def whole_layer(l: int) -> list[Entry]:
    """z[l] by columns and W[l] by elements."""
    js = range(1, 5 - l)
    columns = ", ".join(f"W{j}[{l}]" for j in js)
    biases = ", ".join(f"b{j}[{l}]" for j in js)
    return [
        entry(
            f"z[{l}] (1)",
            f"z[{l}] = a[{l - 1}] ⟦{columns}⟧ + ⟦{biases}⟧",
            equals=lambda p: p.value(f"z{l}"),
            formula=lambda v: (
                v.a[l - 1] @ np.hstack([column(v.W[l], j - 1) for j in js])
                + np.array([[at(v, f"b{j}[{l}]") for j in js]])
            ),
        ),
        layered(
            f"z[{l}] (2)",
            f"z[{l}] = a[{l - 1}] W[{l}] + b[{l}]",
            equals="z{l}",
            formula=lambda v, k: v.a[k - 1] @ v.W[k] + v.b[k],
        ),
    ]


FORWARD = [
    *(written_out(j, 1, 4) for j in (1, 2, 3)),
    *(with_column(j, 1) for j in (1, 2)),
    entry(
        "z3[1] (2)",
        "z3[1] = a[0] W3[1] + b3[0]",
        equals=value("z3[1]"),
        formula=lambda v: times_column(v, 1, 3) + at(v, "b3[0]"),
        verdict="undefined",
        corrected="z3[1] = a[0] W3[1] + b3[1]",
        corrected_formula=lambda v: times_column(v, 1, 3) + at(v, "b3[1]"),
        why="Layer 0 is the input and has no bias; the other side of the same line has b3[1].",
    ),
    *whole_layer(1),
    entry(
        "shapes [1]",
        "W[1]: 4 × 3, a[0]: 1 × 4, b[1]: 1 × 3, z[1]: 1 × 3",
        equals=lambda p: np.array([p.value(name).shape for name in ("W1", "a0", "b1", "z1")]),
        formula=lambda v: np.array([[4, 3], [1, 4], [1, 3], [1, 3]]),
    ),
    entry(
        "W[1]",
        "W[1] = ⟦W1[1], W2[1], W3[1]⟧ = (Wi,j[1]), i = 1 … 4, j = 1 … 3",
        printed_latex=r"W^{[1]} = \begin{bmatrix}W_{1,1}^{[1]} & \cdots & W_{1,3}^{[1]}"
        r"\\ \vdots & & \vdots \\ W_{4,1}^{[1]} & \cdots & W_{4,3}^{[1]}\end{bmatrix}",
        equals=lambda p: p.value("W1"),
        formula=lambda v: np.array(
            [[at(v, f"W{i},{j}[1]") for j in range(1, 4)] for i in range(1, 5)]
        ),
    ),
    *(activation(j, 1) for j in (1, 2, 3)),
    *(written_out(j, 2, 3) for j in (1, 2)),
    *(with_column(j, 2) for j in (1, 2)),
    *whole_layer(2),
    claim(
        "rows of W",
        "W[l] has a row for each input and a column for each output",
        over=layers,
        equals=lambda p, l: np.array(p.value(f"W{l}").shape),
        setting=ROWS,
        formula=lambda v, l: np.array([v.n[l - 1], v.n[l]]),
        elsewhere=lambda v, l: np.array([v.n[l], v.n[l - 1]]),
        why="In the four other documents a row of W belongs to an output and samples are columns.",
    ),
    entry(
        "shapes [2]",
        "W[2]: 3 × 2, a[1]: 1 × 3, z[2]: 1 × 2",
        equals=lambda p: np.array([p.value(name).shape for name in ("W2", "a1", "z2")]),
        formula=lambda v: np.array([[3, 2], [1, 3], [1, 2]]),
    ),
    entry(
        "shapes [2] b",
        "b[1]: 1 × 2",
        equals=lambda p: np.array([1, 2]),
        formula=lambda v: np.array(v.b[1].shape),
        silent=True,
        corrected="b[2]: 1 × 2",
        corrected_formula=lambda v: np.array(v.b[2].shape),
        why="b[1] is 1 × 3, as said before; the bias of this layer is b[2].",
    ),
    entry(
        "W[2]",
        "W[2] = ⟦W1[2], W2[2]⟧ = (Wi,j[2]), i = 1 … 3, j = 1, 2",
        printed_latex=r"W^{[2]} = \begin{bmatrix}W_{1,1}^{[2]} & \cdots & W_{1,2}^{[2]}"
        r"\\ \vdots & & \vdots \\ W_{3,1}^{[2]} & \cdots & W_{3,2}^{[2]}\end{bmatrix}",
        equals=lambda p: p.value("W2"),
        formula=lambda v: np.array(
            [[at(v, f"W{i},{j}[2]") for j in range(1, 3)] for i in range(1, 4)]
        ),
    ),
    *(activation(j, 2) for j in (1, 2)),
    written_out(1, 3, 2),
    entry(
        "z1[3] (2)",
        "z1[3] = a[2] W1[3] + b1[2]",
        equals=value("z1[3]"),
        formula=lambda v: times_column(v, 3, 1) + at(v, "b1[2]"),
        silent=True,
        corrected="z1[3] = a[2] W1[3] + b1[3]",
        corrected_formula=lambda v: times_column(v, 3, 1) + at(v, "b1[3]"),
        why="The bias of the layer below has slipped in; it is a number too, so nothing shows it.",
    ),
    entry(
        "z[3] (1)",
        "z[3] = W1[3]ᵀ a[2] + b1[2]",
        shapes="1 × n[2] times 1 × n[2]",
        over=last_above_hidden,
        equals="z{l}",
        setting=ROWS,
        formula=lambda v, l: v.W[l].T @ v.a[l - 1] + v.b[l - 1][:, :1],
        silent=True,
        corrected="z[3] = a[2] W1[3] + b1[3]",
        corrected_formula=lambda v, l: v.a[l - 1] @ v.W[l] + v.b[l],
        why="Written for columns, though a[2] is a row here, and with the bias of layer 2; "
        "it conforms where layer 2 has one unit, and is wrong then.",
    ),
    entry(
        "z[3] (2)",
        "z[3] = a[2] W[3] + b[2]",
        shapes="1 × 1 and 1 × n[2]",
        over=last_above_hidden,
        equals="z{l}",
        setting=ROWS,
        formula=lambda v, l: v.a[l - 1] @ v.W[l] + v.b[l - 1],
        silent=True,
        corrected="z[3] = a[2] W[3] + b[3]",
        corrected_formula=lambda v, l: v.a[l - 1] @ v.W[l] + v.b[l],
        why="b[2] is 1 × 2 and z[3] is 1 × 1: NumPy would broadcast it and say nothing.",
    ),
    entry(
        "shapes [3]",
        "W[3]: 2 × 1, a[2]: 1 × 2, b[3]: 1 × 1, z[3]: 1 × 1",
        equals=lambda p: np.array([p.value(name).shape for name in ("W3", "a2", "b3", "z3")]),
        formula=lambda v: np.array([[2, 1], [1, 2], [1, 1], [1, 1]]),
    ),
    entry(
        "W[3]",
        "W[3] = W1[3] = ⟦W1,1[3]; W2,1[3]⟧",
        equals=lambda p: p.value("W3"),
        formula=lambda v: np.array([[at(v, "W1,1[3]")], [at(v, "W2,1[3]")]]),
    ),
    activation(1, 3),
    claim(
        "a[l]",
        "a[1] = (a1[1], a2[1], a3[1]) has the shape of z[1]; so have a[2] and a[3]",
        over=layers,
        equals=lambda p, l: np.array(p.value(f"a{l}").shape),
        setting=ROWS,
        formula=lambda v, l: np.array(v.z[l].shape),
    ),
    entry(
        "ŷ",
        "ŷ = a1[3]",
        equals=lambda p: p.value("a3")[0, 0],
        formula=lambda v: at(v, "a1[3]"),
    ),
]


def loss(y: Any, y_hat: Any) -> Any:
    """ℒ(ŷ, y) as it is printed."""
    return -((1 - y) * np.log(1 - y_hat) + y * np.log(y_hat))


def by_library(loss: losses.Loss) -> Callable[[Any], Any]:
    """What a loss claims to equal: its value by the network library."""

    def value(p: Any) -> Any:
        a, y = (np.asarray(x, dtype=float) for x in (p.value("a3"), p.y))
        return loss(a, y, batch_axis=0).item()

    return value


PERFORMANCE = [
    claim(
        "continuous",
        "ℒ is a continuous function of ŷ",
        shapes="for 0 < ŷ < 1, where the logistic function lies; at 0 and 1 it is not",
        equals=by_library(losses.binary_cross_entropy),
        formula=lambda v: sum(loss(v.y[0, 0], at(v, "a1[3]") + h) for h in (-1e-9, 1e-9)) / 2,
    ),
    entry(
        "ℒ_v",
        "ℒ_v(ŷ, y) = ½(y ŷ)²",
        equals=by_library(losses.half_squared_error),
        formula=lambda v: 0.5 * (v.y[0, 0] * at(v, "a1[3]")) ** 2,
        silent=True,
        damaged=True,
        corrected="ℒ_v(ŷ, y) = ½(y − ŷ)²",
        corrected_formula=lambda v: 0.5 * (v.y[0, 0] - at(v, "a1[3]")) ** 2,
        why="The minus is lost: as it stands the loss is 0 for y = 0, whatever ŷ is.",
    ),
    entry(
        "ℒ",
        "ℒ(ŷ, y) = −[(1 − y)log(1 − ŷ) + y log(ŷ)]",
        equals=by_library(losses.binary_cross_entropy),
        formula=lambda v: loss(v.y[0, 0], at(v, "a1[3]")),
    ),
    layered(
        "ℒ, arguments",
        "ℒ(ŷ, y) = ℒ(y, a[0], W)",
        shapes="what the biases do to ℒ",
        equals="∂ℒ/∂b{l}",
        formula=g_z,
        elsewhere=lambda v, l: np.zeros((1, v.n[l])),
        why="W stands for all parameters here; everywhere else b has a name of its own, and "
        "without it ∂ℒ/∂b would be 0.",
    ),
    claim(
        "nice form",
        "dℒ/dz[3] = a[3] − y, the nice form",
        over=last,
        equals="∂ℒ/∂z{l}",
        setting=ROWS,
        formula=lambda v, l: v.a[l] - v.y,
    ),
    claim(
        "likelihood",
        "ℒ is the log likelihood, log(ŷ^y (1 − ŷ)^(1 − y))",
        equals=lambda p: p.value("ℒ"),
        formula=lambda v: np.log(
            at(v, "a1[3]") ** v.y[0, 0] * (1 - at(v, "a1[3]")) ** (1 - v.y[0, 0])
        ),
        verdict="false",
        silent=True,
        corrected="ℒ = −log(ŷ^y (1 − ŷ)^(1 − y))",
        why="ℒ is minus the log likelihood: y = 1, ŷ = 0.9 give log 0.9 = −0.105, and ℒ = 0.105. "
        "So the likelihood is largest where ℒ, which is to be minimised, is least.",
    ),
    claim(
        "cross-entropy",
        "ℒ is the cross-entropy of (1 − y, y) and (1 − ŷ, ŷ)",
        equals=lambda p: p.value("ℒ"),
        formula=lambda v: (
            -np.array([[1 - v.y[0, 0], v.y[0, 0]]])
            @ np.log(np.array([[1 - at(v, "a1[3]")], [at(v, "a1[3]")]]))
        )[0, 0],
    ),
    layered(
        "update",
        "W_(s+1)[k] = W_s[k] − α ∂ℒ/∂W_s[k]",
        printed_latex=r"W_{s+1}^{[k]} = W_s^{[k]} - \alpha"
        r"\frac{\partial\mathcal{L}}{\partial W_s^{[k]}}",
        equals=lambda p, l: p.value(f"W{l}") - p.alpha * p.d("ℒ", f"W{l}"),
        formula=lambda v, l: v.W[l] - v.alpha * (v.a[l - 1].T @ g_z(v, l)),
    ),
]


def output_slope(label: str, printed: str, corrected: str, f: Callable[[Any, int], Any]) -> Entry:
    """One of the steps to gₒ′; `f` takes e^−z and the sign before it, − as printed."""
    return entry(
        label,
        printed,
        equals=derivative("a1[3]", "z1[3]"),
        formula=lambda v: f(np.exp(-at(v, "z1[3]")), -1),
        silent=True,
        corrected=corrected,
        corrected_formula=lambda v: f(np.exp(-at(v, "z1[3]")), 1),
        why=SIGN,
    )


def chained(of: str, via: str, wrt: str) -> Entry:
    """∂of/∂wrt = ∂via/∂wrt · ∂of/∂via."""
    return entry(
        f"∂{of}/∂{wrt} (1)",
        f"∂{of}/∂{wrt} = ∂{via}/∂{wrt} · ∂{of}/∂{via}",
        equals=derivative(of, wrt),
        formula=lambda v: d(v, via, wrt) * d(v, of, via),
    )


def local(of: str, wrt: str, equal: str) -> Entry:
    """A derivative of one element by another is a third."""
    return entry(
        f"∂{of}/∂{wrt}",
        f"∂{of}/∂{wrt} = {equal}",
        equals=derivative(of, wrt),
        formula=lambda v: at(v, equal),
    )


def weight(i: int, j: int, l: int) -> Entry:
    """∂ℒ/∂Wi,j[l] = ai[l−1] · ∂ℒ/∂zj[l]."""
    wrt = f"W{i},{j}[{l}]"
    return entry(
        f"∂ℒ/∂{wrt}",
        f"∂ℒ/∂{wrt} = a{i}[{l - 1}] · ∂ℒ/∂z{j}[{l}]",
        equals=derivative("ℒ", wrt),
        formula=lambda v: at(v, f"a{i}[{l - 1}]") * d(v, "ℒ", f"z{j}[{l}]"),
    )


def unit(j: int, l: int) -> Entry:
    """∂ℒ/∂zj[l] = gₕ′(zj[l]) · ∂ℒ/∂aj[l]."""
    z = f"z{j}[{l}]"
    return entry(
        f"∂ℒ/∂{z}",
        f"∂ℒ/∂{z} = gₕ′({z}) · ∂ℒ/∂a{j}[{l}]",
        equals=derivative("ℒ", z),
        formula=lambda v: slope_at(v, z) * d(v, "ℒ", f"a{j}[{l}]"),
    )


def unit_slope(j: int, l: int) -> Entry:
    """gₕ′(zj[l]) = aj[l](1 − aj[l])."""
    a, z = f"a{j}[{l}]", f"z{j}[{l}]"
    return entry(
        f"gₕ′({z})",
        f"gₕ′({z}) = d{a}/d{z} = {a}(1 − {a})",
        equals=derivative(a, z),
        formula=lambda v: at(v, a) * (1 - at(v, a)),
    )


def bias(j: int, l: int) -> Entry:
    """∂ℒ/∂bj[l] = ∂ℒ/∂zj[l]."""
    return entry(
        f"∂ℒ/∂b{j}[{l}]",
        f"∂ℒ/∂b{j}[{l}] = ∂ℒ/∂z{j}[{l}]",
        equals=derivative("ℒ", f"b{j}[{l}]"),
        formula=lambda v: d(v, "ℒ", f"z{j}[{l}]"),
    )


def weight_column(j: int, l: int, number: str = "") -> Entry:
    """∂ℒ/∂Wj[l] = (a[l−1])ᵀ · ∂ℒ/∂zj[l]."""
    return entry(
        f"∂ℒ/∂W{j}[{l}]{number}",
        f"∂ℒ/∂W{j}[{l}] = (a[{l - 1}])ᵀ · ∂ℒ/∂z{j}[{l}]",
        shapes=f"{5 - l} × 1",
        equals=by_weight_column(l, j),
        formula=lambda v: v.a[l - 1].T * d(v, "ℒ", f"z{j}[{l}]"),
    )


def products(label: str, j: int, l: int) -> Entry:
    """∂ℒ/∂Wj[l], each row written as a product."""
    n = range(1, 6 - l)
    rows = "; ".join(f"a{i}[{l - 1}] · ∂ℒ/∂z{j}[{l}]" for i in n)
    return entry(
        label,
        f"∂ℒ/∂W{j}[{l}] = ⟦{rows}⟧",
        shapes=f"{5 - l} × 1",
        equals=by_weight_column(l, j),
        formula=lambda v: np.array(
            [[at(v, f"a{i}[{l - 1}]") * d(v, "ℒ", f"z{j}[{l}]")] for i in n]
        ),
    )


def slopes_times(l: int) -> Entry:
    """g[lz] as a row of products gₕ′(zj[l]) · ∂ℒ/∂aj[l]."""
    n = range(1, 5 - l)
    row = ", ".join(f"gₕ′(z{j}[{l}]) · ∂ℒ/∂a{j}[{l}]" for j in n)
    return entry(
        f"g[{l}z] (1)",
        f"g[{l}z] = ⟦{row}⟧",
        equals=lambda p: p.d("ℒ", f"z{l}"),
        formula=lambda v: np.array(
            [[slope_at(v, f"z{j}[{l}]") * d(v, "ℒ", f"a{j}[{l}]") for j in n]]
        ),
    )


def column_times_row(label: str, name: str, l: int) -> Entry:
    """g[lW] = (a[l−1])ᵀ · ⟦∂ℒ/∂z1[l], …⟧."""
    n = range(1, 5 - l)
    row = ", ".join(f"∂ℒ/∂z{j}[{l}]" for j in n)
    return entry(
        label,
        f"{name} = (a[{l - 1}])ᵀ · ⟦{row}⟧",
        shapes=f"{5 - l} × 1 times 1 × {4 - l}",
        equals=lambda p: p.d("ℒ", f"W{l}"),
        formula=lambda v: v.a[l - 1].T @ np.array([[d(v, "ℒ", f"z{j}[{l}]") for j in n]]),
    )


LAYER_3 = [
    top_layer(
        "g[3a], loss",
        "g[3a] = −d/da1[3] [(1 − y)log(1 − a1[3]) + y log(a1[3])]",
        equals="∂ℒ/∂a{l}",
        formula=lambda v, l: np.imag(loss(v.y, v.a[l] + 1e-30j)) / 1e-30,
    ),
    top_layer(
        "g[3a] (1)",
        "g[3a] = (1 − y)/(1 − a1[3]) − y/a1[3]",
        equals="∂ℒ/∂a{l}",
        formula=lambda v, l: (1 - v.y) / (1 - v.a[l]) - v.y / v.a[l],
    ),
    top_layer(
        "g[3a] (2)",
        "g[3a] = (a1[3](1 − y) − y(1 − a1[3]))/(a1[3](1 − a1[3]))",
        equals="∂ℒ/∂a{l}",
        formula=lambda v, l: (v.a[l] * (1 - v.y) - v.y * (1 - v.a[l])) / (v.a[l] * (1 - v.a[l])),
    ),
    top_layer(
        "g[3a] (3)",
        "g[3a] = (a1[3] − y)/(a1[3](1 − a1[3]))",
        equals="∂ℒ/∂a{l}",
        formula=lambda v, l: (v.a[l] - v.y) / (v.a[l] * (1 - v.a[l])),
    ),
    output_slope(
        "gₒ′ (1)",
        "da1[3]/dz1[3] = d/dz1[3] 1/(1 − e^−z1[3])",
        "da1[3]/dz1[3] = d/dz1[3] 1/(1 + e^−z1[3])",
        lambda e, sign: sign * e / (1 + sign * e) ** 2,
    ),
    output_slope(
        "gₒ′ (2)",
        "da1[3]/dz1[3] = −1 × (1 − e^−z1[3])^−2 · (−e^−z1[3])",
        "da1[3]/dz1[3] = −1 × (1 + e^−z1[3])^−2 · (−e^−z1[3])",
        lambda e, sign: -1 * (1 + sign * e) ** -2.0 * -e,
    ),
    output_slope(
        "gₒ′ (3)",
        "da1[3]/dz1[3] = e^−z1[3] / (1 − e^−z1[3])²",
        "da1[3]/dz1[3] = e^−z1[3] / (1 + e^−z1[3])²",
        lambda e, sign: e / (1 + sign * e) ** 2,
    ),
    output_slope(
        "gₒ′ (4)",
        "da1[3]/dz1[3] = 1/(1 − e^−z1[3]) · e^−z1[3] / (1 − e^−z1[3])",
        "da1[3]/dz1[3] = 1/(1 + e^−z1[3]) · e^−z1[3] / (1 + e^−z1[3])",
        lambda e, sign: 1 / (1 + sign * e) * e / (1 + sign * e),
    ),
    entry(
        "gₒ′ (5)",
        "gₒ′(z1[3]) = da1[3]/dz1[3] = a1[3](1 − a1[3])",
        equals=derivative("a1[3]", "z1[3]"),
        formula=lambda v: at(v, "a1[3]") * (1 - at(v, "a1[3]")),
    ),
    top_layer(
        "g[3z]",
        "g[3z] = dℒ/dz1[3] = gₒ′(z1[3]) · g[3a]",
        equals="∂ℒ/∂z{l}",
        formula=lambda v, l: v.a[l] * (1 - v.a[l]) * g_a(v, l),
    ),
    local("z1[3]", "W1,1[3]", "a1[2]"),
    chained("ℒ", "z1[3]", "W1,1[3]"),
    entry(
        "∂ℒ/∂W1,1[3] (2)",
        "∂ℒ/∂W1,1[3] = a1[2] · g[3z]",
        equals=derivative("ℒ", "W1,1[3]"),
        formula=lambda v: at(v, "a1[2]") * g_z(v, 3)[0, 0],
    ),
    entry(
        "∂z1[3]/∂W2,1[3] (1)",
        "∂z1[3]/∂W2,1[3] = ∂/∂W1,1[3] (W1,1[3] a1[2] + W2,1[3] a2[2] + b1[3])",
        equals=derivative("z1[3]", "W2,1[3]"),
        formula=lambda v: d(v, "z1[3]", "W1,1[3]"),
        silent=True,
        corrected="∂z1[3]/∂W2,1[3] = ∂/∂W2,1[3] (W1,1[3] a1[2] + W2,1[3] a2[2] + b1[3])",
        corrected_formula=lambda v: d(v, "z1[3]", "W2,1[3]"),
        why="Differentiated by the weight of the line above, it would be a1[2] and not a2[2].",
    ),
    entry(
        "∂z1[3]/∂W2,1[3] (2)",
        "∂z1[3]/∂W2,1[3] = a2[2]",
        equals=derivative("z1[3]", "W2,1[3]"),
        formula=lambda v: at(v, "a2[2]"),
    ),
    entry(
        "∂ℒ/∂W2,1[3]",
        "∂ℒ/∂W2,1[3] = a2[2] · g[3z]",
        equals=derivative("ℒ", "W2,1[3]"),
        formula=lambda v: at(v, "a2[2]") * g_z(v, 3)[0, 0],
    ),
    entry(
        "g[3W] (1)",
        "g[3W] = ⟦a1[2] · g[3z]; a2[2] · g[3z]⟧ = ⟦a1[2]; a2[2]⟧ · g[3z]",
        equals=lambda p: p.d("ℒ", "W3"),
        formula=lambda v: np.array([[at(v, "a1[2]")], [at(v, "a2[2]")]]) @ g_z(v, 3),
    ),
    top_layer(
        "g[3W] (2)",
        "g[3W] = (a[2])ᵀ · g[3z]",
        shapes="n[2] × 1 times 1 × 1",
        equals="∂ℒ/∂W{l}",
        formula=lambda v, l: v.a[l - 1].T @ g_z(v, l),
    ),
    top_layer(
        "∂ℒ/∂b[3]",
        "∂ℒ/∂b[3] = g[3z]",
        equals="∂ℒ/∂b{l}",
        formula=g_z,
    ),
]

LAYER_2 = [
    local("z1[3]", "a1[2]", "W1,1[3]"),
    chained("ℒ", "z1[3]", "a1[2]"),
    entry(
        "∂ℒ/∂a1[2] (2)",
        "∂ℒ/∂a1[2] = W1,1[3] · g[3z]",
        equals=derivative("ℒ", "a1[2]"),
        formula=lambda v: at(v, "W1,1[3]") * g_z(v, 3)[0, 0],
    ),
    unit_slope(1, 2),
    unit(1, 2),
    local("z1[2]", "W1,1[2]", "a1[1]"),
    chained("ℒ", "z1[2]", "W1,1[2]"),
    *(weight(i, 1, 2) for i in (1, 2, 3)),
    chained("ℒ", "z1[2]", "b1[2]"),
    bias(1, 2),
    entry(
        "∂ℒ/∂W1[2] (1)",
        "∂ℒ/∂W1[2] = ⟦∂ℒ/∂W1,1[2]; ∂ℒ/∂W2,1[2]; ∂ℒ/∂W3,1[2]⟧",
        equals=by_weight_column(2, 1),
        formula=lambda v: stacked(v, "W1,1[2]", "W2,1[2]", "W3,1[2]"),
    ),
    products("∂ℒ/∂W1[2] (2)", 1, 2),
    weight_column(1, 2, " (3)"),
    chained("ℒ", "z1[3]", "a2[2]"),
    entry(
        "∂ℒ/∂a2[2] (2)",
        "∂ℒ/∂a2[2] = W2,1[3] · g[32]",
        equals=derivative("ℒ", "a2[2]"),
        formula=undefined("g[32]: x is one of a, z, W, b"),
        verdict="undefined",
        damaged=True,
        corrected="∂ℒ/∂a2[2] = W2,1[3] · g[3z]",
        corrected_formula=lambda v: at(v, "W2,1[3]") * g_z(v, 3)[0, 0],
        why="There is no g[32]: a z has been read as a 2.",
    ),
    unit(2, 2),
    *(weight(i, 2, 2) for i in (1, 2, 3)),
    bias(2, 2),
    entry(
        "∂ℒ/∂W2[2] (1)",
        "∂ℒ/∂W2[2] = ⟦∂ℒ/∂W1,2[2]; ∂ℒ/∂W2,2[2]; ∂ℒ/∂W2,2[2]⟧",
        equals=by_weight_column(2, 2),
        formula=lambda v: stacked(v, "W1,2[2]", "W2,2[2]", "W2,2[2]"),
        silent=True,
        corrected="∂ℒ/∂W2[2] = ⟦∂ℒ/∂W1,2[2]; ∂ℒ/∂W2,2[2]; ∂ℒ/∂W3,2[2]⟧",
        corrected_formula=lambda v: stacked(v, "W1,2[2]", "W2,2[2]", "W3,2[2]"),
        why="The second derivative stands in the third place too.",
    ),
    products("∂ℒ/∂W2[2] (2)", 2, 2),
    weight_column(2, 2, " (3)"),
    entry(
        "g[2a] (1)",
        "g[2a] = ⟦W1,1[3] · g[3z], W2,1[3] · g[3z]⟧ = g[3z] · ⟦W1,1[3], W2,1[3]⟧",
        equals=lambda p: p.d("ℒ", "a2"),
        formula=lambda v: g_z(v, 3) @ np.array([[at(v, "W1,1[3]"), at(v, "W2,1[3]")]]),
    ),
    entry(
        "g[2a] (2)",
        "g[2a] = g[3z] · (W[3])ᵀ",
        over=hidden,
        equals="∂ℒ/∂a{l}",
        setting=ROWS,
        formula=lambda v, l: g_z(v, l + 1) @ v.W[l + 1].T,
    ),
    slopes_times(2),
    entry(
        "g[2z] (2)",
        "g[2z] = gₕ′(z[2]) ∘ g[2a]",
        over=hidden,
        equals="∂ℒ/∂z{l}",
        setting=ROWS,
        formula=lambda v, l: np.exp(-v.z[l]) / (1 + np.exp(-v.z[l])) ** 2 * g_a(v, l),
    ),
    entry(
        "g[2W] (1)",
        "g[2W] = ⟦(a[1])ᵀ · ∂ℒ/∂z1[2], (a[1])ᵀ · ∂ℒ/∂z2[2]⟧",
        equals=lambda p: p.d("ℒ", "W2"),
        formula=lambda v: np.hstack([v.a[1].T * d(v, "ℒ", f"z{j}[2]") for j in (1, 2)]),
    ),
    column_times_row("g[2W] (2)", "g[2W]", 2),
    layered(
        "g[2W] (3)",
        "g[2W] = (a[1])ᵀ · g[2z]",
        shapes="n[1] × 1 times 1 × n[2]",
        equals="∂ℒ/∂W{l}",
        formula=lambda v, l: v.a[l - 1].T @ g_z(v, l),
    ),
    layered(
        "g[2b]",
        "g[2b] = ⟦∂ℒ/∂z1[2], ∂ℒ/∂z2[2]⟧ = g[2z]",
        equals="∂ℒ/∂b{l}",
        formula=g_z,
    ),
]


def flow(j: int) -> Entry:
    """∂ℒ/∂aj[1] = ∂z1[2]/∂aj[1] · dℒ/dz1[2] + ∂z2[2]/∂aj[1] · dℒ/dz2[2]."""
    a = f"a{j}[1]"
    return entry(
        f"∂ℒ/∂{a} (1)",
        f"∂ℒ/∂{a} = ∂z1[2]/∂{a} · dℒ/dz1[2] + ∂z2[2]/∂{a} · dℒ/dz2[2]",
        equals=derivative("ℒ", a),
        formula=lambda v: sum(d(v, z, a) * d(v, "ℒ", z) for z in ("z1[2]", "z2[2]")),
    )


def row_times_weights(v: Any, i: int) -> Any:
    """g[2z] · ⟦Wi,1[2]; Wi,2[2]⟧, a number."""
    return (g_z(v, 2) @ np.array([[at(v, f"W{i},1[2]")], [at(v, f"W{i},2[2]")]]))[0, 0]


LAYER_1 = [
    claim(
        "input layer",
        "the input layer has three neurons",
        equals=lambda p: np.array(p.value("z1").size),
        formula=lambda v: np.array(3),
        elsewhere=lambda v: np.array(v.a[0].size),
        why="Layer 1 is meant, which is called hidden at the end; the input a[0] has four.",
    ),
    claim(
        "first neuron",
        "the weights of the first neuron: W1,1[1], W2,1[1], W2,1[1], W4,1[1]",
        equals=by_weight_column(1, 1),
        formula=lambda v: stacked(v, "W1,1[1]", "W2,1[1]", "W2,1[1]", "W4,1[1]"),
        silent=True,
        corrected="the weights of the first neuron: W1,1[1], W2,1[1], W3,1[1], W4,1[1]",
        corrected_formula=lambda v: stacked(v, "W1,1[1]", "W2,1[1]", "W3,1[1]", "W4,1[1]"),
        why="The second weight is named twice, the third not at all.",
    ),
    claim(
        "two flows",
        "a1[1] contributes to two components of z[2]",
        equals=lambda p: np.count_nonzero(p.d("z2", "a1")[:, :, 0, 0]),
        formula=lambda v: np.array(2),
    ),
    local("z1[2]", "a1[1]", "W1,1[2]"),
    local("z2[2]", "a1[1]", "W1,2[2]"),
    flow(1),
    entry(
        "∂ℒ/∂a1[1] (2)",
        "∂ℒ/∂a1[1] = W1,1[2] · dℒ/dz1[2] + W1,2[2] · dℒ/dz2[2]",
        equals=derivative("ℒ", "a1[1]"),
        formula=lambda v: sum(at(v, f"W1,{k}[2]") * d(v, "ℒ", f"z{k}[2]") for k in (1, 2)),
    ),
    entry(
        "∂ℒ/∂a1[1] (3)",
        "∂ℒ/∂a1[1] = g[2z] · ⟦W1,1[2]; W1,2[2]⟧",
        equals=derivative("ℒ", "a1[1]"),
        formula=lambda v: row_times_weights(v, 1),
    ),
    unit_slope(1, 1),
    unit(1, 1),
    local("z1[1]", "W1,1[1]", "a1[0]"),
    chained("ℒ", "z1[1]", "W1,1[1]"),
    entry(
        "∂ℒ/∂W1,1[1] (2)",
        "∂ℒ/∂W1,1[1] = α1[0] · ∂ℒ/∂z1[1]",
        equals=derivative("ℒ", "W1,1[1]"),
        formula=undefined("α1[0]: α is the learning rate"),
        verdict="undefined",
        damaged=True,
        corrected="∂ℒ/∂W1,1[1] = a1[0] · ∂ℒ/∂z1[1]",
        corrected_formula=lambda v: at(v, "a1[0]") * d(v, "ℒ", "z1[1]"),
        why="An a has been read as an α, which is the learning rate and has no index.",
    ),
    *(weight(i, 1, 1) for i in (2, 3, 4)),
    entry(
        "∂ℒ/∂",
        "∂ℒ/∂",
        equals=derivative("ℒ", "b1[1]"),
        formula=undefined("∂ℒ/∂: by nothing"),
        verdict="undefined",
        damaged=True,
        corrected="∂ℒ/∂b1[1]",
        corrected_formula=lambda v: d(v, "ℒ", "b1[1]"),
        why="What is differentiated by is lost; the next line has b1[1].",
    ),
    chained("ℒ", "z1[1]", "b1[1]"),
    bias(1, 1),
    entry(
        "∂ℒ/∂W1[1] (1)",
        "∂ℒ/∂W1[1] = ⟦∂ℒ/∂W1,1[1]; ∂ℒ/∂W2,1[1]; ∂ℒ/∂W3,1[1]; ∂ℒ/∂W3,1[1]; ∂ℒ/∂W4,1[1]⟧",
        shapes="five rows for 4 × 1",
        equals=by_weight_column(1, 1),
        formula=lambda v: stacked(v, "W1,1[1]", "W2,1[1]", "W3,1[1]", "W3,1[1]", "W4,1[1]"),
        damaged=True,
        corrected="∂ℒ/∂W1[1] = ⟦∂ℒ/∂W1,1[1]; ∂ℒ/∂W2,1[1]; ∂ℒ/∂W3,1[1]; ∂ℒ/∂W4,1[1]⟧",
        corrected_formula=lambda v: stacked(v, "W1,1[1]", "W2,1[1]", "W3,1[1]", "W4,1[1]"),
        why="The third row stands twice.",
    ),
    entry(
        "∂ℒ/∂W1[1] (2)",
        "∂ℒ/∂W1[1] = ⟦a1[0] · ∂ℒ/∂z1[1]; a2[0] · ∂ℒ/∂z1[1]; a3[0] · ∂ℒ/∂z1[1]⟧",
        shapes="three rows for 4 × 1",
        equals=by_weight_column(1, 1),
        formula=lambda v: v.a[0][:, :3].T * d(v, "ℒ", "z1[1]"),
        damaged=True,
        corrected="∂ℒ/∂W1[1] = ⟦a1[0] · ∂ℒ/∂z1[1]; a2[0] · ∂ℒ/∂z1[1]; a3[0] · ∂ℒ/∂z1[1]; "
        "a4[0] · ∂ℒ/∂z1[1]⟧",
        corrected_formula=lambda v: v.a[0].T * d(v, "ℒ", "z1[1]"),
        why="The fourth row has strayed to the end of the line.",
    ),
    weight_column(1, 1, " (3)"),
    flow(2),
    entry(
        "∂ℒ/∂a2[1] (2)",
        "∂ℒ/∂a2[1] = g[2z] · ⟦W3,1[2]; W3,2[2]⟧",
        equals=derivative("ℒ", "a2[1]"),
        formula=lambda v: row_times_weights(v, 3),
        silent=True,
        corrected="∂ℒ/∂a2[1] = g[2z] · ⟦W2,1[2]; W2,2[2]⟧",
        corrected_formula=lambda v: row_times_weights(v, 2),
        why="These are the weights of the third neuron, as in ∂ℒ/∂a3[1]; g[1a] has the right ones.",
    ),
    unit(2, 1),
    weight_column(2, 1),
    bias(2, 1),
    entry(
        "∂ℒ/∂a3[1]",
        "∂ℒ/∂a3[1] = g[2z] · ⟦W3,1[2]; W3,2[2]⟧",
        equals=derivative("ℒ", "a3[1]"),
        formula=lambda v: row_times_weights(v, 3),
    ),
    unit(3, 1),
    weight_column(3, 1),
    bias(3, 1),
    entry(
        "g[1a] (1)",
        "g[1a] = (g[2z] · ⟦W1,1[2]; W1,2[2]⟧, g[2z] · ⟦W2,1[2]; W2,2[2]⟧, "
        "g[2z] · ⟦W3,1[2]; W3,2[2]⟧)",
        equals=lambda p: p.d("ℒ", "a1"),
        formula=lambda v: np.array([[row_times_weights(v, i) for i in (1, 2, 3)]]),
    ),
    entry(
        "g[1a] (2)",
        "g[1a] = g[2z] · ⟦W1,1[2], W2,1[2], W3,1[2]; W1,2[2], W2,2[2], W3,2[2]⟧",
        shapes="1 × 2 times 2 × 3",
        equals=lambda p: p.d("ℒ", "a1"),
        formula=lambda v: (
            g_z(v, 2) @ np.array([[at(v, f"W{i},{k}[2]") for i in (1, 2, 3)] for k in (1, 2)])
        ),
    ),
    entry(
        "g[1a] (3)",
        "g[1a] = g[2z] · (W[2])ᵀ",
        shapes="1 × 2 times 2 × 3",
        equals=lambda p: p.d("ℒ", "a1"),
        formula=lambda v: g_z(v, 2) @ v.W[2].T,
    ),
    slopes_times(1),
    entry(
        "g[1z] (2)",
        "g[1z] = gₕ′(z[1]) ∘ g[1a]",
        equals=lambda p: p.d("ℒ", "z1"),
        formula=lambda v: np.array([[slope_at(v, f"z{j}[1]") for j in (1, 2, 3)]]) * g_a(v, 1),
    ),
    entry(
        "g[1w] (1)",
        "g[1w] = ⟦(a[0])ᵀ · ∂ℒ/∂z1[1], (a[0])ᵀ · ∂ℒ/∂z2[1], (a[0])ᵀ · ∂ℒ/∂z3[1]⟧",
        equals=lambda p: p.d("ℒ", "W1"),
        formula=lambda v: np.hstack([v.a[0].T * d(v, "ℒ", f"z{j}[1]") for j in (1, 2, 3)]),
    ),
    column_times_row("g[1w] (2)", "g[1w]", 1),
    entry(
        "g[1w] (3)",
        "g[1w] = (a[0])ᵀ · g[1z]",
        shapes="4 × 1 times 1 × 3",
        equals=lambda p: p.d("ℒ", "W1"),
        formula=lambda v: v.a[0].T @ g_z(v, 1),
        elsewhere=lambda v: v.w[1],
        why="A small w here; g[2W], g[3W] and the explanation of the name have W.",
    ),
    entry(
        "g[1b] (1)",
        "g[1b] = ⟦∂ℒ/∂b[1], ∂ℒ/∂b[1], ∂ℒ/∂b[1]⟧",
        shapes="three rows of 1 × 3 for 1 × 3",
        equals=lambda p: p.d("ℒ", "b1"),
        formula=lambda v: np.hstack([v.d("ℒ", "b1")] * 3),
        corrected="g[1b] = ⟦∂ℒ/∂b1[1], ∂ℒ/∂b2[1], ∂ℒ/∂b3[1]⟧",
        corrected_formula=lambda v: np.array([[d(v, "ℒ", f"b{j}[1]") for j in (1, 2, 3)]]),
        why="The numbers of the components are missing: each entry is the whole row.",
    ),
    entry(
        "g[1b] (2)",
        "g[1b] = ⟦∂ℒ/∂z1[1], ∂ℒ/∂z2[1], ∂ℒ/∂z3[1]⟧ = g[1z]",
        equals=lambda p: p.d("ℒ", "b1"),
        formula=lambda v: g_z(v, 1),
    ),
]


def row_updates(
    W: ByLayer, b: ByLayer, X: Any, y: Any, alpha: float, epochs: int
) -> Iterator[dict[str, Any]]:
    """The gradients g[lW], g[lb] and the update for one row after the other, again and again."""
    for i in list(range(len(X))) * epochs:
        a = {0: X[i : i + 1]}
        for l in (1, 2, 3):
            a[l] = logistic(a[l - 1] @ W[l] + b[l])
        slope = {l: a[l] * (1 - a[l]) for l in (1, 2, 3)}
        g3a = (a[3] - y[i : i + 1]) / (a[3] * (1 - a[3]))
        gz = {3: slope[3] * g3a}
        for l in (2, 1):
            gz[l] = slope[l] * (gz[l + 1] @ W[l + 1].T)
        W = {l: W[l] - alpha * (a[l - 1].T @ gz[l]) for l in W}
        b = {l: b[l] - alpha * gz[l] for l in b}
        yield by_name(W, b)


def run(rng: int = 0, epochs: int = 20, kind: str = "versicolor", alpha: float = 0.1) -> Run:
    """The network 4-3-2-1 on iris, one kind against the others, one flower at a time in order."""
    X, Y = datasets.iris(kind, batch_axis=0)
    X = datasets.standardize(X, batch_axis=0)
    net = Network([4, 3, 2, 1], ["sigmoid"] * 3, rng=rng, batch_axis=0)
    what, loss = f"4-3-2-1 on iris, {kind} or not, row by row", losses.binary_cross_entropy
    by_hand = row_updates(*by_layer(net), X, Y, alpha, epochs)
    return beside_the_tape(
        "003", what, by_hand, net, X, Y, loss, rate=alpha, epochs=epochs, batch_size=1
    )


DOCUMENT = Document(
    "003",
    "Back Propagation",
    entries=[*FORWARD, *PERFORMANCE, *LAYER_3, *LAYER_2, *LAYER_1],
    convention="One sample is a row; W[l] is n[l−1] × n[l], the transpose of the other documents'; "
    "no factor 1/m; layers 1 to 3, the input is layer 0.",
    setting=ITS_NETWORK,
    run=run,
)
