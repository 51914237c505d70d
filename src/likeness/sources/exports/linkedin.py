"""LinkedIn: tables of posts and uploads, and only rarely the photos themselves.

The tables hold links that expire. A photo is taken only where its file lies in the archive: it is
joined to the row whose link has its name, and a row of uploads to a post by text and time. Nothing
is fetched.
"""

from __future__ import annotations

import csv
import io
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from types import MappingProxyType
from urllib.parse import unquote, urlsplit

from likeness.errors import PhotoUnreadable
from likeness.records.photo_formats import PHOTO_SUFFIXES
from likeness.records.sighting import PageLink
from likeness.sources.base import SkippedEntry, item_of
from likeness.sources.exports.formats import Posted
from likeness.sources.exports.tree import ExportTree, Member
from likeness.sources.links import address_problem, moment_of, plain_text

PROFILE = "https://www.linkedin.com/"
"""Stands for the holder's profile, as the tables do not name it."""

EXPIRES = "the export holds a link that expires, not the photo"
TWO_FIT = "two rows of the export fit its name"
NOT_POSTED = "no row of the export has its name"

_SHARES = "shares.csv"
_TABLES = MappingProxyType(
    {
        _SHARES: frozenset(("date", "sharelink", "sharecommentary")),
        "rich_media.csv": frozenset(("date/time", "media description", "media link")),
    }
)
"""The columns that a table has to have, by its name; all in lower case."""

_ENDINGS = PHOTO_SUFFIXES | {".mp4", ".mov", ".m4v", ".webm"}

_POSTED = re.compile(r"\b(feed|profile|background|cover|banner|article)\b", re.IGNORECASE)
_SAID = re.compile(
    r"on ([A-Z][a-z]{2,8})\.? (\d{1,2}), (\d{4}) at (\d{1,2}):(\d{2}) ([AP]M)", re.ASCII
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

# Uploads are stated to the minute, and come before the post, while it is written: a draft that has
# the same words may wait for a day; without words only what was posted at once is told apart.
_EARLIEST = timedelta(minutes=-1)
_WITH_WORDS = timedelta(days=1)
_WITHOUT_WORDS = timedelta(minutes=10)
_TELLING = 20

# LinkedIn ends and begins the quotes anew at each line of a commentary: ``"one"``, ``""``,
# ``"two"`` are three lines of one field. A row begins with its date.
_LINE_IN_TEXT = re.compile(r'"\r?\n"(?!\d{4}-\d\d-\d\d )')

_MAX_TABLE_BYTES = 64 * 1024 * 1024
_MAX_ROWS = 200_000
_SHORTEST_NAME = 6


@dataclass(frozen=True, kw_only=True)
class _Row:
    """A row of either table: what it says, and the names that the file behind its link may have."""

    item: str
    page_url: str
    moment: datetime | None
    text: str
    link: str
    posted: bool


class LinkedIn:
    """See `ExportFormat`."""

    name = "LinkedIn"
    slug = "linkedin"

    def recognises(self, tree: ExportTree) -> bool:
        """Whether there is a table of posts or of uploads, by its name and columns."""
        return any(isinstance(table, _Table) for table in _tables(tree))

    def account(self, tree: ExportTree) -> str:
        """Return nothing: the tables do not name the holder's profile."""
        return ""

    def posts(self, tree: ExportTree) -> Iterator[Posted | SkippedEntry]:
        """Every photo in the archive that a row fits, and each row whose photo is not there."""
        shares, uploads, problems = _rows(tree)
        yield from problems
        by_name: dict[str, list[_Row]] = defaultdict(list)
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
            found.update(row.item for row in rows)
            yield _told(member, rows, dated)
        for row in (*shares, *uploads):
            if row.link and row.item not in found:
                yield SkippedEntry(item=row.item, reason=EXPIRES)

    def reason_for(self, name: str) -> str:
        """Why a file that is neither a photo nor a video is not taken."""
        return NOT_POSTED


FORMAT = LinkedIn()


def _told(member: Member, rows: list[_Row], shares: list[_Row]) -> Posted | SkippedEntry:
    item = item_of(member.name)
    pages = {page for row in rows for page in ([row.page_url] if row.page_url else [])}
    if not rows:
        return SkippedEntry(item=item, reason=NOT_POSTED)
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


def _share_of(upload: _Row, shares: list[_Row]) -> _Row | None:
    """Return the one post that an upload goes with, by text and time; None for none or several.

    Posts are given in the order of time.
    """
    if upload.moment is None:
        return None
    found = []
    begin = bisect_left(shares, upload.moment + _EARLIEST, key=_when)
    for share in islice(shares, begin, None):
        gap = _when(share) - upload.moment
        if gap > _WITH_WORDS:
            break
        words = bool(upload.text) and _same_words(upload.text, share.text)
        if upload.text and not words:
            continue
        if gap <= (_WITH_WORDS if words else _WITHOUT_WORDS):
            found.append(share)
    return found[0] if len({share.page_url for share in found}) == 1 else None


def _when(row: _Row) -> datetime:
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


def _rows(tree: ExportTree) -> tuple[list[_Row], list[_Row], list[SkippedEntry]]:
    shares: list[_Row] = []
    uploads: list[_Row] = []
    problems: list[SkippedEntry] = []
    for table in _tables(tree):
        if isinstance(table, SkippedEntry):
            problems.append(table)
            continue
        row, rows = (_share, shares) if "sharelink" in table.columns else (_upload, uploads)
        try:
            for number, cells in enumerate(table.rows, 2):
                if number > _MAX_ROWS:
                    problems.append(SkippedEntry(item=table.item, reason="too many rows"))
                    break
                named = dict(zip(table.columns, cells, strict=False))
                rows.append(row(f"{table.item}:{number}", named))
        except csv.Error:
            problems.append(SkippedEntry(item=table.item, reason="record not read: damaged"))
    return shares, uploads, problems


def _share(item: str, cells: dict[str, str]) -> _Row:
    page = cells.get("sharelink", "").strip()
    return _Row(
        item=item,
        page_url="" if address_problem(page) else page,
        moment=moment_of(cells.get("date", "").strip()),
        text=plain_text(cells.get("sharecommentary", "")),
        link=cells.get("mediaurl", "").strip(),
        posted=True,
    )


def _upload(item: str, cells: dict[str, str]) -> _Row:
    said = cells.get("date/time", "")
    text = plain_text(cells.get("media description", ""))
    return _Row(
        item=item,
        page_url="",
        moment=_moment_said(said),
        text="" if text == "-" else text,
        link=cells.get("media link", "").strip(),
        posted=_POSTED.search(said[:200]) is not None,
    )


def _moment_said(said: str) -> datetime | None:
    """Read "You uploaded a feed photo on May 3, 2021 at 2:15 PM (GMT)"."""
    found = _SAID.search(said[:200])
    if found is None or found[1][:3].lower() not in _MONTHS:
        return None
    month = _MONTHS.index(found[1][:3].lower()) + 1
    hour = int(found[4]) % 12 + (12 if found[6] == "PM" else 0)
    try:
        return datetime(int(found[3]), month, int(found[2]), hour, int(found[5]), tzinfo=UTC)
    except ValueError:
        return None


@dataclass(frozen=True, kw_only=True)
class _Table:
    item: str
    columns: list[str]
    rows: Iterator[list[str]]


def _tables(tree: ExportTree) -> Iterator[_Table | SkippedEntry]:
    """Both tables, with the names of their columns in lower case, and their rows."""
    for member in tree.members():
        name, item = member.name.rpartition("/")[2].lower(), item_of(member.name)
        if name not in _TABLES:
            continue
        try:
            text = tree.read(member, _MAX_TABLE_BYTES).decode("utf-8-sig", "replace")
        except PhotoUnreadable as error:
            yield SkippedEntry(item=item, reason=f"record not read: {error.reason}")
            continue
        if name == _SHARES:
            text = _LINE_IN_TEXT.sub("\n", text)
        rows = csv.reader(io.StringIO(text.replace("\0", ""), newline=""))
        try:
            columns = [cell.strip().lower() for cell in next(rows, [])]
        except csv.Error:
            columns = []
        if _TABLES[name] <= set(columns):
            yield _Table(item=item, columns=columns, rows=rows)
        else:
            yield SkippedEntry(item=item, reason="record not read: other columns")
