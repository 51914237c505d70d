"""Photo to faces to templates: the one door to face analysis."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from likeness.errors import ModelFileInvalid, UsageError
from likeness.faces.align import aligned_crops, centre_chips
from likeness.faces.components import load_parts
from likeness.faces.detect import Detector
from likeness.faces.embed import Embedder, templates_of
from likeness.faces.frames import Frame, frame_named
from likeness.faces.landmarks import LandmarkCascade, landmarks_of
from likeness.faces.packs import Pack, load_manifest
from likeness.faces.quality import measure
from likeness.faces.recut import recut
from likeness.faces.sampling import resized
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
    frame : Frame
        Where landmarks belong in crops; its name is kept with every crop.
    """

    def __init__(
        self,
        *,
        pack: Pack,
        frame: Frame,
        detector: Detector,
        landmarks: LandmarkCascade | None,
        embedder: Embedder,
    ) -> None:
        self.pack = pack
        self.frame = frame
        self._detector = detector
        self._landmarks = landmarks
        self._embedder = embedder

    @classmethod
    def load(cls, pack: str | Path | Pack = "dlib", *, threads: int | None = None) -> FaceEngine:
        """Load a model pack.

        The first time on a machine its models are built and kept in a cache (see
        ``model_cache.cache_folder``), which takes a second or two.

        Parameters
        ----------
        pack : str, Path or Pack
            The name of a pack, the path of a manifest, or a manifest that was read.
        threads : int or None
            How many cores to use; all that this process may use where None.

        Raises
        ------
        UsageError
            There is no such pack, or ``threads`` is below 1.
        ModelFileInvalid
            The manifest or one of the files is missing, damaged or not what its checksum says, or
            the parts do not fit together.
        """
        manifest = pack if isinstance(pack, Pack) else load_manifest(pack)
        parts = load_parts(manifest, threads)
        embedder = parts.embedder
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
            frame=parts.frame,
            detector=parts.detector,
            landmarks=parts.landmarks,
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
        return landmarks_of([checked], [self._detector.find(checked)], self._landmarks)[0]

    def find_many(self, images: Sequence[Image]) -> list[list[DetectedFace]]:
        """Like :meth:`find` for each image, in order, with several images at work at a time.

        All images and their pyramids (some 50 bytes a pixel for each thread) are in memory at once:
        give batches of bounded size.
        """
        checked = [_image(image) for image in images]
        found = self._detector.find_many(checked)
        return landmarks_of(checked, found, self._landmarks)

    def crops(self, image: Image, faces: Sequence[DetectedFace], *, size: int = 192) -> Image:
        """Cut an aligned square around each face.

        Parameters
        ----------
        image : uint8 array of shape (height, width, 3), RGB
            The image that the faces were found in.
        faces : sequence of DetectedFace
        size : int
            Side in pixels: even, from the frame's inner square to 1024. More only adds margin.

        Returns
        -------
        uint8 array of shape (n, size, size, 3)
        """
        if size < self.frame.inner or size > 1024 or size % 2:
            raise UsageError(
                f"A crop cannot be {size} px wide.",
                f"Give an even size from {self.frame.inner} to 1024.",
            )
        checked = _image(image)
        if not faces:
            return np.zeros((0, size, size, 3), dtype=np.uint8)
        return aligned_crops(checked, _stacked(faces), size=size, frame=self.frame)

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
        return self._templates(self.crops(image, faces, size=self.frame.inner))

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
        size = self.frame.inner
        chips = [
            self.crops(image, found, size=size) for image, found in zip(images, faces, strict=True)
        ]
        if not chips:
            return []
        made = self._templates(np.concatenate(chips))
        ends = np.cumsum([len(part) for part in chips])
        return np.split(made, ends[:-1])

    def templates_from_crops(
        self, crops: Image, *, alignment: str | None = None
    ) -> NDArray[np.float32]:
        """Make a template from each aligned crop.

        Parameters
        ----------
        crops : uint8 array of shape (n, s, s, 3), RGB
            As made by :meth:`crops`, of any size.
        alignment : str or None
            The name of the frame that the crops were cut by, where it may be another than this
            engine's. Such crops are cut again, by landmarks found in them anew.

        Returns
        -------
        float32 array of shape (n, d)
            Unit vectors.

        Raises
        ------
        UsageError
            The crops are of another type or shape, or no frame has this name.
        """
        return self._templates(self._squares(crops, alignment, self.frame.inner))

    def reference_templates(
        self, crops: Image, *, alignment: str | None = None
    ) -> NDArray[np.float32]:
        """Make the template of a reference from each aligned crop.

        As :meth:`templates_from_crops`, and averaged over several squares where the pack says so
        (``preprocessing.reference_squares``): a reference is made once and compared often.

        Parameters
        ----------
        crops : uint8 array of shape (n, s, s, 3), RGB
            As made by :meth:`crops`, at least as large as the largest of those squares: 256 px
            always are.
        alignment : str or None
            As in :meth:`templates_from_crops`.

        Returns
        -------
        float32 array of shape (n, d)
            Unit vectors, to be compared with those of :meth:`templates`.

        Raises
        ------
        UsageError
            The crops are of another type or shape, or no frame has this name.
        """
        sides = self.pack.preprocessing.reference_squares or (self.frame.inner,)
        squares = self._squares(crops, alignment, max(*sides, self.frame.inner))
        return self._templates(*(centre_chips(squares, inner=side) for side in sides))

    def quality(
        self, image: Image, faces: Sequence[DetectedFace], *, crops: Image | None = None
    ) -> list[Quality]:
        """Measure what can be said of each face without another model.

        ``crops`` are the faces' own from :meth:`crops`, where the caller has them: cutting them
        again is most of the work.
        """
        return measure(_image(image), faces, crops=crops, frame=self.frame)

    def _squares(self, crops: Image, alignment: str | None, side: int) -> Image:
        """Squares of this engine's frame from the middle of crops of any frame."""
        if alignment is None or alignment == self.frame.name:
            return centre_chips(_crops(crops, least=side), inner=side)
        frame = frame_named(alignment)
        if frame is None:
            raise UsageError(
                f"Crops cannot be of the alignment {alignment!r}: it is not known here.",
                "Use the version of Likeness that made them, or add their photos again.",
            )
        checked = _crops(crops, least=frame.inner)
        return recut(checked, frame, self.frame, self.find_many, size=side)

    def _templates(self, *squares: Image) -> NDArray[np.float32]:
        """Templates of faces, over one or more squares of each."""
        chips = [resized(some, self._embedder.chip) for some in squares]
        return templates_of(self._embedder, *chips, mirror=self.pack.preprocessing.mirror)


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


def _stacked(faces: Sequence[DetectedFace]) -> NDArray[np.float32]:
    return np.stack([face.landmarks for face in faces]).astype(np.float32, copy=False)
