"""ag.compile: guards, names, views, constants and growth, each kind over the whole of it."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from results import assert_same

import autograd_lite as ag

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
    import builtins

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
