"""Agreement with PyTorch and autograd: the same operations and networks, the same gradients."""

from __future__ import annotations

import numpy as np
import pytest
from builders import normal, positive

import autograd_lite as ag
import nn

REASON = "the peers are not installed: pip install torch==2.13.0 autograd"

A, B, P = normal(3, 4), normal(3, 4, seed=1), positive(3, 4)

# name: (ours, PyTorch's, arrays)
PAIRS = {
    "add": (lambda a, b: a + b, lambda t, a, b: a + b, (A, B[0])),
    "subtract": (lambda a, b: a - b, lambda t, a, b: a - b, (A, B[:, :1])),
    "multiply": (lambda a, b: a * b, lambda t, a, b: a * b, (A, B[:1])),
    "divide": (lambda a, b: a / b, lambda t, a, b: a / b, (A, P)),
    "power": (lambda a, b: a**b, lambda t, a, b: a**b, (P, B)),
    "cube": (lambda a: a**3, lambda t, a: a**3, (A,)),
    "exp": (np.exp, lambda t, a: t.exp(a), (A,)),
    "expm1": (np.expm1, lambda t, a: t.expm1(a), (A,)),
    "log": (np.log, lambda t, a: t.log(a), (P,)),
    "log1p": (np.log1p, lambda t, a: t.log1p(a), (P,)),
    "sqrt": (np.sqrt, lambda t, a: t.sqrt(a), (P,)),
    "abs": (np.abs, lambda t, a: t.abs(a), (A,)),
    "tanh": (np.tanh, lambda t, a: t.tanh(a), (A,)),
    "sin": (np.sin, lambda t, a: t.sin(a), (A,)),
    "cos": (np.cos, lambda t, a: t.cos(a), (A,)),
    "maximum": (np.maximum, lambda t, a, b: t.maximum(a, b), (A, B)),
    "minimum of ties": (np.minimum, lambda t, a, b: t.minimum(a, b), (A, A.copy())),
    "clip": (lambda a: np.clip(a, -0.5, 0.5), lambda t, a: t.clamp(a, -0.5, 0.5), (A,)),
    "where": (
        lambda a, b: np.where(a > b, a, b * b),
        lambda t, a, b: t.where(a > b, a, b * b),
        (A, B),
    ),
    "matmul": (lambda a, b: a @ b, lambda t, a, b: a @ b, (A, B.T)),
    "batched matmul": (
        np.matmul,
        lambda t, a, b: a @ b,
        (normal(2, 1, 3, 4), normal(5, 4, 2, seed=1)),
    ),
    "vector product": (lambda a, b: a @ b, lambda t, a, b: a @ b, (A, B[0])),
    "sum": (lambda a: np.sum(a, axis=0), lambda t, a: a.sum(0), (A,)),
    "mean": (lambda a: np.mean(a, axis=1), lambda t, a: a.mean(1), (A,)),
    "max": (lambda a: np.max(a, axis=1), lambda t, a: a.amax(1), (A,)),
    "max of ties": (np.max, lambda t, a: a.amax(), (np.array([1.0, 2.0, 2.0]),)),
    "var": (lambda a: np.var(a, axis=0, ddof=1), lambda t, a: a.var(0), (A,)),
    "std": (lambda a: np.std(a, axis=1), lambda t, a: a.std(1, correction=0), (A,)),
    "transpose": (lambda a: np.transpose(a) * P.T, lambda t, a: a.T * t.tensor(P.T), (A,)),
    "concatenate": (
        lambda a, b: np.concatenate([a, b], axis=1),
        lambda t, a, b: t.cat([a, b], 1),
        (A, B),
    ),
    "index": (lambda a: a[[0, 0, 2], 1:], lambda t, a: a[[0, 0, 2], 1:], (A,)),
    "relu": (ag.relu, lambda t, a: t.relu(a), (A,)),
    "sigmoid": (ag.sigmoid, lambda t, a: t.sigmoid(a), (30 * A,)),
    "softplus": (ag.softplus, lambda t, a: t.nn.functional.softplus(a), (A,)),
    "softmax": (ag.softmax, lambda t, a: t.softmax(a, -1), (A,)),
    "log_softmax": (ag.log_softmax, lambda t, a: t.log_softmax(a, -1), (100 * A,)),
    "logsumexp": (lambda a: ag.logsumexp(a, axis=0), lambda t, a: t.logsumexp(a, 0), (100 * A,)),
}


@pytest.mark.parametrize("name", PAIRS)
def test_operations_agree_with_pytorch_to_second_order(name, rng):
    torch = pytest.importorskip("torch", reason=REASON)
    ours, theirs, arrays = PAIRS[name]
    tensors = [ag.Tensor(a, requires_grad=True) for a in arrays]
    peers = [torch.tensor(a, requires_grad=True) for a in arrays]
    y, z = ours(*tensors), theirs(torch, *peers)
    np.testing.assert_allclose(y.data, z.detach().numpy(), rtol=1e-12, atol=1e-14)
    v = rng.normal(size=y.shape)
    first = ag.gradients(np.sum(y * y * v), tensors, create_graph=True)
    peer = torch.autograd.grad((z * z * torch.tensor(v)).sum(), peers, create_graph=True)
    for g, p in zip(first, peer, strict=True):
        np.testing.assert_allclose(g.data, p.detach().numpy(), rtol=1e-11, atol=1e-13)
    second = ag.gradients(sum(np.sum(g * g) for g in first), tensors)
    peer = torch.autograd.grad(sum((p * p).sum() for p in peer), peers)
    for g, p in zip(second, peer, strict=True):
        np.testing.assert_allclose(g, p.detach().numpy(), rtol=1e-9, atol=1e-11)


LOSSES = {
    "half_squared_error": ("identity", lambda F, z, y: ((z - y) ** 2).sum(0).mean() / 2),
    "binary_cross_entropy": (
        "sigmoid",
        lambda F, z, y: F.binary_cross_entropy(z.sigmoid(), y, reduction="sum") / y.shape[1],
    ),
    "binary_cross_entropy_with_logits": (
        "sigmoid",
        lambda F, z, y: F.binary_cross_entropy_with_logits(z, y, reduction="sum") / y.shape[1],
    ),
    "cross_entropy": ("softmax", lambda F, z, y: F.cross_entropy(z.T, y.T)),
    "cross_entropy_with_logits": ("softmax", lambda F, z, y: F.cross_entropy(z.T, y.T)),
}


@pytest.mark.parametrize(
    ("loss", "scale"),  # 40: outputs that are saturated, where only logits are exact
    [(loss, 1) for loss in LOSSES] + [(loss, 40) for loss in LOSSES if "logits" in loss],
)
def test_networks_agree_with_pytorch(loss, scale, rng):
    torch = pytest.importorskip("torch", reason=REASON)
    output, theirs = LOSSES[loss]
    X = rng.normal(size=(3, 7))
    labels = np.eye(4)[:, rng.integers(0, 4, 7)]
    net = nn.Network([3, 5, 4], activations=["tanh", output], rng=0)
    p = {k: t.numpy() * scale for k, t in net.parameters().items()}
    net.set_parameters(p)
    f = net.forward(X)
    J = getattr(nn.losses, loss)(f.Z[2] if "logits" in loss else f.A[2], labels)
    J.backward()
    peers = {k: torch.tensor(v, requires_grad=True) for k, v in p.items()}
    hidden = torch.tanh(peers["W1"] @ torch.tensor(X) + peers["b1"])
    K = theirs(torch.nn.functional, peers["W2"] @ hidden + peers["b2"], torch.tensor(labels))
    K.backward()
    np.testing.assert_allclose(J.item(), K.item(), rtol=1e-12)
    for name, t in net.parameters().items():
        np.testing.assert_allclose(t.grad, peers[name].grad.numpy(), rtol=1e-9, atol=1e-12)


def test_saturated_outputs_agree_with_pytorch():
    torch = pytest.importorskip("torch", reason=REASON)
    A = np.array([[0.0, 1.0, 0.0, 1.0, 1e-13, 1 - 1e-13, 0.3]])
    Y = np.array([[0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0]])
    ours, theirs = ag.Tensor(A, requires_grad=True), torch.tensor(A, requires_grad=True)
    J = nn.losses.binary_cross_entropy(ours, Y)
    K = torch.nn.functional.binary_cross_entropy(theirs, torch.tensor(Y))
    J.backward()
    K.backward()
    np.testing.assert_allclose(J.item(), K.item(), rtol=1e-12)
    # PyTorch's 1e-12 under the fraction is one of float32, also in float64.
    np.testing.assert_allclose(ours.grad, theirs.grad.numpy(), rtol=6e-8)


@pytest.mark.parametrize("name", ["tanh", "sin", "exp", "log1p", "cube", "matmul", "var", "max"])
def test_operations_agree_with_autograd(name):
    autograd = pytest.importorskip("autograd", reason=REASON)
    import autograd.numpy as anp

    theirs = {
        "tanh": anp.tanh,
        "sin": anp.sin,
        "exp": anp.exp,
        "log1p": anp.log1p,
        "cube": lambda a: a**3,
        "matmul": lambda a, b: a @ b,
        "var": lambda a: anp.var(a, axis=0, ddof=1),
        "max": lambda a: anp.max(a, axis=1),
    }[name]
    ours, _, arrays = PAIRS[name]
    mine = ag.grad(lambda *x: np.sum(np.sin(ours(*x))), tuple(range(len(arrays))))(*arrays)
    for k, g in enumerate(mine):
        peer = autograd.grad(lambda *x: anp.sum(anp.sin(theirs(*x))), k)(*arrays)
        np.testing.assert_allclose(g, peer, rtol=1e-12, atol=1e-14)


def test_hessian_agrees_with_pytorch(rng):
    torch = pytest.importorskip("torch", reason=REASON)
    X, x = rng.normal(size=(4, 3)), rng.normal(size=3)
    mine = ag.hessian(lambda x: np.sum(ag.softplus(X @ np.tanh(x)) ** 2))(x)
    peer = torch.autograd.functional.hessian(
        lambda x: (torch.nn.functional.softplus(torch.tensor(X) @ x.tanh()) ** 2).sum(),
        torch.tensor(x),
    )
    np.testing.assert_allclose(mine, peer.numpy(), rtol=1e-11, atol=1e-13)
