"""Landmarks against dlib, which trained the model."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from likeness.errors import ModelFileInvalid
from likeness.faces.landmarks import LANDMARKS, LandmarkCascade

MODEL = "models/shape_predictor_5_face_landmarks.dat"


@pytest.fixture(scope="module")
def model_path() -> Path:
    spec = find_spec("face_recognition_models")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent / MODEL


@pytest.fixture(scope="module")
def cascade(model_path: Path) -> LandmarkCascade:
    return LandmarkCascade.read(model_path)


@pytest.fixture(scope="module")
def reference(model_path: Path) -> Any:
    dlib = pytest.importorskip("dlib")
    return dlib.shape_predictor(str(model_path))


def by_dlib(reference: Any, image: NDArray[np.uint8], boxes: list[Any]) -> NDArray[np.int64]:
    import dlib

    found = []
    for left, top, right, bottom in boxes:
        shape = reference(image, dlib.rectangle(left, top, right - 1, bottom - 1))
        found.append([(shape.part(i).x, shape.part(i).y) for i in range(LANDMARKS)])
    return np.array(found)


BOXES = [
    (173, 70, 288, 185),
    (150, 60, 300, 210),
    (200, 100, 260, 160),
    (-40, -30, 200, 210),
    (400, 400, 560, 560),
    (10, 20, 11, 21),
    (100, 100, 400, 250),
]


@pytest.mark.parametrize("name", ["collins", "hopper"])
@pytest.mark.parametrize("grey", [False, True])
def test_landmarks_on_the_package_portraits_are_those_of_dlib(
    cascade: LandmarkCascade, reference: Any, portraits: Any, name: str, grey: bool
) -> None:
    image = getattr(portraits, name)
    if grey:
        image = np.ascontiguousarray(image[..., 1])
    found = cascade.locate(image, BOXES)
    assert found.dtype == np.float32 and found.shape == (len(BOXES), LANDMARKS, 2)
    assert np.abs(found - by_dlib(reference, np.array(image), BOXES)).max() < 0.1


def test_landmarks_on_the_group_photos_are_those_of_dlib(
    cascade: LandmarkCascade, reference: Any, eval_photos: Path
) -> None:
    lines = (eval_photos / "groups.jsonl").read_text().splitlines()[:40]
    faces = 0
    for entry in map(json.loads, lines):
        with Image.open(eval_photos / "groups" / entry["photo"]) as file:
            image = np.asarray(file.convert("RGB"))
        boxes = [tuple(int(edge) for edge in box) for box in entry["boxes"]]
        found = cascade.locate(image, boxes)
        assert np.abs(found - by_dlib(reference, image, boxes)).max() < 0.1, entry["photo"]
        faces += len(boxes)
    assert faces > 40


@given(
    left=st.integers(-200, 600),
    top=st.integers(-200, 600),
    width=st.integers(20, 400),
    ratio=st.floats(0.5, 2.0),
)
def test_any_box_that_a_face_could_have_gives_the_landmarks_of_dlib(
    cascade: LandmarkCascade,
    reference: Any,
    portraits: Any,
    left: int,
    top: int,
    width: int,
    ratio: float,
) -> None:
    box = (left, top, left + width, top + round(width * ratio))
    found = cascade.locate(portraits.collins, [box])
    assert np.abs(found - by_dlib(reference, np.array(portraits.collins), [box])).max() < 0.1


def test_many_faces_at_once_are_found_as_one_by_one(
    cascade: LandmarkCascade, portraits: Any
) -> None:
    together = cascade.locate(portraits.collins, BOXES)
    apart = [cascade.locate(portraits.collins, [box])[0] for box in BOXES]
    assert np.array_equal(together, np.stack(apart))


def test_faces_of_many_images_are_found_as_image_by_image(
    cascade: LandmarkCascade, portraits: Any
) -> None:
    grey = np.ascontiguousarray(portraits.hopper[:, :, 0])
    images = [portraits.collins, portraits.hopper, grey, portraits.collins]
    boxes = [BOXES[:2], [], BOXES[2:4], BOXES[4:]]
    together = cascade.locate_many(images, boxes)
    assert [len(found) for found in together] == [2, 0, 2, 3]
    for image, own, found in zip(images, boxes, together, strict=True):
        assert np.array_equal(found, cascade.locate(image, own))


def test_no_boxes_give_no_landmarks(cascade: LandmarkCascade, portraits: Any) -> None:
    assert cascade.locate(portraits.collins, []).shape == (0, LANDMARKS, 2)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((20, 20, 4), dtype=np.uint8),
        np.zeros((20, 20, 3), dtype=np.float32),
        np.zeros((0, 20, 3), dtype=np.uint8),
    ],
)
def test_an_image_of_another_kind_is_refused(
    cascade: LandmarkCascade, image: NDArray[np.uint8]
) -> None:
    with pytest.raises(ValueError, match="image"):
        cascade.locate(image, [(0, 0, 10, 10)])


def test_an_empty_box_is_refused(cascade: LandmarkCascade, portraits: Any) -> None:
    with pytest.raises(ValueError, match="empty"):
        cascade.locate(portraits.collins, [(10, 10, 10, 20)])


def test_a_missing_model_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFileInvalid, match=r"absent\.dat"):
        LandmarkCascade.read(tmp_path / "absent.dat")


def test_a_damaged_model_file_is_refused(model_path: Path, tmp_path: Path) -> None:
    good = model_path.read_bytes()
    damaged = {
        "empty": b"",
        "text": b"this is no model file at all",
        "short": good[: len(good) // 2],
        "one byte short": good[:-1],
        "one byte long": good + b"\x00",
        "another version": b"\x01\x02" + good[2:],
        "another count": good.replace(b"\x02\xf4\x01\x01\x0f", b"\x02\xf4\x02\x01\x0f", 1),
    }
    for name, data in damaged.items():
        path = tmp_path / "model.dat"
        path.write_bytes(data)
        with pytest.raises(ModelFileInvalid, match=r"model\.dat"):
            LandmarkCascade.read(path)
            pytest.fail(f"{name} was read")


def test_the_model_of_68_landmarks_is_refused(model_path: Path, tmp_path: Path) -> None:
    start = (model_path.parent / "shape_predictor_68_face_landmarks.dat").read_bytes()[:4000]
    path = tmp_path / "model.dat"
    path.write_bytes(start)
    with pytest.raises(ModelFileInvalid):
        LandmarkCascade.read(path)
