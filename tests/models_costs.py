"""Regression, classification, embeddings that are compared."""

from __future__ import annotations

import numpy as np
from builders import normal
from models import model, sigmoid

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


@model(
    lambda t, W, b: t.nn.functional.multi_margin_loss(
        (W @ t.tensor(SAMPLES.T) + b).T, t.tensor(CLASSES), reduction="sum", p=2
    ),
    *((4, 3), (4, 1)),
)
def squared_svm_in_columns(W, b):
    scores = np.dot(W, SAMPLES.T) + b
    right = np.take_along_axis(scores, CLASSES[None, :], axis=0)
    wrong = np.arange(4)[:, None] != CLASSES
    return np.sum(np.where(wrong, np.maximum(scores - right + 1, 0), 0) ** 2) / 4


def ridge_in_torch(t, log_penalty, Y):
    X = t.tensor(SAMPLES)
    A = t.cat([X, t.exp(log_penalty / 2) * t.eye(3)])
    W = t.linalg.lstsq(A, t.cat([Y, t.zeros(3, 2)])).solution
    return (X @ W - 1).square().mean()


@model(ridge_in_torch, (), (6, 2))
def ridge_by_solve(log_penalty, Y):
    A = SAMPLES.T @ SAMPLES + np.exp(log_penalty) * np.eye(3)
    W = np.linalg.solve(A, SAMPLES.T @ Y)
    return np.mean((SAMPLES @ W - 1) ** 2)


@model(
    lambda t, X: t.linalg.svdvals(X - X.mean(0))[2:].square().sum(),
    (7, 4),
)
def pca_by_eigh(X):
    centred = X - np.mean(X, axis=0)
    _, V = np.linalg.eigh(centred.T @ centred / len(X))
    kept = V[:, -2:]
    return np.sum((centred - centred @ kept @ kept.T) ** 2)


@model(
    lambda t, w: t.where(
        (r := t.tensor(TARGETS) - t.tensor(SAMPLES) @ w) < 0, (0.3 - 1) * r, 0.3 * r
    ).mean(),
    (3,),
)
def quantile_regression(w):
    r = TARGETS - SAMPLES @ w
    return np.mean(np.maximum(0.3 * r, (0.3 - 1) * r))


def focal_in_torch(t, W, w):
    y = t.tensor(CLASSES > 1) * 1.0
    z = t.tanh(t.tensor(SAMPLES) @ W) @ w
    ce = t.nn.functional.binary_cross_entropy_with_logits(z, y, reduction="none")
    return ((1 - t.exp(-ce)) ** 2 * ce).mean()


@model(focal_in_torch, (3, 4), (4,))
def focal_loss(W, w):
    p = sigmoid(np.tanh(SAMPLES @ W) @ w)
    p = np.where(CLASSES > 1, p, 1 - p)
    return np.mean(-((1 - p) ** 2) * np.log(np.clip(p, 1e-9, 1.0)))


def info_nce_in_torch(t, A, B):
    F = t.nn.functional
    similar = F.cosine_similarity(A[:, None], B[None], dim=-1) / 0.2
    return F.cross_entropy(similar, t.arange(4)) + F.cross_entropy(similar.T, t.arange(4))


@model(info_nce_in_torch, (4, 3), (4, 3))
def contrastive_loss(A, B):
    A = A / np.linalg.norm(A, axis=1, keepdims=True)
    B = B / np.sqrt((B**2).sum(axis=1))[:, None]
    similar = A @ B.T / 0.2
    log_sums = np.log(np.exp(similar).sum(axis=0)) + np.log(np.exp(similar).sum(axis=1))
    return np.mean(log_sums - 2 * np.diagonal(similar))


@model(
    lambda t, A, P, N: t.nn.functional.triplet_margin_with_distance_loss(
        *(A, P, N), distance_function=lambda x, y: t.linalg.vector_norm(x - y, dim=1)
    ),
    *((5, 3), (5, 3), (5, 3)),
)
def triplet_loss(A, P, N):
    near, far = np.linalg.norm(A - P, axis=1), np.linalg.norm(A - N, axis=1)
    return np.maximum(near - far + 1, 0).mean()


def gan_in_torch(t, G, D, d):
    F, X = t.nn.functional, t.tensor(SAMPLES)
    real, fake = (F.leaky_relu(x @ D, 0.2) @ d for x in (X, t.tanh(X[:, :2] @ G)))
    bce = F.binary_cross_entropy_with_logits
    one = t.ones(6)
    return bce(real, one) + bce(fake, 0 * one) + 0.3 * bce(fake, one)


@model(gan_in_torch, (2, 3), (3, 4), (4,))
def gan_losses(G, D, d):
    def judged(x):
        h = x @ D
        return sigmoid(np.where(h > 0, h, 0.2 * h) @ d)

    fake = judged(np.tanh(SAMPLES[:, :2] @ G))
    of_judge = -np.mean(np.log(judged(SAMPLES))) - np.mean(np.log(1 - fake))
    return of_judge + 0.3 * -np.log(fake).mean()


@model(
    lambda t, Z: (
        t.relu(1 - t.sqrt(Z.var(0, correction=0) + 1e-4)).mean()
        + t.cov(Z.T)[~t.eye(3, dtype=t.bool)].square().sum()
    ),
    (6, 3),
)
def variance_and_covariance_of_an_embedding(Z):
    Z = Z - Z.mean(axis=0)
    covariance = Z.T @ Z / (len(Z) - 1)
    spread = np.sqrt(Z.var(axis=0) + 1e-4)
    return np.mean(np.maximum(0, 1 - spread)) + np.sum(covariance[~np.eye(3, dtype=bool)] ** 2)


@model(
    lambda t, X, C: t.cdist(X, C).min(dim=1).values.square().sum(),
    *((6, 3), (2, 3)),
)
def k_means(X, C):
    nearest = np.argmin(np.sum((X[:, None] - C) ** 2, axis=2), axis=1)
    return np.sum((X - C[nearest]) ** 2)


@model(
    lambda t, w: (
        -(t.tensor(SAMPLES) @ w - t.logcumsumexp((t.tensor(SAMPLES) @ w).flip(0), 0).flip(0)).sum()
    ),
    (3,),
)
def partial_likelihood_of_cox(w):
    risk = SAMPLES @ w
    return -np.sum(risk - np.log(np.cumsum(np.exp(risk)[::-1])[::-1]))
