"""Promise 1, for enrolments that wait for an operator: a yes that nobody approved has no effect.

And what an operator sees who decides: a name and a face only where they would find them anyway.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from portal_parts import own_house
from promise_house import (
    Clock,
    Place,
    acting_as,
    found_names,
    found_photos,
    holdings,
    rows,
)
from synthetic_engine import NEAR, Drawn, RecordingEngine, draw, save

from likeness import approval, invitations
from likeness.audit.receipt_file import verify_receipt
from likeness.consent.policy import KEEP_WAITING_DAYS
from likeness.errors import ConsentRefused, KeyErased, NotFound
from likeness.invited import enrol_by_invitation
from likeness.library import Library
from likeness.records.invitation import Answers
from likeness.status import Status
from likeness.store import audit_log
from likeness.withdraw import withdraw

ANN = 1


@pytest.fixture
def party(library: Library, tmp_path: Path) -> Library:
    """The library with photos of Ann and of a stranger, and a second operator."""
    library.create_account("helper", role="operator")
    library.set_audience("party", add=["helper"])
    for number in range(3):
        save(tmp_path / "photos" / f"{number}.png", Drawn(person=ANN, look=NEAR), salt=number)
    save(tmp_path / "photos" / "stranger.png", Drawn(person=700), salt=9)
    library.ingest(tmp_path / "photos", collection="party")
    return library


def waits(
    library: Library, *purposes: Any, live: bool = False, expires_at: datetime | None = None
) -> tuple[str, str]:
    """Ann says yes by an invitation; returns her id and the invitation's."""
    chosen = purposes or ("find_me", "be_found")
    made = invitations.invite(
        library.house, collections=["party"], purposes=chosen, label="Ann of the second team"
    )
    enrolled = enrol_by_invitation(
        library.house,
        made.secret,
        answers=Answers(
            name="Ann", purposes=frozenset(chosen), is_adult=True, expires_at=expires_at
        ),
        images=[draw(Drawn(person=ANN), salt=salt) for salt in (1, 2)],
        live=live,
    )
    return enrolled.person_id, made.invitation.invitation_id


def seen_by_anybody(library: Library) -> list[Any]:
    """Everything that accounts are told about who is enrolled."""
    told: list[Any] = []
    for name in ("owner", "helper"):
        acting = acting_as(library, name)
        status: Status = acting.status()
        told += [
            acting.people(),
            acting.people(collection="party"),
            acting.proposals(),
            (status.photos, status.faces, status.waiting, status.proposals),
            acting.photos("").photos,
            found_names(acting, ANN),
            [f.what for f in acting.doctor() if f.check != "audit log"],
        ]
    told.append(holdings(library))
    return told


def test_somebody_who_waits_is_found_listed_and_counted_by_nobody(party: Library) -> None:
    before = seen_by_anybody(party)
    person_id, _ = waits(party)
    assert seen_by_anybody(party) == before
    assert found_names(party, ANN) == []
    for attempt in (
        lambda: party.show(person_id),
        lambda: party.consents(person_id),
        lambda: party.export_person(person_id),
        lambda: party.withdraw(person_id, requested_by="operator"),
        lambda: party.narrow(person_id, drop_purposes=["find_me"]),
    ):
        with pytest.raises(NotFound) as caught:
            attempt()
        with pytest.raises(NotFound) as unknown:
            party.show("p_nobody")
        assert str(caught.value) == str(unknown.value)


def test_the_gallery_does_not_change_and_no_photo_is_compared(
    party: Library, engine: RecordingEngine, tmp_path: Path
) -> None:
    change = rows(party, "SELECT gallery_change FROM library")
    person_id, _ = waits(party)
    assert rows(party, "SELECT gallery_change FROM library") == change
    assert person_id not in party.house.eligibility.people_with_consent()
    made = engine.calls
    save(tmp_path / "more" / "new.png", Drawn(person=ANN), salt=50)
    report = party.ingest(tmp_path / "more", collection="party")
    assert (report.linked, report.proposed) == (0, 0)
    party.rescan()
    assert engine.calls == made, "while nobody may be found no template is made"


def test_not_even_they_find_themself_while_they_wait(party: Library) -> None:
    person_id, _ = waits(party)
    assert party.search(draw(Drawn(person=ANN)), as_person=person_id).candidates == ()


def test_another_process_that_opens_the_library_finds_them_neither(
    party: Library, place: Place
) -> None:
    waits(party)
    with place.open() as again:
        assert found_names(again, ANN) == []
        assert rows(again, "SELECT count(*) FROM people") == [(1,)]


def test_from_the_approval_on_they_are_found_in_photos_already_held(
    party: Library, place: Place
) -> None:
    person_id, invitation_id = waits(party)
    helper = acting_as(party, "helper")
    approval.approve(helper.house, invitation_id)
    assert found_names(party, ANN) == ["Ann"]
    assert len(found_photos(party, ANN)) == 3
    with place.open() as again:
        assert len(found_photos(again, ANN)) == 3
    key = party.house.keyring.key(person_id)
    account = helper.house.account.account_id
    with party.house.store.snapshot() as connection:
        theirs = audit_log.details_of(connection, person_id, key=key)
        own = audit_log.details_of(connection, account, key=party.house.keyring.key(account))
    assert {"did": "approve", "by": account}.items() <= theirs[1]["details"].items()
    assert any(entry["details"].get("did") == "approve" for entry in own)


def test_an_enrolment_is_decided_once(party: Library) -> None:
    _, invitation_id = waits(party)
    approval.approve(party.house, invitation_id)
    for again in (approval.approve, approval.decline):
        with pytest.raises(NotFound):
            again(party.house, invitation_id)
    assert approval.waiting(party.house) == []


@pytest.mark.parametrize(
    ("account", "purposes", "sees"),
    [
        ("owner", ("be_found",), True),
        ("helper", ("find_me", "be_found"), True),
        ("owner", ("find_me", "publish"), False),
        ("outsider", ("be_found",), False),
    ],
)
def test_who_decides_sees_a_face_only_where_they_would_find_it(
    party: Library, account: str, purposes: Any, sees: bool
) -> None:
    party.create_account("outsider", role="operator")
    waits(party, *purposes, live=True)
    (shown,) = approval.waiting(acting_as(party, account).house)
    assert (shown.name, bool(shown.crop_jpeg)) == (("Ann", True) if sees else ("", False))
    assert set(shown.purposes) == set(purposes) and shown.live
    assert shown.label == ("Ann of the second team" if account == "owner" else "")


def test_an_account_that_left_the_audience_meanwhile_sees_no_face(party: Library) -> None:
    waits(party)
    party.set_audience("party", drop=["helper"])
    (shown,) = approval.waiting(acting_as(party, "helper").house)
    assert (shown.name, shown.crop_jpeg) == ("", b"")


def test_an_account_that_joined_since_finds_nobody_by_the_approval(party: Library) -> None:
    _, invitation_id = waits(party)
    party.create_account("late", role="operator")
    party.set_audience("party", add=["late"])
    late = acting_as(party, "late")
    assert approval.waiting(late.house)[0].name == ""
    approval.approve(late.house, invitation_id)
    assert found_names(party, ANN) == ["Ann"]
    assert found_names(late, ANN) == [] and late.people() == []


def test_declining_erases_them_with_a_receipt(party: Library) -> None:
    person_id, invitation_id = waits(party)
    given = approval.decline(acting_as(party, "helper").house, invitation_id)
    verified = verify_receipt(given.receipt, key=party.verifier_key)
    assert verified.receipt.body.kind == "declined"
    assert verified.receipt.body.counts["references"] == 2
    with pytest.raises(KeyErased):
        party.house.keyring.key(person_id)
    for table in ("people", "consents", '"references"'):
        assert rows(party, f"SELECT count(*) FROM {table}") == [(0,)]
    assert rows(party, "SELECT state, label, person_id FROM invitations") == [
        ("declined", None, None)
    ]


def test_nobody_who_was_declined_comes_back_with_a_backup(place: Place) -> None:
    with place.open() as library:
        _, invitation_id = waits(library)
    backup = place.back_up("backup")
    with place.open() as library:
        approval.decline(library.house, invitation_id)
    place.restore(backup)
    with place.open() as again:
        assert rows(again, "SELECT count(*) FROM people") == [(0,)]
        assert rows(again, "SELECT label, person_id FROM invitations") == [(None, None)]
        assert approval.waiting(again.house) == []


def test_whoever_waits_may_take_it_back_and_nobody_can_approve_it_any_more(
    party: Library,
) -> None:
    person_id, invitation_id = waits(party)
    withdraw(own_house(party, person_id), person_id)
    assert rows(party, "SELECT state, label, person_id FROM invitations") == [("done", None, None)]
    with pytest.raises(NotFound):
        approval.approve(party.house, invitation_id)
    assert approval.waiting(party.house) == []


def test_the_label_goes_with_the_person_also_after_the_approval(party: Library) -> None:
    person_id, invitation_id = waits(party)
    approval.approve(party.house, invitation_id)
    assert invitations.invitations(party.house)[0].label == "Ann of the second team"
    party.withdraw(person_id)
    assert invitations.invitations(party.house)[0].label == ""
    assert rows(party, "SELECT state, label, person_id FROM invitations") == [("done", None, None)]


def test_whoever_waits_in_vain_is_erased_after_thirty_days(place: Place, clock: Clock) -> None:
    with place.open() as library:
        waits(library)
    clock.advance(days=KEEP_WAITING_DAYS, seconds=-1)
    with place.open() as library:
        assert rows(library, "SELECT count(*) FROM people") == [(1,)]
        (shown,) = approval.waiting(library.house)
        assert shown.erased_at - shown.enrolled_at == timedelta(days=30)
    clock.advance(seconds=2)
    with place.open() as library:
        assert rows(library, "SELECT count(*) FROM people") == [(0,)]
        assert approval.waiting(library.house) == []
        assert [kind for _, kind, _ in library.receipts()] == ["expiry"]


def test_a_consent_that_ended_while_it_waited_cannot_be_approved(
    party: Library, clock: Clock
) -> None:
    _, invitation_id = waits(party, expires_at=clock.now + timedelta(days=2))
    clock.advance(days=2)
    with pytest.raises(ConsentRefused):
        approval.approve(party.house, invitation_id)
    assert found_names(party, ANN) == []
