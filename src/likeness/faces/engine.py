"""Photo to faces to templates: the one door to face analysis."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from likeness.errors import ModelFileInvalid, UsageError
from likeness.faces.align import aligned_crops, centre_chips
from likeness.faces.components import (
    load_detector,
    load_embedder,
    load_landmarks,
    unknown_kind,
)
from likeness.faces.detect import Detector, FoundBox
from likeness.faces.embed import Embedder, templates_of
from likeness.faces.landmarks import LandmarkCascade
from likeness.faces.packs import Pack, load_manifest
from likeness.faces.quality import measure
from likeness.records.face import DetectedFace, Quality

Image = NDArray[np.uint8]
"""uint8 array of shape (height, width, 3), RGB."""


class FaceEngine:
    """Finds faces in images and makes templates of them, with one model pack.

    Made by :meth:`load`. Safe to use from several threads. Templates are made from aligned crops,
    so that a crop that was kept gives the template that its photo gave.

    Attributes
    ----------
    pack : Pack
        The manifest, with the thresholds that belong to it.
    """

    def __init__(
        self, *, pack: Pack, detector: Detector, landmarks: LandmarkCascade, embedder: Embedder
    ) -> None:
        self.pack = pack
        self._detector = detector
        self._landmarks = landmarks
        self._embedder = embedder

    @classmethod
    def load(cls, pack: str | Path = "dlib", *, threads: int | None = None) -> FaceEngine:
        """Load a model pack.

        The first time on a machine its models are built and kept in a cache (see
        ``model_cache.cache_folder``), which takes a second or two.

        Parameters
        ----------
        pack : str or Path
            A pack that comes with Likeness, or the path of a manifest.
        threads : int or None
            How many cores to use; all that this process may use where None.

        Raises
        ------
        UsageError
            There is no such pack, or ``threads`` is below 1.
        ModelFileInvalid
            The manifest or one of the files is missing, damaged or not what its checksum says.
        """
        manifest = load_manifest(pack)
        if manifest.preprocessing.alignment != "dlib-5":
            raise unknown_kind(manifest, "way of aligning", manifest.preprocessing.alignment)
        embedder = load_embedder(manifest, threads)
        if (embedder.length, embedder.chip) != (
            manifest.template_length,
            manifest.preprocessing.chip,
        ):
            raise ModelFileInvalid(
                f"The embedder of the model pack {manifest.name!r} takes {embedder.chip} px and "
                f"gives {embedder.length} numbers, which is not what the manifest says.",
                "Correct preprocessing.chip and template_length.",
            )
        return cls(
            pack=manifest,
            detector=load_detector(manifest, threads),
            landmarks=load_landmarks(manifest),
            embedder=embedder,
        )

    @property
    def fingerprint(self) -> str:
        """SHA-256, in hex, over files and preprocessing; two fingerprints never meet."""
        return self.pack.fingerprint

    @property
    def template_length(self) -> int:
        """Numbers in a template."""
        return self.pack.template_length

    def find(self, image: Image) -> list[DetectedFace]:
        """Find the faces of one image.

        Parameters
        ----------
        image : uint8 array of shape (height, width, 3), RGB

        Returns
        -------
        list of DetectedFace
            Surest first. Boxes and landmarks are in pixels of ``image``.

        Raises
        ------
        UsageError
            The image is of another type or shape.
        BadInput
            The image has more than 50 million pixels.
        """
        checked = _image(image)
        return self._with_landmarks(checked, self._detector.find(checked))

    def find_many(self, images: Sequence[Image]) -> list[list[DetectedFace]]:
        """Like :meth:`find` for each image, in order, with several images at work at a time.

        All images and their pyramids (some 50 bytes a pixel for each thread) are in memory at once:
        give batches of bounded size.
        """
        checked = [_image(image) for image in images]
        found = self._detector.find_many(checked)
        return [
            self._with_landmarks(image, boxes) for image, boxes in zip(checked, found, strict=True)
        ]

    def crops(self, image: Image, faces: Sequence[DetectedFace], *, size: int = 192) -> Image:
        """Cut an aligned square around each face.

        Parameters
        ----------
        image : uint8 array of shape (height, width, 3), RGB
            The image that the faces were found in.
        faces : sequence of DetectedFace
        size : int
            Side in pixels: even, 150 to 1024. More than 150 only adds margin.

        Returns
        -------
        uint8 array of shape (n, size, size, 3)
        """
        if size < self._embedder.chip or size > 1024 or size % 2:
            raise UsageError(
                f"A crop cannot be {size} px wide.",
                f"Give an even size from {self._embedder.chip} to 1024.",
            )
        checked = _image(image)
        if not faces:
            return np.zeros((0, size, size, 3), dtype=np.uint8)
        return aligned_crops(checked, _landmarks_of(faces), size=size)

    def templates(self, image: Image, faces: Sequence[DetectedFace]) -> NDArray[np.float32]:
        """Make a template of each face.

        Parameters
        ----------
        image : uint8 array of shape (height, width, 3), RGB
            The image that the faces were found in.
        faces : sequence of DetectedFace

        Returns
        -------
        float32 array of shape (n, d)
            Unit vectors: the inner product of two is their score. Equal to
            ``templates_from_crops(crops(image, faces))``.

        Raises
        ------
        UsageError
            The image is of another type or shape.
        """
        return self._templates(self.crops(image, faces, size=self._embedder.chip))

    def templates_many(
        self, images: Sequence[Image], faces: Sequence[Sequence[DetectedFace]]
    ) -> list[NDArray[np.float32]]:
        """Like :meth:`templates` for each image, in order, in batches over all faces.

        Raises
        ------
        UsageError
            An image is of another type or shape, or there are not as many lists of faces as images.
        """
        if len(images) != len(faces):
            raise UsageError(
                f"There are {len(images)} images and faces of {len(faces)}.",
                "Give one list of faces for each image.",
            )
        size = self._embedder.chip
        chips = [
            self.crops(image, found, size=size) for image, found in zip(images, faces, strict=True)
        ]
        if not chips:
            return []
        made = self._templates(np.concatenate(chips))
        ends = np.cumsum([len(part) for part in chips])
        return np.split(made, ends[:-1])

    def templates_from_crops(self, crops: Image) -> NDArray[np.float32]:
        """Make a template from each aligned crop.

        Parameters
        ----------
        crops : uint8 array of shape (n, s, s, 3), RGB
            As made by :meth:`crops`, of any size.

        Returns
        -------
        float32 array of shape (n, d)
            Unit vectors.

        Raises
        ------
        UsageError
            The crops are of another type or shape.
        """
        return self._templates(centre_chips(_crops(crops, least=self._embedder.chip)))

    def quality(
        self, image: Image, faces: Sequence[DetectedFace], *, crops: Image | None = None
    ) -> list[Quality]:
        """Measure what can be said of each face without another model.

        ``crops`` are the faces' own from :meth:`crops`, where the caller has them: cutting them
        again is most of the work.
        """
        return measure(_image(image), faces, crops=crops)

    def _templates(self, chips: Image) -> NDArray[np.float32]:
        return templates_of(self._embedder, chips, mirror=self.pack.preprocessing.mirror)

    def _with_landmarks(self, image: Image, found: Sequence[FoundBox]) -> list[DetectedFace]:
        if not found:
            return []
        points = self._landmarks.locate(image, [item.box for item in found])
        return [
            DetectedFace(box=item.box, score=item.score, landmarks=landmarks)
            for item, landmarks in zip(found, points, strict=True)
        ]


def _image(image: object) -> Image:
    """The image, checked and in one piece of memory."""
    if (
        not isinstance(image, np.ndarray)
        or image.dtype != np.uint8
        or image.ndim != 3
        or image.shape[2] != 3
        or 0 in image.shape
    ):
        raise UsageError(
            f"An image is {_described(image)}.",
            "Give uint8 of shape (height, width, 3), RGB, at least 1 by 1.",
        )
    return np.ascontiguousarray(image)


def _crops(crops: object, *, least: int) -> Image:
    """The crops, checked."""
    if (
        not isinstance(crops, np.ndarray)
        or crops.dtype != np.uint8
        or crops.ndim != 4
        or crops.shape[1] != crops.shape[2]
        or crops.shape[3] != 3
    ):
        raise UsageError(
            f"Crops are {_described(crops)}.", "Give uint8 of shape (n, s, s, 3), RGB."
        )
    if crops.shape[1] < least or crops.shape[1] % 2:
        raise UsageError(
            f"Crops are {crops.shape[1]} px wide.", f"Give an even size from {least} on."
        )
    return crops


def _described(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} of shape {value.shape}"
    return f"a {type(value).__name__}, not an array"


def _landmarks_of(faces: Sequence[DetectedFace]) -> NDArray[np.float32]:
    return np.stack([face.landmarks for face in faces]).astype(np.float32, copy=False)
