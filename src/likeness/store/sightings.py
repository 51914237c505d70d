"""Sightings: where photos were found, and in which collections they are by that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from likeness.records.address import address_key
from likeness.records.sighting import PageLink, Span
from likeness.records.stored import StoredSighting
from likeness.store.chunks import in_chunks
from likeness.store.schema import notices, photos, sightings, sources

FRAME = "#t="
"""Between a video's item and the moment of a frame in it."""


@dataclass(frozen=True, kw_only=True)
class NewSighting:
    """A sighting about to be kept.

    Attributes
    ----------
    source_id, item : str
    size, modified_ns : int
    link_mark : str
    link : PageLink
    """

    source_id: str
    item: str
    size: int
    modified_ns: int
    link_mark: str
    link: PageLink


def shown() -> ColumnElement[bool]:
    """Whether a sighting is shown: nothing that is stopped or on its way out is.

    For queries that join `sightings` with `sources`.
    """
    about = or_(
        and_(sightings.c.page_key >= notices.c.low_key, sightings.c.page_key < notices.c.high_key),
        and_(
            sightings.c.media_key >= notices.c.low_key, sightings.c.media_key < notices.c.high_key
        ),
    )
    hidden = select(notices.c.notice_id).where(notices.c.state == "purging", about)
    stopped = select(photos.c.photo_id).where(
        photos.c.photo_id == sightings.c.photo_id, photos.c.stopped == 1
    )
    return and_(
        sources.c.state == "active",
        ~hidden.correlate(sightings).exists(),
        ~stopped.correlate(sightings).exists(),
    )


def is_frame_of(item: str) -> ColumnElement[bool]:
    """Condition: the sighting is of a frame of a source's video, named by the video's item."""
    # A range and not a pattern, so that it goes by the index: ">" comes right after "=".
    first = f"{item}{FRAME}"
    return (sightings.c.item >= first) & (sightings.c.item < f"{first[:-1]}>")


def sighting_of(connection: Connection, source_id: str, item: str) -> StoredSighting | None:
    """The sighting of an item of a source, or None."""
    row = connection.execute(
        select(sightings).where(sightings.c.source_id == source_id, sightings.c.item == item)
    ).first()
    return stored_sighting(row) if row else None


def put_sighting(
    connection: Connection, new: NewSighting, *, photo_id: int, run_id: str, at: datetime
) -> None:
    """Keep where a photo was found; what the item was before is replaced.

    A photo that the collection holds already counts as added when it first came there, whatever
    its file is called now.
    """
    values = {
        "added_at": _since(connection, photo_id, new.source_id) or at.isoformat(),
        "photo_id": photo_id,
        "size": new.size,
        "modified_ns": new.modified_ns,
        "link_mark": new.link_mark,
        "page_url": new.link.page_url,
        "media_url": new.link.media_url,
        "taken_at": new.link.taken_at.isoformat() if new.link.taken_at else None,
        "text": new.link.text,
        "link_confidence": new.link.confidence,
        "link_from": new.link.link_from,
        "start_ms": new.link.span.start_ms if new.link.span else None,
        "end_ms": new.link.span.end_ms if new.link.span else None,
        "rights": new.link.rights,
        "page_key": address_key(new.link.page_url),
        "media_key": address_key(new.link.media_url),
        "seen_in_run": run_id,
    }
    same_item = (sightings.c.source_id == new.source_id, sightings.c.item == new.item)
    replaced = connection.execute(update(sightings).where(*same_item).values(**values))
    if replaced.rowcount == 0:
        connection.execute(
            insert(sightings).values(source_id=new.source_id, item=new.item, **values)
        )


def _since(connection: Connection, photo_id: int, source_id: str) -> str | None:
    """Since when a photo is in a source's collection; None where it is not."""
    other = sources.alias("other")
    since: str | None = connection.execute(
        select(func.min(sightings.c.added_at))
        .join(sources, sources.c.source_id == sightings.c.source_id)
        .join(other, other.c.collection_id == sources.c.collection_id)
        .where(sightings.c.photo_id == photo_id, other.c.source_id == source_id)
    ).scalar_one()
    return since


def mark_seen(connection: Connection, sighting_ids: Sequence[int], *, run_id: str) -> None:
    """Note that this run met items which have not changed."""
    if sighting_ids:
        connection.execute(
            update(sightings)
            .where(sightings.c.sighting_id.in_(sighting_ids))
            .values(seen_in_run=run_id)
        )


def mark_item_seen(
    connection: Connection, source_id: str, item: str, *, below: bool, run_id: str
) -> None:
    """Note that a run cannot tell whether an item, or everything ``below`` it, is still there."""
    places = [sightings.c.item == item]
    if below:
        # Ranges, one at a time, so that each goes by the index; a video's frames are below it.
        folder = item.rstrip("/")
        places.append((sightings.c.item >= f"{folder}/") & (sightings.c.item < f"{folder}0"))
        places.append(is_frame_of(item))
    for here in places:
        connection.execute(
            update(sightings)
            .where(sightings.c.source_id == source_id, here)
            .values(seen_in_run=run_id)
        )


def delete_item(connection: Connection, source_id: str, item: str) -> int | None:
    """Delete the sighting of an item, if there is one; returns its photo."""
    gone = connection.execute(
        delete(sightings)
        .where(sightings.c.source_id == source_id, sightings.c.item == item)
        .returning(sightings.c.photo_id)
    )
    return gone.scalar_one_or_none()


def items_held(connection: Connection, source_id: str, items: Iterable[str]) -> frozenset[str]:
    """Those of some items of a source that a photo, or a frame of a video, is held of."""
    found: set[str] = set()
    wanted = set(items)
    for some in in_chunks(wanted):
        query = select(sightings.c.item).where(
            sightings.c.source_id == source_id, sightings.c.item.in_(some)
        )
        found.update(connection.execute(query).scalars())
    for item in wanted - found:
        frames = select(sightings.c.item).where(
            sightings.c.source_id == source_id, is_frame_of(item)
        )
        if connection.execute(frames.limit(1)).first() is not None:
            found.add(item)
    return frozenset(found)


def count_of_source(connection: Connection, source_id: str) -> int:
    """How many sightings a source has."""
    query = select(func.count()).where(sightings.c.source_id == source_id)
    return int(connection.execute(query).scalar_one())


def count_unseen(connection: Connection, source_id: str, *, run_id: str) -> int:
    """How many sightings of a source a run has not met."""
    query = select(func.count()).where(
        sightings.c.source_id == source_id, sightings.c.seen_in_run != run_id
    )
    return int(connection.execute(query).scalar_one())


def delete_unseen(connection: Connection, source_id: str, *, run_id: str, limit: int) -> list[int]:
    """Delete up to ``limit`` sightings of a source that a run has not met; returns their photos."""
    return _delete_some(
        connection,
        limit,
        sightings.c.source_id == source_id,
        sightings.c.seen_in_run != run_id,
    )


def delete_some_of_source(connection: Connection, source_id: str, *, limit: int) -> list[int]:
    """Delete up to ``limit`` sightings of a source; returns their photos, one for each sighting."""
    return _delete_some(connection, limit, sightings.c.source_id == source_id)


def sightings_of_photos(
    connection: Connection, photo_ids: Iterable[int], *, collection_ids: Iterable[str]
) -> dict[int, list[StoredSighting]]:
    """Where photos were found within some collections, by photo id, in a stable order."""
    within = (
        select(sightings)
        .join(sources, sources.c.source_id == sightings.c.source_id)
        .where(sources.c.collection_id.in_(list(collection_ids)), shown())
        .order_by(sightings.c.source_id, sightings.c.item)
    )
    found: dict[int, list[StoredSighting]] = {}
    for some in in_chunks(photo_ids):
        for row in connection.execute(within.where(sightings.c.photo_id.in_(some))):
            found.setdefault(row.photo_id, []).append(stored_sighting(row))
    return found


def collections_of_photos(
    connection: Connection, photo_ids: Iterable[int]
) -> dict[int, frozenset[str]]:
    """The collections that photos are in, by photo id."""
    places = select(sightings.c.photo_id, sources.c.collection_id).join(
        sources, sources.c.source_id == sightings.c.source_id
    )
    found: dict[int, set[str]] = {}
    for some in in_chunks(photo_ids):
        for row in connection.execute(places.where(sightings.c.photo_id.in_(some)).distinct()):
            found.setdefault(row.photo_id, set()).add(row.collection_id)
    return {photo_id: frozenset(names) for photo_id, names in found.items()}


def delete_these(connection: Connection, sighting_ids: Iterable[int]) -> None:
    """Delete sightings."""
    for some in in_chunks(sighting_ids):
        connection.execute(delete(sightings).where(sightings.c.sighting_id.in_(some)))


def _delete_some(connection: Connection, limit: int, *conditions: ColumnElement[bool]) -> list[int]:
    some = select(sightings.c.sighting_id).where(*conditions).limit(limit)
    gone = connection.execute(
        delete(sightings).where(sightings.c.sighting_id.in_(some)).returning(sightings.c.photo_id)
    )
    return list(gone.scalars())


def stored_sighting(row: Row[*tuple[Any, ...]]) -> StoredSighting:
    """A sighting from a row that has its columns."""
    return StoredSighting(
        sighting_id=row.sighting_id,
        photo_id=row.photo_id,
        source_id=row.source_id,
        item=row.item,
        size=row.size,
        modified_ns=row.modified_ns,
        link_mark=row.link_mark,
        link=PageLink(
            page_url=row.page_url,
            media_url=row.media_url,
            taken_at=datetime.fromisoformat(row.taken_at) if row.taken_at else None,
            text=row.text,
            confidence=row.link_confidence,
            link_from=row.link_from,
            span=None if row.start_ms is None else Span(start_ms=row.start_ms, end_ms=row.end_ms),
            rights=row.rights,
        ),
    )
