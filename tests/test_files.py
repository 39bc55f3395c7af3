"""Everything that writes a file: whole or not at all, into what is there, known before the work."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite import files
from nn import report
from nn.cli import command
from nn.documents.checked import Checked

NET = nn.Network([2, 3, 1], ["tanh", "sigmoid"], rng=0)
J = np.sum(ag.Tensor([1.0, 2.0], requires_grad=True, name="x") ** 2)
WRITERS = {
    "network": NET.save,
    "drawing": lambda path: ag.draw(J).save(path),
    "report": lambda path: report.write(Checked([], [], [], [], []), path),
    "bytes": lambda path: files.write(path, b"content"),
}
posix = pytest.mark.skipif(os.name != "posix", reason="FIFOs, links and modes of POSIX")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    """What hangs fails; the page of a report is short."""
    monkeypatch.setattr(report, "page", lambda checked, rng: "page")
    before = signal.signal(signal.SIGALRM, lambda *_: pytest.fail("it hangs"))
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(params=WRITERS)
def write(request):
    return WRITERS[request.param]


@pytest.fixture
def somebody():
    """A directory of a user who is not root; permissions hold for root only as for everybody."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)
    yield folder
    os.seteuid(me)
    for path in folder.rglob("*"):
        path.chmod(0o777)
    subprocess.run(["rm", "-rf", str(folder)], check=True)


@pytest.fixture
def device(tmp_path):
    """A device by its name, one of its own for root: a wrong writer would replace the machine's."""

    def path(name):
        if os.geteuid() != 0:
            return f"/dev/{name}"
        own = tmp_path / name
        try:
            os.mknod(own, stat.S_IFCHR | 0o666, os.stat(f"/dev/{name}").st_rdev)
            own.open("wb").close()
        except PermissionError:
            pytest.skip("this root may make no devices")
        return str(own)

    return path


def test_a_file_is_written_alone(write, tmp_path):
    write(tmp_path / "a.dot")
    write(str(tmp_path / "a.dot"))
    assert os.listdir(tmp_path) == ["a.dot"]
    assert (tmp_path / "a.dot").stat().st_size > 0


@posix
def test_a_link_stays_a_link(write, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "old.dot").symlink_to("there/old.dot")
    (tmp_path / "new.dot").symlink_to("there/new.dot")
    (tmp_path / "there" / "old.dot").write_text("before")
    for name in ("old.dot", "new.dot"):
        write(tmp_path / name)
        assert (tmp_path / name).is_symlink()
        assert (tmp_path / "there" / name).read_bytes() not in (b"", b"before")
    assert sorted(os.listdir(tmp_path / "there")) == ["new.dot", "old.dot"]


@posix
def test_a_link_that_leads_nowhere(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "far").symlink_to("none/far")
    for name, error in (("loop", errno.ELOOP), ("far", errno.ENOENT)):
        with pytest.raises(OSError, match=name) as raised:
            files.Output(tmp_path / name)
        assert raised.value.errno == error


@posix
def test_the_mode_is_kept_and_a_new_file_has_the_usual_one(write, tmp_path):
    usual = tmp_path / "usual"
    usual.touch()
    for mode in (0o600, 0o640, 0o777):
        (tmp_path / "a.dot").touch()
        (tmp_path / "a.dot").chmod(mode)
        write(tmp_path / "a.dot")
        assert stat.S_IMODE((tmp_path / "a.dot").stat().st_mode) == mode
    write(tmp_path / "new.dot")
    assert (tmp_path / "new.dot").stat().st_mode == usual.stat().st_mode


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
def test_the_owner_is_kept(tmp_path):
    (tmp_path / "a").touch()
    os.chown(tmp_path / "a", 1234, 1235)
    files.write(tmp_path / "a", b"b")
    found = (tmp_path / "a").stat()
    assert (found.st_uid, found.st_gid) == (1234, 1235)


@posix
def test_a_device_is_written_into(device, tmp_path):
    null, full = device("null"), device("full")
    (tmp_path / "link").symlink_to(null)
    for write in (NET.save, WRITERS["bytes"], WRITERS["report"]):
        write(null)
        write(tmp_path / "link")
        with pytest.raises(OSError, match=full) as raised:
            write(full)
        assert raised.value.errno == errno.ENOSPC
    for path in (null, full):
        assert stat.S_ISCHR(os.stat(path).st_mode)
        assert not [p for p in Path(path).parent.iterdir() if p.name.endswith(".tmp")]


@posix
def test_a_fifo_is_written_into(write, tmp_path):
    fifo, got = tmp_path / "fifo.dot", []
    os.mkfifo(fifo)
    reader = threading.Thread(target=lambda: got.append(fifo.read_bytes()))
    reader.start()
    while True:
        try:
            write(fifo)
            break
        except OSError as error:  # the reader is not there yet
            assert error.errno == errno.ENXIO  # noqa: PT017
    reader.join()
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    write(tmp_path / "file.dot")
    assert got == [(tmp_path / "file.dot").read_bytes()]


@posix
def test_a_fifo_takes_more_than_it_holds(tmp_path):
    fifo, content = tmp_path / "fifo", bytes(10**6)
    os.mkfifo(fifo)
    start = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    output, got = files.Output(fifo), []
    reader = threading.Thread(target=lambda: got.append(fifo.read_bytes()))
    reader.start()
    reader.join(0.2)  # by then it has opened it
    os.close(start)
    output.write(content)
    reader.join()
    assert got == [content]


@posix
def test_a_fifo_that_nobody_reads_is_refused_and_one_that_is_read_kept_open(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with pytest.raises(OSError, match=f"No process reads from it: '{fifo}'"):
        files.Output(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    output = files.Output(fifo)
    with pytest.raises(BlockingIOError):  # open, and nothing there yet: not the end
        os.read(reader, 9)
    output.write(b"content")
    assert os.read(reader, 9) == b"content"
    assert os.read(reader, 9) == b""  # the end
    output = files.Output(fifo)
    os.close(reader)
    with pytest.raises(BrokenPipeError, match=str(fifo)):
        output.write(b"content")


@posix
@pytest.mark.parametrize("redirected", [True, False])
def test_the_standard_output_is_continued(tmp_path, redirected):
    code = (
        "from autograd_lite import files; print('before')\n"
        "output = files.Output('/dev/stdout'); print('between')\n"
        "output.write(b'content\\n'); print('after')"
    )
    program = [sys.executable, "-c", code]
    if redirected:
        with open(tmp_path / "out", "wb") as out:
            subprocess.run(program, stdout=out, check=True)
        written = (tmp_path / "out").read_text()
    else:
        written = subprocess.run(program, capture_output=True, text=True, check=True).stdout
    assert written == "before\nbetween\ncontent\nafter\n"


def test_four_threads_that_save_to_one_path(tmp_path):
    failed = []

    def save():
        for _ in range(25):
            try:
                NET.save(tmp_path / "net.npz")
            except OSError as error:
                failed.append(error)

    threads = [threading.Thread(target=save) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert os.listdir(tmp_path) == ["net.npz"]
    assert repr(nn.Network.load(tmp_path / "net.npz")) == repr(NET)


def test_what_a_killed_process_left_is_in_nobodys_way(write, tmp_path):
    code = (
        "import os, sys; from autograd_lite import files\n"
        "files.write(sys.argv[1], lambda file: os.kill(os.getpid(), 9))"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.dot")], check=False)
    assert killed.returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    left.rename(tmp_path / f".a.dot.{os.getpid()}.tmp")  # as if it had had this process's number
    write(tmp_path / "a.dot")
    assert (tmp_path / "a.dot").exists()


@posix
def test_what_is_closed_to_the_user_is_said_before_anything_is_done(write, somebody):
    (somebody / "file.dot").write_text("before")
    (somebody / "file.dot").chmod(0o444)
    (somebody / "closed").mkdir()
    (somebody / "closed" / "old.dot").write_text("before")
    (somebody / "closed").chmod(0o555)
    for path in ("file.dot", "closed/new.dot", "closed/old.dot"):
        with pytest.raises(PermissionError, match=f"{somebody / path}'$"):
            write(somebody / path)
        with pytest.raises(PermissionError, match=f"{somebody / path}'$"):
            files.Output(somebody / path)
    assert (somebody / "file.dot").read_text() == "before"
    assert (somebody / "closed" / "old.dot").read_text() == "before"
    assert sorted(p.name for p in somebody.rglob("*")) == ["closed", "file.dot", "old.dot"]


@pytest.mark.parametrize("path", ["", "none/a", "new/", "file/a", ".", "x" * 300])
def test_what_is_no_place_for_a_file(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("before")
    with pytest.raises(OSError, match=f"'{path}'$"):
        files.Output(path)
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space"), KeyboardInterrupt()])
def test_a_write_that_fails_or_is_interrupted_leaves_the_old_file(tmp_path, error):
    (tmp_path / "a").write_text("before")

    def half(file):
        file.write(b"half")
        raise error

    with pytest.raises(type(error)):
        files.write(tmp_path / "a", half)
    assert (tmp_path / "a").read_text() == "before"
    assert os.listdir(tmp_path) == ["a"]


COMMANDS = {
    "--save": ("train", "--epochs", "1"),
    "--plot": ("train", "--epochs", "1"),
    "--json": ("check", "--document", "002"),
    "--report": ("check", "--document", "002"),
    "--output": ("draw",),
}


@pytest.fixture
def no_work(monkeypatch):
    monkeypatch.setattr("nn.cli.command_train.prepared", lambda _: pytest.fail("worked first"))
    monkeypatch.setattr("nn.cli.command_check.everything", lambda *_: pytest.fail("worked first"))
    monkeypatch.setattr(
        "nn.cli.command_draw.saved_or_described", lambda *_: pytest.fail("worked first")
    )


@posix
@pytest.mark.parametrize("option", COMMANDS)
@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("none/a.svg", "No such file or directory"),
        ("dir.svg", "Is a directory"),
        ("fifo.svg", "No process reads from it"),
        ("loop.svg", "Too many levels of symbolic links"),
        ("file.svg/a.svg", "Not a directory"),
    ],
)
def test_a_command_finds_it_out_before_the_work(option, place, reason, tmp_path, no_work, capsys):
    (tmp_path / "dir.svg").mkdir()
    (tmp_path / "file.svg").touch()
    (tmp_path / "loop.svg").symlink_to("loop.svg")
    os.mkfifo(tmp_path / "fifo.svg")
    assert command.main([*COMMANDS[option], option, str(tmp_path / place)]) == 2
    said = f"autograd-lite: {option} {tmp_path / place}: cannot be written: {reason}\n"
    assert capsys.readouterr().err == said


@posix
@pytest.mark.parametrize("option", COMMANDS)
def test_a_command_finds_a_closed_directory_before_the_work(option, somebody, no_work, capsys):
    (somebody / "closed").mkdir()
    (somebody / "closed").chmod(0o555)
    assert command.main([*COMMANDS[option], option, str(somebody / "closed" / "a.svg")]) == 2
    assert "cannot be written: Permission denied" in capsys.readouterr().err


@posix
@pytest.mark.parametrize("option", ["--save", "--json"])
def test_a_full_device_is_named(option, device, capsys):
    full = device("full")
    assert command.main([*COMMANDS[option], option, full]) == 1
    assert capsys.readouterr().err == (
        f"autograd-lite: [Errno {errno.ENOSPC}] No space left on device: '{full}'\n"
    )


def test_two_results_in_one_file_and_one_in_place_of_the_data(tmp_path, capsys, no_work):
    data = tmp_path / "data.csv"
    data.write_text("a,y\n1,2\n")
    link = tmp_path / "link.png"
    link.symlink_to(data)
    for options, said in (
        (("--save", data, "--data", data, "--target", "y"), f"would replace {data}"),
        (("--plot", link, "--data", data, "--target", "y"), f"would replace {data}"),
        (("--save", tmp_path / "a.png", "--plot", tmp_path / "." / "a.png"), "what --save writes"),
    ):
        assert command.main(["train", *map(str, options)]) == 2
        assert said in capsys.readouterr().err
    assert data.read_text() == "a,y\n1,2\n"


# What a command reads, for each option that says where it writes: `{}` is the file.
READS = [
    ("train --data {} --target y", "--save --plot"),
    ("predict {} other.csv", "--out"),
    ("predict other.npz {}", "--out"),
    ("compare {}", "--json"),
    ("compare {}::f", "--json"),
    ("compare other.py::f {}::f", "--json"),
    ("compare other.py::f --reference {}", "--json"),
    ("compare other.py other.py --reference {}::f", "--json"),
    ("draw {}", "--output"),
]


@pytest.mark.parametrize("spelled", ["file.svg", "folder/../file.svg", "link.svg"])
@pytest.mark.parametrize(
    ("read", "option"), [(read, option) for read, options in READS for option in options.split()]
)
def test_no_command_writes_over_what_it_reads(
    tmp_path, monkeypatch, capsys, no_work, read, option, spelled
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    for name in ("file.svg", "other.csv", "other.npz", "other.py"):
        (tmp_path / name).write_text(f"of {name}")
    (tmp_path / "link.svg").symlink_to("file.svg")
    assert command.main([*read.format("file.svg").split(), option, spelled]) == 2
    said = f"autograd-lite: {option} {spelled}: this would replace file.svg\n"
    assert capsys.readouterr().err == said
    assert (tmp_path / "file.svg").read_text() == "of file.svg"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("short", "short"),
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 199 + "…"),
        ("\x1b" * 200, (r"\x1b" * 50)[:199] + "…"),
        ("a\nb\tc\0\udcff", r"a\nb\tc\x00\udcff"),
        ("∂J/∂W ✓ 目", "∂J/∂W ✓ 目"),
    ],
)
def test_what_an_error_quotes(text, shown):
    assert files.excerpt(text) == shown
