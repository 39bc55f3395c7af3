"""Who may import whom, what is public, and that nothing public changes under one's hands."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import autograd_lite as ag
import nn

ROOT = Path(ag.__file__).parent
# Each module of the engine may import these, and what they may import.
ENGINE = {
    "errors": set(),
    "rules": set(),
    "tensor": {"errors", "rules"},
    "walk": {"tensor"},
    "functions": {"tensor"},
    "graph": {"walk"},
    "transforms": {"walk", "functions"},
}


def imported(path: Path) -> set[str]:
    """The modules that a file imports, lazily or not, with their full names."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return names


def allowed(module: str) -> set[str]:
    direct = ENGINE[module]
    return direct.union(*[allowed(name) for name in direct]) if direct else set()


@pytest.mark.parametrize("module", ENGINE)
def test_import_arrows_of_the_engine(module):
    found = {
        name.split(".")[1]
        for name in imported(ROOT / f"{module}.py")
        if name.startswith("autograd_lite.") and (ROOT / f"{name.split('.')[1]}.py").exists()
    }
    if module == "tensor":
        found -= {"walk"}  # Tensor.backward calls it, when it is called
    assert found <= allowed(module)


def test_the_engine_never_imports_nn():
    for path in ROOT.glob("*.py"):
        assert not any(name.split(".")[0] == "nn" for name in imported(path)), path.name


# What nn shares with the engine and users have no use for.
SHARED = {"__version__", "errors", "errors.refuse_masks", "extras", "files"}


def test_nn_uses_only_public_names_of_the_engine():
    for path in Path(nn.__file__).parent.rglob("*.py"):
        for name in imported(path):
            if name.startswith("autograd_lite."):
                assert {name.split(".", 1)[1], name.split(".")[1]} & SHARED.union(ag.__all__), (
                    f"{path.name}: {name}"
                )
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "ag"
            ):
                assert node.attr in {"__version__", *ag.__all__}, f"{path.name}: {node.attr}"


def test_no_module_is_called_like_a_public_name():
    modules = {m.name for m in pkgutil.iter_modules(ag.__path__)}
    assert modules & set(ag.__all__) == set()


def test_public_names_stay_what_they_are():
    before = {name: getattr(ag, name) for name in ag.__all__}
    for module in pkgutil.iter_modules(ag.__path__):
        importlib.import_module(f"autograd_lite.{module.name}")
    for name, value in before.items():
        assert getattr(ag, name) is value
        assert callable(value)
        assert value.__doc__, name
    assert set(ag.__all__) <= set(dir(ag))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        ag.nothing  # noqa: B018


def test_both_packages_import_light():
    code = (
        "import sys, numpy, autograd_lite, nn;"
        "print([m for m in ('sympy', 'sklearn', 'matplotlib', 'rich', 'graphviz', 'pygraphviz',"
        "'scipy', 'torch') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_both_packages_are_typed():
    assert (ROOT / "py.typed").exists()
    assert (Path(nn.__file__).parent / "py.typed").exists()
