"""Remove a source: its operator takes it out -> its sightings, orphaned photos and links gone ->
receipt.

It may be added again; what a notice stopped may not (:mod:`likeness.notices`).

Removing a source stops a running import of it at its next batch, before this returns. Photos that
other sources hold too stay with their other sightings. Files in a user's own folder are never
touched; files that were uploaded are the library's own, and go.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import Connection

from likeness.audit.commitment import NONCE_BYTES, commit
from likeness.audit.receipt import ReceiptBody
from likeness.errors import LibraryBusy, SourceBlocked
from likeness.house import House, Progress, ProgressListener, no_progress
from likeness.records.collection import SourceRecord
from likeness.rescan import rescan_where_possible
from likeness.store import collections as collection_rows
from likeness.store.links import forget_where_left
from likeness.store.photos import delete_orphans
from likeness.store.sightings import count_of_source, delete_some_of_source
from likeness.turns import taking_turns
from likeness.uploaded import UPLOADED, delete_folder
from likeness.withdraw import append_receipt

SIGHTINGS_AT_ONCE = 1000


@dataclass(frozen=True, kw_only=True)
class Removed:
    """What removing a source gives.

    Attributes
    ----------
    serial : str
    sightings, photos : int
        How many of each went.
    files : int
        How many uploaded files went with them.
    receipt : bytes
        The signed receipt, as a file's content.
    """

    serial: str
    sightings: int
    photos: int
    receipt: bytes
    files: int = 0


def remove_source(
    house: House, source_id: str, *, progress: ProgressListener = no_progress
) -> Removed:
    """Take a source out of its collection, with everything that came from it alone.

    Raises
    ------
    NotFound
        Where there is no such source.
    SourceBlocked
        Where a notice stopped it.
    """
    # (1) The source is stopped: a running import refuses its next batch.
    with house.transaction() as connection:
        record = collection_rows.require_source(connection, source_id)
        if record.state == "stopped":
            raise SourceBlocked(
                "A notice stopped this source and takes out what came from it.",
                "See: likeness notices",
            )
        collection_rows.set_source_state(connection, source_id, "removing")
        house.audit_deed(connection, kind="stop", details={"did": "remove", "source": source_id})
    # (2) to (4) What came from it goes; the receipt.
    with taking_turns(house, f"remove-{source_id}"):
        removed = _finish(house, record, progress)
    # (5) Photos that other collections hold are compared anew with the people of those alone.
    rescan_where_possible(house, progress=progress)
    return removed


def finish_removals(house: House) -> int:
    """Finish removals that a crash interrupted, unless another process is at it."""
    with house.store.snapshot() as connection:
        begun = collection_rows.sources_being_removed(connection)
    finished = 0
    for record in begun:
        with suppress(LibraryBusy), taking_turns(house, f"remove-{record.source_id}", wait=False):
            _finish(house, record, no_progress)
            finished += 1
    return finished


def _finish(house: House, record: SourceRecord, progress: ProgressListener) -> Removed:
    with house.store.snapshot() as connection:
        total = count_of_source(connection, record.source_id)
    # (2) Sightings go in bounded batches, with the photos that nothing else holds.
    gone = 0
    while True:
        with house.store.transaction() as connection:
            photos_of = delete_some_of_source(connection, record.source_id, limit=SIGHTINGS_AT_ONCE)
            forget_where_left(connection, set(photos_of), record.collection_id)
            orphans = delete_orphans(connection, limit=SIGHTINGS_AT_ONCE)
            collection_rows.add_removed(
                connection, record.source_id, sighting_count=len(photos_of), photo_count=orphans
            )
        gone += len(photos_of)
        progress(Progress(phase="remove", done=gone, total=total))
        if not photos_of and not orphans:
            break
    files = delete_folder(house, record.address) if record.kind == UPLOADED else 0
    # (3) Nothing of the rows stays in the files, once nobody reads an older state of them.
    with suppress(LibraryBusy):
        house.store.overwrite_deleted()
    # (4) The receipt, in the transaction that ends the removal.
    with house.transaction() as connection:
        sightings, photos = collection_rows.take_removed(connection, record.source_id)
        counts = {"sightings": sightings, "photos": photos}
        if record.kind == UPLOADED:
            counts["files"] = files
        details = {"source": record.source_id}
        serial, document = append_removal(house, connection, counts=counts, details=details)
        # A notice may have stopped it meanwhile, and that holds.
        if collection_rows.require_source(connection, record.source_id).state == "removing":
            collection_rows.set_source_state(connection, record.source_id, "removed")
    return Removed(
        serial=serial,
        sightings=sightings,
        photos=photos,
        receipt=document,
        files=files,
    )


def append_removal(
    house: House, connection: Connection, *, counts: Mapping[str, int], details: Mapping[str, str]
) -> tuple[str, bytes]:
    """Sign the receipt for what was taken out, committed to its details and when it was.

    Returns
    -------
    (str, bytes)
        Its serial, and the receipt as a file's content.
    """
    now = house.clock()
    told = json.dumps({**details, "at": now.isoformat()}, sort_keys=True).encode()
    body = ReceiptBody(
        serial=secrets.token_hex(8),
        kind="removal",
        issued_at=now.replace(microsecond=0),
        counts=counts,
        commitments=(commit(secrets.token_bytes(NONCE_BYTES), told),),
    )
    return body.serial, append_receipt(house, connection, body, at=now)
