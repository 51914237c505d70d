"""The measures of a face that need no model: from its landmarks, and from its aligned pixels.

Lengths are in distances between the eyes, so that faces cut by different frames are measured alike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from likeness.faces.frames import Frame, Landmarks

Span = tuple[float, float, float, float]
"""(left, top, right, bottom) from the point between the eyes, in distances between the eyes."""

FACE: Span = (-0.75, -0.4, 0.75, 1.4)
"""From above the brows to the mouth: the face and little of hair and background."""

WHOLE: Span = (-1.43, -0.9, 1.43, 1.96)
"""From the hairline to the chin, with the sides of the head."""

_TURN: Mapping[Landmarks, float] = MappingProxyType({"corners": 2.0, "features": 1.75})
"""What makes 1 of a nose below an eye. Its tip lies further out than its base, and moves as much
further when the head turns: ``python bench/quality.py ../shared/eval/people.csv --against PACK``.
"""

_DARK, _BURNT = 25, 247
"""Grey levels up to which a pixel is too dark, and from which too bright, as ISO/IEC 29794-5."""

_GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)

_EYES_APART = 52.5
"""Pixels between the eyes in dlib's square, at which sharpness is meant."""

_EDGE = 4.0
"""What of the photo's border to leave out, in pixels of the square: there it may be black."""

_SAMPLES = 48
"""Places looked at each way for the share of the face inside the photo."""


@dataclass(frozen=True, kw_only=True)
class Pose:
    """What five landmarks say.

    Attributes
    ----------
    inter_eye : float
        Distance between the eye centres in pixels.
    yaw : float
        -1 to 1; 0 is frontal.
    roll : float
        Degrees.
    """

    inter_eye: float
    yaw: float
    roll: float


@dataclass(frozen=True, kw_only=True)
class Light:
    """What the grey levels of a face say; all 0 where none of it is in the photo.

    Attributes
    ----------
    sharpness : float
        Variance of the Laplacian, as where the eyes are 52.5 pixels apart.
    under_exposure, over_exposure : float
        Shares of pixels, 0 to 1.
    dynamic_range : float
        Entropy in bits, 0 to 8.
    """

    sharpness: float
    under_exposure: float
    over_exposure: float
    dynamic_range: float


def eyes_and_nose(landmarks: NDArray[np.float64], kind: Landmarks) -> NDArray[np.float64]:
    """The eye on the left of an upright photo, the other eye, and the nose.

    Parameters
    ----------
    landmarks : float64 array of shape (5, 2)
    kind : {"corners", "features"}
        Which places of a face they are (``Frame.landmarks``).

    Returns
    -------
    float64 array of shape (3, 2)
        Of the nose its base (corners) or its tip (features).
    """
    if kind == "features":
        return landmarks[:3]
    return np.stack([landmarks[2:4].mean(axis=0), landmarks[:2].mean(axis=0), landmarks[4]])


def pose_of(landmarks: NDArray[np.float64], kind: Landmarks) -> Pose:
    """Measure five landmarks, float64 of shape (5, 2) in pixels."""
    left, right, nose = eyes_and_nose(landmarks, kind)
    line = right - left
    distance = math.hypot(*line)
    if not distance:
        return Pose(inter_eye=0.0, yaw=0.0, roll=0.0)
    along = float((nose - (right + left) / 2) @ line) / distance**2
    return Pose(
        inter_eye=distance,
        yaw=max(-1.0, min(1.0, _TURN[kind] * along)),
        roll=math.degrees(math.atan2(line[1], line[0])),
    )


def box_of(span: Span, frame: Frame) -> tuple[int, int, int, int]:
    """A span in pixels of a frame's inner square: left, top, right, bottom; ends exclusive."""
    left, right, _ = eyes_and_nose(frame.points, frame.landmarks)
    middle, distance = (left + right) / 2, math.hypot(*(right - left))
    x, y = middle
    return (
        round(x + span[0] * distance),
        round(y + span[1] * distance),
        round(x + span[2] * distance),
        round(y + span[3] * distance),
    )


def share_inside(place: NDArray[np.float64], frame: Frame, width: int, height: int) -> float:
    """Share of the whole face that lies within a photo of the given size.

    Parameters
    ----------
    place : float64 array of shape (2, 3)
        As ``align.chip_places``.
    """
    left, top, right, bottom = box_of(WHOLE, frame)
    # Its outermost pixels may lie over the edge of a photo that is cut to the face.
    x = np.linspace(left + 1, right - 2, _SAMPLES)
    y = np.linspace(top + 1, bottom - 2, _SAMPLES)
    return float((_depth(place, x, y, width, height) >= 0).mean())


def light_of(
    square: NDArray[np.uint8],
    place: NDArray[np.float64],
    frame: Frame,
    width: int,
    height: int,
) -> Light:
    """Measure the pixels of a face.

    Parameters
    ----------
    square : uint8 array of shape (inner, inner, 3), RGB
        The frame's inner square.
    place : float64 array of shape (2, 3)
        As ``align.chip_places``; what of the square lies outside the photo is not counted.
    """
    left, top, right, bottom = box_of(FACE, frame)
    grey = square[top:bottom, left:right].astype(np.float32) @ _GREY
    x, y = np.arange(left, right, dtype=np.float64), np.arange(top, bottom, dtype=np.float64)
    clear = _depth(place, x, y, width, height) > _EDGE
    levels = grey[clear]
    if not levels.size:
        return Light(sharpness=0.0, under_exposure=0.0, over_exposure=0.0, dynamic_range=0.0)
    counts = np.bincount(levels.astype(np.uint8), minlength=256)
    shares = counts / levels.size
    present = shares[shares > 0]
    return Light(
        sharpness=_sharpness(grey, clear) * _finer(frame),
        under_exposure=float(shares[: _DARK + 1].sum()),
        over_exposure=float(shares[_BURNT:].sum()),
        dynamic_range=max(0.0, float(-(present * np.log2(present)).sum())),
    )


def _finer(frame: Frame) -> float:
    """What sharpness is multiplied with where a frame's eyes are not 52.5 pixels apart.

    Where neighbouring pixels lie further apart in the face, they differ more; for a portrait the
    variance goes with about the third power.
    """
    left, right, _ = eyes_and_nose(frame.points, frame.landmarks)
    return float((math.hypot(*(right - left)) / _EYES_APART) ** 3)


def _depth(
    place: NDArray[np.float64],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    width: int,
    height: int,
) -> NDArray[np.float64]:
    """How far inside the photo each place of a square's grid is, in pixels of the square."""
    across, down = (row[0] * x + row[1] * y[:, None] + row[2] for row in place)
    scale = max(math.hypot(place[0, 0], place[1, 0]), 1e-9)
    edge = np.minimum(np.minimum(across, width - 1 - across), np.minimum(down, height - 1 - down))
    distance: NDArray[np.float64] = edge / scale
    return distance


def _sharpness(grey: NDArray[np.float32], clear: NDArray[np.bool_]) -> float:
    """Variance of the Laplacian over those pixels that are clear of the photo's edges."""
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    counted = (around - 4 * grey[1:-1, 1:-1])[clear[1:-1, 1:-1]]
    return float(counted.var(dtype=np.float64)) if counted.size else 0.0
