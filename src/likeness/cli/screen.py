"""What the command line writes for people. Nothing that came from outside controls the terminal."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable, Sequence

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Words of several scripts and many emoji are spelled with these two; they move and hide nothing.
_JOINERS = frozenset("\u200c\u200d")


def visible(text: object) -> str:
    r"""A text in which every character shows and none controls the terminal.

    Control characters, line breaks, bidirectional overrides, invisible characters and bytes that
    are no text become ``\x1b``, ``\u202e`` and the like. Captions, names and paths come from
    outside.

    >>> print(visible("a\x1b[2Jb"))
    a\x1b[2Jb
    """
    shown = str(text)
    if shown.isprintable():
        return shown
    return "".join(_escaped(letter) if _is_unseen(letter) else letter for letter in shown)


def say(text: str = "") -> None:
    """Write one line of an answer on standard output."""
    sys.stdout.write(visible(text) + "\n")


def note(text: str) -> None:
    """Write one line beside the answer, on standard error."""
    sys.stderr.write(visible(text) + "\n")


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table on standard output; columns named with a leading ``#`` are for numbers."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        number = column.startswith("#")
        grid.add_column(
            Text(column.removeprefix("#")), justify="right" if number else "left", overflow="fold"
        )
    for row in rows:
        grid.add_row(*(Text(visible(cell)) for cell in row))
    # Into a file or another program each row stays on one line, however long.
    width = None if sys.stdout.isatty() else 10_000
    Console(file=sys.stdout, width=width, highlight=False).print(grid)


def is_conversation() -> bool:
    """Whether somebody sits at a terminal and can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def counted(number: int, one: str, several: str | None = None) -> str:
    """A number and its noun, such as ``"1 photo"`` or ``"2,104 photos"``."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def _is_unseen(letter: str) -> bool:
    return unicodedata.category(letter) in _UNSEEN and letter not in _JOINERS


def _escaped(letter: str) -> str:
    code = ord(letter)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
