"""Layers and losses as people write them for a course: none of it knows that Tensors exist.

Each is here for the way in which it makes, fills or keeps its arrays.
"""

from __future__ import annotations

import math

import numpy
import numpy as np
from numpy import maximum, zeros


def conv_forward(x, w, b, conv_param):
    stride, pad = conv_param["stride"], conv_param["pad"]
    n, _, height, width = x.shape
    f, _, hh, ww = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="constant")
    h_out, w_out = 1 + (height + 2 * pad - hh) // stride, 1 + (width + 2 * pad - ww) // stride
    out = np.zeros((n, f, h_out, w_out))
    for i in range(n):
        for k in range(f):
            for p in range(h_out):
                for q in range(w_out):
                    window = padded[
                        i, :, p * stride : p * stride + hh, q * stride : q * stride + ww
                    ]
                    out[i, k, p, q] = np.sum(window * w[k]) + b[k]
    return out, (x, w, b, conv_param)


def conv_backward(dout, cache):
    x, w, b, conv_param = cache
    stride, pad = conv_param["stride"], conv_param["pad"]
    padded = np.pad(x, ((0,), (0,), (pad,), (pad,)), mode="constant")
    dpadded, dw, db = np.zeros_like(padded), np.zeros_like(w), np.zeros_like(b)
    n, f, h_out, w_out = dout.shape
    _, _, hh, ww = w.shape
    for i, k, p, q in np.ndindex(n, f, h_out, w_out):
        at = np.s_[i, :, p * stride : p * stride + hh, q * stride : q * stride + ww]
        dpadded[at] += dout[i, k, p, q] * w[k]
        dw[k] += dout[i, k, p, q] * padded[at]
        db[k] += dout[i, k, p, q]
    return dpadded[:, :, pad:-pad, pad:-pad], dw, db


def max_pool_forward(x, size):
    n, c, h, w = x.shape
    out = np.empty((n, c, h // size, w // size), dtype=x.dtype)
    where = np.zeros(out.shape, dtype=int)
    for i in range(h // size):
        for j in range(w // size):
            block = x[:, :, i * size : (i + 1) * size, j * size : (j + 1) * size]
            flat = block.reshape(n, c, -1)
            out[:, :, i, j] = np.max(flat, axis=2)
            where[:, :, i, j] = np.argmax(flat, axis=2)
    return out, {"x": x, "size": size, "where": where}


def max_pool_backward(dout, cache):
    x, size, where = cache["x"], cache["size"], cache["where"]
    dx = np.zeros(x.shape)
    for n, c, i, j in np.ndindex(*dout.shape):
        p, q = divmod(where[n, c, i, j], size)
        dx[n, c, i * size + p, j * size + q] += dout[n, c, i, j]
    return dx


def batchnorm_forward(x, gamma, beta, bn_param):
    mode, eps = bn_param["mode"], bn_param.get("eps", 1e-5)
    momentum = bn_param.get("momentum", 0.9)
    running_mean = bn_param.get("running_mean", np.zeros(x.shape[1], dtype=x.dtype))
    running_var = bn_param.get("running_var", np.zeros(x.shape[1], dtype=x.dtype))
    assert x.shape[1] == gamma.shape[0]
    if mode == "train":
        mean, var = x.mean(axis=0), x.var(axis=0)
        running_mean *= momentum
        running_mean += (1 - momentum) * mean
        running_var = momentum * running_var + (1 - momentum) * var
        normal = (x - mean) / np.sqrt(var + eps)
        cache = (normal, gamma, np.sqrt(var + eps))
    elif mode == "test":
        normal = (x - running_mean) / np.sqrt(running_var + eps)
        cache = (normal, gamma, None)
    else:
        raise ValueError(f"invalid mode {mode}")
    bn_param["running_mean"], bn_param["running_var"] = running_mean, running_var
    return gamma * normal + beta, cache


def batchnorm_backward(dout, cache):
    normal, gamma, std = cache
    n = len(dout)
    dnormal = dout * gamma
    dx = n * dnormal - dnormal.sum(axis=0) - normal * (dnormal * normal).sum(axis=0)
    return dx / (n * std), (dout * normal).sum(axis=0), dout.sum(axis=0)


def dropout_forward(x, param):
    if "seed" in param:
        np.random.seed(param["seed"])
    mask = (np.random.rand(*x.shape) < param["p"]) / param["p"]
    out = x * mask
    return out.astype(x.dtype, copy=False), (param, mask)


def dropout_backward(dout, cache):
    return dout * cache[1]


def relu_forward(x):
    out = x.copy()
    out[out < 0] = 0
    return out, x


def relu_backward(dout, x):
    dx = numpy.array(dout, copy=True)
    dx[x <= 0] = 0
    return dx


def softplus(x):
    return np.log(1 + np.exp(x))


def activated_forward(x, w, activation=softplus):
    """A function is kept in the cache; `zeros` and `maximum` were imported by name."""
    out = zeros(x.shape)
    out += x * w
    return maximum(activation(out), 0.1), [x, w, lambda z: np.where(softplus(z) > 0.1, 1, 0), out]


def activated_backward(dout, cache):
    x, w, passes, out = cache
    slope = dout * passes(out) / (1 + np.exp(-out))
    return {"dx": slope * w, "dw": (slope * x).sum(axis=0)}


def rnn_forward(x, h0, Wx, Wh, b):
    n, steps, _ = x.shape
    h = np.zeros((n, steps, h0.shape[1]))
    before, caches = h0, []
    for t in range(steps):
        after = np.tanh(x[:, t, :].dot(Wx) + before.dot(Wh) + b)
        caches.append((x[:, t, :], before, after))
        h[:, t, :] = after
        before = h[:, t, :]
    return h, (caches, Wx, Wh)


def rnn_backward(dh, cache):
    caches, Wx, Wh = cache
    n, steps, _ = dh.shape
    dx = np.zeros((n, steps, Wx.shape[0]))
    dWx, dWh, db, dbefore = np.zeros(Wx.shape), np.zeros(Wh.shape), np.zeros(Wh.shape[0]), 0
    for t in reversed(range(steps)):
        xt, before, after = caches[t]
        dz = (dh[:, t, :] + dbefore) * (1 - after**2)
        dx[:, t, :], dbefore = dz.dot(Wx.T), dz.dot(Wh.T)
        dWx += xt.T.dot(dz)
        dWh += before.T.dot(dz)
        db += dz.sum(axis=0)
    return dx, dbefore, dWx, dWh, db


def lstm_step_forward(x, prev_h, prev_c, W, b):
    """Two outputs before the cache."""
    size = prev_h.shape[1]
    a = np.hstack([x, prev_h]).dot(W) + b
    i, f, o = 1 / (1 + np.exp(-a[:, :size])), *(1 / (1 + np.exp(-part)) for part in halves(a, size))
    g = np.tanh(a[:, 3 * size :])
    next_c = f * prev_c + i * g
    next_h = o * np.tanh(next_c)
    return next_h, next_c, (x, prev_h, prev_c, W, i, f, o, g, next_c)


def halves(a, size):
    return a[:, size : 2 * size], a[:, 2 * size : 3 * size]


def lstm_step_backward(dnext_h, dnext_c, cache):
    x, prev_h, prev_c, W, i, f, o, g, next_c = cache
    dc = dnext_c + dnext_h * o * (1 - np.tanh(next_c) ** 2)
    da = np.concatenate(
        [
            dc * g * i * (1 - i),
            dc * prev_c * f * (1 - f),
            dnext_h * np.tanh(next_c) * o * (1 - o),
            dc * i * (1 - g**2),
        ],
        axis=1,
    )
    dinput = da.dot(W.T)
    dW = np.hstack([x, prev_h]).T.dot(da)
    return dinput[:, : x.shape[1]], dinput[:, x.shape[1] :], dc * f, dW, da.sum(axis=0)


def embedding_forward(words, W):
    return W[words, :], (words, W)


def embedding_backward(dout, cache):
    words, W = cache
    dW = np.zeros(W.shape)
    np.add.at(dW, words, dout)
    return dW


def svm_loss_naive(W, X, y, reg):
    dW, loss = np.zeros(W.shape), 0.0
    for i in range(X.shape[0]):
        scores = X[i].dot(W)
        correct = scores[y[i]]
        for j in range(W.shape[1]):
            if j == y[i]:
                continue
            margin = scores[j] - correct + 1
            if margin > 0:
                loss += margin
                dW[:, j] += X[i]
                dW[:, y[i]] -= X[i]
    loss /= X.shape[0]
    print("loss", float(loss), "%.3f" % loss, f"{loss:.2e}")  # noqa: UP031
    return loss + reg * np.sum(W * W), dW / X.shape[0] + 2 * reg * W


def svm_loss_vectorized(W, X, y, reg):
    rows, scores = np.arange(len(X)), X.dot(W)
    margins = np.maximum(0, scores - scores[rows, y].reshape(-1, 1) + 1.0)
    margins[rows, y] = 0
    loss = np.sum(margins) / len(X) + reg * np.sum(W * W)
    margins[margins > 0] = 1
    margins[rows, y] -= margins.sum(axis=1)
    return loss, X.T.dot(margins) / len(X) + 2 * reg * W


def softmax_loss(x, y):
    probs = np.exp(x - np.max(x, axis=1, keepdims=True))
    probs /= np.sum(probs, axis=1, keepdims=True)
    loss = float(-np.mean(np.log(probs[np.arange(len(y)), y])))
    dx = probs.copy()
    dx[np.arange(len(y)), y] -= 1
    return loss, dx / len(y)


def two_layers(params, X, y, reg=0.0):
    """Parameters and gradients are dicts; the scores are shifted in place."""
    hidden = np.maximum(0, X.dot(params["W1"]) + params["b1"])
    scores = hidden.dot(params["W2"]) + params["b2"]
    scores -= scores.max(axis=1, keepdims=True)
    probs = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    loss = -np.log(probs[range(len(y)), y]).mean()
    for name in ("W1", "W2"):
        loss += 0.5 * reg * np.sum(params[name] ** 2)
    grads, dscores = {}, probs
    dscores[range(len(y)), y] -= 1
    dscores /= len(y)
    grads["W2"], grads["b2"] = hidden.T.dot(dscores) + reg * params["W2"], dscores.sum(axis=0)
    dhidden = dscores.dot(params["W2"].T)
    dhidden[hidden <= 0] = 0
    grads["W1"], grads["b1"] = X.T.dot(dhidden) + reg * params["W1"], dhidden.sum(axis=0)
    return loss, grads


class Layer:
    def scaled(self, x):
        return x / math.sqrt(self.W.shape[0])


class Dense(Layer):
    """An object that keeps its parameters, and its cache."""

    def __init__(self, W):
        self.W = W
        self.params = {"b": np.full(W.shape[1], 0.3)}

    def forward(self, x):
        self.x = x
        out = np.zeros((len(x), self.W.shape[1]))
        for i, row in enumerate(x):
            out[i] = super().scaled(row).dot(self.W) + self.params["b"]
        return out

    def backward(self, dout):
        return self.scaled(dout.dot(self.W.T))

    def loss(self, x, y):
        scores = self.forward(x)
        difference = scores - y
        return 0.5 * np.sum(difference**2), {
            "W": self.scaled(self.x).T.dot(difference),
            "b": difference.sum(axis=0),
        }


def _normal(*shape):
    return np.random.default_rng(shape).normal(size=shape)


def _dense():
    return Dense(_normal(4, 3))


LABELS = np.array([0, 2, 1, 1, 0])
# name: forward, backward (None: forward returns the cost and its gradients), arguments
EXAMPLES = {
    "convolution": (
        conv_forward,
        conv_backward,
        (_normal(2, 2, 4, 4), _normal(2, 2, 3, 3), _normal(2), {"stride": 1, "pad": 1}),
    ),
    "max pooling": (max_pool_forward, max_pool_backward, (_normal(2, 2, 4, 4), 2)),
    "batch normalization": (
        batchnorm_forward,
        batchnorm_backward,
        (_normal(5, 3), _normal(3), _normal(3) + 1, {"mode": "train", "running_mean": _normal(3)}),
    ),
    "dropout": (dropout_forward, dropout_backward, (_normal(4, 5), {"p": 0.6})),
    "dropout with a seed": (
        dropout_forward,
        dropout_backward,
        (_normal(4, 5), {"p": 0.5, "seed": 3}),
    ),
    "relu": (relu_forward, relu_backward, (_normal(4, 5),)),
    "activation": (activated_forward, activated_backward, (_normal(4, 3), _normal(3))),
    "rnn": (
        rnn_forward,
        rnn_backward,
        (_normal(2, 4, 3), _normal(2, 5), _normal(3, 5), _normal(5, 5), _normal(5)),
    ),
    "lstm step": (
        lstm_step_forward,
        lstm_step_backward,
        (_normal(3, 4), _normal(3, 2), _normal(2, 3).T, _normal(6, 8), _normal(8)),
    ),
    "embedding": (
        embedding_forward,
        embedding_backward,
        (np.array([[0, 3, 3], [1, 0, 2]]), _normal(5, 4)),
    ),
    "svm with loops": (svm_loss_naive, None, (_normal(4, 3), _normal(5, 4), LABELS, 0.1)),
    "svm": (svm_loss_vectorized, None, (_normal(4, 3), _normal(5, 4), LABELS, 0.1)),
    "softmax": (softmax_loss, None, (_normal(5, 3), LABELS)),
    "two layers": (
        two_layers,
        None,
        (
            {"W1": _normal(4, 6), "b1": _normal(6), "W2": _normal(6, 3), "b2": _normal(3)},
            _normal(5, 4),
            LABELS,
            0.2,
        ),
    ),
    "object with a cost": (_dense().loss, None, (_normal(5, 4), _normal(5, 3))),
}
