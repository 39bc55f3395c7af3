"""Derivations: each printed line against the closed form, as text that is parsed and computed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import scipy.special
from samples import CASES

import autograd_lite as ag
import nn
from autograd_lite import graph
from autograd_lite.algebra import reading, simplification, tree
from autograd_lite.algebra.evaluation import evaluate
from autograd_lite.algebra.notation import TEXT
from autograd_lite.derivation import deriving, fitting, named_tape, result
from nn import closed_form
from nn.cli import command
from nn.documents.notations import NOTATIONS

BCE, CE, HSE = "binary_cross_entropy", "cross_entropy", "half_squared_error"


def data(n_in, n_out, m, one_hot, batch_axis=1):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(n_in, m))
    Y = np.eye(n_out)[:, rng.integers(n_out, size=m)]
    Y = Y if one_hot else rng.integers(2, size=(n_out, m)).astype(float)
    return (X, Y) if batch_axis == 1 else (X.T.copy(), Y.T.copy())


def cost(sizes, activations, loss, m=400, batch_axis=1, reduction="mean", dtype=float, scale=1):
    net = nn.Network(sizes, activations, rng=0, batch_axis=batch_axis, dtype=dtype)
    net.set_parameters({k: scale * p.data for k, p in net.parameters().items()})
    X, Y = data(sizes[0], sizes[-1], m, loss.startswith(CE), batch_axis)
    f = net.forward(X)
    out = f.Z[net.L] if loss.endswith("logits") else f.A[net.L]
    return net, f, X, Y, nn.losses.BY_NAME[loss](out, Y, reduction, batch_axis)


# A judge that knows nothing of the tape: it computes what the text says.


class Computed:
    """The value of a printed right-hand side: `1/400 (A2 − Y)`, `W2ᵀ ∂J/∂Z2`, `∂J/∂Z2 1`."""

    TOKEN = re.compile(
        r"\s*(\^∘\d+|∂\w+/∂\w+|\d+/\d+|\d+\.?\d*|[A-Za-zα-ω][A-Za-z0-9]*′?|[()\[\]+−∘/ᵀ>≥<,])"
    )
    FUNCTIONS: ClassVar = {
        "tanh": np.tanh,
        "sin": np.sin,
        "cos": np.cos,
        "exp": np.exp,
        "σ": lambda z: 1 / (1 + np.exp(-z)),
        "softmax": lambda z: np.exp(z) / np.exp(z).sum(0),
    }

    def __init__(self, text, values):
        self.values = values
        self.tokens = self.TOKEN.findall(text)
        assert "".join(self.tokens) == text.replace(" ", ""), text
        self.value = self.sum()
        assert not self.tokens, self.tokens

    def take(self, *wanted):
        if self.tokens and self.tokens[0] in wanted:
            return self.tokens.pop(0)
        return None

    def sum(self):
        value = -self.quotient() if self.take("−") else self.quotient()
        while sign := self.take("+", "−"):
            value = value + self.quotient() if sign == "+" else value - self.quotient()
        return value

    def quotient(self):
        value = self.hadamard()
        while self.take("/"):
            value = value / self.hadamard()
        return value

    def hadamard(self):
        value = self.product()
        while self.take("∘"):
            value = value * self.product()
        return value

    def product(self):
        value = self.atom()
        while self.tokens and self.tokens[0] not in list(")]+−∘/,>≥<"):
            right = self.atom()
            if isinstance(value, str):  # 1ᵀ
                value = np.ones((1, right.shape[0]))
            if np.isscalar(right) and right == 1 and np.ndim(value) == 2:
                right = np.ones((value.shape[1], 1))
            value = value @ right if np.ndim(value) == np.ndim(right) == 2 else value * right
        return value

    def atom(self):
        token = self.tokens.pop(0)
        if token == "(":
            value = self.sum()
            assert self.take(")")
        elif token == "[":
            left, relation, right = self.sum(), self.tokens.pop(0), self.sum()
            value = {">": left > right, "<": left < right, "≥": left >= right}[relation] * 1.0
            assert self.take("]")
        elif token[0].isdigit():
            top, _, bottom = token.partition("/")
            value = float(top) / float(bottom or 1)
            if value == 1 and self.take("ᵀ"):
                return "1ᵀ"
        elif token in self.FUNCTIONS:
            assert self.take("(")
            value = self.FUNCTIONS[token](self.sum())
            assert self.take(")")
        else:
            value = self.values[token]
        if self.take("ᵀ"):
            value = value.T
        if self.tokens and self.tokens[0].startswith("^∘"):
            value = value ** int(self.tokens.pop(0)[2:])
        return value


def grown(rng, depth):
    """A random expression of square matrices."""
    a, b = (grown(rng, depth - 1) for _ in range(2)) if depth > 1 else (LETTERS[0], LETTERS[1])
    kind = rng.integers(9)
    if kind == 0:
        return LETTERS[rng.integers(3)]
    if kind < 5:
        op = (np.add, np.subtract, np.multiply, np.divide)[kind - 1]
        return tree.elementwise(op, a, b)
    if kind == 5:
        return tree.elementwise((np.negative, np.square)[rng.integers(2)], a)
    if kind == 6:
        return tree.transposed(a)
    if kind == 7:
        factor = tree.number(rng.choice([-1.0, 2.0, 0.005, -3.0, 0.75]))
        return tree.elementwise(np.multiply, *((factor, a) if rng.integers(2) else (a, factor)))
    return tree.product(a, b)


LETTERS = [tree.Symbol("value", name, k, (3, 3)) for k, name in enumerate("ABC")]


def test_what_is_printed_is_what_is_evaluated_and_algebra_does_not_change_it():
    rng = np.random.default_rng(0)
    values = {name: rng.uniform(0.5, 2, size=(3, 3)) for name in "ABC"}
    for k in range(400):
        e = grown(rng, int(rng.integers(1, 5)))
        with np.errstate(all="ignore"):
            expected = evaluate(e, lambda s: values[s.label])
            if not np.isfinite(expected).all() or np.abs(expected).max() > 1e6:
                continue
            short = simplification.Simplifier()(e) if k % 4 == 0 else e
            for x in (e, short):
                assert x.shape == (3, 3)
                found = np.broadcast_to(Computed(TEXT(x), values).value, (3, 3))
                scale = 1e-8 * max(1, np.abs(expected).max())
                np.testing.assert_allclose(found, expected, rtol=1e-6, atol=scale, err_msg=TEXT(x))


def test_ones_next_to_ones_are_a_number():
    ones = tree.product(tree.Ones((1, 3)), tree.Ones((3, 4)))
    short = simplification.Simplifier()(ones)
    assert TEXT(short) == "3 1ᵀ"
    np.testing.assert_array_equal(evaluate(short, None), np.full((1, 4), 3))


def test_nothing_is_saturated_at_the_fresh_point():
    J = cost([2, 4, 4, 1], ["tanh", "tanh", "sigmoid"], BCE, 50, scale=100)[-1]
    with np.errstate(all="ignore"):
        leaves = [t for t in ag.walk.recorded_for(J) if t.requires_grad and not t._op]
        recorded = graph.steps(J, leaves)
    point = named_tape.fresh_point(recorded)
    for name, most in (("A1", 0.999), ("A2", 0.999), ("A3", 0.999)):
        assert np.abs(recorded.step(name).value).max() > most
        assert np.abs(point[recorded.step(name).number]).max() <= most


def judged(derived, values):
    """Compare every line, as text, with the values of the gradients; returns how many."""
    for line in derived.lines:
        with np.errstate(all="ignore"):
            found = Computed(line.rhs, values).value
        np.testing.assert_allclose(
            np.broadcast_to(found, line.shape), values[line.lhs], atol=1e-12, err_msg=str(line)
        )
    return len(derived.lines)


NETWORKS = [
    ([2, 4, 1], ["tanh", "sigmoid"], BCE),
    ([3, 4, 2, 1], ["sigmoid", "relu", "sigmoid"], BCE),
    ([2, 4, 3], ["relu", "softmax"], CE),
    ([2, 4, 3], ["sin", "identity"], HSE),
    ([2, 4, 3], ["sigmoid", "tanh"], HSE),
    ([2, 3, 2], ["tanh", "sigmoid"], "binary_cross_entropy_with_logits"),
    ([2, 5], ["softmax"], CE),
]


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("batch_axis", [1, 0])
@pytest.mark.parametrize(("sizes", "activations", "loss"), NETWORKS)
def test_each_printed_line_is_the_closed_form(sizes, activations, loss, batch_axis, reduction):
    net, f, X, Y, J = cost(sizes, activations, loss, 7, batch_axis, reduction)
    P = {name: p.data for name, p in net.parameters().items()}
    d = closed_form.gradients(P, X, Y, activations, loss, reduction, batch_axis)
    values = {f"∂J/∂{name[1:]}": g for name, g in d.items()} | P | {"X": X, "Y": Y}
    values |= {t.name: t.data for t in (*f.Z.values(), *f.A.values()) if t.name != "X"}
    wrt = [*net.parameters().values(), *(f.Z[l] for l in f.Z)]
    assert judged(ag.derive(J, wrt), values) >= len(wrt)


def test_the_judge_finds_a_wrong_line():
    values = {"A": np.arange(6.0).reshape(2, 3), "B": np.ones((2, 3)), "∂J/∂A": np.ones((2, 3))}
    assert Computed("2 A ∘ (1 − B) / (A + B) − 1/2 A Bᵀ 1", values).value.shape == (2, 3)
    np.testing.assert_array_equal(Computed("1ᵀ A", values).value, [[3, 5, 7]])
    np.testing.assert_array_equal(Computed("A 1", values).value, [[3], [12]])
    line = deriving.Line("∂J/∂A", "A ∘ B", (2, 3), "", 0.0, "")
    with pytest.raises(AssertionError):
        judged(deriving.Derivation(lambda: [line]), values)


def test_the_example_comes_out_exactly():
    net, _, _, _, J = cost([2, 4, 1], ["tanh", "sigmoid"], BCE)
    W1, _, W2, b2 = net.parameters().values()
    assert str(ag.derive(J, [W1, W2, b2])) == (
        "∂J/∂Z2 = 1/400 (A2 − Y)                  (1, 400)   σ′ = A2 ∘ (1 − A2) cancels\n"
        "∂J/∂W2 = ∂J/∂Z2 A1ᵀ                      (1, 4)\n"
        "∂J/∂b2 = ∂J/∂Z2 1                        (1, 1)     sum over samples\n"
        "∂J/∂A1 = W2ᵀ ∂J/∂Z2                      (4, 400)\n"
        "∂J/∂Z1 = ∂J/∂A1 ∘ (1 − A1 ∘ A1)          (4, 400)\n"
        "∂J/∂W1 = ∂J/∂Z1 Xᵀ                       (4, 2)"
    )
    everything = ag.derive(J)
    assert [line.lhs[4:] for line in everything.lines] == ["Z2", "W2", "b2", "A1", "Z1", "W1", "b1"]
    assert all(line.error < 1e-12 for line in everything.lines)
    assert everything.lines[0].shape == (1, 400)


def test_the_same_before_and_after_backward_and_in_another_process():
    J = cost([2, 4, 3], ["tanh", "softmax"], CE)[-1]
    before = ag.derive(J, steps=True)
    J.backward()
    assert str(ag.derive(J, steps=True)) == str(before)
    assert ag.derive(J, steps=True).latex() == before.latex()
    code = (
        "import sys; sys.path.insert(0, 'tests'); import test_derivation as t;"
        "print(t.ag.derive(t.cost([2, 4, 3], ['tanh', 'softmax'], t.CE)[-1], steps=True))"
    )
    root = Path(__file__).parent.parent
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=root,
        env=os.environ | {"PYTHONHASHSEED": "77", "PYTHONPATH": str(root), "PYTHONUTF8": "1"},
    )
    assert result.stdout.strip() == str(before), result.stderr


def test_steps_show_chain_rule_local_derivative_and_cancellation():
    lines = ag.derive(cost([2, 4, 1], ["tanh", "sigmoid"], BCE)[-1], steps=True).lines
    assert lines[0].steps == (
        "forward: A2 = σ(Z2)",
        "chain rule: ∂J/∂Z2 = ∂J/∂A2 ∘ σ′",
        "local derivative: σ′ = A2 ∘ (1 − A2)",
        "insert ∂J/∂A2 = 1/400 (A2 − Y) / (A2 ∘ (1 − A2))",
        "left out, as it is not active: max(A2 ∘ (1 − A2), 1e−12)",
        "cancellation: ∂J/∂Z2 = 1/400 (A2 − Y)",
    )
    assert lines[1].steps == ("forward: Z2 = W2 A1 + b2", "chain rule: ∂J/∂W2 = ∂J/∂Z2 A1ᵀ")


# What is only true of some data


def cost_of_labels_that_sum_to_anything(net, X):
    """The operation of the loss, which itself refuses them."""
    Y = ag.Tensor(np.random.default_rng(0).random((3, 6)), name="Y")
    return nn.losses.cross_entropy.operation(net.forward(X).A[2], Y, m=6, axis=(0,)).named("J")


def test_softmax_is_short_only_where_the_labels_add_up_to_one():
    net, _, X, _, J = cost([2, 4, 3], ["tanh", "softmax"], CE, 6)
    (line, *_) = ag.derive(J).lines
    assert (line.rhs, line.note) == ("1/6 (A2 − Y)", "the columns of Y sum to 1")
    J = cost([2, 4, 3], ["tanh", "softmax"], CE, 6, batch_axis=0)[-1]
    assert ag.derive(J).lines[0].note == "the rows of Y sum to 1"
    J = cost_of_labels_that_sum_to_anything(net, X)
    (line, *_) = ag.derive(J).lines
    assert (line.rhs, line.note) == ("1/6 (A2 ∘ (𝟏 1ᵀ Y) − Y)", "")


def test_a_guard_that_is_active_is_not_left_out():
    with np.errstate(all="ignore"):
        J = cost([2, 4, 1], ["tanh", "sigmoid"], BCE, 50, scale=300)[-1]
        lines = ag.derive(J).lines
    assert lines[0].rhs == "1/50 (A2 − Y) / max(A2 ∘ (1 − A2), 1e−12)"


def test_only_guards_and_ties_are_left_out():
    x = tensor("x", 9)
    for f, rhs in (
        (lambda x: np.maximum(x, 0.0), "[x > 0]"),
        (lambda x: np.clip(x, -100.0, 100.0), "[x ≥ −100] ∘ [x ≤ 100]"),
        (lambda x: np.log(np.maximum(np.exp(x), 1e-9)), "1"),
    ):
        assert ag.derive(np.sum(f(x)), [x]).lines[-1].rhs == rhs
    (line,) = ag.derive(np.sum(np.maximum(x, 0.0)), steps=True).lines
    assert "left out, as it is not active: [x = 0]" in line.steps


def test_float32():
    J = cost([2, 4, 1], ["tanh", "sigmoid"], BCE, 50, dtype=np.float32)[-1]
    assert ag.derive(J).lines[0].rhs == "1/50 (A2 − Y)"


# Any tape


def tensor(name, *shape, grad=True):
    values = np.random.default_rng(sum(map(ord, name))).normal(size=shape)
    return ag.Tensor(values, requires_grad=grad, name=name)


def values_of(J, *tensors):
    gradients = ag.gradients(J, [t for t in tensors if t.requires_grad])
    names = [t.name for t in tensors if t.requires_grad]
    found = {f"∂J/∂{n}": g for n, g in zip(names, gradients, strict=True)}
    return found | {t.name: t.data for t in tensors}


def test_residual_connections_and_shared_weights_are_sums():
    X, Y, W = tensor("X", 3, 5, grad=False), tensor("Y", 3, 5, grad=False), tensor("W", 3, 3)
    A1 = np.tanh((W @ X).named("Z1")).named("A1")
    A2 = (A1 + np.tanh((W @ A1).named("Z2"))).named("A2")
    J = (np.sum(np.square(Y - A2)) / (2 * 5)).named("J")
    derived = ag.derive(J)
    shown = {line.lhs: line.rhs for line in derived.lines}
    assert shown["∂J/∂A2"] == "1/5 (A2 − Y)"
    assert shown["∂J/∂A1"] == "∂J/∂A2 + Wᵀ ∂J/∂Z2"
    assert shown["∂J/∂W"] == "∂J/∂Z2 A1ᵀ + ∂J/∂Z1 Xᵀ"
    tape = {t.name: t for t in ag.walk.recorded_for(J) if t.name and t.name != "J"}
    judged(derived, values_of(J, *tape.values()))


def test_hadamard_products():
    U, V, X = tensor("U", 3, 3), tensor("V", 3, 3), tensor("X", 3, 5, grad=False)
    P, Q = (U @ X).named("P"), (V @ X).named("Q")
    H = (P * Q).named("H")
    J = np.sum(np.sin(H)).named("J")
    derived = ag.derive(J)
    judged(derived, values_of(J, U, V, X, P, Q, H))
    assert [line.rhs for line in derived.lines] == [
        "cos(H)", "∂J/∂H ∘ P", "∂J/∂Q Xᵀ", "∂J/∂H ∘ Q", "∂J/∂P Xᵀ",
    ]  # fmt: skip


def test_broadcasting_is_written_unless_asked_otherwise():
    X, g = tensor("X", 6, 4), tensor("g", 4)
    J = np.sum(np.exp(X - np.mean(X, axis=1, keepdims=True)) * g)
    for broadcasting, definition, gradient in (
        ("none", "exp(X − 1/4 X 1 1ᵀ)", "𝟏 gᵀ"),
        ("numpy", "exp(X − 1/4 X 1)", "g"),
    ):
        first, second, *_ = ag.derive(J, [X], broadcasting=broadcasting).lines
        assert (first.rhs, gradient in second.rhs) == (definition, True)
    with pytest.raises(ValueError, match="broadcasting='some': there are none, numpy"):
        ag.derive(J, broadcasting="some")


def test_a_letter_is_not_defined_by_itself_and_lines_use_what_stands_above():
    y, X, w = tensor("y", 7), tensor("X", 7, 5), tensor("w", 5)
    lines = ag.derive(np.sum(np.log(np.exp(-y * (X @ w)) + 1))).lines
    assert [str(line) for line in lines[:2]] == ["T1 = X w", "T2 = 1 + exp(−y ∘ T1)"]
    above = {"y", "X", "w"}
    for line in lines:
        used = set(re.findall(r"∂J/∂\w+|\b[A-Za-z]\w*\b", line.rhs)) - {"exp", "J", "ᵀ"}
        assert {name.rstrip("ᵀ") for name in used} <= above, line
        above.add(line.lhs)


def test_second_derivatives():
    x = ag.Tensor(2.0, requires_grad=True, name="x")
    (slope,) = ag.gradients(x**3 + np.sin(x), [x], create_graph=True)
    (line,) = ag.derive(slope.named("slope")).lines
    assert str(line) == "∂slope/∂x = 6 x − sin(x)"
    W, X = tensor("W", 3, 2), tensor("X", 2, 5, grad=False)
    V = tensor("V", 3, 2, grad=False)
    Z = (W @ X).named("Z")
    A = np.tanh(Z).named("A")
    (g,) = ag.gradients(np.sum(A), [W], create_graph=True)
    J = np.sum(g * V).named("J")
    derived = ag.derive(J, [W])
    judged(derived, values_of(J, W, X, V, Z, A))
    assert derived.lines[0].rhs == "−2 V X ∘ A" or derived.lines[0].rhs.startswith("−2")


def test_a_sigmoid_and_cross_entropy_of_ones_own():
    Z, Y = tensor("Z", 2, 9), (tensor("Y", 2, 9, grad=False).data > 0) * 1.0
    A = (1 / (1 + np.exp(-Z))).named("A")
    Y = ag.Tensor(Y, name="Y")
    J = (-np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / 9).named("J")
    (line,) = ag.derive(J).lines
    assert str(line) == "∂J/∂Z = 1/9 (A − Y)"


def test_what_has_no_name_gets_one():
    W1, b1, W2 = tensor("W1", 3, 2), tensor("b1", 3, 1), tensor("W2", 1, 3)
    X, Y = tensor("X", 2, 5, grad=False), tensor("Y", 1, 5, grad=False)
    derived = ag.derive(np.mean(np.square(W2 @ np.tanh(W1 @ X + b1) - Y)))
    assert [str(line) for line in derived.lines] == [
        "T1 = tanh(W1 X + b1 1ᵀ)",
        "T2 = W2 T1 − Y",
        "∂J/∂T2 = 2/5 T2",
        "∂J/∂W2 = ∂J/∂T2 T1ᵀ",
        "∂J/∂T1 = W2ᵀ ∂J/∂T2",
        "∂J/∂W1 = (∂J/∂T1 ∘ (1 − T1 ∘ T1)) Xᵀ",
        "∂J/∂b1 = (∂J/∂T1 ∘ (1 − T1 ∘ T1)) 1",
    ]
    z = W1 @ X
    (line, last) = ag.derive(np.sum(z * z), [z]).lines
    assert (str(line), str(last)) == ("T1 = W1 X", "∂J/∂T1 = 2 T1")
    x = ag.Tensor([1.0, 2.0], requires_grad=True)
    row = x.reshape(1, 2).named("row")
    assert str(ag.derive(np.sum(row * row), [x]).lines[-1]) == "∂J/∂T1 = (∂J/∂row)ᵀ"
    nameless = ag.derive(np.sum(W1 * np.arange(6.0).reshape(3, 2)))
    assert str(nameless).startswith("Without a name: T1 (3, 2)\n∂J/∂W1 = T1")


@pytest.mark.parametrize(("f", "arrays"), [pytest.param(f, a, id=n) for n, f, a in CASES])
def test_every_operation_of_the_table(f, arrays):
    """Each derivation compares itself with the tape; here that it does so for every rule."""
    tensors = [
        ag.Tensor(a, requires_grad=a.dtype.kind == "f", name=f"x{k}") for k, a in enumerate(arrays)
    ]
    y = f(*tensors)
    J = np.sum(np.sin(y) * np.random.default_rng(1).normal(size=y.shape))
    derived = ag.derive(J)
    asked = {f"∂J/∂{t.name}" for t in tensors if t.requires_grad}
    assert asked <= {line.lhs for line in derived.lines}
    assert all(line.error < 1e-9 for line in derived.lines)
    assert derived.latex()


def test_masks_are_one_or_zero():
    x = tensor("x", 9)
    y = np.where((x > 1) | (x < -1), x, np.where(~(x > 0) & (x > -0.5), x * x, 3 * x))
    derived = ag.derive(np.sum(y * y).named("J"), [x])
    assert derived.lines[-1].error < 1e-12
    nested = np.where(np.where(x > 0, x, 1.0) > 0.5, np.where(x > 0, x, 1.0), x)
    assert ag.derive(np.sum(nested * x), [x]).lines[-1].error < 1e-12


def test_long_tapes_are_neither_recursion_nor_explosion():
    for f in (np.sin, lambda y: y + y * 0.001, lambda y: np.tanh(y) * y):
        y = x = ag.Tensor([0.1, 0.2], requires_grad=True, name="x")
        for _ in range(150):
            y = f(y)
        derived = ag.derive(np.sum(y), [x])
        assert derived.lines[-1].lhs == "∂J/∂x"
        assert len(str(derived).splitlines()) <= result.MOST + 2
    W, h = tensor("W", 2, 2), tensor("h", 2, 3, grad=False)
    for _ in range(60):
        h = np.tanh(W @ h)
    assert ag.derive(np.sum(h), [W]).lines[-1].lhs == "∂J/∂W"


def test_a_deep_network():
    J = cost([4] * 41, ["tanh", "sigmoid"] * 20, HSE, 8)[-1]
    assert len(ag.derive(J).lines) == 4 * 40


def test_what_is_assigned_stands_with_its_place():
    v = tensor("v", 3)
    a = v * 0  # which is 0, and no array, once it is simplified
    a[0], a[2] = v[1], v[0] * v[1]
    first, _, last = ag.derive(np.sum(a**2)).lines
    assert first.rhs == "setitem(setitem(0, [0], v[1]), [2], v[0] v[1])"
    assert "setitem(∂J/∂T1, [2], 0)[0]" in last.rhs


def test_what_is_zero_but_for_rounding_is_shown():
    S, K, s, r = (tensor(n) for n in "SKsr")
    S.data, K.data, s.data, r.data = (np.array(x) for x in (100.0, 95.0, 0.2, 0.03))
    d = (np.log(S / K) + r + s**2 / 2) / s
    price = S * scipy.special.ndtr(d) - K * np.exp(-r) * scipy.special.ndtr(d - s)
    shown = {line.lhs: line.rhs for line in ag.derive(price, wrt=[S]).lines}
    assert "exp(−r)" in shown["∂J/∂T1"]  # it is 0, and the tape has 1e-15
    z = tensor("z", 4)
    assert ag.derive(np.sum(np.log(np.exp(z))) - np.sum(z)).lines[-1].rhs.startswith("0")
    assert ag.derive(np.sum(ag.softmax(z))).lines[-1].rhs == "T1 ∘ (1 − Σ T1)"


# Deliberate mistakes: a line that is not what the tape has is not shown


def test_a_wrong_simplification_raises(monkeypatch):
    right = simplification._shortest
    factor = simplification.sympy().Rational(1001, 1000)
    monkeypatch.setattr(simplification, "_shortest", lambda e: right(factor * e if e.is_Mul else e))
    with pytest.raises(ArithmeticError, match=r"∂J/∂Z2 = .* does not hold"):
        ag.derive(cost([2, 4, 1], ["tanh", "sigmoid"], BCE)[-1])


def test_a_forgotten_transpose_raises(monkeypatch):
    monkeypatch.setattr(reading, "transposed", lambda a: a)
    with pytest.raises((ArithmeticError, ValueError)):
        ag.derive(cost([3, 3, 3], ["tanh", "sigmoid"], HSE, 3)[-1])


def test_a_dropped_term_raises(monkeypatch):
    read = reading.Reader._translated

    def without_last_term(self, step):
        e = read(self, step)
        return e.arguments[0] if step.is_gradient and step.op is np.add else e

    monkeypatch.setattr(reading.Reader, "_translated", without_last_term)
    X, W = tensor("X", 3, 5, grad=False), tensor("W", 3, 3)
    with pytest.raises(ArithmeticError, match="∂J/∂W"):
        ag.derive(np.sum(np.tanh((W @ (W @ X).named("A1")).named("A2"))))


def test_a_condition_that_the_data_do_not_fulfil_raises(monkeypatch):
    net, _, X, _, _ = cost([2, 4, 3], ["tanh", "softmax"], CE, 6)
    J = cost_of_labels_that_sum_to_anything(net, X)
    pretend = lambda self, e: ("the columns of Y sum to 1",) if e.shape == (1, 6) else None
    monkeypatch.setattr(named_tape.NamedTape, "is_one", pretend)
    with pytest.raises(ArithmeticError, match="does not hold"):
        ag.derive(J)


def test_a_guard_left_out_where_it_is_active_raises(monkeypatch):
    always = lambda recorded, points: {s.number: 0 for s in recorded if s.op is np.maximum}
    monkeypatch.setattr(named_tape, "inactive", always)
    with np.errstate(all="ignore"), pytest.raises(ArithmeticError, match="∂J/∂Z2 = 1/50"):
        ag.derive(cost([2, 4, 1], ["tanh", "sigmoid"], BCE, 50, scale=300)[-1])


def test_what_is_true_only_at_the_tapes_values_raises(monkeypatch):
    """relu′ taken for 1 where every input is positive: the fresh point shows it."""
    x = ag.Tensor([2.0, 3.0, 1.0, 4.0], requires_grad=True, name="x")
    J = np.sum(ag.relu(x))
    assert ag.derive(J).lines[0].rhs == "[x > 0]"
    monkeypatch.setattr(reading, "_compare", lambda step, a, b: tree.number(1))
    monkeypatch.setitem(reading._TRANSLATIONS, np.greater, lambda step, a, b: tree.number(1))
    with pytest.raises(ArithmeticError, match="does not hold"):
        ag.derive(J)


# Notations


def shown(J, notation):
    return [str(line) for line in ag.derive(J, notation=notation).lines]


def test_notation_000():
    for batch_axis in (1, 0):
        J = cost([2, 4, 1], ["tanh", "sigmoid"], BCE, 400, batch_axis)[-1]
        assert shown(J, "000") == [
            "∂𝓛/∂A^[2] = (A^[2] − y⃗) / (A^[2] ∘ (1 − A^[2]))",
            "∂𝓛/∂Z^[2] = ∂𝓛/∂A^[2] ∘ G^[2]′(Z^[2])",
            "∂𝓙/∂W^[2] = 1/m ∂𝓛/∂Z^[2] A^[1]ᵀ",
            "∂𝓙/∂b⃗^[2] = 1/m ∂𝓛/∂Z^[2] 1_{m×1}",
            "∂𝓛/∂A^[1] = W^[2]ᵀ ∂𝓛/∂Z^[2]",
            "∂𝓛/∂Z^[1] = ∂𝓛/∂A^[1] ∘ G^[1]′(Z^[1])",
            "∂𝓙/∂W^[1] = 1/m ∂𝓛/∂Z^[1] A^[0]ᵀ",
            "∂𝓙/∂b⃗^[1] = 1/m ∂𝓛/∂Z^[1] 1_{m×1}",
        ]
    assert ag.derive(J, notation="000").lines[5].note == "G^[1]′(Z^[1]) = 1 − A^[1] ∘ A^[1]"


def test_notation_001():
    for batch_axis in (1, 0):
        J = cost([2, 4, 1], ["tanh", "sigmoid"], BCE, 400, batch_axis)[-1]
        derived = ag.derive(J, notation="001")
        assert [str(line) for line in derived.lines] == [
            "H^(2) = 1/N (A^(2) − T)",
            "∂J/∂W^(2) = H^(2) (A^(1))ᵗ",
            "∂J/∂b^(2) = H^(2) J_N",
            "Δ^(1) = (W^(2))ᵗ H^(2)",
            "H^(1) = Δ^(1) ⊙ (1 − A^(1) ⊙ A^(1))",
            "∂J/∂W^(1) = H^(1) (A^(0))ᵗ",
            "∂J/∂b^(1) = H^(1) J_N",
        ]
        assert derived.lines[0].note == "σ′ = A^(2) ⊙ (1 − A^(2)) cancels"
        assert derived.lines[3].shape == (4, 400)
    J = cost([2, 4, 3], ["tanh", "tanh"], HSE, 5)[-1]
    assert shown(J, "001")[:2] == ["Δ^(2) = 1/N (A^(2) − T)", "H^(2) = Δ^(2) ⊙ (1 − A^(2) ⊙ A^(2))"]


@pytest.mark.parametrize("m", [1, 2, 3, 4, 7])
def test_the_number_of_samples_is_a_letter_where_it_divides(m):
    J = cost([2, 4, 1], ["tanh", "sigmoid"], BCE, m)[-1]
    assert shown(J, "001")[4] == "H^(1) = Δ^(1) ⊙ (1 − A^(1) ⊙ A^(1))"
    assert shown(J, "001")[0] == ("H^(2) = 1/N (A^(2) − T)" if m > 1 else "H^(2) = A^(2) − T")
    assert ag.derive(J, notation="000").lines[1].note == "G^[2]′(Z^[2]) = A^[2] ∘ (1 − A^[2])"


def test_notation_002():
    J = cost([2, 4, 3, 2], ["sigmoid"] * 3, HSE, 1)[-1]
    derived = ag.derive(J, notation="002")
    assert [str(line) for line in derived.lines][:6] == [
        "∂C/∂z^3 = (a^3 − y) ∘ a^3 ∘ (1 − a^3)",
        "∂C/∂W^3 = ∂C/∂z^3 (a^2)ᵀ",
        "∂C/∂b^3 = ∂C/∂z^3",
        "∂C/∂z^2 = ((W^3)ᵀ ∂C/∂z^3) ∘ σ′(z^2)",
        "∂C/∂W^2 = ∂C/∂z^2 (a^1)ᵀ",
        "∂C/∂b^2 = ∂C/∂z^2",
    ]
    assert derived.lines[3].note == "σ′(z^2) = a^2 ∘ (1 − a^2)"
    steps = ag.derive(J, notation="002", steps=True).lines[3].steps
    assert steps[-1] == "insert ∂C/∂a^2 = (W^3)ᵀ ∂C/∂z^3"


def test_notation_003_in_rows():
    for batch_axis in (0, 1):
        J = cost([4, 3, 2, 1], ["sigmoid"] * 3, BCE, 1, batch_axis)[-1]
        derived = ag.derive(J, notation="003")
        assert [str(line) for line in derived.lines] == [
            "g^[3a] = (a^[3] − y) / (a^[3] ∘ (1 − a^[3]))",
            "g^[3z] = g_o′(z^[3]) ∘ g^[3a]",
            "g^[3W] = (a^[2])ᵀ · g^[3z]",
            "g^[3b] = g^[3z]",
            "g^[2a] = g^[3z] · (W^[3])ᵀ",
            "g^[2z] = g_h′(z^[2]) ∘ g^[2a]",
            "g^[2W] = (a^[1])ᵀ · g^[2z]",
            "g^[2b] = g^[2z]",
            "g^[1a] = g^[2z] · (W^[2])ᵀ",
            "g^[1z] = g_h′(z^[1]) ∘ g^[1a]",
            "g^[1W] = (a^[0])ᵀ · g^[1z]",
            "g^[1b] = g^[1z]",
        ]
        assert [line.shape for line in derived.lines[4:8]] == [(1, 2), (1, 2), (3, 2), (1, 2)]


def test_notation_004():
    for batch_axis in (1, 0):
        J = cost([2, 4, 3], ["sigmoid", "sigmoid"], HSE, 1, batch_axis)[-1]
        assert shown(J, "004") == [
            "d_{a^3} C = a^3 − y",
            "d_{z^3} C = d_{a^3} C ⊙ σ′(z^3)",
            "D_{W^3} C = d_{z^3} C ⊗ a^2",
            "d_{b^3} C = d_{z^3} C",
            "d_{a^2} C = (W^3)ᵗ d_{z^3} C",
            "d_{z^2} C = d_{a^2} C ⊙ σ′(z^2)",
            "D_{W^2} C = d_{z^2} C ⊗ a^1",
            "d_{b^2} C = d_{z^2} C",
        ]


@pytest.mark.parametrize("notation", ["000", "001", "002", "003", "004"])
def test_a_cost_that_the_document_does_not_treat(notation):
    W, X, Y = tensor("W1", 3, 2), tensor("X", 2, 1, grad=False), tensor("Y", 3, 1, grad=False)
    A1 = ag.sigmoid((W @ X).named("Z1")).named("A1")
    penalty = nn.losses.half_squared_error(A1, Y) + 0.1 * np.sum(W * W)
    reason = "single output" if notation == "000" else "also reaches W1 in another way"
    with pytest.raises(
        ValueError, match=f"notation '{notation}' does not fit this cost: .*{reason}"
    ):
        ag.derive(penalty, notation=notation)


@pytest.mark.parametrize(
    ("notation", "network", "reason"),
    [
        ("000", ([2, 4, 1], ["tanh", "sigmoid"], BCE, 400, 1, "sum"), "no factor 1/400"),
        ("000", ([2, 4, 2], ["tanh", "sigmoid"], BCE), "a single output, and A2 has 2"),
        ("001", ([2, 4, 1], ["tanh", "sigmoid"], BCE + "_with_logits"), "A2 is not on its tape"),
        ("002", ([2, 4, 1], ["sigmoid", "sigmoid"], HSE), "one sample, and A2 has 400"),
        ("002", ([2, 4, 1], ["sigmoid", "sigmoid"], BCE, 1), "∂C/∂A2 = a − y"),
        ("003", ([2, 4, 1], ["sigmoid", "sigmoid"], HSE, 1), "that of the cross-entropy"),
        ("004", ([2, 4, 1], ["sigmoid", "sigmoid"], BCE, 1), "∂C/∂A2 = a − y"),
    ],
)
def test_what_does_not_fit_is_said(notation, network, reason):
    with pytest.raises(ValueError, match=reason):
        ag.derive(cost(*network)[-1], notation=notation)


def test_other_names_do_not_fit_a_document():
    x = tensor("x", 3, 1)
    with pytest.raises(ValueError, match="no tensors on its tape have the names W1"):
        ag.derive(np.sum(x * x), notation="001")
    W1, Y = tensor("W1", 3, 2), tensor("Y", 3, 1, grad=False)
    A1 = ag.sigmoid((W1 @ tensor("inputs", 2, 1, grad=False)).named("Z1")).named("A1")
    with pytest.raises(ValueError, match=r"inputs \(2, 1\) is not one of them"):
        ag.derive(nn.losses.half_squared_error(A1, Y), notation="001")
    W1, Y = tensor("W1", 3), tensor("Y", 3, grad=False)
    J = np.sum(np.square((np.tanh(W1)).named("A1") - Y))
    with pytest.raises(ValueError, match=r"A1 \(3,\) and Y \(3,\) are not like matrices"):
        ag.derive(J, notation="001")
    for unknown in ("005", 5, None, ["001"]):
        known = re.escape(f"notation={unknown!r}: there are plain, 000, 001, 002, 003, 004")
        with pytest.raises(ValueError, match=f"{known}$"):
            ag.derive(np.sum(x * x), notation=unknown)


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        ({"hadamard": "*"}, "hadamard is '*'"),
        ({"transpose": ("ᵗ",)}, "transpose is"),
        ({"ones": ("e", 1)}, "ones is"),
        ({"letters": dict.fromkeys("WbZAY", ("w", "w")) | {"∂": "d@"}}, "∂ is 'd@'"),
    ],
)
def test_a_sign_that_is_no_pair_of_strings_is_named(wrong, key):
    with pytest.raises(TypeError, match=f"notation 'mine': {re.escape(key)}.* a pair of strings"):
        ag.Notation("mine", **wrong)


SIGNS = {"⊙": "∘", "ᵗ": "ᵀ", " · ": " ", "1_{m×1}": "1", "J_N": "1", "1/N": "1/m"}


def in_letters(notation, d, P, f, X, Y):
    """The values of the closed form, by what the notation prints for each."""
    values = {("value", "Y", 0): Y, ("value", "A", 0): X}
    for l in f.Z:
        Z, A = f.Z[l].data, f.A[l].data
        values |= {("value", "Z", l): Z, ("value", "A", l): A}
        values |= {("value", name, l): P[f"{name}{l}"] for name in "Wb"}
        values |= {("gradient", name, l): d[f"d{name}{l}"] for name in "WbZA"}
        if "m∂" in notation.letters:
            values |= {("loss", name, l): X.shape[1] * d[f"d{name}{l}"] for name in "ZA"}
        if "σ′" in notation.letters:
            last = l == len(f.Z) and "last σ′" in notation.letters
            slope = closed_form.ACTIVATION_FORMS["sigmoid"][1](1, Z, A)
            values["last slope" if last else "slope", "Z", l] = slope
    turned = {key: x if notation.columns else x.T for key, x in values.items()}
    return {notation.letter(*key, latex=False)[0]: x for key, x in turned.items()}


def judged_in_letters(derived, values, m):
    """Compare every line, as text in the letters of a document, with these values."""
    names = sorted(values, key=len, reverse=True)
    for line in derived.lines:
        text = line.rhs
        for k, name in enumerate(names):
            text = text.replace(name, f"v{k}")
        for sign, plain in SIGNS.items():
            text = text.replace(sign, plain)
        text = re.sub(r"⊗ (\w+)", r"\1ᵀ", text.replace("1/m", f"1/{m}"))
        found = Computed(text, {f"v{k}": values[name] for k, name in enumerate(names)}).value
        assert values[line.lhs].shape == line.shape
        np.testing.assert_allclose(
            np.broadcast_to(found, line.shape), values[line.lhs], atol=1e-12, err_msg=str(line)
        )


@pytest.mark.parametrize("batch_axis", [1, 0])
@pytest.mark.parametrize("notation", NOTATIONS.values(), ids=list(NOTATIONS))
def test_each_line_in_the_letters_of_a_document_is_the_closed_form(notation, batch_axis):
    network = [3, 4, 2, 1], ["sigmoid"] * 3, notation.loss or BCE
    m = 1 if notation.one_sample else 7
    derived = ag.derive(cost(*network, m, batch_axis)[-1], notation=notation)
    net, f, X, Y, _ = cost(*network, m)
    P = {name: p.data for name, p in net.parameters().items()}
    d = closed_form.gradients(P, X, Y, *network[1:])
    judged_in_letters(derived, in_letters(notation, d, P, f, X, Y), m)
    transposed = replace(notation, columns=not notation.columns)
    shifted = d | {"dZ2": 1.001 * d["dZ2"]}
    for wrong in (in_letters(transposed, d, P, f, X, Y), in_letters(notation, shifted, P, f, X, Y)):
        with pytest.raises((AssertionError, ValueError)):
            judged_in_letters(derived, wrong, m)


def test_a_value_without_the_factor_of_its_letter_raises(monkeypatch):
    value = fitting.InLetters.value
    gradient = lambda s: replace(s, kind="gradient") if s.kind == "loss" else s
    monkeypatch.setattr(fitting.InLetters, "value", lambda self, s, k: value(self, gradient(s), k))
    with pytest.raises(ArithmeticError, match="does not hold"):
        ag.derive(cost([2, 4, 1], ["tanh", "sigmoid"], BCE)[-1], notation="000")


def test_a_notation_of_ones_own():
    letters = {name: (f"{name}ℓ", f"{name}_{{ℓ}}") for name in "WbZA"} | {"Y": ("Y", "Y")}
    mine = ag.Notation("mine", letters=letters | {"∂": ("d@", r"\mathrm{d}@")}, count="n")
    derived = ag.derive(cost([2, 4, 1], ["tanh", "sigmoid"], BCE)[-1], notation=mine)
    assert [str(line) for line in derived.lines][:4] == [
        "dZ2 = 1/n (A2 − Y)", "dW2 = dZ2 (A1)ᵀ", "db2 = dZ2 1", "dA1 = (W2)ᵀ dZ2",
    ]  # fmt: skip
    assert derived.lines[1].latex == r"\mathrm{d}W_{2} = \mathrm{d}Z_{2} (A_{1})^{\top}"
    with pytest.raises(ValueError, match="notation 'mine' has no letters for b, Y"):
        ag.Notation("mine", letters={k: v for k, v in mine.letters.items() if k not in "bY"})


def test_the_engine_loads_the_documents_only_for_their_names():
    code = (
        "import sys, numpy as np, autograd_lite as ag\n"
        "x = ag.Tensor([1.0], requires_grad=True, name='x')\n"
        "ag.derive(np.sum(x)); print('nn' in sys.modules)\n"
        "try: ag.derive(np.sum(x), notation='001')\n"
        "except ValueError as error: print(str(error)[:27], 'nn' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split("\n") == ["False", "notation '001' does not fit True", ""]


# How it is shown


def test_latex():
    J = cost([2, 4, 1], ["tanh", "sigmoid"], BCE)[-1]
    derived = ag.derive(J)
    rows = derived.latex().splitlines()
    assert rows[0] == r"\begin{aligned}"
    assert rows[1] == (
        r"\frac{\partial J}{\partial Z_{2}} &= \frac{1}{400} (A_{2} - Y) && (1,\,400) "
        r"&& \sigma'\text{ = }A_{2} \circ (1 - A_{2})\text{ cancels} \\[4pt]"
    )
    assert derived.lines[1].latex == (
        r"\frac{\partial J}{\partial W_{2}} = \frac{\partial J}{\partial Z_{2}} A_{1}^{\top}"
    )
    assert derived._repr_latex_().startswith("$$\n\\begin{aligned}")
    assert r"N &= 400" in ag.derive(J, notation="001").latex()


@pytest.mark.parametrize("notation", ["plain", "000", "001", "002", "003", "004"])
def test_the_latex_can_be_typeset(notation):
    from matplotlib.mathtext import MathTextParser

    loss = HSE if notation in ("002", "004") else BCE
    samples = 400 if notation in ("plain", "000", "001") else 1
    J = cost([2, 3, 1], ["sigmoid", "sigmoid"], loss, samples)[-1]
    parser = MathTextParser("path")
    for line in ag.derive(J, notation=notation, steps=True).lines:
        parser.parse(f"${line.latex}$")


def test_names_of_users_stay_names():
    evil = "\\input{x} $ & <b>_^ \n" + "y" * 10_000
    W, X = tensor(evil, 2, 3), tensor("<script>", 3, 4, grad=False)
    derived = ag.derive(np.sum(np.square(W @ X)).named("}%"))
    latex = derived.latex()
    assert not re.search(r"\\input|<\S|[^\\][$%]", latex)
    assert latex.count("\n") == len(derived.lines) + 1
    assert len(latex) < 2000
    assert len(str(derived).splitlines()) == len(derived.lines)
    assert latex.replace(r"\{", "").replace(r"\}", "").count("{") == latex.replace(
        r"\{", ""
    ).replace(r"\}", "").count("}")


def test_two_tensors_of_one_name():
    W, V, X = tensor("W", 2, 3), tensor("W", 2, 3), tensor("X", 3, 4, grad=False)
    derived = ag.derive(np.sum((W @ X).named("P") * (V @ X).named("Q")))
    assert [line.lhs for line in derived.lines] == ["∂J/∂Q", "∂J/∂W′", "∂J/∂P", "∂J/∂W"]


# What can go wrong


def test_what_is_asked_for_must_be_on_the_tape():
    x, y = tensor("x", 3), tensor("y", 3)
    with pytest.raises(ValueError, match="y .* is not on the tape"):
        ag.derive(np.sum(x * x), [y])
    with pytest.raises(ValueError, match="is not a scalar"):
        ag.derive(x * x)
    with pytest.raises(TypeError, match="not from float"):
        ag.derive(1.0)


def test_without_sympy(monkeypatch):
    monkeypatch.setitem(sys.modules, "sympy", None)
    with pytest.raises(ImportError, match=r'pip install "autograd-lite\[derive\]"$'):
        ag.derive(np.sum(tensor("x", 3)))


def test_values_that_are_not_finite():
    x = ag.Tensor([0.0, 1.0], requires_grad=True, name="x")
    with np.errstate(all="ignore"):
        J = np.sum(np.log(x))
    with pytest.raises(ArithmeticError, match="∂J/∂x is not finite on this tape"):
        ag.derive(J)


def test_the_command(capsys):
    network = ["--layers", "2,4,1", "--activations", "tanh,sigmoid", "--loss", BCE]
    assert command.main(["derive", *network, "--notation", "001"]) == 0
    assert "H^(2) = 1/N (A^(2) − T)" in capsys.readouterr().out
    assert command.main(["derive", *network, "--latex", "--batch-axis", "0"]) == 0
    assert capsys.readouterr().out.startswith("\\begin{aligned}\n")
    assert command.main(["derive", *network, "--steps", "--samples", "3"]) == 0
    assert "    chain rule: ∂J/∂Z2 = ∂J/∂A2 ∘ σ′" in capsys.readouterr().out
    for notation in ("plain", "000", "001", "002", "003", "004"):
        assert command.main(["derive", "--notation", notation]) == 0
        assert capsys.readouterr().out.count("\n") >= 7
    assert command.main(["derive", *network, "--notation", "004"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("autograd-lite: notation '004' does not fit this cost")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("cost_of", "line"),
    [
        (lambda x: x[0, 1] * 1.0, "∂J/∂x = scatter_add(1, [0, 1])"),
        (lambda x: np.sum(x[0]) + np.sum(x[1:]), "scatter_add(1ᵀ, [1:]) + scatter_add(1, [0])"),
        (lambda x: np.sum(np.einsum("ij,jk->ik", x, x.T)), "einsum(ik,jk→ij, 1, xᵀ)"),
    ],
)
def test_a_line_says_where_a_part_stands(cost_of, line):
    x = ag.Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True, name="x")
    assert line in str(ag.derive(cost_of(x)))


@pytest.mark.parametrize(
    "mask",
    [
        lambda x: x > 0,
        lambda x: ~(x > 0),
        lambda x: (x > 0) & (x < 100),
        lambda x: np.array([True, False, True]),
        lambda x: ag.Tensor([True, False, True], name="m"),
    ],
)
def test_a_mask_as_an_index_stays_a_mask(mask):
    x = ag.Tensor([1.0, -2.0, 3.0], requires_grad=True, name="x")
    J = np.sum(x[mask(x)] ** 3)
    assert str(ag.derive(J))  # each line is evaluated, and compared with the tape
    chosen = np.asarray(getattr(mask(x), "data", mask(x)))
    (g,) = ag.gradients(J, [x])
    np.testing.assert_allclose(g, 3 * x.data**2 * chosen)
