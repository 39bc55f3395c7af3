"""Recurrent layers and attention."""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def rnn_step_forward_a(x, prev_h, Wx, Wh, b):
    next_h = np.tanh(x.dot(Wx) + prev_h.dot(Wh) + b)
    return next_h, (x, prev_h, Wx, Wh, next_h)


def rnn_step_backward_a(dnext_h, cache):
    x, prev_h, Wx, Wh, next_h = cache
    dtanh = dnext_h * (1 - next_h**2)
    dx = dtanh.dot(Wx.T)
    dprev_h = dtanh.dot(Wh.T)
    dWx = x.T.dot(dtanh)
    dWh = prev_h.T.dot(dtanh)
    db = np.sum(dtanh, axis=0)
    return dx, dprev_h, dWx, dWh, db


def rnn_forward_a(x, h0, Wx, Wh, b):
    N, T, D = x.shape
    h = np.zeros((N, T, h0.shape[1]))
    caches = []
    prev_h = h0
    for t in range(T):
        prev_h, step_cache = rnn_step_forward_a(x[:, t, :], prev_h, Wx, Wh, b)
        h[:, t, :] = prev_h
        caches.append(step_cache)
    return h, (caches, D)


def rnn_backward_a(dh, cache):
    caches, D = cache
    N, T, H = dh.shape
    dx = np.zeros((N, T, D))
    dWx = np.zeros((D, H))
    dWh = np.zeros((H, H))
    db = np.zeros(H)
    dprev_h = np.zeros((N, H))
    for t in reversed(range(T)):
        dnext_h = dh[:, t, :] + dprev_h
        dx_t, dprev_h, dWx_t, dWh_t, db_t = rnn_step_backward_a(dnext_h, caches[t])
        dx[:, t, :] = dx_t
        dWx += dWx_t
        dWh += dWh_t
        db += db_t
    return dx, dprev_h, dWx, dWh, db


def rnn_forward_b(xs, h0, Wxh, Whh, bh):
    hs = {-1: h0}
    for t in range(len(xs)):
        hs[t] = np.tanh(Wxh @ xs[t] + Whh @ hs[t - 1] + bh)
    return np.stack([hs[t] for t in range(len(xs))]), (xs, hs, Wxh, Whh)


def rnn_backward_b(dhs, cache):
    xs, hs, Wxh, Whh = cache
    dxs = np.zeros(xs.shape)
    dWxh, dWhh = np.zeros_like(Wxh), np.zeros_like(Whh)
    dbh = np.zeros((Whh.shape[0], 1))
    dhnext = np.zeros_like(hs[0])
    for t in range(len(xs) - 1, -1, -1):
        dh = dhs[t] + dhnext
        draw = (1 - hs[t] * hs[t]) * dh
        dbh += draw.sum(axis=1, keepdims=True)
        dWxh += draw @ xs[t].T
        dWhh += draw @ hs[t - 1].T
        dxs[t] = Wxh.T @ draw
        dhnext = Whh.T @ draw
    return {"xs": dxs, "h0": dhnext, "Wxh": dWxh, "Whh": dWhh, "bh": dbh}


def lstm_step_forward_a(x, prev_h, prev_c, Wx, Wh, b):
    H = prev_h.shape[1]
    a = x.dot(Wx) + prev_h.dot(Wh) + b
    i, f = sigmoid(a[:, :H]), sigmoid(a[:, H : 2 * H])
    o, g = sigmoid(a[:, 2 * H : 3 * H]), np.tanh(a[:, 3 * H :])
    next_c = f * prev_c + i * g
    next_h = o * np.tanh(next_c)
    return next_h, (x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c)


def lstm_step_backward_a(dnext_h, cache):
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c = cache
    tanh_c = np.tanh(next_c)
    do = dnext_h * tanh_c
    dc = dnext_h * o * (1 - tanh_c**2)
    df = dc * prev_c
    dprev_c = dc * f
    di = dc * g
    dg = dc * i
    da_i = di * i * (1 - i)
    da_f = df * f * (1 - f)
    da_o = do * o * (1 - o)
    da_g = dg * (1 - g**2)
    da = np.hstack((da_i, da_f, da_o, da_g))
    dx = da.dot(Wx.T)
    dprev_h = da.dot(Wh.T)
    dWx = x.T.dot(da)
    dWh = prev_h.T.dot(da)
    db = np.sum(da, axis=0)
    return dx, dprev_h, dprev_c, dWx, dWh, db


def lstm_forward_b(x, h0, Wx, Wh, b):
    T, H = x.shape[0], h0.shape[1]
    h, c, steps, hs = h0, np.zeros(h0.shape), [], []
    for t in range(T):
        z = x[t] @ Wx + h @ Wh + b
        i, f, o = (sigmoid(z[:, k * H : (k + 1) * H]) for k in range(3))
        g = np.tanh(z[:, 3 * H :])
        c_new = f * c + i * g
        steps.append((x[t], h, c, i, f, o, g, c_new))
        c = c_new
        h = o * np.tanh(c)
        hs.append(h)
    return np.stack(hs), (steps, Wx, Wh)


def lstm_backward_b(dhs, cache):
    steps, Wx, Wh = cache
    T, N, H = dhs.shape
    dx = np.zeros((T, N, Wx.shape[0]))
    dWx, dWh, db = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros(4 * H)
    dh_next, dc_next = np.zeros((N, H)), np.zeros((N, H))
    for t in reversed(range(T)):
        x_t, h_prev, c_prev, i, f, o, g, c = steps[t]
        dh = dhs[t] + dh_next
        dc = dc_next + dh * o * (1 - np.tanh(c) ** 2)
        dz = np.zeros((N, 4 * H))
        dz[:, :H] = dc * g * i * (1 - i)
        dz[:, H : 2 * H] = dc * c_prev * f * (1 - f)
        dz[:, 2 * H : 3 * H] = dh * np.tanh(c) * o * (1 - o)
        dz[:, 3 * H :] = dc * i * (1 - g**2)
        dx[t] = dz @ Wx.T
        dh_next = dz @ Wh.T
        dc_next = dc * f
        dWx += x_t.T @ dz
        dWh += h_prev.T @ dz
        db += dz.sum(axis=0)
    return {"x": dx, "h0": dh_next, "Wx": dWx, "Wh": dWh, "b": db}


def attention_forward_a(X, Wq, Wk, Wv):
    Q, K, V = X @ Wq, X @ Wk, X @ Wv
    scores = Q @ K.T / np.sqrt(K.shape[1])
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    A = e / e.sum(axis=1, keepdims=True)
    return A @ V, (X, Wq, Wk, Wv, Q, K, V, A)


def attention_backward_a(dout, cache):
    X, Wq, Wk, Wv, Q, K, V, A = cache
    d = K.shape[1]
    dV = A.T @ dout
    dA = dout @ V.T
    dS = A * (dA - np.sum(dA * A, axis=1, keepdims=True))
    dQ = dS @ K / np.sqrt(d)
    dK = dS.T @ Q / np.sqrt(d)
    dX = dQ @ Wq.T + dK @ Wk.T + dV @ Wv.T
    return dX, X.T @ dQ, X.T @ dK, X.T @ dV


def attention_forward_b(q, k, v):
    B, T, d = q.shape
    scale = 1 / np.sqrt(d)
    scores = np.matmul(q, k.transpose(0, 2, 1)) * scale
    scores = scores - np.max(scores, axis=-1, keepdims=True)
    weights = np.exp(scores)
    weights = weights / np.sum(weights, axis=-1, keepdims=True)
    return np.matmul(weights, v), (q, k, v, weights, scale)


def attention_backward_b(dout, cache):
    q, k, v, weights, scale = cache
    dv = np.matmul(weights.transpose(0, 2, 1), dout)
    dweights = np.matmul(dout, v.transpose(0, 2, 1))
    inner = np.sum(dweights * weights, axis=-1, keepdims=True)
    dscores = weights * (dweights - inner) * scale
    dq = np.matmul(dscores, k)
    dk = np.matmul(dscores.transpose(0, 2, 1), q)
    return dq, dk, dv
