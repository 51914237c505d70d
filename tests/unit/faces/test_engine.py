"""The face engine on the two package portraits."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from likeness.errors import ModelFileInvalid, UsageError
from likeness.faces.engine import FaceEngine
from likeness.records.face import DetectedFace


class Portraits(NamedTuple):
    collins: NDArray[np.uint8]
    hopper: NDArray[np.uint8]


CANONICAL = Path(__file__).resolve().parents[2] / "data" / "canonical_templates.json"


@pytest.fixture(scope="module")
def engine() -> FaceEngine:
    return FaceEngine.load()


def test_each_portrait_shows_one_face_where_it_is(engine: FaceEngine, portraits: Portraits) -> None:
    collins, hopper = (engine.find(image) for image in portraits)
    assert [face.box for face in collins] == [(173, 64, 271, 163)]
    assert len(hopper) == 1
    for (face,), image in zip((collins, hopper), portraits, strict=True):
        left, top, right, bottom = face.box
        assert 0 <= left < right <= image.shape[1] and 0 <= top < bottom <= image.shape[0]
        assert face.landmarks.shape == (5, 2) and face.landmarks.dtype == np.float32
        inside = (face.landmarks > (left, top)) & (face.landmarks < (right, bottom))
        assert inside.all()


def test_templates_are_unit_vectors_and_tell_people_apart(
    engine: FaceEngine, portraits: Portraits
) -> None:
    collins, hopper = (engine.templates(image, engine.find(image)) for image in portraits)
    assert collins.shape == hopper.shape == (1, engine.template_length)
    assert collins.dtype == np.float32
    assert np.linalg.norm(collins) == pytest.approx(1.0, abs=1e-6)
    other = (portraits.collins[20:400, 60:420] * 0.7).astype(np.uint8)
    again = engine.templates(other, engine.find(other))
    strong = engine.pack.thresholds_for(1).strong
    assert float(collins[0] @ again[0]) > strong > float(collins[0] @ hopper[0])


def test_templates_are_those_of_the_canonical_vectors(
    engine: FaceEngine, portraits: Portraits
) -> None:
    """Raise ``preprocessing.version`` in the manifest where this has to change."""
    canonical = json.loads(CANONICAL.read_text(encoding="utf-8"))
    assert canonical["preprocessing_version"] == engine.pack.preprocessing.version
    assert canonical["fingerprint"] == engine.fingerprint
    for name, image in zip(("collins", "hopper"), portraits, strict=True):
        made = engine.templates(image, engine.find(image))
        assert made[0] == pytest.approx(np.array(canonical["templates"][name]), abs=2e-6), name


@pytest.mark.parametrize("size", [150, 192, 256, 512])
def test_a_crop_of_any_size_gives_the_template_that_the_photo_gave(
    engine: FaceEngine, portraits: Portraits, size: int
) -> None:
    faces = engine.find(portraits.hopper)
    crops = engine.crops(portraits.hopper, faces, size=size)
    assert crops.shape == (1, size, size, 3) and crops.dtype == np.uint8
    direct = engine.templates(portraits.hopper, faces)
    assert np.array_equal(engine.templates_from_crops(crops), direct)


def test_many_photos_give_what_each_gives_alone(engine: FaceEngine, portraits: Portraits) -> None:
    both = np.concatenate([portraits.collins, portraits.collins[:, ::-1]], axis=1)
    empty = np.zeros((200, 300, 3), dtype=np.uint8)
    images = [portraits.collins, empty, portraits.hopper, both]
    found = engine.find_many(images)
    assert [len(faces) for faces in found] == [1, 0, 1, 2]
    made = engine.templates_many(images, found)
    assert [len(part) for part in made] == [1, 0, 1, 2]
    for image, faces, part in zip(images, found, made, strict=True):
        alone = engine.find(image)
        assert [face.box for face in faces] == [face.box for face in alone]
        assert part == pytest.approx(engine.templates(image, alone), abs=1e-6)
    assert engine.find_many([]) == []
    assert engine.templates_many([], []) == []
    assert [len(part) for part in engine.templates_many([empty], [[]])] == [0]


def test_a_photo_without_faces_gives_empty_arrays(engine: FaceEngine) -> None:
    image = np.zeros((100, 100, 3), dtype=np.uint8)
    assert engine.find(image) == []
    assert engine.templates(image, []).shape == (0, 128)
    assert engine.crops(image, []).shape == (0, 192, 192, 3)
    assert engine.quality(image, []) == []


def test_quality_is_given_for_each_face(engine: FaceEngine, portraits: Portraits) -> None:
    (quality,) = engine.quality(portraits.collins, engine.find(portraits.collins))
    assert 30 < quality.inter_eye < 60
    assert quality.inside == 1.0


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((10, 10), dtype=np.uint8),
        np.zeros((10, 10, 4), dtype=np.uint8),
        np.zeros((10, 10, 3), dtype=np.float64),
        np.zeros((0, 10, 3), dtype=np.uint8),
        [[[0, 0, 0]]],
        None,
    ],
)
def test_an_image_of_another_kind_is_refused(engine: FaceEngine, image: NDArray[np.uint8]) -> None:
    for call in (
        lambda: engine.find(image),
        lambda: engine.find_many([image]),
        lambda: engine.templates(image, []),
        lambda: engine.crops(image, []),
        lambda: engine.quality(image, []),
    ):
        with pytest.raises(UsageError, match="height, width, 3"):
            call()


@pytest.mark.parametrize(
    "crops",
    [
        np.zeros((150, 150, 3), dtype=np.uint8),
        np.zeros((1, 150, 192, 3), dtype=np.uint8),
        np.zeros((1, 100, 100, 3), dtype=np.uint8),
        np.zeros((1, 151, 151, 3), dtype=np.uint8),
        np.zeros((1, 192, 192, 3), dtype=np.int16),
    ],
)
def test_crops_of_another_kind_are_refused(engine: FaceEngine, crops: NDArray[np.uint8]) -> None:
    with pytest.raises(UsageError):
        engine.templates_from_crops(crops)


@pytest.mark.parametrize("size", [0, 148, 151, 2048])
def test_a_crop_of_an_impossible_size_is_refused(engine: FaceEngine, size: int) -> None:
    with pytest.raises(UsageError, match=str(size)):
        engine.crops(np.zeros((9, 9, 3), dtype=np.uint8), [], size=size)


def test_as_many_lists_of_faces_as_images_are_needed(engine: FaceEngine) -> None:
    faces: list[list[DetectedFace]] = []
    with pytest.raises(UsageError, match="1 images"):
        engine.templates_many([np.zeros((9, 9, 3), dtype=np.uint8)], faces)


def test_a_read_only_or_strided_image_is_taken(engine: FaceEngine, portraits: Portraits) -> None:
    mirrored = portraits.collins[:, ::-1]
    assert [face.box for face in engine.find(mirrored)] == [
        face.box for face in engine.find(mirrored.copy())
    ]


def test_the_number_of_threads_changes_no_result(engine: FaceEngine, portraits: Portraits) -> None:
    single = FaceEngine.load(threads=1)
    faces = single.find(portraits.collins)
    assert [face.box for face in faces] == [face.box for face in engine.find(portraits.collins)]
    one, many = (which.templates(portraits.collins, faces) for which in (single, engine))
    assert one == pytest.approx(many, abs=1e-6)
    assert single.fingerprint == engine.fingerprint


def test_a_manifest_that_does_not_fit_its_files_is_refused(
    engine: FaceEngine, tmp_path: Path
) -> None:
    source = engine.pack.folder / "dlib.toml"
    text = source.read_text(encoding="utf-8")
    for old, new, named in (
        ("template_length = 128", "template_length = 512", "128 numbers"),
        ("chip = 150", "chip = 112", "150 px"),
        (
            'alignment = "dlib-5"\nchip = 150\npadding = 0.25',
            'alignment = "arcface"\nchip = 150',
            "arcface",
        ),
        ('kind = "dlib-mmod"', 'kind = "yunet"', "enlarge"),
        ('kind = "dlib-cascade-5"', 'kind = "cascade"', "cascade"),
        ('kind = "dlib-resnet"', 'kind = "resnet"', "resnet"),
    ):
        assert old in text
        path = tmp_path / "pack.toml"
        path.write_text(text.replace(old, new), encoding="utf-8")
        with pytest.raises(ModelFileInvalid, match=named):
            FaceEngine.load(path)


def test_neither_dlib_nor_the_models_package_is_imported() -> None:
    script = (
        "import sys; from likeness.faces.engine import FaceEngine; FaceEngine.load();"
        "print([name for name in ('dlib', 'pkg_resources', 'face_recognition_models')"
        " if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_onnx_is_needed_only_where_a_model_is_built(engine: FaceEngine) -> None:
    script = (
        "import sys; from likeness.faces.engine import FaceEngine; FaceEngine.load();"
        "print('onnx' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
