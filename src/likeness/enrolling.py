"""The steps that every enrolment takes, whoever records it.

The ways that enrol somebody differ in who says so and in what they look at first; what a consent
needs, how references are made and what is written is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

from sqlalchemy import Connection

from likeness.consent.notice import current_notice
from likeness.consent.policy import require_recordable
from likeness.errors import UsageError
from likeness.faces.frames import frame_name
from likeness.faces.packs import UNREACHABLE
from likeness.house import House, new_id
from likeness.probe import Image, reference_crops, reference_templates, require_one_person
from likeness.records.collection import Collection as PhotoCollection
from likeness.records.consent import (
    BASES,
    WAYS_GIVEN,
    Consent,
    ConsentGiven,
    ConsentState,
    Evidence,
    known_purposes,
    require_aware,
)
from likeness.records.person import Person, PersonDetails
from likeness.records.reference import Reference
from likeness.rescan import RescanReport
from likeness.store import people
from likeness.store.people import ReferenceCrop

DEFAULT_CONSENT_DAYS = 730

Written = TypeVar("Written")


@dataclass(frozen=True, kw_only=True)
class Enrolled:
    """Somebody who has just enrolled.

    Attributes
    ----------
    person_id : str
    consent : Consent
    references : int
    rescan : RescanReport
        Photos held already that were compared with them.
    """

    person_id: str
    consent: Consent
    references: int
    rescan: RescanReport


def require_words(given: ConsentGiven) -> None:
    """Check that a consent is stated in the words that there are.

    Raises
    ------
    UsageError
        There is no such purpose, basis or way to give it, or the expiry has no time zone.
    """
    known_purposes(given.purposes)
    if given.basis not in BASES:
        raise UsageError(f"There is no basis {given.basis!r}.", f"Use {', '.join(BASES)}.")
    if given.how_given not in WAYS_GIVEN:
        raise UsageError(
            f"A consent is not given {given.how_given!r}.", f"Use {' or '.join(WAYS_GIVEN)}."
        )
    require_aware(given.expires_at)


def drawn_up(
    house: House,
    name: str,
    given: ConsentGiven,
    *,
    collections: Sequence[PhotoCollection],
    audience: Collection[str],
    evidence: Evidence,
    recorded_by: str,
    state: ConsentState = "given",
) -> tuple[Person, Consent]:
    """The person and the consent record, as they will be written.

    Parameters
    ----------
    house : House
    name : str
    given : ConsentGiven
    collections : sequence of Collection
        Those that the consent covers.
    audience : collection of str
        Ids of the accounts that may find the person.
    evidence : Evidence
    recorded_by : str
        Id of an account; empty where the person recorded it.
    state : ConsentState

    Raises
    ------
    ConsentRefused
        The consent cannot be recorded as given.
    NotFound
        There is no notice in the language.
    """
    now = house.clock()
    person = Person(person_id=new_id("p"), details=_details(name, given), enrolled_at=now)
    notice = current_notice(given.language)
    record = Consent(
        consent_id=new_id("c"),
        person_id=person.person_id,
        controller="; ".join(sorted({c.controller for c in collections})),
        purposes=given.purposes,
        collections=frozenset(c.collection_id for c in collections),
        audience=frozenset(audience),
        basis=given.basis,
        how_given=given.how_given,
        evidence=evidence,
        recorded_by=recorded_by,
        notice_version=notice.version,
        notice_sha256=notice.sha256,
        notice_language=notice.language,
        given_at=now,
        ends_at=given.expires_at or now + timedelta(days=DEFAULT_CONSENT_DAYS),
        state=state,
    )
    ends_at = require_recordable(record, person.details, now=now)
    return person, replace(record, ends_at=ends_at)


def _details(name: str, given: ConsentGiven) -> PersonDetails:
    return PersonDetails(
        name=name.strip(),
        birth_date=given.birth_date,
        is_adult=given.is_adult,
        guardian=given.guardian,
        estate=given.estate,
    )


def references_of(
    house: House, person_id: str, images: Sequence[Image], *, live: bool = False
) -> list[ReferenceCrop]:
    """The references that photos give: each shows one usable face, and all show one person.

    Parameters
    ----------
    house : House
    person_id : str
    images : sequence of photos
    live : bool
        Whether a camera took them that saw the person move as asked.

    Raises
    ------
    FaceUnusable, PhotoUnreadable
        Naming the photo and why.
    """
    crops = reference_crops(house, images)
    templates = reference_templates(house, crops)
    review = house.thresholds(1).review
    if review < UNREACHABLE:
        # Where nothing was measured for the pack, nothing can be said against them.
        require_one_person(templates, images, threshold=review)
    return [
        ReferenceCrop(
            reference=Reference(reference_id=new_id("ref"), person_id=person_id, template=template),
            jpeg=jpeg,
            alignment=frame_name(house.pack),
            live=live,
        )
        for template, jpeg in zip(templates, crops, strict=True)
    ]


def written_under_new_key(
    house: House, person_id: str, write: Callable[[Connection], Written]
) -> Written:
    """Make a person's key, durable first, then write in one transaction: all of it or nothing.

    Where nothing was written the key is destroyed; what was interrupted may have been.
    """
    house.keyring.create_key(person_id)
    try:
        with house.transaction() as connection:
            return write(connection)
    except BaseException:
        with house.store.snapshot() as connection:
            committed = people.person_exists(connection, person_id)
        if not committed:
            house.keyring.destroy(person_id)
        raise


def write_references(
    house: House, connection: Connection, references: Sequence[ReferenceCrop], *, key: bytes
) -> None:
    """Keep references as made by the pack in use."""
    people.insert_references(
        connection, references, key=key, pack_fingerprint=house.eligibility.gallery.fingerprint
    )
