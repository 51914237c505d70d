"""Erasures: what was begun, how far it has come, and how many tombstones the keyring must carry."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from likeness.audit.receipt import ReceiptKind
from likeness.errors import NotFound, StorageError
from likeness.store.schema import erasures, library


@dataclass(frozen=True, kw_only=True)
class Erasure:
    """One person's erasure.

    Attributes
    ----------
    person_id : str
    state : str
        ``"pending"``, ``"deleted"`` (rows gone, files not yet overwritten) or ``"done"``.
    kind : ReceiptKind
    serial : str
        Of the receipt.
    requested_at : datetime
    counts : mapping of str to int
    commitments : tuple of str
    """

    person_id: str
    state: str
    kind: ReceiptKind
    serial: str
    requested_at: datetime
    counts: Mapping[str, int]
    commitments: tuple[str, ...]


def begin(
    connection: Connection,
    person_id: str,
    *,
    kind: ReceiptKind,
    serial: str,
    at: datetime,
    counts: Mapping[str, int],
    commitments: Sequence[str],
    changed: int,
) -> None:
    """Note that a person's erasure began; one that a backup brought back begins anew."""
    connection.execute(delete(erasures).where(erasures.c.person_id == person_id))
    connection.execute(
        insert(erasures).values(
            person_id=person_id,
            state="pending",
            kind=kind,
            serial=serial,
            requested_at=at.isoformat(),
            counts=json.dumps(dict(counts), sort_keys=True),
            commitments=json.dumps(list(commitments)),
            changed=changed,
        )
    )


def load(connection: Connection, person_id: str) -> Erasure:
    """One person's erasure.

    Raises
    ------
    NotFound
        Where none was begun.
    """
    row = connection.execute(select(erasures).where(erasures.c.person_id == person_id)).first()
    if row is None:
        raise NotFound("No erasure was begun under this id.")
    return Erasure(
        person_id=person_id,
        state=row.state,
        kind=row.kind,
        serial=row.serial,
        requested_at=datetime.fromisoformat(row.requested_at),
        counts=json.loads(row.counts),
        commitments=tuple(json.loads(row.commitments)),
    )


def unfinished(connection: Connection) -> list[str]:
    """Ids of people whose erasure was begun and is not done."""
    rows = connection.execute(
        select(erasures.c.person_id)
        .where(erasures.c.state != "done")
        .order_by(erasures.c.requested_at)
    )
    return list(rows.scalars())


def set_state(connection: Connection, person_id: str, state: str) -> None:
    """Move an erasure to its next state."""
    connection.execute(
        update(erasures).where(erasures.c.person_id == person_id).values(state=state)
    )


def keep_tombstone_head(connection: Connection, count: int, digest: str) -> None:
    """Note the tombstones that any keyring of this library must carry from now on."""
    connection.execute(update(library).values(tombstone_count=count, tombstone_digest=digest))


def tombstone_head(connection: Connection) -> tuple[int, str]:
    """How many tombstones the keyring must carry, and their running hash."""
    row = connection.execute(
        select(library.c.tombstone_count, library.c.tombstone_digest)
    ).one_or_none()
    if row is None:
        raise StorageError("The library's database is empty.", "Restore the library from a backup.")
    return int(row.tombstone_count), str(row.tombstone_digest)
