"""Words and sequences: embeddings, attention, recurrent networks."""

from __future__ import annotations

import numpy as np
from models import model, sigmoid

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
        cell = getattr(t.nn, kind)(3, 4)
        named = dict(zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), weights, strict=True))
        state = None
        for x in X:
            state = t.func.functional_call(cell, named, (x, state))
        return (state[0] if kind == "LSTMCell" else state).square().sum()

    return twin


def gates(count):
    """The shapes of a sequence, and of a cell's weights."""
    return (5, 2, 3), (4 * count, 3), (4 * count, 4), (4 * count,), (4 * count,)


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


def rnn_in_torch(t, X, Wx, Wh, Wy, b):
    layer = t.nn.RNN(3, 4, bias=False)
    weights = {"weight_ih_l0": Wx, "weight_hh_l0": Wh}
    states, _ = t.func.functional_call(layer, weights, X)
    logits = states.flatten(0, 1) @ Wy.T + b
    return t.nn.functional.cross_entropy(logits, t.tensor(NEXT.ravel()))


NEXT = np.array([[0, 1], [1, 0], [2, 2], [1, 1], [0, 2]])


@model(rnn_in_torch, (5, 2, 3), (4, 3), (4, 4), (3, 4), (3,))
def rnn_with_an_output_at_each_time(X, Wx, Wh, Wy, b):
    h, logits = np.zeros((2, 4)), []
    for x in X:
        h = np.tanh(x.dot(Wx.T) + h @ Wh.T)
        logits.append(h.dot(Wy.T) + b)
    logits = np.stack(logits)
    log_p = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
    return -np.take_along_axis(log_p, NEXT[..., None], axis=-1).mean()


def lstm_in_columns_in_torch(t, Wf, Wi, Wc, Wo, b):
    cell = t.nn.LSTMCell(3, 4)
    W = t.cat([Wi, Wf, Wc, Wo])
    biases = t.cat([b, b, b, b])[:, 0]
    named = {"weight_ih": W[:, 4:], "weight_hh": W[:, :4], "bias_ih": biases, "bias_hh": 0 * biases}
    state = None
    for k in range(COLUMNS.shape[2]):
        state = t.func.functional_call(cell, named, (t.tensor(COLUMNS[:, :, k]).T, state))
    return state[0].sin().sum()


COLUMNS = np.cos(np.arange(24.0)).reshape(3, 2, 4)  # features, samples, times


@model(lstm_in_columns_in_torch, (4, 7), (4, 7), (4, 7), (4, 7), (4, 1))
def lstm_in_columns(Wf, Wi, Wc, Wo, b):
    a = np.zeros((4, COLUMNS.shape[1]))
    c = np.zeros_like(a)
    for k in range(COLUMNS.shape[2]):
        both = np.concatenate((a, COLUMNS[:, :, k]), axis=0)
        kept, entry = sigmoid(np.dot(Wf, both) + b), sigmoid(np.dot(Wi, both) + b)
        c = kept * c + entry * np.tanh(np.dot(Wc, both) + b)
        a = sigmoid(np.dot(Wo, both) + b) * np.tanh(c)
    return np.sum(np.sin(a))


LENGTHS = np.array([5, 3])


def heads_in_torch(t, X, Q, K, V, O):
    q, k, v = (t.einsum("nld,dhe->nhle", X, W) for W in (Q, K, V))
    seen = (t.arange(5) < t.tensor(LENGTHS)[:, None])[:, None, None, :]
    Y = t.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=seen)
    return t.einsum("nhle,hed->nld", Y, O).square().sum()


@model(heads_in_torch, (2, 5, 4), (4, 2, 3), (4, 2, 3), (4, 2, 3), (2, 3, 4))
def attention_by_einsum_with_padding(X, Q, K, V, O):
    q, k, v = (np.einsum("nld,dhe->nlhe", X, W) for W in (Q, K, V))
    scores = np.einsum("nlhe,nmhe->nhlm", q, k) / np.sqrt(q.shape[-1])
    padding = np.arange(X.shape[1])[None] >= LENGTHS[:, None]
    scores = scores + np.where(padding, -1e9, 0.0)[:, None, None, :]
    e = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    weights = e / np.einsum("nhlm->nhl", e)[..., None]
    return np.sum(np.einsum("nhlm,nmhe,hed->nld", weights, v, O) ** 2)


def rotary_in_torch(t, X, Wq, Wk):
    angles = t.tensor(np.arange(6)[:, None] / 100 ** (np.arange(0, 4, 2) / 4))
    turn = t.polar(t.ones_like(angles), angles)
    q, k = (t.view_as_complex((X @ W).reshape(6, 2, 2)) * turn for W in (Wq, Wk))
    return t.softmax((q @ k.mH).real, dim=-1).mm(X).square().sum()


@model(rotary_in_torch, (6, 4), (4, 4), (4, 4))
def rotary_positional_encoding(X, Wq, Wk):
    angles = np.arange(6)[:, None] / 100 ** (np.arange(0, 4, 2) / 4)
    cos, sin = np.cos(angles), np.sin(angles)

    def turned(x):
        even, odd = x[:, 0::2], x[:, 1::2]
        return np.stack([even * cos - odd * sin, even * sin + odd * cos], axis=-1).reshape(6, 4)

    scores = turned(X @ Wq) @ turned(X @ Wk).T
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.sum((e / e.sum(axis=1, keepdims=True) @ X) ** 2)


def transformer_in_torch(t, X, W1, W2, scale, shift):
    F = t.nn.functional
    N = F.layer_norm(X, (4,), scale, shift)
    q = N.reshape(6, 2, 2).transpose(0, 1)
    X = X + F.scaled_dot_product_attention(q, q, q, is_causal=True).transpose(0, 1).reshape(6, 4)
    N = F.layer_norm(X, (4,), scale, shift)
    return (X + F.gelu(N @ W1, approximate="tanh") @ W2).square().mean()


@model(transformer_in_torch, (6, 4), (4, 8), (8, 4), (4,), (4,))
def transformer_block_with_split_heads(X, W1, W2, scale, shift):
    def normalized(x):
        x = x - x.mean(-1, keepdims=True)
        return scale * x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5) + shift

    def gelu(x):
        return x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))

    heads = []
    for q in np.split(normalized(X), 2, axis=-1):
        scores = q @ q.T / np.sqrt(2) - (1 - np.tri(6)) * 1e10
        e = np.exp(scores - scores.max(-1, keepdims=True))
        heads.append(e / e.sum(-1, keepdims=True) @ q)
    X = X + np.hstack(heads)
    return np.mean((X + gelu(normalized(X) @ W1) @ W2) ** 2)


CENTRES, NEAR, FAR = [0, 2, 2], [1, 3, 0], np.array([[2, 4], [4, 0], [1, 1]])


def word2vec_in_torch(t, U, V):
    near = (U[CENTRES] * V[NEAR]).sum(1)
    far = t.bmm(V[FAR], U[CENTRES][:, :, None])
    return -t.nn.functional.logsigmoid(near).sum() - t.nn.functional.logsigmoid(-far).sum()


@model(word2vec_in_torch, (5, 3), (5, 3))
def word2vec_with_negative_samples(U, V):
    u = np.take(U, CENTRES, axis=0)
    near = np.sum(u * np.take(V, NEAR, axis=0), axis=1)
    far = np.einsum("nd,nkd->nk", u, V[FAR])
    return -np.sum(np.log(sigmoid(near))) - np.sum(np.log(1 - sigmoid(far)))
