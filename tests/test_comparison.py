"""`ag.compare` names mistakes that a person made in a backward pass in plain NumPy.

`RIGHT` is that pass, line by line; a case replaces lines of it. Nothing here uses the table of
mistakes that the comparison searches.
"""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from builders import cost_and_values

import autograd_lite as ag
import nn
from autograd_lite.diagnosis import points
from autograd_lite.walk import recorded_for

M = 7


@pytest.fixture(autouse=True)
def _failures_show(monkeypatch):
    monkeypatch.setattr(points, "FAILURES_SHOW", True)


RIGHT = {
    "dZ3": "(A3 - Y) / m",
    "dW3": "dZ3 @ A2.T",
    "db3": "dZ3.sum(axis=1, keepdims=True)",
    "dA2": "W3.T @ dZ3",
    "dZ2": "dA2 * (1 - A2**2)",
    "dW2": "dZ2 @ A1.T",
    "db2": "dZ2.sum(axis=1, keepdims=True)",
    "dA1": "W2.T @ dZ2",
    "dZ1": "dA1 * (1 - A1**2)",
    "dW1": "dZ1 @ X.T",
    "db1": "dZ1.sum(axis=1, keepdims=True)",
}
PARAMETERS = ("W1", "b1", "W2", "b2", "W3", "b3")


def by_hand(values, lines, all_of_them=False):
    """The gradients of the parameters, or of everything, with these lines for RIGHT's."""
    names = dict(values)
    for name, line in (RIGHT | lines).items():
        names[name] = eval(line, {"np": np}, names)
    return {n: names[n] for n in RIGHT if all_of_them or n[1:] in PARAMETERS}


def top(report):
    """(kind, where) of the best findings of the first entry that is wrong."""
    entry = next(e for e in report if e.verdict != "agrees")
    return {(f.kind, f.where) for f in entry.best}


CASES = [
    ("missing-mean", "Z3", {"dZ3": "A3 - Y"}),
    ("missing-mean", "b2", {"db2": "m * dZ2.sum(axis=1, keepdims=True)"}),
    ("extra-mean", "W2", {"dW2": "dZ2 @ A1.T / m"}),
    ("scale", "W1", {"dW1": "dZ1 @ X.T / 3"}),
    ("scale", "W1", {"dW1": "dZ1 @ X.T / (m - 1) * m"}),
    ("scale", "Z3", {"dZ3": "(A3 - Y) / Y.size"}),
    ("factor-two", "A1", {"dA1": "2 * W2.T @ dZ2"}),
    ("sign", "Z3", {"dZ3": "(Y - A3) / m"}),
    ("sign", "W2", {"dW2": "-dZ2 @ A1.T"}),
    ("accumulated", "W2", {"dW2": "dZ2 @ A1.T + dZ2 @ A1.T + dZ2 @ A1.T"}),
    ("transposed", "W2", {"dW2": "A1 @ dZ2.T"}),
    ("transposed", "W1", {"dW1": "X @ dZ1.T"}),
    ("reshaped", "W1", {"dW1": "(X @ dZ1.T).reshape(4, 3)"}),
    ("reshaped", "A2", {"dA2": "W3.reshape(4, 2) @ dZ3"}),
    ("derivative-dropped", "Z2", {"dZ2": "dA2"}),
    ("derivative-dropped", "W1", {"dW1": "dA1 @ X.T"}),
    ("derivative-twice", "Z1", {"dZ1": "dA1 * (1 - A1**2) * (1 - A1**2)"}),
    ("derivative-at-activation", "Z1", {"dZ1": "dA1 * (1 - np.tanh(A1)**2)"}),
    ("derivative-of-other-layer", "Z1", {"dZ1": "dA1 * (1 - A2**2)"}),
    ("derivative-mixed", "Z1", {"dZ1": "dA1 * (1 - A1 * A2)"}),
    ("derivative-wrong-formula", "Z1", {"dZ1": "dA1 * A1 * (1 - A1)"}),
    ("derivative-wrong-formula", "Z2", {"dZ2": "dA2 * (1 - A2)"}),
    ("derivative-wrong-formula", "Z2", {"dZ2": "dA2 * (Z2 > 0)"}),
    ("wrong-activation", "W2", {"dW2": "dZ2 @ A2.T"}),
    ("wrong-activation", "W3", {"dW3": "dZ3 @ A1.T"}),
    ("preactivation-used", "W2", {"dW2": "dZ2 @ Z1.T"}),
    ("preactivation-used", "Z1", {"dZ1": "dA1 * (1 - Z1**2)"}),
    ("weight-not-transposed", "A1", {"dA1": "W2 @ dZ2"}),
    ("factor-missing", "A1", {"dA1": "dZ2"}),
    ("copied-index", "A1", {"dA1": "W2[:, [0, 0, 2, 3]].T @ dZ2"}),
    ("copied-index", "A1", {"dA1": "W2[[0, 1, 1, 3]].T @ dZ2"}),
    ("bias-not-summed", "b2", {"db2": "dZ2"}),
    ("bias-wrong-axis", "b1", {"db1": "dZ1.sum(axis=0, keepdims=True)"}),
    ("bias-summed-over-all", "b1", {"db1": "np.full((4, 1), dZ1.sum())"}),
    ("bias-times-activation", "b1", {"db1": "(dZ1 * A1).sum(axis=1, keepdims=True)"}),
    ("one-sample", "W2", {"dW2": "dZ2[:, -1:] @ A1[:, -1:].T"}),
    ("one-sample", "b3", {"db3": "dZ3[:, :1]"}),
    ("part-zero", "W2", {"dW2": "dZ2 @ A1.T * [[1], [1], [0], [1]]"}),
    ("part-zero", "Z1", {"dZ1": "dA1 * (1 - A1**2) * [[0], [1], [1], [0]]"}),
    ("regularisation", "W2", {"dW2": "dZ2 @ A1.T + 0.013 * W2"}),
    ("stale-weights", "A1", {"dA1": "(W2 - 0.37 * dW2).T @ dZ2"}),
    ("output-not-loss", "A3", {"dZ3": "A3 * (1 - A3) / m"}),
    ("output-not-loss", "Z3", {"dZ3": "A3 / m"}),
    ("loss-derivative", "A3", {"dZ3": "(A3 - Y) * A3 * (1 - A3) / m"}),
    ("loss-derivative", "A3", {"dZ3": "-Y / A3 * A3 * (1 - A3) / m"}),
    ("precision", "W2", {"dW2": "np.round(dZ2 @ A1.T, 6)"}),
    ("convention", "Z3", {"dZ3": "A3 - Y"}),
    ("shape", "b2", {"db2": "dZ2.sum(axis=1)"}),
    ("unknown", "W2", {"dW2": "dZ2 @ A1.T + np.sin(np.arange(16.)).reshape(4, 4)"}),
]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("kind", "where", "lines"), CASES)
def test_one_mistake_is_named_with_its_place(kind, where, lines, dtype):
    J, values = cost_and_values(dtype)
    report = ag.compare(J, by_hand(values, lines))
    if kind == "precision" and dtype is np.float32:
        return  # that is what float32 itself rounds
    assert not report.ok
    assert (kind, where) in top(report), report


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_what_is_right_agrees(dtype):
    J, values = cost_and_values(dtype)
    report = ag.compare(J, by_hand(values, {}, all_of_them=True))
    assert report.ok
    assert {e.verdict for e in report} == {"agrees"}
    assert max(e.error for e in report) < 100 * np.finfo(dtype).eps
    report.raise_if_wrong()


def test_each_place_that_a_mistake_can_stand_at_is_told_from_the_others():
    J, values = cost_and_values()
    for line in ("dZ3", "dA2", "dZ2", "dA1", "dZ1", "dW1", "db2"):
        lines = {line: f"3 * ({RIGHT[line]})"}
        report = ag.compare(J, by_hand(values, lines, all_of_them=True))
        assert next(e for e in report if e.verdict != "agrees").label == line[1:]
        assert ("scale", line[1:]) in top(report)


def test_a_mistake_is_said_once_and_explains_all_that_follows():
    J, values = cost_and_values()
    report = ag.compare(J, by_hand(values, {"dZ2": "dA2"}))
    lines = str(report).splitlines()
    assert [e.label for e in report] == ["W3", "b3", "W2", "b2", "W1", "b1"]
    assert [e.verdict for e in report] == ["agrees"] * 2 + ["differs"] * 4
    assert "Multiply dA2 by 1 − A2∘A2" in lines[2]
    assert all(line.endswith("(the same mistake explains it)") for line in lines[3:])
    assert len(lines) == 6


def test_a_loop_makes_the_same_mistake_in_every_layer():
    J, values = cost_and_values()
    lines = {f"db{l}": f"dZ{l}.mean(axis=1, keepdims=True)" for l in (1, 2, 3)}
    report = ag.compare(J, by_hand(values, lines))
    for l in (1, 2, 3):
        assert report[f"W{l}"].verdict == "agrees"
        assert ("extra-mean", f"b{l}") in {(f.kind, f.where) for f in report[f"b{l}"].best}


@pytest.mark.parametrize(
    ("nearer", "further"),
    [
        (("derivative-dropped", "Z2", {"dZ2": "dA2"}), ("sign", "W1", {"dW1": "-dZ1 @ X.T"})),
        (
            ("missing-mean", "Z3", {"dZ3": "A3 - Y"}),
            ("derivative-twice", "Z1", {"dZ1": "dA1 * (1 - A1**2)**2"}),
        ),
        (
            ("preactivation-used", "W3", {"dW3": "dZ3 @ Z2.T"}),
            ("weight-not-transposed", "A1", {"dA1": "W2 @ dZ2"}),
        ),
    ],
)
def test_of_two_mistakes_the_nearer_one_comes_first(nearer, further):
    J, values = cost_and_values()
    report = ag.compare(J, by_hand(values, nearer[2] | further[2]))
    assert nearer[:2] in top(report)
    found = {(f.kind, f.where) for e in report for f in e.best}
    assert further[:2] in found
    assert "compare again" in str(report)


def test_intermediates_show_the_first_wrong_line_even_of_an_unknown_mistake():
    J, values = cost_and_values()
    wrong = {"dZ2": "dA2 * (1 - A2**2) + 0.01 * np.sin(9 * Z2)"}
    report = ag.compare(J, by_hand(values, wrong, all_of_them=True))
    assert top(report) == {("unknown", "Z2")}
    for label in ("W2", "b2", "A1", "Z1", "W1", "b1"):  # they follow from dZ2
        assert [(f.kind, f.where) for f in report[label].findings] == [("unknown", "Z2")]


def test_the_mean_may_stand_elsewhere():
    J, values = cost_and_values()
    lines = {name: f"({line}) * m" for name, line in RIGHT.items() if name == "dZ3"}
    lines |= {f"d{p}": f"({RIGHT[f'd{p}']}) / m" for p in PARAMETERS}
    report = ag.compare(J, by_hand(values, lines, all_of_them=True))
    assert report["W1"].verdict == report["b3"].verdict == "agrees"
    assert ("convention", "Z3") in top(report)
    (advice,) = {f.advice for e in report for f in e.findings if f.kind == "convention"}
    assert "right where 1/m stands" in advice


def test_everything_transposed_is_a_convention():
    J, values = cost_and_values()
    report = ag.compare(J, {k: g.T for k, g in by_hand(values, {}).items()})
    assert {e.verdict for e in report if e.label != "W2"} == {"shape"}
    for label in PARAMETERS:
        assert {"transposed", "convention"} <= {f.kind for f in report[label].best}
        (advice,) = {f.advice for f in report[label].best if f.kind == "convention"}
        assert advice.startswith("right where samples are rows and not columns")


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("dZ2 @ A1.T", "regularisation"),
        ("dZ2 @ A1.T + 0.1 * 7 * W2", "regularisation"),
        ("A1 @ dZ2.T + 0.1 * W2", "transposed"),
        ("m * dZ2 @ A1.T + 0.1 * W2", "missing-mean"),
    ],
)
def test_beside_a_penalty(line, kind):
    J, values = cost_and_values(decay=0.1)
    lines = {f"dW{l}": f"{RIGHT[f'dW{l}']} + 0.1 * W{l}" for l in (1, 2, 3)}
    assert ag.compare(J, by_hand(values, lines)).ok
    report = ag.compare(J, by_hand(values, lines | {"dW2": line}))
    assert (kind, "W2") in top(report)


def test_the_gradient_of_the_step_before_is_added():
    J, values = cost_and_values()
    older = by_hand(values, {})
    now = dict(values)
    for name in PARAMETERS:
        now[name] = values[name] - 0.3 * older[f"d{name}"]
    t = {name: ag.Tensor(now[name], True, name) for name in PARAMETERS}
    A = ag.Tensor(values["X"], name="X")
    for l, f in [(1, np.tanh), (2, np.tanh), (3, ag.sigmoid)]:
        A = f((t[f"W{l}"] @ A + t[f"b{l}"]).named(f"Z{l}")).named(f"A{l}")
        now[f"Z{l}"], now[f"A{l}"] = None, A.data
    Y = values["Y"]
    J = -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / M
    right = by_hand(now, {})
    assert ag.compare(J, right).ok
    report = ag.compare(J, {name: g + older[name] for name, g in right.items()})
    assert {f.kind for e in report for f in e.findings} == {"accumulated"}
    assert "rate 0.3" in str(report)
    t["W2"].grad = np.ones((4, 4))
    report = ag.compare(J, right | {"dW2": right["dW2"] + 1})
    assert ("accumulated", "W2") in top(report)


def test_noise_and_random_arrays_are_unknown():
    J, values = cost_and_values()
    right, rng = by_hand(values, {}), np.random.default_rng(0)
    for k in range(6):
        noise = {n: rng.normal(size=g.shape) for n, g in right.items()}
        given = {n: g * (1 + noise[n] / 10) if k % 2 else noise[n] for n, g in right.items()}
        report = ag.compare(J, given)
        assert {f.kind for e in report for f in e.findings} == {"unknown"}
        assert {e.verdict for e in report} == {"differs"}


def test_one_number_is_not_enough_for_an_odd_factor():
    w = ag.Tensor(np.float32([[0.7]]), requires_grad=True, name="w")
    J = np.sum(np.tanh(w * np.float32([[1.0, 2.0, 3.0]])))
    (right,) = ag.gradients(J, [w])
    assert top(ag.compare(J, {"w": -right})) == {("sign", "w")}
    assert top(ag.compare(J, {"w": right * np.float32(1.37)})) == {("unknown", "w")}
    assert top(ag.compare(J, {"w": right * np.float32(11 / 9)})) == {("unknown", "w")}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_one_number_shows_the_derivative_of_the_loss_with_its_mean(dtype):
    """All relus are shut off, so that a wrong ∂J/∂A2 is seen in the one number of b2 only."""
    rng = np.random.default_rng(0)
    Y = ag.Tensor(rng.normal(size=(1, 10)).astype(dtype), name="Y")
    W2, b2 = (
        ag.Tensor(rng.normal(size=(1, n)).astype(dtype), True, f"{x}2")
        for x, n in (("W", 4), ("b", 1))
    )
    A1 = ag.relu(ag.Tensor(-rng.random((4, 10)).astype(dtype), True, "Z1")).named("A1")
    A2 = np.tanh((W2 @ A1 + b2).named("Z2")).named("A2")
    J = nn.losses.half_squared_error(A2, Y)
    a, y = A2.data, Y.data
    for wrong in (np.sign(a - y), (a - y) ** 2 / 2, (a - y) ** 2, a + y, 2 * a - y, a * a - y):
        db2 = np.sum(wrong * (1 - a * a), axis=1, keepdims=True) / dtype(10)
        report = ag.compare(J, {"W2": np.zeros((1, 4), dtype), "b2": db2})
        assert ("loss-derivative", "A2") in top(report)
    assert top(ag.compare(J, {"b2": b2.data * dtype(1.37)})) == {("unknown", "b2")}


# Your own forward values


def test_a_wrong_forward_is_named_before_any_gradient():
    J, values = cost_and_values()
    mine = dict(values)
    mine["Z2"] = mine["W2"] @ mine["A1"]  # the bias is forgotten
    mine["A2"] = np.tanh(mine["Z2"])
    mine["Z3"] = mine["W3"] @ mine["A2"] + mine["b3"]
    mine["A3"] = 1 / (1 + np.exp(-mine["Z3"]))
    own = {name: mine[name] for name in ("Z1", "A1", "Z2", "A2", "Z3", "A3")}
    report = ag.compare(J, by_hand(mine, {}), values=own)
    assert [e.verdict for e in report][:6] == ["agrees"] * 2 + ["differs"] * 4
    assert {(f.kind, f.where) for e in report for f in e.findings} == {("forward-differs", "Z2")}
    assert str(report).splitlines()[2].startswith("Z2 (value)")
    assert len({id(e.findings) for e in report}) == len(list(report))  # each has its own
    backwards = ag.compare(J, by_hand(mine, {}), values=dict(reversed(own.items())))
    assert str(backwards) == str(report)
    report = ag.compare(J, by_hand(mine, {"dZ1": "dA1"}), values=own)
    assert report["W3"].findings[0].kind == "forward-differs"
    assert ("derivative-dropped", "Z1") in {(f.kind, f.where) for f in report["W1"].best}


def test_what_follows_a_wrong_value_is_judged_by_the_rounding_of_values():
    """Ten digits of A are lost on the tape, none of its gradient."""
    W = ag.Tensor([[0.3, -0.2]], requires_grad=True, name="W")
    Z = (W @ np.array([[1.0, 2.0, 0.5], [0.5, -1.0, 1.0]])).named("Z")
    J = np.sum(((Z + 1e6) - 1e6).named("A"))
    wrong = Z.data + 1.1
    report = ag.compare(J, {"W": np.zeros((1, 2))}, values={"Z": wrong, "A": wrong})
    assert [f.where for e in list(report)[:2] for f in e.findings] == ["Z", "Z"]


def test_a_value_is_judged_by_the_rounding_of_values_and_a_gradient_by_that_of_gradients():
    W = ag.Tensor([[0.3, -0.2]], requires_grad=True, name="W")
    Z = (W @ np.array([[1.0, 2.0, 0.5], [0.5, -1.0, 1.0]])).named("Z")
    A = ((Z + 1e6) - 1e6).named("A")
    assert (A.data != Z.data).any()
    J = np.sum(A)
    report = ag.compare(J, {"A": np.full((1, 3), 1 + 1e-11)}, values={"A": Z.data})
    assert [e.verdict for e in report] == ["agrees", "differs"]
    assert "equal to 11 digits" in str(report)


# Functions


def test_a_function_that_is_right_at_the_recorded_point_only_gets_a_finding():
    J, _ = cost_and_values()
    parameters = [t for t in recorded_for(J) if t.name in ("W1", "A2")]
    right = {t.name: g for t, g in zip(parameters, ag.gradients(J, parameters), strict=True)}
    report = ag.compare(J, {"W1": lambda: right["W1"], "A2": right["A2"]})
    assert (report["A2"].verdict, report["W1"].verdict) == ("agrees", "differs")
    (finding,) = report["W1"].findings
    assert finding.kind == "precision"
    assert "equal to 16 digits" in finding.advice


def test_functions_are_called_with_what_they_name_and_judged_by_themselves():
    J, _ = cost_and_values()
    report = ag.compare(
        J,
        {
            "Z3": lambda A3, Y, m=M: (A3 - Y) / m,
            "W2": lambda dZ2, A1: dZ2 @ A1.T,
            "A1": lambda W2, dZ2: W2 @ dZ2,
            "Z1": lambda dA1, A1: dA1 * (1 - A1**2),
            "W1": lambda dA1, X: dA1 @ X.T,
        },
    )
    verdicts = {e.label: e.verdict for e in report}
    assert verdicts == {
        "Z3": "agrees",
        "W2": "agrees",
        "A1": "differs",
        "Z1": "agrees",
        "W1": "differs",
    }
    assert ("weight-not-transposed", "A1") in {(f.kind, f.where) for f in report["A1"].best}
    assert {f.kind for f in report["W1"].best} == {"derivative-dropped"}


def test_a_coincidence_of_one_point_is_none_for_a_function():
    """With W symmetric at the recorded point, its missing transpose does not show there."""
    rng = np.random.default_rng(0)
    half = rng.normal(size=(3, 3))
    W = ag.Tensor(half + half.T, requires_grad=True, name="W")
    X = ag.Tensor(rng.normal(size=(3, 5)), requires_grad=True, name="X")
    Z = (W @ X).named("Z")
    J = np.sum(Z**3)
    wrong = lambda W, dZ: W @ dZ
    assert ag.compare(J, {"X": wrong(W.data, 3 * Z.data**2)}).ok
    report = ag.compare(J, {"X": wrong})
    assert ("weight-not-transposed", "X") in {(f.kind, f.where) for f in report["X"].best}


def test_a_cause_must_hold_at_every_point():
    """With W symmetric at the recorded point, this looks like a sign there, and nowhere else."""
    rng = np.random.default_rng(0)
    half = rng.normal(size=(3, 3))
    W = ag.Tensor(half + half.T, requires_grad=True, name="W")
    X = ag.Tensor(rng.normal(size=(3, 5)), requires_grad=True, name="X")
    Z = (W @ X).named("Z")
    right = 3 * Z.data**2 @ X.data.T
    report = ag.compare(np.sum(Z**3), {"W": right, "X": lambda W, Z: -W @ (3 * Z**2)})
    assert report["W"].verdict == "agrees"
    assert {f.kind for f in report["X"].findings} == {"unknown"}


def test_a_function_that_raises_shows_its_own_lines_and_the_others_are_judged():
    J, _ = cost_and_values()

    def broken(W2, dZ2):
        return W2 @ dZ2[:3]

    report = ag.compare(J, {"A1": broken, "W2": lambda dZ2, A1: -dZ2 @ A1.T})
    assert "return W2 @ dZ2[:3]" in report["A1"].findings[0].advice
    assert "autograd_lite" not in report["A1"].findings[0].advice
    assert {f.kind for f in report["W2"].best} == {"sign"}


# Other tapes


def kinds_of(J, gradients):
    return top(ag.compare(J, gradients))


def test_residual_connection():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3, 6))
    W1, W2 = (ag.Tensor(rng.normal(size=(3, 3)), True, f"W{l}") for l in (1, 2))
    A1 = np.tanh((W1 @ X).named("Z1")).named("A1")
    A2 = (np.tanh((W2 @ A1).named("Z2")) + A1).named("A2")
    J = np.sum(A2**2)
    a1, a2, s = A1.data, A2.data, np.tanh(W2.data @ A1.data)
    dZ2 = 2 * a2 * (1 - s**2)
    right = {"W2": dZ2 @ a1.T, "W1": ((W2.data.T @ dZ2 + 2 * a2) * (1 - a1**2)) @ X.T}
    assert ag.compare(J, right).ok
    one = right | {"W1": ((W2.data.T @ dZ2) * (1 - a1**2)) @ X.T}
    assert ("path-missing", "A1") in kinds_of(J, one)
    other = right | {"W1": ((W2.data @ dZ2 + 2 * a2) * (1 - a1**2)) @ X.T}
    assert ("weight-not-transposed", "A1") in kinds_of(J, other)


def test_a_mistake_above_two_paths_reaches_both():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3, 6))
    W1, W2 = (ag.Tensor(rng.normal(size=(3, 3)), True, f"W{l}") for l in (1, 2))
    A1 = np.tanh((W1 @ X).named("Z1")).named("A1")
    H = ((W2 @ A1) + A1).named("H")
    A2 = np.tanh(H).named("A2")
    J = np.sum(A2**2) / 2
    a1 = A1.data

    def both(dH):
        return {"W2": dH @ a1.T, "W1": ((W2.data.T @ dH + dH) * (1 - a1**2)) @ X.T}

    assert ag.compare(J, both(A2.data * (1 - A2.data**2))).ok
    report = ag.compare(J, both(A2.data))
    for label in ("W1", "W2"):
        assert ("derivative-dropped", "H") in {(f.kind, f.where) for f in report[label].best}


def test_shared_weights():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3, 6))
    W = ag.Tensor(rng.normal(size=(3, 3)), True, "W")
    H1 = np.tanh((W @ X).named("Z1")).named("H1")
    H2 = np.tanh((W @ H1).named("Z2")).named("H2")
    J = np.sum(H2**2) / 2
    dZ2 = H2.data * (1 - H2.data**2)
    dZ1 = W.data.T @ dZ2 * (1 - H1.data**2)
    assert ag.compare(J, {"W": dZ2 @ H1.data.T + dZ1 @ X.T}).ok
    assert ("path-missing", "W") in kinds_of(J, {"W": dZ2 @ H1.data.T})
    dropped = dZ2 @ H1.data.T + (W.data.T @ dZ2) @ X.T
    assert ("derivative-dropped", "Z1") in kinds_of(J, {"W": dropped})


def test_gates_that_multiply():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3, 6))
    U, V = (ag.Tensor(rng.normal(size=(4, 3)), True, name) for name in "UV")
    G = ag.sigmoid((U @ X).named("Zg")).named("G")
    C = np.tanh((V @ X).named("Zc")).named("C")
    J = np.sum((G * C).named("H") ** 2) / 2
    g, c = G.data, C.data
    dH = g * c
    right = {"U": (dH * c * g * (1 - g)) @ X.T, "V": (dH * g * (1 - c**2)) @ X.T}
    assert ag.compare(J, right).ok
    assert ("factor-missing", "G") in kinds_of(J, right | {"U": (dH * g * (1 - g)) @ X.T})
    mixed = right | {"V": (dH * g * (1 - c * g)) @ X.T}
    assert ("derivative-mixed", "Zc") in kinds_of(J, mixed)


def test_batched_products():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(5, 3, 4))
    W = ag.Tensor(rng.normal(size=(3, 3)), True, "W")
    J = np.sum(np.tanh((W @ X).named("Z"))) / 5
    dZ = (1 - np.tanh(W.data @ X) ** 2) / 5
    right = (dZ @ X.mT).sum(axis=0)
    assert ag.compare(J, {"W": right}).ok
    assert ("transposed", "W") in kinds_of(J, {"W": right.T})
    assert ("missing-mean", "W") in kinds_of(J, {"W": right * 5})


def test_rows_as_samples_with_a_transposed_weight_and_a_softmax():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(6, 3)), np.eye(4)[rng.integers(4, size=6)]
    W = ag.Tensor(rng.normal(size=(4, 3)), True, "W")
    b = ag.Tensor(rng.normal(size=(1, 4)), True, "b")
    A = ag.softmax((X @ W.T + b).named("Z"), axis=1).named("A")
    J = -np.sum(ag.Tensor(Y, name="Y") * np.log(A)) / 6
    dA = -Y / A.data / 6

    def both(dZ):
        return {"W": dZ.T @ X, "b": dZ.sum(axis=0, keepdims=True)}

    assert ag.compare(J, both((A.data - Y) / 6)).ok
    assert ("softmax-elementwise", "Z") in kinds_of(J, both(dA * A.data * (1 - A.data)))
    assert ("derivative-dropped", "Z") in kinds_of(J, both(dA))


def test_an_activation_written_out_in_operations():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3, 6))
    W = ag.Tensor(rng.normal(size=(4, 3)), True, "W")
    Z = (W @ X).named("Z")
    A = (1 / (1 + np.exp(-Z))).named("A")
    J = np.sum(A**2) / 2
    a = A.data
    assert ag.compare(J, {"W": (a * a * (1 - a)) @ X.T}).ok
    (entry,) = ag.compare(J, {"W": a @ X.T})
    assert (entry.best[0].kind, entry.best[0].where) == ("derivative-dropped", "Z")
    assert "A∘(1 − A)" in entry.best[0].advice
    assert ("derivative-wrong-formula", "Z") in kinds_of(J, {"W": (a * (1 - a**2)) @ X.T})
    at = 1 / (1 + np.exp(-a))
    assert ("derivative-at-activation", "Z") in kinds_of(J, {"W": (a * at * (1 - at)) @ X.T})


def test_a_kink_is_no_formula():
    x = ag.Tensor(np.array([[-1.0, 0.0, 2.0, 0.0]]), True, "x")
    J = np.sum(3 * ag.relu(x))
    assert ("precision", "x") in kinds_of(J, {"x": np.array([[0.0, 3.0, 3.0, 3.0]])})


# The report


def test_the_report_is_found_by_name_and_by_tensor():
    J, values = cost_and_values()
    report = ag.compare(J, by_hand(values, {"dW2": "A1 @ dZ2.T"}))
    entry = report["W2"]
    assert report["dW2"] is entry
    assert report[entry.tensor] is entry
    assert entry.step.label == "W2"
    assert [e.label for e in report] == [report[k].label for k in range(len(report))]
    with pytest.raises(KeyError, match="'W9' was not compared"):
        report["W9"]
    with pytest.raises(ag.GradientError, match="transposed at W2") as caught:
        report.raise_if_wrong()
    assert caught.value.report is report


def test_ten_findings_are_enough():
    J, values = cost_and_values()
    report = ag.compare(J, by_hand(values, {"dZ3": "A3 - Y"}))
    assert max(len(entry.findings) for entry in report) == 10


def test_the_report_in_a_notebook_escapes_what_it_shows():
    x = ag.Tensor(np.ones((2, 3)) * [[1.0, 2.0, 3.0]], True, "<b>&x")
    report = ag.compare(np.sum(x**2), {x: -2 * x.data})
    text = report._repr_html_()
    assert "&lt;b&gt;&amp;x" in text
    assert "<b>&x" not in text


# What cannot be compared


def test_bad_input_is_named():
    J, values = cost_and_values()
    right = by_hand(values, {})
    with pytest.raises(KeyError, match="'dW7' is not on this tape. These names are: .*W1, b1"):
        ag.compare(J, {"dW7": right["dW1"]})
    with pytest.raises(ValueError, match="X .* needs no gradient"):
        ag.compare(J, {"X": values["X"]})
    with pytest.raises(ValueError, match="nothing to compare"):
        ag.compare(J, {})
    with pytest.raises(TypeError, match="W1 is complex"):
        ag.compare(J, {"W1": right["dW1"] + 1j})
    with pytest.raises(TypeError, match="W1 is not an array of numbers"):
        ag.compare(J, {"W1": "dW1"})
    with pytest.raises(ValueError, match="W1 is given twice"):
        ag.compare(J, {"W1": right["dW1"], "dW1": right["dW1"]})
    with pytest.raises(TypeError, match="starts from a Tensor"):
        ag.compare(1.0, {"W1": right["dW1"]})


class Odd:
    pass


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.ma.masked_less(np.ones((4, 3)) * [[-1, 1, 1]], 0), "W1 is a masked array .*filled"),
        (None, "W1 is not an array of numbers, but None. A .grad is None before backward"),
        (np.ones((4, 3)).astype(object), r"W1 .* \(4, 3\) of Python objects: make it one of"),
        ([[1.0, Odd()]], r"W1 .* an array \(1, 2\) of Python objects, one of them a Odd"),
        ([[1.0, 2.0], [3.0]], "W1 is no array: .*inhomogeneous"),
        ([ag.Tensor([1.0], name="t")], r"W1 is no array: .* t \(1,\)"),
        (np.array(["1.0"]), r"W1 .* an array \(1,\) of <U3"),
        ({}, "W1 is not an array of numbers, but dict"),
        (np.tanh, "the function for W1: .*parameter"),
        (lambda W2: None, "what the function for W1 returns is not .*, but None"),
        (lambda W7: W7, "'W7' is not on this tape. These names are: .*W1, b1"),
    ],
)  # fmt: skip
def test_what_is_no_gradient_is_an_error_with_its_name_and_shape(given, message):
    J, _ = cost_and_values()
    with pytest.raises((TypeError, ValueError, KeyError), match=message):
        ag.compare(J, {"W1": given})


def test_keys_and_values_that_say_nothing_are_named():
    J, values = cost_and_values()
    right = by_hand(values, {})
    for key in (None, 3):
        with pytest.raises(TypeError, match=f"a Tensor or its name .*: {key} is neither"):
            ag.compare(J, {key: right["dW1"]})
    with pytest.raises(TypeError, match="gradients are a dict.*, not str"):
        ag.compare(J, "W1")
    with pytest.raises(TypeError, match="values are a dict.*, not ndarray"):
        ag.compare(J, right, values["Z1"])
    with pytest.raises(TypeError, match="the value of Z1 is not an array of numbers, but None"):
        ag.compare(J, right, {"Z1": None})
    unused = ag.Tensor(np.ones((4, 3)), True, "unused")
    with pytest.raises(KeyError, match=r"unused \(4, 3\) is not on this tape. These names are: "):
        ag.compare(J, {unused: right["dW1"]})
    x = ag.Tensor([[1.0, 2.0]], True, "x")
    y = (x * 2).named("y")
    with pytest.raises(ValueError, match="the value of y is given twice"):
        ag.compare(np.sum(y), {"x": [[2.0, 2.0]]}, {"y": y.data, y: y.data})
    with pytest.raises(ValueError, match=r"y \(1, 2\) is not a scalar: reduce it"):
        ag.compare(y, {"x": [[2.0, 2.0]]})
    with pytest.raises(ValueError, match="does not depend on any Tensor with requires_grad=True"):
        ag.compare(ag.Tensor(1.0, name="J"), {"x": [[2.0, 2.0]]})
    (entry,) = [e for e in ag.compare(np.sum(y), {"x": [[2.0, 2.0]]}, {"y": 1.0}) if e.forward]
    assert "the shape is () where (1, 2) is right; it cannot be this value" in str(entry.findings)


def test_what_is_as_good_as_an_array_is_one():
    J, values = cost_and_values()
    right = by_hand(values, {})["dW1"]
    t = ag.Tensor(right)
    for given in (t, right.tolist(), right.astype(np.longdouble)):
        assert ag.compare(J, {"W1": given}).ok


def test_a_function_whose_shape_changes_between_points():
    x = ag.Tensor([[1.0, 2.0]], True, "x")
    given = lambda x: 2 * x if x[0, 0] == 1 else np.ones(5)
    (entry,) = ag.compare(np.sum(x**2), {"x": given})
    assert entry.verdict == "shape"


# On both sides of every threshold


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("label", ["dW1", "dZ2", "dA1", "db3"])
def test_what_rounding_does_agrees_and_what_it_does_not_differs(dtype, label):
    J, values = cost_and_values(dtype)
    right = by_hand(values, {}, all_of_them=True)[label]
    eps = np.finfo(dtype).eps
    pattern = np.sin(np.arange(right.size, dtype=float)).reshape(right.shape)
    pattern *= np.abs(right).max() / np.abs(pattern).max()
    for size, verdict in ((10, "agrees"), (400, "differs")):
        given = (right.astype(float) + size * eps * pattern).astype(dtype)
        (entry,) = ag.compare(J, {label: given})
        assert entry.verdict == verdict, size
    assert ag.compare(J, {label: right}, {}).ok


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("n", "allowed"), [(1, 36), (4, 40), (100, 72)])
def test_what_may_be_rounded_grows_with_the_root_of_the_longest_axis(n, allowed, dtype):
    """32 + 4√n times what rounding does, which is one unit here, where nothing is computed."""
    x = ag.Tensor(np.ones(n, dtype), True, "x")
    given = np.ones(n, dtype)
    for units, verdict in ((allowed, "agrees"), (allowed + 1, "differs")):
        given[0] = 1 + units * np.finfo(dtype).eps
        assert ag.compare(np.sum(x, keepdims=True), {"x": given})["x"].verdict == verdict


@pytest.mark.parametrize(("dtype", "bound"), [(np.float64, 1e-4), (np.float32, 1e-3)])
def test_copied_digits_are_told_from_a_formula(dtype, bound):
    J, values = cost_and_values(dtype)
    right = by_hand(values, {})["dW2"]
    pattern = np.sin(np.arange(right.size, dtype=float)).reshape(right.shape)
    pattern *= np.abs(right).max() / np.abs(pattern).max()
    for size, kind in ((0.9, "precision"), (1.1, "unknown")):
        given = (right + size * bound * pattern).astype(dtype)
        (entry,) = ag.compare(J, {"W2": given})
        assert entry.verdict == "differs"
        assert [f.kind for f in entry.findings] == [kind]


@pytest.mark.parametrize(("dtype", "bound"), [(np.float64, 1e-4), (np.float32, 1e-3)])
def test_forward_values_likewise(dtype, bound):
    J, values = cost_and_values(dtype)
    right = by_hand(values, {})
    largest = np.abs(values["Z2"]).max()
    for size, kind in ((0.9, "precision"), (1.1, "forward-differs")):
        mine = values["Z2"].copy()
        mine[0, 0] += size * bound * largest
        report = ag.compare(J, right, {"Z2": mine})
        assert [f.kind for e in report if e.forward for f in e.findings] == [kind]


@pytest.mark.parametrize(("dtype", "bound"), [(np.float64, 1e-4), (np.float32, 1e-3)])
def test_a_factor_is_read_from_copied_digits_and_no_further(dtype, bound):
    J, values = cost_and_values(dtype)
    right = by_hand(values, {})
    for size, named in ((0.8, True), (1.3, False)):
        given = (2 * right["dW2"] * (1 + size * bound)).astype(dtype)
        report = ag.compare(J, right | {"dW2": given})
        assert (("factor-two", "W2") in top(report)) == named


@pytest.mark.parametrize(
    ("lines", "where"),
    [
        ({"dZ2": "2 * dA2 * (1 - A2**2)"}, "Z2"),
        ({"dA2": "2 * W3.T @ dZ3"}, "Z2"),  # the same numbers
        ({"dW2": "2 * dZ2 @ A1.T"}, "W2"),
        ({"db1": "2 * dZ1.sum(axis=1, keepdims=True)"}, "b1"),
    ],
)
def test_a_factor_is_found_in_copied_digits_where_it_stands(lines, where):
    J, values = cost_and_values()
    given = {
        name: np.vectorize(lambda x: float(f"{x:.5g}"))(g)
        for name, g in by_hand(values, lines).items()
    }
    first = [e.findings[0] for e in ag.compare(J, given) if e.findings]
    assert {(f.kind, f.where) for f in first if f.kind != "precision"} == {("factor-two", where)}


def test_one_number_that_fits_too_badly_is_an_accident():
    """−1 is one of ten plain factors: a single number 5e-6 away fits by accident once in 10,000."""
    w = ag.Tensor([[0.7]], requires_grad=True, name="w")
    J = np.sum(np.tanh(w * [[1.0, 2.0, 3.0]]))
    (right,) = ag.gradients(J, [w])
    assert top(ag.compare(J, {"w": -right * (1 + 4e-6)})) == {("sign", "w")}
    assert top(ag.compare(J, {"w": -right * (1 + 6e-6)})) == {("unknown", "w")}


@pytest.mark.parametrize(("size", "kind"), [(0.05, "derivative-dropped"), (1e-3, "precision")])
def test_a_mistake_that_changes_less_than_copied_digits_is_none(size, kind):
    """tanh′ is 0.999 of 1 for small Z: forgotten all the same; at 0.999999 nobody could tell."""
    rng = np.random.default_rng(0)
    X, C = rng.uniform(0.5, 1, size=(3, 8)), rng.normal(size=(2, 8))
    W = ag.Tensor(size * rng.uniform(0.5, 1, size=(2, 3)), True, "W")
    J = np.sum(np.tanh((W @ X).named("Z")).named("A") * C)
    assert kind in {found for found, _ in top(ag.compare(J, {"W": C @ X.T}))}


def test_a_gradient_that_is_nothing_but_rounding():
    """Of a softmax's sum: zero in exact arithmetic, 1e-17 on the tape."""
    x = ag.Tensor(np.random.default_rng(0).normal(size=(4, 5)), True, "x")
    J = np.sum(ag.softmax(x, axis=1))
    assert ag.compare(J, {"x": np.zeros((4, 5))}).ok
    assert ag.compare(J, {"x": 1e-17 * np.ones((4, 5))}).ok
    assert not ag.compare(J, {"x": 1e-13 * np.ones((4, 5))}).ok


def test_many_numbers_added_in_another_order_agree():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1, 50_000)).astype(np.float32)
    b = ag.Tensor(np.float32([[0.3]]), True, "b")
    J = np.sum(X * b)
    one_by_one = np.cumsum(X, axis=1, dtype=np.float32)[:, -1:]
    assert one_by_one != X.sum()
    assert ag.compare(J, {"b": one_by_one}).ok
    assert not ag.compare(J, {"b": one_by_one * np.float32(1.01)}).ok


MANY = 10_000  # samples


def scaled_row(w, b, X, y):
    return np.sum(X[:1] * b) + 0 * np.sum(w)


def linear_regression(w, b, X, y):
    return np.mean((w @ X + b - y) ** 2)


def linear_regression_by_rows(w, b, X, y):
    return np.mean((X.T @ w.T + b - y.T) ** 2)


def logistic_regression(w, b, X, y):
    a = 1 / (1 + np.exp(-(w @ X + b)))
    return -np.mean(y * np.log(a) + (1 - y) * np.log(1 - a))


def two_layers(w, b, X, y):
    return np.mean((w @ np.tanh(X * b + b) - y) ** 2)


def normalized(w, b, X, y):
    return np.sum(np.tanh(w.T * (X - X.mean(1, keepdims=True)) / X.std(1, keepdims=True) + b) * X)


@pytest.mark.parametrize("random", [False, True])
@pytest.mark.parametrize(
    "cost",
    [scaled_row, linear_regression, linear_regression_by_rows, logistic_regression, two_layers,
     normalized],
)  # fmt: skip
def test_many_samples_are_not_paired_with_each_other(cost, random):
    """What is tried takes memory for each sample, and none for each pair of them."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(3, MANY)), rng.integers(0, 2, (1, MANY)) * 1.0
    w = ag.Tensor(rng.normal(size=(1, 3)), True, "w")
    b = ag.Tensor(rng.normal(size=(1, 1)), True, "b")
    J = cost(w, b, X, y)
    J.backward()
    given = {t.name: rng.normal(size=t.shape) if random else 1.01 * t.grad for t in (w, b)}
    tracemalloc.start()
    report = ag.compare(J, given)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert not report.ok
    assert most < 8 * MANY * MANY / 10


def test_a_factor_of_zeros_is_no_cause():
    """Beside a bias of zeros, what is left out looks like what is multiplied by it."""

    def forward(X, W, U, b):
        states = [np.zeros((X.shape[1], len(U)))]
        for x in X:
            states.append(np.tanh(x @ W + states[-1] @ U + b))
        return np.stack(states[1:]), (X, states)

    def backward(dH, cache):  # without what comes back from the next step
        X, states = cache
        da = dH * (1 - np.stack(states[1:]) ** 2)
        dU = sum(h.T @ d for h, d in zip(states, da, strict=False))
        return sum(x.T @ d for x, d in zip(X, da, strict=True)), dU, da.sum(axis=(0, 1))

    rng = np.random.default_rng(0)
    W, U = 0.5 * rng.normal(size=(3, 5)), 0.5 * rng.normal(size=(5, 5))
    X, b = rng.normal(size=(4, 2, 3)), np.zeros(5)
    report = ag.check_backward(forward, backward, (X, W, U, b), wrt=("W", "U", "b"), seconds=0)
    assert [report[x].findings[0].kind for x in "WUb"] == ["path-missing"] * 3, report


def test_the_gradient_of_the_step_before_fits_to_rounding():
    rng = np.random.default_rng(3)
    W0 = rng.normal(size=(3, 4))
    X = rng.normal(size=(4, 6))
    slope = lambda W: (1 - np.tanh(W @ X) ** 2) @ X.T
    older = slope(W0)
    W = ag.Tensor(W0 - 0.2 * older, True, "W")
    J = np.sum(np.tanh(W @ X))
    noise = rng.normal(size=W.shape)
    for size, kind in ((1e-15, "accumulated"), (1e-9, "unknown")):
        given = slope(W.data) + older * (1 + size * noise)
        assert {f.kind for f in ag.compare(J, {"W": given})["W"].findings} == {kind}


@pytest.mark.parametrize("scale", [1, 10, 100, 1000])
def test_the_rate_of_the_step_before_is_found_however_steep_the_cost_is(scale):
    rng = np.random.default_rng(3)
    W0, X = rng.normal(size=(3, 4)), rng.normal(size=(4, 6))
    slope = lambda W: scale * (1 - np.tanh(W @ X) ** 2) @ X.T
    older = slope(W0)
    for rate in (0.01 / scale, 0.1 / scale, 1 / scale):
        W = ag.Tensor(W0 - rate * older, True, "W")
        report = ag.compare(scale * np.sum(np.tanh(W @ X)), {"W": slope(W.data) + older})
        said = [f.advice for f in report["W"].findings if f.kind == "accumulated"]
        assert f"(rate {rate:.4g})" in "".join(said)


def test_nan_and_inf_are_placed():
    J, values = cost_and_values()
    right = by_hand(values, {})
    right["dW2"][1, 2] = np.nan
    report = ag.compare(J, right)
    assert report["W2"].verdict == "differs"
    assert "1 of 16 numbers are nan or inf, the first at [1, 2]" in str(report)
    assert [e.label for e in report if e.verdict != "agrees"] == ["W2"]
    x = ag.Tensor([[np.nan, 1.0]], requires_grad=True, name="x")
    assert "of the gradient on the tape" in str(ag.compare(np.sum(x**2), {"x": np.ones((1, 2))}))


def test_shapes_that_cannot_be():
    J, _ = cost_and_values()
    report = ag.compare(J, {"W1": np.ones((3, 4)), "b1": np.ones((4, M)), "W3": np.ones(5)})
    assert {e.verdict for e in report} == {"shape"}
    said = {e.label: e.findings[0].kind for e in report}
    assert said == {"W1": "transposed", "b1": "bias-not-summed", "W3": "shape"}


def test_nothing_handed_in_is_changed():
    J, values = cost_and_values()
    given = by_hand(values, {"dZ2": "dA2"})
    before = {k: g.copy() for k, g in given.items()}
    ag.compare(J, given, values={"Z1": values["Z1"]})
    for name, g in given.items():
        np.testing.assert_array_equal(g, before[name])
    J.backward()


def test_a_single_wrong_array_beside_the_right_one():
    from autograd_lite.diagnosis.comparison import findings_for

    right = np.random.default_rng(0).normal(size=(3, 3))
    for wrong, kind in [
        (right.T, "transposed"),
        (-right, "sign"),
        (2 * right, "factor-two"),
        (right / 3, "scale"),
        (right * [[1, 0, 1]], "part-zero"),
    ]:
        assert kind in {f.kind for f in findings_for(right * (1 + 1e-9), wrong)}
    assert findings_for(right, np.cos(right)) == []


@pytest.mark.parametrize(("size", "named"), [(0.9e-5, True), (1.2e-5, False)])
def test_a_single_wrong_array_is_known_to_five_digits(size, named):
    from autograd_lite.diagnosis.comparison import findings_for

    right = np.random.default_rng(0).normal(size=(3, 3))
    wrong = -right
    wrong[1, 1] += size * np.abs(right).max()
    assert (findings_for(right, wrong) != []) == named


def test_a_plain_factor_reads_better_than_another_formula_that_comes_to_the_same():
    rng = np.random.default_rng(0)
    net = nn.Network([3, 4, 1], ["tanh", "sigmoid"], rng=0)
    Y = (rng.random((1, 7)) < 0.5) * 1.0
    J = nn.losses.binary_cross_entropy(net(rng.normal(size=(3, 7))), Y)
    parameters = net.parameters()
    gradients = ag.gradients(J, list(parameters.values()))
    report = ag.compare(J, {k: 7 * g for k, g in zip(parameters, gradients, strict=True)})
    assert report["W2"].findings[0].kind == "missing-mean"
    assert "loss-derivative" in [finding.kind for finding in report["W2"].best]


def test_a_row_of_one_that_is_zero_is_no_row_that_was_forgotten():
    net = nn.Network([3, 4, 1], ["tanh", "sigmoid"], rng=0)
    X, Y = np.random.default_rng(0).normal(size=(3, 7)), np.ones((1, 7))
    J = nn.losses.binary_cross_entropy(net(X), Y)
    report = ag.compare(J, {"W1": np.zeros((4, 3))})
    assert "part-zero at Z2" not in str(report)
    assert not report.ok


def warped(theta):
    """An image row, shifted and scaled by interpolation: at the identity all points are kinks."""
    at = (theta[0] * (np.arange(6) / 2.5 - 1) + theta[1] + 1) * 2.5
    weights = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(6)))
    return np.sum((weights @ IMAGE - 0.2) ** 2)


IMAGE = np.array([0.3, -1.2, 0.8, 0.1, 2.0, -0.4])


@pytest.mark.parametrize("start", [[1.0, 0.0], [1.1, 0.03]])
@pytest.mark.parametrize("change", [lambda g: -g, lambda g: 2 * g, lambda g: g * [1, 1.2]])
def test_rounding_at_a_kink_allows_no_wrong_gradient(start, change):
    theta = ag.Tensor(start, requires_grad=True, name="theta")
    J = warped(theta)
    (g,) = ag.gradients(J, [theta])
    right, wrong = ag.compare(J, {"theta": g}), ag.compare(J, {"theta": change(g)})
    assert right
    assert not wrong
    for report in (right, wrong):
        said = any("Rounding alone changes dtheta" in note for note in report.notes)
        assert said == (start == [1.0, 0.0])
