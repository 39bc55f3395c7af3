"""A feed-forward network of L layers: `Z = W @ A + b`, `A = σ(Z)`, layer after layer.

The letters are the documents': parameters W1 b1 …, pre-activations Z1 …, activations A1 …, and
A0 = X. Every Tensor carries its letter as its name.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

import autograd_lite as ag
from autograd_lite import files
from nn import activations as act
from nn import initialisers
from nn.archive import READ_ERRORS, Archive, open_regular
from nn.arrays import (
    Array,
    as_numbers,
    check_finite,
    check_samples,
    checked_batch_axis,
    column_names,
    finite_samples,
    is_frame,
)
from nn.labels import Class, decoded

_FORMAT = "autograd-lite network, version 1"
_NOT_PARAMETERS = ("format", "sizes", "activations", "batch_axis", "classes", "features")


@dataclass(frozen=True)
class Forward:
    """The Tensors of a forward pass by layer number: `f.Z[1]`, `f.A[1]`, …; `f.A[0]` is X.

    There is no `f.Z[0]`: the input has no pre-activation. `layers` groups each layer's Tensors,
    `{"layer 1": [W1, b1, Z1, A1], …}`, for `ag.draw(J, groups=f.layers)`.
    """

    Z: dict[int, ag.Tensor]
    A: dict[int, ag.Tensor]
    layers: dict[str, list[ag.Tensor]]


class Network:
    """An L-layer network with sizes [n0, n1, …, nL]: n0 inputs, nL outputs.

    `activations` has one entry for each layer 1 … L: a name (identity, sigmoid, tanh, relu,
    softplus, sin, softmax) or any function of a Tensor. With `batch_axis=1` samples are columns,
    X is (n0, m), W (n_out, n_in) and b (n_out, 1); with `batch_axis=0` samples are rows and all of
    these are transposed. `rng` is a number or a NumPy Generator: the same number gives the same
    network, to the bit; None draws another one each time. `initialiser` is small, glorot, he, or a
    function (see nn.initialisers); biases start at zero. `dtype`, float64 or float32, is the dtype
    of everything that the network computes.

    `classes` are what its outputs stand for, and `features` the columns of a frame that are its
    inputs; both are None until nn.fit learns of them, may be set, and are saved with the network.

    >>> net = Network([2, 4, 1], activations=["tanh", "sigmoid"], rng=0)
    >>> net
    Network([2, 4, 1], activations=['tanh', 'sigmoid'], batch_axis=1, dtype=float64)
    >>> f = net.forward(np.ones((2, 5)))
    >>> f.Z[1].name, f.Z[1].shape, f.A[2].name, f.A[2].shape
    ('Z1', (4, 5), 'A2', (1, 5))
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activations: Sequence[str | act.Activation],
        rng: int | np.random.Generator | None = None,
        batch_axis: int = 1,
        dtype: DTypeLike = float,
        initialiser: str | initialisers.Initialiser = "glorot",
    ) -> None:
        self.sizes = _checked_sizes(sizes)
        self.activations = _checked_activations(activations, self.sizes)
        self.batch_axis = checked_batch_axis(batch_axis)
        self.dtype = _checked_dtype(dtype)
        self.classes: list[Class] | None = None
        self.features: list[str] | None = None
        if isinstance(initialiser, str):
            if initialiser not in initialisers.BY_NAME:
                known = ", ".join(initialisers.BY_NAME)
                raise ValueError(f"no initialiser is called {initialiser!r}: there are {known}")
            initialiser = initialisers.BY_NAME[initialiser]
        rng = np.random.default_rng(rng)
        self._parameters: dict[str, ag.Tensor] = {}
        for l in range(1, self.L + 1):
            n_in, n_out = self.sizes[l - 1], self.sizes[l]
            W = np.asarray(initialiser(rng, n_in, n_out), dtype=self.dtype)
            if W.shape != (n_out, n_in):
                raise ValueError(
                    f"the initialiser returned {W.shape} for W{l}: it must be (n_out, n_in), here "
                    f"({n_out}, {n_in}), whatever the batch axis"
                )
            b = np.zeros((n_out, 1), self.dtype)
            for name, value in ((f"W{l}", W), (f"b{l}", b)):
                value = value if self.batch_axis == 1 else value.T
                self._parameters[name] = ag.Tensor(value, requires_grad=True, name=name)

    @property
    def L(self) -> int:
        """The number of layers, the input not counted."""
        return len(self.sizes) - 1

    def __repr__(self) -> str:
        shown = [a if isinstance(a, str) else getattr(a, "__name__", a) for a in self.activations]
        return (
            f"Network({self.sizes}, activations={shown}, "
            f"batch_axis={self.batch_axis}, dtype={self.dtype})"
        )

    def parameters(self) -> dict[str, ag.Tensor]:
        """`{"W1": Tensor, "b1": Tensor, …}` in the order of the layers.

        >>> list(Network([2, 4, 1], ["tanh", "sigmoid"], rng=0).parameters())
        ['W1', 'b1', 'W2', 'b2']
        """
        return dict(self._parameters)

    def set_parameters(self, values: Mapping[str, ArrayLike | ag.Tensor]) -> None:
        """Set some or all parameters by name, from arrays of their shapes.

        All are checked before any is set. Raises KeyError for a name the network does not have and
        ValueError for a shape that does not fit or a value that is not a finite number.

        >>> net = Network([2, 1], ["sigmoid"], rng=0)
        >>> net.set_parameters({"W1": [[1.0, 2.0]], "b1": [[0.5]]})
        >>> net([[1.0], [1.0]]).numpy().round(4)
        array([[0.9707]])
        """
        checked = {}
        for name, value in values.items():
            if name not in self._parameters:
                raise KeyError(f"no parameter is called {name!r}: there are {[*self._parameters]}")
            shape = self._parameters[name].shape
            array = as_numbers(value, name).astype(self.dtype)
            if array.shape != shape:
                hint = f" {name}.T would fit." if array.shape[::-1] == shape else ""
                raise ValueError(f"{name} {array.shape}: this network's {name} is {shape}.{hint}")
            check_finite(name, array)
            checked[name] = array
        for name, array in checked.items():
            self._parameters[name].data = array

    def forward(
        self,
        X: ArrayLike | ag.Tensor,
        parameters: Mapping[str, Any] | None = None,
    ) -> Forward:
        """Compute Z1, A1, …, ZL, AL for the samples X, (n0, m) for `batch_axis=1`, else (m, n0).

        An array becomes a Tensor named X of the network's dtype. A Tensor is used as it is, so that
        it gets a gradient if it requires one. `parameters`, by name, are used in place of the
        network's own, for functions of the parameters that are to be differentiated. Raises
        ValueError for X of another shape.

        >>> net = Network([2, 3, 1], ["tanh", "sigmoid"], rng=0, batch_axis=0)
        >>> f = net.forward(np.ones((5, 2)))
        >>> f.A[0].name, f.A[2].shape, [t.name for t in f.layers["layer 1"]]
        ('X', (5, 1), ['W1', 'b1', 'Z1', 'A1'])
        """
        P = self._parameters if parameters is None else parameters
        A = self._input(X)
        f = Forward(Z={}, A={0: A}, layers={})
        for l, activation in enumerate(self.activations, start=1):
            W, b = P[f"W{l}"], P[f"b{l}"]
            Z = W @ A + b if self.batch_axis == 1 else A @ W + b
            Z.named(f"Z{l}")
            A = act.activate(activation, Z, self.batch_axis, layer=l).named(f"A{l}")
            f.Z[l], f.A[l], f.layers[f"layer {l}"] = Z, A, [W, b, Z, A]
        return f

    def __call__(self, X: ArrayLike | ag.Tensor) -> ag.Tensor:
        """The output AL of `forward(X)`."""
        return self.forward(X).A[self.L]

    def _input(self, X: ArrayLike | ag.Tensor) -> ag.Tensor:
        if isinstance(X, ag.Tensor):
            X = X if X.dtype == self.dtype else X.astype(self.dtype)
            X = X if X.name else X.named("X")
        else:
            X = ag.Tensor(as_numbers(X, "X").astype(self.dtype), name="X")
        check_samples("X", X.shape, self.sizes[0], "inputs", self.batch_axis)
        return X

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
        check_samples("X", array.shape, self.sizes[0], "inputs", self.batch_axis)
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
        with ag.no_grad():
            f = self.forward(self.samples(X))
        last, several = self.activations[-1], self.sizes[-1] > 1
        outputs = f.A[self.L].numpy()
        if self.classes is not None and isinstance(last, str) and last not in act.OF_CLASSES:
            Z = f.Z[self.L]  # trained by a loss that takes logits
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
        files.write(path, self._written())

    def _written(self) -> Callable[[BinaryIO], object]:
        """A function that writes the network into a binary file. Raises as `save` does."""
        for l, activation in enumerate(self.activations, start=1):
            if not isinstance(activation, str):
                raise ValueError(
                    f"the activation of layer {l} is a function, and functions cannot be saved. "
                    "Save `parameters()` with np.savez and build the network anew"
                )
        parameters = {name: parameter.data for name, parameter in self._parameters.items()}
        for name, array in parameters.items():
            check_finite(name, array)
        entries = {
            "format": np.array(_FORMAT),
            "sizes": np.array(self.sizes),
            "activations": np.array(self.activations),
            "batch_axis": np.array(self.batch_axis),
            **parameters,
        }
        known = {"classes": self.classes, "features": self.features}
        entries |= {name: np.array(value) for name, value in known.items() if value is not None}
        return lambda file: np.savez(file, **entries)  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Network:
        """The network that `save` wrote, equal to the bit.

        Before anything is allocated, the headers in the file are compared with its size, and the
        shapes with the sizes of the layers; nothing in it is executed. Raises OSError for a file
        that cannot be opened, and ValueError for one that is truncated, damaged, not a network, or
        holds parameters that are not finite numbers.
        """
        with open(path, "rb", opener=open_regular) as file:
            try:
                return cls._read(Archive(file))
            except MemoryError:
                raise MemoryError(f"{path} holds more than this machine's memory") from None
            except READ_ERRORS as error:
                said = f"it has no entry {error}" if isinstance(error, KeyError) else error
                raise ValueError(f"{path} is not a saved network: {files.excerpt(said)}") from None

    @classmethod
    def _read(cls, archive: Archive) -> Network:
        if archive.array("format").item() != _FORMAT:
            raise ValueError("its format is not this version's")
        sizes = _checked_sizes(archive.array("sizes").tolist())
        names = _checked_activations(archive.array("activations").tolist(), sizes)
        batch_axis = checked_batch_axis(archive.array("batch_axis").item())
        shapes = _shapes(sizes, batch_axis)
        headers = {name: archive.header(name) for name in archive if name not in _NOT_PARAMETERS}
        if set(headers) != set(shapes):
            raise ValueError(f"it holds {', '.join(headers)}, not {', '.join(shapes)}")
        if len({header.dtype for header in headers.values()}) != 1:
            raise ValueError("its parameters are not all of one dtype")
        for name, shape in shapes.items():
            if headers[name].shape != shape:
                raise ValueError(
                    f"{name} is {headers[name].shape}, which does not fit sizes {sizes}"
                )
        net = cls(sizes, names, 0, batch_axis, headers["W1"].dtype, _zeros)
        net.set_parameters({name: archive.array(name) for name in shapes})
        if "classes" in archive:
            net.classes = _checked_names(archive, "classes", max(sizes[-1], 2))
        if "features" in archive:
            net.features = _checked_names(archive, "features", sizes[0])
        return net


def _checked_names(archive: Archive, entry: str, n: int) -> list[Any]:
    """The n different classes or features that an entry holds."""
    names: list[Any] = archive.array(entry).tolist()
    if not isinstance(names, list) or len(set(names)) != n or len(names) != n:
        raise ValueError(f"its {entry} are not {n} different names")
    return names


def _zeros(rng: np.random.Generator, n_in: int, n_out: int) -> Array:
    return np.zeros((n_out, n_in))


def _shapes(sizes: list[int], batch_axis: int) -> dict[str, tuple[int, int]]:
    """The shape of each parameter, by its name."""
    shapes: dict[str, tuple[int, int]] = {}
    for l, (n_in, n_out) in enumerate(itertools.pairwise(sizes), start=1):
        shapes[f"W{l}"] = (n_out, n_in) if batch_axis == 1 else (n_in, n_out)
        shapes[f"b{l}"] = (n_out, 1) if batch_axis == 1 else (1, n_out)
    return shapes


def _checked_sizes(sizes: Sequence[int]) -> list[int]:
    if not isinstance(sizes, Iterable):
        raise TypeError(f"sizes={sizes!r}: give a list, the inputs and each layer, as in [2, 4, 1]")
    sizes = list(sizes)
    for n in sizes:
        if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
            raise ValueError(f"sizes {sizes}: {n!r} is not a whole number of units, 1 or more")
    if len(sizes) < 2:
        raise ValueError(f"sizes {sizes}: give the inputs and at least one layer, as in [2, 4, 1]")
    return [int(n) for n in sizes]


def _checked_activations(
    activations: Sequence[str | act.Activation], sizes: list[int]
) -> list[str | act.Activation]:
    if isinstance(activations, str):
        raise TypeError(f'activations="{activations}": give a list, one for each layer')
    checked = list(activations)
    if len(checked) != len(sizes) - 1:
        raise ValueError(
            f"{len(checked)} activations for sizes {sizes}, which are {len(sizes) - 1} layers: "
            "give one for each layer, none for the input"
        )
    for l, activation in enumerate(checked, start=1):
        if not callable(activation) and activation not in act.NAMES:
            raise ValueError(
                f"layer {l}: no activation is called {activation!r}; there are "
                f"{', '.join(act.NAMES)}, or give a function of a Tensor"
            )
    return checked


def _checked_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    checked = np.dtype(dtype)
    if checked not in (np.float32, np.float64):
        raise ValueError(f"dtype {checked}: a network computes in float64 or float32")
    return checked
