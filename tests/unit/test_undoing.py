"""Undo: what stood before a decision stands again, whatever came between."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from copies_parts import look_at_photos, save_copy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from portal_parts import sha256
from promise_house import Place, acting_as, enrol, found_photos, rows, said_yes
from sqlalchemy import text
from synthetic_engine import DOUBTFUL_ALONE, DOUBTFUL_AMONG_TEN, NEAR, Drawn, draw, save

from likeness.errors import NotFound, Refused, UsageError
from likeness.library import Library
from likeness.review import AT_ONCE
from likeness.store import audit_log, decisions
from likeness.undoing import can_undo

ANN, BOB, CARL = 1, 2, 3


def standing(library: Library) -> set[tuple[Any, ...]]:
    """Every link and proposal: (photo, face, person, what, by whom or score)."""
    linked = rows(
        library,
        "SELECT p.sha256, f.number, l.person_id, l.decision, l.decided_by FROM links l"
        " JOIN faces f USING (face_id) JOIN photos p ON p.photo_id = l.photo_id",
    )
    proposed = rows(
        library,
        "SELECT p.sha256, f.number, q.person_id, 'proposed', coalesce(q.unsure_at, '')"
        " FROM proposals q JOIN faces f USING (face_id) JOIN photos p ON p.photo_id = q.photo_id",
    )
    return {*linked, *proposed}


def compare_all_anew(library: Library) -> None:
    with library.house.store.transaction() as connection:
        connection.execute(text("UPDATE photos SET matched_through = -1"))
    library.rescan()


@pytest.fixture
def ann(library: Library, tmp_path: Path) -> str:
    """Ann, in one photo for sure and in another perhaps, beside Bob in both."""
    folder = tmp_path / "photos"
    save(folder / "sure.png", Drawn(person=ANN, look=NEAR), Drawn(person=BOB), salt=1)
    save(folder / "maybe.png", Drawn(person=BOB), Drawn(person=ANN, look=DOUBTFUL_ALONE), salt=2)
    library.ingest(folder, collection="party")
    return enrol(library, "Ann", ANN)


@pytest.mark.parametrize("decision", ["same", "different"])
def test_a_decided_proposal_waits_again_once_it_is_taken_back(
    library: Library, ann: str, decision: Any
) -> None:
    before = standing(library)
    photo = sha256(library, "maybe.png")
    library.decide(photo, face=2, person_id=ann, decision=decision)
    assert can_undo(library.house)
    undone = library.undo()
    assert (undone.did, undone.person_id, undone.faces) == (decision, ann, ((photo, 2),))
    assert standing(library) == before
    assert not can_undo(library.house)


def test_a_link_that_was_taken_away_by_mistake_is_there_again(library: Library, ann: str) -> None:
    before, photo = standing(library), sha256(library, "sure.png")
    library.unlink(photo, face=1)
    assert found_photos(library, ANN) == set()
    assert library.undo().did == "unlink"
    assert standing(library) == before and found_photos(library, ANN) == {photo}


def test_not_being_sure_keeps_a_proposal_and_puts_it_last(library: Library, tmp_path: Path) -> None:
    for shot in range(3):
        face = Drawn(person=ANN, look=DOUBTFUL_ALONE, shot=shot)
        save(tmp_path / "photos" / f"{shot}.png", face, salt=shot)
    library.ingest(tmp_path / "photos", collection="party")
    ann = enrol(library, "Ann", ANN)
    first, second, third = library.proposals()
    library.unsure(first.photo.sha256, face=1, person_id=ann)
    compare_all_anew(library)
    waiting = library.proposals()
    assert [p.photo.sha256 for p in waiting] == [one.photo.sha256 for one in (second, third, first)]
    assert [p.unsure for p in waiting] == [False, False, True]
    assert library.people()[0].proposals == 3
    assert library.undo().did == "unsure"
    assert library.proposals() == [first, second, third]


def test_nobody_can_be_unsure_of_what_nothing_proposes(library: Library, ann: str) -> None:
    for item, face in (("sure.png", 1), ("maybe.png", 1)):
        with pytest.raises(NotFound):
            library.unsure(sha256(library, item), face=face, person_id=ann)
    assert not can_undo(library.house)


def test_decisions_are_taken_back_one_by_one_newest_first_and_each_account_its_own(
    library: Library, ann: str
) -> None:
    library.create_account("helper")
    states = [standing(library)]
    for item, face in (("maybe.png", 2), ("sure.png", 1)):
        library.decide(sha256(library, item), face=face, person_id=ann, decision="different")
        states.append(standing(library))
    with pytest.raises(NotFound):
        acting_as(library, "helper").undo()
    for before in states[-2::-1]:
        library.undo()
        assert standing(library) == before
    with pytest.raises(NotFound, match="nothing to undo"):
        library.undo()


def test_several_photos_are_somebody_else_at_once_and_are_taken_back_as_one(
    library: Library, tmp_path: Path
) -> None:
    for number in range(4):
        save(tmp_path / "photos" / f"{number}.png", Drawn(person=ANN, shot=number), salt=number)
    library.ingest(tmp_path / "photos", collection="party")
    ann = enrol(library, "Ann", ANN)
    before = standing(library)
    wrong = [(sha256(library, f"{number}.png"), 1) for number in range(3)]
    assert library.not_theirs(ann, [*wrong, wrong[0]]) == 3
    assert found_photos(library, ANN) == {sha256(library, "3.png")}
    assert set(library.undo().faces) == set(wrong)
    assert standing(library) == before
    with pytest.raises(NotFound):
        library.not_theirs(ann, [wrong[0], ("0" * 64, 1)])
    for named in ([], [(f"{n:064}", 1) for n in range(AT_ONCE + 1)]):
        with pytest.raises(UsageError):
            library.not_theirs(ann, named)
    assert standing(library) == before


def test_whoever_was_overruled_has_their_face_again(library: Library, tmp_path: Path) -> None:
    save(tmp_path / "photos" / "x.png", Drawn(person=ANN), Drawn(person=ANN, look=NEAR), salt=1)
    library.ingest(tmp_path / "photos", collection="party")
    ann = enrol(library, "Ann", ANN)
    photo = sha256(library, "x.png")
    library.unlink(photo, face=1)
    before = standing(library)
    assert (photo, 2, ann, "same", "threshold") in before
    library.decide(photo, face=1, person_id=ann, decision="same")
    assert (photo, 2, ann, "different", "operator") in standing(library)
    library.undo()
    assert standing(library) == before


def test_what_somebody_decided_again_since_is_not_undone(library: Library, ann: str) -> None:
    library.create_account("helper")
    library.set_audience("party", add=["helper"])
    library.create_account("other")
    photo = sha256(library, "sure.png")
    library.unlink(photo, face=1)
    house = library.house
    house.clock.advance(minutes=1)  # type: ignore[attr-defined]
    with house.store.transaction() as connection:
        connection.execute(
            text("UPDATE links SET decision = 'same', decided_at = :at, decided_by = 'person'"),
            {"at": house.clock().isoformat()},
        )
    before = standing(library)
    with pytest.raises(Refused):
        library.undo()
    assert standing(library) == before


def test_what_a_person_said_about_themself_no_operator_overrules(
    library: Library, ann: str
) -> None:
    photo = sha256(library, "sure.png")
    library.unlink(photo, face=1)
    with library.house.store.transaction() as connection:
        connection.execute(text("UPDATE links SET decided_by = 'person'"))
    with pytest.raises(Refused):
        library.decide(photo, face=1, person_id=ann, decision="same")
    assert found_photos(library, ANN) == set()


@pytest.mark.parametrize("how", ["withdrawn", "lapsed", "photo gone", "consent narrowed"])
def test_what_may_no_longer_be_shown_is_not_undone(
    library: Library, tmp_path: Path, ann: str, how: str
) -> None:
    library.decide(sha256(library, "maybe.png"), face=2, person_id=ann, decision="same")
    if how == "withdrawn":
        library.withdraw(ann)
    elif how == "lapsed":
        library.house.clock.advance(days=800)  # type: ignore[attr-defined]
    elif how == "photo gone":
        (tmp_path / "photos" / "maybe.png").unlink()
        library.ingest(tmp_path / "photos", collection="party")
    else:
        library.renew(ann, expires_at=library.house.clock().replace(year=2030), statement="again")
        library.set_audience("party", drop=["owner"])
    before = standing(library)
    assert not can_undo(library.house)
    with pytest.raises(NotFound) as caught:
        library.undo()
    assert "Ann" not in str(caught.value) and ann not in str(caught.value)
    assert standing(library) == before


@pytest.mark.parametrize(
    ("change", "stands_again"),
    [
        ({}, True),
        ({"drop_accounts": ["helper"]}, True),
        ({"drop_collections": ["party"]}, False),
        (None, False),
    ],
)
def test_of_whom_a_decision_overruled_an_undo_shows_nothing_and_gives_back_what_they_allow(
    library: Library, tmp_path: Path, change: dict[str, Any] | None, stands_again: bool
) -> None:
    library.create_account("helper")
    library.set_audience("party", add=["helper"])
    save(tmp_path / "photos" / "x.png", Drawn(person=ANN, look=DOUBTFUL_AMONG_TEN), salt=1)
    library.ingest(tmp_path / "photos", collection="party")
    ann, photo = enrol(library, "Ann", ANN), sha256(library, "x.png")
    helper = acting_as(library, "helper")
    helper.decide(photo, face=1, person_id=ann, decision="different")
    twin = library.enrol(
        "Anna",
        [draw(Drawn(person=ANN))],
        consent=said_yes(collections=("party", "club")),
        different_person=True,
    ).person_id
    helper.decide(photo, face=1, person_id=twin, decision="same")
    helper.decide(photo, face=1, person_id=ann, decision="same")
    assert (photo, 1, twin, "different", "operator") in standing(library)
    if change is None:
        library.withdraw(twin)
    elif change:
        library.narrow(twin, **change)
    undone = helper.undo()
    assert (undone.did, undone.person_id, undone.faces) == ("same", ann, ((photo, 1),))
    assert (photo, 1, ann, "different", "operator") in standing(library)
    assert ((photo, 1, twin, "same", "operator") in standing(library)) is stands_again
    seen = {person.person.details.name for person in helper.people()}
    assert seen == ({"Ann"} if change != {} else {"Ann", "Anna"})
    if change == {}:
        assert [face.name for face in helper.photos().photos[0].faces] == ["Anna"]
    else:
        assert helper.photos().photos == () and helper.proposals() == []


def test_who_leaves_goes_from_what_is_remembered_of_others(
    library: Library, tmp_path: Path
) -> None:
    save(tmp_path / "photos" / "x.png", Drawn(person=ANN, look=NEAR), salt=1)
    library.ingest(tmp_path / "photos", collection="party")
    ann, photo = enrol(library, "Ann", ANN), sha256(library, "x.png")
    library.unlink(photo, face=1)
    twin = library.enrol(
        "Anna", [draw(Drawn(person=ANN))], consent=said_yes(), different_person=True
    ).person_id
    before = {row for row in standing(library) if row[2] == twin}
    library.decide(photo, face=1, person_id=twin, decision="different")
    mentions = "SELECT count(*) FROM decisions WHERE instr(before, :who) OR person_id = :who"
    assert rows(library, mentions, who=ann) == [(2,)]
    library.withdraw(ann)
    assert rows(library, mentions, who=ann) == [(0,)]
    library.undo()
    assert standing(library) == before, "of whoever stays it is remembered all the same"


def test_only_the_newest_five_hundred_are_remembered(
    library: Library, ann: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "KEPT_AN_ACCOUNT", 3)
    photo = sha256(library, "maybe.png")
    for _ in range(5):
        library.unsure(photo, face=2, person_id=ann)
    assert rows(library, "SELECT count(*) FROM decisions") == [(3,)]


def test_an_undo_is_in_the_log_for_who_did_it_and_for_whom_it_was_about(
    library: Library, ann: str
) -> None:
    library.unlink(sha256(library, "sure.png"), face=1)
    library.undo()
    house = library.house
    for subject, word in ((ann, "undone"), (house.account.account_id, "undo")):
        with house.store.snapshot() as connection:
            key = house.keyring.key(subject)
            last = audit_log.details_of(connection, subject, key=key)[-1]["details"]
        assert word in last.values()


def test_a_copy_that_came_meanwhile_does_not_carry_the_decision_back(
    library: Library, tmp_path: Path
) -> None:
    folder = tmp_path / "photos"
    save_copy(folder / "a.png", Drawn(person=ANN), shade=40)
    library.ingest(folder, collection="party")
    look_at_photos(library, folder)
    ann = enrol(library, "Ann", ANN)
    library.unlink(sha256(library, "a.png"), face=1)
    save_copy(folder / "b.png", Drawn(person=ANN), shade=41)
    library.ingest(folder, collection="party")
    assert {row[3] for row in standing(library)} == {"different"}
    library.undo()
    assert {row[2:] for row in standing(library)} == {(ann, "same", "threshold")}
    assert len(standing(library)) == 2
    compare_all_anew(library)
    assert {row[3] for row in standing(library)} == {"same"}


def _photos(folder: Path) -> Path:
    """Links, doubts, rivals and copies: what decisions can be about."""
    doubtful = Drawn(person=ANN, look=DOUBTFUL_AMONG_TEN, shot=5)
    save(folder / "two.png", Drawn(person=ANN), Drawn(person=ANN, look=NEAR, shot=2), salt=1)
    save(folder / "doubt.png", doubtful, Drawn(person=BOB), salt=2)
    save(folder / "both.png", Drawn(person=BOB, look=DOUBTFUL_AMONG_TEN), doubtful, salt=3)
    save_copy(folder / "copy a.png", Drawn(person=ANN, shot=4), Drawn(person=BOB), shade=60)
    save_copy(folder / "copy b.png", Drawn(person=ANN, shot=4), Drawn(person=BOB), shade=61)
    return folder


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_undoing_all_of_a_row_of_decisions_brings_back_each_state(
    new_place: Callable[[], Place], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Whatever rescans come between; and at the end a full comparison changes nothing."""
    place = new_place()
    with place.open() as library:
        folder = _photos(tmp_path_factory.mktemp("photos"))
        library.ingest(folder, collection="party")
        look_at_photos(library, folder)
        people = [enrol(library, "Ann", ANN), enrol(library, "Bob", BOB)]
        states = [standing(library)]
        for _ in range(data.draw(st.integers(1, 5))):
            place.clock.advance(minutes=1)
            known = sorted({row[:3] for row in states[-1]})
            photo, face, person = data.draw(st.sampled_from(known))
            what = data.draw(st.sampled_from(["same", "different", "unsure"]))
            try:
                if what == "unsure":
                    library.unsure(photo, face=face, person_id=person)
                else:
                    library.decide(photo, face=face, person_id=person, decision=what)  # type: ignore[arg-type]
            except NotFound:
                continue
            if data.draw(st.booleans()):
                compare_all_anew(library)
            states.append(standing(library))
        if data.draw(st.booleans()):
            # Somebody who is in no photo comes and goes.
            carl = enrol(library, "Carl", CARL)
            if data.draw(st.booleans()):
                library.withdraw(carl)
        for before in states[-2::-1]:
            assert library.undo().person_id in people
            assert standing(library) == before
        compare_all_anew(library)
        assert standing(library) == states[0]
