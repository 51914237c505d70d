"""Sessions and secret links: what signs somebody in, for how long, and what ends it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from byte_scan import forms_of_text, scan
from hypothesis import given
from hypothesis import strategies as st
from promise_house import Clock, Place, enrol, rows

from likeness import signing_in
from likeness.errors import NotFound, NotSignedIn, SignInAgain, StorageError, UsageError
from likeness.library import Library
from likeness.records.session import Session, SubjectKind
from likeness.store.keyring import Keyring

ANN = 1
DEVICE = "Firefox on a very particular machine"


def _begin(library: Library, subject_id: str) -> tuple[str, Session]:
    return signing_in.begin_session(library.house, subject_id=subject_id, device=DEVICE)


def _seen(library: Library, secret: str) -> Session:
    return signing_in.session_of(library.house, secret)[0]


@pytest.fixture
def helper(library: Library) -> str:
    return library.create_account("helper").account_id


@pytest.fixture
def ann(library: Library) -> str:
    return enrol(library, "Ann", ANN)


def test_a_secret_leads_to_its_session_and_nothing_else_does(library: Library, helper: str) -> None:
    secret, session = _begin(library, helper)
    assert _seen(library, secret) == session
    assert (session.subject_id, session.kind, session.device) == (helper, "account", DEVICE)
    for other in (session.session_id, "", secret[:-1], secret + "x", "\ud800"):
        with pytest.raises(NotSignedIn):
            signing_in.session_of(library.house, other)


def test_no_secret_and_no_device_can_be_read_from_the_files(
    place: Place, library: Library, helper: str
) -> None:
    secret, _ = _begin(library, helper)
    link = signing_in.make_link(library.house, subject_id=helper, kind="set_up")
    for text in (secret, link, DEVICE):
        assert not scan(place.files(), forms_of_text(text)), text


@pytest.mark.parametrize("kind", ["account", "person"])
def test_a_session_ends_when_it_is_idle_for_too_long(
    library: Library, clock: Clock, helper: str, ann: str, kind: SubjectKind
) -> None:
    secret, _ = _begin(library, helper if kind == "account" else ann)
    clock.now += signing_in.IDLE[kind] - timedelta(seconds=1)
    assert _seen(library, secret).seen_at < clock.now
    clock.now += signing_in.IDLE[kind] - timedelta(seconds=1)
    signing_in.session_of(library.house, secret)
    clock.now += signing_in.IDLE[kind]
    with pytest.raises(NotSignedIn):
        signing_in.session_of(library.house, secret)


@pytest.mark.parametrize("kind", ["account", "person"])
def test_a_session_ends_at_last_however_busy_it_is(
    library: Library, clock: Clock, helper: str, ann: str, kind: SubjectKind
) -> None:
    secret, session = _begin(library, helper if kind == "account" else ann)
    while clock.now < session.created_at + signing_in.LONGEST[kind]:
        assert _seen(library, secret).ends_at == session.ends_at
        clock.advance(minutes=20)
    with pytest.raises(NotSignedIn):
        signing_in.session_of(library.house, secret)


def test_a_session_notes_that_it_was_seen_once_a_minute_at_most(
    library: Library, clock: Clock, helper: str
) -> None:
    secret, session = _begin(library, helper)
    clock.advance(seconds=59)
    signing_in.session_of(library.house, secret)
    assert _seen(library, secret).seen_at == session.seen_at
    clock.advance(seconds=1)
    signing_in.session_of(library.house, secret)
    assert _seen(library, secret).seen_at == clock.now


def test_signing_in_again_ends_the_session_that_the_browser_had(
    library: Library, helper: str
) -> None:
    before, session = _begin(library, helper)
    after, _ = signing_in.begin_session(
        library.house,
        subject_id=helper,
        device=DEVICE,
        replacing=session.session_id,
    )
    assert before != after
    with pytest.raises(NotSignedIn):
        signing_in.session_of(library.house, before)
    signing_in.session_of(library.house, after)


def test_sessions_are_listed_and_ended_one_by_one_or_all_but_one(
    library: Library, clock: Clock, helper: str
) -> None:
    begun = []
    for _ in range(3):
        begun.append(_begin(library, helper))
        clock.advance(minutes=2)
    owner, _ = _begin(library, library.house.account.account_id)
    listed = signing_in.sessions_of(library.house, helper)
    assert [one.session_id for one in listed] == [s.session_id for _, s in reversed(begun)]
    # Somebody else's is not theirs to end.
    mine = listed[0].session_id
    signing_in.end_session(library.house, mine, subject_id="a_somebodyelse")
    assert len(signing_in.sessions_of(library.house, helper)) == 3
    signing_in.end_session(library.house, mine, subject_id=helper)
    assert signing_in.end_sessions(library.house, helper, but=begun[0][1].session_id) == 1
    signing_in.session_of(library.house, begun[0][0])
    signing_in.session_of(library.house, owner)
    for secret, _ in begun[1:]:
        with pytest.raises(NotSignedIn):
            signing_in.session_of(library.house, secret)


def test_sessions_that_ended_are_not_listed_and_are_forgotten(
    library: Library, clock: Clock, helper: str
) -> None:
    _begin(library, helper)
    clock.advance(hours=3)
    assert signing_in.sessions_of(library.house, helper) == []
    _begin(library, helper)
    assert rows(library, "SELECT count(*) FROM sessions") == [(1,)]


def test_the_house_acts_as_whoever_is_signed_in(library: Library, helper: str, ann: str) -> None:
    for subject_id, kind, name, role in (
        (library.house.account.account_id, "account", "owner", "owner"),
        (helper, "account", "helper", "member"),
        (ann, "person", "", "member"),
    ):
        secret, session = _begin(library, subject_id)
        _, acting = signing_in.session_of(library.house, secret)
        assert session.kind == kind
        assert (acting.account_id, acting.name, acting.role) == (subject_id, name, role)
    with pytest.raises(NotSignedIn):
        _begin(library, "a_nobody")


def test_a_session_of_another_kind_than_its_subject_signs_nobody_in(
    library: Library, helper: str, ann: str
) -> None:
    for subject_id, kind in ((helper, "person"), (ann, "account")):
        secret, session = _begin(library, subject_id)
        with library.house.store.transaction() as connection:
            connection.exec_driver_sql(
                "UPDATE sessions SET kind = ? WHERE session_id = ?", (kind, session.session_id)
            )
        with pytest.raises(NotSignedIn):
            signing_in.session_of(library.house, secret)


def test_a_session_is_fresh_for_a_few_minutes_whatever_is_asked_for_in_it(
    library: Library, clock: Clock, helper: str
) -> None:
    secret, session = _begin(library, helper)
    clock.now += signing_in.FRESH - timedelta(seconds=1)
    signing_in.require_fresh(library.house, _seen(library, secret))
    clock.now += timedelta(seconds=1)
    assert not signing_in.is_fresh(library.house, _seen(library, secret))
    with pytest.raises(SignInAgain):
        signing_in.require_fresh(library.house, session)


def test_a_set_up_link_works_once_within_a_day(library: Library, clock: Clock, helper: str) -> None:
    house = library.house
    secret = signing_in.make_link(house, subject_id=helper, kind="set_up")
    # A preview of the page does not use it up.
    assert signing_in.opened_link(house, secret, kind="set_up") == helper
    assert signing_in.take_link(house, secret, kind="set_up") == helper
    late = signing_in.make_link(house, subject_id=helper, kind="set_up")
    clock.advance(days=1)
    for gone in (secret, late, "", "guess"):
        for use in (signing_in.take_link, signing_in.opened_link):
            with pytest.raises(NotFound, match="does not work"):
                use(house, gone, kind="set_up")


def test_a_link_back_works_again_and_again_until_it_ends(
    library: Library, clock: Clock, ann: str
) -> None:
    house = library.house
    secret = signing_in.make_link(house, subject_id=ann, kind="return", days=30)
    for _ in range(3):
        assert signing_in.take_link(house, secret, kind="return") == ann
        clock.advance(days=9)
    with pytest.raises(NotFound):
        signing_in.take_link(house, secret, kind="set_up")
    clock.advance(days=3)
    with pytest.raises(NotFound):
        signing_in.take_link(house, secret, kind="return")
    with pytest.raises(UsageError):
        signing_in.make_link(house, subject_id=ann, kind="return")


def test_a_new_link_ends_the_former_of_its_kind(library: Library, ann: str) -> None:
    house = library.house
    first = signing_in.make_link(house, subject_id=ann, kind="return", days=30)
    set_up = signing_in.make_link(house, subject_id=ann, kind="set_up")
    second = signing_in.make_link(house, subject_id=ann, kind="return", days=30)
    with pytest.raises(NotFound):
        signing_in.take_link(house, first, kind="return")
    assert signing_in.take_link(house, second, kind="return") == ann
    assert signing_in.take_link(house, set_up, kind="set_up") == ann
    assert signing_in.make_link(house, subject_id=ann, kind="set_up")
    assert rows(library, "SELECT count(*) FROM sign_in_links WHERE kind = 'return'") == [(1,)]
    with pytest.raises(NotFound):
        signing_in.make_link(house, subject_id="p_nobody", kind="return", days=1)


def test_withdrawing_leaves_no_way_back_in(library: Library, ann: str, helper: str) -> None:
    house = library.house
    secret, _ = _begin(library, ann)
    link = signing_in.make_link(house, subject_id=ann, kind="return", days=30)
    other, _ = _begin(library, helper)
    library.withdraw(ann)
    with pytest.raises(NotSignedIn):
        signing_in.session_of(house, secret)
    with pytest.raises(NotFound):
        signing_in.take_link(house, link, kind="return")
    for table in ("sessions", "sign_in_links", "credentials"):
        found = rows(library, f"SELECT count(*) FROM {table} WHERE subject_id = :who", who=ann)
        assert found == [(0,)], table
    signing_in.session_of(house, other)


def test_a_withdrawal_signs_out_before_anything_else_can_fail(
    library: Library, ann: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, _ = _begin(library, ann)
    link = signing_in.make_link(library.house, subject_id=ann, kind="return", days=30)

    def full_disk(_keyring: Keyring, _subject_id: str) -> None:
        raise StorageError("The disk is full.")

    monkeypatch.setattr(Keyring, "destroy", full_disk)
    with pytest.raises(StorageError):
        library.withdraw(ann)
    with pytest.raises(NotSignedIn):
        signing_in.session_of(library.house, secret)
    with pytest.raises(NotFound):
        signing_in.take_link(library.house, link, kind="return")


def test_a_backup_brings_no_way_in_back_of_whoever_was_erased(place: Place) -> None:
    with place.open() as library:
        ann = enrol(library, "Ann", ANN)
        secret, _ = _begin(library, ann)
        link = signing_in.make_link(library.house, subject_id=ann, kind="return", days=30)
    backup = place.back_up("backup")
    with place.open() as library:
        library.withdraw(ann)
        place_head = rows(library, "SELECT tombstone_count FROM library")
    place.restore(backup)
    with place.open() as library:
        assert place_head == [(1,)]
        assert rows(library, "SELECT count(*) FROM sessions") == [(0,)]
        with pytest.raises(NotSignedIn):
            signing_in.session_of(library.house, secret)
        with pytest.raises(NotFound):
            signing_in.take_link(library.house, link, kind="return")


def test_the_owner_gets_a_link_until_somebody_can_sign_in_as_owner(library: Library) -> None:
    house = library.house
    first = signing_in.owner_link(house)
    second = signing_in.owner_link(house)
    assert first and second
    with pytest.raises(NotFound):
        signing_in.opened_link(house, first, kind="set_up")
    owner = house.account.account_id
    assert signing_in.opened_link(house, second, kind="set_up") == owner
    assert signing_in.name_of(house, owner) == "owner"


@given(st.text())
def test_what_is_kept_of_a_secret_is_always_a_hash(secret: str) -> None:
    kept = signing_in.hash_of(secret)
    assert len(kept) == 64 and kept != secret
