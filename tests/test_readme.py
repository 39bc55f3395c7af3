"""The numbers and names that README, its further pages and pyproject.toml state, counted again."""

from __future__ import annotations

import pkgutil
import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

import autograd_lite as ag
import nn
from benchmarks import size
from nn import documents

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / ".github" / "how").glob("*.md"))]
SAID = " ".join(" ".join(page.read_text(encoding="utf-8") for page in PAGES).split())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ENTRIES = [e for number in documents.NUMBERS for e in documents.document(number).entries]


def stated(pattern: str) -> list[int]:
    """The numbers in the sentences of this form, which all state the same."""
    (found,) = {found.groups() for found in re.finditer(pattern, SAID)}
    return [int(number.replace(",", "")) for number in found]


def test_lines_of_the_engine_and_of_the_rules():
    engine, rules = stated(r"The engine is about ([\d,]+) lines of code, (\d+) of them the rules")
    counted = sum(size.lines(ROOT / "autograd_lite" / f"{name}.py") for name in size.ENGINE)
    assert engine == round(counted / 50) * 50
    assert rules == round(size.lines(ROOT / "autograd_lite" / "rules.py"), -1)


def test_what_counts_as_a_line(tmp_path):
    file = tmp_path / "a.py"
    file.write_text(
        '"""Prose,\nmore."""\n\n# why\nx = 1\n\n\ndef f():\n    """Prose."""\n    return 2\n'
    )
    assert size.lines(file) == 3


def test_entries_of_the_documents_and_their_verdicts():
    verdicts = Counter(entry.verdict for entry in ENTRIES)
    pattern = (
        r"formula by formula: (\d+) entries.*? (\d+) hold, (\d+) by definition, "
        r"(\d+) are misprints, (\d+) use something undefined, (\d+) claims are false, "
        r"(\d+) are conventions.*? "
        r"(\d+) of the wrong ones are silent"
    )
    kinds = ("holds", "definition", "misprint", "undefined", "false", "convention")
    silent = sum(entry.silent for entry in ENTRIES)
    assert stated(pattern) == [len(ENTRIES), *(verdicts[kind] for kind in kinds), silent]
    assert sum(verdicts.values()) == sum(verdicts[kind] for kind in kinds)
    by_hand = sum(bool(entry.by_hand) for entry in ENTRIES)
    pattern = r"notes: (\d+) formulas are read as they are printed, and (\d+) have their meaning"
    assert stated(pattern) == [len(ENTRIES) - by_hand, by_hand]
    assert "Five published derivations" in SAID
    assert len(documents.NUMBERS) == 5


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_file_that_is_pointed_to_is_there(page):
    text = page.read_text(encoding="utf-8")
    for link, picture in re.findall(r'\]\(([^)#:]+)[^)]*\)|src="([^"]+)"', text):
        assert (page.parent / (link or picture)).exists(), link or picture
    for module in re.findall(r"python -m (benchmarks[\w.]*)", text):
        path = ROOT.joinpath(*module.split("."))
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module


def test_every_path_and_name_in_contributing_is_there():
    text = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
    words = set(re.findall(r"`([^`\n]+)`", text.replace("```", "")))
    paths = {word for word in words if re.fullmatch(r"[\w.]+/[\w./]*", word)}
    names = {word for word in words if re.fullmatch(r"[A-Z][A-Z_]+", word)}
    public = {word for word in words if re.fullmatch(r"(ag|nn)(\.\w+)+", word)}
    assert len(paths) > 15
    for path in paths:
        assert (ROOT / path).exists(), path
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("autograd_lite", "nn", "tests", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
    )
    for name in names:
        assert re.search(rf"^{name}\b.* = ", code, re.MULTILINE), name
    for name in public:
        assert callable(pkgutil.resolve_name(name.replace("ag.", "autograd_lite."))), name


def test_one_version():
    assert nn.__version__ == ag.__version__
    assert re.fullmatch(r"\d+\.\d+\.\d+", ag.__version__)
    assert PROJECT["dynamic"] == ["version"]
    changes = (ROOT / ".github" / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"\n## {ag.__version__}\n" in changes


def test_every_requirement_has_a_lowest_version_to_be_tested():
    extras = PROJECT["optional-dependencies"]
    named = PROJECT["dependencies"] + [r for e, rs in extras.items() if e != "bench" for r in rs]
    own = f"{PROJECT['name']}["
    listed = subprocess.check_output([sys.executable, ROOT / ".ci" / "lowest"], text=True)
    lowest = [re.sub(r"(\[.*\])?>=", "==", r) for r in named if not r.startswith(own)]
    assert listed.split() == lowest


@pytest.mark.parametrize("command", [1, 2])
def test_both_commands_make_their_own_environment(command):
    text = subprocess.check_output(
        [sys.executable, ROOT / ".ci" / "readme_command", str(command)], text=True
    )
    assert text.startswith("python3 -m venv .venv && . .venv/bin/activate &&\npip install ")
