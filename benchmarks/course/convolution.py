"""Convolution in loops and by im2col, pooling."""

import numpy as np


def conv_forward_a(x, w, b, stride, pad):
    N, C, H, W = x.shape
    F, _, HH, WW = w.shape
    H_out = 1 + (H + 2 * pad - HH) // stride
    W_out = 1 + (W + 2 * pad - WW) // stride
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="constant")
    out = np.zeros((N, F, H_out, W_out))
    for n in range(N):
        for f in range(F):
            for i in range(H_out):
                for j in range(W_out):
                    hs, ws = i * stride, j * stride
                    out[n, f, i, j] = np.sum(x_pad[n, :, hs : hs + HH, ws : ws + WW] * w[f]) + b[f]
    return out, (x, w, b, stride, pad)


def conv_backward_a(dout, cache):
    x, w, b, stride, pad = cache
    N, F, H_out, W_out = dout.shape
    HH, WW = w.shape[2], w.shape[3]
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="constant")
    dx_pad = np.zeros_like(x_pad)
    dw = np.zeros_like(w)
    db = np.zeros_like(b)
    for n in range(N):
        for f in range(F):
            for i in range(H_out):
                for j in range(W_out):
                    hs, ws = i * stride, j * stride
                    window = x_pad[n, :, hs : hs + HH, ws : ws + WW]
                    db[f] += dout[n, f, i, j]
                    dw[f] += window * dout[n, f, i, j]
                    dx_pad[n, :, hs : hs + HH, ws : ws + WW] += w[f] * dout[n, f, i, j]
    dx = dx_pad[:, :, pad : pad + x.shape[2], pad : pad + x.shape[3]]
    return dx, dw, db


def im2col(x, HH, WW, stride):
    N, C, H, W = x.shape
    H_out, W_out = (H - HH) // stride + 1, (W - WW) // stride + 1
    col = np.zeros((N, C, HH, WW, H_out, W_out))
    for i in range(HH):
        for j in range(WW):
            rows = slice(i, i + stride * H_out, stride)
            col[:, :, i, j] = x[:, :, rows, j : j + stride * W_out : stride]
    return col.transpose(0, 4, 5, 1, 2, 3).reshape(N * H_out * W_out, -1)


def col2im(col, shape, HH, WW, stride):
    N, C, H, W = shape
    H_out, W_out = (H - HH) // stride + 1, (W - WW) // stride + 1
    col = col.reshape(N, H_out, W_out, C, HH, WW).transpose(0, 3, 4, 5, 1, 2)
    x = np.zeros(shape)
    for i in range(HH):
        for j in range(WW):
            rows = slice(i, i + stride * H_out, stride)
            x[:, :, rows, j : j + stride * W_out : stride] += col[:, :, i, j]
    return x


def conv_forward_b(x, w, b, stride):
    F, C, HH, WW = w.shape
    N, _, H, W = x.shape
    H_out, W_out = (H - HH) // stride + 1, (W - WW) // stride + 1
    col = im2col(x, HH, WW, stride)
    out = col @ w.reshape(F, -1).T + b
    return out.reshape(N, H_out, W_out, F).transpose(0, 3, 1, 2), (x.shape, w, col, stride)


def conv_backward_b(dout, cache):
    shape, w, col, stride = cache
    F, C, HH, WW = w.shape
    dout_flat = dout.transpose(0, 2, 3, 1).reshape(-1, F)
    db = np.sum(dout_flat, axis=0)
    dw = (dout_flat.T @ col).reshape(w.shape)
    dcol = dout_flat @ w.reshape(F, -1)
    dx = col2im(dcol, shape, HH, WW, stride)
    return dx, dw, db


def max_pool_forward_a(x, size, stride):
    N, C, H, W = x.shape
    H_out, W_out = 1 + (H - size) // stride, 1 + (W - size) // stride
    out = np.zeros((N, C, H_out, W_out))
    for i in range(H_out):
        for j in range(W_out):
            window = x[:, :, i * stride : i * stride + size, j * stride : j * stride + size]
            out[:, :, i, j] = np.max(window, axis=(2, 3))
    return out, (x, size, stride)


def max_pool_backward_a(dout, cache):
    x, size, stride = cache
    N, C, H_out, W_out = dout.shape
    dx = np.zeros_like(x)
    for n in range(N):
        for c in range(C):
            for i in range(H_out):
                for j in range(W_out):
                    h, w = i * stride, j * stride
                    window = x[n, c, h : h + size, w : w + size]
                    mask = window == np.max(window)
                    dx[n, c, h : h + size, w : w + size] += mask * dout[n, c, i, j]
    return dx


def max_pool_forward_b(x, size):
    N, C, H, W = x.shape
    blocks = x.reshape(N, C, H // size, size, W // size, size)
    out = blocks.max(axis=3).max(axis=4)
    return out, (x, blocks, out)


def max_pool_backward_b(dout, cache):
    x, blocks, out = cache
    mask = blocks == out[:, :, :, np.newaxis, :, np.newaxis]
    dblocks = mask * dout[:, :, :, np.newaxis, :, np.newaxis]
    return dblocks.reshape(x.shape)


def average_pool_forward_a(x, size):
    N, C, H, W = x.shape
    out = x.reshape(N, C, H // size, size, W // size, size).mean(axis=(3, 5))
    return out, (x.shape, size)


def average_pool_backward_a(dout, cache):
    shape, size = cache
    dx = np.zeros(shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            rows, columns = slice(i * size, (i + 1) * size), slice(j * size, (j + 1) * size)
            dx[:, :, rows, columns] = dout[:, :, i, j][:, :, None, None] / (size * size)
    return dx
