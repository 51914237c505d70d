"""Turns aligned chips of faces into templates."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from likeness.errors import ModelFileInvalid, UsageError
from likeness.faces.runtime import Model

_BATCH = 16


class Embedder(Protocol):
    """Makes an embedding of each aligned chip."""

    chip: int
    """Side of a chip, in pixels."""

    length: int
    """Numbers in an embedding."""

    def embeddings(self, chips: NDArray[np.uint8]) -> NDArray[np.float32]:
        """uint8 (n, chip, chip, 3) in RGB to float32 (n, length), as the network gives them."""
        ...


class ChipEmbedder:
    """A residual network with 29 layers, as trained for dlib.

    Source: ``dlib_face_recognition_resnet_model_v1``, D. King, 2017; the network after K. He et
    al., "Deep Residual Learning for Image Recognition", CVPR 2016.

    Parameters
    ----------
    model : Model
        As built by ``onnx_graphs.embedder_graph``.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        try:
            rows, columns = model.notes["size"]
            self.length = int(model.notes["length"])
        except (KeyError, TypeError, ValueError):
            rows = columns = None
        if not isinstance(rows, int) or rows != columns:
            raise ModelFileInvalid(
                "An embedder's model does not say what it takes.",
                "Delete the folder that LIKENESS_CACHE names, or ~/.cache/likeness.",
            )
        self.chip = rows

    def embeddings(self, chips: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run the network.

        Parameters
        ----------
        chips : uint8 array of shape (n, 150, 150, 3), RGB
            Aligned as the pack says. n may be 0.

        Returns
        -------
        float32 array of shape (n, 128)
            As the network gives them: not of unit length.

        Raises
        ------
        UsageError
            The chips are of another type or shape.
        """
        wanted = (self.chip, self.chip, 3)
        if chips.dtype != np.uint8 or chips.ndim != 4 or chips.shape[1:] != wanted:
            raise UsageError(
                f"Chips are {chips.dtype} of shape {chips.shape}.",
                f"Give uint8 of shape (n, {self.chip}, {self.chip}, 3), RGB.",
            )
        if len(chips) == 0:
            return np.zeros((0, self.length), dtype=np.float32)
        batches = [chips[start : start + _BATCH] for start in range(0, len(chips), _BATCH)]
        alone = len(batches) == 1
        outputs = self._model.spread(
            lambda batch: self._model.run(np.ascontiguousarray(batch), on_all_cores=alone), batches
        )
        return np.concatenate(outputs)


def templates_of(
    embedder: Embedder, *views: NDArray[np.uint8], mirror: bool
) -> NDArray[np.float32]:
    """Unit vectors that stand for faces.

    Parameters
    ----------
    embedder : Embedder
    views : uint8 arrays of shape (n, chip, chip, 3), RGB
        Chips of the same n faces, each array cut in a way of its own; their embeddings are
        averaged. At least one.
    mirror : bool
        Take the mean of the embeddings of the chip and of its mirror image, which lowers the false
        non-match rate.

    Returns
    -------
    float32 array of shape (n, length)
        Each of unit length, so that the inner product of two is their cosine.

    Raises
    ------
    ModelFileInvalid
        The network's answer has no direction: kept as a template, it could never be compared.
    """
    flipped = [view[:, :, ::-1] for view in views] if mirror else []
    together = np.concatenate([*views, *flipped])
    parts = np.split(embedder.embeddings(together), len(views) + len(flipped))
    with np.errstate(over="ignore"):
        sums = sum(parts[1:], start=parts[0])
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    if not ((lengths > np.finfo(np.float32).tiny) & np.isfinite(lengths)).all():
        raise ModelFileInvalid(
            "The embedder gives vectors without a direction.", "Use another model pack."
        )
    scaled: NDArray[np.float32] = sums / lengths
    return scaled.astype(np.float32, copy=False)
