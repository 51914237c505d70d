"""An image in ever smaller sizes, laid out on one canvas as dlib lays it out.

A detector with one window size finds faces of every size on such a canvas in one pass. Each level
is a step smaller than the one before, five sixths of it as dlib has it. Levels stand in one column
below the image until the next ones fit beside it, then go back up along the right edge; what lies
between them is zero.

Source: ``dlib/image_transforms/image_pyramid.h`` and ``dlib/dnn/input.h`` (dlib 20), Boost Software
License.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DLIB_STEP = 5.0 / 6.0
"""Each level by the one before, in dlib's detectors."""

_LEAST_ROWS = 5

Shrinks = Callable[[NDArray[np.float32], int, int], NDArray[np.float32]]


@dataclass(frozen=True, kw_only=True)
class Level:
    """Where one level lies on the canvas, in pixels; right and bottom are the last pixel within."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The last column."""
        return self.left + self.width - 1

    @property
    def bottom(self) -> int:
        """The last row."""
        return self.top + self.height - 1

    def distances(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far each point is from this level; 0 inside."""
        aside = np.maximum(np.maximum(self.left - x, x - self.right), 0.0)
        above = np.maximum(np.maximum(self.top - y, y - self.bottom), 0.0)
        return np.hypot(aside, above)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """All levels, from the image itself to the smallest, and the canvas they lie on."""

    levels: tuple[Level, ...]
    width: int
    height: int

    def nearest(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.int64]:
        """The index of the level that each point of the canvas belongs to."""
        distances = np.stack([level.distances(x, y) for level in self.levels])
        nearest: NDArray[np.int64] = distances.argmin(axis=0)
        return nearest


def lay_out(
    height: int, width: int, *, padding: int, outer_padding: int, step: float = DLIB_STEP
) -> Layout:
    """Place the levels of an image of the given size, with zeros between and around them.

    ``step`` is each level's size by that of the one before, from a half to below 1.
    """
    sizes = _level_sizes(height, width, step)
    column = _column_height(sizes, padding)
    levels: list[Level] = []
    top = outer_padding
    while top < column + outer_padding and len(levels) < len(sizes):
        rows, columns = sizes[len(levels)]
        levels.append(Level(left=outer_padding, top=top, width=columns, height=rows))
        top += rows + padding
    bottom = top - padding - 1
    for rows, columns in sizes[len(levels) :]:
        beside = Level(
            left=outer_padding + width - columns, top=bottom - rows + 1, width=columns, height=rows
        )
        if beside.top <= levels[0].bottom and beside.left <= levels[0].right:
            break
        levels.append(beside)
        bottom -= rows + padding
    return Layout(
        levels=tuple(levels),
        width=width + 2 * outer_padding,
        height=column + 2 * outer_padding,
    )


def _level_sizes(height: int, width: int, step: float) -> list[tuple[int, int]]:
    sizes = [(height, width)]
    while True:
        height, width = math.floor(step * height), math.floor(step * width)
        if width == 0 or height < _LEAST_ROWS:
            return sizes
        sizes.append((height, width))


def _column_height(sizes: list[tuple[int, int]], padding: int) -> int:
    """Rows of the first column of levels."""
    first_rows, first_columns = sizes[0]
    total = sum(rows + padding for rows, _ in sizes) - 2 * padding
    column, columns_before = 0, 0
    for rows, columns in sizes:
        fits_beside = columns <= first_columns - columns_before - padding
        if fits_beside and (column - first_rows) * 2 >= total - first_rows:
            break
        column += rows + padding
        columns_before = columns
    return column - padding


def draw(
    image: NDArray[np.uint8],
    layout: Layout,
    means: tuple[float, float, float],
    shrink: Shrinks | None = None,
) -> NDArray[np.float32]:
    """The canvas of an image.

    Parameters
    ----------
    image : uint8 array of shape (height, width, 3), RGB
    layout : Layout
        Of an image of that size.
    means : tuple of float
        Subtracted from red, green and blue; the difference is divided by 256.
    shrink : callable or None
        Makes float32 planes (3, rows, columns) smaller by bilinear interpolation, corners upon
        corners, given rows and columns. numpy does where None.

    Returns
    -------
    float32 array of shape (1, 3, rows, columns)
    """
    shrink = shrink or _shrunk
    canvas = np.zeros((1, 3, layout.height, layout.width), dtype=np.float32)
    planes = np.ascontiguousarray(image.transpose(2, 0, 1))
    drawn = planes - np.array(means, dtype=np.float32)[:, None, None]
    drawn *= np.float32(1 / 256)
    for level in layout.levels:
        if drawn.shape[1:] != (level.height, level.width):
            drawn = shrink(drawn, level.height, level.width)
        canvas[0, :, level.top : level.bottom + 1, level.left : level.right + 1] = drawn
    return canvas


def _shrunk(planes: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """(3, rows, columns) made smaller by bilinear interpolation, corners upon corners."""
    for axis, size in ((1, height), (2, width)):
        before, after, share = _between(planes.shape[axis], size)
        # All indices are in range; "clip" spares numpy a copy that it makes to raise cleanly.
        mixed: NDArray[np.float32] = np.take(planes, before, axis=axis, mode="clip")
        change = np.take(planes, after, axis=axis, mode="clip")
        change -= mixed
        change *= share[:, None] if axis == 1 else share
        mixed += change
        planes = mixed
    return planes


def _between(
    given: int, made: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """For each new place the old ones before and after it, and the share of the latter."""
    step = np.float32((given - 1) / max(made - 1, 1))
    places = np.arange(made, dtype=np.float32) * step
    before = np.minimum(places.astype(np.intp), given - 1)
    after = np.minimum(before + 1, given - 1)
    return before, after, (places - before).astype(np.float32)
