"""A live capture with the real engine: portraits that move pass, and what is not a person does not.

Time is counted, not waited for: pictures come four a second whatever this machine makes of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import numpy as np
import pytest
from moving_portrait import AHEAD, MovingPortrait, Pixels, Pose, jpeg, moving, print_turned

from likeness.errors import NotFound, PhotoUnreadable
from likeness.faces.engine import FaceEngine
from likeness.faces.quality import problems
from likeness.faces.sandbox import DecodeWorkers
from likeness.live_capture import FRAME_LIMITS, LiveCapture, sameness_of
from likeness.records.capture import MOVEMENTS, Movement, Step

RATE = 4


class Portraits(Protocol):
    """What is needed of the fixture of this name."""

    collins: Pixels
    hopper: Pixels


class _Clock:
    """Goes on with each picture."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def engine() -> FaceEngine:
    return FaceEngine.load()


@pytest.fixture(scope="module")
def decoders() -> Iterator[DecodeWorkers]:
    with DecodeWorkers(1, limits=FRAME_LIMITS) as workers:
        yield workers


@pytest.fixture(scope="module")
def collins(portraits: Portraits, engine: FaceEngine) -> MovingPortrait:
    return MovingPortrait(portraits.collins, engine)


@pytest.fixture(scope="module")
def hopper(portraits: Portraits, engine: FaceEngine) -> MovingPortrait:
    return MovingPortrait(portraits.hopper, engine)


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def capture(engine: FaceEngine, decoders: DecodeWorkers, clock: _Clock) -> Iterator[LiveCapture]:
    """One that asks for left, right, closer."""
    made = LiveCapture(
        engine=engine,
        sameness=sameness_of(engine.pack.thresholds_for(1)),
        decoders=decoders,
        clock=clock,
        draw=lambda: MOVEMENTS,
    )
    yield made
    made.close()


def _watched(capture: LiveCapture, clock: _Clock, pictures: Iterable[bytes]) -> list[Step]:
    steps = []
    for picture in pictures:
        clock.now += 1 / RATE
        step = capture.look(picture)
        assert step is not None
        steps.append(step)
        if step.ended:
            break
    return steps


def _moving(movements: Sequence[Movement]) -> list[Pose]:
    return moving(movements, rate=RATE, held=1.5, moved=1.25)


def test_a_portrait_that_moves_as_asked_passes_and_can_be_enrolled(
    capture: LiveCapture, clock: _Clock, collins: MovingPortrait, engine: FaceEngine
) -> None:
    steps = _watched(capture, clock, collins.film(_moving(MOVEMENTS)))
    assert (steps[-1].state, steps[-1].attempt) == ("passed", 1)
    pictures = capture.taken()
    assert 3 <= len(pictures) <= 4
    yaws = []
    for picture in pictures:
        faces = engine.find(picture)
        (quality,) = engine.quality(picture, faces)
        assert problems(quality) == ()
        yaws.append(quality.yaw)
    # Different sides of one person: that is what makes several references better than one.
    assert max(yaws) - min(yaws) > 0.2
    capture.close()
    with pytest.raises(NotFound):
        capture.taken()


@pytest.mark.slow
def test_another_portrait_passes_too(
    capture: LiveCapture, clock: _Clock, hopper: MovingPortrait
) -> None:
    assert _watched(capture, clock, hopper.film(_moving(MOVEMENTS)))[-1].state == "passed"


def test_a_movement_that_was_not_asked_for_makes_it_begin_anew(
    capture: LiveCapture, clock: _Clock, collins: MovingPortrait
) -> None:
    steps = _watched(capture, clock, collins.film(_moving(("right",))))
    assert "wrong_movement" in {step.again for step in steps}
    assert {step.done for step in steps} == {0}


def test_somebody_else_half_way_makes_it_begin_anew(
    capture: LiveCapture, clock: _Clock, collins: MovingPortrait, hopper: MovingPortrait
) -> None:
    first = list(collins.film(_moving(("left",))))
    second = list(hopper.film([AHEAD] * 4))
    steps = _watched(capture, clock, [*first, *second])
    assert steps[len(first) - 1].done == 1
    assert (steps[len(first)].again, steps[-1].done) == ("another_face", 0)


def test_somebody_beside_them_makes_it_wait(
    capture: LiveCapture, clock: _Clock, collins: MovingPortrait, hopper: MovingPortrait
) -> None:
    both = np.hstack([collins.seen(AHEAD)[:, 160:480], hopper.seen(AHEAD)[:, 160:480]])
    (step,) = _watched(capture, clock, [jpeg(both)])
    assert step.say == "only_you"


def test_a_print_that_is_turned_to_both_sides_and_brought_closer_does_not_turn_its_head(
    capture: LiveCapture, clock: _Clock, collins: MovingPortrait
) -> None:
    printed = collins.seen(AHEAD)
    turns = [0, 0, 0, 0, 0, 0, 15, 30, 45, 45, 30, 0, -15, -30, -45, -45]
    seen = {degrees: jpeg(print_turned(printed, degrees)) for degrees in set(turns)}
    shown = [seen[degrees] for degrees in turns]
    shown += [jpeg(print_turned(printed, 0, nearer=size)) for size in (1.15, 1.3, 1.3)]
    steps = _watched(capture, clock, shown)
    assert "moving" in {step.state for step in steps}
    assert {step.done for step in steps} == {0}


def test_a_photo_held_still_waits_for_the_first_movement_until_time_is_up(
    capture: LiveCapture, clock: _Clock, hopper: MovingPortrait
) -> None:
    still = list(hopper.film([AHEAD]))
    steps = _watched(capture, clock, itertools.repeat(still[0], 10))
    assert (steps[-1].state, steps[-1].done) == ("moving", 0)
    clock.now = 200.0
    assert capture.look(still[0]) == capture.step
    assert (capture.step.state, capture.step.reason) == ("failed", "time")
    with pytest.raises(NotFound):
        capture.taken()


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a" + bytes(40), bytes(500_000)], ids=["empty", "gif", "large"]
)
def test_what_is_no_picture_of_a_camera_is_refused(capture: LiveCapture, data: bytes) -> None:
    with pytest.raises(PhotoUnreadable):
        capture.look(data)
