"""A gradient is never lost in silence: whatever makes a number or an array of a Tensor carries its
gradient, raises, or is a display."""

from __future__ import annotations

import array
import cmath
import copy
import decimal
import fractions
import json
import math
import operator
import pickle
import statistics
import struct
import threading
from math import exp

import numpy as np
import pytest

import autograd_lite as ag


def assigned(write):
    """What becomes of p when `write` puts it into a plain array."""

    def f(p):
        r = np.zeros(3)
        write(r, p)
        return p + np.sum(r)

    return f


def item(r, p):
    r[0] = 2 * p


def augmented(r, p):
    r[0] += p


def sliced(r, p):
    r[:2] = p


def in_place(r, p):
    r += p


def flat(r, p):
    r.flat[0] = p


def one_of_two(r, p):
    r[0], r[1] = 1.0, p


def into_python_array(p):
    r = array.array("d", [0.0])
    r[0] = p
    return p * r[0]


CARRIES = {  # with the derivative at 1.5
    "copy.copy": (lambda x: x * copy.copy(x), 3.0),
    "copy.deepcopy": (lambda x: x * copy.deepcopy({"a": [x]})["a"][0], 3.0),
    "np.stack": (lambda x: np.sum(np.stack([x, x * x])), 4.0),
    "sum": (lambda x: sum([x, x]), 2.0),
    "math.prod": (lambda x: math.prod([x, x]), 3.0),
    "sorted": (lambda x: sorted([3 * x, x])[0], 1.0),
    "max": (lambda x: max(3 * x, x), 3.0),
    "bool": (lambda x: 2 * x if x else x, 2.0),
    "iter": (lambda x: sum(t for t in np.stack([x, 2 * x])), 3.0),
    "NumPy scalar": (lambda x: np.float64(2.0) * x, 2.0),
}
RAISES = {
    "r[0] = t": assigned(item),
    "r[0] += t": assigned(augmented),
    "r.__setitem__": assigned(lambda r, p: r.__setitem__(0, p)),
    "operator.setitem": assigned(lambda r, p: operator.setitem(r, 0, p)),
    "r[:2] = t": assigned(sliced),
    "r[0], r[1] = ...": assigned(one_of_two),
    "r += t": assigned(in_place),
    "r.flat": assigned(flat),
    "fill": assigned(lambda r, p: r.fill(p)),
    "put": assigned(lambda r, p: r.put([0], p)),
    "np.put": assigned(lambda r, p: np.put(r, [0], p)),
    "np.place": assigned(lambda r, p: np.place(r, r == 0, p)),
    "np.fill_diagonal": assigned(lambda r, p: np.fill_diagonal(r.reshape(1, 3), p)),
    "np.copyto": assigned(lambda r, p: np.copyto(r, p)),
    "np.add.at": assigned(lambda r, p: np.add.at(r, 0, p)),
    "out=": assigned(lambda r, p: np.exp(p, out=r)),
    "array.array[0] = t": into_python_array,
    "array.array(t)": lambda x: x * array.array("d", [x])[0],
    "array.append": lambda x: array.array("d").append(x),
    "math.exp": lambda x: x * math.exp(x),
    "exp": lambda x: x * exp(x),
    "math.pow": lambda x: x * math.pow(x, 2),
    "math.hypot": lambda x: x * math.hypot(1.0, x),
    "math.fsum": lambda x: x * math.fsum([x, x]),
    "math.dist": lambda x: x * math.dist([x], [0.0]),
    "math.floor": lambda x: x * math.floor(x),
    "math.trunc": lambda x: x * math.trunc(x),
    "cmath.exp": lambda x: x * abs(cmath.exp(x)),
    "operator.index": lambda x: x * operator.index(x),
    "np.array": lambda x: np.sum(np.array([x, x])),
    "np.asarray": lambda x: x * np.asarray(x),
    "np.full": lambda x: x * np.full(3, x)[0],
    "np.fromiter": lambda x: x * np.fromiter([x], float)[0],
    "np.arange": lambda x: x * np.sum(np.arange(x)),
    "np.random": lambda x: x * np.random.default_rng(0).normal(x),
    "np.save": lambda x: np.save("/dev/null", x),
    "initial of arrays": lambda x: np.sum(np.ones(3), initial=x),
    "initial without nan": lambda x: np.nanmax(np.ones(3), initial=x),
    "initial of a ufunc": lambda x: np.add.reduce(np.ones(3), initial=x),
    "Tensor of a list": lambda x: np.sum(ag.Tensor([x, x])),
    "memoryview": lambda x: x * memoryview(x)[0],
    "tolist": lambda x: x * x.tolist(),
    "struct.pack": lambda x: struct.pack("d", x),
    "json": lambda x: json.dumps(x),
    "statistics.mean": lambda x: x * statistics.mean([x, x]),
    "statistics.fmean": lambda x: x * statistics.fmean([x, x]),
    "Decimal": lambda x: decimal.Decimal(x),
    "Fraction": lambda x: fractions.Fraction(x),
}
RAISES_IN_A_TRANSFORM = {  # and outside is the value, asked for
    "float": lambda x: x * float(x),
    "int": lambda x: x * int(x),
    "complex": lambda x: x * complex(x).real,
    "np.float64": lambda x: x * np.float64(x),
    "%f": lambda x: x * len("%.1f" % x),  # noqa: UP031
    "map": lambda x: x * next(map(float, [x])),
    "pickle": lambda x: x * pickle.loads(pickle.dumps(x)),
    "Tensor": lambda x: x * ag.Tensor(x),
}
DISPLAYS = {
    "f-string": lambda x: f"{x:.1f}",
    "format": lambda x: format(x, "8.3f"),
    "str": str,
    "repr": repr,
    "print": lambda x: f"{x} {x!r}",
    "hash": hash,
    ".item()": lambda x: x.item(),
    ".data": lambda x: float(x.data),
    ".numpy()": lambda x: float(x.numpy()),
    "detach": lambda x: float(x.detach()),
    "shape": lambda x: math.prod(x.shape),
}
TRANSFORMS = {
    "grad": lambda f: ag.grad(f)(1.5),
    "value_and_grad": lambda f: ag.value_and_grad(f)(1.5)[1],
    "vjp": lambda f: ag.vjp(f, 1.5)[1](1.0)[0],
    "jvp": lambda f: ag.jvp(f, (1.5,), (1.0,))[1],
    "jacobian": lambda f: ag.jacobian(f)(1.5),
}
LOSSES = (TypeError, ValueError, AttributeError, struct.error)


def on_the_tape(f):
    x = ag.Tensor(1.5, requires_grad=True)
    return ag.gradients(f(x), [x])[0]


@pytest.mark.parametrize("name", CARRIES)
def test_what_carries_the_gradient(name):
    f, expected = CARRIES[name]
    for transform in TRANSFORMS.values():
        assert transform(f) == expected
    if not name.startswith("copy"):  # outside a transform a copy is a leaf of its own
        assert on_the_tape(f) == expected


@pytest.mark.parametrize("name", RAISES)
def test_what_would_lose_it_raises(name):
    for run in (on_the_tape, *TRANSFORMS.values()):
        with pytest.raises(LOSSES):
            run(RAISES[name])


@pytest.mark.parametrize("name", RAISES_IN_A_TRANSFORM)
def test_a_value_is_asked_for_outside_a_transform_only(name):
    f = RAISES_IN_A_TRANSFORM[name]
    for transform in (*TRANSFORMS.values(), lambda f: ag.hvp(f)(1.5, 1.0)):
        with pytest.raises((TypeError, ValueError)):
            transform(f)
    assert isinstance(f(ag.Tensor(1.5, requires_grad=True)), ag.Tensor)
    with pytest.raises((TypeError, ValueError)):  # also where it depends on x in a roundabout way
        ag.grad(lambda x: f(np.exp(np.stack([x, x])[0])))(1.5)


@pytest.mark.parametrize("name", DISPLAYS)
def test_what_is_a_display(name):
    def f(x):
        DISPLAYS[name](x)
        return x * x

    for transform in TRANSFORMS.values():
        assert transform(f) == 3.0
    assert on_the_tape(f) == 3.0


def test_the_value_outside_a_transform():
    W = ag.Tensor([1.0, 2.0], requires_grad=True)
    losses, kept = [], np.zeros(2)
    losses.append(float(np.sum(W)))
    losses += [float(x) for x in W]
    kept[0] = float(np.sum(W))
    kept[1] = np.sum(W).item()
    assert losses == [3.0, 1.0, 2.0]
    assert math.isfinite(np.sum(W))  # a choice, not a value that goes on
    assert kept.tolist() == [3.0, 3.0]
    with ag.no_grad():
        kept[0] = 2 * W[0]
        assert math.exp(W[0]) == math.exp(1.0)
    kept[1] = ag.Tensor(7.0)  # a constant has no gradient to lose
    assert kept.tolist() == [2.0, 7.0]


def test_inside_a_transform_what_it_does_not_differentiate_has_a_value():
    W = ag.Tensor(2.0)
    assert ag.grad(lambda x, k: x * float(k) * float(W))(3.0, ag.Tensor(5.0)) == 10.0

    def f(x):
        with ag.no_grad():
            scale = float(x)
        return x * scale

    assert ag.grad(f)(3.0) == 3.0

    def searched(x):  # a descent of its own inside f
        w = ag.Tensor(1.0, requires_grad=True)
        assert float(w * w) == 1.0
        return x * float(w)

    assert ag.grad(searched)(3.0) == 1.0
    with pytest.raises(TypeError, match="lose its gradient"):  # the outer variable, further in
        ag.grad(lambda x: ag.grad(lambda y: y * float(x))(1.0))(2.0)
    assert ag.grad(lambda x: x * x)(2.0) == 4.0
    assert float(ag.Tensor(2.0, requires_grad=True)) == 2.0


@pytest.mark.parametrize(
    ("f", "told"),
    [
        (
            lambda x: x * math.exp(x),
            ["math.exp", "Use np.exp(t)", "test_never_lost.py"],
        ),
        (lambda x: x * math.fsum([x]), ["math.fsum", "NumPy's functions"]),
        (lambda x: x * float(x), ["float() of x ()", "np.exp for math.exp", ".data"]),
        (into_python_array, ["an item assignment", "np.stack"]),
        (lambda x: assigned(sliced)(np.stack([x, x])), ["one of (2,)", "np.stack", "part by part"]),
        (lambda x: np.ones((2, 2)).dot(np.stack([x, x])), ["one of (2,)", "a @ t for a.dot(t)"]),
        (lambda x: np.array([x, x]), ["one of x ()", "np.stack", "list"]),
        (lambda x: pickle.dumps(x), ["pickling"]),
        (lambda x: ag.Tensor(x), ["ag.Tensor(...)", "test_never_lost.py"]),
    ],
)
def test_the_error_names_the_line_and_what_to_write(f, told):
    with pytest.raises(TypeError) as error:
        ag.grad(lambda x: f(x.named("x")))(1.0)
    for text in told:
        assert text in str(error.value)


def test_what_stands_for_an_index_and_for_detach_is_said_and_holds_compiled():
    table = np.eye(3)

    def refused(x):
        return np.sum(table[np.argmax(x, axis=1)] * x)

    def indexed(x):
        with ag.no_grad():
            rest = np.round(x) - x
        return np.sum(ag.Tensor(table)[np.argmax(x, axis=1)] * (x + rest))

    with pytest.raises(TypeError, match=r"\(2,\) would be frozen.*ag.Tensor\(a\)\[t\]"):
        ag.grad(refused)(np.ones((2, 3)))
    with pytest.raises(ag.TracingError, match="ag.no_grad"):
        ag.compile(lambda x: x.detach())(1.0)
    run = ag.compile(ag.value_and_grad(indexed))
    for x in (np.array([[0.2, 1.7, 0.0]]), np.array([[2.2, 1.7, 0.0]])):
        value, gradient = run(x)
        assert value == np.round(x.max())
        np.testing.assert_array_equal(gradient, table[np.argmax(x, axis=1)])


def test_an_item_assignment_is_noticed_in_the_error_that_numpy_chains():
    r, x = np.zeros(3), ag.Tensor(1.0, requires_grad=True, name="x")
    with pytest.raises(ValueError, match="array element") as error:
        r[0] = x
    assert "an item assignment into an array of x () would lose" in str(error.value.__cause__)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_captured_tensor_that_requires_a_gradient_is_warned_of(transform):
    W = ag.Tensor(2.0, requires_grad=True, name="W")
    run = TRANSFORMS[transform]
    for captured in (W, (W * 1.0).named("W")):
        with pytest.warns(UserWarning, match=r"uses W \(\) from outside.*detach") as seen:
            assert run(lambda x, c=captured: c * x * x) == 6.0
        assert [w.filename == __file__ for w in seen] == [True]
    assert run(lambda x: W.detach() * x * x) == 6.0
    assert run(lambda x: ag.Tensor(2.0, requires_grad=True) * x * x) == 6.0  # made inside

    def on_the_outer_tape(w):  # what is captured there keeps its gradient
        return ag.grad(lambda x: w * x * x)(1.5)

    assert ag.grad(on_the_outer_tape)(2.0) == 3.0
    (g,) = ag.gradients(ag.grad(lambda x: W * x * x)(ag.Tensor(1.5)), [W])
    assert g == 3.0


def test_keyword_arguments_are_those_of_the_call():
    @ag.differentiable(lambda g, y, x, *, w, deep: g * w * deep["k"][0][1])
    def scaled(x, *, w, deep):
        return x * w * deep["k"][0][1]

    w, deep = np.array([2.0, 3.0]), {"k": [[0.0, 5.0]]}
    x = ag.Tensor([1.0, 1.0], requires_grad=True)
    y = scaled(x, w=w, deep=deep)
    w[:] = 0.0
    deep["k"][0][1] = 0.0
    np.testing.assert_array_equal(ag.gradients(y, [x], np.ones(2))[0], [10.0, 15.0])
    with pytest.raises(TypeError, match=r"w=.*keyword arguments have no gradient"):
        scaled(x, w=x, deep={"k": [[0.0, 1.0]]})


def test_gradients_hands_out_each_array_once():
    t = ag.Tensor([1.0, 2.0], requires_grad=True)
    for J in (np.sum(t * t), np.sum(np.tanh(t) * t)):
        a, b, c = ag.gradients(J, [t, t, t])
        expected = a.copy()
        a[:] = b[:] = 0.0
        np.testing.assert_array_equal(c, expected)
    J = np.sum(t + t)
    J.backward()
    (a,) = ag.gradients(J, [t])
    a[:] = 0.0
    assert t.grad.tolist() == [2.0, 2.0]


def test_a_value_is_the_callers_own():
    y, pullback = ag.vjp(np.exp, np.zeros(2))
    y[:] = 0.0
    np.testing.assert_array_equal(pullback(np.ones(2))[0], [1.0, 1.0])
    y, slope = ag.value_and_grad(lambda x: np.sum(x))(np.ones(2))
    y[...] = slope[...] = 7.0
    np.testing.assert_array_equal(ag.grad(lambda x: np.sum(x))(np.ones(2)), [1.0, 1.0])


def test_a_constant_replaced_before_create_graph_is_noticed():
    x, c = ag.Tensor(2.0, requires_grad=True), ag.Tensor(3.0, name="c")
    J = c * x * x
    c.data = 5.0
    assert ag.gradients(J, [x]) == [12.0]  # the tape keeps what it saw
    with pytest.raises(ValueError, match="the data of c .* was replaced after multiply used it"):
        ag.gradients(J, [x], create_graph=True)


def test_new_data_keeps_the_dtype_or_is_refused():
    for dtype, new in ((np.float32, [1.5]), (np.float64, [1]), (np.float16, np.ones(1))):
        t = ag.Tensor([1], dtype=dtype)
        t.data = new
        assert t.dtype == dtype
        assert t.data.dtype == dtype
        assert t.data[0] == new[0]
    t = ag.Tensor([1, 2], name="k")
    with pytest.raises(TypeError, match=r"k \(2,\) of int64: new data of float64"):
        t.data = [1.5, 2.0]
    t.data = [3, 4]
    small = ag.Tensor([1], dtype=np.uint8)
    small.data = [255]
    with pytest.raises(TypeError, match="uint8"):
        small.data = [256]
    assert (t.data.tolist(), small.data.tolist()) == ([3, 4], [255])


def needs(W):
    return (2 * W).requires_grad


def test_no_grad_above_a_generator_holds_inside_it_only():
    W = ag.Tensor([1.0], requires_grad=True)

    @ag.no_grad()
    def steps():
        try:
            sent = yield needs(W)
            assert sent == "sent"
            yield needs(W)
        except KeyError:
            yield needs(W)
        return needs(W)

    def around():
        returned.append((yield from steps()))

    returned = []
    g = around()
    assert [next(g), needs(W), g.send("sent"), needs(W), g.throw(KeyError()), needs(W)] == [
        False,
        True,
    ] * 3
    assert list(g) == []
    assert returned == [False]

    closed = []

    @ag.no_grad()
    def closing():
        try:
            yield
        finally:
            closed.append(needs(W))

    g = closing()
    next(g)
    g.close()
    assert closed == [False]
    assert needs(W)


def test_no_grad_used_again_nested_and_in_threads():
    W = ag.Tensor([1.0], requires_grad=True)
    off, seen = ag.no_grad(), []
    for _ in range(2):
        with off:
            with off:
                assert not needs(W)
            assert not needs(W)
        assert needs(W)

    inside, leave = threading.Event(), threading.Event()

    def other():
        with off:
            inside.set()
            leave.wait(10)
            seen.append(needs(W))
        seen.append(needs(W))

    thread = threading.Thread(target=other)
    thread.start()
    assert inside.wait(10)
    assert needs(W)
    with off:
        leave.set()
        thread.join()
        assert not needs(W)
    assert needs(W)
    assert seen == [False, True]

    @off
    def plain():
        """What it does."""
        return needs(W)

    assert not plain()
    assert needs(W)
    assert plain.__doc__ == "What it does."


def test_no_grad_refuses_what_it_cannot_hold_for():
    async def later():
        return 1

    for wrong in (later, int, 3):
        with pytest.raises(TypeError, match="@ag.no_grad\\(\\)"):
            ag.no_grad()(wrong)
    with pytest.raises(TypeError, match="write @ag.no_grad\\(\\)"):
        ag.no_grad(needs)


def test_requires_grad_is_said_when_a_tensor_is_made():
    t = ag.Tensor([1.0], name="W")
    with pytest.raises(AttributeError, match=r"W = ag.Tensor\(W.data, requires_grad=True\)"):
        t.requires_grad = True
    with pytest.raises(AttributeError, match=r"W.detach\(\)"):
        t.requires_grad = False
    assert not t.requires_grad
