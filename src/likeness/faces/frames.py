"""Frames: where landmarks belong in the upright square that an embedder looks at.

Which five places of a face are its landmarks depends on who finds them. dlib's cascade gives the
corners of both eyes and the base of the nose ("corners"), YuNet the middle of both eyes, the tip of
the nose and the corners of the mouth ("features"), each first what is on the left of an upright
photo.

A crop is the inner square of its frame and a margin around it on the same grid of pixels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from likeness.faces.packs import Pack, Preprocessing

Landmarks = Literal["corners", "features"]

_DLIB_INNER = 150
_ARCFACE_INNER, _ARCFACE_CHIP = 160, 112
_CUSTOM = ":"

_MEAN_FACE = np.array(
    [
        [0.8595674595992, 0.2134981538014],
        [0.6460604764104, 0.2289674387677],
        [0.1205750620789, 0.2137274526848],
        [0.3340850613712, 0.2290642403242],
        [0.4901123135679, 0.6277975316475],
    ]
)

_ARCFACE_POINTS = np.array(
    [
        [38.2946, 51.6963],
        [73.5318, 51.5014],
        [56.0252, 71.7366],
        [41.5493, 92.3655],
        [70.7299, 92.2041],
    ]
)

_FEATURES_IN_DLIB_CHIPS = np.array(
    [[46.5, 45.1], [103.0, 45.9], [73.6, 78.0], [50.7, 102.4], [98.8, 103.0]]
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """Where landmarks belong in the inner square.

    Attributes
    ----------
    name : str
        Kept with every crop that is cut by it. Equal names mean equal squares.
    points : float64 array of shape (5, 2)
        (x, y) in pixels of the inner square, whose corners are (0, 0) and (inner, inner): the
        middle of its first pixel is (0.5, 0.5).
    inner : int
        Side of the inner square in pixels, even.
    landmarks : {"corners", "features"}
        Which places of a face ``points`` are.
    as_dlib : bool
        Whether photos are sampled with dlib's arithmetic, which errs by a fraction of a pixel; an
        embedder that was trained so wants it so.
    """

    name: str
    points: NDArray[np.float64]
    inner: int
    landmarks: Landmarks
    as_dlib: bool


def dlib_5(padding: float = 0.25) -> Frame:
    """The square that dlib cuts: ``padding`` is the margin as a share of the mean face's width.

    Source: ``get_face_chip_details`` in dlib 19 and 20, Boost Software License.
    """
    points = (padding + _MEAN_FACE) / (2 * padding + 1) * _DLIB_INNER
    return Frame(
        name="dlib-5" if padding == 0.25 else _custom("dlib-5", points),
        points=points,
        inner=_DLIB_INNER,
        landmarks="corners",
        as_dlib=True,
    )


def dlib_5_by_five() -> Frame:
    """The square that dlib cuts, found by the other five landmarks.

    They belong where they lie on average in squares cut by dlib's own landmarks: measured by
    ``python bench/frames.py ../shared/eval/people.csv``.
    """
    return Frame(
        name="dlib-5-by-five",
        points=_FEATURES_IN_DLIB_CHIPS,
        inner=_DLIB_INNER,
        landmarks="features",
        as_dlib=True,
    )


def arcface_5() -> Frame:
    """The square of 112 px that ArcFace and its successors are trained with, cut at 160 px.

    Source: the reference points of InsightFace's ``arcface`` alignment, which OpenCV's
    ``FaceRecognizerSF`` shares. They are places in pixels whose middles are whole numbers.
    """
    return Frame(
        name="arcface-5",
        points=_in_inner(_ARCFACE_POINTS, _ARCFACE_CHIP, _ARCFACE_INNER),
        inner=_ARCFACE_INNER,
        landmarks="features",
        as_dlib=False,
    )


_MAKERS: Mapping[str, Callable[[], Frame]] = MappingProxyType(
    {"dlib-5": dlib_5, "dlib-5-by-five": dlib_5_by_five, "arcface-5": arcface_5}
)


def frame_of(how: Preprocessing) -> Frame | None:
    """The frame of a pack's preprocessing; None where its alignment is not known here.

    Points of the manifest's own, in pixels of the chip whose middles are whole numbers, replace
    those of the alignment.
    """
    if how.alignment == "dlib-5":
        return dlib_5(how.padding)
    maker = _MAKERS.get(how.alignment)
    frame = maker() if maker else None
    if frame is None or how.points is None:
        return frame
    points = _in_inner(np.array(how.points), how.chip, frame.inner)
    return replace(frame, name=_custom(frame.name, points), points=points)


def frame_name(pack: Pack) -> str:
    """The name of a pack's frame, which its crops are kept with."""
    frame = frame_of(pack.preprocessing)
    return frame.name if frame else pack.preprocessing.alignment


def frame_named(name: str) -> Frame | None:
    """The frame of a name; None where it is not known here.

    Where a manifest gave points of its own, these are known no more, and the alignment's own stand
    for them.
    """
    maker = _MAKERS.get(name.partition(_CUSTOM)[0])
    return replace(maker(), name=name) if maker else None


def mean_places(landmarks: Landmarks, within: Frame) -> NDArray[np.float64]:
    """Where landmarks lie on average in the inner square of a frame, also of another kind.

    Returns
    -------
    float64 array of shape (5, 2)
        As ``Frame.points``.
    """
    if landmarks == within.landmarks:
        return within.points
    places = {"corners": dlib_5().points, "features": dlib_5_by_five().points}
    turn, shift = similarity(places[within.landmarks], within.points)
    return places[landmarks] @ turn.T + shift


def similarity(
    source: NDArray[np.float64], target: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Turn with scale, (2, 2), and shift, (2,), that carry points nearest to others, (n, 2) each.

    Source: S. Umeyama, "Least-squares estimation of transformation parameters between two point
    patterns", 1991; in the plane it has this closed form.
    """
    one, other = source - source.mean(axis=0), target - target.mean(axis=0)
    spread = float((one**2).sum())
    cosine = float((one * other).sum()) / spread
    sine = float((one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]).sum()) / spread
    turn = np.array([[cosine, -sine], [sine, cosine]])
    return turn, target.mean(axis=0) - turn @ source.mean(axis=0)


def _in_inner(points: NDArray[np.float64], chip: int, inner: int) -> NDArray[np.float64]:
    """Places in pixels whose middles are whole numbers, as places in the inner square."""
    scaled: NDArray[np.float64] = (points + 0.5) * (inner / chip)
    return scaled


def _custom(name: str, points: NDArray[np.float64]) -> str:
    digest = hashlib.sha256(points.astype("<f8").tobytes()).hexdigest()
    return f"{name}{_CUSTOM}{digest[:12]}"
