"""Promise 1: only a person with a live consent that covers this collection, this purpose and this
searcher is ever returned, listed, reviewed or counted by name."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from promise_house import (
    START,
    Clock,
    Place,
    acting_as,
    enrol,
    found_names,
    found_photos,
    rows,
    said_yes,
)
from sqlalchemy import event
from synthetic_engine import DOUBTFUL_ALONE, NEAR, Drawn, RecordingEngine, draw, save

from likeness.errors import (
    AlreadyEnrolled,
    AudienceRefused,
    ConsentRefused,
    NotFound,
)
from likeness.library import Library
from likeness.records.person import Guardian

ANN, BOB = 1, 2


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two photos of Ann, one with Bob, one of nobody."""
    folder = tmp_path / "photos"
    save(folder / "ann.png", Drawn(person=ANN, look=NEAR), salt=1)
    save(folder / "both.png", Drawn(person=ANN), Drawn(person=BOB), salt=2)
    save(folder / "nobody.png", salt=3)
    return folder


def test_somebody_who_said_yes_is_found_with_every_photo_and_nobody_else_is(
    library: Library, photos: Path
) -> None:
    library.ingest(photos, collection="party")
    enrol(library, "Ann", ANN)
    assert found_names(library, ANN) == ["Ann"]
    assert len(found_photos(library, ANN)) == 2
    assert found_names(library, BOB) == []
    assert [seen.person.details.name for seen in library.people()] == ["Ann"]


@pytest.mark.parametrize("early", [timedelta(0), timedelta(microseconds=1)])
def test_a_consent_ends_at_its_end_and_not_a_microsecond_later(
    library: Library, photos: Path, clock: Clock, early: timedelta
) -> None:
    library.ingest(photos, collection="party")
    ends_at = START + timedelta(days=10)
    enrol(library, "Ann", ANN, expires_at=ends_at)
    assert found_names(library, ANN) == ["Ann"]
    clock.now = ends_at - early
    still = bool(early)
    assert (found_names(library, ANN) == ["Ann"]) is still
    assert bool(library.people()) is still


def test_an_expired_consent_hides_its_person_everywhere_and_a_renewal_brings_all_photos_back(
    library: Library, photos: Path, tmp_path: Path, clock: Clock
) -> None:
    library.ingest(photos, collection="party")
    ann = enrol(library, "Ann", ANN, expires_at=START + timedelta(days=10))
    clock.advance(days=11)
    # This photo arrives while nobody may compare it with her.
    save(tmp_path / "more" / "late.png", Drawn(person=ANN), salt=9)
    library.ingest(tmp_path / "more", collection="party")
    assert found_names(library, ANN) == []
    assert library.people() == []
    assert library.proposals() == []
    with pytest.raises(NotFound):
        library.show(ann)
    library.renew(ann, expires_at=clock() + timedelta(days=10), statement="said yes again")
    assert len(found_photos(library, ANN)) == 3


def test_a_child_is_found_until_the_eighteenth_birthday_begins(
    library: Library, photos: Path, clock: Clock
) -> None:
    library.ingest(photos, collection="party")
    birthday = datetime(2026, 6, 15, tzinfo=UTC)
    child = enrol(
        library,
        "Ann",
        ANN,
        basis="guardian_consent",
        is_adult=False,
        birth_date=date(2008, 6, 15),
        guardian=Guardian(name="Mum", relation="mother"),
        expires_at=birthday + timedelta(days=400),
    )
    clock.now = birthday - timedelta(microseconds=1)
    assert found_names(library, ANN) == ["Ann"]
    clock.now = birthday
    assert found_names(library, ANN) == []
    assert library.people() == []
    with pytest.raises(ConsentRefused):
        library.renew(child, expires_at=birthday + timedelta(days=1), statement="still yes")


def test_a_consent_for_one_collection_shows_nothing_of_another(
    library: Library, photos: Path, tmp_path: Path
) -> None:
    """One photo is in both collections: it is shown with the place that the consent covers."""
    library.ingest(photos, collection="party")
    both = tmp_path / "club photos"
    both.mkdir()
    (both / "same.png").write_bytes((photos / "both.png").read_bytes())
    save(both / "club only.png", Drawn(person=ANN), salt=8)
    library.ingest(both, collection="club")
    ann = enrol(library, "Ann", ANN, collections=["party"])
    answer = library.search(draw(Drawn(person=ANN)), purpose="be_found")
    shown = {s.item for photo in answer.candidates[0].photos for s in photo.sightings}
    assert shown == {"ann.png", "both.png"}
    assert found_names(library, ANN, purpose="be_found", collection="club") == []
    assert library.people(collection="club") == []
    seen, linked = library.show(ann)
    assert {s.item for photo in linked for s in photo.sightings} == shown
    assert seen.photos == 2


@pytest.mark.parametrize("how", ["the source is removed", "the file goes", "another file comes"])
def test_a_photo_that_stays_in_a_collection_not_covered_keeps_no_link(
    library: Library, tmp_path: Path, how: str
) -> None:
    party, club = tmp_path / "party", tmp_path / "club"
    save(party / "x.png", Drawn(person=ANN), salt=1)
    save(party / "other.png", Drawn(person=90), salt=2)
    shutil.copytree(party, club)
    library.ingest(party, collection="party")
    library.ingest(club, collection="club")
    enrol(library, "Ann", ANN, collections=["party"])
    assert len(rows(library, "SELECT * FROM links")) == 1
    if how == "the source is removed":
        [source] = [s for s in library.sources() if s.address == str(party.resolve())]
        library.remove(source.source_id)
    else:
        (party / "x.png").unlink()
        if how == "another file comes":
            save(party / "x.png", Drawn(person=91), salt=3)
        library.ingest(party, collection="party")
    assert rows(library, "SELECT * FROM links") == []
    assert found_photos(library, ANN) == set()
    assert rows(library, "SELECT count(*) FROM photos JOIN sightings USING (photo_id)") != [(0,)]


def test_another_account_finds_only_whom_its_own_name_was_said_yes_to(
    library: Library, photos: Path
) -> None:
    library.create_account("helper")
    library.set_audience("party", add=["helper"])
    helper = acting_as(library, "helper")
    library.ingest(photos, collection="party")
    enrol(library, "Ann", ANN, audience=frozenset({"owner"}))
    enrol(library, "Bob", BOB, audience=frozenset({"helper"}))
    assert (found_names(library, ANN), found_names(helper, ANN)) == (["Ann"], [])
    assert (found_names(library, BOB), found_names(helper, BOB)) == ([], ["Bob"])
    assert [seen.person.details.name for seen in helper.people()] == ["Bob"]
    assert [seen.person.details.name for seen in library.people()] == ["Ann"]


def test_an_account_taken_out_of_the_audience_finds_nobody_there_and_is_told_of_nobody(
    library: Library, photos: Path, tmp_path: Path
) -> None:
    library.create_account("helper")
    for name in ("party", "club"):
        library.set_audience(name, add=["helper"])
    helper = acting_as(library, "helper")
    library.ingest(photos, collection="party")
    save(tmp_path / "at the club" / "x.png", Drawn(person=ANN), salt=77)
    library.ingest(tmp_path / "at the club", collection="club")
    enrol(library, "Ann", ANN, collections=["party", "club"])
    assert len(found_photos(helper, ANN)) == 3
    library.set_audience("party", drop=["helper"])
    assert len(found_photos(helper, ANN)) == 1
    assert helper.people()[0].photos == 1, "counted in the collections of this account alone"
    with pytest.raises(AudienceRefused):
        found_names(helper, ANN, purpose="be_found", collection="party")
    library.set_audience("club", drop=["helper"])
    with pytest.raises(AudienceRefused):
        found_names(helper, ANN)
    assert helper.people() == []
    # Enrolling looks for somebody alike, and must not say more than a search would.
    enrol(helper, "Twin", ANN, audience=frozenset({"owner"}))


def test_somebody_added_to_the_audience_later_does_not_find_who_consented_before(
    library: Library, photos: Path
) -> None:
    library.create_account("helper")
    library.ingest(photos, collection="party")
    enrol(library, "Ann", ANN)
    library.set_audience("party", add=["helper"])
    assert found_names(acting_as(library, "helper"), ANN) == []


def test_find_me_is_visible_to_the_person_alone(library: Library, photos: Path) -> None:
    ann = enrol(library, "Ann", ANN, "find_me")
    taken = library.ingest(photos, collection="party")
    assert len(found_photos(library, ANN, as_person=ann)) == 2
    assert found_names(library, ANN) == []
    assert library.people() == []
    with pytest.raises(NotFound):
        library.show(ann)
    with pytest.raises(NotFound):
        library.resolve_person("Ann")
    [(sha256, number)] = rows(
        library,
        "SELECT p.sha256, f.number FROM links l JOIN faces f ON f.face_id = l.face_id"
        " JOIN photos p ON p.photo_id = f.photo_id JOIN sightings s ON s.photo_id = p.photo_id"
        " WHERE s.item = 'ann.png'",
    )
    with pytest.raises(NotFound):
        library.unlink(sha256, face=number)
    with pytest.raises(NotFound):
        library.decide(sha256, face=number, person_id=ann, decision="different")
    assert len(found_photos(library, ANN, as_person=ann)) == 2
    # An account of what was taken in must not tell an operator that she is there either.
    assert (taken.linked, taken.proposed) == (0, 0)
    assert library.status().proposals == 0


def test_an_operator_who_enrols_for_find_me_is_not_told_how_often_they_were_found(
    library: Library, photos: Path
) -> None:
    library.ingest(photos, collection="party")
    enrolled = library.enrol("Ann", [draw(Drawn(person=ANN))], consent=said_yes("find_me"))
    assert (enrolled.rescan.linked, enrolled.rescan.proposed) == (0, 0)
    assert len(found_photos(library, ANN, as_person=enrolled.person_id)) == 2


def test_find_me_compares_with_the_persons_own_references_alone(
    library: Library, photos: Path
) -> None:
    library.ingest(photos, collection="party")
    ann = enrol(library, "Ann", ANN, "find_me")
    enrol(library, "Bob", BOB, "find_me", "be_found")
    assert found_names(library, BOB, as_person=ann) == []
    assert found_names(library, ANN, as_person="p_nobodyatall") == []


def test_publish_alone_makes_no_link_and_lets_nobody_be_found(
    library: Library, photos: Path, engine: RecordingEngine
) -> None:
    ann = enrol(library, "Ann", ANN, "publish")
    engine.made.clear()
    library.ingest(photos, collection="party")
    assert engine.made == [], "there is nobody whom a photo may be compared with"
    assert rows(library, "SELECT * FROM links") == []
    assert found_names(library, ANN) == []
    assert found_names(library, ANN, as_person=ann) == []
    assert library.people() == []


@pytest.mark.parametrize("look", [NEAR, DOUBTFUL_ALONE])
def test_narrowing_to_publish_alone_takes_links_and_proposals_away(
    library: Library, tmp_path: Path, look: int
) -> None:
    save(tmp_path / "photos" / "x.png", Drawn(person=ANN, look=look), salt=1)
    library.ingest(tmp_path / "photos", collection="party")
    ann = enrol(library, "Ann", ANN, "be_found", "publish")
    assert rows(library, "SELECT face_id FROM links UNION ALL SELECT face_id FROM proposals")
    library.narrow(ann, drop_purposes=["be_found"])
    assert found_names(library, ANN) == []
    assert library.proposals() == []
    assert rows(library, "SELECT face_id FROM links UNION ALL SELECT face_id FROM proposals") == []


def test_narrowing_takes_effect_before_it_returns(
    library: Library, photos: Path, tmp_path: Path
) -> None:
    library.create_account("helper")
    library.set_audience("party", add=["helper"])
    library.ingest(photos, collection="party")
    save(tmp_path / "at the club" / "x.png", Drawn(person=ANN), salt=77)
    library.ingest(tmp_path / "at the club", collection="club")
    helper = acting_as(library, "helper")
    ann = enrol(library, "Ann", ANN, "find_me", "be_found", collections=["party", "club"])
    assert found_names(helper, ANN) == ["Ann"]
    library.narrow(ann, drop_accounts=["helper"])
    assert found_names(helper, ANN) == []
    library.narrow(ann, drop_collections=["party"])
    assert len(found_photos(library, ANN)) == 1
    library.narrow(ann, drop_purposes=["be_found"])
    assert found_names(library, ANN) == []
    assert len(found_photos(library, ANN, as_person=ann)) == 1


def test_review_lists_only_people_whom_this_account_may_find(
    library: Library, tmp_path: Path
) -> None:
    library.create_account("helper")
    library.set_audience("party", add=["helper"])
    save(tmp_path / "photos" / "x.png", Drawn(person=ANN, look=DOUBTFUL_ALONE), salt=1)
    library.ingest(tmp_path / "photos", collection="party")
    ann = enrol(library, "Ann", ANN, audience=frozenset({"owner"}))
    helper = acting_as(library, "helper")
    [proposal] = library.proposals()
    assert proposal.person.details.name == "Ann"
    assert helper.proposals() == []
    assert helper.proposals(person_id=ann) == []
    with pytest.raises(NotFound):
        helper.decide(proposal.photo.sha256, face=1, person_id=ann, decision="same")
    assert [open_.face for open_ in library.proposals()] == [proposal.face]
    library.decide(proposal.photo.sha256, face=1, person_id=ann, decision="same")
    assert len(found_photos(library, ANN)) == 1


def test_enrolling_a_twin_names_only_people_whom_this_account_may_find(library: Library) -> None:
    ann = enrol(library, "Ann", ANN, "find_me")
    assert enrol(library, "Unseen twin", ANN, "find_me") != ann
    seen = enrol(library, "Seen", BOB)
    with pytest.raises(AlreadyEnrolled) as caught:
        enrol(library, "Twin", BOB)
    assert caught.value.person_id == seen
    # Another collection is another world.
    enrol(library, "Elsewhere", BOB, collections=["club"])


def test_nobody_reads_the_same_and_takes_the_same_steps_whoever_it_is(
    library: Library, photos: Path
) -> None:
    """In the library without a consent, with another purpose, expired, or never seen at all."""
    library.ingest(photos, collection="party")
    enrol(library, "Carl", 30)
    enrol(library, "Ann", ANN, "find_me")
    steps: list[list[str]] = []

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        steps[-1].append(statement)

    engine = library.house.store._engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        answers = []
        for person in (ANN, BOB, 4000):
            steps.append([])
            answers.append(library.search(draw(Drawn(person=person)), purpose="be_found"))
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert [repr(answer) for answer in answers] == [repr(answers[0])] * 3
    assert answers[0].candidates == ()
    assert len(steps[0]) > 5
    assert steps[0] == steps[1] == steps[2]
    sizes = rows(
        library,
        "SELECT length(leaf), length(sealed) FROM audit JOIN audit_details USING (leaf_index)"
        " ORDER BY leaf_index DESC LIMIT 6",
    )
    assert sizes[0:2] == sizes[2:4] == sizes[4:6]


def _withdrawn(library: Library, person_id: str) -> None:
    library.withdraw(person_id)


def _narrowed_to_find_me(library: Library, person_id: str) -> None:
    library.narrow(person_id, drop_purposes=["be_found"])


def _narrowed_to_another_account(library: Library, person_id: str) -> None:
    library.narrow(person_id, drop_accounts=["owner"])


def _narrowed_to_another_collection(library: Library, person_id: str) -> None:
    library.narrow(person_id, drop_collections=["party"])


def _expired(library: Library, _person_id: str) -> None:
    library.house.clock.advance(days=731)  # type: ignore[attr-defined]


def _out_of_the_audience(library: Library, _person_id: str) -> None:
    library.set_audience("party", drop=["owner"])


CHANGES = [
    _withdrawn,
    _narrowed_to_find_me,
    _narrowed_to_another_account,
    _narrowed_to_another_collection,
    _expired,
    _out_of_the_audience,
]


@pytest.fixture
def widely(library: Library, photos: Path) -> str:
    """Ann, who may be found in both collections by both accounts, and herself finds herself."""
    library.create_account("helper")
    for name in ("party", "club"):
        library.set_audience(name, add=["helper"])
    library.ingest(photos, collection="party")
    return enrol(library, "Ann", ANN, "be_found", "find_me", collections=["party", "club"])


def _once_compared(library: Library, act: Callable[[], None]) -> None:
    """Let something happen when the gallery has answered and nothing is written yet."""
    gallery = library.house.eligibility.gallery
    search = gallery.search

    def then(*given: Any, **named: Any) -> Any:
        found = search(*given, **named)
        gallery.search = search  # type: ignore[method-assign]
        act()
        return found

    gallery.search = then  # type: ignore[method-assign]


@pytest.mark.parametrize("change", CHANGES)
def test_a_search_in_flight_does_not_return_who_may_not_be_found_any_more(
    library: Library, place: Place, widely: str, change: Callable[[Library, str], None]
) -> None:
    """The gallery has proposed her already: the store still has the last word."""
    with place.open() as other:
        _once_compared(library, lambda: change(other, widely))
        assert found_names(library, ANN, purpose="be_found", collection="party") == []


@pytest.mark.parametrize(
    "change", [_withdrawn, _narrowed_to_another_collection, _expired], ids=lambda c: c.__name__
)
def test_a_photo_in_flight_is_not_linked_with_who_may_not_be_compared_any_more(
    library: Library,
    place: Place,
    widely: str,
    tmp_path: Path,
    change: Callable[[Library, str], None],
) -> None:
    save(tmp_path / "late" / "x.png", Drawn(person=ANN), salt=60)
    query = (
        "SELECT count(*) FROM links JOIN sightings USING (photo_id) WHERE item = 'x.png'"
        " AND decision = 'same'"
    )
    with place.open() as other:
        _once_compared(library, lambda: change(other, widely))
        library.ingest(tmp_path / "late", collection="party")
    assert rows(library, query) == [(0,)]


def test_not_this_person_stands_through_every_rescan(
    library: Library, photos: Path, tmp_path: Path
) -> None:
    library.ingest(photos, collection="party")
    ann = enrol(library, "Ann", ANN, "be_found", "find_me")
    linked = library.show(ann)[1]
    assert len(linked) == 2
    wrong = linked[0]
    assert wrong.decided_by == "threshold", "a strong link, too"
    assert library.unlink(wrong.photo.sha256, face=wrong.face.number) == ann
    for turn in range(2):
        assert found_photos(library, ANN) == {linked[1].photo.sha256}
        assert found_photos(library, ANN, as_person=ann) == {linked[1].photo.sha256}
        assert library.people()[0].photos == 1
        # Compared anew: another enrols, and the photos come into another collection.
        enrol(library, f"Another {turn}", 300 + turn)
        library.ingest(photos, collection="club")
        library.rescan()
    with pytest.raises(NotFound):
        library.unlink(wrong.photo.sha256, face=wrong.face.number)


def test_a_face_that_is_not_one_twins_may_be_the_others(library: Library, tmp_path: Path) -> None:
    save(tmp_path / "photos" / "x.png", Drawn(person=ANN), salt=1)
    library.ingest(tmp_path / "photos", collection="party")
    ann = enrol(library, "Ann", ANN)
    assert len(library.show(ann)[1]) == 1
    photos = [draw(Drawn(person=ANN), salt=salt) for salt in (1, 2)]
    twin = library.enrol("Twin", photos, consent=said_yes(), different_person=True).person_id
    # Now it is either's: nobody is linked until somebody says who it is not.
    [open_] = library.proposals()
    assert library.show(ann)[1] == library.show(twin)[1] == []
    other = {ann: twin, twin: ann}[open_.person.person_id]
    library.decide(
        open_.photo.sha256, face=1, person_id=open_.person.person_id, decision="different"
    )
    assert len(library.show(other)[1]) == 1
    assert library.show(open_.person.person_id)[1] == []
