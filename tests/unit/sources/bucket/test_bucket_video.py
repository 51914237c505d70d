"""A video in a bucket is read piece by piece, and only while it is what was listed."""

from __future__ import annotations

import io
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from s3_server import S3Server, prove

from likeness.errors import PhotoUnreadable, SourceBlocked
from likeness.sources.base import VideoEntry
from likeness.sources.bucket.source import BucketSource

_FILM = random.Random(4).randbytes(9_000_000)
_moves = st.lists(
    st.one_of(
        st.tuples(st.just("read"), st.integers(0, 3_000_000)),
        st.tuples(st.just("seek"), st.integers(0, len(_FILM) + 100)),
        st.tuples(st.just("from end"), st.integers(0, len(_FILM))),
    ),
    max_size=12,
)


def _video(server: S3Server, name: str) -> VideoEntry:
    (video,) = BucketSource(f"s3://{name}", prove=prove).entries()
    assert isinstance(video, VideoEntry)
    server.asked.clear()
    return video


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=_moves)
def test_it_reads_as_a_file_does(server: S3Server, moves: list[tuple[str, int]]) -> None:
    name = server.bucket({"film.mp4": _FILM})
    expected = io.BytesIO(_FILM)
    with _video(server, name).open() as stream:
        assert stream.seekable()
        for move, number in moves:
            if move == "read":
                assert stream.read(number) == expected.read(number)
            else:
                place = (number, 0) if move == "seek" else (-number, 2)
                assert stream.seek(*place) == expected.seek(*place)
            assert stream.tell() == expected.tell()
    server.drop(name)


def test_only_what_is_wanted_is_fetched(server: S3Server) -> None:
    with _video(server, server.bucket({"film.mp4": _FILM})).open() as stream:
        stream.seek(-100, 2)
        assert stream.read() == _FILM[-100:]
    wanted = [asked.headers["range"] for asked in server.asked]
    assert wanted == ["bytes=0-4194303", f"bytes={len(_FILM) - 100}-{len(_FILM) - 1}"]
    assert all("if-match" in asked.headers for asked in server.asked)


def test_a_video_that_went_is_told_when_it_is_opened(server: S3Server) -> None:
    name = server.bucket({"film.mp4": _FILM})
    video = _video(server, name)
    server.delete(name, "film.mp4")
    with pytest.raises(PhotoUnreadable) as raised:
        video.open()
    assert raised.value.reason == "gone"


def test_a_video_exchanged_while_it_is_read_is_not_read_on(server: S3Server) -> None:
    name = server.bucket({"film.mp4": _FILM})
    stream = _video(server, name).open()
    assert stream.read(10) == _FILM[:10]
    server.put(name, "film.mp4", _FILM[::-1])
    with pytest.raises(PhotoUnreadable) as raised:
        stream.read(5_000_000)
    assert raised.value.reason == "changing"
    stream.close()


def test_a_stop_ends_the_reading_of_a_video(server: S3Server) -> None:
    source = BucketSource(f"s3://{server.bucket({'film.mp4': _FILM})}", prove=prove)
    (video,) = source.entries()
    assert isinstance(video, VideoEntry)
    with video.open() as stream:
        source.stop()
        server.asked.clear()
        with pytest.raises(SourceBlocked):
            stream.read(5_000_000)
    assert server.asked == []


def test_an_empty_video_opens_and_ends(server: S3Server) -> None:
    with _video(server, server.bucket({"film.mp4": b""})).open() as stream:
        assert stream.read() == b""
