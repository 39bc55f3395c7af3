"""`autograd-lite check`: what it prints, writes and returns, also when something is wrong."""

import json
import sys
from dataclasses import fields, replace

import pytest

from nn import closed_form, documents
from nn.cli import command, command_check
from nn.documents import Document, Entry, document_002
from nn.documents.checked import Checked, everything
from nn.documents.procedures import Run

NAMES = ["document", "label", "printed", "verdict", "silent", "printed_error"]
NAMES += ["corrected", "corrected_error", "why", "shapes"]


@pytest.fixture
def few(monkeypatch):
    """A short document in place of 002, so that a command takes no time."""
    entries = [document_002.DOCUMENT.entry(label) for label in ("σ", "chain b^1", "∂C/∂z^l (2)")]
    short = replace(document_002.DOCUMENT, entries=entries, run=None, author="A. Author, 1999")
    monkeypatch.setattr(document_002, "DOCUMENT", short)
    return short


def check(*options: str) -> int:
    return command.main(["check", "--document", "002", *options])


def test_counts_and_summary(few, capsys):
    assert check() == 0
    out = capsys.readouterr().out
    header, row = out.splitlines()[1:3]
    assert header.split() == ["holds", "misprint", "silent"]
    assert row.split()[-3:] == ["1", "2", "2"]
    assert f"002  {few.title} (A. Author, 1999)" in row
    assert "a^l = σ(z^l)" not in out
    summary, more = out.splitlines()[-2:]
    assert summary.startswith("3 formulas: 1 hold, 2 misprints; 2 of the wrong")
    assert summary.endswith("all as recorded")
    assert all(option in more for option in ("--all", "--misprints", "--report"))


def test_gradients_in_training_are_a_line_for_each_data_set(few, capsys):
    """A gradient that is apart has a line of its own, and `--all` has one for each."""
    rows = [closed_form.Row("planar", f"dW{i}", 1e-12) for i in range(1, 40)]
    rows.append(closed_form.Row("iris", "db1", 1e-2))
    found = replace(everything(["002"]), training=rows)
    command_check.show(found)
    out = capsys.readouterr().out
    assert len(out.splitlines()) <= 24
    assert ["planar", "all", "39", "1e-12"] in [line.split() for line in out.splitlines()]
    assert ["≠", "iris", "db1", "1e-02"] in [line.split() for line in out.splitlines()]
    command_check.show(found, every=True)
    assert len(capsys.readouterr().out.splitlines()) > 40


def test_every_formula(few, capsys):
    assert check("--all") == 0
    out = capsys.readouterr().out
    assert "σ(z^L) = 1/(1 + e^{−z^L})" in out
    assert "misprint, silent" in out


def test_misprints_only(few, capsys):
    assert check("--misprints") == 0
    out = capsys.readouterr().out
    assert "1/(1 + e^{−z^L})" not in out
    assert "why: The factor ∂z^2/∂a^1 is missing" in out
    assert "right: ∂C/∂z^l = [W^{l+1}]ᵀ ∂C/∂z^{l+1} ∘ σ′(z^l)" in out


def test_where_documents_differ(capsys):
    two = [documents.document(number) for number in ("003", "004")]
    command_check.show(Checked(two, [], [], [], []), misprints=True)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["fact", "003", "004"] in lines
    assert ["first", "layer", "of", "weights", "1", "2"] in lines
    command_check.show(Checked(two[:1], [], [], [], []), misprints=True)
    assert "where documents differ" not in capsys.readouterr().out


def test_json_has_the_names_and_numbers(few, tmp_path, capsys):
    file = tmp_path / "results.json"
    assert check("--json", str(file)) == 0
    rows = json.loads(file.read_text(encoding="utf-8"))
    assert [row["label"] for row in rows] == [entry.label for entry in few.entries]
    for row, result in zip(rows, documents.check("002"), strict=True):
        assert row["document"] == "002"
        assert {name: row[name] for name in NAMES} == {n: getattr(result, n) for n in NAMES}
        assert set(row) == {field.name for field in fields(documents.Result)}


@pytest.mark.parametrize("changed", ["misprint", "holds"])
def test_a_result_that_is_not_as_recorded_is_an_error(few, monkeypatch, capsys, changed):
    """A formula recorded as holding that does not, and the reverse."""
    first, second, third = few.entries
    wrong = replace(first, reading=second.reading)
    right = replace(second, reading=replace(second.reading, printed=second.reading.right))
    entries = [wrong, second, third] if changed == "misprint" else [first, right, third]
    monkeypatch.setattr(document_002, "DOCUMENT", replace(few, entries=entries))
    assert check() == check("--all") == 1
    out = capsys.readouterr().out
    assert "1 NOT as recorded" in out
    assert "≠" in out
    assert f"recorded: {'holds' if changed == 'misprint' else 'misprint, silent'}" in out


def test_a_run_that_parts_from_the_tape_is_an_error(few, monkeypatch, capsys):
    apart = Run("002", "a run", 3, 1e-9, (1.0, 0.5))
    monkeypatch.setattr(document_002, "DOCUMENT", replace(few, run=lambda rng: apart))
    assert check() == 1
    assert "1 comparisons too far apart" in capsys.readouterr().out


def test_everything_compares_training_with_the_closed_form(few, monkeypatch):
    row = closed_form.Row("planar", "dW1", 2e-10)
    monkeypatch.setattr(documents, "NUMBERS", ("002",))
    monkeypatch.setattr(closed_form, "compare_training", lambda rng: [row])
    checked = everything()
    assert checked.training == [row]
    assert not checked.as_recorded
    close = replace(checked, training=[row._replace(error=1e-11)])
    assert close.as_recorded
    assert everything(["002"]).training == []


def test_what_needs_data_that_is_missing_is_left_out(few, monkeypatch, capsys):
    def needs(rng):
        raise ImportError('needs scikit-learn: pip install "autograd-lite[data]"')

    monkeypatch.setattr(document_002, "DOCUMENT", replace(few, run=needs))
    assert check() == 0
    assert 'left out: needs scikit-learn: pip install "autograd-lite[data]"' in (
        capsys.readouterr().out
    )


def test_without_rich_the_tables_are_plain(few, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "rich", None)
    assert check("--all") == 0
    out = capsys.readouterr().out
    assert "σ(z^L) = 1/(1 + e^{−z^L})" in out
    assert out.splitlines()[-1].endswith("all as recorded")


def test_what_the_output_cannot_encode_does_not_end_the_check(few, monkeypatch, tmp_path):
    with open(tmp_path / "out.txt", "w", encoding="ascii") as ascii_only:
        monkeypatch.setattr(sys, "stdout", ascii_only)
        assert check() == 0
    assert "3 formulas" in (tmp_path / "out.txt").read_text()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--document", "007"], "--document 007: there are 000, 001, 002, 003, 004"),
        (["--json", "/no/such/place/f.json"], "--json /no/such/place/f.json: cannot be written"),
    ],
)
def test_what_the_user_got_wrong_is_one_line(few, options, says, capsys):
    assert check(*options) == 2
    err = capsys.readouterr().err
    assert says in err
    assert len(err.splitlines()) == 1


def test_an_entry_that_fails_is_spelled_out(few, monkeypatch, capsys):
    bad = Entry("bad", "1/0", formula=lambda v, l: 1 / 0, equals="∂J/∂W{l}")
    mine = Document("002", "mine", [bad])
    monkeypatch.setattr(document_002, "DOCUMENT", mine)
    assert check() == 1
    assert "ZeroDivisionError" in capsys.readouterr().out
