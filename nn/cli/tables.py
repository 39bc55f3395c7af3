"""Tables and lines that commands print: plain text, or with `rich`, where it is, in colours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from autograd_lite import terminal
from nn.progress import has_rich


class Writer:
    """Prints tables and lines; with rich, and on a terminal that has them, in colours.

    colours: of words that a cell begins with.
    """

    def __init__(self, colours: Mapping[str, str]) -> None:
        self.colours = colours
        self.console: Any = None
        if has_rich():
            from rich.console import Console

            self.console = Console(highlight=False, markup=False)

    def table(self, title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print a table under its title."""
        self._show(title, "bold")
        for line in terminal.table(header, rows):
            self._show(line)
        print()

    def lines(self, lines: Sequence[str], colour: str) -> None:
        """Print lines, the first of them coloured."""
        for n, line in enumerate(lines):
            self._show(line, "" if n else colour)

    def _show(self, line: str, style: str = "") -> None:
        if self.console is None:
            terminal.say(line)
            return
        from rich.text import Text

        text = Text(terminal.wrapped_lines([line]), style)
        for word, colour in self.colours.items():
            text.highlight_regex(rf"(?:^|  |; (?:\w+ )?){word}(?=[,;]|  |$)", colour)
        self.console.print(text, soft_wrap=True)
