"""Batch and layer normalization: step by step along the graph, and in one formula."""

import numpy as np


def batchnorm_forward_a(x, gamma, beta, eps):
    mu = np.mean(x, axis=0)
    xmu = x - mu
    sq = xmu**2
    var = np.mean(sq, axis=0)
    sqrtvar = np.sqrt(var + eps)
    ivar = 1.0 / sqrtvar
    xhat = xmu * ivar
    out = gamma * xhat + beta
    return out, (xhat, gamma, xmu, ivar, sqrtvar, var, eps)


def batchnorm_backward_a(dout, cache):
    xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
    N, D = dout.shape
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(dout * xhat, axis=0)
    dxhat = dout * gamma
    divar = np.sum(dxhat * xmu, axis=0)
    dxmu1 = dxhat * ivar
    dsqrtvar = -1.0 / (sqrtvar**2) * divar
    dvar = 0.5 * 1.0 / np.sqrt(var + eps) * dsqrtvar
    dsq = 1.0 / N * np.ones((N, D)) * dvar
    dxmu2 = 2 * xmu * dsq
    dx1 = dxmu1 + dxmu2
    dmu = -1 * np.sum(dxmu1 + dxmu2, axis=0)
    dx2 = 1.0 / N * np.ones((N, D)) * dmu
    dx = dx1 + dx2
    return dx, dgamma, dbeta


def batchnorm_forward_b(x, gamma, beta, eps):
    sample_mean = x.mean(axis=0)
    sample_var = x.var(axis=0)
    std = np.sqrt(sample_var + eps)
    x_norm = (x - sample_mean) / std
    return gamma * x_norm + beta, (x, x_norm, sample_mean, std, gamma)


def batchnorm_backward_b(dout, cache):
    x, x_norm, sample_mean, std, gamma = cache
    m = x.shape[0]
    dgamma = (dout * x_norm).sum(axis=0)
    dbeta = dout.sum(axis=0)
    dx_norm = dout * gamma
    dx = (m * dx_norm - dx_norm.sum(axis=0) - x_norm * (dx_norm * x_norm).sum(axis=0)) / (m * std)
    return dx, dgamma, dbeta


def batchnorm_forward_c(x, gamma, beta, eps):
    mean = np.mean(x, axis=0)
    var = np.var(x, axis=0)
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = gamma * x_hat + beta
    return out, {"x": x, "mean": mean, "var": var, "x_hat": x_hat, "gamma": gamma, "eps": eps}


def batchnorm_backward_c(dout, cache):
    x, mean, var = cache["x"], cache["mean"], cache["var"]
    x_hat, gamma, eps = cache["x_hat"], cache["gamma"], cache["eps"]
    N = dout.shape[0]
    dx_hat = dout * gamma
    dvar = np.sum(dx_hat * (x - mean), axis=0) * -0.5 * (var + eps) ** -1.5
    dmean = np.sum(-dx_hat / np.sqrt(var + eps), axis=0) + dvar * np.mean(-2 * (x - mean), axis=0)
    dx = dx_hat / np.sqrt(var + eps) + dvar * 2 * (x - mean) / N + dmean / N
    dgamma = np.sum(dout * x_hat, axis=0)
    dbeta = np.sum(dout, axis=0)
    return dx, dgamma, dbeta


def layernorm_forward_a(x, gamma, beta, eps):
    mu = np.mean(x, axis=1, keepdims=True)
    var = np.var(x, axis=1, keepdims=True)
    istd = 1 / np.sqrt(var + eps)
    xhat = (x - mu) * istd
    out = gamma * xhat + beta
    return out, (xhat, gamma, istd)


def layernorm_backward_a(dout, cache):
    xhat, gamma, istd = cache
    D = xhat.shape[1]
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(dout * xhat, axis=0)
    g = dout * gamma
    dx = (
        istd
        / D
        * (
            D * g
            - np.sum(g, axis=1, keepdims=True)
            - xhat * np.sum(g * xhat, axis=1, keepdims=True)
        )
    )
    return dx, dgamma, dbeta


def layernorm_forward_b(x, gamma, beta, eps):
    xT = x.T
    mean = np.mean(xT, axis=0)
    centered = xT - mean
    var = np.mean(centered**2, axis=0)
    std = np.sqrt(var + eps)
    normed = centered / std
    out = normed.T * gamma + beta
    return out, (normed, centered, std, gamma)


def layernorm_backward_b(dout, cache):
    normed, centered, std, gamma = cache
    D = dout.shape[1]
    dgamma = np.sum(dout * normed.T, axis=0)
    dbeta = dout.sum(axis=0)
    dnormed = (dout * gamma).T
    dstd = np.sum(-dnormed * centered / std**2, axis=0)
    dvar = dstd / (2 * std)
    dcentered = dnormed / std + 2 * centered * dvar / D
    dmean = -np.sum(dcentered, axis=0)
    dxT = dcentered + dmean / D
    return dxT.T, dgamma, dbeta
