"""Measures faces without another model, and says which are too poor to enrol.

Everything is measured at the aligned 150 px chip or relative to the eyes, so that the figures of a
small photo and of a large one mean the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from likeness.faces.align import CHIP_SIZE, aligned_crops, centre_chips, chip_places
from likeness.records.face import DetectedFace, Quality

Problem = Literal["too_small", "too_blurred", "turned_away"]

_FACE = slice(25, 125)
"""The part of a chip, both ways, that shows the face and not what is around it."""

_EDGE = 4.0
"""What of the photo's border to leave out, in pixels of a chip: there a chip may be black."""

_GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)


@dataclass(frozen=True, kw_only=True)
class EnrolmentFloor:
    """What a face must reach to become a reference.

    The defaults come from 250 portraits of the press (LFW, 250 px) drawn at random: 98% pass, and
    of the same blurred with a Gaussian of sigma 2 px (a twentieth of the distance between the
    eyes) 2%, of sigma 3 px none. A face less than about 45 px wide is too small; one is turned
    away when the base of the nose comes near the line down from an eye.

    Attributes
    ----------
    inter_eye : float
        Least distance between the eye centres, in pixels of the photo.
    sharpness : float
        Least variance of the Laplacian.
    yaw : float
        Largest turn of the head either way, 0 to 1.
    """

    inter_eye: float = 20.0
    sharpness: float = 7.0
    yaw: float = 0.7


def measure(
    image: NDArray[np.uint8],
    faces: Sequence[DetectedFace],
    *,
    crops: NDArray[np.uint8] | None = None,
) -> list[Quality]:
    """Measure each face of a photo.

    Parameters
    ----------
    image : uint8 array of shape (height, width, 3), RGB
    faces : n faces
        With landmarks in dlib's order, in pixels of the image.
    crops : uint8 array of shape (n, s, s, 3), optional
        The faces' aligned crops where the caller has them; saves cutting them again.

    Returns
    -------
    list of n Quality
    """
    if not faces:
        return []
    landmarks = np.stack([face.landmarks for face in faces]).astype(np.float32)
    chips = (
        aligned_crops(image, landmarks, size=CHIP_SIZE) if crops is None else centre_chips(crops)
    )
    depths = _depth(chip_places(landmarks), image.shape[1], image.shape[0])
    return [
        _one(points.astype(np.float64), chip, depth)
        for points, chip, depth in zip(landmarks, chips, depths, strict=True)
    ]


def problem(quality: Quality, floor: EnrolmentFloor | None = None) -> Problem | None:
    """The first thing that keeps a face from becoming a reference; None where nothing does."""
    least = floor or EnrolmentFloor()
    if quality.inter_eye < least.inter_eye:
        return "too_small"
    if quality.sharpness < least.sharpness:
        return "too_blurred"
    if abs(quality.yaw) > least.yaw:
        return "turned_away"
    return None


def _one(
    points: NDArray[np.float64], chip: NDArray[np.uint8], depth: NDArray[np.float64]
) -> Quality:
    right, left, nose = points[:2].mean(axis=0), points[2:4].mean(axis=0), points[4]
    line = right - left
    distance = math.hypot(*line)
    along = float((nose - (right + left) / 2) @ line) / distance**2 if distance else 0.0
    return Quality(
        inter_eye=distance,
        sharpness=_sharpness(chip, depth > _EDGE),
        yaw=max(-1.0, min(1.0, 2 * along)),
        roll=math.degrees(math.atan2(line[1], line[0])) if distance else 0.0,
        inside=float((depth >= 0).mean()),
    )


def _depth(places: NDArray[np.float64], width: int, height: int) -> NDArray[np.float64]:
    """How far inside the photo each pixel of each chip is, in pixels of the chip; (n, 150, 150)."""
    steps = np.arange(CHIP_SIZE, dtype=np.float64)
    x, y = (
        row[:, 0, None, None] * steps
        + row[:, 1, None, None] * steps[:, None]
        + row[:, 2, None, None]
        for row in (places[:, 0], places[:, 1])
    )
    scale = np.hypot(places[:, 0, 0], places[:, 1, 0])[:, None, None]
    edge = np.minimum(np.minimum(x, width - 1 - x), np.minimum(y, height - 1 - y))
    distance: NDArray[np.float64] = edge / np.maximum(scale, 1e-9)
    return distance


def _sharpness(chip: NDArray[np.uint8], clear: NDArray[np.bool_]) -> float:
    """Variance of the Laplacian over those pixels of the face that are clear of the edges."""
    grey = chip[_FACE, _FACE].astype(np.float32) @ _GREY
    laplacian = _around(grey) - 4 * grey[1:-1, 1:-1]
    counted = laplacian[clear[_FACE, _FACE][1:-1, 1:-1]]
    return float(counted.var(dtype=np.float64)) if counted.size else 0.0


def _around(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sum of the four neighbours of each inner pixel."""
    total: NDArray[np.float32] = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return total
