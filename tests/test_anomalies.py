"""ag.detect_anomalies names the first nan or infinite value, where it came from, and its line."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import tensor


def leaf(*values, name="x"):
    return ag.Tensor(values, requires_grad=True, name=name)


def forward_log(x):
    return np.sum(np.log(x - 1.0))  # THE LINE


def backward_sqrt(x):
    y = np.sqrt(x)  # THE LINE
    return np.sum(y * 2.0)


def the_trap(x):
    root = np.sqrt(np.abs(x))  # THE LINE
    return np.sum(np.where(x <= 0.0, x, root))


def overflow(x):
    return np.sum(np.exp(x * 1000.0))  # THE LINE


def nan_of_two_infinities(x):
    y = np.where(x > 0.0, -np.inf, x)
    return np.sum(y - y)  # THE LINE


CASES = {
    "forward": (forward_log, (3.0, 1.0), ["became infinite in log", "at [1]: input (2,) = 0"]),
    "backward": (
        backward_sqrt,
        (4.0, 0.0),
        ["the gradient of x (2,) became infinite in the rule of sqrt", "at [1]: arriving (2,) = 2"],
    ),
    "trap": (
        the_trap,
        (4.0, 0.0),
        ["became nan in the rule of sqrt", "arriving (2,) = 0", "0·∞", "np.where(c, f(np.where"],
    ),
    "overflow": (overflow, (1.0, 2.0), ["became infinite in exp", "2 of 2 entries", "= 2000"]),
    "inf - inf": (nan_of_two_infinities, (1.0, -1.0), ["became nan in subtract", "1 of 2"]),
    "given": (lambda x: np.sum(x * 2.0), (np.nan, 1.0), ["x (2,) = nan", "holds a nan already"]),
}


@pytest.mark.parametrize("name", CASES)
def test_the_first_is_named_with_its_line(name):
    f, values, told = CASES[name]
    with pytest.raises(FloatingPointError) as error, ag.detect_anomalies():
        f(leaf(*values)).backward()
    for text in told:
        assert text in str(error.value)
    if name != "given":
        assert "test_anomalies.py" in str(error.value)
        assert "# THE LINE" in str(error.value)


@pytest.mark.parametrize("name", ["backward", "trap"])
@pytest.mark.parametrize(
    "run",
    [
        lambda f, v: ag.grad(f)(v),
        lambda f, v: ag.hvp(f)(v, v),
        lambda f, v: ag.vjp(f, v)[1](1.0),
    ],
    ids=["grad", "hvp", "vjp"],
)
def test_in_every_transform(name, run):
    f, values, _ = CASES[name]
    with pytest.raises(FloatingPointError, match="in the rule of sqrt"), ag.detect_anomalies():
        run(f, np.array(values))


def test_what_is_finite_or_a_mask_passes():
    with ag.detect_anomalies():
        x = leaf(1.0, 2.0)
        scores = np.where(ag.Tensor([True, False]), x, -np.inf)
        J = np.sum(ag.softmax(scores) * x)
        (g,) = ag.gradients(J, [x])
        safe = np.where(x > 1.5, np.log(np.where(x > 1.5, x - 1.5, 1.0)), 0.0)
        (h,) = ag.gradients(np.sum(safe), [x])
    np.testing.assert_array_equal(g, [1.0, 0.0])
    np.testing.assert_array_equal(h, [0.0, 2.0])


def test_only_inside_it_and_only_in_its_thread():
    made = tensor._made
    seen = []

    def other():
        with np.errstate(all="ignore"):
            seen.append(np.log(leaf(0.0)).item())

    with ag.detect_anomalies():
        with ag.detect_anomalies():
            assert tensor._made is not made
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        with pytest.raises(FloatingPointError):
            np.log(leaf(0.0))
    assert seen == [-np.inf]
    assert tensor._made is made
    with np.errstate(all="ignore"):
        assert np.log(leaf(0.0)).item() == -np.inf
        J = np.sum(np.sqrt(leaf(0.0)))
    before = pytest.raises(FloatingPointError, match="a line before detect_anomalies")
    with before, ag.detect_anomalies():
        J.backward()
