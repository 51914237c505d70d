"""Which sites and buckets said yes, and the token that each publishes as proof."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from likeness.records.address import address_key
from likeness.records.authorisation import Authorisation
from likeness.store.schema import authorisations


def put_authorisation(connection: Connection, new: Authorisation) -> None:
    """Keep an authorisation; an earlier one for the same place, with its token, goes."""
    connection.execute(delete(authorisations).where(authorisations.c.domain == new.domain))
    connection.execute(
        insert(authorisations).values(
            domain=new.domain,
            token=new.token,
            created_at=new.created_at.isoformat(),
            expires_at=new.expires_at.isoformat(),
            checked_at=new.checked_at.isoformat() if new.checked_at else None,
        )
    )


def authorisation_of(connection: Connection, domain: str) -> Authorisation | None:
    """The authorisation of a place, or None."""
    row = connection.execute(
        select(authorisations).where(authorisations.c.domain == domain)
    ).first()
    return _authorisation(row) if row else None


def all_authorisations(connection: Connection) -> list[Authorisation]:
    """Every authorisation, by place."""
    rows = connection.execute(select(authorisations).order_by(authorisations.c.domain))
    return [_authorisation(row) for row in rows]


def set_checked(connection: Connection, domain: str, *, at: datetime) -> None:
    """Note when a proof was last seen."""
    connection.execute(
        update(authorisations)
        .where(authorisations.c.domain == domain)
        .values(checked_at=at.isoformat())
    )


def delete_authorisation(connection: Connection, domain: str) -> bool:
    """Forget an authorisation and its token; says whether there was one."""
    gone = connection.execute(delete(authorisations).where(authorisations.c.domain == domain))
    return gone.rowcount > 0


def end_authorisations(connection: Connection, keys: tuple[str, str]) -> int:
    """Forget those of sites whose address lies in a range of keys; returns how many."""
    low, high = keys
    ended = 0
    for found in all_authorisations(connection):
        if low <= address_key(f"https://{found.domain}/") < high:
            ended += delete_authorisation(connection, found.domain)
    return ended


def _authorisation(row: Row[*tuple[Any, ...]]) -> Authorisation:
    return Authorisation(
        domain=row.domain,
        token=row.token,
        created_at=datetime.fromisoformat(row.created_at),
        expires_at=datetime.fromisoformat(row.expires_at),
        checked_at=datetime.fromisoformat(row.checked_at) if row.checked_at else None,
    )
