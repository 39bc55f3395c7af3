"""Tables and lines that commands print: plain text, or with `rich` where it is installed."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence

from nn.progress import has_rich


class Plain:
    """Tables and lines as plain text."""

    def table(self, title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print a table under its title, the columns as wide as they need."""
        body = [tuple(header), *rows]
        widths = [max(len(row[i]) for row in body) for i in range(len(header))]
        print(title)
        for row in body:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            print("  " + "  ".join(cells).rstrip())
        print()

    def lines(self, lines: Sequence[str], colour: str) -> None:
        """Print lines; the first may be coloured."""
        print("\n".join(lines))


class Rich(Plain):
    """The same with rich: columns that fit the terminal, and colours where there are any.

    colours: by the first word of a cell, as far as a comma.
    """

    def __init__(self, colours: Mapping[str, str]) -> None:
        from rich.console import Console

        terminal = sys.stdout.isatty()
        self.colours = colours
        self.console = Console(highlight=False, markup=False, width=None if terminal else 160)

    def table(self, title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print a table under its title."""
        from rich.table import Table
        from rich.text import Text

        self.console.print(Text(title, style="bold"))
        table = Table(*header, box=None)
        for row in rows:
            table.add_row(*(Text(c, style=self.colours.get(c.split(",")[0], "")) for c in row))
        self.console.print(table)
        self.console.print()

    def lines(self, lines: Sequence[str], colour: str) -> None:
        """Print lines, the first of them coloured."""
        from rich.text import Text

        self.console.print(Text(lines[0], style=colour))
        for line in lines[1:]:
            self.console.print(Text(line))


def writer(colours: Mapping[str, str]) -> Plain:
    """rich where it is installed."""
    return Rich(colours) if has_rich() else Plain()
