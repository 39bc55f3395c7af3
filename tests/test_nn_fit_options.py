"""What `fit` measures, when it stops, and how its rate changes, against PyTorch where it can be."""

import csv
import inspect
import sys
from functools import partial

import numpy as np
import pytest
from builders import small_network, values

import nn
from nn import schedules
from nn.optimizers import Adam, AdamW, GradientDescent, Momentum, RMSprop

BCE = nn.losses.binary_cross_entropy


def planar(m=60, seed=1):
    return nn.datasets.planar(m, rng=seed)


def fit(net=None, epochs=8, optimizer=None, **options):
    X, Y = planar()
    net = net or small_network()
    return net, nn.fit(net, X, Y, BCE, optimizer or GradientDescent(1), epochs, **options)


# Schedules.


def rates_of_pytorch(torch, make, epochs):
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=0.3)
    scheduler = make(torch.optim.lr_scheduler, optimizer)
    rates = []
    for _ in range(epochs):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


SCHEDULES = {
    "stepwise": (
        schedules.stepwise(3, 0.5),
        lambda s, o: s.StepLR(o, step_size=3, gamma=0.5),
    ),
    "cosine": (
        schedules.cosine(9, least=0.1),
        lambda s, o: s.CosineAnnealingLR(o, T_max=9, eta_min=0.03),
    ),
    "warm up": (
        schedules.warm_up(4),
        lambda s, o: s.LinearLR(o, start_factor=0.25, total_iters=3),
    ),
    "warm up, then cosine": (
        schedules.warm_up(3, then=schedules.cosine(6)),
        lambda s, o: s.SequentialLR(
            o,
            [s.LinearLR(o, start_factor=1 / 3, total_iters=2), s.CosineAnnealingLR(o, T_max=6)],
            milestones=[3],
        ),
    ),
}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schedules.stepwise(0), "every=0: it must be a whole number, 1 or more"),
        (lambda: schedules.stepwise(1.5), "every=1.5"),
        (lambda: schedules.cosine(0), "epochs=0: it must be a whole number, 1 or more"),
        (lambda: schedules.cosine(-4), "epochs=-4"),
        (lambda: schedules.warm_up(-1), "epochs=-1: it must be a whole number, 0 or more"),
        (lambda: schedules.warm_up("3"), "epochs='3'"),
    ],
)
def test_bad_options_of_schedules(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_warm_up_of_no_epochs_is_the_schedule_after_it():
    then = schedules.cosine(4)
    assert [schedules.warm_up(0, then)(epoch) for epoch in range(1, 6)] == [*map(then, range(1, 6))]


@pytest.mark.parametrize("compile", [True, False])
@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_are_pytorchs(name, compile):
    torch = pytest.importorskip("torch", reason="PyTorch is the judge here: pip install torch")
    schedule, make = SCHEDULES[name]
    expected = rates_of_pytorch(torch, make, 9)
    optimizer = GradientDescent(0.3)
    net, history = fit(optimizer=optimizer, epochs=9, schedule=schedule, compile=compile)
    np.testing.assert_allclose(history.rate, expected, rtol=1e-12, atol=1e-15)
    assert optimizer.rate == 0.3  # as it was
    same = small_network()
    for rate in expected:
        fit(same, optimizer=GradientDescent(max(rate, 1e-300)), epochs=1)
    for parameter, value in values(same).items():
        np.testing.assert_allclose(values(net)[parameter], value, rtol=1e-9)


@pytest.mark.parametrize("make", [GradientDescent, Momentum, RMSprop, Adam, AdamW])
def test_a_compiled_step_follows_the_schedule(make):
    ends = []
    for compile in (True, False):
        net, history = fit(
            optimizer=make(0.1), epochs=40, schedule=schedules.cosine(40), compile=compile
        )
        assert history.compiled is compile
        ends.append(values(net))
    for name, value in ends[0].items():
        np.testing.assert_array_equal(value, ends[1][name])


# Optimizers.

PAIRS = {
    "nesterov": (lambda: Momentum(0.1, 0.8, nesterov=True), "SGD", (0.1, 0.8, True)),
    "rmsprop": (lambda: RMSprop(0.05, 0.9, 1e-6), "RMSprop", (0.05, 0.9, 1e-6)),
    "adamw": (lambda: AdamW(0.1, weight_decay=0.3), "AdamW", (0.1, 0.3)),
    "clipped": (lambda: Adam(0.1, clip=0.01), "Adam", (0.1,)),
    "all of it": (lambda: AdamW(0.1, weight_decay=0.2, clip=0.02), "AdamW", (0.1, 0.2)),
}
KEYWORDS = {
    "SGD": ("lr", "momentum", "nesterov"),
    "RMSprop": ("lr", "alpha", "eps"),
    "AdamW": ("lr", "weight_decay"),
    "Adam": ("lr",),
}


@pytest.mark.parametrize("compile", [True, False])
@pytest.mark.parametrize("name", PAIRS)
def test_training_is_pytorchs(name, compile):
    """Weights and biases of a whole network; only the weights decay."""
    torch = pytest.importorskip("torch", reason="PyTorch is the judge here: pip install torch")
    make, judge, given = PAIRS[name]
    X, Y = planar()
    net, optimizer = small_network(), make()
    theirs = {k: torch.tensor(v, requires_grad=True) for k, v in values(net).items()}
    keywords = dict(zip(KEYWORDS[judge], given, strict=True))
    decay = keywords.pop("weight_decay", 0.0)
    groups = [
        {"params": [t], "weight_decay": decay if k.startswith("W") else 0.0}
        for k, t in theirs.items()
    ]
    steps = getattr(torch.optim, judge)(groups, **keywords)
    x, y = torch.tensor(X), torch.tensor(Y)
    for _ in range(40):
        A = torch.tanh(theirs["W1"] @ x + theirs["b1"])
        Z = theirs["W2"] @ A + theirs["b2"]
        steps.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(Z, y).backward()
        if optimizer.clip is not None:
            torch.nn.utils.clip_grad_norm_(theirs.values(), optimizer.clip)
        steps.step()
    history = nn.fit(net, X, Y, BCE, optimizer, epochs=40, compile=compile)
    assert history.compiled is compile
    rtol = 1e-8 if optimizer.clip is None else 1e-3  # PyTorch adds 1e-6 to the norm
    for k, value in values(net).items():
        np.testing.assert_allclose(value, theirs[k].detach().numpy(), rtol=rtol, atol=rtol)


def test_gradients_are_clipped_together():
    W, b = np.array([[3.0, 0.0]]), np.array([[4.0]])
    for clip, share in ((1.0, 0.2), (5.0, 1.0), (10.0, 1.0)):
        clipped = GradientDescent(1, clip=clip).clipped({"W": W, "b": b})
        np.testing.assert_allclose(clipped["W"], share * W, rtol=1e-15)
        np.testing.assert_allclose(clipped["b"], share * b, rtol=1e-15)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AdamW(weight_decay=-1), "weight_decay=-1"),
        (lambda: GradientDescent(1, clip=0), "clip=0: it must be a positive number"),
        (lambda: GradientDescent(1, clip=np.nan), "clip=nan"),
        (lambda: RMSprop(beta=1), "beta=1: it must be at least 0 and less than 1"),
        (lambda: RMSprop(epsilon=0), "epsilon=0"),
    ],
)
def test_bad_options_of_optimizers(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# Validation, metrics, early stopping.


def test_validation_is_what_evaluate_says():
    X, Y = planar(seed=2)
    seen = []
    net = small_network()
    _, history = fit(
        net,
        validation=(X, Y),
        callbacks=[lambda epoch, h: seen.append(nn.evaluate(net, X, Y, BCE))],
    )
    assert list(zip(history.validation_loss, history.validation_metric, strict=True)) == seen
    assert history.best == 1 + int(np.argmin(history.validation_loss))


def test_measuring_changes_nothing():
    net, history = fit(epochs=40, rng=0)
    assert not history.validation_loss
    for options in ({"validation": planar(seed=2)}, {"metrics": ["f1"]}, {"patience": 100}):
        other, watched = fit(epochs=40, rng=0, **options)
        assert watched.compiled
        assert (watched.loss, watched.metric) == (history.loss, history.metric)
        if "patience" not in options:
            for name, value in values(net).items():
                np.testing.assert_array_equal(values(other)[name], value)


def test_a_share_may_be_numpys():
    for share in (np.float64(0.25), np.float32(0.25)):
        assert fit(validation=share, rng=7)[1] == fit(validation=0.25, rng=7)[1]


def test_a_share_is_held_out():
    X, Y = planar()
    X_train, X_out, Y_train, Y_out = nn.datasets.split(X, Y, 0.25, rng=np.random.default_rng(7))
    net, history = fit(validation=0.25, rng=7)
    same, expected = small_network(), None
    expected = nn.fit(same, X_train, Y_train, BCE, GradientDescent(1), 8, validation=(X_out, Y_out))
    assert history == expected
    np.testing.assert_array_equal(values(net)["W1"], values(same)["W1"])


@pytest.mark.parametrize("held_out", [True, False])
def test_early_stopping_keeps_the_best(held_out):
    X, Y = planar(20)
    X_out, Y_out = planar(20, seed=5)
    path = []
    net = nn.Network([2, 8, 1], ["tanh", "sigmoid"], rng=0)
    history = nn.fit(
        *(net, X, Y, BCE, Adam(0.3 if held_out else 3.0), 300),
        validation=(X_out, Y_out) if held_out else None,
        patience=5,
        callbacks=[lambda epoch, h: path.append(values(net))],
    )
    judged = history.validation_loss if held_out else history.loss
    assert history.stopped
    assert len(judged) == len(path) < 300
    assert history.best == 1 + int(np.argmin(judged)) == len(judged) - 5
    for name, value in path[history.best - 1].items():
        np.testing.assert_array_equal(values(net)[name], value)
    if held_out:
        assert nn.evaluate(net, X_out, Y_out, BCE)[0] == min(judged)


def test_metrics_of_every_kind():
    sklearn = pytest.importorskip("sklearn.metrics")
    X, Y = planar()
    words = np.where(Y[0] > 0, "yes", "no")
    net = small_network()
    names = ["accuracy", "precision", "recall", "f1", "confusion_matrix"]
    own = lambda labels, answers: sklearn.cohen_kappa_score(labels, answers)
    history = nn.fit(
        *(net, X, words, BCE, GradientDescent(1), 3), metrics=[*names, own], validation=(X, words)
    )
    answers, last = net.predict(X), {name: kept[-1] for name, kept in history.metrics.items()}
    assert last["accuracy"] == history.validation_metric[-1] == np.mean(answers == words)
    assert last["f1"] == sklearn.f1_score(words, answers, pos_label="yes")
    assert last["precision"] == sklearn.precision_score(words, answers, pos_label="yes")
    assert last["recall"] == sklearn.recall_score(words, answers, pos_label="yes")
    np.testing.assert_array_equal(
        last["confusion_matrix"], sklearn.confusion_matrix(words, answers)
    )
    assert last["<lambda>"] == sklearn.cohen_kappa_score(words, answers)


@pytest.mark.parametrize("batch_axis", [0, 1])
@pytest.mark.parametrize("outputs", [1, 2])
def test_metrics_of_numbers(outputs, batch_axis, rng):
    sklearn = pytest.importorskip("sklearn.metrics")
    X, Y = rng.normal(size=(2, 30)), rng.normal(size=(outputs, 30))
    net = nn.Network([2, outputs], ["identity"], rng=0, batch_axis=batch_axis)
    laid_out = (X, Y) if batch_axis == 1 else (X.T, Y.T)
    loss = nn.losses.half_squared_error
    history = nn.fit(net, *laid_out, loss, GradientDescent(0.1), 2, metrics=["r2"])
    A = net(laid_out[0]).numpy()
    expected = sklearn.r2_score(Y.T, A if batch_axis == 0 else A.T)
    assert history.metrics["r2"][-1] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("batch_axis", [0, 1])
def test_metrics_of_three_classes(batch_axis, rng):
    sklearn = pytest.importorskip("sklearn.metrics")
    X, kinds = rng.normal(size=(2, 40)), rng.integers(3, size=40)
    X = X if batch_axis else X.T
    net = nn.Network([2, 3], ["softmax"], rng=0, batch_axis=batch_axis)
    history = nn.fit(
        *(net, X, kinds + 5, nn.losses.cross_entropy, GradientDescent(0.5), 3),
        metrics=["f1", "top_k"],
    )
    shares = net.predict(X, probabilities=True)
    shares = shares if batch_axis == 0 else shares.T
    assert history.metrics["top_k"][-1] == sklearn.top_k_accuracy_score(kinds, shares, k=2)
    f1 = sklearn.f1_score(kinds + 5, net.predict(X), average="macro", zero_division=0)
    assert history.metrics["f1"][-1] == f1


def test_top_k_of_another_k(rng):
    sklearn = pytest.importorskip("sklearn.metrics")
    X, kinds = rng.normal(size=(2, 40)), rng.integers(4, size=40)
    net = nn.Network([2, 4], ["softmax"], rng=0)
    metrics = [partial(nn.metrics.top_k, k=3), "top_k"]
    history = nn.fit(
        *(net, X, kinds, nn.losses.cross_entropy, GradientDescent(0.5), 3), metrics=metrics
    )
    shares = net.predict(X, probabilities=True).T
    found = [kept[-1] for kept in history.metrics.values()]
    assert found == [sklearn.top_k_accuracy_score(kinds, shares, k=k) for k in (3, 2)]


@pytest.mark.parametrize(
    ("metrics", "passes"), [([], 1), (["f1"], 2), (["f1", "recall", lambda labels, answers: 0], 2)]
)
def test_all_metrics_of_an_epoch_are_of_one_forward_pass(monkeypatch, metrics, passes):
    net, held_out = small_network(), planar(34, seed=2)
    forward, seen = nn.Network.forward, []

    def counted(self, X, *rest, **options):
        f = forward(self, X, *rest, **options)
        seen.append(f.output.shape[1])
        return f

    monkeypatch.setattr(nn.Network, "forward", counted)
    fit(net, epochs=3, validation=held_out, metrics=metrics)
    assert seen.count(34) == 3 * passes  # the cost takes one as well


def test_the_loss_is_looked_into_once(monkeypatch):
    signature, calls = inspect.signature, []

    def counted(function, **options):
        calls.extend([function] * (function is BCE))
        return signature(function, **options)

    monkeypatch.setattr(inspect, "signature", counted)
    fit(epochs=5, validation=planar(seed=2))
    assert calls == [BCE]


@pytest.mark.parametrize(
    "metric",
    ["f1", nn.metrics.recall, partial(nn.metrics.top_k, k=1)],
    ids=["name", "f", "partial"],
)
def test_metrics_without_scikit_learn_fail_before_the_first_epoch(monkeypatch, metric):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    net, epochs = small_network(), []
    with pytest.raises(ImportError, match=r'pip install "autograd-lite\[data\]"'):
        fit(net, metrics=[metric], callbacks=[lambda epoch, history: epochs.append(epoch)])
    assert not epochs
    for name, value in values(small_network()).items():
        np.testing.assert_array_equal(values(net)[name], value)
    own = lambda labels, answers: 0.5
    assert fit(metrics=[own], epochs=2)[1].metrics == {"<lambda>": [0.5, 0.5]}


# Callbacks, and the record.


@pytest.mark.parametrize("compile", [True, False])
def test_a_callback_stops_training(compile):
    net, history = fit(epochs=40, callbacks=[lambda epoch, history: epoch == 4], compile=compile)
    same, _ = fit(epochs=4)
    assert (len(history.loss), history.stopped) == (4, True)
    np.testing.assert_array_equal(values(net)["W1"], values(same)["W1"])


def test_a_callback_that_raises_is_named_and_the_epoch_is_kept():
    def watch(epoch, history):
        if epoch == 3:
            raise RuntimeError("no more")

    net = small_network()
    with pytest.raises(RuntimeError, match="no more") as caught:
        fit(net, epochs=40, callbacks=[watch], schedule=schedules.cosine(40))
    assert "callback watch raised it after epoch 3" in caught.value.__notes__[0]
    same, _ = fit(epochs=3, schedule=schedules.cosine(40))
    np.testing.assert_array_equal(values(net)["W1"], values(same)["W1"])


def test_ctrl_c_in_a_callback_leaves_lists_of_one_length():
    def stop(labels, answers):
        stop.calls = getattr(stop, "calls", 0) + 1
        if stop.calls == 3:
            raise KeyboardInterrupt
        return 0

    _, history = fit(validation=planar(seed=2), metrics=["f1", stop])
    assert history.interrupted
    assert {len(column) for column in history.columns().values()} == {2}


def test_a_history_is_written_and_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    _, history = fit(validation=planar(seed=2), metrics=["f1"])
    history.to_csv(tmp_path / "history.csv")
    with open(tmp_path / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8
    assert list(rows[0]) == [
        *("epoch", "loss", "metric", "rate", "validation_loss", "validation_metric", "f1"),
    ]
    for name, column in history.columns().items():
        assert [float(row[name]) for row in rows] == column
    _, axes = nn.plots.figure(1)
    assert history.plot(axes[0]) is axes[0]
    np.testing.assert_array_equal(axes[0].lines[1].get_ydata(), history.validation_loss)
    assert axes[0].lines[1].get_linestyle() == "--"
    assert "validation loss" in repr(history)
    assert f"best epoch {history.best}" in repr(history)


def test_a_history_without_metric_is_shown():
    assert repr(nn.History(loss=[0.7])) == "History(1 epochs: loss 0.7 → 0.7)"
    with_best = nn.History(loss=[0.7, 0.5], validation_loss=[0.6, 0.4], best=2)
    shown = "History(2 epochs: loss 0.7 → 0.5, validation loss 0.4, best epoch 2)"
    assert repr(with_best) == shown


def test_ignored_labels_and_class_weights_in_training():
    X, Y = planar()
    words = np.where(Y[0] > 0, "yes", "no")
    known = np.arange(60) % 3 > 0
    net = nn.Network([2, 4, 2], ["tanh", "softmax"], rng=0)
    options = {"epochs": 40, "loss": partial(nn.losses.cross_entropy, ignored="?")}
    history = nn.fit(net, X, np.where(known, words, "?"), optimizer=GradientDescent(1), **options)
    assert history.compiled
    assert net.classes == ["no", "yes"]
    same = nn.Network([2, 4, 2], ["tanh", "softmax"], rng=0)
    options["loss"] = nn.losses.cross_entropy
    nn.fit(same, X[:, known], words[known], optimizer=GradientDescent(1), **options)
    for name, value in values(same).items():
        np.testing.assert_allclose(values(net)[name], value, rtol=1e-9, atol=1e-12)
    heavy = nn.Network([2, 4, 2], ["tanh", "softmax"], rng=0)
    options["loss"] = partial(nn.losses.cross_entropy, class_weights=[1, 30], label_smoothing=0.1)
    history = nn.fit(heavy, X, words, optimizer=GradientDescent(1), **options)
    assert history.compiled
    assert np.mean(heavy.predict(X) == "yes") > np.mean(same.predict(X) == "yes")


def test_a_gaussian_learns_mean_and_deviation(rng):
    X = np.repeat([[0.0, 1.0]], 500, axis=1)
    Y = np.where(X == 0, rng.normal(1, 0.5, X.shape), rng.normal(-2, 2.0, X.shape))
    net = nn.Network([1, 2], ["identity"], rng=0)
    nn.fit(net, X, Y, nn.losses.gaussian, Adam(0.05), epochs=1000)
    mean, log_variance = net(np.array([[0.0, 1.0]])).numpy()
    for x, column in ((0, 0), (1, 1)):  # the closed form of the maximum likelihood
        part = Y[X == x]
        assert mean[column] == pytest.approx(part.mean(), abs=1e-3)
        assert np.exp(log_variance[column]) == pytest.approx(part.var(), rel=1e-2)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"patience": 0}, ValueError, "patience=0: it must be a whole number, 1 or more"),
        ({"validation": 0}, TypeError, "give samples .*, or a share such as 0.2"),
        ({"validation": 1.5}, ValueError, "test=1.5: it is a share"),
        ({"validation": np.nan}, ValueError, "validation: test=nan: it is a share"),
        ({"validation": 0.001}, ValueError, "validation: .* would hold out 0: leave some to both"),
        ({"validation": True}, TypeError, "validation: give samples .*, not a bool"),
        ({"validation": [1, 2]}, TypeError, "validation: give samples .*, not a list"),
        ({"metrics": ["f1", nn.metrics.f1]}, ValueError, "two are called f1: give each a name"),
        (
            {"metrics": [lambda labels, answers: 0, lambda labels, answers: 1]},
            *(ValueError, "two are called <lambda>"),
        ),
        ({"validation": (np.ones((3, 4)), [1])}, ValueError, r"validation: X \(3, 4\)"),
        (
            {"validation": (np.ones((2, 1)), [3])},
            ValueError,
            "validation: .* label 3, which is none",
        ),
        ({"metrics": "f1"}, TypeError, "give a list"),
        ({"metrics": ["f2"]}, ValueError, "no metric is called 'f2': there are accuracy"),
        ({"metrics": [3]}, TypeError, "3 is neither a name nor a function"),
        ({"callbacks": print}, TypeError, "give a list of functions"),
        ({"schedule": 0.5}, TypeError, "give one of nn.schedules"),
        ({"schedule": lambda epoch: -1.0}, ValueError, r"schedule\(1\) is -1.0: a factor"),
        ({"schedule": lambda epoch: np.nan}, ValueError, r"schedule\(1\) is nan"),
    ],
)
def test_options_that_are_wrong_leave_the_network_as_it_was(options, error, message):
    net = small_network()
    with pytest.raises(error, match=message):
        fit(net, **options)
    for name, value in values(small_network()).items():
        np.testing.assert_array_equal(values(net)[name], value)
