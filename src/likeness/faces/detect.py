"""Finds the boxes of faces in images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from likeness.errors import BadInput, ModelFileInvalid
from likeness.faces.pyramid import DLIB_STEP, Layout, Shrinks, draw, lay_out
from likeness.faces.rough_scan import Geometry, RoughScan
from likeness.faces.runtime import Model
from likeness.records.face import Box

ENLARGE_TO = 1024
"""Images are enlarged to at most this many pixels on their longer side."""

_BAND_PIXELS = 4_000_000
_MOST_PIXELS = 50_000_000


@dataclass(frozen=True, kw_only=True)
class FoundBox:
    """Where a detector saw a face, in pixels of the image, and how surely.

    The box may reach over the edges of the image.

    Attributes
    ----------
    landmarks : float32 array of shape (5, 2), or None
        (x, y) in pixels of the image, where the detector finds them with the box: the middle of the
        eye on the left of an upright photo and of the other, the tip of the nose, the corner of the
        mouth on the left and the other.
    """

    box: Box
    score: float
    landmarks: NDArray[np.float32] | None = field(default=None, compare=False)


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


@dataclass(frozen=True, kw_only=True)
class PyramidSettings:
    """How a pyramid is made and read. The defaults are dlib's own.

    Attributes
    ----------
    threshold : float
        The least score of a face, above -1: there the scores of anything begin.
    enlarge : float
        How many times as large an image becomes at most before it is searched, 1 to 4. The window
        is 80 px wide; enlarged twice, faces from 40 px on are found, for four times the work.
    enlarge_to : int
        No image is enlarged beyond this many pixels on its longer side, which bounds that work.
    step : float
        The size of each level by that of the one before, 0.5 to 0.95. Fewer levels are less work
        and lose faces whose size falls between two.
    """

    threshold: float = 0.0
    enlarge: float = 1.0
    enlarge_to: int = ENLARGE_TO
    step: float = DLIB_STEP

    def __post_init__(self) -> None:
        for name, value, least, most in (
            ("threshold", self.threshold, -0.99, 100.0),
            ("enlarge", self.enlarge, 1.0, 4.0),
            ("enlarge_to", self.enlarge_to, 1, 8192),
            ("step", self.step, 0.5, 0.95),
        ):
            if not least <= value <= most:
                raise ModelFileInvalid(
                    f"A detector cannot be set to {name} = {value:g}.",
                    f"Give {least:g} to {most:g}.",
                )

    def factor(self, height: int, width: int) -> float:
        """How many times as large an image of this size is to become."""
        return min(self.enlarge, max(1.0, self.enlarge_to / max(height, width)))


class PyramidDetector:
    """dlib's max-margin CNN detector: one window slid over an image pyramid.

    Source: D. King, "Max-Margin Object Detection", arXiv:1502.00046; decoding and suppression of
    overlapping boxes as in ``dlib/dnn/loss.h`` (``loss_mmod``).

    Parameters
    ----------
    model : Model
        As built by ``onnx_graphs.detector_graph``.
    settings : PyramidSettings or None
        dlib's own where None.
    rough : Model or None
        As built by ``rough_graph.rough_detector_graph`` of the same network. What is found is the
        same with it, and is found sooner.
    shrink : callable or None
        Makes the levels of the pyramid; see ``pyramid.draw``.

    Raises
    ------
    ModelFileInvalid
        The model does not say how its scores are decoded.
    """

    def __init__(
        self,
        model: Model,
        settings: PyramidSettings | None = None,
        *,
        rough: Model | None = None,
        shrink: Shrinks | None = None,
    ) -> None:
        self._model = model
        self._shrink = shrink
        self._rough = rough
        self._decoding = _Decoding.from_notes(model.notes)
        self._settings = settings or PyramidSettings()

    @property
    def settings(self) -> PyramidSettings:
        """How its pyramid is made and read."""
        return self._settings

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
        factor = self._settings.factor(height, width)
        searched = enlarged(image, factor)
        layout = lay_out(
            *searched.shape[:2],
            padding=how.padding,
            outer_padding=how.outer_padding,
            step=self._settings.step,
        )
        if min(layout.width, layout.height) < how.field:
            return []
        canvas = draw(searched, layout, how.means, self._shrink)
        scores = None
        if self._rough is not None:
            scores = self._scores_of_faces(canvas, layout, factor, on_all_cores=on_all_cores)
        if scores is None:
            scores = self._scores(canvas, on_all_cores=on_all_cores)
        return self._decode(scores, layout, factor)

    def _scores_of_faces(
        self, canvas: NDArray[np.float32], layout: Layout, factor: float, *, on_all_cores: bool
    ) -> NDArray[np.float32] | None:
        """The score map where faces are; None where all of it is made as quickly."""
        how = self._decoding
        rough = self._scores(canvas, on_all_cores=on_all_cores, model=self._rough)
        scan = RoughScan(
            rough,
            canvas,
            Geometry(stride=how.stride, field=how.field, reach=how.reach),
            least=self._settings.threshold,
            exact=partial(self._model.run, on_all_cores=on_all_cores),
            boxes=partial(self._boxes, layout=layout, factor=factor),
            overlapping=partial(_overlapping, limit=how.overlap, covered=how.covered),
        )
        return scan.scores()

    def _boxes(
        self, rows: NDArray[np.intp], columns: NDArray[np.intp], layout: Layout, factor: float
    ) -> NDArray[np.float64]:
        """Windows at places of the score map as boxes of the image: (n, 4)."""
        how = self._decoding
        x, y = ((places * how.stride + how.centre).astype(np.float64) for places in (columns, rows))
        return _to_image(x, y, layout, how.window, step=self._settings.step, factor=factor)

    def _scores(
        self, canvas: NDArray[np.float32], *, on_all_cores: bool, model: Model | None = None
    ) -> NDArray[np.float32]:
        """The score map of a canvas, made in bands of rows so that memory stays bounded.

        A band takes in as many more rows as its scores depend on; the scores of those are cut off.
        """
        how = self._decoding
        model = model or self._model
        rows = (canvas.shape[2] - how.field) // how.stride + 1
        band = max(_BAND_PIXELS // (canvas.shape[3] * how.stride), 4 * how.reach)
        if rows <= band + how.reach:
            whole: NDArray[np.float32] = model.run(canvas, on_all_cores=on_all_cores)[0, 0]
            return whole
        parts = []
        for first in range(0, rows, band):
            last = min(first + band, rows)
            start = max(first - how.reach, 0)
            end = min(last + how.reach, rows)
            piece = canvas[:, :, start * how.stride : (end - 1) * how.stride + how.field]
            scores = model.run(np.ascontiguousarray(piece), on_all_cores=on_all_cores)
            parts.append(scores[0, 0, first - start : last - start])
        return np.concatenate(parts)

    def _decode(self, scores: NDArray[np.float32], layout: Layout, factor: float) -> list[FoundBox]:
        """Boxes of all scores above the threshold, without those that overlap a surer one."""
        how = self._decoding
        rows, columns = np.nonzero(scores > self._settings.threshold)
        if len(rows) == 0:
            return []
        found = scores[rows, columns].astype(np.float64)
        order = np.argsort(-found, kind="stable")
        boxes = self._boxes(rows[order], columns[order], layout, factor)
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


def enlarged(image: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    """An image so many times as large, by bilinear interpolation."""
    from PIL import Image

    if factor <= 1:
        return image
    rows, columns = (max(1, round(side * factor)) for side in image.shape[:2])
    return np.asarray(Image.fromarray(image).resize((columns, rows), Image.Resampling.BILINEAR))


def _to_image(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    layout: Layout,
    window: tuple[int, int],
    *,
    step: float,
    factor: float,
) -> NDArray[np.float64]:
    """Windows around points of the canvas as boxes of the image, in whole pixels.

    Returns (n, 4): left, top, right, bottom, the last pixel counted in, as dlib does. Each level up
    is larger by the step (six fifths in dlib) and three tenths of a pixel.
    """
    level = layout.nearest(x, y)
    left = np.array([place.left for place in layout.levels])[level]
    top = np.array([place.top for place in layout.levels])[level]
    across, down = (window[0] - 1) / 2, (window[1] - 1) / 2
    boxes = np.stack([x - across - left, y - down - top, x + across - left, y + down - top], axis=1)
    for below in range(int(level.max(initial=0))):
        deeper = level > below
        boxes[deeper] = boxes[deeper] / step + 0.3
    # Pixels of the enlarged image lie around the places of the image's own.
    return np.floor((boxes + 0.5) / factor)


def _without_overlaps(boxes: NDArray[np.float64], *, limit: float, covered: float) -> list[int]:
    """Indices of the boxes that overlap none before them that was kept."""
    kept: list[int] = []
    for index in range(len(boxes)):
        if not _overlapping(boxes[kept], boxes[index], limit=limit, covered=covered).any():
            kept.append(index)
    return kept


def _overlapping(
    some: NDArray[np.float64], others: NDArray[np.float64], *, limit: float, covered: float
) -> NDArray[np.bool_]:
    """Which boxes (..., 4) overlap too much to be two faces.

    Two boxes do when their common area is more than ``limit`` of the smallest box around both, or
    more than ``covered`` of either.
    """
    near, far = (
        np.maximum(some[..., :2], others[..., :2]),
        np.minimum(some[..., 2:], others[..., 2:]),
    )
    common = _area(np.concatenate([near, far], axis=-1))
    near, far = (
        np.minimum(some[..., :2], others[..., :2]),
        np.maximum(some[..., 2:], others[..., 2:]),
    )
    around = _area(np.concatenate([near, far], axis=-1))
    smaller = np.minimum(_area(some), _area(others))
    found: NDArray[np.bool_] = (common > limit * around) | (common > covered * smaller)
    return found


def _area(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Areas of (..., 4) boxes whose last pixel counts in; 0 where they are empty."""
    sides: NDArray[np.float64] = np.maximum(boxes[..., 2:] - boxes[..., :2] + 1, 0)
    return sides[..., 0] * sides[..., 1]
