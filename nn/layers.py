"""The layers of a sequential network, each a few lines on the table of operations.

A layer is a description: what it is made of, and how it computes. The network keeps its arrays,
under names with the layer's number: parameters, which are trained (`W3`); statistics, which are
measured in training (`mean3`); and noise, drawn for each step of training (`noise3`).

The shape of a sample comes without the axis of the samples, which is the last one of every array
with `batch_axis=1`, the first with `batch_axis=0`. Images are (channels, height, width), signals
and sequences (channels, length).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

import autograd_lite as ag
from nn import activations as act
from nn.arrays import Array, Shape, checked_count, checked_fraction, first_entry

Shapes = dict[str, Shape]
Initialise = Callable[[int, int], Array]  # of n_in and n_out: weights (n_out, n_in)
Arrays = Mapping[str, Any]
Computed = tuple[Any, Any, dict[str, Any]]  # Z or None, A, and the statistics after this batch


@dataclass(frozen=True)
class Layer:
    """The base of all layers. A subclass needs only `forward`; see Dropout.

    A layer that is `random` also has `noise`.

    >>> Dense(4, "tanh").parameters((3,), batch_axis=1)
    {'W': (4, 3), 'b': (4, 1)}
    """

    random: ClassVar[bool] = False

    def output(self, shape: Shape) -> Shape:
        """The shape of a sample's output. Raises ValueError if it takes no such sample."""
        return shape

    def parameters(self, shape: Shape, batch_axis: int) -> Shapes:
        """The shape of each parameter by its letter, for samples of this shape."""
        return {}

    def statistics(self, shape: Shape, batch_axis: int) -> Shapes:
        """The shape of each statistic."""
        return {}

    def weights(self, shape: Shape, batch_axis: int, initialise: Initialise) -> Array:
        """The starting values of W. Others start at 0, or at 1 if they are STARTS_AT_ONE."""
        raise NotImplementedError

    def noise(self, shape: Shape, rng: np.random.Generator) -> Array:
        """The array `noise` of a step of training; the shape is that of all its samples."""
        raise NotImplementedError

    def forward(self, A: Any, p: Arrays, batch_axis: int, l: int, training: bool) -> Computed:
        """Z (None without an activation), the output, and new statistics, of layer number l.

        `p` has all arrays of the layer by letter; noise only in training.
        """
        raise NotImplementedError

    def _check(self, check: Callable[..., Any], *names: str, **options: Any) -> None:
        """Set arguments to what a check makes of them: NumPy's numbers become Python's."""
        for name in names:
            object.__setattr__(self, name, check(name, getattr(self, name), **options))

    def __repr__(self) -> str:
        shown, skipped = [], False
        for f in fields(self):
            value = getattr(self, f.name)
            if value == f.default:
                skipped = True
            else:
                shown.append(f"{f.name}={act.shown(value)}" if skipped else act.shown(value))
        return f"{type(self).__name__}({', '.join(shown)})"


STARTS_AT_ONE = {"scale", "variance"}  # all parameters and statistics but W that do not start at 0


@dataclass(frozen=True, repr=False)
class Dense(Layer):
    """Z = W A + b, A = σ(Z), or Z = A W + b with samples as rows."""

    units: int
    activation: str | act.ActivationFunction = "identity"

    def __post_init__(self) -> None:
        self._check(checked_count, "units")
        act.check_activation(self.activation)

    def output(self, shape: Shape) -> Shape:
        if len(shape) != 1:
            raise ValueError(f"{self} takes features, not samples {shape}: put Flatten() before it")
        return (self.units,)

    def parameters(self, shape: Shape, batch_axis: int) -> Shapes:
        n = self.units
        return (
            {"W": (n, shape[0]), "b": (n, 1)}
            if batch_axis == 1
            else {"W": (shape[0], n), "b": (1, n)}
        )

    def weights(self, shape: Shape, batch_axis: int, initialise: Initialise) -> Array:
        W = initialise(shape[0], self.units)
        return W if batch_axis == 1 else W.T

    def forward(self, A: Any, p: Arrays, batch_axis: int, l: int, training: bool) -> Computed:
        Z = p["W"] @ A + p["b"] if batch_axis == 1 else A @ p["W"] + p["b"]
        return Z, act.activate(self.activation, Z, batch_axis, l), {}


@dataclass(frozen=True, repr=False)
class Activation(Layer):
    """A = σ(Z), where Z is the output of the layer before."""

    activation: str | act.ActivationFunction

    def __post_init__(self) -> None:
        act.check_activation(self.activation)

    def forward(self, A: Any, p: Arrays, batch_axis: int, l: int, training: bool) -> Computed:
        return A, act.activate(self.activation, A, batch_axis, l), {}


@dataclass(frozen=True, repr=False)
class Flatten(Layer):
    """All values of a sample in one axis."""

    def output(self, shape: Shape) -> Shape:
        return (math.prod(shape),)

    def forward(self, A: Any, p: Arrays, batch_axis: int, l: int, training: bool) -> Computed:
        n = math.prod(A.shape) // A.shape[-batch_axis]
        return None, A.reshape((n, -1) if batch_axis == 1 else (-1, n)), {}


@dataclass(frozen=True, repr=False)
class Dropout(Layer):
    """In training, this share of all values becomes 0, and the others grow to make up for it.

    Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting",
    2014; as PyTorch's Dropout.
    """

    share: float
    random: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self._check(checked_fraction, "share")

    def noise(self, shape: Shape, rng: np.random.Generator) -> Array:
        return (rng.random(shape) >= self.share) / (1 - self.share)

    def forward(self, A: Any, p: Arrays, batch_axis: int, l: int, training: bool) -> Computed:
        return None, A * p["noise"] if training else act.identity(A), {}


@dataclass(frozen=True, repr=False)
class BatchNormalization(Layer):
    """Each channel (or feature) less its mean, over its deviation, then scaled and shifted.

    In training both are those of the batch, over samples and places, and running means of them are
    kept, each `share` new, which take their place after it. Source: Ioffe and Szegedy, "Batch
    normalization: accelerating deep network training", 2015; as PyTorch's BatchNorm1d and 2d.
    """

    share: float = 0.1
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        self._check(checked_fraction, "share", "epsilon")

    def parameters(self, shape: Shape, batch_axis: int) -> Shapes:
        one = _per_channel(shape, batch_axis)
        return {"scale": one, "shift": one}

    def statistics(self, shape: Shape, batch_axis: int) -> Shapes:
        one = _per_channel(shape, batch_axis)
        return {"mean": one, "variance": one}

    def forward(self, A: Any, p: Arrays, batch_axis: int, l: int, training: bool) -> Computed:
        if not training:
            return None, _normalized(A, p["mean"], p["variance"], self.epsilon, p), {}
        axes = tuple(axis for axis in range(A.ndim) if axis != 1 - batch_axis)
        mean, variance = _moments(A, axes)
        n = math.prod(A.shape) // A.shape[1 - batch_axis]
        if n < 2:
            raise ValueError(
                f"layer {l} normalizes over a batch of one value: give batches of more samples"
            )
        new = {"mean": mean, "variance": variance * (n / (n - 1))}  # as of a sample
        kept = {name: p[name] * (1 - self.share) + new[name] * self.share for name in new}
        return None, _normalized(A, mean, variance, self.epsilon, p), kept


@dataclass(frozen=True, repr=False)
class LayerNormalization(Layer):
    """Each sample less the mean of its values, over their deviation, then scaled and shifted.

    Source: Ba, Kiros and Hinton, "Layer normalization", 2016; as PyTorch's LayerNorm over all axes.
    """

    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        self._check(checked_fraction, "epsilon")

    def parameters(self, shape: Shape, batch_axis: int) -> Shapes:
        each = (*shape, 1) if batch_axis == 1 else (1, *shape)
        return {"scale": each, "shift": each}

    def forward(self, A: Any, p: Arrays, batch_axis: int, l: int, training: bool) -> Computed:
        axes = tuple(range(A.ndim))
        mean, variance = _moments(A, axes[:-1] if batch_axis == 1 else axes[1:])
        return None, _normalized(A, mean, variance, self.epsilon, p), {}


@dataclass(frozen=True, repr=False)
class Embedding(Layer):
    """A row of W, of so many features, for each word: (length,) becomes (features, length).

    Words are whole numbers from 0; there are `words` of them.
    """

    words: int
    features: int

    def __post_init__(self) -> None:
        self._check(checked_count, "words", "features")

    def output(self, shape: Shape) -> Shape:
        return (self.features, *shape)

    def parameters(self, shape: Shape, batch_axis: int) -> Shapes:
        return {"W": (self.words, self.features)}

    def weights(self, shape: Shape, batch_axis: int, initialise: Initialise) -> Array:
        return initialise(self.features, self.words)

    def forward(self, A: Any, p: Arrays, batch_axis: int, l: int, training: bool) -> Computed:
        ag.guard(functools.partial(self._check_words, l), A)
        rows = p["W"][A.astype(int)]
        return None, np.moveaxis(rows, -1, 1 - batch_axis), {}

    def _check_words(self, l: int, A: Array) -> None:
        wrong = (A < 0) | (A >= self.words) | (A != np.floor(A))
        if wrong.any():
            raise ValueError(
                f"layer {l}: {first_entry('its input', A, wrong)}: words are whole numbers from 0 "
                f"to {self.words - 1}"
            )


@dataclass(frozen=True, repr=False)
class Convolution(Layer):
    """Filters of a size slide over signals (channels, length) or images (channels, height, width).

    Z has a channel for each filter, which holds the filter's sum over what is under it, and its
    bias, at each place; A = σ(Z). Places are `stride` apart, and there are `padding` zeros on every
    side. As PyTorch's Conv1d and Conv2d.
    """

    filters: int
    size: int
    activation: str | act.ActivationFunction = "identity"
    stride: int = 1
    padding: int = 0

    def __post_init__(self) -> None:
        self._check(checked_count, "filters", "size", "stride")
        self._check(checked_count, "padding", least=0)
        act.check_activation(self.activation)

    def output(self, shape: Shape) -> Shape:
        return (self.filters, *_places(self, shape, self.size, self.stride, self.padding))

    def parameters(self, shape: Shape, batch_axis: int) -> Shapes:
        window = (self.size,) * (len(shape) - 1)
        b = _per_channel((self.filters, *window), batch_axis)
        return {"W": (self.filters, shape[0], *window), "b": b}

    def weights(self, shape: Shape, batch_axis: int, initialise: Initialise) -> Array:
        W = self.parameters(shape, batch_axis)["W"]
        return initialise(math.prod(W[1:]), self.filters).reshape(W)

    def forward(self, A: Any, p: Arrays, batch_axis: int, l: int, training: bool) -> Computed:
        X = _samples_first(A, batch_axis)
        d = X.ndim - 2
        if self.padding:
            X = np.pad(X, [(0, 0), (0, 0)] + [(self.padding, self.padding)] * d)
        axes = [1, *range(2 + d, 2 + 2 * d)], [1, *range(2, 2 + d)]  # channels, and within a window
        Z = np.tensordot(_windows(X, self.size, self.stride), p["W"], axes=axes)
        Z = np.moveaxis(Z, -1, 1)
        Z = (Z if batch_axis == 0 else np.moveaxis(Z, 0, -1)) + p["b"]
        return Z, act.activate(self.activation, Z, batch_axis, l), {}


@dataclass(frozen=True, repr=False)
class MaxPooling(Layer):
    """The largest value under a window of a size, at places `stride` apart (None: side by side).

    Equal maxima share the gradient. As PyTorch's MaxPool1d and 2d.
    """

    size: int
    stride: int | None = None

    def __post_init__(self) -> None:
        self._check(checked_count, "size")
        if self.stride is not None:
            self._check(checked_count, "stride")

    @property
    def _stride(self) -> int:
        return self.size if self.stride is None else self.stride

    def output(self, shape: Shape) -> Shape:
        return (shape[0], *_places(self, shape, self.size, self._stride))

    def forward(self, A: Any, p: Arrays, batch_axis: int, l: int, training: bool) -> Computed:
        X = _samples_first(A, batch_axis)
        within = tuple(range(X.ndim, 2 * X.ndim - 2))
        pooled = self.pooled(_windows(X, self.size, self._stride), within)
        return None, pooled if batch_axis == 0 else np.moveaxis(pooled, 0, -1), {}

    def pooled(self, windows: Any, axes: Shape) -> Any:
        return np.max(windows, axis=axes)


@dataclass(frozen=True, repr=False)
class MeanPooling(MaxPooling):
    """The mean of the values under a window; as PyTorch's AvgPool1d and 2d."""

    def pooled(self, windows: Any, axes: Shape) -> Any:
        return np.mean(windows, axis=axes)


BY_NAME: dict[str, type[Layer]] = {
    layer.__name__: layer
    for layer in (
        *(Dense, Activation, Flatten, Dropout, BatchNormalization, LayerNormalization),
        *(Embedding, Convolution, MaxPooling, MeanPooling),
    )
}


def is_own(layer: Layer) -> bool:
    """True if the layer, or its activation, was written by the user."""
    named = isinstance(getattr(layer, "activation", ""), str)
    return type(layer) not in BY_NAME.values() or not named


def written(layer: Layer) -> tuple[str, dict[str, Any]]:
    """A layer as its name and its arguments, of plain values; `read` undoes it.

    >>> read(*written(Dropout(0.5)))
    Dropout(0.5)
    """
    return type(layer).__name__, {f.name: getattr(layer, f.name) for f in fields(layer)}


def read(name: str, arguments: Mapping[str, Any]) -> Layer:
    """The layer of a name with these arguments. Raises ValueError or TypeError if there is none."""
    if name not in BY_NAME:
        raise ValueError(f"no layer is called {name!r}: there are {', '.join(BY_NAME)}")
    return BY_NAME[name](**arguments)


def _moments(A: Any, axes: Shape) -> tuple[Any, Any]:
    mean = np.mean(A, axis=axes, keepdims=True)
    return mean, np.mean(np.square(A - mean), axis=axes, keepdims=True)


def _normalized(A: Any, mean: Any, variance: Any, epsilon: float, p: Arrays) -> Any:
    return (A - mean) / np.sqrt(variance + epsilon) * p["scale"] + p["shift"]


def _samples_first(A: Any, batch_axis: int) -> Any:
    return A if batch_axis == 0 else np.moveaxis(A, -1, 0)


def _windows(X: Any, size: int, stride: int) -> Any:
    """(samples, channels, places…, window…): what is under a window, at each place."""
    d = X.ndim - 2
    windows = sliding_window_view(X, (size,) * d, axis=tuple(range(2, 2 + d)))
    if stride > 1:
        windows = windows[(slice(None), slice(None), *[slice(None, None, stride)] * d)]
    return windows


def _places(layer: Layer, shape: Shape, size: int, stride: int, padding: int = 0) -> Shape:
    if not 2 <= len(shape) <= 3:
        raise ValueError(
            f"{layer} takes samples (channels, length) or (channels, height, width), not {shape}"
        )
    if min(shape[1:]) + 2 * padding < size:
        raise ValueError(f"{layer}: samples {shape} are smaller than its window of {size}")
    return tuple((n + 2 * padding - size) // stride + 1 for n in shape[1:])


def _per_channel(shape: Shape, batch_axis: int) -> Shape:
    ones = (1,) * (len(shape) - 1)
    return (shape[0], *ones, 1) if batch_axis == 1 else (1, shape[0], *ones)
