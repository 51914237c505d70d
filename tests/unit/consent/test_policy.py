"""What a consent allows, held against the rules said a second time and plainly."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.consent.policy import (
    eighteenth_birthday,
    live,
    permit,
    permit_comparison,
    require_age_fits,
    require_live,
    require_may_withdraw,
    require_recordable,
)
from likeness.errors import ConsentRefused
from likeness.records.consent import BASES, PURPOSES, WAYS_GIVEN, Consent, Evidence, Purpose
from likeness.records.person import Estate, Guardian, PersonDetails

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
MUM = Guardian(name="Mum", relation="mother")
CHILD_BORN = date(2012, 6, 1)


def consent(**other: Any) -> Consent:
    """A consent to be found by the owner at the party, given a day ago for a year."""
    fields: dict[str, Any] = {
        "consent_id": "c_1",
        "person_id": "p_ann",
        "controller": "Tennis club",
        "purposes": frozenset({"be_found"}),
        "collections": frozenset({"party"}),
        "audience": frozenset({"owner"}),
        "basis": "consent",
        "how_given": "attested",
        "evidence": Evidence(statement="said yes at the door", attested_by="owner"),
        "recorded_by": "owner",
        "notice_version": "1",
        "notice_sha256": "0" * 64,
        "notice_language": "en",
        "given_at": NOW - DAY,
        "ends_at": NOW + 365 * DAY,
        "state": "given",
    }
    return Consent(**{**fields, **other})


def adult(**other: Any) -> PersonDetails:
    return PersonDetails(**{"name": "Ann", "is_adult": True, **other})


def child(**other: Any) -> PersonDetails:
    return PersonDetails(**{"name": "Ann", "birth_date": CHILD_BORN, "guardian": MUM, **other})


def dead(**other: Any) -> PersonDetails:
    estate = Estate(representative="Bob", died_on=date(2020, 1, 1))
    return adult(**{"estate": estate, **other})


COLLECTIONS = ("party", "club")
PEOPLE = ("p_ann", "p_bob")
ACCOUNTS = ("owner", "helper")
moments = st.sampled_from([NOW + steps * timedelta(hours=6) for steps in range(-6, 7)])
consents = st.builds(
    consent,
    person_id=st.sampled_from(PEOPLE),
    purposes=st.frozensets(st.sampled_from(PURPOSES)),
    collections=st.frozensets(st.sampled_from(COLLECTIONS)),
    audience=st.frozensets(st.sampled_from(ACCOUNTS)),
    basis=st.sampled_from(BASES),
    how_given=st.sampled_from(WAYS_GIVEN),
    given_at=moments,
    ends_at=moments,
    state=st.sampled_from(["given", "superseded", "withdrawn"]),
)


def covers(one: Consent, purpose: str, collection_id: str, searcher: str, now: datetime) -> bool:
    """Every part of the rule, said again."""
    who = {
        "find_me": searcher == one.person_id,
        "be_found": searcher in one.audience,
        "publish": True,
    }
    return all(
        (
            one.state == "given",
            one.given_at <= now,
            now < one.ends_at,
            purpose in one.purposes,
            collection_id in one.collections,
            who[purpose],
        )
    )


@given(
    consents,
    st.sampled_from(PURPOSES),
    st.sampled_from([*COLLECTIONS, "elsewhere", ""]),
    st.sampled_from([*PEOPLE, *ACCOUNTS, "", "nobody"]),
    moments,
)
def test_a_use_is_permitted_exactly_where_every_part_of_it_is_covered(
    one: Consent, purpose: Purpose, collection_id: str, searcher: str, now: datetime
) -> None:
    expected = covers(one, purpose, collection_id, searcher, now)
    try:
        permission = permit(
            one, purpose=purpose, collection_id=collection_id, searcher=searcher, now=now
        )
    except ConsentRefused:
        assert not expected
        return
    assert expected
    assert (permission.consent_id, permission.person_id) == (one.consent_id, one.person_id)
    assert (permission.purpose, permission.collection_id) == (purpose, collection_id)
    assert (permission.searcher, permission.checked_at) == (searcher, now)


USE: dict[str, Any] = {
    "purpose": "be_found",
    "collection_id": "party",
    "searcher": "owner",
    "now": NOW,
}


@pytest.mark.parametrize(
    ("use", "given_instead"),
    [
        ({}, {"state": "withdrawn"}),
        ({}, {"state": "superseded"}),
        ({}, {"given_at": NOW + timedelta(microseconds=1)}),
        ({}, {"ends_at": NOW}),
        ({}, {"purposes": frozenset({"find_me", "publish"})}),
        ({}, {"purposes": frozenset()}),
        ({}, {"collections": frozenset({"club"})}),
        ({}, {"collections": frozenset()}),
        ({}, {"audience": frozenset({"helper"})}),
        ({}, {"audience": frozenset()}),
        ({"searcher": ""}, {}),
        ({"searcher": "p_ann"}, {}),
        ({"collection_id": ""}, {}),
        ({"purpose": "find_me", "searcher": "owner"}, {"purposes": frozenset({"find_me"})}),
        ({"purpose": "find_me", "searcher": ""}, {"purposes": frozenset({"find_me"})}),
        ({"purpose": "publish"}, {}),
        ({"purpose": "everything"}, {}),
    ],
)
def test_one_part_that_is_not_covered_is_enough_to_refuse(
    use: dict[str, Any], given_instead: dict[str, Any]
) -> None:
    assert permit(consent(), **USE).person_id == "p_ann"
    with pytest.raises(ConsentRefused):
        permit(consent(**given_instead), **{**USE, **use})


def test_a_consent_is_live_from_the_moment_it_is_given_until_just_before_it_ends() -> None:
    one = consent(given_at=NOW, ends_at=NOW + DAY)
    instant = timedelta(microseconds=1)
    require_live(one, now=NOW)
    require_live(one, now=NOW + DAY - instant)
    with pytest.raises(ConsentRefused, match="not begun"):
        require_live(one, now=NOW - instant)
    with pytest.raises(ConsentRefused, match="expired"):
        require_live(one, now=NOW + DAY)


def test_the_same_instant_told_in_another_time_zone_is_the_same_instant() -> None:
    one = consent(ends_at=NOW + DAY)
    tokyo = timezone(timedelta(hours=9))
    with pytest.raises(ConsentRefused):
        require_live(one, now=(NOW + DAY).astimezone(tokyo))
    require_live(one, now=(NOW + DAY - timedelta(seconds=1)).astimezone(tokyo))


@given(st.lists(consents, max_size=5), moments)
def test_what_is_listed_as_live_is_what_would_be_let_through(
    several: list[Consent], now: datetime
) -> None:
    let_through = []
    for one in several:
        try:
            require_live(one, now=now)
        except ConsentRefused:
            continue
        let_through.append(one)
    assert list(live(several, now=now)) == let_through


@given(consents, st.sampled_from([*COLLECTIONS, "elsewhere"]), moments)
def test_photos_are_compared_only_with_who_wants_to_find_or_be_found_in_that_collection(
    one: Consent, collection_id: str, now: datetime
) -> None:
    wanted = {"find_me", "be_found"} & one.purposes
    expected = (
        one.state == "given"
        and one.given_at <= now < one.ends_at
        and bool(wanted)
        and collection_id in one.collections
    )
    try:
        permission = permit_comparison(one, collection_id=collection_id, now=now)
    except ConsentRefused:
        assert not expected
        return
    assert expected
    assert permission.purpose in wanted
    assert permission.searcher == "", "nobody is shown anything by it"


@pytest.mark.parametrize(
    ("born", "adult_on"),
    [
        (date(2008, 3, 1), date(2026, 3, 1)),
        (date(2008, 2, 28), date(2026, 2, 28)),
        (date(2008, 2, 29), date(2026, 3, 1)),
        (date(2007, 12, 31), date(2025, 12, 31)),
        (date(1990, 2, 28), date(2008, 2, 28)),
    ],
)
def test_the_eighteenth_birthday_begins_at_midnight(born: date, adult_on: date) -> None:
    assert eighteenth_birthday(born) == datetime(
        adult_on.year, adult_on.month, adult_on.day, tzinfo=UTC
    )


@given(st.dates(date(1900, 1, 1), date(2100, 12, 31)))
def test_nobody_turns_18_before_their_birthday(born: date) -> None:
    turned = eighteenth_birthday(born)
    assert turned.year - born.year == 18
    assert (turned.month, turned.day) >= (born.month, born.day)
    assert turned.date() - born <= 18 * 366 * DAY


def test_no_age_no_consent() -> None:
    for basis in BASES:
        with pytest.raises(ConsentRefused, match="18 or over"):
            require_age_fits(consent(basis=basis), PersonDetails(name="Ann"), now=NOW)


def test_a_birth_date_in_the_future_is_refused() -> None:
    tomorrow = (NOW + DAY).date()
    with pytest.raises(ConsentRefused, match="future"):
        require_age_fits(consent(), PersonDetails(name="Ann", birth_date=tomorrow), now=NOW)


def test_an_adult_consents_alone_by_birth_date_or_by_record_until_the_agreed_end() -> None:
    one = consent()
    assert require_age_fits(one, adult(), now=NOW) == one.ends_at
    born = PersonDetails(name="Ann", birth_date=date(1990, 1, 1))
    assert require_age_fits(one, born, now=NOW) == one.ends_at


def test_who_is_under_18_does_not_consent_alone_until_the_birthday_has_begun() -> None:
    born = PersonDetails(name="Ann", birth_date=date(2008, 2, 29))
    eve = datetime(2026, 2, 28, 23, 59, 59, 999999, tzinfo=UTC)
    with pytest.raises(ConsentRefused, match="under 18"):
        require_age_fits(consent(), born, now=eve)
    morning = datetime(2026, 3, 1, tzinfo=UTC)
    assert require_age_fits(consent(), born, now=morning) == consent().ends_at


def test_a_guardians_consent_ends_on_the_18th_birthday_or_before() -> None:
    birthday = datetime(2030, 6, 1, tzinfo=UTC)
    beyond = consent(basis="guardian_consent", ends_at=birthday + DAY)
    assert require_age_fits(beyond, child(), now=NOW) == birthday
    before = consent(basis="guardian_consent", ends_at=birthday - DAY)
    assert require_age_fits(before, child(), now=NOW) == birthday - DAY


@given(
    st.dates(date(2008, 3, 2), date(2026, 2, 28)),
    st.datetimes(datetime(2026, 3, 2), datetime(2060, 1, 1), timezones=st.just(UTC)),
)
def test_no_guardians_consent_outlives_the_18th_birthday(born: date, ends_at: datetime) -> None:
    one = consent(basis="guardian_consent", ends_at=ends_at)
    allowed = require_recordable(one, child(birth_date=born), now=NOW)
    assert allowed == min(ends_at, eighteenth_birthday(born))


@pytest.mark.parametrize(
    "details",
    [
        adult(guardian=MUM),
        child(birth_date=date(1990, 1, 1)),
        child(birth_date=date(2008, 3, 1)),
        child(guardian=None),
        child(guardian=Guardian(name="  ")),
    ],
    ids=["no birth date", "an adult", "18 today", "no guardian", "a guardian without a name"],
)
def test_guardian_consent_needs_a_child_with_a_birth_date_and_a_guardian(
    details: PersonDetails,
) -> None:
    with pytest.raises(ConsentRefused):
        require_age_fits(consent(basis="guardian_consent"), details, now=NOW)


def test_a_child_that_is_recorded_as_an_adult_too_is_refused() -> None:
    for basis in ("consent", "guardian_consent"):
        with pytest.raises(ConsentRefused):
            require_age_fits(consent(basis=basis), child(is_adult=True), now=NOW)


def test_an_estate_speaks_until_the_agreed_end_also_for_a_child_that_died() -> None:
    one = consent(basis="estate")
    assert require_recordable(one, dead(), now=NOW) == one.ends_at
    estate = Estate(representative="Bob", died_on=date(2020, 1, 1))
    young = PersonDetails(name="Ann", birth_date=CHILD_BORN, estate=estate)
    assert require_recordable(one, young, now=NOW) == one.ends_at


@pytest.mark.parametrize(
    "details",
    [
        adult(),
        dead(estate=Estate(representative=" ", died_on=date(2020, 1, 1))),
        dead(estate=Estate(representative="Bob", died_on=(NOW + DAY).date())),
        dead(birth_date=date(2021, 1, 1), is_adult=False),
    ],
    ids=["no estate", "no representative", "death to come", "death before birth"],
)
def test_an_estate_needs_a_representative_and_a_death_that_fits(details: PersonDetails) -> None:
    with pytest.raises(ConsentRefused):
        require_recordable(consent(basis="estate"), details, now=NOW)


def test_an_estate_needs_evidence_however_the_consent_was_given() -> None:
    for how_given in WAYS_GIVEN:
        bare = consent(basis="estate", how_given=how_given, evidence=Evidence(attested_by="owner"))
        with pytest.raises(ConsentRefused, match="statement or a document"):
            require_recordable(bare, dead(), now=NOW)


def test_somebody_recorded_as_dead_does_not_consent_themself() -> None:
    with pytest.raises(ConsentRefused):
        require_recordable(consent(), dead(), now=NOW)
    with pytest.raises(ConsentRefused):
        require_recordable(consent(basis="guardian_consent"), child(estate=dead().estate), now=NOW)


@pytest.mark.parametrize(
    ("evidence", "stands"),
    [
        (Evidence(statement="said so", attested_by="owner"), True),
        (Evidence(document_sha256="0" * 64, attested_by="owner"), True),
        (Evidence(statement="said so"), False),
        (Evidence(attested_by="owner"), False),
        (Evidence(statement=" \n", attested_by="owner"), False),
    ],
)
def test_an_attested_consent_needs_an_operator_and_something_it_rests_on(
    evidence: Evidence, stands: bool
) -> None:
    one = consent(evidence=evidence)
    if stands:
        assert require_recordable(one, adult(), now=NOW) == one.ends_at
        return
    with pytest.raises(ConsentRefused):
        require_recordable(one, adult(), now=NOW)


def test_who_said_yes_themself_needs_nobody_to_attest_it() -> None:
    one = consent(how_given="self", evidence=Evidence())
    assert require_recordable(one, adult(), now=NOW) == one.ends_at


@pytest.mark.parametrize(
    ("instead", "word"),
    [
        ({"purposes": frozenset()}, "no purpose"),
        ({"collections": frozenset()}, "no collection"),
        ({"audience": frozenset()}, "found by nobody"),
        ({"ends_at": NOW}, "end before it begins"),
        ({"ends_at": NOW - DAY}, "end before it begins"),
    ],
)
def test_a_consent_that_says_too_little_is_not_recorded(instead: dict[str, Any], word: str) -> None:
    with pytest.raises(ConsentRefused, match=word):
        require_recordable(consent(**instead), adult(), now=NOW)


@pytest.mark.parametrize("name", ["", "   ", "\n"])
def test_a_person_without_a_name_is_not_recorded(name: str) -> None:
    with pytest.raises(ConsentRefused, match="no name"):
        require_recordable(consent(), adult(name=name), now=NOW)


def test_to_find_oneself_or_be_published_no_audience_is_needed() -> None:
    for purpose in ("find_me", "publish"):
        one = consent(purposes=frozenset({purpose}), audience=frozenset())
        assert require_recordable(one, adult(), now=NOW) == one.ends_at


ASKING = ("person", "guardian", "representative", "operator", "somebody", "")


@pytest.mark.parametrize(
    ("basis", "may"),
    [
        ("consent", {"person", "operator"}),
        ("guardian_consent", {"person", "guardian"}),
        ("estate", {"representative", "operator"}),
    ],
)
def test_each_basis_says_who_may_withdraw_it(basis: str, may: set[str]) -> None:
    allowed = set()
    for asking in ASKING:
        try:
            require_may_withdraw(consent(basis=basis), requested_by=asking)
        except ConsentRefused as refused:
            assert all(word in refused.fix for word in may), "it says who may"
            continue
        allowed.add(asking)
    assert allowed == may


def test_no_refusal_names_the_person_or_whom_they_named() -> None:
    wrong = [
        (consent(purposes=frozenset()), adult(name="Zebulon")),
        (consent(), child(name="Zebulon")),
        (consent(basis="guardian_consent"), adult(name="Zebulon", guardian=MUM)),
        (consent(basis="estate"), adult(name="Zebulon")),
        (replace(consent(), ends_at=NOW), adult(name="Zebulon")),
    ]
    for one, details in wrong:
        with pytest.raises(ConsentRefused) as caught:
            require_recordable(one, details, now=NOW)
        for told in ("Zebulon", "Mum", "2012", "p_ann"):
            assert told not in str(caught.value)
