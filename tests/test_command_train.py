"""`autograd-lite train`: what it prints, writes, and says to what it cannot do."""

import argparse
import errno
import shlex
import subprocess
import sys

import numpy as np
import pytest

import nn
from nn.cli import command, command_train


def run(capsys, *arguments):
    """Exit code, standard output, standard error of `autograd-lite train ...`."""
    try:
        code = command.main(["train", *(str(a) for a in arguments)])
    except SystemExit as end:  # argparse's own
        code = end.code
    out, err = capsys.readouterr()
    return code, out, err


def accuracies(out):
    lines = [line for line in out.splitlines() if line.startswith(("training", "held out"))]
    return {line[:10].strip(): float(line.split()[-1]) for line in lines}


def test_it_trains_and_measures_on_what_was_held_out(capsys):
    code, out, err = run(capsys)
    assert (code, err) == (0, "")
    assert "planar: 2 features, 300 samples to train, 100 held out" in out
    assert accuracies(out)["training"] > 0.85
    X, Y = nn.datasets.planar(400, rng=0)
    X, X_test, Y, Y_test = nn.datasets.split(X, Y, 0.25, rng=0)
    net = nn.Network([2, 4, 1], ["tanh", "sigmoid"], rng=0)
    loss = nn.losses.binary_cross_entropy
    nn.fit(net, X, Y, loss, nn.optimizers.GradientDescent(1.2), epochs=2000)
    assert f"{nn.evaluate(net, X_test, Y_test, loss)[1]:.4f}" == out.split()[-1]


@pytest.mark.parametrize("batch_axis", [0, 1])
def test_every_option(capsys, tmp_path, batch_axis):
    pytest.importorskip("matplotlib")
    code, out, _ = run(
        capsys,
        *("--data", "planar", "--layers", "2,6,5,1", "--activations", "relu,softplus,identity"),
        *("--loss", "binary_cross_entropy_with_logits", "--batch-axis", batch_axis),
        *("--rate", 0.01, "--epochs", 40, "--batch-size", 20, "--rng", 3, "--optimizer", "adam"),
        *("--test", 0.1, "--save", tmp_path / "net.npz", "--plot", tmp_path / "net.png"),
        "--no-progress",
    )
    assert code == 0
    assert "360 samples to train, 40 held out" in out
    net = nn.Network.load(tmp_path / "net.npz")
    assert net.sizes == [2, 6, 5, 1]
    assert net.batch_axis == batch_axis
    assert (tmp_path / "net.png").read_bytes()[:4] == b"\x89PNG"
    axes = {1: "columns", 0: "rows"}[batch_axis]
    assert f"batch_axis={batch_axis}" in out, axes


def test_the_same_rng_prints_the_same(capsys):
    options = ("--epochs", 30, "--batch-size", 50)
    first, again = run(capsys, *options)[1], run(capsys, *options)[1]
    other = run(capsys, *options, "--rng", 1)[1]
    assert first == again != other


@pytest.mark.parametrize("batch_axis", [0, 1])
@pytest.mark.parametrize("data", ["breast_cancer", "digits", "iris"])
def test_scikit_learns_data(capsys, tmp_path, data, batch_axis):
    pytest.importorskip("sklearn")
    path = tmp_path / "net.npz"
    options = ("--data", data, "--epochs", 10, "--batch-size", 32, "--save", path)
    code, out, _ = run(capsys, *options, "--batch-axis", batch_axis)
    assert code == 0
    X, Y = getattr(nn.datasets, data)(batch_axis=batch_axis)
    net = nn.Network.load(path)  # works on the data as they are
    loss = nn.losses.binary_cross_entropy if net.sizes[-1] == 1 else nn.losses.cross_entropy
    share = 0.75 * accuracies(out)["training"] + 0.25 * accuracies(out)["held out"]
    assert nn.evaluate(net, X, Y, loss)[1] == pytest.approx(share, abs=2e-3)
    assert share > 0.6


def test_one_iris_against_the_others(capsys):
    pytest.importorskip("sklearn")
    code, out, _ = run(capsys, "--data", "iris", "--target", "setosa", "--epochs", 200)
    assert code == 0
    assert "Network([4, 3, 2, 1]" in out
    assert accuracies(out)["held out"] > 0.9


def table(tmp_path, target):
    """A file of two features, 80 rows, with a target computed from each row."""
    rng = np.random.default_rng(0)
    rows = [f"{a},{b},{target(a, b)}" for a, b in rng.normal(50, 10, (80, 2))]
    path = tmp_path / "data.csv"
    path.write_text("a,b,y\n" + "\n".join(rows) + "\n")
    return ("--data", path, "--target", "y")


@pytest.mark.parametrize(
    ("target", "options", "kind"),
    [
        (lambda a, b: "yes" if a > b else "no", (), "sigmoid'], batch_axis=1"),
        (lambda a, b: int(a > b), (), "binary_cross_entropy"),
        (lambda a, b: int(a > b), ("--loss", "cross_entropy"), "Network([2, 8, 2]"),
        (lambda a, b: "abc"[int(a > 45) + int(a > 55)], (), "Network([2, 8, 3]"),
        (
            lambda a, b: int(a > 45) + int(a > 55),
            ("--activations", "tanh,softmax", "--loss", "cross_entropy"),
            "Network([2, 8, 3]",
        ),
    ],
)
def test_classes_in_a_file(capsys, tmp_path, target, options, kind):
    code, out, err = run(capsys, *table(tmp_path, target), "--rate", 0.3, *options)
    assert (code, err) == (0, "")
    assert kind in out
    assert accuracies(out)["training"] > 0.8


def test_numbers_in_a_file(capsys, tmp_path):
    code, out, _ = run(capsys, *table(tmp_path, lambda a, b: a / 50 - b / 40))
    assert code == 0
    assert "half_squared_error" in out
    assert accuracies(out)["training"] < 0.02  # the loss: there is no accuracy


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--data", "none.csv"), "--data none.csv: no such file, and not one of planar"),
        (("--data", __file__), "say which column holds the labels with --target"),
        (("--target", "a"), "--target: planar has its labels"),
        (
            ("--layers", "2,4,2"),
            "--layers 2,4,2: planar has 2 features and its labels take 1",
        ),
        (("--layers", "4,1"), "so it is 2,...,1, the units between as you like"),
        (("--layers", "2"), "so it is 2,...,1"),
        (("--layers", "4,x"), "'4,x' is not a list of sizes"),
        (("--layers", "4,0"), "'4,0' is not a list of sizes"),
        (("--activations", "tanh"), "1 activations for sizes [2, 4, 1]"),
        (("--activations", "tanh,sigmod"), "no activation is called 'sigmod'"),
        (("--activations", "tanh,sin", "--loss", "cross_entropy"), "needs outputs from 0 to 1"),
        (("--loss", "bce"), "invalid choice: 'bce'"),
        (("--rate", "-1"), "rate=-1.0: it must be a positive number"),
        (("--rate", "fast"), "'fast' is not a finite number"),
        (("--epochs", "-1"), "'-1' is not a whole number"),
        (("--batch-size", "0"), "'0' is neither a number of samples nor 'all'"),
        (("--batch-axis", "2"), "invalid choice"),
        (("--test", "2"), "leave some to both"),
        (("--rng", "-1"), "'-1' is not a whole number"),
        (("--save", "/none/net.npz"), "--save /none/net.npz: cannot be written: No such file"),
        (("--plot", "/none/net.png"), "--plot /none/net.png: cannot be written: No such file"),
        (("--plot", "net.xyz"), "--plot net.xyz: a picture is one of"),
    ],
)
def test_what_the_user_got_wrong(capsys, options, message):
    code, out, err = run(capsys, *options)
    assert (code, out) == (2, "")
    assert message in err.splitlines()[-1]
    assert "Traceback" not in err


def test_a_file_that_is_wrong(capsys, tmp_path):
    options = table(tmp_path, lambda a, b: "red" if 49 < a < 50 else 1.5)
    code, out, err = run(capsys, *options)
    assert (code, out) == (2, "")
    assert "column 'y': 'red' is not a finite number" in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("module", "options", "extra"),
    [
        ("sklearn", ("--data", "iris"), "data"),
        ("matplotlib", ("--plot", "net.png"), "plot"),
    ],
)
def test_a_library_that_is_missing(capsys, monkeypatch, module, options, extra):
    monkeypatch.setitem(sys.modules, module, None)
    code, _, err = run(capsys, *options)
    assert code == 2
    assert f'pip install "autograd-lite[{extra}]"' in err
    assert len(err.splitlines()) == 1


def test_training_that_diverges_is_a_failure(capsys):
    options = ("--rate", "1e200", "--loss", "half_squared_error", "--activations", "tanh,identity")
    code, _, err = run(capsys, *options)
    assert code == 1
    assert "epoch 2: the cost J is the first that is not finite" in err
    assert len(err.splitlines()) == 1


def test_a_file_that_cannot_be_written_is_a_failure(capsys, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(np, "savez", full)
    code, out, err = run(capsys, "--epochs", 1, "--save", tmp_path / "net.npz")
    assert code == 1
    assert "held out" in out
    place = tmp_path / "net.npz"
    assert err == f"autograd-lite: [Errno {errno.ENOSPC}] no space left on device: '{place}'\n"


def test_more_than_memory_holds_is_a_failure(capsys):
    code, _, said = run(capsys, "--layers", "2,1000000000000,1")
    assert code == 1
    assert said.startswith("autograd-lite: Unable to allocate")
    assert said.count("\n") == 1


def test_a_reader_who_has_seen_enough_is_no_error():
    python = shlex.quote(sys.executable)
    done = subprocess.run(
        [f"{python} -m nn draw --layers 2,60,60,60,1 --samples 40 | head -c 1"],
        shell=True,
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("d", "")


def test_ctrl_c_prints_and_saves_what_was_learnt(capsys, tmp_path, monkeypatch):
    take = nn.steps.CompiledSteps.take
    calls = []

    def stop(self, batches):
        calls.append(1)
        if len(calls) == 6:  # once in each epoch
            raise KeyboardInterrupt
        return take(self, batches)

    monkeypatch.setattr(nn.steps.CompiledSteps, "take", stop)
    code, out, _ = run(capsys, "--save", tmp_path / "net.npz")
    assert code == 130
    assert "interrupted after 5 epochs" in out
    assert "held out" in out
    assert nn.Network.load(tmp_path / "net.npz").sizes == [2, 4, 1]


@pytest.mark.parametrize("batch_axis", [0, 1])
def test_the_saved_network_takes_raw_data(batch_axis):
    rng = np.random.default_rng(0)
    net = nn.Network([3, 4, 2], ["tanh", "softmax"], rng=0, batch_axis=batch_axis)
    net.set_parameters({"b1": rng.standard_normal(net.parameters()["b1"].shape)})
    X = rng.normal([[5], [-3], [0]], [[2], [0.1], [9]], (3, 20))
    X = X if batch_axis else X.T
    mean, scale = nn.datasets.mean_and_scale(X, batch_axis)
    raw = command_train.for_raw_data(net, mean, scale)
    np.testing.assert_allclose(raw(X).numpy(), net((X - mean) / scale).numpy(), rtol=1e-12)


def test_progress_is_shown_when_asked_for(capsys):
    _, _, err = run(capsys, "--progress", "--epochs", 20)
    assert err.startswith("epoch 1 of 20: loss 0.")


@pytest.mark.parametrize("arguments", [[], ["nothing"]])
def test_no_command(capsys, arguments):
    with pytest.raises(SystemExit) as end:
        command.main(arguments)
    assert end.value.code == 2


@pytest.mark.parametrize(
    ("arguments", "sizes", "names", "loss"),
    [
        ([], [2, 4, 1], ["tanh", "sigmoid"], "binary_cross_entropy"),
        (["--layers", "3,4,2"], [3, 4, 2], ["tanh", "softmax"], "cross_entropy"),
        (
            ["--loss", "binary_cross_entropy_with_logits"],
            [2, 4, 1],
            ["tanh", "identity"],
            "binary_cross_entropy_with_logits",
        ),
        (["--activations", "sin,tanh"], [2, 4, 1], ["sin", "tanh"], "half_squared_error"),
        (
            ["--layers", "4,3", "--activations", "softmax"],
            [4, 3],
            ["softmax"],
            "cross_entropy",
        ),
    ],
)
def test_a_network_without_data_takes_its_inputs_from_layers(arguments, sizes, names, loss):
    parser = argparse.ArgumentParser()
    command.add_network_options(parser)
    net, chosen = command.network_from(parser.parse_args(arguments))
    assert (net.sizes, net.activations, chosen) == (sizes, names, nn.losses.BY_NAME[loss])


def test_python_m_nn_is_the_same_command():
    done = subprocess.run(
        [sys.executable, "-m", "nn", "train", "--epochs", "1"], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "held out" in done.stdout
    done = subprocess.run([sys.executable, "-m", "nn", "--help"], capture_output=True, text=True)
    assert "train" in done.stdout
