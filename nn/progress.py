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
        with _bar(epochs) as report:
            yield report
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
def _bar(epochs: int) -> Iterator[Report]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=epochs)
        shown = 0.0

        def report(epoch: int, history: Any) -> None:
            nonlocal shown
            if epoch == epochs or time.monotonic() > shown + 0.1:
                shown = time.monotonic()
                text = f"epoch {epoch} of {epochs}: {loss_and_accuracy(history)}"
                bar.update(task, completed=epoch, description=text)

        yield report
