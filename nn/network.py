"""A feed-forward network of L layers: `Z = W @ A + b`, `A = σ(Z)`, layer after layer.

The letters are the documents': parameters W1 b1 …, pre-activations Z1 …, activations A1 …, and
A0 = X. Every Tensor carries its letter as its name.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

import autograd_lite as ag
from nn import activations as act
from nn import initialisers

_FORMAT = "autograd-lite network, version 1"


@dataclass(frozen=True)
class Forward:
    """What a forward pass computed, by layer number: `f.Z[1]`, `f.A[1]`, …; `f.A[0]` is X.

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
    these are transposed. `rng` is a number or a NumPy Generator: the same `rng` gives the same
    network, to the bit; None draws another each time. `initialiser` is small, glorot, he, or a
    function (nn.initialisers); biases start at zero. `dtype` is float64 or float32, and everything
    that the network computes has it.

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
            if not np.isfinite(array).all():
                raise ValueError(f"{name} holds values that are not finite numbers")
            checked[name] = array
        for name, array in checked.items():
            self._parameters[name].data = array

    def forward(
        self,
        X: ArrayLike | ag.Tensor,
        parameters: Mapping[str, Any] | None = None,
    ) -> Forward:
        """Compute Z1, A1, …, ZL, AL for the samples X, (n0, m) for `batch_axis=1`, else (m, n0).

        An array becomes a Tensor named X of the network's dtype; a Tensor is used as it is, so that
        one that requires a gradient gets it. `parameters` replaces the network's own, by name, as
        functions that are differentiated need it. Raises ValueError for X of another shape.

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

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to an .npz file that holds arrays and text, nothing pickled.

        The file appears complete or not at all: if writing fails, an older file stays as it was.
        Raises ValueError for a network with an activation that is a function: functions cannot be
        saved.

        >>> import pathlib, tempfile
        >>> net = Network([2, 4, 1], ["tanh", "sigmoid"], rng=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     net.save(pathlib.Path(folder, "net.npz"))
        ...     Network.load(pathlib.Path(folder, "net.npz"))
        Network([2, 4, 1], activations=['tanh', 'sigmoid'], batch_axis=1, dtype=float64)
        """
        for l, activation in enumerate(self.activations, start=1):
            if not isinstance(activation, str):
                raise ValueError(
                    f"the activation of layer {l} is a function, and functions cannot be saved. "
                    "Save `parameters()` with np.savez and build the network anew"
                )
        entries = {
            "format": np.array(_FORMAT),
            "sizes": np.array(self.sizes),
            "activations": np.array(self.activations),
            "batch_axis": np.array(self.batch_axis),
            **{name: parameter.data for name, parameter in self._parameters.items()},
        }
        path = Path(path).resolve()
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            with temporary.open("xb") as file:
                np.savez(file, allow_pickle=False, **entries)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except OSError as error:  # about the user's file, not the temporary one
            raise OSError(error.errno or 0, error.strerror or str(error), str(path)) from None
        finally:
            temporary.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Network:
        """The network that `save` wrote, equal to the bit.

        Raises OSError for a file that cannot be opened, and ValueError for one that is truncated,
        damaged, or not a network.
        """
        entries = _entries_of(path)
        try:
            if entries.pop("format").item() != _FORMAT:
                raise ValueError("its format is not this version's")
            sizes = entries.pop("sizes").tolist()
            names = entries.pop("activations").tolist()
            batch_axis = entries.pop("batch_axis").item()
            dtypes = {array.dtype for array in entries.values()}
            if len(dtypes) != 1:
                raise ValueError("its parameters are not all of one dtype")
            net = cls(sizes, names, rng=0, batch_axis=batch_axis, dtype=dtypes.pop())
            if set(entries) != set(net._parameters):
                raise ValueError(f"it holds {[*entries]}, not {[*net._parameters]}")
            for name, array in entries.items():
                if array.shape != net._parameters[name].shape:
                    raise ValueError(f"{name} is {array.shape}, which does not fit sizes {sizes}")
                net._parameters[name].data = array
        except KeyError as error:
            raise ValueError(f"{path} is not a saved network: it has no entry {error}") from None
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path} is not a saved network: {error}") from None
        return net


def _entries_of(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """All arrays of an .npz file, read and checked against its checksums."""
    with open(path, "rb") as file:
        try:
            if not zipfile.is_zipfile(file):
                raise ValueError("it is not a whole .npz file")
            with np.load(file, allow_pickle=False) as arrays:
                entries = {name: arrays[name] for name in arrays.files}
            if not all(isinstance(array, np.ndarray) for array in entries.values()):
                raise ValueError("it holds something else than arrays")
        except (
            ValueError,
            RuntimeError,
            EOFError,
            OSError,
            zipfile.BadZipFile,
            zlib.error,
        ) as error:
            raise ValueError(f"{path} is not a saved network: {error}") from None
    return entries


def as_numbers(value: ArrayLike | ag.Tensor, name: str) -> NDArray[Any]:
    """The value as an array of real numbers; raises TypeError or ValueError, naming it, if not."""
    if isinstance(value, ag.Tensor):
        return value.numpy()
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"{name} is ragged: its rows are not all of one length") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} has dtype {array.dtype}: it must hold real numbers")
    return array


def check_samples(name: str, shape: tuple[int, ...], n: int, what: str, batch_axis: int) -> None:
    """Raise ValueError, with the likely fix, if samples of n values have another shape."""
    if len(shape) == 2 and shape[1 - batch_axis] == n:
        return
    hint = f" {name}.T would fit." if len(shape) == 2 and shape[batch_axis] == n else ""
    right = f"({n}, m)" if batch_axis == 1 else f"(m, {n})"
    raise ValueError(
        f"{name} {shape}: this network has {n} {what}, so with batch_axis={batch_axis} {name} is "
        f"{right}.{hint}"
    )


def checked_batch_axis(batch_axis: int) -> int:
    """0 or 1, or an error that says what they mean."""
    if batch_axis not in (0, 1):
        raise ValueError(f"batch_axis={batch_axis!r}: 1 if samples are columns, 0 if they are rows")
    return int(batch_axis)


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
