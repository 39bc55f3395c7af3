"""The course code that repairs are measured on: it is right, and each fault of it is one token."""

from __future__ import annotations

import ast
import difflib
import inspect
from pathlib import Path

import numpy as np
import pytest

from benchmarks.course import EXAMPLES
from benchmarks.faults import KINDS, faults
from benchmarks.repair import all_faults, drawn, flat, is_right, load, main, outcome


def cost(example, args, dout):
    result = getattr(example.module, example.forward or example.backward)(*args)[0]
    return np.sum(result * dout) if example.forward else result


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.backward)
def test_every_layer_is_right_by_central_differences(example, rng):
    args = example.draw(rng)
    forward = getattr(example.module, example.forward or example.backward)
    out, cache = forward(*args)
    dout = rng.normal(size=np.shape(out))
    grads = cache
    if example.forward:
        grads = getattr(example.module, example.backward)(dout, cache)
    arrays = [k for k, a in enumerate(args) if np.asarray(a).dtype.kind == "f" and np.ndim(a)]
    names = list(inspect.signature(forward).parameters)
    wrt = sorted(grads) if isinstance(grads, dict) else example.wrt
    where = [names.index(k) for k in wrt] if wrt else arrays
    for k, g in zip(where, flat(grads), strict=True):
        direction = rng.normal(size=np.shape(args[k]))
        up, down = (
            cost(example, (*args[:k], args[k] + h * direction, *args[k + 1 :]), dout)
            for h in (1e-6, -1e-6)
        )
        assert np.shape(g) == np.shape(args[k])
        assert np.sum(g * direction) == pytest.approx((up - down) / 2e-6, rel=1e-5, abs=1e-7)


def test_every_fault_is_one_change_of_a_line_and_parses():
    text = Path(EXAMPLES[0].module.__file__).read_text(encoding="utf-8")
    shapes = dict.fromkeys(("dout", "w", "x"), ((3, 2), "f"))
    found = list(faults(text, "affine_backward_a", shapes))
    assert {f.kind for f in found} <= {*KINDS}
    for fault in found:
        ast.parse(fault.text)
        pairs = difflib.ndiff(text.splitlines(), fault.text.splitlines())
        changed = [line for line in pairs if line[0] in "+-"]
        assert [line[0] for line in changed] == ["-", "+"]
        first, last = fault.lines
        assert changed[1][2:] in fault.text.splitlines()[first - 1 : last]


def test_every_kind_of_fault_is_there():
    assert {fault.kind for _, fault in all_faults()} == {*KINDS}


def test_a_sample_has_every_kind_as_often(rng):
    sample = drawn(all_faults("affine"), 12, rng)
    kinds = [fault.kind for _, fault in sample]
    assert len(kinds) == 12
    assert max(map(kinds.count, kinds)) - min(map(kinds.count, kinds)) <= 1


def test_a_fault_becomes_a_case_and_a_right_text_does_not(tmp_path):
    example, fault = next(
        (e, f) for e, f in all_faults("affine_backward_a") if f.wrong == "db = np.sum(dout, axis=1)"
    )
    one = outcome(example, fault, tmp_path, 0)
    assert (one.located, one.repaired) == (True, True)
    assert "+ db = np.sum(dout, axis=0)" in one.said
    path = tmp_path / "again.py"
    path.write_text(fault.text)
    assert not is_right(example, load(path), [0])
    path.write_text(Path(example.module.__file__).read_text())
    assert is_right(example, load(path), [0])


def test_the_command_says_whether_goals_are_missed(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["repair", "--only", "tanh", "--cases", "3"])
    assert main() == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("all")
    monkeypatch.setattr("benchmarks.repair.GOALS", {"located": 1.1, "repaired": 0, "seconds": 9})
    assert main() == 1
