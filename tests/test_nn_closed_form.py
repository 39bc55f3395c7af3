"""The tape's gradients of a whole network, and the closed form of document 001, section 5."""

import numpy as np
import pytest

import nn
from nn import closed_form

OUTPUTS = [  # every loss with every output that it is defined for
    *(("half_squared_error", output) for output in nn.closed_form.ACTIVATION_FORMS),
    ("binary_cross_entropy", "sigmoid"),
    ("binary_cross_entropy", "softmax"),
    ("cross_entropy", "softmax"),
    ("cross_entropy", "sigmoid"),
    ("binary_cross_entropy_with_logits", "sigmoid"),
    ("binary_cross_entropy_with_logits", "identity"),
    ("cross_entropy_with_logits", "softmax"),
    ("cross_entropy_with_logits", "identity"),
    ("huber", "identity"),
    ("huber", "tanh"),
    ("hinge", "identity"),
    ("gaussian", "identity"),
    ("gaussian", "tanh"),
]


def test_what_nn_knows_by_name_has_a_closed_form_that_is_compared_here():
    assert {*closed_form.ACTIVATION_FORMS} == {*nn.activations.NAMES}
    assert {*closed_form.LOSS_FORMS} == {*nn.losses.BY_NAME} == {loss for loss, _ in OUTPUTS}


def labels(loss: str, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Hard labels and soft ones; those of one sample add up to 1 where the loss asks for it."""
    if nn.losses.BY_NAME[loss].labels != (0, 1):
        return rng.standard_normal(shape)
    hard, drawn = rng.integers(2), rng.random(shape)
    if loss.startswith("cross_entropy"):
        return (drawn == drawn.max(0)) * 1 if hard else drawn / drawn.sum(0)
    return rng.integers(0, 2, shape) if hard else drawn


def errors(
    hidden: str,
    loss: str,
    output: str,
    L: int,
    m: int,
    batch_axis: int,
    width: int = 0,
    dtype=float,
) -> dict[str, float]:
    """By how much the tape differs from the closed form in float64, for every gradient."""
    rng = np.random.default_rng([L, m, width])
    sizes = [width or int(rng.integers(1, 6)) for _ in range(L + 1)]
    sizes[-1] *= nn.losses.BY_NAME[loss].parts
    names = [hidden] * (L - 1) + [output]
    net = nn.Network(sizes, names, rng=rng, batch_axis=batch_axis, dtype=dtype)
    net.set_parameters({k: rng.normal(0, 0.7, p.shape) for k, p in net.parameters().items()})
    X = rng.standard_normal((sizes[0], m))
    Y = labels(loss, (nn.losses.BY_NAME[loss].labels_of(sizes[-1]), m), rng)
    X, Y = (X, Y) if batch_axis == 1 else (X.T, Y.T)
    values = {name: p.numpy().astype(float) for name, p in net.parameters().items()}
    X = X.astype(dtype)
    expected = closed_form.gradients(values, X.astype(float), Y, names, loss, batch_axis=batch_axis)
    taped = closed_form.tape_gradients(net, X, Y, nn.losses.BY_NAME[loss])
    assert all(gradient.dtype == dtype for gradient in taped.values())
    assert taped.keys() == expected.keys()
    return {k: closed_form.relative_error(taped[k], expected[k]) for k in expected}


@pytest.mark.parametrize("batch_axis", [1, 0])
@pytest.mark.parametrize(("loss", "output"), OUTPUTS)
@pytest.mark.parametrize("hidden", closed_form.ACTIVATION_FORMS)
def test_every_gradient_equals_the_closed_form(hidden, loss, output, batch_axis):
    for L in range(1, 7):
        for m in (1, 5):
            for width in (0, 1):  # 0: drawn
                found = errors(hidden, loss, output, L, m, batch_axis, width)
                assert max(found.values()) < 1e-12, (L, m, width, found)


@pytest.mark.parametrize("batch_axis", [1, 0])
@pytest.mark.parametrize(("loss", "output"), OUTPUTS)
def test_float32_stays_float32(loss, output, batch_axis):
    found = errors("tanh", loss, output, 3, 5, batch_axis, dtype=np.float32)
    assert max(found.values()) < 1e-4, found


def test_the_sum_is_m_times_the_mean():
    net = nn.Network([3, 4, 2], ["tanh", "sigmoid"], rng=0)
    values = {name: p.numpy() for name, p in net.parameters().items()}
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((3, 7)), rng.random((2, 7))
    names, loss = ["tanh", "sigmoid"], "half_squared_error"
    total = closed_form.gradients(values, X, Y, names, loss, reduction="sum")
    J = nn.losses.half_squared_error(net(X), Y, reduction="sum")
    J.backward()
    for name, parameter in net.parameters().items():
        np.testing.assert_allclose(parameter.grad, total[f"d{name}"], rtol=1e-12)
    mean = closed_form.gradients(values, X, Y, names, loss)
    np.testing.assert_allclose(total["dW1"], 7 * mean["dW1"], rtol=1e-12)


@pytest.mark.parametrize(("loss", "output"), OUTPUTS)
def test_the_closed_form_itself_against_central_differences(loss, output):
    rng = np.random.default_rng(3)
    names = ["sin", output]
    P = {"W1": (3, 2), "b1": (3, 1), "W2": (2, 3), "b2": (2, 1)}
    P = {name: rng.standard_normal(shape) for name, shape in P.items()}
    known = nn.losses.BY_NAME[loss]
    X, Y = rng.standard_normal((2, 4)), labels(loss, (known.labels_of(2), 4), rng)

    def cost(P):
        Z, A = closed_form.forward(P, X, names)
        use = Z[2] if known.takes_logits else A[2]
        return known(use, Y).item()

    d = closed_form.gradients(P, X, Y, names, loss)
    for name, value in P.items():
        change = rng.standard_normal(value.shape)
        up, down = ({**P, name: value + h * change} for h in (1e-5, -1e-5))
        slope = (cost(up) - cost(down)) / 2e-5
        assert slope == pytest.approx(np.sum(d[f"d{name}"] * change), rel=1e-6, abs=1e-9)


def test_training_is_compared_on_the_way():
    rows = closed_form.compare_training(rng=1, epochs=60)
    assert {row.data for row in rows} == {"planar", "breast cancer"}
    assert len(rows) == 4 * 2 + 4 * 3
    assert max(row.error for row in rows) < 1e-10


def test_the_comparison_sees_a_wrong_rule(monkeypatch):
    value, H = closed_form.ACTIVATION_FORMS["tanh"]
    wrong = {**closed_form.ACTIVATION_FORMS, "tanh": (value, lambda Δ, Z, A: 1.001 * H(Δ, Z, A))}
    monkeypatch.setattr(closed_form, "ACTIVATION_FORMS", wrong)
    found = {(r.data, r.quantity): r.error for r in closed_form.compare_training(epochs=20)}
    assert found["planar", "dW1"] > 1e-4
    assert found["planar", "dW2"] < 1e-10


def test_relative_error_is_never_quietly_good():
    one = np.ones((2, 2))
    assert closed_form.relative_error(one * np.nan, one) == np.inf
    assert closed_form.relative_error(one, one * np.nan) == np.inf
    assert closed_form.relative_error(one, 0 * one) == np.inf
    assert closed_form.relative_error(one[:1], one) == np.inf
    assert closed_form.relative_error(0 * one, 0 * one) == 0
