"""Layers and losses as courses have them, each in several people's styles, and what they run on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.course import convolution, dense, losses, normalization, recurrent

Rng = np.random.Generator
MODULES = (dense, normalization, convolution, losses, recurrent)


@dataclass(frozen=True)
class Example:
    """A layer or a loss in one style. backward: its name; forward: the name of the layer's forward
    pass, None for a loss, which returns the cost and its gradients. draw: arguments of any size.
    wrt: whose gradients are returned, where that is not clear.
    """

    layer: str
    module: Any
    backward: str
    forward: str | None
    draw: Callable[[Rng], tuple[Any, ...]]
    wrt: tuple[str, ...] | None = None


def _size(rng: Rng, least: int = 2, most: int = 6) -> int:
    return int(rng.integers(least, most + 1))


def _normalization(rng: Rng) -> tuple[Any, ...]:
    n, d = _size(rng, 3), _size(rng, 3)
    return rng.normal(size=(n, d)), rng.normal(size=d), rng.normal(size=d), 1e-5


def _classes(rng: Rng) -> tuple[Any, ...]:
    n, d, k = _size(rng), _size(rng), _size(rng, 3)
    y = rng.integers(0, k, n)
    return rng.normal(size=(d, k)), rng.normal(size=(n, d)), y, 0.1 + rng.random()


def _convolution(rng: Rng) -> tuple[Any, ...]:
    n, c, f, k, stride = _size(rng, 1, 2), _size(rng, 1, 2), _size(rng, 1, 3), 2, _size(rng, 1, 2)
    h, w = (k + stride * _size(rng, 1, 3) for _ in range(2))
    arrays = rng.normal(size=(n, c, h, w)), rng.normal(size=(f, c, k, k)), rng.normal(size=f)
    return *arrays, stride


def _padded_convolution(rng: Rng) -> tuple[Any, ...]:
    n, c, f, stride, pad = *(_size(rng, 1, 2) for _ in range(3)), _size(rng, 1, 2), 1
    h, w = (1 + stride * _size(rng, 1, 2) for _ in range(2))
    x, kernel = rng.normal(size=(n, c, h, w)), rng.normal(size=(f, c, 3, 3))
    return x, kernel, rng.normal(size=f), stride, pad


def _pooling(rng: Rng, blocks: bool = True) -> tuple[Any, ...]:
    n, c, size = _size(rng, 1, 2), _size(rng, 1, 2), 2
    h, w = (size * _size(rng, 1, 3) for _ in range(2))
    return (rng.normal(size=(n, c, h, w)), size) + (() if blocks else (2,))


def _recurrent(rng: Rng, gates: int = 1, rows: bool = True) -> tuple[Any, ...]:
    n, t, d, h = _size(rng), _size(rng, 2, 4), _size(rng), _size(rng)
    x, h0 = rng.normal(size=(n, t, d)), rng.normal(size=(n, h))
    weights = [rng.normal(size=s) / 2 for s in ((d, gates * h), (h, gates * h), gates * h)]
    if not rows:
        return x.transpose(1, 2, 0), h0.T, weights[0].T, weights[1].T, weights[2][:, None]
    return x, h0, *weights


def _step(rng: Rng) -> tuple[Any, ...]:
    x, h0, *weights = _recurrent(rng)
    return x[:, 0], h0, *weights


def _lstm_step(rng: Rng) -> tuple[Any, ...]:
    x, h0, *weights = _recurrent(rng, 4)
    return x[:, 0], h0, rng.normal(size=h0.shape), *weights


def _lstm(rng: Rng) -> tuple[Any, ...]:
    x, *others = _recurrent(rng, 4)
    return x.transpose(1, 0, 2), *others


def _affine(rng: Rng) -> tuple[Any, ...]:
    n, d, m = _size(rng), _size(rng), _size(rng)
    return rng.normal(size=(n, d, 2)), rng.normal(size=(2 * d, m)), rng.normal(size=m)


def _columns(rng: Rng) -> tuple[Any, ...]:
    n, d, m = _size(rng), _size(rng), _size(rng)
    return rng.normal(size=(d, m)), rng.normal(size=(n, d)), rng.normal(size=(n, 1))


def _matrix(rng: Rng) -> tuple[Any, ...]:
    return (rng.normal(size=(_size(rng), _size(rng))),)


def _dropout(rng: Rng) -> tuple[Any, ...]:
    (x,) = _matrix(rng)
    keep = 0.3 + 0.5 * rng.random()
    return x, keep, (rng.random(x.shape) < keep) * 1.0


def _drawn_dropout(rng: Rng) -> tuple[Any, ...]:
    (x,) = _matrix(rng)
    return x, 0.3 + 0.4 * rng.random(), rng.random(x.shape)


def _embedding(rng: Rng) -> tuple[Any, ...]:
    table = rng.normal(size=(_size(rng, 3), _size(rng)))
    return rng.integers(0, len(table), (_size(rng), _size(rng))), table


def _logistic(rng: Rng) -> tuple[Any, ...]:
    d, m = _size(rng), _size(rng)
    w, X, Y = rng.normal(size=(d, 1)), rng.normal(size=(d, m)), rng.integers(0, 2, (1, m)) * 1.0
    return w, np.array(rng.normal()), X, Y


def _scores(rng: Rng) -> tuple[Any, ...]:
    n, k = _size(rng), _size(rng, 3)
    return rng.normal(size=(n, k)), rng.integers(0, k, n)


def _two_layers(rng: Rng) -> tuple[Any, ...]:
    n, d, h, k = _size(rng), _size(rng), _size(rng), _size(rng, 3)
    arrays = [rng.normal(size=s) for s in ((d, h), h, (h, k), k)]
    return rng.normal(size=(n, d)), rng.integers(0, k, n), *arrays, 0.1 + rng.random()


def _attention(rng: Rng) -> tuple[Any, ...]:
    t, d, k, v = (_size(rng) for _ in range(4))
    return rng.normal(size=(t, d)), *(rng.normal(size=(d, n)) for n in (k, k, v))


def _batch_of_attention(rng: Rng) -> tuple[Any, ...]:
    b, t, s, d, v = (_size(rng) for _ in range(5))
    return rng.normal(size=(b, t, d)), rng.normal(size=(b, s, d)), rng.normal(size=(b, s, v))


_LAYERS: list[tuple[str, Any, str, list[Callable[[Rng], tuple[Any, ...]]]]] = [
    ("affine", dense, "affine", [_affine, _columns, _affine]),
    ("relu", dense, "relu", [_matrix, _matrix]),
    ("sigmoid", dense, "sigmoid", [_matrix, _matrix]),
    ("tanh", dense, "tanh", [_matrix]),
    ("dropout", dense, "dropout", [_dropout, _drawn_dropout]),
    ("embedding", dense, "embedding", [_embedding, _embedding]),
    ("batch normalization", normalization, "batchnorm", [_normalization] * 3),
    ("layer normalization", normalization, "layernorm", [_normalization] * 2),
    ("convolution", convolution, "conv", [_padded_convolution, _convolution]),
    ("pooling", convolution, "max_pool", [lambda rng: _pooling(rng, False), _pooling]),
    ("pooling", convolution, "average_pool", [_pooling]),
    ("RNN", recurrent, "rnn_step", [_step]),
    ("RNN", recurrent, "rnn", [_recurrent, lambda rng: _recurrent(rng, rows=False)]),
    ("LSTM", recurrent, "lstm_step", [_lstm_step]),
    ("attention", recurrent, "attention", [_attention, _batch_of_attention]),
]
_LOSSES: list[tuple[str, Any, str, Callable[[Rng], tuple[Any, ...]]]] = [
    ("two layers", dense, "two_layers_a", _two_layers),
    ("SVM", losses, "svm_loss_a", _scores),
    ("SVM", losses, "svm_loss_b", _classes),
    ("SVM", losses, "svm_loss_c", _classes),
    ("softmax", losses, "softmax_loss_a", _scores),
    ("softmax", losses, "softmax_loss_b", _classes),
    ("softmax", losses, "softmax_loss_c", _classes),
    ("logistic regression", losses, "logistic_loss_a", _logistic),
]
EXAMPLES = [
    Example(
        layer,
        module,
        f"{name}_backward_{style}",
        f"{name}_forward_{style}",
        draw,
        ("x",) if layer == "dropout" else None,
    )
    for layer, module, name, draws in _LAYERS
    for style, draw in zip("abc", draws, strict=False)
]
EXAMPLES += [
    Example("LSTM", recurrent, "lstm_backward_b", "lstm_forward_b", _lstm),
    *(Example(layer, module, name, None, draw) for layer, module, name, draw in _LOSSES),
]
