"""The package ``face_recognition`` (1.3.0), to be measured beside; never used at run time.

Where it can be imported, its own functions are called. It insists on building dlib from source, and
its models on ``pkg_resources``, which newer setuptools have not; so where it cannot be, dlib is
called just as it calls dlib by default: the HOG detector on the photo doubled once, five landmarks,
and the network over the chip, once.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likeness.errors import UsageError
from likeness.faces.detect import FoundBox

Image = NDArray[np.uint8]
_NAME = "face_recognition"
_MODELS = "face_recognition_models"
_LENGTH = 128


class FaceRecognitionPackage:
    """What the package does by default, from the bytes of a photo to one encoding a face.

    Attributes
    ----------
    measured : str
        Whether the package itself is measured or its calls on dlib.

    Raises
    ------
    UsageError
        Neither the package nor dlib is installed.
    """

    def __init__(self) -> None:
        wanted = (_NAME, _MODELS, "pkg_resources", "dlib")
        if all(importlib.util.find_spec(name) for name in wanted):
            package: Any = importlib.import_module(_NAME)
            self.measured = f"the package {_NAME} {version(_NAME)}"
            self._locations: Callable[[Image], list[tuple[int, int, int, int]]] = (
                package.face_locations
            )
            self._encodings: Callable[[Image, Sequence[Any]], Sequence[Any]] = (
                package.face_encodings
            )
            return
        calls = _Calls()
        self.measured = f"the calls of {_NAME} 1.3.0 on dlib {calls.version}"
        self._locations, self._encodings = calls.locations, calls.encodings

    def read(self, data: bytes) -> Image:
        """Decode as the package's ``load_image_file`` does: uint8 (height, width, 3), RGB."""
        from PIL import Image as Pillow

        with Pillow.open(io.BytesIO(data)) as image:
            return np.array(image.convert("RGB"))

    def find(self, image: Image) -> list[FoundBox]:
        """Boxes of the faces of an image; the package gives no scores, which are 1 here."""
        return [
            FoundBox(box=(left, top, right, bottom), score=1.0)
            for top, right, bottom, left in self._locations(image)
        ]

    def encode(self, image: Image, faces: Sequence[FoundBox]) -> NDArray[np.float64]:
        """float64 (n, 128): the encoding of each face."""
        given = [(top, right, bottom, left) for left, top, right, bottom in (f.box for f in faces)]
        if not given:
            return np.zeros((0, _LENGTH))
        return np.array(self._encodings(image, given), dtype=np.float64)


class _Calls:
    """The package's calls, on dlib alone."""

    def __init__(self) -> None:
        try:
            dlib: Any = importlib.import_module("dlib")
        except ImportError:
            raise UsageError(
                "dlib is not installed, so nothing can be measured against face_recognition.",
                "Install it: pip install 'likeness[bench]'",
            ) from None
        spec = importlib.util.find_spec(_MODELS)
        if spec is None or spec.origin is None:
            raise UsageError(
                f"The package {_MODELS} is not installed.", f"Run: pip install {_MODELS}"
            )
        models = Path(spec.origin).parent / "models"
        self.version = str(dlib.__version__)
        self._rectangle = dlib.rectangle
        self._detector = dlib.get_frontal_face_detector()
        self._landmarks = dlib.shape_predictor(str(models / "shape_predictor_5_face_landmarks.dat"))
        self._encoder = dlib.face_recognition_model_v1(
            str(models / "dlib_face_recognition_resnet_model_v1.dat")
        )

    def locations(self, image: Image) -> list[tuple[int, int, int, int]]:
        """(top, right, bottom, left) of each face, cut off at the edges of the image."""
        height, width = image.shape[:2]
        return [
            (max(r.top(), 0), min(r.right(), width), min(r.bottom(), height), max(r.left(), 0))
            for r in self._detector(image, 1)
        ]

    def encodings(
        self, image: Image, locations: Sequence[tuple[int, int, int, int]]
    ) -> list[NDArray[np.float64]]:
        """The encoding of each face, one network pass each."""
        shapes = [
            self._landmarks(image, self._rectangle(left, top, right, bottom))
            for top, right, bottom, left in locations
        ]
        return [np.array(self._encoder.compute_face_descriptor(image, s, 1)) for s in shapes]
