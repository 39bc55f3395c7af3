"""A user's own functions, run as they are on arrays, and once more on Tensors."""

from __future__ import annotations

import copy
import inspect
import os
import random
import threading
import traceback
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite import errors, rules
from autograd_lite.diagnosis.arguments import Arguments, mapped, told_of
from autograd_lite.diagnosis.names import ARRIVING
from autograd_lite.diagnosis.points import Array
from autograd_lite.diagnosis.stand_in import StandIns, is_users
from autograd_lite.diagnosis.tolerances import relative_error
from autograd_lite.tensor import Tensor, items_stay
from autograd_lite.transforms import flatten, map_leaves
from autograd_lite.walk import recorded_for

_one_at_a_time = threading.RLock()  # np.random has one state for all threads


def _unlocked() -> None:
    """A new lock: the old one's owner may be a thread that a forked process does not have."""
    global _one_at_a_time
    _one_at_a_time = threading.RLock()


if hasattr(os, "register_at_fork"):  # where there is a fork
    os.register_at_fork(after_in_child=_unlocked)


@dataclass(eq=False)
class OnArrays:
    """What the functions gave as they are.

    outputs: what is differentiated; J alone without a backward. douts: what arrived at each; none
    without a backward. cache: what backward was handed with them, if forward returned one.
    gradients: what was returned as such.
    """

    outputs: list[Any]
    douts: list[Any]
    cache: Any
    gradients: Any
    has_cache: bool = True


@dataclass(eq=False)
class OnTensors:
    """What forward gave on Tensors.

    J: the cost; with a backward the sum of dout ∘ out over the outputs. variables: the Tensor of
    each float array, by name. used: the names of those that J depends on.
    """

    J: Tensor
    variables: dict[str, Tensor]
    used: set[str]


class HandWritten:
    """The functions and arguments of `check_backward`; see there.

    `on_arrays` runs both functions, `on_tensors` runs forward again for the right gradients. Each
    may be run with other arguments, and with another backward in the place of the user's.
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        backward: Callable[..., Any] | None,
        args: Any,
        reference: Any = None,
        rng: Any = 0,
    ) -> None:
        its_backward = None
        if isinstance(reference, tuple | list) and len(reference) == 2:
            reference, its_backward = reference
        args = tuple(args) if isinstance(args, Iterator) else args
        named = {"forward": forward, "backward": backward, "reference": reference}
        for what, f in named.items():
            if not (callable(f) or (f is None and what != "forward")):
                raise TypeError(f"{what} is a function, not {type(f).__name__}")
        self.forward, self.backward, self.reference = forward, backward, reference
        self.rng = _seed(rng)
        self.arguments = Arguments(reference or forward, args)
        self.model: HandWritten | None = None  # the functions whose gradients are to be returned
        if reference and (its_backward or not backward):
            self.model = HandWritten(reference, its_backward, args, rng=self.rng)
        self.name = getattr(forward, "__name__", type(forward).__name__)
        self.who = getattr(backward or forward, "__name__", "the function")  # returns gradients

    def on_arrays(
        self, backward: Callable[..., Any] | None = None, arguments: Arguments | None = None
    ) -> OnArrays:
        """Run the functions as they are, on copies of the arguments."""
        backward = backward or self.backward
        with _seeded(self.rng):
            returned = (arguments or self.arguments).given_to(
                self.forward, lambda _, x: own_copy(x)
            )
            if backward is None:
                return self._cost_and_gradients(returned)
            outputs, *cache = self._outputs_and_cache(returned)
            # (default_rng(rng) is what arguments are drawn by: dout would be one of them)
            draw = np.random.default_rng([self.rng, 1])
            douts = [map_leaves(lambda y: _drawn(y, draw), y) for y in outputs]
            gradients = backward(*map_leaves(own_copy, douts), *map(own_copy, cache))
        return OnArrays(outputs, douts, cache and cache[0], gradients, bool(cache))

    def with_arrays(self, instead: Mapping[Any, Array]) -> HandWritten:
        """The same with other arrays at these paths, those of the object in a copy of it."""
        other, arguments = copy.copy(self), copy.copy(self.arguments)
        handed = lambda path, x: instead.get(path, x)
        arguments.by_parameter = dict(mapped(handed, arguments.by_parameter))
        if arguments.state:
            owner = arguments.owner
            moved = copy.deepcopy(owner)
            arguments.state = mapped(handed, vars(moved))
            vars(moved).update(arguments.state)
            for role in ("forward", "backward", "reference"):
                function = getattr(self, role)
                if getattr(function, "__self__", None) is owner:
                    setattr(other, role, types.MethodType(function.__func__, moved))
        other.arguments = arguments
        return other

    def asked(self) -> list[str]:
        """The names of the gradients that the reference returns, where it returns any."""
        given = self.model.on_arrays().gradients if self.model else None
        if self.model is None or (given is None and not self.model.backward):
            return []
        found = self.arguments.whose(given, None, self.model.who)
        return [name for name, g in found.items() if g is not None]

    def runner(
        self, plain: OnArrays, arguments: Arguments | None = None
    ) -> Callable[[Callable[..., Any]], Any]:
        """From a function in the place of the one that computes gradients to what it returns.

        Forward is not run again where its cache is all that backward needs. It is for a process
        of its own: np.random goes on from where a run leaves it.
        """
        given = arguments or self.arguments

        def run(function: Callable[..., Any]) -> Any:
            np.random.seed(self.rng)
            random.seed(self.rng)
            if self.backward is None:
                return given.given_to(function, lambda _, x: own_copy(x))
            if not plain.has_cache:  # the object keeps it
                given.given_to(self.forward, lambda _, x: own_copy(x))
                return function(*map_leaves(own_copy, plain.douts))
            return function(*map_leaves(own_copy, plain.douts), own_copy(plain.cache))

        return run

    def on_tensors(
        self, plain: OnArrays, names: Iterable[str] = (), arguments: Arguments | None = None
    ) -> OnTensors:
        """Run forward on Tensors, with one for each float array and for the numbers of `names`.

        ValueError where it does not give there what it gave on arrays, TypeError where it does not
        run.
        """
        arguments = arguments or self.arguments
        try:
            return self._recorded(plain, names, arguments, lambda t: t)
        except (TypeError, ValueError):  # it may write into what it is given: no leaf, then
            return self._recorded(plain, names, arguments, rules.identity)

    def _recorded(
        self,
        plain: OnArrays,
        names: Iterable[str],
        arguments: Arguments,
        handed_over: Callable[[Tensor], Tensor],
    ) -> OnTensors:
        numbers = {name: arguments.numbers[name] for name in names if name in arguments.numbers}
        variables, results = {}, {}
        for name, path in (arguments.paths | numbers).items():
            t = Tensor(arguments.array(name), requires_grad=True, name=name)
            variables[name], results[path] = t, handed_over(t)
        stand_ins = StandIns([*variables.values()])
        function = stand_ins.of(self.reference or self.forward)
        for name, value in arguments.state.items():
            if arguments.of(name):
                instead = lambda path, x: results.get(path, stand_ins.of(x))
                setattr(function.__self__, name, mapped(instead, value, (name,)))

        def handed(path: Any, x: Any) -> Any:
            return results[path] if path in results else stand_ins.of(own_copy(x))

        with _seeded(self.rng), items_stay():
            try:
                returned = arguments.given_to(function, handed)
            except Exception as error:  # the user's function: whatever it raises is shown
                raise _does_not_run(self.name, error) from error
        J = self._cost(self._outputs(returned, plain), plain)
        reached = {t._order for t in recorded_for(J)}
        used = {name for name, t in variables.items() if t._order in reached}
        for name, t in variables.items():
            if name not in used:  # its gradient is zero
                J = J + np.sum(0 * t)
        return OnTensors(J.named("J"), variables, used)

    # What they return

    def _cost_and_gradients(self, returned: Any) -> OnArrays:
        if not (isinstance(returned, tuple | list) and len(returned) >= 2):
            raise TypeError(
                f"{self.name} returned {told_of(returned)}. It should return the cost and its "
                "gradients: J, grads. For a layer, give its backward function as well"
            )
        J, *rest = returned
        if J is None or isinstance(J, str | dict) or np.size(J) != 1:
            raise TypeError(
                f"{self.name} returned {told_of(J)} first: without a backward function it should "
                "return the cost, one number, and then the gradients"
            )
        return OnArrays([J], [], None, rest[0] if len(rest) == 1 else tuple(rest))

    def _outputs_and_cache(self, returned: Any) -> list[Any]:
        """A list of the outputs, and the cache, if there is one."""
        takes, several = _positional(self.backward), isinstance(returned, tuple | list)
        if returned is None or (several and len(returned) and returned[0] is None):
            raise TypeError(f"{self.name} returned None as its output: is it written already?")
        if several and len(returned) >= 2:
            *outputs, cache = returned
            # Backward may take fewer: what else is returned, statistics perhaps, has no dout.
            return [outputs if takes is None else outputs[: max(takes - 1, 1)], cache]
        if takes == 1 and not several:
            return [[returned]]  # a layer that keeps its cache itself
        raise TypeError(
            f"{self.name} returned {told_of(returned)}: the cache is missing. It should return "
            f"out, cache, so that {self.who}(dout, cache) can be called"
        )

    def _outputs(self, returned: Any, plain: OnArrays) -> list[Any]:
        """Those of what was returned that are differentiated, as on arrays."""
        return list(returned[: len(plain.outputs)]) if plain.has_cache else [returned]

    def _cost(self, outputs: list[Any], plain: OnArrays) -> Tensor:
        """The cost on Tensors, once it is clear that forward did the same there."""
        found, there = flatten(outputs), flatten(plain.outputs)
        same = len(found) == len(there) and all(map(_gave_same, found, there))
        if not all(np.isfinite(y).all() for y in there if _is_floating(y)):
            raise ValueError(f"{self.name} gives nan or inf on these arguments: look there first")
        if not same and self.reference:
            raise ValueError(f"{self.name} gives other numbers than the reference")
        if not same:
            raise ValueError(
                f"{self.name} gives other numbers when it is run once more, on Tensors. Does it "
                "draw random numbers other than from np.random, keep something from call to call, "
                "or write into an array under a second name?"
            )
        terms = found
        if self.backward is not None:
            arriving = zip(found, flatten(plain.douts), strict=True)
            terms = [
                np.sum(y * Tensor(dout, name=ARRIVING))
                for y, dout in arriving
                if isinstance(y, Tensor) and dout is not None
            ]
        J = sum(terms[1:], terms[0]) if terms else None
        if not (isinstance(J, Tensor) and J.requires_grad):
            raise ValueError(
                f"what {self.name} returns does not depend on its float arrays by operations on "
                "them: its gradient was cut, by np.float64() or a list of numbers perhaps"
            )
        return J.reshape(())


# Running


_UNCHANGEABLE: tuple[type, ...] = (int, float, complex, str, bytes, type(None), range, np.generic)
_UNCHANGEABLE += (types.FunctionType, types.ModuleType)


def own_copy(x: Any, copied: dict[int, Any] | None = None) -> Any:
    """A copy that a function may change; x itself where it cannot be copied.

    copied: what was copied before, by id: two names of one array stay so. (copy.deepcopy takes
    five times as long on arrays in tuples.)
    """
    copied = {} if copied is None else copied
    if isinstance(x, _UNCHANGEABLE):
        return x
    if id(x) not in copied:
        if isinstance(x, np.ndarray):
            copied[id(x)] = x.copy()
        elif type(x) in (tuple, list):
            copied[id(x)] = type(x)([own_copy(v, copied) for v in x])
        elif type(x) is dict:
            copied[id(x)] = {key: own_copy(v, copied) for key, v in x.items()}
        else:
            try:
                copied[id(x)] = copy.deepcopy(x)
            except Exception:  # an open file
                copied[id(x)] = x
    return copied[id(x)]


def _seed(rng: Any) -> int:
    """The seed that rng is, or one drawn from the generator that NumPy makes of it."""
    if not isinstance(rng, int | np.integer):
        try:
            rng = np.random.default_rng(rng).integers(2**32)
        except (TypeError, ValueError):
            said = f"rng is a seed, a whole number, or a Generator, not {errors.kind_of(rng)}"
            raise TypeError(said) from None
    if not 0 <= rng < 2**32:
        raise ValueError(f"rng={rng}: as a seed it is a whole number from 0 to 2**32 - 1")
    return int(rng)


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


def _is_floating(x: Any) -> bool:
    return isinstance(x, float | np.floating) or (isinstance(x, np.ndarray) and x.dtype.kind == "f")


def _gave_same(on_tensors: Any, on_arrays: Any) -> bool:
    """Whether forward gave one number or array both times."""
    if not _is_floating(on_arrays):
        return True
    a = np.asarray(on_tensors.data if isinstance(on_tensors, Tensor) else on_tensors)
    b = np.asarray(on_arrays)
    return a.shape == b.shape and relative_error(a, b) < 1e4 * np.finfo(b.dtype).eps


def _does_not_run(name: str, error: Exception) -> TypeError:
    """The error of a function that runs on arrays and not on Tensors."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if is_users(f.filename)]
    place = f", at {errors.place_of(own[-1].filename, own[-1].lineno or 0)}" if own else ""
    return TypeError(f"{name} does not run on Tensors{place}\n{type(error).__name__}: {error}")
