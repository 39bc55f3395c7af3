"""Document 001: general feed forward networks, samples as columns, then a two-layer example.

Its letters: S_l units in layer l, N samples, targets T, cost J, J_N a column of N ones, and the
"errors" Δ(l) and H(l), which carry the 1/N. Sections 1 to 5 take any depth, activation and cost;
section 3 two costs; section 6 a network 2-n_h-1. Products that are written one after another are
read from left to right, as Python reads them.
"""

from collections.abc import Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from .. import datasets, losses
from ..network import Network
from .checker import Document, Entry, Setting, whole_network
from .passes import Keep
from .procedures import ByLayer, Run, beside_the_tape, by_layer, by_name
from .standard import (
    ACTIVATIONS,
    LOSSES,
    column,
    hidden,
    last,
    last_above_hidden,
    logistic,
    networks,
    once,
)
from .strict import NotConforming

# Forward passes and networks, in this document's letters


def general_forward(net: SimpleNamespace, keep: Keep) -> None:
    """Z(l) = W(l) A(l−1) + b(l) J_Nᵗ and A(l) = σ_l(Z(l)) with A(0) = X; J is the mean loss."""
    ones = np.ones((net.N, 1))
    A = keep("A0", net.X)
    for l in range(1, net.L + 1):
        Z = keep(f"Z{l}", keep(f"W{l}", net.W[l]) @ A + keep(f"b{l}", net.b[l]) @ ones.T)
        A = keep(f"A{l}", 1.0 * keep(f"sigma_Z{l}", net.sigma[l](Z)))
    losses = keep("losses", np.sum(net.loss(A, net.T), axis=0, keepdims=True))
    keep("J", np.sum(losses) / net.N)


def lettered(**kinds: Any) -> Setting:
    """The standard networks under this document's letters; there is no m."""

    def generate(rng: np.random.Generator, count: int) -> Iterator[SimpleNamespace]:
        for net in networks(rng, count, **kinds):
            yield SimpleNamespace(
                L=net.L, N=net.m, S=net.n, W=net.W, b=net.b, X=net.X, T=net.Y,
                sigma=net.g, slope=net.g_prime, loss=net.loss,
            )  # fmt: skip

    return Setting(general_forward, generate)


def tanh_networks(rng: np.random.Generator, count: int) -> Iterator[SimpleNamespace]:
    """Networks 2-n_h-1 of section 6: n_h and N from 1 to 5, n_h = 2, N = 2 and n_h = N among them.

    >>> [(net.n_h, net.N) for net in tanh_networks(np.random.default_rng(0), 4)]
    [(1, 1), (2, 3), (3, 5), (4, 2)]
    """
    loss, _ = LOSSES["cross-entropy"]
    chosen = {1: ACTIVATIONS["tanh"], 2: ACTIVATIONS["logistic"]}
    for i in range(count):
        n_h, N = 1 + i % 5, 1 + (2 * i + i // 5) % 5
        yield SimpleNamespace(
            L=2, N=N, n_h=n_h, S={0: 2, 1: n_h, 2: 1}, loss=loss,
            W={1: rng.normal(size=(n_h, 2)), 2: rng.normal(size=(1, n_h))},
            b={1: rng.normal(size=(n_h, 1)), 2: rng.normal(size=(1, 1))},
            X=rng.normal(size=(2, N)), T=rng.integers(0, 2, size=(1, N)).astype(float),
            sigma={l: pair[0] for l, pair in chosen.items()},
            slope={l: pair[1] for l, pair in chosen.items()},
        )  # fmt: skip


GENERAL = lettered()
EUCLIDEAN = lettered(output=[(a, "half squared error") for a in ("linear", "tanh", "logistic")])
CROSS_ENTROPY = lettered(output=[("logistic", "cross-entropy")])
ONE_OUTPUT = lettered(output=[("logistic", "cross-entropy")], outputs=1)
TANH = Setting(general_forward, tanh_networks)


# What the formulas are made of


def slope(v: Any, l: int) -> Any:
    """∂σ_l/∂Z(l), S_l × N."""
    return v.slope[l](v.Z[l])


def Delta(v: Any, l: int) -> Any:
    """Δ(l) by 2.14 and 5.2, S_l × N."""
    return v.d("J", f"A{l}") if l == v.L else v.W[l + 1].T @ H(v, l + 1)


def H(v: Any, l: int) -> Any:
    """H(l) by 5.2, S_l × N."""
    return Delta(v, l) * slope(v, l)


def J_N(v: Any) -> Any:
    """N ones, N × 1."""
    return np.ones((v.N, 1))


def sums(indices: str, *factors: Any) -> Any:
    """Σ over the indices before the arrow that are not after it; one index has one range.

    >>> sums("in,nj->ij", np.ones((2, 3)), np.ones((3, 1))).shape
    (2, 1)
    >>> sums("in,nj->ij", np.ones((2, 3)), np.ones((1, 4)))
    Traceback (most recent call last):
    nn.documents.strict.NotConforming: n goes to 3 and to 1
    """
    ranges: dict[str, int] = {}
    for letters, factor in zip(indices.split("->")[0].split(","), factors, strict=True):
        for letter, size in zip(letters, np.shape(factor), strict=True):
            if ranges.setdefault(letter, size) != size:
                raise NotConforming(f"{letter} goes to {ranges[letter]} and to {size}")
    return np.einsum(indices, *factors)


def eye(v: Any, l: int) -> Any:
    """δ_ij for units of layer l."""
    return np.eye(v.S[l])


def data_point_errors(v: Any, l: int) -> list[Any]:
    """δ_i(L) for each sample i, columns S_L × 1."""
    derivative = v.d("losses", f"A{l}")
    return [column(derivative[0, i], i) for i in range(v.N)]


def chain_down_to(v: Any, l: int) -> Any:
    """∂J/∂A(L) ⊙ ∂σ_L/∂Z(L) ∂Z(L)/∂A(L−1) ⊙ … ∂Z(l+1)/∂A(l), from left to right."""
    product = v.d("J", f"A{v.L}")
    for k in range(v.L, l, -1):
        product = sums("kn,knij->ij", product * slope(v, k), v.d(f"Z{k}", f"A{k - 1}"))
    return product


def as_matrices(v: Any, l: int, of: str, wrt: str) -> Any:
    """The same letters read as 2.9 reads them, juxtaposition being a matrix product."""
    return (v.d("J", f"A{l}") * slope(v, l)) @ v.d(of, wrt)


def first_columns(M: Any, count: int) -> Any:
    """The first columns of M, which must have as many."""
    if count > M.shape[1]:
        raise NotConforming(f"column {count} of {M.shape}")
    return M[:, :count]


def binary_log(v: Any, n: int) -> Any:
    """t_n log a_n + (1 − t_n) log(1 − a_n) for the one output."""
    t, a = v.T[0, n], v.A[v.L][0, n]
    return t * np.log(a) + (1 - t) * np.log(1 - a)


# What they claim to equal, for the judges


def dZ_dW(p: Any, l: int) -> Any:
    """∂Z_kn(l)/∂W_ij(l), indices k, n, i, j."""
    return p.d(f"Z{l}", f"W{l}")


def dZ_db(p: Any, l: int) -> Any:
    """∂Z_kn(l)/∂b_i(l), indices k, n, i."""
    return p.d(f"Z{l}", f"b{l}")[..., 0]


def dZ_dA(p: Any, l: int) -> Any:
    """∂Z_kn(l)/∂A_ij(l−1), indices k, n, i, j."""
    return p.d(f"Z{l}", f"A{l - 1}")


def dA_dW(p: Any, l: int) -> Any:
    """∂A_kn(l)/∂W_ij(l), indices k, n, i, j."""
    return p.d(f"A{l}", f"W{l}")


def db(p: Any, l: int) -> Any:
    """∂J/∂b_i(l), index i."""
    return p.d("J", f"b{l}")[:, 0]


def dW_below(p: Any, L: int) -> Any:
    """∂J/∂W(L−1)."""
    return p.d("J", f"W{L - 1}")


def db_below(p: Any, L: int) -> Any:
    """∂J/∂b_i(L−1), index i."""
    return p.d("J", f"b{L - 1}")[:, 0]


def dA_below(p: Any, l: int) -> Any:
    """∂J/∂A(l−1)."""
    return p.d("J", f"A{l - 1}")


def all_data_point_errors(p: Any, l: int) -> Any:
    """The δ_i(L) side by side, S_L × N."""
    return np.hstack(data_point_errors(p, l))


def off_diagonal(p: Any, l: int) -> Any:
    """1 − δ_in for the indices i, k, n."""
    return np.stack([1 - np.eye(p.N)] * p.S[l], axis=1)


def logistic_slope(p: Any, l: int) -> Any:
    """∂A_kn(L)/∂Z_kn(L), S_L × N."""
    return np.einsum("kmkm->km", p.d(f"A{l}", f"Z{l}"))


# Where entries are tried: at layer L, with a layer below it, or in section 6

at_output = partial(Entry, over=last)
at_logistic_output = partial(at_output, setting=CROSS_ENTROPY)
below_output = partial(Entry, over=last_above_hidden)
weights_below = partial(below_output, equals=dW_below)
example = partial(Entry, setting=TANH)
example_once = partial(example, over=once)
example_output = partial(example, over=last)
example_hidden = partial(example, over=hidden)

FORMALISM = [
    Entry(
        "1 sizes",
        "W⁽ˡ⁾ is S_l × S_(l−1), b⁽ˡ⁾ has S_l components",
        printed_latex=r"W^{(l)}\in\mathbb{R}^{S_l\times S_{l-1}},\ b^{(l)}\in\mathbb{R}^{S_l}",
        equals=lambda p, l: np.array([*p.W[l].shape, p.b[l].size]),
        formula=lambda v, l: np.array([v.S[l], v.S[l - 1], v.S[l]]),
    ),
    Entry(
        "1.1 z",
        "z⁽ˡ⁾ = W⁽ˡ⁾x + b⁽ˡ⁾, x the input of layer l",
        printed_latex=r"z^{(l)} = W^{(l)}x + b^{(l)}",
        shapes="one sample: x is S_(l−1) × 1",
        equals="Z{l}",
        formula=lambda v, l: np.hstack(
            [v.W[l] @ column(v.A[l - 1], n) + v.b[l] for n in range(v.N)]
        ),
    ),
    Entry(
        "1.1 a",
        "a⁽ˡ⁾ = σ_l(z⁽ˡ⁾) = σ_l(W⁽ˡ⁾x + b⁽ˡ⁾)",
        printed_latex=r"a^{(l)} = \sigma_l(z^{(l)}) = \sigma_l(W^{(l)}x + b^{(l)})",
        equals="A{l}",
        formula=lambda v, l: np.hstack(
            [v.sigma[l](v.W[l] @ column(v.A[l - 1], n) + v.b[l]) for n in range(v.N)]
        ),
    ),
    whole_network(
        "1.2",
        "X = (x_1 … x_N), S_0 × N",
        printed_latex=r"X = \begin{pmatrix} x_1 & \cdots & x_N \end{pmatrix}",
        equals=lambda p: np.array(p.A[0].shape),
        formula=lambda v: np.array([v.S[0], v.N]),
    ),
    Entry(
        "1.3",
        "Z⁽¹⁾ = W⁽¹⁾X + b⁽¹⁾, A⁽¹⁾ = σ_1(Z⁽¹⁾)",
        printed_latex=r"Z^{(1)} = W^{(1)}X + b^{(1)},\quad A^{(1)} = \sigma_1(Z^{(1)})",
        shapes="+ b⁽¹⁾ stands for + b⁽¹⁾ J_Nᵗ",
        over=lambda v: [1],
        equals="A{l}",
        formula=lambda v, l: v.sigma[1](v.W[1] @ v.X + v.b[1] @ J_N(v).T),
    ),
    Entry(
        "1.3 J_N",
        "+ b⁽¹⁾ is short for + b⁽¹⁾ J_Nᵗ",
        printed_latex=r"+\,b^{(1)} \text{ means } +\,b^{(1)}J_N^t",
        shapes="S_1 × 1 times 1 × N: so J_N is a column, and H J_Nᵗ conforms for N = 1 only",
        over=lambda v: [1],
        equals="Z{l}",
        formula=lambda v, l: np.hstack(
            [(v.W[1] @ v.X + v.b[1] @ J_N(v).T)[:, n : n + 1] for n in range(v.N)]
        ),
    ),
    Entry(
        "1.4",
        "Z⁽ˡ⁾ = W⁽ˡ⁾A⁽ˡ⁻¹⁾ + b⁽ˡ⁾, A⁽ˡ⁾ = σ_l(Z⁽ˡ⁾), A⁽⁰⁾ = X",
        printed_latex=r"Z^{(l)} = W^{(l)}A^{(l-1)} + b^{(l)},\quad A^{(l)} = \sigma_l(Z^{(l)})",
        equals="A{l}",
        formula=lambda v, l: v.sigma[l](v.W[l] @ v.A[l - 1] + v.b[l] @ J_N(v).T),
    ),
    at_output(
        "1.5",
        "T = (t_1 … t_N), S_L × N",
        printed_latex=r"T = \begin{pmatrix} t_1 & \cdots & t_N \end{pmatrix}",
        equals=lambda p, l: np.array(p.A[l].shape),
        formula=lambda v, l: np.array(v.T.shape),
    ),
]

OUTPUT_WEIGHTS = [
    Entry(
        "2 reference",
        "forward propagation is described by 1.1",
        printed_latex=r"Z^{(l)} = W^{(l)}A^{(l-1)} + b^{(l)}",
        shapes="(S_l × N) + (S_l × 1)",
        equals="Z{l}",
        formula=lambda v, l: v.W[l] @ v.A[l - 1] + v.b[l] @ J_N(v).T,
        elsewhere=lambda v, l: v.W[l] @ v.A[l - 1] + v.b[l],
        why="What follows has N columns, which is 1.4; 1.1 is for one column x.",
    ),
    at_output(
        "2.1 W",
        "∂J/∂W_ij⁽ᴸ⁾ = Σ_k Σ_n ∂J/∂A_kn⁽ᴸ⁾ ∂A_kn⁽ᴸ⁾/∂W_ij⁽ᴸ⁾",
        printed_latex=r"\frac{\partial J}{\partial W_{ij}^{(L)}} = \sum_{k=1}^{S_L}\sum_{n=1}^{N}"
        r"\frac{\partial J}{\partial A_{kn}^{(L)}}"
        r"\frac{\partial A_{kn}^{(L)}}{\partial W_{ij}^{(L)}}",
        equals="∂J/∂W{l}",
        formula=lambda v, l: sums("kn,knij->ij", v.d("J", f"A{l}"), v.d(f"A{l}", f"W{l}")),
    ),
    at_output(
        "2.1 b",
        "∂J/∂b_i⁽ᴸ⁾ = Σ_k Σ_n ∂J/∂A_kn⁽ᴸ⁾ ∂A_kn⁽ᴸ⁾/∂b_i⁽ᴸ⁾",
        printed_latex=r"\frac{\partial J}{\partial b_i^{(L)}} = \sum_{k=1}^{S_L}\sum_{n=1}^{N}"
        r"\frac{\partial J}{\partial A_{kn}^{(L)}}\frac{\partial A_{kn}^{(L)}}{\partial b_i^{(L)}}",
        equals=db,
        formula=lambda v, l: sums("kn,knij->i", v.d("J", f"A{l}"), v.d(f"A{l}", f"b{l}")),
    ),
    at_output(
        "2.2",
        "∂A_kn⁽ᴸ⁾/∂W_ij⁽ᴸ⁾ = ∂A_kn⁽ᴸ⁾/∂σ_L ∂σ_L/∂Z_kn⁽ᴸ⁾ ∂Z_kn⁽ᴸ⁾/∂W_ij⁽ᴸ⁾",
        printed_latex=r"\frac{\partial A_{kn}^{(L)}}{\partial W_{ij}^{(L)}} ="
        r"\frac{\partial A_{kn}^{(L)}}{\partial\sigma_L}"
        r"\frac{\partial\sigma_L}{\partial Z_{kn}^{(L)}}"
        r"\frac{\partial Z_{kn}^{(L)}}{\partial W_{ij}^{(L)}}",
        equals=dA_dW,
        formula=lambda v, l: sums(
            "knkn,kn,knij->knij", v.d(f"A{l}", f"sigma_Z{l}"), slope(v, l), dZ_dW(v, l)
        ),
    ),
    at_output(
        "2.2 factor",
        "∂A_kn⁽ᴸ⁾/∂σ_L = 1",
        printed_latex=r"\frac{\partial A_{kn}^{(L)}}{\partial\sigma_L} = 1",
        equals=lambda p, l: np.einsum("knkn->kn", p.d(f"A{l}", f"sigma_Z{l}")),
        formula=lambda v, l: np.ones((v.S[l], v.N)),
    ),
    at_output(
        "2.3",
        "∂A_kn⁽ᴸ⁾/∂W_ij⁽ᴸ⁾ = ∂σ_L/∂Z_kn⁽ᴸ⁾ ∂Z_kn⁽ᴸ⁾/∂W_ij⁽ᴸ⁾",
        printed_latex=r"\frac{\partial A_{kn}^{(L)}}{\partial W_{ij}^{(L)}} ="
        r"\frac{\partial\sigma_L}{\partial Z_{kn}^{(L)}}"
        r"\frac{\partial Z_{kn}^{(L)}}{\partial W_{ij}^{(L)}}",
        equals=dA_dW,
        formula=lambda v, l: sums("kn,knij->knij", slope(v, l), dZ_dW(v, l)),
    ),
    at_output(
        "2.4",
        "∂J/∂W⁽ᴸ⁾ = ∂J/∂A⁽ᴸ⁾ ⊙ ∂σ_L/∂Z⁽ᴸ⁾ ∂Z⁽ᴸ⁾/∂W⁽ᴸ⁾",
        printed_latex=r"\frac{\partial J}{\partial W^{(L)}} = \frac{\partial J}{\partial A^{(L)}}"
        r"\odot\frac{\partial\sigma_L}{\partial Z^{(L)}}"
        r"\frac{\partial Z^{(L)}}{\partial W^{(L)}}",
        shapes="∂Z⁽ᴸ⁾/∂W⁽ᴸ⁾ has four indices",
        equals="∂J/∂W{l}",
        formula=lambda v, l: sums("kn,knij->ij", v.d("J", f"A{l}") * slope(v, l), dZ_dW(v, l)),
        elsewhere=lambda v, l: as_matrices(v, l, f"Z{l}", f"W{l}"),
        why="Right if the last product is the sum over k and n of 2.1, ⊙ first; with matrix "
        "products, as in 2.9, it has no meaning.",
    ),
    at_output(
        "2.5",
        "∂Z_kn⁽ᴸ⁾/∂W_ij⁽ᴸ⁾ = ∂/∂W_ij⁽ᴸ⁾ (Σ_l W_kl⁽ᴸ⁾ A_ln⁽ᴸ⁻¹⁾ + b_k⁽ᴸ⁾)",
        printed_latex=r"\frac{\partial Z_{kn}^{(L)}}{\partial W_{ij}^{(L)}} ="
        r"\frac{\partial}{\partial W_{ij}^{(L)}}\Big(\sum_{l=1}^{S_{L-1}}"
        r"W_{kl}^{(L)}A_{ln}^{(L-1)} + b_k^{(L)}\Big)",
        equals=dZ_dW,
        formula=lambda v, l: sums("klij,ln->knij", v.d(f"W{l}", f"W{l}"), v.A[l - 1]),
    ),
    at_output(
        "2.6 deltas",
        "∂W_kl⁽ᴸ⁾/∂W_ij⁽ᴸ⁾ = δ_ik δ_jl",
        printed_latex=r"\frac{\partial W_{kl}^{(L)}}{\partial W_{ij}^{(L)}} ="
        r"\delta_{ik}\delta_{jl}",
        equals=lambda p, l: p.d(f"W{l}", f"W{l}"),
        formula=lambda v, l: sums("ik,jl->klij", eye(v, l), eye(v, l - 1)),
    ),
    at_output(
        "2.6 (1)",
        "∂Z_kn⁽ᴸ⁾/∂W_ij⁽ᴸ⁾ = Σ_l δ_ik δ_jl A_ln⁽ᴸ⁻¹⁾",
        printed_latex=r"\frac{\partial Z_{kn}^{(L)}}{\partial W_{ij}^{(L)}} ="
        r"\sum_{l=1}^{S_{L-1}}\delta_{ik}\delta_{jl}A_{ln}^{(L-1)}",
        equals=dZ_dW,
        formula=lambda v, l: sums("ik,jl,ln->knij", eye(v, l), eye(v, l - 1), v.A[l - 1]),
    ),
    at_output(
        "2.6 (2)",
        "∂Z_kn⁽ᴸ⁾/∂W_ij⁽ᴸ⁾ = δ_ik A_jn⁽ᴸ⁻¹⁾",
        printed_latex=r"\frac{\partial Z_{kn}^{(L)}}{\partial W_{ij}^{(L)}} ="
        r"\delta_{ik}A_{jn}^{(L-1)}",
        equals=dZ_dW,
        formula=lambda v, l: sums("ik,jn->knij", eye(v, l), v.A[l - 1]),
    ),
    at_output(
        "2.7 (1)",
        "∂J/∂W_ij⁽ᴸ⁾ = Σ_k Σ_n ∂J/∂A_kn⁽ᴸ⁾ ∂σ_L/∂Z_kn⁽ᴸ⁾ δ_ik A_jn⁽ᴸ⁻¹⁾",
        printed_latex=r"\frac{\partial J}{\partial W_{ij}^{(L)}} = \sum_{k=1}^{S_L}\sum_{n=1}^{N}"
        r"\frac{\partial J}{\partial A_{kn}^{(L)}}\frac{\partial\sigma_L}{\partial Z_{kn}^{(L)}}"
        r"\delta_{ik}A_{jn}^{(L-1)}",
        equals="∂J/∂W{l}",
        formula=lambda v, l: sums(
            "kn,kn,ik,jn->ij", v.d("J", f"A{l}"), slope(v, l), eye(v, l), v.A[l - 1]
        ),
    ),
    at_output(
        "2.7 (2)",
        "∂J/∂W_ij⁽ᴸ⁾ = Σ_n ∂J/∂A_in⁽ᴸ⁾ ∂σ_L/∂Z_in⁽ᴸ⁾ A_jn⁽ᴸ⁻¹⁾",
        printed_latex=r"\frac{\partial J}{\partial W_{ij}^{(L)}} = \sum_{n=1}^{N}"
        r"\frac{\partial J}{\partial A_{in}^{(L)}}\frac{\partial\sigma_L}{\partial Z_{in}^{(L)}}"
        r"A_{jn}^{(L-1)}",
        equals="∂J/∂W{l}",
        formula=lambda v, l: sums("in,in,jn->ij", v.d("J", f"A{l}"), slope(v, l), v.A[l - 1]),
    ),
    at_output(
        "2.8",
        "∂J/∂W_ij⁽ᴸ⁾ = Σ_n [∂J/∂A⁽ᴸ⁾ ⊙ ∂σ_L/∂Z⁽ᴸ⁾]_in (A⁽ᴸ⁻¹⁾)ᵗ_nj",
        printed_latex=r"\sum_{n=1}^{N}\left[\frac{\partial J}{\partial A^{(L)}}\odot"
        r"\frac{\partial\sigma_L}{\partial Z^{(L)}}\right]_{in}(A^{(L-1)})_{nj}^t",
        equals="∂J/∂W{l}",
        formula=lambda v, l: sums("in,nj->ij", v.d("J", f"A{l}") * slope(v, l), v.A[l - 1].T),
    ),
    at_output(
        "2.9",
        "∂J/∂W⁽ᴸ⁾ = [∂J/∂A⁽ᴸ⁾ ⊙ ∂σ_L/∂Z⁽ᴸ⁾] (A⁽ᴸ⁻¹⁾)ᵗ = H⁽ᴸ⁾ (A⁽ᴸ⁻¹⁾)ᵗ",
        printed_latex=r"\frac{\partial J}{\partial W^{(L)}} = \left[\frac{\partial J}"
        r"{\partial A^{(L)}}\odot\frac{\partial\sigma_L}{\partial Z^{(L)}}\right](A^{(L-1)})^t"
        r"= H^{(L)}(A^{(L-1)})^t",
        shapes="S_L × N times N × S_(L−1)",
        equals="∂J/∂W{l}",
        formula=lambda v, l: (v.d("J", f"A{l}") * slope(v, l)) @ v.A[l - 1].T,
    ),
    at_output(
        "2.10",
        "H⁽ᴸ⁾ = ∂J/∂A⁽ᴸ⁾ ⊙ ∂σ_L/∂Z⁽ᴸ⁾, which is ∂J/∂Z⁽ᴸ⁾",
        printed_latex=r"H^{(L)} = \frac{\partial J}{\partial A^{(L)}}\odot"
        r"\frac{\partial\sigma_L}{\partial Z^{(L)}}",
        equals="∂J/∂Z{l}",
        formula=lambda v, l: v.d("J", f"A{l}") * slope(v, l),
    ),
]

ONES = (
    "J_N is a column (1.3 needs it so) and J_Nᵗ a row: S × N times 1 × N conforms for one sample "
    "only. The sum over the samples is the product with J_N itself."
)

OUTPUT_BIASES = [
    at_output(
        "2.11",
        "∂Z_kn⁽ᴸ⁾/∂b_i⁽ᴸ⁾ = δ_ik",
        printed_latex=r"\frac{\partial Z_{kn}^{(L)}}{\partial b_i^{(L)}} = \delta_{ik}",
        equals=dZ_db,
        formula=lambda v, l: sums("ik,n->kni", eye(v, l), np.ones(v.N)),
    ),
    at_output(
        "2.12 (1)",
        "∂J/∂b_i⁽ᴸ⁾ = Σ_k Σ_n ∂J/∂A_kn⁽ᴸ⁾ ∂σ_L/∂Z_kn⁽ᴸ⁾ δ_ik",
        printed_latex=r"\frac{\partial J}{\partial b_i^{(L)}} = \sum_{k=1}^{S_L}\sum_{n=1}^{N}"
        r"\frac{\partial J}{\partial A_{kn}^{(L)}}\frac{\partial\sigma_L}{\partial Z_{kn}^{(L)}}"
        r"\delta_{ik}",
        equals=db,
        formula=lambda v, l: sums("kn,kn,ik->i", v.d("J", f"A{l}"), slope(v, l), eye(v, l)),
    ),
    at_output(
        "2.12 (2)",
        "∂J/∂b_i⁽ᴸ⁾ = Σ_n ∂J/∂A_in⁽ᴸ⁾ ∂σ_L/∂Z_in⁽ᴸ⁾",
        printed_latex=r"\frac{\partial J}{\partial b_i^{(L)}} = \sum_{n=1}^{N}"
        r"\frac{\partial J}{\partial A_{in}^{(L)}}\frac{\partial\sigma_L}{\partial Z_{in}^{(L)}}",
        equals=db,
        formula=lambda v, l: sums("in,in->i", v.d("J", f"A{l}"), slope(v, l)),
    ),
    at_output(
        "2.13",
        "∂J/∂b⁽ᴸ⁾ = [∂J/∂A⁽ᴸ⁾ ⊙ ∂σ_L/∂Z⁽ᴸ⁾] J_Nᵗ = H⁽ᴸ⁾ J_Nᵗ",
        printed_latex=r"\frac{\partial J}{\partial b^{(L)}} = \left[\frac{\partial J}"
        r"{\partial A^{(L)}}\odot\frac{\partial\sigma_L}{\partial Z^{(L)}}\right]J_N^t"
        r"= H^{(L)}J_N^t",
        shapes="S_L × N times 1 × N",
        equals="∂J/∂b{l}",
        formula=lambda v, l: (v.d("J", f"A{l}") * slope(v, l)) @ J_N(v).T,
        corrected="∂J/∂b⁽ᴸ⁾ = H⁽ᴸ⁾ J_N",
        corrected_latex=r"\frac{\partial J}{\partial b^{(L)}} = H^{(L)}J_N",
        corrected_formula=lambda v, l: (v.d("J", f"A{l}") * slope(v, l)) @ J_N(v),
        why=ONES,
    ),
    at_output(
        "2.14",
        "Δ⁽ᴸ⁾ = ∂J/∂A⁽ᴸ⁾",
        printed_latex=r"\Delta^{(L)} = \frac{\partial J}{\partial A^{(L)}}",
        equals="∂J/∂A{l}",
        formula=Delta,
    ),
    at_output(
        "2.15",
        "H⁽ᴸ⁾ = Δ⁽ᴸ⁾ ⊙ ∂σ_L/∂Z⁽ᴸ⁾",
        printed_latex=r"H^{(L)} = \Delta^{(L)}\odot\frac{\partial\sigma_L}{\partial Z^{(L)}}",
        equals="∂J/∂Z{l}",
        formula=lambda v, l: Delta(v, l) * slope(v, l),
    ),
    at_output(
        "2.16",
        "∂J/∂W⁽ᴸ⁾ = H⁽ᴸ⁾ (A⁽ᴸ⁻¹⁾)ᵗ = [Δ⁽ᴸ⁾ ⊙ ∂σ_L/∂Z⁽ᴸ⁾] (A⁽ᴸ⁻¹⁾)ᵗ",
        printed_latex=r"\frac{\partial J}{\partial W^{(L)}} = H^{(L)}(A^{(L-1)})^t ="
        r"\left[\Delta^{(L)}\odot\frac{\partial\sigma_L}{\partial Z^{(L)}}\right](A^{(L-1)})^t",
        equals="∂J/∂W{l}",
        formula=lambda v, l: H(v, l) @ v.A[l - 1].T,
    ),
    at_output(
        "2.17",
        "∂J/∂b⁽ᴸ⁾ = H⁽ᴸ⁾ J_Nᵗ = [Δ⁽ᴸ⁾ ⊙ ∂σ_L/∂Z⁽ᴸ⁾] J_Nᵗ",
        printed_latex=r"\frac{\partial J}{\partial b^{(L)}} = H^{(L)}J_N^t ="
        r"\left[\Delta^{(L)}\odot\frac{\partial\sigma_L}{\partial Z^{(L)}}\right]J_N^t",
        shapes="S_L × N times 1 × N",
        equals="∂J/∂b{l}",
        formula=lambda v, l: H(v, l) @ J_N(v).T,
        corrected="∂J/∂b⁽ᴸ⁾ = H⁽ᴸ⁾ J_N",
        corrected_latex=r"\frac{\partial J}{\partial b^{(L)}} = H^{(L)}J_N",
        corrected_formula=lambda v, l: H(v, l) @ J_N(v),
        why=ONES,
    ),
]

COST = [
    whole_network(
        "3.1",
        "J(T, A⁽ᴸ⁾) = (1/N) Σ_i ℒ(t_i, a_i⁽ᴸ⁾)",
        printed_latex=r"J(T, A^{(L)}) = \frac{1}{N}\sum_{i=1}^{N}\mathcal{L}(t_i, a_i^{(L)})",
        equals="J",
        formula=lambda v: (
            sum(np.sum(v.loss(column(v.A[v.L], i), column(v.T, i))) for i in range(v.N)) / v.N
        ),
    ),
    at_output(
        "3.2",
        "Δ⁽ᴸ⁾ = ∂J/∂A⁽ᴸ⁾ = (1/m) Σ_(i=1…N) ∂/∂A⁽ᴸ⁾ ℒ(t_i, a_i⁽ᴸ⁾)",
        printed_latex=r"\Delta^{(L)} = \frac{\partial J}{\partial A^{(L)}} = \frac{1}{m}"
        r"\sum_{i=1}^{N}\frac{\partial}{\partial A^{(L)}}\mathcal{L}(t_i, a_i^{(L)})",
        equals="∂J/∂A{l}",
        formula=lambda v, l: 1 / v.m * sums("xikn->kn", v.d("losses", f"A{l}")),
        verdict="undefined",
        corrected="Δ⁽ᴸ⁾ = (1/N) Σ_i ∂/∂A⁽ᴸ⁾ ℒ(t_i, a_i⁽ᴸ⁾)",
        corrected_latex=r"\Delta^{(L)} = \frac{1}{N}\sum_{i=1}^{N}"
        r"\frac{\partial}{\partial A^{(L)}}\mathcal{L}(t_i, a_i^{(L)})",
        corrected_formula=lambda v, l: 1 / v.N * sums("xikn->kn", v.d("losses", f"A{l}")),
        why="m is introduced nowhere (3.4 uses it as an index); the number of samples is N.",
    ),
    at_output(
        "3.2 zeros",
        "∂ℒ(t_i, a_i⁽ᴸ⁾)/∂a_n⁽ᴸ⁾ = 0 for n ≠ i",
        printed_latex=r"\frac{\partial}{\partial a_n^{(L)}}\mathcal{L}(t_i, a_i^{(L)}) = 0,"
        r"\ n\neq i",
        equals=lambda p, l: p.d("losses", f"A{l}")[0] * off_diagonal(p, l),
        formula=lambda v, l: np.zeros((v.N, v.S[l], v.N)),
    ),
    at_output(
        "3.3",
        "Δ⁽ᴸ⁾ = (1/m) Σ_(i=1…N) δ_i⁽ᴸ⁾, δ_i⁽ᴸ⁾ = ∂ℒ(t_i, a_i⁽ᴸ⁾)/∂a_i⁽ᴸ⁾",
        printed_latex=r"\Delta^{(L)} = \frac{1}{m}\sum_{i=1}^{N}\underbrace{"
        r"\frac{\partial}{\partial a_i^{(L)}}\mathcal{L}(t_i, a_i^{(L)})}_{\delta_i^{(L)}}",
        shapes="a sum of columns, S_L × 1, for an S_L × N matrix; m read as N",
        equals="∂J/∂A{l}",
        formula=lambda v, l: 1 / v.N * sum(data_point_errors(v, l)),
        corrected="Δ⁽ᴸ⁾ = (1/N) (δ_1⁽ᴸ⁾ … δ_N⁽ᴸ⁾)",
        corrected_latex=r"\Delta^{(L)} = \frac{1}{N}\begin{pmatrix}"
        r"\delta_1^{(L)} & \cdots & \delta_N^{(L)}\end{pmatrix}",
        corrected_formula=lambda v, l: 1 / v.N * np.hstack(data_point_errors(v, l)),
        why="The δ_i are columns of Δ, side by side: only the derivative by the whole A⁽ᴸ⁾, as in "
        "3.2, may be added up over the samples.",
    ),
    whole_network(
        "3.4",
        "J = (1/2N) Σ_m ‖a_m⁽ᴸ⁾ − t_m‖²",
        printed_latex=r"J(T, A^{(L)}) = \frac{1}{2N}\sum_{m=1}^{N}\lVert a_m^{(L)}-t_m\rVert^2",
        equals="J",
        setting=EUCLIDEAN,
        formula=lambda v: (
            1 / (2 * v.N) * sum(np.linalg.norm(v.A[v.L][:, n] - v.T[:, n]) ** 2 for n in range(v.N))
        ),
    ),
    whole_network(
        "3.5",
        "ℒ(t, a⁽ᴸ⁾) = ½ ‖a⁽ᴸ⁾ − t‖²",
        printed_latex=r"\mathcal{L}(t, a^{(L)}) = \tfrac{1}{2}\lVert a^{(L)}-t\rVert^2",
        equals="losses",
        setting=EUCLIDEAN,
        formula=lambda v: np.array(
            [[0.5 * np.linalg.norm(v.A[v.L][:, n] - v.T[:, n]) ** 2 for n in range(v.N)]]
        ),
    ),
    at_output(
        "3.6",
        "δ_i⁽ᴸ⁾ = ½ ∂/∂a_i⁽ᴸ⁾ ‖a_i⁽ᴸ⁾ − t_i‖² = a_i⁽ᴸ⁾ − t_i",
        printed_latex=r"\delta_i^{(L)} = \tfrac{1}{2}\frac{\partial}{\partial a_i^{(L)}}"
        r"\lVert a_i^{(L)}-t_i\rVert^2 = a_i^{(L)}-t_i",
        equals=all_data_point_errors,
        setting=EUCLIDEAN,
        formula=lambda v, l: np.hstack([column(v.A[l], i) - column(v.T, i) for i in range(v.N)]),
    ),
    at_output(
        "3.7",
        "Δ⁽ᴸ⁾ = (1/N) (A⁽ᴸ⁾ − T)",
        printed_latex=r"\Delta^{(L)} = \frac{1}{N}(A^{(L)}-T)",
        equals="∂J/∂A{l}",
        setting=EUCLIDEAN,
        formula=lambda v, l: 1 / v.N * (v.A[l] - v.T),
    ),
    Entry(
        "3.8",
        "J = −(1/N) Σ_(m=1…N) [t_i log a_i⁽ᴸ⁾ + (1 − t_i) log(1 − a_i⁽ᴸ⁾)]",
        printed_latex=r"J(T, A^{(L)}) = -\frac{1}{N}\sum_{m=1}^{N}"
        r"\left[t_i\log a_i^{(L)}+(1-t_i)\log(1-a_i^{(L)})\right]",
        shapes="one output; whatever i is taken to be",
        over=lambda v: range(v.N),
        equals=lambda p, i: p.value("J"),
        setting=ONE_OUTPUT,
        formula=lambda v, i: -1 / v.N * sum(binary_log(v, i) for m in range(v.N)),
        silent=True,
        corrected="J = −(1/N) Σ_m [t_m log a_m⁽ᴸ⁾ + (1 − t_m) log(1 − a_m⁽ᴸ⁾)]",
        corrected_latex=r"J = -\frac{1}{N}\sum_{m=1}^{N}"
        r"\left[t_m\log a_m^{(L)}+(1-t_m)\log(1-a_m^{(L)})\right]",
        corrected_formula=lambda v, i: -1 / v.N * sum(binary_log(v, m) for m in range(v.N)),
        why="The sum is over m and the terms have i, which is free: N times the same sample.",
    ),
    whole_network(
        "3.9",
        "ℒ(t, a⁽ᴸ⁾) = −[t log a⁽ᴸ⁾ + (1 − t) log(1 − a⁽ᴸ⁾)]",
        printed_latex=r"\mathcal{L}(t, a^{(L)}) ="
        r"-\left[t\log a^{(L)}+(1-t)\log(1-a^{(L)})\right]",
        shapes="one output: with S_L of them, a sum over them is needed to make ℒ a number",
        equals="losses",
        setting=ONE_OUTPUT,
        formula=lambda v: np.array([[-binary_log(v, n) for n in range(v.N)]]),
    ),
    at_logistic_output(
        "3.10 (1)",
        "δ_i⁽ᴸ⁾ = −[t_i/a_i⁽ᴸ⁾ − (1 − t_i)/(1 − a_i⁽ᴸ⁾)]",
        printed_latex=r"\delta_i^{(L)} ="
        r"-\left[\frac{t_i}{a_i^{(L)}}-\frac{1-t_i}{1-a_i^{(L)}}\right]",
        equals=all_data_point_errors,
        formula=lambda v, l: -(v.T / v.A[l] - (1 - v.T) / (1 - v.A[l])),
    ),
    at_logistic_output(
        "3.10 (2)",
        "δ_i⁽ᴸ⁾ = (−t_i(1 − a_i⁽ᴸ⁾) + (1 − t_i)a_i⁽ᴸ⁾) / (a_i⁽ᴸ⁾(1 − a_i⁽ᴸ⁾))",
        printed_latex=r"\delta_i^{(L)} ="
        r"\frac{-t_i(1-a_i^{(L)})+(1-t_i)a_i^{(L)}}{a_i^{(L)}(1-a_i^{(L)})}",
        equals=all_data_point_errors,
        formula=lambda v, l: (-v.T * (1 - v.A[l]) + (1 - v.T) * v.A[l]) / (v.A[l] * (1 - v.A[l])),
    ),
    at_logistic_output(
        "3.10 (3)",
        "δ_i⁽ᴸ⁾ = (a_i⁽ᴸ⁾ − t_i) / (a_i⁽ᴸ⁾(1 − a_i⁽ᴸ⁾))",
        printed_latex=r"\delta_i^{(L)} = \frac{a_i^{(L)}-t_i}{a_i^{(L)}(1-a_i^{(L)})}",
        equals=all_data_point_errors,
        formula=lambda v, l: (v.A[l] - v.T) / (v.A[l] * (1 - v.A[l])),
    ),
    at_logistic_output(
        "3.10 denominator",
        "a⁽ᴸ⁾(1 − a⁽ᴸ⁾) is the derivative of the logistic function",
        printed_latex=r"a^{(L)}(1-a^{(L)}) = \sigma'(z^{(L)})",
        equals=logistic_slope,
        formula=lambda v, l: v.A[l] * (1 - v.A[l]),
    ),
    at_logistic_output(
        "3.11",
        "Δ⁽ᴸ⁾ = (1/N) Σ_i (a_i⁽ᴸ⁾ − t_i) / (a_i⁽ᴸ⁾(1 − a_i⁽ᴸ⁾))",
        printed_latex=r"\Delta^{(L)} = \frac{1}{N}\sum_{i=1}^{N}"
        r"\frac{a_i^{(L)}-t_i}{a_i^{(L)}(1-a_i^{(L)})}",
        shapes="a sum of columns, S_L × 1, for an S_L × N matrix",
        equals="∂J/∂A{l}",
        formula=lambda v, l: (
            1
            / v.N
            * sum(((v.A[l] - v.T) / (v.A[l] * (1 - v.A[l])))[:, i : i + 1] for i in range(v.N))
        ),
        corrected="Δ⁽ᴸ⁾ = (1/N) (A⁽ᴸ⁾ − T) / (A⁽ᴸ⁾ ⊙ (1 − A⁽ᴸ⁾)), element by element",
        corrected_latex=r"\Delta_{kn}^{(L)} = \frac{1}{N}"
        r"\frac{A_{kn}^{(L)}-T_{kn}}{A_{kn}^{(L)}(1-A_{kn}^{(L)})}",
        corrected_formula=lambda v, l: 1 / v.N * ((v.A[l] - v.T) / (v.A[l] * (1 - v.A[l]))),
        why="As in 3.3: one column for each sample, not their sum; 3.12 has them side by side.",
    ),
    at_logistic_output(
        "3.12",
        "H⁽ᴸ⁾ = (1/N) (A⁽ᴸ⁾ − T)",
        printed_latex=r"H^{(L)} = \frac{1}{N}(A^{(L)}-T)",
        equals="∂J/∂Z{l}",
        formula=lambda v, l: 1 / v.N * (v.A[l] - v.T),
    ),
]

LAST_HIDDEN_LAYER = [
    weights_below(
        "4.1",
        "∂J/∂W_ij⁽ᴸ⁻¹⁾ = ΣΣΣΣ ∂J/∂A_kn⁽ᴸ⁾ ∂σ_L/∂Z_kn⁽ᴸ⁾ ∂Z_kn⁽ᴸ⁾/∂A_k′n′⁽ᴸ⁻¹⁾ "
        "∂σ_(L−1)/∂Z_k′n′⁽ᴸ⁻¹⁾ ∂Z_k′n′⁽ᴸ⁻¹⁾/∂W_ij⁽ᴸ⁻¹⁾",
        printed_latex=r"\frac{\partial J}{\partial W_{ij}^{(L-1)}} ="
        r"\sum_{k,n}\sum_{k',n'}\frac{\partial J}{\partial A_{kn}^{(L)}}"
        r"\frac{\partial\sigma_L}{\partial Z_{kn}^{(L)}}"
        r"\frac{\partial Z_{kn}^{(L)}}{\partial A_{k'n'}^{(L-1)}}"
        r"\frac{\partial\sigma_{L-1}}{\partial Z_{k'n'}^{(L-1)}}"
        r"\frac{\partial Z_{k'n'}^{(L-1)}}{\partial W_{ij}^{(L-1)}}",
        formula=lambda v, L: sums(
            "kn,kn,knpq,pq,pqij->ij",
            v.d("J", f"A{L}"),
            slope(v, L),
            dZ_dA(v, L),
            slope(v, L - 1),
            dZ_dW(v, L - 1),
        ),
    ),
    below_output(
        "4.2, 4.3",
        "∂Z_kn⁽ᴸ⁾/∂A_k′n′⁽ᴸ⁻¹⁾ = ∂/∂A_k′n′⁽ᴸ⁻¹⁾ (Σ_l W_kl⁽ᴸ⁾ A_ln⁽ᴸ⁻¹⁾ + b_k⁽ᴸ⁾)",
        printed_latex=r"\frac{\partial Z_{kn}^{(L)}}{\partial A_{k'n'}^{(L-1)}} ="
        r"\frac{\partial}{\partial A_{k'n'}^{(L-1)}}\Big(\sum_{l=1}^{S_{L-1}}"
        r"W_{kl}^{(L)}A_{ln}^{(L-1)}+b_k^{(L)}\Big)",
        equals=dZ_dA,
        formula=lambda v, L: sums("kl,lnpq->knpq", v.W[L], v.d(f"A{L - 1}", f"A{L - 1}")),
    ),
    below_output(
        "4.4 (1)",
        "∂Z_kn⁽ᴸ⁾/∂A_k′n′⁽ᴸ⁻¹⁾ = Σ_l W_kl⁽ᴸ⁾ δ_lk′ δ_nn′",
        printed_latex=r"\frac{\partial Z_{kn}^{(L)}}{\partial A_{k'n'}^{(L-1)}} ="
        r"\sum_{l=1}^{S_{L-1}}W_{kl}^{(L)}\delta_{lk'}\delta_{nn'}",
        equals=dZ_dA,
        formula=lambda v, L: sums("kl,lp,nq->knpq", v.W[L], eye(v, L - 1), np.eye(v.N)),
    ),
    below_output(
        "4.4 (2)",
        "∂Z_kn⁽ᴸ⁾/∂A_k′n′⁽ᴸ⁻¹⁾ = W_kk′⁽ᴸ⁾ δ_nn′",
        printed_latex=r"\frac{\partial Z_{kn}^{(L)}}{\partial A_{k'n'}^{(L-1)}} ="
        r"W_{kk'}^{(L)}\delta_{nn'}",
        equals=dZ_dA,
        formula=lambda v, L: sums("kp,nq->knpq", v.W[L], np.eye(v.N)),
    ),
    weights_below(
        "4.5",
        "∂J/∂W_ij⁽ᴸ⁻¹⁾ = ΣΣΣΣ Δ_kn⁽ᴸ⁾ ∂σ_L/∂Z_kn⁽ᴸ⁾ W_kk′⁽ᴸ⁾ δ_nn′ "
        "∂σ_(L−1)/∂Z_k′n′⁽ᴸ⁻¹⁾ δ_ik′ A_jn′⁽ᴸ⁻²⁾",
        printed_latex=r"\frac{\partial J}{\partial W_{ij}^{(L-1)}} = \sum_{k,n}\sum_{k',n'}"
        r"\Delta_{kn}^{(L)}\frac{\partial\sigma_L}{\partial Z_{kn}^{(L)}}W_{kk'}^{(L)}\delta_{nn'}"
        r"\frac{\partial\sigma_{L-1}}{\partial Z_{k'n'}^{(L-1)}}\delta_{ik'}A_{jn'}^{(L-2)}",
        formula=lambda v, L: sums(
            "kn,kn,kp,nq,pq,ip,jq->ij",
            Delta(v, L),
            slope(v, L),
            v.W[L],
            np.eye(v.N),
            slope(v, L - 1),
            eye(v, L - 1),
            v.A[L - 2],
        ),
    ),
    weights_below(
        "4.6",
        "∂J/∂W_ij⁽ᴸ⁻¹⁾ = Σ_k Σ_n H_kn⁽ᴸ⁾ W_ki⁽ᴸ⁾ ∂σ_(L−1)/∂Z_in⁽ᴸ⁻¹⁾ A_jn⁽ᴸ⁻²⁾",
        printed_latex=r"\sum_{k=1}^{S_L}\sum_{n=1}^{N}H_{kn}^{(L)}W_{ki}^{(L)}"
        r"\frac{\partial\sigma_{L-1}}{\partial Z_{in}^{(L-1)}}A_{jn}^{(L-2)}",
        formula=lambda v, L: sums("kn,ki,in,jn->ij", H(v, L), v.W[L], slope(v, L - 1), v.A[L - 2]),
    ),
    weights_below(
        "4.7",
        "∂J/∂W_ij⁽ᴸ⁻¹⁾ = Σ_k Σ_n (W⁽ᴸ⁾)ᵗ_ik H_kn⁽ᴸ⁾ ∂σ_(L−1)/∂Z_in⁽ᴸ⁻¹⁾ (A⁽ᴸ⁻²⁾)ᵗ_nj",
        printed_latex=r"\frac{\partial J}{\partial W_{ij}^{(L-1)}} = \sum_{k=1}^{S_L}"
        r"\sum_{n=1}^{N}(W^{(L)})_{ik}^tH_{kn}^{(L)}"
        r"\frac{\partial\sigma_{L-1}}{\partial Z_{in}^{(L-1)}}(A^{(L-2)})_{nj}^t",
        formula=lambda v, L: sums(
            "ik,kn,in,nj->ij", v.W[L].T, H(v, L), slope(v, L - 1), v.A[L - 2].T
        ),
    ),
    weights_below(
        "4.8",
        "∂J/∂W_ij⁽ᴸ⁻¹⁾ = Σ_n [(W⁽ᴸ⁾)ᵗ H⁽ᴸ⁾]_in ∂σ_(L−1)/∂Z_in⁽ᴸ⁻¹⁾ (A⁽ᴸ⁻²⁾)ᵗ_nj",
        printed_latex=r"\sum_{n=1}^{N}\left[(W^{(L)})^tH^{(L)}\right]_{in}"
        r"\frac{\partial\sigma_{L-1}}{\partial Z_{in}^{(L-1)}}(A^{(L-2)})_{nj}^t",
        formula=lambda v, L: sums(
            "in,in,nj->ij", v.W[L].T @ H(v, L), slope(v, L - 1), v.A[L - 2].T
        ),
    ),
    weights_below(
        "4.9",
        "∂J/∂W_ij⁽ᴸ⁻¹⁾ = Σ_n [(W⁽ᴸ⁾)ᵗ H⁽ᴸ⁾ ⊙ ∂σ_(L−1)/∂Z⁽ᴸ⁻¹⁾]_in (A⁽ᴸ⁻²⁾)ᵗ_nj",
        printed_latex=r"\frac{\partial J}{\partial W_{ij}^{(L-1)}} = \sum_{n=1}^{N}"
        r"\left[(W^{(L)})^tH^{(L)}\odot\frac{\partial\sigma_{L-1}}{\partial Z^{(L-1)}}\right]_{in}"
        r"(A^{(L-2)})_{nj}^t",
        formula=lambda v, L: sums("in,nj->ij", v.W[L].T @ H(v, L) * slope(v, L - 1), v.A[L - 2].T),
    ),
    weights_below(
        "4.10",
        "∂J/∂W_ij⁽ᴸ⁻¹⁾ = [(W⁽ᴸ⁾)ᵗ H⁽ᴸ⁾ ⊙ ∂σ_(L−1)/∂Z⁽ᴸ⁻¹⁾ (A⁽ᴸ⁻²⁾)ᵗ]_ij",
        printed_latex=r"\left[(W^{(L)})^tH^{(L)}\odot"
        r"\frac{\partial\sigma_{L-1}}{\partial Z^{(L-1)}}(A^{(L-2)})^t\right]_{ij}",
        formula=lambda v, L: v.W[L].T @ H(v, L) * slope(v, L - 1) @ v.A[L - 2].T,
        elsewhere=lambda v, L: (v.W[L].T @ H(v, L)) * (slope(v, L - 1) @ v.A[L - 2].T),
        why="Right from left to right; 4.11 puts the brackets that this needs, for with both "
        "matrix products before ⊙ it conforms only if N = S_(L−2), and is wrong then.",
    ),
    weights_below(
        "4.11",
        "∂J/∂W⁽ᴸ⁻¹⁾ = [Δ⁽ᴸ⁻¹⁾ ⊙ ∂σ_(L−1)/∂Z⁽ᴸ⁻¹⁾] (A⁽ᴸ⁻²⁾)ᵗ, Δ⁽ᴸ⁻¹⁾ = (W⁽ᴸ⁾)ᵗ H⁽ᴸ⁾",
        printed_latex=r"\frac{\partial J}{\partial W^{(L-1)}} = \left["
        r"\underbrace{(W^{(L)})^tH^{(L)}}_{\Delta^{(L-1)}}\odot"
        r"\frac{\partial\sigma_{L-1}}{\partial Z^{(L-1)}}\right](A^{(L-2)})^t",
        formula=lambda v, L: (v.W[L].T @ H(v, L) * slope(v, L - 1)) @ v.A[L - 2].T,
    ),
    weights_below(
        "4.12",
        "∂J/∂W⁽ᴸ⁻¹⁾ = [Δ⁽ᴸ⁻¹⁾ ⊙ ∂σ_(L−1)/∂Z⁽ᴸ⁻¹⁾] (A⁽ᴸ⁻²⁾)ᵗ = H⁽ᴸ⁻¹⁾ (A⁽ᴸ⁻²⁾)ᵗ",
        printed_latex=r"\frac{\partial J}{\partial W^{(L-1)}} = \left[\Delta^{(L-1)}\odot"
        r"\frac{\partial\sigma_{L-1}}{\partial Z^{(L-1)}}\right](A^{(L-2)})^t"
        r"= H^{(L-1)}(A^{(L-2)})^t",
        formula=lambda v, L: H(v, L - 1) @ v.A[L - 2].T,
    ),
    weights_below(
        "4.12 reference",
        "4.12 is much like 2.15",
        printed_latex=r"\frac{\partial J}{\partial W^{(L-1)}} = \left[\text{2.15 for layer }"
        r"L-1\right](A^{(L-2)})^t",
        formula=lambda v, L: (Delta(v, L - 1) * slope(v, L - 1)) @ v.A[L - 2].T,
        elsewhere=lambda v, L: Delta(v, L - 1) * slope(v, L - 1),
        why="Right of its bracket, which is 2.15 for layer L−1; the whole line is 2.16 for that "
        "layer, and 2.15 itself is what 4.13 is like.",
    ),
    below_output(
        "4.13",
        "H⁽ᴸ⁻¹⁾ = Δ⁽ᴸ⁻¹⁾ ⊙ ∂σ_(L−1)/∂Z⁽ᴸ⁻¹⁾, which is ∂J/∂Z⁽ᴸ⁻¹⁾",
        printed_latex=r"H^{(L-1)} = \Delta^{(L-1)}\odot"
        r"\frac{\partial\sigma_{L-1}}{\partial Z^{(L-1)}}",
        equals=lambda p, L: p.d("J", f"Z{L - 1}"),
        formula=lambda v, L: Delta(v, L - 1) * slope(v, L - 1),
    ),
    below_output(
        "4.14",
        "∂Z_k′n′⁽ᴸ⁻¹⁾/∂b_i⁽ᴸ⁻¹⁾ = δ_ik′",
        printed_latex=r"\frac{\partial Z_{k'n'}^{(L-1)}}{\partial b_i^{(L-1)}} = \delta_{ik'}",
        equals=lambda p, L: dZ_db(p, L - 1),
        formula=lambda v, L: sums("ip,q->pqi", eye(v, L - 1), np.ones(v.N)),
    ),
    below_output(
        "4.15 (1)",
        "∂J/∂b_i⁽ᴸ⁻¹⁾ = Σ_n [(W⁽ᴸ⁾)ᵗ H⁽ᴸ⁾ ⊙ ∂σ_(L−1)/∂Z⁽ᴸ⁻¹⁾]_in",
        printed_latex=r"\frac{\partial J}{\partial b_i^{(L-1)}} = \sum_{n=1}^{N}"
        r"\left[(W^{(L)})^tH^{(L)}\odot\frac{\partial\sigma_{L-1}}{\partial Z^{(L-1)}}\right]_{in}",
        equals=db_below,
        formula=lambda v, L: sums("in->i", v.W[L].T @ H(v, L) * slope(v, L - 1)),
    ),
    below_output(
        "4.15 (2)",
        "∂J/∂b_i⁽ᴸ⁻¹⁾ = Σ_n H_in⁽ᴸ⁻¹⁾",
        printed_latex=r"\frac{\partial J}{\partial b_i^{(L-1)}} = \sum_{n=1}^{N}H_{in}^{(L-1)}",
        equals=db_below,
        formula=lambda v, L: sums("in->i", H(v, L - 1)),
    ),
    below_output(
        "4.16",
        "∂J/∂b⁽ᴸ⁻¹⁾ = H⁽ᴸ⁻¹⁾ J_Nᵗ",
        printed_latex=r"\frac{\partial J}{\partial b^{(L-1)}} = H^{(L-1)}J_N^t",
        shapes="S_(L−1) × N times 1 × N",
        equals=lambda p, L: p.d("J", f"b{L - 1}"),
        formula=lambda v, L: H(v, L - 1) @ J_N(v).T,
        corrected="∂J/∂b⁽ᴸ⁻¹⁾ = H⁽ᴸ⁻¹⁾ J_N",
        corrected_latex=r"\frac{\partial J}{\partial b^{(L-1)}} = H^{(L-1)}J_N",
        corrected_formula=lambda v, L: H(v, L - 1) @ J_N(v),
        why=ONES,
    ),
]

LEMMA = [
    Entry(
        "5.1 W",
        "∂J/∂W⁽ˡ⁾ = H⁽ˡ⁾ (A⁽ˡ⁻¹⁾)ᵗ",
        printed_latex=r"\frac{\partial J}{\partial W^{(l)}} = H^{(l)}(A^{(l-1)})^t",
        equals="∂J/∂W{l}",
        formula=lambda v, l: H(v, l) @ v.A[l - 1].T,
    ),
    Entry(
        "5.1 b",
        "∂J/∂b⁽ˡ⁾ = H⁽ˡ⁾ J_Nᵗ",
        printed_latex=r"\frac{\partial J}{\partial b^{(l)}} = H^{(l)}J_N^t",
        shapes="S_l × N times 1 × N",
        equals="∂J/∂b{l}",
        formula=lambda v, l: H(v, l) @ J_N(v).T,
        corrected="∂J/∂b⁽ˡ⁾ = H⁽ˡ⁾ J_N",
        corrected_latex=r"\frac{\partial J}{\partial b^{(l)}} = H^{(l)}J_N",
        corrected_formula=lambda v, l: H(v, l) @ J_N(v),
        why=ONES,
    ),
    Entry(
        "5.2 H",
        "H⁽ˡ⁾ = Δ⁽ˡ⁾ ⊙ ∂σ_l/∂Z⁽ˡ⁾",
        printed_latex=r"H^{(l)} = \Delta^{(l)}\odot\frac{\partial\sigma_l}{\partial Z^{(l)}}",
        equals="∂J/∂Z{l}",
        formula=lambda v, l: Delta(v, l) * slope(v, l),
    ),
    Entry(
        "5.2 Δ",
        "Δ⁽ˡ⁾ = (W⁽ˡ⁺¹⁾)ᵗ H⁽ˡ⁺¹⁾",
        printed_latex=r"\Delta^{(l)} = (W^{(l+1)})^tH^{(l+1)}",
        over=hidden,
        equals="∂J/∂A{l}",
        formula=lambda v, l: v.W[l + 1].T @ H(v, l + 1),
    ),
    Entry(
        "5.2 1/N",
        "H⁽ˡ⁾ and Δ⁽ˡ⁾ carry the 1/N",
        printed_latex=r"H^{(l)} = \frac{\partial J}{\partial Z^{(l)}}",
        equals="∂J/∂Z{l}",
        formula=H,
        elsewhere=lambda v, l: v.N * H(v, l),
        why="In document 000 the error signals are those of each sample's own loss, N times these, "
        "and 1/m is put in front of the parameters' gradients.",
    ),
    Entry(
        "5.3",
        "∂J/∂A⁽ˡ⁾ = Δ⁽ˡ⁾",
        printed_latex=r"\frac{\partial J}{\partial A^{(l)}} = \Delta^{(l)}",
        equals="∂J/∂A{l}",
        formula=Delta,
    ),
    at_output(
        "5.4",
        "∂J/∂A⁽ᴸ⁾ = Δ⁽ᴸ⁾",
        printed_latex=r"\frac{\partial J}{\partial A^{(L)}} = \Delta^{(L)}",
        equals="∂J/∂A{l}",
        formula=Delta,
    ),
    Entry(
        "5.5",
        "∂J/∂A⁽ˡ⁾ = ∂J/∂A⁽ᴸ⁾ ⊙ ∂σ_L/∂Z⁽ᴸ⁾ ∂Z⁽ᴸ⁾/∂A⁽ᴸ⁻¹⁾ ⊙ … ⊙ ∂σ_(l+1)/∂Z⁽ˡ⁺¹⁾ ∂Z⁽ˡ⁺¹⁾/∂A⁽ˡ⁾",
        printed_latex=r"\frac{\partial J}{\partial A^{(l)}} = \frac{\partial J}{\partial A^{(L)}}"
        r"\odot\frac{\partial\sigma_L}{\partial Z^{(L)}}"
        r"\frac{\partial Z^{(L)}}{\partial A^{(L-1)}}\odot\cdots\odot"
        r"\frac{\partial\sigma_{l+1}}{\partial Z^{(l+1)}}"
        r"\frac{\partial Z^{(l+1)}}{\partial A^{(l)}}",
        over=hidden,
        equals="∂J/∂A{l}",
        formula=chain_down_to,
        elsewhere=lambda v, l: as_matrices(v, v.L, f"Z{v.L}", f"A{v.L - 1}"),
        why="Right from left to right with the sums of 2.4; as matrix products it has no meaning.",
    ),
    Entry(
        "5.6",
        "∂J/∂A⁽ˡ⁻¹⁾ = [5.5] ⊙ ∂σ_l/∂Z⁽ˡ⁾ ∂Z⁽ˡ⁾/∂A⁽ˡ⁻¹⁾",
        printed_latex=r"\frac{\partial J}{\partial A^{(l-1)}} = \underbrace{"
        r"\frac{\partial J}{\partial A^{(L)}}\odot\cdots"
        r"\frac{\partial Z^{(l+1)}}{\partial A^{(l)}}}_{\partial J/\partial A^{(l)}}\odot"
        r"\frac{\partial\sigma_l}{\partial Z^{(l)}}\frac{\partial Z^{(l)}}{\partial A^{(l-1)}}",
        equals=dA_below,
        formula=lambda v, l: sums("kn,knij->ij", chain_down_to(v, l) * slope(v, l), dZ_dA(v, l)),
        elsewhere=lambda v, l: as_matrices(v, l, f"Z{l}", f"A{l - 1}"),
        why="As 5.5.",
    ),
    Entry(
        "5.6 (2)",
        "∂J/∂A⁽ˡ⁻¹⁾ = ∂J/∂A⁽ˡ⁾ ⊙ ∂J/∂A⁽ˡ⁾ ⊙ ∂J/∂A⁽ˡ⁾ ⊙ …",
        printed_latex=r"\underbrace{\frac{\partial J}{\partial A^{(l)}}}\odot"
        r"\underbrace{\frac{\partial J}{\partial A^{(l)}}}\odot\cdots",
        equals=dA_below,
        formula=lambda v, l: v.d("J", f"A{l}") ** 4,
        silent=True,
        damaged=True,
        corrected="∂J/∂A⁽ˡ⁻¹⁾ = ∂J/∂A⁽ˡ⁾ ⊙ ∂σ_l/∂Z⁽ˡ⁾ ∂Z⁽ˡ⁾/∂A⁽ˡ⁻¹⁾",
        corrected_latex=r"\frac{\partial J}{\partial A^{(l)}}\odot"
        r"\frac{\partial\sigma_l}{\partial Z^{(l)}}\frac{\partial Z^{(l)}}{\partial A^{(l-1)}}",
        corrected_formula=lambda v, l: sums(
            "kn,knij->ij", v.d("J", f"A{l}") * slope(v, l), dZ_dA(v, l)
        ),
        why="The line is lost: one factor is repeated, and breaks off; 5.7 says what it led to.",
    ),
    Entry(
        "5.7",
        "∂J/∂A⁽ˡ⁻¹⁾ = Δ⁽ˡ⁾ ⊙ ∂σ_l/∂Z⁽ˡ⁾ ∂Z⁽ˡ⁾/∂A⁽ˡ⁻¹⁾",
        printed_latex=r"\frac{\partial J}{\partial A^{(l-1)}} = \Delta^{(l)}\odot"
        r"\frac{\partial\sigma_l}{\partial Z^{(l)}}\frac{\partial Z^{(l)}}{\partial A^{(l-1)}}",
        equals=dA_below,
        formula=lambda v, l: sums("kn,knij->ij", Delta(v, l) * slope(v, l), dZ_dA(v, l)),
        elsewhere=lambda v, l: as_matrices(v, l, f"Z{l}", f"A{l - 1}"),
        why="As 5.5: 5.8 writes the sums out.",
    ),
    Entry(
        "5.8",
        "[∂J/∂A⁽ˡ⁻¹⁾]_in = Σ_j Σ_n′ (Δ_jn′⁽ˡ⁾ ∂σ_l/∂Z_jn′⁽ˡ⁾) ∂Z_jn′⁽ˡ⁾/∂A_in⁽ˡ⁻¹⁾",
        printed_latex=r"\left[\frac{\partial J}{\partial A^{(l-1)}}\right]_{in} ="
        r"\sum_{j=1}^{S_l}\sum_{n'=1}^{N}\Big(\Delta_{jn'}^{(l)}"
        r"\frac{\partial\sigma_l}{\partial Z_{jn'}^{(l)}}\Big)"
        r"\frac{\partial Z_{jn'}^{(l)}}{\partial A_{in}^{(l-1)}}",
        equals=dA_below,
        formula=lambda v, l: sums("jq,jq,jqin->in", Delta(v, l), slope(v, l), dZ_dA(v, l)),
    ),
    Entry(
        "5.9 (1)",
        "[∂J/∂A⁽ˡ⁻¹⁾]_in = Σ_j Σ_n′ (Δ_jn′⁽ˡ⁾ ∂σ_l/∂Z_jn′⁽ˡ⁾) W_ji⁽ˡ⁾ δ_nn′",
        printed_latex=r"\sum_{j=1}^{S_l}\sum_{n'=1}^{N}\Big(\Delta_{jn'}^{(l)}"
        r"\frac{\partial\sigma_l}{\partial Z_{jn'}^{(l)}}\Big)W_{ji}^{(l)}\delta_{nn'}",
        equals=dA_below,
        formula=lambda v, l: sums("jq,jq,ji,nq->in", Delta(v, l), slope(v, l), v.W[l], np.eye(v.N)),
    ),
    Entry(
        "5.9 (2)",
        "[∂J/∂A⁽ˡ⁻¹⁾]_in = Σ_j (Δ_jn⁽ˡ⁾ ∂σ_l/∂Z_jn⁽ˡ⁾) W_ji⁽ˡ⁾",
        printed_latex=r"\sum_{j=1}^{S_l}\Big(\Delta_{jn}^{(l)}"
        r"\frac{\partial\sigma_l}{\partial Z_{jn}^{(l)}}\Big)W_{ji}^{(l)}",
        equals=dA_below,
        formula=lambda v, l: sums("jn,jn,ji->in", Delta(v, l), slope(v, l), v.W[l]),
    ),
    Entry(
        "5.10 (1)",
        "[∂J/∂A⁽ˡ⁻¹⁾]_in = Σ_j (W⁽ˡ⁾)ᵗ_ij (Δ_jn⁽ˡ⁾ ∂σ_l/∂Z_jn⁽ˡ⁾)",
        printed_latex=r"\left[\frac{\partial J}{\partial A^{(l-1)}}\right]_{in} ="
        r"\sum_{j=1}^{S_l}(W^{(l)})_{ij}^t\Big(\Delta_{jn}^{(l)}"
        r"\frac{\partial\sigma_l}{\partial Z_{jn}^{(l)}}\Big)",
        equals=dA_below,
        formula=lambda v, l: sums("ij,jn,jn->in", v.W[l].T, Delta(v, l), slope(v, l)),
    ),
    Entry(
        "5.10 (2)",
        "[∂J/∂A⁽ˡ⁻¹⁾]_in = [(W⁽ˡ⁾)ᵗ H⁽ˡ⁾]_ij, the ij'th element of Δ⁽ˡ⁻¹⁾",
        printed_latex=r"\left[\frac{\partial J}{\partial A^{(l-1)}}\right]_{in} ="
        r"\left[(W^{(l)})^tH^{(l)}\right]_{ij}",
        shapes="j, summed over before, goes to S_l; the columns of Δ⁽ˡ⁻¹⁾ go to N",
        equals=dA_below,
        formula=lambda v, l: first_columns(v.W[l].T @ H(v, l), v.S[l]),
        corrected="[∂J/∂A⁽ˡ⁻¹⁾]_in = [(W⁽ˡ⁾)ᵗ H⁽ˡ⁾]_in, the in'th element of Δ⁽ˡ⁻¹⁾",
        corrected_latex=r"\left[\frac{\partial J}{\partial A^{(l-1)}}\right]_{in} ="
        r"\left[(W^{(l)})^tH^{(l)}\right]_{in}",
        corrected_formula=lambda v, l: v.W[l].T @ H(v, l),
        why="j is the index of the sum that has just been carried out; the column is n.",
    ),
]

LAYER_BELOW = (
    "The input of layer l is A⁽ˡ⁻¹⁾, as in 1.4, 2.9 and 5.1, which this is to prove; "
    "with A⁽ˡ⁾ it conforms where S_l = S_(l−1), and is wrong."
)

GENERAL_LAYER = [
    Entry(
        "5.11",
        "∂J/∂W⁽ˡ⁾ = [5.5] ⊙ ∂σ_l/∂Z⁽ˡ⁾ ∂Z⁽ˡ⁾/∂W⁽ˡ⁾",
        printed_latex=r"\frac{\partial J}{\partial W^{(l)}} = \underbrace{"
        r"\frac{\partial J}{\partial A^{(L)}}\odot\cdots"
        r"\frac{\partial Z^{(l+1)}}{\partial A^{(l)}}}_{\partial J/\partial A^{(l)}}\odot"
        r"\frac{\partial\sigma_l}{\partial Z^{(l)}}\frac{\partial Z^{(l)}}{\partial W^{(l)}}",
        equals="∂J/∂W{l}",
        formula=lambda v, l: sums("kn,knij->ij", chain_down_to(v, l) * slope(v, l), dZ_dW(v, l)),
        elsewhere=lambda v, l: as_matrices(v, l, f"Z{l}", f"W{l}"),
        why="As 5.5.",
    ),
    Entry(
        "5.11 (end)",
        "∂J/∂W⁽ˡ⁾ = … = ∂J/∂A⁽ˡ⁾ ⊙ ∂σ_l/∂Z⁽ˡ⁾ ∂Z⁽ˡ⁾/∂Z⁽ˡ⁾ ∂Z⁽ˡ⁾/∂Z⁽ˡ⁾",
        printed_latex=r"\frac{\partial J}{\partial A^{(l)}}\odot"
        r"\frac{\partial\sigma_l}{\partial Z^{(l)}}\frac{\partial Z^{(l)}}{\partial Z^{(l)}}"
        r"\frac{\partial Z^{(l)}}{\partial Z^{(l)}}",
        equals="∂J/∂W{l}",
        formula=lambda v, l: v.d("J", f"A{l}") * slope(v, l),
        silent=True,
        damaged=True,
        corrected="∂J/∂W⁽ˡ⁾ = ∂J/∂A⁽ˡ⁾ ⊙ ∂σ_l/∂Z⁽ˡ⁾ ∂Z⁽ˡ⁾/∂W⁽ˡ⁾",
        corrected_latex=r"\frac{\partial J}{\partial A^{(l)}}\odot"
        r"\frac{\partial\sigma_l}{\partial Z^{(l)}}\frac{\partial Z^{(l)}}{\partial W^{(l)}}",
        corrected_formula=lambda v, l: sums(
            "kn,knij->ij", v.d("J", f"A{l}") * slope(v, l), dZ_dW(v, l)
        ),
        why="The right-hand side is repeated until it breaks off, its last factor lost on the way.",
    ),
    Entry(
        "5.12",
        "∂J/∂W⁽ˡ⁾ = Δ⁽ˡ⁾ ⊙ ∂σ_l/∂Z⁽ˡ⁾ ∂Z⁽ˡ⁾/∂W⁽ˡ⁾",
        printed_latex=r"\Delta^{(l)}\odot\frac{\partial\sigma_l}{\partial Z^{(l)}}"
        r"\frac{\partial Z^{(l)}}{\partial W^{(l)}}",
        shapes="stands apart from its number in the transcription",
        equals="∂J/∂W{l}",
        formula=lambda v, l: sums("kn,knij->ij", Delta(v, l) * slope(v, l), dZ_dW(v, l)),
        elsewhere=lambda v, l: as_matrices(v, l, f"Z{l}", f"W{l}"),
        why="As 5.5: 5.13 writes the sums out.",
    ),
    Entry(
        "5.13 (1)",
        "∂J/∂W_ij⁽ˡ⁾ = Σ_k Σ_n Δ_kn⁽ˡ⁾ ∂σ_l/∂Z_kn⁽ˡ⁾ ∂Z_kn⁽ˡ⁾/∂W_ij⁽ˡ⁾",
        printed_latex=r"\frac{\partial J}{\partial W_{ij}^{(l)}} = \sum_{k=1}^{S_l}\sum_{n=1}^{N}"
        r"\Delta_{kn}^{(l)}\frac{\partial\sigma_l}{\partial Z_{kn}^{(l)}}"
        r"\frac{\partial Z_{kn}^{(l)}}{\partial W_{ij}^{(l)}}",
        equals="∂J/∂W{l}",
        formula=lambda v, l: sums("kn,kn,knij->ij", Delta(v, l), slope(v, l), dZ_dW(v, l)),
    ),
    Entry(
        "5.13 (2)",
        "∂J/∂W_ij⁽ˡ⁾ = Σ_k Σ_n Δ_kn⁽ˡ⁾ ∂σ_l/∂Z_kn⁽ˡ⁾ A_jn⁽ˡ⁾ δ_ki",
        printed_latex=r"\frac{\partial J}{\partial W_{ij}^{(l)}} = \sum_{k=1}^{S_l}\sum_{n=1}^{N}"
        r"\Delta_{kn}^{(l)}\frac{\partial\sigma_l}{\partial Z_{kn}^{(l)}}A_{jn}^{(l)}\delta_{ki}",
        equals="∂J/∂W{l}",
        formula=lambda v, l: sums("kn,kn,jn,ki->ij", Delta(v, l), slope(v, l), v.A[l], eye(v, l)),
        silent=True,
        corrected="∂J/∂W_ij⁽ˡ⁾ = Σ_k Σ_n Δ_kn⁽ˡ⁾ ∂σ_l/∂Z_kn⁽ˡ⁾ A_jn⁽ˡ⁻¹⁾ δ_ki",
        corrected_latex=r"\sum_{k=1}^{S_l}\sum_{n=1}^{N}\Delta_{kn}^{(l)}"
        r"\frac{\partial\sigma_l}{\partial Z_{kn}^{(l)}}A_{jn}^{(l-1)}\delta_{ki}",
        corrected_formula=lambda v, l: sums(
            "kn,kn,jn,ki->ij", Delta(v, l), slope(v, l), v.A[l - 1], eye(v, l)
        ),
        why=LAYER_BELOW,
    ),
    Entry(
        "5.14 (1)",
        "∂J/∂W_ij⁽ˡ⁾ = Σ_n Δ_in⁽ˡ⁾ ∂σ_l/∂Z_in⁽ˡ⁾ A_jn⁽ˡ⁾",
        printed_latex=r"\sum_{n=1}^{N}\Delta_{in}^{(l)}"
        r"\frac{\partial\sigma_l}{\partial Z_{in}^{(l)}}A_{jn}^{(l)}",
        equals="∂J/∂W{l}",
        formula=lambda v, l: sums("in,in,jn->ij", Delta(v, l), slope(v, l), v.A[l]),
        silent=True,
        corrected="∂J/∂W_ij⁽ˡ⁾ = Σ_n Δ_in⁽ˡ⁾ ∂σ_l/∂Z_in⁽ˡ⁾ A_jn⁽ˡ⁻¹⁾",
        corrected_latex=r"\sum_{n=1}^{N}\Delta_{in}^{(l)}"
        r"\frac{\partial\sigma_l}{\partial Z_{in}^{(l)}}A_{jn}^{(l-1)}",
        corrected_formula=lambda v, l: sums("in,in,jn->ij", Delta(v, l), slope(v, l), v.A[l - 1]),
        why=LAYER_BELOW,
    ),
    Entry(
        "5.14 (2)",
        "∂J/∂W_ij⁽ˡ⁾ = Σ_n Δ_in⁽ˡ⁾ ∂σ_l/∂Z_in⁽ˡ⁾ (A⁽ˡ⁾)ᵗ_nj",
        printed_latex=r"\sum_{n=1}^{N}\Delta_{in}^{(l)}"
        r"\frac{\partial\sigma_l}{\partial Z_{in}^{(l)}}(A^{(l)})_{nj}^t",
        equals="∂J/∂W{l}",
        formula=lambda v, l: sums("in,in,nj->ij", Delta(v, l), slope(v, l), v.A[l].T),
        silent=True,
        corrected="∂J/∂W_ij⁽ˡ⁾ = Σ_n Δ_in⁽ˡ⁾ ∂σ_l/∂Z_in⁽ˡ⁾ (A⁽ˡ⁻¹⁾)ᵗ_nj",
        corrected_latex=r"\sum_{n=1}^{N}\Delta_{in}^{(l)}"
        r"\frac{\partial\sigma_l}{\partial Z_{in}^{(l)}}(A^{(l-1)})_{nj}^t",
        corrected_formula=lambda v, l: sums("in,in,nj->ij", Delta(v, l), slope(v, l), v.A[l - 1].T),
        why=LAYER_BELOW,
    ),
    Entry(
        "5.15",
        "∂J/∂W_ij⁽ˡ⁾ = Σ_n [Δ⁽ˡ⁾ ⊙ ∂σ_l/∂Z⁽ˡ⁾]_in (A⁽ˡ⁾)ᵗ_nj",
        printed_latex=r"\sum_{n=1}^{N}\left[\Delta^{(l)}\odot"
        r"\frac{\partial\sigma_l}{\partial Z^{(l)}}\right]_{in}(A^{(l)})_{nj}^t",
        equals="∂J/∂W{l}",
        formula=lambda v, l: sums("in,nj->ij", Delta(v, l) * slope(v, l), v.A[l].T),
        silent=True,
        corrected="∂J/∂W_ij⁽ˡ⁾ = Σ_n [Δ⁽ˡ⁾ ⊙ ∂σ_l/∂Z⁽ˡ⁾]_in (A⁽ˡ⁻¹⁾)ᵗ_nj",
        corrected_latex=r"\sum_{n=1}^{N}\left[\Delta^{(l)}\odot"
        r"\frac{\partial\sigma_l}{\partial Z^{(l)}}\right]_{in}(A^{(l-1)})_{nj}^t",
        corrected_formula=lambda v, l: sums("in,nj->ij", Delta(v, l) * slope(v, l), v.A[l - 1].T),
        why=LAYER_BELOW,
    ),
    Entry(
        "5.16",
        "∂J/∂W⁽ˡ⁾ = H⁽ˡ⁾ (A⁽ˡ⁾)ᵗ",
        printed_latex=r"\frac{\partial J}{\partial W^{(l)}} = H^{(l)}(A^{(l)})^t",
        shapes="S_l × S_l for S_l × S_(l−1)",
        equals="∂J/∂W{l}",
        formula=lambda v, l: H(v, l) @ v.A[l].T,
        silent=True,
        corrected="∂J/∂W⁽ˡ⁾ = H⁽ˡ⁾ (A⁽ˡ⁻¹⁾)ᵗ",
        corrected_latex=r"\frac{\partial J}{\partial W^{(l)}} = H^{(l)}(A^{(l-1)})^t",
        corrected_formula=lambda v, l: H(v, l) @ v.A[l - 1].T,
        why=LAYER_BELOW,
    ),
    Entry(
        "5.17",
        "∂J/∂b⁽ˡ⁾ = [5.5] ⊙ ∂σ_l/∂Z⁽ˡ⁾ ∂Z⁽ˡ⁾/∂b⁽ˡ⁾",
        printed_latex=r"\frac{\partial J}{\partial b^{(l)}} = \underbrace{"
        r"\frac{\partial J}{\partial A^{(L)}}\odot\cdots"
        r"\frac{\partial Z^{(l+1)}}{\partial A^{(l)}}}_{\partial J/\partial A^{(l)}}\odot"
        r"\frac{\partial\sigma_l}{\partial Z^{(l)}}\frac{\partial Z^{(l)}}{\partial b^{(l)}}",
        equals=db,
        formula=lambda v, l: sums("kn,kni->i", chain_down_to(v, l) * slope(v, l), dZ_db(v, l)),
        elsewhere=lambda v, l: as_matrices(v, l, f"Z{l}", f"b{l}"),
        why="As 5.5.",
    ),
    Entry(
        "5.17 (end)",
        "∂J/∂b⁽ˡ⁾ = … = ∂J/∂A⁽ˡ⁾ ⊙ ∂σ_l/∂A⁽ˡ⁾",
        printed_latex=r"\frac{\partial J}{\partial A^{(l)}}\odot"
        r"\frac{\partial\sigma_l}{\partial A^{(l)}}",
        equals="∂J/∂b{l}",
        formula=lambda v, l: v.d("J", f"A{l}") * np.ones((v.S[l], v.N)),
        silent=True,
        damaged=True,
        corrected="∂J/∂b⁽ˡ⁾ = ∂J/∂A⁽ˡ⁾ ⊙ ∂σ_l/∂Z⁽ˡ⁾ ∂Z⁽ˡ⁾/∂b⁽ˡ⁾",
        corrected_latex=r"\frac{\partial J}{\partial A^{(l)}}\odot"
        r"\frac{\partial\sigma_l}{\partial Z^{(l)}}\frac{\partial Z^{(l)}}{\partial b^{(l)}}",
        corrected_formula=lambda v, l: sums(
            "kn,knij->ij", v.d("J", f"A{l}") * slope(v, l), v.d(f"Z{l}", f"b{l}")
        ),
        why="The right-hand side is repeated until it breaks off, losing factors on the way.",
    ),
    Entry(
        "5.18",
        "∂J/∂b⁽ˡ⁾ = Δ⁽ˡ⁾ ⊙ ∂σ_l/∂Z⁽ˡ⁾ ∂Z⁽ˡ⁾/∂b⁽ˡ⁾",
        printed_latex=r"\Delta^{(l)}\odot\frac{\partial\sigma_l}{\partial Z^{(l)}}"
        r"\frac{\partial Z^{(l)}}{\partial b^{(l)}}",
        equals=db,
        formula=lambda v, l: sums("kn,kni->i", Delta(v, l) * slope(v, l), dZ_db(v, l)),
        elsewhere=lambda v, l: as_matrices(v, l, f"Z{l}", f"b{l}"),
        why="As 5.5: 5.19 writes the sums out.",
    ),
    Entry(
        "5.19 (1)",
        "[∂J/∂b⁽ˡ⁾]_i = Σ_j Σ_n Δ_jn⁽ˡ⁾ ∂σ_l/∂Z_jn⁽ˡ⁾ δ_ji",
        printed_latex=r"\left[\frac{\partial J}{\partial b^{(l)}}\right]_i ="
        r"\sum_{j=1}^{S_l}\sum_{n=1}^{N}\Delta_{jn}^{(l)}"
        r"\frac{\partial\sigma_l}{\partial Z_{jn}^{(l)}}\delta_{ji}",
        equals=db,
        formula=lambda v, l: sums("jn,jn,ji->i", Delta(v, l), slope(v, l), eye(v, l)),
    ),
    Entry(
        "5.19 (2)",
        "[∂J/∂b⁽ˡ⁾]_i = Σ_n Δ_in⁽ˡ⁾ ∂σ_l/∂Z_in⁽ˡ⁾ = Σ_n H_in⁽ˡ⁾",
        printed_latex=r"\left[\frac{\partial J}{\partial b^{(l)}}\right]_i = \sum_{n=1}^{N}"
        r"\Delta_{in}^{(l)}\frac{\partial\sigma_l}{\partial Z_{in}^{(l)}}"
        r"= \sum_{n=1}^{N}H_{in}^{(l)}",
        equals=db,
        formula=lambda v, l: sums("in,in->i", Delta(v, l), slope(v, l)),
    ),
    Entry(
        "5.20",
        "∂J/∂b⁽ˡ⁾ = H⁽ˡ⁾ J_Nᵗ",
        printed_latex=r"\frac{\partial J}{\partial b^{(l)}} = H^{(l)}J_N^t",
        shapes="S_l × N times 1 × N",
        equals="∂J/∂b{l}",
        formula=lambda v, l: H(v, l) @ J_N(v).T,
        corrected="∂J/∂b⁽ˡ⁾ = H⁽ˡ⁾ J_N",
        corrected_latex=r"\frac{\partial J}{\partial b^{(l)}} = H^{(l)}J_N",
        corrected_formula=lambda v, l: H(v, l) @ J_N(v),
        why=ONES,
    ),
]

SAMPLES_ARE_N = "m is the number of samples here, which sections 1 to 5 call N (3.4: an index)."

EXAMPLE = [
    example_once(
        "6 two layers",
        "two layers, for L = 2",
        printed_latex=r"L = 2",
        equals=lambda p: np.array(len(p.net.W)),
        formula=lambda v: np.array(2),
        elsewhere=lambda v: np.array(v.L + 1),
        why="The example counts the layers that have weights; section 1 counts L + 1, input too.",
    ),
    example_once(
        "6 X",
        "X = ∈ ℝ^(2×400)",
        printed_latex=r"X \in \mathbb{R}^{2\times 400}",
        shapes="2 × N",
        equals=lambda p: np.array(p.A[0].shape),
        formula=lambda v: np.array([2, v.N]),
    ),
    example_once(
        "6 loss",
        "the loss is the average cross-entropy",
        printed_latex=r"J = -\frac{1}{N}\sum_{n=1}^{N}\left[t_n\log a_n+(1-t_n)\log(1-a_n)\right]",
        equals="J",
        formula=lambda v: -sum(binary_log(v, n) for n in range(v.N)) / v.N,
        elsewhere=lambda v: -binary_log(v, 0),
        why="Section 3 calls the average the cost J, and loss what it averages, ℒ of one sample.",
    ),
    example_once(
        "6.1",
        "σ_1(z) = tanh z, σ_2(z) = σ(z)",
        printed_latex=r"\sigma_1(z) = \tanh(z),\quad \sigma_2(z) = \sigma(z)",
        equals="A2",
        formula=lambda v: 1 / (1 + np.exp(-(v.W[2] @ np.tanh(v.Z[1]) + v.b[2] @ J_N(v).T))),
    ),
    example_once(
        "6 one-hot",
        "T = Y ∈ ℝ^(1×400) is a one-hot encoding",
        printed_latex=r"T = Y \in \mathbb{R}^{1\times 400},\quad \sum_k Y_{kn} = 1",
        shapes="the 1 × N row of column sums",
        equals=lambda p: np.sum(p.T, axis=0, keepdims=True),
        formula=lambda v: np.ones((1, v.N)),
        verdict="false",
        silent=True,
        corrected="Y is 1 × N and holds 0 or 1; one-hot, two classes are 2 × N",
        why="Exactly one component of a one-hot column is 1, so its sum is 1; a label 0 has sum 0.",
    ),
    example_once(
        "6 n_h",
        "the hidden layer has n_h layers",
        printed_latex=r"n_h \text{ layers}",
        shapes="how many hidden layers there are; corrected, rows of W⁽¹⁾",
        equals=lambda p: np.array(p.L - 1),
        formula=lambda v: np.array(v.n_h),
        silent=True,
        corrected="the hidden layer has n_h units",
        corrected_latex=r"n_h \text{ units}",
        corrected_equals=lambda p: np.array(p.value("W1").shape[0]),
        corrected_formula=lambda v: np.array(v.n_h),
        why="n_h counts the rows of W⁽¹⁾ in 6.2, units; there is one hidden layer whatever n_h is.",
    ),
    example_once(
        "6.2",
        "W⁽¹⁾: n_h × 2, b⁽¹⁾: n_h × 1, W⁽²⁾: 1 × n_h, b⁽²⁾: 1 × 1",
        printed_latex=r"W^{(1)}\in\mathbb{R}^{n_h\times 2},\ b^{(1)}\in\mathbb{R}^{n_h\times 1},\ "
        r"W^{(2)}\in\mathbb{R}^{1\times n_h},\ b^{(2)}\in\mathbb{R}^{1\times 1}",
        equals=lambda p: np.array([x[l].shape for l in (1, 2) for x in (p.W, p.b)]),
        formula=lambda v: np.array([[v.n_h, 2], [v.n_h, 1], [1, v.n_h], [1, 1]]),
    ),
    example_output(
        "6.3",
        "H⁽²⁾ = (1/m) (A⁽²⁾ − Y)",
        printed_latex=r"H^{(2)} = \frac{1}{m}(A^{(2)}-Y)",
        equals="∂J/∂Z{l}",
        formula=lambda v, l: 1 / v.N * (v.A[2] - v.T),
        elsewhere=lambda v, l: 1 / v.m * (v.A[2] - v.T),
        why=SAMPLES_ARE_N,
    ),
    example_output(
        "6.4 (1)",
        "∂J/∂W⁽²⁾ = H⁽²⁾ A⁽¹⁾",
        printed_latex=r"\frac{\partial J}{\partial W^{(2)}} = H^{(2)}A^{(1)}",
        shapes="1 × N times n_h × N",
        equals="∂J/∂W{l}",
        formula=lambda v, l: H(v, 2) @ v.A[1],
        silent=True,
        corrected="∂J/∂W⁽²⁾ = H⁽²⁾ (A⁽¹⁾)ᵗ",
        corrected_latex=r"\frac{\partial J}{\partial W^{(2)}} = H^{(2)}(A^{(1)})^t",
        corrected_formula=lambda v, l: H(v, 2) @ v.A[1].T,
        why="The transpose of 2.9 is missing; it conforms if n_h = N, and is wrong then.",
    ),
    example_output(
        "6.4 (2)",
        "∂J/∂W⁽²⁾ = (1/m) Σ_i (A_i⁽²⁾ − Y_i)(A_i⁽¹⁾)ᵗ",
        printed_latex=r"\frac{\partial J}{\partial W^{(2)}} = \frac{1}{m}\sum_{i=1}^{m}"
        r"\left(A_i^{(2)}-Y_i\right)(A_i^{(1)})^t",
        shapes="i numbers the samples",
        equals="∂J/∂W{l}",
        formula=lambda v, l: (
            1 / v.N * sum(column(v.A[2] - v.T, i) @ column(v.A[1], i).T for i in range(v.N))
        ),
    ),
    example_output(
        "6.5 (1)",
        "∂J/∂b⁽²⁾ = H⁽²⁾ A⁽¹⁾",
        printed_latex=r"\frac{\partial J}{\partial b^{(2)}} = H^{(2)}A^{(1)}",
        shapes="1 × N times n_h × N, for 1 × 1",
        equals="∂J/∂b{l}",
        formula=lambda v, l: H(v, 2) @ v.A[1],
        silent=True,
        corrected="∂J/∂b⁽²⁾ = H⁽²⁾ J_N",
        corrected_latex=r"\frac{\partial J}{\partial b^{(2)}} = H^{(2)}J_N",
        corrected_formula=lambda v, l: H(v, 2) @ J_N(v),
        why="Taken over from 6.4: ones stand in place of A⁽¹⁾, as the sum in the same line has it.",
    ),
    example_output(
        "6.5 (2)",
        "∂J/∂b⁽²⁾ = (1/m) Σ_i (A_i⁽²⁾ − Y_i)",
        printed_latex=r"\frac{\partial J}{\partial b^{(2)}} = \frac{1}{m}\sum_{i=1}^{m}"
        r"\left(A_i^{(2)}-Y_i\right)",
        equals="∂J/∂b{l}",
        formula=lambda v, l: 1 / v.N * sum(column(v.A[2] - v.T, i) for i in range(v.N)),
    ),
    example_hidden(
        "6.6",
        "Δ⁽¹⁾ = (W⁽²⁾)ᵗ H⁽²⁾ = (1/m) (W⁽²⁾)ᵗ (A⁽²⁾ − Y)",
        printed_latex=r"\Delta^{(1)} = (W^{(2)})^tH^{(2)} = \frac{1}{m}(W^{(2)})^t(A^{(2)}-Y)",
        equals="∂J/∂A{l}",
        formula=lambda v, l: 1 / v.N * v.W[2].T @ (v.A[2] - v.T),
    ),
    example_hidden(
        "6.7",
        "H_i⁽¹⁾ = Δ_i⁽¹⁾ (1 − (a_i⁽¹⁾)²)",
        printed_latex=r"H_i^{(1)} = \Delta_i^{(1)}\left(1-(a_i^{(1)})^2\right)",
        shapes="element by element",
        equals="∂J/∂Z{l}",
        formula=lambda v, l: Delta(v, 1) * (1 - v.A[1] ** 2),
        elsewhere=lambda v, l: np.hstack(
            [column(Delta(v, 1), i) @ (1 - column(v.A[1], i) ** 2) for i in range(v.N)]
        ),
        why="Right for the elements; in 6.4 i numbers columns, between which 4.13 would put ⊙.",
    ),
    example_hidden(
        "6.8 W",
        "∂J/∂W⁽¹⁾ = H⁽¹⁾ (A⁽¹⁾)ᵗ",
        printed_latex=r"\frac{\partial J}{\partial W^{(1)}} = H^{(1)}(A^{(1)})^t",
        shapes="n_h × n_h for n_h × 2",
        equals="∂J/∂W{l}",
        formula=lambda v, l: H(v, 1) @ v.A[1].T,
        silent=True,
        corrected="∂J/∂W⁽¹⁾ = H⁽¹⁾ (A⁽⁰⁾)ᵗ = H⁽¹⁾ Xᵗ",
        corrected_latex=r"\frac{\partial J}{\partial W^{(1)}} = H^{(1)}(A^{(0)})^t = H^{(1)}X^t",
        corrected_formula=lambda v, l: H(v, 1) @ v.A[0].T,
        why="As 5.16; for n_h = 2 it conforms and nothing but the numbers shows it.",
    ),
    example_hidden(
        "6.8 b",
        "∂J/∂b⁽¹⁾ = H⁽¹⁾ (J_2)ᵗ",
        printed_latex=r"\frac{\partial J}{\partial b^{(1)}} = H^{(1)}(J_2)^t",
        shapes="n_h × N times 1 × 2, for n_h × 1",
        equals="∂J/∂b{l}",
        formula=lambda v, l: H(v, 1) @ np.ones((2, 1)).T,
        corrected="∂J/∂b⁽¹⁾ = H⁽¹⁾ J_N",
        corrected_latex=r"\frac{\partial J}{\partial b^{(1)}} = H^{(1)}J_N",
        corrected_formula=lambda v, l: H(v, 1) @ J_N(v),
        why="The sum is over N samples, not over 2 inputs, and J is not transposed.",
    ),
]


def example_updates(
    W: ByLayer, b: ByLayer, X: Any, Y: Any, alpha: float, updates: int
) -> Iterator[dict[str, Any]]:
    """Gradient descent by 6.3 to 6.8, corrected; yields the parameters after each update."""
    m = X.shape[1]
    ones = np.ones((m, 1))
    for _ in range(updates):
        A1 = np.tanh(W[1] @ X + b[1] @ ones.T)
        A2 = logistic(W[2] @ A1 + b[2] @ ones.T)
        H2 = 1 / m * (A2 - Y)
        Delta1 = W[2].T @ H2
        H1 = Delta1 * (1 - A1**2)
        W = {1: W[1] - alpha * (H1 @ X.T), 2: W[2] - alpha * (H2 @ A1.T)}
        b = {1: b[1] - alpha * (H1 @ ones), 2: b[2] - alpha * (H2 @ ones)}
        yield by_name(W, b)


def run(rng: int = 0, updates: int = 1000, n_h: int = 4, alpha: float = 1.2) -> Run:
    """Section 6: the network 2-n_h-1 on the 400 planar points, all of them in each update."""
    X, Y = datasets.planar(400, rng=rng)
    net = Network([2, n_h, 1], ["tanh", "sigmoid"], rng=rng)
    what, loss = "6.3 to 6.8, corrected, on 400 planar points", losses.binary_cross_entropy
    by_hand = example_updates(*by_layer(net), X, Y, alpha, updates)
    return beside_the_tape("001", what, by_hand, net, X, Y, loss, rate=alpha, epochs=updates)


DOCUMENT = Document(
    "001",
    "General feed forward neural networks",
    entries=[
        *FORMALISM, *OUTPUT_WEIGHTS, *OUTPUT_BIASES, *COST,
        *LAST_HIDDEN_LAYER, *LEMMA, *GENERAL_LAYER, *EXAMPLE,
    ],
    convention="Samples are columns; W(l) is S_l × S_(l−1); Δ(l) = ∂J/∂A(l) and H(l) = ∂J/∂Z(l) "
    "carry the 1/N, so weight and bias gradients have no factor; L + 1 layers from 0 to L.",
    setting=GENERAL,
    run=run,
)  # fmt: skip
