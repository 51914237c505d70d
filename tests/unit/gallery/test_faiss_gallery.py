"""What only the index inside the process promises: where its vectors are, what it reads of them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from likeness.errors import UsageError
from likeness.gallery import compare
from likeness.gallery.faiss import FaissGallery
from likeness.records.reference import Reference


def units(count: int, length: int, seed: int = 0) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).standard_normal((count, length), dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def filled(
    vectors: NDArray[np.float32], *, people: int, rows_per_block: int = 65_536
) -> FaissGallery:
    gallery = FaissGallery(
        fingerprint="pack", template_length=vectors.shape[1], rows_per_block=rows_per_block
    )
    gallery.add(
        [
            Reference(reference_id=f"r{n}", person_id=f"p{n % people}", template=vector)
            for n, vector in enumerate(vectors)
        ]
    )
    return gallery


def test_the_rows_of_people_who_are_not_eligible_are_never_handed_to_faiss(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    handed: list[NDArray[np.float32]] = []
    propose = compare._propose

    def watched(probes: NDArray[np.float32], rows: NDArray[np.float32], threshold: float) -> object:
        handed.append(rows.copy())
        return propose(probes, rows, threshold)

    monkeypatch.setattr(compare, "_propose", watched)
    vectors = units(1000, 16)
    gallery = filled(vectors, people=10, rows_per_block=64)
    eligible = {2, 5, 7}
    gallery.search(vectors[:30], eligible=frozenset(f"p{n}" for n in eligible), threshold=0.2)
    allowed = {row.tobytes() for n, row in enumerate(vectors) if n % 10 in eligible}
    assert {row.tobytes() for rows in handed for row in rows} == allowed
    assert sum(map(len, handed)) == len(allowed)

    handed.clear()
    gallery.search(vectors[:30], eligible=frozenset(), threshold=0.2)
    gallery.search(vectors[:30], eligible=frozenset({"nobody"}), threshold=0.2)
    assert handed == []


def test_no_byte_of_a_removed_vector_is_left_in_the_memory_of_the_gallery() -> None:
    vectors = units(500, 32)
    gallery = filled(vectors, people=50, rows_per_block=64)
    before = gallery.memory()
    held = b"".join(memory.tobytes() for memory in before)
    assert all(vector.tobytes() in held for vector in vectors)

    assert gallery.remove(["p3", "p49", "p0"]) == 30
    left = b"".join(memory.tobytes() for memory in before)
    for number, vector in enumerate(vectors):
        assert (vector.tobytes() in left) == (number % 50 not in {0, 3, 49})
        if number % 50 in {0, 3, 49}:
            assert vector[:2].tobytes() not in left


def test_a_replaced_vector_is_overwritten() -> None:
    old, new = units(2, 32)
    gallery = filled(old[None], people=1)
    gallery.add([Reference(reference_id="r0", person_id="p0", template=new)])
    (memory,) = gallery.memory()
    assert old.tobytes() not in memory.tobytes()
    assert new.tobytes() in memory.tobytes()


def test_everything_is_overwritten_when_the_gallery_is_cleared() -> None:
    gallery = filled(units(200, 8), people=5, rows_per_block=64)
    before = gallery.memory()
    gallery.clear()
    assert not any(memory.any() for memory in before)
    assert gallery.memory() == ()


@pytest.mark.parametrize("share", [1, 2])
def test_a_gallery_of_many_calls_answers_as_one_product_of_matrices_does(share: int) -> None:
    count = 2 * compare.TOGETHER + 77
    vectors = units(count, 24)
    gallery = filled(vectors, people=100, rows_per_block=9000)
    probes = units(33, 24, seed=1)
    eligible = frozenset(f"p{n}" for n in range(0, 100, share))
    found = gallery.search(probes, eligible=eligible, threshold=0.6)
    scores = probes.astype(np.float64) @ vectors.astype(np.float64).T
    near = np.abs(scores - 0.6) < 1e-6
    assert not near.any(), "the seeds leave no score so close that rounding decides"
    for row, matches in enumerate(found):
        wanted = {f"r{n}" for n in np.flatnonzero(scores[row] >= 0.6) if n % 100 % share == 0}
        assert {match.reference_id for match in matches} == wanted
        for match in matches:
            assert match.score == pytest.approx(scores[row, int(match.reference_id[1:])], abs=1e-7)
    assert sum(map(len, found)) > 100


def test_rows_remembered_for_a_set_of_people_are_forgotten_when_the_gallery_changes() -> None:
    vectors = units(20, 8)
    gallery = filled(vectors, people=4)
    some = frozenset({"p0", "p1", "p9"})
    probe = vectors[:1]
    assert len(gallery.search(probe, eligible=some, threshold=-1.1)[0]) == 10
    gallery.add([Reference(reference_id="new", person_id="p9", template=vectors[3])])
    assert len(gallery.search(probe, eligible=some, threshold=-1.1)[0]) == 11
    gallery.remove(["p0"])
    assert len(gallery.search(probe, eligible=some, threshold=-1.1)[0]) == 6
    for number in range(10):
        other = frozenset({"p1", f"x{number}"})
        assert len(gallery.search(probe, eligible=other, threshold=-1.1)[0]) == 5
    assert len(gallery.search(probe, eligible=some, threshold=-1.1)[0]) == 6


@pytest.mark.parametrize(
    "off",
    [
        {"fingerprint": ""},
        {"template_length": 0},
        {"rows_per_block": 0},
        {"scanned_from": 0},
        {"threads": -1},
    ],
)
def test_a_gallery_without_a_pack_or_a_size_is_refused(off: dict[str, object]) -> None:
    given = {"fingerprint": "pack", "template_length": 8, **off}
    with pytest.raises(UsageError, match="fingerprint"):
        FaissGallery(**given)
