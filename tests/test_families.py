"""The models that `ag.compare` is measured with: their passes are right, every edit is wrong."""

import ast
import re
from types import SimpleNamespace

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.diagnosis import comparison, points, probes
from autograd_lite.diagnosis.claims import read_claims
from autograd_lite.diagnosis.points import Paths
from autograd_lite.graph import steps
from autograd_lite.walk import recorded_for
from benchmarks import edited, edits, families
from benchmarks.fuzz.drafts import draw, quiet

pytestmark = pytest.mark.long

STYLES = [(family, s) for family in families.FAMILIES for s in range(len(family.backward))]
IDS = [f"{family.name}, style {s}" for family, s in STYLES]


def lines_of(tree):
    return [ast.unparse(statement) for statement, _ in edits._statements(tree)]


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
    plain = lines_of(ast.parse(problem.text))
    untouched = {k for k, line in enumerate(plain) if "zeros" not in line}
    for edit in edits.edits(problem, rng):
        pairs = zip(plain, lines_of(edit.tree), strict=False)  # (some add a line)
        untouched -= {k for k, (line, wrong) in enumerate(pairs) if line != wrong}
    assert untouched == set()
    right = on_tape(problem.tape(), problem.parameters)
    for n in edited.all_numbers(problem, rng):
        assert edited.differing(n.gradients, right), n.edit.text
        assert n.edit.what in edits.ANSWERS


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


# A line of the pass, the same written wrongly, and what is said of it.
CASES = [
    ("RNN", 0, "dh[t] * (1 - h[t]**2)", "dh[t]", "derivative-dropped", "every step: z1"),
    ("RNN", 0, "dz[t] @ W.T", "dz[t] @ W", "weight-not-transposed", "every step"),
    ("RNN", 0, "do[t] @ V.T + later", "do[t] @ V.T", "path-missing", "every step"),
    ("RNN", 0, "do[t] @ V.T + later", "later", "path-missing", "every step"),
    ("RNN", 0, "dW += ", "dW = ", "overwritten", r"dW \+= …"),
    ("RNN", 0, "dW += h[t - 1]", "dW += h[t]", "wrong-activation", "every step"),
    ("LSTM", 0, "[dai, daf,", "[daf, dai,", "exchanged", "f[123] and i[123] are exchanged"),
    ("GRU", 0, "dg[t] = dh[t] * (1 - z[t])", "dg[t] = dh[t] * z[t]", "wrong-activation", "1 − z"),
    ("batch normalization", 1, " + dmu / m", "", "path-missing", "mu"),
    ("batch normalization", 2, "xhat * along", "along", "factor-missing", "xhat is left out"),
    ("batch normalization", 2, "m * dxhat", "dxhat", "scale", "directly"),
    ("batch normalization", 2, " - total - xhat * along", "", "path-missing", "alone|and"),
    (
        "layer normalization",
        2,
        "dxhat * xhat, axis=1",
        "dxhat * xhat, axis=0",
        "wrong-axis",
        "axis 0",
    ),
    ("softmax regression with L2", 1, "dP * P, axis=1", "dP * P, axis=0", "wrong-axis", "axis 0"),
    ("softmax regression with L2", 0, "decay * W", "decay", "regularisation", "left out"),
    (
        "convolution by sliding windows, max pooling",
        0,
        " * share",
        " + 0 * share",
        "mask-missing",
        "mask of max",
    ),
    ("convolution by im2col, two layers", 0, "placed(", "put(", "overwritten", "add it up"),
    (
        "convolution by im2col, two layers",
        0,
        "np.repeat(dS, o2 * o2, axis=0)",
        "np.tile(dS, (o2 * o2, 1))",
        "wrong-order",
        "order",
    ),
    (
        "skip-gram, repeated rows",
        0,
        "np.add.at(dE, center, dH)",
        "dE[center] += dH",
        "overwritten",
        "np.add.at",
    ),
    (
        "attention, masked, two heads",
        0,
        "dQ.transpose(0, 2, 1, 3).reshape",
        "dQ.reshape",
        "wrong-order",
        "order",
    ),
    (
        "attention, masked, two heads",
        0,
        "dS = A * (dA - np.sum(dA * A, axis=-1, keepdims=True))",
        "dS = A * dA",
        "path-missing",
        "constant|path",
    ),
    (
        "Gaussian likelihood",
        1,
        "1 - r**2 / v",
        "1 - r / v",
        "preactivation-used",
        "r stands for r²",
    ),
]


@pytest.mark.parametrize(("name", "style", "right", "wrong", "kind", "words"), CASES)
def test_a_line_written_wrongly_is_named(name, style, right, wrong, kind, words, rng):
    family = next(family for family in families.FAMILIES if family.name == name)
    problem = families.Problem(family, family.draw(rng), style)
    assert right in problem.text
    given = problem.gradients(problem.text.replace(right, wrong, 1))[0]
    report = ag.compare(problem.tape(), given)
    entry = next(entry for entry in report if entry.verdict != "agrees")
    texts = [f"{f.where}: {f.advice}" for f in entry.best if f.kind == kind]
    assert texts, report
    assert any(re.search(words, text) for text in texts), texts


def recurrence(steps, wrong, rng):
    """The tape of h = tanh(x U + h W), and its gradients by hand; `wrong` are the steps at which
    the derivative of tanh is left out."""
    X, H0 = rng.normal(size=(steps + 1, 5, 2)), rng.normal(size=(5, 3))
    U, W = (ag.Tensor(rng.normal(size=(n, 3)), True, name) for n, name in ((2, "U"), (3, "W")))
    h = [ag.Tensor(H0)]
    for t in range(1, steps + 1):
        h.append(np.tanh((X[t] @ U + h[-1] @ W).named(f"z{t}")).named(f"h{t}"))
    J = np.sum(h[-1] ** 2) / 5
    dh, dU, dW = 2 * h[-1].data / 5, 0, 0
    for t in range(steps, 0, -1):
        dz = dh if t in wrong else dh * (1 - h[t].data ** 2)
        dU, dW, dh = dU + X[t].T @ dz, dW + h[t - 1].data.T @ dz, dz @ W.data.T
    return J, {"U": dU, "W": dW}


def layers_by_hand(count, wrong, rng):
    """The same for layers Z = W A, A = tanh Z, each with a W of its own."""
    A = [rng.normal(size=(4, 7))]
    Ws = [ag.Tensor(rng.normal(size=(4, 4)), True, f"W{l + 1}") for l in range(count)]
    for l in range(1, count + 1):
        A.append(np.tanh((Ws[l - 1] @ A[-1]).named(f"Z{l}")).named(f"A{l}"))
    J = np.sum(A[-1] ** 2) / 7
    values = [A[0], *(a.data for a in A[1:])]
    dA, by_hand = 2 * values[-1] / 7, {}
    for l in range(count, 0, -1):
        dZ = dA if l in wrong else dA * (1 - values[l] ** 2)
        by_hand[f"W{l}"], dA = dZ @ values[l - 1].T, Ws[l - 1].data.T @ dZ
    return J, by_hand


SOME = [
    (recurrence, 5, range(2, 6), "at every step from z2 on: z2, z3, z4 and z5"),
    (recurrence, 5, range(4, 6), "at every step from z4 on: z4 and z5"),
    (recurrence, 5, range(1, 5), "at every step up to z4: z1, z2, z3 and z4"),
    (recurrence, 5, range(2, 5), "at every step from z2 up to z4: z2, z3 and z4"),
    (recurrence, 20, range(8, 21), "at every step from z8 on: z8, z9, … z20"),
    (recurrence, 5, range(1, 6), "at every step: z1, z2, … z5"),
    (layers_by_hand, 6, range(2, 7), "in every layer from Z2 on: Z2, Z3, … Z6"),
    (layers_by_hand, 6, range(1, 5), "in every layer up to Z4: Z1, Z2, Z3 and Z4"),
    (layers_by_hand, 6, range(3, 6), "in every layer from Z3 up to Z5: Z3, Z4 and Z5"),
]


@pytest.mark.parametrize(("model", "size", "wrong", "words"), SOME)
def test_a_mistake_from_some_step_on_says_from_which(model, size, wrong, words, rng, monkeypatch):
    monkeypatch.setattr(points, "FAILURES_SHOW", True)
    J, given = model(size, wrong, rng)
    report = ag.compare(J, given)
    entry = next(entry for entry in report if entry.verdict != "agrees")
    (finding,) = [f for f in entry.best if f.kind == "derivative-dropped"]
    assert finding.advice.endswith(f"So it is {words}.")


def test_a_probe_tells_what_a_change_does_to_a_gradient(rng):
    """The tangents are the adjoint of the backward pass; one that is off by 1 % is not."""
    problem = families.random_problem(families.VAE, rng)
    J, (gradients, _) = problem.tape(), problem.gradients()
    paths = Paths(steps(J))
    (point,) = points.points(paths, 0)
    wanted = [claim.step for claim in read_claims(paths, gradients)]
    starts = {step.number: rng.normal(size=step.shape) for step in wanted}
    none, all_of_them = frozenset(), frozenset(starts)
    everywhere = {x.number: list(starts) for x in paths.down}
    along_each = {n: {n: direction} for n, direction in starts.items()}
    moved = probes.tangents(point, along_each, everywhere, none)
    for x in paths.down:
        change = rng.normal(size=x.shape)
        pulled = dict(point.pull(x, change, all_of_them, none))
        assert set(moved[x.number]) == set(pulled)
        for number, u in moved[x.number].items():
            seen, along = float(np.vdot(change, u)), float(np.vdot(starts[number], pulled[number]))
            assert seen == pytest.approx(along, abs=1e-10)
            assert seen != pytest.approx(1.01 * along + 1e-9, rel=1e-6)


@pytest.mark.parametrize("noise", [1e-12, 1e-4])
def test_along_a_probe_a_claim_is_off_by_more_than_its_noise(noise, rng):
    """One number is off by little more than noise, the others by little less."""
    x = ag.Tensor(rng.normal(size=(4, 8)), True, "x")
    (claim,) = read_claims(Paths(steps(np.sum(x * x))), {"x": x.data})
    off = 0.9 * noise * rng.choice([-1.0, 1.0], size=x.shape)
    off[2, 3] *= 1.2 / 0.9
    claim.given = [2 * x.data + off]

    def tolerances(*_):
        return noise

    tolerances.fine = lambda *_: noise / 2
    found = probes.probe(claim, 2 * x.data, tolerances, rng)
    assert found.off > found.noise == 2 * found.fine


@pytest.mark.parametrize("family", families.FAMILIES, ids=lambda family: family.name)
def test_any_tape_with_any_wrong_gradients_gets_an_answer(family, rng, monkeypatch):
    monkeypatch.setattr(points, "FAILURES_SHOW", True)
    monkeypatch.setattr(comparison, "MOST_SECONDS", 4.0)
    problem = families.random_problem(family, rng)
    J = problem.tape()
    names = {s.label: s.tensor for s in steps(J) if s.label and s.tensor.requires_grad}
    noise = {name: rng.normal(size=t.shape) for name, t in names.items()}
    report = ag.compare(J, noise)
    assert not report.ok
    assert all(entry.findings for entry in report if entry.verdict != "agrees")


def test_a_mistake_of_whole_gradients_in_every_layer_is_said(monkeypatch):
    """A gradient as a whole has no operation on the way that it could be named by."""
    monkeypatch.setattr(points, "FAILURES_SHOW", True)
    rng = np.random.default_rng(6)
    net = nn.Network([4, 4, 4], ["relu", "sigmoid"], rng=6, dtype=np.float32)
    X, Y = rng.normal(size=(4, 11)), rng.uniform(size=(4, 11))
    f = net.forward(X.astype(np.float32))
    J = nn.losses.half_squared_error(f.A[2], Y.astype(np.float32))
    by_hand = {}
    for l, dZ in enumerate(ag.gradients(J, [f.Z[1], f.Z[2]]), start=1):
        by_hand[f"b{l}"] = 11 * dZ[:, :1]
        by_hand[f"W{l}"] = by_hand[f"b{l}"] @ f.A[l - 1].data[:, :1].T
    report = ag.compare(J, by_hand)
    assert all(entry.findings for entry in report)


def test_any_random_program_with_any_gradients_gets_an_answer(monkeypatch):
    monkeypatch.setattr(comparison, "MOST_SECONDS", 1.0)
    compared = 0
    for number in range(25):
        program = draw(5, number, steps=24)
        wrt = program.differentiable()
        inputs = [
            ag.Tensor(x, requires_grad=True, name=f"x{k}") if k in wrt else x
            for k, x in enumerate(program.arguments(0))
        ]
        noise = np.random.default_rng(number)
        with quiet():
            J = program.function(returns=[program.cost])(*inputs)
            J = J[0] if isinstance(J, tuple) else J
            if not J.requires_grad:
                continue
            paths = Paths(steps(J))
            reached = {id(s.tensor) for s in paths.down}
            leaves = [x for x in inputs if id(x) in reached]
            if not leaves:
                continue
            report = ag.compare(J, {x: noise.normal(size=x.shape) for x in leaves})
        assert len(report) == len(leaves)
        assert all(entry.findings for entry in report if entry.verdict != "agrees")
        compared += 1
    assert compared > 15
