"""What a user can get wrong with each option and file: an exit code, a line, and no traceback."""

from __future__ import annotations

import os

import pytest

import nn
from nn.cli import command

NOTHING = ["", "∂", "a b", "a\nb", "\udcff", "--", "x" * 5000]  # of no kind
NO_COUNT = [*NOTHING, "-1", "1.5", "nan", "inf", "1e3", "1_0", "１２", "0x10", "9" * 20]
NO_NUMBER = [*NOTHING, "nan", "inf", "-Infinity", "1_0.5", "１２", "0x10", "1j", "1e999", "1,5"]
NO_SIZES = [*NOTHING, "2,,1", "2,4,1,", "2;4;1", "2,-4,1", "2,0,1", "2,4.5,1", "2,1_0,1", "2,9e9,1"]
NO_NETWORK = [*NO_SIZES, "2", "2,4,2"]  # for planar data
NO_ACTIVATIONS = [*NOTHING, "tanh", "tanh,tanh,tanh", "tanh,", "tanh,sigmod", "TANH,sigmoid", "1,2"]
NO_FILE = ["", "none", "none/∂", "dir", "\udcff", "x" * 5000, "fifo", "/dev/null"]
NO_PLACE = ["", "none/a.svg", "dir.svg", "fifo.svg", "file/a.svg", "new/", "x" * 300 + ".svg"]
NO_CHOICE = [*NOTHING, "none", "-1", "2"]

NETWORK = {
    "--activations": NO_ACTIVATIONS,
    "--loss": NO_CHOICE,
    "--batch-axis": [*NO_COUNT, "2"],
    "--rng": NO_COUNT,
}
WRONG = {
    "train": {
        **NETWORK,
        "--layers": NO_NETWORK,
        "--data": NO_FILE,
        "--target": [*NOTHING, "a"],
        "--optimizer": NO_CHOICE,
        "--rate": [*NO_NUMBER, "0", "-1"],
        "--epochs": NO_COUNT,
        "--batch-size": [*NO_COUNT, "0", "some"],
        "--test": [*NO_NUMBER, "0", "1", "-1", "1e308", "1e-300", "0.9999999"],
        "--save": NO_PLACE,
        "--plot": [*NO_PLACE, "a", "a.xyz", ".png"],
    },
    "predict": {
        "": NO_FILE,
        "one.npz ": NO_FILE,
        "one.npz one.csv --out": NO_PLACE,
    },
    "draw": {
        **NETWORK,
        "--layers": NO_SIZES,
        "": NO_FILE,
        "--samples": [*NO_COUNT, "0"],
        "--most": [*NO_COUNT, "0", "1"],
        "--output": [*NO_PLACE, "a", "a.gif"],
    },
    "derive": {
        **NETWORK,
        "--layers": NO_SIZES,
        "--notation": NO_CHOICE,
        "--samples": [*NO_COUNT, "0"],
    },
    "compare": {
        **{f"one.py {option}": values for option, values in NETWORK.items()},
        "one.py --layers": NO_SIZES,
        "one.py --samples": [*NO_COUNT, "0"],
        "": NO_FILE,
    },
    "check": {
        "--document": [*NOTHING, "007", "1"],
        "--json": NO_PLACE,
        "--report": NO_PLACE,
        "--rng": NO_COUNT,
    },
}
TABLE = [
    pytest.param(name, option, value, id=f"{name} {option} {i}")
    for name, options in WRONG.items()
    for option, values in options.items()
    for i, value in enumerate(values)
]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A directory with files of many kinds, to be in."""
    monkeypatch.chdir(tmp_path)
    for name in ("dir", "dir.svg", "dir.py", "dir.npz"):
        (tmp_path / name).mkdir()
    for name in ("fifo", "fifo.svg", "fifo.csv"):
        os.mkfifo(tmp_path / name)
    (tmp_path / "file").touch()
    (tmp_path / "one.py").write_text("def gradients(X, Y, parameters):\n    return {'dW1': 1}\n")
    nn.Network([2, 1], ["sigmoid"], rng=0).save(tmp_path / "one.npz")
    (tmp_path / "one.csv").write_text("a,b\n1,2\n")
    return tmp_path


def run(capsys, *arguments):
    """Exit code, standard output, and the lines of standard error without argparse's usage."""
    try:
        code = command.main(arguments)
    except SystemExit as end:  # argparse's own
        code = end.code
    out, err = capsys.readouterr()
    said = err[err.index("error: ") :] if err.startswith("usage: ") else err
    assert "Traceback" not in err
    return code, out, said


@pytest.mark.skipif(os.name != "posix", reason="FIFOs and devices of POSIX")
@pytest.mark.parametrize(("name", "option", "value"), TABLE)
def test_a_wrong_option_is_one_line_and_exit_code_2(here, capsys, name, option, value):
    file, _, flag = option.rpartition(" ")
    given = f"{flag}={value}" if flag else value
    before = sorted(here.rglob("*"))
    code, out, said = run(capsys, name, *file.split(), given)
    assert (code, out) == (2, ""), given
    assert said.count("\n") == 1, said
    assert sorted(here.rglob("*")) == before


def csv(*rows):
    return "a,b,y\n" + "".join(f"{row}\n" for row in rows)


DATA = {
    "empty": ("", "is empty"),
    "no rows": ("a,b,y\n", "names of columns but no rows"),
    "binary": (bytes(range(256)), "not a text file in UTF-8"),
    "one row": (csv("1,2,3"), "leave some to both"),
    "words": (csv(*[f"{i},w{i},{i % 2}" for i in range(9)]), "column 'b': 'w0' is not a finite"),
    "huge": (csv(*[f"{(-1) ** i}e308,{i},{i % 2}" for i in range(40)]), "feature 1 cannot be"),
    "tiny": (csv(*[f"{i}e-200,{i},{i % 2}" for i in range(40)]), "feature 1 cannot be"),
    "nan": (csv("nan,1,2", "1,2,3"), "column 'a': 'nan' is not a finite number"),
    "_": (csv("1_000,1,2", "1,2,3"), "'1_000' is not a finite number: write it like"),
    "ragged": (csv("1,2,3", "1,2"), "row 3 has 2 values"),
    "one class": (csv(*["1,2,yes"] * 9), "holds a single class, 'yes'"),
    "no target": ("a,b\n1,2\n", "no column 'y': its columns are a, b"),
    "long": (csv(f"1,2,{'x' * 10**5}", "1,2,3"), "x…' is not a finite number"),
}


@pytest.mark.parametrize("kind", DATA)
def test_data_that_cannot_be_learnt_from(here, capsys, kind):
    content, message = DATA[kind]
    (here / "data.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    code, out, said = run(capsys, "train", "--data", "data.csv", "--target", "y")
    assert (code, out) == (2, "")
    assert message in said
    assert said.count("\n") == 1
    assert len(said) < 400


def test_labels_that_overflow_are_a_failure(here, capsys):
    (here / "data.csv").write_text(csv(*[f"{i},{i},{(-1) ** i}e308" for i in range(40)]))
    code, _, said = run(capsys, "train", "--data", "data.csv", "--target", "y")
    assert code == 1
    assert said.startswith("autograd-lite: epoch 1: the cost J is the first that is not finite")
    assert said.count("\n") == 1


FILES = {
    "empty": (b"", "does not define a function gradients"),
    "binary": (bytes(range(256)), "raised an error:\nSyntaxError"),
    "text": (b"hello world", "SyntaxError"),
    "no encoding": (b"# -*- coding: nonsense -*-\n", "SyntaxError: unknown encoding"),
    "arguments": (b"def gradients():\n    return {}\n", "TypeError: gradients() takes 0"),
    "endless": (b"def gradients(*a):\n    return gradients(*a)\n", "RecursionError"),
    "exit": (b"raise SystemExit(5)", "SystemExit: 5"),
    "words": (
        b"def gradients(X, Y, p):\n    return {'dW1': 'x'}\n",
        "W1 is not an array of numbers",
    ),
    "None": (
        b"def gradients(X, Y, p):\n    return {'dW1': None}\n",
        "W1 is not an array of numbers",
    ),
    "numbers": (b"def gradients(X, Y, p):\n    return {1: 2}\n", "1"),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_cannot_be_compared(here, capsys, kind):
    content, message = FILES[kind]
    (here / "mine.py").write_bytes(content)
    code, _, said = run(capsys, "compare", "mine.py")
    assert code == 2
    assert message in said
    assert said.startswith("autograd-lite: ")
    assert "command_compare.py" not in said


@pytest.mark.parametrize("name", ["dir.npz", "file", "none.npz", "bytes.npz", "half.npz"])
def test_what_is_no_saved_network(here, capsys, name):
    (here / "bytes.npz").write_bytes(bytes(range(256)))
    nn.Network([2, 1], ["tanh"], rng=0).save("net.npz")
    (here / "half.npz").write_bytes((here / "net.npz").read_bytes()[:500])
    code, out, said = run(capsys, "draw", name)
    assert (code, out) == (2, "")
    assert name in said
    assert said.count("\n") == 1
    code, _, said = run(capsys, "compare", "net.npz")
    assert (code, said) == (2, "autograd-lite: net.npz: this is no Python program\n")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--layers", "2,2,2"), "--layers: net.npz has its own, [2, 4, 1]"),
        (("--activations", "tanh,relu"), "--activations: net.npz has its own"),
        (("--batch-axis", "0"), "--batch-axis: net.npz has its own, 1"),
    ],
)
def test_a_saved_network_has_its_own(here, capsys, options, said):
    nn.Network([2, 4, 1], ["tanh", "sigmoid"], rng=0).save("net.npz")
    code, _, err = run(capsys, "draw", "net.npz", *options)
    assert code == 2
    assert said in err


@pytest.mark.parametrize("name", ["draw", "derive", "compare one.py", "train"])
@pytest.mark.parametrize("option", ["--layers=2,1000000000000,1", "--samples=1000000000000000"])
def test_more_than_memory_holds_is_a_failure(here, capsys, name, option):
    if name == "train" and "samples" in option:
        pytest.skip("it has none")
    code, _, said = run(capsys, *name.split(), option)
    assert code == 1
    assert said.startswith("autograd-lite: Unable to allocate")
    assert said.count("\n") == 1


@pytest.mark.parametrize("name", ["train", "draw", "derive", "compare one.py"])
def test_layers_are_the_whole_network_in_every_command(here, capsys, name):
    options = [] if name != "train" else ["--epochs", "1", "--save", "net.npz"]
    code, out, _ = run(capsys, *name.split(), "--layers", "2,9,1", *options)
    assert code == (1 if "compare" in name else 0)
    if name == "train":
        assert nn.Network.load("net.npz").sizes == [2, 9, 1]
    else:
        assert "(9, 2)" in out or "[2, 9, 1]" in out


def test_version(capsys):
    import autograd_lite as ag

    assert run(capsys, "--version") == (0, f"autograd-lite {ag.__version__}\n", "")
