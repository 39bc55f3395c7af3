"""The mistakes that `ag.compare` is measured with: the pass is right, and every plant is wrong."""

from collections import Counter
from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.diagnosis import mistakes, places, search
from autograd_lite.walk import recorded_for
from benchmarks import by_hand, diagnosis, planting
from benchmarks.mistakes import KINDS, MISTAKES, UNPLANTED


def tape_gradients(J, names):
    named = {t.name: t for t in recorded_for(J) if t.name}
    return dict(zip(names, ag.gradients(J, [named[name] for name in names]), strict=True))


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 2e-5)])
def test_the_pass_without_a_mistake_is_the_tape(dtype, tolerance):
    rng = np.random.default_rng(1)
    for _ in range(25):
        problem = by_hand.random_problem(rng, dtype)
        J = problem.tape()
        for author in problem.habits():
            gradients, inner, values = by_hand.backward(author)
            given = {**gradients, **(inner if author.mean == "cost" else {})}
            assert {array.dtype for array in given.values()} == {np.dtype(dtype)}
            assert planting.distance(given, tape_gradients(J, given)) < tolerance
        recorded = {t.name: t.data for t in recorded_for(J) if t.name}
        assert planting.distance(values, recorded) < tolerance


def test_the_pass_without_a_mistake_is_the_slope_of_the_cost():
    rng = np.random.default_rng(2)
    for _ in range(8):
        problem = by_hand.random_problem(rng)
        if problem.kink:  # the cost has two slopes there
            continue
        slopes = by_hand.central_differences(problem, 1e-5)
        assert planting.distance(by_hand.backward(problem)[0], slopes) < 1e-6


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_a_use_left_out_changes_what_it_says_and_nothing_else(dtype, tolerance):
    for case in planting.path_cases(np.random.default_rng(3), dtype):
        J, given, _ = case.build()
        right = tape_gradients(J, given)
        for name, array in given.items():
            difference = planting.distance({name: array}, right)
            assert difference > 1e-2 if name in case.wrong else difference < tolerance


def test_every_kind_and_every_line_of_the_table_is_planted_and_wrong():
    rng = np.random.default_rng(4)
    kinds = Counter({"path-missing": 1})
    waiting = list(MISTAKES)
    for problem in (by_hand.random_problem(rng) for _ in range(60)):
        for plant in planting.other_plants(problem):
            kinds[plant.kind] += gives_something_wrong(plant, problem)
        for mistake in list(waiting):
            layers = [l for l in range(1, problem.L + 1) if mistake.applies(problem, l)]
            for l in layers:
                plant = planting.line_plant(
                    mistake.kind,
                    mistake.edits(problem, [l]),
                    mistake.places(problem, l),
                    mistake.shaped,
                )
                if gives_something_wrong(plant, problem):
                    assert plant.places
                    kinds[mistake.kind] += 1
                    waiting.remove(mistake)
                    break
        if not waiting:
            break
    assert waiting == []
    assert set(kinds) | set(UNPLANTED) == set(KINDS)


def gives_something_wrong(plant, problem):
    try:
        wrong = planting.planted(plant, problem)
    except planting.NotThere:
        return False
    right = by_hand.backward(problem)[0]
    assert planting.distance(wrong, right) > (1e-15 if plant.kind == "precision" else 1e-9)
    return True


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_cases_take_every_kind_in_turn(dtype):
    found = list(islice(planting.cases(np.random.default_rng(5), dtype), 10))
    assert len({case.kind for case in found}) == 10
    for case in found:
        assert set(case.first_wrong()) <= set(case.wrong)
        assert not case.places or case.is_kind(case.kind, min(case.places))


def equals(line, text, **changes):
    """The kinds and places that are the same function as this line, in a network of two layers."""
    rng = np.random.default_rng(6)
    while True:
        problem = by_hand.random_problem(rng)
        wanted = {"activations": ("tanh", "sigmoid"), "decay": 0, **changes}
        if all(getattr(problem, name) == value for name, value in wanted.items()):
            break
    plant = planting.line_plant("", {line: text}, frozenset())
    return planting.same_function(plant, planting.catalogue(problem, rng), False)


def test_what_is_the_same_function_by_algebra_is_found():
    squares = {"loss": "half_squared_error", "mean": "cost"}
    undivided = equals(("loss", 2), "(A - Y) / m / m", **squares)
    assert {("extra-mean", "J"), ("scale", "A2"), ("scale", "Z2")} <= undivided
    dropped = equals(("dZ", 2), "dA", **squares)
    assert {kind for kind, _ in dropped} == {"derivative-dropped", "loss-derivative"}
    assert equals(("dZ", 1), "-dA * (1 - A**2)", **squares) == {("sign", "Z1"), ("sign", "A1")}


def test_the_measurement_tells_right_answers_from_wrong(monkeypatch):
    case = planting.Case(
        description="",
        kind="sign",
        places=frozenset({"Z1"}),
        equivalents=frozenset({("sign", "A1"), ("scale", "Z1")}),
        build=lambda: (None, {}, None),
        wrong=("W1", "b1"),
    )

    def outcome(*findings, name="W1"):
        top = [SimpleNamespace(kind=k, where=w, rank=rank) for k, w, rank in findings]
        entries = {name: SimpleNamespace(findings=top)}
        report = type("Report", (dict,), {"ok": not findings})(entries)
        monkeypatch.setattr(ag, "compare", lambda *given: report, raising=False)
        return diagnosis.judge(case).outcome

    assert outcome(("sign", "Z1", 1)) == "named"
    assert outcome(("transposed", "W1", 1), ("sign", "A1", 1)) == "named"
    assert outcome(("scale", "Z1", 1), ("sign", "Z1", 2)) == "equal"
    assert outcome(("sign", "W1", 1)) == "place wrong"
    assert outcome(("transposed", "W1", 1)) == "other kind"
    assert outcome(("unknown", "W1", 1)) == "unknown"
    assert outcome() == "agrees"


@pytest.fixture
def compared():
    """Compare the gradients of two layers, each multiplied by itself: a mistake of no table."""
    rng = np.random.default_rng(6)
    X, b1, b2 = ag.Tensor(rng.normal(size=(4, 3))), np.zeros((1, 5)), np.zeros((1, 2))
    W1, W2 = (ag.Tensor(rng.normal(size=s), True, n) for s, n in (((3, 5), "W1"), ((5, 2), "W2")))
    b1, b2 = ag.Tensor(b1, True, "b1"), ag.Tensor(b2, True, "b2")
    A1 = np.tanh((X @ W1 + b1).named("Z1")).named("A1")
    J = np.mean(((A1 @ W2 + b2).named("Z2") - 1.0) ** 2)
    right = tape_gradients(J, {"W1": 0, "b1": 0, "W2": 0, "b2": 0})
    return lambda change: ag.compare(J, {name: change(g) for name, g in right.items()})


def test_an_idea_makes_each_product_once(monkeypatch, compared):
    made, repeated = [], []
    product, of_idea = mistakes.matrix_product, places.Idea.array.fget

    def counted(a, b):
        made.append((a.tobytes(), b.tobytes(), a.shape, b.shape))
        return product(a, b)

    def array(idea):
        before = len(made)
        result = of_idea(idea)
        repeated.extend(k for k, n in Counter(made[before:]).items() if n > 1)
        return result

    monkeypatch.setattr(mistakes, "matrix_product", counted)
    monkeypatch.setattr(places.Idea, "array", property(array))
    assert not compared(lambda g: g * g)
    assert made
    assert not repeated


def test_what_a_mistake_gives_is_made_once(monkeypatch, compared):
    made, counts = [], []
    of_idea, wrong = places.Idea.array.fget, search.Trial.wrong

    def counted(trial, point):
        before = len(made)
        result = wrong(trial, point)
        counts.append(len(made) - before)
        return result

    monkeypatch.setattr(
        places.Idea, "array", property(lambda idea: made.append(idea) or of_idea(idea))
    )
    monkeypatch.setattr(search.Trial, "wrong", counted)
    assert not compared(lambda g: -g)
    assert set(counts) == {1}
