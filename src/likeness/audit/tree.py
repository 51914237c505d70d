"""The Merkle tree of the audit log: hashes, and a tree that is appended to in logarithmic time.

Source: RFC 9162, section 2.1 (the same tree as RFC 6962). SHA-256 throughout; a hash is 32 bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from likeness.errors import StorageError, UsageError

HASH_BYTES = 32
"""Length of a hash, in bytes."""

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""Root of a tree without leaves."""

_MAX_SIZE = 2**63 - 1


def leaf_hash(leaf: bytes) -> bytes:
    """Return the hash of one leaf: SHA-256 of 0x00 and its bytes (RFC 9162, 2.1.1)."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256 of 0x01, left and right (RFC 9162, 2.1.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, kw_only=True)
class CompactTree:
    """What is needed of a tree to append to it and to name its root, and nothing more.

    Attributes
    ----------
    size : int
        Number of leaves.
    frontier : tuple of bytes
        Roots of the perfect subtrees that the leaves fall into, the largest (leftmost) first: one
        for each bit that is set in ``size``.
    """

    size: int = 0
    frontier: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a frontier that does not belong to the size.

        Raises
        ------
        UsageError
            The size is negative or too large, or the frontier's hashes are too few, many or short.
        """
        if not 0 <= self.size <= _MAX_SIZE:
            raise UsageError(f"A tree cannot have {self.size} leaves.")
        if len(self.frontier) != self.size.bit_count():
            raise UsageError(f"A frontier of {len(self.frontier)} does not fit {self.size} leaves.")
        if any(len(part) != HASH_BYTES for part in self.frontier):
            raise UsageError(f"A hash in a frontier is not {HASH_BYTES} bytes long.")

    def extend(self, leaf_hashes: Iterable[bytes]) -> CompactTree:
        """Return the tree with these leaf hashes (32 bytes each) appended in order."""
        sha256 = hashlib.sha256
        size = self.size
        frontier = list(self.frontier)
        for node in leaf_hashes:
            carried = size
            while carried & 1:
                node = sha256(b"\x01" + frontier.pop() + node).digest()
                carried >>= 1
            frontier.append(node)
            size += 1
        return CompactTree(size=size, frontier=tuple(frontier))

    def append(self, new_hash: bytes) -> CompactTree:
        """Return the tree with one leaf hash (32 bytes) appended."""
        return self.extend((new_hash,))

    def root(self) -> bytes:
        """Return the root of all leaves, 32 bytes (RFC 9162, 2.1.1)."""
        if not self.frontier:
            return EMPTY_ROOT
        node = self.frontier[-1]
        for left in reversed(self.frontier[:-1]):
            node = node_hash(left, node)
        return node

    def next_inclusion_proof(self) -> tuple[bytes, ...]:
        """Return the proof that the next leaf is the last of the tree one larger than this one.

        The siblings of a tree's last leaf are the roots on the frontier before it, nearest first.
        """
        return tuple(reversed(self.frontier))

    def to_bytes(self) -> bytes:
        """Return the tree as bytes: the size in 8 bytes, big-endian, then the frontier's hashes."""
        return self.size.to_bytes(8, "big") + b"".join(self.frontier)

    @classmethod
    def from_bytes(cls, data: bytes) -> CompactTree:
        """Read what ``to_bytes`` wrote.

        Raises
        ------
        StorageError
            The bytes are not a tree's state.
        """
        size = int.from_bytes(data[:8], "big")
        hashes = data[8:]
        if len(data) < 8 or size > _MAX_SIZE or len(hashes) != HASH_BYTES * size.bit_count():
            raise StorageError(
                "The stored state of the audit log is damaged.",
                "Run 'likeness audit verify' to find the first bad entry.",
            )
        frontier = tuple(
            hashes[start : start + HASH_BYTES] for start in range(0, len(hashes), HASH_BYTES)
        )
        return cls(size=size, frontier=frontier)
