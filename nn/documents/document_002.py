"""Document 002: gradient descent and back-propagation for deep learning models.

One sample, column vectors, W^l is n^l × n^(l−1), logistic activations, half the squared error; the
chains are written for three layers. Products are written side by side: between the factors of a
chain these are matrix products of Jacobians (∂z/∂a = W, so ∂C/∂a must be a row there), and the
lines that are derived from them work with columns.
"""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from .. import datasets, losses
from ..network import Network
from .checker import Document, Entry, Setting, whole_network
from .passes import Keep, Pass
from .procedures import ByLayer, Run, beside_the_tape, by_layer, by_name
from .standard import hidden, logistic, networks, one_sample, own_derivative, undefined
from .strict import NotConforming, strict


def with_squared_error(net: SimpleNamespace, keep: Keep) -> None:
    """z^l = W^l a^(l−1) + b^l, a^l = σ(z^l), C = ½ Σ (a^L − y)²."""
    keep("C", 0.5 * np.sum((one_sample(net, keep) - net.Y) ** 2))


def logistic_networks(
    rng: np.random.Generator, count: int, depths: tuple[int, ...] = (1, 2, 3, 4, 5)
) -> Iterator[SimpleNamespace]:
    """One sample, logistic throughout; `depths` layers."""
    output = [("logistic", "half squared error")]
    return networks(rng, count, depths=depths, samples=1, hidden=["logistic"], output=output)


def three_layers(rng: np.random.Generator, count: int) -> Iterator[SimpleNamespace]:
    """The network of the chains."""
    return logistic_networks(rng, count, depths=(3,))


ANY_DEPTH = Setting(with_squared_error, logistic_networks)
THREE = Setting(with_squared_error, three_layers)
RATE = 0.5


def jacobian(v: Pass, of: str, wrt: str) -> Any:
    """∂of/∂wrt as a matrix: a row for each component of `of`; ∂C/∂a is a row."""
    d = np.asarray(v.d(of, wrt))
    rows = 1 if of == "C" else v.value(of).size
    return strict(d.reshape(rows, -1))


def jacobians(*factors: tuple[str, str]) -> Any:
    """The product of Jacobians, from left to right, in the shape of the last `wrt`."""

    def formula(v: Pass) -> Any:
        product = jacobian(v, *factors[0])
        for factor in factors[1:]:
            product = product @ jacobian(v, *factor)
        return product.reshape(v.value(factors[-1][1]).shape)

    return formula


def chain_latex(*factors: tuple[str, str]) -> str:
    """The same chain as it is printed."""
    return "".join(rf"\frac{{\partial {name(of)}}}{{\partial {name(wrt)}}}" for of, wrt in factors)


def chain_text(*factors: tuple[str, str]) -> str:
    """The same chain as a line of text."""
    return " · ".join(f"∂{name(of)}/∂{name(wrt)}" for of, wrt in factors)


def name(key: str) -> str:
    """a3 → a^3."""
    return key if len(key) == 1 else f"{key[0]}^{key[1:]}"


def chain_entry(wrt: str, *factors: tuple[str, str], **others: Any) -> Entry:
    """The chain for one parameter of the three-layer network."""
    return whole_network(
        f"chain {name(wrt)}",
        f"∂C/∂{name(wrt)} = {chain_text(*factors)}",
        printed_latex=rf"\frac{{\partial C}}{{\partial {name(wrt)}}} = {chain_latex(*factors)}",
        shapes=f"that of {name(wrt)}; a row, then Jacobians",
        equals=f"∂C/∂{wrt}",
        formula=jacobians(*factors),
        setting=THREE,
        **others,
    )


def stray_comma(v: Pass) -> Any:
    """a²(z², (…)): z² without its arguments, and a second argument for a²."""
    raise NotConforming("a^2 of two arguments, z^2 and a triple")


def composition(v: Pass) -> Any:
    """C(a³(z³(W³, b³, a²(z²(W², b², a¹(z¹(W¹, b¹, a⁰)))))))."""

    def a(z: Any) -> Any:
        return logistic(z)

    def z(W: Any, b: Any, a: Any) -> Any:
        return W @ a + b

    def C(a: Any) -> Any:
        return 0.5 * np.sum((a - v.Y) ** 2)

    W, b = v.W, v.b
    return C(a(z(W[3], b[3], a(z(W[2], b[2], a(z(W[1], b[1], v.a[0])))))))


def slope_of_output(p: Pass) -> Any:
    """σ′(z^L), component by component."""
    return own_derivative(p, f"a{p.L}", f"z{p.L}")


def sigma(label: str, printed: str, latex: str, formula: Any) -> Entry:
    """One step of the derivation of σ′, which is about one component."""
    return whole_network(
        f"σ′ {label}",
        f"σ′ = {printed}",
        printed_latex=rf"\sigma' = {latex}",
        shapes="n^L × 1, component by component",
        equals=slope_of_output,
        formula=lambda v: formula(v.z[v.L]),
    )


def a_minus_y(v: Pass) -> Any:
    """a^L − y."""
    return v.a[v.L] - v.Y


def e(z: Any) -> Any:
    """e^(−z)."""
    return np.exp(-z)


NO_LAYER = (
    "The same layer as on the left is meant, and the old value; the chains below number the layer "
    "they differentiate by."
)

A3, A2, A1 = ("C", "a3"), ("z3", "a2"), ("z2", "a1")
Z3, Z2, Z1 = ("a3", "z3"), ("a2", "z2"), ("a1", "z1")

ENTRIES = [
    Entry(
        "z",
        "z^l = W^l * a^(l−1) + b",
        printed_latex=r"z^l = W^l * a^{l-1} + b",
        shapes="n^l × 1; b read as the bias of layer l, * as the matrix product",
        equals="z{l}",
        formula=lambda v, l: v.W[l] @ v.a[l - 1] + v.b[l],
        elsewhere=undefined("b without a layer, where a product has no sign"),
        why="The list of symbols has b as the bias of a layer; all later lines number it, b^l, and "
        "write the product without *.",
    ),
    Entry(
        "a",
        "a^l = σ(z^l)",
        printed_latex=r"a^l = \sigma(z^l)",
        shapes="n^l × 1",
        equals="a{l}",
        formula=lambda v, l: logistic(v.z[l]),
    ),
    whole_network(
        "cost",
        "mse = ½ (a^L − y)²",
        printed_latex=r"mse = \frac{1}{2}(a^L - y)^2",
        shapes="a number, as 1 × 1",
        equals=lambda p: np.reshape(p.value("C"), (1, 1)),
        formula=lambda v: 0.5 * (a_minus_y(v) @ a_minus_y(v)),
        corrected="C = ½ (a^L − y)ᵀ (a^L − y)",
        corrected_latex=r"C = \frac{1}{2}(a^L - y)^T (a^L - y)",
        corrected_formula=lambda v: 0.5 * (a_minus_y(v).T @ a_minus_y(v)),
        why="A vector has no square; with one output unit, and only there, it is a number. "
        "It is called mse here and C from then on.",
    ),
    Entry(
        "1",
        "W_new^l = W_old^l − α ∂C/∂W",
        printed_latex=r"W_{new}^l = W_{old}^l - \alpha \frac{\partial C}{\partial W}",
        shapes="n^l × n^(l−1); W read as W_old^l",
        equals=lambda p, l: p.value(f"W{l}") - RATE * p.d("C", f"W{l}"),
        formula=lambda v, l: v.W[l] - RATE * v.d("C", f"W{l}"),
        elsewhere=undefined("∂C/∂W: by the weights of which layer"),
        why=NO_LAYER,
    ),
    Entry(
        "2",
        "b_new^l = b_old^l − α ∂C/∂b",
        printed_latex=r"b_{new}^l = b_{old}^l - \alpha \frac{\partial C}{\partial b}",
        shapes="n^l × 1; b read as b_old^l",
        equals=lambda p, l: p.value(f"b{l}") - RATE * p.d("C", f"b{l}"),
        formula=lambda v, l: v.b[l] - RATE * v.d("C", f"b{l}"),
        elsewhere=undefined("∂C/∂b: by the biases of which layer"),
        why=NO_LAYER,
    ),
    whole_network(
        "composition",
        "C(a^3(z^3(w^3, b^3, a^2(z^2, (w^2, b^2, a^1(z^1(w^1, b^1, a^0))))))))",
        printed_latex=r"C(a^3(z^3(w^3, b^3, a^2(z^2, (w^2, b^2, a^1(z^1(w^1, b^1, a^0))))))))",
        shapes="a number",
        equals="C",
        formula=stray_comma,
        setting=THREE,
        corrected="C(a^3(z^3(W^3, b^3, a^2(z^2(W^2, b^2, a^1(z^1(W^1, b^1, a^0)))))))",
        corrected_latex=r"C(a^3(z^3(W^3, b^3, a^2(z^2(W^2, b^2, a^1(z^1(W^1, b^1, a^0)))))))",
        corrected_formula=composition,
        why="A comma stands between z^2 and its arguments, and there is a closing bracket too "
        "many; w and W are one thing.",
    ),
    chain_entry("W3", A3, Z3, ("z3", "W3")),
    chain_entry("b3", A3, Z3, ("z3", "b3")),
    chain_entry("W2", A3, Z3, A2, Z2, ("z2", "W2")),
    chain_entry("b2", A3, Z3, A2, Z2, ("z2", "b2")),
    chain_entry("W1", A3, Z3, A2, Z2, A1, Z1, ("z1", "W1")),
    chain_entry(
        "b1",
        *(A3, Z3, A2, Z2, Z1, ("z1", "b1")),
        silent=True,
        corrected=f"∂C/∂b^1 = {chain_text(A3, Z3, A2, Z2, A1, Z1, ('z1', 'b1'))}",
        corrected_latex=r"\frac{\partial C}{\partial b^1} = "
        + chain_latex(A3, Z3, A2, Z2, A1, Z1, ("z1", "b1")),
        corrected_formula=jacobians(A3, Z3, A2, Z2, A1, Z1, ("z1", "b1")),
        why="The factor ∂z^2/∂a^1 is missing; with equal widths in layers 1 and 2 the product "
        "conforms all the same.",
    ),
    whole_network(
        "∂C/∂z^L (1)",
        "∂C/∂z^L = ∂C/∂a^L ∂a^L/∂z^L",
        printed_latex=r"\frac{\partial C}{\partial z^L} = "
        r"\frac{\partial C}{\partial a^L} \frac{\partial a^L}{\partial z^L}",
        shapes="1 × n^L: a row, then a Jacobian",
        equals=lambda p: p.d("C", f"z{p.L}").T,
        formula=lambda v: jacobian(v, "C", f"a{v.L}") @ jacobian(v, f"a{v.L}", f"z{v.L}"),
    ),
    whole_network(
        "∂C/∂z^L (2)",
        "∂C/∂z^L = ∂C/∂a^L ∂σ(z^L)/∂z^L",
        printed_latex=r"\frac{\partial C}{\partial z^L} = "
        r"\frac{\partial C}{\partial a^L} \frac{\partial \sigma(z^L)}{\partial z^L}",
        shapes="1 × n^L: a row, then a Jacobian",
        equals=lambda p: p.d("C", f"z{p.L}").T,
        formula=lambda v: (
            jacobian(v, "C", f"a{v.L}")
            @ np.diag((logistic(v.z[v.L]) * (1 - logistic(v.z[v.L])))[:, 0])
        ),
    ),
    whole_network(
        "∂C/∂a^L",
        "∂C/∂a^L = (a^L − y)",
        printed_latex=r"\frac{\partial C}{\partial a^L} = (a^L - y)",
        shapes="n^L × 1",
        equals=lambda p: p.d("C", f"a{p.L}"),
        formula=a_minus_y,
        elsewhere=lambda v: a_minus_y(v).T,
        why="A column here; as the first factor of the chains it must be a row.",
    ),
    whole_network(
        "σ",
        "σ(z^L) = 1/(1 + e^(−z^L))",
        printed_latex=r"\sigma(z^L) = \frac{1}{1 + e^{-z^L}}",
        shapes="n^L × 1, component by component",
        equals=lambda p: p.value(f"a{p.L}"),
        formula=lambda v: 1 / (1 + e(v.z[v.L])),
    ),
    sigma(
        "of the inverse",
        "∂(1 + e^(−z))^(−1)/∂z",
        r"\frac{\partial(1 + e^{-z^L})^{-1}}{\partial z^L}",
        lambda z: np.imag((1 + e(z + 1e-30j)) ** -1.0) / 1e-30,
    ),
    sigma(
        "reciprocal",
        "−1/(1 + e^(−z))² · ∂(1 + e^(−z))/∂z",
        r"-\frac{1}{(1 + e^{-z^L})^2} \frac{\partial(1 + e^{-z^L})}{\partial z^L}",
        lambda z: -1 / (1 + e(z)) ** 2 * (np.imag(1 + e(z + 1e-30j)) / 1e-30),
    ),
    sigma(
        "exponent (1)",
        "−1/(1 + e^(−z))² · e^(−z) · ∂(−z)/∂z",
        r"-\frac{1}{(1 + e^{-z^L})^2} e^{-z^L} \frac{\partial(-z^L)}{\partial z^L}",
        lambda z: -1 / (1 + e(z)) ** 2 * e(z) * (np.imag(-(z + 1e-30j)) / 1e-30),
    ),
    sigma(
        "exponent (2)",
        "e^(−z)/(1 + e^(−z))²",
        r"\frac{e^{-z^L}}{(1 + e^{-z^L})^2}",
        lambda z: e(z) / (1 + e(z)) ** 2,
    ),
    sigma(
        "split (1)",
        "(e^(−z) + 1 − 1)/(1 + e^(−z))²",
        r"\frac{e^{-z^L} + 1 - 1}{(1 + e^{-z^L})^2}",
        lambda z: (e(z) + 1 - 1) / (1 + e(z)) ** 2,
    ),
    sigma(
        "split (2)",
        "1/(1 + e^(−z)) · [(1 + e^(−z))/(1 + e^(−z)) − 1/(1 + e^(−z))]",
        r"\frac{1}{(1 + e^{-z^L})} \left[\frac{1 + e^{-z^L}}{1 + e^{-z^L}} - "
        r"\frac{1}{1 + e^{-z^L}}\right]",
        lambda z: 1 / (1 + e(z)) * ((1 + e(z)) / (1 + e(z)) - 1 / (1 + e(z))),
    ),
    sigma(
        "σ(1 − σ)",
        "σ(z^L) [1 − σ(z^L)]",
        r"\sigma(z^L)[1 - \sigma(z^L)]",
        lambda z: logistic(z) * (1 - logistic(z)),
    ),
    whole_network(
        "σ′ a(1 − a)",
        "σ′ = a^L (1 − a^L)",
        printed_latex=r"\sigma' = a^L(1 - a^L)",
        shapes="n^L × 1, component by component",
        equals=slope_of_output,
        formula=lambda v: v.a[v.L] * (1 - v.a[v.L]),
    ),
    whole_network(
        "∂C/∂z^L",
        "∂C/∂z^L = (a^L − y) a^L (1 − a^L)",
        printed_latex=r"\frac{\partial C}{\partial z^L} = (a^L - y)a^L(1 - a^L)",
        shapes="n^L × 1",
        equals=lambda p: p.d("C", f"z{p.L}"),
        formula=lambda v: a_minus_y(v) @ v.a[v.L] @ (1 - v.a[v.L]),
        corrected="∂C/∂z^L = (a^L − y) ∘ a^L ∘ (1 − a^L)",
        corrected_latex=r"\frac{\partial C}{\partial z^L} = (a^L - y) \circ a^L \circ (1 - a^L)",
        corrected_formula=lambda v: a_minus_y(v) * v.a[v.L] * (1 - v.a[v.L]),
        why="Columns cannot be multiplied so; the products are those that the document writes "
        "∘, and with one output unit the difference does not show.",
    ),
    Entry(
        "∂C/∂z^l (1)",
        "∂C/∂z^l = ∂C/∂z^(l+1) ∂z^(l+1)/∂a^l ∂a^l/∂z^l",
        printed_latex=r"\frac{\partial C}{\partial z^l} = \frac{\partial C}{\partial z^{l+1}} "
        r"\frac{\partial z^{l+1}}{\partial a^l} \frac{\partial a^l}{\partial z^l}",
        shapes="1 × n^l: a row, then Jacobians",
        equals=lambda p, l: p.d("C", f"z{l}").T,
        over=hidden,
        formula=lambda v, l: (
            jacobian(v, "C", f"z{l + 1}")
            @ jacobian(v, f"z{l + 1}", f"a{l}")
            @ jacobian(v, f"a{l}", f"z{l}")
        ),
    ),
    Entry(
        "∂z^(l+1)/∂a^l",
        "∂z^(l+1)/∂a^l = ∂[W^(l+1) a^l + b^(l+1)]/∂a^l = W^(l+1)",
        printed_latex=r"\frac{\partial z^{l+1}}{\partial a^l} = "
        r"\frac{\partial[W^{l+1}a^l + b^{l+1}]}{\partial a^l} = W^{l+1}",
        shapes="n^(l+1) × n^l",
        equals=lambda p, l: jacobian(p, f"z{l + 1}", f"a{l}"),
        over=hidden,
        formula=lambda v, l: v.W[l + 1],
        elsewhere=lambda v, l: v.W[l + 1].T,
        why="Rows belong to z here; the D of document 004 has its rows for a, and gives Wᵗ.",
    ),
    Entry(
        "∂C/∂z^l (2)",
        "∂C/∂z^l = [W^(l+1)]ᵀ ∂C/∂z^(l+1) ∘ σ′(z^L)",
        printed_latex=r"\frac{\partial C}{\partial z^l} = "
        r"[W^{l+1}]^T \frac{\partial C}{\partial z^{l+1}} \circ \sigma'(z^L)",
        shapes="n^l × 1",
        equals="∂C/∂z{l}",
        over=hidden,
        formula=lambda v, l: (v.W[l + 1].T @ v.d("C", f"z{l + 1}")) * (v.a[v.L] * (1 - v.a[v.L])),
        silent=True,
        corrected="∂C/∂z^l = [W^(l+1)]ᵀ ∂C/∂z^(l+1) ∘ σ′(z^l)",
        corrected_latex=r"\frac{\partial C}{\partial z^l} = "
        r"[W^{l+1}]^T \frac{\partial C}{\partial z^{l+1}} \circ \sigma'(z^l)",
        corrected_formula=lambda v, l: (
            (v.W[l + 1].T @ v.d("C", f"z{l + 1}")) * (v.a[l] * (1 - v.a[l]))
        ),
        why="The slope is that of layer l; σ′(z^L) conforms only where layers l and L are "
        "equally wide.",
    ),
    Entry(
        "∂z^l/∂w^l",
        "∂z^l/∂w^l = ∂[W^l a^(l−1) + b^l]/∂w^l = a^(l−1)",
        printed_latex=r"\frac{\partial z^l}{\partial w^l} = "
        r"\frac{\partial[W^l a^{l-1} + b^l]}{\partial w^l} = a^{l-1}",
        shapes="n^l × n^(l−1), put into ∂C/∂W^l = ∂C/∂z^l ∂z^l/∂W^l",
        equals="∂C/∂W{l}",
        formula=lambda v, l: v.d("C", f"z{l}") @ v.a[l - 1],
        corrected="∂z_i^l/∂w_{jk}^l = δ_ij a_k^(l−1), so ∂C/∂W^l = ∂C/∂z^l (a^(l−1))ᵀ",
        corrected_latex=r"\frac{\partial z_i^l}{\partial w_{jk}^l} = \delta_{ij} a_k^{l-1},"
        r"\quad \frac{\partial C}{\partial W^l} = \frac{\partial C}{\partial z^l} (a^{l-1})^T",
        corrected_formula=lambda v, l: v.d("C", f"z{l}") @ v.a[l - 1].T,
        why="The derivative of a vector by a matrix has three indices; as a factor a^(l−1) needs "
        "a transpose, which shows wherever layer l−1 has more than one unit.",
    ),
    Entry(
        "∂z^l/∂b^l",
        "∂z^l/∂b^l = ∂[W^l a^(l−1) + b^l]/∂b^l = 1",
        printed_latex=r"\frac{\partial z^l}{\partial b^l} = "
        r"\frac{\partial [W^l a^{l-1} + b^l]}{\partial b^l} = 1",
        shapes="n^l × 1, put into ∂C/∂b^l = ∂C/∂z^l ∂z^l/∂b^l",
        equals="∂C/∂b{l}",
        formula=lambda v, l: v.d("C", f"z{l}") * 1,
        elsewhere=lambda v, l: v.d("C", f"z{l}") @ np.ones((v.n[l], 1)),
        why="The number 1 does for the unit matrix; in document 004 the same derivative is a "
        "vector of ones, for ∘.",
    ),
]


def update(net: Any, W: ByLayer, b: ByLayer, alpha: float) -> tuple[ByLayer, ByLayer]:
    """Equations 1 and 2 after one pass forward and back: W_old, b_old → W_new, b_new.

    `net` gives L, X (n^0 × 1) and Y (n^L × 1). The formulas are those of the document, corrected.
    """
    a = {0: np.asarray(net.X)}
    for l in range(1, net.L + 1):
        a[l] = logistic(W[l] @ a[l - 1] + b[l])
    dz = {net.L: (a[net.L] - np.asarray(net.Y)) * a[net.L] * (1 - a[net.L])}
    for l in range(net.L - 1, 0, -1):
        dz[l] = (W[l + 1].T @ dz[l + 1]) * (a[l] * (1 - a[l]))
    W_new = {l: W[l] - alpha * (dz[l] @ a[l - 1].T) for l in W}
    b_new = {l: b[l] - alpha * dz[l] for l in b}
    return W_new, b_new


def run(rng: int = 0, updates: int = 500) -> Run:
    """Equations 1 and 2 again and again, three layers, on the first of the digits."""
    X, Y = datasets.digits()
    X, Y = X[:, :1] / 16, Y[:, :1]
    net = Network([64, 12, 8, 10], ["sigmoid"] * 3, rng=rng)
    start = by_layer(net)

    def by_hand() -> Iterator[dict[str, np.ndarray]]:
        W, b = start
        for _ in range(updates):
            W, b = update(SimpleNamespace(L=3, X=X, Y=Y), W, b, RATE)
            yield by_name(W, b)

    what = "equations 1 and 2, three layers, one digit"
    loss = losses.half_squared_error
    return beside_the_tape("002", what, by_hand(), net, X, Y, loss, rate=RATE, epochs=updates)


DOCUMENT = Document(
    "002",
    "Gradient descent and back-propagation for deep learning models",
    ENTRIES,
    convention="one sample, column vectors, logistic, half squared error, three layers",
    setting=ANY_DEPTH,
    run=run,
)
