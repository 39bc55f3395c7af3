"""The table of edits: what a wrong expression may become, and that it stays an expression."""

from __future__ import annotations

import ast

import numpy as np
import pytest

from autograd_lite.diagnosis.edits import BINARY, KINDS, Edit, Expr, Scope, edits, put
from autograd_lite.diagnosis.python_source import read_python, write_python

NAMES = tuple(Expr("name", label=name) for name in ("x", "w", "dout", "mean", "N"))


def scope_of(*pieces: str) -> Scope:
    """Every name in reach stands for every other; x, w and dout are matrices."""
    dimensions = {"x": 2, "w": 2, "dout": 2, "mean": 1, "N": 0}
    return Scope(
        write=write_python,
        names=NAMES,
        counts=(read_python("x.shape[0]"),),
        pieces=tuple(map(read_python, pieces)),
        alike=lambda name: NAMES,
        dimensions=lambda e: dimensions.get(str(e.label)),
    )


# What is wrong, what it should be, the kind that names it, and what stands elsewhere in the text.
MENDED = [
    ("dx = dout", "dx = -dout", "sign"),
    ("dx = -dout", "dx = dout", "sign"),
    ("dx = dout + w", "dx = dout - w", "sign"),
    ("dx = (x - mean) * w", "dx = (mean - x) * w", "sign"),
    ("dx = dout * N", "dx = dout / N", "operation"),
    ("dw = x * dout", "dw = x.T @ dout", "product"),
    ("dw = dout @ x.T", "dw = x.T @ dout", "product"),
    ("dw = np.dot(x, dout)", "dw = np.dot(x.T, dout)", "transpose"),
    ("dw = x.T @ dout.T", "dw = x.T @ dout", "transpose"),
    ("dx = 4 * dout", "dx = 2 * dout", "number"),
    ("dx = 1 - x", "dx = 0 - x", "number"),
    ("dx = w * dout * 2", "dx = w * dout", "too much"),
    ("dx = dout / N", "dx = dout", "too much"),
    ("dx = np.exp(x)", "dx = x", "too much"),
    ("dx = 1 - x", "dx = 1 - x**2", "power"),
    ("dx = dout * (x < 0)", "dx = dout * (x > 0)", "mask"),
    ("dx = turned(x, True)", "dx = turned(x, False)", "setting"),
    ("dx = np.pad(x, 1, wrap=False)", "dx = np.pad(x, 1, wrap=True)", "setting"),
    ("dx = np.exp(x)", "dx = np.log(x)", "function"),
    ("dx = np.sum(x, axis=0)", "dx = np.mean(x, axis=0)", "function"),
    ("dx = x[i, j]", "dx = x[j, i]", "order"),
    ("dx = x / N", "dx = N / x", "order"),
    ("dx = x.transpose(0, 2, 1)", "dx = x.transpose(1, 0, 2)", "order"),
    ("dx = np.transpose(x, (0, 2, 1))", "dx = np.transpose(x, (1, 0, 2))", "axis"),
    ("db = np.sum(dout, axis=1)", "db = np.sum(dout, axis=0)", "axis"),
    ("db = dout.sum()", "db = dout.sum(axis=0)", "axis"),
    ("db = np.sum(dout, axis=1)", "db = np.sum(dout, axis=1, keepdims=True)", "axis"),
    ("db = np.sum(dout, 1)", "db = np.sum(dout, axis=0)", "axis"),
    ("dx[t] = dout", "dx[t - 1] = dout", "index"),
    ("dx = dout[t + 1]", "dx = dout[t]", "index"),
    ("dx = dout[:, 1:]", "dx = dout[:, :]", "index"),
    ("dx = sum(w[t] for t in range(N))", "dx = sum(w[t] for t in range(N - 1))", "axis"),
    ("dx = [w[t] for t in range(1, N)]", "dx = [w[t] for t in range(0, N)]", "axis"),
    ("dx = [t for t in x if t < 0]", "dx = [t for t in x if t > 0]", "mask"),
    ("dw = x", "dw += x", "accumulated"),
    ("dw += x", "dw = x", "accumulated"),
    ("dx = w", "dx = dout", "name"),
    ("x = w @ w", "dout = w @ w", "target"),
    ("dx = dout * w", "dx = dout * w * 2", "factor"),
    ("dx = dout * w", "dx = dout * w / N", "factor"),
    ("dx = dout * w", "dx = dout * w / x.shape[0]", "factor"),
    ("dx = dout * x", "dx = dout * (x - mean)", "term"),
    ("dx = dout * x", "dx = dout * (1 - x)", "term"),
    ("dx = dout", "dx = dout + w", "term"),
    ("dx = dout * x", "dx = dout * x[i]", "indexed", "w[i]"),
    ("dx = dout", "dx = dout * (x - mean)", "factor", "x - mean"),
    ("dx = dout", "dx = dout / np.sqrt(x)", "factor", "np.sqrt(x)"),
    ("dx = dout", "dx = dout + w * N", "term", "w * N"),
    ("dx = dout * N", "dx = dout * w @ x", "expression", "w @ x"),
    ("dx = dout", "dx = np.sum(dout, axis=1, keepdims=True)", "sum"),
    ("dx = dout", "dx = dout * (x > 0)", "factor"),
    ("dx = dout", "dx = dout * (1 - x**2)", "factor"),
    ("dx = dout", "dx = dout * (x - mean)", "factor"),
]


def same(a: str, b: str) -> bool:
    return ast.dump(ast.parse(a)) == ast.dump(ast.parse(b))


@pytest.mark.parametrize("row", MENDED, ids=lambda row: row[1])
def test_a_mistake_is_one_edit_away(row):
    wrong, right, kind, *pieces = row
    if right == "dx = dout * w @ x":  # the piece keeps its brackets
        right = "dx = dout * (w @ x)"
    found = edits(read_python(wrong), scope_of(*pieces))
    (edit, *_) = [e for e in found if same(write_python(e.result), right)]
    assert edit.kind == kind
    assert edit.words
    assert write_python(read_python(wrong)) == wrong


def test_every_kind_of_edit_is_in_the_table_above():
    text = "dw = (x.T @ dout) ** 2 + np.exp(w[0, i]) / N * (x > 0) + np.sum(x, axis=0) + f(x, True)"
    kinds = {e.kind for e in edits(read_python(text), scope_of("w[i]", "x - mean"))}
    assert kinds == {kind for _, _, kind, *_ in MENDED}


def test_an_edit_is_found_once_and_changes_something():
    wrong = read_python("dx = 2 * dout + np.sum(x * w, axis=1) / N")
    found = list(edits(wrong, scope_of("x - mean", "w**2")))
    assert len({e.result for e in found}) == len(found) > 500
    assert wrong not in {e.result for e in found}
    assert [e.rank for e in found] == sorted(e.rank for e in found)


def test_every_edit_is_python_again():
    """Brackets are put where they belong: what is written is read back as the same tree."""
    text = "dx = -(x - mean) ** 2 * dout / (N * np.exp(w)) + (x @ w).T[0, 1:] * np.sum(x > 0, 1)"
    for edit in edits(read_python(text), scope_of("x - mean", "w * 2", "x if N else w")):
        assert written_whole(edit) == meaning(edit.result), write_python(edit.result)


def written_whole(edit: Edit) -> Expr:
    return meaning(read_python(write_python(edit.result)))


def meaning(e: Expr) -> Expr:
    """The tree without what two ways of writing one thing leave different."""
    if e.kind == "other":
        return Expr("other", tuple(map(meaning, e.children)))
    if e.kind == "number":
        return Expr("number", label=float(e.label))
    return Expr(e.kind, tuple(map(meaning, e.children)), e.label)


class Infix:
    """An adapter of another language: fully bracketed text, no origin kept."""

    def __init__(self) -> None:
        self.signs = dict(zip(BINARY, "+-∘/^·", strict=True))

    def write(self, e: Expr) -> str:
        if e.kind in self.signs:
            return f"({self.signs[e.kind].join(map(self.write, e.children))})"
        written = {"negative": "−{}", "transpose": "{}ᵀ"}.get(e.kind)
        if written:
            return written.format(*map(self.write, e.children))
        return str(e.label) if e.kind in ("name", "number") else e.kind


def value_of(e: Expr, values: dict[str, np.ndarray]) -> np.ndarray:
    parts = [value_of(c, values) for c in e.children]
    operations = dict(zip(BINARY, (np.add, np.subtract, np.multiply), strict=False))
    operations |= {"matmul": np.matmul, "transpose": np.transpose, "negative": np.negative}
    return operations[e.kind](*parts) if parts else values[e.label]


def test_a_claim_of_another_language_is_repaired_by_its_value(rng):
    """∂J/∂W = X Δ, where it is Xᵀ Δ: the smallest edit of the claim that makes it hold."""
    X, D = (Expr("name", label=name) for name in "XΔ")
    values = {"X": rng.normal(size=(4, 4)), "Δ": rng.normal(size=(4, 4))}
    right = values["X"].T @ values["Δ"]
    write = Infix().write
    for edit in edits(Expr("matmul", (X, D)), Scope(write, alike=lambda name: (X, D))):
        known = all(p.kind in ("name", "matmul", "transpose", "add") for p in edit.result.parts())
        if known and np.allclose(value_of(edit.result, values), right):
            break
    assert write(edit.result) == "(Xᵀ·Δ)"


def test_what_the_table_does_not_know_is_not_edited_but_walked_through():
    odd = Expr("other", (NAMES[0],), label="⊕")
    results = [e.result for e in edits(odd, scope_of())]
    assert results
    assert {r.kind for r in results} == {"other"}
    assert put(odd, (0,), NAMES[1]) in results


def test_kinds_are_listed():
    assert {*BINARY, "name", "number"} - {"subtract", "divide", "multiply", "power"} <= {*KINDS}
