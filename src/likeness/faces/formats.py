"""The formats of photos: what they are called, what their files end in and begin with."""

from __future__ import annotations

import os

_SUFFIXES = (
    (("JPEG", "MPO"), (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo")),
    (("PNG",), (".png",)),
    (("WEBP",), (".webp",)),
    (("TIFF",), (".tif", ".tiff")),
    (("GIF",), (".gif",)),
    (("BMP",), (".bmp", ".dib")),
    (("HEIF",), (".heic", ".heif", ".hif")),
)

FORMATS = tuple(name for names, _ in _SUFFIXES for name in names)
"""Formats that can be read, as named by Pillow. MPO is a JPEG with further pictures behind it."""

_HEIC_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
)
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_BMP_HEADERS = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
_TIFF_STARTS = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")


def expected_formats(suffix: str) -> frozenset[str]:
    """The formats that a file with this suffix should hold, such as ``".jpg"``; empty if none."""
    folded = suffix.casefold()
    return frozenset(name for names, suffixes in _SUFFIXES if folded in suffixes for name in names)


def is_photo_name(name: str) -> bool:
    """Whether a file's name has the suffix of a photo. What macOS leaves as ``._name`` has not."""
    base = os.path.basename(name)
    return not base.startswith("._") and bool(expected_formats(os.path.splitext(base)[1]))


def sniff(data: bytes) -> str | None:
    """The format that the first bytes promise, or None."""
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    if data.startswith(_TIFF_STARTS):
        return "TIFF"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if data.startswith(b"BM") and int.from_bytes(data[14:18], "little") in _BMP_HEADERS:
        return "BMP"
    return "HEIF" if _is_heic(data) else None


def _is_heic(data: bytes) -> bool:
    """Whether the major or a compatible brand of an ISO base media file is HEIC, and none AVIF."""
    if data[4:8] != b"ftyp":
        return False
    end = min(int.from_bytes(data[:4], "big"), 256)
    brands = frozenset(data[at : at + 4] for at in (8, *range(16, end - 3, 4)))
    return bool(brands & _HEIC_BRANDS) and not brands & _AVIF_BRANDS
