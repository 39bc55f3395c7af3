"""NumPy's products, running sums, orders and statistics: values as NumPy's, checked gradients."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import TracingError

pytestmark = pytest.mark.filterwarnings("error")


def data(*shape, seed=0):
    """Numbers that are far apart, so that no two change places."""
    rng = np.random.default_rng(seed)
    n = int(np.prod(shape))
    return (rng.permutation(n) - n / 3 + rng.uniform(-0.2, 0.2, n)).reshape(shape) / 4


def holes(*shape, seed=0):
    """The same with nan here and there, but nowhere nan alone."""
    x = data(*shape, seed=seed)
    x[np.random.default_rng(seed + 1).random(shape) < 0.3] = np.nan
    x[0] = data(*shape, seed=seed)[0]
    if x.ndim > 1:
        x[:, 0] = data(*shape, seed=seed)[:, 0]
    return x


V, A, C, Z = data(5), data(3, 4), data(2, 3, 4), data()
ZEROS = np.array([[1.5, 0.0, -2.0, 0.5], [0.0, 2.0, 0.0, -1.0], [1.0, 3.0, 0.5, 2.0]])
MASK = np.array([[1, 0, 1, 1], [0, 1, 1, 0], [1, 1, 1, 1]], bool)
AXES = [None, 0, 1, -1, (0, 1), (1, -3), ()]


def spellings(function, axes=AXES, x=C):
    """A reduction along each of these axes, with them kept and dropped."""
    return [
        (lambda a, axis=axis, kept=kept: function(a, axis=axis, keepdims=kept), x)
        for axis, kept in itertools.product(axes, (False, True))
    ]


def lines(function, x=C):
    """A function along one axis."""
    return [(lambda a, axis=axis: function(a, axis=axis), x) for axis in (0, 1, -1)]


EXACT = {  # NumPy's own value, to the last bit
    "prod": [*spellings(np.prod), (np.prod, ZEROS), *spellings(np.prod, [None, 0, 1], ZEROS)],
    "prod dtype": [(lambda a: np.prod(a, 0, np.float64), A), (np.prod, Z), (np.prod, V[:0])],
    "cumsum": [(np.cumsum, C), *lines(np.cumsum), (np.cumsum, Z), (np.cumsum, V[:0])],
    "cumprod": [*lines(np.cumprod), *lines(np.cumprod, ZEROS), (np.cumprod, A[:0])],
    "cumulative": [
        (np.cumulative_sum, V),
        (lambda a: np.cumulative_sum(a, axis=1, include_initial=True), A),
        (lambda a: np.cumulative_prod(a, axis=0, include_initial=True), A),
    ],
    "diff": [
        *lines(np.diff),
        (lambda a: np.diff(a, 0), A),
        (lambda a: np.diff(a, 2, 0), A),
        (lambda a: np.diff(a, prepend=1.0, append=[[1.0, 2.0]] * 3), A),
    ],
    "ediff1d": [
        (np.ediff1d, A),
        (lambda a: np.ediff1d(a, to_end=[1.0, 2.0], to_begin=0), A),
        (lambda a: np.ediff1d(a, a[0], 3), A),
    ],
    "gradient": [
        (np.gradient, V),
        (lambda a: np.gradient(a, axis=0), C[:, :, 0]),
        (lambda a: np.gradient(a, 0.5, axis=-1, edge_order=2), A),
        (lambda a: np.gradient(a, np.array([0.0, 1.0, 3.0, 3.5]), axis=1), A),
        (lambda a: np.gradient(a, [0, 1, 2, 3], axis=1), A),
        (lambda a: np.gradient(a, np.array([0.0, 1.0, 3.0, 3.5]), axis=1, edge_order=2), A),
        (lambda a: np.gradient(a, 2.0, [0.0, 1.0, 3.0, 4.0])[1], A),
        (lambda a: np.gradient(a)[0], C),
    ],
    "trapezoid": [
        *lines(np.trapezoid),
        (lambda a: np.trapezoid(a, dx=0.25), A),
        (lambda a: np.trapezoid(a, [0.0, 1.0, 3.0], axis=0), A),
        (lambda a: np.trapezoid(a, np.cumsum(np.abs(A), axis=1)), A),
    ],
    "ptp": spellings(np.ptp, AXES[:-1]),
    "average": [
        *spellings(np.average, AXES[:-1]),
        (lambda a: np.average(a, weights=np.abs(a)), A),
        (lambda a: np.average(a, axis=1, weights=[1.0, 2.0, 3.0]), C),
        (lambda a: np.average(a, axis=(2, 0), weights=np.arange(1.0, 9).reshape(4, 2)), C),
        (lambda a: np.average(a, 0, [1, 2, 3], True)[0], A),
        (lambda a: np.average(a, 0, [1, 2, 3], True, keepdims=True)[1] * a, A),
        (lambda a: np.average(a, 0, returned=True)[1] * a, A),
    ],
    "sort": [
        (np.sort, V),
        (lambda a: np.sort(a, None), C),
        *lines(np.sort),
        (lambda a: np.sort(a, kind="stable"), A),
        (np.sort, A[:0]),
        (np.sort, np.array([0.5, np.nan, -1.0])[[0, 2]]),
    ],
    "partition": [
        (lambda a: np.partition(a, 1), C),
        (lambda a: np.partition(a, (0, -1), axis=0), A),
        (lambda a: np.partition(a, 3, None), A),
    ],
    "median": [*spellings(np.median, AXES[:-1]), (np.median, V), (np.median, Z)],
    "nan extremes": [
        *spellings(np.nanmax, AXES[:-1], holes(2, 3, 4)),
        *spellings(np.nanmin, AXES[:-1], holes(2, 3, 4)),
    ],
    "cov": [
        (np.cov, A),
        (np.cov, V),
        (lambda a: np.cov(a, rowvar=False, bias=True), A),
        (lambda a: np.cov(a, a[:2] ** 2, ddof=0), A),
        (lambda a: np.cov(a, np.cos(a), False), A),
        (lambda a: np.cov(a, a[::-1], False), V),
        (np.cov, A[:1]),
        (lambda a: np.cov(a, fweights=[1, 2, 1, 3]), A),
        (lambda a: np.cov(a, aweights=[0.1, 0.2, 1.5, 0.3]), A),
        (lambda a: np.cov(a, fweights=[1, 2, 1, 3], aweights=[0.1, 0.2, 1.5, 0.3]), A),
        (lambda a: np.cov(a, dtype=np.float64), A),
    ],
    "corrcoef": [
        (np.corrcoef, data(3, 7)),
        (lambda a: np.corrcoef(a, np.cos(a)), V),
        (lambda a: np.corrcoef(a, rowvar=False), data(6, 2)),
    ],
    "reduce": [
        (np.add.reduce, C),
        (np.add.reduce, Z),
        (lambda a: np.add.reduce(a, axis=(0, 2), keepdims=True), C),
        (lambda a: np.multiply.reduce(a, None), A),
        (lambda a: np.maximum.reduce(a, -1), A),
        (lambda a: np.minimum.reduce(a, axis=0, initial=-0.1), A),
        (np.add.accumulate, C),
        (lambda a: np.multiply.accumulate(a, axis=1), ZEROS),
    ],
    "options": [
        (lambda a: np.sum(a, 0, float), A),
        (lambda a: np.sum(a, 1, None, None, True), A),
        (lambda a: np.max(a, axis=1, initial=0.3), A),
        (lambda a: np.min(a, 1, None, True), A),
        (lambda a: np.max(a, axis=1, initial=-9.0, where=MASK), A),
        (lambda a: np.max(a, axis=0, initial=2.0), A[:0]),
        (lambda a: np.var(a, 1, None, None, 1), A),
        (lambda a: np.std(a, axis=0, correction=1), A),
        (lambda a: a.var(axis=0, ddof=1), A),
        (lambda a: a.prod(0, keepdims=True), A),
        (lambda a: np.mean(a, dtype=np.float64), A),
    ],
}
ROUNDED = {  # in another order of sums than NumPy's
    "quantile": [
        *spellings(lambda a, **options: np.quantile(a, 0.3, **options), AXES[:-1]),
        *spellings(lambda a, **options: np.percentile(a, [10, 65.0], **options), AXES[:-1]),
        (lambda a: np.quantile(a, [[0.0, 0.4], [0.9, 1.0]], 1), A),
        (lambda a: np.quantile(a, [0, 1], axis=1), A),
        (lambda a: np.quantile(a, 1), A),
        *[
            (lambda a, q=q, m=method: np.quantile(a, q, axis=1, method=m), data(3, 6))
            for q in (0.5, 0.37, [0.1, 0.62])
            for method in (
                *("inverted_cdf", "averaged_inverted_cdf", "closest_observation", "hazen"),
                *("interpolated_inverted_cdf", "weibull", "linear", "median_unbiased"),
                *("normal_unbiased", "lower", "higher", "midpoint", "nearest"),
            )
        ],
    ],
    "where": [
        (lambda a: np.sum(a, where=MASK), A),
        (lambda a: np.sum(a, axis=1, where=MASK[0], initial=2.0), A),
        (lambda a: np.prod(a, axis=0, where=MASK), ZEROS),
        (lambda a: np.mean(a, axis=1, where=MASK), A),
        (lambda a: np.mean(a, keepdims=True, where=a > 0), A),
        (lambda a: np.var(a, axis=1, where=MASK, ddof=1), A),
        (lambda a: np.std(a, where=MASK), A),
        (lambda a: np.logaddexp.reduce(a, axis=1), A),
        (lambda a: np.logaddexp.reduce(a), A),
    ],
    "nan": [
        *spellings(np.nansum, AXES[:-1], holes(2, 3, 4)),
        *spellings(np.nanprod, AXES[:-1], holes(2, 3, 4)),
        *spellings(np.nanmean, AXES[:-1], holes(2, 3, 4)),
        *spellings(np.nanvar, AXES[:-1], holes(2, 3, 4)),
        *spellings(np.nanstd, AXES[:-1], holes(2, 3, 4)),
        *spellings(np.nanmedian, AXES[:-1], holes(2, 3, 4)),
        *spellings(lambda a, **o: np.nanquantile(a, 0.3, **o), AXES[:-1], holes(2, 3, 4)),
        *spellings(lambda a, **o: np.nanpercentile(a, [1, 70], **o), AXES[:-1], holes(2, 3, 4)),
        *lines(np.nancumsum, holes(3, 3, 4)),
        *lines(np.nancumprod, holes(3, 3, 4)),
        (lambda a: np.nanvar(a, axis=1, ddof=1), A),
        (lambda a: np.nanmean(a, where=MASK), A),
    ],
}
CASES = [
    pytest.param(f, x, name in EXACT, id=f"{name}-{k}")
    for name, cases in (EXACT | ROUNDED).items()
    for k, (f, x) in enumerate(cases)
]
PLAIN = {  # values without gradient
    "argsort": [
        (np.argsort, A),
        (lambda a: np.argsort(a, None), A),
        (lambda a: np.argsort(a, 0, stable=True), A),
        (lambda a: a.argsort(axis=0, kind="stable"), A),
    ],
    "argpartition": [(lambda a: np.argpartition(a, 1), A), (lambda a: a.argpartition(1, 0), A)],
    "lexsort": [(np.lexsort, A), (lambda a: np.lexsort((a[0], a[1])), A)],
    "searchsorted": [
        (lambda a: np.searchsorted(np.sort(a), 0.2), V),
        (lambda a: np.searchsorted([0.0, 1.0], a, side="right"), A),
        (lambda a: np.searchsorted(a, [0.1, 0.2], sorter=np.argsort(a)), V),
        (lambda a: np.sort(a).searchsorted(0.1), V),
    ],
    "digitize": [
        (lambda a: np.digitize(a, [0.0, 0.5], right=True), A),
        (lambda a: np.digitize(0.3, np.sort(a)), V),
    ],
    "count_nonzero": [
        (np.count_nonzero, ZEROS),
        (lambda a: np.count_nonzero(a, axis=1, keepdims=True), ZEROS),
    ],
    "nanargmax": [
        (np.nanargmax, holes(3, 4)),
        (lambda a: np.nanargmin(a, axis=1, keepdims=True), holes(3, 4)),
    ],
    "nonzero": [
        (lambda a: np.nonzero(a)[1], ZEROS),
        (lambda a: a.nonzero()[0], ZEROS),
        (np.flatnonzero, ZEROS),
        (np.argwhere, ZEROS),
    ],
    "bincount": [(lambda a: np.bincount((a * a).astype(int), minlength=9), V)],
    "isclose": [
        (lambda a: np.isclose(a, a + 1e-9), A),
        (lambda a: np.isclose(a, A * 1.1, 0.2, atol=0, equal_nan=True), holes(3, 4)),
    ],
    "allclose": [(lambda a: np.allclose(a, a + 1e-9), A), (lambda a: np.allclose(0.0, a), A)],
    "array_equal": [
        (lambda a: np.array_equal(a, a), holes(3, 4)),
        (lambda a: np.array_equal(a, a, equal_nan=True), holes(3, 4)),
        (lambda a: np.array_equal(a, [1.0]), A),
        (lambda a: np.array_equiv(a, a[None]), A),
        (lambda a: np.array_equiv(a, [1.0, 2.0, 3.0]), A),
    ],
    "all": [
        (lambda a: np.any(a > 0, axis=1, where=MASK), A),
        (lambda a: np.all(a > 0, 0, None, True), A),
        (lambda a: np.logical_and.reduce(a > 0), A),
        (lambda a: np.logical_or.reduce(a > 0, axis=1), A),
    ],
    "integers": [
        (lambda a: np.sum(a, dtype=int), A),
        (lambda a: np.prod((4 * a).astype(int), 0), A),
        (lambda a: np.cumsum((4 * a).astype(int), 1), A),
        (lambda a: np.cumsum(a, 1, int), A),
        (lambda a: np.diff(a > 0), A),
        (lambda a: np.median((4 * a).astype(int), 1), A),
        (lambda a: np.quantile((4 * a).astype(int), 0.3, 1), A),
        (lambda a: np.average((4 * a).astype(int), weights=[1, 2, 3, 4], axis=1), A),
        (lambda a: np.gradient((4 * a).astype(int), axis=1), A),
    ],
}


@pytest.mark.parametrize("dtype", [float, np.float32])
@pytest.mark.parametrize(("f", "x", "exact"), CASES)
def test_value_is_numpys(f, x, exact, dtype):
    x = x.astype(dtype)
    t = ag.Tensor(x, requires_grad=True)
    result, expected = f(t), f(x)
    if isinstance(expected, np.ndarray | np.generic):
        assert result.shape == expected.shape
        assert result.dtype == expected.dtype
    if exact:
        np.testing.assert_array_equal(result.data, expected)
    else:
        np.testing.assert_allclose(result.data, expected, rtol=1e-14 if dtype is float else 1e-5)


@pytest.mark.parametrize(("f", "x", "exact"), CASES)
def test_gradient(f, x, exact):
    if np.isnan(x).any():  # differences need numbers: what is nan stays so
        numbers, known = np.where(np.isnan(x), 0.0, x), np.isnan(x)
        ag.check_gradients(lambda a: f(np.where(known, np.nan, a)), numbers, order=2)
    else:
        ag.check_gradients(f, x, order=2)


@pytest.mark.parametrize(("f", "x", "exact"), CASES)
def test_compiled_is_eager(f, x, exact):
    weights = np.cos(np.arange(f(ag.Tensor(x)).size)).reshape(f(ag.Tensor(x)).shape)
    J = lambda a: np.sum(np.sin(f(a)) * weights)
    eager, compiled = ag.value_and_grad(J), ag.compile(ag.value_and_grad(J))
    for moved in (x, x[::-1].copy() if x.ndim else x):
        for one, two in zip(eager(moved), compiled(moved), strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("f", "x"), [pytest.param(f, x, id=n) for n, cases in PLAIN.items() for f, x in cases]
)
def test_plain_value(f, x):
    t = ag.Tensor(x, requires_grad=True)
    result, expected = f(t), f(x)
    if isinstance(result, ag.Tensor):
        assert not result.requires_grad
        assert result.dtype == np.asarray(expected).dtype
        assert result.shape == np.shape(expected)
        result = result.data
    else:
        assert type(result) is bool
    np.testing.assert_array_equal(result, expected)


# Where something is 0, ties, or is no number


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("function", [np.prod, np.cumprod])
def test_products_with_zeros_at_every_order(function, order):
    """Against the product written out, whose rules never divide."""

    def written_out(x):
        so_far = list(itertools.accumulate((x[k] for k in range(4)), np.multiply))
        return so_far[-1] if function is np.prod else np.stack(so_far)

    for x in ([0.0, 2.0, 3.0, 4.0], [1.0, 0.0, 0.0, 5.0], [0.0] * 4, [1.0, 2.0, 3.0, 0.0]):
        derivatives = []
        for f in (function, written_out):
            J = lambda t, f=f: np.sum(f(t) * np.array([1.0, 2.0, -1.0, 0.5]))
            for _ in range(order - 1):
                J = (lambda g: lambda t: np.sum(g(t) * np.array([2.0, 1.0, 3.0, -1.0])))(ag.grad(J))
            derivatives.append(ag.grad(J)(np.array(x)))
        np.testing.assert_allclose(*derivatives, rtol=1e-14)


def test_ties_get_some_permutation():
    for f in (np.sort, lambda t: np.partition(t, 2), lambda t: np.sort(t, kind="stable")):
        g = ag.grad(lambda t, f=f: np.sum(f(t) * np.arange(5.0)))(np.array([1.0, 0, 1, 1, 0]))
        assert sorted(g) == [0, 1, 2, 3, 4]
        assert sorted(g[[1, 4]]) == [0, 1]


def test_of_equal_entries_the_spread_without_nan_has_a_kink():
    x = np.array([2.0, 2.0, np.nan])
    np.testing.assert_array_equal(ag.grad(np.nanstd)(x), [0, 0, 0])
    np.testing.assert_array_equal(ag.grad(lambda t: np.std(t, where=t > 0))(x[:2]), [0, 0])


def test_extremes_without_nan_share_ties():
    np.testing.assert_array_equal(ag.grad(np.nanmax)(np.array([2.0, 2.0, np.nan])), [0.5, 0.5, 0])


def test_a_nan_is_the_median_and_the_quantile():
    x = np.array([1.0, np.nan, 3.0])
    for f in (np.median, lambda t: np.quantile(t, 0.3), lambda t: np.percentile(t, [1, 50])[0]):
        assert np.isnan(f(ag.Tensor(x)).data)
        np.testing.assert_array_equal(ag.grad(f)(x), [0, 1, 0])


def test_nothing_but_nan():
    x = np.full((2, 3), np.nan)
    x[1] = 1.0, 2.0, 4.0
    functions = [np.nanmean, np.nanmedian, np.nanmax, np.nanmin, np.nanvar, np.nanstd, np.nansum]
    for f in [*functions, lambda t, axis: np.nanquantile(t, 0.3, axis=axis)]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            np.testing.assert_allclose(f(ag.Tensor(x), axis=1).data, f(x, axis=1), rtol=1e-14)


def test_too_few_for_a_variance():
    x = ag.Tensor([1.0, np.nan])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert np.isnan(np.nanvar(x, ddof=1).data)


def test_gradients_flow_to_weights_places_and_ends():
    w, x = np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 2.5])
    y = np.array([1.0, 4.0, 9.0])
    ag.check_gradients(lambda w: np.average(y, weights=w), w)
    ag.check_gradients(lambda x: np.trapezoid(y, x), x)
    ag.check_gradients(lambda x: np.gradient(y, x, edge_order=2), x)
    ag.check_gradients(lambda h: np.gradient(y, h), np.array(0.5))
    ag.check_gradients(lambda a: np.diff(y, prepend=a), np.array(0.5))
    ag.check_gradients(lambda a: np.sum(ag.Tensor(y), initial=a), np.array(0.5))
    ag.check_gradients(lambda w: np.bincount([0, 2, 0], weights=w), w)
    weighted = np.bincount([0, 2, 0], weights=ag.Tensor(w), minlength=5)
    np.testing.assert_array_equal(weighted.data, np.bincount([0, 2, 0], w, 5))
    ag.check_gradients(lambda y: np.cov(x, y), y)


REFUSED: dict[str, str] = {
    "np.sum(t, out=o)": "out=: it writes in place",
    "np.max(t, None, o)": "out=: it writes in place",
    "np.argmax(t, 0, o)": "out=: it writes in place",
    "np.prod(t, out=o)": "out=: it writes in place",
    "np.cumsum(t, out=o)": "out=: it writes in place",
    "np.add.reduce(t, out=o)": "writes in place",
    "np.median(t, out=o)": "out=: it writes in place",
    "np.nanmean(t, out=o)": "out=: it writes in place",
    "np.var(t, mean=o)": "leave it out, and the mean is computed",
    "np.quantile(t, t)": "takes no q=: it takes numbers",
    "np.quantile(t, 0.5, weights=o, method='inverted_cdf')": "takes no weights=",
    "np.nanquantile(t, 0.5, method='lower')": 'method="linear" alone',
    "np.nanmax(t, initial=0.0)": "takes neither initial= nor where=",
    "np.sort(t, order='x')": "order=: it is for arrays with fields",
    "np.cov(t, aweights=t)": "takes no aweights=: it takes arrays",
    "np.subtract.reduce(t)": "np.subtract.reduce has no rule",
    "np.unique(t)": "np.unique of a Tensor gives a result whose shape depends on values",
    "np.histogram(t)": "np.histogram of a Tensor counts, and counts have no gradient",
    "t.sum(ddof=1)": "does not take these: ddof",
    "np.ediff1d((4 * t).astype(int), 0.5)": "does not fit to its ends",
    "np.average(t, weights=t[:2])": "say along which axis",
}


@pytest.mark.parametrize("line", REFUSED)
def test_what_is_refused_is_refused_by_name(line):
    names = {"np": np, "t": ag.Tensor([1.0, 2.0, 4.0], requires_grad=True), "o": np.zeros(3)}
    with pytest.raises(TypeError, match=REFUSED[line]) as error:
        eval(line, names)
    assert "not an array" not in str(error.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("np.diff(t, -1)", "n of 0 or more"),
        ("np.gradient(t, edge_order=3)", "edge_order of 1 or 2"),
        ("np.gradient(t[:2], edge_order=2)", "needs 3 samples or more"),
        ("np.gradient(t, [1.0, 2.0])", "places of its samples are a vector of 3"),
        ("np.average(t, axis=0, weights=t[:2])", "do not fit"),
        ("np.max(t, where=[True, False, True])", "needs initial="),
        ("np.var(t, ddof=1, correction=1)", "can't be provided simultaneously"),
        ("np.nanvar(t, ddof=1, correction=1)", "can't be provided simultaneously"),
        ("np.cov(t.reshape(1, 1, 3))", "at most two dimensions"),
        ("np.quantile(t, 2.0)", "range"),
        ("np.nanquantile(t, 2.0)", "range"),
        ("np.cumulative_sum(t[None])", "say along which axis"),
        ("np.sort(t[0])", "out of bounds"),
        ("np.sum(t, where=np.ones((2, 3), bool))", "dimensions"),
    ],
)
def test_wrong_values_raise_as_numpys_do(line, message):
    t = ag.Tensor([1.0, 2.0, 4.0], requires_grad=True)
    with pytest.raises(ValueError, match=message):
        eval(line, {"np": np, "t": t})
    with pytest.raises(ValueError, match="."):
        eval(line, {"np": np, "t": t.data})


def test_weights_that_sum_to_zero():
    with pytest.raises(ZeroDivisionError):
        np.average(ag.Tensor([1.0, 2.0]), weights=[1.0, -1.0])


@pytest.mark.parametrize("name", ["sort", "partition"])
def test_methods_in_place_are_refused(name):
    with pytest.raises(AttributeError, match=rf"write t = np.{name}\(t"):
        getattr(ag.Tensor([1.0]), name)


@pytest.mark.parametrize(
    "f",
    [
        *(np.nonzero, np.flatnonzero, np.argwhere, lambda t: np.bincount([0], weights=t)),
        *(lambda t: np.allclose(t, t), lambda t: np.array_equal(t, t)),
    ],
)
def test_what_depends_on_values_is_not_traced(f):
    with pytest.raises(TracingError, match="asks for a Tensor's value"):
        ag.compile(lambda t: f(t) and t)(np.ones(1))
