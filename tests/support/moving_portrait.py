"""A portrait made to turn its head and come closer, as a camera would see it, and as a video file.

The head is a half ellipsoid over the face with a nose on it, turned about the axis of the neck and
seen from afar; what is around it stays where it is. That is enough for a detector, landmarks and an
embedder to see a head that turns, and it needs no person before a camera.
"""

from __future__ import annotations

import io
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from likeness.faces.engine import FaceEngine

Movement = Literal["left", "right", "closer"]

WIDTH, HEIGHT = 640, 480
CHROMIUM_RATE = 30
"""Pictures a second that Chromium takes an MJPEG file to have."""

TURNED = 34.0
"""Degrees that the head turns."""

CLOSER = 1.45
"""How many times as large the face becomes."""

_EYES_APART = 58.0
"""Pixels between the eyes of a face that has not come closer."""

_MIDDLE, _RADII = (0.0, 0.35), (1.3, 1.75)
"""Of the head, from between the eyes, in distances between them."""

_EDGE = 1.35
"""From so many radii on nothing moves with the head."""

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Pose:
    """How a head is held: degrees turned to the person's own left, and how near it is."""

    turned: float = 0.0
    size: float = 1.0


AHEAD = Pose()


def pose_after(movement: Movement) -> Pose:
    """The pose that a movement ends in."""
    if movement == "closer":
        return Pose(size=CLOSER)
    return Pose(turned=TURNED if movement == "left" else -TURNED)


def moving(
    movements: Sequence[Movement],
    *,
    rate: float,
    held: float = 2.0,
    moved: float = 1.0,
    first: float | None = None,
) -> list[Pose]:
    """Poses at ``rate`` a second: straight ahead, each movement and back, all held for a while.

    Seconds: ``held`` each pose, ``first`` the very first where it is another, ``moved`` between.
    """
    stops = [AHEAD]
    for movement in movements:
        stops += [pose_after(movement), AHEAD]
    poses = [AHEAD] * round(rate * (held if first is None else first))
    for before, after in itertools.pairwise(stops):
        steps = round(rate * moved)
        for step in range(1, steps + 1):
            # Slow at both ends, as a head moves.
            share = (1 - math.cos(math.pi * step / steps)) / 2
            poses.append(
                Pose(
                    turned=round(before.turned + share * (after.turned - before.turned), 2),
                    size=round(before.size + share * (after.size - before.size), 3),
                )
            )
        poses += [after] * round(rate * held)
    return poses


class MovingPortrait:
    """One portrait, to be seen in any pose.

    Parameters
    ----------
    portrait : uint8 array of shape (height, width, 3), RGB
        With one face.
    engine : FaceEngine
        Says where the face is.
    """

    def __init__(self, portrait: Pixels, engine: FaceEngine) -> None:
        face = max(engine.find(portrait), key=lambda one: one.box[2] - one.box[0])
        # The engine's points: the eye on the right, the eye on the left, the base of the nose.
        eyes = (face.landmarks[:2].mean(axis=0), face.landmarks[2:4].mean(axis=0))
        self._apart = float(np.hypot(*(eyes[0] - eyes[1])))
        self._between = (eyes[0] + eyes[1]) / 2
        self._portrait = portrait.astype(np.float32)
        self._jpegs: dict[Pose, bytes] = {}

    def seen(self, pose: Pose) -> Pixels:
        """The picture of a camera, uint8 (480, 640, 3)."""
        apart = _EYES_APART * pose.size
        y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
        x = (x - WIDTH / 2) / apart
        # The eyes are a little above the middle.
        y = (y - HEIGHT * 0.44) / apart
        if pose.turned:
            x = _unturned(x, y, math.radians(pose.turned))
        at_x = x * self._apart + float(self._between[0])
        at_y = y * self._apart + float(self._between[1])
        return _sampled(self._portrait, at_x, at_y)

    def film(self, poses: Iterable[Pose]) -> Iterator[bytes]:
        """Each pose as a JPEG; the same pose is made once."""
        for pose in poses:
            if pose not in self._jpegs:
                self._jpegs[pose] = jpeg(self.seen(pose))
            yield self._jpegs[pose]


def print_turned(picture: Pixels, degrees: float, *, nearer: float = 1.0) -> Pixels:
    """A picture printed on flat paper, and the paper turned about its upright middle axis."""
    away = 1.5 * WIDTH
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    x, y = (x - WIDTH / 2) / nearer, (y - HEIGHT / 2) / nearer
    on_paper = x * away / (away * cosine - x * sine)
    down = y * (away + on_paper * sine) / away
    seen = picture.astype(np.float32)
    return _sampled(seen, on_paper + WIDTH / 2, down + HEIGHT / 2)


def _unturned(x: NDArray[np.float64], y: NDArray[np.float64], angle: float) -> NDArray[np.float64]:
    """Where what is seen at each place was before the head turned; in distances between the eyes.

    A row stays a row: the head turns about an upright axis. In each row, places are taken to where
    they are after the turn, and that is read the other way round.
    """
    before = np.linspace(x.min() - 1, x.max() + 1, 2 * x.shape[1])
    unturned = x.copy()
    for row in np.flatnonzero(np.abs(y[:, 0] - _MIDDLE[1]) < _EDGE * _RADII[1]):
        depth, part = _head(before, y[row, 0])
        after = before + part * (before * (math.cos(angle) - 1) + depth * math.sin(angle))
        # What turned out of sight is hidden by what is before it.
        visible = np.maximum.accumulate(after) + np.arange(len(after)) * 1e-9
        unturned[row] = np.interp(x[row], visible, before)
    return unturned


def _head(x: NDArray[np.float64], y: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far before the axis each place of a row is, and how much it turns with the head, 0 to 1.

    The origin is between the eyes; lengths are in distances between the eyes.
    """
    across, down = x / _RADII[0], (y - _MIDDLE[1]) / _RADII[1]
    inside = np.clip(1 - across**2 - down**2, 0, None)
    nose = 0.33 * np.exp(-((x / 0.2) ** 2) - ((y - 0.55) / 0.35) ** 2)
    depth = 1.15 * np.sqrt(inside) + nose
    out = np.sqrt(across**2 + down**2)
    part = np.clip((_EDGE - out) / 0.4, 0, 1)
    return depth, part


def _sampled(image: NDArray[np.float32], x: NDArray[np.float64], y: NDArray[np.float64]) -> Pixels:
    """Bilinear; beyond the portrait its nearest edge goes on."""
    height, width = image.shape[:2]
    x, y = np.clip(x, 0, width - 1.001), np.clip(y, 0, height - 1.001)
    left, top = x.astype(np.intp), y.astype(np.intp)
    across, down = (x - left)[..., None], (y - top)[..., None]
    above = image[top, left] * (1 - across) + image[top, left + 1] * across
    below = image[top + 1, left] * (1 - across) + image[top + 1, left + 1] * across
    return np.clip(above * (1 - down) + below * down + 0.5, 0, 255).astype(np.uint8)


def jpeg(pixels: Pixels, *, quality: int = 80) -> bytes:
    """A picture as a browser's canvas sends it."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def save_for_chromium(path: Path, pictures: Iterable[bytes], *, rate: int) -> Path:
    """A video for Chromium's ``--use-file-for-fake-video-capture``, which plays it over and over.

    Parameters
    ----------
    pictures : iterable of bytes
        JPEG, ``rate`` a second.
    rate : int
        Divides 30.
    """
    with path.open("wb") as file:
        for picture in pictures:
            file.write(picture * (CHROMIUM_RATE // rate))
    return path
