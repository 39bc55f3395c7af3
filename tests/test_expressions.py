"""Expressions: what is written is what is evaluated; the rule at an edge; no name breaks out."""

from __future__ import annotations

import re

import numpy as np
import pytest
from builders import hidden_layer, normal
from samples import CASES

import autograd_lite as ag
from autograd_lite.algebra.evaluation import evaluate
from autograd_lite.algebra.notation import LATEX, TEXT, in_latex, plain
from autograd_lite.algebra.reading import Reader, RuleTexts, is_constant
from autograd_lite.algebra.tree import (
    Derivative,
    Element,
    Symbol,
    elementwise,
    flipped,
    number,
    product,
    summed,
    transposed,
)
from autograd_lite.graph import steps

HOSTILE = [
    r"\input{/etc/passwd}",
    r"x}\write18{ls}",
    "$a$ $$b$$",
    "a_b^c",
    "a & b # c % d ~",
    "<script>alert(1)</script>",
    "</pre><b>\"quoted\" 'x'",
    "two\nlines\r\n\ttab",
    "x" * 10_000,
    "\u202eevil\x00\x1b[31m",
    "{{{",
    "}",
    "\\",
    "%comment",
    "`code` $$ \\] \\)",
]


def no_way_out(latex):
    """Raise where LaTeX from a name could leave math mode, open a group, or run a command."""
    assert "\n" not in latex
    assert len(latex) < 400
    bare = re.sub(r"\\[&%$#_{}]", "", latex)
    assert not re.search(r"[%$#&~`\x00-\x1f]", bare)
    commands = set(re.findall(r"\\([A-Za-z]+)", bare))
    assert commands <= {"mathrm", "backslash", "wedge", "sim", "ldots"}, commands
    depth = 0
    for c in bare:
        depth += (c == "{") - (c == "}")
        assert depth >= 0
    assert depth == 0
    assert not re.search(r"<\S", bare)


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_names_cannot_break_out(name):
    no_way_out(in_latex(name))
    text = plain(name)
    assert len(text) < 50
    assert text.isprintable()


def test_the_check_of_names_finds_a_way_out():
    for bad in (r"\input{x}", "a$b", "a}b", "a%b", "a\nb", "<b>", "{"):
        with pytest.raises(AssertionError):
            no_way_out(bad)


A = Symbol("value", "A", 0, (2, 3))
B = Symbol("value", "B", 1, (3, 4))
C = Symbol("value", "C", 2, (2, 3))
VALUES = {"A": normal(2, 3), "B": normal(3, 4, seed=1), "C": normal(2, 3, seed=2)}


def times(a, b):
    return elementwise(np.multiply, a, b)


def over(a, b):
    return elementwise(np.divide, a, b)


def minus(a, b):
    return elementwise(np.subtract, a, b)


@pytest.mark.parametrize(
    ("e", "text", "latex"),
    [
        (product(A, B), "A B", "A B"),
        (transposed(A), "Aᵀ", r"A^{\top}"),
        (transposed(transposed(A)), "A", "A"),
        (product(transposed(minus(A, C)), A), "(A − C)ᵀ A", r"(A - C)^{\top} A"),
        (product(times(A, C), B), "(A ∘ C) B", r"(A \circ C) B"),
        (times(product(A, B), product(C, B)), "(A B) ∘ (C B)", r"(A B) \circ (C B)"),
        (minus(A, minus(C, A)), "A − C + A", "A - C + A"),
        (over(minus(A, C), number(400)), "1/400 (A − C)", r"\frac{1}{400} (A - C)"),
        (over(A, times(A, C)), "A / (A ∘ C)", r"\frac{A}{A \circ C}"),
        (times(number(-1), product(A, B)), "−A B", "-A B"),
        (minus(number(1), times(A, A)), "1 − A ∘ A", r"1 - A \circ A"),
        (elementwise(np.negative, times(A, C)), "−A ∘ C", r"-A \circ C"),
        (minus(A, times(number(-2), C)), "A + 2 C", "A + 2 C"),
        (minus(A, elementwise(np.negative, C)), "A + C", "A + C"),
        (elementwise(np.power, A, number(3)), "A^∘3", r"A^{\circ 3}"),
        (summed(A, (1,), (2, 1)), "A 1", r"A \mathbf{1}"),
        (summed(A, (0,), (1, 3)), "1ᵀ A", r"\mathbf{1}^{\top} A"),
        (elementwise(np.greater, A, number(0)), "[A > 0]", "[A > 0]"),
        (
            elementwise(np.maximum, A, number(1e-12)),
            "max(A, 1e−12)",
            r"\max\left(A, 10^{-12}\right)",
        ),
    ],
)
def test_written(e, text, latex):
    assert TEXT(e) == text
    assert LATEX(e) == latex


def test_evaluated():
    e = product(times(minus(A, C), A), B)
    a, b, c = VALUES["A"], VALUES["B"], VALUES["C"]
    np.testing.assert_array_equal(evaluate(e, lambda s: VALUES[s.label]), ((a - c) * a) @ b)
    f = flipped(e)
    np.testing.assert_allclose(evaluate(f, lambda s: VALUES[s.label].T), (((a - c) * a) @ b).T)
    assert TEXT(f) == "B ((A − C) ∘ A)"


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (0, r"(row 0 of a 2 × 1 matrix|no element 0 of 2)"),
        (3, r"(row 3 of a 2 × 1 matrix|no element 3 of 2)"),
        (np.inf, "(row inf of|no element inf of)"),
        (1.5, "the index 1.5 is no whole number"),
        (ag.Tensor(1.5, requires_grad=True), "the index 1.5 is no whole number"),
        (np.arange(3)[:, None], "(row 0 of|no element 0 of)"),
    ],
)
def test_an_element_that_does_not_exist(place, said):
    """As a value, and as what a derivative is taken by."""
    x, i = Symbol("value", "x", 0, (2, 1)), Symbol("value", "i", 1, ())
    t = ag.Tensor([[1.0], [2.0]], requires_grad=True)
    values = {"x": t, "i": place, "J": np.sum(t * t)}
    of = Symbol("value", "J", 2, ())
    for e in (Element(x, i, number(1), ()), Derivative(of, x, (), (i, number(1)))):
        with pytest.raises(IndexError, match=said):
            evaluate(e, lambda s: values[s.label])


def reader(recorded):
    def symbol(step):
        if step.op is None and not is_constant(step):
            return Symbol("value", step.label or "c", step.number, step.shape)
        return None

    return Reader(symbol)


@pytest.mark.parametrize(("f", "arrays"), [pytest.param(f, a, id=n) for n, f, a in CASES])
def test_steps_as_expressions_have_their_values(f, arrays):
    """For every operation of the table: its value and its gradients, read and evaluated."""
    tensors = [
        ag.Tensor(a, requires_grad=a.dtype.kind == "f", name=f"x{k}") for k, a in enumerate(arrays)
    ]
    y = f(*tensors)
    wrt = [t for t in tensors if t.requires_grad]
    recorded = steps(np.sum(np.sin(y)), wrt)
    read = reader(recorded)
    for step in [recorded.cost, *[recorded.gradient(t) for t in wrt]]:
        e = read(step)
        value = evaluate(e, lambda s: recorded[s.number].value)
        np.testing.assert_allclose(np.broadcast_to(value, step.shape), step.value, atol=1e-12)
        assert TEXT(e)
        assert LATEX(e)
    texts = RuleTexts(recorded)
    assert all(texts(recorded[n], k) for n, k in recorded.contributions)


def layer_steps():
    t = hidden_layer()
    W1, b1, A1 = t["W1"], t["b1"], t["A1"]
    return W1, b1, A1, steps(np.sum(np.square(A1)).named("J"), [W1, b1])


def test_the_rule_at_each_edge():
    _, _, _, recorded = layer_steps()
    texts = RuleTexts(recorded)
    shown = [(recorded[n].name, k, texts(recorded[n], k)) for n, k in recorded.contributions]
    assert shown == [
        ("reshape", 0, "g"),
        ("sum", 0, "g"),
        ("square", 0, "∘ 2 A1"),
        ("tanh", 0, "∘ (1 − A1∘A1)"),
        ("add", 0, "g"),
        ("add", 1, "g 1"),
        ("dot", 0, "g Xᵀ"),
    ]
    latex = RuleTexts(recorded, latex=True)
    assert latex(recorded.step("A1"), 0) == r"\circ (1 - A_{1} \circ A_{1})"


def test_in_a_rule_a_letter_never_means_two_tensors():
    """A short input without a name is written out; a longer one gets a letter of its own."""
    a = ag.Tensor(2.0, requires_grad=True, name="a")
    x, y = ag.Tensor(3.0, name="x"), ag.Tensor(1.0, name="y")
    recorded = steps((np.square(a - y) + np.sqrt(a * x + y)).named("J"), [a])
    texts = RuleTexts(recorded)
    by_name = {recorded[n].name: texts(recorded[n], k) for n, k in recorded.contributions}
    assert by_name["square"] == "2 g (a − y)"
    assert by_name["sqrt"] == "1/2 g / v"  # u would be the input, v is the value
    unnamed = steps(np.sqrt(a * a + 1).named("J"), [a])
    assert RuleTexts(unnamed)(unnamed.step("J"), 0) == "1/2 g / J"


def test_what_each_edge_contributed_adds_up_to_the_gradient():
    x = ag.Tensor(normal(3), requires_grad=True, name="x")
    recorded = steps(np.sum(x * x + np.sin(x) / x), [x])
    total = {}
    for (n, k), step in recorded.contributions.items():
        target = recorded[n].inputs[k].number
        total[target] = total.get(target, 0) + step.value
    for n, value in total.items():
        np.testing.assert_allclose(
            np.broadcast_to(value, recorded[n].shape), recorded.gradients[n].value
        )
