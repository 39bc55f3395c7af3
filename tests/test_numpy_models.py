"""Models as people write them in plain NumPy: eager and compiled, equal to PyTorch's own layers."""

from __future__ import annotations

import numpy as np
import pytest
from builders import normal

import autograd_lite as ag

MODELS = {}  # name: (the model in NumPy, its twin in PyTorch, the shapes of its parameters)


def model(twin, *shapes):
    """Put a model in the table: a cost of parameters, and what PyTorch (t) computes instead."""

    def decorate(f):
        MODELS[f.__name__] = (f, twin, shapes)
        return f

    return decorate


# Images


@model(
    lambda t, X, K, b: t.tanh(t.nn.functional.max_pool2d(t.conv2d(X, K, b), 2)).sum(),
    *((2, 3, 6, 6), (4, 3, 3, 3), (4,)),
)
def convolution_by_im2col_and_max_pooling(X, K, b):
    n, channels = X.shape[:2]
    filters, _, k, _ = K.shape
    size = X.shape[2] - k + 1
    window = np.repeat(np.arange(k), k), np.tile(np.arange(k), k)
    place = np.repeat(np.arange(size), size), np.tile(np.arange(size), size)
    rows, columns = (w[:, None] + p for w, p in zip(window, place, strict=True))
    patches = X[:, :, rows, columns].reshape(n, channels * k * k, size * size)
    Y = (K.reshape(filters, -1) @ patches + b[:, None]).reshape(n, filters, size, size)
    pooled = Y.reshape(n, filters, size // 2, 2, size // 2, 2).max(axis=(3, 5))
    return np.sum(np.tanh(pooled))


@model(
    lambda t, X, K: t.relu(t.nn.functional.avg_pool2d(t.conv2d(X, K, stride=2), 2)).sum(),
    *((2, 3, 9, 9), (4, 3, 3, 3)),
)
def convolution_by_einsum_and_average_pooling(X, K):
    i = 2 * np.arange(4)[:, None] + np.arange(3)
    patches = X[:, :, i[:, :, None, None], i]
    Y = np.einsum("ncxiyj,fcij->nfxy", patches, K)
    pooled = Y.reshape(2, 4, 2, 2, 2, 2).mean(axis=(3, 5))
    return np.sum(np.maximum(pooled, 0))


@model(
    lambda t, x, k: t.conv1d(x[None, None], k.flip(0)[None, None], padding=1).square().sum(),
    *((8,), (3,)),
)
def filtered_signal(x, k):
    return np.sum(np.convolve(x, k, "same") ** 2)


# Layers


@model(
    lambda t, X, c, b: t.nn.functional.batch_norm(X, None, None, c, b, training=True).sin().sum(),
    *((8, 3), (3,), (3,)),
)
def batch_normalization(X, scale, shift):
    centred = X - X.mean(axis=0)
    return np.sum(np.sin(centred / np.sqrt(X.var(axis=0) + 1e-5) * scale + shift))


@model(
    lambda t, X, c, b: t.nn.functional.layer_norm(X, (3,), c, b).sin().sum(),
    *((4, 2, 3), (3,), (3,)),
)
def layer_normalization(X, scale, shift):
    mean = np.mean(X, axis=-1, keepdims=True)
    variance = np.mean((X - mean) ** 2, axis=-1, keepdims=True)
    return np.sum(np.sin((X - mean) / np.sqrt(variance + 1e-5) * scale + shift))


KEPT = np.array([[1, 0, 1, 1], [0, 1, 1, 0]], bool)


@model(
    lambda t, X, W: (t.where(t.tensor(KEPT), t.tanh(X @ W), 0) / 0.6).square().sum(),
    *((2, 3), (3, 4)),
)
def dropout_with_a_fixed_mask(X, W):
    A = np.tanh(X @ W)
    A *= KEPT / 0.6
    return np.sum(A**2)


WORDS, LABELS = np.array([[0, 3, 3], [1, 0, 4]]), np.array([2, 0])


def embedding_in_torch(t, E, W):
    F = t.nn.functional
    return F.cross_entropy(F.embedding(t.tensor(WORDS), E).mean(1) @ W, t.tensor(LABELS))


@model(embedding_in_torch, (5, 4), (4, 3))
def embedding(E, W):
    logits = E[WORDS].mean(axis=1) @ W
    logits = logits - logits.max(axis=1, keepdims=True)
    log_p = logits - np.log(np.sum(np.exp(logits), axis=1, keepdims=True))
    return -np.mean(log_p[np.arange(len(LABELS)), LABELS])


def attention_in_torch(t, X, Wq, Wk, Wv):
    q, k, v = ((X @ W).reshape(2, 5, 2, 3).transpose(1, 2) for W in (Wq, Wk, Wv))
    return t.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True).sin().sum()


@model(attention_in_torch, (2, 5, 4), (4, 6), (4, 6), (4, 6))
def masked_attention(X, Wq, Wk, Wv):
    n, length, _ = X.shape
    q, k, v = ((X @ W).reshape(n, length, 2, 3).transpose(0, 2, 1, 3) for W in (Wq, Wk, Wv))
    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(3)
    scores = np.where(np.arange(length)[:, None] >= np.arange(length), scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights = weights / weights.sum(axis=-1, keepdims=True)
    return np.sum(np.sin(weights @ v))


# Recurrent networks. X has a row for each time, in it one for each sequence.


def unrolled(kind):
    """PyTorch's cell of this kind, over time; the cost of its last state."""

    def twin(t, X, *weights):
        cell = getattr(t.nn, kind)(3, 4, dtype=t.float64)
        named = dict(zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), weights, strict=True))
        state = None
        for x in X:
            state = t.func.functional_call(cell, named, (x, state))
        return (state[0] if kind == "LSTMCell" else state).square().sum()

    return twin


def gates(count):
    """The shapes of a sequence, and of a cell's weights."""
    return (5, 2, 3), (4 * count, 3), (4 * count, 4), (4 * count,), (4 * count,)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@model(unrolled("RNNCell"), *gates(1))
def rnn(X, Wx, Wh, bx, bh):
    h = np.zeros((X.shape[1], Wh.shape[1]))
    for k in range(len(X)):
        h = np.tanh(X[k] @ Wx.T + bx + h @ Wh.T + bh)
    return np.sum(h**2)


@model(unrolled("LSTMCell"), *gates(4))
def lstm(X, Wx, Wh, bx, bh):
    n = Wh.shape[1]
    h = c = np.zeros((X.shape[1], n))
    for k in range(len(X)):
        z = X[k] @ Wx.T + bx + h @ Wh.T + bh
        entry, kept, shown = sigmoid(z[:, :n]), sigmoid(z[:, n : 2 * n]), sigmoid(z[:, 3 * n :])
        c = kept * c + entry * np.tanh(z[:, 2 * n : 3 * n])
        h = shown * np.tanh(c)
    return np.sum(h**2)


@model(unrolled("GRUCell"), *gates(3))
def gru(X, Wx, Wh, bx, bh):
    n = Wh.shape[1]
    h = np.zeros((X.shape[1], n))
    for k in range(len(X)):
        new, old = X[k] @ Wx.T + bx, h @ Wh.T + bh
        reset = sigmoid(new[:, :n] + old[:, :n])
        update = sigmoid(new[:, n : 2 * n] + old[:, n : 2 * n])
        h = (1 - update) * np.tanh(new[:, 2 * n :] + reset * old[:, 2 * n :]) + update * h
    return np.sum(h**2)


# Costs

SAMPLES, CLASSES, TARGETS = normal(6, 3, seed=5), np.array([0, 2, 1, 1, 3, 0]), normal(6, seed=6)


@model(
    lambda t, W: (
        4 * t.nn.functional.multi_margin_loss(t.tensor(SAMPLES) @ W, t.tensor(CLASSES))
        + 0.1 * W.square().sum()
    ),
    (3, 4),
)
def multiclass_svm(W):
    scores = SAMPLES @ W
    n = np.arange(len(SAMPLES))
    margins = np.maximum(0, scores - scores[n, CLASSES][:, None] + 1)
    others = np.ones(margins.shape)
    others[n, CLASSES] = 0
    return np.sum(margins * others) / len(SAMPLES) + 0.1 * np.sum(W * W)


PIXELS, NOISE = (normal(4, 5, seed=7) > 0).astype(float), normal(4, 2, seed=8)


def vae_in_torch(t, W, Wm, Wv, Wd):
    N = t.distributions.Normal
    x, h = t.tensor(PIXELS), t.tanh(t.tensor(PIXELS) @ W)
    q = N(h @ Wm, t.exp(h @ Wv / 2))
    z = q.mean + q.stddev * t.tensor(NOISE)
    loss = t.nn.functional.binary_cross_entropy_with_logits(z @ Wd, x, reduction="sum")
    return loss + t.distributions.kl_divergence(q, N(t.zeros(2), t.ones(2))).sum()


@model(vae_in_torch, (5, 6), (6, 2), (6, 2), (2, 5))
def vae_with_fixed_noise(W, Wm, Wv, Wd):
    h = np.tanh(PIXELS @ W)
    mean, log_variance = h @ Wm, h @ Wv
    p = sigmoid((mean + np.exp(log_variance / 2) * NOISE) @ Wd)
    reconstruction = -np.sum(PIXELS * np.log(p) + (1 - PIXELS) * np.log(1 - p))
    divergence = -np.sum(1 + log_variance - mean**2 - np.exp(log_variance)) / 2
    return reconstruction + divergence


@model(
    lambda t, w, b: (
        t.nn.functional.mse_loss(t.tensor(SAMPLES) @ w + b, t.tensor(TARGETS))
        + 0.1 * t.linalg.vector_norm(w, 1)
        + 0.2 * w.square().sum()
    ),
    *((3,), ()),
)
def regression_with_l1_and_l2(w, b):
    residuals = SAMPLES @ w + b - TARGETS
    return np.mean(residuals**2) + 0.1 * np.sum(np.abs(w)) + 0.2 * np.sum(w**2)


@model(
    lambda t, w: t.nn.functional.huber_loss(t.tensor(SAMPLES) @ w, t.tensor(TARGETS), delta=0.7),
    (3,),
)
def huber_regression(w):
    r = np.abs(TARGETS - np.dot(SAMPLES, w))
    return np.mean(np.where(r <= 0.7, r**2 / 2, 0.7 * (r - 0.35)))


@model(
    lambda t, c: (
        (t.tensor(TARGETS) - sum(c[k] * t.tensor(SAMPLES[:, 0]) ** (3 - k) for k in range(4)))
        .square()
        .mean()
    ),
    (4,),
)
def polynomial_regression(c):
    return np.mean((TARGETS - np.polyval(c, SAMPLES[:, 0])) ** 2)


GUMBEL = -np.log(-np.log(np.linspace(0.05, 0.95, 12).reshape(4, 3)))


@model(
    lambda t, logits, values: (
        (t.softmax((logits + t.tensor(GUMBEL)) / 0.5, -1) @ values).square().sum()
    ),
    *((4, 3), (3,)),
)
def gumbel_softmax_with_fixed_noise(logits, values):
    e = np.exp((logits + GUMBEL) / 0.5)
    return np.sum((e / np.sum(e, axis=-1, keepdims=True) @ values) ** 2)


@model(
    lambda t, A, B, C: (t.einsum("ir,jr,kr->ijk", A, B, C) - 1).square().sum(),
    *((3, 2), (4, 2), (5, 2)),
)
def factors_of_a_tensor(A, B, C):
    return np.sum((np.einsum("ir,jr,kr->ijk", A, B, C, optimize=True) - 1) ** 2)


# Physics


def euler_in_torch(t, y, rates):
    for _ in range(20):
        x, z = y
        grown, eaten, fed, died = rates
        y = y + 0.05 * t.stack([grown * x - eaten * x * z, fed * x * z - died * z])
    return y.square().sum()


@model(euler_in_torch, (2,), (4,))
def euler_steps_of_an_ode(y, rates):
    for _ in range(20):
        x, z = y[0], y[1]
        slope = [rates[0] * x - rates[1] * x * z, rates[2] * x * z - rates[3] * z]
        y = y + 0.05 * np.stack(slope)
    return np.sum(y**2)


def rotation_in_torch(t, axis, angle, X):
    x, y, z = axis / t.linalg.vector_norm(axis)
    zero = t.zeros((), dtype=t.float64)
    rows = [[zero, -z, y], [z, zero, -x], [-y, x, zero]]
    return (X @ t.linalg.matrix_exp(angle * t.stack([t.stack(row) for row in rows])).T).sin().sum()


@model(rotation_in_torch, (3,), (), (4, 3))
def rotation_by_rodrigues(axis, angle, X):
    k = axis / np.sqrt(np.inner(axis, axis))
    turned = X * np.cos(angle) + np.cross(k, X) * np.sin(angle)
    return np.sum(np.sin(turned + np.outer(X @ k, k) * (1 - np.cos(angle))))


@pytest.mark.parametrize("name", MODELS)
def test_a_model_runs_unchanged_on_tensors_and_compiled(name):
    f, _, shapes = MODELS[name]
    parameters = [normal(*shape, seed=k) for k, shape in enumerate(shapes)]
    both = ag.value_and_grad(lambda p: f(*p))
    value, gradient = both(parameters)
    np.testing.assert_allclose(value, f(*parameters), rtol=1e-13)
    ag.check_gradients(f, *parameters)
    run = ag.compile(both)
    for data in (parameters, [normal(*p.shape, seed=9) for p in parameters]):
        value, gradient = both(data)
        again, compiled = run(data)
        np.testing.assert_allclose(again, value, rtol=1e-13)
        for g, expected in zip(compiled, gradient, strict=True):
            np.testing.assert_allclose(g, expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_pytorchs(name):
    torch = pytest.importorskip("torch")
    f, twin, shapes = MODELS[name]
    parameters = [normal(*shape, seed=k) for k, shape in enumerate(shapes)]
    value, gradient = ag.value_and_grad(lambda p: f(*p))(parameters)
    leaves = [torch.tensor(p, dtype=torch.float64, requires_grad=True) for p in parameters]
    cost = twin(torch, *leaves)
    np.testing.assert_allclose(value, cost.item(), rtol=1e-12)
    for g, expected in zip(gradient, torch.autograd.grad(cost, leaves), strict=True):
        np.testing.assert_allclose(g, expected.numpy(), rtol=1e-9, atol=1e-11)
