"""Templates of crops that the library keeps, whichever pack's frame they were aligned to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from likeness.faces.crops import decode_crops

if TYPE_CHECKING:
    from likeness.faces.engine import FaceEngine


def templates_of_crops(
    engine: FaceEngine,
    crops: Sequence[tuple[bytes, str]],
    *,
    size: int,
    of_references: bool = False,
) -> NDArray[np.float32]:
    """The templates of kept crops, in their order.

    Parameters
    ----------
    engine : FaceEngine
    crops : sequence of n (JPEG, alignment)
        All ``size`` px wide, each with the name of the frame that it was aligned to.
    of_references : bool
        Whether these are crops of references, whose templates a pack may make otherwise.

    Returns
    -------
    float32 array of shape (n, d)
        Unit vectors. A crop that was aligned to another pack's frame is aligned anew for this one;
        what is kept does not change.

    Raises
    ------
    StorageError
        Where a crop is damaged.
    """
    make = engine.reference_templates if of_references else engine.templates_from_crops
    made = np.zeros((len(crops), engine.template_length), np.float32)
    for alignment in sorted({alignment for _, alignment in crops}):
        places = [n for n, crop in enumerate(crops) if crop[1] == alignment]
        pixels = decode_crops([crops[n][0] for n in places], size=size)
        made[places] = make(pixels, alignment=alignment)
    return made
