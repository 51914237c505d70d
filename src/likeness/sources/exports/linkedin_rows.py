"""The tables of an export of LinkedIn: which columns are read, and how."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from likeness.errors import PhotoUnreadable
from likeness.sources.base import SkippedEntry, item_of
from likeness.sources.exports.tree import ExportTree
from likeness.sources.links import address_problem, moment_of, plain_text

_SHARES = "shares.csv"
_TABLES = MappingProxyType(
    {
        _SHARES: frozenset(("date", "sharelink", "sharecommentary")),
        "rich_media.csv": frozenset(("date/time", "media description", "media link")),
    }
)
"""The columns that a table has to have, by its name; all in lower case."""

_POSTED = re.compile(r"\b(feed|profile|background|cover|banner|article)\b", re.IGNORECASE)
_SAID = re.compile(
    r"on ([A-Z][a-z]{2,8})\.? (\d{1,2}), (\d{4}) at (\d{1,2}):(\d{2}) ([AP]M)", re.ASCII
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_FOUNDED = "2002"

# LinkedIn ends and begins the quotes anew at each line of a commentary: ``"one"``, ``""``,
# ``"two"`` are three lines of one field. A row begins with its date.
_LINE_IN_TEXT = re.compile(r'"\r?\n"(?!\d{4}-\d\d-\d\d )')

_MAX_TABLE_BYTES = 64 * 1024 * 1024
_MAX_ROWS = 200_000


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of either table.

    Attributes
    ----------
    item : str
        Its place, such as ``"Shares.csv:17"`` (the header is row 1).
    page_url : str
        Address of the post, checked; empty for an upload.
    moment : datetime or None
        When it was posted or uploaded.
    text : str
        Its words, checked.
    link : str
        To the media, as the table has it; not checked.
    posted : bool
        Whether it was uploaded to be seen by others, not sent in a message.
    """

    item: str
    page_url: str
    moment: datetime | None
    text: str
    link: str
    posted: bool


def rows_of(tree: ExportTree) -> tuple[list[Row], list[Row], list[SkippedEntry]]:
    """Read both tables: the posts, the uploads, and what of them cannot be used."""
    shares: list[Row] = []
    uploads: list[Row] = []
    problems: list[SkippedEntry] = []
    for table in tables_of(tree):
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


def _share(item: str, cells: dict[str, str]) -> Row:
    page = cells.get("sharelink", "").strip()
    return Row(
        item=item,
        page_url="" if address_problem(page) else page,
        moment=moment_of(cells.get("date", "").strip()),
        text=plain_text(cells.get("sharecommentary", "")),
        link=cells.get("mediaurl", "").strip(),
        posted=True,
    )


def _upload(item: str, cells: dict[str, str]) -> Row:
    said = cells.get("date/time", "")
    text = plain_text(cells.get("media description", ""))
    return Row(
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
    if found is None or found[1][:3].lower() not in _MONTHS or found[3] < _FOUNDED:
        return None
    month = _MONTHS.index(found[1][:3].lower()) + 1
    hour = int(found[4]) % 12 + (12 if found[6] == "PM" else 0)
    try:
        return datetime(int(found[3]), month, int(found[2]), hour, int(found[5]), tzinfo=UTC)
    except ValueError:
        return None


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table: its item, its columns in lower case, and its rows, which may raise `csv.Error`."""

    item: str
    columns: list[str]
    rows: Iterator[list[str]]


def tables_of(tree: ExportTree) -> Iterator[Table | SkippedEntry]:
    """Yield both tables, with the names of their columns in lower case, and their rows."""
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
            yield Table(item=item, columns=columns, rows=rows)
        else:
            yield SkippedEntry(item=item, reason="record not read: other columns")
