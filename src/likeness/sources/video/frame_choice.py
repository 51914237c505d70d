"""Which frames of a video become photos: one for each second and each scene that looks new.

A frame is looked at (sampled) if it is the first of a new scene, or the first within a second of
the video. A sampled frame becomes a photo unless it is near-identical to the last that did.

What is compared are thumbnails, whose cells are means over blocks of the frame. A new scene shows
in the mean difference of neighbouring frames; a new face need not, since it may cover a few cells
only. Near-identity therefore goes by the cell that differs most, in brightness or in colour, with
cells of 1/54 of the shorter side: a face of a twentieth of the height covers at least one whole
cell. The figures behind the thresholds are in ``bench/video.py``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CELLS = 54
"""Cells along the shorter side of a thumbnail for near-identity."""
SCENE_CELLS = (64, 36)
"""Width and height of a thumbnail for changes of scene."""
_MOST_CELLS = 4 * CELLS

NEAR = 12
"""Difference of a cell, of 255, up to which two frames are near-identical. Noise and compression
of a scene that stands still stay below; a new face against any background goes beyond."""
SCENE = 16.0
"""Mean difference of neighbouring frames, of 255, from which a scene may have changed."""
_RISE = 2.0
_MEMORY = 0.5
SHORTEST_MS = 250
"""Least time between a sampled frame and the change of scene after it."""

Thumbnail = NDArray[np.uint8]


def thumbnail_size(width: int, height: int) -> tuple[int, int]:
    """Return width and height of the thumbnail for near-identity of a frame."""
    short, long = sorted((width, height))
    cells = min(_MOST_CELLS, max(CELLS, round(CELLS * long / short)))
    return (cells, CELLS) if width >= height else (CELLS, cells)


def mean_difference(one: Thumbnail, other: Thumbnail) -> float:
    """Mean over cells of the absolute difference; 255 for thumbnails of different shapes."""
    if one.shape != other.shape:
        return 255.0
    return float(np.abs(one.astype(np.int16) - other).mean())


def near_identical(one: Thumbnail, other: Thumbnail) -> bool:
    """Whether no cell of two thumbnails differs by more than `NEAR` in any channel."""
    if one.shape != other.shape:
        return False
    return int(np.abs(one.astype(np.int16) - other).max(initial=0)) <= NEAR


class FrameChoice:
    """Chooses among the frames of one video, which come in order of time."""

    def __init__(self) -> None:
        self._scene: Thumbnail | None = None
        self._usual = 0.0
        self._sampled_ms = 0
        self._due_ms = 0
        self._kept: Thumbnail | None = None

    def samples(self, time_ms: int, scene: Thumbnail) -> bool:
        """Whether to look at a frame, which has to be told of whether or not it is looked at.

        Parameters
        ----------
        time_ms : int
            Not before that of the frame before it.
        scene : uint8 array of shape (36, 64)
            Its brightness (`SCENE_CELLS`).
        """
        if self._changes(scene):
            self._due_ms = min(self._due_ms, self._sampled_ms + SHORTEST_MS)
        self._scene = scene
        if time_ms < self._due_ms:
            return False
        self._sampled_ms = time_ms
        self._due_ms = (time_ms // 1000 + 1) * 1000
        return True

    def keeps(self, thumbnail: Thumbnail) -> bool:
        """Whether a sampled frame becomes a photo; what does is what the next are compared with.

        Parameters
        ----------
        thumbnail : uint8 array of any one shape
            Brightness and colour (`thumbnail_size`).
        """
        if self._kept is not None and near_identical(self._kept, thumbnail):
            return False
        self._kept = thumbnail
        return True

    def _changes(self, scene: Thumbnail) -> bool:
        if self._scene is None:
            return False
        difference = mean_difference(self._scene, scene)
        # Movement of the camera changes much from frame to frame too, but goes on doing so.
        changes = difference >= SCENE and difference >= _RISE * self._usual
        self._usual += _MEMORY * (min(difference, 2 * SCENE) - self._usual)
        return changes
