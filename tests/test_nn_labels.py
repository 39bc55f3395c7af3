"""Samples and labels as people have them: lists, columns, words, frames; and `predict`."""

from functools import partial

import numpy as np
import pytest
from builders import values

import nn
from nn.labels import coded, decoded, encoded

RNG = 3
FRAMES = ["pandas", "polars"]


def blobs(k=2, m=60, seed=0):
    """Points around k centres, samples as columns, and the number of the centre of each."""
    rng = np.random.default_rng(seed)
    kinds = rng.integers(k, size=m)
    centres = 4 * np.array([np.cos(2 * np.pi * kinds / k), np.sin(2 * np.pi * kinds / k)])
    return centres + rng.normal(size=(2, m)), kinds


def network(k, batch_axis=1, logits=False):
    outputs = 1 if k == 2 else k
    last = "identity" if logits else "sigmoid" if k == 2 else "softmax"
    return nn.Network([2, 4, outputs], ["tanh", last], rng=RNG, batch_axis=batch_axis)


def trained(net, X, Y, k, logits=False):
    name = ("binary_" if k == 2 else "") + "cross_entropy" + ("_with_logits" if logits else "")
    nn.fit(net, X, Y, nn.losses.BY_NAME[name], nn.optimizers.Adam(0.05), epochs=40)
    return net


def ways(kinds, k, batch_axis):
    """The same labels, in every form that is documented."""
    words = np.array(["ant", "bee", "cow"])[kinds]
    flat = [kinds, kinds.tolist(), kinds.astype(float), words, words.tolist(), kinds + 1]
    columns = [np.expand_dims(words, axis) for axis in (0, 1)]
    laid_out = np.eye(k)[:, kinds][-1:] if k == 2 else np.eye(k)[:, kinds]
    return [*flat, *columns, laid_out if batch_axis == 1 else laid_out.T, words.astype(object)]


@pytest.mark.parametrize("logits", [False, True])
@pytest.mark.parametrize("batch_axis", [0, 1])
@pytest.mark.parametrize("k", [2, 3])
def test_every_form_of_the_labels_trains_the_same_network(k, batch_axis, logits):
    X, kinds = blobs(k)
    X = X if batch_axis == 1 else X.T
    nets = [
        trained(network(k, batch_axis, logits), X, Y, k, logits) for Y in ways(kinds, k, batch_axis)
    ]
    assert {str(net.classes) for net in nets} == {
        str(list(range(k))),
        str(["ant", "bee", "cow"][:k]),
        str(list(range(1, k + 1))),
    }
    for net in nets:
        for name, value in values(nets[0]).items():
            np.testing.assert_array_equal(values(net)[name], value)
        position = {kind: i for i, kind in enumerate(net.classes)}
        answers = [position[kind] for kind in net.predict(X).tolist()]
        assert np.mean(answers == kinds) > 0.9
        shares = net.predict(X, probabilities=True)
        np.testing.assert_allclose(shares.sum(axis=1 - batch_axis), 1)
        np.testing.assert_array_equal(shares.argmax(axis=1 - batch_axis), answers)


def test_probabilities_are_those_of_the_documents():
    net = nn.Network([1, 3], ["identity"], rng=0)
    net.classes = ["a", "b", "c"]
    X = np.array([[0.3, -2.0]])
    Z = net(X).numpy()
    e = np.exp(Z)
    np.testing.assert_allclose(net.predict(X, probabilities=True), e / e.sum(axis=0))


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize("batch_axis", [0, 1])
def test_frames_and_their_columns(name, batch_axis):
    frames = pytest.importorskip(name)
    X, kinds = blobs()
    words = np.array(["no", "yes"])[kinds]
    plain = trained(network(2, batch_axis), X if batch_axis else X.T, words, 2)
    frame = frames.DataFrame({"x": X[0], "y": X[1]})
    for labels in (frames.Series(words.tolist()), frames.DataFrame({"answer": words.tolist()})):
        net = trained(network(2, batch_axis), frame, labels, 2)
        assert (net.classes, net.features) == (["no", "yes"], ["x", "y"])
        for parameter, value in values(plain).items():
            np.testing.assert_array_equal(values(net)[parameter], value)
    shuffled = frames.DataFrame({"other": words.tolist(), "y": X[1], "x": X[0]})
    np.testing.assert_array_equal(
        net.predict(shuffled), plain.predict(X if batch_axis else X.T)
    )  # by their names
    with pytest.raises(ValueError, match=r"X has no column 'x': its columns are \['y'\]"):
        net.predict(frames.DataFrame({"y": X[1]}))


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize("batch_axis", [0, 1])
def test_a_frame_with_a_column_for_each_output(name, batch_axis):
    frames = pytest.importorskip(name)
    Y, classes = encoded(
        frames.DataFrame({"a": [1.0, 0.0, 0.0], "b": [0, 1, 1]}), 2, batch_axis, True
    )
    rows = np.array([[1, 0], [0, 1], [0, 1]])
    np.testing.assert_array_equal(Y, rows if batch_axis == 0 else rows.T)
    assert classes is None


@pytest.mark.parametrize("name", FRAMES)
def test_missing_values_are_counted_by_column(name):
    frames = pytest.importorskip(name)
    frame = frames.DataFrame({"age": [1, None, None], "size": [1.0, 2.0, float("nan")]})
    net = nn.Network([2, 1], ["sigmoid"], rng=0)
    with pytest.raises(ValueError, match="X has missing values: 2 in age, 1 in size. Leave these"):
        nn.fit(net, frame, [0, 1, 1], nn.losses.binary_cross_entropy, nn.optimizers.Adam(), 1)
    with pytest.raises(TypeError, match="column 'size' of X has dtype"):
        net.predict(frames.DataFrame({"age": [1, 2], "size": ["big", "small"]}))


def test_missing_values_of_arrays_and_lists():
    net = nn.Network([2, 1], ["sigmoid"], rng=0)
    for X in (np.array([[1, np.nan], [2, 3]]), [[1, None], [2, 3]]):
        with pytest.raises(ValueError, match="X has missing values: 1 in feature 1. Leave"):
            net.predict(X)
    rows = nn.Network([2, 1], ["sigmoid"], rng=0, batch_axis=0)
    with pytest.raises(ValueError, match="X has missing values: 1 in feature 2. Leave"):
        rows.predict([[1, None], [2, 3]])


def test_sparse_matrices_are_refused_with_the_fix():
    sparse = pytest.importorskip("scipy.sparse")
    net = nn.Network([2, 1], ["sigmoid"], rng=0)
    for X in (sparse.csr_matrix(np.eye(2)), sparse.coo_array(np.eye(2))):
        with pytest.raises(TypeError, match=r"X is a sparse matrix: give X.toarray\(\)"):
            net.predict(X)


BCE, CE = nn.losses.binary_cross_entropy, nn.losses.cross_entropy


@pytest.mark.parametrize(
    ("outputs", "Y", "loss", "error", "message"),
    [
        (1, ["a", "a"], BCE, ValueError, "1 classes, a, but 1 outputs stand for 2: one class"),
        (1, ["a", "b", "c"], BCE, ValueError, "3 classes, a, b, c, .* network with 3 outputs"),
        (3, ["a", "b", "a"], CE, ValueError, "2 classes.*with 2 outputs, or 1"),
        (3, [1, 2, 3, 4], CE, ValueError, "4 classes, 1, 2, 3, 4, but 3 outputs"),
        (1, ["a", None], BCE, ValueError, "Y has 1 missing labels"),
        (1, [["a", "b"], ["c", "d"]], BCE, ValueError, r"Y \(2, 2\) holds words"),
        (1, ["a", "b"], nn.losses.half_squared_error, TypeError, "Y holds words, and this loss"),
        (2, [0.5, 0.1], nn.losses.half_squared_error, ValueError, r"Y \(2,\).* 2 outputs"),
        (3, [0, 1, np.inf], CE, ValueError, "1 labels that are not finite"),
        (1, [object(), object()], BCE, TypeError, "Y has dtype object"),
        (3, [], CE, ValueError, "Y holds no labels to learn from"),
        (3, ["?", "?"], partial(CE, ignored="?"), ValueError, "Y holds no labels to learn from"),
    ],
)
def test_labels_that_do_not_fit(outputs, Y, loss, error, message):
    last = "softmax" if outputs > 1 else "sigmoid"
    net = nn.Network([2, outputs], [last], rng=0)
    X = np.ones((2, np.size(Y)))
    with pytest.raises(error, match=message):
        nn.fit(net, X, Y, loss, nn.optimizers.Adam(), epochs=1)
    assert net.classes is None


def test_missing_labels_are_counted_by_output():
    net = nn.Network([2, 2], ["identity"], rng=0)
    Y = [[1, np.nan, np.nan], [np.nan, 0, 1]]
    with pytest.raises(ValueError, match="Y has missing values: 2 in output 1, 1 in output 2. Le"):
        nn.evaluate(net, np.ones((2, 3)), Y, nn.losses.half_squared_error)


def test_a_label_that_the_network_does_not_know():
    X, kinds = blobs()
    net = trained(network(2), X, np.array(["no", "yes"])[kinds], 2)
    J, accuracy = nn.evaluate(net, X[:, :1], ["no"], BCE)  # one class alone can be judged
    assert np.isfinite(J)
    assert accuracy in (0, 1)
    with pytest.raises(ValueError, match="label maybe, which is none of .* classes no, yes"):
        nn.evaluate(net, X[:, :1], ["maybe"], BCE)


def test_numbers_that_stand_for_classes_stay_classes():
    """After classes 1 and 2 a batch of ones alone is class 1, not the number of class 2."""
    assert encoded([1, 1], 1, 1, True, [1, 2])[0].tolist() == [[0, 0]]
    assert encoded([2, 1], 1, 1, True, [1, 2])[0].tolist() == [[1, 0]]
    assert encoded([1, 1], 1, 1, True, None)[0].tolist() == [[1, 1]]


@pytest.mark.parametrize("k", [2, 3, 5])
def test_decoding_undoes_encoding(k, rng):
    classes = [f"class {i}" for i in range(k)]
    labels = np.array(classes)[np.concatenate([np.arange(k), rng.integers(k, size=20)])]
    Y = coded(classes, labels)
    np.testing.assert_array_equal(decoded(Y, classes, 1, probabilities=False), labels)
    np.testing.assert_array_equal(decoded(Y.T, classes, 0, probabilities=False), labels)


def test_predictions_of_numbers():
    X = np.array([[1.0, 2.0, 3.0]])
    net = nn.Network([1, 1], ["identity"], rng=0)
    nn.fit(net, X, [2, 4, 6], nn.losses.half_squared_error, nn.optimizers.Adam(), epochs=1)
    assert net.predict(X).shape == (3,)
    np.testing.assert_array_equal(net.predict(X), net(X).numpy()[0])
    with pytest.raises(ValueError, match="no classes"):
        net.predict(X, probabilities=True)
    several = nn.Network([1, 2], ["sigmoid"], rng=0)
    np.testing.assert_array_equal(several.predict(X), several(X).numpy() > 0.5)
    np.testing.assert_array_equal(several.predict(X, probabilities=True), several(X).numpy())


def test_classes_and_features_are_in_the_file(tmp_path):
    net = nn.Network([2, 3], ["softmax"], rng=0)
    for classes in (["a", "b", "ß"], [1, 2, 5], [0.5, 1.5, 2.5]):
        net.classes, net.features = classes, ["größe", "x"]
        net.save(tmp_path / "net.npz")
        again = nn.Network.load(tmp_path / "net.npz")
        assert (again.classes, again.features) == (classes, net.features)
        assert list(map(type, again.classes)) == list(map(type, classes))
    with np.load(tmp_path / "net.npz") as file:
        entries = {name: file[name] for name in file.files}
    for wrong in (["a", "b"], ["a", "b", "b"], "abc", [["a", "b", "c"]]):
        np.savez(tmp_path / "net.npz", **entries | {"classes": np.array(wrong)})
        with pytest.raises(ValueError, match="its classes are not 3 different names") as caught:
            nn.Network.load(tmp_path / "net.npz")
        assert "net.npz is not a saved network: its classes" in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [
        ["a", "b"],
        ["a", "b", "b"],
        [1, 2, 2.0],
        [True, False, True],
        [["a", "b", "c"]],
        [["a"], ["b", "c"], []],
        ["a", "b", None],
        [object(), "b", "c"],
        "abc",
        5,
    ],
)
@pytest.mark.parametrize("what", ["classes", "features"])
def test_names_that_are_set_by_hand_are_checked(what, wrong):
    net = nn.Network([3, 3], ["softmax"], rng=0)
    setattr(net, what, ["a", "b", "c"])
    with pytest.raises(ValueError, match=f"its {what} are not 3 different names, texts or num"):
        setattr(net, what, wrong)
    assert getattr(net, what) == ["a", "b", "c"]
    setattr(net, what, None)
    assert getattr(net, what) is None


@pytest.mark.parametrize("what", ["classes", "features"])
def test_names_that_could_not_be_loaded_are_not_saved(tmp_path, what):
    net = nn.Network([2, 2], ["softmax"], rng=0)
    setattr(net, what, ["a", "b"])
    getattr(net, what).append("b")
    with pytest.raises(ValueError, match=f"its {what} are not 2 different names"):
        net.save(tmp_path / "net.npz")
    assert not list(tmp_path.iterdir())


def test_names_are_kept_as_plain_values():
    net = nn.Network([2, 1], ["sigmoid"], rng=0)
    net.classes, net.features = np.array([3, 5]), ("x", "y")
    assert (net.classes, net.features) == ([3, 5], ["x", "y"])
    assert [*map(type, net.classes)] == [int, int]
