"""A network as the entries of an .npz file: numbers and text, nothing pickled.

Version 1 describes dense layers by their sizes and activations, version 2 all layers as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from nn import layers as known
from nn.architecture import array_shapes, checked_activations, checked_sizes, described, is_dense
from nn.archive import Archive
from nn.arrays import Array, Shape, check_finite, checked_batch_axis
from nn.labels import Class, checked_names
from nn.layers import Layer

_FORMAT = "autograd-lite network, version {}"
_OTHERS = {"format", "sizes", "activations", "layers", "batch_axis", "classes", "features"}


class Saved(NamedTuple):
    """A network's description and its arrays by name."""

    input: Shape
    layers: list[Layer]
    batch_axis: int
    arrays: Mapping[str, Array]
    classes: list[Class] | None
    features: list[str] | None


def entries(saved: Saved) -> dict[str, Array]:
    """What to write. Raises ValueError for a network that `from_archive` could not restore."""
    for l, layer in enumerate(saved.layers, start=1):
        if not isinstance(getattr(layer, "activation", ""), str):
            raise ValueError(
                f"the activation of layer {l} is a function, and functions cannot be saved. "
                "Save `parameters()` with np.savez and build the network anew"
            )
        if type(layer) not in known.BY_NAME.values():
            raise ValueError(f"layer {l}, {layer}, is of your own, and so cannot be saved")
    for name, array in saved.arrays.items():
        check_finite(name, array)
    _, shapes = described([saved.input, *saved.layers], None)
    names = {"classes": saved.classes, "features": saved.features}
    given = {what: value for what, value in names.items() if value is not None}
    return {
        **_description(saved),
        "batch_axis": np.array(saved.batch_axis),
        **saved.arrays,
        **{what: np.array(checked_names(what, value, shapes)) for what, value in given.items()},
    }


def _description(saved: Saved) -> dict[str, Array]:
    if is_dense(saved.layers):
        _, shapes = described([*saved.input, *saved.layers], None)
        return {
            "format": np.array(_FORMAT.format(1)),
            "sizes": np.array([n for (n,) in shapes]),
            "activations": np.array([vars(layer)["activation"] for layer in saved.layers]),
        }
    text = json.dumps([saved.input, *map(known.written, saved.layers)])
    return {"format": np.array(_FORMAT.format(2)), "layers": np.array(text)}


def from_archive(archive: Archive) -> Saved:
    """The network in a file. Raises one of nn.archive.READ_ERRORS if it holds none.

    All shapes are compared before any array is read.
    """
    layers, shapes = _layers(archive)
    batch_axis = checked_batch_axis(archive.array("batch_axis").item())
    parameters, statistics = array_shapes(layers, shapes, batch_axis)
    expected = parameters | statistics
    headers = {name: archive.header(name) for name in archive if name not in _OTHERS}
    if set(headers) != set(expected):
        raise ValueError(f"it holds {', '.join(headers)}, not {', '.join(expected)}")
    if len({header.dtype for header in headers.values()}) > 1:
        raise ValueError("its parameters are not all of one dtype")
    for name, shape in expected.items():
        if headers[name].shape != shape:
            sizes = [n for (n,) in shapes] if is_dense(layers) else shapes
            raise ValueError(f"{name} is {headers[name].shape}, which does not fit sizes {sizes}")
    arrays = {name: archive.array(name) for name in expected}
    for name, array in arrays.items():
        check_finite(name, array)
    classes, features = (
        archive.array(what).tolist() if what in archive else None
        for what in ("classes", "features")
    )
    return Saved(shapes[0], layers, batch_axis, arrays, classes, features)


def _layers(archive: Archive) -> tuple[list[Layer], list[Shape]]:
    version = archive.array("format").item()
    if version == _FORMAT.format(1):
        sizes = checked_sizes(archive.array("sizes").tolist())
        names = checked_activations(archive.array("activations").tolist(), sizes)
        return described(sizes, names)
    if version != _FORMAT.format(2):
        raise ValueError("its format is not this version's")
    first, *others = json.loads(archive.array("layers").item())
    return described([first, *(known.read(name, arguments) for name, arguments in others)], None)
