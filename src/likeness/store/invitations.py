"""Invitations, by the hash of their link's secret.

A label is sealed under its account's key, and once somebody enrolled under theirs around that: from
then on it goes with them, in every backup.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, case, insert, or_, select, update

from likeness.records.invitation import InvitationRecord, InvitationState, InvitationTerms
from likeness.store.envelope import seal, unseal
from likeness.store.schema_accounts import invitations


def insert_invitation(
    connection: Connection, record: InvitationRecord, *, secret_hash: str
) -> None:
    """Keep a new invitation."""
    connection.execute(
        insert(invitations).values(
            invitation_id=record.invitation_id,
            secret_hash=secret_hash,
            created_by=record.created_by,
            created_at=record.created_at.isoformat(),
            expires_at=record.expires_at.isoformat(),
            state=record.state,
            terms=_terms_text(record.terms),
            label=record.sealed_label or None,
        )
    )


def seal_label(key: bytes, invitation_id: str, label: str) -> bytes:
    """A label as ciphertext under the key of the account that made the invitation."""
    return seal(key, label.encode(), context=_context(invitation_id))


def unseal_label(keys: Mapping[str, bytes], record: InvitationRecord) -> str:
    """The label of an invitation; empty where it has none, or went with whoever enrolled.

    Parameters
    ----------
    keys : mapping of str to bytes
        Of the account that made it, and of the person who enrolled by it.
    record : InvitationRecord

    Raises
    ------
    StorageError
        A key is another one.
    """
    sealed = record.sealed_label
    for subject_id in filter(None, (record.person_id, record.created_by)):
        if not sealed or subject_id not in keys:
            return ""
        sealed = unseal(keys[subject_id], sealed, context=_context(record.invitation_id))
    return sealed.decode()


def by_secret_hash(connection: Connection, secret_hash: str) -> InvitationRecord | None:
    """The invitation whose secret has this hash, or None."""
    row = connection.execute(
        select(invitations).where(invitations.c.secret_hash == secret_hash)
    ).first()
    return _record(row) if row else None


def by_id(connection: Connection, invitation_id: str) -> InvitationRecord | None:
    """One invitation, or None."""
    row = connection.execute(
        select(invitations).where(invitations.c.invitation_id == invitation_id)
    ).first()
    return _record(row) if row else None


def of_person(connection: Connection, person_id: str) -> InvitationRecord | None:
    """The invitation that somebody enrolled by, or None."""
    row = connection.execute(
        select(invitations).where(invitations.c.person_id == person_id)
    ).first()
    return _record(row) if row else None


def all_invitations(connection: Connection) -> list[InvitationRecord]:
    """Every invitation, newest first."""
    rows = connection.execute(
        select(invitations).order_by(invitations.c.created_at.desc(), invitations.c.invitation_id)
    )
    return [_record(row) for row in rows]


def in_state(connection: Connection, state: InvitationState) -> list[InvitationRecord]:
    """Every invitation in a state, the one used longest ago first."""
    rows = connection.execute(
        select(invitations)
        .where(invitations.c.state == state)
        .order_by(invitations.c.taken_at, invitations.c.invitation_id)
    )
    return [_record(row) for row in rows]


def take(
    connection: Connection,
    record: InvitationRecord,
    *,
    person_id: str,
    key: bytes,
    state: InvitationState,
    at: datetime,
) -> bool:
    """Use an invitation up; False where it is not open any more, also by a moment.

    ``key`` is the person's: the label opens with it too from now on, and not without it.
    """
    label = record.sealed_label
    taken = connection.execute(
        update(invitations)
        .where(
            invitations.c.invitation_id == record.invitation_id,
            invitations.c.state == "open",
            invitations.c.expires_at > at.isoformat(),
        )
        .values(
            state=state,
            person_id=person_id,
            taken_at=at.isoformat(),
            label=seal(key, label, context=_context(record.invitation_id)) if label else None,
        )
    )
    return int(taken.rowcount) == 1


def move(
    connection: Connection, invitation_id: str, *, before: InvitationState, after: InvitationState
) -> bool:
    """Move an invitation from one state to another; False where it is not in the first."""
    moved = connection.execute(
        update(invitations)
        .where(invitations.c.invitation_id == invitation_id, invitations.c.state == before)
        .values(state=after)
    )
    return int(moved.rowcount) == 1


def forget_person(connection: Connection, person_id: str) -> None:
    """Forget for whom the invitation was that an erased person used, and that they used it."""
    connection.execute(
        update(invitations)
        .where(invitations.c.person_id == person_id)
        .values(
            person_id=None,
            label=None,
            state=case((invitations.c.state == "waiting", "done"), else_=invitations.c.state),
        )
    )


def labels_of_ended(connection: Connection, now: datetime) -> bool:
    """Whether an invitation that nobody can use any more, and nobody used, still has its label."""
    query = select(invitations.c.invitation_id).where(_ended_with_label(now)).limit(1)
    return connection.execute(query).first() is not None


def forget_labels_of_ended(connection: Connection, now: datetime) -> None:
    """Forget for whom invitations were that nobody used and nobody can use any more."""
    connection.execute(update(invitations).where(_ended_with_label(now)).values(label=None))


def _ended_with_label(now: datetime) -> Any:
    return and_(
        invitations.c.label.is_not(None),
        invitations.c.person_id.is_(None),
        or_(invitations.c.state != "open", invitations.c.expires_at <= now.isoformat()),
    )


def _context(invitation_id: str) -> str:
    return f"invitation/{invitation_id}"


def _terms_text(terms: InvitationTerms) -> str:
    fields = {
        "collections": sorted(terms.collections),
        "purposes": sorted(terms.purposes),
        "needs_approval": terms.needs_approval,
        "language": terms.language,
    }
    return json.dumps(fields, sort_keys=True)


def _record(row: Row[*tuple[Any, ...]]) -> InvitationRecord:
    terms = json.loads(row.terms)
    return InvitationRecord(
        invitation_id=row.invitation_id,
        created_by=row.created_by,
        created_at=datetime.fromisoformat(row.created_at),
        expires_at=datetime.fromisoformat(row.expires_at),
        state=row.state,
        terms=InvitationTerms(
            collections=frozenset(terms["collections"]),
            purposes=frozenset(terms["purposes"]),
            needs_approval=terms["needs_approval"],
            language=terms["language"],
        ),
        person_id=row.person_id or "",
        taken_at=datetime.fromisoformat(row.taken_at) if row.taken_at else None,
        sealed_label=bytes(row.label or b""),
    )
