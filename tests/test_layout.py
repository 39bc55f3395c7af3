"""The plan of the house: who may import whom, what is public, how large a function may be."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import autograd_lite as ag
import nn

ROOT = Path(ag.__file__).parent.parent
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for package in ("autograd_lite", "nn")
    for path in sorted((ROOT / package).rglob("*.py"))
}
TREES = {module: ast.parse(path.read_text(encoding="utf-8")) for module, path in FILES.items()}

# Each module of the engine may import these, and what they may import.
ENGINE: dict[str, set[str]] = {
    "errors": set(),
    "files": set(),
    "terminal": set(),
    "extras": {"files"},
    "rules": set(),
    "tensor": {"errors", "rules"},
    "walk": {"tensor"},
    "graph": {"walk"},
    "anomalies": {"tensor"},
    "transforms": {"walk"},
}
# Each room may import these, and the engine.
ROOMS: dict[str, set[str]] = {
    "autograd_lite": set(),
    "autograd_lite.functions": set(),
    "autograd_lite.numpy": set(),
    "autograd_lite.algebra": set(),
    "autograd_lite.compiler": set(),
    "autograd_lite.formula": {"autograd_lite.algebra"},
    "autograd_lite.derivation": {"autograd_lite.algebra", "autograd_lite.formula"},
    "autograd_lite.diagnosis": {"autograd_lite.derivation"},
    "autograd_lite.views": {"autograd_lite.algebra"},
    "nn": set(),
    "nn.documents": {"nn"},
    "nn.report": {"nn", "nn.documents"},
    "nn.cli": {"nn", "nn.documents", "nn.report"},
}
# What is imported on behalf of the user: public names, and the command.
DOORS = {"autograd_lite.__init__": {"autograd_lite.functions"}, "nn.__main__": {"nn.cli"}}


def imported(module: str) -> set[str]:
    """The project's modules that a module imports, at its top level or anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                found.add(name if is_module(name) else node.module)
    return {name.removesuffix(".__init__") for name in found if is_module(name)}


def loaded_later(package: str) -> dict[str, str]:
    """Where type checkers find the public names that a package loads later: name, module."""
    (block,) = [
        node
        for node in TREES[f"{package}.__init__"].body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    return {alias.name: node.module for node in block.body for alias in node.names}


def is_module(name: str) -> bool:
    return name in FILES or f"{name}.__init__" in FILES


def module_of(public: str, found_in: str) -> str:
    """`nn.datasets` for datasets in nn, which is a module, and `nn.estimators` for Classifier."""
    name = f"{found_in}.{public}"
    return name if is_module(name) else found_in


LOADED_LATER = {
    f"{package}.__init__": {module_of(*where) for where in loaded_later(package).items()}
    for package in ("autograd_lite", "nn")
}


def room(module: str) -> str:
    """The room that a module stands in: the longest of ROOMS that its name begins with."""
    return max((r for r in ROOMS if f"{module}.".startswith(f"{r}.")), key=len)


def reachable(table: dict[str, set[str]], name: str) -> set[str]:
    """What a name of a table may import: what stands there, and what that may import."""
    return table[name].union(*[reachable(table, other) for other in table[name]], {name})


@pytest.mark.parametrize("module", ENGINE)
def test_import_arrows_of_the_engine(module):
    found = {name.removeprefix("autograd_lite.") for name in imported(f"autograd_lite.{module}")}
    if module == "tensor":
        found -= {"walk"}  # Tensor.backward calls it, when it is called
    assert found <= reachable(ENGINE, module)


def test_import_arrows_between_the_rooms():
    for module in FILES:
        allowed = reachable(ROOMS, room(module)) | {"autograd_lite"}
        allowed |= DOORS.get(module, set())
        for other in imported(module) - LOADED_LATER.get(module, set()):
            assert room(other) in allowed, f"{module} imports {other}"


def test_no_circle_of_imports():
    """Lazy imports too: a module that two others would need in a circle belongs to neither."""
    arrows = {m.removesuffix(".__init__"): imported(m) for m in FILES}
    del arrows["autograd_lite"], arrows["nn"]  # the public names, from every room
    arrows["autograd_lite.tensor"] -= {"autograd_lite.walk"}
    list(TopologicalSorter(arrows).static_order())  # raises CycleError, which names the circle


def test_the_house_has_few_files_at_its_door():
    assert len(list((ROOT / "autograd_lite").glob("*.py"))) <= 12


# What nn shares with the engine and users have no use for.
SHARED = {"__version__", "errors", "extras", "files", "terminal"}


@pytest.mark.parametrize("module", [m for m in FILES if m.startswith("nn.")])
def test_nn_uses_only_public_names_of_the_engine(module):
    public = SHARED.union(ag.__all__)
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith("autograd_lite."):
            names = {f"{node.module}.{alias.name}".split(".")[1] for alias in node.names}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            names = {node.attr} if node.value.id == "ag" else set()
        else:
            names = set()
        assert names <= public


def test_no_module_is_called_like_a_public_name():
    modules = {part for module in FILES for part in module.split(".")}
    assert modules & set(ag.__all__) == set()


def test_public_names_stay_what_they_are():
    before = {name: getattr(ag, name) for name in ag.__all__}
    for module in FILES:
        if not module.endswith("__"):
            importlib.import_module(module)
    for name, value in before.items():
        assert getattr(ag, name) is value
        assert callable(value)
        assert value.__doc__, name


@pytest.mark.parametrize("package", ["autograd_lite", "nn"])
def test_what_is_loaded_later_is_what_type_checkers_find(package):
    code = f"import {package}; print(*set({package}.__all__).difference(vars({package})))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    module, found = importlib.import_module(package), loaded_later(package)
    assert set(run.stdout.split()) == set(found)
    for name, found_in in found.items():
        where = importlib.import_module(module_of(name, found_in))
        assert getattr(module, name) is getattr(where, name, where)


@pytest.mark.parametrize("package", [ag, nn])
def test_a_package_lists_what_it_exports(package):
    assert set(package.__all__) <= set(dir(package))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        package.nothing  # noqa: B018


def test_both_packages_import_light():
    code = (
        "import sys, numpy, autograd_lite, nn;"
        "print([m for m in ('sympy', 'sklearn', 'matplotlib', 'rich', 'graphviz', 'pygraphviz',"
        "'scipy', 'torch', 'dask', 'distributed', 'pandas', 'pyarrow') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_both_packages_are_typed():
    assert (ROOT / "autograd_lite" / "py.typed").exists()
    assert (ROOT / "nn" / "py.typed").exists()


# What every module of a kind defines: a subcommand, a document, a table of what has a name.
INTERFACES = {"add_to", "run", "DOCUMENT", "BY_HAND", "BY_NAME"}


def defined(tree: ast.Module) -> set[str]:
    """The names that a module defines at its top level."""
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            parts = [part for t in targets for part in getattr(t, "elts", [t])]
            names |= {part.id for part in parts if isinstance(part, ast.Name)}
    return {name for name in names if not name.startswith("__")} - INTERFACES


@pytest.mark.parametrize("package", ["autograd_lite", "nn"])
def test_a_name_is_defined_once_in_a_package(package):
    homes: dict[str, list[str]] = {}
    for module, tree in TREES.items():
        if module.split(".")[0] == package:
            for name in defined(tree):
                homes.setdefault(name, []).append(module)
    assert {name: modules for name, modules in homes.items() if len(modules) > 1} == {}


BRANCHES = (ast.If, ast.IfExp, ast.For, ast.While, ast.ExceptHandler, ast.match_case)


def branches(function: ast.FunctionDef) -> int:
    """The places in a function where it may go one way or another; inner functions count."""
    count = 0
    for node in ast.walk(function):
        if isinstance(node, ast.comprehension):
            count += 1 + len(node.ifs)
        elif isinstance(node, ast.BoolOp):
            count += len(node.values) - 1
        else:
            count += isinstance(node, BRANCHES)
    return count


@pytest.mark.parametrize("module", FILES)
def test_a_function_has_at_most_twenty_branches(module):
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.FunctionDef):
            assert branches(node) <= 20, node.name


def test_branches_are_counted():
    text = "def f(x):\n    return [y for y in x if y and y > 1] if x else x or 0"
    assert branches(ast.parse(text).body[0]) == 5


@pytest.mark.parametrize("module", [m for m in FILES if m.startswith("autograd_lite.compiler.")])
def test_the_compiler_edits_no_source_text(module):
    """It emits the right text in the first place, and looks for no pattern in what it wrote."""
    names = {n.id for n in ast.walk(TREES[module]) if isinstance(n, ast.Name)}
    attributes = {n.attr for n in ast.walk(TREES[module]) if isinstance(n, ast.Attribute)}
    assert not names & {"re", "tokenize"}
    assert not attributes & {"replace", "split", "splitlines", "sub", "find"}
