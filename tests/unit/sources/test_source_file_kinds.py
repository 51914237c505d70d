"""What a file is by its name, and what is said of it."""

from __future__ import annotations

import pytest

from likeness.records.photo_formats import PHOTO_SUFFIXES
from likeness.records.video_formats import VIDEO_SUFFIXES
from likeness.sources.file_kinds import file_kind, folder_reason


@pytest.mark.parametrize(
    "name",
    ["a.jpg", "A.JPEG", "b.png", "c.WebP", "d.tif", "e.gif", "f.bmp", "g.HEIC", "h.mpo", "i.a.jpg"],
)
def test_a_photo_is_known_by_its_suffix(name: str) -> None:
    kind = file_kind(name)
    assert (kind.photo, kind.reason) == (True, "")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("IMG_1.CR2", "not a photo (camera raw: export it as JPEG or TIFF)"),
        ("a.avif", "not a photo (image format that is not read: export it as JPEG or PNG)"),
        ("takeout.zip", "not a photo (archive: add a platform's export by itself, unpack others)"),
        ("letter.docx", "not a photo"),
        ("no suffix", "not a photo"),
        (".secret.jpg", "hidden file"),
        ("Links.CSV", "not read: rename it to links.csv"),
    ],
)
def test_what_somebody_may_expect_to_be_read_is_told(name: str, reason: str) -> None:
    kind = file_kind(name)
    assert (kind.photo, kind.reason, kind.reported) == (False, reason, True)


@pytest.mark.parametrize(
    "name",
    ["links.csv", ".DS_Store", "thumbs.DB", "._a.jpg", "a.xmp", "a.jpg.json", "n.txt", ".nomedia"],
)
def test_what_stands_beside_photos_is_passed_over_with_a_reason(name: str) -> None:
    kind = file_kind(name)
    assert (kind.photo, kind.reported) == (False, False)
    assert kind.reason


@pytest.mark.parametrize("suffix", sorted(VIDEO_SUFFIXES))
def test_a_video_is_known_by_its_suffix_and_is_no_photo(suffix: str) -> None:
    assert suffix == suffix.casefold() and suffix.startswith(".")
    assert suffix not in PHOTO_SUFFIXES
    for name in (f"clip{suffix}", f"CLIP{suffix.upper()}", f"a.jpg{suffix}"):
        kind = file_kind(name)
        assert (kind.video, kind.photo, kind.reported) == (True, False, True)
        assert kind.reason == "not a photo (video)"
    hidden = file_kind(f".clip{suffix}")
    assert (hidden.video, hidden.reason, hidden.reported) == (False, "hidden file", True)


@pytest.mark.parametrize("name", ["a.jpg", "letter.docx", "module.ts", "._clip.mp4", "mp4"])
def test_what_is_no_video_is_not_taken_for_one(name: str) -> None:
    assert not file_kind(name).video


def test_hidden_and_system_folders_are_not_entered() -> None:
    assert folder_reason(".git") == "hidden folder"
    assert folder_reason("@eaDir")
    assert folder_reason("Summer 2024") == ""
