"""Commands beside the library: show the story, and offer to go on in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from likeness.cli.screen import is_conversation
from likeness.cli.serve import serve_opened


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
    """Show the whole story on real portraits, in under a minute; then offer the web app on them."""
    from rich.console import Console

    from likeness.demo import run

    then = _offer_web_app if is_conversation() else None
    raise typer.Exit(run(Console(highlight=False), directory=directory, then=then))


def _offer_web_app(place: Path) -> None:
    if not typer.confirm("Open the web app on this library?", default=True, err=True):
        return
    from likeness.library import Library

    with Library.open(place) as opened:
        serve_opened(opened)
