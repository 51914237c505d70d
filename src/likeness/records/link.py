"""A link: a face, a person, and who decided that they belong together or do not."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Decision = Literal["same", "different"]
DecidedBy = Literal["threshold", "operator", "person"]


@dataclass(frozen=True, kw_only=True)
class Link:
    """Whether a face is a person's.

    Attributes
    ----------
    face_id : int
    person_id : str
    decision : Decision
        ``"different"`` ("not this person") keeps a rescan from linking the two again.
    score : float
        Cosine at the time of the decision.
    decided_by : DecidedBy
    """

    face_id: int
    person_id: str
    decision: Decision
    score: float
    decided_by: DecidedBy


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A possible link that waits for a person or an operator.

    Attributes
    ----------
    face_id : int
    person_id : str
    score : float
        Cosine, between the review and the strong threshold.
    unsure_at : datetime or None
        When somebody looked at it and was not sure. It is the same proposal all the same.
    """

    face_id: int
    person_id: str
    score: float
    unsure_at: datetime | None = field(default=None, compare=False)

    @property
    def as_link(self) -> Link:
        """The link that it would be had the threshold decided it."""
        return Link(
            face_id=self.face_id,
            person_id=self.person_id,
            decision="same",
            score=self.score,
            decided_by="threshold",
        )
