"""`autograd-lite draw`: a network by options or from a file, on paper or as text."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

import nn
from nn.cli.command import main


def drawn(capsys, *arguments):
    assert main(["draw", *arguments]) == 0
    return capsys.readouterr().out


def test_a_network_by_its_options(capsys):
    source = drawn(capsys, "--layers", "3,5,2", "--samples", "7")
    for shown in ("W1\\n(5, 3)", "Z1\\n(5, 7)", "A2\\n(2, 7)", "layer 2", "cross_entropy"):
        assert shown in source
    assert source.count("class=backward") == 15
    rows = drawn(capsys, "--layers", "3,5,2", "--samples", "7", "--batch-axis", "0")
    assert "A2\\n(7, 2)" in rows
    assert "g A1ᵀ" in source
    assert "A1ᵀ g" in rows


@pytest.mark.parametrize("loss", nn.losses.BY_NAME)
def test_every_loss_has_a_picture(loss, capsys):
    source = drawn(capsys, "--layers", "3,2", "--loss", loss, "--no-backward")
    assert loss in source
    assert "class=backward" not in source


def test_a_saved_network(capsys, tmp_path):
    saved = tmp_path / "net.npz"
    nn.Network([2, 3, 1], ["relu", "identity"], rng=0, batch_axis=0).save(saved)
    source = drawn(capsys, str(saved), "--values")
    assert "half_squared_error" in source
    assert "W1\\n(2, 3)\\n= [" in source
    assert main(["draw", str(saved), "--activations", "tanh,tanh"]) == 2
    assert "has its own" in capsys.readouterr().err


def test_written_to_a_file(capsys, tmp_path, monkeypatch):
    said = drawn(capsys, "--output", str(tmp_path / "g.svg"))
    assert said == f"drawn in {tmp_path / 'g.svg'}\n"
    assert ElementTree.parse(tmp_path / "g.svg").getroot().tag.endswith("svg")

    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["draw", "--output", str(tmp_path / "h.svg")]) == 1
    error = capsys.readouterr().err
    assert 'pip install "autograd-lite[draw]"' in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--output", "g.gif"], "must end in one of .svg"),
        (["--output", "nowhere/g.svg"], "--output nowhere/g.svg: cannot be written: No such file"),
        (["nowhere.npz"], "no such file"),
        (["--samples", "0"], "must be 1 or more"),
        (["--activations", "tanh"], "1 activations for sizes [2, 4, 1]"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(arguments, message, capsys):
    assert main(["draw", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
