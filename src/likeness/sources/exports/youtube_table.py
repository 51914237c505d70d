"""The table of a channel's videos in an export of YouTube: which columns are read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from likeness.sources.base import SkippedEntry
from likeness.sources.exports.google_claims import VIDEO_ENDINGS
from likeness.sources.exports.google_names import folded, split_ending
from likeness.sources.exports.records import csv_rows
from likeness.sources.exports.tree import ExportTree, Member
from likeness.sources.links import moment_of, plain_text

MAY_BE_CUT = 40
"""From as many letters on a title may have been cut for the name of its file."""

_COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "id": ("video id", "video-id", "id de la vidéo", "id de vídeo", "id del vídeo", "id video"),
        "title": (
            *("video title (original)", "videotitel (original)", "video title", "title"),
            *("titre de la vidéo (original)", "título del vídeo (original)", "titel"),
        ),
        "length": ("approx duration (ms)", "ungefähre dauer (ms)", "duration (ms)"),
        "created": ("video create timestamp", "video publish timestamp", "created"),
        "text": ("video description (original)", "videobeschreibung (original)"),
        "state": ("video state", "videostatus"),
        "channel": ("channel id", "kanal-id"),
    }
)
"""By what is read of the table of videos; headers in lower case. Where a language is not among
them, columns are told by what is in them."""

_ID = re.compile(r"[\w-]{11}", re.ASCII)
_CHANNEL_ID = re.compile(r"UC[\w-]{22}", re.ASCII)
_SHAPES = (
    ("id", _ID),
    ("channel", _CHANNEL_ID),
    ("created", re.compile(r"\d{4}-\d\d-\d\dT[\d:.]{5,15}(?:Z|[+-]\d\d:?\d\d)?", re.ASCII)),
)
_TABLE = re.compile(r"(?:.*/)?[^/]*(?:video|vídeo|vidéo|wideo|видео)[^/]*\.csv", re.IGNORECASE)
_DELETED = frozenset(("deleted", "rejected", "failed", "gelöscht", "abgelehnt"))
_MAX_VIDEOS = 200_000
_SAMPLE = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Video:
    """A row of the table; ``channel`` is empty where it has no id of one."""

    id: str
    title: str
    length_ms: int | None
    created: datetime | None
    text: str
    deleted: bool
    channel: str


def key_of(title: str) -> str:
    """Write a title, or the name of a video file, so that both compare equal."""
    return folded(title).strip(" ._")


def channels(tree: ExportTree) -> set[str]:
    """Return the ids of the channels that the export is of."""
    found: set[str] = set()
    for member in tree.members():
        if member.name.rpartition("/")[2].lower() == "channel.csv":
            for row in csv_rows(tree, member):
                if isinstance(row, list):
                    found.update(cell for cell in row[:2] if _CHANNEL_ID.fullmatch(cell))
    return found or {video.channel for video in videos_of(tree)[0] if video.channel}


def videos_of(tree: ExportTree) -> tuple[list[Video], list[SkippedEntry]]:
    """Read the tables; also tell what of them cannot be used."""
    found: dict[str, Video] = {}
    problems: list[SkippedEntry] = []
    for member, columns in tables(tree):
        for number, row in enumerate(csv_rows(tree, member)):
            if isinstance(row, SkippedEntry):
                problems.append(row)
            elif number and len(found) < _MAX_VIDEOS:
                video = _video(row, columns)
                if video is not None:
                    found[video.id] = video
    return list(found.values()), problems


def _video(row: list[str], columns: dict[str, int]) -> Video | None:
    def cell(name: str) -> str:
        place = columns.get(name, len(row))
        return row[place].strip() if place < len(row) else ""

    if not _ID.fullmatch(cell("id")):
        return None
    length = cell("length")
    return Video(
        id=cell("id"),
        title=cell("title"),
        length_ms=int(length) if re.fullmatch("[0-9]{1,12}", length) else None,
        created=moment_of(cell("created")),
        text=plain_text(f"{cell('title')}\n{cell('text')}"),
        deleted=cell("state").casefold() in _DELETED,
        channel=cell("channel") if _CHANNEL_ID.fullmatch(cell("channel")) else "",
    )


def tables(tree: ExportTree) -> Iterator[tuple[Member, dict[str, int]]]:
    """Yield the tables of videos, with the place of each column that is known."""
    stems = {
        key_of(split_ending(member.name.rpartition("/")[2], VIDEO_ENDINGS)[0])[:MAY_BE_CUT]
        for member in tree.members()
        if split_ending(member.name, VIDEO_ENDINGS)[1]
    }
    for member in tree.members():
        if _TABLE.fullmatch(member.name):
            columns = _columns(_first_rows(tree, member), stems)
            if "id" in columns and "title" in columns:
                yield member, columns


def _first_rows(tree: ExportTree, member: Member) -> list[list[str]]:
    rows = []
    for row in csv_rows(tree, member):
        if isinstance(row, SkippedEntry):
            break
        rows.append(row)
        if len(rows) > _SAMPLE:
            break
    return rows


def _columns(rows: list[list[str]], stems: set[str]) -> dict[str, int]:
    """Find the columns by their headers, else by what stands in them."""
    if len(rows) < 2 or len(rows[0]) < 2:
        return {}
    headers = [header.strip().casefold() for header in rows[0]]
    found = {
        name: headers.index(header)
        for name, known in _COLUMNS.items()
        for header in reversed(known)
        if header in headers
    }

    def cells(place: int) -> list[str]:
        return [row[place].strip() for row in rows[1:] if place < len(row) and row[place].strip()]

    for place, header in enumerate(headers):
        held = cells(place)
        for name, shape in _SHAPES:
            if name not in found and held and all(shape.fullmatch(cell) for cell in held):
                found[name] = place
                break
        if "length" not in found and "(ms)" in header:
            found["length"] = place
    if "title" not in found:
        hits = {
            place: sum(1 for cell in cells(place) if key_of(cell)[:MAY_BE_CUT] in stems)
            for place in range(len(headers))
            if place != found.get("id")
        }
        best = max(hits.values(), default=0)
        if best and list(hits.values()).count(best) == 1:
            found["title"] = next(place for place, count in hits.items() if count == best)
    return found
