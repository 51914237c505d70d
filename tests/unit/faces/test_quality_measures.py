"""The measures of a face one by one: what they say of drawings, and of a portrait made worse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from likeness.faces.align import aligned_crops
from likeness.faces.engine import FaceEngine
from likeness.faces.frames import Frame, arcface_5, dlib_5, dlib_5_by_five, mean_places
from likeness.faces.quality import measure
from likeness.faces.quality_measures import eyes_and_nose, pose_of
from likeness.records.face import DetectedFace, Quality

FRAMES = (dlib_5(), dlib_5(0.35), dlib_5_by_five(), arcface_5())


@pytest.fixture(scope="module")
def collins(portraits: Any) -> DetectedFace:
    [face] = FaceEngine.load().find(portraits.collins)
    return face


def at_mean(frame: Frame, *, eyes: float = 60.0) -> DetectedFace:
    """A face in the middle of 400 pixels, its landmarks at their mean places."""
    left, right, _ = eyes_and_nose(frame.points, frame.landmarks)
    factor = eyes / float(np.hypot(*(right - left)))
    points = (frame.points - frame.points.mean(axis=0)) * factor + 200
    return DetectedFace(box=(0, 0, 9, 9), score=1.0, landmarks=points.astype(np.float32))


def flat(level: int) -> NDArray[np.uint8]:
    return np.full((400, 400, 3), level, dtype=np.uint8)


def measured(image: NDArray[np.uint8], frame: Frame | None = None) -> Quality:
    frame = frame or dlib_5()
    return measure(image, [at_mean(frame)], frame=frame)[0]


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame.name)
def test_the_eye_on_the_left_comes_first_and_the_nose_is_below(frame: Frame) -> None:
    left, right, nose = eyes_and_nose(frame.points, frame.landmarks)
    assert left[0] < nose[0] < right[0]
    assert nose[1] > max(left[1], right[1])
    pose = pose_of(frame.points, frame.landmarks)
    assert abs(pose.yaw) < 0.05 and abs(pose.roll) < 1.0


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame.name)
def test_a_nose_to_the_right_is_a_turn_to_the_right_in_every_frame(frame: Frame) -> None:
    points = frame.points.copy()
    points[4 if frame.landmarks == "corners" else 2, 0] += 10
    assert 0.2 < pose_of(points, frame.landmarks).yaw < 0.6


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame.name)
def test_a_drawing_measures_alike_in_every_frame(frame: Frame) -> None:
    drawing = flat(0)
    drawing[:, 200:] = 255
    blurred = np.asarray(Image.fromarray(drawing).filter(ImageFilter.GaussianBlur(3)))
    found, expected = measured(blurred, frame), measured(blurred)
    assert found.inter_eye == pytest.approx(60.0, rel=1e-4)
    assert found.inside == 1.0
    assert found.sharpness == pytest.approx(expected.sharpness, rel=0.25)
    assert found.under_exposure == pytest.approx(expected.under_exposure, abs=0.05)
    assert found.over_exposure == pytest.approx(expected.over_exposure, abs=0.05)
    assert found.dynamic_range == pytest.approx(expected.dynamic_range, rel=0.1)


@pytest.mark.parametrize("frame", [dlib_5_by_five(), arcface_5()], ids=lambda frame: frame.name)
def test_a_portrait_measures_alike_in_every_frame(
    portraits: Any, collins: DetectedFace, frame: Frame
) -> None:
    expected = measure(portraits.collins, [collins])[0]
    middles = eyes_and_nose(collins.landmarks.astype(np.float64), "corners")
    # The other landmarks where they are on average, carried to this face by its eyes.
    places = mean_places("features", dlib_5())
    turn = (middles[1] - middles[0]) @ [1, 1j] / ((places[1] - places[0]) @ [1, 1j])
    there = (places - places[0]) @ [1, 1j] * turn + middles[0] @ [1, 1j]
    landmarks = np.stack([there.real, there.imag], axis=1).astype(np.float32)
    face = DetectedFace(box=collins.box, score=1.0, landmarks=landmarks)
    found = measure(portraits.collins, [face], frame=frame)[0]
    assert found.inter_eye == pytest.approx(expected.inter_eye, rel=0.01)
    assert found.roll == pytest.approx(expected.roll, abs=0.5)
    assert 0.6 < found.sharpness / expected.sharpness < 1.6
    assert found.dynamic_range == pytest.approx(expected.dynamic_range, abs=0.3)
    assert abs(found.unified - expected.unified) <= 5


@pytest.mark.parametrize(
    ("level", "under", "over"), [(0, 1, 0), (25, 1, 0), (26, 0, 0), (246, 0, 0), (248, 0, 1)]
)
def test_black_is_under_exposed_and_white_is_over_exposed(
    level: int, under: float, over: float
) -> None:
    quality = measured(flat(level))
    assert (quality.under_exposure, quality.over_exposure) == (under, over)
    assert (quality.dynamic_range, quality.unified) == (0.0, 0)
    assert quality.sharpness < 1e-3


@pytest.mark.parametrize("bits", [1, 2, 3])
def test_dynamic_range_is_the_entropy_of_the_grey_levels(bits: int) -> None:
    levels = np.linspace(40, 200, 2**bits).astype(np.uint8)
    # Vertical stripes two pixels wide once aligned: as many pixels of each level.
    stripes = np.repeat(levels[np.arange(200) % 2**bits], 2)
    image = np.repeat(np.broadcast_to(stripes[None, :, None], (400, 400, 3)), 1, axis=0)
    square = aligned_crops(image, at_mean(dlib_5()).landmarks[None], size=150)
    painted = np.ascontiguousarray(
        np.broadcast_to(levels[np.arange(150) % 2**bits][None, None, :, None], (1, 150, 150, 3))
    )
    assert painted.shape == square.shape
    quality = measure(image, [at_mean(dlib_5())], crops=painted)[0]
    assert quality.dynamic_range == pytest.approx(bits, abs=0.07)


def test_a_face_outside_the_photo_measures_nothing() -> None:
    face = at_mean(dlib_5())
    far = DetectedFace(
        box=face.box, score=1.0, landmarks=(face.landmarks + 5000).astype(np.float32)
    )
    quality = measure(flat(120), [far])[0]
    assert (quality.inside, quality.sharpness, quality.dynamic_range) == (0.0, 0.0, 0.0)
    assert quality.unified == 0


@given(side=st.sampled_from(["left", "right", "top", "bottom"]), more=st.floats(0, 30))
def test_cutting_more_off_never_leaves_more_inside(side: str, more: float) -> None:
    def inside(reach: float) -> float:
        edge = round(200 - reach) if side in ("left", "top") else round(200 + reach)
        image = flat(120)
        moved = at_mean(dlib_5()).landmarks.copy()
        if side == "left":
            image, moved = image[:, edge:], moved - np.float32([edge, 0])
        elif side == "right":
            image = image[:, :edge]
        elif side == "top":
            image, moved = image[edge:], moved - np.float32([0, edge])
        else:
            image = image[:edge]
        face = DetectedFace(box=(0, 0, 9, 9), score=1.0, landmarks=moved)
        return measure(np.ascontiguousarray(image), [face])[0].inside

    assert 0.0 < inside(40 - more) <= inside(40) < 1.0
    assert inside(199) == 1.0


@pytest.mark.parametrize("what", ["darker", "brighter", "blurred", "smaller"])
def test_a_portrait_made_worse_has_a_lower_unified_value(
    portraits: Any, collins: DetectedFace, what: str
) -> None:
    values = []
    for step in range(5):
        image, landmarks = portraits.collins, collins.landmarks
        if what in ("darker", "brighter"):
            light = (0.12 if what == "darker" else 8.0) ** (step / 2)
            linear = np.clip((image / 255) ** 2.2 * light, 0, 1)
            image = np.rint(255 * linear ** (1 / 2.2)).astype(np.uint8)
        elif what == "blurred":
            image = np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(2 * step)))
        else:
            side = round(512 * 0.6**step)
            image = np.asarray(Image.fromarray(image).resize((side, side)))
            landmarks = landmarks * np.float32(side / 512)
        face = DetectedFace(box=(0, 0, 9, 9), score=1.0, landmarks=landmarks)
        values.append(measure(image, [face])[0].unified)
    assert values[0] > 70
    assert values == sorted(values, reverse=True)
    assert values[-1] < (50 if what == "darker" else 20)


def test_faces_are_measured_alike_whatever_the_colour_of_their_skin(eval_photos: Path) -> None:
    engine = FaceEngine.load()
    unified = {}
    for group in ("White", "Black"):
        values = []
        for number in range(0, 40, 2):
            path = eval_photos / "demographics" / f"{group.lower()}-male-{number:03}.jpg"
            with Image.open(path) as file:
                pixels = np.asarray(file.convert("RGB"))
            faces = engine.find(pixels)[:1]
            values += [quality.unified for quality in engine.quality(pixels, faces)]
        assert len(values) >= 18
        unified[group] = float(np.mean(values))
    assert abs(unified["White"] - unified["Black"]) < 12
