"""The recorded computation as data: forward and gradient steps, in order, that can be run again.

Drawing, deriving and comparing work on `steps`. (The compiler reads the tape itself: a compiled
function may return several values, take gradients anywhere, and have no cost.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_lite import errors
from autograd_lite.tensor import Tensor, tracing
from autograd_lite.walk import check_on_tape, differentiate, leading, reachable, recorded_for, seed


@dataclass(slots=True, eq=False, repr=False)
class Step:
    """One operation of a recorded computation, or a leaf (`op` is None).

    inputs: Steps and Python numbers, in the operation's order; static: its keyword arguments.
    value: what was recorded. label: the tensor's name, with primes where it is not the first so
    called; None without a name.
    rule_of, argument: for a gradient step, the forward step whose derivative it is, and the
    number of the input for whose sake that rule ran (None: the gradient that starts it all).
    """

    number: int
    op: Callable[..., Any] | None
    inputs: tuple[Any, ...]
    static: dict[str, Any]
    value: np.ndarray
    label: str | None
    tensor: Tensor
    rule_of: Step | None = None
    argument: int | None = None

    @property
    def name(self) -> str:
        """The operation's name, or `leaf`."""
        return self.op.__name__ if self.op else "leaf"

    @property
    def shape(self) -> tuple[int, ...]:
        """As NumPy's."""
        return self.value.shape

    @property
    def is_gradient(self) -> bool:
        """Whether it belongs to the backward pass."""
        return self.rule_of is not None

    def run(self, values: Mapping[int, Any] | Sequence[Any]) -> np.ndarray:
        """The operation at other values of its inputs, given by step number."""
        arguments = [values[x.number] if isinstance(x, Step) else x for x in self.inputs]
        return np.asarray(self.op(*arguments, **self.static))  # type: ignore[misc]

    def __repr__(self) -> str:
        inputs = ", ".join(f"%{x.number}" if isinstance(x, Step) else f"{x!r}" for x in self.inputs)
        called = f" {self.label}" if self.label else ""
        return f"%{self.number}{called} = {self.name}({inputs}) {self.shape}"


@dataclass(slots=True, eq=False)
class Steps(Sequence[Step]):
    """The steps that compute J and its gradients, in order; each comes after its inputs.

    cost: the step of J. gradients: by the number of a forward step, the step that is ∂J/∂(it),
    for every tensor on the way to `wrt`. contributions: by the numbers of a forward step and of
    its argument, the step that its rule contributed to the argument's gradient. wrt: the forward
    steps that were asked for. inputs: leaves without a gradient that may take other values.
    """

    steps: list[Step]
    cost: Step
    wrt: list[Step] = field(default_factory=list)
    gradients: dict[int, Step] = field(default_factory=dict)
    contributions: dict[tuple[int, int], Step] = field(default_factory=dict)
    inputs: list[Step] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, number: Any) -> Any:
        return self.steps[number]

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def step(self, key: Tensor | str) -> Step:
        """The step of a tensor, or of the one tensor with this name."""
        if isinstance(key, Tensor):
            found = [s for s in self.steps if s.tensor is key]
        else:
            found = [s for s in self.steps if s.tensor.name == key and not s.is_gradient]
        if not found:
            named = ", ".join(s.label for s in self.steps if s.label and not s.is_gradient)
            called = errors.described(key) if isinstance(key, Tensor) else repr(key)
            raise KeyError(f"{called} is not on this tape. These names are: {named or 'none'}")
        if len(found) > 1:
            labels = ", ".join(str(s.label) for s in found)
            raise KeyError(f"{len(found)} tensors are called {key!r} ({labels}): give the Tensor")
        return found[0]

    def gradient(self, key: Tensor | str) -> Step | None:
        """The step that is ∂J/∂(key); None where no gradient flows, or none was asked for."""
        return self.gradients.get(self.step(key).number)


def steps(
    J: Tensor, wrt: Iterable[Tensor] = (), gradient: Any = None, inputs: Iterable[Tensor] = ()
) -> Steps:
    """What was recorded for J, followed by the steps of its gradient with respect to `wrt`.

    J: a scalar, or any tensor together with the `gradient` that arrives at it. J's tape is left as
    it was. inputs: leaves without a gradient that `replay` may give other values, because the
    caller knows that all that was made from them is on the tape (recorded while tracing).

    >>> x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> for step in steps(np.sum(x * x), [x]):
    ...     print(step)
    %0 x = leaf() (2,)
    %1 = multiply(%0, %0) (2,)
    %2 = sum(%1) (1,)
    %3 = reshape(%2) ()
    %4 = leaf() ()
    %5 = reshape(%4) (1,)
    %6 = broadcast_to(%5) (2,)
    %7 = multiply(%6, %0) (2,)
    %8 = multiply(%6, %0) (2,)
    %9 = add(%7, %8) (2,)
    """
    wrt, inputs = list(wrt), list(inputs)
    complete: dict[int, Tensor] = {}
    contributed: dict[tuple[int, int], Tensor] = {}
    origin: dict[int, tuple[Tensor, int | None]] = {}  # of a gradient's tensor: whose rule made it

    def ran(t: Tensor, k: int, contribution: Tensor, so_far: Tensor) -> None:
        contributed[t._order, k] = contribution
        for x in reachable([so_far], lambda x: x._order > g._order and x._order not in origin):
            if x._order > g._order:
                origin.setdefault(x._order, (t, k))

    if wrt:
        with tracing():
            check_on_tape(J, wrt)
            g = seed(J, gradient, on_tape=True)
            origin[g._order] = J, None
            differentiate(
                J,
                g,
                keep=lambda t, g: complete.__setitem__(t._order, g),
                leads=leading(J, {t._order for t in wrt}),
                on_tape=True,
                ran=ran,
            )
    made: dict[int, Step] = {}
    called: dict[str, int] = {}
    for number, t in enumerate(recorded_for(J, *wrt, *inputs, *complete.values())):
        owner, argument = origin.get(t._order, (None, None))
        made[t._order] = Step(
            number,
            t._op,
            tuple(made[x._order] if type(x) is Tensor else x for x in t._inputs),
            t._static,
            t._data,
            _label(t.name, called) if t.name and owner is None else None,
            t,
            None if owner is None else made[owner._order],
            argument,
        )
    return Steps(
        list(made.values()),
        made[J._order],
        [made[t._order] for t in wrt],
        {made[order].number: made[g._order] for order, g in complete.items()},
        {(made[order].number, k): made[g._order] for (order, k), g in contributed.items()},
        [made[t._order] for t in inputs],
    )


def _label(name: str, called: dict[str, int]) -> str:
    """The name, told apart from the same name before: h, h′, h′′, h′′′, h′(4)."""
    before = called.get(name, 0)
    called[name] = before + 1
    # A loop may give one name ten thousand times: so many primes nobody reads.
    return name + ("′" * before if before <= 3 else f"′({before})")


def replay(
    recorded: Steps,
    values: Mapping[Any, Any],
    edit: Callable[[Step, list[np.ndarray]], np.ndarray | None] | None = None,
) -> list[np.ndarray]:
    """Run the steps again at other values of leaves; the value of each step, by its number.

    values: arrays by Tensor, name or step number, of the recorded shapes; only leaves that require
    a gradient (all that was made from them is on the tape), or declared as `inputs` of `steps`.
    edit: called before each step with the step and the values so far; what it returns, if not
    None, takes the place of the step's value: a deliberate mistake.

    >>> x = Tensor([1.0, -2.0], requires_grad=True, name="x")
    >>> recorded = steps(np.sum(np.where(x > 0, x * x, -x)), [x])
    >>> replay(recorded, {"x": [-3.0, 4.0]})[recorded.cost.number]
    array(19.)
    """
    given = {}
    for key, value in values.items():
        step = recorded[key] if isinstance(key, int) else recorded.step(key)
        if step.op is not None:
            raise ValueError(f"{step!r} is computed: only leaves can be given other values")
        if not step.tensor.requires_grad and all(step is not s for s in recorded.inputs):
            raise ValueError(
                f"{errors.described(step.tensor)} requires no gradient, so not all that was made "
                "from it is on the tape: make it with requires_grad=True and record again"
            )
        array = np.array(value, dtype=step.value.dtype)
        if array.shape != step.shape:
            raise ValueError(
                f"{errors.described(step.tensor)} cannot take a value of shape {array.shape}"
            )
        given[step.number] = array
    result: list[np.ndarray] = []
    for step in recorded:
        value = edit(step, result) if edit else None
        if value is None:
            if step.op is None:
                value = given.get(step.number, step.value)
            else:
                value = step.run(result)
                if value.shape != step.shape:
                    raise ValueError(
                        f"{step!r} has shape {value.shape} at these values: what was recorded "
                        "(a boolean index?) holds only where the shapes stay as they were"
                    )
        result.append(value)
    return result
