"""Enrol by invitation: the person says yes themself -> person + references -> found, or waiting.

No account acts here. The acting account is the person, by their id and without a name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from sqlalchemy import Connection

from likeness.enrolling import (
    Enrolled,
    drawn_up,
    references_of,
    require_words,
    write_references,
    written_under_new_key,
)
from likeness.errors import ConsentRefused
from likeness.house import House, ProgressListener, no_progress
from likeness.invitations import collections_of, no_longer_valid, require_open
from likeness.portal import my_photos
from likeness.probe import Image
from likeness.records.collection import Account, Collection
from likeness.records.consent import Consent, ConsentGiven, Evidence
from likeness.records.invitation import Answers
from likeness.records.person import Person
from likeness.rescan import RescanReport, rescan
from likeness.signing_in import put_link
from likeness.store import audit_log, people
from likeness.store import collections as collection_rows
from likeness.store import invitations as rows
from likeness.store.audit_log import Concerned
from likeness.store.changes import raise_change
from likeness.store.people import ReferenceCrop
from likeness.store.photos import count_matched_before


@dataclass(frozen=True, kw_only=True)
class EnrolledThemself(Enrolled):
    """Somebody who has just enrolled by an invitation.

    Attributes
    ----------
    back : str
        The secret of their link back; it is kept nowhere.
    """

    back: str = field(repr=False)


NOTHING_YET = RescanReport(photos=0, linked=0, proposed=0)
_NO_CHANGE = 0
"""Older than any change of the gallery: nothing is compared with who waits."""


def enrol_by_invitation(
    house: House,
    secret: str,
    *,
    answers: Answers,
    images: Sequence[Image],
    live: bool = False,
    compare: bool = True,
    progress: ProgressListener = no_progress,
) -> EnrolledThemself:
    """Enrol whoever has the link of an invitation, and use the invitation up.

    Parameters
    ----------
    house : House
        Whoever is acting in it does not count.
    secret : str
        Of the link.
    answers : Answers
    images : sequence of photos
        Each with exactly one usable face, all of one person.
    live : bool
        Whether a camera took them that saw the person move as asked.
    compare : bool
        Whether to compare photos held already before returning; else the caller does.

    Raises
    ------
    NotFound
        The link is unknown, was used or revoked, or has ended; in the same words.
    ConsentRefused
        The consent cannot be recorded as given.
    FaceUnusable, PhotoUnreadable
        Naming the photo and why.
    PackMismatch
    """
    # (1) The link is open, and what was said yes to is something that it offers.
    person, record = _prepare(house, secret, answers)
    # (2) Each photo shows one usable face, and all show one person. No look for somebody alike
    # follows and no search is counted: this person may find nobody, so nothing may be told them
    # about who else enrolled, and no account is at work whose searches it could count among.
    references = references_of(house, person.person_id, images, live=live)
    acting = replace(house, account=Account(account_id=person.person_id, name=""))
    # (3) The person's key, then in one transaction: the link, if it is still open, is used up;
    # consent, references, and a link by which they come back.
    write = partial(_record, acting, secret, person, record, references)
    back = written_under_new_key(acting, person.person_id, write)
    # (4) Photos that are held already are compared with them; with who waits, nothing is.
    found = NOTHING_YET
    if record.state == "given":
        acting.eligibility.refresh()
        if compare:
            found = rescan(acting, progress=progress)
    return EnrolledThemself(
        person_id=person.person_id,
        consent=record,
        references=len(references),
        rescan=found,
        back=back,
    )


@dataclass(frozen=True, kw_only=True)
class FoundSoFar:
    """How far the look for photos of somebody has come.

    Attributes
    ----------
    photos : int
        Of the acting person.
    settled : bool
        Whether every photo held has been compared with them.
    """

    photos: int
    settled: bool


def found_so_far(house: House) -> FoundSoFar:
    """How many photos of the acting person were found, and whether more may come at once.

    Raises
    ------
    Refused
        It is an account that acts, or the person is no longer kept.
    """
    with house.store.snapshot() as connection:
        # Their own mark alone: that somebody else enrolled meanwhile is not for them to see.
        since = people.comparable_since_of(connection, house.account.account_id)
        left = count_matched_before(connection, since)
    return FoundSoFar(photos=my_photos(house, limit=1).total, settled=left == 0)


def _prepare(house: House, secret: str, answers: Answers) -> tuple[Person, Consent]:
    with house.store.snapshot() as connection:
        invitation = require_open(house, connection, secret)
        house.require_pack(connection)
        collections = collections_of(invitation, collection_rows.all_collections(connection))
    given = ConsentGiven(
        purposes=answers.purposes,
        collections=frozenset(collection.name for collection in collections),
        basis="guardian_consent" if answers.guardian is not None else "consent",
        how_given="self",
        birth_date=answers.birth_date,
        is_adult=answers.is_adult,
        guardian=answers.guardian,
        expires_at=answers.expires_at,
        language=answers.language,
    )
    require_words(given)
    if not given.purposes <= invitation.terms.purposes:
        raise ConsentRefused(
            "The consent names a purpose that the invitation does not offer.",
            "Choose among those that it shows.",
        )
    return drawn_up(
        house,
        answers.name,
        given,
        collections=collections,
        audience=_audience(collections, answers),
        evidence=Evidence(statement=f"by invitation {invitation.invitation_id}"),
        recorded_by="",
        state="waiting" if invitation.terms.needs_approval else "given",
    )


def _audience(collections: Sequence[Collection], answers: Answers) -> frozenset[str]:
    if "be_found" not in answers.purposes:
        return frozenset()
    today = frozenset[str]().union(*(c.audience for c in collections))
    return today if answers.audience is None else today & answers.audience


def _record(
    house: House,
    secret: str,
    person: Person,
    record: Consent,
    references: Sequence[ReferenceCrop],
    connection: Connection,
) -> str:
    house.require_pack(connection)
    invitation = require_open(house, connection, secret)
    key, now = house.keyring.key(person.person_id), house.clock()
    waits = record.state == "waiting"
    # Of two phones with one link, the second finds it used.
    if not rows.take(
        connection,
        invitation,
        person_id=person.person_id,
        key=key,
        state="waiting" if waits else "done",
        at=now,
    ):
        raise no_longer_valid()
    # Nothing tells that somebody waits: the gallery has not changed.
    changed = _NO_CHANGE if waits else raise_change(connection)
    people.insert_person(connection, person, key=key, changed=changed)
    people.insert_consent(connection, record, key=key)
    write_references(house, connection, references, key=key)
    audit_log.append(
        connection,
        house.keyring,
        kind="enrol",
        at=now,
        concerned=[
            Concerned(
                subject_id=person.person_id,
                details={
                    "at": now.isoformat(),
                    "did": "enrol",
                    "consent": record.consent_id,
                    "purposes": sorted(record.purposes),
                    "how_given": record.how_given,
                    "invitation": invitation.invitation_id,
                    "references": len(references),
                },
            )
        ],
    )
    lasts = max(1, (record.ends_at - now).days)
    return put_link(house, connection, subject_id=person.person_id, kind="return", days=lasts)
