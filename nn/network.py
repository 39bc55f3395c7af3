"""A feed-forward network of L layers: `Z = W @ A + b`, `A = σ(Z)`, layer after layer.

The letters are the documents': parameters W1 b1 …, pre-activations Z1 …, activations A1 …, and
A0 = X. Every Tensor carries its letter as its name.
"""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

import autograd_lite as ag
from autograd_lite import files
from nn import activations as act
from nn import initialisers, saving
from nn.architecture import array_shapes, described, is_dense, letter_and_layer
from nn.archive import reading
from nn.arrays import (
    Array,
    Shape,
    as_numbers,
    check_finite,
    check_samples,
    checked_batch_axis,
    column_names,
    finite_samples,
    is_frame,
)
from nn.chunks import strip_width, strips, taken
from nn.labels import Class, checked_names, decoded
from nn.layers import STARTS_AT_ONE, Layer
from nn.samples import in_chunks


@dataclass(frozen=True)
class Forward:
    """The Tensors of a forward pass by layer number: `f.Z[1]`, `f.A[1]`, …; `f.A[0]` is X.

    There is no `f.Z[0]`: the input has no pre-activation. `layers` groups each layer's Tensors,
    `{"layer 1": [W1, b1, Z1, A1], …}`, for `ag.draw(J, groups=f.layers)`. Layers without an
    activation have no Z. In training, `statistics` has what layers measured, by name.
    """

    Z: dict[int, ag.Tensor]
    A: dict[int, ag.Tensor]
    layers: dict[str, list[ag.Tensor]]
    statistics: dict[str, Any] = field(default_factory=dict)

    @property
    def output(self) -> ag.Tensor:
        """A of the last layer."""
        return self.A[len(self.A) - 1]

    @property
    def logits(self) -> ag.Tensor:
        """Z of the last layer, or its A if it has no activation."""
        return self.Z.get(len(self.A) - 1, self.output)


class Network:
    """An L-layer network with sizes [n0, n1, …, nL]: n0 inputs, nL outputs.

    `activations` has one entry for each layer 1 … L: a name (identity, sigmoid, tanh, relu,
    softplus, sin, softmax) or any function of a Tensor. With `batch_axis=1` samples are columns,
    X is (n0, m), W (n_out, n_in) and b (n_out, 1); with `batch_axis=0` samples are rows and all of
    these are transposed. `rng` is a number or a NumPy Generator: the same number gives the same
    network, to the bit; None draws another one each time. `initialiser` is small, glorot, he, or a
    function (see nn.initialisers); biases start at zero. `dtype`, float64 or float32, is the dtype
    of everything that the network computes.

    In place of sizes and activations, the list may hold the number of inputs, or the shape of a
    sample, and then layers (nn.layers): `[(1, 8, 8), Convolution(6, 3, "relu"), Flatten(),
    Dense(10, "softmax")]`. A network computes as it does after training, unless `forward` is told
    otherwise.

    `classes` are what its outputs stand for, and `features` the columns of a frame that are its
    inputs; both are None until nn.fit learns of them, may be set (which raises ValueError for what
    does not fit the sizes), and are saved with the network.

    >>> net = Network([2, 4, 1], activations=["tanh", "sigmoid"], rng=0)
    >>> net
    Network([2, 4, 1], activations=['tanh', 'sigmoid'], batch_axis=1, dtype=float64)
    >>> f = net.forward(np.ones((2, 5)))
    >>> f.Z[1].name, f.Z[1].shape, f.A[2].name, f.A[2].shape
    ('Z1', (4, 5), 'A2', (1, 5))
    """

    def __init__(
        self,
        sizes: Sequence[int | Shape | Layer],
        activations: Sequence[str | act.ActivationFunction] | None = None,
        rng: int | np.random.Generator | None = None,
        batch_axis: int = 1,
        dtype: DTypeLike = float,
        initialiser: str | initialisers.Initialiser = "glorot",
    ) -> None:
        self.batch_axis = checked_batch_axis(batch_axis)
        self.layers, self.shapes = described(sizes, activations)
        self.sizes = [math.prod(shape) for shape in self.shapes]
        self.activations = [getattr(layer, "activation", "identity") for layer in self.layers]
        self.dtype = _checked_dtype(dtype)
        self.classes: list[Class] | None = None
        self.features: list[str] | None = None
        if isinstance(initialiser, str):
            if initialiser not in initialisers.BY_NAME:
                known = ", ".join(initialisers.BY_NAME)
                raise ValueError(f"no initialiser is called {initialiser!r}: there are {known}")
            initialiser = initialisers.BY_NAME[initialiser]
        weights = functools.partial(_weights, initialiser, np.random.default_rng(rng))
        shapes, measured = array_shapes(self.layers, self.shapes, self.batch_axis)
        self._parameters: dict[str, ag.Tensor] = {}
        for name, shape in shapes.items():
            letter, l = letter_and_layer(name)
            start: Array = np.full(shape, float(letter in STARTS_AT_ONE))
            if letter == "W":
                layer, before = self.layers[l - 1], self.shapes[l - 1]
                start = layer.weights(before, self.batch_axis, functools.partial(weights, name))
            array = np.asarray(start, dtype=self.dtype)
            self._parameters[name] = ag.Tensor(array, requires_grad=True, name=name)
        self._statistics: dict[str, Array] = {
            name: np.full(shape, float(letter_and_layer(name)[0] in STARTS_AT_ONE), self.dtype)
            for name, shape in measured.items()
        }
        # Each layer, and the letters and names of its parameters and of its statistics.
        self._arrays = list(
            zip(self.layers, self._by_layer(shapes), self._by_layer(measured), strict=True)
        )

    def _by_layer(self, names: Iterable[str]) -> list[list[tuple[str, str]]]:
        """For each layer the letters and names of its arrays."""
        found: list[list[tuple[str, str]]] = [[] for _ in self.layers]
        for name in names:
            letter, l = letter_and_layer(name)
            found[l - 1].append((letter, name))
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        """Set classes and features once they are checked, as plain values."""
        if name in ("classes", "features") and value is not None:
            value = checked_names(name, value, self.shapes)
        super().__setattr__(name, value)

    @property
    def L(self) -> int:
        """The number of layers, the input not counted."""
        return len(self.layers)

    @property
    def is_random(self) -> bool:
        """True if a layer draws noise in training, as dropout does."""
        return any(layer.random for layer in self.layers)

    def __repr__(self) -> str:
        made_of: Any = [self.shapes[0] if len(self.shapes[0]) > 1 else self.sizes[0], *self.layers]
        activations = ""
        if is_dense(self.layers):
            names = [a if isinstance(a, str) else act.shown(a) for a in self.activations]
            made_of, activations = self.sizes, f"activations={names}, "
        return f"Network({made_of}, {activations}batch_axis={self.batch_axis}, dtype={self.dtype})"

    def parameters(self) -> dict[str, ag.Tensor]:
        """`{"W1": Tensor, "b1": Tensor, …}` in the order of the layers.

        >>> list(Network([2, 4, 1], ["tanh", "sigmoid"], rng=0).parameters())
        ['W1', 'b1', 'W2', 'b2']
        """
        return dict(self._parameters)

    def statistics(self) -> dict[str, Array]:
        """What layers have measured in training, by name: `{"mean2": array, …}`."""
        return dict(self._statistics)

    def set_statistics(self, values: Mapping[str, ArrayLike | ag.Tensor]) -> None:
        """Set some or all statistics, as `set_parameters` does: those of a forward pass, perhaps.

        >>> from nn.layers import BatchNormalization
        >>> net = Network([1, BatchNormalization(share=0.5)], rng=0)
        >>> f = net.forward([[2.0, 4.0]], training=np.random.default_rng(0))
        >>> net.set_statistics(f.statistics)
        >>> net.statistics()
        {'mean1': array([[1.5]]), 'variance1': array([[1.5]])}
        """
        kept = self._statistics
        shapes = {name: array.shape for name, array in kept.items()}
        self._statistics = kept | self._checked(values, shapes, "statistic")

    def set_parameters(self, values: Mapping[str, ArrayLike | ag.Tensor]) -> None:
        """Set some or all parameters by name, from arrays of their shapes.

        All are checked before any is set. Raises KeyError for a name the network does not have and
        ValueError for a shape that does not fit or a value that is not a finite number.

        >>> net = Network([2, 1], ["sigmoid"], rng=0)
        >>> net.set_parameters({"W1": [[1.0, 2.0]], "b1": [[0.5]]})
        >>> net([[1.0], [1.0]]).numpy().round(4)
        array([[0.9707]])
        """
        shapes = {name: parameter.shape for name, parameter in self._parameters.items()}
        for name, array in self._checked(values, shapes, "parameter").items():
            self._parameters[name].data = array

    def _checked(
        self, values: Mapping[str, ArrayLike | ag.Tensor], shapes: Mapping[str, Shape], what: str
    ) -> dict[str, Array]:
        """The values as arrays of this dtype, all of them with these shapes and finite."""
        checked = {}
        for name, value in values.items():
            if name not in shapes:
                raise KeyError(f"no {what} is called {name!r}: there are {[*shapes]}")
            array, shape = as_numbers(value, name).astype(self.dtype), shapes[name]
            if array.shape != shape:
                hint = f" {name}.T would fit." if array.shape[::-1] == shape else ""
                raise ValueError(f"{name} {array.shape}: this network's {name} is {shape}.{hint}")
            check_finite(name, array)
            checked[name] = array
        return checked

    def noise(self, m: int, rng: np.random.Generator) -> dict[str, Array]:
        """The random arrays of one step of training on m samples, by name: `{"noise2": array}`.

        >>> from nn.layers import Dropout
        >>> Network([3, Dropout(0.5)], rng=0).noise(2, np.random.default_rng(0))
        {'noise1': array([[2., 0.],
               [0., 0.],
               [2., 2.]])}
        """
        drawn = {}
        for l, layer in enumerate(self.layers, start=1):
            if layer.random:
                shape = self.shapes[l - 1]
                of_all = (*shape, m) if self.batch_axis == 1 else (m, *shape)
                drawn[f"noise{l}"] = layer.noise(of_all, rng).astype(self.dtype)
        return drawn

    def forward(
        self,
        X: ArrayLike | ag.Tensor,
        parameters: Mapping[str, Any] | None = None,
        training: Mapping[str, Any] | np.random.Generator | None = None,
    ) -> Forward:
        """Compute Z1, A1, …, ZL, AL for the samples X, (n0, m) for `batch_axis=1`, else (m, n0).

        An array becomes a Tensor named X of the network's dtype. A Tensor is used as it is, so that
        it gets a gradient if it requires one. `parameters`, by name, are used in place of the
        network's own, for functions of the parameters that are to be differentiated. Layers
        that compute something else in `training` do so if it is given: a generator, or what `noise`
        has drawn from one. Raises ValueError for X of another shape.

        >>> net = Network([2, 3, 1], ["tanh", "sigmoid"], rng=0, batch_axis=0)
        >>> f = net.forward(np.ones((5, 2)))
        >>> f.A[0].name, f.A[2].shape, [t.name for t in f.layers["layer 1"]]
        ('X', (5, 1), ['W1', 'b1', 'Z1', 'A1'])
        """
        P: Mapping[str, Any] = self._parameters if parameters is None else parameters
        A = self._input(X)
        if isinstance(training, np.random.Generator):
            training = self.noise(A.shape[-self.batch_axis], training)
        Z_by_layer, A_by_layer, groups, statistics = {}, {0: A}, {}, {}
        for l, (layer, own, measured) in enumerate(self._arrays, start=1):
            before, p = A, {letter: P[name] for letter, name in own}
            tensors = [*p.values()]
            for letter, name in measured:
                p[letter] = P[name] if name in P else self._statistics[name]
            if training and f"noise{l}" in training:
                p["noise"] = training[f"noise{l}"]
            Z, A, new = layer.forward(before, p, self.batch_axis, l, training is not None)
            if Z is not None:
                Z_by_layer[l] = Z
                if Z is not before:
                    tensors.append(Z.named(f"Z{l}"))
            tensors.append(A.named(f"A{l}"))
            A_by_layer[l], groups[f"layer {l}"] = A, tensors
            for letter, value in new.items():
                statistics[f"{letter}{l}"] = value
        return Forward(Z_by_layer, A_by_layer, groups, statistics)

    def __call__(self, X: ArrayLike | ag.Tensor) -> ag.Tensor:
        """The output AL of `forward(X)`."""
        return self.forward(X).output

    def _input(self, X: ArrayLike | ag.Tensor) -> ag.Tensor:
        if isinstance(X, ag.Tensor):
            X = X if X.dtype == self.dtype else X.astype(self.dtype)
            X = X if X.name else X.named("X")
        else:
            X = ag.Tensor(as_numbers(X, "X").astype(self.dtype, copy=False), name="X")
        check_samples("X", X.shape, self.shapes[0], "inputs", self.batch_axis, flat=True)
        return X if len(X.shape) > len(self.shapes[0]) else X.reshape(self._of_samples(X.shape))

    def _of_samples(self, shape: Shape) -> Shape:
        """The shape of these samples, flat or not, with all axes that a sample has."""
        m = shape[-self.batch_axis]
        return (*self.shapes[0], m) if self.batch_axis == 1 else (m, *self.shapes[0])

    def samples(self, X: ArrayLike | ag.Tensor) -> Array:
        """X as an array of this network's dtype and layout, checked.

        A frame of pandas or Polars has samples as rows; its columns are found by the names in
        `features`, if these are known. Raises ValueError for a shape or columns that do not fit,
        for values that are not finite, and for missing ones, counted by column.

        >>> Network([2, 1], ["sigmoid"], rng=0).samples([[1, 2, 3], [4, 5, 6]]).dtype
        dtype('float64')
        """
        columns = column_names(X, "X") if is_frame(X) else None
        if columns is not None and self.features is not None:
            if absent := [name for name in self.features if name not in columns]:
                raise ValueError(f"X has no column {absent[0]!r}: its columns are {columns}")
            X, columns = X[self.features], self.features  # type: ignore[index, call-overload]
        array = as_numbers(X, "X")
        array = array.T if columns is not None and self.batch_axis == 1 else array
        check_samples("X", array.shape, self.shapes[0], "inputs", self.batch_axis, flat=True)
        array = array.reshape(self._of_samples(array.shape))
        return finite_samples("X", array, self.dtype, self.batch_axis, columns or self.features)

    def predict(self, X: ArrayLike | ag.Tensor, probabilities: bool = False) -> Array:
        """The answer for each sample: its class (m,), of `classes` if the network knows them.

        With `probabilities`, those of each class, in the layout of the samples. The outputs of a
        network without classes are its answer: (m,) if there is one, else as they are laid out;
        several sigmoid outputs are each a yes or a no, 1 or 0. Raises ValueError as `samples` does.

        >>> net = Network([1, 1], ["sigmoid"], rng=0)
        >>> net.set_parameters({"W1": [[2.0]]})
        >>> net.classes = ["cold", "warm"]
        >>> net.predict([[-1.0, 0.5]]).tolist()
        ['cold', 'warm']
        >>> net.predict([[-1.0, 0.5]], probabilities=True).round(2)
        array([[0.88, 0.27],
               [0.12, 0.73]])
        """
        chunks = in_chunks(X, None, self.batch_axis)
        if chunks is None:
            return self._answers_to(X, probabilities)
        answers: Any = chunks.alone("X").mapped(
            lambda start, part: self._answers_in_strips(part, probabilities)
        )
        return np.asarray(answers) if answers.given is answers else answers.given

    def _answers_to(self, X: ArrayLike | ag.Tensor, probabilities: bool) -> Array:
        with ag.no_grad():
            return self.answers(self.forward(self.samples(X)), probabilities)

    def _answers_in_strips(self, X: Array, probabilities: bool) -> Array:
        """The answers for a chunk, of which the layers need little memory at a time."""
        axis, all_of_it = self.batch_axis, slice(0, X.shape[-self.batch_axis])
        some = strips(all_of_it, strip_width(self.sizes)) or [all_of_it]
        return np.concatenate(
            [self._answers_to(taken(X, columns, axis), probabilities) for columns in some], -axis
        )

    def answers(self, f: Forward, probabilities: bool = False) -> Array:
        """What a forward pass of this network says of each sample, as `predict` does.

        >>> net = Network([1, 1], ["sigmoid"], rng=0)
        >>> net.set_parameters({"W1": [[2.0]]})
        >>> net.answers(net.forward([[-1.0, 0.5]]))
        array([0, 1])
        """
        last, several = self.activations[-1], self.sizes[-1] > 1
        outputs = f.output.numpy()
        if self.classes is not None and isinstance(last, str) and last not in act.OF_CLASSES:
            Z = f.logits  # trained by a loss that takes logits
            outputs = (ag.softmax(Z, 1 - self.batch_axis) if several else ag.sigmoid(Z)).numpy()
        if self.classes is None and (last not in act.OF_CLASSES or (last == "sigmoid" and several)):
            if last == "sigmoid":
                return outputs if probabilities else (outputs > 0.5).astype(int)
            if probabilities:
                raise ValueError("this network has no classes, and so no probabilities of them")
            return outputs if several else outputs.ravel()
        return decoded(outputs, self.classes, self.batch_axis, probabilities)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to an .npz file of arrays and text, nothing pickled.

        The file appears complete or not at all: if writing fails, an older file stays as it was. A
        device or a FIFO is written into. Raises OSError for a place that cannot be written, and
        ValueError for a network that `load` could not restore, because an activation is a function
        or a parameter is not finite.

        >>> import pathlib, tempfile
        >>> net = Network([2, 4, 1], ["tanh", "sigmoid"], rng=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     net.save(pathlib.Path(folder, "net.npz"))
        ...     Network.load(pathlib.Path(folder, "net.npz"))
        Network([2, 4, 1], activations=['tanh', 'sigmoid'], batch_axis=1, dtype=float64)
        """
        arrays = {name: parameter.data for name, parameter in self._parameters.items()}
        entries = saving.entries(
            saving.Saved(
                self.shapes[0],
                self.layers,
                self.batch_axis,
                arrays | self._statistics,
                self.classes,
                self.features,
            )
        )
        files.write(path, lambda file: np.savez(file, **entries))  # type: ignore[arg-type]

    def source(self) -> str:
        """NumPy source of two functions, forward and backward: `nn.numpy_source`."""
        from nn.numpy_source import numpy_source

        return numpy_source(self)

    def to_torch(self) -> Any:
        """The network as a torch.nn.Sequential: `nn.exports.to_torch(self)`."""
        from nn import exports

        return exports.to_torch(self)

    def to_onnx(self, path: str | os.PathLike[str]) -> None:
        """Write the network to an ONNX file: `nn.exports.to_onnx(self, path)`."""
        from nn import exports

        exports.to_onnx(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Network:
        """The network that `save` wrote, equal to the bit.

        Before anything is allocated, the headers in the file are compared with its size, and the
        shapes with the sizes of the layers; nothing in it is executed. Raises OSError for a file
        that cannot be opened, and ValueError for one that is truncated, damaged, not a network, or
        holds parameters that are not finite numbers.
        """
        with reading(path, "a saved network") as archive:
            saved = saving.from_archive(archive)
            dtype = next(iter(saved.arrays.values())).dtype if saved.arrays else float
            net = cls([saved.input, *saved.layers], None, 0, saved.batch_axis, dtype, _zeros)
            net.set_parameters({name: saved.arrays[name] for name in net._parameters})
            net.set_statistics({name: saved.arrays[name] for name in net._statistics})
            net.classes, net.features = saved.classes, saved.features
        return net


def _zeros(rng: np.random.Generator, n_in: int, n_out: int) -> Array:
    return np.zeros((n_out, n_in))


def _weights(
    initialiser: initialisers.Initialiser,
    rng: np.random.Generator,
    name: str,
    n_in: int,
    n_out: int,
) -> Array:
    """What the initialiser draws, if it has the right shape."""
    W = np.asarray(initialiser(rng, n_in, n_out))
    if W.shape != (n_out, n_in):
        raise ValueError(
            f"the initialiser returned {W.shape} for {name}: it must be (n_out, n_in), here "
            f"({n_out}, {n_in}), whatever the batch axis"
        )
    return W


def _checked_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    checked = np.dtype(dtype)
    if checked not in (np.float32, np.float64):
        raise ValueError(f"dtype {checked}: a network computes in float64 or float32")
    return checked
