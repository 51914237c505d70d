"""One number for a face, what it is made of, and what would help."""

from __future__ import annotations

from dataclasses import astuple, replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.faces.quality import (
    HELPS,
    INSTRUCTIONS,
    Instruction,
    Problem,
    advice,
    problem,
    problems,
)
from likeness.faces.unified_quality import HALFWAY, Components, components, unified
from likeness.records.face import Quality

GOOD = Quality(
    inter_eye=90.0,
    sharpness=120.0,
    yaw=0.05,
    roll=2.0,
    inside=1.0,
    under_exposure=0.01,
    over_exposure=0.0,
    dynamic_range=7.2,
    unified=0,
)
PERFECT = {
    "inter_eye": 1e9,
    "sharpness": 1e9,
    "yaw": 0.0,
    "roll": 0.0,
    "inside": 1.0,
    "under_exposure": 0.0,
    "over_exposure": 0.0,
    "dynamic_range": 8.0,
}
BAD: dict[Problem, dict[str, float]] = {
    "too_small": {"inter_eye": 8.0},
    "cut_off": {"inside": 0.4},
    "too_dark": {"under_exposure": 0.9, "dynamic_range": 4.0},
    "too_bright": {"over_exposure": 0.8, "dynamic_range": 2.0},
    "too_blurred": {"sharpness": 2.0},
    "turned_away": {"yaw": -0.9},
}

qualities = st.builds(
    Quality,
    inter_eye=st.floats(0, 1000),
    sharpness=st.floats(0, 5000),
    yaw=st.floats(-1, 1),
    roll=st.floats(-180, 180),
    inside=st.floats(0, 1),
    under_exposure=st.floats(0, 1),
    over_exposure=st.floats(0, 1),
    dynamic_range=st.floats(0, 8),
    unified=st.just(0),
)


def test_halfway_makes_every_component_fifty() -> None:
    assert astuple(components(HALFWAY)) == pytest.approx((50.0,) * 8)


def test_a_good_face_has_a_high_value_and_needs_no_advice() -> None:
    assert unified(GOOD) >= 80
    assert problems(GOOD) == () and advice(GOOD) == ()


@given(qualities)
def test_every_value_lies_between_0_and_100_and_is_no_better_than_its_worst_part(
    quality: Quality,
) -> None:
    parts = astuple(components(quality))
    assert all(0 <= part <= 100 for part in parts)
    assert isinstance(unified(quality), int)
    assert 0 <= unified(quality) <= min(parts) + 0.5


@given(qualities, st.sampled_from(sorted(PERFECT)))
def test_mending_one_measure_never_lowers_the_unified_value(quality: Quality, name: str) -> None:
    better: Any = {name: PERFECT[name]}
    assert unified(replace(quality, **better)) >= unified(quality)


@given(qualities, st.floats(0, 1), st.sampled_from(sorted(PERFECT)))
def test_mending_one_measure_halfway_never_lowers_it_either(
    quality: Quality, part: float, name: str
) -> None:
    was = getattr(quality, name)
    best = 2000.0 if PERFECT[name] > 1e6 else PERFECT[name]
    if abs(best) >= abs(was) or best == 0:
        better: Any = {name: was + (best - was) * part}
        assert unified(replace(quality, **better)) >= unified(quality)


def test_components_are_named_as_in_the_standard() -> None:
    assert tuple(Components.__dataclass_fields__) == (
        "inter_eye_distance",
        "sharpness",
        "dynamic_range",
        "under_exposure_prevention",
        "over_exposure_prevention",
        "head_pose_yaw",
        "head_pose_roll",
        "inside",
    )


@pytest.mark.parametrize("name", get_args(Problem))
def test_each_problem_is_found_and_has_an_instruction(name: Problem) -> None:
    bad: Any = BAD[name]
    quality = replace(GOOD, **bad)
    assert problems(quality) == (name,)
    assert problem(quality) == name
    assert advice(quality)[0] == HELPS[name]
    assert unified(quality) < unified(GOOD)


def test_every_instruction_has_words() -> None:
    assert set(INSTRUCTIONS) == set(get_args(Instruction))
    assert all(words.endswith(".") for words in INSTRUCTIONS.values())
    assert set(HELPS) == set(get_args(Problem))


def test_several_problems_are_named_with_the_first_to_see_to_in_front() -> None:
    quality = replace(GOOD, inter_eye=8.0, sharpness=1.0, under_exposure=0.9, dynamic_range=3.0)
    assert problems(quality) == ("too_small", "too_dark", "too_blurred")
    assert advice(quality) == ("move_closer", "more_light", "hold_still")


def test_advice_goes_on_where_a_face_could_be_enrolled_the_worst_first() -> None:
    quality = replace(GOOD, yaw=0.6, roll=60.0)
    assert problems(quality) == ()
    assert advice(quality) == ("keep_head_upright", "turn_to_camera")


def test_a_dark_face_with_all_its_grey_levels_is_not_too_dark() -> None:
    assert problems(replace(GOOD, under_exposure=0.9)) == ()
    assert problems(replace(GOOD, under_exposure=0.9, dynamic_range=4.0)) == ("too_dark",)


@given(qualities)
def test_advice_says_each_thing_once_and_begins_with_what_is_needed(quality: Quality) -> None:
    said = advice(quality)
    needed = tuple(HELPS[name] for name in problems(quality))
    assert said[: len(needed)] == needed
    assert len(set(said)) == len(said)
    assert set(said) <= set(INSTRUCTIONS)
