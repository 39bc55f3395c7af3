"""where=, initial=, dtype= and out= of every function in the table: taken as NumPy takes them, or
refused by name."""

from __future__ import annotations

import inspect
import operator
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.tensor import HANDLERS
from benchmarks import numpy as tried

OPTIONS = {"where": "mask", "initial": "0.5", "dtype": "np.float32", "out": "empty"}


def options_of(function: Callable[..., Any]) -> set[str]:
    """Those of the four that a function has, by its signature."""
    if isinstance(function, np.ufunc):
        return {"dtype", "out"} if function.signature else {"where", "dtype", "out"}
    try:
        return inspect.signature(function).parameters.keys() & OPTIONS.keys()
    except ValueError:
        return set(OPTIONS)


def calls() -> Iterator[tuple[str, str]]:
    """Functions of NumPy, and arguments for them with one option."""
    for namespace in ("numpy", "numpy.linalg"):
        listed = tried.calls_of(namespace)
        for name, function in tried.functions_of(namespace):
            guess = tried.guessed(function)
            known = listed.get(name) or ([guess.text] if guess else [])
            path = name if namespace == "numpy" else f"linalg.{name}"
            for option in sorted(options_of(function)) if known else ():
                yield path, f"{known[0]}, {option}={OPTIONS[option]}"


def filled(function: Callable[..., Any], text: str) -> str:
    """The arguments with arrays of the right shapes for `empty` and `mask`."""
    plain = tried.Call(function, text.rsplit(", ", 1)[0])
    results = plain(*plain.arrays)
    several = isinstance(results, tuple)
    empty = [f"np.empty({np.shape(y)}, '{np.asarray(y).dtype}')" for y in tried._values(results)]
    x = plain.arrays[0]
    text = text.replace("out=empty", f"out=({', '.join(empty)},)" if several else f"out={empty[0]}")
    return text.replace("=mask", f"=np.arange({x.size}).reshape({x.shape}) % 3 > 0")


CALLS = list(calls())
ALIASES = {"amax": "max", "amin": "min"}  # what NumPy has under two names


@pytest.mark.parametrize(("path", "text"), CALLS, ids=[f"{p}({t})" for p, t in CALLS])
def test_an_option_is_taken_or_refused_by_name(path: str, text: str) -> None:
    function = operator.attrgetter(path)(np)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        call = tried.Call(function, filled(function, text))
        try:
            call(*call.arrays)
        except Exception as error:
            pytest.skip(f"NumPy: {error}")
        status, note = tried.judge(ALIASES.get(path, path), call)
    assert status not in ("FAILS", "unnamed"), note
    if "out=" in text:
        assert status in ("refused", "plain, refused")


WITH_OUT = [(path, text.removesuffix(", out=empty")) for path, text in CALLS if "out=" in text]


@pytest.mark.parametrize(("path", "text"), WITH_OUT, ids=[f"{p}({t})" for p, t in WITH_OUT])
def test_a_tensor_may_be_what_is_written_into(path: str, text: str) -> None:
    function, into = operator.attrgetter(path)(np), list[ag.Tensor]()
    with np.errstate(all="ignore"):
        try:
            plain = tried.Call(function, filled(function, f"{text}, out=empty"))
            plain(*plain.arrays)
        except Exception as error:  # as older ones do, which do not tell their arguments
            pytest.skip(f"NumPy: {error}")

    def writing(*args: Any, **options: Any) -> Any:
        y = function(*args, **options)
        into[:] = [ag.Tensor(np.full(v.shape, 7, v.dtype)) for v in parts(y)]
        return function(*args, **options, out=(*into,) if isinstance(y, tuple) else into[0])

    def called(function: Callable[..., Any]) -> tuple[list[Any], list[Any]]:
        call = tried.Call(function, text)
        inputs = [ag.Tensor(x, x.dtype.kind == "f") for x in call.arrays]
        y = parts(call(*inputs))
        J = sum((np.sum(np.sin(v)) for v in y if v.requires_grad), ag.Tensor(0.0))
        return y, ag.gradients(J, inputs) if J.requires_grad else []

    with np.errstate(all="ignore"):
        try:
            expected, gradients = called(function)
            if not all(isinstance(v, ag.Tensor) for v in expected):
                pytest.skip("it gives plain values")
        except TypeError as error:
            pytest.skip(str(error))
        found, through = called(writing)
    assert list(map(id, found)) == list(map(id, into))
    pairs = [*zip(found, expected, strict=True), *zip(through, gradients, strict=True)]
    for a, b in pairs:
        same = [x.data if isinstance(x, ag.Tensor) else x for x in (a, b)]
        np.testing.assert_array_equal(*same, strict=True)


def parts(y: Any) -> list[Any]:
    return list(y) if isinstance(y, tuple) else [y]


def test_what_does_not_fit_is_not_written() -> None:
    x, out = ag.Tensor([[1.0, 2.0]], requires_grad=True), ag.Tensor(np.zeros(3))
    calls: dict[str, Callable[[], Any]] = {
        r"np.sum\(..., out=\(3,\)\) does not fit.*\(2,\)": lambda: np.sum(x, axis=0, out=out),
        r"np.exp\(..., out=\(3,\)\) does not fit.*\(1, 2\)": lambda: np.exp(x, out=out),
        "float64 into int64": lambda: np.exp(x, out=ag.Tensor([[1, 2]])),
        "into a leaf": lambda: np.exp(x, out=x),
        "in place": lambda: np.exp(x, out=x * 2, where=np.array([[True, False]])),
        "in place ": lambda: np.exp(x, out=np.zeros((1, 2))),
    }
    for told, call in calls.items():
        with pytest.raises((TypeError, ValueError), match=told.strip()):
            call()
    np.testing.assert_array_equal(out.data, np.zeros(3))


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_that_a_handler_drops_is_found(
    option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = HANDLERS[np.sum]
    monkeypatch.setitem(HANDLERS, np.sum, lambda x, *_, **options: plain(x))
    with pytest.raises(AssertionError):
        test_an_option_is_taken_or_refused_by_name("sum", f"X, {option}={OPTIONS[option]}")


def test_a_refusal_without_a_name_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def unnamed(*_: Any, **__: Any) -> Any:
        raise TypeError("a Tensor does not take it")

    monkeypatch.setitem(HANDLERS, np.sum, unnamed)
    with pytest.raises(AssertionError):
        test_an_option_is_taken_or_refused_by_name("sum", "X, dtype=np.float32")


def test_an_initial_tensor_and_where_keep_their_gradients() -> None:
    x, c = np.array([[0.5, 2.0], [1.5, 0.3]]), np.array(0.7)
    mask = np.array([[True, False], [True, True]])

    def f(x: Any, c: Any) -> Any:
        total = np.sum(x, axis=0, where=mask, initial=c) * np.prod(x, where=mask, initial=c)
        return total + np.max(x, axis=1, where=mask, initial=c) + np.mean(x, where=mask)

    ag.check_gradients(f, x, c, order=2)
