"""`check_backward`: a reader's own functions, run as they are and on Tensors, and compared."""

from __future__ import annotations

import copy
import inspect
import itertools
import math
import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_lite import errors, rules
from autograd_lite.diagnosis.comparison import compare
from autograd_lite.diagnosis.points import Array
from autograd_lite.diagnosis.report import Entry, Finding, Report
from autograd_lite.diagnosis.stand_in import StandIns
from autograd_lite.diagnosis.tolerances import relative_error
from autograd_lite.graph import steps
from autograd_lite.tensor import Tensor
from autograd_lite.transforms import flatten, map_leaves
from autograd_lite.walk import recorded_for

_one_at_a_time = threading.RLock()  # np.random has one state for all threads


def check_backward(
    forward: Callable[..., Any],
    backward: Callable[..., Any] | None = None,
    args: Any = (),
    *,
    wrt: Sequence[str] | None = None,
    rng: int = 0,
) -> Report:
    """Judge the gradients that a function computes, and name the mistake in those that are wrong.

    With a backward: `out, cache = forward(*args)` and `grads = backward(dout, cache)`, where dout
    is drawn at random; several outputs come before the cache, and each has its dout. Without one:
    `J, grads = forward(*args)`, or `J, dW, db`. The functions run as they are, on arrays. What is
    right comes from a second run of forward on Tensors, which `np.zeros` and its kin make there;
    both runs draw the same numbers from np.random.

    args: a tuple, or a dict by parameter: float arrays, lists and dicts of them, anything else.
    grads: a dict by name ("W1" or "dW1"), or the gradients of the arrays in args, in order; None
    for one that has no gradient. wrt: the names of the arguments whose gradients are returned,
    where that is not clear.

    Returns what `ag.compare` returns: the report is true if everything agrees.
    `.raise_if_wrong()` makes a test of it. Raises ValueError or TypeError where nothing can be
    compared, and says why.

    >>> def affine_forward(x, w, b):
    ...     return x @ w + b, (x, w)
    >>> def affine_backward(dout, cache):
    ...     x, w = cache
    ...     return dout @ w.T, x.T @ dout, -dout.sum(axis=0)
    >>> rng = np.random.default_rng(0)
    >>> args = rng.normal(size=(4, 3)), rng.normal(size=(3, 2)), rng.normal(size=2)
    >>> print(check_backward(affine_forward, affine_backward, args))
    x   (4, 3)  agrees
    w   (3, 2)  agrees
    b   (2,)    differs  sign at b: its sign is wrong. Multiply it by −1.
    """
    return OwnCode(forward, backward, args, wrt, rng).report()


@dataclass(eq=False)
class Arrays:
    """What the functions gave as they are, on arrays.

    outputs: what is differentiated, J alone without a backward. douts: what arrived at each.
    cache: what backward was handed. gradients: what was returned as such.
    """

    outputs: list[Any]
    douts: list[Any]
    cache: Any
    cached: bool  # whether forward returned a cache as well
    gradients: Any


@dataclass(eq=False)
class Recorded:
    """What forward gave on Tensors: the cost, and the Tensor of each float array by its name.

    With a backward the cost is the sum of dout ∘ out over the outputs.
    """

    J: Tensor
    variables: dict[str, Tensor]
    reached: set[int]  # the orders of what the cost depends on


@dataclass(eq=False)
class OwnCode:
    """The functions of a reader and the arguments that they are run on; see check_backward."""

    forward: Callable[..., Any]
    backward: Callable[..., Any] | None
    args: Any
    wrt: Sequence[str] | None = None
    rng: int = 0
    named: dict[str, Any] = field(init=False)  # the arguments by parameter

    def __post_init__(self) -> None:
        for f, what in ((self.forward, "forward"), (self.backward, "backward")):
            if not (callable(f) or (f is None and what == "backward")):
                raise TypeError(f"{what} is a function, not {type(f).__name__}")
        self.named = _by_parameter(self.forward, self.args)

    @property
    def name(self) -> str:
        """What the forward function is called."""
        return getattr(self.forward, "__name__", type(self.forward).__name__)

    def report(self) -> Report:
        """Run both, and compare."""
        plain = self.on_arrays()
        recorded = self.on_tensors(plain)
        given = self.handed_in(plain, recorded)
        report = compare(recorded.J, {t: g for t, g in given.items() if g is not None})
        for t, g in given.items():
            if g is None and t._order in recorded.reached:
                report.entries.append(self._missing(recorded, t))
        return report

    def _missing(self, recorded: Recorded, t: Tensor) -> Entry:
        step = steps(recorded.J).step(t)
        said = f"{self._who()} returned no gradient of {t.name}, on which the cost depends."
        finding = Finding("missing", str(t.name), 1, said, math.inf, 1)
        return Entry(str(t.name), t.shape, None, step, "missing", math.inf, [finding])

    def on_arrays(
        self, backward: Callable[..., Any] | None = None, named: dict[str, Any] | None = None
    ) -> Arrays:
        """Run the functions as they are, on copies of the arguments.

        backward, named: another backward function, other arguments by parameter.
        """
        backward = backward or self.backward
        with _seeded(self.rng):
            returned = self._call(self.forward, self.named if named is None else named, _own)
            if self.backward is None:
                return self._cost_and_gradients(returned)
            outputs, cache, cached = self._outputs_and_cache(returned)
            draw = np.random.default_rng(self.rng)
            douts = [map_leaves(lambda y: _drawn(y, draw), y) for y in outputs]
            given = [map_leaves(_own, dout) for dout in douts]
            gradients = backward(*given, cache) if cached else backward(*given)  # type: ignore[misc]
        return Arrays(outputs, douts, cache, cached, gradients)

    def on_tensors(self, plain: Arrays, named: dict[str, Any] | None = None) -> Recorded:
        """Run forward on Tensors, and check that it gives there what it gave on arrays."""
        arguments = self.named if named is None else named
        variables = _variables(arguments)
        tensors = {id(array): t for t, array in variables.values()}
        function = StandIns().of(self.forward)

        def handed(x: Any) -> Any:
            return rules.identity(tensors[id(x)]) if id(x) in tensors else _own(x)

        with _seeded(self.rng):
            try:
                returned = self._call(function, arguments, handed)
            except Exception as error:
                raise _does_not_run(self.name, error) from error
        J = self._cost(self._outputs(returned, plain), plain)
        by_name = {name: t for name, (t, _) in variables.items()}
        reached = {t._order for t in recorded_for(J)}
        for t in by_name.values():
            if t._order not in reached:  # its gradient is zero
                J = (J + np.sum(0 * t)).named("J")
        return Recorded(J, by_name, reached)

    def handed_in(self, plain: Arrays, recorded: Recorded) -> dict[Tensor, Any]:
        """The gradients that were returned, by the Tensor whose they are; None for no gradient."""
        given = self._gradients_by_name(plain.gradients, recorded.variables)
        for name, x in self.named.items():
            parts = {} if isinstance(x, np.ndarray) else _variables({name: x})
            if given.keys() & parts.keys():  # of a dict of parameters, each has a gradient
                given = {**dict.fromkeys(parts), **given}
        if all(g is None for g in given.values()):
            raise ValueError(f"{self._who()} returned no gradients: there is nothing to compare")
        return {recorded.variables[name]: g for name, g in given.items()}

    # How the functions are called, and what they return

    def _who(self) -> str:
        return getattr(self.backward or self.forward, "__name__", "the function")

    def _call(self, function: Any, named: dict[str, Any], handed: Callable[[Any], Any]) -> Any:
        bound = inspect.signature(function).bind_partial()
        bound.arguments.update({k: _with_leaves(v, handed) for k, v in named.items()})
        return function(*bound.args, **bound.kwargs)

    def _cost_and_gradients(self, returned: Any) -> Arrays:
        if not (isinstance(returned, tuple | list) and len(returned) >= 2):
            raise TypeError(
                f"{self.name} returned {_told(returned)}. It should return the cost and its "
                "gradients: J, grads. For a layer, give its backward function as well"
            )
        J, *rest = returned
        if np.size(J) != 1 or isinstance(J, str | dict | None):
            raise TypeError(
                f"{self.name} returned {_told(J)} first: without a backward function it should "
                "return the cost, one number, and then the gradients"
            )
        return Arrays([J], [None], None, True, rest[0] if len(rest) == 1 else tuple(rest))

    def _outputs_and_cache(self, returned: Any) -> tuple[list[Any], Any, bool]:
        takes = _positional(self.backward)
        if returned is None or (
            isinstance(returned, tuple | list) and len(returned) and returned[0] is None
        ):
            raise TypeError(f"{self.name} returned None as its output: is it written already?")
        if isinstance(returned, tuple | list) and len(returned) >= 2:
            *outputs, cache = returned
            if len(outputs) > 1 and takes is not None and takes - 1 < len(outputs):
                outputs = outputs[: max(takes - 1, 1)]  # statistics that nothing is derived of
            return outputs, cache, True
        if takes == 1 and not isinstance(returned, tuple | list):
            return [returned], None, False  # a layer that keeps its cache itself
        raise TypeError(
            f"{self.name} returned {_told(returned)}: the cache is missing. It should return "
            f"out, cache, so that {self._who()}(dout, cache) can be called"
        )

    def _outputs(self, returned: Any, plain: Arrays) -> list[Any]:
        """Those of what was returned that are differentiated, as on arrays."""
        alone = not plain.cached and self.backward is not None
        return [returned] if alone else list(returned[: len(plain.outputs)])

    def _cost(self, outputs: list[Any], plain: Arrays) -> Tensor:
        """The cost on Tensors, once it is clear that forward did the same there."""
        pairs = []
        for y, there in zip(outputs, plain.outputs, strict=True):
            leaves = list(zip(flatten(y), flatten(there), strict=False))
            for a, b in leaves:
                self._check_same(a, b)
            pairs += [a for a, _ in leaves]
        if self.backward is None:
            J = pairs[0]
        else:
            douts = [d for dout in plain.douts for d in flatten(dout)]
            terms = [
                np.sum(y * Tensor(d, name="dout"))
                for y, d in zip(pairs, douts, strict=True)
                if isinstance(y, Tensor) and d is not None
            ]
            J = sum(terms[1:], terms[0]) if terms else None
        if not (isinstance(J, Tensor) and J.requires_grad):
            raise ValueError(
                f"what {self.name} returns does not depend on its float arrays by operations on "
                "them: its gradient was cut, by float(...), .item() or a list of numbers perhaps"
            )
        J = J if J.ndim == 0 else J.reshape(())
        return J.named("J") if J.op is not None else J

    def _check_same(self, on_tensors: Any, on_arrays: Any) -> None:
        a = on_tensors.data if isinstance(on_tensors, Tensor) else on_tensors
        if not isinstance(on_arrays, np.ndarray | np.number | float):
            return
        a, b = np.asarray(a, float), np.asarray(on_arrays, float)
        if not np.isfinite(b).all():
            raise ValueError(f"{self.name} gives nan or inf on these arguments: look there first")
        eps = np.finfo(getattr(on_arrays, "dtype", float)).eps
        if a.shape != b.shape or relative_error(a, b) > 1e3 * math.sqrt(eps) * math.sqrt(eps):
            raise ValueError(
                f"{self.name} gives other numbers the second time it is run, on Tensors. Does it "
                "draw random numbers other than from np.random, or keep something from call to "
                "call, or write into an array under a second name?"
            )

    # Whose gradients these are

    def _gradients_by_name(self, gradients: Any, variables: dict[str, Tensor]) -> dict[str, Any]:
        if gradients is None:
            raise TypeError(f"{self._who()} returned None as the gradients: mind its return")
        if self.wrt is not None:
            return self._in_order(list(self.wrt), gradients, variables)
        if isinstance(gradients, Mapping):
            return {self._named_like(key, variables): g for key, g in gradients.items()}
        listed = list(gradients) if isinstance(gradients, tuple | list) else [gradients]
        return self._in_order(self._fitting(listed, variables), listed, variables)

    def _in_order(
        self, names: list[str], gradients: Any, variables: dict[str, Tensor]
    ) -> dict[str, Any]:
        """The gradients by name; one that belongs to a list or dict of arrays is such a one."""
        listed = list(gradients) if isinstance(gradients, tuple | list) else [gradients]
        if len(listed) != len(names):
            raise TypeError(
                f"{self._who()} returned {_number(len(listed), 'gradient')}, but "
                f"{', '.join(names)} are {_number(len(names), 'argument')}"
            )
        found: dict[str, Any] = {}
        for name, g in zip(names, listed, strict=True):
            if name in variables:
                found[name] = g
            elif name in self.named and g is not None:
                within = _named_leaves({name: self.named[name]})
                inside = _variables(self.named)
                owners = {id(array): own for own, (_, array) in inside.items()}
                parts = _named_leaves({name: g})
                for key, array in within.items():
                    if id(array) in owners and key in parts:
                        found[owners[id(array)]] = parts[key]
            elif name not in self.named:
                raise KeyError(f"{name} is not an argument of {self.name}: {', '.join(self.named)}")
        return found

    def _named_like(self, key: Any, variables: dict[str, Tensor]) -> str:
        for name in (key, key[1:] if isinstance(key, str) and key[:1] == "d" else key):
            if name in variables:
                return str(name)
        raise KeyError(
            f"{self._who()} returned a gradient {key!r}, and no float array of the arguments is "
            f"called so. There are: {', '.join(variables)}"
        )

    def _fitting(self, gradients: list[Any], variables: dict[str, Tensor]) -> list[str]:
        """The arguments that gradients in a row belong to."""
        arrays = [name for name in self.named if name in variables]
        holding = [name for name, x in self.named.items() if _variables({name: x})]
        for names in (arrays, holding, list(self.named)):
            if len(names) == len(gradients):
                return names
        shapes = [np.shape(g) for g in gradients]
        fit = [
            list(names)
            for names in itertools.combinations(arrays, len(gradients))
            if [variables[name].shape for name in names] == shapes
        ]
        if len(fit) == 1 or (fit and self.backward is None):
            return fit[0]
        raise TypeError(
            f"{self._who()} returned {_number(len(gradients), 'gradient')}, but the float arrays "
            f"among the arguments are {', '.join(arrays) or 'none'}{self._whole_numbers()}. Return "
            "one for each in order (None where there is none) or a dict by name, or say whose "
            "they are: wrt=[...]"
        )

    def _whole_numbers(self) -> str:
        names = [
            name
            for name, x in self.named.items()
            if isinstance(x, np.ndarray) and x.dtype.kind in "iub"
        ]
        return f" ({', '.join(names)}: whole numbers, which have none)" if names else ""


# Arguments


def _by_parameter(function: Callable[..., Any], args: Any) -> dict[str, Any]:
    """The arguments by the parameters of a function. TypeError where they do not fit."""
    if isinstance(args, np.ndarray | Tensor):
        args = (args,)
    try:
        signature = inspect.signature(function)
        bound = signature.bind(**args) if isinstance(args, Mapping) else signature.bind(*args)
    except (TypeError, ValueError) as error:
        name = getattr(function, "__name__", "the function")
        raise TypeError(f"args do not fit {name}: {error}") from None
    found = {
        name: map_leaves(lambda x: x.numpy() if isinstance(x, Tensor) else x, value)
        for name, value in bound.arguments.items()
    }
    if not _variables(found):
        told = ", ".join(f"{name}: {_told(x)}" for name, x in found.items())
        raise TypeError(
            f"there is no float array among args ({told or 'args is empty'}): gradients are with "
            "respect to floats, use .astype(float)"
        )
    return found


def _named_leaves(tree: Any) -> dict[str, Any]:
    """The leaves of a dict of anything by their names: the last key, or all of them if need be."""
    found: list[tuple[list[str], Any]] = []

    def collect(path: list[str], x: Any) -> None:
        if isinstance(x, dict):
            for key, value in x.items():
                collect([*path, str(key)], value)
        elif isinstance(x, list | tuple):
            for k, value in enumerate(x):
                collect([*path[:-1], f"{path[-1]}[{k}]"], value)
        else:
            found.append((path, x))

    collect([], tree)
    last = [path[-1] for path, _ in found]
    return {(path[-1] if last.count(path[-1]) == 1 else ".".join(path)): x for path, x in found}


def _variables(named: dict[str, Any]) -> dict[str, tuple[Tensor, Array]]:
    """A Tensor for each float array, and the array, by name."""
    return {
        name: (Tensor(x, requires_grad=True, name=name), x)
        for name, x in _named_leaves(named).items()
        if isinstance(x, np.ndarray) and x.dtype.kind == "f"
    }


def _with_leaves(tree: Any, leaf: Callable[[Any], Any]) -> Any:
    return map_leaves(leaf, tree)


def _own(x: Any) -> Any:
    """A copy, which the function may write into."""
    return x.copy() if isinstance(x, np.ndarray) else copy.deepcopy(x)


def _drawn(y: Any, rng: np.random.Generator) -> Any:
    """What arrives at an output: random numbers; None at what is not made of floats."""
    y = np.asarray(y)
    return rng.normal(size=y.shape).astype(y.dtype) if y.dtype.kind == "f" else None


def _positional(function: Any) -> int | None:
    """How many arguments a function has to be handed; None if that cannot be told."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return None
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in kinds and p.default is p.empty for p in parameters)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """The random numbers of NumPy and Python start here, and go on afterwards as before."""
    with _one_at_a_time:
        before, python = np.random.get_state(), random.getstate()
        np.random.seed(seed)
        random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(before)
            random.setstate(python)


# Words


def _told(x: Any) -> str:
    if isinstance(x, np.ndarray):
        return f"an array {x.shape} of {x.dtype}"
    if isinstance(x, tuple | list):
        return f"a {type(x).__name__} of {len(x)}"
    return "None" if x is None else f"a {type(x).__name__}"


def _number(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _does_not_run(name: str, error: Exception) -> Exception:
    """The error of a function that runs on arrays and not on Tensors."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if not errors.is_own(f.filename)]
    at = f", at {errors.place_of(own[-1].filename, own[-1].lineno or 0)}" if own else ""
    return TypeError(f"{name} does not run on Tensors{at}\n{type(error).__name__}: {error}")
