"""YuNet's adapter: a small network of its form whose answer is known, and the real one."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from PIL import Image
from small_networks import network, patches_network

from likeness.errors import BadInput, ModelFileInvalid
from likeness.faces.components import load_detector
from likeness.faces.detect import FoundBox
from likeness.faces.detect_yunet import YuNetDetector
from likeness.faces.engine import FaceEngine
from likeness.faces.packs import Detection, load_manifest
from likeness.faces.runtime import Model
from likeness.faces.yunet_graph import yunet_graph

LANDMARKS = [0.1, 0.2, 0.8, 0.25, 0.5, 0.5, 0.2, 0.8, 0.7, 0.9]
BOX = [0.5, 0.25, math.log(3), math.log(4)]


def blue_network() -> bytes:
    """Of YuNet's form: its score is how blue a cell is, its box and landmarks are always alike."""
    make = onnx.helper.make_node
    constants = [
        onnx.numpy_helper.from_array(np.array([0]), "first"),
        onnx.numpy_helper.from_array(np.array(1 / 255, np.float32), "share"),
        onnx.numpy_helper.from_array(np.array([1, -1, 1]), "column"),
    ]
    nodes = [
        make("Gather", ["image", "first"], ["blue"], axis=1),
        make("Mul", ["blue", "share"], ["light"]),
    ]
    for kind, values in (("bbox", BOX), ("kps", LANDMARKS)):
        constants.append(onnx.numpy_helper.from_array(np.array([values], np.float32), kind))
        zeros = np.zeros((1, len(values)), np.float32)
        constants.append(onnx.numpy_helper.from_array(zeros, f"no_{kind}"))
    for stride in (8, 16, 32):
        mean = f"mean_{stride}"
        pool = {"kernel_shape": [stride, stride], "strides": [stride, stride]}
        nodes.append(make("AveragePool", ["light"], [mean], **pool))
        nodes.append(make("Reshape", [mean, "column"], [f"cls_{stride}"]))
        nodes.append(make("Identity", [f"cls_{stride}"], [f"obj_{stride}"]))
        for kind in ("bbox", "kps"):
            nodes.append(make("Mul", [f"cls_{stride}", f"no_{kind}"], [f"none_{kind}_{stride}"]))
            nodes.append(make("Add", [f"none_{kind}_{stride}", kind], [f"{kind}_{stride}"]))
    made = [f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in (8, 16, 32)]
    return network(nodes, constants, given=[[1, 3, 640, 640]], made=made, shape=["a", "b", "c"])


@pytest.fixture(scope="module")
def blue() -> YuNetDetector:
    return YuNetDetector(Model(yunet_graph(blue_network(), name="blue.onnx"), threads=2))


def photo(
    *cells: tuple[int, int], size: tuple[int, int] = (100, 150), side: int = 8
) -> NDArray[np.uint8]:
    """Black, with some cells (column, row) of ``side`` pixels in blue, and one in red."""
    image = np.zeros((*size, 3), np.uint8)
    image[:side, :side, 0] = 255
    for column, row in cells:
        image[row * side : (row + 1) * side, column * side : (column + 1) * side, 2] = 255
    return image


def test_a_cell_says_where_the_box_and_the_landmarks_are(blue: YuNetDetector) -> None:
    (found,) = blue.find(photo((10, 7)))
    assert found.score == pytest.approx(1.0)
    # The middle is at ((10 + 0.5) * 8, (7 + 0.25) * 8), the sides are 3 and 4 cells.
    assert found.box == (72, 42, 96, 74)
    assert found.landmarks is not None and found.landmarks.dtype == np.float32
    wanted = (np.array(LANDMARKS).reshape(5, 2) + np.array([10, 7])) * 8
    assert found.landmarks == pytest.approx(wanted, abs=1e-4)


def test_the_surest_of_overlapping_boxes_stays_and_others_come_in_order(
    blue: YuNetDetector,
) -> None:
    image = photo((10, 7), (11, 7), (3, 3))
    image[7 * 8 : 8 * 8, 11 * 8 : 12 * 8, 2] = 200
    image[3 * 8 : 4 * 8, 3 * 8 : 4 * 8, 2] = 220
    assert [found.score for found in blue.find(image)] == pytest.approx([1.0, 220 / 255])


def test_faces_at_the_right_and_bottom_edge_of_any_size_are_found(blue: YuNetDetector) -> None:
    for height, width in ((40, 40), (41, 33), (64, 96), (65, 97), (100, 30)):
        column, row = (width - 8) // 8, (height - 8) // 8
        (found,) = blue.find(photo((column, row), size=(height, width)))
        assert found.box[:2] == (round((column - 1) * 8), round((row + 0.25 - 2) * 8))


def test_a_face_that_fills_a_large_photo_is_found_in_a_quarter_of_it(blue: YuNetDetector) -> None:
    found = blue.find(photo((3, 2), size=(600, 900), side=128))
    # A cell of stride 32 in the quarter: its box is 3 cells wide.
    (large,) = [box for box in found if abs(box.box[2] - box.box[0] - 3 * 32 * 4) <= 1]
    assert large.landmarks is not None and large.score == pytest.approx(1.0)
    wanted = ((np.array(LANDMARKS).reshape(5, 2) + np.array([3, 2])) * 32 + 0.5) * 4 - 0.5
    assert large.landmarks == pytest.approx(wanted, abs=1e-3)


def test_the_threshold_is_the_least_score() -> None:
    model = Model(yunet_graph(blue_network(), name="blue.onnx"), threads=1)
    image = photo((5, 5))
    image[..., 2] //= 2
    for threshold, count in ((0.49, 1), (0.51, 0), (None, 0)):
        assert len(YuNetDetector(model, threshold=threshold).find(image)) == count


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (b"\x08", "not an ONNX model"),
        (patches_network(), "not YuNet"),
        (b"", "not an ONNX model"),
    ],
)
def test_another_network_is_refused(model: bytes, said: str) -> None:
    with pytest.raises(ModelFileInvalid, match=said):
        yunet_graph(model, name="other.onnx")


@pytest.mark.parametrize("threshold", [-1.0, 0.0, 1.5])
def test_a_threshold_that_no_score_or_every_place_has_is_refused(threshold: float) -> None:
    pack = replace(load_manifest("yunet-dlib"), detection=Detection(threshold=threshold))
    with pytest.raises(ModelFileInvalid, match=r"detection\.threshold"):
        load_detector(pack, 1)


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e30])
def test_what_a_broken_network_puts_nowhere_is_no_face(value: float) -> None:
    data = blue_network().replace(
        np.array([LANDMARKS], np.float32).tobytes(),
        np.array([[*LANDMARKS[:-1], value]], np.float32).tobytes(),
    )
    broken = YuNetDetector(Model(yunet_graph(data, name="broken.onnx"), threads=1))
    assert broken.find(photo((10, 7))) == []


def test_an_image_that_is_too_large_is_refused(blue: YuNetDetector) -> None:
    image = np.broadcast_to(np.zeros(3, np.uint8), (8000, 8000, 3))
    with pytest.raises(BadInput, match="too large"):
        blue.find(image)


@pytest.fixture(scope="module")
def engine(eval_photos: Path) -> FaceEngine:
    """YuNet and dlib's embedder, with a threshold low enough to count false positives."""
    pack = load_manifest("yunet-dlib")
    return FaceEngine.load(
        replace(pack, folder=eval_photos / "packs", detection=Detection(threshold=0.4))
    )


def test_the_portraits_show_one_face_with_eyes_nose_and_mouth(
    engine: FaceEngine, portraits: Any
) -> None:
    for image in portraits:
        faces = engine.find(image)
        assert faces[0].score > 0.8 and [face for face in faces[1:] if face.score > 0.6] == []
        left_eye, right_eye, nose, left_mouth, right_mouth = faces[0].landmarks
        assert left_eye[0] < nose[0] < right_eye[0]
        assert left_mouth[0] < nose[0] < right_mouth[0]
        assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_recall_on_group_photos_is_at_least_95_percent_at_a_tenth_false_positive_a_photo(
    engine: FaceEngine, eval_photos: Path
) -> None:
    """Labels are boxes around ellipses that go up to the hair, YuNet's end at the forehead.

    Half of the labels begin a fifth of YuNet's height or more above it, so that much is added to
    what was found before a box is matched, at an intersection over union of a half.
    """
    lines = (eval_photos / "groups.jsonl").read_text(encoding="utf-8").splitlines()
    labels = [json.loads(line) for line in lines]
    images = [_read(eval_photos / "groups" / label["photo"]) for label in labels]
    found = engine.find_many(images)
    matches: list[tuple[float, bool]] = []
    for label, faces in zip(labels, found, strict=True):
        matches += _matches([FoundBox(box=f.box, score=f.score) for f in faces], label["boxes"])
    matches.sort(reverse=True)
    hits = np.cumsum([hit for _, hit in matches])
    false = np.arange(1, len(matches) + 1) - hits
    last = np.flatnonzero(false <= 0.1 * len(labels))[-1]
    recall = hits[last] / sum(len(label["boxes"]) for label in labels)
    assert recall >= 0.95, f"{recall:.4f} at a score of {matches[last][0]:.3f}"


def _matches(
    found: Sequence[FoundBox], labels: Sequence[Sequence[float]]
) -> list[tuple[float, bool]]:
    """Score of each box, and whether it is a label's own, surest first."""
    left = [np.array(label) for label in labels]
    made = []
    for face in found:
        box = np.array(face.box, dtype=float)
        box[1] -= 0.2 * (box[3] - box[1])
        shares = [_overlap(box, label) for label in left]
        hit = bool(shares) and max(shares) >= 0.5
        if hit:
            left.pop(int(np.argmax(shares)))
        made.append((face.score, hit))
    return made


def _overlap(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    common = float(np.prod(np.maximum(sides, 0)))
    areas = [float(np.prod(box[2:] - box[:2])) for box in (one, other)]
    return common / (sum(areas) - common)


def _read(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))
