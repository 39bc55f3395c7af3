"""Python's expressions as trees that can be edited: from text to `Expr` and back.

What is read keeps its place in the text, so that an edit changes the characters that it has to and
leaves the rest as its author wrote it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from autograd_lite.diagnosis.edits import BINARY, Expr

_PYTHON_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.Pow: "power",
    ast.MatMult: "matmul",
}
_PYTHON_SIGNS = dict(zip(BINARY, ("+", "-", "*", "/", "**", "@"), strict=True))
_LEVELS = {"compare": 1, "add": 2, "subtract": 2, "negative": 4, "power": 5, "tuple": 0, "other": 0}
_LEVELS |= dict.fromkeys(("multiply", "divide", "matmul"), 3)
_ATOM = 9
_PYTHON_COMPARISONS: dict[type[ast.AST], str] = {
    ast.Lt: "<",
    ast.Gt: ">",
    ast.LtE: "<=",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
_AS_OPERATIONS = {"dot": "matmul", "matmul": "matmul", "multiply": "multiply", "add": "add"}
_AS_OPERATIONS |= {"subtract": "subtract", "divide": "divide", "power": "power"}


HEADS: dict[type[ast.AST], tuple[str, ...]] = {ast.For: ("iter",)}
HEADS |= {ast.If: ("test",), ast.While: ("test",)}


_CLOSED: tuple[type[ast.AST], ...] = (
    ast.Call,
    ast.Subscript,
    ast.Attribute,
    ast.Name,
    ast.Constant,
    ast.Starred,
)
_CLOSED += (ast.Dict, ast.List, ast.Set, ast.ListComp, ast.SetComp, ast.DictComp, ast.JoinedStr)


@dataclass(frozen=True)
class _Origin:
    """How a node was written: from byte to byte, with which children, at which level of binding."""

    text: SourceText
    span: tuple[int, int]
    expr: Expr
    spans: tuple[tuple[int, int], ...]
    level: int
    prefix: str = ""  # of a call: what stands before its name, `np.` or nothing; "." for a method


class SourceText:
    """A file's text, in which places are bytes, as those of Python's own syntax tree are."""

    def __init__(self, text: str) -> None:
        self.bytes = text.encode()
        self.starts = [0]
        for line in self.bytes.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))

    def span(self, node: Any) -> tuple[int, int]:
        start = self.starts[node.lineno - 1] + node.col_offset
        return start, self.starts[node.end_lineno - 1] + node.end_col_offset

    def between(self, start: int, end: int) -> str:
        return self.bytes[start:end].decode()

    def outside(self, span: tuple[int, int], within: tuple[int, int]) -> tuple[int, int]:
        """The span, and the brackets around it."""
        start, end = span
        while True:
            left = self.bytes[within[0] : start].rstrip()
            right = self.bytes[end : within[1]]
            if not (left.endswith(b"(") and right.lstrip().startswith(b")")):
                return start, end
            start = within[0] + len(left) - 1
            end += len(right) - len(right.lstrip()) + 1


def read_python(text: str) -> Expr:
    """A Python expression or statement, as a tree to edit.

    >>> from autograd_lite.diagnosis.edits import put
    >>> dw = read_python("dw = x *  dout / (n - 1)")
    >>> write_python(put(dw, (1, 0, 0), Expr("transpose", (Expr("name", label="x"),))))
    'dw = x.T *  dout / (n - 1)'
    """
    statement = ast.parse(text).body[0]
    return read_statement(statement, SourceText(text))


def write_python(expr: Expr) -> str:
    """The text of a tree: as it was written where it was read, else as one writes it."""
    return _text_and_level(expr)[0]


# Reading


def read_statement(node: ast.stmt, text: SourceText) -> Expr:
    """What can be edited of a statement: all of it, or what a loop or condition begins with."""
    for head in ("value",) if isinstance(node, ast.Expr) else HEADS.get(type(node), ()):
        return _expr_of(getattr(node, head), text)
    parts: list[ast.expr] = []
    kind, label = "other", None
    if isinstance(node, ast.Assign):
        kind, label, parts = "assign", "=", [*node.targets, node.value]
    elif isinstance(node, ast.AugAssign) and type(node.op) in _PYTHON_OPERATORS:
        kind, label = "assign", f"{_PYTHON_SIGNS[_PYTHON_OPERATORS[type(node.op)]]}="
        parts = [node.target, node.value]
    elif isinstance(node, ast.AnnAssign | ast.Return) and node.value is not None:
        label = "return" if isinstance(node, ast.Return) else None
        parts = [node.value]
    return _expr_made(kind, tuple(_expr_of(p, text) for p in parts), label, node, text, parts)


def _expr_made(
    kind: str,
    children: tuple[Expr, ...],
    label: Any,
    node: ast.AST,
    text: SourceText,
    nodes: list[Any],
    prefix: str = "",
) -> Expr:
    expr = Expr(kind, children, label)
    span = text.span(node)
    spans = tuple(text.span(n) for n in nodes)
    if isinstance(node, ast.BinOp | ast.UnaryOp | ast.Compare):
        spans = tuple(text.outside(s, span) for s in spans)
    elif isinstance(node, ast.Subscript | ast.Attribute) or prefix == ".":
        spans = tuple(text.outside(s, span) if k == 0 else s for k, s in enumerate(spans))
    level = _LEVELS.get(kind, _ATOM)
    bracketed = isinstance(node, ast.Tuple) and text.between(*span).startswith("(")
    if isinstance(node, _CLOSED) or bracketed:
        level = _ATOM
    return Expr(kind, children, label, _Origin(text, span, expr, spans, level, prefix))


def _expr_of(node: ast.expr, text: SourceText) -> Expr:
    """An expression; what the table of edits does not know is `other`, with what is inside it."""
    kind, parts, label, prefix = _parts_of(node)
    children = tuple(Expr("nothing") if p is None else _expr_of(p, text) for p in parts)
    return _expr_made(
        kind, children, label, node, text, [p for p in parts if p is not None], prefix
    )


def _parts_of(node: ast.expr) -> tuple[str, list[Any], Any, str]:
    """The kind of a node, its parts, its label, and what stands before its name."""
    if isinstance(node, ast.Constant):
        numeric = isinstance(node.value, int | float) and not isinstance(node.value, bool)
        return ("number" if numeric else "constant"), [], node.value, ""
    if isinstance(node, ast.BinOp | ast.UnaryOp | ast.Compare):
        return _parts_of_operation(node)
    if isinstance(node, ast.Attribute) and node.attr in ("T", "mT"):
        return "transpose", [node.value], None, ""
    if isinstance(node, ast.Name | ast.Attribute) and (dotted := _dotted_name(node)):
        return "name", [], dotted, ""
    if isinstance(node, ast.Call):
        return _parts_of_call(node)
    if isinstance(node, ast.Subscript):
        at = node.slice
        several = isinstance(at, ast.Tuple) and at.elts
        return "index", [node.value, *(several or [at])], None, ""
    if isinstance(node, ast.Slice):
        return "slice", [node.lower, node.upper, node.step], None, ""
    if isinstance(node, ast.Tuple):
        return "tuple", list(node.elts), None, ""
    return _parts_of_other(node)


def _parts_of_operation(node: ast.expr) -> tuple[str, list[Any], Any, str]:
    if isinstance(node, ast.BinOp) and type(node.op) in _PYTHON_OPERATORS:
        return _PYTHON_OPERATORS[type(node.op)], [node.left, node.right], None, ""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return "negative", [node.operand], None, ""
    if (
        isinstance(node, ast.Compare)
        and len(node.ops) == 1
        and type(node.ops[0]) in _PYTHON_COMPARISONS
    ):
        label = _PYTHON_COMPARISONS[type(node.ops[0])]
        return "compare", [node.left, *node.comparators], label, ""
    return _parts_of_other(node)


def _parts_of_other(node: ast.expr) -> tuple[str, list[Any], Any, str]:
    inside: list[Any] = []
    for n in ast.iter_child_nodes(node):
        inside += [n.iter, *n.ifs] if isinstance(n, ast.comprehension) else [n]
    return "other", [n for n in inside if isinstance(n, ast.expr)], ast.dump(node), ""


def _parts_of_call(node: ast.Call) -> tuple[str, list[Any], Any, str]:
    name, prefix, parts = _name_of_called(node.func)
    if not name or any(k.arg is None for k in node.keywords):
        inside = [node.func, *node.args, *(k.value for k in node.keywords)]
        return "other", inside, ast.dump(node), ""
    parts = [*parts, *node.args]
    if not node.keywords and not any(isinstance(p, ast.Starred) for p in parts):
        if name == "transpose" and len(parts) == 1:
            return "transpose", parts, None, ""
        if name in _AS_OPERATIONS and len(parts) == 2 and prefix:
            return _AS_OPERATIONS[name], parts, None, ""
    label = (name, *(k.arg for k in node.keywords))
    return "call", [*parts, *(k.value for k in node.keywords)], label, prefix


_MODULES = ("np", "numpy", "math", "xp", "cp", "jnp", "special", "scipy")


def _name_of_called(function: ast.expr) -> tuple[str, str, list[ast.expr]]:
    """A function's name, what stands before it, and the array whose method it is."""
    if isinstance(function, ast.Name):
        return function.id, "", []
    if isinstance(function, ast.Attribute):
        before = _dotted_name(function.value)
        if before and (before.split(".")[0] in _MODULES):
            return function.attr, f"{before}.", []
        return function.attr, ".", [function.value]
    return "", "", []


def _dotted_name(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := _dotted_name(node.value)):
        return f"{before}.{node.attr}"
    return ""


# Writing


def _text_and_level(expr: Expr) -> tuple[str, int]:
    """The text of a tree, and how tightly it binds."""
    origin = expr.origin
    if isinstance(origin, _Origin):
        if origin.expr == expr:
            return origin.text.between(*origin.span), origin.level
        if origin.expr.label == expr.label and _same_places(origin.expr, expr):
            return _spliced(expr, origin), origin.level
    return _composed(expr), _ATOM if expr.kind == "tuple" else _LEVELS.get(expr.kind, _ATOM)


def _same_places(before: Expr, after: Expr) -> bool:
    """Whether each part stands where one stood: what is nothing was nothing."""
    nothing = [[c.kind == "nothing" for c in e.children] for e in (before, after)]
    return before.kind == after.kind and nothing[0] == nothing[1]


def _spliced(expr: Expr, origin: _Origin) -> str:
    """The text as it was, but for the children that changed."""
    text, at = "", origin.span[0]
    before = [c for c in origin.expr.children if c.kind != "nothing"]
    after = [c for c in expr.children if c.kind != "nothing"]
    for k, (old, new, span) in enumerate(zip(before, after, origin.spans, strict=True)):
        if old != new:
            written = _in_brackets(new, _binding_of_child(expr, k, origin))
            text, at = text + origin.text.between(at, span[0]) + written, span[1]
    return text + origin.text.between(at, origin.span[1])


def _binding_of_child(expr: Expr, k: int, origin: _Origin | None = None) -> int:
    """How tightly the k-th child must bind."""
    if expr.kind == "call":
        method = k == 0 and origin is not None and origin.prefix == "."
        return _ATOM if method else 1
    if expr.kind in ("transpose", "index"):
        return _ATOM if k == 0 else 0
    if origin is not None and expr.kind in BINARY and origin.level == _ATOM:
        return 1  # np.dot(a, b)
    if expr.kind == "power":
        return 6 if k == 0 else 4
    if expr.kind in BINARY or expr.kind == "compare":
        return _LEVELS[expr.kind] + (k > 0 or expr.kind == "compare")
    return {"negative": 4, "assign": 0, "other": 0}.get(expr.kind, 1)


def _in_brackets(expr: Expr, needed: int) -> str:
    text, level = _text_and_level(expr)
    dotted = expr.kind == "number" and needed == _ATOM  # 2.sum() would be no Python
    return f"({text})" if level < needed or dotted else text


def _composed(expr: Expr) -> str:
    """An expression as one writes it in NumPy."""
    kind, children = expr.kind, expr.children
    parts = [
        _in_brackets(c, _binding_of_child(expr, k))
        for k, c in enumerate(children)
        if c.kind != "nothing"
    ]
    if kind in BINARY:
        sign = _PYTHON_SIGNS[kind] if kind == "power" else f" {_PYTHON_SIGNS[kind]} "
        return sign.join(parts)
    if kind == "number":
        value = expr.label
        return repr(float(value) if isinstance(value, Fraction) else value)
    if kind == "slice":
        lower, upper, step = ("" if c.kind == "nothing" else write_python(c) for c in children)
        return f"{lower}:{upper}" + (f":{step}" if step else "")
    written: dict[str, Callable[[], str]] = {
        "name": lambda: str(expr.label),
        "constant": lambda: repr(expr.label),
        "negative": lambda: f"-{parts[0]}",
        "transpose": lambda: f"{parts[0]}.T",
        "compare": lambda: f"{parts[0]} {expr.label} {parts[1]}",
        "index": lambda: f"{parts[0]}[{', '.join(parts[1:])}]",
        "tuple": lambda: f"({', '.join(parts)}{',' if len(parts) == 1 else ''})",
        "assign": lambda: f"{' = '.join(parts[:-1])} {expr.label} {parts[-1]}",
        "call": lambda: _composed_call(expr),
        "nothing": str,
    }
    return written[kind]()


def _composed_call(expr: Expr) -> str:
    name, *keywords = expr.label
    prefix = expr.origin.prefix if isinstance(expr.origin, _Origin) else "np."
    parts = list(expr.children)
    method = prefix == "."
    before = f"{_in_brackets(parts.pop(0), _ATOM)}." if method else prefix
    first = len(parts) - len(keywords)
    texts = [_in_brackets(p, 1) for p in parts]
    texts = [*texts[:first], *(f"{k}={t}" for k, t in zip(keywords, texts[first:], strict=True))]
    return f"{before}{name}({', '.join(texts)})"
