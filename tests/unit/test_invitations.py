"""Invitations: what a link allows, once, until it ends, and what is kept of it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from byte_scan import forms_of_text, scan
from promise_house import Clock, Place, acting_as, found_names, rows
from sqlalchemy import text
from synthetic_engine import Drawn, draw

from likeness import approval, invitations, signing_in
from likeness.consent.notice import current_notice
from likeness.errors import (
    ConsentRefused,
    FaceUnusable,
    LikenessError,
    NotFound,
    StorageError,
    UsageError,
)
from likeness.house import House
from likeness.invitations import Invited, invite
from likeness.invited import enrol_by_invitation
from likeness.library import Library
from likeness.records.consent import Purpose
from likeness.records.invitation import Answers
from likeness.records.person import Guardian
from likeness.store import people

ANN = 1
GONE = "This link is no longer valid. Ask whoever sent it for a new one."


def asked(library: Library, *purposes: Purpose, **more: Any) -> Invited:
    """An invitation to ``party``, to be found where nothing else is said."""
    chosen = purposes or ("be_found",)
    return invite(library.house, **{"collections": ["party"], "purposes": chosen, **more})


def answered(library: Library, secret: str, **more: Any) -> Any:
    """An adult who says yes to being found, with two photos."""
    images = more.pop("images", [draw(Drawn(person=ANN), salt=salt) for salt in (1, 2)])
    live = more.pop("live", False)
    said = {"name": "Ann", "purposes": ["be_found"], "is_adult": True, **more}
    for some in {"purposes", "audience"} & set(said):
        said[some] = frozenset(said[some])
    answers = Answers(**said)
    return enrol_by_invitation(library.house, secret, answers=answers, images=images, live=live)


def consent_of(house: House, person_id: str) -> Any:
    with house.store.snapshot() as connection:
        return people.consents_of(connection, person_id, key=house.keyring.key(person_id))[0]


def test_a_link_says_what_is_asked_by_whom_and_who_would_find_them(library: Library) -> None:
    library.create_account("trainer")
    library.set_audience("party", add=["trainer"])
    made = asked(library, "be_found", "find_me", label="Ann of the second team", days=3)
    shown = invitations.opened(library.house, made.secret)
    assert [c.name for c in shown.collections] == ["party"]
    assert [one.name for one in shown.audience] == ["owner", "trainer"]
    assert shown.purposes == ("find_me", "be_found")
    assert shown.invited_by == "owner" and shown.needs_approval and shown.open
    assert shown.expires_at - shown.created_at == timedelta(days=3)
    assert shown.label == "", "whoever has the link is not told what was noted about them"


def test_the_secret_is_long_and_only_its_hash_is_kept(library: Library, place: Place) -> None:
    made = asked(library, label="Ann of the second team")
    assert len(made.secret) >= 43
    kept = rows(library, "SELECT secret_hash FROM invitations")
    assert kept == [(hashlib.sha256(made.secret.encode()).hexdigest(),)]
    library.house.store.overwrite_deleted()
    for told in (made.secret, "Ann of the second team"):
        assert not scan(place.files(), forms_of_text(told))


def test_whoever_enrols_by_it_gave_the_consent_themself(library: Library) -> None:
    made = asked(library, "be_found", "find_me", needs_approval=False)
    enrolled = answered(library, made.secret, language="de", live=True)
    consent = consent_of(library.house, enrolled.person_id)
    assert (consent.how_given, consent.basis, consent.state) == ("self", "consent", "given")
    assert consent.recorded_by == "" and consent.evidence.attested_by == ""
    assert made.invitation.invitation_id in consent.evidence.statement
    assert consent.purposes == {"be_found"}
    assert (consent.notice_version, consent.notice_language) == ("2", "de")
    assert consent.notice_sha256 == current_notice("de").sha256
    assert rows(library, 'SELECT DISTINCT live FROM "references"') == [(1,)]
    assert found_names(library, ANN) == ["Ann"]


def test_a_photo_that_was_uploaded_is_marked_as_not_live(library: Library) -> None:
    answered(library, asked(library).secret)
    assert rows(library, 'SELECT DISTINCT live FROM "references"') == [(0,)]


def test_only_accounts_that_were_shown_and_still_search_are_named(library: Library) -> None:
    for name in ("trainer", "coach", "late"):
        library.create_account(name)
    library.set_audience("party", add=["trainer", "coach"])
    made = asked(library, needs_approval=False)
    shown = [one.account_id for one in invitations.opened(library.house, made.secret).audience]
    library.set_audience("party", add=["late"], drop=["coach"])
    enrolled = answered(library, made.secret, audience=shown)
    named = {one.account_id: one.name for one in library.accounts()}
    audience = consent_of(library.house, enrolled.person_id).audience
    assert {named[known] for known in audience} == {"owner", "trainer"}


@pytest.mark.parametrize("how", ["unknown", "used", "revoked", "expired", "let go"])
def test_every_link_that_leads_nowhere_reads_the_same(
    library: Library, clock: Clock, how: str
) -> None:
    library.create_account("helper", role="operator")
    made = asked(acting_as(library, "helper"))
    secret = "A" * 43 if how == "unknown" else made.secret
    if how == "used":
        answered(library, secret)
    if how == "revoked":
        invitations.revoke(library.house, made.invitation.invitation_id)
    if how == "expired":
        clock.advance(days=14)
    if how == "let go":
        library.end_account("helper")
    for attempt in (invitations.opened, lambda _h, s: answered(library, s)):
        with pytest.raises(NotFound) as caught:
            attempt(library.house, secret)
        assert str(caught.value) == GONE


def test_a_link_works_until_the_last_moment(library: Library, clock: Clock) -> None:
    made = asked(library, days=1)
    clock.advance(days=1, microseconds=-1)
    assert invitations.opened(library.house, made.secret).open


def test_whoever_was_let_go_while_photos_are_looked_at_enrols_nobody(library: Library) -> None:
    library.create_account("helper", role="operator")
    made = asked(acting_as(library, "helper"), needs_approval=False)

    class _LetGoMeanwhile(list[Any]):
        def __iter__(self) -> Iterator[Any]:
            if any(a.name == "helper" and a.active for a in library.accounts()):
                library.end_account("helper")
            return super().__iter__()

    with pytest.raises(NotFound) as caught:
        answered(library, made.secret, images=_LetGoMeanwhile([draw(Drawn(person=ANN), salt=1)]))
    assert str(caught.value) == GONE
    assert rows(library, "SELECT count(*) FROM people") == [(0,)]
    assert library.house.keyring.tombstone_head()[0] == 1


def test_whoever_enrolled_has_a_link_back_for_as_long_as_their_consent_lasts(
    library: Library, clock: Clock
) -> None:
    enrolled = answered(library, asked(library).secret)
    back = enrolled.back
    assert back not in repr(enrolled)
    clock.advance(days=(enrolled.consent.ends_at - clock.now).days - 1)
    found = signing_in.take_link(library.house, back, kind="return")
    assert found == enrolled.person_id


def test_nobody_is_enrolled_without_a_link_back(library: Library) -> None:
    made = asked(library)
    with library.house.store.transaction() as connection:
        connection.execute(
            text(
                "CREATE TRIGGER full BEFORE INSERT ON sign_in_links"
                " BEGIN SELECT RAISE(ABORT, 'full'); END"
            )
        )
    with pytest.raises(StorageError):
        answered(library, made.secret)
    assert rows(library, "SELECT count(*) FROM people") == [(0,)]
    assert invitations.opened(library.house, made.secret).open


def test_of_two_phones_at_once_one_enrols(place: Place, library: Library) -> None:
    made = asked(library)
    outcomes: list[str] = []
    ready = threading.Barrier(4)

    def one(person: int) -> None:
        ready.wait()
        try:
            photos = [draw(Drawn(person=person), salt=person)]
            answered(library, made.secret, name=f"P{person}", images=photos)
            outcomes.append("enrolled")
        except NotFound as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=one, args=(person,)) for person in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == sorted(["enrolled", GONE, GONE, GONE])
    assert rows(library, "SELECT count(*) FROM people") == [(1,)]
    # The keys of those who came second are gone.
    assert library.house.keyring.tombstone_head()[0] == 3


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"purposes": []}, ConsentRefused),
        ({"purposes": ["publish"]}, ConsentRefused),
        ({"purposes": ["everything"]}, UsageError),
        ({"name": "  "}, ConsentRefused),
        ({"is_adult": False}, ConsentRefused),
        ({"is_adult": False, "birth_date": date(2015, 1, 1)}, ConsentRefused),
        ({"guardian": Guardian(name="Mum")}, ConsentRefused),
        ({"language": "xx"}, NotFound),
        ({"images": [draw(Drawn(person=ANN, blurred=True))]}, FaceUnusable),
        ({"images": []}, UsageError),
        ({"images": [draw(Drawn(person=1)), draw(Drawn(person=2))]}, FaceUnusable),
    ],
)
def test_what_cannot_be_recorded_uses_nothing_up(
    library: Library, said: dict[str, Any], error: type[LikenessError]
) -> None:
    made = asked(library)
    before = library.house.keyring.tombstone_head()
    with pytest.raises(error):
        answered(library, made.secret, **said)
    assert invitations.opened(library.house, made.secret).open
    assert rows(library, "SELECT count(*) FROM people") == [(0,)]
    assert library.house.keyring.tombstone_head() == before


def test_a_guardian_says_yes_for_a_child_until_they_are_18(library: Library) -> None:
    made = asked(library, "find_me", needs_approval=False)
    enrolled = answered(
        library,
        made.secret,
        purposes=["find_me"],
        is_adult=False,
        birth_date=date(2009, 5, 4),
        guardian=Guardian(name="Mum", relation="mother"),
    )
    consent = consent_of(library.house, enrolled.person_id)
    assert consent.basis == "guardian_consent" and consent.how_given == "self"
    assert consent.ends_at.date() == date(2027, 5, 4)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"purposes": []}, UsageError),
        ({"purposes": ["everything"]}, UsageError),
        ({"collections": []}, UsageError),
        ({"collections": ["nowhere"]}, NotFound),
        ({"days": 0}, UsageError),
        ({"days": 91}, UsageError),
        ({"label": "two\nlines"}, UsageError),
        ({"label": "x" * 201}, UsageError),
        ({"language": "xx"}, NotFound),
    ],
)
def test_an_invitation_that_makes_no_sense_is_not_made(
    library: Library, said: dict[str, Any], error: type[LikenessError]
) -> None:
    with pytest.raises(error):
        invite(library.house, **{"collections": ["party"], "purposes": ["be_found"], **said})
    assert rows(library, "SELECT count(*) FROM invitations") == [(0,)]


def test_nobody_is_asked_to_be_found_where_nobody_may_search(library: Library) -> None:
    library.set_audience("club", drop=["owner"])
    with pytest.raises(ConsentRefused, match="Nobody may search"):
        asked(library, "be_found", collections=["party", "club"])
    assert asked(library, "find_me", collections=["party", "club"]).secret


def test_each_account_sees_its_own_labels_only(library: Library) -> None:
    library.create_account("helper", role="operator")
    helper = acting_as(library, "helper")
    asked(library, label="Ann")
    asked(helper, label="Bob")
    assert {i.label for i in invitations.invitations(library.house)} == {"Ann", ""}
    assert {i.label for i in invitations.invitations(helper.house)} == {"Bob", ""}


def test_labels_go_when_nobody_can_use_the_link_any_more(
    place: Place, library: Library, clock: Clock
) -> None:
    revoked, expired = asked(library, label="Ann"), asked(library, label="Bob", days=1)
    invitations.revoke(library.house, revoked.invitation.invitation_id)
    assert rows(library, "SELECT count(label) FROM invitations") == [(1,)]
    clock.advance(days=2)
    assert expired.invitation.label == "Bob"
    with place.open() as again:
        assert rows(again, "SELECT count(label) FROM invitations") == [(0,)]


def test_an_invitation_is_revoked_once_and_only_while_it_is_open(library: Library) -> None:
    made = asked(library)
    answered(library, made.secret)
    for invitation_id in (made.invitation.invitation_id, "inv_nothing"):
        with pytest.raises(NotFound):
            invitations.revoke(library.house, invitation_id)
    assert len(approval.waiting(library.house)) == 1
