"""Steps whose gradient is a sum over pieces, each of them computed where its chunk is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from math import isfinite
from typing import Any

import numpy as np

import autograd_lite as ag
from nn.arrays import Array
from nn.batches import Batch
from nn.chunks import Piece
from nn.evaluation import (
    Reader,
    SamplesInChunks,
    Sums,
    added,
    cost_of,
    divisor,
    mean_cost,
    sums_of,
)
from nn.network import Network
from nn.optimizers import GradientDescent, Optimizer
from nn.steps import NO_NOISE, CompiledGradients, NotFinite, Steps

MANY_SIZES = 16  # of arrays: for more of them, gradients are not compiled


class PieceGradients:
    """The sums of the gradients of a piece's samples, at any values of the parameters.

    It can be sent to another process, which compiles for itself.
    """

    def __init__(self, reader: Reader) -> None:
        self.reader, self.compile = reader, False
        self._own = threading.local()  # compiled code works in buffers of its own

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_own"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _own=threading.local())

    def __call__(self, piece: Piece, parameters: dict[str, Array], seed: int | None) -> Sums:
        """`seed`, and the number of the chunk, give the noise of layers that are random."""
        net, loss, axis = self.reader.net, self.reader.loss, self.reader.net.batch_axis
        rng = None if seed is None else np.random.default_rng([seed, piece.chunk.number])
        total: Sums = {}
        for samples in self.reader(piece):
            X, Y = samples.X.data, samples.Y.data
            noise = NO_NOISE if rng is None else net.noise(X.shape[-axis], rng)
            J, gradients, output = self._gradients(parameters, noise, X, Y)
            sums = sums_of(loss, J.item(), output, Y, axis)
            weighted = {name: sums["weight"] * g for name, g in gradients.items()}
            total = added(total, sums | weighted)
        return total

    def _gradients(
        self, parameters: dict[str, Array], noise: dict[str, Array], X: Array, Y: Array
    ) -> tuple[Any, dict[str, Array], Array]:
        """J, the gradients, and the output that the loss takes."""
        if not hasattr(self._own, "gradients"):
            net = self.reader.net
            cost = cost_of(self.reader.loss, net.batch_axis)
            self._own.gradients = _GradientsOfMany(net, cost, GradientDescent(1))
            self._own.gradients.compiles = self.compile
        with np.errstate(all="ignore"):
            found: tuple[Any, dict[str, Array], Array] = self._own.gradients.at(
                parameters, noise, X, Y
            )
        return found


class _GradientsOfMany(CompiledGradients):
    """Gradients for batches of several sizes: compiled, unless they cannot be or are too many."""

    compiles = True
    sizes: frozenset[int] = frozenset()  # of Y, for which it is compiled

    def at(
        self, parameters: dict[str, Array], noise: dict[str, Array], X: Array, Y: Array
    ) -> tuple[Any, dict[str, Array], Array]:
        """J, the gradients and the output at these values of the parameters."""
        arguments = parameters, self.net.statistics(), noise, X, Y
        if len(self.sizes) < MANY_SIZES:
            self.sizes |= {Y.size}
        if self.compiles and Y.size in self.sizes:
            try:
                J, gradients, output, _ = self.compiled(*arguments)
                return J, gradients, output
            except ag.TracingError:
                self.compiles = False
        J, gradients, output, _ = self._gradients(*arguments)
        return J, gradients, output.data


class Gathered:
    """A batch in pieces, and the sums over them once they are known."""

    def __init__(self, pieces: Any) -> None:
        self.pieces, self.sums = pieces, dict[str, Any]()


class SummedSteps(Steps):
    """Steps for batches in pieces: the parameters are sent to the chunks, the sums come back."""

    def __init__(
        self,
        net: Network,
        loss: Callable[..., ag.Tensor],
        optimizer: Optimizer,
        samples: SamplesInChunks,
        rng: np.random.Generator | None,
    ) -> None:
        super().__init__(net, cost_of(loss, net.batch_axis), optimizer, rng)
        self.loss, self.chunks = loss, samples.chunks
        self.part = PieceGradients(samples.reader)

    def compiles(self, example: Batch) -> bool:
        """Compile gradients from now on, if such batches can be traced."""
        steps = CompiledGradients(self.net, self.cost, self.optimizer, self.rng)
        try:
            steps.prepare(example.X, example.Y)
        except ag.TracingError:
            return False
        self.part.compile = True
        return True

    def take(self, batches: list[Any]) -> list[float]:
        costs = []
        for batch in batches:
            values = {name: p.data for name, p in self.parameters.items()}
            seed = None if self.rng is None else int(self.rng.integers(2**32))
            sums = self.chunks.total(self.part, added, [values, seed], batch.pieces)
            J = mean_cost(self.loss, sums)
            if not isfinite(J):
                raise NotFinite(None, value=J)
            over = divisor(self.loss, sums)
            self.step(None, {name: sums[name] / over for name in values}, {})
            batch.sums = sums
            costs.append(J)
        return costs
