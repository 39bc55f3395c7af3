"""The steps of an epoch of training: on the tape, or compiled, with the same numbers.

All kinds of Steps are used alike: `begin` reads the network's parameters, `take` takes one step for
each batch, `end` gives the network the parameters after the last whole step.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

import autograd_lite as ag
from nn.network import Forward, Network
from nn.optimizers import GradientDescent, Momentum, Optimizer

Array = NDArray[Any]
Part = tuple[slice, ...]  # a batch, as an index into X and Y
Cost = Callable[[Forward, ag.Tensor], tuple[ag.Tensor, ag.Tensor]]
# Their `change` is arithmetic on arrays and on numbers that may be arguments of compiled code.
COMPILED = (GradientDescent, Momentum)


class NotFinite(FloatingPointError):
    """The cost of the batch `part` is nan or infinite; no step was taken for it."""

    def __init__(self, part: Part) -> None:
        self.part = part


class Steps:
    """Steps on the tape. `cost` makes of a forward pass J and what J is computed from."""

    def __init__(self, net: Network, cost: Cost, optimizer: Optimizer) -> None:
        self.net, self.cost, self.optimizer = net, cost, optimizer
        self.parameters = net.parameters()
        self.whole: dict[str, Array] = {}

    def begin(self) -> None:
        """Start from the network's parameters."""
        self.whole = {name: parameter.data for name, parameter in self.parameters.items()}

    def end(self) -> None:
        """Undo what an interrupted step has changed."""
        for name, parameter in self.parameters.items():
            if parameter.data is not self.whole[name]:
                parameter.data = self.whole[name]

    def take(self, X: Array, Y: Array, parts: list[Part], outputs: Array) -> list[float]:
        """A step for each part: its J, before the step; what that is computed from in `outputs`."""
        costs = []
        for part in parts:
            J, gradients, outputs[part] = self.gradients(X[part], Y[part])
            if not math.isfinite(J):
                raise NotFinite(part)
            self.optimizer.step(self.parameters, gradients)
            self.whole = {name: parameter.data for name, parameter in self.parameters.items()}
            costs.append(float(J))
        return costs

    def gradients(self, X: Array, Y: Array) -> tuple[Any, dict[str, Array], Array]:
        """J, an array for each parameter, and what J is computed from."""
        samples = ag.Tensor(X, name="X"), ag.Tensor(Y, name="Y")
        J, output = self.cost(self.net.forward(samples[0], self.parameters), samples[1])
        gradients = ag.gradients(J, list(self.parameters.values()))
        return J, dict(zip(self.parameters, gradients, strict=True)), output.data


class CompiledGradients(Steps):
    """The gradients compiled, the optimizer as it is."""

    def __init__(self, net: Network, cost: Cost, optimizer: Optimizer) -> None:
        super().__init__(net, cost, optimizer)
        self.compiled = ag.compile(self._gradients)

    def _gradients(self, parameters: dict[str, Any], X: Any, Y: Any) -> tuple[Any, Any, Any]:
        outputs = []

        def J(parameters: dict[str, Any]) -> Any:
            J, output = self.cost(self.net.forward(X, parameters), Y)
            outputs.append(output)
            return J

        value, gradients = ag.value_and_grad(J)(parameters)
        return value, gradients, outputs[0]

    def arguments(self, X: Array, Y: Array) -> tuple[Any, ...]:
        """What the compiled function is given for one batch."""
        return self.whole, X, Y

    def gradients(self, X: Array, Y: Array) -> tuple[Any, dict[str, Array], Array]:
        J, gradients, output = self.compiled(self.whole, X, Y)
        return J, gradients, output


class CompiledSteps(CompiledGradients):
    """The whole step compiled, the optimizer's change included."""

    def __init__(self, net: Network, cost: Cost, optimizer: Optimizer) -> None:
        super().__init__(net, cost, optimizer)
        self.compiled = ag.compile(self._step)
        self.memory: dict[str, dict[str, Any]] = {}
        self.settings: dict[str, Any] = {}

    def _step(
        self, parameters: dict[str, Any], memory: Any, settings: dict[str, Any], X: Any, Y: Any
    ) -> tuple[Any, Any, Any, Any]:
        J, gradients, output = self._gradients(parameters, X, Y)
        optimizer = copy.copy(self.optimizer)
        vars(optimizer).update(settings)
        memory = {name: dict(memory.get(name, {})) for name in parameters}
        new = {
            name: parameter + optimizer.change(gradients[name], memory[name])
            for name, parameter in parameters.items()
        }
        return J, output, new, {name: kept for name, kept in memory.items() if kept}

    def begin(self) -> None:
        """Start from the network's parameters and the optimizer's present settings."""
        super().begin()
        memory = {name: self.optimizer.memory_of(name, p) for name, p in self.parameters.items()}
        self.memory = {name: kept for name, kept in memory.items() if kept}
        self.settings = {k: v for k, v in vars(self.optimizer).items() if not k.startswith("_")}

    def arguments(self, X: Array, Y: Array) -> tuple[Any, ...]:
        """What the compiled function is given for one batch."""
        return self.whole, self.memory, self.settings, X, Y

    def end(self) -> None:
        super().end()
        for name, kept in self.memory.items():
            self.optimizer.memory_of(name, self.parameters[name]).update(kept)

    def take(self, X: Array, Y: Array, parts: list[Part], outputs: Array) -> list[float]:
        costs, settings, run = [], self.settings, self.compiled
        whole, memory = self.whole, self.memory
        try:
            for k, part in enumerate(parts):
                J, output, *new = run(whole, memory, settings, X[part], Y[part])
                outputs[part] = output
                if not math.isfinite(J):
                    raise NotFinite(part)
                whole, memory = new
                costs.append(float(J))
                if k == len(parts) - 2:  # the last batch may be a smaller one
                    run = self.compiled
                elif k == 0:  # as all after it are, and what the optimizer remembers is known
                    run = run.unchecked(whole, memory, settings, X[part], Y[part])
        finally:
            self.whole, self.memory = whole, memory
        return costs


def compiled_steps(
    net: Network, cost: Cost, optimizer: Optimizer, batches: list[tuple[Array, Array]]
) -> Steps | None:
    """Compiled steps for batches (X, Y) of these shapes; None if they cannot be traced.

    What a loss or an activation of one's own does may depend on values, which only the tape can
    follow.
    """
    kind = CompiledSteps if type(optimizer) in COMPILED else CompiledGradients
    steps = kind(net, cost, optimizer)
    steps.begin()
    try:
        for X, Y in batches:
            steps.compiled.source(*steps.arguments(X, Y))
    except ag.TracingError:
        return None
    return steps
