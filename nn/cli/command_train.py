"""`autograd-lite train`: train a network on data, and measure it on samples that were held out."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from autograd_lite import files
from autograd_lite.terminal import say
from nn import datasets, losses, optimizers
from nn.arrays import Array
from nn.cli.command import (
    INTERRUPTED,
    UsageError,
    add_data_options,
    add_network_options,
    data_from,
    finite_number,
    network_from,
    outputs,
    usage_errors,
    whole_number,
)
from nn.evaluation import evaluate
from nn.history import History
from nn.losses import Loss
from nn.network import Network
from nn.training import fit


@dataclass(frozen=True)
class Defaults:
    """The settings for a data set that options do not name: found by trial, they learn."""

    hidden: tuple[int, ...]
    rate: float
    epochs: int
    batch_size: int | None = None
    standardize: bool = True


DEFAULTS = {
    "planar": Defaults(hidden=(4,), rate=1.2, epochs=2000, standardize=False),
    "breast_cancer": Defaults(hidden=(4,), rate=0.3, epochs=300),
    "digits": Defaults(hidden=(64,), rate=0.1, epochs=40, batch_size=32),
    "iris": Defaults(hidden=(3, 2), rate=0.5, epochs=1000),
}
UNSET = {
    "optimizer": "gradient_descent",
    "test": 0.25,
    **dict.fromkeys(("rate", "epochs", "batch_size", "progress")),
}  # the options of training where none is given
FOR_A_FILE = Defaults(hidden=(8,), rate=0.1, epochs=100, batch_size=32)


def add_to(subparsers: Any) -> None:
    """Add the subcommand `train`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "train",
        help="train a network on data",
        description="Train a network on data and measure it on samples that were held out. "
        "Features are standardized on the training samples (planar, of one scale, is not).",
    )
    add_data_options(parser)
    add_network_options(parser, layers=None)
    group = parser.add_argument_group("training")
    group.add_argument(
        "--optimizer",
        choices=optimizers.BY_NAME,
        metavar="OPTIMIZER",
        help=f"{', '.join(optimizers.BY_NAME)} (default: {UNSET['optimizer']})",
    )
    group.add_argument(
        "--rate", type=finite_number, help="learning rate (default: one for the data)"
    )
    group.add_argument("--epochs", type=whole_number, help="passes over the samples")
    group.add_argument(
        "--batch-size",
        type=_batch_size,
        metavar="N",
        help="samples in a step, drawn anew each epoch; 'all' for one step of all",
    )
    group.add_argument(
        "--test",
        type=finite_number,
        help=f"share of the samples to hold out (default {UNSET['test']})",
    )
    group.add_argument(
        "--progress",
        action=argparse.BooleanOptionalAction,
        help="show progress (default: on a terminal)",
    )
    group = parser.add_argument_group("results")
    group.add_argument(
        "--save", metavar="FILE", help="save the network, to be used on data as it is in the file"
    )
    group.add_argument(
        "--plot", metavar="FILE.png", help="draw cost, accuracy and, of two features, the regions"
    )
    parser.set_defaults(run=run, **UNSET)


@dataclass
class Task:
    """The work that the options ask for: a network, and samples to train and to test it on."""

    net: Network
    loss: Loss
    optimizer: optimizers.Optimizer
    training: tuple[Array, Array]
    held_out: tuple[Array, Array]
    mean: Array
    scale: Array

    @property
    def samples(self) -> int:
        """How many samples there are to train on."""
        return int(self.training[0].shape[self.net.batch_axis])


def run(options: argparse.Namespace) -> int:
    """Train as the options say and print the result; returns the exit code."""
    written = outputs(options, "save", "plot")
    if "plot" in written:
        _check_picture(options.plot)
    task = prepared(options)
    net, loss, size = task.net, task.loss, options.batch_size
    say(f"{options.data}: {_samples(task, net.batch_axis)}")
    say(f"{net}, {loss.__name__}")
    say(
        f"{options.optimizer} at rate {options.rate:g}, {options.epochs} epochs, each in "
        f"{'one batch' if size is None else f'batches of {size}'}, rng {options.rng}"
    )
    history = fitted(task, options)
    results = _results(task)
    J = results["training"][0]
    learnt = not history.loss or J < history.loss[0]
    try:  # before the result is printed: who reads it may have left
        if learnt and "save" in written:
            with usage_errors():
                raw = for_raw_data(net, task.mean, task.scale)
            raw.save(written["save"])
        if learnt and "plot" in written:
            _plot(written["plot"], task, history)
    finally:
        if history.interrupted:
            say(f"interrupted after {len(history.loss)} epochs")
        say(f"{'':10}{'loss':>10}{'accuracy':>10}")
        for name, (cost, accuracy) in results.items():
            say(f"{name:10}{cost:10.4f}{'' if accuracy is None else f'{accuracy:10.4f}'}")
    if not learnt:
        raise FloatingPointError(
            f"training did not learn: the loss was {history.loss[0]:.4g} in the first epoch and is "
            f"{J:.4g} now; nothing is saved. Try another --rate (here {options.rate:g}) or --rng"
        )
    for name, output in written.items():
        say(f"{'saved' if name == 'save' else 'drawn'} in {output.path}")
    return INTERRUPTED if history.interrupted else 0


def fitted(task: Task, options: argparse.Namespace) -> History:
    """Train the network of a task as the options say."""
    return fit(
        task.net,
        *task.training,
        loss=task.loss,
        optimizer=task.optimizer,
        epochs=options.epochs,
        batch_size=options.batch_size,
        shuffle=options.batch_size is not None,
        rng=options.rng,
        progress=options.progress,
    )


def for_raw_data(net: Network, mean: Array, scale: Array) -> Network:
    """The network that answers to X as `net` does to (X − mean) / scale, by another W1 and b1.

    >>> net = Network([1, 1], ["identity"], rng=0)
    >>> X, mean, scale = np.array([[3.0, 7.0]]), np.array([[5.0]]), np.array([[2.0]])
    >>> raw = for_raw_data(net, mean, scale)
    >>> np.allclose(raw(X).numpy(), net((X - mean) / scale).numpy())
    True
    """
    raw = Network(net.sizes, net.activations, 0, net.batch_axis, net.dtype)
    values = {name: parameter.numpy() for name, parameter in net.parameters().items()}
    if net.batch_axis == 1:
        values["W1"] = values["W1"] / scale.T
        values["b1"] = values["b1"] - values["W1"] @ mean
    else:
        values["W1"] = values["W1"] / scale.T
        values["b1"] = values["b1"] - mean @ values["W1"]
    raw.set_parameters(values)
    raw.classes, raw.features = net.classes, net.features
    return raw


def prepared(options: argparse.Namespace) -> Task:
    """The data and the network; options that are not given are set to the data's defaults."""
    X, Y, classes, features = data_from(options)
    axis = options.batch_axis
    inputs, outs = X.shape[1 - axis], Y.shape[1 - axis]
    if options.loss is not None:
        outs *= losses.BY_NAME[options.loss].parts
    defaults = DEFAULTS.get(options.data, FOR_A_FILE)
    for name in ("rate", "epochs", "batch_size"):
        if getattr(options, name) is None:
            setattr(options, name, getattr(defaults, name))
    options.batch_size = options.batch_size or None
    options.layers = options.layers or [inputs, *defaults.hidden, outs]
    if (options.layers[0], options.layers[-1]) != (inputs, outs):
        given, hint = ",".join(map(str, options.layers)), ""
        if options.data == "iris" and options.layers[-1] == 1:
            hint = ". One output tells one kind from the others: --target KIND"
        raise UsageError(
            f"--layers {given}: {options.data} has {inputs} features and its labels take {outs} "
            f"outputs, so it is {inputs},...,{outs}, the units between as you like{hint}"
        )
    if options.loss is None and options.activations is None and not np.isin(Y, (0, 1)).all():
        options.loss = "half_squared_error"
    net, loss = network_from(options)
    net.classes, net.features = classes if loss.for_classes else None, features
    with usage_errors():
        loss.check_labels(Y, axis)
        X_train, X_test, Y_train, Y_test = datasets.split(X, Y, options.test, options.rng, axis)
        optimizer = optimizers.BY_NAME[options.optimizer](options.rate)
        mean, scale = datasets.mean_and_scale(X_train, axis)
        if not defaults.standardize:
            mean, scale = np.zeros_like(mean), np.ones_like(scale)
        X_train = datasets.standardized(X_train, mean, scale, axis)
        X_test = datasets.standardized(X_test, mean, scale, axis)
    return Task(net, loss, optimizer, (X_train, Y_train), (X_test, Y_test), mean, scale)


def _samples(task: Task, axis: int) -> str:
    held_out = task.held_out[0].shape[axis]
    return f"{task.net.sizes[0]} features, {task.samples} samples to train, {held_out} held out"


def _results(task: Task) -> dict[str, tuple[float, float | None]]:
    """The cost and the accuracy, on the training samples and on those held out."""
    with np.errstate(all="ignore"):  # the result tells
        return {
            name: evaluate(task.net, *samples, task.loss)
            for name, samples in (("training", task.training), ("held out", task.held_out))
        }


def _check_picture(path: str) -> None:
    """Raise UsageError before the training if the picture could not be drawn after it."""
    with usage_errors():
        from nn.plots import figure

        formats = figure(1)[0].canvas.get_supported_filetypes()
    if Path(path).suffix[1:] not in formats:
        known = ", ".join(f".{name}" for name in formats)
        raise UsageError(f"--plot {path}: a picture is one of {known}")


def boundary(task: Task) -> Callable[[Any], Any] | None:
    """What draws samples of two features on the network's answers; None for other samples."""
    from nn import plots

    if task.net.sizes[0] != 2:
        return None
    threshold = 0.5 if task.loss.threshold is None else task.loss.threshold
    return partial(plots.decision_boundary, task.net, *task.training, threshold=threshold)


def _plot(output: files.Output, task: Task, history: History) -> None:
    from nn import plots

    draw = boundary(task)
    image, axes = plots.figure(1 if draw is None else 2)
    plots.history(history, axes[0])
    if draw is not None:
        draw(axes[1])
    output.write(lambda file: image.savefig(file, format=Path(output).suffix[1:]))


def _batch_size(text: str) -> int:
    if text == "all":
        return 0
    try:
        size = whole_number(text)
    except argparse.ArgumentTypeError:
        size = 0
    if not size:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number of samples nor 'all'")
    return size
