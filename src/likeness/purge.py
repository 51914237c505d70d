"""Take out what a notice is about, in batches that a crash can interrupt; then the receipt."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass

from likeness.audit.receipt import ReceiptBody
from likeness.blocking import block_list
from likeness.errors import LibraryBusy
from likeness.house import House, Progress, ProgressListener
from likeness.notice_target import Target, target_again
from likeness.records.address import address_key
from likeness.records.notice import NoticeTerms, StoredNotice
from likeness.store import concerned, receipts
from likeness.store import notices as notice_rows
from likeness.store.concerned import Concerned
from likeness.store.fetched import delete_fetched, fetched_after
from likeness.store.links import forget_where_left
from likeness.uploaded import sweep
from likeness.withdraw import append_receipt

SIGHTINGS_AT_ONCE = 1000


@dataclass(frozen=True, kw_only=True)
class Purged:
    """What a notice took.

    Attributes
    ----------
    counts : dict of str to int
        As in the receipt.
    receipt : bytes
        The signed receipt, as a file's content.
    """

    counts: dict[str, int]
    receipt: bytes


def purge(
    house: House, notice: StoredNotice, terms: NoticeTerms, *, progress: ProgressListener
) -> Purged:
    """Delete everything that a notice is about, and issue its receipt; may be begun again.

    The caller has the turn for this notice.
    """
    with house.store.snapshot() as connection:
        current = notice_rows.notice_by_id(connection, notice.notice_id)
        issued = receipts.find(connection, notice.serial)
        target = target_again(connection, terms)
        total = concerned.count_sightings(
            connection, target.keys, target.source_ids, target.contents
        )
    if current is not None and current.state != "purging" and issued is not None:
        return Purged(counts=dict(current.counts), receipt=issued)
    # (1) Sightings in bounded batches, each with the photos that nothing else holds.
    gone = 0
    while batch := _batch(house, notice, target):
        gone += batch
        progress(Progress(phase="purge", done=gone, total=max(gone, total)))
    _forget_fetched(house, notice, target)
    # Uploaded files are the library's own: those of which no photo is left go too.
    if files := sweep(house).total():
        with house.store.transaction() as connection:
            notice_rows.add_counts(connection, notice.notice_id, {"files": files})
    # (2) Nothing of the rows stays in the files, once nobody reads an older state of them.
    with suppress(LibraryBusy):
        house.store.overwrite_deleted()
    # (3) The receipt, in the transaction that ends the notice; then nor does what it was about.
    purged = _end(house, notice, terms)
    with suppress(LibraryBusy):
        house.store.overwrite_deleted()
    return purged


def _batch(house: House, notice: StoredNotice, target: Target) -> int:
    blocks = block_list(house)
    about = (target.keys, target.source_ids, target.contents)
    with house.store.transaction() as connection:
        batch = concerned.concerned_by(connection, *about, limit=SIGHTINGS_AT_ONCE)
        concerned.delete_sightings(connection, batch)
        for collection_id, photo_ids in _by_collection(batch).items():
            forget_where_left(connection, photo_ids, collection_id)
        photo_ids = {one.photo_id for one in batch}
        if not batch:
            # It may have lost its last place before, and wait for the next run to go.
            photo_ids.update(concerned.photos_without_sighting(connection, target.contents))
        hashes, counts = concerned.delete_without_sighting(connection, photo_ids)
        # The file may lie in somebody's folder: the next scan of it passes it over.
        notice_rows.put_blocks(connection, notice.notice_id, map(blocks.content, hashes))
        notice_rows.add_counts(
            connection,
            notice.notice_id,
            {
                "sightings": len(batch),
                **counts,
                "photos_kept": concerned.photos_left(connection, photo_ids, *about),
                "files_left": concerned.files_left(connection, batch, *about),
            },
        )
    return len(batch)


def _forget_fetched(house: House, notice: StoredNotice, target: Target) -> None:
    """Forget what crawls remember of what is stopped, also where no photo was."""
    with house.store.snapshot() as connection:
        source_ids = notice_rows.stopped_by(connection, notice.notice_id)
    more = True
    while more:
        with house.store.transaction() as connection:
            more = concerned.forget_some_of_sources(connection, source_ids, limit=SIGHTINGS_AT_ONCE)
    if target.keys is None:
        return
    (low, high), last = target.keys, ("", "")
    while True:
        with house.store.snapshot() as connection:
            some = fetched_after(connection, last, limit=SIGHTINGS_AT_ONCE)
        if not some:
            return
        last = some[-1]
        stopped = [(source_id, url) for source_id, url in some if low <= address_key(url) < high]
        if stopped:
            with house.store.transaction() as connection:
                for source_id, url in stopped:
                    delete_fetched(connection, source_id, url)


def _by_collection(batch: list[Concerned]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = defaultdict(set)
    for one in batch:
        found[one.collection_id].add(one.photo_id)
    return found


def _end(house: House, notice: StoredNotice, terms: NoticeTerms) -> Purged:
    now = house.clock()
    with house.transaction() as connection:
        current = notice_rows.notice_by_id(connection, notice.notice_id)
        counts = dict(current.counts) if current is not None else {}
        sources = notice_rows.stopped_by(connection, notice.notice_id)
        body = ReceiptBody(
            serial=terms.serial,
            kind="notice",
            issued_at=now.replace(microsecond=0),
            counts={**counts, "sources_stopped": len(sources)},
            commitments=(notice.commitment,),
            times={"stopped_at": terms.given_at.replace(microsecond=0)},
        )
        document = append_receipt(house, connection, body, at=now)
        notice_rows.set_done(connection, notice.notice_id, at=now)
    return Purged(counts=dict(body.counts), receipt=document)
