"""Losses, which give the cost J of a batch: each is one operation, its derivative rules above it.

Every loss is called `loss(A, Y, reduction="mean", batch_axis=1)` and returns a scalar Tensor named
J. `A` is the output of the network, or `Z`, its last pre-activation, for the `_with_logits` forms;
`Y` holds the labels, in A's shape. "mean" is over the m samples, never over outputs; "sum" adds
them up.

If an output is saturated (exactly 0 or 1), the logarithm is clipped at -100, as in PyTorch: J stays
finite, and a sample that is entirely wrong costs 100. ∂J/∂A is finite as well, and behind a sigmoid
or softmax ∂J/∂Z is exactly 0: such a sample teaches nothing, and within 1e-12 of saturation it
teaches less than it should. The `_with_logits` forms take Z and are exact everywhere.
"""

from __future__ import annotations

import functools
import math
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

import autograd_lite as ag
from nn.arrays import Array, as_numbers, checked_batch_axis, checked_positive, first_entry
from nn.network import Forward

# The results of these operations lie between 0 and 1.
PROBABILITIES = [f(ag.Tensor([0.0], requires_grad=True)).op for f in (ag.sigmoid, ag.softmax)]
Right = tuple[int, int]  # how many answers are right, and of how many
SUM_TOLERANCE = 1e-3  # of the labels of a sample: more than rounding, also that of float16


@dataclass(eq=False, repr=False)
class Loss:
    """An operation of (A, Y, m), with the checks and the names that all losses have.

    `labels` is the range that Y must lie in. A loss for classes says how outputs are read: every
    output above `threshold` is a yes, or, with `one_of_many`, the largest output along the axis of
    the classes is the answer; the operation is then given this `axis`. `parts` outputs belong to
    each label. `options` are more arguments of the operation, and their values if not given.

    >>> A, Y = np.array([[0.5, 3.0], [1.0, 1.0]]), np.array([[0.0, 1.0], [1.0, 1.0]])
    >>> half_squared_error(A, Y).item(), half_squared_error(A, Y, reduction="sum").item()
    (1.0625, 2.125)
    """

    operation: Callable[..., Any]
    labels: tuple[float, float] = (-np.inf, np.inf)
    takes_logits: bool = False
    threshold: float | None = None
    one_of_many: bool = False
    parts: int = 1
    options: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # labels that were found right, and how they were checked
        self._checked: tuple[weakref.ref[Array], tuple[int, bool]] | None = None
        self.__name__ = self.operation.__name__
        self.__doc__ = self.operation.__doc__

    def __repr__(self) -> str:
        return f"nn.losses.{self.__name__}"

    def __call__(
        self,
        A: ArrayLike | ag.Tensor,
        Y: ArrayLike | ag.Tensor,
        reduction: str = "mean",
        batch_axis: int = 1,
        label_smoothing: float = 0.0,
        class_weights: ArrayLike | None = None,
        ignored: Any = None,
        **options: float,
    ) -> ag.Tensor:
        """The cost J, a scalar Tensor.

        `label_smoothing` takes this share of each label away and spreads it over all classes.
        For one of many classes, `class_weights` are factors of each class's samples, and the mean
        is a weighted one; samples whose labels are all 0 are left out if `ignored` is given, which
        is the label that nn.fit turns into these. As PyTorch's cross_entropy, all three.

        Raises ValueError if A and Y differ in shape, or if a label, or an output that should be a
        probability, is outside the range of the loss.
        """
        A, Y = self._as_tensors(A, Y)
        m = self._samples(A, Y, checked_batch_axis(batch_axis))
        if reduction not in ("mean", "sum"):
            raise ValueError(f'reduction={reduction!r}: "mean" over the samples, or "sum"')
        if self.takes_probabilities and A.op not in PROBABILITIES:
            ag.guard(functools.partial(self._check_outputs, A.name or "A"), A)
        unlabelled = ignored is not None
        check = functools.partial(self.check_labels, batch_axis=batch_axis, unlabelled=unlabelled)
        ag.guard(check, Y)
        static: dict[str, Any] = {"m": m if reduction == "mean" else 1, **self.options, **options}
        if self.one_of_many or self.parts > 1:
            static["axis"] = (1 - batch_axis,)
        weight: ag.Tensor | None = None
        if label_smoothing or unlabelled or class_weights is not None or options:
            self._check_options(label_smoothing, class_weights, ignored, options)
            soft = _smoothed(Y, label_smoothing, 1 - batch_axis)
            if unlabelled or class_weights is not None:
                weights = self._class_weights(class_weights, Y, batch_axis)
                weight, soft = np.sum(Y * weights), soft * weights
            Y = soft
        if weight is None or reduction == "sum":
            J: ag.Tensor = self.operation(A, Y, **static)
        else:  # (of nothing but ignored samples the mean is 0)
            J = self.operation(A, Y, **{**static, "m": 1}) / (weight + (weight == 0))
        return J.named("J")

    def _as_tensors(self, A: Any, Y: Any) -> tuple[ag.Tensor, ag.Tensor]:
        """Both as Tensors of floats of one dtype, with names."""
        letter = "Z" if self.takes_logits else "A"
        if not isinstance(A, ag.Tensor):
            A = ag.Tensor(as_numbers(A, letter), name=letter)
        if A.dtype.kind != "f":
            A = A.astype(float).named(A.name or letter)
        if not isinstance(Y, ag.Tensor):
            Y = ag.Tensor(as_numbers(Y, "Y").astype(A.dtype, copy=False), name="Y")
        if Y.dtype != A.dtype:
            Y = Y.astype(A.dtype).named("Y")
        elif not Y.name:
            Y.named("Y")
        return A, Y

    def _check_options(
        self, label_smoothing: float, class_weights: Any, ignored: Any, options: dict[str, float]
    ) -> None:
        """Raise TypeError or ValueError for options that this loss does not have."""
        if unknown := options.keys() - self.options.keys():
            raise TypeError(f"{self.__name__} has no option {min(unknown)}")
        for name, value in options.items():
            checked_positive(name, value)
        if not 0 <= label_smoothing < 1 or (label_smoothing and self.labels != (0, 1)):
            raise ValueError(
                f"label_smoothing={label_smoothing}: a share from 0 to 1, of labels of classes"
            )
        if not self.one_of_many and (class_weights is not None or ignored is not None):
            raise ValueError(
                f"{self.__name__} has no class_weights and ignores no labels: use cross_entropy, "
                "with an output for each class"
            )

    def _class_weights(self, given: Any, Y: ag.Tensor | Array, batch_axis: int) -> Array:
        """The weights in the dtype of Y, along its axis of classes."""
        classes = Y.shape[1 - batch_axis]
        weights = np.ones(classes) if given is None else as_numbers(given, "class_weights")
        if weights.shape != (classes,) or not np.isfinite(weights).all() or weights.min() < 0:
            raise ValueError(
                f"class_weights {weights.tolist()}: give {classes}, one for each class, 0 or more"
            )
        return np.expand_dims(weights.astype(Y.dtype), batch_axis)

    def output_of(self, f: Forward) -> ag.Tensor:
        """The A of the last layer, or its Z if the loss takes logits."""
        return f.logits if self.takes_logits else f.output

    def labels_of(self, outputs: int) -> int:
        """How many labels each sample has, for so many outputs. Raises ValueError if none fit."""
        if outputs % self.parts:
            raise ValueError(
                f"{self.__name__} takes {self.parts} outputs for each label: {outputs} do not fit"
            )
        return outputs // self.parts

    def _samples(self, A: ag.Tensor, Y: ag.Tensor, batch_axis: int) -> int:
        shape = A.shape
        if self.parts > 1 and len(shape) == 2:  # (of outputs, as many as there are labels)
            n = self.labels_of(shape[1 - batch_axis])
            shape = (n, shape[1]) if batch_axis == 1 else (shape[0], n)
        if shape == Y.shape and len(shape) == 2 and 0 not in shape:
            return int(shape[batch_axis])
        shown = f"{self.__name__}: {A.name or 'the output'} {A.shape} and {Y.name} {Y.shape}"
        if self.parts > 1:
            raise ValueError(f"{shown} do not fit: it takes {self.parts} outputs for each label")
        if shape != Y.shape:
            hint = " Y.T would fit." if shape == Y.shape[::-1] else ""
            raise ValueError(f"{shown} must have the same shape.{hint}")
        raise ValueError(f"{shown} must have two axes, outputs and samples, neither empty")

    def check_labels(self, Y: Array, batch_axis: int = 1, unlabelled: bool = False) -> None:
        """Raise ValueError, naming the first offender, if a label is outside the range of the loss,
        or if the labels of a sample that belongs to one of many classes do not sum to 1. If some
        may be `unlabelled`, a sum of 0 is right as well.
        """
        checked, how = self._checked, (batch_axis, unlabelled)  # once: another thread may set it
        if checked is not None and checked[0]() is Y and checked[1] == how:
            return  # a Tensor's array never changes
        low, high = self.labels
        least, most = float(Y.min()), float(Y.max())  # nan if a label is
        if not (math.isfinite(least) and math.isfinite(most) and low <= least and most <= high):
            needs = "finite labels" if low == -np.inf else f"labels from {low} to {high}"
            wrong = ~(np.isfinite(Y) & (Y >= low) & (Y <= high))
            raise ValueError(f"{self.__name__} needs {needs}: {first_entry('Y', Y, wrong)}")
        if self.one_of_many:
            self._check_sums(Y, batch_axis, unlabelled)
        self._checked = None if Y.flags.writeable else (weakref.ref(Y), how)

    def _check_sums(self, Y: Array, batch_axis: int, unlabelled: bool) -> None:
        sums = Y.sum(axis=1 - batch_axis, dtype=float)
        wrong = np.abs(sums - 1) > SUM_TOLERANCE
        if unlabelled:
            wrong &= sums != 0
        if wrong.any():
            n = int(wrong.argmax())
            sample = f"column {n}" if batch_axis == 1 else f"row {n}"
            hint = (
                "Leave out samples without a label, or say which label means that: ignored="
                if not sums[n]
                else "Divide them by their sum, or use binary_cross_entropy if a sample may belong "
                "to several classes"
            )
            if Y.shape[1 - batch_axis] == 1:
                hint = "For one output use binary_cross_entropy"
            raise ValueError(
                f"{self.__name__} needs labels that sum to 1 for each sample: {sample} of Y sums "
                f"to {sums[n]:.6g}. {hint}"
            )

    @property
    def for_classes(self) -> bool:
        """True if outputs are read as classes."""
        return self.one_of_many or self.threshold is not None

    @property
    def takes_probabilities(self) -> bool:
        """True if outputs must lie between 0 and 1."""
        return self.labels == (0, 1) and not self.takes_logits

    def _check_outputs(self, name: str, values: Array) -> None:
        if values.min() < 0 or values.max() > 1:  # a nan is for whoever trains to explain
            offender = first_entry(name, values, (values < 0) | (values > 1))
            raise ValueError(
                f"{self.__name__} needs outputs from 0 to 1: {offender}. Let the last layer be "
                "sigmoid or softmax, or use the loss's _with_logits form"
            )

    def right(self, A: Array, Y: Array, batch_axis: int = 1) -> Right | None:
        """How many answers are right, and of how many; None if the loss is not for classes."""
        if self.one_of_many:
            classes = 1 - batch_axis
            right = (A.argmax(classes) == Y.argmax(classes))[Y.any(classes)]
        elif self.threshold is not None:
            right = (A > self.threshold) == (Y > 0.5)
        else:
            return None
        return int(np.count_nonzero(right)), right.size

    def accuracy(self, A: Array, Y: Array, batch_axis: int = 1) -> float | None:
        """The share of right answers; None if the loss is not for classes."""
        return share([self.right(A, Y, batch_axis)])

    def weight(self, Y: Array, class_weights: ArrayLike | None, batch_axis: int = 1) -> Any:
        """What these samples count in a mean with such options: the sum of their weights."""
        return np.sum(Y * self._class_weights(class_weights, Y, batch_axis))

    def __reduce__(self) -> str:
        return self.__name__  # (pickled as functions are)


def share(counted: list[Right | None]) -> float | None:
    """The share of right answers, of what `Loss.right` has counted; None if it is None.

    >>> share([(2, 2), (1, 2)])
    0.75
    """
    right, answers = 0, 0
    for one in counted:
        if one is None:
            return None
        right += one[0]
        answers += one[1]
    return right / max(answers, 1)


def _smoothed(Y: ag.Tensor, share: float, axis: int) -> ag.Tensor:
    """Labels of which a share is spread over all classes; a sample without labels has none."""
    if not share:
        return Y
    classes = Y.shape[axis]
    if classes == 1:  # of an output that is a yes or a no
        return Y * (1 - share) + share / 2
    return Y * (1 - share) + np.sum(Y, axis=axis, keepdims=True) * (share / classes)


def _loss(**kind: Any) -> Callable[[Callable[..., Any]], Loss]:
    return lambda operation: Loss(operation, **kind)


def _log(a: Any) -> Any:
    """log(a), but not below -100; nothing warns at 0."""
    return np.maximum(np.log(np.maximum(a, 1e-44)), -100)


@_loss()
@ag.differentiable(
    lambda g, y, A, Y, m: (A - Y) * (g / m),
    lambda g, y, A, Y, m: (Y - A) * (g / m),
)
def half_squared_error(A: Any, Y: Any, m: int) -> Any:
    """½ ‖A − Y‖² for each sample, for labels that are any finite numbers.

    >>> half_squared_error([[3.0, 1.0]], [[1, 1]]).item()
    1.0
    """
    return np.square(A - Y).sum() / (2 * m)


@_loss(labels=(0, 1), threshold=0.5)
@ag.differentiable(
    lambda g, y, A, Y, m: (A - Y) / np.maximum(A * (1 - A), 1e-12) * (g / m),
    lambda g, y, A, Y, m: g * (_log(1 - A) - _log(A)) / m,
)
def binary_cross_entropy(A: Any, Y: Any, m: int) -> Any:
    """−(Y log A + (1 − Y) log(1 − A)), added over outputs that are each a yes or a no.

    >>> round(binary_cross_entropy([[0.9, 0.2]], [[1, 0]]).item(), 4)
    0.1643
    """
    return -(Y * _log(A) + (1 - Y) * _log(1 - A)).sum() / m


@_loss(labels=(0, 1), threshold=0.0, takes_logits=True)
@ag.differentiable(
    lambda g, y, Z, Y, m: (ag.sigmoid(Z) - Y) * (g / m),
    lambda g, y, Z, Y, m: g * -Z / m,
)
def binary_cross_entropy_with_logits(Z: Any, Y: Any, m: int) -> Any:
    """binary_cross_entropy(sigmoid(Z), Y), exact however large Z is, ±∞ too.

    >>> binary_cross_entropy_with_logits([[1000.0, 1000.0]], [[1, 0]]).item()
    500.0
    """
    size, wrong = np.abs(Z), np.abs((Z > 0) - Y)
    # (What is not wrong at all costs nothing, however large: 0 · ∞ would be nan.)
    return (np.where(wrong == 0, 0, size) * wrong + np.log1p(np.exp(-size))).sum() / m


@_loss(labels=(0, 1), one_of_many=True)
@ag.differentiable(
    lambda g, y, A, Y, m, axis: g * -(Y / np.maximum(A, 1e-12)) / m,
    lambda g, y, A, Y, m, axis: g * -_log(A) / m,
)
def cross_entropy(A: Any, Y: Any, m: int, axis: tuple[int, ...]) -> Any:
    """−Σ Y log A over the classes, for outputs that are probabilities (softmax).

    >>> round(cross_entropy([[0.7], [0.2], [0.1]], [[1], [0], [0]]).item(), 4)
    0.3567
    """
    return -(Y * _log(A)).sum() / m


@_loss(labels=(0, 1), one_of_many=True, takes_logits=True)
@ag.differentiable(
    lambda g, y, Z, Y, m, axis: (
        g * (ag.softmax(Z, axis=axis) * np.sum(Y, axis=axis, keepdims=True) - Y) / m
    ),
    lambda g, y, Z, Y, m, axis: g * -ag.log_softmax(Z, axis=axis) / m,
)
def cross_entropy_with_logits(Z: Any, Y: Any, m: int, axis: tuple[int, ...]) -> Any:
    """cross_entropy(softmax(Z), Y), exact however large Z is. A class whose logit is −∞ costs
    nothing where its label is 0.

    >>> cross_entropy_with_logits([[1000.0], [0.0]], [[0], [1]]).item()
    1000.0
    """
    return -(Y * np.where(Y == 0, 0, ag.log_softmax(Z, axis=axis))).sum() / m


@_loss(options={"delta": 1.0})
@ag.differentiable(
    lambda g, y, A, Y, m, delta: np.clip(A - Y, -delta, delta) * (g / m),
    lambda g, y, A, Y, m, delta: np.clip(Y - A, -delta, delta) * (g / m),
)
def huber(A: Any, Y: Any, m: int, delta: float) -> Any:
    """½ (A − Y)² where that is less than delta, and from there on a straight line.

    Source: Huber, "Robust estimation of a location parameter", 1964; as PyTorch's huber_loss.

    >>> huber([[3.0, 0.5]], [[0.0, 0.0]], delta=1.0).item()
    1.3125
    """
    size = np.abs(A - Y)
    near = np.minimum(size, delta)
    return (near * (size - near / 2)).sum() / m


@_loss(labels=(0, 1), threshold=0.0, takes_logits=True)
@ag.differentiable(
    lambda g, y, Z, Y, m: ((2 * Y - 1) * Z < 1) * (1 - 2 * Y) * (g / m),
    lambda g, y, Z, Y, m: ((2 * Y - 1) * Z < 1) * Z * (-2 * g / m),
)
def hinge(Z: Any, Y: Any, m: int) -> Any:
    """max(0, 1 − Z) where the label is 1 and max(0, 1 + Z) where it is 0, of support vectors.

    >>> hinge([[0.25, 3.0, -2.0]], [[1, 1, 0]], reduction="sum").item()
    0.75
    """
    return np.maximum(1 - (2 * Y - 1) * Z, 0).sum() / m


@_loss(parts=2)
@ag.differentiable(
    lambda g, y, A, Y, m, axis: _slopes_of_gaussian(A, Y, axis[0]) * (g / m),
    lambda g, y, A, Y, m, axis: -_slopes_of_gaussian(A, Y, axis[0], 1) * (g / m),
)
def gaussian(A: Any, Y: Any, m: int, axis: tuple[int, ...]) -> Any:
    """½ (log σ² + (Y − μ)² / σ²), the negative log-likelihood of a normal distribution.

    The first half of the outputs are μ, the second half log σ²; Y has half as many rows (columns
    with `batch_axis=0`). The constant ½ log 2π is left out, as in PyTorch's gaussian_nll_loss.

    >>> round(gaussian([[3.0], [0.0]], [[1.0]]).item(), 4)
    2.0
    """
    mean, log_variance = np.split(A, 2, axis[0])
    return (log_variance + np.square(Y - mean) * np.exp(-log_variance)).sum() / (2 * m)


def _slopes_of_gaussian(A: Any, Y: Any, axis: int, parts: int = 2) -> Any:
    """The derivatives of its sum by μ, and by log σ² if both parts are asked for."""
    mean, log_variance = np.split(A, 2, axis)
    by_mean = (mean - Y) * np.exp(-log_variance)
    if parts == 1:
        return by_mean
    return np.concatenate([by_mean, (1 - by_mean * (mean - Y)) / 2], axis)


BY_NAME: dict[str, Loss] = {
    loss.__name__: loss
    for loss in (
        half_squared_error,
        binary_cross_entropy,
        binary_cross_entropy_with_logits,
        cross_entropy,
        cross_entropy_with_logits,
        huber,
        hinge,
        gaussian,
    )
}
__test__ = {
    name: loss.__doc__ for name, loss in BY_NAME.items()
}  # for doctest, which skips objects
