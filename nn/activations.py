"""The activations that a network knows by name. Any other function of a Tensor is one as well."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_lite as ag

ActivationFunction = Callable[[Any], Any]


@ag.differentiable(lambda g, y, Z: g)
def identity(Z: Any) -> Any:
    """Z as another Tensor, so that A and Z can have different names.

    >>> identity(np.array([[-2.0, 3.0]]))
    array([[-2.,  3.]])
    """
    return np.positive(Z)


BY_NAME: dict[str, ActivationFunction] = {
    "identity": identity,
    "sigmoid": ag.sigmoid,
    "tanh": np.tanh,
    "relu": ag.relu,
    "softplus": ag.softplus,
    "sin": np.sin,
}
OF_CLASSES = ("sigmoid", "softmax")  # their results are probabilities
NAMES = (*BY_NAME, "softmax")  # softmax also needs to know along which axis the classes lie


def shown(given: Any) -> str:
    """A function's name, or another value as Python shows it, the same in every process.

    >>> shown(np.tanh), shown("tanh"), shown(object())
    ('tanh', "'tanh'", '<object object>')
    """
    return getattr(given, "__name__", None) or re.sub(" at 0x[0-9A-Fa-f]+", "", repr(given))


def check_activation(activation: str | ActivationFunction) -> None:
    """Raise ValueError, with the names that there are, for what is no activation."""
    if not callable(activation) and activation not in NAMES:
        raise ValueError(
            f"no activation is called {activation!r}; there are {', '.join(NAMES)}, or give a "
            "function of a Tensor"
        )


def activate(
    activation: str | ActivationFunction, Z: ag.Tensor, batch_axis: int, layer: int
) -> ag.Tensor:
    """A = σ(Z) for the activation of one layer: a new Tensor of Z's shape.

    Raises TypeError or ValueError, naming the layer, if a function given as the activation returns
    something other than a Tensor, or a Tensor of another shape.

    >>> Z = ag.Tensor([[0.0, 1.0], [0.0, 1.0]])
    >>> activate("softmax", Z, batch_axis=1, layer=2).numpy()
    array([[0.5, 0.5],
           [0.5, 0.5]])
    """
    if isinstance(activation, str):
        if activation == "softmax":
            return ag.softmax(Z, axis=1 - batch_axis)
        return BY_NAME[activation](Z)
    A = activation(Z)
    called = f"the activation of layer {layer}, {getattr(activation, '__name__', activation)},"
    if not isinstance(A, ag.Tensor):
        raise TypeError(
            f"{called} returned {type(A).__name__}: it must return a Tensor, computed from Z{layer}"
            " by operators, NumPy functions or functions of autograd_lite"
        )
    if A.shape != Z.shape:
        raise ValueError(
            f"{called} returned shape {A.shape} for Z{layer} {Z.shape}: keep the shape"
        )
    return identity(A) if A is Z else A
