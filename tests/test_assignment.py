"""Item assignment: recorded as NumPy has it, or refused by name; never another number."""

from __future__ import annotations

import gc
import itertools
import re
import weakref
from collections import Counter

import numpy as np
import pytest
from builders import compile_as_if_in_rows, normal
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


def first_wrong(programs=200):
    """What is said of the first random program that comes out wrong; None if none does."""
    for thorough, seed in itertools.product((False, True), range(programs)):
        rng = np.random.default_rng([3, seed])
        try:
            verdict = judged(drawn(rng, 8), data(rng), thorough)
        except (ValueError, KeyError) as error:
            return str(error)
        if verdict not in FINE:
            return verdict
    return None


@pytest.mark.long
@pytest.mark.parametrize(
    "broken",
    [
        *("rule of x", "rule of v", "last written", "settle", "views", "views of constants"),
        *("other views", "masks", "memory", "signature"),
    ],
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
        monkeypatch.setattr(tensor, "seen_through", lambda x: iter(()))
    if broken == "views of constants":
        on_tape = lambda x: x._op in tensor.VIEW_MAKERS or hasattr(x, "_writes")
        monkeypatch.setattr(tensor, "_may_go_on", on_tape)
    if broken == "other views":
        monkeypatch.setattr(tensor, "_overlap", lambda x, base, place: place is None)
    if broken in ("memory", "signature"):
        compile_as_if_in_rows(monkeypatch, in_rows=broken == "memory")
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
        known = any(z is x for z in (t, *tensor.seen_through(t)) for x in tensors)
        assert known or not any(np.shares_memory(y, a) for a in arrays)


ROW, MATRIX = normal(4), normal(4, 4)
MAY_BE_UNCHANGED = """
    np.roll(x, 0); np.roll(x, 0, -1); np.roll(x, (), ()); x.flatten(); np.reshape(x, x.shape);
    np.reshape(x, -1, copy=True); x.reshape(x.shape, copy=True); x.reshape(-1); x.T.reshape(-1);
    x.reshape(-1, copy=False); x.reshape(-1, order="F"); np.pad(x, 0); np.pad(x, 0, "mean");
    np.pad(x, 0, "edge"); np.pad(x, 0, "linear_ramp"); np.block(x); np.block([x]); np.ravel(x);
    np.ravel(x, "F"); x[::2].ravel(); x[::-1].ravel(); x[:1].ravel(); x.T.ravel();
    x[..., 1].ravel(); x[..., 1:2].ravel(); x[..., :1].reshape(-1); x[..., ::2].copy().ravel();
    x.T.copy().reshape(-1); np.copy(x.T); np.copy(x); x.copy(); np.tile(x, 1); np.tile(x, ());
    np.tile(x, (1, 1)); np.repeat(x, 1, 0); np.meshgrid(x)[0]; np.meshgrid(x, x)[1];
    np.meshgrid(x, copy=False)[0]; np.meshgrid(x, x, sparse=True)[0];
    np.meshgrid(x, x, copy=False)[1]; np.full_like(x, x); np.resize(x, x.shape);
    np.take(x, 0, 0); np.take(x, range(4), 0); np.atleast_1d(x); np.atleast_2d(x);
    np.atleast_3d(x); np.squeeze(x); np.hstack([x]); np.vstack([x]); np.column_stack([x]);
    np.concatenate([x]); np.append(x, []); np.insert(x, [], 0); np.delete(x, []);
    np.delete(x, slice(0)); np.broadcast_to(x, x.shape); np.broadcast_arrays(x)[0];
    np.split(x, 1)[0]; np.flip(x, ()); np.rot90(x, 0); np.rot90(x, 2); np.rollaxis(x, 0);
    np.tril(x, 9); np.triu(x, -9); np.diag(x); np.compress([True] * 4, x, 0); x.astype(float);
    x.astype(float, copy=False); x.conj(); np.conjugate(x); np.sum(x, ()); np.max(x, ());
    np.real(x); np.round(x, 9); np.clip(x, None, None); np.nan_to_num(x); np.diff(x, 0);
    np.where(True, x, x); np.fft.fftshift(x); np.fft.fftshift(x, ()); np.fft.ifftshift(x, ());
    +x; x[...]; x[()]; x[True]; np.linalg.matrix_power(x, 1)
"""


@pytest.mark.parametrize("x", [ROW, MATRIX, ROW[:1], np.array(3.0)], ids=lambda x: str(x.shape))
@pytest.mark.parametrize("text", re.split(r";\s+", MAY_BE_UNCHANGED.strip()))
def test_what_numpy_copies_is_a_copy(text, x):
    """And what it does not copy is x itself, or known as a view of it."""
    f = eval(f"lambda x: {text}", {"np": np})
    try:
        right = np.shares_memory(f(x), x)
    except (IndexError, ValueError, TypeError, AttributeError):
        return  # of no array of this shape
    t = ag.Tensor(x, requires_grad=True) * 1
    y = f(t)
    assert right == any(z is t for z in (y, *tensor.seen_through(y)))
    assert right == np.shares_memory(y.data, t.data)


def writes(x, view):
    h = x * 2
    h[1, 1:] = x[0, 1:]
    view(h)[...] = 5.0
    return np.sum(h * h * h)


@pytest.mark.parametrize(
    "view",
    [
        lambda h: h.T.reshape(-1),
        lambda h: h.reshape(-1),
        lambda h: h[:, :1].ravel(),
        lambda h: h[:, :1].reshape(-1),
        lambda h: h.T.ravel(),
        lambda h: h[1:].ravel(),
        lambda h: h[:, 1:].copy().reshape(-1),
        lambda h: np.roll(h, 0),
        lambda h: np.einsum("ij,jk->ik", h, h),
    ],
)
def test_copies_and_views_are_told_apart_in_what_is_compiled(view):
    x = normal(3, 3)
    value = writes(x, view)
    f = lambda t: writes(t, view)
    assert np.isclose(ag.value_and_grad(f)(x)[0], value, rtol=1e-14)
    assert np.isclose(ag.compile(f)(x), value, rtol=1e-14)
    ag.check_gradients(f, x)
    np.testing.assert_allclose(ag.compile(ag.grad(f))(x), ag.grad(f)(x))


def test_a_view_that_was_written_into_lies_in_memory_as_numpys_does():
    def f(x):
        h = x * 2
        column, turned = h[:, 0], h.T
        column[0] = 5.0
        column.ravel()[1] = 7.0  # a copy
        turned = h.T
        turned[0, 1] = 3.0
        turned.reshape(-1)[2] = 9.0  # a copy
        return np.sum(h * h)

    x = normal(3, 3)
    assert np.isclose(ag.value_and_grad(f)(x)[0], f(x), rtol=1e-14)
    assert np.isclose(ag.compile(f)(x), f(x), rtol=1e-14)


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


def stale_view_of_a_constant(W):
    h = ag.Tensor(np.zeros((2, 2)))
    row = h[0]
    h[0] = 7.0
    np.sum(W * row).backward()


def inside_no_grad(W):
    h = W * 2
    with ag.no_grad():
        h[0] = 1.0


def through_a_view_inside_no_grad(W):
    row = (W * 2)[0]
    with ag.no_grad():
        row[0] = 1.0


def through_a_view_made_inside_no_grad(W):
    h = W * 2
    with ag.no_grad():
        h[0][0] = 1.0


def through_a_view_made_inside_no_grad_and_later(W):
    h = W * 2
    with ag.no_grad():
        row = h.T[0]
    row[0] = 1.0


def inside_no_grad_in_what_is_compiled(W):
    def f(x):
        h = x * 2
        with ag.no_grad():
            h[0] = 1.0
        return np.sum(h * h)

    ag.compile(ag.grad(f))(W.data)


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
        (stale_view_of_a_constant, r"\(2,\) shares its memory with what was assigned to"),
        (inside_no_grad, r"inside no_grad, on what was computed outside it"),
        (through_a_view_inside_no_grad, r"inside no_grad, on what was computed outside it"),
        (through_a_view_made_inside_no_grad, r"would write into \(2, 2\) as well, whose view"),
        (through_a_view_made_inside_no_grad_and_later, r"would write into \(2, 2\) as well"),
        (inside_no_grad_in_what_is_compiled, r"inside no_grad, on what was computed outside it"),
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


def test_what_is_left_of_a_base_are_its_views():
    W = leaf()
    h = np.sum(W * W, axis=1)  # a view of sums that keep the axis
    h[0] = 5.0
    h[1] = h[1] * 2
    J = np.sum(h * h)
    assert J.item() == 25 + 4 * 25**2
    J.backward()
    np.testing.assert_array_equal(W.grad, [[0, 0], [2 * 50 * 2 * 2 * 3, 2 * 50 * 2 * 2 * 4]])

    def row_and_column(W):
        h = W * 2
        return h[0], h[:, 1]

    row, column = row_and_column(leaf())
    np.testing.assert_array_equal((column * 1).data, [4, 8])
    row[0] = 5.0
    np.testing.assert_array_equal((column * 1).data, [4, 8])
    row[1] = 7.0
    with pytest.raises(ValueError, match="shares its memory with what was assigned to"):
        np.sum(column * 1).backward()


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


def test_a_view_made_inside_no_grad_does_not_keep_the_tape_of_its_base():
    h = leaf() * 2
    behind, row = weakref.ref(h), (h * 1)[0]
    with ag.no_grad():
        views = h[0], h.T[1:], row[1:]
        flat = h.reshape(-1)
    del h, row
    gc.collect()
    assert behind() is None
    assert [v.data.tolist() for v in views] == [[2, 4], [[4, 8]], [4]]
    assert np.sum(flat).data == 20


@pytest.mark.parametrize("chained", [False, True])
def test_a_view_made_inside_no_grad_is_known_as_one_without_the_tape(chained):
    h = leaf() * 2
    with ag.no_grad():
        rows = h[:]
        row = rows[0] if chained else h[0]
        rest = rows[1] if chained else h[1]
    h[0] = 5.0
    assert np.sum(rest * 1).data == 14
    with pytest.raises(ValueError, match="shares its memory with what was assigned to"):
        np.sum(row * 1)


@pytest.mark.parametrize("index", [0, np.int64(0), (np.int8(0), ...), slice(1), True])
def test_the_places_that_an_index_leaves_alone_stay_current(index):
    """(Of an index that is no basic one, none is known.)"""
    W = leaf()
    h = W * 2
    row = h[1]
    h[index] = 5.0
    if index is not True:
        np.sum(row).backward()
        assert W.grad.tolist() == [[0, 0], [2, 2]]
    else:
        with pytest.raises(ValueError, match="shares its memory with what was assigned to"):
            np.sum(row).backward()


@pytest.mark.parametrize("index", [[0, 0], ((0, 0),), (range(2),), ([0, 0], slice(2)), True])
def test_places_in_sequences_of_every_kind(index):
    def f(x):
        h = x * np.ones((2, 2))
        h[index] = x * x
        return np.sum(h * h)

    ag.check_gradients(f, normal(2, 2))


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


FILLED = {  # NumPy's functions that write into an array, and what they write
    "fill_diagonal": lambda x, v: np.fill_diagonal(x, v[0]),
    "fill_diagonal, several": lambda x, v: np.fill_diagonal(x, v),
    "fill_diagonal, again and again": lambda x, v: np.fill_diagonal(x, v[:2]),
    "fill_diagonal, no Tensor": lambda x, v: np.fill_diagonal(x, -np.inf),
    "fill_diagonal of a view": lambda x, v: np.fill_diagonal(x[1:, :2], v[1]),
    "copyto": lambda x, v: np.copyto(x, v[:, None]),
    "copyto, chosen": lambda x, v: np.copyto(x, v[:, None], where=ONE[:3, :3] > 0),
    "out=": lambda x, v: np.multiply(x, v[:, None], out=x),
    "out= of a view": lambda x, v: np.multiply(x[0], v, out=x[0]),
    "out= of a function": lambda x, v: np.clip(x, -0.5, 0.5, out=x),
    "out= of another's result": lambda x, v: np.sum(x, axis=0, out=x[1]),
}


@pytest.mark.parametrize("name", FILLED)
@pytest.mark.parametrize("shape", [(3, 3), (4, 3), (3, 4)])
def test_numpys_functions_that_write(name, shape):
    if "copyto" in name or "out" in name:
        shape = (3, 3)

    def f(x, v):
        y = np.tanh(x)
        FILLED[name](y, v)
        return np.exp(y) * x

    x, v = normal(*shape, seed=8), normal(3, seed=9)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(f(ag.Tensor(x), ag.Tensor(v)).data, f(x, v))
        assert ag.check_gradients(f, x, v)
        cost = lambda x, v: np.sum(np.sin(f(x, v)))
        (J, found), (same, right) = (
            run(x, v)
            for run in (
                ag.compile(ag.value_and_grad(cost, (0, 1))),
                ag.value_and_grad(cost, (0, 1)),
            )
        )
    np.testing.assert_allclose([J, *map(np.sum, found)], [same, *map(np.sum, right)])


def test_a_diagonal_that_is_not_there():
    for shape in ((3,), (2, 2, 3)):
        with pytest.raises(ValueError, match="no diagonal to fill"):
            np.fill_diagonal(ag.Tensor(np.zeros(shape)), 0.0)
    cube, right = ag.Tensor(np.zeros((2, 2, 2))), np.zeros((2, 2, 2))
    np.fill_diagonal(cube, 1.0)
    np.fill_diagonal(right, 1.0)
    np.testing.assert_array_equal(cube.data, right)
