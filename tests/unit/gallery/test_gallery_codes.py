"""Codes in step with the gallery: who is scanned, what is overwritten, when they are made anew."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from numpy.typing import NDArray

from likeness.gallery import quantise
from likeness.gallery.faiss import FaissGallery
from likeness.gallery.scan import CodeBlock
from likeness.records.reference import Reference

Floats = NDArray[np.float32]


@pytest.fixture(autouse=True)
def _scan_however_much_is_proposed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantise, "HOPELESS", -1e9)
    monkeypatch.setattr(quantise, "FEWEST_COLUMNS", 24)


def units(count: int, length: int, seed: int = 0) -> Floats:
    rows = np.random.default_rng(seed).standard_normal((count, length), dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def references(vectors: Floats, *, first: int = 0) -> list[Reference]:
    return [
        Reference(reference_id=f"r{n}", person_id=f"p{n}", template=vector)
        for n, vector in enumerate(vectors, first)
    ]


def coded(vectors: Floats, *, scanned_from: int = 50, rows_per_block: int = 96) -> FaissGallery:
    gallery = FaissGallery(
        fingerprint="pack",
        template_length=vectors.shape[1],
        rows_per_block=rows_per_block,
        scanned_from=scanned_from,
    )
    gallery.add(references(vectors))
    return gallery


def people(numbers: range) -> frozenset[str]:
    return frozenset(f"p{n}" for n in numbers)


def gallery_codes(gallery: FaissGallery, numbers: range) -> NDArray[np.uint8]:
    rows = np.array(numbers)
    blocks = [gallery._codes.block(index) for index in range(len(gallery.code_memory()))]
    return np.concatenate([block.read(np.arange(len(block))) for block in blocks])[rows]


def near(vectors: Floats, seed: int = 1) -> Floats:
    wide = vectors + 0.05 * units(len(vectors), vectors.shape[1], seed)
    return wide / np.linalg.norm(wide, axis=1, keepdims=True)


def found(gallery: FaissGallery, probes: Floats, eligible: frozenset[str]) -> list[list[str]]:
    answers = gallery.search(probes, eligible=eligible, threshold=0.9)
    return [[match.person_id for match in matches] for matches in answers]


def test_small_galleries_keep_no_codes() -> None:
    vectors = units(120, 16)
    gallery = coded(vectors[:49])
    assert gallery.code_memory() == ()
    gallery.add(references(vectors[49:50], first=49))
    assert len(gallery.code_memory()) == 1
    gallery.remove(people(range(20)))
    assert len(gallery.code_memory()) == 1
    gallery.remove(people(range(20, 26)))
    assert gallery.code_memory() == (), "below half they go"


def test_codes_of_people_who_are_not_eligible_are_never_scanned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scanned: list[NDArray[np.uint8]] = []
    find = CodeBlock.find

    def watched(self: CodeBlock, entries: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        scanned.append(self.read(np.arange(len(self))))
        return find(self, entries)

    monkeypatch.setattr(CodeBlock, "find", watched)
    vectors = units(400, 16)
    gallery = coded(vectors)
    scanned.clear()
    everybody = gallery.person_ids()
    assert found(gallery, near(vectors[:9]), everybody) == [[f"p{n}"] for n in range(9)]
    assert sum(map(len, scanned)) == 400
    scanned.clear()

    some = people(range(0, 400, 3))
    for _ in range(3):
        answers = found(gallery, near(vectors[:9]), some)
        assert answers == [[f"p{n}"] if n % 3 == 0 else [] for n in range(9)]
    seen = np.concatenate(scanned)
    assert len(seen) == 2 * len(some), "asked for once, a set is compared without codes"
    wanted = {code.tobytes() for code in gallery_codes(gallery, range(0, 400, 3))}
    assert {code.tobytes() for code in seen} == wanted

    scanned.clear()
    few = people(range(0, 400, 30))
    for _ in range(3):
        found(gallery, near(vectors[:9]), few)
    assert scanned == []


def test_codes_that_went_are_overwritten_where_they_were_and_where_they_were_copied() -> None:
    vectors = units(300, 16)
    gallery = coded(vectors)
    some = people(range(0, 300, 2))
    found(gallery, vectors[:1], some)
    found(gallery, vectors[:1], some)
    (selection,) = gallery._selections._held
    copies = [part.codes.memory() for part in selection.parts if part.codes is not None]
    assert all(copy.any() for copy in copies)
    before = gallery.code_memory()
    last = before[-1]
    assert last.any()

    gallery.remove(people(range(250, 300)))
    assert not any(copy.any() for copy in copies)
    rows_left = 250 - 96 * 2
    block = gallery._codes.block(2)
    assert len(block) == rows_left
    block.resize(96)
    assert not block.read(np.arange(rows_left, 96)).any()
    block.resize(rows_left)

    gallery.clear()
    assert not any(memory.any() for memory in before)
    assert gallery.code_memory() == ()


def test_after_any_changes_codes_are_those_of_the_vectors() -> None:
    vectors = units(900, 16)
    gallery = coded(vectors[:60])
    random = np.random.default_rng(4)
    for first in range(60, 900, 120):
        gallery.add(references(vectors[first : first + 120], first=first))
        gallery.add(references(vectors[first - 5 : first + 5], first=first - 50))
        gallery.remove(f"p{n}" for n in random.integers(0, first, 40))
        codes = gallery._codes
        assert codes._quantiser is not None
        loose: list[int] = []
        for index, held in enumerate(gallery._vectors.filled()):
            wanted, unbound = codes._quantiser.encode(held)
            assert len(codes.block(index)) == len(held)
            assert (codes.block(index).read(np.arange(len(held))) == wanted).all()
            loose += (96 * index + np.flatnonzero(unbound)).tolist()
        assert codes.loose().tolist() == loose


def test_references_unlike_those_learnt_from_are_found_too() -> None:
    alike = np.abs(units(300, 16)) + np.float32(1)
    alike /= np.linalg.norm(alike, axis=1, keepdims=True)
    gallery = coded(alike, rows_per_block=64)
    strange = -alike[:3]
    gallery.add(references(strange, first=900))
    assert len(gallery._codes.loose()) == 3
    everybody = gallery.person_ids()
    assert found(gallery, strange, everybody)[0][:1] == ["p900"]
    some = everybody - {"p7"}
    for _ in range(3):
        assert "p902" in found(gallery, strange, some)[2]
    gallery.remove(["p0", "p901"])
    assert len(gallery._codes.loose()) == 2
    assert "p902" in found(gallery, strange, gallery.person_ids())[2]


@pytest.mark.parametrize("share", [1, 2])
def test_nobody_above_the_threshold_is_missed(share: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantise, "HOPELESS", 1.3)
    vectors = units(6000, 32) + np.float32(0.4)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    gallery = coded(vectors, rows_per_block=1024, scanned_from=1000)
    flat = coded(vectors, rows_per_block=1024, scanned_from=10_000)
    eligible = people(range(0, 6000, share))
    random = np.random.default_rng(3)
    shift = units(2000, 32, 3) * random.uniform(0.05, 0.5, (2000, 1)).astype(np.float32)
    probes = vectors[:2000] + shift
    probes /= np.linalg.norm(probes, axis=1, keepdims=True)
    for start in range(0, 2000, 500):
        some = probes[start : start + 500]
        answers = gallery.search(some, eligible=eligible, threshold=0.95)
        assert answers == flat.search(some, eligible=eligible, threshold=0.95)
        assert sum(map(len, answers)) > 100


def test_a_set_that_its_owner_drops_is_not_kept_alive() -> None:
    vectors = units(200, 16)
    gallery = coded(vectors)
    everybody = gallery.person_ids()
    assert gallery.person_ids() is everybody, "the same object while somebody holds it"
    for number in range(9):
        found(gallery, vectors[:1], people(range(number, 200)))
    gc.collect()
    assert all(held.people() is None for held in gallery._selections._held)
    found(gallery, vectors[:1], everybody)
    assert len(gallery._selections._held) == 1
    held = [people(range(number, 200)) for number in range(9)]
    for one in held + held:
        assert found(gallery, vectors[150:151], one) == [["p150"]]
    assert len(gallery._selections._held) == 4


def test_codes_of_selections_take_no_more_than_those_of_the_gallery() -> None:
    vectors = units(300, 16)
    gallery = coded(vectors)
    sets = [people(range(first, 300)) for first in (10, 20, 200, 220)]
    for _ in range(3):
        for one in sets:
            found(gallery, vectors[:1], one)
    coded_rows = [one.rows for one in gallery._selections._held if one.coded]
    assert coded_rows == [290]
