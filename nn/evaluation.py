"""What a network costs, and how right it is, on samples with labels."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from numpy.typing import ArrayLike

import autograd_lite as ag
from nn import metrics as named_metrics
from nn.activations import shown
from nn.arrays import Array, finite_samples, is_frame
from nn.labels import decoded, encoded
from nn.losses import Loss
from nn.metrics import Metric
from nn.network import Forward, Network
from nn.steps import Cost


def evaluate(
    net: Network, X: ArrayLike | ag.Tensor, Y: ArrayLike | ag.Tensor, loss: Callable[..., ag.Tensor]
) -> tuple[float, float | None]:
    """The cost J and the accuracy (None for a loss that is not for classes) on X and Y.

    >>> import nn
    >>> X, Y = nn.datasets.planar(400, rng=0)
    >>> net = nn.Network([2, 4, 1], activations=["tanh", "sigmoid"], rng=0)
    >>> J, accuracy = evaluate(net, X, Y, nn.losses.binary_cross_entropy)
    >>> round(J, 2), round(accuracy, 4)
    (0.69, 0.5425)
    """
    samples = checked_samples(net, X, Y, loss)
    return measured(net, loss, cost_of(loss, net.batch_axis), samples)


class Samples(NamedTuple):
    """Samples and labels as Tensors of a network's dtype, and what they tell of it."""

    X: ag.Tensor
    Y: ag.Tensor
    found: dict[str, Any]  # its classes and features, where it did not know them


def measured(
    net: Network, loss: Callable[..., ag.Tensor], cost: Cost, samples: Samples
) -> tuple[float, float | None]:
    """`evaluate`, on samples that were checked."""
    with ag.no_grad():
        J, output = cost(net.forward(samples.X), samples.Y)
    return J.item(), accuracy_of(loss, output.data, samples.Y.data, net.batch_axis)


def checked_metrics(given: Sequence[str | Metric]) -> dict[str, Metric]:
    """The metrics by name. Raises TypeError or ValueError for what is none."""
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise TypeError(f"metrics={given!r}: give a list of names or functions")
    found: dict[str, Metric] = {}
    for metric in given:
        if isinstance(metric, str):
            if metric not in named_metrics.BY_NAME:
                known = ", ".join(named_metrics.BY_NAME)
                raise ValueError(f"no metric is called {metric!r}: there are {known}")
            metric = named_metrics.BY_NAME[metric]
        elif not callable(metric):
            raise TypeError(f"metrics: {metric!r} is neither a name nor a function")
        name = shown(metric)
        if name in found:
            raise ValueError(f"metrics: two are called {name}: give each a name of its own")
        if _unwrapped(metric) in named_metrics.BY_NAME.values():
            named_metrics.scikit_learn()  # if it is missing, that is said before the first epoch
        found[name] = metric
    return found


def metrics_of(net: Network, samples: Samples, metrics: dict[str, Metric]) -> dict[str, Any]:
    """What each metric says of the labels and the network's answers, a row for each sample."""
    found, axis, Y = {}, net.batch_axis, samples.Y.data
    with ag.no_grad():
        f = net.forward(samples.X)
    for name, metric in metrics.items():
        ranked = _unwrapped(metric) is named_metrics.top_k
        answers = net.answers(f, probabilities=ranked)
        labels = Y if Y.shape[1 - axis] > 1 or answers.ndim > 1 else Y.ravel()
        if net.classes is not None:
            labels = decoded(Y, None if ranked else net.classes, axis, probabilities=False)
        rows = [a if axis == 0 or a.ndim == 1 else a.T for a in (labels, answers)]
        found[name] = metric(rows[0], rows[1])
    return found


def cost_of(loss: Callable[..., ag.Tensor], batch_axis: int) -> Cost:
    """A function of a forward pass and Y that gives J and the output that the loss takes."""
    options = {"batch_axis": batch_axis} if _takes(loss, "batch_axis") else {}
    known = known_loss(loss)

    def cost(f: Forward, Y: ag.Tensor) -> tuple[ag.Tensor, ag.Tensor]:
        output = known.output_of(f) if known else f.output
        return loss(output, Y, **options), output

    return cost


def _takes(function: Callable[..., Any], option: str) -> bool:
    parameters = inspect.signature(function).parameters
    return option in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def known_loss(loss: Callable[..., Any]) -> Loss | None:
    """The loss of nn.losses behind this function (a functools.partial, too); None for others."""
    function = _unwrapped(loss)
    return function if isinstance(function, Loss) else None


def _unwrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    while isinstance(function, functools.partial):
        function = function.func
    return function


def accuracy_of(loss: Callable[..., Any], output: Array, Y: Array, batch_axis: int) -> float | None:
    """The share of right outputs; None if the loss is not for classes."""
    known = known_loss(loss)
    return known.accuracy(output, Y, batch_axis) if known else None


def checked_samples(net: Network, X: Any, Y: Any, loss: Callable[..., Any]) -> Samples:
    """X and Y as Tensors. Raises ValueError or TypeError, naming what does not fit."""
    known, axis = known_loss(loss), net.batch_axis
    outputs = known.labels_of(net.sizes[-1]) if known else net.sizes[-1]
    for_classes = known is not None and known.for_classes
    ignored = getattr(loss, "keywords", {}).get("ignored")
    samples = net.samples(X)
    labels, classes = encoded(Y, outputs, axis, for_classes, net.classes, ignored)
    m, n = samples.shape[-axis], labels.shape[axis]
    if m != n or not m:
        raise ValueError(f"X has {m} samples and Y {n}: give a label for each sample")
    names = [f"output {j}" for j in range(1, outputs + 1)]
    tensor = ag.Tensor(finite_samples("Y", labels, net.dtype, axis, names), name="Y")
    if known:
        known.check_labels(tensor.data, axis, ignored is not None)
    if classes is None and known and (known.one_of_many or (for_classes and outputs == 1)):
        classes = list(range(max(outputs, 2)))
    found: dict[str, Any] = {}
    if net.classes is None and classes is not None:
        found["classes"] = classes
    if net.features is None and is_frame(X) and all(isinstance(c, str) for c in X.columns):
        found["features"] = list(X.columns)
    return Samples(ag.Tensor(samples, name="X"), tensor, found)
