"""Small tapes of every kind that a person differentiates by hand: a cost, and its parameters.

Each is a function of a random generator and a dtype; it returns the cost and the tensors whose
gradients are to be compared, by the name they are handed in under.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_lite as ag

Tape = tuple[ag.Tensor, dict[Any, ag.Tensor]]
TAPES: dict[str, Callable[[np.random.Generator, Any], Tape]] = {}


def tape(build: Callable[[np.random.Generator, Any], Tape]) -> Callable[..., Tape]:
    TAPES[build.__name__] = build
    return build


class Maker:
    """Parameters and data of one dtype; the parameters are kept by name."""

    def __init__(self, rng: np.random.Generator, dtype: Any) -> None:
        self.rng, self.dtype = rng, dtype
        self.made: dict[Any, ag.Tensor] = {}

    def data(self, *shape: int) -> np.ndarray:
        return np.asarray(self.rng.normal(size=shape), self.dtype)

    def parameter(self, name: str, *shape: int) -> ag.Tensor:
        t = self.made[name] = ag.Tensor(self.data(*shape), True, name, self.dtype)
        return t


@tape
def time_steps_of_rows(rng, dtype):
    make = Maker(rng, dtype)
    X = make.data(3, 5, 2)
    U, W, b = make.parameter("U", 2, 3), make.parameter("W", 3, 3), make.parameter("b", 3)
    h = make.data(1, 3)  # one row for all samples: the first step has another batch shape
    for t in range(3):
        h = np.tanh((X[t] @ U + h @ W + b).named(f"z{t + 1}")).named(f"h{t + 1}")
    return np.sum(h * h) / 5, make.made


@tape
def time_steps_of_columns(rng, dtype):
    make = Maker(rng, dtype)
    X, Y = make.data(3, 2, 5), ag.Tensor(make.data(3, 5), name="Y")
    U, W, b = make.parameter("U", 3, 2), make.parameter("W", 3, 3), make.parameter("b", 3, 1)
    h = make.parameter("h0", 3, 1)
    for t in range(3):
        h = ag.sigmoid((U @ X[t] + W @ h + b).named(f"z{t + 1}")).named(f"h{t + 1}")
    return np.sum((h - Y) ** 2) / 10, make.made


@tape
def time_steps_of_vectors(rng, dtype):
    """The state grows from one vector to a batch of matrices: every use has another shape."""
    make = Maker(rng, dtype)
    W, b = make.parameter("W", 3, 3), make.parameter("b", 3)
    h = make.data(3)
    for t, more in enumerate([(), (4,), (2, 4), (2, 4)]):
        h = h + make.data(*more, 3)
        h = np.tanh(h @ W + b).named(f"h{t + 1}")
    return np.mean(h * h), make.made


@tape
def different_batch_shapes(rng, dtype):
    make = Maker(rng, dtype)
    W, b = make.parameter("W", 3, 3), make.parameter("b", 3)
    p = np.tanh((make.data(2, 1, 4, 3) @ W + b).named("p"))
    q = np.tanh((make.data(3, 2, 3) @ W + b).named("q"))
    r = np.tanh((make.data(5, 3) @ W + b).named("r"))
    return np.sum(p * p) + np.sum(q) + np.mean(r * r), make.made


@tape
def gates(rng, dtype):
    make = Maker(rng, dtype)
    X = make.data(2, 4, 2)
    h, c = make.data(4, 3), make.data(4, 3)
    W = {g: make.parameter(f"W{g}", 5, 3) for g in "fo"}
    for t in range(2):
        v = np.concatenate([h, X[t]], axis=1)
        f, o = (ag.sigmoid(v @ W[g]).named(f"{g}{t}") for g in "fo")
        c = f * c + (1 - f) * np.tanh(v @ W["f"])
        h = (o * np.tanh(c)).named(f"h{t}")
    return np.sum(h**2) / 4, make.made


@tape
def tied_weights(rng, dtype):
    make = Maker(rng, dtype)
    X = make.data(4, 6)
    W, b, c = make.parameter("W", 3, 4), make.parameter("b", 3, 1), make.parameter("c", 4, 1)
    A = ag.sigmoid((W @ X + b).named("Z1")).named("A1")
    return np.sum((W.T @ A + c - X) ** 2) / 12, make.made


@tape
def batched_products(rng, dtype):
    make = Maker(rng, dtype)
    V, W = make.parameter("V", 2, 3, 4), make.parameter("W", 4, 3)
    H = np.tanh((make.data(2, 5, 3) @ V).named("H"))
    return np.mean((H @ W).named("O") ** 2), make.made


@tape
def einsums(rng, dtype):
    make = Maker(rng, dtype)
    W, V = make.parameter("W", 3, 4), make.parameter("V", 2, 4)
    H = np.tanh(np.einsum("bi,ij->bj", make.data(5, 3), W).named("H"))
    Q = np.einsum("bj,kj,bk->b", H, V, make.data(5, 2)).named("Q")
    return np.sum(Q * Q), make.made


@tape
def convolution(rng, dtype):
    """By im2col: patches gathered with index arrays that overlap, then one product."""
    make = Maker(rng, dtype)
    K, b = make.parameter("K", 2, 9), make.parameter("b", 2, 1)
    L = make.parameter("L", 3, 8)
    rows = np.arange(4)[:, None] // 2 + np.repeat(np.arange(3), 3)
    columns = np.arange(4)[:, None] % 2 + np.tile(np.arange(3), 3)
    X = make.parameter("X", 2, 4, 4)
    patches = X[:, rows, columns].mT.named("patches")
    A = ag.relu((K @ patches + b).named("Z")).named("A")
    return np.mean((A.reshape(2, 8) @ L.T).named("O") ** 2), make.made


@tape
def embedding(rng, dtype):
    make = Maker(rng, dtype)
    E, W = make.parameter("E", 6, 3), make.parameter("W", 3, 4)
    words = np.array([[0, 2, 2], [5, 0, 1]])
    H = np.mean(E[words].named("x"), axis=1).named("h")
    A = ag.softmax((H @ W).named("Z"), axis=1).named("A")
    Y = ag.Tensor(np.eye(4, dtype=dtype)[[1, 3]], name="Y")
    return -np.sum(Y * np.log(A)) / 2, make.made


@tape
def attention(rng, dtype):
    make = Maker(rng, dtype)
    X = make.data(4, 3)
    Q, K, V = (X @ make.parameter(f"W{n}", 3, 3) for n in "qkv")
    S = (Q @ K.T / 3**0.5).named("S")
    A = ag.softmax(S, axis=1).named("A")
    return np.sum((A @ V).named("O") ** 2) / 4, make.made


@tape
def many_heads(rng, dtype):
    make = Maker(rng, dtype)
    X = make.data(2, 3, 4)
    heads = lambda t: t.reshape(2, 3, 2, 2).transpose(0, 2, 1, 3)
    Q, K, V = (heads(X @ make.parameter(f"W{n}", 4, 4)) for n in "qkv")
    A = ag.softmax((Q @ K.mT / 2**0.5).named("S"), axis=-1).named("A")
    O = (A @ V).transpose(0, 2, 1, 3).reshape(2, 3, 4).named("O")
    return np.mean((O @ make.parameter("Wo", 4, 4) + X) ** 2), make.made


@tape
def batch_norm(rng, dtype):
    make = Maker(rng, dtype)
    W = make.parameter("W", 3, 4)
    scale, shift = make.parameter("gamma", 4), make.parameter("beta", 4)
    Z = (make.data(6, 3) @ W).named("Z")
    N = ((Z - np.mean(Z, axis=0)) / np.sqrt(np.var(Z, axis=0) + 1e-3)).named("N")
    A = np.tanh((scale * N + shift).named("B")).named("A")
    return np.sum(A * make.data(6, 4)), make.made


@tape
def layer_norm(rng, dtype):
    make = Maker(rng, dtype)
    W = make.parameter("W", 4, 3)
    scale, shift = make.parameter("gamma", 4, 1), make.parameter("beta", 4, 1)
    Z = (W @ make.data(3, 5)).named("Z")
    D = Z - np.mean(Z, axis=0, keepdims=True)
    N = (D / np.sqrt(np.mean(D * D, axis=0, keepdims=True) + 1e-3)).named("N")
    return np.mean((scale * N + shift - make.data(4, 5)) ** 2), make.made


@tape
def residual(rng, dtype):
    make = Maker(rng, dtype)
    A = np.tanh(make.parameter("W1", 3, 3) @ make.data(3, 5)).named("A1")
    for l in (2, 3):
        A = (A + ag.relu((make.parameter(f"W{l}", 3, 3) @ A).named(f"Z{l}"))).named(f"A{l}")
    return np.sum(A * A), make.made


@tape
def several_losses(rng, dtype):
    make = Maker(rng, dtype)
    W, b, V = make.parameter("W", 2, 3), make.parameter("b", 2, 1), make.parameter("V", 2, 2)
    Y = ag.Tensor((make.data(2, 5) > 0).astype(dtype), name="Y")
    T = ag.Tensor(make.data(2, 5), name="T")
    A = ag.sigmoid((W @ make.data(3, 5) + b).named("Z")).named("A")
    first = -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / 5
    second = np.sum((V @ A - T) ** 2) / 10
    return first + second.named("J2") + 0.05 * np.sum(W * W), make.made


@tape
def numbers(rng, dtype):
    """0-d parameters, and a scalar output for each sample."""
    make = Maker(rng, dtype)
    a, b, c = make.parameter("a"), make.parameter("b"), make.parameter("c", 1)
    x, y = make.data(7), make.data(7)
    p = (a * np.exp(-b * b * x * x) + c).named("p")
    return np.mean((p - y) ** 2), make.made


@tape
def one_number(rng, dtype):
    make = Maker(rng, dtype)
    w, b = make.parameter("w"), make.parameter("b")
    return np.tanh(w * w * 0.5 + b).named("J"), make.made


@tape
def one_sample(rng, dtype):
    make = Maker(rng, dtype)
    W, b = make.parameter("W", 3, 1), make.parameter("b", 3, 1)
    A = ag.sigmoid((W @ make.data(1, 1) + b).named("Z")).named("A")
    return np.sum((A - make.data(3, 1)) ** 2) / 2, make.made


@tape
def inner_products(rng, dtype):
    """1-d operands on either side."""
    make = Maker(rng, dtype)
    W, v, u = make.parameter("W", 3, 4), make.parameter("v", 4), make.parameter("u", 3)
    h = np.tanh((W @ v).named("z"))
    return (u @ h) * (v @ v) + np.dot(u, u), make.made


@tape
def without_names(rng, dtype):
    make = Maker(rng, dtype)
    W, V = (ag.Tensor(make.data(*shape), True) for shape in [(3, 4), (3, 2)])
    H = np.tanh(W @ make.data(4, 6))
    return np.mean((V.T @ (H * H + H)) ** 2), {W: W, V: V, H: H}


@tape
def odd_names(rng, dtype):
    make = Maker(rng, dtype)
    W, V = make.parameter("W₁ θ{0}'\n\"", 3, 2), make.parameter("∂ℒ/∂ϵ", 1, 3)
    A = ag.softplus((W @ make.data(2, 5)).named("class")).named("{factor}")
    J = np.sum(ag.sigmoid((V @ A).named("µ")))
    return J.named("dJ"), make.made


@tape
def one_name_for_all(rng, dtype):
    """Every step of a loop is called the same."""
    make = Maker(rng, dtype)
    W = make.parameter("W", 3, 3)
    h = make.data(4, 3)
    for _ in range(6):
        h = np.tanh((h @ W).named("z")).named("h")
    return np.sum(h), make.made


@tape
def elementwise_with_arrays(rng, dtype):
    """clip, where, maximum and powers whose other argument is an array of its own shape."""
    make = Maker(rng, dtype)
    W, c = make.parameter("W", 4, 3), make.parameter("c", 3)
    Z = (make.data(2, 5, 4) @ W).named("Z")
    A = np.clip(Z, -np.abs(make.data(5, 1)), np.abs(make.data(2, 1, 1))).named("A")
    B = np.where(Z > 0, Z, 0.1 * Z).named("B")
    C = np.maximum(A + B, c).named("C")
    return np.sum(C**2) + np.sum(ag.logsumexp(Z, axis=2)), make.made


@tape
def many_rearrangements(rng, dtype):
    make = Maker(rng, dtype)
    W, V = make.parameter("W", 2, 3), make.parameter("V", 2, 3)
    S = np.stack([W, V, W * V], axis=1).named("S")
    T = np.concatenate([S[:, 0], S[:, 2, ::-1]], axis=0).T.named("T")
    U = np.broadcast_to(T[..., None], (3, 4, 2)).named("U")
    return np.sum(np.max(U, axis=1) ** 2) + np.sum(np.swapaxes(T, 0, 1) ** 3), make.made


@tape
def kinks_and_squares(rng, dtype):
    """Pre-activations that are exactly zero, square gates, and gradients of a step before."""
    make = Maker(rng, dtype)
    W, V = make.parameter("W", 3, 3), make.parameter("V", 3, 3)
    X = make.data(3, 3)
    X[:, 1] = 0
    Z = make.made["Z"] = (W @ X).named("Z")
    H = ag.relu(Z).named("H")
    G = ag.sigmoid((V @ X).named("Q")).named("G")
    T = (H * G).named("T")
    np.sum(T * T).backward()
    return np.sum(T**3 + T), make.made
