"""Videos in a folder: told among its photos, opened safely, linked to the moment."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from films import Shot, drawn, film, stills
from hypothesis import given
from hypothesis import strategies as st

from likeness.errors import PhotoUnreadable
from likeness.records.sighting import Span
from likeness.sources import folder as folder_module
from likeness.sources.base import SkippedEntry, SourceEntry, VideoEntry
from likeness.sources.extended_attributes import DownloadOrigin
from likeness.sources.folder import FolderSource
from likeness.sources.folder_video import FolderVideo
from likeness.sources.links import LONGEST_ADDRESS, ListedLink
from likeness.sources.media_fragments import seconds_of, with_moment
from likeness.sources.video.frames import frames_of

SPAN = Span(start_ms=12_000, end_ms=15_500)


def videos(source: FolderSource) -> list[VideoEntry]:
    return [entry for entry in source.entries() if isinstance(entry, VideoEntry)]


def video(path: Path, **changes: object) -> FolderVideo:
    path.write_bytes(b"a video")
    (found,) = videos(FolderSource(path))
    assert isinstance(found, FolderVideo)
    return replace(found, **changes)  # type: ignore[arg-type]


def test_videos_are_told_among_the_photos_in_the_order_of_their_items(tmp_path: Path) -> None:
    for name in ("c.jpg", "a.jpg", "b.MP4", "d/e.mov", "d/f.png", "g.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(name.encode())
    source = FolderSource(tmp_path)
    told = [(type(entry).__name__, entry.item) for entry in source.entries()]
    assert told == [
        ("FolderEntry", "a.jpg"),
        ("FolderVideo", "b.MP4"),
        ("FolderEntry", "c.jpg"),
        ("FolderVideo", "d/e.mov"),
        ("FolderEntry", "d/f.png"),
    ]
    assert source.count() == 5
    assert list(source.entries()) == list(source.entries())


def test_one_video_file_is_a_source_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    film(stills([Shot(picture=drawn(seed), seconds=1.5) for seed in (1, 2)]), path=path)
    (tmp_path / "other.mp4").write_bytes(b"not told")
    source = FolderSource(path)
    (entry,) = videos(source)
    assert not source.whole
    status = path.stat()
    assert (entry.size, entry.modified_ns) == (status.st_size, status.st_mtime_ns)
    found = list(frames_of(entry, stop=threading.Event()))
    assert found[0].item == "film.mp4#t=0,1.5"
    assert isinstance(found[0], SourceEntry)
    assert found[0].link(None).page_url == path.resolve().as_uri() + "#t=0,1.5"


def test_a_video_opens_as_a_stream_that_can_seek_and_holds_nothing_open_after(
    tmp_path: Path,
) -> None:
    entry = video(tmp_path / "film.mp4")
    before = len(os.listdir("/dev/fd"))
    with entry.open() as stream:
        assert stream.seek(0, os.SEEK_END) == 7
        stream.seek(2)
        assert stream.read() == b"video"
    assert len(os.listdir("/dev/fd")) == before


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda path: path.unlink(), "gone"),
        (lambda path: (path.unlink(), path.symlink_to("/etc/hostname")), "symbolic link"),
        (lambda path: (path.unlink(), os.mkfifo(path)), "not a regular file"),
    ],
    ids=["gone", "link", "pipe"],
)
def test_what_took_a_videos_place_is_not_opened(
    tmp_path: Path, change: object, reason: str
) -> None:
    path = tmp_path / "film.mp4"
    entry = video(path)
    change(path)  # type: ignore[operator]
    with pytest.raises(PhotoUnreadable) as raised:
        entry.open()
    assert raised.value.reason == reason
    assert entry.item in raised.value.what and raised.value.fix


def test_a_video_links_to_its_moment_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a film#1.mp4"
    link = video(path).link(SPAN)
    assert link.page_url == link.media_url == path.resolve().as_uri() + "#t=12,15.5"
    assert "%20" in link.page_url and "%23" in link.page_url
    assert (link.span, link.link_from, link.confidence) == (SPAN, "file", "exact")


def test_a_row_of_a_link_list_gives_the_page_and_the_media_with_the_moment(tmp_path: Path) -> None:
    listed = ListedLink(
        page_url="https://example.org/films/1", media_url="https://example.org/1.mp4", text="Us"
    )
    link = video(tmp_path / "film.mp4", listed=listed).link(SPAN)
    assert link.page_url == "https://example.org/films/1"
    assert link.media_url == "https://example.org/1.mp4#t=12,15.5"
    assert (link.text, link.link_from, link.span) == ("Us", "links.csv", SPAN)


def test_an_address_that_has_a_fragment_or_is_long_enough_stays_as_it_is(tmp_path: Path) -> None:
    for media in (
        "https://example.org/1.mp4#part",
        "https://example.org/".ljust(LONGEST_ADDRESS, "a"),
    ):
        listed = ListedLink(page_url="https://example.org/films/1", media_url=media)
        assert video(tmp_path / "film.mp4", listed=listed).link(SPAN).media_url == media


def test_a_download_gives_the_address_that_it_came_from(tmp_path: Path) -> None:
    downloaded = DownloadOrigin(origin="https://example.org/1.mp4")
    link = video(tmp_path / "film.mp4", downloaded=downloaded).link(SPAN)
    assert link.page_url == "https://example.org/1.mp4"
    assert link.media_url == "https://example.org/1.mp4#t=12,15.5"
    assert link.link_from == "download"


def test_without_pyav_a_video_is_skipped_and_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_module, "can_read_videos", lambda: False)
    (tmp_path / "film.mp4").write_bytes(b"a video")
    reason = "video: pip install 'likeness[video]'"
    assert list(FolderSource(tmp_path).entries()) == [SkippedEntry(item="film.mp4", reason=reason)]


@pytest.mark.parametrize(
    ("ms", "text"),
    [(0, "0"), (1, "0.001"), (1500, "1.5"), (12_000, "12"), (61_050, "61.05"), (100, "0.1")],
)
def test_seconds_are_written_with_as_few_decimals_as_it_takes(ms: int, text: str) -> None:
    assert seconds_of(ms) == text


@given(start=st.integers(0, 10**9), length=st.integers(1, 10**9))
def test_a_moment_can_be_read_back_to_the_millisecond(start: int, length: int) -> None:
    place = with_moment("film.mp4", Span(start_ms=start, end_ms=start + length))
    times = place.removeprefix("film.mp4#t=").split(",")
    assert [round(float(time) * 1000) for time in times] == [start, start + length]
