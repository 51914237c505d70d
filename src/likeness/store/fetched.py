"""What was fetched of websites, so that they are asked only for what changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, delete, exists, insert, select, tuple_

from likeness.records.address import address_key
from likeness.store.schema import fetched, sightings


def put_fetched(connection: Connection, source_id: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Keep what addresses answered, in place of what they answered before.

    Parameters
    ----------
    rows : iterable of mapping
        The columns of `fetched` without the source.
    """
    for row in rows:
        delete_fetched(connection, source_id, row["url"])
        connection.execute(insert(fetched).values(source_id=source_id, **row))


def fetched_of(connection: Connection, source_id: str, url: str) -> dict[str, Any] | None:
    """What an address answered, by the names of the columns; None where that is not known.

    A photo whose sighting is not held counts as never fetched: what was killed before it was kept,
    or taken out since, has to come again.
    """
    row = connection.execute(
        select(fetched).where(fetched.c.source_id == source_id, fetched.c.url == url)
    ).first()
    if row is None:
        return None
    held = exists().where(
        sightings.c.source_id == source_id,
        sightings.c.media_key == address_key(url),
        sightings.c.media_url == url,
    )
    if not row.page and not connection.execute(select(held)).scalar_one():
        return None
    return {name: value for name, value in row._mapping.items() if name != "source_id"}


def fetched_after(
    connection: Connection, last: tuple[str, str], *, limit: int
) -> list[tuple[str, str]]:
    """Source and address of what was fetched, in order, at most ``limit``, after one of them."""
    place = tuple_(fetched.c.source_id, fetched.c.url)
    rows = connection.execute(
        select(fetched.c.source_id, fetched.c.url)
        .where(place > last)
        .order_by(fetched.c.source_id, fetched.c.url)
        .limit(limit)
    )
    return [(row.source_id, row.url) for row in rows]


def delete_fetched(connection: Connection, source_id: str, url: str) -> None:
    """Forget what an address answered."""
    connection.execute(
        delete(fetched).where(fetched.c.source_id == source_id, fetched.c.url == url)
    )
