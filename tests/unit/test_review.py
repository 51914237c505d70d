"""Deciding by hand: proposals one by one, and corrections of any link, that stand ever after."""

from __future__ import annotations

from pathlib import Path

import pytest
from portal_parts import decisions, sha256
from promise_house import acting_as, enrol, found_names, found_photos, said_yes
from synthetic_engine import DOUBTFUL_ALONE, DOUBTFUL_AMONG_TEN, NEAR, Drawn, draw, save

from likeness.errors import NotFound
from likeness.library import Library
from likeness.store import audit_log
from likeness.store.links import OPEN_PROPOSALS_A_PERSON

ANN, BOB, CARL = 1, 2, 3


@pytest.fixture
def ann(library: Library, tmp_path: Path) -> str:
    """Ann, in one photo for sure, in another perhaps, beside Bob in both."""
    folder = tmp_path / "photos"
    save(folder / "sure.png", Drawn(person=ANN, look=NEAR), Drawn(person=BOB), salt=1)
    save(folder / "maybe.png", Drawn(person=BOB), Drawn(person=ANN, look=DOUBTFUL_ALONE), salt=2)
    library.ingest(folder, collection="party")
    return enrol(library, "Ann", ANN)


def test_what_waits_comes_with_all_that_is_needed_to_decide_it(library: Library, ann: str) -> None:
    [proposal] = library.proposals()
    assert proposal.person.person_id == ann
    assert proposal.person.details.name == "Ann"
    assert (proposal.photo.sha256, proposal.face.number) == (sha256(library, "maybe.png"), 2)
    assert proposal.face.box == (128, 0, 192, 64)
    thresholds = library.house.thresholds(1)
    assert thresholds.review <= proposal.score < thresholds.strong
    assert [s.item for s in proposal.sightings] == ["maybe.png"]
    assert library.proposals(person_id=ann) == [proposal]
    assert library.proposals(person_id="p_somebody") == []


def test_the_best_proposals_come_first_and_at_most_twenty_wait(
    library: Library, tmp_path: Path
) -> None:
    for number in range(OPEN_PROPOSALS_A_PERSON + 5):
        face = Drawn(person=ANN, look=DOUBTFUL_ALONE, shot=number)
        save(tmp_path / "photos" / f"{number:02}.png", face, salt=number)
    library.ingest(tmp_path / "photos", collection="party")
    enrol(library, "Ann", ANN)
    waiting = library.proposals()
    assert len(waiting) == OPEN_PROPOSALS_A_PERSON
    assert [p.score for p in waiting] == sorted((p.score for p in waiting), reverse=True)
    assert library.people()[0].proposals == OPEN_PROPOSALS_A_PERSON


def test_a_proposal_that_is_confirmed_is_a_link_and_waits_no_more(
    library: Library, ann: str
) -> None:
    [proposal] = library.proposals()
    library.decide(proposal.photo.sha256, face=2, person_id=ann, decision="same")
    assert library.proposals() == []
    assert ("maybe.png", 2, ann, "same", "operator") in decisions(library)
    assert found_photos(library, ANN) == {
        sha256(library, item) for item in ("sure.png", "maybe.png")
    }


def test_a_proposal_that_is_refused_is_not_made_again(library: Library, ann: str) -> None:
    [proposal] = library.proposals()
    library.decide(proposal.photo.sha256, face=2, person_id=ann, decision="different")
    assert ("maybe.png", 2, ann, "different", "operator") in decisions(library)
    enrol(library, "Carl", CARL)
    assert library.proposals() == []
    assert found_photos(library, ANN) == {sha256(library, "sure.png")}


def test_a_strong_link_is_taken_away_by_its_face_and_names_whose_it_was(
    library: Library, ann: str
) -> None:
    assert library.unlink(sha256(library, "sure.png"), face=1) == ann
    assert found_photos(library, ANN) == set()
    assert decisions(library) == {("sure.png", 1, ann, "different", "operator")}


def test_what_was_taken_away_by_mistake_is_given_back(library: Library, ann: str) -> None:
    photo = sha256(library, "sure.png")
    library.unlink(photo, face=1)
    library.decide(photo, face=1, person_id=ann, decision="same")
    assert found_photos(library, ANN) == {photo}
    library.decide(photo, face=1, person_id=ann, decision="different")
    assert found_photos(library, ANN) == set()


def test_deciding_twice_alike_changes_nothing(library: Library, ann: str) -> None:
    photo = sha256(library, "maybe.png")
    for _ in range(2):
        library.decide(photo, face=2, person_id=ann, decision="same")
    assert len([d for d in decisions(library) if d[0] == "maybe.png"]) == 1


def test_a_face_given_to_one_person_is_taken_from_the_other(
    library: Library, tmp_path: Path
) -> None:
    save(tmp_path / "photos" / "x.png", Drawn(person=ANN, look=DOUBTFUL_AMONG_TEN), salt=1)
    library.ingest(tmp_path / "photos", collection="party")
    ann = enrol(library, "Ann", ANN)
    photo = sha256(library, "x.png")
    library.decide(photo, face=1, person_id=ann, decision="same")
    twin = library.enrol(
        "Anna", [draw(Drawn(person=ANN))], consent=said_yes(), different_person=True
    ).person_id
    assert sorted(found_names(library, ANN)) == ["Ann", "Anna"]
    # The photo is Ann's by a human's word: nothing is proposed for her twin.
    assert library.proposals() == []
    with pytest.raises(NotFound):
        library.decide(photo, face=1, person_id=twin, decision="same")
    library.unlink(photo, face=1)
    library.decide(photo, face=1, person_id=twin, decision="same")
    assert decisions(library) == {
        ("x.png", 1, ann, "different", "operator"),
        ("x.png", 1, twin, "same", "operator"),
    }


def test_confirming_another_face_of_a_photo_moves_the_person_there(
    library: Library, tmp_path: Path
) -> None:
    """A photo with a picture of them on the wall: the wrong one of the two was linked."""
    faces = [Drawn(person=ANN), Drawn(person=ANN, look=NEAR)]
    save(tmp_path / "photos" / "x.png", *faces, salt=1)
    library.ingest(tmp_path / "photos", collection="party")
    ann = enrol(library, "Ann", ANN)
    photo = sha256(library, "x.png")
    library.unlink(photo, face=1)
    assert ("x.png", 2, ann, "same", "threshold") in decisions(library)
    library.decide(photo, face=1, person_id=ann, decision="same")
    assert decisions(library) == {
        ("x.png", 1, ann, "same", "operator"),
        ("x.png", 2, ann, "different", "operator"),
    }


@pytest.mark.parametrize(
    ("item", "face"),
    [("sure.png", 2), ("sure.png", 3), ("sure.png", 0), ("sure.png", 10**30), ("maybe.png", 2)],
)
def test_a_face_that_is_linked_with_nobody_cannot_be_unlinked(
    library: Library, ann: str, item: str, face: int
) -> None:
    before = decisions(library)
    with pytest.raises(NotFound) as caught:
        library.unlink(sha256(library, item), face=face)
    assert caught.value.fix
    assert decisions(library) == before


def test_nothing_is_decided_about_a_photo_or_person_that_nothing_brings_together(
    library: Library, ann: str
) -> None:
    bob = enrol(library, "Bob", 40)
    before, messages = decisions(library), set()
    for photo, face, person in (
        ("0" * 64, 1, ann),
        (sha256(library, "sure.png"), 2, ann),
        (sha256(library, "sure.png"), 1, bob),
        (sha256(library, "sure.png"), 1, "p_nobody"),
    ):
        with pytest.raises(NotFound) as caught:
            library.decide(photo, face=face, person_id=person, decision="same")
        messages.add(str(caught.value))
    assert decisions(library) == before
    assert len(messages) == 1, "in the same words, whatever is not there"


def test_a_decision_in_a_collection_that_the_account_may_not_search_is_refused(
    library: Library, ann: str
) -> None:
    library.create_account("helper")
    library.set_audience("club", add=["helper"])
    helper = acting_as(library, "helper")
    with pytest.raises(NotFound):
        helper.unlink(sha256(library, "sure.png"), face=1)
    assert helper.proposals() == []


def test_each_decision_is_in_the_log_for_who_decided_and_for_whom_it_was_about(
    library: Library, ann: str
) -> None:
    library.unlink(sha256(library, "sure.png"), face=1)
    house = library.house
    for subject in (ann, house.account.account_id):
        with house.store.snapshot() as connection:
            key = house.keyring.key(subject)
            last = audit_log.details_of(connection, subject, key=key)[-1]["details"]
        assert "different" in last.values()
        assert "face" in last


def test_after_a_decision_the_rest_of_the_photo_is_decided_anew(
    library: Library, tmp_path: Path
) -> None:
    """The second best face of a person has its turn when the best turns out not to be theirs."""
    faces = [Drawn(person=ANN), Drawn(person=ANN, look=NEAR, shot=7)]
    save(tmp_path / "photos" / "x.png", *faces, salt=1)
    library.ingest(tmp_path / "photos", collection="party")
    ann = enrol(library, "Ann", ANN)
    assert decisions(library) == {("x.png", 1, ann, "same", "threshold")}
    library.unlink(sha256(library, "x.png"), face=1)
    assert ("x.png", 2, ann, "same", "threshold") in decisions(library)
