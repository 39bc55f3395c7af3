"""`autograd-lite predict`: what a saved network says of the rows of a file."""

from __future__ import annotations

import argparse
import csv
import io
from typing import Any

from autograd_lite.terminal import say
from nn.arrays import Array
from nn.cli.command import UsageError, check_file, outputs, usage_errors
from nn.network import Network
from nn.tables import Table


def add_to(subparsers: Any) -> None:
    """Add the subcommand `predict`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "predict",
        help="answer for the rows of a file with a trained network",
        description="Print, or write to a file, what a network that `train` saved says of each row "
        "of a comma-separated file. Columns are found by their names, others are left alone.",
    )
    parser.add_argument("network", metavar="FILE.npz", help="a network saved by `train`")
    parser.add_argument("data", metavar="DATA.csv", help="samples, with a line of names")
    parser.add_argument("--out", metavar="PREDICTIONS.csv", help="(default: print them)")
    parser.add_argument(
        "--probabilities", action="store_true", help="add the probability of each class"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Answer for every row; returns the exit code."""
    for path in (options.network, options.data):
        check_file(path, path)
    written = outputs(options, "out")
    with usage_errors():
        net = Network.load(options.network)
        table = Table(options.data)
        names = net.features or table.names
        if len(names) != net.sizes[0]:
            raise UsageError(
                f"{options.data} has {len(names)} columns, and {options.network} takes "
                f"{net.sizes[0]} features, whose names it does not know: give these columns alone"
            )
        X = table.numbers(names)
        text = _predictions(net, X if net.batch_axis == 1 else X.T, options.probabilities)
    if "out" in written:
        written["out"].write(text.encode())
        say(f"{X.shape[1]} predictions in {written['out'].path}")
    else:
        print(text, end="")
    return 0


def _predictions(net: Network, X: Array, probabilities: bool) -> str:
    """The predictions as comma-separated lines, the first with the names of the columns."""
    answers = net.predict(X)
    columns = {"prediction": answers} if answers.ndim == 1 else _by_output("output", net, answers)
    if probabilities:
        shares = net.predict(X, probabilities=True)
        columns |= _by_output("probability of", net, shares, net.classes)
    file = io.StringIO()
    lines = csv.writer(file, lineterminator="\n")
    lines.writerow(columns)
    lines.writerows(zip(*(column.tolist() for column in columns.values()), strict=True))
    return file.getvalue()


def _by_output(said: str, net: Network, values: Array, names: Any = None) -> dict[str, Array]:
    rows = values if net.batch_axis == 1 else values.T
    return {
        f"{said} {name}": row for name, row in zip(names or range(len(rows)), rows, strict=True)
    }
