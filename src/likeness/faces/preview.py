"""Previews of photos, made from the pixels that faces are looked for in."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from likeness.records.preview import Preview

JPEG_QUALITY = 80


def preview_of(pixels: NDArray[np.uint8], *, side: int) -> Preview:
    """A photo reduced so that its longer side has ``side`` pixels; smaller ones keep their size.

    Parameters
    ----------
    pixels : uint8 array of shape (height, width, 3)
        RGB, upright.
    side : int
        From 1.
    """
    from PIL import Image

    image = Image.fromarray(pixels)
    longer = max(image.size)
    width, height = (max(1, round(edge * min(1.0, side / longer))) for edge in image.size)
    if longer >= 2 * side:
        # Whole steps cost a tenth of what a fraction costs; 1,600 to 800 pixels is one.
        image = image.reduce(longer // side)
    if max(image.size) > side:
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    buffer = io.BytesIO()
    # 4:2:0: a preview is looked at, and nothing is ever measured in it.
    image.save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=2, optimize=False)
    return Preview(jpeg=buffer.getvalue(), width=image.width, height=image.height)
