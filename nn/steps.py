"""The steps of an epoch of training: on the tape, or compiled, with the same numbers.

All kinds of Steps are used alike: `begin` reads the parameters and the optimizer's memory, `take`
takes one step for each batch, `end` writes the result of the last whole step back to both.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from math import isfinite
from typing import Any

import numpy as np

import autograd_lite as ag
from nn.arrays import Array
from nn.batches import Batch
from nn.network import Forward, Network
from nn.optimizers import BY_NAME, SETTINGS, GradientDescent, Optimizer

StepState = tuple[dict[str, Array], dict[str, dict[str, Array]], int, dict[str, Array]]
NO_NOISE: dict[str, Array] = {}
Cost = Callable[[Forward, ag.Tensor], tuple[ag.Tensor, ag.Tensor]]
# The `change` of these is plain arithmetic on arrays and numbers, which can be compiled.
COMPILED = tuple(BY_NAME.values())


class NotFinite(FloatingPointError):
    """The step of `batch` was not taken, since its cost, or the parameter `name`, is not finite.

    `value` is the value that the parameter would have had. A batch in pieces is None.
    """

    def __init__(self, batch: Any, name: str | None = None, value: Any = None) -> None:
        self.batch, self.name, self.value = batch, name, value


class Steps:
    """Steps on the tape. `cost` gives J and the output that the loss takes, for a forward pass.

    `rng` draws the noise of the layers that are random.
    """

    def __init__(
        self, net: Network, cost: Cost, optimizer: Optimizer, rng: np.random.Generator | None = None
    ) -> None:
        self.net, self.cost, self.optimizer, self.rng = net, cost, optimizer, rng
        self.parameters = net.parameters()
        # Any other object with a `step` keeps its own memory; for it only parameters are kept.
        self.keeper = optimizer if isinstance(optimizer, Optimizer) else GradientDescent(1)

    def begin(self) -> None:
        """Start from the network's parameters."""

    def end(self) -> None:
        """Write the parameters back to the network, if it does not have them already."""

    def set_rate(self, rate: float) -> None:
        """Go on at another learning rate."""
        self.optimizer.rate = rate

    def take(self, batches: list[Any]) -> list[float]:
        """Take a step for each batch, and return the J of each before its step.

        Raises NotFinite in place of a step that would not be finite.
        """
        costs = []
        for batch in batches:
            X, Y, outputs = batch
            J, gradients, outputs[...], statistics = self.gradients(X, Y, self.noise(X))
            if not isfinite(J):
                raise NotFinite(batch)
            self.step(batch, gradients, statistics)
            costs.append(float(J))
        return costs

    def step(
        self, batch: Batch | None, gradients: dict[str, Array], statistics: dict[str, Array]
    ) -> None:
        """Take a step, or raise NotFinite and leave everything as it was."""
        before = self.keeper.state(self.parameters.values())
        measured = self.net.statistics()
        try:
            self.optimizer.step(self.parameters, gradients)
            _check(batch, {name: p.data for name, p in self.parameters.items()} | statistics)
            if statistics:
                self.net.set_statistics(statistics)
        except BaseException:
            self.keeper.restore(before)
            self.net.set_statistics(measured)
            raise

    def noise(self, X: Array) -> dict[str, Array]:
        """What is drawn for a step on these samples."""
        if self.rng is None:
            return NO_NOISE
        return self.net.noise(X.shape[-self.net.batch_axis], self.rng)

    def gradients(
        self, X: Array, Y: Array, noise: dict[str, Array]
    ) -> tuple[Any, dict[str, Array], Array, dict[str, Array]]:
        """J, the gradient of each parameter, the output that the loss takes, new statistics."""
        samples = ag.Tensor(X, name="X"), ag.Tensor(Y, name="Y")
        f = self.net.forward(samples[0], self.parameters, noise)
        J, output = self.cost(f, samples[1])
        gradients = ag.gradients(J, list(self.parameters.values()))
        statistics = {name: value.data for name, value in f.statistics.items()}
        return J, dict(zip(self.parameters, gradients, strict=True)), output.data, statistics


class CompiledGradients(Steps):
    """Steps whose gradients are compiled; the optimizer is called as it is."""

    def __init__(
        self, net: Network, cost: Cost, optimizer: Optimizer, rng: np.random.Generator | None = None
    ) -> None:
        super().__init__(net, cost, optimizer, rng)
        self.compiled = ag.compile(self._gradients)

    def _gradients(
        self,
        parameters: dict[str, Any],
        statistics: dict[str, Any],
        noise: dict[str, Any],
        X: Any,
        Y: Any,
    ) -> tuple[Any, Any, Any, Any]:
        passes = []

        def J(parameters: dict[str, Any]) -> Any:
            f = self.net.forward(X, {**parameters, **statistics}, noise)
            J, output = self.cost(f, Y)
            passes.append((output, f.statistics))
            return J

        value, gradients = ag.value_and_grad(J)(parameters)
        return value, gradients, *passes[0]

    def prepare(self, X: Array, Y: Array) -> None:
        """Compile for batches like this one. Raises ag.TracingError."""
        self.compiled.source(self._values(), self.net.statistics(), self._any_noise(X), X, Y)

    def _any_noise(self, X: Array) -> dict[str, Array]:
        """Noise for tracing, which takes nothing from the generator of the training."""
        if self.rng is None:
            return NO_NOISE
        return self.net.noise(X.shape[-self.net.batch_axis], np.random.default_rng(0))

    def _values(self) -> dict[str, Array]:
        return {name: parameter.data for name, parameter in self.parameters.items()}

    def gradients(
        self, X: Array, Y: Array, noise: dict[str, Array]
    ) -> tuple[Any, dict[str, Array], Array, dict[str, Array]]:
        found = self.compiled(self._values(), self.net.statistics(), noise, X, Y)
        J, gradients, output, statistics = found
        return J, gradients, output, statistics


class CompiledSteps(CompiledGradients):
    """Steps that are compiled as a whole, the optimizer's change included.

    `state` is all that a step changes, replaced at once: the parameters, the arrays in the
    optimizer's memory, the number of steps taken, and the statistics. It is None while the network
    and the optimizer have it. Its arrays are never written to.
    """

    def __init__(
        self, net: Network, cost: Cost, optimizer: Optimizer, rng: np.random.Generator | None = None
    ) -> None:
        super().__init__(net, cost, optimizer, rng)
        self.compiled = ag.compile(self._step)
        self.arrays = [name for name in optimizer.remembers if name != "k"]
        self.state: StepState | None = None
        self.begun: StepState | None = None
        self.settings: dict[str, Any] = {}
        self.runs: dict[int, Callable[..., Any]] = {}  # by the size of a batch's Y

    def _step(
        self,
        parameters: dict[str, Any],
        memory: dict[str, dict[str, Any]],
        settings: dict[str, Any],
        numbers: tuple[Any, ...],
        statistics: dict[str, Any],
        noise: dict[str, Any],
        X: Any,
        Y: Any,
    ) -> tuple[Any, Any, Any, Any, Any]:
        J, gradients, output, statistics = self._gradients(parameters, statistics, noise, X, Y)
        optimizer = copy.copy(self.optimizer)
        vars(optimizer).update(settings, numbers=lambda k: numbers)
        gradients = optimizer.clipped(gradients)
        memory = {name: dict(kept) for name, kept in memory.items()}
        new = {
            name: optimizer.changed(name, parameter, gradients[name], memory[name])
            for name, parameter in parameters.items()
        }
        arrays = {n: {a: kept[a] for a in self.arrays} for n, kept in memory.items()}
        return J, output, new, arrays, statistics

    def begin(self) -> None:
        """Start from the network's parameters and the optimizer's settings and memory."""
        memory, k = {}, 0
        for name, p in self.parameters.items():
            kept = self.optimizer.memory_of(p)
            memory[name] = {a: kept[a] if a in kept else np.zeros_like(p.data) for a in self.arrays}
            k = kept.get("k", 0)
        settings = vars(self.optimizer).items()
        self.settings = {name: n for name, n in settings if name in SETTINGS and n is not None}
        self.state = self.begun = self._values(), memory, k, self.net.statistics()

    def set_rate(self, rate: float) -> None:
        super().set_rate(rate)
        self.settings["rate"] = self.optimizer.rate

    def end(self) -> None:
        if self.state is not None and self.state is not self.begun:
            values, memory, k, statistics = self.state
            count = {"k": k} if "k" in self.optimizer.remembers else {}
            self.optimizer.restore(
                [(p, values[name], count | memory[name]) for name, p in self.parameters.items()]
            )
            if statistics:
                self.net.set_statistics(statistics)
        self.state = None

    def prepare(self, X: Array, Y: Array) -> None:
        self._run(X, Y)

    def _run(self, X: Array, Y: Array) -> Callable[..., Any]:
        """The compiled step for batches like this one; all other arguments are always alike."""
        if Y.size not in self.runs:
            assert self.state
            values, memory, _, statistics = self.state
            numbers = self.optimizer.numbers(1)
            noise = self._any_noise(X)
            arguments = values, memory, self.settings, numbers, statistics, noise, X, Y
            self.runs[Y.size] = self.compiled.unchecked(*arguments)
        return self.runs[Y.size]

    def take(self, batches: list[Batch]) -> list[float]:
        start = self.state
        drawn: Any = self.rng and self.rng.bit_generator.state
        try:
            costs = self._taken(batches)
            self._check(batches[-1])
        except NotFinite:  # again from the start of the epoch, to find the step that began it
            self.state = start
            if self.rng is not None:
                self.rng.bit_generator.state = drawn
            costs = []
            for batch in batches:
                before = self.state
                costs += self._taken([batch])
                try:
                    self._check(batch)
                except NotFinite:
                    self.state = before
                    raise
        return costs

    def _check(self, batch: Batch) -> None:
        if self.state is not None:
            _check(batch, self.state[0] | self.state[3])

    def _taken(self, batches: list[Batch]) -> list[float]:
        """Take the steps, without a check that the parameters stay finite."""
        costs, settings, step_numbers = [], self.settings, self.optimizer.numbers
        runs, whole = self.runs, self.state
        assert whole
        values, memory, k, statistics = whole
        noise = NO_NOISE
        for batch in batches:
            X, Y, outputs = batch
            run = runs.get(Y.size) or self._run(X, Y)
            k += 1
            if self.rng is not None:
                noise = self.noise(X)
            J, output, values, memory, statistics = run(
                values, memory, settings, step_numbers(k), statistics, noise, X, Y
            )
            J = J.item()
            if not isfinite(J):
                raise NotFinite(batch)
            outputs[...] = output
            costs.append(J)
            self.state = values, memory, k, statistics
        return costs


def _check(batch: Batch | None, values: dict[str, Array]) -> None:
    """Raise NotFinite for the first of these parameters that is not finite."""
    for name, value in values.items():
        entries = value.ravel("K")
        # (The sum of squares is fast, and may overflow where the numbers are finite.)
        if not isfinite(entries.dot(entries)) and not np.isfinite(value).all():
            raise NotFinite(batch, name, value)


def compiled_steps(
    net: Network,
    cost: Cost,
    optimizer: Optimizer,
    batches: list[Batch],
    rng: np.random.Generator | None = None,
) -> Steps | None:
    """Compiled steps for batches of these shapes; None if they cannot be traced.

    A loss or an activation that branches on values, for one, can only run on the tape.
    """
    whole = type(optimizer) in COMPILED and _in_step(optimizer, net)
    steps = (CompiledSteps if whole else CompiledGradients)(net, cost, optimizer, rng)
    steps.begin()
    try:
        for X, Y, _ in batches:
            steps.prepare(X, Y)
    except ag.TracingError:
        return None
    return steps


def _in_step(optimizer: Optimizer, net: Network) -> bool:
    """True if the optimizer has taken the same number of steps with every parameter."""
    return len({optimizer.memory_of(p).get("k") for p in net.parameters().values()}) == 1
