"""Whole synthetic exports of YouTube: videos named by Google's rules, and the table of them."""

from __future__ import annotations

import csv
import io
import struct
from dataclasses import dataclass

from hypothesis import strategies as st

_REPLACED = set("\\/:*?\"<>|&'#%")
CHANNEL = "UC" + "c" * 22


@dataclass(frozen=True, kw_only=True)
class Video:
    """A video of the channel; ``extra_ms`` is how far its file is from what the table says."""

    title: str
    length_ms: int = 60_000
    extra_ms: int = 0
    privacy: str = "Public"
    state: str = "Processed"


@dataclass(frozen=True, kw_only=True)
class Layout:
    root: str = "Takeout/YouTube and YouTube Music"
    videos: str = "videos"
    table: str = "video metadata/videos.csv"
    headers: tuple[str, ...] = (
        *("Video ID", "Approx Duration (ms)", "Video Audio Language", "Video Category"),
        *("Video Description (Original)", "Channel ID", "Tag 1", "Video Title (Original)"),
        *("Privacy", "Video State", "Video Create Timestamp", "Video Publish Timestamp"),
    )
    longest: int = 47
    version: int = 0


LAYOUTS = (
    Layout(),
    Layout(table="video metadata/videos(1).csv", version=1),
    Layout(root="Takeout/YouTube", table="videos/Video Metadata.csv", longest=43),
    Layout(
        root="Takeout/YouTube und YouTube Music",
        videos="Videos",
        table="Video-Metadaten/Videos.csv",
        headers=(
            *("Video-ID", "Ungefähre Dauer (ms)", "Audiosprache", "Videokategorie"),
            *("Videobeschreibung (Original)", "Kanal-ID", "Tag: 1", "Videotitel (Original)"),
            *("Datenschutz", "Videostatus", "Zeitstempel Erstellung", "Zeitstempel"),
        ),
    ),
    Layout(
        root="Takeout/YouTube и YouTube Music",
        videos="видео",
        table="метаданные видео/видео.csv",
        headers=(
            *("Идентификатор видео", "Длительность (ms)", "Язык", "Категория"),
            *("Описание", "Канал", "Метка", "Название"),
            *("Доступ", "Статус", "Создано", "Опубликовано"),
        ),
    ),
)


@dataclass(frozen=True, kw_only=True)
class Export:
    """Files by path, and the id of the video that each video file shows."""

    files: dict[str, bytes]
    ids: dict[str, str]


def id_of(number: int) -> str:
    return f"vid-{number:07d}"


def box(kind: bytes, content: bytes, *, wide: bool = False) -> bytes:
    if wide:
        return struct.pack(">L4sQ", 1, kind, len(content) + 16) + content
    return struct.pack(">L4s", len(content) + 8, kind) + content


def mp4(length_ms: int, *, version: int = 0, seed: int = 0, last: bool = False) -> bytes:
    """A file that has the boxes of an MP4, and no picture."""
    if version:
        header = struct.pack(">B3xQQLQ", 1, 0, 0, 90_000, length_ms * 90)
    else:
        header = struct.pack(">B3xLLLL", 0, 0, 0, 1_000, length_ms)
    movie = box(b"moov", box(b"udta", b"words") + box(b"mvhd", header + bytes(80)))
    data = box(b"mdat", b"frames %d" % seed, wide=bool(version))
    return box(b"ftyp", b"isomiso2") + (data + movie if last else movie + data)


def table(rows: list[tuple[str, Video]], headers: tuple[str, ...]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(headers)
    for number, (video_id, video) in enumerate(rows):
        created = f"2021-05-{number % 28 + 1:02d}T10:11:12+00:00"
        words = f'about "it"\nnumber {number}'
        row = (video_id, video.length_ms, "", "People", words, CHANNEL, "tag", video.title)
        writer.writerow((*row, video.privacy, video.state, created, created))
    return text.getvalue().encode()


def export_of(videos: list[Video], layout: Layout = LAYOUTS[0]) -> Export:
    files: dict[str, bytes] = {}
    ids: dict[str, str] = {}
    rows = [(id_of(number), video) for number, video in enumerate(videos)]
    for number, (video_id, video) in enumerate(rows):
        stem = "".join("_" if letter in _REPLACED else letter for letter in video.title)
        stem, twin = stem[: layout.longest].rstrip() or "_", 0
        place = f"{layout.root}/{layout.videos}/"
        while (name := place + (f"{stem}({twin})" if twin else stem) + ".mp4") in files:
            twin += 1
        length = max(1, video.length_ms + video.extra_ms)
        files[name] = mp4(length, version=layout.version, seed=number, last=number % 2 == 0)
        ids[name] = video_id
    files[f"{layout.root}/{layout.table}"] = table(rows, layout.headers)
    liked = b"Video ID,Playlist Video Creation Timestamp\r\nother-id-01,2021\r\n"
    files[f"{layout.root}/playlists/Liked-videos.csv"] = liked
    return Export(files=files, ids=ids)


_titles = st.one_of(
    st.sampled_from(("Holiday", "Demo: part 1", "Demo? part 1", "l" * 43, "l" * 47, "l" * 60)),
    st.sampled_from(("l" * 50 + "x", "l" * 50 + "y", "Holiday(1)", "été à Nîmes")),
    st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=60),
)
videos = st.builds(
    Video,
    title=_titles,
    length_ms=st.sampled_from((10_000, 10_900, 30_000, 3_600_000)),
    extra_ms=st.integers(-700, 700),
    privacy=st.sampled_from(("Public", "Unlisted", "Private")),
)
exports = st.builds(export_of, st.lists(videos, min_size=1, max_size=8), st.sampled_from(LAYOUTS))
