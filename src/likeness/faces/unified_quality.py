"""Puts each measure of a face on a scale from 0 to 100, and all of them into one number.

Source: what is measured, and its name, is ISO/IEC 29794-5. Curves and constants are Likeness's own.
"""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass

from likeness.records.face import Quality

STEEPNESS = 3.0
"""How fast a component falls about its middle; one number for all."""

_BEYOND = 1e9
"""So many times halfway is as bad as it gets."""

HALFWAY = Quality(
    inter_eye=11.8,
    sharpness=3.7,
    yaw=0.863,
    roll=46.9,
    inside=0.8,
    under_exposure=1.0,
    over_exposure=0.49,
    dynamic_range=3.6,
    unified=0,
)
"""Of each measure, what makes its component 50.

Measured by ``python bench/quality.py ../shared/eval/people.csv --fit``, but for under-exposure and
dynamic range, which are set: of the misses in the dark either explains what the other does, and
dark skin is under-exposed sooner than light skin, while it has as many grey levels.
"""


@dataclass(frozen=True, kw_only=True)
class Components:
    """The quality components of a face, each 0 to 100; higher is better.

    Named as in ISO/IEC 29794-5, but for ``inside``, which stands for its four crops of the face
    image (leftward, rightward, upward, downward).

    Attributes
    ----------
    inter_eye_distance, sharpness, dynamic_range : float
    under_exposure_prevention, over_exposure_prevention : float
    head_pose_yaw, head_pose_roll : float
    inside : float
    """

    inter_eye_distance: float
    sharpness: float
    dynamic_range: float
    under_exposure_prevention: float
    over_exposure_prevention: float
    head_pose_yaw: float
    head_pose_roll: float
    inside: float


def shortfalls(quality: Quality) -> tuple[float, ...]:
    """How far each measure is from perfect, 0 to infinity, in the order of :class:`Components`."""
    return (
        _inverse(quality.inter_eye),
        _inverse(quality.sharpness),
        _inverse(quality.dynamic_range),
        quality.under_exposure,
        quality.over_exposure,
        abs(quality.yaw),
        abs(quality.roll),
        1 - quality.inside,
    )


def components(quality: Quality) -> Components:
    """The components of what was measured: 100 where nothing falls short, 50 at ``HALFWAY``.

    Examples
    --------
    >>> components(HALFWAY).sharpness
    50.0
    """
    values: list[float] = [
        100 / (1 + min(short / middle, _BEYOND) ** STEEPNESS)
        for short, middle in zip(shortfalls(quality), shortfalls(HALFWAY), strict=True)
    ]
    return Components(**dict(zip(Components.__dataclass_fields__, values, strict=True)))


def unified(quality: Quality) -> int:
    """The product of the components, as shares of 100: one that is bad is enough.

    ``quality.unified`` is not read.

    Returns
    -------
    int
        0 to 100.
    """
    shares: list[float] = [value / 100 for value in astuple(components(quality))]
    return round(100 * math.prod(shares))


def _inverse(value: float) -> float:
    return 1 / value if value > 0 else math.inf
