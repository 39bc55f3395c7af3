"""The table of what others can do is made by trying."""

from __future__ import annotations

from types import ModuleType

import pytest

import autograd_lite as ag
from benchmarks import peers

CANNOT = {peers.COMPLEX: "no", peers.BATCHED: "–", peers.DEVICE: "–"}


@pytest.mark.parametrize("capability", peers.TRIALS)
def test_this_project_is_tried_like_the_others(capability):
    assert peers.cell(ag, peers.TRIALS[capability]) == CANNOT.get(capability, "yes")


def test_a_cell_is_what_trying_gives():
    library = ModuleType("library")
    for tried, said in ((lambda _: True, "yes"), (lambda _: False, "no"), (lambda _: 1 / 0, "no")):
        assert peers.cell(library, {"library": tried}) == said
    assert peers.cell(library, {"another": lambda _: True}) == "–"


@pytest.mark.parametrize("name", peers.PEERS[1:])
def test_a_check_is_silent_about_what_is_right(name, monkeypatch):
    tries = peers.TRIALS[peers.RULE]
    if name not in tries:
        pytest.skip("it has no such check")
    library = pytest.importorskip(name)
    assert tries[name](library)
    monkeypatch.setattr(peers, "wrong_backward", lambda dy, y: dy * (1 - y * y))
    assert tries[name](library) == ""


def test_the_table_has_a_row_for_each_capability():
    lines = peers.table([ag])
    assert lines[0] == "| | autograd-lite |"
    assert len(lines) == 2 + len(peers.TRIALS)
