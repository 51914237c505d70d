"""Commands beside the library: measure the machine, show the story."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from likeness.cli.call import call_of
from likeness.cli.options import JsonOption
from likeness.cli.screen import say, table
from likeness.errors import UsageError

if TYPE_CHECKING:
    from likeness.bench.faces import FacesReport


def register(app: typer.Typer) -> None:
    """Add these commands."""
    benches = typer.Typer(rich_markup_mode=None, help="Measure this machine.")
    benches.command("faces")(bench_faces)
    # With one command alone Typer would leave its name out.
    benches.callback()(_benches)
    app.add_typer(benches, name="bench")
    app.command("demo", short_help="Show the whole story.")(demo)


def bench_faces(
    context: typer.Context,
    photos: Annotated[
        Path, typer.Option("--photos", metavar="DIR", help="A folder of photos with people.")
    ],
    against: Annotated[
        str | None, typer.Option("--against", metavar="dlib", help="What to compare with.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure how fast faces are found and templates made."""
    call = call_of(context, as_json=as_json)
    if against not in (None, "dlib"):
        raise UsageError(f"There is nothing called {against!r} to compare with.", "Give dlib.")
    from likeness.bench.faces import run

    report = run(photos, against="dlib" if against else None)
    call.answer(asdict(report), lambda: _say(report))


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


def _benches() -> None:
    """Measure this machine."""


def _say(report: FacesReport) -> None:
    rows = [
        (name, *(_number(value) for value in (part.ours_ms, part.peer_ms, part.ratio)))
        for name, part in (("network pass", report.embed), ("detection", report.detect))
    ]
    say(f"{report.photos} photos on {report.machine}, {report.cores} cores")
    table(("", "#ours ms", "#peer ms", "#times as fast"), rows)
    say(f"{report.template_ms:.1f} ms a template")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.1f}"
