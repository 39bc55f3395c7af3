"""A function as straight-line NumPy: traced once for each signature, then only the arithmetic is
left. `lowering` shortens what was traced, `emitting` writes it out; here it is traced and called.
"""

from __future__ import annotations

import builtins
import functools
import inspect
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite import errors, transforms
from autograd_lite.emitting import Plan, Source
from autograd_lite.lowering import Lowering, Node, needed, without_reshapes_of_sums
from autograd_lite.tensor import Tensor, _state
from autograd_lite.tracing import Trace, called, precision, trace
from autograd_lite.transforms import flatten, unflatten

OTHER = object()  # what a program returns for arguments that it was not made for
CHECK = re.compile(r"    if not \(.*\):\n        return OTHER\n")
SIGNATURES = 16


def compile(f: Callable[..., Any], *, reuse_outputs: bool = False) -> Any:
    """The same function, faster: f is traced once and then runs as straight-line NumPy.

    f: any function of arrays, numbers, or lists, tuples and dicts of them, that returns such: a
    cost, `ag.value_and_grad(cost)`, or a whole training step that returns the new parameters.
    Results are arrays. They are the caller's own; with `reuse_outputs=True` the next call
    overwrites them. Arguments are never written to.

    f is traced anew for arguments of another structure, shape or dtype (a warning comes with the
    17th such signature), and where an argument that is neither an array nor a float differs. Arrays
    that f uses without being given them are constants; such a Tensor is read at each call. Raises
    TracingError, naming the line, for what cannot be traced: a branch or a loop on a value,
    `.item()`, `.data`, an assignment to a Tensor, randomness.

    `.source(*args)` is the code that runs for these arguments, and `.unchecked(*args)` a function
    for more arguments of this signature, which it does not check: for a loop in one thread.

    Inside a transform, and for Tensors that require a gradient which f does not itself take, f runs
    as it is: the tape goes on.

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
        args, kwargs = _map(_plain, (args, kwargs))
        idle, make = self.program(args, kwargs).ready
        run = idle.pop() if idle else make()
        result = run(*args, **kwargs)
        idle.append(run)
        return self.f(*args, **kwargs) if result is OTHER else result

    def source(self, *args: Any, **kwargs: Any) -> str:
        """The code that runs for these arguments, which is traced now if it was not before."""
        args, kwargs = _map(_plain, (args, kwargs))
        return self.program(args, kwargs).source

    def unchecked(self, *args: Any, **kwargs: Any) -> Any:
        """A function for more arguments like these, for loops that know that they are.

        It has buffers of its own, so only one thread at a time may call it.
        """
        args, kwargs = _map(_plain, (args, kwargs))
        return self.program(args, kwargs).unchecked()

    def program(self, args: Any, kwargs: Any) -> Program:
        """The program for arguments like these."""
        with self.lock:
            key = self._signature((args, kwargs))
            if key not in self.programs:
                program = self._traced(args, kwargs)
                key = self._signature((args, kwargs))
                self.programs[key] = program
                calls = (len(args), *kwargs) if kwargs else len(args)
                self.ready.setdefault(calls, []).append(program.ready)
                if len(self.programs) > SIGNATURES:
                    self._warn()
            return self.programs[key]

    def _signature(self, tree: Any) -> Any:
        """What two calls must have in common to run the same program."""
        if isinstance(tree, dict):
            return (type(tree), *((key, self._signature(node)) for key, node in tree.items()))
        if isinstance(tree, list | tuple):
            return (type(tree), *(self._signature(node) for node in tree))
        if isinstance(tree, np.ndarray):
            return ("array", tree.shape, tree.dtype)
        if isinstance(tree, Tensor):
            return ("Tensor", tree.shape, tree.dtype, tree._needs, _state.gradients)
        if type(tree) is float and self.floats_vary:
            return float
        return (type(tree), tree) if _is_static(tree) else ("object", id(tree))

    def _traced(self, args: Any, kwargs: Any) -> Program:
        names = list(_names(args, kwargs, _parameters(self.f, args)))
        leaves = flatten((args, kwargs))
        traced = trace(self.f, args, kwargs, names, self.floats_vary)
        if self.floats_vary and any(type(x) is float for x in leaves):
            dtypes = {t.dtype for t in traced.tensors() if t._op is None and t.dtype.kind == "f"}
            if len(dtypes | {precision(leaves)}) > 1:
                # With several precisions a float must act as Python's, which takes the other's.
                self.floats_vary = False
                traced = trace(self.f, args, kwargs, names, False)
        return _Writer(self.f, args, kwargs, traced, self.reuse_outputs).program(names)

    def _warn(self) -> None:
        warnings.warn(
            f"compiled {called(self.f)} was traced for {len(self.programs)} signatures: each new "
            "structure, shape, dtype or number that is not a float costs a trace and memory. "
            "Give batches one size, and numbers that change as floats or arrays.",
            stacklevel=5,
        )


@dataclass(slots=True)
class Program:
    """The code for one signature; `ready` are the runs that are idle, and how to make another.

    unchecked makes a run that takes its arguments on trust.
    """

    source: str
    ready: tuple[list[Any], Callable[[], Any]]
    unchecked: Callable[[], Any]


def _inside() -> bool:
    """Whether a trace or a transform is at work, whose tape must go on."""
    return _state.tracing or transforms._depth.inside > 0


def _map(function: Callable[[Any], Any], tree: Any) -> Any:
    return unflatten(tree, iter([function(leaf) for leaf in flatten(tree)]))


def _plain(x: Any) -> Any:
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


def _is_static(x: Any) -> bool:
    """Whether an argument is compared by its value; other objects are by their identity."""
    return type(x) in (int, bool, str, bytes, float) or isinstance(x, np.integer | np.bool)


def _parameters(f: Callable[..., Any], args: Any) -> list[str]:
    """Names for positional arguments."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
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
        self, f: Callable[..., Any], args: Any, kwargs: Any, trace: Trace, reuse_outputs: bool
    ) -> None:
        self.f, self.args, self.kwargs, self.trace = f, args, kwargs, trace
        self.reuse_outputs = reuse_outputs
        lowering = Lowering(trace.start)
        self.arguments = [lowering.argument(x) if type(x) is Tensor else x for x in trace.arguments]
        results = [x for x in flatten(trace.result) if type(x) is Tensor]
        lowering.read(results)
        outputs = [lowering.of(x) for x in results]
        for k, (order, t) in enumerate(trace.gradient_of.items()):
            if k == 0 and t.size == 1 and not t.name and t._order in lowering.nodes:
                lowering.nodes[t._order].name = "J"
            g, of = lowering.nodes.get(order), lowering.nodes.get(t._order)
            if g and of and g.op and of.name and not g.name:
                g.name = f"d{of.name}"
        arguments = {n.name for n in self.arguments if isinstance(n, Node)}
        results_names = _names((trace.result,), {}, ["result"])
        for x, name in zip(flatten(trace.result), results_names, strict=True):
            if type(x) is Tensor and not lowering.of(x).name:
                lowering.of(x).name = f"{name}_new" if name in arguments else name
        steps = needed(outputs)
        without_reshapes_of_sums(steps, outputs)
        plan = Plan(needed(outputs), outputs, reuse_outputs)
        self.source = Source(plan, outputs)
        self.source.given["OTHER"] = OTHER
        self.source.names.taken.add("OTHER")
        self.lines: list[str] = []

    def program(self, leaf_names: list[str]) -> Program:
        """The whole: taken apart, checked, computed, returned."""
        source, names = self.source, self.source.names
        wish = re.sub(r"\W", "", called(self.f)) if called(self.f) != "<lambda>" else ""
        function = names.new(wish or "compiled")
        leaves = iter(
            zip(flatten((self.args, self.kwargs)), self.arguments, leaf_names, strict=True)
        )
        positional = []
        for name, tree in zip(_parameters(self.f, self.args), self.args, strict=True):
            positional.append(names.new(name))
            self._take(positional[-1], tree, leaves)
        by_name = names.new("named") if self.kwargs else ""
        for name, tree in self.kwargs.items():
            variable = names.new(name)
            self.lines.append(f"{variable} = {by_name}[{name!r}]")
            self._take(variable, tree, leaves)
        signature = [*positional, *([f"**{by_name}"] if by_name else [])]
        self._check_surroundings()
        if self._needs_the_tape():
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
        title = [
            f"{called(self.f)}, compiled"
            + ", its results overwritten by the next call" * self.reuse_outputs
        ]
        text = source.text(function, ", ".join(signature), self.lines, returns, title)
        given = source.given

        def maker(text: str) -> Callable[[], Any]:
            code = builtins.compile(text, f"<compiled {called(self.f)}>", "exec")

            def make() -> Any:
                namespace = dict(given)
                exec(code, namespace)
                return namespace[function]

            return make

        return Program(text, ([], maker(text)), lambda: maker(CHECK.sub("", text))())

    def _take(self, name: str, tree: Any, leaves: Iterator[Any]) -> None:
        """Check the argument in the variable `name`, and take it apart."""
        if not isinstance(tree, dict | list | tuple):
            self._leaf(name, *next(leaves))
            return
        kind = type(tree)
        named = kind.__name__ if kind in (dict, list, tuple) else self.source.give("kind", kind)
        self._unless(f"type({name}) is {named} and len({name}) == {len(tree)}")
        parts = []
        for key, node in tree.items() if isinstance(tree, dict) else enumerate(tree):
            wish = key if isinstance(key, str) else f"{name}_{key}"
            parts.append((self.source.names.new(wish), self._literal(key), node))
        if parts:
            names = ", ".join(part for part, _, _ in parts)
            items = ", ".join(f"{name}[{key}]" for _, key, _ in parts)
            if isinstance(tree, dict):
                self.lines += ["try:", f"    {names} = {items}", "except KeyError:"]
                self.lines += ["    return OTHER"]
            else:
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
            self._unless(f"type({name}) is {kind} and {fits}")
        elif _is_static(leaf):
            kind = self._literal(type(leaf))
            self._unless(f"type({name}) is {kind} and {name} == {self._literal(leaf)}")
        else:
            self._unless(f"{name} is {self._literal(leaf)}")

    def _unless(self, condition: str) -> None:
        self.lines += [f"if not ({condition}):", "    return OTHER"]

    def _literal(self, value: Any) -> str:
        if isinstance(value, type) and value.__module__ == "builtins" and value is not type(None):
            return value.__name__
        plain = type(value) in (int, bool, str, bytes) or value is None
        return repr(value) if plain else self.source.give("given", value)

    def _check_surroundings(self) -> None:
        """Where Tensors are at hand, a tape that is being recorded must not be cut."""
        tensors = [x for x in flatten((self.args, self.kwargs)) if type(x) is Tensor]
        captured = [n for n in self.source.plan.nodes if n.tensor is not None]
        if tensors or captured:
            self._unless(f"not {self.source.give('inside', _inside)}()")
        if tensors:
            state = self.source.give("state", _state)
            self._unless(f"{state}.gradients is {_state.gradients}")

    def _needs_the_tape(self) -> bool:
        """Whether f was given Tensors whose gradients it does not take itself."""
        wanted = any(type(x) is Tensor and x._needs for x in flatten((self.args, self.kwargs)))
        return wanted and _state.gradients and not self.trace.gradient_of

    def _keep_apart(self) -> None:
        """Copy an argument that is a result of the call before, which this one overwrites."""
        source = self.source
        kept = [source.name[n] for n in source.plan.fresh]
        if not kept:
            return
        source.static_views.append(f"kept = ({', '.join(kept)},)")
        apart = source.give("apart", _apart)
        for node in self.arguments:
            if isinstance(node, Node) and node in source.plan.last:
                name = source.name[node]
                self.lines.append(f"{name} = {apart}({name}, kept)")

    def _tree(self, tree: Any, results: Iterator[str]) -> str:
        """The result as an expression."""
        if isinstance(tree, dict):
            items = [f"{self._literal(k)}: {self._tree(v, results)}" for k, v in tree.items()]
            return f"{{{', '.join(items)}}}"
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
