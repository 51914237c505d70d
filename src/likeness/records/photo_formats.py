"""The formats of photos that are read, and what the names of their files end in."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

SUFFIXES_OF: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
        "MPO": (".mpo", ".jpg"),
        "PNG": (".png",),
        "WEBP": (".webp",),
        "TIFF": (".tif", ".tiff"),
        "GIF": (".gif",),
        "BMP": (".bmp", ".dib"),
        "HEIF": (".heic", ".heif", ".hif"),
    }
)
"""By format as named by Pillow, in lower case, with the dot. MPO is a JPEG with further pictures
behind it."""

FORMATS = tuple(SUFFIXES_OF)

PHOTO_SUFFIXES = frozenset(suffix for suffixes in SUFFIXES_OF.values() for suffix in suffixes)
"""What the name of a photo ends in; which format it is in is told by its bytes alone."""
