"""Which frames are looked at and which become photos, on thumbnails alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from likeness.sources.video.frame_choice import (
    CELLS,
    NEAR,
    SHORTEST_MS,
    FrameChoice,
    mean_difference,
    near_identical,
    thumbnail_size,
)


def scene(seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (36, 64), dtype=np.uint8)


def flat(shade: int) -> NDArray[np.uint8]:
    return np.full((3, 54, 96), shade, np.uint8)


def sampled(times: list[int], scenes: list[NDArray[np.uint8]]) -> list[int]:
    choice = FrameChoice()
    return [ms for ms, each in zip(times, scenes, strict=True) if choice.samples(ms, each)]


def test_a_scene_that_stands_still_is_looked_at_once_a_second() -> None:
    times = list(range(0, 5000, 40))
    assert sampled(times, [scene(1)] * len(times)) == [0, 1000, 2000, 3000, 4000]


def test_a_new_scene_is_looked_at_at_once() -> None:
    times = list(range(0, 2000, 40))
    scenes = [scene(1 if ms < 520 else 2) for ms in times]
    assert sampled(times, scenes) == [0, 520, 1000]


def test_a_new_scene_right_after_another_waits_a_quarter_of_a_second() -> None:
    times = list(range(0, 1000, 40))
    scenes = [scene(1 if ms < 520 else 2 if ms < 600 else 3) for ms in times]
    assert sampled(times, scenes) == [0, 520, 520 + SHORTEST_MS + 30]


def test_pictures_that_flicker_are_looked_at_four_times_a_second_at_most() -> None:
    times = list(range(0, 10_000, 20))
    found = sampled(times, [scene(number % 7) for number in range(len(times))])
    # And once more at the beginning of each second.
    assert len(found) <= 10 * (1000 // SHORTEST_MS)
    assert sum(gap < SHORTEST_MS for gap in np.diff(found)) <= 10


def test_movement_that_goes_on_is_no_change_of_scene() -> None:
    # Neighbouring frames differ by far more than a still camera's would, and always as much.
    ramp = np.tile(np.arange(64, dtype=np.int64) * 8 % 256, (36, 1))
    times = list(range(0, 3000, 40))
    scenes = [np.roll(ramp, 3 * number, axis=1).astype(np.uint8) for number in range(len(times))]
    assert mean_difference(scenes[0], scenes[1]) > 16
    assert [ms for ms in sampled(times, scenes) if ms > 500] == [1000, 2000]


@given(
    steps=st.lists(st.integers(0, 3000), max_size=60),
    seeds=st.lists(st.integers(0, 3), min_size=61, max_size=61),
)
def test_every_second_that_has_a_frame_has_one_that_is_looked_at(
    steps: list[int], seeds: list[int]
) -> None:
    times = [0, *np.cumsum(steps, dtype=np.int64).tolist()]
    found = sampled(times, [scene(seed) for seed in seeds[: len(times)]])
    assert {ms // 1000 for ms in found} == {ms // 1000 for ms in times}
    assert found == sorted(set(found))


@given(shades=st.lists(st.integers(0, 255), min_size=1, max_size=30))
def test_a_frame_is_dropped_only_where_it_is_like_the_last_that_was_kept(
    shades: list[int],
) -> None:
    choice = FrameChoice()
    last: int | None = None
    for shade in shades:
        keeps = choice.keeps(flat(shade))
        assert keeps == (last is None or abs(shade - last) > NEAR)
        last = shade if keeps else last


@pytest.mark.parametrize("channel", [0, 1, 2])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_single_cell_makes_a_difference_in_brightness_or_colour(channel: int, sign: int) -> None:
    other = flat(128)
    other[channel, 20, 30] = 128 + sign * (NEAR + 1)
    assert not near_identical(flat(128), other)
    other[channel, 20, 30] = 128 + sign * NEAR
    assert near_identical(flat(128), other)


def test_a_picture_of_another_shape_is_another_picture() -> None:
    assert not near_identical(flat(1), np.full((3, 96, 54), 1, np.uint8))
    assert mean_difference(scene(1), scene(1)[:, :30]) == 255


@given(width=st.integers(1, 16_384), height=st.integers(1, 16_384))
def test_a_thumbnail_has_cells_small_enough_for_a_face_and_not_too_many(
    width: int, height: int
) -> None:
    wide, high = thumbnail_size(width, height)
    assert min(wide, high) == CELLS
    assert max(wide, high) <= 4 * CELLS
    assert (wide >= high) == (width >= height) or wide == high
    if max(width, height) <= 4 * min(width, height):
        # A face of a twentieth of the height, and three quarters of that wide, covers a whole cell.
        assert height / high <= 0.05 * height / 2
        assert width / wide <= 1.02 * min(width, height) / CELLS
