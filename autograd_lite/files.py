"""Files are written whole or not at all; error messages quote only the beginning of one."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import secrets
import stat
import sys
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

QUOTED = 200  # characters of a file, at most, in an error
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)
_BYTES = getattr(os, "O_BINARY", 0)


class Output:
    """A file to be written later, checked now, before the work whose result it will hold.

    A regular file, new or old, is replaced in one step once its successor is complete, and keeps
    its mode and owner; a symbolic link stays, and its target is written. Anything else, a device, a
    FIFO or this process's own standard output (/dev/stdout), is never replaced but written into.
    Raises OSError, naming the path, if it cannot be written: it is a directory, its directory is
    missing or closed to the user, it is read-only, or a FIFO that nobody reads (it would wait
    forever). A full disk or device shows only at `write`.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "answer.txt")
    ...     Output(path).write(b"42")
    ...     path.read_bytes()
    b'42'
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fsdecode(path)
        self.replaces: str | None = None  # the regular file to be written, links followed
        self._stream: int | None = None
        with self._about_the_path():
            self._found = self._looked_up()
            if own := [fd for fd in (1, 2) if self._found and _is_open_as(self._found, fd)]:
                self._stream = os.dup(own[0])
            elif self._found is None or stat.S_ISREG(self._found.st_mode):
                self.replaces = os.path.realpath(self.path)
                self._try_to_replace(self.replaces)
            else:
                self._stream = self._opened()

    @classmethod
    def at(cls, place: str | os.PathLike[str]) -> Output:
        """The Output for a path; an Output is returned as it is."""
        return place if isinstance(place, Output) else cls(place)

    def __fspath__(self) -> str:
        return self.path

    def __del__(self) -> None:
        if getattr(self, "_stream", None) is not None:
            os.close(self._stream)  # type: ignore[arg-type]

    def write(self, content: bytes | Callable[[BinaryIO], object]) -> None:
        """Write bytes, or whatever the function writes into the binary file that it is given.

        Raises OSError, naming the path, if writing fails: an older regular file is then unchanged.
        """
        fill = content if callable(content) else lambda file: file.write(content)
        with self._about_the_path():
            if self.replaces is not None:
                self._replace(self.replaces, fill)
                return
            for standard in (sys.stdout, sys.stderr):  # one of them may be the same stream
                if standard is not None:
                    standard.flush()
            whole = io.BytesIO()  # a stream cannot go back, as the writer of a zip file does
            fill(whole)
            stream, self._stream = self._stream, None
            with open(self._opened() if stream is None else stream, "wb") as file:
                file.write(whole.getbuffer())

    @contextlib.contextmanager
    def _about_the_path(self) -> Iterator[None]:
        """Make every OSError name the user's file, not the temporary one beside it."""
        try:
            yield
        except OSError as error:
            said = error.strerror or str(error)
            raise OSError(error.errno or 0, said, self.path) from None

    def _looked_up(self) -> os.stat_result | None:
        """The status of the file at the path, links followed; None if there is none yet."""
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            if os.path.basename(self.path):
                return None
            raise
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        return found

    def _try_to_replace(self, target: str) -> None:
        """Open the file for writing and make another beside it, to see that both are allowed."""
        if self._found is not None:
            os.close(os.open(target, os.O_WRONLY))
        temporary = _beside(target)
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        os.unlink(temporary)

    def _opened(self) -> int:
        """A device or a FIFO, open for writing; closing a FIFO would make its reader leave."""
        try:
            stream = os.open(self.path, os.O_WRONLY | _NO_WAIT | _BYTES)
        except OSError as error:
            if error.errno == errno.ENXIO:
                raise OSError(errno.ENXIO, "No process reads from it") from None
            raise
        if _NO_WAIT:
            os.set_blocking(stream, True)
        return stream

    def _replace(self, target: str, fill: Callable[[BinaryIO], object]) -> None:
        temporary = _beside(target)
        try:
            with open(temporary, "xb") as file:
                if self._found is not None:
                    _make_like(self._found, temporary)
                fill(file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)


def write(path: str | os.PathLike[str], content: bytes | Callable[[BinaryIO], object]) -> None:
    """Write one file, at a path or at an Output that was checked before."""
    Output.at(path).write(content)


def excerpt(text: Any) -> str:
    r"""The text as errors quote it: one line, printable, of at most 200 characters.

    >>> excerpt("a\tb\x1b[31m"), excerpt("x" * 10**6)[-9:]
    ('a\\tb\\x1b[31m', 'xxxxxxxx…')
    """
    start = str(text)[: QUOTED + 1]
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in start)
    return shown if len(shown) <= QUOTED else f"{shown[: QUOTED - 1]}…"


def _beside(target: str) -> str:
    """A new name in the same directory, which no other thread or process uses."""
    return os.path.join(os.path.dirname(target), f".{secrets.token_hex(8)}.tmp")


def _is_open_as(found: os.stat_result, descriptor: int) -> bool:
    """True if this process has the file open under this descriptor."""
    try:
        return os.path.samestat(found, os.fstat(descriptor))
    except OSError:
        return False


def _make_like(old: os.stat_result, path: str) -> None:
    """Give a file the mode of another and, if that is allowed, its owner."""
    new = os.stat(path)
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        with contextlib.suppress(OSError):
            os.chown(path, old.st_uid, old.st_gid)
    os.chmod(path, stat.S_IMODE(old.st_mode))
