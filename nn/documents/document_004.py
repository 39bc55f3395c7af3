"""Document 004: Backpropagation ("learning") algorithm derivation.

One sample, column vectors; layer 1 is the input, so W^2, …, W^L and b^2, …, b^L. One prime is one
layer back: a′ is a^(l−1). D_u x has a row for each u_i and a column for each x_j (the transpose of
the Jacobian), d_u f is the column of ∂f/∂u_i. In sections 5 to 8 the current layer is the last.
Where the transcription drops a prime inside a subscript, the formula is judged as it stands and
marked damaged; I⃗ stands in it for the 1⃗ of the page.
"""

from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from .. import datasets, losses
from ..network import Network
from .checker import Document, Entry, Setting, whole_network
from .passes import Keep, Pass
from .procedures import ByLayer, Run, beside_the_tape, by_layer, by_name
from .standard import (
    column,
    last,
    logistic,
    matrix,
    networks,
    once,
    one_sample,
    own_derivative,
    undefined,
    vector,
)
from .strict import strict

# --- what the formulas are tried on --------------------------------------------------------------


def from_layer_1(net: SimpleNamespace, keep: Keep) -> None:
    """a^1 = x, z^l = W^l a^(l−1) + b^l, a^l = σ(z^l), δ = y − a^L, C = ½ ‖δ‖²."""
    delta = keep("delta", net.Y - one_sample(net, keep))
    keep("C", 0.5 * np.sum(delta * delta))


def classifiers(rng: np.random.Generator, count: int) -> Iterator[SimpleNamespace]:
    """One sample, logistic throughout, layers 1 to L, a label for each output unit."""
    output = [("logistic", "half squared error")]
    nets = networks(rng, count, samples=1, hidden=["logistic"], output=output, first=1)
    for net in nets:
        net.Y = np.eye(net.n[net.L])[:, [rng.integers(net.n[net.L])]]
        yield net


def sizes(rng: np.random.Generator, count: int) -> Iterator[tuple[int, int]]:
    """Pairs of lengths: distinct, equal, and 1."""
    for i in range(count):
        k, n = (int(s) for s in rng.permutation(np.arange(2, 6))[:2])
        yield [(k, n), (n, n), (n, 1), (1, k), (1, 1)][i % 5]


def maps(rng: np.random.Generator, count: int) -> Iterator[SimpleNamespace]:
    """Data for `composed`: u has k components, x has n."""
    for k, n in sizes(rng, count):
        B, Q = rng.normal(size=(n, k)), rng.normal(size=(n, n))
        yield SimpleNamespace(k=k, n=n, B=B, Q=Q, U=rng.normal(size=(k, 1)))


def composed(net: SimpleNamespace, keep: Keep) -> None:
    """Some f(x(u)) in which every x_i depends on every u_j."""
    u = keep("u", net.U)
    x = keep("x", np.tanh(net.B @ u) + (net.B @ u) ** 2)
    keep("f", np.sum(np.exp(0.3 * x)) + np.sum((net.Q @ x) ** 2))


def parallel(net: SimpleNamespace, keep: Keep) -> None:
    """Some f(x(u)) in which x_i depends on u_i only; u and x have n components."""
    u = keep("u", net.Q[:, :1])
    x = keep("x", np.tanh(net.B[:, :1] * u) + u**2)
    keep("f", np.sum(np.exp(0.3 * x)) + np.sum((net.Q @ x) ** 2))


def rowwise(net: SimpleNamespace, keep: Keep) -> None:
    """Some f(x(U)) in which x_i depends on row i of U only; its columns are kept as c1, c2, …"""
    columns = [keep(f"c{j + 1}", 1.0 * column(net.B, j)) for j in range(net.k)]
    x = keep("x", np.tanh(0.2 * sum((j + 1) * c for j, c in enumerate(columns))) + columns[0] ** 2)
    keep("f", np.sum(np.exp(0.3 * x)) + np.sum((net.Q @ x) ** 2))


NETWORK = Setting(from_layer_1, classifiers)
COMPOSED = Setting(composed, maps)
PARALLEL = Setting(parallel, maps)
ROWWISE = Setting(rowwise, maps)
ETA = 0.5

# --- the document's notation ---------------------------------------------------------------------


def D(v: Pass, u: str, x: str) -> Any:
    """D_u x: ∂x_j/∂u_i in row i and column j."""
    return strict(np.asarray(v.d(x, u))[:, 0, :, 0].T)


def own(v: Pass, u: str, x: str) -> Any:
    """d_u x where x_i depends on u_i only: (∂x_1/∂u_1, …, ∂x_n/∂u_n)."""
    return own_derivative(v, x, u)


def sigma_prime(z: Any) -> Any:
    """σ′(z)."""
    return logistic(z) * (1 - logistic(z))


def outer(u: Any, w: Any) -> Any:
    """u ⊗ v = u vᵗ."""
    return u @ w.T


def ones(n: int) -> Any:
    """1⃗."""
    return strict(np.ones((n, 1)))


def from_2(v: Any) -> range:
    """2, …, L: the layers that have parameters."""
    return range(2, v.L + 1)


def from_3(v: Any) -> range:
    """3, …, L: the layers that have one of these before them."""
    return range(3, v.L + 1)


def columns_of_W(v: Any) -> Iterator[tuple[int, int]]:
    """Every l with every column i of W^l, counted from 0."""
    return ((l, i) for l in from_2(v) for i in range(v.n[l - 1]))


def columns_of_U(v: Any) -> range:
    """Every column j of U, counted from 1."""
    return range(1, v.k + 1)


def entries_of_U(v: Any) -> Iterator[tuple[int, int]]:
    """Every row i of U, counted from 0, with every column j."""
    return ((i, j) for j in columns_of_U(v) for i in range(v.n))


def basis(n: int, i: int) -> Any:
    """The unit vector e_i, i counted from 0."""
    return strict(column(np.eye(n), i))


def slope_by_column(v: Pass, l: int, i: int) -> Any:
    """∂z_j/∂(w_i)_j: d_{w_i} z in the sense of proposition 2E."""
    d = np.asarray(v.d(f"z{l}", f"W{l}"))[:, 0, :, i]
    return strict(np.diagonal(d)[:, None])


def slope_along(v: Pass, W: Any, b: Any) -> Any:
    """dC/dt at t = 0 for weights W^l + t W[l] and biases b^l + t b[l], by the complex step."""
    h, net = 1e-30, SimpleNamespace(**vars(v.net))
    net.W = {l: np.asarray(v.net.W[l] + 1j * h * W[l]) for l in W}
    net.b = {l: np.asarray(v.net.b[l] + 1j * h * b[l]) for l in b}
    return np.imag(Pass(from_layer_1, net).C) / h


# Where entries are tried: on maps, at the current layer, or at any
composed_map = partial(Entry, setting=COMPOSED, over=once)
parallel_map = partial(Entry, setting=PARALLEL, over=once)
row_map = partial(Entry, setting=ROWWISE, over=entries_of_U)
last_layer = partial(Entry, over=last)
any_layer = partial(Entry, over=from_2)
layer_before = partial(Entry, over=from_3)

# --- 1 to 4. Cost, propositions ------------------------------------------------------------------

PROPOSITIONS = [
    whole_network(
        "C",
        "C = ½ ‖y − a^L‖²",
        printed_latex=r"C = \frac{1}{2} \|\vec y - \vec a^L\|^2",
        shapes="a number",
        equals="C",
        formula=lambda v: 0.5 * np.linalg.norm(v.Y - v.a[v.L]) ** 2,
    ),
    whole_network(
        "descent",
        "against the derivatives by the weights and biases, C decreases",
        printed_latex=r"\left.\frac{d}{dt}\right|_{t=0} C(W - t\, D_W C, "
        r"\vec b - t\, \vec d_{\vec b} C) = -\|D_W C\|^2 - \|\vec d_{\vec b} C\|^2",
        shapes="the slope of C along the step, all layers together",
        equals=lambda p: (
            -sum(np.sum(np.square(p.d("C", f"{x}{l}"))) for x in "Wb" for l in from_2(p))
        ),
        formula=lambda v: slope_along(
            v,
            {l: -v.d("C", f"W{l}") for l in from_2(v)},
            {l: -v.d("C", f"b{l}") for l in from_2(v)},
        ),
    ),
    composed_map(
        "Prop. 1",
        "d_u f = D_u x · d_x f",
        printed_latex=r"\vec d_{\vec u} f = D_{\vec u} \vec x \cdot \vec d_{\vec x} f",
        shapes="k × 1 = (k × n)(n × 1)",
        equals="∂f/∂u",
        formula=lambda v: D(v, "u", "x") @ v.d("f", "x"),
    ),
    composed_map(
        "Prop. 1, component (1)",
        "∂_{u_i} f = ∂_{x_1} f · ∂_{u_i} x_1 + … + ∂_{x_n} f · ∂_{u_i} x_n",
        printed_latex=r"\partial_{u_i} f = \partial_{x_1} f \cdot \partial_{u_i} x_1 + \dots + "
        r"\partial_{x_n} f \cdot \partial_{u_i} x_n",
        shapes="a number, for each i",
        equals="∂f/∂u",
        formula=lambda v: vector(
            v.k,
            lambda i: sum(v.d("f", "x")[j, 0] * v.d("x", "u")[j, 0, i, 0] for j in range(v.n)),
        ),
    ),
    composed_map(
        "Prop. 1, component (2)",
        "∂_{u_i} f = d_x f · ∂_{u_i} x",
        printed_latex=r"\partial_{u_i} f = \vec d_{\vec x} f \cdot \vec\partial_{u_i} \vec x",
        shapes="a number, for each i: a dot product",
        equals="∂f/∂u",
        formula=lambda v: vector(v.k, lambda i: np.sum(v.d("f", "x") * v.d("x", "u")[:, :, i, 0])),
    ),
    composed_map(
        "Prop. 1, stacked",
        "d_u f = (∂_{u_1} x; …; ∂_{u_k} x) · d_x f",
        printed_latex=r"\vec d_{\vec u} f = \begin{bmatrix} \vec\partial_{u_1} \vec x \\ \vdots \\"
        r"\vec\partial_{u_k} \vec x \end{bmatrix} \cdot \vec d_{\vec x} f",
        shapes="k × 1 = (k × n)(n × 1), each ∂_{u_i} x laid down as a row",
        equals="∂f/∂u",
        formula=lambda v: (
            strict(np.vstack([v.d("x", "u")[:, :, i, 0].T for i in range(v.k)])) @ v.d("f", "x")
        ),
        elsewhere=lambda v: (
            strict(np.vstack([v.d("x", "u")[:, :, i, 0] for i in range(v.k)])) @ v.d("f", "x")
        ),
        why="Vectors one below the other are rows here, as D_u x needs them; by Appendix A, and in "
        "the proof of proposition 2, ∂_{u_i} x is a column, which would need a transpose.",
    ),
    parallel_map(
        "Prop. 2",
        "d_u f = d_x f ⊙ d_u x",
        printed_latex=r"\vec d_{\vec u} f = \vec d_{\vec x} f \odot \vec d_{\vec u} \vec x",
        shapes="n × 1",
        equals="∂f/∂u",
        formula=lambda v: v.d("f", "x") * own(v, "u", "x"),
    ),
    parallel_map(
        "Prop. 2, d_u x",
        "d_u x = (∂_{u_1} x_1, …, ∂_{u_n} x_n)",
        printed_latex=r"\vec d_{\vec u} \vec x = (\partial_{u_1} x_1, \dots, \partial_{u_n} x_n)",
        shapes="n × 1",
        equals=lambda p: np.sum(np.asarray(p.d("x", "u"))[:, 0, :, 0], axis=0)[:, None],
        formula=lambda v: own(v, "u", "x"),
        elsewhere=lambda v: D(v, "u", "x"),
        why="It is said to be recalled, but Appendix A has no d of a vector by a vector, only the "
        "matrix D; here it is the diagonal of that.",
    ),
    Entry(
        "Prop. 2, proof (1)",
        "∂_{u_i} x = (0, …, ∂_{u_i} x_i, …, 0)",
        printed_latex=r"\vec\partial_{u_i} \vec x = [0, \dots, \partial_{u_i} x_i, \dots, 0]^T",
        shapes="n × 1, for each i",
        equals=lambda p, i: p.d("x", "u")[:, :, i, 0],
        over=lambda v: range(v.n),
        formula=lambda v, i: basis(v.n, i) * own(v, "u", "x")[i, 0],
        setting=PARALLEL,
    ),
    parallel_map(
        "Prop. 2, proof (2)",
        "D_u x = diag(∂_{u_1} x_1, …, ∂_{u_n} x_n)",
        printed_latex=r"D_{\vec u} \vec x = "
        r"\mathrm{diag}(\partial_{u_1} x_1, \dots, \partial_{u_n} x_n)",
        shapes="n × n",
        equals=lambda p: D(p, "u", "x"),
        formula=lambda v: np.diag(own(v, "u", "x")[:, 0]),
    ),
    parallel_map(
        "Prop. 2, proof (3)",
        "d_u f = diag(∂_{u_i} x_i) (∂_{x_i} f) = (∂_{x_i} f · ∂_{u_i} x_i)",
        printed_latex=r"\vec d_{\vec u} f = \mathrm{diag}(\partial_{u_i} x_i)\,"
        r"[\partial_{x_i} f] = [\partial_{x_i} f \cdot \partial_{u_i} x_i]",
        shapes="n × 1 = (n × n)(n × 1)",
        equals="∂f/∂u",
        formula=lambda v: strict(np.diag(own(v, "u", "x")[:, 0])) @ v.d("f", "x"),
    ),
    Entry(
        "Prop. 2E",
        "d_{c_j} f = d_x f ⊙ d_{c_j} x",
        printed_latex=r"\vec d_{\vec c_j} f = \vec d_{\vec x} f \odot \vec d_{\vec c_j} \vec x",
        shapes="m × 1, for each column",
        equals=lambda p, j: p.d("f", f"c{j}"),
        over=columns_of_U,
        formula=lambda v, j: v.d("f", "x") * own(v, f"c{j}", "x"),
        setting=ROWWISE,
    ),
    row_map(
        "Prop. 2E, proof (1)",
        "d_{c_j} x_i = (0, …, ∂_{u_ij} x_i, …, 0)",
        printed_latex=r"\vec d_{\vec c_j} x_i = [0, \dots, \partial_{u_{ij}} x_i, \dots, 0]^T",
        shapes="m × 1, for each i and j",
        equals=lambda p, i, j: p.d("x", f"c{j}")[i, 0],
        formula=lambda v, i, j: basis(v.n, i) * v.d("x", f"c{j}")[i, 0, i, 0],
    ),
    row_map(
        "Prop. 2E, proof (2)",
        "D_{c_j} x = diag(∂_{u_ij} x_1, …, ∂_{u_mj} x_m)",
        printed_latex=r"D_{\vec c_j} \vec x = "
        r"\mathrm{diag}(\partial_{u_{ij}} x_1, \dots, \partial_{u_{mj}} x_m)",
        shapes="m × m, for each i and j",
        equals=lambda p, i, j: D(p, f"c{j}", "x"),
        formula=lambda v, i, j: np.diag(first_with_index(v, i, j)[:, 0]),
        silent=True,
        corrected="D_{c_j} x = diag(∂_{u_1j} x_1, …, ∂_{u_mj} x_m)",
        corrected_latex=r"D_{\vec c_j} \vec x = "
        r"\mathrm{diag}(\partial_{u_{1j}} x_1, \dots, \partial_{u_{mj}} x_m)",
        corrected_formula=lambda v, i, j: np.diag(own(v, f"c{j}", "x")[:, 0]),
        why="x_1 depends on row 1 of U only: by an entry of another row i its derivative is 0. The "
        "drawing above has u_1j, so the 1 has been read as an i.",
        damaged=True,
    ),
    row_map(
        "Prop. 2E, proof (3)",
        "d_{c_j} f = (∂_{x_1} f · ∂_{u_ij} x_1, …, ∂_{x_m} f · ∂_{u_mj} x_m)",
        printed_latex=r"\vec d_{\vec c_j} f = [\partial_{x_1} f \cdot \partial_{u_{ij}} x_1, "
        r"\dots, \partial_{x_m} f \cdot \partial_{u_{mj}} x_m]^T",
        shapes="m × 1, for each i and j",
        equals=lambda p, i, j: p.d("f", f"c{j}"),
        formula=lambda v, i, j: v.d("f", "x") * first_with_index(v, i, j),
        silent=True,
        corrected="d_{c_j} f = (∂_{x_1} f · ∂_{u_1j} x_1, …, ∂_{x_m} f · ∂_{u_mj} x_m)",
        corrected_latex=r"\vec d_{\vec c_j} f = [\partial_{x_1} f \cdot \partial_{u_{1j}} x_1, "
        r"\dots, \partial_{x_m} f \cdot \partial_{u_{mj}} x_m]^T",
        corrected_formula=lambda v, i, j: v.d("f", "x") * own(v, f"c{j}", "x"),
        why="The first index of u is 1 beside x_1, as it is m beside x_m; see (2).",
        damaged=True,
    ),
]


def first_with_index(v: Pass, i: int, j: int) -> Any:
    """(∂_{u_ij} x_1, ∂_{u_2j} x_2, …, ∂_{u_mj} x_m), i counted from 0."""
    slopes = np.array(own(v, f"c{j}", "x"))
    slopes[0, 0] = v.d("x", f"c{j}")[0, 0, i, 0]
    return strict(slopes)


# --- 5 to 8. The last layer: facts 1 to 5 --------------------------------------------------------

LAST_LAYER = [
    last_layer(
        "Fact 1, chain",
        "∂_a C = ∂_δ(½ ‖δ‖²) ⊙ ∂_a δ",
        printed_latex=r"\vec\partial_{\vec a} C = \vec\partial_{\vec\delta}"
        r"\left(\tfrac{1}{2} \|\vec\delta\|^2\right) \odot \vec\partial_{\vec a} \vec\delta",
        shapes="n × 1",
        equals="∂C/∂a{l}",
        formula=lambda v, l: v.d("C", "delta") * own(v, f"a{l}", "delta"),
    ),
    whole_network(
        "Fact 1, first factor",
        "∂_δ(½ ‖δ‖²) = δ",
        printed_latex=r"\vec\partial_{\vec\delta}\left(\tfrac{1}{2} \|\vec\delta\|^2\right) = "
        r"\vec\delta",
        shapes="n × 1",
        equals="∂C/∂delta",
        formula=lambda v: v.delta,
    ),
    last_layer(
        "Fact 1, second factor",
        "∂_a δ = ∂_a(y − a) = −1⃗",
        printed_latex=r"\vec\partial_{\vec a} \vec\delta = "
        r"\vec\partial_{\vec a}(\vec y - \vec a) = -\vec 1",
        shapes="n × 1",
        equals=lambda p, l: own(p, f"a{l}", "delta"),
        formula=lambda v, l: -ones(v.n[l]),
    ),
    last_layer(
        "Fact 1, product",
        "∂_a C = δ ⊙ −1⃗ = (y − a) ⊙ −1⃗",
        printed_latex=r"\vec\partial_{\vec a} C = \vec\delta \odot -\vec 1 = "
        r"(\vec y - \vec a) \odot -\vec 1",
        shapes="n × 1",
        equals="∂C/∂a{l}",
        formula=lambda v, l: (v.Y - v.a[l]) * -ones(v.n[l]),
    ),
    last_layer(
        "Fact 1",
        "∂_a C = a − y",
        printed_latex=r"\vec\partial_{\vec a} C = \vec a - \vec y",
        shapes="n × 1",
        equals="∂C/∂a{l}",
        formula=lambda v, l: v.a[l] - v.Y,
        elsewhere=undefined("∂_a C: Appendix A has ∂ by one variable, and d by a vector"),
        why="Facts 2 to 6, the recap and Appendix A write the gradient d_a C; on this page it is "
        "∂_a C throughout.",
    ),
    last_layer(
        "Fact 2, chain",
        "d_z C = d_a C ⊙ d_z a",
        printed_latex=r"\vec d_{\vec z} C = \vec d_{\vec a} C \odot \vec d_{\vec z} \vec a",
        shapes="n × 1",
        equals="∂C/∂z{l}",
        formula=lambda v, l: v.d("C", f"a{l}") * own(v, f"z{l}", f"a{l}"),
    ),
    last_layer(
        "Fact 2, second factor",
        "d_z a = (∂_{z_i} σ(z_i)) = (σ′(z_i)) = σ′(z)",
        printed_latex=r"\vec d_{\vec z} \vec a = [\partial_{z_i} \sigma(z_i)] = "
        r"[\sigma'(z_i)] = \vec\sigma'(\vec z)",
        shapes="n × 1",
        equals=lambda p, l: own(p, f"z{l}", f"a{l}"),
        formula=lambda v, l: sigma_prime(v.z[l]),
    ),
    last_layer(
        "Fact 2",
        "d_z C = d_a C ⊙ σ′(z)",
        printed_latex=r"\vec d_{\vec z} C = \vec d_{\vec a} C \odot \vec\sigma'(\vec z)",
        shapes="n × 1",
        equals="∂C/∂z{l}",
        formula=lambda v, l: v.d("C", f"a{l}") * sigma_prime(v.z[l]),
    ),
    any_layer(
        "z",
        "z = W a′ + b",
        printed_latex=r"\vec z = W\vec a' + \vec b",
        shapes="n × 1",
        equals="z{l}",
        formula=lambda v, l: v.W[l] @ v.a[l - 1] + v.b[l],
    ),
    any_layer(
        "z_i",
        "z_i = Σ w a′ + b_i, the dot product of row i of W with a′, and b_i",
        printed_latex=r"z_i = z_i(b_i) = \sum w a' + b_i",
        shapes="n × 1, component by component",
        equals="z{l}",
        formula=lambda v, l: vector(
            v.n[l],
            lambda i: (
                sum(v.W[l][i, k] * v.a[l - 1][k, 0] for k in range(v.n[l - 1])) + v.b[l][i, 0]
            ),
        ),
    ),
    last_layer(
        "Fact 3, chain",
        "d_b C = d_z C ⊙ d_b z",
        printed_latex=r"\vec d_{\vec b} C = \vec d_{\vec z} C \odot \vec d_{\vec b} \vec z",
        shapes="n × 1",
        equals="∂C/∂b{l}",
        formula=lambda v, l: v.d("C", f"z{l}") * own(v, f"b{l}", f"z{l}"),
    ),
    last_layer(
        "Fact 3, second factor",
        "d_b z = d_b(W a′ + b) = 1⃗",
        printed_latex=r"\vec d_{\vec b} \vec z = \vec d_{\vec b}(W\vec a' + \vec b) = \vec 1",
        shapes="n × 1",
        equals=lambda p, l: own(p, f"b{l}", f"z{l}"),
        formula=lambda v, l: ones(v.n[l]),
    ),
    last_layer(
        "Fact 3",
        "d_b C = d_z C",
        printed_latex=r"\vec d_{\vec b} C = \vec d_{\vec z} C",
        shapes="n × 1",
        equals="∂C/∂b{l}",
        formula=lambda v, l: v.d("C", f"z{l}"),
    ),
    last_layer(
        "D_W C",
        "D_W C = [d_{w_1} C, …, d_{w_n} C]",
        printed_latex=r"D_W C = [\vec d_{\vec w_1} C, \dots, \vec d_{\vec w_n} C]",
        shapes="n × n′, column by column",
        equals="∂C/∂W{l}",
        formula=lambda v, l: np.hstack([column(v.d("C", f"W{l}"), i) for i in range(v.n[l - 1])]),
    ),
    any_layer(
        "Fact 4, columns",
        "W a′ + b = Σ_k a′_k w_k + b",
        printed_latex=r"W\vec a' + \vec b = \sum_k a'_k \vec w_k + \vec b",
        shapes="n × 1",
        equals="z{l}",
        formula=lambda v, l: (
            sum(
                (column(v.W[l], k) * v.a[l - 1][k, 0] for k in range(v.n[l - 1])),
                0 * v.b[l],
            )
            + v.b[l]
        ),
    ),
    Entry(
        "Fact 4, chain",
        "d_{w_i} C = d_z C ⊙ d_{w_i} z",
        printed_latex=r"\vec d_{\vec w_i} C = \vec d_{\vec z} C \odot \vec d_{\vec w_i} \vec z",
        shapes="n × 1, for each column",
        equals=lambda p, l, i: column(p.d("C", f"W{l}"), i),
        over=columns_of_W,
        formula=lambda v, l, i: v.d("C", f"z{l}") * slope_by_column(v, l, i),
    ),
    Entry(
        "Fact 4, second factor",
        "d_{w_i} z = a′_i I⃗",
        printed_latex=r"\vec d_{\vec w_i} \vec z = a'_i \vec I",
        shapes="n × 1, for each column",
        equals=slope_by_column,
        over=columns_of_W,
        formula=undefined("I⃗"),
        verdict="undefined",
        corrected="d_{w_i} z = a′_i 1⃗",
        corrected_latex=r"\vec d_{\vec w_i} \vec z = a'_i \vec 1",
        corrected_formula=lambda v, l, i: ones(v.n[l]) * v.a[l - 1][i, 0],
        why="The vector of ones, introduced as 1⃗ with fact 1.",
        damaged=True,
    ),
    Entry(
        "Fact 4",
        "d_{w_i} C = a′_i d_z C",
        printed_latex=r"\vec d_{\vec w_i} C = a'_i \vec d_{\vec z} C",
        shapes="n × 1, for each column",
        equals=lambda p, l, i: column(p.d("C", f"W{l}"), i),
        over=columns_of_W,
        formula=lambda v, l, i: v.d("C", f"z{l}") * v.a[l - 1][i, 0],
    ),
    last_layer(
        "D_W C (2)",
        "D_W C = [a′_1 d_z C, …, a′_n d_z C]",
        printed_latex=r"D_W C = [a'_1 \vec d_{\vec z} C, \dots, a'_n \vec d_{\vec z} C]",
        shapes="n × n′",
        equals="∂C/∂W{l}",
        formula=lambda v, l: np.hstack(
            [v.d("C", f"z{l}") * v.a[l - 1][i, 0] for i in range(v.n[l - 1])]
        ),
    ),
    composed_map(
        "outer product",
        "u ⊗ v = u vᵗ = [v_1 u, …, v_n u]",
        printed_latex=r"\vec u \otimes \vec v = \vec u \vec v^t = [v_1 \vec u, \dots, v_n \vec u]",
        shapes="k × n",
        equals=lambda p: np.outer(p.value("u"), p.value("x")),
        formula=lambda v: np.hstack([v.u * v.x[j, 0] for j in range(v.n)]),
    ),
    last_layer(
        "Fact 5",
        "D_W C = d_z C ⊗ a′",
        printed_latex=r"D_W C = \vec d_{\vec z} C \otimes \vec a'",
        shapes="n × n′",
        equals="∂C/∂W{l}",
        formula=lambda v, l: outer(v.d("C", f"z{l}"), v.a[l - 1]),
    ),
    last_layer(
        "recap 1",
        "d_{a^L} C = a^L − y",
        printed_latex=r"\vec d_{\vec a^L} C = \vec a^L - \vec y",
        shapes="n^L × 1",
        equals="∂C/∂a{l}",
        formula=lambda v, l: v.a[l] - v.Y,
    ),
    last_layer(
        "recap 2",
        "d_{z^L} C = d_{a^L} C ⊙ σ′(z^L)",
        printed_latex=r"\vec d_{\vec z^L} C = \vec d_{\vec a^L} C \odot \vec\sigma'(\vec z^L)",
        shapes="n^L × 1, d_{a^L} C by recap 1",
        equals="∂C/∂z{l}",
        formula=lambda v, l: (v.a[l] - v.Y) * sigma_prime(v.z[l]),
    ),
    last_layer(
        "recap 3",
        "d_{b^L} C = d_{z^L} C",
        printed_latex=r"\vec d_{\vec b^L} C = \vec d_{\vec z^L} C",
        shapes="n^L × 1, d_{z^L} C by recap 2",
        equals="∂C/∂b{l}",
        formula=lambda v, l: (v.a[l] - v.Y) * sigma_prime(v.z[l]),
    ),
    Entry(
        "recap 4",
        "d_{w_i^L} C = a_i^(L−1) d_{z^L} C",
        printed_latex=r"\vec d_{\vec w_i^L} C = a_i^{L-1} \vec d_{\vec z^L} C",
        shapes="n^L × 1, for each column",
        equals=lambda p, i: column(p.d("C", f"W{p.L}"), i),
        over=lambda v: range(v.n[v.L - 1]),
        formula=lambda v, i: v.d("C", f"z{v.L}") * v.a[v.L - 1][i, 0],
    ),
    last_layer(
        "recap 5",
        "D_W C = d_{z^L} C ⊗ a^(L−1)",
        printed_latex=r"D_W C = \vec d_{\vec z^L} C \otimes \vec a^{L-1}",
        shapes="n^L × n^(L−1)",
        equals="∂C/∂W{l}",
        formula=lambda v, l: outer(v.d("C", f"z{v.L}"), v.a[v.L - 1]),
    ),
]

# --- 9. Any layer --------------------------------------------------------------------------------


LOST_PRIME = (
    "z depends on the activations a′ of the layer before, as in fact 6; with equal widths both "
    "conform."
)


def lost_prime(label: str, printed: str, latex: str, **parts: Any) -> Entry:
    """A formula for layer l whose left-hand side should be about a′."""
    return any_layer(
        label,
        printed,
        printed_latex=latex,
        corrected=printed.replace("_a ", "_{a′} "),
        corrected_latex=latex.replace(r"{\vec a}", r"{\vec a'}"),
        corrected_formula=parts["formula"],
        silent=True,
        **{"why": LOST_PRIME} | parts,
    )


ANY_LAYER = [
    Entry(
        "induction",
        "for l = L, …, 1: d_b C = d_z C",
        printed_latex=r"l = L, \dots, 1",
        shapes="n × 1",
        equals=lambda p, l: p.d("C", f"b{l}") if l > 1 else np.zeros((p.n[1], 1)),
        over=lambda v: range(v.L, 0, -1),
        formula=lambda v, l: v.d("C", f"z{l}"),
        verdict="undefined",
        corrected="for l = L, …, 2: d_b C = d_z C",
        corrected_latex=r"l = L, \dots, 2",
        why="Layer 1 is the input: it has no z^1, W^1 or b^1; the algorithm stops at 2.",
    ),
    lost_prime(
        "a′ chain",
        "d_a C = D_a z · d_z C",
        r"\vec d_{\vec a} C = D_{\vec a} \vec z \cdot \vec d_{\vec z} C",
        shapes="n′ × 1 = (n′ × n)(n × 1)",
        equals="∂C/∂a{l}",
        formula=lambda v, l: D(v, f"a{l - 1}", f"z{l}") @ v.d("C", f"z{l}"),
        corrected_equals=lambda p, l: p.d("C", f"a{l - 1}"),
        damaged=True,
    ),
    lost_prime(
        "D_a′ z",
        "D_a z = D_a (W a′ + b) = Wᵗ",
        r"D_{\vec a} \vec z = D_{\vec a} (W\vec a' + \vec b) = W^t",
        shapes="n′ × n",
        equals=lambda p, l: 0 * outer(p.value(f"a{l}"), p.value(f"z{l}")),
        formula=lambda v, l: v.W[l].T,
        corrected_equals=lambda p, l: D(p, f"a{l - 1}", f"z{l}"),
        damaged=True,
    ),
    composed_map(
        "D",
        "D_u x = [d_u x_1, …, d_u x_n], with ∂_{u_i} x_j in row i and column j",
        printed_latex=r"D_{\vec u} \vec x = [\vec d_{\vec u} x_1, \dots, \vec d_{\vec u} x_n]",
        shapes="k × n",
        equals=lambda p: D(p, "u", "x"),
        formula=lambda v: np.hstack([v.d("x", "u")[j, 0] for j in range(v.n)]),
    ),
    lost_prime(
        "a′ recurrence",
        "d_a C = Wᵗ d_z C",
        r"\vec d_{\vec a} C = W^t \vec d_{\vec z} C",
        shapes="n′ × 1",
        equals="∂C/∂a{l}",
        formula=lambda v, l: v.W[l].T @ v.d("C", f"z{l}"),
        corrected_equals=lambda p, l: p.d("C", f"a{l - 1}"),
        damaged=True,
    ),
    layer_before(
        "a″ chain",
        "d_{a″} C = D_{a″} z′ · d_{z′} C",
        printed_latex=r"\vec d_{\vec a''} C = D_{\vec a''} \vec z' \cdot \vec d_{\vec z'} C",
        shapes="n″ × 1",
        equals=lambda p, l: p.d("C", f"a{l - 2}"),
        formula=lambda v, l: D(v, f"a{l - 2}", f"z{l - 1}") @ v.d("C", f"z{l - 1}"),
    ),
    layer_before(
        "D_a″ z′",
        "D_{a″} z′ = D_{a″} (W′ a″ + b′) = (W′)ᵗ",
        printed_latex=r"D_{\vec a''} \vec z' = D_{\vec a''} (W'\vec a'' + \vec b') = (W')^t",
        shapes="n″ × n′",
        equals=lambda p, l: D(p, f"a{l - 2}", f"z{l - 1}"),
        formula=lambda v, l: v.W[l - 1].T,
    ),
    layer_before(
        "a″ recurrence",
        "d_{a″} C = (W′)ᵗ d_{z′} C",
        printed_latex=r"\vec d_{\vec a''} C = (W')^t \vec d_{\vec z'} C",
        shapes="n″ × 1",
        equals=lambda p, l: p.d("C", f"a{l - 2}"),
        formula=lambda v, l: v.W[l - 1].T @ v.d("C", f"z{l - 1}"),
    ),
    any_layer(
        "Fact 6",
        "d_{a′} C = Wᵗ d_z C",
        printed_latex=r"\vec d_{\vec a'} C = W^t \vec d_{\vec z} C",
        shapes="n′ × 1",
        equals=lambda p, l: p.d("C", f"a{l - 1}"),
        formula=lambda v, l: v.W[l].T @ v.d("C", f"z{l}"),
    ),
    layer_before(
        "Fact 2, any layer",
        "d_{z′} C = d_{a′} C ⊙ d_{z′} a′ = d_{a′} C ⊙ σ′(z′)",
        printed_latex=r"\vec d_{\vec z'} C = \vec d_{\vec a'} C \odot \vec\sigma'(\vec z')",
        shapes="n′ × 1",
        equals=lambda p, l: p.d("C", f"z{l - 1}"),
        formula=lambda v, l: v.d("C", f"a{l - 1}") * sigma_prime(v.z[l - 1]),
    ),
    layer_before(
        "z′_i",
        "z′_i = Σ w′_{i″} a″_{i″} + b′_{i′}",
        printed_latex=r"z'_i = \sum w'_{i''} a''_{i''} + b'_{i'}",
        shapes="n′ × 1, component by component",
        equals=lambda p, l: p.value(f"z{l - 1}"),
        formula=undefined("w′_{i″}: a weight has two indices"),
        verdict="undefined",
        corrected="z′_i = Σ_k w′_{ik} a″_k + b′_i",
        corrected_latex=r"z'_i = \sum_k w'_{ik} a''_k + b'_i",
        corrected_formula=lambda v, l: vector(
            v.n[l - 1],
            lambda i: (
                sum(v.W[l - 1][i, k] * v.a[l - 2][k, 0] for k in range(v.n[l - 2]))
                + v.b[l - 1][i, 0]
            ),
        ),
        why="The weight lacks one of its indices, and primes have slipped from letters to indices, "
        "as in fact 4 below.",
        damaged=True,
    ),
    layer_before(
        "Fact 3, any layer",
        "d_{b′} C = d_{z′} C ⊙ d_{b′} z′ = d_{z′} C",
        printed_latex=r"\vec d_{\vec b'} C = \vec d_{\vec z'} C \odot \vec d_{\vec b'} \vec z' = "
        r"\vec d_{\vec z'} C",
        shapes="n′ × 1",
        equals=lambda p, l: p.d("C", f"b{l - 1}"),
        formula=lambda v, l: v.d("C", f"z{l - 1}") * own(v, f"b{l - 1}", f"z{l - 1}"),
    ),
    Entry(
        "Fact 4, any layer",
        "d_{w′_i} C = a_{i″} d_{z′} C",
        printed_latex=r"\vec d_{\vec w_i'} C = a_{i''} \vec d_{\vec z'} C",
        shapes="n′ × 1, for each column",
        equals=lambda p, l, i: column(p.d("C", f"W{l - 1}"), i),
        over=lambda v: ((l, i) for l in from_3(v) for i in range(v.n[l - 2])),
        formula=undefined("i″: the primes belong to a"),
        verdict="undefined",
        corrected="d_{w′_i} C = a″_i d_{z′} C",
        corrected_latex=r"\vec d_{\vec w_i'} C = a''_i \vec d_{\vec z'} C",
        corrected_formula=lambda v, l, i: v.d("C", f"z{l - 1}") * v.a[l - 2][i, 0],
        why="The primes have slipped from a to its index; the matrix that follows has them right.",
        damaged=True,
    ),
    layer_before(
        "Fact 5, any layer",
        "D_{W′} C = [a″_1 d_{z′} C, …, a″_n d_{z′} C] = d_{z′} C ⊗ a″",
        printed_latex=r"D_{W'} C = \vec d_{\vec z'} C \otimes \vec a''",
        shapes="n′ × n″",
        equals=lambda p, l: p.d("C", f"W{l - 1}"),
        formula=lambda v, l: outer(v.d("C", f"z{l - 1}"), v.a[l - 2]),
    ),
    lost_prime(
        "general 1",
        "d_a C = Wᵗ d_z C",
        r"\vec d_{\vec a} C = W^t \vec d_{\vec z} C",
        shapes="n′ × 1",
        equals="∂C/∂a{l}",
        formula=lambda v, l: v.W[l].T @ v.d("C", f"z{l}"),
        corrected_equals=lambda p, l: p.d("C", f"a{l - 1}"),
        why=LOST_PRIME
        + " This list is said to have no primes, so here it may be the author's own.",
    ),
    any_layer(
        "general 2",
        "d_z C = d_a C ⊙ σ′(z)",
        printed_latex=r"\vec d_{\vec z} C = \vec d_{\vec a} C \odot \vec\sigma'(\vec z)",
        shapes="n × 1",
        equals="∂C/∂z{l}",
        formula=lambda v, l: v.d("C", f"a{l}") * sigma_prime(v.z[l]),
    ),
    any_layer(
        "general 3",
        "d_b C = d_z C",
        printed_latex=r"\vec d_{\vec b} C = \vec d_{\vec z} C",
        shapes="n × 1",
        equals="∂C/∂b{l}",
        formula=lambda v, l: v.d("C", f"z{l}"),
    ),
    any_layer(
        "general 4",
        "D_W C = d_z C ⊗ a′",
        printed_latex=r"D_W C = \vec d_{\vec z} C \otimes \vec a'",
        shapes="n × n′",
        equals="∂C/∂W{l}",
        formula=lambda v, l: outer(v.d("C", f"z{l}"), v.a[l - 1]),
    ),
    any_layer(
        "σ′",
        "σ′(x) = σ(x) (1 − σ(x))",
        printed_latex=r"\sigma'(x) = \sigma(x)(1 - \sigma(x))",
        shapes="n × 1, component by component",
        equals=lambda p, l: own(p, f"z{l}", f"a{l}"),
        formula=lambda v, l: logistic(v.z[l]) * (1 - logistic(v.z[l])),
    ),
]

# --- The algorithms ------------------------------------------------------------------------------


def feedforward(x: Any, W: ByLayer, b: ByLayer) -> list[Any]:
    """The activations of layers 1 to L, in a list."""
    A = [strict(x)]
    for l in sorted(W):
        A.append(logistic(strict(W[l]) @ A[-1] + strict(b[l])))
    return A


def output_slope_as_printed(a: Any, a_before: Any) -> Any:
    """a (1⃗ − a′): as printed, before the loop."""
    return a @ (ones(len(a_before)) - a_before)


def slope_as_printed(a_before: Any) -> Any:
    """a′ (1⃗ − a′): as printed, in the loop."""
    return a_before @ (ones(len(a_before)) - a_before)


def slope_of(a: Any) -> Any:
    """a ⊙ (1⃗ − a)."""
    return a * (ones(len(a)) - a)


def backpropagate(
    y: Any,
    A: list[Any],
    W: ByLayer,
    b: ByLayer,
    eta: float,
    first: Callable[[Any, Any], Any] = lambda a, a_before: slope_of(a),
    others: Callable[[Any], Any] = slope_of,
) -> None:
    """Backpropagate(y, A), line by line; changes W and b in place of their old values.

    `first` and `others` are the two slopes, corrected; the entries also try them as printed.
    (W^l)ᵗ is read before W^l changes. The last turn, l = 2, would make a d_z C for layer 1, which
    nothing reads; it is computed all the same.
    """
    L = len(A)
    a, a_before = A[L - 1], A[L - 2]
    da = a - strict(y)
    dz = da * first(a, a_before)
    for l in range(L, 1, -1):
        a_before = A[l - 2]
        delta_b = -eta * dz
        delta_W = -eta * outer(dz, a_before)
        da = strict(W[l]).T @ dz
        dz = da * others(a_before)
        b[l] = b[l] + np.asarray(delta_b)
        W[l] = W[l] + np.asarray(delta_W)


def train(X: Any, Y: Any, W: ByLayer, b: ByLayer, eta: float) -> Iterator[int]:
    """Train(x_1, …, x_n, y_1, …, y_n): one sample after the other, in order.

    X and Y have a column for each sample; W and b, by layer from 2 on, get their new values.
    Yields the number of each sample, from 0, when its update is done.
    """
    for i in range(np.shape(X)[1]):
        A = feedforward(column(X, i), W, b)
        backpropagate(column(Y, i), A, W, b, eta)
        yield i


def classify(X: Any, W: ByLayer, b: ByLayer) -> Any:
    """arg max a^L for each column of X."""
    return np.array(
        [int(np.argmax(feedforward(column(X, i), W, b)[-1])) for i in range(np.shape(X)[1])]
    )


def run(rng: int = 0, samples: int = 1797) -> Run:
    """Train on the digits, 64-16-10, one sample at a time in order."""
    X, Y = datasets.digits()
    X, Y = X[:, :samples] / 16, Y[:, :samples]
    net = Network([64, 16, 10], ["sigmoid"] * 2, rng=rng)
    start = by_layer(net, first=1)

    def by_hand() -> Iterator[dict[str, np.ndarray]]:
        W, b = start
        for _ in train(X, Y, W, b, ETA):
            yield by_name(W, b, first=1)

    return beside_the_tape(
        "004", "Train on the digits, one after the other", by_hand(), net, X, Y,
        losses.half_squared_error, rate=ETA, epochs=1, batch_size=1,
    )  # fmt: skip


def trained(letter: str, **slopes: Any) -> Any:
    """The parameter of layer l after one Backpropagate."""

    def formula(v: Pass, l: int) -> Any:
        W, b = dict(v.net.W), dict(v.net.b)
        backpropagate(v.Y, feedforward(v.net.X, W, b), W, b, ETA, **slopes)
        return {"W": W, "b": b}[letter][l]

    return formula


AS_PRINTED = {"first": output_slope_as_printed, "others": slope_as_printed}

ALGORITHMS = [
    whole_network(
        "Backpropagate, start",
        "d_z C = d_a C ⊙ (a (1⃗ − a′))",
        printed_latex=r"\vec d_{\vec z} C = \vec d_{\vec a} C \odot (\vec a(\vec 1 - \vec a'))",
        shapes="n^L × 1; two columns side by side read as ⊙",
        equals=lambda p: p.d("C", f"z{p.L}"),
        formula=lambda v: (v.a[v.L] - v.Y) * (v.a[v.L] * (ones(v.n[v.L - 1]) - v.a[v.L - 1])),
        silent=True,
        corrected="d_z C = d_a C ⊙ (a ⊙ (1⃗ − a))",
        corrected_latex=r"\vec d_{\vec z} C = "
        r"\vec d_{\vec a} C \odot (\vec a \odot (\vec 1 - \vec a))",
        corrected_formula=lambda v: (v.a[v.L] - v.Y) * slope_of(v.a[v.L]),
        why="The slope of the output layer is a ⊙ (1⃗ − a): a′ has no value yet at this line. Even "
        "with ⊙ put in, it is wrong without an error where the last two layers are equally wide.",
    ),
    any_layer(
        "Backpropagate, Δb",
        "Δb = −η d_z C",
        printed_latex=r"\Delta \vec b = -\eta\, \vec d_{\vec z} C",
        shapes="n × 1",
        equals=lambda p, l: -ETA * p.d("C", f"b{l}"),
        formula=lambda v, l: -ETA * v.d("C", f"z{l}"),
    ),
    any_layer(
        "Backpropagate, ΔW",
        "ΔW = −η d_z C ⊗ a′",
        printed_latex=r"\Delta W = -\eta\, \vec d_{\vec z} C \otimes \vec a'",
        shapes="n × n′",
        equals=lambda p, l: -ETA * p.d("C", f"W{l}"),
        formula=lambda v, l: -ETA * outer(v.d("C", f"z{l}"), v.a[l - 1]),
    ),
    any_layer(
        "Backpropagate, d_a C",
        "d_a C = (W^l)ᵗ d_z C, for the next turn",
        printed_latex=r"\vec d_{\vec a} C = (W^l)^t \vec d_{\vec z} C",
        shapes="n′ × 1",
        equals=lambda p, l: p.d("C", f"a{l - 1}"),
        formula=lambda v, l: v.W[l].T @ v.d("C", f"z{l}"),
    ),
    layer_before(
        "Backpropagate, d_z C",
        "d_z C = d_a C ⊙ (a′ (1⃗ − a′)), for the next turn",
        printed_latex=r"\vec d_{\vec z} C = \vec d_{\vec a} C \odot (\vec a'(\vec 1 - \vec a'))",
        shapes="n′ × 1",
        equals=lambda p, l: p.d("C", f"z{l - 1}"),
        formula=lambda v, l: v.d("C", f"a{l - 1}") * slope_as_printed(v.a[l - 1]),
        corrected="d_z C = d_a C ⊙ (a′ ⊙ (1⃗ − a′))",
        corrected_latex=r"\vec d_{\vec z} C = "
        r"\vec d_{\vec a} C \odot (\vec a' \odot (\vec 1 - \vec a'))",
        corrected_formula=lambda v, l: v.d("C", f"a{l - 1}") * slope_of(v.a[l - 1]),
        why="Two columns have no product; the components are multiplied, which the document "
        "writes ⊙.",
    ),
    whole_network(
        "Backpropagate, last turn",
        "l = 2: d_z C = d_a C ⊙ (a′ (1⃗ − a′)) of layer 1",
        printed_latex=r"l = 2:\; \vec d_{\vec z^1} C",
        shapes="n^1 × 1",
        equals=lambda p: p.d("C", "a1"),
        formula=lambda v: v.d("C", "z1"),
        verdict="undefined",
        why="The input has no z: in its last turn the loop makes a value that means nothing, and "
        "does not use it.",
    ),
    any_layer(
        "Backpropagate, W",
        "W += ΔW, through the whole algorithm",
        printed_latex=r"W \mathrel{+}= \Delta W",
        shapes="n × n′",
        equals=lambda p, l: p.value(f"W{l}") - ETA * p.d("C", f"W{l}"),
        formula=trained("W", **AS_PRINTED),
        silent=True,
        corrected="W^l += ΔW, with a ⊙ (1⃗ − a) and a′ ⊙ (1⃗ − a′) for the slopes",
        corrected_latex=r"W^l \mathrel{+}= \Delta W",
        corrected_formula=trained("W"),
        why="The slopes before and in the loop spoil every step that follows.",
    ),
    any_layer(
        "Backpropagate, b",
        "b += Δb, through the whole algorithm",
        printed_latex=r"\vec b \mathrel{+}= \Delta \vec b",
        shapes="n × 1",
        equals=lambda p, l: p.value(f"b{l}") - ETA * p.d("C", f"b{l}"),
        formula=trained("b", **AS_PRINTED),
        silent=True,
        corrected="b^l += Δb, with a ⊙ (1⃗ − a) and a′ ⊙ (1⃗ − a′) for the slopes",
        corrected_latex=r"\vec b^l \mathrel{+}= \Delta \vec b",
        corrected_formula=trained("b"),
        why="The slopes before and in the loop spoil every step that follows.",
    ),
    Entry(
        "Train, A",
        "A = Feedforward(x), the list of activations; a^l is element l of A",
        printed_latex=r"A = \text{Feedforward}(\vec x),\; \vec a = A_l",
        shapes="n^l × 1, every element of A",
        equals="a{l}",
        over=lambda v: range(1, v.L + 1),
        formula=lambda v, l: feedforward(v.net.X, v.net.W, v.net.b)[l - 1],
        elsewhere=lambda v, l: feedforward(v.net.X, v.net.W, v.net.b)[1:][l - 1],
        why="Right if x counts as the activations of layer 1, the first element of A; Feedforward "
        "itself is written in an earlier part of the author's notes.",
    ),
]

# --- Appendix A ----------------------------------------------------------------------------------

APPENDIX = [
    any_layer(
        "A, derivative",
        "df_x, the derivative of f by x",
        printed_latex=r"df_x = \frac{df}{dx}",
        shapes="one number in, one out: f = σ at each component of z",
        equals=lambda p, l: own(p, f"z{l}", f"a{l}"),
        formula=lambda v, l: np.imag(logistic(v.z[l] + 1e-30j)) / 1e-30,
        elsewhere=undefined("df_x: for one number in and m out the same is d_x f_i"),
        why="x stands at f here, and at d in every other line of the appendix.",
    ),
    composed_map(
        "A, gradient",
        "d_x f = (∂_{x_1} f, …, ∂_{x_n} f), a column",
        printed_latex=r"\vec d_{\vec x} f = [\partial_{x_1} f, \dots, \partial_{x_n} f]^T",
        shapes="n × 1",
        equals="∂f/∂x",
        formula=lambda v: vector(v.n, lambda i: v.d("f", "x")[i, 0]),
    ),
    Entry(
        "A, partial derivatives",
        "∂_{x_i} f = (∂_{x_i} f_1, …, ∂_{x_i} f_m), a column",
        printed_latex=r"\vec\partial_{x_i} \vec f = "
        r"[\partial_{x_i} f_1, \dots, \partial_{x_i} f_m]^T",
        shapes="m × 1, for each i",
        equals=lambda p, i: p.d("x", "u")[:, :, i, 0],
        over=lambda v: range(v.k),
        formula=lambda v, i: vector(v.n, lambda j: v.d("x", "u")[j, 0, i, 0]),
        setting=COMPOSED,
    ),
    Entry(
        "A, gradient of a component",
        "d_x f_j = (∂_{x_1} f_j, …, ∂_{x_n} f_j), a column",
        printed_latex=r"\vec d_{\vec x} f_j = [\partial_{x_1} f_j, \dots, \partial_{x_n} f_j]^T",
        shapes="n × 1, for each j",
        equals=lambda p, j: p.d("x", "u")[j, 0],
        over=lambda v: range(v.n),
        formula=lambda v, j: vector(v.k, lambda i: v.d("x", "u")[j, 0, i, 0]),
        setting=COMPOSED,
    ),
    composed_map(
        "A, D",
        "D_x f = (∂_{x_i} f_j), a row for each x_i, a column for each f_j",
        printed_latex=r"D_{\vec x} \vec f = (\partial_{x_i} f_j)_{i,j}",
        shapes="n × m",
        equals=lambda p: D(p, "u", "x"),
        formula=lambda v: matrix(v.k, v.n, lambda i, j: v.d("x", "u")[j, 0, i, 0]),
        elsewhere=lambda v: v.d("x", "u")[:, 0, :, 0],
        why="The transpose of the Jacobian, with which ∂z/∂a is W in document 002 and Wᵗ here.",
    ),
    any_layer(
        "A, D of a matrix",
        "D_A f = (∂_{a_ij} f), as A",
        printed_latex=r"D_A f = (\partial_{a_{ij}} f)_{i,j}",
        shapes="that of A",
        equals="∂C/∂W{l}",
        formula=lambda v, l: matrix(v.n[l], v.n[l - 1], lambda i, j: v.d("C", f"W{l}")[i, j]),
    ),
    any_layer(
        "A, chain rule",
        "D_u f = (D_u x) (D_x f)",
        printed_latex=r"D_{\vec u} \vec f = (D_{\vec u} \vec x)(D_{\vec x} \vec f)",
        shapes="n^(l−1) × n^l, through a network: f = a^l, x = z^l, u = a^(l−1)",
        equals=lambda p, l: D(p, f"a{l - 1}", f"a{l}"),
        formula=lambda v, l: D(v, f"a{l - 1}", f"z{l}") @ D(v, f"z{l}", f"a{l}"),
    ),
]

DOCUMENT = Document(
    "004",
    'Backpropagation ("learning") algorithm derivation',
    [*PROPOSITIONS, *LAST_LAYER, *ANY_LAYER, *ALGORITHMS, *APPENDIX],
    convention="one sample, column vectors, layer 1 is the input; D is the Jacobian transposed",
    setting=NETWORK,
    run=run,
)
