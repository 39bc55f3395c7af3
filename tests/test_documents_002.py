"""Document 002: every verdict again, on networks of another generator, and its procedure, run."""

import numpy as np
import pytest

from nn import documents
from nn.documents import document_002 as module

LABELS = [entry.label for entry in module.DOCUMENT.entries]


@pytest.fixture(scope="module")
def results():
    rng = np.random.Generator(np.random.MT19937(9000))
    return {r.label: r for r in documents.check("002", rng, networks=21)}


def test_labels_are_unique():
    assert len(set(LABELS)) == len(LABELS)


@pytest.mark.parametrize("label", LABELS)
def test_entry(results, label):
    entry, found = module.DOCUMENT.entry(label), results[label]
    assert (found.verdict, found.silent) == (entry.verdict, entry.silent), found.shapes
    assert found.judges_error < 1e-5
    if entry.verdict in ("holds", "convention"):
        assert found.printed_error <= 1e-10
    else:
        assert entry.why
    if entry.corrected_formula:
        assert found.corrected_error <= 1e-10
        assert entry.corrected
        assert entry.corrected_latex
    for latex in (entry.printed_latex, entry.corrected_latex):
        assert latex.count("{") == latex.count("}")
        assert latex.count(r"\begin") == latex.count(r"\end")
    assert entry.printed_latex


def test_procedure_by_hand_and_by_the_tape():
    run = module.run(rng=1, updates=60)
    assert run.updates == 60
    assert run.agrees
    assert run.loss[1] < run.loss[0]


def test_chain_without_its_factor_conforms_for_equal_widths(results):
    assert "wrong" in results["chain b^1"].shapes
    assert "nonconforming" in results["chain b^1"].shapes
