from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from likeness.audit.signed_note import VerifierKey, open_note, parse_note, sign_note
from likeness.errors import BadInput, NotVerified, UsageError

# The example of Go's checksum database.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
GO_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
GO_NOTE = (
    f"{GO_TEXT}\n\u2014 PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
# The example of the C2SP specification.
C2SP_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
C2SP_NOTE = (
    "This is an example message.\n\n\u2014 example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
ONE = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
TWO = Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)

texts = st.text(
    st.characters(exclude_categories=["Cs"], min_codepoint=0x20) | st.just("\n"), min_size=1
).map(lambda text: text + "\n")
names = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"], exclude_characters="+"),
    min_size=1,
).filter(lambda name: not any(letter.isspace() for letter in name))


def test_the_note_of_gos_checksum_database_verifies_and_is_made_the_same() -> None:
    assert open_note(GO_NOTE, key=VerifierKey.parse(GO_KEY)) == GO_TEXT
    private = Ed25519PrivateKey.from_private_bytes(GO_SEED)
    assert VerifierKey.of("PeterNeumann", private).text == GO_KEY
    assert sign_note(GO_TEXT, name="PeterNeumann", private_key=private) == GO_NOTE


def test_the_note_of_the_specification_verifies() -> None:
    text = open_note(C2SP_NOTE, key=VerifierKey.parse(C2SP_KEY))
    assert text == "This is an example message.\n"


@given(texts, names)
def test_a_note_that_was_signed_opens_to_its_text(text: str, name: str) -> None:
    key = VerifierKey.of(name, ONE)
    assert VerifierKey.parse(key.text) == key
    assert open_note(sign_note(text, name=name, private_key=ONE), key=key) == text


@given(texts, st.data())
def test_a_note_with_any_character_changed_does_not_open(text: str, data: st.DataObject) -> None:
    note = sign_note(text, name="likeness/a", private_key=ONE)
    place = data.draw(st.integers(0, len(note) - 1))
    letter = data.draw(st.characters().filter(lambda letter: letter != note[place]))
    changed = note[:place] + letter + note[place + 1 :]
    with pytest.raises(NotVerified):
        open_note(changed, key=VerifierKey.of("likeness/a", ONE))


def test_signatures_by_other_keys_are_passed_over() -> None:
    note = sign_note("text\n", name="one", private_key=ONE)
    line = sign_note("text\n", name="two", private_key=TWO).splitlines(keepends=True)[-1]
    other_algorithm = "\u2014 three " + base64.b64encode(b"abcdefgh").decode() + "\n"
    for key in (VerifierKey.of("one", ONE), VerifierKey.of("two", TWO)):
        assert open_note(note + line + other_algorithm, key=key) == "text\n"
    assert len(parse_note(note + line).signatures) == 2


def test_a_key_of_the_same_name_that_did_not_sign_is_unknown() -> None:
    note = sign_note("text\n", name="one", private_key=ONE)
    with pytest.raises(NotVerified, match="not signed by"):
        open_note(note, key=VerifierKey.of("one", TWO))


def test_a_wrong_signature_in_the_keys_name_fails_even_beside_a_right_one() -> None:
    key = VerifierKey.of("one", ONE)
    note = sign_note("text\n", name="one", private_key=ONE)
    wrong = base64.b64encode(key.key_hash + bytes(64)).decode()
    for line in (f"\u2014 one {wrong}\n", f"\u2014 one {wrong[:12]}\n"):
        with pytest.raises(NotVerified, match="does not fit"):
            open_note(note + line, key=key)


@pytest.mark.parametrize(
    "note",
    [
        "",
        "text\n",
        "text\n\n",
        "\n\u2014 one AAAAAAAA\n",
        "text\n\u2014 one AAAAAAAA\n",
        "text\n\n\u2014 one AAAAAAAA",
        "text\n\n- one AAAAAAAA\n",
        "text\n\n\u2013 one AAAAAAAA\n",
        "text\n\n\u2014 one\n",
        "text\n\n\u2014 one AAAA\n",
        "text\n\n\u2014 one AAAAAAB\n",
        "text\n\n\u2014 one AAAAAAB=\n",
        "text\n\n\u2014 one AAAAAAAA \n",
        "text\n\n\u2014  AAAAAAAA\n",
        "text\n\n\u2014 o+e AAAAAAAA\n",
        "text\r\n\n\u2014 one AAAAAAAA\n",
        "te\x00xt\n\n\u2014 one AAAAAAAA\n",
        "te\ud800xt\n\n\u2014 one AAAAAAAA\n",
        "text\n\n" + "\u2014 one AAAAAAAA\n" * 101,
        "x" * 1_000_001,
    ],
)
def test_a_malformed_note_is_refused(note: str) -> None:
    with pytest.raises(NotVerified):
        parse_note(note)


@pytest.mark.parametrize("text", ["", "\n", "no end", "tab\t\n", "lone \udc00\n"])
def test_a_text_that_no_note_can_hold_is_not_signed(text: str) -> None:
    with pytest.raises(UsageError):
        sign_note(text, name="one", private_key=ONE)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\nb", "a\x1fb", "\ud800"])
def test_a_name_that_no_key_can_have_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        VerifierKey(name=name, public=bytes(32))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PeterNeumann",
        "PeterNeumann+c74f20a3",
        GO_KEY + "\n",
        GO_KEY.replace("c74f20a3", "c74f20a4"),
        GO_KEY.replace("c74f20a3", "C74F20A3"),
        GO_KEY.replace("+ARpc", "+AhpC"),
        GO_KEY[:-4],
        GO_KEY.replace("Peter", "P eter"),
        GO_KEY.replace("Peter", "\ud800"),
    ],
)
def test_a_text_that_is_not_a_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        VerifierKey.parse(text)
