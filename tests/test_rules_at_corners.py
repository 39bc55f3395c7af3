"""Every rule where NumPy is at its limits: ±∞, nan, ±0, ties, empty arrays, float16, integers."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import rules
from autograd_lite.walk import recorded_for

inf, nan = np.inf, np.nan
NASTY = np.array(
    [-inf, -1e300, -2.5, -1.0, -5e-324, -0.0, 0.0, 0.5, 1.0, 1.0, 7.0, 1e300, inf, nan]
)


def slopes(f, *arrays, weights=None):
    """The gradients of f with respect to all of them, also as recorded for higher orders."""
    tensors = [ag.Tensor(a, requires_grad=True) for a in arrays]
    y = f(*tensors)
    g = np.ones(y.shape) if weights is None else weights
    with np.errstate(all="ignore"):
        plain = ag.gradients(y, tensors, g)
        taped = ag.gradients(y, tensors, g, create_graph=True)
    for one, two in zip(plain, taped, strict=True):
        np.testing.assert_array_equal(one, two.data)
    return plain


# The whole table: values against NumPy, slopes against PyTorch

UNARY = {
    np.negative: "neg",
    np.exp: "exp",
    np.expm1: "expm1",
    np.log: "log",
    np.log1p: "log1p",
    np.sqrt: "sqrt",
    np.square: "square",
    np.tanh: "tanh",
    np.sin: "sin",
    np.cos: "cos",
    np.absolute: "abs",
    ag.relu: "relu",
    ag.sigmoid: "sigmoid",
    ag.softplus: "softplus",
}
BINARY = {
    np.add: "add",
    np.subtract: "subtract",
    np.multiply: "multiply",
    np.divide: "divide",
    np.maximum: "maximum",
    np.minimum: "minimum",
}
# Of nan, which is not above or below anything, the rules of three pass nothing on, where PyTorch's
# pass g; that of abs gives nan, PyTorch's 0.
COMPARE = (np.maximum, np.minimum, ag.relu, np.absolute)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, int])
@pytest.mark.parametrize("f", [*UNARY, *BINARY], ids=lambda f: f.__name__)
def test_values_are_numpys_bit_for_bit(f, dtype):
    with np.errstate(all="ignore"):
        x = NASTY.astype(dtype) if dtype is not int else np.array([-3, 0, 0, 1, 7])
        for a in (x, x[:0], x[3], x[:4].reshape(2, 2).T):
            arrays = (a,) if f in UNARY else (a, a[..., ::-1] if a.ndim else a)
            expected = np.asarray(f(*arrays))
            y = f(*[ag.Tensor(part) for part in arrays])
            assert (y.dtype, y.shape) == (expected.dtype, expected.shape)
            np.testing.assert_array_equal(y.data, expected)
            np.testing.assert_array_equal(np.signbit(y.data), np.signbit(expected))


@pytest.mark.parametrize("f", [*UNARY, *BINARY], ids=lambda f: f.__name__)
def test_slopes_are_pytorchs(f):
    torch = pytest.importorskip("torch", reason="PyTorch is the judge here: pip install torch")
    name = (UNARY | BINARY)[f]
    theirs = getattr(torch, name, None) or getattr(torch.nn.functional, name)
    x = NASTY if f not in COMPARE else NASTY[:-1]
    pairs = [x] if f in UNARY else [part.ravel() for part in np.meshgrid(x, x)]
    if f is np.divide:  # a / b at b = 0 is left out: -(a/b)/b is ∓∞ or nan as the order of steps is
        pairs = [part[pairs[1] != 0] for part in pairs]
    peers = [torch.tensor(part, requires_grad=True) for part in pairs]
    expected = torch.autograd.grad(theirs(*peers).sum(), peers)
    with np.errstate(all="ignore"):
        found = slopes(f, *pairs)
    for ours, peer in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, peer.numpy(), rtol=1e-10, atol=1e-300)


# clip: each entry belongs to x, to low or to high


@pytest.mark.parametrize(
    ("x", "low", "high", "owner"),
    [
        (1.0, 0.0, 3.0, "x"),
        (0.0, 0.0, 3.0, "x"),  # on a bound
        (3.0, 0.0, 3.0, "x"),
        (2.0, 2.0, 2.0, "x"),
        (-1.0, 0.0, 3.0, "low"),
        (-1.0, 3.0, 3.0, "low"),
        (4.0, 0.0, 3.0, "high"),
        (-1.0, 3.0, 0.0, "high"),  # crossed
        (0.0, 3.0, 0.0, "high"),
        (2.0, 3.0, 0.0, "high"),
        (3.0, 3.0, 0.0, "high"),
        (4.0, 3.0, 0.0, "high"),
        (inf, 0.0, 3.0, "high"),
        (-inf, 0.0, 3.0, "low"),
    ],
)
def test_clip_hands_the_gradient_to_exactly_one(x, low, high, owner):
    assert np.clip(x, low, high) == {"x": x, "low": low, "high": high}[owner]
    parts = slopes(np.clip, *(np.array([v]) for v in (x, low, high)))
    assert [g.item() for g in parts] == [float(owner == name) for name in ("x", "low", "high")]
    x = ag.Tensor([x], requires_grad=True)  # bounds that are numbers
    assert ag.gradients(np.sum(np.clip(x, low, high)), [x])[0] == [owner == "x"]


def test_clip_with_a_bound_made_of_x():
    x = np.array([-1.0, 0.5])
    (g,) = slopes(lambda x: np.clip(x, 0.0, x), x)  # is x: min(max(x, 0), x)
    np.testing.assert_array_equal(g, [1, 1])
    (g,) = slopes(lambda x: np.clip(x, x * 2, None), np.array([1.0, -1.0]))  # is max(x, 2x)
    np.testing.assert_array_equal(g, [2, 1])
    square = lambda x: np.sum(np.clip(x, 0.0, x) ** 3)
    np.testing.assert_array_equal(ag.hessian(square)(x), np.diag(6 * x))


def test_clip_bounds_that_broadcast_or_are_missing():
    x, low, high = (
        np.array([[-2.0, 0.5], [1.5, 9.0]]),
        np.array([-1.0, 1.0]),
        np.array([[1.0], [2.0]]),
    )
    g = np.array([[1.0, 2.0], [4.0, 8.0]])
    gx, gl, gh = slopes(np.clip, x, low, high, weights=g)
    np.testing.assert_array_equal(gx, [[0, 0], [4, 0]])
    np.testing.assert_array_equal(gl, [1, 2])
    np.testing.assert_array_equal(gh, [[0], [8]])
    (gx,) = slopes(lambda x: np.clip(x, None, high), x, weights=g)
    np.testing.assert_array_equal(gx, [[1, 2], [4, 0]])
    (gx,) = slopes(lambda x: np.clip(x, low, None), x, weights=g)
    np.testing.assert_array_equal(gx, [[0, 0], [4, 8]])


# Counts that float16 and float32 cannot hold


@pytest.mark.filterwarnings("ignore:overflow")  # NumPy's own var of float16 is ∞
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("n", [3000, 150_000])
def test_counts_in_float16(n, compiled):
    x = np.ones(n, np.float16)
    x[::2] = 0
    wide = x.astype(float)
    for f, factor in ((np.mean, 1024), (np.max, 1024), (np.min, 1024), (np.var, 8192)):
        scaled = lambda t, f=f, factor=factor: f(t) * factor
        (expected,) = slopes(scaled, wide)
        gradient = ag.compile(ag.grad(scaled)) if compiled else ag.grad(scaled)
        g = gradient(x)
        assert g.dtype == np.float16
        np.testing.assert_allclose(g, expected, rtol=3e-3)


def test_the_mean_of_float16_is_numpys_compiled_too():
    x = np.ones(70_000, np.float16)
    for f in (np.mean, lambda x: np.mean(x * 2, axis=0)):
        assert ag.compile(lambda x, f=f: f(x))(x) == f(ag.Tensor(x)).data == f(x)


def test_ties_beyond_what_float32_counts():
    n = 2**24 + 2
    g = np.ones((1, 1), np.float32)
    assert rules.counter(g, n) == np.float64
    assert rules.counter(g, 2**24) == np.float32
    assert rules.counter(g.astype(np.float16), 2048) == np.float16
    assert rules.counter(g.astype(np.float16), 2049) == np.float32
    x = np.broadcast_to(np.float32(1), (n, 1))
    share = rules.RULES[np.max][0](g, g, x, axis=(0,), keepdims=True)
    assert share[0, 0] == 1 / n


# var and std


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1)])
@pytest.mark.parametrize("ddof", [0, 1, 2])
@pytest.mark.parametrize("f", [np.var, np.std])
def test_ddof_reaches_value_and_slope(f, ddof, axis):
    torch = pytest.importorskip("torch", reason="PyTorch is the judge here: pip install torch")
    x = np.random.default_rng(0).normal(size=(4, 5))
    peer = torch.tensor(x, requires_grad=True)
    theirs = getattr(torch, f.__name__)(peer, dim=axis, correction=ddof)
    y = f(ag.Tensor(x), axis=axis, ddof=ddof)
    np.testing.assert_allclose(y.data, theirs.detach().numpy(), rtol=1e-13)
    (expected,) = torch.autograd.grad(theirs.sum(), [peer])
    (g,) = slopes(lambda x: f(x, axis=axis, ddof=ddof), x)
    np.testing.assert_allclose(g, expected.numpy(), rtol=1e-12, atol=1e-15)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("f", [np.var, np.std])
def test_more_ddof_than_entries_has_no_slope(f):
    (g,) = slopes(lambda x: f(x, ddof=3), np.array([1.0, 2.0]))
    assert not np.isfinite(g).any()  # NumPy's value is ∞


@pytest.mark.parametrize("x", [[2.0], [3.0, 3.0, 3.0], [[1.0, 2.0, 4.0], [5.0, 5.0, 5.0]]])
def test_std_of_equals_is_a_kink_with_derivatives_zero(x):
    x = np.array(x)
    f = lambda x: np.sum(np.std(x, axis=-1))
    (g,) = slopes(f, x)
    H = ag.hessian(f)(x)
    equal = np.ptp(x, axis=-1) == 0
    np.testing.assert_array_equal(g[equal], 0)
    np.testing.assert_array_equal(H[equal], 0)
    if x.ndim == 2:  # its neighbour is what it is alone
        alone = ag.hessian(np.std)(x[0])
        np.testing.assert_allclose(H[0, :, 0], alone, rtol=1e-13, atol=1e-16)


# logsumexp and its kin


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize(
    ("x", "value", "slope"),
    [
        ([-inf, -inf], -inf, [0, 0]),
        ([inf, 0], inf, [1, 0]),
        ([inf, -inf], inf, [1, 0]),
        ([-inf, 3], 3, [0, 1]),
        ([0, 0], np.log(2), [0.5, 0.5]),
        ([-20000, 20000], 20000, [0, 1]),
        ([nan, 0], nan, [nan, nan]),
    ],
)
def test_logsumexp_of_infinities(x, value, slope, dtype):
    x = np.array(x, dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for f in (ag.logsumexp, ag.compile(lambda x: ag.logsumexp(x))):
            assert float(f(x)) == pytest.approx(value, rel=1e-3, nan_ok=True)
        (g,) = slopes(ag.logsumexp, x)
        np.testing.assert_allclose(g, slope, rtol=1e-3)
        if not np.isnan(x).any():
            assert np.isfinite(ag.hessian(ag.logsumexp)(x)).all()


def test_logsumexp_of_rows_far_apart():
    x = np.array([[0.0, 1.0], [1000.0, 1001.0], [-1000.0, -999.0], [-inf, -inf]])
    one = np.log1p(np.e)
    y = ag.logsumexp(x, axis=1)
    np.testing.assert_allclose(y, [one, 1000 + one, one - 1000, -inf], rtol=1e-14)
    (g,) = slopes(lambda x: ag.logsumexp(x, axis=1), x)
    p = 1 / (1 + np.e)
    np.testing.assert_allclose(g, [[p, 1 - p]] * 3 + [[0, 0]], rtol=1e-12)


@pytest.mark.parametrize("axis", [-1, 0, 1, 2, -2, (0, 2), (0, 1, 2)])
def test_softmax_and_its_kin_are_along_the_axis_that_is_named(axis):
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    total = np.sum(np.exp(x), axis=axis, keepdims=True)
    for a in (x, ag.Tensor(x)):
        for f, expected in (
            (lambda a: ag.softmax(a, axis=axis), np.exp(x) / total),
            (lambda a: ag.log_softmax(a, axis=axis), x - np.log(total)),
            (lambda a: ag.logsumexp(a, axis=axis, keepdims=True), np.log(total)),
            (lambda a: ag.logsumexp(a, axis=axis), np.log(np.squeeze(total, axis))),
        ):
            np.testing.assert_allclose(ag.Tensor(f(a)).data, expected, rtol=1e-13)


def test_softmax_with_a_class_ruled_out():
    x = np.array([-inf, 0.0, 0.0])
    np.testing.assert_array_equal(ag.softmax(x), [0, 0.5, 0.5])
    np.testing.assert_allclose(ag.log_softmax(x), [-inf, -np.log(2), -np.log(2)])
    w = np.array([5.0, 1.0, 2.0])
    np.testing.assert_allclose(slopes(ag.softmax, x, weights=w)[0], [0, -0.25, 0.25])
    np.testing.assert_allclose(slopes(ag.log_softmax, x, weights=w)[0], [5, -3, -2])


# Shapes


@pytest.mark.parametrize("shape", [2.5, (2.5, -1), ("3", -1), None, (2, [3])])
def test_a_shape_is_made_of_integers(shape):
    with pytest.raises(TypeError, match=r"np.reshape of x \(6,\) to .*made of integers"):
        np.reshape(ag.Tensor(np.ones(6), name="x"), shape)
    with pytest.raises(TypeError, match="made of integers"):
        ag.Tensor(np.ones(6)).reshape(2.5, -1)


@pytest.mark.parametrize(
    ("size", "shape"), [(0, (0, -1)), (6, (0, -1)), (6, (4, -1)), (6, (-1, -1)), (6, (2, 2, -1))]
)
def test_a_length_that_cannot_be_found(size, shape):
    with pytest.raises(ValueError, match="cannot reshape|can only specify"):
        np.ones(size).reshape(shape)
    with pytest.raises(ValueError, match="one -1 may stand for the length"):
        ag.Tensor(np.ones(size)).reshape(shape)


@pytest.mark.parametrize("shape", [(0, 2), (2, 0), (0, 0), (2, 0, 3), (0,), (1, 2), (2, 1), (1,)])
@pytest.mark.parametrize("f", [np.max, np.min, np.sum, np.any, np.argmax, np.argmin])
def test_reductions_of_nothing_and_of_one_are_numpys(f, shape):
    for axis in (None, *range(-len(shape), len(shape))):
        x = np.zeros(shape)
        try:
            expected = f(x, axis=axis)
        except ValueError:
            with pytest.raises(ValueError, match=f.__name__):
                f(ag.Tensor(x), axis=axis)
            continue
        t = ag.Tensor(x, requires_grad=True)
        y = f(t, axis=axis)
        np.testing.assert_array_equal(y.data, expected)
        if y.requires_grad:
            (g,) = ag.gradients(y, [t], np.ones(y.shape))
            assert g.shape == shape


# Products


@pytest.mark.parametrize(
    ("left", "right", "steps"),
    [((2, 3), (3, 4), 1), ((3,), (3, 4), 3), ((2, 3), (3,), 3), ((3,), (3,), 4)],
)
def test_a_product_takes_no_more_steps_than_it_needs(left, right, steps):
    """That of two matrices is one; a vector is a matrix first, whose axis is lost again."""
    a, b = ag.Tensor(np.ones(left), True), ag.Tensor(np.ones(right), True)
    for f in (np.dot, np.matmul):
        assert len(recorded_for(f(a, b))) - 2 == steps
    if len(right) == 2:  # rows of several axes are reshaped to those of one, and back
        assert len(recorded_for(np.dot(ag.Tensor(np.ones((5, *left, right[0])), True), b))) == 5


def test_einsums_implied_output_is_in_alphabetical_order():
    a, b = np.random.default_rng(0).normal(size=(2, 3, 3))
    for form in ("ba", "jb,ba", "zi,iy"):
        arrays = (a, b)[: form.count(",") + 1]
        y = np.einsum(form, *[ag.Tensor(x) for x in arrays])
        np.testing.assert_allclose(y.data, np.einsum(form, *arrays), rtol=1e-14)
    x = ag.Tensor(np.ones((1, 2, 3, 4, 5, 6)))
    assert np.einsum("fedcba", x).shape == x.T.shape


@pytest.mark.parametrize(
    "shapes",
    [((2, 3, 4), (4,)), ((4,), (2, 4, 3)), ((2, 3, 4), (5, 4, 6)), ((2, 3), (2, 5, 3, 4))],
    ids=str,
)
def test_dot_of_many_axes(shapes):
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=shape) for shape in shapes)
    expected = np.dot(a, b)
    np.testing.assert_allclose(np.dot(ag.Tensor(a), ag.Tensor(b)).data, expected, rtol=1e-12)
    w, da, db = (rng.normal(size=x.shape) for x in (expected, a, b))
    ga, gb = slopes(np.dot, a, b, weights=w)
    assert np.sum(ga * da) == pytest.approx(np.sum(w * np.dot(da, b)), rel=1e-9)
    assert np.sum(gb * db) == pytest.approx(np.sum(w * np.dot(a, db)), rel=1e-9)


# Many arguments


@pytest.mark.parametrize("f", [np.concatenate, np.stack])
def test_what_the_parts_share_is_computed_once(f, monkeypatch):
    op = {np.concatenate: rules.concatenate, np.stack: rules.stack}[f]
    calls, shared = [], rules.RULES[op].parts

    def counted(inputs, **static):
        calls.append(len(inputs))
        return shared(inputs, **static)

    monkeypatch.setattr(rules.RULES[op], "parts", counted)
    tensors = [ag.Tensor(np.full(3, k), requires_grad=True, dtype=float) for k in range(50)]
    y = f(tensors, axis=0)
    w = np.arange(150.0).reshape(y.shape)
    y.backward(w)
    assert calls == [50]
    for k, t in enumerate(tensors):
        np.testing.assert_array_equal(t.grad, w.reshape(50, 3)[k])
