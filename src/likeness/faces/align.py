"""Cuts an upright, equally scaled square out of a photo for every face, ready for embedding.

The eye corners and the nose are carried by a similarity transform onto a mean face; faces larger
than the square are halved by a Gaussian filter until they are not, then sampled bilinearly. A
larger square keeps the pixels of the 150 px chip at its centre, byte for byte, and adds margin
around it: what is stored as a crop gives the very template that the photo gave.

Source: the arithmetic of dlib 19 and 20 (``get_face_chip_details``, ``extract_image_chips``,
``pyramid_down<2>``), Boost Software License.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CHIP_SIZE = 150
"""Side of the square that embedding networks take, in pixels."""

CHIP_PADDING = 0.25
"""Margin around the mean face on each side, as a share of its width."""

_MEAN_FACE = np.array(
    [
        [0.8595674595992, 0.2134981538014],
        [0.6460604764104, 0.2289674387677],
        [0.1205750620789, 0.2137274526848],
        [0.3340850613712, 0.2290642403242],
        [0.4901123135679, 0.6277975316475],
    ]
)
_CHIP_POINTS = (CHIP_PADDING + _MEAN_FACE) / (2 * CHIP_PADDING + 1) * CHIP_SIZE


@dataclass(frozen=True, kw_only=True)
class _Rect:
    """A rectangle that counts its last pixel in: its width is right - left + 1."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def area(self) -> float:
        return (self.right - self.left + 1) * (self.bottom - self.top + 1)

    @property
    def centre(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def halved(self) -> _Rect:
        """Where it lies in the image that ``_halve`` makes."""
        return _Rect(
            left=self.left / 2 - 1.25,
            top=self.top / 2 - 0.75,
            right=self.right / 2 - 1.25,
            bottom=self.bottom / 2 - 0.75,
        )

    def moved(self, x: float, y: float) -> _Rect:
        return _Rect(
            left=self.left + x, top=self.top + y, right=self.right + x, bottom=self.bottom + y
        )


def aligned_crops(
    image: NDArray[np.uint8], landmarks: NDArray[np.float32], *, size: int = 192
) -> NDArray[np.uint8]:
    """Cut one aligned square for each face.

    Parameters
    ----------
    image : uint8 array of shape (height, width, 3), RGB
    landmarks : float32 array of shape (n, 5, 2)
        (x, y) in pixels, in dlib's order (see ``landmarks``).
    size : int
        Side in pixels, even and at least 150. Beyond 150 only margin is added.

    Returns
    -------
    uint8 array of shape (n, size, size, 3), RGB
        Black where the square reaches outside the photo.

    Raises
    ------
    ValueError
        Where an array has another shape or dtype, the size is odd or too small, or landmarks are
        not finite.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(f"image is {image.dtype} {image.shape}, not uint8 (H, W, 3)")
    if landmarks.ndim != 3 or landmarks.shape[1:] != (5, 2) or not np.isfinite(landmarks).all():
        raise ValueError(f"landmarks are {landmarks.shape}, not (n, 5, 2), or not finite")
    if size < CHIP_SIZE or size % 2:
        raise ValueError(f"size is {size}, not an even number of at least {CHIP_SIZE}")
    crops = np.zeros((len(landmarks), size, size, 3), dtype=np.uint8)
    for crop, points in zip(crops, landmarks.astype(np.float64), strict=True):
        _cut(image, points, crop)
    return crops


def centre_chips(crops: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The 150 px chips at the centre of larger crops: uint8 (n, s, s, 3) to (n, 150, 150, 3).

    Raises
    ------
    ValueError
        Where the crops are not uint8 squares of an even side of at least 150.
    """
    if crops.dtype != np.uint8 or crops.ndim != 4 or crops.shape[3] != 3:
        raise ValueError(f"crops are {crops.dtype} {crops.shape}, not uint8 (n, s, s, 3)")
    size = crops.shape[1]
    if crops.shape[2] != size or size < CHIP_SIZE or size % 2:
        raise ValueError(f"crops are {crops.shape}, not squares of an even side from {CHIP_SIZE}")
    margin = (size - CHIP_SIZE) // 2
    inner = slice(margin, margin + CHIP_SIZE)
    return np.ascontiguousarray(crops[:, inner, inner])


def chip_places(landmarks: NDArray[np.float32]) -> NDArray[np.float64]:
    """Where the 150 px chips lie: float32 (n, 5, 2) to float64 (n, 2, 3).

    Each 2 by 3 matrix takes (x, y, 1) in pixels of the chip to (x, y) in pixels of the photo, to
    within a pixel of the chip: halving moves a chip by a fraction.
    """
    places = np.empty((len(landmarks), 2, 3))
    for place, points in zip(places, landmarks.astype(np.float64), strict=True):
        scale, angle, centre = _similarity(points)
        half = (CHIP_SIZE * scale - 1) / 2
        step = 2 * half / (CHIP_SIZE - 1)
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        place[:, :2] = turn * step
        place[:, 2] = centre - turn.sum(axis=1) * half
    return places


@dataclass(frozen=True, kw_only=True)
class _Placement:
    """Where the 150 px chip of one face lies in a photo, and how it is to be sampled.

    Attributes
    ----------
    left, top, right, bottom : int
        The part of the photo that the chip needs; the last pixel counts in. Empty where right <
        left.
    depth : int
        How often that part is halved first.
    origin, along, down : (x, y)
        Place of the chip's first pixel in the halved part, and the step to its next column and row.
    """

    left: int
    top: int
    right: int
    bottom: int
    depth: int
    origin: tuple[float, float]
    along: tuple[float, float]
    down: tuple[float, float]


def _place(points: NDArray[np.float64], width: int, height: int) -> _Placement:
    """Fit the mean face to five landmarks, in a photo of the given size."""
    scale, angle, centre = _similarity(points)
    half = (CHIP_SIZE * scale - 1) / 2
    rect = _Rect(
        left=centre[0] - half,
        top=centre[1] - half,
        right=centre[0] + half,
        bottom=centre[1] + half,
    )
    depth, grow, smaller = 0, 2, rect.halved()
    while smaller.area > CHIP_SIZE * CHIP_SIZE:
        # Each halving eats two pixels at every edge, so the part must be that much larger.
        depth, grow, smaller = depth + 1, grow * 2 + 2, smaller.halved()
    corners = _corners(rect, angle)
    xs = [x for x, _ in corners]
    ys = [y for _, y in corners]
    left = _rounded(max(0, min(xs) - grow))
    top = _rounded(max(0, min(ys) - grow))
    right = _rounded(min(width - 1, max(xs) + grow))
    bottom = _rounded(min(height - 1, max(ys) + grow))
    rect = rect.moved(-left, -top)
    for _ in range(depth):
        rect = rect.halved()
    first, end_of_row, end_of_column, _ = _corners(rect, angle)
    steps = CHIP_SIZE - 1
    return _Placement(
        left=left,
        top=top,
        right=right,
        bottom=bottom,
        depth=depth,
        origin=first,
        along=((end_of_row[0] - first[0]) / steps, (end_of_row[1] - first[1]) / steps),
        down=((end_of_column[0] - first[0]) / steps, (end_of_column[1] - first[1]) / steps),
    )


def _similarity(points: NDArray[np.float64]) -> tuple[float, float, tuple[float, float]]:
    """Scale, angle in radians, and the chip's centre in the photo, by least squares."""
    source = _CHIP_POINTS - _CHIP_POINTS.mean(axis=0)
    target = points - points.mean(axis=0)
    spread = float((source**2).sum())
    cosine = float((source * target).sum()) / spread
    sine = float((source[:, 0] * target[:, 1] - source[:, 1] * target[:, 0]).sum()) / spread
    to_centre = CHIP_SIZE / 2 - _CHIP_POINTS.mean(axis=0)
    x = float(points[:, 0].mean()) + cosine * float(to_centre[0]) - sine * float(to_centre[1])
    y = float(points[:, 1].mean()) + sine * float(to_centre[0]) + cosine * float(to_centre[1])
    return math.hypot(cosine, sine), math.atan2(sine, cosine), (x, y)


def _corners(rect: _Rect, angle: float) -> list[tuple[float, float]]:
    """Top left, top right, bottom left, bottom right of a rectangle turned about its centre."""
    x0, y0 = rect.centre
    cosine, sine = math.cos(angle), math.sin(angle)
    return [
        (
            cosine * (x - x0) - sine * (y - y0) + x0,
            sine * (x - x0) + cosine * (y - y0) + y0,
        )
        for y in (rect.top, rect.bottom)
        for x in (rect.left, rect.right)
    ]


def _rounded(value: float) -> int:
    return math.floor(value + 0.5)


def _cut(image: NDArray[np.uint8], points: NDArray[np.float64], crop: NDArray[np.uint8]) -> None:
    """Fill one crop, which starts black."""
    height, width = image.shape[:2]
    place = _place(points, width, height)
    if place.right < place.left or place.bottom < place.top:
        return
    margin = (len(crop) - CHIP_SIZE) // 2
    grid = np.arange(-margin, CHIP_SIZE + margin, dtype=np.float64)
    x = place.origin[0] + place.along[0] * grid + (place.down[0] * grid)[:, None]
    y = place.origin[1] + place.along[1] * grid + (place.down[1] * grid)[:, None]
    part = 1 << place.depth
    before_x = _whole_before(x.min(), part, place.left)
    before_y = _whole_before(y.min(), part, place.top)
    right = min(width, max(place.right + 1, place.left + math.ceil(x.max() + 4) * part))
    bottom = min(height, max(place.bottom + 1, place.top + math.ceil(y.max() + 4) * part))
    level = _pack(image[place.top - before_y : bottom, place.left - before_x : right], place.depth)
    # Adding whole pixels after the floor keeps the fractions of the 150 px chip to the last bit.
    _sample(level, x, y, before_x // part, before_y // part, crop)


def _whole_before(least: float, part: int, available: int) -> int:
    """Pixels to add before the part: whole pixels of its last halving, as far as the photo goes."""
    return min(max(0, -math.floor(least) + 2), available // part) * part


def _pack(image: NDArray[np.uint8], depth: int) -> NDArray[np.uint64]:
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


def _sample(
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
