"""A face: where it is in a photo, how good it is, and the crop that stays of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Box = tuple[int, int, int, int]
"""(left, top, right, bottom) in pixels of the upright photo; right and bottom exclusive."""


def scaled_box(box: Box, scale: float) -> Box:
    """A box in pixels of an image ``scale`` times as large.

    >>> scaled_box((10, 20, 30, 41), 2.5)
    (25, 50, 75, 102)
    """
    left, top, right, bottom = box
    return round(left * scale), round(top * scale), round(right * scale), round(bottom * scale)


@dataclass(frozen=True, kw_only=True, eq=False)
class Quality:
    """What can be said of a face without another model, as measured, and what it comes to.

    What the measures are called in ISO/IEC 29794-5, and their values from 0 to 100, say
    ``faces.unified_quality.components``.

    Attributes
    ----------
    inter_eye : float
        Distance between the eye centres, in pixels of the photo.
    sharpness : float
        Variance of the Laplacian over the aligned face in 8-bit grey; higher is sharper.
    yaw : float
        Turn of the head estimated from the landmarks: 0 is frontal, -1 and 1 are profiles.
    roll : float
        Tilt of the line between the eyes, in degrees.
    inside : float
        Share of the aligned face that lies within the photo, 0 to 1.
    under_exposure : float
        Share of the face in which darkness has left nothing to see, 0 to 1.
    over_exposure : float
        Share of the face that is burnt out to white, 0 to 1.
    dynamic_range : float
        Entropy of the face's grey levels, in bits, 0 to 8.
    unified : int
        All of it in one number, 0 to 100; higher compares better.
    """

    inter_eye: float
    sharpness: float
    yaw: float
    roll: float
    inside: float
    under_exposure: float
    over_exposure: float
    dynamic_range: float
    unified: int


@dataclass(frozen=True, kw_only=True, eq=False)
class DetectedFace:
    """A face that a detector found in one image.

    Attributes
    ----------
    box : Box
        (left, top, right, bottom) in pixels of the image that was given. May reach over its edges.
    score : float
        The detector's own confidence; higher is surer. Comparable within one pack only.
    landmarks : float32 array of shape (5, 2)
        (x, y) in pixels of the image, in the pack's order.
    """

    box: Box
    score: float
    landmarks: NDArray[np.float32]
