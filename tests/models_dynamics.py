"""Equations of motion, geometry, graphs."""

from __future__ import annotations

import numpy as np
from models import model


def euler_in_torch(t, y, rates):
    for _ in range(20):
        x, z = y
        grown, eaten, fed, died = rates
        y = y + 0.05 * t.stack([grown * x - eaten * x * z, fed * x * z - died * z])
    return y.square().sum()


@model(euler_in_torch, (2,), (4,))
def euler_steps_of_an_ode(y, rates):
    for _ in range(20):
        x, z = y
        grown, eaten, fed, died = rates
        slope = [grown * x - eaten * x * z, fed * x * z - died * z]
        y = y + 0.05 * np.stack(slope)
    return np.sum(y**2)


def rotation_in_torch(t, axis, angle, X):
    x, y, z = axis / t.linalg.vector_norm(axis)
    zero = t.zeros(())
    rows = [[zero, -z, y], [z, zero, -x], [-y, x, zero]]
    return (X @ t.linalg.matrix_exp(angle * t.stack([t.stack(row) for row in rows])).T).sin().sum()


@model(rotation_in_torch, (3,), (), (4, 3))
def rotation_by_rodrigues(axis, angle, X):
    k = axis / np.sqrt(np.inner(axis, axis))
    turned = X * np.cos(angle) + np.cross(k, X) * np.sin(angle)
    return np.sum(np.sin(turned + np.outer(X @ k, k) * (1 - np.cos(angle))))


def runge_kutta_in_torch(t, V, W, y):
    def slope(at, y):
        return t.tanh(y @ V + at) @ W

    for n in range(4):
        k = [slope(n / 5, y)]
        for share in (0.5, 0.5, 1):
            k.append(slope((n + share) / 5, y + share / 5 * k[-1]))
        y = y + (t.stack(k).T @ t.tensor([1.0, 2, 2, 1])) / 30
    return y.square().sum()


@model(runge_kutta_in_torch, (2, 4), (4, 2), (2,))
def neural_ode_by_runge_kutta(V, W, y):
    f = lambda at, y: np.tanh(y @ V + at) @ W
    h = 1 / 5
    for n in range(4):
        at = n * h
        k1 = f(at, y)
        k2 = f(at + h / 2, y + h / 2 * k1)
        k3 = f(at + h / 2, y + h / 2 * k2)
        k4 = f(at + h, y + h * k3)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return np.sum(y**2)


def heat_in_torch(t, u, rates):
    A = t.roll(t.eye(8), 1, 0)
    change = rates[:, None] * (A + A.T - 2 * t.eye(8))
    return (t.linalg.matrix_power(t.eye(8) + 0.1 * change, 5) @ u - 1).square().sum()


@model(heat_in_torch, (8,), (8,))
def heat_equation_by_roll(u, rates):
    for _ in range(5):
        u = u + 0.1 * rates * (np.roll(u, 1) - 2 * u + np.roll(u, -1))
    return np.sum((u - 1) ** 2)


def sinkhorn_in_torch(t, X, Y):
    C = t.cdist(X, Y) ** 2
    f, g = t.zeros(4), t.zeros(5)
    for _ in range(10):
        f = -np.log(4) - (g - C).logsumexp(1)
        g = -np.log(5) - (f[:, None] - C).logsumexp(0)
    return (t.exp(f[:, None] + g - C) * C).sum()


@model(sinkhorn_in_torch, (4, 2), (5, 2))
def sinkhorn_iterations(X, Y):
    C = np.sum((X[:, None, :] - Y[None, :, :]) ** 2, axis=-1)
    K, v = np.exp(-C), np.ones(5)
    for _ in range(10):
        u = 1 / 4 / (K @ v)
        v = 1 / 5 / (K.T @ u)
    return np.sum(u[:, None] * K * v * C)


@model(
    lambda t, W, s: -t.einsum("i,ij,j->", s, (W - t.diag(t.diag(W))), s) / 2,
    *((5, 5), (5,)),
)
def energy_of_hopfield(W, s):
    W = (W + W.T) / 2
    W = W - np.diag(np.diag(W))
    return -0.5 * s @ W @ s


EDGES = np.array([[0, 1], [1, 2], [1, 3], [3, 4]])
LINKED = np.zeros((5, 5))
LINKED[tuple(EDGES.T)] = LINKED[tuple(EDGES.T[::-1])] = 1


def graph_in_torch(t, X, V, W):
    ends = t.tensor(np.concatenate([EDGES, EDGES[:, ::-1], np.arange(5)[:, None].repeat(2, 1)]))
    root = t.bincount(ends[:, 0]).double().sqrt()
    weights = 1 / (root[ends[:, 0]] * root[ends[:, 1]])

    def gathered(x):
        return t.zeros_like(x).index_add(0, ends[:, 0], weights[:, None] * x[ends[:, 1]])

    logits = gathered(t.relu(gathered(X) @ V)) @ W
    return t.nn.functional.cross_entropy(logits, t.tensor([0, 1, 0, 1, 1]))


@model(graph_in_torch, (5, 3), (3, 4), (4, 2))
def graph_convolution(X, V, W):
    A = LINKED + np.eye(5)
    D = np.diag(A.sum(axis=1) ** -0.5)
    Z = D @ A @ D @ np.maximum(0, D @ A @ D @ X @ V) @ W
    p = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    return -np.sum(np.eye(2)[[0, 1, 0, 1, 1]] * np.log(p)) / 5


def graph_attention_in_torch(t, X, W, a):
    H = X @ W
    scores = t.nn.functional.leaky_relu((H @ a[:4])[:, None] + H @ a[4:], 0.2)
    unlinked = t.tensor(LINKED + np.eye(5)) == 0
    return t.tanh(scores.masked_fill(unlinked, -t.inf).softmax(1) @ H).sum()


@model(graph_attention_in_torch, (5, 3), (3, 4), (8,))
def graph_attention(X, W, a):
    H = X @ W
    scores = (H @ a[:4])[:, None] + (H @ a[4:])[None, :]
    scores = np.where(scores > 0, scores, 0.2 * scores)
    scores = np.where(LINKED + np.eye(5) > 0, scores, -1e9)
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    return np.sum(np.tanh(weights @ H))


@model(
    lambda t, A, B: A.square().sum() + B.square().sum() - 2 * t.linalg.svdvals(A.T @ B).sum(),
    *((5, 3), (5, 3)),
)
def rotation_that_fits_best(A, B):
    U, _, Vh = np.linalg.svd(A.T @ B)
    return np.linalg.norm(A @ (U @ Vh) - B) ** 2
