"""How much Python runs around the arithmetic: calls are counted, not timed, so the numbers are the
same on every machine. A change that fails here has made small networks slower."""

from __future__ import annotations

import sys

import pytest

from benchmarks.engines import Case, bare_tape_logits, compiled_logits, tape


def python_calls(step):
    """How many Python functions one step calls, itself included."""
    count = 0

    def note(frame, event, argument):
        nonlocal count
        count += event == "call"

    step()
    sys.setprofile(note)
    try:
        step()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize(
    ("engine", "sizes", "most"),
    [
        (tape, (4, 3, 2, 1), 141),
        (bare_tape_logits, (4, 3, 2, 1), 93),
        (bare_tape_logits, (64, 30, 10), 74),
        (compiled_logits, (4, 3, 2, 1), 7),
    ],
)
def test_a_step_calls_no_more_python_than_it_did(engine, sizes, most):
    assert python_calls(engine(Case("", sizes, m=10))) <= most
