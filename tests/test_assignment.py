"""Item assignment: recorded as NumPy has it, or refused by name; never another number."""

from __future__ import annotations

import gc
from collections import Counter

import numpy as np
import pytest
from builders import normal
from samples import CASES

import autograd_lite as ag
from autograd_lite import rules, tensor, walk
from autograd_lite.graph import steps
from benchmarks import assignments
from benchmarks.assignments import Program, data, drawn, judged

FINE = ("right", "refused", "needless")


def test_random_programs():
    found = Counter()
    for seed in range(25):
        rng = np.random.default_rng([7, seed])
        program = drawn(rng, int(rng.integers(1, 9)))
        verdict = judged(program, data(rng))
        assert verdict in FINE, "\n".join([verdict, *program.lines])
        found[verdict] += 1
    assert found["needless"] <= 2, "a value may be the same by luck, but seldom"


def first_wrong(programs=150):
    """What is said of the first random program that comes out wrong; None if none does."""
    for seed in range(programs):
        rng = np.random.default_rng([3, seed])
        try:
            verdict = judged(drawn(rng, 8), data(rng))
        except (ValueError, KeyError) as error:
            return str(error)
        if verdict not in FINE:
            return verdict
    return None


@pytest.mark.parametrize(
    "broken",
    ["rule of x", "rule of v", "last written", "settle", "views", "other views", "masks"],
)
def test_the_random_programs_find_what_is_wrong(broken, monkeypatch):
    of_x, of_v = rules.RULES[rules.setitem]
    if broken == "rule of x":
        monkeypatch.setitem(rules.RULES, rules.setitem, (lambda g, *_, **__: g, of_v))
    if broken == "rule of v":
        half = lambda g, *rest, **static: of_v(g, *rest, **static) * 0.5
        monkeypatch.setitem(rules.RULES, rules.setitem, (of_x, half))
    if broken == "last written":
        everywhere = lambda *at, shape, index: np.ones(np.zeros(shape)[index].shape, bool)
        monkeypatch.setattr(rules, "written_last", everywhere)
    if broken == "settle":
        monkeypatch.setattr(walk, "settle", lambda t: None)
    if broken == "views":
        monkeypatch.setattr(tensor, "_seen_through", lambda x: iter(()))
    if broken == "other views":
        monkeypatch.setattr(tensor, "_overlap", lambda x, base, place: place is None)
    if broken == "masks":
        monkeypatch.setattr(assignments, "REFUSALS", ())
    assert first_wrong() is not None


ONE = normal(3, 4)
VIEWS = {
    "diagonal": np.diagonal,
    "squeeze": lambda x: np.squeeze(x[None]),
    "ravel": np.ravel,
    "flatten": lambda x: x.flatten(),
    "copy": lambda x: x.copy(),
    "plus": lambda x: +x,
    "iteration": lambda x: next(iter(x)),
    "split": lambda x: np.split(x, 3)[1],
    "broadcast_arrays": lambda x: np.broadcast_arrays(x, np.ones((2, 3, 4)))[0],
    "the same dtype": lambda x: x.astype(float, copy=False),
    "np.astype": lambda x: np.astype(x, float, copy=False),
    "another reshape": lambda x: x.T.reshape(-1),
    "einsum": lambda x: np.einsum("ij->ji", x),
    "flip": np.flip,
    "windows": lambda x: np.lib.stride_tricks.sliding_window_view(x, 2, 0),
}


@pytest.mark.parametrize(
    ("f", "arrays"),
    [pytest.param(f, arrays, id=name) for name, f, arrays in CASES if "identity" not in name]
    + [pytest.param(f, (ONE,), id=name) for name, f in VIEWS.items()],
)
def test_what_is_a_view_in_numpy_is_known_as_one(f, arrays):
    tensors = [ag.Tensor(a, requires_grad=True) * 1 for a in arrays]
    try:
        y = f(*arrays)
    except (AttributeError, TypeError):
        return  # written for Tensors alone
    t = f(*tensors)
    if isinstance(y, np.ndarray) and isinstance(t, ag.Tensor):
        known = any(z is x for z in (t, *tensor._seen_through(t)) for x in tensors)
        assert known or not any(np.shares_memory(y, a) for a in arrays)


def leaf():
    return ag.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True, name="W")


def into_a_leaf(W):
    W[0] = 1.0


def into_a_view_of_a_leaf(W):
    W.T[0] = 1.0


def stale_view(W):
    h = W * 2
    first = h[0]
    h[0] = 5.0
    np.sum(first).backward()


def other_view_of_what_was_written_through_one(W):
    h = W * 2
    column = h[:, 1]
    h[0][1] = 5.0
    np.sum(column).backward()


def stale_constant(W):
    h = ag.Tensor(np.zeros((2, 2)))
    row = h[0]
    h[...] = 1.0
    return row * 2  # nothing is recorded here: it is noticed all the same


def through_a_broadcast_view(W):
    h = W * 2
    np.broadcast_to(h, (3, 2, 2))[0, 0] = 1.0


def through_a_stale_view(W):
    h = W * 2
    row = h[0]
    h[...] = 1.0
    row[0] = 2.0


def inside_no_grad(W):
    h = W * 2
    with ag.no_grad():
        h[0] = 1.0


def index_out_of_bounds(W):
    h = W * 2
    h[2] = 1.0


def shape_that_does_not_fit(W):
    h = W * 2
    h[0] = W[0, :1] + np.ones(3)


def added_at_places_of_an_array(W):
    np.add.at(np.zeros(2), [0], W[0, 0])


@pytest.mark.parametrize(
    ("f", "said"),
    [
        (
            into_a_leaf,
            r"W \(2, 2\)\[\.\.\.\] = .* a leaf that requires a gradient: write t = t.copy",
        ),
        (into_a_view_of_a_leaf, r"would write into W \(2, 2\) as well"),
        (stale_view, r"\(2,\) shares its memory with what was assigned to"),
        (other_view_of_what_was_written_through_one, r"\(2,\) shares its memory with what was as"),
        (stale_constant, r"\(2,\) shares its memory with what was assigned to"),
        (through_a_broadcast_view, r"would write into \(2, 2\) as well, whose view it is"),
        (through_a_stale_view, r"\(2,\) shares its memory with what was assigned to"),
        (inside_no_grad, r"inside no_grad, on what was computed outside it"),
        (index_out_of_bounds, "index 2 is out of bounds"),
        (shape_that_does_not_fit, "could not broadcast"),
        (added_at_places_of_an_array, "a Tensor would lose its gradient"),
    ],
)
def test_what_cannot_be_right_is_refused(f, said):
    W = leaf()
    with pytest.raises((TypeError, ValueError, IndexError), match=said):
        f(W)


def test_a_failed_assignment_changes_nothing():
    h = leaf() * 2
    before = (h._order, h._op, h.numpy().tolist())
    with pytest.raises(ValueError, match="setitem"):
        h[0] = np.ones(3)
    assert before == (h._order, h._op, h.data.tolist())


def test_what_was_used_before_keeps_its_value():
    W = leaf()
    h = W * 2
    before = np.sum(h * h)
    h[0] = 0.0
    after = np.sum(h * h)
    assert ag.gradients(before, [W])[0].tolist() == (8 * W.data).tolist()
    assert ag.gradients(after, [W])[0].tolist() == [[0, 0], [24, 32]]


def rows(h):
    for i, row in enumerate(h):
        row[i] = h[0, 1]


def parts(h):
    corner = h[:, 1:].T
    corner[0][1] = 7.0
    h.reshape(-1)[0] *= 2
    flat = h.reshape(-1)[1:]
    flat[:2] = flat[1:]
    flat[-1] = 0.5 * h[0, 0]


@pytest.mark.parametrize("write", [rows, parts])
@pytest.mark.parametrize("constant", [False, True])
def test_what_is_written_through_views(write, constant):
    """As in NumPy; for a constant that nothing is recorded of as well."""
    right = normal(2, 2)
    W = ag.Tensor(right, requires_grad=not constant)
    h = W * 2
    write(h)
    expected = right * 2
    write(expected)
    np.testing.assert_array_equal(h.data, expected)

    def f(x):
        y = x * 2
        write(y)
        return np.sum(y * y)

    ag.check_gradients(f, right)
    np.testing.assert_allclose(ag.compile(ag.grad(f))(right), ag.grad(f)(right))


def test_alias_and_name_go_on():
    W = leaf()
    h = (W * 2).named("h")
    same = h
    h[:, 0] = 1.0
    assert same is h
    J = np.sum(same)
    assert [s.label for s in steps(J) if s.label] == ["W", "h"]
    assert ag.gradients(J, [h])[0].tolist() == [[1, 1], [1, 1]]


def test_a_leaf_inside_no_grad_gets_new_data():
    W = leaf()
    J = np.sum(W * W)
    with ag.no_grad():
        W[0] = 7.0
    assert W.data.tolist() == [[7, 7], [3, 4]]
    assert ag.gradients(J, [W])[0].tolist() == [[2, 4], [6, 8]]


def test_constants_are_assembled_inside_no_grad():
    with ag.no_grad():
        h = leaf() * 2
        h[h > 5] = 0
        assert h.data.tolist() == [[2, 4], [0, 0]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, int, bool])
def test_the_dtype_stays(dtype):
    t = ag.Tensor(np.zeros((2, 3), dtype))
    t[t == 0] = 1.0
    t[0] = np.float64(2.5)
    expected = np.ones((2, 3), dtype)
    expected[0] = 2.5
    assert t.dtype == expected.dtype
    assert t.data.tolist() == expected.tolist()


def test_nothing_is_kept_of_a_tape_that_is_gone():
    gc.collect()
    gc.disable()  # there are no circles
    try:
        before = len(tensor.ASSIGNED)
        h = leaf() * 2
        h[0] = np.tanh(h[1] * h[0])
        rows(h)
        assert len(tensor.ASSIGNED) > before
        del h
        assert len(tensor.ASSIGNED) == before
    finally:
        gc.enable()


def test_what_was_written_through_keeps_its_name_and_its_gradient():
    W = leaf()
    h = W * 2
    row = h[0]
    row[0] = W[1, 1]
    row.named("row")
    J = np.sum(h * h)
    assert [s.label for s in steps(J) if s.label] == ["W", "row"]
    assert ag.gradients(J, [row])[0].tolist() == [8, 8]
    J.backward(retain_grads=True)
    assert row.grad.tolist() == [8, 8]


def test_the_programs_know_views_from_aliases():
    program = Program(["v0 = A * 1.5", "v1 = v0[1]", "v2 = v0", "return np.sum(v1)"])
    assert program.with_copies().lines[1:3] == ["v1 = v0[1].copy()", "v2 = v0"]
