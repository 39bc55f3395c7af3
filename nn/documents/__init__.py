"""The five documents, formula by formula, each checked against the tape by `check`.

Each document is a note, `document_NNN.md`, in the order of its pages, to be read beside them: its
forward pass, then every formula as it is printed, its verdict, and, if it fails, the form that
holds and why. `ag.check_derivation` reads and judges them; `notes` says how a note is laid out.
What cannot be read has, for a reason that stands beside it, a meaning by hand: another formula, or
an `Entry` in `document_NNN.py`, where the document's procedure is run, too. Broadcasting, which no
document writes, is an error. `declarations` compares what the notes declare.

    holds        right on every network that was tried
    definition   it says what its letters stand for, and holds by that
    misprint     as printed it does not conform, or is wrong; the corrected form holds
    undefined    it uses a symbol or an index that does not exist
    false        a claim that a counterexample refutes
    convention   right where it stands, at odds with another place or document
    error        could not be judged (a formula that raises, or gives nan); says why

A wrong formula is `silent` if it conforms on some network and is wrong there, so that only a
comparison shows it. `damaged` marks errors that are plainly the transcription's, not the author's.

The judge of a formula that is read is the tape; of an entry, the tape and, as a second opinion on
it, central differences. An entry's formula gets a pass `v` in plain NumPy: the values that the
document's forward pass keeps, `v.W[l]`, `v.Z[l]`, `v.A[l]`; `v.L`, `v.m`, `v.n[l]`, `v.g_prime[l]`;
and numerical derivatives, `v.d("J", "A2")`, for those on a right-hand side.

Formulas of your own are checked in the same way, here a right one and a wrong one:

>>> import numpy as np
>>> from nn.documents import Document, Entry, check
>>> mine = Document("mine", "Bias and weights, one line each", [
...     Entry("b", "∂J/∂b = ∂J/∂Z 1", equals="∂J/∂b{l}",
...           formula=lambda v, l: v.d("J", f"Z{l}") @ np.ones((v.m, 1))),
...     Entry("W", "∂J/∂W = ∂J/∂Z A", equals="∂J/∂W{l}",
...           formula=lambda v, l: v.d("J", f"Z{l}") @ v.A[l - 1]),
... ])
>>> for result in check(mine, networks=12):
...     print(result.label, result.verdict, result.shapes)
b holds of 33: 33 right
W false of 33: 2 right; 1 wrong; 30 nonconforming, such as (4, 3) @ (2, 3): 3 ≠ 2
"""

from .checker import (
    NUMBERS,
    Document,
    Entry,
    Result,
    Setting,
    check,
    check_document,
    document,
)
from .notes import Reading
from .passes import Pass
from .standard import ACTIVATIONS, LOSSES, columns, hidden, layers, logistic, matrix, networks, once
from .strict import NotConforming, Strict, Undefined, strict

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "NUMBERS",
    "Document",
    "Entry",
    "NotConforming",
    "Pass",
    "Reading",
    "Result",
    "Setting",
    "Strict",
    "Undefined",
    "check",
    "check_document",
    "columns",
    "document",
    "hidden",
    "layers",
    "logistic",
    "matrix",
    "networks",
    "once",
    "strict",
]
