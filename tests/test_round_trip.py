"""What `derive` prints is read back and holds: formulas and networks, in every notation."""

from __future__ import annotations

import functools
import textwrap

import numpy as np
import pytest
from closed_forms import ROWS, options

import autograd_lite as ag
import nn
from benchmarks.known_derivatives import ALL
from nn.documents.notations import NOTATIONS

NAMES = [f"{case.formula} by {case.wrt}, {case.options}" for case in ALL]
EVERY = {"plain": ag.Notation(), **NOTATIONS}
TALL = ("det(Xᵀ", "(Xᵀ C X)⁻¹")  # have an inverse where X is
OTHERS = [
    ("sum(A X)", "X", 1),
    ("tr(A ∘ B)", "A", 1),
    ("log(det(X))²", "X", 1),
    ("log det(Xᵀ X)", "X", 1),
    ("sum(x / y)", "x", 1),
    ("A X B", "X", 1),
    ("x xᵀ", "x", 1),
    ("X⁻¹", "X", 1),
    ("x − 1 1ᵀ x / n", "x", 1),
    ("exp(−‖x − y‖² / (2 σ²))", "x", 2),
    ("u = A x\nv = σ(u)\nvᵀ v", "x", 2),
    ("P = softmax(Q Kᵀ)\ntr(Gᵀ P V)", "Q", 1),
    (r"\frac{1}{2} \lVert A x - y \rVert^2", "x", 2),
]


@functools.cache
def judged(note, latex):
    """The report of a note: of plain text, or with each of its lines as a display in Markdown."""
    front, _, body = note.rpartition("---\n")
    front = f"{front}---\n" if front else ""
    lines = filter(None, body.splitlines())
    return ag.check_derivation(front + "\n\n".join(f"$$ {x} $$" for x in lines) if latex else note)


def written(notation, formula, wrt, **known):
    """What is printed of a formula, with its steps: as text, in LaTeX, and how much it claims."""
    d = ag.derive(formula, wrt, notation, steps=True, **known)
    (form,) = d.forms.values()
    text = str(d) + "\n"
    if any(part in formula for part in TALL):
        text = "{} ≥ {}\n".format(*d.shapes["X"]) + text
    in_latex = {str(line): line.latex for line in d.lines}
    in_latex[form.statement] = f"{form.claim or f'{form.lhs[1]} ='} {form.latex()}"
    latex = "".join(in_latex.get(x, x) + "\n" for x in text.splitlines())
    steps = [line for line in d.lines if line.kind == "gradient"]
    rewritten = any(line.kind == "value" for line in d.lines)  # J, in the names of parts
    return text, latex, len(steps) + rewritten + 1


def read_back(notation, formula, wrt, **known):
    *notes, claims = written(notation, formula, wrt, **known)
    for latex, note in enumerate(notes):
        report = judged(note, bool(latex))
        assert report, f"{note}\n{report}"
        assert len(report.claims) >= claims, note  # what `where` says may be said before
        assert report.passed == ("≥" in note.splitlines()[0]), note  # m ≥ n claims nothing


@pytest.mark.parametrize("n", range(len(ALL)), ids=NAMES)
def test_a_formula_is_read_back_in_one_notation(n):
    read_back([*EVERY][n % len(EVERY)], ALL[n].formula, ALL[n].wrt, **ALL[n].options)


@pytest.mark.parametrize("n", range(len(OTHERS)), ids=[case[0] for case in OTHERS])
def test_a_formula_of_no_table_is_read_back(n):
    formula, wrt, order = OTHERS[n]
    read_back([*EVERY][n % len(EVERY)], formula, wrt, order=order)


@pytest.mark.long
@pytest.mark.parametrize("case", ALL, ids=NAMES)
def test_a_formula_is_read_back_in_all_notations(case):
    for notation in EVERY:
        read_back(notation, case.formula, case.wrt, **case.options)


@pytest.mark.long
@pytest.mark.parametrize("row", ROWS)
def test_a_formula_of_the_other_table_is_read_back(row):
    notation = [*EVERY][sum(map(ord, row["formula"])) % len(EVERY)]
    read_back(notation, row["formula"], row["wrt"], **options(row))


def test_a_wrong_product_with_a_direction_is_found():
    text, *_ = written("plain", "A X B", "X")
    assert text.endswith("∂J/∂X V = A V B\n")
    (wrong,) = judged(text.replace("A V B\n", "A V B ∘ (A V B)\n"), False).claims
    assert wrong.verdict == "wrong"


@pytest.mark.parametrize("notation", EVERY.values(), ids=EVERY)
def test_a_change_in_what_is_printed_is_found(notation):
    *notes, claims = written(notation.name, "1/2 xᵀ A x", "x")
    for latex, note in enumerate(notes):
        *before, last = note.splitlines(keepends=True)
        wrong = last.replace("A" + notation.transpose[latex], "A")
        report = judged("".join([*before, wrong]), bool(latex))
        assert [claim.verdict for claim in report.claims] == ["holds"] * (claims - 1) + ["wrong"]


# Networks, in the letters of the documents

HEADS = {
    "plain": """
        n_3 = 1
        m = 7
        X ∈ ℝ^{n_0 × m}, Y ∈ ℝ^{n_3 × m}
        W1 ∈ ℝ^{n_1 × n_0}, W2 ∈ ℝ^{n_2 × n_1}, W3 ∈ ℝ^{n_3 × n_2}
        b1 ∈ ℝ^{n_1}, b2 ∈ ℝ^{n_2}, b3 ∈ ℝ^{n_3}
        Z1 = W1 X + b1 1ᵀ
        Z2 = W2 A1 + b2 1ᵀ
        Z3 = W3 A2 + b3 1ᵀ
        A1 = σ(Z1)
        A2 = σ(Z2)
        A3 = σ(Z3)
        J = −1/m sum(Y ∘ log(A3) + (1 − Y) ∘ log(1 − A3))""",
    "000": """
        n^[3] = 1
        A^[0] ∈ ℝ^{n^[0] × m}, y⃗ ∈ ℝ^{1 × m}
        for l = 1, …, 3
        W^[l] ∈ ℝ^{n^[l] × n^[l−1]}, b⃗^[l] ∈ ℝ^{n^[l]}
        Z^[l] = W^[l] A^[l−1] + b⃗^[l] 1_{1×m}
        A^[l] = G^[l](Z^[l])
        G^[l](z) = σ(z)
        𝓛 = −sum(y⃗ ∘ log(A^[3]) + (1 − y⃗) ∘ log(1 − A^[3]))
        𝓙 = 1/m 𝓛""",
    "001": """
        S_3 = 1
        A^(0) ∈ ℝ^{S_0 × N}, T ∈ ℝ^{S_3 × N}
        for l = 1, …, 3
        W^(l) ∈ ℝ^{S_l × S_{l−1}}, b^(l) ∈ ℝ^{S_l}
        J_N = 1_{N×1}
        Z^(l) = W^(l) A^(l−1) + b^(l) J_Nᵗ
        A^(l) = σ(Z^(l))
        J = −1/N sum(T ⊙ log(A^(3)) + (1 − T) ⊙ log(1 − A^(3)))
        Δ^(l) = ∂J/∂A^(l)
        H^(l) = ∂J/∂Z^(l)""",
    "002": """
        n_3 = 1
        a^0 ∈ ℝ^{n_0}, y ∈ ℝ^{n_3}
        for l = 1, …, 3
        W^l ∈ ℝ^{n_l × n_{l−1}}, b^l ∈ ℝ^{n_l}
        z^l = W^l a^{l−1} + b^l
        a^l = σ(z^l)
        C = 1/2 ‖a^3 − y‖²""",
    "003": """
        n_3 = 1
        a^[0] ∈ ℝ^{1 × n_0}, y ∈ ℝ
        for l = 1, …, 3
        W^[l] ∈ ℝ^{n_{l−1} × n_l}, b^[l] ∈ ℝ^{1 × n_l}
        z^[l] = a^[l−1] W^[l] + b^[l]
        a^[l] = σ(z^[l])
        g_h(z) = σ(z)
        g_o(z) = σ(z)
        ℒ = −(y log(a^[3]) + (1 − y) log(1 − a^[3]))
        g^[lW] = ∂ℒ/∂W^[l]
        g^[lb] = ∂ℒ/∂b^[l]
        g^[lz] = ∂ℒ/∂z^[l]
        g^[la] = ∂ℒ/∂a^[l]""",
    "004": """
        n_4 = 1
        a^1 ∈ ℝ^{n_1}, y ∈ ℝ^{n_4}
        for l = 2, …, 4
        W^l ∈ ℝ^{n_l × n_{l−1}}, b^l ∈ ℝ^{n_l}
        z^l = W^l a^{l−1} + b^l
        a^l = σ(z^l)
        C = 1/2 ‖y − a^4‖²""",
}


def derived_network(notation):
    """The derivation of a network of three layers, with the cost that the notation is for."""
    rng = np.random.default_rng(0)
    net = nn.Network([3, 4, 2, 1], activations=["sigmoid"] * 3, rng=0)
    m = 1 if notation.one_sample else 7
    f = net.forward(rng.normal(size=(3, m)))
    loss = nn.losses.BY_NAME[notation.loss or "binary_cross_entropy"]
    return ag.derive(loss(f.A[3], rng.integers(2, size=(1, m)) * 1.0), notation=notation)


@pytest.mark.parametrize("latex", [False, True])
@pytest.mark.parametrize("notation", EVERY.values(), ids=EVERY)
def test_a_network_is_read_back_in_the_letters_of_a_document(notation, latex):
    d = derived_network(notation)
    head = f"---\nbroadcasting: none\n---\n{textwrap.dedent(HEADS[notation.name]).lstrip()}\n"
    body = " ".join(d.latex().split()) if latex else "\n".join(map(str, d.lines))
    report = judged(f"{head}{body}\n", latex)
    assert report, str(report)
    assert len(report.claims) == len(d.lines)
    line, minus = (d.lines[-1].latex, "-") if latex else (str(d.lines[-1]), "−")
    wrong = judged(f"{head}{line.replace(' = ', f' = {minus}')}\n", latex)
    assert [claim.verdict for claim in wrong.claims] == ["wrong"]


@pytest.mark.parametrize(
    ("J", "slope"),
    [
        ("x^(2) + 1", "2 x"),
        ("x^(2)", "2 x"),
        ("x^(3) / 3", "x^2"),
        ("e^(a x) / 2", "a e^(a x)/2"),
        ("x^(a − 1) + 1", "(a − 1) x^{a − 2}"),
    ],
)
def test_a_power_in_brackets_is_no_number_of_a_layer(J, slope):
    for right, verdict in ((slope, "holds"), (f"2 ({slope})", "wrong")):
        (claim,) = judged(f"x > 0\na ∈ ℝ\nJ = {J}\n∂J/∂x = {right}\n", False).claims
        assert claim.verdict == verdict
