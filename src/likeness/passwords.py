"""Passwords, where there is no HTTPS and so no passkey: choose one, and sign in with it.

Accounts have names to sign in with. A person has none: they come back by a link or a passkey.
"""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from functools import cache

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import Connection

from likeness.errors import NotFound, NotSignedIn, UsageError
from likeness.guessable import own_characters
from likeness.house import House, new_id
from likeness.records.collection import Account
from likeness.records.credential import Password
from likeness.records.session import Session
from likeness.signing_in import forget_subject, opened_link, require_fresh, use_link
from likeness.store import collections as collection_rows
from likeness.store import credentials
from likeness.store import sessions as session_rows

SHORTEST = 12
"""Characters that a password has at least."""

LONGEST = 256
"""Characters that a password has at most: hashing more only keeps the server busy."""

FEWEST_OWN = 6
"""Characters that are left at least of a password without what is guessed first."""


def require_good(password: str, *, name: str) -> None:
    """Check a password that somebody wants to have.

    Parameters
    ----------
    password : str
    name : str
        Of the account.

    Raises
    ------
    UsageError
        It is too short, too long or easy to guess.
    """
    length = len(_normal(password))
    if length < SHORTEST:
        raise UsageError(
            f"This password is too short: it has {length} characters.",
            f"Choose at least {SHORTEST}, such as four words that have nothing to do with another.",
        )
    if length > LONGEST:
        raise UsageError("This password is too long.", f"Choose at most {LONGEST} characters.")
    if own_characters(_normal(password), name=name) < FEWEST_OWN:
        raise UsageError(
            "This password is easy to guess: it is made of common words, keys in a row, a year, "
            "repeats or the name of the account.",
            "Choose something else, such as four words that have nothing to do with another.",
        )


def set_password(house: House, session: Session, password: str, *, current: str = "") -> None:
    """Give the account that is signed in another password, or its first.

    Its other sessions end.

    Parameters
    ----------
    house : House
    session : Session
    password : str
    current : str
        The one that it has, where it has one: an open browser alone must not change it.

    Raises
    ------
    NotSignedIn
        The current password is another one.
    SignInAgain
        It is the first one, and somebody signed in too long ago.
    UsageError
        The new one is not good.
    """
    account_id = session.subject_id
    with house.store.snapshot() as connection:
        account = _active(connection, account_id)
        key = house.keyring.key(account_id)
        known = credentials.password_of(connection, account_id, key=key)
    if known is None:
        require_fresh(house, session)
    elif not _hasher().verify(_normal(current), known.hashed):
        raise NotSignedIn("The current password is another one.", "Type it again.")
    made = _made(house, account, password)
    with house.transaction() as connection:
        _active(connection, account_id)
        credentials.put_password(connection, made, key=key)
        session_rows.delete_sessions_of(connection, account_id, but=session.session_id)
        house.audit_deed(connection, kind="account", details={"did": "password"})


def set_up_password(house: House, secret: str, password: str) -> str:
    """Choose a password by a set-up link, which is used up; returns the account's id.

    Whatever signed the account in before does so no more: a new link is what an owner gives out
    when something was lost.

    Raises
    ------
    NotFound
        The link does not work.
    UsageError
        The password is not good.
    """
    account_id = opened_link(house, secret, kind="set_up")
    with house.store.snapshot() as connection:
        account = _active(connection, account_id)
    made = _made(house, account, password)
    with house.transaction() as connection:
        use_link(house, connection, secret, kind="set_up")
        forget_subject(connection, account_id)
        credentials.put_password(connection, made, key=house.keyring.key(account_id))
        acting = replace(house, account=account)
        acting.audit_deed(connection, kind="account", details={"did": "set_up"})
    return account_id


def sign_in_with_password(house: House, name: str, password: str) -> str:
    """Check a name and its password; returns the account's id.

    An account that is not there, has ended or has no password takes the same answer and the same
    work.

    Raises
    ------
    NotSignedIn
    """
    with house.store.snapshot() as connection:
        known = _known(house, connection, name)
    # Made for a known name as well: the first to ask would take longer otherwise.
    nobodys = _nobodys_hash()
    hashed = known.hashed if known else nobodys
    typed = _normal(password)[: LONGEST + 1]
    right, updated = _hasher().verify_and_update(typed, hashed)
    if known is None or not right:
        raise wrong_password()
    with house.store.transaction() as connection:
        now = house.clock()
        still = _known(house, connection, name)
        if still is None or still.hashed != known.hashed:
            raise wrong_password()
        if updated is not None:
            # The parameters rose since it was chosen; only now is the password at hand.
            better = Password(
                credential_id=new_id("cr"),
                subject_id=known.subject_id,
                hashed=updated,
                created_at=known.created_at,
                used_at=now,
            )
            key = house.keyring.key(known.subject_id)
            credentials.put_password(connection, better, key=key)
        else:
            credentials.mark_used(connection, known.credential_id, at=now)
    return known.subject_id


def anybody_has_one(house: House) -> bool:
    """Whether some account has a password, so that the page asks for one."""
    with house.store.snapshot() as connection:
        return credentials.is_used(connection, "password")


def wrong_password() -> NotSignedIn:
    """The one error for whatever is wrong with a name and a password."""
    return NotSignedIn("The name or the password is wrong.", "Type both again.")


def _known(house: House, connection: Connection, name: str) -> Password | None:
    try:
        account = collection_rows.active_account_named(connection, collection_rows.tidy_name(name))
    except NotFound:
        return None
    key = house.keyring.key(account.account_id)
    return credentials.password_of(connection, account.account_id, key=key)


def _made(house: House, account: Account, password: str) -> Password:
    require_good(password, name=account.name)
    return Password(
        credential_id=new_id("cr"),
        subject_id=account.account_id,
        hashed=_hasher().hash(_normal(password)),
        created_at=house.clock(),
    )


def _active(connection: Connection, account_id: str) -> Account:
    account = collection_rows.account_by_id(connection, account_id)
    if account is None or not account.active:
        raise NotFound("Only accounts have passwords.", "Use a passkey.")
    return account


def _normal(password: str) -> str:
    # The same keys give other code points on other systems. Half of a pair is no character.
    text = unicodedata.normalize("NFKC", password)
    return text.encode("utf-8", "replace").decode()


def _hasher() -> PasswordHash:
    return PasswordHash((Argon2Hasher(),))


@cache
def _nobodys_hash() -> str:
    """A hash to check against where there is no account, with the parameters of today."""
    return _hasher().hash(new_id("nobody"))
