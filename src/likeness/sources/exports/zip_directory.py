"""The list of files at the end of a ZIP archive, read with bounded memory and nothing believed.

Written from PKWARE's APPNOTE.TXT 6.3.10, sections 4.3 and 4.4, rather than with `zipfile`, which
keeps half a kilobyte a member and, up to Python 3.11.7, does not see members that overlap.
"""

from __future__ import annotations

import os
import re
import stat
import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

MAX_MEMBERS = 2_000_000
MAX_NAME_BYTES = 1_024
MAX_ALL_NAMES_BYTES = 256 * 1024 * 1024
MAX_DIRECTORY_BYTES = 1024 * 1024 * 1024
"""How long the list of one archive may be, with what members say of themselves besides names."""

STORED, DEFLATED = 0, 8

_SMALL = 1024 * 1024
_TIGHTEST = 200

_END = struct.Struct("<4s4H2LH")
_END_64_PLACE = struct.Struct("<4sLQL")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s6H3L5H2L")
LOCAL = struct.Struct("<4s5H3L2H")

_LONGEST_COMMENT = 0xFFFF
_LONGEST_ENTRY = _ENTRY.size + 3 * 0xFFFF
_CHUNK = 1024 * 1024
# Out of the archive, to a drive or stream of Windows, or written in two ways for one file.
_UNSAFE_NAME = re.compile(r"[\\\0]|//|(?:^|/)\.{1,2}(?:/|\Z)|\A(?:/|.:|\Z)")
_IS_UTF_8, _IS_ENCRYPTED = 0x0800, 0x2041

REASONS = (
    "",
    "unsafe path in the archive",
    "name too long",
    "symbolic link",
    "not a regular file",
    "encrypted",
    "compression that is not read",
    "packed too tightly to be genuine",
    "damaged",
    "overlaps another file of the archive",
    "stands twice, the first is read",
    "a folder",
    "told already",
)
"""Why a member is not read, by the number that `Directory.reasons` holds; 0 where it is."""

FOLDER, TOLD = 11, 12
"""Reasons that nobody needs to be told of: nothing is lost."""

_UNSAFE, _LONG, _LINK, _SPECIAL, _ENCRYPTED, _METHOD, _TIGHT, _DAMAGED, _OVERLAPS, TWICE = range(
    1, 11
)


class NotAnArchive(ValueError):
    """The bytes are no ZIP archive that can be listed; the message says why, as a clause."""


@dataclass(frozen=True, kw_only=True)
class Directory:
    """The members of all archives of one export, one row each, about 60 bytes and the name.

    Attributes
    ----------
    names : bytearray
        All names in UTF-8 (a byte that is not text stays as it is), one behind the other.
    name_ends : array of uint64
        Where each name ends in ``names``.
    parts, flags, times, crcs : arrays
        Which archive, flags, DOS date and time, and CRC-32 as stated.
    headers, limits, packed, sizes : arrays of uint64
        Where the member begins and where the next thing begins, its length in the archive and
        unpacked; in bytes.
    methods, reasons : arrays of uint8
        How it is packed; place in `REASONS`.
    """

    names: bytearray = field(default_factory=bytearray, repr=False)
    name_ends: array[int] = field(default_factory=lambda: array("Q"), repr=False)
    parts: array[int] = field(default_factory=lambda: array("H"), repr=False)
    flags: array[int] = field(default_factory=lambda: array("H"), repr=False)
    times: array[int] = field(default_factory=lambda: array("I"), repr=False)
    crcs: array[int] = field(default_factory=lambda: array("I"), repr=False)
    headers: array[int] = field(default_factory=lambda: array("Q"), repr=False)
    limits: array[int] = field(default_factory=lambda: array("Q"), repr=False)
    packed: array[int] = field(default_factory=lambda: array("Q"), repr=False)
    sizes: array[int] = field(default_factory=lambda: array("Q"), repr=False)
    methods: array[int] = field(default_factory=lambda: array("B"), repr=False)
    reasons: array[int] = field(default_factory=lambda: array("B"), repr=False)

    def name(self, row: int) -> bytes:
        """Return a member's name in UTF-8."""
        begin = self.name_ends[row - 1] if row else 0
        return bytes(self.names[begin : self.name_ends[row]])

    def modified_ns(self, row: int) -> int:
        """When a member was changed, the archive's local time read as UTC; 0 where not stated."""
        date, time = divmod(self.times[row], 0x10000)
        try:
            moment = datetime(
                1980 + (date >> 9),
                date >> 5 & 0xF,
                date & 0x1F,
                time >> 11,
                time >> 5 & 0x3F,
                (time & 0x1F) * 2,
                tzinfo=UTC,
            )
        except ValueError:
            return 0
        return int(moment.timestamp()) * 1_000_000_000


def text_of_name(raw: bytes, flags: int) -> str:
    """Return a member's name as text.

    UTF-8 where it is that, whatever the flag says; else code page 437, as the standard has it; a
    name that is flagged as UTF-8 and is not keeps its bytes as surrogates (`item_of` writes them).
    """
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("utf-8", "surrogateescape") if flags & _IS_UTF_8 else raw.decode("cp437")


def add_archive(directory: Directory, descriptor: int, size: int, part: int) -> None:
    """Read the list of one archive into a directory.

    Parameters
    ----------
    directory : Directory
        Holds the archives before this one.
    descriptor : int
        Of the open archive; its position is neither used nor moved.
    size : int
        Of the archive in bytes.
    part : int
        Its number, from 0.

    Raises
    ------
    NotAnArchive
        If there is no list, or it is damaged or beyond the limits.
    OSError
        If it cannot be read.
    """
    begin, end = _place_of_list(descriptor, size)
    if end - begin > MAX_DIRECTORY_BYTES:
        raise NotAnArchive("its list of files is too long")
    first = len(directory.reasons)
    for fields, raw, extra in _entries(descriptor, begin, end):
        if len(directory.reasons) == MAX_MEMBERS:
            raise NotAnArchive(f"it has more than {MAX_MEMBERS:,} files")
        if len(directory.names) > MAX_ALL_NAMES_BYTES:
            raise NotAnArchive("the names of its files are too long")
        _add(directory, fields, raw, extra, part)
    _bound(directory, first, begin)


def _place_of_list(descriptor: int, size: int) -> tuple[int, int]:
    """Find where the list of files begins and ends (4.3.16, 4.3.15 and 4.3.14)."""
    tail_begin = max(0, size - _END.size - _LONGEST_COMMENT)
    tail = os.pread(descriptor, size - tail_begin, tail_begin)
    place = len(tail)
    while (place := tail.rfind(b"PK\x05\x06", 0, place)) >= 0:
        if place + _END.size > len(tail):
            continue
        _, disk, list_disk, _, count, length, begin, comment = _END.unpack_from(tail, place)
        if place + _END.size + comment == len(tail):
            break
    else:
        whole = os.pread(descriptor, 4, 0) != b"PK\x03\x04"
        raise NotAnArchive("it is no ZIP archive" if whole else "it is cut short")
    end = tail_begin + place
    if 0xFFFF in (disk, list_disk, count) or 0xFFFFFFFF in (length, begin):
        found = _place_of_long_list(descriptor, end)
        if found is not None:
            disk, list_disk, length, begin, end = found
    if disk or list_disk:
        raise NotAnArchive("it is one piece of an archive that was split")
    if begin + length > end:
        raise NotAnArchive("it is cut short")
    return begin, begin + length


def _place_of_long_list(descriptor: int, end: int) -> tuple[int, int, int, int, int] | None:
    place = os.pread(descriptor, _END_64_PLACE.size, max(0, end - _END_64_PLACE.size))
    if len(place) < _END_64_PLACE.size or not place.startswith(b"PK\x06\x07"):
        return None
    record_at = _END_64_PLACE.unpack(place)[2]
    record = b""
    if record_at + _END_64.size <= end:
        record = os.pread(descriptor, _END_64.size, record_at)
    if len(record) < _END_64.size or not record.startswith(b"PK\x06\x06"):
        raise NotAnArchive("it is damaged")
    _, _, _, _, disk, list_disk, _, _, length, begin = _END_64.unpack(record)
    return disk, list_disk, length, begin, record_at


def _entries(
    descriptor: int, begin: int, end: int
) -> Iterator[tuple[tuple[int, ...], bytes, bytes]]:
    buffer, at, next_read = b"", 0, begin
    while at < len(buffer) or next_read < end:
        if len(buffer) - at < _LONGEST_ENTRY and next_read < end:
            more = os.pread(descriptor, min(_CHUNK, end - next_read), next_read)
            if not more:
                raise NotAnArchive("it is cut short")
            buffer, at, next_read = buffer[at:] + more, 0, next_read + len(more)
            continue
        if len(buffer) - at < _ENTRY.size:
            raise NotAnArchive("its list of files is damaged")
        signature, *fields = _ENTRY.unpack_from(buffer, at)
        name_end = at + _ENTRY.size + fields[9]
        extra_end = name_end + fields[10]
        entry_end = extra_end + fields[11]
        if signature != b"PK\x01\x02" or entry_end > len(buffer):
            raise NotAnArchive("its list of files is damaged")
        yield (
            tuple(fields),
            buffer[at + _ENTRY.size : name_end],
            buffer[name_end:extra_end],
        )
        at = entry_end


def _add(
    directory: Directory, fields: tuple[int, ...], raw: bytes, extra: bytes, part: int
) -> None:
    _, _, flags, method, time, date, crc, packed, size, _, _, _, _, _, mode, header = fields
    reason = 0
    if 0xFFFFFFFF in (size, packed, header):
        found = _long_numbers(extra, size, packed, header)
        reason = 0 if found else _DAMAGED
        size, packed, header = found or (0, 0, header)
    name = text_of_name(raw[: MAX_NAME_BYTES + 1], flags)
    reason = _name_reason(raw, name) or reason or _reason(flags, method, packed, size, mode >> 16)
    directory.names.extend(name[:MAX_NAME_BYTES].encode("utf-8", "surrogateescape"))
    directory.name_ends.append(len(directory.names))
    directory.parts.append(part)
    directory.flags.append(flags)
    directory.times.append(date << 16 | time)
    directory.crcs.append(crc)
    directory.headers.append(header)
    directory.packed.append(packed)
    directory.sizes.append(size)
    directory.methods.append(min(method, 255))
    directory.reasons.append(reason)


def _long_numbers(extra: bytes, size: int, packed: int, header: int) -> tuple[int, int, int] | None:
    """Numbers that need more than 32 bits stand in an extra field, those only (4.5.3)."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        content = extra[at + 4 : at + 4 + length]
        at += 4 + length
        if kind != 1:
            continue
        numbers = iter(struct.unpack(f"<{len(content) // 8}Q", content[: len(content) // 8 * 8]))
        try:
            size, packed, header = (
                next(numbers) if number == 0xFFFFFFFF else number
                for number in (size, packed, header)
            )
        except (StopIteration, RuntimeError):
            return None
        return (size, packed, header) if max(size, packed, header) < 1 << 62 else None
    return None


def _name_reason(raw: bytes, name: str) -> int:
    if len(raw) > MAX_NAME_BYTES:
        return _LONG
    if _UNSAFE_NAME.search(name):
        return _UNSAFE
    return FOLDER if name.endswith("/") else 0


def _reason(flags: int, method: int, packed: int, size: int, mode: int) -> int:
    if stat.S_ISLNK(mode):
        return _LINK
    if stat.S_IFMT(mode) and not stat.S_ISREG(mode):
        return _SPECIAL
    if flags & _IS_ENCRYPTED:
        return _ENCRYPTED
    if method not in (STORED, DEFLATED):
        return _METHOD
    if method == STORED and packed != size:
        return _DAMAGED
    if size > _SMALL and size > _TIGHTEST * packed:
        return _TIGHT
    return 0


def _bound(directory: Directory, first: int, list_begin: int) -> None:
    """Find where each member of an archive has to end, and which ones overlap or lead outside."""
    headers: NDArray[np.uint64] = np.array(directory.headers[first:], dtype=np.uint64)
    packed: NDArray[np.uint64] = np.array(directory.packed[first:], dtype=np.uint64)
    order = np.argsort(headers, kind="stable")
    begins, ends = headers[order], headers[order] + np.uint64(LOCAL.size) + packed[order]
    nexts = np.append(begins[1:], np.uint64(list_begin))[: len(begins)]
    nexts = np.minimum(nexts, np.uint64(list_begin))
    astray = ends > np.uint64(list_begin)
    overlaps = ends > nexts
    if len(begins) > 1:
        overlaps[1:] |= begins[1:] < np.maximum.accumulate(ends)[:-1]
    limits = np.empty_like(headers)
    limits[order] = nexts
    directory.limits.frombytes(limits.astype("=u8").tobytes())
    for place in np.nonzero(overlaps | astray)[0].tolist():
        row = first + int(order[place])
        if directory.reasons[row] in (0, _TIGHT):
            directory.reasons[row] = _DAMAGED if astray[place] else _OVERLAPS
