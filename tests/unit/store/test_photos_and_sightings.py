"""Photos, their faces, and where they were found, as the store keeps them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import Connection, select, text
from sqlalchemy.exc import IntegrityError
from store_rows import ANN, BOB, CLUB, LINK, NOW, PARTY, link, photo, propose, see

from likeness.records.collection import SourceRecord
from likeness.store import links, photos, sightings
from likeness.store.collections import insert_source
from likeness.store.photos import NEVER_MATCHED
from likeness.store.schema import faces as faces_table


def test_a_photo_comes_back_with_its_faces_numbered_in_the_order_given(
    connection: Connection,
) -> None:
    photo_id, face_ids = photo(connection, "a", faces=3, matched_through=7)
    stored = photos.photo_by_sha256(connection, "a")
    assert stored is not None
    assert (stored.photo_id, stored.width, stored.height) == (photo_id, 640, 480)
    assert (stored.format, stored.added_at, stored.matched_through) == ("JPEG", NOW, 7)
    assert photos.photo_by_id(connection, photo_id) == stored
    assert photos.known_sha256(connection, ["a", "b"]) == {"a": stored}
    found = photos.faces_of(connection, photo_id)
    assert [f.face_id for f in found] == face_ids
    assert [f.number for f in found] == [1, 2, 3]
    assert [f.box[0] for f in found] == [0, 100, 200]
    assert photos.face_numbered(connection, photo_id, 2) == found[1]
    assert photos.face_by_id(connection, face_ids[2]) == found[2]
    crops = [(id_, f"crop {100 * n}".encode(), "dlib-5") for n, id_ in enumerate(face_ids)]
    [kept] = photos.crops_of(connection, [photo_id]).values()
    assert [(crop.face_id, crop.jpeg, crop.alignment) for crop in kept] == crops
    assert photos.crop_of(connection, face_ids[1]) == b"crop 100"
    landmarks = connection.execute(
        select(faces_table.c.landmarks).where(faces_table.c.face_id == face_ids[1])
    ).scalar_one()
    assert np.frombuffer(landmarks, "<f4").tolist() == [100.0] * 10


def test_what_is_not_there_is_none_and_not_an_error(connection: Connection) -> None:
    photo_id, _ = photo(connection, "a", faces=0)
    assert photos.photo_by_sha256(connection, "b") is None
    assert photos.photo_by_id(connection, photo_id + 1) is None
    assert photos.face_by_id(connection, 1) is None
    assert photos.crop_of(connection, 1) is None
    for number in (-1, 0, 1):
        assert photos.face_numbered(connection, photo_id, number) is None
    assert photos.crops_of(connection, [photo_id]) == {}
    assert photos.faces_of(connection, photo_id) == []


def test_a_photo_is_kept_once(connection: Connection) -> None:
    photo(connection, "a")
    with pytest.raises(IntegrityError):
        photo(connection, "a")


def test_numbers_of_photos_and_faces_are_never_used_again(connection: Connection) -> None:
    """What somebody said of a face must not come to stand at another."""
    photo_id, [face_id] = photo(connection, "a")
    assert photos.delete_orphans(connection, limit=10) == 1
    new_photo, [new_face] = photo(connection, "b")
    assert new_photo > photo_id
    assert new_face > face_id


def test_photos_that_wait_to_be_compared_come_newest_first_and_some_at_a_time(
    connection: Connection,
) -> None:
    at = [photo(connection, str(n), matched_through=n % 3)[0] for n in range(9)]
    assert photos.count_matched_before(connection, 2) == 6
    waiting = photos.photos_matched_before(connection, 2, limit=4)
    assert list(waiting.items()) == [(at[7], 1), (at[6], 0), (at[4], 1), (at[3], 0)]
    photos.set_matched_through(connection, list(waiting), 2)
    assert list(photos.photos_matched_before(connection, 2, limit=4)) == [at[1], at[0]]
    photos.set_matched_through(connection, [], 5)
    assert photos.count_matched_before(connection, 2) == 2
    photos.set_matched_through(connection, [at[8]], NEVER_MATCHED)
    assert photos.count_matched_before(connection, 0) == 1


def test_an_orphan_goes_with_its_faces_links_and_proposals_and_nothing_else_does(
    connection: Connection,
) -> None:
    kept, [kept_face] = photo(connection, "kept")
    gone, [gone_face, gone_other] = photo(connection, "gone", faces=2)
    see(connection, kept, "kept.jpg")
    for photo_id, face_id in ((kept, kept_face), (gone, gone_face)):
        link(connection, photo_id, face_id)
    propose(connection, gone, gone_other, person=BOB)
    assert photos.delete_orphans(connection, limit=10) == 1
    assert photos.count_photos(connection) == (1, 1)
    assert links.photos_of_person(connection, ANN) == [kept]
    assert links.proposals_for(connection, [BOB]) == []
    assert photos.delete_orphans(connection, limit=10) == 0


def test_orphans_go_a_bounded_number_at_a_time(connection: Connection) -> None:
    for number in range(5):
        photo(connection, str(number))
    assert [photos.delete_orphans(connection, limit=2) for _ in range(4)] == [2, 2, 1, 0]


def test_a_sighting_comes_back_as_it_was_also_without_a_date(connection: Connection) -> None:
    photo_id, _ = photo(connection, "a")
    undated = replace(LINK, taken_at=None, text="", confidence="joined", link_from="metadata")
    see(connection, photo_id, "a.jpg")
    see(connection, photo_id, "b.jpg", link=undated)
    for item, kept in (("a.jpg", LINK), ("b.jpg", undated)):
        stored = sightings.sighting_of(connection, f"src_{PARTY}", item)
        assert stored is not None
        assert (stored.photo_id, stored.link) == (photo_id, kept)
        assert (stored.size, stored.modified_ns, stored.link_mark) == (10, 20, "mark")
    assert sightings.sighting_of(connection, f"src_{PARTY}", "c.jpg") is None
    assert sightings.sighting_of(connection, f"src_{CLUB}", "a.jpg") is None


def test_an_item_seen_again_is_replaced_and_not_doubled(connection: Connection) -> None:
    old, _ = photo(connection, "old")
    new, _ = photo(connection, "new")
    see(connection, old, "a.jpg")
    before = sightings.sighting_of(connection, f"src_{PARTY}", "a.jpg")
    see(connection, new, "a.jpg", run_id="run_2")
    after = sightings.sighting_of(connection, f"src_{PARTY}", "a.jpg")
    assert before is not None and after is not None
    assert after.photo_id == new
    assert after.sighting_id == before.sighting_id
    assert sightings.count_of_source(connection, f"src_{PARTY}") == 1


def test_what_a_run_has_not_met_is_counted_and_deleted_a_bounded_number_at_a_time(
    connection: Connection,
) -> None:
    source = f"src_{PARTY}"
    ids = [photo(connection, str(n))[0] for n in range(6)]
    for number, photo_id in enumerate(ids):
        see(connection, photo_id, f"{number}.jpg")
        see(connection, photo_id, f"{number}.jpg", collection=CLUB)
    met = sightings.sighting_of(connection, source, "0.jpg")
    assert met is not None
    sightings.mark_seen(connection, [met.sighting_id], run_id="run_2")
    sightings.mark_seen(connection, [], run_id="run_2")
    see(connection, ids[1], "1.jpg", run_id="run_2")
    assert sightings.count_unseen(connection, source, run_id="run_2") == 4
    gone = [sightings.delete_unseen(connection, source, run_id="run_2", limit=3) for _ in "123"]
    assert [len(some) for some in gone] == [3, 1, 0]
    assert sorted(gone[0] + gone[1]) == ids[2:]
    assert sightings.count_of_source(connection, source) == 2
    assert sightings.count_of_source(connection, f"src_{CLUB}") == 6, "another source is another"


@pytest.mark.parametrize(
    ("item", "below", "met"),
    [
        ("sub", True, {"sub/a.jpg", "sub/deep/b.jpg"}),
        ("sub/", True, {"sub/a.jpg", "sub/deep/b.jpg"}),
        ("sub/a.jpg", True, {"sub/a.jpg"}),
        ("sub", False, set()),
        ("sub/a.jpg", False, {"sub/a.jpg"}),
        ("100%_", True, {"100%_/c.jpg"}),
    ],
)
def test_what_could_not_be_looked_into_counts_as_met(
    connection: Connection, item: str, below: bool, met: set[str]
) -> None:
    items = ("sub/a.jpg", "sub/deep/b.jpg", "subway.jpg", "100%_/c.jpg", "1000x/d.jpg", "sub.jpg")
    for number, name in enumerate(items):
        see(connection, photo(connection, str(number))[0], name)
    source = f"src_{PARTY}"
    sightings.mark_item_seen(connection, source, item, below=below, run_id="run_2")
    left = connection.execute(
        text("SELECT item FROM sightings WHERE seen_in_run = 'run_2'")
    ).scalars()
    assert set(left) == met


def test_places_are_told_by_collection_in_a_stable_order(connection: Connection) -> None:
    photo_id, _ = photo(connection, "a")
    other, _ = photo(connection, "b")
    for item in ("z.jpg", "a.jpg", "m.jpg"):
        see(connection, photo_id, item)
    see(connection, photo_id, "club.jpg", collection=CLUB)
    see(connection, other, "other.jpg", collection=CLUB)
    found = sightings.sightings_of_photos(connection, [photo_id, other], collection_ids=[PARTY])
    assert {p: [s.item for s in some] for p, some in found.items()} == {
        photo_id: ["a.jpg", "m.jpg", "z.jpg"]
    }
    assert sightings.sightings_of_photos(connection, [photo_id], collection_ids=[]) == {}
    assert sightings.collections_of_photos(connection, [photo_id, other]) == {
        photo_id: frozenset({PARTY, CLUB}),
        other: frozenset({CLUB}),
    }


def test_a_source_stands_once_in_a_collection(connection: Connection) -> None:
    source = SourceRecord(
        source_id="src_again",
        collection_id=PARTY,
        kind="folder",
        address=f"/photos/{PARTY}",
        state="active",
        added_at=NOW,
    )
    with pytest.raises(IntegrityError), connection.begin_nested():
        insert_source(connection, source)
    insert_source(connection, replace(source, address="/photos/elsewhere"))
