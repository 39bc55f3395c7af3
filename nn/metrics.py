"""Metrics: functions of the labels and of the answers of a network, by scikit-learn (extra `data`).

`nn.fit(..., metrics=[...])` takes their names, and any function of two arrays with one entry for
each sample: the labels, and what `net.predict` answers. Those of scikit-learn are such functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_lite.extras import needed
from nn.arrays import Array

Metric = Callable[[Array, Array], Any]


def accuracy(labels: Array, answers: Array) -> float:
    """The share of right answers.

    >>> accuracy(["a", "b", "b", "a"], ["a", "b", "a", "a"])
    0.75
    """
    return float(scikit_learn().accuracy_score(labels, answers))


def precision(labels: Array, answers: Array) -> float:
    """The share of the answers that name a class which are right.

    That of the second class if there are two, else the mean over all classes. A class that is never
    answered has precision 0.

    >>> precision([0, 1, 1, 0], [1, 1, 0, 0])
    0.5
    """
    return float(scikit_learn().precision_score(labels, answers, **_averaged(labels, answers)))


def recall(labels: Array, answers: Array) -> float:
    """The share of the samples of a class that are found; averaged as in `precision`.

    >>> recall([0, 1, 1, 1], [1, 1, 0, 1])
    0.6666666666666666
    """
    return float(scikit_learn().recall_score(labels, answers, **_averaged(labels, answers)))


def f1(labels: Array, answers: Array) -> float:
    """The harmonic mean of precision and recall; averaged as in `precision`.

    >>> f1([0, 1, 1, 1], [0, 1, 0, 0])
    0.5
    """
    return float(scikit_learn().f1_score(labels, answers, **_averaged(labels, answers)))


def confusion_matrix(labels: Array, answers: Array) -> Array:
    """How often each class (row) was answered by each (column), in sorted order.

    >>> confusion_matrix(["a", "b", "b"], ["a", "a", "b"])
    array([[1, 0],
           [1, 1]])
    """
    matrix: Array = scikit_learn().confusion_matrix(labels, answers)
    return matrix


def r2(labels: Array, answers: Array) -> float:
    """The share of the labels' variance that the answers explain: 1 at best, 0 for the mean.

    >>> r2([1.0, 2.0, 3.0], [1.0, 2.0, 2.0])
    0.5
    """
    return float(scikit_learn().r2_score(labels, answers))


def top_k(labels: Array, probabilities: Array, k: int = 2) -> float:
    """The share of samples whose class is among the k most probable ones.

    `labels` are the places of the classes, 0, 1, …, and `probabilities` has a row for each sample.

    >>> top_k([0, 1, 2], np.array([[0.5, 0.2, 0.3], [0.5, 0.2, 0.3], [0.4, 0.4, 0.2]]))
    0.3333333333333333
    """
    classes = np.arange(np.shape(probabilities)[1])
    scores = probabilities if len(classes) > 2 else np.asarray(probabilities)[:, 1]
    return float(scikit_learn().top_k_accuracy_score(labels, scores, k=k, labels=classes))


def _averaged(labels: Array, answers: Array) -> dict[str, Any]:
    classes = np.union1d(labels, answers)
    if len(classes) > 2:
        return {"average": "macro", "zero_division": 0}
    return {"average": "binary", "pos_label": classes[-1], "zero_division": 0}


def scikit_learn() -> Any:
    """The module sklearn.metrics. Raises ImportError, with the command to type, without it."""
    return needed("sklearn.metrics", "metrics are those of scikit-learn", "data")


BY_NAME: dict[str, Metric] = {
    f.__name__: f for f in (accuracy, precision, recall, f1, confusion_matrix, r2, top_k)
}
