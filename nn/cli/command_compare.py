"""`autograd-lite compare FILE.py`: find the mistake in gradients that a file computes by hand.

Alone a file is compared with a network, `FILE.py::name` on its own forward function or cost; many
files, or files beside a reference, each in a process of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
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
from autograd_lite.terminal import say
from nn.cli.command import (
    UsageError,
    add_network_options,
    check_file,
    finite_number,
    network_from,
    outputs,
    random_samples,
    whole_number,
)
from nn.cli.submissions import Outcome, limit_memory, submit
from nn.cli.tables import Writer
from nn.cli.targets import (
    WHAT_A_NAME_MEANS,
    Target,
    arguments,
    names,
    target,
    with_example,
)
from nn.losses import Loss
from nn.network import Network
from nn.progress import bar

WHAT_A_FILE_DEFINES = f"""\
FILE.py is executed, like any Python program: compare only files that you trust. It defines

    def gradients(X, Y, parameters):
        W1, b1 = parameters["W1"], parameters["b1"]
        ...
        return {{"dW1": dW1, "db1": db1, ...}}

X and Y are arrays laid out as --batch-axis says, parameters arrays by name, and what is returned
are the gradients of the cost J, the mean over the samples of --loss. dZ1, dA1, ... may be returned
as well: the more there is, the better the place of a mistake is known.

{WHAT_A_NAME_MEANS}
With --reference, the functions that the reference defines are compared in each file, on its
arguments, and its forward functions say what is right; those with a name_example() unless one is
named. A gradient that the reference returns and a file does not is wrong. Each comparison runs in
a process of its own, with --timeout and --memory. That is no wall against code that means harm.
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
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE.py[::name]",
        help="defines gradients(X, Y, parameters), or what is named",
    )
    add_network_options(parser)
    parser.add_argument(
        "--samples",
        type=whole_number,
        help="how many random samples (default: 7, or the next number that is no layer's size)",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="search for one second at most (otherwise half a minute; a terminal shows a bar)",
    )
    group = parser.add_argument_group("functions of a file")
    group.add_argument("--args", metavar="ARGS", help="what they are run on: 'x=(4,5) w=(5,3)'")
    group.add_argument("--reference", metavar="FILE.py[::name]", help="says what is right")
    group.add_argument("--json", metavar="FILE", help="write the result to a file as JSON")
    group.add_argument(
        "--timeout",
        type=finite_number,
        help="seconds for each comparison, in a process of its own (default 60)",
    )
    group.add_argument(
        "--memory", type=whole_number, metavar="MB", help="for each comparison (default 2000)"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Compare as the options say; returns 0 if all agree, 1 if not."""
    for file in [*options.files, *([options.reference] if options.reference else [])]:
        path, _ = _split(file)
        check_file(path, path)
    if options.timeout is not None and options.timeout <= 0:
        raise UsageError("--timeout must be more than 0 seconds")
    written = outputs(options, "json")
    if len(options.files) > 1 or options.timeout is not None:
        results = _submissions(options)
        code = 0 if all(r.ok for r in results) else 1
        text = json.dumps([r.as_dict() for r in results], ensure_ascii=False, indent=1)
    else:
        if options.memory is not None:
            limit_memory(options.memory)
        path, name = _split(options.files[0])
        if not name and options.reference:
            name = _split(options.reference)[1]
        report = _of_functions(options, path, name) if name else _of_network(options, path)
        code, text = 0 if report else 1, report.to_json()
    if "json" in written:
        written["json"].write(f"{text}\n".encode())
    return code


def _split(file: str) -> tuple[str, str]:
    """FILE.py::name as the path and the name."""
    path, _, name = file.partition("::")
    return path, name


def _of_network(options: argparse.Namespace, file: str) -> Any:
    """Compare the gradients of a network that the file computes; returns the report."""
    net, loss = network_from(options)
    samples = options.samples
    if samples is None:
        samples = next(m for m in itertools.count(7) if m not in net.sizes)
    if samples < 1:
        raise UsageError("--samples must be 1 or more")
    X, Y = _random(net, loss, samples, options.rng)
    f = net.forward(X)
    J = loss(loss.output_of(f), Y, batch_axis=net.batch_axis)
    say(f"{file} is executed, for {net} and {samples} random samples", flush=True)
    parameters = {name: t.numpy() for name, t in net.parameters().items()}
    with executed(file) as defined:
        gradients = defined.get("gradients")
        if not callable(gradients):
            raise UsageError(f"{file} does not define a function gradients(X, Y, parameters)")
        with own_errors(file):
            given = gradients(X.copy(), Y.copy(), dict(parameters))
    if not isinstance(given, Mapping):
        raise UsageError(
            f"gradients(X, Y, parameters) in {file} returned {type(given).__name__}: "
            'return a dict, as in {"dW1": dW1, "db1": db1}'
        )
    try:
        with _progress() as progress:
            report = ag.compare(J, given, quick=options.quick, progress=progress)
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(str(error.args[0])) from error
    print(report)
    missing = [name for name in parameters if not {name, f"d{name}"} & {*given}]
    if missing:
        say(f"not compared: {', '.join(missing)}")
    return report


def _of_functions(options: argparse.Namespace, file: str, name: str) -> Any:
    """Compare the functions of a name in the file; returns the report."""
    say(f"{file} is executed: {name}", flush=True)
    with contextlib.ExitStack() as stack:
        defined = stack.enter_context(executed(file))
        of, right, source = target(defined, name, file), None, file
        args_from, args_of = defined, of
        if options.reference:
            source, its_name = _split(options.reference)
            args_from = stack.enter_context(executed(source))
            args_of = target(args_from, its_name or name, source)
            right = (args_of.forward, args_of.backward) if args_of.backward else args_of.forward
        with own_errors(source):
            args = arguments(args_from, args_of, options.args, source, options.rng)
        report = _checked(of, args, right, {file, source}, options)
    print(report)
    return report


def _checked(
    of: Target, args: Any, right: Any, files: set[str], options: argparse.Namespace
) -> Any:
    limits: dict[str, Any] = {"quick": True, "seconds": 1.0} if options.quick else {}
    try:
        with contextlib.ExitStack() as stack:
            for file in files:
                stack.enter_context(own_errors(file, only_inside=True))
            return ag.check_backward(
                of.forward,
                of.backward,
                args,
                reference=right,
                rng=options.rng,
                progress=stack.enter_context(_progress()),
                **limits,
            )
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(str(error.args[0]), lines=True) from error


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal while the mistake is looked for."""
    with bar(passing=True) as show:
        yield lambda done, of: show(done, of, "looking for the mistake")


# Many files


def _submissions(options: argparse.Namespace) -> list[Outcome]:
    """Compare every file in a process of its own, print what is wrong, and a table."""
    passed = ["--rng", str(options.rng)]
    for option in ("layers", "activations", "loss", "batch_axis", "samples", "args", "reference"):
        value = getattr(options, option)
        if value is not None:
            text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
            passed += [f"--{option.replace('_', '-')}={text}"]
    passed += ["--quick"] if options.quick else []
    results = []
    split = [_split(file) for file in options.files]
    unnamed = options.reference and not all(name for _, name in split)
    all_names = _names(options.reference) if unnamed else [""]
    for path, name in split:
        for each in [name] if name else all_names:
            memory = 2000 if options.memory is None else options.memory
            outcome = submit(path, each, passed, options.timeout or 60.0, memory)
            results.append(outcome)
            if not outcome.ok:
                said = outcome.failed or outcome.report["text"]
                say(f"{path}::{each}\n{said}\n" if each else f"{path}\n{said}\n", flush=True)
    Writer(_COLOUR_OF).table(f"{len(results)} compared", _COLUMNS, map(_outcome_row, results))
    return results


def _names(reference: str) -> list[str]:
    """The names that a reference compares: what it says, or those with an example."""
    file, name = _split(reference)
    if name:
        return [name]
    with executed(file) as defined:
        found = with_example(defined) or (names(defined) if "example" in defined else [])
    if not found:
        raise UsageError(
            f"{file} defines no name_example(), which says what is compared and on which "
            f"arguments; or give a name: {file}::name"
        )
    return found


_COLOUR_OF = {"right": "green", "wrong": "red", "failed": "bold red"}
_COLUMNS = ("file", "function", "", "score", "seconds", "what is wrong")


def _outcome_row(outcome: Outcome) -> tuple[str, ...]:
    verdict = "failed" if outcome.failed else "right" if outcome.ok else "wrong"
    wrong = [e for e in outcome.report.get("entries", ()) if e["verdict"] != "agrees"]
    found = [f"{e['name']}: {e['findings'][0]['kind']}" for e in wrong if e["findings"]]
    score = f"{outcome.score:.2f}"
    why = outcome.failed.splitlines()[-1] if outcome.failed else ", ".join(found)
    return outcome.file, outcome.name, verdict, score, f"{outcome.seconds:.1f}", why


# One file


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


@contextmanager
def executed(file: str) -> Iterator[Mapping[str, Any]]:
    """What the file defines, once it is executed; modules beside it can be imported meanwhile."""
    path = Path(file)
    if zipfile.is_zipfile(path):  # runpy would look for a program in it
        raise UsageError(f"{path}: this is no Python program")
    _say_what_is_hidden(path)
    with _on_path(path.resolve().parent):
        with own_errors(file):
            defined = runpy.run_path(file, run_name=path.stem)
        yield defined


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
def own_errors(file: str, only_inside: bool = False) -> Iterator[None]:
    """Turn an error in the file into a UsageError that shows the file's own lines, none of ours.

    only_inside: errors that were not raised by lines of the file stay what they are.
    """
    try:
        yield
    except UsageError:  # of ours
        raise
    except (Exception, SystemExit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        own = list(itertools.dropwhile(lambda frame: frame.filename != file, frames))
        if only_inside and (not own or error.__cause__ is not None):
            raise
        lines = traceback.format_list(own) + traceback.format_exception_only(error)
        said = f"{file} raised an error:\n{''.join(lines).rstrip()}"
        raise UsageError(said, lines=True) from error
