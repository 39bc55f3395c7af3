"""The first wrong line of a user's code, and its repair: small files with one thing wrong."""

from __future__ import annotations

import json
import os
import re
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.diagnosis.hand_written import HandWritten
from autograd_lite.diagnosis.influence import influences
from autograd_lite.diagnosis.own_code import OwnCode
from autograd_lite.diagnosis.own_process import in_own_process
from autograd_lite.diagnosis.samples import samples
from autograd_lite.diagnosis.watching import Watched, quietly
from benchmarks.course import EXAMPLES
from benchmarks.repair import load

NORMALIZATION = """
import numpy as np

def forward(x, gamma, beta):
    mu = x.mean(axis=0)
    var = x.var(axis=0)
    std = np.sqrt(var + 1e-5)
    xhat = (x - mu) / std
    return gamma * xhat + beta, (x, mu, std, xhat, gamma)

def backward(dout, cache):
    x, mu, std, xhat, gamma = cache
    N = x.shape[0]
    dgamma = np.sum(dout * xhat, axis=0)
    dbeta = np.sum(dout, axis=0)
    dxhat = dout * gamma
    dvar = np.sum(dxhat * (x - mu), axis=0) * -0.5 * std**-3
    dmu = -np.sum(dxhat / std, axis=0)
    dx = dxhat / std + 2 * dvar * (x - mu) / N + dmu / N
    return dx, dgamma, dbeta
"""
AFFINE = """
def forward(x, w, b):
    return x @ w + b, (x, w)

def backward(dout, cache):
    x, w = cache
    dx = dout @ w.T
    dw = x.T @ dout
    db = dout.sum(axis=0)
    return dx, dw, db
"""
RNN = """
import numpy as np

def forward(x, h0, Wx, Wh):
    h, hs = h0, [h0]
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t] @ Wx + h @ Wh)
        hs.append(h)
    return np.stack(hs[1:], axis=1), (x, hs, Wx, Wh)

def slope(h):
    return 1 - h**2

def backward(dh, cache):
    x, hs, Wx, Wh = cache
    dx, dWx, dWh = np.zeros(x.shape), np.zeros(Wx.shape), np.zeros(Wh.shape)
    dnext = np.zeros(hs[0].shape)
    for t in reversed(range(x.shape[1])):
        dz = (dh[:, t] + dnext) * slope(hs[t + 1])
        dx[:, t] = dz @ Wx.T
        dWx += x[:, t].T @ dz
        dWh += hs[t].T @ dz
        dnext = dz @ Wh.T
    return dx, dnext, dWx, dWh
"""
SOFTMAX = """
import numpy as np

def loss(W, X, y, reg):
    n = len(X)
    S = X @ W
    P = np.exp(S - S.max(axis=1, keepdims=True))
    P = P / P.sum(axis=1, keepdims=True)
    J = -np.log(P[np.arange(n), y]).sum() / n + reg * (W**2).sum()
    dS = P.copy()
    dS[np.arange(n), y] -= 1
    return J, {
        "W": X.T @ dS / n
        + 2 * reg * W
    }
"""


def drawn(*shapes, seed=0):
    rng = np.random.default_rng(seed)
    return tuple(rng.normal(size=shape) for shape in shapes)


ARGUMENTS = {
    NORMALIZATION: drawn((5, 4), 4, 4),
    AFFINE: drawn((5, 3), (3, 4), 4),
    RNN: drawn((3, 4, 2), (3, 5), (2, 5), (5, 5)),
    SOFTMAX: (*drawn((3, 4), (6, 3)), np.array([0, 3, 1, 1, 2, 0]), 0.3),
}

# The text, what is typed in the place of what, and the edit that mends it.
WRONG = [
    (NORMALIZATION, "* -0.5 *", "* 0.5 *", "sign"),
    (NORMALIZATION, "dmu = -np.sum", "dmu = np.sum", "sign"),
    (NORMALIZATION, "* (x - mu), axis=0)", ", axis=0)", "factor"),
    (NORMALIZATION, " * std**-3", "", "factor"),
    (NORMALIZATION, "2 * dvar", "4 * dvar", "number"),
    (NORMALIZATION, "+ dmu / N", "+ dmu", "factor"),
    (NORMALIZATION, "np.sum(dout, axis=0)", "np.sum(dout, axis=1)", "axis"),
    (NORMALIZATION, "dxhat = dout * gamma", "dxhat = dout * dbeta", "name"),
    (NORMALIZATION, "/ N + dmu", "/ N - dmu", "sign"),
    (AFFINE, "dw = x.T @ dout", "dw = dout.T @ x", "product"),
    (AFFINE, "dx = dout @ w.T", "dx = dout @ w.T * 2", "too much"),
    (AFFINE, "return dx, dw, db", "return dx, dw, dw", "name"),
    (RNN, "dWx += ", "dWx = ", "accumulated"),
    (RNN, "hs[t].T", "hs[t + 1].T", "index"),
    (RNN, "+ dnext)", "- dnext)", "sign"),
    (RNN, "slope(hs[t + 1])", "slope(hs[t])", "index"),
    (RNN, "1 - h**2", "1 - h", "power"),
    (RNN, "dnext = dz @ Wh.T", "dnext = dz @ Wh", "transpose"),
    (SOFTMAX, "+ 2 * reg * W\n", "+ reg * W\n", "factor"),
    (SOFTMAX, "X.T @ dS / n", "X.T @ dS", "factor"),
    (SOFTMAX, "[np.arange(n), y] -= 1", "[np.arange(n), y] += 1", "accumulated"),
]


def written(folder: Path, text: str, name: str = "mine"):
    path = folder / f"{name}.py"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return load(path)


def checked(module, args, **options):
    if hasattr(module, "loss"):
        return ag.check_backward(module.loss, args=args, **options)
    return ag.check_backward(module.forward, module.backward, args, **options)


@pytest.mark.parametrize(("text", "right", "wrong", "kind"), WRONG, ids=lambda x: repr(x)[-40:])
def test_one_thing_wrong_is_found_at_its_line_and_mended(tmp_path, text, right, wrong, kind):
    assert text.count(right) == 1
    module = written(tmp_path, text.replace(right, wrong))
    before = Path(module.__file__).read_bytes()
    report = checked(module, ARGUMENTS[text], seconds=30)
    assert Path(module.__file__).read_bytes() == before
    repair = report.repair
    assert repair.kinds == (kind,)
    place = text[: text.index(right) + len(right) - len(right.lstrip("\n"))].count("\n") + 1
    assert abs(repair.numbers[0] - place) <= ("\n" in right)
    mended = written(tmp_path, repair.source, "mended")
    assert checked(mended, ARGUMENTS[text])
    others = [
        a[np.random.default_rng(1).permutation(len(a))] if np.ndim(a) else a
        for a in ARGUMENTS[text]
    ]
    assert checked(mended, tuple(others))


def test_the_report_shows_line_words_and_diff(tmp_path):
    module = written(tmp_path, AFFINE.replace("dw = x.T @ dout", "dw = dout.T @ x"))
    report = checked(module, ARGUMENTS[AFFINE], seconds=30)
    diff = "- dw = dout.T @ x\n+ dw = x.T @ dout"
    assert report.repair.diff == diff
    assert report.repair.numbers == (8,)
    shown = textwrap.indent(diff, "  ")
    assert shown in str(report)
    assert "mine.py:8  " in str(report)
    told = json.loads(report.to_json())
    assert told["repair"]["diff"] == diff
    assert told["repair"]["lines"] == [8]
    assert told["first_wrong"]["number"] == 8
    assert diff.replace(">", "&gt;") in report._repr_html_().replace("  - ", "- ").replace(
        "  + ", "+ "
    )


def test_two_things_wrong_are_both_mended(tmp_path):
    text = NORMALIZATION.replace("dmu = -np.sum", "dmu = np.sum")
    text = text.replace("dbeta = np.sum(dout, axis=0)", "dbeta = np.sum(dout * xhat, axis=0)")
    module = written(tmp_path, text)
    repair = checked(module, ARGUMENTS[NORMALIZATION], seconds=60).repair
    assert sorted(repair.numbers) == [15, 18]
    assert checked(written(tmp_path, repair.source, "mended"), ARGUMENTS[NORMALIZATION])


def test_a_line_that_no_edit_mends_is_named_with_what_belongs_there(tmp_path):
    text = NORMALIZATION.replace("dvar = np.sum(dxhat * (x - mu), axis=0) * -0.5 * std**-3", "{}")
    module = written(tmp_path, text.format("dvar = np.cos(gamma)"))
    report = checked(module, ARGUMENTS[NORMALIZATION], seconds=1)
    assert report.repair is None
    assert report.first_wrong.number == 17
    assert report.first_wrong.text == "dvar = np.cos(gamma)"
    x, gamma, beta = (ag.Tensor(a, requires_grad=True) for a in ARGUMENTS[NORMALIZATION])
    var = x.var(axis=0)
    out = gamma * ((x - x.mean(axis=0)) / np.sqrt(var + 1e-5)) + beta
    dout = np.random.default_rng([0, 1]).normal(size=(5, 4))
    (right,) = ag.gradients(np.sum(out * dout), [var])
    said = re.search(r"∂J/∂var is \[(.*)\]", report.first_wrong.words)
    np.testing.assert_allclose([float(x) for x in said[1].split(",")], right, atol=1e-4)
    assert "mine.py:17  dvar = np.cos(gamma)" in str(report)


def test_nothing_is_searched_where_nothing_is_wrong_or_no_time_is_given(tmp_path):
    report = checked(written(tmp_path, AFFINE), ARGUMENTS[AFFINE])
    assert (report.repair, report.first_wrong) == (None, None)
    wrong = written(tmp_path, AFFINE.replace("dout @ w.T", "-dout @ w.T"), "wrong")
    report = checked(wrong, ARGUMENTS[AFFINE], seconds=0)
    assert not report
    assert (report.repair, report.first_wrong) == (None, None)


def test_without_source_there_is_no_repair():
    names: dict = {}
    exec(AFFINE.replace("dout @ w.T", "-dout @ w.T"), names)
    report = ag.check_backward(names["forward"], names["backward"], ARGUMENTS[AFFINE])
    assert not report
    assert (report.repair, report.first_wrong) == (None, None)


def test_an_error_has_the_repair_as_a_note(tmp_path):
    module = written(tmp_path, AFFINE.replace("x.T @ dout", "x @ dout"))
    with pytest.raises(ValueError, match="matmul") as caught:
        checked(module, ARGUMENTS[AFFINE], seconds=30)
    assert caught.value.__notes__[1:] == ["  - dw = x @ dout", "  + dw = x.T @ dout"]


LAYER = """
class Affine:
    scale = 2.0

    def __init__(self, w):
        self.w = w

    def forward(self, x):
        self.x = x
        return self.scale * x @ self.w

    def backward(self, dout):
        dw = self.x.T @ dout
        return {"x": self.scale * dout @ self.w.T, "w": dw}
"""


def test_a_layer_that_keeps_its_cache_in_itself(tmp_path):
    (w, x) = drawn((3, 4), (5, 3))
    layer = written(tmp_path, LAYER).Affine(w)
    report = ag.check_backward(layer.forward, layer.backward, (x,), seconds=30)
    assert report.repair.numbers == (13,)
    assert report.repair.diff.splitlines()[0] == "- dw = self.x.T @ dout"


def test_a_function_inside_another_one(tmp_path):
    def layer(factor):
        def forward(x):
            return factor * x**2, x

        def backward(dout, x):
            return factor * dout * x

        return forward, backward

    repair = ag.check_backward(*layer(3.0), drawn((4, 3)), seconds=30).repair
    assert repair.diff.splitlines()[0] == "- return factor * dout * x"
    assert "2" in repair.diff.splitlines()[1]


def test_a_loop_that_an_edit_makes_endless_does_no_harm(tmp_path):
    text = """
    def forward(x):
        return x**4, x

    def backward(dout, x):
        k, g = 0, dout
        while k < 3:
            g = g * x
            k = k + 1
        return 2 * g
    """
    start = time.monotonic()
    report = checked(written(tmp_path, text), drawn((4, 3)), seconds=20)
    assert report.repair.diff == "- return 2 * g\n+ return 4 * g"
    assert time.monotonic() - start < 30


def test_a_search_writes_no_file_and_prints_nothing(tmp_path, capfd):
    text = """
    from pathlib import Path

    def forward(x):
        return x**2, x

    def backward(dout, x):
        print("here")
        with open(Path(__file__).with_name("log.txt"), "a") as log:
            log.write("once\\n")
        return dout * x
    """
    module = written(tmp_path, text)
    with open(tmp_path / "log.txt", "w") as log:
        log.write("before\n")
    checked(module, drawn((4, 3)), seconds=2)
    assert (tmp_path / "log.txt").read_text() == "before\nonce\n"
    assert capfd.readouterr().out == "here\n"


# What an edited version of the user's code could do to the user's files, and what is caught.
HARM = {
    "write": "open(FILE, 'w')",
    "append": "open(FILE, 'a').write('more')",
    "create": "open(FILE + '.new', 'x')",
    "os.open": "os.open(FILE, os.O_RDWR | os.O_TRUNC)",
    "pathlib": "pathlib.Path(FILE).write_text('')",
    "numpy": "np.save(FILE, dout)",
    "memmap": "np.memmap(FILE, mode='r+')",
    "truncate": "os.truncate(FILE, 0)",
    "remove": "os.remove(FILE)",
    "rename": "os.rename(FILE, FILE + '.old')",
    "replace": "os.replace(OTHER, FILE)",
    "rmdir": "os.rmdir(FOLDER)",
    "mkdir": "os.makedirs(FILE + '.folder/below')",
    "link": "os.symlink(FILE, FILE + '.link')",
    "chmod": "os.chmod(FILE, 0)",
    "utime": "os.utime(FILE, (0, 0))",
    "rmtree": "shutil.rmtree(os.path.dirname(FILE))",
    "move": "shutil.move(FILE, FOLDER)",
    "copy": "shutil.copyfile(OTHER, FILE)",
    "subprocess": "subprocess.run(['rm', FILE])",
    "system": "os.system(f'rm {FILE}')",
    "exec": "os.execvp('rm', ['rm', FILE])",
    "spawn": "os.spawnlp(os.P_WAIT, 'rm', 'rm', FILE)",
    "posix_spawn": "os.waitpid(os.posix_spawnp('rm', ['rm', FILE], os.environ), 0)",
    "fork": "os.fork() or os._exit(0)",
    "multiprocessing": "process('fork', FILE)",
    "multiprocessing, spawned": "process('spawn', FILE)",
    "kill": "os.kill(HERE, 0)",
    "socket": "socket.create_connection(('127.0.0.1', PORT), 1)",
    "sqlite": "sqlite3.connect(FILE)",
}
HARMFUL = """
import multiprocessing, os, pathlib, shutil, socket, sqlite3, subprocess
import numpy as np

HERE = os.getpid()
FOLDER = os.path.join(os.path.dirname(__file__), "empty")
FILE, OTHER = (os.path.join(os.path.dirname(__file__), name) for name in ("file", "other"))
SERVER = socket.create_server(("127.0.0.1", 0))
SERVER.settimeout(0)
PORT = SERVER.getsockname()[1]
LOG = open(FILE, "r+")

def process(kind, file):
    one = multiprocessing.get_context(kind).Process(target=os.remove, args=(file,))
    one.start()
    one.join()

def forward(x):
    return x**2, x

def backward(dout, x):
    if os.getpid() != HERE:
        {}
    return dout * x
"""
QUIETLY = "try:\n            {}\n        except BaseException:\n            pass"


def in_folder(folder):
    """Every file and folder, with what is in it and its mode and time."""
    return {
        path: (path.read_bytes() if path.is_file() else None, path.stat()[:1], path.stat()[7:9])
        for path in folder.rglob("*")
        if "__pycache__" not in str(path)
    }


def harmful(folder, harm):
    folder = folder / "mine"
    (folder / "empty").mkdir(parents=True)
    for name in ("file", "other"):
        (folder / name).write_bytes(f"of {name}".encode())
        os.utime(folder / name, (10**9, 10**9))
    return folder, written(folder, HARMFUL.format(harm))


@pytest.mark.parametrize("shape", ["{}", QUIETLY], ids=["", "caught"])
@pytest.mark.parametrize("kind", HARM)
def test_what_a_trial_would_do_to_files_and_processes_is_refused(tmp_path, kind, shape):
    folder, module = harmful(tmp_path, shape.format(HARM[kind]))
    before = {path: seen[:2] for path, seen in in_folder(folder).items()}
    changed = (folder / "file").stat().st_mtime
    report = checked(module, drawn((4, 3)), seconds=1)
    assert {path: seen[:2] for path, seen in in_folder(folder).items()} == before
    assert (folder / "file").stat().st_mtime == changed
    with module.SERVER, module.LOG, pytest.raises(BlockingIOError):
        module.SERVER.accept()  # nobody came
    assert not report
    assert (report.repair, report.first_wrong) == (None, None)  # no trial counts


@pytest.mark.parametrize("harm", ["LOG.truncate(0)", "LOG.seek(4)", "LOG.write('x'); LOG.flush()"])
def test_a_trial_cannot_reach_the_files_that_are_open(tmp_path, harm):
    folder, module = harmful(tmp_path, harm)
    with module.SERVER, module.LOG:
        checked(module, drawn((4, 3)), seconds=1)
        assert os.lseek(module.LOG.fileno(), 0, os.SEEK_CUR) == 0
    assert (folder / "file").read_bytes() == b"of file"


def test_a_trial_may_read_files_and_import_modules(tmp_path):
    _, module = harmful(tmp_path, "import other_module; open(FILE).read()")
    Path(module.__file__).with_name("other_module.py").write_text("x = 1")
    with module.SERVER, module.LOG, pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(module.__file__).parent)
        report = checked(module, drawn((4, 3)), seconds=30)
    assert report.repair.diff.startswith("- return dout * x\n")


def test_a_line_that_fails_in_trials_alone_is_not_blamed(tmp_path):
    _, module = harmful(tmp_path, "raise OSError('no such device here')")
    with module.SERVER, module.LOG:
        report = checked(module, drawn((4, 3)), seconds=1)
    assert (report.repair, report.first_wrong) == (None, None)


def test_equal_sizes_do_not_hide_that_a_repair_is_none(tmp_path):
    """Divided by the features instead of the samples: on a square matrix both are right."""
    text = """
    def forward(x, w):
        return x @ w / x.shape[0], (x, w)

    def backward(dout, cache):
        x, w = cache
        return dout @ w.T / len(x), x.T @ dout
    """
    module = written(tmp_path, text)
    repair = checked(module, drawn((3, 3), (3, 3)), seconds=30).repair
    mended = written(tmp_path, repair.source, "mended")
    assert checked(mended, drawn((4, 3), (3, 2)))


def test_what_a_process_sends_until_it_ends():
    def work(send):
        send("first")
        raise RuntimeError("it ends")

    assert in_own_process(work, 10) == ["first"]
    assert in_own_process(lambda send: time.sleep(60), 0.1) == []


def test_a_process_is_not_locked_by_a_thread_that_it_does_not_have():
    inside, end = threading.Event(), threading.Event()

    def forward(x):
        inside.set()
        end.wait(30)
        return x, x

    layer = HandWritten(forward, lambda dout, x: dout, drawn((2,)))
    thread = threading.Thread(target=layer.on_arrays)
    thread.start()
    try:
        assert inside.wait(30)
        other = HandWritten(lambda x: (x, x), lambda dout, x: dout, drawn((2,)))
        assert in_own_process(lambda send: send(other.on_arrays().has_cache), 5) == [True]
    finally:
        end.set()
        thread.join()


def test_a_process_takes_a_limited_memory():
    def work(send):
        try:
            np.ones(2**31)
        except MemoryError:
            send("too much")

    assert in_own_process(work, 20) == ["too much"]


def test_the_search_accepts_right_code_at_every_sample():
    """No sample asks of a function what it is not for: sizes that fit by accident are left out."""
    for example in EXAMPLES:
        forward = getattr(example.module, example.forward or example.backward)
        backward = getattr(example.module, example.backward) if example.forward else None
        code = HandWritten(forward, backward, example.draw(np.random.default_rng(0)))
        found = list(samples(code, example.wrt))
        assert len(found) >= 3, example.backward
        for sample in found:
            verdict = sample.judge(sample.run(backward or forward))
            assert verdict, example.backward
            assert all(verdict.values()), example.backward


def test_disturbing_a_statement_shows_what_it_changes(tmp_path):
    module = written(tmp_path, AFFINE.replace("x.T @ dout", "2 * x.T @ dout"))
    code = OwnCode(module.backward)
    hand_written = HandWritten(module.forward, module.backward, ARGUMENTS[AFFINE])
    (sample, *_) = samples(hand_written, None)
    with quietly():
        found = Watched(code, sample, {})
        by_line = {s.line: influences(code, sample, found, {})[s.number] for s in code.statements}
    of_dw = [line for line, one in by_line.items() if one.covers and one.overlap == 1]
    assert of_dw == [6, 8]  # x, w = cache and dw = …
    assert not by_line[7].covers
    assert not by_line[9].covers
