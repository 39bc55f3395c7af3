"""Comma-separated files, read as columns of numbers and labels, with errors that name the place."""

from __future__ import annotations

import itertools
import math
import os
import re
from collections.abc import Sequence
from csv import Error as CsvError
from csv import reader

import numpy as np

from autograd_lite.files import excerpt
from nn.arrays import Array, missing_values


class Table:
    """A comma-separated file whose first line names the columns; every value is still a text.

    Raises ValueError, naming the file and the row (the line of the file, as a spreadsheet counts),
    for a file that is empty, whose columns have no names of their own, or whose rows differ in
    length.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "fruit.csv")
    ...     size = path.write_text("grams,fruit\\n150,apple\\n7,cherry\\n")
    ...     table = Table(path)
    >>> table.names, table.numbers(["grams"]), table.labels("fruit")
    (['grams', 'fruit'], array([[150.,   7.]]), array(['apple', 'cherry'], dtype='<U6'))
    """

    def __init__(self, path: str | os.PathLike[str], rows: int | None = None) -> None:
        """`rows` stops after so many rows."""
        self.path = path
        self.names, lines = _read(path, rows)
        self.lines = [line for line, _ in lines]
        self.columns = {
            name: [values[i] for _, values in lines] for i, name in enumerate(self.names)
        }

    def check_column(self, name: str) -> None:
        """Raise ValueError, with the columns that there are, if none has this name."""
        if name not in self.columns:
            known = excerpt(", ".join(self.names))
            raise ValueError(f"{self.path} has no column {name!r}: its columns are {known}")

    def numbers(self, names: Sequence[str]) -> Array:
        """These columns, each a row of numbers: (n, m).

        Raises ValueError for a value that is not a finite number, with row and column, and for
        missing values (empty cells), counted by column.
        """
        for name in names:
            self.check_column(name)
        counts = {f"column '{excerpt(name)}'": self.columns[name].count("") for name in names}
        if any(counts.values()):
            first = min(
                i for name in names for i, text in enumerate(self.columns[name]) if not text
            )
            raise ValueError(
                f"{self.path} has {missing_values(counts)} (the first in row {self.lines[first]})"
            )
        return np.array([self._numbers(name) for name in names])

    def labels(self, name: str, classes: bool | None = None) -> Array:
        """A column as labels (m,): numbers, or, if there is none among them, words.

        With `classes=False` words are an error, with `classes=True` they may be like numbers, and
        numbers mean classes: there must be two or more.
        """
        self.check_column(name)
        texts = self.columns[name]
        if classes is None:
            classes = self.holds_words(name)
        if not classes:
            return self.numbers([name])[0]
        if "" in texts:
            row = self.lines[texts.index("")]
            raise ValueError(
                f"{self.path}, row {row}, column '{excerpt(name)}': the label is missing"
            )
        values = [decimal_number(text) for text in texts]
        labels = np.array(texts if None in values else values)
        if len(np.unique(labels)) < 2:
            raise ValueError(
                f"{self.path}: column '{excerpt(name)}' holds a single class, '{excerpt(texts[0])}'"
            )
        return labels

    def holds_words(self, name: str) -> bool:
        """True for a column without anything like a number."""
        return not any(_is_like_a_number(text) for text in self.columns[name])

    def _numbers(self, name: str) -> list[float]:
        values = []
        for text, line in zip(self.columns[name], self.lines, strict=True):
            value = decimal_number(text)
            if value is None:
                written = _is_like_a_number(text) and any(c.isdigit() for c in text)
                hint = ": write it like -1234.5 or 1e-3" if written else ""
                raise ValueError(
                    f"{self.path}, row {line}, column '{excerpt(name)}': '{excerpt(text)}' is not "
                    f"a finite number{hint}"
                )
            values.append(value)
        return values


def _read(
    path: str | os.PathLike[str], most: int | None
) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The names of the columns, and the rows, each with its line number in the file."""
    rows: list[tuple[int, list[str]]] = []
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            lines = reader(file, strict=True)
            for values in itertools.islice(lines, most and most + 1):
                if values:
                    rows.append((lines.line_num, [value.strip() for value in values]))
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not a text file in UTF-8") from None
    except CsvError as error:
        raise ValueError(f"{path}, row {lines.line_num}: {error}") from None
    if not rows:
        raise ValueError(f"{path} is empty")
    (first, names), rows = rows[0], rows[1:]
    for i, name in enumerate(names):
        if decimal_number(name) is not None:
            raise ValueError(
                f"{path}, row {first}: {excerpt(name)} is no column's name: add a line of names"
            )
        if not name or name in names[:i]:
            raise ValueError(
                f"{path}, row {first}: column {i + 1} needs a name of its own: '{excerpt(name)}'"
            )
    if not rows:
        raise ValueError(f"{path} has names of columns but no rows")
    for line, values in rows:
        if len(values) != len(names):
            raise ValueError(
                f"{path}, row {line} has {len(values)} values, but there are {len(names)} columns"
            )
    return names, rows


def decimal_number(text: str) -> float | None:
    """The finite number that a text such as 12, -0.5 or 1e-3 stands for; None for other texts.

    >>> [decimal_number(text) for text in ("-2.5e1", "1_000", "nan", "１２")]
    [-25.0, None, None, None]
    """
    value = float(text) if _DECIMAL.fullmatch(text) else math.inf
    return value if math.isfinite(value) else None


_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_WITH_COMMAS = re.compile(r"[+-]?\d[\d,]*(\.\d+)?")


def _is_like_a_number(text: str) -> bool:
    """True for a text that people or Python read as a number: 1,000 or 1_000, nan, １２."""
    try:
        float(text)
    except ValueError:
        return _WITH_COMMAS.fullmatch(text) is not None
    return True
