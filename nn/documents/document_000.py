"""Document 000: gradient descent derivations for a single-output L-layer network.

The formulas are in `document_000.md`; here are the procedure of 2.4, and the meaning of what is not
read: claims in words, sets, loops, steps. Not transcribed well enough to be judged: the note on
dropped superscripts in 2.3, and the lines in 2.3.2 that define the vectors and end the chains for
∂ℒ/∂W and ∂ℒ/∂b.
"""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from .. import datasets, losses
from ..network import Network
from .checker import Entry, Setting, from_note, whole_network
from .passes import Keep, Pass
from .procedures import ByLayer, Run, beside_the_tape, by_layer, by_name
from .standard import ACTIVATIONS, LOSSES, columns, networks

ALPHA = 0.1


def batch(rng: np.random.Generator, count: int) -> Iterator[SimpleNamespace]:
    """One output, m samples."""
    return networks(rng, count, outputs=1)


BATCH = Setting(columns, batch)

# --- claims about the cost -----------------------------------------------------------------------


def diagonal(p: Pass, name: str) -> Any:
    """∂²J/∂x² for each component x of a parameter."""
    H = p.hessian("J", name)
    size = H.shape[0] * H.shape[1]
    return np.diagonal(np.asarray(H).reshape(size, size)).reshape(H.shape[:2])


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


def updates(v: Pass, N: int = 10) -> Any:
    """How often the body of `For n = 0; n <= N; n++` runs."""
    n = count = 0
    while n <= N:
        count += 1
        n += 1
    return np.asarray(count)


def layers_visited(step: Callable[[int], int]) -> Callable[[Pass], Any]:
    """The values of ℓ that `For ℓ = L; ℓ >= 1; ℓ = step(ℓ)` goes through."""

    def visited(v: Pass) -> Any:
        layers = [v.L]
        while step(layers[-1]) >= 1:
            layers.append(step(layers[-1]))
        return np.array(layers)

    return visited


def from_last(v: Any) -> Any:
    """L, …, 1."""
    return np.arange(v.L, 0, -1)


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


# --- the formulas that are not read --------------------------------------------------------------


def numbers(label: str, printed: Any, right: Any) -> Entry:
    """A set of layers, as its numbers in the order in which they are gone through."""
    return whole_network(
        label,
        shapes="the numbers of the layers",
        equals=right,
        formula=printed,
        corrected_formula=right,
    )


def from_0(v: Any) -> Any:
    """0, …, L: the layers that have activations."""
    return np.arange(v.L + 1)


def from_1(v: Any) -> Any:
    """1, …, L: the layers that have parameters."""
    return np.arange(1, v.L + 1)


def slipped_component(v: Pass, l: int) -> Any:
    """w_1 of layer ℓ, but for its last component, which is one of layer ℓ − 1."""
    last = v.W[l - 1][:1, [v.n[l - 1] - 1]]
    return np.hstack([v.W[l][:1, :-1], last]).T


def one_step(letter: str) -> Entry:
    """A parameter of layer ℓ after a step of gradient descent, by the loop of 2.4."""
    return Entry(
        f"2.4 {letter}{{n+1}}",
        shapes=f"that of {letter}[ℓ]",
        equals=lambda p, l: p.value(f"{letter}{l}") - ALPHA * p.d("J", f"{letter}{l}"),
        formula=lambda v, l: one_iteration(v, dict(v.net.W), dict(v.net.b))["Wb".index(letter)][l],
    )


def no_curvature(label: str, networks: Any) -> Entry:
    """The smallest eigenvalue of the Hessian is not below 0."""
    return whole_network(
        label,
        shapes="the smallest eigenvalue of the Hessian, what is below 0",
        equals=smallest_eigenvalue,
        formula=lambda v: np.zeros(()),
        setting=Setting(all_parameters, networks),
    )


BY_HAND = [
    numbers("1 a, layers", lambda v: np.array([0, *range(2, v.L + 1)]), from_0),
    numbers("1 a, layers (damaged)", lambda v: np.arange(1, v.n[1] + 1), from_0),
    numbers("1 w, layers", lambda v: np.arange(1, v.m + 1), from_1),
    numbers("1 goal, layers", lambda v: np.arange(1, v.m + 1), from_1),
    Entry(
        "1 w_j",
        shapes="n[ℓ−1] × 1, for j = 1",
        equals=lambda p, l: p.value(f"W{l}")[:1].T,
        formula=slipped_component,
        corrected_formula=lambda v, l: v.W[l][:1].T,
    ),
    no_curvature("2.1 convex", small_parameters),
    no_curvature("2.1 in other words", positive_diagonals),
    whole_network(
        "2.2 optimum",
        shapes="𝒥 where every derivative is 0",
        equals="J",
        formula=cost_elsewhere,
        setting=Setting(columns, at_rest),
    ),
    whole_network(
        "2.2 updates",
        shapes="the number of updates, N = 10",
        equals=lambda p: np.asarray(11),
        formula=updates,
        elsewhere=lambda v: np.arange(1, 11).size,
    ),
    whole_network(
        "2.3 each sample",
        shapes="∂ℒ(i)/∂b where ∂𝒥/∂W and ∂𝒥/∂b are 0",
        equals=lambda p: p.d("losses", "b1")[0, :, 0],
        formula=lambda v: np.zeros((2, 1)),
        setting=Setting(columns, shared_input),
    ),
    Entry(
        "2.3 ranges",
        shapes="the largest j and k of w_{j,k}[ℓ]",
        equals=lambda p, l: np.shape(p.value(f"W{l}")),
        formula=lambda v, l: np.array([v.n[v.L], v.n[v.L - 1]]),
        corrected_formula=lambda v, l: np.array([v.n[l], v.n[l - 1]]),
    ),
    numbers("2.2 loop", layers_visited(lambda l: l - 1), from_last),
    numbers("2.4 loop", layers_visited(lambda l: -1), from_last),
    one_step("W"),
    one_step("b"),
]

DOCUMENT = from_note("000", BY_HAND, setting=BATCH, run=run)
