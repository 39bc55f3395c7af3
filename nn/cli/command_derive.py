"""`autograd-lite derive`: the gradients of a network's cost as one would derive them by hand."""

from __future__ import annotations

import argparse
from typing import Any

import autograd_lite as ag
from nn.cli.command import UsageError, add_network_options, network_from, usage_errors, whole_number
from nn.cli.command_draw import cost_of_random_samples
from nn.documents.notations import NOTATIONS


def add_to(subparsers: Any) -> None:
    """Add the subcommand `derive`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "derive",
        help="derive the gradients of a network in matrix form",
        description="Derive the gradients of a network's cost in matrix form, from its recorded "
        "tape. Every line is compared with the tape before it is shown.",
    )
    add_network_options(parser)
    group = parser.add_argument_group("the derivation")
    group.add_argument(
        "--notation",
        choices=("plain", *NOTATIONS),
        default="plain",
        help="the letters and conventions of a document, 000 to 004 (default: plain)",
    )
    group.add_argument(
        "--samples",
        type=whole_number,
        help="how many (default: 400, and 1 where the document treats one sample)",
    )
    group.add_argument("--steps", action="store_true", help="show how each line came about")
    group.add_argument("--latex", action="store_true", help="print LaTeX instead of text")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the derivation for the network that the options describe; returns the exit code."""
    notation = NOTATIONS.get(options.notation, ag.Notation())
    samples = options.samples
    if samples is None:
        samples = 1 if notation.one_sample else 400
    if samples < 1:
        raise UsageError("--samples must be 1 or more")
    if notation.loss:  # the document has it, and a logistic network
        options.loss = options.loss or notation.loss
        options.activations = options.activations or ["sigmoid"] * (len(options.layers) - 1)
    net, loss = network_from(options)
    _, J = cost_of_random_samples(net, loss, samples, options.rng)
    with usage_errors():
        derivation = ag.derive(J, notation=notation, steps=options.steps)
    print(derivation.latex() if options.latex else derivation)
    return 0
