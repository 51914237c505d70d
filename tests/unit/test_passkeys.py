"""Passkeys: made, used and refused, with an authenticator in software that can lie."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from byte_scan import forms_of_text, scan
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from promise_house import Clock, Place, enrol
from soft_authenticator import PRESENT, SoftAuthenticator, to_bytes, to_text

from likeness import passkeys, passwords, signing_in, ways_in
from likeness.challenges import LASTS, MOST, Challenges
from likeness.errors import (
    LikenessError,
    NotFound,
    NotSignedIn,
    Refused,
    SignInAgain,
    UsageError,
)
from likeness.library import Library
from likeness.passkeys import MOST_PASSKEYS, Site
from likeness.records.credential import Passkey
from likeness.records.session import Session
from likeness.signing_in import FRESH

SITE = Site(host="localhost", origin="http://localhost")


@pytest.fixture
def challenges(clock: Clock) -> Challenges:
    return Challenges(clock)


@pytest.fixture
def helper(library: Library) -> str:
    return library.create_account("helper").account_id


@pytest.fixture
def device() -> SoftAuthenticator:
    return SoftAuthenticator()


@pytest.fixture
def make(
    library: Library, challenges: Challenges, helper: str, device: SoftAuthenticator
) -> Callable[..., Passkey]:
    """Adds a passkey of the helper's, who is signed in."""

    def make(**lies: Any) -> Passkey:
        house = library.house
        options = passkeys.adding_options(house, SITE, challenges, helper)
        answer = device.make(options, **lies)
        session = _signed_in(library, helper)
        return passkeys.add_passkey(house, SITE, challenges, answer, session=session)

    return make


@pytest.fixture
def sign_in(
    library: Library, challenges: Challenges, device: SoftAuthenticator
) -> Callable[..., str]:
    """Signs in with the newest passkey of the device."""

    def sign_in(**lies: Any) -> str:
        options = passkeys.sign_in_options(SITE, challenges)
        answer = device.sign(options, **lies)
        return passkeys.sign_in_with_passkey(library.house, SITE, challenges, answer)

    return sign_in


def _signed_in(library: Library, subject_id: str) -> Session:
    return signing_in.begin_session(library.house, subject_id=subject_id, device="Firefox")[1]


def test_a_passkey_signs_in_whose_it_is_without_a_name(
    make: Callable[..., Passkey], sign_in: Callable[..., str], library: Library, helper: str
) -> None:
    made = make()
    assert sign_in() == helper
    assert sign_in() == helper
    [kept] = ways_in.passkeys_of(library.house, helper)
    assert (kept.credential_id, kept.site, kept.sign_count) == (made.credential_id, "localhost", 2)
    assert kept.used_at is not None


def test_what_the_browser_is_asked_for_is_a_passkey_that_knows_whose_it_is(
    library: Library, challenges: Challenges, helper: str, make: Callable[..., Passkey]
) -> None:
    made = make()
    options = passkeys.adding_options(library.house, SITE, challenges, helper)
    assert to_bytes(options["user"]["id"]) == helper.encode()
    assert options["user"]["name"] == "helper"
    assert options["attestation"] == "none"
    assert options["authenticatorSelection"] == {
        "residentKey": "required",
        "requireResidentKey": True,
        "userVerification": "required",
    }
    assert [to_bytes(one["id"]) for one in options["excludeCredentials"]] == [made.raw_id]
    asked = passkeys.sign_in_options(SITE, challenges)
    assert asked["allowCredentials"] == [] and asked["rpId"] == "localhost"
    assert asked["userVerification"] == "required"
    assert len(to_bytes(asked["challenge"])) == 32
    elsewhere = Site(host="example.org", origin="https://example.org")
    options = passkeys.adding_options(library.house, elsewhere, challenges, helper)
    assert options["excludeCredentials"] == []


def test_a_phone_that_counts_nothing_signs_in_again_and_again(
    make: Callable[..., Passkey],
    sign_in: Callable[..., str],
    device: SoftAuthenticator,
    helper: str,
) -> None:
    device.counts = False
    make()
    assert [sign_in() for _ in range(3)] == [helper] * 3


@pytest.mark.parametrize(
    "lies",
    [
        {"challenge": to_text(bytes(32))},
        {"origin": "https://evil.example"},
        {"type": "webauthn.create"},
        {"host": "evil.example"},
        {"flags": 0},
        {"flags": PRESENT},
        {"count": 0},
        {"user_handle": b"a_somebodyelse"},
        {"private": ec.generate_private_key(ec.SECP256R1())},
    ],
    ids=lambda lies: next(iter(lies)),
)
def test_a_lie_about_anything_signs_nobody_in(
    make: Callable[..., Passkey], sign_in: Callable[..., str], lies: dict[str, Any], helper: str
) -> None:
    make()
    assert sign_in() == helper
    with pytest.raises(NotSignedIn, match="does not sign anybody in"):
        sign_in(**lies)
    assert sign_in() == helper


@pytest.mark.parametrize(
    "lies",
    [
        {"challenge": to_text(bytes(32))},
        {"origin": "https://evil.example"},
        {"type": "webauthn.get"},
        {"host": "evil.example"},
        {"flags": PRESENT},
    ],
    ids=lambda lies: next(iter(lies)),
)
def test_a_lie_about_anything_makes_no_passkey(
    make: Callable[..., Passkey], lies: dict[str, Any], library: Library, helper: str
) -> None:
    with pytest.raises(Refused):
        make(**lies)
    assert ways_in.passkeys_of(library.house, helper) == []


def test_a_copied_key_is_noticed_by_its_count(
    make: Callable[..., Passkey],
    sign_in: Callable[..., str],
    device: SoftAuthenticator,
    helper: str,
) -> None:
    make()
    copied = device.keys[0].count
    assert sign_in() == helper
    device.keys[0].count = copied
    with pytest.raises(NotSignedIn):
        sign_in()


def test_an_answer_is_good_once(
    library: Library,
    challenges: Challenges,
    make: Callable[..., Passkey],
    device: SoftAuthenticator,
    helper: str,
) -> None:
    make()
    device.counts = False
    answer = device.sign(passkeys.sign_in_options(SITE, challenges))
    assert passkeys.sign_in_with_passkey(library.house, SITE, challenges, answer) == helper
    with pytest.raises(NotSignedIn):
        passkeys.sign_in_with_passkey(library.house, SITE, challenges, answer)


def test_a_challenge_that_waited_too_long_is_none(
    library: Library,
    challenges: Challenges,
    make: Callable[..., Passkey],
    device: SoftAuthenticator,
    clock: Clock,
) -> None:
    make()
    answer = device.sign(passkeys.sign_in_options(SITE, challenges))
    clock.now += LASTS
    with pytest.raises(NotSignedIn):
        passkeys.sign_in_with_passkey(library.house, SITE, challenges, answer)


def test_a_challenge_is_for_one_ceremony_of_one_subject(clock: Clock) -> None:
    challenges = Challenges(clock)
    for ceremony, subject_id in (("sign_in", ""), ("add", "a_two"), ("sign_in", "a_one")):
        given_out = challenges.give("add", subject_id="a_one")
        with pytest.raises(NotSignedIn):
            challenges.take(given_out, ceremony, subject_id=subject_id)  # type: ignore[arg-type]
    given_out = challenges.give("add", subject_id="a_one")
    assert challenges.take(given_out, "add", subject_id="a_one") == given_out


def test_asking_for_ever_more_challenges_fills_no_memory(clock: Clock) -> None:
    challenges = Challenges(clock)
    first = challenges.give("sign_in")
    last = [challenges.give("sign_in") for _ in range(MOST)][-1]
    with pytest.raises(NotSignedIn):
        challenges.take(first, "sign_in")
    assert challenges.take(last, "sign_in") == last


@given(
    st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.one_of(st.none(), st.booleans(), st.integers(), st.text()),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=5,
        ).map(lambda value: json.dumps(value).encode()),
        st.fixed_dictionaries(
            {
                "id": st.text(),
                "rawId": st.text(),
                "type": st.just("public-key"),
                "response": st.fixed_dictionaries(
                    {
                        "clientDataJSON": st.text(),
                        "attestationObject": st.text(),
                        "authenticatorData": st.text(),
                        "signature": st.text(),
                    }
                ),
            }
        ).map(lambda value: json.dumps(value).encode()),
    )
)
def test_nothing_that_a_stranger_sends_is_more_than_a_refusal(answer: bytes) -> None:
    clock = Clock()
    house: Any = SimpleNamespace(clock=clock)
    challenges, now = Challenges(clock), clock()
    session = Session(
        session_id="s",
        subject_id="a_one",
        kind="account",
        created_at=now,
        seen_at=now,
        ends_at=now,
        device="Firefox",
    )
    with pytest.raises(LikenessError):
        passkeys.sign_in_with_passkey(house, SITE, challenges, answer)
    with pytest.raises(LikenessError):
        passkeys.add_passkey(
            house,
            SITE,
            challenges,
            answer,
            session=session,
        )


def test_a_damaged_attestation_is_a_refusal_too(
    library: Library, challenges: Challenges, helper: str, device: SoftAuthenticator
) -> None:
    options = passkeys.adding_options(library.house, SITE, challenges, helper)
    fields = json.loads(device.make(options))
    fields["response"]["attestationObject"] = to_text(b"\xa3\x63fmt\x64none")
    with pytest.raises(Refused, match="does not hold"):
        passkeys.add_passkey(
            library.house,
            SITE,
            challenges,
            json.dumps(fields).encode(),
            session=_signed_in(library, helper),
        )


def test_one_passkey_is_nobody_elses_too(
    library: Library, challenges: Challenges, make: Callable[..., Passkey], device: Any
) -> None:
    made = make()
    owner = library.house.account.account_id
    options = passkeys.adding_options(library.house, SITE, challenges, owner)
    answer = device.make(options, raw_id=made.raw_id)
    with pytest.raises(Refused, match="known already"):
        passkeys.add_passkey(
            library.house, SITE, challenges, answer, session=_signed_in(library, owner)
        )


def test_there_are_only_so_many(make: Callable[..., Passkey]) -> None:
    for _ in range(MOST_PASSKEYS):
        make()
    with pytest.raises(Refused, match="passkeys already"):
        make()


def test_a_set_up_link_makes_a_passkey_once_and_replaces_what_was_lost(
    library: Library, challenges: Challenges, helper: str, device: SoftAuthenticator, sign_in: Any
) -> None:
    house = library.house
    passwords.set_up_password(house, library.set_up_link("helper"), "teal kayak hums often")
    secret = library.set_up_link("helper")

    def set_up() -> str:
        options = passkeys.adding_options(house, SITE, challenges, helper)
        answer = device.make(options)
        return passkeys.set_up_passkey(
            house, SITE, challenges, answer, secret=secret, label="Phone"
        )

    assert set_up() == helper
    assert sign_in() == helper
    assert ways_in.password_of(house, helper) is None
    with pytest.raises(NotFound):
        set_up()
    assert [one.label for one in ways_in.passkeys_of(house, helper)] == ["Phone"]


def test_a_passkey_is_renamed_and_removed_by_whose_it_is_alone(
    library: Library, helper: str, make: Callable[..., Passkey]
) -> None:
    house, owner = library.house, library.house.account.account_id
    first, second = make(), make()
    own, others = _signed_in(library, helper), _signed_in(library, owner)
    ways_in.rename_passkey(house, helper, first.credential_id, " My\x00 key " + "x" * 100)
    labels = {one.credential_id: one.label for one in ways_in.passkeys_of(house, helper)}
    assert labels[first.credential_id] == ("My key " + "x" * 100)[:60]
    for change in (
        lambda: ways_in.rename_passkey(house, owner, first.credential_id, "mine"),
        lambda: ways_in.remove_credential(house, others, first.credential_id),
    ):
        with pytest.raises(NotFound):
            change()
    ways_in.remove_credential(house, own, first.credential_id)
    with pytest.raises(UsageError, match="last way to sign in"):
        ways_in.remove_credential(house, own, second.credential_id)
    assert [one.credential_id for one in ways_in.passkeys_of(house, helper)] == [
        second.credential_id
    ]


def test_removing_a_passkey_signs_every_other_browser_out(
    library: Library, helper: str, make: Callable[..., Passkey]
) -> None:
    first, _ = make(), make()
    here = _signed_in(library, helper)
    for _ in range(2):
        _signed_in(library, helper)
    elsewhere = _signed_in(library, library.house.account.account_id)
    ways_in.remove_credential(library.house, here, first.credential_id)
    assert signing_in.sessions_of(library.house, helper) == [here]
    assert signing_in.sessions_of(library.house, elsewhere.subject_id) == [elsewhere]


@pytest.mark.parametrize("who", ["account", "person"])
def test_passkeys_are_added_and_removed_only_a_moment_after_signing_in(
    library: Library,
    challenges: Challenges,
    device: SoftAuthenticator,
    clock: Clock,
    helper: str,
    who: str,
) -> None:
    house = library.house
    subject_id = helper if who == "account" else enrol(library, "Ann", 1)
    session = _signed_in(library, subject_id)

    def add() -> Passkey:
        options = passkeys.adding_options(house, SITE, challenges, subject_id)
        return passkeys.add_passkey(house, SITE, challenges, device.make(options), session=session)

    first, second = add(), add()
    clock.now += FRESH
    # What was asked for in the meantime does not make the session a new one.
    for change in (add, lambda: ways_in.remove_credential(house, session, first.credential_id)):
        with pytest.raises(SignInAgain, match="after signing in"):
            change()
    assert ways_in.passkeys_of(house, subject_id) in ([first, second], [second, first])
    session = _signed_in(library, subject_id)
    add()
    ways_in.remove_credential(house, session, first.credential_id)


def test_a_person_has_passkeys_too_until_they_withdraw(
    library: Library, challenges: Challenges, device: SoftAuthenticator, sign_in: Any
) -> None:
    ann = enrol(library, "Ann", 1)
    house = library.house
    options = passkeys.adding_options(house, SITE, challenges, ann)
    session = _signed_in(library, ann)
    made = passkeys.add_passkey(house, SITE, challenges, device.make(options), session=session)
    assert sign_in() == ann
    # Theirs may be the last to go: they have a private link too.
    ways_in.remove_credential(house, session, made.credential_id)
    passkeys.add_passkey(
        house,
        SITE,
        challenges,
        device.make(passkeys.adding_options(house, SITE, challenges, ann)),
        session=session,
    )
    assert sign_in() == ann
    library.withdraw(ann)
    with pytest.raises(NotSignedIn):
        sign_in()


def test_nothing_of_a_passkey_can_be_read_from_the_files(
    place: Place, library: Library, helper: str, make: Callable[..., Passkey]
) -> None:
    made = make()
    ways_in.rename_passkey(library.house, helper, made.credential_id, "Under the doormat")
    for text in ("Under the doormat", to_text(made.raw_id), to_text(made.public_key)):
        assert not scan(place.files(), forms_of_text(text))


def test_an_account_that_ended_signs_in_no_more(
    library: Library, make: Callable[..., Passkey], sign_in: Callable[..., str]
) -> None:
    make()
    library.end_account("helper")
    with pytest.raises(NotSignedIn):
        sign_in()
