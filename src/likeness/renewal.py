"""Change a consent that was given: a later end, or less of it. More needs a new yes."""

from __future__ import annotations

from collections.abc import Collection as AnyOf
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from likeness.consent.notice import current_notice
from likeness.consent.policy import require_recordable
from likeness.desk import require_reachable
from likeness.errors import ConsentRefused, NotFound, UsageError
from likeness.house import House, new_id
from likeness.records.consent import COMPARED_AT_INGEST, Consent, Evidence, require_aware
from likeness.rescan import rescan_where_possible
from likeness.store import audit_log, people
from likeness.store import collections as collection_rows
from likeness.store.audit_log import Concerned
from likeness.store.changes import raise_change
from likeness.store.links import delete_links_outside, photos_of_person
from likeness.store.photos import NEVER_MATCHED, set_matched_through


def consents_of_person(house: House, person_id: str) -> tuple[Consent, ...]:
    """Every consent record of one person, oldest first, for the person and for who recorded it.

    Raises
    ------
    NotFound
    """
    with house.store.snapshot() as connection:
        require_reachable(house, connection, person_id)
        return people.consents_of(connection, person_id, key=house.keyring.key(person_id))


def renew(house: House, person_id: str, *, expires_at: datetime, statement: str = "") -> Consent:
    """Record that the person said yes again, to the same, until a later time.

    Raises
    ------
    ConsentRefused
        Where there is nothing to renew, or the new record would not stand.
    NotFound
    """
    require_aware(expires_at)
    with house.transaction() as connection:
        old = consent_that_stands(house, connection, person_id)
        notice = current_notice(old.notice_language)
        # The person is not at hand here: whoever renews attests it, whatever the first consent was.
        evidence = Evidence(statement=statement.strip(), attested_by=house.account.account_id)
        new = replace(
            old,
            consent_id=new_id("c"),
            how_given="attested",
            evidence=evidence,
            recorded_by=house.account.account_id,
            notice_version=notice.version,
            notice_sha256=notice.sha256,
            given_at=house.clock(),
            ends_at=expires_at,
        )
        kept = replace_consent(house, connection, old, new, did="renew")
    # Photos that passed by while nobody might compare them are compared now.
    rescan_where_possible(house)
    return kept


def narrow(
    house: House,
    person_id: str,
    *,
    drop_purposes: AnyOf[str] = (),
    drop_collections: AnyOf[str] = (),
    drop_accounts: AnyOf[str] = (),
) -> Consent:
    """Take purposes, collections or accounts out of a consent.

    Raises
    ------
    ConsentRefused
        Where nothing would be left: that is a withdrawal.
    NotFound
    """
    with house.transaction() as connection:
        old = consent_that_stands(house, connection, person_id)
        dropped = {
            collection_rows.collection_named(connection, n).collection_id for n in drop_collections
        }
        accounts = {collection_rows.account_named(connection, n).account_id for n in drop_accounts}
        new = replace(
            old,
            consent_id=new_id("c"),
            purposes=old.purposes - frozenset(drop_purposes),
            collections=old.collections - dropped,
            audience=old.audience - accounts,
            given_at=house.clock(),
        )
        if not new.purposes or not new.collections:
            raise ConsentRefused(
                "Nothing would be left of this consent.", "Use: likeness withdraw PERSON"
            )
        if new == replace(old, consent_id=new.consent_id, given_at=new.given_at):
            raise UsageError(
                "The consent does not name what should be dropped.",
                "See it with: likeness consent show PERSON",
            )
        kept = replace_consent(house, connection, old, new, did="narrow")
        forget_uncovered(connection, kept)
    house.store.overwrite_deleted()
    rescan_where_possible(house)
    return kept


def consent_that_stands(house: House, connection: Connection, person_id: str) -> Consent:
    """The newest consent of a person that was given and neither replaced nor withdrawn.

    Raises
    ------
    ConsentRefused
        Where there is none.
    NotFound
    """
    require_reachable(house, connection, person_id)
    given = [
        c
        for c in people.consents_of(connection, person_id, key=house.keyring.key(person_id))
        if c.state == "given"
    ]
    if not given:
        raise ConsentRefused("This person has no consent that stands.", "Enrol them anew.")
    return given[-1]


def replace_consent(
    house: House, connection: Connection, old: Consent, new: Consent, *, did: str
) -> Consent:
    """Put a consent in the place of another of the same person, and note it; returns it as kept.

    Raises
    ------
    ConsentRefused
        Where it cannot be recorded so.
    NotFound
    """
    now, key = house.clock(), house.keyring.key(old.person_id)
    person = people.load_person(connection, old.person_id, key=key)
    if person is None:
        raise NotFound("Nobody is enrolled under this id.")
    new = replace(new, ends_at=require_recordable(new, person.details, now=now))
    changed = raise_change(connection)
    people.set_consent_state(connection, old.consent_id, "superseded")
    people.insert_consent(connection, new, key=key)
    people.mark_changed(
        connection, old.person_id, changed=changed, widened=_is_wider(old, new, now=now)
    )
    details = {"at": now.isoformat(), "did": did}
    concerned = [
        Concerned(subject_id=old.person_id, details={**details, "consent": new.consent_id})
    ]
    if house.account.account_id != old.person_id:
        concerned.insert(0, Concerned(subject_id=house.account.account_id, details=details))
    audit_log.append(connection, house.keyring, kind="consent", at=now, concerned=concerned)
    return new


def forget_uncovered(connection: Connection, kept: Consent) -> None:
    """Undo every link of a person where their consent no longer lets links be made."""
    linked_in = kept.collections if kept.purposes & COMPARED_AT_INGEST else frozenset()
    left = photos_of_person(connection, kept.person_id)
    delete_links_outside(connection, kept.person_id, collection_ids=sorted(linked_in))
    # A face that is no longer theirs may be somebody else's.
    set_matched_through(connection, left, NEVER_MATCHED)


def _is_wider(old: Consent, new: Consent, *, now: datetime) -> bool:
    """Whether photos passed by without being compared that the new consent is compared in."""
    if not new.purposes & COMPARED_AT_INGEST:
        return False
    # A consent that had lapsed let photos pass by.
    return (
        old.ends_at <= now
        or not old.purposes & COMPARED_AT_INGEST
        or not new.collections <= old.collections
    )
