"""Right gradients whose numbers hide a mistake say so; others say nothing."""

import json

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.diagnosis import comparison, points
from benchmarks import families


@pytest.fixture(autouse=True)
def _failures_show(monkeypatch):
    monkeypatch.setattr(points, "FAILURES_SHOW", True)


def report(sizes=(2, 3, 3, 1), m=7, loss=nn.losses.half_squared_error, **parameters):
    """The comparison of right gradients, at these parameters."""
    rng = np.random.default_rng(0)
    hidden = ["relu", *["tanh"] * (len(sizes) - 3)]
    net = nn.Network(list(sizes), [*hidden, "identity"], rng=0)
    net.set_parameters({f"b{l}": rng.normal(size=(n, 1)) for l, n in enumerate(sizes) if l})
    net.set_parameters(parameters)
    X, Y = rng.normal(size=(sizes[0], m)), rng.normal(size=(sizes[-1], m))
    J = loss(net.forward(X).A[len(sizes) - 1], Y)
    own = net.parameters()
    return ag.compare(J, dict(zip(own, ag.gradients(J, list(own.values())), strict=True)))


HIDDEN = [
    ({"W2": np.ones((3, 3))}, "cannot tell W2.T from W2 in dA1 = W2.T @ dZ2"),
    ({"b1": np.full((3, 1), 9.0)}, "cannot tell relu′(Z1) from 1 in dZ1 = dA1 ∘ relu′(Z1)"),
    ({"W3": np.zeros((1, 3))}, "dW1, db1, dW2, db2: zero here, whatever the formula is."),
    ({"sizes": (2, 3, 3, 3, 1), "W2": (W := np.eye(3)[::-1] + 2), "W3": W}, "W3 from W2 in dA2"),
    ({"m": 1}, "one sample: neither 1/m nor a sum over samples shows"),
    ({"m": 3}, "The mean is over 3, and 3 is a width too: "),
    ({"sizes": (2, 1, 1)}, "W2 is 1 × 1"),
]


@pytest.mark.parametrize(("numbers", "words"), HIDDEN)
def test_numbers_that_hide_a_mistake_say_which(numbers, words):
    found = report(**numbers)
    assert found.ok
    assert any(words in note for note in found.notes), found.notes
    assert words in str(found)
    assert json.loads(found.to_json())["notes"] == found.notes


def test_what_is_said_to_be_hidden_is():
    """The mistake of each line is made: it agrees at those numbers, and not at others."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3, 7))
    for W, hidden in ((np.ones((3, 3)), True), (rng.normal(size=(3, 3)), False)):
        W1, W2 = (ag.Tensor(w, True, f"W{k}") for k, w in ((1, rng.normal(size=(3, 3))), (2, W)))
        A1 = np.tanh((W1 @ X).named("Z1")).named("A1")
        J = np.sum((W2 @ A1).named("Z2") ** 2) / 14
        dZ2 = W @ A1.data / 7
        by_hand = {"W2": dZ2 @ A1.data.T, "W1": (W @ dZ2 * (1 - A1.data**2)) @ X.T}  # W for W.T
        found = ag.compare(J, by_hand)
        assert found.ok == hidden
        assert any("W2.T from W2" in note for note in found.notes) == hidden


def test_ordinary_numbers_say_nothing():
    assert report().notes == []
    assert report(loss=lambda A, Y: nn.losses.half_squared_error(A, Y, reduction="sum")).notes == []
    assert report(sizes=(2, 3, 3, 1), m=5).notes == []


@pytest.mark.parametrize("family", families.FAMILIES, ids=lambda family: family.name)
def test_models_say_what_is_so_and_else_nothing(family, rng):
    problem = families.random_problem(family, rng)
    found = ag.compare(problem.tape(), problem.gradients()[0]).notes
    without = problem.text.replace("dR * (H > 0)", "dR")
    if without != problem.text and ag.compare(problem.tape(), problem.gradients(without)[0]).ok:
        assert "maximum′(H) from 1" in found.pop()  # pooling took no number below 0
    assert found == []


def affine(backward_w):
    def forward(x, w, b):
        h = x @ w
        return np.maximum(h + b, 0), (x, w, h + b)

    def backward(dout, cache):
        x, w, z = cache
        dz = dout * (z > 0)
        return dz @ backward_w(w), x.T @ dz, dz.sum(axis=0)

    return forward, backward


@pytest.mark.parametrize(
    ("turned", "notes"), [(True, 0), (False, 2)], ids=["right", "right by luck"]
)
def test_functions_are_tried_on_other_numbers(turned, notes):
    """w is symmetric: whether backward is right is told at a w that is not."""
    forward, backward = affine((lambda w: w.T) if turned else (lambda w: w))
    rng = np.random.default_rng(0)
    args = rng.normal(size=(4, 3)), np.ones((3, 3)), rng.normal(size=3)
    found = ag.check_backward(forward, backward, args)
    assert found.ok
    assert len(found.notes) == notes, found
    assert "weight-not-transposed" in str(found) or turned


def test_the_search_on_other_numbers_is_as_quick_and_tells_how_far_it_is(monkeypatch):
    monkeypatch.setattr(comparison, "MOST_SECONDS", -1.0)  # there is no time but for a quick one
    rng, told = np.random.default_rng(0), []
    args = rng.normal(size=(4, 3)), np.ones((3, 3)), rng.normal(size=3)
    found = ag.check_backward(
        *affine(lambda w: w), args, quick=True, progress=lambda done, of: told.append((done, of))
    )
    assert "weight-not-transposed" in str(found)
    assert told
