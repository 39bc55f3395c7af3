"""Text that fits the terminal which it is printed to: long lines go on below, indented.

Where standard output is no terminal (a file, a pipe, a notebook), every line stays whole.
"""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence

_GAP = re.compile(r"(  +)(?=\S)")
_WHOLE = re.compile(r"[(\[][\d, ]+[)\]]|\S+ × \S+")  # shapes


def width() -> int | None:
    """The columns of the terminal that standard output is, COLUMNS where that is set, or None."""
    if sys.stdout is None or not sys.stdout.isatty():
        return None
    return shutil.get_terminal_size().columns


def wrapped_lines(lines: Iterable[str]) -> str:
    """Lines as one text. What is too long for the terminal goes on in lines of its own.

    They are indented, or stand below the last column that begins on the left half. Cells that fit
    in a line are not broken, nor are words, paths and shapes.
    """
    columns = width()
    if columns is None:
        return "\n".join(lines)
    return "\n".join(part for line in lines for part in _broken_line(line, columns))


def table(header: Sequence[str], rows: Iterable[Sequence[str]], right: int = 0) -> list[str]:
    """Rows as lines, in columns below their header; the first `right` columns end at the right.

    Where the terminal is too narrow for that, each row is a line of `named_cells`. A column of
    which every cell is empty is left out.

    >>> print("\\n".join(table(("", "shape"), [("W1", "(4, 2)"), ("b1", "(4, 1)")])))
        shape
    W1  (4, 2)
    b1  (4, 1)
    """
    body = [tuple(header), *map(tuple, rows)]
    filled = [k for k in range(len(header)) if any(row[k] for row in body[1:])]
    body = [tuple(row[k] for k in filled) for row in body]
    widths = [max(map(len, cells)) for cells in zip(*body, strict=True)]
    columns = width()
    if columns is not None and sum(widths) + 2 * len(widths) > columns:
        return [named_cells(body[0], row) for row in body[1:]]
    return [
        "  ".join(
            cell.rjust(widths[k]) if k < right else cell.ljust(widths[k])
            for k, cell in enumerate(row)
        ).rstrip()
        for row in body
    ]


def named_cells(header: Sequence[str], row: Sequence[str]) -> str:
    """One row of a table as a line: its cells, each after the name of its column if it is a word.

    >>> named_cells(("#", "name", "shape", "value"), ("%4", "X", "(2, 400)", ""))
    '%4; name X; shape (2, 400)'
    """
    cells = zip(header, row, strict=True)
    return "; ".join(f"{n} {cell}" if n[:1].isalpha() else cell for n, cell in cells if cell)


def say(text: object, flush: bool = False) -> None:
    """Print a text, fitted to the terminal."""
    print(wrapped_lines(str(text).split("\n")), flush=flush)


def _broken_line(line: str, columns: int) -> list[str]:
    """The lines that a line becomes in so many columns."""
    if len(line) <= columns:
        return [line]
    indent = len(line) - len(line.lstrip())
    starts = [gap.end() for gap in _GAP.finditer(line) if gap.end() <= columns // 2]
    hanging = max([indent + 4, *starts]) if indent < columns // 2 else 0  # of what goes on below
    cells = [
        _unbroken(cell) if len(cell) <= columns - hanging else _WHOLE.sub(_unbroken, cell)
        for cell in _GAP.split(line)
    ]
    wrapped = textwrap.wrap(
        "".join(cells), columns, subsequent_indent=" " * hanging, break_long_words=False,
        break_on_hyphens=False, replace_whitespace=False, expand_tabs=False,
    )  # fmt: skip
    return [part.replace("\0", " ") for part in wrapped]


def _unbroken(text: str | re.Match[str]) -> str:
    """With a sign for each space, unless it is all spaces."""
    text = text if isinstance(text, str) else text[0]
    return text.replace(" ", "\0") if text.strip() else text
