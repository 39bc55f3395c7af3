"""The gradients of an L-layer network in closed form: the recursion of document 001, section 5.

`gradients` is plain NumPy that knows nothing of the tape. In the documents' letters Δ = ∂J/∂A and
H = ∂J/∂Z, and from the last layer down

    H⁽ˡ⁾ = Δ⁽ˡ⁾ ∘ σ′(Z⁽ˡ⁾),  ∂J/∂W⁽ˡ⁾ = H⁽ˡ⁾ A⁽ˡ⁻¹⁾ᵀ,  ∂J/∂b⁽ˡ⁾ = H⁽ˡ⁾ 1,  Δ⁽ˡ⁻¹⁾ = W⁽ˡ⁾ᵀ H⁽ˡ⁾.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

import autograd_lite as ag
from nn import datasets, losses, optimizers
from nn.arrays import Array
from nn.network import Network
from nn.training import fit


def _sigmoid(Z: Array) -> Array:
    return np.where(Z >= 0, 1, np.exp(-np.abs(Z))) / (1 + np.exp(-np.abs(Z)))


def _softmax(Z: Array) -> Array:
    powers = np.exp(Z - Z.max(axis=0))
    return powers / powers.sum(axis=0)


def _gaussian(A: Array, Y: Array) -> Array:
    mean, log_variance = np.split(A, 2)
    precision = 1 / np.exp(log_variance)
    return np.vstack([precision * (mean - Y), 0.5 - 0.5 * precision * (mean - Y) ** 2])


# Samples are columns from here on. Each activation: σ(Z), and H from Δ, Z and A.
ActivationForm = tuple[Callable[[Array], Array], Callable[[Array, Array, Array], Array]]
ACTIVATION_FORMS: dict[str, ActivationForm] = {
    "identity": (lambda Z: Z, lambda Δ, Z, A: Δ),
    "sigmoid": (_sigmoid, lambda Δ, Z, A: Δ * A * (1 - A)),
    "tanh": (np.tanh, lambda Δ, Z, A: Δ * (1 - A**2)),
    "relu": (lambda Z: Z * (Z > 0), lambda Δ, Z, A: Δ * (Z > 0)),
    "softplus": (lambda Z: np.logaddexp(0, Z), lambda Δ, Z, A: Δ * _sigmoid(Z)),
    "sin": (np.sin, lambda Δ, Z, A: Δ * np.cos(Z)),
    "softmax": (_softmax, lambda Δ, Z, A: A * (Δ - np.sum(Δ * A, axis=0))),
}

# Each loss: Δ⁽ᴸ⁾ of a sum over samples from A⁽ᴸ⁾ and Y; for the logit forms H⁽ᴸ⁾ from Z⁽ᴸ⁾ and Y.
LOSS_FORMS: dict[str, Callable[[Array, Array], Array]] = {
    "half_squared_error": lambda A, Y: A - Y,
    "binary_cross_entropy": lambda A, Y: (A - Y) / np.maximum(A * (1 - A), 1e-12),
    "cross_entropy": lambda A, Y: -Y / np.maximum(A, 1e-12),
    "binary_cross_entropy_with_logits": lambda Z, Y: _sigmoid(Z) - Y,
    "cross_entropy_with_logits": lambda Z, Y: _softmax(Z) * np.sum(Y, axis=0) - Y,
    "huber": lambda A, Y: np.clip(A - Y, -1, 1),
    "hinge": lambda Z, Y: np.where((2 * Y - 1) * Z < 1, 1 - 2 * Y, 0),
    "gaussian": _gaussian,
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

    `parameters` are the arrays W1, b1, …; activations and losses are given by their names in nn. J
    of a `_with_logits` loss does not depend on the last A, so there is no dA for it.

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
        if l == L and losses.BY_NAME[loss].takes_logits:
            H = LOSS_FORMS[loss](Z[L], Y) / m
        else:
            Δ = LOSS_FORMS[loss](A[L], Y) / m if l == L else parameters[f"W{l + 1}"].T @ H
            H = ACTIVATION_FORMS[activations[l - 1]][1](Δ, Z[l], A[l])
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
        A[l] = ACTIVATION_FORMS[activation][0](Z[l])
    return Z, A


def tape_gradients(net: Network, X: Array, Y: Array, loss: losses.Loss) -> dict[str, Array]:
    """The same gradients, under the same names, from the tape."""
    f = net.forward(X)
    J = loss(loss.output_of(f), Y, batch_axis=net.batch_axis)
    unused = f.A[net.L] if loss.takes_logits else None
    tensors = [t for layer in f.layers.values() for t in layer if t is not unused]
    return {f"d{t.name}": g for t, g in zip(tensors, ag.gradients(J, tensors), strict=True)}


def relative_error(value: Any, reference: Any, scale: float | None = None) -> float:
    """The largest difference, relative to `scale`, by default the largest value of the reference.

    It is infinite if the shapes differ, or if nan or infinity is among the values.

    >>> relative_error(np.array([1.0, 2.0]), np.array([1.0, 2.5]))
    0.2
    """
    if np.shape(value) != np.shape(reference):
        return np.inf
    difference = np.abs(value - reference).max(initial=0)
    if difference == 0:
        return 0.0
    scale = np.abs(reference).max() if scale is None else scale
    error = float(difference / scale) if scale else np.inf
    return error if np.isfinite(error) else np.inf


TAPE_TOLERANCE = 1e-10  # of the tape's gradients against the closed form, relative


class Row(NamedTuple):
    """A gradient of a network in training, and its largest difference from the closed form."""

    data: str
    quantity: str
    error: float

    @property
    def agrees(self) -> bool:
        """True if the two are equal up to rounding."""
        return self.error <= TAPE_TOLERANCE


class Exercise(NamedTuple):
    """A network before its training, its samples, and a rate at which it learns."""

    data: str
    net: Network
    X: Array
    Y: Array
    rate: float


def planar_exercise(rng: int = 0) -> Exercise:
    """A 2-4-1 network and the 400 points of the plane."""
    X, Y = datasets.planar(400, rng)
    return Exercise("planar", Network([2, 4, 1], ["tanh", "sigmoid"], rng), X, Y, rate=1.2)


def breast_cancer_exercise(rng: int = 0) -> Exercise:
    """A 30-8-4-1 network and scikit-learn's breast-cancer samples, standardized."""
    X, Y = datasets.breast_cancer()
    net = Network([30, 8, 4, 1], ["tanh", "tanh", "sigmoid"], rng)
    return Exercise("breast cancer", net, datasets.standardize(X), Y, rate=0.5)


def compare_training(rng: int = 0, epochs: int = 2000) -> list[Row]:
    """Train on planar and on breast cancer; compare dW, db, dZ, dA of every layer on the way.

    The tape and the closed form are compared at the start, in the middle and at the end; each row
    has the largest relative error of the three. Breast cancer takes a tenth of the epochs.

    >>> rows = compare_training(epochs=20)
    >>> [row.quantity for row in rows if row.data == "planar"]
    ['dA2', 'dZ2', 'dW2', 'db2', 'dA1', 'dZ1', 'dW1', 'db1']
    """
    rows = _compare(planar_exercise(rng), epochs)
    return rows + _compare(breast_cancer_exercise(rng), epochs // 10)


def _compare(exercise: Exercise, epochs: int) -> list[Row]:
    data, net, X, Y, rate = exercise
    loss, names = losses.binary_cross_entropy, [str(name) for name in net.activations]
    errors: dict[str, float] = {}
    for part in (0, epochs // 2, epochs - epochs // 2):
        fit(net, X, Y, loss, optimizers.GradientDescent(rate), epochs=part, progress=False)
        values = {name: p.numpy() for name, p in net.parameters().items()}
        taped = tape_gradients(net, X, Y, loss)
        for name, gradient in gradients(values, X, Y, names, loss.__name__).items():
            error = relative_error(taped[name], gradient)
            errors[name] = max(errors.get(name, 0.0), error)
    return [Row(data, name, error) for name, error in errors.items()]
