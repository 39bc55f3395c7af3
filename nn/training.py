"""Training: `fit` repeats forward pass, backward pass and step, and records a History."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from operator import mul
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

import autograd_lite as ag
from nn import datasets
from nn.architecture import letter_and_layer
from nn.arrays import Array, checked_count
from nn.batches import Batches
from nn.checkpoints import Checkpoint, State, arrays_of, description, restore, save, set_arrays
from nn.evaluation import (
    AnySamples,
    Samples,
    SamplesInChunks,
    any_samples,
    checked_metrics,
    cost_of,
    known_loss,
    measured,
    metrics_of,
    right_of,
)
from nn.history import Diverged, History
from nn.layers import is_own
from nn.losses import Right, share
from nn.metrics import Metric
from nn.network import Network
from nn.optimizers import GradientDescent, Optimizer
from nn.progress import Report, reporter
from nn.schedules import Schedule
from nn.steps import NotFinite, Steps, compiled_steps
from nn.streams import Streamed
from nn.sums import SummedSteps

FEW_STEPS = 30  # done before a compiled step would be ready
Callback = Callable[[int, History], Any]


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
    progress: bool | Callback | None = None,
    compile: bool = True,
    *,
    validation: float | tuple[Any, Any] | None = None,
    metrics: Sequence[str | Metric] = (),
    callbacks: Sequence[Callback] = (),
    patience: int | None = None,
    schedule: Schedule | None = None,
    checkpoint: Checkpoint | None = None,
) -> History:
    """Train `net` on the samples X with labels Y, laid out as the network's `batch_axis` says.

    X and Y may be larger than memory, or on a cluster: memory maps, batches that a function makes,
    Dask arrays (nn.samples says how). X may be a frame of pandas or Polars, whose rows are samples;
    its columns become `net.features`. Labels may also be one word or number for each sample; what
    they stand for becomes `net.classes` (nn.labels says how), and `net.predict` answers with it.

    `loss` is one of nn.losses, or any function of (A, Y) that returns a scalar Tensor; it is also
    given `batch_axis` if it takes it, and a `_with_logits` loss gets Z of the last layer for A.
    A loss with options is a functools.partial. `batch_size=None` makes one step of all samples in
    each epoch, `batch_size=1` one step for each sample. Samples are taken in order, or with
    `shuffle=True` in an order drawn by `rng`.

    After each epoch, loss and accuracy are measured on `validation`, (X, Y) or a share of the
    samples that is drawn by `rng` and held out, and so are `metrics` (nn.metrics; without
    validation, on the samples of the training). With `patience`, training stops when that loss (or
    that of the training) has not fallen for so many epochs, and the network gets the parameters of
    the best epoch back. `schedule` gives a factor of the optimizer's rate for each epoch, from 1
    (nn.schedules). `callbacks` are functions that are called after each epoch with its number and
    the History; training stops where one of them returns True. With a `checkpoint` (nn.Checkpoint)
    the state is kept in a file, and a training that was killed goes on from there, to the bit.

    `progress`: None shows a bar on a terminal and nothing elsewhere; True and False decide; a
    function is called as a callback is.

    Steps are compiled with ag.compile, which gives the same numbers, unless there are only a few of
    them, or a loss or an activation that you wrote cannot be traced (it branches on a value, or is
    random) or could be changed by a function of your own between epochs. `compile=False` switches
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
    epochs = checked_count("epochs", epochs, least=0)
    samples = any_samples(net, X, Y, loss)
    del X, Y  # (memory for them once less)
    if (shuffle or net.is_random) and rng is None:
        draws = "shuffle=True draws an order" if shuffle else "dropout draws what it leaves out"
        raise ValueError(f"{draws}: give rng=, a number or a NumPy Generator")
    random = np.random.default_rng(0 if rng is None else rng)
    samples, held_out = _divided(net, samples, validation, loss, random)
    after = _AfterEpoch(net, loss, held_out, samples if metrics else None, metrics, patience)
    size = None if batch_size is None else checked_count("batch_size", batch_size)
    batches = _batches(net, samples, size, epochs, random if shuffle else None)
    functions = _checked_callbacks(callbacks)
    run = _Run(
        net,
        loss,
        optimizer,
        batches,
        after,
        functions,
        _checked_schedule(schedule, optimizer),
        random,
    )
    if checkpoint is not None:
        about = {
            "the batch size": batches.size,
            "shuffle": bool(shuffle),
            "patience": patience,
            "the metrics": [*after.metrics],
            "the generator": type(random.bit_generator).__name__,
        }
        run.keep(checkpoint, description(net, loss, optimizer, _arrays(samples, held_out), **about))
    vars(net).update(samples.found)
    del samples
    own = known_loss(loss) is None or any(map(is_own, net.layers))
    run.watched = callable(progress) or bool(functions)
    try:
        if compile and epochs * batches.count > FEW_STEPS and not (own and run.watched):
            run.compile()
        with reporter(progress, epochs) as report:
            run.train(epochs, report)
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


def _batches(
    net: Network,
    samples: AnySamples,
    size: int | None,
    epochs: int,
    order: np.random.Generator | None,
) -> Batches | Streamed:
    """The batches of an epoch, in memory or as they are read; `order` draws an order."""
    if isinstance(samples, Samples):
        m = samples.X.shape[-net.batch_axis]
        size = m if size is None else min(m, size)
        X, Y = samples.X.data, samples.Y.data
        return Batches(X, Y, net.batch_axis, net.sizes[-1], size, order)
    chunks = samples.chunks
    if epochs > 1:
        chunks.check_again(f"epochs={epochs}")
    if order is not None and chunks.widths is None:
        raise ValueError(
            "shuffle=True: batches that are iterated over come in their own order: shuffle there"
        )
    if size is None and chunks.widths is not None:
        size = sum(chunks.widths)
    batches = Streamed(samples, net, size, order)
    if batches.in_pieces and net.statistics():
        raise ValueError(
            "batch normalization measures a batch as a whole, and a batch of this size, or on a "
            "cluster, is computed in pieces: give a smaller batch_size, or use LayerNormalization"
        )
    return batches


def _checked_callbacks(callbacks: Any) -> list[Callback]:
    if not isinstance(callbacks, Sequence) or not all(map(callable, callbacks)):
        raise TypeError(f"callbacks={callbacks!r}: give a list of functions of (epoch, history)")
    return list(callbacks)


def _checked_schedule(schedule: Any, optimizer: Any) -> Schedule | None:
    if schedule is None:
        return None
    if not callable(schedule):
        raise TypeError(f"schedule={schedule!r}: give one of nn.schedules, or a function of epoch")
    if not hasattr(optimizer, "rate"):
        raise TypeError(f"schedule: a {type(optimizer).__name__} has no rate that it could change")
    checked: Schedule = schedule
    return checked


def _divided(
    net: Network,
    samples: AnySamples,
    validation: Any,
    loss: Callable[..., Any],
    rng: np.random.Generator,
) -> tuple[AnySamples, AnySamples | None]:
    """The samples to train on, and those held out, if there are any."""
    if validation is None:
        return samples, None
    before = {name: getattr(net, name) for name in samples.found}
    try:
        if isinstance(validation, tuple) and len(validation) == 2:
            vars(net).update(samples.found)
            return samples, any_samples(net, *validation, loss)
        if not isinstance(validation, float | np.floating):
            kind = type(validation).__name__
            raise TypeError(f"give samples (X, Y), or a share such as 0.2, not a {kind}")
        if isinstance(samples, SamplesInChunks):
            training, held_out = datasets.split_chunks(samples.chunks, float(validation), rng)
            return samples._replace(chunks=training), samples._replace(chunks=held_out)
        parts = datasets.split(
            samples.X.data, samples.Y.data, float(validation), rng, net.batch_axis
        )
    except (TypeError, ValueError) as error:
        raise type(error)(f"validation: {error}") from None
    finally:
        vars(net).update(before)
    names = ("X", "X", "Y", "Y")
    X, X_out, Y, Y_out = (ag.Tensor(a, name=name) for a, name in zip(parts, names, strict=True))
    return Samples(X, Y, samples.found), Samples(X_out, Y_out, {})


def _arrays(*samples: AnySamples | None) -> list[Array]:
    """The samples; of those in chunks, the first one, and the number of samples in each."""
    found: list[Array] = []
    for some in samples:
        if isinstance(some, Samples):
            found += [some.X.data, some.Y.data]
        elif some is not None:
            first = some.chunks.first()
            found += [first.X, first.Y, np.array(some.chunks.widths or 0)]
    return found


class _AfterEpoch:
    """What is measured after each epoch, and whether training goes on."""

    def __init__(
        self,
        net: Network,
        loss: Callable[..., ag.Tensor],
        held_out: AnySamples | None,
        others: AnySamples | None,
        metrics: Sequence[str | Metric],
        patience: int | None,
    ) -> None:
        """Metrics are measured on samples held out, or, if there are none, on the others."""
        self.net, self.loss, self.held_out = net, loss, held_out
        self.cost = cost_of(loss, net.batch_axis)
        self.samples = others if held_out is None else held_out
        self.metrics = checked_metrics(metrics)
        self.patience = None if patience is None else checked_count("patience", patience)
        self.least = math.inf
        self.best: dict[str, Array] = {}

    def __bool__(self) -> bool:
        """True if there is anything to do."""
        measures = self.held_out is not None or bool(self.metrics)
        return measures or self.patience is not None

    def measure(self, history: History) -> None:
        """Record the measurements, and keep the parameters of the best epoch."""
        loss = history.loss[-1]
        if self.held_out is not None:
            loss, metric = measured(self.net, self.loss, self.cost, self.held_out)
            history.validation_loss.append(loss)
            history.validation_metric.append(metric)
        if self.samples is not None and self.metrics:
            for name, value in metrics_of(self.net, self.samples, self.metrics).items():
                history.metrics[name].append(value)
        if (self.held_out is not None or self.patience) and loss < self.least:
            self.least, history.best = loss, len(history.loss)
            if self.patience is not None:
                self.best = arrays_of(self.net)

    def whole_epochs(self, history: History) -> int:
        """The number of epochs of which everything is recorded."""
        kept: list[list[Any]] = [history.loss, history.metric, *history.metrics.values()]
        if self.held_out is not None:
            kept += [history.validation_loss, history.validation_metric]
        return min(map(len, kept))

    def is_enough(self, history: History) -> bool:
        """True if the loss has not fallen for as long as patience lasts."""
        if self.patience is None:
            return False
        return len(history.loss) - (history.best or 0) >= self.patience

    def keep_the_best(self) -> None:
        """Give the network the parameters of its best epoch, if they were kept."""
        set_arrays(self.net, self.best)


class _Run:
    """One call of `fit`: the network, its samples, and the record."""

    def __init__(
        self,
        net: Network,
        loss: Callable[..., ag.Tensor],
        optimizer: Optimizer,
        batches: Batches | Streamed,
        after: _AfterEpoch,
        callbacks: list[Callback],
        schedule: Schedule | None,
        rng: np.random.Generator,
    ) -> None:
        self.net, self.loss, self.optimizer, self.batches = net, loss, optimizer, batches
        self.after, self.callbacks, self.schedule = after, callbacks, schedule
        self.cost = after.cost
        self.rng, self.noise = rng, rng if net.is_random else None
        self.steps = Steps(net, self.cost, optimizer, self.noise)
        if isinstance(batches, Streamed) and batches.in_pieces:
            self.steps = SummedSteps(net, loss, optimizer, batches.samples, self.noise)
        in_chunks = isinstance(batches, Streamed) or isinstance(after.samples, SamplesInChunks)
        self.begun = _restorer(net, optimizer) if in_chunks else None
        self.history = History(metrics={name: [] for name in after.metrics})
        self.count = functools.partial(right_of, loss, batch_axis=net.batch_axis)
        self.watched = False  # by functions of the user's
        self.checkpoint: Checkpoint | None = None
        self.about: dict[str, Any] = {}

    def keep(self, checkpoint: Any, about: dict[str, Any]) -> None:
        """Go on from the checkpoint, if there is one, and keep the state there from now on."""
        if not isinstance(checkpoint, Checkpoint):
            raise TypeError(f'checkpoint={checkpoint!r}: give nn.Checkpoint("run.npz", every=10)')
        if not isinstance(self.optimizer, Optimizer):
            raise TypeError(
                f"checkpoint: a {type(self.optimizer).__name__} has a memory of its own, which "
                "cannot be kept: give an nn.optimizers.Optimizer"
            )
        state = self.state()
        restore(checkpoint, state, about)
        self.after.least, self.after.best = state.least, state.best
        self.checkpoint, self.about = checkpoint, about

    def state(self) -> State:
        """What a checkpoint keeps."""
        after = self.after
        return State(self.net, self.optimizer, self.rng, self.history, after.least, after.best)

    def compile(self) -> None:
        """Take compiled steps from now on, if these batches can be traced."""
        batches = self.batches.examples()
        if isinstance(self.steps, SummedSteps):
            self.history.compiled = self.steps.compiles(batches[0])
            return
        steps = compiled_steps(self.net, self.cost, self.optimizer, batches, self.noise)
        if steps is not None:
            self.steps, self.history.compiled = steps, True

    def train(self, epochs: int, report: Report) -> None:
        """Train all epochs. The network is up to date wherever somebody looks at it."""
        # (NumPy's warnings are off in the steps, which check for themselves, not in the reports.)
        quiet = functools.partial(np.errstate, all="ignore")
        rate: Any = getattr(self.optimizer, "rate", None)
        seen = self.watched or bool(self.after) or self.checkpoint is not None
        done = epochs if self.history.stopped else len(self.history.loss)  # by a checkpoint
        try:
            self.steps.begin()
            with nullcontext() if seen else quiet():
                for epoch in range(done + 1, epochs + 1):
                    with quiet() if seen else nullcontext():
                        self.epoch(epoch, rate)
                    if not seen:
                        report(epoch, self.history)
                    elif self.look(epoch, epochs, report):
                        break
        finally:
            self.end()
            if self.schedule is not None:
                self.optimizer.rate = rate
        self.after.keep_the_best()

    def look(self, epoch: int, epochs: int, report: Report) -> bool:
        """Measure and report an epoch; True if training is to stop."""
        self.steps.end()
        try:
            with np.errstate(all="ignore"):
                self.after.measure(self.history)
        except Exception:
            self.undo()
            raise
        stop = self.after.is_enough(self.history)
        report(epoch, self.history)
        for callback in self.callbacks:
            try:
                stop = bool(callback(epoch, self.history)) or stop
            except Exception as error:
                name = getattr(callback, "__name__", callback)
                error.add_note(f"(the callback {name} raised it after epoch {epoch}; the network")
                error.add_note(" keeps the parameters of that epoch)")
                raise
        self.history.stopped = stop and epoch < epochs
        if self.checkpoint and (stop or epoch == epochs or epoch % self.checkpoint.every == 0):
            save(self.checkpoint, self.state(), self.about)
        self.steps.begin()
        return stop

    def undo(self) -> None:
        """Undo all steps, if there are samples in chunks: they are checked when they are read."""
        if self.begun is not None:
            self.steps.end()
            self.begun()
            self.steps.begin()

    def end(self) -> None:
        """Set network and history to the last whole step and the last whole epoch."""
        self.steps.end()
        self.history.cut(self.after.whole_epochs(self.history))

    def epoch(self, epoch: int, rate: float | None) -> None:
        """One pass over the samples."""
        if self.schedule is not None and rate is not None:
            self.steps.set_rate(rate * _factor(self.schedule, epoch))
        costs: list[float] = []
        right: list[Right | None] = []
        try:
            for some in self.batches.epoch():
                costs += self.steps.take(some.batches)
                right.append(some.right(self.count))
        except NotFinite as error:
            self.steps.end()
            raise self._diverged(epoch, error) from None
        except Exception:
            self.undo()
            raise
        if rate is not None:
            self.history.rate.append(self.optimizer.rate)
        self.history.loss.append(sum(map(mul, self.batches.shares, costs)))
        self.history.metric.append(share(right))

    def _diverged(self, epoch: int, error: NotFinite) -> Diverged:
        """The error: it names the parameter, or, by one more forward pass, the first tensor."""
        if error.name is not None and error.value is not None:
            value = _first_not_finite(error.value)
            _, l = letter_and_layer(error.name)
            return Diverged(epoch, l, error.name, value, self.history)
        if error.batch is None:  # in pieces, somewhere
            return Diverged(epoch, None, "the cost J", error.value, self.history)
        X, Y, _ = error.batch
        with ag.no_grad():
            f = self.net.forward(X, training=np.random.default_rng(0))
            J, _ = self.cost(f, ag.Tensor(Y, name="Y"))
        for l, tensors in enumerate(f.layers.values(), start=1):
            for tensor in tensors:
                if not np.isfinite(tensor.data).all():
                    value = _first_not_finite(tensor.data)
                    return Diverged(epoch, l, str(tensor.name), value, self.history)
        return Diverged(epoch, None, "the cost J", J.item(), self.history)


def _restorer(net: Network, optimizer: Any) -> Callable[[], None]:
    """A function that makes the network, and the optimizer's memory, what they are now."""
    keeper = optimizer if isinstance(optimizer, Optimizer) else GradientDescent(1)
    before, found = keeper.state(net.parameters().values()), dict(vars(net))

    def restore() -> None:
        keeper.restore(before)
        vars(net).update(found)

    return restore


def _first_not_finite(value: Array) -> Any:
    """The first entry that is not finite."""
    return value[~np.isfinite(value)][0]


def _factor(schedule: Schedule, epoch: int) -> float:
    factor = schedule(epoch)
    if not 0 <= factor < math.inf:
        raise ValueError(f"schedule({epoch}) is {factor}: a factor of the rate is 0 or more")
    return factor
