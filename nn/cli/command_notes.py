"""`autograd-lite check NOTE…`: the claims of notes, judged."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator, Sequence

import autograd_lite as ag
from autograd_lite import files
from autograd_lite.terminal import say
from nn.cli.command import check_file, outputs, usage_errors

SECONDS = 0.5  # between two looks at the notes that are watched


def run_notes(options: argparse.Namespace) -> int:
    """Check notes and print what was found; returns the exit code.

    0: all claims hold. 1: one does not. 2: something could not be read.
    """
    for path in options.notes:
        check_file(path, path)
    written = outputs(options, "json", "report")
    code = check_notes(options.notes, options.rng, written)
    if options.watch:
        for _ in changes(options.notes):
            code = check_notes(options.notes, options.rng, {})
    return code


def check_notes(paths: Sequence[str], rng: int, written: dict[str, files.Output]) -> int:
    """Check every note once, print and write what was found; returns the exit code.

    written: where the results go as "json", and the page as "report", if they go anywhere.
    """
    with usage_errors():
        reports = [ag.check_derivation(path, rng) for path in paths]
    if "json" in written:
        whole: dict[str, list[object]] = {"claims": [], "unread": []}
        for report in reports:
            for key, rows in report.as_dict().items():
                whole[key] += rows
        written["json"].write(f"{json.dumps(whole, ensure_ascii=False, indent=1)}\n".encode())
    if "report" in written:
        from nn.report import notes

        with usage_errors():
            written["report"].write(notes.page_of(reports).encode())
    for report in reports:
        print(report)
    for output in written.values():
        say(f"written to {output.path}")
    if any(report.unread for report in reports):
        return 2
    return 0 if all(reports) else 1


def changes(paths: list[str]) -> Iterator[None]:
    """One item each time one of the files was saved, for ever."""
    seen = [_saved(path) for path in paths]
    while True:
        time.sleep(SECONDS)
        now = [_saved(path) for path in paths]
        if now != seen and None not in now:
            seen = now
            print()
            yield None


def _saved(path: str) -> tuple[int, int] | None:
    """When a file was saved, and its size; None while there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
