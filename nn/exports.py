"""A network as a module of PyTorch, or as an ONNX file. In both, samples come first.

Each layer has one entry in either table: MODULES makes PyTorch's module of it, NODES the nodes of
ONNX.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autograd_lite import files
from autograd_lite.extras import needed
from nn import layers as known
from nn.arrays import Array, Shape
from nn.layers import Layer

Parts = dict[str, Array]  # the arrays of a layer by letter, as both libraries have them


def to_torch(net: Any) -> Any:
    """A torch.nn.Sequential that computes what the network does, and is trained on by PyTorch.

    It has copies of the parameters, in their dtype, and takes samples first, whatever the
    network's `batch_axis`. It is in evaluation mode. Raises ImportError without PyTorch, ValueError
    for a layer or an activation of your own.
    """
    torch = needed("torch", "net.to_torch() needs PyTorch", "bench")
    modules, dtype = [], getattr(torch, net.dtype.name)
    for layer, shape, p in _layers_of(net):
        module = MODULES[type(layer)](torch, layer, shape).to(dtype)
        names = {name: torch.tensor(p[key]) for key, name in TORCH_NAMES.items() if key in p}
        if names:
            module.load_state_dict(names, strict=False)
        modules.append(module)
        if activation := getattr(layer, "activation", None):
            modules.append(_activation_of_torch(torch, activation))
    return torch.nn.Sequential(*modules).eval()


def to_onnx(net: Any, path: str | os.PathLike[str]) -> None:
    """Write the network to an ONNX file: `X` (samples first) in, `output` out, in float32.

    Raises ImportError without the extra `onnx`, OSError for a place that cannot be written, and
    ValueError for a layer or an activation of your own.
    """
    onnx = needed("onnx", "net.to_onnx() needs onnx", "onnx")
    graph = _Graph(onnx)
    value = "X"
    for layer, shape, p in _layers_of(net):
        value = NODES[type(layer)](graph, value, layer, shape, p)
        if activation := getattr(layer, "activation", None):
            options: dict[str, Any] = {"axis": 1} if activation == "softmax" else {}
            value = graph.add(OPERATORS[activation], [value], **options)
    graph.add("Identity", [value], output="output")
    kind, shapes = onnx.TensorProto.FLOAT, (net.shapes[0], net.shapes[-1])
    ends = [
        onnx.helper.make_tensor_value_info(name, kind, ["m", *shape])
        for name, shape in zip(("X", "output"), shapes, strict=True)
    ]
    made = onnx.helper.make_graph(graph.nodes, "network", ends[:1], ends[1:], graph.constants)
    opset = [onnx.helper.make_opsetid("", 17)]
    model = onnx.helper.make_model(made, opset_imports=opset, ir_version=8)
    onnx.checker.check_model(model)
    files.write(path, model.SerializeToString())


def _layers_of(net: Any) -> Iterator[tuple[Layer, Shape, Parts]]:
    """Each layer, the shape of its samples, and its arrays, W of dense layers (n_out, n_in)."""
    values = {name: p.numpy() for name, p in net.parameters().items()} | net.statistics()
    for l, (layer, shape) in enumerate(zip(net.layers, net.shapes[:-1], strict=True), start=1):
        if known.is_own(layer):
            raise ValueError(f"layer {l}, {layer}, is of your own: nobody else knows it")
        found = {}
        for letter in ("W", "b", "scale", "shift", "mean", "variance"):
            if (name := f"{letter}{l}") in values:
                one = values[name]
                found[letter] = one if letter == "W" else one.ravel()
                if isinstance(layer, known.LayerNormalization):
                    found[letter] = one.reshape(shape)
        if isinstance(layer, known.Dense) and net.batch_axis == 0:
            found["W"] = found["W"].T.copy()
        yield layer, shape, found


TORCH_NAMES = {
    "W": "weight",
    "b": "bias",
    "scale": "weight",
    "shift": "bias",
    "mean": "running_mean",
    "variance": "running_var",
}


def _by_axes(torch: Any, name: str, shape: Shape) -> Any:
    """The kind of a module, such as Conv2d, for samples of this shape."""
    return getattr(torch.nn, f"{name}{max(len(shape) - 1, 1)}d")


def _function(torch: Any, f: Callable[[Any], Any]) -> Any:
    """A module of a function, for what PyTorch has no module of."""

    class Function(torch.nn.Module):
        def forward(self, X: Any) -> Any:
            return f(X)

    return Function()


def _activation_of_torch(torch: Any, name: str) -> Any:
    made: dict[str, Callable[[], Any]] = {
        "identity": torch.nn.Identity,
        "sigmoid": torch.nn.Sigmoid,
        "tanh": torch.nn.Tanh,
        "relu": torch.nn.ReLU,
        "softplus": lambda: _function(torch, lambda Z: torch.logaddexp(Z, torch.zeros_like(Z))),
        "sin": lambda: _function(torch, torch.sin),
        "softmax": lambda: torch.nn.Softmax(dim=1),
    }
    return made[name]()


def _embedding(torch: Any, layer: Any) -> Any:
    class Words(torch.nn.Embedding):
        def forward(self, X: Any) -> Any:
            return super().forward(X.long()).movedim(-1, 1)

    return Words(layer.words, layer.features)


MODULES: dict[type[Layer], Callable[[Any, Any, Shape], Any]] = {
    known.Dense: lambda torch, layer, shape: torch.nn.Linear(shape[0], layer.units),
    known.Activation: lambda torch, layer, shape: torch.nn.Identity(),
    known.Flatten: lambda torch, layer, shape: torch.nn.Flatten(),
    known.Dropout: lambda torch, layer, shape: torch.nn.Dropout(layer.share),
    known.BatchNormalization: lambda torch, layer, shape: _by_axes(torch, "BatchNorm", shape)(
        shape[0], eps=layer.epsilon, momentum=layer.share
    ),
    known.LayerNormalization: lambda torch, layer, shape: torch.nn.LayerNorm(
        shape, eps=layer.epsilon
    ),
    known.Embedding: lambda torch, layer, shape: _embedding(torch, layer),
    known.Convolution: lambda torch, layer, shape: _by_axes(torch, "Conv", shape)(
        shape[0], layer.filters, layer.size, stride=layer.stride, padding=layer.padding
    ),
    known.MaxPooling: lambda torch, layer, shape: _by_axes(torch, "MaxPool", shape)(
        layer.size, layer.stride
    ),
    known.MeanPooling: lambda torch, layer, shape: _by_axes(torch, "AvgPool", shape)(
        layer.size, layer.stride
    ),
}

OPERATORS = {
    "identity": "Identity",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "relu": "Relu",
    "softplus": "Softplus",
    "sin": "Sin",
    "softmax": "Softmax",
}


class _Graph:
    """The nodes and constants of an ONNX graph, each with a name of its own."""

    def __init__(self, onnx: Any) -> None:
        self.onnx = onnx
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, operator: str, inputs: list[Any], output: str = "", **options: Any) -> str:
        """A node; arrays among its inputs become constants. Returns the name of its output."""
        names = [x if isinstance(x, str) else self._constant(x) for x in inputs]
        output = output or f"value{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(operator, names, [output], **options))
        return output

    def _constant(self, array: Array) -> str:
        array = array.astype(np.float32) if array.dtype.kind == "f" else array
        name = f"constant{len(self.constants)}"
        self.constants.append(self.onnx.numpy_helper.from_array(array, name))
        return name


def _window(layer: Any, shape: Shape) -> dict[str, Any]:
    d = len(shape) - 1
    return {"kernel_shape": [layer.size] * d, "strides": [layer.stride or layer.size] * d}


def _gathered(graph: _Graph, x: str, layer: Any, shape: Shape, p: Parts) -> str:
    words = graph.add("Cast", [x], to=graph.onnx.TensorProto.INT64)
    rows = graph.add("Gather", [p["W"], words], axis=0)
    n = len(shape)
    return graph.add("Transpose", [rows], perm=[0, n + 1, *range(1, n + 1)])


def _convolved(graph: _Graph, x: str, layer: Any, shape: Shape, p: Parts) -> str:
    pads = [layer.padding] * (2 * (len(shape) - 1))
    return graph.add("Conv", [x, p["W"], p["b"]], pads=pads, **_window(layer, shape))


NODES: dict[type[Layer], Callable[[_Graph, str, Any, Shape, Parts], str]] = {
    known.Dense: lambda graph, x, layer, shape, p: graph.add("Gemm", [x, p["W"], p["b"]], transB=1),
    known.Activation: lambda graph, x, layer, shape, p: x,
    known.Flatten: lambda graph, x, layer, shape, p: graph.add("Flatten", [x], axis=1),
    known.Dropout: lambda graph, x, layer, shape, p: x,
    known.BatchNormalization: lambda graph, x, layer, shape, p: graph.add(
        "BatchNormalization",
        [x, p["scale"], p["shift"], p["mean"], p["variance"]],
        epsilon=layer.epsilon,
    ),
    known.LayerNormalization: lambda graph, x, layer, shape, p: graph.add(
        "LayerNormalization", [x, p["scale"], p["shift"]], axis=1, epsilon=layer.epsilon
    ),
    known.Embedding: _gathered,
    known.Convolution: _convolved,
    known.MaxPooling: lambda graph, x, layer, shape, p: graph.add(
        "MaxPool", [x], **_window(layer, shape)
    ),
    known.MeanPooling: lambda graph, x, layer, shape, p: graph.add(
        "AveragePool", [x], **_window(layer, shape)
    ),
}
