"""The chain of tombstones in a keyring: whose key was destroyed, in order, with a running hash."""

from __future__ import annotations

import hashlib

from likeness.errors import StorageError
from likeness.store.sqlite_version import sqlite

NO_TOMBSTONES = hashlib.sha256(b"likeness.tombstones/1").hexdigest()
"""The running hash before the first tombstone, in hex."""


def has_tombstone(connection: sqlite.Connection, subject_id: str) -> bool:
    """Tell whether a subject's key was destroyed."""
    row = connection.execute("SELECT 1 FROM tombstones WHERE subject_id = ?", (subject_id,))
    return row.fetchone() is not None


def all_tombstones(connection: sqlite.Connection) -> frozenset[str]:
    """Return the ids of all subjects whose key was destroyed."""
    return frozenset(row[0] for row in connection.execute("SELECT subject_id FROM tombstones"))


def tombstone_head(connection: sqlite.Connection) -> tuple[int, str]:
    """Return how many tombstones there are and the running hash over them, in hex."""
    row = connection.execute(
        "SELECT position, digest FROM tombstones ORDER BY position DESC LIMIT 1"
    ).fetchone()
    return (0, NO_TOMBSTONES) if row is None else (row[0], row[1])


def add_tombstone(connection: sqlite.Connection, subject_id: str) -> None:
    """Append a tombstone; the subject must not have one."""
    count, digest = tombstone_head(connection)
    connection.execute(
        "INSERT INTO tombstones (position, subject_id, digest) VALUES (?, ?, ?)",
        (count + 1, subject_id, _chained(digest, count + 1, subject_id)),
    )


def require_tombstones(connection: sqlite.Connection, count: int, digest: str) -> None:
    """Check that the first ``count`` tombstones are there and have this running hash.

    Raises
    ------
    StorageError
        Some are not there, or they are others.
    """
    rows = connection.execute(
        "SELECT subject_id, digest FROM tombstones WHERE position <= ? ORDER BY position", (count,)
    ).fetchall()
    running = NO_TOMBSTONES
    intact = len(rows) == count
    for position, (subject_id, stored) in enumerate(rows, start=1):
        running = _chained(running, position, subject_id)
        intact = intact and running == stored
    if not intact or running != digest:
        raise StorageError(
            f"The keyring does not hold the {count} erasures that the library knows of.",
            "It is an old copy or another library's; put the newest keyring back.",
        )


def _chained(digest: str, position: int, subject_id: str) -> str:
    data = bytes.fromhex(digest) + position.to_bytes(8, "big") + subject_id.encode()
    return hashlib.sha256(data).hexdigest()
