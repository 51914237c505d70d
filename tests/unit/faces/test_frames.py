"""Frames: where landmarks belong, and how places of one frame are found in another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.faces.align import aligned_crops, centre_chips
from likeness.faces.frames import (
    Frame,
    arcface_5,
    dlib_5,
    dlib_5_by_five,
    frame_name,
    frame_named,
    frame_of,
    mean_places,
    similarity,
)
from likeness.faces.packs import Preprocessing, load_manifest

FRAMES = [dlib_5(), dlib_5_by_five(), arcface_5()]
BY_NAME = {frame.name: frame for frame in FRAMES}


def test_arcfaces_points_are_those_of_its_112_pixels() -> None:
    frame = arcface_5()
    # A pixel whose middle is 0 begins at -0.5.
    in_chip = frame.points * 112 / 160 - 0.5
    assert in_chip[0] == pytest.approx([38.2946, 51.6963])
    assert in_chip[4] == pytest.approx([70.7299, 92.2041])


@pytest.mark.parametrize("name", BY_NAME)
def test_a_frame_is_known_by_its_name(name: str) -> None:
    frame = frame_named(name)
    assert frame is not None and frame.name == name
    assert np.array_equal(frame.points, BY_NAME[name].points)
    assert frame_named(f"{name}:0123456789ab") is not None
    assert frame_named(f"{name}x") is None


def test_the_name_of_a_packs_frame_says_what_its_crops_are() -> None:
    assert frame_name(load_manifest("dlib")) == "dlib-5"
    assert frame_name(load_manifest("yunet-dlib")) == "dlib-5-by-five"
    assert frame_name(load_manifest("opencv")) == "arcface-5"


def test_points_and_padding_of_a_manifests_own_make_another_name() -> None:
    how = Preprocessing(version=1, alignment="dlib-5", chip=150, mirror=True)
    plain, wide = frame_of(how), frame_of(replace(how, padding=0.4))
    assert plain is not None and wide is not None
    assert plain.name == "dlib-5" and wide.name.startswith("dlib-5:")
    points = tuple(
        (float(x), float(y)) for x, y in [(30, 40), (80, 40), (56, 60), (40, 90), (70, 90)]
    )
    own = replace(how, alignment="arcface-5", chip=112, points=points)
    one, other = frame_of(own), frame_of(replace(own, points=points[::-1]))
    assert one is not None and other is not None and one.name != other.name
    assert frame_of(replace(how, alignment="mine")) is None


@pytest.mark.parametrize("frame", FRAMES, ids=BY_NAME)
def test_own_landmarks_lie_at_the_frames_points(frame: Frame) -> None:
    assert np.array_equal(mean_places(frame.landmarks, frame), frame.points)


@pytest.mark.parametrize("frame", FRAMES, ids=BY_NAME)
def test_other_landmarks_lie_where_they_do_in_a_face(frame: Frame) -> None:
    """The nose is below the eyes and the mouth is below the nose, whatever the frame."""
    corners, features = mean_places("corners", frame), mean_places("features", frame)
    eyes = corners[:4].mean(axis=0)
    assert np.hypot(*(features[:2].mean(axis=0) - eyes)) < 0.05 * frame.inner
    assert eyes[1] < features[2, 1] < features[3:, 1].min()
    assert np.hypot(*(corners[4] - features[2])) < 0.15 * frame.inner


@given(angle=st.floats(-3, 3), scale=st.floats(0.1, 10), x=st.floats(-50, 50), y=st.floats(-50, 50))
def test_a_similarity_is_found_again(angle: float, scale: float, x: float, y: float) -> None:
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = arcface_5().points
    found, shift = similarity(points, points @ turn.T + (x, y))
    assert found == pytest.approx(turn, abs=1e-6 * scale)
    assert shift == pytest.approx(np.array([x, y]), abs=1e-3 * scale)


@pytest.mark.parametrize("frame", FRAMES, ids=BY_NAME)
@pytest.mark.parametrize("size", [192, 256])
def test_a_crop_of_any_frame_holds_its_inner_square_byte_for_byte(frame: Frame, size: int) -> None:
    image = np.random.default_rng(2).integers(0, 256, (400, 500, 3), dtype=np.uint8)
    for scale in (0.4, 1.3, 2.9):
        landmarks = ((frame.points - frame.inner / 2) * scale + (230, 180))[None].astype(np.float32)
        crop = aligned_crops(image, landmarks, size=size, frame=frame)
        alone = aligned_crops(image, landmarks, size=frame.inner, frame=frame)
        assert np.array_equal(centre_chips(crop, inner=frame.inner), alone)
        assert crop.max() > 0


@pytest.mark.parametrize("frame", FRAMES, ids=BY_NAME)
def test_a_square_that_lies_straight_in_the_photo_is_copied(frame: Frame) -> None:
    image = np.random.default_rng(3).integers(0, 256, (400, 500, 3), dtype=np.uint8)
    # Places begin at the corner of the first pixel, landmarks are middles of pixels.
    landmarks = (frame.points - 0.5 + (40, 60))[None].astype(np.float32)
    crop = aligned_crops(image, landmarks, size=frame.inner, frame=frame)[0].astype(int)
    wanted = image[60 : 60 + frame.inner, 40 : 40 + frame.inner].astype(int)
    assert np.abs(crop - wanted).mean() < 1
