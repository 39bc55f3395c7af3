"""Every wrong line that a hand-written backward pass turns into by one edit of its source.

The edits work on Python's syntax, whatever the model is: a factor or a term left out, a sign, a
transpose, an axis, `=` for `+=`, a name of the same shape, the step before, a loop that ends early.
What the answer to each must say is in `ANSWERS`.
"""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.by_hand import Arrays
from benchmarks.families import Names, Problem, Series

FACTORS = "scale factor-two missing-mean extra-mean accumulated sign convention"
OPERANDS = (
    "wrong-activation wrong-weight preactivation-used derivative-of-other-layer derivative-mixed"
)
PRODUCTS = "transposed reshaped weight-not-transposed product-confused convention shape"
SLOPES = "derivative-dropped derivative-wrong-formula derivative-twice loss-derivative"
PATHS = "path-missing overwritten constant part-zero regularisation"
SUMS = "bias-wrong-axis bias-not-summed bias-summed-over-all one-sample wrong-axis not-summed"
MASKS = "mask-missing mask-inverted softmax-elementwise"

# What is done: the kinds that a finding may have, and what its text must say.
ANSWERS: dict[str, tuple[str, str]] = {
    "sign": (f"{FACTORS} {SLOPES} {PATHS}", "sign|−"),
    "number": (f"{FACTORS} {PATHS} {SLOPES}", "times|twice|half|ivide|ultiply|taken as"),
    "factor": (
        f"factor-missing {SLOPES} {FACTORS} {MASKS} {PATHS} {OPERANDS} output-not-loss",
        "without|left out|leave|lacks|ultiply|ivide|times|taken as|missing|alone|starts from",
    ),
    "term": (
        f"{PATHS} {SLOPES} {FACTORS} {MASKS} {OPERANDS} factor-missing output-not-loss",
        "stands|path|left out|leave|missing|taken as|constant|without|add|lacks|starts from",
    ),
    "term sign": (f"{PATHS} {FACTORS} {SLOPES} {MASKS} wrong-activation", "sign|−|taken as"),
    "power": (
        f"{SLOPES} {FACTORS} {OPERANDS} factor-missing",
        "taken as|left out|stands|too often",
    ),
    "transpose": (f"{PRODUCTS} {OPERANDS} wrong-order", "transpos|order|reshape|axes"),
    "order": (f"{PRODUCTS} {OPERANDS}", "order|product|transpos|laid out"),
    "product": (f"{PRODUCTS} factor-missing", "∘|product"),
    "axis": (f"{SUMS} {MASKS} shape wrong-axis", "axis|axes|summed"),
    "not summed": (f"{SUMS} shape {SLOPES} constant", "sum|axis"),
    "mask": (f"{MASKS} {SLOPES} {OPERANDS}", "mask|taken as|stands|inver|left out|share"),
    "step": (f"{OPERANDS} wrong-step step", "stands for|step|instead|that of|mixed"),
    "name": (
        f"{OPERANDS} {SLOPES} {PRODUCTS} wrong-step factor-missing",
        "stands|taken|order|that of|mixed",
    ),
    "complement": (f"{SLOPES} {OPERANDS} factor-missing {PATHS}", "1 −|stands|taken|path|sign"),
    "overwritten": (f"{PATHS} one-sample", "overwr|only|add|path"),
    "constant": (f"{PATHS} {FACTORS}", "constant|path|zero|left out|only"),
    "ends early": (f"{PATHS} {FACTORS}", "path|step|only|left out"),
    "exchanged": (f"exchanged {PRODUCTS} {OPERANDS}", "exchang|given as|stands|transposed"),
    "flipped": ("flipped wrong-order transposed", "flip|order|transposed|revers"),
    "rearranged": ("wrong-order reshaped transposed", "order|reshape|axes|transpos|tile|repeat"),
}


@dataclass(frozen=True)
class Edit:
    """One wrong line. what: a key of ANSWERS. target, subject: names, of the quantity computed and
    of what was edited; step: the one at which it is wrong, if it stands in a loop; every: at all.
    """

    what: str
    wrong: str
    target: frozenset[str]
    subject: frozenset[str]
    tree: ast.Module
    step: int | None = None
    every: bool = False
    used: frozenset[str] = frozenset()

    @property
    def text(self) -> str:
        where = " at every step" if self.every else f" at step {self.step}" if self.step else ""
        return f"{self.what}{where}: {self.wrong}"


Replacement = tuple[str, ast.expr, ast.AST]  # what is done, the new expression, what is concerned


def edits(problem: Problem, rng: np.random.Generator) -> list[Edit]:
    """Every edit of every line of a problem's backward pass."""
    tree, values = ast.parse(problem.text), problem.values()
    steps = problem.data.get("T", 1)
    found = []
    for place, (statement, loop) in enumerate(_statements(tree)):
        if loop is None and isinstance(statement, ast.Assign) and _is_start(statement):
            continue
        for what, wrong, subject in _of_statement(statement, problem, values, rng):
            at_all = _with_statement(tree, place, wrong)
            first = Edit(
                what,
                ast.unparse(wrong),
                _target(tree, statement, values),
                _names(subject, values),
                at_all,
                every=loop is not None and steps > 1,
                used=_used(statement),
            )
            found.append(first)
            same_form = type(wrong) is type(statement) and hasattr(wrong, "value")
            if loop is not None and steps > 1 and same_form:
                step = int(rng.integers(1, steps + 1))
                once = _at_step(statement, wrong.value, step)
                one = _with_statement(tree, place, once)
                found.append(replace(first, tree=one, step=step, every=False))
    return found + list(_of_loops(tree)) + list(_of_results(tree, problem, values))


def _statements(tree: ast.Module) -> Iterator[tuple[ast.stmt, ast.For | None]]:
    for statement in tree.body:
        if isinstance(statement, ast.For):
            yield from ((inner, statement) for inner in statement.body)
        else:
            yield statement, None


def _with_statement(tree: ast.Module, place: int, wrong: ast.stmt) -> ast.Module:
    """The program with another statement in the place of one; what stays is shared."""
    old = list(_statements(tree))[place][0]

    def body(statements: list[ast.stmt]) -> list[ast.stmt]:
        return [wrong if s is old else s for s in statements]

    changed = body(tree.body)
    for i, s in enumerate(changed):
        if isinstance(s, ast.For):
            loop = ast.For(s.target, s.iter, body(s.body), [])
            changed[i] = ast.copy_location(loop, s)
    return ast.fix_missing_locations(ast.Module(changed, []))


def _is_start(statement: ast.Assign) -> bool:
    """Whether it only makes zeros for a loop to add to."""
    return "zeros" in ast.unparse(statement)


def _at_step(statement: ast.stmt, wrong: ast.expr, step: int) -> ast.stmt:
    once = copy.deepcopy(statement)
    test = ast.parse(f"t == {step}", mode="eval").body
    once.value = ast.IfExp(test, wrong, once.value)  # type: ignore[attr-defined]
    return once


# What is edited


def _of_statement(
    statement: ast.stmt, problem: Problem, values: Names, rng: np.random.Generator
) -> Iterator[tuple[str, ast.stmt, ast.AST]]:
    """The statement written wrongly, in every way."""
    if isinstance(statement, ast.Expr):
        yield from _of_call(statement)
        return
    assert isinstance(statement, ast.Assign | ast.AugAssign)
    if isinstance(statement, ast.AugAssign):
        plain = ast.copy_location(ast.Assign([statement.target], statement.value), statement)
        yield "overwritten", plain, statement.target
    value = statement.value
    target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
    for what, text in (("sign", "-({})"), ("number", "2 * ({})"), ("number", "0.5 * ({})")):
        yield what, _assigned(statement, _parsed(text.format(ast.unparse(value)))), target
    if isinstance(statement, ast.Assign) and _is_inner(target, problem):
        yield "constant", _assigned(statement, _parsed(f"0 * ({ast.unparse(value)})")), target
    for what, wrong, subject in _everywhere(value, values, rng):
        yield what, _assigned(statement, wrong), subject


def _of_call(statement: ast.Expr) -> Iterator[tuple[str, ast.stmt, ast.AST]]:
    """`np.add.at(dE, index, g)`: overwritten where the index repeats, and edits of g."""
    call = statement.value
    assert isinstance(call, ast.Call)
    target, index, g = map(ast.unparse, call.args)
    for op in ("+=", "="):
        yield "overwritten", ast.parse(f"{target}[{index}] {op} {g}").body[0], call.args[0]
    yield "sign", ast.parse(f"np.add.at({target}, {index}, -{g})").body[0], call.args[0]
    yield "constant", ast.parse("pass").body[0], call.args[2]


def _is_inner(target: ast.expr, problem: Problem) -> bool:
    return ast.unparse(target).removeprefix("d") not in problem.parameters


def _assigned(statement: ast.stmt, value: ast.expr) -> ast.stmt:
    wrong = copy.copy(statement)
    wrong.value = value  # type: ignore[attr-defined]
    return wrong


def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _everywhere(node: ast.expr, values: Names, rng: np.random.Generator) -> Iterator[Replacement]:
    """The expression with one node in it replaced, for each node and each way."""
    for n in _formula(node):
        if isinstance(n, ast.expr):
            for what, new, subject in (*_of_node(n), *_other_names(n, values, rng)):
                yield what, _replaced(node, n, new), subject


def _formula(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a formula, without what only says which entries, axes or shape."""
    yield node
    inner: list[ast.AST] = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.Subscript):
        inner = [] if isinstance(node.value, ast.Name) else [node.value]
    elif isinstance(node, ast.Call):
        method = isinstance(node.func, ast.Attribute) and not ast.unparse(node.func).startswith(
            "np."
        )
        inner = [node.func.value] if method else node.args[:1]  # type: ignore[attr-defined]
    for child in inner:
        yield from _formula(child)


def _replaced(whole: ast.expr, old: ast.expr, new: ast.expr) -> ast.expr:
    """A copy of the expression with another node in the place of one."""

    def rebuilt(node: ast.AST) -> ast.AST:
        if node is old:
            return new
        fields = {}
        for name, value in ast.iter_fields(node):
            if isinstance(value, ast.AST):
                value = rebuilt(value)
            elif isinstance(value, list):
                value = [rebuilt(v) if isinstance(v, ast.AST) else v for v in value]
            fields[name] = value
        return ast.copy_location(type(node)(**fields), node)

    return rebuilt(whole)  # type: ignore[return-value]


def _of_node(n: ast.expr) -> Iterator[Replacement]:
    """What may stand in the place of one node."""
    if isinstance(n, ast.BinOp):
        yield from _of_operation(n)
    elif isinstance(n, ast.UnaryOp) and isinstance(n.op, ast.USub):
        yield "sign", n.operand, n.operand
    elif isinstance(n, ast.Attribute) and n.attr == "T":
        yield "transpose", n.value, n.value
    elif isinstance(n, ast.Compare) and isinstance(n.ops[0], ast.Gt):
        yield "mask", ast.Compare(n.left, [ast.Lt()], n.comparators), n.left
    elif isinstance(n, ast.Call):
        yield from _of_function(n)
    elif isinstance(n, ast.Subscript) and isinstance(n.value, ast.Name):
        index = ast.unparse(n.slice)
        for right, wrong in (("t", "t - 1"), ("t - 1", "t")):
            if index == right:
                yield "step", _parsed(f"{n.value.id}[{wrong}]"), n


def _of_operation(n: ast.BinOp) -> Iterator[Replacement]:
    left, right = n.left, n.right
    if isinstance(n.op, ast.Mult | ast.MatMult):
        yield "factor", left, right
        yield "factor", right, left
    if isinstance(n.op, ast.MatMult):
        yield "order", ast.BinOp(right, n.op, left), n
        yield "product", ast.BinOp(left, ast.Mult(), right), n
    elif isinstance(n.op, ast.Div):
        yield "factor", left, right
    elif isinstance(n.op, ast.Add):
        yield "term", left, right
        yield "term", right, left
        yield "term sign", ast.BinOp(left, ast.Sub(), right), right
    elif isinstance(n.op, ast.Sub):
        yield "term", left, right
        yield "term sign", ast.BinOp(left, ast.Add(), right), right
        if isinstance(left, ast.Constant) and left.value == 1:
            yield "complement", right, right
        else:
            yield "term", ast.UnaryOp(ast.USub(), right), left
    elif isinstance(n.op, ast.Pow):
        yield "power", left, left


def _of_function(n: ast.Call) -> Iterator[Replacement]:
    name = ast.unparse(n.func)
    if name == "np.sum":
        yield "not summed", n.args[0], n.args[0]
        for keyword in n.keywords:
            if keyword.arg == "axis" and isinstance(keyword.value, ast.Constant):
                axis = 1 - keyword.value.value
                keywords = [ast.keyword("axis", ast.Constant(axis)), *n.keywords[1:]]
                yield "axis", ast.Call(n.func, n.args, keywords), n.args[0]
    elif name == "np.repeat":
        inside, times = map(ast.unparse, n.args)
        yield "rearranged", _parsed(f"np.tile({inside}, ({times}, 1))"), n.args[0]
    elif name == "np.concatenate" and isinstance(n.args[0], ast.List):
        parts = n.args[0].elts
        swapped = ast.List([parts[1], parts[0], *parts[2:]], ast.Load())
        yield "exchanged", ast.Call(n.func, [swapped], n.keywords), n
    elif name == "placed":
        text = ast.unparse(n).replace("placed(", "put(", 1)
        yield "overwritten", _parsed(text), ast.Constant(0)
    elif name.endswith(".transpose"):
        inside = n.func.value  # type: ignore[attr-defined]
        yield "transpose", inside, inside
    elif name.endswith(".reshape") and ".transpose(" in name:
        inside = ast.unparse(n.func.value.func.value)  # type: ignore[attr-defined]
        shape = ", ".join(map(ast.unparse, n.args))
        yield "rearranged", _parsed(f"{inside}.reshape({shape})"), n


def _other_names(n: ast.expr, values: Names, rng: np.random.Generator) -> Iterator[Replacement]:
    """Another forward value or parameter of the same shape, and of another if it is a matrix."""
    text = ast.unparse(n)
    here = _value(text, values)
    if here is None or here.ndim < 2:
        return
    known = [name for name in values if name not in ("mask", text.split("[")[0])]
    others = [(f"{name}[t]" if isinstance(values[name], Series) else name) for name in known]
    fit = [o for o in others if (v := _value(o, values)) is not None and v.shape == here.shape]
    for other in rng.permutation(fit)[:2] if fit else ():
        yield "name", _parsed(str(other)), ast.Tuple([n, _parsed(str(other))], ast.Load())


def _value(text: str, values: Names) -> np.ndarray | None:
    match = re.fullmatch(r"(\w+)(\[t(?: - 1)?\])?", text)
    value = values.get(match[1]) if match else None
    if isinstance(value, Series):
        value = value.get(1) if match and match[2] else None
    elif match and match[2]:
        value = value[1] if isinstance(value, np.ndarray) else None
    return value if isinstance(value, np.ndarray) and value.dtype.kind == "f" else None


def _of_loops(tree: ast.Module) -> Iterator[Edit]:
    """A loop over the steps that leaves out the first of them, the last, or all but the last."""
    for place, loop in enumerate(tree.body):
        if isinstance(loop, ast.For):
            for bounds in ("T, 1, -1", "T - 1, 0, -1", "T, T - 1, -1"):
                changed = copy.deepcopy(tree)
                wrong = changed.body[place]
                wrong.iter = _parsed(f"range({bounds})")  # type: ignore[attr-defined]
                ast.fix_missing_locations(changed)
                text = f"for t in range({bounds})"
                yield Edit("ends early", text, frozenset(), frozenset(), changed)


def _of_results(tree: ast.Module, problem: Problem, values: Names) -> Iterator[Edit]:
    """Two results exchanged, one transposed, flipped, or with permuted axes."""
    shape = {name: np.shape(values[name]) for name in problem.parameters}
    lines: list[tuple[str, str, frozenset[str], str]] = []
    for a in shape:
        for b in list(shape)[: list(shape).index(a)]:
            if shape[a] == shape[b]:
                lines.append(("exchanged", f"d{a}, d{b} = d{b}, d{a}", frozenset({a, b}), a))
        if len(shape[a]) == 2 and min(shape[a]) > 1:
            lines.append(("transpose", f"d{a} = d{a}.T", frozenset(), a))
        if len(shape[a]) == 4 and max(shape[a][2:]) > 1:
            text = f"d{a} = d{a}[:, :, ::-1, ::-1]"
            lines.append(("flipped", text, frozenset(), a))
            lines.append(("transpose", f"d{a} = d{a}.transpose(0, 1, 3, 2)", frozenset(), a))
            lines.append(("transpose", f"d{a} = d{a}.transpose(1, 0, 2, 3)", frozenset(), a))
    for what, line, subject, target in lines:
        changed = copy.deepcopy(tree)
        changed.body += ast.parse(line).body
        yield Edit(
            what, line, frozenset({target}) | subject, subject, ast.fix_missing_locations(changed)
        )


# The same in other words


class Rewritten(ast.NodeTransformer):
    """A formula written in another way that means the same: factors and terms in another order, a
    product as einsum or as the transpose of a product, a quotient as a product."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """An index stays as it is."""
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """One of the ways to write the operation."""
        self.generic_visit(node)
        a, b = ast.unparse(node.left), ast.unparse(node.right)
        ways = {
            ast.Mult: ["({b}) * ({a})", "np.multiply({a}, {b})"],
            ast.Add: ["({b}) + ({a})", "({a}) - (-({b}))"],
            ast.Sub: ["-(({b}) - ({a}))", "-({b}) + ({a})"],
            ast.Div: ["({a}) * (1 / ({b}))", "1 / ({b}) * ({a})"],
            ast.MatMult: [
                "np.swapaxes(np.swapaxes({b}, -1, -2) @ np.swapaxes({a}, -1, -2), -1, -2)",
                "np.einsum('...ij,...jk->...ik', {a}, {b})",
            ],
        }.get(type(node.op), [])
        if not ways or self.rng.random() < 0.5:
            return node
        return _parsed(ways[self.rng.integers(len(ways))].format(a=a, b=b))


def in_other_words(problem: Problem, rng: np.random.Generator) -> ast.Module:
    """The backward pass of a problem, each line of it perhaps written in another way."""
    tree = ast.parse(problem.text)
    for statement, _ in _statements(tree):
        if isinstance(statement, ast.Assign | ast.AugAssign):
            statement.value = Rewritten(rng).visit(statement.value)
    return ast.fix_missing_locations(tree)


# Names


def _names(node: ast.AST, values: Names) -> frozenset[str]:
    """The names of tensors in it, without the d of a gradient."""
    found = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    return frozenset(
        name[1:] if name[0] == "d" and name[1:] in values else name for name in found - {"np", "t"}
    )


def _target(tree: ast.Module, statement: ast.stmt, values: Names) -> frozenset[str]:
    """The names on the tape of what a line computes, or of what is computed with it."""
    name = ast.unparse(_assigned_to(statement)).split("[")[0]
    return frozenset(_computed(tree, name, values, 4))


def _computed(tree: ast.Module, name: str, values: Names, depth: int) -> Iterator[str]:
    if name[0] == "d" and name[1:] in values:
        yield name[1:]
    elif depth:
        for statement, _ in _statements(tree):
            used = {n.id for n in ast.walk(statement) if isinstance(n, ast.Name)}
            target = ast.unparse(_assigned_to(statement)).split("[")[0]
            if name in used and target != name:
                yield from _computed(tree, target, values, depth - 1)


def _used(statement: ast.stmt) -> frozenset[str]:
    """The gradients that a line uses, by the names of what they are gradients of."""
    value = statement.value  # type: ignore[attr-defined]
    names = {n.id for n in ast.walk(value) if isinstance(n, ast.Name)}
    return frozenset(name[1:] for name in names if name[0] == "d" and len(name) > 1)


def _assigned_to(statement: ast.stmt) -> ast.expr:
    if isinstance(statement, ast.Assign):
        return statement.targets[0]
    if isinstance(statement, ast.AugAssign):
        return statement.target
    return statement.value.args[0]  # type: ignore[attr-defined]


# Numbers


def given(problem: Problem, edit: Edit) -> tuple[Arrays, Arrays] | None:
    """The gradients with the edit, and those in between; None where Python refuses it."""
    try:
        code = compile(edit.tree, "backward", "exec")
        found, inner = problem.gradients(code)
    except (ValueError, TypeError, IndexError, KeyError, NameError, AttributeError):
        return None
    if not all(np.isfinite(g).all() for g in (*found.values(), *inner.values())):
        return None
    return found, inner
