"""What was handed in to a comparison: arrays and functions by name, read and checked."""

from __future__ import annotations

import inspect
import math
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_lite import errors
from autograd_lite.diagnosis.names import TensorNames
from autograd_lite.diagnosis.points import Array, Paths, Point
from autograd_lite.diagnosis.report import Entry, Finding
from autograd_lite.files import excerpt
from autograd_lite.graph import Step, Steps, steps
from autograd_lite.tensor import Tensor


@dataclass(eq=False)
class Claim:
    """What was handed in as the gradient of a step: an array, or a function of named arrays."""

    step: Step
    source: Any
    entry: Entry
    given: list[Array] = field(default_factory=list)  # at each point; an array at the first only
    settled: bool = False  # agrees, is explained, or cannot be judged
    names: list[tuple[str, Step, bool]] = field(default_factory=list)  # parameter, step, gradient?

    @property
    def cut(self) -> frozenset[int]:
        """The gradients that the function is handed: mistakes above them do not reach it."""
        return frozenset(step.number for _, step, gradient in self.names if gradient)

    def evaluate(self, at: list[Point]) -> None:
        """Fill in `given`; a function that raises settles the claim."""
        if not callable(self.source):
            self.given = [numbers(self.source, self.entry.label)]
            self.entry.given = self.given[0]
            return
        for point in at:
            arguments = {}
            for name, step, gradient in self.names:
                array = (point.gradients if gradient else point.values)[step.number]
                arguments[name] = np.array(array)
            try:
                result = self.source(**arguments)
            except Exception as error:  # the user's function: whatever it raises is shown
                self._raised(error)
                return
            self.given.append(numbers(result, f"what the function for {self.entry.label} returns"))
        self.entry.given = self.given[0]

    def _raised(self, error: Exception) -> None:
        own = traceback.extract_tb(error.__traceback__)[1:]
        trace = "".join(traceback.format_list(own)) + f"{type(error).__name__}: {error}"
        self.entry.verdict, self.entry.error, self.settled = "differs", math.inf, True
        self.entry.findings = [
            Finding("unknown", self.entry.label, 1, f"the function raised\n{trace}", math.inf, 1)
        ]


def recorded_cost(J: Any) -> Steps:
    """The steps that compute the cost. TypeError for no Tensor, ValueError for one that is no cost:
    not a scalar, or one that no gradient leads from.
    """
    if not isinstance(J, Tensor):
        raise TypeError(f"compare starts from a Tensor, the cost, not from {type(J).__name__}")
    if J.size != 1:
        raise ValueError(f"{errors.described(J)} is not a scalar: reduce it, as in np.sum(...)")
    if not J.requires_grad:
        raise ValueError(
            f"{errors.described(J)} does not depend on any Tensor with requires_grad=True"
        )
    return steps(J)


def read_claims(paths: Paths, gradients: Mapping[Any, Any]) -> list[Claim]:
    """A claim for each gradient that was handed in, by Tensor or name.

    Raises KeyError for a name that is not on the tape, TypeError for what is not numbers, and
    ValueError for nothing, for the same gradient twice, or for a tensor that needs none.
    """
    if not isinstance(gradients, Mapping):
        raise TypeError(
            f'gradients are a dict, as in {{"W1": dW1}}, not {type(gradients).__name__}'
        )
    if not gradients:
        raise ValueError('there is nothing to compare: hand in gradients, as in {"W1": dW1}')
    claims: list[Claim] = []
    names = TensorNames(paths)
    for key, source in gradients.items():
        step = find_step(paths.recorded, key, "d")
        label = names.name(step)
        if step.number not in paths.uses:
            raise ValueError(
                f"{errors.described(step.tensor)} needs no gradient on this tape: make it with "
                "requires_grad=True, or leave it out"
            )
        if any(c.step is step for c in claims):
            raise ValueError(f"the gradient of {label} is given twice")
        claim = Claim(step, source, Entry(label, step.shape, None, step))
        if callable(source):
            claim.names = _named_arguments(paths, label, source)
        else:
            numbers(source, label)
        claims.append(claim)
    return claims


def read_values(paths: Paths, values: Mapping[Any, Any]) -> list[tuple[str, Step, Array]]:
    """Forward values that were handed in, by Tensor or name, in the tape's order: what each is
    called, its step and the array.

    Raises KeyError, TypeError and ValueError as `read_claims` does.
    """
    if not isinstance(values, Mapping):
        raise TypeError(f'values are a dict, as in {{"Z1": Z1}}, not {type(values).__name__}')
    given: dict[int, tuple[str, Step, Array]] = {}
    names = TensorNames(paths)
    for key, source in values.items():
        step = find_step(paths.recorded, key, "")
        label = names.name(step)
        what = f"the value of {label}"
        if step.number in given:
            raise ValueError(f"{what} is given twice")
        given[step.number] = label, step, numbers(source, what)
    return [given[number] for number in sorted(given)]


def find_step(recorded: Steps, key: Any, prefix: str) -> Step:
    """The step of a Tensor or name; a name may have a prefix, as dW1 has."""
    if not isinstance(key, Tensor | str):
        raise TypeError(
            f"a Tensor or its name tells what is compared, as in {{'W1': dW1}}: {key!r} is neither"
        )
    try:
        return recorded.step(key)
    except KeyError:
        if not (prefix and isinstance(key, str) and key.startswith(prefix)):
            raise
        try:
            return recorded.step(key[len(prefix) :])
        except KeyError:
            pass
        raise


def _named_arguments(
    paths: Paths, label: str, function: Callable[..., Any]
) -> list[tuple[str, Step, bool]]:
    """The parameters of a function: name, the step it is called with, and if with its gradient."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        raise TypeError(
            f"the function for {label}: {function!r} does not say how its parameters are called. "
            "Write it as lambda dZ2, A1: ..."
        ) from None
    found = []
    for name, parameter in parameters.items():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(f"the function for {label}: name its parameters, no {parameter}")
        named = [s for s in paths.steps if s.tensor.name == name]
        if not named and parameter.default is not parameter.empty:
            continue
        step = named[0] if len(named) == 1 else find_step(paths.recorded, name, "d")
        gradient = not named
        if gradient and step.number not in paths.uses:
            raise ValueError(f"the function for {label}: there is no gradient {name} on this tape")
        found.append((name, step, gradient))
    return found


def numbers(source: Any, label: str) -> Array:
    """What was handed in as an array of floats; label: what it is called in errors."""
    if isinstance(source, Tensor):
        source = source.data
    errors.refuse_masks(source, label)
    try:
        array = np.asarray(source)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{label} is no array: {excerpt(error)}") from None
    if array.dtype.kind == "c":
        raise TypeError(f"{label} is complex ({array.dtype}): gradients here are real numbers")
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{label} is not an array of numbers, but {_kind(source, array)}")
    return array if array.dtype.kind == "f" else array.astype(float)


def _kind(source: Any, array: Array) -> str:
    """What stands in the place of numbers, in words."""
    if source is None:
        return "None. A .grad is None before backward(), a function without a return gives None"
    if not array.shape:
        return type(source).__name__
    if array.dtype.kind != "O":
        return f"an array {array.shape} of {array.dtype}"
    first = next((x for x in array.flat if not isinstance(x, float | int | np.number)), None)
    if first is None:
        return f"an array {array.shape} of Python objects: make it one of floats, .astype(float)"
    return f"an array {array.shape} of Python objects, one of them a {type(first).__name__}"
