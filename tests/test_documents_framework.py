"""The checker of documents: strict matrices, derivatives, verdicts, and planted mistakes."""

from dataclasses import replace

import numpy as np
import pytest

import autograd_lite as ag
import nn
from nn import documents
from nn.documents import (
    Document,
    Entry,
    Setting,
    Undefined,
    checker,
    columns,
    hidden,
    networks,
    once,
)
from nn.documents.passes import DifferencePass, Pass, TapePass
from nn.documents.procedures import beside_the_tape
from nn.documents.strict import NotConforming, strict


def fresh() -> np.random.Generator:
    """Another generator than the one whose networks the verdicts were recorded on."""
    return np.random.Generator(np.random.MT19937(77))


def one(entry: Entry, count: int = 14) -> documents.Result:
    (result,) = documents.check(Document("mine", "", [entry]), fresh(), networks=count)
    return result


def test_a_document_has_a_title_and_the_author_that_it_names():
    said = [documents.document(number).title_and_author for number in documents.NUMBERS]
    assert said[1] == "General feed forward neural networks (Kristian Wichmann, 2017)"
    assert all(title and not title.endswith(")") for title in (*said[:1], *said[2:]))


# --- strict matrices -----------------------------------------------------------------------------

A, ROW, COLUMN = strict(np.ones((2, 3))), strict(np.ones((1, 3))), strict(np.ones((2, 1)))


@pytest.mark.parametrize(
    "broadcasts",
    [
        lambda: A + ROW,
        lambda: A - COLUMN,
        lambda: A * ROW,
        lambda: np.ones((1, 3)) / A,
        lambda: COLUMN @ A,
        lambda: A @ np.ones(3),
        lambda: np.ones(2) @ A,
        lambda: np.maximum(A, ROW),
        lambda: strict(np.ones((1, 1))) * A,
        lambda: np.add(COLUMN, ROW, out=np.zeros((2, 3))),
    ],
)
def test_what_would_broadcast_is_an_error(broadcasts):
    with pytest.raises(NotConforming, match=r"\("):
        broadcasts()


def test_what_is_written_conforms():
    assert (A @ A.T).shape == (2, 2)
    assert isinstance(1 - 2 * A**2 + A / A, documents.Strict)
    np.testing.assert_array_equal(COLUMN @ ROW, np.ones((2, 3)))
    assert np.sum(A, axis=0, keepdims=True).shape == (1, 3)


# --- derivatives ---------------------------------------------------------------------------------


@pytest.mark.parametrize("i", range(7))
def test_three_ways_to_differentiate_agree(i):
    net = list(networks(fresh(), 7, depths=[2]))[i]
    v, tape, differences = (kind(columns, net) for kind in (Pass, TapePass, DifferencePass))
    pairs = [("J", wrt) for wrt in ("A0", "W1", "b1", "Z1", "A1", "W2", "b2", "Z2", "A2")]
    for of, wrt in [*pairs, ("Z2", "A1"), ("losses", "W1"), ("A2", "b1")]:
        by_step, by_tape, by_difference = (p.d(of, wrt) for p in (v, tape, differences))
        assert by_step.shape == np.shape(v.value(of)) + v.value(wrt).shape
        np.testing.assert_allclose(by_step, by_tape, rtol=1e-10, atol=1e-13)
        np.testing.assert_allclose(by_difference, by_tape, rtol=1e-5, atol=1e-7)


def test_three_ways_to_differentiate_twice_agree():
    net = next(networks(fresh(), 1, depths=[2], hidden=["tanh"]))
    v, tape, differences = (p(columns, net) for p in (Pass, TapePass, DifferencePass))
    np.testing.assert_allclose(v.hessian("J", "W1"), tape.hessian("J", "W1"), atol=1e-11)
    np.testing.assert_allclose(differences.hessian("J", "W1"), tape.hessian("J", "W1"), atol=1e-6)


def test_networks_are_of_every_kind_and_reproducible():
    nets = list(networks(3, 35))
    assert {(net.L, net.kind) for net in nets} == {
        (depth, kind) for depth in range(1, 6) for kind in documents.standard.KINDS
    }
    for net in nets:
        widths = list(net.n.values())
        if net.kind == "distinct widths":
            assert len({*widths, net.m}) == len(widths) + 1
        assert net.kind != "one sample" or net.m == 1
    again = networks(3, 35)
    assert all((a.W[1] == b.W[1]).all() for a, b in zip(nets, again, strict=True))
    rows = next(networks(3, 1, batch_axis=0))
    np.testing.assert_array_equal(rows.W[1], nets[0].W[1].T)


def test_unknown_symbols_say_what_there_is():
    v = Pass(columns, next(networks(0, depths=[2])))
    with pytest.raises(Undefined, match="W3: here W goes from 1 to 2"):
        v.W[3]
    with pytest.raises(Undefined, match="delta: never defined; there are A0 W1"):
        _ = v.delta
    with pytest.raises(Undefined, match="K1"):
        v.d("J", "K1")


# --- verdicts ------------------------------------------------------------------------------------

RIGHT = Entry(
    "b", "∂J/∂b = ∂J/∂Z 1", equals="∂J/∂b{l}", formula=lambda v, l: dZ(v, l) @ np.ones((v.m, 1))
)


def dZ(v, l):
    return v.d("J", f"Z{l}")


def test_verdicts_follow_from_what_happens():
    wrong = replace(RIGHT, formula=lambda v, l: dZ(v, l) @ np.ones((1, v.m)))
    assert (one(RIGHT).verdict, one(RIGHT).silent) == ("holds", False)
    assert one(wrong).verdict == "false"
    corrected = replace(wrong, corrected_formula=RIGHT.formula)
    assert one(corrected).verdict == "misprint"
    assert one(corrected).corrected_error < 1e-10
    assert one(replace(wrong, corrected_formula=wrong.formula)).verdict == "false"
    assert one(replace(RIGHT, elsewhere=wrong.formula)).verdict == "convention"
    assert one(replace(RIGHT, elsewhere=RIGHT.formula)).verdict == "holds"
    undefined = replace(corrected, formula=lambda v, l: v.delta[l])
    assert one(undefined).verdict == "undefined"
    assert "delta: never defined" in one(undefined).shapes


def test_silent_is_wrong_without_an_error():
    square = Entry("W", "", equals="∂J/∂W{l}", formula=lambda v, l: dZ(v, l) @ v.A[l - 1])
    assert one(square).silent  # with as many samples as units a transpose is not missed
    right_or_error = replace(RIGHT, formula=lambda v, l: dZ(v, l) @ np.ones((1, v.m)))
    assert not one(right_or_error).silent
    by_sign = replace(RIGHT, formula=lambda v, l: -RIGHT.formula(v, l))
    assert one(by_sign).silent
    never = replace(RIGHT, formula=lambda v, l: np.ones((1, 2, 3)))
    assert not one(never).silent
    assert one(never).printed_error is None


def test_a_left_hand_side_may_be_what_is_wrong():
    entry = Entry(
        "A", "", equals="∂J/∂A{l}", over=hidden,
        formula=lambda v, l: v.W[l].T @ dZ(v, l),
        corrected_formula=lambda v, l: v.W[l].T @ dZ(v, l),
        corrected_equals=lambda p, l: p.d("J", f"A{l - 1}"),
    )  # fmt: skip
    assert one(entry).verdict == "misprint"


def boom(v, l):
    raise RuntimeError("no such luck")


@pytest.mark.parametrize(
    ("formula", "says"),
    [
        (boom, "RuntimeError: no such luck"),
        (lambda v, l: dZ(v, l) @ np.ones((v.m, 1)) * np.nan, "nan or infinity"),
        (lambda v, l: [1.0, 2.0], "a list in place of an array"),
        (lambda v, l: None, "a NoneType in place of an array"),
        (lambda v, l: np.full((v.n[l], 1), "x"), "in place of real numbers"),
        (lambda v, l: np.full((v.n[l], 1), 1j), "complex128 in place of real numbers"),
        (lambda v: 1.0, "TypeError"),
        (lambda v, l: v.W[l].nonsense, "AttributeError"),
    ],
)
def test_a_formula_that_fails_is_named_and_the_others_still_run(formula, says):
    bad = replace(RIGHT, label="bad", formula=formula)
    results = documents.check(Document("mine", "", [bad, RIGHT]), fresh(), networks=7)
    assert [(r.label, r.verdict) for r in results] == [("bad", "error"), ("b", "holds")]
    assert says in results[0].shapes


def test_a_wrong_shape_is_named():
    result = one(replace(RIGHT, formula=lambda v, l: np.ones((9, 9))))
    assert result.verdict == "false"
    assert "(9, 9) in place of (" in result.shapes


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"equals": "∂J/∂K{l}"}, "what it equals: Undefined: K1: never defined; there are A0"),
        ({"equals": lambda p, l: 1 / 0}, "what it equals: ZeroDivisionError"),
        ({"over": lambda v: v.W}, "its indices: "),
    ],
)
def test_what_else_fails_is_named(change, says):
    bad = replace(RIGHT, label="bad", **change)
    results = documents.check(Document("mine", "", [bad, RIGHT]), fresh(), networks=7)
    assert [(r.label, r.verdict) for r in results] == [("bad", "error"), ("b", "holds")]
    assert says in results[0].shapes


def test_what_is_never_tried_is_not_said_to_hold():
    assert one(replace(RIGHT, over=lambda v: [])).verdict == "error"


@ag.differentiable(lambda g, y, x: 1.001 * g * (1 - y * y))
def slightly_wrong_tanh(x):
    return np.tanh(x)


def wrong_rule(net, keep):
    """A tape with a rule that is wrong by a thousandth: plain arrays know nothing of it."""
    A = keep("A1", keep("W1", net.W[1]) @ net.X)
    taped = isinstance(A, ag.Tensor)
    keep("J", np.sum(slightly_wrong_tanh(A) if taped else np.tanh(A)))


def test_judges_that_differ_are_an_error():
    entry = Entry("W", "", equals="∂J/∂W1", over=once, formula=lambda v: v.d("J", "W1"))
    result = one(replace(entry, setting=Setting(wrong_rule)))
    assert result.verdict == "error"
    assert "the judges differ by" in result.shapes


def test_a_change_of_verdict_is_noticed():
    assert not one(RIGHT).drifted
    assert one(replace(RIGHT, verdict="misprint")).drifted
    assert one(replace(RIGHT, formula=lambda v, l: 2 * RIGHT.formula(v, l))).drifted
    assert one(replace(RIGHT, silent=True)).drifted


def test_unknown_documents_and_labels():
    with pytest.raises(KeyError, match="there is no document '007'; there are 000, 001"):
        documents.check("007")
    with pytest.raises(KeyError, match="there is no document 3; there are"):
        documents.check([3])
    with pytest.raises(KeyError, match=r"document 002 has no entry '9.9'; its labels are z, a"):
        documents.document("002").entry("9.9")
    with pytest.raises(KeyError, match="there is no document 3; there are"):
        documents.check(3)
    with pytest.raises(TypeError, match="document mine holds 3, which is no Entry"):
        documents.check(documents.Document("mine", "no entries", [3]))
    for count in (0, "35"):
        with pytest.raises(ValueError, match=r"networks=.*: it must be a whole number, 1 or more"):
            documents.check("002", networks=count)


@pytest.mark.long
def test_results_depend_on_the_seed_only():
    alone = documents.check("002", rng=5, networks=5)
    with_another = documents.check(["002", Document("mine", "", [RIGHT])], rng=5, networks=5)
    assert with_another[:-1] == alone
    assert documents.check("002", rng=6, networks=5) != alone


def test_no_formula_uses_the_tape(monkeypatch):
    """With the complex step for a judge and the tape broken, the verdicts are the same."""

    def broken(*args, **options):
        raise AssertionError("a formula used the tape")

    monkeypatch.setattr(checker, "TapePass", Pass)
    for name in ("gradients", "hessian", "grad", "vjp", "jacobian", "jvp", "hvp"):
        monkeypatch.setattr(ag, name, broken)
    monkeypatch.setattr(ag.Tensor, "backward", broken)
    for number in documents.NUMBERS:
        document = documents.document(number)
        written = [entry for entry in document.entries if entry.formula is not None]
        results = documents.check(replace(document, entries=written), fresh(), networks=4)
        assert not [r.label for r in results if r.verdict == "error"]


# --- mistakes put in on purpose ------------------------------------------------------------------


def recursion(v, l):
    """∂J/∂A[l] by document 000, right."""
    return v.W[l + 1].T @ dZ(v, l + 1)


PLANTED = {
    "a transpose dropped from A": (
        "∂J/∂W{l}", lambda v, l: dZ(v, l) @ v.A[l - 1].T, lambda v, l: dZ(v, l) @ v.A[l - 1],
    ),
    "a transpose dropped from W": (
        "∂J/∂A{l}", recursion, lambda v, l: v.W[l + 1] @ dZ(v, l + 1),
    ),
    "the layer of A": (
        "∂J/∂W{l}", lambda v, l: dZ(v, l) @ v.A[l - 1].T, lambda v, l: dZ(v, l) @ v.A[l].T,
    ),
    "the layer of W": ("∂J/∂A{l}", recursion, lambda v, l: v.W[l].T @ dZ(v, l + 1)),
    "the layer of the slope": (
        "∂J/∂Z{l}",
        lambda v, l: recursion(v, l) * v.g_prime[l](v.Z[l]),
        lambda v, l: recursion(v, l) * v.g_prime[l + 1](v.Z[l + 1]),
    ),
    "a sign": ("∂J/∂A{l}", recursion, lambda v, l: -recursion(v, l)),
    "a factor 1/m": (
        "∂J/∂b{l}", RIGHT.formula, lambda v, l: RIGHT.formula(v, l) / v.m,
    ),
    "a factor of 1.001": ("∂J/∂A{l}", recursion, lambda v, l: 1.001 * recursion(v, l)),
    "a sum not taken": ("∂J/∂b{l}", RIGHT.formula, lambda v, l: dZ(v, l)),
    "the slope left out": (
        "∂J/∂Z{l}",
        lambda v, l: recursion(v, l) * v.g_prime[l](v.Z[l]),
        recursion,
    ),
    "A for Z in the slope": (
        "∂J/∂Z{l}",
        lambda v, l: recursion(v, l) * v.g_prime[l](v.Z[l]),
        lambda v, l: recursion(v, l) * v.g_prime[l](v.A[l]),
    ),
    "one sample for all": (
        "∂J/∂W{l}",
        lambda v, l: dZ(v, l) @ v.A[l - 1].T,
        lambda v, l: v.m * dZ(v, l)[:, :1] @ v.A[l - 1][:, :1].T,
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", PLANTED)
def test_a_planted_mistake_is_caught(mistake):
    equals, right, wrong = PLANTED[mistake]
    entry = Entry(mistake, "", equals=equals, over=hidden, formula=right)
    assert one(entry).verdict == "holds"
    assert one(replace(entry, formula=wrong)).verdict == "false"
    found = one(replace(entry, formula=wrong, corrected_formula=right))
    assert found.verdict == "misprint"
    assert found.corrected_error < 1e-10


# --- procedures beside the tape ------------------------------------------------------------------


def train_beside(change, updates=5, epochs=5):
    """One logistic layer by hand, `change`d after the third update, beside the tape."""
    net = nn.Network([2, 1], ["sigmoid"], rng=0)
    X, Y = np.array([[1.0, -1.0, 0.5], [0.3, 0.2, -2.0]]), np.array([[1.0, 0.0, 1.0]])
    start = {name: p.numpy() for name, p in net.parameters().items()}

    def by_hand():
        W, b = start["W1"], start["b1"]
        for update in range(updates):
            error = documents.logistic(W @ X + b) - Y
            W, b = W - 0.1 / 3 * error @ X.T, b - 0.1 / 3 * error.sum(axis=1, keepdims=True)
            W = change(W) if update == 2 else W
            yield {"W1": W, "b1": b}

    loss = nn.losses.binary_cross_entropy
    return beside_the_tape("mine", "a run", by_hand(), net, X, Y, loss, rate=0.1, epochs=epochs)


def test_a_run_that_parts_from_the_tape_is_noticed():
    assert train_beside(lambda W: W).agrees
    assert train_beside(lambda W: W).updates == 5
    parted = train_beside(lambda W: W + 5e-12)
    assert not parted.agrees
    assert parted.difference == pytest.approx(5e-12, rel=0.5)


def test_a_run_with_another_number_of_updates_is_an_error():
    with pytest.raises(ValueError, match="by hand there are only 4 updates"):
        train_beside(lambda W: W, updates=4)
    with pytest.raises(ValueError, match="by hand there are more updates than the 5"):
        train_beside(lambda W: W, updates=6)


def test_central_differences_follow_a_steep_logarithm():
    """∂J/∂A of an output that is almost 0: two points, each 1e-5 away, would be 1e-5 off."""
    net = next(documents.networks(0, output=[("logistic", "cross-entropy")], depths=[1]))
    net.Y, net.b[1] = np.ones_like(net.Y), net.b[1] - 5.5
    tape, differences = (p(documents.columns, net) for p in (TapePass, DifferencePass))
    right = tape.d("J", "A1")
    assert np.abs(right).max() > 100
    np.testing.assert_allclose(differences.d("J", "A1"), right, rtol=2e-6)
