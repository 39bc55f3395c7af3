"""Networks in PyTorch and in ONNX: the same outputs, and in PyTorch the same gradients."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from test_nn_layers import CASES, case, deep, images, samples_first

import autograd_lite as ag
import nn
from nn import exports, numpy_source
from nn.layers import Activation, BatchNormalization, Dense, Dropout, Embedding, Flatten


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


def assert_the_source_is_the_network(net, A):
    """Forward and backward, run as written, against the tape."""
    scope = {}
    text = net.source()
    assert [line for line in text.splitlines() if "import" in line] == ["import numpy as np"]
    exec(compile(text, "source", "exec"), scope)
    p = {name: t.numpy() for name, t in net.parameters().items()} | net.statistics()
    output, v = scope["forward"](p, A)
    X = ag.Tensor(A, requires_grad=True, name="X")
    taped = net(X)
    np.testing.assert_allclose(output, taped.numpy(), rtol=1e-12, atol=1e-14)
    G = np.random.default_rng(1).normal(size=output.shape)
    found = scope["backward"](p, v, G)
    tensors = {**net.parameters(), "X": X}
    assert set(found) == set(tensors)
    gradients = ag.gradients(np.sum(taped * G), list(tensors.values()))
    for name, expected in zip(tensors, gradients, strict=True):
        np.testing.assert_allclose(found[name], expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("batch_axis", [0, 1])
@pytest.mark.parametrize("name", CASES)
def test_the_source_of_every_layer(name, batch_axis):
    assert_the_source_is_the_network(*measured(name, batch_axis))


@pytest.mark.parametrize("batch_axis", [0, 1])
def test_the_source_of_a_deep_network(batch_axis):
    X = np.moveaxis(images(7)[0], 0, -batch_axis)
    assert_the_source_is_the_network(deep(batch_axis), X)


@pytest.mark.parametrize("batch_axis", [0, 1])
def test_the_source_of_an_embedding_after_another_layer(batch_axis, rng):
    layers = [Dense(3), Activation("relu"), Embedding(6, 2), Flatten(), Dense(2, "tanh")]
    net = nn.Network([3, *layers], rng=0, batch_axis=batch_axis)
    net.set_parameters({"W1": np.eye(3)[::-1]})  # words remain words
    A = rng.integers(6, size=(3, 5) if batch_axis == 1 else (5, 3)).astype(float)
    assert_the_source_is_the_network(net, A)


@pytest.mark.parametrize("activation", nn.activations.NAMES)
def test_the_source_of_every_activation(activation, rng):
    net = nn.Network([3, 4, 2], [activation, "identity"], rng=0)
    assert_the_source_is_the_network(net, 3 * rng.normal(size=(3, 6)))


def test_the_source_has_lines_for_all():
    assert set(numpy_source.LINES) == set(nn.layers.BY_NAME.values())
    assert set(numpy_source.ACTIVATION_LINES) == set(nn.activations.NAMES)
    with pytest.raises(ValueError, match="is of your own"):
        nn.Network([2, 1], [np.tanh]).source()


def test_a_wrong_line_would_be_seen(monkeypatch):
    wrong = {"tanh": ("np.tanh(@Z)", "@d * (1 - @+)"), "identity": ("@Z", "@d")}
    monkeypatch.setattr(numpy_source, "ACTIVATION_LINES", wrong)
    with pytest.raises(AssertionError):
        assert_the_source_is_the_network(nn.Network([2, 3], ["tanh"], rng=0), np.ones((2, 4)))


def test_pytorch_goes_on_measuring_as_the_network_does(rng):
    torch = pytest.importorskip("torch", reason="PyTorch is the judge here: pip install torch")
    net = nn.Network([(3, 4), BatchNormalization(share=0.3)], rng=0, batch_axis=0)
    X = rng.normal(2, 3, size=(6, 3, 4))
    net.set_statistics(net.forward(X, training=rng).statistics)
    model = net.to_torch().train()
    model(torch.tensor(X))
    net.set_statistics(net.forward(X, training=rng).statistics)
    for name, theirs in (("mean1", "0.running_mean"), ("variance1", "0.running_var")):
        found = model.state_dict()[theirs].numpy()
        np.testing.assert_allclose(net.statistics()[name].ravel(), found, rtol=1e-12)
