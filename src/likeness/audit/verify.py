"""Verifying a stored log: which entry is the first that is not what was signed, if any.

A signed root says that something in a tree is off, not what. So each entry keeps its own hash and
the checkpoint that was signed when it was the last one. Entries are read once, in order; signatures
are checked at the end of runs of entries, and where a run fails its entries are gone through one by
one from the last state that was proven. Memory is bounded by the length of a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from likeness.audit.checkpoint import Checkpoint
from likeness.audit.signed_note import VerifierKey
from likeness.audit.trail import LogEntry
from likeness.audit.tree import CompactTree, leaf_hash
from likeness.errors import LogRolledBack, LogTampered, NotVerified

Witness = tuple[int, bytes]
"""(size, root of 32 bytes) of the log as somebody outside the library once saw it signed."""

EVERY_SIGNATURE_BELOW = 20_000
"""Up to this entry each signature is checked; after it, one at the end of each run."""

RUN = 1024
"""Entries in a run. Each signature covers all entries before it, so none is left unproven."""

_TAMPERED_FIX = "All before it is proven. Keep this library as evidence, and restore a good backup."


@dataclass(frozen=True, kw_only=True)
class VerifiedLog:
    """What was proven of a log.

    Attributes
    ----------
    size : int
        Number of entries.
    root : bytes
        Root over them, 32 bytes.
    signatures : int
        How many signatures of entries were checked.
    witnesses : int
        How many states seen from outside the log agreed with it.
    """

    size: int
    root: bytes
    signatures: int
    witnesses: int


class _Walk:
    """The walk along a log: what is proven, and the run that is not yet."""

    def __init__(self, key: VerifierKey) -> None:
        self.key = key
        self.proven = CompactTree()
        self.run: list[LogEntry] = []
        self.signatures = 0

    @property
    def size(self) -> int:
        return self.proven.size + len(self.run)

    def close_run(self) -> None:
        """Prove the run by the signature on its last entry, or name its first bad entry."""
        if not self.run:
            return
        tree = self.proven.extend(entry.leaf_hash for entry in self.run)
        if not self._is_signed(self.run[-1], tree):
            self._check_each()
        self.proven = tree
        self.run.clear()

    def fail(self, index: int, what: str) -> LogTampered:
        """Return the error for an entry, unless one before it in the run turns out to be bad."""
        self._check_each()
        return LogTampered(f"Entry {index} of the audit log {what}", _TAMPERED_FIX, index=index)

    def verified(self, *, witnesses: int) -> VerifiedLog:
        """Return what was proven."""
        return VerifiedLog(
            size=self.proven.size,
            root=self.proven.root(),
            signatures=self.signatures,
            witnesses=witnesses,
        )

    def _check_each(self) -> None:
        tree = self.proven
        for entry in self.run:
            tree = tree.append(entry.leaf_hash)
            if not self._is_signed(entry, tree):
                raise LogTampered(
                    f"Entry {entry.leaf_index} of the audit log is not what was signed.",
                    _TAMPERED_FIX,
                    index=entry.leaf_index,
                )

    def _is_signed(self, entry: LogEntry, tree: CompactTree) -> bool:
        self.signatures += 1
        try:
            signed = Checkpoint.verify(entry.checkpoint, key=self.key)
        except NotVerified:
            return False
        return (signed.size, signed.root) == (tree.size, tree.root())


def verify_log(
    entries: Iterable[LogEntry],
    *,
    key: VerifierKey,
    head: str | None = None,
    kept: Sequence[str] = (),
    witnesses: Sequence[Witness] = (),
    every_signature_below: int = EVERY_SIGNATURE_BELOW,
) -> VerifiedLog:
    """Verify a log from its first entry to its last, in one pass and bounded memory.

    Parameters
    ----------
    entries : iterable of LogEntry
        The stored rows in the order of their index. A row that is missing must be missing here too.
    key : VerifierKey
        The log's key, from the keyring or from whoever holds it; never from the log itself.
    head : str, optional
        Signed checkpoint that the library holds of its whole log.
    kept : sequence of str
        Signed checkpoints that were kept elsewhere.
    witnesses : sequence of (size, root)
        States that the keyring witnessed.
    every_signature_below : int
        Up to this entry each signature is checked (about 0.1 ms each), after it one a run: then a
        damaged checkpoint of an entry whose leaf is sound goes unnoticed.

    Raises
    ------
    LogTampered
        An entry was changed, removed, added or moved; ``index`` is the first one that is off.
    LogRolledBack
        All entries are signed, and the log is shorter than, or forked from, a state that was seen.
    NotVerified
        The head, or a checkpoint that was kept, is not signed by the key.
    """
    # (1) The head and the checkpoints kept elsewhere are signed by the key.
    end = None if head is None else _open(head, key, "The head of the audit log does not verify.")
    opened = [_open(note, key, "A checkpoint kept elsewhere does not verify.") for note in kept]
    seen = sorted([*witnesses, *((signed.size, signed.root) for signed in opened)])
    sizes = {size for size, _ in seen}
    roots: dict[int, bytes] = {0: CompactTree().root()}
    walk = _Walk(key)
    for entry in entries:
        # (2) The entry stands at its place, and its hash is the hash of its leaf.
        _check_row(walk, entry, end)
        walk.run.append(entry)
        # (3) At the end of a run its signature covers the root over everything up to there.
        size = walk.size
        if size <= every_signature_below or len(walk.run) == RUN or size in sizes:
            walk.close_run()
        if size in sizes:
            roots[size] = walk.proven.root()
    walk.close_run()
    # (4) The log ends where its head says.
    _check_end(walk.proven, end)
    # (5) The log is as long as every state that was seen, and had the same root at its size.
    for size, root in seen:
        _check_witness(walk.proven.size, size, root, roots.get(size))
    return walk.verified(witnesses=len(seen))


def _open(note: str, key: VerifierKey, what: str) -> Checkpoint:
    try:
        return Checkpoint.verify(note, key=key)
    except NotVerified as error:
        raise NotVerified(f"{what} {error.what}", "Check that this is the log's key.") from error


def _check_row(walk: _Walk, entry: LogEntry, end: Checkpoint | None) -> None:
    index = walk.size
    if entry.leaf_index != index:
        raise walk.fail(index, "is missing.")
    # A database column holds values of any type once somebody else has written to it.
    types = [type(value) for value in (entry.leaf, entry.leaf_hash, entry.checkpoint)]
    if types != [bytes, bytes, str]:
        raise walk.fail(index, "does not hold a leaf, its hash and a checkpoint.")
    if leaf_hash(entry.leaf) != entry.leaf_hash:
        raise walk.fail(index, "does not have the hash that is stored beside it.")
    if end is not None and index >= end.size:
        raise walk.fail(index, "was added past the signed head of the log.")


def _check_end(proven: CompactTree, end: Checkpoint | None) -> None:
    if end is None:
        return
    if proven.size < end.size:
        raise LogTampered(
            f"Entry {proven.size} of the audit log is missing: its head counts {end.size}.",
            _TAMPERED_FIX,
            index=proven.size,
        )
    if proven.root() != end.root:
        raise LogRolledBack(
            f"The audit log forked: its head signs another history of {end.size} entries.",
            "Two libraries wrote under one key; keep both as evidence, and ask who restored one.",
        )


def _check_witness(log_size: int, size: int, root: bytes, found: bytes | None) -> None:
    if found is None:
        raise LogRolledBack(
            f"The audit log has {log_size} entries, and {size} were witnessed.",
            "It was rolled back, as by restoring an old backup; restore a newer one.",
        )
    if found != root:
        raise LogRolledBack(
            f"The audit log forked: its first {size} entries are not those that were witnessed.",
            "It went on from an old backup; restore one that holds what was witnessed.",
        )
