"""Measures faces without another model, and says which are too poor to enrol, and what helps.

Everything is measured at the frame's inner square or relative to the eyes, so that the figures of a
small photo and of a large one mean the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from likeness.faces.align import aligned_crops, centre_chips, chip_places
from likeness.faces.frames import Frame, dlib_5
from likeness.faces.quality_measures import light_of, pose_of, share_inside
from likeness.faces.unified_quality import components, unified
from likeness.records.face import DetectedFace, Quality

Problem = Literal["too_small", "cut_off", "too_dark", "too_bright", "too_blurred", "turned_away"]

Instruction = Literal[
    "move_closer",
    "show_whole_face",
    "more_light",
    "less_light",
    "hold_still",
    "turn_to_camera",
    "keep_head_upright",
]

INSTRUCTIONS: Mapping[Instruction, str] = MappingProxyType(
    {
        "move_closer": "Move closer, or use a larger copy of the photo.",
        "show_whole_face": "Show the whole face, from the hair to the chin.",
        "more_light": "Use more light on the face.",
        "less_light": "Use less light on the face, and none from behind.",
        "hold_still": "Hold still, or use a sharper photo.",
        "turn_to_camera": "Turn to the camera.",
        "keep_head_upright": "Keep the head upright.",
    }
)
"""What each instruction says, in English."""

HELPS: Mapping[Problem, Instruction] = MappingProxyType(
    {
        "too_small": "move_closer",
        "cut_off": "show_whole_face",
        "too_dark": "more_light",
        "too_bright": "less_light",
        "too_blurred": "hold_still",
        "turned_away": "turn_to_camera",
    }
)
"""What to do about each problem."""

_GOOD = 90.0
"""A component below it is worth an instruction, also where the face could be enrolled."""


@dataclass(frozen=True, kw_only=True)
class EnrolmentFloor:
    """What a face must reach to become a reference.

    Measured on portraits of the press and on altered copies of them by ``python bench/quality.py``:
    what is refused misses its person several times as often as what is accepted. A face is too dark
    where few grey levels are left in it, not where many of its pixels are dark: dark skin in good
    light has as many grey levels as any other.

    Attributes
    ----------
    inter_eye : float
        Least distance between the eye centres, in pixels of the photo.
    inside : float
        Least share of the face within the photo, 0 to 1.
    dynamic_range : float
        Least entropy of the grey levels, in bits, of a face that is not burnt out.
    over_exposure : float
        Largest share of the face that is burnt out, 0 to 1.
    sharpness : float
        Least variance of the Laplacian.
    yaw : float
        Largest turn of the head either way, 0 to 1.
    """

    inter_eye: float = 20.0
    inside: float = 0.65
    dynamic_range: float = 4.75
    over_exposure: float = 0.6
    sharpness: float = 7.0
    yaw: float = 0.7


def measure(
    image: NDArray[np.uint8],
    faces: Sequence[DetectedFace],
    *,
    crops: NDArray[np.uint8] | None = None,
    frame: Frame | None = None,
) -> list[Quality]:
    """Measure each face of a photo.

    Parameters
    ----------
    image : uint8 array of shape (height, width, 3), RGB
    faces : n faces
        With landmarks in the frame's order, in pixels of the image.
    crops : uint8 array of shape (n, s, s, 3), optional
        The faces' crops by that frame where the caller has them; saves cutting them again.
    frame : Frame or None
        What the landmarks are and where they belong; dlib's where None.

    Returns
    -------
    list of n Quality
    """
    if not faces:
        return []
    frame = frame or dlib_5()
    landmarks = np.stack([face.landmarks for face in faces]).astype(np.float32)
    squares = (
        aligned_crops(image, landmarks, size=frame.inner, frame=frame)
        if crops is None
        else centre_chips(crops, inner=frame.inner)
    )
    places = chip_places(landmarks, frame=frame)
    height, width = image.shape[:2]
    measured = []
    for points, square, place in zip(landmarks, squares, places, strict=True):
        pose = pose_of(points.astype(np.float64), frame.landmarks)
        light = light_of(square, place, frame, width, height)
        quality = Quality(
            **vars(pose),
            **vars(light),
            inside=share_inside(place, frame, width, height),
            unified=0,
        )
        measured.append(replace(quality, unified=unified(quality)))
    return measured


def problems(quality: Quality, floor: EnrolmentFloor | None = None) -> tuple[Problem, ...]:
    """Everything that keeps a face from becoming a reference, what to see to first in front.

    Light comes before sharpness: in the dark nothing is sharp.
    """
    least = floor or EnrolmentFloor()
    burnt = quality.over_exposure > least.over_exposure
    failed: dict[Problem, bool] = {
        "too_small": quality.inter_eye < least.inter_eye,
        "cut_off": quality.inside < least.inside,
        "too_dark": not burnt and quality.dynamic_range < least.dynamic_range,
        "too_bright": burnt,
        "too_blurred": quality.sharpness < least.sharpness,
        "turned_away": abs(quality.yaw) > least.yaw,
    }
    return tuple(name for name, is_so in failed.items() if is_so)


def problem(quality: Quality, floor: EnrolmentFloor | None = None) -> Problem | None:
    """The first thing that keeps a face from becoming a reference; None where nothing does."""
    return next(iter(problems(quality, floor)), None)


def advice(quality: Quality, floor: EnrolmentFloor | None = None) -> tuple[Instruction, ...]:
    """What would make a better photo of this face; empty where it is good.

    Cheap enough for each picture of a live camera.

    Parameters
    ----------
    quality : Quality
    floor : EnrolmentFloor or None
        The usual one where None.

    Returns
    -------
    tuple of Instruction
        First what keeps the face from being enrolled, then what could be better, the worst first.
        ``INSTRUCTIONS`` has the words.
    """
    parts = components(quality)
    could_be_better: list[tuple[float, Instruction]] = [
        (parts.inter_eye_distance, "move_closer"),
        (parts.inside, "show_whole_face"),
        (parts.under_exposure_prevention, "more_light"),
        (parts.over_exposure_prevention, "less_light"),
        (parts.sharpness, "hold_still"),
        (parts.head_pose_yaw, "turn_to_camera"),
        (parts.head_pose_roll, "keep_head_upright"),
    ]
    needed = [HELPS[each] for each in problems(quality, floor)]
    worth = [each for value, each in sorted(could_be_better) if value < _GOOD]
    return tuple(dict.fromkeys(needed + worth))
