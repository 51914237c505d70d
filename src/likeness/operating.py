"""Which thresholds hold: those calibrated for this library, else those that the pack ships."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from likeness.faces.packs import Pack, Thresholds
from likeness.records.operating_point import OperatingPoint

TENFOLD = 10


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Where the thresholds come from, and whether they still fit.

    Attributes
    ----------
    here : bool
        Whether they were calibrated for this library; else they are the pack's own.
    gallery_size : int
        For how many people they hold; 0 where nothing was measured.
    measured_on : str
    calibrated_at : datetime or None
        None where ``here`` is False.
    beyond : bool
        Whether more people are compared with: then nothing is sure enough without review.
    tenfold : bool
        Whether at least ten times as many are.
    """

    here: bool
    gallery_size: int
    measured_on: str
    calibrated_at: datetime | None
    beyond: bool
    tenfold: bool


def thresholds_for(pack: Pack, points: Sequence[OperatingPoint], gallery_size: int) -> Thresholds:
    """The thresholds for a gallery of so many people.

    Calibrated ones are chosen among as those of a pack are: the smallest gallery that is not below
    this one, else the largest, marked as beyond calibration. They are never mixed with the pack's.
    """
    if not points:
        return pack.thresholds_for(gallery_size)
    measured = [_thresholds(point) for point in points]
    for thresholds in measured:
        if thresholds.gallery_size >= gallery_size:
            return thresholds
    return replace(measured[-1], beyond_calibration=True)


def calibration_at(pack: Pack, points: Sequence[OperatingPoint], people: int) -> Calibration:
    """Where the thresholds for a gallery of so many people come from."""
    used = thresholds_for(pack, points, max(1, people))
    return Calibration(
        here=bool(points),
        gallery_size=used.gallery_size,
        measured_on=used.measured_on,
        calibrated_at=points[-1].calibrated_at if points else None,
        beyond=used.beyond_calibration,
        tenfold=used.beyond_calibration and people >= TENFOLD * used.gallery_size > 0,
    )


def largest_calibration(pack: Pack, points: Sequence[OperatingPoint], people: int) -> Calibration:
    """The same, said of the largest gallery that the thresholds hold for."""
    sizes = [point.gallery_size for point in points or pack.thresholds]
    return replace(calibration_at(pack, points, people), gallery_size=max(sizes, default=0))


def warning_of(calibration: Calibration) -> str:
    """What to say where more people are compared with than was measured; empty elsewhere."""
    if not calibration.beyond:
        return ""
    if not calibration.gallery_size:
        return "No threshold was measured for this model pack: nothing is linked without review."
    how = "ten times as many people, or more," if calibration.tenfold else "more people"
    return (
        f"There are {how} to compare with than the {calibration.gallery_size:,} that thresholds "
        "were measured for: nothing is linked without review."
    )


def _thresholds(point: OperatingPoint) -> Thresholds:
    return Thresholds(
        gallery_size=point.gallery_size,
        strong=point.strong,
        review=point.review,
        margin=point.margin,
        measured_on=point.measured_on,
    )
