"""The arguments that a user's functions are run on, and whose gradients the functions return."""

from __future__ import annotations

import inspect
import itertools
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from autograd_lite import errors
from autograd_lite.diagnosis.claims import numbers
from autograd_lite.diagnosis.points import Array
from autograd_lite.diagnosis.stand_in import is_users_object
from autograd_lite.tensor import Tensor
from autograd_lite.transforms import flatten, map_leaves, unflatten

Path = tuple[Any, ...]


class Arguments:
    """What a function is called with, by parameter, and every float array in it by name.

    by_parameter: the arguments. owner, state: the object whose method the function is, and its
    attributes. paths: where each float array stands, by name: the last key if only one array is
    called so. numbers: the same for Python's floats, which are constants unless a gradient is named
    so.
    TypeError where the arguments do not fit the function, or hold no float array.

    >>> def loss(params, X, y): ...
    >>> given = Arguments(loss, ({"W": np.ones((2, 3)), "b": np.ones(3)}, np.ones((4, 2)), [0, 1]))
    >>> given.paths
    {'W': ('params', 'W'), 'b': ('params', 'b'), 'X': ('X',)}
    """

    def __init__(self, function: Callable[..., Any], args: Any) -> None:
        self.who = getattr(function, "__name__", type(function).__name__)
        args = (args,) if isinstance(args, np.ndarray | Tensor) else args
        if isinstance(args, str | bytes) or not isinstance(args, Iterable):
            raise TypeError(f"args are a tuple, or a dict by parameter, not {told_of(args)}")
        try:
            signature = inspect.signature(function)
            bound = signature.bind(**args) if isinstance(args, Mapping) else signature.bind(*args)
        except (TypeError, ValueError) as error:
            raise TypeError(f"args do not fit {self.who}: {error}") from None
        self.owner = getattr(function, "__self__", None)
        self.state: dict[str, Any] = dict(vars(self.owner)) if is_users_object(self.owner) else {}
        self.bound = bound
        self.by_parameter = {name: map_leaves(_no_tensor, x) for name, x in bound.arguments.items()}
        found = _named(list(leaves({**self.state, **self.by_parameter})))
        self.paths = {name: path for name, (path, x) in found.items() if _is_float_array(x)}
        self.numbers = {name: path for name, (path, x) in found.items() if type(x) is float}
        if not self.paths:
            told = ", ".join(f"{name}: {told_of(x)}" for name, x in self.by_parameter.items())
            raise TypeError(
                f"there is no float array among args ({told or 'they are empty'}): gradients are "
                "with respect to arrays of floats. Make them by x.astype(float), or by "
                "np.array(x, dtype=float) of a list or number"
            )

    def given_to(self, function: Callable[..., Any], handed: Callable[[Path, Any], Any]) -> Any:
        """What a function returns for these arguments, in which `handed(path, x)` stands for x."""
        replaced = OrderedDict(mapped(handed, self.by_parameter))
        bound = inspect.BoundArguments(self.bound.signature, replaced)
        return function(*bound.args, **bound.kwargs)

    def array(self, name: str) -> Array:
        """The array of this name."""
        path = self.paths.get(name) or self.numbers[name]
        return np.asarray(at({**self.state, **self.by_parameter}, path))

    def keeps(self, name: str) -> bool:
        """Whether the object, and not an argument, holds the array of this name."""
        return name in self.paths and self.paths[name][0] in self.state.keys() - self.by_parameter

    def of(self, argument: str) -> list[str]:
        """The names of the float arrays in an argument."""
        return [name for name, path in self.paths.items() if path[0] == argument]

    def whose(self, gradients: Any, wrt: Sequence[str] | None, who: str) -> dict[str, Any]:
        """The gradients that were returned by the names of their arrays; None for one missing.

        who: which function returned them, for errors: TypeError or KeyError where it is not clear
        whose they are, ValueError where there are none.
        """
        if gradients is None:
            raise TypeError(f"{who} returned None as the gradients: mind its return")
        if isinstance(gradients, Mapping) and wrt is None:
            pairs = [(self._named_like(key, who), g) for key, g in gradients.items()]
        elif wrt is None and (whole := self._like(gradients)):
            pairs = [(whole, gradients)]
        else:
            listed = list(gradients) if isinstance(gradients, tuple | list) else [gradients]
            names = self._fitting(listed, who) if wrt is None else list(wrt)
            if len(names) != len(listed):
                raise TypeError(f"{who} returned {_number(len(listed))} for wrt={names}")
            pairs = list(zip(names, listed, strict=True))
            if wrt is None:
                pairs = [(name, g) for name, g in pairs if self._has(name, g, who)]
        found: dict[str, Any] = {}
        for name, g in pairs:
            found |= self._parts(name, g)
        for name, g in found.items():
            if g is not None:
                numbers(g, f"what {who} returned as the gradient of {name}")
        for name in {**self.state, **self.by_parameter}:
            if found.keys() & set(self.of(name)):  # of a dict of parameters, each has a gradient
                found = {**dict.fromkeys(self.of(name)), **found}
        if all(g is None for g in found.values()):
            raise ValueError(f"{who} returned no gradients: there is nothing to compare")
        return found

    def _parts(self, name: str, g: Any) -> dict[str, Any]:
        """The gradient of an array, or those of the arrays in a list or dict."""
        if name in self.paths or name in self.numbers:
            return {name: g}
        if not self.of(name):
            known = ", ".join({**self.paths, **self.by_parameter})
            raise KeyError(f"{name} is no argument of {self.who}. There are: {known}")
        return {inner: at(g, self.paths[inner][1:]) for inner in self.of(name)}

    def _like(self, gradients: Any) -> str | None:
        """A list of arrays among the arguments that is as long as a list of gradients."""
        for name, x in self.by_parameter.items():
            if (
                isinstance(x, tuple | list)
                and isinstance(gradients, tuple | list)
                and self.of(name)
            ):
                inside = [at(gradients, self.paths[inner][1:]) for inner in self.of(name)]
                alike = len(x) == len(gradients) and all(map(_of_one_kind, x, gradients))
                if alike and all(g is not None for g in inside):
                    return name
        return None

    def _named_like(self, key: Any, who: str) -> str:
        for name in (key, key[1:] if isinstance(key, str) and key[:1] == "d" else key):
            if name in self.paths or name in self.numbers or self.of(name):
                return str(name)
        several = [name for name, path in self.paths.items() if key in (path[-1], f"d{path[-1]}")]
        one = f"It may be that of {' or '.join(several)}" if several else ""
        raise KeyError(
            f"{who} returned a gradient {key!r}, and no float array of the arguments is called "
            f"so. {one or 'There are: ' + ', '.join(self.paths)}"
        )

    def _fitting(self, gradients: list[Any], who: str) -> list[str]:
        """The arguments that gradients in a row belong to."""
        arrays = [name for name in self.by_parameter if name in self.paths]
        holding = [name for name in self.by_parameter if self.of(name)]
        for names in (arrays, holding, list(self.by_parameter)):
            if len(names) == len(gradients) and all(map(self._of_one_kind, names, gradients)):
                return names
        fit = [
            list(names)
            for names in itertools.combinations(holding, len(gradients))
            if [_shapes(self.by_parameter[n]) for n in names] == [_shapes(g) for g in gradients]
        ]
        if fit:
            return fit[0]
        raise TypeError(
            f"{who} returned {_number(len(gradients))}, but the float arrays among the arguments "
            f"are {', '.join(arrays) or 'in none of them by themselves'}. Return one for each in "
            "order (None where there is none), or a dict by name, or say whose they are: wrt=[...]"
        )

    def _of_one_kind(self, name: str, g: Any) -> bool:
        return not self.of(name) or _of_one_kind(self.by_parameter[name], g)

    def _has(self, name: str, g: Any, who: str) -> bool:
        if g is not None and not self.of(name):
            raise TypeError(
                f"{who} returned a gradient of {name}, {told_of(self.by_parameter[name])}: only "
                "float arrays have one. Return None for it"
            )
        return bool(self.of(name))


def _no_tensor(x: Any) -> Any:
    return x.numpy() if isinstance(x, Tensor) else x


def _of_one_kind(x: Any, g: Any) -> bool:
    """Whether x and g are both lists or dicts of arrays, or neither is; g may also be None."""
    parts = flatten(g) if isinstance(g, dict | list | tuple) else []
    nested = any(isinstance(part, np.ndarray) for part in parts)
    return g is None or nested == isinstance(x, dict | list | tuple)


def _shapes(tree: Any) -> list[tuple[int, ...]]:
    return [np.shape(x) for x in flatten(tree)]


def _is_float_array(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"


def leaves(tree: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The leaves of nested dicts, lists and tuples, as `flatten` has them, with their paths."""
    if isinstance(tree, dict | list | tuple):
        for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from leaves(value, (*path, key))
    else:
        yield path, tree


def names_of(wrt: Any) -> list[str] | None:
    """The names that `wrt` says, one or several; TypeError or ValueError for anything else.

    >>> names_of("w"), names_of(("w", "b")), names_of(None)
    (['w'], ['w', 'b'], None)
    """
    if wrt is None:
        return None
    names = [wrt] if isinstance(wrt, str) or not isinstance(wrt, Iterable) else list(wrt)
    if not all(isinstance(name, str) for name in names):
        raise TypeError(f"wrt={wrt!r}: it is a list of arguments' names, as in wrt=['w', 'b']")
    if len(set(names)) < len(names):
        raise ValueError(f"wrt={wrt!r}: a name stands there twice")
    return names


def mapped(handed: Callable[[Path, Any], Any], tree: Any, path: Path = ()) -> Any:
    """The same structure, with handed(path, leaf) in the place of each leaf."""
    return unflatten(tree, iter([handed(*leaf) for leaf in leaves(tree, path)]))


def _named(leaves: list[tuple[Path, Any]]) -> dict[str, tuple[Path, Any]]:
    """The leaves by the shortest names that tell them apart: W1, Ws[0], params.W1."""
    short = [_spelled(path[-1:]) for path, _ in leaves]
    names = [
        s if short.count(s) == 1 and not isinstance(path[-1], int) else _spelled(path)
        for s, (path, _) in zip(short, leaves, strict=True)
    ]
    return dict(zip(names, leaves, strict=True))


def _spelled(path: Path) -> str:
    parts = [f"[{key}]" if isinstance(key, int) else f".{key}" for key in path]
    return "".join(parts).removeprefix(".")


def at(tree: Any, path: Path) -> Any:
    """What stands at a path, a key perhaps with a d in front; None where nothing does."""
    for key in path:
        if isinstance(tree, Mapping):
            tree = tree.get(key, tree.get(f"d{key}"))
        elif isinstance(tree, list | tuple) and isinstance(key, int) and key < len(tree):
            tree = tree[key]
        else:
            return None
    return tree


def told_of(x: Any) -> str:
    """What something is, in a few words."""
    if isinstance(x, np.ndarray):
        return f"an array {x.shape} of {x.dtype}"
    if isinstance(x, tuple | list | dict):
        return f"{errors.kind_of(x)} of {len(x)}"
    return "None" if x is None else errors.kind_of(x)


def _number(n: int) -> str:
    return "1 gradient" if n == 1 else f"{n} gradients"
