"""The console command `autograd-lite`, and the options for data and networks that commands share.

A subcommand is a module listed in SUBCOMMANDS. Its `add_to(subparsers)` adds a parser and sets
`run`, a function of the parsed options that returns the exit code: 0 good, 1 a mismatch or a
failure. Mistakes of the user are raised as UsageError: one line, exit code 2.
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple, TextIO

import numpy as np

import autograd_lite as ag
from autograd_lite import files
from nn import activations, datasets, losses
from nn.arrays import Array
from nn.labels import Class
from nn.network import Network
from nn.tables import decimal_number

SUBCOMMANDS = (
    "nn.cli.command_check",
    "nn.cli.command_train",
    "nn.cli.command_predict",
    "nn.cli.command_compare",
    "nn.cli.command_draw",
    "nn.cli.command_derive",
    "nn.cli.command_report",
)
INTERRUPTED = 130  # as in shells: 128 and the number of the signal
STRICT = ("strict", "surrogateescape")  # ways to encode that end in an error
LAYERS = [2, 4, 1]  # unless the options name others
BUILT_IN = ("planar", "breast_cancer", "digits", "iris")


class UsageError(Exception):
    """The command cannot do what was asked for; said in one line (`lines`: in several), exit 2."""

    def __init__(self, said: str, lines: bool = False) -> None:
        super().__init__(said if lines else " ".join(said.split()))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, by default the process's own; returns the exit code.

    0: good. 1: a mismatch or a failure, or nobody reads the output. 2: the arguments or a file need
    to be corrected. 130: interrupted.
    """
    with _streams():
        try:
            try:
                options = _parsed(arguments)
                return int(options.run(options))
            finally:
                sys.stdout.flush()
        except UsageError as error:
            return _failed(error, 2)
        except KeyboardInterrupt:
            return _failed("interrupted", INTERRUPTED)
        except BrokenPipeError as error:
            if error.filename is not None:
                return _failed(error, 1)
            return 1  # the reader of what is printed, `head` perhaps, has seen enough
        except (FloatingPointError, MemoryError, OSError) as error:
            return _failed(error, 1)


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="autograd-lite",
        description="Check, explain and compile hand-derived backpropagation.",
    )
    parser.add_argument("--version", action="version", version=f"autograd-lite {ag.__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in SUBCOMMANDS:
        importlib.import_module(module).add_to(subparsers)
    options = parser.parse_args(arguments)
    for name, value in vars(options).items():
        if value == []:  # what older argparse makes of --name=--
            parser.error(f"argument --{name.replace('_', '-')}: expected one argument")
    return options


def _failed(said: object, code: int) -> int:
    text = str(said) or type(said).__name__
    with suppress(OSError):  # there is nowhere else to say it
        print(f"autograd-lite: {text}", file=sys.stderr, flush=True)
    return code


@contextmanager
def _streams() -> Iterator[None]:
    """Make standard streams exist, replace what they cannot encode, and close without an error."""
    before = sys.stdout, sys.stderr
    with open(os.devnull, "w") as out, open(os.devnull, "w") as err:
        sys.stdout, sys.stderr = before[0] or out, before[1] or err
        strict = [s for s in before if getattr(s, "errors", None) in STRICT]
        modes = [(stream, stream.errors) for stream in strict if hasattr(stream, "reconfigure")]
        try:
            for stream, _ in modes:
                stream.reconfigure(errors="replace")
            yield
        finally:
            for stream in (sys.stdout, sys.stderr):
                _end(stream)
            for stream, errors in modes:
                stream.reconfigure(errors=errors)
            sys.stdout, sys.stderr = before


def _end(stream: TextIO) -> None:
    """Flush a stream; if that fails, nobody reads it, and Python must not try it again at exit."""
    try:
        stream.flush()
    except OSError:
        with suppress(OSError), open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())


@contextmanager
def usage_errors() -> Iterator[None]:
    """Turn the errors of whatever is built from the user's options into UsageErrors."""
    try:
        yield
    except (ValueError, TypeError, ArithmeticError, OSError, ImportError) as error:
        raise UsageError(str(error)) from error


def outputs(options: argparse.Namespace, *names: str) -> dict[str, files.Output]:
    """The files that these options ask for, by option, opened for writing before any work is done.

    Raises UsageError for a file that cannot be written, and for one that would replace another of
    them, or a file that any other option or argument names, as FILE or as FILE::name.
    """
    found: dict[str, files.Output] = {}
    taken = {os.path.realpath(path): path for path in _files_named(options, names)}
    for name in names:
        path = getattr(options, name)
        if path is None:
            continue
        try:
            found[name] = files.Output(path)
        except OSError as error:
            raise UsageError(f"--{name} {path}: cannot be written: {error.strerror}") from error
        replaced = found[name].replaces
        if replaced is not None and replaced in taken:
            raise UsageError(f"--{name} {path}: this would replace {taken[replaced]}")
        if replaced is not None:
            taken[replaced] = f"what --{name} writes"
    return found


def _files_named(options: argparse.Namespace, outputs: Sequence[str]) -> Iterator[str]:
    """The files that the options and arguments name, but for those to be written."""
    for name, value in vars(options).items():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and name not in outputs:
                yield from filter(os.path.isfile, {text, text.partition("::")[0]})


def check_file(path: str, what: str) -> None:
    """Raise UsageError, which begins with `what`, for a path that is not a regular file."""
    if os.path.isfile(path):
        return
    if not os.path.exists(path):
        raise UsageError(f"{what}: no such file")
    kind = "is a directory" if os.path.isdir(path) else "is not a regular file"
    raise UsageError(f"{what}: this {kind}")


def add_network_options(parser: argparse.ArgumentParser, layers: list[int] | None = LAYERS) -> None:
    """Add --layers --activations --loss --batch-axis --rng, for `network_from`.

    `layers` is the default network; None leaves it to the data.
    """
    default = "what suits the data" if layers is None else ",".join(map(str, layers))
    group = parser.add_argument_group("the network")
    group.add_argument(
        "--layers",
        type=_sizes,
        default=layers,
        metavar="2,4,1",
        help=f"the inputs and the units of each layer (default: {default})",
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


def network_from(options: argparse.Namespace) -> tuple[Network, losses.Loss]:
    """The network and the loss that the options describe.

    Raises UsageError for options that do not fit together.
    """
    with usage_errors():
        sizes = list(options.layers)
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
        loss.labels_of(sizes[-1])
    if loss.takes_probabilities and names[-1] not in ("sigmoid", "softmax"):
        raise UsageError(
            f"--loss {loss_name} needs outputs from 0 to 1, and --activations ends in {names[-1]}: "
            f"end in sigmoid or softmax, or use {loss_name}_with_logits"
        )
    return net, loss


def add_data_options(parser: argparse.ArgumentParser, default: str | None = "planar") -> None:
    """Add --data and --target, for `data_from`."""
    group = parser.add_argument_group("the data")
    group.add_argument(
        "--data",
        default=default,
        metavar="DATA",
        help=f"{', '.join(BUILT_IN)}, or a file FILE.csv with a line of names "
        f"(default: {default or 'none'})",
    )
    group.add_argument(
        "--target",
        metavar="COLUMN",
        help="the column of labels in FILE.csv; of iris, the kind to tell from the others",
    )


class Data(NamedTuple):
    """Samples and labels, and from a file the names of its classes and its features."""

    X: Array
    Y: Array
    classes: list[Class] | None = None
    features: list[str] | None = None


def data_from(options: argparse.Namespace) -> Data:
    """The data that the options describe, laid out as --batch-axis says.

    Labels of two classes become one-hot if the loss is for many classes. Raises UsageError, naming
    file, row and column, for data that cannot be read.
    """
    one_of_many = options.loss is not None and losses.BY_NAME[options.loss].one_of_many
    with usage_errors():
        data = _load(options.data, options.target, options.rng, True if one_of_many else None)
    X, Y = data.X, data.Y
    if one_of_many and len(Y) == 1:
        Y = np.vstack([1 - Y, Y])
    return (
        data._replace(X=X, Y=Y) if options.batch_axis else data._replace(X=X.T.copy(), Y=Y.T.copy())
    )


def _load(data: str, target: str | None, rng: int, classes: bool | None) -> Data:
    if data == "iris":
        return Data(*datasets.iris(target))
    if data in BUILT_IN:
        if target is not None:
            raise UsageError(f"--target: {data} has its labels; only iris and files have a choice")
        return Data(*(datasets.planar(400, rng) if data == "planar" else getattr(datasets, data)()))
    if not os.path.exists(data):
        raise UsageError(f"--data {data}: no such file, and not one of {', '.join(BUILT_IN)}")
    check_file(data, f"--data {data}")
    if target is None:
        raise UsageError(f"--data {data}: say which column holds the labels with --target COLUMN")
    return Data(*datasets.csv_with_names(data, target, classes))


def _sizes(text: str) -> list[int]:
    try:
        sizes = [whole_number(n) for n in text.split(",")]
    except argparse.ArgumentTypeError:
        sizes = []
    if not sizes or min(sizes) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of sizes such as 2,4,1")
    return sizes


def whole_number(text: str) -> int:
    """An option that is 0 or more."""
    if not re.fullmatch("[0-9]{1,18}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number, 0 or more")
    return int(text)


def finite_number(text: str) -> float:
    """An option that is a finite number."""
    value = decimal_number(text)
    if value is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a finite number such as 0.1")
    return value


def random_samples(net: Network, loss: losses.Loss, samples: int, rng: int) -> tuple[Array, Array]:
    """X from the normal distribution, and labels 0 and 1 that suit the loss, laid out for `net`.

    >>> net = Network([3, 2], ["softmax"], rng=0, batch_axis=0)
    >>> X, Y = random_samples(net, losses.cross_entropy, samples=5, rng=0)
    >>> X.shape, Y.sum(axis=1)
    ((5, 3), array([1., 1., 1., 1., 1.]))
    """
    random = np.random.default_rng(rng)
    X, outputs = random.normal(size=(net.sizes[0], samples)), loss.labels_of(net.sizes[-1])
    if loss.one_of_many:
        Y = np.eye(outputs)[:, random.integers(outputs, size=samples)]
    else:
        Y = random.integers(2, size=(outputs, samples)).astype(float)
    return (X, Y) if net.batch_axis == 1 else (X.T.copy(), Y.T.copy())
