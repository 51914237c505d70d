"""A decoded frame as thumbnails to choose by, and as an upright JPEG.

Runs in the child: nothing here is safe to run on hostile bytes elsewhere.
"""

from __future__ import annotations

import io
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from likeness.sources.video.film import FilmProblem
from likeness.sources.video.frame_choice import SCENE_CELLS, thumbnail_size

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter

QUALITY = 92
_MATRIX_BYTES = 36
_HIGH_DEFINITION = 720
_UNSPECIFIED = 2
_WIDEST_PIXEL = 4
_LEAST_WOVEN = 72
_HDR = (16, 18)  # SMPTE ST 2084 (PQ) and ARIB STD-B67 (HLG), by ITU-T H.273


class Pictures:
    """Makes thumbnails and JPEGs of the frames of one video."""

    def __init__(self, *, long_side: int) -> None:
        from av.video.reformatter import VideoReformatter

        self._long_side = long_side
        # Each keeps what it worked out for one size.
        self._scenes, self._thumbnails = VideoReformatter(), VideoReformatter()
        self._colours = VideoReformatter()

    def scene(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """Return brightness, uint8 (36, 64)."""
        return _averaged(self._scenes, frame, SCENE_CELLS, "gray")

    def thumbnail(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """Return brightness and colour, uint8 (3, height, width) of ``thumbnail_size``."""
        size = thumbnail_size(frame.width, frame.height)
        return _averaged(self._thumbnails, frame, size, "yuv444p")

    def jpeg(self, frame: VideoFrame, pixel_aspect: Fraction | None) -> bytes:
        """Return the frame as it is to be seen: upright, with square pixels, 8-bit RGB."""
        from PIL import Image

        width, height = fitted(frame.width, frame.height, pixel_aspect, self._long_side)
        if frame.interlaced_frame and frame.height >= _LEAST_WOVEN:
            # Two moments are woven into it: one of them is enough.
            woven = self._rgb(frame, frame.width, frame.height)
            image = Image.fromarray(woven[::2]).resize((width, height), Image.Resampling.BICUBIC)
            pixels = np.asarray(image)
        else:
            pixels = self._rgb(frame, width, height)
        upright = oriented(pixels, display_matrix(frame))
        file = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(upright)).save(file, "JPEG", quality=QUALITY)
        return file.getvalue()

    def _rgb(self, frame: VideoFrame, width: int, height: int) -> NDArray[np.uint8]:
        from av.error import FFmpegError
        from av.video.reformatter import ColorPrimaries, ColorTrc, Interpolation

        unspecified = frame.colorspace == _UNSPECIFIED
        options: dict[str, object] = {
            "width": width,
            "height": height,
            "format": "rgb24",
            "interpolation": Interpolation.BICUBIC | Interpolation.ACCURATE_RND,
            "threads": 1,
        }
        if unspecified and frame.height >= _HIGH_DEFINITION:
            options["src_colorspace"] = "ITU709"
        toned = {
            "dst_colorspace": "ITU709",
            "dst_color_trc": ColorTrc.IEC61966_2_1,
            "dst_color_primaries": ColorPrimaries.BT709,
        }
        attempts = [options | toned, options] if frame.color_trc in _HDR else [options]
        for attempt in attempts:
            try:
                return self._colours.reformat(frame, **attempt).to_ndarray()  # type: ignore[arg-type,return-value]
            except (FFmpegError, ValueError):
                continue
        raise FilmProblem("unsupported")


def _averaged(
    scaler: VideoReformatter, frame: VideoFrame, size: tuple[int, int], form: str
) -> NDArray[np.uint8]:
    from av.error import FFmpegError
    from av.video.reformatter import Interpolation

    # The same to the last bit on every processor: what is chosen hangs on it.
    exactly = Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
    width, height = size
    try:
        small = scaler.reformat(
            frame, width=width, height=height, format=form, interpolation=exactly, threads=1
        )
    except (FFmpegError, ValueError) as error:
        raise FilmProblem("unsupported") from error
    array: NDArray[np.uint8] = small.to_ndarray()  # type: ignore[assignment]
    return array


def fitted(
    width: int, height: int, pixel_aspect: Fraction | None, long_side: int
) -> tuple[int, int]:
    """Return width and height with square pixels, the longer side at most ``long_side``.

    Pixels more than four times as wide as high, or the other way round, are taken for square.
    """
    aspect = pixel_aspect or Fraction(1)
    if not Fraction(1, _WIDEST_PIXEL) <= aspect <= _WIDEST_PIXEL:
        aspect = Fraction(1)
    wide, high = (
        (width * aspect, Fraction(height))
        if aspect > 1
        else (
            Fraction(width),
            height / aspect,
        )
    )
    scale = min(Fraction(1), Fraction(long_side) / max(wide, high))
    return max(1, round(wide * scale)), max(1, round(high * scale))


def display_matrix(frame: VideoFrame) -> tuple[int, int, int, int]:
    """Return a, b, c, d of a frame's transformation for display; that of no change by default."""
    from av.sidedata.sidedata import Type

    # PyAV annotates it as less than it is.
    told: Any = frame.side_data
    matrix = (
        bytes(told[Type.DISPLAYMATRIX]) if Type.DISPLAYMATRIX in {e.type for e in told} else b""
    )
    if len(matrix) == _MATRIX_BYTES:
        a, b, _, c, d = (int(value) for value in np.frombuffer(matrix, np.int32)[:5])
        return a, b, c, d
    return 1, 0, 0, 1


def oriented(pixels: NDArray[np.uint8], matrix: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """Turn and mirror pixels by whole quarters, as near as the matrix can be followed.

    A point (x, y) is shown at (a x + c y, b x + d y), with y downwards (ISO/IEC 14496-12, 6.2.2).
    """
    a, b, c, d = matrix
    if abs(b) + abs(c) > abs(a) + abs(d):
        pixels, across, down = pixels.transpose(1, 0, 2), c, b
    else:
        across, down = a, d
    if across < 0:
        pixels = pixels[:, ::-1]
    if down < 0:
        pixels = pixels[::-1]
    return pixels
