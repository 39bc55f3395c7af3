"""ag.compile: guards, names, views, constants and growth, each kind over the whole of it."""

from __future__ import annotations

import builtins
import dataclasses
import enum
import functools
import keyword
import types
import warnings
from collections import Counter, OrderedDict, defaultdict, namedtuple

import numpy as np
import pytest
from builders import normal
from hypothesis import example, given, settings
from hypothesis import strategies as st
from results import arrays_of, assert_own, assert_same

import autograd_lite as ag
from autograd_lite.compiler.emitting import Block, Names, _Free, _from_numpy, identifier
from autograd_lite.compiler.tracing import StandIn, stand_in

pytestmark = pytest.mark.filterwarnings("error")

# Guards


def check_positive(*arrays):
    for a in arrays:
        if (a <= 0).any():
            raise ValueError(f"not positive: {a.min()}")


GUARDED = {
    "argument": lambda x: ag.guard(check_positive, x),
    "value": lambda x: ag.guard(check_positive, np.exp(x) - 1.0),
    "named value": lambda x: ag.guard(check_positive, (x * 2).named("A")),
    "view": lambda x: ag.guard(check_positive, (x * 2)[::-1]),
    "several": lambda x: ag.guard(check_positive, x, np.array([1.0]), 2.0 * x),
    "partial": lambda x: ag.guard(functools.partial(check_positive, np.ones(1)), x),
    "new each run": lambda x: ag.guard(lambda a: check_positive(a), x),
}


@pytest.mark.parametrize("name", GUARDED)
@pytest.mark.parametrize("transform", [lambda f: f, ag.grad, ag.value_and_grad])
def test_a_guard_checks_every_call_eager_and_compiled(name, transform):
    def f(x):
        GUARDED[name](x)
        return np.sum(np.tanh(np.exp(x * 3)) * x)

    eager = transform(f)
    compiled = ag.compile(eager)
    good, bad = np.array([1.0, 2.0]), np.array([1.0, -2.0])
    for x in (good, good + 1):
        assert_same(compiled(x), eager(ag.Tensor(x)))
    for function in (lambda x: eager(ag.Tensor(x)), compiled, ag.compile(eager)):
        with pytest.raises(ValueError, match="not positive"):
            function(bad)
    compiled(good)  # goes on


def test_a_guard_reads_what_it_is_given_before_the_buffer_is_used_again():
    seen = []

    def f(x):
        a = np.exp(x)
        ag.guard(lambda a: seen.append(a.copy()), a)
        b = np.sin(a) * 2
        return np.cos(b + 1) * 3

    compiled = ag.compile(f)
    for x in (np.arange(3.0), np.ones(3)):
        compiled(x)
        np.testing.assert_array_equal(seen[-1], np.exp(x))
    assert "exp(" not in ag.compile(lambda x: (np.exp(x), x)[1] * 2).source(np.ones(3))


def test_a_guard_stands_in_the_source_and_unchecked_trusts_arguments_alone():
    def f(x):
        ag.guard(check_positive, x)
        ag.guard(check_positive, np.sin(x))
        return x * 2

    compiled = ag.compile(f)
    good, bad = np.ones(2), np.array([-4.0, 1.0])  # sin(-4) is positive
    source = compiled.source(good)
    assert source.count("check_positive(") == 2
    assert "    check_positive(x)\n" in source
    fast = compiled.unchecked(good)
    np.testing.assert_array_equal(fast(bad), bad * 2)
    with pytest.raises(ValueError, match="not positive"):
        fast(-good)
    with pytest.raises(ValueError, match="not positive"):
        compiled(bad)


def test_guards_that_differ_between_runs_are_refused():
    rng = np.random.default_rng(0)
    limits = lambda limit: lambda a: check_positive(a - limit)

    def guarded(make):
        def f(x):
            ag.guard(make(), x)
            return x * 2

        return ag.compile(f)

    guarded(lambda: limits(-1.0))(np.ones(2))
    with pytest.raises(ag.TracingError, match="different values"):
        guarded(lambda: limits(-rng.random()))(np.ones(2))

    @ag.differentiable(lambda g, y, x: g)
    def inside(x):
        ag.guard(check_positive, x)
        return np.asarray(x)

    with pytest.raises(ag.TracingError, match="Call guard before the operation"):
        ag.compile(lambda x: inside(x))(np.ones(2))
    with pytest.raises(ValueError, match="not positive"):
        inside(ag.Tensor([-1.0]))


def test_unchecked_compiles_its_text_once(monkeypatch):
    compiled, texts = ag.compile(lambda x: np.tanh(x)), []
    whole = builtins.compile
    monkeypatch.setattr(
        builtins, "compile", lambda text, *rest: texts.append(text) or whole(text, *rest)
    )
    runs = [compiled.unchecked(np.ones(2)) for _ in range(5)]
    assert len(texts) == 1
    first = runs[0](np.ones(2))
    np.testing.assert_array_equal(runs[1](np.zeros(2)), 0)
    np.testing.assert_array_equal(first, np.tanh(np.ones(2)))


# Views, and what only looks like one


MATRIX, CUBE, ROW = normal(2, 3), normal(2, 3, 4, seed=1), normal(3, seed=2)
PARTS = {
    "a number": (ROW, lambda y: y[0]),
    "a number of a matrix": (MATRIX, lambda y: y[1, 2]),
    "a number, with an ellipsis": (MATRIX, lambda y: y[..., 0, 1]),
    "a slice of a slice": (CUBE, lambda y: y[:, ::2][1]),
    "an axis put in": (ROW, lambda y: y[None, :, None]),
    "an axis by True": (ROW, lambda y: y[True]),
    "an axis by np.True_": (ROW, lambda y: y[np.True_]),
    "none by np.False_": (MATRIX, lambda y: y[np.False_]),
    "an integer array": (ROW, lambda y: y[np.array([2, 0, 0])]),
    "a 0-d integer array": (MATRIX, lambda y: y[np.array(1)]),
    "a list": (MATRIX, lambda y: y[[0, 1, 0]]),
    "a mask": (MATRIX, lambda y: y[np.array([False, True])]),
    "a mask and a slice": (MATRIX, lambda y: y[:, np.array([True, False, True])]),
    "a transpose": (MATRIX, lambda y: y.T),
    "a reshape": (MATRIX, lambda y: y.reshape(3, 2)),
    "a reshape of a transpose": (MATRIX, lambda y: y.T.reshape(6)),
    "a reshape of a transpose that is a view": (CUBE[:, :1], lambda y: y.T.reshape(4, 2)),
    "a reshape of a slice": (MATRIX, lambda y: y[:, ::2].reshape(4)),
    "a reshape of a slice that is a view": (CUBE, lambda y: y[1].reshape(12)),
    "a reshape of a part turned round": (ROW, lambda y: y[::-1].reshape(3, 1)),
    "a transpose of a reshape of a transpose": (CUBE, lambda y: y.T.reshape(4, 6).T),
    "a reshape of what was stretched": (ROW, lambda y: np.broadcast_to(y, (2, 3)).reshape(6)),
    "nothing": (MATRIX, lambda y: y[:0].T.reshape(0)),
    "a number out of one": (ROW[:1], lambda y: y.reshape(())),
}


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("captured", [False, True])
def test_what_numpy_copies_is_computed_in_every_step(name, captured):
    x, part = PARTS[name]
    constant = np.exp(x).copy(order="F")

    def f(x):
        y = part(np.exp(x)) * 2.0
        return (y, y + part(ag.Tensor(constant))) if captured else (y, part(np.sin(x) + 1))

    every = lambda x: ag.value_and_grad(lambda x: sum(np.sum(np.sin(y)) for y in f(x)))(x)
    for function in (f, every):
        for reuse in (False, True):
            compiled = ag.compile(function, reuse_outputs=reuse)
            for at in (x, x + 1, -x, np.asfortranarray(x)):
                result = compiled(at)
                eager = function(ag.Tensor(at)) if function is f else function(at)
                for a, b in zip(arrays_of(result), arrays_of(eager), strict=True):
                    assert type(a) is np.ndarray
                    assert a.shape == b.shape
                    np.testing.assert_allclose(a, b, rtol=1e-13)
                if not reuse:
                    assert_own(result, at, constant)


def test_an_einsum_of_one_array_may_be_a_view_of_it():
    for subscripts in ("ij->ji", "ij->ij", "ij->i"):
        f = lambda x, s=subscripts: np.einsum(s, np.exp(x)) + np.sum(np.cos(np.sin(x) + 1))
        g = lambda x, f=f: (np.sin(np.exp(x)) + 1, f(x) * 2)
        for function in (f, g):
            for a, b in zip(
                arrays_of(ag.compile(function)(MATRIX)),
                arrays_of(function(ag.Tensor(MATRIX))),
                strict=True,
            ):
                np.testing.assert_allclose(a, b, rtol=1e-14)

    def spent(x):
        y = np.einsum("ij->ji", np.exp(x))  # the last reader of its buffer, if it were no view
        z = np.cos(np.sin(x) + 1)
        return np.sum(y * z.T)

    expected = np.sum(np.exp(MATRIX) * np.cos(np.sin(MATRIX) + 1))
    np.testing.assert_allclose(ag.compile(spent)(MATRIX), expected, rtol=1e-14)


def test_two_transposes_of_three_axes_are_one():
    for first in ((1, 2, 0), (2, 0, 1), (1, 0, 2), (2, 1, 0)):
        for second in ((1, 2, 0), (2, 0, 1), (0, 2, 1)):
            f = lambda x, a=first, b=second: np.transpose(np.transpose(x, a), b) * np.float64(2)
            expected = CUBE.transpose(first).transpose(second) * 2
            np.testing.assert_array_equal(ag.compile(f)(CUBE), expected)


def test_results_lie_in_rows_whatever_the_constants_do():
    for constant in (
        np.asfortranarray(CUBE),
        CUBE.T.copy().T,
        np.broadcast_to(MATRIX.T, (2, 3, 2)),
    ):
        f = lambda x, c=constant: (x + c, c * x, np.tanh(x * c))
        x = np.asfortranarray(np.ones(constant.shape))
        result = ag.compile(lambda x, f=f: f(x))(x)
        assert_own(result, constant, x)
        np.testing.assert_array_equal(result[0], constant + 1)
        np.testing.assert_array_equal(result[1], constant)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_a_buffer_holds_values_of_several_dtypes_in_turn(dtype):
    def f(x):
        mask = (x > 0) & (x < 2)
        for _ in range(3):
            x = np.tanh(x * mask) + 1
            mask = np.logical_xor(x > 1, mask)
            x = x + mask.astype(np.int8)
        return x * mask

    compiled = ag.compile(f)
    for n in (1, 3, 33):
        x = np.linspace(-3, 3, n).astype(dtype)
        for at in (x, x[::-1], -x):
            result = compiled(at)
            assert result.dtype == dtype
            np.testing.assert_array_equal(result, f(ag.Tensor(at)).data)


# Products of vectors, and names


@pytest.mark.parametrize(
    ("f", "shapes"),
    [
        (lambda W, x, b: (W @ x + b).named("Z"), [(2, 3), (3,), (2,)]),
        (lambda W, x, b: np.tanh((x @ W + b).named("Z")).named("A"), [(3, 2), (3,), (2,)]),
        (lambda x, y: (x @ y + 1.0).named("Z"), [(3,), (3,)]),
        (lambda x: np.sum(x / (1 + (x @ x) ** 2)), [(1,)]),
        (lambda x: np.sum(x / (1 + (x @ x).named("s") ** 2)).named("J"), [(1,)]),
        (lambda A, x: (A @ x).named("Z") * (A[0] @ x + 1).named("Z"), [(2, 3, 4), (4,)]),
        (lambda A, B: (A @ B).named("C").reshape(-1).named("C") + 1, [(2, 3), (3, 2)]),
        (lambda A, B: np.exp((A @ B).reshape(4)).named("C"), [(2, 3), (3, 2)]),
    ],
)
def test_a_named_value_that_follows_a_product(f, shapes):
    arrays = [np.random.default_rng(n).normal(size=shape) for n, shape in enumerate(shapes)]
    cost = lambda *args: np.sum(np.sin(f(*args)))
    for function in (f, ag.value_and_grad(cost, tuple(range(len(shapes))))):
        compiled = ag.compile(function)
        for k in range(2):
            at = [a + k for a in arrays]
            eager = function(*[ag.Tensor(a) for a in at])
            for a, b in zip(arrays_of(compiled(*at)), arrays_of(eager), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-14)


LIBRARY = [
    *(n for n in dir(np) if n.islower()),
    "add_reduce",
    "float64_",
    "OTHER",
    "kept",
    "t",
    "J",
]
ODD = ["W₁", "x²", "ℒ", "ϵ", "ε", "µ", "μ", "", " ", "1", "_", "′", "Z₁′", "a b", "σ(Z)", "😀", "é"]
ODD += [
    "e\u0301",
    "\u0301",
    "ﬁ",
    "ｉｆ",
    "ª",
    "№",
    "\n",
    "#",
    '"',
    "\\",
    "\x00",
    "\ud800",
    "__debug__",
    "compiled",
]
NAMES = [*ODD, *keyword.kwlist, *keyword.softkwlist, *dir(builtins), *LIBRARY]


def assert_compiles_with_names(*names):
    a, b, c, d = names
    captured = ag.Tensor([2.0, 3.0], name=a)
    constant = ag.Tensor(np.arange(2.0), name=b)

    def f(tree):
        y = np.exp(tree[c] * captured).named(a)
        z = np.sum((y + constant).named(b) / 2, keepdims=True).named(c)
        return {d: np.tanh(z * y).named(d), "rest": (np.sin(y + 1).named(a), tree[c] * 1)}

    f.__name__ = a
    compiled, x = ag.compile(f), np.array([0.25, 0.5])
    for at in (x, -x):
        assert_same(compiled({c: at}), f({c: ag.Tensor(at)}))
    assert_same(compiled.unchecked({c: x})({c: x}), f({c: ag.Tensor(x)}))


@pytest.mark.parametrize("start", range(0, len(NAMES), 40))
def test_names_of_every_kind(start):
    for name in NAMES[start : start + 40]:
        assert_compiles_with_names(name, name, name, name)
        assert_compiles_with_names(name, "Z", "x", name)


def test_a_name_stays_as_close_as_python_allows():
    wishes = {"W₁": "W1", "x²": "x2", "ϵ": "ε", "Z′": "Z_", "a b": "a_b", "1": "_1", "": "x"}
    assert {wish: identifier(wish) for wish in wishes} == wishes


def test_names_that_python_makes_one():
    for one, two in (
        ("µ", "μ"),
        ("ϵ", "ε"),
        ("ﬁ", "fi"),
        ("ℒ", "L"),
        ("x²", "x2"),
        ("é", "e\u0301"),
    ):
        assert_compiles_with_names(one, two, one, two)
        assert_compiles_with_names(two, two, one, one)


@settings(max_examples=150, deadline=None)
@example(["ϴ", "θ", "𝟙", "1"])
@given(st.lists(st.text(max_size=6), min_size=4, max_size=4))
def test_any_name_compiles(names):
    assert_compiles_with_names(*names)


# What is constant, and what is noticed


class Colour(enum.Enum):
    RED = 1


class Level(enum.IntEnum):
    LOW = 1


@dataclasses.dataclass(frozen=True)
class Options:
    axis: int = 0
    scale: float = 2.0
    kind: object = np.tanh


@dataclasses.dataclass
class Settings:
    scale: float = 2.0


CONSTANTS = [1, True, 0, False, 2, "1", b"1", "", None, ..., np.int64(1), np.int32(1), np.True_]
CONSTANTS += [1j, complex(0.0, -0.0), 0j, range(3), range(0), slice(1), slice(1.0), slice(1, None)]
CONSTANTS += [frozenset({1}), frozenset({True}), frozenset({1.0}), np.dtype(float), np.dtype("f4")]
CONSTANTS += [np.sin, np.sum, len, ag.relu, Options, Options(), Options(1), Options(True), np]
CONSTANTS += [Options(scale=0.0), Options(scale=-0.0), Options(kind=None), Colour.RED, Level.LOW]


def test_constants_are_compared_as_what_they_are():
    seen = []
    compiled = ag.compile(lambda x, constant: (seen.append(constant), x * 2.0)[1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # many signatures
        for constant in CONSTANTS:
            compiled(np.ones(1), constant)
            traced = len(seen)
            compiled(np.ones(1), constant)
            assert len(seen) == traced, constant
            assert seen[-1] is constant or repr(seen[-1]) == repr(constant)
        assert len(compiled.source.__self__.programs) == len(CONSTANTS)


def test_1_and_true_and_1_0_are_three_arguments():
    compiled = ag.compile(lambda x, k: x if k is True else x * 2 if type(k) is int else x * 3 * k)
    x = np.array([5.0])
    for _ in range(2):
        np.testing.assert_array_equal(compiled(x, 1), [10])
        np.testing.assert_array_equal(compiled(x, True), [5])
        np.testing.assert_array_equal(compiled(x, 1.0), [15])


def test_floats_that_are_constants_are_told_apart_by_their_bits():
    wide = np.array([1.0, 2.0])
    traced = []

    def f(x, k):  # two precisions: a float is a number of Python's
        traced.append(k)
        return x * k, wide / k

    compiled = ag.compile(f)
    x = np.float32([1, 2])
    with np.errstate(divide="ignore"):
        for k in (0.0, -0.0, 0.0, -0.0, 0.5, np.inf):
            for ours, theirs in zip(compiled(x, k), (x * k, wide / k), strict=True):
                assert ours.dtype == theirs.dtype
                np.testing.assert_array_equal(ours, theirs)
                np.testing.assert_array_equal(np.signbit(ours), np.signbit(theirs))
    compiled(x, float("nan"))
    before = len(traced)
    for _ in range(3):
        assert np.isnan(compiled(x, float("nan"))[1]).all()
    assert len(traced) == before


def test_options_of_an_operation_are_told_apart_by_their_bits():
    @ag.differentiable(lambda g, y, x, k: g)
    def signed(x, k):
        return np.copysign(np.asarray(x), k)

    f = lambda x: (signed(x, k=0.0), signed(x, k=-0.0), signed(x, k=float("nan")) * 0.0)
    x = np.array([1.0, -2.0])
    assert_same(ag.compile(f)(x), f(ag.Tensor(x)))


def test_zero_added_makes_no_negative_zero():
    x = np.array([-0.0, 0.0, 1.0])
    for f in (lambda x: x + 0.0, lambda x: 0 + x, lambda x: x - 0.0, lambda x: x + -0.0):
        for g in (f, lambda x, f=f: 1 / (f(x) * np.array([0.0, -0.0, 1.0]) + f(x))):
            with np.errstate(divide="ignore"):
                np.testing.assert_array_equal(ag.compile(g)(x), g(x))
            np.testing.assert_array_equal(np.signbit(ag.compile(f)(x)), np.signbit(f(x)))


def test_means_of_what_numpy_sums_as_something_wider():
    for x in (
        np.full(3000, 100, np.float16),
        np.full(4, 2**62),
        np.array([2**53, 1, 1, 1]),
        np.array([True, False, True]),
        np.arange(200, dtype=np.uint8),
    ):
        for f in (np.mean, np.var, np.std):
            with np.errstate(all="ignore"):  # np.var of float16 does overflow
                assert_same(ag.compile(lambda x, f=f: f(x))(x), f(ag.Tensor(x)))


def test_integers_keep_their_arithmetic():
    small, x = np.array([5, 250], np.uint8), np.array([100, 200], np.int64)
    for f in (
        lambda a, b: b + -a,
        lambda a, b: b - -a,
        lambda a, b: -a + b,
        lambda a, b: np.mean(a) + np.var(b),
        lambda a, b: a * 1 + b * True,
    ):
        assert_same(ag.compile(f)(small, x), np.asarray(f(small, x)))


@pytest.mark.parametrize(
    "make",
    [
        Settings,
        lambda: types.SimpleNamespace(scale=2.0),
        lambda: Options(kind=Settings()),
        lambda: Settings().__init__,
        lambda: {1, 2},
        lambda: object(),
        lambda: iter([1]),
        lambda: np.complex128(1),
        lambda: np.datetime64("2020-01-01"),
    ],
)
def test_an_object_that_may_change_is_refused_by_name(make):
    compiled = ag.compile(lambda x, options: x * 2.0)
    kind = type(make()).__name__
    with pytest.raises(TypeError, match=rf"options is a {kind},|options holds a Settings,"):
        compiled(np.ones(2), make())
    with pytest.raises(
        TypeError, match="inner is a Settings.*NamedTuple, or make Settings a frozen"
    ):
        compiled(np.ones(2), {"inner": Settings()})
    compiled(np.ones(2), None)
    with pytest.raises(TypeError, match="options (is|holds) a"):
        compiled(np.ones(2), make())


def test_a_masked_array_is_refused():
    with pytest.raises(ValueError, match="is a masked array"):
        ag.compile(lambda x: x * 2.0)(np.ma.masked_array([1.0, 2.0], [True, False]))


scale, OPTIONS = 2.0, types.SimpleNamespace(scale=2.0, unused=0.0)


def scaled(x):
    return x * scale


def test_a_variable_that_is_bound_anew_is_noticed(monkeypatch):
    factor, W, act, note = 2.0, np.array([1.0, 2.0]), np.tanh, "a"
    own = types.SimpleNamespace(scale=2.0, inner=types.SimpleNamespace(scale=2.0))
    tensor = ag.Tensor([1.0, 2.0])

    class Model:
        def __init__(self):
            self.rate = 2.0

        def __call__(self, x):
            return x * self.rate

        def method(self, x):
            return x + self.rate

    model = Model()

    def nested(x):
        return next(x * factor for x in [x]) + (lambda: factor)()

    functions = [
        *(lambda x: x * factor, lambda x: x * W, lambda x: act(x), lambda x: x * len(note)),
        *(lambda x: x * own.scale, lambda x: x * own.inner.scale, lambda x: x * tensor),
        *(scaled, lambda x: scaled(x), lambda x: x * OPTIONS.scale, nested, model, model.method),
        *(functools.partial(lambda y, x: x * factor + y, 1.0), lambda x: x * model.rate),
    ]
    compiled = [
        g(f)
        for f in functions
        for g in (ag.compile, lambda f: ag.compile(ag.grad(lambda x: np.sum(f(x)))))
    ]
    eager = [
        g(f) for f in functions for g in (lambda f: f, lambda f: ag.grad(lambda x: np.sum(f(x))))
    ]
    x = np.array([0.5, 1.5])

    def check():
        for c, e in zip(compiled, eager, strict=True):
            for _ in range(2):
                for a, b in zip(arrays_of(c(x)), arrays_of(e(x)), strict=True):
                    np.testing.assert_array_equal(a, b)

    check()
    traced = [len(c.source.__self__.programs) for c in compiled]
    assert set(traced) == {1}
    factor, W, act, note = 3.0, np.array([1.0, 5.0]), np.sin, "ab"
    own.scale, own.inner.scale, model.rate = 3.0, 4.0, 5.0
    tensor = ag.Tensor([1.0, 7.0])
    monkeypatch.setitem(globals(), "scale", 7.0)
    monkeypatch.setattr(OPTIONS, "scale", 7.0)
    check()
    assert {len(c.source.__self__.programs) for c in compiled} == {2}
    factor = 3.0 + float(np.float64(0))  # the same number, another object
    OPTIONS.unused = 1.0
    check()
    assert {len(c.source.__self__.programs) for c in compiled} == {2}


def test_the_same_number_in_another_object_costs_no_call_of_f():
    factor, note, traced = 1000.5, "a b", []
    compiled = ag.compile(lambda x: (traced.append(note), x * factor)[1])
    compiled(np.ones(2))
    before = len(traced)
    factor, note = float("1000.5"), " ".join("ab")
    np.testing.assert_array_equal(compiled(np.ones(2)), [1000.5, 1000.5])
    assert len(traced) == before


def test_a_function_that_is_defined_anew_is_noticed():
    namespace = {"np": np}
    exec("def g(x): return x * 2.0\ndef f(x): return np.exp(g(x))", namespace)
    compiled = ag.compile(namespace["f"])
    x = np.ones(2)
    np.testing.assert_array_equal(compiled(x), np.exp(x * 2))
    exec("def g(x): return x * 3.0", namespace)
    np.testing.assert_array_equal(compiled(x), np.exp(x * 3))


# Captured leaves


def test_a_captured_leaf_keeps_its_gradient():
    W, x = ag.Tensor([1.0, 2.0], requires_grad=True, name="W"), np.array([1.0, 2.0])
    compiled = ag.compile(lambda x: np.sum(W * x))
    for _ in range(2):
        W.zero_grad()
        (compiled(x) + np.sum(W)).backward()
        np.testing.assert_array_equal(W.grad, [2, 3])
    with ag.no_grad():
        assert type(compiled(x)) is np.ndarray
    assert "multiply(" not in compiled.source(x)
    W.zero_grad()
    (compiled(x) + np.sum(W)).backward()
    np.testing.assert_array_equal(W.grad, [2, 3])


def test_a_captured_leaf_keeps_its_gradient_beside_another_that_is_taken():
    W, V = (ag.Tensor([1.0, 2.0], requires_grad=True, name=name) for name in "WV")
    x = np.array([3.0, 4.0])

    def f(x):
        J = np.sum(V * V * x)
        return J, ag.gradients(J, [V])[0], np.sum(W * x)

    result = ag.compile(f)(x)
    np.testing.assert_array_equal(result[1], 2 * V.data * x)
    result[2].backward()
    np.testing.assert_array_equal(W.grad, x)
    A = np.tanh(W)  # not a leaf, but it leads to one
    ag.compile(lambda x: np.sum(A * x))(x).backward()
    np.testing.assert_allclose(W.grad, x + x * (1 - np.tanh(W.data) ** 2))


def test_a_captured_leaf_whose_gradient_is_taken_is_compiled():
    W, x = ag.Tensor([1.0, 2.0], requires_grad=True, name="W"), np.array([3.0, 4.0])

    def step(x):
        J = np.sum(W * W * x)
        (dW,) = ag.gradients(J, [W])
        return J, W - 0.1 * dW

    compiled = ag.compile(step)
    J, new = compiled(x)
    assert type(J) is type(new) is np.ndarray
    np.testing.assert_allclose(new, W.data - 0.2 * W.data * x)
    W.data = new
    np.testing.assert_allclose(compiled(x)[0], np.sum(new * new * x))
    W = W.detach()
    inside = ag.compile(ag.value_and_grad(lambda v, x: np.sum(v * W * x)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # W is constant to this transform
        np.testing.assert_array_equal(inside(np.ones(2), x)[1], W.data * x)
        assert "multiply(" in inside.source(np.ones(2), x)
    V = ag.Tensor(np.ones(2), requires_grad=True)
    both = ag.compile(ag.value_and_grad(lambda V, x: np.sum(V * V * x)))
    assert type(both(V, x)[0]) is np.ndarray
    np.testing.assert_array_equal(both(V, x)[1], 2 * x)


# The kinds of containers


class Sorted(OrderedDict):
    def __init__(self, *items):
        super().__init__(*items)
        self.tag = "sorted"


Pair = namedtuple("Pair", "a b")


@pytest.mark.parametrize(
    "make",
    [
        dict,
        OrderedDict,
        lambda items: defaultdict(list, items),
        lambda items: Counter(dict(items)),
        Sorted,
        lambda items: Pair(*(v for _, v in items)),
        lambda items: [v for _, v in items],
        lambda items: tuple(v for _, v in items),
    ],
)
def test_containers_keep_their_kind(make):
    x = np.array([1.0, 2.0])
    inner = make([("b", x), ("a", 2 * x)])
    keys = list(inner) if isinstance(inner, dict) else range(2)
    kept, seen = [inner[key] for key in keys], []

    def f(tree):
        seen.append(type(tree))
        return make([("b", tree[keys[0]] * 2), ("a", make([("b", tree[keys[1]]), ("a", x)]))])

    compiled = ag.compile(f)
    for _ in range(2):
        result = compiled(inner)
        assert type(result) is type(inner)
        parts = [*result.values()] if isinstance(result, dict) else result
        assert type(parts[1]) is type(inner)
        assert list(getattr(result, "keys", list)()) == (
            ["b", "a"] if isinstance(inner, dict) else []
        )
        np.testing.assert_array_equal(parts[0], 2 * x)
        assert getattr(result, "default_factory", None) is getattr(inner, "default_factory", None)
        assert getattr(result, "tag", None) == getattr(inner, "tag", None)
        assert all(inner[k] is a for k, a in zip(keys, kept, strict=True))  # it is left alone
    assert set(seen) == {type(inner)}
    assert len(seen) == 2  # one trace: the second call was ready


def test_the_order_of_a_dict_is_part_of_it():
    f = lambda tree: next(iter(tree.values())) * 2.0
    compiled = ag.compile(f)
    a, b = np.ones(2), np.zeros(2)
    for tree in ({"a": a, "b": b}, {"b": b, "a": a}, {"a": a, "b": b}, {1: a}, {True: b}, {1.0: a}):
        np.testing.assert_array_equal(compiled(tree), f(tree))
    typed = ag.compile(lambda tree: (tree[1], [type(key).__name__ for key in tree]))
    for tree in ({1: a}, {True: a}, {1.0: a}, {1: a}):
        assert typed(tree)[1] == [type(key).__name__ for key in tree]


# Growth


def test_free_memory_is_found_by_size():
    free = _Free()
    assert free.take(8) is None
    blocks = [Block(np.dtype(float), size) for size in (4, 2, 8, 2)]
    for block in blocks:
        free.add(block)
    taken = [free.take(need) for need in (16, 9, 1000, 1, 1)]
    assert taken == [blocks[1], blocks[3], blocks[2], blocks[0], None]


# What the mutants showed that nothing else would notice


REDUCTIONS = [np.sum, np.mean, np.var, np.std, np.max, np.min]


@pytest.mark.parametrize("reduction", REDUCTIONS, ids=lambda op: op.__name__)
@pytest.mark.parametrize("axis", [0, 1, -1, (0, 1), None])
def test_a_reduction_that_keeps_its_axes_is_broadcast_along_them(reduction, axis):
    """On a square array, where a wrong axis would broadcast as well."""

    def f(x):
        return (x - reduction(x, axis=axis, keepdims=True)) * reduction(np.tanh(x), axis=axis)

    x = np.arange(9.0).reshape(3, 3) ** 2 / 10
    compiled = ag.compile(f)
    for data in (x, x[::-1] + 1):
        assert_same(compiled(data), f(ag.Tensor(data)))


def test_tracing_itself_warns_of_nothing():
    """An operation that branches on values is traced with values, which no user sees."""

    @ag.differentiable(lambda g, y, x: g)
    def with_a_branch(x):
        return x if x[0] > 0 else x / x[0]

    compiled = ag.compile(lambda x: np.where(x > 0, np.log(with_a_branch(x) - 1.0), 0.0))
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        compiled.source(np.array([1.0, 2.0]))
        W = ag.Tensor([0.0], requires_grad=True)  # f is run to see whether it takes its gradient
        ag.compile(lambda x: np.log(W) * x).source(np.ones(1))
    assert seen == []


@pytest.mark.parametrize("length", range(1, 60))
def test_what_a_program_imports_fills_lines_of_a_hundred_characters(length):
    names = ["a" * length, *["exp"] * 60]
    first, *lines, last = _from_numpy(names)
    assert (first, last) == ("from numpy import (", ")")
    assert " ".join(map(str.strip, lines)) == ", ".join(names) + ","
    assert all(95 < len(line) <= 100 for line in lines[:-1])
    (line,) = _from_numpy(["a" * (82 - length), "b" * (length - 2)] if length > 2 else ["a" * 82])
    assert len(line) == 100


def test_a_guard_of_nothing_is_called_at_each_call():
    seen = []
    compiled = ag.compile(lambda x: (ag.guard(lambda: seen.append(1)), x * 2)[1])
    for _ in range(3):
        compiled(np.ones(2))
    assert len(seen) == 3


def test_nobody_writes_into_what_stands_in_for_arrays():
    """All of one dtype share their memory: the next trace would see what was written."""
    for array in (stand_in((2, 3), np.dtype(float)), stand_in((2,), np.dtype(bool))):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 5


def test_a_name_is_found_without_trying_those_before_it():
    class Counting(set):
        asked = 0

        def __contains__(self, name):
            self.asked += 1
            return super().__contains__(name)

    names = Names()
    names.taken = Counting(names.taken)
    assert len({names.new("t") for _ in range(1000)}) == 1000
    assert names.taken.asked <= 2000


@pytest.mark.parametrize("ddof", [1, 2, 3])
def test_a_spread_of_no_more_numbers_than_ddof_is_what_it_is_eagerly(ddof):
    f = lambda x: (np.var(x, axis=0, ddof=ddof), np.std(x, axis=0, ddof=ddof))
    x = np.array([[1.0, 5.0], [2.0, 5.0]])
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # NumPy's: of no more numbers than ddof
        eager = [t.numpy() for t in f(ag.Tensor(x))]
        compiled = ag.compile(f)(x)
    for ours, theirs in zip(compiled, eager, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_choice_takes_what_has_no_axes():
    f = lambda x, s: (np.where(x > 0, s, x), np.where(x > s, 2.5, s), np.where(x > 0, x, s * 2))
    compiled = ag.compile(f)
    for s in (np.array(3.0), np.array(0.5, np.float32), 1.5):
        x = np.array([1.0, -2.0, 3.0])
        assert_same(compiled(x, s), f(ag.Tensor(x), s if type(s) is float else ag.Tensor(s)))


def test_what_a_function_keeps_of_its_trace_is_not_the_callers_array():
    @ag.differentiable(lambda g, y, x: g)
    def with_a_branch(x):  # it wants values, so the trace has some
        return x if x[0] > 0 else -x

    kept = []
    x = np.array([1.0, 2.0])
    ag.compile(lambda x: (kept.append(x), with_a_branch(x))[1])(x)
    with_values = [t for t in kept if not isinstance(t._data, StandIn)]
    assert with_values
    for t in with_values:
        assert not np.shares_memory(t.data, x)
    x[0] = 5.0  # reading t.data has not made it read-only


@pytest.mark.parametrize(
    "function",
    [np.multiply.outer, np.outer, lambda x, s: np.stack([x.ravel(), [s]]), lambda x, s: x * s],
    ids=["multiply.outer", "outer", "stack", "x * s"],
)
def test_a_float_beside_float32_is_what_it_is_on_the_tape(function):
    """Where NumPy makes an array of it, that is of float64."""
    x, f = np.array([[0.4]], np.float32), lambda x, s: np.sum(function(x, s))
    eager = f(ag.Tensor(x), -1.8)
    compiled = ag.compile(f)
    for s in (-1.8, 2.5):
        assert compiled(x, s).dtype == eager.dtype == f(x, -1.8).dtype
        assert compiled(x, s) == f(ag.Tensor(x), s).data
