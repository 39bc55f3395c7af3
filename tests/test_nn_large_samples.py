"""Samples that are not all in memory: memory maps, batches that are made, Dask arrays.

What fits in memory judges them: the same samples as arrays give the same training.
"""

from __future__ import annotations

import functools
import itertools
import tracemalloc

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
    monkeypatch.setattr("nn.large_tables.CHUNK_BYTES", 1000)
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
    parts = [slice(a, b) for a, b in itertools.pairwise(stops)]
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


def large_csv(tmp_path, text):
    """A file that counts as larger than memory."""
    path = tmp_path / "large.csv"
    path.write_text(text)
    return functools.partial(nn.datasets.csv, path, in_memory=1)


ROWS = [(i / 7, i % 5, ("cat", "dog", "eel")[i % 3], i % 2) for i in range(300)]


def frame_of(columns):
    import pandas

    return pandas.DataFrame(ROWS, columns=["a", "b", "kind", "flag"])[[*columns]]


@pytest.mark.parametrize("batch_axis", [1, 0])
@pytest.mark.parametrize(
    ("columns", "target", "classes"),
    [
        (["a", "b", "kind"], "kind", None),
        (["a", "kind", "b"], "kind", True),
        (["a", "b"], "a", None),
        (["a", "flag"], "flag", True),
        (["a", "flag"], "flag", None),
        (["a", "b"], "b", True),
    ],
)
def test_large_tables_are_read_as_small_ones(columns, target, classes, batch_axis, tmp_path):
    frame_of(columns).to_csv(tmp_path / "t.csv", index=False)
    frame_of(columns).to_parquet(tmp_path / "t.parquet", row_group_size=90)
    for read, path in ((nn.datasets.csv, "t.csv"), (nn.datasets.parquet, "t.parquet")):
        small = read(tmp_path / path, target, classes, batch_axis)
        large = read(tmp_path / path, target, classes, batch_axis, in_memory=1)
        assert large[0].numblocks[-batch_axis] > 2
        for array, judge in zip(large, small, strict=True):
            assert isinstance(array, da.Array)
            # (Not every pandas reads the last digit of a text as Python does.)
            np.testing.assert_allclose(array.compute(), judge, rtol=1e-15, strict=True)
    csv = nn.datasets.csv(tmp_path / "t.csv", target, classes, batch_axis)
    for array, judge in zip(small, csv, strict=True):
        np.testing.assert_allclose(array, judge, rtol=1e-15)


def test_training_on_a_large_table(tmp_path):
    frame_of(["a", "b", "flag"]).to_csv(tmp_path / "t.csv", index=False)
    small, large = (nn.datasets.csv(tmp_path / "t.csv", "flag", in_memory=n) for n in (10**6, 1))
    net = functools.partial(nn.Network, [2, 4, 1], ["tanh", "sigmoid"], rng=1)
    one, other = (
        train(nn.datasets.standardize(X), Y, net(), batch_size=16) for X, Y in (large, small)
    )
    assert_same(one, other)


def test_a_folder_of_parquet_files(tmp_path):
    for i in range(3):
        frame_of(["a", "flag"])[100 * i : 100 * i + 100].to_parquet(tmp_path / f"{i}.parquet")
    for in_memory in (10**6, 1):
        X, _ = nn.datasets.parquet(tmp_path, "flag", in_memory=in_memory)
        np.testing.assert_array_equal(np.asarray(X)[0], [row[0] for row in ROWS])


@pytest.mark.parametrize(
    ("text", "target", "message"),
    [
        ("a,y\n1,2\n3,4\n", "z", r"has no column 'z': its columns are a, y"),
        ("y\n1\n3\n", "y", "has only the column 'y'"),
        ("a,y\n1,2\nx,4\n", "y", "row 3, column 'a': 'x' is not a finite number"),
        ("a,y\n" + "1,2\n" * 2000 + ",2\n,3\n", "y", "missing values: 2 in column 'a'"),
        ("a,y\n" + "1,2\n" * 2000 + "1,\n", "y", "missing values: 1 in column 'y'"),
        (
            "a,y\n" + "1,2\n" * 2000 + "x,2\n",
            "y",
            "large.csv: could not convert string to float",
        ),
        ("a,y\n" + "1,2\n" * 2000 + "1,2,3\n", "y", "Expected 2 fields"),
        ("a,y\n" + "1,cat\n" * 2000, "y", "column 'y' holds a single class"),
    ],
)
def test_large_csv_files_that_are_wrong(text, target, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        large_csv(tmp_path, text)(target)


@pytest.mark.parametrize("in_memory", [10**6, 1])
def test_parquet_files_that_are_wrong(in_memory, tmp_path):
    path = tmp_path / "t.parquet"
    read = functools.partial(nn.datasets.parquet, path, in_memory=in_memory)
    frame_of(["a", "kind", "flag"]).to_parquet(path)
    with pytest.raises(ValueError, match="has no column 'y': its columns are a, kind, flag"):
        read("y")
    with pytest.raises(TypeError, match="column 'kind' of .*t.parquet"):
        read("flag")
    with pytest.raises(TypeError, match="column 'kind' of .*t.parquet"):
        read("kind", classes=False)
    frame = frame_of(["a", "flag"])
    frame.loc[3, "a"] = np.nan
    frame.to_parquet(path)
    with pytest.raises(ValueError, match="missing values: 1 in (column ')?a"):
        read("flag")


def assert_refused(match, X, Y, error=ValueError, loss=LOSS, sizes=SIZES, **options):
    """The training is refused, and the network is as it was, its optimizer's memory too."""
    last = "sigmoid" if sizes[-1] == 1 else "softmax"
    net = nn.Network(list(sizes), ["tanh", last], rng=1)
    before = {name: p.numpy() for name, p in net.parameters().items()}
    adam = nn.optimizers.Adam()
    with pytest.raises(error, match=match):
        nn.fit(
            net, X, Y, loss, adam, **{"epochs": 2, "progress": False, "batch_size": 16} | options
        )
    for name, p in net.parameters().items():
        np.testing.assert_array_equal(p.data, before[name])
        assert not adam.memory_of(p)
    assert net.classes is net.features is None


def test_batches_that_can_be_read_once():
    X, Y = samples()
    assert_refused("epochs=2, but these batches can be read only once", made(X, Y)(), None)
    assert_refused(
        "both parts are read, but these batches", made(X, Y)(), None, validation=0.2, epochs=1
    )
    net = nn.Network(list(SIZES), ["tanh", "sigmoid"], rng=1)
    batches = made(X, Y)()
    nn.evaluate(net, batches, None, LOSS)
    with pytest.raises(ValueError, match="X has 0 samples"):
        nn.evaluate(net, batches, None, LOSS)
    with pytest.raises(ValueError, match="they are measured, and then read, but these batches"):
        nn.datasets.standardize(made(X, Y)())
    once = chunks.iterated(made(X, Y)(), 1).mapped(lambda start, x: 2 * x)
    assert once.first().start == 0
    assert len([*once]) == 6
    with pytest.raises(ValueError, match="this is the second reading, but these batches"):
        next(iter(once))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_named_with_its_place(kind, value, tmp_path):
    """In the fifth chunk: after steps have been taken."""
    X, Y = samples()
    X[1, 300:302] = value
    said = "X has missing values: 2 in feature 2" if np.isnan(value) else r"X\[1, 20\] is inf"
    large = of_kind(kind, X, Y, tmp_path)
    for batch_size in (16, 150):
        assert_refused(f"^chunk 5, samples 280:350: {said}", *large, batch_size=batch_size)


@pytest.mark.parametrize("kind", KINDS)
def test_labels_that_are_wrong_in_a_later_chunk(kind, tmp_path):
    X, Y = samples()
    Y[0, 222] = 2
    large = of_kind(kind, X, Y, tmp_path)
    assert_refused(r"^chunk 4, samples 210:280: .*needs labels from 0 to 1: Y\[0, 12\]", *large)


def test_a_class_that_is_new_in_what_is_read_once():
    X, _ = samples()
    labels = np.array(["cat", "dog"] * 200)
    labels[222] = "eel"
    batches = [(X[:, i : i + 40], labels[i : i + 40]) for i in range(0, 400, 40)]
    assert_refused(
        "^chunk 6, samples 200:240: Y holds the label eel, which is none of the network's classes "
        "cat, dog",
        iter(batches),
        None,
        epochs=1,
    )
    assert_refused("Y holds 3 classes, cat, dog, eel, but 1 outputs", lambda: iter(batches), None)


def test_dask_arrays_in_wrong_chunks():
    X, Y = samples()
    chunked = da.from_array(X, (1, 70))
    assert_refused(r"chunked along its features.*X.rechunk\({0: -1}\)", chunked, Y)
    unknown = da.from_array(X, (-1, 70))[:, da.from_array(Y.ravel() > 0, 70)]
    assert_refused(r"unknown sizes: call X = X.compute_chunk_sizes\(\)", unknown, Y)
    unknown.compute_chunk_sizes()
    assert_refused("X has 2.. samples and Y 400: give a label for each", unknown, Y)
    assert_refused(
        "X has 400 samples and Y 399", da.from_array(X, (-1, 70)), da.from_array(Y[:, 1:])
    )


def test_dask_frames_are_refused_with_the_fix():
    import dask.dataframe as dd

    frame = dd.from_pandas(frame_of(["a", "b"]), npartitions=2)
    assert_refused(r"give X.to_dask_array\(lengths=True\)", frame, [0, 1], TypeError)


def test_empty_chunks_are_left_out():
    X, Y = samples()
    widths = (0, 70, 0, 330, 0)
    large = da.from_array(X, (3, widths)), da.from_array(Y, (1, widths))
    assert_same(train(*large, batch_size=16), train(X, Y, batch_size=16))
    net = nn.Network(list(SIZES), ["tanh", "sigmoid"], rng=1)
    np.testing.assert_array_equal(net.predict(large[0]).compute(), net.predict(X))
    batches = [(X[:, :0], Y[:, :0]), (X, Y), (X[:, :0], Y[:, :0])]
    assert_same(train(batches, None), train(X, Y))
    for nothing in ([(X[:, :0], Y[:, :0])], lambda: iter([])):
        assert_refused("X has 0 samples", nothing, None)
    assert_refused("X has 0 samples", large[0][:, :0], Y[:, :0])
    left = [(X, Y), (X, Y)]
    assert_refused("X has 0 samples", lambda: iter([left.pop()] if left else []), None, epochs=3)


@pytest.mark.parametrize(
    ("batches", "error", "message"),
    [
        ([3.0], ValueError, r"batch 1: X \(\) is no batch: give a pair of arrays"),
        ([np.ones((3, 2))], TypeError, "there are no labels: give Y, or batches that are pairs"),
        ([(np.ones((3, 2)), [0])], ValueError, "batch 1: X has 2 samples and Y 1"),
        (
            [(np.ones((3, 2)), [0, 1]), (np.ones((4, 2)), [0, 1])],
            ValueError,
            r"^chunk 2.*X \(4, 2\)",
        ),
        ([(np.array([["a"]]), [0])], TypeError, "batch 1: X has dtype <U1"),
        ([(np.ones((3, 2)), ["a", None])], ValueError, "batch 1: Y has 1 missing labels"),
    ],
)
def test_batches_that_are_wrong(batches, error, message):
    assert_refused(message, lambda: iter(batches), None, error)


def test_options_that_batches_in_chunks_cannot_have(tmp_path):
    X, Y = samples()
    assert_refused("come in their own order: shuffle there", made(X, Y), None, shuffle=True, rng=0)
    assert_refused("let each be a pair", made(X, Y), Y, TypeError)
    layers = [3, nn.layers.BatchNormalization(), nn.layers.Dense(1, "sigmoid")]
    with pytest.raises(ValueError, match="batch normalization measures a batch as a whole"):
        train(mapped(X, tmp_path), Y, nn.Network(layers, rng=1))
    one, other = (
        train(x, Y, nn.Network(layers, rng=1), batch_size=20) for x in (mapped(X, tmp_path), X)
    )
    assert_same(one, other)
    assert_refused("test=2.0: it is a share", mapped(X, tmp_path), Y, validation=2.0)


def test_an_error_of_whoever_makes_the_batches():
    X, Y = samples()

    def batches():
        yield X[:, :70], Y[:, :70]
        raise OSError("the disk is gone")

    assert_refused("the disk is gone", batches, None, OSError)


def test_diverging_leaves_the_last_finite_parameters(tmp_path):
    X, Y = samples()
    for size in (16, None):
        net = nn.Network([3, 4, 1], ["relu", "identity"], rng=1)
        with pytest.raises(nn.Diverged):
            train(
                mapped(X * 1e3, tmp_path),
                Y,
                net,
                nn.losses.half_squared_error,
                300,
                optimizer=nn.optimizers.GradientDescent(1e3),
                batch_size=size,
            )
        assert all(np.isfinite(p.data).all() for p in net.parameters().values())


def test_memory_maps_are_found_and_written_ones_are_kept(tmp_path):
    """Pages of a map of mode "c" are not given back: what was written there is nowhere else."""
    X, Y = samples()
    mapped(X, tmp_path)
    private = np.load(tmp_path / "X.npy", mmap_mode="c")
    private[:, 100] = 7.0
    X[:, 100] = 7.0
    assert_same(train(np.asarray(private), Y, batch_size=16), train(X, Y, batch_size=16))
    np.testing.assert_array_equal(private, X)
    assert chunks.memory_map(private[1:]) is not None
    assert chunks.memory_map(private + 1) is None
    assert chunks.memory_map(private.copy()) is None


def test_what_is_wrong_in_the_validation_leaves_the_network_as_it_was(tmp_path):
    X, Y = samples()
    wrong = X.copy()
    wrong[0, 399] = np.nan
    said = "chunk 6, samples 350:400: X has missing values"
    for x in (X, mapped(X, tmp_path)):
        assert_refused(said, x, Y, validation=(mapped(wrong, tmp_path, "wrong"), Y))


def test_labels_that_are_missing_in_a_later_chunk(tmp_path):
    X, Y = samples()
    labels = Y.ravel()
    labels[[222, 223]] = np.nan
    assert_refused("^chunk 4, samples 210:280: .*nan", mapped(X, tmp_path), labels)


def test_a_loss_that_cannot_be_traced_runs_on_the_tape(tmp_path):
    def loss(A, Y):
        return np.mean((A - Y) ** 2) if np.mean(A).item() > -1 else np.mean(A)

    X, Y = samples()
    for size in (16, None):
        one, other = (
            train(x, Y, loss=loss, batch_size=size, epochs=40) for x in (mapped(X, tmp_path), X)
        )
        assert not one[0].compiled
        assert_same(one, other)


def test_masks_are_not_lost(tmp_path):
    X, Y = samples()
    masked = np.ma.masked_greater(mapped(X, tmp_path), 2)
    assert_refused("mask", masked, Y)


@pytest.mark.parametrize("batch_size", [1024, None])
@pytest.mark.parametrize("kind", ["memory map", "Dask array"])
def test_no_more_than_four_chunks_are_in_memory(kind, batch_size, tmp_path, monkeypatch):
    """Of fifteen."""
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 2**21)
    for module in ("nn.evaluation", "nn.streams"):
        monkeypatch.setattr(f"{module}.strip_width", lambda sizes: 1024)
    width = 2**21 // (28 * 8)
    X = np.lib.format.open_memmap(tmp_path / "X.npy", "w+", float, (28, 15 * width))
    for i in range(15):
        X[:, i * width : (i + 1) * width] = np.random.default_rng(i).normal(size=(28, width))
    Y = (X[:1] > 0).astype(float)
    if kind == "Dask array":
        X, Y = da.from_array(X, (28, width)) + 0.0, da.from_array(Y, (1, width))
    options = {"batch_size": batch_size, "shuffle": batch_size is not None, "rng": 0, "epochs": 1}
    net = nn.Network([28, 8, 1], ["tanh", "sigmoid"], rng=0)
    train(X, Y, net, **options)
    tracemalloc.start()
    try:
        train(X, Y, net, **options)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 2**21 < peak < 4 * 2**21
