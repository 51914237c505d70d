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
from likeness.sources.video.tone import HLG, PQ, linear_table, on_screen, screen_table

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter

QUALITY = 92
_MATRIX_BYTES = 36
_HIGH_DEFINITION = 720
_UNSPECIFIED = 2
_WIDEST_PIXEL = 4
_LEAST_WOVEN = 72
_ITU_709 = 1


class Pictures:
    """Makes thumbnails and JPEGs of the frames of one video."""

    def __init__(self, *, long_side: int) -> None:
        from av.video.reformatter import VideoReformatter

        self._long_side = long_side
        # Each keeps what it worked out for one size.
        self._scenes, self._thumbnails = VideoReformatter(), VideoReformatter()
        self._colours = VideoReformatter()
        self._tables: tuple[int, NDArray[np.float32], NDArray[np.uint8]] | None = None

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
        if frame.color_trc not in (PQ, HLG):
            return np.asarray(self._scaled(frame, width, height, "rgb24"), np.uint8)
        transfer = int(frame.color_trc)
        if self._tables is None or self._tables[0] != transfer:
            self._tables = transfer, linear_table(transfer), screen_table()
        signal = np.asarray(self._scaled(frame, width, height, "rgb48le"), np.uint16)
        return on_screen(signal, *self._tables[1:], primaries=int(frame.color_primaries))

    def _scaled(self, frame: VideoFrame, width: int, height: int, form: str) -> NDArray[Any]:
        from av.error import FFmpegError
        from av.video.reformatter import Interpolation

        unspecified = frame.colorspace == _UNSPECIFIED and frame.height >= _HIGH_DEFINITION
        try:
            return self._colours.reformat(
                frame,
                width=width,
                height=height,
                format=form,
                interpolation=Interpolation.BICUBIC | Interpolation.ACCURATE_RND,
                src_colorspace=_ITU_709 if unspecified else None,
                threads=1,
            ).to_ndarray()
        except (FFmpegError, ValueError) as error:
            raise FilmProblem("unsupported") from error


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
