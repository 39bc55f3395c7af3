"""What people write in notes, habit by habit: read as it is meant, and still wrong where it is."""

from __future__ import annotations

import json

import pytest

import autograd_lite as ag
from nn.cli.command import main

pytestmark = pytest.mark.long

LAYERS = r"""
For $l = 1, \dots, L$ and $A^{[0]} = X$:

$$ Z^{[l]} = W^{[l]} A^{[l-1]} + b^{[l]}, \qquad A^{[l]} = g^{[l]}(Z^{[l]}) $$
"""
MEAN = LAYERS + r"$$ J = \frac1m \sum_{i=1}^m \mathcal{L}(A^{[L](i)}, y^{(i)}) $$" + "\n"
VECTORS = r"Let $x, y \in \mathbb{R}^n$ and $f = x^\top y$." + "\n"

HABITS = {
    "a transpose after a layer": (LAYERS, "dW^{[l]} = dZ^{[l]} A^{[l-1]T}"),
    "a transpose raised once more": (LAYERS, "dW^{[l]} = dZ^{[l]} A^{[l-1]^T}"),
    "a transpose after empty braces": (LAYERS, "dA^{[l-1]} = W^{[l]}{}^T dZ^{[l]}"),
    "a raised prime": (LAYERS, r"dZ^{[l]} = dA^{[l]} * {g^{[l]}}^{'}(Z^{[l]})"),
    "a lost ^": (LAYERS, r"dZ^{[l]} = dA^{[l]} * g^{[l]\prime}(Z{[l]})"),
    "a sum without a range": (LAYERS, r"db^{[l]} = \sum dZ^{[l]}"),
    "NumPy": (LAYERS, r"db^{[l]} = np.sum(dZ^{[l]}, axis=1, keepdims=True)"),
    "a cost that is not defined": (LAYERS, r"\frac{\partial J}{\partial Z^{[l]}} = dZ^{[l]}"),
    "a macro by newcommand": (
        r"\newcommand{\dd}[2]{\frac{\partial #1}{\partial #2}}" + "\n\n" + VECTORS,
        r"\dd{f}{x} = y",
    ),
    "a macro by def": (r"$\def\p{\partial}$ " + VECTORS, r"\frac{\p f}{\p x} = y"),
    "a macro by gdef": (r"$\gdef\vy{\mathbf{y}}$ " + VECTORS, r"\nabla_x f = \vy"),
    "text": (VECTORS, r"\frac{\partial f}{\partial x} = y \quad \text{for every } x"),
    "colours": (VECTORS, r"\frac{\partial f}{\partial x} = {\color{red}{y}}"),
    "sizes": (VECTORS, r"{\Large \frac{\partial f}{\partial x} = y}"),
    "labels and spacing": (VECTORS, r"\frac{\partial f}{\partial x} \; = \, y \tag{1} \label{a}"),
    "vdots": (VECTORS, r"f = \begin{bmatrix} x_1 & \cdots & x_n \end{bmatrix} y"),
    "a condition below": (VECTORS, r"\frac{\partial x_i}{\partial x_{j \neq i}} = 0 x_j"),
    "braces": (VECTORS, r"f - {x^\top + x^\top} y = f - x^\top + x^\top y"),
}
WRONG = {  # of the same habits
    "a transpose after a layer": (LAYERS, "dW^{[l]} = dZ^{[l]} A^{[l]T}"),
    "a raised prime": (LAYERS, r"dZ^{[l]} = dA^{[l]} * {g^{[l]}}^{'}(A^{[l]})"),
    "a sum without a range": (LAYERS, r"db^{[l]} = 2 \sum dZ^{[l]}"),
    "NumPy": (LAYERS, r"db^{[l]} = np.sum(dA^{[l]}, axis=1, keepdims=True)"),
    "a cost that is not defined": (LAYERS, r"\frac{\partial J}{\partial Z^{[l]}} = dA^{[l]}"),
    "a macro": (r"$\gdef\vy{\mathbf{y}}$ " + VECTORS, r"\nabla_x f = -\vy"),
    "colours": (VECTORS, r"\frac{\partial f}{\partial x} = {\color{red}{x}}"),
    "a condition below": (VECTORS, r"\frac{\partial x_i}{\partial x_{j = i}} = 2"),
    "braces": (VECTORS, r"f - {x^\top + x^\top} y = -f"),
}


def verdicts(note: str) -> list[str]:
    return [claim.verdict for claim in ag.check_derivation(note).claims]


@pytest.mark.parametrize("habit", HABITS)
def test_a_habit_is_read(habit):
    before, claim = HABITS[habit]
    assert verdicts(f"{before}\n$$ {claim} $$\n") == ["holds"]


@pytest.mark.parametrize("habit", WRONG)
def test_a_habit_hides_no_mistake(habit):
    before, claim = WRONG[habit]
    (verdict,) = verdicts(f"{before}\n$$ {claim} $$\n")
    assert verdict in ("wrong", "does not conform")


def test_the_mean_may_be_moved_for_the_whole_note_alone():
    right = "$$ dW^{[l]} = \\frac1m dZ^{[l]} A^{[l-1]T}, \\quad dA^{[l-1]} = W^{[l]T} dZ^{[l]} $$\n"
    report = ag.check_derivation(MEAN + right)
    assert report
    assert "here dZ is m" in str(report)
    claims = ag.check_derivation(MEAN + right + "$$ db^{[l]} = \\sum dZ^{[l]} $$\n").claims
    assert sorted(c.verdict for c in claims) == ["holds", "holds", "wrong"]


def test_a_note_that_is_read_twice_is_drawn_alike(tmp_path):
    path = tmp_path / "note.md"
    path.write_text(VECTORS + r"$$ \nabla_x f = x $$" + "\n", encoding="utf-8")
    said = []
    for _ in range(2):
        assert main(["check", str(path), "--json", str(tmp_path / "a.json"), "--rng", "5"]) == 1
        said.append(json.loads((tmp_path / "a.json").read_text(encoding="utf-8")))
    assert said[0] == said[1]
    (claim,) = said[0]["claims"]
    keys = {"file", "line", "text", "reading", "verdict", "silent", "cause", "correct", "remarks"}
    assert keys <= set(claim)
    assert "unread" in said[0]
