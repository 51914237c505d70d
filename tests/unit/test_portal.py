"""My photos: what a person sees of themself, what they take off, and nobody else by any of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from copies_parts import grouped, look_at_photos, save_copy
from portal_parts import decisions, own_house, sha256
from promise_house import Clock, Place, enrol, rows, said_yes
from synthetic_engine import DOUBTFUL_ALONE, NEAR, Drawn, draw, save, second_pack

from likeness import (
    export,
    own_archive,
    portal,
    portal_consent,
    portal_decisions,
    portal_faces,
    portal_found,
    portal_references,
)
from likeness.errors import NotFound, Refused
from likeness.house import House
from likeness.library import Library

ANN, BOB, CARL = 1, 2, 3

WAYS: dict[str, Callable[[House], Any]] = {
    "my_photos": portal.my_photos,
    "my_photo": lambda house: portal.my_photo(house, "0" * 64),
    "my_proposals": portal.my_proposals,
    "my_refusals": portal.my_refusals,
    "not_me": lambda house: portal_decisions.not_me(house, "0" * 64),
    "undo_not_me": lambda house: portal_decisions.undo_not_me(house, "0" * 64),
    "is_me": lambda house: portal_faces.is_me(house, "0" * 64, 1),
    "faces_of_own_copy": lambda house: portal_faces.faces_of_own_copy(house, b""),
    "that_is_me": lambda house: portal_faces.that_is_me(house, b""),
    "my_references": portal_references.my_references,
    "add_references": lambda house: portal_references.add_references(house, [draw()]),
    "drop_reference": lambda house: portal_references.drop_reference(house, "ref_1"),
    "my_consent": portal_consent.my_consent,
    "change_consent": lambda house: portal_consent.change_consent(house, purposes=["find_me"]),
    "found_by_month": portal_found.found_by_month,
    "own_archive": own_archive.own_archive,
}


@pytest.fixture
def ann(library: Library, tmp_path: Path) -> str:
    """Ann, in one photo for sure, in another perhaps, beside Bob in both; and in the club's."""
    folder = tmp_path / "photos"
    save(folder / "sure.png", Drawn(person=ANN, look=NEAR), Drawn(person=BOB), salt=1)
    save(folder / "maybe.png", Drawn(person=BOB), Drawn(person=ANN, look=DOUBTFUL_ALONE), salt=2)
    save(tmp_path / "club" / "club.png", Drawn(person=ANN), salt=3)
    library.ingest(folder, collection="party")
    library.ingest(tmp_path / "club", collection="club")
    return enrol(library, "Ann", ANN, "find_me")


def items(photos: Any) -> list[str]:
    return [place.sighting.item for photo in photos for place in photo.places]


@pytest.mark.parametrize("way", WAYS)
def test_no_account_acts_as_a_person(library: Library, ann: str, way: str) -> None:
    with pytest.raises(Refused) as caught:
        WAYS[way](library.house)
    assert "Only a person themself" in caught.value.what


@pytest.mark.parametrize("way", WAYS)
def test_who_withdrew_acts_no_more(library: Library, ann: str, way: str) -> None:
    house = own_house(library, ann)
    library.withdraw(ann)
    with pytest.raises(Refused):
        WAYS[way](house)


def test_photos_are_shown_where_the_consent_holds_with_their_places(
    library: Library, ann: str
) -> None:
    found = portal.my_photos(own_house(library, ann))
    assert items(found.photos) == ["sure.png"]
    assert (found.total, found.after) == (1, None)
    [photo] = found.photos
    assert (photo.face.number, photo.face.box) == (1, (64, 0, 128, 64))
    [place] = photo.places
    assert (place.source.collection, place.source.controller) == ("party", "Tennis club")


def test_photos_come_newest_first_a_page_at_a_time(library: Library, tmp_path: Path) -> None:
    for number in range(7):
        save(tmp_path / "photos" / f"{number}.png", Drawn(person=ANN, shot=number), salt=number)
    library.ingest(tmp_path / "photos", collection="party")
    house = own_house(library, enrol(library, "Ann", ANN))
    pages, after = [], None
    while True:
        page = portal.my_photos(house, after=after, limit=3)
        pages.append(items(page.photos))
        assert page.total == 7
        after = page.after
        if after is None:
            break
    newest_first = [
        item for (item,) in rows(library, "SELECT item FROM sightings ORDER BY photo_id DESC")
    ]
    assert [item for page in pages for item in page] == newest_first
    assert [len(page) for page in pages] == [3, 3, 1]


def test_copies_are_one_photo_also_across_pages(library: Library, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    save_copy(folder / "a.png", Drawn(person=ANN), shade=40)
    save_copy(folder / "b.png", Drawn(person=ANN), shade=42)
    save(folder / "c.png", Drawn(person=ANN, shot=1), salt=9)
    library.ingest(folder, collection="party")
    look_at_photos(library, folder)
    house = own_house(library, enrol(library, "Ann", ANN))
    first = portal.my_photos(house, limit=1)
    second = portal.my_photos(house, after=first.after, limit=1)
    assert (first.total, second.total, second.after) == (2, 2, None)
    assert sorted(len(page.photos[0].places) for page in (first, second)) == [1, 2]


def test_a_consent_that_ended_shows_nothing(library: Library, ann: str, clock: Clock) -> None:
    house = own_house(library, ann)
    clock.advance(days=731)
    assert portal.my_photos(house).photos == ()
    assert portal.my_proposals(house) == []


def test_a_photo_shows_its_other_faces_by_place_alone(library: Library, ann: str) -> None:
    enrol(library, "Bob", BOB)
    photo, others = portal.my_photo(own_house(library, ann), sha256(library, "sure.png"))
    assert photo.face.number == 1
    assert [(face.number, face.box) for face in others] == [(2, (128, 0, 192, 64))]


@pytest.mark.parametrize("item", ["maybe.png", "club.png"])
def test_a_photo_that_is_not_theirs_reads_like_one_that_is_not_held(
    library: Library, ann: str, item: str
) -> None:
    house = own_house(library, ann)
    messages = set()
    for photo in (sha256(library, item), "f" * 64):
        with pytest.raises(NotFound) as caught:
            portal.my_photo(house, photo)
        messages.add(str(caught.value))
    assert len(messages) == 1


def test_what_may_be_them_waits_for_their_word(library: Library, ann: str) -> None:
    house = own_house(library, ann)
    [waiting] = portal.my_proposals(house)
    assert (items([waiting]), waiting.face.number) == (["maybe.png"], 2)
    portal_decisions.not_me(house, waiting.photo.sha256)
    assert portal.my_proposals(house) == []
    library.rescan()
    assert portal.my_proposals(house) == []
    portal_decisions.undo_not_me(house, waiting.photo.sha256)
    assert items(portal.my_proposals(house)) == ["maybe.png"]


def test_not_me_stands_through_every_rescan_and_can_be_taken_back(
    library: Library, ann: str
) -> None:
    house, photo = own_house(library, ann), sha256(library, "sure.png")
    portal_decisions.not_me(house, photo)
    assert portal.my_photos(house).photos == ()
    assert ("sure.png", 1, ann, "different", "person") in decisions(library)
    enrol(library, "Carl", CARL)
    library.rescan()
    portal_references.add_references(house, [draw(Drawn(person=ANN), salt=77)])
    assert portal.my_photos(house).photos == ()
    assert [one.sha256 for one in portal.my_refusals(house)] == [photo]
    portal_decisions.undo_not_me(house, photo)
    assert items(portal.my_photos(house).photos) == ["sure.png"]
    assert portal.my_refusals(house) == []
    with pytest.raises(NotFound):
        portal_decisions.undo_not_me(house, photo)


def test_not_me_holds_in_every_copy_and_is_taken_back_in_every_copy(
    library: Library, tmp_path: Path
) -> None:
    folder = tmp_path / "photos"
    for name, shade in (("a.png", 40), ("b.png", 42)):
        save_copy(folder / name, Drawn(person=ANN), Drawn(person=BOB), shade=shade)
    library.ingest(folder, collection="party")
    look_at_photos(library, folder)
    ann, bob = enrol(library, "Ann", ANN), enrol(library, "Bob", BOB)
    assert grouped(library) == [{"a.png", "b.png"}]
    house = own_house(library, ann)
    [photo] = portal.my_photos(house).photos
    portal_decisions.not_me(house, photo.photo.sha256)
    assert {d for d in decisions(library) if d[2] == ann} == {
        (item, 1, ann, "different", "person") for item in ("a.png", "b.png")
    }
    assert len(portal.my_refusals(house)) == 1
    portal_decisions.undo_not_me(house, sha256(library, "b.png"))
    assert decisions(library) == {
        (item, number, who, "same", "threshold")
        for item in ("a.png", "b.png")
        for number, who in ((1, ann), (2, bob))
    }


def test_what_they_said_and_what_waits_is_in_their_export(library: Library, ann: str) -> None:
    house, photo = own_house(library, ann), sha256(library, "sure.png")
    portal_decisions.not_me(house, photo)
    exported = export.export_person(house, ann)
    assert [(one["sha256"], one["face"], one["decided_by"]) for one in exported["not_them"]] == [
        (photo, 1, "person")
    ]
    assert len(exported["waiting"]) == 1
    assert (exported["invitation"], exported["passkeys"]) == (None, [])


def test_what_an_operator_said_is_not_theirs_to_take_back(library: Library, tmp_path: Path) -> None:
    save(tmp_path / "photos" / "a.png", Drawn(person=ANN), salt=1)
    library.ingest(tmp_path / "photos", collection="party")
    ann = enrol(library, "Ann", ANN)
    library.unlink(sha256(library, "a.png"), face=1)
    house = own_house(library, ann)
    assert portal.my_refusals(house) == []
    with pytest.raises(NotFound):
        portal_decisions.undo_not_me(house, sha256(library, "a.png"))


def test_what_they_said_no_operator_says_otherwise(library: Library, tmp_path: Path) -> None:
    save(tmp_path / "photos" / "a.png", Drawn(person=ANN), salt=1)
    library.ingest(tmp_path / "photos", collection="party")
    ann = enrol(library, "Ann", ANN, consent=said_yes("be_found", "find_me"))
    photo = sha256(library, "a.png")
    portal_decisions.not_me(own_house(library, ann), photo)
    # Nor by way of saying it once more: it stays their own word.
    library.decide(photo, face=1, person_id=ann, decision="different")
    assert decisions(library) == {("a.png", 1, ann, "different", "person")}
    with pytest.raises(Refused):
        library.decide(photo, face=1, person_id=ann, decision="same")


def test_not_me_stands_when_the_pack_changes(place: Place, tmp_path: Path) -> None:
    save(tmp_path / "photos" / "a.png", Drawn(person=ANN), salt=1)
    save(tmp_path / "photos" / "b.png", Drawn(person=ANN, shot=1), salt=2)
    with place.open() as library:
        library.ingest(tmp_path / "photos", collection="party")
        ann = enrol(library, "Ann", ANN)
        portal_decisions.not_me(own_house(library, ann), sha256(library, "a.png"))
        library.use_pack(str(second_pack(tmp_path / "second")))
        assert items(portal.my_photos(own_house(library, ann)).photos) == ["b.png"]
