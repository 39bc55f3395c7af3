"""`fit`: the steps that it takes, what it records, how it ends, and what it refuses."""

import functools
import io
import sys

import numpy as np
import pytest
from builders import small_network, values

import autograd_lite as ag
import nn
from nn import closed_form
from nn.optimizers import Adam, GradientDescent

BCE = nn.losses.binary_cross_entropy


def planar(m=40, batch_axis=1):
    return nn.datasets.planar(m, rng=1, batch_axis=batch_axis)


@pytest.mark.parametrize("batch_size", [None, 16, 1])
@pytest.mark.parametrize("batch_axis", [1, 0])
def test_the_trajectory_is_that_of_the_closed_form(batch_axis, batch_size):
    X, Y = planar(batch_axis=batch_axis)
    net = small_network(batch_axis=batch_axis)
    P = values(net)
    nn.fit(net, X, Y, BCE, GradientDescent(0.7), epochs=5, batch_size=batch_size)
    size = batch_size or 40
    for start in [*range(0, 40, size)] * 5:
        part = np.arange(start, min(start + size, 40))
        d = closed_form.gradients(
            P,
            X.take(part, batch_axis),
            Y.take(part, batch_axis),
            ["tanh", "sigmoid"],
            "binary_cross_entropy",
            batch_axis=batch_axis,
        )
        P = {name: value - 0.7 * d[f"d{name}"] for name, value in P.items()}
    for name, value in values(net).items():
        assert closed_form.relative_error(value, P[name]) < 1e-12


def test_shuffled_batches_use_every_sample_once_and_repeat_by_rng():
    X = np.arange(10.0)[np.newaxis]
    seen = []

    def loss(A, Y):
        seen.append(Y.numpy().ravel())
        return nn.losses.half_squared_error(A, Y)

    def run(rng):
        seen.clear()
        net = nn.Network([1, 1], ["identity"], rng=0)
        optimizer = GradientDescent(1e-3)
        nn.fit(net, X, X, loss, optimizer, epochs=3, batch_size=4, shuffle=True, rng=rng)
        assert [len(batch) for batch in seen] == [4, 4, 2] * 3
        return np.concatenate(seen).reshape(3, 10)

    first, again, other = run(0), run(0), run(1)
    np.testing.assert_array_equal(np.sort(first), np.tile(np.arange(10.0), (3, 1)))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert (first[0] != first[1]).any()
    assert (first != np.arange(10)).any()


def test_history_has_the_cost_and_accuracy_before_each_step():
    X, Y = planar()
    net = small_network()
    start = nn.evaluate(net, X, Y, BCE)
    history = nn.fit(net, X, Y, BCE, GradientDescent(1), epochs=1)
    after = nn.evaluate(net, X, Y, BCE)
    history2 = nn.fit(net, X, Y, BCE, GradientDescent(1), epochs=1)
    assert (history.loss, history.metric) == ([start[0]], [start[1]])
    assert history2.loss == [after[0]]
    P = values(net)
    _, A = closed_form.forward(P, X, ["tanh", "sigmoid"])
    assert nn.evaluate(net, X, Y, BCE)[1] == np.mean((A[2] > 0.5) == Y)
    assert not history.interrupted


def test_history_of_batches_weighs_them_by_their_samples():
    X, Y = planar()
    net = small_network()
    whole = nn.evaluate(net, X, Y, BCE)
    history = nn.fit(net, X, Y, BCE, GradientDescent(1e-12), epochs=1, batch_size=16)
    assert history.loss == pytest.approx([whole[0]])
    assert history.metric == pytest.approx([whole[1]])


def test_the_metric_of_a_loss_that_is_not_for_classes_is_none():
    X, Y = planar()
    history = nn.fit(
        small_network(), X, Y, nn.losses.half_squared_error, GradientDescent(0.1), epochs=2
    )
    assert history.metric == [None, None]


@pytest.mark.parametrize("batch_size", [None, 16])
@pytest.mark.parametrize("optimizer", [GradientDescent(0.1), nn.optimizers.Momentum(0.1), Adam()])
def test_float32_stays_float32(optimizer, batch_size):
    X, Y = planar()
    net = small_network(dtype=np.float32)
    nn.fit(net, X, Y.astype(int), BCE, optimizer, epochs=3, batch_size=batch_size)
    assert {p.dtype for p in net.parameters().values()} == {np.dtype(np.float32)}
    f = net.forward(X)
    assert {t.dtype for layer in f.layers.values() for t in layer} == {np.dtype(np.float32)}


def test_logits_are_taken_from_Z_and_give_the_same_path():
    X, Y = planar()
    by_A, by_Z = small_network(), small_network()
    nn.fit(by_A, X, Y, BCE, GradientDescent(1), epochs=20)
    nn.fit(by_Z, X, Y, nn.losses.binary_cross_entropy_with_logits, GradientDescent(1), epochs=20)
    for name, value in values(by_A).items():
        np.testing.assert_allclose(values(by_Z)[name], value, rtol=1e-9)


def test_a_loss_with_options_filled_in_is_still_that_loss():
    X, Y = planar()
    logits = nn.losses.binary_cross_entropy_with_logits
    summed, mean = small_network(), small_network()
    partial = functools.partial(logits, reduction="sum")
    history = nn.fit(summed, X, Y, partial, GradientDescent(0.01), epochs=3)
    same = nn.fit(mean, X, Y, logits, GradientDescent(0.4), epochs=3)
    assert history.metric == same.metric != [None] * 3
    for name, value in values(summed).items():
        np.testing.assert_allclose(value, values(mean)[name], rtol=1e-10)


def test_a_loss_of_ones_own_gets_batch_axis_if_it_takes_it():
    X, Y = planar(batch_axis=0)
    axes = []

    def loss(A, Y, batch_axis=1):
        axes.append(batch_axis)
        return np.sum(np.abs(A - Y)) / A.shape[batch_axis]

    nn.fit(small_network(batch_axis=0), X, Y, loss, GradientDescent(0.1), epochs=2)
    history = nn.fit(
        small_network(batch_axis=0), X, Y, lambda A, Y: np.mean((A - Y) ** 2), Adam(), epochs=2
    )
    assert axes == [0, 0]
    assert len(history.loss) == 2


def test_samples_and_gradients_of_the_caller_are_left_alone():
    X, Y = planar()
    X0, Y0 = X.copy(), Y.copy()
    net = small_network()
    nn.fit(net, X, Y, BCE, GradientDescent(1), epochs=2, batch_size=7)
    np.testing.assert_array_equal(X, X0)
    np.testing.assert_array_equal(Y, Y0)
    X[0, 0] = 1  # still the caller's to write
    assert all(parameter.grad is None for parameter in net.parameters().values())


def test_ctrl_c_between_epochs_keeps_what_was_learnt():
    X, Y = planar()
    net, same = small_network(), small_network()

    def stop(epoch, history):
        if epoch == 3:
            raise KeyboardInterrupt

    history = nn.fit(net, X, Y, BCE, GradientDescent(1), epochs=10, progress=stop)
    nn.fit(same, X, Y, BCE, GradientDescent(1), epochs=3)
    assert history.interrupted
    assert len(history.loss) == 3
    for name, value in values(same).items():
        np.testing.assert_array_equal(values(net)[name], value)


def test_ctrl_c_within_a_step_keeps_the_last_whole_step():
    class Interrupted(GradientDescent):
        calls = 0

        def change(self, gradient, memory):
            self.calls += 1
            if self.calls == 4 * 2 + 3:  # the third step, after W1 and b1
                raise KeyboardInterrupt
            return super().change(gradient, memory)

    X, Y = planar()
    net, same = small_network(), small_network()
    history = nn.fit(net, X, Y, BCE, Interrupted(1), epochs=10)
    nn.fit(same, X, Y, BCE, GradientDescent(1), epochs=2)
    assert history.interrupted
    assert len(history.loss) == 2
    for name, value in values(same).items():
        np.testing.assert_array_equal(values(net)[name], value)


def test_nan_in_an_activation_names_epoch_layer_and_tensor():
    X, Y = planar()
    net = nn.Network([2, 4, 3, 1], ["tanh", np.sqrt, "sigmoid"], rng=0)
    with pytest.raises(
        nn.Diverged, match=r"epoch 1: layer 2, A2 is the first.*holds nan"
    ) as caught:
        nn.fit(net, X, Y, BCE, GradientDescent(1), epochs=5)
    assert isinstance(caught.value, FloatingPointError)
    assert (caught.value.epoch, caught.value.layer, caught.value.tensor) == (1, 2, "A2")
    assert caught.value.history.loss == []


def test_a_rate_too_large_names_the_epoch_in_which_it_overflowed():
    X, Y = planar()
    net = small_network(output="identity")
    with pytest.raises(nn.Diverged, match="smaller rate") as caught:
        nn.fit(net, X, Y, nn.losses.half_squared_error, GradientDescent(1e100), epochs=50)
    history = caught.value.history
    assert caught.value.epoch == len(history.loss) + 1 > 1
    assert np.isfinite(history.loss).all()


def test_parameters_that_become_infinite_in_the_last_step():
    X, Y = planar()
    net, loss = small_network(output="identity"), nn.losses.half_squared_error
    with pytest.raises(nn.Diverged, match=r"epoch 1: layer \d, [Wb]\d is the first"):
        nn.fit(net, X, 1e9 * Y, loss, GradientDescent(1e308), epochs=1)


def test_a_cost_that_is_infinite_on_its_own():
    X, Y = planar()
    with pytest.raises(nn.Diverged, match="epoch 1: the cost J") as caught:
        nn.fit(small_network(), X, Y, lambda A, Y: np.sum(A) / 0.0, GradientDescent(1), epochs=1)
    assert caught.value.layer is None


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"X": np.ones((40, 2))}, ValueError, r"X \(40, 2\).*X is \(2, m\). X.T would fit"),
        ({"Y": np.ones((40, 3))}, ValueError, r"Y \(40, 3\): .* has 1 outputs"),
        ({"Y": np.ones((3, 40))}, ValueError, r"Y \(3, 40\): .* has 1 outputs"),
        ({"Y": np.ones((1, 39))}, ValueError, "X has 40 samples and Y 39"),
        ({"X": np.ones((2, 0)), "Y": np.ones((1, 0))}, ValueError, "X has 0 samples"),
        ({"X": [["a"], ["b"]]}, TypeError, "X has dtype"),
        ({"X": np.full((2, 40), np.inf)}, ValueError, r"X\[0, 0\] is inf"),
        ({"Y": np.full((1, 40), 2)}, ValueError, r"labels from 0 to 1: Y\[0, 0\] is 2"),
        ({"epochs": -1}, ValueError, "epochs=-1"),
        ({"epochs": 1.5}, ValueError, "epochs=1.5"),
        ({"batch_size": 0}, ValueError, "batch_size=0: it must be a whole number, 1 or more"),
        ({"shuffle": True}, ValueError, "give rng="),
    ],
)
def test_what_does_not_fit(change, error, message):
    X, Y = planar()
    options = {"X": X, "Y": Y, "loss": BCE, "optimizer": GradientDescent(1), "epochs": 1, **change}
    net = small_network()
    with pytest.raises(error, match=message):
        nn.fit(net, **options)
    for name, value in values(small_network()).items():
        np.testing.assert_array_equal(values(net)[name], value)


def test_samples_too_large_for_float32():
    X, Y = planar()
    with pytest.raises(ValueError, match=r"X\[0, 0\] is -?inf"):
        nn.fit(small_network(dtype=np.float32), 1e300 * X, Y, BCE, GradientDescent(1), epochs=1)


def test_a_bad_label_in_a_late_batch_is_found_before_any_step():
    X, Y = planar()
    Y[0, -1] = 3
    net = small_network()
    with pytest.raises(ValueError, match=r"Y\[0, 39\] is 3"):
        nn.fit(net, X, Y, BCE, GradientDescent(1), epochs=1, batch_size=8)
    np.testing.assert_array_equal(values(net)["W1"], values(small_network())["W1"])


def test_no_epochs_and_large_batches():
    X, Y = planar()
    net = small_network()
    assert nn.fit(net, X, Y, BCE, GradientDescent(1), epochs=0).loss == []
    assert len(nn.fit(net, X, Y, BCE, GradientDescent(1), epochs=1, batch_size=10**6).loss) == 1


def test_tensors_are_samples_too():
    X, Y = planar()
    history = nn.fit(small_network(), ag.Tensor(X), ag.Tensor(Y), BCE, GradientDescent(1), epochs=1)
    assert history.loss == nn.fit(small_network(), X, Y, BCE, GradientDescent(1), epochs=1).loss


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(monkeypatch, progress, terminal):
    screen = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    X, Y = planar()
    nn.fit(small_network(), X, Y, BCE, GradientDescent(1), epochs=31, progress=progress)
    return screen.getvalue()


def test_nothing_is_shown_where_nobody_looks(monkeypatch):
    assert shown(monkeypatch, None, terminal=False) == ""
    assert shown(monkeypatch, False, terminal=True) == ""


def test_plain_lines_when_asked_for(monkeypatch):
    lines = shown(monkeypatch, True, terminal=False).splitlines()
    assert len(lines) == 12
    assert lines[0].startswith("epoch 1 of 31: loss 0.")
    assert lines[-1].startswith("epoch 31 of 31: loss 0.")
    assert "accuracy 0." in lines[-1]


def test_a_bar_on_a_terminal_and_plain_lines_without_rich(monkeypatch):
    pytest.importorskip("rich")
    bar = shown(monkeypatch, None, terminal=True)
    assert "━" in bar
    assert "epoch 31 of 31: loss 0." in bar
    monkeypatch.setitem(sys.modules, "rich", None)
    assert len(shown(monkeypatch, None, terminal=True).splitlines()) == 12


def test_a_function_sees_every_epoch():
    X, Y = planar()
    seen = []
    nn.fit(
        small_network(),
        X,
        Y,
        BCE,
        GradientDescent(1),
        epochs=3,
        progress=lambda epoch, history: seen.append((epoch, len(history.loss))),
    )
    assert seen == [(1, 1), (2, 2), (3, 3)]


def test_it_learns():
    X, Y = nn.datasets.planar(400, rng=0)
    net = small_network(rng=0)
    history = nn.fit(net, X, Y, BCE, Adam(0.05), epochs=500)
    assert history.metric[-1] > 0.85


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"net": "net"}, "fit trains an nn.Network, not str"),
        ({"loss": "binary_cross_entropy"}, "give one of nn.losses"),
        ({"optimizer": 0.1}, "give one of nn.optimizers with its rate"),
        ({"optimizer": nn.optimizers.GradientDescent}, "give one of nn.optimizers with its rate"),
    ],
)
def test_the_wrong_kind_of_part_is_named(wrong, message):
    right = {
        "net": nn.Network([2, 1], ["sigmoid"], rng=0),
        "loss": nn.losses.binary_cross_entropy,
        "optimizer": nn.optimizers.GradientDescent(0.1),
    }
    with pytest.raises(TypeError, match=message):
        nn.fit(X=np.ones((2, 3)), Y=np.ones((1, 3)), epochs=1, **right | wrong)


ON, OFF = 0, -100  # the biases of the hidden layer


@pytest.mark.parametrize("compile", [True, False])
@pytest.mark.parametrize(
    ("learned", "activation", "rate", "bias"),
    [
        (True, "tanh", 1, ON),
        (True, "relu", 0.1, ON),
        (False, "tanh", 1e-300, ON),  # no step changes anything
        (False, "tanh", 1e308, ON),  # saturates at once
        (False, "tanh", 0, ON),
        (False, "relu", 0.1, OFF),  # no unit is ever active; b2 is where it should be
    ],
)
def test_a_training_that_did_not_learn_says_so(learned, activation, rate, bias, compile):
    X, Y = planar()
    net = nn.Network([2, 4, 1], [activation, "sigmoid"], rng=2)
    net.set_parameters({"b1": np.full((4, 1), bias)})
    optimizer = GradientDescent(1)
    optimizer.rate = rate
    history = nn.fit(net, X, Y, BCE, optimizer, epochs=50, compile=compile)
    assert history.learned is learned
    assert ("did not learn" in repr(history)) is not learned
    assert np.isfinite(nn.evaluate(net, X, Y, BCE)[0])


def test_one_epoch_does_not_tell_whether_it_learned():
    X, Y = planar()
    history = nn.fit(small_network(), X, Y, BCE, GradientDescent(1), epochs=1)
    assert history.learned is None
    assert "learn" not in repr(history)


def test_the_command_says_that_it_did_not_learn(capsys, tmp_path):
    from nn.cli.command import main

    saved = tmp_path / "net.npz"
    options = ["train", "--save", str(saved), "--data"]
    for data in ("planar", "breast_cancer"):
        for epochs in ("40", "1"):
            assert main([*options, data, "--rate", "1e308", "--epochs", epochs]) == 1
            assert "training did not learn: the loss was" in capsys.readouterr().err
            assert not saved.exists()
        assert main([*options, data, "--epochs", "40"]) == 0
        assert not capsys.readouterr().err
        saved.unlink()


def test_a_history_is_shown_in_one_line():
    history = nn.training.History([0.7, 0.25], [0.5, 0.9])
    assert repr(history) == "History(2 epochs: loss 0.7 → 0.25, metric 0.5 → 0.9)"
    assert repr(nn.training.History()) == "History(0 epochs)"
    assert repr(nn.training.History([1.0], [None])) == "History(1 epochs: loss 1 → 1)"
