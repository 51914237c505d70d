"""Copies of one picture as the store keeps them, and the photos of a person among them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select, update
from store_rows import ANN, BOB, CLUB, NOW, PARTY, link, photo, propose, see

from likeness.errors import StorageError
from likeness.store import copies, links, photos
from likeness.store.copies import WHOLE, Frame
from likeness.store.schema import photos as photos_table
from likeness.store.sqlite import SqliteStore


def copy(
    connection: Connection,
    name: str,
    *,
    size: tuple[int, int] = (640, 480),
    picture: int | None = None,
    frame: Frame = WHOLE,
    faces: int = 1,
) -> tuple[int, list[int]]:
    """A photo of this size, the first copy of its picture where nothing else is said."""
    photo_id, face_ids = photo(connection, name, faces=faces)
    connection.execute(
        update(photos_table)
        .where(photos_table.c.photo_id == photo_id)
        .values(width=size[0], height=size[1])
    )
    copies.put_into(connection, photo_id, picture=picture or photo_id, frame=frame)
    return photo_id, face_ids


def pictures(connection: Connection) -> dict[int, int | None]:
    rows = connection.execute(select(photos_table.c.photo_id, photos_table.c.picture))
    return {row.photo_id: row.picture for row in rows}


def test_a_look_is_kept_and_its_beginning_read_in_order(connection: Connection) -> None:
    made = [photo(connection, str(number))[0] for number in range(4)]
    for photo_id in (made[2], made[0], made[3]):
        copies.set_look(connection, photo_id, b"look of %d" % photo_id, head=b"look")
    assert copies.look_of_photo(connection, made[0]) == b"look of %d" % made[0]
    assert copies.look_of_photo(connection, made[1]) is None
    beyond = copies.beyond_all(connection)
    assert beyond > made[3]
    assert copies.heads_of_looks(connection, after=0, before=beyond) == [
        (made[0], b"look"),
        (made[2], b"look"),
        (made[3], b"look"),
    ]
    assert copies.heads_of_looks(connection, after=made[0], before=made[3]) == [(made[2], b"look")]


def test_whoever_is_set_apart_or_stopped_may_not_join(connection: Connection) -> None:
    free, apart, stopped = (photo(connection, name)[0] for name in "abc")
    copies.set_apart(connection, apart, apart=True)
    connection.execute(
        update(photos_table).where(photos_table.c.photo_id == stopped).values(stopped=1)
    )
    assert set(copies.copies_that_may_join(connection, [free, apart, stopped, 10**9])) == {free}
    copies.set_apart(connection, apart, apart=False)
    assert set(copies.copies_that_may_join(connection, [free, apart])) == {free, apart}


def test_a_picture_of_one_copy_is_none(connection: Connection) -> None:
    first, _ = copy(connection, "a")
    second, _ = copy(connection, "b", picture=first, frame=(0.1, 0.0, 0.9, 1.0))
    [one, other] = copies.copies_in(connection, first)
    assert (one.photo_id, one.frame, other.photo_id) == (first, WHOLE, second)
    assert other.frame == (0.1, 0.0, 0.9, 1.0)
    copies.take_out(connection, other)
    assert pictures(connection) == {first: None, second: None}
    alone = copies.copy_of_sha256(connection, "a")
    assert alone is not None and (alone.picture, alone.frame) == (None, WHOLE)
    assert copies.copy_of_sha256(connection, "nothing") is None


@settings(max_examples=30)
@given(steps=st.lists(st.tuples(st.sampled_from(["join", "leave", "go"]), st.integers(0, 20))))
def test_the_number_of_a_picture_is_never_that_of_a_photo_beside_it(
    store_of_rows: SqliteStore, steps: list[tuple[str, int]]
) -> None:
    """Else two pictures would be counted as one."""
    with pytest.raises(InterruptedError), store_of_rows.transaction() as connection:
        for number, (what, which) in enumerate(steps):
            held = sorted(pictures(connection))
            chosen = held[which % len(held)] if held else 0
            if what == "join":
                photo_id, _ = photo(connection, f"{number}")
                if held:
                    picture = copies.picture_of(connection, chosen) or chosen
                    for one in (chosen, photo_id):
                        copies.put_into(connection, one, picture=picture, frame=WHOLE)
            elif held and what == "leave":
                [row] = copies.copies_that_may_join(connection, [chosen]).values()
                copies.take_out(connection, row)
                assert copies.picture_of(connection, chosen) is None
            elif held:
                photos.delete_orphans(connection, limit=1)
            now = pictures(connection)
            for photo_id, picture in now.items():
                assert picture not in now or now[picture] == picture or picture == photo_id
        raise InterruptedError


@pytest.mark.parametrize(
    "text", ["", "[0, 0, 1]", "[0, 0, 1, 1, 1]", "[0, 0, 1, NaN]", '["a"]', "[1, 0, 0, 1]", "{}"]
)
def test_a_frame_that_is_none_is_damage(text: str) -> None:
    with pytest.raises(StorageError):
        copies.read_frame(text)


@given(
    frame=st.tuples(st.floats(-0.2, 0.2), st.floats(-0.2, 0.2), st.floats(0.8, 1.2), st.just(1.0))
)
def test_a_frame_is_read_as_it_was_kept(frame: Frame) -> None:
    assert copies.read_frame(json.dumps(frame)) == frame


def test_copies_are_one_photo_the_largest_with_all_their_places(connection: Connection) -> None:
    small, [a] = copy(connection, "small", size=(320, 240))
    large, [b] = copy(connection, "large", size=(1280, 960), picture=small)
    middle, [c] = copy(connection, "middle", size=(800, 600), picture=small)
    other, [d] = photo(connection, "other")
    for photo_id, face_id in ((small, a), (large, b), (middle, c), (other, d)):
        link(connection, photo_id, face_id)
        see(connection, photo_id, f"{photo_id:05}.jpg")
    see(connection, large, "club.jpg", collection=CLUB)
    [newest, picture] = links.linked_photos(connection, ANN, collection_ids=[PARTY])
    assert (newest.photo.sha256, newest.copies) == ("other", ())
    assert (picture.photo.sha256, picture.face.face_id) == ("large", b)
    assert picture.copies == ("middle", "small")
    assert [s.photo_id for s in picture.sightings] == sorted([small, large, middle])
    [in_club] = links.linked_photos(connection, ANN, collection_ids=[CLUB])
    assert (in_club.photo.sha256, in_club.copies, len(in_club.sightings)) == ("large", (), 1)
    assert links.links_by_person(connection, [ANN]) == {ANN: 2}
    assert links.links_by_person(connection, [ANN], collection_ids=[CLUB]) == {ANN: 1}
    assert links.count_links(connection, ANN) == (4, 0), "each is deleted, and counted for that"


def test_a_copy_whose_face_was_not_found_shows_where_it_is_too(connection: Connection) -> None:
    found, [face_id] = copy(connection, "found", size=(800, 600))
    unfound, _ = copy(connection, "unfound", size=(1600, 1200), picture=found, faces=0)
    link(connection, found, face_id)
    see(connection, found, "a.jpg")
    see(connection, unfound, "b.jpg")
    [picture] = links.linked_photos(connection, ANN, collection_ids=[PARTY])
    assert (picture.photo.sha256, picture.copies) == ("found", ("unfound",))
    assert [s.item for s in picture.sightings] == ["a.jpg", "b.jpg"]
    assert links.links_by_person(connection, [ANN], collection_ids=[PARTY]) == {ANN: 1}


def test_a_copy_is_not_shown_for_who_was_cut_from_it_or_refused_in_it(
    connection: Connection,
) -> None:
    # The face reaches from 0 to 80 of 640 pixels.
    whole, [face_id] = copy(connection, "whole")
    cut, _ = copy(connection, "cut", picture=whole, frame=(0.1, 0.0, 1.0, 1.0), faces=0)
    nearly, _ = copy(connection, "nearly", picture=whole, frame=(0.05, 0.0, 1.0, 1.0), faces=0)
    refused, [there] = copy(connection, "refused", picture=whole)
    link(connection, whole, face_id)
    link(connection, refused, there, decision="different", decided_by="operator")
    for photo_id in (whole, cut, nearly, refused):
        see(connection, photo_id, f"{photo_id:05}.jpg")
    [picture] = links.linked_photos(connection, ANN, collection_ids=[PARTY])
    assert [s.photo_id for s in picture.sightings] == [whole, nearly]
    assert picture.copies == ("nearly",)


def test_a_copy_where_the_account_may_not_look_is_not_told_of(connection: Connection) -> None:
    here, [a] = copy(connection, "here")
    there, [b] = copy(connection, "there", size=(2000, 1500), picture=here)
    for photo_id, face_id, where in ((here, a, PARTY), (there, b, CLUB)):
        link(connection, photo_id, face_id)
        see(connection, photo_id, "x.jpg", collection=where)
    [picture] = links.linked_photos(connection, ANN, collection_ids=[PARTY])
    assert (picture.photo.sha256, picture.copies) == ("here", ())
    assert links.linked_photos(connection, ANN, collection_ids=[]) == []
    assert links.linked_photos(connection, BOB, collection_ids=[PARTY, CLUB]) == []


def test_what_is_left_of_a_picture_when_its_first_copy_went_is_still_one(
    connection: Connection,
) -> None:
    first, _ = copy(connection, "first")
    second, [b] = copy(connection, "second", picture=first)
    third, [c] = copy(connection, "third", picture=first)
    for photo_id, face_id in ((second, b), (third, c)):
        link(connection, photo_id, face_id)
        see(connection, photo_id, f"{photo_id:05}.jpg")
    assert photos.delete_orphans(connection, limit=9) == 1
    [picture] = links.linked_photos(connection, ANN, collection_ids=[PARTY])
    assert (picture.photo.sha256, picture.copies) == ("third", ("second",))
    assert links.links_by_person(connection, [ANN]) == {ANN: 1}


def test_decisions_of_people_come_oldest_first_and_those_of_the_threshold_not_at_all(
    connection: Connection,
) -> None:
    photo_id, [one, other, third] = photo(connection, "a", faces=3)
    link(connection, photo_id, one)
    made = link(connection, photo_id, other, BOB, decided_by="operator")
    propose(connection, photo_id, third)
    refused = link(connection, photo_id, third, BOB, decision="different", decided_by="person")
    found = links.human_decisions(connection, [photo_id])
    assert [decision.link for decision in found] == [made, refused]
    assert {decision.decided_at for decision in found} == {NOW}
    crops = copies.faces_of_copies(connection, [photo_id])
    assert [face.face_id for face in crops] == [one, other, third]
    assert crops[0].crop == b"crop 0"
