"""What a search keeps of why it was made, whom it tells of it, and who counts as one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from promise_house import acting_as, enrol, found_names, said_yes
from sqlalchemy import text
from synthetic_engine import Drawn, draw, save

from likeness import same_people
from likeness.errors import FaceChoiceNeeded, UsageError
from likeness.face_choices import cut_faces
from likeness.library import Library
from likeness.past_searches import PastSearch, past_searches
from likeness.probe import pixels_of
from likeness.search import LONGEST_PURPOSE
from likeness.store import audit_log

ANNA, BEN = 1, 2


def set_asking(library: Library, collection: str) -> None:
    with library.house.transaction() as connection:
        connection.execute(
            text("UPDATE collections SET ask_purpose = 1 WHERE name = :name"), {"name": collection}
        )


def search(library: Library, **how: Any) -> Any:
    probe = draw(Drawn(person=ANNA, look=1, shot=3))
    return library.search(probe, **{"purpose": "be_found", **how})


def details(library: Library, subject_id: str) -> list[dict[str, Any]]:
    key = library.house.keyring.key(subject_id)
    with library.house.store.snapshot() as connection:
        kept = audit_log.details_of(connection, subject_id, key=key)
    return [one["details"] for one in kept]


def test_a_collection_that_asks_refuses_a_search_that_does_not_say_what_for(
    library: Library,
) -> None:
    enrol(library, "Anna", ANNA)
    set_asking(library, "club")
    for how in ({}, {"collection": "club"}, {"stated_purpose": "  \n "}):
        with pytest.raises(UsageError, match="what for"):
            search(library, **how)
    assert past_searches(library.house) == []
    assert search(library, collection="party").candidates
    assert search(library, stated_purpose="the yearbook").candidates
    with pytest.raises(UsageError, match="letters"):
        search(library, stated_purpose="a" * (LONGEST_PURPOSE + 1))


def test_a_person_who_searches_for_themself_is_not_asked_what_for(library: Library) -> None:
    set_asking(library, "party")
    anna = enrol(library, "Anna", ANNA, "find_me")
    assert found_names(library, ANNA, as_person=anna) == ["Anna"]


def test_past_searches_say_when_and_what_for_to_their_account_alone(
    library: Library, clock: Any
) -> None:
    enrol(library, "Anna", ANNA)
    began = clock()
    search(library)
    clock.advance(hours=1)
    search(library, stated_purpose="the\n yearbook ")
    assert past_searches(library.house) == [
        PastSearch(at=clock(), purpose="be_found", stated_purpose="the yearbook"),
        PastSearch(at=began, purpose="be_found", stated_purpose=""),
    ]
    assert past_searches(library.house, limit=1)[0].stated_purpose == "the yearbook"
    library.create_account("trainer")
    assert past_searches(acting_as(library, "trainer").house) == []


def test_what_a_search_was_for_is_no_part_of_what_the_found_person_is_told(
    library: Library,
) -> None:
    anna = enrol(library, "Anna", ANNA)
    search(library, stated_purpose="the yearbook")
    told = [one for one in details(library, anna) if "found_by" in one]
    assert [one["organisations"] for one in told] == [["Tennis club"]]
    assert "yearbook" not in str(told)


def test_who_was_found_is_told_which_organisations_they_were_found_for(library: Library) -> None:
    library.create_collection("archive", controller="City archive")
    anna = enrol(library, "Anna", ANNA, collections=("party", "archive"))
    search(library)
    search(library, collection="archive")
    told = [one["organisations"] for one in details(library, anna) if "found_by" in one]
    assert told == [["City archive", "Tennis club"], ["City archive"]]


def test_enrolments_of_one_human_being_are_one_candidate_and_do_not_rival(
    library: Library, tmp_path: Path
) -> None:
    save(tmp_path / "photos" / "anna.png", Drawn(person=ANNA))
    library.ingest(tmp_path / "photos", collection="party")
    first = enrol(library, "Anna", ANNA)
    photos = [draw(Drawn(person=ANNA), salt=salt) for salt in (3, 4)]
    second = library.enrol(
        "Anna Adler", photos, consent=said_yes(), different_person=True
    ).person_id
    apart = search(library).candidates
    assert {one.person_id for one in apart} == {first, second}
    assert {one.strength for one in apart} == {"possible"}
    same_people.merge(library.house, first, second)
    [together] = search(library).candidates
    assert {together.person_id, *together.also} == {first, second}
    assert together.strength == "strong"
    assert len(together.photos) == 1
    told = [one for person in (first, second) for one in details(library, person)]
    assert sum("organisations" in one for one in told) == 4


def test_the_face_in_the_middle_can_be_chosen(library: Library) -> None:
    enrol(library, "Anna", ANNA)
    enrol(library, "Ben", BEN)
    probe = draw(Drawn(person=BEN), Drawn(person=ANNA), Drawn(person=BEN), salt=3)[:, 64:]
    with pytest.raises(FaceChoiceNeeded):
        library.search(probe, purpose="be_found")
    [found] = library.search(probe, purpose="be_found", face="middle").candidates
    assert found.name == "Anna"


def test_faces_are_cut_out_with_each_in_the_middle_of_its_own_square(library: Library) -> None:
    photo = draw(Drawn(person=ANNA), Drawn(person=BEN), salt=3)
    cuts = cut_faces(library.house, photo, [(64, 0, 128, 64), (128, 0, 192, 64)])
    assert [(cut.number, cut.box) for cut in cuts] == [
        (1, (64, 0, 128, 64)),
        (2, (128, 0, 192, 64)),
    ]
    for cut in cuts:
        pixels, _ = pixels_of(library.house, cut.jpeg)
        assert pixels.shape[0] == pixels.shape[1]
        # Above the face there was no photo: what lies beyond it is black.
        assert pixels[0].max() < 20
    small = replace(library.house, settings=replace(library.house.settings, detection_side=96))
    assert len(cut_faces(small, photo, [(0, 0, 10, 10)] * 100)) == 60
