"""A link list: the ``links.csv`` beside photos that says which page each came from.

A list of a million rows has to stay small in memory: kept are its bytes and, for each row, two
hashes of the path and where the row begins. A row is parsed again when its photo is met.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from likeness.sources.link_rows import Layout, folded_path, layout_of, parsed_rows, tidy_path
from likeness.sources.links import ListedLink

MAX_LIST_BYTES = 50_000_000
MAX_LIST_ROWS = 1_000_000
MAX_PROBLEMS = 100

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, kw_only=True)
class LinkListProblem:
    """Something in a link list that cannot be used.

    Attributes
    ----------
    line : int
        Line of the file on which the row begins, from 1; 0 for the list as a whole.
    reason : str
        A few words; nothing of what the row holds.
    """

    line: int
    reason: str


class LinkList:
    """The rows of one link list, found by the path of a photo."""

    def __init__(self, raw: bytes, layout: Layout, rows: _Rows) -> None:
        self._raw = raw
        self._layout = layout
        self._offsets = _int64(rows.offsets)
        self._exact = _Index(_int64(rows.exact))
        self._folded = _Index(_int64(rows.folded))

    def __len__(self) -> int:
        return len(self._offsets)

    @property
    def size(self) -> int:
        """Bytes of memory that the list takes, about."""
        return len(self._raw) + 40 * len(self)

    def find(self, path: str) -> ListedLink | None:
        """Return what the list says of a photo.

        Parameters
        ----------
        path : str
            Of the photo, relative to the list's folder, with ``/`` between parts.

        Returns
        -------
        ListedLink or None
            Of the first row with that very path, else of the first whose path is the same but for
            Unicode normalisation and outer spaces. None where no row names the photo.
        """
        folded = folded_path(path)
        for row in (self._exact.first(tidy_path(path)), self._folded.first(folded)):
            if row is None:
                continue
            cells = self._cells(row)
            written = self._layout.cell(cells, "path")
            tidy = tidy_path(written)
            if path in (written, tidy) or folded == folded_path(tidy_path(written.strip())):
                link = self._layout.link(cells)
                return link if isinstance(link, ListedLink) else None
        return None

    def _cells(self, row: int) -> list[str]:
        _, _, cells = next(parsed_rows(self._raw, int(self._offsets[row]), self._layout.delimiter))
        return cells if isinstance(cells, list) else []


def read_link_list(raw: bytes) -> tuple[LinkList | None, tuple[LinkListProblem, ...]]:
    """Read a link list: UTF-8, with or without a byte order mark, under a header row.

    Columns, in any order, are ``path`` and ``page_url``, and, where wanted, ``media_url``,
    ``taken_at`` and ``text``; others are ignored. They may be separated by commas, semicolons or
    tabs, and cells are quoted as in RFC 4180. Of rows with the same path the first holds.

    Returns
    -------
    list : LinkList or None
        None where the list as a whole cannot be used.
    problems : tuple of LinkListProblem
        By line; at most 100 rows, and then one that says how many others there are.
    """
    if len(raw) > MAX_LIST_BYTES:
        return None, (too_large(),)
    start = len(_BYTE_ORDER_MARK) if raw.startswith(_BYTE_ORDER_MARK) else 0
    layout = layout_of(raw, start)
    if layout is None:
        reason = "link list without a header row that names path and page_url, in UTF-8"
        return None, (LinkListProblem(line=0, reason=reason),)
    rows, problems = _Rows(), _Problems()
    header_passed = False
    for read, (line, offset, cells) in enumerate(parsed_rows(raw, start, layout.delimiter)):
        if read > MAX_LIST_ROWS:
            problems.add(line, f"more than {MAX_LIST_ROWS:,} rows: put the rest in a folder below")
            break
        if isinstance(cells, str):
            problems.add(line, cells)
        elif any(cells) and header_passed:
            link = layout.link(cells)
            if isinstance(link, ListedLink):
                rows.add(line, offset, layout.cell(cells, "path"))
            else:
                problems.add(line, link)
        else:
            header_passed = header_passed or any(cells)
    for line, earlier in rows.repeated():
        problems.add(line, f"names the same photo as line {earlier}, which holds")
    return LinkList(raw, layout, rows), problems.told()


def too_large() -> LinkListProblem:
    """Return what to say of a list that is larger than `MAX_LIST_BYTES`."""
    megabytes = MAX_LIST_BYTES // 1_000_000
    return LinkListProblem(
        line=0, reason=f"link list larger than {megabytes} MB: split it by folders"
    )


@dataclass(kw_only=True)
class _Rows:
    """What is gathered of the rows while a list is read."""

    lines: array[int] = field(default_factory=lambda: array("q"))
    offsets: array[int] = field(default_factory=lambda: array("q"))
    exact: array[int] = field(default_factory=lambda: array("q"))
    folded: array[int] = field(default_factory=lambda: array("q"))

    def add(self, line: int, offset: int, path: str) -> None:
        self.lines.append(line)
        self.offsets.append(offset)
        self.exact.append(hash(tidy_path(path)))
        self.folded.append(hash(folded_path(tidy_path(path.strip()))))

    def repeated(self) -> Iterator[tuple[int, int]]:
        """Yield the line of each row whose path an earlier row has, and that row's line."""
        keys, lines = _int64(self.exact), _int64(self.lines)
        _, firsts, groups = np.unique(keys, return_index=True, return_inverse=True)
        first = firsts[groups]
        for row in np.flatnonzero(first != np.arange(len(keys))):
            yield int(lines[row]), int(lines[first[row]])


@dataclass(kw_only=True)
class _Problems:
    """The problems of a list: the first few in words, the others as a number."""

    named: list[LinkListProblem] = field(default_factory=list)
    others: int = 0

    def add(self, line: int, reason: str) -> None:
        if len(self.named) < MAX_PROBLEMS:
            self.named.append(LinkListProblem(line=line, reason=reason))
        else:
            self.others += 1

    def told(self) -> tuple[LinkListProblem, ...]:
        told = sorted(self.named, key=lambda problem: problem.line)
        if self.others:
            told.append(
                LinkListProblem(line=0, reason=f"{self.others:,} more rows that cannot be used")
            )
        return tuple(told)


class _Index:
    """Rows by the hash of their path."""

    def __init__(self, keys: NDArray[np.int64]) -> None:
        self._order = np.argsort(keys, kind="stable")
        self._sorted = keys[self._order]

    def first(self, path: str) -> int | None:
        key = hash(path)
        place = int(np.searchsorted(self._sorted, key))
        if place == len(self._sorted) or self._sorted[place] != key:
            return None
        return int(self._order[place])


def _int64(values: array[int]) -> NDArray[np.int64]:
    return np.array(values, dtype=np.int64)
