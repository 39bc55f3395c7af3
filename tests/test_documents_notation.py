"""The map between the five notations: every identity, on networks of another generator."""

from dataclasses import replace

import numpy as np
import pytest

from nn import documents
from nn.documents import notation
from nn.documents.notation import IDENTITIES, NOTATIONS
from nn.documents.passes import DifferencePass, TapePass

LABELS = [entry.label for entry in IDENTITIES.entries]


@pytest.fixture(scope="module")
def results():
    rng = np.random.Generator(np.random.MT19937(9999))
    return {r.label: r for r in documents.check(IDENTITIES, rng, networks=10)}


def test_every_document_has_its_identities():
    expected = {f"{d} {name}" for d in documents.NUMBERS for name in ("dA", "dZ", "dW", "db")}
    expected |= {f"{d} update {x}" for d in ("000", "002", "003", "004") for x in "Wb"}
    assert set(LABELS) == expected | {"001 δ", "004 δ"}


@pytest.mark.parametrize("label", LABELS)
def test_identity(results, label):
    found = results[label]
    assert found.verdict == "holds", found.shapes
    assert found.printed_error <= 1e-10


@pytest.mark.parametrize(
    ("document", "name", "change"),
    [
        ("000", "dZ", {"factor": "1"}),
        ("001", "dA", {"factor": "m"}),
        ("003", "dW", {"transposed": False}),
        ("004", "dZ", {"first": 0}),
        ("004", "δ", {"factor": "m"}),
    ],
)
def test_a_wrong_map_is_found(monkeypatch, document, name, change):
    n = NOTATIONS[document]
    if "factor" in change:
        letter = replace(n.letters[name], **change)
        wrong = replace(n, letters={**n.letters, name: letter})
    else:
        wrong = replace(n, **change)
    monkeypatch.setitem(NOTATIONS, document, wrong)
    if name == "δ":
        entry = notation.output_error(wrong, lambda v: v.Y - v.A[v.L])
    else:
        entry = notation.same(wrong, name)
    mine = documents.Document("mine", "", [entry])
    (found,) = documents.check(mine, np.random.default_rng(3), networks=7)
    assert found.verdict != "holds"


@pytest.mark.parametrize("n", NOTATIONS.values(), ids=list(NOTATIONS))
def test_there_and_back(n):
    X = np.arange(6.0).reshape(2, 3)
    for name in n.letters:
        there = n.value(name, X, m=3)
        assert there.shape == ((3, 2) if n.transposed else (2, 3))
        np.testing.assert_allclose(n.standard(name, there, m=3), X)


def test_letters_of_a_layer():
    assert [n.write("dZ", 2) for n in NOTATIONS.values()] == [
        "∂ℒ/∂Z[2]", "H(2)", "∂C/∂z^2", "g[2z]", "d_z^3 C",
    ]  # fmt: skip
    for n in NOTATIONS.values():
        assert {"Z", "A", "W", "b", "dZ", "dA", "dW", "db"} <= set(n.letters)
        for name in n.letters:
            latex = n.write(name, 1, latex=True)
            assert "ℓ" not in latex
            assert latex.count("{") == latex.count("}")
        assert n.update_latex.count("{") == n.update_latex.count("}")


def test_table_has_a_line_for_each_document():
    head, *lines = notation.table().splitlines()
    assert "∂J/∂Z" in head
    assert [line[:3] for line in lines] == list(documents.NUMBERS)
    assert "g[ℓz] = (m ∂J/∂Z[ℓ])ᵀ" in lines[3]


def test_central_differences_follow_a_steep_logarithm():
    """∂J/∂A of an output that is almost 0: two points, each 1e-5 away, would be 1e-5 off."""
    net = next(documents.networks(0, output=[("logistic", "cross-entropy")], depths=[1]))
    net.Y, net.b[1] = np.ones_like(net.Y), net.b[1] - 5.5
    tape, differences = (p(documents.columns, net) for p in (TapePass, DifferencePass))
    right = tape.d("J", "A1")
    assert np.abs(right).max() > 100
    np.testing.assert_allclose(differences.d("J", "A1"), right, rtol=2e-6)
