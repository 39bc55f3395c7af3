"""How parameters follow their gradients. An optimizer gives a parameter a new array as its `.data`
and never writes into the old one, so a tape that has seen the old one stays right.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

import autograd_lite as ag

Array = NDArray[Any]


class Optimizer:
    """What all optimizers share. One of one's own needs only `change`; see GradientDescent.

    What an optimizer remembers it remembers for each parameter: after a first step it belongs to
    the network that it stepped.
    """

    def __init__(self, rate: float) -> None:
        self.rate = _positive("rate", rate)
        self._memory: dict[str, tuple[ag.Tensor, dict[str, Any]]] = {}

    def change(self, gradient: Array, memory: dict[str, Any]) -> Array:
        """What to add to a parameter. `memory` is this parameter's own, empty at its first step."""
        raise NotImplementedError

    def step(
        self, parameters: Mapping[str, ag.Tensor], gradients: Mapping[str, Array] | None = None
    ) -> None:
        """Change every parameter by one step.

        `gradients` are arrays by the parameters' names; without them each `.grad` is used, as
        `J.backward()` left it. Raises ValueError, before any parameter is changed, if one has no
        gradient.

        >>> W = ag.Tensor([[1.0, 2.0]], requires_grad=True, name="W")
        >>> GradientDescent(rate=0.5).step({"W": W}, {"W": np.array([[2.0, 2.0]])})
        >>> W.numpy()
        array([[0., 1.]])
        """
        if not isinstance(parameters, Mapping):
            raise TypeError(
                "step takes parameters by name, as in optimizer.step(net.parameters()), not a "
                f"{type(parameters).__name__}"
            )
        arrays: dict[str, Array] = {}
        for name, parameter in parameters.items():
            gradient = parameter.grad if gradients is None else gradients.get(name)
            if gradient is None:
                raise ValueError(f"{name} has no gradient: call J.backward() before the step")
            arrays[name] = gradient
        for name, parameter in parameters.items():
            memory = self.memory_of(name, parameter)
            parameter.data = parameter.data + self.change(arrays[name], memory)

    def memory_of(self, name: str, parameter: ag.Tensor) -> dict[str, Any]:
        """What is remembered for this parameter, and will be changed by the next step."""
        owner, memory = self._memory.get(name, (None, {}))
        if owner is not parameter:  # another network's parameter of this name
            memory = {}
            self._memory[name] = (parameter, memory)
        return memory


class GradientDescent(Optimizer):
    """W ← W − rate · ∂J/∂W.

    >>> GradientDescent(rate=0.5).change(np.array([2.0, -4.0]), {})
    array([-1.,  2.])
    """

    def change(self, gradient: Array, memory: dict[str, Any]) -> Array:
        return -self.rate * gradient


class Momentum(Optimizer):
    """V ← momentum · V + ∂J/∂W, W ← W − rate · V, with V = ∂J/∂W at first; as PyTorch's SGD.

    >>> optimizer, memory = Momentum(rate=1, momentum=0.5), {}
    >>> [optimizer.change(np.array([1.0]), memory).item() for step in range(3)]
    [-1.0, -1.5, -1.75]
    """

    def __init__(self, rate: float, momentum: float = 0.9) -> None:
        super().__init__(rate)
        self.momentum = _fraction("momentum", momentum)

    def change(self, gradient: Array, memory: dict[str, Any]) -> Array:
        # (Always a new array: the gradient is the caller's, who may write into it.)
        V = self.momentum * memory["V"] + gradient if memory else gradient + 0
        memory["V"] = V
        return -self.rate * V


class Adam(Optimizer):
    """Steps of about `rate` in each entry, from running means of the gradient and its square.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", 2015; as PyTorch's Adam.

    >>> step = Adam(rate=0.1).change(np.array([5.0, -0.01]), {})
    >>> step.round(6)
    array([-0.1,  0.1])
    """

    def __init__(
        self,
        rate: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
    ) -> None:
        super().__init__(rate)
        self.beta1 = _fraction("beta1", beta1)
        self.beta2 = _fraction("beta2", beta2)
        self.epsilon = _positive("epsilon", epsilon)

    def change(self, gradient: Array, memory: dict[str, Any]) -> Array:
        k = memory.get("k", 0) + 1
        M = self.beta1 * memory.get("M", 0) + (1 - self.beta1) * gradient
        V = self.beta2 * memory.get("V", 0) + (1 - self.beta2) * gradient * gradient
        memory.update(k=k, M=M, V=V)
        scale = np.sqrt(V) / math.sqrt(1 - self.beta2**k) + self.epsilon
        return -self.rate / (1 - self.beta1**k) * (M / scale)


def _positive(name: str, value: float) -> float:
    """As a Python float, which leaves float32 parameters float32."""
    if isinstance(value, str) or not 0 < value < math.inf:
        raise ValueError(f"{name}={value!r}: it must be a positive number")
    return float(value)


def _fraction(name: str, value: float) -> float:
    if isinstance(value, str) or not 0 <= value < 1:
        raise ValueError(f"{name}={value!r}: it must be at least 0 and less than 1")
    return float(value)


BY_NAME: dict[str, type[Optimizer]] = {
    "gradient_descent": GradientDescent,
    "momentum": Momentum,
    "adam": Adam,
}
