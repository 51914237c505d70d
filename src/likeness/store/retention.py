"""What a collection's retention rule is about: sightings that are due, and marks of what went."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from likeness.store.chunks import in_chunks
from likeness.store.schema import collections, photos, retained, sightings, sources, videos


@dataclass(frozen=True, kw_only=True)
class Due:
    """A sighting whose photo has been in its collection for as long as the rule says.

    Attributes
    ----------
    sighting_id, photo_id : int
    source_id, item, sha256 : str
    size, modified_ns : int
    link_mark : str
    """

    sighting_id: int
    photo_id: int
    source_id: str
    item: str
    sha256: str
    size: int
    modified_ns: int
    link_mark: str


def collections_concerned(connection: Connection) -> list[str]:
    """Ids of collections that have a rule, or of which something went untold by a receipt."""
    untold = select(retained.c.collection_id).where(retained.c.told == 0)
    rows = connection.execute(
        select(collections.c.collection_id)
        .where(collections.c.retention_days.is_not(None) | collections.c.collection_id.in_(untold))
        .order_by(collections.c.name)
    )
    return list(rows.scalars())


def due(connection: Connection, collection_id: str, *, before: datetime, limit: int) -> list[Due]:
    """Some of the sightings in a collection whose photo came there before a moment."""
    rows = connection.execute(
        select(
            sightings.c.sighting_id,
            sightings.c.photo_id,
            sightings.c.source_id,
            sightings.c.item,
            sightings.c.size,
            sightings.c.modified_ns,
            sightings.c.link_mark,
            photos.c.sha256,
        )
        .join(sources, sources.c.source_id == sightings.c.source_id)
        .join(photos, photos.c.photo_id == sightings.c.photo_id)
        .where(_is_due(collection_id, before))
        .limit(limit)
    )
    return [Due(**row._mapping) for row in rows]


def count_due(connection: Connection, collection_id: str, *, before: datetime) -> tuple[int, int]:
    """How many sightings, and of how many photos, are due in a collection."""
    row = connection.execute(
        select(func.count(), func.count(sightings.c.photo_id.distinct()))
        .select_from(sightings)
        .join(sources, sources.c.source_id == sightings.c.source_id)
        .where(_is_due(collection_id, before))
    ).one()
    return int(row[0]), int(row[1])


def put_marks(
    connection: Connection,
    collection_id: str,
    *,
    sightings: Iterable[bytes],
    photos: Iterable[bytes],
) -> None:
    """Keep the marks of what went, until a receipt tells of it and after."""
    rows = [
        {"mark": mark, "collection_id": collection_id, "kind": kind, "told": 0}
        for kind, marks in (("sighting", set(sightings)), ("photo", set(photos)))
        for mark in sorted(marks)
    ]
    if rows:
        connection.execute(insert(retained).prefix_with("OR REPLACE", dialect="sqlite"), rows)


def count_untold(connection: Connection, collection_id: str) -> dict[str, int]:
    """How much went of a collection that no receipt tells of yet: sightings and photos."""
    rows = connection.execute(
        select(retained.c.kind, func.count())
        .where(retained.c.collection_id == collection_id, retained.c.told == 0)
        .group_by(retained.c.kind)
    )
    found = {row[0]: int(row[1]) for row in rows}
    return {"sightings": found.get("sighting", 0), "photos": found.get("photo", 0)}


def set_told(connection: Connection, collection_id: str) -> None:
    """Note that a receipt tells of all that went of a collection."""
    connection.execute(
        update(retained)
        .where(retained.c.collection_id == collection_id, retained.c.told == 0)
        .values(told=1)
    )


def forget_marks(connection: Connection, collection_id: str) -> None:
    """Let what went of a collection come back; its videos are looked at again."""
    connection.execute(
        delete(retained).where(retained.c.collection_id == collection_id, retained.c.told == 1)
    )
    own = select(sources.c.source_id).where(sources.c.collection_id == collection_id)
    connection.execute(delete(videos).where(videos.c.source_id.in_(own)))


def any_marks(connection: Connection, collection_id: str) -> bool:
    """Whether anything went of a collection and is not to come back."""
    query = select(retained.c.mark).where(retained.c.collection_id == collection_id).limit(1)
    return connection.execute(query).first() is not None


def marked(connection: Connection, marks: Iterable[bytes]) -> frozenset[bytes]:
    """Those of some marks that are kept."""
    found: set[bytes] = set()
    for some in in_chunks(marks):
        found.update(
            connection.execute(select(retained.c.mark).where(retained.c.mark.in_(some))).scalars()
        )
    return frozenset(found)


def _is_due(collection_id: str, before: datetime) -> ColumnElement[bool]:
    return (
        (sources.c.collection_id == collection_id)
        & (sightings.c.added_at != "")
        & (sightings.c.added_at <= before.isoformat())
    )
