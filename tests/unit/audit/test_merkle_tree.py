from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.audit.proof import (
    consistency_proof,
    inclusion_proof,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from likeness.audit.tree import EMPTY_ROOT, CompactTree, leaf_hash
from likeness.errors import NotVerified, StorageError, UsageError

# The eight leaves, roots and paths that Certificate Transparency's implementations share.
CT_LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
CT_ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
CT_INCLUSION = {
    (0, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (5, 8): (
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 3): ("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",),
    (1, 5): (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}
CT_CONSISTENCY = {
    (1, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (6, 8): (
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 5): (
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}

sizes = st.integers(min_value=1, max_value=70)


def hashes(count: int) -> list[bytes]:
    return [leaf_hash(b"%d" % number) for number in range(count)]


def naive_root(leaves: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1, as it is written there; ``leaves`` are data, not hashes."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = naive_split(len(leaves))
    left, right = naive_root(leaves[:split]), naive_root(leaves[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def naive_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 9162, 2.1.3.1."""
    if len(leaves) == 1:
        return []
    split = naive_split(len(leaves))
    if index < split:
        return [*naive_path(index, leaves[:split]), naive_root(leaves[split:])]
    return [*naive_path(index - split, leaves[split:]), naive_root(leaves[:split])]


def naive_subproof(first: int, leaves: list[bytes], *, known: bool) -> list[bytes]:
    """RFC 9162, 2.1.4.1."""
    if first == len(leaves):
        return [] if known else [naive_root(leaves)]
    split = naive_split(len(leaves))
    if first <= split:
        return [
            *naive_subproof(first, leaves[:split], known=known),
            naive_root(leaves[split:]),
        ]
    return [
        *naive_subproof(first - split, leaves[split:], known=False),
        naive_root(leaves[:split]),
    ]


def naive_split(count: int) -> int:
    split = 1
    while split * 2 < count:
        split *= 2
    return split


def test_roots_are_those_of_certificate_transparency() -> None:
    tree = CompactTree()
    assert tree.root().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    for leaf, root in zip(CT_LEAVES, CT_ROOTS, strict=True):
        tree = tree.append(leaf_hash(leaf))
        assert tree.root().hex() == root


@pytest.mark.parametrize(("index", "size"), CT_INCLUSION)
def test_inclusion_proofs_are_those_of_certificate_transparency(index: int, size: int) -> None:
    leaves = [leaf_hash(leaf) for leaf in CT_LEAVES[:size]]
    proof = inclusion_proof(leaves, index)
    assert tuple(part.hex() for part in proof) == CT_INCLUSION[index, size]


@pytest.mark.parametrize(("first", "size"), CT_CONSISTENCY)
def test_consistency_proofs_are_those_of_certificate_transparency(first: int, size: int) -> None:
    leaves = [leaf_hash(leaf) for leaf in CT_LEAVES[:size]]
    proof = consistency_proof(leaves, first)
    assert tuple(part.hex() for part in proof) == CT_CONSISTENCY[first, size]


@given(st.lists(st.binary(max_size=8), max_size=70))
def test_a_tree_grown_leaf_by_leaf_has_the_root_of_the_definition(leaves: list[bytes]) -> None:
    tree = CompactTree()
    for leaf in leaves:
        tree = CompactTree.from_bytes(tree.append(leaf_hash(leaf)).to_bytes())
    assert tree.root() == naive_root(leaves)
    assert tree == CompactTree().extend(leaf_hash(leaf) for leaf in leaves)


@given(st.data(), sizes)
def test_inclusion_proofs_are_those_of_the_definition_and_verify(
    data: st.DataObject, size: int
) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(hashes(size), index)
    assert list(proof) == naive_path(index, [b"%d" % number for number in range(size)])
    verify_inclusion(
        hashes(size)[index], index=index, size=size, proof=proof, root=tree_root(hashes(size))
    )


@given(st.data(), sizes)
def test_consistency_proofs_are_those_of_the_definition_and_verify(
    data: st.DataObject, size: int
) -> None:
    first = data.draw(st.integers(1, size))
    proof = consistency_proof(hashes(size), first)
    leaves = [b"%d" % number for number in range(size)]
    assert list(proof) == naive_subproof(first, leaves, known=True)
    verify_consistency(
        first_size=first,
        first_root=tree_root(hashes(first)),
        second_size=size,
        second_root=tree_root(hashes(size)),
        proof=proof,
    )


@given(sizes)
def test_the_proof_made_before_an_append_holds_after_it(size: int) -> None:
    before = CompactTree().extend(hashes(size - 1))
    last = hashes(size)[-1]
    verify_inclusion(
        last,
        index=size - 1,
        size=size,
        proof=before.next_inclusion_proof(),
        root=before.append(last).root(),
    )


@given(st.data(), sizes)
def test_an_inclusion_proof_that_is_changed_in_any_way_fails(
    data: st.DataObject, size: int
) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = list(inclusion_proof(hashes(size), index))
    root = tree_root(hashes(size))
    other_index = data.draw(
        st.integers(0, size - 1).filter(lambda other: other != index) | st.none()
    )
    changed = [(index, [*proof, root])]
    if proof:
        place = data.draw(st.integers(0, len(proof) - 1))
        changed.append((index, proof[:-1]))
        changed.append((index, [*proof[:place], _flipped(proof[place]), *proof[place + 1 :]]))
    if other_index is not None:
        changed.append((other_index, proof))
    for claimed, path in changed:
        with pytest.raises(NotVerified):
            verify_inclusion(hashes(size)[index], index=claimed, size=size, proof=path, root=root)


@given(st.data(), sizes)
def test_a_consistency_proof_that_is_changed_in_any_way_fails(
    data: st.DataObject, size: int
) -> None:
    first = data.draw(st.integers(1, size))
    proof = list(consistency_proof(hashes(size), first))
    first_root, second_root = tree_root(hashes(first)), tree_root(hashes(size))
    changed = [
        (first_root, second_root, [*proof, first_root]),
        (_flipped(first_root), second_root, proof),
        (first_root, _flipped(second_root), proof),
    ]
    if proof:
        place = data.draw(st.integers(0, len(proof) - 1))
        flipped = [*proof[:place], _flipped(proof[place]), *proof[place + 1 :]]
        changed += [(first_root, second_root, proof[:-1]), (first_root, second_root, flipped)]
    for old, new, path in changed:
        with pytest.raises(NotVerified):
            verify_consistency(
                first_size=first, first_root=old, second_size=size, second_root=new, proof=path
            )


def test_a_tree_that_was_forked_is_not_consistent() -> None:
    honest = hashes(20)
    forked = [*honest[:7], leaf_hash(b"another"), *honest[8:]]
    with pytest.raises(NotVerified):
        verify_consistency(
            first_size=10,
            first_root=tree_root(honest[:10]),
            second_size=20,
            second_root=tree_root(forked),
            proof=consistency_proof(forked, 10),
        )


def test_the_empty_tree_begins_every_tree_and_no_tree_begins_a_shorter_one() -> None:
    root = tree_root(hashes(3))
    verify_consistency(
        first_size=0, first_root=EMPTY_ROOT, second_size=3, second_root=root, proof=()
    )
    with pytest.raises(NotVerified):
        verify_consistency(first_size=0, first_root=root, second_size=3, second_root=root, proof=())
    with pytest.raises(NotVerified):
        verify_consistency(first_size=3, first_root=root, second_size=2, second_root=root, proof=())


@pytest.mark.parametrize(
    "state",
    [b"", b"\x00" * 7, (1).to_bytes(8, "big"), (2).to_bytes(8, "big") + bytes(31), b"\xff" * 8],
)
def test_a_damaged_state_is_refused(state: bytes) -> None:
    with pytest.raises(StorageError):
        CompactTree.from_bytes(state)


def test_a_frontier_that_does_not_fit_the_size_is_refused() -> None:
    with pytest.raises(UsageError):
        CompactTree(size=3, frontier=(bytes(32),))
    with pytest.raises(UsageError):
        CompactTree(size=1, frontier=(bytes(31),))
    with pytest.raises(UsageError):
        CompactTree(size=-1)


@pytest.mark.parametrize("index", [-1, 3])
def test_no_proof_is_made_for_a_leaf_that_is_not_there(index: int) -> None:
    with pytest.raises(UsageError):
        inclusion_proof(hashes(3), index)
    with pytest.raises(NotVerified):
        verify_inclusion(bytes(32), index=index, size=3, proof=(), root=bytes(32))


@pytest.mark.parametrize("first", [-1, 4])
def test_no_consistency_proof_is_made_from_a_larger_tree(first: int) -> None:
    with pytest.raises(UsageError):
        consistency_proof(hashes(3), first)


@pytest.mark.parametrize("proof", [(bytes(31),), (bytes(32),) * 65])
def test_a_proof_of_short_or_endless_hashes_fails(proof: tuple[bytes, ...]) -> None:
    with pytest.raises(NotVerified):
        verify_inclusion(bytes(32), index=0, size=2**62, proof=proof, root=bytes(32))


def _flipped(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]
