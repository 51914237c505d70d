"""An export as its platform gives it: one ZIP archive, or several that belong together."""

from __future__ import annotations

import errno
import io
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from likeness.errors import PhotoUnreadable, SourceUnreadable
from likeness.sources.base import item_of
from likeness.sources.exports.tree import Member
from likeness.sources.exports.zip_directory import (
    FOLDER,
    LOCAL,
    REASONS,
    STORED,
    TOLD,
    TWICE,
    Directory,
    NotAnArchive,
    add_archive,
    text_of_name,
)
from likeness.sources.exports.zip_stream import DeflatedStream, StoredStream
from likeness.sources.regular_files import open_folder, open_regular, reason_of

MAX_PARTS = 1_000
_BUFFER = 128 * 1024

_FIXES = MappingProxyType(
    {
        "gone": "Put the archive back and add it again.",
        "permission denied": "Let the account that runs Likeness read the archive.",
        "too large": "Save a smaller copy, or raise the limit on the size of a photo.",
        "changing": "Add the archive again when nothing writes to it any more.",
        "read back and forth too often": "Unpack the archive and add the folder.",
    }
)
_FIX = "Download the archive from the platform again and add it anew."

# "takeout-20240131T101500Z-001.zip", and "facebook-name-part2.zip". A number of one or two digits
# without the word may be a day: "x-2024-01-31.zip" is another export than that of the day before.
_PART = re.compile(
    r"(?P<stem>.+?)(?P<gap>-|[-_. ]part[-_ ]?)(?P<number>(?<=-)\d{3}|(?<=part)\d{1,3}"
    r"|(?<=part[-_ ])\d{1,3})\.zip",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class _Archive:
    """One archive: where it lies, and what tells that it is still the one that was listed."""

    path: Path
    identity: tuple[int, int, int, int]


class ZipParts:
    """The files in one ZIP archive or in several parts of one export (see `ExportTree`).

    Members are read where they lie; nothing is unpacked to disk and no archive is held open. Two
    million members are listed in some 400 MB at most.
    """

    def __init__(self, paths: Sequence[str | os.PathLike[str]]) -> None:
        """List the archives.

        Parameters
        ----------
        paths : sequence of paths
            At least one; the first gives the address.

        Raises
        ------
        SourceUnreadable
            If one is not there, is no regular file or no whole ZIP archive, or if they hold more
            than two million files or 256 MB of names.
        """
        if not 0 < len(paths) <= MAX_PARTS:
            raise SourceUnreadable(
                f"An export in {len(paths):,} parts cannot be added.",
                f"Add between one and {MAX_PARTS:,} archives of one export.",
            )
        self._directory = Directory()
        self._archives = tuple(
            _list_archive(self._directory, path, part) for part, path in enumerate(paths)
        )
        self._hashes, self._order = _index(self._directory)
        self.address = item_of(str(self._archives[0].path))

    def members(self) -> Iterator[Member]:
        """List the files, in the order of the archives (see `ExportTree.members`)."""
        for row, reason in enumerate(self._directory.reasons):
            if not reason:
                yield self._member(row)

    def problems(self) -> Iterator[tuple[str, str]]:
        """Tell what `members` leaves out, and why (see `ExportTree.problems`)."""
        for row, reason in enumerate(self._directory.reasons):
            if reason and reason not in (FOLDER, TOLD):
                yield item_of(_text(self._directory.name(row))), REASONS[reason]

    def find(self, name: str) -> Member | None:
        """Return the file with exactly this path, or None."""
        row = self._row(name)
        return None if row is None else self._member(row)

    def open(self, member: Member) -> BinaryIO:
        """Return a file's bytes as a stream (see `ExportTree.open`).

        Reading it raises `PhotoUnreadable` with ``"damaged"`` where the bytes are not as stated.
        """
        row = self._row(member.name)
        if row is None:
            raise _refused(member, "gone")
        directory = self._directory
        archive = self._archives[directory.parts[row]]
        try:
            descriptor = _opened(archive)
        except OSError as error:
            raise _refused(member, reason_of(error)) from error
        try:
            begin = _begin(directory, row, descriptor)
            # Of a file of no bytes nothing is ever read, so that its checksum has to fit here.
            if begin is None or (directory.sizes[row] == 0 and directory.crcs[row] != 0):
                raise _refused(member, "damaged")
        except OSError as error:
            os.close(descriptor)
            raise _refused(member, reason_of(error)) from error
        except PhotoUnreadable:
            os.close(descriptor)
            raise
        return io.BufferedReader(self._stream(member, row, descriptor, begin), _BUFFER)

    def _stream(self, member: Member, row: int, descriptor: int, begin: int) -> StoredStream:
        directory = self._directory
        size, crc = directory.sizes[row], directory.crcs[row]

        def refuse(reason: str) -> PhotoUnreadable:
            return _refused(member, reason)

        if directory.methods[row] == STORED:
            return StoredStream(descriptor, begin=begin, size=size, crc=crc, refuse=refuse)
        return DeflatedStream(
            descriptor,
            begin=begin,
            packed=directory.packed[row],
            size=size,
            crc=crc,
            refuse=refuse,
        )

    def read(self, member: Member, max_bytes: int) -> bytes:
        """Return a file whole (see `ExportTree.read`)."""
        row = self._row(member.name)
        if row is not None and self._directory.sizes[row] > max_bytes:
            raise _refused(member, "too large")
        with self.open(member) as file:
            return file.read()

    def uri(self, member: Member) -> str:
        """Return the address of a file of an archive (see `ExportTree.uri`)."""
        path = self._archives[member.part].path
        return f"{path.as_uri()}?member={quote(member.name, errors='surrogateescape')}"

    def close(self) -> None:
        """Nothing is held open between two calls."""

    def _member(self, row: int) -> Member:
        directory = self._directory
        return Member(
            name=_text(directory.name(row)),
            size=directory.sizes[row],
            modified_ns=directory.modified_ns(row),
            mark=f"{directory.crcs[row]:08x}",
            part=directory.parts[row],
        )

    def _row(self, name: str) -> int | None:
        try:
            wanted = name.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:  # half of a pair that stands alone: no file has such a name
            return None
        key = np.int64(hash(wanted))
        place = int(np.searchsorted(self._hashes, key))
        while place < len(self._hashes) and self._hashes[place] == key:
            row = int(self._order[place])
            if not self._directory.reasons[row] and self._directory.name(row) == wanted:
                return row
            place += 1
        return None


def parts_of(path: str | os.PathLike[str]) -> list[Path]:
    """Find the parts of one export that lie in one folder, by the names that platforms give.

    Parameters
    ----------
    path : str or path
        One of the parts, or an archive that stands alone.

    Returns
    -------
    list of Path
        In the order of their numbers, ``path`` among them; only ``path`` where its name is not one
        of several. Names are ``…-001.zip`` with three digits, or ``…-part1.zip``; everything before
        the number has to be the same.
    """
    path = Path(path)
    own = _PART.fullmatch(path.name)
    if own is None:
        return [path]
    found = {}
    try:
        with os.scandir(path.parent) as entries:
            for entry in entries:
                other = _PART.fullmatch(entry.name)
                if other is None or other["stem"] + other["gap"] != own["stem"] + own["gap"]:
                    continue
                if entry.is_file(follow_symlinks=False):
                    found[entry.name] = int(other["number"])
    except OSError:  # told when the archive is opened
        return [path]
    found[path.name] = int(own["number"])
    return [path.with_name(name) for name in sorted(found, key=lambda name: (found[name], name))]


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _refused(member: Member, reason: str) -> PhotoUnreadable:
    return PhotoUnreadable(
        f"{item_of(member.name)} in the archive cannot be read: {reason}.",
        _FIXES.get(reason, _FIX),
        reason=reason,
    )


def _identity(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _opened(archive: _Archive) -> int:
    """Open an archive that was listed, if it is still the same."""
    with (
        open_folder(str(archive.path.parent), ()) as folder,
        open_regular(folder, archive.path.name) as (descriptor, status),
    ):
        if _identity(status) != archive.identity:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        return os.dup(descriptor)


def _list_archive(directory: Directory, path: str | os.PathLike[str], part: int) -> _Archive:
    shown = item_of(os.fspath(path))
    try:
        place = Path(os.path.realpath(path, strict=True))
        if stat.S_ISDIR(os.stat(place).st_mode):
            raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))
        with (
            open_folder(str(place.parent), ()) as folder,
            open_regular(folder, place.name) as (descriptor, status),
        ):
            add_archive(directory, descriptor, status.st_size, part)
    except NotAnArchive as error:
        raise SourceUnreadable(f"The archive {shown} cannot be added: {error}.", _FIX) from error
    except (OSError, ValueError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else "gone"
        told = "there is nothing there" if reason == "gone" else reason
        raise SourceUnreadable(
            f"The archive {shown} cannot be added: {told}.",
            "Check the path; it has to name a ZIP archive that the account may read.",
        ) from error
    return _Archive(path=place, identity=_identity(status))


def _begin(directory: Directory, row: int, descriptor: int) -> int | None:
    """Where a member's bytes begin, by its own header; None where that contradicts the list."""
    header_at = directory.headers[row]
    header = os.pread(descriptor, LOCAL.size, header_at)
    if len(header) < LOCAL.size:
        return None
    signature, _, flags, method, _, _, _, _, _, name_length, extra_length = LOCAL.unpack(header)
    raw = os.pread(descriptor, name_length, header_at + LOCAL.size)
    begin: int = header_at + LOCAL.size + name_length + extra_length
    told = text_of_name(raw, flags).encode("utf-8", "surrogateescape")
    if signature != b"PK\x03\x04" or method != directory.methods[row]:
        return None
    if told != directory.name(row) or begin + directory.packed[row] > directory.limits[row]:
        return None
    return begin


def _index(directory: Directory) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sort the members by a hash of their names, and mark those that stand there twice.

    The hash of Python is keyed anew in every process, so names cannot be chosen to collide.
    """
    rows = len(directory.reasons)
    hashes = np.fromiter((hash(directory.name(row)) for row in range(rows)), np.int64, rows)
    order = np.argsort(hashes, kind="stable")
    hashes = hashes[order]
    firsts: dict[bytes, int] = {}
    for place in np.nonzero(hashes[1:] == hashes[:-1])[0].tolist():
        if place and hashes[place] != hashes[place - 1]:
            firsts.clear()
        for row in (int(order[place]), int(order[place + 1])):
            name = directory.name(row)
            if directory.reasons[row]:
                continue
            first = firsts.setdefault(name, row)
            if first != row:
                directory.reasons[row] = TOLD if _same(directory, first, row) else TWICE
    return hashes, order


def _same(directory: Directory, one: int, other: int) -> bool:
    """Whether two members are the same file, told in two parts as some platforms do."""
    return (
        directory.parts[one] != directory.parts[other]
        and directory.crcs[one] == directory.crcs[other]
        and directory.sizes[one] == directory.sizes[other]
    )
