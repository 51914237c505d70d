"""A photo: one image, known by the SHA-256 of its bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class EmbeddedMetadata:
    """What a photo's own XMP, IPTC and EXIF say of where it came from. Nothing here is trusted.

    Attributes
    ----------
    web_statement : str
        XMP ``xmpRights:WebStatement``; empty where absent.
    source : str
        XMP ``photoshop:Source`` or ``dc:source``, else IPTC IIM 2:115; empty where absent.
    description : str
        XMP ``dc:description``, else IPTC IIM 2:120; empty where absent.
    taken_at : datetime or None
        EXIF DateTimeOriginal with its offset (UTC assumed where none is given), aware.
    """

    web_statement: str = ""
    source: str = ""
    description: str = ""
    taken_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class DecodedPhoto:
    """An upright image ready for detection.

    Attributes
    ----------
    pixels : uint8 array of shape (height', width', 3)
        RGB, EXIF orientation applied, perhaps reduced: ``pixels.shape[1] / width`` is the scale.
    width, height : int
        Size of the upright original, in pixels.
    format : str
        As named by Pillow, such as ``"JPEG"``.
    metadata : EmbeddedMetadata
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int
    format: str
    metadata: EmbeddedMetadata


@dataclass(frozen=True, kw_only=True)
class ReadLimits:
    """What a photo may cost to read.

    Attributes
    ----------
    max_bytes : int
        Largest file, in bytes.
    max_pixels : int
        Largest image, in pixels, before any reduction.
    seconds : float
        Longest time that one photo may take to decode.
    """

    max_bytes: int = 100_000_000
    max_pixels: int = 100_000_000
    seconds: float = 30.0
