"""Enrolments by invitation that wait: an operator lets them stand, or declines them.

Until then they are of no effect. What is shown of somebody who waits is no more than the account
would see of them anyway: a name and a face only where the consent, once it stands, lets this very
account find them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from likeness.consent.policy import KEEP_WAITING_DAYS, permit
from likeness.errors import ConsentRefused, NotFound
from likeness.house import House
from likeness.invitations import collections_of, own_label
from likeness.records.collection import Collection
from likeness.records.consent import PURPOSES, Consent, Purpose
from likeness.records.invitation import InvitationRecord
from likeness.rescan import rescan_where_possible
from likeness.store import audit_log, people
from likeness.store import collections as collection_rows
from likeness.store import invitations as rows
from likeness.store.audit_log import Concerned
from likeness.store.changes import raise_change
from likeness.withdraw import Withdrawn, erase_declined


@dataclass(frozen=True, kw_only=True)
class WaitingEnrolment:
    """Somebody who said yes, as the acting account may see them while they wait.

    Attributes
    ----------
    invitation_id : str
    invited_by : str
        Name of the account that made the invitation.
    own : bool
        Whether the acting account made it.
    label : str
        For whom it was, for the account alone that made it.
    collections : tuple of Collection
    purposes : tuple of Purpose
        Those that the person chose.
    live : bool
        Whether a camera that saw them move as asked took every reference.
    enrolled_at : datetime
    erased_at : datetime
        When everything of them goes, unless somebody agrees before.
    name : str
        Empty unless this account may find them once the consent stands.
    crop_jpeg : bytes
        Their first reference, 256 px; empty in the same case.
    """

    invitation_id: str
    invited_by: str
    own: bool
    label: str
    collections: tuple[Collection, ...]
    purposes: tuple[Purpose, ...]
    live: bool
    enrolled_at: datetime
    erased_at: datetime
    name: str
    crop_jpeg: bytes


def waiting(house: House) -> list[WaitingEnrolment]:
    """Every enrolment that waits for an operator, the oldest first."""
    with house.store.snapshot() as connection:
        found = []
        for record in rows.in_state(connection, "waiting"):
            consent = _waiting_consent(house, connection, record)
            if consent is not None:
                found.append(_shown(house, connection, record, consent))
    return found


def approve(house: House, invitation_id: str, *, compare: bool = True) -> None:
    """Let an enrolment stand: from now on it has the effect that the person said yes to.

    Parameters
    ----------
    house : House
    invitation_id : str
    compare : bool
        Whether to compare photos held already before returning; else the caller does.

    Raises
    ------
    NotFound
        No enrolment waits under this id.
    ConsentRefused
        The consent has ended meanwhile.
    """
    with house.transaction() as connection:
        record, consent = _require_waiting(house, connection, invitation_id)
        if consent.ends_at <= house.clock():
            raise ConsentRefused(
                "The consent has ended while it waited.", "Decline it, and invite them again."
            )
        people.set_consent_state(connection, consent.consent_id, "given")
        rows.move(connection, invitation_id, before="waiting", after="done")
        changed = raise_change(connection)
        people.mark_changed(connection, record.person_id, changed=changed, widened=True)
        _audit(house, connection, record, consent)
    house.eligibility.refresh()
    if compare:
        rescan_where_possible(house)


def decline(house: House, invitation_id: str) -> Withdrawn:
    """Turn an enrolment down: everything of the person is erased, with a receipt.

    Raises
    ------
    NotFound
        No enrolment waits under this id.
    LogTampered, StorageError
        Where the audit log is damaged: the person is erased, and no receipt can be signed yet.
    """

    def turned_down(connection: Connection) -> str:
        record, _ = _require_waiting(house, connection, invitation_id)
        rows.move(connection, invitation_id, before="waiting", after="declined")
        return record.person_id

    return erase_declined(house, turned_down)


def _require_waiting(
    house: House, connection: Connection, invitation_id: str
) -> tuple[InvitationRecord, Consent]:
    record = rows.by_id(connection, invitation_id)
    consent = _waiting_consent(house, connection, record) if record else None
    if record is None or consent is None:
        raise NotFound(
            "No enrolment waits under this id: it was decided already, or taken back.",
            "See which wait with: likeness enrolment waiting",
        )
    return record, consent


def _waiting_consent(
    house: House, connection: Connection, record: InvitationRecord
) -> Consent | None:
    if record.state != "waiting" or not record.person_id:
        return None
    # Whoever is being erased has no key any more.
    keys = house.keyring.keys(people.kept_among(connection, [record.person_id]))
    consents = people.consents_of_many(connection, keys).get(record.person_id, ())
    return next((consent for consent in consents if consent.state == "waiting"), None)


def _shown(
    house: House, connection: Connection, record: InvitationRecord, consent: Consent
) -> WaitingEnrolment:
    name, crop = "", b""
    if _would_find(house, connection, consent):
        key = house.keyring.key(record.person_id)
        person = people.load_person(connection, record.person_id, key=key)
        crops = people.reference_crops_of(connection, record.person_id, key=key)
        name = person.details.name if person else ""
        crop = next(iter(crops.values()), b"")
    return WaitingEnrolment(
        invitation_id=record.invitation_id,
        invited_by=collection_rows.accounts_by_id(connection)[record.created_by].name,
        own=record.created_by == house.account.account_id,
        label=own_label(house, record),
        collections=collections_of(record, collection_rows.all_collections(connection)),
        purposes=tuple(p for p in PURPOSES if p in consent.purposes),
        live=people.all_live(connection, record.person_id),
        enrolled_at=consent.given_at,
        erased_at=consent.given_at + timedelta(days=KEEP_WAITING_DAYS),
        name=name,
        crop_jpeg=crop,
    )


def _would_find(house: House, connection: Connection, consent: Consent) -> bool:
    """Whether the acting account might find them as soon as the consent stands."""
    account_id = house.account.account_id
    stands = replace(consent, state="given")
    for collection in collection_rows.collections_for(connection, account_id, name=None):
        try:
            permit(
                stands,
                purpose="be_found",
                collection_id=collection.collection_id,
                searcher=account_id,
                now=house.clock(),
            )
        except ConsentRefused:
            continue
        return True
    return False


def _audit(
    house: House, connection: Connection, record: InvitationRecord, consent: Consent
) -> None:
    now = house.clock()
    did = {"at": now.isoformat(), "did": "approve", "invitation": record.invitation_id}
    audit_log.append(
        connection,
        house.keyring,
        kind="consent",
        at=now,
        concerned=[
            Concerned(subject_id=house.account.account_id, details=did),
            Concerned(
                subject_id=record.person_id,
                details={**did, "by": house.account.account_id, "consent": consent.consent_id},
            ),
        ],
    )
