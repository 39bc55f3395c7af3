"""Models in plain NumPy that are trained by a loop of gradient descent, compiled."""

from __future__ import annotations

import numpy as np
import pytest
from builders import normal
from models import sigmoid
from numpy.lib.stride_tricks import sliding_window_view

import autograd_lite as ag


def recurrent(p, X):
    """The probability that a sequence, which has a row for each time, began with a positive x."""
    h = np.zeros((X.shape[1], p["U"].shape[0]))
    for k in range(len(X)):
        h = np.tanh(np.outer(X[k], p["w"]) + h @ p["U"] + p["b"])
    return sigmoid(h @ p["v"])


def sequences(rng):
    X = rng.choice([-1.0, 1.0], size=(6, 64))
    return X, (X[0] > 0).astype(float)


def convolutional(p, X):
    """The probability that the bar in an image is upright."""
    windows = sliding_window_view(X, (3, 3), axis=(1, 2))
    Y = np.maximum(np.einsum("nhwij,fij->nfhw", windows, p["K"]) + p["b"][:, None, None], 0)
    return sigmoid(Y.max(axis=(2, 3)) @ p["v"] + p["c"])


def bars(rng):
    """Noise with a row or a column of ones in it."""
    X, upright = 0.1 * rng.normal(size=(64, 6, 6)), rng.random(64) > 0.5
    for image, along in zip(X, upright, strict=True):
        (image.T if along else image)[rng.integers(6)] += 1
    return X, upright.astype(float)


MODELS = {
    "rnn": (recurrent, sequences, {"w": (8,), "U": (8, 8), "b": (8,), "v": (8,)}),
    "cnn": (convolutional, bars, {"K": (8, 3, 3), "b": (8,), "v": (8,), "c": ()}),
}


def descent(value_and_grad, p, data, steps):
    """Gradient descent from p: where it ends, and the cost at every step."""
    costs = []
    for _ in range(steps):
        cost, gradient = value_and_grad(p, *data)
        p = {name: p[name] - 0.3 * gradient[name] for name in p}
        costs.append(float(cost))
    return p, costs


@pytest.mark.parametrize("name", MODELS)
def test_it_learns_and_compiled_it_takes_the_same_way(name, rng):
    model, draw, shapes = MODELS[name]
    data = draw(rng)
    start = {k: 0.3 * normal(*shape, seed=i) for i, (k, shape) in enumerate(shapes.items())}

    def cost(p, X, y):
        a = model(p, X)
        return -np.mean(y * np.log(a) + (1 - y) * np.log(1 - a))

    value_and_grad = ag.value_and_grad(cost)
    compiled = ag.compile(value_and_grad)
    p, costs = descent(compiled, start, data, 400)
    np.testing.assert_allclose(costs[:20], descent(value_and_grad, start, data, 20)[1], rtol=1e-9)
    assert costs[-1] < costs[0] / 10
    X, y = draw(rng)
    assert np.mean((model(p, X) > 0.5) == y) > 0.95, "samples that it has not seen"
