"""The faces of a photo with several, each cut out to be chosen and searched with alone.

A photo that is searched with is never kept: whoever has to choose sends back the one cut instead.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from likeness.house import House
from likeness.probe import Image, pixels_of
from likeness.records.face import Box

MOST_CHOICES = 60
MARGIN = 0.75
"""What is cut on each side of a face, in parts of its longer side."""

FACE_SIDE = 240
LARGEST_ENLARGED = 2.0
JPEG_QUALITY = 95


@dataclass(frozen=True, kw_only=True)
class FaceCut:
    """One face to choose.

    Attributes
    ----------
    number : int
        From 1, left to right.
    box : Box
        In pixels of the upright photo.
    jpeg : bytes
        A square with the face in its middle.
    """

    number: int
    box: Box
    jpeg: bytes = field(repr=False)


def cut_faces(house: House, image: Image, boxes: Sequence[Box]) -> tuple[FaceCut, ...]:
    """Cut faces out of a photo, left to right; of very many the largest.

    Parameters
    ----------
    image : photo
    boxes : sequence of Box
        As :class:`likeness.errors.FaceChoiceNeeded` names them.

    Raises
    ------
    PhotoUnreadable
    """
    pixels, scale = pixels_of(house, image)
    numbered = sorted(enumerate(boxes, 1), key=lambda one: -_side(one[1]))[:MOST_CHOICES]
    return tuple(
        FaceCut(number=number, box=box, jpeg=_cut(pixels, box, scale))
        for number, box in sorted(numbered)
    )


def _side(box: Box) -> int:
    left, top, right, bottom = box
    return max(right - left, bottom - top)


def _cut(pixels: NDArray[np.uint8], box: Box, scale: float) -> bytes:
    from PIL import Image as Pictures

    side = max(1.0, _side(box) / scale)
    half = round(side * (0.5 + MARGIN))
    across = round((box[0] + box[2]) / 2 / scale)
    down = round((box[1] + box[3]) / 2 / scale)
    square = np.zeros((2 * half, 2 * half, 3), dtype=np.uint8)
    top, bottom = max(0, down - half), min(pixels.shape[0], down + half)
    left, right = max(0, across - half), min(pixels.shape[1], across + half)
    # What lies beyond the photo stays black, so that the face is in the middle all the same.
    square[
        top - (down - half) : bottom - (down - half),
        left - (across - half) : right - (across - half),
    ] = pixels[top:bottom, left:right]
    factor = min(FACE_SIDE / side, LARGEST_ENLARGED)
    size = max(1, round(2 * half * factor))
    picture = Pictures.fromarray(square).resize((size, size), Pictures.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return buffer.getvalue()
