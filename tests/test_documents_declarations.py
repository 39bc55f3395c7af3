"""What notes declare, compared: a planted conflict of each kind is found, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from nn import documents
from nn.documents.declarations import conflicts, declared

pytestmark = pytest.mark.long

COLUMNS = r"""---
title: Columns
about: a network
A_j: column
---
# The network

$X \in \mathbb{R}^{n_0 \times m}$, $Y \in \mathbb{R}^{n_L \times m}$

For $l = 1, \dots, L$: $W^{[l]} \in \mathbb{R}^{n_l \times n_{l-1}}$, $b^{[l]} \in \mathbb{R}^{n_l}$

$$ Z^{[l]} = W^{[l]} A^{[l-1]} + b^{[l]} 1_{1 \times m}, \quad A^{[l]} = \tanh(Z^{[l]}), \quad
   A^{[0]} = X, \quad J = \frac{1}{2m} \|A^{[L]} - Y\|_F^2 $$
$$ H^{[l]} = \frac{\partial J}{\partial Z^{[l]}}, \quad \delta = A^{[L]} - Y $$

## W

$$ \frac{\partial J}{\partial W^{[l]}} = H^{[l]} {A^{[l-1]}}^T, \quad H^{[l]} =
   \frac{\partial J}{\partial A^{[l]}} \circ \tanh'(Z^{[l]}) $$
"""
ROWS = (
    COLUMNS.replace(r"n_0 \times m", r"m \times n_0")
    .replace(r"n_L \times m", r"m \times n_L")
    .replace(r"n_l \times n_{l-1}", r"n_{l-1} \times n_l")
    .replace(r"b^{[l]} \in \mathbb{R}^{n_l}", r"b^{[l]} \in \mathbb{R}^{1 \times n_l}")
    .replace("W^{[l]} A^{[l-1]} + b^{[l]} 1_{1", "A^{[l-1]} W^{[l]} + 1_{m")
    .replace(r"m \times m}", r"m \times 1} b^{[l]}")
)
PLANTED = {
    "letter of weights": [("W", "V")],
    "letter of sums": [("Z", "S")],
    "letter of the cost": [("J", "C")],
    "letter of labels": [("Y", "T")],
    "letter of the number of samples": [(r"\times m", r"\times N"), ("2m", "2N")],
    "letter of ∂the cost/∂sums": [("H", "G")],
    "transpose": [("}}^T", "}}^t")],
    "elementwise product": [(r"\circ", r"\odot")],
    "number of a layer": [("^{[l]}", "^{(l)}"), ("^{[l-1]}", "^{(l-1)}"), ("^{[L]}", "^{(L)}")],
    "`A_j`": [("A_j: column", "A_j: row")],
    "cost": [("{2m}", "{2}")],
    "first layer of weights": [("l = 1", "l = 2"), ("A^{[0]}", "A^{[1]}"), ("n_0", "n_1")],
}


def facts(one: str, other: str) -> set[str]:
    return {conflict.fact for conflict in conflicts({"one": one, "other": other})}


def changed(changes: list[tuple[str, str]]) -> str:
    note = COLUMNS
    for old, new in changes:
        assert old in note
        note = note.replace(old, new)
    return note


@pytest.mark.parametrize("fact", PLANTED)
def test_a_planted_conflict_is_found_and_nothing_else(fact):
    assert facts(COLUMNS, changed(PLANTED[fact])) == {fact}


def test_the_sign_of_an_error():
    found = facts(COLUMNS, changed([("A^{[L]} - Y", "Y - A^{[L]}")]))
    assert found == {"error", "meaning of δ"}


def test_the_layout():
    (conflict,) = conflicts({"one": COLUMNS, "other": ROWS})
    assert conflict.fact == "layout"
    assert conflict.found == {"one": "W A, samples are columns", "other": "A W, samples are rows"}


def test_notes_that_agree():
    """Other words, other letters for sizes, another activation: none of that is a convention."""
    other = changed([("n_", "d_"), ("tanh", "sin"), ("Columns", "Others"), ("## W", "## A claim")])
    assert facts(COLUMNS, other) == set()
    assert facts(COLUMNS, COLUMNS) == set()


def test_notes_of_another_kind():
    """They have no front matter and no sections for formulas."""
    names = ("deep_columns.md", "deep_rows.md")
    notes = {n: (Path(__file__).parent / "notes" / n).read_text("utf-8") for n in names}
    found = {conflict.fact: conflict.found for conflict in conflicts(notes)}
    assert found["layout"]["deep_rows.md"] == "A W, samples are rows"
    assert found["cost"] == dict(zip(names, ("mean over samples", "no mean"), strict=True))
    assert "first layer of weights" not in found


def test_what_only_one_note_declares_is_no_conflict():
    assert "letter of ∂the cost/∂sums" in declared(COLUMNS)
    shorter = changed([("$$ H^{[l]} = \\frac{\\partial J}{\\partial Z^{[l]}}, \\quad", "$$")])
    assert facts(COLUMNS, shorter) == set()


def test_conflicts_of_the_documents():
    notes = {number: documents.document(number).note for number in documents.NUMBERS}
    found = {conflict.fact: conflict.found for conflict in conflicts(notes)}
    assert set(found) == {
        "`W_j`", "transpose", "elementwise product", "number of a layer", "layout", "cost",
        "letter of the number of samples", "letter of the cost", "letter of labels", "error",
        "letter of ∂the cost/∂activations", "letter of ∂the cost/∂sums", "meaning of δ",
        "first layer of weights",
    }  # fmt: skip
    assert {n for n, x in found["layout"].items() if x == "A W, samples are rows"} == {"003"}
    assert {n for n, x in found["first layer of weights"].items() if x == "2"} == {"004"}
    assert {n for n, x in found["transpose"].items() if x == "Aᵗ"} == {"001", "004"}
    assert {n for n, x in found["error"].items() if x == "labels − activations"} == {"004"}
    assert {n for n, x in found["cost"].items() if x == "no mean"} == {"002", "003", "004"}
    assert found["`W_j`"] == {"000": "row", "003": "column"}
    assert found["letter of labels"]["001"] == "T"
