"""Commands about near-identical photos that are shown as one picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from likeness.cli.call import Call, call_of
from likeness.cli.options import AccountOption, JsonOption, LibraryOption
from likeness.cli.screen import counted, say
from likeness.cli.stopping import sha256_of

if TYPE_CHECKING:
    from likeness.copies import SeenCopy

PhotoArgument = Annotated[
    str, typer.Argument(metavar="PHOTO", help="The photo's file, or its SHA-256.")
]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    copies = typer.Typer(rich_markup_mode=None, help="Near-identical photos, shown as one.")
    copies.command("show", short_help="Show where copies of a photo are.")(show)
    copies.command("split", short_help="Say that a photo is no copy.")(split)
    copies.command("join", short_help="Take that back.")(join)
    app.add_typer(copies, name="copies")


def show(
    context: typer.Context,
    photo: PhotoArgument,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the copies of a photo (resized, compressed again, lightly cropped) and where they are.

    Only those in collections that you may search.
    """
    from likeness.copies import copies_of

    call = call_of(context, library=library, account=account, as_json=as_json)
    sha256 = sha256_of(photo)
    with call.opened() as opened:
        own, *others = copies_of(opened.house, sha256)
    fields = {**copy_as_json(own), "apart": own.copy.apart}

    def say_all() -> None:
        _say_copy(own)
        say(f"{counted(len(others), 'other copy', 'other copies')}:")
        for other in others:
            _say_copy(other)

    call.answer({**fields, "copies": [copy_as_json(other) for other in others]}, say_all)


def split(
    context: typer.Context,
    photo: PhotoArgument,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that a photo is no copy: it is shown by itself, and stays so until copies join.

    What people decided about its faces stays; see unlink.
    """
    from likeness.copies import split as split_copy

    call = call_of(context, library=library, account=account, as_json=as_json)
    sha256 = sha256_of(photo)
    with call.opened() as opened:
        others = split_copy(opened.house, sha256)
    _answer(call, sha256, others, "Shown by itself from now on; it was a copy of")


def join(
    context: typer.Context,
    photo: PhotoArgument,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take back that a photo is no copy, and look for its copies again."""
    from likeness.copies import join_again

    call = call_of(context, library=library, account=account, as_json=as_json)
    sha256 = sha256_of(photo)
    with call.opened() as opened:
        others = join_again(opened.house, sha256)
    _answer(call, sha256, others, "Shown as one picture with")


def copy_as_json(seen: SeenCopy) -> dict[str, Any]:
    """A copy and where it is, as plain values."""
    from likeness.export import sighting_as_json

    return {
        "sha256": seen.copy.sha256,
        "width": seen.copy.width,
        "height": seen.copy.height,
        "sightings": [sighting_as_json(sighting) for sighting in seen.sightings],
    }


def _answer(call: Call, sha256: str, others: Sequence[SeenCopy], said: str) -> None:
    fields = {"sha256": sha256, "copies": [other.copy.sha256 for other in others]}
    call.answer(
        fields, lambda: say(f"{said} {counted(len(others), 'other photo', 'other photos')}.")
    )


def _say_copy(seen: SeenCopy) -> None:
    say(f"  {seen.copy.width} x {seen.copy.height}, sha256 {seen.copy.sha256}")
    for sighting in seen.sightings:
        say(f"      {sighting.link.page_url}")
