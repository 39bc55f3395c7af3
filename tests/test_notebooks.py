"""Every notebook runs from top to bottom, and gives the outputs that are stored in it.

`python tests/test_notebooks.py` runs them all and stores what they give, after a change to one.
"""

import math
import os
import re
import sys
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="notebooks need nbformat")
nbclient = pytest.importorskip("nbclient", reason="notebooks need nbclient")
pytest.importorskip("ipykernel", reason="notebooks need ipykernel")
pytest.importorskip("matplotlib", reason="notebooks need matplotlib")
pytest.importorskip("sympy", reason="notebooks need SymPy")
pytest.importorskip("dask", reason="notebooks need Dask")

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SHORTEST = "03_broadcasting_bias"
PICTURES = ("image/png", "image/svg+xml")
NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d*)?(?:e[-+]?\d+)?")

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def executed(path):
    """The notebook as a run from top to bottom gives it, in a new kernel."""
    notebook = nbformat.read(path, as_version=4)
    env = {k: v for k, v in os.environ.items() if k not in ("MPLBACKEND", "PYTHONWARNINGS")}
    here = {"metadata": {"path": str(ROOT)}}
    client = nbclient.NotebookClient(notebook, timeout=300, resources=here, record_timing=False)
    client.execute(env=env)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = joined(cell.outputs)
    return notebook


def joined(outputs):
    """Printed text comes in pieces, as time has it: neighbouring pieces made one."""
    whole = []
    for output in outputs:
        last = whole[-1] if whole else None
        if last and output.output_type == "stream" and output.name == last.get("name"):
            last.text += output.text
        else:
            whole.append(output)
    return whole


def outputs(cell):
    """What a cell shows: the text as it stands, of a picture only that there is one."""
    shown = []
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            shown.append((output.name, output.text))
        elif output.output_type == "error":
            shown.append(("error", f"{output.ename}: {output.evalue}"))
        else:
            for kind, content in sorted(output.data.items()):
                shown.append((kind, "a picture" if kind in PICTURES else content))
    return shown


def same(stored, now):
    """Whether two texts agree, whole numbers exactly and others to six digits."""
    if NUMBER.sub("0", stored) != NUMBER.sub("0", now):
        return False
    pairs = zip(NUMBER.findall(stored), NUMBER.findall(now), strict=True)
    return all(
        a == b if a.isdigit() and b.isdigit() else math.isclose(float(a), float(b), rel_tol=1e-6)
        for a, b in pairs
    )


def differences(stored, now):
    """The cells whose outputs differ, each with both."""
    found = []
    for number, (a, b) in enumerate(zip(stored.cells, now.cells, strict=True), start=1):
        before, after = outputs(a), outputs(b)
        kinds = [kind for kind, _ in before] == [kind for kind, _ in after]
        if not kinds or not all(same(x, y) for (_, x), (_, y) in zip(before, after, strict=True)):
            found.append(f"cell {number}\n  stored: {before}\n  now:    {after}")
    return found


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=path.stem, marks=[] if path.stem == SHORTEST else [pytest.mark.slow])
        for path in NOTEBOOKS
    ],
)
def test_a_run_gives_what_is_stored(path):
    found = differences(nbformat.read(path, as_version=4), executed(path))
    assert not found, "\n".join(found)


def test_what_is_compared():
    assert same("J = 0.6931472, m = 400", "J = 0.6931471, m = 400")
    assert not same("J = 0.6931472", "J = 0.6932472")
    assert not same("m = 400", "m = 401")
    assert not same("dW1 agrees", "dW2 agrees")
    assert not same("dw = 1.0", "dw = -1.0")
    assert same("1e-05 and 0.1", "1.0000000001e-05 and 0.1")


def test_a_changed_output_a_missing_picture_and_an_error_are_noticed():
    notebook = nbformat.read(ROOT / "notebooks" / f"{SHORTEST}.ipynb", as_version=4)
    cell = next(c for c in notebook.cells if c.get("outputs"))
    for change in (
        nbformat.v4.new_output("stream", name="stdout", text="something else"),
        nbformat.v4.new_output("display_data", data={"image/png": "iVBORw0KGgo="}),
        nbformat.v4.new_output("error", ename="ValueError", evalue="no", traceback=[]),
    ):
        other = nbformat.from_dict(notebook)
        assert differences(notebook, other) == []
        other.cells[notebook.cells.index(cell)].outputs = [change]
        assert len(differences(notebook, other)) == 1


def test_they_are_numbered_in_order():
    numbers = [path.name[:2] for path in NOTEBOOKS]
    assert numbers == [f"{n:02}" for n in range(1, 15)]


@every_notebook
def test_it_is_fit_to_be_read(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    first, *others = notebook.cells
    assert first.cell_type == "markdown"
    assert first.source.startswith(f"# {int(path.name[:2])} · ")
    assert first.source.count("\n") >= 2, "a title, and prose before the first code"
    assert any(cell.source.startswith("**Question.**") for cell in others) or any(
        "\n**Question.**" in cell.source for cell in others
    )
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    kinds = {kind for cell in code for kind, _ in outputs(cell)}
    assert kinds & {"stdout", "text/plain"}
    assert not kinds & {"error", "stderr"}


@every_notebook
def test_nothing_in_it_depends_on_the_machine(path):
    assert path.stat().st_size < 300_000
    notebook = nbformat.read(path, as_version=4)
    assert notebook.metadata == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    assert not any(cell.metadata for cell in notebook.cells)
    text = "\n".join(str(shown) for cell in notebook.cells for _, shown in outputs(cell))
    assert not re.search(r"0x[0-9a-f]{6,}|/home/|/tmp/|/usr/|\bWarning\b", text)


def store(path):
    """Run it, and store what it gives without what depends on the machine."""
    notebook = executed(path)
    for cell in notebook.cells:
        cell.metadata = {}
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    nbformat.write(notebook, path)


if __name__ == "__main__":
    names = sys.argv[1:]
    for path in NOTEBOOKS:
        if not names or path.stem in names:
            store(path)
