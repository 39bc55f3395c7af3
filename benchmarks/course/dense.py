"""Affine layers, activations, dropout, embedding, as a course's exercises have them."""

import numpy as np


def affine_forward_a(x, w, b):
    out = x.reshape(x.shape[0], -1).dot(w) + b
    cache = (x, w, b)
    return out, cache


def affine_backward_a(dout, cache):
    x, w, b = cache
    dx = dout.dot(w.T).reshape(x.shape)
    dw = x.reshape(x.shape[0], -1).T.dot(dout)
    db = np.sum(dout, axis=0)
    return dx, dw, db


def affine_forward_b(A_prev, W, b):
    Z = np.dot(W, A_prev) + b
    return Z, {"A_prev": A_prev, "W": W, "b": b}


def affine_backward_b(dZ, cache):
    A_prev, W = cache["A_prev"], cache["W"]
    grads = {}
    grads["A_prev"] = np.dot(W.T, dZ)
    grads["W"] = np.dot(dZ, A_prev.T)
    grads["b"] = np.sum(dZ, axis=1, keepdims=True)
    return grads


def affine_forward_c(X, W, b):
    flat = np.reshape(X, (len(X), np.prod(X.shape[1:])))
    return flat @ W + b, (X, flat, W)


def affine_backward_c(grad_out, saved):
    X, flat, W = saved
    grad_W = np.zeros_like(W)
    grad_b = np.zeros(W.shape[1])
    grad_flat = np.zeros_like(flat)
    for n in range(flat.shape[0]):
        grad_W += np.outer(flat[n], grad_out[n])
        grad_b += grad_out[n]
        grad_flat[n] = W @ grad_out[n]
    return grad_flat.reshape(X.shape), grad_W, grad_b


def relu_forward_a(x):
    return np.maximum(0, x), x


def relu_backward_a(dout, cache):
    x = cache
    dx = dout * (x > 0)
    return dx


def relu_forward_b(x):
    mask = x <= 0
    out = x.copy()
    out[mask] = 0
    return out, mask


def relu_backward_b(dout, mask):
    dx = dout.copy()
    dx[mask] = 0
    return dx


def sigmoid_forward_a(x):
    out = 1.0 / (1.0 + np.exp(-x))
    return out, out


def sigmoid_backward_a(dout, out):
    dx = dout * out * (1.0 - out)
    return dx


def sigmoid_forward_b(x):
    return 1 / (1 + np.exp(-x)), x


def sigmoid_backward_b(dout, x):
    e = np.exp(-x)
    s = 1 / (1 + e)
    return dout * e * s**2


def tanh_forward_a(x):
    out = np.tanh(x)
    return out, out


def tanh_backward_a(dout, out):
    return dout * (1 - out**2)


def dropout_forward_a(x, keep, mask):
    out = x * mask / keep
    return out, (keep, mask)


def dropout_backward_a(dout, cache):
    keep, mask = cache
    dx = dout * mask / keep
    return dx


def dropout_forward_b(x, p, drawn):
    mask = (drawn < 1 - p) / (1 - p)
    return x * mask, (p, drawn)


def dropout_backward_b(dout, cache):
    p, drawn = cache
    mask = drawn < 1 - p
    return dout * mask / (1 - p)


def embedding_forward_a(x, W):
    out = W[x]
    return out, (x, W)


def embedding_backward_a(dout, cache):
    x, W = cache
    dW = np.zeros(W.shape)
    np.add.at(dW, x, dout)
    return {"W": dW}


def embedding_forward_b(words, table):
    return table[words], (words, table.shape)


def embedding_backward_b(dout, cache):
    words, shape = cache
    N, T = words.shape
    dtable = np.zeros(shape)
    for n in range(N):
        for t in range(T):
            dtable[words[n, t]] += dout[n, t]
    return {"table": dtable}


def two_layers_a(X, y, W1, b1, W2, b2, reg):
    N = X.shape[0]
    z1 = X.dot(W1) + b1
    h = np.maximum(0, z1)
    scores = h.dot(W2) + b2
    shifted = scores - np.max(scores, axis=1, keepdims=True)
    probs = np.exp(shifted) / np.sum(np.exp(shifted), axis=1, keepdims=True)
    loss = -np.sum(np.log(probs[np.arange(N), y])) / N
    loss += reg * (np.sum(W1 * W1) + np.sum(W2 * W2))

    grads = {}
    dscores = probs.copy()
    dscores[np.arange(N), y] -= 1
    dscores /= N
    grads["W2"] = h.T.dot(dscores) + 2 * reg * W2
    grads["b2"] = np.sum(dscores, axis=0)
    dh = dscores.dot(W2.T)
    dh[z1 <= 0] = 0
    grads["W1"] = X.T.dot(dh) + 2 * reg * W1
    grads["b1"] = np.sum(dh, axis=0)
    return loss, grads
