"""Networks as estimators of scikit-learn (extra `data`): for its pipelines, searches and scores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.extras import needed
from nn import losses, optimizers
from nn.arrays import Array
from nn.network import Network
from nn.training import fit

_WHY = "nn.Classifier and nn.Regressor are estimators of scikit-learn"
_base = needed("sklearn.base", _WHY, "data")
_validation = needed("sklearn.utils.validation", _WHY, "data")
_multiclass = needed("sklearn.utils.multiclass", _WHY, "data")


@dataclass(eq=False, repr=False)
class _Estimator(_base.BaseEstimator):  # type: ignore[name-defined]
    """What both have: the options, and the training. `net_` is the trained network."""

    hidden: Sequence[int] = (16,)
    activation: str = "tanh"
    optimizer: str = "adam"
    rate: float = 0.01
    epochs: int = 200
    batch_size: int | None = 32
    weight_decay: float | None = None
    validation: float | None = None
    patience: int | None = None
    random_state: Any = None

    def _fit(self, X: Array, Y: Array, outputs: int, last: str, loss: losses.Loss) -> None:
        """Train a network of so many outputs on rows."""
        random = _validation.check_random_state(self.random_state)
        rng = np.random.default_rng(random.randint(2**31))
        if not isinstance(self.hidden, Iterable):
            raise TypeError(f"hidden={self.hidden!r}: give a list of sizes, as in (16,)")
        sizes = [X.shape[1], *self.hidden, outputs]
        activations = [self.activation] * len(self.hidden) + [last]
        self.net_ = Network(sizes, activations, rng, batch_axis=0)
        if self.optimizer not in optimizers.BY_NAME:
            known = ", ".join(optimizers.BY_NAME)
            raise ValueError(f"optimizer={self.optimizer!r}: there are {known}")
        make: Any = optimizers.BY_NAME[self.optimizer]
        self.history_ = fit(
            *(self.net_, X, Y, loss, make(self.rate, weight_decay=self.weight_decay), self.epochs),
            batch_size=self.batch_size,
            shuffle=True,
            rng=rng,
            progress=False,
            validation=self.validation,
            patience=self.patience,
        )

    def _samples(self, X: Any) -> Array:
        """X, checked, for a network that was trained."""
        _validation.check_is_fitted(self)
        checked: Array = _validation.validate_data(self, X, reset=False)
        return checked


class Classifier(_base.ClassifierMixin, _Estimator):  # type: ignore[name-defined]
    """A network that tells classes apart, as an estimator of scikit-learn.

    `hidden` are the sizes of the hidden layers, all with one `activation`; `optimizer` is a name of
    nn.optimizers, and the other options are those of nn.fit. Features should be standardized, by a
    pipeline perhaps. After `fit`: `classes_`, `net_` (an nn.Network, samples as rows), `history_`.

    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], ["low", "low", "high", "high"]
    >>> model = Classifier(random_state=0).fit(X, y)
    >>> model.predict([[-1.0], [4.0]]).tolist(), model.predict_proba([[4.0]]).round(1).tolist()
    (['low', 'high'], [[1.0, 0.0]])
    """

    def fit(self, X: Any, y: Any) -> Classifier:
        """Train on rows X (m, n) with a label for each (m,). Raises ValueError for what cannot be
        learned: missing values, one class alone, numbers that are no classes."""
        X, y = _validation.validate_data(self, X, y)
        _multiclass.check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        k = len(self.classes_)
        if k < 2:
            raise ValueError(f"y has one class alone, {self.classes_[0]!r}: give two or more")
        if k == 2:
            self._fit(X, codes, 1, "sigmoid", losses.binary_cross_entropy)
        else:
            self._fit(X, codes, k, "softmax", losses.cross_entropy)
        return self

    def predict(self, X: Any) -> Array:
        """The class of each row (m,)."""
        places: Array = self.predict_proba(X).argmax(axis=1)
        classes: Array = self.classes_[places]
        return classes

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class for each row (m, k), in the order of `classes_`."""
        samples = self._samples(X)  # (which is an error before `fit`)
        return self.net_.predict(samples, probabilities=True)


class Regressor(_base.RegressorMixin, _Estimator):  # type: ignore[name-defined]
    """A network that tells a number, as an estimator of scikit-learn.

    The options are those of Classifier. Features and labels should be standardized.

    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [0.0, 0.5, 1.0, 1.5]
    >>> Regressor(random_state=0).fit(X, y).predict([[1.0], [2.0]]).round(1)
    array([0.5, 1. ])
    """

    def fit(self, X: Any, y: Any) -> Regressor:
        """Train on rows X (m, n) with a number for each (m,). Raises ValueError for missing values
        and for what is no number."""
        X, y = _validation.validate_data(self, X, y, y_numeric=True)
        self._fit(X, np.asarray(y, dtype=float), 1, "identity", losses.half_squared_error)
        return self

    def predict(self, X: Any) -> Array:
        """The number for each row (m,)."""
        samples = self._samples(X)  # (which is an error before `fit`)
        return self.net_.predict(samples)
