"""The challenge of a live capture: three movements in a drawn order, judged from what was seen.

No camera, no engine, no clock in here: each picture comes as numbers, and a step comes back. A
movement counts where the face was seen ahead, then on its way, then clearly turned or nearer, all
without a gap and always as the same face; the next one is asked for once it looks ahead again.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from likeness.poses import CLEARLY, HOME, NARROWEST, ON_ITS_WAY, Ahead, Pose, are_apart, is_cut
from likeness.records.capture import (
    MOVEMENTS,
    Again,
    CaptureState,
    GoodFor,
    Movement,
    Seen,
    Step,
    Word,
)

SECONDS = 180.0
"""How long all attempts together may take."""

ATTEMPTS = 5

GAP = 1.5
"""Seconds between two pictures of the face; after more, somebody else could sit there."""

FRONTAL = 0.16
"""Largest turn of looking ahead before the first movement."""

SMALLEST, LARGEST = 0.07, 0.2
"""Distance between the eyes before the first movement, as shares of the picture's shorter side."""

STILL_SECONDS, STILL_PICTURES = 0.8, 3
"""How long, and in how many pictures, a face is to look ahead before the first movement."""

STILL_TURN, STILL_SIZE = 0.14, 1.12
"""By how much turn and size may differ meanwhile."""

_TWICE = 2
"""In so many pictures something has to be seen: one picture alone may be misread."""

_ASK: Mapping[Movement, Word] = MappingProxyType(
    {"left": "turn_left", "right": "turn_right", "closer": "come_closer"}
)


@dataclass(frozen=True, kw_only=True)
class Sameness:
    """From which cosine on two pictures show one person.

    Attributes
    ----------
    step : float
        Of a picture and the one before, and of two pictures that look ahead.
    away : float
        Of a picture with the head turned, and the one that looked ahead.
    """

    step: float
    away: float


def draw_order() -> tuple[Movement, ...]:
    """The three movements in an order that nobody can foresee."""
    order = list(MOVEMENTS)
    secrets.SystemRandom().shuffle(order)
    return tuple(order)


class Challenge:
    """One person's attempts before a camera.

    Parameters
    ----------
    begun_at : float
        In seconds of the clock that pictures are timed by.
    sameness : Sameness
    draw : callable
        Gives the movements of an attempt in order.
    """

    def __init__(
        self,
        *,
        begun_at: float,
        sameness: Sameness,
        draw: Callable[[], tuple[Movement, ...]] = draw_order,
    ) -> None:
        self._ends_at = begun_at + SECONDS
        self._sameness = sameness
        self._draw = draw
        self._attempt = 1
        self._now = begun_at
        self._reason: Literal["", "time", "attempts"] = ""
        self._last: Seen | None = None
        self._template: NDArray[np.float32] | None = None
        self._begin()

    def step(self) -> Step:
        """Where it stands, without another picture."""
        return self._step(self._asking())

    def see(self, seen: Seen) -> Step:
        """Take in the next picture.

        Its template is taken over: it is overwritten once it is not needed any more. A picture that
        is not later than the one before is left out; nothing changes what has passed or failed.
        """
        if self._state in ("passed", "failed") or seen.at <= self._now:
            _overwrite(seen.template)
            return self.step()
        self._now = seen.at
        if seen.at > self._ends_at:
            _overwrite(seen.template)
            return self._fail("time")
        # (1) Without a gap: whoever was out of sight may be somebody else.
        broken: Again = ""
        if self._last is not None and seen.at - self._last.at > GAP:
            broken = "lost"
        # (2) One face that can be seen well; else say what helps, and wait.
        elif seen.faces != 1 or seen.problem or seen.template is None:
            return self._unclear(seen)
        # (3) The same face, where it was, without a cut.
        else:
            broken = self._broken(seen, seen.template)
        if broken:
            return self._give_up(broken, seen)
        # (4) What is asked for, seen or not.
        return self._follow(seen)

    def close(self) -> None:
        """Overwrite every template that is held."""
        _overwrite(self._template)
        _overwrite(self._last.template if self._last else None)
        self._template, self._last = None, None

    def _begin(self) -> None:
        self.close()
        self._state: CaptureState = "ready"
        self._order: tuple[Movement, ...] = ()
        self._done = 0
        self._ahead: Ahead | None = None
        self._still: list[tuple[float, float, float, float]] = []
        self._from_home()

    def _from_home(self, along: float = 0.0) -> None:
        """Nothing of the next movement has been made yet."""
        self._along = along
        self._hasty = False
        self._made = 0
        self._wrong = 0
        self._back = 0

    def _fail(self, reason: Literal["time", "attempts"]) -> Step:
        self.close()
        self._state, self._reason = "failed", reason
        return self._step("failed")

    def _give_up(self, why: Again, seen: Seen) -> Step:
        """Begin anew; an attempt that had not come to a movement costs nothing."""
        counted = self._ahead is not None
        if counted and self._attempt >= ATTEMPTS:
            _overwrite(seen.template)
            return self._fail("attempts")
        self._attempt += counted
        self._begin()
        unclear = seen.faces != 1 or seen.problem or seen.template is None
        step = self._unclear(seen) if unclear else self._follow(seen)
        return replace(step, again=why if counted else "")

    def _unclear(self, seen: Seen) -> Step:
        _overwrite(seen.template)
        if self._ahead is None:
            # What is not seen well is not standing still either.
            self._begin()
        elif (
            self._last and seen.problem == "not_so_far" and not are_apart(self._last.box, seen.box)
        ):
            # A head turned too far is in sight; its next clear picture is compared all the same.
            self._last = replace(self._last, at=seen.at, box=seen.box)
        if seen.faces != 1:
            return self._step("no_face" if seen.faces < 1 else "only_you")
        return self._step(seen.problem or "no_face")

    def _broken(self, seen: Seen, template: NDArray[np.float32]) -> Again:
        last, same = self._last, self._sameness
        if last is None or last.template is None:
            return ""
        if are_apart(last.box, seen.box):
            return "jumped"
        if float(last.template @ template) < same.step:
            return "another_face"
        if self._ahead is None or self._template is None:
            return ""
        before, now = self._ahead.pose(last), self._ahead.pose(seen)
        facing = abs(now.turn) <= HOME
        if float(self._template @ template) < (same.step if facing else same.away):
            return "another_face"
        return "jumped" if is_cut(before, now) else ""

    def _follow(self, seen: Seen) -> Step:
        if self._ahead is None:
            step = self._settle(seen)
        elif self._state == "moving":
            step = self._move(seen, self._ahead.pose(seen))
        else:
            step = self._return(self._ahead.pose(seen))
        if step.ended:
            _overwrite(seen.template)
            self.close()
        elif not step.again:
            _overwrite(self._last.template if self._last else None)
            self._last = seen
        return step

    def _settle(self, seen: Seen) -> Step:
        """Look straight ahead for a moment: what movements are measured from."""
        helps = _before_the_first(seen)
        if helps:
            self._still = []
            return self._step(helps)
        still = [*self._still, (seen.at, seen.yaw, seen.size, seen.length)]
        times, yaws, sizes, lengths = (np.array(each) for each in zip(*still, strict=True))
        if np.ptp(yaws) > STILL_TURN or sizes.max() > STILL_SIZE * sizes.min():
            self._still = still[-1:]
            return self._step("hold_still")
        self._still = still
        lasted = float(np.ptp(times))
        if lasted < STILL_SECONDS or len(still) < STILL_PICTURES or seen.template is None:
            return self._step("stay_like_this", towards=lasted / STILL_SECONDS)
        self._ahead = Ahead(
            yaw=float(np.median(yaws)),
            size=float(np.median(sizes)),
            length=float(np.median(lengths)),
        )
        self._template = seen.template.copy()
        self._order, self._state = self._draw(), "moving"
        return self._step(self._asking(), good_for="ahead")

    def _move(self, seen: Seen, pose: Pose) -> Step:
        asked = self._order[self._done]
        along = pose.along(asked)
        other = max(pose.along(movement) for movement in MOVEMENTS if movement != asked)
        before, self._along = self._along, along
        if along >= 1 and asked != "closer" and pose.narrow < NARROWEST:
            return self._step("not_so_far", towards=along)
        if along >= 1:
            # What is seen first at its end was cut in, or came too fast to be followed.
            self._hasty |= before < ON_ITS_WAY
            self._made += not self._hasty
        elif pose.home:
            self._from_home(along)
        elif other >= CLEARLY and along <= HOME:
            self._wrong += 1
            if self._wrong >= _TWICE:
                return self._give_up("wrong_movement", seen)
        if self._made >= _TWICE:
            self._state, self._done = "returning", self._done + 1
            self._from_home()
        say = "slower" if self._hasty else self._asking()
        return self._step(say, towards=along, good_for=pose.good_for)

    def _return(self, pose: Pose) -> Step:
        self._back = self._back + 1 if pose.home else 0
        if self._back >= _TWICE:
            self._state = "passed" if self._done == len(self._order) else "moving"
            self._from_home()
        return self._step(self._asking(), good_for=pose.good_for)

    def _asking(self) -> Word:
        if self._state == "ready":
            return "stay_like_this"
        if self._state == "moving":
            return _ASK[self._order[self._done]]
        if self._state == "returning":
            return "go_back" if self._order[self._done - 1] == "closer" else "look_ahead"
        return self._state

    def _step(self, say: Word, *, towards: float = 0.0, good_for: GoodFor = "") -> Step:
        at = self._done - 1 if self._state == "returning" else self._done
        return Step(
            state=self._state,
            say=say,
            asked=self._order[at] if at < len(self._order) else "",
            done=self._done,
            towards=min(max(towards, 0.0), 1.0),
            attempt=self._attempt,
            reason=self._reason,
            seconds_left=max(0, round(self._ends_at - self._now)),
            good_for=good_for,
        )


def _before_the_first(seen: Seen) -> Word | Literal[""]:
    """What is to be done before movements can be measured; empty where nothing is."""
    if seen.size < SMALLEST:
        return "move_closer"
    if seen.size > LARGEST:
        return "move_back"
    return "turn_to_camera" if abs(seen.yaw) > FRONTAL else ""


def _overwrite(template: NDArray[np.float32] | None) -> None:
    if template is not None:
        template.fill(0)
