"""What reports call a tensor without a name: how it is computed, or where it stands."""

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.diagnosis.names import MOST_LETTERS, TensorNames
from autograd_lite.diagnosis.points import Paths
from autograd_lite.graph import steps

CASES = {
    "W @ X": "(W @ X)",
    "W @ X.T @ W": "((W @ X.T) @ W)",
    "W.T": "W",  # a view is called by what it is taken of
    "(X - Y) ** 2": "(X − Y)²",
    "np.sum((X - Y) ** 2, axis=1)": "the sum over axis 1 of (X − Y)²",
    "np.sum(X)": "the sum of X",
    "np.mean(X, axis=(0, 1), keepdims=True)": "the mean of X",
    "np.max(X, axis=0)": "the maximum over axis 0 of X",
    "2 * X / Y": "((2 X) / Y)",
    "1 - X": "(1 − X)",
    "-X": "(−X)",
    "np.exp(X - Y)": "exp(X − Y)",
    "np.tanh(W @ X)": "tanh(W @ X)",
    "X[:, 1:]": "X[:, 1:]",
    "X[[0, 0]]": "the rows of X",
    "np.sum(X) / Y": "the quotient in J",  # the words of a sum have no end
    "np.cos(np.cos(np.cos(np.cos(X))))": "the cos in J",
    "np.where(X.data > 0, X, Y)": "the where in J",
}


@pytest.mark.parametrize("code", CASES)
def test_a_tensor_without_a_name_is_called_by_how_it_is_computed(code, rng):
    variables = {name: ag.Tensor(rng.normal(size=(4, 4)), True, name) for name in "WXY"}
    unnamed = eval(code, {"np": np}, dict(variables))
    J = np.sum(np.sin(unnamed)).named("J")
    recorded = steps(J)
    name = TensorNames(Paths(recorded)).name(recorded.step(unnamed))
    assert name == CASES[code]
    assert len(name) <= MOST_LETTERS


def test_every_text_of_a_report_uses_these_names(rng):
    """Tensors without names, handed in and passed on the way: none is called d(multiply)."""
    X, W = ag.Tensor(rng.normal(size=(4, 3)), True), ag.Tensor(rng.normal(size=(3, 2)), True, "W")
    Z = X @ W
    E = np.exp(Z)
    J = np.sum(E / np.sum(E, axis=1, keepdims=True) * Z)
    dZ, dE = ag.gradients(J, [Z, E])
    for wrong in ({Z: -dZ}, {E: 2 * dE}, {E: dE.T}, {X: dZ @ W.data.T + 1}, {Z: dZ, E: -dE}):
        text = str(ag.compare(J, wrong, values={E: np.exp(Z.data) + 1}))
        for operation in ("dot", "matmul", "multiply", "divide", "exp (4", "leaf"):
            assert operation not in text, text
