"""What a source tells, with its videos opened into frames, for as long as nobody stops it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from likeness.errors import LikenessError, PhotoUnreadable, SourceBlocked
from likeness.house import House
from likeness.records.collection import SourceRecord
from likeness.sources.base import SkippedEntry, Source, SourceEntry, VideoEntry, stopped
from likeness.sources.video.frames import frames_of
from likeness.store import collections as collection_rows
from likeness.store.videos import is_held

WATCH_SECONDS = 0.2
"""How often a run looks whether its source was stopped."""


@dataclass(frozen=True, kw_only=True)
class WholeVideo:
    """Comes after the last frame of a video.

    Attributes
    ----------
    entry : VideoEntry
    held : bool
        True where it is as it was when all its frames were taken in, so that it was not opened.
    """

    entry: VideoEntry
    held: bool


Listed = SourceEntry | SkippedEntry | WholeVideo


def listed(
    house: House, source: Source, record: SourceRecord, stop: threading.Event
) -> Iterator[Listed]:
    """Every entry of a source in its order; in place of a video its frames, then the whole of it.

    Raises
    ------
    SourceUnreadable
        The source as a whole cannot be listed.
    SourceBlocked
        It was stopped.
    """
    for entry in source.entries():
        if stop.is_set():
            raise stopped()
        if isinstance(entry, VideoEntry):
            yield from _frames(house, record, entry, stop)
        else:
            yield entry
    if stop.is_set():
        raise stopped()


@contextmanager
def watched(house: House, record: SourceRecord, source: Source) -> Iterator[threading.Event]:
    """Stop the source, and set the event, as soon as the store says that it is stopped.

    Raises
    ------
    SourceBlocked
        It is stopped already.
    """
    if not _is_active(house, record):
        raise stopped()
    stop, over = threading.Event(), threading.Event()

    def watch() -> None:
        while not over.wait(WATCH_SECONDS):
            try:
                active = _is_active(house, record)
            except LikenessError:
                # A library that cannot be asked allows nothing more.
                active = False
            if not active:
                stop.set()
                source.stop()
                return

    watcher = threading.Thread(target=watch, name="likeness-watch", daemon=True)
    watcher.start()
    try:
        yield stop
    finally:
        over.set()
        watcher.join()


def still_active(house: House, source_id: str) -> None:
    """Check that a source may be asked for more, as the store says now.

    Raises
    ------
    SourceBlocked
        It may not.
    """
    with house.store.snapshot() as connection:
        current = collection_rows.source_by_id(connection, source_id)
    if current is None or current.state != "active":
        raise stopped()


def _is_active(house: House, record: SourceRecord) -> bool:
    try:
        still_active(house, record.source_id)
    except SourceBlocked:
        return False
    return True


def _frames(
    house: House, record: SourceRecord, entry: VideoEntry, stop: threading.Event
) -> Iterator[Listed]:
    with house.store.snapshot() as connection:
        held = is_held(connection, record.source_id, entry)
    if not held:
        try:
            yield from frames_of(entry, stop=stop)
        except PhotoUnreadable as error:
            # What came before it broke stays, as does what is known of it from an earlier run.
            yield SkippedEntry(item=entry.item, reason=error.reason, hides=True)
            return
    yield WholeVideo(entry=entry, held=held)
