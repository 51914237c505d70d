"""What every detector does, whichever network it runs: the same tests for each."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from likeness.bench.photos import intersection_over_union
from likeness.errors import BadInput, ModelFileInvalid
from likeness.faces.components import load_detector
from likeness.faces.detect import Detector
from likeness.faces.engine import FaceEngine
from likeness.faces.packs import Detection, Pack, load_manifest

KINDS = ["dlib", "yunet-dlib"]


@pytest.fixture(scope="module", params=KINDS)
def pack(request: pytest.FixtureRequest) -> Pack:
    found = load_manifest(str(request.param))
    if request.param == "dlib":
        return found
    folder: Path = request.getfixturevalue("eval_photos")
    return replace(found, folder=folder / "packs")


@pytest.fixture(scope="module")
def detector(pack: Pack) -> Detector:
    return load_detector(pack, 2)


def test_each_portrait_shows_one_face_around_the_eyes(detector: Detector, portraits: Any) -> None:
    for image, eyes in ((portraits.collins, (223, 115)), (portraits.hopper, (266, 190))):
        (face,) = detector.find(image)
        left, top, right, bottom = face.box
        assert all(type(side) is int for side in face.box)
        assert left < eyes[0] < right and top < eyes[1] < bottom
        assert np.isfinite(face.score)


def test_landmarks_are_in_the_box_and_in_their_order(detector: Detector, portraits: Any) -> None:
    for image in portraits:
        (face,) = detector.find(image)
        if face.landmarks is None:
            continue
        points = face.landmarks
        assert points.shape == (5, 2) and points.dtype == np.float32
        assert ((points > face.box[:2]) & (points < face.box[2:])).all()
        assert points[0, 0] < points[2, 0] < points[1, 0] and points[3, 0] < points[4, 0]
        assert points[:2, 1].max() < points[2, 1] < points[3:, 1].min()


def test_faces_come_surest_first_and_stay_apart(detector: Detector, portraits: Any) -> None:
    small = portraits.collins[::2, ::2]
    canvas = np.full((520, 800, 3), 128, np.uint8)
    canvas[:512, :512] = portraits.collins
    canvas[:256, 520:776] = small
    found = detector.find(canvas)
    assert len(found) >= 2
    assert all(
        intersection_over_union(one.box, other.box) < 0.5
        for one, other in itertools.combinations(found, 2)
    )
    assert [face.score for face in found] == sorted((f.score for f in found), reverse=True)


def test_many_images_give_what_each_gives_alone(detector: Detector, portraits: Any) -> None:
    images = [portraits.collins, np.zeros((40, 30, 3), np.uint8), portraits.hopper]
    images.append(np.ascontiguousarray(portraits.collins[:, ::-1]))
    together = detector.find_many(images)
    assert [[face.box for face in faces] for faces in together] == [
        [face.box for face in detector.find(image)] for image in images
    ]
    assert detector.find_many([]) == []


def test_a_mirrored_image_has_its_face_on_the_other_side(
    detector: Detector, portraits: Any
) -> None:
    (face,) = detector.find(portraits.collins)
    (mirrored,) = detector.find(np.ascontiguousarray(portraits.collins[:, ::-1]))
    width = portraits.collins.shape[1]
    back = (width - mirrored.box[2], mirrored.box[1], width - mirrored.box[0], mirrored.box[3])
    assert np.abs(np.array(back) - face.box).max() <= 10


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (31, 33), (64, 64)])
def test_an_image_without_a_face_gives_none_at_any_size(
    detector: Detector, shape: tuple[int, int]
) -> None:
    assert detector.find(np.full((*shape, 3), 90, np.uint8)) == []


def test_an_image_of_more_than_fifty_million_pixels_is_refused(detector: Detector) -> None:
    image: NDArray[np.uint8] = np.broadcast_to(np.zeros(3, np.uint8), (8000, 8000, 3))
    with pytest.raises(BadInput, match="too large"):
        detector.find(image)


def test_an_option_that_it_does_not_take_is_refused(pack: Pack) -> None:
    wrong = replace(pack, detection=Detection(options=(("mystery", 1.0),)))
    with pytest.raises(ModelFileInvalid, match="mystery"):
        load_detector(wrong, 1)


def test_the_engine_gives_the_same_boxes_with_landmarks(pack: Pack, portraits: Any) -> None:
    engine = FaceEngine.load(pack, threads=2)
    (face,) = engine.find(portraits.collins)
    assert [face.box] == [found.box for found in load_detector(pack, 1).find(portraits.collins)]
    assert face.landmarks.shape == (5, 2) and face.landmarks.dtype == np.float32
    templates = engine.templates(portraits.collins, [face])
    assert templates.shape == (1, pack.template_length)
    assert np.linalg.norm(templates[0]) == pytest.approx(1.0, abs=1e-5)
    crops = engine.crops(portraits.collins, [face], size=256)
    assert np.array_equal(engine.templates_from_crops(crops), templates)
