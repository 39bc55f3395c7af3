"""`autograd-lite check`: the claims of notes, or every formula of the five documents.

It also runs the documents' procedures by hand beside the tape, and compares every gradient of two
networks in training with the closed form.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from autograd_lite.terminal import say
from nn import documents
from nn.cli import command_notes
from nn.cli.command import UsageError, outputs, whole_number
from nn.cli.tables import Writer
from nn.documents import Result
from nn.documents.checked import WRONG, Checked, everything
from nn.documents.procedures import Run

COLOURS = {
    "holds": "green",
    "definition": "green",
    "misprint": "red",
    "undefined": "red",
    "false": "red",
    "error": "bold red",
    "convention": "yellow",
}


def add_to(subparsers: Any) -> None:
    """Add the subcommand `check`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "check",
        help="check derivations in notes, or every formula of the documents, against the tape",
        description="With notes: check each claim of them on drawn sizes; exit code 1 if one does "
        "not hold, 2 if something could not be read. Without: check every formula of the "
        "documents against the tape and central "
        "differences, on networks of many shapes; run the documents' procedures by hand beside "
        "the tape; compare networks in training with the closed form. Exit code 1 if a result is "
        "not what is recorded.",
    )
    parser.add_argument(
        "--document",
        action="append",
        metavar="001",
        help=f"only this document, of {', '.join(documents.NUMBERS)}; may be given again",
    )
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--all", action="store_true", help="every formula with its verdict")
    amount.add_argument("--misprints", action="store_true", help="what is wrong, each spelled out")
    parser.add_argument("--json", metavar="FILE", help="write the results to a file as JSON")
    parser.add_argument("--report", metavar="FILE", help="write a page for a browser: report.html")
    parser.add_argument("--rng", type=whole_number, default=0, help="seed (default 0)")
    parser.add_argument(
        "notes",
        nargs="*",
        default=(),
        metavar="NOTE",
        help="derivations as text to check in place of the documents: Markdown, LaTeX, notebooks, "
        "plain text",
    )
    parser.add_argument("--watch", action="store_true", help="check notes again at each save")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Check as the options say and print the results; returns the exit code."""
    if options.notes and (options.document or options.misprints or options.all):
        raise UsageError("--document, --misprints and --all are for the documents, not for notes")
    if options.notes:
        return command_notes.run_notes(options)
    if options.watch:
        raise UsageError("--watch: which note? autograd-lite check --watch note.md")
    for number in options.document or ():
        if number not in documents.NUMBERS:
            known = ", ".join(documents.NUMBERS)
            raise UsageError(f"--document {number}: there are {known}")
    written = outputs(options, "json", "report")
    if "report" in written:
        from nn import report

        if problem := report.missing():
            raise UsageError(problem)
    numbers = list(dict.fromkeys(options.document)) if options.document else None
    checked = everything(numbers, options.rng)
    if "json" in written:
        rows = [asdict(result) for result in checked.results]
        text = json.dumps(rows, ensure_ascii=False, indent=1, allow_nan=False)
        written["json"].write(f"{text}\n".encode())
    if "report" in written:
        report.write(checked, written["report"], options.rng)
    show(checked, options.all, options.misprints)  # last: who reads it may leave before the end
    for output in written.values():
        say(f"written to {output.path}")
    return 0 if checked.as_recorded else 1


def show(checked: Checked, every: bool = False, misprints: bool = False) -> None:
    """Print what was found: at most a screen, unless `every` formula or `misprints` are asked for.

    What is not as recorded is spelled out in any case.
    """
    write = Writer(COLOURS)
    if every:
        for document in checked.documents:
            found = [r for r in checked.results if r.document == document.number]
            write.table(
                f"{document.number}  {document.title_and_author}", _HEADER, map(_row, found)
            )
    elif not misprints:
        verdicts, counts = checked.counts()
        rows = [
            (f"{d.number}  {d.title_and_author}", *map(str, found), str(silent))
            for d, found, silent in counts
        ]
        write.table("formulas by document and verdict", ("", *verdicts, "silent"), rows)
    for result in checked.results:
        if result.drifted or result.verdict == "error" or (misprints and result.verdict in WRONG):
            write.lines(_spelled_out(result), COLOURS[result.verdict])
    if every or misprints:
        _show_conflicts(checked, write)
    if not misprints:
        if checked.runs:
            write.table("procedures, by hand and by the tape", _RUNS, map(_run_row, checked.runs))
        if checked.training:
            title = "gradients in training, tape and closed form: start, middle, end"
            write.table(title, _TRAINING, _training_rows(checked, every))
    for problem in checked.skipped:
        write.lines([f"left out: {problem}"], "yellow")
    write.lines([checked.summary], "green" if checked.as_recorded else "bold red")
    if not every and not misprints:
        say("every formula: --all; what is wrong and why: --misprints; as a page: --report FILE")


def _show_conflicts(checked: Checked, write: Any) -> None:
    """Print what documents declare in different ways, if they do."""
    numbers, rows = checked.differences(missing="")
    if rows:
        write.table("where documents differ", ("fact", *numbers), rows)


_HEADER = ("", "label", "formula", "verdict", "error", "corrected")
_RUNS = ("", "document", "procedure", "updates", "largest difference")
_TRAINING = ("", "data", "quantity", "largest relative error")


def _row(result: Result) -> tuple[str, ...]:
    verdict = result.verdict + (", silent" if result.silent else "")
    return (
        "≠" if result.drifted else "",
        result.label,
        result.printed,
        verdict + ", damaged" * result.damaged + ", by hand" * bool(result.by_hand),
        _error(result.printed_error),
        _error(result.corrected_error),
    )


def _run_row(run: Run) -> tuple[str, ...]:
    mark = "" if run.agrees else "≠"
    return mark, run.document, run.what, str(run.updates), f"{run.difference:.0e}"


def _training_rows(checked: Checked, every: bool) -> Iterator[tuple[str, ...]]:
    """A row for each gradient; or for each data set, and each gradient that is apart."""
    rows = checked.training
    for data in () if every else dict.fromkeys(row.data for row in rows):
        errors = [row.error for row in rows if row.data == data]
        yield "", data, f"all {len(errors)}", f"{max(errors):.0e}"
    for row in rows:
        if every or not row.agrees:
            yield "" if row.agrees else "≠", row.data, row.quantity, f"{row.error:.0e}"


def _error(error: float | None) -> str:
    return "" if error is None else f"{error:.0e}"


def _spelled_out(result: Result) -> list[str]:
    """The formula as printed and as it is right, why, and what the shapes did."""
    kinds = [result.verdict, *(["silent"] if result.silent else [])]
    kinds += ["damaged in transcription"] if result.damaged else []
    lines = [f"{result.document}  {result.label}: {', '.join(kinds)}", f"  {result.printed}"]
    if result.corrected:
        error = "" if result.corrected_error is None else f"   ({result.corrected_error:.0e})"
        lines.append(f"  right: {result.corrected}{error}")
    if result.why:
        lines.append(f"  why: {result.why}")
    lines.append(f"  tried: {result.shapes}")
    if result.by_hand:
        lines.append(f"  by hand: {result.by_hand}")
    if result.drifted:
        lines.append(f"  recorded: {result.recorded}{', silent' if result.recorded_silent else ''}")
    return lines
