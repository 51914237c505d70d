"""What a live capture sees in one picture of a camera, and what it says about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Movement = Literal["left", "right", "closer"]
"""What a person is asked to do; left and right are their own."""

MOVEMENTS: tuple[Movement, ...] = ("left", "right", "closer")

CaptureState = Literal["ready", "moving", "returning", "passed", "failed"]
"""Looking straight ahead before the first movement, making one, coming back from it, and the ends.
"""

Word = Literal[
    "no_face",
    "only_you",
    "move_closer",
    "move_back",
    "show_whole_face",
    "more_light",
    "less_light",
    "hold_still",
    "turn_to_camera",
    "keep_head_upright",
    "stay_like_this",
    "turn_left",
    "turn_right",
    "come_closer",
    "not_so_far",
    "slower",
    "look_ahead",
    "go_back",
    "passed",
    "failed",
]
"""What to say to the person; the words themselves are in files, by language."""

Again = Literal["", "wrong_movement", "another_face", "jumped", "lost"]
"""Why an attempt began anew; empty where it did not."""

GoodFor = Literal["", "ahead", "left", "right", "near"]
"""Which kind of reference a picture could become; empty where none."""

Box = tuple[float, float, float, float]
"""(left, top, right, bottom), in any unit that stays the same."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Seen:
    """One picture of a camera.

    Attributes
    ----------
    at : float
        When it came, in seconds of a clock that only goes forward.
    faces : int
        How many people are before the camera. What follows is about the one, where it is one.
    yaw : float
        As measured: 0 is frontal, positive is turned to the person's own left.
    size : float
        Distance between the eyes as a share of the picture's shorter side.
    length : float
        From the line through the eyes to the nose, likewise.
    box : Box
    template : float32 array of shape (d,), or None
        Unit vector.
    problem : Word or ""
        What is to be done about the picture before anything else.
    """

    at: float
    faces: int = 1
    yaw: float = 0.0
    size: float = 0.0
    length: float = 0.0
    box: Box = (0.0, 0.0, 0.0, 0.0)
    template: NDArray[np.float32] | None = field(default=None, repr=False)
    problem: Word | Literal[""] = ""


@dataclass(frozen=True, kw_only=True)
class Step:
    """Where a capture stands after a picture.

    Attributes
    ----------
    state : CaptureState
    say : Word
    asked : Movement or ""
        The movement that is asked for, or that was just made.
    done : int
        Movements made, 0 to 3.
    towards : float
        How far the asked movement has come, or the standing still before the first, 0 to 1.
    attempt : int
        From 1.
    again : Again
        Why this attempt began with this picture.
    reason : "time", "attempts", "pictures" or ""
        Why it failed.
    seconds_left : int
    good_for : GoodFor
        Not said to the browser.
    """

    state: CaptureState
    say: Word
    asked: Movement | Literal[""] = ""
    done: int = 0
    towards: float = 0.0
    attempt: int = 1
    again: Again = ""
    reason: Literal["", "time", "attempts", "pictures"] = ""
    seconds_left: int = 0
    good_for: GoodFor = ""

    @property
    def ended(self) -> bool:
        """Whether no picture changes it any more."""
        return self.state in ("passed", "failed")

    def as_json(self) -> dict[str, Any]:
        """What a browser is told."""
        return {
            "state": self.state,
            "say": self.say,
            "asked": self.asked,
            "done": self.done,
            "towards": round(self.towards, 2),
            "attempt": self.attempt,
            "again": self.again,
            "reason": self.reason,
            "seconds_left": self.seconds_left,
        }
