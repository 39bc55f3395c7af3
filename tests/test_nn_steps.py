"""Compiled training: the same path as on the tape, to the bit, and what stays on the tape."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_lite as ag
import nn
from nn.optimizers import Adam, GradientDescent, Momentum

BCE = nn.losses.binary_cross_entropy


class Decaying(GradientDescent):
    """An optimizer of one's own, which counts its steps."""

    def change(self, gradient, memory):
        memory["k"] = memory.get("k", 0) + 1
        return super().change(gradient, memory) / memory["k"]


def train(compile, activations=("tanh", "sigmoid"), loss=BCE, optimizer=None, **options):
    """The History, and the parameters after training."""
    classes = activations[-1] == "softmax"
    batch_axis = options.pop("batch_axis", 1)
    dtype = options.pop("dtype", float)
    X, Y = nn.datasets.planar(50, rng=1, batch_axis=batch_axis)
    if classes:
        Y = np.concatenate([Y, 1 - Y], axis=1 - batch_axis)
    sizes = [2, 4, 2 if classes else 1]
    net = nn.Network(sizes, list(activations), rng=2, batch_axis=batch_axis, dtype=dtype)
    options = {"epochs": 8, "batch_size": 8, **options}
    optimizer = optimizer or GradientDescent(0.5)
    history = nn.fit(net, X, Y, loss, optimizer, compile=compile, **options)
    return history, {name: t.numpy() for name, t in net.parameters().items()}


def assert_same_path(compiled=True, make=dict, **options):
    """Training compiled and on the tape; `make` makes what each run must have for itself."""
    one, P = train(True, **options, **make())
    two, Q = train(False, **options, **make())
    assert one.compiled is compiled
    assert not two.compiled
    assert one == two
    for name, value in P.items():
        assert value.dtype == Q[name].dtype
        np.testing.assert_array_equal(value, Q[name])


@pytest.mark.parametrize("dtype", [float, np.float32])
@pytest.mark.parametrize("optimizer", [GradientDescent, Momentum, Adam, Decaying])
def test_optimizers(optimizer, dtype):
    assert_same_path(make=lambda: {"optimizer": optimizer(0.1)}, dtype=dtype)


@pytest.mark.parametrize("batch_axis", [1, 0])
@pytest.mark.parametrize(("batch_size", "epochs"), [(1, 2), (50, 40)])
def test_batches(batch_size, epochs, batch_axis):
    options = {"batch_size": batch_size, "batch_axis": batch_axis, "epochs": epochs}
    assert_same_path(**options)
    assert_same_path(**options, shuffle=True, rng=3)


@pytest.mark.parametrize(
    ("activations", "loss"),
    [
        (("relu", "sigmoid"), nn.losses.binary_cross_entropy_with_logits),
        (("softplus", "softmax"), nn.losses.cross_entropy),
        (("sigmoid", "softmax"), nn.losses.cross_entropy_with_logits),
        (("sin", "identity"), nn.losses.half_squared_error),
        ((lambda Z: Z * ag.sigmoid(Z), "sigmoid"), lambda A, Y: np.mean(abs(A - Y))),
    ],
)
def test_losses_and_activations(activations, loss):
    assert_same_path(activations=activations, loss=loss)


def test_what_cannot_be_traced_stays_on_the_tape():
    def branches(Z):
        return np.tanh(Z) if float(np.max(Z)) > 0 else Z

    assert_same_path(compiled=False, activations=(branches, "sigmoid"))

    def noisy():
        rng = np.random.default_rng(0)
        return {"loss": lambda A, Y: BCE(A, Y) + 0.1 * rng.normal() * np.sum(A)}

    one, _ = train(True, **noisy())
    assert not one.compiled
    assert len(set(one.loss)) == 8


def test_what_may_change_between_epochs_stays_on_the_tape():
    def changing():
        factor = [1.0]
        return {
            "loss": lambda A, Y: factor[0] * BCE(A, Y),
            "progress": lambda epoch, history: factor.append(factor.pop() * 0.5),
        }

    assert_same_path(compiled=False, make=changing)


@pytest.mark.parametrize("optimizer", [GradientDescent, Momentum])
def test_settings_and_parameters_may_change_between_epochs(optimizer):
    def slowing():
        changed = optimizer(0.5)

        def slow(epoch, history):
            changed.rate = 0.5 / epoch

        return {"optimizer": changed, "progress": slow}

    assert_same_path(make=slowing)
    fast, _ = train(True, optimizer=optimizer(0.5))
    assert fast.loss != train(True, **slowing())[0].loss


def test_an_optimizer_remembers_from_one_fit_to_the_next():
    X, Y = nn.datasets.planar(50, rng=1)
    ends = []
    for first, second in ((True, True), (False, False), (True, False), (False, True)):
        net, optimizer = nn.Network([2, 4, 1], ["tanh", "sigmoid"], rng=2), Momentum(0.1)
        for compile in (first, second):
            nn.fit(net, X, Y, BCE, optimizer, epochs=40, compile=compile)
        ends.append(net.parameters()["W1"].numpy())
    for end in ends[1:]:
        np.testing.assert_array_equal(end, ends[0])


def test_a_few_steps_are_not_compiled():
    assert not train(True, epochs=1, batch_size=None)[0].compiled


def test_divergence_is_found_in_the_same_step():
    found = []
    for compile in (True, False):
        with pytest.raises(nn.Diverged, match="epoch") as caught:
            train(
                compile,
                activations=("tanh", "identity"),
                loss=nn.losses.half_squared_error,
                optimizer=GradientDescent(1e100),
                epochs=60,
            )
        found.append((str(caught.value), caught.value.history.loss))
    assert found[0] == found[1]


def test_ctrl_c_keeps_the_last_whole_step(monkeypatch):
    calls = []
    compiled = ag.compile

    def interrupted(f):
        step = compiled(f)

        def run(*args):
            calls.append(1)
            if len(calls) == 5:
                raise KeyboardInterrupt
            return step(*args)

        run.source, run.unchecked = step.source, lambda *args: run
        return run

    monkeypatch.setattr(ag, "compile", interrupted)
    history, P = train(True, batch_size=50, epochs=40)
    assert history.interrupted
    assert len(history.loss) == 4
    _, Q = train(False, batch_size=50, epochs=4)
    np.testing.assert_array_equal(P["W1"], Q["W1"])
    calls.clear()
    _, P = train(True, batch_size=25, epochs=20)  # within an epoch
    _, Q = train(False, batch_size=25, epochs=2)
    np.testing.assert_array_equal(P["W1"], Q["W1"])
