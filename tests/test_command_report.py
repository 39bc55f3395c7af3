"""`autograd-lite report`: a page about a network, a function, or a note of one's own."""

import re

import numpy as np
import pytest

import nn
from nn.cli import command

MODEL = """
import typing
import numpy as np
import autograd_lite as ag

def cost(w, x, y):
    return ((np.tanh(w @ x) - y) ** 2).mean()

def cost_example():
    return {"w": np.ones((1, 3)), "x": np.arange(36.0).reshape(3, 12) / 36, "y": np.ones((1, 12))}

def with_its_gradient(x):
    return (x * x).sum(), 2 * x

def many(x):
    return x + x

def fails(x):
    raise ValueError("of its own")

def itself(x):
    return x

def a_number(x):
    return ag.Tensor(3.0)

def infinite(x):
    return (np.inf * x * x).sum()

class Layer(typing.NamedTuple):
    W: np.ndarray
    b: np.ndarray

def of_a_layer(layer):
    return (layer.W * layer.W).sum() + layer.b.sum()

def of_a_layer_example():
    return (Layer(np.ones((2, 3)), np.ones(2)),)
"""


@pytest.fixture
def model(tmp_path):
    file = tmp_path / "model.py"
    file.write_text(MODEL)
    return file


@pytest.fixture
def page(tmp_path):
    """The page that the command writes for these arguments."""

    def written(*arguments):
        file = tmp_path / "page.html"
        assert command.main(["report", *map(str, arguments), "--output", str(file)]) == 0
        return file.read_text(encoding="utf-8")

    return written


def sections(html):
    return re.findall(r'<section id="(\w+)"', html)


def test_a_network(page):
    html = page("--layers", "3,5,2", "--activations", "relu,softmax")
    assert sections(html) == ["graph", "stepper", "derivation"]
    assert "<title>The 3-5-2 network</title>" in html
    assert "∂J/∂W1 = ∂J/∂Z1 Xᵀ" in html


def test_a_saved_network(page, tmp_path):
    nn.Network([2, 3, 1], ["tanh", "sigmoid"], rng=0).save(tmp_path / "net.npz")
    assert "The 2-3-1 network" in page(tmp_path / "net.npz")


def test_training(page):
    html = page("--data", "iris", "--layers", "4,3,3")
    assert sections(html) == ["graph", "stepper", "derivation", "training"]
    assert "The cost J by epoch" in html
    assert html.count("<img") == 1


def test_a_plane_shows_the_answers(page):
    html = page("--data", "planar")
    assert html.count("<img") == 2
    assert "The points of the plane" in html


@pytest.mark.parametrize(
    ("loss", "level"), [("binary_cross_entropy", 0.5), ("binary_cross_entropy_with_logits", 0)]
)
def test_the_answers_change_where_the_loss_says(loss, level, page, monkeypatch):
    """A logit of 0 is a probability of one half."""
    contour = pytest.importorskip("matplotlib.contour")
    drawn, draw = [], nn.plots.decision_boundary
    monkeypatch.setattr(
        nn.plots, "decision_boundary", lambda *a, **k: drawn.append(draw(*a, **k)) or drawn[-1]
    )
    page("--data", "planar", "--loss", loss)
    (lines,) = [c for c in drawn[0].collections if isinstance(c, contour.QuadContourSet)]
    assert lines.levels == [level]


def test_a_training_that_was_interrupted_makes_no_page(tmp_path, monkeypatch, capsys):
    stopped = nn.History(interrupted=True)
    monkeypatch.setattr("nn.cli.command_train.fit", lambda *a, **k: stopped)
    output = tmp_path / "page.html"
    assert command.main(["report", "--data", "iris", "--output", str(output)]) == 130
    assert "interrupted" in capsys.readouterr().err
    assert not output.exists()


def test_a_function(page, model):
    html = page(f"{model}::cost")
    assert "tanh" in html
    assert "∂J/∂w" in html
    assert "∂J/∂y" in html


def test_a_function_that_returns_a_gradient_too(page, model):
    html = page(f"{model}::with_its_gradient", "--args", "x=(2,3,4)")
    assert "∂J/∂x = 2 x" in html


def test_a_function_of_a_named_tuple(page, model):
    assert "∂J/∂layer0 = 2 layer0" in page(f"{model}::of_a_layer")


def test_a_note(page, tmp_path):
    note = tmp_path / "note.txt"
    note.write_text("x ∈ ℝ^n\nJ = xᵀ x\n∂J/∂x = 2 x\n")
    assert "1 of them claims: 1 holds" in page(note)


def test_what_is_long_is_cut(page):
    """784 × 30 numbers are no table that one could read."""
    html = page("--layers", "784,30,10", "--samples", "2")
    assert "… and more" in html
    assert len(html) < 2_000_000


def test_the_numbers_of_a_product(page, model):
    """The first entry of w @ x, from its row and its column."""
    x = np.arange(36.0).reshape(3, 12) / 36
    html = page(f"{model}::cost")
    terms = " + ".join(f"1 · {nn.report.markup.number(v)}" for v in x[:, 0])
    assert f"The first entry: {terms} = {nn.report.markup.number(x[:, 0].sum())}" in html


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["{model}"], "which function? autograd-lite report"),
        (["{model}::none"], "does not define none. It defines cost, with_its_gradient, many"),
        (["{model}::many", "--args", "x=(2,)"], "a page is about a cost, a scalar Tensor"),
        (["{model}::fails", "--args", "x=(2,)"], "of its own"),
        (["{model}::itself", "--args", "x=()"], "itself returned a Tensor that no operation"),
        (["{model}::a_number", "--args", "x=(2,)"], "no operation on a float array among its"),
        (["{model}::infinite", "--args", "x=(1,)"], "is not finite on this tape"),
        (["{model}::many"], "what is many run on?"),
        (["no_such.npz"], "no such file"),
        (["no_such.md"], "no such file"),
        (["--layers", "2,1", "--samples", "0"], "--samples must be 1 or more"),
        (["--layers", "2,1", "--data", "iris"], "iris has 4 features"),
        (["--data", "iris", "--samples", "113"], "--samples 113: iris has 112 to train on"),
    ],
)
def test_what_the_user_got_wrong(arguments, says, model, tmp_path, capsys):
    given = [argument.format(model=model) for argument in arguments]
    page = tmp_path / "page.html"
    assert command.main(["report", *given, "--output", str(page)]) == 2
    assert says in capsys.readouterr().err
    assert not page.exists()


@pytest.mark.parametrize("ending", [".py", ".md"])
def test_it_does_not_replace_what_it_reads(ending, model, capsys):
    file = model.rename(model.with_suffix(ending))
    before = file.read_text()
    read = f"{file}::cost" if ending == ".py" else str(file)
    assert command.main(["report", read, "--output", str(file)]) == 2
    assert f"--output {file}: this would replace" in capsys.readouterr().err
    assert file.read_text() == before
