"""Every fault of one token in the text of a function: what people get wrong when they type.

The faults are made on the text by themselves: nothing here knows the edits that mend them.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

KINDS = ("sign", "factor", "transpose", "number", "overwritten", "axis", "name", "index")


@dataclass(frozen=True)
class Fault:
    """A text with one fault. lines: the first and the last of the statement that has it."""

    kind: str
    text: str
    lines: tuple[int, int]
    wrong: str


class _Places:
    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = [0]
        for line in text.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))

    def span(self, node: Any) -> tuple[int, int]:
        begin = self.starts[node.lineno - 1] + node.col_offset
        return begin, self.starts[node.end_lineno - 1] + node.end_col_offset

    def of(self, node: Any) -> str:
        return self.text[slice(*self.span(node))]


def faults(text: str, function: str, shapes: Mapping[str, Any]) -> Iterator[Fault]:
    """The faults in one function of a text, which is ASCII.

    shapes: what tells the shape and type of its variables; a name takes the place of another one
    that is alike.
    """
    places = _Places(text)
    (definition,) = [
        n
        for n in ast.walk(ast.parse(text))
        if isinstance(n, ast.FunctionDef) and n.name == function
    ]
    for statement in _statements(definition.body):
        for kind, span, new in _of_statement(statement, places, shapes):
            changed = text[: span[0]] + new + text[span[1] :]
            start = places.starts[statement.lineno - 1]
            wrong = changed[start:].split("\n")[0].strip()
            last = getattr(statement, "end_lineno", 0)
            if hasattr(statement, "body"):
                last = statement.lineno
            yield Fault(kind, changed, (statement.lineno, last), wrong)


def _statements(body: list[Any]) -> Iterator[Any]:
    for node in body:
        if isinstance(node, ast.Assign | ast.AugAssign | ast.Return | ast.For | ast.Expr | ast.If):
            yield node
        yield from _statements(getattr(node, "body", []))


Change = tuple[str, tuple[int, int], str]


def _of_statement(statement: Any, places: _Places, shapes: Mapping[str, Any]) -> Iterator[Change]:
    heads = {ast.For: "iter", ast.If: "test"}
    if isinstance(statement, ast.AugAssign):
        end = places.span(statement.target)[1]
        sign = places.text.index("=", end) - 1
        if places.text[sign] in "+-":
            yield "sign", (sign, sign + 1), "-+"["+-".index(places.text[sign])]
        if places.text[sign] == "+":
            yield "overwritten", (sign, sign + 1), ""
    roots = [statement]
    if type(statement) in heads:
        roots = [getattr(statement, heads[type(statement)])]
    for root in roots:
        inside = _marked_settings(root)
        for node in ast.walk(root):
            yield from _of_node(node, places, shapes, inside)


def _marked_settings(root: ast.AST) -> set[int]:
    """The nodes that are settings, shapes or indices: no factor or number is changed in them."""
    found = set()
    for node in ast.walk(root):
        parts: list[ast.AST] = []
        if isinstance(node, ast.Subscript):
            parts = [node.slice]
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            parts = [k.value for k in node.keywords]
            if name in ("reshape", "transpose", "range", "slice", "zeros", "ones", "pad", "arange"):
                parts += node.args
        found |= {id(n) for part in parts for n in ast.walk(part)}
    return found


def _of_node(
    node: Any, places: _Places, shapes: Mapping[str, Any], settings: set[int]
) -> Iterator[Change]:
    span = places.span(node) if hasattr(node, "lineno") else (0, 0)
    is_setting = id(node) in settings
    if isinstance(node, ast.BinOp) and not is_setting:
        left, right = places.of(node.left), places.of(node.right)
        between = places.span(node.left)[1], places.span(node.right)[0]
        sign = places.text[slice(*between)]
        if isinstance(node.op, ast.Add | ast.Sub):
            old, new = ("+", "-") if isinstance(node.op, ast.Add) else ("-", "+")
            yield "sign", between, sign.replace(old, new)
        if isinstance(node.op, ast.Mult | ast.Div | ast.Pow):
            yield "factor", span, _as_written(node.left, left)
        if isinstance(node.op, ast.Mult):
            yield "factor", span, _as_written(node.right, right)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and not is_setting:
        yield "sign", span, places.of(node.operand)
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield "transpose", span, places.of(node.value)
    is_number = isinstance(node, ast.Constant) and type(node.value) in (int, float)
    if is_number and node.value and not is_setting:
        yield "number", span, repr(2 * node.value)
    if isinstance(node, ast.Call):
        yield from _of_call(node, places)
    if isinstance(node, ast.Subscript):
        yield from _of_index(node, places)
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in shapes:
        for other, shape in shapes.items():
            if other != node.id and shape == shapes[node.id] and not is_setting:
                yield "name", span, other


def _as_written(node: ast.AST, text: str) -> str:
    return f"({text})" if isinstance(node, ast.BinOp | ast.UnaryOp | ast.Compare) else text


def _of_call(node: ast.Call, places: _Places) -> Iterator[Change]:
    for keyword in node.keywords:
        value = places.of(keyword.value)
        if keyword.arg == "axis":
            for other in {"0": ["1"], "1": ["0"], "-1": ["0"]}.get(value, ["0"]):
                yield "axis", places.span(keyword.value), other
        if keyword.arg in ("axis", "keepdims"):
            begin, end = places.span(keyword)
            before = places.text[:begin].rstrip()
            if before.endswith(","):
                yield "axis", (len(before) - 1, end), ""
    name = getattr(node.func, "attr", "")
    if name == "transpose" and len(node.args) > 1 and isinstance(node.func, ast.Attribute):
        yield "transpose", places.span(node), places.of(node.func.value)


def _of_index(node: ast.Subscript, places: _Places) -> Iterator[Change]:
    at = node.slice
    parts = at.elts if isinstance(at, ast.Tuple) else [at]
    for part in parts:
        if isinstance(part, ast.Name):
            yield "index", places.span(part), f"{part.id} - 1"
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Sub | ast.Add):
            yield "index", places.span(part), places.of(part.left)
    names = [p for p in parts if isinstance(p, ast.Name)]
    for a, b in itertools.pairwise(names):
        first, second = places.span(a), places.span(b)
        between = places.text[first[1] : second[0]]
        yield "index", (first[0], second[1]), f"{b.id}{between}{a.id}"
