"""What type checkers see: user code that they accept, mistakes that they find, and the tables of
what NumPy's functions give for Tensors, which are compared with what they do.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest
import typed_user_code

import autograd_lite as ag
import autograd_lite.numpy as np
from benchmarks import numpy as tried

ROOT = Path(ag.__file__).parents[1]
CODE = Path(typed_user_code.__file__)
LINES = CODE.read_text(encoding="utf-8").splitlines()


def run(*command: str) -> str:
    environment = os.environ | {"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    arguments = [sys.executable, "-m", *command, str(CODE)]
    done = subprocess.run(arguments, capture_output=True, text=True, cwd=ROOT, env=environment)
    assert done.returncode == 1, done.stdout + done.stderr  # it found errors, and did not fail
    return done.stdout


def found_by_mypy() -> Iterator[tuple[int, str]]:
    for line in run("mypy", "--strict", "--follow-imports=silent").splitlines():
        if error := re.search(rf"{CODE.name}:(\d+): error: .*\[([\w-]+)\]$", line):
            yield int(error[1]), error[2]


def found_by_pyright() -> Iterator[tuple[int, str]]:
    report = json.loads(run("pyright", "--outputjson", "--pythonpath", sys.executable))
    for error in report["generalDiagnostics"]:
        yield error["range"]["start"]["line"] + 1, error["rule"]


@pytest.mark.skipif(
    numpy.lib.NumpyVersion(numpy.__version__) < "2.4.0", reason="NumPy's own stubs say less"
)
@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_a_type_checker_finds_the_mistakes_and_nothing_else(checker):
    pytest.importorskip(checker)
    found: dict[int, set[str]] = {}
    for number, rule in {"mypy": found_by_mypy, "pyright": found_by_pyright}[checker]():
        found.setdefault(number, set()).add(rule)
    marked = {
        number: mark[1]
        for number, line in enumerate(LINES, 1)
        if (mark := re.search(rf"#.*\b{checker}: (\w[\w-]*\w)", line))
    }
    assert found.keys() == marked.keys()
    assert {number for number, rule in marked.items() if rule not in found[number]} == set()


def test_what_is_right_runs(tmp_path):
    x, a = ag.Tensor([1.0, 2.0], requires_grad=True), np.array([[1.0, 2.0], [3.0, 4.0]])
    assert typed_user_code.training_loop() < typed_user_code.training_loop(0)
    typed_user_code.functions_of_numpy(x, a[0])
    typed_user_code.arrays_stay_arrays(a)
    typed_user_code.gradients_of_any_tensor(x)
    typed_user_code.what_the_package_is_for(tmp_path)
    assert "from numpy import" in typed_user_code.a_compiled_step()
    assert typed_user_code.cube(x).requires_grad
    assert not typed_user_code.doubled(x).requires_grad
    assert typed_user_code.a_network(tmp_path).L == 2


# autograd_lite.numpy


def test_it_is_numpy():
    import autograd_lite.numpy.linalg as linalg

    assert linalg is numpy.linalg
    assert dir(np) == dir(numpy)
    assert all(getattr(np, name) is getattr(numpy, name) for name in numpy.__all__)
    with pytest.raises(AttributeError, match="tahn"):
        np.tahn  # noqa: B018


STUBS = {"numpy": "_functions", "numpy.linalg": "_linalg", "numpy.fft": "_fft"}


def kinds(namespace: str) -> dict[str, str]:
    """The tables of a namespace: for each function the name of its type."""
    path = ROOT / "autograd_lite" / "numpy" / f"{STUBS[namespace]}.pyi"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        target.id: node.value.id
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def calls(namespace: str, name: str, function: Any) -> Iterator[tuple[Any, Any]]:
    """What the calls that are known of a function give on Tensors, and on arrays."""
    known = [tried.Call(function, a) for a in tried.calls_of(namespace).get(name, ())]
    for call in known or filter(None, [tried.guessed(function)]):
        try:
            given = call(*[ag.Tensor(x, requires_grad=call.smooth) for x in call.arrays])
        except (TypeError, AttributeError, ValueError):
            continue  # refused
        yield given, call(*call.arrays)


def kind(function: Any, pairs: list[tuple[Any, Any]]) -> set[str]:
    """The types that are right for what was given on Tensors, and on arrays."""
    if all(isinstance(y, ag.Tensor) for y, _ in pairs):
        if isinstance(function, numpy.ufunc):
            return {"_ufunc"}
        arrays = all(isinstance(z, numpy.ndarray) for _, z in pairs)
        return {"_array", "_value"} if arrays else {"_value"}
    if not any(isinstance(part, ag.Tensor) for y, _ in pairs for part in tried.flatten(y)):
        return {""}  # NumPy's own stub is right
    (*several,) = {type(y) for y, _ in pairs}
    return {f"_{several[0].__name__}"} if several in ([list], [tuple]) else {"_several"}


OLD = {"trapz"}  # which newer NumPys do not have


@pytest.mark.parametrize("namespace", STUBS)
def test_the_tables_say_what_numpys_functions_give(namespace):
    module, said = sys.modules[namespace], kinds(namespace)
    wrong = {}
    with numpy.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, function in tried.functions_of(namespace):
            pairs = list(calls(namespace, name, function))
            if not pairs or "." in name:
                continue
            right = kind(function, pairs)
            names = {n for n in module.__all__ if getattr(module, n, None) is function}
            for alias in names - OLD:
                if said.pop(alias, "") not in right:
                    wrong[alias] = right
    assert wrong == {}
    assert {name for name in said if hasattr(module, name)} == set()
