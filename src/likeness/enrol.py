"""Enrol: consent -> person + references -> gallery -> links in photos already held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from likeness.consent.notice import current_notice
from likeness.consent.policy import require_recordable
from likeness.errors import AlreadyEnrolled, ConsentRefused, UsageError
from likeness.faces.frames import frame_name
from likeness.faces.packs import UNREACHABLE
from likeness.house import House, ProgressListener, new_id, no_progress
from likeness.limits import count_one_search
from likeness.matching import fuse
from likeness.probe import Image, reference_crops, reference_templates, require_one_person
from likeness.records.collection import Collection
from likeness.records.consent import (
    BASES,
    PURPOSES,
    WAYS_GIVEN,
    Consent,
    ConsentGiven,
    Evidence,
)
from likeness.records.person import Person, PersonDetails
from likeness.records.reference import Reference
from likeness.rescan import RescanReport, rescan
from likeness.store import audit_log, people
from likeness.store import collections as collection_rows
from likeness.store.audit_log import Concerned
from likeness.store.changes import raise_change
from likeness.store.people import ReferenceCrop

DEFAULT_CONSENT_DAYS = 730


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


def enrol(
    house: House,
    name: str,
    images: Sequence[Image],
    *,
    consent: ConsentGiven,
    different_person: bool = False,
    progress: ProgressListener = no_progress,
) -> Enrolled:
    """Enrol a person who said yes.

    Parameters
    ----------
    name : str
    images : sequence of photos
        Each with exactly one usable face, all of one person.
    consent : ConsentGiven
    different_person : bool
        Go on although they look like somebody who is enrolled: twins exist.

    Raises
    ------
    ConsentRefused
        Where the consent cannot be recorded as given.
    PackMismatch
        Where the library's model pack is not here, or changed meanwhile.
    FaceUnusable, PhotoUnreadable
        Naming the photo and why.
    AlreadyEnrolled
        Where they look like somebody whom this account may find; nothing of the new person stays.
    RateLimited
        Where this account has searched too often, since enrolling searches too.
    """
    # (1) The consent can be recorded: every field there, none against another.
    person, record = _prepare(house, name, consent)
    # (2) Each photo shows one usable face, and all show one person.
    references = _references(house, person.person_id, images)
    # (3) Looking for somebody already enrolled is a search, and counts as one.
    with house.transaction() as connection:
        count_one_search(house, connection)
    # (4) The person's key is durable before anything is written under it.
    house.keyring.create_key(person.person_id)
    # (5) Consent, the audited look for somebody alike, references, change number: all or nothing.
    alike = _kept(house, person, record, references, different_person)
    if alike is not None:
        house.keyring.destroy(person.person_id)
        raise AlreadyEnrolled(
            "The photos look like somebody who is enrolled in this collection.",
            "If this is a different person, say so with --different-person.",
            person_id=alike,
        )
    house.eligibility.refresh()
    # (6) Photos that are held already are compared with the new references.
    found = rescan(house, progress=progress)
    return Enrolled(
        person_id=person.person_id, consent=record, references=len(references), rescan=found
    )


def _kept(
    house: House,
    person: Person,
    record: Consent,
    references: Sequence[ReferenceCrop],
    different_person: bool,
) -> str | None:
    """Keep the enrolment; or return the id of somebody alike, for whom it is not kept."""
    try:
        with house.transaction() as connection:
            return _record(house, connection, person, record, references, different_person)
    except BaseException:
        _destroy_unused_key(house, person.person_id)
        raise


def _destroy_unused_key(house: House, person_id: str) -> None:
    """Destroy a key under which nothing was committed; what was interrupted may have been."""
    with house.store.snapshot() as connection:
        committed = people.person_exists(connection, person_id)
    if not committed:
        house.keyring.destroy(person_id)


def _references(house: House, person_id: str, images: Sequence[Image]) -> list[ReferenceCrop]:
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
        )
        for template, jpeg in zip(templates, crops, strict=True)
    ]


def _prepare(house: House, name: str, given: ConsentGiven) -> tuple[Person, Consent]:
    now = house.clock()
    _require_words(given)
    with house.store.snapshot() as connection:
        house.require_pack(connection)
        collections = [
            collection_rows.collection_named(connection, n) for n in sorted(given.collections)
        ]
        audience = _audience(connection, given, collections)
    person = Person(
        person_id=new_id("p"),
        details=PersonDetails(
            name=name.strip(),
            birth_date=given.birth_date,
            is_adult=given.is_adult,
            guardian=given.guardian,
            estate=given.estate,
        ),
        enrolled_at=now,
    )
    notice = current_notice(given.language)
    record = Consent(
        consent_id=new_id("c"),
        person_id=person.person_id,
        controller="; ".join(sorted({c.controller for c in collections})),
        purposes=given.purposes,
        collections=frozenset(c.collection_id for c in collections),
        audience=audience,
        basis=given.basis,
        how_given=given.how_given,
        evidence=Evidence(
            statement=given.statement.strip(),
            document_sha256=given.document_sha256,
            attested_by=house.account.account_id if given.how_given == "attested" else "",
        ),
        recorded_by=house.account.account_id,
        notice_version=notice.version,
        notice_sha256=notice.sha256,
        notice_language=notice.language,
        given_at=now,
        ends_at=given.expires_at or now + timedelta(days=DEFAULT_CONSENT_DAYS),
        state="given",
    )
    ends_at = require_recordable(record, person.details, now=now)
    return person, replace(record, ends_at=ends_at)


def _require_words(given: ConsentGiven) -> None:
    unknown = sorted(set(given.purposes) - set(PURPOSES))
    if unknown:
        raise UsageError(f"There is no purpose {unknown[0]!r}.", f"Use {', '.join(PURPOSES)}.")
    if given.basis not in BASES:
        raise UsageError(f"There is no basis {given.basis!r}.", f"Use {', '.join(BASES)}.")
    if given.how_given not in WAYS_GIVEN:
        raise UsageError(
            f"A consent is not given {given.how_given!r}.", f"Use {' or '.join(WAYS_GIVEN)}."
        )
    if given.expires_at is not None and given.expires_at.tzinfo is None:
        raise UsageError("The expiry has no time zone.", "Give an aware time.")


def _audience(
    connection: Connection, given: ConsentGiven, collections: Sequence[Collection]
) -> frozenset[str]:
    if "be_found" not in given.purposes:
        return frozenset()
    allowed = frozenset[str]().union(*(c.audience for c in collections))
    if given.audience is None:
        return allowed
    named = frozenset(
        collection_rows.account_named(connection, n).account_id for n in given.audience
    )
    if not named <= allowed:
        raise ConsentRefused(
            "The consent names an account that is not in the audience of its collections.",
            "Add the account to the collection first, or leave it out.",
        )
    return named


def _record(
    house: House,
    connection: Connection,
    person: Person,
    record: Consent,
    references: Sequence[ReferenceCrop],
    different_person: bool,
) -> str | None:
    """Write the enrolment; or, where somebody looks alike, only the audit of having looked."""
    house.require_pack(connection)
    key, now = house.keyring.key(person.person_id), house.clock()
    house.eligibility.refresh(connection)
    changed = raise_change(connection)
    people.insert_person(connection, person, key=key, changed=changed)
    people.insert_consent(connection, record, key=key)
    fused = fuse([crop.reference for crop in references])
    alike = _somebody_alike(house, connection, fused, record)
    _audit_look(house, connection, record, alike, now)
    if alike is not None and not different_person:
        people.delete_person(connection, person.person_id)
        return alike
    people.insert_references(
        connection, references, key=key, pack_fingerprint=house.eligibility.gallery.fingerprint
    )
    audit_log.append(
        connection,
        house.keyring,
        kind="enrol",
        at=now,
        concerned=[
            Concerned(
                subject_id=house.account.account_id,
                details={"at": now.isoformat(), "did": "enrol", "how_given": record.how_given},
            ),
            Concerned(
                subject_id=person.person_id,
                details={
                    "at": now.isoformat(),
                    "consent": record.consent_id,
                    "purposes": sorted(record.purposes),
                    "how_given": record.how_given,
                    "references": len(references),
                },
            ),
        ],
    )
    return None


def _somebody_alike(
    house: House, connection: Connection, fused: Reference, record: Consent
) -> str | None:
    """Whoever of these collections looks like them, of people this account may find, or None."""
    eligible = house.may_find(connection, record.collections)
    found = house.eligibility.gallery.search(
        fused.template[None, :],
        eligible=eligible,
        threshold=house.thresholds(len(eligible)).strong,
    )
    return found[0][0].person_id if found[0] else None


def _audit_look(
    house: House, connection: Connection, record: Consent, alike: str | None, now: datetime
) -> None:
    """One entry whoever was found, so that being alike is audited as being found is."""
    concerned = [
        Concerned(
            subject_id=house.account.account_id,
            details={
                "at": now.isoformat(),
                "did": "look for somebody enrolled",
                "collections": sorted(record.collections),
            },
        )
    ]
    if alike is not None:
        concerned.append(
            Concerned(
                subject_id=alike,
                details={
                    "at": now.isoformat(),
                    "found_by": house.account.account_id,
                    "purpose": "enrolment",
                },
            )
        )
    audit_log.append(connection, house.keyring, kind="look", at=now, concerned=concerned)
