"""Compiled training: the same path as on the tape, to the bit, and what stays on the tape."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from builders import small_network, values
from interruption import ctrl_c_at_line

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
    return history, values(net)


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
        net, optimizer = small_network(), Momentum(0.1)
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


@pytest.mark.parametrize("compile", [True, False])
@pytest.mark.parametrize("batch_size", [8, 50])
@pytest.mark.parametrize("output", ["tanh", "identity"])
def test_outputs_that_are_no_probabilities_are_refused_in_both_ways(output, batch_size, compile):
    options = {"activations": ("tanh", output), "batch_size": batch_size, "epochs": 100}
    with pytest.raises(ValueError, match=r"needs outputs from 0 to 1: A2\["):
        train(compile, **options)


def outputs_leave_the_range(compile, epochs):
    """Outputs between 0 and 1 at first; after some epochs one is not."""
    net = nn.Network([1, 1], ["identity"], rng=0)
    net.set_parameters({"W1": [[0.5]], "b1": [[0.1]]})
    X, Y = np.array([[0.2, 0.5, 1.0, 0.7]]), np.array([[1.0, 1, 1, 1]])
    nn.fit(net, X, Y, BCE, GradientDescent(0.004), epochs=epochs, compile=compile)
    return net.parameters()["W1"].item()


def test_an_output_that_leaves_the_range_is_found_in_the_same_step():
    found = []
    for compile in (True, False):
        with pytest.raises(ValueError, match=r"A1\[0, 2\] is 1\.\d") as caught:
            outputs_leave_the_range(compile, epochs=1000)
        found.append(str(caught.value))
    assert found[0] == found[1]
    assert outputs_leave_the_range(True, 31) == outputs_leave_the_range(False, 31)


class Escaping(GradientDescent):
    """Its third step makes W2 infinite, which a tanh, and so J, does not show."""

    def change(self, gradient, memory):
        memory["k"] = memory.get("k", 0) + 1
        return gradient * (np.inf if memory["k"] == 3 and gradient.shape == (4, 2) else -self.rate)


@pytest.mark.parametrize("compile", [True, False])
@pytest.mark.parametrize(("batch_size", "epoch"), [(50, 3), (16, 1)])
def test_diverged_keeps_the_last_finite_parameters(compile, batch_size, epoch):
    X, Y = nn.datasets.planar(50, rng=1)
    net, same = (small_network() for _ in range(2))
    optimizer = Escaping(0.1)
    with pytest.raises(nn.Diverged, match=f"epoch {epoch}: layer 1, W1 is the first") as caught:
        nn.fit(net, X, Y, BCE, optimizer, epochs=40, batch_size=batch_size, compile=compile)
    assert len(caught.value.history.loss) == epoch - 1
    part = slice(0, 2 * batch_size) if batch_size < 50 else slice(None)
    epochs = 1 if batch_size < 50 else 2
    nn.fit(same, X[:, part], Y[:, part], BCE, GradientDescent(0.1), epochs, batch_size)
    for name, p in net.parameters().items():
        np.testing.assert_array_equal(p.numpy(), same.parameters()[name].numpy())
        assert optimizer.memory_of(p)["k"] == 2


@pytest.mark.parametrize("make", [GradientDescent, Momentum, Adam])
@pytest.mark.parametrize("batch_size", [8, 50])
@pytest.mark.parametrize(
    ("rate", "scale"),
    [(1e160, 1), (1e308, 1e9), (3e153, 1)],
    ids=["J first", "a parameter first", "later"],
)
def test_diverged_keeps_what_the_step_before_left(make, batch_size, rate, scale):
    """Compiled, the step that began it is looked for again from the start of the epoch."""
    ends = []
    for compile in (True, False):
        X, Y = nn.datasets.planar(50, rng=1)
        net = small_network(output="identity")
        optimizer = make(rate)
        with pytest.raises(nn.Diverged) as caught:
            nn.fit(
                net,
                X,
                scale * Y,
                nn.losses.half_squared_error,
                optimizer,
                epochs=60,
                batch_size=batch_size,
                compile=compile,
            )
        values = [p.numpy() for p in net.parameters().values()]
        assert all(np.isfinite(value).all() for value in values)
        memory = [optimizer.memory_of(p) for p in net.parameters().values()]
        ends.append(repr((str(caught.value), values, memory)))
    assert ends[0] == ends[1]


def test_one_parameter_ahead_of_the_others():
    """Adam's numbers differ by parameter then, and are not compiled."""
    ends = []
    for compile in (True, False):
        X, Y = nn.datasets.planar(50, rng=1)
        net, optimizer = small_network(), Adam(0.1)
        W1 = net.parameters()["W1"]
        optimizer.step({"W1": W1}, {"W1": np.ones(W1.shape)})
        nn.fit(net, X, Y, BCE, optimizer, epochs=40, compile=compile)
        ends.append(repr([p.numpy() for p in net.parameters().values()]))
    assert ends[0] == ends[1]


@pytest.mark.parametrize("make", [Momentum, Adam, Decaying])
@pytest.mark.parametrize("compile", [True, False])
def test_ctrl_c_anywhere_leaves_whole_steps(make, compile, monkeypatch):
    """Parameters and what is remembered for them are those of one step, whatever line it hit."""
    monkeypatch.setattr(nn.training, "FEW_STEPS", 0)
    once = functools.cache(lambda: nn.steps.compiled_steps(net, cost, optimizer, [(x, y, y)]))
    monkeypatch.setattr(nn.training, "compiled_steps", lambda *_: once())
    X, Y = nn.datasets.planar(20, rng=1)
    x, y = X[:, :10], Y[:, :10]
    net, optimizer = nn.Network([2, 2, 1], ["tanh", "sigmoid"], rng=2), make(0.1)
    cost = nn.evaluation.cost_of(BCE, 1)
    parameters = net.parameters().values()

    def fit(X, Y, epochs):
        options = {"epochs": epochs, "batch_size": 10, "compile": compile, "progress": False}
        return nn.fit(net, X, Y, BCE, optimizer, **options)

    def shown():
        return repr([(p.numpy(), optimizer.memory_of(p)) for p in parameters])

    fit(X, Y, 1)
    start, whole = optimizer.state(parameters), []
    for epochs, more in ((0, 0), (0, 1), (1, 0), (1, 1), (2, 0)):
        optimizer.restore(start)
        fit(X, Y, epochs)
        fit(x, y, more)
        whole.append(shown())
    assert len(set(whole)) == 5
    found, interrupted = [], True
    for at in range(1, 3000, 1 if compile else 5):
        optimizer.restore(start)
        try:
            with ctrl_c_at_line(at):
                history = fit(X, Y, 2)
            interrupted = history.interrupted
            assert len(history.loss) == len(history.metric)
        except KeyboardInterrupt:  # before training began, or after it
            interrupted = True
        found.append(whole.index(shown()))
        if not interrupted:
            break
    assert not interrupted
    assert set(found) == set(range(5))
