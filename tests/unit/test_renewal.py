"""Changing a consent: a later end or less of it; more needs a new yes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from byte_scan import forms_of_text, scan
from promise_house import START, Clock, Place, enrol, found_names, found_photos, rows, said_yes
from synthetic_engine import Drawn, draw, save

from likeness.consent.notice import current_notice
from likeness.errors import ConsentRefused, LikenessError, NotFound, UsageError
from likeness.library import Library
from likeness.records.person import Guardian

ANN = 1
DAY = timedelta(days=1)


@pytest.fixture
def ann(library: Library) -> str:
    """Ann: find me and be found, at the party and in the club, for ten days."""
    library.create_account("helper")
    library.set_audience("party", add=["helper"])
    return enrol(
        library,
        "Ann",
        ANN,
        "find_me",
        "be_found",
        collections=["party", "club"],
        expires_at=START + 10 * DAY,
    )


def test_a_renewal_is_a_new_record_and_the_old_one_stays_as_it_was(
    library: Library, ann: str, clock: Clock
) -> None:
    [old] = library.consents(ann)
    clock.advance(days=5)
    new = library.renew(ann, expires_at=START + 100 * DAY, statement="  said yes again ")
    before, after = library.consents(ann)
    assert (before.state, after.state) == ("superseded", "given")
    assert before.consent_id == old.consent_id and before.ends_at == old.ends_at
    assert after == new and after.consent_id != old.consent_id
    assert (after.given_at, after.ends_at) == (START + 5 * DAY, START + 100 * DAY)
    assert (after.purposes, after.collections) == (old.purposes, old.collections)
    assert after.audience == old.audience
    assert after.evidence.statement == "said yes again"
    assert after.notice_sha256 == current_notice().sha256


def test_what_an_operator_attests_anew_needs_a_new_statement(library: Library, ann: str) -> None:
    with pytest.raises(ConsentRefused, match="statement or a document"):
        library.renew(ann, expires_at=START + 100 * DAY)
    assert [c.state for c in library.consents(ann)] == ["given"]


def test_what_the_person_gave_themself_is_attested_by_whoever_renews_it(
    library: Library, clock: Clock
) -> None:
    ann = enrol(library, "Ann", ANN, how_given="self", statement="")
    with pytest.raises(ConsentRefused, match="statement or a document"):
        library.renew(ann, expires_at=START + 100 * DAY)
    clock.advance(days=1)
    renewed = library.renew(ann, expires_at=START + 100 * DAY, statement="she rang us")
    assert renewed.how_given == "attested"
    assert renewed.evidence.attested_by == library.house.account.account_id
    assert [c.how_given for c in library.consents(ann)] == ["self", "attested"]


def test_a_renewal_may_shorten_too_and_the_new_end_holds(
    library: Library, ann: str, clock: Clock
) -> None:
    library.renew(ann, expires_at=START + DAY, statement="until tomorrow")
    assert found_names(library, ANN) == ["Ann"]
    clock.advance(days=1)
    assert found_names(library, ANN) == []


@pytest.mark.parametrize(
    ("expires_at", "error"),
    [
        (datetime(2027, 1, 1), UsageError),
        (START, ConsentRefused),
        (START - DAY, ConsentRefused),
    ],
)
def test_an_end_without_a_zone_or_in_the_past_is_refused_and_nothing_changes(
    library: Library, ann: str, expires_at: datetime, error: type[LikenessError]
) -> None:
    before = library.consents(ann)
    with pytest.raises(error):
        library.renew(ann, expires_at=expires_at, statement="yes")
    assert library.consents(ann) == before


def test_a_guardians_consent_is_not_renewed_beyond_the_18th_birthday(library: Library) -> None:
    child = enrol(
        library,
        "Ann",
        ANN,
        basis="guardian_consent",
        is_adult=False,
        birth_date=date(2008, 12, 24),
        guardian=Guardian(name="Mum"),
        expires_at=START + DAY,
    )
    renewed = library.renew(child, expires_at=START + 3000 * DAY, statement="yes")
    assert renewed.ends_at == datetime(2026, 12, 24, tzinfo=UTC)


def test_photos_that_came_while_a_consent_had_lapsed_are_compared_at_its_renewal(
    library: Library, ann: str, clock: Clock, tmp_path: Path
) -> None:
    clock.advance(days=11)
    save(tmp_path / "photos" / "x.png", Drawn(person=ANN), salt=1)
    library.ingest(tmp_path / "photos", collection="party")
    assert found_photos(library, ANN) == set()
    library.renew(ann, expires_at=clock() + DAY, statement="yes")
    assert len(found_photos(library, ANN)) == 1


def test_a_renewal_in_time_compares_nothing_again(library: Library, ann: str) -> None:
    since = rows(library, "SELECT comparable_since FROM people")
    library.renew(ann, expires_at=START + 100 * DAY, statement="yes")
    assert rows(library, "SELECT comparable_since FROM people") == since


def test_narrowing_leaves_the_rest_and_the_end_as_they_were(
    library: Library, ann: str, clock: Clock
) -> None:
    [old] = library.consents(ann)
    clock.advance(days=1)
    party = next(c.collection_id for c in library.collections() if c.name == "party")
    new = library.narrow(ann, drop_purposes=["find_me"], drop_collections=["party"])
    assert new.purposes == {"be_found"}
    assert new.collections == old.collections - {party}
    assert (new.audience, new.ends_at) == (old.audience, old.ends_at)
    assert new.evidence == old.evidence
    assert [c.state for c in library.consents(ann)] == ["superseded", "given"]


@pytest.mark.parametrize(
    ("drop", "error", "word"),
    [
        ({}, UsageError, "does not name"),
        ({"drop_purposes": ["publish"]}, UsageError, "does not name"),
        ({"drop_purposes": ["whatever"]}, UsageError, "does not name"),
        ({"drop_purposes": ["find_me", "be_found"]}, ConsentRefused, "Nothing would be left"),
        ({"drop_collections": ["party", "club"]}, ConsentRefused, "Nothing would be left"),
        ({"drop_accounts": ["owner", "helper"]}, ConsentRefused, "found by nobody"),
        ({"drop_accounts": ["nobody"]}, NotFound, "nobody"),
        ({"drop_collections": ["nowhere"]}, NotFound, "nowhere"),
    ],
)
def test_a_narrowing_that_changes_nothing_or_leaves_nothing_is_refused(
    library: Library, ann: str, drop: dict[str, list[str]], error: type[LikenessError], word: str
) -> None:
    before = library.consents(ann)
    with pytest.raises(error, match=word) as caught:
        library.narrow(ann, **drop)  # type: ignore[arg-type]
    assert caught.value.fix
    assert library.consents(ann) == before
    assert found_names(library, ANN) == ["Ann"]


def test_links_in_a_collection_that_was_dropped_go_also_those_decided_by_hand(
    library: Library, ann: str, tmp_path: Path
) -> None:
    save(tmp_path / "party" / "x.png", Drawn(person=ANN), salt=1)
    save(tmp_path / "club" / "y.png", Drawn(person=ANN), salt=2)
    for name in ("party", "club"):
        library.ingest(tmp_path / name, collection=name)
    for (sha256,) in rows(library, "SELECT sha256 FROM photos"):
        library.decide(sha256, face=1, person_id=ann, decision="same")
    assert len(found_photos(library, ANN)) == 2
    library.narrow(ann, drop_collections=["party"])
    left = rows(library, "SELECT item FROM links JOIN sightings USING (photo_id)")
    assert left == [("y.png",)]


def test_somebody_alike_has_their_turn_in_photos_that_a_narrowing_gave_up(
    library: Library, tmp_path: Path
) -> None:
    ann = enrol(library, "Ann", ANN, collections=["party", "club"])
    save(tmp_path / "photos" / "x.png", Drawn(person=ANN), salt=1)
    library.ingest(tmp_path / "photos", collection="party")
    twin = library.enrol(
        "Anna", [draw(Drawn(person=ANN))], consent=said_yes(), different_person=True
    ).person_id
    assert rows(library, "SELECT person_id FROM links") == []
    library.narrow(ann, drop_collections=["party"])
    library.rescan()
    either = "SELECT person_id FROM links UNION ALL SELECT person_id FROM proposals"
    assert rows(library, either) == [(twin,)], "linked, or still waiting for a human"


def test_every_change_is_in_the_log(library: Library, ann: str) -> None:
    before = rows(library, "SELECT count(*) FROM audit")[0][0]
    library.renew(ann, expires_at=START + 100 * DAY, statement="yes")
    library.narrow(ann, drop_purposes=["find_me"])
    kinds = rows(library, "SELECT leaf FROM audit ORDER BY leaf_index DESC LIMIT 2")
    assert rows(library, "SELECT count(*) FROM audit")[0][0] == before + 2
    assert [leaf.decode().splitlines()[1] for (leaf,) in kinds] == ["consent", "consent"]


@pytest.mark.parametrize("person", ["p_nobody", "", "Ann"])
def test_nobody_by_that_id_is_said_so(library: Library, ann: str, person: str) -> None:
    for act in (
        lambda: library.consents(person),
        lambda: library.renew(person, expires_at=START + DAY, statement="yes"),
        lambda: library.narrow(person, drop_purposes=["find_me"]),
    ):
        with pytest.raises(NotFound):
            act()


def test_who_withdrew_has_nothing_to_renew(library: Library, ann: str) -> None:
    library.withdraw(ann)
    with pytest.raises(NotFound):
        library.renew(ann, expires_at=START + DAY, statement="yes")


def test_the_new_statement_stands_in_no_file_in_clear(
    library: Library, place: Place, ann: str
) -> None:
    library.renew(ann, expires_at=START + 100 * DAY, statement="Zebulon asked her on the phone")
    assert scan(place.files(), forms_of_text("Zebulon asked her on the phone")) == set()
