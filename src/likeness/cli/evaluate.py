"""Commands that measure a model pack on labelled photos, and take thresholds from that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from likeness.cli.call import call_of
from likeness.cli.files import read_small
from likeness.cli.options import AccountOption, JsonOption, LibraryOption
from likeness.cli.progress import shown_progress
from likeness.cli.screen import counted, say, table
from likeness.errors import BadInput, StorageError, UsageError

if TYPE_CHECKING:
    from likeness.calibrate import Calibrated
    from likeness.evaluation.dataset import Dataset
    from likeness.faces.packs import Pack
    from likeness.records.photo import ReadLimits

LARGEST_REPORT = 50_000_000

PackOption = Annotated[
    str | None,
    typer.Option(
        "--pack", metavar="PACK", help="A model pack by name, or a manifest; dlib where absent."
    ),
]
GroupsOption = Annotated[
    Path | None,
    typer.Option(
        "--groups",
        metavar="CSV",
        help="A table with the column photo and others: errors are shown by their values.",
    ),
]
SameOption = Annotated[
    list[str] | None,
    typer.Option(
        "--same", metavar="ONE=OTHER", help="Two labels that are one person's; again for more."
    ),
]


PhotosOption = Annotated[
    Path | None,
    typer.Option(
        "--photos",
        metavar="DIR",
        help="Where a CSV's photos are named from; else its own folder, or the one beside it of "
        "its name.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("evaluate", short_help="Measure a model pack on labelled photos.")(evaluate)
    app.command("calibrate", short_help="Take thresholds from an evaluation.")(calibrate)


def evaluate(
    context: typer.Context,
    dataset: Annotated[
        Path,
        typer.Argument(
            metavar="DATASET",
            help="A folder with a folder for each person, or a CSV with the columns photo and "
            "person, or photo_a, photo_b and mated.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", metavar="DIR", help="A new folder, or an empty one, for the report."),
    ],
    pack: PackOption = None,
    photos: PhotosOption = None,
    groups: GroupsOption = None,
    same: SameOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure how often a model pack is right and wrong on photos whose people are known.

    Writes report.json and index.html, one page that needs nothing else. No template is written
    anywhere: these are people of a test set, not of a library. The report names photos.
    """
    call = call_of(context, as_json=as_json)
    _require_empty(out)
    from likeness.evaluation.dataset import read_dataset
    from likeness.faces.packs import load_manifest
    from likeness.records.photo import ReadLimits

    manifest = load_manifest(pack or "dlib")
    held = read_dataset(dataset, photos=photos, same=_merges(same))
    report = _evaluated(held, manifest, groups=groups, limits=ReadLimits())
    _write(out, report)
    fields = {name: value for name, value in report.items() if name != "schema"}
    call.answer(fields, lambda: _say(report, out))


def calibrate(
    context: typer.Context,
    what: Annotated[
        Path,
        typer.Argument(
            metavar="REPORT_OR_DATASET",
            help="The report.json of an evaluation, or a data set to evaluate now.",
        ),
    ],
    photos: PhotosOption = None,
    same: SameOption = None,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take the thresholds that an evaluation measured for this library.

    They hold for the library's model pack alone. Links that stand stay until the next rescan, which
    decides every photo anew.
    """
    call = call_of(context, library=library, account=account, as_json=as_json)
    with call.opened() as opened:
        if what.suffix.lower() == ".json":
            report = _read_report(what)
        else:
            from likeness.evaluation.dataset import read_dataset

            held, house = read_dataset(what, photos=photos, same=_merges(same)), opened.house
            report = _evaluated(held, house.pack, groups=None, limits=house.settings.limits)
        done = opened.calibrate(report)
    call.answer(_calibrated_as_json(done), lambda: _say_calibrated(done))


def _evaluated(
    dataset: Dataset,
    pack: Pack,
    *,
    groups: Path | None,
    limits: ReadLimits,
) -> dict[str, Any]:
    from datetime import UTC, datetime

    from likeness.evaluation.evaluate import evaluate as run
    from likeness.evaluation.report import report_of
    from likeness.faces.engine import FaceEngine
    from likeness.faces.sandbox import DecodeWorkers
    from likeness.house import Progress

    engine = FaceEngine.load(pack)
    with DecodeWorkers(2, limits=limits) as decoders, shown_progress() as progress:
        found = run(
            dataset,
            engine,
            decoders=decoders,
            limits=limits,
            groups=groups,
            margin=pack.thresholds[-1].margin if pack.thresholds else None,
            progress=lambda phase, done, total: progress(
                Progress(phase=phase, done=done, total=total)
            ),
        )
    return report_of(found, pack, made_at=datetime.now(UTC))


def _merges(words: list[str] | None) -> list[tuple[str, str]]:
    pairs = []
    for word in words or ():
        one, _, other = word.partition("=")
        if not one or not other:
            raise UsageError(f"{word!r} does not name two labels.", "Write --same ONE=OTHER.")
        pairs.append((one, other))
    return pairs


def _require_empty(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out.name} is there already and not empty.", "Name a new folder.")


def _write(out: Path, report: dict[str, Any]) -> None:
    from likeness.evaluation.page import page_of

    try:
        out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(report, indent=1, allow_nan=False) + "\n"
        (out / "report.json").write_text(text, encoding="utf-8")
        (out / "index.html").write_text(page_of(report), encoding="utf-8")
    except OSError as error:
        raise StorageError(
            f"The report cannot be written: {error.strerror}.", "Name another folder with --out."
        ) from None


def _read_report(path: Path) -> dict[str, Any]:
    data = read_small(path, limit=LARGEST_REPORT, what="report of an evaluation")
    try:
        report = json.loads(data)
    except (ValueError, RecursionError):
        report = None
    if not isinstance(report, dict):
        raise BadInput(
            f"{path.name} is not the report of an evaluation.",
            "Give the report.json that likeness evaluate wrote.",
        )
    return report


def _say(report: dict[str, Any], out: Path) -> None:
    held = report["dataset"]
    say(
        f"{counted(held['photos'], 'photo')} of {counted(held['people'], 'person', 'people')}, "
        f"with the model pack {report['pack']['name']}"
    )
    say(f"Photos without a face found: {report['acquisition']['failure_to_acquire']['says']}")
    rows = [
        (
            f"{part['gallery_size']:,}",
            str(part["references"]),
            f"{point['fpir']:.1%}",
            f"{point['threshold']:.3f}",
            point["fnir"]["says"],
        )
        for part in report["identification"]
        for point in part["at_fpir"]
    ]
    if rows:
        say()
        table(("#people", "#photos of each", "#FPIR", "#threshold", "missed (FNIR)"), rows)
    compared = [
        (f"{point['level']:g}", f"{point['threshold']:.3f}", point["fnmr"]["says"])
        for point in report["verification"]["at_fmr"]
    ]
    if compared:
        say()
        table(("#FMR", "#threshold", "missed (FNMR)"), compared)
    say()
    say(f"The page: {out / 'index.html'}")


def _calibrated_as_json(done: Calibrated) -> dict[str, Any]:
    return {
        "photos": done.photos,
        "thresholds": [
            {
                "gallery_size": point.gallery_size,
                "strong": point.strong if point.strong <= 1 else None,
                "review": point.review,
                "margin": point.margin,
            }
            for point in done.points
        ],
        "measured_on": done.points[0].measured_on,
    }


def _say_calibrated(done: Calibrated) -> None:
    say(f"Calibrated on {done.points[0].measured_on}.")
    table(
        ("#people", "#linked from", "#proposed from"),
        [
            (
                f"up to {point.gallery_size:,}",
                f"{point.strong:.3f}" if point.strong <= 1 else "never",
                f"{point.review:.3f}",
            )
            for point in done.points
        ],
    )
    if done.photos:
        say(
            f"{counted(done.photos, 'photo')} wait to be compared again; what is linked stays "
            "until then. Run: likeness rescan"
        )
