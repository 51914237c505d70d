"""What a child that decodes a video may say, and the file that it reads from."""

from __future__ import annotations

import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.sources.video.asked_bytes import AskedBytes, ends_early
from likeness.sources.video.limits import VideoLimits
from likeness.sources.video.protocol import (
    BLOCK,
    HEADER,
    REASONS,
    At,
    End,
    Frame,
    Message,
    ProtocolBroken,
    Read,
    pack,
    unpack,
)

LIMITS = VideoLimits()


@pytest.mark.parametrize(
    "message",
    [
        Read(offset=1 << 60, size=BLOCK),
        At(ms=5),
        Frame(start_ms=0, end_ms=LIMITS.max_ms, size=LIMITS.max_jpeg),
        *(End(reason=reason) for reason in REASONS),
    ],
)
def test_a_message_survives_the_way_through_the_pipe(message: Message) -> None:
    assert unpack(pack(message), LIMITS) == message


@pytest.mark.parametrize(
    "header",
    [
        HEADER.pack(b"LKVr", 0, 0, BLOCK + 1),
        HEADER.pack(b"LKVr", 0, 0, 0),
        HEADER.pack(b"LKVr", 0, 1, 5),
        HEADER.pack(b"LKVa", LIMITS.max_ms + 2, 0, 0),
        HEADER.pack(b"LKVf", 5, 5, 100),
        HEADER.pack(b"LKVf", 6, 5, 100),
        HEADER.pack(b"LKVf", 5, LIMITS.max_ms + 2, 100),
        HEADER.pack(b"LKVf", 5, 6, LIMITS.max_jpeg + 1),
        HEADER.pack(b"LKVf", 5, 6, 0),
        HEADER.pack(b"LKVe", 0, 0, len(REASONS)),
        HEADER.pack(b"LKVx", 0, 0, 0),
    ],
)
def test_what_is_out_of_bounds_is_refused_before_anything_is_allocated(header: bytes) -> None:
    with pytest.raises(ProtocolBroken):
        unpack(header, LIMITS)


@given(header=st.binary(min_size=HEADER.size, max_size=HEADER.size))
def test_any_header_is_a_message_within_bounds_or_refused(header: bytes) -> None:
    try:
        message = unpack(header, LIMITS)
    except ProtocolBroken:
        return
    assert pack(message) == header


@given(
    data=st.binary(max_size=300),
    steps=st.lists(
        st.tuples(
            st.integers(-400, 400),
            st.sampled_from([os.SEEK_SET, os.SEEK_CUR, os.SEEK_END]),
            st.integers(0, 400),
        ),
        max_size=20,
    ),
)
def test_bytes_that_are_asked_for_read_as_a_file_does(
    data: bytes, steps: list[tuple[int, int, int]]
) -> None:
    def ask(offset: int, size: int) -> bytes:
        assert 0 <= offset < len(data) and 0 < size <= BLOCK
        return data[offset : offset + size]

    ours, real = AskedBytes(len(data), ask), io.BytesIO(data)
    for offset, whence, size in steps:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: real.tell(), os.SEEK_END: len(data)}[whence]
        if base + offset < 0:
            with pytest.raises(ValueError, match="before the beginning"):
                ours.seek(offset, whence)
            continue
        assert ours.seek(offset, whence) == real.seek(offset, whence)
        assert ours.read(size) == real.read(size)
        assert ours.tell() == real.tell()


def test_blocks_are_asked_for_once_and_a_few_are_held() -> None:
    asked: list[int] = []

    def ask(offset: int, size: int) -> bytes:
        asked.append(offset)
        return bytes(size)

    file = AskedBytes(40 * BLOCK + 5, ask)
    for _ in range(3):
        for place in (0, 30 * BLOCK):
            file.seek(place)
            assert len(file.read(BLOCK)) == BLOCK
    assert asked == [0, 30 * BLOCK]
    file.seek(0)
    while file.read(BLOCK):
        pass
    assert len(file._held) == 16
    assert file.tell() == file.size


def boxed(*boxes: tuple[bytes, int]) -> bytes:
    return b"".join((8 + size).to_bytes(4, "big") + kind + bytes(size) for kind, size in boxes)


@pytest.mark.parametrize(
    ("data", "early"),
    [
        (boxed((b"ftyp", 16), (b"moov", 100), (b"mdat", 500)), False),
        (boxed((b"ftyp", 16), (b"moov", 100), (b"mdat", 500))[:-1], True),
        (boxed((b"ftyp", 16), (b"mdat", 500))[:30], True),
        (boxed((b"ftyp", 16)) + (1).to_bytes(4, "big") + b"mdat" + (99).to_bytes(8, "big"), True),
        (boxed((b"ftyp", 16)) + bytes(4) + b"mdat" + bytes(50), False),
        (boxed((b"ftyp", 16)) + (3).to_bytes(4, "big") + b"mdat", False),
        (b"\x1aE\xdf\xa3" + bytes(100), False),
        (b"", False),
    ],
)
def test_a_file_that_ends_within_a_box_is_told(data: bytes, early: bool) -> None:
    assert ends_early(AskedBytes(len(data), lambda at, size: data[at : at + size])) is early
