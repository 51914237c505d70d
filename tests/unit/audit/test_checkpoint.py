from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from likeness.audit.checkpoint import Checkpoint
from likeness.audit.signed_note import VerifierKey, sign_note
from likeness.errors import NotVerified, UsageError

ROOT = bytes(range(32))
ENCODED = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


def test_a_checkpoint_has_the_body_of_the_specification() -> None:
    checkpoint = Checkpoint(origin="likeness/0f3a", size=20852163, root=ROOT)
    assert checkpoint.body() == f"likeness/0f3a\n20852163\n{ENCODED}\n"
    assert Checkpoint.parse(checkpoint.body()) == checkpoint


def test_further_lines_of_another_log_are_kept() -> None:
    body = f"example.com/log\n0\n{ENCODED}\nmore\nand more\n"
    assert Checkpoint.parse(body).extensions == ("more", "and more")
    assert Checkpoint.parse(body).body() == body


def test_a_signed_checkpoint_verifies_under_its_own_key_only(
    private_key: Ed25519PrivateKey, key: VerifierKey
) -> None:
    checkpoint = Checkpoint(origin=key.name, size=7, root=ROOT)
    note = checkpoint.sign(private_key)
    assert Checkpoint.verify(note, key=key) == checkpoint
    other = VerifierKey.of(key.name, Ed25519PrivateKey.generate())
    with pytest.raises(NotVerified):
        Checkpoint.verify(note, key=other)


def test_a_checkpoint_of_another_log_signed_by_this_key_is_refused(
    private_key: Ed25519PrivateKey, key: VerifierKey
) -> None:
    body = Checkpoint(origin="likeness/other", size=7, root=ROOT).body()
    note = sign_note(body, name=key.name, private_key=private_key)
    with pytest.raises(NotVerified, match="likeness/other"):
        Checkpoint.verify(note, key=key)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "a\n1\n",
        f"a\n1\n{ENCODED}",
        f"\n1\n{ENCODED}\n",
        f"a\n01\n{ENCODED}\n",
        f"a\n-1\n{ENCODED}\n",
        f"a\n\uff11\n{ENCODED}\n",
        f"a\n1_0\n{ENCODED}\n",
        f"a\n99999999999999999999\n{ENCODED}\n",
        f"a\n9223372036854775808\n{ENCODED}\n",
        f"a\n1\n{ENCODED[:-4]}\n",
        f"a\n1\n{ENCODED[:-2]}9=\n",
        f"a\n1\n{ENCODED}\n\n",
        f"a\n1\n{ENCODED}\nmore\n\n",
    ],
)
def test_a_malformed_body_is_refused(body: str) -> None:
    with pytest.raises(NotVerified):
        Checkpoint.parse(body)


def test_a_checkpoint_without_a_body_cannot_be_made() -> None:
    for changed in (
        {"origin": ""},
        {"origin": "a\nb"},
        {"size": -1},
        {"root": bytes(31)},
        {"extensions": ("",)},
    ):
        with pytest.raises(UsageError):
            Checkpoint(**{"origin": "a", "size": 1, "root": ROOT, **changed})
