"""Commands that measure this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from likeness.cli.bench_gallery import bench_gallery
from likeness.cli.call import call_of
from likeness.cli.options import JsonOption
from likeness.cli.screen import say, table
from likeness.errors import UsageError

if TYPE_CHECKING:
    from likeness.bench.faces import FacesReport
    from likeness.bench.ingest import IngestBenchReport

Peer = TypeVar("Peer", bound=str)

PhotosOption = Annotated[
    Path, typer.Option("--photos", metavar="DIR", help="A folder of photos with people.")
]
AgainstOption = Annotated[
    str | None,
    typer.Option("--against", metavar="PEER", help="What to compare with."),
]
PackOption = Annotated[str, typer.Option("--pack", metavar="PACK", help="The model pack.")]
MostOption = Annotated[
    int | None, typer.Option("--most", metavar="N", help="How many of the photos to take.")
]
RepeatsOption = Annotated[
    int, typer.Option("--repeats", metavar="N", help="How often each work is timed.")
]


def register(app: typer.Typer) -> None:
    """Add the group ``bench``."""
    benches = typer.Typer(rich_markup_mode=None, help="Measure this machine.")
    benches.command("faces")(bench_faces)
    benches.command("gallery")(bench_gallery)
    benches.command("ingest")(bench_ingest)
    app.add_typer(benches, name="bench")


def bench_faces(
    context: typer.Context,
    photos: PhotosOption,
    against: AgainstOption = None,
    pack: PackOption = "dlib",
    labels: Annotated[
        Path | None,
        typer.Option("--labels", metavar="FILE", help="Boxes of the faces, to measure recall."),
    ] = None,
    most: MostOption = None,
    repeats: RepeatsOption = 3,
    as_json: JsonOption = False,
) -> None:
    """Measure how fast faces are found and templates made, beside dlib or face_recognition."""
    call = call_of(context, as_json=as_json)
    from likeness.bench.faces import PEERS, run

    report = run(
        photos,
        against=_peer(against, PEERS),
        pack=pack,
        labels=labels,
        most=most,
        repeats=repeats,
    )
    call.answer(asdict(report), lambda: _say_faces(report))


def bench_ingest(
    context: typer.Context,
    photos: PhotosOption,
    against: AgainstOption = None,
    pack: PackOption = "dlib",
    most: MostOption = None,
    repeats: RepeatsOption = 3,
    as_json: JsonOption = False,
) -> None:
    """Measure how fast photos are added, beside the bare models or face_recognition."""
    call = call_of(context, as_json=as_json)
    from likeness.bench.ingest import MOST_PHOTOS, PEERS, run

    report = run(
        photos,
        against=_peer(against, PEERS),
        pack=pack,
        most=MOST_PHOTOS if most is None else most,
        repeats=repeats,
    )
    call.answer(asdict(report), lambda: _say_ingest(report))


def _peer(name: str | None, known: Sequence[Peer]) -> Peer | None:
    """The peer of this name."""
    if name is None:
        return None
    for peer in known:
        if peer == name:
            return peer
    raise UsageError(
        f"There is nothing called {name!r} to compare with.", f"Give {' or '.join(known)}."
    )


def _say_faces(report: FacesReport) -> None:
    say(f"{report.photos} photos on {report.machine}, {report.cores} cores, pack {report.pack}")
    if report.measured:
        say(f"beside {report.measured}")
    parts = (("network pass", report.embed), ("detection", report.detect))
    rows = [(name, part.ours_ms, part.peer_ms, part.ratio) for name, part in parts]
    whole = report.whole
    rows.append(("photo to templates", whole.ours_ms, whole.peer_ms, whole.ratio))
    rows += [(f"{p.faces} faces a photo", p.ours_ms, p.peer_ms, p.ratio) for p in report.curve]
    table(
        ("", "#ours ms", "#peer ms", "#times as fast"),
        [(name, *(_number(value) for value in values)) for name, *values in rows],
    )
    say(f"{report.template_ms:.1f} ms a template")
    if report.labelled is not None:
        for name, found in (("ours", report.labelled.ours), ("peer", report.labelled.peer)):
            if found is not None:
                say(
                    f"{name}: {found.recall:.1%} of {found.faces} labelled faces, "
                    f"{found.false_a_photo:.2f} false ones a photo"
                )


def _say_ingest(report: IngestBenchReport) -> None:
    say(
        f"{report.photos} photos with {report.faces} faces on {report.machine}, "
        f"{report.cores} cores, pack {report.pack}"
    )
    rows = [("likeness add", report.add_a_second), ("the bare models", report.bare_a_second)]
    if report.measured and report.peer_a_second:
        rows.append((report.measured, report.peer_a_second))
    table(("", "#photos a second"), [(name, _number(value)) for name, value in rows])
    say(f"add reaches {report.ratio:.0%} of the bare models")
    say(f"{report.rescan.faces_a_second:,.0f} faces a second compared again from their crops")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.1f}"
