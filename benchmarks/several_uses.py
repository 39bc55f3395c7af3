"""Networks that use a tensor more than once, with one of the uses left out of the gradient."""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.by_hand import Arrays, sigmoid

PathCases = tuple[Callable[[], Any], Arrays, list[tuple[str, str, Arrays]]]


def leaves(**arrays: np.ndarray) -> list[Any]:
    import autograd_lite as ag

    return [ag.Tensor(array, requires_grad=True, name=name) for name, array in arrays.items()]


def residual(normal: Callable[..., np.ndarray]) -> PathCases:
    """A2 = tanh(W2 A1 + b2) + A1, samples as columns."""
    m, X, Y = 11, normal(3, 11), normal(2, 11)
    W1, b1, W2, b2, W3, b3 = (
        normal(*shape) / 2 for shape in ((4, 3), (4, 1), (4, 4), (4, 1), (2, 4), (2, 1))
    )
    A1 = np.tanh(W1 @ X + b1)
    H2 = np.tanh(W2 @ A1 + b2)
    A2 = H2 + A1
    dZ3 = (W3 @ A2 + b3 - Y) / m
    dA2 = W3.T @ dZ3
    dZ2 = dA2 * (1 - H2**2)

    def first_layer(dA1: np.ndarray) -> Arrays:
        dZ1 = dA1 * (1 - A1**2)
        return {"W1": dZ1 @ X.T, "b1": np.sum(dZ1, axis=1, keepdims=True)}

    def tape() -> Any:
        w1, c1, w2, c2, w3, c3 = leaves(W1=W1, b1=b1, W2=W2, b2=b2, W3=W3, b3=b3)
        a1 = np.tanh((w1 @ X + c1).named("Z1")).named("A1")
        a2 = (np.tanh((w2 @ a1 + c2).named("Z2")) + a1).named("A2")
        return np.sum((w3 @ a2 + c3 - Y) ** 2) / (2 * m)

    right = first_layer(W2.T @ dZ2 + dA2)
    right |= {"W2": dZ2 @ A1.T, "b2": np.sum(dZ2, axis=1, keepdims=True)}
    right |= {"W3": dZ3 @ A2.T, "b3": np.sum(dZ3, axis=1, keepdims=True)}
    wrongs = [
        ("dA1 = W2.T @ dZ2, without the skip", "A1", first_layer(W2.T @ dZ2)),
        ("dA1 = dA2, the skip only", "A1", first_layer(dA2)),
    ]
    return tape, right, wrongs


def shared(normal: Callable[..., np.ndarray]) -> PathCases:
    """A1 = tanh(X W + b), A2 = tanh(A1 W + b), samples as rows: a recurrence of two steps."""
    m, X, Y = 9, normal(9, 4), normal(9, 4)
    W, b = normal(4, 4) / 2, normal(1, 4) / 2
    A1 = np.tanh(X @ W + b)
    A2 = np.tanh(A1 @ W + b)
    dZ2 = (A2 - Y) / m * (1 - A2**2)
    dZ1 = dZ2 @ W.T * (1 - A1**2)
    dW = [X.T @ dZ1, A1.T @ dZ2]
    db = [np.sum(dZ, axis=0, keepdims=True) for dZ in (dZ1, dZ2)]

    def tape() -> Any:
        w, c = leaves(W=W, b=b)
        a1 = np.tanh((X @ w + c).named("Z1")).named("A1")
        a2 = np.tanh((a1 @ w + c).named("Z2")).named("A2")
        return np.sum((a2 - Y) ** 2) / (2 * m)

    wrongs = [(f"dW, db: step {2 - i} left out", "W b", {"W": dW[i], "b": db[i]}) for i in (0, 1)]
    wrongs += [(f"dW: step {2 - i} left out", "W", {"W": dW[i]}) for i in (0, 1)]
    wrongs += [(f"db: step {2 - i} left out", "b", {"b": db[i]}) for i in (0, 1)]
    return tape, {"W": dW[0] + dW[1], "b": db[0] + db[1]}, wrongs


def recurrent(normal: Callable[..., np.ndarray]) -> PathCases:
    """H_t = tanh(X_t U + H_(t−1) W + b), four steps, samples as rows."""
    m, T, X, Y = 8, 4, normal(4, 8, 3), normal(8, 5)
    U, W, b, H0 = normal(3, 5) / 2, normal(5, 5) / 2, normal(5), normal(1, 5)
    H = [H0]
    for t in range(T):
        H.append(np.tanh(X[t] @ U + H[-1] @ W + b))

    def summed(left_out: tuple[int, ...] = (), last: int = 0) -> Arrays:
        """The gradients without some of the steps, or back to step `last` only."""
        found = {"U": np.zeros_like(U), "W": np.zeros_like(W), "b": np.zeros_like(b)}
        dH = (H[T] - Y) / m
        for t in range(T - 1, last - 1, -1):
            dZ = dH * (1 - H[t + 1] ** 2)
            if t not in left_out:
                found["U"] += X[t].T @ dZ
                found["W"] += np.broadcast_to(H[t], (m, 5)).T @ dZ
                found["b"] += dZ.sum(axis=0)
            dH = dZ @ W.T
        return found

    def tape() -> Any:
        u, w, c = leaves(U=U, W=W, b=b)
        h = H0
        for t in range(T):
            h = np.tanh((X[t] @ u + h @ w + c).named(f"Z{t + 1}")).named(f"H{t + 1}")
        return np.sum((h - Y) ** 2) / (2 * m)

    wrongs = []
    for t in range(T):
        wrongs.append((f"dU, dW, db: step {t + 1} left out", "U W b", summed((t,))))
        wrongs.append((f"dW: step {t + 1} left out", "W", {"W": summed((t,))["W"]}))
        if t:
            places = f"H{t} Z{t}"
            wrongs.append((f"back through {T - t} steps only", places, summed(last=t)))
    return tape, summed(), wrongs


def tied(normal: Callable[..., np.ndarray]) -> PathCases:
    """An autoencoder, A2 = Wᵀ sigmoid(W X + b1) + b2, samples as columns."""
    m, X = 10, normal(5, 10)
    W, b1, b2 = normal(3, 5) / 2, normal(3, 1) / 2, normal(5, 1) / 2
    A1 = sigmoid(W @ X + b1)
    dZ2 = (W.T @ A1 + b2 - X) / m
    dZ1 = W @ dZ2 * A1 * (1 - A1)
    right = {name: np.sum(dZ, axis=1, keepdims=True) for name, dZ in (("b1", dZ1), ("b2", dZ2))}
    right["W"] = dZ1 @ X.T + A1 @ dZ2.T

    def tape() -> Any:
        import autograd_lite as ag

        w, c1, c2 = leaves(W=W, b1=b1, b2=b2)
        a1 = ag.sigmoid((w @ X + c1).named("Z1")).named("A1")
        return np.sum((w.T @ a1 + c2 - X) ** 2) / (2 * m)

    return (
        tape,
        right,
        [
            ("dW = dZ1 @ X.T, the encoder only", "W", {"W": dZ1 @ X.T}),
            ("dW = A1 @ dZ2.T, the decoder only", "W", {"W": A1 @ dZ2.T}),
        ],
    )


def penalised(normal: Callable[..., np.ndarray]) -> PathCases:
    """J = squared error + 0.3/m Σ A1², samples as columns."""
    m, X, Y = 12, normal(4, 12), normal(2, 12)
    W1, b1, W2, b2 = (normal(*shape) / 2 for shape in ((3, 4), (3, 1), (2, 3), (2, 1)))
    A1 = np.tanh(W1 @ X + b1)
    dZ2 = (W2 @ A1 + b2 - Y) / m

    def first_layer(dA1: np.ndarray) -> Arrays:
        dZ1 = dA1 * (1 - A1**2)
        return {"W1": dZ1 @ X.T, "b1": np.sum(dZ1, axis=1, keepdims=True)}

    def tape() -> Any:
        w1, c1, w2, c2 = leaves(W1=W1, b1=b1, W2=W2, b2=b2)
        a1 = np.tanh((w1 @ X + c1).named("Z1")).named("A1")
        a2 = (w2 @ a1 + c2).named("A2")
        return np.sum((a2 - Y) ** 2) / (2 * m) + 0.3 / m * np.sum(a1 * a1)

    right = first_layer(W2.T @ dZ2 + 0.6 / m * A1)
    right |= {"W2": dZ2 @ A1.T, "b2": np.sum(dZ2, axis=1, keepdims=True)}
    return (
        tape,
        right,
        [
            ("dA1 = W2.T @ dZ2, without the penalty", "A1", first_layer(W2.T @ dZ2)),
            ("dA1 = 0.6 / m * A1, the penalty only", "A1", first_layer(0.6 / m * A1)),
        ],
    )
