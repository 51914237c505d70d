"""Messages between a crawling process and its parent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.sources.website.crawl_protocol import (
    ASK,
    DONE,
    HEADER,
    MOST_DETAILS,
    PHOTO,
    SETUP,
    SKIPPED,
    ProtocolBroken,
    Reader,
    flag,
    number,
    pack,
    pack_remembered,
    read_remembered,
    words,
)
from likeness.sources.website.memory import LONGEST_PAGE, Remembered

_texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([ASK, SKIPPED, DONE, PHOTO]),
            st.dictionaries(_texts, st.one_of(_texts, st.integers(), st.booleans())),
            st.binary(max_size=50),
        ),
        max_size=5,
    ),
    st.integers(min_value=1, max_value=30),
)
def test_messages_come_through_whole_in_pieces_of_any_size(
    sent: list[tuple[bytes, dict[str, Any], bytes]], size: int
) -> None:
    bodies = [body if kind == PHOTO else b"" for kind, _, body in sent]
    packed = b"".join(
        pack(kind, details, body) for (kind, details, _), body in zip(sent, bodies, strict=True)
    )
    reader = Reader(from_child=True, max_body=50)
    came = []
    for start in range(0, len(packed), size):
        reader.feed(packed[start : start + size])
        while (message := reader.next()) is not None:
            came.append((message.kind, message.details, message.body))
    expected = [
        (kind, details, body) for (kind, details, _), body in zip(sent, bodies, strict=True)
    ]
    assert came == expected


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_refused(sent: bytes) -> None:
    reader = Reader(from_child=True, max_body=100)
    reader.feed(sent)
    try:
        while (message := reader.next()) is not None:
            assert isinstance(message.details, dict)
    except ProtocolBroken:
        return


@pytest.mark.parametrize(
    ("kind", "length", "size"),
    [
        (b"GET ", 2, 0),
        (SETUP, 2, 0),
        (PHOTO, 2, 101),
        (SKIPPED, 2, 1),
        (ASK, MOST_DETAILS + 1, 0),
        (PHOTO, 2, 1 << 63),
    ],
)
def test_a_length_beyond_what_may_come_is_refused_before_it_comes(
    kind: bytes, length: int, size: int
) -> None:
    reader = Reader(from_child=True, max_body=100)
    reader.feed(HEADER.pack(kind, length, size))
    with pytest.raises(ProtocolBroken):
        reader.next()


@pytest.mark.parametrize("text", [b"[]", b"3", b"{", b'{"a":\xff}', b"[" * 100_000])
def test_what_is_no_object_is_refused(text: bytes) -> None:
    reader = Reader(from_child=True)
    reader.feed(HEADER.pack(DONE, len(text), 0) + text)
    with pytest.raises(ProtocolBroken):
        reader.next()


def test_fields_of_another_kind_are_refused() -> None:
    details = {"text": "a" * 11, "half": "\ud800", "number": 1.5, "yes": True, "below": -1}
    for read in (
        lambda: words(details, "text", 10),
        lambda: words(details, "half", 10),
        lambda: words(details, "absent", 10),
        lambda: number(details, "number", 10),
        lambda: number(details, "yes", 10),
        lambda: number(details, "below", 10),
        lambda: flag(details, "number"),
    ):
        with pytest.raises(ProtocolBroken):
            read()


def test_what_is_remembered_comes_through_at_its_longest() -> None:
    page = Remembered(
        url="https://photos.example.org/" + "ä" * 10, page="\U0001f4f7" * LONGEST_PAGE, size=7
    )
    packed = pack(ASK, pack_remembered(page))
    told = json.loads(packed[HEADER.size :])
    assert read_remembered(told, longest_address=100) == page
