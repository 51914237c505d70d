"""What a crawling process and its parent say to each other over two pipes.

Each message is a header, a JSON object and, for photos, their bytes. The parent trusts none of it:
lengths are bounded before anything is kept, and every field is checked, because the other process
may have been taken over by what it reads.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from likeness.sources.website.memory import LONGEST_PAGE, LONGEST_VALIDATOR, Remembered

HEADER = struct.Struct("!4sIQ")
"""Which message, the length of the JSON object, the number of bytes after it."""

MOST_DETAILS = 12 * LONGEST_PAGE + 200_000
"""Longest JSON object, in bytes; a character may take twelve of them."""

SETUP, TOLD = b"LWs1", b"LWt1"
"""From the parent: what to crawl; what is remembered of an address."""

READY, ASK, PHOTO, SKIPPED, SEEN, DONE = b"LWr1", b"LWa1", b"LWp1", b"LWk1", b"LWm1", b"LWd1"
"""From the child: started; what is remembered of an address?; a photo; something not taken; a page
to remember; the end."""

_WITH_BYTES = frozenset({PHOTO})
_FROM_CHILD = frozenset({READY, ASK, PHOTO, SKIPPED, SEEN, DONE})
_FROM_PARENT = frozenset({SETUP, TOLD})


class ProtocolBroken(Exception):
    """The other side said something that it never should."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message.

    Attributes
    ----------
    kind : bytes
        `SETUP`, `TOLD`, `READY`, `ASK`, `PHOTO`, `SKIPPED`, `SEEN` or `DONE`.
    details : mapping
        Of str to whatever JSON can say; not checked beyond that.
    body : bytes
        A photo's bytes; empty for what is unchanged and for everything else.
    """

    kind: bytes
    details: Mapping[str, Any]
    body: bytes = b""


def pack(kind: bytes, details: Mapping[str, Any], body: bytes = b"") -> bytes:
    """Write a message."""
    text = json.dumps(details, separators=(",", ":")).encode("ascii")
    if len(text) > MOST_DETAILS:
        raise ProtocolBroken("a message that is too long")
    return HEADER.pack(kind, len(text), len(body)) + text + body


class Reader:
    """Puts messages together from what comes through a pipe.

    Parameters
    ----------
    from_child : bool
        Which messages may come.
    max_body : int
        Most bytes that a photo may have.
    """

    def __init__(self, *, from_child: bool, max_body: int = 0) -> None:
        self._kinds = _FROM_CHILD if from_child else _FROM_PARENT
        self._max_body = max_body
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Take what came."""
        self._buffer += data

    def next(self) -> Message | None:
        """Return the next message; None until all of it came.

        Raises
        ------
        ProtocolBroken
            If it is none, or longer than it may be.
        """
        if len(self._buffer) < HEADER.size:
            return None
        kind, length, size = HEADER.unpack_from(self._buffer)
        most = self._max_body if kind in _WITH_BYTES else 0
        if kind not in self._kinds or length > MOST_DETAILS or size > most:
            raise ProtocolBroken("not a message that may come")
        end = HEADER.size + length + size
        if len(self._buffer) < end:
            return None
        text = bytes(self._buffer[HEADER.size : HEADER.size + length])
        body = bytes(memoryview(self._buffer)[HEADER.size + length : end])
        del self._buffer[:end]
        return Message(kind=kind, details=_object(text), body=body)


def _object(text: bytes) -> Mapping[str, Any]:
    try:
        details = json.loads(text.decode("ascii"))
    except (ValueError, RecursionError) as error:
        raise ProtocolBroken("not JSON") from error
    if not isinstance(details, dict):
        raise ProtocolBroken("not a JSON object")
    return details


def words(details: Mapping[str, Any], name: str, longest: int) -> str:
    """Return a field that is text of at most ``longest`` characters, all of which can be stored."""
    value = details.get(name)
    if not isinstance(value, str) or len(value) > longest:
        raise ProtocolBroken(f"malformed {name}")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ProtocolBroken(f"malformed {name}") from error
    return value


def number(details: Mapping[str, Any], name: str, most: int) -> int:
    """Return a field that is a whole number from 0 to ``most``."""
    value = details.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise ProtocolBroken(f"malformed {name}")
    return value


def flag(details: Mapping[str, Any], name: str) -> bool:
    """Return a field that is true or false."""
    value = details.get(name)
    if not isinstance(value, bool):
        raise ProtocolBroken(f"malformed {name}")
    return value


def pack_remembered(remembered: Remembered | None) -> dict[str, Any]:
    """Write what is remembered of an address as fields of a message."""
    if remembered is None:
        return {}
    return {
        "url": remembered.url,
        "etag": remembered.etag,
        "last_modified": remembered.last_modified,
        "size": remembered.size,
        "modified_ns": remembered.modified_ns,
        "link_mark": remembered.link_mark,
        "page": remembered.page,
    }


def read_remembered(details: Mapping[str, Any], *, longest_address: int) -> Remembered:
    """Read what `pack_remembered` wrote."""
    return Remembered(
        url=words(details, "url", longest_address),
        etag=words(details, "etag", LONGEST_VALIDATOR),
        last_modified=words(details, "last_modified", LONGEST_VALIDATOR),
        size=number(details, "size", 1 << 40),
        modified_ns=number(details, "modified_ns", 1 << 63),
        link_mark=words(details, "link_mark", 128),
        page=words(details, "page", LONGEST_PAGE),
    )
