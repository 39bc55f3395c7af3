"""Pictures of a network and of its training, with matplotlib (the `plot` extra)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from autograd_lite.extras import needed
from nn.arrays import Array, as_numbers
from nn.network import Network

# Eight colours that people who see fewer colours can tell apart (M. Okabe and K. Ito, 2008).
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#f0e442", "#000000")


def decision_boundary(
    net: Network, X: ArrayLike, Y: ArrayLike, ax: Any = None, threshold: float = 0.5
) -> Any:
    """Draw the points X of two features, coloured by Y, on the network's answers around them.

    Classes differ in colour and in mark, and a legend names them (`net.classes`, or numbers).

    A single output above `threshold` means class 1 (0.5 for a probability, 0 for a logit); of
    several outputs the largest is the class. Draws into the matplotlib Axes `ax`, or new ones, and
    returns them. Raises ValueError if the samples do not have two features.

    >>> import nn
    >>> from matplotlib.figure import Figure
    >>> X, Y = nn.datasets.planar(400, rng=0)
    >>> net = nn.Network([2, 4, 1], activations=["tanh", "sigmoid"], rng=0)
    >>> ax = decision_boundary(net, X, Y, ax=Figure().add_subplot())
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('$x_1$', '$x_2$')
    """
    if net.sizes[0] != 2:
        raise ValueError(f"the network has {net.sizes[0]} inputs: a picture needs two")
    points, labels = _in_columns(net, as_numbers(X, "X")), _in_columns(net, as_numbers(Y, "Y"))
    ax = _axes(ax)
    (left, low), (right, high) = points.min(1) - 0.5, points.max(1) + 0.5
    grid = np.meshgrid(np.linspace(left, right, 200), np.linspace(low, high, 200))
    samples = np.stack([coordinate.ravel() for coordinate in grid])
    answers = _in_columns(net, net(_in_columns(net, samples)).numpy())
    if len(answers) == 1:
        answer = answers.reshape(200, 200)
        ax.pcolormesh(*grid, answer, cmap="RdBu", alpha=0.4, rasterized=True)
        ax.contour(*grid, answer, levels=[threshold], colors="black", linewidths=1.2)
        classes, colours = labels[0].astype(int), ["#67001f", "#053061"]
    else:
        classes, colours = labels.argmax(0), [_COLOURS[k % 8] for k in range(len(answers))]
        region, levels = answers.argmax(0).reshape(200, 200), np.arange(len(answers) + 1) - 0.5
        ax.contourf(*grid, region, levels=levels, colors=colours, alpha=0.3)
    for k, colour in enumerate(colours):
        name = str(net.classes[k]) if net.classes else str(k)
        style = {"marker": "o^sDvP*X"[k % 8], "s": 18, "edgecolors": "white", "linewidths": 0.5}
        ax.scatter(*points[:, classes == k], color=colour, label=name, **style)
    ax.legend(title="class", fontsize="small", loc="best")
    ax.set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
    return ax


def history(history: Any, ax: Any = None) -> Any:
    """Draw the cost J and the accuracy of a History by epoch, into the Axes `ax` or new ones.

    What was measured in validation is drawn with dashes. Returns the Axes.

    >>> from nn import History
    >>> from matplotlib.figure import Figure
    >>> ax = history(History(loss=[0.7, 0.5], metric=[0.5, 0.9]), ax=Figure().add_subplot())
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('epoch', 'cost J')
    """
    ax = _axes(ax)
    blue, orange = "#0b5fa5", "#a84300"  # both dark enough on white for words as well as lines
    epochs = np.arange(1, len(history.loss) + 1)
    dashed = {"linestyle": "dashed", "label": "validation"}
    ax.plot(epochs, history.loss, color=blue)
    if history.validation_loss:
        ax.plot(epochs, history.validation_loss, color=blue, **dashed)
        ax.legend(loc="upper right")
    ax.set_xlabel("epoch")
    ax.set_ylabel("cost J", color=blue)
    if any(value is not None for value in history.metric):
        right = ax.twinx()
        right.plot(epochs, history.metric, color=orange)
        if history.validation_metric:
            right.plot(epochs, history.validation_metric, color=orange, **dashed)
        right.set_ylabel("accuracy", color=orange)
        right.set_ylim(0, 1.02)
    return ax


def _in_columns(net: Network, samples: Array) -> Array:
    """Samples of the network's layout as columns, or columns in the network's layout."""
    return samples if net.batch_axis == 1 else samples.T


def figure(columns: int) -> tuple[Any, list[Any]]:
    """A figure that is to be written to a file, and its Axes, side by side.

    >>> image, axes = figure(2)
    >>> len(axes)
    2
    """
    image = _matplotlib("figure").Figure(figsize=(6 * columns, 4.5), layout="constrained")
    return image, [image.add_subplot(1, columns, i + 1) for i in range(columns)]


def _axes(ax: Any) -> Any:
    if ax is not None:
        return ax
    return _matplotlib("pyplot").subplots()[1]


def _matplotlib(module: str) -> Any:
    return needed(f"matplotlib.{module}", "pictures need matplotlib", "plot")
