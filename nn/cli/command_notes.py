"""`autograd-lite check NOTE…`: the claims of notes, judged."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator

import autograd_lite as ag
from autograd_lite import files
from nn.cli.command import check_file, outputs, usage_errors

SECONDS = 0.5  # between two looks at the notes that are watched


def run_notes(options: argparse.Namespace) -> int:
    """Check notes and print what was found; returns the exit code.

    0: all claims hold. 1: one does not. 2: something could not be read.
    """
    for path in options.notes:
        check_file(path, path)
    written = outputs(options, "json", "report")
    code = check_notes(options, written)
    if options.watch:
        for _ in changes(options.notes):
            code = check_notes(options, {})
    return code


def check_notes(options: argparse.Namespace, written: dict[str, files.Output]) -> int:
    """Check every note once."""
    with usage_errors():
        reports = [ag.check_derivation(path, options.rng) for path in options.notes]
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
        print(f"written to {output.path}")
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
