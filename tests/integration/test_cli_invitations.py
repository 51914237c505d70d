"""Invitations and waiting enrolments on the command line: answers of the shape of their schemas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cli_runs import Ran, run
from json_shapes import faults, schema_of
from portal_parts import own_house
from promise_house import Place, make_place
from synthetic_engine import Drawn, draw

from likeness.consent_receipts import consent_receipt
from likeness.invitations import opened
from likeness.invited import enrol_by_invitation
from likeness.library import utc_now
from likeness.records.invitation import Answers


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    made = make_place(tmp_path / "place", clock=utc_now)
    monkeypatch.setenv("LIKENESS_LIBRARY", str(made.library))
    return made


def do(command: str, *words: str | Path, code: int = 0) -> dict[str, Any]:
    """Run a command, and hold its answer against its schema."""
    ran: Ran = run(*command.split("."), *words, "--json")
    assert ran.code == code, (command, ran.text, ran.err)
    assert faults(ran.answer, schema_of("error" if code > 1 else command)) == []
    return ran.answer


def answered(place: Place, path: str) -> str:
    """Ann says yes by a link."""
    with place.open() as library:
        return enrol_by_invitation(
            library.house,
            path.removeprefix("/enrol/"),
            answers=Answers(name="Ann", purposes=frozenset({"be_found"}), is_adult=True),
            images=[draw(Drawn(person=1))],
        ).person_id


def test_the_story_of_invitations(place: Place, tmp_path: Path) -> None:
    words = ("--collection", "party", "--purpose", "find_me,be_found", "--label", "Ann")
    first = do("invitation.create", *words)
    second = do("invitation.create", *words, "--without-approval", "--days", "3")
    third = do("invitation.create", "--collection", "club", "--purpose", "find_me")
    do("invitation.create", "--collection", "party", code=2)
    listed = do("invitation.list")["invitations"]
    assert {one["label"] for one in listed} == {"Ann", ""}
    assert all(one["open"] for one in listed)
    do("invitation.revoke", third["invitation"]["id"])
    do("invitation.revoke", third["invitation"]["id"], code=4)
    with place.open() as library:
        assert opened(library.house, second["path"].removeprefix("/enrol/")).open

    person = answered(place, first["path"])
    (waits,) = do("enrolment.waiting")["waiting"]
    assert (waits["name"], waits["purposes"], waits["live"]) == ("Ann", ["be_found"], False)
    do("enrolment.approve", waits["invitation"])
    assert [one["name"] for one in do("people")["people"]] == ["Ann"]

    with place.open() as library:
        (tmp_path / "yes.json").write_bytes(consent_receipt(own_house(library, person), person))
        key = library.verifier_key
    told = do("receipt.verify", tmp_path / "yes.json", "--key", key)
    assert told["kind"] == "consent" and told["record"]["principal"]["name"] == "Ann"


def test_an_enrolment_is_declined_with_a_receipt_that_verifies(
    place: Place, tmp_path: Path
) -> None:
    made = do("invitation.create", "--collection", "party", "--purpose", "be_found")
    answered(place, made["path"])
    receipt = do("enrolment.decline", made["invitation"]["id"])["receipt"]
    assert receipt["body"]["kind"] == "declined"
    do("enrolment.decline", made["invitation"]["id"], code=4)
    assert do("enrolment.waiting")["waiting"] == []
    shown = run("receipt", "show", receipt["body"]["serial"])
    (tmp_path / "gone.json").write_bytes(shown.out)
    with place.open() as library:
        key = library.verifier_key
    do("receipt.verify", tmp_path / "gone.json", "--key", key)


def test_for_people_the_answers_are_words(place: Place) -> None:
    made = run("invitation", "create", "--collection", "party", "--purpose", "be_found")
    assert made.code == 0 and made.text.startswith("/enrol/")
    assert "party" in run("invitation", "list").text
    answered(place, made.text.strip())
    assert "Ann" in run("enrolment", "waiting").text
