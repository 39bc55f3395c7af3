"""Reads .npz files that anybody may have written: nothing in them is executed or trusted."""

from __future__ import annotations

import errno
import math
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, BinaryIO, NamedTuple

import numpy as np

from autograd_lite.files import excerpt
from nn.arrays import Array

READ_ERRORS = (
    *(ValueError, TypeError, KeyError, RuntimeError, EOFError, OSError),
    *(zipfile.BadZipFile, zlib.error, struct.error),
)  # raised by reading a damaged file

LONGEST_HEADER = 1000  # characters; np.save writes about a hundred


class Header(NamedTuple):
    """The contents of an entry as its header declares them."""

    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype[Any]


class Archive:
    """The arrays of an .npz file as np.savez writes it: uncompressed, so no larger than the file.

    Only numbers and text are read, as plain bytes; pickled objects are refused by their headers.
    Raises one of READ_ERRORS for any other file.

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
        """The header of an entry, once it agrees with the entry's size."""
        with self._zip.open(self._entries[name]) as entry:
            return self._header(entry, name)

    def array(self, name: str) -> Array:
        """The array of an entry, once its checksum is right."""
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
    """An opener that refuses FIFOs and devices, which could be read forever."""
    if os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path)):
        raise OSError(errno.EINVAL, "Not a regular file", path)
    return os.open(path, flags)


@contextmanager
def reading(path: str | os.PathLike[str], what: str) -> Iterator[Archive]:
    """The archive in a file; what is wrong in it is a ValueError: `FILE is not {what}: …`."""
    with open(path, "rb", opener=open_regular) as file:
        try:
            yield Archive(file)
        except MemoryError:
            raise MemoryError(f"{path} holds more than this machine's memory") from None
        except READ_ERRORS as error:
            said = f"it has no entry {error}" if isinstance(error, KeyError) else error
            raise ValueError(f"{path} is not {what}: {excerpt(said)}") from None
