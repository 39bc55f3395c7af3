"""`FILE.py::name`: the functions of a file that are compared, and what they are run on."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nn.cli.command import UsageError

WHAT_A_NAME_MEANS = """\
FILE.py::name is a function that returns a cost and its gradients,

    J, grads = name(params, X, y)         grads a dict by name, or one gradient after another

or a layer, the two functions name_forward and name_backward (or those of FILE.py::first,second):

    out, cache = name_forward(x, w, b)
    dx, dw, db = name_backward(dout, cache)

They are run as they are, on arguments that a function name_example() (or example()) of the file
returns, a tuple or a dict by parameter; or that --args describes: a tuple of sizes is an array of
random numbers, an array of whole numbers where `<` says below which, anything else a value.

    --args "x=(4,5) w=(5,3) b=(3,) y=(4,)<3 param={'stride': 1}"
"""


@dataclass(frozen=True)
class Target:
    """The functions that a name stands for: forward alone returns a cost and its gradients."""

    name: str
    forward: Callable[..., Any]
    backward: Callable[..., Any] | None


def target(defined: Mapping[str, Any], name: str, file: str) -> Target:
    """The functions of a file that a name stands for. UsageError if it does not define them."""
    stem = name.removesuffix("_forward")
    pair = name.split(",") if "," in name else [f"{stem}_forward", f"{stem}_backward"]
    functions = [defined.get(part) for part in pair]
    if len(pair) == 2 and all(map(callable, functions)):
        return Target(name if "," in name else stem, functions[0], functions[1])  # type: ignore[arg-type]
    if callable(defined.get(name)) and not name.endswith("_forward"):
        return Target(name, defined[name], None)
    known = ", ".join(names(defined)) or "no function that could be compared"
    wanted = " and ".join(pair) if "," in name else f"{name}, or {' and '.join(pair)}"
    raise UsageError(f"{file} does not define {wanted}. It defines {known}")


def names(defined: Mapping[str, Any]) -> list[str]:
    """What may stand after `::` for a file: its layers, and its functions that take arguments."""
    own = {name: f for name, f in defined.items() if inspect.isfunction(f) and name[0] != "_"}
    layers = [
        name.removesuffix("_forward")
        for name in own
        if name.endswith("_forward") and f"{name.removesuffix('_forward')}_backward" in own
    ]
    others = [
        name
        for name, f in own.items()
        if not name.endswith(("_forward", "_backward", "example"))
        and inspect.signature(f).parameters
    ]
    return [*layers, *others]


def with_example(defined: Mapping[str, Any]) -> list[str]:
    """Those of the names of a file that have an example of their own."""
    return [name for name in names(defined) if callable(defined.get(f"{name}_example"))]


def arguments(
    defined: Mapping[str, Any], of: Target, described: str | None, file: str, rng: int
) -> Any:
    """What the functions are run on. UsageError if nothing says it."""
    if described is not None:
        return described_arguments(described, rng)
    stems = (of.name, of.forward.__name__, of.forward.__name__.removesuffix("_forward"))
    for example in (*(f"{stem}_example" for stem in stems), "example"):
        if callable(defined.get(example)):
            args = defined[example]()
            if not isinstance(args, tuple | list | Mapping):
                raise UsageError(
                    f"{example}() in {file} returned {type(args).__name__}: return the arguments "
                    f"of {of.forward.__name__}, a tuple or a dict by parameter"
                )
            return args
    raise UsageError(
        f"{file}: what is {of.name} run on? Define {of.name}_example(), which returns the "
        f'arguments, or describe them: --args "{_described(of.forward)}"'
    )


def _described(function: Callable[..., Any]) -> str:
    """How the arguments of a function could be described."""
    try:
        parameters = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        parameters = ["x"]
    return " ".join(f"{name}=(4,5)" for name in parameters)


def described_arguments(text: str, rng: int = 0) -> dict[str, Any]:
    """The arguments that --args describes, by parameter. UsageError where it cannot be read.

    >>> found = described_arguments("x=(4,5) y=(4,)<3 reg=0.1 params={'W': (2,)}")
    >>> found["x"].shape, found["y"].dtype, found["reg"], list(found["params"])
    ((4, 5), dtype('int64'), 0.1, ['W'])
    """
    commas = re.sub(r",?\s+(?=[^\W\d]\w*\s*=(?!=))", ", ", text.strip())
    draw = np.random.default_rng(rng)
    try:
        call = ast.parse(f"f({commas})", mode="eval").body
        given = call.keywords if isinstance(call, ast.Call) and not call.args else []
        named = {k.arg: k.value for k in given if k.arg}
        if not named or len(named) < len(given):
            raise ValueError("write name=(4,5) for each argument, once")
        return {name: _value(value, draw) for name, value in named.items()}
    except (SyntaxError, TypeError, ValueError) as error:
        raise UsageError(f"--args {text!r}: {error}") from error


def _value(node: ast.expr, draw: np.random.Generator) -> Any:
    """An array for a tuple of sizes, whole numbers for `sizes < n`; any other value as written."""
    if isinstance(node, ast.Compare):
        below = _written(node.comparators[0]) if isinstance(node.ops[0], ast.Lt) else None
        if len(node.ops) > 1 or type(below) is not int or below < 1:
            raise ValueError(f"{ast.unparse(node)}: whole numbers are drawn by (4,) < 3")
        return draw.integers(below, size=_shape(node.left))
    if isinstance(node, ast.Tuple):
        return draw.normal(size=_shape(node))
    if isinstance(node, ast.Dict):
        if None in node.keys:
            raise ValueError(f"{ast.unparse(node)}: write every key and its value")
        pairs = zip(node.keys, node.values, strict=True)
        return {_written(key): _value(value, draw) for key, value in pairs if key}
    if isinstance(node, ast.List):
        return [_value(value, draw) for value in node.elts]
    return _written(node)


def _written(node: ast.expr) -> Any:
    """What an expression without names and calls is."""
    try:
        return ast.literal_eval(node)
    except (TypeError, ValueError):
        raise ValueError(
            f"{ast.unparse(node)} is no value. Write sizes as in (4, 5), (4,) < 3, a number, a "
            "'text', True, None, or a list or dict of them"
        ) from None


def _shape(node: ast.expr) -> tuple[int, ...]:
    sizes = _written(node)
    if not (isinstance(sizes, tuple) and all(type(n) is int and n >= 0 for n in sizes)):
        raise ValueError(f"{ast.unparse(node)} are no sizes, such as (4, 5)")
    return sizes
