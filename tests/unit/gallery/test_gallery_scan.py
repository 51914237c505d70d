"""Codes in FAISS's own order, and what it adds up over them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from likeness.gallery import codes as codes_module
from likeness.gallery.faiss import FaissGallery
from likeness.gallery.scan import CodeBlock, scans_as_expected
from likeness.records.reference import Reference


def test_the_faiss_at_hand_adds_tables_up_exactly() -> None:
    assert scans_as_expected()


def test_a_faiss_that_loses_rows_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    find = CodeBlock.find

    def forgetful(self: CodeBlock, entries: NDArray[np.float32]) -> object:
        limits, found = find(self, entries)
        if len(entries) > 16:
            limits[-1] -= 1
        return limits, found

    monkeypatch.setattr(CodeBlock, "find", forgetful)
    assert not scans_as_expected()


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    pairs=st.integers(1, 20),
    rows=st.integers(1, 200),
    probes=st.integers(1, 70),
)
def test_rows_above_the_edge_are_found_and_no_others(
    seed: int, pairs: int, rows: int, probes: int
) -> None:
    random = np.random.default_rng(seed)
    block = CodeBlock(columns=2 * pairs, rows=rows + 3)
    codes = random.integers(0, 16, (rows, 2 * pairs), dtype=np.uint8)
    block.resize(rows)
    order = random.permutation(rows)
    block.write(order, codes[order])
    assert (block.read(np.arange(rows)) == codes).all()
    entries = random.integers(0, 256, (probes, 2 * pairs, 16)).astype(np.float32)
    entries[:, :, 0], entries[:, 1, 3] = 0, 255
    sums = entries[:, np.arange(2 * pairs), codes].sum(axis=2)
    edges = sums[np.arange(probes), random.integers(0, rows, probes)].clip(1)
    entries[:, 0] -= (edges - 1)[:, None]
    limits, found = block.find(entries)
    for probe in range(probes):
        mine = sorted(found[limits[probe] : limits[probe + 1]].tolist())
        assert mine == np.flatnonzero(sums[probe] >= edges[probe]).tolist()


def test_a_block_can_shrink_and_grow_without_moving() -> None:
    block = CodeBlock(columns=4, rows=100)
    block.resize(100)
    block.write(np.arange(100), np.full((100, 4), 9, dtype=np.uint8))
    before = block.memory().ctypes.data
    entries = np.zeros((1, 4, 16), dtype=np.float32)
    entries[0, 1, 9] = 255
    for count in (40, 100, 0, 77):
        block.resize(count)
        found = block.find(entries)[1]
        assert sorted(found.tolist()) == list(range(count))
    assert block.memory().ctypes.data == before


def test_codes_are_overwritten_by_wiping_and_when_the_block_goes() -> None:
    block = CodeBlock(columns=4, rows=32)
    block.resize(32)
    block.write(np.arange(32), np.full((32, 4), 9, dtype=np.uint8))
    assert block.memory().any()
    block.wipe()
    assert not block.memory().any()
    assert len(block) == 0
    block.resize(32)
    block.write(np.arange(32), np.full((32, 4), 9, dtype=np.uint8))
    memory = block.memory()
    with pytest.raises(ValueError, match="read-only"):
        memory[0] = 0
    assert memory.any()
    del block
    assert not memory.any()


def test_where_faiss_does_not_scan_as_expected_the_gallery_stays_flat(
    monkeypatch: pytest.MonkeyPatch,
) -> None:

    monkeypatch.setattr(codes_module, "scans_as_expected", lambda: False)
    gallery = FaissGallery(fingerprint="pack", template_length=4, scanned_from=2)
    rows = np.eye(4, dtype=np.float32)
    gallery.add(
        [Reference(reference_id=f"r{n}", person_id="p", template=rows[n]) for n in range(4)]
    )
    assert gallery.code_memory() == ()
    (found,) = gallery.search(rows[:1], eligible=frozenset({"p"}), threshold=0.9)
    assert [match.reference_id for match in found] == ["r0"]
