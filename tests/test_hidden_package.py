"""A module `nn` of the user's own in front of the package: noticed where it can be."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import autograd_lite as ag
from nn.cli import command

ROOT = os.path.dirname(os.path.dirname(ag.__file__))


def run(folder, program):
    """A program in a file, run as users run it; standard output and standard error."""
    (folder / "mine.py").write_text(program)
    done = subprocess.run(
        [sys.executable, str(folder / "mine.py")],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": ROOT},
    )
    return done.stdout, done.stderr


def own(folder, kind):
    """A module nn of one of the kinds there are; its file."""
    path = folder / {"module": "nn.py", "package": "nn/__init__.py", "folder": "nn/data.txt"}[kind]
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine = True\n")
    return path


@pytest.mark.parametrize("kind", ["module", "package"])
@pytest.mark.parametrize("first", ["", "import nn; "])
def test_it_is_said_with_the_users_own_line(tmp_path, kind, first):
    path = own(tmp_path, kind)
    out, err = run(tmp_path, f"{first}import autograd_lite\nimport nn\nprint(nn.mine)")
    assert out == "True\n"
    assert f"mine.py:1: UserWarning: {path} hides the package nn of autograd-lite" in err
    assert "Rename it" in err


def test_nothing_is_said_where_nothing_is_hidden(tmp_path):
    program = "import autograd_lite\nimport nn\nprint(nn.Network.__name__)"
    assert run(tmp_path, program) == ("Network\n", "")
    own(tmp_path, "folder")  # a folder without __init__.py stands behind a package
    assert run(tmp_path, program) == ("Network\n", "")
    made = "import importlib.machinery, sys, types; sys.modules['nn'] = nn = types.ModuleType('nn')"
    for spec in ("None", "importlib.machinery.ModuleSpec('nn', None)"):
        assert run(tmp_path, f"{made}\nnn.__spec__ = {spec}\nimport autograd_lite") == ("", "")


def test_compare_says_which_one_a_file_imports(tmp_path, capsys):
    (tmp_path / "mine.py").write_text("import nn\ngradients = nn.Network\n")
    path = own(tmp_path, "module")
    command.main(["compare", str(tmp_path / "mine.py")])
    note = f"note: `import nn` finds the package of autograd-lite here, not {path}\n"
    assert capsys.readouterr().err.startswith(note)
