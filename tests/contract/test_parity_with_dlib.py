"""dlib is the reference: the same faces, landmarks and embeddings from the same files.

The pack sets its detector otherwise than dlib does, to find more; here it is set as dlib's.

dlib is a test dependency alone. It needs seconds for a photo, so the hundred group photos are
marked slow, and six of them always run where the evaluation photos are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from likeness.bench.faces import intersection_over_union
from likeness.bench.peer import DlibFaces
from likeness.faces.components import load_detector, load_embedder
from likeness.faces.detect import Detector, FoundBox
from likeness.faces.embed import Embedder
from likeness.faces.engine import FaceEngine

pytest.importorskip("dlib", reason="dlib is not installed: pip install 'likeness[bench]'")

SAME_BOX = 0.8
SAME_SCORE = 0.1
NEAR_THRESHOLD = 0.1


class Portraits(NamedTuple):
    collins: NDArray[np.uint8]
    hopper: NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Both:
    """Ours and dlib, with the same files."""

    engine: FaceEngine
    detector: Detector
    embedder: Embedder
    dlib: DlibFaces


@pytest.fixture(scope="module")
def both() -> Both:
    engine = FaceEngine.load()
    return Both(
        engine=engine,
        detector=load_detector(replace(engine.pack, detection=None), None),
        embedder=load_embedder(engine.pack, None),
        dlib=DlibFaces(engine.pack),
    )


def differences(ours: Sequence[FoundBox], theirs: Sequence[FoundBox]) -> list[str]:
    """What one side found and the other did not, but for faces about as sure as the threshold."""
    left = list(ours)
    found = []
    for other in theirs:
        same = [
            one
            for one in left
            if intersection_over_union(one.box, other.box) >= SAME_BOX
            and abs(one.score - other.score) <= SAME_SCORE
        ]
        if same:
            left.remove(same[0])
        elif other.score >= NEAR_THRESHOLD:
            found.append(f"dlib alone: {other}")
    return found + [f"ours alone: {one}" for one in left if one.score >= NEAR_THRESHOLD]


def read(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.array(image.convert("RGB"))


def group_photos(folder: Path) -> list[Path]:
    photos = sorted((folder / "groups").glob("*.jpg"))[:100]
    assert len(photos) == 100
    return photos


def test_the_portraits_show_the_faces_that_dlib_finds(both: Both, portraits: Portraits) -> None:
    for image in portraits:
        ours, theirs = both.detector.find(image), both.dlib.find(image)
        assert len(theirs) == 1
        assert differences(ours, theirs) == []
        assert ours[0].score == pytest.approx(theirs[0].score, abs=1e-4)


def test_equal_chips_have_equal_embeddings(both: Both, portraits: Portraits) -> None:
    chips = [both.engine.crops(image, both.engine.find(image), size=150)[0] for image in portraits]
    chips += [chip[:, ::-1].copy() for chip in chips]
    chips += list(np.random.default_rng(1).integers(0, 256, (2, 150, 150, 3), dtype=np.uint8))
    chips += [np.full((150, 150, 3), level, dtype=np.uint8) for level in (0, 255)]
    ours = both.embedder.embeddings(np.stack(chips))
    theirs = both.dlib.embeddings(chips)
    assert np.abs(ours - theirs).max() < 1e-5


@pytest.mark.parametrize("shape", [(97, 143), (143, 97), (41, 260), (300, 33), (80, 80), (61, 61)])
def test_images_of_any_shape_are_laid_out_as_dlib_does(
    both: Both, portraits: Portraits, shape: tuple[int, int]
) -> None:
    """Scores near edges depend on what the layout puts beside them."""
    left, top, _, _ = both.detector.find(portraits.collins)[0].box
    image = portraits.collins[top - 5 : top - 5 + shape[0], left - 20 : left - 20 + shape[1]]
    image = np.ascontiguousarray(image)
    assert image.shape[:2] == shape
    assert differences(both.detector.find(image), both.dlib.find(image)) == []


def test_some_group_photos_show_the_faces_that_dlib_finds(both: Both, eval_photos: Path) -> None:
    for path in group_photos(eval_photos)[::17]:
        image = read(path)
        assert differences(both.detector.find(image), both.dlib.find(image)) == [], path.name


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_all_group_photos_show_the_faces_that_dlib_finds(both: Both, eval_photos: Path) -> None:
    faces = 0
    for path in group_photos(eval_photos):
        image = read(path)
        theirs = both.dlib.find(image)
        assert differences(both.detector.find(image), theirs) == [], path.name
        faces += len(theirs)
    assert faces > 100
