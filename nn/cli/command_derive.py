"""`autograd-lite derive`: derivatives in closed form, of a formula or of a network's cost."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import autograd_lite as ag
from autograd_lite.terminal import say
from nn.cli.command import UsageError, add_network_options, network_from, usage_errors, whole_number
from nn.cli.command_draw import cost_of_random_samples
from nn.documents.notations import NOTATIONS

TARGETS = ("numpy", "torch", "jax")


def add_to(subparsers: Any) -> None:
    """Add the subcommand `derive`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "derive",
        help="derive gradients in matrix form: of a formula, or of a network's cost",
        description="Derive the gradients of a formula in closed form, or line by line those of a "
        "network's cost, from its recorded tape. What is shown was compared with the tape before. "
        "`autograd-lite derive 'tr(A Xᵀ B X C)' --wrt X`",
    )
    parser.add_argument("formula", nargs="?", help="as in a note, in text or LaTeX")
    group = parser.add_argument_group("the formula")
    group.add_argument("--wrt", action="append", metavar="LETTER", help="by what (default: all)")
    group.add_argument("--hessian", action="store_true", help="second derivatives")
    group.add_argument(
        "--shape",
        action="append",
        metavar="X=m,n",
        help="the shape of a letter; λ= is a number (default: as the formula tells)",
    )
    group.add_argument(
        "--assume",
        action="append",
        metavar="A=symmetric",
        help="what is known of a letter: positive, symmetric, 'positive definite', diagonal, "
        "orthogonal, one-hot, 'one-hot columns', 'sums to 1'",
    )
    for library in TARGETS:
        group.add_argument(
            f"--{library}",
            dest="library",
            action="store_const",
            const=library,
            help=f"print a function of {library} instead",
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
    """Print the derivation for the formula or the network that the options describe."""
    if options.formula is not None:
        return _of_formula(options)
    if options.wrt or options.hessian or options.library or options.shape or options.assume:
        libraries = ", ".join(f"--{library}" for library in TARGETS)
        raise UsageError(
            f"--wrt, --hessian, --shape, --assume, {libraries} belong to a formula: "
            "autograd-lite derive 'xᵀ A x' --wrt x"
        )
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
    if options.latex:
        print(derivation.latex())
    else:
        say(derivation)
    return 0


def _of_formula(options: argparse.Namespace) -> int:
    shapes = {
        letter: [n for n in sizes.split(",") if n]
        for letter, sizes in _pairs(options.shape, "--shape X=m,n")
    }
    assume = dict(_pairs(options.assume, "--assume A=symmetric"))
    with usage_errors():
        derivation = ag.derive(
            options.formula,
            options.wrt,
            notation=NOTATIONS.get(options.notation, ag.Notation()),
            steps=options.steps,
            order=2 if options.hessian else 1,
            shapes=shapes,
            assume=assume,
        )
        forms = derivation.forms
        if options.library:
            text = "\n\n".join(form.source_in(options.library) for form in forms.values())
        else:
            text = derivation.latex() if options.latex else str(derivation)
    if options.library or options.latex:
        print(text.strip())
    else:
        say(text.strip())
    return 0


def _pairs(given: Sequence[str] | None, example: str) -> list[tuple[str, str]]:
    given = given or []
    for text in given:
        if "=" not in text:
            raise UsageError(f"{text!r} is not written as {example}")
    return [(name.strip(), value.strip()) for name, _, value in (x.partition("=") for x in given)]
