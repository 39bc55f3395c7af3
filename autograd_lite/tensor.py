"""The Tensor: an array that remembers which operation made it, from which tensors.

The value is its own node on the tape, and creation order is the tape's order. This module records;
`walk` applies the chain rule, `functions` teaches NumPy's own functions about Tensors.
"""

from __future__ import annotations

import bisect
import functools
import inspect
import itertools
import math
import operator
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

from autograd_lite import errors, rules
from autograd_lite.rules import RULES

# glibc returns freed memory to the kernel, and the page faults when it is needed again take twice
# as long as the arithmetic of a tape of small arrays. Freeing 16 MB once makes it keep up to 32 MB.
np.empty(2**21)

HANDLERS: dict[Callable[..., Any], Callable[..., Any]] = {}  # NumPy function: what it does here
LATER: list[Callable[[], Any]] = []  # each loads more handlers, of functions that few programs call
_loading = threading.RLock()
NOTHING: dict[str, Any] = {}
next_order = itertools.count().__next__


def handler_of(function: Callable[..., Any]) -> Callable[..., Any] | None:
    """What a NumPy function does here, None if it has no rule; rare ones are loaded for it."""
    if function not in HANDLERS and LATER:
        with _loading:
            while function not in HANDLERS and LATER:
                LATER[-1]()
                LATER.pop()  # only now: other threads wait for it
    return HANDLERS.get(function)


def call_handler(
    handler: Callable[..., Any], name: Callable[[], str], args: Any, kwargs: dict[str, Any]
) -> Any:
    """What a handler returns; arguments that it does not have are refused by NumPy's name."""
    try:
        return handler(*args, **kwargs)
    except TypeError as error:
        if "got an unexpected keyword" in str(error) or "positional argument" in str(error):
            arguments = ", ".join(kwargs) or f"{len(args)} arguments"
            raise TypeError(f"{name()} on a Tensor does not take these: {arguments}") from error
        raise


def rare(kind: Any) -> Callable[..., Any]:
    """What is done in the rare cases that no rule is for: see `functions.unusual`."""
    handler = handler_of(kind)
    assert handler is not None
    return handler


def put_into(y: Any, out: Tensor, name: str) -> Tensor:
    """What a function of this name gives with out=: the Tensor out, with y assigned to it."""
    if np.shape(y) != out.shape:
        raise ValueError(
            f"{name}(..., out={errors.described(out)}) does not fit: the result has the shape "
            f"{np.shape(y)}"
        )
    rare(np.copyto)(out, y)
    return out


class _State(threading.local):
    """What is recorded in this thread: gradients (not inside no_grad), or everything (tracing)."""

    gradients = True
    tracing = False
    guards: list[Any] | None = None  # while compiling: the checks of values, with what they check
    gradient_of: dict[int, Tensor] | None = None  # while compiling: whose gradient an order is
    stand_ins = False  # while compiling: whether arguments only stand in for arrays
    since = 0  # while tracing: the order of the first tensor that may be assigned to
    variables: frozenset[int] = frozenset()  # orders of what the transforms at work differentiate
    items_stay = False  # .item() of what requires a gradient is a Tensor, as in code for arrays

    # While anomalies are looked for: file and line of each order, and what rules are wrapped in.
    recorded_at: dict[int, tuple[str, int]] | None = None
    watch: Callable[..., Any] | None = None

    def __init__(self) -> None:
        self.before: list[bool] = []  # what `gradients` was, outside each no_grad


_state = _State()


@contextmanager
def _set(**flags: Any) -> Iterator[None]:
    before = {name: getattr(_state, name) for name in flags}
    try:
        for name, value in flags.items():
            setattr(_state, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(_state, name, value)


class no_grad:
    """Within this context (and thread), or the decorated function, operations are not recorded.

    >>> W = Tensor([1.0], requires_grad=True)
    >>> with no_grad():
    ...     (2 * W).requires_grad
    False
    """

    def __init__(self, *function: Any) -> None:
        if function:
            raise TypeError("no_grad takes no arguments: write @ag.no_grad() above a function")

    def __enter__(self) -> None:
        _state.before.append(_state.gradients)
        _state.gradients = False

    def __exit__(self, *_: Any) -> None:
        _state.gradients = _state.before.pop()

    def __call__(self, function: Method) -> Method:
        if inspect.isclass(function) or not callable(function):
            raise TypeError(f"@ag.no_grad() stands above a function, not above {function!r}")
        if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(
                f"@ag.no_grad() above the async function {function.__name__} would also hold for "
                "what runs while it waits: write `with ag.no_grad():` around lines without await"
            )
        if inspect.isgeneratorfunction(function):
            return functools.wraps(function)(  # type: ignore[return-value]
                lambda *a, **k: self._stepwise(function(*a, **k))
            )

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return wrapped  # type: ignore[return-value]

    def _stepwise(self, generator: Any) -> Iterator[Any]:
        """The generator, each step of it inside this context and nothing between them."""
        step, sent = generator.send, None
        try:
            while True:
                try:
                    with self:
                        value = step(sent)
                except StopIteration as end:
                    return end.value
                try:
                    step, sent = generator.send, (yield value)
                except GeneratorExit:
                    raise
                except BaseException as error:
                    step, sent = generator.throw, error
        finally:
            with self:
                generator.close()


def tracing(gradient_of: dict[int, Tensor] | None = None, guards: list[Any] | None = None) -> Any:
    """Within this context everything that touches a Tensor is recorded, masks and constants too.

    A Tensor's value is then out of reach: `float(t)`, `if t`, `t.data` raise a TracingError, and
    so does an assignment to a Tensor that was there before.
    gradient_of: where to note, for a gradient's order, the tensor whose gradient it is.
    guards: where to note the checks of values; without it they are left out.
    """
    return _set(tracing=True, gradient_of=gradient_of, guards=guards, since=next_order())


def with_stand_ins(stand_ins: bool) -> Any:
    """Within this context, whether what is traced has arrays that only stand in for others."""
    return _set(stand_ins=stand_ins)


def check_memory_known() -> None:
    """Raise NoMemory where arrays only stand in for others: whether one is a view is not known."""
    if _state.stand_ins:
        raise errors.NoMemory("how an array lies in memory was asked for of a stand-in")


def gradients_noted() -> dict[int, Tensor] | None:
    """The dict in which the running trace notes whose gradient each order is; None without one."""
    return _state.gradient_of


def recording(variables: Any = ()) -> Any:
    """Within this context gradients are recorded, even inside `no_grad`.

    variables: the Tensors that are differentiated there. Taking the value of what depends on them
    raises, because the gradient would be lost.
    """
    orders = [x._order for x in variables]
    return _set(gradients=True, variables=_state.variables.union(orders))


def items_stay() -> Any:
    """Within this context `.item()` of what requires a gradient is a Tensor of one number."""
    return _set(items_stay=True)


def is_differentiated(t: Tensor) -> bool:
    """Whether t depends on a variable of a transform that is running."""
    variables = _state.variables
    if not (variables and t._needs and _state.gradients):
        return False
    oldest, stack, seen = min(variables), [t], {t._order}
    while stack:
        x = stack.pop()
        if x._order in variables:
            return True
        if ASSIGNED:
            settle(x)
        for z in x._inputs:
            if type(z) is Tensor and z._needs and z._order >= oldest and z._order not in seen:
                seen.add(z._order)
                stack.append(z)
    return False


def is_tracing() -> bool:
    """Whether values are out of reach because the computation is being traced.

    >>> is_tracing()
    False
    """
    return _state.tracing


# What Tensor's operators and methods are made of. Small networks spend their time here, so the
# usual case goes straight to `_made`: Tensors, a gradient, nothing static. All else: `record`.

Unary = Callable[["Tensor"], "Tensor"]
Binary = Callable[["Tensor", Any], "Tensor"]
Method = TypeVar("Method", bound=Callable[..., Any])


def _function(op: Callable[..., Any]) -> Unary:
    """The method of an operation of one argument."""
    compute = getattr(op, "forward", op)

    def method(self: Tensor) -> Tensor:
        if self._needs and _state.gradients:
            x = self._data
            return _made(compute(x), op, (self,), (x,), NOTHING, True)
        return record(op, (self,))

    return _documented(method, op)


def _arithmetic(op: np.ufunc) -> tuple[Binary, Binary]:
    """The operator of an operation of two arguments, and the reflected one."""
    operator, reflected = _handled(op)

    def method(self: Tensor, other: Any) -> Any:
        if type(other) is Tensor and (self._needs or other._needs) and _state.gradients:
            x, z = self._data, other._data
            try:
                y = op(x, z)
            except ValueError as error:
                raise errors.operation_error(op, (self, other), error) from error
            return _made(y, op, (self, other), (x, z), NOTHING, True)
        return operator(self, other)

    return _documented(method, op), reflected


def _handled(op: np.ufunc) -> tuple[Binary, Binary]:
    """The operators of a NumPy function that does more than record itself, or needs no haste."""

    def call(a: Any, b: Any) -> Any:
        try:
            if op in HANDLERS:
                return HANDLERS[op](a, b)
            return record(op, operands((a, b)))
        except NotAnOperand:
            return NotImplemented

    return _documented(call, op), _documented(lambda self, other: call(other, self), op)


def _in_place(op: np.ufunc, symbol: str) -> Binary:
    """`t += u`: inside no_grad a leaf gets new data; any other tensor becomes t + u."""
    operator, _ = _handled(op)

    def method(self: Tensor, other: Any) -> Any:
        leaf = self._op is None and self._needs
        if leaf and _state.tracing:
            raise errors.side_effect(f"{self.name or 'W'} {symbol}= ...")
        if leaf and _state.gradients:
            name = self.name or "W"
            raise ValueError(
                f"{errors.described(self)} {symbol}= ... would replace a leaf that requires a "
                f"gradient. To update it:\n    with ag.no_grad():\n        {name} -= rate * "
                f"{name}.grad\nor write {name} = {name} {symbol} ... for a new tensor."
            )
        result = operator(self, other)
        if not leaf or result is NotImplemented:
            return result
        if result._data.shape != self._data.shape:
            raise ValueError(
                f"{errors.described(self)} {symbol}= ...: the result has shape {result.shape}"
            )
        self._data = result._data.astype(self._data.dtype, copy=False)
        return self

    return _documented(method, op)


def _of_numpy(*functions: Callable[..., Any]) -> list[Callable[..., Tensor]]:
    """The methods of NumPy's functions, with their arguments."""

    def method_of(function: Callable[..., Any]) -> Callable[..., Tensor]:
        def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
            return self.__array_function__(function, (), (self, *args), kwargs)

        return _documented(method, function)

    return [method_of(f) for f in functions]


def _documented(method: Method, op: Callable[..., Any]) -> Method:
    name = "abs" if op is np.absolute else op.__name__
    method.__doc__ = f"As {'ag' if hasattr(rules, name) else 'np'}.{name}."
    return method


class _Listing(type):
    """The type of Tensor: `dir` leaves out what arrays have and a Tensor only has an error for."""

    def __dir__(cls) -> list[str]:
        return [name for name in super().__dir__() if name not in REFUSED]


class Tensor(metaclass=_Listing):
    """An array on the tape.

    data: array of numbers, or anything NumPy makes one of; it is copied.
    requires_grad: whether gradients with respect to it may be asked for (float dtypes only).
    name: how it is called in tapes, graphs, derivations and messages.

    >>> W = Tensor([[1.0, 2.0]], requires_grad=True, name="W")
    >>> J = np.sum(np.tanh(W) ** 2)
    >>> J.backward()
    >>> W.grad
    array([[0.63970001, 0.13621869]])
    """

    __slots__ = (
        "__weakref__",
        "_before",
        "_current",
        "_data",
        "_inputs",
        "_needs",
        "_op",
        "_order",
        "_saved",
        "_static",
        "_view",
        "_writes",
        "grad",
        "name",
    )

    grad: np.ndarray | None
    name: str | None
    _before: Tensor  # these four are set where something was assigned to, and _view of constants
    _current: int
    _view: tuple[Tensor, Callable[..., Any], dict[str, Any]]
    _writes: Writes

    def __init__(
        self,
        data: Any,
        requires_grad: bool = False,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        self._data = _own_array(data, dtype)
        if requires_grad and self._data.dtype.kind != "f":
            raise TypeError(
                f"Tensor {name or ''}{self._data.shape} of {self._data.dtype} cannot require a "
                "gradient: only floats can. Write 1.0 for 1, or pass dtype=float."
            )
        if name is not None and not isinstance(name, str):
            raise errors.not_a_name(name)
        self._needs = bool(requires_grad)
        self.name = name
        self.grad = None
        self._op: Callable[..., Any] | None = None
        self._inputs: tuple[Any, ...] = ()
        self._saved: tuple[Any, ...] = ()
        self._static = NOTHING
        self._order = next_order()

    # What it holds

    @property
    def data(self) -> np.ndarray:
        """The array, read-only: set `t.data = new` rather than write into it. Only leaves may."""
        if _state.tracing:
            raise errors.no_value(".data")
        array: Any = self._data
        while isinstance(array, np.ndarray):  # and what it is a view of: another tensor's array
            array.flags.writeable = False
            array = array.base
        return self._data

    @data.setter
    def data(self, value: Any) -> None:
        if _state.tracing:
            raise errors.side_effect("setting .data")
        if self._op is not None:
            raise ValueError(
                f"{errors.described(self)} is the result of {self._op.__name__}; "
                "only the data of a leaf can be set"
            )
        given, dtype = _own_array(value, None), self._data.dtype
        new = given.astype(dtype, copy=False)
        if not np.can_cast(given.dtype, dtype, "same_kind") and (
            given.dtype.kind == "f" or not np.array_equal(given, new)
        ):
            raise TypeError(
                f"{errors.described(self)} of {dtype}: new data of {given.dtype} would be changed "
                "by the cast. Make a new Tensor, or cast it yourself with .astype"
            )
        if new.shape != self._data.shape:
            raise ValueError(
                f"{errors.described(self)}: new data has shape {new.shape}, not {self._data.shape}"
            )
        self._data = new

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to it."""
        return self._needs

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        name = self.name or "t"
        instead = (
            f"{name} = ag.Tensor({name}.data, requires_grad=True)" if value else f"{name}.detach()"
        )
        raise AttributeError(
            f"{errors.described(self)}: whether a Tensor requires a gradient is said when it is "
            f"made, because what was computed from it before would not know. Write {instead}"
        )

    @property
    def op(self) -> Callable[..., Any] | None:
        """The operation on the tape that made it; None for a leaf."""
        return self._op

    @property
    def shape(self) -> tuple[int, ...]:
        """As NumPy's."""
        return self._data.shape

    @property
    def ndim(self) -> int:
        """As NumPy's."""
        return self._data.ndim

    @property
    def size(self) -> int:
        """As NumPy's."""
        return self._data.size

    @property
    def dtype(self) -> np.dtype:
        """As NumPy's."""
        return self._data.dtype

    @property
    def itemsize(self) -> int:
        """As NumPy's."""
        return self._data.itemsize

    @property
    def nbytes(self) -> int:
        """As NumPy's."""
        return self._data.nbytes

    @property
    def device(self) -> str:
        """As NumPy's."""
        return self._data.device

    @property
    def real(self) -> Tensor:
        """As np.real."""
        return self.__array_function__(np.real, (), (self,), NOTHING)

    @property
    def imag(self) -> Tensor:
        """As np.imag."""
        return self.__array_function__(np.imag, (), (self,), NOTHING)

    @property
    def flat(self) -> Iterator[Tensor]:
        """The elements, one by one."""
        return iter(self.ravel())

    @property
    def T(self) -> Tensor:
        """The transpose (all axes reversed)."""
        return record(np.transpose, (self,), {"axes": tuple(range(self._data.ndim))[::-1]})

    @property
    def mT(self) -> Tensor:
        """The transpose of each matrix (the last two axes swapped)."""
        if self._data.ndim < 2:
            raise ValueError(f"{errors.described(self)}.mT needs at least two dimensions")
        *batch, m, n = range(self._data.ndim)
        return record(np.transpose, (self,), {"axes": (*batch, n, m)})

    def named(self, name: str) -> Tensor:
        """Name it, and return it.

        >>> (Tensor([1.0]) * 2).named("Z1").name
        'Z1'
        """
        if not isinstance(name, str):
            raise errors.not_a_name(name)
        self.name = name
        return self

    def numpy(self) -> np.ndarray:
        """A copy of the array, the caller's own."""
        if _state.tracing:
            raise errors.no_value(".numpy()")
        return self._data.copy()

    def item(self, *index: Any) -> Any:
        """The value of a one-element tensor, or of one element, as a Python number."""
        if _state.tracing:
            raise errors.no_value(".item()")
        if not index and self._data.size != 1:
            raise ValueError(f"{errors.described(self)} has {self._data.size} elements, not one")
        if _state.items_stay and self._needs:
            at = index[0] if index and isinstance(index[0], tuple) else index
            return self[at] if len(at) == self._data.ndim else self.reshape(-1)[at or 0]
        return self._data.item(*index)

    def detach(self) -> Tensor:
        """A new leaf with the same values and name, that requires no gradient."""
        if _state.tracing:
            raise errors.no_value(".detach()", "compute it within `with ag.no_grad():`")
        return Tensor(self._data, name=self.name)

    # Gradients

    def backward(self, gradient: Any = None, retain_grads: bool = False) -> None:
        """Add the gradient of this tensor to `.grad` of every leaf that requires one.

        gradient: what arrives from outside, of this tensor's shape; may be left out for a scalar.
        retain_grads: also set `.grad` of every tensor in between.
        """
        from autograd_lite.walk import backward

        if _state.tracing:
            raise errors.side_effect("backward(), which sets .grad,")
        backward(self, gradient, retain_grads)

    def zero_grad(self) -> None:
        """Forget `.grad`: it is None again."""
        self.grad = None

    # NumPy's protocols

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "__call__" and not kwargs:
            if len(inputs) == 1 and self._needs and _state.gradients and RULES.get(ufunc):
                x = self._data
                return _made(ufunc(x), ufunc, inputs, (x,), NOTHING, True)
            if ufunc in HANDLERS:
                return HANDLERS[ufunc](*inputs)
            if ufunc in RULES:
                return record(ufunc, operands(inputs))
            if handler := handler_of(ufunc):
                return handler(*inputs)
        return rare(np.ufunc)(ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if isinstance(out := kwargs.get("out"), Tensor):
            y = function(*args, **{k: v for k, v in kwargs.items() if k != "out"})
            return put_into(y, out, f"np.{function.__name__}")
        handler = HANDLERS.get(function) or handler_of(function)
        name = lambda: f"{function.__module__.replace('numpy', 'np', 1)}.{function.__name__}"
        if handler is None:
            raise no_rule(name())
        return call_handler(handler, name, args, kwargs)

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise rare(np.asarray)(self, sys._getframe(1))

    @staticmethod
    def _record(op: Callable[..., Any], inputs: Any, static: dict[str, Any]) -> Tensor:
        for name, value in static.items():
            if type(value) not in _UNCHANGING:
                static[name] = _own_static(name, value)
        return record(op, operands(inputs), static)

    # Python's protocols

    __hash__ = object.__hash__

    def __dir__(self) -> list[str]:
        return dir(Tensor)

    def __repr__(self) -> str:
        array = np.array2string(self._data, separator=", ", prefix="Tensor(")
        extra = ", requires_grad=True" if self._needs else ""
        extra += f", name={self.name!r}" if self.name else ""
        extra += f", dtype={self._data.dtype}" if self._data.dtype not in (float, int, bool) else ""
        return f"Tensor({array}{extra})"

    def __len__(self) -> int:
        if not self._data.ndim:
            raise TypeError("len() of a 0-dimensional Tensor")
        return len(self._data)

    def __iter__(self) -> Iterator[Tensor]:
        if not self._data.ndim:
            raise TypeError("iteration over a 0-dimensional Tensor")
        return (self[i] for i in range(len(self._data)))

    def __contains__(self, x: Any) -> bool:
        return bool(HANDLERS[np.any](self == x))

    def _number(self, kind: type) -> Any:
        """The value as a number of this kind, where that loses no gradient in silence."""
        if self._needs and _state.gradients and not _state.tracing:
            frame = sys._getframe(2)
            taken = errors.taken_into(frame)
            if taken or is_differentiated(self):
                raise errors.gradient_lost(self, taken or f"{kind.__name__}()", frame)
        return kind(self._one(f"{kind.__name__}()"))

    def _one(self, what: str) -> Any:
        if _state.tracing:
            raise errors.no_value(what)
        if self._data.size != 1:
            raise ValueError(
                f"{what} of {errors.described(self)} is ambiguous: it has {self._data.size} "
                "elements. Use np.any, np.all, np.where, or index one element."
            )
        return self._data.item()

    def __bool__(self) -> bool:
        return bool(self._one("the truth value"))

    def __float__(self) -> float:
        number: float = self._number(float)
        return number

    def __int__(self) -> int:
        number: int = self._number(int)
        return number

    def __complex__(self) -> complex:
        number: complex = self._number(complex)
        return number

    def __format__(self, spec: str) -> str:
        return format(self._one("a format"), spec) if spec else str(self)

    def __copy__(self) -> Tensor:
        """A new leaf; the tape behind it is not copied. Inside a transform, the same value."""
        if _state.tracing:
            raise errors.no_value("a copy")
        if is_differentiated(self):
            same: Tensor = rules.identity(self)
            same.name = self.name
            return same
        return Tensor(self._data, self._needs, self.name)

    def __deepcopy__(self, memo: Any) -> Tensor:
        return self.__copy__()

    def __reduce__(self) -> Any:
        if is_differentiated(self):
            raise errors.gradient_lost(self, "pickling", sys._getframe(1))
        return Tensor, (self.data, self._needs, self.name)

    # Operators. A reflected one (r) comes where the left operand is not a Tensor.

    __add__, __radd__ = _arithmetic(np.add)
    __sub__, __rsub__ = _arithmetic(np.subtract)
    __mul__, __rmul__ = _arithmetic(np.multiply)
    __truediv__, __rtruediv__ = _arithmetic(np.divide)
    __pow__, __rpow__ = _handled(np.power)
    __mod__, __rmod__ = _handled(np.remainder)
    __floordiv__, __rfloordiv__ = _handled(np.floor_divide)
    __divmod__, __rdivmod__ = _handled(np.divmod)
    __and__, __rand__ = _handled(np.bitwise_and)
    __or__, __ror__ = _handled(np.bitwise_or)
    __xor__, __rxor__ = _handled(np.bitwise_xor)
    __lt__, __gt__ = _handled(np.less)[0], _handled(np.greater)[0]
    __le__, __ge__ = _handled(np.less_equal)[0], _handled(np.greater_equal)[0]
    __eq__ = _handled(np.equal)[0]  # type: ignore[assignment]
    __ne__ = _handled(np.not_equal)[0]  # type: ignore[assignment]
    __neg__, __abs__ = _function(np.negative), _function(np.absolute)
    __pos__ = _function(np.positive)
    __iadd__ = _in_place(np.add, "+")
    __isub__ = _in_place(np.subtract, "-")
    __imul__ = _in_place(np.multiply, "*")
    __itruediv__ = _in_place(np.divide, "/")
    __ipow__ = _in_place(np.power, "**")
    __imod__ = _in_place(np.remainder, "%")
    __ifloordiv__ = _in_place(np.floor_divide, "//")
    __imatmul__ = _in_place(np.matmul, "@")

    def __matmul__(self, other: Any) -> Tensor:
        if type(other) is Tensor and (self._needs or other._needs) and _state.gradients:
            x, z = self._data, other._data
            if x.ndim == z.ndim == 2 and x.shape[1] == z.shape[0]:
                # The array's own method takes a third of the time of np.matmul.
                return _made(x.dot(z), np.dot, (self, other), (x, z), NOTHING, True)
        return Tensor._matmul(self, other)

    _matmul, __rmatmul__ = _handled(np.matmul)

    def __round__(self, ndigits: int | None = None) -> Tensor:
        rounded: Tensor = HANDLERS[np.round](self, ndigits or 0)
        return rounded

    def __invert__(self) -> Tensor:
        return record(np.invert, (self,))

    def __getitem__(self, index: Any) -> Tensor:
        items, at = index_of(index)
        return record(rules.getitem, (self, *at), {"index": items})

    def __setitem__(self, index: Any, value: Any) -> None:
        handler_of(operator.setitem)(self, index, value)  # type: ignore[misc]

    # Methods: NumPy's own, and the few that NumPy lacks

    all, any, argmax, argmin = _of_numpy(np.all, np.any, np.argmax, np.argmin)
    argpartition, argsort, choose = _of_numpy(np.argpartition, np.argsort, np.choose)
    clip, cumprod, cumsum = _of_numpy(np.clip, np.cumprod, np.cumsum)
    diagonal, dot, max = _of_numpy(np.diagonal, np.dot, np.max)
    mean, min, prod = _of_numpy(np.mean, np.min, np.prod)
    ravel, repeat, round, squeeze = _of_numpy(np.ravel, np.repeat, np.round, np.squeeze)
    searchsorted, std, sum, swapaxes = _of_numpy(np.searchsorted, np.std, np.sum, np.swapaxes)
    take, trace, var = _of_numpy(np.take, np.trace, np.var)
    exp, log, sqrt = _function(np.exp), _function(np.log), _function(np.sqrt)
    tanh, relu, sigmoid = _function(np.tanh), _function(rules.relu), _function(rules.sigmoid)

    def astype(
        self,
        dtype: Any,
        order: str = "K",
        casting: Any = "unsafe",
        subok: bool = True,
        copy: bool = True,
    ) -> Tensor:
        """As NumPy's; the gradient is cast back."""
        return HANDLERS[np.astype](self, dtype, casting=casting, copy=copy)

    def compress(self, condition: Any, axis: int | None = None) -> Tensor:
        """As np.compress."""
        return self.__array_function__(np.compress, (), (condition, self, axis), NOTHING)

    def conj(self) -> Tensor:
        """It itself, as NumPy has it: its numbers are real."""
        return self

    conjugate = conj

    def copy(self, order: str = "C") -> Tensor:
        """As np.copy."""
        return HANDLERS[np.copy](self, order)

    def flatten(self, order: str = "C") -> Tensor:
        """As NumPy's: one row, and always a copy."""
        return self.reshape(-1, order=order, copy=True)

    def nonzero(self) -> tuple[Tensor, ...]:
        """As np.nonzero."""
        return self.__array_function__(np.nonzero, (), (self,), NOTHING)

    def reshape(self, *shape: Any, order: str = "C", copy: Any = None) -> Tensor:
        """As np.reshape."""
        return HANDLERS[np.reshape](self, shape[0] if len(shape) == 1 else shape, order, copy=copy)

    def transpose(self, *axes: Any) -> Tensor:
        """As np.transpose."""
        return HANDLERS[np.transpose](self, axes[0] if len(axes) == 1 else axes or None)


def index_of(index: Any) -> tuple[tuple[Any, ...], list[Tensor]]:
    """An index as it is recorded: a Slot for each Tensor in it, and these Tensors."""
    items: list[Any] = []
    at: list[Tensor] = []
    for i in index if isinstance(index, tuple) else (index,):
        if isinstance(i, Tensor):
            if i._data.dtype.kind == "b" and _state.tracing:
                raise errors.no_value("a boolean index")
            at.append(i)
            items.append(rules.Slot(len(at) - 1))
        elif isinstance(i, list | tuple):
            errors.refuse_masks(i, "an index")
            items.append(np.array(i, dtype=None if np.size(i) else np.intp))
        else:
            if isinstance(i, np.ndarray) and type(i) is not np.ndarray:
                errors.refuse_masks(i, "an index")
            items.append(i.copy() if isinstance(i, np.ndarray) else i)
    return tuple(items), at


def record(
    op: Callable[..., Any], inputs: tuple[Any, ...], static: dict[str, Any] = NOTHING
) -> Tensor:
    """Run `op` on the arrays behind `inputs`, and put the result on the tape.

    inputs are Tensors and Python numbers. The tape has whatever a gradient may depend on, and
    comparisons too, which have no gradient, because a replay at other values needs them. While
    tracing it has everything.
    """
    saved = tuple([x._data if type(x) is Tensor else x for x in inputs])
    try:
        y = getattr(op, "forward", op)(*saved, **static)
    except (ValueError, TypeError, IndexError) as error:
        raise errors.operation_error(op, inputs, error) from error
    needs = live = False
    if _state.gradients:
        for x in inputs:
            if type(x) is Tensor and (x._needs or x._op is not None):
                live = True
                needs = needs or x._needs
    if live or _state.tracing:
        t = _made(y, op, inputs, saved, static, needs and RULES[op] != ())
        t._needs = t._needs and t._data.dtype.kind == "f"  # astype(int) is constant, as floor is
        return t
    t = _made(y, None, (), (), NOTHING, False)
    if op in VIEW_MAKERS and (view := _as_view(y, op, inputs[0], static)):
        t._view = (_without_tape(view[0]), op, static)
    if ASSIGNED:  # this will not be on a tape, where `settle` would look
        for x in inputs:
            if type(x) is Tensor:
                check_current(x)
    return t


def _made(
    y: Any,
    op: Callable[..., Any] | None,
    inputs: tuple[Any, ...],
    saved: tuple[Any, ...],
    static: dict[str, Any],
    needs: bool,
) -> Tensor:
    t: Tensor = _new(Tensor)
    # (A stand-in for an array, while a function is traced to be compiled, stays what it is.)
    t._data = y if type(y) is np.ndarray or hasattr(y, "stands_in") else np.asarray(y)
    t._op = op
    t._inputs = inputs
    t._saved = saved
    t._static = static
    t._needs = needs
    t._order = next_order()
    t.grad = t.name = None
    return t


_new: Any = object.__new__


# A tensor that was assigned to (`functions.assignment`) has gone on as a new value, with an order
# of its own. `_before` it was another tensor; both have the same `_writes`. Who used it earlier has
# an older order: by that `settle` finds what was used, and if it was `_current`.

VIEW_MAKERS = {np.reshape, np.transpose, np.broadcast_to}
VIEW_MAKERS |= {rules.getitem, rules.einsum}
ASSIGNED: dict[int, Any] = {}  # weak references to what was written over; often none is left


def view_of(x: Tensor) -> Any:
    """What x is a view of, by which operation, and its keyword arguments; None for no view."""
    made = _made_of(x)
    return _as_view(x._data, made[1], made[0], made[2]) if x._op in VIEW_MAKERS else made


def _made_of(x: Tensor) -> Any:
    """What x is a view of, as `view_of` has it; or may be, if an operation on the tape made it."""
    if x._op in VIEW_MAKERS:
        settle_inputs(x)
        return x._inputs[0], x._op, x._static
    view = getattr(x, "_view", None)
    if view is not None:
        base, op, static = view
        while base._order >= x._order:
            base = base._before
        return base, op, static
    return None


def _as_view(y: Any, op: Any, x: Tensor, static: dict[str, Any]) -> Any:
    """The view that an operation made of x, or None if y has memory of its own.

    Of what stands in for arrays all count as views: a copy too many of them is left out again.
    """
    if not _may_share(static):
        return None
    if hasattr(y, "stands_in"):
        return x, op, static
    memory = in_memory(x)
    if memory is not x._data:
        y = getattr(op, "forward", op)(memory, **static)
    return (x, op, static) if np.may_share_memory(y, memory) else None


def _may_share(static: dict[str, Any]) -> bool:
    """Whether the result of a view maker can be a view: no array is in its index, nor in a sum."""
    return rules.is_basic(static.get("index", ())) and "," not in static.get("subscripts", "")


def in_memory(x: Tensor) -> np.ndarray:
    """An array that lies in memory as NumPy's x does: a view that was written into is still one."""
    if not ASSIGNED:
        return x._data
    made = _made_of(x)
    if made is None or not _may_share(made[2]):
        return x._data
    base, op, static = made
    array: np.ndarray = getattr(op, "forward", op)(in_memory(base), **static)
    return array


def _without_tape(x: Tensor) -> Tensor:
    """x for a view of it that is made inside no_grad, and is not to keep the tape of x."""
    first = same = _off_tape(x)
    while x._op is not None and (view := view_of(x)):
        x, op, static = view
        same._view = (_off_tape(x), op, static)
        same = same._view[0]
    return first


def _off_tape(x: Tensor) -> Tensor:
    """x without what it was made from, where it goes on as x does; x itself if it is a leaf."""
    if x._op is None:
        return x
    same = _made(x._data, None, (), (), NOTHING, x._needs)
    same._order, same._writes = x._order, writes_of(x)
    return same


class Writes(list[tuple[int, Any]]):
    """When a tensor was written into, and where, if a basic index tells; `newest`: as it is now."""

    def __init__(self, t: Tensor) -> None:
        super().__init__()
        self.newest = weakref.ref(t)


def writes_of(t: Tensor) -> Writes:
    """The writes into t, which all that it goes on as share."""
    if not hasattr(t, "_writes"):
        t._writes = Writes(t)
    return t._writes


def seen_through(x: Tensor) -> Iterator[Tensor]:
    """What x is a view of, and what that is a view of."""
    while (view := view_of(x)) is not None:
        x = view[0]
        yield x


def _may_go_on(x: Tensor) -> bool:
    """Whether NumPy may write into what x is: it was assigned to, or is a view."""
    return x._op in VIEW_MAKERS or hasattr(x, "_view") or hasattr(x, "_writes")


def settle(t: Tensor) -> None:
    """Let the inputs of t be what they were when t was made of them, or raise ValueError.

    It raises where t was made of a view that was not up to date, and NumPy's would have been.
    """
    order = t._order
    for x in t._inputs:
        if type(x) is not Tensor:
            continue
        if x._order >= order or _may_go_on(x):
            settle_inputs(t)
            if t._op is not rules.identity or not hasattr(t, "_before"):  # not `recalled`
                for z in t._inputs:
                    if type(z) is Tensor:
                        check_current(z, order)
            return


def settle_inputs(t: Tensor) -> None:
    """Let the inputs of t be what they were when t was made of them."""
    for k, x in enumerate(t._inputs):
        if type(x) is Tensor and x._order >= t._order:
            while x._order >= t._order:
                x = x._before
            t._inputs = (*t._inputs[:k], x, *t._inputs[k + 1 :])


def recalled(x: Any) -> Any:
    """x for a rule that is run on Tensors: its value then is meant, whatever was assigned since."""
    if type(x) is not Tensor or is_current(x):
        return x
    same = _made(x._data, rules.identity, (x,), (x._data,), NOTHING, x._needs)
    same._before = x
    return same


def is_current(x: Tensor, order: float = math.inf) -> bool:
    """Whether NumPy would have the same value in x at this time, by default now."""
    for behind in (x, *seen_through(x)):
        writes = getattr(behind, "_writes", ())
        since = getattr(x, "_current", x._order)
        for written, place in writes[bisect.bisect(writes, since, key=_order_of) :]:
            if written < order and (behind is x or _overlap(x, behind, place)):
                return False
    return True


_order_of = operator.itemgetter(0)


def _overlap(x: Tensor, base: Tensor, place: Any) -> bool:
    """Whether a place in base may have entries of a view of base."""
    if place is None or not np.may_share_memory(x._data, base._data):
        return True
    return np.shares_memory(x._data, base._data[place if Ellipsis in place else (*place, ...)])


def check_current(x: Tensor, order: float = math.inf) -> None:
    """Raise ValueError if NumPy would have another value in x at this time, by default now."""
    if not is_current(x, order):
        raise ValueError(
            f"{errors.described(x)} shares its memory with what was assigned to after it was "
            "taken, and was used then: in NumPy it would have changed as well. Take it again "
            "after the assignment, or write .copy() where it is taken."
        )


class NotAnOperand(TypeError):
    """Something that is neither a Tensor nor an array of numbers."""


def operands(inputs: Any) -> tuple[Any, ...]:
    """The inputs as Tensors and Python numbers; an array becomes a Tensor of its own."""
    return tuple(
        [x if type(x) is Tensor or type(x) in (float, int, bool) else constant(x) for x in inputs]
    )


def constant(x: Any) -> Tensor:
    """A Tensor without gradient for an array (copied), a list or a NumPy scalar.

    A list of Tensors, where NumPy would make an array of it, is stacked.
    """
    if isinstance(x, Tensor):
        return x
    if _has_tensors(x):
        return HANDLERS[np.stack](x)
    try:
        return Tensor(x)
    except TypeError as error:
        raise NotAnOperand(str(error)) from None


def _has_tensors(x: Any) -> bool:
    """Whether it is a list, perhaps of lists, with a Tensor in it."""
    return isinstance(x, list | tuple) and any(type(y) is Tensor or _has_tensors(y) for y in x)


def no_rule(name: str) -> TypeError:
    """The error for a function of this name, which no rule is for."""
    return TypeError(
        f"{name} has no rule, so a Tensor cannot pass through it. Write it with operations that "
        "have one, or give it one: @ag.differentiable(lambda g, y, x: ...) above a function of "
        "arrays. For a value without gradient use t.data."
    )


def _masked(self: Tensor) -> None:
    raise ValueError(
        "np.ma and its masked arrays cannot carry a gradient: use .filled(0.0) of the masked array"
    )


# np.ma asks every operand for its mask, and then takes its data.
Tensor._mask = property(_masked)  # type: ignore[attr-defined]


def _attribute_of_arrays(name: str) -> property:
    return property(lambda self: rare(np.ndarray)(self, name))


REFUSED = frozenset(n for n in dir(np.ndarray) if n[0] != "_" and not hasattr(Tensor, n))
for _name in REFUSED:  # (a __getattr__ would make every attribute of every Tensor slower)
    setattr(Tensor, _name, _attribute_of_arrays(_name))


_UNCHANGING = frozenset((int, float, bool, str, type(None)))


def _own_static(name: str, value: Any) -> Any:
    """A keyword argument as it is now: no later change of an array or a list in it is seen."""
    if type(value) in (tuple, list, set, frozenset):
        return type(value)([_own_static(name, x) for x in value])
    if isinstance(value, dict):
        return {key: _own_static(name, x) for key, x in value.items()}
    if isinstance(value, np.ndarray):
        value = value.copy()
        value.flags.writeable = False
    elif type(value) is Tensor and value._needs:
        raise TypeError(
            f"{name}={errors.described(value)}: keyword arguments have no gradient. Make it a "
            "positional argument with a rule of its own, or pass .detach()"
        )
    return value


def _own_array(data: Any, dtype: Any) -> np.ndarray:
    if isinstance(data, Tensor):
        if _state.tracing:
            raise errors.no_value("Tensor(...)")
        if is_differentiated(data):
            raise errors.gradient_lost(data, "ag.Tensor(...)", sys._getframe(2))
        data = data._data
    stretched = type(data) is np.ndarray and 0 in data.strides
    try:
        array = np.array(_narrow(data) if stretched else data)
    except ValueError as error:
        if "inhomogeneous" in str(error):
            raise ValueError(
                "the rows of a Tensor have different lengths: make them equal"
            ) from None
        raise
    if type(data) is not np.ndarray:
        errors.refuse_masks(data, "an operand")
    if array.dtype.kind in "fiub" and dtype is not None:
        array = np.asarray(array, dtype)
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"a Tensor holds real numbers, not {array.dtype} (from {type(data).__name__} "
            f"{str(data)[:40]!r})"
        )
    if not array.dtype.isnative:
        array = array.astype(array.dtype.name)
    return np.broadcast_to(array, data.shape) if stretched else array


def _narrow(x: np.ndarray) -> np.ndarray:
    """x before it was stretched. (Stretched again, its copy lies in memory as x does.)"""
    ends = [n if step else min(n, 1) for n, step in zip(x.shape, x.strides, strict=True)]
    return x[tuple(map(slice, ends))]
