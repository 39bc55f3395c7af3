"""Samples that are not all in memory: memory maps, batches that are made, Dask arrays.

What fits in memory judges them: the same samples as arrays give the same training.
"""

from __future__ import annotations

import functools

import dask.array as da
import numpy as np
import pytest

import nn
from nn import chunks

LOSS = nn.losses.binary_cross_entropy
SIZES = (3, 4, 1)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """Chunks of 70 samples, computed 32 at a time."""
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 70 * 3 * 8)
    monkeypatch.setattr(chunks, "strip_width", lambda sizes: 32)
    for module in ("nn.evaluation", "nn.streams", "nn.network"):
        monkeypatch.setattr(f"{module}.strip_width", lambda sizes: 32)


def samples(m=400, batch_axis=1):
    """Three features, and a class that is no straight line."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3, m))
    Y = (X[:1] * X[1:2] + X[2:] > 0).astype(float)
    return (X, Y) if batch_axis == 1 else (X.T.copy(), Y.T.copy())


def mapped(array, tmp_path, name="X"):
    """The array as a memory map."""
    np.save(tmp_path / f"{name}.npy", array)
    return np.load(tmp_path / f"{name}.npy", mmap_mode="r")


def made(X, Y, width=70, batch_axis=1):
    """A function that makes the batches."""

    def batches():
        for start in range(0, X.shape[-batch_axis], width):
            part = slice(start, start + width)
            yield chunks.taken(X, part, batch_axis), chunks.taken(Y, part, batch_axis)

    return batches


KINDS = ["memory map", "Dask array", "batches that are made", "list of batches"]


def of_kind(kind, X, Y, tmp_path, batch_axis=1):
    """X and Y as samples of this kind."""
    if kind == "memory map":
        return mapped(X, tmp_path), Y
    if kind == "Dask array":
        widths = (70, -1) if batch_axis == 0 else (-1, 70)
        return da.from_array(X, widths), da.from_array(Y, widths)
    batches = made(X, Y, batch_axis=batch_axis)
    return (batches if kind == "batches that are made" else list(batches())), None


def train(X, Y, net=None, loss=LOSS, epochs=4, batch_axis=1, **options):
    """The history and the parameters of a training."""
    net = net or nn.Network(list(SIZES), ["tanh", "sigmoid"], 1, batch_axis)
    optimizer = options.pop("optimizer", None) or nn.optimizers.Adam(0.05)
    history = nn.fit(net, X, Y, loss, optimizer, epochs, progress=False, **options)
    return history, {name: p.numpy() for name, p in net.parameters().items()}


def assert_same(one, other, tolerance=1e-12):
    for (history, parameters), (expected, judges) in [(one, other)]:
        assert history.loss == pytest.approx(expected.loss, rel=tolerance)
        assert history.metric == expected.metric
        assert history.validation_loss == pytest.approx(expected.validation_loss, rel=tolerance)
        for name, judge in judges.items():
            np.testing.assert_allclose(parameters[name], judge, rtol=0, atol=tolerance)


@pytest.mark.parametrize("batch_axis", [1, 0])
@pytest.mark.parametrize("batch_size", [16, 150, 400])
@pytest.mark.parametrize("kind", KINDS)
def test_training_is_that_of_arrays(kind, batch_size, batch_axis, tmp_path):
    X, Y = samples(batch_axis=batch_axis)
    large = of_kind(kind, X, Y, tmp_path, batch_axis)
    options = {"batch_axis": batch_axis, "batch_size": batch_size}
    assert_same(train(*large, **options), train(X, Y, **options))


@pytest.mark.parametrize("kind", KINDS[:2])
def test_a_full_batch_is_a_sum_over_chunks(kind, tmp_path):
    X, Y = samples()
    large = of_kind(kind, X, Y, tmp_path)
    for compile in (True, False):
        result = train(*large, epochs=40, compile=compile)
        assert_same(result, train(X, Y, epochs=40))
        assert result[0].compiled is compile


def test_batches_that_are_made_are_steps(tmp_path):
    X, Y = samples()
    assert_same(train(made(X, Y, 50), None), train(X, Y, batch_size=50))
    assert_same(train(made(X, Y, 50)(), None, epochs=1), train(X, Y, epochs=1, batch_size=50))


def test_batches_of_many_sizes():
    """More of them than are compiled."""
    X, Y = samples()
    stops = np.cumsum([0, *range(1, 27), 49])
    parts = [slice(a, b) for a, b in zip(stops, stops[1:], strict=False)]
    batches = [(X[:, part], Y[:, part]) for part in parts]
    net = nn.Network(list(SIZES), ["tanh", "sigmoid"], rng=1)
    optimizer = nn.optimizers.Adam(0.05)
    for _ in range(3):
        for x, y in batches:
            optimizer.step(net.parameters(), gradients_of(net, x, y))
    judges = {name: p.numpy() for name, p in net.parameters().items()}
    result = train(lambda: iter(batches), None, epochs=3)
    for name, judge in judges.items():
        np.testing.assert_allclose(result[1][name], judge, atol=1e-12)


def gradients_of(net, X, Y):
    """The gradients on the tape, by name."""
    for p in net.parameters().values():
        p.zero_grad()
    LOSS(net(X), Y).backward()
    return {name: p.grad for name, p in net.parameters().items()}


@pytest.mark.parametrize("kind", KINDS[:2])
@pytest.mark.parametrize("batch_size", [16, 150])
def test_the_same_rng_gives_the_same_sequence(kind, batch_size, tmp_path):
    """By hand: an order of the chunks, then one of the samples of each."""
    X, Y = samples()
    large = of_kind(kind, X, Y, tmp_path)
    rng, orders = np.random.default_rng(5), []
    for _ in range(2):
        widths = [70] * 5 + [50]
        orders.append([])
        for i in rng.permutation(6):
            orders[-1] += (70 * i + rng.permutation(widths[i])).tolist()
    net = nn.Network(list(SIZES), ["tanh", "sigmoid"], rng=1)
    optimizer = nn.optimizers.Adam(0.05)
    for order in orders:
        assert sorted(order) == list(range(400))
        judge = train(
            X[:, order], Y[:, order], net, epochs=1, optimizer=optimizer, batch_size=batch_size
        )
    result = train(*large, epochs=2, batch_size=batch_size, shuffle=True, rng=5)
    np.testing.assert_allclose(result[1]["W1"], judge[1]["W1"], atol=1e-12)
    assert result[0].metric[-1] == judge[0].metric[-1]


WEIGHTED = functools.partial(
    nn.losses.cross_entropy, class_weights=[1.0, 3.0], ignored=7, label_smoothing=0.1
)


@pytest.mark.parametrize("loss", [WEIGHTED, functools.partial(WEIGHTED, reduction="sum")])
def test_weighted_means_and_sums(loss, tmp_path):
    X, Y = samples()
    labels = Y.ravel().astype(int)
    labels[::9] = 7
    networks = [nn.Network([3, 4, 2], ["tanh", "softmax"], rng=1) for _ in range(2)]
    optimizer = functools.partial(nn.optimizers.Momentum, 0.001)
    one, other = (
        train(x, labels, net, loss, optimizer=optimizer())
        for x, net in zip((mapped(X, tmp_path), X), networks, strict=True)
    )
    assert_same(one, other)
    assert nn.evaluate(networks[0], mapped(X, tmp_path), labels, loss) == pytest.approx(
        nn.evaluate(networks[0], X, labels, loss)
    )


def test_noise_is_drawn_for_each_chunk(tmp_path):
    X, Y = samples()
    layers = [3, nn.layers.Dense(6, "tanh"), nn.layers.Dropout(0.5), nn.layers.Dense(1, "sigmoid")]
    results = [
        train(mapped(X, tmp_path), Y, nn.Network(layers, rng=1), rng=rng, batch_size=size)
        for rng, size in ((0, None), (0, None), (1, None), (0, 16), (0, 16))
    ]
    losses = [history.loss for history, _ in results]
    assert losses[0] == losses[1] != losses[2]
    assert losses[3] == losses[4]


@pytest.mark.parametrize("kind", KINDS)
def test_evaluating_and_predicting(kind, tmp_path):
    X, Y = samples()
    net = nn.Network(list(SIZES), ["tanh", "sigmoid"], rng=1)
    large, labels = of_kind(kind, X, Y, tmp_path)
    J, accuracy = nn.evaluate(net, X, Y, LOSS)
    assert nn.evaluate(net, large, labels, LOSS) == (pytest.approx(J, rel=1e-13), accuracy)
    if kind == "list of batches":
        return  # (which is a list of numbers to `predict`)
    for probabilities in (False, True):
        answers = net.predict(large, probabilities)
        assert isinstance(answers, da.Array) == (kind == "Dask array")
        np.testing.assert_allclose(
            np.asarray(answers), net.predict(X, probabilities), rtol=1e-14, strict=True
        )


@pytest.mark.parametrize("batch_axis", [1, 0])
@pytest.mark.parametrize("kind", KINDS[:3])
def test_standardizing(kind, batch_axis, tmp_path):
    X, Y = samples(batch_axis=batch_axis)
    X = X * 3 + 1e6
    chunks.taken(X.T if batch_axis == 0 else X, slice(None), 1)[1] = 5.0  # a constant feature
    large, labels = of_kind(kind, X, Y, tmp_path, batch_axis)
    both = nn.datasets.standardize(large, large, batch_axis)
    for Z in both:
        np.testing.assert_allclose(
            np.asarray(Z), nn.datasets.standardize(X, batch_axis=batch_axis), atol=1e-9
        )
    options = {"batch_axis": batch_axis, "batch_size": 16}
    judge = train(nn.datasets.standardize(X, batch_axis=batch_axis), Y, **options)
    assert_same(train(both[0], labels, **options), judge, 1e-7)


@pytest.mark.parametrize("batch_axis", [1, 0])
@pytest.mark.parametrize("kind", KINDS)
def test_a_split_has_every_sample_once_with_its_label(kind, batch_axis, tmp_path):
    X = np.arange(800.0).reshape(2, 400) if batch_axis == 1 else np.arange(800.0).reshape(400, 2)
    Y = chunks.taken(X, slice(None), batch_axis)
    Y = Y[:1] if batch_axis == 1 else Y[:, :1]
    parts = nn.datasets.split(*of_kind(kind, X, Y, tmp_path, batch_axis), 0.2, 0, batch_axis)
    if parts[2] is None:
        joined = [
            [np.concatenate(a, -batch_axis) for a in zip(*part, strict=True)] for part in parts[:2]
        ]
        (X_train, Y_train), (X_test, Y_test) = joined
    else:
        X_train, X_test, Y_train, Y_test = map(np.asarray, parts)
    assert X_test.shape[-batch_axis] == 80
    assert X_train.shape[-batch_axis] == 320
    for x, y in ((X_train, Y_train), (X_test, Y_test)):
        np.testing.assert_array_equal(x[:1] if batch_axis == 1 else x[:, :1], y)
    together = np.concatenate([X_train, X_test], -batch_axis)
    order = np.argsort(together[0] if batch_axis == 1 else together[:, 0])
    np.testing.assert_array_equal(chunks.taken(together, order, batch_axis), X)


@pytest.mark.parametrize("kind", KINDS)
def test_validation_metrics_and_checkpoints(kind, tmp_path):
    X, Y = samples()
    large, labels = of_kind(kind, X, Y, tmp_path)
    best = functools.partial(nn.metrics.top_k, k=1)
    options = {"validation": 0.2, "metrics": ["accuracy", best], "rng": 0, "batch_size": 16}
    history, parameters = train(large, labels, **options)
    assert history.metrics["accuracy"] == pytest.approx(history.validation_metric)
    assert [*history.metrics.values()][1] == history.metrics["accuracy"]
    halves = [
        train(large, labels, epochs=epochs, checkpoint=nn.Checkpoint(tmp_path / "c.npz"), **options)
        for epochs in (2, 4)
    ]
    assert halves[1][0] == history
    np.testing.assert_array_equal(halves[1][1]["W1"], parameters["W1"])
    with_validation = train(X, Y, validation=of_kind(kind, X, Y, tmp_path))
    assert_same(with_validation, train(X, Y, validation=(X, Y)))


@pytest.mark.parametrize("kind", KINDS)
def test_classes_are_those_of_all_chunks(kind, tmp_path):
    """The last class is in the last chunk alone."""
    X, _ = samples()
    labels = np.array(["cat", "dog"] * 200)
    labels[390:] = "eel"
    net = nn.Network([3, 4, 3], ["tanh", "softmax"], rng=1)
    other = nn.Network([3, 4, 3], ["tanh", "softmax"], rng=1)
    if kind == "Dask array":
        large = da.from_array(X, (-1, 70)), da.from_array(labels, 70)
    elif kind == "memory map":
        large = mapped(X, tmp_path), labels
    else:
        large = of_kind(kind, X, labels, tmp_path)
    one = train(*large, net, nn.losses.cross_entropy, batch_size=16)
    assert_same(one, train(X, labels, other, nn.losses.cross_entropy, batch_size=16))
    assert net.classes == other.classes == ["cat", "dog", "eel"]
    assert set(np.asarray(net.predict(X))) <= {"cat", "dog", "eel"}
