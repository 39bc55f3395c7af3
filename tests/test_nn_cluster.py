"""Training on a cluster of processes: the same numbers as on one machine, also when workers die."""

from __future__ import annotations

import os
import pickle
import signal

import dask.array as da
import numpy as np
import pytest
from distributed import Client, LocalCluster

import nn

LOSS = nn.losses.binary_cross_entropy


@pytest.fixture(scope="module")
def client():
    """Two workers, each a process."""
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True}
    with LocalCluster(dashboard_address=":0", **options) as cluster, Client(cluster) as client:
        yield client


def samples(m=400):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3, m))
    return X, (X[:1] * X[1:2] + X[2:] > 0).astype(float)


def on_the_cluster(X, Y):
    """X and Y in six chunks, held by the workers."""
    return [da.from_array(a, chunks=(-1, 70)).persist() for a in (X, Y)]


def train(X, Y, epochs=6, layers=(3, 4, 1), **options):
    if isinstance(layers[1], int):
        net = nn.Network(list(layers), ["tanh", "sigmoid"], rng=1)
    else:
        net = nn.Network(list(layers), rng=1)
    adam = nn.optimizers.Adam(0.05)
    history = nn.fit(net, X, Y, LOSS, adam, epochs, progress=False, **options)
    return history, net


def assert_same(one, other):
    assert one[0].loss == pytest.approx(other[0].loss, rel=1e-12)
    assert one[0].metric == other[0].metric
    for name, p in other[1].parameters().items():
        np.testing.assert_allclose(
            one[1].parameters()[name].data, p.data, rtol=0, atol=1e-12, err_msg=name
        )


@pytest.mark.parametrize("compile", [True, False])
def test_a_full_batch_is_that_of_one_machine(client, compile):
    X, Y = samples()
    assert_same(train(*on_the_cluster(X, Y), compile=compile), train(X, Y, compile=compile))


def test_batches_are_those_of_one_machine(client):
    X, Y = samples()
    options = {"batch_size": 150, "shuffle": True, "rng": 3, "epochs": 2}
    there = train(*on_the_cluster(X, Y), **options)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("nn.cluster.client_at_work", lambda: None)
        assert_same(there, train(da.from_array(X, chunks=(-1, 70)), Y, **options))


def test_noise_is_drawn_for_each_chunk(client, monkeypatch):
    X, Y = samples()
    layers = 3, nn.layers.Dense(4, "tanh"), nn.layers.Dropout(0.5), nn.layers.Dense(1, "sigmoid")
    options = {"layers": layers, "rng": 3, "epochs": 3}
    there = train(*on_the_cluster(X, Y), **options)
    monkeypatch.setattr("nn.cluster.client_at_work", lambda: None)
    monkeypatch.setattr("nn.streams.strip_width", lambda sizes: 100)  # in pieces here as well
    assert_same(there, train(da.from_array(X, chunks=(-1, 70)), Y, **options))


def test_evaluating_standardizing_and_predicting(client):
    X, Y = samples()
    there = on_the_cluster(X, Y)
    net = nn.Network([3, 4, 1], ["tanh", "sigmoid"], rng=1)
    J, accuracy = nn.evaluate(net, X, Y, LOSS)
    assert nn.evaluate(net, *there, LOSS) == (pytest.approx(J, rel=1e-13), accuracy)
    np.testing.assert_array_equal(net.predict(there[0]).compute(), net.predict(X))
    np.testing.assert_allclose(
        nn.datasets.standardize(there[0]).compute(), nn.datasets.standardize(X), atol=1e-13
    )


def test_a_worker_that_dies(client):
    """Its chunks, and its part of the step, are computed again, and counted once."""
    X, Y = samples()
    died = []

    def kill(epoch, history):
        if epoch == 2:
            died.append(next(iter(client.run(os.getpid).values())))
            os.kill(died[0], signal.SIGKILL)

    assert_same(train(*on_the_cluster(X, Y), callbacks=[kill]), train(X, Y))
    assert len(died) == 1
    client.wait_for_workers(2, timeout=60)
    assert died[0] not in client.run(os.getpid).values()


def test_a_worker_that_dies_within_a_step(client, tmp_path):
    """The first worker that gets to the third chunk dies of it, once."""
    X, Y = samples()
    mark = tmp_path / "died"

    def deadly(block, block_id):
        if block_id[-1] == 2 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return block

    there = da.from_array(X, chunks=(-1, 70)).map_blocks(deadly, dtype=float, meta=X[:0])
    assert_same(train(there, da.from_array(Y, chunks=(-1, 70)), epochs=2), train(X, Y, epochs=2))
    assert mark.exists()
    client.wait_for_workers(2, timeout=60)


def test_data_that_nobody_can_compute_again(client):
    X, Y = samples()
    futures = client.scatter([X[:, :200], X[:, 200:]])
    there = da.concatenate([da.from_delayed(f, (3, 200), float) for f in futures], axis=1)

    def lose(epoch, history):
        client.cancel(futures)

    with pytest.raises(RuntimeError, match="was lost, and nothing says how to compute it again"):
        train(there, Y, callbacks=[lose])


def test_what_a_worker_finds_wrong_is_said_here(client):
    X, Y = samples()
    X[1, 222] = np.nan
    net = nn.Network([3, 4, 1], ["tanh", "sigmoid"], rng=1)
    before = net.parameters()["W1"].numpy()
    with pytest.raises(ValueError, match=r"^chunk 4, samples 210:280: X has missing values: 1 in"):
        nn.fit(net, *on_the_cluster(X, Y), LOSS, nn.optimizers.Adam(), 2, progress=False)
    np.testing.assert_array_equal(net.parameters()["W1"].data, before)


@pytest.mark.parametrize("loss", nn.losses.BY_NAME.values(), ids=repr)
def test_losses_are_pickled_by_name(loss):
    assert pickle.loads(pickle.dumps(loss)) is loss
