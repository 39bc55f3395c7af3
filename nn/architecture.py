"""What a network is made of: its layers, the shapes between them, and those of all its arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from nn import activations as act
from nn.arrays import Shape, is_count
from nn.layers import Dense, Layer, Shapes


def described(
    given: Sequence[Any], activations: Sequence[str | act.ActivationFunction] | None
) -> tuple[list[Layer], list[Shape]]:
    """The layers, and the shape of a sample before the first and after each of them.

    `given` are sizes, with an activation for each layer, or a size or shape of the input and
    layers. Raises TypeError or ValueError for what is neither, or does not fit together.

    >>> described([2, 4, 1], ["tanh", "sigmoid"])
    ([Dense(4, 'tanh'), Dense(1, 'sigmoid')], [(2,), (4,), (1,)])
    """
    if not isinstance(given, Iterable):
        raise TypeError(f"sizes={given!r}: give a list, the inputs and each layer, as in [2, 4, 1]")
    given = list(given)
    if not any(isinstance(entry, Layer) for entry in given):
        sizes = checked_sizes(given)
        units = zip(sizes[1:], checked_activations(activations, sizes), strict=True)
        layers: list[Layer] = [Dense(n, activation) for n, activation in units]
        return layers, [(n,) for n in sizes]
    if activations is not None:
        raise TypeError("layers have their own activations: leave out activations=")
    shapes = [_checked_input(given[0])]
    for l, layer in enumerate(given[1:], start=1):
        if not isinstance(layer, Layer):
            raise TypeError(f"layer {l} is {layer!r}: give one of nn.layers, as nn.layers.Dense(4)")
        try:
            shapes.append(layer.output(shapes[-1]))
        except ValueError as error:
            raise ValueError(f"layer {l}: {error}") from None
    return given[1:], shapes


def array_shapes(
    layers: Sequence[Layer], shapes: Sequence[Shape], batch_axis: int
) -> tuple[Shapes, Shapes]:
    """The shapes of all parameters and of all statistics by name, layer after layer.

    >>> array_shapes([Dense(4)], [(2,), (4,)], batch_axis=1)
    ({'W1': (4, 2), 'b1': (4, 1)}, {})
    """
    parameters: Shapes = {}
    statistics: Shapes = {}
    for l, (layer, shape) in enumerate(zip(layers, shapes[:-1], strict=True), start=1):
        for letter, of in layer.parameters(shape, batch_axis).items():
            parameters[f"{letter}{l}"] = of
        for letter, of in layer.statistics(shape, batch_axis).items():
            statistics[f"{letter}{l}"] = of
    return parameters, statistics


def letter_and_layer(name: str) -> tuple[str, int]:
    """The two parts of an array's name.

    >>> letter_and_layer("scale12")
    ('scale', 12)
    """
    letter = name.rstrip("0123456789")
    return letter, int(name[len(letter) :])


def is_dense(layers: Sequence[Layer]) -> bool:
    """True if a list of sizes, with activations, says all."""
    return all(type(layer) is Dense for layer in layers)


def checked_sizes(sizes: Sequence[Any]) -> list[int]:
    """The sizes as Python numbers. Raises ValueError, naming what is no size."""
    for n in sizes:
        if not is_count(n):
            raise ValueError(f"sizes {sizes}: {n!r} is not a whole number of units, 1 or more")
    if len(sizes) < 2:
        raise ValueError(f"sizes {sizes}: give the inputs and at least one layer, as in [2, 4, 1]")
    return [int(n) for n in sizes]


def checked_activations(
    activations: Sequence[str | act.ActivationFunction] | None, sizes: list[int]
) -> list[str | act.ActivationFunction]:
    """The activations, one for each layer. Raises TypeError or ValueError, naming the layer."""
    if activations is None:
        raise TypeError(f"sizes {sizes} need activations=, a list with one for each layer")
    if isinstance(activations, str):
        raise TypeError(f'activations="{activations}": give a list, one for each layer')
    checked = list(activations)
    if len(checked) != len(sizes) - 1:
        raise ValueError(
            f"{len(checked)} activations for sizes {sizes}, which are {len(sizes) - 1} layers: "
            "give one for each layer, none for the input"
        )
    for l, activation in enumerate(checked, start=1):
        try:
            act.check_activation(activation)
        except ValueError as error:
            raise ValueError(f"layer {l}: {error}") from None
    return checked


def _checked_input(given: Any) -> Shape:
    shape = tuple(given) if isinstance(given, list | tuple) else (given,)
    for n in shape:
        if not is_count(n):
            raise ValueError(
                f"the first entry is {given!r}: give the number of inputs, or the shape of a "
                "sample, as (1, 28, 28)"
            )
    return tuple(int(n) for n in shape)
