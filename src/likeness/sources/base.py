"""What every source does: list its photos in a stable order, read one, say where it came from."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from likeness.errors import SourceBlocked
from likeness.records.photo import EmbeddedMetadata
from likeness.records.sighting import PageLink, Span

# A fixed list rather than str.isprintable, whose answer changes with the Unicode version of Python:
# an item has to stay the same item. It holds what cannot be stored (surrogates) and what makes a
# name look like another one (control characters, line and paragraph separators, bidirectional
# overrides).
_ESCAPED = re.compile("[\x00-\x1f\\\\\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_ESCAPE = re.compile(r"\\(?:x([0-9A-F]{2})|u((?!D[89A-F])[0-9A-F]{4}))")


@dataclass(frozen=True, kw_only=True)
class SkippedEntry:
    """Something in a source that is not read, and why.

    Attributes
    ----------
    item : str
        Its place within the source; for a row of a link list, ``links.csv:17`` with its line.
    reason : str
        A few words, such as ``"symbolic link"``; nothing of the content.
    hides : bool
        True where what is at or below ``item`` could not be seen, as in a folder that may not be
        opened: photos that were found there before are not known to be gone.
    ends : bool
        True where the source says that ``item`` is no longer to be held, such as a post that was
        moved to the bin since: what is known of it goes.
    """

    item: str
    reason: str
    hides: bool = False
    ends: bool = False


@dataclass(frozen=True, kw_only=True)
class SourceEntry(ABC):
    """One photo of a source, not read yet.

    A photo whose ``size``, ``modified_ns`` and ``link_mark`` are as they were before has not
    changed, nor has its link, and need not be read again.

    Attributes
    ----------
    item : str
        Its place within the source, with ``/`` between parts: printable, valid Unicode, unique in
        the source, and the same at each listing (see `item_of`).
    size : int
        In bytes.
    modified_ns : int
        When the content was last changed, in nanoseconds since 1970 UTC.
    link_mark : str
        Hex digest over everything outside the photo's bytes that decides its link.
    """

    item: str
    size: int
    modified_ns: int
    link_mark: str

    @abstractmethod
    def read(self, max_bytes: int) -> bytes:
        """Return the photo's bytes, at most ``max_bytes`` of them.

        Raises
        ------
        PhotoUnreadable
            With the reason ``"too large"``, ``"gone"``, ``"permission denied"``, ``"symbolic
            link"``, ``"not a regular file"``, ``"changing"`` or ``"could not be read"``.
        """

    @abstractmethod
    def link(self, embedded: EmbeddedMetadata | None) -> PageLink:
        """Return the way back, given what the photo says of itself (None where that is not known).

        Reads nothing and does not fail: whatever cannot be trusted as a link is passed over.
        """


@dataclass(frozen=True, kw_only=True)
class VideoEntry(ABC):
    """One video of a source, not read yet. Its frames become photos; see `SourceEntry`.

    Attributes
    ----------
    item, size, modified_ns, link_mark
        As those of a `SourceEntry`.
    """

    item: str
    size: int
    modified_ns: int
    link_mark: str

    @abstractmethod
    def open(self) -> BinaryIO:
        """Return the video's bytes as a stream that can seek; whoever asks closes it.

        Nothing is unpacked or fetched whole.

        Raises
        ------
        PhotoUnreadable
            As `SourceEntry.read`.
        """

    @abstractmethod
    def link(self, span: Span) -> PageLink:
        """Return the way back to a part of the video, the moment in its addresses where possible.

        Reads nothing and does not fail.
        """


Entry = SourceEntry | VideoEntry | SkippedEntry
"""What a source tells of."""


class Source(Protocol):
    """Where a collection's photos come from.

    It can be listed again after a run that was killed: what is as it was is told by the same
    ``item`` with the same ``size``, ``modified_ns`` and ``link_mark``, and is not read again.
    """

    @property
    def kind(self) -> str:
        """What sort of source it is, such as ``"folder"``."""

    @property
    def address(self) -> str:
        """Where it is; with the kind, what tells one source from another. Valid Unicode."""

    @property
    def whole(self) -> bool:
        """Whether `entries` tells of everything, so that an item which is absent is gone.

        Asked after `entries` has ended.
        """

    def recognised(self) -> str:
        """Say in one sentence what this is, as ``likeness add`` does before it starts."""

    def count(self) -> int | None:
        """How many photos and videos there are; None where only reading all of it would tell."""

    def entries(self) -> Iterator[Entry]:
        """List the source, each time anew. An ``item`` is told once.

        What is skipped comes where it is met. Nothing is read ahead beyond one folder or page.

        Raises
        ------
        SourceUnreadable
            If the source as a whole cannot be listed.
        SourceBlocked
            After `stop`.
        """

    def remarks(self) -> Mapping[str, int]:
        """How many photos and videos were matched with their record by which rule.

        Asked after `entries` has ended; empty where nothing had to be matched.
        """

    def stop(self) -> None:
        """Stop at once, from another thread: nothing more is asked of wherever the photos are.

        An `entries` under way raises `SourceBlocked` where its next entry would have come.
        """


def stopped() -> SourceBlocked:
    """The error of a source that was told to stop."""
    return SourceBlocked(
        "This source was removed or stopped; nothing more of it is taken in.",
        "See likeness status, and likeness notices.",
    )


def item_of(name: str) -> str:
    r"""Write a file's name, or path, so that it can be stored and shown.

    Ordinary names stay as they are. A byte that is not UTF-8 becomes ``\xE9``, a control character
    ``\x0A`` or ``\u0085``, and a backslash ``\x5C``, so that `name_of` can undo it.

    Parameters
    ----------
    name : str
        As the operating system gives it (``surrogateescape`` where it is not text).
    """
    return _ESCAPED.sub(_escape, text_of(name))


def text_of(name: str) -> str:
    """Return a name as text by UTF-8, whatever the locale; bytes that are not become surrogates."""
    return os.fsencode(name).decode("utf-8", "surrogateescape")


def name_of(item: str) -> str:
    """Return the name, as the operating system takes it, of an item that `item_of` wrote."""
    text = _ESCAPE.sub(_unescape, item)
    return os.fsdecode(text.encode("utf-8", "surrogateescape"))


def _escape(found: re.Match[str]) -> str:
    point = ord(found.group())
    if 0xDC80 <= point <= 0xDCFF:
        return f"\\x{point - 0xDC00:02X}"
    return f"\\x{point:02X}" if point < 0x80 else f"\\u{point:04X}"


def _unescape(found: re.Match[str]) -> str:
    byte, point = found.groups()
    if point is not None:
        return chr(int(point, 16))
    value = int(byte, 16)
    return chr(value if value < 0x80 else 0xDC00 + value)
