"""A user's functions, statement by statement: edited, watched while they run, and their diffs.

The file is never changed: what is edited is compiled and run beside it.
"""

from __future__ import annotations

import ast
import copy
import inspect
import linecache
import traceback
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autograd_lite.diagnosis.edits import Expr
from autograd_lite.diagnosis.python_source import (
    HEADS,
    SourceText,
    read_statement,
    write_python,
)


@dataclass(frozen=True)
class Statement:
    """A statement of a function: its tree to edit, and where it stands.

    reads, writes: the names that it uses and sets. number: its place in the order of the text.
    """

    number: int
    function: int
    expr: Expr
    node: ast.stmt
    body: list[ast.stmt]
    reads: frozenset[str]
    writes: frozenset[str]
    in_loop: bool = False

    @property
    def line(self) -> int:
        """The number of its first line in the file."""
        return self.node.lineno

    @property
    def role(self) -> str:
        """What its value is used for, as `edits` asks."""
        return "index" if isinstance(self.node, ast.For) else "value"

    @property
    def is_return(self) -> bool:
        """Whether it ends the function."""
        return isinstance(self.node, ast.Return)

    def quantities(self, value: Any) -> Iterator[tuple[str, ast.expr | None, Any]]:
        """What it sets: the variable, the expression of the part of it that it sets (None: all of
        it), and the value. `grads["W"] = …` is taken for dW = …"""
        for target in self.node.targets if isinstance(self.node, ast.Assign) else ():
            pairs = [(target, value)]
            if isinstance(target, ast.Tuple) and isinstance(value, tuple | list):
                pairs = list(zip(target.elts, value, strict=False))
            for part, its_value in pairs:
                if isinstance(part, ast.Name):
                    yield part.id, None, its_value
                elif isinstance(part, ast.Subscript) and isinstance(part.value, ast.Name):
                    key = getattr(part.slice, "value", None)
                    if isinstance(key, str):
                        yield f"d{key.removeprefix('d')}", None, its_value
                    else:
                        yield part.value.id, part, its_value

    @property
    def sets_whole(self) -> frozenset[str]:
        """The variables that it sets as a whole."""
        targets = self.node.targets if isinstance(self.node, ast.Assign) else []
        parts = [p for t in targets for p in getattr(t, "elts", [t])]
        return frozenset(p.id for p in parts if isinstance(p, ast.Name))

    @property
    def returns_names(self) -> bool:
        """Whether it returns variables as they are, in which hardly anything can be wrong."""
        bare = ast.Return, ast.Name, ast.Constant, ast.Tuple, ast.List, ast.Dict, ast.expr_context
        return self.is_return and all(isinstance(n, bare) for n in ast.walk(self.node))

    @property
    def value(self) -> ast.expr | None:
        """The expression whose value it assigns or returns."""
        return getattr(self.node, "value", None)


_SIMPLE_STATEMENTS = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return, ast.Expr)


class OwnCode:
    """A function and the functions of the same file that it calls, ready to be edited and run."""

    def __init__(self, function: Callable[..., Any], without: frozenset[str] = frozenset()) -> None:
        self.self = getattr(function, "__self__", None)
        main = inspect.unwrap(getattr(function, "__func__", function))
        if not isinstance(main, types.FunctionType):
            raise OSError(f"{function!r} has no source in Python")
        self.file = main.__code__.co_filename
        source = "".join(linecache.getlines(self.file, main.__globals__))
        if not source:
            raise OSError(f"the source of {main.__name__} is not at hand")
        self.text = SourceText(source)
        tree = ast.parse(source)
        self.functions = list(_called_from(main, main.__code__.co_filename, without))
        self.definitions = [_definition_of(tree, f) for f in self.functions]
        self.statements: list[Statement] = []
        for k, definition in enumerate(self.definitions):
            self._enter(k, definition.body)

    def _enter(self, function: int, body: list[ast.stmt], in_loop: bool = False) -> None:
        for node in body:
            said = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            if isinstance(node, (*_SIMPLE_STATEMENTS, *HEADS)) and not said:
                expr, number = read_statement(node, self.text), len(self.statements)
                used = _names_read(node), _names_written(node)
                self.statements.append(
                    Statement(number, function, expr, node, body, *used, in_loop)
                )
            for inner in ("body", "orelse", "finalbody"):
                below = getattr(node, inner, None)
                if isinstance(below, list):
                    within = in_loop or isinstance(node, ast.For | ast.While)
                    self._enter(function, below, within)

    def edited(self, changes: Mapping[int, Expr]) -> Callable[..., Any]:
        """The function with other statements in the place of some.

        Raises SyntaxError for a change that is no Python.
        """
        put = {n: _statement_with(self.statements[n], expr) for n, expr in changes.items()}
        changed = {self.statements[n].function for n in changes}
        with _Exchanged([(self.statements[n], node) for n, node in put.items()]):
            codes = {k: _code_of(self.definitions[k], self.functions[k]) for k in changed}
        return self._bound(codes, {})

    def watched(self, see: Callable[..., Any], changes: Mapping[int, Expr]) -> Callable[..., Any]:
        """The function in which `see(number, value, variables)` is told of every statement's value.

        variables are those in reach just before, by name. `see` returns the value to go on with.
        """
        codes = {}
        for k, function in enumerate(self.functions):
            pairs = []
            for s in (s for s in self.statements if s.function == k):
                node = _statement_with(s, changes[s.number]) if s.number in changes else s.node
                pairs.append((s, _told_of(s.number, node)))
            with _Exchanged(pairs):
                codes[k] = _code_of(self.definitions[k], function)
        return self._bound(codes, {"__see__": see})

    def _bound(self, codes: Mapping[int, types.CodeType], more: dict[str, Any]) -> Any:
        names = self.functions[0].__globals__ | more
        made = []
        for k, f in enumerate(self.functions):
            code = codes.get(k, f.__code__)
            cells = _cells_of(code, f)
            new = types.FunctionType(code, names, f.__name__, f.__defaults__, cells)
            new.__kwdefaults__ = f.__kwdefaults__
            made.append(new)
        for k, f in enumerate(self.functions):
            if names.get(f.__name__) is f:
                names[f.__name__] = made[k]
        return made[0] if self.self is None else types.MethodType(made[0], self.self)

    def is_changed_later(self, statement: Statement, name: str, index: ast.expr | None) -> bool:
        """Whether what a statement sets under a name is not yet what it will be: an array into
        which others write, or to which they add."""
        same = [s for s in self.statements if s.function == statement.function and name in s.writes]
        if index is None:
            return any(name not in s.sets_whole for s in same)
        return any(isinstance(s.node, ast.AugAssign | ast.Expr) for s in same)

    def code_of(self, expression: ast.expr) -> types.CodeType:
        """An expression of the text, to be evaluated."""
        text = self.text.between(*self.text.span(expression))
        return compile(f"({text})", "<part>", "eval")

    def diff(self, changes: Mapping[int, Expr]) -> str:
        """The lines that change, with - before the old and + before the new ones."""
        blocks = []
        for n, expr in sorted(changes.items(), key=lambda change: self.statements[change[0]].line):
            statement = self.statements[n]
            span = statement.expr.origin.span
            first, last = self._line_of(span[0] + 1), self._line_of(span[1])
            start, end = self.text.starts[first - 1], self.text.starts[last]
            old = self.text.between(start, end).rstrip("\n")
            new = self.text.between(start, span[0]) + write_python(expr)
            new += self.text.between(span[1], end).rstrip("\n")
            lines = [f"- {line}" for line in old.split("\n")]
            lines += [f"+ {line}" for line in new.split("\n")]
            blocks.append("\n".join(_only_changed(lines)))
        return "\n".join(blocks)

    def source(self, changes: Mapping[int, Expr]) -> str:
        """The file's text with the changes."""
        text, end = "", len(self.text.bytes)
        for n in sorted(changes, key=lambda n: -self.statements[n].expr.origin.span[0]):
            first, last = self.statements[n].expr.origin.span
            text = write_python(changes[n]) + self.text.between(last, end) + text
            end = first
        return self.text.between(0, end) + text

    def text_of_line(self, number: int) -> str:
        """A line of the file."""
        start, end = self.text.starts[number - 1 : number + 1]
        return self.text.between(start, end).strip()

    def line_of_change(self, number: int, path: Sequence[int] = ()) -> int:
        """The number of the line at which what is at a path in a statement begins."""
        expr = self.statements[number].expr
        for k in path:
            below = expr.children[k] if k < len(expr.children) else expr
            expr = below if below.origin is not None else expr
        return self._line_of(expr.origin.span[0] + 1)

    def raised_at(self, error: BaseException) -> tuple[int, dict[str, Any]] | None:
        """The statement of these functions at which an error was raised, and its variables."""
        found = None
        for frame, line in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_filename == self.functions[0].__code__.co_filename:
                before = [s for s in self.statements if s.line <= line]
                if before:
                    found = max(before, key=lambda s: s.line).number, dict(frame.f_locals)
        return found

    def setters_of_result(self, path: tuple[Any, ...]) -> list[Statement]:
        """The statements that set what is returned at a path: positions in tuples, keys."""
        own = [s for s in self.statements if s.function == 0]
        names = set[str]().union(*(_names_at(s.value, path) for s in own if s.is_return))
        return [s for s in own if s.writes & names and not _sets_another_key(s, path)]

    def _line_of(self, byte: int) -> int:
        return sum(start < byte for start in self.text.starts)


def _only_changed(lines: list[str]) -> list[str]:
    """A diff without the lines that stay, and without the indentation that all have."""
    old = [line[2:] for line in lines if line[0] == "-"]
    new = [line[2:] for line in lines if line[0] == "+"]
    while len(old) > 1 and len(new) > 1 and old[0] == new[0]:
        old, new = old[1:], new[1:]
    while len(old) > 1 and len(new) > 1 and old[-1] == new[-1]:
        old, new = old[:-1], new[:-1]
    indent = min(len(line) - len(line.lstrip()) for line in [*old, *new])
    return [f"- {line[indent:]}" for line in old] + [f"+ {line[indent:]}" for line in new]


def _called_from(
    main: types.FunctionType, file: str, without: frozenset[str]
) -> Iterator[types.FunctionType]:
    """The function, and those that it calls, directly or not, that stand in the same file."""
    waiting, seen = [main], {main}
    while waiting:
        function = waiting.pop(0)
        yield function
        for name in function.__code__.co_names:
            called = inspect.unwrap(function.__globals__.get(name, len))
            if not isinstance(called, types.FunctionType) or called in seen:
                continue
            if called.__code__.co_filename == file and called.__name__ not in without:
                seen.add(called)
                waiting.append(called)


def called_names(function: Callable[..., Any]) -> frozenset[str]:
    """The names of the functions of its file that a function calls, directly or not."""
    main = inspect.unwrap(getattr(function, "__func__", function))
    if not isinstance(main, types.FunctionType):
        return frozenset()
    found = _called_from(main, main.__code__.co_filename, frozenset())
    return frozenset(f.__name__ for f in found if f is not main)


def _definition_of(tree: ast.Module, function: types.FunctionType) -> ast.FunctionDef:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == function.__name__:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if function.__code__.co_firstlineno in (first, node.lineno):
                return node
    raise OSError(f"{function.__name__} is no longer where it was in its file")


def _names_read(node: ast.stmt) -> frozenset[str]:
    parts: list[ast.AST] = [node]
    if isinstance(node, ast.For):
        parts = [node.iter]
    elif isinstance(node, ast.If | ast.While):
        parts = [node.test]
    names = [n for p in parts for n in ast.walk(p) if isinstance(n, ast.Name)]
    found = {n.id for n in names if isinstance(n.ctx, ast.Load)}
    return frozenset(
        found | ({*_names_written(node)} if isinstance(node, ast.AugAssign) else set())
    )


def _names_written(node: ast.stmt) -> frozenset[str]:
    """The names that a statement sets, or into whose arrays it writes."""
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AugAssign | ast.AnnAssign | ast.For):
        targets = [node.target]
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        targets = node.value.args[:1]  # np.add.at(dW, …): it may write into its argument
    found = set()
    for target in targets:
        for n in ast.walk(target):
            if isinstance(n, ast.Name) and (n is target or not isinstance(target, ast.Name)):
                found.add(n.id)
                if isinstance(target, ast.Subscript):
                    break
    return frozenset(found)


def _statement_with(statement: Statement, expr: Expr) -> ast.stmt:
    """The statement with another tree."""
    text, node = write_python(expr), statement.node
    if isinstance(node, ast.Return):
        function: Any = ast.parse(f"def f():\n {text}").body[0]
        (node,) = function.body
    elif head := HEADS.get(type(node)):
        node = copy.copy(node)
        setattr(node, head[0], ast.parse(f"({text})", mode="eval").body)
    else:
        (node,) = ast.parse(text).body
    return node


def _names_at(value: Any, path: tuple[Any, ...]) -> set[str]:
    """The names in the part of an expression that is at a path in its value."""
    for key in path:
        if isinstance(value, ast.Tuple) and isinstance(key, int):
            value = value.elts[key]
        elif isinstance(value, ast.Dict):
            keys = [getattr(k, "value", None) for k in value.keys]
            value = value.values[keys.index(key)] if key in keys else value
    return {n.id for n in ast.walk(value) if isinstance(n, ast.Name)}


def _sets_another_key(statement: Statement, path: tuple[Any, ...]) -> bool:
    """Whether it is `grads["W"] = …` for another result than the one at the path."""
    target = getattr(statement.node, "targets", [None])[0]
    if path and isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
        return isinstance(path[-1], str) and target.slice.value != path[-1]
    return False


def _told_of(number: int, node: ast.stmt) -> ast.stmt:
    """The statement, in which `__see__` is told of the value."""
    value = getattr(node, "value", None)
    if value is None:
        return node
    new: Any = copy.copy(node)
    told = _call_of("__see__", ast.Constant(number), value, _call_of("locals"))
    new.value = ast.fix_missing_locations(ast.copy_location(told, value))
    seen: ast.stmt = new
    return seen


def _call_of(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


class _Exchanged:
    """While it lasts, other statements stand in the functions' bodies."""

    def __init__(self, pairs: list[tuple[Statement, ast.stmt]]) -> None:
        self.pairs = pairs

    def __enter__(self) -> None:
        self.places = [(s, s.body.index(s.node), new) for s, new in self.pairs]
        for statement, k, new in self.places:
            statement.body[k] = new

    def __exit__(self, *error: object) -> None:
        for statement, k, _ in self.places:
            statement.body[k] = statement.node


def _code_of(definition: ast.FunctionDef, function: types.FunctionType) -> types.CodeType:
    """The code of a definition, inside a function that has the variables it takes from outside."""
    free = function.__code__.co_freevars
    bare = ast.FunctionDef(definition.name, definition.args, [], [], None, None)
    body: list[ast.stmt] = [bare]
    if free:
        names = [ast.Name(name, ast.Store()) for name in free]
        body = [ast.Assign(list(names), ast.Constant(None)), bare]
    outer = ast.FunctionDef("outer", ast.arguments([], [], None, [], [], None, []), body, [])
    module = ast.fix_missing_locations(ast.Module([outer], []))
    bare.body = definition.body  # whose places are known
    code = compile(module, function.__code__.co_filename, "exec")
    for name in ("outer", definition.name):
        code = next(
            c for c in code.co_consts if isinstance(c, types.CodeType) and c.co_name == name
        )
    return code


def _cells_of(code: types.CodeType, function: types.FunctionType) -> tuple[Any, ...] | None:
    if function.__closure__ is None:
        return None
    cells = dict(zip(function.__code__.co_freevars, function.__closure__, strict=True))
    return tuple(cells[name] for name in code.co_freevars)
