"""Images, signals and layers."""

from __future__ import annotations

import numpy as np
from models import model
from numpy.lib.stride_tricks import sliding_window_view


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


def padded_convolution_in_torch(t, X, K, b):
    F = t.nn.functional
    return F.max_pool2d(t.relu(F.conv2d(X, K, b, padding=1)), 3, stride=2).square().mean()


@model(padded_convolution_in_torch, (2, 2, 7, 7), (3, 2, 3, 3), (3,))
def convolution_and_pooling_by_sliding_windows(X, K, b):
    X = np.pad(X, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = sliding_window_view(X, K.shape[2:], axis=(2, 3))
    Y = np.einsum("nchwij,fcij->nfhw", windows, K) + b.reshape(1, -1, 1, 1)
    pools = sliding_window_view(np.maximum(0, Y), (3, 3), axis=(2, 3))[:, :, ::2, ::2]
    return np.mean(pools.max(axis=(-2, -1)) ** 2)


@model(
    lambda t, X, K: t.conv2d(X, K, stride=2, dilation=2).sin().sum(),
    *((2, 3, 7, 7), (2, 3, 2, 2)),
)
def convolution_by_loops_stride_and_dilation(X, K):
    rows = []
    for i in range(0, 5, 2):
        row = []
        for j in range(0, 5, 2):
            patch = X[:, :, i : i + 3 : 2, j : j + 3 : 2]
            row.append(np.tensordot(patch, K, axes=([1, 2, 3], [1, 2, 3])))
        rows.append(np.stack(row, axis=-1))
    return np.sum(np.sin(np.stack(rows, axis=-2)))


@model(
    lambda t, X, K: t.conv2d(X, K[:, None], padding=1, groups=3).square().sum(),
    *((2, 3, 4, 4), (3, 3, 3)),
)
def depthwise_convolution_by_shifts(X, K):
    P = np.pad(X, [(0, 0), (0, 0), (1, 1), (1, 1)], mode="constant")
    shifted = (P[..., i : i + 4, j : j + 4] * K[:, i, j, None, None] for i, j in np.ndindex(3, 3))
    return np.sum(sum(shifted) ** 2)


def u_net_in_torch(t, X, V, W):
    F = t.nn.functional
    down = F.max_pool2d(t.relu(t.einsum("oc,nchw->nohw", V, X)), 2)
    joined = t.cat((F.interpolate(down, scale_factor=2), X), dim=1)
    return t.einsum("oc,nchw->nohw", W, joined).square().sum()


@model(u_net_in_torch, (2, 2, 4, 4), (3, 2), (2, 5))
def u_net_down_and_up_by_repeat(X, V, W):
    H = np.maximum(np.einsum("oc,nchw->nohw", V, X), 0)
    down = H.reshape(2, 3, 2, 2, 2, 2).max(axis=5).max(axis=3)
    up = down.repeat(2, axis=2).repeat(2, axis=3)
    joined = np.concatenate((up, X), axis=1)
    return np.sum(np.tensordot(W, joined, axes=(1, 1)) ** 2)


@model(
    lambda t, X, K: t.nn.functional.conv_transpose2d(X, K, stride=2).tanh().sum(),
    *((2, 2, 3, 3), (2, 3, 2, 2)),
)
def transposed_convolution_by_transposing(X, K):
    Y = np.einsum("nchw,cfij->nfhiwj", X, K)
    return np.tanh(Y.reshape(2, 3, 6, 6)).sum()


@model(
    lambda t, Z, c, b: (
        t.nn.functional.batch_norm(Z.T, None, None, c[:, 0], b[:, 0], training=True).cos().sum()
    ),
    *((3, 8), (3, 1), (3, 1)),
)
def batch_normalization_in_columns(Z, gamma, beta):
    m = Z.shape[1]
    mu = 1 / m * np.sum(Z, axis=1, keepdims=True)
    var = 1 / m * np.sum(np.square(Z - mu), axis=1, keepdims=True)
    Z_norm = np.divide(Z - mu, np.sqrt(var + 1e-5))
    return np.cos(np.multiply(gamma, Z_norm) + beta).sum()


@model(
    lambda t, X, c: t.nn.functional.group_norm(X, 2, c).sin().sum(),
    *((2, 4, 3, 3), (4,)),
)
def group_normalization(X, scale):
    G = X.reshape(2, 2, 2, 3, 3)
    G = (G - G.mean((2, 3, 4), keepdims=True)) / np.sqrt(G.var((2, 3, 4), keepdims=True) + 1e-5)
    return np.sum(np.sin(G.reshape(X.shape) * scale[:, np.newaxis, np.newaxis]))


@model(
    lambda t, X, W: (
        t.nn.functional.normalize(t.relu(X @ W), dim=1).mul(t.tensor(np.arange(4.0))).sum()
    ),
    *((5, 3), (3, 4)),
)
def rows_of_length_one(X, W):
    A = np.where(X @ W > 0, X @ W, 0)
    norms = np.linalg.norm(A, axis=1, keepdims=True)
    return np.sum(A / np.where(norms > 1e-12, norms, 1) * np.arange(4))
