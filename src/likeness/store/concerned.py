"""What a notice is about in the library: counted, and taken out some at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, or_, select

from likeness.store.chunks import in_chunks
from likeness.store.schema import (
    faces,
    fetched,
    links,
    photos,
    proposals,
    sightings,
    sources,
    videos,
)
from likeness.store.sightings import FRAME, delete_these, is_frame_of


@dataclass(frozen=True, kw_only=True)
class Concerned:
    """A sighting that a notice is about.

    Attributes
    ----------
    sighting_id, photo_id : int
    source_id, collection_id, kind, item : str
        ``kind`` is that of the source.
    page_url, media_url : str
    """

    sighting_id: int
    photo_id: int
    source_id: str
    collection_id: str
    kind: str
    item: str
    page_url: str
    media_url: str


def concerned_by(
    connection: Connection,
    keys: tuple[str, str] | None,
    source_ids: Sequence[str],
    hashes: Sequence[str],
    *,
    limit: int,
) -> list[Concerned]:
    """Some of the sightings that a notice is about, at most ``limit``.

    Parameters
    ----------
    keys : (low, high) or None
        The range of address keys that it is about.
    source_ids : sequence of str
        Sources that it stopped.
    hashes : sequence of str
        SHA-256 of photos that it is about.
    """
    found: dict[int, Concerned] = {}
    # One condition at a time, so that each goes by an index.
    for condition in _conditions(keys, source_ids, hashes):
        left = limit - len(found)
        if left <= 0:
            break
        query = (
            select(
                sightings.c.sighting_id,
                sightings.c.photo_id,
                sightings.c.item,
                sightings.c.page_url,
                sightings.c.media_url,
                sources.c.source_id,
                sources.c.collection_id,
                sources.c.kind,
            )
            .join(sources, sources.c.source_id == sightings.c.source_id)
            .where(condition)
            .limit(left)
        )
        for row in connection.execute(query):
            found[row.sighting_id] = Concerned(**row._mapping)
    return list(found.values())


def count_concerned(
    connection: Connection,
    keys: tuple[str, str] | None,
    source_ids: Sequence[str],
    hashes: Sequence[str],
) -> dict[str, int]:
    """What a notice would take: sightings, photos that would go, photos that would stay.

    Parameters
    ----------
    keys : (low, high) or None
    source_ids : sequence of str
        Sources that it would stop.
    hashes : sequence of str
        SHA-256 of photos that it would be about.
    """
    every = count_sightings(connection, keys, source_ids, hashes)
    concerned = or_(*_conditions(keys, source_ids, hashes))
    touched = select(sightings.c.photo_id).where(concerned).distinct().subquery()
    other = sightings.alias("other")
    of_other = or_(*_conditions(keys, source_ids, hashes, of=other))
    stays = exists().where(other.c.photo_id == touched.c.photo_id, ~of_other)
    photo_count = int(connection.execute(select(func.count()).select_from(touched)).scalar_one())
    staying = int(
        connection.execute(select(func.count()).select_from(touched).where(stays)).scalar_one()
    )
    in_folders = sightings.join(sources, sources.c.source_id == sightings.c.source_id)
    start = func.instr(sightings.c.item, FRAME)
    video = sightings.c.source_id + "\n" + func.substr(sightings.c.item, 1, start)
    plain, films = (
        connection.execute(
            select(counted)
            .select_from(in_folders)
            .where(concerned, sources.c.kind == "folder", is_it)
        ).scalar_one()
        for counted, is_it in (
            (func.count(), start == 0),
            (func.count(video.distinct()), start > 0),
        )
    )
    return {
        "sightings": every,
        "photos": photo_count - staying,
        "photos_kept": staying,
        "files_left": int(plain) + int(films),
    }


def count_sightings(
    connection: Connection,
    keys: tuple[str, str] | None,
    source_ids: Sequence[str],
    hashes: Sequence[str],
) -> int:
    """How many sightings a notice is about; the arguments are those of `count_concerned`."""
    concerned = or_(*_conditions(keys, source_ids, hashes))
    return int(connection.execute(select(func.count()).where(concerned)).scalar_one())


def photos_left(
    connection: Connection,
    photo_ids: Iterable[int],
    keys: tuple[str, str] | None,
    source_ids: Sequence[str],
    hashes: Sequence[str],
) -> int:
    """How many of some photos have sightings left, and none that a notice is about.

    So that each photo is counted in one batch alone: the last that is about it.
    """
    kept = 0
    for some in in_chunks(photo_ids):
        query = select(sightings.c.photo_id).where(sightings.c.photo_id.in_(some)).distinct()
        left = set(connection.execute(query).scalars())
        for condition in _conditions(keys, source_ids, hashes):
            left.difference_update(connection.execute(query.where(condition)).scalars())
        kept += len(left)
    return kept


def files_left(
    connection: Connection,
    gone: Sequence[Concerned],
    keys: tuple[str, str] | None,
    source_ids: Sequence[str],
    hashes: Sequence[str],
) -> int:
    """How many files in folders the sightings were of that are gone.

    A video is one, and counted with the last of its frames that the notice is about.
    """
    places = [(one.source_id, *one.item.partition(FRAME)) for one in gone if one.kind == "folder"]
    videos_gone = {(source_id, item) for source_id, item, frame, _ in places if frame}
    count = sum(not frame for _, _, frame, _ in places)
    for source_id, item in videos_gone:
        frames = select(sightings.c.sighting_id).where(
            sightings.c.source_id == source_id, is_frame_of(item)
        )
        conditions = _conditions(keys, source_ids, hashes)
        count += not any(
            connection.execute(frames.where(condition).limit(1)).first() for condition in conditions
        )
    return count


def delete_sightings(connection: Connection, gone: Sequence[Concerned]) -> None:
    """Delete sightings, and what was kept to ask whether they changed."""
    delete_these(connection, [one.sighting_id for one in gone])
    for one in gone:
        video = one.item.partition(FRAME)[0]
        if video != one.item:
            connection.execute(
                delete(videos).where(videos.c.source_id == one.source_id, videos.c.item == video)
            )
        if one.kind in ("website", "iiif"):
            connection.execute(
                delete(fetched).where(
                    fetched.c.source_id == one.source_id,
                    fetched.c.url.in_((one.page_url, one.media_url)),
                )
            )


def forget_some_of_sources(
    connection: Connection, source_ids: Iterable[str], *, limit: int
) -> bool:
    """Delete some of what was kept of sources apart from their sightings; whether any was left."""
    for source_id in source_ids:
        for table, name in ((fetched, "url"), (videos, "item")):
            column = table.c[name]
            some = select(column).where(table.c.source_id == source_id).limit(limit)
            gone = connection.execute(
                delete(table).where(table.c.source_id == source_id, column.in_(some))
            )
            if gone.rowcount:
                return True
    return False


def photos_without_sighting(connection: Connection, hashes: Iterable[str]) -> list[int]:
    """Ids of those of some photos (by SHA-256) that no sighting is left of."""
    found: list[int] = []
    for some in in_chunks(hashes):
        found += connection.execute(
            select(photos.c.photo_id).where(
                photos.c.sha256.in_(some),
                ~exists().where(sightings.c.photo_id == photos.c.photo_id),
            )
        ).scalars()
    return found


def delete_without_sighting(
    connection: Connection, photo_ids: Iterable[int]
) -> tuple[list[str], dict[str, int]]:
    """Delete those of the photos that no sighting is left of, with their faces and links.

    Returns
    -------
    (list of str, dict)
        Their SHA-256, and how many photos, faces and links went.
    """
    hashes: list[str] = []
    counts = {"photos": 0, "faces": 0, "links": 0}
    for some in in_chunks(photo_ids):
        orphaned = connection.execute(
            select(photos.c.photo_id, photos.c.sha256).where(
                photos.c.photo_id.in_(some),
                ~exists().where(sightings.c.photo_id == photos.c.photo_id),
            )
        ).all()
        ids = [row.photo_id for row in orphaned]
        hashes += [row.sha256 for row in orphaned]
        counts["links"] += connection.execute(
            delete(links).where(links.c.photo_id.in_(ids))
        ).rowcount
        connection.execute(delete(proposals).where(proposals.c.photo_id.in_(ids)))
        counts["faces"] += connection.execute(
            delete(faces).where(faces.c.photo_id.in_(ids))
        ).rowcount
        counts["photos"] += connection.execute(
            delete(photos).where(photos.c.photo_id.in_(ids))
        ).rowcount
    return hashes, counts


def _conditions(
    keys: tuple[str, str] | None,
    source_ids: Sequence[str],
    hashes: Sequence[str],
    *,
    of: Any = sightings,
) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [of.c.source_id.in_(source_ids)]
    if hashes:
        about = select(photos.c.photo_id).where(photos.c.sha256.in_(hashes))
        found.append(of.c.photo_id.in_(about))
    if keys is not None:
        found += [_between(of.c.page_key, keys), _between(of.c.media_key, keys)]
    return found


def _between(column: Any, keys: tuple[str, str]) -> ColumnElement[bool]:
    return and_(column >= keys[0], column < keys[1])
