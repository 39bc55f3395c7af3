"""The models that `ag.compare` is measured with: their passes are right, every edit is wrong."""

import ast
from types import SimpleNamespace

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.graph import steps
from autograd_lite.walk import recorded_for
from benchmarks import edited, edits, families

STYLES = [(family, s) for family in families.FAMILIES for s in range(len(family.backward))]
IDS = [f"{family.name}, style {s}" for family, s in STYLES]


def on_tape(J, names):
    named = {t.name: t for t in recorded_for(J) if t.name}
    return dict(zip(names, ag.gradients(J, [named[n] for n in names]), strict=True))


@pytest.mark.parametrize(("family", "style"), STYLES, ids=IDS)
def test_the_pass_by_hand_is_the_tape(family, style, rng):
    problem = families.Problem(family, family.draw(rng), style)
    J = problem.tape()
    gradients, inner = problem.gradients()
    given = {**gradients, **inner}
    assert inner
    for name, right in on_tape(J, given).items():
        assert given[name].shape == right.shape
        assert np.allclose(given[name], right, rtol=1e-9, atol=1e-12), name


@pytest.mark.parametrize("family", families.FAMILIES, ids=lambda family: family.name)
def test_the_tape_is_the_cost_by_hand(family, rng):
    problem = families.random_problem(family, rng)
    assert problem.tape().item() == pytest.approx(float(problem.values()["J"]))


@pytest.mark.parametrize(("family", "style"), STYLES, ids=IDS)
def test_the_pass_in_other_words_is_the_same(family, style, rng):
    problem = families.Problem(family, family.draw(rng), style)
    right = problem.gradients()[0]
    texts = set()
    for _ in range(3):
        tree = edits.in_other_words(problem, rng)
        texts.add(ast.unparse(tree))
        given = problem.gradients(compile(tree, "backward", "exec"))[0]
        assert all(np.allclose(given[name], right[name], rtol=1e-9) for name in right)
    assert len(texts) > 1


@pytest.mark.parametrize(("family", "style"), STYLES, ids=IDS)
def test_every_line_is_edited_and_what_is_planted_is_wrong(family, style, rng):
    problem = families.Problem(family, family.draw(rng), style)
    lines = [line.strip() for line in problem.text.splitlines() if line.strip()]
    numbers = edited.all_numbers(problem, rng)
    right = problem.gradients()[0]
    for n in numbers:
        assert edited.differing(n.gradients, right)
        assert n.edit.what in edits.ANSWERS
    edited_lines = {ast.unparse(n.edit.tree) for n in numbers}
    assert len(edited_lines) > 2 * len(lines)


def test_every_way_of_editing_is_planted_somewhere(rng):
    seen = set()
    for family, style in STYLES:
        problem = families.Problem(family, family.draw(rng), style)
        seen |= {edit.what for edit in edits.edits(problem, rng)}
    assert seen == set(edits.ANSWERS)


def finding(kind, where, advice, rank=1):
    return SimpleNamespace(kind=kind, where=where, advice=advice, rank=rank)


def test_an_answer_is_right_if_kind_place_and_text_are(rng):
    """What is planted: the derivative of tanh left out, at every step of a recurrence."""
    problem = families.Problem(families.RNN, families.RNN.draw(rng), 0)
    edit = next(
        e
        for e in edits.edits(problem, rng)
        if e.every and e.what == "factor" and e.wrong == "dz[t] = dh[t]"
    )
    paths = edited.Between(problem.tape())
    said = "this is the gradient without tanh′(z2). Multiply dh2 by 1 − h2∘h2."
    every = f"{said} So it is at every step: z1 and z2."
    judged = {
        ("derivative-dropped", "z2", every): "named",
        ("derivative-dropped", "z2", said): "text",
        ("derivative-dropped", "U", every): "place",
        ("transposed", "z2", every): "other kind",
    }
    for given, outcome in judged.items():
        assert edited.answer(edit, finding(*given), paths) == outcome


def test_edits_that_are_the_same_function_are_found(rng):
    problem = families.Problem(families.SOFTMAX, families.SOFTMAX.draw(rng), 0)
    numbers = edited.all_numbers(problem, rng)
    twice = next(n for n in numbers if n.edit.wrong == "dS = 2 * ((P - Y) / m)")
    case = edited.case_of(twice, numbers, problem, rng)
    assert set(case.wrong) >= {"W", "b"}
    dropped = [n for n in numbers if "X.T @ dS" in n.edit.wrong and n.edit.what == "term"]
    assert not any(edited.close(n.mark, twice.mark) for n in dropped)


@pytest.mark.parametrize("family", families.FAMILIES, ids=lambda family: family.name)
def test_any_tape_with_any_wrong_gradients_gets_an_answer(family, rng, monkeypatch):
    from autograd_lite.diagnosis import comparison, points

    monkeypatch.setattr(points, "FAILURES_SHOW", True)
    monkeypatch.setattr(comparison, "MOST_SECONDS", 4.0)
    problem = families.random_problem(family, rng)
    J = problem.tape()
    names = {s.label: s.tensor for s in steps(J) if s.label and s.tensor.requires_grad}
    noise = {name: rng.normal(size=t.shape) for name, t in names.items()}
    report = ag.compare(J, noise)
    assert not report.ok
    assert all(entry.findings for entry in report if entry.verdict != "agrees")
