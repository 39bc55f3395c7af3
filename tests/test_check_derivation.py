"""`ag.check_derivation`: verdicts, causes and right forms; JSON, the command, the cell magic."""

from __future__ import annotations

import json
import re
import sys

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.diagnosis import note_repair
from nn.cli import command
from nn.report.notes import page_of

REGRESSION = "X ∈ ℝ^{m×n}, y ∈ ℝ^m, w ∈ ℝ^n\nJ = 1/(2 m) ‖X w − y‖²\n"
NETWORK = r"""
Let $X \in \mathbb{R}^{n \times m}$, $Y \in \{0,1\}^{1 \times m}$,
$W_1 \in \mathbb{R}^{h \times n}$, $b_1 \in \mathbb{R}^{h}$,
$W_2 \in \mathbb{R}^{1 \times h}$, $b_2 \in \mathbb{R}$.
$$ Z_1 = W_1 X + b_1 \mathbf 1^\top, \quad A_1 = \tanh(Z_1),
\quad Z_2 = W_2 A_1 + b_2 \mathbf 1^\top, \quad A_2 = \sigma(Z_2) $$
$$ J = -\frac1m \sum_{i=1}^m \left[ y_i \log a_i + (1 - y_i) \log (1 - a_i) \right],
\qquad a = A_2,\ y = Y $$
"""
DEEP = r"""
For $l = 1, \dots, L$:
$$Z^{[l]} = W^{[l]} A^{[l-1]} + b^{[l]}, \quad A^{[l]} = g^{[l]}(Z^{[l]}), \quad A^{[0]} = X$$
"""


def verdicts(text: str) -> list[str]:
    return [claim.verdict for claim in ag.check_derivation(text).claims]


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        ("∂J/∂w = 1/m Xᵀ (X w − y)", "holds"),
        ("∇_w J = 1/m Xᵀ (X w − y)", "holds"),
        ("∂J/∂w_j = 1/m Σ_{i=1}^m (X w − y)_i X_{ij}", "holds"),
        ("∂²J/∂w² = 1/m Xᵀ X", "holds"),
        ("∂J/∂y = −1/m (X w − y) = 1/m (y − X w)", "holds"),
        ("∂J/∂w = Xᵀ (X w − y)", "wrong"),
        ("∂J/∂w = 1/m Xᵀ (y − X w)", "wrong"),
        ("∂J/∂w = 1/m (X w − y) Xᵀ", "does not conform"),
        ("∂J/∂w = 1/m Xᵀ (X w − z)", "undefined"),
        ("∂J/∂w = 1/m Xᵀ (X w − y) + y_i X_1", "ambiguous"),
    ],
)
def test_verdicts(claim, verdict):
    assert verdicts(REGRESSION + claim)[0] == verdict


def test_a_note_in_markdown():
    right = (
        NETWORK
        + r"""
$$ \frac{\partial J}{\partial Z_2} = \frac1m (A_2 - Y) $$
$$ \frac{\partial J}{\partial W_1} = \frac{\partial J}{\partial Z_1} X^\top $$
"""
    )
    report = ag.check_derivation(right)
    assert report
    assert [c.line for c in report.claims] == [10, 11]
    assert report.claims[1].reading.startswith("∂J/∂W_1 = ∂J/∂Z_1 · Xᵀ, with ")
    assert "W_1: h × n" in report.claims[1].reading
    wrong = ag.check_derivation(right.replace("X^\\top", "X"))
    assert not wrong
    claim = wrong.claims[1]
    assert (claim.verdict, claim.silent) == ("wrong", True)
    assert "X must be transposed" in claim.cause
    assert claim.correct == claim.text + r"^\top"
    assert [claim.correct[start:end] for start, end in claim.changed] == [r"X^\top"]


def test_families_and_gradients_that_are_moved():
    claims = r"""
$$dZ^{[l]} = dA^{[l]} * g^{[l]\prime}(Z^{[l]}), \quad dW^{[l]} = \frac1m dZ^{[l]} A^{[l-1]T}$$
$$db^{[l]} = \frac1m np.sum(dZ^{[l]}, axis=1, keepdims=True), \quad dA^{[l-1]} = W^{[l]T} dZ^{[l]}$$
"""
    report = ag.check_derivation(DEEP + claims)
    assert report, report
    assert any("m ∂J/∂Z" in said for said in report.said)
    plain = ag.check_derivation(DEEP + claims.replace(r"\frac1m", ""))
    assert plain
    assert not plain.said
    mixed = claims.replace(r"\frac1m np", "np")
    assert sum(v != "holds" for v in verdicts(DEEP + mixed)) == 1


def test_layouts_by_front_matter_and_without():
    note = "A ∈ ℝ^{n×m}, x ∈ ℝ^m\ny = A x\n"
    assert verdicts(note + "∂y/∂x = A") == ["holds"]
    report = ag.check_derivation(note + "∂y/∂x = Aᵀ")
    assert report.claims[0].remarks == ["holds in denominator layout"]
    front = "---\nlayout: denominator\n---\n"
    assert verdicts(front + note + "∂y/∂x = A") == ["wrong"]  # it conforms where n = m
    assert verdicts(front + note + "∂y/∂x = Aᵀ") == ["holds"]


def test_broadcasting_is_a_remark_or_an_error():
    note = "X ∈ ℝ^{n×m}, W ∈ ℝ^{h×n}, b ∈ ℝ^h\nZ = W X + b\nf = sum(Z)\n∂f/∂b = m 1\n"
    report = ag.check_derivation(note)
    assert any("broadcasting" in r for c in report.claims for r in c.remarks)
    strict = ag.check_derivation("---\nbroadcasting: none\n---\n" + note)
    assert any("broadcasting" in e.said for e in strict.unread)


def test_versions_side_by_side():
    note = r"""
# Columns
$X \in \mathbb{R}^{n \times m}$, $W \in \mathbb{R}^{h \times n}$, $Z = W X$,
$f = \lVert Z \rVert_F^2$
$$\frac{\partial f}{\partial W} = 2 Z X^\top$$
# Rows
$X \in \mathbb{R}^{m \times n}$, $W \in \mathbb{R}^{n \times h}$, $Z = X W$,
$f = \lVert Z \rVert_F^2$
$$\frac{\partial f}{\partial W} = 2 X^\top Z$$
"""
    assert verdicts(note) == ["holds", "holds"]
    assert "holds" not in verdicts(note.replace("2 X^\\top Z", "2 Z X^\\top"))[1:]


@pytest.mark.parametrize(
    ("claim", "cause", "correct"),
    [
        ("X (X w − y)", "transpose", "1/m Xᵀ (X w − y)"),
        ("1/m Xᵀ (y − X w)", "sign", "1/m Xᵀ (X w − y)"),
        ("Xᵀ (X w − y)", "factor", "1/m Xᵀ (X w − y)"),
        ("1/m Xᵀ (X w + y)", "sign", "1/m Xᵀ (X w − y)"),
        ("1/m Xᵀ (X w)", "term", "1/m Xᵀ (X w − y)"),
    ],
)
def test_what_is_wrong_is_named_and_the_form_that_holds_is_checked(claim, cause, correct):
    claim = claim if claim.startswith(("1/m", "Xᵀ")) else f"1/m {claim}"
    report = ag.check_derivation(f"{REGRESSION}∂J/∂w = {claim}\n∂J/∂y = −1/m (X w − y)\n")
    wrong, right = report.claims
    assert right.verdict == "holds"
    assert cause in wrong.cause
    assert verdicts(REGRESSION + wrong.correct + f"\n∂J/∂w = {correct}") == ["holds", "holds"]


VECTORS = r"""
$X \in \mathbb{R}^{m \times n}$, $y \in \mathbb{R}^m$, $w \in \mathbb{R}^n$, $u \in \mathbb{R}^n$,
$A \in \mathbb{R}^{n \times n}$
$$ J = \frac12 \|X w - y\|^2, \quad r = X w - y, \quad H = w^\top A w, \quad E = \|w\| $$
$$ F = u^\top \tanh(w), \quad D = \det(A), \quad P = w^\top A^{-1} u $$
"""


@pytest.mark.parametrize(
    ("claim", "correct", "changed"),
    [
        (r"\nabla_w J = X^T (X w + y)", r"X^\top (X w - y)", ["-"]),
        (r"\nabla_w J = 2 X^T r", r"X^\top r", [r"X^\top"]),
        (r"\nabla_w J = \frac12 X^T r", r"X^\top r", [r"X^\top"]),
        (r"\nabla_X J = w r^\top", r"(w r^\top)^\top", [r"(w r^\top)^\top"]),
        (r"\nabla_w \|w\|^2 = w", "2 w", ["2 w"]),
        (r"\nabla_w H = (A - A^\top) w", r"(A + A^\top) w", ["+"]),
        (r"\nabla_w H = 2 A w", r"(A + A^{\top}) w", []),
        (r"\nabla_w E = \frac{w}{\|w\|^2}", r"\frac{w}{\|w\|}", [r"\|w\|"]),
        (r"\nabla_w F = u \odot (1 - \tanh(w))", r"u \odot (1 - \tanh(w)^{2})",
         [r"\tanh(w)^{2}"]),
        (r"\nabla_A D = D A^{-1}", r"(D A^{-1})^\top", [r"(D A^{-1})^\top"]),
        (r"\nabla_u P = A^{-1} w", r"{A^{-1}}^\top w", [r"{A^{-1}}^\top"]),
    ],
)  # fmt: skip
def test_the_form_that_holds_is_in_the_language_of_the_note(claim, correct, changed):
    (found,) = ag.check_derivation(f"{VECTORS}\n$$ {claim} $$\n").claims
    left = claim.partition("=")[0]
    assert found.correct == f"{left}= {correct}"
    assert [found.correct[start:end] for start, end in found.changed] == changed
    assert verdicts(f"{VECTORS}\n$$ {found.correct} $$\n") == ["holds"]
    said = str(ag.check_derivation(f"{VECTORS}\n$$ {claim} $$\n")).splitlines()
    line = next(k for k, text in enumerate(said) if text.startswith("    right: "))
    below = said[line + 1] if changed else ""
    marked = "".join(c for c, mark in zip(said[line], below, strict=False) if mark == "^")
    assert marked == "".join(changed)


def test_what_is_new_is_marked_below_letters_with_hats():
    note = "x\u0302 ∈ ℝ^n, A ∈ ℝ^{n×n}\nJ = ½ ‖A x\u0302‖²\n∂J/∂x\u0302 = A (A x\u0302)\n"
    *_, right, marks = str(ag.check_derivation(note)).splitlines()
    shown = right.replace("\u0302", "")  # which takes no column
    assert shown.strip() == "right: ∂J/∂x = Aᵀ (A x)"
    assert marks == " " * shown.index("Aᵀ") + "^^"


@pytest.mark.parametrize("letter", ["∂J/∂w", "∂J/∂X", "∂J/∂y"])
def test_what_derive_prints_is_read_back_as_a_claim_that_holds(letter):
    rng = np.random.default_rng(0)
    X, y, w = (
        ag.Tensor(rng.normal(size=s), requires_grad=True, name=n)
        for s, n in (((5, 3), "X"), ((5, 1), "y"), ((3, 1), "w"))
    )
    r = (X @ w - y).named("r")
    lines = ag.derive(np.sum(np.square(r)) / 2).lines
    line = next(line for line in lines if line.lhs == letter)
    note = "X ∈ ℝ^{m×n}, y ∈ ℝ^m, w ∈ ℝ^n\nr = X w − y, J = ½ ‖r‖²\n"
    assert verdicts(f"{note}{line}") == ["holds"]


@pytest.fixture
def note(tmp_path):
    """A function that writes a note and returns its path."""

    def written(text: str, name: str = "note.txt") -> str:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return written


RIGHT = REGRESSION + "∂J/∂w = 1/m Xᵀ (X w − y)\n"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (RIGHT, 0),
        (REGRESSION + "∂J/∂w = Xᵀ (X w − y)\n", 1),
        (RIGHT + "J = 1/2m\n", 2),
        (REGRESSION.replace("X w", "w X") + "∂J/∂y = 0\n", 2),
    ],
)
def test_exit_codes(note, capsys, text, code):
    path = note(text)
    assert command.main(["check", path]) == code
    out = capsys.readouterr().out
    assert out.startswith(f"{path}: ")
    if code == 2:
        line = text.count("\n") if "1/2m" in text else 2
        assert f"{path}:{line}:" in out
        assert out.rstrip().endswith("^")


def test_json(note, tmp_path, capsys):
    path, file = note(RIGHT + "∂J/∂w = X w\nJ = 1/2m\n"), tmp_path / "out.json"
    assert command.main(["check", path, "--json", str(file)]) == 2
    whole = json.loads(file.read_text(encoding="utf-8"))
    keys = {"file", "line", "text", "reading", "verdict", "silent", "cause", "correct", "remarks"}
    assert [set(row) for row in whole["claims"]] == [keys] * 2
    assert [row["line"] for row in whole["claims"]] == [3, 4]
    assert [(row["file"], row["line"], row["column"]) for row in whole["unread"]] == [(path, 5, 8)]


def test_the_page_of_a_note(note, tmp_path, capsys):
    pytest.importorskip("latex2mathml")
    path = note(
        f"# A <b>title</b>\n{NETWORK}\n$\\frac{{\\partial J}}{{\\partial b_2}} = 1$\n", "note.md"
    )
    file = tmp_path / "page.html"
    assert command.main(["check", path, "--report", str(file)]) == 1
    html = file.read_text(encoding="utf-8")
    assert html.count("<math") >= 9
    assert html.count('<details class="claim"') == 1
    assert "&lt;b&gt;title" in html
    assert "://" not in html


WRITTEN = "x ∈ ℝ^n\nJ = xᵀ x\n"
IN_LATEX = "$x \\in \\R^n$ \\[ J = \\sq{x} \\]"
MACROS = "\\newcommand{\\R}{\\mathbb{R}} \\newcommand{\\sq}[1]{\\|#1\\|^2}\n"


@pytest.mark.parametrize(
    ("name", "text", "shown", "hidden"),
    [
        (
            "a.txt",
            WRITTEN + "∂J/∂x = x # why\nend",
            r"x</code> # why</pre><details.*<pre[^>]*>\s*<code>end",
            "",
        ),
        ("a.md", "# A\n### B\n", "<h3><span[^>]*>A</span></h3>.*<h5><span[^>]*>B", "<h1[^>]*>A"),
        ("a.md", "---\nlayout: mixed\n---\nA", "<pre>layout: mixed</pre><p><span[^>]*>A", "<hr"),
        ("a.md", "![a <picture>](http://a.b/c.png)", r"\[a &lt;picture&gt;\]", "<img|//a"),
        ("a.md", "$`x = 1`$ is", "<span[^>]*><math .*</math> is", r"\$|`"),
        ("a.tex", "\\newcommand{\\no}[1]{#1 + #7}\n$\\no{x} = 1$", "<mi>x</mi><mo>\\+</mo>", ""),
        ("a.md", "before <!-- said nowhere --> after", "before  after", "nowhere"),
        ("a.md", "- one $x = 1$\n- two\n", '<li>\\s*<p><span class="scroll">one <math', ""),
        ("a.md", "| $x$ |\n|---|\n| 1 |\n", '<div class="scroll"><table>', ""),
        ("a.md", "A \ue0007\ue001 forged place, $x = 1$", "A 7 forged place, <math", "\ue000"),
        (
            "a.tex",
            MACROS + IN_LATEX,
            '<math display="block" alttext="J = ‖x‖\\^2"',
            r"\\sq\{x\}|\\\[",
        ),
        ("a.tex", MACROS + IN_LATEX, "<mi>ℝ</mi>", ""),
        (
            "a.tex",
            "\\begin{align} x &= 1 \\label{one} \\\\ y &= 2 % so\n\\end{align}",
            '<mtd columnalign="left"><mi /><mo>=</mo><mn>1</mn></mtd>',
            "one|so",
        ),
    ],
)
def test_how_the_page_shows_a_note(name, text, shown, hidden, note):
    pytest.importorskip("latex2mathml")
    html = page_of([ag.check_derivation(note(text, name))])
    main = html[html.index("<main>") : html.index("</main>")]
    assert re.search(shown, main, re.DOTALL)
    assert not hidden or not re.search(hidden, main)


def test_macros_that_grow_without_end_are_left():
    """Each of twelve is nine times the one before it."""
    names = [rf"\m{letter}" for letter in "abcdefghijkl"]
    bodies = ["x", *(9 * name for name in names)]
    lines = [rf"\newcommand{{{n}}}{{{body}}}" for n, body in zip(names, bodies, strict=False)]
    text = "\n".join([*lines, rf"${names[-1]} = 1$"])
    assert len(page_of([ag.check_derivation(text)])) < 500_000


def test_watched_notes_are_checked_at_each_save(note, monkeypatch, capsys):
    path = note(RIGHT)
    saved = iter([lambda: None, lambda: note(RIGHT + "∂J/∂w = 0\n")])

    def sleep(seconds: float) -> None:
        try:
            next(saved)()
        except StopIteration:
            raise KeyboardInterrupt from None

    monkeypatch.setattr("time.sleep", sleep)
    assert command.main(["check", "--watch", path]) == command.INTERRUPTED
    out = capsys.readouterr().out
    assert out.count("statements") == 2
    assert "wrong" in out


def test_the_cell_magic():
    from IPython.testing.globalipapp import start_ipython

    shell = start_ipython() or sys.modules["builtins"].get_ipython()
    shell.run_line_magic("load_ext", "autograd_lite")
    report = shell.run_cell_magic("derivation", "", RIGHT)
    assert report
    assert "holds" in report._repr_html_()


def test_without_markdown_it_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "markdown_it", None)
    with pytest.raises(ImportError, match=r'pip install "autograd-lite\[notes\]"'):
        ag.check_derivation("$a = b$\n")
    assert ag.check_derivation(RIGHT)


def test_a_search_for_a_repair_that_runs_out_of_time_says_so(monkeypatch):
    note = "x ∈ ℝ^n\nJ = xᵀ x\n∂J/∂x = −2 x\n"
    (found,) = ag.check_derivation(note).claims
    assert "minus" in found.cause or "sign" in found.cause
    assert not any("time" in remark for remark in found.remarks)
    monkeypatch.setattr(note_repair, "NOTE_SECONDS", 0.0)
    (found,) = ag.check_derivation(note).claims
    assert (found.verdict, found.cause) == ("wrong", "")
    assert any("time" in remark for remark in found.remarks)
    assert found.correct == "∂J/∂x = 2 x"


def test_a_cost_may_be_named_in_the_front_matter():
    claims = "$x \\in \\mathbb{R}^n$, $R = x^T x$\n\n$$dx = 2 x$$\n"
    for line in ("R: cost", "dX: gradient of R"):
        (found,) = ag.check_derivation(f"---\n{line}\n---\n{claims}").claims
        assert found.verdict == "holds", found
    (found,) = ag.check_derivation(claims).claims
    assert found.verdict == "undefined"
