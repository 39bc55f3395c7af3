"""The estimators, by scikit-learn's own checks, and in its pipelines."""

from __future__ import annotations

import pickle
import sys

import numpy as np
import pytest

import nn

sklearn = pytest.importorskip("sklearn")
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402


@pytest.mark.filterwarnings("ignore")  # scikit-learn's, about its own checks
@parametrize_with_checks([nn.Classifier(epochs=60, rate=0.03), nn.Regressor(epochs=60, rate=0.03)])
def test_it_is_an_estimator(estimator, check):
    check(estimator)


def test_a_pipeline_is_searched_and_scored():
    X, Y = nn.datasets.iris(batch_axis=0)
    y = np.array(["setosa", "versicolor", "virginica"])[Y.argmax(1)]
    model = make_pipeline(StandardScaler(), nn.Classifier(epochs=40, random_state=0))
    assert cross_val_score(model, X, y, cv=3).mean() > 0.9
    search = GridSearchCV(model, {"classifier__hidden": [(), (8,)]}, cv=2).fit(X, y)
    assert search.best_score_ > 0.9
    again = pickle.loads(pickle.dumps(search.best_estimator_))
    np.testing.assert_array_equal(again.predict_proba(X), search.predict_proba(X))


def test_it_is_the_training_of_fit():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 3)), rng.normal(size=50)
    model = nn.Regressor(hidden=(4,), epochs=20, random_state=3).fit(X, y)
    seed = np.random.RandomState(3).randint(2**31)
    rng = np.random.default_rng(seed)
    net = nn.Network([3, 4, 1], ["tanh", "identity"], rng, batch_axis=0)
    optimizer = nn.optimizers.Adam(0.01)
    options = {"batch_size": 32, "shuffle": True, "rng": rng}
    nn.fit(net, X, y, nn.losses.half_squared_error, optimizer, 20, **options)
    np.testing.assert_array_equal(net.predict(X), model.predict(X))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimizer": "sgd"}, "optimizer='sgd': there are gradient_descent"),
        ({"rate": -1}, "rate=-1"),
        ({"hidden": (0,)}, "0 is not a whole number of units"),
        ({"activation": "sigmid"}, "no activation is called 'sigmid'"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        nn.Classifier(**options).fit([[0.0], [1.0]], [0, 1])


@pytest.mark.parametrize("kind", [nn.Classifier, nn.Regressor])
def test_hidden_layers_are_a_list(kind):
    with pytest.raises(TypeError, match=r"hidden=16: give a list of sizes, as in \(16,\)"):
        kind(hidden=16).fit([[0.0], [1.0]], [0, 1])


def test_the_options_may_be_given_in_order():
    model = nn.Classifier((3,), "relu", "momentum")
    assert (model.hidden, model.activation, model.optimizer) == ((3,), "relu", "momentum")
    assert model.get_params() == nn.Classifier((3,), "relu", "momentum").get_params()
    assert model != nn.Classifier((3,), "relu", "momentum")
    assert repr(model) == "Classifier(activation='relu', hidden=(3,), optimizer='momentum')"


def test_without_scikit_learn_the_command_to_type_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.delitem(sys.modules, "nn.estimators", raising=False)
    with pytest.raises(ImportError, match=r'pip install "autograd-lite\[data\]"'):
        nn.Classifier  # noqa: B018
