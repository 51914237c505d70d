"""The whole story on two portraits: somebody says yes, is found with links back, and withdraws."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def run(
    console: Console,
    *,
    directory: Path | None = None,
    then: Callable[[Path], None] | None = None,
) -> int:
    """Run the demo, in a library and with keys of its own.

    Parameters
    ----------
    console : Console
        Where it is told.
    directory : Path, optional
        A new or empty folder that is kept; else a temporary one, which is removed at the end.
    then : callable, optional
        Gets the library's folder once the story is told, before anything is removed.

    Returns
    -------
    int
        0 where everything went as it should, else 5.

    Raises
    ------
    UsageError
        Where the packages that hold the portraits are not installed.
    LibraryExists
        Where ``directory`` is there and not empty.
    LikenessError
        Whatever a step of the story raises.
    """
    from likeness.demo.story import tell

    return tell(console, directory=directory, then=then)
