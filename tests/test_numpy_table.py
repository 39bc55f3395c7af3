"""The table of NumPy's functions, and the adapter for HIPS/autograd's tests: both are shown wrong
rules, lost gradients and refusals, and must tell them apart.
"""

from __future__ import annotations

import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import rules
from autograd_lite.tensor import HANDLERS
from benchmarks import numpy as tried

ROOT = Path(__file__).parents[1]


def array(x: Any) -> Any:
    return x.data if isinstance(x, ag.Tensor) else x


def right(x: Any) -> Any:
    return np.sin(x)


def steps(x: Any) -> Any:
    return np.floor(x)


def cut(x: Any) -> Any:
    return np.sin(array(x))


def constant(x: Any) -> Any:
    return ag.Tensor(np.sin(x.data)) if isinstance(x, ag.Tensor) else np.sin(x)


@ag.differentiable(lambda g, y, x, z: g, None)
def forgotten(x: Any, z: Any) -> Any:
    return x + z


@ag.differentiable(lambda g, y, x: g * np.sin(x))
def wrong(x: Any) -> Any:
    return np.sin(x)


@ag.differentiable(lambda g, y, x: g * wrong(x))
def wrong_second(x: Any) -> Any:
    return -np.cos(x)


@ag.differentiable(lambda g, y, x: g * cut(x))
def lost_second(x: Any) -> Any:
    return -np.cos(x)


@ag.differentiable(lambda g, y, x: g * refused(x))
def first_only(x: Any) -> Any:
    return np.sin(x)


def value(x: Any) -> Any:
    return np.sin(x) + 1e-9 if isinstance(x, ag.Tensor) else np.sin(x)


def dtype(x: Any) -> Any:
    return np.sin(x).astype(np.float32) if isinstance(x, ag.Tensor) else np.sin(x)


def half(x: Any) -> Any:
    return np.sin(x), cut(x)


@ag.differentiable(lambda g, y, x: never(x))
def without(x: Any) -> Any:
    return np.sin(x)


def never(x: Any) -> Any:
    raise TypeError("without has no derivative")


def refused(x: Any) -> Any:
    if isinstance(x, ag.Tensor):
        raise TypeError("refused has no rule")
    return np.cos(x)


def refused_steps(x: Any) -> Any:
    if isinstance(x, ag.Tensor):
        raise TypeError("refused_steps has no rule")
    return np.floor(x)


def unnamed(x: Any) -> Any:
    return np.sin(np.asarray(x))


def crash(x: Any) -> Any:
    return np.sin(x) if isinstance(x, np.ndarray) else x[len(x)]


def stranger(x: Any, y: Any) -> Any:
    return x + y


PLANTED: dict[Callable[..., Any], tuple[str, str]] = {
    right: ("higher order", ""),
    steps: ("plain", ""),
    cut: ("FAILS", "lost in silence"),
    constant: ("FAILS", "lost in silence"),
    forgotten: ("FAILS", "] is lost in silence"),
    wrong: ("FAILS", "derivative of order 1"),
    wrong_second: ("FAILS", "derivative of order 2"),
    lost_second: ("FAILS", "order 2 to X"),
    first_only: ("first order", "refused has no rule"),
    without: ("refused", "order 1"),
    value: ("FAILS", "returns"),
    dtype: ("FAILS", "float32, not"),
    half: ("FAILS", "result 1 is lost"),
    refused: ("refused", ""),
    refused_steps: ("plain, refused", ""),
    unnamed: ("unnamed", ""),
    crash: ("FAILS", "IndexError"),
    stranger: ("not tried", ""),
}


@pytest.mark.parametrize("function", PLANTED, ids=lambda f: f.__name__)
def test_each_status_is_told(function: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("planted")
    setattr(module, function.__name__, function)
    monkeypatch.setitem(sys.modules, "planted", module)
    monkeypatch.setitem(tried.CALLS, "planted", "forgotten : x, z")
    (row,) = tried.table(("planted",))
    status, note = PLANTED[function]
    assert row.status == status, row.notes
    assert note in " ".join(row.notes)


def test_a_rule_of_numpy_that_is_broken_fails_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tried.main(["--only", "tanh"]) == 0
    monkeypatch.setitem(rules.RULES, np.tanh, (lambda g, y, x: g * (1 - y),))
    assert tried.main(["--only", "tanh"]) == 1
    assert "tanh(X) the derivative of order 1" in capsys.readouterr().out


def test_a_handler_that_drops_the_gradient_fails_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(HANDLERS, np.linalg.inv, lambda a: ag.Tensor(np.linalg.inv(a.data)))
    assert tried.main(["--only", "linalg.inv"]) == 1
    assert "inv(S) the gradient of result 0 is lost in silence" in capsys.readouterr().out


def test_an_option_that_is_ignored_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = HANDLERS[np.sum]
    monkeypatch.setitem(HANDLERS, np.sum, lambda x, *args, initial=0, **kw: plain(x, *args, **kw))
    (row,) = tried.table(("numpy",), "sum")
    assert row.status == "FAILS"
    assert "initial=0.5) returns" in " ".join(row.notes)


def test_a_name_that_no_table_has_is_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(np, "something_new", stranger, raising=False)
    assert tried.main(["--only", "s*thing_new"]) == 0
    assert "not tried         1  something_new" in capsys.readouterr().out


def test_a_call_that_numpy_refuses_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tried.CALLS, "numpy", "sum : X, axis=7")
    (row,) = tried.table(("numpy",), "sum")
    assert (row.status, row.notes[0].split(":")[0]) == ("not tried", "(X, axis=7) AxisError")


@pytest.mark.parametrize("namespace", tried.NAMESPACES)
def test_the_tables_name_what_exists(namespace: str) -> None:
    pytest.importorskip(namespace)
    module = sys.modules[namespace]
    excluded = [n for names in tried.EXCLUDED[namespace].values() for n in names.split()]
    assert len(set(excluded)) == len(excluded)
    assert not set(excluded) & set(tried.calls_of(namespace))
    if np.__version__.startswith("2.4."):  # other versions have other names
        assert [n for n in excluded if not hasattr(module, n)] == []


def test_the_page_has_a_table_for_each_namespace() -> None:
    with pytest.raises(SystemExit):
        tried.main(["--only", "m*x", "--markdown"])
    text = tried.markdown(tried.table(("numpy",), "m*x"))
    assert "## numpy\n" in text
    assert "`max`" in text or "`max*`" in text


SUITE = """
import autograd.numpy as np
import pytest
from autograd import grad, hessian, tuple
from autograd.core import primitive
from autograd.test_util import check_grads, combo_check

def test_right():
    check_grads(np.tanh, modes=["rev"], order=3)(1.0)
    assert grad(lambda x, y: x * y, argnum=[1, 0])(2.0, 3.0) == (2.0, 3.0)
    assert grad(lambda x: 1.0)(2.0) == 0.0

def test_second_argument():
    combo_check(np.add, (0, 1))([np.ones(2), 1j], [np.ones((3, 1))])

def test_wrong():
    check_grads(np.cos)(1.0)

def test_lost():
    check_grads(lambda x: np.sin(x).data)(1.0)

def test_not_equal():
    assert grad(np.exp)(0.0) == 2.0

def test_refused():
    check_grads(np.poly)(np.ones(2))

def test_complex():
    check_grads(np.sin)(1j)

def test_forward():
    check_grads(np.sin, modes=["fwd"])(1.0)

def test_array():
    check_grads(lambda x: np.array([x, x]))(1.0)

def test_mean_of_a_list():
    check_grads(lambda x: np.mean([x, x]))(np.ones(2))

def test_own():
    primitive(np.sin)
"""
VERDICTS = {
    "right": "passes",
    "second_argument": "passes",
    "wrong": "a wrong derivative",
    "lost": "a wrong derivative",
    "not_equal": "AssertionError",
    "refused": "no rule: np.poly",
    "complex": "complex numbers",
    "forward": "forward mode",
    "array": "NumPy does not dispatch it",
    "mean_of_a_list": "NumPy does not dispatch it",
    "own": "what only autograd has",
}


def test_the_adapter_for_hips(tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE)
    code = (
        "import pathlib, numpy as np; from benchmarks import hips;"
        "from autograd_lite.rules import RULES; RULES[np.cos] = (lambda g, y, x: g * np.sin(x),);"
        f"found = hips.run(pathlib.Path({str(tmp_path)!r}));"
        "lines = [f'{o.test}|{o.verdict}|{o.reason}' for o in found];"
        "print(*lines, *hips.report(found), sep='\\n')"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    for name, verdict in VERDICTS.items():
        assert f"test_suite::test_{name}|" in run.stdout, run.stderr
        line = next(x for x in run.stdout.splitlines() if f"test_{name}|" in x)
        assert verdict in line
    assert run.stdout.endswith("2 of 6 tests that apply pass (11 in all)\n")
