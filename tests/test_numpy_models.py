"""Models as people write them in plain NumPy: eager and compiled, equal to PyTorch's own layers."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from builders import normal
from models import MODELS

import autograd_lite as ag

for kind in ("images", "sequences", "costs", "probabilities", "dynamics"):
    importlib.import_module(f"models_{kind}")


@pytest.fixture
def torch():
    """PyTorch in double precision."""
    torch = pytest.importorskip("torch")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield torch
    torch.set_default_dtype(before)


def parameters_of(name):
    f, _, shapes = MODELS[name]
    return f, [normal(*shape, seed=k) for k, shape in enumerate(shapes)]


@pytest.mark.parametrize("name", MODELS)
def test_a_model_runs_unchanged_on_tensors_and_compiled(name):
    f, parameters = parameters_of(name)
    both = ag.value_and_grad(lambda p: f(*p))
    value, gradient = both(parameters)
    np.testing.assert_allclose(value, f(*parameters), rtol=1e-13)
    ag.check_gradients(f, *parameters)
    run = ag.compile(both)
    for data in (parameters, [normal(*p.shape, seed=9) for p in parameters]):
        value, gradient = both(data)
        again, compiled = run(data)
        np.testing.assert_allclose(again, value, rtol=1e-13)
        for g, expected in zip(compiled, gradient, strict=True):
            np.testing.assert_allclose(g, expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_pytorchs(name, torch):
    f, parameters = parameters_of(name)
    value, gradient = ag.value_and_grad(lambda p: f(*p))(parameters)
    leaves = [torch.tensor(p, requires_grad=True) for p in parameters]
    cost = MODELS[name][1](torch, *leaves)
    np.testing.assert_allclose(value, cost.item(), rtol=1e-12)
    for g, expected in zip(gradient, torch.autograd.grad(cost, leaves), strict=True):
        np.testing.assert_allclose(g, expected.numpy(), rtol=1e-9, atol=1e-11)
