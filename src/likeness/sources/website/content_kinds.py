"""What came, by its first bytes; what a server calls it is not relied on."""

from __future__ import annotations

_STARTS = (
    (b"\xff\xd8\xff", 0),
    (b"\x89PNG\r\n\x1a\n", 0),
    (b"GIF87a", 0),
    (b"GIF89a", 0),
    (b"BM", 0),
    (b"II*\0", 0),
    (b"MM\0*", 0),
    (b"WEBP", 8),
)
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"hevc"})
_ENOUGH = 12


def looks_like_photo(content: bytes) -> bool:
    """Whether bytes begin as those of a format that is read: JPEG, PNG, WebP, TIFF, GIF, BMP, HEIF.

    Whether they are a photo is found out by decoding them.
    """
    if len(content) < _ENOUGH:
        return False
    if content[4:8] == b"ftyp":
        return content[8:12] in _HEIF_BRANDS
    return any(content.startswith(mark, at) for mark, at in _STARTS) and (
        not content.startswith(b"RIFF") or content[8:12] == b"WEBP"
    )
