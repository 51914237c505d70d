"""The audit log as kept: leaves, checkpoints, and details under their subjects' keys."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from likeness.audit.checkpoint import Checkpoint
from likeness.audit.commitment import NONCE_BYTES, commit, details_as_bytes
from likeness.audit.leaf import Leaf, whole_hour
from likeness.audit.proof import inclusion_proof
from likeness.audit.trail import AuditTrail, LogEntry
from likeness.audit.tree import CompactTree
from likeness.errors import LogTampered, NotVerified, StorageError
from likeness.store.envelope import seal, unseal
from likeness.store.keyring import Keyring
from likeness.store.schema import audit, audit_details, library

EMPTY_TREE = CompactTree().to_bytes()
"""State of a log without entries."""

_READ_AT_ONCE = 200


@dataclass(frozen=True, kw_only=True)
class Concerned:
    """A subject of an audit entry, and what is kept of it under their key.

    Attributes
    ----------
    subject_id : str
        A person or an account.
    details : mapping
        Plain values.
    """

    subject_id: str
    details: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A leaf that was just appended.

    Attributes
    ----------
    entry : LogEntry
    inclusion_proof : tuple of bytes
        That it is in the tree which its own checkpoint signs.
    """

    entry: LogEntry
    inclusion_proof: tuple[bytes, ...]


def append(
    connection: Connection,
    keyring: Keyring,
    *,
    kind: str,
    at: datetime,
    concerned: Sequence[Concerned] = (),
    commitments: Sequence[str] = (),
    digest: str = "",
) -> Kept:
    """Append one leaf and sign the tree that it ends, within the caller's transaction.

    Parameters
    ----------
    connection : Connection
        A writing transaction.
    keyring : Keyring
        Signs, and holds the key of each subject.
    kind : str
    at : datetime
        Only its hour is kept in the leaf.
    concerned : sequence of Concerned
        A commitment each; nonce and details are sealed under the subject's key.
    commitments : sequence of str
        Commitments made before, whose details are kept elsewhere or gone.
    digest : str
        SHA-256 in hex of a public document.
    """
    made, sealed = _commit_all(keyring, concerned)
    leaf = Leaf(kind=kind, hour=whole_hour(at), commitments=(*commitments, *made), digest=digest)
    appended = _resume(connection, keyring).append([leaf], private_key=keyring.signing_key())
    entry = appended.entries[0]
    connection.execute(
        insert(audit).values(
            leaf_index=entry.leaf_index,
            leaf=entry.leaf,
            leaf_hash=entry.leaf_hash,
            checkpoint=entry.checkpoint,
        )
    )
    if sealed:
        rows = [{"leaf_index": entry.leaf_index, **values} for values in sealed]
        connection.execute(insert(audit_details), rows)
    connection.execute(update(library).values(audit_tree=appended.trail.to_bytes()))
    return Kept(entry=entry, inclusion_proof=appended.proofs[0])


def _resume(connection: Connection, keyring: Keyring) -> AuditTrail:
    state = connection.execute(select(library.c.audit_tree)).scalar_one()
    checkpoint = last_checkpoint(connection)
    trail = AuditTrail.resume(state, checkpoint=checkpoint, key=keyring.verifier_key())
    count = connection.execute(select(func.max(audit.c.leaf_index))).scalar_one()
    if count is not None and count + 1 != trail.tree.size:
        raise LogTampered(
            "Entries of the audit log were added or moved.",
            "Run 'likeness audit verify' to find the first bad entry.",
            index=min(count + 1, trail.tree.size),
        )
    return trail


def _tree(state: bytes) -> CompactTree:
    try:
        return CompactTree.from_bytes(state)
    except StorageError as error:
        raise LogTampered(error.what, error.fix, index=0) from None


def log_origin(library_id: str) -> str:
    """The name of a library's log, which is the name of the key that signs it."""
    return f"likeness/{library_id}"


def head(connection: Connection) -> tuple[int, bytes]:
    """Size and root of the log."""
    state = connection.execute(select(library.c.audit_tree)).scalar_one()
    tree = _tree(state)
    return tree.size, tree.root()


def root_at(connection: Connection, size: int) -> bytes | None:
    """The signed root of the log's first ``size`` entries, or None where it is shorter."""
    if size == 0:
        return CompactTree().root()
    text = connection.execute(
        select(audit.c.checkpoint).where(audit.c.leaf_index == size - 1)
    ).scalar_one_or_none()
    try:
        return None if text is None else Checkpoint.parse(text.partition("\n\n")[0] + "\n").root
    except NotVerified:
        return None


def last_checkpoint(connection: Connection) -> str | None:
    """The newest signed checkpoint, or None while the log is empty."""
    text: str | None = connection.execute(
        select(audit.c.checkpoint).order_by(audit.c.leaf_index.desc()).limit(1)
    ).scalar_one_or_none()
    return text


def entries(connection: Connection) -> Iterator[LogEntry]:
    """Every row of the log in order, a few at a time."""
    rows = connection.execution_options(yield_per=1000).execute(
        select(audit).order_by(audit.c.leaf_index)
    )
    for row in rows:
        yield LogEntry(
            leaf_index=row.leaf_index,
            leaf=row.leaf,
            leaf_hash=row.leaf_hash,
            checkpoint=row.checkpoint,
        )


def kept_at(connection: Connection, leaf_index: int) -> Kept:
    """An entry with the proof that it is in the tree that its own checkpoint signs.

    Reads the hashes of all entries before it.

    Raises
    ------
    LogTampered
        Where the entry is not there.
    """
    row = connection.execute(select(audit).where(audit.c.leaf_index == leaf_index)).first()
    if row is None:
        raise LogTampered(
            "An entry of the audit log is missing.",
            "Run 'likeness audit verify' to find the first bad entry.",
            index=leaf_index,
        )
    hashes = list(
        connection.execute(
            select(audit.c.leaf_hash)
            .where(audit.c.leaf_index <= leaf_index)
            .order_by(audit.c.leaf_index)
        ).scalars()
    )
    entry = LogEntry(
        leaf_index=row.leaf_index,
        leaf=row.leaf,
        leaf_hash=row.leaf_hash,
        checkpoint=row.checkpoint,
    )
    return Kept(entry=entry, inclusion_proof=inclusion_proof(hashes, len(hashes) - 1))


def details_of(connection: Connection, subject_id: str, *, key: bytes) -> list[dict[str, Any]]:
    """What the log keeps of one subject under their key, oldest first."""
    rows = connection.execute(
        select(audit_details)
        .where(audit_details.c.subject_id == subject_id)
        .order_by(audit_details.c.leaf_index, audit_details.c.position)
    )
    found = []
    for row in rows:
        opened = unseal(key, row.sealed, context=_context(subject_id))
        found.append(
            {
                "leaf_index": row.leaf_index,
                "nonce": opened[:NONCE_BYTES].hex(),
                "details": json.loads(opened[NONCE_BYTES:]),
            }
        )
    return found


def latest_details(
    connection: Connection, subject_id: str, *, key: bytes, kind: str, limit: int
) -> list[dict[str, Any]]:
    """What the log keeps of one subject in its latest entries of one kind, newest first."""
    order = audit_details.c.leaf_index.desc()
    # Their numbers first: all the details of a busy account are much to sort.
    numbers = connection.execute(
        select(audit_details.c.leaf_index)
        .where(audit_details.c.subject_id == subject_id)
        .order_by(order)
    ).scalars()
    found: list[dict[str, Any]] = []
    while len(found) < limit and (some := list(islice(numbers, _READ_AT_ONCE))):
        rows = connection.execute(
            select(audit_details.c.sealed, audit.c.leaf)
            .join(audit, audit.c.leaf_index == audit_details.c.leaf_index)
            .where(audit_details.c.leaf_index.in_(some), audit_details.c.subject_id == subject_id)
            .order_by(order)
        )
        for row in rows:
            if Leaf.from_bytes(row.leaf).kind == kind:
                opened = unseal(key, row.sealed, context=_context(subject_id))
                found.append(json.loads(opened[NONCE_BYTES:]))
    return found[:limit]


def delete_details(connection: Connection, subject_id: str) -> None:
    """Delete what the log keeps of one subject; its leaves stay, provable and meaningless."""
    connection.execute(delete(audit_details).where(audit_details.c.subject_id == subject_id))


def _commit_all(
    keyring: Keyring, concerned: Sequence[Concerned]
) -> tuple[tuple[str, ...], list[dict[str, Any]]]:
    made, sealed = [], []
    for position, subject in enumerate(concerned):
        nonce = secrets.token_bytes(NONCE_BYTES)
        details = details_as_bytes(subject.details)
        made.append(commit(nonce, details))
        sealed.append(
            {
                "position": position,
                "subject_id": subject.subject_id,
                "sealed": seal(
                    keyring.key(subject.subject_id),
                    nonce + details,
                    context=_context(subject.subject_id),
                ),
            }
        )
    return tuple(made), sealed


def _context(subject_id: str) -> str:
    return f"audit/{subject_id}"
