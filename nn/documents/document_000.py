"""Document 000: gradient descent derivations for a single-output L-layer network.

Samples are columns; W[ℓ] is n[ℓ] × n[ℓ−1], its rows are the vectors w_j; there is one output, the
loss is ℒ(a_1[L], y), and 1/m stands outside. Sections 2.3.1 and 2.3.2 are about one sample, 2.3.3
about all of them. Not transcribed well enough to be judged: the note on dropped superscripts in
2.3, and the lines in 2.3.2 that define the vectors and end the chains for ∂ℒ/∂W and ∂ℒ/∂b.
"""

from collections.abc import Iterator
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
    ACTIVATIONS,
    LOSSES,
    column,
    columns,
    hidden,
    layers,
    matrix,
    networks,
    once,
    one_sample,
    own_derivative,
    undefined,
    vector,
)
from .strict import NotConforming, Strict, strict

# --- the networks: one output, any activation and loss -------------------------------------------


def batch(rng: np.random.Generator, count: int) -> Iterator[SimpleNamespace]:
    """One output, m samples."""
    return networks(rng, count, outputs=1)


def single(rng: np.random.Generator, count: int) -> Iterator[SimpleNamespace]:
    """One output, one sample."""
    return networks(rng, count, outputs=1, samples=1)


def small_networks(rng: np.random.Generator, count: int) -> Iterator[SimpleNamespace]:
    """Few enough parameters for Hessians by differences; smooth, as the document assumes."""
    smooth = ("tanh", "logistic", "softplus")
    return networks(rng, min(count, 12), outputs=1, depths=(1, 2), hidden=smooth)


def with_loss(net: SimpleNamespace, keep: Keep) -> None:
    """The forward pass of one sample, and its loss ℒ(a_1[L], y)."""
    keep("loss", np.sum(net.loss(one_sample(net, keep), net.Y)))


BATCH = Setting(columns, batch)
SINGLE = Setting(with_loss, single)
SMALL = Setting(columns, small_networks)
of_one_sample = partial(Entry, setting=SINGLE)
of_hidden_layer = partial(of_one_sample, over=hidden)

# --- the document's symbols ----------------------------------------------------------------------


def dL_dA(v: Pass, l: int) -> Any:
    """∂ℒ/∂A[ℓ], whose columns are ∂ℒ(a_1[L](i), y(i))/∂a[ℓ](i)."""
    every = v.d("losses", f"A{l}")[0]  # sample, component, sample
    return strict(np.einsum("iji->ji", every))


def dL_dZ(v: Pass, l: int) -> Any:
    """∂ℒ/∂Z[ℓ], column by column."""
    return strict(np.einsum("iji->ji", v.d("losses", f"Z{l}")[0]))


def dG(v: Pass, l: int) -> Any:
    """G[ℓ]′(Z[ℓ])."""
    return v.g_prime[l](v.Z[l])


def dg(v: Pass, l: int) -> Any:
    """g[ℓ]′(z[ℓ]) of one sample."""
    return v.g_prime[l](v.z[l])


def dL_da(v: Pass, l: int) -> Any:
    """∂ℒ/∂a[ℓ] of one sample."""
    return v.d("loss", f"a{l}")


def total(name: str) -> Any:
    """What ∂ℒ/∂(name) of all samples is to the judges: m ∂J/∂(name)."""
    return lambda p, l: p.m * p.d("J", name.format(l=l))


def sample_errors(v: Pass, l: int, Y: Any) -> Any:
    """∂ℒ/∂Z[ℓ] by 2.4, as if the labels were Y."""
    dZ = strict(v.loss_prime(v.A[v.L], Y)) * dG(v, v.L)
    for k in range(v.L - 1, l - 1, -1):
        dZ = (v.W[k + 1].T @ dZ) * dG(v, k)
    return dZ


# --- 1. Neural network description ---------------------------------------------------------------


def first_column_is_sample_i(v: Pass, l: int, i: int) -> Any:
    """[g(z(i)) g(z(2)) … g(z(m))], with i counted from 0."""
    return np.hstack([column(v.A[l], i), v.A[l][:, 1:]])


def by_layer_and_sample(v: Pass) -> Iterator[tuple[int, int]]:
    """Every ℓ with every i."""
    return ((l, i) for l in layers(v) for i in range(v.m))


DESCRIPTION = [
    whole_network(
        "1 a, layers",
        "ℓ ∈ {0, 2, …, L}",
        printed_latex=r"\ell \in \{0, 2, \dots, L\}",
        shapes="the numbers of the layers",
        equals=lambda p: np.arange(p.L + 1),
        formula=lambda v: np.array([0, *range(2, v.L + 1)]),
        corrected="ℓ ∈ {0, 1, …, L}",
        corrected_latex=r"\ell \in \{0, 1, \dots, L\}",
        corrected_formula=lambda v: np.arange(0, v.L + 1),
        why="Layer 1 is left out of the list, and its activations are used throughout.",
    ),
    whole_network(
        "1 a, layers (damaged)",
        "ℓ ∈ {1, 2, …, n[ℓ]}",
        printed_latex=r"\ell \in \{1, 2, \dots, n^{[\ell]}\}",
        shapes="the numbers of the layers",
        equals=lambda p: np.arange(p.L + 1),
        formula=undefined("n[ℓ] cannot bound ℓ itself"),
        verdict="undefined",
        corrected="ℓ ∈ {0, 1, …, L}",
        corrected_latex=r"\ell \in \{0, 1, \dots, L\}",
        corrected_formula=lambda v: np.arange(0, v.L + 1),
        why="The range of j stands a second time where a line of the page was broken.",
        damaged=True,
    ),
    whole_network(
        "1 a[0]",
        "a_j[0](i) = x_j(i)",
        printed_latex=r"a_j^{[0](i)} = x_j^{(i)}",
        shapes="n[0] × m",
        equals="A0",
        formula=lambda v: matrix(v.n[0], v.m, lambda j, i: v.X[j, i]),
    ),
    whole_network(
        "1 w, layers",
        "ℓ ∈ {1, 2, …, m}",
        printed_latex=r"\ell \in \{1, 2, \dots, m\}",
        shapes="the numbers of the layers",
        equals=lambda p: np.arange(1, p.L + 1),
        formula=lambda v: np.arange(1, v.m + 1),
        corrected="ℓ ∈ {1, 2, …, L}",
        corrected_latex=r"\ell \in \{1, 2, \dots, L\}",
        corrected_formula=lambda v: np.arange(1, v.L + 1),
        why="m counts samples; there are L layers of weights, and the two agree only by accident.",
    ),
    Entry(
        "1 w_j",
        "w_j[ℓ] = (w_{j,1}[ℓ], …, w_{j,n}[ℓ−1])ᵀ",
        printed_latex=r"\vec w_j^{[\ell]} = [w_{j,1}^{[\ell]}, \dots, w_{j,n}^{[\ell-1]}]^T",
        shapes="n[ℓ−1] × 1, for j = 1",
        equals=lambda p, l: p.value(f"W{l}")[:1].T,
        formula=undefined("n: every layer has its own n[ℓ]"),
        verdict="undefined",
        corrected="w_j[ℓ] = (w_{j,1}[ℓ], …, w_{j,n[ℓ−1]}[ℓ])ᵀ",
        corrected_latex=r"\vec w_j^{[\ell]} = "
        r"[w_{j,1}^{[\ell]}, \dots, w_{j,n^{[\ell-1]}}^{[\ell]}]^T",
        corrected_formula=lambda v, l: vector(v.n[l - 1], lambda k: v.W[l][0, k]),
        why="The superscript of n has slipped onto w in the last component.",
        damaged=True,
    ),
    Entry(
        "1 W",
        "W[ℓ] = (w_1[ℓ]ᵀ; …; w_{n[ℓ]}[ℓ]ᵀ)",
        printed_latex=r"W^{[\ell]} = \begin{bmatrix} \vec w_1^{[\ell]T} \\ \vdots \\"
        r" \vec w_{n^{[\ell]}}^{[\ell]T} \end{bmatrix}",
        shapes="n[ℓ] × n[ℓ−1]; w_{j,k}[ℓ] is what a_k[ℓ−1] is multiplied by in z_j[ℓ]",
        equals="W{l}",
        formula=lambda v, l: matrix(
            v.n[l], v.n[l - 1], lambda j, k: v.d(f"Z{l}", f"A{l - 1}")[j, 0, k, 0]
        ),
    ),
    Entry(
        "1 b",
        "b[ℓ] = (b_1[ℓ], b_2[ℓ], …, b_{n[ℓ]})ᵀ",
        printed_latex=r"\vec b^{[\ell]} = [b_1^{[\ell]}, b_2^{[\ell]}, \dots, b_{n^{[\ell]}}]^T",
        shapes="n[ℓ] × 1",
        equals="b{l}",
        formula=undefined("b_{n[ℓ]}: a bias of no layer"),
        verdict="undefined",
        corrected="b[ℓ] = (b_1[ℓ], b_2[ℓ], …, b_{n[ℓ]}[ℓ])ᵀ",
        corrected_latex=r"\vec b^{[\ell]} = "
        r"[b_1^{[\ell]}, b_2^{[\ell]}, \dots, b_{n^{[\ell]}}^{[\ell]}]^T",
        corrected_formula=lambda v, l: vector(v.n[l], lambda j: v.b[l][j, 0]),
        why="The last component has lost its layer, which the others have.",
        damaged=True,
    ),
    Entry(
        "1 z_j",
        "z_j[ℓ](i) = w_j[ℓ]ᵀ a[ℓ−1](i) + b_j[ℓ]",
        printed_latex=r"z_j^{[\ell](i)} = \vec w_j^{[\ell]T} \vec a^{[\ell-1](i)} + b_j^{[\ell]}",
        shapes="n[ℓ] × m, component by component",
        equals="Z{l}",
        formula=lambda v, l: matrix(
            v.n[l],
            v.m,
            lambda j, i: (v.W[l][j : j + 1] @ column(v.A[l - 1], i))[0, 0] + v.b[l][j, 0],
        ),
    ),
    Entry(
        "1 Z",
        "Z[ℓ] = W[ℓ] A[ℓ−1] + b[ℓ] 1_{1×m}",
        printed_latex=r"Z^{[\ell]} = W^{[\ell]} A^{[\ell-1]} + \vec b^{[\ell]} 1_{1 \times m}",
        shapes="n[ℓ] × m",
        equals="Z{l}",
        formula=lambda v, l: v.W[l] @ v.A[l - 1] + v.b[l] @ np.ones((1, v.m)),
    ),
    Entry(
        "1 g",
        "g[ℓ](z_j[ℓ](i)) = a_j[ℓ](i)",
        printed_latex=r"g^{[\ell]}(z_j^{[\ell](i)}) = a_j^{[\ell](i)}",
        shapes="n[ℓ] × m, component by component",
        equals="A{l}",
        formula=lambda v, l: matrix(v.n[l], v.m, lambda j, i: v.g[l](v.Z[l][j, i])),
    ),
    Entry(
        "1 G",
        "G[ℓ](Z[ℓ]) = [g(z[ℓ](i)) g(z[ℓ](2)) … g(z[ℓ](m))]",
        printed_latex=r"G^{[\ell]}(Z^{[\ell]}) = [\vec g^{[\ell]}(\vec z^{[\ell](i)})\;"
        r"\vec g^{[\ell]}(\vec z^{[\ell](2)}) \dots \vec g^{[\ell]}(\vec z^{[\ell](m)})]",
        shapes="n[ℓ] × m, for every i",
        equals=lambda p, l, i: p.value(f"A{l}"),
        over=by_layer_and_sample,
        formula=first_column_is_sample_i,
        silent=True,
        corrected="G[ℓ](Z[ℓ]) = [g(z[ℓ](1)) g(z[ℓ](2)) … g(z[ℓ](m))]",
        corrected_latex=r"G^{[\ell]}(Z^{[\ell]}) = [\vec g^{[\ell]}(\vec z^{[\ell](1)})\;"
        r"\vec g^{[\ell]}(\vec z^{[\ell](2)}) \dots \vec g^{[\ell]}(\vec z^{[\ell](m)})]",
        corrected_formula=lambda v, l, i: np.hstack(
            [v.g[l](column(v.Z[l], k)) for k in range(v.m)]
        ),
        why="The first column is that of sample 1, not of a sample i that is nowhere fixed.",
    ),
    whole_network(
        "1 goal, layers",
        "W[ℓ] and b[ℓ], ℓ ∈ {1, 2, …, m}",
        printed_latex=r"W^{[\ell]}, \vec b^{[\ell]}, \ell \in \{1, 2, \dots, m\}",
        shapes="the numbers of the layers",
        equals=lambda p: np.arange(1, p.L + 1),
        formula=lambda v: np.arange(1, v.m + 1),
        corrected="W[ℓ] and b[ℓ], ℓ ∈ {1, 2, …, L}",
        corrected_latex=r"W^{[\ell]}, \vec b^{[\ell]}, \ell \in \{1, 2, \dots, L\}",
        corrected_formula=lambda v: np.arange(1, v.L + 1),
        why="The parameters belong to L layers; m is the number of samples.",
    ),
    whole_network(
        "1 J",
        "𝒥(A[L], y)",
        printed_latex=r"\mathcal{J}(A^{[L]}, \vec y)",
        shapes="a number",
        equals="J",
        formula=undefined("𝒥: only its derivatives are given, in 2.3.3"),
        verdict="undefined",
        corrected="𝒥(A[L], y) = (1/m) Σ_i ℒ(a_1[L](i), y(i))",
        corrected_latex=r"\mathcal{J}(A^{[L]}, \vec y) = "
        r"\frac{1}{m} \sum_{i=1}^m \mathcal{L}(a_1^{[L](i)}, y^{(i)})",
        corrected_formula=lambda v: (
            sum(v.loss(v.A[v.L][0, i], v.Y[0, i]) for i in range(v.m)) / v.m
        ),
        why="The cost to be minimized is never defined; 2.3.3 implies the mean of the losses. The "
        "line for ℒ stands twice in the list, and may have taken the place of this one.",
    ),
]

# --- 2.1 Assumptions, 2.2 Procedure (high level) -------------------------------------------------


def diagonal(p: Pass, name: str) -> Any:
    """∂²J/∂x² for each component x of a parameter."""
    H = p.hessian("J", name)
    size = H.shape[0] * H.shape[1]
    return np.diagonal(np.asarray(H).reshape(size, size)).reshape(H.shape[:2])


def negative_part(name: str) -> Any:
    """What is below zero in ∂²J/∂x²; a claim that nothing is, is the claim that this is 0."""
    return lambda p, l: np.minimum(diagonal(p, name.format(l=l)), 0)


def all_parameters(net: SimpleNamespace, keep: Keep) -> None:
    """A 1-2-1 tanh network, its seven parameters in one vector: the smallest with two units."""
    theta = keep("theta", net.theta)
    W1, b1, W2, b2 = theta[:2], theta[2:4], theta[4:6], theta[6:]
    ones = np.ones((1, net.m))
    A1 = np.tanh(W1 @ net.X + b1 @ ones)
    Z2 = W2.T @ A1 + b2 @ ones
    keep("J", np.sum(np.log(1 + np.exp(Z2)) - net.Y * Z2) / net.m)


def small_parameters(rng: np.random.Generator, count: int) -> Iterator[SimpleNamespace]:
    """Random parameters and data for `all_parameters`."""
    for _ in range(min(count, 10)):
        X, Y = rng.normal(size=(1, 6)), rng.integers(0, 2, size=(1, 6)).astype(float)
        yield SimpleNamespace(theta=rng.normal(size=(7, 1)), X=X, Y=Y, m=6)


def positive_diagonals(rng: np.random.Generator, count: int) -> Iterator[SimpleNamespace]:
    """Of `small_parameters`, those where ∂²J/∂θ_i² > 0 for each parameter by itself."""
    found = 0
    while found < min(count, 4):
        net = next(small_parameters(rng, 1))
        if diagonal(Pass(all_parameters, net), "theta").min() > 0.005:
            found += 1
            yield net


def smallest_eigenvalue(p: Pass) -> Any:
    """What is below zero in the smallest eigenvalue of the Hessian by all parameters."""
    H = np.asarray(p.hessian("J", "theta")).reshape(7, 7)
    return np.minimum(np.linalg.eigvalsh(H)[0], 0)


def at_rest(rng: np.random.Generator, count: int) -> Iterator[SimpleNamespace]:
    """Exclusive or at parameters of zero: every derivative of J vanishes, by symmetry."""
    X = np.array([[-1.0, -1.0, 1.0, 1.0], [-1.0, 1.0, -1.0, 1.0]])
    Y = np.array([[0.0, 1.0, 1.0, 0.0]])
    scale = float(rng.uniform(2, 4))
    solved = {1: scale * np.array([[1.0, 1.0], [1.0, 1.0]]), 2: scale * np.array([[1.0, -1.0]])}
    shift = {1: scale * np.array([[1.0], [-1.0]]), 2: np.array([[-scale]])}
    net = next(networks(rng, 1, depths=[2], outputs=1, hidden=["tanh"]))
    net.X, net.Y, net.m, net.n = X, Y, 4, {0: 2, 1: 2, 2: 1}
    net.W = {l: 0 * W for l, W in solved.items()}
    net.b = {l: 0 * b for l, b in shift.items()}
    net.elsewhere = solved, shift
    yield net


def cost_elsewhere(v: Pass) -> Any:
    """J of the same network at parameters that solve the task."""
    other = SimpleNamespace(**vars(v.net))
    other.W, other.b = v.elsewhere
    return np.asarray(min(v.J, Pass(columns, other).J))


def shared_input(rng: np.random.Generator, count: int) -> Iterator[SimpleNamespace]:
    """Two samples of one input and two labels; at zero parameters J is at its minimum."""
    net = next(networks(rng, 1, depths=[1], outputs=1))
    n = int(rng.integers(1, 4))
    net.X, net.Y, net.m, net.n = np.ones((n, 2)), np.array([[0.0, 1.0]]), 2, {0: n, 1: 1}
    net.W, net.b = {1: np.zeros((1, n))}, {1: np.zeros((1, 1))}
    yield net


ALPHA = 0.1


def updates(v: Pass, N: int = 10) -> Any:
    """How often the body of `For n = 0; n <= N; n++` runs."""
    n = count = 0
    while n <= N:
        count += 1
        n += 1
    return np.asarray(count)


ASSUMPTIONS = [
    Entry(
        "2.1 w",
        "∂²𝒥/∂w_{j,k}[ℓ]² > 0",
        printed_latex=r"\frac{\partial^2 \mathcal{J}}{\partial w_{j,k}^{[\ell]2}} > 0",
        shapes="n[ℓ] × n[ℓ−1], what is below 0",
        equals=negative_part("W{l}"),
        formula=lambda v, l: np.zeros(v.W[l].shape),
        setting=SMALL,
        verdict="false",
        silent=True,
        why="Second derivatives by single weights are negative in ordinary networks; "
        "not_convex() shows one.",
    ),
    Entry(
        "2.1 b, notation",
        "∂𝒥²/∂b_j[ℓ]²",
        printed_latex=r"\frac{\partial \mathcal{J}^2}{\partial b_j^{[\ell]2}}",
        shapes="n[ℓ] × 1",
        equals=lambda p, l: diagonal(p, f"b{l}"),
        formula=lambda v, l: (2 * v.J * v.d("J", f"b{l}")) / (2 * v.b[l]),
        setting=SMALL,
        silent=True,
        corrected="∂²𝒥/∂b_j[ℓ]²",
        corrected_latex=r"\frac{\partial^2 \mathcal{J}}{\partial b_j^{[\ell]2}}",
        corrected_formula=lambda v, l: diagonal(v, f"b{l}"),
        why="Written so it is the derivative of 𝒥² by b²; the second derivative of 𝒥 is meant.",
    ),
    Entry(
        "2.1 b",
        "∂²𝒥/∂b_j[ℓ]² > 0",
        printed_latex=r"\frac{\partial^2 \mathcal{J}}{\partial b_j^{[\ell]2}} > 0",
        shapes="n[ℓ] × 1, what is below 0",
        equals=negative_part("b{l}"),
        formula=lambda v, l: np.zeros(v.b[l].shape),
        setting=SMALL,
        verdict="false",
        silent=True,
        why="Second derivatives by single biases are negative in ordinary networks.",
    ),
    whole_network(
        "2.1 convex",
        "𝒥 is strictly convex in the parameters",
        printed_latex=r"\mathcal{J} \text{ is strictly convex in } W^{[\ell]}, \vec b^{[\ell]}",
        shapes="the smallest eigenvalue of the Hessian, what is below 0",
        equals=smallest_eigenvalue,
        formula=lambda v: np.zeros(()),
        setting=Setting(all_parameters, small_parameters),
        verdict="false",
        silent=True,
        why="Exchanging two hidden units leaves 𝒥 as it is, so a strict minimum cannot be the "
        "only one; the Hessian has negative eigenvalues, as not_convex() shows.",
    ),
    whole_network(
        "2.1 in other words",
        "∂²𝒥/∂w² > 0 and ∂²𝒥/∂b² > 0 for each w, b, so 𝒥 is strictly convex",
        printed_latex=r"\frac{\partial^2 \mathcal{J}}{\partial w_{j,k}^{[\ell]2}} > 0,\;"
        r"\frac{\partial^2 \mathcal{J}}{\partial b_j^{[\ell]2}} > 0 \;\forall j, k, \ell "
        r"\implies \mathcal{J} \text{ strictly convex}",
        shapes="the smallest eigenvalue of the Hessian, what is below 0",
        equals=smallest_eigenvalue,
        formula=lambda v: np.zeros(()),
        setting=Setting(all_parameters, positive_diagonals),
        verdict="false",
        silent=True,
        why="A positive diagonal does not make the Hessian positive definite: mixed derivatives "
        "count too, and some networks have a negative eigenvalue all the same.",
    ),
    whole_network(
        "2.2 optimum",
        "gradient descent rests only where 𝒥 is least",
        printed_latex=r"\nabla \mathcal{J} = 0 \implies \mathcal{J} = \min \mathcal{J}",
        shapes="𝒥 where every derivative is 0",
        equals="J",
        formula=cost_elsewhere,
        setting=Setting(columns, at_rest),
        verdict="false",
        silent=True,
        why="It follows from convexity only: for exclusive or, zero parameters are a point of "
        "rest with 𝒥 = log 2, and other parameters do better.",
    ),
    whole_network(
        "2.2 updates",
        "For n = 0; n ≤ N; n++",
        printed_latex=r"\text{For } n = 0;\; n \leq N;\; n{+}{+}",
        shapes="the number of updates, N = 10",
        equals=lambda p: np.asarray(11),
        formula=updates,
        elsewhere=lambda v: np.arange(1, 11).size,
        why="The loop updates N + 1 times and ends at W{N+1}, beyond n ∈ {0, …, N}; 2.3 takes "
        "derivatives at {n−1}, which would make N updates.",
    ),
    whole_network(
        "2.2 start",
        "∂𝒥/∂A[L]",
        printed_latex=r"\frac{\partial \mathcal{J}(A^{[L]}, \vec y)}{\partial A^{[L]}}",
        shapes="1 × m",
        equals=lambda p: p.d("J", f"A{p.L}"),
        formula=lambda v: v.loss_prime(v.A[v.L], v.Y) / v.m,
        elsewhere=lambda v: v.loss_prime(v.A[v.L], v.Y),
        why="Here the backward pass starts with 𝒥 and its 1/m, in 2.4 with ℒ and without it.",
    ),
    Entry(
        "2.2 W",
        "W[ℓ]{n+1} = W[ℓ]{n} − α ∂𝒥/∂W[ℓ]{n}",
        printed_latex=r"W^{[\ell]\{n+1\}} = W^{[\ell]\{n\}} - "
        r"\alpha \frac{\partial \mathcal{J}}{\partial W^{[\ell]\{n\}}}",
        shapes="n[ℓ] × n[ℓ−1]",
        equals=lambda p, l: p.value(f"W{l}") - ALPHA * p.d("J", f"W{l}"),
        formula=lambda v, l: v.W[l] - ALPHA * v.d("J", f"W{l}"),
    ),
    Entry(
        "2.2 b",
        "b[ℓ]{n+1} = b[ℓ]{n} − α ∂𝒥/∂b[ℓ]{n}",
        printed_latex=r"\vec b^{[\ell]\{n+1\}} = \vec b^{[\ell]\{n\}} - "
        r"\alpha \frac{\partial \mathcal{J}}{\partial \vec b^{[\ell]\{n\}}}",
        shapes="n[ℓ] × 1",
        equals=lambda p, l: p.value(f"b{l}") - ALPHA * p.d("J", f"b{l}"),
        formula=lambda v, l: v.b[l] - ALPHA * v.d("J", f"b{l}"),
    ),
    whole_network(
        "2.3 each sample",
        "to minimize 𝒥 is to minimize ℒ for every sample",
        printed_latex=r"\frac{\partial \mathcal{J}}{\partial b} = 0 \implies "
        r"\frac{\partial \mathcal{L}(a_1^{(i)}, y^{(i)})}{\partial b} = 0 \;\forall i",
        shapes="∂ℒ(i)/∂b where ∂𝒥/∂W and ∂𝒥/∂b are 0",
        equals=lambda p: p.d("losses", "b1")[0, :, 0],
        formula=lambda v: np.zeros((2, 1)),
        setting=Setting(columns, shared_input),
        verdict="false",
        silent=True,
        why="Two samples of one input with different labels pull in opposite directions where "
        "their mean is at rest.",
    ),
    Entry(
        "2.3 ranges",
        "j ∈ {1, …, n[L]}, k ∈ {1, …, n[L−1]}, ℓ ∈ {1, …, L}",
        printed_latex=r"j \in \{1, \dots, n^{[L]}\}, k \in \{1, \dots, n^{[L-1]}\}",
        shapes="the largest j and k of w_{j,k}[ℓ]",
        equals=lambda p, l: np.shape(p.value(f"W{l}")),
        formula=lambda v, l: np.array([v.n[v.L], v.n[v.L - 1]]),
        silent=True,
        corrected="j ∈ {1, …, n[ℓ]}, k ∈ {1, …, n[ℓ−1]}, ℓ ∈ {1, …, L}",
        corrected_latex=r"j \in \{1, \dots, n^{[\ell]}\}, k \in \{1, \dots, n^{[\ell-1]}\}",
        corrected_formula=lambda v, l: np.array([v.n[l], v.n[l - 1]]),
        why="These are the ranges of the last layer only, where j can be nothing but 1.",
    ),
]


def not_convex() -> float:
    """The smallest eigenvalue of ∂²J/∂θ² for a 1-2-1 tanh network: below 0, J is not convex.

    >>> bool(not_convex() < -0.01)
    True
    """
    import autograd_lite as ag

    X, Y = np.array([[-1.0, 0.0, 1.0]]), np.array([[0.0, 1.0, 0.0]])

    def cost(theta: Any) -> Any:
        Z2 = theta[4:6].T @ np.tanh(theta[:2] @ X + theta[2:4]) + theta[6:]
        return np.mean(ag.softplus(Z2) - Y * Z2)  # the cross-entropy of sigmoid(Z2)

    H = ag.hessian(cost)(np.array([[1.0], [-1.0], [0.5], [0.5], [1.0], [1.0], [0.0]]))
    return float(np.linalg.eigvalsh(H.reshape(7, 7))[0])


# --- 2.3.1 Scalar derivations --------------------------------------------------------------------


def derivative_of_z(v: Pass, l: int) -> Any:
    """∂z_p[ℓ+1]/∂a_j[ℓ] as [p, j]."""
    return v.d(f"z{l + 1}", f"a{l}")[:, 0, :, 0]


def sum_over_p(v: Pass, l: int, units: int, term: Any) -> Any:
    """For each j: the sum of term(j, p) over p from 1 to `units`."""
    return vector(v.n[l], lambda j: sum(term(j, p) for p in range(units)))


SCALAR = [
    of_one_sample(
        "2.3.1 g′ (1)",
        "g[ℓ]′(z_j[ℓ]) = ∂g(z_j[ℓ])/∂z_j[ℓ]",
        printed_latex=r"g^{[\ell]\prime}(z_j^{[\ell]}) = "
        r"\frac{\partial g(z_j^{[\ell]})}{\partial z_j^{[\ell]}}",
        shapes="n[ℓ] × 1",
        equals=lambda p, l: own_derivative(p, f"a{l}", f"z{l}"),
        formula=undefined("g: each layer has its own g[ℓ]"),
        verdict="undefined",
        corrected="g[ℓ]′(z_j[ℓ]) = ∂g[ℓ](z_j[ℓ])/∂z_j[ℓ]",
        corrected_latex=r"g^{[\ell]\prime}(z_j^{[\ell]}) = "
        r"\frac{\partial g^{[\ell]}(z_j^{[\ell]})}{\partial z_j^{[\ell]}}",
        corrected_formula=dg,
        why="The layer of g is missing on the right; activations may differ between layers.",
    ),
    of_one_sample(
        "2.3.1 g′ (2)",
        "g[ℓ]′(z_j[ℓ]) = ∂a_j[ℓ]/∂z_j[ℓ]",
        printed_latex=r"g^{[\ell]\prime}(z_j^{[\ell]}) = "
        r"\frac{\partial a_j^{[\ell]}}{\partial z_j^{[\ell]}}",
        shapes="n[ℓ] × 1",
        equals=lambda p, l: own_derivative(p, f"a{l}", f"z{l}"),
        formula=dg,
    ),
    of_one_sample(
        "2.3.1 w (1)",
        "∂ℒ/∂w_{i,k}[ℓ] = ∂ℒ/∂a_i[ℓ] × ∂a_j[ℓ]/∂z_i[ℓ] × ∂z_j[ℓ]/∂w_{i,k}[ℓ]",
        printed_latex=r"\frac{\partial \mathcal{L}}{\partial w_{i,k}^{[\ell]}} = "
        r"\frac{\partial \mathcal{L}}{\partial a_i^{[\ell]}} \times "
        r"\frac{\partial a_j^{[\ell]}}{\partial z_i^{[\ell]}} \times "
        r"\frac{\partial z_j^{[\ell]}}{\partial w_{i,k}^{[\ell]}}",
        shapes="n[ℓ] × n[ℓ] × n[ℓ−1], for every i, j, k",
        equals=lambda p, l: np.einsum("ik,j->ijk", p.d("loss", f"W{l}"), np.ones(p.n[l])),
        formula=lambda v, l: np.einsum(
            "i,ji,jik->ijk",
            dL_da(v, l)[:, 0],
            v.d(f"a{l}", f"z{l}")[:, 0, :, 0],
            v.d(f"z{l}", f"W{l}")[:, 0],
        ),
        silent=True,
        corrected="∂ℒ/∂w_{j,k}[ℓ] = ∂ℒ/∂a_j[ℓ] × ∂a_j[ℓ]/∂z_j[ℓ] × ∂z_j[ℓ]/∂w_{j,k}[ℓ]",
        corrected_latex=r"\frac{\partial \mathcal{L}}{\partial w_{j,k}^{[\ell]}} = "
        r"\frac{\partial \mathcal{L}}{\partial a_j^{[\ell]}} \times "
        r"\frac{\partial a_j^{[\ell]}}{\partial z_j^{[\ell]}} \times "
        r"\frac{\partial z_j^{[\ell]}}{\partial w_{j,k}^{[\ell]}}",
        corrected_formula=lambda v, l: np.einsum(
            "i,ii,iik,j->ijk",
            dL_da(v, l)[:, 0],
            v.d(f"a{l}", f"z{l}")[:, 0, :, 0],
            v.d(f"z{l}", f"W{l}")[:, 0],
            np.ones(v.n[l]),
        ),
        why="i and j are one index; for i ≠ j the middle factor is 0.",
        damaged=True,
    ),
    of_one_sample(
        "2.3.1 w (2)",
        "∂ℒ/∂w_{i,k}[ℓ] = ∂ℒ/∂a_i[ℓ] × g[ℓ]′(z_j[ℓ]) × a_k[ℓ−1]",
        printed_latex=r"\frac{\partial \mathcal{L}}{\partial w_{i,k}^{[\ell]}} = "
        r"\frac{\partial \mathcal{L}}{\partial a_i^{[\ell]}} \times "
        r"g^{[\ell]\prime}(z_j^{[\ell]}) \times a_k^{[\ell-1]}",
        shapes="n[ℓ] × n[ℓ] × n[ℓ−1], for every i, j, k",
        equals=lambda p, l: np.einsum("ik,j->ijk", p.d("loss", f"W{l}"), np.ones(p.n[l])),
        formula=lambda v, l: np.einsum(
            "i,j,k->ijk", dL_da(v, l)[:, 0], dg(v, l)[:, 0], v.a[l - 1][:, 0]
        ),
        silent=True,
        corrected="∂ℒ/∂w_{j,k}[ℓ] = ∂ℒ/∂a_j[ℓ] × g[ℓ]′(z_j[ℓ]) × a_k[ℓ−1]",
        corrected_latex=r"\frac{\partial \mathcal{L}}{\partial w_{j,k}^{[\ell]}} = "
        r"\frac{\partial \mathcal{L}}{\partial a_j^{[\ell]}} \times "
        r"g^{[\ell]\prime}(z_j^{[\ell]}) \times a_k^{[\ell-1]}",
        corrected_formula=lambda v, l: np.einsum(
            "i,i,k,j->ijk",
            dL_da(v, l)[:, 0],
            dg(v, l)[:, 0],
            v.a[l - 1][:, 0],
            np.ones(v.n[l]),
        ),
        why="i and j are one index; the derivative of unit i has the slope of unit i.",
        damaged=True,
    ),
    of_one_sample(
        "2.3.1 b (1)",
        "∂ℒ/∂b_j[ℓ] = ∂ℒ/∂a_j[ℓ] × ∂a_j[ℓ]/∂z_j[ℓ] × ∂z_j[ℓ]/∂b_j[ℓ]",
        printed_latex=r"\frac{\partial \mathcal{L}}{\partial b_j^{[\ell]}} = "
        r"\frac{\partial \mathcal{L}}{\partial a_j^{[\ell]}} \times "
        r"\frac{\partial a_j^{[\ell]}}{\partial z_j^{[\ell]}} \times "
        r"\frac{\partial z_j^{[\ell]}}{\partial b_j^{[\ell]}}",
        shapes="n[ℓ] × 1, component by component",
        equals="∂loss/∂b{l}",
        formula=lambda v, l: vector(
            v.n[l],
            lambda j: (
                dL_da(v, l)[j, 0]
                * v.d(f"a{l}", f"z{l}")[j, 0, j, 0]
                * v.d(f"z{l}", f"b{l}")[j, 0, j, 0]
            ),
        ),
    ),
    of_one_sample(
        "2.3.1 b (2)",
        "∂ℒ/∂b_j[ℓ] = ∂ℒ/∂a_j[ℓ] × g[ℓ]′(z_j[ℓ]) × 1",
        printed_latex=r"\frac{\partial \mathcal{L}}{\partial b_j^{[\ell]}} = "
        r"\frac{\partial \mathcal{L}}{\partial a_j^{[\ell]}} \times "
        r"g^{[\ell]\prime}(z_j^{[\ell]}) \times 1",
        shapes="n[ℓ] × 1, component by component",
        equals="∂loss/∂b{l}",
        formula=lambda v, l: vector(v.n[l], lambda j: dL_da(v, l)[j, 0] * dg(v, l)[j, 0] * 1),
    ),
    of_one_sample(
        "2.3.1 a[L]",
        "∂ℒ/∂a_j[L], directly",
        printed_latex=r"\frac{\partial \mathcal{L}}{\partial a_j^{[L]}}",
        shapes="1 × 1",
        equals=lambda p: p.d("loss", f"a{p.L}"),
        over=once,
        formula=lambda v: v.loss_prime(v.a[v.L], v.Y),
    ),
    of_hidden_layer(
        "2.3.1 a (1)",
        "∂ℒ/∂a_j[ℓ] = Σ_{p=1}^{n[ℓ]} ∂ℒ/∂z_j[ℓ+1] × ∂z_j[ℓ+1]/∂a_j[ℓ]",
        printed_latex=r"\frac{\partial \mathcal{L}}{\partial a_j^{[\ell]}} = "
        r"\sum_{p=1}^{n^{[\ell]}} \frac{\partial \mathcal{L}}{\partial z_j^{[\ell+1]}} \times "
        r"\frac{\partial z_j^{[\ell+1]}}{\partial a_j^{[\ell]}}",
        shapes="n[ℓ] × 1, component by component",
        equals="∂loss/∂a{l}",
        formula=lambda v, l: sum_over_p(
            v,
            l,
            v.n[l],
            lambda j, p: v.d("loss", f"z{l + 1}")[j, 0] * derivative_of_z(v, l)[j, j],
        ),
        silent=True,
        corrected="∂ℒ/∂a_j[ℓ] = Σ_{p=1}^{n[ℓ+1]} ∂ℒ/∂z_p[ℓ+1] × ∂z_p[ℓ+1]/∂a_j[ℓ]",
        corrected_latex=r"\frac{\partial \mathcal{L}}{\partial a_j^{[\ell]}} = "
        r"\sum_{p=1}^{n^{[\ell+1]}} \frac{\partial \mathcal{L}}{\partial z_p^{[\ell+1]}} \times "
        r"\frac{\partial z_p^{[\ell+1]}}{\partial a_j^{[\ell]}}",
        corrected_formula=lambda v, l: sum_over_p(
            v,
            l,
            v.n[l + 1],
            lambda j, p: v.d("loss", f"z{l + 1}")[p, 0] * derivative_of_z(v, l)[p, j],
        ),
        why="The terms do not depend on p: the sum is over the units of layer ℓ+1, z_p in place "
        "of z_j.",
    ),
    of_hidden_layer(
        "2.3.1 a (2)",
        "∂ℒ/∂a_j[ℓ] = Σ_{p=1}^{n[ℓ]} ∂ℒ/∂z_p[ℓ+1] × ∂z_p[ℓ+1]/∂a_j[ℓ]",
        printed_latex=r"\frac{\partial \mathcal{L}}{\partial a_j^{[\ell]}} = "
        r"\sum_{p=1}^{n^{[\ell]}} \frac{\partial \mathcal{L}}{\partial z_p^{[\ell+1]}} \times "
        r"\frac{\partial z_p^{[\ell+1]}}{\partial a_j^{[\ell]}}",
        shapes="n[ℓ] × 1, component by component",
        equals="∂loss/∂a{l}",
        formula=lambda v, l: sum_over_p(
            v,
            l,
            v.n[l],
            lambda j, p: v.d("loss", f"z{l + 1}")[p, 0] * derivative_of_z(v, l)[p, j],
        ),
        silent=True,
        corrected="∂ℒ/∂a_j[ℓ] = Σ_{p=1}^{n[ℓ+1]} ∂ℒ/∂z_p[ℓ+1] × ∂z_p[ℓ+1]/∂a_j[ℓ]",
        corrected_latex=r"\frac{\partial \mathcal{L}}{\partial a_j^{[\ell]}} = "
        r"\sum_{p=1}^{n^{[\ell+1]}} \frac{\partial \mathcal{L}}{\partial z_p^{[\ell+1]}} \times "
        r"\frac{\partial z_p^{[\ell+1]}}{\partial a_j^{[\ell]}}",
        corrected_formula=lambda v, l: sum_over_p(
            v,
            l,
            v.n[l + 1],
            lambda j, p: v.d("loss", f"z{l + 1}")[p, 0] * derivative_of_z(v, l)[p, j],
        ),
        why="p counts the units of layer ℓ+1; with n[ℓ] terms are missing or do not exist.",
    ),
    of_hidden_layer(
        "2.3.1 a (3)",
        "∂ℒ/∂a_j[ℓ] = Σ_{p=1}^{n[ℓ+1]} ∂ℒ/∂z_p[ℓ+1] × w_{p,j}[ℓ+1]",
        printed_latex=r"\frac{\partial \mathcal{L}}{\partial a_j^{[\ell]}} = "
        r"\sum_{p=1}^{n^{[\ell+1]}} \frac{\partial \mathcal{L}}{\partial z_p^{[\ell+1]}} \times "
        r"w_{p,j}^{[\ell+1]}",
        shapes="n[ℓ] × 1, component by component",
        equals="∂loss/∂a{l}",
        formula=lambda v, l: sum_over_p(
            v,
            l,
            v.n[l + 1],
            lambda j, p: v.d("loss", f"z{l + 1}")[p, 0] * v.W[l + 1][p, j],
        ),
    ),
    of_hidden_layer(
        "2.3.1 z (1)",
        "∂ℒ/∂z_p[ℓ+1] = ∂ℒ/∂z_p[ℓ+1] × ∂a_p[ℓ+1]/∂z_p[ℓ+1]",
        printed_latex=r"\frac{\partial \mathcal{L}}{\partial z_p^{[\ell+1]}} = "
        r"\frac{\partial \mathcal{L}}{\partial z_p^{[\ell+1]}} \times "
        r"\frac{\partial a_p^{[\ell+1]}}{\partial z_p^{[\ell+1]}}",
        shapes="n[ℓ+1] × 1, component by component",
        equals=lambda p, l: p.d("loss", f"z{l + 1}"),
        formula=lambda v, l: vector(
            v.n[l + 1],
            lambda p: v.d("loss", f"z{l + 1}")[p, 0] * v.d(f"a{l + 1}", f"z{l + 1}")[p, 0, p, 0],
        ),
        silent=True,
        corrected="∂ℒ/∂z_p[ℓ+1] = ∂ℒ/∂a_p[ℓ+1] × ∂a_p[ℓ+1]/∂z_p[ℓ+1]",
        corrected_latex=r"\frac{\partial \mathcal{L}}{\partial z_p^{[\ell+1]}} = "
        r"\frac{\partial \mathcal{L}}{\partial a_p^{[\ell+1]}} \times "
        r"\frac{\partial a_p^{[\ell+1]}}{\partial z_p^{[\ell+1]}}",
        corrected_formula=lambda v, l: vector(
            v.n[l + 1],
            lambda p: dL_da(v, l + 1)[p, 0] * v.d(f"a{l + 1}", f"z{l + 1}")[p, 0, p, 0],
        ),
        why="The first factor is ∂ℒ/∂a: as printed the equation would make the slope 1.",
    ),
    of_hidden_layer(
        "2.3.1 z (2)",
        "∂ℒ/∂z_p[ℓ+1] = ∂ℒ/∂a_p[ℓ+1] × g[ℓ+1]′(z_p[ℓ+1])",
        printed_latex=r"\frac{\partial \mathcal{L}}{\partial z_p^{[\ell+1]}} = "
        r"\frac{\partial \mathcal{L}}{\partial a_p^{[\ell+1]}} \times "
        r"g^{[\ell+1]\prime}(z_p^{[\ell+1]})",
        shapes="n[ℓ+1] × 1, component by component",
        equals=lambda p, l: p.d("loss", f"z{l + 1}"),
        formula=lambda v, l: vector(
            v.n[l + 1], lambda p: dL_da(v, l + 1)[p, 0] * dg(v, l + 1)[p, 0]
        ),
    ),
]

# --- 2.3.2 Matrix derivations of a single training sample ----------------------------------------


def ragged(v: Pass, l: int) -> Any:
    """The second row as transcribed repeats its terms, so that it is longer than the first."""
    raise NotConforming(f"a row of {v.n[l - 1]} components above a longer one")


SINGLE_SAMPLE = [
    of_one_sample(
        "2.3.2 names",
        "∂ℒ/∂w[L]",
        printed_latex=r"\frac{\partial \mathcal{L}(a_1^{[L]}, y)}{\partial w^{[L]}}",
        shapes="n[ℓ] × n[ℓ−1]",
        equals="∂loss/∂W{l}",
        formula=lambda v, l: v.d("loss", f"W{v.L}"),
        silent=True,
        corrected="∂ℒ/∂W[ℓ]",
        corrected_latex=r"\frac{\partial \mathcal{L}(a_1^{[L]}, y)}{\partial W^{[\ell]}}",
        corrected_formula=lambda v, l: v.d("loss", f"W{l}"),
        why="The derivative by the weights of any layer is meant, beside ∂ℒ/∂b[ℓ].",
        damaged=True,
    ),
    of_one_sample(
        "2.3.2 W (1)",
        "∂ℒ/∂W[ℓ] = (∂ℒ/∂w_{1,1}[ℓ] …; …; ∂ℒ/∂w_n[ℓ] ∂ℒ/∂w_{j,k}[ℓ] …)",
        printed_latex=r"\frac{\partial \mathcal{L}}{\partial W^{[\ell]}} = \begin{bmatrix}"
        r"\frac{\partial \mathcal{L}}{\partial w_{1,1}^{[\ell]}} & \dots \\ \vdots \\"
        r"\frac{\partial \mathcal{L}}{\partial w_n^{[\ell]}} &"
        r"\frac{\partial \mathcal{L}}{\partial w_{j,k}^{[\ell]}} & \dots \end{bmatrix}",
        shapes="n[ℓ] × n[ℓ−1]",
        equals="∂loss/∂W{l}",
        formula=undefined("w_n and, in the last row, w_{j,k}"),
        verdict="undefined",
        corrected="∂ℒ/∂W[ℓ] = (∂ℒ/∂w_{j,k}[ℓ]), j to n[ℓ], k to n[ℓ−1]",
        corrected_latex=r"\frac{\partial \mathcal{L}}{\partial W^{[\ell]}} = "
        r"\left(\frac{\partial \mathcal{L}}{\partial w_{j,k}^{[\ell]}}\right)_{j,k}",
        corrected_formula=lambda v, l: matrix(
            v.n[l], v.n[l - 1], lambda j, k: v.d("loss", f"W{l}")[j, k]
        ),
        why="The subscripts of the last row and column are damaged.",
        damaged=True,
    ),
    of_one_sample(
        "2.3.2 W (2)",
        "∂ℒ/∂W[ℓ] = (∂ℒ/∂a_1[ℓ] × g[ℓ]′(z_1[ℓ]) × a_1[ℓ−1] …; …)",
        printed_latex=r"\frac{\partial \mathcal{L}}{\partial W^{[\ell]}} = \begin{bmatrix}"
        r"\frac{\partial \mathcal{L}}{\partial a_1^{[\ell]}} \times g^{[\ell]\prime}(z_1^{[\ell]})"
        r"\times a_1^{[\ell-1]} & \dots \\ \vdots & \dots & \dots & \dots \end{bmatrix}",
        shapes="n[ℓ] × n[ℓ−1]",
        equals="∂loss/∂W{l}",
        formula=ragged,
        corrected="∂ℒ/∂W[ℓ] = (∂ℒ/∂a_j[ℓ] × g[ℓ]′(z_j[ℓ]) × a_k[ℓ−1])",
        corrected_latex=r"\frac{\partial \mathcal{L}}{\partial W^{[\ell]}} = "
        r"\left(\frac{\partial \mathcal{L}}{\partial a_j^{[\ell]}} \times "
        r"g^{[\ell]\prime}(z_j^{[\ell]}) \times a_k^{[\ell-1]}\right)_{j,k}",
        corrected_formula=lambda v, l: matrix(
            v.n[l],
            v.n[l - 1],
            lambda j, k: dL_da(v, l)[j, 0] * dg(v, l)[j, 0] * v.a[l - 1][k, 0],
        ),
        why="The second row repeats itself in the transcription and the others are lost; the "
        "first row shows the pattern.",
        damaged=True,
    ),
    of_hidden_layer(
        "2.3.2 a (1)",
        "∂ℒ/∂a[ℓ] = (Σ_{p=1}^{n[ℓ+1]} ∂ℒ/∂z_p[ℓ+1] × w_{p,j}[ℓ+1])_j",
        printed_latex=r"\frac{\partial \mathcal{L}}{\partial \vec a^{[\ell]}} = \begin{bmatrix}"
        r"\sum_p \frac{\partial \mathcal{L}}{\partial z_p^{[\ell+1]}} \times w_{p,1}^{[\ell+1]}"
        r"\\ \vdots \\ \sum_p \frac{\partial \mathcal{L}}{\partial z_p^{[\ell+1]}} \times "
        r"w_{p,n^{[\ell]}}^{[\ell+1]} \end{bmatrix}",
        shapes="n[ℓ] × 1",
        equals="∂loss/∂a{l}",
        formula=lambda v, l: vector(
            v.n[l],
            lambda j: np.sum(v.d("loss", f"z{l + 1}") * column(v.W[l + 1], j)),
        ),
    ),
    of_hidden_layer(
        "2.3.2 a (2)",
        "∂ℒ/∂a[ℓ] = W[ℓ+1]ᵀ × ∂ℒ/∂z[ℓ+1]",
        printed_latex=r"\frac{\partial \mathcal{L}}{\partial \vec a^{[\ell]}} = "
        r"W^{[\ell+1]T} \times \frac{\partial \mathcal{L}}{\partial \vec z^{[\ell+1]}}",
        shapes="n[ℓ] × 1",
        equals="∂loss/∂a{l}",
        formula=lambda v, l: v.W[l + 1].T @ v.d("loss", f"z{l + 1}"),
    ),
    of_hidden_layer(
        "2.3.2 z (1)",
        "∂ℒ/∂z[ℓ+1] = (∂ℒ/∂a_p[ℓ+1] × g[ℓ+1]′(z_p[ℓ+1]))_p",
        printed_latex=r"\frac{\partial \mathcal{L}}{\partial \vec z^{[\ell+1]}} = \begin{bmatrix}"
        r"\frac{\partial \mathcal{L}}{\partial a_1^{[\ell+1]}} \times g^{[\ell+1]\prime}"
        r"(z_1^{[\ell+1]}) \\ \vdots \end{bmatrix}",
        shapes="n[ℓ+1] × 1",
        equals=lambda p, l: p.d("loss", f"z{l + 1}"),
        formula=lambda v, l: vector(
            v.n[l + 1], lambda p: dL_da(v, l + 1)[p, 0] * dg(v, l + 1)[p, 0]
        ),
    ),
    of_hidden_layer(
        "2.3.2 z (2)",
        "∂ℒ/∂z[ℓ+1] = ∂ℒ/∂a_n[ℓ+1] ∘ g[ℓ+1]′(z[ℓ+1])",
        printed_latex=r"\frac{\partial \mathcal{L}}{\partial \vec z^{[\ell+1]}} = "
        r"\frac{\partial \mathcal{L}}{\partial \vec a_n^{[\ell+1]}} \circ "
        r"\vec g^{[\ell+1]\prime}(\vec z^{[\ell+1]})",
        shapes="n[ℓ+1] × 1",
        equals=lambda p, l: p.d("loss", f"z{l + 1}"),
        formula=undefined("the index n of a vector a"),
        verdict="undefined",
        corrected="∂ℒ/∂z[ℓ+1] = ∂ℒ/∂a[ℓ+1] ∘ g[ℓ+1]′(z[ℓ+1])",
        corrected_latex=r"\frac{\partial \mathcal{L}}{\partial \vec z^{[\ell+1]}} = "
        r"\frac{\partial \mathcal{L}}{\partial \vec a^{[\ell+1]}} \circ "
        r"\vec g^{[\ell+1]\prime}(\vec z^{[\ell+1]})",
        corrected_formula=lambda v, l: dL_da(v, l + 1) * dg(v, l + 1),
        why="A stray n stands at the vector of all derivatives; 2.3.3 has the same without it.",
        damaged=True,
    ),
]

# --- 2.3.3 Matrix derivations of the entire sample -----------------------------------------------


def mean(v: Pass, term: Any) -> Any:
    """(1/m) Σ_i term(i)."""
    return sum((term(i) for i in range(1, v.m)), term(0)) / v.m


def of_sample(v: Pass, name: str, i: int) -> Strict:
    """∂ℒ(a_1[L](i), y(i))/∂(name)."""
    return v.d("losses", name)[0, i]


def slipped_samples(v: Pass, l: int) -> Any:
    """Column i is ∂ℒ(a_1[L](1), y(i))/∂a(i) ∘ g′(z(1)), but the last has g′(z(m)).

    The loss at the output of sample 1 does not change with the activations of another sample.
    """
    k = l + 1
    first = column(dL_dA(v, k), 0) * column(dG(v, k), 0)
    others = [0 * column(dG(v, k), v.m - 1 if i == v.m - 1 else 0) for i in range(1, v.m)]
    return np.hstack([first, *others])


ENTIRE_SAMPLE = [
    Entry(
        "2.3.3 W (1)",
        "∂𝒥/∂W[ℓ] = (1/m) Σ_i ∂ℒ(a_1[L](i), y(i))/∂W[ℓ]",
        printed_latex=r"\frac{\partial \mathcal{J}}{\partial W^{[\ell]}} = "
        r"\frac{1}{m} \sum_{i=1}^m "
        r"\frac{\partial \mathcal{L}(a_1^{[L](i)}, y^{(i)})}{\partial W^{[\ell]}}",
        shapes="n[ℓ] × n[ℓ−1]",
        equals="∂J/∂W{l}",
        formula=lambda v, l: mean(v, lambda i: of_sample(v, f"W{l}", i)),
    ),
    Entry(
        "2.3.3 W (2)",
        "∂𝒥/∂W[ℓ] = (1/m) Σ_i (∂ℒ(a_1[L](i), y)/∂a[ℓ](i) ∘ g[ℓ]′(z[ℓ](i))) × a[ℓ−1](i)ᵀ",
        printed_latex=r"\frac{\partial \mathcal{J}}{\partial W^{[\ell]}} = "
        r"\frac{1}{m} \sum_{i=1}^m "
        r"\left(\frac{\partial \mathcal{L}(a_1^{[L](i)}, y)}{\partial \vec a^{[\ell](i)}} \circ "
        r"\vec g^{[\ell]\prime}(\vec z^{[\ell](i)})\right) \times \vec a^{[\ell-1](i)T}",
        shapes="n[ℓ] × n[ℓ−1]",
        equals="∂J/∂W{l}",
        formula=undefined("y: the labels are y(i)"),
        verdict="undefined",
        corrected="∂𝒥/∂W[ℓ] = (1/m) Σ_i (∂ℒ(a_1[L](i), y(i))/∂a[ℓ](i) ∘ g[ℓ]′(z[ℓ](i)))"
        " × a[ℓ−1](i)ᵀ",
        corrected_latex=r"\frac{\partial \mathcal{J}}{\partial W^{[\ell]}} = "
        r"\frac{1}{m} \sum_{i=1}^m \left(\frac{\partial \mathcal{L}(a_1^{[L](i)}, y^{(i)})}"
        r"{\partial \vec a^{[\ell](i)}} \circ \vec g^{[\ell]\prime}(\vec z^{[\ell](i)})\right)"
        r" \times \vec a^{[\ell-1](i)T}",
        corrected_formula=lambda v, l: mean(
            v,
            lambda i: (column(dL_dA(v, l), i) * column(dG(v, l), i)) @ column(v.A[l - 1], i).T,
        ),
        why="Each sample has its label y(i); the index was not put back.",
    ),
    Entry(
        "2.3.3 W (3)",
        "∂𝒥/∂W[ℓ] = (1/m) × (∂ℒ/∂A[ℓ] ∘ G[ℓ]′(z[ℓ])) × A[ℓ−1]ᵀ",
        printed_latex=r"\frac{\partial \mathcal{J}}{\partial W^{[\ell]}} = \frac{1}{m} \times "
        r"\left(\frac{\partial \mathcal{L}}{\partial A^{[\ell]}} \circ G^{[\ell]\prime}"
        r"(z^{[\ell]})\right) \times A^{[\ell-1]T}",
        shapes="n[ℓ] × n[ℓ−1]",
        equals="∂J/∂W{l}",
        formula=lambda v, l: (1 / v.m) * ((dL_dA(v, l) * column(dG(v, l), 0)) @ v.A[l - 1].T),
        corrected="∂𝒥/∂W[ℓ] = (1/m) × (∂ℒ/∂A[ℓ] ∘ G[ℓ]′(Z[ℓ])) × A[ℓ−1]ᵀ",
        corrected_latex=r"\frac{\partial \mathcal{J}}{\partial W^{[\ell]}} = \frac{1}{m} \times "
        r"\left(\frac{\partial \mathcal{L}}{\partial A^{[\ell]}} \circ G^{[\ell]\prime}"
        r"(Z^{[\ell]})\right) \times A^{[\ell-1]T}",
        corrected_formula=lambda v, l: (1 / v.m) * ((dL_dA(v, l) * dG(v, l)) @ v.A[l - 1].T),
        why="z[ℓ] is the vector of one sample, Z[ℓ] the matrix of all; the line for b has Z.",
        damaged=True,
    ),
    Entry(
        "2.3.3 b (1)",
        "∂𝒥/∂b[ℓ] = (1/m) Σ_i ∂ℒ(a_1[L](i), y(i))/∂b[ℓ]",
        printed_latex=r"\frac{\partial \mathcal{J}}{\partial \vec b^{[\ell]}} = "
        r"\frac{1}{m} \sum_{i=1}^m "
        r"\frac{\partial \mathcal{L}(a_1^{[L](i)}, y^{(i)})}{\partial \vec b^{[\ell]}}",
        shapes="n[ℓ] × 1",
        equals="∂J/∂b{l}",
        formula=lambda v, l: mean(v, lambda i: of_sample(v, f"b{l}", i)),
    ),
    Entry(
        "2.3.3 b (2)",
        "∂𝒥/∂b[ℓ] = (1/m) Σ_i (∂ℒ(a_1[L](i), y)/∂a[ℓ](i) ∘ g[ℓ]′(z[ℓ](i)))",
        printed_latex=r"\frac{\partial \mathcal{J}}{\partial \vec b^{[\ell]}} = "
        r"\frac{1}{m} \sum_{i=1}^m "
        r"\left(\frac{\partial \mathcal{L}(a_1^{[L](i)}, y)}{\partial \vec a^{[\ell](i)}} \circ "
        r"\vec g^{[\ell]\prime}(\vec z^{[\ell](i)})\right)",
        shapes="n[ℓ] × 1",
        equals="∂J/∂b{l}",
        formula=undefined("y: the labels are y(i)"),
        verdict="undefined",
        corrected="∂𝒥/∂b[ℓ] = (1/m) Σ_i (∂ℒ(a_1[L](i), y(i))/∂a[ℓ](i) ∘ g[ℓ]′(z[ℓ](i)))",
        corrected_latex=r"\frac{\partial \mathcal{J}}{\partial \vec b^{[\ell]}} = "
        r"\frac{1}{m} \sum_{i=1}^m \left(\frac{\partial \mathcal{L}(a_1^{[L](i)}, y^{(i)})}"
        r"{\partial \vec a^{[\ell](i)}} \circ \vec g^{[\ell]\prime}(\vec z^{[\ell](i)})\right)",
        corrected_formula=lambda v, l: mean(
            v, lambda i: column(dL_dA(v, l), i) * column(dG(v, l), i)
        ),
        why="Each sample has its label y(i); the index was not put back.",
    ),
    Entry(
        "2.3.3 b (3)",
        "∂𝒥/∂b[ℓ] = (1/m) × (∂ℒ/∂A[ℓ] ∘ G[ℓ]′(Z[ℓ])) × 1_{m×1}",
        printed_latex=r"\frac{\partial \mathcal{J}}{\partial \vec b^{[\ell]}} = \frac{1}{m} \times "
        r"\left(\frac{\partial \mathcal{L}}{\partial A^{[\ell]}} \circ G^{[\ell]\prime}"
        r"(Z^{[\ell]})\right) \times \mathbf{1}_{m \times 1}",
        shapes="n[ℓ] × 1",
        equals="∂J/∂b{l}",
        formula=lambda v, l: (1 / v.m) * ((dL_dA(v, l) * dG(v, l)) @ np.ones((v.m, 1))),
    ),
    Entry(
        "2.3.3 A (1)",
        "∂ℒ/∂A[ℓ] = [∂ℒ(a_1[L](1), y(1))/∂a[ℓ](1) … ∂ℒ(a_1[L](m), y(m))/∂a[ℓ](m)]",
        printed_latex=r"\frac{\partial \mathcal{L}}{\partial A^{[\ell]}} = \begin{bmatrix}"
        r"\frac{\partial \mathcal{L}(a_1^{[L](1)}, y^{(1)})}{\partial \vec a^{[\ell](1)}} & \dots &"
        r"\frac{\partial \mathcal{L}(a_1^{[L](m)}, y^{(m)})}{\partial \vec a^{[\ell](m)}}"
        r"\end{bmatrix}",
        shapes="n[ℓ] × m",
        equals=total("A{l}"),
        formula=lambda v, l: np.hstack([column(of_sample(v, f"A{l}", i), i) for i in range(v.m)]),
    ),
    Entry(
        "2.3.3 A (2)",
        "∂ℒ/∂A[ℓ] = [… W[ℓ+1]ᵀ × ∂ℒ(a_1[L](i), y(1))/∂z(i)[ℓ+1] …]",
        printed_latex=r"\frac{\partial \mathcal{L}}{\partial A^{[\ell]}} = \begin{bmatrix}"
        r"\dots & W^{[\ell+1]T} \times \frac{\partial \mathcal{L}(a_1^{[L](i)}, y^{(1)})}"
        r"{\partial \vec z^{(i)[\ell+1]}} & \dots \end{bmatrix}",
        shapes="n[ℓ] × m",
        equals=total("A{l}"),
        over=hidden,
        formula=lambda v, l: np.hstack(
            [
                v.W[l + 1].T
                @ column(sample_errors(v, l + 1, column(v.Y, 0) @ np.ones((1, v.m))), i)
                for i in range(v.m)
            ]
        ),
        silent=True,
        corrected="∂ℒ/∂A[ℓ] = [… W[ℓ+1]ᵀ × ∂ℒ(a_1[L](i), y(i))/∂z(i)[ℓ+1] …]",
        corrected_latex=r"\frac{\partial \mathcal{L}}{\partial A^{[\ell]}} = \begin{bmatrix}"
        r"\dots & W^{[\ell+1]T} \times \frac{\partial \mathcal{L}(a_1^{[L](i)}, y^{(i)})}"
        r"{\partial \vec z^{(i)[\ell+1]}} & \dots \end{bmatrix}",
        corrected_formula=lambda v, l: np.hstack(
            [v.W[l + 1].T @ column(sample_errors(v, l + 1, v.Y), i) for i in range(v.m)]
        ),
        why="Every column carries the label of sample 1; it shows only where labels differ.",
    ),
    Entry(
        "2.3.3 A (3)",
        "∂ℒ/∂A[ℓ] = W[ℓ+1]ᵀ × ∂ℒ(a_1[L](n−1], y(1))/∂z[ℓ+1]",
        printed_latex=r"\frac{\partial \mathcal{L}}{\partial A^{[\ell]}} = W^{[\ell+1]T} \times "
        r"\frac{\partial \mathcal{L}(a_1^{[L](n-1]}, y^{(1)})}{\partial z^{[\ell+1]}}",
        shapes="n[ℓ] × m",
        equals=total("A{l}"),
        over=hidden,
        formula=undefined("a_1[L](n−1]"),
        verdict="undefined",
        corrected="∂ℒ/∂A[ℓ] = W[ℓ+1]ᵀ × ∂ℒ(A[L], y)/∂Z[ℓ+1]",
        corrected_latex=r"\frac{\partial \mathcal{L}}{\partial A^{[\ell]}} = W^{[\ell+1]T} \times "
        r"\frac{\partial \mathcal{L}(A^{[L]}, \vec y)}{\partial Z^{[\ell+1]}}",
        corrected_formula=lambda v, l: v.W[l + 1].T @ dL_dZ(v, l + 1),
        why="The arguments and the matrix Z of all samples were lost; 2.4 has the line whole.",
        damaged=True,
    ),
    Entry(
        "2.3.3 Z (1)",
        "∂ℒ/∂z[ℓ+1] = [… ∂ℒ(a_1[L](1), y(i))/∂a[ℓ+1](i) ∘ g′(z[ℓ+1](1)) …]",
        printed_latex=r"\frac{\partial \mathcal{L}}{\partial z^{[\ell+1]}} = \left[\dots"
        r"\frac{\partial \mathcal{L}(a_1^{[L](1)}, y^{(2)})}{\partial \vec a^{[\ell+1](2)}} \circ "
        r"\vec g^{[\ell+1]\prime}(\vec z^{[\ell+1](1)}) \dots\right]",
        shapes="n[ℓ+1] × m",
        equals=lambda p, l: p.m * p.d("J", f"Z{l + 1}"),
        over=hidden,
        formula=slipped_samples,
        silent=True,
        corrected="∂ℒ/∂Z[ℓ+1] = [… ∂ℒ(a_1[L](i), y(i))/∂a[ℓ+1](i) ∘ g′(z[ℓ+1](i)) …]",
        corrected_latex=r"\frac{\partial \mathcal{L}}{\partial Z^{[\ell+1]}} = \left[\dots"
        r"\frac{\partial \mathcal{L}(a_1^{[L](i)}, y^{(i)})}{\partial \vec a^{[\ell+1](i)}} \circ "
        r"\vec g^{[\ell+1]\prime}(\vec z^{[\ell+1](i)}) \dots\right]",
        corrected_formula=lambda v, l: np.hstack(
            [column(dL_dA(v, l + 1), i) * column(dG(v, l + 1), i) for i in range(v.m)]
        ),
        why="The output, and in column 2 the pre-activation, of sample 1 stand in columns of "
        "other samples.",
    ),
    Entry(
        "2.3.3 Z (2)",
        "∂ℒ/∂Z[ℓ+1] = ∂ℒ/∂A[ℓ+1] ∘ G[ℓ+1]′(Z[ℓ+1])",
        printed_latex=r"\frac{\partial \mathcal{L}}{\partial Z^{[\ell+1]}} = "
        r"\frac{\partial \mathcal{L}}{\partial A^{[\ell+1]}} \circ "
        r"G^{[\ell+1]\prime}(Z^{[\ell+1]})",
        shapes="n[ℓ+1] × m",
        equals=lambda p, l: p.m * p.d("J", f"Z{l + 1}"),
        over=hidden,
        formula=lambda v, l: dL_dA(v, l + 1) * dG(v, l + 1),
    ),
]

# --- 2.4 Procedure (detailed) --------------------------------------------------------------------


def layers_visited(v: Pass) -> Any:
    """The values of ℓ that `For ℓ = L; ℓ >= 1; ℓ = −1` goes through."""
    l, visited = v.L, []
    while l >= 1:
        visited.append(l)
        l = -1
    return np.array(visited)


PROCEDURE = [
    whole_network(
        "2.4 A[L]",
        "∂ℒ/∂A[L]",
        printed_latex=r"\frac{\partial \mathcal{L}(A^{[L]}, \vec y)}{\partial A^{[L]}}",
        shapes="1 × m",
        equals=lambda p: p.m * p.d("J", f"A{p.L}"),
        formula=lambda v: v.loss_prime(v.A[v.L], v.Y),
        elsewhere=lambda v: v.loss_prime(v.A[v.L], v.Y) / v.m,
        why="Here the backward pass starts with ℒ, and 1/m follows in ∂𝒥/∂W; in 2.2 with 𝒥.",
    ),
    whole_network(
        "2.4 loop",
        "For ℓ = L; ℓ ≥ 1; ℓ = −1",
        printed_latex=r"\text{For } \ell = L;\; \ell \geq 1;\; \ell = -1",
        shapes="the layers gone through",
        equals=lambda p: np.arange(p.L, 0, -1),
        formula=layers_visited,
        corrected="For ℓ = L; ℓ ≥ 1; ℓ−−",
        corrected_latex=r"\text{For } \ell = L;\; \ell \geq 1;\; \ell{-}{-}",
        corrected_formula=lambda v: np.arange(v.L, 0, -1),
        why="The step must count down by one, as in 2.2; setting ℓ to −1 ends the loop at once.",
        damaged=True,
    ),
    Entry(
        "2.4 Z",
        "∂ℒ/∂Z[ℓ] = ∂ℒ/∂A[ℓ] ∘ G[ℓ]′(Z[ℓ])",
        printed_latex=r"\frac{\partial \mathcal{L}}{\partial Z^{[\ell]}} = "
        r"\frac{\partial \mathcal{L}}{\partial A^{[\ell]}} \circ G^{[\ell]\prime}(Z^{[\ell]})",
        shapes="n[ℓ] × m",
        equals=total("Z{l}"),
        formula=lambda v, l: dL_dA(v, l) * dG(v, l),
    ),
    Entry(
        "2.4 A",
        "∂ℒ/∂A[ℓ−1] = W[ℓ]ᵀ × ∂ℒ/∂Z[ℓ]",
        printed_latex=r"\frac{\partial \mathcal{L}}{\partial A^{[\ell-1]}} = W^{[\ell]T} \times "
        r"\frac{\partial \mathcal{L}}{\partial Z^{[\ell]}}",
        shapes="n[ℓ−1] × m",
        equals=lambda p, l: p.m * p.d("J", f"A{l - 1}"),
        formula=lambda v, l: v.W[l].T @ dL_dZ(v, l),
    ),
    Entry(
        "2.4 W",
        "∂𝒥/∂W[ℓ] = (1/m) × ∂ℒ/∂Z[ℓ] × A[ℓ−1]ᵀ",
        printed_latex=r"\frac{\partial \mathcal{J}}{\partial W^{[\ell]}} = \frac{1}{m} \times "
        r"\frac{\partial \mathcal{L}}{\partial Z^{[\ell]}} \times A^{[\ell-1]T}",
        shapes="n[ℓ] × n[ℓ−1]",
        equals="∂J/∂W{l}",
        formula=lambda v, l: (1 / v.m) * (dL_dZ(v, l) @ v.A[l - 1].T),
    ),
    Entry(
        "2.4 b",
        "∂𝒥/∂b[ℓ] = (1/m) × ∂ℒ/∂Z[ℓ] × 1_{m×1}",
        printed_latex=r"\frac{\partial \mathcal{J}}{\partial \vec b^{[\ell]}} = \frac{1}{m} \times "
        r"\frac{\partial \mathcal{L}}{\partial Z^{[\ell]}} \times \mathbf{1}_{m \times 1}",
        shapes="n[ℓ] × 1",
        equals="∂J/∂b{l}",
        formula=lambda v, l: (1 / v.m) * (dL_dZ(v, l) @ np.ones((v.m, 1))),
    ),
    Entry(
        "2.4 W{n+1}",
        "W[ℓ]{n+1} = W[ℓ]{n} − α ∂𝒥/∂W[ℓ]{n}, through the whole loop",
        printed_latex=r"W^{[\ell]\{n+1\}} = W^{[\ell]\{n\}} - "
        r"\alpha \frac{\partial \mathcal{J}}{\partial W^{[\ell]\{n\}}}",
        shapes="n[ℓ] × n[ℓ−1]",
        equals=lambda p, l: p.value(f"W{l}") - ALPHA * p.d("J", f"W{l}"),
        formula=lambda v, l: one_iteration(v, dict(v.net.W), dict(v.net.b))[0][l],
    ),
    Entry(
        "2.4 b{n+1}",
        "b[ℓ]{n+1} = b[ℓ]{n} − α ∂𝒥/∂b[ℓ]{n}, through the whole loop",
        printed_latex=r"\vec b^{[\ell]\{n+1\}} = \vec b^{[\ell]\{n\}} - "
        r"\alpha \frac{\partial \mathcal{J}}{\partial \vec b^{[\ell]\{n\}}}",
        shapes="n[ℓ] × 1",
        equals=lambda p, l: p.value(f"b{l}") - ALPHA * p.d("J", f"b{l}"),
        formula=lambda v, l: one_iteration(v, dict(v.net.W), dict(v.net.b))[1][l],
    ),
]


def one_iteration(
    net: Any, W: ByLayer, b: ByLayer, alpha: float = ALPHA
) -> tuple[ByLayer, ByLayer]:
    """The body of the loop of 2.4, line by line: W{n}, b{n} → W{n+1}, b{n+1}.

    `net` gives L, m, X, Y, g, g_prime and loss_prime. The recursion sees W{n}, also where
    W{n+1} is known already.
    """
    L, m, A, Z = net.L, net.m, {0: np.asarray(net.X)}, {}
    for l in range(1, L + 1):
        Z[l] = W[l] @ A[l - 1] + b[l] @ np.ones((1, m))
        A[l] = net.g[l](Z[l])
    new_W, new_b = {}, {}
    dA = net.loss_prime(A[L], np.asarray(net.Y))
    for l in range(L, 0, -1):
        dZ = dA * net.g_prime[l](Z[l])
        dA = W[l].T @ dZ
        new_W[l] = W[l] - alpha * ((1 / m) * (dZ @ A[l - 1].T))
        new_b[l] = b[l] - alpha * ((1 / m) * (dZ @ np.ones((m, 1))))
    return new_W, new_b


def gradient_descent(
    net: Any, W: ByLayer, b: ByLayer, alpha: float, N: int
) -> Iterator[dict[str, np.ndarray]]:
    """The loop of 2.4, n = 0 to N and so N + 1 updates; yields W{n+1}, b{n+1} as W1, b1, …"""
    n = 0
    while n <= N:
        W, b = one_iteration(net, W, b, alpha)
        yield by_name(W, b)
        n += 1


def run(rng: int = 0, N: int = 200) -> Run:
    """2.4 on breast cancer, 30-6-3-1, tanh and logistic with cross-entropy."""
    X, Y = datasets.breast_cancer()
    X = datasets.standardize(X)
    names = ["tanh", "tanh", "sigmoid"]
    net = Network([30, 6, 3, 1], names, rng=rng, initialiser="small")
    g, g_prime = zip(*(ACTIVATIONS[a] for a in ("tanh", "tanh", "logistic")), strict=True)
    by_hand = SimpleNamespace(
        L=3, m=X.shape[1], X=X, Y=Y, g=dict(enumerate(g, 1)), g_prime=dict(enumerate(g_prime, 1)),
        loss_prime=LOSSES["cross-entropy"][1],
    )  # fmt: skip
    steps = gradient_descent(by_hand, *by_layer(net), alpha=0.5, N=N)
    what = "2.4, full-batch gradient descent on breast cancer"
    return beside_the_tape(
        "000", what, steps, net, X, Y, losses.binary_cross_entropy, rate=0.5, epochs=N + 1
    )


DOCUMENT = Document(
    "000",
    "Gradient descent derivative derivations for a single-output L-layer neural network",
    [*DESCRIPTION, *ASSUMPTIONS, *SCALAR, *SINGLE_SAMPLE, *ENTIRE_SAMPLE, *PROCEDURE],
    convention="columns are samples, one output, 1/m outside; layer 0 is the input",
    setting=BATCH,
    run=run,
)
