"""Finds the boxes of faces in images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from likeness.errors import BadInput, ModelFileInvalid
from likeness.faces.pyramid import Layout, draw, lay_out
from likeness.faces.runtime import Model
from likeness.records.face import Box

_BAND_PIXELS = 4_000_000
_MOST_PIXELS = 50_000_000


@dataclass(frozen=True, kw_only=True)
class FoundBox:
    """Where a detector saw a face, in pixels of the image, and how surely.

    The box may reach over the edges of the image.
    """

    box: Box
    score: float


class Detector(Protocol):
    """Finds boxes of faces. Images are uint8 (height, width, 3), RGB."""

    def find(self, image: NDArray[np.uint8]) -> list[FoundBox]:
        """The faces of one image, surest first."""
        ...

    def find_many(self, images: Sequence[NDArray[np.uint8]]) -> list[list[FoundBox]]:
        """The faces of each image, found on all cores."""
        ...


@dataclass(frozen=True, kw_only=True)
class _Decoding:
    """How a score map is read: see ``onnx_graphs.detector_graph`` for the fields."""

    means: tuple[float, float, float]
    padding: int
    outer_padding: int
    window: tuple[int, int]
    stride: int
    centre: int
    field: int
    reach: int
    overlap: float
    covered: float

    @classmethod
    def from_notes(cls, notes: dict[str, Any]) -> _Decoding:
        try:
            red, green, blue = map(float, notes["means"])
            width, height = map(int, notes["window"])
            overlap, covered = map(float, notes["suppression"])
            return cls(
                means=(red, green, blue),
                padding=int(notes["padding"]),
                outer_padding=int(notes["outer_padding"]),
                window=(width, height),
                stride=int(notes["stride"]),
                centre=int(notes["centre"]),
                field=int(notes["field"]),
                reach=int(notes["reach"]),
                overlap=overlap,
                covered=covered,
            )
        except (KeyError, TypeError, ValueError):
            raise ModelFileInvalid(
                "A detector's model does not say how its scores are decoded.",
                "Delete the folder that LIKENESS_CACHE names, or ~/.cache/likeness.",
            ) from None


class PyramidDetector:
    """dlib's max-margin CNN detector: one window slid over an image pyramid.

    Source: D. King, "Max-Margin Object Detection", arXiv:1502.00046; decoding and suppression of
    overlapping boxes as in ``dlib/dnn/loss.h`` (``loss_mmod``).

    Parameters
    ----------
    model : Model
        As built by ``onnx_graphs.detector_graph``.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._decoding = _Decoding.from_notes(model.notes)

    def find(self, image: NDArray[np.uint8]) -> list[FoundBox]:
        """The faces of one image, surest first.

        A canvas of the image's pyramid is held in memory, some 50 bytes a pixel of the image.

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
        how = self._decoding
        layout = lay_out(height, width, padding=how.padding, outer_padding=how.outer_padding)
        if min(layout.width, layout.height) < how.field:
            return []
        canvas = draw(image, layout, how.means)
        scores = self._scores(canvas, on_all_cores=on_all_cores)
        return self._decode(scores, layout)

    def _scores(self, canvas: NDArray[np.float32], *, on_all_cores: bool) -> NDArray[np.float32]:
        """The score map of a canvas, made in bands of rows so that memory stays bounded.

        A band takes in as many more rows as its scores depend on; the scores of those are cut off.
        """
        how = self._decoding
        rows = (canvas.shape[2] - how.field) // how.stride + 1
        band = max(_BAND_PIXELS // (canvas.shape[3] * how.stride), 4 * how.reach)
        if rows <= band + how.reach:
            whole: NDArray[np.float32] = self._model.run(canvas, on_all_cores=on_all_cores)[0, 0]
            return whole
        parts = []
        for first in range(0, rows, band):
            last = min(first + band, rows)
            start = max(first - how.reach, 0)
            end = min(last + how.reach, rows)
            piece = canvas[:, :, start * how.stride : (end - 1) * how.stride + how.field]
            scores = self._model.run(np.ascontiguousarray(piece), on_all_cores=on_all_cores)
            parts.append(scores[0, 0, first - start : last - start])
        return np.concatenate(parts)

    def _decode(self, scores: NDArray[np.float32], layout: Layout) -> list[FoundBox]:
        """Boxes of all scores above zero, without those that overlap a surer one."""
        how = self._decoding
        rows, columns = np.nonzero(scores > 0)
        if len(rows) == 0:
            return []
        found = scores[rows, columns].astype(np.float64)
        order = np.argsort(-found, kind="stable")
        x, y = (
            (places[order] * how.stride + how.centre).astype(np.float64)
            for places in (columns, rows)
        )
        boxes = _to_image(x, y, layout, how.window)
        kept = _without_overlaps(boxes, limit=how.overlap, covered=how.covered)
        return [
            FoundBox(
                box=(
                    int(boxes[index, 0]),
                    int(boxes[index, 1]),
                    int(boxes[index, 2]) + 1,
                    int(boxes[index, 3]) + 1,
                ),
                score=float(found[order[index]]),
            )
            for index in kept
        ]


def _to_image(
    x: NDArray[np.float64], y: NDArray[np.float64], layout: Layout, window: tuple[int, int]
) -> NDArray[np.float64]:
    """Windows around points of the canvas as boxes of the image, in whole pixels.

    Returns (n, 4): left, top, right, bottom, the last pixel counted in, as dlib does. Each level up
    is six fifths and three tenths of a pixel.
    """
    level = layout.nearest(x, y)
    left = np.array([place.left for place in layout.levels])[level]
    top = np.array([place.top for place in layout.levels])[level]
    across, down = (window[0] - 1) / 2, (window[1] - 1) / 2
    boxes = np.stack([x - across - left, y - down - top, x + across - left, y + down - top], axis=1)
    for step in range(int(level.max(initial=0))):
        deeper = level > step
        boxes[deeper] = boxes[deeper] * 1.2 + 0.3
    return np.floor(boxes + 0.5)


def _without_overlaps(boxes: NDArray[np.float64], *, limit: float, covered: float) -> list[int]:
    """Indices of the boxes that overlap none before them that was kept.

    Two boxes overlap when their common area is more than ``limit`` of the smallest box around both,
    or more than ``covered`` of either.
    """
    areas = _area(boxes)
    kept: list[int] = []
    for index in range(len(boxes)):
        others = boxes[kept]
        common = _area(
            np.concatenate(
                [
                    np.maximum(others[:, :2], boxes[index, :2]),
                    np.minimum(others[:, 2:], boxes[index, 2:]),
                ],
                axis=1,
            )
        )
        around = _area(
            np.concatenate(
                [
                    np.minimum(others[:, :2], boxes[index, :2]),
                    np.maximum(others[:, 2:], boxes[index, 2:]),
                ],
                axis=1,
            )
        )
        smaller = np.minimum(areas[kept], areas[index])
        if not np.any((common > limit * around) | (common > covered * smaller)):
            kept.append(index)
    return kept


def _area(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Areas of (n, 4) boxes whose last pixel counts in; 0 where they are empty."""
    sides: NDArray[np.float64] = np.maximum(boxes[:, 2:] - boxes[:, :2] + 1, 0)
    return sides[:, 0] * sides[:, 1]
