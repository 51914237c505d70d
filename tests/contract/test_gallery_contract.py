"""What every gallery adapter must do, checked against a model that scores one pair at a time."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from numpy.typing import NDArray

from likeness.errors import BadInput, LikenessError, PackMismatch, UsageError
from likeness.gallery import quantise
from likeness.gallery.base import Gallery
from likeness.gallery.faiss import FaissGallery
from likeness.records.reference import Match, Reference

Template = NDArray[np.float32]
Make = Callable[[int], Gallery]

FINGERPRINT = "0123456789abcdef" * 4
LENGTH = 6


def faiss_in_small_blocks(template_length: int) -> Gallery:
    return FaissGallery(
        fingerprint=FINGERPRINT, template_length=template_length, rows_per_block=3, threads=2
    )


def faiss_as_it_comes(template_length: int) -> Gallery:
    return FaissGallery(fingerprint=FINGERPRINT, template_length=template_length)


def faiss_by_codes(template_length: int) -> Gallery:
    return FaissGallery(
        fingerprint=FINGERPRINT,
        template_length=template_length,
        rows_per_block=7,
        scanned_from=2,
        threads=2,
    )


ADAPTERS: tuple[Make, ...] = (faiss_as_it_comes, faiss_in_small_blocks, faiss_by_codes)

every_adapter = pytest.mark.parametrize("make", ADAPTERS, ids=lambda make: make.__name__)


@pytest.fixture(autouse=True)
def _scan_however_much_is_proposed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantise, "HOPELESS", -1e9)
    monkeypatch.setattr(quantise, "FEWEST_COLUMNS", 12)


def unit(numbers: NDArray[np.floating] | list[float]) -> Template:
    wide = np.asarray(numbers, dtype=np.float64)
    return (wide / np.linalg.norm(wide)).astype(np.float32)


def random_units(count: int, length: int, seed: int = 0) -> Template:
    wide = np.random.default_rng(seed).standard_normal((count, length))
    return (wide / np.linalg.norm(wide, axis=1, keepdims=True)).astype(np.float32)


def reference(name: str, person: str, template: Template) -> Reference:
    return Reference(reference_id=name, person_id=person, template=template)


def one_score(left: Template, right: Template) -> float:
    """The exact cosine of two float32 vectors, rounded once."""
    products = (float(a) * float(b) for a, b in zip(left, right, strict=True))
    return float(np.float32(math.fsum(products)))


def expected(
    held: dict[str, Reference], templates: Template, eligible: frozenset[str], threshold: float
) -> list[list[Match]]:
    answer = []
    for template in templates:
        matches = [
            Match(
                person_id=one.person_id,
                reference_id=one.reference_id,
                score=one_score(template, one.template),
            )
            for one in held.values()
            if one.person_id in eligible
        ]
        matches = [match for match in matches if match.score >= threshold]
        answer.append(sorted(matches, key=lambda match: (-match.score, match.reference_id)))
    return answer


# Few directions, so that equal templates, opposite ones and ties are common; and any direction.
templates_of = st.one_of(
    st.lists(st.sampled_from([-1.0, 0.0, 1.0]), min_size=LENGTH, max_size=LENGTH)
    .filter(any)
    .map(unit),
    st.integers(0, 2**32 - 1).map(lambda seed: random_units(1, LENGTH, seed)[0]),
)
people = st.sampled_from(["ann", "ben", "cleo", "dan", "eve"])
references_of = st.builds(
    Reference,
    reference_id=st.sampled_from([f"r{number}" for number in range(12)]),
    person_id=people,
    template=templates_of,
)
probes_of = st.lists(templates_of, min_size=0, max_size=25).map(
    lambda rows: np.array(rows, dtype=np.float32).reshape(-1, LENGTH)
)
eligible_of = st.frozensets(st.one_of(people, st.just("nobody")))


class GalleryAgainstModel(RuleBasedStateMachine):
    make: Make

    def __init__(self) -> None:
        super().__init__()
        self.gallery = type(self).make(LENGTH)
        self.held: dict[str, Reference] = {}

    @rule(references=st.lists(references_of, max_size=8))
    def add(self, references: list[Reference]) -> None:
        self.gallery.add(references)
        for one in references:
            self.held[one.reference_id] = one

    @rule(gone=st.lists(st.one_of(people, st.just("nobody"))))
    def remove(self, gone: list[str]) -> None:
        left = {name: one for name, one in self.held.items() if one.person_id not in gone}
        assert self.gallery.remove(person for person in gone) == len(self.held) - len(left)
        self.held = left

    @rule()
    def clear(self) -> None:
        self.gallery.clear()
        self.held.clear()

    @rule(probes=probes_of, eligible=eligible_of, threshold=st.floats(-1.1, 1.1))
    def search(self, probes: Template, eligible: frozenset[str], threshold: float) -> None:
        found = self.gallery.search(probes, eligible=eligible, threshold=threshold)
        assert found == expected(self.held, probes, eligible, threshold)

    @rule(probes=probes_of, eligible=eligible_of, choice=st.integers(0), above=st.booleans())
    def search_exactly_at_a_score(
        self, probes: Template, eligible: frozenset[str], choice: int, above: bool
    ) -> None:
        every = expected(self.held, probes, eligible, -2.0)
        scores = [match.score for matches in every for match in matches]
        if scores:
            threshold = scores[choice % len(scores)]
            self.search(probes, eligible, math.nextafter(threshold, 2) if above else threshold)

    @rule(probes=probes_of)
    def search_everybody(self, probes: Template) -> None:
        self.search(probes, self.gallery.person_ids(), -1.1)

    @invariant()
    def counts_agree(self) -> None:
        assert len(self.gallery) == len(self.held)
        assert self.gallery.person_ids() == {one.person_id for one in self.held.values()}


@every_adapter
def test_any_run_of_changes_and_searches_answers_as_the_model_does(make: Make) -> None:
    machine = type("Machine", (GalleryAgainstModel,), {"make": staticmethod(make)})
    test = machine.TestCase()
    test.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
    test.runTest()


@every_adapter
@settings(max_examples=60)
@given(
    ours=st.lists(references_of, max_size=12),
    others=st.lists(references_of, max_size=12),
    probes=probes_of,
    threshold=st.floats(-1.1, 1.1),
)
def test_references_of_people_who_are_not_eligible_never_change_an_answer(
    make: Make,
    ours: list[Reference],
    others: list[Reference],
    probes: Template,
    threshold: float,
) -> None:
    eligible = frozenset(one.person_id for one in ours)
    gallery = make(LENGTH)
    gallery.add(ours)
    before = gallery.search(probes, eligible=eligible, threshold=threshold)
    gallery.add(
        [reference(f"x{one.reference_id}", f"x{one.person_id}", one.template) for one in others]
    )
    assert gallery.search(probes, eligible=eligible, threshold=threshold) == before


@every_adapter
def test_a_score_depends_on_the_pair_alone(make: Make) -> None:
    vectors = random_units(700, 128)
    references = [
        reference(f"r{number:03}", f"p{number % 50}", vector)
        for number, vector in enumerate(vectors)
    ]
    probes = random_units(64, 128, seed=1)
    forwards, backwards = make(128), make(128)
    forwards.add(references)
    for one in reversed(references):
        backwards.add([one])
    everybody = forwards.person_ids()
    together = forwards.search(probes, eligible=everybody, threshold=0.05)

    alone = [
        forwards.search(probes[row : row + 1], eligible=everybody, threshold=0.05)[0]
        for row in range(len(probes))
    ]
    assert alone == together
    assert backwards.search(probes, eligible=everybody, threshold=0.05) == together

    half = frozenset(f"p{number}" for number in range(0, 50, 2))
    assert forwards.search(probes, eligible=half, threshold=0.05) == [
        [match for match in matches if match.person_id in half] for matches in together
    ]
    assert sum(map(len, together)) > 1000


@every_adapter
def test_a_score_that_equals_the_threshold_matches_and_one_below_does_not(make: Make) -> None:
    vectors = random_units(300, 128)
    gallery = make(128)
    gallery.add([reference(f"r{n:03}", f"p{n}", vector) for n, vector in enumerate(vectors)])
    probes = random_units(20, 128, seed=2)
    everybody = gallery.person_ids()
    for row, matches in enumerate(gallery.search(probes, eligible=everybody, threshold=-1.0)):
        assert len(matches) == 300
        for place in (0, 150, 299):
            score = matches[place].score
            for rows in (probes, probes[row : row + 1]):
                at = gallery.search(rows, eligible=everybody, threshold=score)
                above = gallery.search(
                    rows, eligible=everybody, threshold=math.nextafter(score, 2.0)
                )
                mine = row if len(rows) > 1 else 0
                assert at[mine] == [match for match in matches if match.score >= score]
                assert above[mine] == [match for match in matches if match.score > score]


@every_adapter
def test_equal_scores_come_in_the_order_of_the_reference_ids(make: Make) -> None:
    gallery = make(LENGTH)
    same = unit([1, 0, 0, 0, 0, 0])
    gallery.add([reference(name, "ann", same) for name in ("c", "a", "d", "b")])
    (matches,) = gallery.search(same[None], eligible=frozenset({"ann"}), threshold=1.0)
    assert [match.reference_id for match in matches] == ["a", "b", "c", "d"]


@every_adapter
def test_nothing_to_search_answers_with_empty_lists(make: Make) -> None:
    gallery = make(LENGTH)
    probes = random_units(3, LENGTH)
    assert gallery.search(probes, eligible=frozenset({"ann"}), threshold=-1.0) == [[], [], []]
    gallery.add([reference("r", "ann", probes[0])])
    assert gallery.search(probes, eligible=frozenset(), threshold=-1.0) == [[], [], []]
    assert gallery.search(probes, eligible=frozenset({"ben"}), threshold=-1.0) == [[], [], []]
    assert gallery.search(probes[:0], eligible=frozenset({"ann"}), threshold=-1.0) == []


@every_adapter
def test_a_gallery_says_what_it_was_made_for(make: Make) -> None:
    gallery = make(LENGTH)
    assert gallery.fingerprint == FINGERPRINT
    assert gallery.template_length == LENGTH


@every_adapter
def test_a_reference_added_again_takes_the_place_of_the_old_one(make: Make) -> None:
    gallery = make(LENGTH)
    first, second = unit([1, 0, 0, 0, 0, 0]), unit([0, 1, 0, 0, 0, 0])
    gallery.add([reference("r", "ann", first)])
    gallery.add([reference("r", "ben", second)])
    both = frozenset({"ann", "ben"})
    assert len(gallery) == 1
    assert gallery.person_ids() == {"ben"}
    assert gallery.search(first[None], eligible=both, threshold=0.5) == [[]]
    assert gallery.search(second[None], eligible=both, threshold=0.5) == [
        [Match(person_id="ben", reference_id="r", score=1.0)]
    ]
    assert gallery.remove(["ann"]) == 0
    assert gallery.remove(["ben"]) == 1


@every_adapter
def test_what_the_caller_does_with_its_array_afterwards_changes_nothing(make: Make) -> None:
    gallery = make(LENGTH)
    template = unit([1, 2, 3, 4, 5, 6])
    probe = template.copy()
    gallery.add([reference("r", "ann", template)])
    template.fill(0)
    (matches,) = gallery.search(probe[None], eligible=frozenset({"ann"}), threshold=0.9)
    assert [match.reference_id for match in matches] == ["r"]


@every_adapter
def test_rows_that_are_not_contiguous_are_compared_as_they_read(make: Make) -> None:
    gallery = make(LENGTH)
    rows = random_units(10, LENGTH)
    gallery.add([reference(f"r{n}", "ann", row) for n, row in enumerate(np.asfortranarray(rows))])
    strided = np.asfortranarray(rows)[::-2]
    ann = frozenset({"ann"})
    assert gallery.search(strided, eligible=ann, threshold=-1.1) == gallery.search(
        rows[::-2].copy(), eligible=ann, threshold=-1.1
    )


def spoilt(number: float) -> Template:
    template = unit([1, 2, 3, 4, 5, 6])
    template[2] = number
    return template


UNUSABLE = {
    "float64": (unit([1, 2, 3, 4, 5, 6]).astype(np.float64), BadInput),
    "float16": (unit([1, 2, 3, 4, 5, 6]).astype(np.float16), BadInput),
    "other byte order": (unit([1, 2, 3, 4, 5, 6]).astype(">f4"), BadInput),
    "a list": ([1.0, 0.0, 0.0, 0.0, 0.0, 0.0], BadInput),
    "another length": (unit([1, 2, 3, 4, 5]), PackMismatch),
    "no length": (np.zeros(0, dtype=np.float32), PackMismatch),
    "not a number": (spoilt(math.nan), BadInput),
    "infinite": (spoilt(math.inf), BadInput),
    "huge": (spoilt(3e38), BadInput),
    "zero": (np.zeros(LENGTH, dtype=np.float32), BadInput),
    "too long": (unit([1, 2, 3, 4, 5, 6]) * np.float32(1.0015), BadInput),
    "too short": (unit([1, 2, 3, 4, 5, 6]) * np.float32(0.9985), BadInput),
}


@every_adapter
@pytest.mark.parametrize("case", UNUSABLE)
def test_a_reference_that_cannot_be_compared_is_refused_and_nothing_is_added(
    make: Make, case: str
) -> None:
    template, error = UNUSABLE[case]
    gallery = make(LENGTH)
    good = reference("good", "ann", unit([1, 2, 3, 4, 5, 6]))
    with pytest.raises(error, match="bad-one"):
        gallery.add([good, reference("bad-one", "ben", template)])
    assert len(gallery) == 0
    assert gallery.person_ids() == frozenset()


@every_adapter
@pytest.mark.parametrize("case", [case for case in UNUSABLE if case != "a list"])
def test_a_template_that_cannot_be_compared_is_refused_without_being_printed(
    make: Make, case: str
) -> None:
    template, error = UNUSABLE[case]
    gallery = make(LENGTH)
    good = unit(np.ones(len(template))) if len(template) else template
    templates = np.array([good, template], dtype=template.dtype)
    with pytest.raises(error) as caught:
        gallery.search(templates, eligible=frozenset({"ann"}), threshold=0.5)
    assert caught.value.fix
    assert "0.1048" not in str(caught.value), "the first number of the template"


@every_adapter
@pytest.mark.parametrize("shape", [(), (LENGTH,), (1, 1, LENGTH)])
def test_templates_of_another_shape_are_refused(make: Make, shape: tuple[int, ...]) -> None:
    with pytest.raises(LikenessError, match="shape"):
        make(LENGTH).search(
            np.ones(shape, dtype=np.float32), eligible=frozenset({"ann"}), threshold=0.5
        )


@every_adapter
def test_a_length_within_a_thousandth_of_one_is_taken(make: Make) -> None:
    gallery = make(LENGTH)
    template = unit([1, 2, 3, 4, 5, 6])
    gallery.add(
        [
            reference("long", "ann", template * np.float32(1.0009)),
            reference("short", "ann", template * np.float32(0.9991)),
        ]
    )
    (matches,) = gallery.search(template[None], eligible=frozenset({"ann"}), threshold=0.5)
    assert [match.reference_id for match in matches] == ["long", "short"]


@every_adapter
@pytest.mark.parametrize("threshold", [math.nan, math.inf, -math.inf])
def test_a_threshold_that_is_no_finite_number_is_refused(make: Make, threshold: float) -> None:
    with pytest.raises(UsageError, match="threshold"):
        make(LENGTH).search(
            random_units(1, LENGTH), eligible=frozenset({"ann"}), threshold=threshold
        )


@every_adapter
@pytest.mark.parametrize("threshold", [1e300, -1e300])
def test_a_threshold_far_outside_cosines_finds_all_or_nobody(make: Make, threshold: float) -> None:
    gallery = make(LENGTH)
    probe = random_units(1, LENGTH)
    gallery.add([reference("r", "ann", probe[0])])
    (matches,) = gallery.search(probe, eligible=frozenset({"ann"}), threshold=threshold)
    assert len(matches) == (1 if threshold < 0 else 0)


@every_adapter
def test_one_bare_string_is_not_taken_for_a_list_of_people(make: Make) -> None:
    gallery = make(LENGTH)
    gallery.add([reference("r", "ann", random_units(1, LENGTH)[0])])
    with pytest.raises(UsageError, match="string"):
        gallery.remove("ann")
    assert len(gallery) == 1


@every_adapter
def test_searches_from_many_threads_see_a_change_whole_or_not_at_all(make: Make) -> None:
    vectors = random_units(400, 32)
    gallery = make(32)
    staying = [reference(f"s{n}", f"stays{n % 7}", vectors[n]) for n in range(60)]
    coming = [reference(f"c{n}", "comes", vectors[60 + n]) for n in range(50)]
    filling = [reference(f"f{n}", f"fills{n % 5}", vectors[110 + n]) for n in range(40)]
    gallery.add(filling + staying)
    eligible = frozenset({"comes", *(f"stays{n}" for n in range(7))})
    probes = vectors[200:230]
    done = Event()

    def search_until_done(rows: int) -> set[int]:
        seen = set()
        while not done.is_set():
            for matches in gallery.search(probes[:rows], eligible=eligible, threshold=-1.1):
                names = [match.reference_id for match in matches]
                assert len(names) == len(set(names)), "a reference was compared twice"
                assert sum(name.startswith("s") for name in names) == 60
                seen.add(sum(name.startswith("c") for name in names))
        return seen

    with ThreadPoolExecutor(4) as pool:
        searches = [pool.submit(search_until_done, rows) for rows in (1, 3, 30, 1)]
        try:
            for _ in range(60):
                gallery.add(coming)
                gallery.remove([f"fills{n}" for n in range(5)])
                assert gallery.remove(["comes"]) == 50
                gallery.add(filling)
        finally:
            done.set()
        seen = set().union(*(search.result(timeout=60) for search in searches))
    assert seen <= {0, 50}
