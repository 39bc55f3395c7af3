"""The console command `autograd-lite`, and what its subcommands share: data and network by options.

A subcommand is a module, named in SUBCOMMANDS, with a function `add_to(subparsers)` that adds its
parser and sets `run`, a function of the parsed options that returns the exit code: 0 good, 1 a
mismatch or a failure. What the user got wrong is raised as UsageError: one line, exit code 2.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nn import activations, datasets, losses
from nn.network import Network

SUBCOMMANDS = (
    "nn.command_check",
    "nn.command_train",
    "nn.command_compare",
    "nn.command_draw",
    "nn.command_derive",
)
BUILT_IN = ("planar", "breast_cancer", "digits", "iris")


class UsageError(Exception):
    """What was asked for cannot be done: said in one line, exit code 2."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, by default the process's own; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="autograd-lite",
        description="Check, explain and compile hand-derived backpropagation.",
    )
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in SUBCOMMANDS:
        importlib.import_module(module).add_to(subparsers)
    options = parser.parse_args(arguments)
    try:
        code = int(options.run(options))
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # the reader, `head` perhaps, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except UsageError as error:
        print(f"autograd-lite: {error}", file=sys.stderr)
        return 2
    except (FloatingPointError, MemoryError, OSError) as error:
        print(f"autograd-lite: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("autograd-lite: interrupted", file=sys.stderr)
        return 1


@contextmanager
def usage_errors() -> Iterator[None]:
    """Around what is built from the user's options: its errors are the user's to mend."""
    try:
        yield
    except (ValueError, TypeError, OSError, ImportError) as error:
        raise UsageError(" ".join(str(error).split())) from error


def add_network_options(parser: argparse.ArgumentParser, with_data: bool) -> None:
    """Add --layers --activations --loss --batch-axis --rng, for `network_from`.

    `with_data`: the data gives the number of inputs, and --layers begins with the first layer.
    """
    group = parser.add_argument_group("the network")
    group.add_argument(
        "--layers",
        type=_sizes,
        default=None if with_data else [2, 4, 1],
        metavar="4,1" if with_data else "2,4,1",
        help="units of each layer; "
        + (
            "the inputs come from the data"
            if with_data
            else "the inputs come first (default: 2,4,1)"
        ),
    )
    group.add_argument(
        "--activations",
        type=lambda text: text.split(","),
        metavar="tanh,sigmoid",
        help=f"one for each layer, of {', '.join(activations.NAMES)} (default: tanh, and for the "
        "last layer what the loss needs)",
    )
    group.add_argument(
        "--loss",
        choices=losses.BY_NAME,
        metavar="LOSS",
        help=f"{', '.join(losses.BY_NAME)} (default: what the last activation needs)",
    )
    group.add_argument(
        "--batch-axis",
        type=int,
        choices=(0, 1),
        default=1,
        help="1: samples are columns (default); 0: samples are rows",
    )
    group.add_argument(
        "--rng", type=whole_number, default=0, help="seed of all that is random (default 0)"
    )


def network_from(
    options: argparse.Namespace, inputs: int | None = None
) -> tuple[Network, losses.Loss]:
    """The network and the loss that the options describe.

    `inputs` is the number of features where there is data; without it --layers begins with it.
    Raises UsageError for options that do not fit together.
    """
    with usage_errors():
        sizes = list(options.layers) if inputs is None else [inputs, *options.layers]
        loss_name, names = options.loss, options.activations
        if names is None:
            loss_name = loss_name or ("cross_entropy" if sizes[-1] > 1 else "binary_cross_entropy")
            outputs = {"cross_entropy": "softmax", "binary_cross_entropy": "sigmoid"}
            names = ["tanh"] * (len(sizes) - 2) + [outputs.get(loss_name, "identity")]
        elif loss_name is None:
            needs = {"softmax": "cross_entropy", "sigmoid": "binary_cross_entropy"}
            loss_name = needs.get(names[-1], "half_squared_error")
        net = Network(sizes, names, rng=options.rng, batch_axis=options.batch_axis)
    loss = losses.BY_NAME[loss_name]
    if loss.takes_probabilities and names[-1] not in ("sigmoid", "softmax"):
        raise UsageError(
            f"--loss {loss_name} needs outputs from 0 to 1, and --activations ends in {names[-1]}: "
            f"end in sigmoid or softmax, or use {loss_name}_with_logits"
        )
    return net, loss


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Add --data and --target, for `data_from`."""
    group = parser.add_argument_group("the data")
    group.add_argument(
        "--data",
        default="planar",
        metavar="DATA",
        help=f"{', '.join(BUILT_IN)}, or a file FILE.csv with a line of names (default: planar)",
    )
    group.add_argument(
        "--target",
        metavar="COLUMN",
        help="the column of labels in FILE.csv; of iris, the kind to tell from the others",
    )


def data_from(options: argparse.Namespace) -> tuple[NDArray[Any], NDArray[Any]]:
    """X and Y that the options describe, laid out as --batch-axis says.

    Labels of two classes become one-hot where the loss is one for many classes. Raises UsageError,
    in words that name file, row and column, for data that cannot be read.
    """
    one_of_many = options.loss is not None and losses.BY_NAME[options.loss].one_of_many
    with usage_errors():
        X, Y = _load(options.data, options.target, options.rng, True if one_of_many else None)
    if one_of_many and len(Y) == 1:
        Y = np.vstack([1 - Y, Y])
    return (X, Y) if options.batch_axis == 1 else (X.T.copy(), Y.T.copy())


def _load(
    data: str, target: str | None, rng: int, classes: bool | None
) -> tuple[NDArray[Any], NDArray[Any]]:
    if data == "iris":
        return datasets.iris(target)
    if data in BUILT_IN:
        if target is not None:
            raise UsageError(f"--target: {data} has its labels; only iris and files have a choice")
        return datasets.planar(400, rng) if data == "planar" else getattr(datasets, data)()
    if not Path(data).is_file():
        raise UsageError(f"--data {data}: no such file, and not one of {', '.join(BUILT_IN)}")
    if target is None:
        raise UsageError(f"--data {data}: say which column holds the labels with --target COLUMN")
    return datasets.csv(data, target, classes)


def _sizes(text: str) -> list[int]:
    try:
        sizes = [int(n) for n in text.split(",")]
    except ValueError:
        sizes = []
    if not sizes or min(sizes) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of sizes such as 4,1")
    return sizes


def whole_number(text: str) -> int:
    """An option that is 0 or more."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number, 0 or more")
    return int(text)


def random_samples(
    net: Network, loss: losses.Loss, samples: int, rng: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """X from the normal distribution, and labels 0 and 1 that suit the loss, laid out for `net`.

    >>> net = Network([3, 2], ["softmax"], rng=0, batch_axis=0)
    >>> X, Y = random_samples(net, losses.cross_entropy, samples=5, rng=0)
    >>> X.shape, Y.sum(axis=1)
    ((5, 3), array([1., 1., 1., 1., 1.]))
    """
    random = np.random.default_rng(rng)
    X, outputs = random.normal(size=(net.sizes[0], samples)), net.sizes[-1]
    if loss.one_of_many:
        Y = np.eye(outputs)[:, random.integers(outputs, size=samples)]
    else:
        Y = random.integers(2, size=(outputs, samples)).astype(float)
    return (X, Y) if net.batch_axis == 1 else (X.T.copy(), Y.T.copy())
