"""Notices as kept, the sources that they stop, and the block list."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, exists, insert, literal, select, update

from likeness.records.notice import StoredNotice
from likeness.store.chunks import in_chunks
from likeness.store.schema import blocks, notices, photos, sources, stopped_sources, videos


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


def set_lifted(
    connection: Connection, notice_id: str, *, at: datetime, heir: str | None = None
) -> None:
    """Take a notice's blocks back; sources that no other notice stops count as removed.

    Parameters
    ----------
    heir : str, optional
        Another notice about the same: what this one blocked stays out by that.
    """
    connection.execute(
        update(notices)
        .where(notices.c.notice_id == notice_id)
        .values(state="lifted", lifted_at=at.isoformat(), low_key=None, high_key=None)
    )
    if heir is not None:
        own = select(blocks.c.mark, literal(heir)).where(blocks.c.notice_id == notice_id)
        inherited = insert(blocks).prefix_with("OR IGNORE")
        connection.execute(inherited.from_select(["mark", "notice_id"], own))
    connection.execute(delete(blocks).where(blocks.c.notice_id == notice_id))
    connection.execute(delete(stopped_sources).where(stopped_sources.c.notice_id == notice_id))
    still = exists().where(stopped_sources.c.source_id == sources.c.source_id)
    connection.execute(
        update(sources).where(sources.c.state == "stopped", ~still).values(state="removed")
    )
    # Videos whose frames were passed over are to be looked at again.
    connection.execute(delete(videos))


def notice_with(connection: Connection, marks: Sequence[bytes], *, other_than: str) -> str | None:
    """Another notice that has all of these marks on the block list, or None."""
    found: set[str] | None = None
    for mark in marks:
        rows = connection.execute(
            select(blocks.c.notice_id).where(
                blocks.c.mark == mark, blocks.c.notice_id != other_than
            )
        ).scalars()
        found = set(rows) if found is None else found.intersection(rows)
    return min(found) if found else None


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
    found: set[bytes] = set()
    for some in in_chunks(marks):
        rows = connection.execute(select(blocks.c.mark).where(blocks.c.mark.in_(some)))
        found.update(bytes(mark) for mark in rows.scalars())
    return frozenset(found)


def any_blocks(connection: Connection) -> bool:
    """Whether anything is on the block list."""
    return connection.execute(select(blocks.c.mark).limit(1)).first() is not None


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
