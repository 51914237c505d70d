"""Sessions and secret links: who is signed in, for how long, and how they get in the first time.

A session lives in the store, so that ending it holds from the next request on. The browser has a
random secret; the store has its hash, which signs nobody in.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from sqlalchemy import Connection

from likeness.errors import KeyErased, NotFound, NotSignedIn, SignInAgain, UsageError
from likeness.house import House
from likeness.records.collection import Account
from likeness.records.session import LinkKind, Session, SubjectKind
from likeness.store import collections as collection_rows
from likeness.store import credentials, people
from likeness.store import sessions as rows

# Whoever works here is at it for hours and may look at many people's photos: a working day at most,
# and not over a long lunch.
# A person looks at their own photos, often on a phone that others hold too.
IDLE: Final[Mapping[SubjectKind, timedelta]] = MappingProxyType(
    {"account": timedelta(hours=2), "person": timedelta(minutes=30)}
)
"""After how long without a request a session ends."""

LONGEST: Final[Mapping[SubjectKind, timedelta]] = MappingProxyType(
    {"account": timedelta(hours=12), "person": timedelta(hours=4)}
)
"""After how long a session ends in any case."""

FRESH = timedelta(minutes=10)
"""How long after signing in somebody may change who signs in and how. Whoever finds an open browser
gets what is open until it ends, and no way in of their own."""

SET_UP_DAYS = 1
"""How long a link to choose a passkey or password lasts: it is as good as the account."""

TOUCH_AFTER = timedelta(minutes=1)
"""How seldom a session notes that it was seen: each note is a write."""

_SECRET_BYTES = 32


def begin_session(
    house: House, *, subject_id: str, device: str, replacing: str = ""
) -> tuple[str, Session]:
    """Sign a subject in, after it showed who it is.

    Parameters
    ----------
    house : House
    subject_id : str
        An account, or a person.
    device : str
        The browser in a few words.
    replacing : str
        Id of the session that this browser had before; it ends.

    Returns
    -------
    secret : str
        For the browser's cookie; kept nowhere else.
    session : Session

    Raises
    ------
    NotSignedIn
        There is no such subject any more.
    """
    now = house.clock()
    secret = new_secret()
    with house.store.transaction() as connection:
        account, key = _signed_in_as(house, connection, subject_id)
        kind: SubjectKind = "account" if account else "person"
        session = Session(
            session_id=hash_of(secret),
            subject_id=subject_id,
            kind=kind,
            created_at=now,
            seen_at=now,
            ends_at=now + LONGEST[kind],
            device=device,
        )
        for each, idle in IDLE.items():
            rows.delete_ended(connection, each, now=now, idle_since=now - idle)
        rows.delete_session(connection, replacing)
        rows.insert_session(connection, session, key=key)
    return secret, session


def session_of(house: House, secret: str) -> tuple[Session, Account]:
    """The session that a browser's secret belongs to, and whom the house acts as in it.

    A person acts as themself, by their id and without a name.

    Raises
    ------
    NotSignedIn
        There is none, it ended, or its subject did.
    """
    now = house.clock()
    with house.store.snapshot() as connection:
        row = rows.load_session(connection, hash_of(secret))
        if row is None or _is_over(row, now):
            raise not_signed_in()
        account, key = _signed_in_as(house, connection, row.subject_id)
        if (account is None) != (row.kind == "person"):
            raise not_signed_in()
        session = row.opened(key)
    if session.seen_at + TOUCH_AFTER <= now:
        with house.store.transaction() as connection:
            rows.touch_session(connection, session.session_id, at=now)
    return session, account or Account(account_id=session.subject_id, name="")


def is_fresh(house: House, session: Session) -> bool:
    """Whether somebody signed in a moment ago, so that it is still they who sit there."""
    return house.clock() < session.created_at + FRESH


def require_fresh(house: House, session: Session) -> None:
    """Check that somebody signed in a moment ago.

    Raises
    ------
    SignInAgain
    """
    if not is_fresh(house, session):
        raise SignInAgain(
            "This is open only for a few minutes after signing in.",
            "Sign in again, then repeat what you did.",
        )


def end_session(house: House, session_id: str, *, subject_id: str | None = None) -> None:
    """End one session, where it is there; with ``subject_id`` only one of theirs."""
    with house.store.transaction() as connection:
        row = rows.load_session(connection, session_id)
        if row is not None and subject_id in (None, row.subject_id):
            rows.delete_session(connection, session_id)


def sessions_of(house: House, subject_id: str) -> list[Session]:
    """Where a subject is signed in now, the browser seen last first."""
    now = house.clock()
    with house.store.snapshot() as connection:
        live = [row for row in rows.sessions_of(connection, subject_id) if not _is_over(row, now)]
    if not live:
        return []
    key = house.keyring.key(subject_id)
    return [row.opened(key) for row in live]


def end_sessions(house: House, subject_id: str, but: str = "") -> int:
    """End every session of a subject, but for one; returns how many."""
    with house.store.transaction() as connection:
        return rows.delete_sessions_of(connection, subject_id, but=but)


def make_link(house: House, *, subject_id: str, kind: LinkKind, days: int | None = None) -> str:
    """Make a secret link; the former ones of this kind and subject end.

    Parameters
    ----------
    house : House
    subject_id : str
        An account, or a person.
    kind : LinkKind
    days : int, optional
        How long a ``return`` link lasts. A ``set_up`` link always lasts `SET_UP_DAYS`.

    Returns
    -------
    str
        The secret; it is shown once and kept nowhere.

    Raises
    ------
    NotFound
        There is no such subject.
    UsageError
        Nothing says how long a ``return`` link lasts.
    """
    with house.store.transaction() as connection:
        return put_link(house, connection, subject_id=subject_id, kind=kind, days=days)


def put_link(
    house: House,
    connection: Connection,
    *,
    subject_id: str,
    kind: LinkKind,
    days: int | None = None,
) -> str:
    """The same within the transaction of a way.

    Raises
    ------
    NotFound, UsageError
    """
    if kind == "return" and (days is None or days < 1):
        raise UsageError("A link back needs a number of days, 1 or more.")
    lasts = timedelta(days=SET_UP_DAYS if kind == "set_up" else days or 0)
    now, secret = house.clock(), new_secret()
    require_somebody(house, connection, subject_id)
    rows.delete_links_before(connection, now)
    rows.delete_links_of(connection, subject_id, kind=kind)
    rows.insert_link(
        connection,
        link_id=hash_of(secret),
        subject_id=subject_id,
        kind=kind,
        at=now,
        expires_at=now + lasts,
    )
    return secret


def opened_link(house: House, secret: str, *, kind: LinkKind) -> str:
    """Whose link this is, without using it up: a page that shows it may be fetched by others.

    Raises
    ------
    NotFound
        It is unknown, was used, or ended; in the same words.
    """
    with house.store.snapshot() as connection:
        return _require_link(house, connection, secret, kind=kind)


def take_link(house: House, secret: str, *, kind: LinkKind) -> str:
    """Use a link: whose it is. A ``set_up`` link is used up by it.

    Raises
    ------
    NotFound
        It is unknown, was used, or ended; in the same words.
    """
    with house.store.transaction() as connection:
        return use_link(house, connection, secret, kind=kind)


def use_link(house: House, connection: Connection, secret: str, *, kind: LinkKind) -> str:
    """The same within the transaction of a way.

    Raises
    ------
    NotFound
    """
    subject_id = _require_link(house, connection, secret, kind=kind)
    rows.mark_link_used(connection, hash_of(secret), at=house.clock())
    return subject_id


def owner_link(house: House) -> str | None:
    """A new link for the first owner, where no owner can sign in yet; None where one can.

    Every start of the server makes one, and the former ends.
    """
    with house.store.snapshot() as connection:
        owners = collection_rows.owners(connection)
        signing_in = credentials.subjects_with_credentials(connection)
    if not owners or any(owner.account_id in signing_in for owner in owners):
        return None
    acting = house.account.account_id
    first = next((owner for owner in owners if owner.account_id == acting), owners[0])
    return make_link(house, subject_id=first.account_id, kind="set_up")


def name_of(house: House, subject_id: str) -> str:
    """The name of an account or person, for the page where they choose how to sign in.

    Raises
    ------
    NotFound
        There is no such subject.
    """
    with house.store.snapshot() as connection:
        account, key = _somebody(house, connection, subject_id)
        if account is not None:
            return account.name
        return people.load_people(connection, {subject_id: key})[subject_id].details.name


def forget_subject(connection: Connection, subject_id: str) -> None:
    """Delete every way in of a subject: credentials, sessions and links."""
    rows.delete_sessions_of(connection, subject_id)
    rows.delete_links_of(connection, subject_id, kind=None)
    credentials.delete_credentials_of(connection, subject_id)


def require_somebody(house: House, connection: Connection, subject_id: str) -> bytes:
    """The key of an account that works here, or of a person who is kept.

    Raises
    ------
    NotFound
        It is neither.
    """
    return _somebody(house, connection, subject_id)[1]


def new_secret() -> str:
    """A secret for a link or a browser, which nobody can guess."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def hash_of(secret: str) -> str:
    """What is kept of a secret. It is random and long: a plain hash cannot be tried through."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def not_signed_in() -> NotSignedIn:
    """The error for whoever is not signed in, or not any more."""
    return NotSignedIn("Nobody is signed in here, or not any more.", "Sign in again.")


def no_such_link() -> NotFound:
    """The error for every link that leads nowhere."""
    return NotFound(
        "This link does not work: it was used already, or it ended.", "Ask for a new one."
    )


def _require_link(house: House, connection: Connection, secret: str, *, kind: LinkKind) -> str:
    row = rows.load_link(connection, hash_of(secret))
    if row is None or row.kind != kind or row.expires_at <= house.clock():
        raise no_such_link()
    if row.kind == "set_up" and row.used_at is not None:
        raise no_such_link()
    try:
        require_somebody(house, connection, row.subject_id)
    except NotFound:
        raise no_such_link() from None
    return row.subject_id


def _is_over(row: rows.SessionRow, now: datetime) -> bool:
    return row.ends_at <= now or row.seen_at + IDLE[row.kind] <= now


def _signed_in_as(
    house: House, connection: Connection, subject_id: str
) -> tuple[Account | None, bytes]:
    try:
        return _somebody(house, connection, subject_id)
    except NotFound:
        raise not_signed_in() from None


def _somebody(
    house: House, connection: Connection, subject_id: str
) -> tuple[Account | None, bytes]:
    """The account, or None for a person, and the key of whoever is there under an id."""
    account = collection_rows.account_by_id(connection, subject_id)
    there = account.active if account else people.person_exists(connection, subject_id)
    try:
        if there:
            return account, house.keyring.key(subject_id)
    except KeyErased:
        pass
    raise NotFound("There is nobody with this id.")
