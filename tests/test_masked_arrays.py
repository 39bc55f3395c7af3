"""A masked array (np.ma) is refused wherever its mask would be lost without a word."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_lite as ag
import nn

M = np.ma.array([1.0, 2.0], mask=[0, 1])
SAMPLES = np.ma.array([[1.0, 2.0]], mask=[[0, 1]])
t = ag.Tensor([1.0, 2.0], requires_grad=True, name="t")
net = nn.Network([1, 1], ["sigmoid"], rng=0)


def cube(x):
    return np.sum(x**3)


def fitted(X, Y):
    loss, optimizer = nn.losses.binary_cross_entropy, nn.optimizers.GradientDescent(0.1)
    return nn.fit(net, X, Y, loss, optimizer, epochs=1)


USES = {
    "Tensor": lambda: ag.Tensor(M),
    "rows": lambda: ag.Tensor([M, M]),
    "rows of rows": lambda: ag.Tensor([[M], [M]]),
    "nothing masked": lambda: ag.Tensor(np.ma.array([1.0, 2.0])),
    "masked": lambda: t * np.ma.masked,
    "data": lambda: setattr(t, "data", M),
    "+": lambda: t + M,
    "reflected +": lambda: M + t,
    "reflected *": lambda: M * t,
    "@": lambda: t @ M,
    "compared": lambda: t > M,
    "add": lambda: np.add(t, M),
    "reflected add": lambda: np.add(M, t),
    "np.ma.add": lambda: np.ma.add(t, M),
    "np.ma.exp": lambda: np.ma.exp(t),
    "np.ma.where": lambda: np.ma.where(M > 1, t, 0.0),
    "np.ma.masked_where": lambda: np.ma.masked_where([True, False], t),
    "where": lambda: np.where(M > 1, t, 0.0),
    "concatenate": lambda: np.concatenate([t, M]),
    "stack": lambda: np.stack([M, t]),
    "einsum": lambda: np.einsum("i,i", t, M),
    "clip": lambda: np.clip(t, M, 3.0),
    "index": lambda: t[M > 0],
    "row of indices": lambda: t[[np.ma.array(0, mask=True)]],
    "backward": lambda: (2 * t).backward(M),
    "gradients": lambda: ag.gradients(2 * t, [t], M),
    "grad": lambda: ag.grad(cube)(M),
    "grad of a dict": lambda: ag.grad(lambda p: cube(p["x"]))({"x": M}),
    "hessian": lambda: ag.hessian(cube)(M),
    "hvp": lambda: ag.hvp(cube)(np.ones(2), M),
    "jvp": lambda: ag.jvp(cube, (np.ones(2),), (M,)),
    "vjp": lambda: ag.vjp(np.exp, np.ones(2))[1](M),
    "compile": lambda: ag.compile(lambda x: 2 * x)(M),
    "check_gradients": lambda: ag.check_gradients(cube, M),
    "compare": lambda: ag.compare(cube(t), {"t": M}),
    "forward": lambda: net.forward(SAMPLES),
    "set_parameters": lambda: net.set_parameters({"W1": np.ma.array([[1.0]], mask=[[1]])}),
    "fit": lambda: fitted(SAMPLES, np.ones((1, 2))),
    "fit, labels": lambda: fitted(np.ones((1, 2)), SAMPLES),
    "evaluate": lambda: nn.evaluate(net, SAMPLES, np.ones((1, 2)), nn.losses.half_squared_error),
    "a loss": lambda: nn.losses.half_squared_error(net(np.ones((1, 2))), SAMPLES),
    "standardize": lambda: nn.datasets.standardize(SAMPLES),
    "one_hot": lambda: nn.datasets.one_hot(np.ma.array([0, 1], mask=[0, 1])),
    "decision_boundary": lambda: nn.plots.decision_boundary(
        nn.Network([2, 1], ["tanh"]), np.ma.array([[1.0], [2.0]]), np.ones((1, 1)), ax=object()
    ),
}


@pytest.mark.parametrize("use", USES)
def test_a_masked_array_is_refused(use):
    with pytest.raises((ValueError, TypeError), match=r"np\.ma|masked array|is not an array"):
        USES[use]()


def test_the_hint_works():
    assert ag.Tensor(M.filled(0.0)).numpy().tolist() == [1.0, 0.0]
    assert ag.Tensor(M.data).numpy().tolist() == [1.0, 2.0]


def test_the_name_is_said():
    with pytest.raises(ValueError, match=r"^X is a masked array \(np.ma\), .* \.filled\(0\.0\)"):
        net.forward(SAMPLES)
    with pytest.raises(ValueError, match="^W1 is a masked array"):
        USES["set_parameters"]()
    with pytest.raises(ValueError, match="^t is a masked array"):
        USES["compare"]()
