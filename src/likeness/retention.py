"""Retention: what a collection has held for as long as its rule says goes -> receipt.

A photo counts from when it first came into the collection. It leaves that collection alone; where
nothing else holds it, it goes with its faces, links and preview, and an uploaded file with it.
Files in a user's own folder are never touched: the next scan of that folder passes them over for
as long as the collection has a rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from likeness.blocking import BlockList, block_list
from likeness.errors import LibraryBusy
from likeness.house import House, Progress, ProgressListener, no_progress
from likeness.keeping_out import mark_of_item, mark_of_photo
from likeness.removal import append_removal
from likeness.rescan import rescan_where_possible
from likeness.store import collections as collection_rows
from likeness.store import retention as rows
from likeness.store.concerned import delete_without_sighting
from likeness.store.links import forget_where_left
from likeness.store.sightings import delete_these
from likeness.turns import taking_turns
from likeness.uploaded import sweep

SIGHTINGS_AT_ONCE = 1000


@dataclass(frozen=True, kw_only=True)
class RetainedIn:
    """What went of one collection.

    Attributes
    ----------
    collection_id, serial : str
    sightings, photos : int
        Photos are counted in the collection: another may hold them still.
    receipt : bytes
        The signed receipt, as a file's content.
    """

    collection_id: str
    serial: str
    sightings: int
    photos: int
    receipt: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Retained:
    """What a run of the rules took out.

    Attributes
    ----------
    collections : tuple of RetainedIn
        Those of which anything went.
    """

    collections: tuple[RetainedIn, ...]

    @property
    def sightings(self) -> int:
        """How many went in all."""
        return sum(one.sightings for one in self.collections)

    @property
    def photos(self) -> int:
        """How many photos left a collection."""
        return sum(one.photos for one in self.collections)


def apply_retention(house: House, *, progress: ProgressListener = no_progress) -> Retained:
    """Take out what collections have held for as long as their rule says.

    Killed and run again it goes on where it was, and the receipt tells of all of it.

    Raises
    ------
    LogTampered
        The audit log is damaged: what is due is gone, and its receipt waits.
    """
    with taking_turns(house, "retention"):
        # (1) What is due goes, in bounded batches.
        with house.store.snapshot() as connection:
            concerned = rows.collections_concerned(connection)
        gone = sum(_take_out(house, collection_id, progress) for collection_id in concerned)
        # (2) So do uploaded files, and nothing of the rows stays in the files.
        files: Counter[str] = Counter()
        if gone or _untold(house, concerned):
            files = sweep(house)
            with suppress(LibraryBusy):
                house.store.overwrite_deleted()
        # (3) A receipt for each collection.
        receipts = [
            _told(house, collection_id, files[collection_id]) for collection_id in concerned
        ]
    # (4) Photos that other collections hold are compared anew with the people of those alone.
    if gone:
        rescan_where_possible(house, progress=progress)
    return Retained(collections=tuple(one for one in receipts if one is not None))


def count_due(house: House, name: str, *, retention_days: int) -> int:
    """How many photos would leave a collection under a rule, as of now.

    Raises
    ------
    NotFound
        There is no such collection.
    """
    before = house.clock() - timedelta(days=retention_days)
    with house.store.snapshot() as connection:
        collection = collection_rows.collection_named(connection, name)
        return rows.count_due(connection, collection.collection_id, before=before)[1]


def _take_out(house: House, collection_id: str, progress: ProgressListener) -> int:
    blocks = block_list(house)
    with house.store.snapshot() as connection:
        before = _limit(house, connection, collection_id)
        if before is None:
            return 0
        total, _ = rows.count_due(connection, collection_id, before=before)
    gone = 0
    while some := _batch(house, blocks, collection_id):
        gone += some
        progress(Progress(phase="retention", done=gone, total=max(total, gone)))
    return gone


def _batch(house: House, blocks: BlockList, collection_id: str) -> int:
    with house.store.transaction() as connection:
        # Asked again each time: the rule may be lifted meanwhile.
        before = _limit(house, connection, collection_id)
        if before is None:
            return 0
        due = rows.due(connection, collection_id, before=before, limit=SIGHTINGS_AT_ONCE)
        delete_these(connection, [one.sighting_id for one in due])
        photo_ids = {one.photo_id for one in due}
        forget_where_left(connection, photo_ids, collection_id)
        delete_without_sighting(connection, photo_ids)
        rows.put_marks(
            connection,
            collection_id,
            sightings=(mark_of_item(blocks, one.source_id, one) for one in due),
            photos=(mark_of_photo(blocks, collection_id, one.sha256) for one in due),
        )
    return len(due)


def _limit(house: House, connection: Connection, collection_id: str) -> datetime | None:
    days = collection_rows.collection_with(connection, collection_id).retention_days
    return None if days is None else house.clock() - timedelta(days=days)


def _untold(house: House, collection_ids: Iterable[str]) -> bool:
    with house.store.snapshot() as connection:
        return any(
            any(rows.count_untold(connection, collection_id).values())
            for collection_id in collection_ids
        )


def _told(house: House, collection_id: str, files: int) -> RetainedIn | None:
    """The receipt for what went of a collection since the last one; None where nothing did."""
    if not _untold(house, [collection_id]):
        return None
    with house.transaction() as connection:
        counts = rows.count_untold(connection, collection_id)
        if files:
            counts["files"] = files
        details = {"collection": collection_id, "did": "retention"}
        serial, document = append_removal(house, connection, counts=counts, details=details)
        rows.set_told(connection, collection_id)
        if _limit(house, connection, collection_id) is None:
            rows.forget_marks(connection, collection_id)
    return RetainedIn(
        collection_id=collection_id,
        serial=serial,
        sightings=counts["sightings"],
        photos=counts["photos"],
        receipt=document,
    )
