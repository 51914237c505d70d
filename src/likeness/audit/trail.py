"""Appending to the audit log: new leaves in, rows to store and the next state out.

Nothing here touches a disk: the store writes the rows and the state in its own transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from likeness.audit.checkpoint import Checkpoint
from likeness.audit.leaf import Leaf
from likeness.audit.signed_note import VerifierKey
from likeness.audit.tree import CompactTree, leaf_hash
from likeness.errors import LogTampered, NotVerified, UsageError


@dataclass(frozen=True, kw_only=True)
class LogEntry:
    """One row of the stored log.

    Attributes
    ----------
    leaf_index : int
        Place in the log, from 0.
    leaf : bytes
        Canonical bytes of the leaf.
    leaf_hash : bytes
        Hash of the leaf, 32 bytes. Two copies that disagree name a changed row without any key.
    checkpoint : str
        Signed checkpoint of the log that ends with this entry: its size is ``leaf_index + 1``. With
        one for each entry, verification can name the first entry that is not what was signed.
    """

    leaf_index: int
    leaf: bytes
    leaf_hash: bytes
    checkpoint: str


@dataclass(frozen=True, kw_only=True)
class Appended:
    """What an append makes.

    Attributes
    ----------
    trail : AuditTrail
        The state after it.
    entries : tuple of LogEntry
        The rows to store, in order.
    proofs : tuple of tuple of bytes
        For each entry, the proof that it is in the tree that its own checkpoint signs.
    """

    trail: AuditTrail
    entries: tuple[LogEntry, ...]
    proofs: tuple[tuple[bytes, ...], ...]


@dataclass(frozen=True, kw_only=True)
class AuditTrail:
    """The end of a log, to append to.

    Attributes
    ----------
    origin : str
        Name of the log and of the key that signs it: ``likeness/<library id>``.
    tree : CompactTree
    """

    origin: str
    tree: CompactTree = field(default_factory=CompactTree)

    @classmethod
    def resume(cls, state: bytes, *, checkpoint: str | None, key: VerifierKey) -> AuditTrail:
        """Take up a log where it was left, after checking that nobody moved its end.

        A state that was changed would make the next checkpoint sign a wrong root for good, so it is
        compared with the checkpoint of the last entry first. Costs one signature check.

        Parameters
        ----------
        state : bytes
            What ``to_bytes`` of the trail returned after the last append.
        checkpoint : str or None
            Signed checkpoint of the last entry; None where the log has no entry.
        key : VerifierKey
            The log's own key.

        Raises
        ------
        StorageError
            The state is damaged.
        LogTampered
            The state, or the checkpoint, is not what was signed; ``index`` is the last entry.
        """
        trail = cls(origin=key.name, tree=CompactTree.from_bytes(state))
        fix = "Run 'likeness audit verify' to find the first bad entry."
        last = max(0, trail.tree.size - 1)
        if checkpoint is None:
            if trail.tree.size:
                raise LogTampered("The audit log has lost all its entries.", fix, index=0)
            return trail
        try:
            signed = Checkpoint.verify(checkpoint, key=key)
        except NotVerified as error:
            what = "The last checkpoint of the audit log is not what was signed."
            raise LogTampered(what, fix, index=last) from error
        if (signed.size, signed.root) != (trail.tree.size, trail.tree.root()):
            what = "The state of the audit log is not the one that its last checkpoint signs."
            raise LogTampered(what, fix, index=min(last, signed.size))
        return trail

    def append(self, leaves: Sequence[Leaf], *, private_key: Ed25519PrivateKey) -> Appended:
        """Append leaves in order, one signed checkpoint each.

        Raises
        ------
        UsageError
            No leaf was given.
        """
        if not leaves:
            raise UsageError("An append to the audit log holds no leaf.")
        tree = self.tree
        entries: list[LogEntry] = []
        proofs: list[tuple[bytes, ...]] = []
        for leaf in leaves:
            data = leaf.to_bytes()
            hashed = leaf_hash(data)
            proofs.append(tree.next_inclusion_proof())
            tree = tree.append(hashed)
            checkpoint = Checkpoint(origin=self.origin, size=tree.size, root=tree.root())
            entries.append(
                LogEntry(
                    leaf_index=tree.size - 1,
                    leaf=data,
                    leaf_hash=hashed,
                    checkpoint=checkpoint.sign(private_key),
                )
            )
        return Appended(
            trail=AuditTrail(origin=self.origin, tree=tree),
            entries=tuple(entries),
            proofs=tuple(proofs),
        )

    def to_bytes(self) -> bytes:
        """Return the state to store; see ``CompactTree.to_bytes``."""
        return self.tree.to_bytes()
