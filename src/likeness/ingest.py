"""Ingest: source -> photo -> faces -> compare with the gallery -> links.

Templates that match nobody are dropped with their batch.

Killed at any point and run again, it ends in the same state: each batch commits whole, a photo is
known by its content and a sighting by its source and item.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from likeness.arrivals import Arrival, Batch, Comparison, arrivals, compare, read_again
from likeness.errors import SourceBlocked, SourceUnreadable
from likeness.house import House, Progress, ProgressListener, new_id, no_progress
from likeness.matching import decide_photo
from likeness.records.collection import Collection, SourceRecord
from likeness.records.reference import Match
from likeness.records.stored import StoredPhoto
from likeness.rescan import rescan
from likeness.sources.base import SkippedEntry, Source, SourceEntry
from likeness.store import collections as collection_rows
from likeness.store.links import forget_where_left, put_link, put_proposals
from likeness.store.photos import (
    NEVER_MATCHED,
    NewPhoto,
    delete_orphans,
    insert_photo,
    photo_by_sha256,
    set_matched_through,
)
from likeness.store.sightings import (
    NewSighting,
    collections_of_photos,
    count_of_source,
    count_unseen,
    delete_unseen,
    mark_item_seen,
    mark_seen,
    put_sighting,
    sighting_of,
)
from likeness.turns import taking_turns

AT_ONCE = 500


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """Something that was not taken in, and why.

    Attributes
    ----------
    item, reason : str
    """

    item: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class IngestReport:
    """The account of one run.

    Attributes
    ----------
    found : int
        Photos that the source lists.
    new : int
        Photos that the library did not hold.
    known : int
        Photos that it held already, by the same sighting or another.
    gone : int
        Sightings whose item is no longer there.
    skipped : tuple of Skipped
    faces : int
        Faces found in new photos.
    linked, proposed : int
        Links and proposals made for faces of new photos, of people whom the acting account may
        find.
    """

    found: int = 0
    new: int = 0
    known: int = 0
    gone: int = 0
    skipped: tuple[Skipped, ...] = ()
    faces: int = 0
    linked: int = 0
    proposed: int = 0


@dataclass(kw_only=True)
class _Tally:
    """Counts of the run so far; links are counted of people who may be told of."""

    told_of: frozenset[str] = frozenset()
    found: int = 0
    new: int = 0
    known: int = 0
    faces: int = 0
    linked: int = 0
    proposed: int = 0
    skipped: list[Skipped] = field(default_factory=list)


def ingest(
    house: House,
    source: Source,
    *,
    collection: Collection,
    progress: ProgressListener = no_progress,
) -> IngestReport:
    """Take the photos of a source into a collection.

    Raises
    ------
    SourceUnreadable
        Where the source is not there, or everything known from it has vanished at once.
    SourceBlocked
        Where the source was removed; also while running.
    PackMismatch
        Where the library's model pack is not here, or changed meanwhile.
    """
    # (1) The source is known to the collection and nobody has stopped it.
    record, run_id = _begin(house, source, collection)
    tally = _Tally()
    # What one run has not met is gone: two at once over one source would undo each other.
    with taking_turns(house, f"add-{record.source_id}"):
        # (2) Read, look and compare, a bounded number of batches ahead of (3).
        total = sum(1 for entry in source.entries() if isinstance(entry, SourceEntry))
        progress(Progress(phase="photos", done=0, total=total))
        for batch in arrivals(house, source, record):
            # (3) Keep each batch whole; its templates go with it.
            _keep(house, record, run_id, batch, tally)
            progress(Progress(phase="photos", done=tally.found, total=max(total, tally.found)))
        # (4) What is no longer there loses its sighting, and a photo without one goes.
        gone = _remove_gone(house, source, record, run_id, tally)
    # (5) Photos that wait, such as those that came into a further collection in this run or in one
    # that was killed, are compared.
    rescan(house, progress=progress)
    # (6) The account of the run, in the audit log before it is given.
    report = IngestReport(
        found=tally.found,
        new=tally.new,
        known=tally.known,
        gone=gone,
        skipped=tuple(tally.skipped),
        faces=tally.faces,
        linked=tally.linked,
        proposed=tally.proposed,
    )
    _end(house, record, run_id, report)
    return report


def _begin(house: House, source: Source, collection: Collection) -> tuple[SourceRecord, str]:
    run_id, now = new_id("run"), house.clock()
    with house.transaction() as connection:
        house.require_pack(connection)
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
            # `remove` takes a folder out; adding it again by name is the operator's own new start.
            collection_rows.set_source_state(connection, record.source_id, "active")
            record = replace(record, state="active")
        _require_active(connection, record)
        collection_rows.begin_run(connection, run_id=run_id, source_id=record.source_id, at=now)
    return record, run_id


def _require_active(connection: Connection, record: SourceRecord) -> None:
    current = collection_rows.source_by_id(connection, record.source_id)
    if current is None or current.state != "active":
        raise SourceBlocked(
            "This source was removed or stopped; nothing more of it is taken in.",
            "See likeness status.",
        )


def _keep(house: House, record: SourceRecord, run_id: str, batch: Batch, tally: _Tally) -> None:
    comparison = batch.comparison
    with house.transaction() as connection:
        _require_active(connection, record)
        house.require_pack(connection)
        # Whoever enrolled or left since the comparison is in this transaction's change number:
        # compare again while the templates are in memory, so that a photo and a person never miss
        # each other.
        change = house.eligibility.refresh(connection)
        if comparison is None or not comparison.eligible.holds(change=change, now=house.clock()):
            known = comparison.templates if comparison else None
            comparison = compare(house, batch, record.collection_id, templates=known)
        mark_seen(connection, batch.unchanged, run_id=run_id)
        for item in batch.kept:
            mark_item_seen(connection, record.source_id, item, below=False, run_id=run_id)
        for hidden in batch.skipped:
            if hidden.hides:
                mark_item_seen(connection, record.source_id, hidden.item, below=True, run_id=run_id)
        tally.told_of = house.may_find(connection, [record.collection_id])
        matches = iter(comparison.matches)
        for arrival in batch.arrivals:
            of_photo = [next(matches) for _ in arrival.faces or ()]
            _keep_one(house, connection, record, run_id, arrival, of_photo, comparison, tally)
    tally.found += batch.found
    tally.known += len(batch.unchanged)
    tally.skipped += [Skipped(item=s.item, reason=s.reason) for s in batch.skipped]


def _keep_one(
    house: House,
    connection: Connection,
    record: SourceRecord,
    run_id: str,
    arrival: Arrival,
    matches: Sequence[Sequence[Match]],
    comparison: Comparison,
    tally: _Tally,
) -> None:
    held = photo_by_sha256(connection, arrival.sha256)
    if held is not None:
        photo_id = _keep_known(connection, record, held, tally)
    else:
        matched_through = comparison.eligible.change
        if arrival.faces is None:
            # Another process took the photo out since this batch looked: look again, compare later.
            again = read_again(house, arrival.entry)
            if isinstance(again, SkippedEntry):
                tally.skipped.append(Skipped(item=again.item, reason=again.reason))
                return
            arrival, matches, matched_through = again, [], NEVER_MATCHED
        photo_id = _keep_new(
            house, connection, arrival, matches, comparison, matched_through, tally
        )
    entry = arrival.entry
    before = sighting_of(connection, record.source_id, entry.item)
    put_sighting(
        connection,
        NewSighting(
            source_id=record.source_id,
            item=entry.item,
            size=entry.size,
            modified_ns=entry.modified_ns,
            link_mark=entry.link_mark,
            link=entry.link(arrival.decoded.metadata),
        ),
        photo_id=photo_id,
        run_id=run_id,
    )
    if before is not None and before.photo_id != photo_id:
        forget_where_left(connection, {before.photo_id}, record.collection_id)


def _keep_known(
    connection: Connection, record: SourceRecord, held: StoredPhoto, tally: _Tally
) -> int:
    tally.known += 1
    collections = collections_of_photos(connection, [held.photo_id]).get(held.photo_id, frozenset())
    if record.collection_id not in collections:
        set_matched_through(connection, [held.photo_id], NEVER_MATCHED)
    return held.photo_id


def _keep_new(
    house: House,
    connection: Connection,
    arrival: Arrival,
    matches: Sequence[Sequence[Match]],
    comparison: Comparison,
    matched_through: int,
    tally: _Tally,
) -> int:
    now = house.clock()
    photo = NewPhoto(
        sha256=arrival.sha256,
        width=arrival.decoded.width,
        height=arrival.decoded.height,
        format=arrival.decoded.format,
    )
    photo_id, face_ids = insert_photo(
        connection,
        photo,
        arrival.faces or (),
        at=now,
        matched_through=matched_through,
        found_with=house.pack.fingerprint,
    )
    decided = decide_photo(
        dict(zip(face_ids, matches, strict=False)),
        decided=(),
        thresholds=house.thresholds(len(comparison.eligible.person_ids)),
    )
    for link in decided.links:
        put_link(connection, link, photo_id=photo_id, at=now)
    put_proposals(connection, decided.proposals, photo_id=photo_id, at=now)
    tally.new += 1
    tally.faces += len(face_ids)
    tally.linked += sum(link.person_id in tally.told_of for link in decided.links)
    tally.proposed += sum(p.person_id in tally.told_of for p in decided.proposals)
    return photo_id


def _remove_gone(
    house: House, source: Source, record: SourceRecord, run_id: str, tally: _Tally
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
    with house.transaction() as connection:
        collection_rows.end_run(connection, run_id, at=now)
        house.audit_deed(
            connection,
            kind="ingest",
            details={
                "source": record.source_id,
                "found": report.found,
                "new": report.new,
                "known": report.known,
                "gone": report.gone,
                "skipped": len(report.skipped),
            },
        )
