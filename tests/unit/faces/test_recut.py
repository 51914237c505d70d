"""Crops of one frame, cut again by another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from small_networks import ramp

from likeness.errors import UsageError
from likeness.faces.align import aligned_crops
from likeness.faces.crops import decode_crops, encode_crop
from likeness.faces.engine import FaceEngine
from likeness.faces.frames import Frame, arcface_5, dlib_5, dlib_5_by_five, mean_places
from likeness.faces.packs import load_manifest
from likeness.faces.recut import recut
from likeness.records.face import DetectedFace

FRAMES = [dlib_5(), dlib_5_by_five(), arcface_5()]
PHOTO = ramp((300, 300), (150.0, 150.0), 1.0, 0.0)


def nothing_found(images: Sequence[NDArray[np.uint8]]) -> list[list[DetectedFace]]:
    return [[] for _ in images]


def placed(frame: Frame, landmarks: Any = None) -> NDArray[np.float32]:
    """Landmarks of an average face in the middle of the photo."""
    kind = landmarks or frame.landmarks
    points = mean_places(kind, dlib_5()) + (75 - 0.5)
    return points[None].astype(np.float32)


@pytest.mark.parametrize("old", FRAMES, ids=lambda frame: frame.name)
@pytest.mark.parametrize("new", FRAMES, ids=lambda frame: frame.name)
@pytest.mark.parametrize("size", [192, 256])
def test_an_average_face_is_cut_from_a_crop_as_from_its_photo(
    old: Frame, new: Frame, size: int
) -> None:
    """Where nothing is found, landmarks lie where they do on average: here they do."""
    crops = aligned_crops(PHOTO, placed(old), size=size, frame=old)
    direct = aligned_crops(PHOTO, placed(new), size=new.inner, frame=new)[0].astype(int)
    again = recut(crops, old, new, nothing_found)[0].astype(int)
    # What the crop has not is black; a colour step is half a pixel of the photo.
    seen = again.sum(axis=-1) > 0
    assert seen.mean() > 0.9
    assert np.abs(again - direct)[seen].max() <= 5


def test_landmarks_found_in_the_crop_are_taken_and_those_far_off_are_not() -> None:
    old, new = dlib_5(), arcface_5()
    crops = aligned_crops(PHOTO, placed(old), size=192, frame=old)
    mean = mean_places("features", old) + 21 - 0.5

    def found(*points: Any) -> Any:
        faces = [
            DetectedFace(box=(0, 0, 9, 9), score=1.0, landmarks=p.astype(np.float32))
            for p in points
        ]
        return lambda images: [faces for _ in images]

    near, far = mean + np.array([3, 4]), mean + np.array([60, 0])
    taken = recut(crops, old, new, found(far, near))
    wanted = aligned_crops(crops[0], near[None].astype(np.float32), size=160, frame=new)
    assert np.array_equal(taken, wanted)
    assert np.array_equal(recut(crops, old, new, found(far)), recut(crops, old, new, nothing_found))


def test_no_crops_give_no_squares() -> None:
    none = np.zeros((0, 192, 192, 3), np.uint8)
    assert recut(none, dlib_5(), arcface_5(), nothing_found).shape == (0, 160, 160, 3)


@pytest.fixture(scope="module")
def dlib() -> FaceEngine:
    return FaceEngine.load("dlib")


@pytest.fixture(scope="module")
def yunet(eval_photos: Path) -> FaceEngine:
    return FaceEngine.load(replace(load_manifest("yunet-dlib"), folder=eval_photos / "packs"))


def test_crops_of_the_engines_own_frame_are_not_cut_again(dlib: FaceEngine, portraits: Any) -> None:
    crops = dlib.crops(portraits.collins, dlib.find(portraits.collins), size=192)
    plain = dlib.templates_from_crops(crops)
    assert np.array_equal(dlib.templates_from_crops(crops, alignment="dlib-5"), plain)


def test_an_alignment_that_nobody_knows_is_refused(dlib: FaceEngine) -> None:
    with pytest.raises(UsageError, match="mine-7"):
        dlib.templates_from_crops(np.zeros((1, 192, 192, 3), np.uint8), alignment="mine-7")


@pytest.mark.parametrize("size", [192, 256])
def test_templates_from_crops_of_the_other_frame_are_nearly_those_of_the_photo(
    dlib: FaceEngine, yunet: FaceEngine, eval_photos: Path, size: int
) -> None:
    agreements: dict[str, list[float]] = {"to features": [], "to corners": []}
    for path in sorted((eval_photos / "people").glob("B*/*_0001.jpg"))[:40]:
        with Image.open(path) as opened:
            image = np.asarray(opened.convert("RGB"))
        one, other = central(dlib, image), central(yunet, image)
        if not one or not other:
            continue
        for name, old, faces, new, wanted in (
            ("to features", dlib, one, yunet, other),
            ("to corners", yunet, other, dlib, one),
        ):
            crops = old.crops(image, faces, size=size)
            kept = decode_crops([encode_crop(crops[0])], size=size)
            made = new.templates_from_crops(kept, alignment=old.frame.name)
            agreements[name].append(float(made[0] @ new.templates(image, wanted)[0]))
    for cosines in agreements.values():
        assert len(cosines) >= 30
        assert np.median(cosines) > 0.98 and np.quantile(cosines, 0.1) > 0.96


def central(engine: FaceEngine, image: NDArray[np.uint8]) -> list[DetectedFace]:
    """The face nearest to the middle of a portrait."""
    middle = np.array([image.shape[1], image.shape[0]]) / 2
    faces = engine.find(image)
    return sorted(faces, key=lambda face: float(np.hypot(*(face.landmarks.mean(axis=0) - middle))))[
        :1
    ]
