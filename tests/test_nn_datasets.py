"""Data sets: shapes, layout, splits, standardizing, and every way a file can be wrong."""

import sys

import numpy as np
import pytest

import nn
from nn import datasets, tables


def test_planar_is_two_flowers_that_no_line_separates():
    X, Y = datasets.planar(400, rng=0)
    assert X.shape == (2, 400)
    assert (Y.sum(), set(Y.ravel())) == (200, {0.0, 1.0})
    assert 3 < np.abs(X).max() < 6
    M = np.vstack([X, np.ones(400)]).T
    line = np.linalg.lstsq(M, 2 * Y[0] - 1, rcond=None)[0]
    assert np.mean((M @ line > 0) == Y[0]) < 0.75
    petal = np.floor(np.arctan2(*X) / (np.pi / 4)).astype(int)  # θ is measured from the x₂ axis
    assert np.mean(np.array([0, 1, 0, 1, 1, 0, 1, 0])[petal] == Y[0]) > 0.85
    again, other = datasets.planar(400, rng=0)[0], datasets.planar(400, rng=1)[0]
    np.testing.assert_array_equal(X, again)
    assert (X != other).any()
    with pytest.raises(ValueError, match=r"planar\(3\).*even"):
        datasets.planar(3)


@pytest.mark.parametrize(
    ("name", "options", "shapes"),
    [
        ("planar", {}, ((2, 400), (1, 400))),
        ("breast_cancer", {}, ((30, 569), (1, 569))),
        ("digits", {}, ((64, 1797), (10, 1797))),
        ("iris", {}, ((4, 150), (3, 150))),
        ("iris", {"target": "versicolor"}, ((4, 150), (1, 150))),
    ],
)
def test_both_layouts(name, options, shapes):
    if name != "planar":
        pytest.importorskip("sklearn")
    load = getattr(datasets, name)
    X, Y = load(**options)
    assert (X.shape, Y.shape) == shapes
    rows = load(**options, batch_axis=0)
    for part, row in zip((X, Y), rows, strict=True):
        np.testing.assert_array_equal(part, row.T)
        assert row.flags.c_contiguous
        assert part.flags.c_contiguous
        assert part.dtype == float
    if len(Y) > 1:
        np.testing.assert_array_equal(Y.sum(0), 1)
    with pytest.raises(ValueError, match="batch_axis=2"):
        load(batch_axis=2)


def test_the_labels_are_scikit_learns():
    sklearn = pytest.importorskip("sklearn.datasets")
    np.testing.assert_array_equal(datasets.digits()[1].argmax(0), sklearn.load_digits().target)
    iris = sklearn.load_iris().target
    np.testing.assert_array_equal(datasets.iris("virginica")[1][0], iris == 2)
    with pytest.raises(ValueError, match="the kinds are setosa, versicolor, virginica"):
        datasets.iris("rose")


def test_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ImportError, match=r'pip install "autograd-lite\[data\]"'):
        datasets.iris()


@pytest.mark.parametrize("batch_axis", [0, 1])
def test_a_split_has_every_sample_once_with_its_label(batch_axis):
    X = np.arange(20.0)[np.newaxis]
    X, Y = (X, 2 * X) if batch_axis else (X.T, 2 * X.T)
    X_train, X_test, Y_train, Y_test = datasets.split(X, Y, 0.25, rng=0, batch_axis=batch_axis)
    assert X_test.size == 5
    np.testing.assert_array_equal(np.sort(np.append(X_train, X_test)), np.arange(20))
    np.testing.assert_array_equal(Y_train, 2 * X_train)
    np.testing.assert_array_equal(Y_test, 2 * X_test)
    again = datasets.split(X, Y, 0.25, rng=0, batch_axis=batch_axis)[1]
    np.testing.assert_array_equal(X_test, again)


def test_splits_that_cannot_be():
    X, Y = datasets.planar(400)
    for test in (0, 1, 0.0001, -1):
        with pytest.raises(ValueError, match="leave some to both"):
            datasets.split(X, Y, test)
    with pytest.raises(ValueError, match=r"X \(2, 400\) and Y \(400, 1\) differ"):
        datasets.split(X, Y.T)


@pytest.mark.parametrize("batch_axis", [0, 1])
def test_standardizing_measures_the_training_samples_alone(batch_axis):
    rng = np.random.default_rng(0)
    train, test = rng.normal(5, 3, (4, 50)), rng.normal(9, 1, (4, 20))
    train[2] = 0.1  # a constant that has no exact mean
    if batch_axis == 0:
        train, test = train.T, test.T
    A, B = datasets.standardize(train, test, batch_axis=batch_axis)
    np.testing.assert_allclose(A.mean(batch_axis), 0, atol=1e-12)
    np.testing.assert_allclose(A.std(batch_axis), [1, 1, 0, 1], atol=1e-12)
    shifted = test - train.mean(batch_axis, keepdims=True)
    scale = np.array([*train.std(batch_axis)])
    scale[2] = 1
    np.testing.assert_allclose(B, shifted / np.expand_dims(scale, batch_axis))
    np.testing.assert_array_equal(datasets.standardize(train, batch_axis=batch_axis), A)
    with pytest.raises(ValueError, match="X_test .* has not the 4 features of X_train"):
        datasets.standardize(train, test.T, batch_axis=batch_axis)


def file(tmp_path, text, name="data.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_text(text, encoding=encoding)
    return path


def test_csv_with_numbers_as_target(tmp_path):
    path = file(tmp_path, "a,y,b\n1,10,2\n\n 3 ,-2.5e1,4\n")
    X, Y = datasets.csv(path, target="y")
    np.testing.assert_array_equal(X, [[1, 3], [2, 4]])
    np.testing.assert_array_equal(Y, [[10, -25]])
    rows = datasets.csv(str(path), target="y", batch_axis=0)
    np.testing.assert_array_equal(rows[0], X.T)
    np.testing.assert_array_equal(rows[1], Y.T)


def test_csv_with_classes_as_target(tmp_path):
    path = file(tmp_path, 'a,"kind, said"\n1,yes\n2,no\n3,yes\n')
    np.testing.assert_array_equal(datasets.csv(path, "kind, said")[1], [[1, 0, 1]])
    path = file(tmp_path, "a,kind\n1,c\n2,a\n3,b\n4,a\n")
    one_hot = [[0, 1, 0, 1], [0, 0, 1, 0], [1, 0, 0, 0]]
    np.testing.assert_array_equal(datasets.csv(path, "kind")[1], one_hot)
    path = file(tmp_path, "a,kind\n1,10\n2,9\n3,9.0\n4,11\n")
    np.testing.assert_array_equal(datasets.csv(path, "kind")[1], [[10, 9, 9, 11]])
    one_hot = [[0, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1]]
    np.testing.assert_array_equal(datasets.csv(path, "kind", classes=True)[1], one_hot)


def test_csv_from_a_spreadsheet(tmp_path):
    path = file(tmp_path, "a,y\r\n1,2\r\n", encoding="utf-8-sig")
    np.testing.assert_array_equal(datasets.csv(path, "a")[1], [[1]])


@pytest.mark.parametrize(
    ("text", "target", "message"),
    [
        ("", "y", "is empty"),
        ("\n\n", "y", "is empty"),
        ("a,y\n", "y", "names of columns but no rows"),
        ("a,y\n1,2\n", "z", "no column 'z': its columns are a, y"),
        ("y\n1\n", "y", "only the column 'y'"),
        ("a,y\n1,2\n\n1\n", "y", "row 4 has 1 values, but there are 2 columns"),
        ("a,y\n1,2,3\n", "y", "row 2 has 3 values"),
        ("a,y\n1,2\nred,2\n", "y", "row 3, column 'a': 'red' is not a finite number"),
        (
            "a,b,y\n1,,2\n,,2\n1,1,2\n",
            "y",
            r"has missing values: 1 in column 'a', 2 in column 'b'\. .* \(the first in row 2\)",
        ),
        ("a,y\n1,2\n1,\n", "y", "has missing values: 1 in column 'y'"),
        ("a,y\n1,2\nnan,2\n", "y", "row 3, column 'a': 'nan' is not"),
        ("a,y\n1,2\ninf,2\n", "y", "row 3, column 'a': 'inf' is not"),
        ("a,y\n1,2\n1,red\n", "y", "row 3, column 'y': 'red' is not a finite number"),
        ("a,y\n1,no\n1,\n", "y", "row 3, column 'y': the label is missing"),
        ("a,y\n1,no\n1,no\n", "y", "column 'y' holds a single class, 'no'"),
        ("a,a,y\n1,2,3\n", "y", "row 1: column 2 needs a name of its own: 'a'"),
        ("a,,y\n1,2,3\n", "y", "row 1: column 2 needs a name of its own: ''"),
        ("1,2\n3,4\n", "2", "row 1: 1 is no column's name: add a line of names"),
        ('a,y\n"1,2\n', "y", "row 2: unexpected end of data"),
        ("a,y\n1,1e999\n", "y", "'1e999' is not a finite number: write it like"),
        ("a,y\n1,no\n1,\n", "y", "the label is missing"),
        (f"{'a' * 10**5},y\n1,2\n", "z", r"no column 'z': its columns are a{199}…$"),
        (f"{'a' * 10**5},y\nx,2\n", "y", r"column 'a{199}…': 'x' is not"),
        (f"a,y\n{'x' * 10**5},2\n", "y", r"'x{199}…' is not a finite number$"),
        (f"a,y\n1,{'x' * 10**5}\n", "y", r"single class, 'x{199}…'$"),
        (f"{'1' * 300},y\n1,2\n", "y", r"row 1: 1{199}… is no column's name"),
        ("a,y\n\x1b[31m,2\n", "y", r"'\\x1b\[31m' is not a finite number"),
    ],
    ids=lambda x: x[:20],
)
def test_csv_files_that_are_wrong(tmp_path, text, target, message):
    with pytest.raises(ValueError, match="data.csv.*" + message):
        datasets.csv(file(tmp_path, text), target)


NUMBERS = ["0", "12", "-1", "+1.5", ".5", "5.", "1e3", "1E-3", "-2.5e+10", "1e308", "007", "1e-400"]
NO_NUMBERS = [
    *(
        "1_000",
        "1_0.5",
        "1e1_0",
        "nan",
        "NaN",
        "inf",
        "-Infinity",
        "1e309",
        "１２",
        "٣",
    ),
    *("1,5", "1,000", "1,000.5", "-1,5"),  # a comma for the point, or between thousands
]
WORDS = [
    "0x10",
    "0b1",
    "1j",
    "1d3",
    "--1",
    "1 0",
    "e5",
    ".",
    "1e",
    "True",
    "None",
    "½",
    "1.2.3",
]


def test_what_is_a_number():
    for text in NUMBERS:
        assert tables.decimal_number(text) == float(text)
    for text in NO_NUMBERS + WORDS:
        assert tables.decimal_number(text) is None


@pytest.mark.parametrize("text", [*NO_NUMBERS, *WORDS])
def test_a_feature_that_is_no_number_is_refused(tmp_path, text):
    path = file(tmp_path, f'a,y\n1,2\n"{text}",2\n')
    with pytest.raises(ValueError, match="row 3, column 'a': '.*' is not a finite number"):
        datasets.csv(path, "y")


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_labels_that_somebody_takes_for_numbers_are_no_words(tmp_path, text):
    path = file(tmp_path, f'a,y\n1,"{text}"\n2,"{text}"\n3,"{text}1"\n')
    with pytest.raises(ValueError, match="row 2, column 'y': '.*' is not a finite number"):
        datasets.csv(path, "y")


@pytest.mark.parametrize(
    ("features", "feature"),
    [
        ([[1, 2], [1e308, -1e308]], 2),  # the standard deviation is infinite
        ([[1e308, 1.1e308], [1, 2]], 1),  # the sum is
        ([[1e-200, 2e-200], [1, 2]], 1),  # the standard deviation is 0
        ([[1e-158, 2e-158], [1, 2]], 1),  # it has few digits
    ],
)
@pytest.mark.parametrize("batch_axis", [0, 1])
def test_features_that_no_scale_fits(features, feature, batch_axis):
    X = np.array(features)
    X = X if batch_axis else X.T
    with pytest.raises(ValueError, match=f"^feature {feature} cannot be standardized: its values"):
        datasets.standardize(X, batch_axis=batch_axis)
    train = np.array([[1, 2], [1, 2]])
    with pytest.raises(ValueError, match="^feature 2 cannot be standardized"):
        datasets.standardize(train, np.array([[1], [np.inf]]))


def test_a_share_that_is_none():
    X, Y = datasets.planar(400)
    for test in (np.inf, -np.inf, np.nan, 1e300, -0.5, 1.0):
        with pytest.raises(ValueError, match=r"it is a share, between 0 and 1"):
            datasets.split(X, Y, test)


def test_csv_of_words_where_numbers_are_insisted_on(tmp_path):
    with pytest.raises(ValueError, match="row 2, column 'y': 'no' is not a finite number"):
        datasets.csv(file(tmp_path, "a,y\n1,no\n"), "y", classes=False)


def test_csv_files_that_are_no_text_or_not_there(tmp_path):
    (tmp_path / "data.csv").write_bytes(b"a,y\n\xff\xfe,1\n")
    with pytest.raises(ValueError, match="not a text file in UTF-8"):
        datasets.csv(tmp_path / "data.csv", "y")
    with pytest.raises(FileNotFoundError):
        datasets.csv(tmp_path / "none.csv", "y")


def test_one_hot():
    np.testing.assert_array_equal(datasets.one_hot([1, 0]), [[0, 1], [1, 0]])
    for wrong in ([-1, 0], [0.5], [[1]]):
        with pytest.raises(ValueError, match="whole numbers"):
            datasets.one_hot(wrong)


def test_pictures(tmp_path):
    pytest.importorskip("matplotlib")
    X, Y = datasets.planar(40)
    for batch_axis in (0, 1):
        net = nn.Network([2, 3, 1], ["tanh", "sigmoid"], rng=0, batch_axis=batch_axis)
        image, axes = nn.plots.figure(1)
        part = (X, Y) if batch_axis else (X.T, Y.T)
        assert nn.plots.decision_boundary(net, *part, ax=axes[0]) is axes[0]
        for k, points in enumerate(axes[0].collections[-2:]):
            np.testing.assert_array_equal(points.get_offsets(), X.T[Y[0] == k])
        assert [text.get_text() for text in axes[0].get_legend().texts] == ["0", "1"]
        image.savefig(tmp_path / "image.png")
    net = nn.Network([2, 3], ["softmax"], rng=0)
    _, axes = nn.plots.figure(1)
    net.classes = ["red", "blue", "none"]
    nn.plots.decision_boundary(net, X, np.vstack([Y, 1 - Y, 0 * Y]), ax=axes[0])
    assert [text.get_text() for text in axes[0].get_legend().texts] == net.classes
    with pytest.raises(ValueError, match="3 inputs: a picture needs two"):
        nn.plots.decision_boundary(nn.Network([3, 1], ["tanh"]), X, Y)


def test_a_picture_of_history(monkeypatch):
    pytest.importorskip("matplotlib")
    _, axes = nn.plots.figure(1)
    nn.plots.history(nn.History(loss=[3.0, 2.0], metric=[None, None]), axes[0])
    np.testing.assert_array_equal(axes[0].lines[0].get_ydata(), [3, 2])
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"autograd-lite\[plot\]"):
        nn.plots.history(nn.History())
