"""The command that filters photos of people whom the acting account may find."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from likeness.cli.call import call_of
from likeness.cli.options import AccountOption, JsonOption, LibraryOption, VerboseOption
from likeness.cli.screen import counted, say
from likeness.cli.shapes import say_sightings

if TYPE_CHECKING:
    from likeness.photo_search import PhotoPage
    from likeness.shown import ShownPhoto

NO_PHOTO = "No photo of somebody who consented fits."
NOTHING_FOUND = 1


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command("photos", short_help="Filter photos of people whom you may find.")(photos)


def photos(
    context: typer.Context,
    query: Annotated[
        str,
        typer.Argument(
            metavar="QUERY",
            help="Such as 'with:Anna without:Ben date:2024-05..2024-07 text:\"garden party\"'; "
            "empty for all.",
        ),
    ] = "",
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, max=200, help="Photos at once.")
    ] = 60,
    after: Annotated[
        int | None,
        typer.Option("--after", metavar="N", min=1, help="Go on from the 'next' of an answer."),
    ] = None,
    verbose: VerboseOption = False,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Filter photos of people whom you may find, newest first, with the links back.

    Terms, which all hold: with:A,B (any of them) together:A,B only:A,B without:A atleast:2:A,B,C
    date:2024-05..2024-07 source:ID collection:NAME text:WORDS. Exits 1 where no photo fits.
    """
    call = call_of(context, library=library, account=account, as_json=as_json, verbose=verbose)
    with call.opened() as opened:
        page = opened.photos(query, after=after, limit=limit)
    call.answer(
        {"photos": [_as_json(photo) for photo in page.photos], "next": page.next},
        lambda: _say(page, verbose=call.verbose),
    )
    if not page.photos:
        raise typer.Exit(NOTHING_FOUND)


def _as_json(shown: ShownPhoto) -> dict[str, Any]:
    from likeness.export import sighting_as_json

    return {
        "sha256": shown.photo.sha256,
        "faces": [
            {
                "person": face.person_id,
                "name": face.name,
                "face": face.number,
                "box": list(face.box),
                "proposed": face.proposed,
            }
            for face in shown.faces
        ],
        "sightings": [sighting_as_json(sighting) for sighting in shown.sightings],
    }


def _say(page: PhotoPage, *, verbose: bool) -> None:
    if not page.photos:
        say(NO_PHOTO)
        return
    for shown in page.photos:
        names = (face.name + ("?" if face.proposed else "") for face in shown.faces)
        say(", ".join(names))
        say_sightings(shown.sightings, face=shown.faces[0].number)
        if verbose:
            say(f"      sha256 {shown.photo.sha256}")
    say(f"{counted(len(page.photos), 'photo')}.")
    if page.next is not None:
        say(f"There are more: --after {page.next}")
