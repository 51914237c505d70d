"""Finds faces with YuNet: boxes and five landmarks in one pass.

Source: W. Wu, H. Peng and S. Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine
Intelligence Research 20, 2023; decoding as in OpenCV's ``FaceDetectorYN``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from likeness.errors import BadInput
from likeness.faces.detect import FoundBox
from likeness.faces.runtime import Model
from likeness.faces.yunet_graph import STRIDES

THRESHOLD = 0.66
"""The least score of a face where the manifest says no other."""

_OVERLAP = 0.3
"""Boxes whose common area is more than this share of the area of both are one face."""

_MOST_PIXELS = 50_000_000
_WIDEST_PASS = 8_000_000
_LONG_SIDE = 640
"""A pass finds faces of up to about this size; what is larger takes another pass, a quarter as
large."""

_STEP = 4

_FARTHEST = 1e4
"""Cells from its own cell: no face reaches as far."""


class YuNetDetector:
    """YuNet over an image in its own size, and over quarters of that for faces that fill it.

    Each of its places has a box with five landmarks; the score is the geometric mean of what the
    network says of class and object. Images of up to 640 px are looked at once; larger ones at a
    quarter of the size too, until that is below 640 px.

    Parameters
    ----------
    model : Model
        As built by ``yunet_graph.yunet_graph``.
    threshold : float or None
        The least score, 0 to 1.
    """

    def __init__(self, model: Model, *, threshold: float | None = None) -> None:
        self._model = model
        self._threshold = THRESHOLD if threshold is None else threshold

    def find(self, image: NDArray[np.uint8]) -> list[FoundBox]:
        """The faces of one image, surest first, with landmarks.

        Some 60 bytes a pixel are held in memory, of an image reduced to 8 million pixels.

        Raises
        ------
        BadInput
            The image has more than 50 million pixels.
        """
        return self._find(image, on_all_cores=True)

    def find_many(self, images: Sequence[NDArray[np.uint8]]) -> list[list[FoundBox]]:
        """The faces of each image, as many images at a time as there are threads."""
        alone = len(images) < 2
        return self._model.spread(lambda image: self._find(image, on_all_cores=alone), images)

    def _find(self, image: NDArray[np.uint8], *, on_all_cores: bool) -> list[FoundBox]:
        height, width = image.shape[:2]
        if height * width > _MOST_PIXELS:
            raise BadInput(
                f"An image of {width} by {height} pixels is too large to look for faces in.",
                f"Reduce it to {_MOST_PIXELS:,} pixels or fewer.",
            )
        found = []
        for reduced in _sizes(image):
            scores, places = self._pass(reduced, on_all_cores=on_all_cores)
            shares = np.array([width / reduced.shape[1], height / reduced.shape[0]])
            # Places are in pixels whose middles are whole numbers.
            found.append((scores, (places + 0.5) * shares - 0.5))
        scores = np.concatenate([part for part, _ in found])
        places = np.concatenate([part for _, part in found])
        order = np.argsort(-scores, kind="stable")
        kept = order[_without_overlaps(places[order, :2].reshape(-1, 4))]
        return [_found_box(float(scores[index]), places[index]) for index in kept]

    def _pass(
        self, image: NDArray[np.uint8], *, on_all_cores: bool
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Scores (n,) and places (n, 7, 2): two corners of the box, then five landmarks."""
        height, width = image.shape[:2]
        multiple = STRIDES[-1]
        rows, columns = -(-height // multiple) * multiple, -(-width // multiple) * multiple
        canvas = np.zeros((1, rows, columns, 3), dtype=np.uint8)
        canvas[0, :height, :width] = image
        table = self._model.run(canvas, on_all_cores=on_all_cores)[0]
        scores = np.sqrt(np.clip(table[:, 0], 0, 1) * np.clip(table[:, 1], 0, 1))
        # What a broken network puts nowhere, or further away than any image reaches, is no face.
        somewhere = (np.abs(table[:, 2:]) < _FARTHEST).all(axis=1)
        chosen = np.flatnonzero((scores >= self._threshold) & somewhere)
        cells, strides = (part[chosen] for part in _cells(rows, columns))
        rest = table[chosen, 2:].astype(np.float64)
        centres = (cells + rest[:, :2]) * strides
        # e to the 10th is wider than any image; without the limit a broken network overflows.
        sides = np.exp(np.minimum(rest[:, 2:4], 10.0)) * strides
        landmarks = (cells[:, None] + rest[:, 4:].reshape(-1, 5, 2)) * strides[:, None]
        corners = np.stack([centres - sides / 2, centres + sides / 2], axis=1)
        return scores[chosen].astype(np.float64), np.concatenate([corners, landmarks], axis=1)


def _sizes(image: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """The image as it is, or as large as one pass may be, and quarters of that."""
    from PIL import Image

    height, width = image.shape[:2]
    share = min(1.0, math.sqrt(_WIDEST_PASS / (height * width)))
    sizes = [image]
    if share < 1.0:
        size = max(1, math.floor(width * share)), max(1, math.floor(height * share))
        sizes = [np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))]
    while max(sizes[-1].shape[:2]) > _LONG_SIDE:
        last = Image.fromarray(sizes[-1])
        size = max(1, round(last.width / _STEP)), max(1, round(last.height / _STEP))
        sizes.append(np.asarray(last.resize(size, Image.Resampling.BOX)))
    return sizes


def _cells(rows: int, columns: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each place its cell (n, 2), as column and row, and its stride (n, 1)."""
    cells, strides = [], []
    for stride in STRIDES:
        down, across = np.divmod(np.arange(rows // stride * (columns // stride)), columns // stride)
        cells.append(np.stack([across, down], axis=1))
        strides.append(np.full((len(down), 1), stride))
    return np.concatenate(cells).astype(np.float64), np.concatenate(strides).astype(np.float64)


def _without_overlaps(boxes: NDArray[np.float64]) -> list[int]:
    """Indices of the boxes (n, 4) that overlap none before them that was kept."""
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    kept: list[int] = []
    for index, box in enumerate(boxes):
        others = boxes[kept]
        sides = np.minimum(others[:, 2:], box[2:]) - np.maximum(others[:, :2], box[:2])
        common = np.prod(np.maximum(sides, 0.0), axis=1)
        if not np.any(common > _OVERLAP * (areas[kept] + areas[index] - common)):
            kept.append(index)
    return kept


def _found_box(score: float, places: NDArray[np.float64]) -> FoundBox:
    (left, top), (right, bottom) = np.rint(places[:2]).astype(int).tolist()
    return FoundBox(
        box=(left, top, max(right, left + 1), max(bottom, top + 1)),
        score=score,
        landmarks=places[2:].astype(np.float32),
    )
