"""Measure the gallery at several sizes."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from likeness.cli.call import call_of
from likeness.cli.options import JsonOption
from likeness.cli.screen import note, say, table

if TYPE_CHECKING:
    from likeness.bench.gallery import GalleryReport


def bench_gallery(
    context: typer.Context,
    references: Annotated[
        list[int] | None,
        typer.Option(
            "--references",
            metavar="N",
            help="Size of a gallery; again for another. Else 10,000, 100,000 and 1,000,000.",
        ),
    ] = None,
    like: Annotated[
        Path | None,
        typer.Option(
            "--like",
            metavar="DIR",
            help="A folder of photos a person, to spread templates as theirs are.",
        ),
    ] = None,
    pairs: Annotated[
        int, typer.Option("--pairs", metavar="N", help="Pairs that must all be found.")
    ] = 10_000,
    repeats: Annotated[
        int, typer.Option("--repeats", metavar="N", help="How many searches are timed.")
    ] = 30,
    threshold: Annotated[
        float, typer.Option("--threshold", metavar="T", help="Lowest cosine to be found.")
    ] = 0.96,
    as_json: JsonOption = False,
) -> None:
    """Measure how fast large galleries are searched, and that nobody is missed."""
    call = call_of(context, as_json=as_json)
    from likeness.bench.gallery import SIZES, run

    report = run(
        references or SIZES,
        like=like,
        pairs=pairs,
        repeats=repeats,
        threshold=threshold,
        progress=note,
    )
    call.answer(asdict(report), lambda: _say(report))


def _say(report: GalleryReport) -> None:
    say(f"{report.machine}, {report.cores} cores; templates {report.spread};")
    say(f"two strangers' cosine averages {report.mean_cosine}, the threshold is {report.threshold}")
    table(
        (
            "#references",
            "#one ms",
            "#flat ms",
            "#times as fast",
            "#64 at a time, ms each",
            "#flat ms each",
            "#times as fast",
            "#bytes each",
            "#missed",
        ),
        [
            (
                f"{size.references:,}",
                f"{size.one_ms:.2f}",
                f"{size.peer_one_ms:.2f}",
                f"{size.one_ratio:.1f}",
                f"{size.together_ms:.2f}",
                f"{size.peer_together_ms:.2f}",
                f"{size.together_ratio:.1f}",
                "" if size.bytes_each is None else f"{size.bytes_each:.0f}",
                f"{size.found.missed + size.found.others_missed} of {size.found.pairs:,}",
            )
            for size in report.sizes
        ],
    )
