"""What is measured of a face, and which faces are too poor to enrol."""

from __future__ import annotations

import csv
import random
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from likeness.faces.align import aligned_crops
from likeness.faces.landmarks import LandmarkCascade
from likeness.faces.quality import EnrolmentFloor, measure, problem
from likeness.records.face import Box, DetectedFace, Quality

COLLINS: Box = (173, 70, 288, 185)


@pytest.fixture(scope="module")
def cascade() -> LandmarkCascade:
    spec = find_spec("face_recognition_models")
    assert spec is not None and spec.origin is not None
    models = Path(spec.origin).parent / "models"
    return LandmarkCascade.read(models / "shape_predictor_5_face_landmarks.dat")


def face_in(cascade: LandmarkCascade, image: NDArray[np.uint8], box: Box) -> DetectedFace:
    return DetectedFace(box=box, score=1.0, landmarks=cascade.locate(image, [box])[0])


def scaled(image: NDArray[np.uint8], box: Box, factor: float) -> tuple[NDArray[np.uint8], Box]:
    height, width = (int(side * factor) for side in image.shape[:2])
    small = Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC)
    left, top, right, bottom = (round(edge * factor) for edge in box)
    return np.asarray(small), (left, top, right, bottom)


def blurred(image: NDArray[np.uint8], sigma: float) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(sigma)))


def a_quality(**changes: Any) -> Quality:
    good = Quality(
        inter_eye=60.0,
        sharpness=50.0,
        yaw=0.0,
        roll=0.0,
        inside=1.0,
        under_exposure=0.0,
        over_exposure=0.0,
        dynamic_range=7.0,
        unified=90,
    )
    return replace(good, **changes)


def looking(nose: float, *, roll: float = 0.0) -> DetectedFace:
    """A face whose eyes are 40 px apart and whose nose lies that many pixels to the right."""
    points = np.array([[25, 0], [15, 0], [-25, 0], [-15, 0], [nose, 30]], dtype=np.float64)
    angle = np.radians(roll)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return DetectedFace(
        box=(200, 200, 300, 300), score=1.0, landmarks=(points @ turn + 250).astype(np.float32)
    )


def test_a_good_portrait_has_no_problem(cascade: LandmarkCascade, portraits: Any) -> None:
    quality = measure(portraits.collins, [face_in(cascade, portraits.collins, COLLINS)])[0]
    assert problem(quality) is None
    assert 40 < quality.inter_eye < 70
    assert abs(quality.yaw) < 0.3 and abs(quality.roll) < 15 and quality.inside == 1.0


def test_a_face_of_thirty_pixels_is_too_small(cascade: LandmarkCascade, portraits: Any) -> None:
    image, box = scaled(portraits.collins, COLLINS, 30 / 115)
    assert problem(measure(image, [face_in(cascade, image, box)])[0]) == "too_small"


def test_a_strongly_blurred_face_is_too_blurred(cascade: LandmarkCascade, portraits: Any) -> None:
    image = blurred(portraits.collins, 5)
    assert (
        problem(measure(image, [face_in(cascade, portraits.collins, COLLINS)])[0]) == "too_blurred"
    )


def test_sharpness_is_comparable_over_photo_sizes(cascade: LandmarkCascade, portraits: Any) -> None:
    whole = measure(portraits.collins, [face_in(cascade, portraits.collins, COLLINS)])[0].sharpness
    for factor in (1.5, 3.0):
        image, box = scaled(portraits.collins, COLLINS, factor)
        larger = measure(image, [face_in(cascade, image, box)])[0].sharpness
        assert 0.6 < larger / whole < 1.6


@pytest.mark.parametrize("nose", [-20.0, 20.0])
def test_a_nose_below_an_eye_is_a_profile(portraits: Any, nose: float) -> None:
    quality = measure(portraits.collins, [looking(nose)])[0]
    assert quality.yaw == pytest.approx(np.sign(nose))
    assert problem(a_quality(yaw=quality.yaw)) == "turned_away"


@pytest.mark.parametrize("roll", [-40.0, 0.0, 75.0])
def test_tilt_is_measured_in_degrees_and_leaves_the_turn_alone(portraits: Any, roll: float) -> None:
    quality = measure(portraits.collins, [looking(8.0, roll=roll)])[0]
    assert quality.roll == pytest.approx(roll, abs=1e-3)
    assert quality.yaw == pytest.approx(0.4, abs=1e-3)
    assert quality.inter_eye == pytest.approx(40.0, abs=1e-3)


def test_a_face_cut_by_the_edge_says_how_much_is_inside(
    cascade: LandmarkCascade, portraits: Any
) -> None:
    left, _, right, _ = COLLINS
    image = np.ascontiguousarray(portraits.collins[:, (left + right) // 2 :])
    whole = face_in(cascade, portraits.collins, COLLINS)
    moved = whole.landmarks - np.float32([(left + right) // 2, 0])
    cut = DetectedFace(box=COLLINS, score=1.0, landmarks=moved)
    assert 0.4 < measure(image, [cut])[0].inside < 0.65


@pytest.mark.parametrize("width", [10, 40, 150, 700])
@pytest.mark.parametrize("roll", [0.0, 33.0])
def test_the_black_outside_the_photo_does_not_count_as_sharp(width: int, roll: float) -> None:
    flat = np.full((1000, 1000, 3), 180, dtype=np.uint8)
    points = (looking(0.0, roll=roll).landmarks - 250) * np.float32(width / 40) + np.float32(500)
    face = DetectedFace(box=(0, 0, 9, 9), score=1.0, landmarks=np.rint(points))
    for image in (flat[:500], flat[500 - width // 2 :], flat[:, :503], flat[:, 497:]):
        shift = np.float32([1000 - image.shape[1], 1000 - image.shape[0]])
        moved = DetectedFace(box=face.box, score=1.0, landmarks=face.landmarks - shift)
        for each in (face, moved):
            assert measure(np.ascontiguousarray(image), [each])[0].sharpness < 1.0


def test_a_face_outside_the_photo_has_no_sharpness(portraits: Any) -> None:
    far = DetectedFace(
        box=(0, 0, 9, 9), score=1.0, landmarks=looking(0.0).landmarks + np.float32(5000)
    )
    quality = measure(portraits.collins, [far])[0]
    assert quality.inside == 0.0 and quality.sharpness == 0.0


def test_landmarks_in_one_point_are_too_small(portraits: Any) -> None:
    point = DetectedFace(
        box=(0, 0, 9, 9), score=1.0, landmarks=np.full((5, 2), 50, dtype=np.float32)
    )
    assert problem(measure(portraits.collins, [point])[0]) == "too_small"


def test_crops_that_the_caller_has_give_the_same_figures(
    cascade: LandmarkCascade, portraits: Any
) -> None:
    face = face_in(cascade, portraits.collins, COLLINS)
    crops = aligned_crops(portraits.collins, face.landmarks[None], size=256)
    ours, given = (
        measure(portraits.collins, [face]),
        measure(portraits.collins, [face], crops=crops),
    )
    assert ours[0].sharpness == given[0].sharpness


def test_no_faces_give_no_figures(portraits: Any) -> None:
    assert measure(portraits.collins, []) == []


def test_a_floor_can_be_set_elsewhere() -> None:
    assert problem(a_quality(inter_eye=25.0)) is None
    assert problem(a_quality(inter_eye=25.0), EnrolmentFloor(inter_eye=30.0)) == "too_small"
    assert problem(a_quality(sharpness=3.0), EnrolmentFloor(sharpness=2.0)) is None


def test_nearly_all_portraits_of_the_press_pass_and_no_blurred_one(
    cascade: LandmarkCascade, eval_photos: Path
) -> None:
    with (eval_photos / "people.csv").open() as file:
        photos = [row["photo"] for row in csv.DictReader(file)]
    chosen = random.Random(5).sample(photos, 120)
    # The faces of this set lie at the centre, all of about one size.
    box: Box = (78, 78, 173, 173)
    passed, blurred_passed = 0, 0
    for photo in chosen:
        with Image.open(eval_photos / "people" / photo) as file:
            image = np.asarray(file.convert("RGB"))
        face = face_in(cascade, image, box)
        passed += problem(measure(image, [face])[0]) is None
        blurred_passed += problem(measure(blurred(image, 3), [face])[0]) is None
    assert passed >= 0.95 * len(chosen)
    assert blurred_passed == 0
