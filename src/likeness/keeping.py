"""Keep one batch of arrivals whole: photos, faces, sightings, links and what they replace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from likeness.account import ItemOutcome, Tally
from likeness.arrivals import (
    Arrival,
    Batch,
    Comparison,
    compare,
    read_again,
    reasons_to_pass_over,
    without_stopped,
)
from likeness.blocking import BlockList
from likeness.copies import Looks, join
from likeness.house import House
from likeness.listing import WholeVideo
from likeness.matching import decide_photo
from likeness.records.collection import SourceRecord
from likeness.records.reference import Match
from likeness.records.stored import StoredPhoto
from likeness.sharing import share_decisions
from likeness.sources.base import SkippedEntry, stopped
from likeness.store import collections as collection_rows
from likeness.store import previews, videos
from likeness.store.links import forget_where_left, put_link, put_proposals
from likeness.store.photos import (
    NEVER_MATCHED,
    NewPhoto,
    insert_photo,
    photo_by_sha256,
    set_matched_through,
)
from likeness.store.sightings import (
    NewSighting,
    collections_of_photos,
    delete_item,
    mark_item_seen,
    mark_seen,
    put_sighting,
    sighting_of,
)


@dataclass(kw_only=True)
class _Keeping:
    """One transaction that keeps a batch, and what came of it so far."""

    house: House
    connection: Connection
    record: SourceRecord
    run_id: str
    comparison: Comparison
    blocks: BlockList
    told_of: frozenset[str]
    looks: Looks
    outcomes: list[ItemOutcome] = field(default_factory=list)
    found: int = 0
    faces: int = 0
    linked: int = 0
    proposed: int = 0
    copies: int = 0


def require_active(connection: Connection, record: SourceRecord) -> None:
    """Check that nobody stopped or removed a source, as of this transaction.

    Raises
    ------
    SourceBlocked
        Somebody did.
    """
    current = collection_rows.source_by_id(connection, record.source_id)
    if current is None or current.state != "active":
        raise stopped()


def keep(
    house: House,
    record: SourceRecord,
    run_id: str,
    batch: Batch,
    tally: Tally,
    *,
    blocks: BlockList,
    looks: Looks,
) -> None:
    """Commit one batch, and count it once it is durable.

    Raises
    ------
    SourceBlocked
        The source was stopped or removed.
    PackMismatch
        The library changed its pack meanwhile.
    """
    with house.transaction() as connection:
        require_active(connection, record)
        house.require_pack(connection)
        allowed = without_stopped(connection, batch, record, blocks)
        # Templates stand in the order of the faces: without some of these they are made anew.
        comparison = batch.comparison if allowed is batch else None
        # Whoever enrolled or left since the comparison is in this transaction's change number:
        # compare again while the templates are in memory, so that a photo and a person never miss
        # each other.
        change = house.eligibility.refresh(connection)
        if comparison is None or not comparison.eligible.holds(change=change, now=house.clock()):
            known = comparison.templates if comparison else None
            comparison = compare(house, allowed, record.collection_id, templates=known)
        keeping = _Keeping(
            house=house,
            connection=connection,
            record=record,
            run_id=run_id,
            comparison=comparison,
            blocks=blocks,
            looks=looks,
            told_of=house.may_find(connection, [record.collection_id]),
            found=allowed.found,
        )
        _keep_marks(keeping, allowed)
        matches = iter(comparison.matches)
        for arrival in allowed.arrivals:
            of_photo = [next(matches) for _ in arrival.faces or ()]
            _keep_one(keeping, arrival, of_photo)
        for video in allowed.videos:
            _keep_video(keeping, video)
    tally.found += keeping.found
    tally.videos += len(batch.videos)
    tally.faces += keeping.faces
    tally.linked += keeping.linked
    tally.proposed += keeping.proposed
    tally.copies += keeping.copies
    tally.add(keeping.outcomes)


def _keep_marks(keeping: _Keeping, batch: Batch) -> None:
    """Note what is as it was, what cannot be told just now, and what is no longer to be held."""
    connection, source_id = keeping.connection, keeping.record.source_id
    mark_seen(connection, list(batch.unchanged), run_id=keeping.run_id)
    keeping.outcomes += batch.unchanged.values()
    for item in batch.kept:
        mark_item_seen(connection, source_id, item, below=False, run_id=keeping.run_id)
    for skipped in batch.skipped:
        if skipped.hides:
            mark_item_seen(connection, source_id, skipped.item, below=True, run_id=keeping.run_id)
        if skipped.ends and (photo_id := delete_item(connection, source_id, skipped.item)):
            forget_where_left(connection, {photo_id}, keeping.record.collection_id)
            keeping.outcomes.append(
                ItemOutcome(item=skipped.item, outcome="ended", reason=skipped.reason)
            )
        keeping.outcomes.append(
            ItemOutcome(item=skipped.item, outcome="skipped", reason=skipped.reason)
        )


def _keep_one(keeping: _Keeping, arrival: Arrival, matches: Sequence[Sequence[Match]]) -> None:
    connection, record = keeping.connection, keeping.record
    held = photo_by_sha256(connection, arrival.sha256)
    matched_through = keeping.comparison.eligible.change
    if held is None and arrival.faces is None:
        # Another process took the photo out since this batch looked: look again, compare later.
        again = _again(keeping, arrival)
        if isinstance(again, SkippedEntry):
            keeping.outcomes.append(
                ItemOutcome(item=again.item, outcome="skipped", reason=again.reason)
            )
            return
        arrival, matches, matched_through = again, [], NEVER_MATCHED
        held = photo_by_sha256(connection, arrival.sha256)
    if held is not None:
        photo_id = _keep_known(keeping, held)
    else:
        photo_id = _keep_new(keeping, arrival, matches, matched_through)
    if arrival.preview is not None:
        previews.put(connection, photo_id, arrival.preview)
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
            link=arrival.link,
        ),
        photo_id=photo_id,
        run_id=keeping.run_id,
        at=keeping.house.clock(),
    )
    if before is not None and before.photo_id != photo_id:
        forget_where_left(connection, {before.photo_id}, record.collection_id)
    if held is None:
        _join_copies(keeping, photo_id, arrival.look)
    keeping.outcomes.append(
        ItemOutcome(
            item=entry.item,
            outcome="new" if held is None else "known",
            sha256=arrival.sha256,
            link=arrival.link,
        )
    )


def _join_copies(keeping: _Keeping, photo_id: int, look: bytes) -> None:
    """Bring a new photo to its copies; what people decided in those holds in it too."""
    picture = join(keeping.connection, keeping.looks, photo_id, look)
    if picture is not None:
        keeping.copies += 1
        share_decisions(keeping.house, keeping.connection, picture)


def _again(keeping: _Keeping, arrival: Arrival) -> Arrival | SkippedEntry:
    again = read_again(keeping.house, arrival.entry)
    if isinstance(again, SkippedEntry):
        return again
    found = [(again.sha256, again.link)]
    reasons = reasons_to_pass_over(keeping.connection, keeping.record, keeping.blocks, found)
    if reasons:
        return SkippedEntry(item=arrival.entry.item, reason=reasons[0])
    return again


def _keep_known(keeping: _Keeping, held: StoredPhoto) -> int:
    connection, photo_id = keeping.connection, held.photo_id
    collections = collections_of_photos(connection, [photo_id]).get(photo_id, frozenset())
    if keeping.record.collection_id not in collections:
        set_matched_through(connection, [photo_id], NEVER_MATCHED)
    return photo_id


def _keep_new(
    keeping: _Keeping,
    arrival: Arrival,
    matches: Sequence[Sequence[Match]],
    matched_through: int,
) -> int:
    house, connection = keeping.house, keeping.connection
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
        thresholds=house.thresholds(len(keeping.comparison.eligible.person_ids)),
        groups=house.eligibility.groups,
    )
    for link in decided.links:
        put_link(connection, link, photo_id=photo_id, at=now)
    put_proposals(connection, decided.proposals, photo_id=photo_id, at=now)
    keeping.faces += len(face_ids)
    keeping.linked += sum(link.person_id in keeping.told_of for link in decided.links)
    keeping.proposed += sum(p.person_id in keeping.told_of for p in decided.proposals)
    return photo_id


def _keep_video(keeping: _Keeping, video: WholeVideo) -> None:
    """Note that all frames of a video are held; those of an earlier version of it go."""
    connection, source_id = keeping.connection, keeping.record.source_id
    item, run_id = video.entry.item, keeping.run_id
    if video.held:
        frames = videos.frames_seen(connection, source_id, item, run_id=run_id)
        keeping.found += len(frames)
        if not frames:
            # Such as after a notice: what is not taken in is told in every run.
            keeping.outcomes.append(
                ItemOutcome(item=item, outcome="skipped", reason="none of its frames is held")
            )
        keeping.outcomes += [
            ItemOutcome(item=frame.item, outcome="unchanged", link=frame.link) for frame in frames
        ]
        return
    gone = videos.delete_frames_unseen(connection, source_id, item, run_id=run_id)
    forget_where_left(connection, set(gone), keeping.record.collection_id)
    videos.put_held(connection, source_id, video.entry)
