"""Templates of references are averaged over several squares where the pack says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from likeness.errors import ModelFileInvalid, UsageError
from likeness.faces.align import centre_chips
from likeness.faces.components import load_embedder
from likeness.faces.embed import templates_of
from likeness.faces.engine import FaceEngine
from likeness.faces.manifest import read_manifest
from likeness.faces.packs import Pack, load_manifest
from likeness.faces.sampling import resized


@pytest.fixture(scope="module")
def engine() -> FaceEngine:
    return FaceEngine.load()


@pytest.fixture(scope="module")
def crops(engine: FaceEngine, portraits: tuple[NDArray[np.uint8], ...]) -> NDArray[np.uint8]:
    cut = [engine.crops(image, engine.find(image)[:1], size=256) for image in portraits]
    return np.concatenate(cut)


def with_squares(pack: Pack, *sides: int) -> Pack:
    return replace(pack, preprocessing=replace(pack.preprocessing, reference_squares=sides))


def test_a_reference_is_the_mean_over_the_squares_that_the_pack_names(
    engine: FaceEngine, crops: NDArray[np.uint8]
) -> None:
    assert engine.pack.preprocessing.reference_squares == (136, 150, 164)
    embedder = load_embedder(engine.pack, None)
    views = [resized(centre_chips(crops, inner=side), 150) for side in (136, 150, 164)]
    each = [embedder.embeddings(view) for view in views]
    each += [embedder.embeddings(np.ascontiguousarray(view[:, :, ::-1])) for view in views]
    mean = np.sum(each, axis=0)
    expected = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    assert engine.reference_templates(crops) == pytest.approx(expected, abs=1e-5)
    assert templates_of(embedder, *views, mirror=True) == pytest.approx(expected, abs=1e-5)


def test_without_squares_a_reference_has_the_template_of_a_face(
    engine: FaceEngine, crops: NDArray[np.uint8]
) -> None:
    plain = FaceEngine.load(with_squares(engine.pack))
    assert np.array_equal(plain.reference_templates(crops), engine.templates_from_crops(crops))


def test_a_reference_is_near_the_template_of_its_face(
    engine: FaceEngine, crops: NDArray[np.uint8]
) -> None:
    references = engine.reference_templates(crops)
    faces = engine.templates_from_crops(crops)
    assert np.linalg.norm(references, axis=1) == pytest.approx([1, 1], abs=1e-6)
    assert (references * faces).sum(axis=1).min() > 0.98
    assert not np.array_equal(references, faces)


def test_a_crop_too_small_for_the_squares_is_refused(
    engine: FaceEngine, crops: NDArray[np.uint8]
) -> None:
    small = centre_chips(crops, inner=150)
    with pytest.raises(UsageError, match="150 px wide"):
        engine.reference_templates(small)


def test_a_reference_cut_by_another_frame_is_cut_again_with_margin(
    engine: FaceEngine, crops: NDArray[np.uint8]
) -> None:
    other = FaceEngine.load(with_squares(engine.pack, 180))
    narrow = replace(other.pack.preprocessing, padding=0.2)
    again = FaceEngine.load(replace(other.pack, preprocessing=narrow))
    made = again.reference_templates(crops, alignment="dlib-5")
    assert (made * engine.reference_templates(crops)).sum(axis=1).min() > 0.95


def test_squares_are_part_of_the_fingerprint() -> None:
    pack = load_manifest("dlib")
    prints = {with_squares(pack, *sides).fingerprint for sides in ((), (150,), (136, 164))}
    assert len(prints) == 3


@pytest.mark.parametrize("squares", ["136", "[135]", "[62]", "[258]", "[136, 136]", "[true]"])
def test_squares_that_a_crop_does_not_hold_are_refused(
    squares: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = (load_manifest("dlib").folder / "dlib.toml").read_text(encoding="utf-8")
    path = tmp_path_factory.mktemp("packs") / "mine.toml"
    path.write_text(text.replace("[136, 150, 164]", squares), encoding="utf-8")
    with pytest.raises(ModelFileInvalid, match="reference_squares"):
        read_manifest(path)
