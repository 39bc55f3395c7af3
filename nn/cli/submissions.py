"""Many files, each compared in a process of its own with a limit of time and memory."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from nn.cli.command import UsageError

MEGABYTE = 2**20
ROOM = 64  # MB that a comparison has at least, beside what the command has taken before it
KEPT = 2000  # the last characters of what a submission prints, to say why it failed


@dataclass
class Outcome:
    """What came of one submission: the report as its JSON has it, or why there is none."""

    file: str
    name: str
    seconds: float
    report: dict[str, Any] = field(default_factory=dict)
    failed: str = ""

    @property
    def score(self) -> float:
        """The share of right gradients; 0 for what failed."""
        return float(self.report.get("score", 0.0))

    @property
    def ok(self) -> bool:
        """Whether everything is right."""
        return not self.failed and bool(self.report["ok"])

    def as_dict(self) -> dict[str, Any]:
        """What is written as JSON."""
        said = {"file": self.file, "name": self.name, "seconds": round(self.seconds, 2)}
        return {**said, "ok": self.ok, "score": self.score, "failed": self.failed, **self.report}


def submit(file: str, name: str, options: Sequence[str], timeout: float, memory: int) -> Outcome:
    """Compare one file in a process of its own, which is ended after `timeout` seconds.

    options: of the command, after the file. memory: in MB, as far as the system can limit it; what
    failed for want of it says so last.
    """
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder, "report.json")
        command = [sys.executable, "-P", "-m", "nn", "compare", f"{file}::{name}" if name else file]
        command += [*options, "--json", str(result), "--memory", str(memory)]
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=environment(),
        )
        printed = _Last(process.stdout)  # type: ignore[arg-type]
        try:
            code = process.wait(timeout)
            done = code in (0, 1) and result.exists()
            failed = "" if done else _last_said(printed.text(), code)
        except subprocess.TimeoutExpired:
            failed = f"was still running after {timeout:g} s"
        finally:
            _end_process(process)
        seconds, report = time.monotonic() - start, _report_in(result)
    if not failed and report is None:
        failed = "ended the process before it was compared"
    if re.search("MemoryError|nable to allocate|emory allocation|bad_alloc", failed):
        failed += f"\nthe memory limit is {memory} MB: --memory"
    return Outcome(file, name, seconds, {} if failed else report or {}, failed)


def environment() -> dict[str, str]:
    """The environment of a submission, in which this package is found."""
    path = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]
    return {
        **os.environ,
        "OPENBLAS_NUM_THREADS": "1",  # each thread takes memory of its own
        "OMP_NUM_THREADS": "1",
        "MPLBACKEND": "agg",  # no window opens
        "PYTHONPATH": os.pathsep.join(filter(None, path)),  # an empty entry is the current folder
    }


class _Last:
    """The end of what a process prints; all else is read and forgotten."""

    def __init__(self, stream: BinaryIO) -> None:
        self.kept = b""
        self.stream = stream
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        with self.stream:
            while chunk := self.stream.read1(65536):  # type: ignore[attr-defined]
                self.kept = (self.kept + chunk)[-KEPT:]

    def text(self) -> str:
        """What was printed last; waits a moment for it."""
        self.thread.join(1)
        return self.kept.decode(errors="replace")


def _end_process(process: subprocess.Popen[bytes]) -> None:
    """End the process, and what it has started."""
    with suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


def _last_said(printed: str, code: int) -> str:
    """Why a process ended: what the command said, or the signal."""
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    _, ours, said = printed.rpartition("autograd-lite: ")
    if code in (0, 1) and not ours:
        return "ended the process before it was compared"
    return said.strip() or f"ended with code {code}"


def _report_in(path: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found
    except (OSError, ValueError):
        return None


def limit_memory(megabytes: int) -> None:
    """Let this process take no more memory from now on, where the system can be told so.

    Raises UsageError if it leaves nothing beside what the process has already.
    """
    try:
        import resource
    except ImportError:  # Windows
        return
    before, most = resource.getrlimit(resource.RLIMIT_AS)
    wanted = megabytes * MEGABYTE
    if most != resource.RLIM_INFINITY:
        wanted = min(wanted, most)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (wanted, most))
    try:
        bytearray(ROOM * MEGABYTE)
    except MemoryError:
        resource.setrlimit(resource.RLIMIT_AS, (before, most))
        raise UsageError(
            f"--memory {megabytes} leaves no {ROOM} MB beside what the command takes: give it more"
        ) from None
