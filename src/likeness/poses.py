"""How far a face before a camera is from looking straight ahead, in movements."""

from __future__ import annotations

from dataclasses import dataclass

from likeness.records.capture import Box, GoodFor, Movement, Seen

TURNED = 0.22
"""From which turn on, relative to looking ahead, a head is turned."""

NEARER = 1.25
"""How many times as large, relative to before, a face is nearer."""

HOME = 0.5
"""Up to which share of a movement the face is still, or again, ahead."""

ON_ITS_WAY = 0.3
"""From which share of a movement on a face is on its way. A cut from ahead to the end of a movement
has nothing between; misread landmarks come to less."""

CLEARLY = 1.1
"""So many times a movement that was not asked for is a wrong one."""

NARROWEST = 0.8
"""How wide the eyes have to stay for their distance to the nose. A head that is turned far enough
keeps nine tenths of it; flat paper that landmarks take for a turned head keeps less than this."""

TOO_FAR = 1.4
"""From so many turns on a picture is no reference: the half of the face that is away is missing."""

JUMP = 2.3
"""So many movements at once, from ahead, are no movement but a cut."""

OVERLAP = 0.2
"""Least overlap of a face's box with its box in the picture before, of both together."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Pose:
    """How far from looking ahead a face is, in movements: 1 is just made, 0 is ahead.

    Attributes
    ----------
    turn : float
        Positive to the person's own left.
    near : float
    narrow : float
        Distance between the eyes for that from them to the nose, by what it is ahead.
    """

    turn: float
    near: float
    narrow: float = 1.0

    def along(self, movement: Movement) -> float:
        """How far one movement has come."""
        return {"left": self.turn, "right": -self.turn, "closer": self.near}[movement]

    @property
    def home(self) -> bool:
        """Whether it is ahead."""
        return abs(self.turn) <= HOME and self.near <= HOME

    @property
    def good_for(self) -> GoodFor:
        """Which kind of reference it could become."""
        if self.home:
            return "ahead"
        if self.near > HOME:
            return "near" if abs(self.turn) <= 1 else ""
        return "" if abs(self.turn) > TOO_FAR else "left" if self.turn > 0 else "right"


@dataclass(frozen=True, kw_only=True, eq=False)
class Ahead:
    """How a face looks ahead: what poses are measured from.

    Attributes
    ----------
    yaw, size, length : float
        As in :class:`likeness.records.capture.Seen`.
    """

    yaw: float
    size: float
    length: float

    def pose(self, seen: Seen) -> Pose:
        """The pose of a face in another picture."""
        wider = seen.size / self.size if self.size else 1.0
        longer = seen.length / self.length if self.length else 0.0
        return Pose(
            turn=(seen.yaw - self.yaw) / TURNED,
            near=(wider - 1) / (NEARER - 1),
            narrow=wider / longer if longer else 0.0,
        )


def is_cut(before: Pose, now: Pose) -> bool:
    """Whether nobody moves like that between two pictures."""
    across = before.turn * now.turn < 0 and min(abs(before.turn), abs(now.turn)) >= 1
    turned = abs(before.turn) <= HOME and abs(now.turn) > JUMP
    return across or turned or (before.near <= HOME and now.near > JUMP)


def are_apart(some: Box, other: Box) -> bool:
    """Whether two boxes overlap too little to be one face that moved."""
    width = min(some[2], other[2]) - max(some[0], other[0])
    height = min(some[3], other[3]) - max(some[1], other[1])
    common = max(width, 0.0) * max(height, 0.0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (some, other)]
    return common < OVERLAP * (sum(areas) - common)
