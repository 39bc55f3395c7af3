"""Formulas as text: tokens, syntax, statements; every token is used, or an error has its place."""

from __future__ import annotations

import pytest

from autograd_lite.algebra.evaluation import evaluate
from autograd_lite.algebra.notation import _FUNCTIONS, _GREEK, RELATIONS, SIGNS, commands
from autograd_lite.formula.expressions import read_formula
from autograd_lite.formula.passages import note_of
from autograd_lite.formula.plain import plain_text
from autograd_lite.formula.shapes import NotConforming
from autograd_lite.formula.statements import formula, read
from autograd_lite.formula.tokens import FormulaError, Lexer, TextSource, macros_in


def tokens(text: str, **macros) -> list[str]:
    return [t.text for t in Lexer(TextSource("note", text), macros=macros or None).tokens()][:-1]


@pytest.mark.parametrize(
    ("latex", "plain"),
    [
        (r"\sqrt{v + \epsilon}", "√(v + ε)"),
        (r"\frac{\sqrt a}{2}", "√a/2"),
        (r"\sqrt[3]{x}", "³√x"),
        (r"A^\top x_i^{\mathsf T} B^T", "Aᵀ x_iᵀ Bᵀ"),
        (r"W^{[l]T} a^{(l)\top}", "W^[l]ᵀ a^(l)ᵀ"),
        (r"X^{-1} + Y^{-\top}", "X⁻¹ + Y⁻ᵀ"),
        (r"{(A B)}^\top", "(A B)ᵀ"),
        (r"W_\textrm{in} x_12", "W_{in} x_1 2"),
        (r"\binom{n}{k}", "binom(n, k)"),
        (r"\underbrace{a + b} \overset{!}{=} c", "a + b = c"),
    ],
)
def test_a_formula_as_plain_text(latex, plain):
    assert plain_text(latex) == plain


@pytest.mark.parametrize(
    ("latex", "plain"),
    [
        (r"\partial J / \partial W", "∂J/∂W"),
        (r"A \circ B", "A ∘ B"),
        (r"W^\top", "W^ᵀ"),
        (r"\alpha \leq \beta", "α ≤ β"),
        (r"x^{(i)}", "x⁽ⁱ⁾"),
        (r"W_{1}", "W₁"),
        (r"\left( \frac12 \right)", r"\bigl(\frac12\bigr)"),
        (r"\mathcal{L}", "ℒ"),
        (r"x \cdot y \dots", "x · y …"),
        (r"f^{\prime}", "f^{'}"),
        (r"\mathbb{R}", "ℝ"),
        (r"\log \det X", "log det X"),
    ],
)
def test_latex_and_plain_text_give_the_same_tokens(latex, plain):
    assert tokens(latex) == tokens(plain)


def test_what_the_table_of_notations_writes_is_read():
    """One table prints and reads: each command that is written gives the sign for it in text."""
    table = commands()
    for sign, name in _GREEK.items():
        assert table[name] == sign
    for text, latex in [*RELATIONS.values(), *_FUNCTIONS.values()]:
        if latex.startswith("\\") and "{" not in latex:
            assert table[latex[1:]] == text
    assert all(table[name] == sign for sign, name in SIGNS.items())


def test_macros_are_expanded_and_keep_their_place():
    macros = macros_in(r"\newcommand{\dd}[2]{\frac{\partial #1}{\partial #2}}\def\w{w}")
    source = TextSource("note", r"x = \dd{J}{\w}")
    found = Lexer(source, macros=macros).tokens()
    assert [t.text for t in found][:3] == ["x", "=", "frac"]
    whole = (4, len(source.text))  # of what is in the body; arguments stand where they stand
    places = {t.text: (t.start, t.end) for t in found[2:-1]}
    assert places == {"frac": whole, "{": whole, "}": whole, "∂": whole, "J": (8, 9), "w": (11, 13)}
    assert source.part(8, len(source.text)) == r"\dd{J}{\w}"


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("∂J/∂W = (X", 11, "ends where"),
        ("a = b +", 8, "ends where"),
        ("a = b ) c", 7, "')' stands where"),
        ("a = 1/2m", 8, "(1/2) m or 1/(2 m)"),
        ("a = b \u202e c", 7, "U+202E, right-to-left override"),
        ("a = b \x00", 7, "U+0000"),
        (r"a = \unknowncommand b", 5, "not known here"),
        (r"a = \frac{\partial J}{b}", 11, "∂ above a bar alone"),
        (r"a = \sqrt[3]{b}", 10, "only square roots"),
        ("a = Σ_{i=1}^n", 14, "what is summed"),
    ],
)
def test_an_error_has_its_place_and_what_would_be_understood(text, column, said):
    with pytest.raises(FormulaError) as caught:
        formula(text)
    assert (caught.value.line, caught.value.column) == (1, column)
    assert said in caught.value.said
    assert str(caught.value).startswith(f"formula:1:{column}: ")
    assert str(caught.value).splitlines()[-1].index("^") == 4 + column - 1


def statements(text: str, kind: str = ".md") -> list[tuple[str, str]]:
    return [(s.kind, s.text) for s in read(note_of(text, "note", kind)).statements]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("$x \\in \\mathbb{R}^n$ and `$a = b$` in code", [("declaration", r"x \in \mathbb{R}^n")]),
        ("$$a = b, \\quad c = d$$", [("equality", "a = b"), ("equality", "c = d")]),
        ("```math\na = b\n```\n\n```python\nc = d\n```", [("equality", "a = b")]),
        (r"\[a = b\] costs 5$ or 6$", [("equality", "a = b")]),
        ("$$\\begin{align} a &= b \\\\ &= c \\end{align}$$", [("equality", r"a &= b \\ &= c")]),
        ("$W, V \\in \\mathbb{R}^n$", [("declaration", r"V \in \mathbb{R}^n")] * 2),
        ("for $l = 1, \\dots, L$: $a_l = b$", [("equality", "a_l = b")]),
    ],
)
def test_statements_of_markdown(text, found):
    assert statements(text) == found


def test_statements_of_plain_text_and_latex():
    text = "Some prose.\nW = X  # a comment\n  + Y\n\n# A heading\nZ = W\n"
    assert [text for _, text in statements(text, ".txt")] == ["W = X # a comment + Y", "Z = W"]
    tex = "\\begin{document} % $a = b$\n$c = d$ \\begin{equation} e = f \\end{equation}"
    assert statements(tex, ".tex") == [("equality", "c = d"), ("equality", "e = f")]


@pytest.mark.parametrize(
    ("text", "shapes", "found"),
    [
        ("xᵀ A x", None, {"x": ("p", "1"), "A": ("p", "p"), "": ("1", "1")}),
        ("A (X w)", {"X": ("m", "n")}, {"X": ("m", "n"), "w": ("n", "1"), "": ("m", "1")}),
        (r"\frac12 \| x \|^2", {"x": ("n",)}, {"x": ("n", "1"), "": ("1", "1")}),
    ],
)
def test_one_formula_with_the_shapes_that_follow(text, shapes, found):
    read_one = read_formula(text, shapes)
    kept = {name: shape for name, shape in read_one.shapes.items() if name in found}
    assert kept == found
    value = evaluate(read_one.expression, read_one.world.value)
    assert value.shape == read_one.expression.shape


def test_a_formula_that_does_not_fit():
    with pytest.raises(NotConforming, match="n = . ≠ m = ."):
        read_formula("X X", {"X": ("m", "n")})
    with pytest.raises(FormulaError, match="ends where"):
        read_formula("X (")


def test_what_is_not_closed_is_not_read():
    found = read(note_of("$$ a = b", "note"))
    assert not found.statements
    assert [e.said for e in found.unread] == ["this is not closed"]
