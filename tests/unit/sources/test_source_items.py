"""An item is a file's name in a form that can be stored, shown and turned back."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.sources.base import item_of, name_of

_names = st.binary(min_size=1, max_size=60).map(os.fsdecode)


@given(name=_names)
def test_an_item_turns_back_into_the_name_byte_for_byte(name: str) -> None:
    assert os.fsencode(name_of(item_of(name))) == os.fsencode(name)


@given(name=_names)
def test_an_item_can_be_stored_and_holds_no_control_character(name: str) -> None:
    item = item_of(name)
    item.encode("utf-8")
    assert not any(ord(letter) < 0x20 or 0x7F <= ord(letter) < 0xA0 for letter in item)
    assert not set(item) & set("\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@given(one=_names, other=_names)
def test_two_names_never_share_an_item(one: str, other: str) -> None:
    assert (item_of(one) == item_of(other)) == (os.fsencode(one) == os.fsencode(other))


@pytest.mark.parametrize(
    ("name", "item"),
    [
        (b"summer 2024/a b#c%41.jpg", "summer 2024/a b#c%41.jpg"),
        ("Zoë · 東京.jpg".encode(), "Zoë · 東京.jpg"),
        ("cafe\u0301.jpg".encode(), "cafe\u0301.jpg"),
        (b"caf\xe9.jpg", r"caf\xE9.jpg"),
        (b"two\nlines.jpg", r"two\x0Alines.jpg"),
        (b"back\\slash.jpg", r"back\x5Cslash.jpg"),
        ("gpj.\u202eevil.jpg".encode(), r"gpj.\u202Eevil.jpg"),
        ("\u0085.jpg".encode(), r"\u0085.jpg"),
    ],
)
def test_ordinary_names_stay_and_others_are_written_out(name: bytes, item: str) -> None:
    assert item_of(os.fsdecode(name)) == item
