"""Checkpoints: a training that is cut anywhere goes on as if it had not been, to the bit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from builders import values

import nn
from nn.layers import BatchNormalization, Dense, Dropout
from nn.optimizers import Adam, AdamW, GradientDescent, Momentum, RMSprop

BCE = nn.losses.binary_cross_entropy
ROOT = Path(nn.__file__).parent.parent


def network():
    return nn.Network(
        [2, Dense(6, "tanh"), BatchNormalization(), Dropout(0.2), Dense(1, "sigmoid")], rng=0
    )


def train(epochs, path=None, make=lambda: Adam(0.05), net=None, every=1, **options):
    X, Y = nn.datasets.planar(60, rng=1)
    net = net or network()
    options = {"batch_size": 16, "shuffle": True, "rng": 5, **options}
    if path is not None:
        options["checkpoint"] = nn.Checkpoint(path, every)
    optimizer = make()
    history = nn.fit(net, X, Y, BCE, optimizer, epochs, **options)
    keeper = getattr(optimizer, "memory_of", lambda p: None)
    memory = [keeper(p) for p in net.parameters().values()]
    return history, repr([values(net), net.statistics(), memory])


@pytest.mark.parametrize("compile", [True, False])
@pytest.mark.parametrize(
    "make",
    [
        lambda: GradientDescent(0.5),
        lambda: Momentum(0.1, nesterov=True),
        lambda: RMSprop(0.01),
        lambda: AdamW(0.05, clip=0.5),
    ],
)
def test_a_training_in_three_parts_is_one_training(tmp_path, make, compile):
    options = {"make": make, "compile": compile, "schedule": nn.schedules.cosine(12)}
    whole = train(12, **options)
    for epochs in (3, 8, 12):
        parts = train(epochs, tmp_path / "run.npz", **options)
    assert parts == whole
    assert train(12, tmp_path / "run.npz", **options) == whole  # nothing is left to do


def test_early_stopping_goes_on_with_its_best(tmp_path):
    options = {"validation": 0.3, "patience": 8, "metrics": ["f1"], "make": lambda: Adam(0.3)}
    whole = train(200, **options)
    assert whole[0].stopped
    cut = whole[0].best + 3
    train(cut, tmp_path / "run.npz", **options)
    assert train(200, tmp_path / "run.npz", **options)[0] == whole[0]
    parts, again = (train(200, tmp_path / "run.npz", **options) for _ in range(2))
    assert parts[0] == again[0] == whole[0]
    nets = [network(), network()]
    train(200, net=nets[0], **options)
    train(200, tmp_path / "run.npz", net=nets[1], **options)
    for name, value in values(nets[0]).items():
        np.testing.assert_array_equal(values(nets[1])[name], value)


def test_every_few_epochs_and_at_the_end(tmp_path):
    path, seen = tmp_path / "run.npz", []
    look = lambda epoch, history: seen.append(path.stat().st_mtime_ns if path.exists() else 0)
    train(7, path, every=3, callbacks=[look])
    assert len({*seen[:3]}) == 1 < len({*seen[:4]}) == len({*seen[3:6]}) + 1
    assert train(7, path, every=3)[0] == train(7)[0]


def test_ctrl_c_loses_what_came_after_the_checkpoint_alone(tmp_path):
    def stop(epoch, history):
        if epoch == 5:
            raise KeyboardInterrupt

    assert train(12, tmp_path / "run.npz", every=2, callbacks=[stop])[0].interrupted
    assert train(12, tmp_path / "run.npz", every=2) == train(12)


SCRIPT = """
import sys
sys.path[:0] = [{root!r}, {tests!r}]
import test_nn_checkpoints as t
history, arrays = t.train(400, sys.argv[1])
print(history.loss, arrays)
"""


def written(path):
    return path.stat().st_mtime_ns if path.exists() else None


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kill -9 of POSIX")
def test_kill_9_at_any_moment(tmp_path):
    """Killed again and again, most of the time while it trains and writes, it ends up the same."""
    path, rng = tmp_path / "run.npz", np.random.default_rng(0)
    script = textwrap.dedent(SCRIPT.format(root=str(ROOT), tests=str(ROOT / "tests")))
    kills = 0
    while True:
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True
        )
        begun = written(path)
        while process.poll() is None and written(path) == begun:
            pass  # until it writes
        try:
            out, _ = process.communicate(timeout=rng.uniform(0, 0.3) if kills < 6 else None)
            break
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
            kills += 1
    assert process.returncode == 0
    assert kills
    history, arrays = train(400)
    assert out == f"{history.loss} {arrays}\n"


def test_a_full_disk_leaves_the_older_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    train(3, path)
    before = path.read_bytes()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", full)
        with pytest.raises(OSError, match=f"No space left on device: '{path}'"):
            train(6, path)
    assert path.read_bytes() == before
    assert train(6, path) == train(6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 8}, "another training: the batch size was 16, and is 8. Remove it"),
        ({"shuffle": False}, "shuffle was True, and is False"),
        ({"make": lambda: Adam(0.1)}, "the optimizer was .*0.05.* and is .*0.1"),
        ({"make": lambda: GradientDescent(0.05)}, "the optimizer was .*Adam.*GradientDescent"),
        ({"net": nn.Network([2, 1], ["sigmoid"], rng=0)}, "the network was"),
        ({"validation": 0.5}, "the checksum of the samples was"),
        ({"metrics": ["f1"]}, r"the metrics was \[\], and is \['f1'\]"),
        (
            {"rng": np.random.Generator(np.random.MT19937(5))},
            "the generator was PCG64, and is MT19937",
        ),
    ],
)
def test_a_checkpoint_of_another_training(tmp_path, options, message):
    train(2, tmp_path / "run.npz")
    with pytest.raises(ValueError, match=message):
        train(2, tmp_path / "run.npz", **options)


def test_what_is_no_checkpoint(tmp_path):
    path = tmp_path / "run.npz"
    train(2, path)
    whole = path.read_bytes()
    for content in (b"", b"hello", whole[:-50], whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"run.npz is not a checkpoint"):
            train(2, path)
    network().save(path)
    with pytest.raises(ValueError, match="its format is not this version's"):
        train(2, path)
    with pytest.raises(FileNotFoundError):
        nn.Checkpoint(tmp_path / "none" / "run.npz")
    with pytest.raises(ValueError, match="every=0"):
        nn.Checkpoint(path, every=0)
    X, Y = nn.datasets.planar(60)
    with pytest.raises(TypeError, match="give nn.Checkpoint"):
        nn.fit(network(), X, Y, BCE, Adam(), 1, rng=0, checkpoint="run.npz")


class Scaled:
    """A function that Python shows by its address."""

    def __call__(self, A, *_, **__):
        return A * 0.5


def test_settings_that_python_shows_by_their_address_are_the_same_again(tmp_path):
    def options():
        network = nn.Network([2, Dense(4, Scaled()), Dense(1, "sigmoid")], rng=0)
        metrics = [partial(nn.metrics.top_k, k=1), partial(lambda labels, answers, n: n, n=3)]
        return {"net": network, "metrics": metrics}

    whole = train(6, **options())
    train(3, tmp_path / "run.npz", **options())
    assert train(6, tmp_path / "run.npz", **options()) == whole


def test_a_loss_that_python_shows_by_its_address_is_the_same_again():
    def described():
        net = nn.Network([2, 1], [Scaled()], rng=0)
        loss = partial(BCE, class_weights=Scaled())
        return nn.checkpoints.description(net, loss, Adam(), [])

    assert described() == described()


def rewritten(path, change):
    """The checkpoint with its entries, and the text in one of them, changed."""
    with np.load(path) as file:
        entries = {name: file[name] for name in file.files}
    text = json.loads(entries["state"].item())
    change(entries, text)
    np.savez(path, **entries | {"state": np.array(json.dumps(text))})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda entries, text: text.pop("least"), "it has no entry 'least'"),
        (lambda entries, text: text.update(counts=[]), r"its entry counts is \[\], not a dict"),
        (lambda entries, text: text.update(about=None), "its entry about is None, not a dict"),
        (lambda entries, text: text["history"].update(costs=[]), "costs"),
        (lambda entries, text: text["rng"].pop("state"), "it has no entry 'state'"),
        (lambda entries, text: entries.pop("net.b1"), r"it holds net arrays .*, not .*b1"),
        (lambda entries, text: entries.update({"net.b1": np.ones(3)}), r"'b1': \(3,\)"),
        (lambda entries, text: entries.update({"best.b1": np.ones((6, 1))}), "it holds best"),
    ],
)
def test_entries_that_are_wrong_change_nothing(tmp_path, change, message):
    path, net = tmp_path / "run.npz", network()
    train(2, path)
    rewritten(path, change)
    with pytest.raises(ValueError, match=rf"run.npz is not a checkpoint: .*{message}"):
        train(4, path, net=net)
    for name, value in values(network()).items():
        np.testing.assert_array_equal(values(net)[name], value)


def test_an_optimizer_with_a_memory_of_its_own_is_refused(tmp_path):
    class Own:
        def step(self, parameters, gradients):
            pass

    with pytest.raises(TypeError, match="a Own has a memory of its own"):
        train(2, tmp_path / "run.npz", make=Own)
