from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.errors import StorageError, UsageError
from likeness.store.envelope import OVERHEAD_BYTES, Envelope, seal, unseal

KEY = bytes(range(32))


@given(st.binary(), st.text(st.characters(exclude_categories=["Cs"])))
def test_what_was_sealed_comes_back_under_the_same_key_and_context(
    plaintext: bytes, context: str
) -> None:
    sealed = seal(KEY, plaintext, context=context)
    assert len(sealed) == len(plaintext) + OVERHEAD_BYTES
    assert unseal(KEY, sealed, context=context) == plaintext


@given(st.binary(min_size=1, max_size=40), st.data())
def test_an_envelope_with_any_byte_changed_does_not_open(
    plaintext: bytes, data: st.DataObject
) -> None:
    sealed = bytearray(seal(KEY, plaintext, context="details"))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(StorageError):
        unseal(KEY, bytes(sealed), context="details")


def test_an_envelope_that_was_moved_does_not_open() -> None:
    sealed = seal(KEY, b"name", context="person:1")
    with pytest.raises(StorageError):
        unseal(KEY, sealed, context="person:2")
    with pytest.raises(StorageError):
        unseal(bytes(32), sealed, context="person:1")


def test_the_same_thing_is_never_sealed_the_same_way_twice() -> None:
    envelope = Envelope(KEY)
    sealed = {envelope.seal(b"name", context="person:1") for _ in range(100)}
    assert len(sealed) == 100
    assert all(b"name" not in one for one in sealed)


@pytest.mark.parametrize("sealed", [b"", b"\x01", bytes(40), b"\x02" + bytes(40)])
def test_what_is_no_envelope_is_refused(sealed: bytes) -> None:
    with pytest.raises(StorageError):
        unseal(KEY, sealed, context="details")


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(UsageError):
        seal(bytes(length), b"", context="")


def test_an_error_shows_nothing_of_what_was_sealed() -> None:
    sealed = seal(KEY, b"Jane Doe", context="person:Jane Doe")
    with pytest.raises(StorageError) as caught:
        unseal(bytes(32), sealed, context="person:Jane Doe")
    assert "Jane" not in str(caught.value)
    assert caught.value.__cause__ is None
