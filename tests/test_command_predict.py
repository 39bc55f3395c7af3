"""`autograd-lite predict`: from the file that `train` saved to the predictions for another one."""

import csv
import re

import numpy as np
import pytest

import nn
from nn.cli import command


def run(capsys, *arguments):
    code = command.main([str(a) for a in arguments])
    out, err = capsys.readouterr()
    return code, out, err


def table(path, kind, columns="ab", m=120):
    """A file of two features, far from the origin, with a target computed from each row."""
    points = np.random.default_rng(0).normal(50, 10, (m, 2))
    rows = [{"a": a, "b": b, "id": i, "kind": kind(a, b)} for i, (a, b) in enumerate(points)]
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, [*columns, "kind"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return [row["kind"] for row in rows]


def read(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("batch_axis", [0, 1])
@pytest.mark.parametrize(
    "kind",
    [
        lambda a, b: "yes" if a > b else "no",
        lambda a, b: ("low", "middle", "high")[int(a > 45) + int(a > 55)],
        lambda a, b: int(a > b),
    ],
)
def test_the_whole_way_from_a_file_to_predictions(capsys, tmp_path, kind, batch_axis):
    table(tmp_path / "train.csv", kind)
    truth = table(tmp_path / "new.csv", kind, columns=["b", "id", "a"])  # in another order
    net, out = tmp_path / "net.npz", tmp_path / "predictions.csv"
    options = ("--target", "kind", "--rate", 0.5, "--batch-axis", batch_axis, "--save", net)
    assert run(capsys, "train", "--data", tmp_path / "train.csv", *options)[0] == 0
    code, said, err = run(
        capsys, "predict", net, tmp_path / "new.csv", "--out", out, "--probabilities"
    )
    assert (code, said, err) == (0, f"120 predictions in {out}\n", "")
    rows = read(out)
    assert np.mean([row["prediction"] == str(t) for row, t in zip(rows, truth, strict=True)]) > 0.9
    for row in rows:
        shares = {name: float(value) for name, value in row.items() if name != "prediction"}
        assert sum(shares.values()) == pytest.approx(1)
        assert max(shares, key=shares.get) == f"probability of {row['prediction']}"
    printed = run(capsys, "predict", net, tmp_path / "new.csv")[1]
    assert printed.splitlines()[1:] == [row["prediction"] for row in rows]


def test_a_loss_that_is_not_for_classes_predicts_numbers(capsys, tmp_path):
    table(tmp_path / "data.csv", lambda a, b: "yes" if a > b else "no")
    net = tmp_path / "net.npz"
    options = ("--target", "kind", "--loss", "half_squared_error", "--epochs", 3, "--save", net)
    assert run(capsys, "train", "--data", tmp_path / "data.csv", *options)[0] == 0
    assert nn.Network.load(net).classes is None
    code, said, err = run(capsys, "predict", net, tmp_path / "data.csv")
    assert (code, err) == (0, "")
    assert all(np.isfinite([float(line) for line in said.splitlines()[1:]]))


def test_numbers_and_several_outputs(capsys, tmp_path):
    table(tmp_path / "data.csv", lambda a, b: a)
    net = nn.Network([3, 2], ["identity"], rng=0)
    net.save(tmp_path / "net.npz")
    out = run(capsys, "predict", tmp_path / "net.npz", tmp_path / "data.csv")[1]
    rows = np.array([line.split(",") for line in out.splitlines()[1:]], dtype=float)
    X = np.array([[float(v) for v in row.values()] for row in read(tmp_path / "data.csv")])
    np.testing.assert_array_equal(rows, net.predict(X.T).T)
    assert out.splitlines()[0] == "output 0,output 1"


@pytest.mark.parametrize(
    ("text", "features", "said"),
    [
        ("a,b\n1,2\n", ["a", "c"], "no column 'c': its columns are a, b"),
        ("a,b\n1,x\n", ["a", "b"], "'x' is not a finite number"),
        ("a,b\n1,\n,\n", ["a", "b"], "missing values: 1 in column 'a', 2 in column 'b'"),
        ("a,b,c\n1,2,3\n", None, "has 3 columns, and .* takes 2 features"),
        ("", None, "is empty"),
    ],
)
def test_files_that_do_not_fit(capsys, tmp_path, text, features, said):
    net = nn.Network([2, 1], ["sigmoid"], rng=0)
    net.features = features
    net.save(tmp_path / "net.npz")
    (tmp_path / "data.csv").write_text(text)
    out = tmp_path / "out.csv"
    code, printed, err = run(
        capsys, "predict", tmp_path / "net.npz", tmp_path / "data.csv", "--out", out
    )
    assert (code, printed, err.count("\n")) == (2, "", 1)
    assert re.search(said, err)
    assert not out.exists()
    code, _, err = run(
        capsys,
        *("predict", tmp_path / "net.npz", tmp_path / "data.csv", "--out", tmp_path / "net.npz"),
    )
    assert code == 2
    assert "this would replace" in err
