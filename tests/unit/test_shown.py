"""Who may see which photo: whoever may find somebody in it there, and the person themself."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from portal_parts import own_house, sha256
from promise_house import START, Clock, acting_as, enrol, rows, said_yes
from synthetic_engine import DOUBTFUL_AMONG_TEN, Drawn, save

from likeness import shown
from likeness.errors import NotFound
from likeness.house import House
from likeness.library import Library

ANNA, BEN, CARL, STRANGER = 1, 2, 3, 900


@pytest.fixture
def peopled(library: Library, tmp_path: Path) -> Library:
    """Anna, Ben, Carl and a stranger in one photo; Carl said yes to find_me alone."""
    save(
        tmp_path / "photos" / "all.png",
        Drawn(person=STRANGER),
        Drawn(person=ANNA),
        Drawn(person=CARL),
        Drawn(person=BEN, look=DOUBTFUL_AMONG_TEN),
        salt=1,
    )
    save(tmp_path / "photos" / "carl.png", Drawn(person=CARL), salt=2)
    save(tmp_path / "photos" / "stranger.png", Drawn(person=STRANGER), salt=3)
    library.ingest(tmp_path / "photos", collection="party")
    enrol(library, "Anna", ANNA)
    enrol(library, "Ben", BEN)
    enrol(library, "Carl", CARL, "find_me")
    return library


def in_photo(library: Library, item: str, number: int) -> str:
    """Who is linked with a face of a photo."""
    [(found,)] = rows(
        library,
        "SELECT l.person_id FROM links l JOIN faces f USING (face_id)"
        " JOIN sightings s ON s.photo_id = f.photo_id WHERE s.item = :item AND f.number = :number",
        item=item,
        number=number,
    )
    return str(found)


def refusals(house: House, *hashes: str) -> set[str]:
    """What every question about photos that may not be seen is answered with."""
    said = set()
    for one in hashes:
        for ask in (shown.photo_shown, shown.preview, _first_crop):
            with pytest.raises(NotFound) as caught:
                ask(house, one)
            said.add(str(caught.value))
    return said


def _first_crop(house: House, sha256: str) -> bytes:
    return shown.face_crop(house, sha256, 1)


def test_an_account_sees_the_faces_of_people_whom_it_may_find_and_no_others(
    peopled: Library,
) -> None:
    faces = shown.photo_shown(peopled.house, sha256(peopled, "all.png")).faces
    assert [(face.number, face.name, face.proposed) for face in faces] == [
        (2, "Anna", False),
        (4, "Ben", True),
    ]
    assert faces[0].box == (128, 0, 192, 64)


def test_crops_are_of_those_faces_alone(peopled: Library) -> None:
    photo = sha256(peopled, "all.png")
    assert shown.face_crop(peopled.house, photo, 2)[:2] == b"\xff\xd8"
    assert shown.face_crop(peopled.house, photo, 4)[:2] == b"\xff\xd8"
    for number in (0, 1, 3, 5):
        with pytest.raises(NotFound):
            shown.face_crop(peopled.house, photo, number)


def test_a_photo_of_nobody_who_may_be_found_reads_as_one_that_is_not_held(
    peopled: Library,
) -> None:
    hidden = (sha256(peopled, "carl.png"), sha256(peopled, "stranger.png"), "0" * 64, "no hash")
    assert len(refusals(peopled.house, *hidden)) == 1


def test_a_person_sees_themself_and_nobody_else(peopled: Library) -> None:
    carl = in_photo(peopled, "carl.png", 1)
    house = own_house(peopled, carl)
    for item in ("all.png", "carl.png"):
        [face] = shown.photo_shown(house, sha256(peopled, item)).faces
        assert (face.name, face.person_id) == ("Carl", carl)
    refusals(house, sha256(peopled, "stranger.png"))
    anna = in_photo(peopled, "all.png", 2)
    [face] = shown.photo_shown(own_house(peopled, anna), sha256(peopled, "all.png")).faces
    assert face.name == "Anna"
    refusals(own_house(peopled, anna), sha256(peopled, "carl.png"))


def test_another_account_sees_nothing_until_a_consent_names_it(peopled: Library) -> None:
    peopled.create_account("trainer")
    peopled.set_audience("party", add=["trainer"])
    refusals(acting_as(peopled, "trainer").house, sha256(peopled, "all.png"))


def test_a_photo_is_seen_only_where_the_consent_covers_one_of_its_collections(
    library: Library, tmp_path: Path
) -> None:
    for folder, items in (("party", ("both.png",)), ("club", ("both.png", "club.png"))):
        for item in items:
            save(tmp_path / folder / item, Drawn(person=ANNA), salt=ord(item[0]))
        library.ingest(tmp_path / folder, collection=folder)
    enrol(library, "Anna", ANNA)
    [both] = rows(library, "SELECT DISTINCT sha256 FROM photos JOIN links USING (photo_id)")
    assert {s.source_id for s in shown.photo_shown(library.house, both[0]).sightings} == {
        source
        for (source,) in rows(
            library,
            "SELECT source_id FROM sources JOIN collections USING (collection_id)"
            " WHERE name = 'party'",
        )
    }
    refusals(library.house, sha256(library, "club.png"))


def test_nothing_is_seen_any_more_once_the_consent_ended(
    library: Library, clock: Clock, tmp_path: Path
) -> None:
    save(tmp_path / "photos" / "anna.png", Drawn(person=ANNA))
    library.ingest(tmp_path / "photos", collection="party")
    consent = said_yes(expires_at=START + timedelta(days=10))
    anna = enrol(library, "Anna", ANNA, consent=consent)
    photo = sha256(library, "anna.png")
    assert shown.photo_shown(library.house, photo).faces
    assert shown.photo_shown(own_house(library, anna), photo).faces
    clock.advance(days=10)
    refusals(library.house, photo)
    refusals(own_house(library, anna), photo)


def test_somebody_of_whom_it_was_said_that_it_is_not_them_is_not_in_the_photo(
    peopled: Library,
) -> None:
    photo = sha256(peopled, "all.png")
    peopled.unlink(photo, face=2)
    assert [face.name for face in shown.photo_shown(peopled.house, photo).faces] == ["Ben"]


def test_a_preview_is_shown_to_whoever_may_see_the_photo(peopled: Library) -> None:
    found = shown.preview(peopled.house, sha256(peopled, "all.png"))
    assert found.jpeg[:2] == b"\xff\xd8"
    assert found.width > 0 and found.height > 0
