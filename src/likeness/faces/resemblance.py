"""What a whole picture looks like, small, so that another copy of it is known again.

A look is of the picture as it is, never of who is in it: the perceptual hashes and a grey thumbnail
of all its pixels. No face is looked for and no template is made, so photos are brought together
because they are one photo, resized, compressed again or lightly cropped, and for no other reason.
`registration.register` says whether two looks are of one picture.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likeness.errors import StorageError

THUMBNAIL_SIDE = 96
"""Longer side of the thumbnail, in pixels. Smaller pictures are not enlarged."""

HASHES = 11
"""How many views of a picture are hashed: the whole and ten light crops."""

NEAR = 10
"""Hamming distance of 64 bits up to which another picture is looked at more closely."""

LONGEST = 8192
"""Bytes of the longest look that is read."""

_CROP = 0.08
_SMALLEST_SIDE = 32
_FLAT = 4.0
_JPEG_QUALITY = 80
_HEAD = struct.Struct("<BBHH")
_VERSION = 1

HEAD_LENGTH = _HEAD.size + 8 * HASHES
"""Bytes of a look up to the end of its hashes."""

_AT_ONCE = 1 << 16

Hashes = NDArray[np.uint64]
Grey = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, eq=False)
class Look:
    """A look, read.

    Attributes
    ----------
    hashes : uint64 array of shape (HASHES,)
        Perceptual hashes: of the whole, then of the crops of :func:`views`.
    aspect : float
        Width over height of the picture.
    thumbnail : uint8 array of shape (h, w)
        Grey, the longer side `THUMBNAIL_SIDE` at most.
    telling : bool
        False where there is too little to see to tell it from another: blank, black, tiny.
    """

    hashes: Hashes
    aspect: float
    thumbnail: Grey
    telling: bool


def views() -> tuple[tuple[float, float, float, float], ...]:
    """The views of a picture that are hashed, as (left, top, right, bottom) of its unit square."""
    half, full = _CROP / 2, _CROP
    cut = (
        (0, 0, 0, 0),
        (half, half, half, half),
        (full, full, full, full),
        (full, 0, 0, 0),
        (0, full, 0, 0),
        (0, 0, full, 0),
        (0, 0, 0, full),
        (full, full, 0, 0),
        (0, full, full, 0),
        (0, 0, full, full),
        (full, 0, 0, full),
    )
    return tuple((left, top, 1 - right, 1 - bottom) for left, top, right, bottom in cut)


def look_of(pixels: NDArray[np.uint8]) -> bytes:
    """The look of a picture: about 3 KB, the same for the same pixels.

    Parameters
    ----------
    pixels : uint8 array of shape (H, W, 3)
        RGB, upright; it may have been reduced.
    """
    from PIL import Image

    height, width = pixels.shape[:2]
    grey = Image.fromarray(pixels).convert("L")
    scale = min(1.0, THUMBNAIL_SIDE / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    thumbnail = grey.resize(size, Image.Resampling.BILINEAR)
    stored = io.BytesIO()
    thumbnail.save(stored, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    # The shape is kept as fractions of the longer side, which a reduction does not change.
    side = 65535 / max(width, height)
    head = _HEAD.pack(_VERSION, HASHES, max(1, round(width * side)), max(1, round(height * side)))
    hashes = np.array([_hash(thumbnail, view) for view in views()], "<u8")
    return head + hashes.tobytes() + stored.getvalue()


def read_look(look: bytes) -> Look:
    """The parts of a look.

    Raises
    ------
    StorageError
        Where the bytes are not a look.
    """
    hashes, (width, height) = _read_head(look)
    thumbnail = _read_thumbnail(look[HEAD_LENGTH:])
    telling = min(thumbnail.shape) >= _SMALLEST_SIDE // 2 and max(thumbnail.shape) >= _SMALLEST_SIDE
    return Look(
        hashes=hashes,
        aspect=width / height,
        thumbnail=thumbnail,
        telling=telling and float(thumbnail.std()) >= _FLAT,
    )


def hashes_of_head(head: bytes) -> Hashes:
    """The hashes, uint64 of shape (HASHES,), from the first `HEAD_LENGTH` bytes of a look.

    Raises
    ------
    StorageError
        Where the bytes are not the beginning of a look.
    """
    return _read_head(head)[0]


def near_ones(probe: Hashes, held: Hashes, *, limit: int) -> list[int]:
    """Which of the pictures held may be the one probed with, nearest first.

    Either may be a light crop of the other: all views of one are compared with the whole of the
    other, both ways.

    Parameters
    ----------
    probe : uint64 array of shape (HASHES,)
    held : uint64 array of shape (HASHES, n)
        One column a picture.
    limit : int
        At most so many.
    """
    best = np.empty(held.shape[1], np.uint8)
    # In pieces that stay in the processor's cache.
    for start in range(0, held.shape[1], _AT_ONCE):
        some = held[:, start : start + _AT_ONCE]
        least = np.bitwise_count(some[0] ^ probe[0])
        for view in range(1, HASHES):
            np.minimum(least, np.bitwise_count(some[view] ^ probe[0]), out=least)
            np.minimum(least, np.bitwise_count(some[0] ^ probe[view]), out=least)
        best[start : start + _AT_ONCE] = least
    near = np.flatnonzero(best <= NEAR)
    return [int(place) for place in near[np.argsort(best[near], kind="stable")][:limit]]


def _hash(thumbnail: object, view: Sequence[float]) -> int:
    """The 64-bit perceptual hash of a part of a thumbnail."""
    import imagehash
    from PIL import Image

    assert isinstance(thumbnail, Image.Image)
    left, top, right, bottom = view
    width, height = thumbnail.size
    part = thumbnail.resize(
        (32, 32),
        Image.Resampling.BILINEAR,
        box=(left * width, top * height, right * width, bottom * height),
    )
    bits = imagehash.phash(part).hash
    return int(np.packbits(bits.ravel()).view(">u8")[0])


def _read_head(look: bytes) -> tuple[Hashes, tuple[int, int]]:
    if not HEAD_LENGTH <= len(look) <= LONGEST:
        raise _damaged()
    version, count, width, height = _HEAD.unpack_from(look)
    if version != _VERSION or count != HASHES or not width or not height:
        raise _damaged()
    hashes = np.frombuffer(look, "<u8", count=HASHES, offset=_HEAD.size).astype(np.uint64)
    return hashes, (width, height)


def _read_thumbnail(jpeg: bytes) -> Grey:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
            if max(image.size) > THUMBNAIL_SIDE or image.mode != "L":
                raise ValueError
            return np.asarray(image)
    except (OSError, ValueError, SyntaxError):
        raise _damaged() from None


def _damaged() -> StorageError:
    return StorageError(
        "What the library keeps of a photo's look is damaged.",
        "Restore the library from a backup, or remove its source and add it again.",
    )
