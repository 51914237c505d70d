"""Cuts crops of one frame again by another, so that a change of pack needs no photos.

Landmarks are found anew in the crop. Where none are found, or not near where the crop's own frame
says that they must be, they are taken to lie where they lie on average.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from likeness.faces.align import aligned_crops
from likeness.faces.frames import Frame, mean_places
from likeness.records.face import DetectedFace

FAR = 0.15
"""How far from their mean places landmarks may lie on average, as a share of the inner square."""

Find = Callable[[Sequence[NDArray[np.uint8]]], list[list[DetectedFace]]]


def recut(
    crops: NDArray[np.uint8], old: Frame, new: Frame, find_many: Find, *, size: int | None = None
) -> NDArray[np.uint8]:
    """The squares of another frame, cut from crops.

    Parameters
    ----------
    crops : uint8 array of shape (n, s, s, 3), RGB
        Aligned by ``old``; s is at least its inner square.
    old, new : Frame
    find_many : callable
        Finds faces with landmarks of ``new`` in several images.
    size : int or None
        Side of the squares, at least that of the inner square of ``new``, which it is where None.

    Returns
    -------
    uint8 array of shape (n, size, size, 3), RGB
        Black where they reach outside the crop.
    """
    side = size or new.inner
    if not len(crops):
        return np.zeros((0, side, side, 3), np.uint8)
    margin = (crops.shape[1] - old.inner) / 2
    # Landmarks are in pixels whose middles are whole numbers, places of a frame are not.
    expected = mean_places(new.landmarks, old) + margin - 0.5
    squares = [
        aligned_crops(
            crop,
            _nearest(faces, expected, FAR * old.inner)[None],
            size=side,
            frame=new,
        )
        for crop, faces in zip(crops, find_many(list(crops)), strict=True)
    ]
    return np.concatenate(squares)


def _nearest(
    faces: Sequence[DetectedFace], expected: NDArray[np.float64], far: float
) -> NDArray[np.float32]:
    """The landmarks that are nearest to where they are expected, else those expected."""
    best = expected.astype(np.float32)
    for face in faces:
        distance = float(np.hypot(*(face.landmarks - expected).T).mean())
        if distance < far:
            best, far = face.landmarks.astype(np.float32), distance
    return best
