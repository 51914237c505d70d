"""Whose faces are in the photos, decided and proposed, as the store keeps it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, func, insert, select
from sqlalchemy.exc import IntegrityError
from store_rows import ANN, BOB, CLUB, NOW, PARTY, link, photo, propose, see

from likeness.records.link import Proposal
from likeness.store import links, photos
from likeness.store.links import OPEN_PROPOSALS_A_PERSON
from likeness.store.photos import NEVER_MATCHED
from likeness.store.schema import faces as faces_table
from likeness.store.sqlite import SqliteStore


def test_a_face_is_one_persons_and_a_person_has_one_face_of_a_photo(
    connection: Connection,
) -> None:
    photo_id, [first, second] = photo(connection, "a", faces=2)
    link(connection, photo_id, first, ANN)
    with pytest.raises(IntegrityError), connection.begin_nested():
        link(connection, photo_id, first, BOB)
    with pytest.raises(IntegrityError), connection.begin_nested():
        link(connection, photo_id, second, ANN)
    link(connection, photo_id, first, BOB, decision="different")
    link(connection, photo_id, second, ANN, decision="different")
    link(connection, photo_id, second, BOB)
    assert len(links.links_of_photo(connection, photo_id)) == 4


def test_a_decision_takes_the_place_of_the_one_before_and_of_the_proposal(
    connection: Connection,
) -> None:
    photo_id, [face_id] = photo(connection, "a")
    propose(connection, photo_id, face_id)
    link(connection, photo_id, face_id)
    assert links.proposals_of_photo(connection, photo_id) == []
    refused = link(connection, photo_id, face_id, decision="different", decided_by="operator")
    assert links.links_of_photo(connection, photo_id) == [refused]


def test_what_humans_decided_stays_where_the_rest_is_forgotten(connection: Connection) -> None:
    photo_id, face_ids = photo(connection, "a", faces=3)
    link(connection, photo_id, face_ids[0], ANN)
    by_operator = link(connection, photo_id, face_ids[1], BOB, decided_by="operator")
    by_person = link(
        connection, photo_id, face_ids[1], ANN, decision="different", decided_by="person"
    )
    propose(connection, photo_id, face_ids[2], person=BOB)
    links.delete_automatic(connection, photo_id)
    left = links.links_of_photo(connection, photo_id)
    assert sorted(left, key=str) == sorted([by_operator, by_person], key=str)
    assert links.proposals_of_photo(connection, photo_id) == []


def test_twenty_proposals_a_person_stay_open_and_they_are_the_best(
    connection: Connection,
) -> None:
    made = []
    for number in range(30):
        photo_id, [face_id] = photo(connection, str(number))
        # Neither the first nor the last that come are the best.
        made.append(propose(connection, photo_id, face_id, score=0.9 + (number * 7 % 30) / 1000))
        propose(connection, photo_id, face_id, person=BOB) if number < 3 else None
    kept = links.proposals_for(connection, [ANN])
    assert len(kept) == OPEN_PROPOSALS_A_PERSON == 20
    assert kept == sorted(made, key=lambda p: -p.score)[:20]
    assert len(links.proposals_for(connection, [BOB])) == 3, "each person has their own twenty"
    assert len(links.proposals_for(connection, [ANN, BOB])) == 23
    assert links.proposals_for(connection, []) == []


@settings(max_examples=20)
@given(scores=st.lists(st.integers(0, 5), max_size=30), random=st.randoms())
def test_which_proposals_stay_does_not_depend_on_the_order_in_which_they_come(
    store_of_rows: SqliteStore, scores: list[int], random: object
) -> None:
    with pytest.raises(InterruptedError), store_of_rows.transaction() as connection:
        faces = [photo(connection, str(n)) for n in range(len(scores))]
        offered = [
            (photo_id, Proposal(face_id=face_id, person_id=ANN, score=score / 10))
            for (photo_id, [face_id]), score in zip(faces, scores, strict=True)
        ]
        best = sorted((p for _, p in offered), key=lambda p: (-p.score, p.face_id))[:20]
        random.shuffle(offered)  # type: ignore[attr-defined]
        for photo_id, proposal in offered:
            links.put_proposals(connection, [proposal], photo_id=photo_id, at=NOW)
        assert links.proposals_for(connection, [ANN]) == best
        raise InterruptedError


def test_photos_of_a_person_come_newest_first_with_their_places_there_alone(
    connection: Connection,
) -> None:
    at = [photo(connection, str(n), faces=2) for n in range(3)]
    for photo_id, face_ids in at:
        see(connection, photo_id, f"{photo_id}.jpg")
        link(connection, photo_id, face_ids[1])
        link(connection, photo_id, face_ids[0], decision="different")
    see(connection, at[0][0], "club.jpg", collection=CLUB)
    found = links.linked_photos(connection, ANN, collection_ids=[PARTY])
    assert [linked.photo.photo_id for linked in found] == [p for p, _ in reversed(at)]
    assert {linked.face.number for linked in found} == {2}
    assert {linked.score for linked in found} == {0.97}
    assert [s.item for s in found[-1].sightings] == [f"{at[0][0]}.jpg"]
    [in_club] = links.linked_photos(connection, ANN, collection_ids=[CLUB])
    assert [s.item for s in in_club.sightings] == ["club.jpg"]
    both = links.linked_photos(connection, ANN, collection_ids=[PARTY, CLUB])
    assert len(both) == 3 and len(both[-1].sightings) == 2
    assert links.linked_photos(connection, ANN, collection_ids=[]) == []
    assert links.linked_photos(connection, BOB, collection_ids=[PARTY]) == []
    assert links.photos_of_person(connection, ANN) == [p for p, _ in at]


def test_counts_are_of_the_collections_asked_for(connection: Connection) -> None:
    for number, collection in enumerate((PARTY, PARTY, CLUB)):
        photo_id, [first, second] = photo(connection, str(number), faces=2)
        see(connection, photo_id, "a.jpg" if number else "b.jpg", collection=collection)
        see(connection, photo_id, "again.jpg" if number else "more.jpg", collection=collection)
        link(connection, photo_id, first)
        link(connection, photo_id, second, decision="different")
        propose(connection, photo_id, second, person=BOB)
    assert links.count_links(connection, ANN) == (3, 0)
    assert links.count_links(connection, ANN, collection_ids=[PARTY]) == (2, 0)
    assert links.count_links(connection, BOB, collection_ids=[CLUB]) == (0, 1)
    assert links.count_links(connection, ANN, collection_ids=[]) == (0, 0)


def test_a_photo_that_a_collection_lost_forgets_what_was_decided_without_review(
    connection: Connection,
) -> None:
    lost, [first, second, third] = photo(connection, "lost", faces=3, matched_through=4)
    still, [other] = photo(connection, "still", matched_through=4)
    nowhere, [gone] = photo(connection, "nowhere", matched_through=4)
    see(connection, lost, "a.jpg", collection=CLUB)
    see(connection, still, "b.jpg")
    see(connection, still, "b.jpg", collection=CLUB)
    link(connection, lost, first)
    kept = link(connection, lost, second, BOB, decided_by="operator")
    propose(connection, lost, third, person=BOB)
    link(connection, still, other)
    link(connection, nowhere, gone, BOB)
    assert links.forget_where_left(connection, {lost, still, nowhere}, PARTY) == 1
    assert links.links_of_photo(connection, lost) == [kept]
    assert links.proposals_of_photo(connection, lost) == []
    assert len(links.links_of_photo(connection, still)) == 1
    assert photos.photos_matched_before(connection, 0, limit=9) == {lost: NEVER_MATCHED}
    assert links.forget_where_left(connection, set(), PARTY) == 0


def test_links_outside_some_collections_go_and_those_inside_stay(
    connection: Connection,
) -> None:
    inside, [a] = photo(connection, "inside")
    both, [b] = photo(connection, "both")
    outside, [c, d] = photo(connection, "outside", faces=2)
    see(connection, inside, "1.jpg")
    see(connection, both, "2.jpg")
    see(connection, both, "2.jpg", collection=CLUB)
    see(connection, outside, "3.jpg", collection=CLUB)
    for photo_id, face_id in ((inside, a), (both, b), (outside, c)):
        link(connection, photo_id, face_id, decided_by="operator")
    propose(connection, outside, d)
    link(connection, outside, d, BOB)
    assert links.delete_links_outside(connection, ANN, collection_ids=[PARTY]) == 2
    assert links.photos_of_person(connection, ANN) == [inside, both]
    assert links.photos_of_person(connection, BOB) == [outside]
    assert links.delete_links_outside(connection, ANN, collection_ids=[]) == 2


def test_everything_of_a_person_goes_and_nothing_of_another(connection: Connection) -> None:
    photo_id, face_ids = photo(connection, "a", faces=3)
    link(connection, photo_id, face_ids[0])
    link(connection, photo_id, face_ids[1], decision="different", decided_by="operator")
    propose(connection, photo_id, face_ids[2])
    link(connection, photo_id, face_ids[1], BOB)
    assert links.delete_links_of_person(connection, ANN) == (2, 1)
    assert links.count_links(connection, ANN) == (0, 0)
    assert links.count_links(connection, BOB) == (1, 0)


def test_a_link_or_sighting_of_nothing_is_refused(connection: Connection) -> None:
    with pytest.raises(IntegrityError), connection.begin_nested():
        link(connection, 1, 1)
    with pytest.raises(IntegrityError), connection.begin_nested():
        see(connection, 1, "a.jpg")
    photo_id, [face_id] = photo(connection, "a")
    with pytest.raises(IntegrityError), connection.begin_nested():
        link(connection, photo_id, face_id, "p_nobody")
    count = connection.execute(select(func.count()).select_from(faces_table)).scalar_one()
    assert count == 1
    with pytest.raises(IntegrityError), connection.begin_nested():
        connection.execute(insert(faces_table).from_select(["face_id"], select(face_id)))
