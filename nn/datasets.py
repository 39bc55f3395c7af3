"""Small data sets that need no download, and the functions that prepare them for training.

`X` holds the features and `Y` the labels, both as floats, one column for each sample, or one row
with `batch_axis=0`.
"""

from __future__ import annotations

import functools
import math
import os
from typing import Any, overload

import numpy as np

from autograd_lite.extras import needed
from nn import large_tables, moments
from nn.arrays import Array, as_labels, as_numbers, checked_batch_axis, finite_samples
from nn.chunks import Chunks, taken
from nn.labels import Class, coded
from nn.large_tables import features_of, kinds_of
from nn.samples import in_chunks
from nn.tables import Table

IN_MEMORY = 2**28  # bytes of a file that are read at once, if nothing else is said
_SMALLEST_SCALE = math.sqrt(np.finfo(float).tiny)  # its square has all digits


def planar(
    m: int = 400, rng: int | np.random.Generator | None = 0, batch_axis: int = 1
) -> tuple[Array, Array]:
    """Two flower-shaped classes of points in the plane, X (2, m) and Y (1, m) of 0 and 1.

    Each class has four of the eight petals of r = 4 sin 4θ, with noise of 0.2 in r and θ: no
    straight line separates them. Source: the planar data of Andrew Ng's course "Neural Networks
    and Deep Learning", week 3, made anew from its description. `m` must be even.

    >>> X, Y = planar(400, rng=0)
    >>> X.shape, Y.shape, Y.sum()
    ((2, 400), (1, 400), np.float64(200.0))
    """
    if m < 2 or m % 2:
        raise ValueError(f"planar({m}): the two classes are of one size, so m must be even")
    rng = np.random.default_rng(rng)
    points, labels = [], []
    for label in (0.0, 1.0):
        θ = np.linspace(3.12 * label, 3.12 * (label + 1), m // 2)
        θ = θ + 0.2 * rng.standard_normal(m // 2)
        r = 4 * np.sin(4 * θ) + 0.2 * rng.standard_normal(m // 2)
        points.append([r * np.sin(θ), r * np.cos(θ)])
        labels.append(np.full((1, m // 2), label))
    return _laid_out(np.hstack(points), np.hstack(labels), batch_axis)


def breast_cancer(batch_axis: int = 1) -> tuple[Array, Array]:
    """Wisconsin breast cancer: X (30, 569), Y (1, 569), 1 for a benign tumour and 0 for malignant.

    From scikit-learn's own files (the `data` extra).

    >>> X, Y = breast_cancer()
    >>> X.shape, Y.shape, Y.sum()
    ((30, 569), (1, 569), np.float64(357.0))
    """
    data = _from_sklearn("load_breast_cancer")
    return _laid_out(data.data.T, data.target[np.newaxis], batch_axis)


def digits(batch_axis: int = 1) -> tuple[Array, Array]:
    """Handwritten digits of 8 × 8 pixels, 0 to 16: X (64, 1797), Y (10, 1797) one-hot.

    From scikit-learn's own files (the `data` extra).

    >>> X, Y = digits()
    >>> X.shape, Y.shape, X.max()
    ((64, 1797), (10, 1797), np.float64(16.0))
    """
    data = _from_sklearn("load_digits")
    return _laid_out(data.data.T, one_hot(data.target), batch_axis)


def iris(target: str | None = None, batch_axis: int = 1) -> tuple[Array, Array]:
    """Three kinds of iris by four lengths in cm: X (4, 150), Y (3, 150) one-hot.

    With `target`, one of "setosa", "versicolor" and "virginica", Y is (1, 150): 1 for this kind
    and 0 for the two others. From scikit-learn's own files (the `data` extra).

    >>> X, Y = iris("setosa", batch_axis=0)
    >>> X.shape, Y.shape, Y.sum()
    ((150, 4), (150, 1), np.float64(50.0))
    """
    data = _from_sklearn("load_iris")
    kinds = [str(name) for name in data.target_names]
    if target is None:
        return _laid_out(data.data.T, one_hot(data.target), batch_axis)
    if target not in kinds:
        raise ValueError(f"iris(target={target!r}): the kinds are {', '.join(kinds)}")
    return _laid_out(data.data.T, (data.target == kinds.index(target))[np.newaxis], batch_axis)


def csv(
    path: str | os.PathLike[str],
    target: str,
    classes: bool | None = None,
    batch_axis: int = 1,
    in_memory: int = IN_MEMORY,
) -> tuple[Any, Any]:
    """A comma-separated file whose first line names the columns; `target` names the labels' column.

    All other columns are features and must hold numbers: X (n, m). A target of numbers is used as
    it is: Y (1, m). A target of words, or any target with `classes=True`, gives classes in sorted
    order: two give Y (1, m) of 0 and 1, more give Y (k, m) one-hot. `classes=False` makes words an
    error.

    A file of more than `in_memory` bytes is read twice, to count its rows and when they are used, a
    chunk at a time: X and Y are Dask arrays (extra `big`).

    Raises ValueError, naming the file, the row (the line of the file, as a spreadsheet counts) and
    the column, for a missing column, a value that is not a finite number, a row with too few or too
    many values, and an empty file.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "fruit.csv")
    ...     size = path.write_text("grams,fruit\\n150,apple\\n7,cherry\\n")
    ...     csv(path, target="fruit")
    (array([[150.,   7.]]), array([[0., 1.]]))
    """
    if large_tables.size(path) > in_memory:
        return large_tables.csv_in_chunks(path, target, classes, checked_batch_axis(batch_axis))
    X, Y, _, _ = csv_with_names(path, target, classes)
    return _laid_out(X, Y, batch_axis)


def parquet(
    path: str | os.PathLike[str],
    target: str,
    classes: bool | None = None,
    batch_axis: int = 1,
    in_memory: int = IN_MEMORY,
) -> tuple[Any, Any]:
    """A Parquet file, or a folder of them, read as `csv` reads text (extra `big`).

    Raises ValueError, naming the column, for a missing column, and for values that are missing or
    no numbers.

    >>> import pathlib, tempfile
    >>> frame = needed("pandas", "Parquet files need pandas", "big").DataFrame
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "fruit.parquet")
    ...     frame({"grams": [150, 7], "fruit": ["apple", "cherry"]}).to_parquet(path)
    ...     parquet(path, target="fruit")
    (array([[150.,   7.]]), array([[0., 1.]]))
    """
    checked_batch_axis(batch_axis)
    if large_tables.size(path) > in_memory:
        return large_tables.parquet_in_chunks(path, target, classes, batch_axis)
    frame = needed("pandas", "Parquet files need pandas", "big").read_parquet(path)
    features, name = features_of(path, list(frame.columns), target), os.fspath(path)
    X = finite_samples(name, as_numbers(frame[features], name), float, 0, features)
    read = as_numbers if classes is False else as_labels
    Y, _ = _coded(path, target, read(frame[target], f"column {target!r} of {name}"), classes)
    return _laid_out(X.T, Y, batch_axis)


def csv_with_names(
    path: str | os.PathLike[str], target: str, classes: bool | None = None
) -> tuple[Array, Array, list[Class] | None, list[str]]:
    """X (n, m) and Y as `csv` reads them, the classes that Y stands for, the features' names."""
    table = Table(path)
    table.check_column(target)
    features = features_of(path, table.names, target)
    X, labels = table.numbers(features), table.labels(target, classes)
    Y, kinds = _coded(path, target, labels, classes)
    return X, Y, kinds, features


def _coded(
    path: str | os.PathLike[str], target: str, labels: Array, classes: bool | None
) -> tuple[Array, list[Class] | None]:
    """Y, samples as columns, for the labels of a table, and the classes, if they are some."""
    if not classes and labels.dtype.kind != "U":
        return labels[np.newaxis], None
    kinds = kinds_of(path, target, labels)
    return coded(kinds, labels)[len(kinds) == 2 :], kinds


def one_hot(labels: Any) -> Array:
    """(k, m) with a single 1 in each column, for m whole numbers from 0 to k − 1.

    >>> one_hot([0, 2, 1])
    array([[1., 0., 0.],
           [0., 0., 1.],
           [0., 1., 0.]])
    """
    labels = as_numbers(labels, "labels")
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or (labels < 0).any():
        raise ValueError("one_hot needs a list of whole numbers, 0 or more")
    return np.eye(labels.max(initial=0) + 1)[:, labels]


def split(
    X: Any,
    Y: Any,
    test: float = 0.25,
    rng: int | np.random.Generator | None = 0,
    batch_axis: int = 1,
) -> tuple[Any, Any, Any, Any]:
    """X_train, X_test, Y_train, Y_test: the share `test` of the samples, drawn by `rng`, held out.

    Of samples larger than memory (nn.samples), this share of each chunk is held out, when it is
    read. Of batches that are pairs (X, Y), with Y=None, the first two results are such batches.

    Raises ValueError if X and Y differ in the number of samples, and for a share that leaves none
    to one of the parts.

    >>> X_train, X_test, Y_train, Y_test = split(*planar(400), test=0.25, rng=0)
    >>> X_train.shape, X_test.shape, Y_train.shape, Y_test.shape
    ((2, 300), (2, 100), (1, 300), (1, 100))
    """
    chunks = in_chunks(X, Y, checked_batch_axis(batch_axis))
    if chunks is not None:
        both = split_chunks(chunks, test, np.random.default_rng(rng))
        if Y is None:
            return *both, None, None
        apart = [part.alone(of).given for of in "XY" for part in both]
        return apart[0], apart[1], apart[2], apart[3]
    m = np.shape(X)[-batch_axis]
    if np.shape(Y)[-batch_axis] != m:
        raise ValueError(
            f"X {np.shape(X)} and Y {np.shape(Y)} differ in the number of samples, along "
            f"axis {batch_axis} (batch_axis={batch_axis})"
        )
    _check_share(test)
    held_out = round(test * m)
    if not 0 < held_out < m:
        raise ValueError(
            f"test={test} of {m} samples would hold out {held_out}: leave some to both"
        )
    order = np.random.default_rng(rng).permutation(m)
    testing, training = order[:held_out], order[held_out:]
    parts = [np.take(part, at, -batch_axis) for part in (X, Y) for at in (training, testing)]
    return parts[0], parts[1], parts[2], parts[3]


def split_chunks(chunks: Chunks, test: float, rng: np.random.Generator) -> tuple[Chunks, Chunks]:
    """The chunks without the samples held out, and with them alone."""
    _check_share(test)
    chunks.check_again("both parts are read")
    seed = int(rng.integers(2**32))

    def held_out(start: int, width: int) -> int:
        return round(test * (start + width)) - round(test * start)

    def part(start: int, array: Array, held: bool) -> Array:
        width = array.shape[-chunks.batch_axis]
        order, n = np.random.default_rng([seed, start]).permutation(width), held_out(start, width)
        return taken(array, np.sort(order[:n] if held else order[n:]), chunks.batch_axis)

    testing, training = (functools.partial(part, held=held) for held in (True, False))
    return (
        chunks.mapped(training, training, lambda s, w: w - held_out(s, w)),
        chunks.mapped(testing, testing, held_out),
    )


def _check_share(test: float) -> None:
    if not 0 < test < 1:
        raise ValueError(f"test={test}: it is a share, between 0 and 1: leave some to both")


@overload
def standardize(X_train: Array, X_test: None = None, batch_axis: int = 1) -> Array: ...
@overload
def standardize(X_train: Array, X_test: Array, batch_axis: int = 1) -> tuple[Array, Array]: ...
def standardize(
    X_train: Array, X_test: Array | None = None, batch_axis: int = 1
) -> Array | tuple[Array, Array]:
    """The samples with each feature shifted to mean 0 and scaled to standard deviation 1.

    Both are measured on X_train alone; a feature that is constant there is only shifted. Returns
    X_train, or both if X_test is given. What is larger than memory (nn.samples) is measured chunk
    by chunk, and shifted and scaled when it is read.

    Raises ValueError if X_test has other features, and, naming it, for a feature whose values are
    too large, or too small, to be scaled.

    >>> standardize(np.array([[1.0, 3.0], [5.0, 5.0]]), np.array([[2.0], [6.0]]))
    (array([[-1.,  1.],
           [ 0.,  0.]]), array([[0.],
           [1.]]))
    """
    chunks = in_chunks(X_train, None, checked_batch_axis(batch_axis))
    if chunks is not None:
        chunks.check_again("they are measured, and then read")
    mean, scale = mean_and_scale(X_train, batch_axis)
    if X_test is None:
        return standardized(X_train, mean, scale, batch_axis)
    features, shape = 1 - batch_axis, _shape_of(X_test, batch_axis)
    if shape is not None and (len(shape) != 2 or shape[features] != mean.shape[features]):
        raise ValueError(
            f"X_test {shape} has not the {mean.shape[features]} features of X_train "
            f"{_shape_of(X_train, batch_axis)}, along axis {features} (batch_axis={batch_axis})"
        )
    parts = [standardized(X, mean, scale, batch_axis) for X in (X_train, X_test)]
    return parts[0], parts[1]


def mean_and_scale(X: Array, batch_axis: int = 1) -> tuple[Array, Array]:
    """Each feature's mean and standard deviation; 1 for the deviation of a constant feature."""
    chunks = in_chunks(X, None, checked_batch_axis(batch_axis))
    if chunks is not None:
        return moments.mean_and_scale_of(chunks)
    X = as_numbers(X, "X").astype(float)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):  # `standardized` finds it
        mean = X.mean(batch_axis, keepdims=True)
        scale = X.std(batch_axis, keepdims=True)
        constant = np.ptp(X, batch_axis, keepdims=True) == 0
    return mean, np.where(constant, 1.0, scale)


def _shape_of(X: Any, batch_axis: int) -> tuple[int, ...] | None:
    """The shape of an array of any kind; None where it is not known."""
    return np.shape(X) if in_chunks(X, None, batch_axis) is None else getattr(X, "shape", None)


def standardized(X: Any, mean: Array, scale: Array, batch_axis: int = 1) -> Any:
    """(X − mean) / scale. Raises ValueError, naming the feature, where that is not finite."""
    chunks = in_chunks(X, None, batch_axis)
    if chunks is not None:
        return chunks.mapped(lambda start, part: standardized(part, mean, scale, batch_axis)).given
    with np.errstate(all="ignore"):
        Z = as_numbers(X, "X") - mean
        Z /= scale  # (in place: it may be a large chunk)
    fits = (scale > _SMALLEST_SCALE) & (scale < math.inf)
    wrong = ~(np.isfinite(Z).all(batch_axis) & fits.ravel())
    if wrong.any():
        j = int(wrong.argmax())
        values = X.take(j, 1 - batch_axis)
        raise ValueError(
            f"feature {j + 1} cannot be standardized: its values, from {values.min():g} to "
            f"{values.max():g}, are too large, or too small, for float64. Measure it in other units"
        )
    return Z


def _laid_out(X: Any, Y: Any, batch_axis: int) -> tuple[Array, Array]:
    """X and Y, given with samples as columns, as contiguous floats laid out for `batch_axis`."""
    X, Y = (part if checked_batch_axis(batch_axis) else part.T for part in (X, Y))
    return np.ascontiguousarray(X, dtype=float), np.ascontiguousarray(Y, dtype=float)


def _from_sklearn(loader: str) -> Any:
    datasets = needed("sklearn.datasets", "this data set is a file of scikit-learn", "data")
    return getattr(datasets, loader)()
