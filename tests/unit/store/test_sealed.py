"""Details and consents under a person's key: back as they were, or refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.errors import StorageError
from likeness.records.consent import (
    BASES,
    PURPOSES,
    WAYS_GIVEN,
    Consent,
    ConsentState,
    Evidence,
)
from likeness.records.person import Estate, Guardian, PersonDetails
from likeness.store.sealed import (
    consent_as_json,
    details_as_json,
    seal_consent,
    seal_details,
    unseal_consent,
    unseal_details,
)

KEY, OTHER_KEY = bytes(range(32)), bytes(32)
words = st.text(max_size=20)
ids = st.text("abc_012", min_size=1, max_size=8)
offsets = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
times = st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=offsets)

details_of_people = st.builds(
    PersonDetails,
    name=words,
    birth_date=st.none() | st.dates(),
    is_adult=st.booleans(),
    guardian=st.none() | st.builds(Guardian, name=words, relation=words),
    estate=st.none() | st.builds(Estate, representative=words, died_on=st.dates()),
)
consents = st.builds(
    Consent,
    consent_id=ids,
    person_id=ids,
    controller=words,
    purposes=st.frozensets(st.sampled_from(PURPOSES)),
    collections=st.frozensets(ids, max_size=4),
    audience=st.frozensets(ids, max_size=4),
    basis=st.sampled_from(BASES),
    how_given=st.sampled_from(WAYS_GIVEN),
    evidence=st.builds(Evidence, statement=words, document_sha256=words, attested_by=ids),
    recorded_by=ids,
    notice_version=words,
    notice_sha256=words,
    notice_language=words,
    given_at=times,
    ends_at=times,
    state=st.sampled_from(get_args(ConsentState)),
)

ANN = PersonDetails(name="Ann", birth_date=date(1990, 5, 17), is_adult=True)
GIVEN = Consent(
    consent_id="c_1",
    person_id="p_ann",
    controller="Tennis club",
    purposes=frozenset({"be_found"}),
    collections=frozenset({"col_party"}),
    audience=frozenset({"a_owner"}),
    basis="consent",
    how_given="attested",
    evidence=Evidence(statement="said yes", attested_by="a_owner"),
    recorded_by="a_owner",
    notice_version="1",
    notice_sha256="0" * 64,
    notice_language="en",
    given_at=datetime(2026, 3, 1, tzinfo=UTC),
    ends_at=datetime(2027, 3, 1, tzinfo=UTC),
    state="given",
)


@given(details_of_people, ids)
def test_details_come_back_as_they_were(details: PersonDetails, person_id: str) -> None:
    assert unseal_details(KEY, person_id, seal_details(KEY, person_id, details)) == details


@given(consents)
def test_a_consent_comes_back_as_it_was_and_its_times_stay_aware(consent: Consent) -> None:
    sealed = seal_consent(KEY, consent)
    back = unseal_consent(KEY, consent.person_id, consent.consent_id, consent.state, sealed)
    assert back == consent
    assert back.given_at.utcoffset() == consent.given_at.utcoffset()


@given(consents, st.sampled_from(get_args(ConsentState)))
def test_the_state_is_the_columns_and_not_sealed_with_the_rest(
    consent: Consent, state: ConsentState
) -> None:
    back = unseal_consent(
        KEY, consent.person_id, consent.consent_id, state, seal_consent(KEY, consent)
    )
    assert back == replace(consent, state=state)


@given(details_of_people)
def test_no_word_of_the_details_stands_in_what_is_sealed(details: PersonDetails) -> None:
    sealed = seal_details(KEY, "p_ann", details)
    for word in details_as_json(details).values():
        if isinstance(word, str) and len(word.encode()) > 3:
            assert word.encode() not in sealed


def test_the_same_details_sealed_twice_read_differently() -> None:
    assert seal_details(KEY, "p_ann", ANN) != seal_details(KEY, "p_ann", ANN)


@given(st.data())
def test_a_changed_bit_anywhere_is_refused(data: st.DataObject) -> None:
    sealed = bytearray(seal_details(KEY, "p_ann", ANN))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(StorageError):
        unseal_details(KEY, "p_ann", bytes(sealed))


@given(st.integers(0, 60))
def test_what_was_cut_off_or_put_behind_is_refused(count: int) -> None:
    sealed = seal_consent(KEY, GIVEN)
    for damaged in (sealed[:count], sealed[count + 1 :], sealed + bytes(count + 1)):
        with pytest.raises(StorageError):
            unseal_consent(KEY, "p_ann", "c_1", "given", damaged)


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(StorageError):
        unseal_details(OTHER_KEY, "p_ann", seal_details(KEY, "p_ann", ANN))
    with pytest.raises(StorageError):
        unseal_consent(OTHER_KEY, "p_ann", "c_1", "given", seal_consent(KEY, GIVEN))


@pytest.mark.parametrize(
    ("person_id", "consent_id"), [("p_bob", "c_1"), ("p_ann", "c_2"), ("p_ann/c_1", ""), ("", "")]
)
def test_a_consent_does_not_open_as_another_record_or_another_persons(
    person_id: str, consent_id: str
) -> None:
    """Also under the same key, as when rows are swapped by somebody who cannot read them."""
    with pytest.raises(StorageError):
        unseal_consent(KEY, person_id, consent_id, "given", seal_consent(KEY, GIVEN))


def test_what_is_one_kind_of_record_does_not_open_as_the_other() -> None:
    with pytest.raises(StorageError):
        unseal_details(KEY, "p_ann", seal_consent(KEY, GIVEN))
    with pytest.raises(StorageError):
        unseal_consent(KEY, "p_ann", "c_1", "given", seal_details(KEY, "p_ann", ANN))


def test_details_of_one_person_do_not_open_as_anothers() -> None:
    with pytest.raises(StorageError):
        unseal_details(KEY, "p_bob", seal_details(KEY, "p_ann", ANN))


@pytest.mark.parametrize(
    ("sealed", "message"),
    [(b"", "damaged"), (b"\x02" + bytes(80), "newer Likeness"), (bytes(80), "damaged")],
)
def test_a_refusal_says_what_may_be_wrong_and_nothing_of_the_content(
    sealed: bytes, message: str
) -> None:
    with pytest.raises(StorageError, match=message) as caught:
        unseal_details(KEY, "p_ann", sealed)
    assert caught.value.fix
    assert "p_ann" not in str(caught.value)


def test_plain_values_name_every_field_of_the_record() -> None:
    assert set(consent_as_json(GIVEN)) == set(Consent.__dataclass_fields__)
    assert set(details_as_json(ANN)) == set(PersonDetails.__dataclass_fields__)
    assert consent_as_json(GIVEN)["ends_at"] == "2027-03-01T00:00:00+00:00"
