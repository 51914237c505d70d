"""Invite: link -> the person says yes on their own -> enrolled, or waiting for an operator.

An invitation is bound to collections and purposes, ends by itself and is used up by one enrolment.
Its secret is kept nowhere; whoever has the link is taken for whom it was meant.
"""

from __future__ import annotations

from collections.abc import Collection as AnyOf
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from likeness.consent.notice import current_notice
from likeness.errors import ConsentRefused, NotFound, UsageError
from likeness.house import House, new_id
from likeness.records.collection import Account, Collection
from likeness.records.consent import PURPOSES, Purpose, known_purposes
from likeness.records.invitation import InvitationRecord, InvitationState, InvitationTerms
from likeness.signing_in import hash_of, new_secret
from likeness.store import collections as collection_rows
from likeness.store import invitations as rows

DEFAULT_DAYS = 14
MOST_DAYS = 90
LONGEST_LABEL = 200


@dataclass(frozen=True, kw_only=True)
class Invitation:
    """An invitation, with what somebody is asked by it.

    Attributes
    ----------
    invitation_id : str
    state : InvitationState
    created_at, expires_at : datetime
    taken_at : datetime or None
        When somebody enrolled by it.
    collections : tuple of Collection
    purposes : tuple of Purpose
        Those to choose from.
    needs_approval : bool
    language : str
    audience : tuple of Account
        Who may search these collections today.
    invited_by : str
        Name of the account that made it.
    own : bool
        Whether the acting account made it.
    label : str
        For whom it is, in the words of the account that made it, and for that account alone.
    open : bool
        Whether somebody may still enrol by it.
    """

    invitation_id: str
    state: InvitationState
    created_at: datetime
    expires_at: datetime
    taken_at: datetime | None
    collections: tuple[Collection, ...]
    purposes: tuple[Purpose, ...]
    needs_approval: bool
    language: str
    audience: tuple[Account, ...]
    invited_by: str
    own: bool
    label: str
    open: bool


@dataclass(frozen=True, kw_only=True)
class Invited:
    """An invitation that was just made.

    Attributes
    ----------
    secret : str
        Of the link ``/enrol/SECRET``; it is shown once and kept nowhere.
    invitation : Invitation
    """

    secret: str
    invitation: Invitation


def invite(
    house: House,
    *,
    collections: AnyOf[str],
    purposes: AnyOf[Purpose],
    label: str = "",
    days: int = DEFAULT_DAYS,
    needs_approval: bool = True,
    language: str = "en",
) -> Invited:
    """Make a link by which one person may enrol themself.

    Parameters
    ----------
    house : House
    collections : collection of str
        Names. Where ``be_found`` may be chosen, each needs somebody who may search it.
    purposes : collection of Purpose
        What the person may choose from.
    label : str
        For whom it is; only the acting account sees it, and it goes with the person.
    days : int
        How long the link works, at most `MOST_DAYS`.
    needs_approval : bool
        Whether an operator has to agree before the enrolment has any effect.
    language : str
        Of the page, where the person's browser asks for none of ours.

    Raises
    ------
    UsageError, NotFound
        A word is off, or there is no such collection or language.
    ConsentRefused
        ``be_found`` is asked for where nobody may search.
    """
    offered = _checked(purposes, label, days, language)
    now, secret, invitation_id = house.clock(), new_secret(), new_id("inv")
    with house.transaction() as connection:
        chosen = [collection_rows.collection_named(connection, n) for n in sorted(set(collections))]
        _require_searchable(chosen, offered)
        record = InvitationRecord(
            invitation_id=invitation_id,
            created_by=house.account.account_id,
            created_at=now,
            expires_at=now + timedelta(days=days),
            state="open",
            terms=InvitationTerms(
                collections=frozenset(c.collection_id for c in chosen),
                purposes=offered,
                needs_approval=needs_approval,
                language=language,
            ),
            person_id="",
            taken_at=None,
            sealed_label=_sealed(house, invitation_id, label.strip()),
        )
        rows.forget_labels_of_ended(connection, now)
        rows.insert_invitation(connection, record, secret_hash=hash_of(secret))
        _audit(house, connection, record, did="create")
        return Invited(secret=secret, invitation=_shown(house, connection, [record])[0])


def opened(house: House, secret: str) -> Invitation:
    """What somebody is asked who has this link. Opening it uses nothing up.

    Raises
    ------
    NotFound
        It is unknown, was used or revoked, or has ended; in the same words.
    """
    with house.store.snapshot() as connection:
        # Whoever has the link is not told what was noted about them.
        record = replace(require_open(house, connection, secret), sealed_label=b"")
        return _shown(house, connection, [record])[0]


def revoke(house: House, invitation_id: str) -> None:
    """End an invitation that nobody has used; its label goes at once.

    Raises
    ------
    NotFound
        There is none that is open under this id.
    """
    with house.transaction() as connection:
        record = rows.by_id(connection, invitation_id)
        if record is None or not rows.move(
            connection, invitation_id, before="open", after="revoked"
        ):
            raise NotFound(
                "There is no open invitation with this id.", "See: likeness invitation list"
            )
        rows.forget_labels_of_ended(connection, house.clock())
        _audit(house, connection, record, did="revoke")


def invitations(house: House) -> list[Invitation]:
    """Every invitation, newest first; labels of those alone that the acting account made."""
    with house.store.snapshot() as connection:
        return _shown(house, connection, rows.all_invitations(connection))


def require_open(house: House, connection: Connection, secret: str) -> InvitationRecord:
    """The invitation of a secret, if somebody may still enrol by it.

    Raises
    ------
    NotFound
        In the same words for every reason.
    """
    record = rows.by_secret_hash(connection, hash_of(secret))
    if record is None or not record.open_at(house.clock()):
        raise no_longer_valid()
    account = collection_rows.account_by_id(connection, record.created_by)
    if account is None or not account.active:
        # Whoever was let go asks nobody any more.
        raise no_longer_valid()
    return record


def no_longer_valid() -> NotFound:
    """The error for every link that nobody can enrol by."""
    return NotFound("This link is no longer valid.", "Ask whoever sent it for a new one.")


def collections_of(record: InvitationRecord, every: Iterable[Collection]) -> tuple[Collection, ...]:
    """Those of the library's collections that an invitation is for."""
    return tuple(c for c in every if c.collection_id in record.terms.collections)


def own_label(house: House, record: InvitationRecord) -> str:
    """For whom an invitation is; empty where another account than the acting one made it."""
    if record.created_by != house.account.account_id:
        return ""
    keys = house.keyring.keys(filter(None, (record.created_by, record.person_id)))
    return rows.unseal_label(keys, record)


def _checked(purposes: AnyOf[str], label: str, days: int, language: str) -> frozenset[Purpose]:
    chosen = known_purposes(purposes)
    if not chosen:
        raise UsageError("No purpose is named.", f"Use {', '.join(PURPOSES)}.")
    if not 1 <= days <= MOST_DAYS:
        raise UsageError(
            f"An invitation cannot last {days} days.", f"Choose 1 to {MOST_DAYS} days."
        )
    if len(label) > LONGEST_LABEL or not label.isprintable():
        raise UsageError(
            "The label is too long, or holds what cannot be seen.",
            f"Use one line of at most {LONGEST_LABEL} characters.",
        )
    current_notice(language)
    return chosen


def _sealed(house: House, invitation_id: str, label: str) -> bytes:
    if not label:
        return b""
    return rows.seal_label(house.keyring.key(house.account.account_id), invitation_id, label)


def _require_searchable(chosen: Iterable[Collection], purposes: frozenset[Purpose]) -> None:
    every = list(chosen)
    if not every:
        raise UsageError("The invitation is for no collection.", "Give --collection NAME.")
    if "be_found" in purposes and not all(collection.audience for collection in every):
        # Whoever is asked sees by whom they would be found, and there is nobody to name.
        raise ConsentRefused(
            "Nobody may search one of these collections, so nobody could be found there.",
            "Name accounts for it first: likeness collection audience NAME --add ACCOUNT",
        )


def _shown(
    house: House, connection: Connection, records: Sequence[InvitationRecord]
) -> list[Invitation]:
    accounts = collection_rows.accounts_by_id(connection)
    every = collection_rows.all_collections(connection)
    return [
        _one_shown(house, record, accounts, collections_of(record, every)) for record in records
    ]


def _one_shown(
    house: House,
    record: InvitationRecord,
    accounts: Mapping[str, Account],
    collections: tuple[Collection, ...],
) -> Invitation:
    audience = {account_id for c in collections for account_id in c.audience}
    return Invitation(
        invitation_id=record.invitation_id,
        state=record.state,
        created_at=record.created_at,
        expires_at=record.expires_at,
        taken_at=record.taken_at,
        collections=collections,
        purposes=tuple(p for p in PURPOSES if p in record.terms.purposes),
        needs_approval=record.terms.needs_approval,
        language=record.terms.language,
        audience=tuple(one for known, one in accounts.items() if known in audience),
        invited_by=accounts[record.created_by].name,
        own=record.created_by == house.account.account_id,
        label=own_label(house, record),
        open=record.open_at(house.clock()) and accounts[record.created_by].active,
    )


def _audit(house: House, connection: Connection, record: InvitationRecord, *, did: str) -> None:
    house.audit_deed(
        connection,
        kind="invitation",
        details={
            "did": did,
            "invitation": record.invitation_id,
            "collections": sorted(record.terms.collections),
            "purposes": sorted(record.terms.purposes),
        },
    )
