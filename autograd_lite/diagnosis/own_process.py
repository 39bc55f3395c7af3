"""Work that runs a user's code hundreds of times, in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
import types
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

MORE_MEMORY = 2**30  # bytes that such a process may take beyond what this one has
# Python's audit events of what would change something outside of the process.
_CHANGES = {
    *("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.truncate", "os.link", "os.symlink"),
    *("os.chmod", "os.chown", "os.chflags", "os.utime", "os.setxattr", "os.removexattr"),
    *("os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "pty.spawn"),
    *("os.kill", "os.killpg", "subprocess.Popen", "sqlite3.connect", "syslog.syslog"),
    *("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo"),
}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_refusals: list[str] = []  # of this process


class Refused(BaseException):
    """What the code would have done is not done; no user's `except Exception` catches this."""


def in_own_process(work: Callable[[Callable[[Any], None]], None], seconds: float) -> list[Any]:
    """What `work(send)` sends until it is done, or until the seconds are over.

    The process is a fork: it has the objects of this one, and changes none of them. It prints
    nothing, takes no more than a gigabyte more, and the files that are open here are empty there.
    Whatever asks Python to open a file for writing, to remove, rename or change files and folders,
    to start or end a process, or to open a connection is Refused. Not seen is what compiled code
    does without Python's own functions (it can write no file either, but remove or empty one), and
    what is written into memory that is shared with a file or a process, such as an `np.memmap`.
    What is sent is pickled. The list is empty where a system cannot fork.

    >>> def count(send):
    ...     for n in range(3):
    ...         send(n)
    ...     while True:
    ...         pass
    >>> in_own_process(count, seconds=0.2)
    [0, 1, 2]
    """
    if not hasattr(os, "fork"):
        return []
    receiver, sender = multiprocessing.Pipe(duplex=False)
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # threads of this process do not exist in the other one
        child = os.fork()
    if child == 0:
        try:
            _confine(seconds, sender.fileno())
            work(sender.send)
        finally:
            os._exit(0)  # nothing of this process is run at the end of the other one
    sender.close()
    try:
        return _received(receiver, time.monotonic() + seconds)
    finally:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(child, 0)
        receiver.close()


def _received(receiver: Any, until: float) -> list[Any]:
    found: list[Any] = []
    with suppress(EOFError, OSError):
        while receiver.poll(max(0.0, until - time.monotonic())):
            found.append(receiver.recv())
    return found


@contextmanager
def unless_refused() -> Iterator[None]:
    """Raise Refused at the end if anything was refused meanwhile, even where the code caught it."""
    before = len(_refusals)
    try:
        yield
    finally:
        if len(_refusals) > before:
            raise Refused(_refusals[-1])


def _confine(seconds: float, kept: int) -> None:
    """Let this process print nothing, change nothing, and take neither more memory nor time.

    kept: the file descriptor that stays what it is.
    """
    _close_files(kept)
    with suppress(ImportError):  # where there is a fork, there are limits
        import resource

        limits = {resource.RLIMIT_FSIZE: 0, resource.RLIMIT_CPU: int(seconds) + 2}
        with suppress(OSError, ValueError):
            with open("/proc/self/statm") as file:
                pages = int(file.read().split()[0])
            limits[resource.RLIMIT_AS] = pages * resource.getpagesize() + MORE_MEMORY
        for which, limit in limits.items():
            soft, hard = resource.getrlimit(which)
            with suppress(OSError, ValueError):
                new = limit if soft == resource.RLIM_INFINITY else min(limit, soft)
                resource.setrlimit(which, (new, hard))
    sys.dont_write_bytecode = True  # a module may be imported
    # By this multiprocessing starts processes, of which no event tells.
    silent: Any = types.SimpleNamespace(fork_exec=lambda *_: _refusal("os.fork"))
    sys.modules["_posixsubprocess"] = silent
    sys.addaudithook(_audit)


def _close_files(kept: int) -> None:
    """Put nothing in the place of every open file: a place in a file is shared with this one."""
    nothing = os.open(os.devnull, os.O_RDWR)
    others = {0, 1, 2}
    with suppress(OSError):
        others |= set(map(int, os.listdir("/dev/fd")))
    for descriptor in others - {kept, nothing}:
        with suppress(OSError):  # that of the listing itself
            os.fstat(descriptor)
            os.dup2(nothing, descriptor)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse what would change something outside; Python calls this before it does anything."""
    if event in _CHANGES or (event == "open" and arguments[2] & _WRITING):
        _refusal(event)


def _refusal(event: str) -> NoReturn:
    _refusals.append(event)
    raise Refused(event)
