"""Every verdict of every document again, on networks of another generator than recorded it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nn import documents

NETWORKS = {"000": 21, "001": 18, "002": 21, "003": 14, "004": 21}
ENTRIES = [
    (number, entry.label)
    for number in documents.NUMBERS
    for entry in documents.document(number).entries
]


@pytest.fixture(scope="module")
def results():
    found = {}
    for number in documents.NUMBERS:
        rng = np.random.Generator(np.random.MT19937(9000 + int(number)))
        for result in documents.check(number, rng, networks=NETWORKS[number]):
            found[number, result.label] = result
    return found


def test_labels_are_unique():
    assert len(set(ENTRIES)) == len(ENTRIES)


def test_no_verdict_changes_unseen():
    """What the notes record, beside a list that is changed by hand."""
    lines = (Path(__file__).parent / "document_verdicts.txt").read_text("utf-8").splitlines()
    recorded = []
    for number, label in ENTRIES:
        entry = documents.document(number).entry(label)
        words = [entry.verdict, *["silent"] * entry.silent, *["damaged"] * entry.damaged]
        recorded.append(f"{number} | {label} | {', '.join(words)}")
    assert recorded == lines


def test_what_is_read_and_what_is_not():
    entries = [documents.document(number).entry(label) for number, label in ENTRIES]
    for entry in entries:
        assert entry.reading is not None
        assert bool(entry.by_hand) == (entry.formula is not None)
    assert sum(entry.formula is None for entry in entries) >= 330


def test_no_formula_holds_because_nothing_depends_on_anything():
    for number in documents.NUMBERS:
        for entry in documents.document(number).entries:
            if entry.formula is None and entry.verdict in ("holds", "convention"):
                judged = entry.reading.judged(entry.reading.printed)
                remarks = {remark for claim in judged.claims for remark in claim.remarks}
                assert "both sides are 0 wherever this was tried" not in remarks, entry.label


@pytest.mark.parametrize(("number", "label"), ENTRIES)
def test_entry(results, number, label):
    entry, found = documents.document(number).entry(label), results[number, label]
    assert (found.verdict, found.silent) == (entry.verdict, entry.silent), found.shapes
    assert found.judges_error < 1e-5
    if entry.verdict in ("holds", "convention") and found.printed_error is not None:
        assert found.printed_error <= 1e-10
    if entry.verdict not in ("holds", "definition"):
        assert entry.why
    if entry.corrected_latex and found.corrected_error is not None:
        assert found.corrected_error <= 1e-10
    if entry.corrected_latex:
        assert found.corrected
    for latex in (entry.printed_latex, entry.corrected_latex):
        assert latex.count("{") == latex.count("}")
        assert latex.count(r"\begin") == latex.count(r"\end")
        assert "⟦" not in latex
    assert entry.printed_latex
