"""The challenge of a live capture: what passes, and what never does."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from likeness.challenge import (
    ATTEMPTS,
    GAP,
    LARGEST,
    SECONDS,
    SMALLEST,
    Challenge,
    Sameness,
    draw_order,
)
from likeness.records.capture import MOVEMENTS, Movement, Seen, Step

SAMENESS = Sameness(step=0.94, away=0.92)
ORDERS = tuple(itertools.permutations(MOVEMENTS))
STEP = 0.1
"""No more than that a face turns, or grows by a share, between two pictures of these tests."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a person of these tests is before the camera."""

    yaw: float = 0.0
    size: float = 0.1
    turn: float = 0.4
    nearer: float = 1.4
    every: float = 0.25
    held: int = 8


LOOKS = st.builds(
    Look,
    yaw=st.floats(-0.1, 0.1),
    size=st.floats(SMALLEST * 1.05, LARGEST * 0.95),
    turn=st.floats(0.28, 0.6),
    nearer=st.floats(1.32, 1.6),
    every=st.floats(0.15, 0.6),
    held=st.integers(8, 12),
)
SHAKES = st.lists(st.floats(-0.015, 0.015), min_size=1, max_size=40)
MOVED = st.lists(st.sampled_from(MOVEMENTS), max_size=7)


def _face(person: int = 0) -> NDArray[np.float32]:
    return np.eye(4, dtype=np.float32)[person].copy()


def _seen(yaw: float, size: float, *, at: float, person: int = 0, narrow: float = 1.0) -> Seen:
    half = 150 * size
    return Seen(
        at=at,
        yaw=yaw,
        size=size,
        length=0.7 * size / narrow,
        box=(320 - half, 240 - half, 320 + half, 240 + half),
        template=_face(person),
    )


def _poses(look: Look, movements: Sequence[Movement]) -> list[tuple[float, float]]:
    """Ahead, then each movement and back, all held, in steps of a head that moves."""
    ends = {
        "left": (look.yaw + look.turn, look.size),
        "right": (look.yaw - look.turn, look.size),
        "closer": (look.yaw, look.size * look.nearer),
    }
    home = (look.yaw, look.size)
    poses = [home] * look.held
    for movement in movements:
        end = ends[movement]
        change = max(abs(end[0] - home[0]), abs(end[1] / home[1] - 1))
        shares = np.linspace(0, 1, int(change / STEP) + 2)
        way = [tuple(np.array(home) + s * np.subtract(end, home)) for s in shares]
        poses += [*way, *([end] * look.held), *reversed(way), *([home] * look.held)]
    return poses


def _pictures(
    look: Look, movements: Sequence[Movement], shakes: Sequence[float] = (0.0,)
) -> list[Seen]:
    shaken = zip(_poses(look, movements), itertools.cycle(shakes))
    return [
        _seen(yaw + shake, size * (1 + shake), at=(number + 1) * look.every)
        for number, ((yaw, size), shake) in enumerate(shaken)
    ]


def _challenge(order: Sequence[Movement] = MOVEMENTS) -> Challenge:
    return Challenge(begun_at=0.0, sameness=SAMENESS, draw=lambda: tuple(order))


def _watched(challenge: Challenge, pictures: Iterable[Seen]) -> list[Step]:
    return [challenge.see(picture) for picture in pictures]


def _later(pictures: Sequence[Seen], by: float) -> list[Seen]:
    return [replace(picture, at=picture.at + by) for picture in pictures]


@given(look=LOOKS, order=st.sampled_from(ORDERS), shakes=SHAKES)
def test_whoever_moves_as_asked_passes_at_once(
    look: Look, order: tuple[Movement, ...], shakes: list[float]
) -> None:
    steps = _watched(_challenge(order), _pictures(look, order, shakes))
    assert steps[-1].state == "passed"
    assert {step.attempt for step in steps} == {1}
    asked = [name for name, _ in itertools.groupby(step.asked for step in steps if step.asked)]
    assert asked == list(order)


@given(look=LOOKS, order=st.sampled_from(ORDERS), moved=MOVED, shakes=SHAKES)
def test_without_each_movement_in_the_order_asked_for_nobody_passes(
    look: Look, order: tuple[Movement, ...], moved: list[Movement], shakes: list[float]
) -> None:
    remaining = iter(moved)
    if all(movement in remaining for movement in order):
        return
    steps = _watched(_challenge(order), _pictures(look, moved, shakes))
    assert "passed" not in {step.state for step in steps}


@given(look=LOOKS, order=st.sampled_from(ORDERS), data=st.data())
def test_another_face_in_between_makes_it_begin_anew(
    look: Look, order: tuple[Movement, ...], data: st.DataObject
) -> None:
    pictures = _pictures(look, order)
    steps = _watched(_challenge(order), _pictures(look, order))
    began = next(n for n, step in enumerate(steps) if step.state == "moving")
    ended = next(n for n, step in enumerate(steps) if step.state == "passed")
    at = data.draw(st.integers(began + 1, ended))
    for number in range(at, data.draw(st.integers(at + 1, len(pictures)))):
        pictures[number] = replace(pictures[number], template=_face(1))
    again = _watched(_challenge(order), pictures)
    assert (again[at].again, again[at].done, again[at].attempt) == ("another_face", 0, 2)


@given(look=LOOKS, shakes=st.lists(st.floats(-0.03, 0.03), min_size=1, max_size=60))
def test_a_still_photo_never_passes(look: Look, shakes: list[float]) -> None:
    times = np.arange(1, int(SECONDS) + 2)
    still = [
        _seen(look.yaw + shake, look.size, at=float(at))
        for at, shake in zip(times, itertools.cycle(shakes), strict=False)
    ]
    steps = _watched(_challenge(), still)
    assert {step.done for step in steps} == {0}
    assert steps[-1].reason == "time"


@given(
    look=LOOKS,
    shown=st.lists(st.tuples(st.sampled_from(("ahead", *MOVEMENTS)), st.integers(1, 8))),
)
def test_photos_of_each_pose_shown_one_after_another_never_pass(
    look: Look, shown: list[tuple[str, int]]
) -> None:
    poses = {
        "ahead": (look.yaw, look.size),
        "left": (look.yaw + look.turn, look.size),
        "right": (look.yaw - look.turn, look.size),
        "closer": (look.yaw, look.size * look.nearer),
    }
    names = ["ahead"] * 8 + [name for name, times in shown for _ in range(times)]
    cuts = [_seen(*poses[name], at=(n + 1) * look.every) for n, name in enumerate(names)]
    assert {step.done for step in _watched(_challenge(), cuts)} == {0}


@given(look=LOOKS, order=st.sampled_from(ORDERS), narrow=st.floats(0.3, 0.79))
def test_what_becomes_narrow_before_it_seems_turned_is_paper(
    look: Look, order: tuple[Movement, ...], narrow: float
) -> None:
    pictures = [
        replace(p, length=p.length / narrow) if abs(p.yaw - look.yaw) > 0.15 else p
        for p in _pictures(look, order)
    ]
    steps = _watched(_challenge(order), pictures)
    assert not any(step.done > order.index("left") for step in steps)
    assert not any(step.done > order.index("right") for step in steps)
    assert "not_so_far" in {step.say for step in steps}


ANY_PICTURE = st.builds(
    Seen,
    at=st.floats(0.01, 2.5),
    faces=st.sampled_from((0, 1, 1, 1, 1, 1, 2)),
    yaw=st.floats(-1, 1) | st.sampled_from((0.0, 0.15, 0.3, -0.15, -0.3)),
    size=st.floats(0, 1) | st.sampled_from((0.1, 0.11, 0.13)),
    length=st.floats(0, 1) | st.just(0.07),
    box=st.sampled_from(((0.0, 0.0, 9.0, 9.0), (0.0, 0.0, 8.0, 8.0), (20.0, 0.0, 29.0, 9.0))),
    template=st.sampled_from((0, 0, 0, 0, 0, 0, 1)).map(_face) | st.none(),
    problem=st.sampled_from(("", "", "", "", "more_light")),
)


@given(pictures=st.lists(ANY_PICTURE, max_size=200), order=st.sampled_from(ORDERS))
def test_whatever_is_seen_it_ends_within_three_minutes_and_five_attempts(
    pictures: list[Seen], order: tuple[Movement, ...]
) -> None:
    challenge, at, ended = _challenge(order), 0.0, None
    for picture in [*pictures, Seen(at=SECONDS + 1)]:
        at += picture.at
        step = challenge.see(replace(picture, at=at))
        assert step.attempt <= ATTEMPTS
        assert step.state != "passed" or (step.done == 3 and (ended or at <= SECONDS))
        assert ended is None or step.state == ended
        ended = step.state if step.ended else None
    assert ended in ("passed", "failed")


@given(look=LOOKS, order=st.sampled_from(ORDERS), data=st.data())
def test_a_gap_makes_it_begin_anew(
    look: Look, order: tuple[Movement, ...], data: st.DataObject
) -> None:
    pictures = _pictures(look, order)
    steps = _watched(_challenge(order), _pictures(look, order))
    began = next(n for n, step in enumerate(steps) if step.state == "moving")
    ended = next(n for n, step in enumerate(steps) if step.state == "passed")
    at = data.draw(st.integers(began + 1, ended))
    pictures[at:] = _later(pictures[at:], GAP + 0.01)
    again = _watched(_challenge(order), pictures)
    assert (again[at].again, again[at].done, again[at].attempt) == ("lost", 0, 2)


def test_somebody_beside_the_person_makes_it_wait() -> None:
    pictures = _pictures(Look(), MOVEMENTS)
    pictures[6:6] = [Seen(at=pictures[5].at + 0.1 * n, faces=2) for n in (1, 2, 3)]
    pictures[9:] = _later(pictures[9:], 0.3)
    steps = _watched(_challenge(), pictures)
    assert [step.say for step in steps[6:9]] == ["only_you"] * 3
    assert steps[-1].state == "passed"


def test_a_head_that_is_turned_too_far_for_a_while_is_not_out_of_sight() -> None:
    pictures = _pictures(Look(held=12), MOVEMENTS)
    far = [n for n, picture in enumerate(pictures) if picture.yaw > 0.39][1:-1]
    assert pictures[far[-1]].at - pictures[far[0]].at > GAP
    for number in far:
        pictures[number] = replace(pictures[number], template=None, problem="not_so_far")
    steps = _watched(_challenge(), pictures)
    assert (steps[-1].state, steps[-1].attempt) == ("passed", 1)


def test_what_moves_too_fast_to_be_followed_is_asked_for_again() -> None:
    look = Look(turn=0.3)
    pictures = _pictures(look, ["left"])
    fast = [p for p in pictures if abs(p.yaw) < 0.01 or abs(p.yaw - 0.3) < 0.01]
    both = _later(_pictures(look, MOVEMENTS), fast[-1].at)
    steps = _watched(_challenge(), [*fast, *both])
    assert "slower" in {step.say for step in steps[: len(fast)]}
    assert steps[len(fast) - 1].done == 0
    assert steps[-1].state == "passed"
    assert steps[-1].attempt == 1


def test_a_wrong_movement_costs_an_attempt_and_five_are_all_there_are() -> None:
    challenge = _challenge(("left", "right", "closer"))
    wrong = _pictures(Look(held=12), ["right"] * ATTEMPTS)
    steps = _watched(challenge, wrong)
    assert [step.again for step in steps].count("wrong_movement") == ATTEMPTS - 1
    assert (steps[-1].state, steps[-1].reason) == ("failed", "attempts")


def test_each_attempt_draws_anew() -> None:
    orders = iter(ORDERS)
    challenge = Challenge(begun_at=0.0, sameness=SAMENESS, draw=lambda: next(orders))
    steps = _watched(challenge, _pictures(Look(), ["right", "left", "closer", "right"]))
    assert ORDERS[1] == ("left", "closer", "right")
    assert steps[-1].state == "passed"
    assert steps[-1].attempt == 2


@pytest.mark.parametrize(
    ("picture", "say"),
    [
        (Seen(at=1, faces=0), "no_face"),
        (Seen(at=1, faces=2), "only_you"),
        (Seen(at=1, problem="more_light"), "more_light"),
        (_seen(0, 0.05, at=1), "move_closer"),
        (_seen(0, 0.3, at=1), "move_back"),
        (_seen(0.3, 0.1, at=1), "turn_to_camera"),
        (_seen(0, 0.1, at=1), "stay_like_this"),
    ],
)
def test_before_the_first_movement_it_says_what_helps(picture: Seen, say: str) -> None:
    assert _challenge().see(picture).say == say


def test_it_asks_for_a_movement_then_for_the_way_back() -> None:
    steps = _watched(_challenge(("closer", "left", "right")), _pictures(Look(), MOVEMENTS[:0]))
    assert steps[-1].say == "come_closer"
    said = [
        say
        for say, _ in itertools.groupby(
            step.say
            for step in _watched(
                _challenge(("closer", "left", "right")),
                _pictures(Look(), ("closer", "left", "right")),
            )
        )
    ]
    assert said == [
        "stay_like_this",
        "come_closer",
        "go_back",
        "turn_left",
        "look_ahead",
        "turn_right",
        "look_ahead",
        "passed",
    ]


def test_every_template_is_overwritten_once_it_is_not_needed() -> None:
    challenge = _challenge()
    pictures = _pictures(Look(), MOVEMENTS)
    for number, picture in enumerate(pictures):
        challenge.see(picture)
        held = [p for p in pictures[: number + 1] if p.template is not None and p.template.any()]
        assert len(held) <= 1
    challenge.close()
    assert not any(p.template.any() for p in pictures if p.template is not None)


def test_all_six_orders_are_drawn() -> None:
    assert {draw_order() for _ in range(400)} == set(ORDERS)


def test_a_step_tells_a_browser_nothing_of_what_is_kept() -> None:
    step = _watched(_challenge(), _pictures(Look(), ()))[-1]
    assert "good_for" not in step.as_json()
    assert step.as_json()["seconds_left"] == round(SECONDS - 2)
