"""`ag.compare` on tapes of every kind: every mistake of the table is tried, and none fails inside.

What the table can make is planted where it can be made, and has to be told from what is right.
"""

from __future__ import annotations

import ast
import functools
import inspect
import itertools
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest
from tapes import TAPES

import autograd_lite as ag
from autograd_lite.diagnosis import comparison, mistakes, points, search
from autograd_lite.diagnosis.claims import read_claims
from autograd_lite.diagnosis.layout import Layout
from autograd_lite.diagnosis.mistakes import TABLE, Mistake
from autograd_lite.diagnosis.places import Idea, contribution
from autograd_lite.diagnosis.points import Paths, Point
from autograd_lite.diagnosis.search import Search
from autograd_lite.diagnosis.tolerances import Tolerances, max_norm
from autograd_lite.graph import replay, steps

pytestmark = pytest.mark.long


@pytest.fixture(autouse=True)
def _failures_show(monkeypatch):
    monkeypatch.setattr(points, "FAILURES_SHOW", True)


def build(name, dtype=np.float64):
    """A tape, its parameters, and the right gradients by what they are handed in under."""
    rng = np.random.default_rng(0)
    J, tensors = TAPES[name](rng, dtype)
    gradients = ag.gradients(J, list(tensors.values()))
    return J, tensors, dict(zip(tensors, gradients, strict=True)), rng


@pytest.mark.parametrize("name", TAPES)
def test_the_right_gradients_are_the_slope_of_the_cost(name):
    """The judge of the rest: along a random direction, by central differences."""
    J, tensors, right, rng = build(name)
    recorded = steps(J)
    leaves = {t: rng.normal(size=t.shape) for t in tensors.values() if recorded.step(t).op is None}
    h = 1e-5

    def cost(t):
        moved = {x: x.data + t * d for x, d in leaves.items()}
        return float(np.squeeze(replay(recorded, moved)[recorded.cost.number]))

    slope = (8 * (cost(h) - cost(-h)) - (cost(2 * h) - cost(-2 * h))) / (12 * h)
    given = sum(np.sum(right[key] * leaves[t]) for key, t in tensors.items() if t in leaves)
    assert slope == pytest.approx(given, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", TAPES)
def test_every_mistake_is_tried_on_every_tape(name, dtype):
    """Noise fits nothing, so the whole table is gone through; alone and all at once."""
    J, _, right, rng = build(name, dtype)
    assert ag.compare(J, right).ok
    noise = {key: rng.normal(size=g.shape).astype(dtype) for key, g in right.items()}
    odd = {key: rng.normal(size=(2, *g.shape)).astype(dtype) for key, g in right.items()}
    flat = {key: g.reshape(-1) for key, g in right.items()}
    for given in (noise, odd, *({key: g} for key, g in noise.items())):
        assert {entry.verdict for entry in ag.compare(J, given)} <= {"differs", "shape"}
    for entry in ag.compare(J, flat):
        assert (entry.verdict == "agrees") == (len(entry.shape) == 1)


@pytest.mark.parametrize("name", TAPES)
def test_functions_of_what_is_on_the_tape(name):
    J, _, right, _ = build(name)
    tried = {key: (lambda k=key: -right[k]) for key in right}
    report = ag.compare(J, tried)
    assert not any(entry.verdict == "agrees" for entry in report)


class Planted(NamedTuple):
    """A mistake of the table, made at one place: the gradients that it gives, right ones too."""

    entry: str
    kind: str
    given: dict
    wrong: set


@functools.cache
def plants(name):
    """One of each mistake that can be made on the tape, and changes more than rounding does."""
    J, _, right, _ = build(name)
    found = []
    with np.errstate(all="ignore"):
        paths = Paths(steps(J))
        point = Point(paths, [s.value for s in paths.steps])
        claims = read_claims(paths, right)
        for claim, g in zip(claims, right.values(), strict=True):
            claim.given = [g + 1]  # no entry of it is zero, and none is right
        layout = Layout(point)
        look = Search(layout, [point], claims, Tolerances(point))
        places = [place for x in paths.down for place in look.places(x)]
        for mistake in TABLE:
            ideas = (
                (place, idea)
                for place in places
                if place.on == mistake.on
                for idea in mistake.ideas(place)
            )
            plant = next(filter(None, (made(mistake, *one, right, look) for one in ideas)), None)
            if plant:
                found.append(plant)
    return J, right, found


def made(mistake, place, idea, right, look):
    array, x = idea.array, place.x
    if array is None or not np.isfinite(array).all():
        return None
    entry = f"{mistake.ideas.__name__} on {mistake.on}"
    if array.shape != x.shape:
        own = [
            key for key, claim in zip(right, look.claims.values(), strict=True) if claim.step is x
        ]
        if place.part != "all" or not own or not np.any(array):
            return None
        return Planted(entry, idea.kind or mistake.kind, right | {own[0]: array}, set(own))
    factor = 0.37 if mistake.free else 3.0 if mistake.by_factor else 1.0
    part = contribution(place.point, x, None if mistake.adds else place.part)
    pulled = dict(place.point.pull(x, factor * array - part, look.wanted))
    given, wrong = {}, set()
    for key, claim in zip(right, look.claims.values(), strict=True):
        g = right[key] + pulled.get(claim.step.number, 0)
        g = np.where(np.abs(g) < 1e-14 * max_norm(right[key]), 0, g)  # what is left out is 0
        error = max_norm(g - right[key]) / max_norm(right[key])
        if error > 1e-12:
            wrong.add(key)
        if 1e-12 < error < 1e-3:
            return None
        given[key] = g if key in wrong else right[key]
    return Planted(entry, idea.kind or mistake.kind, given, wrong) if wrong else None


# One number shows no free factor. Above a gradient that agrees no mistake is looked for, although
# a part of an array may be wrong without reaching it.
NOT_NAMED = {
    "numbers": {"regularisation"},
    "one_number": {"regularisation"},
    "elementwise_with_arrays": {"one-sample", "part-zero", "wrong-weight"},
    "different_batch_shapes": {"flipped"},
    "many_rearrangements": {"part-zero", "flipped"},
}
# These are read off what was handed in.
NOT_MADE = {"part_zero on whole", "squeezed on whole", "all_zero on whole"}


@pytest.mark.parametrize("name", TAPES)
def test_what_the_table_makes_is_named_and_told_from_what_is_right(name):
    J, right, found = plants(name)
    assert found
    missed = []
    for plant in found:
        report = ag.compare(J, plant.given)
        assert {key for key in right if report[key].verdict != "agrees"} == plant.wrong, plant.entry
        said = {f.kind for key in plant.wrong for f in report[key].findings}
        if plant.kind not in said and not (plant.kind == "scale" and "accumulated" in said):
            missed.append((plant.entry, plant.kind, said))
    assert {kind for _, kind, _ in missed} <= NOT_NAMED.get(name, set()), missed


def test_every_mistake_of_the_table_is_made_on_some_tape():
    entries = {plant.entry for name in TAPES for plant in plants(name)[2]}
    missing = {f"{m.ideas.__name__} on {m.on}" for m in TABLE} - entries
    assert missing == NOT_MADE


@pytest.mark.parametrize("module", [search, comparison])
def test_the_search_knows_no_mistake_by_name(module):
    """What it needs to know of a mistake stands in the table."""
    kinds = {mistake.kind for mistake in TABLE} - {"shape"}  # which is a verdict as well
    nodes = ast.walk(ast.parse(inspect.getsource(module)))
    assert not kinds & {node.value for node in nodes if isinstance(node, ast.Constant)}


# Parameters with several uses


def recurrence(steps, m=4, n=3, each=False):
    """h = tanh(x U + h W + b), the first h one row for all samples; the parts of each gradient."""
    rng = np.random.default_rng(2)
    U, W, b = (
        ag.Tensor(rng.normal(size=s) / 2, True, k)
        for k, s in (("U", (2, n)), ("W", (n, n)), ("b", (n,)))
    )
    X, h, J = rng.normal(size=(steps, m, 2)), rng.normal(size=(1, n)), 0.0
    before = []
    for t in range(steps):
        before.append(np.broadcast_to(h if t == 0 else h.data, (m, n)))
        h = np.tanh((X[t] @ U + h @ W + b).named(f"z{t + 1}")).named(f"h{t + 1}")
        J = J + np.sum(h * h) / 2 if each or t == steps - 1 else J
    parts, dh = [], np.zeros((m, n))
    after = [*before[1:], h.data]
    for t in reversed(range(steps)):
        dz = (dh + (after[t] if each or t == steps - 1 else 0)) * (1 - after[t] ** 2)
        parts.insert(0, {"U": X[t].T @ dz, "W": before[t].T @ dz, "b": dz.sum(axis=0)})
        dh = dz @ W.data.T
    return J, parts


def total(parts, left_out=()):
    kept = [part for t, part in enumerate(parts) if t not in left_out]
    return {key: sum(part[key] for part in kept) for key in "UWb"}


@pytest.mark.parametrize("each", [False, True])
@pytest.mark.parametrize("t", range(4))
def test_the_time_step_that_was_forgotten_is_named(t, each):
    J, parts = recurrence(4, each=each)
    assert ag.compare(J, total(parts)).ok
    report = ag.compare(J, total(parts, {t}))
    for key in "UWb":
        said = {f.where: f.advice for f in report[key].best if f.kind == "path-missing"}
        assert f"{key} is used 4 times: add the path through z{t + 1}." in said[key]
        assert said.keys() == ({key, "h1", "z1"} if t == 0 else {key})  # nothing comes before z1
    (alone,) = ag.compare(J, {"W": total(parts, {t})["W"]})
    assert f"z{t + 1}" in alone.findings[0].advice


@pytest.mark.parametrize("t", [1, 2, 3])
def test_steps_that_were_cut_off_are_named(t):
    """Truncated back-propagation through time: nothing flows into the first t steps."""
    J, parts = recurrence(4)
    report = ag.compare(J, total(parts, range(t)))
    for key in "UWb":
        finding = report[key].findings[0]
        assert (finding.kind, finding.where) == ("path-missing", f"z{t}")
        assert f"nothing flows back through z{t}" in finding.advice


# Rounding


@pytest.mark.parametrize(("units", "grows"), [(1, False), (8, False), (9, True), (50, True)])
def test_what_is_not_more_than_eight_times_its_rounding_has_no_digit_to_compare(units, grows):
    """What is allowed grows with what is expected, if the right gradient is more than noise: here
    1 + so many units of rounding, less 1, which is rounded by one unit.
    """
    x = ag.Tensor([1.0], True, "x")
    J = np.sum(x * np.array([1 + units * 2.0**-52]) - x * np.array([1.0]))
    step = steps(J).step(x)
    paths = Paths(steps(J))
    point = Point(paths, [s.value for s in paths.steps])
    tolerances, right = Tolerances(point), point.gradients[step.number]
    once, often = (tolerances(step, n * right, right) for n in (1, 100))
    assert once / 2.0**-52 == pytest.approx(tolerances.allowance)
    assert often / once == pytest.approx(100 if grows else 1)
    if grows:  # what is expected to be zero may be off by eight units of what is right
        assert tolerances(step, 0 * right, right) == 8 * 2.0**-52 * right


# A search that cannot hang, and that nothing inside stops


def test_a_search_ends_in_time_and_says_so(monkeypatch):
    J, parts = recurrence(200)
    rng = np.random.default_rng(0)
    right = total(parts)
    noise = {key: rng.normal(size=g.shape) for key, g in right.items()}
    ticks = itertools.count()
    clock = SimpleNamespace(monotonic=lambda: 0.001 * next(ticks))  # the same on every machine
    monkeypatch.setattr(comparison, "MOST_SECONDS", 0.5)
    monkeypatch.setattr(comparison, "time", clock)
    monkeypatch.setattr(search, "time", clock)
    report = ag.compare(J, noise)
    assert "the search was stopped after 0.5 s, before all was tried" in str(report)
    assert {entry.verdict for entry in report} == {"differs"}
    assert ag.compare(J, right).ok
    (entry,) = ag.compare(J, {"W": right["W"].T})  # what is cheap is tried first
    assert entry.findings[0].kind == "transposed"


def test_on_a_long_tape_the_time_is_not_spent_on_preparations(monkeypatch):
    x = ag.Tensor([0.1, -0.2], requires_grad=True, name="x")
    y = x
    for _ in range(300):
        y = y + 0.001 * np.sin(y)
    J = np.sum(y * y)
    (g,) = ag.gradients(J, [x])
    ticks = itertools.count()
    clock = SimpleNamespace(monotonic=lambda: 0.001 * next(ticks))
    monkeypatch.setattr(comparison, "time", clock)
    monkeypatch.setattr(search, "time", clock)
    (entry,) = ag.compare(J, {"x": -g}, quick=True)
    assert entry.findings[0].kind == "sign"


def test_what_is_right_to_some_digits_is_searched_for_a_moment_only(monkeypatch):
    J, parts = recurrence(20)
    right, rng, seconds = total(parts), np.random.default_rng(0), []

    class Searching(search.Search):
        def __init__(self, *args, **how):
            seconds.append(how["seconds"])
            super().__init__(*args, **how)

    monkeypatch.setattr(comparison, "Search", Searching)
    monkeypatch.setattr(comparison, "MOST_SECONDS", 2.0)
    monkeypatch.setattr(comparison, "QUICK_SECONDS", 0.5)
    rounded = {key: g * (1 + 1e-6 * rng.normal(size=g.shape)) for key, g in right.items()}
    report = ag.compare(J, rounded)
    assert {entry.findings[0].kind for entry in report} == {"precision"}
    assert not ag.compare(J, {**rounded, "U": right["U"] + rng.normal(size=right["U"].shape)})
    assert seconds == [0.5, 2.0]


def test_an_idea_that_fails_is_none_and_the_next_one_is_tried(monkeypatch):
    def fails_at_once(place):
        raise ValueError("operands could not be broadcast together")
        yield

    def fails_later(place):
        yield Idea(np.ones((7, 7)), "")
        yield Idea("no array", "")
        yield Idea(-place.right, "the mistake looked for")
        raise ZeroDivisionError

    table = [Mistake("sign", "whole", fails_at_once), Mistake("sign", "whole", fails_later)]
    monkeypatch.setattr(mistakes, "TABLE", table)
    monkeypatch.setattr("autograd_lite.diagnosis.search.TABLE", table)
    J, parts = recurrence(2)
    wrong = total(parts) | {"W": -total(parts)["W"]}
    with pytest.raises(ValueError, match="could not be broadcast"):
        ag.compare(J, wrong)
    monkeypatch.setattr(points, "FAILURES_SHOW", False)
    report = ag.compare(J, wrong)
    assert report["W"].findings[0].advice == "the mistake looked for"
    assert report["U"].verdict == report["b"].verdict == "agrees"


def test_a_search_that_fails_leaves_what_it_did_not_reach_unknown(monkeypatch):
    monkeypatch.setattr(points, "FAILURES_SHOW", False)
    monkeypatch.setattr(Search, "trials", lambda self: 1 / 0)
    J, parts = recurrence(2)
    report = ag.compare(J, total(parts) | {"W": -total(parts)["W"]})
    assert [(e.label, e.verdict) for e in report if e.findings] == [("W", "differs")]
    assert report["W"].findings[0].kind == "unknown"


def test_a_shape_that_holds_at_the_recorded_point_only(monkeypatch):
    """Other points, where functions are called too, are left out if the tape does not run there."""

    @ag.differentiable(lambda g, y, x: g * (x > 0))
    def only_here(x):
        if not np.array_equal(x, [1.0, 2.0, 3.0]):
            raise ValueError("a value of its own")
        return np.maximum(x, 0)

    x = ag.Tensor([1.0, 2.0, 3.0], True, "x")
    monkeypatch.setattr(points, "FAILURES_SHOW", False)
    for y in (x, np.sqrt(x * x)):  # the second of which is another one when it is rounded
        J = np.sum(only_here(y) ** 2)
        assert ag.compare(J, {"x": lambda x: 2 * x}).ok
        assert not ag.compare(J, {"x": lambda x: -2 * x}).ok
