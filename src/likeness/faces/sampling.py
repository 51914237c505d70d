"""Takes pixels out of photos: halving with a filter, bilinear sampling, and resizing of squares."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def resized(squares: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Squares in another size: uint8 (n, s, s, 3) to (n, size, size, 3).

    A bicubic filter that widens where pixels become fewer, so that nothing is left out.
    """
    from PIL import Image

    if squares.shape[1] == size:
        return squares
    made = np.empty((len(squares), size, size, 3), dtype=np.uint8)
    for place, square in enumerate(squares):
        image = Image.fromarray(square).resize((size, size), Image.Resampling.BICUBIC)
        made[place] = np.asarray(image)
    return made


def packed(image: NDArray[np.uint8], depth: int) -> NDArray[np.uint64]:
    """Halve ``depth`` times and put red, green and blue into 16 bits each of one number."""
    for _ in range(depth):
        image = _halve(image)
    lanes = np.zeros((*image.shape[:2], 4), dtype="<u2")
    for channel in range(3):
        lanes[..., channel] = image[..., channel]
    return lanes.view("<u8")[..., 0].astype(np.uint64, copy=False)


def _halve(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Blur with the binomial filter (1, 4, 6, 4, 1) / 16 both ways and keep each second pixel."""
    rows, columns = (max(0, (side - 3) // 2) for side in image.shape[:2])
    halved = np.empty((rows, columns, 3), dtype=np.uint8)
    if not halved.size:
        return halved
    # 255 * 256 fits into 16 bits, so nothing is rounded before the end.
    flat = image.reshape(len(image), -1).astype(np.uint16)
    tall = _binomial([flat[tap : tap + 2 * rows - 1 : 2] for tap in range(5)])
    for channel in range(3):
        plane = np.ascontiguousarray(tall[:, channel::3])
        taps = [plane[:, tap : tap + 2 * columns - 1 : 2] for tap in range(5)]
        halved[..., channel] = _binomial(taps) >> 8
    return halved


def _binomial(taps: list[NDArray[np.uint16]]) -> NDArray[np.uint16]:
    outer, inner, middle = taps[0] + taps[4], taps[1] + taps[3], taps[2]
    return outer + 4 * inner + 6 * middle


def sample(
    level: NDArray[np.uint64],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    offset_x: int,
    offset_y: int,
    crop: NDArray[np.uint8],
) -> None:
    """Bilinear values, rounded down, at each (x, y) that has four neighbours; the rest stays."""
    rows, columns = level.shape
    whole_x, whole_y = np.floor(x), np.floor(y)
    right, low = x - whole_x, y - whole_y
    left, high = 1 - right, 1 - low
    column = whole_x.astype(np.int64) + offset_x
    row = whole_y.astype(np.int64) + offset_y
    inside = (column >= 0) & (row >= 0) & (column + 1 < columns) & (row + 1 < rows)
    if not inside.any():
        return
    at = np.where(inside, row * columns + column, 0)
    flat = level.reshape(-1)
    corners = [
        flat.take(at + step).view("<u2").reshape(*at.shape, 4)
        for step in (0, 1, columns, columns + 1)
    ]
    for channel in range(3):
        first, second, third, fourth = (corner[..., channel] for corner in corners)
        value = high * (left * first + right * second) + low * (left * third + right * fourth)
        crop[..., channel] = np.where(inside, value, 0)
