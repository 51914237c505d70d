"""The crop of a face that stays with its photo, and of a reference: JPEG there and back.

Templates are always made from the crop as it is kept, for photos that arrive and for photos
compared again later, so that both score alike to the bit.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from likeness.errors import StorageError

FACE_CROP_SIZE = 192
"""Side of the crop kept of each face, in pixels."""

REFERENCE_CROP_SIZE = 256
"""Side of the crop kept of each reference, in pixels."""

JPEG_QUALITY = 95


def encode_crop(crop: NDArray[np.uint8]) -> bytes:
    """One crop, uint8 of shape (s, s, 3), as JPEG without chroma subsampling."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(crop).save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return buffer.getvalue()


def decode_crop(jpeg: bytes, *, size: int) -> NDArray[np.uint8]:
    """The inverse of :func:`encode_crop`: uint8 of shape (size, size, 3).

    Raises
    ------
    StorageError
        Where the bytes are not a crop of this size.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
            if image.size != (size, size) or image.mode != "RGB":
                raise ValueError
            return np.asarray(image)
    except (OSError, ValueError, SyntaxError):
        raise StorageError(
            "A face's crop in the library is damaged.",
            "Restore the library from a backup, or remove its source and add it again.",
        ) from None


def decode_crops(jpegs: list[bytes], *, size: int) -> NDArray[np.uint8]:
    """Several crops as uint8 of shape (n, size, size, 3); n may be 0."""
    if not jpegs:
        return np.zeros((0, size, size, 3), np.uint8)
    return np.stack([decode_crop(jpeg, size=size) for jpeg in jpegs])
