"""LinkedIn: tables of posts and uploads, and only rarely the photos themselves.

The tables hold links that expire. A photo is taken only where its file lies in the archive: it is
joined to the row whose link has its name, and a row of uploads to a post by text and time. Nothing
is fetched.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote, urlsplit

from likeness.records.photo_formats import PHOTO_SUFFIXES
from likeness.records.sighting import PageLink
from likeness.sources.base import SkippedEntry, item_of
from likeness.sources.exports.formats import Posted
from likeness.sources.exports.linkedin_rows import Row, Table, rows_of, tables_of
from likeness.sources.exports.tree import ExportTree, Member

PROFILE = "https://www.linkedin.com/"
"""Stands for the holder's profile, as the tables do not name it."""

EXPIRES = "the export holds a link that expires, not the photo"
TWO_FIT = "two rows of the export fit its name"
NOT_POSTED = "no row of the export has its name"

_ENDINGS = PHOTO_SUFFIXES | {".mp4", ".mov", ".m4v", ".webm"}

# Uploads are stated to the minute, and come before the post, while it is written: a draft that has
# the same words may wait for a day; without words only what was posted at once is told apart.
_EARLIEST = timedelta(minutes=-1)
_WITH_WORDS = timedelta(days=1)
_WITHOUT_WORDS = timedelta(minutes=10)
_TELLING = 20
_MAX_NEAR = 1_000

_SHORTEST_NAME = 6


class LinkedIn:
    """See `ExportFormat`."""

    name = "LinkedIn"
    slug = "linkedin"

    def recognises(self, tree: ExportTree) -> bool:
        """Whether there is a table of posts or of uploads, by its name and columns."""
        return any(isinstance(table, Table) for table in tables_of(tree))

    def account(self, tree: ExportTree) -> str:
        """Return nothing: the tables do not name the holder's profile."""
        return ""

    def posts(self, tree: ExportTree) -> Iterator[Posted | SkippedEntry]:
        """Every photo in the archive that a row fits, and each row whose photo is not there."""
        shares, uploads, problems = rows_of(tree)
        yield from problems
        by_name: dict[str, list[Row]] = defaultdict(list)
        for row in (*shares, *uploads):
            for name in _names(row.link):
                by_name[name].append(row)
        dated = sorted((row for row in shares if row.moment and row.page_url), key=_when)
        found: set[str] = set()
        for member in tree.members():
            name = member.name.rpartition("/")[2]
            stem, dot, last = name.rpartition(".")
            if not dot or f".{last}".lower() not in _ENDINGS:
                continue
            rows = by_name.get(name) or by_name.get(stem) or []
            told = _told(member, rows, dated)
            if not isinstance(told, SkippedEntry) or told.reason != TWO_FIT:
                found.update(row.item for row in rows)
            yield told
        for row in (*shares, *uploads):
            if row.link and row.item not in found:
                yield SkippedEntry(item=row.item, reason=EXPIRES)

    def reason_for(self, name: str) -> str:
        """Why a file that is neither a photo nor a video is not taken."""
        return NOT_POSTED


FORMAT = LinkedIn()


def _told(member: Member, rows: list[Row], shares: list[Row]) -> Posted | SkippedEntry:
    item = item_of(member.name)
    if not rows:
        return SkippedEntry(item=item, reason=NOT_POSTED)
    if len(rows) > _MAX_NEAR:
        return SkippedEntry(item=item, reason=TWO_FIT)
    pages = {row.page_url for row in rows if row.page_url}
    if not all(row.posted for row in rows):
        return SkippedEntry(item=item, reason="not uploaded for a post")
    if len({row.link for row in rows}) > 1 or len(pages) > 1:
        return SkippedEntry(item=item, reason=TWO_FIT)
    row = next((row for row in rows if row.page_url), rows[0])
    share = row if row.page_url else _share_of(row, shares)
    link = PageLink(
        page_url=share.page_url if share else PROFILE,
        media_url="",
        taken_at=share.moment if share else row.moment,
        text=(share.text if share else "") or row.text,
        confidence="joined" if share else "profile-only",
        link_from="export",
    )
    return Posted(member=member, link=link)


def _share_of(upload: Row, shares: list[Row]) -> Row | None:
    """Return the one post that an upload goes with, by text and time; None for none or several.

    Posts are given in the order of time.
    """
    if upload.moment is None:
        return None
    found = []
    begin = bisect_left(shares, upload.moment + _EARLIEST, key=_when)
    near = shares[begin : begin + _MAX_NEAR + 1]
    if len(near) > _MAX_NEAR and _when(near[-1]) - upload.moment <= _WITH_WORDS:
        return None
    for share in near:
        gap = _when(share) - upload.moment
        words = bool(upload.text) and _same_words(upload.text, share.text)
        if upload.text and not words:
            continue
        if gap <= (_WITH_WORDS if words else _WITHOUT_WORDS):
            found.append(share)
    return found[0] if len({share.page_url for share in found}) == 1 else None


def _when(row: Row) -> datetime:
    return row.moment or datetime.min.replace(tzinfo=UTC)


def _same_words(one: str, other: str) -> bool:
    short, long = sorted((" ".join(one.split()), " ".join(other.split())), key=len)
    return short == long or (len(short) >= _TELLING and long.startswith(short))


def _names(link: str) -> set[str]:
    """The names that a file behind a link may have: each part of the link's path."""
    try:
        parts = unquote(urlsplit(link[:4_096]).path).split("/")
    except ValueError:  # brackets that are no address
        return set()
    return {part for part in parts if len(part) >= _SHORTEST_NAME}
