"""Proofs about the Merkle tree: that a leaf is in it, and that one tree grew out of another.

Source: RFC 9162, sections 2.1.3 (inclusion) and 2.1.4 (consistency).
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from likeness.audit.tree import EMPTY_ROOT, HASH_BYTES, CompactTree, node_hash
from likeness.errors import NotVerified, UsageError

MAX_PROOF = 64
"""No proof in a tree of fewer than 2**63 leaves holds more hashes than this."""


def tree_root(leaf_hashes: Sequence[bytes]) -> bytes:
    """Return the root over these leaf hashes, 32 bytes."""
    return CompactTree().extend(leaf_hashes).root()


def inclusion_proof(leaf_hashes: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Return the proof that the leaf at ``index`` is in the tree over ``leaf_hashes``.

    Raises
    ------
    UsageError
        There is no leaf at that index.
    """
    if not 0 <= index < len(leaf_hashes):
        raise UsageError(f"There is no leaf {index} in a tree of {len(leaf_hashes)}.")
    proof: list[bytes] = []
    start, stop = 0, len(leaf_hashes)
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            proof.append(tree_root(leaf_hashes[middle:stop]))
            stop = middle
        else:
            proof.append(tree_root(leaf_hashes[start:middle]))
            start = middle
    return tuple(reversed(proof))


def consistency_proof(leaf_hashes: Sequence[bytes], first_size: int) -> tuple[bytes, ...]:
    """Return the proof that the first ``first_size`` leaves are a beginning of the whole tree.

    Empty where ``first_size`` is 0 or the whole: there is nothing to prove.

    Raises
    ------
    UsageError
        ``first_size`` is negative or larger than the tree.
    """
    if not 0 <= first_size <= len(leaf_hashes):
        raise UsageError(f"No tree of {first_size} can begin one of {len(leaf_hashes)} leaves.")
    if first_size in (0, len(leaf_hashes)):
        return ()
    proof: list[bytes] = []
    start, stop = 0, len(leaf_hashes)
    while first_size < stop:
        middle = start + _split(stop - start)
        if first_size <= middle:
            proof.append(tree_root(leaf_hashes[middle:stop]))
            stop = middle
        else:
            proof.append(tree_root(leaf_hashes[start:middle]))
            start = middle
    if start:
        proof.append(tree_root(leaf_hashes[start:stop]))
    return tuple(reversed(proof))


def verify_inclusion(
    leaf: bytes, *, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Check that a leaf hash stands at ``index`` of the tree of ``size`` leaves with this root.

    Follows RFC 9162, 2.1.3.2.

    Raises
    ------
    NotVerified
        The proof does not lead from the leaf to the root, or is not one.
    """
    if not 0 <= index < size:
        raise NotVerified(f"There is no leaf {index} in a tree of {size}.")
    _check_hashes((leaf, root, *proof))
    node = leaf
    position, last = index, size - 1
    for sibling in proof:
        if last == 0:
            raise NotVerified("The inclusion proof is longer than the tree is high.")
        if position & 1 or position == last:
            node = node_hash(sibling, node)
            while position and not position & 1:
                position >>= 1
                last >>= 1
        else:
            node = node_hash(node, sibling)
        position >>= 1
        last >>= 1
    if last != 0:
        raise NotVerified("The inclusion proof is shorter than the tree is high.")
    if not hmac.compare_digest(node, root):
        raise NotVerified("The inclusion proof does not lead to the root of the tree.")


def verify_consistency(
    *,
    first_size: int,
    first_root: bytes,
    second_size: int,
    second_root: bytes,
    proof: Sequence[bytes],
) -> None:
    """Check that the tree with the second root begins with the tree with the first.

    Follows RFC 9162, 2.1.4.2.

    Raises
    ------
    NotVerified
        The proof does not lead to both roots, or is not one.
    """
    if not 0 <= first_size <= second_size:
        raise NotVerified(f"A tree of {first_size} leaves cannot begin one of {second_size}.")
    _check_hashes((first_root, second_root, *proof))
    if first_size in (0, second_size):
        expected = second_root if first_size else EMPTY_ROOT
        if proof or not hmac.compare_digest(first_root, expected):
            raise NotVerified("The two trees are not the same at the same size.")
        return
    path = list(proof)
    if first_size & (first_size - 1) == 0:
        path.insert(0, first_root)
    _follow_consistency(path, first_size, first_root, second_size, second_root)


def _follow_consistency(
    path: Sequence[bytes], first_size: int, first_root: bytes, second_size: int, second_root: bytes
) -> None:
    if not path:
        raise NotVerified("The consistency proof is empty.")
    position, last = first_size - 1, second_size - 1
    while position & 1:
        position >>= 1
        last >>= 1
    first = second = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise NotVerified("The consistency proof is longer than the tree is high.")
        if position & 1 or position == last:
            first = node_hash(sibling, first)
            second = node_hash(sibling, second)
            while position and not position & 1:
                position >>= 1
                last >>= 1
        else:
            second = node_hash(second, sibling)
        position >>= 1
        last >>= 1
    if last != 0:
        raise NotVerified("The consistency proof is shorter than the tree is high.")
    if not (hmac.compare_digest(first, first_root) and hmac.compare_digest(second, second_root)):
        raise NotVerified("The consistency proof does not lead to both roots.")


def _split(count: int) -> int:
    """The largest power of two below ``count``, for ``count`` of 2 and more."""
    return 1 << ((count - 1).bit_length() - 1)


def _check_hashes(hashes: Sequence[bytes]) -> None:
    if len(hashes) > MAX_PROOF + 2:
        raise NotVerified(f"A proof of {len(hashes)} hashes is longer than any tree is high.")
    if any(len(part) != HASH_BYTES for part in hashes):
        raise NotVerified(f"A hash in a proof is not {HASH_BYTES} bytes long.")
