"""Stop a source -> its sightings, orphaned photos and links gone -> receipt.

Removing a source stops a running import of it at its next batch, before this returns. Photos that
other sources hold too stay with their other sightings. Files in a user's own folder are never
touched.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass

from likeness.audit.commitment import NONCE_BYTES, commit
from likeness.audit.receipt import ReceiptBody
from likeness.errors import NotFound
from likeness.house import House, Progress, ProgressListener, no_progress
from likeness.ingest import remove_orphans
from likeness.records.collection import SourceRecord
from likeness.rescan import rescan
from likeness.store import audit_log
from likeness.store import collections as collection_rows
from likeness.store.audit_log import Concerned
from likeness.store.links import forget_where_left
from likeness.store.sightings import count_of_source, delete_some_of_source
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
    receipt : bytes
        The signed receipt, as a file's content.
    """

    serial: str
    sightings: int
    photos: int
    receipt: bytes


def remove_source(
    house: House, source_id: str, *, progress: ProgressListener = no_progress
) -> Removed:
    """Take a source out of its collection, with everything that came from it alone.

    Raises
    ------
    NotFound
        Where there is no such source.
    """
    now = house.clock()
    # (1) The source is stopped: a running import refuses its next batch.
    with house.transaction() as connection:
        record = collection_rows.source_by_id(connection, source_id)
        if record is None:
            raise NotFound(f"There is no source {source_id!r}.", "See: likeness status")
        collection_rows.set_source_state(connection, source_id, "removed")
        total = count_of_source(connection, source_id)
        audit_log.append(
            connection,
            house.keyring,
            kind="stop",
            at=now,
            concerned=[
                Concerned(
                    subject_id=house.account.account_id,
                    details={"at": now.isoformat(), "did": "remove", "source": source_id},
                )
            ],
        )
    # (2) Its sightings go in bounded batches; photos that nothing else holds follow.
    gone = 0
    while True:
        with house.transaction() as connection:
            photos_of = delete_some_of_source(connection, source_id, limit=SIGHTINGS_AT_ONCE)
            forget_where_left(connection, set(photos_of), record.collection_id)
        gone += len(photos_of)
        progress(Progress(phase="remove", done=gone, total=total))
        if len(photos_of) < SIGHTINGS_AT_ONCE:
            break
    photos = remove_orphans(house)
    house.store.overwrite_deleted()
    # (3) Photos that other collections hold are compared anew with the people of those alone.
    rescan(house, progress=progress)
    # (4) The receipt.
    return _receipt(house, record, sightings=gone, photos=photos)


def _receipt(house: House, record: SourceRecord, *, sightings: int, photos: int) -> Removed:
    now = house.clock()
    details = json.dumps({"source": record.source_id, "at": now.isoformat()}, sort_keys=True)
    body = ReceiptBody(
        serial=secrets.token_hex(8),
        kind="removal",
        issued_at=now.replace(microsecond=0),
        counts={"sightings": sightings, "photos": photos},
        commitments=(commit(secrets.token_bytes(NONCE_BYTES), details.encode()),),
    )
    with house.transaction() as connection:
        document = append_receipt(house, connection, body, at=now)
    return Removed(serial=body.serial, sightings=sightings, photos=photos, receipt=document)
