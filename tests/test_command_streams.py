"""Where the output goes: terminals of old encodings, closed streams, pipes that end, Ctrl-C."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys

import pytest

import nn
from nn.cli import command
from nn.documents import document_002

if os.name != "posix":
    pytest.skip("streams and signals of POSIX", allow_module_level=True)

# Each with its exit code.
COMMANDS = {
    "train --epochs 2": 0,
    "train --epochs 3 --progress": 0,
    "draw": 0,
    "derive": 0,
    "derive --latex --notation 001": 0,
    "compare mine.py": 1,
    "check --document 002": 0,
    "check --document 002 --misprints": 0,
    "train --help": 0,
    "--help": 0,
    "--version": 0,
    "derive --notation ∂": 2,
    "check --json none/∂": 2,
    "train --data \udcff": 2,
}
ENCODINGS = ("ascii", "cp1252", "latin-1", "utf-8")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A directory with a file to compare that prints what not every terminal can show.

    Document 002 is short here, but for a process of its own.
    """
    few = document_002.DOCUMENT.entries[:4]
    short = dataclasses.replace(document_002.DOCUMENT, entries=few, run=None)
    monkeypatch.setattr(document_002, "DOCUMENT", short)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(
        "def gradients(X, Y, parameters):\n"
        "    print('∂ 目 \\udcff')\n"
        "    return {f'd{name}': 2 * W for name, W in parameters.items()}\n",
        encoding="utf-8",
    )
    return tmp_path


@pytest.mark.parametrize("arguments", COMMANDS)
def test_every_encoding(here, monkeypatch, arguments):
    """What a terminal cannot show is replaced, and the rest is the same."""
    printed = {}
    for encoding in ENCODINGS:
        out, err = io.BytesIO(), io.BytesIO()
        streams = (
            io.TextIOWrapper(out, encoding, "strict"),
            io.TextIOWrapper(err, encoding, "backslashreplace"),
        )
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", streams[0])
            patched.setattr(sys, "stderr", streams[1])
            try:
                code = command.main(arguments.split())
            except SystemExit as end:  # argparse's own
                code = end.code
        assert [stream.errors for stream in streams] == ["strict", "backslashreplace"]  # as before
        assert code == COMMANDS[arguments], err.getvalue()
        assert b"Traceback" not in err.getvalue()
        printed[encoding] = out.getvalue().decode(encoding)
    for encoding in ENCODINGS:
        expected = printed["utf-8"].encode(encoding, "replace").decode(encoding)
        assert printed[encoding] == expected
    if arguments in ("derive", "compare mine.py"):
        assert "∂" in printed["utf-8"]
        assert "?" in printed["ascii"]


def shell(line, **environment):
    """Run a line of bash in which `A` is the command; exit code and what came through."""
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONUNBUFFERED", "PYTHONPATH")}
    root = os.path.dirname(os.path.dirname(nn.__file__))
    kept.update(PYTHONPATH=root, **environment)
    line = f'A() {{ {shlex.quote(sys.executable)} -m nn "$@"; }}; {line}'
    done = subprocess.run(["bash", "-c", line], capture_output=True, env=kept, timeout=120)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


BUFFERING = pytest.mark.parametrize("buffering", [{}, {"PYTHONUNBUFFERED": "1"}], ids=["", "-u"])


@pytest.mark.parametrize("arguments", ["train --epochs 2", "--help"])
def test_closed_streams(here, arguments):
    for closed in (">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"):
        code, out, err = shell(f"A {arguments} {closed}")
        assert (code, err) == (0, "")
        assert bool(out) == (closed == "2>&-")


def test_an_error_when_the_streams_are_closed(here):
    assert shell("A draw none.npz 2>&-") == (2, "", "")
    assert shell("A draw none.npz >&-") == (2, "", "autograd-lite: none.npz: no such file\n")


@BUFFERING
@pytest.mark.parametrize("arguments", ["derive", "train --epochs 2"])
def test_a_reader_who_leaves(here, arguments, buffering):
    """`true` reads nothing: a failure without a word."""
    line = f"(A {arguments}; echo $? >&2) | true"
    assert shell(line, **buffering) == (0, "", "1\n")


@BUFFERING
def test_results_are_written_for_a_reader_who_leaves(here, buffering):
    line = "(A train --epochs 2 --save net.npz; echo $? >&2) | true"
    if not buffering:  # otherwise the first line that is printed ends it, before training
        assert shell(line, **buffering) == (0, "", "1\n")
        assert nn.Network.load("net.npz").sizes == [2, 4, 1]
    line = "(A check --document 002 --json a.json; echo $? >&2) | true"
    assert shell(line, **buffering) == (0, "", "1\n")
    assert len(json.loads((here / "a.json").read_text(encoding="utf-8"))) == 30


@BUFFERING
def test_a_full_disk_behind_the_output(here, buffering):
    code, _, err = shell("A derive > /dev/full", **buffering)
    assert code == 1
    assert err == f"autograd-lite: [Errno 28] {os.strerror(28)}\n"


@BUFFERING
def test_progress_that_nobody_can_read_stops_no_training(here, buffering):
    code, out, _ = shell("A train --epochs 5 --progress --save net.npz 2> /dev/full", **buffering)
    assert code == 0
    assert "held out" in out
    assert (here / "net.npz").exists()


def test_ctrl_c_saves_what_was_learnt_and_ends_with_130(here):
    arguments = ["train", "--epochs", "100000000", "--save", "net.npz", "--progress"]
    root = os.path.dirname(os.path.dirname(nn.__file__))
    training = subprocess.Popen(
        [sys.executable, "-m", "nn", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": root},
        text=True,
        # The tests may run in the background of a shell, where Ctrl-C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        assert training.stderr.readline().startswith("epoch 1 of 100000000")
        with contextlib.suppress(subprocess.TimeoutExpired):
            training.wait(0.3)
        training.send_signal(signal.SIGINT)
        out, err = training.communicate(timeout=60)
    finally:
        training.kill()
    assert (training.returncode, err) == (130, "")
    assert re.search(r"interrupted after \d+ epochs\n", out)
    assert "saved in net.npz" in out
    assert nn.Network.load("net.npz").sizes == [2, 4, 1]
    assert sorted(os.listdir(here)) == ["mine.py", "net.npz"]


def test_ctrl_c_elsewhere_ends_with_130(here, monkeypatch, capsys):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("nn.cli.command_check.everything", stop)
    assert command.main(["check", "--json", "a.json"]) == 130
    assert capsys.readouterr().err == "autograd-lite: interrupted\n"
    assert os.listdir(here) == ["mine.py"]
