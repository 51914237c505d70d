"""Accounts: who works with the library, in which role, and how they first get in.

What the role lets somebody do is up to the web app. None lets anybody find a person whose consent
does not cover it.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from likeness.errors import Refused, UsageError
from likeness.house import House, new_id
from likeness.records.collection import ROLES, Account, Role
from likeness.signing_in import forget_subject, put_link
from likeness.store import collections as collection_rows
from likeness.store import sessions as session_rows

LONGEST_NAME = 100


def create(house: House, name: str, *, role: Role = "member") -> Account:
    """Add somebody who works with the library, named as they sign in.

    They can do nothing in the web app before they have opened a set-up link; see :func:`link`.

    Raises
    ------
    UsageError
        The name is empty, too long or taken, or there is no such role.
    """
    account = Account(account_id=new_id("a"), name=_tidy(name), role=_role(role))
    # The key comes first: data without one would keep the library from opening.
    house.keyring.create_key(account.account_id)
    with house.transaction() as connection:
        taken = {a.name.casefold() for a in collection_rows.all_accounts(connection)}
        if account.name.casefold() in taken:
            raise UsageError(
                f"There is an account {account.name!r} already.", "Choose another name."
            )
        collection_rows.insert_account(connection, account, at=house.clock())
        _audit(house, connection, account, did="create")
    return account


def all_accounts(house: House) -> list[Account]:
    """Every account by name, those that ended too."""
    with house.store.snapshot() as connection:
        return collection_rows.all_accounts(connection)


def set_role(house: House, name: str, role: Role) -> Account:
    """Give an account another role; its sessions end, so that none goes on in the former one.

    Raises
    ------
    NotFound
        There is no such account, or it has ended.
    UsageError
        There is no such role, or the account has it.
    Refused
        It is the last owner.
    """
    with house.transaction() as connection:
        account = collection_rows.active_account_named(connection, name)
        if account.role == _role(role):
            raise UsageError("The account has this role already.", "Choose another one.")
        _require_not_last_owner(connection, account)
        collection_rows.set_account_role(connection, account.account_id, role)
        session_rows.delete_sessions_of(connection, account.account_id)
        changed = replace(account, role=role)
        _audit(house, connection, changed, did="role")
    return changed


def end(house: House, name: str) -> Account:
    """End an account: it signs in no more, is signed out everywhere, and leaves every audience.

    What it did stays in the audit log under its name, which nobody else can have.

    Raises
    ------
    NotFound
        There is no such account, or it has ended.
    Refused
        It is the last owner.
    """
    with house.transaction() as connection:
        account = collection_rows.active_account_named(connection, name)
        _require_not_last_owner(connection, account)
        forget_subject(connection, account.account_id)
        collection_rows.end_account(connection, account.account_id)
        ended = replace(account, active=False)
        _audit(house, connection, ended, did="end")
    return ended


def link(house: House, name: str) -> str:
    """Make a link by which the holder of an account chooses how to sign in; the former one ends.

    It works once, for a day, and whatever signed the account in before then does so no more.

    Returns
    -------
    str
        The secret of the link ``/set-up/SECRET``; it is kept nowhere.

    Raises
    ------
    NotFound
        There is no such account, or it has ended.
    """
    with house.transaction() as connection:
        account = collection_rows.active_account_named(connection, name)
        secret = put_link(house, connection, subject_id=account.account_id, kind="set_up")
        _audit(house, connection, account, did="link")
    return secret


def _require_not_last_owner(connection: Connection, account: Account) -> None:
    if collection_rows.owners(connection) == [account]:
        raise Refused(
            "This is the last owner of the library.", "Make somebody else an owner first."
        )


def _audit(house: House, connection: Connection, account: Account, *, did: str) -> None:
    details = {"did": did, "account": account.account_id, "role": account.role}
    house.audit_deed(connection, kind="account", details=details)


def _tidy(name: str) -> str:
    tidy = collection_rows.tidy_name(name)
    if not tidy:
        raise UsageError("An account needs a name.", "Give one.")
    if len(tidy) > LONGEST_NAME or not tidy.isprintable():
        raise UsageError(
            "The name of an account is too long, or holds what cannot be seen.",
            f"Choose at most {LONGEST_NAME} letters, digits and signs.",
        )
    return tidy


def _role(role: str) -> Role:
    for known in ROLES:
        if role == known:
            return known
    raise UsageError("There is no such role.", f"Choose one of: {', '.join(ROLES)}.")
