"""Tables that are larger than memory, read with Dask (extra `big`) when their rows are needed."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_lite.extras import needed
from autograd_lite.files import excerpt
from nn.arrays import Array, missing_values
from nn.chunks import CHUNK_BYTES
from nn.cluster import dask_chunks
from nn.labels import Class, coded
from nn.tables import Table

Path = str | os.PathLike[str]
_PURPOSE = "a table larger than memory is read with Dask"
FIRST_ROWS = 1000  # of a text are looked at before anything else


def size(path: Path) -> int:
    """The number of bytes in a file, or in all files of a folder. Raises OSError."""
    if not os.path.isdir(path):
        return os.path.getsize(path)
    return sum(
        os.path.getsize(os.path.join(at, f)) for at, _, names in os.walk(path) for f in names
    )


def features_of(path: Path, names: Sequence[Any], target: str) -> list[Any]:
    """The names of all columns but the target. Raises ValueError if there is no target, or none."""
    if target not in names:
        known = excerpt(", ".join(map(str, names)))
        raise ValueError(f"{path} has no column {target!r}: its columns are {known}")
    features = [name for name in names if name != target]
    if not features:
        raise ValueError(f"{path} has only the column {target!r}: there is nothing to learn from")
    return features


def kinds_of(path: Path, target: str, labels: Array) -> list[Class]:
    """The classes among labels, sorted. Raises ValueError if there is only one."""
    kinds: list[Class] = np.unique(labels).tolist()
    if len(kinds) < 2:
        raise ValueError(f"{path}: column '{excerpt(target)}' holds a single class, {kinds}")
    return kinds


def csv_in_chunks(
    path: Path, target: str, classes: bool | None, batch_axis: int
) -> tuple[Any, Any]:
    """X and Y of a comma-separated file as Dask arrays, laid out for `batch_axis`."""
    head = Table(path, FIRST_ROWS)  # which raises for what is wrong in the first rows
    features = features_of(path, head.names, target)
    head.numbers(features)
    words = head.holds_words(target)
    if classes is False or not words:
        head.numbers([target])
    frame = _frames().read_csv(
        os.fspath(path),
        blocksize=CHUNK_BYTES,
        header=0,
        names=head.names,
        dtype=dict.fromkeys(features, float) | {target: str if words else float},
        skipinitialspace=True,
        keep_default_na=False,
        na_values=[""],
        encoding="utf-8-sig",
    )
    return _in_chunks(path, frame, features, target, classes or words, batch_axis)


def parquet_in_chunks(
    path: Path, target: str, classes: bool | None, batch_axis: int
) -> tuple[Any, Any]:
    """X and Y of a Parquet file, or of a folder of them, as Dask arrays."""
    frame = _frames().read_parquet(os.fspath(path), blocksize=CHUNK_BYTES, split_row_groups=True)
    features = features_of(path, list(frame.columns), target)
    for name in frame.columns:
        if frame.dtypes[name].kind not in "biuf" and (name != target or classes is False):
            raise TypeError(f"column {name!r} of {path} holds {frame.dtypes[name]}, no numbers")
    words = frame.dtypes[target].kind not in "biuf"
    return _in_chunks(path, frame, features, target, classes or words, batch_axis)


def _frames() -> Any:
    return needed("dask.dataframe", _PURPOSE, "big")


def _in_chunks(
    path: Path, frame: Any, features: list[str], target: str, classes: bool, batch_axis: int
) -> tuple[Any, Any]:
    """The columns of a Dask frame; of classes, each label is one-hot, or 0 or 1."""
    dask, da = (needed(name, _PURPOSE, "big") for name in ("dask", "dask.array"))
    parts, names = frame.to_delayed(), [*features, target]
    try:
        facts = dask.compute(*[dask.delayed(_facts)(part, target, classes) for part in parts])
    except ValueError as error:  # of pandas, which does not know the file
        raise ValueError(f"{path}: {error}") from error
    missing = sum(counts for _, counts, _ in facts)
    if missing.any():
        counts = {f"column '{excerpt(name)}'": int(missing[name]) for name in names}
        raise ValueError(f"{path} has {missing_values(counts)}")
    kinds = None
    if classes:
        kinds = kinds_of(path, target, np.concatenate([labels for _, _, labels in facts]))
    blocks = [
        da.from_delayed(dask.delayed(_numbers_of)(part, names, kinds), (m, len(names)), float)
        for part, (m, _, _) in zip(parts, facts, strict=True)
    ]
    table = da.concatenate(blocks)
    X, Y = table[:, :-1], table[:, -1:]
    if batch_axis == 1:
        X, Y = X.T, Y.T
    if kinds is not None:
        one_hot = functools.partial(_one_hot, k=len(kinds), batch_axis=batch_axis)
        Y = dask_chunks(Y, None, batch_axis).mapped(one_hot).given
    return X, Y


def _facts(frame: Any, target: str, classes: bool) -> tuple[int, Any, Array | None]:
    """The number of rows, those with missing values by column, and the labels that there are."""
    labels = np.unique(frame[target].dropna().to_numpy()) if classes else None
    return len(frame), frame.isna().sum(), labels


def _numbers_of(frame: Any, names: list[str], kinds: list[Class] | None) -> Array:
    """The columns as numbers; in place of a label, which comes last, the place of its class."""
    if kinds is not None:
        places = {kind: place for place, kind in enumerate(kinds)}
        frame = frame.assign(**{names[-1]: frame[names[-1]].map(places)})
    numbers: Array = frame[names].to_numpy(dtype=float)
    return numbers


def _one_hot(start: int, places: Array, k: int, batch_axis: int) -> Array:
    Y = coded(range(k), places.ravel())[k == 2 :]
    return Y if batch_axis == 1 else Y.T
