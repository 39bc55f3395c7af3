"""`autograd-lite compare FILE.py`: the file is executed, and its gradients are judged."""

from __future__ import annotations

import io
import itertools
import re
import sys
import textwrap
from types import SimpleNamespace

import pytest

from autograd_lite.diagnosis import comparison, search
from nn import progress
from nn.cli.command import main

COLUMNS = """
    import numpy as np

    def gradients(X, Y, parameters):
        W1, b1, W2, b2 = (parameters[name] for name in ("W1", "b1", "W2", "b2"))
        m = X.shape[1]
        A1 = np.tanh(W1 @ X + b1)
        A2 = 1 / (1 + np.exp(-(W2 @ A1 + b2)))
        dZ2 = (A2 - Y) / m
        dZ1 = W2.T @ dZ2 * (1 - A1**2)
        return {
            "dW2": dZ2 @ A1.T, "db2": dZ2.sum(axis=1, keepdims=True),
            "dW1": dZ1 @ X.T, "db1": dZ1.sum(axis=1, keepdims=True),
        }
"""
ROWS = """
    import numpy as np

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    def gradients(X, Y, parameters):
        p, m = parameters, len(X)
        g1 = sigmoid(X @ p["W1"] + p["b1"])
        g2 = sigmoid(g1 @ p["W2"] + p["b2"])
        g3 = sigmoid(g2 @ p["W3"] + p["b3"])
        d3 = (g3 - Y) * g3 * (1 - g3) / m
        d2 = d3 @ p["W3"].T * g2 * (1 - g2)
        d1 = d2 @ p["W2"].T * g1 * (1 - g1)
        return {
            "W3": g2.T @ d3, "b3": d3.sum(0, keepdims=True),
            "W2": g1.T @ d2, "b2": d2.sum(0, keepdims=True),
            "W1": X.T @ d1, "b1": d1.sum(0, keepdims=True),
        }
"""
ROW_OPTIONS = [
    *("--layers", "4,3,2,1", "--activations", "sigmoid,sigmoid,sigmoid"),
    *("--loss", "half_squared_error", "--batch-axis", "0"),
]


@pytest.fixture
def compare(tmp_path, capsys):
    """Write the text to a file and compare it: exit code, what was printed, and where."""

    def run(text, *options):
        file = tmp_path / "mine.py"
        file.write_text(textwrap.dedent(text))
        code = main(["compare", str(file), *options])
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return run


@pytest.mark.parametrize(("text", "options"), [(COLUMNS, []), (ROWS, ROW_OPTIONS)])
def test_right_gradients_agree(compare, text, options):
    code, printed = compare(text, *options)
    assert code == 0, printed
    assert "mine.py is executed" in printed
    assert "differs" not in printed


@pytest.mark.parametrize(
    ("text", "options", "right", "wrong", "said"),
    [
        (COLUMNS, [], " * (1 - A1**2)", "", "derivative-dropped at Z1"),
        (COLUMNS, [], "(A2 - Y) / m", "A2 - Y", "missing-mean at Z2"),
        (ROWS, ROW_OPTIONS, "g1.T @ d2", "(d2.T @ g1)", "transposed at W2"),
        (ROWS, ROW_OPTIONS, "* g3 * (1 - g3) / m", "/ m", "derivative-dropped at Z3"),
    ],
)
def test_a_mistake_is_named_and_the_exit_code_is_1(compare, text, options, right, wrong, said):
    assert right in text
    code, printed = compare(text.replace(right, wrong), *options)
    assert code == 1
    assert said in printed


def test_what_was_left_out_is_said(compare):
    code, printed = compare(COLUMNS.replace('"db2": dZ2.sum(axis=1, keepdims=True),', ""))
    assert code == 0
    assert "not compared: b2" in printed


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (COLUMNS.replace("np.tanh(W1", "np.tanh(W9"), "NameError: name 'W9' is not defined"),
        ("gradients = 3", "does not define a function gradients(X, Y, parameters)"),
        ("def gradients(X, Y, parameters):\n    return [1]", "returned list: return a dict"),
        ("def gradients(X, Y, parameters):\n    return {}", "there is nothing to compare"),
        (COLUMNS.replace('"dW2"', '"dW7"'), "'dW7' is not on this tape. These names are: "),
        ("def gradients(X, Y\n", "SyntaxError"),
        ("raise SystemExit(0)", "SystemExit: 0"),
    ],
)
def test_an_error_in_the_file_is_the_files_own(compare, text, said):
    code, printed = compare(text)
    assert code == 2
    assert said in printed
    assert "command_compare.py" not in printed
    assert "runpy" not in printed


def test_its_own_lines_are_shown(compare):
    _, printed = compare(COLUMNS.replace("np.tanh(W1", "np.tanh(W9"))
    assert 'mine.py", line 7, in gradients' in printed


def test_a_file_that_is_not_there(capsys):
    assert main(["compare", "nowhere.py"]) == 2
    assert "nowhere.py: no such file" in capsys.readouterr().err


def test_the_help_says_that_the_file_is_executed(capsys):
    with pytest.raises(SystemExit):
        main(["compare", "--help"])
    printed = capsys.readouterr().out
    assert "FILE.py is executed" in printed
    assert "only files that you trust" in printed


class Terminal(io.StringIO):
    """Takes what is written to a terminal."""

    def isatty(self):
        return True


NOISE = """
    import numpy as np

    def gradients(X, Y, parameters):
        rng = np.random.default_rng(0)
        return {name: rng.normal(size=p.shape) for name, p in parameters.items()}
"""


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_a_terminal_shows_how_far_the_search_is(stream, compare, monkeypatch):
    pytest.importorskip("rich")
    seconds = itertools.count()
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: float(next(seconds))))
    monkeypatch.setenv("TERM", "xterm")
    written = stream()
    monkeypatch.setattr(sys, "stderr", written)
    code, out = compare(NOISE, "--layers", "3,4,2")
    assert code == 1
    assert "looking" not in out
    assert ("looking for the mistake" in written.getvalue()) == written.isatty()


def test_a_quick_search_ends_after_a_second_and_says_what_it_tried(compare, monkeypatch):
    now = itertools.count()
    clock = SimpleNamespace(monotonic=lambda: 0.01 * next(now))  # the same on every machine
    monkeypatch.setattr(comparison, "time", clock)
    monkeypatch.setattr(search, "time", clock)
    texts = [compare(NOISE, "--layers", "6,5,4,3,2", *quick)[1] for quick in ((), ("--quick",))]
    assert "stopped" not in texts[0]
    said = (
        r"stopped after 1 s, before all was tried \(\d+ mistakes, in the gradients of \d+ of \d+ t"
    )
    assert re.search(said, " ".join(texts[1].split()))
