"""Every verdict of every document again, on networks of another generator than recorded it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import documents as benchmark
from nn import documents

NETWORKS = {"000": 21, "001": 18, "002": 21, "003": 14, "004": 21}
ENTRIES = [
    (number, entry.label)
    for number in documents.NUMBERS
    for entry in documents.document(number).entries
]


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


SCRIPT = re.compile(r"[_^](?:\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}|.)")
RELATION = re.compile(r"=|>|\\in\b|\\neq")


def statements(text):
    """How many relations its formulas have, apart from those in their subscripts: Σ_{i=1}."""
    formulas = re.findall(r"\$\$?(.+?)\$\$?", text, re.DOTALL)
    return sum(len(RELATION.findall(SCRIPT.sub("", formula))) for formula in formulas)


def test_the_inventory_of_each_section():
    """Statements printed there, which were counted on the pages; statements and entries here.

    Where there are fewer than printed, the line says what has no entry.
    """
    lines = (Path(__file__).parent / "document_sections.txt").read_text("utf-8").splitlines()
    rows = [line.split(" | ") for line in lines]
    starts = [ENTRIES.index((number, first)) for number, _, first, *_ in rows]
    assert starts[0] == 0
    for row, start, end in zip(rows, starts, [*starts[1:], len(ENTRIES)], strict=True):
        number, section, _, printed, *here = row[:6]
        entries = [documents.document(number).entry(label) for _, label in ENTRIES[start:end]]
        stated = sum(statements(entry.reading.printed) for entry in entries)
        assert [str(stated), str(len(entries))] == here, (number, section)
        assert (int(printed) > stated) == (len(row) == 7), (number, section)


def test_what_counts_as_a_statement():
    assert statements(r"where $a = b = c$ and $x \in \mathbb{R}^n$") == 3
    assert statements(r"$$ \sum_{i=1}^{n^{[l=1]}} x_i $$ is 1, $x_{p_{q=1}} \neq 0$") == 1


def test_what_is_read_and_what_is_not():
    entries = [documents.document(number).entry(label) for number, label in ENTRIES]
    for entry in entries:
        assert entry.reading is not None
        assert bool(entry.by_hand) == (entry.formula is not None or bool(entry.reading.meaning))
        assert entry.formula is None or not entry.reading.meaning
    assert sum(not entry.by_hand for entry in entries) >= 330


@pytest.mark.long
@pytest.mark.parametrize("number", documents.NUMBERS)
def test_no_formula_holds_because_nothing_depends_on_anything(number):
    for entry in documents.document(number).entries:
        if entry.formula is None and entry.verdict in ("holds", "convention"):
            judged = entry.reading.judged(entry.reading.meaning or entry.reading.printed)
            remarks = {remark for claim in judged.claims for remark in claim.remarks}
            assert "both sides are 0 wherever this was tried" not in remarks, entry.label


@pytest.mark.long
@pytest.mark.parametrize("number", documents.NUMBERS)
def test_every_verdict_is_found_again(number):
    """All entries of a document in one test, as they are judged in one go."""
    rng = np.random.Generator(np.random.MT19937(9000 + int(number)))
    entries = documents.document(number).entries
    results = documents.check(number, rng, networks=NETWORKS[number])
    wrong = {
        entry.label: said
        for entry, found in zip(entries, results, strict=True)
        if (said := list(problems(entry, found)))
    }
    assert wrong == {}


def problems(entry, found):
    """What is not as it is recorded, or not exact."""
    assert found.label == entry.label
    if (found.verdict, found.silent) != (entry.verdict, entry.silent):
        yield f"{found.verdict}, silent {found.silent}: {found.shapes}"
    if found.judges_error >= 1e-5:
        yield f"central differences are off by {found.judges_error}"
    if entry.verdict in ("holds", "convention") and (found.printed_error or 0) > 1e-10:
        yield f"off by {found.printed_error} as printed"
    if entry.corrected_latex and (found.corrected_error or 0) > 1e-10:
        yield f"off by {found.corrected_error} as corrected"
    if entry.corrected_latex and not found.corrected:
        yield "no right form"


@pytest.mark.parametrize(("number", "label"), ENTRIES)
def test_what_an_entry_says(number, label):
    entry = documents.document(number).entry(label)
    if entry.verdict not in ("holds", "definition"):
        assert entry.why
    for latex in (entry.printed_latex, entry.corrected_latex):
        assert latex.count("{") == latex.count("}")
        assert latex.count(r"\begin") == latex.count(r"\end")
        assert "⟦" not in latex
    assert entry.printed_latex
    for other in (entry.reading.right, entry.reading.elsewhere, entry.reading.meaning):
        assert not other or entry.formula or "$" in other


@pytest.mark.parametrize(
    ("label", "change", "same"),
    [
        ("∂z1[3]/∂W1,1[3]", ("+ b_{1}", "- b_{1}"), True),  # of which the derivative is 0
        ("∂z1[3]/∂W1,1[3]", ("a_{1}^{[2]} +", "a_{2}^{[2]} +"), False),
        ("∂ℒ/∂b1[2]", (r"\partial z_{1}", r"\partial b_{1}"), True),
        ("∂ℒ/∂b1[2]", (r"\partial z_{1}", r"\partial z_{2}"), False),
        ("ŷ", (r"\hat{y}", "v"), False),  # which defines v
    ],
)
def test_a_change_that_means_the_same(label, change, same):
    reading = documents.document("003").entry(label).reading
    changed = reading.printed.replace(*change)
    assert changed != reading.printed
    assert benchmark.means_the_same(reading, changed) == same


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": "undefined"},
        {"silent": True},
        {"judges_error": 1e-3},
        {"printed_error": 1e-3},
    ],
)
def test_a_problem_is_noticed(changes):
    """The judge of the test of every verdict, with something wrong."""
    entry = next(e for e in documents.document("002").entries if e.verdict == "holds")
    (found,) = [r for r in documents.check("002", networks=2) if r.label == entry.label]
    assert list(problems(entry, found)) == []
    assert len(list(problems(entry, replace(found, **changes)))) == 1
