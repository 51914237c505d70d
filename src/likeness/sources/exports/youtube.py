"""YouTube, as Google Takeout gives it: video files, and a table that they are joined to.

No file says which video it is. It is joined on the title that its name was made from and on its
length; where that leaves two to choose from, none is taken. Private and unlisted videos are the
holder's own and are taken: who may see them is up to the collection.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from likeness.errors import PhotoUnreadable
from likeness.records.sighting import PageLink
from likeness.sources.base import SkippedEntry, item_of
from likeness.sources.exports.formats import Posted
from likeness.sources.exports.google_claims import VIDEO_ENDINGS
from likeness.sources.exports.google_names import folded, numbered, split_ending
from likeness.sources.exports.mp4_length import length_ms
from likeness.sources.exports.records import csv_rows
from likeness.sources.exports.tree import ExportTree, Member
from likeness.sources.links import moment_of, plain_text

PAGE = "https://www.youtube.com/watch?v="
CHANNEL = "https://www.youtube.com/channel/"

TWO_FIT = "two videos fit its name and length"
NONE_FITS = "no video of the channel has its title"
OTHER_LENGTH = "the video with its title has another length"
DELETED = "deleted on YouTube"

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
_TOLERANCE_MS = 1_500
_MAY_BE_CUT = 40
_MAX_VIDEOS = 200_000
_SAMPLE = 50
_MAX_ALIKE = 5_000


@dataclass(frozen=True, kw_only=True, slots=True)
class _Video:
    id: str
    title: str
    length_ms: int | None
    created: datetime | None
    text: str
    deleted: bool
    channel: str


class YouTube:
    """See `ExportFormat`."""

    name = "YouTube"
    slug = "youtube"

    def recognises(self, tree: ExportTree) -> bool:
        """Whether there is a table of videos; reads the first rows of files named like one."""
        return any(True for _ in _tables(tree))

    def account(self, tree: ExportTree) -> str:
        """Address of the channel, where the export is of one channel."""
        found: set[str] = set()
        for member in tree.members():
            if member.name.lower().endswith("/channel.csv") or member.name == "channel.csv":
                for row in csv_rows(tree, member):
                    if isinstance(row, list):
                        found.update(cell for cell in row[:2] if _CHANNEL_ID.fullmatch(cell))
        if not found:
            found = {video.channel for video in _videos(tree)[0] if video.channel}
        return CHANNEL + found.pop() if len(found) == 1 else ""

    def posts(self, tree: ExportTree) -> Iterator[Posted | SkippedEntry]:
        """Every video file that one video alone fits (see `ExportFormat.posts`)."""
        videos, problems = _videos(tree)
        yield from problems
        roots = {_above(_above(table.name)) for table, _ in _tables(tree)}
        files = [
            member
            for member in tree.members()
            if split_ending(member.name, VIDEO_ENDINGS)[1]
            and any(not root or member.name.startswith(root + "/") for root in roots)
        ]
        titles = _by_title(videos)
        wanted: Counter[str] = Counter()
        fitting = []
        for file in files:
            found, reason = _fits(tree, file, titles)
            wanted.update(video.id for video in found)
            fitting.append((file, found[0] if len(found) == 1 else None, reason))
        for file, video, reason in fitting:
            item = item_of(file.name)
            if video is None:
                yield SkippedEntry(item=item, reason=reason)
            elif wanted[video.id] > 1:
                yield SkippedEntry(item=item, reason=TWO_FIT)
            elif video.deleted:
                yield SkippedEntry(item=item, reason=DELETED, ends=True)
            else:
                yield _posted(file, video)

    def reason_for(self, name: str) -> str:
        """Why a file that is no video file is not taken."""
        return "not a video of the channel"


FORMAT = YouTube()


def _above(path: str) -> str:
    return path.rpartition("/")[0]


def _posted(file: Member, video: _Video) -> Posted:
    page = PAGE + video.id
    return Posted(
        member=file,
        link=PageLink(
            page_url=page,
            media_url="",
            taken_at=video.created,
            text=video.text,
            confidence="joined",
            link_from="export",
        ),
        moment_url=page + "&t={seconds}",
    )


def _by_title(videos: Sequence[_Video]) -> dict[str, list[tuple[str, _Video]]]:
    """Group folded titles by their first letters, as many as no name is cut to."""
    found: dict[str, list[tuple[str, _Video]]] = defaultdict(list)
    for video in videos:
        key = _key(video.title)
        found[key[:_MAY_BE_CUT]].append((key, video))
    return found


def _fits(
    tree: ExportTree, file: Member, titles: dict[str, list[tuple[str, _Video]]]
) -> tuple[list[_Video], str]:
    """Find the videos that a file can be; where it is not one alone, also why."""
    stem = split_ending(file.name.rpartition("/")[2], VIDEO_ENDINGS)[0]
    found: dict[str, _Video] = {}
    for key in {_key(stem), _key(numbered(stem)[0])}:
        alike = titles.get(key[:_MAY_BE_CUT], [])
        if len(alike) > _MAX_ALIKE:
            return [], TWO_FIT
        for title, video in alike:
            if title == key or (len(key) >= _MAY_BE_CUT and title.startswith(key)):
                found[video.id] = video
    if not found:
        return [], NONE_FITS
    length = _length(tree, file)
    agreed = [video for video in found.values() if _is_near(length, video.length_ms)]
    return agreed, TWO_FIT if agreed else OTHER_LENGTH


def _is_near(one: int | None, other: int | None) -> bool:
    return one is None or other is None or abs(one - other) <= _TOLERANCE_MS


def _key(title: str) -> str:
    return folded(title).strip(" ._")


def _length(tree: ExportTree, file: Member) -> int | None:
    try:
        with tree.open(file) as opened:
            return length_ms(opened)
    except PhotoUnreadable:  # told when the video is read
        return None


def _videos(tree: ExportTree) -> tuple[list[_Video], list[SkippedEntry]]:
    found: dict[str, _Video] = {}
    problems: list[SkippedEntry] = []
    for member, columns in _tables(tree):
        for number, row in enumerate(csv_rows(tree, member)):
            if isinstance(row, SkippedEntry):
                problems.append(row)
            elif number and len(found) < _MAX_VIDEOS:
                video = _video(row, columns)
                if video is not None:
                    found[video.id] = video
    return list(found.values()), problems


def _video(row: list[str], columns: dict[str, int]) -> _Video | None:
    def cell(name: str) -> str:
        place = columns.get(name, len(row))
        return row[place].strip() if place < len(row) else ""

    if not _ID.fullmatch(cell("id")):
        return None
    length = cell("length")
    return _Video(
        id=cell("id"),
        title=cell("title"),
        length_ms=int(length) if re.fullmatch("[0-9]{1,12}", length) else None,
        created=moment_of(cell("created")),
        text=plain_text(f"{cell('title')}\n{cell('text')}"),
        deleted=cell("state").casefold() in _DELETED,
        channel=cell("channel") if _CHANNEL_ID.fullmatch(cell("channel")) else "",
    )


def _tables(tree: ExportTree) -> Iterator[tuple[Member, dict[str, int]]]:
    """The tables of videos, with the place of each column that is known."""
    stems = {
        _key(split_ending(member.name.rpartition("/")[2], VIDEO_ENDINGS)[0])[:_MAY_BE_CUT]
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
            place: sum(1 for cell in cells(place) if _key(cell)[:_MAY_BE_CUT] in stems)
            for place in range(len(headers))
            if place != found.get("id")
        }
        best = max(hits.values(), default=0)
        if best and list(hits.values()).count(best) == 1:
            found["title"] = next(place for place, count in hits.items() if count == best)
    return found
