"""Videos whose frames are all held, and the sightings of their frames."""

from __future__ import annotations

from typing import Protocol

from sqlalchemy import Connection, delete, insert, select, update

from likeness.records.stored import StoredSighting
from likeness.store.schema import sightings, videos
from likeness.store.sightings import is_frame_of, stored_sighting


class VideoMark(Protocol):
    """What tells one version of a video from another."""

    @property
    def item(self) -> str:
        """Its place within the source."""

    @property
    def size(self) -> int:
        """In bytes."""

    @property
    def modified_ns(self) -> int:
        """When it was last changed, in nanoseconds since 1970."""

    @property
    def link_mark(self) -> str:
        """Digest of what decides its links."""


def is_held(connection: Connection, source_id: str, video: VideoMark) -> bool:
    """Whether all frames of this version of a video were taken in, with these links."""
    row = connection.execute(
        select(videos).where(videos.c.source_id == source_id, videos.c.item == video.item)
    ).first()
    return row is not None and (row.size, row.modified_ns, row.link_mark) == (
        video.size,
        video.modified_ns,
        video.link_mark,
    )


def put_held(connection: Connection, source_id: str, video: VideoMark) -> None:
    """Note that all frames of a video were taken in."""
    connection.execute(
        delete(videos).where(videos.c.source_id == source_id, videos.c.item == video.item)
    )
    connection.execute(
        insert(videos).values(
            source_id=source_id,
            item=video.item,
            size=video.size,
            modified_ns=video.modified_ns,
            link_mark=video.link_mark,
        )
    )


def frames_seen(
    connection: Connection, source_id: str, item: str, *, run_id: str
) -> list[StoredSighting]:
    """Note that a run met a video that has not changed; returns the sightings of its frames."""
    frames = connection.execute(
        update(sightings)
        .where(sightings.c.source_id == source_id, is_frame_of(item))
        .values(seen_in_run=run_id)
        .returning(*sightings.c)
    ).all()
    return [stored_sighting(row) for row in frames]


def delete_frames_unseen(
    connection: Connection, source_id: str, item: str, *, run_id: str
) -> list[int]:
    """Delete the sightings of a video's frames that a run has not met; returns their photos."""
    gone = connection.execute(
        delete(sightings)
        .where(
            sightings.c.source_id == source_id,
            is_frame_of(item),
            sightings.c.seen_in_run != run_id,
        )
        .returning(sightings.c.photo_id)
    )
    return list(gone.scalars())
