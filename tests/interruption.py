"""Ctrl-C at a chosen moment, for the tests."""

import os
import sys
from contextlib import contextmanager

import autograd_lite as ag
import nn

FOLDER = os.path.dirname(nn.__file__)


@contextmanager
def ctrl_c_at_line(at):
    """KeyboardInterrupt at the `at`-th line that nn runs (while it traces none is counted)."""
    seen = 0

    def watch(frame, event, argument):
        nonlocal seen
        if os.path.dirname(frame.f_code.co_filename) != FOLDER or ag.is_tracing():
            return None
        if event == "line":
            seen += 1
            if seen == at:
                raise KeyboardInterrupt
        return watch

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        yield
    finally:
        sys.settrace(before)
