"""Deciding the faces of one photo: one to one, the best first, what a human said stays."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.faces.packs import Thresholds
from likeness.matching import Decided, decide_photo, fuse, stands_out
from likeness.records.link import Decision, Link
from likeness.records.reference import Match, Reference

AT = Thresholds(gallery_size=10, strong=0.95, review=0.93, margin=0.02, measured_on="a test")
PEOPLE = ("ann", "bob", "cem", "dia")


def match(person_id: str, score: float) -> Match:
    return Match(person_id=person_id, reference_id=person_id, score=score)


def by_hand(face_id: int, person_id: str, decision: Decision) -> Link:
    return Link(
        face_id=face_id, person_id=person_id, decision=decision, score=0.9, decided_by="operator"
    )


def linked(decided: Decided) -> set[tuple[int, str]]:
    return {(link.face_id, link.person_id) for link in decided.links}


def proposed(decided: Decided) -> set[tuple[int, str]]:
    return {(proposal.face_id, proposal.person_id) for proposal in decided.proposals}


def test_a_strong_score_links_and_a_weaker_one_proposes() -> None:
    found = {1: [match("ann", 0.97)], 2: [match("bob", 0.94)], 3: [match("cem", 0.92)]}
    decided = decide_photo(found, decided=(), thresholds=AT)
    assert linked(decided) == {(1, "ann")}
    assert proposed(decided) == {(2, "bob")}


def test_a_face_that_resembles_two_people_nearly_alike_is_only_proposed() -> None:
    found = {1: [match("ann", 0.97), match("bob", 0.96)]}
    decided = decide_photo(found, decided=(), thresholds=AT)
    assert linked(decided) == set()
    assert proposed(decided) == {(1, "ann")}


def test_a_close_second_below_the_review_threshold_still_counts_against_a_link() -> None:
    found = {1: [match("ann", 0.951), match("bob", 0.932)]}
    assert linked(decide_photo(found, decided=(), thresholds=AT)) == set()


def test_enrolments_of_one_human_being_are_no_rivals_of_each_other() -> None:
    found = {1: [match("ann", 0.97), match("ann2", 0.965), match("bob", 0.94)]}
    merged = {"ann": "g", "ann2": "g"}
    assert linked(decide_photo(found, decided=(), thresholds=AT)) == set()
    assert linked(decide_photo(found, decided=(), thresholds=AT, groups=merged)) == {(1, "ann")}
    found[1].append(match("cem", 0.96))
    assert linked(decide_photo(found, decided=(), thresholds=AT, groups=merged)) == set()


def test_whom_a_human_ruled_out_is_no_rival() -> None:
    found = {1: [match("ann", 0.97), match("bob", 0.96)]}
    decided = decide_photo(found, decided=[by_hand(1, "bob", "different")], thresholds=AT)
    assert linked(decided) == {(1, "ann")}


def test_a_person_gets_the_best_of_their_faces_and_nobody_a_face_twice() -> None:
    found = {1: [match("ann", 0.96)], 2: [match("ann", 0.99), match("bob", 0.96)]}
    assert linked(decide_photo(found, decided=(), thresholds=AT)) == {(2, "ann")}


def test_what_a_human_decided_is_never_decided_again() -> None:
    found = {1: [match("ann", 0.99)], 2: [match("ann", 0.98), match("bob", 0.97)]}
    confirmed = decide_photo(found, decided=[by_hand(2, "ann", "same")], thresholds=AT)
    assert linked(confirmed) == set()
    refused = decide_photo(found, decided=[by_hand(1, "ann", "different")], thresholds=AT)
    assert (1, "ann") not in linked(refused) | proposed(refused)


scores = st.integers(900, 1000).map(lambda thousandths: thousandths / 1000)
photos = st.dictionaries(
    st.integers(1, 4), st.dictionaries(st.sampled_from(PEOPLE), scores, max_size=4), max_size=4
)


@given(photos, st.randoms())
def test_every_photo_is_decided_one_to_one_and_in_any_order_alike(
    photo: dict[int, dict[str, float]], random: Random
) -> None:
    found = {face: [match(p, s) for p, s in people.items()] for face, people in photo.items()}
    decided = decide_photo(found, decided=(), thresholds=AT)
    pairs = [*linked(decided), *proposed(decided)]
    assert len({face for face, _ in pairs}) == len(pairs) == len({person for _, person in pairs})
    for link in decided.links:
        rivals = [m.score for m in found[link.face_id] if m.person_id != link.person_id]
        assert stands_out(link.score, max(rivals, default=-1.0), AT)
    again = decide_photo(
        {face: random.sample(m, len(m)) for face, m in found.items()}, decided=(), thresholds=AT
    )
    assert (linked(again), proposed(again)) == (linked(decided), proposed(decided))


def test_of_faces_that_are_the_same_to_the_bit_the_one_that_comes_first_is_taken() -> None:
    """Whatever their ids: a face that was found anew keeps its own."""
    twice = {7: [match("ann", 0.99)], 2: [match("ann", 0.99)]}
    assert linked(decide_photo(twice, decided=(), thresholds=AT)) == {(7, "ann")}


def test_fused_references_point_between_them_and_have_unit_length() -> None:
    east = Reference(reference_id="e", person_id="ann", template=np.array([1, 0], np.float32))
    north = Reference(reference_id="n", person_id="ann", template=np.array([0, 1], np.float32))
    fused = fuse([east, north])
    assert fused.person_id == "ann"
    assert fused.template.dtype == np.float32
    assert fused.template == pytest.approx([0.5**0.5, 0.5**0.5])
    assert fuse([east]).template.tolist() == [1.0, 0.0]
