"""The command that searches. Nobody found reads the same whoever the photo shows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from likeness.cli.call import call_of
from likeness.cli.options import (
    AccountOption,
    JsonOption,
    LibraryOption,
    VerboseOption,
    WithinOption,
)
from likeness.cli.screen import counted, say
from likeness.cli.shapes import (
    calibration_as_json,
    photos_as_json,
    say_calibration,
    say_photos,
)

if TYPE_CHECKING:
    from likeness.library import Library
    from likeness.records.consent import Purpose
    from likeness.search import Candidate, SearchAnswer

NOBODY = "Nobody who consented matches."
NOBODY_FOUND = 1

_PERSON_ID = re.compile(r"p_[a-z0-9]{16}")


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command("search", short_help="Find who said yes, by a photo.")(search)


def search(
    context: typer.Context,
    photo: Annotated[str, typer.Argument(metavar="PHOTO", help="A photo; it is never stored.")],
    purpose: Annotated[
        str | None,
        typer.Option("--purpose", metavar="be_found", help="Search as the acting account."),
    ] = None,
    as_person: Annotated[
        str | None,
        typer.Option(
            "--as", metavar="PERSON", help="Search as this person for themself, in its place."
        ),
    ] = None,
    face: Annotated[
        int | None,
        typer.Option("--face", metavar="N", help="Which face, from 1, counted from the left."),
    ] = None,
    stated_purpose: Annotated[
        str,
        typer.Option(
            "--for", metavar="TEXT", help="What the search is for, where a collection asks."
        ),
    ] = "",
    collection: WithinOption = None,
    verbose: VerboseOption = False,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find who this is among people who consented to it, with their photos and the links back.

    Exits 1 where nobody who consented matches.
    """
    call = call_of(context, library=library, account=account, as_json=as_json, verbose=verbose)
    with call.opened() as opened:
        answer = opened.search(
            photo,
            purpose=_purpose(purpose),
            as_person=_searcher(opened, as_person),
            collection=collection,
            face=face,
            stated_purpose=stated_purpose,
        )
    call.answer(
        {
            "candidates": [_as_json(candidate) for candidate in answer.candidates],
            "calibration": calibration_as_json(answer.calibration),
        },
        lambda: _say(answer, verbose=call.verbose),
    )
    if not answer.candidates:
        raise typer.Exit(NOBODY_FOUND)


def _purpose(word: str | None) -> Purpose | None:
    from likeness.errors import UsageError
    from likeness.records.consent import PURPOSES

    for purpose in PURPOSES:
        if word == purpose:
            return purpose
    if word is not None:
        raise UsageError(
            f"There is no purpose {word!r}.", "Give --purpose be_found, or --as PERSON."
        )
    return None


def _searcher(library: Library, word: str | None) -> str | None:
    # An id is taken as it stands: whether it is anybody's must not show in the answer.
    if word is None or _PERSON_ID.fullmatch(word):
        return word
    return library.resolve_person(word)


def _as_json(candidate: Candidate) -> dict[str, Any]:
    return {
        "person": candidate.person_id,
        "name": candidate.name,
        "score": round(candidate.score, 4),
        "strength": candidate.strength,
        "how_given": candidate.how_given,
        "photos": photos_as_json(candidate.photos),
    }


def _say(answer: SearchAnswer, *, verbose: bool) -> None:
    if not answer.candidates:
        say(NOBODY)
        return
    for candidate in answer.candidates:
        score = f", score {candidate.score:.3f}" if verbose else ""
        say(
            f"{candidate.name} ({candidate.person_id}): {candidate.strength} match{score}, consent "
            f"given {candidate.how_given}, {counted(len(candidate.photos), 'photo')}"
        )
        say_photos(candidate.photos, verbose=verbose)
    say_calibration(answer.calibration)
