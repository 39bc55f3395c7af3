"""Derivatives whose closed forms are known: the formula, by what, what is known, and its value.

The value is plain NumPy on the letters (vectors are 1-d), which knows nothing of the engine.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

inv, det, norm, outer, diag, trace = (
    np.linalg.inv,
    np.linalg.det,
    np.linalg.norm,
    np.outer,
    np.diag,
    np.trace,
)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@dataclass(frozen=True)
class Known:
    """A derivative: `options` of `derive`, the `known` form as text, and its value."""

    formula: str
    wrt: str
    known: str
    value: Callable[..., Any]
    options: dict[str, Any] = field(default_factory=dict)


SIGN = re.compile(r"\w+′*|[^\s\w(){}]|\(")


def signs(text: str) -> int:
    """How many letters, signs and pairs of brackets a formula has."""
    return len(SIGN.findall(text))


def drawn(case: Known, shapes: Mapping[str, tuple[Any, ...]], rng: Any) -> dict[str, Any]:
    """Values for the letters of a formula, with what is assumed of them; a direction V too."""
    sizes: dict[Any, int] = {}
    assume = case.options.get("assume", {})
    values = {}
    for letter, shape in {**shapes, "V": shapes.get("V", shapes[case.wrt])}.items():
        lengths = [sizes.setdefault(n, 7 - len(sizes)) for n in shape]  # X ∈ ℝ^{m × n} is tall
        values[letter] = _drawn(lengths, assume.get(letter, ""), rng)
    return values


def _drawn(lengths: list[int], assumed: str, rng: Any) -> Any:
    if not lengths:
        return rng.uniform(0.5, 1.5)
    value = rng.normal(size=lengths)
    if len(lengths) == 2 and lengths[0] == lengths[1]:
        value = 3 * np.eye(lengths[0]) + value / 2  # invertible
    if assumed in ("symmetric", "positive definite"):
        value = (value + value.T) / 2
    if assumed == "one-hot":
        value = np.eye(lengths[1])[rng.integers(lengths[1], size=lengths[0])]
    return value


def expected(case: Known, values: Mapping[str, Any]) -> Any:
    """What the derivative is at these values."""
    return case.value(**{name: values[name] for name in inspect.signature(case.value).parameters})


def known(formula, wrt, text, value, **options):
    return Known(formula, wrt, text, value, options)


SPD = {"assume": {"A": "symmetric"}}
XMN = {"shapes": {"X": ("m", "n")}}
YK = {"shapes": {"X": ("m", "n"), "Y": ("m", "k"), "W": ("n", "k")}, "assume": {"Y": "one-hot"}}


def _attention(G, Q, K, V, d):
    P, R = softmax(Q @ K.T / d**0.5), G @ V.T
    return (P * (R - (P * R).sum(1)[:, None])) @ K / d**0.5


# The nine examples of matrixcalculus.org
NINE = [
    known("1/2 xᵀ A x", "x", "1/2 (A + Aᵀ) x", lambda x, A: (A + A.T) @ x / 2),
    known("A exp(x)", "x", "A diag(exp(x))", lambda x, A: A * np.exp(x)),
    known("(y ∘ v)ᵀ x", "x", "y ∘ v", lambda x, y, v: y * v),
    known("a^b", "a", "b a^{b − 1}", lambda a, b: b * a ** (b - 1)),
    known("‖A x − y‖_1", "x", "Aᵀ sign(A x − y)", lambda A, x, y: A.T @ np.sign(A @ x - y)),
    known("‖A x − y‖²", "x", "2 Aᵀ (A x − y)", lambda A, x, y: 2 * A.T @ (A @ x - y)),
    known(
        "sum(log(exp(−y ∘ (X w)) + 1))",
        "w",
        "−Xᵀ (y ∘ σ(−y ∘ (X w)))",
        lambda y, X, w: -X.T @ (y * sigmoid(-y * (X @ w))),
    ),
    known(
        "tr(A Xᵀ B X C)",
        "X",
        "B X C A + Bᵀ X Aᵀ Cᵀ",
        lambda A, X, B, C: B @ X @ C @ A + B.T @ X @ A.T @ C.T,
    ),
    known("log(det(inv(X)))", "X", "−X⁻ᵀ", lambda X: -inv(X).T),
]

# The Matrix Cookbook, sections 2.1 to 2.8
DETERMINANTS = [
    known("det(X)", "X", "det(X) X⁻ᵀ", lambda X: det(X) * inv(X).T),
    known("det(A X B)", "X", "det(A X B) X⁻ᵀ", lambda A, X, B: det(A @ X @ B) * inv(X).T,
          shapes={"A": ("n", "n"), "X": ("n", "n"), "B": ("n", "n")}),
    known("det(Xᵀ X)", "X", "2 det(Xᵀ X) X (Xᵀ X)⁻¹",
          lambda X: 2 * det(X.T @ X) * X @ inv(X.T @ X), shapes={"X": ("n", "k")}),
    known("det(Xᵀ A X)", "X", "2 det(Xᵀ A X) A X (Xᵀ A X)⁻¹",
          lambda X, A: 2 * det(X.T @ A @ X) * A @ X @ inv(X.T @ A @ X),
          shapes={"X": ("n", "k"), "A": ("n", "n")}, **SPD),
    known("det(Xᵀ A X)", "X", "det(Xᵀ A X) (A X (Xᵀ A X)⁻¹ + Aᵀ X (Xᵀ Aᵀ X)⁻¹)",
          lambda X, A: det(X.T @ A @ X)
          * (A @ X @ inv(X.T @ A @ X) + A.T @ X @ inv(X.T @ A.T @ X)),
          shapes={"X": ("n", "k"), "A": ("n", "n")}),
    known("log det(Xᵀ X)", "X", "2 X (Xᵀ X)⁻¹", lambda X: 2 * X @ inv(X.T @ X),
          shapes={"X": ("n", "k")}),
    known("log det X", "X", "X⁻ᵀ", lambda X: inv(X).T),
    known("det(X X X)", "X", "3 det(X X X) X⁻ᵀ", lambda X: 3 * det(X @ X @ X) * inv(X).T),
]  # fmt: skip
INVERSES = [
    known("aᵀ X⁻¹ b", "X", "−X⁻ᵀ a bᵀ X⁻ᵀ",
          lambda a, X, b: -inv(X).T @ outer(a, b) @ inv(X).T),
    known("det(X⁻¹)", "X", "−det(X⁻¹) X⁻ᵀ", lambda X: -det(inv(X)) * inv(X).T),
    known("tr(A X⁻¹ B)", "X", "−X⁻ᵀ Aᵀ Bᵀ X⁻ᵀ",
          lambda A, X, B: -inv(X).T @ A.T @ B.T @ inv(X).T),
    known("tr((X + A)⁻¹)", "X", "−((X + A)⁻¹ (X + A)⁻¹)ᵀ",
          lambda X, A: -(inv(X + A) @ inv(X + A)).T),
    known("tr(B (X + A)⁻¹)", "X", "−(X + A)⁻ᵀ Bᵀ (X + A)⁻ᵀ",
          lambda X, A, B: -inv(X + A).T @ B.T @ inv(X + A).T),
]  # fmt: skip
FIRST_ORDER = [
    known("xᵀ a", "x", "a", lambda x, a: a),
    known("aᵀ X b", "X", "a bᵀ", lambda a, X, b: outer(a, b)),
    known("aᵀ Xᵀ b", "X", "b aᵀ", lambda a, X, b: outer(b, a)),
    known("aᵀ X a", "X", "a aᵀ", lambda a, X: outer(a, a)),
    known("aᵀ (X + Xᵀ) b", "X", "a bᵀ + b aᵀ", lambda a, X, b: outer(a, b) + outer(b, a)),
]
SECOND_ORDER = [
    known("sum(X) sum(X)", "X", "2 (1ᵀ X 1) 1 1ᵀ", lambda X: 2 * X.sum() * np.ones(X.shape)),
    known("bᵀ Xᵀ X c", "X", "X (b cᵀ + c bᵀ)",
          lambda b, X, c: X @ (outer(b, c) + outer(c, b))),
    known("(B x + b)ᵀ C (D x + d)", "x", "Bᵀ C (D x + d) + Dᵀ Cᵀ (B x + b)",
          lambda B, x, b, C, D, d: B.T @ C @ (D @ x + d) + D.T @ C.T @ (B @ x + b)),
    known("tr(Xᵀ B X)", "X", "(B + Bᵀ) X", lambda X, B: (B + B.T) @ X),
    known("bᵀ Xᵀ D X c", "X", "Dᵀ X b cᵀ + D X c bᵀ",
          lambda b, X, D, c: D.T @ X @ outer(b, c) + D @ X @ outer(c, b)),
    known("(X b + c)ᵀ D (X b + c)", "X", "(D + Dᵀ) (X b + c) bᵀ",
          lambda X, b, c, D: outer((D + D.T) @ (X @ b + c), b)),
    known("xᵀ B x", "x", "(B + Bᵀ) x", lambda x, B: (B + B.T) @ x),
    known("(x − A s)ᵀ W (x − A s)", "s", "−2 Aᵀ W (x − A s)",
          lambda x, A, s, W: -2 * A.T @ W @ (x - A @ s), assume={"W": "symmetric"}),
    known("(x − s)ᵀ W (x − s)", "x", "2 W (x − s)", lambda x, s, W: 2 * W @ (x - s),
          assume={"W": "symmetric"}),
    known("(x − s)ᵀ W (x − s)", "s", "−2 W (x − s)", lambda x, s, W: -2 * W @ (x - s),
          assume={"W": "symmetric"}),
    known("(x − A s)ᵀ W (x − A s)", "x", "2 W (x − A s)",
          lambda x, A, s, W: 2 * W @ (x - A @ s), assume={"W": "symmetric"}),
    known("(x − A s)ᵀ W (x − A s)", "A", "−2 W (x − A s) sᵀ",
          lambda x, A, s, W: outer(-2 * W @ (x - A @ s), s), assume={"W": "symmetric"}),
    known("xᵀ A x + bᵀ x", "x", "(A + Aᵀ) x + b", lambda x, A, b: (A + A.T) @ x + b),
]  # fmt: skip
HIGHER_ORDER = [
    known("aᵀ X X X b", "X", "a bᵀ Xᵀ Xᵀ + Xᵀ a bᵀ Xᵀ + Xᵀ Xᵀ a bᵀ",
          lambda a, X, b: outer(a, b) @ X.T @ X.T + X.T @ outer(a, b) @ X.T
          + X.T @ X.T @ outer(a, b)),
]  # fmt: skip
TRACES = [
    known("tr(X)", "X", "I", lambda X: np.eye(len(X))),
    known("tr(X A)", "X", "Aᵀ", lambda X, A: A.T),
    known("tr(A X B)", "X", "Aᵀ Bᵀ", lambda A, X, B: A.T @ B.T),
    known("tr(A Xᵀ B)", "X", "B A", lambda A, X, B: B @ A),
    known("tr(Xᵀ A)", "X", "A", lambda X, A: A),
    known("tr(A Xᵀ)", "X", "A", lambda A, X: A),
    known("tr(X X)", "X", "2 Xᵀ", lambda X: 2 * X.T),
    known("tr(X X B)", "X", "(X B + B X)ᵀ", lambda X, B: (X @ B + B @ X).T),
    known("tr(Xᵀ B X)", "X", "B X + Bᵀ X", lambda X, B: B @ X + B.T @ X),
    known("tr(B X Xᵀ)", "X", "B X + Bᵀ X", lambda X, B: B @ X + B.T @ X),
    known("tr(X B Xᵀ)", "X", "X Bᵀ + X B", lambda X, B: X @ B.T + X @ B),
    known("tr(Xᵀ X B)", "X", "X Bᵀ + X B", lambda X, B: X @ B.T + X @ B),
    known("tr(A X B X)", "X", "Aᵀ Xᵀ Bᵀ + Bᵀ Xᵀ Aᵀ",
          lambda A, X, B: A.T @ X.T @ B.T + B.T @ X.T @ A.T),
    known("tr(Xᵀ X)", "X", "2 X", lambda X: 2 * X),
    known("tr(B X C Xᵀ Bᵀ)", "X", "Bᵀ B X C + Bᵀ B X Cᵀ",
          lambda B, X, C: B.T @ B @ X @ C + B.T @ B @ X @ C.T),
    known("tr(Xᵀ B X C)", "X", "B X C + Bᵀ X Cᵀ",
          lambda X, B, C: B @ X @ C + B.T @ X @ C.T),
    known("tr(A X B Xᵀ C)", "X", "Aᵀ Cᵀ X Bᵀ + C A X B",
          lambda A, X, B, C: A.T @ C.T @ X @ B.T + C @ A @ X @ B),
    known("tr((A X B + C) (A X B + C)ᵀ)", "X", "2 Aᵀ (A X B + C) Bᵀ",
          lambda A, X, B, C: 2 * A.T @ (A @ X @ B + C) @ B.T),
    known("tr(X) tr(X)", "X", "2 tr(X) I", lambda X: 2 * trace(X) * np.eye(len(X))),
    known("tr(X X X X)", "X", "4 Xᵀ Xᵀ Xᵀ", lambda X: 4 * X.T @ X.T @ X.T),
    known("tr(A X X X)", "X", "Aᵀ Xᵀ Xᵀ + Xᵀ Aᵀ Xᵀ + Xᵀ Xᵀ Aᵀ",
          lambda A, X: A.T @ X.T @ X.T + X.T @ A.T @ X.T + X.T @ X.T @ A.T),
    known("tr(Bᵀ Xᵀ C X X)", "X", "C X X Bᵀ + Cᵀ X B Xᵀ + Xᵀ Cᵀ X B",
          lambda B, X, C: C @ X @ X @ B.T + C.T @ X @ B @ X.T + X.T @ C.T @ X @ B),
    known("tr(A X⁻¹ B)", "X", "−X⁻ᵀ Aᵀ Bᵀ X⁻ᵀ",
          lambda A, X, B: -inv(X).T @ A.T @ B.T @ inv(X).T),
    known("tr((Xᵀ C X)⁻¹ A)", "X", "−C X (Xᵀ C X)⁻¹ (A + Aᵀ) (Xᵀ C X)⁻¹",
          lambda X, C, A: -C @ X @ inv(X.T @ C @ X) @ (A + A.T) @ inv(X.T @ C @ X),
          shapes={"X": ("n", "k"), "C": ("n", "n")}, assume={"C": "positive definite"}),
    known("tr((Xᵀ C X)⁻¹ (Xᵀ B X))", "X",
          "2 B X (Xᵀ C X)⁻¹ − 2 C X (Xᵀ C X)⁻¹ Xᵀ B X (Xᵀ C X)⁻¹",
          lambda X, C, B: 2 * B @ X @ inv(X.T @ C @ X)
          - 2 * C @ X @ inv(X.T @ C @ X) @ X.T @ B @ X @ inv(X.T @ C @ X),
          shapes={"X": ("n", "k"), "C": ("n", "n")},
          assume={"C": "positive definite", "B": "symmetric"}),
]  # fmt: skip
NORMS = [
    known("‖x − a‖", "x", "(x − a) / ‖x − a‖", lambda x, a: (x - a) / norm(x - a)),
    known("(x − a) / ‖x − a‖", "x", "I / ‖x − a‖ − (x − a) (x − a)ᵀ / ‖x − a‖³",
          lambda x, a: np.eye(len(x)) / norm(x - a) - outer(x - a, x - a) / norm(x - a) ** 3),
    known("‖x‖²", "x", "2 x", lambda x: 2 * x),
    known("‖X‖²", "X", "2 X", lambda X: 2 * X),
    known("‖X‖", "X", "X / ‖X‖", lambda X: X / norm(X)),
    known("tr(X diag(a))", "a", "diag(X)", lambda X, a: diag(X)),
    known("tr(A diag(x) B)", "x", "diag(B A)", lambda A, x, B: diag(B @ A)),
]  # fmt: skip
COOKBOOK = [*(DETERMINANTS + INVERSES + FIRST_ORDER + SECOND_ORDER + HIGHER_ORDER + TRACES + NORMS)]

# Machine learning
CLASSICS = [
    known("1/(2m) ‖X w − y‖²", "w", "1/m Xᵀ (X w − y)",
          lambda X, w, y: X.T @ (X @ w - y) / len(y), **XMN),
    known("1/(2m) ‖X w − y‖²", "w", "1/m Xᵀ X", lambda X: X.T @ X / len(X), order=2, **XMN),
    known("1/2 ‖X w − y‖² + λ/2 ‖w‖²", "w", "Xᵀ (X w − y) + λ w",
          lambda X, w, y, λ: X.T @ (X @ w - y) + λ * w, **XMN),
    known("1/2 ‖X w − y‖² + λ/2 ‖w‖²", "w", "Xᵀ X + λ I",
          lambda X, λ: X.T @ X + λ * np.eye(X.shape[1]), order=2, **XMN),
    known("−1/m (yᵀ log(σ(X w)) + (1 − y)ᵀ log(1 − σ(X w)))", "w", "1/m Xᵀ (σ(X w) − y)",
          lambda X, w, y: X.T @ (sigmoid(X @ w) - y) / len(y), **XMN),
    known("−1/m (yᵀ log(σ(X w)) + (1 − y)ᵀ log(1 − σ(X w)))", "w",
          "1/m Xᵀ diag(p ∘ (1 − p)) X   where p = σ(X w)",
          lambda X, w: X.T * (sigmoid(X @ w) * (1 - sigmoid(X @ w))) @ X / len(X),
          order=2, **XMN),
    known("−1/m tr(Yᵀ log(softmax(X W)))", "W", "1/m Xᵀ (softmax(X W) − Y)",
          lambda X, W, Y: X.T @ (softmax(X @ W) - Y) / len(X), **YK),
    known("−1/m tr(Yᵀ log(softmax(X W)))", "W",
          "1/m Xᵀ (P ∘ (X V) − diag((P ∘ (X V)) 1) P)   where P = softmax(X W)",
          lambda X, W, V: X.T @ (softmax(X @ W) * (X @ V)
          - softmax(X @ W) * (softmax(X @ W) * (X @ V)).sum(1)[:, None]) / len(X),
          order=2, **YK),
    known("1/2 (x − μ)ᵀ S⁻¹ (x − μ) + 1/2 log det S", "μ", "S⁻¹ (μ − x)",
          lambda x, μ, S: inv(S) @ (μ - x), assume={"S": "positive definite"}),
    known("1/2 (x − μ)ᵀ S⁻¹ (x − μ) + 1/2 log det S", "S",
          "1/2 (S⁻¹ − S⁻¹ (x − μ) (x − μ)ᵀ S⁻¹)",
          lambda x, μ, S: (inv(S) - inv(S) @ outer(x - μ, x - μ) @ inv(S)) / 2,
          assume={"S": "positive definite"}),
    known("1/2 yᵀ K⁻¹ y + 1/2 log det K", "K", "1/2 (K⁻¹ − K⁻¹ y yᵀ K⁻¹)",
          lambda y, K: (inv(K) - inv(K) @ outer(y, y) @ inv(K)) / 2,
          assume={"K": "positive definite"}),
    known("1/2 (tr(B⁻¹ A) + (m − n)ᵀ B⁻¹ (m − n) + log det B − log det A)", "n",
          "B⁻¹ (n − m)", lambda B, m, n: inv(B) @ (n - m),
          shapes={"m": ("k",), "n": ("k",), "A": ("k", "k"), "B": ("k", "k")},
          assume={"A": "positive definite", "B": "positive definite"}),
    known("1/2 (tr(B⁻¹ A) + log det B − log det A)", "A", "1/2 (B⁻¹ − A⁻¹)",
          lambda A, B: (inv(B) - inv(A)) / 2,
          assume={"A": "positive definite", "B": "positive definite"}),
    known("‖X − W Wᵀ X‖²", "W", "−2 (R Xᵀ + X Rᵀ) W   where R = X − W Wᵀ X",
          lambda X, W: -2 * ((X - W @ W.T @ X) @ X.T + X @ (X - W @ W.T @ X).T) @ W,
          shapes={"X": ("n", "m"), "W": ("n", "k")}),
    known("‖M − U Vᵀ‖²", "U", "−2 (M − U Vᵀ) V", lambda M, U, V: -2 * (M - U @ V.T) @ V),
    known("‖M − U Vᵀ‖²", "V", "−2 (M − U Vᵀ)ᵀ U", lambda M, U, V: -2 * (M - U @ V.T).T @ U),
    known("aᵀ x / (‖a‖ ‖x‖)", "x", "a / (‖a‖ ‖x‖) − aᵀ x x / (‖a‖ ‖x‖³)",
          lambda a, x: a / (norm(a) * norm(x)) - a @ x * x / (norm(a) * norm(x) ** 3)),
    known("xᵀ A x / (xᵀ x)", "x", "2 A x / (xᵀ x) − 2 xᵀ A x x / (xᵀ x)²",
          lambda x, A: 2 * A @ x / (x @ x) - 2 * x @ A @ x * x / (x @ x) ** 2, **SPD),
    known("tr(Gᵀ softmax(Q Kᵀ / √d) V)", "V", "softmax(Q Kᵀ / √d)ᵀ G",
          lambda G, Q, K, d: softmax(Q @ K.T / d**0.5).T @ G),
    known("tr(Gᵀ softmax(Q Kᵀ / √d) V)", "Q",
          "1/√d (P ∘ (R − (P ∘ R) 1 1ᵀ)) K   where P = softmax(Q Kᵀ / √d), R = G Vᵀ",
          lambda G, Q, K, V, d: _attention(G, Q, K, V, d)),
    known("log(sum(exp(z)))", "z", "softmax(z)", lambda z: softmax(z)),
    known("log(sum(exp(z)))", "z", "diag(p) − p pᵀ   where p = softmax(z)",
          lambda z: diag(softmax(z)) - outer(softmax(z), softmax(z)), order=2),
    known("σ(wᵀ x)", "w", "p (1 − p) x   where p = σ(wᵀ x)",
          lambda w, x: sigmoid(w @ x) * (1 - sigmoid(w @ x)) * x),
    known("max(0, ‖x − p‖² − ‖x − n‖² + 1)", "x",
          "2 [‖x − p‖² − ‖x − n‖² + 1 > 0] (n − p)",
          lambda x, p, n: 2 * (norm(x - p) ** 2 - norm(x - n) ** 2 + 1 > 0) * (n - p)),
    known("tanh(W x + b)", "x", "diag(1 − tanh(W x + b)^∘2) W",
          lambda W, x, b: (1 - np.tanh(W @ x + b) ** 2)[:, None] * W),
]  # fmt: skip


ALL = [*NINE, *COOKBOOK, *CLASSICS]
