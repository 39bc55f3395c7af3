"""Training: `fit` repeats forward pass, backward pass and step, and records a History."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from operator import mul
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

import autograd_lite as ag
from nn.arrays import Array, finite_samples, is_frame
from nn.labels import encoded
from nn.losses import Loss
from nn.network import Forward, Network
from nn.optimizers import Optimizer
from nn.progress import Report, reporter
from nn.steps import Batch, NotFinite, Steps, compiled_steps

FEW_STEPS = 30  # done before a compiled step would be ready


@dataclass(repr=False)
class History:
    """The record of a training: `loss` and `metric` have one entry for each whole epoch.

    `loss` is the cost J and `metric` the accuracy (None for a loss that is not for classes): means
    over the epoch's batches, each measured before its own step. `interrupted` says that Ctrl-C
    ended training, `compiled` that the steps were compiled: faster, with the same numbers.

    >>> History(loss=[0.69, 0.7], metric=[None, None])
    History(2 epochs: loss 0.69 → 0.7, did not learn)
    """

    loss: list[float] = field(default_factory=list)
    metric: list[float | None] = field(default_factory=list)
    interrupted: bool = False
    compiled: bool = field(default=False, compare=False)

    @property
    def learned(self) -> bool | None:
        """True if J ended lower than it began; None after fewer than two epochs.

        J does not fall if the rate is far too large or too small, or if no gradient gets through:
        all units of a relu layer are off, or the outputs are saturated.
        """
        return None if len(self.loss) < 2 else self.loss[-1] < self.loss[0]

    def __repr__(self) -> str:
        epochs = f"{len(self.loss)} epochs" + (", interrupted" if self.interrupted else "")
        if not self.loss:
            return f"History({epochs})"
        shown = f"loss {self.loss[0]:.4g} → {self.loss[-1]:.4g}"
        if self.metric[-1] is not None:
            shown += f", metric {self.metric[0]:.4g} → {self.metric[-1]:.4g}"
        return f"History({epochs}: {shown}{', did not learn' * (self.learned is False)})"


class Diverged(FloatingPointError):
    """Training met nan or infinity.

    `epoch`, `layer` (None for J) and `tensor` say where first; `history` holds the epochs before.
    The network keeps the parameters of the last step after which all were finite.
    """

    def __init__(
        self, epoch: int, layer: int | None, tensor: str, value: Any, history: History
    ) -> None:
        where = "" if layer is None else f"layer {layer}, "
        super().__init__(
            f"epoch {epoch}: {where}{tensor} is the first that is not finite (it holds {value}). "
            "A smaller rate, or standardized features, may help"
        )
        self.epoch, self.layer, self.tensor, self.history = epoch, layer, tensor, history


def fit(
    net: Network,
    X: ArrayLike | ag.Tensor,
    Y: ArrayLike | ag.Tensor,
    loss: Callable[..., ag.Tensor],
    optimizer: Optimizer,
    epochs: int,
    batch_size: int | None = None,
    shuffle: bool = False,
    rng: int | np.random.Generator | None = None,
    progress: bool | Callable[[int, History], None] | None = None,
    compile: bool = True,
) -> History:
    """Train `net` on the samples X with labels Y, laid out as the network's `batch_axis` says.

    X may be a frame of pandas or Polars, whose rows are samples; its columns become
    `net.features`. Labels may also be one word or number for each sample; what they stand for
    becomes `net.classes` (nn.labels says how), and `net.predict` answers with it.

    `loss` is one of nn.losses, or any function of (A, Y) that returns a scalar Tensor; it is also
    given `batch_axis` if it takes it, and a `_with_logits` loss gets Z of the last layer for A.
    `batch_size=None` makes one step of all samples in each epoch, `batch_size=1` one step for each
    sample. Samples are taken in order, or with `shuffle=True` in an order drawn by `rng`.

    `progress`: None shows a bar on a terminal and nothing elsewhere; True and False decide; a
    function is called after each epoch with its number, from 1, and the History.

    Steps are compiled with ag.compile, which gives the same numbers, unless there are only a few of
    them, or a loss or an activation that you wrote cannot be traced (it branches on a value, or is
    random) or could be changed by your own `progress` between epochs. `compile=False` switches
    compiling off.

    If J ended no lower than it began, `learned` of the History is False. Ctrl-C ends training and
    keeps the parameters and the optimizer's memory of the last whole step. Raises ValueError for
    samples or options that do not fit, and nn.Diverged, a FloatingPointError, if a value becomes
    nan or infinite; the network then keeps the last parameters that were finite.

    >>> import nn
    >>> X, Y = nn.datasets.planar(400, rng=0)
    >>> net = nn.Network([2, 4, 1], activations=["tanh", "sigmoid"], rng=0)
    >>> history = nn.fit(net, X, Y, loss=nn.losses.binary_cross_entropy,
    ...                  optimizer=nn.optimizers.GradientDescent(rate=1.2), epochs=10)
    >>> len(history.loss), history.loss[-1] < history.loss[0]
    (10, True)
    """
    _check_parts(net, loss, optimizer)
    X, Y, found = _checked_samples(net, X, Y, loss)
    known = _known(loss)
    m = X.shape[net.batch_axis]
    size = m if batch_size is None else min(m, _count("batch_size", batch_size, least=1))
    if shuffle and rng is None:
        raise ValueError("shuffle=True draws an order: give rng=, a number or a NumPy Generator")
    order = np.random.default_rng(rng) if shuffle else None
    samples = _Samples(X.data, Y.data, net.batch_axis, size, order)
    del X, Y  # (memory for them once less)
    run = _Run(net, loss, optimizer, samples)
    epochs = _count("epochs", epochs)
    vars(net).update(found)
    own = known is None or not all(isinstance(a, str) for a in net.activations)
    watched = callable(progress)
    try:
        if compile and epochs * len(samples.batches) > FEW_STEPS and not (own and watched):
            run.compile()
        with reporter(progress, epochs) as report:
            run.train(epochs, report, watched)
    except KeyboardInterrupt:
        run.end()
        run.history.interrupted = True
    return run.history


def _check_parts(net: Any, loss: Any, optimizer: Any) -> None:
    if not isinstance(net, Network):
        raise TypeError(f"fit trains an nn.Network, not {type(net).__name__}")
    if not callable(loss):
        raise TypeError(
            f"loss={loss!r}: give one of nn.losses, as nn.losses.binary_cross_entropy, or a "
            "function of (A, Y)"
        )
    if isinstance(optimizer, type) or not callable(getattr(optimizer, "step", None)):
        raise TypeError(
            f"optimizer={optimizer!r}: give one of nn.optimizers with its rate, as "
            "nn.optimizers.GradientDescent(rate=0.1)"
        )


def evaluate(
    net: Network, X: ArrayLike | ag.Tensor, Y: ArrayLike | ag.Tensor, loss: Callable[..., ag.Tensor]
) -> tuple[float, float | None]:
    """The cost J and the accuracy (None for a loss that is not for classes) on X and Y.

    >>> import nn
    >>> X, Y = nn.datasets.planar(400, rng=0)
    >>> net = nn.Network([2, 4, 1], activations=["tanh", "sigmoid"], rng=0)
    >>> J, accuracy = evaluate(net, X, Y, nn.losses.binary_cross_entropy)
    >>> round(J, 2), round(accuracy, 4)
    (0.69, 0.5425)
    """
    X, Y, _ = _checked_samples(net, X, Y, loss)
    with ag.no_grad():
        J, output = _cost(loss, net.batch_axis)(net.forward(X), Y)
    return J.item(), _accuracy(loss, output.data, Y.data, net.batch_axis)


class _Samples:
    """The samples of a training, cut into batches, each in one piece of memory.

    `Y` holds the labels in the order of the epoch, `outputs` the network's outputs for them.
    """

    def __init__(
        self,
        X: Array,
        Y: Array,
        batch_axis: int,
        size: int,
        rng: np.random.Generator | None,
    ) -> None:
        """`rng` draws an order for each epoch; None keeps the given order."""
        self.rng, self.Y, self.outputs = rng, Y, np.empty_like(Y)
        m = X.shape[batch_axis]
        slices = [slice(i, min(i + size, m)) for i in range(0, m, size)]
        self.shares = [(part.stop - part.start) / m for part in slices]

        def cut(samples: Array) -> list[Array]:
            return [samples[part] if batch_axis == 0 else samples[:, part] for part in slices]

        if rng is None:
            pieces = [[np.ascontiguousarray(a) for a in cut(samples)] for samples in (X, Y)]
        else:  # sample after sample, so that reordering them is fast
            self.sorted = [a if batch_axis == 0 else np.ascontiguousarray(a.T) for a in (X, Y)]
            self.shuffled = [np.empty_like(a) for a in self.sorted]
            laid_out = [a if batch_axis == 0 else a.T for a in self.shuffled]
            self.Y = laid_out[1]
            pieces = [cut(a) for a in laid_out]
        self.batches: list[Batch] = list(zip(*pieces, cut(self.outputs), strict=True))

    def shuffle(self) -> None:
        """Put the samples into the order of the next epoch."""
        if self.rng is not None:
            order = self.rng.permutation(len(self.sorted[0]))
            for samples, out in zip(self.sorted, self.shuffled, strict=True):
                samples.take(order, 0, out, "clip")  # ("raise" would need another buffer)


class _Run:
    """One call of `fit`: the network, its samples, and the record."""

    def __init__(
        self,
        net: Network,
        loss: Callable[..., ag.Tensor],
        optimizer: Optimizer,
        samples: _Samples,
    ) -> None:
        self.net, self.loss, self.optimizer, self.samples = net, loss, optimizer, samples
        self.cost = _cost(loss, net.batch_axis)
        self.steps = Steps(net, self.cost, optimizer)
        self.history = History()

    def compile(self) -> None:
        """Take compiled steps from now on, if these batches can be traced."""
        batches = [self.samples.batches[0], self.samples.batches[-1]]
        steps = compiled_steps(self.net, self.cost, self.optimizer, batches)
        if steps is not None:
            self.steps, self.history.compiled = steps, True

    def train(self, epochs: int, report: Report, watched: bool) -> None:
        """Train all epochs. If they are watched, the network is up to date at each report."""
        # (NumPy's warnings are off in the steps, which check for themselves, not in the reports.)
        quiet = functools.partial(np.errstate, all="ignore")
        try:
            self.steps.begin()
            with nullcontext() if watched else quiet():
                for epoch in range(1, epochs + 1):
                    with quiet() if watched else nullcontext():
                        self.epoch(epoch)
                    if watched:
                        self.steps.end()
                    report(epoch, self.history)
                    if watched:
                        self.steps.begin()
        finally:
            self.end()

    def end(self) -> None:
        """Set network and history to the last whole step and the last whole epoch."""
        self.steps.end()
        del self.history.loss[len(self.history.metric) :]

    def epoch(self, epoch: int) -> None:
        """One pass over the samples."""
        samples = self.samples
        samples.shuffle()
        try:
            costs = self.steps.take(samples.batches)
        except NotFinite as error:
            self.steps.end()
            raise self._diverged(epoch, error) from None
        accuracy = _accuracy(self.loss, samples.outputs, samples.Y, self.net.batch_axis)
        self.history.loss.append(sum(map(mul, samples.shares, costs)))
        self.history.metric.append(accuracy)

    def _diverged(self, epoch: int, error: NotFinite) -> Diverged:
        """The error: it names the parameter, or, by one more forward pass, the first tensor."""
        if error.name is not None and error.value is not None:
            value = _first_not_finite(error.value)
            return Diverged(epoch, int(error.name[1:]), error.name, value, self.history)
        X, Y, _ = error.batch
        with ag.no_grad():
            f = self.net.forward(X)
            J, _ = self.cost(f, ag.Tensor(Y, name="Y"))
        for l, tensors in enumerate(f.layers.values(), start=1):
            for tensor in tensors:
                if not np.isfinite(tensor.data).all():
                    value = _first_not_finite(tensor.data)
                    return Diverged(epoch, l, str(tensor.name), value, self.history)
        return Diverged(epoch, None, "the cost J", J.item(), self.history)


def _first_not_finite(value: Array) -> Any:
    """The first entry that is not finite."""
    return value[~np.isfinite(value)][0]


def _cost(
    loss: Callable[..., ag.Tensor], batch_axis: int
) -> Callable[[Forward, ag.Tensor], tuple[ag.Tensor, ag.Tensor]]:
    """A function of a forward pass and Y that gives J and the output that the loss takes."""
    options = {"batch_axis": batch_axis} if _takes(loss, "batch_axis") else {}
    known = _known(loss)

    def cost(f: Forward, Y: ag.Tensor) -> tuple[ag.Tensor, ag.Tensor]:
        output = known.output_of(f) if known else f.A[len(f.Z)]
        return loss(output, Y, **options), output

    return cost


def _takes(function: Callable[..., Any], option: str) -> bool:
    parameters = inspect.signature(function).parameters
    return option in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def _known(loss: Callable[..., Any]) -> Loss | None:
    """The loss of nn.losses behind this function (a functools.partial, too); None for others."""
    while isinstance(loss, functools.partial):
        loss = loss.func
    return loss if isinstance(loss, Loss) else None


def _accuracy(loss: Callable[..., Any], output: Array, Y: Array, batch_axis: int) -> float | None:
    known = _known(loss)
    return known.accuracy(output, Y, batch_axis) if known else None


def _checked_samples(
    net: Network, X: Any, Y: Any, loss: Callable[..., Any]
) -> tuple[ag.Tensor, ag.Tensor, dict[str, Any]]:
    """X and Y as Tensors of the network's dtype, and what they tell of its classes and features.

    Raises ValueError or TypeError, naming what does not fit.
    """
    known, outputs, axis = _known(loss), net.sizes[-1], net.batch_axis
    for_classes = known is not None and known.for_classes
    samples = net.samples(X)
    labels, classes = encoded(Y, outputs, axis, for_classes, net.classes)
    m, n = samples.shape[axis], labels.shape[axis]
    if m != n or not m:
        raise ValueError(f"X has {m} samples and Y {n}: give a label for each sample")
    tensor = ag.Tensor(finite_samples("Y", labels, net.dtype, axis), name="Y")
    if known:
        known.check_labels(tensor.data, axis)
    if classes is None and known and (known.one_of_many or (for_classes and outputs == 1)):
        classes = list(range(max(outputs, 2)))
    found: dict[str, Any] = {}
    if net.classes is None and classes is not None:
        found["classes"] = classes
    if net.features is None and is_frame(X) and all(isinstance(c, str) for c in X.columns):
        found["features"] = list(X.columns)
    return ag.Tensor(samples, name="X"), tensor, found


def _count(name: str, value: Any, least: int = 0) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{name}={value!r}: it must be a whole number, {least} or more")
    return int(value)
