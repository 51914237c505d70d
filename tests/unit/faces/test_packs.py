"""Model packs and their manifests."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.errors import ModelFileInvalid, UsageError
from likeness.faces.packs import Pack, load_manifest, locate, read_verified

MANIFEST = """
name = "own"
version = "2"
summary = "For tests."
licence = "MIT"
commercial_use = false
training_data = "not published"
template_length = 4

[[files]]
role = "detector"
kind = "dlib-mmod"
path = "detector.bin"
sha256 = "{sha256}"
url = "https://example.org/detector.bin"

[[files]]
role = "embedder"
kind = "dlib-resnet"
path = "detector.bin"
sha256 = "{sha256}"

[preprocessing]
version = 1
alignment = "dlib-5"
chip = 150
padding = 0.25
mirror = true

[[thresholds]]
gallery_size = 10
strong = 0.9
review = 0.8
margin = 0.02
measured_on = "a test"

[[thresholds]]
gallery_size = 100
strong = 0.95
review = 0.85
margin = 0.02
measured_on = "a test"
"""


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    (tmp_path / "detector.bin").write_bytes(b"model")
    path = tmp_path / "own.toml"
    path.write_text(MANIFEST.format(sha256=hashlib.sha256(b"model").hexdigest()))
    return path


@pytest.fixture(scope="module")
def dlib_pack() -> Pack:
    return load_manifest("dlib")


def test_the_default_pack_names_files_that_are_installed_as_they_should_be(
    dlib_pack: Pack,
) -> None:
    assert (dlib_pack.name, dlib_pack.template_length) == ("dlib", 128)
    assert dlib_pack.licence == "CC0-1.0" and dlib_pack.commercial_use
    for file in dlib_pack.files:
        assert hashlib.sha256(read_verified(dlib_pack, file)).hexdigest() == file.sha256


def test_the_default_pack_is_calibrated_for_growing_galleries(dlib_pack: Pack) -> None:
    measured = dlib_pack.thresholds
    assert [thresholds.gallery_size for thresholds in measured] == [1, 10, 50, 100, 300, 1000]
    assert [x.strong for x in measured] == sorted(x.strong for x in measured)
    assert [x.review for x in measured] == sorted(x.review for x in measured)
    assert all(x.review < x.strong < 1 and x.measured_on for x in measured)


@given(size=st.integers(0, 10_000))
def test_a_gallery_gets_the_smallest_calibrated_size_that_is_not_below_it(
    dlib_pack: Pack, size: int
) -> None:
    chosen = dlib_pack.thresholds_for(size)
    sizes = [thresholds.gallery_size for thresholds in dlib_pack.thresholds]
    not_below = [known for known in sizes if known >= size]
    assert chosen.gallery_size == (min(not_below) if not_below else max(sizes))
    assert chosen.beyond_calibration == (not not_below)


def test_a_negative_gallery_size_is_refused(dlib_pack: Pack) -> None:
    with pytest.raises(UsageError):
        dlib_pack.thresholds_for(-1)


def test_a_pack_of_one_s_own_is_read_from_beside_its_manifest(manifest: Path) -> None:
    pack = load_manifest(manifest)
    assert load_manifest(str(manifest)) == pack
    assert locate(pack, pack.file("detector")) == manifest.parent / "detector.bin"
    assert read_verified(pack, pack.file("detector")) == b"model"
    with pytest.raises(ModelFileInvalid, match="landmarks"):
        pack.file("landmarks")


def test_a_changed_model_file_is_refused(manifest: Path) -> None:
    pack = load_manifest(manifest)
    (manifest.parent / "detector.bin").write_bytes(b"modem")
    with pytest.raises(ModelFileInvalid, match="SHA-256 differs"):
        read_verified(pack, pack.file("detector"))


def test_a_missing_model_file_is_named_with_where_it_can_be_had(manifest: Path) -> None:
    pack = load_manifest(manifest)
    (manifest.parent / "detector.bin").unlink()
    with pytest.raises(ModelFileInvalid, match=r"example\.org"):
        read_verified(pack, pack.file("detector"))


def test_a_missing_package_is_named_with_how_to_install_it(manifest: Path) -> None:
    pack = load_manifest(manifest)
    elsewhere = replace(pack.file("detector"), package="no_such_package_here")
    with pytest.raises(ModelFileInvalid, match="pip install no_such_package_here"):
        locate(pack, elsewhere)


def test_an_unknown_pack_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(UsageError, match="dlib"):
        load_manifest("facenet")


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('name = "own"', 'name = "../own"', "name"),
        ('name = "own"', "", "name"),
        ("commercial_use = false", 'commercial_use = "no"', "commercial_use"),
        ("template_length = 4", "template_length = 0", "template_length"),
        ("template_length = 4", "template_length = true", "template_length"),
        ("template_length = 4", "template_lenght = 4", "template_length"),
        ('role = "detector"', 'role = "critic"', r"files\[0\]\.role"),
        ('role = "embedder"', 'role = "detector"', "files"),
        ('path = "detector.bin"', 'path = "../detector.bin"', r"files\[0\]\.path"),
        ('path = "detector.bin"', 'path = "/etc/passwd"', r"files\[0\]\.path"),
        ('kind = "dlib-mmod"', 'kind = "dlib-mmod"\npackage = "a.b; c"', r"files\[0\]\.package"),
        ('kind = "dlib-mmod"', 'kind = "dlib-mmod"\nkindd = 1', r"files\[0\]\.kindd"),
        ("chip = 150", "chip = 1500000", r"preprocessing\.chip"),
        ("padding = 0.25", "padding = nan", r"preprocessing\.padding"),
        ("strong = 0.9\n", "strong = 1.5\n", r"thresholds\[0\]\.strong"),
        ("strong = 0.9\n", "strong = 0.7\n", r"thresholds\[0\]\.review"),
        ("gallery_size = 100", "gallery_size = 10", "thresholds"),
        ("[[thresholds]]", "[[thresholdz]]", "thresholdz"),
        ("[preprocessing]", "[preprocessing", "not TOML"),
    ],
)
def test_a_field_that_is_off_is_named(manifest: Path, old: str, new: str, named: str) -> None:
    text = manifest.read_text()
    assert old in text
    manifest.write_text(text.replace(old, new))
    with pytest.raises(ModelFileInvalid, match=named):
        load_manifest(manifest)


def test_a_manifest_that_is_no_text_or_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pack.toml"
    with pytest.raises(ModelFileInvalid, match="cannot be read"):
        load_manifest(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ModelFileInvalid, match="not TOML"):
        load_manifest(path)
    path.write_bytes(b"#" * 2_000_000)
    with pytest.raises(ModelFileInvalid, match="larger than"):
        load_manifest(path)


def test_the_fingerprint_covers_files_and_preprocessing_and_nothing_else(manifest: Path) -> None:
    pack = load_manifest(manifest)
    detector, embedder = pack.files
    changing = [
        replace(pack, preprocessing=replace(pack.preprocessing, version=2)),
        replace(pack, preprocessing=replace(pack.preprocessing, mirror=False)),
        replace(pack, preprocessing=replace(pack.preprocessing, padding=0.4)),
        replace(pack, files=(replace(detector, sha256="0" * 64), embedder)),
        replace(pack, files=(detector, replace(embedder, kind="other"))),
    ]
    keeping = [
        replace(pack, name="other", version="3", licence="none"),
        replace(pack, thresholds=pack.thresholds[:1]),
        replace(pack, files=(embedder, detector)),
        replace(pack, folder=pack.folder / "elsewhere"),
    ]
    assert len({pack.fingerprint, *(other.fingerprint for other in changing)}) == 6
    assert {other.fingerprint for other in keeping} == {pack.fingerprint}
