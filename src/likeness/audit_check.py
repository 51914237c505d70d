"""Check the audit log of a library from end to end, and give out its signed head."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from likeness.audit.checkpoint import Checkpoint
from likeness.audit.verify import VerifiedLog, verify_log
from likeness.errors import LogRolledBack, LogTampered, NotVerified
from likeness.house import House
from likeness.store import audit_log

_FIX = "Keep this library as evidence, and restore a good backup."


def verify(house: House, *, kept: Sequence[str] = ()) -> VerifiedLog:
    """Verify every entry against what was signed, and against what the keyring witnessed.

    Parameters
    ----------
    house : House
    kept : sequence of str
        Signed checkpoints that somebody kept elsewhere.

    Raises
    ------
    LogTampered
        An entry was changed, removed, added or moved; ``index`` is the first one that is off.
    LogRolledBack
        The log is shorter than, or forked from, a state that was witnessed.
    NotVerified
        A kept checkpoint is not signed by this library's key.
    """
    # Witnessed states are read first: what another process appends meanwhile is newer than they.
    # States that a restored backup lost count for good: the log was rolled back, and stays so.
    witnesses = [*house.keyring.witnesses(), *house.keyring.lost_witnesses()]
    with house.store.snapshot() as connection:
        try:
            verified = verify_log(
                audit_log.entries(connection),
                key=house.keyring.verifier_key(),
                head=audit_log.last_checkpoint(connection),
                kept=kept,
                witnesses=witnesses,
            )
        except LogRolledBack:
            _require_counted(connection, sum(1 for _ in audit_log.entries(connection)))
            raise
        _require_counted(connection, verified.size)
    return verified


def checkpoint(house: House) -> str:
    """The newest signed checkpoint of the log, to keep elsewhere.

    Raises
    ------
    LogTampered
        The last entry does not carry what this library signed.
    """
    with house.store.snapshot() as connection:
        note = audit_log.last_checkpoint(connection)
        size, root = audit_log.head(connection)
    last = max(0, size - 1)
    try:
        signed = Checkpoint.verify(note or "", key=house.keyring.verifier_key())
    except NotVerified as error:
        what = "The last checkpoint of the audit log is not what was signed."
        raise LogTampered(what, _FIX, index=last) from error
    if note is None or (signed.size, signed.root) != (size, root):
        what = "The last checkpoint of the audit log is not that of its last entry."
        raise LogTampered(what, _FIX, index=min(last, signed.size))
    return note


def _require_counted(connection: Connection, found: int) -> None:
    """Name the first entry that was cut off the end, where the library still counts it."""
    size, _ = audit_log.head(connection)
    if found < size:
        raise LogTampered(
            f"Entry {found} of the audit log is missing: the library counts {size}.",
            _FIX,
            index=found,
        )
    if found > size:
        raise LogTampered(
            f"Entry {size} of the audit log was added: the library counts {size}.",
            _FIX,
            index=size,
        )
