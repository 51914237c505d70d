"""A person's own references: better ones, of them alone, and never none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from portal_parts import own_house
from promise_house import Clock, enrol, rows, said_yes
from synthetic_engine import DOUBTFUL_ALONE, NEAR, Drawn, draw, save

from likeness import export, portal
from likeness.errors import ConsentRefused, FaceUnusable, NotFound, PackMismatch, UsageError
from likeness.library import Library
from likeness.portal_references import (
    MOST_REFERENCES,
    add_references,
    drop_reference,
    my_references,
)

ANN, BOB = 1, 2


@pytest.fixture
def ann(library: Library, tmp_path: Path) -> str:
    save(tmp_path / "photos" / "a.png", Drawn(person=ANN), salt=1)
    library.ingest(tmp_path / "photos", collection="party")
    return enrol(library, "Ann", ANN, "find_me")


def test_references_are_shown_to_their_person_with_how_they_were_taken(
    library: Library, ann: str
) -> None:
    house = own_house(library, ann)
    assert [one.live for one in my_references(house)] == [False, False]
    assert add_references(house, [draw(Drawn(person=ANN, look=NEAR), salt=5)], live=True) == 3
    held = my_references(house)
    assert sorted(one.live for one in held) == [False, False, True]
    assert all(one.jpeg[:2] == b"\xff\xd8" for one in held)
    assert sum(one["live"] for one in export.export_person(house, ann)["references"]) == 1


def test_a_new_reference_is_compared_with_every_photo(library: Library, ann: str) -> None:
    """A photo that is like the new one and was passed by is theirs now."""
    house = own_house(library, ann)
    before = rows(library, "SELECT max(comparable_since) FROM people")
    add_references(house, [draw(Drawn(person=ANN, look=NEAR), salt=5)])
    assert rows(library, "SELECT max(comparable_since) FROM people") > before
    assert portal.my_photos(house).total == 1
    assert rows(library, "SELECT count(*) FROM photos WHERE matched_through < 1") == [(0,)]


@pytest.mark.parametrize("person", [BOB, 900])
def test_nobody_else_becomes_their_reference(library: Library, ann: str, person: int) -> None:
    house = own_house(library, ann)
    enrol(library, "Bob", BOB)
    photos = [draw(Drawn(person=ANN), salt=5), draw(Drawn(person=person), salt=6)]
    with pytest.raises(FaceUnusable) as caught:
        add_references(house, photos)
    assert caught.value.reason == "disagrees"
    assert "photo 2" in caught.value.what
    assert len(my_references(house)) == 2


@pytest.mark.parametrize(
    "faces", [(), (Drawn(person=ANN, blurred=True),), (Drawn(person=ANN), Drawn(person=BOB))]
)
def test_a_reference_shows_one_usable_face(
    library: Library, ann: str, faces: tuple[Drawn, ...]
) -> None:
    with pytest.raises(FaceUnusable):
        add_references(own_house(library, ann), [draw(*faces, salt=5)])


def test_there_are_so_many_and_no_more(library: Library, ann: str) -> None:
    house = own_house(library, ann)
    more = [draw(Drawn(person=ANN), salt=9)] * (MOST_REFERENCES - 1)
    with pytest.raises(UsageError):
        add_references(house, more)
    assert add_references(house, more[:-1]) == MOST_REFERENCES


def test_a_reference_is_taken_back_but_never_the_last_of_the_enrolment(
    library: Library, ann: str
) -> None:
    house = own_house(library, ann)
    first, second = my_references(house)
    drop_reference(house, first.reference_id)
    assert [one.reference_id for one in my_references(house)] == [second.reference_id]
    assert portal.my_photos(house).total == 1
    add_references(house, [draw(Drawn(person=ANN, look=NEAR), salt=5)])
    with pytest.raises(ConsentRefused):
        drop_reference(house, second.reference_id)
    [added] = [one for one in my_references(house) if one.added]
    drop_reference(house, added.reference_id)
    assert [one.reference_id for one in my_references(house)] == [second.reference_id]


def test_references_do_not_lead_step_by_step_to_somebody_else(library: Library) -> None:
    """What was added is like the first; the next is like what was added, and not like the first."""
    first, last = (Drawn(person=ANN, look=DOUBTFUL_ALONE, shot=shot) for shot in (1, 2))
    eve = library.enrol("Eve", [draw(first, salt=1)], consent=said_yes("find_me"))
    house = own_house(library, eve.person_id)
    add_references(house, [draw(Drawn(person=ANN), salt=9)] * (MOST_REFERENCES - 2))
    with pytest.raises(FaceUnusable) as caught:
        add_references(house, [draw(last, salt=10)])
    assert caught.value.reason == "disagrees"


def test_where_nothing_was_measured_for_the_pack_none_is_taken(library: Library, ann: str) -> None:
    house = own_house(library, ann)
    unmeasured = replace(house.pack, thresholds=(), provisional=None)
    house = replace(house, chosen=replace(house.chosen, manifest=unmeasured))
    with pytest.raises(PackMismatch):
        add_references(house, [draw(Drawn(person=BOB), salt=6)])


def test_nobody_drops_the_reference_of_another(library: Library, ann: str) -> None:
    bob = enrol(library, "Bob", BOB)
    [theirs, _] = my_references(own_house(library, bob))
    with pytest.raises(NotFound):
        drop_reference(own_house(library, ann), theirs.reference_id)
    assert len(my_references(own_house(library, bob))) == 2


def test_without_a_live_consent_none_is_taken(library: Library, ann: str, clock: Clock) -> None:
    clock.advance(days=731)
    with pytest.raises(ConsentRefused):
        add_references(own_house(library, ann), [draw(Drawn(person=ANN))])
