"""An operating point: from which scores on faces are linked and proposed, as measured by a user."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class OperatingPoint:
    """Thresholds of one model pack for galleries up to a size, calibrated for one library.

    Attributes
    ----------
    gallery_size : int
        How many people the galleries held that they were measured on.
    strong, review, margin : float
        As in the thresholds of a pack; ``strong`` is 2.0, which no score reaches, where too few
        faces were measured to say.
    measured_on : str
    calibrated_at : datetime
        Aware.
    """

    gallery_size: int
    strong: float
    review: float
    margin: float
    measured_on: str
    calibrated_at: datetime
