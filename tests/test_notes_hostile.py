"""Notes that nobody should write: an error with its place, in bounded time and memory.

Each is given to the console command as a file. What a note says is never executed, no file that it
names is opened, and nothing of it reaches a terminal as a control character.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as ag
from autograd_lite.diagnosis import note_repair
from autograd_lite.diagnosis.note_report import VERDICTS_OF_CLAIMS
from autograd_lite.diagnosis.notes import checked_note
from autograd_lite.formula.passages import note_of
from nn.cli import command

resource = pytest.importorskip("resource")  # not on Windows

SECONDS = 60  # a bound for a busy machine, not a speed
MEMORY = 2 * 2**30
MOST_PRINTED = 200_000
CANARY = "canary"
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

RIGHT = "$x, a \\in \\mathbb{R}^n$, $f = a^\\top x$\n\n$$ \\frac{\\partial f}{\\partial x} = a $$\n"
RIGHT_TEXT = "x, a ∈ ℝ^n\nf = aᵀ x\n∂f/∂x = a\n"

# Exit codes: 0 all hold, 1 some claim does not, 2 something could not be read.
READ, WRONG, UNREAD = {0}, {1}, {2}
BOUNDED = READ | WRONG | UNREAD  # it may be read or refused, as long as it ends


def text(formula: str) -> str:
    """A plain text note of one scalar, whose fourth line is the formula."""
    return f"x ∈ ℝ\nf = x²\n\n{formula}\n"


def laughs(depth: int) -> str:
    """Macros each of which is ten of the one before."""
    letters = "abcdefghijklmnop"[:depth]
    lines = [r"\newcommand{\xa}{x + x}"]
    for before, this in pairwise(letters):
        lines.append(rf"\newcommand{{\x{this}}}{{" + rf"\x{before} + " * 10 + "x}")
    return "\n".join(lines) + f"\n\\[ f = \\x{letters[-1]} \\]\n"


def notebook(cells: str) -> str:
    return f'{{"nbformat": 4, "nbformat_minor": 5, "metadata": {{}}, "cells": {cells}}}'


# What stands in each kind of note, and what the command may return.
Notes = dict[str, tuple[str, set[int]]]

FORMULAS: Notes = {  # the fourth line of a text
    # Size and depth
    "open brackets": ("g = " + "(" * 10_000 + "x", UNREAD),
    "deep brackets": ("g = " + "(" * 10_000 + "x" + ")" * 10_000, UNREAD),
    "closing brackets": ("g = x" + ")" * 10_000, UNREAD),
    "deep roots": ("g = " + "√" * 10_000 + "x", UNREAD),
    "many signs": ("g = " + "−" * 100_000 + "x", UNREAD),
    "many primes": ("∂f/∂x = σ" + "'" * 10_000 + "(x)", UNREAD),
    "many transposes": ("g = x" + "ᵀ" * 100_000, BOUNDED),
    "many scripts": ("g = x" + "_x" * 50_000, UNREAD),
    "a million characters": ("g = " + "x + " * 250_000 + "x", UNREAD),
    "a million letters": ("g = " + "x" * 1_000_000, BOUNDED),
    "a million digits": ("g = " + "9" * 1_000_000, BOUNDED),
    "a million spaces": ("g = " + " " * 1_000_000 + "x", BOUNDED),
    "accents": ("g = x" + "\u0301" * 10_000, BOUNDED),
    "a thousand mistakes": ("g = (\n" * 1000, UNREAD),
    # Numbers
    "a large power": ("∂f/∂x = x^{999999999}", WRONG | UNREAD),
    "a tower of powers": ("g = 9^{9^{9^{9^{9^{9}}}}}", BOUNDED),
    "a factorial": ("∂f/∂x = 2 x + 99999999!", UNREAD),
    "a large number": ("∂f/∂x = 1e999999999 x", WRONG | UNREAD),
    "one by zero": ("∂f/∂x = 1/0", WRONG | UNREAD),
    "zero by zero": ("∂f/∂x = 2 x + 0/0", WRONG | UNREAD),
    "a logarithm of −1": ("∂f/∂x = log(−1)", WRONG | UNREAD),
    "a root of −x²": ("∂f/∂x = sqrt(−f − 1)", WRONG | UNREAD),
    # Signs
    "a script without a base": ("g = ^2", UNREAD),
    "two exponents": ("g = x^^2", UNREAD),
    "minus an ellipsis": ("g = −…", UNREAD),
    "minus an ellipsis in a product": ("g = x · −…", UNREAD),
    "an ellipsis of factors": ("g = x · …", UNREAD),
    "nothing": ("g =", UNREAD),
    "bidirectional marks": ("∂f/∂x = \u202e2 x\u202c", UNREAD),
    "invisible characters": ("∂f/∂x = 2\u200b\u2060 x\u00ad", BOUNDED),
    "NUL": ("∂f/∂x = 2\x00 x", UNREAD),
    "escape sequences": ("∂f/∂x = 2 \x1b[31m\x07x\x9b", UNREAD),
    "private characters": ("∂f/∂x = 2 \ue000 x \U0010ffff", UNREAD),
    "full width": ("∂f/∂x = ２ x", BOUNDED),
    "odd line ends": ("∂f/∂x = (\u2028\x0b\x0c\x85", UNREAD),
    # Programs
    "import": (f"g = __import__('os').system('touch {CANARY}')", UNREAD),
    "open": (f"g = open('{CANARY}', 'w')", UNREAD),
    "eval": (f"g = eval(open({CANARY}, w))", BOUNDED),
    "dunder": ("g = x.__class__.__mro__", UNREAD),
    "a call of a lambda": ("g = (lambda: 1)()", UNREAD),
}
DOUBLED = [f"{b}_t = {a}_t * {a}_t + {a}_t\n" for a, b in pairwise("hαβγδεζηθκλμνξρτφχψω")]
TEXTS: Notes = {
    "a step of 2^19 terms": (
        "x_t ∈ ℝ, h_0 ∈ ℝ\nfor t = 1, …, T\nh_t = h_{t-1} + x_t\n"
        + "".join(DOUBLED)
        + "l = Σ_{t=1}^T ω_t\n∂l/∂h_t = ∂l/∂h_t + (∂l/∂h_{t+1}) (∂h_{t+1}/∂h_t)\n",
        WRONG,
    ),
    "a million lines": ("\n" * 1_000_000 + RIGHT_TEXT, READ),
    "five hundred claims": (RIGHT_TEXT + "∂f/∂x = a\n" * 500, READ),
    "a large size": ("x ∈ ℝ^{10^9}\nf = xᵀ x\n∂f/∂x = 2 x\n", UNREAD),
    "two large sizes": ("X ∈ ℝ^{1000000×1000000}\nf = tr(X)\n∂f/∂X = I\n", UNREAD),
    "a size of nothing": ("x ∈ ℝ^0\nf = xᵀ x\n∂f/∂x = 2 x\n", UNREAD),
    "a negative size": ("x ∈ ℝ^{−3}\nf = xᵀ x\n∂f/∂x = 2 x\n", UNREAD),
    "half a size": ("x ∈ ℝ^{1.5}\nf = xᵀ x\n∂f/∂x = 2 x\n", UNREAD),
    "many axes": ("X ∈ ℝ^{" + "×".join("n" * 40) + "}\nf = sum(X)\n", UNREAD),
    "many layers": ("for l = 1, …, 10^9:\nW_l ∈ ℝ^{n×n}\nf = tr(W_1)\n∂f/∂W_1 = I\n", UNREAD),
    "many terms": ("f = Σ_{i=1}^{10^9} i\nf = 1\n", UNREAD),
    "an inverse that is not": ("v ∈ ℝ^3\nA = v vᵀ\nA⁻¹ A = I\n", WRONG),
    "a definition of itself": ("g = g + 1\n", UNREAD),
    "definitions in a circle": ("a = b + 1\nb = c + 1\nc = a + 1\n", WRONG | UNREAD),
    "a function of itself": ("h(u) = h(u) + 1\nx ∈ ℝ\nh(x) = x\n", WRONG | UNREAD),
    "no first layer": ("for l = 1, …, L:\na_l = a_{l+1} + 1\na_1 = 0\n", WRONG | UNREAD),
    **{
        f"a condition with {sign}": (
            f"for l = 1, …, L:\nW_l ∈ ℝ^{{n×n}}\nf = tr(W_1)\n∂tr(W_l)/∂W_l = I, l {sign} 2\n",
            UNREAD,
        )
        for sign in ("≡", ":=", "∈", ":")
    },
    "many names": ("".join(f"a{n} = {n}\n" for n in range(5000)), BOUNDED),
    "keywords": ("lambda ∈ ℝ\ndef ∈ ℝ^n\nf = lambda defᵀ def\n∂f/∂def = 2 lambda def\n", READ),
    "builtins": ("len ∈ ℝ^n\nprint ∈ ℝ^n\nf = lenᵀ print\n∂f/∂len = print\n", READ),
    "our own": ("ag ∈ ℝ^n\nself ∈ ℝ^n\nf = agᵀ self\n∂f/∂ag = self\n", READ),
    "known functions": ("σ ∈ ℝ\nexp ∈ ℝ^n\nf = σ expᵀ exp\n∂f/∂exp = 2 σ exp\n", BOUNDED),
    "other alphabets": ("а ∈ ℝ^n\na ∈ ℝ^n\nf = аᵀ a\n∂f/∂а = a\n", BOUNDED),
    "blank": (" \t\n\n", BOUNDED),
}
MARKDOWN: Notes = {
    # Size and depth
    "deep braces": ("$$ f = " + "{" * 10_000 + "x" + "}" * 10_000 + " $$", BOUNDED),
    "deep fractions": ("$$ f = " + r"\frac{1}{" * 5000 + "x" + "}" * 5000 + " $$", UNREAD),
    "deep scripts": ("$$ f = x" + "_{x" * 5000 + "}" * 5000 + " $$", UNREAD),
    "a million backslashes": ("$$ f = " + "\\" * 1_000_000 + " $$", BOUNDED),
    "a million dollars": ("$" * 1_000_000, BOUNDED),
    "a million backticks": ("`" * 1_000_000, BOUNDED),
    "a million words": ("the chain rule " * 330_000, BOUNDED),
    "deep quotations": ("> " * 20_000 + "$f = x$", BOUNDED),
    "deep lists": ("- " * 20_000 + "$f = x$", BOUNDED),
    "deep links": ("[" * 50_000 + "$f = x$", BOUNDED),
    "a large matrix": (
        r"$$ M = \begin{bmatrix}" + (" & ".join("1" * 300) + r"\\") * 300 + r"\end{bmatrix} $$",
        BOUNDED,
    ),
    "many labels": (r"$i \in \{1, \dots, 10^{18}\}$, $f = i$", BOUNDED),
    "a high derivative": (
        r"$x \in \mathbb{R}$, $f = x^2$, $\frac{d^{999999} f}{d x^{999999}} = 0$",
        UNREAD,
    ),
    # Markup
    "nothing": ("", BOUNDED),
    "unclosed $$": ("$$ f = x\n\nand no more", UNREAD),
    "unclosed $": (RIGHT + "\nIt costs $5.\n", READ),
    "unclosed fence": ("```math\nf = x\n", BOUNDED),
    "unknown command": (RIGHT + "\n$g = \\frobnicate{x}$\n", UNREAD),
    "ragged matrix": (r"$$ M = \begin{bmatrix} 1 & 2 \\ 3 \end{bmatrix} $$", UNREAD),
    "a brace too many": ("$f = x}$", UNREAD),
    "Windows's line ends": (RIGHT.replace("\n", "\r\n"), READ),
    "old line ends": (RIGHT.replace("\n", "\r"), BOUNDED),
    "byte-order mark": ("\ufeff" + RIGHT, READ),
    "macro for frac": ("\\renewcommand{\\frac}[2]{#2}\n\n" + RIGHT, BOUNDED),
    "a template": ("$f = {{7*7}}$ and ${jndi:ldap://localhost/a}$", BOUNDED),
    "an f-string": (r"$f = {x!r:>1000000000}$ and $g = \{0.__class__\}$", UNREAD),
    "a format": ("$f = x + %s%n%1000000000d$", BOUNDED),
    "NumPy that writes": (rf"$x \in \mathbb{{R}}$, $g = np.save({CANARY}, x)$", UNREAD),
    # Front matter
    "unclosed front matter": ("---\nlayout: numerator\n\n" + RIGHT, BOUNDED),
    "unknown convention": ("---\nlayout: sideways\n---\n" + RIGHT, UNREAD),
    "front matter that doubles": (
        "---\na: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]\n---\n" + RIGHT,
        BOUNDED,
    ),
    "front matter that runs": (
        f"---\nlayout: !!python/object/apply:os.system ['touch {CANARY}']\n---\n" + RIGHT,
        UNREAD,
    ),
}
TEX: Notes = {
    "recursive macro": (r"\def\a{\a} \[ f = \a \]", UNREAD),
    "growing macro": (r"\newcommand{\a}{x + \a + \a} \[ f = \a \]", UNREAD),
    "two recursive macros": (r"\def\a{\b} \def\b{\a} \[ f = \a \]", UNREAD),
    "macros that double": (laughs(12), UNREAD),
    "macro without its arguments": (r"\newcommand{\a}[2]{#1 + #2} \[ f = \a \]", UNREAD),
    "macro of a ninth argument": (r"\newcommand{\a}[1]{#9} \[ f = \a{1} \]", UNREAD),
    "macro that defines macros": (r"\def\a{\def\b{\a\b}\b} \[ f = \a \]", UNREAD),
    "macro without an end": (r"\newcommand{\a}{x \[ f = \a \]", BOUNDED),
    "unclosed environment": (r"\begin{align} f &= x", UNREAD),
    "crossed environments": (r"\begin{align} f &= x \end{gather}", UNREAD),
    "input in a formula": (r"\input{/etc/passwd} \[ f = \input{/etc/passwd} \]", UNREAD),
    "input": ("\\include{a}\n\\input{a.tex}\n\\input{/etc/passwd}\n\\[ f = 1 \\]", BOUNDED),
    "write18": (rf"\[ f = \immediate\write18{{touch {CANARY}}} \]", UNREAD),
    "openout": (rf"\newwrite\w \immediate\openout\w={CANARY} \[ f = 1 \]", BOUNDED),
    "catcode": (r"\catcode`\$=12 \[ f = \catcode`\x=13 x \]", UNREAD),
}
UNUSUAL: Notes = {  # nothing hostile in them, and all of them once ended in a traceback
    "a range to N + 1": (
        r"$l = 1, \dots, N+1$, $A^{(l)} = \tanh(W^{(l)} A^{(l-1)})$, "
        r"$\frac{\partial A^{(l)}}{\partial A^{(l-1)}} = W^{(l)}$",
        WRONG,
    ),
    "a range to a product": (
        r"$l = 1, \dots, 2 N M$, $A^{(l)} = \tanh(W^{(l)} A^{(l-1)})$, "
        r"$\frac{\partial A^{(l)}}{\partial A^{(l-1)}} = W^{(l)}$",
        UNREAD,
    ),
    "an empty script": (r"$f = x_\text{}$", UNREAD),
    "prose named as a sign is": (r"$f = x_\text{frac}$", READ),
    "a semicolon between arguments": (r"$f = g(x; w)$, $\frac{\partial f}{\partial x} = w$", WRONG),
    "an ambiguous row beside a mistake": (
        "$y \\in \\mathbb{R}^{d \\times e}$, $x \\in \\mathbb{R}^n$, $f = x^\\top x$\n\n"
        "$$ \\frac{\\partial f}{\\partial x} = x $$\n\n$$ f = y_i (y_j)^\\top $$",
        WRONG,
    ),
    "a logarithm of what may be negative": (
        r"$x \in \mathbb{R}^n$, $f = \sum_i \log x_i$, $\frac{\partial f}{\partial x} = \log x$",
        WRONG,
    ),
    "a set in the middle": (r"$B \in \mathbb{R}^n = 0$", UNREAD),
    "a script of more than one digit": (
        r"$x \in \mathbb{R}$, $f = x^2.5$, $g = \frac 1e5$",
        UNREAD,
    ),
    "nothing above a script": (r"$f = \sigma^{(l)^{}}(x)$", UNREAD),
    "two orders": (r"$f = x$, $\frac{d^{2 [l]} f}{d x} = 1$, $\nabla^{} f = 1$", UNREAD),
    "a trace of two": (r"$f = \operatorname{tr}(A, B)$", UNREAD),
    "a softmax of two": (r"$f = \operatorname{softmax}(a, b)$", UNREAD),
    "one by zero in a quotient": (r"$J = x$, $\frac{(0)^{-1}}{J} = J$", BOUNDED),
    "an index that is no whole number": (
        r"$x \in \mathbb{R}^5$, $f = \sum_{k=1}^3 x_{j + k}$, $\frac{\partial f}{\partial x} = x$",
        WRONG | UNREAD,
    ),
}
NOTEBOOKS: Notes = {  # the cells
    "no JSON": ("{", UNREAD),
    "deep JSON": ("[" * 100_000, UNREAD),
    "no cells": ("7", UNREAD),
    "odd cells": ('[1, null, {}, {"cell_type": "markdown"}]', BOUNDED),
    "odd source": ('[{"cell_type": "markdown", "source": 7}]', BOUNDED),
    "surrogate": ('[{"cell_type": "markdown", "source": "$f = \\ud800$"}]', UNREAD),
    "code": (f"""[{{"cell_type": "code", "source": "open('{CANARY}', 'w')"}}]""", BOUNDED),
}
BYTES: dict[str, tuple[bytes, set[int]]] = {
    "Latin-1": ("Größe\nx ∈ R\n".encode("latin-1", "replace"), UNREAD),
    "UTF-16": (RIGHT.encode("utf-16"), BOUNDED),
    "surrogates": (text("g = \ud800 x").encode("utf-8", "surrogatepass"), UNREAD),
    "cut off": (text("g = 2 ∘").encode()[:-2], UNREAD),
    "binary": (bytes(range(256)) * 100, UNREAD),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(1000), UNREAD),
    "zeros": (bytes(100_000), UNREAD),
}
HOSTILE = [
    *((name, "note.txt", text(formula), codes) for name, (formula, codes) in FORMULAS.items()),
    *((name, "note.txt", content, codes) for name, (content, codes) in TEXTS.items()),
    *((name, "note.md", content, codes) for name, (content, codes) in MARKDOWN.items()),
    *((name, "note.tex", content, codes) for name, (content, codes) in TEX.items()),
    *((name, "note.md", content, codes) for name, (content, codes) in UNUSUAL.items()),
    *((name, "note.ipynb", notebook(cells), codes) for name, (cells, codes) in NOTEBOOKS.items()),
    *((name, "note.md", content, codes) for name, (content, codes) in BYTES.items()),
]


class TooLate(BaseException):
    """Nothing that is tested may catch it."""


@contextmanager
def bounded() -> Iterator[None]:
    """An end after SECONDS, and MEMORY more than there was at the start."""

    def late(number: int, frame: object) -> None:
        raise TooLate(f"not done in {SECONDS} s")

    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    before = signal.signal(signal.SIGALRM, late)
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, hard))
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.signal(signal.SIGALRM, before)


SEEN: list[str] | None = None  # what was executed or opened, while a note is checked
WATCHED = {"os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "socket.connect"}


def watch(event: str, arguments: tuple[object, ...]) -> None:
    if SEEN is not None and (
        event in WATCHED or (event == "open" and "passwd" in str(arguments[0]))
    ):
        SEEN.append(f"{event}: {arguments}")


sys.addaudithook(watch)


@pytest.fixture
def watched() -> Iterator[list[str]]:
    global SEEN
    SEEN = []
    yield SEEN
    SEEN = None


pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux")


def test_the_bounds_and_the_watch_work(watched, tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "SECONDS", 1)
    with pytest.raises(TooLate), bounded():
        time.sleep(5)
    with pytest.raises(MemoryError), bounded():
        bytearray(2 * MEMORY)
    os.system("")
    (tmp_path / "passwd").write_text("")
    assert len(watched) == 2


@pytest.mark.parametrize(
    ("file", "content", "codes"),
    [pytest.param(*row, id=f"{name} {row[0]}") for name, *row in HOSTILE],
)
def test_hostile_note(file, content, codes, tmp_path, monkeypatch, capsys, watched):
    monkeypatch.chdir(tmp_path)
    Path(file).write_bytes(content.encode() if isinstance(content, str) else content)
    with bounded():
        code = command.main(["check", file])
    said = "".join(capsys.readouterr())
    assert code in codes, said[:3000]
    assert "Traceback" not in said
    assert len(said) < MOST_PRINTED
    assert not CONTROL.search(said)
    if code == 2:  # a place, unless the bytes are no text
        place = r":\d+:\d+: " if isinstance(content, str) and file != "note.ipynb" else "[:,] ?"
        assert re.search(f"^(autograd-lite: )?{file}{place}", said, re.MULTILINE), said[:3000]
    assert os.listdir() == [file]
    assert watched == []


@pytest.mark.parametrize("name", FORMULAS)
def test_the_line_of_a_hostile_formula(name):
    with bounded():
        report = ag.check_derivation(text(FORMULAS[name][0]))
    for unread in report.unread:
        assert unread.line >= 4
        assert unread.column >= 1


@pytest.mark.parametrize("kind", ["missing", "directory", "circular", "nameless"])
def test_what_is_no_file(kind, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    name = "" if kind == "nameless" else "note.md"
    if kind == "directory":
        Path(name).mkdir()
    elif kind == "circular":
        Path(name).symlink_to(name)
    with bounded():
        assert command.main(["check", name]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert name in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    "content", ["\ud800\n", "$f = \ud800$", "x \udcff ∈ ℝ\n", "\x00\n", "$$\n"]
)
def test_text_that_no_file_holds(content):
    with bounded():
        report = ag.check_derivation(content)
    assert not CONTROL.search(str(report))
    assert str(report).encode()


# Any text at all

ATOMS_TEXT = r"""
x a y W A X J f m 1 0 2.5 I \mathbf{1} \sigma \delta_{ij} e_i dW g' \dots
x_i A_{ij} h_{t-1} z^{(l)} W^{[l]} A^{-1} x^\top x^2 y^{(i)}
"""
SIGNS_TEXT = r"( ) [ ] { } _ ^ | , ; = & \\ / + ′ ᵀ ∂ ∈ Σ … \frac \sum \partial"
FORMS_TEXT = r"""
({})  [{}]  |{}|  \|{}\|^2  {}^\top  {}^{{-1}}  {}_{{ij}}  -{}  {}!  \sqrt{{{}}}  \hat{{{}}}
\sum_i{{{}}}  \sum_{{i=1}}^m{{{}}}  \sum{{{}}}  \max_j{{{}}}  \nabla_x{{{}}}  \mathbf{{{}}}
\log{{{}}}  \exp({})  g({})  g'({})  x_{{{}}}  A[{}]  \operatorname{{tr}}({})
\operatorname{{softmax}}({})  \operatorname{{diag}}({})  np.sum({}, axis=1, keepdims=True)
{} + {}  {} - {}  {} {}  {} / {}  [{} > {}]  [{}; {}]  g({}, {})  ({}; {})  {}^{{{}}}
{} \odot {}  {} \times {}  \langle {}, {} \rangle  \max({}, {})  {}_{{{}}}
\frac{{{}}}{{{}}}  \frac{{\partial {}}}{{\partial {}}}  \prod_{{j=1}}^{{{}}}{{{}}}
\frac{{\partial^2 {}}}{{\partial x \partial {}}}
\begin{{bmatrix}} {} & {} \\ {} & 1 \end{{bmatrix}}
\begin{{cases}} {} & {} > 0 \\ {} & \text{{otherwise}} \end{{cases}}
"""
ATOMS, FORMS = ATOMS_TEXT.split(), re.split(r"\n|  ", FORMS_TEXT.strip())


def built(inner):
    """Larger formulas out of smaller ones."""
    return st.sampled_from(FORMS).flatmap(
        lambda form: st.tuples(*[inner] * form.replace("{{", "").count("{}")).map(
            lambda parts: form.format(*parts)
        )
    )


EXPRESSIONS = st.recursive(st.sampled_from(ATOMS), built, max_leaves=6)
SIGNS = st.sampled_from(SIGNS_TEXT.split())
TOKENS = st.lists(st.sampled_from(ATOMS) | SIGNS, max_size=12).map(" ".join)
STATEMENTS = st.tuples(
    st.sampled_from([*ATOMS, r"\frac{\partial f}{\partial x}", "g(u)", "J"]) | EXPRESSIONS,
    st.sampled_from(["=", "=", "=", ":=", "<", r"\in"]),
    EXPRESSIONS | TOKENS,
    st.sampled_from(["", "", r", \quad i = 1, \dots, m", r", \quad l = 1, \dots, L", " = 0"]),
).map(" ".join)
TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|\d+|\w|\s+|.", re.DOTALL)
NOTES = sorted(p for p in (Path(__file__).parent / "notes").iterdir() if p.suffix != ".ipynb")


def ends_in_a_report(content: str, kind: str) -> None:
    """A note is judged, and what cannot be read is listed with its place, within the bounds."""
    with bounded():
        report = checked_note(note_of(content, "note", kind))
    assert str(report)
    assert report.as_dict()
    assert all(claim.verdict in VERDICTS_OF_CLAIMS for claim in report.claims)
    assert all(error.line >= 1 and error.column >= 1 for error in report.unread)


@pytest.fixture(scope="module")
def hurried():
    """Little time for repairs, which have a time limit of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(note_repair, "REPAIR_SECONDS", 0.02)
        yield


@settings(max_examples=200, deadline=None)
@given(
    st.booleans(), st.lists(STATEMENTS, min_size=1, max_size=3), st.sampled_from([".md", ".tex"])
)
def test_any_formulas_end_in_a_report(hurried, declared, statements, kind):
    shapes = r"$x, a \in \mathbb{R}^n$, $A \in \mathbb{R}^{n \times n}$, $f = a^\top x$" + "\n\n"
    shown = "\n\n".join(f"$$ {s} $$" for s in statements)
    ends_in_a_report(shapes * declared + shown + "\n", kind)


@pytest.mark.long
@settings(max_examples=40, deadline=None)
@given(st.sampled_from(NOTES), st.data())
def test_any_change_of_a_note_ends_in_a_report(hurried, path, data):
    tokens = TOKEN.findall(path.read_text(encoding="utf-8"))
    for _ in range(data.draw(st.integers(1, 3))):
        one, other = (data.draw(st.integers(0, len(tokens) - 1)) for _ in range(2))
        change = data.draw(st.sampled_from(["delete", "repeat", "exchange"]))
        if change == "delete":
            tokens[one] = ""
        elif change == "repeat":
            tokens[one] *= 2
        else:
            tokens[one], tokens[other] = tokens[other], tokens[one]
    ends_in_a_report("".join(tokens), path.suffix)
