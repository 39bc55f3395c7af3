"""What a network costs, and how right it is, on samples with labels."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

import autograd_lite as ag
from nn import metrics as named_metrics
from nn.activations import shown
from nn.arrays import Array, finite_samples, is_frame
from nn.chunks import Chunk, Chunks, Columns, Piece, strip_width, strips, taken
from nn.labels import Class, decoded, encoded, is_one_for_each
from nn.losses import Loss, Right, share
from nn.metrics import Metric
from nn.network import Forward, Network
from nn.samples import in_chunks
from nn.steps import Cost

Sums = dict[str, Any]  # over the parts of samples, by name
Rows = dict[bool, list[Array]]


def evaluate(
    net: Network, X: ArrayLike | ag.Tensor, Y: ArrayLike | ag.Tensor, loss: Callable[..., ag.Tensor]
) -> tuple[float, float | None]:
    """The cost J and the accuracy (None for a loss that is not for classes) on X and Y.

    These may be larger than memory: nn.samples says how.

    >>> import nn
    >>> X, Y = nn.datasets.planar(400, rng=0)
    >>> net = nn.Network([2, 4, 1], activations=["tanh", "sigmoid"], rng=0)
    >>> J, accuracy = evaluate(net, X, Y, nn.losses.binary_cross_entropy)
    >>> round(J, 2), round(accuracy, 4)
    (0.69, 0.5425)
    """
    samples = any_samples(net, X, Y, loss)
    return measured(net, loss, cost_of(loss, net.batch_axis), samples)


class Samples(NamedTuple):
    """Samples and labels as Tensors of a network's dtype, and what they tell of it."""

    X: ag.Tensor
    Y: ag.Tensor
    found: dict[str, Any]  # its classes and features, where it did not know them


class Reader(NamedTuple):
    """Reads pieces of chunks as samples for a network. `classes` are those of all labels."""

    net: Network
    loss: Callable[..., Any]
    classes: list[Class] | None

    def __call__(self, piece: Piece) -> Iterator[Samples]:
        """The samples of a piece, so many at a time that the values of all layers are small.

        Raises as `checked_samples` does, and says which chunk it is.
        """
        for columns in strips(piece.columns, strip_width(self.net.sizes)):
            yield self._read(piece.chunk, columns)

    def _read(self, chunk: Chunk, columns: Columns) -> Samples:
        net, axis = self.net, self.net.batch_axis
        if chunk.Y is None:
            raise TypeError(_NO_LABELS)

        def read(columns: Columns) -> Samples:
            X, Y = (taken(array, columns, axis) for array in (chunk.X, chunk.Y))
            return checked_samples(net, X, Y, self.loss, self.classes)

        found: Exception
        try:
            return read(columns)
        except (TypeError, ValueError) as error:
            found = error
        try:
            read(slice(None))  # of the chunk as a whole, whose places are those that are named
        except (TypeError, ValueError) as error:
            found = error
        raise type(found)(f"{chunk.place}: {found}")


class SamplesInChunks(NamedTuple):
    """Samples and labels that are checked when they are read, and what they tell of a network."""

    chunks: Chunks
    reader: Reader
    found: dict[str, Any]


AnySamples = Samples | SamplesInChunks
_NO_LABELS = "there are no labels: give Y, or batches that are pairs (X, Y)"


def any_samples(net: Network, X: Any, Y: Any, loss: Callable[..., Any]) -> AnySamples:
    """X and Y for this network, in memory or not. Raises ValueError or TypeError."""
    chunks = in_chunks(X, Y, net.batch_axis)
    if chunks is None:
        return checked_samples(net, X, Y, loss)
    classes = _classes_of(net, chunks, loss)
    found = {} if net.classes is not None or classes is None else {"classes": classes}
    return SamplesInChunks(chunks, Reader(net, loss, classes), found)


def measured(
    net: Network, loss: Callable[..., ag.Tensor], cost: Cost, samples: AnySamples
) -> tuple[float, float | None]:
    """`evaluate`, on samples that were checked."""
    if isinstance(samples, SamplesInChunks):
        sums = samples.chunks.total(_measured_piece, added, [samples.reader])
        return mean_cost(loss, sums), share([right_in(sums)])
    with ag.no_grad():
        J, output = cost(net.forward(samples.X), samples.Y)
    return J.item(), accuracy_of(loss, output.data, samples.Y.data, net.batch_axis)


def _measured_piece(piece: Piece, reader: Reader) -> Sums:
    """The sums that cost and accuracy are made of."""
    net, loss, total = reader.net, reader.loss, Sums()
    cost = cost_of(loss, net.batch_axis)
    for samples in reader(piece):
        with ag.no_grad():
            J, output = cost(net.forward(samples.X), samples.Y)
        total = added(total, sums_of(loss, J.item(), output.data, samples.Y.data, net.batch_axis))
    return total


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


def metrics_of(net: Network, samples: AnySamples, metrics: dict[str, Metric]) -> dict[str, Any]:
    """What each metric says of the labels and the network's answers, a row for each sample."""
    ranked = {n: _unwrapped(metric) is named_metrics.top_k for n, metric in metrics.items()}
    kinds = sorted(set(ranked.values()))
    if isinstance(samples, SamplesInChunks):
        rows = samples.chunks.total(_answered_of_piece, _joined, [samples.reader, kinds])
    else:
        rows = _answered(net, samples, kinds)
    return {name: metric(*rows[ranked[name]]) for name, metric in metrics.items()}


def _answered(net: Network, samples: Samples, kinds: list[bool]) -> Rows:
    """Labels and answers, a row for each sample, for metrics that rank classes or do not."""
    axis, Y, found = net.batch_axis, samples.Y.data, Rows()
    with ag.no_grad():
        f = net.forward(samples.X)
    for ranked in kinds:
        answers = net.answers(f, probabilities=ranked)
        labels = Y if Y.shape[1 - axis] > 1 or answers.ndim > 1 else Y.ravel()
        if net.classes is not None:
            labels = decoded(Y, None if ranked else net.classes, axis, probabilities=False)
        found[ranked] = [a if axis == 0 or a.ndim == 1 else a.T for a in (labels, answers)]
    return found


def _answered_of_piece(piece: Piece, reader: Reader, kinds: list[bool]) -> Rows:
    return functools.reduce(_joined, (_answered(reader.net, s, kinds) for s in reader(piece)))


def _joined(rows: Rows, others: Rows) -> Rows:
    return {
        kind: [np.concatenate(pair) for pair in zip(arrays, others[kind], strict=True)]
        for kind, arrays in rows.items()
    }


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
    return share([right_of(loss, output, Y, batch_axis)])


def right_of(loss: Callable[..., Any], output: Array, Y: Array, batch_axis: int) -> Right | None:
    """How many outputs are right, and of how many; None if the loss is not for classes."""
    known = known_loss(loss)
    return known.right(output, Y, batch_axis) if known else None


def checked_samples(
    net: Network,
    X: Any,
    Y: Any,
    loss: Callable[..., Any],
    known_classes: Sequence[Class] | None = None,
) -> Samples:
    """X and Y as Tensors. Raises ValueError or TypeError, naming what does not fit."""
    known, axis = known_loss(loss), net.batch_axis
    outputs = known.labels_of(net.sizes[-1]) if known else net.sizes[-1]
    for_classes = known is not None and known.for_classes
    ignored = getattr(loss, "keywords", {}).get("ignored")
    samples = net.samples(X)
    before = net.classes if known_classes is None else known_classes
    labels, classes = encoded(Y, outputs, axis, for_classes, before, ignored)
    m, n = samples.shape[-axis], labels.shape[axis]
    if m != n or not m:
        raise ValueError(f"X has {m} samples and Y {n}: give a label for each sample")
    names = [f"output {j}" for j in range(1, outputs + 1)]
    tensor = ag.Tensor(finite_samples("Y", labels, net.dtype, axis, names), name="Y")
    if known:
        known.check_labels(tensor.data, axis, ignored is not None)
    if classes is None and known:
        classes = _numbered_classes(known, outputs)
    found: dict[str, Any] = {}
    if net.classes is None and classes is not None:
        found["classes"] = classes
    if net.features is None and is_frame(X) and all(isinstance(c, str) for c in X.columns):
        found["features"] = list(X.columns)
    return Samples(ag.Tensor(samples, name="X"), tensor, found)


def sums_of(loss: Callable[..., Any], J: float, output: Array, Y: Array, batch_axis: int) -> Sums:
    """What cost and accuracy are made of, for some samples with their cost J.

    `weight` is what their cost counts in that of more samples: their number, or the sum of their
    weights, or 1 if costs are added up and not averaged.
    """
    options, known, samples = getattr(loss, "keywords", {}), known_loss(loss), Y.shape[batch_axis]
    weight: Any = samples
    if _adds_up(loss):
        weight = 1
    elif known and not {"class_weights", "ignored"}.isdisjoint(options):
        weight = float(known.weight(Y, options.get("class_weights"), batch_axis))
    right, answers = right_of(loss, output, Y, batch_axis) or (0, None)
    sums = {"samples": samples, "weight": weight, "cost": weight * J, "right": right}
    return sums | {"answers": answers}


def added(sums: Sums, others: Sums) -> Sums:
    """The sums of two parts together; of nothing, {}."""
    if not sums:
        return others
    return {name: None if s is None else s + others[name] for name, s in sums.items()}


def right_in(sums: Sums) -> Right | None:
    """How many outputs are right, and of how many; None if the loss is not for classes."""
    return None if sums["answers"] is None else (sums["right"], sums["answers"])


def mean_cost(loss: Callable[..., Any], sums: Sums) -> float:
    """The cost of all samples that were summed over."""
    return float(sums["cost"] / divisor(loss, sums))


def divisor(loss: Callable[..., Any], sums: Sums) -> Any:
    """What sums of costs and of gradients are to be divided by."""
    return 1 if _adds_up(loss) else sums["weight"] or 1


def _adds_up(loss: Callable[..., Any]) -> bool:
    return getattr(loss, "keywords", {}).get("reduction") == "sum"


def _classes_of(net: Network, chunks: Chunks, loss: Callable[..., Any]) -> list[Class] | None:
    """The classes that these labels stand for, which all of them are read for; None: numbers."""
    known = known_loss(loss)
    if net.classes is not None or known is None or not known.for_classes:
        return net.classes
    outputs = known.labels_of(net.sizes[-1])
    ignored = getattr(loss, "keywords", {}).get("ignored")
    first = chunks.first(of="Y").Y
    if first is None:
        raise TypeError(_NO_LABELS)
    default = _numbered_classes(known, outputs)
    if not is_one_for_each(first, outputs, net.batch_axis):
        return default
    # Of what is read once, all that comes later must be of the first chunk's classes.
    kinds = first if chunks.once else chunks.alone("Y").total(_kinds, np.union1d)
    return encoded(kinds, outputs, net.batch_axis, True, None, ignored)[1] or default


def _numbered_classes(loss: Loss, outputs: int) -> list[Class] | None:
    """The classes 0, 1, … that the outputs decide between; None if each answers for itself."""
    if loss.one_of_many or (loss.for_classes and outputs == 1):
        return list(range(max(outputs, 2)))
    return None


def _kinds(piece: Piece) -> Array:
    labels = np.unique(piece.chunk.X)
    return labels if labels.dtype.kind == "U" else labels[np.isfinite(labels)]
