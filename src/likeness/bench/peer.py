"""dlib itself, to be measured beside: a test dependency, never used at run time."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likeness.errors import UsageError
from likeness.faces.detect import FoundBox, PyramidSettings, enlarged
from likeness.faces.packs import Pack, locate
from likeness.records.face import scaled_box


class DlibFaces:
    """dlib's own detector and embedder, with the files of a pack.

    Parameters
    ----------
    pack : Pack
    settings : PyramidSettings or None
        Images are enlarged as these say before dlib sees them; not at all where None. dlib has its
        own pyramid and threshold.

    Attributes
    ----------
    measured : str
        Its name and version.

    Raises
    ------
    UsageError
        dlib is not installed, or the pack's files are not dlib's.
    """

    def __init__(self, pack: Pack, settings: PyramidSettings | None = None) -> None:
        self._settings = settings or PyramidSettings()
        try:
            dlib: Any = importlib.import_module("dlib")
        except ImportError:
            raise UsageError(
                "dlib is not installed, so nothing can be measured against it.",
                "Install it: pip install 'likeness[bench]'",
            ) from None
        detector, embedder = pack.file("detector"), pack.file("embedder")
        if (detector.kind, embedder.kind) != ("dlib-mmod", "dlib-resnet"):
            raise UsageError(
                f"dlib cannot run the model pack {pack.name!r}.", "Measure the pack 'dlib'."
            )
        self.measured = f"dlib {dlib.__version__}"
        self._detector = dlib.cnn_face_detection_model_v1(str(locate(pack, detector)))
        self._embedder = dlib.face_recognition_model_v1(str(locate(pack, embedder)))

    def find(self, image: NDArray[np.uint8]) -> list[FoundBox]:
        """Boxes of faces in an image, uint8 (height, width, 3) RGB."""
        factor = self._settings.factor(*image.shape[:2])
        return [
            FoundBox(
                box=scaled_box(
                    (
                        found.rect.left(),
                        found.rect.top(),
                        found.rect.right() + 1,
                        found.rect.bottom() + 1,
                    ),
                    1 / factor,
                ),
                score=float(found.confidence),
            )
            for found in self._detector(enlarged(image, factor), 0)
        ]

    def embedding(self, chip: NDArray[np.uint8]) -> NDArray[np.float32]:
        """float32 (128,) of one chip, uint8 (150, 150, 3) RGB."""
        return np.array(self._embedder.compute_face_descriptor(chip), dtype=np.float32)

    def embeddings(self, chips: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """float32 (n, 128) of several chips in one batch."""
        made = self._embedder.compute_face_descriptor(list(chips))
        return np.array(made, dtype=np.float32)
