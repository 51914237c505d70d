"""One picture of a camera: whose face is in it, what keeps it from being used, and what to keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from likeness.faces.frames import Frame
from likeness.faces.quality import HELPS, problems
from likeness.faces.quality_measures import eyes_and_nose
from likeness.records.capture import Seen, Word
from likeness.records.face import DetectedFace, Quality, scaled_box

LOOKED_AT = 320
"""Longer side at which faces are looked for: a quarter of the work of the full
size, at which they are measured."""

BYSTANDER = 0.4
"""From this share of the largest face's width on, somebody else is before the camera too."""

TILTED = 30.0
"""Degrees to a side, from which on a head is to be held upright."""

ROUND_THE_FACE = 3.2
"""How much stays around the face in a picture for a reference, in distances between the eyes."""

Pixels = NDArray[np.uint8]
"""uint8 array of shape (height, width, 3), RGB."""


class Engine(Protocol):
    """What is needed of :class:`likeness.faces.engine.FaceEngine`."""

    frame: Frame

    def find(self, image: Pixels) -> list[DetectedFace]:
        """The faces of one picture."""
        ...

    def quality(self, image: Pixels, faces: Sequence[DetectedFace]) -> list[Quality]:
        """What can be said of each."""
        ...

    def templates(self, image: Pixels, faces: Sequence[DetectedFace]) -> NDArray[np.float32]:
        """A unit vector of each."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Looked:
    """What one picture shows.

    Attributes
    ----------
    seen : Seen
    face : DetectedFace or None
        The largest face; None where there is none.
    unified : int
        Its quality, 0 to 100.
    """

    seen: Seen
    face: DetectedFace | None = None
    unified: int = 0


def look_at(engine: Engine, pixels: Pixels, *, at: float, moving: bool) -> Looked:
    """Look at one picture.

    Parameters
    ----------
    pixels : uint8 array of shape (height, width, 3), RGB
    at : float
        When it came, in seconds.
    moving : bool
        Whether a movement was asked for, so that a head turned too far is told so.
    """
    found = _faces(engine, pixels)
    if not found and not moving:
        # Whoever is too far away to be found so is to come closer, and to be told.
        found = engine.find(pixels)
    if not found:
        return Looked(seen=Seen(at=at, faces=0))
    qualities = engine.quality(pixels, found)
    place = max(range(len(found)), key=lambda number: _width(found[number]))
    face, quality = found[place], qualities[place]
    others = [
        number
        for number, other in enumerate(found)
        if number != place
        and _width(other) >= BYSTANDER * _width(face)
        and set(problems(qualities[number])) <= {"turned_away"}
    ]
    if others:
        return Looked(seen=Seen(at=at, faces=1 + len(others)))
    left, top, right, bottom = map(float, face.box)
    problem = _problem(quality, moving=moving)
    seen = Seen(
        at=at,
        yaw=quality.yaw,
        size=quality.inter_eye / min(pixels.shape[:2]),
        length=_length(engine, face) / min(pixels.shape[:2]),
        box=(left, top, right, bottom),
        # What cannot be seen well makes a template that says nothing.
        template=None if problem else engine.templates(pixels, [face])[0].copy(),
        problem=problem or "",
    )
    return Looked(seen=seen, face=face, unified=quality.unified)


def round_the_face(engine: Engine, pixels: Pixels, face: DetectedFace) -> Pixels:
    """A copy of the part of a picture that a reference needs, with some margin."""
    eyes = eyes_and_nose(face.landmarks.astype(np.float64), engine.frame.landmarks)[:2]
    reach = ROUND_THE_FACE * float(np.hypot(*(eyes[1] - eyes[0])))
    x, y = eyes.mean(axis=0)
    height, width = pixels.shape[:2]
    left, top = max(0, int(x - reach)), max(0, int(y - reach))
    return pixels[top : min(height, int(y + reach)), left : min(width, int(x + reach))].copy()


def is_usable(engine: Engine, picture: Pixels) -> bool:
    """Whether exactly one face can be enrolled from a picture, as enrolment will ask."""
    found = engine.find(picture)
    usable = [quality for quality in engine.quality(picture, found) if not problems(quality)]
    return len(usable) == 1


def _faces(engine: Engine, pixels: Pixels) -> list[DetectedFace]:
    """The faces, looked for in a smaller picture, in pixels of this one."""
    from PIL import Image

    height, width = pixels.shape[:2]
    scale = max(height, width) / LOOKED_AT
    if scale <= 1:
        return engine.find(pixels)
    size = (max(1, round(width / scale)), max(1, round(height / scale)))
    smaller = np.array(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))
    try:
        found = engine.find(smaller)
    finally:
        smaller.fill(0)
    return [
        replace(
            face,
            box=scaled_box(face.box, scale),
            landmarks=((face.landmarks + 0.5) * scale - 0.5).astype(np.float32),
        )
        for face in found
    ]


def _problem(quality: Quality, *, moving: bool) -> Word | None:
    reasons = problems(quality)
    if not reasons:
        return "keep_head_upright" if abs(quality.roll) > TILTED else None
    if reasons[0] == "turned_away":
        return "not_so_far" if moving else "turn_to_camera"
    return HELPS[reasons[0]]


def _length(engine: Engine, face: DetectedFace) -> float:
    """From the line through the eyes to the nose, in pixels."""
    points = face.landmarks.astype(np.float64)
    left, right, nose = eyes_and_nose(points, engine.frame.landmarks)
    along, aside = right - left, nose - left
    apart = float(np.hypot(*along))
    return abs(float(along[0] * aside[1] - along[1] * aside[0])) / apart if apart else 0.0


def _width(face: DetectedFace) -> int:
    return face.box[2] - face.box[0]
