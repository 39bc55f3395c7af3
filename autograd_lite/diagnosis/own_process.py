"""Work that runs a user's code hundreds of times, in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any

MORE_MEMORY = 2**30  # bytes that such a process may take beyond what this one has


def in_own_process(work: Callable[[Callable[[Any], None]], None], seconds: float) -> list[Any]:
    """What `work(send)` sends until it is done, or until the seconds are over.

    The process is a fork: it has all that this one has, and changes none of it. It can write to no
    file, prints nothing, and takes no more than a gigabyte more. What is sent is pickled. The list
    is empty where a system cannot fork.

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
            _confine(seconds)
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


def _confine(seconds: float) -> None:
    """Let this process print nothing, write to no file, and take neither more memory nor time."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
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
