"""`autograd-lite compare FILE.py::name`, and many files, each in a process of its own."""

from __future__ import annotations

import json
import os
import textwrap

import numpy as np
import pytest

from nn.cli.command import UsageError, main
from nn.cli.submissions import environment, submit
from nn.cli.targets import described_arguments, names, target

TEACHER = """
    import numpy as np

    def affine_forward(x, w, b):
        out = np.zeros((len(x), w.shape[1]))
        for i in range(len(x)):
            out[i] = x[i] @ w + b
        return out, (x, w)

    def affine_backward(dout, cache):
        x, w = cache
        return dout @ w.T, x.T @ dout, dout.sum(axis=0)

    def affine_example():
        rng = np.random.default_rng(0)
        return rng.normal(size=(4, 3)), rng.normal(size=(3, 5)), rng.normal(size=5)

    def squares(params, y):
        residual = params["W"] - y
        return 0.5 * np.sum(residual**2), {"dW": residual}

    def squares_example():
        return {"params": {"W": np.arange(3.0)}, "y": np.ones(3)}
"""


@pytest.fixture
def write(tmp_path):
    """Write a file, changed somehow; the path as the command is given it."""

    def write(name, text=TEACHER, old="", new=""):
        assert old in text
        file = tmp_path / name
        file.write_text(textwrap.dedent(text.replace(old, new)))
        return str(file)

    return write


def printed_by(capsys, *arguments):
    code = main(["compare", *arguments])
    printed = capsys.readouterr()
    return code, printed.out + printed.err


@pytest.mark.parametrize("name", ["affine", "affine_forward", "affine_forward,affine_backward"])
def test_a_layer_of_a_file(write, capsys, name):
    code, said = printed_by(capsys, f"{write('mine.py')}::{name}")
    assert code == 0, said
    assert said.count("agrees") == 3


def test_a_cost_of_a_file_and_json(write, capsys, tmp_path):
    out = tmp_path / "out.json"
    wrong = write("mine.py", old='{"dW": residual}', new='{"dW": -residual}')
    code, said = printed_by(capsys, f"{wrong}::squares", "--json", str(out))
    assert code == 1
    assert "its sign is wrong" in said
    told = json.loads(out.read_text())
    assert (told["ok"], told["score"], told["entries"][0]["name"]) == (False, 0.0, "W")


def test_arguments_that_are_described(write, capsys):
    file = write("mine.py", old="def affine_example", new="def other")
    code, said = printed_by(capsys, f"{file}::affine", "--args", "x=(2,3) w=(3,4) b=(4,)")
    assert code == 0, said
    assert "(2, 3)" in said
    code, said = printed_by(capsys, f"{file}::affine")
    assert code == 2
    assert "Define affine_example(), which returns the arguments, or describe them: --args" in said


def test_how_arguments_are_described():
    text = "x=(2, 3) y=(4,)<3, reg=0.5 mode='train' param={'W': (2,), 'pad': 1} layers=[(2, 2)]"
    found = described_arguments(text, rng=1)
    assert list(found) == ["x", "y", "reg", "mode", "param", "layers"]
    assert found["x"].shape == (2, 3)
    assert found["y"].shape == (4,)
    assert set(found["y"]) <= {0, 1, 2}
    assert (found["reg"], found["mode"], found["param"]["pad"]) == (0.5, "train", 1)
    assert found["param"]["W"].shape == found["layers"][0].shape[:1] == (2,)
    np.testing.assert_array_equal(described_arguments(text, rng=1)["x"], found["x"])


WRONG_ARGUMENTS = {  # what is wrong in --args, and what is said of it
    **dict.fromkeys(("x", "(2, 3)", "**{'a': 1}", "", "x=1 x=2"), r"write name=\(4,5\) for each"),
    "x=(2,": "was never closed",
    **dict.fromkeys(("x=(2.5,)", "x=(-1,)"), "are no sizes, such as"),
    **dict.fromkeys(("x=open('f')", "x=y", "x=[y]", "x={'a': y}", "x=1+1"), "is no value. Write"),
    "x={**{'a': 2}}": "write every key",
    "x={[1]: 2}": "unhashable",
    **dict.fromkeys(
        ("x=(2,)<0", "x=(2,)<'a'", "x=(2,)<3<4", "x=(2,)>3"), r"are drawn by \(4,\) < 3"
    ),
}


@pytest.mark.parametrize("wrong", WRONG_ARGUMENTS)
def test_arguments_that_cannot_be_read(wrong):
    with pytest.raises(UsageError, match=f"--args.*{WRONG_ARGUMENTS[wrong]}") as caught:
        described_arguments(wrong)
    assert "ast." not in str(caught.value)


def test_what_a_file_defines():
    def a_forward(x): ...
    def a_backward(dout, cache): ...
    def b_forward(x): ...
    def cost(x): ...
    def a_example(): ...

    functions = (a_forward, a_backward, b_forward, cost, a_example)
    defined = {f.__name__: f for f in functions} | {"np": np, "x": 3}
    assert names(defined) == ["a", "cost"]
    assert target(defined, "a", "f.py").backward is a_backward
    assert target(defined, "cost", "f.py").backward is None
    for name in ("b", "b_forward", "x", "nowhere", "a_forward,nowhere"):
        with pytest.raises(UsageError, match=r"f.py does not define .* It defines a, cost"):
            target(defined, name, "f.py")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("return out, (x, w)", "return out", "the cache is missing"),
        ("dout @ w.T, x.T", "dout @ q, x.T", "NameError: name 'q' is not defined"),
        ("return rng.normal(size=(4, 3)),", "return rng.normal(size=4),", "Error"),
        (
            "def affine_example",
            "def affine_example(missing):\n        pass\n    def other",
            "missing",
        ),
    ],
)
def test_what_does_not_work_is_said_and_the_exit_code_is_2(write, capsys, old, new, said):
    code, printed = printed_by(capsys, f"{write('mine.py', old=old, new=new)}::affine")
    assert code == 2
    assert said in printed
    assert "command_compare.py" not in printed
    assert "diagnosis" not in printed


END = "\n    "  # what is written after it stands at the end of the file
SUBMISSIONS = {  # what is added: whether each function comes out right, wrong or failed, and why
    "right.py": ("", ("right", "right"), ""),
    "sign.py": (
        "def squares(params, y):\n        r = params['W'] - y\n"
        "        return 0.5 * np.sum(r**2), {'W': -r}",
        ("right", "wrong"),
        "W: sign",
    ),
    "other.py": (
        "def affine_forward(x, w, b):\n        return x @ w - b, (x, w)",
        ("failed", "right"),
        "affine_forward gives other numbers than the reference",
    ),
    "hangs.py": ("while True: pass", ("failed", "failed"), "still running after 4 s"),
    "memory.py": (
        "def squares(params, y):\n        return np.ones((3000, 1000, 1000)).sum(), None",
        ("right", "failed"),
        "Unable to allocate",
    ),
    "exits.py": ("import sys; sys.exit(0)", ("failed", "failed"), "SystemExit"),
    "leaves.py": ("import os; os._exit(0)", ("failed", "failed"), "ended the process"),
    "asks.py": ("input('name?')", ("failed", "failed"), "EOFError"),
    "prints.py": ("print('x' * 5_000_000)", ("right", "right"), ""),
    "syntax.py": ("def f(:", ("failed", "failed"), "SyntaxError"),
}


def test_submissions_beside_a_reference(write, capsys, tmp_path):
    teacher, out = write("teacher.py"), tmp_path / "out.json"
    files = [write(name, TEACHER + END + added) for name, (added, *_) in SUBMISSIONS.items()]
    limits = ["--timeout", "4", "--memory", "3000"]
    code, said = printed_by(capsys, *files, "--reference", teacher, "--json", str(out), *limits)
    assert code == 1
    results = json.loads(out.read_text())
    assert [r["name"] for r in results] == ["affine", "squares"] * len(files)
    for file, (name, (_, verdicts, why)) in zip(files, SUBMISSIONS.items(), strict=True):
        found = [r for r in results if r["file"] == file]
        expected = [
            {"right": (True, 1.0, False), "wrong": (False, 0.0, False)}.get(v) for v in verdicts
        ]
        for result, wanted in zip(found, expected, strict=True):
            wanted = wanted or (False, 0.0, True)
            assert (result["ok"], result["score"], bool(result["failed"])) == wanted, (name, result)
        assert why in said
    assert f"{len(results)} compared" in said
    assert "the memory limit is 3000 MB: --memory" in said
    assert (
        said.count("the memory limit is") == 2
    )  # where it is said what is wrong, and in the table


def test_a_submission_that_leaves_gradients_out_is_wrong(write, capsys, tmp_path):
    old, out = "return dout @ w.T, x.T @ dout, dout.sum(axis=0)", tmp_path / "out.json"
    dicts = write("dicts.py", old=old, new='return {"dx": dout @ w.T}')
    rows = write("rows.py", old=old, new="return x.T @ dout, dout.sum(axis=0)")
    reference = ["--reference", f"{write('teacher.py')}::affine"]
    code, said = printed_by(capsys, f"{dicts}::affine", *reference)
    assert code == 1
    assert "affine_backward returned no gradient of w, on which" in said
    code, said = printed_by(capsys, dicts, rows, *reference, "--json", str(out), "--timeout", "60")
    assert code == 1
    assert "affine_backward returned was taken for the gradients of w, b" in said
    assert [r["score"] for r in json.loads(out.read_text())] == [1 / 3, 2 / 3]
    assert "w: missing" in said


@pytest.mark.parametrize("error", ["1 / 0", "np.zeros(2) + np.zeros(3)", "{}['dx']"])
def test_an_error_of_the_reference_is_its_own(write, capsys, error):
    teacher = write("teacher.py", old="return dout @ w.T", new=f"{error}; return dout @ w.T")
    code, said = printed_by(capsys, f"{write('mine.py')}::affine", "--reference", teacher)
    assert code == 2
    assert f"{teacher} raised an error" in said
    assert "mine.py raised" not in said


def test_want_of_memory_in_the_comparison_is_said(write):
    hungry = write(
        "mine.py", old="    x, w = cache", new="    x, w = cache\n        _ = [0] * 10**8"
    )
    assert submit(hungry, "affine", [], 60, memory=2000).ok
    outcome = submit(hungry, "affine", [], 60, memory=700)
    assert "MemoryError" in outcome.failed
    assert outcome.failed.splitlines()[-1] == "the memory limit is 700 MB: --memory"


def test_a_limit_of_memory_below_what_the_command_takes_is_refused(write):
    outcome = submit(write("mine.py"), "affine", [], 60, memory=1)
    assert (
        outcome.failed == "--memory 1 leaves no 64 MB beside what the command takes: give it more"
    )


def test_a_reference_is_read_once_and_by_each_comparison(write, capsys, tmp_path):
    count = tmp_path / "count"
    noted = f"{END}with open({str(count)!r}, 'a') as file: file.write('x')"
    files = [write(f"{k}.py") for k in range(3)]
    code, said = printed_by(
        capsys, *files, "--reference", write("teacher.py", TEACHER + noted), "--timeout", "60"
    )
    assert code == 0, said
    assert count.read_text() == "x" * (1 + 3 * 2)


@pytest.mark.parametrize(("path", "expected"), [(None, []), ("", []), ("a", ["a"])])
def test_a_submission_imports_nothing_from_where_the_command_runs(monkeypatch, path, expected):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    if path is not None:
        monkeypatch.setenv("PYTHONPATH", path)
    _, *others = environment()["PYTHONPATH"].split(os.pathsep)
    assert others == expected


def test_a_reference_without_examples_is_refused(write, capsys):
    teacher = write("teacher.py", text="def f(x):\n    return x, x")
    code, said = printed_by(capsys, write("a.py"), write("b.py"), "--reference", teacher)
    assert code == 2
    assert "defines no name_example()" in said


def test_networks_of_many_files(write, capsys):
    file = write("mine.py", text="def gradients(X, Y, parameters):\n    return {}")
    code, said = printed_by(capsys, file, file)
    assert code == 1
    assert said.count("there is nothing to compare") >= 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.py::f"], "nowhere.py: no such file"),
        (["{file}::f", "--reference", "nowhere.py"], "nowhere.py: no such file"),
        (["{file}::f"], "does not define f, or f_forward and f_backward"),
        (["{file}::affine", "--timeout", "0"], "--timeout must be more than 0"),
        (["{file}::affine", "--args", "x="], "--args 'x='"),
        (["{file}::affine", "--args", "x=(2,3)"], "args do not fit affine_forward"),
        (["{file}::squared"], "autograd-lite: squared_example() in {file} returned int: return"),
    ],
)
def test_wrong_use_is_said(write, capsys, arguments, said):
    example = f"{END}def squared(x): ...{END}def squared_example(): return 3"
    file = write("mine.py", TEACHER + example)
    code, printed = printed_by(capsys, *(a.format(file=file) for a in arguments))
    assert code == 2
    assert said.format(file=file) in printed
