"""What a repair is tried on: a user's functions at their arguments, at other values and sizes."""

from __future__ import annotations

import copy
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from autograd_lite import rules
from autograd_lite.diagnosis.arguments import Arguments, leaves
from autograd_lite.diagnosis.hand_written import HandWritten, OnArrays, OnTensors
from autograd_lite.diagnosis.own_code import OwnCode
from autograd_lite.diagnosis.own_process import Refused, unless_refused
from autograd_lite.diagnosis.points import Array
from autograd_lite.diagnosis.tolerances import max_norm
from autograd_lite.diagnosis.watching import Gradients, Sample
from autograd_lite.graph import Step, steps
from autograd_lite.tensor import Tensor
from autograd_lite.transforms import flatten, map_leaves

OTHER_VALUES, MOST_SAMPLES = 2, 8
MOST_AXES = 12  # that are made longer by themselves


def samples(code: HandWritten, wrt: Sequence[str] | None) -> Iterator[Sample]:
    """The functions at the arguments that the user gave, then at others where they run.

    Left out are sizes at which forward broadcasts what it did not broadcast before, because they
    fit by accident only, and those at which a result that was right is not: the code is for others.
    """
    with unless_refused():
        first, before = sample(code, code.arguments, wrt, watched=True)
    yield first
    right = [path for path, is_right in _verdict(first, code).items() if is_right]
    found = 0
    for arguments in (*_at_other_values(code.arguments), *_at_other_sizes(code.arguments)):
        # The user's functions: they may not allow these.
        with suppress(Exception, Refused), unless_refused():
            other, ways = sample(code, arguments, wrt)
            verdict = _verdict(other, code) if right else {}
            fits = ways <= before and all(verdict.get(path) for path in right)
            found += fits
            if fits and found <= MOST_SAMPLES:
                yield other


def _verdict(sample: Sample, code: HandWritten) -> Mapping[Any, bool]:
    """Which results are right as the functions are; none if they raise an error."""
    try:
        return sample.judge(sample.run(code.backward or code.forward))
    except Exception:
        return {}


def sample(
    code: HandWritten, arguments: Arguments, wrt: Sequence[str] | None, watched: bool = False
) -> tuple[Sample, set[Any]]:
    """The functions at arguments, and in which ways forward broadcasts there.

    watched: with the gradients of what forward computes, by name.
    """
    plain = code.on_arrays(code.backward and _nothing, arguments)
    run = code.runner(plain, arguments)
    try:
        returned = _each_its_own(run(code.backward or code.forward))
        given = arguments.whose(_gradients_in(code, returned), wrt, code.who)
    except Exception:  # the user's function: a repair of it is judged by what that returns
        returned, given = None, {}
    names = [name for name, g in given.items() if g is not None] or list(arguments.paths)
    recorded, known = _on_tensors(code, plain, names, arguments, watched)
    right, ways = _gradients(recorded, names), _broadcasts(recorded)
    if not given:
        judge = partial(_judged_by_name, code, arguments, wrt, right)
        return Sample(run, judge, {}, known), ways
    paths = {id(value): path for path, value in leaves(returned)}
    by_path = {paths[id(given[name])]: g for name, g in right.items()}
    if code.backward is None:
        by_path[0,] = np.asarray(plain.outputs[0], float)  # the cost must stay what it is
    return Sample(run, partial(_judged, by_path), by_path, known), ways


def _each_its_own(returned: Any) -> Any:
    """What was returned, in which no two places hold the same array: it is known by its id."""
    return map_leaves(lambda x: x if x is None else np.array(x), returned)


def _broadcasts(recorded: OnTensors) -> set[Any]:
    """The operations on the tape, each with the axes along which its inputs are repeated."""
    found = set()
    for step in steps(recorded.J):
        shapes = [x.shape for x in step.inputs if isinstance(x, Step)]
        repeated = [
            tuple(a != b for a, b in zip(shape[::-1], step.shape[::-1], strict=False))
            for shape in shapes
        ]
        found.add((step.name, tuple(map(len, shapes)), *repeated))
    return found


def _nothing(*_: Any) -> None:
    """In the place of a backward function that is not asked yet."""


def _gradients_in(code: HandWritten, returned: Any) -> Any:
    """What was returned, without the cost."""
    if code.backward is not None:
        return returned
    return returned[1] if len(returned) == 2 else tuple(returned[1:])


def _judged_by_name(
    code: HandWritten,
    arguments: Arguments,
    wrt: Sequence[str] | None,
    right: Mapping[str, Array],
    returned: Any,
) -> dict[Any, bool]:
    given = arguments.whose(_gradients_in(code, returned), wrt, code.who)
    return {name: _is_close(g, right[name]) for name, g in given.items() if g is not None}


def _judged(right: Mapping[Any, Array], returned: Any) -> dict[Any, bool]:
    found = dict(leaves(returned))
    return {path: path in found and _is_close(found[path], g) for path, g in right.items()}


def _is_close(value: Any, right: Array) -> bool:
    """Whether two computations of one gradient agree; a wrong formula is further off than this."""
    if np.shape(value) != right.shape:
        return False
    value = np.asarray(value)
    if value.dtype.kind not in "fiu":
        return False
    coarse = (
        min(a.dtype.itemsize for a in (value, right) if a.dtype.kind == "f") < 8
        if (value.dtype.kind == "f")
        else False
    )
    return bool(max_norm(value - right) <= (1e-3 if coarse else 1e-7) * (max_norm(right) or 1.0))


def _gradients(recorded: OnTensors, names: Iterable[str]) -> dict[str, Array]:
    asked = {name: recorded.variables[name] for name in names}
    found = steps(recorded.J, asked.values())
    result = {}
    for name, t in asked.items():
        step = found.gradient(t)
        result[name] = np.zeros(t.shape) if step is None else step.value
    return result


# The gradients of what forward computes


def _on_tensors(
    code: HandWritten,
    plain: OnArrays,
    names: Sequence[str],
    arguments: Arguments,
    watched: bool,
) -> tuple[OnTensors, dict[str, Gradients]]:
    """Forward on Tensors, and the gradients of its variables by their names in the text."""
    named: dict[str, list[Tensor]] = defaultdict(list)
    try:
        own = OwnCode(code.reference or code.forward) if watched else None
    except (OSError, SyntaxError):
        own = None
    if own is None:
        return code.on_tensors(plain, names, arguments), {}
    statements = own.statements

    def see(number: int, value: Any, variables: Mapping[str, Any]) -> Any:
        for name, index, part in statements[number].quantities(value):
            if isinstance(part, Tensor) and index is None:
                named[name].append(part)
        return value

    beside = copy.copy(code)
    beside.reference = own.watched(see, {})
    recorded = beside.on_tensors(plain, names, arguments)
    for name, t in recorded.variables.items():
        named[name].append(t)
    return recorded, _by_name(recorded, named)


def _by_name(recorded: OnTensors, named: Mapping[str, list[Tensor]]) -> dict[str, Gradients]:
    found = steps(recorded.J, recorded.variables.values())
    numbers = {id(step.tensor): step.number for step in found}
    flows: dict[int, list[Array]] = defaultdict(list)
    for (number, k), step in found.contributions.items():
        flows[found[number].inputs[k].number].append(step.value)
    known: dict[str, Gradients] = defaultdict(Gradients)
    for step in found:  # forward was handed the variables one step on
        if step.op is rules.identity:
            flows[step.inputs[0].number] += flows[step.number]
    for name, tensors in named.items():
        for n in dict.fromkeys(numbers[id(t)] for t in tensors if id(t) in numbers):
            if n in found.gradients:
                known[name].totals.append(found.gradients[n].value)
                known[name].contributions += flows[n]
    return dict(known)


# Other arguments


def _at_other_values(arguments: Arguments) -> Iterator[Arguments]:
    for k in range(OTHER_VALUES):
        yield _mapped(arguments, partial(_moved_a_little, rng=np.random.default_rng(k)))


def _at_other_sizes(arguments: Arguments) -> Iterator[Arguments]:
    """Whole numbers, one axis of one array, or every axis of one length larger by one.

    An axis of length 1 stays: it is there to be repeated.
    """
    rng = np.random.default_rng(0)
    arrays = [x for x in flatten(arguments.by_parameter) if isinstance(x, np.ndarray)]
    each = [{id(x): [k]} for x in arrays for k, n in enumerate(x.shape) if n > 1][:MOST_AXES]
    for n in sorted({n for x in arrays for n in x.shape if n > 1}):
        each.append({id(x): [k for k, m in enumerate(x.shape) if m == n] for x in arrays})
    yield _mapped(arguments, partial(_larger, itertools.count(1), rng))
    for axes in each:
        yield _mapped(arguments, partial(_longer, axes, rng))


def _mapped(arguments: Arguments, new: Callable[[Any], Any]) -> Arguments:
    """The arguments with other arrays and numbers."""
    result = copy.copy(arguments)
    result.by_parameter = {
        name: map_leaves(lambda x: new(x) if isinstance(x, _VARIED) else x, value)
        for name, value in arguments.by_parameter.items()
    }
    return result


_VARIED = (np.ndarray, float, int)


def _moved_a_little(x: Any, rng: np.random.Generator) -> Any:
    """Other values of the same kind: what is whole is put in another order, what is not is moved
    by a part of itself, so that labels, masks and what must be positive stay so."""
    if isinstance(x, int):
        return x
    if isinstance(x, float):
        return x * (1 + 0.1 * float(np.tanh(rng.normal())))
    x = x[rng.permutation(len(x))] if x.ndim else x
    if x.dtype.kind != "f" or (x.any() and np.array_equal(x, np.round(x))):
        return x
    noise = rng.normal(size=x.shape)
    return (x * (1 + 0.3 * np.tanh(noise)) if x.any() else 0.3 * noise).astype(x.dtype)


def _longer(axes: Mapping[int, Sequence[int]], rng: np.random.Generator, x: Any) -> Any:
    """Other values, and one more along each of the axes that are given by an array's id."""
    for axis in axes.get(id(x), ()):
        x = np.concatenate([x, np.take(x, [0], axis)], axis)
    return _moved_a_little(x, rng)


def _larger(by: Iterator[int], rng: np.random.Generator, x: Any) -> Any:
    """Other values, and each whole number larger, by another step: a stride, a filter's size."""
    return x + next(by) if type(x) is int else _moved_a_little(x, rng)
