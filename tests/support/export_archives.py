"""Whole exports from what is in them: one ZIP, several parts, or an unpacked folder."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from likeness.sources.exports.folder_tree import FolderTree
from likeness.sources.exports.tree import ExportTree
from likeness.sources.exports.zip_parts import ZipParts

Files = Mapping[str, bytes]
"""Names with ``/`` between parts, and what is in them."""

Shape = Literal["zip", "parts", "folder"]
SHAPES: tuple[Shape, ...] = ("zip", "parts", "folder")

_LOCAL = struct.Struct("<4s5H3L2H")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_WHEN = (12 << 11 | 30 << 5 | 5, (2024 - 1980) << 9 | 5 << 5 | 1)

MOMENT = (2024, 5, 1, 12, 30, 10)


def zip_of(path: Path, files: Files, *, method: int = zipfile.ZIP_DEFLATED) -> Path:
    """Write one archive."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            told = zipfile.ZipInfo(name, MOMENT)
            told.compress_type = method
            told.external_attr = 0o100644 << 16
            archive.writestr(told, content)
    return path


def parts_in(folder: Path, files: Files, *, parts: int = 2, stem: str = "export") -> list[Path]:
    """Write several archives that belong together, the files dealt out among them in turn."""
    dealt: list[dict[str, bytes]] = [{} for _ in range(parts)]
    for number, (name, content) in enumerate(files.items()):
        dealt[number % parts][name] = content
    return [
        zip_of(folder / f"{stem}-{number:03d}.zip", share) for number, share in enumerate(dealt, 1)
    ]


def folder_of(path: Path, files: Files) -> Path:
    """Write the files themselves."""
    path.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        place = path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return path


def tree_of(place: Path, files: Files, shape: Shape) -> ExportTree:
    """Write an export in one of the three shapes, and open it."""
    if shape == "folder":
        return FolderTree(folder_of(place / "export", files))
    if shape == "parts":
        return ZipParts(parts_in(place, files, parts=3))
    return ZipParts([zip_of(place / "export.zip", files)])


@dataclass(frozen=True, kw_only=True)
class Raw:
    """One member as it is written, to the byte; what is left out is stated truly.

    ``at`` puts the entry of the list at another member's header instead of at one of its own.
    """

    name: bytes
    content: bytes = b""
    method: int = 0
    flags: int = 0
    mode: int = 0o100644
    crc: int | None = None
    size: int | None = None
    packed: int | None = None
    payload: bytes | None = None
    local_name: bytes | None = None
    at: int | None = None


def raw_zip(path: Path, members: Iterable[Raw], *, comment: bytes = b"") -> Path:
    """Write an archive that no honest program writes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    entries, begins = bytearray(), []
    with path.open("wb") as file:
        for each in members:
            payload = each.payload
            if payload is None:
                payload = deflated(each.content) if each.method == 8 else each.content
            crc = zlib.crc32(each.content) if each.crc is None else each.crc
            size = len(each.content) if each.size is None else each.size
            packed = len(payload) if each.packed is None else each.packed
            begin = file.tell() if each.at is None else begins[each.at]
            begins.append(begin)
            common = (20, each.flags, each.method, *_WHEN, crc, packed, size)
            if each.at is None:
                local = each.name if each.local_name is None else each.local_name
                file.write(_LOCAL.pack(b"PK\x03\x04", *common, len(local), 0) + local + payload)
            length = len(each.name)
            mode = each.mode << 16
            entries += _ENTRY.pack(b"PK\x01\x02", 0x0314, *common, length, 0, 0, 0, 0, mode, begin)
            entries += each.name
        _end(file, bytes(entries), len(begins), comment)
    return path


def zip_of_empty_files(path: Path, pattern: str, count: int) -> Path:
    """Write an archive of very many files, named by their numbers, with nothing in them."""
    length = len(pattern % 0)
    local = _LOCAL.pack(b"PK\x03\x04", 20, 0, 0, *_WHEN, 0, 0, 0, length, 0)
    entry = _ENTRY.pack(
        b"PK\x01\x02", 0x0314, 20, 0, 0, *_WHEN, 0, 0, 0, length, 0, 0, 0, 0, 0o100644 << 16, 0
    )[:-4]
    each = len(local) + length
    with path.open("wb") as file:
        file.writelines(local + (pattern % number).encode() for number in range(count))
        entries = b"".join(
            entry + (number * each).to_bytes(4, "little") + (pattern % number).encode()
            for number in range(count)
        )
        _end(file, entries, count, b"")
    return path


def _end(file: BinaryIO, entries: bytes, count: int, comment: bytes) -> None:
    list_at = file.tell()
    file.write(entries)
    if count > 0xFFFF:
        end = file.tell()
        numbers = (44, 45, 45, 0, 0, count, count, len(entries), list_at)
        file.write(struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", *numbers))
        file.write(struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1))
    told = min(count, 0xFFFF)
    numbers = (0, 0, told, told, len(entries), list_at, len(comment))
    file.write(struct.pack("<4s4H2LH", b"PK\x05\x06", *numbers) + comment)


def deflated(content: bytes, level: int = 6) -> bytes:
    """Pack as a ZIP does (RFC 1951, without a header)."""
    packer = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()
