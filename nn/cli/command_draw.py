"""`autograd-lite draw`: the graph of a network's cost on random samples, with its backward pass."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import autograd_lite as ag
from autograd_lite.terminal import say
from nn.cli.command import (
    LAYERS,
    UsageError,
    add_network_options,
    check_file,
    network_from,
    outputs,
    random_samples,
    usage_errors,
    whole_number,
)
from nn.losses import Loss
from nn.network import Forward, Network

ENDINGS = (".svg", ".png", ".pdf", ".dot")


def add_to(subparsers: Any) -> None:
    """Add the subcommand `draw`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "draw",
        help="draw the graph of a network, with its backward pass",
        description="Draw what a network computes, from its input to the cost of random samples, "
        "and the rule of every step of the backward pass.",
    )
    parser.add_argument(
        "saved",
        nargs="?",
        metavar="FILE.npz",
        help="a saved network, instead of --layers, --activations and --batch-axis",
    )
    add_network_options(parser)
    group = parser.add_argument_group("the picture")
    group.add_argument("--samples", type=whole_number, default=5, help="how many (default 5)")
    group.add_argument(
        "--output",
        metavar="FILE",
        help=f"where to draw it: {', '.join(ENDINGS)} (default: print the DOT text)",
    )
    group.add_argument("--values", action="store_true", help="show every value and gradient")
    group.add_argument("--no-backward", action="store_true", help="leave the backward pass out")
    group.add_argument(
        "--most", type=whole_number, default=80, help="fold what has more nodes (default 80)"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Draw the network that the options describe; returns the exit code."""
    if options.output is not None and Path(options.output).suffix.lower() not in ENDINGS:
        raise UsageError(f"--output {options.output}: it must end in one of {', '.join(ENDINGS)}")
    if options.samples < 1 or options.most < 2:
        raise UsageError("--samples must be 1 or more, and --most 2 or more")
    output = outputs(options, "output").get("output")
    net, loss = saved_or_described(options)
    f, J = cost_of_random_samples(net, loss, options.samples, options.rng)
    drawing = ag.draw(
        J,
        groups=f.layers,
        backward=not options.no_backward,
        values=options.values or None,
        most=options.most,
    )
    if output:
        say(f"drawn in {drawing.save(output)}")
    else:
        print(drawing.source, end="")
    return 0


def saved_or_described(options: argparse.Namespace) -> tuple[Network, Loss]:
    """The network from the file, or the one that the options describe, and its loss."""
    if options.saved is None:
        return network_from(options)
    check_file(options.saved, options.saved)
    with usage_errors():
        net = Network.load(options.saved)
    for name, given, own in (
        ("layers", options.layers is not LAYERS, net.sizes),
        ("activations", options.activations is not None, net.activations),
        ("batch_axis", options.batch_axis != 1, net.batch_axis),
    ):
        if given and getattr(options, name) != own:
            raise UsageError(f"--{name.replace('_', '-')}: {options.saved} has its own, {own}")
    options.layers, options.activations = net.sizes, net.activations
    options.batch_axis = net.batch_axis
    return net, network_from(options)[1]


def cost_of_random_samples(
    net: Network, loss: Loss, samples: int, rng: int
) -> tuple[Forward, ag.Tensor]:
    """A forward pass of random samples, and its cost.

    >>> from nn import losses
    >>> net = Network([3, 2], ["softmax"], rng=0, batch_axis=0)
    >>> f, J = cost_of_random_samples(net, losses.cross_entropy, samples=5, rng=0)
    >>> f.A[0].shape, J.shape
    ((5, 3), ())
    """
    X, Y = random_samples(net, loss, samples, rng)
    f = net.forward(X)
    return f, loss(loss.output_of(f), Y, batch_axis=net.batch_axis)
