"""Aligned crops against dlib's face chips, and the margin around them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from likeness.faces.align import CHIP_SIZE, aligned_crops, centre_chips, chip_places

MEAN_FACE = np.array(
    [[0.86, 0.21], [0.65, 0.23], [0.12, 0.21], [0.33, 0.23], [0.49, 0.63]], dtype=np.float64
)
PLACES = st.builds(
    lambda x, y, width, angle, jitter: (x, y, width, angle, jitter),
    st.floats(-60, 580),
    st.floats(-60, 580),
    st.floats(4, 700),
    st.floats(-math.pi, math.pi),
    st.integers(0, 2**16),
)


def landmarks_at(place: tuple[float, float, float, float, int]) -> NDArray[np.float32]:
    """Five whole pixels about the centre (x, y): a turned, scaled, slightly bent mean face."""
    x, y, width, angle, jitter = place
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    bend = np.random.default_rng(jitter).normal(0, 0.03, (5, 2))
    points = (MEAN_FACE - 0.5 + bend) * width @ turn + (x, y)
    return np.rint(points)[None].astype(np.float32)


def chip_of_dlib(image: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> NDArray[np.uint8]:
    dlib = pytest.importorskip("dlib")
    parts = [dlib.point(int(x), int(y)) for x, y in landmarks[0]]
    shape = dlib.full_object_detection(dlib.rectangle(0, 0, 10, 10), parts)
    chip: NDArray[np.uint8] = dlib.get_face_chip(np.array(image), shape, size=150, padding=0.25)
    return chip


def same(chip: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    """Equal, but for at most one byte in a thousand by 1.

    dlib sums up its least squares in another order, which changes the last bit of a float: a value
    next to a whole number may then be rounded down to the one below.
    """
    apart = np.abs(chip.astype(int) - other)
    return bool(apart.max() <= 1 and np.count_nonzero(apart) <= apart.size / 1000)


@pytest.mark.parametrize("shift", [0.02, 0.1, 0.5])
def test_a_chip_that_is_cut_a_little_aside_is_not_taken_for_dlibs(
    portraits: Any, shift: float
) -> None:
    landmarks = landmarks_at((225.0, 130.0, 90.0, 0.1, 1))
    aside = aligned_crops(portraits.collins, landmarks + np.float32(shift), size=150)[0]
    assert not same(aside, chip_of_dlib(portraits.collins, landmarks))


@given(place=PLACES)
@example(place=(0.0, 0.0, 354.5, 0.0, 394))
@example(place=(0.0, 183.0, 4.0, 0.0, 0))
def test_the_chip_is_dlibs(portraits: Any, place: Any) -> None:
    landmarks = landmarks_at(place)
    chip = aligned_crops(portraits.collins, landmarks, size=150)[0]
    assert same(chip, chip_of_dlib(portraits.collins, landmarks))


@pytest.mark.parametrize("width", [30, 120, 400, 900])
def test_a_larger_photo_with_more_halvings_gives_dlibs_chip_too(portraits: Any, width: int) -> None:
    large = np.kron(portraits.hopper, np.ones((3, 3, 1), dtype=np.uint8))
    landmarks = landmarks_at((700.0, 800.0, float(width), 0.2, 1))
    chip = aligned_crops(large, landmarks, size=150)[0]
    assert same(chip, chip_of_dlib(large, landmarks))


@given(place=PLACES, size=st.sampled_from([152, 192, 256]))
def test_a_crop_holds_the_chip_at_its_centre_byte_for_byte(
    portraits: Any, place: Any, size: int
) -> None:
    landmarks = landmarks_at(place)
    crops = aligned_crops(portraits.collins, landmarks, size=size)
    assert crops.shape == (1, size, size, 3) and crops.dtype == np.uint8
    chips = aligned_crops(portraits.collins, landmarks, size=CHIP_SIZE)
    assert np.array_equal(centre_chips(crops), chips)


def test_the_margin_shows_more_of_the_photo(portraits: Any) -> None:
    landmarks = landmarks_at((225.0, 130.0, 90.0, 0.0, 0))
    crop = aligned_crops(portraits.collins, landmarks, size=256)[0]
    assert (crop[:20].max(axis=-1) > 0).mean() > 0.9


def test_many_faces_are_cut_as_one_by_one(portraits: Any) -> None:
    places = [(225.0, 130.0, 90.0, 0.1, 1), (100.0, 300.0, 300.0, -2.0, 2), (0.0, 0.0, 9.0, 0.0, 3)]
    landmarks = np.concatenate([landmarks_at(place) for place in places])
    together = aligned_crops(portraits.collins, landmarks)
    apart = [aligned_crops(portraits.collins, one[None])[0] for one in landmarks]
    assert np.array_equal(together, np.stack(apart))


def test_no_faces_give_no_crops(portraits: Any) -> None:
    none = np.zeros((0, 5, 2), dtype=np.float32)
    assert aligned_crops(portraits.collins, none).shape == (0, 192, 192, 3)


@pytest.mark.parametrize("size", [148, 151, 0, -2])
def test_a_size_without_room_for_the_chip_is_refused(portraits: Any, size: int) -> None:
    with pytest.raises(ValueError, match="size"):
        aligned_crops(portraits.collins, landmarks_at((200.0, 200.0, 90.0, 0.0, 0)), size=size)


def test_landmarks_that_are_not_finite_are_refused(portraits: Any) -> None:
    landmarks = np.full((1, 5, 2), np.nan, dtype=np.float32)
    with pytest.raises(ValueError, match="finite"):
        aligned_crops(portraits.collins, landmarks)


@pytest.mark.parametrize(
    "landmarks",
    [
        np.full((1, 5, 2), 3.0, dtype=np.float32),
        np.full((1, 5, 2), 1e30, dtype=np.float32),
        (MEAN_FACE * 1e9)[None].astype(np.float32),
        (MEAN_FACE * 1e-3)[None].astype(np.float32),
    ],
)
def test_senseless_landmarks_still_give_a_crop(
    portraits: Any, landmarks: NDArray[np.float32]
) -> None:
    assert aligned_crops(portraits.collins, landmarks).shape == (1, 192, 192, 3)


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 3, 3), (7, 300, 3)])
def test_a_photo_smaller_than_a_face_still_gives_a_crop(shape: tuple[int, int, int]) -> None:
    image = np.full(shape, 200, dtype=np.uint8)
    landmarks = landmarks_at((1.0, 1.0, 90.0, 0.5, 0))
    crops = aligned_crops(image, landmarks)
    assert np.array_equal(centre_chips(crops), aligned_crops(image, landmarks, size=150))


def test_places_take_the_mean_eyes_to_the_eyes_of_the_photo() -> None:
    landmarks = landmarks_at((300.0, 200.0, 100.0, 0.4, 7))
    place = chip_places(landmarks)[0]
    mean = np.column_stack([(0.25 + MEAN_FACE) / 1.5 * CHIP_SIZE, np.ones(5)])
    assert np.abs(mean @ place.T - landmarks[0]).max() < 10


@pytest.mark.parametrize(
    "shape", [(1, 149, 149, 3), (1, 192, 190, 3), (1, 193, 193, 3), (192, 192, 3)]
)
def test_crops_of_another_shape_have_no_centre(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="crops"):
        centre_chips(np.zeros(shape, dtype=np.uint8))
