"""Accounts, collections with their audience, and sources."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from likeness.errors import NotFound
from likeness.records.collection import Account, Collection, Role, SourceRecord
from likeness.store.schema import accounts, collection_audience, collections, runs, sources


def insert_account(connection: Connection, account: Account, *, at: datetime) -> None:
    """Keep an account."""
    connection.execute(
        insert(accounts).values(
            account_id=account.account_id,
            name=account.name,
            created_at=at.isoformat(),
            role=account.role,
            state="active" if account.active else "ended",
        )
    )


def tidy_name(name: str) -> str:
    """A name as it is kept: without space around it, and the same from every keyboard."""
    return unicodedata.normalize("NFC", name.strip())


def account_named(connection: Connection, name: str) -> Account:
    """The account with this name.

    Raises
    ------
    NotFound
    """
    row = connection.execute(select(accounts).where(accounts.c.name == name)).first()
    if row is None:
        raise NotFound(
            f"There is no account {name!r}.", "Make it with: likeness account create NAME"
        )
    return _account(row)


def account_by_id(connection: Connection, account_id: str) -> Account | None:
    """The account with this id, or None."""
    row = connection.execute(select(accounts).where(accounts.c.account_id == account_id)).first()
    return _account(row) if row else None


def active_account_named(connection: Connection, name: str) -> Account:
    """The account with this name, where it has not ended.

    Raises
    ------
    NotFound
    """
    account = account_named(connection, name)
    if not account.active:
        raise NotFound(f"The account {name!r} has ended.", "See: likeness account list")
    return account


def set_account_role(connection: Connection, account_id: str, role: Role) -> None:
    """Give an account another role."""
    connection.execute(
        update(accounts).where(accounts.c.account_id == account_id).values(role=role)
    )


def end_account(connection: Connection, account_id: str) -> None:
    """Mark an account as ended, and take it out of every audience."""
    connection.execute(
        update(accounts).where(accounts.c.account_id == account_id).values(state="ended")
    )
    connection.execute(
        delete(collection_audience).where(collection_audience.c.account_id == account_id)
    )


def all_accounts(connection: Connection) -> list[Account]:
    """Every account, by name."""
    rows = connection.execute(select(accounts).order_by(accounts.c.name))
    return [_account(row) for row in rows]


def accounts_by_id(connection: Connection) -> dict[str, Account]:
    """Every account by its id, in the order of the names."""
    return {account.account_id: account for account in all_accounts(connection)}


def owners(connection: Connection) -> list[Account]:
    """The owners of the library that have not ended, by name."""
    return [one for one in all_accounts(connection) if one.role == "owner" and one.active]


def insert_collection(connection: Connection, collection: Collection, *, at: datetime) -> None:
    """Keep a collection and its audience."""
    connection.execute(
        insert(collections).values(
            collection_id=collection.collection_id,
            name=collection.name,
            controller=collection.controller,
            purpose_text=collection.purpose_text,
            created_at=at.isoformat(),
            retention_days=collection.retention_days,
            ask_purpose=int(collection.ask_purpose),
        )
    )
    set_audience(connection, collection.collection_id, collection.audience)


def set_audience(connection: Connection, collection_id: str, account_ids: Iterable[str]) -> None:
    """Name the accounts allowed to search. Consents already given do not widen by it."""
    connection.execute(
        delete(collection_audience).where(collection_audience.c.collection_id == collection_id)
    )
    rows = [{"collection_id": collection_id, "account_id": a} for a in sorted(set(account_ids))]
    if rows:
        connection.execute(insert(collection_audience), rows)


def set_rules(
    connection: Connection,
    collection_id: str,
    *,
    purpose_text: str,
    retention_days: int | None,
    ask_purpose: bool,
) -> None:
    """Say anew why a collection is held, for how long, and whether searches have to say why."""
    connection.execute(
        update(collections)
        .where(collections.c.collection_id == collection_id)
        .values(
            purpose_text=purpose_text,
            retention_days=retention_days,
            ask_purpose=int(ask_purpose),
        )
    )


def all_collections(connection: Connection) -> list[Collection]:
    """Every collection, by name."""
    rows = connection.execute(select(collections).order_by(collections.c.name)).all()
    return [_collection(connection, row) for row in rows]


def collection_named(connection: Connection, name: str) -> Collection:
    """The collection with this name.

    Raises
    ------
    NotFound
    """
    row = connection.execute(select(collections).where(collections.c.name == name)).first()
    if row is None:
        raise NotFound(
            f"There is no collection {name!r}.", "Make it with: likeness collection create NAME"
        )
    return _collection(connection, row)


def collection_with(connection: Connection, collection_id: str) -> Collection:
    """The collection with an id that the library holds, such as a source's."""
    query = select(collections).where(collections.c.collection_id == collection_id)
    return _collection(connection, connection.execute(query).one())


def collections_for(
    connection: Connection, account_id: str, *, name: str | None
) -> list[Collection]:
    """The collections that an account may search, or the one named if it may."""
    wanted = [collection_named(connection, name)] if name else all_collections(connection)
    return [c for c in wanted if account_id in c.audience]


def source_at(
    connection: Connection, collection_id: str, *, kind: str, address: str
) -> SourceRecord | None:
    """The source of a collection at an address, or None."""
    row = connection.execute(
        select(sources).where(
            sources.c.collection_id == collection_id,
            sources.c.kind == kind,
            sources.c.address == address,
        )
    ).first()
    return _source(row) if row else None


def source_by_id(connection: Connection, source_id: str) -> SourceRecord | None:
    """The source with this id, or None."""
    row = connection.execute(select(sources).where(sources.c.source_id == source_id)).first()
    return _source(row) if row else None


def require_source(connection: Connection, source_id: str) -> SourceRecord:
    """The source with this id.

    Raises
    ------
    NotFound
    """
    found = source_by_id(connection, source_id)
    if found is None:
        raise NotFound(f"There is no source {source_id!r}.", "See: likeness status")
    return found


def all_sources(connection: Connection) -> list[SourceRecord]:
    """Every source, in the order in which they were added."""
    rows = connection.execute(select(sources).order_by(sources.c.added_at, sources.c.source_id))
    return [_source(row) for row in rows]


def insert_source(connection: Connection, source: SourceRecord) -> None:
    """Keep a source."""
    connection.execute(
        insert(sources).values(
            source_id=source.source_id,
            collection_id=source.collection_id,
            kind=source.kind,
            address=source.address,
            state=source.state,
            added_at=source.added_at.isoformat(),
            sightings_removed=0,
            photos_removed=0,
        )
    )


def set_source_state(connection: Connection, source_id: str, state: str) -> None:
    """Move a source to another state."""
    connection.execute(update(sources).where(sources.c.source_id == source_id).values(state=state))


def sources_being_removed(connection: Connection) -> list[SourceRecord]:
    """Sources whose removal was begun and is not done."""
    return [source for source in all_sources(connection) if source.state == "removing"]


def add_removed(
    connection: Connection, source_id: str, *, sighting_count: int, photo_count: int
) -> None:
    """Count what went of a source that is being removed."""
    connection.execute(
        update(sources)
        .where(sources.c.source_id == source_id)
        .values(
            sightings_removed=sources.c.sightings_removed + sighting_count,
            photos_removed=sources.c.photos_removed + photo_count,
        )
    )


def take_removed(connection: Connection, source_id: str) -> tuple[int, int]:
    """How many sightings and photos went of a source, counting anew from here."""
    row = connection.execute(
        select(sources.c.sightings_removed, sources.c.photos_removed).where(
            sources.c.source_id == source_id
        )
    ).one()
    connection.execute(
        update(sources)
        .where(sources.c.source_id == source_id)
        .values(sightings_removed=0, photos_removed=0)
    )
    return int(row.sightings_removed), int(row.photos_removed)


def begin_run(connection: Connection, *, run_id: str, source_id: str, at: datetime) -> None:
    """Note that a run over a source began."""
    connection.execute(
        insert(runs).values(run_id=run_id, source_id=source_id, started_at=at.isoformat())
    )


def end_run(
    connection: Connection, run_id: str, *, at: datetime, account: Mapping[str, int]
) -> None:
    """Note that a run reached its end, and what it did in numbers."""
    connection.execute(
        update(runs)
        .where(runs.c.run_id == run_id)
        .values(finished_at=at.isoformat(), account=json.dumps(dict(account)))
    )


def _account(row: Row[*tuple[Any, ...]]) -> Account:
    return Account(
        account_id=row.account_id, name=row.name, role=row.role, active=row.state == "active"
    )


def _collection(connection: Connection, row: Row[*tuple[Any, ...]]) -> Collection:
    audience = connection.execute(
        select(collection_audience.c.account_id).where(
            collection_audience.c.collection_id == row.collection_id
        )
    ).scalars()
    return Collection(
        collection_id=row.collection_id,
        name=row.name,
        controller=row.controller,
        purpose_text=row.purpose_text,
        audience=frozenset(audience),
        retention_days=row.retention_days,
        ask_purpose=bool(row.ask_purpose),
    )


def _source(row: Row[*tuple[Any, ...]]) -> SourceRecord:
    return SourceRecord(
        source_id=row.source_id,
        collection_id=row.collection_id,
        kind=row.kind,
        address=row.address,
        state=row.state,
        added_at=datetime.fromisoformat(row.added_at),
    )
