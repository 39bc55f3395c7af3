"""The recorded graph: steps in order, whose derivative each is, and replay."""

from __future__ import annotations

import numpy as np
import pytest
from builders import hidden_layer

import autograd_lite as ag
from autograd_lite.graph import replay, steps
from autograd_lite.tensor import tracing


def layer_and_cost():
    t = hidden_layer()
    return t, np.mean(np.square(t["A1"])).named("J")


def test_steps_are_in_order_and_name_what_they_differentiate():
    t, J = layer_and_cost()
    recorded = steps(J, [t["W1"], t["b1"]])
    for step in recorded:
        assert all(x.number < step.number for x in step.inputs if not isinstance(x, int | float))
        if step.op is not None:
            np.testing.assert_array_equal(step.run([s.value for s in recorded]), step.value)
    assert [s.label for s in recorded if s.label] == ["X", "W1", "b1", "Z1", "A1", "J"]
    assert recorded.cost.label == "J"
    of = {recorded.gradient("W1").rule_of.name, recorded.gradient("b1").rule_of.name}
    assert of == {"dot", "add"}
    forward = [s for s in recorded if not s.is_gradient]
    assert all(s.rule_of in forward for s in recorded if s.is_gradient)


@pytest.mark.parametrize("name", ["W1", "b1", "Z1", "A1"])
def test_gradient_steps_are_the_gradients(name):
    t, J = layer_and_cost()
    recorded = steps(J, [t[name]])
    (expected,) = ag.gradients(J, [t[name]])
    np.testing.assert_array_equal(recorded.gradient(name).value, expected)
    assert recorded.gradient("X") is None


def test_the_tape_is_left_as_it_was():
    t, J = layer_and_cost()
    before = (J._order, J._inputs, t["W1"].grad)
    steps(J, [t["W1"]])
    assert before == (J._order, J._inputs, t["W1"].grad)
    J.backward()
    assert len(steps(J)) == len([s for s in steps(J, [t["W1"]]) if not s.is_gradient])


def test_two_tensors_of_one_name():
    x = ag.Tensor(2.0, requires_grad=True, name="W1")
    y = ag.Tensor(3.0, requires_grad=True, name="W1")
    recorded = steps(x * y)
    assert [s.label for s in recorded] == ["W1", "W1′", None]
    with pytest.raises(KeyError, match=r"2 tensors are called 'W1' \(W1, W1′\)"):
        recorded.step("W1")
    assert recorded.step(y).label == "W1′"
    for _ in range(4):
        x = (x + 1).named("h")
    many = steps((x + 1).named("h"))
    assert [s.label for s in many][-5:] == ["h", "h′", "h′′", "h′′′", "h′(4)"]
    with pytest.raises(KeyError, match="'W7' is not on this tape"):
        recorded.step("W7")


def test_replay_follows_masks_and_branches():
    x = ag.Tensor([1.0, -2.0, 3.0], requires_grad=True)
    recorded = steps(np.sum(np.where(x > 0, x * x, -x)), [x])
    values = replay(recorded, {x: [-1.0, 2.0, 5.0]})
    assert values[recorded.cost.number] == 1 + 4 + 25
    np.testing.assert_array_equal(values[recorded.gradient(x).number], [-1, 4, 10])


def test_replay_refuses_what_would_be_wrong():
    t, J = layer_and_cost()
    recorded = steps(J, [t["W1"]])
    with pytest.raises(ValueError, match="X .* requires no gradient"):
        replay(recorded, {"X": np.zeros((2, 5))})
    with pytest.raises(ValueError, match="only leaves"):
        replay(recorded, {"Z1": np.zeros((4, 5))})
    with pytest.raises(ValueError, match=r"W1 \(4, 2\) cannot take a value of shape \(2, 4\)"):
        replay(recorded, {"W1": np.zeros((2, 4))})
    declared = steps(J, [t["W1"]], inputs=[t["X"]])
    assert replay(declared, {"X": np.zeros((2, 5))})[declared.cost.number] == 0


def test_an_edited_step_is_a_deliberate_mistake():
    t, J = layer_and_cost()
    recorded = steps(J, [t["W1"]])
    target = recorded.gradient("W1").number
    without = replay(
        recorded,
        {},
        lambda s, v: v[recorded.gradient("A1").number] if s is recorded.gradient("Z1") else None,
    )
    dA1 = 2 * t["A1"].data / t["A1"].size
    np.testing.assert_allclose(without[target], dA1 @ t["X"].data.T)


def test_while_tracing_everything_is_recorded_and_no_value_can_be_read():
    x = ag.Tensor([1.0, -1.0])
    with tracing():
        y = np.where(x > 0, x, 0)
        for ask in (
            bool,
            float,
            int,
            lambda t: t.data,
            lambda t: t.item(),
            lambda t: t.numpy(),
        ):
            with pytest.raises(ag.TracingError, match="test_graph.py"):
                ask(y[0])
        W = ag.Tensor([1.0], requires_grad=True, name="W")
        for change in (
            lambda: W.__isub__(1.0),
            lambda: setattr(W, "data", [2.0]),
            lambda: np.sum(W).backward(),
            lambda: x[x > 0],
            lambda: ag.Tensor(x),
            lambda: x.detach(),
            x.__copy__,
        ):
            with pytest.raises(ag.TracingError, match="test_graph.py"):
                change()
    assert not y.requires_grad
    recorded = steps(y, inputs=[x])
    np.testing.assert_array_equal(replay(recorded, {x: [-5.0, 7.0]})[-1], [0, 7])
    assert not ag.is_tracing()


def test_each_gradient_step_has_the_rule_that_made_it():
    """The walk says which rule made what: also where a rule gives g itself, or two arrive."""
    x = ag.Tensor([0.5, -1.0, 2.0], requires_grad=True, name="x")
    y = np.tanh(x).named("y")
    recorded = steps(np.sum((y * x + y).reshape(3, 1) * np.ones((2, 3, 4))), [x, y])
    assert {s.number for s in recorded.gradients.values()} <= {
        s.number for s in recorded if s.is_gradient
    }
    arriving: dict[int, np.ndarray] = {}
    for (number, k), given in recorded.contributions.items():
        of = recorded[number].inputs[k].number
        assert given.shape == recorded[of].shape
        arriving[of] = arriving.get(of, 0) + given.value
    for number, total in arriving.items():
        np.testing.assert_allclose(recorded.gradients[number].value, total, rtol=1e-15)
    for s in recorded:
        if s.is_gradient and s.rule_of is not recorded.cost and s.argument is not None:
            assert (s.rule_of.number, s.argument) in recorded.contributions
