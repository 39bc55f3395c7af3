"""`autograd-lite report`: a page for a browser about a network, a function, or a note of one's own.

Of a network or a function: its graph, its passes step by step, its derivation; of a network that
`--data` names samples for, also its training.
"""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

import autograd_lite as ag
from autograd_lite.terminal import say
from nn.cli import command_notes, command_train, targets
from nn.cli.command import (
    LAYERS,
    UsageError,
    add_data_options,
    add_network_options,
    check_file,
    outputs,
    random_samples,
    usage_errors,
    whole_number,
)
from nn.cli.command_compare import executed, own_errors
from nn.cli.command_draw import saved_or_described

if TYPE_CHECKING:  # (the page is loaded when one is made)
    from nn.report.markup import Section


def add_to(subparsers: Any) -> None:
    """Add the subcommand `report`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "report",
        help="a page about a network, a function or a note: graph, derivation, every number",
        description="Write a page for a browser: the graph, the forward and the backward pass step "
        "by step, the derivation; with --data the training as well. FILE.py::name is a function "
        "that returns a cost, a scalar Tensor; FILE.npz a saved network; of a note every claim is "
        "judged. FILE.py is executed.",
    )
    parser.add_argument(
        "saved",
        nargs="?",
        metavar="FILE",
        help="FILE.py::name, FILE.npz or a note, instead of --layers and --activations",
    )
    parser.add_argument("--output", metavar="FILE.html", required=True, help="where to write it")
    parser.add_argument(
        "--args", metavar="ARGS", help="what FILE.py::name is run on, as for `compare`"
    )
    parser.add_argument(
        "--samples", type=whole_number, default=4, help="of a network: how many (default 4)"
    )
    add_network_options(parser, layers=None)
    add_data_options(parser, default=None)
    parser.set_defaults(run=run, **command_train.UNSET)


def run(options: argparse.Namespace) -> int:
    """Write the page that the options describe; returns the exit code."""
    file, _, name = (options.saved or "").partition("::")
    if file:
        check_file(file, file)
    if options.samples < 1:
        raise UsageError("--samples must be 1 or more")
    output = outputs(options, "output")["output"]
    if file and not file.endswith((".npz", ".py")):
        return command_notes.check_notes([file], options.rng, {"report": output})
    from nn import report

    if problem := report.missing():
        raise UsageError(problem)
    if file.endswith(".py"):
        heading, sections = options.saved, _about_function(file, name, options)
    else:
        heading, sections = _about_network(options)
    page = report.filled_page(sections, heading, "A computation, and the derivatives of its cost.")
    output.write(page.encode())
    say(f"written to {output.path}")
    return 0


def _about_function(file: str, name: str, options: argparse.Namespace) -> list[Section]:
    """The sections for a function of a file."""
    if not name:
        raise UsageError(f"{file}: which function? autograd-lite report {file}::NAME")
    with executed(file) as defined:
        if not callable(defined.get(name)):
            known = ", ".join(targets.names(defined)) or "no function that takes arguments"
            raise UsageError(f"{file} does not define {name}. It defines {known}")
        target = targets.Target(name, defined[name], None)
        with usage_errors(), own_errors(file, only_inside=True):
            args = targets.arguments(defined, target, options.args, file, options.rng)
            J = recorded_cost(defined[name], args)
    return _sections(J, f"{name} computes", {})


def recorded_cost(function: Callable[..., Any], args: Any) -> ag.Tensor:
    """The cost that a function returns, alone or first, run on Tensors named as its arguments.

    TypeError where it does not return a scalar Tensor, one that operations on its float arrays
    lead to.

    >>> def cost(w, x):
    ...     return np.sum((w @ x) ** 2)
    >>> recorded_cost(cost, (np.ones((1, 2)), np.ones((2, 3)))).item()
    12.0
    """
    signature = inspect.signature(function)
    bound = signature.bind(**args) if isinstance(args, Mapping) else signature.bind(*args)
    for name, x in bound.arguments.items():
        bound.arguments[name] = _on_tape(name, x)
    returned = function(*bound.args, **bound.kwargs)
    J = returned[0] if isinstance(returned, tuple) and returned else returned
    if not isinstance(J, ag.Tensor) or J.size != 1:
        kind = f"a Tensor of shape {J.shape}" if isinstance(J, ag.Tensor) else type(J).__name__
        raise TypeError(
            f"{function.__name__} returned {kind}: a page is about a cost, a scalar Tensor"
        )
    if J.op is None or not J.requires_grad:
        raise TypeError(
            f"{function.__name__} returned a Tensor that no operation on a float array among its "
            "arguments leads to: there is no derivative to show"
        )
    return J


def _on_tape(name: str, x: Any) -> Any:
    """An argument with its float arrays as Tensors, named by its keys or numbered."""
    if isinstance(x, np.ndarray) and x.dtype.kind == "f":
        return ag.Tensor(x, requires_grad=True, name=name)
    if isinstance(x, Mapping):
        return {key: _on_tape(str(key), value) for key, value in x.items()}
    if isinstance(x, list | tuple):
        inside = [_on_tape(f"{name}{i}", value) for i, value in enumerate(x)]
        return type(x)(*inside) if hasattr(x, "_fields") else type(x)(inside)
    return x


def _about_network(options: argparse.Namespace) -> tuple[str, list[Section]]:
    """A heading and the sections for a network; the last for its training, where there are data."""
    task = None
    if options.data is None:
        options.layers = options.layers or LAYERS
        net, loss = saved_or_described(options)
        X, Y = random_samples(net, loss, options.samples, options.rng)
    elif options.saved:
        raise UsageError(f"--data trains a new network, and {options.saved} is trained already")
    else:
        task = command_train.prepared(options)
        net, loss = task.net, task.loss
        if (m := options.samples) > task.samples:
            raise UsageError(f"--samples {m}: {options.data} has {task.samples} to train on")
        X, Y = (a.take(range(options.samples), net.batch_axis) for a in task.training)
    f = net.forward(X)
    J = loss(loss.output_of(f), Y, batch_axis=net.batch_axis)
    sizes = "-".join(map(str, net.sizes))
    what = f"a {sizes} network computes for {X.shape[net.batch_axis]} samples"
    sections = _sections(J, what, f.layers)
    if task:
        sections.append(_training(task, options))
    return f"The {sizes} network", sections


def _training(task: command_train.Task, options: argparse.Namespace) -> Section:
    from nn.report import training

    history = command_train.fitted(task, options)
    if history.interrupted:
        raise KeyboardInterrupt
    said = (
        f"Trained on {task.samples} samples of {options.data}, {options.epochs} "
        f"epochs of gradient descent at rate {options.rate:g}."
    )
    return training.training_section(history, said, command_train.boundary(task))


def _sections(J: ag.Tensor, what: str, groups: Mapping[str, Any]) -> list[Section]:
    from nn.report import network

    with usage_errors():
        derivation = ag.derive(J)
    drawing = ag.draw(J, groups=groups)
    said = f"The graph of what {what}, with a dashed edge back for every rule."
    return [
        network.graph_section(drawing, what, said),
        network.stepper_section(J, f"what {what}"),
        network.derivation_section(derivation),
    ]
