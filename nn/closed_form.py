"""The gradients of an L-layer network in closed form: the recursion of document 001, section 5.

Plain NumPy that knows nothing of the tape, with the documents' letters: Δ = ∂J/∂A, H = ∂J/∂Z, and
from the last layer down  H⁽ˡ⁾ = Δ⁽ˡ⁾ ∘ σ′(Z⁽ˡ⁾),  ∂J/∂W⁽ˡ⁾ = H⁽ˡ⁾ A⁽ˡ⁻¹⁾ᵀ,  ∂J/∂b⁽ˡ⁾ = H⁽ˡ⁾ 1,
Δ⁽ˡ⁻¹⁾ = W⁽ˡ⁾ᵀ H⁽ˡ⁾.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import autograd_lite as ag
from nn import datasets, losses, optimizers
from nn.network import Network
from nn.training import fit

Array = NDArray[Any]


def _sigmoid(Z: Array) -> Array:
    return np.where(Z >= 0, 1, np.exp(-np.abs(Z))) / (1 + np.exp(-np.abs(Z)))


def _softmax(Z: Array) -> Array:
    powers = np.exp(Z - Z.max(axis=0))
    return powers / powers.sum(axis=0)


# Samples are columns from here on. Each activation: σ(Z), and H from Δ, Z and A.
ACTIVATIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array, Array, Array], Array]]] = {
    "identity": (lambda Z: Z, lambda Δ, Z, A: Δ),
    "sigmoid": (_sigmoid, lambda Δ, Z, A: Δ * A * (1 - A)),
    "tanh": (np.tanh, lambda Δ, Z, A: Δ * (1 - A**2)),
    "relu": (lambda Z: Z * (Z > 0), lambda Δ, Z, A: Δ * (Z > 0)),
    "softplus": (lambda Z: np.logaddexp(0, Z), lambda Δ, Z, A: Δ * _sigmoid(Z)),
    "sin": (np.sin, lambda Δ, Z, A: Δ * np.cos(Z)),
    "softmax": (_softmax, lambda Δ, Z, A: A * (Δ - np.sum(Δ * A, axis=0))),
}

# Each loss: Δ⁽ᴸ⁾ of a sum over samples from A⁽ᴸ⁾ and Y; for the logit forms H⁽ᴸ⁾ from Z⁽ᴸ⁾ and Y.
LOSSES: dict[str, Callable[[Array, Array], Array]] = {
    "half_squared_error": lambda A, Y: A - Y,
    "binary_cross_entropy": lambda A, Y: (A - Y) / np.maximum(A * (1 - A), 1e-12),
    "cross_entropy": lambda A, Y: -Y / np.maximum(A, 1e-12),
    "binary_cross_entropy_with_logits": lambda Z, Y: _sigmoid(Z) - Y,
    "cross_entropy_with_logits": lambda Z, Y: _softmax(Z) * np.sum(Y, axis=0) - Y,
}


def gradients(
    parameters: Mapping[str, Array],
    X: Array,
    Y: Array,
    activations: Sequence[str],
    loss: str,
    reduction: str = "mean",
    batch_axis: int = 1,
) -> dict[str, Array]:
    """Every gradient of J by name: dZ1, dW1, db1, dA1, …, laid out as `batch_axis` says.

    `parameters` are arrays W1, b1, …; activations and losses go by the names that nn knows. For a
    `_with_logits` loss J does not depend on the last A, and there is no dA for it.

    >>> P = {"W1": np.array([[1.0, 2.0]]), "b1": np.array([[0.0]])}
    >>> X, Y = np.array([[2.0], [-1.0]]), np.array([[1.0]])
    >>> d = gradients(P, X, Y, ["sigmoid"], "binary_cross_entropy")
    >>> {name: value.tolist() for name, value in d.items()}
    {'dA1': [[-2.0]], 'dZ1': [[-0.5]], 'dW1': [[-1.0, 0.5]], 'db1': [[-0.5]]}
    """
    if batch_axis == 0:
        columns = gradients(
            {k: p.T for k, p in parameters.items()}, X.T, Y.T, activations, loss, reduction
        )
        return {name: value.T for name, value in columns.items()}
    Z, A = forward(parameters, X, activations)
    L, m = len(activations), X.shape[1] if reduction == "mean" else 1
    d: dict[str, Array] = {}
    for l in range(L, 0, -1):
        if l == L and loss.endswith("_with_logits"):
            H = LOSSES[loss](Z[L], Y) / m
        else:
            Δ = LOSSES[loss](A[L], Y) / m if l == L else parameters[f"W{l + 1}"].T @ H
            H = ACTIVATIONS[activations[l - 1]][1](Δ, Z[l], A[l])
            d[f"dA{l}"] = Δ
        d[f"dZ{l}"] = H
        d[f"dW{l}"] = H @ A[l - 1].T
        d[f"db{l}"] = H @ np.ones((X.shape[1], 1), X.dtype)
    return d


def forward(
    parameters: Mapping[str, Array], X: Array, activations: Sequence[str]
) -> tuple[dict[int, Array], dict[int, Array]]:
    """Z and A by layer number, for samples in columns; A[0] is X."""
    Z: dict[int, Array] = {}
    A = {0: X}
    for l, activation in enumerate(activations, start=1):
        Z[l] = parameters[f"W{l}"] @ A[l - 1] + parameters[f"b{l}"]
        A[l] = ACTIVATIONS[activation][0](Z[l])
    return Z, A


def tape_gradients(net: Network, X: Array, Y: Array, loss: losses.Loss) -> dict[str, Array]:
    """The same gradients, under the same names, from the tape."""
    f = net.forward(X)
    output = (f.Z if loss.takes_logits else f.A)[net.L]
    J = loss(output, Y, batch_axis=net.batch_axis)
    unused = f.A[net.L] if loss.takes_logits else None
    tensors = [t for layer in f.layers.values() for t in layer if t is not unused]
    return {f"d{t.name}": g for t, g in zip(tensors, ag.gradients(J, tensors), strict=True)}


def relative_error(value: Array, reference: Array) -> float:
    """The largest difference over the largest value of the reference; inf for another shape or nan.

    >>> relative_error(np.array([1.0, 2.0]), np.array([1.0, 2.5]))
    0.2
    """
    if np.shape(value) != np.shape(reference):
        return np.inf
    difference, largest = np.abs(value - reference).max(), np.abs(reference).max()
    if difference == 0:
        return 0.0
    error = float(difference / largest) if largest else np.inf
    return error if np.isfinite(error) else np.inf


TOLERANCE = 1e-10  # of the tape's gradients against the closed form, relative


class Row(NamedTuple):
    """A gradient of a network in training, and by how much tape and closed form differ at most."""

    data: str
    quantity: str
    error: float

    @property
    def agrees(self) -> bool:
        """Whether the two are equal up to rounding."""
        return self.error <= TOLERANCE


def compare_training(rng: int = 0, epochs: int = 2000) -> list[Row]:
    """Train on planar and on breast cancer; compare dW, db, dZ, dA of every layer on the way.

    The tape and the closed form are compared at the start, in the middle and at the end; each row
    has the largest relative error of the three. Breast cancer takes a tenth of the epochs.

    >>> rows = compare_training(epochs=20)
    >>> [row.quantity for row in rows if row.data == "planar"]
    ['dA2', 'dZ2', 'dW2', 'db2', 'dA1', 'dZ1', 'dW1', 'db1']
    """
    X, Y = datasets.planar(400, rng)
    rows = _compare("planar", [2, 4, 1], X, Y, rate=1.2, epochs=epochs, rng=rng)
    X, Y = datasets.breast_cancer()
    X = datasets.standardize(X)
    return rows + _compare(
        "breast cancer", [30, 8, 4, 1], X, Y, rate=0.5, epochs=epochs // 10, rng=rng
    )


def _compare(
    data: str, sizes: list[int], X: Array, Y: Array, rate: float, epochs: int, rng: int
) -> list[Row]:
    names = ["tanh"] * (len(sizes) - 2) + ["sigmoid"]
    net, loss = Network(sizes, names, rng), losses.binary_cross_entropy
    errors: dict[str, float] = {}
    for part in (0, epochs // 2, epochs - epochs // 2):
        fit(net, X, Y, loss, optimizers.GradientDescent(rate), epochs=part, progress=False)
        values = {name: p.numpy() for name, p in net.parameters().items()}
        taped = tape_gradients(net, X, Y, loss)
        for name, gradient in gradients(values, X, Y, names, loss.__name__).items():
            error = relative_error(taped[name], gradient)
            errors[name] = max(errors.get(name, 0.0), error)
    return [Row(data, name, error) for name, error in errors.items()]
