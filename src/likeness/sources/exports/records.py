"""The records of an export: JSON of any length one item at a time, CSV row by row, and repairs.

Nothing is believed: what is too long, nested too deep or no record ends the file, with a
`SkippedEntry` that says so. Memory stays that of one item.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO

from likeness.errors import PhotoUnreadable
from likeness.sources.base import SkippedEntry, item_of
from likeness.sources.exports.tree import ExportTree, Member

MAX_ITEM_LENGTH = 4 * 1024 * 1024
MAX_RECORD_BYTES = 16 * 1024 * 1024
MAX_ITEMS = 5_000_000
MAX_FILE_BYTES = 1024 * 1024 * 1024
MAX_LINE = 1024 * 1024

_CHUNK = 256 * 1024
_CAREFUL = 8
_MAX_ASSIGNED_TO = 4_096
_BLANK = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True, kw_only=True)
class JsonItem:
    """One item of a JSON file.

    Attributes
    ----------
    key : str
        Name under which it, or the list that it is in, stands in the object at the top; empty where
        a list is at the top.
    value : object
        As `json.loads` gives it.
    """

    key: str
    value: Any


class _Unusable(ValueError):
    """The file is no record that can be read; the message says why in a few words."""


def json_items(
    tree: ExportTree, member: Member, *, assigned: bool = False
) -> Iterator[JsonItem | SkippedEntry]:
    """Read a JSON file one item at a time, whatever its length.

    Of a list at the top each element is told; of an object each value, and of a value that is a
    list each of its elements.

    Parameters
    ----------
    tree : ExportTree
    member : Member
        Its file.
    assigned : bool
        Whether the JSON stands behind the first ``=`` of a script, as in ``x.y = [``.

    Yields
    ------
    JsonItem or SkippedEntry
        The latter where the file, or the rest of it, cannot be used; nothing follows it. An item
        may take about eight million characters, a file 1 GiB and five million items.
    """
    try:
        with tree.open(member) as file:
            yield from _Reader(file).items(assigned)
    except PhotoUnreadable as error:
        yield _unread(member, error.reason)
    except _Unusable as error:
        yield _unread(member, str(error))


def read_json(
    tree: ExportTree, member: Member, *, assigned: bool = False, max_bytes: int = MAX_RECORD_BYTES
) -> JsonItem | SkippedEntry:
    """Read a small JSON file whole, as the one item with an empty key (see `json_items`)."""
    try:
        content = tree.read(member, max_bytes)
        if assigned:
            before, equals, content = content.partition(b"=")
            if not equals or len(before) > _MAX_ASSIGNED_TO:
                raise _Unusable("not such a script")
        return JsonItem(key="", value=_loaded(content.strip(b" \t\r\n;")))
    except PhotoUnreadable as error:
        return _unread(member, error.reason)
    except _Unusable as error:
        return _unread(member, str(error))


def csv_rows(tree: ExportTree, member: Member) -> Iterator[list[str] | SkippedEntry]:
    """Read a CSV file row by row, in UTF-8 with or without a byte order mark.

    A line may take a million characters, a field 131,072, a file five million rows.

    Yields
    ------
    list of str or SkippedEntry
        The latter where the file, or the rest of it, cannot be used; nothing follows it.
    """
    try:
        with (
            tree.open(member) as file,
            io.TextIOWrapper(file, "utf-8-sig", errors="replace", newline="") as text,
        ):
            for number, row in enumerate(csv.reader(_lines(text.readline))):
                if number == MAX_ITEMS:
                    raise _Unusable("too many rows")
                yield row
    except PhotoUnreadable as error:
        yield _unread(member, error.reason)
    except csv.Error:
        yield _unread(member, "damaged")
    except _Unusable as error:
        yield _unread(member, str(error))


Found = tuple[Member, re.Match[str]]
"""A file, and how its path matched a pattern."""


def numbered(tree: ExportTree, pattern: re.Pattern[str]) -> list[Found]:
    """Find the files whose whole path matches, in the order of the numbers in their names."""
    found = []
    for member in tree.members():
        match = pattern.fullmatch(member.name)
        if match is not None:
            found.append((member, match))
    return sorted(found, key=lambda each: _natural(each[0].name))


def uppermost(found: list[Found]) -> str | None:
    """Return what is matched by the group ``top`` of the file that lies highest, None for no files.

    What lies elsewhere is not to be read with it: a folder may hold the exports of two accounts.
    """
    tops = {match["top"] for _, match in found}
    return min(tops, key=lambda top: (top.count("/"), top), default=None)


def under(top: str | None, found: list[Found]) -> list[Found]:
    """Keep the files whose group ``top`` is this; all where it is None."""
    return [each for each in found if top is None or each[1]["top"] == top]


def at(value: Any, *path: str | int) -> Any:
    """Return what stands in nested objects and lists under the keys of a path, or None."""
    for step in path:
        if isinstance(step, str) and isinstance(value, dict):
            value = value.get(step)
        elif isinstance(step, int) and isinstance(value, list) and 0 <= step < len(value):
            value = value[step]
        else:
            return None
    return value


def text_at(value: Any, *path: str | int) -> str:
    """Return the text under a path (a number as its digits), or an empty one."""
    found = at(value, *path)
    if isinstance(found, int) and not isinstance(found, bool) and abs(found) < 1 << 64:
        return str(found)
    return found if isinstance(found, str) else ""


def list_at(value: Any, *path: str | int) -> list[Any]:
    """Return the list under a path, or an empty one."""
    found = at(value, *path)
    return found if isinstance(found, list) else []


def moment_at(value: Any, *path: str | int) -> datetime | None:
    """Return the moment, stated in seconds since 1970 UTC under a path, or None."""
    found = at(value, *path)
    if isinstance(found, str) and re.fullmatch(r"-?[0-9]{1,12}", found, re.ASCII):
        found = int(found)
    if isinstance(found, bool) or not isinstance(found, int | float) or not found:
        return None
    try:
        return datetime.fromtimestamp(found, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def repaired(text: str) -> str:
    """Undo what Facebook and Instagram do to text: UTF-8 that was read as Latin-1.

    Text that is not such is returned as it is.
    """
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def item_of_path(path: str) -> str:
    """Write a path that records state as `item_of` writes a file's; it may hold anything."""
    return item_of(path[:1_024].encode("utf-8", "replace").decode("utf-8"))


def _unread(member: Member, reason: str) -> SkippedEntry:
    return SkippedEntry(item=item_of(member.name), reason=f"record not read: {reason}")


def _natural(name: str) -> tuple[tuple[str, int], ...]:
    parts = re.findall(r"([^0-9]*)([0-9]{0,15})", name)
    return tuple((words, int(number or 0)) for words, number in parts)


def _lines(readline: Callable[[int], str]) -> Iterator[str]:
    while line := readline(MAX_LINE):
        if len(line) == MAX_LINE:
            raise _Unusable("a line is too long")
        yield line.replace("\0", "")


def _loaded(content: bytes) -> Any:
    try:
        return json.loads(content)
    except RecursionError as error:
        raise _Unusable("nested too deep") from error
    except ValueError as error:
        raise _Unusable("damaged") from error


class _Reader:
    """Reads JSON of any length with one item, and what was read ahead, in memory."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._parser = json.JSONDecoder()
        self._buffer = ""
        self._at = 0
        self._read = 0
        self._told = 0
        self._ended = False

    def items(self, assigned: bool) -> Iterator[JsonItem]:
        self._more()
        if self._buffer.startswith("\ufeff"):
            self._at = 1
        if assigned:
            self._at = self._buffer.find("=", 0, _MAX_ASSIGNED_TO) + 1
            if not self._at:
                raise _Unusable("not such a script")
        opening = self._next()
        if opening == "[":
            yield from self._elements("")
        elif opening == "{":
            yield from self._values()
        else:
            raise _Unusable("damaged")

    def _values(self) -> Iterator[JsonItem]:
        if self._peek() == "}":
            return
        while True:
            key = self._value()
            if not isinstance(key, str) or self._next() != ":":
                raise _Unusable("damaged")
            if self._peek() == "[":
                self._next()
                yield from self._elements(key)
            else:
                yield JsonItem(key=key, value=self._value())
            if not self._goes_on("}"):
                return

    def _elements(self, key: str) -> Iterator[JsonItem]:
        if self._peek() == "]":
            self._next()
            return
        while True:
            yield JsonItem(key=key, value=self._value())
            if not self._goes_on("]"):
                return

    def _goes_on(self, closing: str) -> bool:
        found = self._next()
        if found not in (",", closing):
            raise _Unusable("damaged")
        return found == ","

    def _value(self) -> Any:
        self._told += 1
        if self._told > MAX_ITEMS:
            raise _Unusable("too many items")
        self._peek()
        while True:
            try:
                value, end = self._parser.raw_decode(self._buffer, self._at)
            except RecursionError as error:
                raise _Unusable("nested too deep") from error
            except ValueError as error:
                # Cut off by the end of what was read, or damaged: the one becomes whole.
                if self._ended:
                    raise _Unusable("damaged or cut short") from error
            else:
                # A number may go on in what comes next, as by ".5e-10".
                if end + _CAREFUL < len(self._buffer) or self._ended:
                    self._at = end
                    return value
            self._more()

    def _peek(self) -> str:
        """Move over white space, and return the next letter."""
        while True:
            found = _BLANK.match(self._buffer, self._at)
            self._at = found.end() if found is not None else self._at
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if self._ended:
                raise _Unusable("cut short")
            self._more()

    def _next(self) -> str:
        letter = self._peek()
        self._at += 1
        return letter

    def _more(self) -> None:
        """Let go of what was taken, and read at least as much again as is waiting."""
        waiting = len(self._buffer) - self._at
        if waiting > MAX_ITEM_LENGTH:
            raise _Unusable("an item is damaged or too long")
        chunk = self._file.read(max(_CHUNK, waiting))
        self._read += len(chunk)
        if self._read > MAX_FILE_BYTES:
            raise _Unusable("too large")
        self._ended = not chunk
        decoded = self._decoder.decode(chunk, self._ended)
        self._buffer, self._at = self._buffer[self._at :] + decoded, 0
