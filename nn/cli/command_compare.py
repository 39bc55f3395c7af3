"""`autograd-lite compare FILE.py`: find the mistake in gradients that a file computes by hand."""

from __future__ import annotations

import argparse
import itertools
import runpy
import sys
import traceback
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import autograd_lite as ag
import nn
from nn.cli.command import (
    UsageError,
    add_network_options,
    check_file,
    network_from,
    random_samples,
    whole_number,
)
from nn.losses import Loss
from nn.network import Network

WHAT_A_FILE_DEFINES = """\
FILE.py is executed, like any Python program: compare only files that you trust. It defines

    def gradients(X, Y, parameters):
        W1, b1 = parameters["W1"], parameters["b1"]
        ...
        return {"dW1": dW1, "db1": db1, ...}

X and Y are arrays laid out as --batch-axis says, parameters arrays by name, and what is returned
are the gradients of the cost J, the mean over the samples of --loss. dZ1, dA1, ... may be returned
as well: the more there is, the better the place of a mistake is known.
"""


def add_to(subparsers: Any) -> None:
    """Add the subcommand `compare`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "compare",
        help="find the mistake in gradients derived by hand (executes FILE.py)",
        description="Compare gradients that a file computes by hand with those of the tape, and "
        "say which formula is wrong, and how.",
        epilog=WHAT_A_FILE_DEFINES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE.py", help="defines gradients(X, Y, parameters)")
    add_network_options(parser)
    parser.add_argument(
        "--samples",
        type=whole_number,
        help="how many random samples (default: 7, or the next number that is no layer's size)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Compare the file's gradients; returns 0 if all agree, 1 if not."""
    check_file(options.file, options.file)
    net, loss = network_from(options)
    samples = options.samples
    if samples is None:
        samples = next(m for m in itertools.count(7) if m not in net.sizes)
    if samples < 1:
        raise UsageError("--samples must be 1 or more")
    X, Y = _random(net, loss, samples, options.rng)
    f = net.forward(X)
    J = loss(loss.output_of(f), Y, batch_axis=net.batch_axis)
    print(f"{options.file} is executed, for {net} and {samples} random samples", flush=True)
    _say_what_is_hidden(Path(options.file))
    parameters = {name: t.numpy() for name, t in net.parameters().items()}
    with _on_path(Path(options.file).resolve().parent):
        gradients = _from_file(Path(options.file))
        with _own_errors(options.file):
            given = gradients(X.copy(), Y.copy(), dict(parameters))
    if not isinstance(given, Mapping):
        raise UsageError(
            f"gradients(X, Y, parameters) in {options.file} returned {type(given).__name__}: "
            'return a dict, as in {"dW1": dW1, "db1": db1}'
        )
    try:
        report = ag.compare(J, given)
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(str(error.args[0])) from error
    print(report)
    missing = [name for name in parameters if not {name, f"d{name}"} & {*given}]
    if missing:
        print(f"not compared: {', '.join(missing)}")
    return 0 if report.ok else 1


def _random(net: Network, loss: Loss, samples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Random X and Y; also moves the network's biases away from zero, where they hide mistakes."""
    rng = np.random.default_rng(seed)
    moved = {name: t.numpy() + rng.normal(0, 0.3, t.shape) for name, t in net.parameters().items()}
    net.set_parameters(moved)
    return random_samples(net, loss, samples, seed)


def _say_what_is_hidden(file: Path) -> None:
    """Note that a module `nn` beside the file is not the one that the file imports here."""
    for beside in (file.with_name("nn.py"), file.with_name("nn") / "__init__.py"):
        if beside.is_file() and not beside.samefile(str(nn.__file__)):
            said = f"note: `import nn` finds the package of autograd-lite here, not {beside}"
            print(said, file=sys.stderr)


def _from_file(path: Path) -> Callable[..., Any]:
    """The function `gradients` that the file defines; the file is executed."""
    if zipfile.is_zipfile(path):  # runpy would look for a program in it
        raise UsageError(f"{path}: this is no Python program")
    with _own_errors(str(path)):
        names = runpy.run_path(str(path), run_name=path.stem)
    gradients = names.get("gradients")
    if not callable(gradients):
        raise UsageError(f"{path} does not define a function gradients(X, Y, parameters)")
    return gradients


@contextmanager
def _on_path(directory: Path) -> Iterator[None]:
    """Let the file import the modules beside it, as `python FILE.py` does."""
    before = list(sys.path)
    sys.path.insert(0, str(directory))
    try:
        yield
    finally:
        sys.path[:] = before


@contextmanager
def _own_errors(file: str) -> Iterator[None]:
    """Turn an error in the file into a UsageError that shows the file's own lines, none of ours."""
    try:
        yield
    except (Exception, SystemExit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        own = itertools.dropwhile(lambda frame: frame.filename != file, frames)
        lines = traceback.format_list(list(own)) + traceback.format_exception_only(error)
        said = f"{file} raised an error:\n{''.join(lines).rstrip()}"
        raise UsageError(said, lines=True) from error
