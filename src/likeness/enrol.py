"""Enrol: consent -> person + references -> gallery -> links in photos already held."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from likeness.enrolling import (
    Enrolled,
    drawn_up,
    references_of,
    require_words,
    write_references,
    written_under_new_key,
)
from likeness.errors import AlreadyEnrolled, ConsentRefused
from likeness.house import House, ProgressListener, no_progress
from likeness.limits import count_one_search
from likeness.matching import fuse
from likeness.probe import Image
from likeness.records.collection import Collection
from likeness.records.consent import Consent, ConsentGiven, Evidence
from likeness.records.person import Person
from likeness.records.reference import Reference
from likeness.rescan import rescan
from likeness.store import audit_log, people
from likeness.store import collections as collection_rows
from likeness.store.audit_log import Concerned
from likeness.store.changes import raise_change
from likeness.store.people import ReferenceCrop


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
    references = references_of(house, person.person_id, images)
    # (3) Looking for somebody already enrolled is a search, and counts as one.
    with house.transaction() as connection:
        count_one_search(house, connection)
    # (4) The person's key is durable before anything is written under it.
    # (5) Consent, the audited look for somebody alike, references, change number: all or nothing.
    alike = written_under_new_key(
        house,
        person.person_id,
        lambda c: _record(house, c, person, record, references, different_person),
    )
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


def _prepare(house: House, name: str, given: ConsentGiven) -> tuple[Person, Consent]:
    require_words(given)
    with house.store.snapshot() as connection:
        house.require_pack(connection)
        collections = [
            collection_rows.collection_named(connection, n) for n in sorted(given.collections)
        ]
        audience = _audience(connection, given, collections)
    evidence = Evidence(
        statement=given.statement.strip(),
        document_sha256=given.document_sha256,
        attested_by=house.account.account_id if given.how_given == "attested" else "",
    )
    return drawn_up(
        house,
        name,
        given,
        collections=collections,
        audience=audience,
        evidence=evidence,
        recorded_by=house.account.account_id,
    )


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
    write_references(house, connection, references, key=key)
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
