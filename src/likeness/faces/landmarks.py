"""Finds five landmarks in every face of a photo: the corners of both eyes and the base of the nose.

A cascade of regression trees moves a mean shape step by step, each step looking at grey differences
between pairs of pixels that are placed relative to the shape so far.

Source: V. Kazemi and J. Sullivan, "One millisecond face alignment with an ensemble of regression
trees", CVPR 2014; the trained model is dlib's ``shape_predictor_5_face_landmarks.dat``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from likeness.errors import ModelFileInvalid
from likeness.faces.detect import FoundBox
from likeness.faces.dlib_serial import SerialReader
from likeness.records.face import Box, DetectedFace

LANDMARKS = 5
"""Landmarks of a face, in dlib's order: the outer and inner corner of the eye on the right of an
upright photo, the outer and inner corner of the eye on the left, the base of the nose."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Stage:
    """One step of the cascade: its trees, and where its pixels lie relative to the shape.

    Attributes
    ----------
    first, second : int64 arrays of shape (trees, splits)
        The two pixels whose difference a split looks at.
    threshold : float32 array of shape (trees, splits)
    leaves : float32 array of shape (trees, splits + 1, 10)
        What a leaf adds to the shape.
    anchor : int64 array of shape (pixels,)
        The landmark that a pixel is placed by.
    delta : float32 array of shape (pixels, 2)
        The pixel's place relative to that landmark, in the mean shape's frame.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    threshold: NDArray[np.float32]
    leaves: NDArray[np.float32]
    anchor: NDArray[np.int64]
    delta: NDArray[np.float32]


class LandmarkCascade:
    """dlib's five-point landmark model, run over all faces of a photo at once."""

    def __init__(self, mean_shape: NDArray[np.float32], stages: Sequence[_Stage]) -> None:
        self._mean_shape = mean_shape
        self._stages = tuple(stages)

    @classmethod
    def read(cls, path: Path) -> LandmarkCascade:
        """Read a five-point model from dlib's file.

        Raises
        ------
        ModelFileInvalid
            Where the file is missing, damaged or another model.
        """
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ModelFileInvalid(
                f"The landmark model {path.name} cannot be read: {error.strerror}.",
                "Install the package face_recognition_models again.",
            ) from error
        return _Parser(data, path.name).cascade()

    def locate(self, image: NDArray[np.uint8], boxes: Sequence[Box]) -> NDArray[np.float32]:
        """Find the landmarks of each face.

        Parameters
        ----------
        image : uint8 array of shape (height, width, 3), RGB, or (height, width), grey
        boxes : n boxes
            (left, top, right, bottom) in pixels, right and bottom exclusive. They may reach over
            the edges of the image.

        Returns
        -------
        float32 array of shape (n, 5, 2)
            (x, y) in whole pixels, as the model's chips were trained on; may lie outside the image.

        Raises
        ------
        ValueError
            Where the image is not uint8 of one of these shapes, or a box is empty.
        """
        return self.locate_many([image], [boxes])[0]

    def locate_many(
        self, images: Sequence[NDArray[np.uint8]], boxes: Sequence[Sequence[Box]]
    ) -> list[NDArray[np.float32]]:
        """Like :meth:`locate` for each image, in order, over all faces at once.

        A face alone costs five times as much as one among many.
        """
        counts = [len(own) for own in boxes]
        for image in images:
            _check(image)
        if not sum(counts):
            return [np.zeros((0, LANDMARKS, 2), dtype=np.float32) for _ in images]
        frame = _Frame(np.array([box for own in boxes for box in own], dtype=np.int64))
        ends = np.cumsum(counts)
        shape = np.broadcast_to(self._mean_shape, (int(ends[-1]), 2 * LANDMARKS))
        for stage in self._stages:
            points = shape.reshape(-1, LANDMARKS, 2)
            turned = _turn(self._mean_shape.reshape(LANDMARKS, 2), points)
            offset = (
                turned[:, None, :, 0] * stage.delta[:, 0, None]
                + turned[:, None, :, 1] * stage.delta[:, 1, None]
            )
            pixels = np.split(frame.to_image(offset + points[:, stage.anchor]), ends[:-1])
            grey = [
                _intensities(image, own)
                for image, own in zip(images, pixels, strict=True)
                if len(own)
            ]
            shape = _grow(stage, shape, np.concatenate(grey))
        found = frame.to_image(shape.reshape(-1, LANDMARKS, 2)).astype(np.float32)
        return np.split(found, ends[:-1])


def _check(image: NDArray[np.uint8]) -> None:
    known = image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)
    if image.dtype != np.uint8 or not known or not image.size:
        raise ValueError(f"image is {image.dtype} {image.shape}, not uint8 (H, W, 3) or (H, W)")


def landmarks_of(
    images: Sequence[NDArray[np.uint8]],
    found: Sequence[Sequence[FoundBox]],
    cascade: LandmarkCascade | None,
) -> list[list[DetectedFace]]:
    """The faces of images with their landmarks: the cascade's, else those found with the boxes.

    Raises
    ------
    ModelFileInvalid
        There is no cascade, and the detector gives no landmarks.
    """
    if cascade:
        points = [
            list(own)
            for own in cascade.locate_many(images, [[item.box for item in own] for own in found])
        ]
    else:
        points = [[item.landmarks for item in own if item.landmarks is not None] for own in found]
    if any(len(own) != len(items) for own, items in zip(points, found, strict=True)):
        raise ModelFileInvalid(
            "The model pack's detector gives no landmarks.", "Add a file that finds them."
        )
    return [
        [
            DetectedFace(box=item.box, score=item.score, landmarks=landmarks)
            for item, landmarks in zip(items, own, strict=True)
        ]
        for items, own in zip(found, points, strict=True)
    ]


class _Frame:
    """Maps the unit square onto boxes; dlib's rectangles count the last pixel in, hence the -1."""

    def __init__(self, boxes: NDArray[np.int64]) -> None:
        if np.any(boxes[:, 2:] <= boxes[:, :2]):
            raise ValueError("a box is empty: right and bottom must exceed left and top")
        self._origin = boxes[:, None, :2].astype(np.float64)
        self._extent = (boxes[:, None, 2:] - 1 - boxes[:, None, :2]).astype(np.float64)

    def to_image(self, points: NDArray[np.float32]) -> NDArray[np.int64]:
        """(n, m, 2) points in the frame to whole pixels."""
        return np.floor(points * self._extent + self._origin + 0.5).astype(np.int64)


def _turn(mean: NDArray[np.float32], shapes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rotation and scale that best carry the mean shape onto each shape; float32 (n, 2, 2).

    Source: S. Umeyama, "Least-squares estimation of transformation parameters between two point
    patterns", 1991; in the plane it has this closed form.
    """
    source = mean.astype(np.float64) - mean.mean(axis=0, dtype=np.float64)
    target = shapes - shapes.mean(axis=1, keepdims=True, dtype=np.float64)
    spread = float((source**2).sum())
    cosine = (target * source).sum(axis=(1, 2)) / spread
    sine = (target[:, :, 1] * source[:, 0] - target[:, :, 0] * source[:, 1]).sum(axis=1) / spread
    rows = np.stack([np.stack([cosine, -sine], axis=1), np.stack([sine, cosine], axis=1)], axis=1)
    return rows.astype(np.float32)


def _intensities(image: NDArray[np.uint8], pixels: NDArray[np.int64]) -> NDArray[np.float32]:
    """Grey at each pixel, 0 outside the image; (n, m, 2) to (n, m)."""
    height, width = image.shape[:2]
    x, y = pixels[..., 0], pixels[..., 1]
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    at = np.where(inside, y * width + x, 0)
    values = image.reshape(height * width, -1).take(at, axis=0)
    grey = values.sum(axis=-1, dtype=np.int64) // values.shape[-1]
    return np.where(inside, grey, 0).astype(np.float32)


def _grow(
    stage: _Stage, shape: NDArray[np.float32], grey: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Add to each shape the leaf that each tree of the stage leads to."""
    trees, splits = stage.first.shape
    root = np.arange(trees)[:, None] * splits
    face = np.arange(len(shape)) * grey.shape[1]
    flat = np.ascontiguousarray(grey).reshape(-1)
    node = np.zeros((trees, len(shape)), dtype=np.int64)
    for _ in range(splits.bit_length()):
        at = root + node
        difference = flat.take(stage.first.take(at) + face) - flat.take(
            stage.second.take(at) + face
        )
        node = 2 * node + 2 - (difference > stage.threshold.take(at))
    leaf = root + np.arange(trees)[:, None] + node - splits
    steps = stage.leaves.reshape(-1, 2 * LANDMARKS).take(leaf, axis=0)
    steps[0] += shape
    # Adding tree by tree, in order, repeats the reference's float32 rounding to the last bit.
    total: NDArray[np.float32] = np.add.reduce(steps, axis=0)
    return total


class _Parser:
    """Takes the model file apart: every tree of a stage has the same number of splits."""

    _MAX_COUNT = 100_000

    def __init__(self, data: bytes, name: str) -> None:
        reader = SerialReader(data, name=name)
        self._numbers = reader.all_integers()
        self._reader = reader
        self._at = 0

    def cascade(self) -> LandmarkCascade:
        if self._take(1)[0] != 1:
            raise self._reader.invalid("an unknown version")
        mean_shape = self._floats_of(self._take(2 + 4 * LANDMARKS)[None], header=2)[0]
        forests = [self._forest() for _ in range(self._count())]
        anchors = [self._take(self._count()) for _ in range(self._count())]
        deltas = [
            self._floats(self._take(4 * self._count())).reshape(-1, 2) for _ in range(self._count())
        ]
        if self._at != len(self._numbers) or not len(forests) == len(anchors) == len(deltas):
            raise self._reader.invalid("parts that do not fit together")
        stages = []
        for (first, second, threshold, leaves), anchor, delta in zip(
            forests, anchors, deltas, strict=True
        ):
            pixels = len(delta)
            if (
                len(anchor) != pixels
                or not _within(first, pixels)
                or not _within(second, pixels)
                or not _within(anchor, LANDMARKS)
            ):
                raise self._reader.invalid("an index out of range")
            stages.append(
                _Stage(
                    first=first,
                    second=second,
                    threshold=threshold,
                    leaves=leaves,
                    anchor=anchor,
                    delta=delta,
                )
            )
        return LandmarkCascade(mean_shape, stages)

    def _forest(
        self,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
        trees = self._count()
        splits = int(self._peek())
        if trees < 1 or splits < 1 or splits & (splits + 1) or splits > 1023:
            raise self._reader.invalid("trees of an unknown form")
        leaf = 2 + 4 * LANDMARKS
        block = self._take(trees * (2 + 4 * splits + leaf * (splits + 1)))
        block = block.reshape(trees, -1)
        split = block[:, 1 : 1 + 4 * splits].reshape(trees, splits, 4)
        leaves = block[:, 2 + 4 * splits :].reshape(-1, leaf)
        if np.any(block[:, 0] != splits) or np.any(block[:, 1 + 4 * splits] != splits + 1):
            raise self._reader.invalid("trees of different sizes")
        return (
            split[..., 0].copy(),
            split[..., 1].copy(),
            self._floats(split[..., 2:]),
            self._floats_of(leaves, header=2).reshape(trees, splits + 1, 2 * LANDMARKS),
        )

    def _floats_of(self, matrices: NDArray[np.int64], *, header: int) -> NDArray[np.float32]:
        """Column vectors of ten, each behind its negated size."""
        if np.any(matrices[:, :header] != (-2 * LANDMARKS, -1)):
            raise self._reader.invalid("a model that has not five landmarks")
        return self._floats(matrices[:, header:])

    def _floats(self, pairs: NDArray[np.int64]) -> NDArray[np.float32]:
        """Mantissas and exponents, in turn along the last axis, to floats of half its length."""
        both = pairs.reshape(*pairs.shape[:-1], -1, 2)
        exponent = both[..., 1]
        if np.any(np.abs(exponent) > 200):
            raise self._reader.invalid("a float out of range")
        values = np.ldexp(both[..., 0].astype(np.float64), exponent.astype(np.int32))
        flat = values.astype(np.float32)
        return flat[..., 0] if flat.shape[-1] == 1 else flat

    def _count(self) -> int:
        value = int(self._take(1)[0])
        if not 0 <= value <= self._MAX_COUNT:
            raise self._reader.invalid(f"a count of {value}")
        return value

    def _peek(self) -> np.int64:
        value: np.int64 = self._take(1)[0]
        self._at -= 1
        return value

    def _take(self, size: int) -> NDArray[np.int64]:
        if self._at + size > len(self._numbers):
            raise self._reader.invalid("the file ends early")
        self._at += size
        return self._numbers[self._at - size : self._at]


def _within(indices: NDArray[np.int64], limit: int) -> bool:
    return bool(indices.min() >= 0 and indices.max() < limit)
