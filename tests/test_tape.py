"""ag.tape: the table tells what was recorded, the same in every run, however long or odd."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from builders import hidden_layer
from odd_names import ODD_NAMES

import autograd_lite as ag
import nn
from autograd_lite.graph import Step, steps
from autograd_lite.views.texts import clean, short


def layer_cost():
    return np.mean(2 * np.square(hidden_layer()["A1"])).named("J")


def cells(table):
    """The cells of the printed table, cut where the columns of its first line begin."""
    head, *lines = str(table).splitlines()
    starts = [match.start() for match in re.finditer(r"\S+", head)]
    starts[0] = 0
    ends = [*starts[1:], None]
    return [[line[a:b].strip() for a, b in zip(starts, ends, strict=True)] for line in lines]


def test_a_row_for_each_step_in_order():
    J = layer_cost()
    recorded, rows = list(steps(J)), cells(ag.tape(J))
    assert len(rows) == len(recorded) == len(ag.tape(J))
    for (at, name, operation, inputs, shape, value), step in zip(rows, recorded, strict=True):
        assert at == f"%{step.number}"
        assert name == (step.label or "")
        assert operation == step.name
        assert shape == str(step.shape)
        given = re.findall(r"[^ ,]+", inputs)
        assert given == [f"%{x.number}" if isinstance(x, Step) else str(x) for x in step.inputs]
        first = re.findall(r"[-\d.e]+", value)[0]
        assert float(first) == pytest.approx(step.value.flat[0], rel=1e-3)


def test_gradients_stand_where_they_are_kept():
    J = layer_cost()
    before = str(ag.tape(J))
    assert "gradient" not in before
    J.backward()
    after = {row[1]: row[6] for row in cells(ag.tape(J)) if row[1]}
    W1, b1 = (steps(J).step(name).tensor for name in ("W1", "b1"))
    expected = dict(zip(("W1", "b1"), map(short, ag.gradients(J, [W1, b1])), strict=True))
    assert after == {"X": "", "Z1": "", "A1": "", "J": "", **expected}
    assert [row[:6] for row in cells(ag.tape(J))] == cells(before)

    J = layer_cost()
    J.backward(retain_grads=True)
    (dA1,) = ag.gradients(J, [steps(J).step("A1").tensor])
    kept = {row[1]: row[6] for row in cells(ag.tape(J))}
    assert kept["A1"] == short(dA1)
    assert kept["J"] == "1"
    assert not kept["X"]


def test_the_same_program_gives_the_same_text():
    assert str(ag.tape(layer_cost())) == str(ag.tape(layer_cost()))

    @ag.differentiable(lambda g, y, x, scale: g * scale(1))
    def scaled(x, scale):
        return scale(x)

    x = ag.Tensor([1.0], requires_grad=True)
    text = str(ag.tape(scaled(x, scale=lambda t: 2 * t)))
    assert "scale=<function>" in text
    assert "0x" not in text


def test_static_arguments_and_indices_are_told():
    x = ag.Tensor(np.arange(24.0).reshape(2, 3, 4), requires_grad=True, name="x")
    at = ag.Tensor([0, 1])
    told = [row[2] for row in cells(ag.tape(np.sum(x, axis=1)[at, ::2]))]
    assert "sum axis=(1,)" in told
    assert "getitem index=(·, ::2)" in told


def test_a_long_tape_is_cut_in_the_middle_and_says_so():
    t = ag.Tensor([1.0], requires_grad=True, name="x")
    for _ in range(100):
        t = t * 1.01
    table = ag.tape(t, most=11)
    lines = str(table).splitlines()
    assert lines[6] == "… 90 of 101 rows are left out: tape(J, most=101)"
    numbers = [int(n) for n in re.findall(r"^ *%(\d+)", str(table), re.M)]
    assert numbers == [*range(5), *range(95, 101)]
    assert len(table) == 101
    assert "left out" not in str(ag.tape(t, most=101))


def test_a_tape_of_a_hundred_thousand_operations():
    t = ag.Tensor([1.0], requires_grad=True, name="x")
    for _ in range(100_000):
        t = t * 1.0
    assert "99941 of 100001 rows" in str(ag.tape(t))


@pytest.mark.parametrize("name", ODD_NAMES, ids=lambda name: ascii(name[:12]))
def test_odd_names_stay_inside_their_cell(name):
    x = ag.Tensor([1.0, 2.0], requires_grad=True, name=name)
    table = ag.tape(np.sum(x))
    assert len(str(table).splitlines()) == 1 + len(table)
    assert max(map(len, str(table).splitlines())) < 120
    root = ElementTree.fromstring(table._repr_html_())
    assert {e.tag for e in root.iter()} == {"table", "thead", "tbody", "tr", "th", "td"}
    rows = root.findall("./tbody/tr")
    assert [len(row) for row in rows] == [6] * len(table)
    assert rows[0][1].text == clean(name)
    assert str(table).splitlines()[1].split("leaf")[0].split(maxsplit=1)[1].strip() == clean(name)


def test_html_says_what_is_left_out_too():
    t = ag.Tensor([1.0], requires_grad=True)
    for _ in range(50):
        t = t + 1
    root = ElementTree.fromstring(ag.tape(t, most=10)._repr_html_())
    rows = root.findall("./tbody/tr")
    assert len(rows) == 11
    assert "41 of 51 rows" in rows[5][0].text


def test_two_tensors_of_one_name_and_wrong_calls():
    a, b = (ag.Tensor([v], requires_grad=True, name="W1") for v in (1.0, 2.0))
    assert [row[1] for row in cells(ag.tape(a * b))] == ["W1", "W1′", ""]
    with pytest.raises(TypeError, match="belongs to a Tensor, not to ndarray"):
        ag.tape(np.ones(2))
    with pytest.raises(ValueError, match="most=1"):
        ag.tape(a, most=1)


def test_values_are_short_and_never_minus_zero():
    assert short(np.array(-0.0)) == "0"
    assert short(np.array([[1.23456789], [-1e-9]])) == "[1.235, -1e-09]"
    assert short(np.arange(5)) == "[0, 1, 2, …]"
    assert short(np.zeros((0, 3))) == "[]"
    assert short(np.array([True, False])) == "[True, False]"
    assert short(np.array([np.nan, np.inf])) == "[nan, inf]"
    assert short(np.ones(10**6).reshape(1000, 1000).T) == "[1, 1, 1, …]"


@pytest.mark.parametrize("batch_axis", [0, 1])
def test_the_rules_of_the_backward_pass_in_order(batch_axis):
    """Each rule after what arrives is whole; together they give every gradient."""
    net = nn.Network([2, 4, 1], ["tanh", "sigmoid"], rng=0, batch_axis=batch_axis)
    X, Y = nn.datasets.planar(10, rng=0, batch_axis=batch_axis)
    f = net.forward(X)
    J = nn.losses.binary_cross_entropy(f.A[2], Y, batch_axis=batch_axis)
    runs = ag.tape(J).backward()
    into = [run.input for run in runs]
    product = "W{0} {1}" if batch_axis else "{1} W{0}"
    first, second = product.format(1, "X"), product.format(2, "A1")
    assert set(into) == {"A2", "Z2", second, "W2", "b2", "A1", "Z1", first, "W1", "b1"}
    assert all(run.output == "J" or run.output in into[:at] for at, run in enumerate(runs))
    assert runs[0].rule == "1/10 g (A2 − Y) / (A2∘(1 − A2))"  # ∘ stands between matrices only
    for run in runs:
        t = {**net.parameters(), "A1": f.A[1], "A2": f.A[2], "Z1": f.Z[1], "Z2": f.Z[2]}
        if run.input in t:
            (expected,) = ag.gradients(J, [t[run.input]])
            np.testing.assert_array_equal(run.gradient, expected)
            np.testing.assert_array_equal(run.value, t[run.input].data)
        before = [other.gradient for other in runs if other.input == run.output]
        np.testing.assert_array_equal(run.arriving, sum(before) if before else 1.0)


def test_a_tensor_used_twice_gets_one_rule_for_each_use():
    x = ag.Tensor(3.0, requires_grad=True, name="x")
    runs = ag.tape((x * x).named("J")).backward()
    assert [(run.operation, run.rule, float(run.gradient)) for run in runs] == [
        ("J = x²", "g x", 3.0)
    ] * 2


@pytest.mark.parametrize("name", ODD_NAMES)
def test_the_backward_pass_of_odd_names_is_one_line_of_text(name):
    x = ag.Tensor([1.0, 2.0], requires_grad=True, name=name)
    (last,) = ag.tape(np.sum(np.tanh(x))).backward()[-1:]
    for said in (last.operation, last.input, last.rule, last.latex):
        assert len(said.splitlines()) == 1
        assert len(said) < 500


def test_no_rule_runs_where_nothing_requires_a_gradient():
    assert ag.tape(ag.Tensor(1.0) * 2).backward() == []
