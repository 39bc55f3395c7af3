"""Likelihoods, latent variables, factors."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from builders import normal
from models import model, sigmoid

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


POINTS = normal(5, 3, seed=9)


def gaussian_in_torch(t, mean, L):
    S = L @ L.T + t.eye(3)
    return -t.distributions.MultivariateNormal(mean, S).log_prob(t.tensor(POINTS)).sum()


@model(gaussian_in_torch, (3,), (3, 3))
def gaussian_likelihood_by_slogdet_and_solve(mean, L):
    S = L @ L.T + np.eye(3)
    d = POINTS - mean
    _, log_det = np.linalg.slogdet(S)
    squares = np.sum(d.T * np.linalg.solve(S, d.T))
    return (squares + len(d) * (log_det + 3 * np.log(2 * np.pi))) / 2


def mixture_in_torch(t, logits, means, L):
    D = t.distributions
    parts = D.MultivariateNormal(means, L @ L.mT + t.eye(3))
    mixture = D.MixtureSameFamily(D.Categorical(logits=logits), parts)
    return -mixture.log_prob(t.tensor(POINTS)).mean()


def log_sum_exp(x, axis):
    top = np.max(x, axis=axis, keepdims=True)
    return np.squeeze(top, axis) + np.log(np.sum(np.exp(x - top), axis=axis))


@model(mixture_in_torch, (2,), (2, 3), (2, 3, 3))
def mixture_of_gaussians(logits, means, L):
    parts = []
    for k in range(2):
        S, d = L[k] @ L[k].T + np.eye(3), POINTS - means[k]
        squares = np.einsum("ni,ij,nj->n", d, np.linalg.inv(S), d)
        log_weight = logits[k] - log_sum_exp(logits, 0)
        parts.append(log_weight - (squares + np.log(np.linalg.det(2 * np.pi * S))) / 2)
    return -np.mean(log_sum_exp(np.stack(parts, axis=1), axis=1))


TAGS = [0, 2, 1, 1]


def crf_in_torch(t, E, T):
    def score(path):
        return sum(E[k, tag] for k, tag in enumerate(path)) + sum(
            T[a, b] for a, b in pairwise(path)
        )

    every = t.stack([score(path) for path in np.ndindex(3, 3, 3, 3)])
    return every.logsumexp(0) - score(TAGS)


@model(crf_in_torch, (4, 3), (3, 3))
def crf_by_the_forward_algorithm(E, T):
    alpha, score = E[0], E[0, TAGS[0]]
    for k in range(1, 4):
        alpha = log_sum_exp(alpha[:, None] + T + E[k][None, :], axis=0)
        score += T[TAGS[k - 1], TAGS[k]] + E[k, TAGS[k]]
    return log_sum_exp(alpha, 0) - score


SEEN = normal(4, seed=10)


def hmm_in_torch(t, T, start, means):
    A, p = t.log_softmax(T, 1), t.log_softmax(start, 0)
    B = -((t.tensor(SEEN)[:, None] - means) ** 2) / 2

    def score(path):
        return (
            p[path[0]]
            + sum(A[a, b] for a, b in pairwise(path))
            + sum(B[k, s] for k, s in enumerate(path))
        )

    return -t.stack([score(path) for path in np.ndindex(2, 2, 2, 2)]).logsumexp(0)


@model(hmm_in_torch, (2, 2), (2,), (2,))
def hidden_markov_model_with_scaling(T, start, means):
    A = np.exp(T) / np.exp(T).sum(axis=1, keepdims=True)
    B = np.exp(-((SEEN[:, None] - means) ** 2) / 2)
    alpha, log_likelihood = np.exp(start) / np.exp(start).sum() * B[0], 0
    for k in range(1, len(SEEN)):
        log_likelihood += np.log(alpha.sum())
        alpha = (alpha / alpha.sum()) @ A * B[k]
    return -(log_likelihood + np.log(alpha.sum()))


def kalman_in_torch(t, A, L, start):
    """All observations at once are one Gaussian."""
    Q, eye = L @ L.T + t.eye(2), t.eye(2)
    P, mean, means, covariances = eye, start, [], {}
    for i in range(3):
        mean, P = A @ mean, A @ P @ A.T + Q
        means.append(mean)
        covariances[i, i] = P
        for j in range(i):
            covariances[i, j] = A @ covariances[i - 1, j]
            covariances[j, i] = covariances[i, j].T
    S = t.cat([t.cat([covariances[i, j] for j in range(3)], 1) for i in range(3)])
    joint = t.distributions.MultivariateNormal(t.cat(means), S + t.eye(6))
    return -joint.log_prob(t.tensor(POINTS[:3, :2].ravel()))


@model(kalman_in_torch, (2, 2), (2, 2), (2,))
def kalman_filter(A, L, start):
    mean, P, log_likelihood = start, np.eye(2), 0.0
    for y in POINTS[:3, :2]:
        mean, P = A @ mean, A @ P @ A.T + L @ L.T + np.eye(2)
        S, r = P + np.eye(2), y - mean
        log_likelihood -= (r @ np.linalg.inv(S) @ r + np.linalg.slogdet(2 * np.pi * S)[1]) / 2
        K = P @ np.linalg.inv(S)
        mean, P = mean + K @ r, (np.eye(2) - K) @ P
    return -log_likelihood


def process_in_torch(t, lengths, log_scale, log_noise):
    X = t.tensor(POINTS) / t.exp(lengths)
    K = t.exp(log_scale - (X[:, None] - X).square().sum(-1) / 2) + t.exp(log_noise) * t.eye(5)
    return -t.distributions.MultivariateNormal(t.zeros(5), K).log_prob(t.tensor(POINTS[:, 0] ** 2))


@model(process_in_torch, (3,), (), ())
def gaussian_process_by_cholesky(lengths, log_scale, log_noise):
    X, y = POINTS / np.exp(lengths), POINTS[:, 0] ** 2
    d2 = np.sum((X[:, None, :] - X[None, :, :]) ** 2, axis=-1)
    L = np.linalg.cholesky(np.exp(log_scale) * np.exp(-0.5 * d2) + np.exp(log_noise) * np.eye(5))
    alpha = np.linalg.solve(L.T, np.linalg.solve(L, y))
    return 0.5 * y @ alpha + np.log(np.diag(L)).sum() + 5 / 2 * np.log(2 * np.pi)


def planar_in_torch(t, u, w, b):
    a = t.tanh(t.tensor(POINTS) @ w + b)
    moved = t.tensor(POINTS) + t.outer(a, u)
    return moved.square().sum() / 2 - t.log(t.abs(1 + (1 - a**2) * (u @ w))).sum()


@model(planar_in_torch, (3,), (3,), ())
def planar_flow_by_slogdet(u, w, b):
    a = np.tanh(POINTS @ w + b)
    z = POINTS + np.outer(a, u)
    jacobians = np.eye(3) + (1 - a**2)[:, None, None] * np.outer(u, w)
    return np.sum(z**2) / 2 - np.linalg.slogdet(jacobians)[1].sum()


@model(
    lambda t, logits: t.nn.functional.ctc_loss(
        *(logits.log_softmax(-1)[:, None], t.tensor([[1, 2]])), (5,), (2,), reduction="sum"
    ),
    (5, 3),
)
def ctc_loss(logits):
    log_p = logits - np.log(np.sum(np.exp(logits), axis=1, keepdims=True))
    path = [0, 1, 0, 2, 0]  # the labels 1 and 2 with blanks around them
    alpha = np.where(np.arange(5) < 2, log_p[0, path], -1e30)
    for k in range(1, 5):
        one = np.concatenate([[-1e30], alpha[:-1]])
        two = np.where(np.arange(5) == 3, np.concatenate([[-1e30, -1e30], alpha[:-2]]), -1e30)
        alpha = np.logaddexp(np.logaddexp(alpha, one), two) + log_p[k, path]
    return -np.logaddexp(alpha[-1], alpha[-2])


def train_in_torch(t, G):
    full = t.einsum("aib,bjc,ckd->ijk", *G)
    return full.sum() ** 2 / full.square().sum()


@model(train_in_torch, (3, 2, 3, 2))
def tensor_train(G):
    total, square = np.ones(2), np.ones((2, 2))
    for k in range(3):
        total = total @ np.sum(G[k], axis=1)
        square = np.einsum("ab,aic,bid->cd", square, G[k], G[k])
    return np.sum(total) ** 2 / np.sum(square)
