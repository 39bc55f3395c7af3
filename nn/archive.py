"""An .npz file of a stranger, read so that it can claim what it likes: nothing comes of it."""

from __future__ import annotations

import errno
import math
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Any, BinaryIO, NamedTuple

import numpy as np

from nn.arrays import Array

READ_ERRORS = (
    *(ValueError, TypeError, KeyError, RuntimeError, EOFError, OSError),
    *(zipfile.BadZipFile, zlib.error, struct.error),
)  # what reading a damaged file raises

LONGEST_HEADER = 1000  # characters; np.save writes about a hundred


class Header(NamedTuple):
    """What an entry says that it holds."""

    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype[Any]


class Archive:
    """The arrays of an .npz file as np.savez writes it: not compressed, so no larger than the file.

    Numbers and text alone are read, as plain bytes; a pickled object is refused by its header.
    Raises one of READ_ERRORS for a file that is anything else.

    >>> import io
    >>> np.savez(file := io.BytesIO(), W=np.eye(2))
    >>> Archive(file).header("W").shape, Archive(file).array("W")[0]
    ((2, 2), array([1., 0.]))
    """

    def __init__(self, file: BinaryIO) -> None:
        if not zipfile.is_zipfile(file):
            raise ValueError("it is not a whole .npz file")
        size = file.seek(0, os.SEEK_END)
        self._zip = zipfile.ZipFile(file)
        entries = self._zip.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise ValueError("its entries are compressed")
        if sum(entry.file_size for entry in entries) > size:
            raise ValueError(f"its entries claim more than the {size} bytes of the file")
        self._entries = {entry.filename.removesuffix(".npy"): entry for entry in entries}
        if len(self._entries) != len(entries):
            raise ValueError("it holds two entries of one name")

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def header(self, name: str) -> Header:
        """What an entry says that it holds, once that agrees with its size."""
        with self._zip.open(self._entries[name]) as entry:
            return self._header(entry, name)

    def array(self, name: str) -> Array:
        """An entry, checked against its checksum."""
        with self._zip.open(self._entries[name]) as entry:
            shape, fortran_order, dtype = self._header(entry, name)
            values = np.frombuffer(entry.read(), dtype)
        return values.reshape(shape, order="F" if fortran_order else "C")

    def _header(self, entry: IO[bytes], name: str) -> Header:
        if np.lib.format.read_magic(entry) != (1, 0):
            raise ValueError(f"{name} is in another version of the format")
        header = Header(*np.lib.format.read_array_header_1_0(entry, LONGEST_HEADER))
        if header.dtype.kind not in "fiuU":
            raise ValueError(f"{name} has dtype {header.dtype}: only numbers and text are read")
        left = self._entries[name].file_size - entry.tell()
        claimed = math.prod(header.shape) * header.dtype.itemsize
        if min(header.shape, default=0) < 0 or claimed != left:
            raise ValueError(f"{name} claims shape {header.shape}, but has {left} bytes")
        return header


def open_regular(path: str, flags: int) -> int:
    """An opener that refuses what would wait for a writer, or never end: FIFOs and devices."""
    if os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path)):
        raise OSError(errno.EINVAL, "Not a regular file", path)
    return os.open(path, flags)
