"""Notices as kept, what they hide and purge, and the block list."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from likeness.records.notice import StoredNotice
from likeness.store.chunks import in_chunks
from likeness.store.schema import (
    blocks,
    faces,
    fetched,
    links,
    notices,
    photos,
    proposals,
    sightings,
    sources,
    stopped_sources,
    videos,
)

MARKS_AT_ONCE = 500


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


def insert_notice(
    connection: Connection, notice: StoredNotice, *, low_key: str | None, high_key: str | None
) -> None:
    """Keep a notice, and the range of address keys that it hides from now on."""
    connection.execute(
        insert(notices).values(
            notice_id=notice.notice_id,
            kind=notice.kind,
            state=notice.state,
            given_at=notice.given_at.isoformat(),
            serial=notice.serial,
            sealed=notice.sealed,
            commitment=notice.commitment,
            low_key=low_key,
            high_key=high_key,
            counts=json.dumps(dict(notice.counts)),
        )
    )


def all_notices(connection: Connection) -> list[StoredNotice]:
    """Every notice, newest first."""
    rows = connection.execute(select(notices).order_by(notices.c.given_at.desc()))
    return [_notice(row) for row in rows]


def notice_by_id(connection: Connection, notice_id: str) -> StoredNotice | None:
    """The notice with this id, or None."""
    row = connection.execute(select(notices).where(notices.c.notice_id == notice_id)).first()
    return _notice(row) if row else None


def set_done(connection: Connection, notice_id: str, *, at: datetime) -> None:
    """Note that all is gone; the address that it was about is forgotten but for keyed hashes."""
    connection.execute(
        update(notices)
        .where(notices.c.notice_id == notice_id)
        .values(state="done", done_at=at.isoformat(), low_key=None, high_key=None)
    )


def set_lifted(connection: Connection, notice_id: str, *, at: datetime) -> None:
    """Take a notice's blocks back; sources that no other notice stops count as removed."""
    connection.execute(
        update(notices)
        .where(notices.c.notice_id == notice_id)
        .values(state="lifted", lifted_at=at.isoformat(), low_key=None, high_key=None)
    )
    connection.execute(delete(blocks).where(blocks.c.notice_id == notice_id))
    connection.execute(delete(stopped_sources).where(stopped_sources.c.notice_id == notice_id))
    still = exists().where(stopped_sources.c.source_id == sources.c.source_id)
    connection.execute(
        update(sources).where(sources.c.state == "stopped", ~still).values(state="removed")
    )


def add_counts(connection: Connection, notice_id: str, gone: Mapping[str, int]) -> None:
    """Count what went."""
    kept = connection.execute(
        select(notices.c.counts).where(notices.c.notice_id == notice_id)
    ).scalar_one()
    counts: dict[str, int] = json.loads(kept)
    for name, number in gone.items():
        counts[name] = counts.get(name, 0) + number
    connection.execute(
        update(notices)
        .where(notices.c.notice_id == notice_id)
        .values(counts=json.dumps(counts, sort_keys=True))
    )


def stop_sources(connection: Connection, notice_id: str, source_ids: Iterable[str]) -> None:
    """Stop sources: nothing of theirs shows, and nothing more is taken in."""
    for source_id in source_ids:
        connection.execute(insert(stopped_sources).values(source_id=source_id, notice_id=notice_id))
        connection.execute(
            update(sources).where(sources.c.source_id == source_id).values(state="stopped")
        )


def stopped_by(connection: Connection, notice_id: str) -> list[str]:
    """Ids of the sources that a notice stopped."""
    rows = connection.execute(
        select(stopped_sources.c.source_id).where(stopped_sources.c.notice_id == notice_id)
    )
    return sorted(rows.scalars())


def stop_photos(connection: Connection, hashes: Iterable[str]) -> int:
    """Let nothing of these photos (by SHA-256) show; returns how many are held."""
    stopped = 0
    for some in in_chunks(hashes):
        stopped += connection.execute(
            update(photos).where(photos.c.sha256.in_(some)).values(stopped=1)
        ).rowcount
    return stopped


def put_blocks(connection: Connection, notice_id: str, marks: Iterable[bytes]) -> None:
    """Add marks to the block list."""
    rows = [{"mark": mark, "notice_id": notice_id} for mark in set(marks)]
    if rows:
        connection.execute(insert(blocks).prefix_with("OR IGNORE"), rows)


def blocked(connection: Connection, marks: Iterable[bytes]) -> frozenset[bytes]:
    """Those of the marks that are on the block list."""
    wanted = sorted(set(marks))
    found: set[bytes] = set()
    for start in range(0, len(wanted), MARKS_AT_ONCE):
        some = wanted[start : start + MARKS_AT_ONCE]
        rows = connection.execute(select(blocks.c.mark).where(blocks.c.mark.in_(some)))
        found.update(bytes(mark) for mark in rows.scalars())
    return frozenset(found)


def any_blocks(connection: Connection) -> bool:
    """Whether anything is on the block list."""
    return connection.execute(select(blocks.c.mark).limit(1)).first() is not None


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
    concerned = or_(*_conditions(keys, source_ids, hashes))
    touched = select(sightings.c.photo_id).where(concerned).distinct().subquery()
    other = sightings.alias("other")
    of_other = or_(*_conditions(keys, source_ids, hashes, of=other))
    stays = exists().where(other.c.photo_id == touched.c.photo_id, ~of_other)
    every = int(connection.execute(select(func.count()).where(concerned)).scalar_one())
    photo_count = int(connection.execute(select(func.count()).select_from(touched)).scalar_one())
    staying = int(
        connection.execute(select(func.count()).select_from(touched).where(stays)).scalar_one()
    )
    files = (
        select(func.count())
        .select_from(sightings.join(sources, sources.c.source_id == sightings.c.source_id))
        .where(concerned, sources.c.kind == "folder")
    )
    return {
        "sightings": every,
        "photos": photo_count - staying,
        "photos_kept": staying,
        "files_left": int(connection.execute(files).scalar_one()),
    }


def delete_sightings(connection: Connection, gone: Sequence[Concerned]) -> None:
    """Delete sightings, and what was kept to ask whether they changed."""
    for some in in_chunks([one.sighting_id for one in gone]):
        connection.execute(delete(sightings).where(sightings.c.sighting_id.in_(some)))
    for one in gone:
        video = one.item.partition("#t=")[0]
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


def forget_sources(connection: Connection, notice_id: str) -> None:
    """Delete what was kept of the sources that a notice stopped, apart from their sightings."""
    for source_id in stopped_by(connection, notice_id):
        connection.execute(delete(fetched).where(fetched.c.source_id == source_id))
        connection.execute(delete(videos).where(videos.c.source_id == source_id))


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


def _notice(row: Row[*tuple[Any, ...]]) -> StoredNotice:
    return StoredNotice(
        notice_id=row.notice_id,
        kind=row.kind,
        state=row.state,
        given_at=datetime.fromisoformat(row.given_at),
        done_at=datetime.fromisoformat(row.done_at) if row.done_at else None,
        lifted_at=datetime.fromisoformat(row.lifted_at) if row.lifted_at else None,
        serial=row.serial,
        sealed=bytes(row.sealed),
        commitment=row.commitment,
        counts=json.loads(row.counts),
    )
