"""NumPy's functions that assemble, cut and rearrange: values are NumPy's, gradients are right."""

from __future__ import annotations

import inspect
import itertools

import numpy as np
import pytest
from builders import normal, positive
from numpy.lib.stride_tricks import as_strided, sliding_window_view

import autograd_lite as ag

pytestmark = pytest.mark.filterwarnings("error")

v, w, m, n, p = normal(4), normal(3, seed=1), normal(3, 4), normal(3, 4, seed=1), positive(3)
c, e, s = normal(2, 3, 4), np.zeros((0, 3)), np.array(1.5)
b = m > 0

# Functions of arrays, tried on arrays and on Tensors.
JOINING = [
    (lambda *x: np.vstack(x), (v, v), (m, n, m), (m, v), (s, s), (e, m.T), (c, c)),
    (lambda *x: np.hstack(x), (v, w), (m, n), (s, v), (c, c), (e, e)),
    (lambda *x: np.dstack(x), (v, v), (m, n), (s, s), (c, c[..., :1])),
    (lambda *x: np.column_stack(x), (v, v), (m, w), (w, m, w), (s, s)),
    (lambda x: np.concatenate([[1.0, 2.0], x]), (v,)),
    (lambda x, y: np.vstack([x, y], dtype=np.float64, casting="safe"), (m, n)),
    (lambda x, y: np.stack([x, y], -1, dtype="f8"), (m, n)),
    *(((lambda x, y, k=k: np.append(x, y, k)), (m, n)) for k in (None, 0, 1, -1)),
    (lambda x, y: np.append(x, y), (v, m), (s, v), (m, s)),
    (np.atleast_1d, (s,), (v,), (m,), (v, s)),
    (np.atleast_2d, (s,), (v,), (m,), (c,), (v, s)),
    (np.atleast_3d, (s,), (v,), (m,), (c,), (v, s)),
    (lambda x, y: np.block([[x, y], [y, x]]), (m, n), (s, s), (v, w), (c, c)),
    (lambda x, y: np.block([x, y]), (v, w), (s, v), (m, n)),
    (lambda x, y: np.block([[[x]], [[y]]]), (v, v), (m, n)),
    (np.block, (m,), (s,)),
    (lambda x: (np.take(x, 0, 0), np.take(x, [0, 0], -1), np.repeat(x, 2, 0)), (s,)),
    (lambda x: np.compress([True], x, 0), (s,)),
    (lambda x: np.block([[x, np.zeros((3, 2))], [np.zeros((2, 4)), np.eye(2)]]), (m,)),
]
CUTTING = [
    (lambda x: np.split(x, 2), (v,), (c,)),
    (lambda x: np.split(x, [1, 3], axis=-1), (m,), (c,)),
    (lambda x: np.array_split(x, 3), (v,), (m,)),
    (lambda x: np.array_split(x, [3, 1, -1, 9], 1), (m,)),
    (lambda x: np.hsplit(x, 2), (v,), (m,)),
    (lambda x: np.hsplit(x, [1]), (c,)),
    (lambda x: np.vsplit(x, [1, 1]), (m,), (c,)),
    (lambda x: np.dsplit(x, 2), (c,)),
    (np.unstack, (v,), (m,)),
    (lambda x: np.unstack(x, axis=-1), (m,), (c,)),
    *(
        ((lambda x, i=i, k=k: np.delete(x, i, k)), (m,))
        for i, k in itertools.product(
            [1, -1, [0, 2], [0, 0], slice(None, None, 2), np.array([], int)], [None, 0, 1, -2]
        )
    ),
    (lambda x: np.delete(x, [True, False, False, True], axis=1), (m,)),
    *(
        ((lambda x, y, i=i, k=k: np.insert(x, i, y, axis=k)), (m, s), (m, y))
        for i, k, y in [
            (1, 0, v),
            (1, 0, normal(2, 4)),
            (-1, 1, w),
            ([1], 1, normal(3, 1)),
            ([0, 2], 1, normal(3, 2)),
            ([0, 0, 3], 0, normal(3, 4)),
            (slice(0, 2), 0, v),
            (2, None, w),
            ([1, 5], None, normal(2)),
        ]
    ),
    (lambda x: np.insert(x, 1, 7.0), (v,), (s,)),
    (lambda y: np.insert(np.zeros(3), [1, 2], y), (normal(2),)),
]
REPEATING = [
    *(
        ((lambda x, r=r, k=k: np.repeat(x, r, k)), (m,))
        for r, k in [(2, None), (3, 0), (2, 1), (0, 1), ([1, 0, 2], 0), ([2], -1), (np.int64(2), 1)]
    ),
    (lambda x: np.repeat(x, 3), (s,), (v,), (c,), (e,)),
    (lambda x: x.repeat(2, axis=1), (m,), (c,)),
    *(
        ((lambda x, r=r: np.tile(x, r)), (s,), (v,), (m,), (c,), (e,))
        for r in [2, (2,), (2, 1), (2, 1, 3), (1, 1), 0, (), [2, 2]]
    ),
    *(
        ((lambda x, r=r: np.resize(x, r)), (v,), (m,), (e,))
        for r in [3, (5, 2), (2, 3), 30, 0, (2, 2, 2)]
    ),
    (lambda *x: np.meshgrid(*x), (v, w), (v,), (v, w, v), (s, v)),
    (lambda *x: np.meshgrid(*x, indexing="ij"), (v, w), (v, w, v)),
    (lambda *x: np.meshgrid(*x, sparse=True), (v, w), (v, w, v)),
    (lambda *x: np.broadcast_arrays(*x), (v, m), (s, m, c), (v, v)),
]
PADDING = [
    *(
        ((lambda x, k=k, d=mode: np.pad(x, k, d)), (m,), (c,))
        for k, mode in itertools.product(
            [1, 0, (1, 2), ((2, 0),), 5],
            ["constant", "edge", "reflect", "symmetric", "wrap", "linear_ramp", "mean"],
        )
    ),
    *(
        ((lambda x, d=mode: np.pad(x, ((0, 3), (1, 2)), mode=d)), (m,), (m[:1],), (m[:, :1],))
        for mode in (
            *("constant", "edge", "reflect", "symmetric", "wrap"),
            *("linear_ramp", "mean", "maximum", "minimum"),
        )
    ),
    (lambda x: np.pad(x, ((0, 2), (1, 0)), constant_values=3), (m,), (e,)),
    (lambda x: np.pad(x, 1, constant_values=((1, 2), (3.5, np.nan))), (m,)),
    (lambda x: np.pad(x, 2, "linear_ramp", end_values=((1, 2), (-3, 4.5))), (m,)),
    (lambda x: np.pad(x, 2, "mean", stat_length=2), (m,)),
    (lambda x: np.pad(x, 2, "maximum", stat_length=((1, 2), (9, 1))), (m,)),
    (lambda x: np.pad(x, 2), (s,), (v,)),
]
TURNING = [
    *(((lambda x, k=k: np.flip(x, k)), (m,), (c,)) for k in [None, 0, -1, (0, 1), (0, -1)]),
    (np.flip, (s,), (v,), (e,)),
    (np.flipud, (v,), (m,), (c,)),
    (np.fliplr, (m,), (c,)),
    *(
        ((lambda x, k=k, a=a: np.rot90(x, k, a)), (m,), (c,))
        for k, a in itertools.product([0, 1, 2, 3, -1, 6], [(0, 1), (1, 0), (-1, -2)])
    ),
    *(
        ((lambda x, k=k, to=to: np.rollaxis(x, k, to)), (c,))
        for k, to in itertools.product([0, 1, 2, -1], [0, 1, 3, -1, -3])
    ),
    *(
        ((lambda x, r=r, k=k: np.roll(x, r, k)), (m,))
        for r, k in [(1, None), (-5, None), (2, 0), (1, -1), (0, 1), ((1, 2), (0, 1)), (1, (0, 0))]
    ),
    (lambda x: np.roll(x, (1, 1)), (v,)),
    (lambda x: np.roll(x, 1), (s,), (e,), (c,)),
    *(
        ((lambda x, o=o: (np.ravel(x, order=o), x.ravel(o), x.flatten(o))), (m,), (c,), (s,))
        for o in "CF"
    ),
    *(
        ((lambda x, to=to: (np.reshape(x, to, order="F"), x.reshape(to, order="F"))), (c,))
        for to in [(4, 6), (-1, 2), -1, (2, 2, 3, 2)]
    ),
    (lambda x: (x.transpose(), x.transpose(1, 0, 2), x.transpose((-1, 0, 1)), x.T), (c,)),
    (lambda x: np.permute_dims(x, (2, 0, 1)), (c,)),
]
DIAGONALS = [
    *(
        ((lambda x, f=f, k=k: f(x, k)), (v,), (m,), (c,), (m.T,))
        for f, k in itertools.product([np.tril, np.triu], [0, 1, -1, 7, -7])
    ),
    *(((lambda x, k=k: np.diag(x, k)), (v,), (m,), (m.T,)) for k in [0, 1, -2, 9, -9]),
    *(((lambda x, k=k: np.diagflat(x, k)), (v,), (m,), (s,)) for k in [0, 1, -2]),
    *(
        ((lambda x, o=o, i=i, j=j: np.diagonal(x, o, i, j)), (c,))
        for o, (i, j) in itertools.product([0, 1, -1, 5, -5], [(0, 1), (1, 0), (-1, 0), (1, 2)])
    ),
    *(((lambda x, o=o: np.trace(x, o)), (m,), (c,), (m.T,)) for o in [0, 1, -2, 9]),
    (lambda x: np.trace(x, axis1=-1, axis2=1), (c,)),
    (lambda x: np.trace(x, dtype=np.float64), (m,)),
    (lambda x: (x.diagonal(1), x.trace(-1), x.diagonal(axis1=1, axis2=0)), (m,)),
    (lambda x: x[np.tril_indices_from(x)] * x[np.triu_indices_from(x)], (m[:, :3],)),
    (lambda x: x[np.tril_indices_from(x, 1)], (m,)),
    (lambda x: x[np.diag_indices_from(x)], (m[:, :3],)),
]
CHOOSING = [
    *(
        ((lambda x, i=i, k=k: (np.take(x, i, k), x.take(i, axis=k))), (m,))
        for i, k in itertools.product([0, -1, [0, 2], [[0, 1], [2, 2]], []], [None, 0, 1, -1])
        if np.size(i)
    ),
    (lambda x: np.take(x, np.array([], int), 1), (m,)),
    (lambda x: np.take(x, [5, -7], 0, None, "clip"), (m,), (v,)),
    (lambda x: np.take(x, [5, -7], mode="wrap"), (m,), (v,)),
    (lambda x: np.take(x, np.argmax(x, 0), 1, mode="clip"), (m,)),
    (lambda x: np.take(x, np.argmax(x, 1) - 9, 0, mode="wrap"), (m,)),
    (lambda x: np.take(x, np.argmax(x, 1) - 1, 1), (m,)),
    *(
        ((lambda x, k=k: np.take_along_axis(x, np.expand_dims(np.argmax(x, k), k), k)), (m,), (c,))
        for k in (0, 1, -1)
    ),
    (lambda x: np.take_along_axis(x, np.array([[0, 0, -1, 1]]), 0), (m,)),
    (lambda x: np.take_along_axis(x, np.array([[0, 0], [1, 3], [2, 2]]), axis=1), (m,)),
    (lambda x: np.take_along_axis(x, np.array([0, 11, 11]), None), (m,)),
    (lambda x: np.compress([True, False, True], x, axis=0), (m,)),
    (lambda x: np.compress([0, 1], x, 1), (m,)),
    (lambda x: (np.compress(b.ravel(), x), x.compress([1, 0, 1], 0)), (m,)),
    (lambda x: np.extract(x > 0, x), (m,), (v,)),
    (lambda x: np.extract(b, x), (m,)),
    (lambda x, y: np.choose([[0, 1, 1, 0]] * 3, [x, y]), (m, n), (v, m), (s, v)),
    (lambda x: (np.choose([0, 2, 1, 0], x), np.choose([1, 0, 0, 1], x)), (m,)),
    (lambda x: np.choose([0, 7, -1, 0], x, None, "clip"), (m,)),
    (lambda x: np.choose([0, 7, -1, 0], x, mode="wrap"), (m,)),
    (lambda x: np.choose(np.argmax(x, 0), x), (m,)),
    (lambda x: np.choose(np.argmax(x, 0) - 2, x, mode="clip"), (m,)),
    (lambda x: np.choose(np.argmax(x, 0) - 5, x, mode="wrap"), (m,)),
    (lambda x: np.choose([0, 1, 2], [1, 2.5, x]), (w,)),
]
WINDOWS = [
    (lambda x: sliding_window_view(x, 2), (v,), (normal(2),)),
    (lambda x: sliding_window_view(x, (2, 3)), (m,)),
    (lambda x: sliding_window_view(x, 3, axis=-1), (m,), (c,)),
    (lambda x: sliding_window_view(x, (2, 2), (2, 0)), (c,)),
    (lambda x: sliding_window_view(x, (2, 2), axis=(-1, -1)), (m,)),
    (lambda x: sliding_window_view(x, (2, 3))[::2, ::2].max((-1, -2)), (normal(5, 6),)),
    (lambda x: sliding_window_view(x, ()), (s,)),
    (lambda x, k: np.einsum("ijkl,kl->ij", sliding_window_view(x, (2, 2)), k), (m, normal(2, 2))),
]
STEPS = [
    *(
        ((lambda x, y, o=o: np.linspace(x, y, **o)), (s, v), (v, v[::-1].copy()), (m, v))
        for o in (
            {},
            *({"num": k, "endpoint": last} for k in (0, 1, 2, 5) for last in (True, False)),
            {"num": 4, "axis": -1},
            {"num": 4, "axis": 1},
        )
        if o.get("axis") != 1
    ),
    (lambda x: np.linspace(0, x, 3, retstep=True), (s,), (v,)),
    (lambda x: np.linspace(x, x, 3, axis=1), (v,)),
    (lambda x, y: np.linspace(x, y, 5, dtype=np.float32), (s, s + 1)),
    (lambda x, y: np.logspace(x, y, 5), (s, s + 1), (v, s)),
    (lambda x, y: np.logspace(x, y, 4, False, 2.0, axis=-1), (v, v + 1)),
    (lambda x, y, z: np.logspace(x, y, 4, base=z), (s, s + 1, s + 1), (v, s, positive(4))),
    *(
        (
            (lambda x, y, o=o: np.geomspace(x, y, **o)),
            (s, s + 3),
            (p, p + 2),
            (-p, -p[::-1]),
            (m**2, p[:1]),
        )
        for o in (
            {"num": 5},
            {"num": 4, "endpoint": False},
            {"num": 1},
            {"num": 2},
            {"num": 0},
            {"num": 5, "axis": -1},
            {"num": 3, "dtype": np.float32},
        )
    ),
]
LIKE = [
    (lambda x: x * np.zeros_like(x) + np.ones_like(x) - np.empty_like(x) * 0, (m,), (s,)),
    (lambda x: x[0] * np.ones_like(x, shape=(3, 4)) * np.full_like(x, 7), (m,)),
    (lambda x, y: np.full_like(x, y) * x, (m, s), (m, v), (m, w[:1])),
    (
        lambda y: np.full_like(ag.Tensor([1.0]) if type(y) is ag.Tensor else v, y, shape=(2, 3)),
        (w,),
    ),
    (lambda x: (np.copy(x), x.copy(), np.astype(x, np.float64), x.astype("f8", copy=False)), (m,)),
]
GROUPS = {
    name: group
    for name, group in list(globals().items())
    if name.isupper() and isinstance(group, list)
}
CASES = [
    pytest.param(f, arrays, id=f"{name}-{k}-{j}")
    for name, group in GROUPS.items()
    for k, (f, *every) in enumerate(group)
    for j, arrays in enumerate(every)
]


def parts(result):
    """What a function returned, as a list of arrays or Tensors."""
    if isinstance(result, list | tuple):
        return [x for part in result for x in parts(part)]
    return [result]


@pytest.mark.parametrize(("f", "arrays"), CASES)
def test_value_and_gradient(f, arrays):
    expected = f(*arrays)
    got = f(*[ag.Tensor(x, requires_grad=True) for x in arrays])
    if isinstance(expected, list | tuple):
        assert type(got) is type(expected)
    for x, y in zip(parts(got), parts(expected), strict=True):
        if type(x) is not ag.Tensor:  # no step between fewer than two values
            np.testing.assert_array_equal(x, y)
            continue
        assert (x.shape, x.dtype) == (np.shape(y), np.asarray(y).dtype)
        np.testing.assert_array_equal(x.data, y)
        assert x.requires_grad or not arrays[0].size

    def cost(*tensors):
        pieces = [x for x in parts(f(*tensors)) if type(x) is ag.Tensor and x.size]
        weighted = [
            np.sum(np.where(np.isnan(x), 0, np.sin(x)) * normal(*x.shape, seed=k))
            for k, x in enumerate(pieces)
        ]
        return sum(weighted, np.sum(0 * tensors[0]))

    ag.check_gradients(cost, *arrays, order=2)


@pytest.mark.parametrize("dtype", [np.float32, np.int64, bool])
@pytest.mark.parametrize(("f", "arrays"), CASES)
def test_dtype_is_numpys(f, arrays, dtype):
    arrays = [x.astype(dtype) for x in arrays]
    try:
        with np.errstate(all="ignore"):
            expected = parts(f(*arrays))
    except (TypeError, ValueError):
        return
    got = parts(f(*[ag.Tensor(x) for x in arrays]))
    for x, y in zip(got, expected, strict=True):
        if type(x) is ag.Tensor:
            assert x.dtype == np.asarray(y).dtype
            np.testing.assert_array_equal(x.data, y)


REFUSED = {
    "np.full_like: a Tensor is not an array.*np.broadcast_to": [lambda x: np.full_like(m, x)],
    "in place": [
        lambda x: np.fill_diagonal(x, 0.0, wrap=True),
        lambda x: np.put_along_axis(x, np.array([[0]]), 1.0, 0),
        lambda x: np.put(x, [0], 1.0),
        lambda x: np.place(x, b, [1.0]),
        lambda x: np.putmask(x, b, 1.0),
        lambda x: np.copyto(np.zeros((3, 4)), x),
        lambda x: np.take(x, [0], out=np.zeros(1)),
        lambda x: np.trace(x, out=np.zeros(())),
        lambda x: np.compress([1], x, 0, np.zeros((1, 4))),
        lambda x: np.choose([0, 1, 2, 0], x, np.zeros(4)),
    ],
    "does not take these": [
        lambda x: np.concatenate([x, x], out=np.zeros((6, 4))),
        lambda x: np.stack([x, x], out=np.zeros((2, 3, 4))),
    ],
    "plain values": [
        lambda x: np.repeat(x, ag.Tensor(2)),
        lambda x: np.delete(x, ag.Tensor(0)),
        lambda x: np.insert(x, ag.Tensor(0), 1.0),
        lambda x: np.split(x, ag.Tensor([1])),
        lambda x: np.pad(x, 1, constant_values=ag.Tensor(0.0)),
        lambda x: np.pad(x, ag.Tensor(1)),
    ],
    "is not an array": [
        lambda x: as_strided(x, (2, 2)),
        lambda x: np.roll(x, ag.Tensor(1)),
    ],
    "np.stack": [
        lambda x: np.array([x, x]),
        lambda x: np.array([x[0, 0], x[0, 1]]),
    ],
    "np.c_: a Tensor is not an array.*Write np.column_stack": [lambda x: np.c_[x, x]],
    "np.concatenate": [
        lambda x: np.r_[x, x],
        lambda x: np.r_[x[0, 0], x[0, 1]],
        lambda x: np.pad(x, 1, "empty"),
        lambda x: np.pad(x, 1, lambda *_: None),
        lambda x: np.pad(x, 1, "reflect", reflect_type="odd"),
    ],
    "'C' or 'F'": [
        lambda x: np.ravel(x, order="K"),
        lambda x: x.flatten("A"),
        lambda x: np.reshape(x, (4, 3), order="A"),
    ],
    "written into": [lambda x: sliding_window_view(x, (2, 2), writeable=True)],
    "casting": [
        lambda x: np.concatenate([x, x], dtype=np.float32, casting="safe"),
        lambda x: np.vstack([x, x], dtype=int),
        lambda x: np.stack([x, x], dtype=int),
        lambda x: x.astype(int, casting="safe"),
    ],
}


@pytest.mark.parametrize(
    ("f", "says"), [(f, says) for says, group in REFUSED.items() for f in group]
)
def test_what_would_lose_a_gradient_is_refused_by_name(f, says):
    with pytest.raises(TypeError, match=says):
        f(ag.Tensor(m, requires_grad=True))


WRONG = [
    lambda x: np.split(x, 2),
    lambda x: np.hsplit(x[0, 0], 1),
    lambda x: np.vsplit(x[0], 1),
    lambda x: np.dsplit(x, 1),
    lambda x: np.repeat(x, -1),
    lambda x: np.repeat(x, [1, 2], 0),
    lambda x: np.tile(x, -1),
    lambda x: np.pad(x, -1),
    lambda x: np.pad(x, 1, "no"),
    lambda x: np.pad(x, 1, "edge", constant_values=1),
    lambda x: np.pad(x[:0], 1, "edge"),
    lambda x: np.block([[x], x]),
    lambda x: np.block([x, []]),
    lambda x: np.meshgrid(x, indexing="no"),
    lambda x: np.broadcast_arrays(x, x.T),
    lambda x: np.fliplr(x[0]),
    lambda x: np.rot90(x, 1, (0, 0)),
    lambda x: np.rot90(x, 1, (0,)),
    lambda x: np.rollaxis(x, 0, 5),
    lambda x: np.roll(x, [[1]], 0),
    lambda x: np.diag(x[None]),
    lambda x: np.diagonal(x[0]),
    lambda x: np.diagonal(x, 0, 1, 1),
    lambda x: np.take(x, 99),
    lambda x: np.take_along_axis(x, np.array([0]), 0),
    lambda x: np.compress([[1]], x),
    lambda x: np.compress([0, 0, 0, 0, 1], x, 0),
    lambda x: np.choose([0, 3, 0, 0], x),
    lambda x: np.linspace(0.0, x, -1),
    lambda x: np.geomspace(0.0, x, 3),
    lambda x: sliding_window_view(x, 2),
    lambda x: sliding_window_view(x, (4, 1)),
    lambda x: np.flip(x, 2),
    lambda x: np.insert(x, 9, 0.0, axis=1),
    lambda x: np.delete(x, 99),
    lambda x: np.delete(x[0, 0], 0, 0),
    lambda x: np.unstack(x[0, 0]),
    lambda x: np.take(x[0, 0], 0, 1),
]


@pytest.mark.parametrize("k", range(len(WRONG)))
def test_what_numpy_does_not_take_is_an_error_of_the_same_kind(k):
    with pytest.raises((ValueError, IndexError)) as numpys:
        WRONG[k](m)
    with pytest.raises(numpys.type):
        WRONG[k](ag.Tensor(m))


@pytest.mark.parametrize("by", [-3, 3])
def test_a_choice_that_is_not_there(by):
    with pytest.raises(IndexError, match="3 is out of bounds"):
        np.choose(np.argmax(ag.Tensor(m), 0) * 0 + by, ag.Tensor(m))


def test_methods_take_what_numpys_take():
    for name in ("repeat", "take", "diagonal", "trace", "choose", "copy", "ravel"):
        assert inspect.getdoc(getattr(ag.Tensor, name)) == f"As np.{name}."


def test_windows_are_a_view_and_their_gradient_adds_up():
    x = ag.Tensor(np.ones((6, 7)), requires_grad=True)
    windows = sliding_window_view(x, (3, 2))
    assert np.shares_memory(windows.data, x.data)
    (g,) = ag.gradients(np.sum(windows), [x])
    i, j = np.arange(6), np.arange(7)
    np.testing.assert_array_equal(
        g,
        np.outer(np.minimum.reduce([i + 1, 6 - i, 0 * i + 3]), np.minimum(j + 1, 7 - j).clip(1, 2)),
    )


def test_a_convolution_of_windows_is_compiled():
    def f(x, k):
        windows = sliding_window_view(np.pad(x, ((0, 0), (1, 1), (1, 1))), (3, 3), axis=(1, 2))
        pooled = sliding_window_view(np.einsum("nijkl,kl->nij", windows, k), (2, 2), axis=(1, 2))
        return np.sum(np.max(pooled[:, ::2, ::2], axis=(3, 4)) ** 2)

    arrays = normal(2, 6, 6), normal(3, 3, seed=1)
    both = ag.value_and_grad(f, (0, 1))
    value, gradients = both(*arrays)
    for _ in range(2):
        compiled = ag.compile(both)
        again, same = compiled(*arrays)
        np.testing.assert_array_equal(again, value)
        for x, y in zip(same, gradients, strict=True):
            np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("axis", [(1, 0), (0,), 1.7, 0.0])
@pytest.mark.parametrize(
    "f",
    [
        lambda x, axis: np.take(x, [0], axis),
        lambda x, axis: np.split(x, 1, axis),
        lambda x, axis: np.array_split(x, 2, axis),
        lambda x, axis: np.repeat(x, 2, axis),
        lambda x, axis: np.delete(x, 0, axis),
        lambda x, axis: np.insert(x, 0, 1.0, axis),
        lambda x, axis: np.compress([True], x, axis),
        lambda x, axis: np.take_along_axis(x, np.zeros((1, 1), int), axis),
        lambda x, axis: np.apply_along_axis(np.sum, axis, x),
        lambda x, axis: np.cumsum(x, axis),
        lambda x, axis: np.diff(x, axis=axis),
    ],
)
def test_one_axis_is_a_whole_number(f, axis):
    for x in (np.ones((3, 4)), ag.Tensor(np.ones((3, 4)))):
        with pytest.raises(TypeError):
            f(x, axis)
