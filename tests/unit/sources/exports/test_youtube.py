"""Exports of YouTube: videos joined to the table of the channel by title and length."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from export_archives import SHAPES, Shape, tree_of
from exports_memory import MemoryTree
from exports_youtube import (
    CHANNEL,
    LAYOUTS,
    Export,
    Layout,
    Video,
    box,
    export_of,
    exports,
    id_of,
    mp4,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from likeness.records.sighting import Span
from likeness.sources.base import SkippedEntry, VideoEntry, item_of
from likeness.sources.exports.formats import Posted
from likeness.sources.exports.mp4_length import length_ms
from likeness.sources.exports.source import ExportSource
from likeness.sources.exports.tree import ExportTree
from likeness.sources.exports.youtube import DELETED, FORMAT, NONE_FITS, OTHER_LENGTH, TWO_FIT
from likeness.sources.links import address_problem, plain_text


def _ids(tree: ExportTree) -> dict[str, str]:
    return {
        each.member.name: each.link.page_url.removeprefix("https://www.youtube.com/watch?v=")
        for each in FORMAT.posts(tree)
        if isinstance(each, Posted)
    }


def _reasons(tree: ExportTree) -> list[str]:
    return [each.reason for each in FORMAT.posts(tree) if isinstance(each, SkippedEntry)]


def _tree(*videos: Video, layout: Layout = LAYOUTS[0]) -> MemoryTree:
    return MemoryTree(files=export_of(list(videos), layout).files)


@settings(max_examples=250, deadline=None)
@given(made=exports)
def test_each_video_is_taken_with_its_own_page_or_named_with_the_reason(made: Export) -> None:
    told = set()
    for each in FORMAT.posts(MemoryTree(files=made.files)):
        if isinstance(each, Posted):
            name = each.member.name
            assert each.link.page_url.endswith("watch?v=" + made.ids[name])
            assert not address_problem(each.link.page_url)
            assert not address_problem(each.moment_url.replace("{seconds}", "7"))
            assert each.link.text == plain_text(each.link.text)
        else:
            name = each.item
            assert each.reason
        assert name not in told
        told.add(name)
    assert told <= {item_of(name) for name in made.ids}
    assert told == {item_of(name) for name in made.ids} or not FORMAT.recognises(
        MemoryTree(files=made.files)
    )


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.root)
@pytest.mark.parametrize("shape", SHAPES)
def test_ordinary_exports_lose_no_video(layout: Layout, shape: Shape, tmp_path: Path) -> None:
    made = export_of(
        [
            Video(title="Holiday", privacy="Private"),
            Video(title="Demo: part 1", length_ms=90_000, privacy="Unlisted"),
            Video(title="Two of a kind", length_ms=10_000),
            Video(title="Two of a kind", length_ms=20_000),
            Video(title="What's it like to live & work in a house without a roof?"),
            Video(title="What's it like to live & work in a boat?", length_ms=5_000),
        ],
        layout,
    )
    tree = tree_of(tmp_path, made.files, shape)
    assert FORMAT.recognises(tree)
    assert _ids(tree) == made.ids
    assert _reasons(tree) == []
    assert FORMAT.account(tree) == f"https://www.youtube.com/channel/{CHANNEL}"
    tree.close()


def test_a_video_links_to_the_moment_that_it_is_about() -> None:
    tree = _tree(Video(title="Holiday"))
    (entry,) = ExportSource(tree, FORMAT).entries()
    assert isinstance(entry, VideoEntry)
    link = entry.link(Span(start_ms=61_500, end_ms=62_000))
    assert link.page_url == f"https://www.youtube.com/watch?v={id_of(0)}&t=61"
    assert (link.confidence, link.link_from) == ("joined", "export")
    assert link.taken_at == datetime(2021, 5, 1, 10, 11, 12, tzinfo=UTC)
    assert link.text == 'Holiday about "it" number 0'


def test_the_length_confirms_a_title() -> None:
    assert _reasons(_tree(Video(title="Holiday", extra_ms=1_600))) == [OTHER_LENGTH]
    assert _ids(_tree(Video(title="Holiday", extra_ms=1_400)))


def test_two_videos_of_one_title_and_length_are_not_guessed_between() -> None:
    tree = _tree(Video(title="Holiday"), Video(title="Holiday", length_ms=60_900))
    assert _reasons(tree) == [TWO_FIT, TWO_FIT]


def test_two_files_that_fit_one_video_are_not_guessed_between() -> None:
    made = export_of([Video(title="Holiday")])
    (name,) = made.ids
    files = made.files | {name.replace(".mp4", "(1).mp4"): made.files[name]}
    assert _reasons(MemoryTree(files=files)) == [TWO_FIT, TWO_FIT]


def test_a_file_that_is_not_in_the_table_is_named() -> None:
    made = export_of([Video(title="Holiday")])
    place = "Takeout/YouTube and YouTube Music/videos/Live Stream.webm"
    tree = MemoryTree(files=made.files | {place: b"x"})
    assert _reasons(tree) == [NONE_FITS]
    assert _ids(tree) == made.ids


def test_a_video_without_a_readable_length_goes_by_its_title_alone() -> None:
    made = export_of([Video(title="Holiday")])
    (name,) = made.ids
    assert _ids(MemoryTree(files=made.files | {name: b"not an mp4"})) == made.ids
    assert _ids(MemoryTree(files=made.files, broken=frozenset({name}))) == made.ids


def test_a_deleted_video_ends() -> None:
    (skipped,) = FORMAT.posts(_tree(Video(title="Holiday", state="Deleted")))
    assert isinstance(skipped, SkippedEntry)
    assert (skipped.reason, skipped.ends) == (DELETED, True)


def test_videos_of_the_rest_of_a_takeout_are_left() -> None:
    made = export_of([Video(title="Holiday")])
    files = made.files | {"Takeout/Google Photos/2021/Holiday.mp4": mp4(60_000)}
    assert _ids(MemoryTree(files=files)) == made.ids
    assert _reasons(MemoryTree(files=files)) == []


def test_ids_that_are_none_are_passed_over() -> None:
    made = export_of([Video(title="Holiday"), Video(title="Work")])
    files = dict(made.files)
    for name in files:
        files[name] = files[name].replace(id_of(1).encode(), b'"><script>')
    assert list(_ids(MemoryTree(files=files)).values()) == [id_of(0)]


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"videos/a.mp4": b"a"},
        {"videos/videos.csv": b"Title,Length\r\na,b\r\n"},
        {"video metadata/videos.csv": b"\xff\xfe\x00"},
        {"playlists/Liked-videos.csv": b"Video ID,Added\r\nabcdefghijk,2021\r\n"},
    ],
)
def test_other_files_are_no_export_of_youtube(files: dict[str, bytes]) -> None:
    assert not FORMAT.recognises(MemoryTree(files=files))


def test_an_export_of_two_channels_has_no_one_account() -> None:
    made = export_of([Video(title="Holiday")])
    two = f"Channel ID,Channel Title\r\n{CHANNEL},a\r\nUC{'d' * 22},b\r\n".encode()
    root = "Takeout/YouTube and YouTube Music"
    files = made.files | {f"{root}/channels/channel.csv": two}
    assert FORMAT.account(MemoryTree(files=files)) == ""


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("last", [False, True])
def test_the_length_is_read_wherever_the_header_lies(version: int, last: bool) -> None:
    assert length_ms(io.BytesIO(mp4(83_123, version=version, last=last))) == 83_123


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"moov",
        box(b"ftyp", b"isom"),
        box(b"moov", b""),
        box(b"moov", box(b"mvhd", b"")),
        box(b"moov", box(b"mvhd", bytes(100))),
        box(b"moov", box(b"mvhd", b"\x09" + bytes(99))),
        b"\x00\x00\x00\x01moov" + b"\xff" * 8,
        b"\x00\x00\x00\x02free" + bytes(40),
        b"\x00\x00\x00\x00free" + bytes(40),
        box(b"free", b"") * 5_000,
        b"\x7f\xff\xff\xffmoov" + box(b"mvhd", bytes(100)),
    ],
)
def test_what_has_no_length_tells_none(content: bytes) -> None:
    assert length_ms(io.BytesIO(content)) is None


@given(st.binary(max_size=200), st.integers(0, 60))
def test_no_bytes_bring_the_length_to_fall(content: bytes, cut: int) -> None:
    whole = mp4(1_000)
    for each in (content, whole[:cut] + content, whole[: len(whole) - cut]):
        found = length_ms(io.BytesIO(each))
        assert found is None or found >= 0
