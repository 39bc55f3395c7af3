"""Document 000: its procedure, run."""

import numpy as np
import pytest

from nn import documents
from nn.documents import document_000 as module


def test_procedure_by_hand_and_by_the_tape():
    run = module.run(rng=1, N=40)
    assert run.updates == 41
    assert run.agrees
    assert run.loss[1] < run.loss[0]


def test_recursion_that_sees_updated_weights_is_another():
    """W{n+1} in place of W{n} in the recursion: what the superscripts of 2.4 rule out."""
    net = next(documents.networks(4, 1, depths=[3], outputs=1))
    W, b = dict(net.W), dict(net.b)
    right, _ = module.one_iteration(net, W, b)
    updated_first = {**W, 3: right[3]}
    A = {0: net.X}
    Z = {}
    for l in (1, 2, 3):
        Z[l] = W[l] @ A[l - 1] + b[l]
        A[l] = net.g[l](Z[l])
    dZ = net.loss_prime(A[3], net.Y) * net.g_prime[3](Z[3])
    dZ = (updated_first[3].T @ dZ) * net.g_prime[2](Z[2])
    wrong = W[2] - module.ALPHA / net.m * dZ @ A[1].T
    assert np.abs(wrong - right[2]).max() > 1e-6


def test_exchanging_units_leaves_the_cost():
    """Two minima of one height, and more between them: no strictly convex function does that."""
    net = next(module.small_parameters(np.random.default_rng(0), 1))

    def cost(theta):
        net.theta = theta.reshape(7, 1)
        return documents.Pass(module.all_parameters, net).J

    theta = np.array([3.0, -3.0, 1.0, 1.0, 2.0, 2.5, -1.0])
    exchanged = theta[[1, 0, 3, 2, 5, 4, 6]]
    assert cost(theta) == pytest.approx(cost(exchanged), rel=1e-14)
    assert not np.array_equal(theta, exchanged)
