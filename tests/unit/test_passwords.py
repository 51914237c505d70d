"""Passwords: which are taken, how they are kept, and that a wrong one tells nothing."""

from __future__ import annotations

import string
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from byte_scan import forms_of_text, scan
from hypothesis import given
from hypothesis import strategies as st
from promise_house import Clock, Place, rows
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from likeness import passwords, signing_in, ways_in
from likeness.errors import NotFound, NotSignedIn, SignInAgain, UsageError
from likeness.guessable import common_words, own_characters
from likeness.library import Library
from likeness.records.session import Session
from likeness.store import credentials

GOOD = "teal kayak hums often"
OTHER = "vast quilt of nettles"


@pytest.fixture
def helper(library: Library) -> str:
    """An account that has a password."""
    account_id = library.create_account("helper").account_id
    secret = library.set_up_link("helper")
    assert passwords.set_up_password(library.house, secret, GOOD) == account_id
    return account_id


def _signed_in(library: Library, subject_id: str) -> Session:
    return signing_in.begin_session(library.house, subject_id=subject_id, device="Firefox")[1]


@pytest.mark.parametrize(
    "password",
    [
        "elevenchars",
        "password1234",
        "P@ssw0rd2026!",
        "qwertyuiop123",
        "1qaz2wsx3edc",
        "poiuytrewq99",
        "aaaaaaaaaaaaaaaa",
        "abcabcabcabcabc",
        "kayakkayakkayakkayak"[:15],
        "TennisClub1987",
        "helperhelper1",
        "h3lp3r-r3pl3h-2020",
        "196704121967",
        "iloveyouiloveyou",
        "\N{FULLWIDTH LATIN SMALL LETTER A}" * 12,
        "x" * 300,
        "",
    ],
)
def test_what_is_guessed_first_is_not_taken(password: str) -> None:
    with pytest.raises(UsageError):
        passwords.require_good(password, name="helper")


@pytest.mark.parametrize(
    "password", [GOOD, OTHER, "xK9#mPq2vL7w", "drei Äpfel im Gartenhaus", "ζωγραφίζω τη νύχτα"]
)
def test_what_nobody_would_think_of_is_taken(password: str) -> None:
    passwords.require_good(password, name="helper")


@given(st.lists(st.sampled_from(sorted(common_words())), min_size=1), st.text("0123456789"))
def test_common_words_and_digits_in_a_row_leave_nothing(words: list[str], noise: str) -> None:
    text = "".join(word.title() for word in words)
    assert own_characters(text, name="") == 0
    assert own_characters(text + noise, name="") <= len(noise)


@given(st.text(), st.text())
def test_nothing_makes_more_of_a_password_than_it_is(password: str, name: str) -> None:
    left = own_characters(password, name=name)
    assert left >= 0
    assert own_characters(password + password, name=name) <= max(left, 2) + 2


@given(st.text(string.ascii_letters + string.digits, min_size=3, max_size=20))
def test_the_name_of_the_account_adds_nothing(name: str) -> None:
    assert own_characters(name, name=name) == 0
    assert own_characters(name[::-1], name=name) == 0


def test_a_password_signs_in_with_its_name_alone(library: Library, helper: str) -> None:
    house = library.house
    assert passwords.sign_in_with_password(house, "helper", GOOD) == helper
    for name, password in (("helper", OTHER), ("Helper", GOOD), ("owner", GOOD), ("x", "")):
        with pytest.raises(NotSignedIn, match="name or the password is wrong"):
            passwords.sign_in_with_password(house, name, password)


def test_the_same_keys_on_another_system_are_the_same_password(
    library: Library, helper: str
) -> None:
    house = library.house
    composed, apart = "drei \u00c4pfel im Haus", "drei A\u0308pfel im Haus"
    passwords.set_password(house, _signed_in(library, helper), composed, current=GOOD)
    assert passwords.sign_in_with_password(house, "helper", apart) == helper


def test_neither_password_nor_hash_can_be_read_from_the_files(
    place: Place, library: Library, helper: str
) -> None:
    with library.house.store.snapshot() as connection:
        key = library.house.keyring.key(helper)
        kept = credentials.password_of(connection, helper, key=key)
    assert kept is not None and kept.hashed.startswith("$argon2id$")
    for text in (GOOD, kept.hashed):
        assert not scan(place.files(), forms_of_text(text))


def test_an_unknown_name_takes_about_the_work_of_a_known_one(library: Library, helper: str) -> None:
    def seconds(name: str) -> float:
        took = []
        for _ in range(5):
            start = time.perf_counter()
            with pytest.raises(NotSignedIn):
                passwords.sign_in_with_password(library.house, name, OTHER)
            took.append(time.perf_counter() - start)
        return min(took)

    seconds("nobody")
    known, unknown = seconds("helper"), seconds("nobody")
    assert 0.5 < known / unknown < 2


def test_changing_it_needs_the_current_one_and_ends_the_other_sessions(
    library: Library, helper: str, clock: Clock
) -> None:
    house = library.house
    here, session = signing_in.begin_session(house, subject_id=helper, device="Firefox")
    there, _ = signing_in.begin_session(house, subject_id=helper, device="Firefox")
    # Whoever knows it is let in however long ago they signed in.
    clock.now += signing_in.FRESH
    with pytest.raises(NotSignedIn):
        passwords.set_password(house, session, OTHER, current=OTHER)
    passwords.set_password(house, session, OTHER, current=GOOD)
    signing_in.session_of(house, here)
    with pytest.raises(NotSignedIn):
        signing_in.session_of(house, there)
    with pytest.raises(NotSignedIn):
        passwords.sign_in_with_password(house, "helper", GOOD)
    assert passwords.sign_in_with_password(house, "helper", OTHER) == helper
    assert rows(library, "SELECT count(*) FROM credentials") == [(1,)]


def test_a_set_up_link_stays_good_until_a_good_password_was_chosen(library: Library) -> None:
    house = library.house
    helper = library.create_account("helper").account_id
    secret = library.set_up_link("helper")
    with pytest.raises(UsageError):
        passwords.set_up_password(house, secret, "short")
    assert ways_in.password_of(house, helper) is None
    passwords.set_up_password(house, secret, GOOD)
    assert ways_in.password_of(house, helper) is not None
    with pytest.raises(NotFound):
        passwords.set_up_password(house, secret, OTHER)


def test_of_two_who_use_one_set_up_link_at_once_one_is_let_in(library: Library) -> None:
    house = library.house
    library.create_account("helper")
    secret = library.set_up_link("helper")
    together = threading.Barrier(2)

    def use(password: str) -> bool:
        together.wait()
        try:
            passwords.set_up_password(house, secret, password)
        except NotFound:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        let_in = list(pool.map(use, (GOOD, OTHER)))
    assert sorted(let_in) == [False, True]
    kept, refused = (GOOD, OTHER) if let_in[0] else (OTHER, GOOD)
    assert passwords.sign_in_with_password(house, "helper", kept)
    with pytest.raises(NotSignedIn):
        passwords.sign_in_with_password(house, "helper", refused)


def test_the_first_password_is_for_whoever_signed_in_a_moment_ago(
    library: Library, clock: Clock
) -> None:
    house = library.house
    session = _signed_in(library, library.create_account("helper").account_id)
    clock.now += signing_in.FRESH
    with pytest.raises(SignInAgain):
        passwords.set_password(house, session, GOOD)
    clock.now -= timedelta(seconds=1)
    passwords.set_password(house, session, GOOD)
    assert passwords.sign_in_with_password(house, "helper", GOOD) == session.subject_id


def test_a_new_set_up_link_replaces_what_was_lost(library: Library, helper: str) -> None:
    house = library.house
    there, _ = signing_in.begin_session(house, subject_id=helper, device="A lost phone")
    passwords.set_up_password(house, library.set_up_link("helper"), OTHER)
    with pytest.raises(NotSignedIn):
        signing_in.session_of(house, there)
    with pytest.raises(NotSignedIn):
        passwords.sign_in_with_password(house, "helper", GOOD)


def test_a_hash_of_weaker_parameters_is_made_anew_at_the_next_sign_in(
    library: Library, helper: str, clock: Clock
) -> None:
    house = library.house
    weak = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8192),)).hash(GOOD)
    key = house.keyring.key(helper)

    def kept() -> str:
        with house.store.snapshot() as connection:
            found = credentials.password_of(connection, helper, key=key)
        assert found is not None
        return found.hashed

    with house.store.transaction() as connection:
        before = credentials.password_of(connection, helper, key=key)
        assert before is not None
        weaker = type(before)(
            credential_id="cr_weak", subject_id=helper, hashed=weak, created_at=clock.now
        )
        credentials.put_password(connection, weaker, key=key)
    assert passwords.sign_in_with_password(house, "helper", GOOD) == helper
    assert kept() != weak
    stronger = kept()
    assert passwords.sign_in_with_password(house, "helper", GOOD) == helper
    assert kept() == stronger


def test_an_account_that_ended_signs_in_no_more(library: Library, helper: str) -> None:
    session = _signed_in(library, helper)
    library.end_account("helper")
    with pytest.raises(NotSignedIn):
        passwords.sign_in_with_password(library.house, "helper", GOOD)
    with pytest.raises(NotFound):
        passwords.set_password(library.house, session, OTHER, current=GOOD)
