"""Formulas with indices: their closed forms are those of the same formulas in matrices."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as ag
from autograd_lite.algebra.evaluation import evaluate
from autograd_lite.algebra.matrices import NoMatrix
from autograd_lite.algebra.notation import TEXT
from autograd_lite.algebra.tree import (
    Apply,
    Element,
    Index,
    Symbol,
    Total,
    all_parts,
    elementwise,
    number,
    only,
    product,
    transposed,
)
from autograd_lite.derivation import indices
from autograd_lite.derivation.formulas import FormulaOnTape
from autograd_lite.derivation.indices import without_indices
from autograd_lite.formula.shapes import settled

ROWS_OF_X, COLUMNS_OF_X = {"X": ("m", "n")}, {"X": ("n", "m")}
LOGISTIC = "−(yᵀ log(σ(X w)) + (1 − y)ᵀ log(1 − σ(X w)))"
# A formula with indices, a letter, the same formula in matrices, and shapes
TABLE = [
    ("Σ_i w_i^2", "w", "wᵀ w", None),
    ("Σ_i w_i³", "w", "sum(w ∘ w ∘ w)", None),
    ("Σ_i log(cosh(w_i))", "w", "sum(log(cosh(w)))", None),
    ("Σ_i log(cos(w_i))", "w", "sum(log(cos(w)))", None),
    ("Σ_i x_i y_i", "x", "xᵀ y", None),
    ("1/n Σ_{i=1}^n x_i y_i", "x", "1/n xᵀ y", {"x": ("n",)}),
    ("(Σ_i x_i)²", "x", "(1ᵀ x)²", {"x": ("n",)}),
    ("exp(−Σ_i x_i² / 2)", "x", "exp(−xᵀ x / 2)", None),
    ("√(Σ_i x_i²)", "x", "‖x‖", None),
    ("Σ_i |x_i|", "x", "‖x‖_1", None),
    ("Σ_i Σ_j A_{ij} x_i x_j", "x", "xᵀ A x", None),
    ("Σ_i Σ_j A_ij x_i y_j", "A", "xᵀ A y", None),
    ("Σ_i Σ_j A_ij B_ij", "A", "tr(Aᵀ B)", None),
    ("Σ_ij A_ij B_ji", "A", "tr(A B)", None),
    ("Σ_ij A_ij²", "A", "‖A‖²", None),
    ("Σ_ij exp(A_ij)", "A", "sum(exp(A))", None),
    ("Σ_i A_ii", "A", "tr(A)", None),
    ("Σ_i x_i A_ii", "A", "xᵀ diag(A)", None),
    ("Σ_i Σ_j δ_ij A_ij", "A", "tr(A)", None),
    ("Σ_i (Σ_j X_ij w_j − y_i)^2", "w", "‖X w − y‖²", None),
    ("Σ_i c_i (Σ_j A_ij x_j)²", "x", "cᵀ ((A x) ∘ (A x))", None),
    ("Σ_i (A x − b)_i²", "x", "‖A x − b‖²", None),
    ("1/m Σ_{i=1}^m (wᵀ x_i − y_i)^2", "w", "1/m ‖X w − y‖²", ROWS_OF_X),
    ("1/m Σ_{i=1}^m (wᵀ x^{(i)} − y^{(i)})^2", "w", "1/m ‖Xᵀ w − y‖²", COLUMNS_OF_X),
    ("1/m Σ_{i=1}^m (wᵀ x_i − y_i)^2", "w", "1/m ‖Xᵀ w − y‖²", COLUMNS_OF_X),
    ("1/(2m) Σ_{i=1}^m (Σ_{j=1}^n X_ij w_j − y_i)² + λ/2 Σ_{j=1}^n w_j²", "w",
     "1/(2m) ‖X w − y‖² + λ/2 ‖w‖²", ROWS_OF_X),
    ("Σ_i log(1+exp(−y_i x_iᵀ w))", "w", "sum(log(1 + exp(−y ∘ (X w))))", ROWS_OF_X),
    ("−Σ_i (y_i log σ(x_iᵀ w) + (1 − y_i) log(1 − σ(x_iᵀ w)))", "w", LOGISTIC, ROWS_OF_X),
    ("Σ_i max(0, 1 − y_i x_iᵀ w)", "w", "sum(max(0, 1 − y ∘ (X w)))", ROWS_OF_X),
    ("−Σ_i Σ_k y_ik log p_ik", "p", "−tr(yᵀ log(p))", {"y": ("n", "m"), "p": ("n", "m")}),
    ("Σ_n Σ_k (z_nk − log Σ_j exp z_nj) t_nk", "z", "tr(tᵀ (z − log(exp(z) 1) 1ᵀ))",
     {"z": ("n", "m"), "t": ("n", "m")}),
    ("Σ_i y_i (x_i − log Σ_j exp x_j)", "x", "yᵀ (x − log(sum(exp(x))) 1)", None),
    ("log Σ_i exp(x_i)", "x", "log(sum(exp(x)))", None),
    ("Σ_i x_i log(x_i / y_i)", "x", "xᵀ log(x / y)", None),
    ("Σ_i exp(x_i) / Σ_j exp(y_j)", "x", "sum(exp(x)) / sum(exp(y))", None),
    ("Σ_ij (Σ_k U_ik V_jk − R_ij)^2", "U", "‖U Vᵀ − R‖²", None),
    ("Σ_ij (Σ_k U_ik V_jk − R_ij)^2", "V", "‖U Vᵀ − R‖²", None),
    ("Σ_ij M_ij (Σ_k U_ik V_jk − R_ij)^2", "U", "sum(M ∘ (U Vᵀ − R) ∘ (U Vᵀ − R))", None),
    ("Σ_ijk A_ij B_jk C_ki", "A", "tr(A B C)", None),
    ("Σ_ijkl A_ij B_jk C_kl D_li", "B", "tr(A B C D)", None),
    ("Σ_i Σ_j Σ_k x_i A_ij B_jk y_k", "A", "xᵀ A B y", None),
    ("Σ_ijk c_k A_ik B_jk x_i y_j", "c", "cᵀ ((Aᵀ x) ∘ (Bᵀ y))", None),
    ("Σ_k (Σ_i A_ik x_i) (Σ_j B_jk y_j)", "x", "(Aᵀ x)ᵀ (Bᵀ y)", None),
    ("Σ_i ‖x_i − c‖²", "c", "‖X − 1 cᵀ‖²", ROWS_OF_X),
    ("Σ_i ‖W x_i − y_i‖²", "W", "‖X Wᵀ − Y‖²", {"X": ("m", "n"), "Y": ("m", "p")}),
    ("Σ_i x_iᵀ A x_i", "A", "tr(X A Xᵀ)", ROWS_OF_X),
    ("Σ_i a_i x_iᵀ w", "a", "aᵀ X w", ROWS_OF_X),
    ("Σ_ij a_i a_j x_iᵀ x_j", "a", "aᵀ X Xᵀ a", ROWS_OF_X),
    ("Σ_ij (x_i − x_j)²", "x", "sum((x 1ᵀ − 1 xᵀ) ∘ (x 1ᵀ − 1 xᵀ))", None),
    ("Σ_i Σ_j A_ij (x_i − y_j)²", "x", "sum(A ∘ (x 1ᵀ − 1 yᵀ) ∘ (x 1ᵀ − 1 yᵀ))", None),
    ("Σ_i a_i tanh(Σ_j W_ij x_j + b_i)", "W", "aᵀ tanh(W x + b)", None),
    ("Σ_i a_i tanh(Σ_j W_ij x_j + b_i)", "b", "aᵀ tanh(W x + b)", None),
    ("Σ_i a_i tanh(Σ_j W_ij x_j + b_i)", "x", "aᵀ tanh(W x + b)", None),
    ("w_1^2 + w_2", "w", "(e_1ᵀ w)² + e_2ᵀ w", {"w": ("n",)}),
    ("Σ_j A_{2,j} x_j", "x", "e_2ᵀ A x", None),
    (r"\sum_{i=1}^{n} w_i^2", "w", "wᵀ w", None),
    (r"\sum_i \log(\cosh(w_i))", "w", "sum(log(cosh(w)))", None),
    (r"\frac{1}{m} \sum_{i=1}^m (w^\top x_i - y_i)^2", "w", "1/m ‖X w − y‖²", ROWS_OF_X),
    (r"\frac{1}{m} \sum_{i=1}^m \left( w^\top x^{(i)} - y^{(i)} \right)^2", "w",
     "1/m ‖Xᵀ w − y‖²", COLUMNS_OF_X),
    (r"-\sum_{i=1}^m \left[ y_i \log \sigma(w^\top x_i) + (1 - y_i) \log (1 - \sigma(w^\top x_i)) "
     r"\right]", "w", LOGISTIC, ROWS_OF_X),
    (r"\sum_{i=1}^{n} \sum_{j=1}^{n} A_{ij} x_i x_j", "x", "xᵀ A x", None),
    (r"\sum_{i,j} \left( \sum_k U_{ik} V_{jk} - R_{ij} \right)^2", "U", "‖U Vᵀ − R‖²", None),
    (r"\sum_{i} \sum_{j} \sum_{k} A_{ij} B_{jk} C_{ki}", "B", "tr(A B C)", None),
    (r"-\sum_{n} \sum_{k} t_{nk} \log p_{nk}", "p", "−tr(tᵀ log(p))",
     {"t": ("n", "m"), "p": ("n", "m")}),
]  # fmt: skip
FORMULAS = [f"{formula} by {wrt}" for formula, wrt, *_ in TABLE]


def summed(e, *over):
    for index in over:
        e = Total(np.sum, index, e, e.shape)
    return e


@pytest.mark.parametrize(("formula", "wrt", "matrices", "shapes"), TABLE, ids=FORMULAS)
def test_the_closed_form_is_that_of_the_formula_in_matrices(formula, wrt, matrices, shapes):
    found = ag.derive(formula, wrt, shapes=shapes)
    expected = ag.derive(matrices, wrt, shapes=shapes)
    assert found.formula == expected.formula
    assert len(found.shape) == len(expected.shape)


@pytest.mark.parametrize(("formula", "wrt", "matrices", "shapes"), TABLE, ids=FORMULAS)
def test_its_value_is_what_central_differences_of_the_indices_give(formula, wrt, matrices, shapes):
    """The formula as it is read, element by element, at sizes that were drawn."""
    d = ag.derive(formula, wrt, shapes=shapes)
    on_tape = FormulaOnTape(formula, shapes, draw=1)
    meaning = settled(on_tape.entry.meaning)
    assert any(isinstance(x, Element) for x in all_parts(meaning))
    values = {name: t.data.copy() for name, t in on_tape.letters.items()}
    step = 1e-5 * np.random.default_rng(0).standard_normal(np.shape(values[wrt]))

    def value(x):
        arrays = values | {wrt: x}
        symbol = lambda s: arrays[s.label] if s.kind == "value" else size[s.label]
        return float(np.ravel(evaluate(meaning, symbol))[0])

    size = {letter: float(n) for n, letter in on_tape.sizes.items()}
    difference = (value(values[wrt] + step) - value(values[wrt] - step)) / 2
    (form,) = d.forms.values()
    needed = {s.label for s in (*form.inputs, *form.others)}
    given = {name: np.squeeze(x) for name, x in values.items() if name in needed}
    gradient = np.reshape(d(**given), np.shape(step))
    assert np.sum(gradient * step) == pytest.approx(difference, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize(("formula", "wrt", "matrices", "shapes"), TABLE, ids=FORMULAS)
def test_it_is_read_back(formula, wrt, matrices, shapes):
    d = ag.derive(formula, wrt, shapes=shapes, steps=True)
    lines = str(d) + "\n"
    report = ag.check_derivation(_in_latex(lines) if "\\" in formula else lines)
    assert report, str(report)
    assert report.claims
    wrong = lines.replace(f"= {d.formula}\n", f"= −({d.formula})\n")
    assert not ag.check_derivation(_in_latex(wrong) if "\\" in formula else wrong)


def _in_latex(note):
    """The lines of a note as displays, after its front matter."""
    front, _, body = note.rpartition("---\n")
    front = f"{front}---\n" if front else ""
    return front + "\n\n".join(f"$$ {x} $$" for x in body.splitlines())


# What is known by other means

RNG = np.random.default_rng(0)
A, B, X, x, y, w = (RNG.uniform(0.5, 1.5, size=s) for s in [(3, 3), (3, 3), (4, 3), 3, 4, 3])


@pytest.mark.parametrize(
    ("formula", "wrt", "values", "element"),
    [
        ("Σ_i w_i²", "w", {"w": w}, lambda k: 2 * w[k]),
        ("Σ_i Σ_j A_ij x_i x_j", "x", {"A": A, "x": x},
         lambda k: sum((A[k, j] + A[j, k]) * x[j] for j in range(3))),
        ("Σ_i (wᵀ x_i − y_i)²", "w", {"X": X, "w": w, "y": y},
         lambda k: sum(2 * (X[i] @ w - y[i]) * X[i, k] for i in range(4))),
        ("Σ_ijk A_ij A_jk B_ki", "A", {"A": A, "B": B},
         lambda p, q: sum(A[q, k] * B[k, p] + B[q, k] * A[k, p] for k in range(3))),
        ("Σ_ij x_i A_ij² w_j", "A", {"A": A, "x": x, "w": w},
         lambda p, q: 2 * x[p] * w[q] * A[p, q]),
    ],
)  # fmt: skip
def test_gradients_that_are_written_as_loops(formula, wrt, values, element):
    expected = np.array([element(*k) for k in np.ndindex(values[wrt].shape)])
    found = ag.derive(formula, wrt)(**values)
    np.testing.assert_allclose(found.ravel(), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("formula", "wrt", "closed", "shape"),
    [
        ("Σ_i log(1 + exp(−y_i x_iᵀ w))", "w", "−Xᵀ (y ∘ σ(−y ∘ (X w)))", ("n",)),
        ("1/N Σ_{n=1}^N (y_n − wᵀ x_n)²", "w", "2 Xᵀ (X w − y) / N", ("n",)),
        ("Σ_{t=1}^T (y_t − x_t)²", "x", "2 (x − y)", ("T",)),
        ("Σ_i α_i − 1/2 Σ_ij α_i α_j y_i y_j ⟨x_i, x_j⟩", "α", "1 − (X Xᵀ (α ∘ y)) ∘ y", ("n",)),
        ("Σ_i max(0, 1 − y_i(wᵀ x_i + b))", "b", "−[1 − b y − y ∘ (X w) > 0]ᵀ y", ()),
        ("aᵀ (Σ_i x_i x_iᵀ) b", "X", "X (b aᵀ + a bᵀ)", ("m", "n")),
        ("Σ_i Σ_k r_ik ‖x_i − μ_k‖²", "μ", "2 (diag(rᵀ 1) μ − rᵀ X)", ("k", "n")),
        ("Σ_i a_iᵀ A a_i", "a", "a (A + Aᵀ)", ("m", "n")),
        ("Σ_i (wᵀ X_i − y_i)²", "w", "2 Xᵀ (X w − y)", ("n",)),
        ("Σ_i x_i (wᵀ x_i − y_i)", "w", "Xᵀ X", ("n", "n")),
        ("z_i = Σ_j W_ij x_j", "x", "W", ("n", "m")),
        ("z_i = Σ_j W_ij x_j\nΣ_i z_i²", "x", "2 Wᵀ z   where z = W x", ("m",)),
        ("P_ik = Σ_j A_ij B_jk\nΣ_ik P_ik C_ik", "A", "C Bᵀ", ("n", "m")),
        ("w_1^2 + w_2", "w", "e_2 + 2 (e_1ᵀ w) e_1", ("n",)),
        ("w_1^2 + w_2", "w_1", "2 w_1", ()),
        ("Σ_{t=1}^T (y_t − x_t)³", "y", "3 (y − x) ∘ (y − x)", ("T",)),
        ("1/K Σ_{k=1}^K x_k³", "x", "3 x ∘ x / K", ("K",)),
        ("1/n Σ_{i=1}^n x_i", "x", "𝟏 / n", ("n",)),
        ("Σ_{l=1}^L ‖W_l‖²", "W_1", "2 W_1", ("n", "m")),
    ],
)  # fmt: skip
def test_letters_are_what_their_use_says(formula, wrt, closed, shape):
    d = ag.derive(formula, wrt)
    assert d.formula == closed
    assert len(d.shape) == len(shape)
    assert ag.check_derivation(str(d) + "\n")


def test_second_derivatives_and_sources_have_no_index():
    d = ag.derive("Σ_i (Σ_j X_ij w_j − y_i)²", "w", order=2)
    assert d.formula == "2 Xᵀ X"
    d = ag.derive("w_2^2 + w_3", "w")
    assert "np.eye(w.shape[0])[1]" in d.source
    np.testing.assert_array_equal(d(w=[3.0, 4.0, 5.0, 6.0]), [0, 8, 1, 0])


# What has no matrix form


@pytest.mark.parametrize(
    ("formula", "wrt", "message"),
    [
        ("Σ_i (w_{i+1} − w_i)²", "w", r"w_\{i \+ 1\} does not go over w .* D w for differences"),
        ("Σ_i w_{i+1}", "w", "does not go over w from its first element to its last"),
        ("w_1 + w_{100}", "w", r"w_\{100\} does not go over w .* say with shapes= how many"),
        ("Σ_ijk tanh(A_ij + B_jk) C_ki", "A", r"A_\{ij\} \+ B_\{jk\} depends on i, j, k at once"),
        ("Σ_ijkl A_ij B_ik C_il G_jk H_jl K_kl", "A", "at once, and a matrix has two axes"),
        ("Σ_i Σ_j max_k (A_ik B_kj)", "A", "depends on i, k, j at once"),
        ("Σ_i i w_i", "w", "i has no form in matrices as a number: give 1, 2, … a letter"),
        ("Σ_{i=2}^n w_i", "w", "w_i does not go over w"),
        ("Σ_{i<j} A_ij", "A", r"\[i < j\] has no form in matrices: give the numbers .* a letter"),
        ("Σ_i (x_i)_+", "x", "after something that is no name"),
        ("Π_i x_i", "x", "the derivative of a product Π"),
        ("w_i²", "w", "w_i² depends on i, .* sum over it, Σ_i"),
        ("Σ_ijk T_ijk x_i", "x", "3 indices of a matrix"),
        ("Σ_i (y_i − Σ_k c_k φ_k(x_i))²", "c", r"φ_k\(x_i\) depends on i"),
        ("Σ_i det(I + x_i x_iᵀ)", "X", r"I \+ .* depends on its rows, its columns, i at once"),
        ("Σ_i x_iᵀ x_i", "x", "x is no letter of the formula: there are X; x_i is a row of X"),
        ("Σ_i w_j", "w", "the sum over i has no range"),
    ],
)  # fmt: skip
def test_what_has_no_matrix_form_says_which_part_and_what_to_do(formula, wrt, message):
    with pytest.raises(ValueError, match=message):
        _ = ag.derive(formula, wrt, shapes={"w": ("n",)} if "n w" in formula else None).formula


def test_an_index_that_begins_elsewhere_is_not_one_of_a_whole_axis():
    for low, count in ((0, 3), (2, 3), (1, 2)):
        i = Index("i", 0, low, count)
        with pytest.raises(NoMatrix, match="x_i does not go over x from its first element"):
            without_indices(summed(Element(Symbol("value", "x", 0, (3, 1)), i, number(1), ()), i))


def test_without_a_closed_form_the_steps_are_still_right():
    on_tape = FormulaOnTape("Σ_i i w_i")
    (gradient,) = ag.gradients(on_tape.cost, [on_tape.letters["w"]])
    np.testing.assert_allclose(np.ravel(gradient), np.arange(1, gradient.size + 1))


def test_what_is_endless_when_multiplied_out_is_refused():
    with pytest.raises(ValueError, match="over 200 terms: name a part"):
        _ = ag.derive("Σ_ijk " + "(A_ij + B_jk + C_ki) " * 12, "A").formula
    assert ag.derive("Σ_i " + "(" * 40 + "x_i" + ")²" * 40, "x").shape == ("n",)


# In notes


@pytest.mark.parametrize(
    ("note", "right", "wrong"),
    [
        ("X ∈ ℝ^{n×m}, y ∈ ℝ^m, w ∈ ℝ^n\nJ = Σ_{i=1}^m (wᵀ x^{(i)} − y^{(i)})²",
         "∂J/∂w = 2 X (Xᵀ w − y)", "∂J/∂w = X (Xᵀ w − y)"),
        ("---\nX_i: row\n---\nX ∈ ℝ^{m×n}, y ∈ ℝ^m, w ∈ ℝ^n\nJ = Σ_i y_i x_iᵀ w",
         "∂J/∂w = Xᵀ y", "∂J/∂w = −Xᵀ y"),
        ("---\nX_i: column\n---\nX ∈ ℝ^{n×m}, y ∈ ℝ^m, w ∈ ℝ^n\nJ = Σ_i x_i (wᵀ x_i)",
         "J = X Xᵀ w", "J = X w"),
        ("x ∈ ℝ^T, y ∈ ℝ^{T}\nJ = Σ_{t=1}^T x_t y_t", "∂J/∂x = y", "∂J/∂x = x"),
        ("A ∈ ℝ^{n×n}\nJ = Σ_i Σ_j δ_ij A_ij", "∂J/∂A = I", "∂J/∂A = A"),
        ("A ∈ ℝ^{n×m}, x ∈ ℝ^m\nJ = Σ_j A_{2,j} x_j", "J = e_2ᵀ A x", "J = e_1ᵀ A x"),
    ],
)  # fmt: skip
def test_claims_of_notes_with_indices_are_judged(note, right, wrong):
    report = ag.check_derivation(f"{note}\n{right}\n{wrong}\n")
    assert [claim.verdict for claim in report.claims] == ["holds", "wrong"], str(report)


def test_a_sign_below_brackets_is_not_passed_over():
    report = ag.check_derivation("x ∈ ℝ^n\nJ = Σ_i (x_i)_+\n∂J/∂x = [x > 0]\n")
    assert "after something that is no name" in str(report)


# Random formulas

SIZES = {"i": 3, "j": 4, "k": 5, "l": 2}
LETTERS = st.sampled_from("ijkl")


def index(letter):
    return Index(letter, "ijkl".index(letter), 1, SIZES[letter])


def letter_with(name, *axes):
    shape = (*(SIZES[a] for a in axes), 1)[:2]
    return Symbol("value", name + "".join(axes), 0, shape)


@st.composite
def elements(draw, letters):
    """An element of a letter, of a product or of a transpose, or a row times a column."""
    i, j, k = (draw(st.sampled_from(letters)) for _ in range(3))
    at, other, third = map(index, (i, j, k))
    return draw(st.sampled_from([
        number(2),
        Symbol("value", "c", 0, ()),
        Element(letter_with("x", i), at, number(1), ()),
        Element(letter_with("A", i, j), at, other, ()),
        Element(letter_with("B", i, j), at, other, ()),
        Element(transposed(letter_with("A", j, i)), at, other, ()),
        Element(product(letter_with("A", i, j), letter_with("x", j)), at, number(1), ()),
        Element(letter_with("A", i, j), number(2), other, ()),
        Element(Element(letter_with("A", i, j), at, None, (SIZES[j], 1)), other, number(1), ()),
        Apply(only, (product(transposed(Element(letter_with("A", i, k), at, None, (SIZES[k], 1))),
                             Element(letter_with("B", k, j), None, other, (SIZES[k], 1))),), ()),
        elementwise(np.equal, at, at),
        elementwise(np.not_equal, at, third if i == k else at),
    ]))  # fmt: skip


@st.composite
def formulas(draw, letters, depth):
    """A number that depends on indices: products, sums, functions, and what sums over some."""
    if depth == 0:
        return draw(elements(letters))
    part = formulas(letters, depth - 1)
    kind = draw(st.sampled_from(["product", "product", "sum", "sum", "each", "of", "over"]))
    if kind == "product":
        op = draw(st.sampled_from([np.multiply, np.multiply, np.divide]))
        return elementwise(op, draw(part), draw(part))
    if kind == "sum":
        return summed(draw(part), index(draw(st.sampled_from(letters))))
    if kind == "each":
        return elementwise(draw(st.sampled_from([np.add, np.subtract])), draw(part), draw(part))
    if kind == "of":
        op = draw(st.sampled_from([np.tanh, np.square, np.exp, np.negative]))
        return elementwise(op, draw(part))
    op = draw(st.sampled_from([np.max, np.min, np.prod]))
    return Total(op, index(draw(st.sampled_from(letters))), draw(part), ())


def values_of(symbol):
    seed = sum(map(ord, symbol.label))
    return np.random.default_rng(seed).uniform(0.3, 1.5, size=symbol.shape)


def deviation(e):
    """How far the matrices are from the elements; None where there is no form in matrices."""
    try:
        new = without_indices(e)
    except NoMatrix:
        return None
    assert not any(isinstance(x, Index | Element | Total) for x in all_parts(new))
    with np.errstate(all="ignore"):
        expected = np.squeeze(evaluate(e, values_of))
        found = np.asarray(evaluate(new, values_of))
    assert found.shape == e.shape
    if not np.isfinite(expected):
        return 0.0
    return float(abs(found - expected) / max(1.0, abs(expected)))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_random_formulas_have_the_same_value(data):
    letters = "ijkl"[: data.draw(st.integers(1, 4))]
    e = data.draw(formulas(letters, data.draw(st.integers(1, 4))))
    e = summed(e, *map(index, letters))
    error = deviation(e)
    assert error is None or error < 1e-9, TEXT(e)


I, J, K = map(index, "ijk")
SQUARE = Symbol("value", "S", 0, (3, 3))
AGAIN = Index("j", 1, 1, 3)
CHECKED = [  # what a fault in one function changes
    (indices.Labelled, "aligned", lambda f, labels: f.matrix,
     summed(elementwise(np.multiply, Element(SQUARE, I, AGAIN, ()),
                        elementwise(np.tanh, Element(SQUARE, AGAIN, I, ()))), I, AGAIN)),
    (indices.Contraction, "copied", lambda t: t,
     summed(elementwise(np.square, elementwise(
         np.add, summed(elementwise(np.multiply, Element(letter_with("A", "i", "k"), I, K, ()),
                                    Element(letter_with("B", "k", "j"), K, J, ())), K),
         Element(letter_with("x", "l"), index("l"), number(1), ()))), I, J, index("l"))),
    (indices, "_joined_with", lambda s, factors: (),
     summed(Element(SQUARE, I, AGAIN, ()), I, AGAIN)),
]  # fmt: skip


@pytest.mark.parametrize(("of", "name", "fault", "e"), CHECKED)
def test_a_fault_in_the_rewriting_is_noticed(monkeypatch, of, name, fault, e):
    assert deviation(e) < 1e-12
    monkeypatch.setattr(of, name, fault)
    with contextlib.suppress(ValueError, IndexError):  # what does not fit is noticed too
        assert deviation(e) > 1e-3
