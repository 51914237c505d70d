"""Commands that stop and take away: unlink, withdraw, remove. What they do cannot be undone."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Annotated

import typer

from likeness.cli.call import call_of
from likeness.cli.choosing import one_source
from likeness.cli.files import require_free, write_new
from likeness.cli.options import (
    AccountOption,
    CollectionOption,
    JsonOption,
    LibraryOption,
    PersonArgument,
    ReceiptOption,
)
from likeness.cli.progress import shown_progress
from likeness.cli.screen import counted, say
from likeness.cli.shapes import receipt_as_json
from likeness.errors import BadInput, LikenessError, StorageError, UsageError

_SHA256 = re.compile(r"[0-9a-f]{64}")
ASKING = ("person", "guardian", "representative", "operator")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("unlink", short_help="Take a wrong link away, for good.")(unlink)
    app.command("withdraw", short_help="Stop and erase, with a receipt.")(withdraw)
    app.command("remove", short_help="Take a source out, with a receipt.")(remove)


def unlink(
    context: typer.Context,
    photo: Annotated[
        str, typer.Argument(metavar="PHOTO", help="The photo's file, or its SHA-256.")
    ],
    face: Annotated[
        int, typer.Option("--face", metavar="N", help="Which face, from 1, from the left.")
    ],
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that a face is not the person it is linked with. It stays so through every rescan."""
    call = call_of(context, library=library, account=account, as_json=as_json)
    sha256 = sha256_of(photo)
    with call.opened() as opened:
        person_id = opened.unlink(sha256, face=face)
    call.answer(
        {"sha256": sha256, "face": face, "person": person_id},
        lambda: say(f"Face {face} is no longer linked with {person_id}, for good."),
    )


def withdraw(
    context: typer.Context,
    person: PersonArgument,
    requested_by: Annotated[
        str | None,
        typer.Option(
            "--requested-by",
            metavar="|".join(ASKING),
            help="Who asks, where it is not whoever gave the consent.",
        ),
    ] = None,
    receipt: ReceiptOption = None,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Stop a person's findability, erase what is theirs, and write the receipt."""
    call = call_of(context, library=library, account=account, as_json=as_json)
    if requested_by is not None and requested_by not in ASKING:
        raise UsageError(f"Nobody is a {requested_by!r} here.", f"Say one of {', '.join(ASKING)}.")
    if receipt is not None:
        require_free(receipt)
    with call.opened() as opened:
        done = opened.withdraw(opened.resolve_person(person), requested_by=requested_by)
        key = opened.verifier_key
    place = receipt or Path(f"likeness-receipt-{done.serial}.json")
    others = [(place.with_name(f"likeness-receipt-{o.serial}.json"), o) for o in done.others]
    if receipt is not None or not call.as_json:
        write_receipt(place, done.receipt, done.serial)
        for beside, other in others:
            write_receipt(beside, other.receipt, other.serial)

    def answer() -> None:
        say("Withdrawn: nobody finds this person any more, and their key is destroyed.")
        say_receipt(place, key)
        for beside, _ in others:
            say("So is another enrolment, which was said to be of the same human being.")
            say_receipt(beside, key)

    fields = {
        "receipt": receipt_as_json(done.receipt),
        "also": [receipt_as_json(other.receipt) for _, other in others],
    }
    call.answer(fields, answer)


def remove(
    context: typer.Context,
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="A source's id, its address, or what was added.")
    ],
    collection: CollectionOption = None,
    receipt: ReceiptOption = None,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a source out, with everything that came from it alone. A folder's files stay; uploaded
    ones are the library's own, and go.

    An archive stands for its account: what came from other archives of the same account goes too.
    """
    call = call_of(context, library=library, account=account, as_json=as_json)
    if receipt is not None:
        require_free(receipt)
    with call.opened() as opened:
        source_id = one_source(opened, source, collection)
        with shown_progress() as progress:
            done = opened.remove(source_id, progress=progress)
        key = opened.verifier_key
    place = receipt or Path(f"likeness-receipt-{done.serial}.json")
    if receipt is not None or not call.as_json:
        write_receipt(place, done.receipt, done.serial)

    def answer() -> None:
        say(
            f"Removed: {counted(done.sightings, 'sighting')} and {counted(done.photos, 'photo')} "
            "are gone from the library."
        )
        if done.files:
            say(f"{counted(done.files, 'uploaded file')} went with them.")
        say_receipt(place, key)

    fields = {
        "source": source_id,
        "sightings": done.sightings,
        "photos": done.photos,
        "files": done.files,
        "receipt": receipt_as_json(done.receipt),
    }
    call.answer(fields, answer)


def write_receipt(place: Path, document: bytes, serial: str) -> None:
    """Write a receipt's file; what it is about is done whether or not that succeeds."""
    try:
        write_new(place, document)
    except LikenessError as error:
        raise StorageError(
            f"It is done, and only the receipt's file is missing. {error.what}",
            f"Write it with: likeness receipt show {serial} --out FILE",
        ) from None


def say_receipt(place: Path, key: str) -> None:
    """Say where a receipt is, and how anybody checks it."""
    say(f"Receipt: {place}")
    say(f"Anybody can check it: likeness receipt verify '{place}' --key '{key}'")


def sha256_of(photo: str) -> str:
    """The SHA-256 of a photo named by its file or by that.

    Raises
    ------
    BadInput
        It is neither.
    """
    path = Path(photo)
    try:
        if path.is_file():
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BadInput(
            f"{path.name} cannot be read: {error.strerror}.", "Check its permissions."
        ) from None
    if _SHA256.fullmatch(photo.lower()):
        return photo.lower()
    raise BadInput(f"There is no file {path.name}.", "Give a photo, or its SHA-256 in hex.")
