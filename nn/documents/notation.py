"""One derivation, five notations: the letters of each document, and the map between them.

A network of the standard layout (columns, J a mean over m samples) is gone back through in the
way of each document, in its own letters, layout and layer numbers. What comes out is ∂J/∂· up to a
factor of m, a transpose and a layer number, which `NOTATIONS` gives as data and `IDENTITIES`
states as formulas, checked like those of the documents.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from .checker import Document, Entry, Setting
from .standard import networks, once

Gradients = dict[tuple[str, int], Any]
BATCH, COLUMN, ROW = "all samples, as columns", "one sample, a column", "one sample, a row"


@dataclass(frozen=True)
class Letter:
    """How a quantity is written, with ℓ for the layer, and how many times ∂J/∂· it is.

    `factor` is "1", "m" or "−m" (004's δ = y − a points the other way).
    """

    text: str
    latex: str
    factor: str = "1"


@dataclass(frozen=True)
class Notation:
    """One document's way of writing Z, A, W, b, their gradients dZ, dA, dW, db, and the update.

    `samples` says what a pass takes; `first` is the number of the input layer. `transposed`: its
    matrices are the transposes of the standard ones. With one sample a pass, dZ and dA are a
    column (or row) for each sample, and dW, db are means over the samples. "δ", where there is
    one, is the error of the output under half the squared error. `hadamard`, `product`,
    `transpose` and `ones` are its signs; `rate` and `update` are empty if it prints no update.
    """

    document: str
    cost: str
    count: str
    rate: str
    samples: str
    letters: Mapping[str, Letter]
    update: str
    update_latex: str
    backward: Callable[[Any], Gradients]
    first: int = 0
    transposed: bool = False
    hadamard: str = "∘"
    product: str = ""
    transpose: str = "T"
    ones: str = ""

    def write(self, name: str, layer: int, latex: bool = False) -> str:
        """`name` (Z, A, W, b, dZ, dA, dW, db) of the standard layer, in the document's letters.

        >>> NOTATIONS["001"].write("dZ", 2), NOTATIONS["003"].write("dZ", 2)
        ('H(2)', 'g[2z]')
        >>> NOTATIONS["004"].write("W", 1, latex=True)
        'W^{2}'
        """
        letter = self.letters[name]
        return (letter.latex if latex else letter.text).replace("ℓ", str(layer + self.first))

    def value(self, name: str, standard: Any, m: int) -> Any:
        """The document's quantity, from the standard one: ∂J/∂Z for "dZ", W for "W".

        >>> NOTATIONS["003"].value("dZ", np.array([[1.0, 2.0], [3.0, 4.0]]), m=2)
        array([[2., 6.],
               [4., 8.]])
        """
        scaled = standard * self._factor(name, m)
        return scaled.T if self.transposed else scaled

    def standard(self, name: str, value: Any, m: int) -> Any:
        """The standard quantity, from the document's: the inverse of `value`."""
        return (value.T if self.transposed else value) / self._factor(name, m)

    def _factor(self, name: str, m: int) -> int:
        letter = self.letters.get(name)
        return {"1": 1, "m": m, "−m": -m}[letter.factor if letter else "1"]


# Back through a network, as each document goes; v is a pass in the standard layout


def backward_000(v: Any) -> Gradients:
    """2.4: ∂ℒ/∂A[ℓ] and ∂ℒ/∂Z[ℓ] for each sample's own loss; 1/m in the parameters' gradients."""
    out: Gradients = {}
    dA = v.loss_prime(v.A[v.L], v.Y)
    for l in range(v.L, 0, -1):
        dZ = dA * v.g_prime[l](v.Z[l])
        out["dA", l], out["dZ", l] = dA, dZ
        out["dW", l] = 1 / v.m * (dZ @ v.A[l - 1].T)
        out["db", l] = 1 / v.m * (dZ @ np.ones((v.m, 1)))
        dA = v.W[l].T @ dZ
    return out


def backward_001(v: Any) -> Gradients:
    """5.1 and 5.2, corrected: Δ and H carry the 1/N, the parameters' gradients add nothing."""
    out: Gradients = {}
    Delta = 1 / v.m * v.loss_prime(v.A[v.L], v.Y)
    for l in range(v.L, 0, -1):
        H = Delta * v.g_prime[l](v.Z[l])
        out["dA", l], out["dZ", l] = Delta, H
        out["dW", l], out["db", l] = H @ v.A[l - 1].T, H @ np.ones((v.m, 1))
        Delta = v.W[l].T @ H
    return out


def backward_002(v: Any) -> Gradients:
    """Sample by sample in columns: ∂C/∂z^ℓ = (W^(ℓ+1))ᵀ ∂C/∂z^(ℓ+1) ∘ σ′(z^ℓ)."""
    return sample_by_sample(v, column_002, np.hstack)


def backward_003(v: Any) -> Gradients:
    """Sample by sample in rows: g[ℓa] = g[(ℓ+1)z] · (W[ℓ+1])ᵀ, W being n[ℓ−1] × n[ℓ]."""
    return sample_by_sample(v, row_003, np.vstack)


def backward_004(v: Any) -> Gradients:
    """Sample by sample in columns, with layers 2 to L + 1 and outer products."""
    return sample_by_sample(v, column_004, np.hstack)


def column_002(v: Any, i: int) -> Gradients:
    """The gradients of the cost of sample i."""
    out: Gradients = {}
    dz = None
    for l in range(v.L, 0, -1):
        a, z, below = (M[:, i : i + 1] for M in (v.A[l], v.Z[l], v.A[l - 1]))
        da = v.loss_prime(a, v.Y[:, i : i + 1]) if dz is None else v.W[l + 1].T @ dz
        dz = da * v.g_prime[l](z)
        out["dA", l], out["dZ", l], out["dW", l], out["db", l] = da, dz, dz @ below.T, dz
    return out


def row_003(v: Any, i: int) -> Gradients:
    """The gradients of the loss of sample i, everything transposed."""
    out: Gradients = {}
    W = {l: v.W[l].T for l in range(1, v.L + 1)}
    a = {l: v.A[l][:, i : i + 1].T for l in range(v.L + 1)}
    z = {l: v.Z[l][:, i : i + 1].T for l in range(1, v.L + 1)}
    g_a = v.loss_prime(a[v.L], v.Y[:, i : i + 1].T)
    for l in range(v.L, 0, -1):
        g_z = v.g_prime[l](z[l]) * g_a
        out["dA", l], out["dZ", l], out["dW", l], out["db", l] = g_a, g_z, a[l - 1].T @ g_z, g_z
        g_a = g_z @ W[l].T
    return out


def column_004(v: Any, i: int) -> Gradients:
    """Facts 1 to 6 for sample i; the list of activations begins with number 1, the input."""
    out: Gradients = {}
    W = {l + 1: v.W[l] for l in range(1, v.L + 1)}
    a = {l + 1: v.A[l][:, i : i + 1] for l in range(v.L + 1)}
    d_a = v.loss_prime(a[v.L + 1], v.Y[:, i : i + 1])
    for l in range(v.L + 1, 1, -1):
        d_z = d_a * v.g_prime[l - 1](v.Z[l - 1][:, i : i + 1])
        outer = np.outer(d_z, a[l - 1])
        out["dA", l], out["dZ", l], out["dW", l], out["db", l] = d_a, d_z, outer, d_z
        d_a = W[l].T @ d_z
    return out


def sample_by_sample(
    v: Any, one: Callable[[Any, int], Gradients], side_by_side: Callable[..., Any]
) -> Gradients:
    """All samples: dZ and dA side by side (rows: one below the other), the means of dW and db."""
    each = [one(v, i) for i in range(v.m)]
    out: Gradients = {}
    for name, l in each[0]:
        values = [gradients[name, l] for gradients in each]
        out[name, l] = side_by_side(values) if name in ("dZ", "dA") else sum(values) / v.m
    return out


def of_layer(text: str, latex: str, names: str) -> dict[str, Letter]:
    """Letters that only differ by a name: @ stands for it."""
    return {n: Letter(text.replace("@", n), latex.replace("@", n)) for n in names.split()}


NOTATIONS: dict[str, Notation] = {
    n.document: n
    for n in (
        Notation(
            "000", cost="𝒥", count="m", rate="α", samples=BATCH, product="×", ones="1_(m×1)",
            letters={
                **of_layer("@[ℓ]", "@^{[ℓ]}", "Z A W"),
                "b": Letter("b[ℓ]", r"\vec{b}^{[ℓ]}"),
                "dZ": Letter("∂ℒ/∂Z[ℓ]", r"\frac{\partial\mathcal{L}}{\partial Z^{[ℓ]}}", "m"),
                "dA": Letter("∂ℒ/∂A[ℓ]", r"\frac{\partial\mathcal{L}}{\partial A^{[ℓ]}}", "m"),
                "dW": Letter("∂𝒥/∂W[ℓ]", r"\frac{\partial\mathcal{J}}{\partial W^{[ℓ]}}"),
                "db": Letter("∂𝒥/∂b[ℓ]", r"\frac{\partial\mathcal{J}}{\partial\vec{b}^{[ℓ]}}"),
            },
            update="W[ℓ]{n+1} = W[ℓ]{n} − α ∂𝒥/∂W[ℓ]{n}",
            update_latex=r"W^{[ℓ]\{n+1\}} = W^{[ℓ]\{n\}}"
            r"-\alpha\frac{\partial\mathcal{J}}{\partial W^{[ℓ]\{n\}}}",
            backward=backward_000,
        ),
        Notation(
            "001", cost="J", count="N", rate="", samples=BATCH, hadamard="⊙", transpose="t",
            ones="J_N",
            letters={
                **of_layer("@(ℓ)", "@^{(ℓ)}", "Z A W b"),
                "dZ": Letter("H(ℓ)", r"H^{(ℓ)}"),
                "dA": Letter("Δ(ℓ)", r"\Delta^{(ℓ)}"),
                "dW": Letter("∂J/∂W(ℓ)", r"\frac{\partial J}{\partial W^{(ℓ)}}"),
                "db": Letter("∂J/∂b(ℓ)", r"\frac{\partial J}{\partial b^{(ℓ)}}"),
                "δ": Letter("δ_i(ℓ)", r"\delta_i^{(ℓ)}", "m"),
            },
            update="",  # it ends with the gradients
            update_latex="",
            backward=backward_001,
        ),
        Notation(
            "002", cost="C", count="", rate="α", samples=COLUMN,
            letters={
                **of_layer("@^ℓ", "@^{ℓ}", "W b"),
                "Z": Letter("z^ℓ", "z^{ℓ}"),
                "A": Letter("a^ℓ", "a^{ℓ}"),
                "dZ": Letter("∂C/∂z^ℓ", r"\frac{\partial C}{\partial z^{ℓ}}", "m"),
                "dA": Letter("∂C/∂a^ℓ", r"\frac{\partial C}{\partial a^{ℓ}}", "m"),
                "dW": Letter("∂C/∂W^ℓ", r"\frac{\partial C}{\partial W^{ℓ}}"),
                "db": Letter("∂C/∂b^ℓ", r"\frac{\partial C}{\partial b^{ℓ}}"),
            },
            update="W_new^ℓ = W_old^ℓ − α ∂C/∂W",
            update_latex=r"W_{new}^{ℓ} = W_{old}^{ℓ}-\alpha\frac{\partial C}{\partial W}",
            backward=backward_002,
        ),
        Notation(
            "003", cost="ℒ", count="", rate="α", samples=ROW, transposed=True, product="·",
            letters={
                **of_layer("@[ℓ]", "@^{[ℓ]}", "W b"),
                "Z": Letter("z[ℓ]", "z^{[ℓ]}"),
                "A": Letter("a[ℓ]", "a^{[ℓ]}"),
                "dZ": Letter("g[ℓz]", "g^{[ℓz]}", "m"),
                "dA": Letter("g[ℓa]", "g^{[ℓa]}", "m"),
                "dW": Letter("g[ℓW]", "g^{[ℓW]}"),
                "db": Letter("g[ℓb]", "g^{[ℓb]}"),
            },
            update="W_(s+1)[ℓ] = W_s[ℓ] − α ∂ℒ/∂W_s[ℓ]",
            update_latex=r"W_{s+1}^{[ℓ]} = W_s^{[ℓ]}"
            r"-\alpha\frac{\partial\mathcal{L}}{\partial W_s^{[ℓ]}}",
            backward=backward_003,
        ),
        Notation(
            "004", cost="C", count="", rate="η", samples=COLUMN, first=1, hadamard="⊙",
            product="⊗", transpose="t", ones="1",
            letters={
                "W": Letter("W^ℓ", "W^{ℓ}"),
                "b": Letter("b^ℓ", r"\vec{b}^{ℓ}"),
                "Z": Letter("z^ℓ", r"\vec{z}^{ℓ}"),
                "A": Letter("a^ℓ", r"\vec{a}^{ℓ}"),
                "dZ": Letter("d_z^ℓ C", r"\vec{d}_{\vec{z}^{ℓ}}C", "m"),
                "dA": Letter("d_a^ℓ C", r"\vec{d}_{\vec{a}^{ℓ}}C", "m"),
                "dW": Letter("D_W^ℓ C", r"D_{W^{ℓ}}C"),
                "db": Letter("d_b^ℓ C", r"\vec{d}_{\vec{b}^{ℓ}}C"),
                "δ": Letter("δ", r"\vec{\delta}", "−m"),
            },
            update="W += ΔW, ΔW = −η d_z C ⊗ a′",
            update_latex=r"W \mathrel{+}= \Delta W,\ \Delta W = -\eta\,\vec{d}_{\vec{z}}C"
            r"\otimes\vec{a}'",
            backward=backward_004,
        ),
    )
}  # fmt: skip


# The map as formulas, to be checked like those of the documents


@lru_cache(maxsize=1)
def gone_back(document: str, v: Any) -> Gradients:
    """The gradients in a document's way, kept for the next layer of the same pass."""
    return NOTATIONS[document].backward(v)


def in_standard(n: Notation, name: str) -> str:
    """What the document's `name` is in standard letters: "(m ∂J/∂Z[ℓ])ᵀ"."""
    factor = n.letters[name].factor.replace("1", "").replace("m", "m ")
    layer = "ℓ − 1" if n.first else "ℓ"
    gradient = f"{factor}∂J/∂{name.removeprefix('d').replace('δ', 'A')}[{layer}]"
    return f"({gradient})ᵀ" if n.transposed else gradient


def in_document(n: Notation, name: str) -> str:
    """The document's `name`; of one sample, dW and db have a mean over the samples."""
    mean = "mean of " if n.samples != BATCH and name in ("dW", "db") else ""
    return mean + n.letters[name].text


def same(n: Notation, name: str) -> Entry:
    """The document's `name` of every layer is the standard one, up to what `n` says."""
    return Entry(
        f"{n.document} {name}",
        f"{in_document(n, name)} = {in_standard(n, name)}",
        formula=lambda v, l: gone_back(n.document, v)[name, l + n.first],
        equals=lambda p, l: n.value(name, p.d("J", f"{name[1]}{l}"), p.m),
    )


def updated(n: Notation, name: str) -> Entry:
    """After the document's update of `name`: the mean over its passes, one for each sample."""
    rate = 0.3

    def by_document(v: Any, l: int) -> Any:
        step = gone_back(n.document, v)[f"d{name}", l + n.first]
        return n.value(name, v.value(f"{name}{l}"), v.m) - rate * step

    def by_tape(p: Any, l: int) -> Any:
        return n.value(name, p.value(f"{name}{l}") - rate * p.d("J", f"{name}{l}"), p.m)

    old, step = n.letters[name].text, n.letters[f"d{name}"].text
    printed = f"{old} − {n.rate} {step} = new {name}[{'ℓ − 1' if n.first else 'ℓ'}]"
    printed += "ᵀ" if n.transposed else ""
    return Entry(f"{n.document} update {name}", printed, formula=by_document, equals=by_tape)


def output_error(n: Notation, formula: Callable[[Any], Any]) -> Entry:
    """δ, which is not the same thing in 001 and 004, for half the squared error."""
    squared = [(g, "half squared error") for g in ("linear", "tanh", "logistic")]
    return Entry(
        f"{n.document} δ",
        f"{n.letters['δ'].text} = {in_standard(n, 'δ')}",
        over=once,
        formula=formula,
        equals=lambda p: n.value("δ", p.d("J", f"A{p.L}"), p.m),
        setting=Setting(networks=lambda rng, count: networks(rng, count, output=squared)),
    )


IDENTITIES = Document(
    "notation",
    "The map between the five notations",
    [
        *(same(n, name) for n in NOTATIONS.values() for name in ("dA", "dZ", "dW", "db")),
        output_error(NOTATIONS["001"], lambda v: v.A[v.L] - v.Y),
        output_error(NOTATIONS["004"], lambda v: v.Y - v.A[v.L]),
        *(updated(n, name) for n in NOTATIONS.values() if n.rate for name in ("W", "b")),
    ],
    convention="columns, J a mean over m samples, layers 1 to L",
)


def table() -> str:
    """The map as text: how each document writes the error signals and gradients of layer ℓ.

    >>> print(table().splitlines()[2][:48].rstrip())
    001  all samples, as columns  Δ(ℓ) = ∂J/∂A[ℓ]
    """
    names = ("dA", "dZ", "dW", "db")
    rows = [
        [n.document, n.samples]
        + [f"{in_document(n, name)} = {in_standard(n, name)}" for name in names]
        for n in NOTATIONS.values()
    ]
    rows.insert(0, ["", "a pass takes", "∂J/∂A", "∂J/∂Z", "∂J/∂W", "∂J/∂b"])
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
