"""Ingest: source -> photo -> faces -> compare with the gallery -> links.

Templates that match nobody are dropped with their batch.

Killed at any point and run again, it ends in the same state: each batch commits whole, a photo is
known by its content and a sighting by its source and item. A notice or a removal stops it at once.
"""

from __future__ import annotations

from dataclasses import replace

from likeness.account import IngestReport, ItemListener, Skipped, Tally, no_items
from likeness.arrivals import arrivals
from likeness.blocking import block_list, require_not_blocked
from likeness.copies import Looks
from likeness.errors import SourceUnreadable
from likeness.house import House, Progress, ProgressListener, new_id, no_progress
from likeness.keeping import keep, require_active
from likeness.listing import listed, watched
from likeness.records.collection import Collection, SourceRecord
from likeness.rescan import rescan
from likeness.sources.base import Source
from likeness.store import collections as collection_rows
from likeness.store.links import forget_where_left
from likeness.store.photos import delete_orphans
from likeness.store.sightings import count_of_source, count_unseen, delete_unseen
from likeness.turns import taking_turns

AT_ONCE = 500

__all__ = ["IngestReport", "Skipped", "ingest", "remove_orphans"]


def ingest(
    house: House,
    source: Source,
    *,
    collection: Collection,
    progress: ProgressListener = no_progress,
    items: ItemListener = no_items,
) -> IngestReport:
    """Take the photos of a source into a collection.

    Parameters
    ----------
    items : callable
        Hears what became of each item, once that is durable.

    Raises
    ------
    SourceUnreadable
        Where the source is not there, or everything known from it has vanished at once.
    SourceBlocked
        Where the source was removed or a notice stops it; also while running.
    NotAuthorised
        Where no live proof says that its owner allows it.
    PackMismatch
        Where the library's model pack is not here, or changed meanwhile.
    """
    blocks = block_list(house)
    # (1) The source is known to the collection and nobody has stopped it.
    record, run_id = _begin(house, source, collection)
    tally, looks = Tally(listener=items), Looks()
    # What one run has not met is gone: two at once over one source would undo each other.
    with taking_turns(house, f"add-{record.source_id}"), watched(house, record, source) as stop:
        # (2) List it for as long as nobody stops it; read, look and compare, a bounded number of
        # batches ahead of (3).
        total = source.count()
        progress(Progress(phase="photos", done=0, total=total))
        entries = listed(house, source, record, stop)
        for batch in arrivals(house, entries, record, blocks):
            # (3) Keep each batch whole, but for what a notice is about; its templates go with it.
            keep(house, record, run_id, batch, tally, blocks=blocks, looks=looks)
            done = tally.found
            progress(Progress(phase="photos", done=done, total=total and max(total, done)))
        # (4) What is no longer there loses its sighting, and a photo without one goes.
        tally.gone += _remove_gone(house, source, record, run_id, tally)
    # (5) Photos that wait, such as those that came into a further collection in this run or in one
    # that was killed, are compared.
    rescan(house, progress=progress)
    # (6) The account of the run, in the audit log before it is given.
    report = tally.report(
        recognised=source.recognised(), source_id=record.source_id, matched=source.remarks()
    )
    _end(house, record, run_id, report)
    return report


def _begin(house: House, source: Source, collection: Collection) -> tuple[SourceRecord, str]:
    run_id, now = new_id("run"), house.clock()
    blocks = block_list(house)
    with house.transaction() as connection:
        house.require_pack(connection)
        require_not_blocked(connection, blocks, kind=source.kind, address=source.address)
        record = collection_rows.source_at(
            connection, collection.collection_id, kind=source.kind, address=source.address
        )
        if record is None:
            record = SourceRecord(
                source_id=new_id("src"),
                collection_id=collection.collection_id,
                kind=source.kind,
                address=source.address,
                state="active",
                added_at=now,
            )
            collection_rows.insert_source(connection, record)
        elif record.state == "removed":
            # `remove` takes a source out; adding it again by name is the operator's own new start.
            collection_rows.set_source_state(connection, record.source_id, "active")
            record = replace(record, state="active")
        require_active(connection, record)
        collection_rows.begin_run(connection, run_id=run_id, source_id=record.source_id, at=now)
    return record, run_id


def _remove_gone(
    house: House, source: Source, record: SourceRecord, run_id: str, tally: Tally
) -> int:
    if not source.whole:
        remove_orphans(house)
        return 0
    with house.store.snapshot() as connection:
        unseen = count_unseen(connection, record.source_id, run_id=run_id)
        known = count_of_source(connection, record.source_id)
    if tally.found == 0 and unseen == known > 0:
        raise SourceUnreadable(
            f"None of the {known} photos known from this folder is there any more; nothing was "
            "removed.",
            "Is its disk connected? To take the photos out: likeness remove SOURCE",
        )
    gone = 0
    while True:
        with house.transaction() as connection:
            photos = delete_unseen(connection, record.source_id, run_id=run_id, limit=AT_ONCE)
            forget_where_left(connection, set(photos), record.collection_id)
        gone += len(photos)
        if len(photos) < AT_ONCE:
            break
    remove_orphans(house)
    return gone


def remove_orphans(house: House) -> int:
    """Delete photos that have no sighting left, a bounded number at a time; returns how many."""
    removed = 0
    while True:
        with house.transaction() as connection:
            some = delete_orphans(connection, limit=AT_ONCE)
        removed += some
        if some < AT_ONCE:
            return removed


def _end(house: House, record: SourceRecord, run_id: str, report: IngestReport) -> None:
    now = house.clock()
    account = {
        "found": report.found,
        "new": report.new,
        "known": report.known,
        "without_link": report.without_link,
        "gone": report.gone,
        "skipped": report.skipped_count,
    }
    with house.transaction() as connection:
        collection_rows.end_run(connection, run_id, at=now, account=account)
        house.audit_deed(connection, kind="ingest", details={"source": record.source_id, **account})
