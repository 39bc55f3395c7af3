"""Shows the progress of training: a bar on a terminal, plain lines without `rich`, or nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from autograd_lite.extras import needed

Report = Callable[[int, Any], None]  # called with the epoch's number, from 1, and the History


@contextmanager
def reporter(progress: bool | Report | None, epochs: int) -> Iterator[Report]:
    """The function to call after each epoch, for the `progress` that `fit` was given."""
    on_terminal = sys.stderr is not None and sys.stderr.isatty()
    if callable(progress):
        yield progress
    elif progress is False or (progress is None and not on_terminal):
        yield lambda epoch, history: None
    elif on_terminal and has_rich():
        with bar() as show:
            yield lambda epoch, history: show(
                epoch, epochs, f"epoch {epoch} of {epochs}: {loss_and_accuracy(history)}"
            )
    else:
        yield lambda epoch, history: _line(epoch, epochs, history)


def loss_and_accuracy(history: Any) -> str:
    """The last loss and accuracy of a History, in words.

    >>> from nn import History
    >>> loss_and_accuracy(History(loss=[0.69314], metric=[0.5]))
    'loss 0.6931, accuracy 0.5000'
    """
    accuracy = history.metric[-1]
    return f"loss {history.loss[-1]:.4g}" + (
        "" if accuracy is None else f", accuracy {accuracy:.4f}"
    )


def _line(epoch: int, epochs: int, history: Any) -> None:
    """Print a line for the first epoch, the last, and about ten between."""
    if epoch in (1, epochs) or epoch % max(epochs // 10, 1) == 0:
        with suppress(OSError):  # nobody looks: no reason to stop
            print(
                f"epoch {epoch} of {epochs}: {loss_and_accuracy(history)}",
                file=sys.stderr,
                flush=True,
            )


def has_rich() -> bool:
    """True if rich can be imported; if it is installed but broken, say so."""
    try:
        needed("rich.progress", "a bar of progress needs rich", "cli")
    except ImportError as error:
        if error.__cause__:
            print(f"autograd-lite: {error}", file=sys.stderr)
        return False
    return True


@contextmanager
def bar(passing: bool = False) -> Iterator[Callable[[int, int, str], None]]:
    """A bar on the terminal of stderr; nothing where there is none, or without rich.

    Yields the function that shows how much is done, of how much, and a text.
    passing: the bar is gone at the end.
    """
    if sys.stderr is None or not sys.stderr.isatty() or not has_rich():
        yield lambda done, of, text: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn())
    progress = Progress(
        *columns,
        console=Console(stderr=True),
        transient=passing,
        auto_refresh=False,  # by a thread, which a process that forks must not have
        redirect_stdout=False,
        redirect_stderr=False,
    )
    task = progress.add_task("", total=1)
    next_time = time.monotonic() + (0.5 if passing else 0.0)  # what is quick needs no bar

    def show(done: int, of: int, text: str) -> None:
        nonlocal next_time
        if time.monotonic() >= next_time or (done == of and not passing):
            next_time = time.monotonic() + 0.1
            progress.start()
            progress.update(task, completed=done, total=of, description=text, refresh=True)

    try:
        yield show
    finally:
        progress.stop()
