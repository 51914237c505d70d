"""The files of an export, wherever they lie: in one ZIP, in several parts, or unpacked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol


@dataclass(frozen=True, kw_only=True)
class Member:
    """One file of an export.

    Attributes
    ----------
    name : str
        Its path as the platform wrote it, with ``/`` between parts, relative to the top of the
        export. Text as in the archive; may be any Unicode that `item_of` can write.
    size : int
        In bytes, as the archive states it; not trusted.
    modified_ns : int
        In nanoseconds since 1970 UTC, 0 where not known.
    mark : str
        What tells whether the content changed, such as a checksum that the archive states.
    part : int
        Which of several archives holds it, from 0.
    """

    name: str
    size: int
    modified_ns: int
    mark: str
    part: int = 0


class ExportTree(Protocol):
    """The files of one export. Safe for threads; nothing is unpacked to disk."""

    @property
    def address(self) -> str:
        """Where it lies: the path of the folder, or of the archive (the first of several).

        As `item_of` writes it.
        """

    def members(self) -> Iterator[Member]:
        """Every file, in a stable order; the same name in two parts is told once, the first.

        What is unsafe or cannot be read (paths that lead out, links, encrypted members) is left
        out here and told by `problems`.
        """

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yield the item and the reason of each file that is not told by `members`."""

    def find(self, name: str) -> Member | None:
        """Return the file with exactly this path, or None."""

    def open(self, member: Member) -> BinaryIO:
        """Return a file's bytes as a stream that can seek; whoever asks closes it.

        Raises
        ------
        PhotoUnreadable
            As `SourceEntry.read`.
        """

    def read(self, member: Member, max_bytes: int) -> bytes:
        """Return a file whole.

        Raises
        ------
        PhotoUnreadable
            As `SourceEntry.read`; ``"too large"`` beyond ``max_bytes``, also where it states less.
        """

    def uri(self, member: Member) -> str:
        """Return the address of a file: ``file:///…``, in an archive with ``?member=`` its path."""

    def close(self) -> None:
        """Let go of the archives."""
