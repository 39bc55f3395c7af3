"""A function as straight-line NumPy: traced once for each signature, then only the arithmetic is
left. `lowering` shortens what was traced, `emitting` writes it out; here it is traced and called.
"""

from __future__ import annotations

import builtins
import contextlib
import dataclasses
import enum
import functools
import inspect
import threading
import types
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from autograd_lite import errors, transforms
from autograd_lite.compiler.emitting import Checked, Plan, Source, one_line
from autograd_lite.compiler.lowering import Lowering, Node, needed_for, without_reshapes_of_sums
from autograd_lite.compiler.tracing import Read, Trace, name_of, precision, surroundings, trace
from autograd_lite.tensor import Tensor, _state, with_stand_ins
from autograd_lite.transforms import flatten, map_leaves
from autograd_lite.walk import by_needs, reachable

OTHER = object()  # what a program returns for arguments that it was not made for
SIGNATURES = 16


class Compiled(Protocol):
    """A function that is compiled; `compile` says what its methods give."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

    def source(self, *args: Any, **kwargs: Any) -> str:
        """The NumPy code that runs for these arguments."""

    def unchecked(self, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        """A function for more arguments of this signature, which it does not check."""


def compile(f: Callable[..., Any], *, reuse_outputs: bool = False) -> Compiled:
    """The same function, faster: f is traced once and then runs as straight-line NumPy.

    f: any function of arrays, numbers, or lists, tuples and dicts of them, that returns such: a
    cost, `ag.value_and_grad(cost)`, or a whole training step that returns the new parameters.
    Results are arrays, row by row in memory. They are the caller's own; with `reuse_outputs=True`
    the next call overwrites them. Arguments are never written to.

    f is traced anew for arguments of another structure, shape or dtype (a warning comes with the
    17th such signature), and where an argument that is neither an array nor a float differs: a
    number or text, by value; a function, class or module, by identity; a frozen dataclass of these.
    Any other object is refused by name, because its attributes could change in silence. If f
    assigns to parts of what it computes, it is also traced anew for arrays of other strides: what
    is a view of what depends on them. Raises TracingError, naming the line, for what cannot be
    traced: a branch or a loop on a value, `.item()`, `.data`, randomness, an assignment to an
    argument or to a Tensor from outside.

    What f uses without being given it is constant; a Tensor is read at each call. f is traced anew
    when a variable of its module or of a function around it is bound to something else, or an
    attribute that is read straight from one (`options.scale`), by f or by functions of the same
    module. Not noticed: an array, list or dict that is written into, attributes further away.

    `.source(*args)` is the code that runs for these arguments, and `.unchecked(*args)` a function
    for more arguments of this signature, which it does not check (unless strides are part of it):
    for a loop in one thread.

    Inside a transform, and where a result leads to a Tensor, given or captured, that requires a
    gradient which f does not itself take, f runs as it is: the tape goes on.

    >>> step = compile(lambda W, x: W - 0.1 * transforms.grad(lambda W: np.sum((W @ x) ** 2))(W))
    >>> step(np.array([[1.0, 2.0]]), np.array([[1.0], [1.0]]))
    array([[0.4, 1.4]])
    """
    if not callable(f):
        raise TypeError(f"compile takes a function, not {type(f).__name__}")
    return _Compiler(f, reuse_outputs).function


class _Compiler:
    """The programs of one function, by signature, and the function that finds the right one."""

    def __init__(self, f: Callable[..., Any], reuse_outputs: bool) -> None:
        self.f, self.reuse_outputs = f, reuse_outputs
        self.lock = threading.RLock()
        self.programs: dict[Any, Program] = {}
        self.floats_vary = True  # a float is an argument like an array, or part of the signature
        self.with_memory = False  # how arrays lie in memory is part of the signature
        self.captured: list[Tensor] = []  # if so, the Tensors from outside that were read
        self.function = self._function()

    def _function(self) -> Any:
        # By number and names of arguments: for each program its idle runs, and how to make one.
        ready: dict[Any, list[tuple[list[Any], Callable[[], Any]]]] = {}
        self.ready = ready
        f, nothing = self.f, ()

        def compiled(*args: Any, **kwargs: Any) -> Any:
            for idle, make in ready.get((len(args), *kwargs) if kwargs else len(args), nothing):
                try:
                    run = idle.pop()  # its buffers are this thread's until they are put back
                except IndexError:
                    run = make()
                result = run(*args, **kwargs) if kwargs else run(*args)
                idle.append(run)
                if result is not OTHER:
                    return result
            return self._first(args, kwargs)

        functools.update_wrapper(compiled, f)
        compiled.source = self.source  # type: ignore[attr-defined]
        compiled.unchecked = self.unchecked  # type: ignore[attr-defined]
        return compiled

    def _first(self, args: Any, kwargs: Any) -> Any:
        """A call that no program is ready for."""
        if _inside():
            return self.f(*args, **kwargs)
        args, kwargs = map_leaves(_native, (args, kwargs))
        idle, make = self.program(args, kwargs).ready
        run = idle.pop() if idle else make()
        result = run(*args, **kwargs)
        idle.append(run)
        return self.f(*args, **kwargs) if result is OTHER else result

    def source(self, *args: Any, **kwargs: Any) -> str:
        """The code that runs for these arguments, which is traced now if it was not before."""
        args, kwargs = map_leaves(_native, (args, kwargs))
        return self.program(args, kwargs).source

    def unchecked(self, *args: Any, **kwargs: Any) -> Any:
        """A function for more arguments like these, for loops that know that they are.

        It has buffers of its own, so only one thread at a time may call it.
        """
        args, kwargs = map_leaves(_native, (args, kwargs))
        program = self.program(args, kwargs)
        return self.function if self.with_memory else program.unchecked()

    def program(self, args: Any, kwargs: Any) -> Program:
        """The program for arguments like these."""
        with self.lock:
            key = self._key(args, kwargs)
            if key not in self.programs:
                program = self._traced(args, kwargs)
                key = self._key(args, kwargs)
                self.programs[key] = program
                calls = (len(args), *kwargs) if kwargs else len(args)
                self.ready.setdefault(calls, []).append(program.ready)
                if len(self.programs) > SIGNATURES:
                    self._warn()
            return self.programs[key]

    def _key(self, args: Any, kwargs: Any) -> Any:
        """What two calls must have in common to run the same program."""
        around = tuple(
            (id(read.holder), read.name, _known(read.value)) for read in surroundings(self.f)
        )
        lying = tuple(t._data.strides for t in self.captured)
        try:
            return self._signature((args, kwargs)), around, lying, _state.gradients
        except _Changeable as error:
            leaves = zip(
                flatten((args, kwargs)),
                _names(args, kwargs, _names_of_positional(self.f, args)),
                strict=True,
            )
            raise _refused(
                *next((x, name) for x, name in leaves if not _is_fixed(x)), error
            ) from None

    def _signature(self, tree: Any) -> Any:
        """The part of the key that the arguments are."""
        if isinstance(tree, dict):
            return (type(tree), *((key, self._signature(node)) for key, node in tree.items()))
        if isinstance(tree, list | tuple):
            return (type(tree), *(self._signature(node) for node in tree))
        if isinstance(tree, np.ndarray):
            return ("array", tree.shape, tree.dtype, self.with_memory and tree.strides)
        if isinstance(tree, Tensor):
            return ("Tensor", tree._needs, self._signature(tree._data))
        return float if type(tree) is float and self.floats_vary else _fixed(tree)

    def _traced(self, args: Any, kwargs: Any) -> Program:
        """A new program. Where f assigns, it is traced with arrays that lie in memory as these."""
        if not self.with_memory:
            try:
                with with_stand_ins(True):
                    return self._written(args, kwargs)
            except errors.TracingError:
                raise
            except Exception:  # NoMemory, or f wants values; errors of its own come again
                pass
        with with_stand_ins(False):
            program = self._written(args, kwargs)
        self.with_memory = True
        known = {id(t) for t in self.captured}
        self.captured += [t for t in program.captured if id(t) not in known]
        return program

    def _written(self, args: Any, kwargs: Any) -> Program:
        names = list(_names(args, kwargs, _names_of_positional(self.f, args)))
        leaves = flatten((args, kwargs))
        traced = trace(self.f, args, kwargs, names, self.floats_vary)
        if self.floats_vary and any(type(x) is float for x in leaves):
            # With several precisions a float must act as Python's, which takes the other's; and
            # where NumPy makes an array of it, as np.multiply.outer does, that is of float64.
            own = precision(leaves)
            if own != np.float64 or _precisions(traced) - {own}:
                fixed = trace(self.f, args, kwargs, names, False)
                if (_precisions(traced) | _precisions(fixed)) - {own}:
                    self.floats_vary, traced = False, fixed
        on_tape = self._needs_the_tape(args, kwargs, traced)
        writer = _Writer(self.f, args, kwargs, traced, self.reuse_outputs, on_tape)
        return writer.program(names)

    def _needs_the_tape(self, args: Any, kwargs: Any, traced: Trace) -> bool:
        """Whether f leaves Tensors on the tape of a gradient that it does not take itself.

        Where it uses Tensors that require one, it is run on the tape to see.
        """
        given = list(zip(flatten((args, kwargs)), traced.arguments, strict=True))
        at_hand = [leaf for leaf, _ in given]
        at_hand += [x for t in traced.tensors() for x in (t, *t._inputs)]
        if not _state.gradients or not any(
            type(x) is Tensor and x._needs and x._order < traced.start for x in at_hand
        ):
            return False
        taken = traced.differentiated_by()
        taken |= {leaf._order for leaf, t in given if type(leaf) is Tensor and t._order in taken}
        with np.errstate(all="ignore"):
            results = flatten(self.f(*args, **kwargs))
        ends = [x for x in results if type(x) is Tensor and x._needs]
        leaves = (t for t in reachable(ends, by_needs) if t._op is None)
        return any(t._needs and t._order not in taken for t in leaves)

    def _warn(self) -> None:
        warnings.warn(
            f"compiled {name_of(self.f)} was traced for {len(self.programs)} signatures: each new "
            "structure, shape, dtype, number that is not a float, variable around it that is bound "
            "anew, or strides where it assigns, costs a trace and memory. Give batches one size, "
            "and pass what changes as arguments, numbers as floats or arrays.",
            stacklevel=5,
        )


class _Maker:
    """Makes runs of a program, each with buffers of its own. The text is compiled once."""

    def __init__(self, text: str, file: str, function: str, given: dict[str, Any]) -> None:
        self.text, self.file, self.function, self.given = text, file, function, given
        self.code: Any = None

    def __call__(self) -> Any:
        if self.code is None:  # (two threads at once may both compile it: to the same code)
            self.code = builtins.compile(self.text, self.file, "exec")
        namespace = dict(self.given)
        exec(self.code, namespace)
        return namespace[self.function]


@dataclass(slots=True)
class Program:
    """The code for one signature; `ready` are the runs that are idle, and how to make another.

    unchecked makes a run that takes its arguments on trust. captured: the Tensors that it reads
    from outside.
    """

    source: str
    ready: tuple[list[Any], Callable[[], Any]]
    unchecked: Callable[[], Any]
    captured: list[Tensor]


def _precisions(traced: Trace) -> set[np.dtype]:
    """The float dtypes of what was traced."""
    return {t.dtype for t in traced.tensors() if t.dtype.kind == "f"}


def _inside() -> bool:
    """Whether a trace or a transform is at work, whose tape must go on."""
    return _state.tracing or transforms._depth.inside > 0


def _native(x: Any) -> Any:
    """An array of NumPy's own type and byte order, for what is nearly one."""
    if isinstance(x, np.floating):
        return np.asarray(x)
    if isinstance(x, np.ndarray):
        if type(x) is not np.ndarray:
            errors.refuse_masks(x, "an argument")
        dtype = x.dtype.newbyteorder("=")
        dtype = np.dtype(dtype.name) if dtype.kind in "fiub" else dtype
        return x if type(x) is np.ndarray and x.dtype is dtype else np.asarray(x, dtype)
    return x


class _Changeable(TypeError):
    """An object that may change between calls."""


BY_VALUE = (int, bool, str, bytes, range)
BY_IDENTITY = (
    *(type, type(None), type(...), type(NotImplemented), enum.Enum, np.ufunc, type(np.sum)),
    *(types.FunctionType, types.BuiltinFunctionType, types.ModuleType, functools.partial),
)


def _fixed(x: Any) -> Any:
    """An argument that is a constant of the program, as something to compare by value.

    Functions, classes and modules are compared by identity. Raises _Changeable for an object whose
    attributes, read when f is traced, may be others at the next call.
    """
    if type(x) is float:
        return float, x.hex()  # 0.0 is not -0.0, and nan is nan
    if type(x) in BY_VALUE or isinstance(x, np.integer | np.bool | np.dtype):
        return type(x), x
    if isinstance(x, BY_IDENTITY):
        return "object", id(x)
    if type(x) is complex:
        return complex, x.real.hex(), x.imag.hex()
    if type(x) is slice:
        return slice, _fixed(x.start), _fixed(x.stop), _fixed(x.step)
    if type(x) is frozenset:
        return frozenset, frozenset(map(_fixed, x))
    if type(x) is tuple:
        return tuple, *map(_fixed, x)
    parameters = getattr(type(x), "__dataclass_params__", None)
    if parameters is not None and parameters.frozen:
        return type(x), *(_fixed(getattr(x, field.name)) for field in dataclasses.fields(x))
    raise _Changeable(x)


def _known(x: Any) -> Any:
    """Numbers and texts by their value, other objects by their identity."""
    return _fixed(x) if type(x) in (int, float, bool, str) else id(x)


def _is_fixed(x: Any) -> bool:
    """Whether an argument is one that the program takes, as an array or as a constant."""
    try:
        _fixed(x)
    except _Changeable:
        return isinstance(x, np.ndarray | Tensor)
    return True


def _alike(x: Any, y: Any) -> bool:
    """Whether an argument is the same constant."""
    return _is_fixed(x) and not isinstance(x, np.ndarray | Tensor) and bool(_fixed(x) == _fixed(y))


def _refused(x: Any, name: str, error: _Changeable) -> TypeError:
    kind = type(error.args[0]).__name__
    holds = f"is a {kind}" if x is error.args[0] else f"holds a {kind}"
    return TypeError(
        f"{name} {holds}, whose attributes may change between calls, and compiled code would "
        f"keep those of the first. Pass the arrays and numbers of {name} themselves, in a dict, a "
        f"list or a NamedTuple, or make {kind} a frozen dataclass of numbers and texts."
    )


def _names_of_positional(f: Callable[..., Any], args: Any) -> list[str]:
    """Names for positional arguments."""
    parameters: Iterable[inspect.Parameter] = ()
    with contextlib.suppress(TypeError, ValueError):
        parameters = inspect.signature(f).parameters.values()
    named = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [*named, *(f"x{k}" for k in range(len(named), len(args)))][: len(args)]


def _names(args: Any, kwargs: Any, parameters: list[str]) -> Iterator[str]:
    """A name for each leaf: its key in a dict, its parameter, its place in a list."""
    stack = [*zip(parameters, args, strict=True), *kwargs.items()][::-1]
    while stack:
        name, node = stack.pop()
        if isinstance(node, dict):
            children = [(k if isinstance(k, str) else f"{name}_{k}", v) for k, v in node.items()]
            stack.extend(reversed(children))
        elif isinstance(node, list | tuple):
            stack.extend((f"{name}_{k}", v) for k, v in reversed(list(enumerate(node))))
        else:
            yield name


class _Writer:
    """The program of one trace: its steps, the check of its arguments, and what it returns."""

    def __init__(
        self,
        f: Callable[..., Any],
        args: Any,
        kwargs: Any,
        trace: Trace,
        reuse_outputs: bool,
        on_tape: bool,
    ) -> None:
        self.f, self.args, self.kwargs, self.trace = f, args, kwargs, trace
        self.reuse_outputs, self.on_tape = reuse_outputs, on_tape
        lowering = Lowering(trace.start)
        self.arguments = [lowering.argument(x) if type(x) is Tensor else x for x in trace.arguments]
        lowering.read(trace.tensors())
        outputs = [lowering.of(x) for x in trace.results()]
        guards = [lowering.guard(check, tensors) for check, tensors in trace.guards]
        self._name_gradients(lowering)
        self._name_results(lowering)
        ends = [*outputs, *guards]
        without_reshapes_of_sums(needed_for(ends), outputs)
        plan = Plan(needed_for(ends), outputs, reuse_outputs)
        self.source = Source(plan, outputs)
        self.captured = [n.tensor for n in plan.nodes if n.tensor is not None]
        self.source.given["OTHER"] = OTHER
        self.source.names.taken.add("OTHER")
        self.lines: list[str] = []

    def _name_gradients(self, lowering: Lowering) -> None:
        """Call the gradient of what has a name W dW, and the cost J."""
        for k, (order, t) in enumerate(self.trace.gradient_of.items()):
            g, of = lowering.nodes.get(order), lowering.nodes.get(t._order)
            if of and k == 0 and t.size == 1 and not t.name:
                of.name = "J"
            if g and of and g.op and of.name and not g.name:
                g.name = f"d{of.name}"

    def _name_results(self, lowering: Lowering) -> None:
        """Call a result without a name as its key is, or W_new where an argument is called W."""
        taken = {n.name for n in self.arguments if isinstance(n, Node)}
        wishes = _names((self.trace.result,), {}, ["result"])
        for x, name in zip(flatten(self.trace.result), wishes, strict=True):
            if type(x) is Tensor and not lowering.of(x).name:
                lowering.of(x).name = f"{name}_new" if name in taken else name

    def program(self, leaf_names: list[str]) -> Program:
        """The whole: taken apart, checked, computed, returned."""
        source, names = self.source, self.source.names
        wish = name_of(self.f)
        function = names.new("compiled" if wish == "<lambda>" else wish)
        leaves = iter(
            zip(flatten((self.args, self.kwargs)), self.arguments, leaf_names, strict=True)
        )
        positional = []
        for name, tree in zip(_names_of_positional(self.f, self.args), self.args, strict=True):
            positional.append(names.new(name))
            self._take(positional[-1], tree, leaves)
        by_name = names.new("named") if self.kwargs else ""
        for name, tree in self.kwargs.items():
            variable = names.new(name)
            self.lines.append(f"{variable} = {by_name}[{name!r}]")
            self._take(variable, tree, leaves)
        signature = [*positional, *([f"**{by_name}"] if by_name else [])]
        if self.on_tape:
            self.lines.append(
                "# The tape of a Tensor that requires a gradient goes on: no shortcut."
            )
            returns = f"{source.give('f', self.f)}({', '.join(signature)})"
        else:
            source.write()
            if self.reuse_outputs:
                self._keep_apart()
            results = iter(source.results())
            returns = self._tree(self.trace.result, results)
        self._check_surroundings()
        title = [
            f"{name_of(self.f)}, compiled"
            + ", its results overwritten by the next call" * self.reuse_outputs
        ]
        parts = function, ", ".join(signature), self.lines, returns, title
        text, trusting = source.text(*parts), source.text(*parts, trusting=True)
        file, given = f"<compiled {one_line(name_of(self.f))}>", source.given
        checked, unchecked = (
            _Maker(text, file, function, given),
            _Maker(trusting, file, function, given),
        )
        return Program(text, ([], checked), unchecked, self.captured)

    def _take(self, name: str, tree: Any, leaves: Iterator[Any]) -> None:
        """Check the argument in the variable `name`, and take it apart."""
        if not isinstance(tree, dict | list | tuple):
            self._leaf(name, *next(leaves))
            return
        kind = type(tree)
        named = kind.__name__ if kind in (dict, list, tuple) else self.source.give("kind", kind)
        if isinstance(tree, dict):
            keys = f"[{', '.join(map(self._literal, tree))}]"
            self._unless(f"type({name}) is {named} and list({name}) == {keys}")
            if not all(type(key) is str for key in tree):  # 1, 1.0 and True are equal keys
                kinds = ", ".join(self._literal(type(key)) for key in tree)
                self._unless(f"list(map(type, {name})) == [{kinds}]")
        else:
            self._unless(f"type({name}) is {named} and len({name}) == {len(tree)}")
        parts = []
        for key, node in tree.items() if isinstance(tree, dict) else enumerate(tree):
            wish = key if isinstance(key, str) else f"{name}_{key}"
            parts.append((self.source.names.new(wish), self._literal(key), node))
        if parts:
            names = ", ".join(part for part, _, _ in parts)
            items = ", ".join(f"{name}[{key}]" for _, key, _ in parts)
            self.lines.append(f"{names} = {items}")
        for part, _, node in parts:
            self._take(part, node, leaves)

    def _leaf(self, name: str, leaf: Any, node: Any, _: str) -> None:
        source = self.source
        if type(leaf) is Tensor:
            tensor = source.give("Tensor", Tensor)
            self._unless(f"type({name}) is {tensor} and {name}._needs is {leaf._needs}")
            array = source.names.new(f"{name}_array")
            self.lines.append(f"{array} = {name}._data")
            name = array
        if isinstance(node, Node):
            source.name[node] = name
        if type(leaf) is float and isinstance(node, Node):
            self._unless(f"type({name}) is float")
            dtype = source.dtype(node.dtype)
            self.lines.append(f"{name} = {source.library('array')}({name}{dtype})")
        elif isinstance(node, Node):
            kind, dtype = source.library("ndarray"), source.dtype_object(node.dtype)
            fits = f"{name}.shape == {node.shape} and {name}.dtype is {dtype}"
            if not _state.stand_ins:
                fits += f" and {self._lies(name, leaf)}"
            self._unless(f"type({name}) is {kind} and {fits}")
        elif type(leaf) in (int, bool, str, bytes):
            self._unless(f"type({name}) is {type(leaf).__name__} and {name} == {leaf!r}")
        elif isinstance(leaf, BY_IDENTITY):
            self._unless(f"{name} is {self._literal(leaf)}")
        else:
            self._unless(f"{source.give('alike', _alike)}({name}, {source.give('given', leaf)})")

    def _unless(self, condition: str) -> None:
        self.lines += [Checked(f"if not ({condition}):"), Checked("    return OTHER")]

    def _lies(self, name: str, x: Any) -> str:
        """The condition that an array lies in memory as x did."""
        return f"{name}.strides == {(x._data if type(x) is Tensor else x).strides}"

    def _literal(self, value: Any) -> str:
        name: str = getattr(value, "__name__", "")
        if isinstance(value, type) and vars(builtins).get(name) is value:
            return name
        plain = value is None or type(value) in (int, bool, str, bytes)
        return repr(value) if plain else self.source.give("given", value)

    def _check_surroundings(self) -> None:
        """Where Tensors are at hand, a tape that is being recorded must not be cut."""
        tensors = [x for x in flatten((self.args, self.kwargs)) if type(x) is Tensor]
        tensors += self.captured
        if tensors:
            self._unless(f"not {self.source.give('inside', _inside)}()")
        if any(t._needs for t in tensors):
            state = self.source.give("state", _state)
            self._unless(f"{state}.gradients is {_state.gradients}")
        same = [self._is_unchanged(read) for read in surroundings(self.f)]
        if not _state.stand_ins:
            same += [
                self._lies(f"{self.source.give('captured', t)}._data", t) for t in self.captured
            ]
        if same:
            self.lines.append(Checked("# What was read around it when it was traced:"))
            self._unless(" and ".join(same))

    def _is_unchanged(self, read: Read) -> str:
        """A variable or attribute that f reads is still what it was."""
        holder = self.source.give(f"{read.name}_{'cell' if read.in_cell else 'place'}", read.holder)
        now = f"{holder}.cell_contents" if read.in_cell else f"{holder}.get({read.name!r})"
        if read.value is None or type(read.value) is bool:
            return f"{now} is {read.value!r}"
        before = self.source.give(f"{read.name}_before", read.value)
        if type(read.value) not in (int, float, str):
            return f"{now} is {before}"
        return f"({now} is {before} or {self.source.give('alike', _alike)}({now}, {before}))"

    def _keep_apart(self) -> None:
        """Copy an argument that is a result of the call before, which this one overwrites."""
        source = self.source
        kept = [source.name[n] for n in source.plan.fresh]
        if not kept:
            return
        several = source.names.new("kept")
        source.static_views.append(f"{several} = ({', '.join(kept)},)")
        apart = source.give("apart", _apart)
        for node in self.arguments:
            if isinstance(node, Node) and node in source.plan.last:
                name = source.name[node]
                self.lines.append(f"{name} = {apart}({name}, {several})")

    def _tree(self, tree: Any, results: Iterator[str]) -> str:
        """The result as an expression."""
        if isinstance(tree, dict):
            items = [f"{self._literal(k)}: {self._tree(v, results)}" for k, v in tree.items()]
            text = f"{{{', '.join(items)}}}"
            if type(tree) is dict:
                return text
            empty = transforms.with_items(tree, {})
            make = self.source.give("with_items", transforms.with_items)
            return f"{make}({self.source.give('empty', empty)}, {text})"
        if isinstance(tree, list | tuple):
            parts = [self._tree(node, results) for node in tree]
            if type(tree) is list:
                return f"[{', '.join(parts)}]"
            if type(tree) is tuple:
                return f"({', '.join(parts)},)" if len(parts) == 1 else f"({', '.join(parts)})"
            kind = self.source.give(type(tree).__name__, type(tree))
            several = ", ".join(parts)
            return f"{kind}({several})" if hasattr(tree, "_fields") else f"{kind}([{several}])"
        if type(tree) is Tensor:
            return next(results)
        if isinstance(tree, np.ndarray):
            return f"{self.source.give('result', tree.copy())}.copy()"
        return self._literal(tree)


def _apart(x: np.ndarray, kept: tuple[np.ndarray, ...]) -> np.ndarray:
    """x, or a copy where it shares memory with what is kept."""
    if x.base is None and not any(x is k for k in kept):
        return x
    return x.copy() if any(np.may_share_memory(x, k) for k in kept) else x
