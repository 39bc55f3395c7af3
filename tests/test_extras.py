"""Optional libraries: a missing one and a broken one are told apart, in one line each."""

from __future__ import annotations

import io
import pathlib
import sys
import tempfile

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.extras import needed
from autograd_lite.views import rendering
from nn import progress, report
from nn.cli import command

BROKEN = {
    "an ImportError": "raise ImportError('cannot import name x')",
    "a library it needs": "import no_such_library_below",
    "another binary interface": "raise ValueError('size\\nchanged')",
    "a shared library": "raise OSError('libx.so: no such file')",
}


def cost():
    x = ag.Tensor([1.0, 2.0], requires_grad=True, name="x")
    return np.sum(x * x).named("J")


def large_table():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "t.csv")
        path.write_text("a,y\n1,2\n3,4\n")
        return nn.datasets.csv(path, "y", in_memory=1)


USES = {
    "dask": ("big", large_table),
    "pandas": ("big", lambda: nn.datasets.parquet(__file__, "y")),
    "sympy": ("derive", lambda: ag.derive(cost())),
    "sklearn": ("data", nn.datasets.iris),
    "matplotlib": ("plot", lambda: nn.plots.history(nn.History())),
    "fontTools": ("report", lambda: report.page(None)),
    "latex2mathml": ("report", lambda: report.page(None)),
    "ziamath": ("report", lambda: report.page(None)),
}


def without(monkeypatch, library):
    """Nothing of a library is loaded any more."""
    for name in list(sys.modules):
        if name.partition(".")[0] == library:
            monkeypatch.delitem(sys.modules, name)


def broken(monkeypatch, tmp_path, library, text):
    """A library that stands in the way of the real one, and fails."""
    without(monkeypatch, library)
    (tmp_path / f"{library}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


@pytest.fixture
def rest_installed(monkeypatch):
    """The report asks for many libraries at once: only the one in question is to fail."""

    def leave(library):
        monkeypatch.setattr(report, "LIBRARIES", {library: library})
        monkeypatch.setattr(report.shutil, "which", lambda name: "/usr/bin/dot")

    return leave


@pytest.mark.parametrize("library", USES)
def test_a_missing_library_is_one_command(library, monkeypatch, rest_installed):
    rest_installed(library)
    extra, use = USES[library]
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError) as caught:
        use()
    assert str(caught.value).endswith(f': pip install "autograd-lite[{extra}]"')
    assert "installed, but" not in str(caught.value)


@pytest.mark.parametrize("failure", BROKEN)
@pytest.mark.parametrize("library", USES)
def test_a_broken_library_is_not_called_missing(
    library, failure, monkeypatch, tmp_path, rest_installed
):
    rest_installed(library)
    extra, use = USES[library]
    broken(monkeypatch, tmp_path, library, BROKEN[failure])
    with pytest.raises(ImportError) as caught:
        use()
    said = str(caught.value)
    assert said.startswith(f"{library} is installed, but fails to import (")
    assert any(word in said for word in ("name x", "no_such_library_below", "size ch", "libx.so"))
    assert said.endswith(f'pip install --force-reinstall "autograd-lite[{extra}]"')
    assert "\n" not in said


def test_a_warning_of_a_library_is_no_failure(monkeypatch, tmp_path):
    broken(monkeypatch, tmp_path, "library_that_warns", "import warnings; warnings.warn('old')")
    assert needed("library_that_warns", "a test needs it", "test") is sys.modules.pop(
        "library_that_warns"
    )


def test_the_command_line_says_it_in_one_line(monkeypatch, tmp_path, capsys):
    broken(monkeypatch, tmp_path, "sklearn", BROKEN["another binary interface"])
    assert command.main(["train", "--data", "iris", "--epochs", "1"]) == 2
    said = capsys.readouterr().err
    assert "sklearn is installed, but fails to import (ValueError: size changed)" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("failure", BROKEN)
def test_a_broken_pygraphviz(failure, monkeypatch, tmp_path):
    broken(monkeypatch, tmp_path, "pygraphviz", BROKEN[failure])
    monkeypatch.setenv("PATH", "")
    with pytest.raises(rendering.RenderingError) as caught:
        ag.draw(cost()).save(tmp_path / "g.svg")
    assert "pygraphviz is installed, but fails to import (" in str(caught.value)
    assert not (tmp_path / "g.svg").exists()


def test_a_missing_rich_is_done_without_and_a_broken_one_is_said(monkeypatch, tmp_path):
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "rich", None)
        assert not progress.has_rich()
    assert screen.getvalue() == ""
    broken(monkeypatch, tmp_path, "rich", BROKEN["an ImportError"])
    assert not progress.has_rich()
    assert "rich is installed, but fails to import (ImportError: cannot" in screen.getvalue()
