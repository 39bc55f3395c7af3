"""Labels as people have them, and as a network learns them: 0 and 1 for two classes, else one-hot.

The classes of a network are in the order of its outputs. Of two classes, one output says how much
a sample belongs to the second.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_lite.files import excerpt
from nn.arrays import Array, Shape, as_labels, check_samples, is_frame

Class = str | int | float


def encoded(
    Y: Any,
    outputs: int,
    batch_axis: int,
    for_classes: bool,
    classes: Sequence[Class] | None = None,
    ignored: Any = None,
) -> tuple[Array, list[Class] | None]:
    """Labels as the network's outputs should be, laid out as they are, and the classes found.

    Numbers in the layout of the outputs are taken as they are. Otherwise there is one label for
    each sample, along one axis or in a column. If they are `for_classes`, words and numbers stand
    for `classes`, by default all that occur, sorted; of numbers, 0 to 1 for one output and whole
    ones below k for k outputs are themselves. The classes are None where labels were numbers. The
    label `ignored` stands for none: all outputs are 0.

    >>> encoded(["cat", "dog", "cat"], outputs=1, batch_axis=1, for_classes=True)
    (array([[0., 1., 0.]]), ['cat', 'dog'])
    >>> encoded([0, 2], outputs=3, batch_axis=0, for_classes=True)
    (array([[1., 0., 0.],
           [0., 0., 1.]]), [0, 1, 2])
    """
    labels = as_labels(Y, "Y")
    if is_frame(Y) and labels.ndim == 2 and batch_axis == 1:
        labels = labels.T
    words = labels.dtype.kind == "U"
    if not is_one_for_each(labels, outputs, batch_axis):
        if words:
            raise ValueError(f"Y {labels.shape} holds words: give one label for each sample")
        check_samples("Y", labels.shape, (outputs,), "outputs", batch_axis)
        return labels, None
    labels = labels.ravel()
    numbers = outputs == 1 and (classes is None or list(classes) == [0, 1])
    if not words and (not for_classes or (numbers and ((labels >= 0) & (labels <= 1)).all())):
        if outputs > 1:
            check_samples("Y", labels.shape, (outputs,), "outputs", batch_axis)
        return np.expand_dims(labels, 1 - batch_axis), None
    if not for_classes:
        raise TypeError("Y holds words, and this loss is not for classes: give numbers")
    counted = labels != ignored
    found = _classes(labels[counted], outputs) if classes is None else list(classes)
    Y = np.zeros((outputs, len(labels)))
    Y[:, counted] = coded(found, labels[counted])[-outputs:]
    return (Y if batch_axis == 1 else Y.T), found


def is_one_for_each(labels: Array, outputs: int, batch_axis: int) -> bool:
    """True for one label for each sample, False for labels in the layout of the outputs.

    >>> is_one_for_each(np.array([0, 1, 2]), outputs=3, batch_axis=1)
    True
    """
    laid_out = labels.ndim == 2 and labels.shape[1 - batch_axis] == outputs
    column = labels.ndim == 1 or (labels.ndim == 2 and 1 in labels.shape)
    return column and not (laid_out and labels.dtype.kind != "U")


def coded(classes: Sequence[Class], labels: Array) -> Array:
    """One-hot (k, m): 1 where a sample belongs to a class.

    Raises ValueError, with the classes, for a label that is none of them.

    >>> coded(["a", "b", "c"], np.array(["b", "a"]))
    array([[0., 1.],
           [1., 0.],
           [0., 0.]])
    """
    one_hot = np.array([labels == kind for kind in classes], dtype=float)
    unknown = ~one_hot.any(axis=0)
    if unknown.any():
        label = labels[int(unknown.argmax())]
        raise ValueError(
            f"Y holds the label {label!s}, which is none of the network's classes {_shown(classes)}"
        )
    return one_hot


def decoded(
    outputs: Array, classes: Sequence[Class] | None, batch_axis: int, probabilities: bool
) -> Array:
    """What outputs, the probabilities of classes, say of each sample; undoes `encoded`.

    The class of each sample (m,), or with `probabilities` those of each class, laid out as the
    outputs are. Without names, the classes are 0, 1, …

    >>> decoded(np.array([[0.2, 0.9]]), ["cat", "dog"], batch_axis=1, probabilities=False)
    array(['cat', 'dog'], dtype='<U3')
    """
    axis = 1 - batch_axis
    if outputs.shape[axis] == 1:
        outputs = np.concatenate([1 - outputs, outputs], axis)
    if probabilities:
        return outputs
    best: Array = outputs.argmax(axis)
    return best if classes is None else np.array(classes)[best]


def checked_names(what: str, given: Any, shapes: Sequence[Shape]) -> list[Class]:
    """The `classes` or `features` of a network, one for each output or input, as plain values.

    `shapes` are those of a sample before the first layer and after each of them; a single output
    stands for two classes. Raises ValueError for what a saved network could not hold.

    >>> checked_names("classes", np.array(["cat", "dog"]), [(3,), (1,)])
    ['cat', 'dog']
    """
    n = math.prod(shapes[0]) if what == "features" else max(math.prod(shapes[-1]), 2)
    try:
        names = as_labels(given, what)
        right = names.shape == (n,) == np.unique(names).shape and names.dtype.kind != "b"
    except (TypeError, ValueError):
        right = False
    if not right:
        raise ValueError(f"its {what} are not {n} different names, texts or numbers: {given!r:.99}")
    found: list[Class] = names.tolist()
    return found


def _classes(labels: Array, outputs: int) -> list[Class]:
    """The classes that stand for the outputs. Raises ValueError if their numbers differ."""
    if not labels.size:
        raise ValueError("Y holds no labels to learn from")
    found = np.unique(labels)
    if labels.dtype.kind != "U":
        if not np.isfinite(labels).all():
            raise ValueError(f"Y has {np.sum(~np.isfinite(labels))} labels that are not finite")
        if (found == np.rint(found)).all():
            found = found.astype(int)
            if outputs > 1 and found[0] >= 0 and found[-1] < outputs:
                return list(range(outputs))
    kinds: list[Class] = found.tolist()
    needed = max(outputs, 2)
    if len(kinds) != needed:
        raise ValueError(
            f"Y holds {len(kinds)} classes, {_shown(kinds)}, but {outputs} outputs stand for "
            f"{needed}: {_hint(len(kinds))}"
        )
    return kinds


def _hint(found: int) -> str:
    if found == 1:
        return "one class alone leaves nothing to learn"
    return f"build the network with {found} outputs" + (", or 1" if found == 2 else "")


def _shown(classes: Sequence[Class]) -> str:
    return excerpt(", ".join(map(str, classes)))
