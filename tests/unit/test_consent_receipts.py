"""Consent receipts: what a person said yes to, verifiable offline, and in clear in no file."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from byte_scan import forms_of_text, scan
from cli_runs import run
from hypothesis import given
from hypothesis import strategies as st
from portal_parts import own_house
from promise_house import Clock, Place, enrol, rows
from synthetic_engine import Drawn, draw

from likeness import approval
from likeness.audit.consent_receipt import read_consent_receipt, verify_consent_receipt
from likeness.consent_receipts import consent_receipt
from likeness.errors import (
    BadInput,
    ConsentRefused,
    LikenessError,
    NotFound,
    NotVerified,
    SignerNotChecked,
)
from likeness.invitations import invite
from likeness.invited import enrol_by_invitation
from likeness.library import Library
from likeness.records.invitation import Answers
from likeness.records.person import Guardian

NAME = "Quirina Zobelfink"


@pytest.fixture
def waiting(library: Library) -> tuple[str, str]:
    """Somebody who enrolled by an invitation and waits; their id, and the invitation's."""
    made = invite(library.house, collections=["party", "club"], purposes=["find_me", "be_found"])
    enrolled = enrol_by_invitation(
        library.house,
        made.secret,
        answers=Answers(
            name=NAME,
            purposes=frozenset({"find_me", "be_found"}),
            birth_date=date(2012, 2, 3),
            guardian=Guardian(name="Mum Zobelfink"),
            language="de",
        ),
        images=[draw(Drawn(person=1))],
        live=True,
    )
    return enrolled.person_id, made.invitation.invitation_id


def test_it_holds_what_was_said_yes_to_and_verifies_with_the_librarys_key(
    library: Library, waiting: tuple[str, str]
) -> None:
    person_id, invitation_id = waiting
    document = consent_receipt(own_house(library, person_id), person_id)
    verified = verify_consent_receipt(document, key=library.verifier_key)
    record = verified.receipt.record
    assert record["principal"] == {"id": person_id, "name": NAME}
    assert record["guardian"] == "Mum Zobelfink" and record["basis"] == "guardian_consent"
    assert record["purposes"] == ["find_me", "be_found"]
    assert sorted(one["name"] for one in record["collections"]) == ["club", "party"]
    assert [one["name"] for one in record["audience"]] == ["owner"]
    assert record["controller"] == "Tennis club" and record["live"] is True
    assert record["how_given"] == "self" and invitation_id in record["evidence"]
    assert record["notice"]["language"] == "de" and len(record["notice"]["sha256"]) == 64
    assert record["state"] == "waiting"


def test_it_is_the_same_however_often_it_is_asked_for_and_another_once_it_stands(
    library: Library, waiting: tuple[str, str]
) -> None:
    person_id, invitation_id = waiting
    themself = own_house(library, person_id)
    first = consent_receipt(themself, person_id)
    enrol(library, "Somebody else", 2)
    assert consent_receipt(themself, person_id) == first
    approval.approve(library.house, invitation_id)
    second = consent_receipt(themself, person_id)
    assert read_consent_receipt(second).record["state"] == "given"
    for document in (first, second):
        verify_consent_receipt(document, key=library.verifier_key)


def test_nothing_of_it_is_stored_in_clear_and_it_goes_with_the_person(
    library: Library, place: Place, waiting: tuple[str, str]
) -> None:
    person_id, invitation_id = waiting
    document = consent_receipt(own_house(library, person_id), person_id)
    library.house.store.overwrite_deleted()
    for told in (NAME, read_consent_receipt(document).nonce.hex()):
        assert not scan(place.files(), forms_of_text(told))
    approval.decline(library.house, invitation_id)
    assert rows(library, "SELECT * FROM audit_details WHERE subject_id = :who", who=person_id) == []
    with pytest.raises(NotFound):
        consent_receipt(own_house(library, person_id), person_id)
    # What they keep still proves what they had said.
    verify_consent_receipt(document, key=library.verifier_key)
    library.verify_audit()


def test_it_is_for_those_who_may_reach_the_person(
    library: Library, waiting: tuple[str, str]
) -> None:
    person_id, invitation_id = waiting
    with pytest.raises(NotFound):
        consent_receipt(library.house, person_id)
    approval.approve(library.house, invitation_id)
    assert consent_receipt(library.house, person_id)


def test_a_consent_that_an_operator_recorded_has_one_too(library: Library, clock: Clock) -> None:
    person_id = enrol(library, NAME, 1)
    clock.advance(days=3)
    record = read_consent_receipt(consent_receipt(library.house, person_id)).record
    assert record["how_given"] == "attested" and record["live"] is False
    assert record["evidence"] == "said yes at the door"


def test_without_a_key_the_signer_is_named_and_not_believed(
    library: Library, waiting: tuple[str, str], tmp_path: Path
) -> None:
    document = consent_receipt(own_house(library, waiting[0]), waiting[0])
    with pytest.raises(SignerNotChecked):
        verify_consent_receipt(document, key=None)
    file = tmp_path / "receipt.json"
    file.write_bytes(document)
    assert run("receipt", "verify", file).code == 5
    told = run("receipt", "verify", file, "--key", library.verifier_key, "--json")
    assert told.code == 0 and json.loads(told.out)["kind"] == "consent"


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["record"].update(purposes=["publish"]),
        lambda d: d["record"]["principal"].update(name="Somebody else"),
        lambda d: d["record"].update(issued_at="2031-01-01T00:00:00+00:00"),
        lambda d: d.update(nonce="00" * 32),
        lambda d: d.update(nonce="00"),
        lambda d: d.update(leaf_index=0),
        lambda d: d["record"].update(note="\ud800"),
        lambda d: d.pop("record"),
        lambda d: d.update(record=[]),
    ],
)
def test_one_that_was_changed_does_not_hold(
    library: Library, waiting: tuple[str, str], change: Any
) -> None:
    document = json.loads(consent_receipt(own_house(library, waiting[0]), waiting[0]))
    change(document)
    altered = (json.dumps(document, indent=2) + "\n").encode()
    with pytest.raises(NotVerified):
        verify_consent_receipt(altered, key=library.verifier_key)


@given(st.binary(max_size=200) | st.text(max_size=60).map(str.encode))
def test_whatever_else_is_given_is_no_receipt(data: bytes) -> None:
    with pytest.raises((BadInput, NotVerified)):
        verify_consent_receipt(data, key=None)


def test_somebody_without_a_consent_that_stands_has_none(library: Library) -> None:
    person_id = enrol(library, NAME, 1)
    library.withdraw(person_id)
    with pytest.raises((NotFound, ConsentRefused)) as caught:
        consent_receipt(library.house, person_id)
    assert isinstance(caught.value, LikenessError)
