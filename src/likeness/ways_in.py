"""What somebody signs in with: see it, rename it, remove it. The last way in stays."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from likeness.errors import NotFound, UsageError
from likeness.house import House
from likeness.records.collection import Account
from likeness.records.credential import Passkey, Password
from likeness.records.session import Session
from likeness.signing_in import require_fresh
from likeness.store import credentials
from likeness.store import sessions as session_rows

LONGEST_LABEL = 60
"""Characters of what somebody calls a passkey."""


def passkeys_of(house: House, subject_id: str) -> list[Passkey]:
    """The passkeys of a subject, oldest first."""
    with house.store.snapshot() as connection:
        return credentials.passkeys_of(connection, subject_id, key=house.keyring.key(subject_id))


def password_of(house: House, subject_id: str) -> Password | None:
    """The password of a subject, or None."""
    with house.store.snapshot() as connection:
        return credentials.password_of(connection, subject_id, key=house.keyring.key(subject_id))


def rename_passkey(house: House, subject_id: str, credential_id: str, label: str) -> None:
    """Give a passkey another label.

    Raises
    ------
    NotFound
        The subject has no such passkey.
    """
    with house.store.transaction() as connection:
        key = house.keyring.key(subject_id)
        for passkey in credentials.passkeys_of(connection, subject_id, key=key):
            if passkey.credential_id == credential_id:
                renamed = replace(passkey, label=tidy_label(label))
                credentials.rename_passkey(connection, renamed, key=key)
                return
        raise _no_such()


def remove_credential(house: House, session: Session, credential_id: str) -> None:
    """Remove a passkey or the password of whoever is signed in; their other sessions end.

    An account keeps the last way in. A person comes back by a link too.

    Raises
    ------
    SignInAgain
        They signed in too long ago.
    NotFound
        It is not theirs.
    UsageError
        It is the last.
    """
    require_fresh(house, session)
    subject_id = session.subject_id
    with house.transaction() as connection:
        if not credentials.delete_credential(connection, subject_id, credential_id):
            raise _no_such()
        left = credentials.count_credentials(connection, subject_id)
        if session.kind == "account" and left == 0:
            raise UsageError(
                "This is the last way to sign in to this account.", "Add another one first."
            )
        session_rows.delete_sessions_of(connection, subject_id, but=session.session_id)
        audit_way_in(house, connection, subject_id, did="remove_credential")


def tidy_label(label: str) -> str:
    """What a passkey is called: one line that is not long, and never nothing."""
    shown = "".join(letter for letter in label if letter.isprintable()).strip()
    return shown[:LONGEST_LABEL] or "Passkey"


def audit_way_in(house: House, connection: Connection, subject_id: str, *, did: str) -> None:
    """Note that a way in was added or removed, within the transaction of a way."""
    # Whoever adds their own passkey acts, also where a link alone says who they are.
    acting = replace(house, account=Account(account_id=subject_id, name=""))
    acting.audit_deed(connection, kind="account", details={"did": did})


def _no_such() -> NotFound:
    return NotFound("There is no such passkey or password here.", "Open the page again.")
