"""A network as NumPy source that a person can read: a function forward, and a function backward.

The closed form of each layer is written here as text, in the documents' letters, and judged by the
tape in the tests. Layers compute as after training. In the lines, `@A` is the input of the layer,
`@+` its output, `@Z` and `@h` what the activation gets and what arrives there, `@d` what arrives at
the output, and `@l` the number of the layer.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from nn import layers as known

_HEAD = '''"""{net}, as it computes after training.

    A, v = forward(p, X)           # p: parameters (and statistics) by name; v: every value by name
    gradients = backward(p, v, dA) # dA: the gradient that arrives at A; the gradients of p and of X
"""

import numpy as np
'''
_WINDOWS = '''

def windows(X, size, stride):
    """(samples, channels, places..., window...): what is under a window, at each place."""
    d = X.ndim - 2
    V = np.lib.stride_tricks.sliding_window_view(X, (size,) * d, tuple(range(2, 2 + d)))
    return V[(slice(None), slice(None), *[slice(None, None, stride)] * d)]


def added_up(dV, shape, stride):
    """The gradient of X from that of its windows: each value adds up those that it was in."""
    d = len(shape) - 2
    dX = np.zeros(shape, dV.dtype)
    for at in np.ndindex(*dV.shape[2 + d :]):
        place = [slice(i, i + stride * n, stride) for i, n in zip(at, dV.shape[2:], strict=False)]
        dX[(slice(None), slice(None), *place)] += dV[(..., *at)]
    return dX
'''

_SIGMOID = "(1 + np.tanh(@Z / 2)) / 2"
# Each activation: σ(Z), and H = ∂J/∂Z from what arrives at A. @c is the axis of the classes.
ACTIVATION_LINES = {
    "identity": ("@Z", "@d"),
    "sigmoid": (_SIGMOID, "@d * @+ * (1 - @+)"),
    "tanh": ("np.tanh(@Z)", "@d * (1 - @+**2)"),
    "relu": ("np.maximum(@Z, 0)", "@d * (@Z > 0)"),
    "softplus": ("np.logaddexp(0, @Z)", f"@d * {_SIGMOID}"),
    "sin": ("np.sin(@Z)", "@d * np.cos(@Z)"),
    "softmax": (
        "(E := np.exp(@Z - @Z.max(@c, keepdims=True))) / E.sum(@c, keepdims=True)",
        "@+ * (@d - np.sum(@d * @+, @c, keepdims=True))",
    ),
}
Lines = tuple[list[str], list[str]]  # of the way forward, and of the way back


def numpy_source(net: Any) -> str:
    """The source of the two functions, with no import but NumPy's.

    Raises ValueError for a layer or an activation of your own.

    >>> import nn
    >>> print(numpy_source(nn.Network([2, 1], ["sigmoid"], rng=0)).split("import numpy as np")[1])
    <BLANKLINE>
    <BLANKLINE>
    def forward(p, X):
        A0 = X
        Z1 = p["W1"] @ A0 + p["b1"]
        A1 = (1 + np.tanh(Z1 / 2)) / 2
        return A1, {"A0": A0, "Z1": Z1, "A1": A1}
    <BLANKLINE>
    <BLANKLINE>
    def backward(p, v, dA1):
        dZ1 = dA1 * v["A1"] * (1 - v["A1"])
        dW1 = dZ1 @ v["A0"].T
        db1 = dZ1.sum(1, keepdims=True)
        dA0 = p["W1"].T @ dZ1
        return {"W1": dW1, "b1": db1, "X": dA0}
    <BLANKLINE>
    """
    down: list[str] = []
    up = [f"A0 = X{_reshaped(net)}"]
    for l, (layer, shape) in enumerate(zip(net.layers, net.shapes[:-1], strict=True), start=1):
        if known.is_own(layer):
            raise ValueError(f"layer {l}, {layer}, is of your own: nobody else knows its lines")
        there, back = LINES[type(layer)](layer, len(shape), net.batch_axis)
        if hasattr(layer, "activation"):
            σ, H = ACTIVATION_LINES[layer.activation]
            there, back = [*there, f"@+ = {σ}"], [f"@h = {H}", *back]
        up += [_with_names(line, l, net.batch_axis) for line in there]
        down = [_with_names(line, l, net.batch_axis) for line in back] + down
    kept = dict.fromkeys(line.split(" = ")[0] for line in up)
    down = [_from_values(line, kept) for line in down]
    found = [*(f'"{name}": d{name}' for name in net.parameters()), '"X": dA0']
    values = ", ".join(f'"{name}": {name}' for name in kept)
    text = _HEAD.format(net=net)
    if any("windows(" in line for line in up):
        text += _WINDOWS
    text += _defined_as("forward(p, X)", [*up, f"return A{net.L}, {{{values}}}"])
    text += _defined_as(f"backward(p, v, dA{net.L})", [*down, f"return {{{', '.join(found)}}}"])
    return text


def _defined_as(head: str, lines: list[str]) -> str:
    return f"\n\ndef {head}:\n" + "".join(f"    {line}\n" for line in lines)


def _reshaped(net: Any) -> str:
    shape = net.shapes[0]
    if len(shape) == 1:
        return ""
    return f".reshape({(*shape, -1) if net.batch_axis == 1 else (-1, *shape)})"


def _with_names(line: str, l: int, batch_axis: int) -> str:
    """The names of layer l for the signs in a line."""
    for sign, name in {
        "@A": f"A{l - 1}",
        "@+": f"A{l}",
        "@Z": f"Z{l}",
        "@d": f"dA{l}",
        "@h": f"dZ{l}",
        "@l": str(l),
        "@c": str(1 - batch_axis),
    }.items():
        line = line.replace(sign, name)
    return line


def _from_values(line: str, kept: dict[str, None]) -> str:
    """A line of the way back, in which what the way forward has kept is read from v."""
    names = "|".join(kept)
    return re.sub(rf"(?<![\w\"'])({names})(?![\w\"'])", r'v["\1"]', line)


def _dense_lines(layer: Any, d: int, batch_axis: int) -> Lines:
    if batch_axis == 1:
        return ['@Z = p["W@l"] @ @A + p["b@l"]'], [
            "dW@l = @h @ @A.T",
            "db@l = @h.sum(1, keepdims=True)",
            'd@A = p["W@l"].T @ @h',
        ]
    return ['@Z = @A @ p["W@l"] + p["b@l"]'], [
        "dW@l = @A.T @ @h",
        "db@l = @h.sum(0, keepdims=True)",
        'd@A = @h @ p["W@l"].T',
    ]


def _normalization_lines(axes: Any, measured: bool, epsilon: float, summed: Any) -> Lines:
    mean = f"@A.mean({axes}, keepdims=True)" if measured else 'p["mean@l"]'
    variance = f"@A.var({axes}, keepdims=True)" if measured else 'p["variance@l"]'
    there = [
        f"S@l = np.sqrt({variance} + {epsilon})",
        f"N@l = (@A - {mean}) / S@l",
        '@+ = p["scale@l"] * N@l + p["shift@l"]',
    ]
    back = [
        f"dscale@l = (@d * N@l).sum({summed}, keepdims=True)",
        f"dshift@l = @d.sum({summed}, keepdims=True)",
        'dN@l = @d * p["scale@l"]',
    ]
    if not measured:
        return there, [*back, "d@A = dN@l / S@l"]
    means = [f"dN@l.mean({axes}, keepdims=True)", f"(dN@l * N@l).mean({axes}, keepdims=True)"]
    return there, [*back, f"d@A = (dN@l - {means[0]} - N@l * {means[1]}) / S@l"]


def _batch_normalization_lines(layer: Any, d: int, batch_axis: int) -> Lines:
    axes = tuple(axis for axis in range(d + 1) if axis != 1 - batch_axis)
    return _normalization_lines(axes, False, layer.epsilon, axes)


def _layer_normalization_lines(layer: Any, d: int, batch_axis: int) -> Lines:
    axes = tuple(range(d)) if batch_axis == 1 else tuple(range(1, d + 1))
    return _normalization_lines(axes, True, layer.epsilon, -batch_axis)


def _embedding_lines(layer: Any, d: int, batch_axis: int) -> Lines:
    return ['@+ = np.moveaxis(p["W@l"][@A.astype(int)], -1, @c)'], [
        'dW@l = np.zeros_like(p["W@l"])',
        "np.add.at(dW@l, @A.astype(int), np.moveaxis(@d, @c, -1))",
        "d@A = 0 * @A",
    ]


def _first(name: str, batch_axis: int) -> str:
    """An array with samples first, as convolution and pooling have them."""
    return name if batch_axis == 0 else f"np.moveaxis({name}, -1, 0)"


def _last(name: str, batch_axis: int) -> str:
    """An array with samples first in the layout of the network."""
    return name if batch_axis == 0 else f"np.moveaxis({name}, 0, -1)"


def _convolution_lines(layer: Any, d: int, batch_axis: int) -> Lines:
    n, k = d - 1, layer.padding  # axes of places
    places, window = list(range(2, 2 + n)), list(range(2 + n, 2 + 2 * n))
    pad = [(0, 0), (0, 0), *[(k, k)] * n]
    inner = ", ".join([":", ":", *[f"{k}:-{k}" if k else ":"] * n])
    others = tuple(axis for axis in range(d + 1) if axis != 1 - batch_axis)
    there = [
        f"X@l = np.pad({_first('@A', batch_axis)}, {pad})",
        f"V@l = windows(X@l, {layer.size}, {layer.stride})",
        f'T@l = np.tensordot(V@l, p["W@l"], ({[1, *window]}, {[1, *places]}))',
        f'@Z = {_last("np.moveaxis(T@l, -1, 1)", batch_axis)} + p["b@l"]',
    ]
    back = [
        f"dW@l = np.tensordot({_first('@h', batch_axis)}, V@l, ({[0, *places]}, {[0, *places]}))",
        f"db@l = @h.sum({others}, keepdims=True)",
        f'dT@l = np.tensordot({_first("@h", batch_axis)}, p["W@l"], (1, 0))',
        f"dV@l = np.moveaxis(dT@l, {1 + n}, 1)",
        f"dX@l = added_up(dV@l, X@l.shape, {layer.stride})[{inner}]",
        f"d@A = {_last('dX@l', batch_axis)}",
    ]
    return there, back


def _pooling_lines(layer: Any, d: int, batch_axis: int) -> Lines:
    n, largest = d - 1, type(layer) is known.MaxPooling
    window, stride = tuple(range(2 + n, 2 + 2 * n)), layer.stride or layer.size
    there = [
        f"X@l = {_first('@A', batch_axis)}",
        f"V@l = windows(X@l, {layer.size}, {stride})",
        f"T@l = V@l.{'max' if largest else 'mean'}({window})",
        f"@+ = {_last('T@l', batch_axis)}",
    ]
    share = f"1 / {layer.size**n} + 0 * V@l"
    if largest:
        share = f"V@l == V@l.max({window}, keepdims=True)"
    return there, [
        f"share@l = {share}",
        f"dV@l = share@l / share@l.sum({window}, keepdims=True)",
        f"dV@l = dV@l * np.expand_dims({_first('@d', batch_axis)}, {window})",
        f"dX@l = added_up(dV@l, X@l.shape, {stride})",
        f"d@A = {_last('dX@l', batch_axis)}",
    ]


LINES: dict[type[known.Layer], Callable[[Any, int, int], Lines]] = {
    known.Dense: _dense_lines,
    known.Activation: lambda layer, d, batch_axis: (["@Z = @A"], ["d@A = @h"]),
    known.Flatten: lambda layer, d, batch_axis: (
        [f"@+ = @A.reshape({'-1, @A.shape[-1]' if batch_axis == 1 else 'len(@A), -1'})"],
        ["d@A = @d.reshape(@A.shape)"],
    ),
    known.Dropout: lambda layer, d, batch_axis: (["@+ = @A"], ["d@A = @d"]),
    known.BatchNormalization: _batch_normalization_lines,
    known.LayerNormalization: _layer_normalization_lines,
    known.Embedding: _embedding_lines,
    known.Convolution: _convolution_lines,
    known.MaxPooling: _pooling_lines,
    known.MeanPooling: _pooling_lines,
}
