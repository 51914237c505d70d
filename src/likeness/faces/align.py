"""Cuts an upright, equally scaled square out of a photo for every face, ready for embedding.

Five landmarks are carried by a similarity transform onto the places that a frame says; faces
larger than the inner square are halved by a Gaussian filter until they are not, then sampled
bilinearly. A larger square keeps the pixels of the inner one at its centre, byte for byte, and adds
margin around it: what is stored as a crop gives the very template that the photo gave.

Source: the arithmetic of dlib 19 and 20 (``get_face_chip_details``, ``extract_image_chips``,
``pyramid_down<2>``), Boost Software License, but for frames that ask for exact places.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likeness.faces.frames import Frame as Frame
from likeness.faces.frames import dlib_5
from likeness.faces.sampling import packed, sample

CHIP_SIZE = 150
"""Side of the inner square of dlib's frame, in pixels."""


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

    def halved(self, *, as_dlib: bool) -> _Rect:
        """Where it lies in the image halved once: its pixel n is the middle of 2 n to 2 n + 4."""
        across, down = (1.25, 0.75) if as_dlib else (1.0, 1.0)
        return _Rect(
            left=self.left / 2 - across,
            top=self.top / 2 - down,
            right=self.right / 2 - across,
            bottom=self.bottom / 2 - down,
        )

    def moved(self, x: float, y: float) -> _Rect:
        return _Rect(
            left=self.left + x, top=self.top + y, right=self.right + x, bottom=self.bottom + y
        )


def aligned_crops(
    image: NDArray[np.uint8],
    landmarks: NDArray[np.float32],
    *,
    size: int = 192,
    frame: Frame | None = None,
) -> NDArray[np.uint8]:
    """Cut one aligned square for each face.

    Parameters
    ----------
    image : uint8 array of shape (height, width, 3), RGB
    landmarks : float32 array of shape (n, 5, 2)
        (x, y) in pixels, in the order of the frame's points; whole numbers are middles of pixels.
    size : int
        Side in pixels, even and at least the frame's inner square. What is beyond it is margin.
    frame : Frame or None
        Where the landmarks belong; dlib's where None.

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
    frame = frame or dlib_5()
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(f"image is {image.dtype} {image.shape}, not uint8 (H, W, 3)")
    if landmarks.ndim != 3 or landmarks.shape[1:] != (5, 2) or not np.isfinite(landmarks).all():
        raise ValueError(f"landmarks are {landmarks.shape}, not (n, 5, 2), or not finite")
    if size < frame.inner or size % 2:
        raise ValueError(f"size is {size}, not an even number of at least {frame.inner}")
    crops = np.zeros((len(landmarks), size, size, 3), dtype=np.uint8)
    for crop, points in zip(crops, landmarks.astype(np.float64), strict=True):
        _cut(image, points, crop, frame)
    return crops


def centre_chips(crops: NDArray[np.uint8], *, inner: int = CHIP_SIZE) -> NDArray[np.uint8]:
    """The inner squares at the centre of larger crops: uint8 (n, s, s, 3) to (n, inner, inner, 3).

    Raises
    ------
    ValueError
        Where the crops are not uint8 squares of an even side of at least ``inner``.
    """
    if crops.dtype != np.uint8 or crops.ndim != 4 or crops.shape[3] != 3:
        raise ValueError(f"crops are {crops.dtype} {crops.shape}, not uint8 (n, s, s, 3)")
    size = crops.shape[1]
    if crops.shape[2] != size or size < inner or size % 2:
        raise ValueError(f"crops are {crops.shape}, not squares of an even side from {inner}")
    margin = (size - inner) // 2
    within = slice(margin, margin + inner)
    return np.ascontiguousarray(crops[:, within, within])


def chip_places(
    landmarks: NDArray[np.float32], *, frame: Frame | None = None
) -> NDArray[np.float64]:
    """Where the inner squares lie: float32 (n, 5, 2) to float64 (n, 2, 3).

    Each 2 by 3 matrix takes (x, y, 1) in pixels of the inner square to (x, y) in pixels of the
    photo, to within a pixel of the square: halving as dlib does moves it by a fraction.
    """
    frame = frame or dlib_5()
    places = np.empty((len(landmarks), 2, 3))
    for place, points in zip(places, landmarks.astype(np.float64), strict=True):
        scale, angle, centre = _similarity(points, frame)
        half = _half_side(scale, frame)
        step = 2 * half / (frame.inner - 1)
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        place[:, :2] = turn * step
        place[:, 2] = centre - turn.sum(axis=1) * half
    return places


@dataclass(frozen=True, kw_only=True)
class _Placement:
    """Where the inner square of one face lies in a photo, and how it is to be sampled.

    Attributes
    ----------
    left, top, right, bottom : int
        The part of the photo that the square needs; the last pixel counts in. Empty where right <
        left.
    depth : int
        How often that part is halved first.
    origin, along, down : (x, y)
        Place of the square's first pixel in the halved part, and the step to the next column and
        row.
    """

    left: int
    top: int
    right: int
    bottom: int
    depth: int
    origin: tuple[float, float]
    along: tuple[float, float]
    down: tuple[float, float]


def _place(points: NDArray[np.float64], width: int, height: int, frame: Frame) -> _Placement:
    """Fit a frame to five landmarks, in a photo of the given size."""
    scale, angle, centre = _similarity(points, frame)
    half = _half_side(scale, frame)
    rect = _Rect(
        left=centre[0] - half,
        top=centre[1] - half,
        right=centre[0] + half,
        bottom=centre[1] + half,
    )
    depth, grow, smaller = 0, 2, rect.halved(as_dlib=frame.as_dlib)
    while smaller.area > frame.inner * frame.inner:
        # Each halving eats two pixels at every edge, so the part must be that much larger.
        depth, grow = depth + 1, grow * 2 + 2
        smaller = smaller.halved(as_dlib=frame.as_dlib)
    corners = _corners(rect, angle)
    xs = [x for x, _ in corners]
    ys = [y for _, y in corners]
    left = _rounded(max(0, min(xs) - grow))
    top = _rounded(max(0, min(ys) - grow))
    right = _rounded(min(width - 1, max(xs) + grow))
    bottom = _rounded(min(height - 1, max(ys) + grow))
    rect = rect.moved(-left, -top)
    for _ in range(depth):
        rect = rect.halved(as_dlib=frame.as_dlib)
    first, end_of_row, end_of_column, _ = _corners(rect, angle)
    steps = frame.inner - 1
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


def _half_side(scale: float, frame: Frame) -> float:
    """Half of the way from the first pixel's middle to the last one's, in pixels of the photo."""
    if frame.as_dlib:
        return (frame.inner * scale - 1) / 2
    return (frame.inner - 1) * scale / 2


def _similarity(
    points: NDArray[np.float64], frame: Frame
) -> tuple[float, float, tuple[float, float]]:
    """Scale, angle in radians, and the square's centre in the photo, by least squares."""
    source = frame.points - frame.points.mean(axis=0)
    target = points - points.mean(axis=0)
    spread = float((source**2).sum())
    cosine = float((source * target).sum()) / spread
    sine = float((source[:, 0] * target[:, 1] - source[:, 1] * target[:, 0]).sum()) / spread
    to_centre = frame.inner / 2 - frame.points.mean(axis=0)
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


def _cut(
    image: NDArray[np.uint8], points: NDArray[np.float64], crop: NDArray[np.uint8], frame: Frame
) -> None:
    """Fill one crop, which starts black."""
    height, width = image.shape[:2]
    place = _place(points, width, height, frame)
    if place.right < place.left or place.bottom < place.top:
        return
    margin = (len(crop) - frame.inner) // 2
    grid = np.arange(-margin, frame.inner + margin, dtype=np.float64)
    x = place.origin[0] + place.along[0] * grid + (place.down[0] * grid)[:, None]
    y = place.origin[1] + place.along[1] * grid + (place.down[1] * grid)[:, None]
    part = 1 << place.depth
    before_x = _whole_before(x.min(), part, place.left)
    before_y = _whole_before(y.min(), part, place.top)
    right = min(width, max(place.right + 1, place.left + math.ceil(x.max() + 4) * part))
    bottom = min(height, max(place.bottom + 1, place.top + math.ceil(y.max() + 4) * part))
    level = packed(image[place.top - before_y : bottom, place.left - before_x : right], place.depth)
    # Adding whole pixels after the floor keeps the fractions of the 150 px chip to the last bit.
    sample(level, x, y, before_x // part, before_y // part, crop)


def _whole_before(least: float, part: int, available: int) -> int:
    """Pixels to add before the part: whole pixels of its last halving, as far as the photo goes."""
    return min(max(0, -math.floor(least) + 2), available // part) * part
