"""Previews of photos. One goes with its photo, in the same transaction."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, insert, select

from likeness.records.preview import Preview
from likeness.store.chunks import in_chunks
from likeness.store.schema import photos, previews, sightings

__all__ = ["Preview", "items_without", "load", "put", "without"]


def put(connection: Connection, photo_id: int, preview: Preview) -> None:
    """Keep a photo's preview, where it has none yet: one is made once."""
    connection.execute(
        insert(previews)
        .prefix_with("OR IGNORE", dialect="sqlite")
        .values(
            photo_id=photo_id,
            width=preview.width,
            height=preview.height,
            jpeg=preview.jpeg,
        )
    )


def load(connection: Connection, photo_id: int) -> Preview | None:
    """A photo's preview, or None where it has none."""
    row = connection.execute(select(previews).where(previews.c.photo_id == photo_id)).first()
    if row is None:
        return None
    return Preview(jpeg=row.jpeg, width=row.width, height=row.height)


def without(connection: Connection, hashes: Iterable[str]) -> frozenset[str]:
    """Those of some photos (by SHA-256) that are held and have no preview."""
    query = (
        select(photos.c.sha256)
        .outerjoin(previews, previews.c.photo_id == photos.c.photo_id)
        .where(previews.c.photo_id.is_(None))
    )
    found: set[str] = set()
    for some in in_chunks(hashes):
        found.update(connection.execute(query.where(photos.c.sha256.in_(some))).scalars())
    return frozenset(found)


def items_without(connection: Connection, source_id: str, items: Iterable[str]) -> frozenset[str]:
    """Those of some items of a source whose photo has no preview."""
    query = (
        select(sightings.c.item)
        .outerjoin(previews, previews.c.photo_id == sightings.c.photo_id)
        .where(sightings.c.source_id == source_id, previews.c.photo_id.is_(None))
    )
    found: set[str] = set()
    for some in in_chunks(items):
        found.update(connection.execute(query.where(sightings.c.item.in_(some))).scalars())
    return frozenset(found)
