"""The command that enrols a person who said yes. Nothing about a consent is assumed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from likeness.cli.call import Call, call_of
from likeness.cli.choosing import day, end_of_day, one_collection
from likeness.cli.consent_options import (
    AdultOption,
    BasisOption,
    BirthDateOption,
    DiedOnOption,
    DifferentPersonOption,
    DocumentOption,
    ExpiresOption,
    GuardianOption,
    HowOption,
    PhotoArgument,
    PhotoOption,
    PurposeOption,
    RelationOption,
    RepresentativeOption,
    StatementOption,
)
from likeness.cli.options import (
    AccountOption,
    AudienceOption,
    CollectionsOption,
    JsonOption,
    LibraryOption,
)
from likeness.cli.progress import shown_progress
from likeness.cli.screen import counted, is_conversation, say, visible
from likeness.cli.shapes import account_names, collection_names, consent_as_names, rescan_as_json
from likeness.errors import AlreadyEnrolled, BadInput, UsageError

if TYPE_CHECKING:
    from likeness.enrolling import Enrolled
    from likeness.library import Library
    from likeness.records.consent import ConsentGiven


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command("enrol", short_help="Enrol a person who said yes.")(enrol)


def enrol(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the person is called.")],
    more: PhotoArgument = None,
    photo: PhotoOption = None,
    purpose: PurposeOption = None,
    basis: BasisOption = None,
    how: HowOption = None,
    collection: CollectionsOption = None,
    birth_date: BirthDateOption = None,
    adult: AdultOption = False,
    statement: StatementOption = "",
    document: DocumentOption = None,
    guardian: GuardianOption = None,
    relation: RelationOption = "",
    representative: RepresentativeOption = None,
    died_on: DiedOnOption = None,
    audience: AudienceOption = None,
    expires: ExpiresOption = None,
    different_person: DifferentPersonOption = False,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Enrol a person who said yes: their consent, then their photos, then the photos held already.

    Purpose, basis and how the consent was given have no default. What the person was shown is the
    notice of the current version.
    """
    call = call_of(context, library=library, account=account, as_json=as_json)
    purposes = [word for words in purpose or () for word in words.split(",")]
    _require_words(purposes, basis, how)
    fields = {
        "purposes": frozenset(purposes),
        "basis": basis,
        "how_given": how,
        "audience": frozenset(audience) if audience else None,
        "statement": statement,
        "document_sha256": _sha256_of(document) if document else "",
        "birth_date": day(birth_date, "--birth-date") if birth_date else None,
        "is_adult": adult,
        "guardian": _guardian(guardian, relation),
        "estate": _estate(representative, died_on),
        "expires_at": end_of_day(expires, "--expires") if expires else None,
    }
    with call.opened() as opened:
        names = collection or [one_collection(opened, None)]
        photos = [*(photo or ()), *(more or ())]
        enrolled = _enrol(call, opened, name, photos, _given(fields, names), different_person)
        answer = _as_json(opened, enrolled)
    call.answer(answer, lambda: _say_enrolled(name, answer))


def _enrol(
    call: Call,
    library: Library,
    name: str,
    photos: Sequence[str],
    given: ConsentGiven,
    different_person: bool,
) -> Enrolled:
    with shown_progress() as progress:
        try:
            return library.enrol(
                name, photos, consent=given, different_person=different_person, progress=progress
            )
        except AlreadyEnrolled as error:
            if call.as_json or not is_conversation():
                raise
            alike = error
    seen, _ = library.show(alike.person_id)
    known = visible(seen.person.details.name)
    question = f"The photos look like {known} ({alike.person_id}). Is this a different person?"
    if not typer.confirm(question, default=False, err=True):
        raise alike
    with shown_progress() as progress:
        return library.enrol(name, photos, consent=given, different_person=True, progress=progress)


def _require_words(purposes: Sequence[str], basis: str | None, how: str | None) -> None:
    from likeness.records.consent import BASES, PURPOSES, WAYS_GIVEN

    missing = [
        f"{option} ({', '.join(words)})"
        for option, words, value in (
            ("--purpose", PURPOSES, purposes),
            ("--basis", BASES, basis),
            ("--how", WAYS_GIVEN, how),
        )
        if not value
    ]
    if missing:
        raise UsageError(
            "Nothing about a consent is assumed.",
            f"Say what the person agreed to: {'; '.join(missing)}.",
        )


def _given(fields: Mapping[str, Any], collections: Sequence[str]) -> ConsentGiven:
    from likeness.records.consent import ConsentGiven

    return ConsentGiven(collections=frozenset(collections), **fields)


def _guardian(name: str | None, relation: str) -> object:
    from likeness.records.person import Guardian

    if relation and not name:
        raise UsageError("A relation is given and no guardian.", "Give --guardian NAME.")
    return Guardian(name=name, relation=relation) if name else None


def _estate(representative: str | None, died_on: str | None) -> object:
    from likeness.records.person import Estate

    if (representative is None) != (died_on is None):
        raise UsageError(
            "An estate needs its representative and the day of death.",
            "Give both --representative and --died-on.",
        )
    if representative is None or died_on is None:
        return None
    return Estate(representative=representative, died_on=day(died_on, "--died-on"))


def _sha256_of(document: Path) -> str:
    try:
        if not document.is_file():
            raise BadInput(f"There is no file {document.name}.", "Check the path of the document.")
        with document.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BadInput(
            f"{document.name} cannot be read: {error.strerror}.", "Check its permissions."
        ) from None


def _as_json(library: Library, enrolled: Enrolled) -> dict[str, Any]:
    return {
        "person": enrolled.person_id,
        "references": enrolled.references,
        "consent": consent_as_names(
            enrolled.consent,
            collections=collection_names(library),
            accounts=account_names(library),
        ),
        "rescan": rescan_as_json(enrolled.rescan),
    }


def _say_enrolled(name: str, answer: Mapping[str, Any]) -> None:
    consent, rescan = answer["consent"], answer["rescan"]
    say(f"{name} is enrolled as {answer['person']}, {counted(answer['references'], 'reference')}.")
    say("Keep this id with the consent: withdrawing needs it.")
    say(
        f"Consent for {', '.join(consent['purposes'])} in {', '.join(consent['collection_names'])}"
        f", until {consent['ends_at'][:10]}."
    )
    if consent["audience_names"]:
        say(f"May be found by: {', '.join(consent['audience_names'])}")
    say(
        f"{counted(rescan['photos'], 'photo')} held already compared: "
        f"{counted(rescan['linked'], 'link')}, {rescan['proposed']:,} to review."
    )
