"""YouTube, as Google Takeout gives it: video files, and a table that they are joined to.

No file says which video it is. It is joined on the title that its name was made from and on its
length; where that leaves two to choose from, none is taken. Private and unlisted videos are the
holder's own and are taken: who may see them is up to the collection.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from likeness.errors import PhotoUnreadable
from likeness.records.sighting import PageLink
from likeness.sources.base import SkippedEntry, item_of
from likeness.sources.exports.formats import Posted
from likeness.sources.exports.google_claims import VIDEO_ENDINGS
from likeness.sources.exports.google_names import numbered, split_ending
from likeness.sources.exports.mp4_length import length_ms
from likeness.sources.exports.tree import ExportTree, Member
from likeness.sources.exports.youtube_table import (
    MAY_BE_CUT,
    Video,
    channels,
    key_of,
    tables,
    videos_of,
)

PAGE = "https://www.youtube.com/watch?v="
CHANNEL = "https://www.youtube.com/channel/"

TWO_FIT = "two videos fit its name and length"
NONE_FITS = "no video of the channel has its title"
OTHER_LENGTH = "the video with its title has another length"
DELETED = "deleted on YouTube"

_TOLERANCE_MS = 1_500
_MAX_ALIKE = 1_000
_MAX_FILES = 200_000


class YouTube:
    """See `ExportFormat`."""

    name = "YouTube"
    slug = "youtube"

    def recognises(self, tree: ExportTree) -> bool:
        """Whether there is a table of videos; reads the first rows of files named like one."""
        return any(True for _ in tables(tree))

    def account(self, tree: ExportTree) -> str:
        """Address of the channel, where the export is of one channel."""
        found = channels(tree)
        return CHANNEL + found.pop() if len(found) == 1 else ""

    def posts(self, tree: ExportTree) -> Iterator[Posted | SkippedEntry]:
        """Every video file that one video alone fits (see `ExportFormat.posts`)."""
        videos, problems = videos_of(tree)
        yield from problems
        roots = {_above(_above(table.name)) for table, _ in tables(tree)}
        files = [
            member
            for member in tree.members()
            if split_ending(member.name, VIDEO_ENDINGS)[1]
            and any(not root or member.name.startswith(root + "/") for root in roots)
        ]
        titles = _by_title(videos)
        wanted: Counter[str] = Counter()
        fitting = []
        for file in files[:_MAX_FILES]:
            found, reason = _fits(tree, file, titles)
            wanted.update(video.id for video in found)
            fitting.append((file, found[0] if len(found) == 1 else None, reason))
        for file in files[_MAX_FILES:]:
            yield SkippedEntry(item=item_of(file.name), reason="too many videos")
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


def _posted(file: Member, video: Video) -> Posted:
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


def _by_title(videos: Sequence[Video]) -> dict[str, list[tuple[str, Video]]]:
    """Group folded titles by their first letters, as many as no name is cut to."""
    found: dict[str, list[tuple[str, Video]]] = defaultdict(list)
    for video in videos:
        key = key_of(video.title)
        found[key[:MAY_BE_CUT]].append((key, video))
    return found


def _fits(
    tree: ExportTree, file: Member, titles: dict[str, list[tuple[str, Video]]]
) -> tuple[list[Video], str]:
    """Find the videos that a file can be; where it is not one alone, also why."""
    stem = split_ending(file.name.rpartition("/")[2], VIDEO_ENDINGS)[0]
    found: dict[str, Video] = {}
    for key in {key_of(stem), key_of(numbered(stem)[0])}:
        alike = titles.get(key[:MAY_BE_CUT], [])
        if len(alike) > _MAX_ALIKE:
            return [], TWO_FIT
        for title, video in alike:
            if title == key or (len(key) >= MAY_BE_CUT and title.startswith(key)):
                found[video.id] = video
    if not found:
        return [], NONE_FITS
    length = _length(tree, file)
    agreed = [video for video in found.values() if _is_near(length, video.length_ms)]
    return agreed, TWO_FIT if agreed else OTHER_LENGTH


def _is_near(one: int | None, other: int | None) -> bool:
    return one is None or other is None or abs(one - other) <= _TOLERANCE_MS


def _length(tree: ExportTree, file: Member) -> int | None:
    try:
        with tree.open(file) as opened:
            return length_ms(opened)
    except PhotoUnreadable:  # told when the video is read
        return None
