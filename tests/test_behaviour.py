"""The record of what a user sees: it is repeatable, and says what changed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks import behaviour

TRAIN = "train --epochs 20 --save net.npz && draw net.npz --output graph.dot"
TABLES = {
    "CALLS": 'x @ x  x.grad  ag.compare(J, {"x": a})\nag.compile(square).source(a)  print(3); adam',
    "OPERATIONS": "a * b  np.einsum('ij,jk->ik', a, m)",
    "PICKLED": "net",
    "COMMANDS": TRAIN,
    "PLANTED": {"sign": ("(A2 - Y)", "(Y - A2)")},
    "MODELS": ["layers"],
    "NOTATIONS": ["plain", "004"],
    "PUBLIC": {"autograd_lite": "", "nn.losses": "Loss"},
}


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short tables, and the environment of a record."""
    for name, table in TABLES.items():
        monkeypatch.setattr(behaviour, name, table)
    for name, value in behaviour.ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def test_calls() -> None:
    before, after = behaviour.record(["calls"]), behaviour.record(["calls"])
    assert list(behaviour.differences(before, after)) == []
    assert "3 ≠ 2. x.T @ x would fit" in before["calls: x @ x"]
    assert "sign at Z2" in before["calls: compared('sign')"]
    assert before["calls: print(3); adam"] == "3\n\n<nn.Adam object at 0x…>"
    assert "multiply(t, x0, t)" in before["calls: a * b: code"]
    assert not any("0x7" in text for text in before.values())


def test_commands_and_the_files_that_they_write() -> None:
    seen = behaviour.record(["commands"])
    assert "gradient_descent at rate 1.2, 20 epochs" in seen[f"commands: {TRAIN}"]
    assert "W1: array([[" in seen[f"commands: {TRAIN} → net.npz"]
    assert "digraph tape" in seen[f"commands: {TRAIN} → graph.dot"]
    (compared,) = (text for key, text in seen.items() if "compare sign.py" in key)
    assert compared.startswith("exit 1\n")
    assert "sign at Z2" in compared


def test_what_changed_came_or_went_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        behaviour, "KINDS", {"calls": lambda: iter({"x": "1\n2", "y": "3"}.items())}
    )

    def recorded(name: str, *options: str) -> int:
        monkeypatch.setattr(sys, "argv", ["behaviour", str(tmp_path / name), *options])
        return behaviour.main()

    before = tmp_path / "before.json"
    assert recorded("before.json") == 0
    assert recorded("after.json", "--against", str(before)) == 0
    assert "0 of 2 differ" in capsys.readouterr().out
    before.write_text(json.dumps({"calls: x": "1\n3", "calls: z": "4", "examples: 1": "5"}))
    assert recorded("after.json", "--against", str(before)) == 1
    said = capsys.readouterr().out
    assert "--- calls: x\n+++ calls: x\n@@ -1,2 +1,2 @@\n 1\n-3\n+2\n" in said
    assert "-(nothing)\n+3" in said
    assert "-4\n+(nothing)" in said
    assert "3 of 3 differ" in said


def test_what_varies_is_left_out() -> None:
    trace = (
        '  File "/a/autograd_lite/tensor.py", line 3, in f\n    return 1\n  File "own.py", line 2'
    )
    assert behaviour.plain(trace) == '  File "own.py", line 2'
    assert behaviour.plain("<nn.optimizers.Adam at 0x7f00aa11>") == "<nn.Adam at 0x…>"
    assert behaviour.plain("done in 0.12 s, 3 steps") == "done in … s, 3 steps"
    assert behaviour.plain(f"{behaviour.ROOT}/nn/losses.py:12: no") == "nn/….py:…: no"
