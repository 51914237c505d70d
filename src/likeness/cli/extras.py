"""Commands beside the library: show the story."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("demo", short_help="Show the whole story.")(demo)


def demo(
    context: typer.Context,
    directory: Annotated[
        Path | None,
        typer.Argument(metavar="DIR", help="Where to keep what it makes; else it is thrown away."),
    ] = None,
) -> None:
    """Show the whole story on real portraits, in under a minute."""
    from rich.console import Console

    from likeness.demo import run

    raise typer.Exit(run(Console(highlight=False), directory=directory))
