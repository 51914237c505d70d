"""Say which accounts may search a collection. No consent that was given widens by it."""

from __future__ import annotations

from collections.abc import Collection as AnyOf
from dataclasses import replace

from likeness.errors import UsageError
from likeness.house import House
from likeness.records.collection import Collection
from likeness.store import collections as collection_rows


def set_audience(
    house: House, name: str, *, add: AnyOf[str] = (), drop: AnyOf[str] = ()
) -> Collection:
    """Add accounts to the audience of a collection, or take some out of it.

    A person who consented to being found by the audience named it then: whoever is added finds only
    people whose consent names them.

    Parameters
    ----------
    house : House
    name : str
        The collection.
    add, drop : collection of str
        Names of accounts.

    Raises
    ------
    NotFound
        There is no such collection or account, or an account to be added has ended.
    UsageError
        Nothing would change.
    """
    with house.transaction() as connection:
        collection = collection_rows.collection_named(connection, name)
        joining = {collection_rows.active_account_named(connection, a).account_id for a in add}
        leaving = {collection_rows.account_named(connection, a).account_id for a in drop}
        audience = (collection.audience | joining) - leaving
        if audience == collection.audience:
            raise UsageError(
                "The audience of the collection stays as it was.",
                "Name an account with --add or --drop.",
            )
        collection_rows.set_audience(connection, collection.collection_id, audience)
        house.audit_deed(
            connection,
            kind="collection",
            details={
                "did": "audience",
                "collection": collection.collection_id,
                "audience": sorted(audience),
            },
        )
    return replace(collection, audience=audience)
