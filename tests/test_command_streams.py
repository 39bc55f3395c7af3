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

import numpy as np
import pytest

import autograd_lite as ag
import nn
from nn.cli import command
from nn.documents import document_002

if os.name != "posix":
    pytest.skip("streams and signals of POSIX", allow_module_level=True)

# Each with its exit code.
COMMANDS = {
    "check note.md": 1,
    "check --document 002 --all": 0,
    "compare mine.py mine.py --quick": 1,
    "derive --steps": 0,
    "derive ‖Wx-y‖²+log(1+exp(aᵀx)) --wrt x": 0,
    "predict given.npz data.csv": 0,
    "predict given.npz data.csv --out out.csv": 0,
    "report --layers 2,3,1 --output page.html": 0,
    "draw --output graph.dot": 0,
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
    (tmp_path / "note.md").write_text(
        "$x \\in \\mathbb{R}^n$, $J = x^T x$, $∂J/∂x = 3x$\n", "utf-8"
    )
    (tmp_path / "data.csv").write_text("x1,x2\n1,2\n3,4\n")
    nn.Network([2, 3, 1], ["tanh", "sigmoid"], rng=0).save(tmp_path / "given.npz")
    return tmp_path


def test_every_command_is_here():
    named = {module.rpartition("_")[2] for module in command.SUBCOMMANDS}
    assert named <= {arguments.split()[0] for arguments in COMMANDS}


class Terminal(io.StringIO):
    """What is printed to it is kept; it has no colours."""

    def isatty(self):
        return True


def printed_in(columns, monkeypatch, print_it):
    """What is printed to a terminal of so many columns, None: to a file."""
    out = io.StringIO() if columns is None else Terminal()
    with monkeypatch.context() as patched:
        patched.setenv("COLUMNS", str(columns))
        patched.setenv("TERM", "dumb")
        patched.setattr(sys, "stdout", out)
        with contextlib.suppress(SystemExit):  # argparse's own
            print_it()
    return out.getvalue()


def tape_and_reports():
    """What a session prints that is made for reading."""
    W = ag.Tensor(np.arange(8.0).reshape(2, 4) / 7, requires_grad=True, name="W")
    J = np.tanh(W @ np.ones((4, 3))).sum()
    J.backward()
    print(ag.tape(J))
    print(ag.compare(J, {"W": W.grad * 2}))
    print(ag.check_derivation("x ∈ ℝ^n\nJ = ‖x‖² + log(1 + exp(xᵀ x))\n∂J/∂x = 2 x + σ(xᵀ x) x\n"))
    wrong = ag.differentiable(lambda g, y, x: g * 3 * x)(lambda x: x * x)
    with pytest.raises(ag.GradientError) as caught:
        ag.check_gradients(wrong, np.array([1.0, 2.0]))
    print(caught.value.report)


PROGRAMS = {a: lambda a=a: command.main(a.split()) for a in COMMANDS} | {"": tape_and_reports}
# What a program reads: it stays as it is.
VERBATIM = {"draw", "derive --latex --notation 001", "predict given.npz data.csv"}


@pytest.mark.parametrize("program", PROGRAMS)
def test_narrow_terminals(program, here, monkeypatch):
    """Lines fit, but for one word that does not; and every word is there, in whole lines or not."""
    whole = printed_in(None, monkeypatch, PROGRAMS[program])
    for columns in (40, 60, 80):
        narrow = printed_in(columns, monkeypatch, PROGRAMS[program])
        if program in VERBATIM:
            assert narrow == whole
        elif "help" in program:  # argparse's own
            assert max(map(len, narrow.splitlines())) <= max(columns, 56)
        else:
            for line in narrow.splitlines():
                assert len(line) <= columns or len(line.split()) == 1, line
            assert words(whole) - {"#"} <= words(narrow)


def words(text):
    """The words of a text, without the signs at their ends, and without seconds, which differ."""
    return {word.strip(",;") for word in text.split() if not re.fullmatch(r"\d+\.\d;?", word)}


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
        printed[encoding] = re.sub(r"\d\.\d ", "", out.getvalue().decode(encoding))  # seconds
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
    before = {*os.listdir(here)}
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
    assert {*os.listdir(here)} - before == {"net.npz"}


def test_ctrl_c_elsewhere_ends_with_130(here, monkeypatch, capsys):
    def stop(*_):
        raise KeyboardInterrupt

    before = {*os.listdir(here)}
    monkeypatch.setattr("nn.cli.command_check.everything", stop)
    assert command.main(["check", "--json", "a.json"]) == 130
    assert capsys.readouterr().err == "autograd-lite: interrupted\n"
    assert {*os.listdir(here)} == before
