"""The fields of manifests for packs that are fetched, and for embedders of any kind."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from likeness.errors import ModelFileInvalid, UsageError
from likeness.faces.components import load_parts
from likeness.faces.pack_store import stored_file
from likeness.faces.packs import (
    NOT_MEASURED,
    UNREACHABLE,
    Detection,
    Output,
    Pack,
    load_manifest,
    locate,
    read_verified,
    shipped_manifests,
)

MODEL = b"a network"
MANIFEST = f"""
name = "own"
version = "1"
summary = "For tests."
licence = "MIT"
commercial_use = true
training_data = "none"
accuracy = "0.9 of a test"
template_length = 512

[[files]]
role = "detector"
kind = "yunet"
path = "finder.onnx"
sha256 = "{hashlib.sha256(MODEL).hexdigest()}"
size = {len(MODEL)}
licence = "Apache-2.0"
url = ["https://one.example/finder.onnx", "https://two.example/finder.onnx"]

[[files]]
role = "embedder"
kind = "onnx"
path = "sub/network.onnx"
sha256 = "{"0" * 64}"
url = "https://one.example/network.onnx"

[detection]
threshold = 0.5
enlarge = 2

[preprocessing]
version = 1
alignment = "arcface-5"
chip = 112
mirror = false
colour = "BGR"
mean = [1, 2, 3]
scale = 0.5
points = [[38, 51], [73, 51], [56, 71], [41, 92], [70, 92]]

[output]
normalised = true

[provisional]
review = 0.35
why = "a test"
"""


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(MANIFEST, encoding="utf-8")
    return path


@pytest.fixture
def pack(manifest: Path) -> Pack:
    return load_manifest(manifest)


def test_every_field_is_read(pack: Pack) -> None:
    finder, network = pack.files
    assert (finder.size, finder.licence, len(finder.urls)) == (9, "Apache-2.0", 2)
    assert (network.size, network.licence, network.name) == (None, "", "network.onnx")
    assert network.urls == ("https://one.example/network.onnx",)
    assert pack.detection == Detection(threshold=0.5, options=(("enlarge", 2.0),))
    assert pack.detection.option("enlarge", 1.0) == 2.0 and pack.detection.option("step", 7) == 7
    how = pack.preprocessing
    assert (how.colour, how.mean, how.scale) == ("BGR", (1.0, 2.0, 3.0), (0.5, 0.5, 0.5))
    assert how.points is not None and how.points[4] == (70.0, 92.0)
    assert (pack.output, pack.accuracy) == (Output(normalised=True), "0.9 of a test")


@pytest.mark.parametrize("size", [0, 1, 10**6])
def test_without_thresholds_nothing_is_linked_and_the_provisional_one_proposes(
    pack: Pack, size: int
) -> None:
    given = pack.thresholds_for(size)
    assert given.strong == UNREACHABLE > 1 and given.beyond_calibration
    assert (given.review, given.floor, given.measured_on) == (0.35, 0.35, NOT_MEASURED)
    assert replace(pack, provisional=None).thresholds_for(size).floor == UNREACHABLE


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("size = 9", "size = 0", r"files\[0\]\.size"),
        ("size = 9", 'size = "9"', r"files\[0\]\.size"),
        ('url = "https://one', 'url = "ftp://one', r"files\[1\]\.url"),
        ('url = "https://one.example/network.onnx"', "url = 3", r"files\[1\]\.url"),
        ('"https://two.example/finder.onnx"]', "7]", r"files\[0\]\.url"),
        ("threshold = 0.5", 'threshold = "low"', r"detection\.threshold"),
        ("enlarge = 2", "enlarge = nan", r"detection\.enlarge"),
        ('colour = "BGR"', 'colour = "GBR"', r"preprocessing\.colour"),
        ('colour = "BGR"', 'colour = ["BGR"]', r"preprocessing\.colour"),
        ("mean = [1, 2, 3]", "mean = [1, 2]", r"preprocessing\.mean"),
        ("mean = [1, 2, 3]", "mean = [1, 2, inf]", r"preprocessing\.mean"),
        ("mean = [1, 2, 3]", "mean = true", r"preprocessing\.mean"),
        ("scale = 0.5", "scale = 0", r"preprocessing\.scale"),
        ("[70, 92]]", "[70, 92], [1, 1]]", r"preprocessing\.points"),
        ("[70, 92]]", "[70, 920]]", r"preprocessing\.points"),
        ("[70, 92]]", '[70, "x"]]', r"preprocessing\.points"),
        ("[[38, 51], [73, 51], [56, 71], [41, 92]", "[[1, 1], [1, 1], [1, 1], [1, 1]", "points"),
        ("chip = 112", "chip = 112\npadding = 0.25", r"preprocessing\.padding"),
        ("normalised = true", "normalised = 1", r"output\.normalised"),
        ("review = 0.35", "review = 3", r"provisional\.review"),
        ('why = "a test"', "", r"provisional\.why"),
        ('summary = "For tests."', "", "summary"),
        ('name = "own"', 'name = "own.toml"', "name may not end"),
        pytest.param("size = 9", "size = " + "9" * 5000, "is not TOML", id="a long number"),
    ],
)
def test_a_field_that_is_off_is_named(manifest: Path, old: str, new: str, named: str) -> None:
    assert old in MANIFEST
    manifest.write_text(MANIFEST.replace(old, new), encoding="utf-8")
    with pytest.raises(ModelFileInvalid, match=named):
        load_manifest(manifest)


def test_what_runs_as_a_program_is_no_package_that_brings_files(
    manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)
    text = MANIFEST.replace('url = "https://one', 'package = "__main__"\nurl = "https://one')
    manifest.write_text(text, encoding="utf-8")
    pack = load_manifest(manifest)
    with pytest.raises(ModelFileInvalid, match="__main__, which is not installed"):
        locate(pack, pack.file("embedder"))


def test_a_provisional_threshold_beside_measured_ones_is_refused(manifest: Path) -> None:
    measured = (
        "\n[[thresholds]]\ngallery_size = 1\nstrong = 0.9\nreview = 0.8\n"
        'margin = 0.0\nmeasured_on = "a test"\n'
    )
    manifest.write_text(MANIFEST + measured, encoding="utf-8")
    with pytest.raises(ModelFileInvalid, match="provisional"):
        load_manifest(manifest)


def test_the_fingerprint_covers_whatever_changes_a_template(pack: Pack) -> None:
    how = pack.preprocessing
    changing = [
        replace(pack, detection=None),
        replace(pack, detection=Detection(threshold=0.6)),
        replace(pack, output=Output()),
        replace(pack, output=Output(normalised=True, name="other")),
        *(
            replace(pack, preprocessing=replace(how, **change))
            for change in (
                {"colour": "RGB"},
                {"mean": (1.0, 2.0, 4.0)},
                {"scale": (0.5, 0.5, 0.6)},
                {"points": None},
            )
        ),
    ]
    assert len({pack.fingerprint, *(other.fingerprint for other in changing)}) == 9
    finder, network = pack.files
    keeping = [
        replace(pack, accuracy="", summary="", provisional=None),
        replace(pack, files=(replace(finder, urls=(), size=None, licence=""), network)),
    ]
    assert {other.fingerprint for other in keeping} == {pack.fingerprint}


def test_a_file_is_found_beside_the_manifest_and_where_it_is_installed(
    pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIKENESS_MODELS", str(tmp_path / "models"))
    finder = pack.file("detector")
    with pytest.raises(ModelFileInvalid, match="likeness models install own"):
        locate(pack, finder)
    installed = stored_file(finder.sha256, finder.name)
    assert installed == tmp_path / "models" / "files" / finder.sha256 / "finder.onnx"
    installed.parent.mkdir(parents=True)
    installed.write_bytes(MODEL)
    assert locate(pack, finder) == installed and read_verified(pack, finder) == MODEL
    (tmp_path / "finder.onnx").write_bytes(MODEL)
    assert locate(pack, finder) == tmp_path / "finder.onnx"


def test_a_file_of_another_size_or_content_is_refused(pack: Pack, tmp_path: Path) -> None:
    finder = pack.file("detector")
    (tmp_path / "finder.onnx").write_bytes(MODEL + b"!")
    with pytest.raises(ModelFileInvalid, match="10 bytes, not 9"):
        read_verified(pack, finder)
    (tmp_path / "finder.onnx").write_bytes(MODEL[::-1])
    with pytest.raises(ModelFileInvalid, match="SHA-256 differs"):
        read_verified(pack, finder)


def test_an_alignment_that_the_detector_has_no_landmarks_for_is_refused(pack: Pack) -> None:
    dlib = load_manifest("dlib")
    mixed = replace(dlib, preprocessing=pack.preprocessing)
    with pytest.raises(ModelFileInvalid, match="dlib-mmod does not find them"):
        load_parts(mixed, 1)


def test_the_packs_that_come_with_likeness_say_what_they_are() -> None:
    packs = {name: load_manifest(name) for name in shipped_manifests()}
    assert set(packs) >= {"dlib", "yunet-dlib", "opencv", "edgeface-xs"}
    assert {name for name, pack in packs.items() if not pack.commercial_use} == {"edgeface-xs"}
    for pack in packs.values():
        assert pack.summary.endswith(".") and pack.training_data
        assert pack.thresholds or pack.provisional
        assert all(file.package or file.urls for file in pack.files)
    assert packs["opencv"].thresholds == packs["edgeface-xs"].thresholds == ()
    assert packs["edgeface-xs"].preprocessing.scale == pytest.approx((1 / 127.5,) * 3, abs=0)
    assert len({pack.fingerprint for pack in packs.values()}) == len(packs)


@pytest.mark.parametrize("name", ["", "..", "../dlib", "/etc/passwd", "nothing\0here"])
def test_a_name_that_leads_elsewhere_is_no_pack(name: str) -> None:
    with pytest.raises(UsageError, match="no model pack"):
        load_manifest(name)
