"""Enrolling: the consent as it was given, one person's photos, and nothing left where refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from promise_house import START, Clock, Place, enrol, found_names, found_photos, rows, said_yes
from synthetic_engine import NEAR, Drawn, RecordingEngine, draw, save

from likeness import enrol as enrol_module
from likeness.consent.notice import current_notice
from likeness.errors import (
    AlreadyEnrolled,
    ConsentRefused,
    FaceUnusable,
    LikenessError,
    NotFound,
    PhotoUnreadable,
    RateLimited,
    StorageError,
    UsageError,
)
from likeness.faces.packs import load_manifest
from likeness.library import Library
from likeness.records.person import Estate, Guardian
from likeness.store import audit_log, people

ANN, BOB = 1, 2
DAY = timedelta(days=1)
MUM = Guardian(name="Mum", relation="mother")


def photos_of(person: int, count: int = 2) -> list[Any]:
    return [draw(Drawn(person=person), salt=salt) for salt in range(count)]


def kinds(library: Library) -> list[str]:
    leaves = rows(library, "SELECT leaf FROM audit ORDER BY leaf_index")
    return [leaf.decode().splitlines()[1] for (leaf,) in leaves]


def unmeasured_pack(folder: Path) -> str:
    """The manifest of a pack for which nothing was measured, and no figure is given."""
    text = (load_manifest("dlib").folder / "dlib.toml").read_text(encoding="utf-8")
    path = folder / "unmeasured.toml"
    text = text.partition("[[thresholds]]")[0].replace('name = "dlib"', 'name = "unmeasured"')
    path.write_text(text, encoding="utf-8")
    return str(path)


def left(library: Library) -> dict[str, Any]:
    """Everything by which one could tell that somebody enrolled."""
    tables = ("people", "consents", '"references"', "links", "proposals", "audit")
    counts = {table: rows(library, f"SELECT count(*) FROM {table}")[0][0] for table in tables}
    subjects = rows(library, "SELECT DISTINCT subject_id FROM audit_details")
    keyring = library.house.keyring
    return {
        **counts,
        "subjects": sorted(subjects),
        "tombstones": keyring.tombstone_head(),
        "change": rows(library, "SELECT gallery_change FROM library"),
    }


def keys_held(place: Place) -> int:
    from pysqlite3 import dbapi2

    connection = dbapi2.connect(place.keys / "keyring.sqlite3")
    try:
        count: int = connection.execute("SELECT count(*) FROM subject_keys").fetchone()[0]
        return count
    finally:
        connection.close()


def limited(library: Library, searches_a_minute: int) -> Library:
    house = library.house
    settings = replace(house.settings, searches_a_minute=searches_a_minute)
    return Library(replace(house, settings=settings))


def test_what_was_said_yes_to_is_recorded_as_it_was_said(library: Library) -> None:
    owner = library.house.account.account_id
    named = {c.name: c.collection_id for c in library.collections()}
    given = said_yes(
        "be_found",
        "find_me",
        collections=["party", "club"],
        statement="  said yes at the door ",
        document_sha256="ab" * 32,
        expires_at=START + 90 * DAY,
    )
    enrolled = library.enrol("  Ann  ", photos_of(ANN, 3), consent=given)
    assert enrolled.references == 3
    [record] = library.consents(enrolled.person_id)
    assert record == enrolled.consent
    assert record.person_id == enrolled.person_id
    assert record.purposes == {"be_found", "find_me"}
    assert record.collections == frozenset(named.values())
    assert record.controller == "Tennis club", "named once"
    assert (record.basis, record.how_given, record.state) == ("consent", "attested", "given")
    assert record.evidence.statement == "said yes at the door"
    assert record.evidence.document_sha256 == "ab" * 32
    assert record.evidence.attested_by == owner
    assert record.audience == {owner}
    notice = current_notice()
    assert (record.notice_version, record.notice_sha256) == (notice.version, notice.sha256)
    assert (record.given_at, record.ends_at) == (START, START + 90 * DAY)
    assert library.people()[0].person.details.name == "Ann"


def test_a_consent_ends_after_two_years_where_nothing_is_said(library: Library) -> None:
    enrolled = library.enrol("Ann", photos_of(ANN), consent=said_yes())
    assert enrolled.consent.ends_at == START + timedelta(days=730)


def test_who_said_yes_themself_has_no_operator_to_attest_it(library: Library) -> None:
    given = said_yes(how_given="self", statement="")
    assert library.enrol("Ann", photos_of(ANN), consent=given).consent.evidence.attested_by == ""


def test_the_audience_is_who_may_search_today_or_fewer_and_never_more(library: Library) -> None:
    accounts = {a: library.create_account(a).account_id for a in ("helper", "guest")}
    library.set_audience("party", add=["helper"])
    owner = library.house.account.account_id

    def audience(person: int, *purposes: Any, **more: Any) -> frozenset[str]:
        consent = said_yes(*purposes, **more)
        return library.enrol("x", photos_of(person), consent=consent).consent.audience

    assert audience(11) == {owner, accounts["helper"]}
    assert audience(12, audience=frozenset({"helper"})) == {accounts["helper"]}
    assert audience(13, "find_me", audience=frozenset({"helper"})) == frozenset()
    with pytest.raises(ConsentRefused, match="not in the audience"):
        audience(14, audience=frozenset({"owner", "guest"}))
    with pytest.raises(NotFound):
        audience(15, audience=frozenset({"nobody"}))
    with pytest.raises(ConsentRefused, match="found by nobody"):
        audience(16, audience=frozenset())


@pytest.mark.parametrize(
    ("wrong", "error", "word"),
    [
        ({"purposes": frozenset({"be_found", "be_sold"})}, UsageError, "be_sold"),
        ({"basis": "habit"}, UsageError, "habit"),
        ({"how_given": "assumed"}, UsageError, "assumed"),
        ({"expires_at": datetime(2027, 1, 1)}, UsageError, "time zone"),
        ({"expires_at": START}, ConsentRefused, "end before it begins"),
        ({"collections": frozenset({"nowhere"})}, NotFound, "nowhere"),
        ({"collections": frozenset()}, ConsentRefused, "no collection"),
        ({"purposes": frozenset()}, ConsentRefused, "no purpose"),
        ({"language": "xx"}, NotFound, "xx"),
        ({"statement": " "}, ConsentRefused, "statement or a document"),
        ({"is_adult": False}, ConsentRefused, "18 or over"),
        ({"is_adult": False, "birth_date": date(2015, 1, 1)}, ConsentRefused, "under 18"),
        ({"basis": "guardian_consent"}, ConsentRefused, "under 18"),
        ({"basis": "guardian_consent", "guardian": MUM}, ConsentRefused, "under 18"),
        ({"basis": "estate"}, ConsentRefused, "representative"),
    ],
)
def test_a_consent_that_does_not_stand_is_refused_before_a_photo_is_opened(
    library: Library,
    place: Place,
    tmp_path: Path,
    wrong: dict[str, Any],
    error: type[LikenessError],
    word: str,
) -> None:
    before, keys = left(library), keys_held(place)
    with pytest.raises(error, match=word) as caught:
        library.enrol("Ann", [tmp_path / "not there.jpg"], consent=said_yes(**wrong))
    assert caught.value.fix
    assert (left(library), keys_held(place)) == (before, keys)


@pytest.mark.parametrize("name", ["", "   ", "\t\n"])
def test_a_person_needs_a_name(library: Library, name: str) -> None:
    with pytest.raises(ConsentRefused, match="no name"):
        library.enrol(name, photos_of(ANN), consent=said_yes())


@pytest.mark.parametrize("where", ["name", "statement", "guardian", "relation", "representative"])
def test_words_that_are_not_text_are_refused_before_anything_is_kept(
    library: Library, place: Place, where: str
) -> None:
    """As a terminal with another encoding hands them over."""
    broken = "Ann \udce9"
    before, keys = left(library), keys_held(place)
    words: dict[str, Any] = {
        "name": {},
        "statement": {"statement": broken},
        "guardian": {"guardian": Guardian(name=broken)},
        "relation": {"guardian": Guardian(name="Mum", relation=broken)},
        "representative": {
            "basis": "estate",
            "estate": Estate(representative=broken, died_on=date(2020, 1, 1)),
        },
    }[where]
    with pytest.raises(ConsentRefused, match="not valid text"):
        library.enrol(
            broken if where == "name" else "Ann", photos_of(ANN), consent=said_yes(**words)
        )
    assert (left(library), keys_held(place)) == (before, keys)


def test_a_child_is_enrolled_by_a_guardian_until_the_18th_birthday(library: Library) -> None:
    given = said_yes(
        basis="guardian_consent",
        is_adult=False,
        birth_date=date(2008, 12, 24),
        guardian=MUM,
        expires_at=START + 5000 * DAY,
    )
    enrolled = library.enrol("Ann", photos_of(ANN), consent=given)
    assert enrolled.consent.ends_at == datetime(2026, 12, 24, tzinfo=UTC)
    [kept] = library.consents(enrolled.person_id)
    assert kept.ends_at == enrolled.consent.ends_at
    assert library.people()[0].person.details.guardian == MUM


@pytest.mark.parametrize(
    ("photos", "error"),
    [
        ([], UsageError),
        ([draw()], FaceUnusable),
        ([draw(Drawn(person=ANN), Drawn(person=BOB))], FaceUnusable),
        ([draw(Drawn(person=ANN)), draw(Drawn(person=BOB))], FaceUnusable),
        ([draw(Drawn(person=ANN)), b"no photo"], PhotoUnreadable),
    ],
    ids=["none", "no face", "several faces", "two people", "no photo"],
)
def test_photos_that_do_not_show_one_person_leave_nothing_at_all(
    library: Library, place: Place, photos: list[Any], error: type[LikenessError]
) -> None:
    before, keys = left(library), keys_held(place)
    with pytest.raises(error):
        library.enrol("Ann", photos, consent=said_yes())
    assert (left(library), keys_held(place)) == (before, keys)


def test_who_looks_like_somebody_enrolled_leaves_a_tombstone_and_the_audit_of_having_looked(
    library: Library, place: Place
) -> None:
    ann = enrol(library, "Ann", ANN)
    before, keys = left(library), keys_held(place)
    with pytest.raises(AlreadyEnrolled, match="--different-person") as caught:
        library.enrol("Anna", photos_of(ANN), consent=said_yes())
    assert caught.value.person_id == ann
    after = left(library)
    for unchanged in ("people", "consents", '"references"', "links", "proposals", "subjects"):
        assert after[unchanged] == before[unchanged], unchanged
    assert after["tombstones"][0] == before["tombstones"][0] + 1
    assert after["audit"] == before["audit"] + 1
    assert kinds(library)[-1] == "look"
    assert keys_held(place) == keys + 1


def test_being_looked_for_at_an_enrolment_is_in_the_persons_own_record(library: Library) -> None:
    ann = enrol(library, "Ann", ANN)
    with pytest.raises(AlreadyEnrolled):
        enrol(library, "Anna", ANN)
    with library.house.store.snapshot() as connection:
        key = library.house.keyring.key(ann)
        details = audit_log.details_of(connection, ann, key=key)
    assert details[-1]["details"]["purpose"] == "enrolment"
    assert details[-1]["details"]["found_by"] == library.house.account.account_id


def test_a_different_person_goes_on_and_the_two_are_kept_apart(
    library: Library, tmp_path: Path
) -> None:
    ann = enrol(library, "Ann", ANN)
    photo = save(tmp_path / "photos" / "x.png", Drawn(person=ANN, look=NEAR), salt=1)
    library.ingest(photo.parent, collection="party")
    assert len(found_photos(library, ANN)) == 1
    twin = library.enrol("Anna", photos_of(ANN), consent=said_yes(), different_person=True)
    assert twin.person_id != ann
    assert sorted(found_names(library, ANN)) == ["Ann", "Anna"]
    # Whose face it is cannot be told any more: it is proposed, and nobody's without a review.
    assert rows(library, "SELECT count(*) FROM links WHERE decision = 'same'") == [(0,)]
    assert len(library.proposals()) == 1


def test_looking_for_somebody_alike_stays_within_the_collections_of_the_consent(
    library: Library,
) -> None:
    enrol(library, "Ann", ANN, collections=["club"])
    assert enrol(library, "Anna", ANN, collections=["party"])
    with pytest.raises(AlreadyEnrolled):
        enrol(library, "Annie", ANN, collections=["party", "club"])


def test_who_withdrew_or_whose_consent_ended_is_not_found_alike(
    library: Library, clock: Clock
) -> None:
    library.withdraw(enrol(library, "Ann", ANN))
    ann = enrol(library, "Ann", ANN, expires_at=START + DAY)
    clock.advance(days=2)
    assert enrol(library, "Ann", ANN) != ann


def test_enrolling_counts_as_a_search_and_is_limited_like_one(
    library: Library, place: Place, clock: Clock
) -> None:
    slow = limited(library, 2)
    enrol(slow, "Ann", ANN)
    slow.search(draw(Drawn(person=ANN)), purpose="be_found")
    before, keys = left(library), keys_held(place)
    with pytest.raises(RateLimited, match="2 times") as caught:
        enrol(slow, "Bob", BOB)
    assert "next minute" in caught.value.fix
    assert (left(library), keys_held(place)) == (before, keys)
    with pytest.raises(RateLimited):
        slow.search(draw(Drawn(person=ANN)), purpose="be_found")
    clock.advance(seconds=59)
    with pytest.raises(RateLimited):
        enrol(slow, "Bob", BOB)
    clock.advance(seconds=1)
    assert enrol(slow, "Bob", BOB)


def test_photos_that_are_refused_do_not_count_as_a_search(library: Library) -> None:
    slow = limited(library, 1)
    for _ in range(3):
        with pytest.raises(FaceUnusable):
            slow.enrol("Ann", [draw()], consent=said_yes())
    assert enrol(slow, "Ann", ANN)


@pytest.mark.parametrize("where", ["insert_person", "insert_consent", "insert_references"])
def test_an_enrolment_that_fails_half_way_leaves_a_tombstone_and_nothing_else(
    library: Library, place: Place, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    before = left(library)
    write: Callable[..., None] = getattr(people, where)

    def full(*given: Any, **named: Any) -> None:
        write(*given, **named)
        raise StorageError("The disk is full.", "Free some space.")

    with monkeypatch.context() as patched:
        patched.setattr(enrol_module.people, where, full)
        with pytest.raises(StorageError, match="disk is full"):
            enrol(library, "Ann", ANN)
    after = left(library)
    assert after.pop("tombstones")[0] == before.pop("tombstones")[0] + 1
    assert after == before
    assert found_names(library, ANN) == []
    assert enrol(library, "Ann", ANN), "and it can be tried again"


def test_the_key_is_on_disk_before_anything_is_written_under_it(
    library: Library, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = people.insert_person
    before, seen = keys_held(place), []

    def watched(*given: Any, **named: Any) -> None:
        seen.append(keys_held(place))
        insert(*given, **named)

    monkeypatch.setattr(enrol_module.people, "insert_person", watched)
    enrol(library, "Ann", ANN)
    assert seen == [before + 1]


def test_photos_held_already_are_compared_before_the_call_returns(
    library: Library, tmp_path: Path, engine: RecordingEngine
) -> None:
    for number in range(3):
        save(tmp_path / "photos" / f"{number}.png", Drawn(person=ANN, shot=number), salt=number)
    library.ingest(tmp_path / "photos", collection="party")
    steps = []
    enrolled = library.enrol("Ann", photos_of(ANN), consent=said_yes(), progress=steps.append)
    assert (enrolled.rescan.photos, enrolled.rescan.linked, enrolled.rescan.proposed) == (3, 3, 0)
    assert [(step.phase, step.total) for step in steps] == [("rescan", 3)]
    assert len(found_photos(library, ANN)) == 3


def test_photos_may_be_given_as_paths_bytes_and_pixels_together(
    library: Library, tmp_path: Path
) -> None:
    path = save(tmp_path / "ann.png", Drawn(person=ANN), salt=4)
    mixed = [path, str(path), path.read_bytes(), draw(Drawn(person=ANN))]
    assert library.enrol("Ann", mixed, consent=said_yes()).references == 4


def test_several_photos_enrol_where_nothing_was_measured_for_the_pack(
    library: Library, tmp_path: Path
) -> None:
    library.use_pack(unmeasured_pack(tmp_path))
    assert library.enrol("Ann", photos_of(ANN, 3), consent=said_yes()).references == 3
