"""How the demo looks: numbered steps, the commands that do them, what came of it, and the time."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDEST_COMMAND = 74
INDENT = "   "
LEFT = len(INDENT) + 10
"""Where what came of a step begins: after its mark and its time."""


class Screen:
    """Tells the story on a console; plain lines where it is no terminal.

    Parameters
    ----------
    console : Console
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()
        self._step = 0
        self._step_began = self._began
        unicode = console.encoding.lower().startswith("utf")
        self._good, self._bad, self._more = ("✓", "✗", "…") if unicode else ("ok", "--", "...")

    def say(self, text: str = "", style: str = "") -> None:
        """Write a paragraph."""
        self._console.print(Text(text, style=style))

    @contextmanager
    def step(self, title: str, *commands: Sequence[str]) -> Iterator[None]:
        """A numbered step with the commands that do it; its time runs until :meth:`good`."""
        self._step += 1
        self.say()
        self._console.print(Text(f"{self._step:>2} {title}", style="bold"))
        for command in commands:
            for line in folded(command):
                self._line(f"{INDENT}{line}", style="cyan")
        self._step_began = time.monotonic()
        # Draws nothing where there is no terminal.
        with self._console.status(f"working {self._more}"):
            yield

    def good(self, text: str) -> None:
        """What came of the step, and how long it took."""
        took = f"{time.monotonic() - self._step_began:.1f} s"
        self._beside(Text(self._good, style="green"), Text(took, style="dim"), Text(text))

    def bad(self, text: str) -> None:
        """What did not go as it should."""
        self._beside(Text(self._bad, style="red"), Text(), Text(text))

    def note(self, text: str) -> None:
        """A further line about the step."""
        self._beside(Text(), Text(), Text(text, style="dim"))

    def rows(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A small table without lines."""
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        table.add_column("", width=LEFT - 2)
        for number, name in enumerate(header):
            table.add_column(name, overflow="fold", no_wrap=number > 0)
        for row in rows:
            table.add_row("", *(Text(cell) for cell in row))
        self._console.print(table)

    def seconds(self) -> float:
        """Since the story began."""
        return time.monotonic() - self._began

    def _beside(self, mark: Text, took: Text, text: Text) -> None:
        grid = Table.grid(padding=(0, 1, 0, 0))
        grid.add_column(width=len(INDENT) - 1)
        grid.add_column(width=2)
        grid.add_column(width=6, justify="right")
        grid.add_column(overflow="fold")
        grid.add_row("", mark, took, text)
        self._console.print(grid)

    def _line(self, text: str, style: str = "") -> None:
        # As long as it is, so that it can be copied.
        self._console.print(Text(text, style=style), soft_wrap=True)


def folded(command: Sequence[str], width: int = WIDEST_COMMAND) -> list[str]:
    """A command as lines to type, an option always together with what it is given.

    >>> folded(["likeness", "add", "my photos"])
    ["$ likeness add 'my photos'"]
    """
    parts: list[str] = []
    for word in command:
        quoted = shlex.quote(word)
        if parts and parts[-1].startswith("--") and " " not in parts[-1] and word[:2] != "--":
            parts[-1] += f" {quoted}"
        else:
            parts.append(quoted)
    lines, current = [], "$"
    for part in parts:
        if len(current) + 1 + len(part) > width and current not in ("$", "   "):
            lines.append(f"{current} \\")
            current = "   "
        current += f" {part}"
    return [*lines, current]
