"""The rows of a link list: how they are split, which cell holds what, and which can be used."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from likeness.sources.links import ListedLink, address_problem, moment_of, plain_text

_DELIMITERS = ",;\t"
_MAX_PATH = 4096
_MAX_ROW_BYTES = 262_144  # also bounds how many cells one row can have
_MAX_FOLDED_PATH = 512  # what Unicode normalisation costs can grow with the square of the length
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
_DRIVE = re.compile(r"[A-Za-z]:[/\\]")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Which cell of a row holds what."""

    delimiter: str
    columns: Mapping[str, int]
    width: int

    def cell(self, cells: list[str], column: str) -> str:
        """Return the cell of a column, empty where the row or the list has none."""
        place = self.columns.get(column, len(cells))
        return cells[place] if place < len(cells) else ""

    def link(self, cells: list[str]) -> ListedLink | str:
        """Return what a row says, or why it cannot be used."""
        if any(cells[self.width :]):
            return "more cells than columns: put cells that hold a separator in quotes"
        if any(_SURROGATE.search(cell) for cell in cells if not cell.isascii()):
            return "not UTF-8"
        problem = _path_problem(self.cell(cells, "path"))
        if problem:
            return f"path {problem}"
        page_url = self.cell(cells, "page_url").strip()
        problem = address_problem(page_url)
        if problem:
            return f"page_url {problem}"
        media_url = self.cell(cells, "media_url").strip()
        problem = address_problem(media_url) if media_url else ""
        if problem:
            return f"media_url {problem}"
        written = self.cell(cells, "taken_at").strip()
        taken_at = moment_of(written) if written else None
        if written and taken_at is None:
            return "taken_at is not an ISO 8601 date such as 2024-05-01T14:30:00Z"
        text = plain_text(self.cell(cells, "text"))
        return ListedLink(page_url=page_url, media_url=media_url, taken_at=taken_at, text=text)


def layout_of(raw: bytes, start: int) -> Layout | None:
    """Read the header row, the first that is not blank; None where it is no link list's."""
    for delimiter in _DELIMITERS:
        for _, _, cells in parsed_rows(raw, start, delimiter):
            if isinstance(cells, str):
                break
            if not any(cells):
                continue
            names = [cell.strip().casefold() for cell in cells]
            columns = {name: names.index(name) for name in names if name}
            if "path" in columns and "page_url" in columns:
                return Layout(delimiter=delimiter, columns=columns, width=len(cells))
            break
    return None


def parsed_rows(
    raw: bytes, start: int, delimiter: str
) -> Iterator[tuple[int, int, list[str] | str]]:
    """Yield line, offset and cells of each row from an offset on; words where a row is not CSV."""
    offset = end = start
    line, line_after = 1, 1
    found_lines = _LINE.finditer(raw, start)

    def next_line() -> str | None:
        nonlocal end, line_after
        found = next(found_lines, None)
        if found is None:
            return None
        end, line_after = found.end(), line_after + 1
        if end - offset > _MAX_ROW_BYTES:
            raise csv.Error("row too long")
        return found.group().decode("utf-8", "surrogateescape")

    # A function and not a generator, which an error would end: the rows after it are read still.
    reader = csv.reader(iter(next_line, None), delimiter=delimiter, strict=True)
    while True:
        offset, line = end, line_after
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield line, offset, "not a row of CSV: a quote too many, or one that is never closed"
        else:
            yield line, offset, cells


def tidy_path(path: str) -> str:
    """Return a path with ``/`` between parts, whichever was written, and without empty parts."""
    slashed = path.replace("\\", "/")
    return "/".join(part for part in slashed.split("/") if part not in ("", "."))


def folded_path(path: str) -> str:
    """Return a path in Unicode's NFC, so that names written by different systems are equal.

    A path of more than 512 characters stays as it is.
    """
    if path.isascii() or len(path) > _MAX_FOLDED_PATH:
        return path
    return unicodedata.normalize("NFC", path)


def _path_problem(path: str) -> str:
    if not path.strip():
        return "is empty"
    if len(path) > _MAX_PATH or "\0" in path:
        return "is no path of a file"
    if path[0] in "/\\" or _DRIVE.match(path):
        return "is absolute: write it relative to the list"
    if ".." in path and ".." in path.replace("\\", "/").split("/"):
        return "leaves the folder of the list"
    return "" if tidy_path(path) else "is no path of a file"
