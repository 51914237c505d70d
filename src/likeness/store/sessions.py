"""Sessions and secret links, by the hash of their secret."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, or_, select, update

from likeness.records.session import LinkKind, Session, SubjectKind
from likeness.store.envelope import seal, unseal
from likeness.store.schema_accounts import sessions, sign_in_links


@dataclass(frozen=True, kw_only=True)
class SessionRow:
    """A session as it is kept: the browser's name is ciphertext.

    Attributes
    ----------
    session_id, subject_id : str
    kind : SubjectKind
    created_at, seen_at, ends_at : datetime
    sealed_device : bytes
    """

    session_id: str
    subject_id: str
    kind: SubjectKind
    created_at: datetime
    seen_at: datetime
    ends_at: datetime
    sealed_device: bytes

    def opened(self, key: bytes) -> Session:
        """The session, by the key of its subject.

        Raises
        ------
        StorageError
            The key is another one.
        """
        device = unseal(key, self.sealed_device, context=f"session/{self.session_id}")
        return Session(
            session_id=self.session_id,
            subject_id=self.subject_id,
            kind=self.kind,
            created_at=self.created_at,
            seen_at=self.seen_at,
            ends_at=self.ends_at,
            device=device.decode(),
        )


@dataclass(frozen=True, kw_only=True)
class LinkRow:
    """A secret link.

    Attributes
    ----------
    link_id : str
        SHA-256, in hex, of its secret.
    subject_id : str
    kind : LinkKind
    expires_at : datetime
    used_at : datetime or None
        When it was last used.
    """

    link_id: str
    subject_id: str
    kind: LinkKind
    expires_at: datetime
    used_at: datetime | None


def insert_session(connection: Connection, session: Session, *, key: bytes) -> None:
    """Keep a session; its browser's name under the subject's key."""
    connection.execute(
        insert(sessions).values(
            session_id=session.session_id,
            subject_id=session.subject_id,
            kind=session.kind,
            created_at=session.created_at.isoformat(),
            seen_at=session.seen_at.isoformat(),
            ends_at=session.ends_at.isoformat(),
            device=seal(key, session.device.encode(), context=f"session/{session.session_id}"),
        )
    )


def load_session(connection: Connection, session_id: str) -> SessionRow | None:
    """One session, or None."""
    row = connection.execute(select(sessions).where(sessions.c.session_id == session_id)).first()
    return _session(row) if row else None


def sessions_of(connection: Connection, subject_id: str) -> list[SessionRow]:
    """The sessions of one subject, the one seen last first."""
    rows = connection.execute(
        select(sessions)
        .where(sessions.c.subject_id == subject_id)
        .order_by(sessions.c.seen_at.desc(), sessions.c.session_id)
    )
    return [_session(row) for row in rows]


def touch_session(connection: Connection, session_id: str, *, at: datetime) -> None:
    """Note that a session asked for something."""
    connection.execute(
        update(sessions).where(sessions.c.session_id == session_id).values(seen_at=at.isoformat())
    )


def delete_session(connection: Connection, session_id: str) -> None:
    """End one session."""
    connection.execute(delete(sessions).where(sessions.c.session_id == session_id))


def delete_sessions_of(connection: Connection, subject_id: str, *, but: str = "") -> int:
    """End every session of one subject, but for one; returns how many."""
    ended = connection.execute(
        delete(sessions).where(sessions.c.subject_id == subject_id, sessions.c.session_id != but)
    )
    return int(ended.rowcount)


def delete_ended(
    connection: Connection, kind: SubjectKind, *, now: datetime, idle_since: datetime
) -> None:
    """Forget sessions that ended by time."""
    connection.execute(
        delete(sessions).where(
            sessions.c.kind == kind,
            or_(
                sessions.c.ends_at <= now.isoformat(),
                sessions.c.seen_at <= idle_since.isoformat(),
            ),
        )
    )


def insert_link(
    connection: Connection,
    *,
    link_id: str,
    subject_id: str,
    kind: LinkKind,
    at: datetime,
    expires_at: datetime,
) -> None:
    """Keep a link."""
    connection.execute(
        insert(sign_in_links).values(
            link_id=link_id,
            subject_id=subject_id,
            kind=kind,
            created_at=at.isoformat(),
            expires_at=expires_at.isoformat(),
        )
    )


def load_link(connection: Connection, link_id: str) -> LinkRow | None:
    """One link, or None."""
    row = connection.execute(
        select(sign_in_links).where(sign_in_links.c.link_id == link_id)
    ).first()
    if row is None:
        return None
    return LinkRow(
        link_id=row.link_id,
        subject_id=row.subject_id,
        kind=row.kind,
        expires_at=datetime.fromisoformat(row.expires_at),
        used_at=datetime.fromisoformat(row.used_at) if row.used_at else None,
    )


def mark_link_used(connection: Connection, link_id: str, *, at: datetime) -> None:
    """Note when a link was used."""
    connection.execute(
        update(sign_in_links)
        .where(sign_in_links.c.link_id == link_id)
        .values(used_at=at.isoformat())
    )


def delete_links_of(connection: Connection, subject_id: str, *, kind: LinkKind | None) -> None:
    """Forget the links of one subject, of one kind or of all."""
    of_kind = () if kind is None else (sign_in_links.c.kind == kind,)
    connection.execute(
        delete(sign_in_links).where(sign_in_links.c.subject_id == subject_id, *of_kind)
    )


def delete_links_before(connection: Connection, now: datetime) -> None:
    """Forget links that ended."""
    connection.execute(delete(sign_in_links).where(sign_in_links.c.expires_at <= now.isoformat()))


def _session(row: Row[*tuple[Any, ...]]) -> SessionRow:
    return SessionRow(
        session_id=row.session_id,
        subject_id=row.subject_id,
        kind=row.kind,
        created_at=datetime.fromisoformat(row.created_at),
        seen_at=datetime.fromisoformat(row.seen_at),
        ends_at=datetime.fromisoformat(row.ends_at),
        sealed_device=row.device,
    )
