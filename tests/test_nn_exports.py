"""Networks in PyTorch and in ONNX: the same outputs, and in PyTorch the same gradients."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from test_nn_layers import CASES, case, samples_first

import nn
from nn import exports
from nn.layers import BatchNormalization, Dense, Dropout


def measured(name, batch_axis, dtype=float):
    """A network of the table of layers, with statistics that are not those of the start."""
    net, A, *_ = case(name, batch_axis, dtype)
    f = net.forward(A, training=np.random.default_rng(0))
    net.set_statistics(f.statistics)
    return net, A


def by_onnx(path, net, A):
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {"X": samples_first(net, A).astype(np.float32)})[0]


@pytest.mark.parametrize("batch_axis", [0, 1])
@pytest.mark.parametrize("name", CASES)
def test_every_layer_is_the_same_in_pytorch(name, batch_axis):
    torch = pytest.importorskip("torch", reason="PyTorch is the judge here: pip install torch")
    net, A = measured(name, batch_axis)
    found = exports.to_torch(net)(torch.tensor(samples_first(net, A).copy())).detach().numpy()
    np.testing.assert_allclose(found, samples_first(net, net(A).numpy()), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("batch_axis", [0, 1])
@pytest.mark.parametrize("name", CASES)
def test_every_layer_is_the_same_in_onnx(name, batch_axis, tmp_path):
    pytest.importorskip("onnx")
    net, A = measured(name, batch_axis, np.float32)
    net.to_onnx(tmp_path / "net.onnx")
    found = by_onnx(tmp_path / "net.onnx", net, A)
    np.testing.assert_allclose(found, samples_first(net, net(A).numpy()), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("activation", nn.activations.NAMES)
def test_every_activation_is_the_same_in_both(activation, tmp_path, rng):
    pytest.importorskip("onnx")
    torch = pytest.importorskip("torch", reason="PyTorch is the judge here: pip install torch")
    net = nn.Network([3, 4], [activation], rng=0)
    X = 20 * rng.normal(size=(3, 6))
    expected = net(X).numpy().T
    theirs = net.to_torch()(torch.tensor(X.T.copy())).detach().numpy()
    np.testing.assert_allclose(theirs, expected, rtol=1e-12)
    net.to_onnx(tmp_path / "net.onnx")
    np.testing.assert_allclose(by_onnx(tmp_path / "net.onnx", net, X), expected, 1e-3, 1e-5)


def test_every_layer_has_an_entry_in_both_tables():
    assert set(exports.MODULES) == set(exports.NODES) == set(nn.layers.BY_NAME.values())
    assert set(exports.OPERATORS) == set(nn.activations.NAMES)


def test_pytorch_trains_it_on():
    torch = pytest.importorskip("torch", reason="PyTorch is the judge here: pip install torch")
    X, Y = nn.datasets.planar(40)
    net = nn.Network([2, 4, 1], ["tanh", "sigmoid"], rng=0)
    model = net.to_torch()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for _ in range(5):
        optimizer.zero_grad()
        torch.nn.functional.binary_cross_entropy(
            model(torch.tensor(X.T.copy())), torch.tensor(Y.T.copy())
        ).backward()
        optimizer.step()
    descent = nn.optimizers.GradientDescent(0.5)
    nn.fit(net, X, Y, nn.losses.binary_cross_entropy, descent, epochs=5)
    ours = [p.numpy() for p in net.parameters().values()]
    for value, parameter in zip(ours, model.parameters(), strict=True):
        np.testing.assert_allclose(parameter.detach().numpy().reshape(value.shape), value, 1e-9)


def test_a_layer_and_an_activation_of_ones_own_are_named(tmp_path):
    pytest.importorskip("onnx")
    pytest.importorskip("torch", reason="PyTorch is the judge here: pip install torch")
    net = nn.Network([2, BatchNormalization(), Dropout(0.5), Dense(1, np.tanh)], rng=0)
    for export in (net.to_torch, lambda: net.to_onnx(tmp_path / "net.onnx")):
        with pytest.raises(ValueError, match=r"layer 3, Dense\(1, tanh\), is of your own"):
            export()


def test_without_the_libraries_the_command_to_type_is_named(monkeypatch, tmp_path):
    net = nn.Network([2, 1], ["sigmoid"], rng=0)
    for library in ("torch", "onnx"):
        monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError, match=r'pip install "autograd-lite\[bench\]"'):
        net.to_torch()
    with pytest.raises(ImportError, match=r'pip install "autograd-lite\[onnx\]"'):
        net.to_onnx(tmp_path / "net.onnx")
