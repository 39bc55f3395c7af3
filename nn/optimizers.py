"""Optimizers: the steps that parameters take along their gradients.

An optimizer sets a parameter's `.data` to a new array and never writes into the old one, so a tape
that recorded the old one stays right.
"""

from __future__ import annotations

import copy
import functools
import math
import weakref
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

import autograd_lite as ag
from nn.arrays import Array, checked_fraction, checked_number, checked_positive

ParameterState = list[tuple[ag.Tensor, Array, dict[str, Any]]]  # each with its value and memory
OPTIONAL = {"weight_decay", "clip"}
SETTINGS = {"rate", "momentum", "beta", "beta1", "beta2", "epsilon", *OPTIONAL}


class Optimizer:
    """The base of all optimizers. A subclass needs only `change`; see GradientDescent.

    With `weight_decay`, a step also takes rate · weight_decay · W off every weight: parameters
    whose names begin with W, so biases, scales and shifts are left out. It is decoupled from the
    gradient. Source: Loshchilov and Hutter, "Decoupled weight decay regularization", 2019. With
    `clip`, gradients whose norm, taken over all parameters together, is larger are scaled down to
    it, before anything else. Both are None by default: neither is done.

    An optimizer keeps a memory for each parameter, as long as the parameter lives, so that one
    optimizer can step several networks in turn.
    """

    remembers: tuple[str, ...] = ()  # names in a memory: arrays, zeros at first, and k

    def __init__(
        self, rate: float, weight_decay: float | None = None, clip: float | None = None
    ) -> None:
        self.rate = checked_positive("rate", rate)
        self.weight_decay = weight_decay and checked_positive("weight_decay", weight_decay)
        self.clip = None if clip is None else checked_positive("clip", clip)
        self._memory: dict[int, tuple[weakref.ref[ag.Tensor], dict[str, Any]]] = {}

    def __setattr__(self, name: str, value: Any) -> None:
        """Store settings as Python numbers: NumPy's would turn float32 parameters to float64."""
        absent = value is None and name in OPTIONAL
        if (name in SETTINGS and not absent) or isinstance(value, np.floating):
            value = checked_number(name, value)
        super().__setattr__(name, value)

    def change(self, gradient: Array, memory: dict[str, Any]) -> Array:
        """The array to add to a parameter. `memory` is its own, and empty at its first step."""
        raise NotImplementedError

    def numbers(self, k: int) -> tuple[float, ...]:
        """The numbers that `change` uses in step k = 1, 2, … and that differ from step to step."""
        return ()

    def changed(self, name: str, value: Array, gradient: Array, memory: dict[str, Any]) -> Array:
        """The value of a parameter after a step: `change` and the decay of weights."""
        new = value + self.change(gradient, memory)
        if self.weight_decay is None or not name.startswith("W"):
            return new
        return new - self.rate * self.weight_decay * value

    def clipped(self, gradients: dict[str, Array]) -> dict[str, Array]:
        """The gradients, scaled down if their common norm is larger than `clip`.

        >>> GradientDescent(1, clip=1.0).clipped({"W": np.array([3.0]), "b": np.array([4.0])})
        {'W': array([0.6]), 'b': array([0.8])}
        """
        if self.clip is None:
            return gradients
        squares = sum(np.sum(np.square(g)) for g in gradients.values())
        share = self.clip / np.maximum(np.sqrt(squares), self.clip)
        return {name: g * share for name, g in gradients.items()}

    def step(
        self, parameters: Mapping[str, ag.Tensor], gradients: Mapping[str, Array] | None = None
    ) -> None:
        """Change every parameter by one step.

        `gradients` are arrays by the parameters' names; without them, each parameter's `.grad` is
        used. Raises ValueError if a gradient is missing or has another shape. Either all parameters
        and memories are changed or none is, even on Ctrl-C.

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
        arrays = {
            name: _gradient(name, p, p.grad if gradients is None else gradients.get(name))
            for name, p in parameters.items()
        }
        arrays = self.clipped(arrays)
        after: ParameterState = []
        for name, parameter in parameters.items():
            memory = self._own(self.memory_of(parameter))
            new = self.changed(name, parameter.data, arrays[name], memory)
            after.append((parameter, new, memory))
        before = self.state(parameters.values())
        try:
            self.restore(after)
        except BaseException:
            self.restore(before)
            raise

    def memory_of(self, parameter: ag.Tensor) -> dict[str, Any]:
        """The memory of this parameter, which is not to be written to."""
        return self._memory[id(parameter)][1] if id(parameter) in self._memory else {}

    def state(self, parameters: Iterable[ag.Tensor]) -> ParameterState:
        """The present values and memories of the parameters: all that a step changes."""
        return [(p, p.data, self.memory_of(p)) for p in parameters]

    def restore(self, state: ParameterState) -> None:
        """Set the parameters to the values and memories of a state."""
        for parameter, value, memory in state:
            parameter.data = value
            self._remember(parameter, memory)

    def _remember(self, parameter: ag.Tensor, memory: dict[str, Any]) -> None:
        key, kept = id(parameter), self._memory
        if memory:
            # (No code of Python's own, in which Ctrl-C would be lost.)
            kept[key] = (weakref.ref(parameter, functools.partial(kept.pop, key)), memory)
        else:
            kept.pop(key, None)

    def _own(self, memory: dict[str, Any]) -> dict[str, Any]:
        """A copy of a memory for `change`, which may write into its arrays unless it is ours."""
        return dict(memory) if type(self) in BY_NAME.values() else copy.deepcopy(memory)

    def __getstate__(self) -> dict[str, Any]:
        alive = [(reference(), memory) for reference, memory in [*self._memory.values()]]
        return vars(self) | {"_memory": [(p, m) for p, m in alive if p is not None]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state | {"_memory": {}})
        for parameter, memory in state["_memory"]:
            self._remember(parameter, memory)


def _gradient(name: str, parameter: ag.Tensor, gradient: Any) -> Array:
    """The gradient as an array. Raises ValueError or TypeError if it is not this parameter's."""
    if gradient is None:
        raise ValueError(f"{name} has no gradient: call J.backward() before the step")
    if not isinstance(gradient, np.ndarray | np.generic):
        raise TypeError(
            f"the gradient of {name} is a {type(gradient).__name__}: it must be an array"
        )
    if gradient.shape != parameter.shape:
        hint = " Its transpose would fit." if gradient.shape[::-1] == parameter.shape else ""
        raise ValueError(
            f"the gradient of {name} is {gradient.shape}, {name} itself {parameter.shape}: they "
            f"must have the same shape.{hint}"
        )
    return np.asarray(gradient)


class GradientDescent(Optimizer):
    """W ← W − rate · ∂J/∂W.

    >>> GradientDescent(rate=0.5).change(np.array([2.0, -4.0]), {})
    array([-1.,  2.])
    """

    def change(self, gradient: Array, memory: dict[str, Any]) -> Array:
        return -self.rate * gradient


class Momentum(Optimizer):
    """V ← momentum · V + ∂J/∂W, W ← W − rate · V, with V = ∂J/∂W at first; as PyTorch's SGD.

    With `nesterov`, W ← W − rate · (∂J/∂W + momentum · V): the gradient where momentum leads.

    >>> optimizer, memory = Momentum(rate=1, momentum=0.5), {}
    >>> [optimizer.change(np.array([1.0]), memory).item() for step in range(3)]
    [-1.0, -1.5, -1.75]
    """

    remembers = ("V",)

    def __init__(
        self, rate: float, momentum: float = 0.9, nesterov: bool = False, **options: float | None
    ) -> None:
        super().__init__(rate, **options)
        self.momentum = checked_fraction("momentum", momentum)
        self.nesterov = bool(nesterov)

    def change(self, gradient: Array, memory: dict[str, Any]) -> Array:
        # (Always a new array: the gradient is the caller's, who may write into it.)
        V = self.momentum * memory["V"] + gradient if memory else gradient + 0
        memory["V"] = V
        return -self.rate * (gradient + self.momentum * V if self.nesterov else V)


class RMSprop(Optimizer):
    """V ← β V + (1 − β) (∂J/∂W)², W ← W − rate · ∂J/∂W / (√V + ε); as PyTorch's RMSprop.

    Source: Tieleman and Hinton, "Neural networks for machine learning", lecture 6.5, 2012.

    >>> RMSprop(rate=0.1, beta=0.75).change(np.array([5.0, -0.01]), {}).round(6)
    array([-0.2,  0.2])
    """

    remembers = ("V",)

    def __init__(
        self, rate: float = 0.01, beta: float = 0.99, epsilon: float = 1e-8, **options: float | None
    ) -> None:
        super().__init__(rate, **options)
        self.beta = checked_fraction("beta", beta)
        self.epsilon = checked_positive("epsilon", epsilon)

    def numbers(self, k: int) -> tuple[float, ...]:
        return (1 - self.beta,)

    def change(self, gradient: Array, memory: dict[str, Any]) -> Array:
        (new,) = self.numbers(1)
        V = self.beta * memory.get("V", 0) + new * gradient * gradient
        memory["V"] = V
        return -self.rate * (gradient / (np.sqrt(V) + self.epsilon))


class Adam(Optimizer):
    """Steps of about `rate` in each entry, from running means of the gradient and its square.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", 2015; as PyTorch's Adam.

    >>> step = Adam(rate=0.1).change(np.array([5.0, -0.01]), {})
    >>> step.round(6)
    array([-0.1,  0.1])
    """

    remembers = ("k", "M", "V")

    def __init__(
        self,
        rate: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        **options: float | None,
    ) -> None:
        super().__init__(rate, **options)
        self.beta1 = checked_fraction("beta1", beta1)
        self.beta2 = checked_fraction("beta2", beta2)
        self.epsilon = checked_positive("epsilon", epsilon)

    def numbers(self, k: int) -> tuple[float, ...]:
        """The rate and the root of step k, corrected for means that begin at zero, and 1 − β."""
        beta1, beta2 = self.beta1, self.beta2
        return self.rate / (1 - beta1**k), math.sqrt(1 - beta2**k), 1 - beta1, 1 - beta2

    def change(self, gradient: Array, memory: dict[str, Any]) -> Array:
        k = memory.get("k", 0) + 1
        rate, root, new1, new2 = self.numbers(k)
        M = self.beta1 * memory.get("M", 0) + new1 * gradient
        V = self.beta2 * memory.get("V", 0) + new2 * gradient * gradient
        memory.update(k=k, M=M, V=V)
        return -rate * (M / (np.sqrt(V) / root + self.epsilon))


class AdamW(Adam):
    """Adam with the decay of weights, 0.01 if nothing else is said; as PyTorch's AdamW.

    >>> AdamW(weight_decay=0.1).weight_decay
    0.1
    """

    def __init__(self, *args: float, weight_decay: float | None = 0.01, **options: float | None):
        super().__init__(*args, weight_decay=weight_decay, **options)  # type: ignore[arg-type]


BY_NAME: dict[str, type[Optimizer]] = {
    "gradient_descent": GradientDescent,
    "momentum": Momentum,
    "rmsprop": RMSprop,
    "adam": Adam,
    "adamw": AdamW,
}
