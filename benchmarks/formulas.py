"""The formulas of the documents, read as they are printed: how many are, and with which verdict.

`python -m benchmarks.formulas 001 …` puts the printed formulas of each document after a preamble,
which declares its letters and defines its forward pass, and compares the verdicts of the note with
those of the documents' own check, whose formulas were written in Python by hand.

`python -m benchmarks.formulas --mutants 100` changes one token of a formula that holds, at random,
and counts after how many changes it still holds: each of these is printed, to be read.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from autograd_lite.diagnosis.drawings import HOLDS
from autograd_lite.diagnosis.notes import checked_note
from autograd_lite.formula.passages import note_of
from autograd_lite.formula.tokens import Lexer, TextSource
from nn import documents

BATCH = r"""---
broadcasting: none
---
$n^{[L]} = 1$, $X \in \mathbb{R}^{n^{[0]} \times m}$, $\vec y \in \mathbb{R}^{1 \times m}$,
$\alpha \in \mathbb R$
For $\ell = 1, \dots, L$: $W^{[\ell]} \in \mathbb{R}^{n^{[\ell]} \times n^{[\ell-1]}}$,
$\vec b^{[\ell]} \in \mathbb{R}^{n^{[\ell]}}$
$$Z^{[\ell]} = W^{[\ell]} A^{[\ell-1]} + \vec b^{[\ell]} 1_{1 \times m}, \quad
A^{[\ell]} = g^{[\ell]}(Z^{[\ell]}), \quad A^{[0]} = X, \quad G^{[\ell]}(z) = g^{[\ell]}(z)$$
$$\mathcal{J} = \frac1m \sum_{i=1}^m \mathcal{L}(a_1^{[L](i)}, y^{(i)})$$
"""
SINGLE = r"""---
broadcasting: none
---
$n^{[L]} = 1$, $\vec a^{[0]} \in \mathbb{R}^{n^{[0]}}$, $y \in \mathbb{R}$
For $\ell = 1, \dots, L$: $W^{[\ell]} \in \mathbb{R}^{n^{[\ell]} \times n^{[\ell-1]}}$,
$\vec b^{[\ell]} \in \mathbb{R}^{n^{[\ell]}}$
$$\vec z^{[\ell]} = W^{[\ell]} \vec a^{[\ell-1]} + \vec b^{[\ell]}, \quad
\vec a^{[\ell]} = g^{[\ell]}(\vec z^{[\ell]}), \quad w_{j,k}^{[\ell]} = W_{j,k}^{[\ell]}$$
$$\mathcal{L} = \ell(a_1^{[L]}, y)$$
"""
DOC_001 = r"""---
broadcasting: none
---
$X \in \mathbb{R}^{S_0 \times N}$, $T \in \mathbb{R}^{S_L \times N}$, $J_N = 1_{N \times 1}$,
$m = N$
For $l = 1, \dots, L$: $W^{(l)} \in \mathbb{R}^{S_l \times S_{l-1}}$, $b^{(l)} \in \mathbb{R}^{S_l}$
$$Z^{(l)} = W^{(l)} A^{(l-1)} + b^{(l)} J_N^t, \quad A^{(l)} = \sigma_l(Z^{(l)}),
\quad A^{(0)} = X$$
$$J = \frac1N \sum_{i=1}^N \mathcal{L}(t_i, a_i^{(L)}), \quad t_i = T e_i,
\quad a_i^{(L)} = A^{(L)} e_i$$
$$\Delta^{(l)} = \frac{\partial J}{\partial A^{(l)}},
\quad H^{(l)} = \frac{\partial J}{\partial Z^{(l)}}$$
"""
DOC_002 = r"""---
broadcasting: none
---
$L = 3$, $a^0 \in \mathbb{R}^{n_0}$, $y \in \mathbb{R}^{n_3}$
For $l = 1, \dots, L$: $W^l \in \mathbb{R}^{n_l \times n_{l-1}}$, $b^l \in \mathbb{R}^{n_l}$
$$z^l = W^l a^{l-1} + b^l, \quad a^l = \sigma(z^l), \quad C = \frac12 \|a^L - y\|^2$$
"""
DOC_003 = r"""---
broadcasting: none
W_j: column
---
$a^{[0]} \in \mathbb{R}^{1 \times 4}$, $y \in \mathbb{R}$,
$W^{[1]} \in \mathbb{R}^{4 \times 3}$, $b^{[1]} \in \mathbb{R}^{1 \times 3}$,
$W^{[2]} \in \mathbb{R}^{3 \times 2}$, $b^{[2]} \in \mathbb{R}^{1 \times 2}$,
$W^{[3]} \in \mathbb{R}^{2 \times 1}$, $b^{[3]} \in \mathbb{R}^{1 \times 1}$
$$z^{[1]} = a^{[0]} W^{[1]} + b^{[1]}, \quad a^{[1]} = g_h(z^{[1]}), \quad
z^{[2]} = a^{[1]} W^{[2]} + b^{[2]}, \quad a^{[2]} = g_h(z^{[2]}), \quad
z^{[3]} = a^{[2]} W^{[3]} + b^{[3]}, \quad a^{[3]} = g_o(z^{[3]}), \quad \hat y = a^{[3]}$$
$$g_h(z) = \sigma(z), \quad g_o(z) = \sigma(z), \quad
\mathcal{L} = -[(1 - y) \log(1 - \hat y) + y \log \hat y]$$
$$g^{[3a]} = \frac{\partial \mathcal{L}}{\partial a^{[3]}},
\quad g^{[3z]} = \frac{\partial \mathcal{L}}{\partial z^{[3]}}, \quad
g^{[3W]} = \frac{\partial \mathcal{L}}{\partial W^{[3]}}, \quad
g^{[2a]} = \frac{\partial \mathcal{L}}{\partial a^{[2]}},
\quad g^{[2z]} = \frac{\partial \mathcal{L}}{\partial z^{[2]}}, \quad
g^{[2W]} = \frac{\partial \mathcal{L}}{\partial W^{[2]}},
\quad g^{[2b]} = \frac{\partial \mathcal{L}}{\partial b^{[2]}}, \quad
g^{[1a]} = \frac{\partial \mathcal{L}}{\partial a^{[1]}},
\quad g^{[1z]} = \frac{\partial \mathcal{L}}{\partial z^{[1]}}, \quad
g^{[1w]} = \frac{\partial \mathcal{L}}{\partial W^{[1]}},
\quad g^{[1b]} = \frac{\partial \mathcal{L}}{\partial b^{[1]}}$$
"""
DOC_004 = r"""---
broadcasting: none
layout: denominator
w_j: column
---
$\vec a'' \in \mathbb{R}^{n''}$, $W' \in \mathbb{R}^{n' \times n''}$, $\vec b' \in \mathbb{R}^{n'}$,
$W \in \mathbb{R}^{n \times n'}$, $\vec b \in \mathbb{R}^{n}$, $\vec y \in \mathbb{R}^n$,
$\eta \in \mathbb{R}$
$$\vec z' = W' \vec a'' + \vec b', \quad \vec a' = \sigma(\vec z'), \quad
\vec z = W \vec a' + \vec b, \quad \vec a = \sigma(\vec z), \quad \vec\delta = \vec y - \vec a,
\quad
C = \frac12 \|\vec\delta\|^2$$
"""


@dataclass(frozen=True)
class Compared:
    """A printed formula: whether it was read, its verdict as a note, and the document's own."""

    document: str
    label: str
    text: str
    read: bool
    verdict: str
    expected: str
    said: str = ""

    @property
    def agrees(self) -> bool:
        """Whether both say that it holds, or both that it does not."""
        right = self.expected in ("holds", "convention")
        return self.verdict == HOLDS if right else self.verdict not in ("", HOLDS, "unread")


def preamble(number: str, label: str) -> str:
    """What a formula of a document needs to be judged."""
    if number == "000":
        return SINGLE if label.startswith(("2.3.1", "2.3.2")) else BATCH
    return {"001": DOC_001, "002": DOC_002, "003": DOC_003, "004": DOC_004}[number]


def compared(number: str) -> Iterator[Compared]:
    """Every formula of a document, in order."""
    for entry in documents.document(number).entries:
        if entry.printed_latex:
            verdict, said = judged(number, entry.label, entry.printed_latex)
            read = verdict != "unread"
            yield Compared(number, entry.label, entry.printed, read, verdict, entry.verdict, said)


_CHANGES: dict[str, tuple[str, ...]] = {
    "+": ("-",),
    "−": ("+",),
    "∘": ("+",),
    "⊙": ("+",),
    "×": ("+",),
    "ᵀ": ("{2}",),
    **dict.fromkeys("ijknp", tuple("ijknp")),
    "∑": (r"\prod",),
    "log": (r"\exp",),
    "σ": (r"\tanh",),
    "T": ("{-1}",),
    "t": ("{-1}",),
}
_LETTERS = "WAZHXYbazyJC"


def mutants(number: str, count: int, rng: np.random.Generator) -> Iterator[tuple[str, str, str]]:
    """The label, a formula with one token of its right side changed, and its verdict as a note."""
    entries = [
        e
        for e in documents.document(number).entries
        if "=" in e.printed_latex and judged(number, e.label, e.printed_latex)[0] == HOLDS
    ]
    while count and entries:
        entry = entries[rng.integers(len(entries))]
        changed = mutated(entry.printed_latex, rng)
        if changed is not None:
            count -= 1
            yield entry.label, changed, judged(number, entry.label, changed)[0]


def mutated(latex: str, rng: np.random.Generator) -> str | None:
    """The formula with one token after its first = changed."""
    tokens = Lexer(TextSource("formula", latex)).tokens()
    first = next(n for n, t in enumerate(tokens) if t.text == "=")
    at = tokens[rng.integers(first + 1, len(tokens))]
    others = [x for x in _CHANGES.get(at.text, ()) if x != at.text]
    if at.kind == "number" and at.text.isdigit():
        others = [str(int(at.text) + 1)]
    elif at.text in _LETTERS:
        others = [x for x in _LETTERS if x != at.text]
    if not others:
        return None
    new = others[rng.integers(len(others))]
    return f"{latex[: at.start]}{new} {latex[at.end :]}"


def judged(number: str, label: str, latex: str) -> tuple[str, str]:
    """The verdict on a formula after the preamble of its document, and what is said of it."""
    before = preamble(number, label)
    report = checked_note(note_of(f"{before}\n\n$$ {latex} $$\n", number, ".md"))
    line = before.count("\n") + 1
    claims = [c for c in report.claims if c.line > line]
    unread = [str(e) for e in report.unread if e.line > line]
    wrong = [c for c in claims if c.verdict != HOLDS]
    verdict = "unread" if unread else wrong[0].verdict if wrong else HOLDS if claims else ""
    return verdict, "; ".join(unread) or "; ".join(c.cause for c in wrong)


def main() -> int:
    """Print what differs, and the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("documents", nargs="*", default=documents.NUMBERS)
    parser.add_argument("--mutants", type=int, default=0, metavar="N")
    options = parser.parse_args()
    if options.mutants:
        return _mutants(options.documents, options.mutants)
    rows = [row for number in options.documents for row in compared(number)]
    for row in rows:
        if not row.agrees:
            print(f"{row.document} {row.label}: {row.text}\n    {row.verdict or 'states nothing'}, "
                  f"not {row.expected}: {' '.join(row.said.split())[:220]}")  # fmt: skip
    read, agreeing = sum(row.read for row in rows), sum(row.agrees for row in rows)
    print(f"{len(rows)} formulas, {read} read, {agreeing} with the documents' own verdict")
    return 0


def _mutants(numbers: Sequence[str], count: int) -> int:
    rng = np.random.default_rng(0)
    survivors = 0
    for number in numbers:
        for label, text, verdict in mutants(number, count, rng):
            if verdict == HOLDS:
                survivors += 1
                print(f"{number} {label} still holds: {text}")
    print(f"{count * len(numbers)} changes, {survivors} after which the formula still holds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
