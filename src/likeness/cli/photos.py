"""Commands that take photos in and keep them compared: add, rescan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from likeness.cli.call import call_of
from likeness.cli.choosing import one_collection
from likeness.cli.item_report import written_items
from likeness.cli.options import AccountOption, CollectionOption, JsonOption, LibraryOption
from likeness.cli.progress import shown_progress
from likeness.cli.screen import counted, note, say
from likeness.cli.shapes import rescan_as_json

if TYPE_CHECKING:
    from likeness.ingest import IngestReport

SKIPPED_NAMED = 20
"""How many skipped files are named one by one for people; the object names all."""


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("add")(add)
    app.command("rescan", short_help="Go on comparing photos with new people.")(rescan)


def add(
    context: typer.Context,
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT",
            help="A folder, a photo, a video, a platform's export (ZIP or folder), a site whose "
            "owner said yes (https://…), a IIIF manifest on one, or a bucket (s3://…).",
        ),
    ],
    collection: CollectionOption = None,
    report_file: Annotated[
        Path | None,
        typer.Option(
            "--report", metavar="FILE", help="Write what became of each item, a JSON object a line."
        ),
    ] = None,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take photos into a collection, from a folder or from wherever else they are.

    Says first what WHAT was recognised as. Files are read where they are and never changed.
    Interrupted, or run again later, it goes on from where it was: what is new comes in, and what
    is gone from a folder goes.
    """
    call = call_of(context, library=library, account=account, as_json=as_json)
    with call.opened() as opened, written_items(report_file) as items:
        name = one_collection(opened, collection)
        with shown_progress() as progress:
            # With --json the answer says what it was recognised as.
            told = _unheard if call.as_json else note
            report = opened.ingest(what, collection=name, progress=progress, items=items, told=told)
    call.answer(_report_as_json(report), lambda: _say_report(report, name))


def rescan(
    context: typer.Context,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Go on comparing photos that are held with people who enrolled since."""
    call = call_of(context, library=library, account=account, as_json=as_json)
    with call.opened() as opened, shown_progress() as progress:
        report = opened.rescan(progress=progress)
    call.answer(
        rescan_as_json(report),
        lambda: say(
            f"{counted(report.photos, 'photo')} compared: "
            f"{counted(report.linked, 'link')}, {report.proposed:,} to review."
        ),
    )


def _unheard(_words: str) -> None:
    """Say nothing."""


def _report_as_json(report: IngestReport) -> dict[str, Any]:
    return {
        "recognised": report.recognised,
        "source": report.source_id,
        "found": report.found,
        "videos": report.videos,
        "new": report.new,
        "known": report.known,
        "copies": report.copies,
        "matched": dict(report.matched),
        "without_link": report.without_link,
        "skipped": [{"item": s.item, "reason": s.reason} for s in report.skipped],
        "skipped_count": report.skipped_count,
        "skipped_for": dict(report.reasons),
        "faces": report.faces,
        "linked": report.linked,
        "proposed": report.proposed,
        "gone": report.gone,
    }


def _say_report(report: IngestReport, collection: str) -> None:
    for skipped in report.skipped[:SKIPPED_NAMED]:
        note(f"Skipped {skipped.item}: {skipped.reason}")
    if report.skipped_count > SKIPPED_NAMED:
        note(f"... and {report.skipped_count - SKIPPED_NAMED:,} more (--report FILE names all).")
    say(
        f"{counted(report.found, 'photo')} found for {collection}: {report.new:,} new, "
        f"{report.known:,} known, {report.skipped_count:,} skipped, {report.gone:,} gone."
    )
    if report.videos:
        say(f"From {counted(report.videos, 'video')}; each frame taken counts as a photo.")
    if report.matched:
        rules = ", ".join(f"{count:,} {rule}" for rule, count in report.matched.items())
        say(f"Matched with their records: {rules}.")
    if report.copies:
        say(f"{report.copies:,} of the new ones are copies of pictures held already.")
    if report.without_link and report.found:
        say(f"{report.without_link:,} without a link back to a page.")
    say(
        f"{counted(report.faces, 'face')} in new photos: {report.linked:,} linked, "
        f"{report.proposed:,} to review."
    )
    for reason, count in report.reasons.items():
        say(f"  skipped {count:,}: {reason}")
    heic = sum(count for reason, count in report.reasons.items() if "heic" in reason)
    if heic:
        say(
            f"{counted(heic, 'HEIC photo')} would be read after: pip install 'likeness[heif]', "
            "then the same command again."
        )
