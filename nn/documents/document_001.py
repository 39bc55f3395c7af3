"""Document 001: general feed forward networks, samples as columns, then a two-layer example.

The formulas are in `document_001.md`; here are the procedure of section 6, and the meaning of those
that are not read: chains whose factors are dots, a derivative by a function, and counts in words.
"""

from collections.abc import Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from .. import datasets, losses
from ..network import Network
from .checker import Entry, Setting, from_note
from .passes import Keep
from .procedures import ByLayer, Run, beside_the_tape, by_layer, by_name
from .standard import ACTIVATIONS, LOSSES, hidden, last, logistic, networks, once


def general_forward(net: SimpleNamespace, keep: Keep) -> None:
    """Z(l) = W(l) A(l−1) + b(l) J_Nᵗ and A(l) = σ_l(Z(l)) with A(0) = X; J is the mean loss."""
    ones = np.ones((net.N, 1))
    A = keep("A0", net.X)
    for l in range(1, net.L + 1):
        Z = keep(f"Z{l}", keep(f"W{l}", net.W[l]) @ A + keep(f"b{l}", net.b[l]) @ ones.T)
        A = keep(f"A{l}", 1.0 * keep(f"sigma_Z{l}", net.sigma[l](Z)))
    losses = keep("losses", np.sum(net.loss(A, net.T), axis=0, keepdims=True))
    keep("J", np.sum(losses) / net.N)


def lettered(rng: np.random.Generator, count: int) -> Iterator[SimpleNamespace]:
    """The standard networks under this document's letters; there is no m."""
    for net in networks(rng, count):
        yield SimpleNamespace(
            L=net.L, N=net.m, S=net.n, W=net.W, b=net.b, X=net.X, T=net.Y,
            sigma=net.g, slope=net.g_prime, loss=net.loss,
        )  # fmt: skip


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


def slope(v: Any, l: int) -> Any:
    """∂σ_l/∂Z(l), S_l × N."""
    return v.slope[l](v.Z[l])


def chain(v: Any, l: int, wrt: str) -> Any:
    """∂J/∂A(L) ⊙ ∂σ_L/∂Z(L) ∂Z(L)/∂A(L−1) ⊙ … ⊙ ∂σ_l/∂Z(l) ∂Z(l)/∂wrt, from left to right.

    A product with a derivative of Z is the sum over both indices of Z.
    """
    product = v.d("J", f"A{v.L}")
    for k in range(v.L, l, -1):
        product = np.tensordot(product * slope(v, k), v.d(f"Z{k}", f"A{k - 1}"), 2)
    return np.tensordot(product * slope(v, l), v.d(f"Z{l}", wrt), 2)


def as_matrices(v: Any, l: int, wrt: str) -> Any:
    """The same letters read as 2.9 reads them, juxtaposition being a matrix product."""
    return (v.d("J", f"A{l}") * slope(v, l)) @ v.d(f"Z{l}", wrt)


by_function = partial(Entry, over=last)
counted = partial(Entry, over=once, setting=Setting(general_forward, tanh_networks))

BY_HAND = [
    by_function(
        "2.2",
        equals=lambda p, l: p.d(f"A{l}", f"W{l}"),
        formula=lambda v, l: np.einsum(
            "knkn,kn,knij->knij", v.d(f"A{l}", f"sigma_Z{l}"), slope(v, l), v.d(f"Z{l}", f"W{l}")
        ),
    ),
    by_function(
        "2.2 factor",
        equals=lambda p, l: np.einsum("knkn->kn", p.d(f"A{l}", f"sigma_Z{l}")),
        formula=lambda v, l: np.ones((v.S[l], v.N)),
    ),
    Entry(
        "5.5",
        over=hidden,
        equals="∂J/∂A{l}",
        formula=lambda v, l: chain(v, l + 1, f"A{l}"),
        elsewhere=lambda v, l: as_matrices(v, v.L, f"A{v.L - 1}"),
    ),
    Entry(
        "5.6",
        equals=lambda p, l: p.d("J", f"A{l - 1}"),
        formula=lambda v, l: chain(v, l, f"A{l - 1}"),
        elsewhere=lambda v, l: as_matrices(v, l, f"A{l - 1}"),
    ),
    *(
        Entry(
            label,
            equals=f"∂J/∂{letter}{{l}}",
            formula=lambda v, l, letter=letter: chain(v, l, f"{letter}{l}"),
            elsewhere=lambda v, l, letter=letter: as_matrices(v, l, f"{letter}{l}"),
        )
        for label, letter in (("5.11", "W"), ("5.17", "b"))
    ),
    counted(
        "6 two layers",
        equals=lambda p: np.array(len(p.net.W)),
        formula=lambda v: np.array(2),
        elsewhere=lambda v: np.array(v.L + 1),
    ),
    counted(
        "6 n_h",
        shapes="how many hidden layers there are; corrected, rows of W⁽¹⁾",
        equals=lambda p: np.array(p.L - 1),
        formula=lambda v: np.array(v.n_h),
        corrected_equals=lambda p: np.array(p.value("W1").shape[0]),
        corrected_formula=lambda v: np.array(v.n_h),
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


DOCUMENT = from_note("001", BY_HAND, setting=Setting(general_forward, lettered), run=run)
