"""The benchmark of face analysis."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from likeness.bench import faces, whole
from likeness.errors import BadInput, SourceUnreadable, UsageError
from likeness.faces.detect import FoundBox


class Portraits(NamedTuple):
    collins: NDArray[np.uint8]
    hopper: NDArray[np.uint8]


@pytest.fixture
def photos(tmp_path: Path, portraits: Portraits, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(whole, "FACES_A_PHOTO", (1, 2))
    monkeypatch.setattr(faces, "CURVE_COPIES", 1)
    monkeypatch.setattr(faces, "CHIPS", 4)
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, image in enumerate(portraits):
        Image.fromarray(image[20:320, 100:340]).save(folder / f"{number}.png")
    (folder / "notes.txt").write_text("not a photo")
    return folder


def test_alone_it_measures_passes_detections_and_templates(photos: Path) -> None:
    report = json.loads(json.dumps(faces.run(photos, repeats=1, threads=1).as_json()))
    assert report["schema"] == "likeness.bench.faces/1"
    assert report["photos"] == report["detect"]["faces"] == 2
    assert report["threads"] == 1 and report["against"] is None
    for milliseconds in (
        report["template_ms"],
        report["embed"]["ours_ms"],
        report["detect"]["ours_ms"],
        report["detect"]["ours_many_ms"],
    ):
        assert 0 < milliseconds < 60_000
    assert report["embed"]["ratio"] is None and report["detect"]["peer_ms"] is None


def test_against_dlib_it_says_how_close_and_how_much_faster(photos: Path) -> None:
    pytest.importorskip("dlib")
    report = faces.run(photos, against="dlib", repeats=1)
    assert report.detect.recall == 1.0 and report.detect.extra == 0
    assert report.embed.max_abs is not None and report.embed.max_abs < 1e-5
    assert report.embed.peer_ms is not None and report.detect.peer_ms is not None
    assert report.embed.ratio == pytest.approx(
        report.embed.peer_ms / report.embed.ours_ms, rel=0.01
    )
    assert report.detect.ratio == pytest.approx(
        report.detect.peer_ms / report.detect.ours_ms, rel=0.01
    )
    # Far below what a quiet machine shows: this tells that the figures are the right way round.
    assert report.embed.ratio > 2 and report.detect.ratio > 2


def test_without_dlib_it_says_how_to_get_it(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.import_module

    def without(name: str, package: str | None = None) -> object:
        if name == "dlib":
            raise ImportError(name)
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(UsageError, match="pip install"):
        faces.run(photos, against="dlib", repeats=1)


def test_a_folder_that_cannot_be_measured_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match="missing"):
        faces.run(tmp_path / "missing", repeats=1)
    (tmp_path / "notes.txt").write_text("not a photo")
    with pytest.raises(BadInput, match="no photo"):
        faces.run(tmp_path, repeats=1)
    Image.new("RGB", (60, 60)).save(tmp_path / "black.png")
    with pytest.raises(BadInput, match="shows a face"):
        faces.run(tmp_path, repeats=1)


def test_against_face_recognition_the_whole_is_measured_and_recall_by_labels(
    photos: Path, tmp_path: Path
) -> None:
    pytest.importorskip("dlib")
    labels = tmp_path / "labels.jsonl"
    labels.write_text(
        '{"photo": "0.png", "boxes": [[80, 30, 175, 160]]}\n{"photo": "1.png", "boxes": []}\n'
    )
    report = faces.run(photos, against="face_recognition", labels=labels, repeats=1)
    assert report.measured is not None and "face_recognition" in report.measured
    assert report.whole.peer_ms is not None and report.whole.peer_ms > 0
    assert report.whole.ours_faces == report.whole.peer_faces == 2
    assert report.whole.ratio == pytest.approx(
        report.whole.peer_ms / report.whole.ours_ms, rel=0.01
    )
    assert report.detect.recall == 1.0 and report.embed.peer_ms is None
    assert report.labelled is not None and report.labelled.peer is not None
    for one in (report.labelled.ours, report.labelled.peer):
        assert (one.faces, one.recall, one.false_a_photo) == (1, 1.0, 0.5)
    assert [point.faces for point in report.curve] == [1, 2]
    assert all(point.found == point.faces and point.ratio for point in report.curve)


def test_no_repeats_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="0 repeats"):
        faces.run(tmp_path, repeats=0)


def found(left: int, score: float) -> FoundBox:
    return FoundBox(box=(left, 0, left + 80, 80), score=score)


def test_agreement_counts_what_the_peer_is_sure_of() -> None:
    ours = [[found(0, 1.0), found(200, 0.5), found(400, 0.05)], []]
    theirs = [[found(4, 0.95), found(230, 0.7), found(600, 0.02)], [found(0, 0.4)]]
    recall, extra = faces._agreement(ours, theirs, least=0.5, sure=0.1)
    assert recall == pytest.approx(1 / 3)
    assert extra == 1
    assert faces._agreement([[]], [[]], least=0.5, sure=0.1) == (1.0, 0)


def test_a_face_is_one_with_the_box_that_fits_it_best() -> None:
    ours = [[found(20, 1.0), found(0, 1.0)]]
    theirs = [[found(2, 1.0), found(30, 1.0)]]
    assert faces._agreement(ours, theirs, least=0.3, sure=0.0) == (1.0, 0)
