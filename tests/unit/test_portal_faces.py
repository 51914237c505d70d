"""That is me: a face becomes theirs only where it is, and nothing of anybody else is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from portal_parts import decisions, file_of, own_house, sha256
from promise_house import enrol, rows, said_yes
from synthetic_engine import DOUBTFUL_ALONE, DOUBTFUL_AMONG_TEN, Drawn, RecordingEngine, draw, save

from likeness import copies, portal, portal_claim, portal_decisions
from likeness.errors import (
    ConsentRefused,
    FaceChoiceNeeded,
    FaceUnusable,
    NotFound,
    Refused,
    UsageError,
)
from likeness.faces.registration import Registration, measure
from likeness.faces.resemblance import Look
from likeness.library import Library
from likeness.portal_claim import unlike
from likeness.portal_faces import faces_of_own_copy, is_me, that_is_me, that_is_me_in

ANN, BOB, STRANGER = 1, 2, 900


def photo(*faces: Drawn, salt: int, kind: str = "PNG") -> bytes:
    return file_of(draw(*faces, salt=salt), kind)


MAYBE = Drawn(person=ANN, look=DOUBTFUL_AMONG_TEN)
GROUP = (Drawn(person=BOB), Drawn(person=ANN, look=DOUBTFUL_ALONE), Drawn(person=STRANGER))


@pytest.fixture
def ann(library: Library, tmp_path: Path) -> str:
    """Ann, perhaps in a photo beside Bob, who is linked, and a stranger."""
    save(tmp_path / "photos" / "group.png", *GROUP, salt=5)
    save(tmp_path / "club" / "club.png", Drawn(person=ANN, look=DOUBTFUL_ALONE), salt=6)
    library.ingest(tmp_path / "photos", collection="party")
    library.ingest(tmp_path / "club", collection="club")
    enrol(library, "Bob", BOB, "find_me")
    return enrol(library, "Ann", ANN, "find_me")


def held(tmp_path: Path) -> bytes:
    return (tmp_path / "photos" / "group.png").read_bytes()


def test_faces_to_choose_from_are_those_of_the_photo_itself(library: Library, ann: str) -> None:
    own = faces_of_own_copy(own_house(library, ann), photo(*GROUP, salt=99))
    assert (own.width, own.height) == (256, 64)
    assert own.boxes == ((64, 0, 128, 64), (128, 0, 192, 64), (192, 0, 256, 64))


def test_a_face_is_chosen_later_without_the_photo(
    library: Library, ann: str, tmp_path: Path, clock: Any
) -> None:
    house = own_house(library, ann)
    own = faces_of_own_copy(house, held(tmp_path))
    assert [crop[:2] for crop in own.crops] == [b"\xff\xd8"] * 3
    for face in (1, 3):
        with pytest.raises(Refused) as caught:
            that_is_me_in(house, own.sealed, face=face)
        assert str(caught.value) == str(unlike())
    assert that_is_me_in(house, own.sealed, face=2) == sha256(library, "group.png")
    [bob] = {d[2] for d in decisions(library)} - {ann}
    for who, sealed, face, minutes in (
        (ann, own.sealed, 4, 0),
        (ann, own.sealed[:-1], 2, 0),
        (bob, own.sealed, 1, 0),
        (ann, own.sealed, 2, 16),
    ):
        clock.advance(minutes=minutes)
        with pytest.raises(UsageError):
            that_is_me_in(own_house(library, who), sealed, face=face)


def test_a_face_like_their_references_becomes_theirs(
    library: Library, ann: str, tmp_path: Path
) -> None:
    house = own_house(library, ann)
    linked = that_is_me(house, held(tmp_path), face=2)
    assert linked == sha256(library, "group.png")
    assert ("group.png", 2, ann, "same", "person") in decisions(library)
    [own] = portal.my_photos(house).photos
    assert own.decided_by == "person"
    assert portal.my_proposals(house) == []
    library.rescan()
    assert that_is_me(house, held(tmp_path), face=2) == linked, "saying it twice changes nothing"


def test_another_file_of_the_same_picture_will_do(library: Library, ann: str) -> None:
    other = photo(*GROUP, salt=5, kind="WEBP")
    linked = that_is_me(own_house(library, ann), other, face=2)
    assert linked == sha256(library, "group.png")


def test_every_refusal_reads_the_same_and_leaves_the_same_trace(
    library: Library,
    ann: str,
    tmp_path: Path,
    engine: RecordingEngine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same work too: one comparison, and once a picture laid upon another."""
    house, measured = own_house(library, ann), []

    def counted(one: Look, other: Look) -> Registration | None:
        measured.append(one)
        return measure(one, other)

    for module in (copies, portal_claim):
        monkeypatch.setattr(module, "measure", counted)
    tried = {
        "somebody else's": (held(tmp_path), 1),
        "a stranger's": (held(tmp_path), 3),
        "a stranger's in a copy": (photo(*GROUP, salt=5, kind="WEBP"), 3),
        "not held, and like them": (photo(Drawn(person=ANN), salt=123), 1),
        "not held, and unlike them": (photo(Drawn(person=STRANGER), salt=124), 1),
        "held elsewhere": ((tmp_path / "club" / "club.png").read_bytes(), 1),
    }
    told, traces = set(), set()
    before = decisions(library)
    for given, face in tried.values():
        [(entries,)] = rows(library, "SELECT count(*) FROM audit")
        made = engine.calls
        measured.clear()
        with pytest.raises(Refused) as caught:
            that_is_me(house, given, face=face)
        [(after,)] = rows(library, "SELECT count(*) FROM audit")
        told.add((type(caught.value), str(caught.value)))
        traces.add((after - entries, engine.calls - made, len(measured)))
    assert told == {(Refused, str(unlike()))}
    assert traces == {(1, 1, 1)}
    assert decisions(library) == before


def test_a_twin_is_not_told_that_the_face_is_taken(library: Library, tmp_path: Path) -> None:
    """Two who look alike: whoever points at the other's face gets the words that all get."""
    save(tmp_path / "photos" / "a.png", Drawn(person=ANN), salt=1)
    library.ingest(tmp_path / "photos", collection="party")
    first = enrol(library, "Ann", ANN, "find_me")
    second = library.enrol(
        "Anna", [draw(Drawn(person=ANN))], consent=said_yes("find_me"), different_person=True
    ).person_id
    linked = next((d[2] for d in decisions(library) if d[3] == "same"), None)
    if linked is None:
        that_is_me(own_house(library, first), photo(Drawn(person=ANN), salt=1), face=1)
        linked = first
    twin = second if linked == first else first
    with pytest.raises(Refused) as caught:
        that_is_me(own_house(library, twin), (tmp_path / "photos" / "a.png").read_bytes())
    assert str(caught.value) == str(unlike())
    assert {d[2] for d in decisions(library) if d[3] == "same"} == {linked}


def test_what_an_operator_took_away_they_cannot_claim(library: Library, tmp_path: Path) -> None:
    save(tmp_path / "photos" / "a.png", Drawn(person=ANN), salt=1)
    library.ingest(tmp_path / "photos", collection="party")
    ann = enrol(library, "Ann", ANN, consent=said_yes("be_found", "find_me"))
    library.unlink(sha256(library, "a.png"), face=1)
    with pytest.raises(Refused) as caught:
        that_is_me(own_house(library, ann), (tmp_path / "photos" / "a.png").read_bytes())
    assert str(caught.value) == str(unlike())


def test_what_they_took_off_themself_they_can_claim_again(
    library: Library, ann: str, tmp_path: Path
) -> None:
    house = own_house(library, ann)
    portal_decisions.not_me(house, that_is_me(house, held(tmp_path), face=2))
    assert portal.my_photos(house).photos == ()
    that_is_me(house, held(tmp_path), face=2)
    assert len(portal.my_photos(house).photos) == 1


def test_a_photo_of_several_asks_which_face(library: Library, ann: str, tmp_path: Path) -> None:
    with pytest.raises(FaceChoiceNeeded) as caught:
        that_is_me(own_house(library, ann), held(tmp_path))
    assert len(caught.value.boxes) == 3
    with pytest.raises(FaceUnusable):
        that_is_me(own_house(library, ann), photo(salt=3))


def test_without_a_live_consent_nothing_is_compared(
    library: Library, ann: str, clock: Any, tmp_path: Path
) -> None:
    clock.advance(days=731)
    with pytest.raises(ConsentRefused):
        that_is_me(own_house(library, ann), held(tmp_path), face=2)


def test_yes_to_a_proposal_makes_it_theirs(library: Library, ann: str, tmp_path: Path) -> None:
    save(tmp_path / "photos" / "maybe.png", MAYBE, salt=7)
    library.ingest(tmp_path / "photos", collection="party")
    house = own_house(library, ann)
    [waiting] = portal.my_proposals(house)
    is_me(house, waiting.photo.sha256, waiting.face.number)
    assert portal.my_proposals(house) == []
    assert [own.decided_by for own in portal.my_photos(house).photos] == ["person"]


@pytest.mark.parametrize("face", [1, 3])
def test_another_face_of_their_photo_is_theirs_only_where_it_is_like_them(
    library: Library, ann: str, face: int, tmp_path: Path
) -> None:
    house = own_house(library, ann)
    group = that_is_me(house, held(tmp_path), face=2)
    [(entries,)] = rows(library, "SELECT count(*) FROM audit")
    with pytest.raises(Refused) as caught:
        is_me(house, group, face)
    assert str(caught.value) == str(unlike())
    assert rows(library, "SELECT count(*) FROM audit") == [(entries + 1,)]


def test_they_can_be_another_face_than_was_thought(library: Library, tmp_path: Path) -> None:
    faces = (Drawn(person=ANN), Drawn(person=ANN, look=DOUBTFUL_ALONE, shot=4))
    save(tmp_path / "photos" / "two.png", *faces, salt=1)
    library.ingest(tmp_path / "photos", collection="party")
    ann = enrol(library, "Ann", ANN, "find_me")
    assert decisions(library) == {("two.png", 1, ann, "same", "threshold")}
    is_me(own_house(library, ann), sha256(library, "two.png"), 2)
    assert decisions(library) == {
        ("two.png", 1, ann, "different", "person"),
        ("two.png", 2, ann, "same", "person"),
    }


@pytest.mark.parametrize(("item", "face"), [("club.png", 1), ("group.png", 9)])
def test_a_face_that_is_not_in_their_photos_is_not_found(
    library: Library, ann: str, item: str, face: int
) -> None:
    with pytest.raises(NotFound):
        is_me(own_house(library, ann), sha256(library, item), face)
