"""How long an MP4 or QuickTime video is, by its movie header (ISO/IEC 14496-12, 8.2.2)."""

from __future__ import annotations

from typing import BinaryIO

_MAX_BOXES = 1_000
_MAX_HEADER_BYTES = 16 * 1024 * 1024
_HEADER = 8
_LAST = 1 << 62
_UNKNOWN = (0, 0xFFFF_FFFF, 0xFFFF_FFFF_FFFF_FFFF)


def length_ms(file: BinaryIO) -> int | None:
    """Return the length in milliseconds, or None where the file does not say.

    Parameters
    ----------
    file : BinaryIO
        Can seek. Box headers and one movie header are read, and no more.
    """
    movie = _box(file, b"moov", 0, None)
    if movie is None:
        return None
    start, end = movie
    if end is not None and end - start > _MAX_HEADER_BYTES:
        return None
    header = _box(file, b"mvhd", start, end)
    if header is None:
        return None
    file.seek(header[0])
    content = file.read(32)
    if len(content) < 32 or content[0] > 1:
        return None
    # Version, flags, two dates, then scale and duration; dates and duration are wider in version 1.
    wide = content[0] == 1
    scale = int.from_bytes(content[20:24] if wide else content[12:16], "big")
    duration = int.from_bytes(content[24:32] if wide else content[16:20], "big")
    return None if not scale or duration in _UNKNOWN else duration * 1000 // scale


def _box(file: BinaryIO, kind: bytes, place: int, end: int | None) -> tuple[int, int | None] | None:
    """Return where the content of the first such box begins and ends (None: with the file)."""
    for _ in range(_MAX_BOXES):
        if end is not None and place + _HEADER > end:
            return None
        file.seek(place)
        head = file.read(2 * _HEADER)
        if len(head) < _HEADER:
            return None
        size, begins = int.from_bytes(head[:4], "big"), place + _HEADER
        if size == 1:
            if len(head) < 2 * _HEADER:
                return None
            size, begins = int.from_bytes(head[8:16], "big"), place + 2 * _HEADER
        stops = place + size if size else end
        if stops is not None and (stops < begins or stops > _LAST or (end or stops) < stops):
            return None
        if head[4:8] == kind:
            return begins, stops
        if stops is None:
            return None
        place = stops
    return None
